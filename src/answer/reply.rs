//! A reply being written: flags, sections, truncation at RRset boundaries (RFC 2181 §9) and EDNS.

use super::{Meta, Refusal, Source};
use crate::limits;
use crate::rrset::{Rdatas, write_rdata};
use crate::wire::{Class, ClientSubnet, Ede, Flags, Full, Mark, Name, Query, Rcode, Rtype, Section, Writer};

/// Octets of an OPT record without options.
const OPT: isize = 11;

/// Octets of a client subnet option at its largest.
const SUBNET: isize = 24;

/// A reply. Whatever does not fit sets TC and is left out whole.
pub(super) struct Reply<'o, 'a> {
    writer: Writer<'o>,
    /// Where the question ends.
    start: Mark,
    flags: Flags,
    edns: bool,
    dnssec_ok: bool,
    truncated: bool,
    min_ttl: u32,
    ede: Option<(Ede, &'a str)>,
    /// The response code, all twelve bits.
    pub rcode: Rcode,
    /// Where the last link came from.
    pub source: Source,
    /// The query's client subnet, its scope to be set.
    pub subnet: Option<ClientSubnet>,
}

/// A reply of nothing but a header, for queries whose question cannot be read.
pub(super) fn bare(out: &mut [u8], id: u16, query: Flags, rcode: Rcode) -> Meta {
    // RFC 8906 §3.1.3: the opcode comes back; of the other bits only RD.
    let flags =
        Flags(query.0 & 0x7800).with(Flags::QR, true).with(Flags::RD, query.has(Flags::RD)).with_rcode(rcode);
    let len = Writer::new(out, limits::MESSAGE, id, flags).finish();
    Meta { len, min_ttl: u32::MAX, rcode, source: Source::Refused }
}

impl<'o, 'a> Reply<'o, 'a> {
    pub fn new(
        out: &'o mut [u8],
        limit: usize,
        query: &Query<'_>,
        recursion_available: bool,
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
        if edns {
            writer.reserve(OPT + SUBNET);
        }
        Reply {
            start: writer.mark(),
            writer,
            flags,
            edns,
            dnssec_ok: query.edns.is_some_and(|edns| edns.dnssec_ok),
            truncated: false,
            min_ttl: u32::MAX,
            ede: None,
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
    pub fn fail(&mut self, rcode: Rcode, ede: Option<(Ede, &'a str)>) {
        self.writer.roll_back(self.start);
        (self.rcode, self.ede) = (rcode, ede);
    }

    /// The whole reply to a query that is not looked up.
    pub fn refuse(mut self, refusal: Refusal) -> Meta {
        self.fail(refusal.rcode, refusal.ede);
        self.finish()
    }

    /// Takes the scope for which the answer holds; of several the longest. RFC 7871 §7.2.1: a client that gave no prefix gets no
    /// scope.
    pub fn narrow(&mut self, scope: u8) {
        if let Some(subnet) = self.subnet.as_mut().filter(|subnet| subnet.source > 0) {
            subnet.scope = subnet.scope.max(scope);
        }
    }

    /// Whether this name already owns a record of the answer: then a chain has come round.
    pub fn has_answered(&self, name: Name<'_>) -> bool {
        self.writer
            .answers()
            .any(|record| record.is_ok_and(|r| r.owner().is_ok_and(|owner| owner.as_name() == name)))
    }

    /// Writes an RRset whole or not at all; says which. In answer and authority a set that does not fit truncates the reply.
    pub fn rrset(
        &mut self,
        section: Section,
        owner: Name<'_>,
        rtype: Rtype,
        ttl: u32,
        rdatas: Rdatas<'_>,
    ) -> bool {
        let mark = self.writer.mark();
        for rdata in rdatas.iter() {
            if self.record(section, owner, rtype, ttl, rdata).is_err() {
                self.writer.roll_back(mark);
                self.truncated |= section != Section::Additional;
                return false;
            }
        }
        self.min_ttl = self.min_ttl.min(ttl);
        true
    }

    /// Writes a single record as [`Reply::rrset`] does a set.
    pub fn record_whole(&mut self, section: Section, owner: Name<'_>, rtype: Rtype, ttl: u32, rdata: &[u8]) {
        let mark = self.writer.mark();
        match self.record(section, owner, rtype, ttl, rdata) {
            Ok(()) => self.min_ttl = self.min_ttl.min(ttl),
            Err(Full) => {
                self.writer.roll_back(mark);
                self.truncated |= section != Section::Additional;
            }
        }
    }

    /// Says that something was left out that the client needs (RFC 9471 §3.1: glue).
    pub fn truncate(&mut self) {
        self.truncated = true;
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
    pub fn finish(mut self) -> Meta {
        if self.edns {
            self.writer.reserve(-(OPT + SUBNET));
            self.write_opt();
        }
        self.writer.set_flags(self.flags.with(Flags::TC, self.truncated).with_rcode(self.rcode));
        Meta { len: self.writer.finish(), min_ttl: self.min_ttl, rcode: self.rcode, source: self.source }
    }

    /// Writes the OPT record; the extended error's text, then its code, are left out where there is no room for them.
    fn write_opt(&mut self) {
        let (subnet, mark) = (self.subnet, self.writer.mark());
        let full = self.ede;
        let short = full.map(|(code, _)| (code, ""));
        for ede in [full, short, None] {
            let written =
                self.writer.opt(limits::UDP_PAYLOAD, (self.rcode.0 >> 4) as u8, self.dnssec_ok, |writer| {
                    if let Some(subnet) = &subnet {
                        writer.client_subnet(subnet)?;
                    }
                    match ede {
                        Some((code, text)) => writer.ede(code, text),
                        None => Ok(()),
                    }
                });
            match written {
                Ok(()) => return,
                Err(Full) => self.writer.roll_back(mark),
            }
        }
    }
}
