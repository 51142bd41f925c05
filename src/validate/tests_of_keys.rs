//! Keys of zones, and what is said of flaws.

use super::tests::{NOW, colliding, dnskeys, key, key_with, name, rsa_key, signature, spent, valid};
use super::*;
use crate::dnssec::{Algorithm, Digest, Key};
use crate::sign::SigningKey;
use crate::wire::{Ede, Rtype};

/// What enters a zone, its keys, and who signs them.
struct Entered<'a> {
    ds: &'a [Vec<u8>],
    keys: &'a [&'a [u8]],
    signers: &'a [&'a SigningKey],
}

impl Entered<'_> {
    fn check(&self, effort: &mut Effort) -> Result<Chain, Why> {
        let mut set = dnskeys("good.test.", self.keys);
        for signer in self.signers {
            let signature = signature(&set, "good.test.", "good.test.", signer, valid());
            set.push_signature(&signature);
        }
        let mut data = crate::dnssec::SignedData::default();
        let mut bench = Bench { time: NOW.into(), effort, data: &mut data };
        let entry = Entry { ds: self.ds.iter().map(|ds| &**ds).collect(), keys: Vec::new() };
        entry.check(&set, &mut bench).map_err(|flaw| flaw.why)
    }
}

fn ds(key: &SigningKey, digest: Digest) -> Vec<u8> {
    key.ds(name("good.test.").as_name(), digest).unwrap()
}

/// DS data of a key that is only octets.
fn ds_of(dnskey: &[u8]) -> Vec<u8> {
    let key = Key::read(dnskey).unwrap();
    let digest = Digest::SHA256.of(&[name("good.test.").as_name().as_bytes(), dnskey]).unwrap();
    [&key.tag().to_be_bytes(), &[key.algorithm.0, 2], digest.as_ref()].concat()
}

fn patched(mut ds: Vec<u8>, at: usize, octet: u8) -> Vec<u8> {
    ds[at] = octet;
    ds
}

#[test]
fn a_zone_is_entered_by_a_key_that_its_ds_names_and_that_signs_all_of_its_keys() {
    let (entry, zone_key) = (key(1), key_with(2, Key::ZONE));
    let (no_zone, revoked) = (key_with(3, Key::ENTRY), key_with(4, Key::ZONE | Key::REVOKED | Key::ENTRY));
    let weak = rsa_key(64, 3);
    let (sha1, sha256, sha384) =
        (ds(&entry, Digest::SHA1), ds(&entry, Digest::SHA256), ds(&entry, Digest::SHA384));
    let both = [entry.dnskey(), zone_key.dnskey()];
    // The last octet of the digest.
    let wrong = patched(sha256.clone(), 35, sha256[35] ^ 1);
    let (secure, insecure) = (Ok("secure"), Ok("insecure"));
    // What, DS, keys, signers of the keys, where that leads.
    type Case<'a> = (&'a str, Vec<Vec<u8>>, Vec<&'a [u8]>, Vec<&'a SigningKey>, Result<&'a str, Why>);
    let cases: Vec<Case<'_>> = vec![
        ("SHA-256", vec![sha256.clone()], both.to_vec(), vec![&entry], secure.clone()),
        ("SHA-384", vec![sha384], both.to_vec(), vec![&entry], secure.clone()),
        ("SHA-1", vec![sha1.clone()], both.to_vec(), vec![&entry], secure.clone()),
        (
            "SHA-1 beside a wrong SHA-256",
            vec![sha1.clone(), wrong.clone()],
            both.to_vec(),
            vec![&entry],
            Err(Why::NoEntryKey),
        ),
        (
            "a wrong one beside it",
            vec![wrong.clone(), sha256.clone()],
            both.to_vec(),
            vec![&entry],
            secure.clone(),
        ),
        ("a wrong one", vec![wrong], both.to_vec(), vec![&entry], Err(Why::NoEntryKey)),
        (
            "no digest that is known",
            vec![patched(sha256.clone(), 3, 3)],
            both.to_vec(),
            vec![&entry],
            insecure.clone(),
        ),
        (
            "no algorithm that is known",
            vec![patched(sha256.clone(), 2, 250)],
            both.to_vec(),
            vec![&entry],
            insecure.clone(),
        ),
        (
            "RSA with SHA-1",
            vec![patched(sha256.clone(), 2, 5)],
            both.to_vec(),
            vec![&entry],
            insecure.clone(),
        ),
        (
            "an unknown one beside it",
            vec![patched(sha256.clone(), 2, 250), sha256.clone()],
            both.to_vec(),
            vec![&entry],
            secure.clone(),
        ),
        (
            "an unknown one beside a wrong one",
            vec![patched(sha256.clone(), 2, 250), ds(&key(9), Digest::SHA256)],
            both.to_vec(),
            vec![&entry],
            Err(Why::NoEntryKey),
        ),
        ("none that can be read", vec![vec![0, 1, 15]], both.to_vec(), vec![&entry], insecure.clone()),
        (
            "a key that is not there",
            vec![ds(&key(9), Digest::SHA256)],
            both.to_vec(),
            vec![&entry],
            Err(Why::NoEntryKey),
        ),
        ("not signed", vec![sha256.clone()], both.to_vec(), vec![], Err(Why::Unsigned)),
        (
            "signed by another key of the zone",
            vec![sha256.clone()],
            both.to_vec(),
            vec![&zone_key],
            Err(Why::NoKey(zone_key.tag(), Algorithm::ED25519)),
        ),
        (
            "signed by a key that is not there",
            vec![sha256.clone()],
            both.to_vec(),
            vec![&no_zone],
            Err(Why::NoKey(no_zone.tag(), Algorithm::ED25519)),
        ),
        ("signed by both", vec![sha256.clone()], both.to_vec(), vec![&zone_key, &entry], secure.clone()),
        (
            "no zone key",
            vec![ds(&no_zone, Digest::SHA256)],
            vec![no_zone.dnskey()],
            vec![&no_zone],
            Err(Why::NotZoneKey(no_zone.tag())),
        ),
        (
            "revoked",
            vec![ds(&revoked, Digest::SHA256)],
            vec![revoked.dnskey()],
            vec![&revoked],
            Err(Why::Revoked(revoked.tag())),
        ),
        (
            "a revoked one beside it",
            vec![ds(&revoked, Digest::SHA256), sha256.clone()],
            vec![revoked.dnskey(), entry.dnskey()],
            vec![&revoked, &entry],
            secure,
        ),
        ("RSA with 512 bits", vec![ds_of(&weak)], vec![&weak, entry.dnskey()], vec![&entry], insecure),
    ];
    for (what, ds, keys, signers, expected) in cases {
        let chain = Entered { ds: &ds, keys: &keys, signers: &signers }.check(&mut Effort::WHOLE.clone());
        let chain = chain.map(|chain| if let Chain::Secure(..) = chain { "secure" } else { "insecure" });
        assert_eq!(chain, expected, "{what}");
    }
}

#[test]
fn a_zone_whose_only_entry_is_too_weak_a_key_is_insecure() {
    // RSA of 512 bits is broken by anybody: that its signature holds would say nothing.
    let weak = rsa_key(64, 3);
    let mut set = dnskeys("good.test.", &[&weak]);
    let mut sig = signature(&set, "good.test.", "good.test.", &key(1), valid());
    sig[2] = Algorithm::RSASHA256.0;
    sig[16..18].copy_from_slice(&Key::read(&weak).unwrap().tag().to_be_bytes());
    set.push_signature(&sig);
    let (mut effort, mut data) = (Effort::WHOLE, crate::dnssec::SignedData::default());
    let mut bench = Bench { time: NOW.into(), effort: &mut effort, data: &mut data };
    let ds = ds_of(&weak);
    let entry = Entry { ds: vec![&ds], keys: Vec::new() };
    assert_eq!(entry.check(&set, &mut bench), Ok(Chain::Insecure));
}

#[test]
fn a_trust_anchor_may_be_a_key() {
    let set = {
        let mut set = dnskeys("good.test.", &[key(1).dnskey()]);
        let signature = signature(&set, "good.test.", "good.test.", &key(1), valid());
        set.push_signature(&signature);
        set
    };
    let (first, second) = (key(1), key(2));
    let unknown = patched(first.dnskey().to_vec(), 3, 250);
    for (keys, expected) in [
        (vec![first.dnskey()], Ok(true)),
        (vec![second.dnskey()], Err(Why::NoEntryKey)),
        (vec![&*unknown], Ok(false)),
        (vec![], Ok(false)),
    ] {
        let (mut effort, mut data) = (Effort::WHOLE, crate::dnssec::SignedData::default());
        let mut bench = Bench { time: NOW.into(), effort: &mut effort, data: &mut data };
        let chain = Entry { ds: Vec::new(), keys }.check(&set, &mut bench).map_err(|flaw| flaw.why);
        assert_eq!(chain.map(|chain| matches!(chain, Chain::Secure(..))), expected);
    }
}

#[test]
fn many_ds_times_many_keys_cost_sixteen_digests() {
    // KeyTrap: all of one tag, none that fits.
    let first = key(1);
    let list = colliding(&first, 15);
    let list: Vec<&[u8]> = list.iter().map(|key| &**key).collect();
    let wrong: Vec<Vec<u8>> = (0..30).map(|i| patched(ds(&first, Digest::SHA256), 35, i)).collect();
    let mut effort = Effort::WHOLE;
    let chain = Entered { ds: &wrong, keys: &list, signers: &[&first] }.check(&mut effort);
    assert_eq!(chain, Err(Why::TooMuchWork));
    assert_eq!(effort.spent_of(&Effort::WHOLE), spent(0, 16));
    // Of more DS than a zone has use for the last are not looked at.
    for (before, secure) in [(7, true), (8, false)] {
        let mut many = wrong[..before].to_vec();
        many.push(ds(&first, Digest::SHA256));
        let chain = Entered { ds: &many, keys: &[first.dnskey()], signers: &[&first] };
        assert_eq!(chain.check(&mut Effort::WHOLE.clone()).is_ok(), secure, "{before} before");
    }
}

#[test]
fn many_keys_that_the_ds_names_cost_no_more_checks_than_other_sets() {
    // Each key is named, none has signed: their signatures are wrong.
    let all: Vec<SigningKey> = (10..40).map(key).collect();
    let list: Vec<&[u8]> = all.iter().map(SigningKey::dnskey).collect();
    let named: Vec<Vec<u8>> = all.iter().map(|key| ds(key, Digest::SHA256)).collect();
    let mut set = dnskeys("good.test.", &list);
    for key in &all {
        let mut bad = signature(&set, "good.test.", "good.test.", key, valid());
        *bad.last_mut().unwrap() ^= 1;
        set.push_signature(&bad);
    }
    let (mut effort, mut data) = (Effort::WHOLE, crate::dnssec::SignedData::default());
    let mut bench = Bench { time: NOW.into(), effort: &mut effort, data: &mut data };
    let entry = Entry { ds: named.iter().map(|ds| &**ds).collect(), keys: Vec::new() };
    assert!(matches!(entry.check(&set, &mut bench).unwrap_err().why, Why::Mismatch(..)));
    // As many signatures as are looked at of any set, each with the one key that it is by.
    assert_eq!(effort.spent_of(&Effort::WHOLE), spent(8, 8));
}

//------- Flaws ------------------------------------------------------------------------------------------------------

#[test]
fn a_flaw_names_the_record_the_key_and_the_reason() {
    let (a, ed) = (Rtype::A, Algorithm::ED25519);
    for (why, rtype, ede, text) in [
        (Why::Unsigned, a, 10, "www.good.test. A is not signed, but its zone is"),
        (
            Why::Expired(7, 0),
            a,
            7,
            "www.good.test. A has a signature of key 7 that expired at 19700101000000",
        ),
        (
            Why::NotYetValid(7, 60),
            a,
            8,
            "www.good.test. A has a signature of key 7 that is not valid before 19700101000100",
        ),
        (Why::Backwards(7), a, 6, "www.good.test. A has a signature of key 7 that ends before it begins"),
        (
            Why::NoKey(7, ed),
            a,
            9,
            "www.good.test. A is signed by key 7 (ED25519), which the zone does not have",
        ),
        (Why::Mismatch(7, ed), a, 6, "www.good.test. A does not match its signature by key 7 (ED25519)"),
        (Why::MalformedKey(7, ed), a, 6, "www.good.test. A is signed by key 7, which is no ED25519 key"),
        (Why::Unsupported(Algorithm(5)), a, 1, "www.good.test. A is signed by nothing better than RSASHA1"),
        (Why::Signer(name("test.")), a, 6, "www.good.test. A is signed by test., which is not its zone"),
        (Why::Labels, a, 6, "www.good.test. A has a signature whose count of labels is wrong"),
        (Why::Wildcard, Rtype::NSEC, 6, "www.good.test. NSEC comes of a wildcard, which its type may not"),
        (Why::OutOfZone, Rtype::NSEC, 6, "www.good.test. NSEC leads out of the zone that signed it"),
        (
            Why::NoKeys,
            Rtype::DNSKEY,
            9,
            "www.good.test. DNSKEY is not there, but the parent's DS or the trust anchor names it",
        ),
        (
            Why::NoEntryKey,
            Rtype::DNSKEY,
            9,
            "www.good.test. DNSKEY has none of the keys that the parent's DS or the trust anchor names",
        ),
        (
            Why::NotZoneKey(7),
            Rtype::DNSKEY,
            11,
            "www.good.test. DNSKEY has key 7 as the DS says, but it is no zone key",
        ),
        (
            Why::Revoked(7),
            Rtype::DNSKEY,
            6,
            "www.good.test. DNSKEY has key 7 as the DS says, but it is revoked",
        ),
        (Why::NotAZone(name("x.test.")), a, 6, "www.good.test. A is signed by x.test., which is not a zone"),
        (Why::NotDenied, a, 12, "nothing proves that www.good.test. has no A"),
        (Why::NotDenied, Rtype(0), 12, "nothing proves that www.good.test. does not exist"),
        (Why::NotExpanded, a, 12, "nothing proves that the A of www.good.test. may come of a wildcard"),
        (Why::DsNotDenied, Rtype::DS, 12, "the parent of www.good.test. does not prove that it has no DS"),
        (Why::DsOfChild, Rtype::DS, 6, "www.good.test. DS is told by the zone itself and not by its parent"),
        (Why::TooMuchWork, a, 6, "www.good.test. A takes more work to check than one question may cause"),
    ] {
        let flaw = Flaw::new(name("www.good.test.").as_name(), rtype, why);
        assert_eq!((flaw.ede(), flaw.to_string().as_str()), (Ede(ede), text));
    }
}
