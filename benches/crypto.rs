//! `cargo bench --bench crypto`: what checking an RRset against its signature costs, beside what the library takes for octets and
//! key that lie ready. Prints microseconds, the best of several rounds in which all take turns, and the price that a check has in
//! the budget of a question.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as s, KeyPair, RsaKeyPair, RsaPublicKeyComponents, UnparsedPublicKey};
use std::hint::black_box;
use waymark::clock;
use waymark::dnssec::{self, Algorithm, Key, Rrsig, SignedData};
use waymark::rrset::Rrset;
use waymark::sign::{SigningKey, Validity};
use waymark::validate::{Bench, Effort, Keys, check_set};
use waymark::wire::{OwnedName, Rtype};

const ROUNDS: usize = 40;
const CHECKS: usize = 50;
const VALIDITY: Validity = Validity { inception: 1_700_000_000, expiration: 1_900_000_000 };
const TIME: u64 = 1_800_000_000;

/// An RRset, signed by one key.
struct Case {
    name: &'static str,
    keys: Keys,
    set: Rrset,
}

fn zone() -> OwnedName {
    "example.com.".parse().expect("a name")
}

fn addresses() -> Rrset {
    let owner: OwnedName = "www.example.com.".parse().expect("a name");
    let mut set = Rrset::new(owner.as_name(), Rtype::A, 300);
    set.push(&[192, 0, 2, 1]);
    set.push(&[192, 0, 2, 2]);
    set
}

fn keys(dnskey: &[u8]) -> Keys {
    let mut set = Rrset::new(zone().as_name(), Rtype::DNSKEY, 3600);
    set.push(dnskey);
    Keys::new(&set)
}

fn case(name: &'static str, algorithm: Algorithm) -> Case {
    let key = SigningKey::generate(algorithm, Key::ZONE).expect("a key");
    let mut set = addresses();
    let signature = key.sign(&set, zone().as_name(), VALIDITY).expect("a signature");
    set.push_signature(&signature);
    Case { name, keys: keys(key.dnskey()), set }
}

/// By hand, as nobody here makes keys of this size.
fn rsa_4096() -> Case {
    let pair = RsaKeyPair::generate(KeySize::Rsa4096).expect("a key");
    let public = pair.public_key().as_ref();
    let modulus = &public[public.len() - 5 - 512..public.len() - 5];
    let dnskey = [&[1, 0, 3, 8, 3, 1, 0, 1], modulus].concat();
    let tag = Key::read(&dnskey).expect("a key").tag();
    let mut set = addresses();
    let mut rdata = vec![0, 1, 8, 3];
    for number in [set.ttl, VALIDITY.expiration, VALIDITY.inception] {
        rdata.extend(number.to_be_bytes());
    }
    rdata.extend(tag.to_be_bytes());
    rdata.extend(zone().as_name().as_bytes());
    let mut data = SignedData::default();
    let unsigned = Rrsig::read(&rdata).expect("a signature");
    let signed = data.of(set.name.as_name(), Rtype::A, set.rdatas(), &unsigned).expect("octets");
    let mut signature = vec![0; 512];
    pair.sign(&s::RSA_PKCS1_SHA256, &SystemRandom::new(), signed, &mut signature).expect("a signature");
    rdata.extend(signature);
    set.push_signature(&rdata);
    Case { name: "RSA-4096/SHA-256", keys: keys(&dnskey), set }
}

/// The RSA key that costs most of those that are checked, with a signature that is wrong.
fn dearest() -> (Vec<u8>, Vec<u8>) {
    let case = rsa_4096();
    let n = &case.keys.iter().next().expect("a key").1.public[4..];
    let wrong = n.iter().map(|octet| octet / 2).collect();
    ([&[1, 0, 3, 8, 4, 255, 255, 255, 255][..], n].concat(), wrong)
}

/// Checks that a signature over octets holds.
type Check = Box<dyn Fn(&[u8], &[u8])>;

/// The library's own check, of a key in its form.
fn library(key: &Key<'_>) -> Check {
    let point = [&[4], key.public].concat();
    match key.algorithm {
        Algorithm::RSASHA256 => {
            let public = RsaPublicKeyComponents { e: vec![1, 0, 1], n: key.public[4..].to_vec() };
            let parameters = &s::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY;
            Box::new(move |octets, signature| public.verify(parameters, octets, signature).expect("it holds"))
        }
        Algorithm::ECDSAP256SHA256 => of_octets(&s::ECDSA_P256_SHA256_FIXED, point),
        Algorithm::ECDSAP384SHA384 => of_octets(&s::ECDSA_P384_SHA384_FIXED, point),
        _ => of_octets(&s::ED25519, key.public.to_vec()),
    }
}

fn of_octets(algorithm: &'static dyn s::VerificationAlgorithm, key: Vec<u8>) -> Check {
    let key = UnparsedPublicKey::new(algorithm, key);
    Box::new(move |octets, signature| key.verify(octets, signature).expect("it holds"))
}

/// Microseconds of one call.
fn time(mut call: impl FnMut()) -> f64 {
    let begun = clock::now();
    (0..CHECKS).for_each(|_| call());
    clock::now().since(begun).as_nanos() as f64 / CHECKS as f64 / 1e3
}

fn main() {
    let cases = [
        case("RSA-2048/SHA-256", Algorithm::RSASHA256),
        rsa_4096(),
        case("ECDSA P-256", Algorithm::ECDSAP256SHA256),
        case("ECDSA P-384", Algorithm::ECDSAP384SHA384),
        case("Ed25519", Algorithm::ED25519),
    ];
    let mut best = vec![[f64::INFINITY; 3]; cases.len()];
    for _ in 0..ROUNDS {
        for (case, best) in cases.iter().zip(&mut best) {
            let Case { keys, set, .. } = case;
            let sig = set.signatures().iter().find_map(Rrsig::read).expect("a signature");
            let key = keys.iter().next().expect("a key").1;
            let mut data = SignedData::default();
            let signed = data.of(set.name.as_name(), set.rtype, set.rdatas(), &sig).expect("octets").to_vec();
            let library = library(&key);
            let theirs = time(|| library(black_box(&signed), black_box(sig.signature)));
            let octets = time(|| {
                let signed = data.of(set.name.as_name(), set.rtype, set.rdatas(), &sig).expect("octets");
                dnssec::verify(&key, black_box(signed), sig.signature).expect("it holds");
            });
            let whole = time(|| {
                let mut effort = Effort::WHOLE;
                let mut bench = Bench { time: TIME, effort: &mut effort, data: &mut data };
                check_set(black_box(set), keys, &mut bench).expect("it holds");
            });
            for (best, this) in best.iter_mut().zip([theirs, octets, whole]) {
                *best = best.min(this);
            }
        }
    }
    let best_of_p256 = best[2][0];
    println!("µs               library   octets and check   whole set   ratio   of P-256   price");
    for (Case { name, keys, .. }, [library, octets, whole]) in cases.iter().zip(&best) {
        let price = keys.iter().next().map_or(0, |(_, key)| dnssec::price(&key));
        let (ratio, units) = (whole / library, library / best_of_p256);
        println!(
            "{name:16} {library:7.1}   {octets:16.1}   {whole:9.1}   {ratio:5.3}   {units:8.2}   {price:5}"
        );
    }
    let (key, wrong) = dearest();
    let key = Key::read(&key).expect("a key");
    let check = || assert!(dnssec::verify(&key, black_box(b"octets"), &wrong).is_err());
    let best = (0..ROUNDS).map(|_| time(check)).fold(f64::INFINITY, f64::min);
    println!(
        "{:16} {best:7.1} {:>38}   {:8.2}   {:5}",
        "RSA-4096, e 2^32",
        "",
        best / best_of_p256,
        dnssec::price(&key)
    );
}
