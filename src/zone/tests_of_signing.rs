use super::*;
use crate::config::Diagnostics;
use crate::dnssec::{Algorithm, Digest, Key, Nsec3, Nsec3Param, Rrsig};
use crate::rrset::{Rrset, print_rdata};
use crate::sign::{SigningKey, Validity};
use crate::wire::{NameBuf, OwnedName};
use std::path::Path;

const VALIDITY: Validity = Validity { inception: 1_000, expiration: 2_000 };

const TEXT: &str = "$TTL 3600
@ SOA ns hostmaster 1 2 3 4 300
@ NS ns
ns A 192.0.2.53
B.c TXT upper
*.w MX 5 ns
safe NS ns.safe
safe DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
safe A 192.0.2.1
ns.safe A 192.0.2.2
below.safe NS ns.safe
bare NS ns.elsewhere.
x.y.bare2 NS ns
away DNAME elsewhere.
hidden.away A 192.0.2.3
";

fn name(text: &str) -> OwnedName {
    text.parse().unwrap()
}

fn sets(text: &str) -> Vec<Rrset> {
    let (apex, mut diagnostics): (NameBuf, _) = ("example.".parse().unwrap(), Diagnostics::default());
    let zone = master::parse(text, Path::new("test.zone"), apex.as_name(), &mut diagnostics);
    zone.unwrap_or_else(|| panic!("{}", diagnostics.render(false))).to_rrsets()
}

fn keys() -> Vec<SigningKey> {
    vec![
        SigningKey::ed25519(&[1; 32], Key::ZONE | Key::ENTRY).unwrap(),
        SigningKey::ed25519(&[2; 32], Key::ZONE).unwrap(),
    ]
}

fn sign(denial: Denial) -> Vec<Rrset> {
    let signing = Signing { keys: &keys(), validity: VALIDITY, denial };
    signing.sign(name("example.").as_name(), sets(TEXT)).unwrap()
}

fn text(set: &Rrset) -> Vec<String> {
    let print = |rdata| {
        let mut text = String::new();
        print_rdata(set.rtype, rdata, &mut text);
        text
    };
    set.rdatas().iter().map(print).collect()
}

#[test]
fn the_nsec_chain_goes_through_all_names_that_are_the_zone_s_own() {
    let signed = sign(Denial::Nsec);
    let chain = signed.iter().filter(|set| set.rtype == Rtype::NSEC);
    let shown: Vec<String> =
        chain.map(|set| format!("{} {} {}", set.name, set.ttl, text(set).join("; "))).collect();
    assert_eq!(
        shown,
        [
            "example. 300 away.example. NS SOA RRSIG NSEC DNSKEY",
            "away.example. 300 bare.example. DNAME RRSIG NSEC",
            "bare.example. 300 x.y.bare2.example. NS RRSIG NSEC",
            "x.y.bare2.example. 300 B.c.example. NS RRSIG NSEC",
            "B.c.example. 300 ns.example. TXT RRSIG NSEC",
            "ns.example. 300 safe.example. A RRSIG NSEC",
            "safe.example. 300 *.w.example. NS DS RRSIG NSEC",
            "*.w.example. 300 example. MX RRSIG NSEC",
        ]
    );
}

/// The names whose hashes have NSEC3 records, with what these list; the chain must close.
fn hashed(opt_out: bool) -> Vec<String> {
    let salt = vec![0xab, 0xcd];
    let signed = sign(Denial::Nsec3 { iterations: 3, salt: salt.clone(), opt_out });
    let param = Nsec3Param { iterations: 3, salt: &salt };
    let apex = name("example.");
    let mut names: Vec<OwnedName> = signed.iter().map(|set| set.name.clone()).collect();
    names.extend(["c", "w", "y.bare2", "bare2"].map(|empty| name(&format!("{empty}.example."))));
    names.sort();
    names.dedup();
    let chain: Vec<&Rrset> = signed.iter().filter(|set| set.rtype == Rtype::NSEC3).collect();
    for (set, next) in chain.iter().zip(chain.iter().cycle().skip(1)) {
        let nsec3 = set.rdatas().iter().next().and_then(Nsec3::read).unwrap();
        assert_eq!((nsec3.param, nsec3.opt_out, set.ttl), (param, opt_out, 300));
        assert_eq!(Nsec3::own_hash(next.name.as_name()), Some(nsec3.next));
    }
    let mut shown = Vec::new();
    for name in names {
        let owner = Nsec3::owner(&param.hash(name.as_name()), apex.as_name()).unwrap();
        let of = chain.iter().find(|set| set.name.as_name() == owner.as_name());
        shown.extend(of.map(|set| {
            let text = text(set).join("; ");
            let types: Vec<&str> = text.split(' ').skip(5).collect();
            format!("{name} {}", types.join(" ")).trim_end().to_owned()
        }));
    }
    assert_eq!(shown.len(), chain.len());
    shown
}

#[test]
fn the_nsec3_chain_has_empty_non_terminals_and_may_leave_out_delegations_without_ds() {
    assert_eq!(
        hashed(false),
        [
            "example. NS SOA RRSIG DNSKEY NSEC3PARAM",
            "away.example. DNAME RRSIG",
            "bare.example. NS",
            "bare2.example.",
            "y.bare2.example.",
            "x.y.bare2.example. NS",
            "c.example.",
            "B.c.example. TXT RRSIG",
            "ns.example. A RRSIG",
            "safe.example. NS DS RRSIG",
            "w.example.",
            "*.w.example. MX RRSIG",
        ]
    );
    let without = hashed(true);
    assert!(!without.iter().any(|shown| shown.contains("bare")), "{without:?}");
    assert_eq!(without.len(), 8);
}

#[test]
fn what_is_the_zone_s_own_is_signed_and_nothing_else() {
    for denial in [Denial::Nsec, Denial::Nsec3 { iterations: 0, salt: vec![], opt_out: false }] {
        for set in sign(denial) {
            let (owner, rtype) = (set.name.to_string(), set.rtype);
            let cut = ["safe.example.", "bare.example.", "x.y.bare2.example."].contains(&&*owner);
            let hidden =
                ["ns.safe.", "below.safe.", "hidden.away."].iter().any(|below| owner.starts_with(below));
            let wanted = !hidden && (!cut || matches!(rtype, Rtype::DS | Rtype::NSEC));
            assert_eq!(set.signatures().iter().count(), usize::from(wanted), "{owner} {rtype}");
            // The keys by the key that is referred to from outside, the rest by the other.
            let by = keys()[usize::from(rtype != Rtype::DNSKEY)].tag();
            let tags = set.signatures().iter().map(|rdata| Rrsig::read(rdata).unwrap().tag);
            assert!(tags.into_iter().all(|tag| tag == by), "{owner} {rtype}");
        }
    }
}

#[test]
fn signing_again_changes_nothing_and_a_zone_is_made_of_what_is_signed() {
    for denial in [Denial::Nsec, Denial::Nsec3 { iterations: 1, salt: vec![1], opt_out: true }] {
        let apex = name("example.");
        let signing = Signing { keys: &keys(), validity: VALIDITY, denial };
        let once = signing.sign(apex.as_name(), sets(TEXT)).unwrap();
        assert_eq!(signing.sign(apex.as_name(), once.clone()).unwrap(), once);
        let zone = Zone::from_rrsets(apex.as_name(), &once).unwrap();
        let mut of_zone = zone.to_rrsets();
        of_zone.sort_by(|a, b| a.name.cmp(&b.name).then(a.rtype.cmp(&b.rtype)));
        assert_eq!(of_zone, once);
    }
}

#[test]
fn each_algorithm_signs_all_and_a_revoked_key_only_keys() {
    let generate = |algorithm, flags| SigningKey::generate(algorithm, flags).unwrap();
    let keys = [
        generate(Algorithm::ECDSAP256SHA256, 257),
        generate(Algorithm::ECDSAP256SHA256, 256),
        // One that is both.
        generate(Algorithm::ED25519, 257),
        generate(Algorithm::ED25519, 257 | Key::REVOKED),
    ];
    let signing = Signing { keys: &keys, validity: VALIDITY, denial: Denial::Nsec };
    let apex = name("example.");
    let signed = signing.sign(apex.as_name(), sets(TEXT)).unwrap();
    for (rtype, by) in [(Rtype::DNSKEY, &[0, 2, 3][..]), (Rtype::SOA, &[1, 2])] {
        let set = signed.iter().find(|set| set.rtype == rtype).unwrap();
        let tags: Vec<u16> = set.signatures().iter().map(|rdata| Rrsig::read(rdata).unwrap().tag).collect();
        assert_eq!(tags, by.iter().map(|&i| keys[i].tag()).collect::<Vec<u16>>(), "{rtype}");
    }
    assert!(keys[0].ds(apex.as_name(), Digest::SHA256).is_some());
}

#[test]
fn a_zone_that_cannot_be_signed_says_why() {
    let long = name(&format!("{0}.{0}.{0}.{0}.", "x".repeat(60)));
    let soa = |owner: Name<'_>| {
        let mut soa = Rrset::new(owner, Rtype::SOA, 60);
        soa.push(&[0; 22]);
        soa
    };
    let hashed = |salt| Denial::Nsec3 { iterations: 0, salt: vec![0; salt], opt_out: false };
    let (example, other) = (name("example."), name("other."));
    for (apex, sets, denial, error) in [
        (&example, vec![], Denial::Nsec, SigningError::NoSoa),
        (&example, vec![soa(other.as_name())], Denial::Nsec, SigningError::Outside(other.clone())),
        (&example, vec![soa(example.as_name())], hashed(256), SigningError::TooLong),
        (&long, vec![soa(long.as_name())], hashed(0), SigningError::TooLong),
    ] {
        let signing = Signing { keys: &keys(), validity: VALIDITY, denial };
        assert_eq!(signing.sign(apex.as_name(), sets), Err(error));
    }
}
