//! Record sets in wire form, owned and borrowed, and the one table of types (`schema`) from which parsing, printing,
//! checking, canonical form, decompression and compression of record data all follow.

mod codec;
mod data;
mod exotic;
mod lexer;
mod parse;
mod print;
mod rules;
mod schema;
mod svcb;
#[cfg(test)]
mod tests;

pub use codec::{read_number, read_seconds, write_time};
pub(crate) use lexer::{Entry, Lexer};

use crate::wire::{Full, Malformed, Name, OwnedName, Record, Rtype, Writer};
use std::cmp::Ordering;

/// Record data of one RRset in storage form: for each record a 16-bit length and then the uncompressed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rdatas<'a>(&'a [u8]);

impl<'a> Rdatas<'a> {
    /// No record.
    pub const EMPTY: Rdatas<'static> = Rdatas(&[]);

    /// Whether there is no record.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The storage form as it was made by [`Rrset::push`].
    pub fn stored(bytes: &'a [u8]) -> Rdatas<'a> {
        Rdatas(bytes)
    }

    /// The storage form.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The first record alone.
    #[must_use]
    pub fn first(self) -> Rdatas<'a> {
        let len = self.iter().next().map_or(0, |rdata| 2 + rdata.len());
        Rdatas(&self.0[..len])
    }

    /// The data of each record.
    pub fn iter(self) -> RdataIter<'a> {
        RdataIter(self.0)
    }
}

/// See [`Rdatas::iter`].
#[derive(Clone)]
pub struct RdataIter<'a>(&'a [u8]);

impl<'a> Iterator for RdataIter<'a> {
    type Item = &'a [u8];
    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk()?;
        let (data, rest) = rest.split_at_checked(u16::from_be_bytes(*len) as usize)?;
        self.0 = rest;
        Some(data)
    }
}

/// An owned record set of class IN, with the signatures that cover it if there are any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rrset {
    /// Owner.
    pub name: OwnedName,
    /// Type.
    pub rtype: Rtype,
    /// Time to live, seconds.
    pub ttl: u32,
    rdatas: Vec<u8>,
    signatures: Vec<u8>,
}

impl Rrset {
    /// An empty set.
    pub fn new(name: Name<'_>, rtype: Rtype, ttl: u32) -> Rrset {
        Rrset { name: name.to_owned(), rtype, ttl, rdatas: Vec::new(), signatures: Vec::new() }
    }

    /// A set of these records, covered by these signatures.
    pub fn of(name: Name<'_>, rtype: Rtype, ttl: u32, rdatas: Rdatas<'_>, signatures: Rdatas<'_>) -> Rrset {
        let (rdatas, signatures) = (rdatas.as_bytes().to_vec(), signatures.as_bytes().to_vec());
        Rrset { name: name.to_owned(), rtype, ttl, rdatas, signatures }
    }

    /// Adds a record's uncompressed data unless it is there already (RFC 2181 §5), be it in another case.
    pub fn push(&mut self, rdata: &[u8]) {
        let same = |have: &[u8]| {
            have.eq_ignore_ascii_case(rdata) && canonical_order(self.rtype, have, rdata).is_eq()
        };
        if !self.rdatas().iter().any(same) {
            self.rdatas.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
            self.rdatas.extend_from_slice(rdata);
        }
    }

    /// Adds the data of an RRSIG that covers the set, unless it is there already.
    pub fn push_signature(&mut self, rdata: &[u8]) {
        if !self.signatures().iter().any(|have| have == rdata) {
            self.signatures.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
            self.signatures.extend_from_slice(rdata);
        }
    }

    /// Takes away the signatures.
    pub fn drop_signatures(&mut self) {
        self.signatures.clear();
    }

    /// The record data.
    pub fn rdatas(&self) -> Rdatas<'_> {
        Rdatas(&self.rdatas)
    }

    /// The data of the RRSIGs that cover it.
    pub fn signatures(&self) -> Rdatas<'_> {
        Rdatas(&self.signatures)
    }
}

/// Why text is not record data of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RdataError {
    /// What is wrong and what was expected, for a person.
    pub message: String,
    /// Octets of the text that are wrong (start, end); the whole text where nothing closer is known.
    pub span: (usize, usize),
}

/// One item of presentation form: a word, or a quoted string without its quotes. Escapes are still in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// The text, escapes not yet undone.
    pub text: &'a str,
    /// Whether it stood in quotes.
    pub quoted: bool,
}

/// Appends the wire form of `text`, record data of `rtype` in presentation form (RFC 1035 §5.1; RFC 3597 §5 for any type).
/// Relative names end in `origin`.
pub fn parse_rdata(rtype: Rtype, text: &str, origin: Name<'_>, out: &mut Vec<u8>) -> Result<(), RdataError> {
    let placed = parse::tokenise(text)?;
    let tokens: Vec<Token<'_>> = placed.iter().map(|(token, _)| *token).collect();
    parse::parse(rtype, &tokens, origin, out).map_err(|mut error| {
        let (from, to) = error.span;
        let place = placed.get(from..to.max(from)).unwrap_or_default();
        error.span = match (place.first(), place.last()) {
            (Some((_, first)), Some((_, last))) => (first.0, last.1),
            _ => (0, text.len()),
        };
        error
    })
}

/// The same for a TOML string: text of types of character-strings that does not start with a quote is one text as a whole, split
/// into strings of 255 octets.
pub fn parse_toml_rdata(
    rtype: Rtype,
    text: &str,
    origin: Name<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataError> {
    let texts = matches!(schema::fields(rtype), Some([(_, schema::Kind::Texts)]));
    let trimmed = text.trim_start();
    if !texts || trimmed.starts_with('"') || trimmed.starts_with("\\#") {
        return parse_rdata(rtype, text, origin, out);
    }
    let mut octets = Vec::new();
    if !codec::unescape(text, &mut octets) {
        return Err(RdataError { message: parse::BAD_ESCAPE.into(), span: (0, text.len()) });
    }
    if octets.len() > 60_000 {
        return Err(RdataError {
            message: "the text is longer than 60000 octets".into(),
            span: (0, text.len()),
        });
    }
    if octets.is_empty() {
        out.push(0);
    }
    for chunk in octets.chunks(255) {
        out.push(chunk.len() as u8);
        out.extend_from_slice(chunk);
    }
    Ok(())
}

/// The same from tokens, for readers of master files, where parentheses and comments are already gone. The error's span is
/// (index of the wrong token, index of the last wrong token + 1).
pub fn parse_tokens(
    rtype: Rtype,
    tokens: &[Token<'_>],
    origin: Name<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataError> {
    parse::parse(rtype, tokens, origin, out)
}

/// Appends the bitmap of these types, which ascend (RFC 4034 §4.1.2).
pub fn write_types(types: &[Rtype], out: &mut Vec<u8>) {
    parse::write_types(types, out);
}

/// Appends the presentation form of uncompressed record data: what `parse_rdata` reads back to the same octets. Data that does
/// not fit its type is printed as RFC 3597 says.
pub fn print_rdata(rtype: Rtype, rdata: &[u8], out: &mut String) {
    print::print(rtype, rdata, out);
}

/// Seconds of Unix time as RRSIG records show them: 14 digits (RFC 4034 §3.2).
pub fn show_time(time: u32) -> String {
    let mut text = String::new();
    codec::write_time(time, &mut text);
    text
}

/// Whether uncompressed `rdata` has the fields of its type, no more and no less. Types without a schema are always right.
pub fn check_rdata(rtype: Rtype, rdata: &[u8]) -> Result<(), Malformed> {
    data::check(rtype, rdata)
}

/// Appends a received record's data with its names decompressed (only types of RFC 1035 and those of RFC 3597 §4 may have
/// compressed ones), checked as by [`check_rdata`].
pub fn read_rdata(record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
    data::read(record, out)
}

/// Writes record data into a message, compressing the names that may be (RFC 3597 §4: types of RFC 1035 only). Allocates
/// nothing.
pub fn write_rdata(writer: &mut Writer<'_>, rtype: Rtype, rdata: &[u8]) -> Result<(), Full> {
    data::write(writer, rtype, rdata)
}

/// The canonical order of two records' data of one type (RFC 4034 §6.3): equal means they are one record.
pub fn canonical_order(rtype: Rtype, a: &[u8], b: &[u8]) -> Ordering {
    data::canonical_order(rtype, a, b)
}

/// Makes record data canonical (RFC 4034 §6.2 as RFC 6840 §5.1 amends it: lower-case names of the listed types).
pub fn make_canonical(rtype: Rtype, rdata: &mut [u8]) {
    data::make_canonical(rtype, rdata);
}

/// The name in record data whose addresses belong in the additional section (NS, MX, SRV, SVCB/HTTPS, …). Allocates nothing.
pub fn additional_name(rtype: Rtype, rdata: &[u8]) -> Option<Name<'_>> {
    data::additional_name(rtype, rdata)
}
