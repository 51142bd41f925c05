//! NSEC3 records and their hashes (RFC 5155).

use super::{Digest, TypeBitmap};
use crate::wire::{Name, NameBuf};

/// A hashed name.
pub type Nsec3Hash = [u8; 20];

/// How names of a zone are hashed: the fields that NSEC3 and NSEC3PARAM share, the hash algorithm being SHA-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nsec3Param<'a> {
    /// Times the hash is hashed once more.
    pub iterations: u16,
    /// What is hashed along.
    pub salt: &'a [u8],
}

impl<'a> Nsec3Param<'a> {
    /// Reads the start of NSEC3 or NSEC3PARAM data; also returns the flags and the rest. None for another hash than SHA-1.
    pub fn read(rdata: &'a [u8]) -> Option<(Nsec3Param<'a>, u8, &'a [u8])> {
        let (&[1, flags, high, low, salt], rest) = rdata.split_first_chunk()? else { return None };
        let (salt, rest) = rest.split_at_checked(salt as usize)?;
        Some((Nsec3Param { iterations: u16::from_be_bytes([high, low]), salt }, flags, rest))
    }

    /// The hash of a name (RFC 5155 §5).
    pub fn hash(&self, name: Name<'_>) -> Nsec3Hash {
        let mut name = name.to_buf();
        name.make_lowercase();
        let sha1 = |octets: &[u8]| {
            let digest = Digest::SHA1.of(&[octets, self.salt]);
            // SHA-1 is always there, and its digests have 20 octets.
            digest.and_then(|digest| digest.as_ref().try_into().ok()).unwrap_or_default()
        };
        let mut hash: Nsec3Hash = sha1(name.as_name().as_bytes());
        for _ in 0..self.iterations {
            hash = sha1(&hash);
        }
        hash
    }

    /// Blocks of SHA-1 that hashing one name costs at most.
    pub fn price(&self) -> u32 {
        // A block has 64 octets, 9 of which end the message.
        let blocks = (20 + self.salt.len() + 9).div_ceil(64) as u32;
        u32::from(self.iterations) * blocks + (255 + self.salt.len() as u32 + 9).div_ceil(64)
    }
}

/// An NSEC3 record's data (RFC 5155 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nsec3<'a> {
    /// How names are hashed.
    pub param: Nsec3Param<'a>,
    /// Whether delegations without DS may lie between it and the next.
    pub opt_out: bool,
    /// The next hash.
    pub next: Nsec3Hash,
    /// What the name with its own hash has.
    pub types: TypeBitmap<'a>,
}

impl<'a> Nsec3<'a> {
    /// Reads record data. None for hashes other than SHA-1, and for flags that nobody knows (RFC 5155 §8.2).
    pub fn read(rdata: &'a [u8]) -> Option<Nsec3<'a>> {
        let (param, flags, rest) = Nsec3Param::read(rdata)?;
        let (&len, rest) = rest.split_first()?;
        let (next, types) = rest.split_at_checked(len as usize)?;
        let next = next.try_into().ok()?;
        (flags <= 1).then_some(Nsec3 { param, opt_out: flags == 1, next, types: TypeBitmap(types) })
    }

    /// Whether `hash` lies between `own`, the hash that the record stands at, and the next.
    pub fn covers(&self, own: &Nsec3Hash, hash: &Nsec3Hash) -> bool {
        if own < &self.next {
            own < hash && hash < &self.next
        } else {
            // The last record, or the only one.
            own < hash || hash < &self.next
        }
    }

    /// The hash in the first label of an NSEC3 record's owner.
    pub fn own_hash(owner: Name<'_>) -> Option<Nsec3Hash> {
        let label = owner.first_label();
        let mut hash = [0; 20];
        if label.len() != 32 {
            return None;
        }
        for (eight, five) in label.chunks_exact(8).zip(hash.chunks_exact_mut(5)) {
            let mut bits = 0u64;
            for &octet in eight {
                let digit = match octet.to_ascii_lowercase() {
                    octet @ b'0'..=b'9' => octet - b'0',
                    octet @ b'a'..=b'v' => octet - b'a' + 10,
                    _ => return None,
                };
                bits = bits << 5 | u64::from(digit);
            }
            five.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        Some(hash)
    }

    /// The label of a hash: base 32 with the extended hex alphabet, in lower case (RFC 4648 §7).
    pub fn label(hash: &Nsec3Hash) -> [u8; 32] {
        let mut label = [0; 32];
        for (five, eight) in hash.chunks_exact(5).zip(label.chunks_exact_mut(8)) {
            let bits = five.iter().fold(0u64, |bits, &octet| bits << 8 | u64::from(octet));
            for (i, octet) in eight.iter_mut().enumerate() {
                *octet = b"0123456789abcdefghijklmnopqrstuv"[(bits >> (35 - 5 * i) & 31) as usize];
            }
        }
        label
    }

    /// The owner of the NSEC3 record of a hash in a zone; none when it is too long to be a name.
    pub fn owner(hash: &Nsec3Hash, zone: Name<'_>) -> Option<NameBuf> {
        NameBuf::child(&Nsec3::label(hash), zone).ok()
    }
}
