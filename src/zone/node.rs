//! One name of a zone and all it owns, packed into one piece of memory: a million records cost little more than their wire form,
//! and an answer touches few cache lines.

use super::SteerId;
use super::tree::Named;
use crate::rrset::Rdatas;
use crate::wire::{Name, Rtype, read_u16, read_u32};
use std::sync::Arc;

/// A name of a zone: its RRsets, or how it is steered, or neither (an empty non-terminal, RFC 4592 §2.2.2).
///
/// Layout: flags (1), length of the name (1), the name, the steering id (4, if steered), then for each RRset its type (2), TTL
/// (4), octets of storage form (4) and storage form; where any is signed, each then has the octets of its signatures (4) and those.
#[derive(Clone, PartialEq, Eq)]
pub struct Node(Arc<[u8]>);

/// An RRset of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RrsetRef<'a> {
    /// Type.
    pub rtype: Rtype,
    /// Time to live, seconds.
    pub ttl: u32,
    /// Record data.
    pub rdatas: Rdatas<'a>,
    /// Data of the RRSIG records that cover it; their owner and TTL are its own (RFC 4034 §3).
    pub signatures: Rdatas<'a>,
}

impl RrsetRef<'_> {
    /// How many records it has, its signatures counted.
    pub(super) fn record_count(&self) -> usize {
        self.rdatas.iter().count() + self.signatures.iter().count()
    }
}

pub(super) mod flag {
    /// NS records below the apex: a delegation.
    pub const CUT: u8 = 1;
    /// A DNAME record.
    pub const DNAME: u8 = 2;
    /// A steering id.
    pub const STEERED: u8 = 4;
    /// A child named `*`.
    pub const WILDCARD_CHILD: u8 = 8;
    /// Signatures of an RRset.
    pub const SIGNED: u8 = 16;
}

impl Node {
    /// Packs a node; `rrsets` in the order in which they are to be found.
    pub(super) fn pack(
        scratch: &mut Vec<u8>,
        name: Name<'_>,
        steer: Option<SteerId>,
        flags: u8,
        rrsets: &[RrsetRef<'_>],
    ) -> Node {
        scratch.clear();
        scratch.extend([flags, name.len() as u8]);
        scratch.extend(name.as_bytes());
        if let Some(SteerId(id)) = steer {
            scratch[0] |= flag::STEERED;
            scratch.extend(id.to_be_bytes());
        }
        let signed = rrsets.iter().any(|set| !set.signatures.is_empty());
        if signed {
            scratch[0] |= flag::SIGNED;
        }
        for set in rrsets {
            scratch.extend(set.rtype.0.to_be_bytes());
            scratch.extend(set.ttl.to_be_bytes());
            scratch.extend((set.rdatas.as_bytes().len() as u32).to_be_bytes());
            scratch.extend(set.rdatas.as_bytes());
            if signed {
                scratch.extend((set.signatures.as_bytes().len() as u32).to_be_bytes());
                scratch.extend(set.signatures.as_bytes());
            }
        }
        Node(scratch.as_slice().into())
    }

    /// The same node with more flags.
    pub(super) fn with_flags(&self, flags: u8) -> Node {
        let mut bytes = self.0.to_vec();
        bytes[0] |= flags;
        Node(bytes.into())
    }

    /// The owner name, its case as written in the zone.
    pub fn name(&self) -> Name<'_> {
        Name::stored(&self.0[2..2 + self.0[1] as usize])
    }

    /// Reads its first octets; see `Descent::touch`.
    pub(super) fn touch(&self) -> u64 {
        self.0.first().copied().map_or(0, u64::from)
    }

    /// Whether this is a delegation: NS records below the apex.
    pub fn is_cut(&self) -> bool {
        self.0[0] & flag::CUT != 0
    }

    /// Whether it has a DNAME record.
    pub fn has_dname(&self) -> bool {
        self.0[0] & flag::DNAME != 0
    }

    /// Whether a wildcard stands directly below.
    pub fn has_wildcard_child(&self) -> bool {
        self.0[0] & flag::WILDCARD_CHILD != 0
    }

    /// What steers it.
    pub fn steered(&self) -> Option<SteerId> {
        if self.0[0] & flag::STEERED == 0 {
            return None;
        }
        read_u32(&self.0, 2 + self.0[1] as usize).map(SteerId)
    }

    /// Its RRsets. RRSIG is none: they stand with what they cover.
    pub fn rrsets(&self) -> Rrsets<'_> {
        let steer = if self.0[0] & flag::STEERED != 0 { 4 } else { 0 };
        Rrsets { rest: &self.0[2 + self.0[1] as usize + steer..], signed: self.0[0] & flag::SIGNED != 0 }
    }

    /// Its RRset of one type.
    pub fn rrset(&self, rtype: Rtype) -> Option<RrsetRef<'_>> {
        self.rrsets().find(|set| set.rtype == rtype)
    }
}

impl Named for Node {
    fn name(&self) -> Name<'_> {
        Node::name(self)
    }
}

/// See [`Node::rrsets`].
#[derive(Clone)]
pub struct Rrsets<'a> {
    rest: &'a [u8],
    signed: bool,
}

impl<'a> Iterator for Rrsets<'a> {
    type Item = RrsetRef<'a>;
    fn next(&mut self) -> Option<RrsetRef<'a>> {
        let rtype = Rtype(read_u16(self.rest, 0)?);
        let ttl = read_u32(self.rest, 2)?;
        let (rdatas, rest) = counted(self.rest.get(6..)?)?;
        let (signatures, rest) = if self.signed { counted(rest)? } else { (Rdatas::EMPTY, rest) };
        self.rest = rest;
        Some(RrsetRef { rtype, ttl, rdatas, signatures })
    }
}

/// A storage form after its number of octets, and what follows it.
fn counted(bytes: &[u8]) -> Option<(Rdatas<'_>, &[u8])> {
    let (rdatas, rest) = bytes.get(4..)?.split_at_checked(read_u32(bytes, 0)? as usize)?;
    Some((Rdatas::stored(rdatas), rest))
}
