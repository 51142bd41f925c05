//! Bytes of DNS messages (RFC 1035 §4) and borrowed views of them: names, headers, questions, records, EDNS; and the
//! [`Writer`] that makes replies. It knows where things stand in a message, not what record data means: that is `rrset`.
//!
//! Which type do I want? A received query is a [`Query`]; a received reply a [`Message`] with its [`Record`]s; a name
//! somewhere in bytes a [`Name`] (borrowed), [`NameBuf`] (inline, for the stack) or [`OwnedName`] (boxed, for storage).
//! Reading fails with [`Malformed`] and never panics.

mod codes;
mod edns;
mod message;
mod name;
mod query;
mod writer;

pub use codes::{Class, Opcode, Rcode, Rtype};
pub use edns::{ClientSubnet, Ede, Edns, EdnsOption, EdnsOptions, option};
pub use message::{Flags, Header, Message, Record, Records, Section};
pub use name::{Labels, Name, NameBuf, NameError, OwnedName};
pub use query::{Query, QueryError, Question};
pub use writer::{Full, Mark, Writer};

/// The bytes are not a DNS message (or not the part of one that was asked for).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("malformed DNS message")
    }
}

impl std::error::Error for Malformed {}

/// The big-endian 16-bit number at `at`, if it is there.
pub fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The big-endian 32-bit number at `at`, if it is there.
pub fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
