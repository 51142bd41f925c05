//! Writing messages into a buffer that is already there: sections, name compression, roll-back of a record set that does
//! not fit. It allocates nothing.

use super::{
    Class, ClientSubnet, Ede, Flags, Header, Malformed, Name, Record, Records, Rtype, Section, option,
};
use crate::limits;

/// There is no room left within the writer's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A place to roll back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    len: usize,
    counts: [u16; 4],
    names: u8,
}

/// A name (or suffix of one) written earlier, as a target for compression pointers.
#[derive(Clone, Copy, Default)]
struct Target {
    /// Where it starts.
    at: u16,
    /// Octets of its uncompressed form: only suffixes of equal length can be equal.
    len: u8,
    /// The first octet of its leftmost label, in lower case: cheap proof that two differ.
    first: u8,
}

/// Writes one message. Whatever is written is within `limit`; a failed write leaves part of itself behind, so mark first and
/// roll back.
pub struct Writer<'a> {
    buf: &'a mut [u8],
    len: usize,
    limit: usize,
    counts: [u16; 4],
    targets: [Target; limits::COMPRESSION_TARGETS],
    names: u8,
}

impl<'a> Writer<'a> {
    /// A message with this header and no question. `limit` is cut to the size of `buf`, which must hold a header.
    pub fn new(buf: &'a mut [u8], limit: usize, id: u16, flags: Flags) -> Writer<'a> {
        let limit = limit.min(buf.len()).min(u16::MAX as usize);
        buf[..2].copy_from_slice(&id.to_be_bytes());
        buf[2..4].copy_from_slice(&flags.0.to_be_bytes());
        Writer {
            buf,
            len: Header::LEN,
            limit,
            counts: [0; 4],
            targets: [Target::default(); limits::COMPRESSION_TARGETS],
            names: 0,
        }
    }

    /// Octets written.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Octets left within the limit.
    pub fn room(&self) -> usize {
        self.limit - self.len
    }

    /// Holds back `octets` of the limit (for an OPT record), or gives them back with a negative number.
    pub fn reserve(&mut self, octets: isize) {
        self.limit = self.limit.saturating_add_signed(-octets).clamp(self.len, self.buf.len());
    }

    /// Where the writer is now.
    pub fn mark(&self) -> Mark {
        Mark { len: self.len, counts: self.counts, names: self.names }
    }

    /// Forgets all that was written since `mark`.
    pub fn roll_back(&mut self, mark: Mark) {
        (self.len, self.counts, self.names) = (mark.len, mark.counts, mark.names);
    }

    /// How many records `section` has.
    pub fn count(&self, section: Section) -> u16 {
        self.counts[section as usize]
    }

    /// The answer records written so far. The message must begin with one question.
    pub fn answers(&self) -> Records<'_> {
        let records_at = Name::parse(&self.buf[Header::LEN..self.len])
            .map_or(self.len, |(name, _)| Header::LEN + name.len() + 4);
        Records::new(&self.buf[..self.len], records_at, [self.counts[Section::Answer as usize], 0, 0])
    }

    /// The records of the authority section so far.
    pub fn authority(&self) -> impl Iterator<Item = Result<Record<'_>, Malformed>> {
        let records_at = Name::parse(&self.buf[Header::LEN..self.len])
            .map_or(self.len, |(name, _)| Header::LEN + name.len() + 4);
        let [answers, authority] = [Section::Answer, Section::Authority].map(|s| self.counts[s as usize]);
        let records = Records::new(&self.buf[..self.len], records_at, [answers, authority, 0]);
        records.skip(answers.into())
    }

    /// Sets flags and response code.
    pub fn set_flags(&mut self, flags: Flags) {
        self.buf[2..4].copy_from_slice(&flags.0.to_be_bytes());
    }

    /// Writes raw octets.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.len + bytes.len();
        if end > self.limit {
            return Err(Full);
        }
        self.buf[self.len..end].copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// Writes a 16-bit number.
    pub fn u16(&mut self, value: u16) -> Result<(), Full> {
        self.bytes(&value.to_be_bytes())
    }

    /// Writes a question; its name is written as it is and becomes a target for compression.
    pub fn question(&mut self, name: Name<'_>, rtype: Rtype, class: Class) -> Result<(), Full> {
        self.remember(name, self.len);
        self.bytes(name.as_bytes())?;
        self.u16(rtype.0)?;
        self.u16(class.0)?;
        self.counts[0] += 1;
        Ok(())
    }

    /// Writes a name, compressed against those written before (RFC 1035 §4.1.4). Matching ignores case, so a pointer may
    /// show a name in the case in which it was written first.
    pub fn name(&mut self, name: Name<'_>) -> Result<(), Full> {
        // Most owners are the question's name, which is the first target and stands there as it was asked.
        let question = &self.targets[0];
        let there = self.buf.get(question.at as usize..question.at as usize + name.len());
        if self.names > 0 && question.len as usize == name.len() && there == Some(name.as_bytes()) {
            return self.u16(0xc000 | question.at);
        }
        let start = self.len;
        let mut suffix = name;
        let mut pointer = None;
        while !suffix.is_root() {
            pointer = self.find(suffix);
            if pointer.is_some() {
                break;
            }
            suffix = suffix.parent().unwrap_or(Name::ROOT);
        }
        let literal = name.len() - suffix.len();
        match pointer {
            Some(at) => {
                self.bytes(&name.as_bytes()[..literal])?;
                self.u16(0xc000 | at)?;
            }
            None => self.bytes(name.as_bytes())?,
        }
        if literal > 0 {
            self.remember_down_to(name, start, suffix.len());
        }
        Ok(())
    }

    /// Starts a record: owner, type, class, TTL. Follow with [`Writer::rdata`].
    pub fn record(
        &mut self,
        section: Section,
        owner: Name<'_>,
        rtype: Rtype,
        class: Class,
        ttl: u32,
    ) -> Result<(), Full> {
        debug_assert!(
            self.counts[section as usize + 1..].iter().all(|count| *count == 0),
            "sections in order"
        );
        self.name(owner)?;
        let mut fixed = [0; 8];
        fixed[..2].copy_from_slice(&rtype.0.to_be_bytes());
        fixed[2..4].copy_from_slice(&class.0.to_be_bytes());
        fixed[4..].copy_from_slice(&ttl.to_be_bytes());
        self.bytes(&fixed)?;
        self.counts[section as usize] += 1;
        Ok(())
    }

    /// Writes the record data's length and then the data, which `write` writes.
    pub fn rdata(&mut self, write: impl FnOnce(&mut Self) -> Result<(), Full>) -> Result<(), Full> {
        let at = self.len;
        self.u16(0)?;
        write(self)?;
        let len = (self.len - at - 2) as u16;
        self.buf[at..at + 2].copy_from_slice(&len.to_be_bytes());
        Ok(())
    }

    /// Writes an OPT record (RFC 6891 §6.1.2); `rcode_high` is the response code without its low four bits.
    pub fn opt(
        &mut self,
        udp_size: u16,
        rcode_high: u8,
        dnssec_ok: bool,
        options: impl FnOnce(&mut Self) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let ttl = u32::from_be_bytes([rcode_high, 0, if dnssec_ok { 0x80 } else { 0 }, 0]);
        self.record(Section::Additional, Name::ROOT, Rtype::OPT, Class(udp_size), ttl)?;
        self.rdata(options)
    }

    /// Writes an EDNS option.
    pub fn option(&mut self, code: u16, data: &[u8]) -> Result<(), Full> {
        self.u16(code)?;
        self.u16(data.len() as u16)?;
        self.bytes(data)
    }

    /// Writes a client subnet option.
    pub fn client_subnet(&mut self, subnet: &ClientSubnet) -> Result<(), Full> {
        let mut data = [0; 20];
        let len = subnet.write(&mut data);
        self.option(option::CLIENT_SUBNET, &data[..len])
    }

    /// Writes an extended error option.
    pub fn ede(&mut self, code: Ede, text: &str) -> Result<(), Full> {
        self.u16(option::EDE)?;
        self.u16(2 + text.len() as u16)?;
        self.u16(code.0)?;
        self.bytes(text.as_bytes())
    }

    /// Writes the counts into the header; returns the octets of the message.
    pub fn finish(&mut self) -> usize {
        for (i, count) in self.counts.iter().enumerate() {
            self.buf[4 + 2 * i..6 + 2 * i].copy_from_slice(&count.to_be_bytes());
        }
        self.len
    }

    fn remember(&mut self, name: Name<'_>, at: usize) {
        self.remember_down_to(name, at, 1);
    }

    /// Makes targets of `name`, written at `at`, and its suffixes longer than `known` octets.
    fn remember_down_to(&mut self, name: Name<'_>, mut at: usize, known: usize) {
        let mut suffix = name;
        while suffix.len() > known && at < 0x4000 {
            let Some(slot) = self.targets.get_mut(self.names as usize) else { return };
            let label = suffix.first_label();
            *slot = Target { at: at as u16, len: suffix.len() as u8, first: label[0].to_ascii_lowercase() };
            self.names += 1;
            at += 1 + label.len();
            suffix = suffix.parent().unwrap_or(Name::ROOT);
        }
    }

    /// Where `suffix` (not the root) was written before.
    fn find(&self, suffix: Name<'_>) -> Option<u16> {
        let (len, first) = (suffix.len() as u8, suffix.as_bytes()[1].to_ascii_lowercase());
        let targets = self.targets[..self.names as usize].iter();
        targets.filter(|t| t.len == len && t.first == first).find(|t| self.is_at(suffix, t.at)).map(|t| t.at)
    }

    /// Whether the name written at `at` is `name`. Everything before `self.len` was written by this writer, so pointers in it
    /// go backwards to whole names.
    fn is_at(&self, name: Name<'_>, at: u16) -> bool {
        let (mut at, mut rest) = (at as usize, name.as_bytes());
        loop {
            let len = self.buf[at] as usize;
            if len >= 0xc0 {
                at = (len & 0x3f) << 8 | self.buf[at + 1] as usize;
                continue;
            }
            let (label, tail) = rest.split_at(1 + len);
            if !label.eq_ignore_ascii_case(&self.buf[at..at + 1 + len]) {
                return false;
            }
            if len == 0 {
                return true;
            }
            (at, rest) = (at + 1 + len, tail);
            if tail.is_empty() {
                return false;
            }
        }
    }
}
