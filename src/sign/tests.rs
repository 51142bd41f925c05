use super::*;
use crate::dnssec::{self, Algorithm, Digest, Ds, Fault, Key, Rrsig, SignedData};
use crate::rrset::{Rdatas, Rrset, parse_rdata};
use crate::wire::{Name, OwnedName, Rtype};

const VALIDITY: Validity = Validity { inception: 1_000, expiration: 2_000 };

fn name(text: &str) -> OwnedName {
    text.parse().unwrap()
}

fn set(owner: &str, rtype: Rtype, texts: &[&str]) -> Rrset {
    let mut set = Rrset::new(name(owner).as_name(), rtype, 3_600);
    for text in texts {
        let mut rdata = Vec::new();
        parse_rdata(rtype, text, Name::ROOT, &mut rdata).unwrap();
        set.push(&rdata);
    }
    set
}

fn verify(key: &SigningKey, owner: Name<'_>, rdatas: Rdatas<'_>, rrsig: &[u8]) -> Result<(), Fault> {
    let sig = Rrsig::read(rrsig).unwrap();
    let mut data = SignedData::default();
    let signed = data.of(owner, sig.covered, rdatas, &sig).unwrap();
    dnssec::verify(&Key::read(key.dnskey()).unwrap(), signed, sig.signature)
}

#[test]
fn what_a_key_of_any_algorithm_signs_is_verified_by_it_and_by_no_other() {
    let (set, zone) = (set("Mail.example.", Rtype::MX, &["10 B.example.", "5 a.example."]), name("Example."));
    for algorithm in [
        Algorithm::RSASHA256,
        Algorithm::RSASHA512,
        Algorithm::ECDSAP256SHA256,
        Algorithm::ECDSAP384SHA384,
        Algorithm::ED25519,
    ] {
        let key = SigningKey::generate(algorithm, Key::ZONE | Key::ENTRY).unwrap();
        let other = SigningKey::generate(algorithm, Key::ZONE).unwrap();
        let rrsig = key.sign(&set, zone.as_name(), VALIDITY).unwrap();
        let check = |key| verify(key, set.name.as_name(), set.rdatas(), &rrsig);
        assert_eq!(check(&key), Ok(()), "{algorithm}");
        assert_eq!(check(&other), Err(Fault::Mismatch), "{algorithm}");
        let read = Key::read(key.dnskey()).unwrap();
        assert_eq!((read.flags, read.protocol, read.algorithm), (257, 3, algorithm));
        assert_eq!((key.flags(), key.algorithm(), key.tag()), (257, algorithm, read.tag()));
        for digest in [Digest::SHA1, Digest::SHA256, Digest::SHA384] {
            let ds = key.ds(zone.as_name(), digest).unwrap();
            let ds = Ds::read(&ds).unwrap();
            assert!(ds.matches(zone.as_name(), &read), "{algorithm} {digest:?}");
            assert!(!ds.matches(zone.as_name(), &Key::read(other.dnskey()).unwrap()));
        }
        assert_eq!(key.ds(zone.as_name(), Digest(3)), None);
    }
    assert!(SigningKey::generate(Algorithm(5), Key::ZONE).is_err());
}

#[test]
fn a_signature_says_what_it_signs() {
    let key = SigningKey::ed25519(&[7; 32], Key::ZONE).unwrap();
    for (owner, labels) in
        [("example.", 1), ("*.example.", 1), ("a.*.example.", 3), ("A.b.Example.", 3), ("*.", 0)]
    {
        let set = set(owner, Rtype::A, &["192.0.2.1"]);
        let rrsig = key.sign(&set, name("EXAMPLE.").as_name(), VALIDITY).unwrap();
        let sig = Rrsig::read(&rrsig).unwrap();
        assert_eq!((sig.covered, sig.labels, sig.original_ttl), (Rtype::A, labels, 3_600), "{owner}");
        assert_eq!((sig.inception, sig.expiration, sig.tag), (1_000, 2_000, key.tag()));
        assert_eq!(sig.signer.as_bytes(), b"\x07example\0");
        assert_eq!(verify(&key, set.name.as_name(), set.rdatas(), &rrsig), Ok(()), "{owner}");
    }
}

#[test]
fn what_is_made_from_a_wildcard_has_the_wildcard_s_signature() {
    let key = SigningKey::ed25519(&[7; 32], Key::ZONE).unwrap();
    let set = set("*.example.", Rtype::TXT, &["any"]);
    let rrsig = key.sign(&set, name("example.").as_name(), VALIDITY).unwrap();
    for (owner, verified) in [
        ("a.example.", Ok(())),
        ("A.B.example.", Ok(())),
        ("*.example.", Ok(())),
        ("*.b.example.", Ok(())),
        ("a.example.net.", Err(Fault::Mismatch)),
    ] {
        assert_eq!(verify(&key, name(owner).as_name(), set.rdatas(), &rrsig), verified, "{owner}");
    }
}

#[test]
fn a_key_from_a_seed_is_that_of_rfc_8080_and_signs_as_it_does() {
    // RFC 8080 §6.1: its private key in base 64 is ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=.
    let key = SigningKey::ed25519(b"82260384628080122645190204142262", 257).unwrap();
    let dnskey =
        set("example.com.", Rtype::DNSKEY, &["257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="]);
    assert_eq!(dnskey.rdatas().iter().next(), Some(key.dnskey()));
    let mx = set("example.com.", Rtype::MX, &["10 mail.example.com."]);
    let validity = Validity { inception: 1_438_207_200, expiration: 1_440_021_600 };
    let rrsig = key.sign(&mx, name("example.com.").as_name(), validity).unwrap();
    let wanted = "MX 15 2 3600 1440021600 1438207200 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdsz\
                  aPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==";
    let wanted = set("example.com.", Rtype::RRSIG, &[wanted]);
    assert_eq!(wanted.rdatas().iter().next(), Some(&*rrsig));
}
