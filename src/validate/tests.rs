//! RRsets: each case is right but for one thing, so that nothing but the check of that thing refuses it.

use super::*;
use crate::dnssec::{Algorithm, Key};
use crate::rrset::{Rdatas, Rrset, parse_rdata};
use crate::sign::{SigningKey, Validity};
use crate::wire::{Name, OwnedName, Rtype};

pub(super) const NOW: u32 = 1_800_000_000;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// From and until so many seconds from now.
fn validity(from: i64, until: i64) -> Validity {
    let at = |seconds: i64| (i64::from(NOW) + seconds) as u32;
    Validity { inception: at(from), expiration: at(until) }
}

pub(super) fn valid() -> Validity {
    validity(-DAY, 30 * DAY)
}

pub(super) fn name(text: &str) -> OwnedName {
    text.parse().unwrap()
}

/// "owner TYPE data" as a set of one record.
pub(super) fn set(text: &str) -> Rrset {
    let mut words = text.splitn(3, ' ');
    let (owner, rtype) = (name(words.next().unwrap()), Rtype::from_text(words.next().unwrap()).unwrap());
    let mut rdata = Vec::new();
    parse_rdata(rtype, words.next().unwrap(), Name::ROOT, &mut rdata).unwrap();
    let mut set = Rrset::new(owner.as_name(), rtype, 3_600);
    set.push(&rdata);
    set
}

pub(super) fn key(seed: u8) -> SigningKey {
    key_with(seed, Key::ZONE | Key::ENTRY)
}

pub(super) fn key_with(seed: u8, flags: u16) -> SigningKey {
    SigningKey::ed25519(&[seed; 32], flags).unwrap()
}

pub(super) fn dnskeys(zone: &str, keys: &[&[u8]]) -> Rrset {
    let mut set = Rrset::new(name(zone).as_name(), Rtype::DNSKEY, 3_600);
    keys.iter().for_each(|key| set.push(key));
    set
}

pub(super) fn keys(zone: &str, list: &[&[u8]]) -> Keys {
    Keys::new(&dnskeys(zone, list))
}

/// The signature of a set as it were if the set had another owner, by a key that says it is of `signer`.
pub(super) fn signature(set: &Rrset, owner: &str, signer: &str, key: &SigningKey, when: Validity) -> Vec<u8> {
    let renamed = Rrset::of(name(owner).as_name(), set.rtype, set.ttl, set.rdatas(), set.signatures());
    key.sign(&renamed, name(signer).as_name(), when).unwrap()
}

fn signed(mut set: Rrset, owner: &str, signer: &str) -> Rrset {
    let signature = signature(&set, owner, signer, &key(1), valid());
    set.push_signature(&signature);
    set
}

/// Checks a set; also returns what that cost.
fn check(set: &Rrset, keys: &Keys) -> (Result<Signed, Why>, Effort) {
    let (mut effort, mut data) = (Effort::WHOLE, crate::dnssec::SignedData::default());
    let mut bench = Bench { time: NOW.into(), effort: &mut effort, data: &mut data };
    let result = check_set(set, keys, &mut bench).map_err(|flaw| {
        assert_eq!((&flaw.owner, flaw.rtype), (&set.name, set.rtype));
        flaw.why
    });
    (result, effort.spent_of(&Effort::WHOLE))
}

pub(super) fn spent(checks: u16, faults: u16) -> Effort {
    Effort { checks, faults, hashes: 0 }
}

const WWW: &str = "www.good.test. A 198.51.100.1";

#[test]
fn a_signature_is_of_the_zone_whose_keys_are_used_and_of_a_name_within_it() {
    let keys = keys("good.test.", &[key(1).dnskey()]);
    let ds = "DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000";
    let soa = "SOA a. b. 1 2 3 4 5";
    for (text, signer, fits) in [
        (WWW.to_owned(), "good.test.", true),
        (WWW.to_owned(), "GOOD.test.", true),
        ("WWW.Good.TEST. A 198.51.100.1".into(), "good.test.", true),
        // The zone above, that above it, a sibling, a zone below, the name itself.
        (WWW.to_owned(), "test.", false),
        (WWW.to_owned(), ".", false),
        (WWW.to_owned(), "other.test.", false),
        (WWW.to_owned(), "sub.good.test.", false),
        (WWW.to_owned(), "www.good.test.", false),
        // Not within the zone.
        ("www.other.test. A 198.51.100.1".into(), "good.test.", false),
        ("test. A 198.51.100.1".into(), "good.test.", false),
        ("xgood.test. A 198.51.100.1".into(), "good.test.", false),
        // What is of the zone above, and what stands at the zone's own name alone.
        (format!("sub.good.test. {ds}"), "good.test.", true),
        (format!("good.test. {ds}"), "good.test.", false),
        (format!("good.test. {soa}"), "good.test.", true),
        (format!("sub.good.test. {soa}"), "good.test.", false),
        ("good.test. DNSKEY 257 3 15 aaaa".into(), "good.test.", true),
        ("sub.good.test. DNSKEY 257 3 15 aaaa".into(), "good.test.", false),
        ("good.test. NSEC3PARAM 1 0 0 -".into(), "good.test.", true),
        ("sub.good.test. NSEC3PARAM 1 0 0 -".into(), "good.test.", false),
    ] {
        let plain = set(&text);
        let (result, effort) = check(&signed(plain.clone(), &plain.name.to_string(), signer), &keys);
        if fits {
            let result = result.map(|signed| (signed.ttl, signed.expansion));
            assert_eq!(result, Ok((3_600, None)), "{text} by {signer}");
        } else {
            assert_eq!(result, Err(Why::Signer(name(signer))), "{text} by {signer}");
            assert_eq!(effort, spent(0, 0), "{text} by {signer}");
        }
    }
}

#[test]
fn the_labels_of_a_signature_are_no_fewer_than_its_signers_and_no_more_than_its_owners() {
    let keys = keys("good.test.", &[key(1).dnskey()]);
    let expanded = |labels| Ok(Some(Expansion { encloser_labels: labels }));
    for (owner, signed_owner, expected) in [
        ("www.good.test.", "www.good.test.", Ok(None)),
        ("www.good.test.", "*.good.test.", expanded(2)),
        ("a.b.good.test.", "*.good.test.", expanded(2)),
        ("a.b.good.test.", "*.b.good.test.", expanded(3)),
        ("*.good.test.", "*.good.test.", Ok(None)),
        ("*.b.good.test.", "*.good.test.", expanded(2)),
        // The wildcard of a zone above, which this zone cannot have signed.
        ("www.good.test.", "*.test.", Err(Why::Labels)),
        ("www.good.test.", "*.", Err(Why::Labels)),
        ("good.test.", "*.test.", Err(Why::Labels)),
        ("www.good.test.", "a.www.good.test.", Err(Why::Labels)),
    ] {
        let set = signed(set(&format!("{owner} A 198.51.100.1")), signed_owner, "good.test.");
        let (result, effort) = check(&set, &keys);
        assert_eq!(result.map(|signed| signed.expansion), expected, "{owner} as {signed_owner}");
        assert_eq!(effort.checks, u16::from(expected.is_ok()), "{owner} as {signed_owner}");
    }
}

#[test]
fn proofs_delegations_and_dnames_do_not_come_of_wildcards_and_lead_to_names_of_the_zone() {
    let keys = keys("good.test.", &[key(1).dnskey()]);
    let hash = "0123456789abcdefghijklmnopqrstuv";
    let nsec3 = format!("NSEC3 1 0 0 - {hash} A");
    for (text, signed_owner, expected) in [
        ("a.good.test. NSEC b.good.test. A".to_owned(), "a.good.test.", Ok(())),
        ("a.good.test. NSEC good.test. A".into(), "a.good.test.", Ok(())),
        ("a.good.test. NSEC other.test. A".into(), "a.good.test.", Err(Why::OutOfZone)),
        ("a.good.test. NSEC test. A".into(), "a.good.test.", Err(Why::OutOfZone)),
        ("a.good.test. NSEC xgood.test. A".into(), "a.good.test.", Err(Why::OutOfZone)),
        ("a.good.test. NSEC b.good.test. A".into(), "*.good.test.", Err(Why::Wildcard)),
        (format!("{hash}.good.test. {nsec3}"), &*format!("{hash}.good.test."), Ok(())),
        (format!("{hash}.good.test. {nsec3}"), "*.good.test.", Err(Why::Wildcard)),
        (format!("{hash}.a.good.test. {nsec3}"), &*format!("{hash}.a.good.test."), Err(Why::OutOfZone)),
        (format!("good.test. {nsec3}"), "good.test.", Err(Why::OutOfZone)),
        ("a.good.test. DNAME b.test.".into(), "a.good.test.", Ok(())),
        ("a.good.test. DNAME b.test.".into(), "*.good.test.", Err(Why::Wildcard)),
        ("a.good.test. DS 1 13 200 00".into(), "*.good.test.", Err(Why::Wildcard)),
    ] {
        let (result, _) = check(&signed(set(&text), signed_owner, "good.test."), &keys);
        assert_eq!(result.map(|_| ()), expected, "{text} as {signed_owner}");
    }
}

#[test]
fn a_signature_holds_from_its_inception_to_its_expiration_give_or_take_a_tenth() {
    let keys = keys("good.test.", &[key(1).dnskey()]);
    let (minute, tag) = (60, key(1).tag());
    #[derive(Debug)]
    enum Is {
        Good(u32),
        Expired,
        Early,
        Backwards,
    }
    for (from, until, is) in [
        (-DAY, DAY, Is::Good(3_600)),
        (-DAY, 100, Is::Good(100)),
        (0, HOUR, Is::Good(3_600)),
        // The tolerance is a tenth of the validity...
        (-2 * DAY, -4 * HOUR, Is::Good(30)),
        (-2 * DAY, -5 * HOUR, Is::Expired),
        (4 * HOUR, 2 * DAY, Is::Good(3_600)),
        (5 * HOUR, 2 * DAY, Is::Early),
        // ...an hour at least...
        (-2 * HOUR, -59 * minute, Is::Good(30)),
        (-2 * HOUR, -61 * minute, Is::Expired),
        (59 * minute, 2 * HOUR, Is::Good(3_600)),
        (61 * minute, 2 * HOUR, Is::Early),
        // ...and a day at most.
        (-60 * DAY, -23 * HOUR, Is::Good(30)),
        (-60 * DAY, -25 * HOUR, Is::Expired),
        (23 * HOUR, 60 * DAY, Is::Good(3_600)),
        (25 * HOUR, 60 * DAY, Is::Early),
        (DAY, -DAY, Is::Backwards),
        (HOUR / 2, -HOUR / 2, Is::Backwards),
        (-DAY, i64::from(i32::MAX) + 1, Is::Backwards),
    ] {
        let mut set = set(WWW);
        let when = validity(from, until);
        let signature = signature(&set, "www.good.test.", "good.test.", &key(1), when);
        set.push_signature(&signature);
        let (expected, cost) = match is {
            Is::Good(ttl) => (Ok(ttl), spent(1, 0)),
            Is::Expired => (Err(Why::Expired(tag, when.expiration)), spent(0, 1)),
            Is::Early => (Err(Why::NotYetValid(tag, when.inception)), spent(0, 1)),
            Is::Backwards => (Err(Why::Backwards(tag)), spent(0, 1)),
        };
        let (result, effort) = check(&set, &keys);
        assert_eq!(result.map(|signed| signed.ttl), expected, "{from} to {until}");
        assert_eq!(effort, cost, "{from} to {until}");
    }
}

#[test]
fn times_are_compared_as_serial_numbers() {
    // RFC 4034 §3.1.5: the year 2106 is no end.
    let keys = keys("good.test.", &[key(1).dnskey()]);
    let mut www = set(WWW);
    let when = Validity { inception: u32::MAX - 1_000, expiration: 200_000 };
    www.push_signature(&key(1).sign(&www, name("good.test.").as_name(), when).unwrap());
    for (time, good) in [
        (u64::from(u32::MAX) - 500, true),
        (u64::from(u32::MAX) + 500, true),
        (u64::from(u32::MAX) - 100_000, false),
        (u64::from(u32::MAX) + 300_000, false),
    ] {
        let (mut effort, mut data) = (Effort::WHOLE, crate::dnssec::SignedData::default());
        let mut bench = Bench { time, effort: &mut effort, data: &mut data };
        assert_eq!(check_set(&www, &keys, &mut bench).is_ok(), good, "{time}");
    }
}

#[test]
fn a_set_is_kept_no_longer_than_the_ttl_that_was_signed() {
    let keys = keys("good.test.", &[key(1).dnskey()]);
    for (ttl, kept) in [(86_400, 3_600), (3_600, 3_600), (60, 60)] {
        let mut www = signed(set(WWW), "www.good.test.", "good.test.");
        www.ttl = ttl;
        assert_eq!(check(&www, &keys).0.map(|signed| signed.ttl), Ok(kept), "{ttl}");
    }
}

/// Ed25519 keys of one tag: the words of the first in another order. That they are no points of the curve costs as much to find.
pub(super) fn colliding(first: &SigningKey, count: usize) -> Vec<Vec<u8>> {
    let turned = |by: usize| {
        let (head, public) = first.dnskey().split_at(4);
        let mut public = public.to_vec();
        public.rotate_left(2 * by);
        let other = [head, &public].concat();
        assert_eq!(Key::read(&other).unwrap().tag(), first.tag());
        other
    };
    (1..=count).map(turned).collect()
}

/// The set with so many signatures that were made over something else, before those it has.
fn with_wrong(set: &Rrset, key: &SigningKey, count: usize) -> Rrset {
    let bare = |ttl| Rrset::of(set.name.as_name(), set.rtype, ttl, set.rdatas(), Rdatas::EMPTY);
    let mut wrong = bare(set.ttl);
    for i in 0..count as i64 {
        let mut bad = key.sign(&bare(1), name("good.test.").as_name(), validity(-DAY - i, DAY)).unwrap();
        // It was made over another TTL than it says.
        bad[4..8].copy_from_slice(&set.ttl.to_be_bytes());
        wrong.push_signature(&bad);
    }
    set.signatures().iter().for_each(|good| wrong.push_signature(good));
    wrong
}

#[test]
fn signatures_and_keys_of_one_tag_are_tried_so_far_and_no_further() {
    let good = key(1);
    let www = signed(set(WWW), "www.good.test.", "good.test.");
    for (wrong_signatures, keys_before, is_good, cost) in [
        (0, 0, true, spent(1, 0)),
        (7, 0, true, spent(8, 7)),
        // The ninth is not looked at.
        (8, 0, false, spent(8, 8)),
        (0, 1, true, spent(2, 1)),
        // Nor is the third key.
        (0, 2, false, spent(2, 2)),
        (7, 1, true, spent(16, 15)),
        (100, 14, false, spent(16, 16)),
    ] {
        let mut list = colliding(&good, keys_before);
        list.push(good.dnskey().to_vec());
        let list: Vec<&[u8]> = list.iter().map(|key| &**key).collect();
        let (result, effort) = check(&with_wrong(&www, &good, wrong_signatures), &keys("good.test.", &list));
        let expected = if is_good { Ok(()) } else { Err(Why::Mismatch(good.tag(), Algorithm::ED25519)) };
        assert_eq!(result.map(|_| ()), expected, "{wrong_signatures} signatures, {keys_before} keys");
        assert_eq!(effort, cost, "{wrong_signatures} signatures, {keys_before} keys");
    }
}

#[test]
fn keys_past_the_32nd_are_not_used() {
    let www = signed(set(WWW), "www.good.test.", "good.test.");
    for (before, good) in [(31, true), (32, false)] {
        let others: Vec<SigningKey> = (100..100 + before).map(key).collect();
        let mut list: Vec<&[u8]> = others.iter().map(SigningKey::dnskey).collect();
        let last = key(1);
        list.push(last.dnskey());
        assert_eq!(check(&www, &keys("good.test.", &list)).0.is_ok(), good, "{before} before");
    }
}

#[test]
fn what_one_question_may_cost_is_shared_by_all_its_sets() {
    let keys = keys("good.test.", &[key(1).dnskey()]);
    let expired = |i: i64| {
        let mut set = set(WWW);
        let signature =
            signature(&set, "www.good.test.", "good.test.", &key(1), validity(-9 * DAY - i, -8 * DAY));
        set.push_signature(&signature);
        set
    };
    let wrong = |_| with_wrong(&set(WWW), &key(1), 1);
    let sets: [(&dyn Fn(i64) -> Rrset, u16); 2] = [(&expired, 0), (&wrong, 16)];
    for (i, (make, checks)) in sets.into_iter().enumerate() {
        let (mut effort, mut data) = (Effort::WHOLE, crate::dnssec::SignedData::default());
        let mut bench = Bench { time: NOW.into(), effort: &mut effort, data: &mut data };
        for nth in 0..16 {
            let flaw = check_set(&make(nth), &keys, &mut bench).unwrap_err();
            assert_ne!(flaw.why, Why::TooMuchWork, "{i}: {nth}");
        }
        // Not even what is right is looked at any more.
        let www = signed(set(WWW), "www.good.test.", "good.test.");
        assert_eq!(check_set(&www, &keys, &mut bench).unwrap_err().why, Why::TooMuchWork, "{i}");
        assert_eq!(effort.spent_of(&Effort::WHOLE), spent(checks, 16), "{i}");
    }
    // What is right costs as well.
    let (mut effort, mut data) = (Effort::WHOLE, crate::dnssec::SignedData::default());
    let mut bench = Bench { time: NOW.into(), effort: &mut effort, data: &mut data };
    let www = signed(set(WWW), "www.good.test.", "good.test.");
    let good = (0..100).take_while(|_| check_set(&www, &keys, &mut bench).is_ok()).count();
    assert_eq!(good, 64);
}

#[test]
fn an_effort_is_spent_and_not_made() {
    let some = Effort { checks: 3, faults: 2, hashes: 1 };
    assert_eq!(some.minus(&some), Some(Effort { checks: 0, faults: 0, hashes: 0 }));
    for over in [Effort { checks: 4, ..some }, Effort { faults: 3, ..some }, Effort { hashes: 2, ..some }] {
        assert_eq!(some.minus(&over), None);
    }
    assert_eq!(
        some.spent_of(&Effort { checks: 5, faults: 5, hashes: 5 }),
        Effort { checks: 2, faults: 3, hashes: 4 }
    );
}

#[test]
fn only_keys_that_may_sign_and_signatures_that_can_be_checked_count() {
    let sign = |key: &SigningKey| {
        let mut set = set(WWW);
        let signature = signature(&set, "www.good.test.", "good.test.", key, valid());
        set.push_signature(&signature);
        set
    };
    let patched = |at: usize, octet: u8| {
        let mut dnskey = key(1).dnskey().to_vec();
        dnskey[at] = octet;
        dnskey
    };
    // A key that differs in a field has another tag: the signature is told to be of that.
    let tagged = |dnskey: &[u8]| {
        let key = Key::read(dnskey).unwrap();
        let mut sig = sign(&super::tests::key(1)).signatures().iter().next().unwrap().to_vec();
        sig[16..18].copy_from_slice(&key.tag().to_be_bytes());
        sig[2] = key.algorithm.0;
        let mut set = set(WWW);
        set.push_signature(&sig);
        (set, key.tag())
    };
    let (ed, p256, rsa) = (Algorithm::ED25519, Algorithm::ECDSAP256SHA256, Algorithm::RSASHA256);
    let no_key = |algorithm| move |tag| Why::NoKey(tag, algorithm);
    type Expected = Box<dyn Fn(u16) -> Why>;
    let cases: [(&str, Vec<u8>, Expected); 8] = [
        ("no zone key", patched(0, 0), Box::new(no_key(ed))),
        ("revoked", patched(1, 0x81), Box::new(no_key(ed))),
        ("another protocol", patched(2, 2), Box::new(no_key(ed))),
        ("too short", patched(3, p256.0), Box::new(move |tag| Why::MalformedKey(tag, p256))),
        (
            "no RSA key",
            [&patched(3, rsa.0)[..4], b"\0"].concat(),
            Box::new(move |tag| Why::MalformedKey(tag, rsa)),
        ),
        ("RSA with 512 bits", rsa_key(64, 3), Box::new(move |_| Why::Unsupported(rsa))),
        ("RSA with 8192 bits", rsa_key(1_024, 3), Box::new(move |_| Why::Unsupported(rsa))),
        ("RSA with a long exponent", rsa_key(256, 5), Box::new(move |_| Why::Unsupported(rsa))),
    ];
    for (what, dnskey, expected) in cases {
        let (set, tag) = tagged(&dnskey);
        assert_eq!(check(&set, &keys("good.test.", &[&dnskey])).0, Err(expected(tag)), "{what}");
    }
    for algorithm in [1, 3, 5, 6, 7, 12, 16, 17, 253] {
        let dnskey = patched(3, algorithm);
        let (unknown, _) = tagged(&dnskey);
        let (result, effort) = check(&unknown, &keys("good.test.", &[&dnskey]));
        assert_eq!(result, Err(Why::Unsupported(Algorithm(algorithm))));
        assert_eq!(effort, spent(0, 0));
        // Beside one that can be checked it does no harm.
        let mut both = unknown.clone();
        sign(&key(1)).signatures().iter().for_each(|good| both.push_signature(good));
        assert_eq!(check(&both, &keys("good.test.", &[&dnskey, key(1).dnskey()])).0.map(|_| ()), Ok(()));
    }
    // A signature of another set, and one that is cut off.
    let mut other = set("www.good.test. AAAA 2001:db8::1");
    sign(&key(1)).signatures().iter().for_each(|sig| other.push_signature(sig));
    assert_eq!(check(&other, &keys("good.test.", &[key(1).dnskey()])).0, Err(Why::Unsigned));
    let mut cut = set(WWW);
    cut.push_signature(&sign(&key(1)).signatures().iter().next().unwrap()[..15]);
    assert_eq!(check(&cut, &keys("good.test.", &[key(1).dnskey()])).0, Err(Why::Unsigned));
}

/// DNSKEY data of an RSA key with so many octets of modulus and exponent.
pub(super) fn rsa_key(modulus: usize, exponent: u8) -> Vec<u8> {
    let mut dnskey = vec![1, 1, 3, Algorithm::RSASHA256.0, exponent];
    dnskey.extend(std::iter::repeat_n(1, exponent.into()));
    dnskey.extend(std::iter::repeat_n(0xc1, modulus));
    dnskey
}
