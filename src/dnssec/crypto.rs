//! Algorithms and digests, and the checks that the library makes.

use super::Key;
use crate::limits;
use aws_lc_rs::{digest, signature, signature as s};

/// A DNSSEC algorithm by its IANA number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Algorithm(pub u8);

#[allow(missing_docs)]
impl Algorithm {
    pub const RSASHA256: Algorithm = Algorithm(8);
    pub const RSASHA512: Algorithm = Algorithm(10);
    pub const ECDSAP256SHA256: Algorithm = Algorithm(13);
    pub const ECDSAP384SHA384: Algorithm = Algorithm(14);
    pub const ED25519: Algorithm = Algorithm(15);
}

impl Algorithm {
    /// Whether signatures of it are checked. Those of RSA with SHA-1 are not, as RFC 9905 §2 says: zones that have no others are
    /// insecure, like those of algorithms nobody here knows (RFC 4035 §5.2).
    pub fn is_supported(self) -> bool {
        matches!(
            self,
            Algorithm::RSASHA256
                | Algorithm::RSASHA512
                | Algorithm::ECDSAP256SHA256
                | Algorithm::ECDSAP384SHA384
                | Algorithm::ED25519
        )
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            1 => "RSAMD5",
            3 => "DSA",
            5 => "RSASHA1",
            6 => "DSA-NSEC3-SHA1",
            7 => "RSASHA1-NSEC3-SHA1",
            8 => "RSASHA256",
            10 => "RSASHA512",
            12 => "ECC-GOST",
            13 => "ECDSAP256SHA256",
            14 => "ECDSAP384SHA384",
            15 => "ED25519",
            16 => "ED448",
            number => return write!(f, "algorithm {number}"),
        })
    }
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The algorithm, or a key of this size, is not checked here.
    Unsupported,
    /// The key is not one of its algorithm.
    MalformedKey,
    /// The signature was not made by the key over these octets.
    Mismatch,
}

/// The modulus and exponent of an RSA key (RFC 3110 §2).
fn rsa(key: &[u8]) -> Option<signature::RsaPublicKeyComponents<&[u8]>> {
    let (len, rest) = match key.split_first()? {
        (0, rest) => {
            let (len, rest) = rest.split_first_chunk()?;
            (u16::from_be_bytes(*len) as usize, rest)
        }
        (&len, rest) => (len as usize, rest),
    };
    let (mut e, mut n) = rest.split_at_checked(len)?;
    while let Some((0, rest)) = e.split_first() {
        e = rest;
    }
    while let Some((0, rest)) = n.split_first() {
        n = rest;
    }
    (!e.is_empty() && !n.is_empty()).then_some(signature::RsaPublicKeyComponents { n, e })
}

/// Whether signatures by a key are checked at all: those of algorithms that are supported, and of RSA keys that are worth it. Keys of less
/// than 1024 bits can be broken, and what is beyond RFC 3110 §2 is there to make us work.
pub fn is_checkable(key: &Key<'_>) -> bool {
    match key.algorithm {
        Algorithm::RSASHA256 | Algorithm::RSASHA512 => rsa(key.public).is_none_or(|public| {
            (128..=limits::RSA_MODULUS).contains(&public.n.len()) && public.e.len() <= limits::RSA_EXPONENT
        }),
        algorithm => algorithm.is_supported(),
    }
}

/// Checks a signature over `signed`, the octets of RFC 4034 §3.1.8.1, with one key.
pub fn verify(key: &Key<'_>, signed: &[u8], signature: &[u8]) -> Result<(), Fault> {
    let (curve, octets): (&'static dyn s::VerificationAlgorithm, usize) = match key.algorithm {
        Algorithm::RSASHA256 => {
            return verify_rsa(&s::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, key, signed, signature);
        }
        Algorithm::RSASHA512 => {
            return verify_rsa(&s::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, key, signed, signature);
        }
        Algorithm::ECDSAP256SHA256 => (&s::ECDSA_P256_SHA256_FIXED, 64),
        Algorithm::ECDSAP384SHA384 => (&s::ECDSA_P384_SHA384_FIXED, 96),
        Algorithm::ED25519 => (&s::ED25519, 32),
        _ => return Err(Fault::Unsupported),
    };
    if key.public.len() != octets {
        return Err(Fault::MalformedKey);
    }
    // RFC 6605 §4: the point without the octet that says it is uncompressed.
    let mut point = [4; 97];
    let public = match key.algorithm {
        Algorithm::ED25519 => key.public,
        _ => {
            point[1..=octets].copy_from_slice(key.public);
            &point[..=octets]
        }
    };
    s::UnparsedPublicKey::new(curve, public).verify(signed, signature).map_err(|_| Fault::Mismatch)
}

fn verify_rsa(
    parameters: &'static signature::RsaParameters,
    key: &Key<'_>,
    signed: &[u8],
    signature: &[u8],
) -> Result<(), Fault> {
    if !is_checkable(key) {
        return Err(Fault::Unsupported);
    }
    let public = rsa(key.public).ok_or(Fault::MalformedKey)?;
    public.verify(parameters, signed, signature).map_err(|_| Fault::Mismatch)
}

/// What a check with this key costs at most, in units of one check of ECDSA P-256 (measured by `benches/crypto.rs`).
pub fn price(key: &Key<'_>) -> u16 {
    match key.algorithm {
        Algorithm::ECDSAP384SHA384 => 4,
        // One of 4096 bits takes 1.2, and 2.9 with the largest exponent that is checked.
        Algorithm::RSASHA256 | Algorithm::RSASHA512 if key.public.len() > 300 => 3,
        _ => 1,
    }
}

/// A digest of a key, by its IANA number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub u8);

#[allow(missing_docs)]
impl Digest {
    pub const SHA1: Digest = Digest(1);
    pub const SHA256: Digest = Digest(2);
    pub const SHA384: Digest = Digest(4);
}

impl Digest {
    /// The algorithm, of those that are checked. SHA-1 is: RFC 9905 withdraws signatures by it, and a second preimage of a key
    /// is another matter; but RFC 4509 §3 has it ignored beside others.
    fn method(self) -> Option<&'static digest::Algorithm> {
        match self {
            Digest::SHA1 => Some(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            Digest::SHA256 => Some(&digest::SHA256),
            Digest::SHA384 => Some(&digest::SHA384),
            _ => None,
        }
    }

    /// Whether it is checked.
    pub fn is_supported(self) -> bool {
        self.method().is_some()
    }

    /// The digest of the pieces, one after the other; none when it is not supported.
    pub fn of(self, pieces: &[&[u8]]) -> Option<digest::Digest> {
        let mut context = digest::Context::new(self.method()?);
        for piece in pieces {
            context.update(piece);
        }
        Some(context.finish())
    }
}
