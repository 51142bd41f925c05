//! What NSEC and NSEC3 records prove, and what they do not though it looks like it.

use super::tests::{NOW, key, keys, name, set, signature, valid};
use super::*;
use crate::dnssec::{Nsec, Nsec3, Nsec3Param, SignedData};
use crate::limits;
use crate::rrset::{Rdatas, Rrset};
use crate::wire::{OwnedName, Rtype};
use crate::zone::{self, Signing};

const ZONE: &[&str] = &[
    "good.test. SOA a. b. 1 2 3 4 300",
    "good.test. NS ns.other.test.",
    "a.good.test. A 198.51.100.1",
    "bare.good.test. NS ns.other.test.",
    "cn.good.test. CNAME www.good.test.",
    "dn.good.test. DNAME other.test.",
    "deep.ent.good.test. A 198.51.100.2",
    "inner.good.test. NS ns.other.test.",
    "inner.good.test. DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000",
    "*.wild.good.test. A 198.51.100.3",
    "near.wild.good.test. A 198.51.100.4",
    "www.good.test. A 198.51.100.5",
];

const SALT: &[u8] = &[0xab];

fn hashed(iterations: u16, opt_out: bool) -> zone::Denial {
    zone::Denial::Nsec3 { iterations, salt: SALT.to_vec(), opt_out }
}

fn signed(denial: zone::Denial) -> Vec<Rrset> {
    let signing = Signing { keys: &[key(1)], validity: valid(), denial };
    let sets = ZONE.iter().map(|text| set(text)).collect();
    signing.sign(name("good.test.").as_name(), sets).unwrap()
}

/// The records of a zone that stand at `=name`, or cover `~name`.
fn pick(zone: &[Rrset], iterations: u16, places: &str) -> Vec<Rrset> {
    let mut picked: Vec<Rrset> = Vec::new();
    for place in places.split_whitespace() {
        let (covers, wanted) = (place.starts_with('~'), name(&place[1..]));
        let hash = Nsec3Param { iterations, salt: SALT }.hash(wanted.as_name());
        let fits = |set: &&Rrset| {
            let (owner, rdata) = (set.name.as_name(), set.rdatas().iter().next().unwrap());
            match set.rtype {
                Rtype::NSEC if covers => Nsec::read(rdata).unwrap().covers(owner, wanted.as_name()),
                Rtype::NSEC => owner == wanted.as_name(),
                Rtype::NSEC3 if covers => {
                    Nsec3::read(rdata).unwrap().covers(&Nsec3::own_hash(owner).unwrap(), &hash)
                }
                Rtype::NSEC3 => Nsec3::own_hash(owner).unwrap() == hash,
                _ => false,
            }
        };
        let found = zone.iter().find(fits).unwrap_or_else(|| panic!("{place}"));
        if !picked.contains(found) {
            picked.push(found.clone());
        }
    }
    picked
}

/// What these records prove of "error name", "data name TYPE", "wild name labels" or "ds name".
fn verdict(sets: &[Rrset], question: &str, effort: &mut Effort) -> String {
    let keys = keys("good.test.", &[key(1).dnskey()]);
    let mut data = SignedData::default();
    let mut bench = Bench { time: NOW.into(), effort, data: &mut data };
    let denial = Denial::new(sets, &keys, &mut bench);
    let words: Vec<&str> = question.split(' ').collect();
    let about: OwnedName = name(words[1]);
    let about = about.as_name();
    let shown = |proven: Result<Proven, Flaw>| match proven {
        Ok(proven) => format!("{proven:?}"),
        Err(flaw) => format!("{:?}", flaw.why),
    };
    match words[0] {
        "error" => shown(denial.name_error(about, effort)),
        "data" => shown(denial.no_data(about, Rtype::from_text(words[2]).unwrap(), effort)),
        "wild" => {
            let expansion = Expansion { encloser_labels: words[2].parse().unwrap() };
            shown(denial.expanded(about, Rtype::A, expansion, effort))
        }
        _ => {
            denial.no_ds(about, effort).map_or_else(|flaw| format!("{:?}", flaw.why), |no| format!("{no:?}"))
        }
    }
}

/// Checks what the records at these places prove; of what is proven, that all of them are needed.
fn check(zone: &[Rrset], iterations: u16, cases: &[(&str, &str, &str)]) {
    for (question, places, expected) in cases {
        let sets = pick(zone, iterations, places);
        assert_eq!(verdict(&sets, question, &mut Effort::WHOLE.clone()), *expected, "{question} by {places}");
        if expected.contains("Denied") || expected.contains("Expanded") {
            continue;
        }
        for missing in 0..sets.len() {
            let mut fewer = sets.clone();
            fewer.remove(missing);
            let got = verdict(&fewer, question, &mut Effort::WHOLE.clone());
            assert!(
                got.contains("Denied") || got.contains("Expanded"),
                "{question} without {missing}: {got}"
            );
            // One whose signature does not hold is as good as none.
            for spoil in [|set: &mut Rrset| set.drop_signatures(), |set: &mut Rrset| set.ttl += 1, misstate] {
                let mut spoilt = sets.clone();
                spoil(&mut spoilt[missing]);
                let is_same = spoilt[missing].ttl != sets[missing].ttl;
                let got = verdict(&spoilt, question, &mut Effort::WHOLE.clone());
                assert_eq!(got == *expected, is_same, "{question} with {missing} spoilt: {got}");
            }
        }
    }
}

/// Adds a type to the bitmap of a record, whose signature no longer fits.
fn misstate(set: &mut Rrset) {
    let rdata = set.rdatas().iter().next().unwrap().to_vec();
    let mut other = Rrset::of(set.name.as_name(), set.rtype, set.ttl, Rdatas::EMPTY, set.signatures());
    other.push(&[&rdata[..], &[9, 1, 0x80]].concat());
    *set = other;
}

#[test]
fn nsec_proves_what_it_covers_and_nothing_below_delegations_and_dnames() {
    let zone = signed(zone::Denial::Nsec);
    check(
        &zone,
        0,
        &[
            ("error b.good.test.", "~b.good.test. =good.test.", "Secure"),
            ("error x.b.good.test.", "~b.good.test. =good.test.", "Secure"),
            ("error x.www.good.test.", "=www.good.test.", "Secure"),
            // There is a wildcard that stands for it; it exists; it is an empty non-terminal.
            ("error x.wild.good.test.", "~x.wild.good.test. ~wild.good.test.", "NotDenied"),
            ("error www.good.test.", "=www.good.test. =good.test.", "NotDenied"),
            ("error ent.good.test.", "~ent.good.test. =good.test.", "NotDenied"),
            // RFC 6840 §4.1.
            ("error x.bare.good.test.", "=bare.good.test. =good.test.", "NotDenied"),
            ("error x.inner.good.test.", "=inner.good.test. =good.test.", "NotDenied"),
            ("error x.dn.good.test.", "=dn.good.test. =good.test.", "NotDenied"),
            ("data www.good.test. TXT", "=www.good.test.", "Secure"),
            ("data ent.good.test. A", "~ent.good.test.", "Secure"),
            ("data x.wild.good.test. TXT", "~x.wild.good.test. =*.wild.good.test.", "Secure"),
            ("data dn.good.test. TXT", "=dn.good.test.", "Secure"),
            ("data www.good.test. A", "=www.good.test.", "NotDenied"),
            ("data x.wild.good.test. A", "~x.wild.good.test. =*.wild.good.test.", "NotDenied"),
            ("data cn.good.test. TXT", "=cn.good.test.", "NotDenied"),
            ("data bare.good.test. A", "=bare.good.test.", "NotDenied"),
            ("data inner.good.test. A", "=inner.good.test.", "NotDenied"),
            ("data x.bare.good.test. A", "=bare.good.test.", "NotDenied"),
            ("data good.test. DS", "=good.test.", "NotDenied"),
            ("data b.good.test. A", "~b.good.test. =good.test.", "NotDenied"),
            ("wild x.wild.good.test. 3", "~x.wild.good.test.", "Secure"),
            ("wild x.y.wild.good.test. 3", "~y.wild.good.test.", "Secure"),
            // A name nearer than the wildcard: the name itself, one above it, an empty one.
            ("wild near.wild.good.test. 3", "=near.wild.good.test. ~m.wild.good.test.", "NotExpanded"),
            ("wild x.near.wild.good.test. 3", "=near.wild.good.test. ~m.wild.good.test.", "NotExpanded"),
            ("wild x.wild.good.test. 2", "~x.wild.good.test. ~wild.good.test.", "NotExpanded"),
            ("wild ent.good.test. 2", "~ent.good.test.", "NotExpanded"),
            ("wild x.bare.good.test. 2", "=bare.good.test.", "NotExpanded"),
            ("wild x.wild.good.test. 3", "=good.test.", "NotExpanded"),
            ("ds bare.good.test.", "=bare.good.test.", "Insecure"),
            // RFC 6840 §4.4: where NS is missing it is no delegation, and what is below belongs to this zone.
            ("ds www.good.test.", "=www.good.test.", "NotACut"),
            ("ds ent.good.test.", "~ent.good.test.", "NotACut"),
            ("ds b.good.test.", "~b.good.test. =good.test.", "NotACut"),
            ("ds inner.good.test.", "=inner.good.test.", "DsNotDenied"),
            ("ds good.test.", "=good.test.", "DsNotDenied"),
            ("ds x.bare.good.test.", "=bare.good.test. =good.test.", "DsNotDenied"),
        ],
    );
}

#[test]
fn nsec3_proves_what_it_covers_and_nothing_below_delegations_and_dnames() {
    let zone = signed(hashed(1, false));
    check(
        &zone,
        1,
        &[
            ("error b.good.test.", "=good.test. ~b.good.test. ~*.good.test.", "Secure"),
            ("error x.b.good.test.", "=good.test. ~b.good.test. ~*.good.test.", "Secure"),
            ("error x.www.good.test.", "=www.good.test. ~x.www.good.test. ~*.www.good.test.", "Secure"),
            (
                "error x.wild.good.test.",
                "=wild.good.test. ~x.wild.good.test. =*.wild.good.test.",
                "NotDenied",
            ),
            ("error www.good.test.", "=good.test. =www.good.test. ~*.good.test.", "NotDenied"),
            ("error ent.good.test.", "=good.test. =ent.good.test. ~*.good.test.", "NotDenied"),
            (
                "error x.bare.good.test.",
                "=bare.good.test. ~x.bare.good.test. ~*.bare.good.test.",
                "NotDenied",
            ),
            (
                "error x.inner.good.test.",
                "=inner.good.test. ~x.inner.good.test. ~*.inner.good.test.",
                "NotDenied",
            ),
            ("error x.dn.good.test.", "=dn.good.test. ~x.dn.good.test. ~*.dn.good.test.", "NotDenied"),
            // The closest encloser is the nearest name that is shown to exist.
            ("error x.www.good.test.", "=good.test. ~x.www.good.test. ~*.good.test.", "NotDenied"),
            ("data www.good.test. TXT", "=www.good.test.", "Secure"),
            ("data ent.good.test. A", "=ent.good.test.", "Secure"),
            (
                "data x.wild.good.test. TXT",
                "=wild.good.test. ~x.wild.good.test. =*.wild.good.test.",
                "Secure",
            ),
            ("data www.good.test. A", "=www.good.test.", "NotDenied"),
            (
                "data x.wild.good.test. A",
                "=wild.good.test. ~x.wild.good.test. =*.wild.good.test.",
                "NotDenied",
            ),
            ("data cn.good.test. TXT", "=cn.good.test.", "NotDenied"),
            ("data bare.good.test. A", "=bare.good.test.", "NotDenied"),
            ("data inner.good.test. A", "=inner.good.test.", "NotDenied"),
            ("data good.test. DS", "=good.test.", "NotDenied"),
            ("wild x.wild.good.test. 3", "~x.wild.good.test.", "Secure"),
            ("wild x.y.wild.good.test. 3", "~y.wild.good.test.", "Secure"),
            ("wild near.wild.good.test. 3", "=near.wild.good.test.", "NotExpanded"),
            ("wild x.near.wild.good.test. 3", "~x.near.wild.good.test.", "NotExpanded"),
            ("wild x.wild.good.test. 2", "~x.wild.good.test. =wild.good.test.", "NotExpanded"),
            ("ds bare.good.test.", "=bare.good.test.", "Insecure"),
            ("ds www.good.test.", "=www.good.test.", "NotACut"),
            ("ds b.good.test.", "=good.test. ~b.good.test. ~*.good.test.", "NotACut"),
            ("ds inner.good.test.", "=inner.good.test.", "DsNotDenied"),
            ("ds good.test.", "=good.test.", "DsNotDenied"),
            ("ds x.bare.good.test.", "=bare.good.test. ~x.bare.good.test. ~*.bare.good.test.", "DsNotDenied"),
        ],
    );
}

#[test]
fn what_opt_out_covers_is_insecure() {
    let zone = signed(hashed(1, true));
    check(
        &zone,
        1,
        &[
            ("ds bare.good.test.", "=good.test. ~bare.good.test.", "Insecure"),
            ("ds b.good.test.", "=good.test. ~b.good.test.", "Insecure"),
            ("error b.good.test.", "=good.test. ~b.good.test. ~*.good.test.", "Insecure"),
            ("data bare.good.test. A", "=good.test. ~bare.good.test.", "Insecure"),
            ("wild x.wild.good.test. 3", "~x.wild.good.test.", "Insecure"),
            // What has a record of its own is as certain as ever.
            ("data www.good.test. TXT", "=www.good.test.", "Secure"),
            ("ds inner.good.test.", "=inner.good.test.", "DsNotDenied"),
            ("ds www.good.test.", "=www.good.test.", "NotACut"),
        ],
    );
}

#[test]
fn proofs_of_another_zone_prove_nothing() {
    // The zones below and beside have signed them well.
    for (zone, places, question) in [
        ("wild.good.test.", "wild.good.test. NSEC wild.good.test. NS SOA", "wild x.wild.good.test. 3"),
        ("inner.good.test.", "inner.good.test. NSEC inner.good.test. NS SOA", "error x.inner.good.test."),
        ("other.test.", "other.test. NSEC other.test. NS SOA", "error x.good.test."),
        ("test.", "good.test. NSEC test. NS", "error x.good.test."),
        ("test.", "test. NSEC test. NS SOA", "ds x.good.test."),
    ] {
        let mut nsec = set(places);
        let owner = nsec.name.to_string();
        let signature = signature(&nsec, &owner, zone, &key(1), valid());
        nsec.push_signature(&signature);
        let got = verdict(&[nsec], question, &mut Effort::WHOLE.clone());
        assert!(got.starts_with("Signer"), "{question}: {got}");
    }
}

#[test]
fn iterations_beyond_the_limit_make_insecure_what_is_signed_and_nothing_else() {
    for (iterations, expected) in [(50, "Secure"), (51, "Insecure"), (2_500, "Insecure")] {
        let zone = signed(hashed(iterations, false));
        let sets = pick(&zone, iterations, "=good.test. ~b.good.test. ~*.good.test.");
        for question in
            ["error b.good.test.", "data b.good.test. A", "wild b.good.test. 2", "ds b.good.test."]
        {
            let mut effort = Effort::WHOLE;
            let got = verdict(&sets, question, &mut effort);
            match (expected, question.split_once(' ').unwrap().0) {
                ("Secure", "data") => assert_eq!(got, "NotDenied", "{question}"),
                ("Secure", "ds") => assert_eq!(got, "NotACut", "{question}"),
                _ => assert_eq!(got, expected, "{question} at {iterations}"),
            }
            // Nothing is hashed so often.
            let hashes = effort.spent_of(&Effort::WHOLE).hashes;
            assert_eq!(hashes == 0, expected == "Insecure", "{question}: {hashes}");
            let mut unsigned = sets.clone();
            unsigned.iter_mut().for_each(Rrset::drop_signatures);
            assert_eq!(verdict(&unsigned, question, &mut Effort::WHOLE.clone()), "Unsigned");
            let mut wrong = sets.clone();
            wrong.iter_mut().for_each(misstate);
            assert!(verdict(&wrong, question, &mut Effort::WHOLE.clone()).starts_with("Mismatch"));
        }
    }
}

#[test]
fn hashing_is_bounded_by_what_the_question_may_cost() {
    // CVE-2023-50868: a name of many labels, at the most iterations that are computed at all.
    let zone = signed(hashed(50, false));
    let mut sets = pick(&zone, 50, "=good.test. ~b.good.test. ~*.good.test.");
    let long = format!("error {}good.test.", "b.".repeat(115));
    let price = Nsec3Param { iterations: 50, salt: SALT }.price();
    let mut effort = Effort::WHOLE;
    assert_eq!(verdict(&sets, &long, &mut effort), "TooMuchWork");
    assert!(effort.hashes < price, "{effort:?}");
    // With less left, less is done.
    let mut little = Effort { hashes: 3 * price, ..Effort::WHOLE };
    assert_eq!(verdict(&sets, "error x.y.z.b.good.test.", &mut little), "TooMuchWork");
    assert_eq!(little.hashes, 0);
    let mut enough = Effort { hashes: 3 * price, ..Effort::WHOLE };
    assert_eq!(verdict(&sets, "error b.good.test.", &mut enough), "Secure");
    // A salt of 255 octets costs five blocks each time.
    assert_eq!(Nsec3Param { iterations: 50, salt: &[0; 255] }.price(), 50 * 5 + 9);
    // Of more records than a denial has use for the last are not looked at.
    let others: Vec<Rrset> = zone.iter().filter(|set| set.rtype == Rtype::NSEC3).cloned().collect();
    let filler: Vec<Rrset> = others.iter().filter(|set| !sets.contains(set)).cloned().collect();
    let mut many: Vec<Rrset> =
        filler.iter().cycle().take(limits::DENIAL_RECORDS - sets.len()).cloned().collect();
    many.append(&mut sets.clone());
    assert_eq!(verdict(&many, "error b.good.test.", &mut Effort::WHOLE.clone()), "Secure");
    many.insert(0, filler[0].clone());
    let mut effort = Effort::WHOLE;
    assert_eq!(verdict(&many, "error b.good.test.", &mut effort), "NotDenied");
    assert_eq!(effort.spent_of(&Effort::WHOLE).checks, limits::DENIAL_RECORDS as u16);
    // And those that are wrong spend what the question has.
    sets = zone.iter().filter(|set| set.rtype == Rtype::NSEC3).cycle().take(40).cloned().collect();
    sets.iter_mut().for_each(misstate);
    let mut effort = Effort { faults: 5, ..Effort::WHOLE };
    verdict(&sets, "error b.good.test.", &mut effort);
    assert_eq!(effort.spent_of(&Effort::WHOLE).checks, 5);
}

#[test]
fn records_of_other_parameters_hashes_or_flags_do_not_count() {
    let zone = signed(hashed(1, false));
    let places = "=good.test. ~b.good.test. ~*.good.test.";
    let question = "error b.good.test.";
    // Hash algorithm 2, flags 2, another salt: each signed well.
    for (at, octet) in [(0, 2), (1, 2), (5, 0xac)] {
        let mut sets = pick(&zone, 1, places);
        assert_eq!(sets.len(), 3);
        let mut rdata = sets[2].rdatas().iter().next().unwrap().to_vec();
        rdata[at] = octet;
        let mut other = Rrset::new(sets[2].name.as_name(), Rtype::NSEC3, sets[2].ttl);
        other.push(&rdata);
        let signature = signature(&other, &other.name.to_string(), "good.test.", &key(1), valid());
        other.push_signature(&signature);
        sets[2] = other;
        assert_eq!(verdict(&sets, question, &mut Effort::WHOLE.clone()), "NotDenied", "octet {at}");
    }
    // Two records at one name, which the zone has signed: it has said both.
    let nsec = signed(zone::Denial::Nsec);
    let mut at_www = pick(&nsec, 0, "=www.good.test.");
    at_www[0].push(set("www.good.test. NSEC good.test. A TXT").rdatas().iter().next().unwrap());
    at_www[0].drop_signatures();
    let signature = signature(&at_www[0], "www.good.test.", "good.test.", &key(1), valid());
    at_www[0].push_signature(&signature);
    assert_eq!(verdict(&at_www, "data www.good.test. MX", &mut Effort::WHOLE.clone()), "Secure");
}

#[test]
fn a_name_may_be_denied_by_a_record_of_its_own() {
    // RFC 9824 §3.1.
    let mut nsec = set("nx.good.test. NSEC \\000.nx.good.test. RRSIG NSEC NXNAME");
    let signature = signature(&nsec, "nx.good.test.", "good.test.", &key(1), valid());
    nsec.push_signature(&signature);
    for (question, expected) in [
        ("error nx.good.test.", "Secure"),
        ("data nx.good.test. A", "Secure"),
        ("ds nx.good.test.", "NotACut"),
        // Its wildcard and its neighbours are not denied.
        ("error x.nx.good.test.", "NotDenied"),
        ("error ny.good.test.", "NotDenied"),
    ] {
        assert_eq!(verdict(&[nsec.clone()], question, &mut Effort::WHOLE.clone()), expected, "{question}");
    }
}
