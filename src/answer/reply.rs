//! A reply being written: flags, sections, truncation at RRset boundaries (RFC 2181 §9) and EDNS.

use super::{Meta, Outcome, Refusal, Source, Validated};
use crate::guard::cookie::{Checked, Standing};
use crate::limits;
use crate::rrset::{Rdatas, write_rdata};
use crate::wire::{
    Class, ClientSubnet, Ede, Flags, Full, Mark, Name, NameBuf, Query, Rcode, Record, Rtype, Section, Writer,
    option, read_u16,
};
use crate::zone::RrsetRef;

/// Octets of an OPT record without options.
const OPT: isize = 11;

/// Octets of a client subnet option at its largest.
const SUBNET: isize = 24;

/// Octets of a cookie option.
const COOKIE: isize = 28;

/// A reply. Whatever does not fit sets TC and is left out whole.
pub(super) struct Reply<'o, 'a> {
    writer: Writer<'o>,
    /// Where the question ends.
    start: Mark,
    flags: Flags,
    edns: bool,
    cookie: Option<Checked>,
    /// Octets held back for the OPT record.
    reserved: isize,
    dnssec_ok: bool,
    secure: bool,
    truncated: bool,
    min_ttl: u32,
    ede: Option<Ede>,
    /// Text of the extended error, a copy: it may come from where the next lookup writes.
    text: Text,
    /// The query's TSIG record: that its key is not known is told in one of our own.
    tsig: Option<Record<'a>>,
    /// The response code, all twelve bits.
    pub rcode: Rcode,
    /// Where the last link came from.
    pub source: Source,
    /// The query's client subnet, its scope to be set.
    pub subnet: Option<ClientSubnet>,
}

/// A reply of nothing but a header, and OPT where that is called for, to what is no query to answer.
pub(super) struct Bare<'a> {
    pub id: u16,
    /// The query's flags.
    pub query: Flags,
    pub rcode: Rcode,
    /// Whether the query had an OPT record.
    pub edns: bool,
    pub cookie: Option<Checked>,
    pub ede: Option<(Ede, &'a str)>,
}

impl Bare<'_> {
    pub fn write(self, out: &mut [u8]) -> Meta {
        let Bare { id, query, rcode, edns, cookie, ede } = self;
        // RFC 8906 §3.1.3: the opcode comes back; of the other bits only RD.
        let flags = Flags(query.0 & 0x7800).with(Flags::QR, true).with(Flags::RD, query.has(Flags::RD));
        let mut writer = Writer::new(out, limits::MESSAGE, id, flags.with_rcode(rcode));
        if edns {
            // A header, an OPT record and its options are far below any limit.
            let fits = writer.opt(limits::UDP_PAYLOAD, (rcode.0 >> 4) as u8, false, |writer| {
                write_options(writer, cookie.as_ref(), None, ede)
            });
            debug_assert!(fits.is_ok());
        }
        let len = writer.finish();
        let cookie = cookie.map(|cookie| cookie.standing);
        let (source, validated) = (Source::Refused, None);
        Meta { len, min_ttl: u32::MAX, rcode, source, cookie, slipped: false, validated }
    }
}

/// Writes the options of an OPT record.
fn write_options(
    writer: &mut Writer<'_>,
    cookie: Option<&Checked>,
    subnet: Option<&ClientSubnet>,
    ede: Option<(Ede, &str)>,
) -> Result<(), Full> {
    if let Some(cookie) = cookie {
        writer.option(option::COOKIE, &cookie.reply)?;
    }
    if let Some(subnet) = subnet {
        writer.client_subnet(subnet)?;
    }
    match ede {
        Some((code, text)) => writer.ede(code, text),
        None => Ok(()),
    }
}

/// A short text.
#[derive(Clone, Copy)]
struct Text {
    octets: [u8; limits::EDE_TEXT],
    len: usize,
}

impl Default for Text {
    fn default() -> Text {
        Text { octets: [0; limits::EDE_TEXT], len: 0 }
    }
}

impl Text {
    /// As much of a text as there is room for.
    fn new(text: &str) -> Text {
        let mut copy = Text { len: text.floor_char_boundary(limits::EDE_TEXT), ..Text::default() };
        copy.octets[..copy.len].copy_from_slice(&text.as_bytes()[..copy.len]);
        copy
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.octets[..self.len]).unwrap_or_default()
    }
}

impl<'o, 'a> Reply<'o, 'a> {
    pub fn new(
        out: &'o mut [u8],
        limit: usize,
        query: &Query<'a>,
        recursion_available: bool,
        cookie: Option<Checked>,
    ) -> Reply<'o, 'a> {
        let flags = Flags::QR
            .with(Flags::RD, query.flags.has(Flags::RD))
            .with(Flags::RA, recursion_available)
            .with(Flags::CD, query.flags.has(Flags::CD));
        let mut writer = Writer::new(out, limit, query.id, flags);
        // A question is at most 259 octets and the least limit is 512.
        let fits = writer.question(query.question.name, query.question.rtype, query.question.class);
        debug_assert!(fits.is_ok());
        let edns = query.edns.is_some();
        let reserved = match (edns, &cookie) {
            (false, _) => 0,
            (true, None) => OPT + SUBNET,
            (true, Some(_)) => OPT + SUBNET + COOKIE,
        };
        writer.reserve(reserved);
        Reply {
            start: writer.mark(),
            writer,
            flags,
            edns,
            cookie,
            reserved,
            dnssec_ok: query.edns.is_some_and(|edns| edns.dnssec_ok),
            secure: false,
            truncated: false,
            min_ttl: u32::MAX,
            ede: None,
            text: Text::default(),
            tsig: query.tsig,
            rcode: Rcode::NOERROR,
            source: Source::Refused,
            subnet: None,
        }
    }

    /// Says that the first owner is ours.
    pub fn set_authoritative(&mut self) {
        self.flags = self.flags.with(Flags::AA, true);
    }

    /// Sets the response code and why; of a failure nothing else is said.
    pub fn fail(&mut self, rcode: Rcode, ede: Option<(Ede, &str)>) {
        self.writer.roll_back(self.start);
        (self.truncated, self.min_ttl) = (false, u32::MAX);
        self.flags = self.flags.with(Flags::AA, false).with(Flags::AD, false);
        self.secure = false;
        (self.rcode, self.ede) = (rcode, ede.map(|(code, _)| code));
        self.text = Text::new(ede.map_or("", |(_, text)| text));
    }

    /// Says something of the answer beside the answer (RFC 8914).
    pub fn remark(&mut self, ede: Ede, text: &str) {
        (self.ede, self.text) = (Some(ede), Text::new(text));
    }

    /// Says no more than that the query is not looked up, and why.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.fail(refusal.rcode, refusal.ede);
        self.source = Source::Refused;
    }

    /// What the client has shown with a cookie.
    pub fn standing(&self) -> Option<Standing> {
        self.cookie.map(|cookie| cookie.standing)
    }

    /// Ends the reply as one over the limit, without its content. With its new cookie a client may ask again at once (RFC 7873 §5.2.3,
    /// §5.2.4); one that sent none asks over TCP.
    pub fn slip(&mut self) -> Outcome {
        let rcode = if self.cookie.is_some() { Rcode::BADCOOKIE } else { Rcode::NOERROR };
        self.fail(rcode, Some((Ede::OTHER, "rate limited")));
        (self.truncated, self.source) = (self.cookie.is_none(), Source::Refused);
        let meta = self.finish();
        Outcome::Reply(Meta { slipped: true, ..meta })
    }

    /// Takes the scope for which the answer holds (RFC 7871 §7.2.1); of several the longest.
    pub fn narrow(&mut self, scope: u8) {
        if let Some(subnet) = &mut self.subnet {
            subnet.narrow(scope);
        }
    }

    /// Whether the answer has a record of this name and type: of a CNAME, that a chain has come round.
    pub fn answers(&self, name: Name<'_>, rtype: Rtype) -> bool {
        let mut records = self.writer.answers().flatten().filter(|record| record.rtype == rtype);
        records.any(|record| record.owner().is_ok_and(|owner| owner.as_name() == name))
    }

    /// Whether the authority section has a record of this name and type.
    pub fn has_in_authority(&self, name: Name<'_>, rtype: Rtype) -> bool {
        let mut records = self.writer.authority().flatten();
        records
            .any(|record| record.rtype == rtype && record.owner().is_ok_and(|owner| owner.as_name() == name))
    }

    /// The owner of the nth CNAME in the answer.
    pub fn nth_alias(&self, nth: usize) -> Option<NameBuf> {
        let mut aliases = self.writer.answers().flatten().filter(|record| record.rtype == Rtype::CNAME);
        aliases.nth(nth)?.owner().ok()
    }

    /// Notes that all of the answer was validated, and tells it to those who want to know (RFC 4035 §3.2.3).
    pub fn set_secure(&mut self, told: bool) {
        self.secure = true;
        self.flags = self.flags.with(Flags::AD, told);
    }

    /// Whether the client wants DNSSEC records that it has not asked for by type (RFC 3225 §3).
    pub fn is_dnssec_ok(&self) -> bool {
        self.dnssec_ok
    }

    /// Writes the RRSIGs of all these RRsets into the answer, as [`Reply::signed`] does a set.
    pub fn signatures<'r>(&mut self, owner: Name<'_>, sets: impl Iterator<Item = RrsetRef<'r>>) -> bool {
        let (mark, mut min_ttl) = (self.writer.mark(), self.min_ttl);
        for RrsetRef { ttl, signatures, .. } in sets.filter(|set| !set.signatures.is_empty()) {
            if self.records(Section::Answer, owner, Rtype::RRSIG, ttl, signatures).is_err() {
                self.writer.roll_back(mark);
                self.truncated = true;
                return false;
            }
            min_ttl = min_ttl.min(ttl);
        }
        self.min_ttl = min_ttl;
        true
    }

    /// Writes an RRset and, for a client that wants them, its RRSIGs (RFC 4035 §3.1.1), as one: whole or not at all; says which. In
    /// answer and authority what does not fit truncates the reply.
    pub fn signed(&mut self, section: Section, owner: Name<'_>, set: &RrsetRef<'_>) -> bool {
        let mark = self.writer.mark();
        let mut written = self.records(section, owner, set.rtype, set.ttl, set.rdatas);
        if self.dnssec_ok && written.is_ok() {
            written = self.records(section, owner, Rtype::RRSIG, set.ttl, set.signatures);
        }
        self.keep_whole(section, set.ttl, mark, written)
    }

    /// Keeps what was written since a mark, of this TTL, or takes it back where it did not fit; says which.
    fn keep_whole(&mut self, section: Section, ttl: u32, mark: Mark, written: Result<(), Full>) -> bool {
        match written {
            Ok(()) => self.min_ttl = self.min_ttl.min(ttl),
            Err(Full) => {
                self.writer.roll_back(mark);
                self.truncated |= section != Section::Additional;
            }
        }
        written.is_ok()
    }

    /// Writes an RRset that has no signature as [`Reply::signed`] does one that has.
    pub fn rrset(
        &mut self,
        section: Section,
        owner: Name<'_>,
        rtype: Rtype,
        ttl: u32,
        rdatas: Rdatas<'_>,
    ) -> bool {
        self.signed(section, owner, &RrsetRef { rtype, ttl, rdatas, signatures: Rdatas::EMPTY })
    }

    /// Writes the records of an RRset into the answer with data that is made of theirs, as [`Reply::signed`] does a set. They have no signatures.
    pub fn rewritten(
        &mut self,
        owner: Name<'_>,
        set: &RrsetRef<'_>,
        ttl: u32,
        write: impl Fn(&mut Writer<'_>, &[u8]) -> Result<(), Full>,
    ) -> bool {
        let mark = self.writer.mark();
        let written = set.rdatas.iter().try_for_each(|rdata| {
            self.writer.record(Section::Answer, owner, set.rtype, Class::IN, ttl)?;
            self.writer.rdata(|writer| write(writer, rdata))
        });
        self.keep_whole(Section::Answer, ttl, mark, written)
    }

    /// Writes a single record, which is its TTL and data, as [`Reply::signed`] does a set.
    pub fn signed_record(
        &mut self,
        section: Section,
        owner: Name<'_>,
        rtype: Rtype,
        (ttl, rdata): (u32, &[u8]),
        signatures: Rdatas<'_>,
    ) {
        let mark = self.writer.mark();
        let signatures = if self.dnssec_ok { signatures } else { Rdatas::EMPTY };
        let written = self
            .record(section, owner, rtype, ttl, rdata)
            .and_then(|()| self.records(section, owner, Rtype::RRSIG, ttl, signatures));
        self.keep_whole(section, ttl, mark, written);
    }

    /// Says that something was left out that the client needs (RFC 9471 §3.1: glue).
    pub fn truncate(&mut self) {
        self.truncated = true;
    }

    fn records(
        &mut self,
        section: Section,
        owner: Name<'_>,
        rtype: Rtype,
        ttl: u32,
        rdatas: Rdatas<'_>,
    ) -> Result<(), Full> {
        rdatas.iter().try_for_each(|rdata| self.record(section, owner, rtype, ttl, rdata))
    }

    fn record(
        &mut self,
        section: Section,
        owner: Name<'_>,
        rtype: Rtype,
        ttl: u32,
        rdata: &[u8],
    ) -> Result<(), Full> {
        self.writer.record(section, owner, rtype, Class::IN, ttl)?;
        self.writer.rdata(|writer| write_rdata(writer, rtype, rdata))
    }

    /// Writes OPT and header.
    pub fn finish(&mut self) -> Meta {
        if self.edns {
            self.writer.reserve(-self.reserved);
            self.write_opt();
        }
        if let Some(tsig) = self.tsig {
            // There is no room only for a key and algorithm with names of hundreds of octets.
            let mark = self.writer.mark();
            if write_bad_key(&mut self.writer, &tsig).is_err() {
                self.writer.roll_back(mark);
            }
        }
        self.writer.set_flags(self.flags.with(Flags::TC, self.truncated).with_rcode(self.rcode));
        Meta {
            len: self.writer.finish(),
            min_ttl: self.min_ttl,
            rcode: self.rcode,
            source: self.source,
            cookie: self.standing(),
            slipped: false,
            validated: match self.ede {
                Some(ede) if self.rcode == Rcode::SERVFAIL && ede.is_of_validation() => {
                    Some(Validated::Bogus)
                }
                _ if self.secure => Some(Validated::Secure),
                _ => None,
            },
        }
    }

    /// Writes the OPT record; the extended error's text, then its code, are left out where there is no room for them.
    fn write_opt(&mut self) {
        let (cookie, subnet, mark) = (self.cookie, self.subnet, self.writer.mark());
        let full = self.ede.map(|code| (code, self.text.as_str()));
        let short = self.ede.map(|code| (code, ""));
        for ede in [full, short, None] {
            let written =
                self.writer.opt(limits::UDP_PAYLOAD, (self.rcode.0 >> 4) as u8, self.dnssec_ok, |writer| {
                    write_options(writer, cookie.as_ref(), subnet.as_ref(), ede)
                });
            match written {
                Ok(()) => return,
                Err(Full) => self.writer.roll_back(mark),
            }
        }
    }
}

/// Says in a TSIG record that the query's key is not known (RFC 8945 §5.2.1, §5.3.2): key, algorithm and time come back, unsigned.
fn write_bad_key(writer: &mut Writer<'_>, query: &Record<'_>) -> Result<(), Full> {
    let (Ok(key), Ok((algorithm, rest))) = (query.owner(), Name::parse(query.rdata())) else { return Ok(()) };
    // Time signed (6), fudge (2), size of the MAC (2), the MAC, original id (2).
    let mac = read_u16(rest, 8).map_or(0, usize::from);
    let (Some(time), Some(id)) = (rest.get(..8), read_u16(rest, 10 + mac)) else { return Ok(()) };
    writer.record(Section::Additional, key.as_name(), Rtype::TSIG, Class::ANY, 0)?;
    writer.rdata(|writer| {
        writer.bytes(algorithm.as_bytes())?;
        writer.bytes(time)?;
        [0, id, Rcode::BADKEY.0, 0].into_iter().try_for_each(|number| writer.u16(number))
    })
}
