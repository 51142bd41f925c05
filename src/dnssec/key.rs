//! DNSKEY and DS records as views of their data.

use super::{Algorithm, Digest};
use crate::wire::Name;

/// A DNSKEY record's data (RFC 4034 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    rdata: &'a [u8],
    /// The flags field.
    pub flags: u16,
    /// The protocol: 3.
    pub protocol: u8,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The public key in its algorithm's form.
    pub public: &'a [u8],
}

impl<'a> Key<'a> {
    /// Bit 7: it signs records of its zone.
    pub const ZONE: u16 = 0x0100;
    /// Bit 8: its owner has taken it back (RFC 5011 §3).
    pub const REVOKED: u16 = 0x0080;
    /// Bit 15: it is meant to be referred to from outside (RFC 4034 §2.1.1).
    pub const ENTRY: u16 = 0x0001;

    /// Reads record data.
    pub fn read(rdata: &'a [u8]) -> Option<Key<'a>> {
        let (&[high, low, protocol, algorithm], public) = rdata.split_first_chunk()?;
        let flags = u16::from_be_bytes([high, low]);
        Some(Key { rdata, flags, protocol, algorithm: Algorithm(algorithm), public })
    }

    /// The record data.
    pub fn rdata(&self) -> &'a [u8] {
        self.rdata
    }

    /// Its tag (RFC 4034 appendix B): keys may share one.
    pub fn tag(&self) -> u16 {
        let sum = self.rdata.iter().enumerate().fold(0u32, |sum, (i, &octet)| {
            sum.wrapping_add(if i % 2 == 0 { u32::from(octet) << 8 } else { u32::from(octet) })
        });
        (sum.wrapping_add(sum >> 16) & 0xffff) as u16
    }

    /// Whether it may sign a zone's records: a zone key (RFC 4034 §2.1.1) of protocol 3 (§2.1.2) that is not revoked (RFC 5011 §2.1).
    pub fn may_sign(&self) -> bool {
        self.flags & (Key::ZONE | Key::REVOKED) == Key::ZONE && self.protocol == 3
    }
}

/// A DS record's data (RFC 4034 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ds<'a> {
    /// The tag of the key.
    pub tag: u16,
    /// The key's algorithm.
    pub algorithm: Algorithm,
    /// How it was digested.
    pub digest_type: Digest,
    /// The digest of the key.
    pub digest: &'a [u8],
}

impl<'a> Ds<'a> {
    /// Reads record data.
    pub fn read(rdata: &'a [u8]) -> Option<Ds<'a>> {
        let (&[high, low, algorithm, digest_type], digest) = rdata.split_first_chunk()?;
        let tag = u16::from_be_bytes([high, low]);
        Some(Ds { tag, algorithm: Algorithm(algorithm), digest_type: Digest(digest_type), digest })
    }

    /// Whether it can be checked: algorithm and digest are supported.
    pub fn is_supported(&self) -> bool {
        self.algorithm.is_supported() && self.digest_type.is_supported()
    }

    /// Whether it names this key of the zone, by tag and algorithm: the digest decides.
    pub fn names(&self, key: &Key<'_>) -> bool {
        self.tag == key.tag() && self.algorithm == key.algorithm
    }

    /// Whether it is the digest of this key of the zone `owner` (RFC 4034 §5.1.4).
    pub fn matches(&self, owner: Name<'_>, key: &Key<'_>) -> bool {
        if !self.names(key) {
            return false;
        }
        let mut owner = owner.to_buf();
        owner.make_lowercase();
        let digest = self.digest_type.of(&[owner.as_name().as_bytes(), key.rdata]);
        digest.is_some_and(|digest| digest.as_ref() == self.digest)
    }
}
