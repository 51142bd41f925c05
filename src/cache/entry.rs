//! Entries as octets: what the cache stores is exactly what goes in and comes out.

use super::{Entry, Fact, Key, Proof, Verdict};
use crate::clock::Instant;
use crate::limits;
use crate::rrset::{Rdatas, check_rdata};
use crate::wire::{Name, NameBuf, Rcode, Rtype};

/// An owned entry and its key, in the form in which the cache stores it.
///
/// Layout, little-endian: when stored (8), TTL (4), realm (4), type (2), flags (1), length of the name (1), length of the first
/// part (4), the name in lower case, the first part, the second part. The parts are record data and signatures, SOA owner and
/// SOA data, or response code with extended error and its text. With a proof, or a signed SOA, the second part is followed by
/// signatures of the SOA and the proof; then the lengths of the second part and of the signatures (4 each) stand before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryBuf(Box<[u8]>);

const FIXED: usize = 24;
const CD: u8 = 1;
/// The kind of a failure, which is a part of its key.
const FAILED: u8 = 2;
/// There is a proof, or signatures of the SOA.
const PROVEN: u8 = 0x20;
const KIND: u8 = 3;

impl EntryBuf {
    /// Encodes an entry. Whether the key is a failure's follows from the entry, whatever it says.
    pub fn new(key: &Key<'_>, entry: &Entry<'_>) -> EntryBuf {
        let failed;
        let none = Rdatas::EMPTY;
        let (kind, first, second, soa_signatures): (u8, &[u8], &[u8], _) = match &entry.fact {
            Fact::Records { rdatas, signatures } => (0, rdatas.as_bytes(), signatures.as_bytes(), none),
            Fact::Denied { soa_owner, soa, signatures } => {
                (1, soa_owner.map_or(&[], Name::as_bytes), soa, *signatures)
            }
            Fact::Failed { rcode, ede, text } => {
                failed = [rcode.0.to_le_bytes(), ede.to_le_bytes()].concat();
                (FAILED, &failed, text.as_bytes(), none)
            }
        };
        let (more, proof) = (soa_signatures.as_bytes(), entry.proof.as_bytes());
        let proven = if more.is_empty() && proof.is_empty() { 0 } else { PROVEN };
        let mut name = key.name.to_buf();
        name.make_lowercase();
        let cd = if key.checking_disabled { CD } else { 0 };
        let mut octets = Vec::with_capacity(
            FIXED + key.name.len() + first.len() + 8 + second.len() + more.len() + proof.len(),
        );
        octets.extend(entry.stored.as_nanos().to_le_bytes());
        octets.extend(entry.ttl.to_le_bytes());
        octets.extend(key.realm.to_le_bytes());
        octets.extend(key.rtype.0.to_le_bytes());
        octets.extend([cd | (entry.verdict as u8) << 1 | kind << 3 | proven, key.name.len() as u8]);
        octets.extend((first.len() as u32).to_le_bytes());
        octets.extend_from_slice(name.as_name().as_bytes());
        octets.extend_from_slice(first);
        if proven != 0 {
            octets.extend((second.len() as u32).to_le_bytes());
            octets.extend((more.len() as u32).to_le_bytes());
        }
        octets.extend_from_slice(second);
        if proven != 0 {
            octets.extend_from_slice(more);
            octets.extend_from_slice(proof);
        }
        EntryBuf(octets.into())
    }

    /// An entry in the form of [`EntryBuf::as_bytes`], from where it may have been tampered with: none if anything in it is not as
    /// [`EntryBuf::new`] makes it.
    pub fn read(octets: &[u8]) -> Option<EntryBuf> {
        let (flags, name_len) = (*octets.get(FIXED - 6)?, *octets.get(FIXED - 5)? as usize);
        let first_len = u32::from_le_bytes(array(octets, FIXED - 4)) as usize;
        let (name, rest) = octets.get(FIXED..)?.split_at_checked(name_len)?;
        let (first, second) = rest.split_at_checked(first_len)?;
        let lower = Name::from_wire(name).is_ok() && !name.iter().any(u8::is_ascii_uppercase);
        let rtype = Rtype(u16::from_le_bytes(array(octets, 16)));
        let (second, more, proof) = split_proof(flags, second)?;
        let some = !more.is_empty() || !proof.is_empty();
        let proven = (flags & PROVEN != 0) == some
            && flags < PROVEN << 1
            && are_rdatas(Rtype::RRSIG, more)
            && Proof::stored(proof).is_sound();
        let sound = match flags >> 3 & KIND {
            0 => {
                !rtype.is_meta()
                    && !first.is_empty()
                    && are_rdatas(rtype, first)
                    && are_rdatas(Rtype::RRSIG, second)
            }
            1 if first.is_empty() => second.is_empty(),
            1 => Name::from_wire(first).is_ok() && check_rdata(Rtype::SOA, second).is_ok(),
            2 => first.len() == 4 && std::str::from_utf8(second).is_ok(),
            _ => false,
        };
        (lower && sound && proven && octets.len() <= limits::CACHE_ENTRY).then(|| EntryBuf(octets.into()))
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its key.
    pub fn key(&self) -> Key<'_> {
        key(&self.0)
    }

    /// The entry.
    pub fn entry(&self) -> Entry<'_> {
        entry(&self.0)
    }

    /// The octets, unless they are too many to be kept.
    pub(super) fn storable(&self) -> Option<&[u8]> {
        Some(&*self.0).filter(|octets| octets.len() <= limits::CACHE_ENTRY)
    }
}

/// Whether octets are the storage form of records of a type.
pub(super) fn are_rdatas(rtype: Rtype, octets: &[u8]) -> bool {
    let rdatas = Rdatas::stored(octets);
    let whole: usize = rdatas.iter().map(|rdata| 2 + rdata.len()).sum();
    whole == octets.len() && rdatas.iter().all(|rdata| check_rdata(rtype, rdata).is_ok())
}

fn array<const N: usize>(octets: &[u8], at: usize) -> [u8; N] {
    octets.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

/// What the second part has: itself, signatures of the SOA, the proof. None when they do not fit.
fn split_proof(flags: u8, octets: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    if flags & PROVEN == 0 {
        return Some((octets, &[], &[]));
    }
    let (second, more): (u32, u32) =
        (u32::from_le_bytes(array(octets, 0)), u32::from_le_bytes(array(octets, 4)));
    let (second, rest) = octets.get(8..)?.split_at_checked(second as usize)?;
    let (more, proof) = rest.split_at_checked(more as usize)?;
    Some((second, more, proof))
}

/// The parts of stored octets: name, first, second.
fn parts(octets: &[u8]) -> (Name<'_>, &[u8], &[u8]) {
    let (name_len, first_len) =
        (octets[FIXED - 5] as usize, u32::from_le_bytes(array(octets, FIXED - 4)) as usize);
    let (name, rest) = octets[FIXED..].split_at(name_len);
    let (first, second) = rest.split_at(first_len.min(rest.len()));
    (Name::stored(name), first, second)
}

/// The key in stored octets.
pub(super) fn key(octets: &[u8]) -> Key<'_> {
    Key {
        realm: u32::from_le_bytes(array(octets, 12)),
        name: parts(octets).0,
        rtype: Rtype(u16::from_le_bytes(array(octets, 16))),
        checking_disabled: octets[18] & CD != 0,
        failed: octets[18] >> 3 & KIND == FAILED,
    }
}

/// The entry in stored octets.
pub(super) fn entry(octets: &[u8]) -> Entry<'_> {
    let (_, first, second) = parts(octets);
    let (second, more, proof) = split_proof(octets[18], second).unwrap_or_default();
    Entry {
        stored: Instant::from_nanos(u64::from_le_bytes(array(octets, 0))),
        ttl: u32::from_le_bytes(array(octets, 8)),
        verdict: match octets[18] >> 1 & 3 {
            0 => Verdict::Unchecked,
            1 => Verdict::Insecure,
            2 => Verdict::Secure,
            _ => Verdict::Bogus,
        },
        proof: Proof::stored(proof),
        fact: match octets[18] >> 3 & KIND {
            0 => Fact::Records { rdatas: Rdatas::stored(first), signatures: Rdatas::stored(second) },
            1 => Fact::Denied {
                soa_owner: Some(first).filter(|f| !f.is_empty()).map(Name::stored),
                soa: second,
                signatures: Rdatas::stored(more),
            },
            _ => Fact::Failed {
                rcode: Rcode(u16::from_le_bytes(array(first, 0))),
                ede: u16::from_le_bytes(array(first, 2)),
                text: std::str::from_utf8(second).unwrap_or_default(),
            },
        },
    }
}

/// Whether stored octets have this key.
pub(super) fn has_key(octets: &[u8], wanted: &Key<'_>) -> bool {
    octets.len() >= FIXED && key(octets) == *wanted
}

/// The octets that a key is hashed by.
pub(super) fn hashed(key: &Key<'_>) -> (NameBuf, [u8; 7]) {
    let mut name = key.name.to_buf();
    name.make_lowercase();
    let mut rest = [0; 7];
    rest[..4].copy_from_slice(&key.realm.to_le_bytes());
    rest[4..6].copy_from_slice(&key.rtype.0.to_le_bytes());
    rest[6] = u8::from(key.checking_disabled) | u8::from(key.failed) << 1;
    (name, rest)
}
