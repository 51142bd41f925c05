//! Signed zones that are broken, and servers that forge what they say: each case is right but for one thing.

use crate::secure::{Plan, Tree, key, lines, made, name, resign, validity};
use crate::server::Manner;
use crate::world::World;
use std::time::Duration;
use waymark::dnssec::{Algorithm, Digest, Key, Nsec3, Nsec3Param};
use waymark::rrset::{Rdatas, Rrset};
use waymark::sign::SigningKey;
use waymark::wire::{Flags, Rcode, Rtype, Section};

const GOOD: &str = "192.0.2.3";
const HASHED: &str = "192.0.2.6";
const TEST: &str = "192.0.2.2";
const EVIL: &str = "192.0.2.66";

/// Asks: the answer is refused, and the extended error has this code and says this; nothing of it is asked for or checked
/// once more. Who checks for himself gets it, and nobody else does after him.
fn refused(mut world: World, question: &str, ede: u16, says: &str) {
    let checking = world.flags;
    for (round, flags) in [(0, checking), (1, checking), (2, Flags::RD.with(Flags::CD, true)), (3, checking)]
    {
        let before = world.total();
        world.flags = flags;
        let reply = world.ask(question);
        if flags.has(Flags::CD) {
            assert!(!reply.starts_with("SERVFAIL") && !reply.contains("+AD"), "{question}: {reply}");
            continue;
        }
        let log = world.log.join("\n");
        assert_eq!(reply, "SERVFAIL", "{question}\n{log}");
        assert_eq!(world.ede, Some(ede), "{question}: {}", world.why);
        assert!(world.why.contains(says), "{question}: {}", world.why);
        if round > 0 {
            assert!(world.is_free() && world.total() == before, "{question}\n{log}");
        }
        world.assert_idle();
    }
}

/// The same where who checks for himself has asked first.
fn refused_also_after(make: impl Fn() -> World, question: &str, ede: u16, says: &str) {
    refused(make(), question, ede, says);
    let mut world = make();
    let checking = std::mem::replace(&mut world.flags, Flags::RD.with(Flags::CD, true));
    assert!(!world.ask(question).starts_with("SERVFAIL"), "{question}");
    world.flags = checking;
    refused(world, question, ede, says);
}

fn replaced(set: &Rrset, rdata: &[u8]) -> Rrset {
    let mut other = Rrset::of(set.name.as_name(), set.rtype, set.ttl, Rdatas::EMPTY, set.signatures());
    other.push(rdata);
    other
}

fn valid() -> waymark::sign::Validity {
    validity(-86_400, 30 * 86_400)
}

const DAY: i64 = 86_400;

#[test]
fn what_is_wrong_with_an_answer_is_told_with_its_record_key_and_reason() {
    type Change = Box<dyn Fn(&mut Rrset)>;
    let when =
        |from, until| -> Change { Box::new(move |set| resign(set, "good.test.", validity(from, until))) };
    let by = |signer: &'static str| -> Change { Box::new(move |set| resign(set, signer, valid())) };
    let as_other = |owner: &'static str| -> Change {
        Box::new(move |set| {
            let other = Rrset::of(name(owner).as_name(), set.rtype, set.ttl, set.rdatas(), Rdatas::EMPTY);
            let signature = key("good.test.").sign(&other, name("good.test.").as_name(), valid()).unwrap();
            set.drop_signatures();
            set.push_signature(&signature);
        })
    };
    let tag = key("good.test.").tag();
    let cases: Vec<(&str, &str, Change, u16, String)> = vec![
        (
            "www.good.test.",
            "A",
            Box::new(Rrset::drop_signatures),
            10,
            "www.good.test. A is not signed".into(),
        ),
        (
            "www.good.test.",
            "A",
            when(-40 * DAY, -2 * DAY),
            7,
            format!("www.good.test. A has a signature of key {tag} that expired at 20270113"),
        ),
        (
            "www.good.test.",
            "A",
            when(2 * DAY, 40 * DAY),
            8,
            format!("key {tag} that is not valid before 20270117"),
        ),
        ("www.good.test.", "A", when(DAY, -DAY), 6, format!("key {tag} that ends before it begins")),
        (
            "www.good.test.",
            "A",
            Box::new(|set| *set = replaced(set, &[203, 0, 113, 66])),
            6,
            format!("www.good.test. A does not match its signature by key {tag} (ED25519)"),
        ),
        (
            "www.good.test.",
            "A",
            by("test."),
            6,
            "www.good.test. A is signed by test., which is not its zone".into(),
        ),
        ("www.good.test.", "A", by("."), 6, "is signed by ., which is not its zone".into()),
        (
            "www.good.test.",
            "A",
            by("hashed.test."),
            6,
            "is signed by hashed.test., which is not its zone".into(),
        ),
        (
            "www.good.test.",
            "A",
            by("inner.good.test."),
            6,
            "by inner.good.test., which is not its zone".into(),
        ),
        ("www.good.test.", "A", by("www.good.test."), 6, "by www.good.test., which is not a zone".into()),
        (
            "www.good.test.",
            "A",
            as_other("*.test."),
            6,
            "www.good.test. A has a signature whose count of labels".into(),
        ),
        ("www.good.test.", "A", as_other("a.www.good.test."), 6, "whose count of labels".into()),
        (
            "alias.good.test.",
            "CNAME",
            Box::new(Rrset::drop_signatures),
            10,
            "alias.good.test. CNAME is not".into(),
        ),
        (
            "old.good.test.",
            "DNAME",
            Box::new(Rrset::drop_signatures),
            10,
            "old.good.test. DNAME is not".into(),
        ),
        (
            "inner.good.test.",
            "DS",
            Box::new(Rrset::drop_signatures),
            10,
            "inner.good.test. DS is not signed".into(),
        ),
    ];
    for (owner, rtype, change, ede, says) in cases {
        let question = match (owner, rtype) {
            ("old.good.test.", _) => "www.old.good.test. A".into(),
            ("inner.good.test.", _) => "www.inner.good.test. A".into(),
            _ => format!("{owner} A"),
        };
        let make = || {
            let rtype = Rtype::from_text(rtype).unwrap();
            Tree::new().change_set("good.test.", owner, rtype, |set| change(set)).world(1)
        };
        refused_also_after(make, &question, ede, &says);
    }
    // The end of a chain counts as its beginning.
    let tree = Tree::new().change_set("hashed.test.", "www.hashed.test.", Rtype::A, Rrset::drop_signatures);
    refused(tree.world(1), "alias.good.test. A", 10, "www.hashed.test. A is not signed");
}

#[test]
fn a_zone_without_the_key_that_its_ds_names_is_refused() {
    let seed = |octet, flags| SigningKey::ed25519(&[octet; 32], flags).unwrap();
    let tree_of = |keys: Vec<SigningKey>, ds: Option<Vec<Vec<u8>>>| {
        let mut plan = Plan::default();
        plan.keys.insert("good.test.", keys);
        plan.ds.extend(ds.map(|ds| ("good.test.", ds)));
        plan.tree()
    };
    let other = key("hashed.test.").ds(name("good.test.").as_name(), Digest::SHA256).unwrap();
    for (what, tree, ede, says) in [
        (
            "no DNSKEY",
            Tree::new().change("good.test.", |sets| sets.retain(|set| set.rtype != Rtype::DNSKEY)),
            9,
            "good.test. DNSKEY",
        ),
        (
            "nothing signed",
            Tree::new().change("good.test.", |sets| {
                sets.retain(|set| !matches!(set.rtype, Rtype::DNSKEY | Rtype::NSEC));
                sets.iter_mut().for_each(Rrset::drop_signatures);
            }),
            10,
            "is not signed, but its zone is",
        ),
        (
            "DNSKEY not signed",
            Tree::new().change_set("good.test.", "good.test.", Rtype::DNSKEY, Rrset::drop_signatures),
            10,
            "good.test. DNSKEY is not signed",
        ),
        (
            "DNSKEY expired",
            Tree::new().change_set("good.test.", "good.test.", Rtype::DNSKEY, |set| {
                resign(set, "good.test.", validity(-40 * DAY, -3 * DAY));
            }),
            7,
            "good.test. DNSKEY has a signature of key",
        ),
        (
            "another DS",
            tree_of(vec![key("good.test.")], Some(vec![other])),
            9,
            "good.test. DNSKEY has none of the keys",
        ),
        ("no zone key", tree_of(vec![seed(7, Key::ENTRY)], None), 11, "but it is no zone key"),
        (
            "revoked",
            tree_of(vec![seed(7, Key::ZONE | Key::REVOKED | Key::ENTRY), seed(8, Key::ZONE)], None),
            6,
            "but it is revoked",
        ),
    ] {
        println!("{what}");
        refused(tree.world(1), "www.good.test. A", ede, says);
        refused(tree.world(2), "none.good.test. A", ede, says);
    }
}

#[test]
fn a_zone_that_is_signed_by_nothing_that_can_be_checked_is_insecure() {
    let ds = |algorithm: u8, digest: u8| {
        let mut ds = key("good.test.").ds(name("good.test.").as_name(), Digest::SHA256).unwrap();
        (ds[2], ds[3]) = (algorithm, digest);
        ds
    };
    let wrong_sha1 = [&ds(15, 1)[..4], &[0; 20]].concat();
    let right_sha1 = key("good.test.").ds(name("good.test.").as_name(), Digest::SHA1).unwrap();
    let (secure, insecure) = (Some("+AD"), Some(""));
    for (what, ds, expected) in [
        ("an unknown algorithm", vec![ds(250, 2)], insecure),
        ("RSA with SHA-1", vec![ds(5, 2), ds(7, 2)], insecure),
        ("an unknown digest", vec![ds(15, 250)], insecure),
        ("GOST", vec![ds(12, 3)], insecure),
        ("an unknown algorithm beside a known one", vec![ds(250, 2), ds(15, 2)], secure),
        ("an unknown digest beside a known one", vec![ds(15, 250), ds(15, 2)], secure),
        ("SHA-1", vec![right_sha1.clone()], secure),
        ("a wrong SHA-1 beside SHA-256", vec![wrong_sha1.clone(), ds(15, 2)], secure),
        ("SHA-1 beside a wrong SHA-256", vec![right_sha1, [&ds(15, 2)[..4], &[0; 32]].concat()], None),
        ("a wrong SHA-1", vec![wrong_sha1], None),
    ] {
        let mut plan = Plan::default();
        plan.ds.insert("good.test.", ds);
        let tree = plan.tree();
        for (question, code) in [("www.good.test. A", "NOERROR"), ("none.good.test. A", "NXDOMAIN")] {
            let reply = tree.world(1).ask(question);
            match expected {
                Some(ad) => assert_eq!(reply.split(' ').next(), Some(&*format!("{code}{ad}")), "{what}"),
                None => assert_eq!(reply, "SERVFAIL", "{what}"),
            }
        }
    }
    // RSA of 512 bits: its signature is not looked at.
    let weak = [&[1, 1, 3, 8, 3, 1, 0, 1][..], &[0xc1; 64]].concat();
    let digest = Digest::SHA256.of(&[name("good.test.").as_name().as_bytes(), &weak]).unwrap();
    let tag = Key::read(&weak).unwrap().tag();
    let mut plan = Plan::default();
    plan.ds.insert("good.test.", vec![[&tag.to_be_bytes(), &[8, 2], digest.as_ref()].concat()]);
    let tree = plan.tree().change_set("good.test.", "good.test.", Rtype::DNSKEY, |set| {
        set.push(&weak);
        let mut signature = set.signatures().iter().next().unwrap().to_vec();
        signature[2] = Algorithm::RSASHA256.0;
        signature[16..18].copy_from_slice(&tag.to_be_bytes());
        set.drop_signatures();
        set.push_signature(&signature);
    });
    assert_eq!(tree.world(1).ask("www.good.test. A"), "NOERROR www.good.test. A 198.51.100.1");
}

/// The NSEC3 records of `hashed.test.` that stand at `=name` or cover `~name`, or the NSEC records of `good.test.` at `=name`.
fn proofs(tree: &Tree, zone: &str, places: &str) -> Vec<Rrset> {
    let at = |place: &str| {
        let (covers, wanted) = (place.starts_with('~'), name(&place[1..]));
        let hash = Nsec3Param { iterations: 1, salt: &[0xab] }.hash(wanted.as_name());
        let fits = |set: &&Rrset| match (set.rtype, Nsec3::own_hash(set.name.as_name())) {
            (Rtype::NSEC, _) => set.name == wanted,
            (Rtype::NSEC3, Some(own)) if covers => {
                Nsec3::read(set.rdatas().iter().next().unwrap()).unwrap().covers(&own, &hash)
            }
            (Rtype::NSEC3, Some(own)) => own == hash,
            _ => false,
        };
        tree.sets(zone).iter().find(fits).unwrap_or_else(|| panic!("{place}")).clone()
    };
    places.split_whitespace().map(at).collect()
}

/// What a server says: the answer, and what is beside it in the authority section.
fn saying(answer: &[Rrset], authority: &[Rrset]) -> Vec<(Section, &'static str)> {
    let all = |section, sets: &[Rrset]| sets.iter().flat_map(|set| lines(section, set)).collect::<Vec<_>>();
    [all(Section::Answer, answer), all(Section::Authority, authority)].concat()
}

/// A world in which this server says this to the question.
fn forged(
    tree: &Tree,
    server: &str,
    question: &str,
    rcode: Rcode,
    says: Vec<(Section, &'static str)>,
) -> World {
    let mut world = tree.world(1);
    let server_is_known = [GOOD, HASHED, TEST].contains(&server);
    assert!(server_is_known);
    world.manner(server, Manner::Forges(vec![(question.to_owned(), rcode, says)]));
    world
}

/// The set as it would come of a wildcard of its zone for another name.
fn expanded(set: &Rrset, owner: &str) -> Rrset {
    Rrset::of(name(owner).as_name(), set.rtype, set.ttl, set.rdatas(), set.signatures())
}

#[test]
fn a_wildcard_stands_for_a_name_only_where_its_own_zone_proves_that_there_is_no_nearer() {
    let tree = Tree::new();
    let wild = tree.set("good.test.", "*.wild.good.test.", Rtype::A);
    let hashed = tree.set("hashed.test.", "*.wild.hashed.test.", Rtype::A);
    let other = |text: &str, zone: &str| vec![made(text, zone)];
    let next = |owner: &str| proofs(&tree, "good.test.", &format!("={owner}"));
    for (server, set, owner, proof, good) in [
        (GOOD, &wild, "x.wild.good.test.", next("near.wild.good.test."), true),
        (GOOD, &wild, "x.wild.good.test.", vec![], false),
        (GOOD, &wild, "x.wild.good.test.", next("good.test."), false),
        // Of the zone below, of that beside, of that above: each of them has signed it.
        (
            GOOD,
            &wild,
            "x.wild.good.test.",
            other("inner.good.test. NSEC inner.good.test. NS", "inner.good.test."),
            false,
        ),
        (
            GOOD,
            &wild,
            "x.wild.good.test.",
            other("near.wild.good.test. NSEC www.good.test. A", "hashed.test."),
            false,
        ),
        (
            GOOD,
            &wild,
            "x.wild.good.test.",
            other("near.wild.good.test. NSEC www.good.test. A", "test."),
            false,
        ),
        // The name exists, or one between it and the wildcard.
        (GOOD, &wild, "near.wild.good.test.", next("near.wild.good.test."), false),
        (GOOD, &wild, "x.near.wild.good.test.", next("near.wild.good.test."), false),
        (GOOD, &wild, "x.near.wild.good.test.", next("*.wild.good.test."), false),
        (HASHED, &hashed, "x.wild.hashed.test.", proofs(&tree, "hashed.test.", "~x.wild.hashed.test."), true),
        (HASHED, &hashed, "x.wild.hashed.test.", vec![], false),
        (
            HASHED,
            &hashed,
            "x.near.wild.hashed.test.",
            proofs(&tree, "hashed.test.", "~x.near.wild.hashed.test."),
            false,
        ),
        (
            HASHED,
            &hashed,
            "x.near.wild.hashed.test.",
            proofs(&tree, "hashed.test.", "=near.wild.hashed.test."),
            false,
        ),
    ] {
        let question = format!("{owner} A");
        let says = saying(&[expanded(set, owner)], &proof);
        let mut world = forged(&tree, server, &question, Rcode::NOERROR, says);
        if good {
            assert!(world.ask(&question).starts_with("NOERROR+AD"), "{question}: {}", world.why);
            continue;
        }
        let ede =
            if proof.iter().any(|set| !tree.sets("good.test.").contains(set) && set.rtype == Rtype::NSEC) {
                6
            } else {
                12
            };
        let says = if ede == 12 { "may come of a wildcard" } else { "is not its zone" };
        refused(world, &question, ede, says);
    }
}

#[test]
fn a_denial_that_does_not_prove_what_it_says_is_refused() {
    let tree = Tree::new();
    let soa = tree.set("good.test.", "good.test.", Rtype::SOA);
    let hashed_soa = tree.set("hashed.test.", "hashed.test.", Rtype::SOA);
    let nsec = |places: &str| proofs(&tree, "good.test.", places);
    let hashed = |places: &str| proofs(&tree, "hashed.test.", places);
    let unsigned = |mut sets: Vec<Rrset>| {
        sets.iter_mut().for_each(Rrset::drop_signatures);
        sets
    };
    let none = Rcode::NXDOMAIN;
    // Hashes of names that are not there, in a zone below the signer's own name.
    let low =
        "00000000000000000000000000000000.sub.hashed.test. NSEC3 1 0 1 ab vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";
    let all = |iterations: u32| {
        let apex = Nsec3::label(
            &Nsec3Param { iterations: iterations as u16, salt: &[0xab] }.hash(name("hashed.test.").as_name()),
        );
        let apex = String::from_utf8(apex.to_vec()).unwrap();
        format!("{apex}.hashed.test. NSEC3 1 0 {iterations} ab {apex} NS SOA")
    };
    // Question, code, SOA, proof; the extended error and what it says.
    type Case<'a> = (&'a str, Rcode, Vec<Rrset>, Vec<Rrset>, u16, &'a str);
    let cases: Vec<Case<'_>> = vec![
        // Right, to begin with.
        ("none.good.test. A", none, vec![soa.clone()], nsec("=inner.good.test. =good.test."), 0, ""),
        (
            "none.hashed.test. A",
            none,
            vec![hashed_soa.clone()],
            hashed("=hashed.test. ~none.hashed.test. ~*.hashed.test."),
            0,
            "",
        ),
        ("none.good.test. A", none, vec![soa.clone()], vec![], 12, "none.good.test. does not exist"),
        (
            "www.good.test. A",
            none,
            vec![soa.clone()],
            nsec("=inner.good.test. =good.test."),
            12,
            "does not exist",
        ),
        ("www.good.test. A", Rcode::NOERROR, vec![soa.clone()], nsec("=www.good.test."), 12, "has no A"),
        (
            "none.good.test. A",
            Rcode::NOERROR,
            vec![soa.clone()],
            nsec("=inner.good.test. =good.test."),
            12,
            "has no A",
        ),
        // What proves is not signed though the SOA is, or the other way round.
        (
            "none.good.test. A",
            none,
            vec![soa.clone()],
            unsigned(nsec("=inner.good.test. =good.test.")),
            10,
            "NSEC is not signed",
        ),
        (
            "none.hashed.test. A",
            none,
            vec![hashed_soa.clone()],
            unsigned(hashed("=hashed.test. ~none.hashed.test. ~*.hashed.test.")),
            10,
            "NSEC3 is not signed",
        ),
        (
            "none.good.test. A",
            none,
            unsigned(vec![soa.clone()]),
            nsec("=inner.good.test. =good.test."),
            10,
            "good.test. SOA is not signed",
        ),
        (
            "none.good.test. A",
            none,
            unsigned(vec![soa.clone()]),
            unsigned(nsec("=inner.good.test. =good.test.")),
            2,
            "is not signed",
        ),
        // Below delegations and DNAMEs other names count (RFC 6840 §4.1).
        (
            "www.inner.good.test. A",
            none,
            vec![soa.clone()],
            nsec("=inner.good.test. =good.test."),
            12,
            "does not exist",
        ),
        (
            "www.bare.good.test. A",
            none,
            vec![soa.clone()],
            nsec("=bare.good.test. =good.test."),
            12,
            "does not exist",
        ),
        (
            "www.old.good.test. A",
            none,
            vec![soa.clone()],
            nsec("=old.good.test. =good.test."),
            12,
            "does not exist",
        ),
        (
            "x.free.hashed.test. A",
            none,
            vec![hashed_soa.clone()],
            hashed("=free.hashed.test. ~x.free.hashed.test. ~*.free.hashed.test."),
            12,
            "does not exist",
        ),
        (
            "free.hashed.test. A",
            Rcode::NOERROR,
            vec![hashed_soa.clone()],
            hashed("=free.hashed.test."),
            12,
            "has no A",
        ),
        // Out of the zone, though the zone has signed it.
        (
            "none.good.test. A",
            none,
            vec![soa.clone()],
            vec![made("inner.good.test. NSEC zzz.test. NS", "good.test."), nsec("=good.test.").remove(0)],
            6,
            "leads out of the zone",
        ),
        (
            "none.good.test. A",
            none,
            vec![soa],
            vec![
                made("inner.good.test. NSEC www.good.test. NS", "inner.good.test."),
                nsec("=good.test.").remove(0),
            ],
            6,
            "is signed by inner.good.test., which is not its zone",
        ),
        (
            "x.sub.hashed.test. A",
            none,
            vec![hashed_soa.clone()],
            vec![made(low, "hashed.test.")],
            6,
            "leads out of the zone",
        ),
        // Iterations beyond the limit make a zone insecure when it says so itself.
        ("none.hashed.test. A", none, vec![hashed_soa.clone()], vec![made(&all(50), "hashed.test.")], 0, ""),
        (
            "none.hashed.test. A",
            none,
            vec![hashed_soa.clone()],
            vec![made(&all(51), "hashed.test.")],
            1,
            "insecure",
        ),
        (
            "none.hashed.test. A",
            none,
            vec![hashed_soa.clone()],
            unsigned(vec![made(&all(51), "hashed.test.")]),
            10,
            "NSEC3 is not signed",
        ),
        (
            "none.hashed.test. A",
            none,
            vec![hashed_soa],
            vec![made(&all(51), "test.")],
            6,
            "is signed by test., which is not its zone",
        ),
    ];
    for (question, rcode, soa, proof, ede, says) in cases {
        let server = if question.contains("hashed") { HASHED } else { GOOD };
        let authority = [soa, proof].concat();
        let mut world = forged(&tree, server, question, rcode, saying(&[], &authority));
        match ede {
            0 => assert_eq!(world.ask(question), "NXDOMAIN+AD", "{question}: {}", world.why),
            1 => assert_eq!(world.ask(question), "NXDOMAIN", "{question}: {}", world.why),
            // What is looked up of the name to know whether it is below an unsigned delegation is the truth.
            2 => {
                assert_eq!(world.ask(question), "SERVFAIL", "{question}");
                assert_eq!(
                    (world.ede, world.ask(question).as_str()),
                    (Some(10), "NXDOMAIN+AD"),
                    "{question}"
                );
            }
            _ => refused(world, question, ede, says),
        }
    }
}

/// Takes a type from the bitmap of a zone's NSEC or NSEC3 record, or adds one, and signs it anew.
fn with_types(tree: Tree, zone: &str, place: &str, types: &[Rtype]) -> Tree {
    let owner = proofs(&tree, zone, place).remove(0).name.to_string();
    let rtype = if zone == "good.test." { Rtype::NSEC } else { Rtype::NSEC3 };
    tree.change_set(zone, &owner, rtype, |set| {
        let rdata = set.rdatas().iter().next().unwrap();
        let fixed = match rtype {
            Rtype::NSEC => waymark::wire::Name::parse(rdata).unwrap().0.as_bytes().len(),
            _ => 5 + rdata[4] as usize + 21,
        };
        let mut rdata = rdata[..fixed].to_vec();
        waymark::rrset::write_types(types, &mut rdata);
        *set = replaced(set, &rdata);
        resign(set, zone, valid());
    })
}

#[test]
fn a_delegation_is_insecure_only_where_the_zone_above_says_that_it_is_one_and_has_no_ds() {
    let (ns, soa, ds) = (Rtype::NS, Rtype::SOA, Rtype::DS);
    for (zone, place, types, question, ede, says) in [
        (
            "good.test.",
            "=bare.good.test.",
            &[ns, Rtype::RRSIG, Rtype::NSEC][..],
            "www.bare.good.test. A",
            0,
            "",
        ),
        (
            "good.test.",
            "=bare.good.test.",
            &[Rtype::TXT][..],
            "www.bare.good.test. A",
            10,
            "is not signed, but its zone is",
        ),
        ("good.test.", "=bare.good.test.", &[ns, soa][..], "www.bare.good.test. A", 12, "bare.good.test."),
        ("good.test.", "=bare.good.test.", &[ns, ds][..], "www.bare.good.test. A", 12, "bare.good.test."),
        ("test.", "=plain.test.", &[ns][..], "www.plain.test. A", 0, ""),
        (
            "test.",
            "=plain.test.",
            &[Rtype::TXT][..],
            "www.plain.test. A",
            10,
            "is not signed, but its zone is",
        ),
        ("test.", "=plain.test.", &[ns, soa][..], "www.plain.test. A", 12, "plain.test."),
        ("test.", "=plain.test.", &[ns, ds][..], "www.plain.test. A", 12, "plain.test."),
    ] {
        let mut world = with_types(Tree::new(), zone, place, types).world(1);
        match ede {
            0 => assert!(world.ask(question).starts_with("NOERROR "), "{question}: {}", world.why),
            _ => refused(world, question, ede, says),
        }
    }
    // Who hides the DS has no proof that there is none.
    let hidden = Tree::new().change("test.", |sets| {
        sets.retain(|set| !(set.rtype == Rtype::DS && set.name == name("good.test.")));
    });
    refused(hidden.world(1), "www.good.test. A", 12, "good.test.");
    // A span without opt-out hides nothing.
    let closed = Tree::new().change("opt.", |sets| {
        for set in sets.iter_mut().filter(|set| set.rtype == Rtype::NSEC3) {
            let mut rdata = set.rdatas().iter().next().unwrap().to_vec();
            rdata[1] = 0;
            *set = replaced(set, &rdata);
            resign(set, "opt.", valid());
        }
    });
    refused(closed.world(1), "www.free.opt. A", 12, "free.opt. has no DS");
    // And one with opt-out hides nothing until its own signature was checked.
    let unchecked = Tree::new().change("opt.", |sets| {
        sets.iter_mut().filter(|set| set.rtype == Rtype::NSEC3).for_each(Rrset::drop_signatures);
    });
    refused(unchecked.world(1), "www.free.opt. A", 10, "NSEC3 is not signed");
}

#[test]
fn a_cut_is_what_the_zone_above_has_signed_and_not_what_a_server_says() {
    // The zone's server, or who forges it, sends us on to another that has no signatures.
    let tree = Tree::new();
    let referral = vec![
        (Section::Authority, "www.good.test. NS ns.www.good.test."),
        (Section::Additional, "ns.www.good.test. A 192.0.2.66"),
    ];
    let make = || {
        let mut world = forged(&tree, GOOD, "www.good.test. A", Rcode::NOERROR, referral.clone());
        let evil = ["www.good.test. NS ns.www.good.test.", "www.good.test. A 203.0.113.66"];
        world.serve(EVIL, "www.good.test.", &evil);
        world
    };
    refused(make(), "www.good.test. A", 10, "www.good.test. A is not signed");
    // The same with a DS of the attacker's.
    let ds = key("www.good.test.").ds(name("www.good.test.").as_name(), Digest::SHA256).unwrap();
    let digits: String = ds.iter().map(|octet| format!("{octet:02x}")).collect();
    let mut more = referral;
    more.push((Section::Authority, format!("www.good.test. DS hex:{digits}").leak()));
    let mut world = forged(&tree, GOOD, "www.good.test. A", Rcode::NOERROR, more);
    let mut www = made("www.good.test. A 203.0.113.66", "www.good.test.");
    resign(&mut www, "www.good.test.", valid());
    let mut keys = Rrset::new(name("www.good.test.").as_name(), Rtype::DNSKEY, 3_600);
    keys.push(key("www.good.test.").dnskey());
    resign(&mut keys, "www.good.test.", valid());
    let lies = vec![
        ("www.good.test. A".to_owned(), Rcode::NOERROR, saying(&[www], &[])),
        ("www.good.test. DNSKEY".to_owned(), Rcode::NOERROR, saying(&[keys], &[])),
    ];
    world.serve(EVIL, "www.good.test.", &["www.good.test. NS ns.www.good.test."]);
    world.manner(EVIL, Manner::Forges(lies));
    let reply = world.ask("www.good.test. A");
    assert!(reply == "SERVFAIL" || reply.ends_with("198.51.100.1"), "{reply}");
    assert!(!reply.contains("203.0.113.66"), "{reply}");
}

#[test]
fn the_child_does_not_speak_of_its_own_ds() {
    // A server of both zones that denies the DS with what the child has.
    let tree = Tree::new();
    let soa = tree.set("inner.good.test.", "inner.good.test.", Rtype::SOA);
    let nsec = tree.set("inner.good.test.", "inner.good.test.", Rtype::NSEC);
    for authority in [vec![soa.clone(), nsec], vec![soa]] {
        let says = "inner.good.test. DS is told by the zone itself and not by its parent";
        for question in ["inner.good.test. DS", "www.inner.good.test. A"] {
            let lie = saying(&[], &authority);
            refused(forged(&tree, GOOD, "inner.good.test. DS", Rcode::NOERROR, lie), question, 6, says);
        }
    }
}

#[test]
fn a_ds_that_changes_takes_the_keys_with_it_that_it_named() {
    // The zone above was told that the keys are somebody else's now; those of before go on being served, and may be kept
    // for a day.
    let tree = || {
        Tree::new().change_set("good.test.", "good.test.", Rtype::DNSKEY, |set| {
            set.ttl = 86_400;
            resign(set, "good.test.", valid());
        })
    };
    for (changed, reply) in [(false, "NOERROR+AD"), (true, "SERVFAIL")] {
        let mut world = tree().world(1);
        assert!(world.ask("www.good.test. A").starts_with("NOERROR+AD"));
        if changed {
            let mut plan = Plan::default();
            let other = key("hashed.test.").ds(name("good.test.").as_name(), Digest::SHA256).unwrap();
            plan.ds.insert("good.test.", vec![other]);
            plan.tree().serve(&mut world, "test.", TEST);
        }
        world.pass(Duration::from_secs(3_700));
        assert!(world.ask("good.test. DS").starts_with("NOERROR+AD"), "{}", world.why);
        let got = world.ask("x.wild.good.test. A");
        assert!(got.starts_with(reply), "{got}: {}", world.why);
    }
}

#[test]
fn an_answer_of_wrong_signatures_is_sought_at_the_other_servers() {
    // Two servers, one of which is attacked: the truth is found, whichever is asked first.
    for seed in 0..6 {
        let mut plan = Plan::default();
        for (apex, _, _, lines) in &mut plan.specs {
            match *apex {
                "test." | "good.test." => {
                    lines.extend(["good.test. NS ns2.good.test.", "ns2.good.test. A 192.0.2.33"]);
                }
                _ => (),
            }
        }
        let tree = plan.tree();
        let mut world = tree.world(seed);
        tree.serve(&mut world, "good.test.", "192.0.2.33");
        let lie = vec![(Section::Answer, "www.good.test. A 203.0.113.66")];
        world.manner(GOOD, Manner::Forges(vec![("www.good.test. A".into(), Rcode::NOERROR, lie)]));
        assert_eq!(world.ask("www.good.test. A"), "NOERROR+AD www.good.test. A 198.51.100.1");
        world.assert_idle();
    }
}
