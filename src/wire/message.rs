//! A borrowed view of any DNS message: its header and, one by one, its records. Names in it may be compressed.

use super::{Class, Malformed, NameBuf, Opcode, Rcode, Rtype, read_u16, read_u32};

/// The second 16 bits of a header (RFC 1035 §4.1.1, RFC 4035 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u16);

#[allow(missing_docs)]
impl Flags {
    pub const QR: Flags = Flags(0x8000);
    pub const AA: Flags = Flags(0x0400);
    pub const TC: Flags = Flags(0x0200);
    pub const RD: Flags = Flags(0x0100);
    pub const RA: Flags = Flags(0x0080);
    pub const AD: Flags = Flags(0x0020);
    pub const CD: Flags = Flags(0x0010);
}

impl Flags {
    /// Whether all bits of `bits` are set.
    pub const fn has(self, bits: Flags) -> bool {
        self.0 & bits.0 == bits.0
    }

    /// These flags and those of `bits`, if `on`.
    pub const fn with(self, bits: Flags, on: bool) -> Flags {
        if on { Flags(self.0 | bits.0) } else { Flags(self.0 & !bits.0) }
    }

    /// The operation.
    pub const fn opcode(self) -> Opcode {
        Opcode((self.0 >> 11 & 0xf) as u8)
    }

    /// The low four bits of the response code.
    pub const fn rcode(self) -> Rcode {
        Rcode(self.0 & 0xf)
    }

    /// These flags with another response code (its low four bits).
    pub const fn with_rcode(self, rcode: Rcode) -> Flags {
        Flags(self.0 & !0xf | rcode.0 & 0xf)
    }
}

/// The twelve octets that start a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The identifier.
    pub id: u16,
    /// Flags, opcode and response code.
    pub flags: Flags,
    /// Questions, answer records, authority records, additional records.
    pub counts: [u16; 4],
}

impl Header {
    /// Octets of a header.
    pub const LEN: usize = 12;

    /// The header that starts `message`.
    pub fn parse(message: &[u8]) -> Result<Header, Malformed> {
        let head: &[u8; 12] = message.first_chunk().ok_or(Malformed)?;
        let word = |i: usize| u16::from_be_bytes([head[2 * i], head[2 * i + 1]]);
        Ok(Header { id: word(0), flags: Flags(word(1)), counts: [word(2), word(3), word(4), word(5)] })
    }
}

/// The sections of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Answer.
    Answer = 1,
    /// Authority.
    Authority = 2,
    /// Additional.
    Additional = 3,
}

/// A message whose header and questions were read; its records are read on demand.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
    header: Header,
    records_at: usize,
}

impl<'a> Message<'a> {
    /// Reads header and questions. At most one question is allowed (RFC 9619).
    pub fn parse(bytes: &'a [u8]) -> Result<Message<'a>, Malformed> {
        let header = Header::parse(bytes)?;
        let mut at = Header::LEN;
        match header.counts[0] {
            0 => {}
            1 => at = NameBuf::decompress(bytes, at)?.1 + 4,
            _ => return Err(Malformed),
        }
        if at > bytes.len() {
            return Err(Malformed);
        }
        Ok(Message { bytes, header, records_at: at })
    }

    /// The header.
    pub fn header(&self) -> Header {
        self.header
    }

    /// The whole message.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The question's name, type and class, if there is a question.
    pub fn question(&self) -> Option<(NameBuf, Rtype, Class)> {
        if self.header.counts[0] == 0 {
            return None;
        }
        let (name, at) = NameBuf::decompress(self.bytes, Header::LEN).ok()?;
        Some((name, Rtype(read_u16(self.bytes, at)?), Class(read_u16(self.bytes, at + 2)?)))
    }

    /// The records of all three sections in order. The iterator ends after the first malformed one.
    pub fn records(&self) -> Records<'a> {
        let [_, answers, authority, additional] = self.header.counts;
        Records { bytes: self.bytes, at: self.records_at, left: [answers, authority, additional] }
    }
}

/// One record where it stands in its message.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    message: &'a [u8],
    owner_at: usize,
    rdata_at: usize,
    rdata_len: usize,
    /// The section it stands in.
    pub section: Section,
    /// Type.
    pub rtype: Rtype,
    /// Class (of an OPT: the sender's UDP payload size).
    pub class: Class,
    /// Time to live in seconds, as sent (of an OPT: extended RCODE, version and flags).
    pub ttl: u32,
}

impl<'a> Record<'a> {
    /// The owner, decompressed.
    pub fn owner(&self) -> Result<NameBuf, Malformed> {
        Ok(NameBuf::decompress(self.message, self.owner_at)?.0)
    }

    /// The record data as sent; names in it may be compressed.
    pub fn rdata(&self) -> &'a [u8] {
        &self.message[self.rdata_at..self.rdata_at + self.rdata_len]
    }

    /// Where the record data stands, for decompressing names in it: (message, start, end).
    pub fn rdata_in_message(&self) -> (&'a [u8], usize, usize) {
        (self.message, self.rdata_at, self.rdata_at + self.rdata_len)
    }
}

/// See [`Message::records`].
#[derive(Clone)]
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    left: [u16; 3],
}

impl<'a> Records<'a> {
    /// The records that start at `at`: so many of each section.
    pub(super) fn new(bytes: &'a [u8], at: usize, left: [u16; 3]) -> Records<'a> {
        Records { bytes, at, left }
    }

    /// Where the next record would start: after the last one, the end of the message.
    pub fn position(&self) -> usize {
        self.at
    }

    fn read(&mut self, section: Section) -> Result<Record<'a>, Malformed> {
        let owner_at = self.at;
        let fixed = skip_name(self.bytes, owner_at)?;
        let rtype = Rtype(read_u16(self.bytes, fixed).ok_or(Malformed)?);
        let class = Class(read_u16(self.bytes, fixed + 2).ok_or(Malformed)?);
        let ttl = read_u32(self.bytes, fixed + 4).ok_or(Malformed)?;
        let rdata_len = read_u16(self.bytes, fixed + 8).ok_or(Malformed)? as usize;
        let rdata_at = fixed + 10;
        if self.bytes.len() < rdata_at + rdata_len {
            return Err(Malformed);
        }
        self.at = rdata_at + rdata_len;
        Ok(Record { message: self.bytes, owner_at, rdata_at, rdata_len, section, rtype, class, ttl })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.left.iter().position(|&n| n > 0)?;
        self.left[index] -= 1;
        let record = self.read([Section::Answer, Section::Authority, Section::Additional][index]);
        if record.is_err() {
            self.left = [0; 3];
        }
        Some(record)
    }
}

/// Where the bytes after the name at `at` start; the name's own bytes are checked only as far as that needs.
fn skip_name(bytes: &[u8], mut at: usize) -> Result<usize, Malformed> {
    loop {
        let len = *bytes.get(at).ok_or(Malformed)? as usize;
        match len >> 6 {
            0 if len == 0 => return Ok(at + 1),
            0 => at += 1 + len,
            3 => return Ok(at + 2),
            _ => return Err(Malformed),
        }
    }
}
