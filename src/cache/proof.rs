//! RRsets that prove what an entry says, as octets beside it.

use super::entry::are_rdatas;
use crate::rrset::{Rdatas, Rrset};
use crate::wire::{Name, Rtype, read_u16, read_u32};

/// NSEC or NSEC3 RRsets with their signatures; none for what nobody proves.
///
/// Each is its owner in lower case, its type (2), the lengths of record data and signatures (4 each), and those.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proof<'a>(&'a [u8]);

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofSet<'a> {
    /// Owner.
    pub owner: Name<'a>,
    /// Type.
    pub rtype: Rtype,
    /// Record data.
    pub rdatas: Rdatas<'a>,
    /// The data of the RRSIGs.
    pub signatures: Rdatas<'a>,
}

impl ProofSet<'_> {
    /// Whether it is this set, signatures and all.
    pub fn is(&self, set: &Rrset) -> bool {
        (self.owner, self.rtype) == (set.name.as_name(), set.rtype)
            && (self.rdatas, self.signatures) == (set.rdatas(), set.signatures())
    }
}

impl<'a> Proof<'a> {
    /// No proof.
    pub const NONE: Proof<'static> = Proof(&[]);

    pub(super) fn stored(octets: &'a [u8]) -> Proof<'a> {
        Proof(octets)
    }

    /// The octets.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The RRsets.
    pub fn iter(self) -> impl Iterator<Item = ProofSet<'a>> + Clone {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (set, after) = read(rest)?;
            rest = after;
            Some(set)
        })
    }

    /// Whether octets that may have been tampered with are a proof as [`ProofBuf`] makes it.
    pub(super) fn is_sound(self) -> bool {
        let mut rest = self.0;
        while let Some((set, after)) = read(rest) {
            let lower = !set.owner.as_bytes().iter().any(u8::is_ascii_uppercase);
            let whole = are_rdatas(set.rtype, set.rdatas.as_bytes())
                && are_rdatas(Rtype::RRSIG, set.signatures.as_bytes());
            if !lower || !whole || set.rtype.is_meta() {
                return false;
            }
            rest = after;
        }
        rest.is_empty()
    }
}

fn read(octets: &[u8]) -> Option<(ProofSet<'_>, &[u8])> {
    let (owner, rest) = Name::parse(octets).ok()?;
    let (rtype, rdatas, signatures) = (read_u16(rest, 0)?, read_u32(rest, 2)?, read_u32(rest, 6)?);
    let (rdatas, rest) = rest.get(10..)?.split_at_checked(rdatas as usize)?;
    let (signatures, rest) = rest.split_at_checked(signatures as usize)?;
    let (rdatas, signatures) = (Rdatas::stored(rdatas), Rdatas::stored(signatures));
    Some((ProofSet { owner, rtype: Rtype(rtype), rdatas, signatures }, rest))
}

/// A proof being made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProofBuf(Vec<u8>);

impl ProofBuf {
    /// Adds an RRset.
    pub fn push(&mut self, set: &Rrset) {
        let from = self.0.len();
        self.0.extend_from_slice(set.name.as_name().as_bytes());
        self.0[from..].make_ascii_lowercase();
        let (rdatas, signatures) = (set.rdatas().as_bytes(), set.signatures().as_bytes());
        self.0.extend_from_slice(&set.rtype.0.to_be_bytes());
        self.0.extend_from_slice(&(rdatas.len() as u32).to_be_bytes());
        self.0.extend_from_slice(&(signatures.len() as u32).to_be_bytes());
        self.0.extend_from_slice(rdatas);
        self.0.extend_from_slice(signatures);
    }

    /// The proof.
    pub fn as_proof(&self) -> Proof<'_> {
        Proof(&self.0)
    }
}
