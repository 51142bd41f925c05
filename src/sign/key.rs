//! Keys that sign.

use crate::dnssec::{Algorithm, Digest, Key, Rrsig, SignedData, signed_labels};
use crate::rrset::Rrset;
use crate::wire::Name;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as s, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};

/// The library made no key or signature: it does not know the algorithm, or the system has no memory or randomness to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the cryptographic library made no key or signature")
    }
}

impl std::error::Error for Refused {}

/// When a signature holds: seconds of Unix time modulo 2³² (RFC 4034 §3.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From here on.
    pub inception: u32,
    /// Until here.
    pub expiration: u32,
}

/// A key of a zone with its private half.
pub struct SigningKey {
    pair: Pair,
    algorithm: Algorithm,
    flags: u16,
    tag: u16,
    dnskey: Vec<u8>,
}

enum Pair {
    Rsa(RsaKeyPair, &'static s::RsaSignatureEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// A new key of one of the algorithms that are checked; those of RSA have 2048 bits. `flags` are the DNSKEY's: [`Key::ZONE`],
    /// and what else it should be.
    pub fn generate(algorithm: Algorithm, flags: u16) -> Result<SigningKey, Refused> {
        let rsa =
            |encoding| Ok(Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).map_err(refused)?, encoding));
        let ecdsa = |curve| Ok(Pair::Ecdsa(EcdsaKeyPair::generate(curve).map_err(refused)?));
        let pair = match algorithm {
            Algorithm::RSASHA256 => rsa(&s::RSA_PKCS1_SHA256)?,
            Algorithm::RSASHA512 => rsa(&s::RSA_PKCS1_SHA512)?,
            Algorithm::ECDSAP256SHA256 => ecdsa(&s::ECDSA_P256_SHA256_FIXED_SIGNING)?,
            Algorithm::ECDSAP384SHA384 => ecdsa(&s::ECDSA_P384_SHA384_FIXED_SIGNING)?,
            Algorithm::ED25519 => Pair::Ed25519(Ed25519KeyPair::generate().map_err(refused)?),
            _ => return Err(Refused),
        };
        SigningKey::of(pair, algorithm, flags)
    }

    /// The Ed25519 key of a secret seed: the same seed gives the same key, and its signatures are the same each time.
    pub fn ed25519(seed: &[u8; 32], flags: u16) -> Result<SigningKey, Refused> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(refused)?;
        SigningKey::of(Pair::Ed25519(pair), Algorithm::ED25519, flags)
    }

    fn of(pair: Pair, algorithm: Algorithm, flags: u16) -> Result<SigningKey, Refused> {
        let mut dnskey = flags.to_be_bytes().to_vec();
        dnskey.extend([3, algorithm.0]);
        match &pair {
            Pair::Rsa(pair, _) => {
                dnskey.extend(b"\x03\x01\x00\x01");
                dnskey.extend(modulus(pair.public_key().as_ref()).ok_or(Refused)?);
            }
            // RFC 6605 §4: without the octet that says that the point is uncompressed.
            Pair::Ecdsa(pair) => dnskey.extend(pair.public_key().as_ref().iter().skip(1)),
            Pair::Ed25519(pair) => dnskey.extend(pair.public_key().as_ref()),
        }
        let tag = Key::read(&dnskey).ok_or(Refused)?.tag();
        Ok(SigningKey { pair, algorithm, flags, tag, dnskey })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The DNSKEY's flags.
    pub fn flags(&self) -> u16 {
        self.flags
    }

    /// The DNSKEY's tag.
    pub fn tag(&self) -> u16 {
        self.tag
    }

    /// The DNSKEY record's data.
    pub fn dnskey(&self) -> &[u8] {
        &self.dnskey
    }

    /// Data of the DS record that refers to it as a key of `zone` (RFC 4034 §5.1); none for a digest that is not supported.
    pub fn ds(&self, zone: Name<'_>, digest_type: Digest) -> Option<Vec<u8>> {
        let mut zone = zone.to_buf();
        zone.make_lowercase();
        let digest = digest_type.of(&[zone.as_name().as_bytes(), &self.dnskey])?;
        let [high, low] = self.tag.to_be_bytes();
        Some([&[high, low, self.algorithm.0, digest_type.0], digest.as_ref()].concat())
    }

    /// Data of the RRSIG record by which this key, as one of the zone `signer`, signs an RRset. A wildcard is signed as what it is,
    /// and what is made from it has fewer labels signed than it has (RFC 4034 §3.1.3).
    pub fn sign(&self, set: &Rrset, signer: Name<'_>, validity: Validity) -> Result<Vec<u8>, Refused> {
        let owner = set.name.as_name();
        let mut rdata = set.rtype.0.to_be_bytes().to_vec();
        rdata.extend([self.algorithm.0, signed_labels(owner) as u8]);
        for number in [set.ttl, validity.expiration, validity.inception] {
            rdata.extend(number.to_be_bytes());
        }
        rdata.extend(self.tag.to_be_bytes());
        rdata.extend(signer.as_bytes());
        // RFC 6840 §5.1, RFC 4034 §6.2: a signer's name is signed in lower case, and nobody needs it in another.
        rdata[18..].make_ascii_lowercase();
        let unsigned = Rrsig::read(&rdata).ok_or(Refused)?;
        let mut data = SignedData::default();
        let signed = data.of(owner, set.rtype, set.rdatas(), &unsigned).ok_or(Refused)?;
        let signature = self.signature(signed)?;
        rdata.extend(signature);
        Ok(rdata)
    }

    /// The signature over octets, in the form of RRSIG records.
    fn signature(&self, signed: &[u8]) -> Result<Vec<u8>, Refused> {
        match &self.pair {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), signed, &mut signature).map_err(refused)?;
                Ok(signature)
            }
            Pair::Ecdsa(pair) => {
                Ok(pair.sign(&SystemRandom::new(), signed).map_err(refused)?.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => Ok(pair.try_sign(signed).map_err(refused)?.as_ref().to_vec()),
        }
    }
}

/// The library's errors say no more.
fn refused(_: impl std::error::Error) -> Refused {
    Refused
}

/// The modulus in an RSAPublicKey (RFC 8017 §A.1.1) of 2048 bits with the exponent 65537: SEQUENCE of two INTEGERs.
fn modulus(der: &[u8]) -> Option<&[u8]> {
    let modulus = der.strip_suffix(b"\x02\x03\x01\x00\x01")?;
    modulus.get(modulus.len().checked_sub(256)?..)
}
