//! What clients are told of security, and from where it is known: AD, CD and DO, anchors, time, and denials that are used again.

use crate::secure::{Plan, Tree, anchor, key, lines, made, name, nsec3, resign, validity};
use crate::server::Manner;
use crate::world::World;
use std::time::Duration;
use waymark::anchor::{Anchors, Negative};
use waymark::config::Minimise;
use waymark::dnssec::Digest;
use waymark::rrset::Rrset;
use waymark::wire::{Flags, Rcode, Rtype, Section};
use waymark::zone::Denial;

const GOOD: &str = "192.0.2.3";
const HASHED: &str = "192.0.2.6";

const PLAIN: Flags = Flags::RD;

fn ad() -> Flags {
    Flags::RD.with(Flags::AD, true)
}

fn cd() -> Flags {
    Flags::RD.with(Flags::CD, true)
}

#[test]
fn ad_is_for_those_who_ask_for_it_and_signatures_for_those_who_set_do() {
    let www = "www.good.test. A";
    for (question, flags, dnssec_ok, code, answer, authority) in [
        (www, PLAIN, false, "NOERROR", "A", ""),
        (www, ad(), false, "NOERROR+AD", "A", ""),
        (www, PLAIN, true, "NOERROR+AD", "A RRSIG", ""),
        (www, cd(), false, "NOERROR", "A", ""),
        (www, cd(), true, "NOERROR", "A RRSIG", ""),
        (www, cd().with(Flags::AD, true), true, "NOERROR", "A RRSIG", ""),
        ("none.good.test. A", PLAIN, false, "NXDOMAIN", "", "SOA"),
        ("none.good.test. A", ad(), false, "NXDOMAIN+AD", "", "SOA"),
        ("none.good.test. A", PLAIN, true, "NXDOMAIN+AD", "", "SOA RRSIG NSEC RRSIG NSEC RRSIG"),
        ("none.good.test. A", cd(), true, "NXDOMAIN", "", "SOA RRSIG NSEC RRSIG NSEC RRSIG"),
        ("www.good.test. TXT", PLAIN, true, "NOERROR+AD", "", "SOA RRSIG NSEC RRSIG"),
        (
            "none.hashed.test. A",
            PLAIN,
            true,
            "NXDOMAIN+AD",
            "",
            "SOA RRSIG NSEC3 RRSIG NSEC3 RRSIG NSEC3 RRSIG",
        ),
        ("none.hashed.test. A", PLAIN, false, "NXDOMAIN", "", "SOA"),
        ("x.wild.good.test. A", PLAIN, true, "NOERROR+AD", "A RRSIG", "NSEC RRSIG"),
        ("x.wild.good.test. A", ad(), false, "NOERROR+AD", "A", ""),
        ("x.wild.hashed.test. A", PLAIN, true, "NOERROR+AD", "A RRSIG", "NSEC3 RRSIG"),
        ("x.walias.good.test. A", PLAIN, true, "NOERROR+AD", "CNAME RRSIG A RRSIG", "NSEC RRSIG"),
        ("plain.test. DS", PLAIN, true, "NOERROR+AD", "", "SOA RRSIG NSEC3 RRSIG"),
        ("www.plain.test. A", PLAIN, true, "NOERROR", "A", ""),
        ("www.plain.test. A", ad(), false, "NOERROR", "A", ""),
        ("out.good.test. A", PLAIN, true, "NOERROR", "CNAME RRSIG A", ""),
        ("www.old.good.test. A", PLAIN, true, "NOERROR+AD", "DNAME RRSIG CNAME A RRSIG", ""),
        ("good.test. DNSKEY", PLAIN, true, "NOERROR+AD", "DNSKEY RRSIG", ""),
        ("good.test. DS", PLAIN, true, "NOERROR+AD", "DS RRSIG", ""),
    ] {
        let mut world = Tree::new().world(1);
        // Found, and from the cache; and whoever asked otherwise before.
        for other in
            [None, Some((PLAIN, false)), Some((ad(), false)), Some((PLAIN, true)), Some((cd(), true))]
        {
            if let Some((flags, dnssec_ok)) = other {
                (world.flags, world.dnssec_ok) = (flags, dnssec_ok);
                world.ask(question);
            }
            (world.flags, world.dnssec_ok) = (flags, dnssec_ok);
            let reply = world.ask(question);
            let context = format!("{question} {flags:?} {dnssec_ok} after {other:?}");
            assert_eq!(reply.split(' ').next().unwrap(), code, "{context}: {}", world.why);
            assert_eq!(world.types(Section::Answer), answer, "{context}");
            assert_eq!(world.types(Section::Authority), authority, "{context}");
            world.assert_idle();
        }
    }
}

fn lie() -> Manner {
    let says = vec![(Section::Answer, "www.good.test. A 203.0.113.66")];
    Manner::Forges(vec![("www.good.test. A".into(), Rcode::NOERROR, says)])
}

#[test]
fn what_was_not_checked_does_not_take_the_place_of_what_was() {
    let (true_one, false_one) =
        ("NOERROR+AD www.good.test. A 198.51.100.1", "NOERROR www.good.test. A 203.0.113.66");
    let mut world = Tree::new().world(1);
    assert_eq!(world.ask("www.good.test. A"), true_one);
    world.manner(GOOD, lie());
    for _ in 0..2 {
        world.flags = cd();
        assert_eq!(world.ask("www.good.test. A"), false_one);
        world.flags = ad();
        assert_eq!(world.ask("www.good.test. A"), true_one);
    }
    // What is checked takes no notice of what was not.
    let mut world = Tree::new().world(1);
    world.manner(GOOD, lie());
    world.flags = cd();
    assert_eq!(world.ask("www.good.test. A"), false_one);
    world.manner(GOOD, Manner::Right);
    world.flags = ad();
    assert_eq!(world.ask("www.good.test. A"), true_one);
}

#[test]
fn what_has_run_out_is_not_given_in_place_of_what_is_bogus() {
    for question in ["www.good.test. A", "x.wild.good.test. A"] {
        let mut world = Tree::new().world(1);
        assert!(world.ask(question).starts_with("NOERROR+AD"));
        let owner = question.split_once(' ').unwrap().0;
        let says = vec![(Section::Answer, &*format!("{owner} A 203.0.113.66").leak())];
        world.manner(GOOD, Manner::Forges(vec![(question.into(), Rcode::NOERROR, says)]));
        world.pass(Duration::from_secs(4_000));
        for flags in [ad(), cd(), ad(), PLAIN] {
            world.flags = flags;
            let reply = world.ask(question);
            if flags.has(Flags::CD) {
                assert!(reply.ends_with("203.0.113.66"), "{reply}");
            } else {
                assert_eq!(reply, "SERVFAIL", "{question}");
            }
        }
        // What nobody checked has run out as well, and no server is heard: it is not for those who have it checked.
        world.manner(GOOD, Manner::Unreachable);
        world.pass(Duration::from_secs(4_000));
        let reply = world.ask(question);
        assert!(!reply.contains("203.0.113.66") && !reply.contains("+AD"), "{reply}");
        world.flags = ad();
        let reply = world.ask(question);
        assert!(!reply.contains("203.0.113.66") && !reply.contains("+AD"), "{reply}");
    }
}

#[test]
fn compact_denial_is_a_name_error_but_to_those_who_would_not_believe_it() {
    // RFC 9824 §5.1.
    let tree = Tree::new();
    let soa = tree.set("good.test.", "good.test.", Rtype::SOA);
    let nsec = made("nx.good.test. NSEC \\000.nx.good.test. RRSIG NSEC NXNAME", "good.test.");
    let says: Vec<_> = [&soa, &nsec].iter().flat_map(|set| lines(Section::Authority, set)).collect();
    let mut world = tree.world(1);
    world.manner(GOOD, Manner::Forges(vec![("nx.good.test. A".into(), Rcode::NOERROR, says)]));
    for _ in 0..2 {
        for (flags, dnssec_ok, compact_ok, reply) in [
            (PLAIN, false, false, "NXDOMAIN"),
            (ad(), false, false, "NXDOMAIN+AD"),
            (PLAIN, true, false, "NOERROR+AD"),
            (PLAIN, true, true, "NXDOMAIN+AD"),
            (PLAIN, false, true, "NXDOMAIN"),
        ] {
            (world.flags, world.dnssec_ok, world.compact_ok) = (flags, dnssec_ok, compact_ok);
            assert_eq!(world.ask("nx.good.test. A"), reply, "{flags:?} {dnssec_ok} {compact_ok}");
        }
    }
}

#[test]
fn compact_denial_of_a_name_proves_nothing_of_those_below_it() {
    // Where a denial counts for the names below it (RFC 8020), who validates would find no proof in it.
    let tree = Tree::new();
    let soa = tree.set("good.test.", "good.test.", Rtype::SOA);
    let denial = |owner: &str| {
        let nsec = made(&format!("{owner} NSEC \\000.{owner} RRSIG NSEC NXNAME"), "good.test.");
        let says = [&soa, &nsec].iter().flat_map(|set| lines(Section::Authority, set)).collect();
        (format!("{owner} A"), Rcode::NOERROR, says)
    };
    let mut world = tree.world(1);
    world.set(|settings| settings.minimise = Minimise::Strict);
    world.manner(GOOD, Manner::Forges(vec![denial("nx.good.test."), denial("a.nx.good.test.")]));
    assert_eq!(world.ask("nx.good.test. A"), "NXDOMAIN+AD");
    assert_eq!(world.ask("a.nx.good.test. A"), "NXDOMAIN+AD");
    let before = world.total();
    world.dnssec_ok = true;
    assert_eq!(world.ask("a.nx.good.test. A"), "NOERROR+AD");
    let text = String::from_utf8_lossy(&world.reply).into_owned();
    assert!(world.total() > before || text.contains("\u{1}a"), "{text:?}");
}

//------- Time -------------------------------------------------------------------------------------------------------

#[test]
fn nothing_is_kept_for_longer_than_its_signature_holds() {
    let tree = Tree::new().change_set("good.test.", "www.good.test.", Rtype::A, |set| {
        resign(set, "good.test.", validity(-86_400, 100));
    });
    let mut world = tree.world(1);
    assert_eq!(world.ask("www.good.test. A"), "NOERROR+AD www.good.test. A 198.51.100.1");
    // The resolver's clock has begun a while ago.
    let ttl = world.ttl.unwrap();
    assert!((1..=100).contains(&ttl) || ttl == 30, "{ttl}");
    // For an hour or a tenth of its validity it is given with a short TTL; then it is refused.
    world.pass(Duration::from_secs(1_000));
    assert_eq!(world.ask("www.good.test. A"), "NOERROR+AD www.good.test. A 198.51.100.1");
    assert_eq!(world.ttl, Some(30));
    world.pass(Duration::from_secs(8_700));
    assert_eq!(world.ask("www.good.test. A"), "SERVFAIL");
    assert_eq!(world.ede, Some(7), "{}", world.why);
    // What is still signed is as it was.
    assert_eq!(world.ask("x.wild.good.test. A"), "NOERROR+AD x.wild.good.test. A 198.51.100.3");
}

#[test]
fn keys_and_delegations_are_trusted_for_as_long_as_they_are_signed() {
    // The zone goes on serving what its keys, or its DS, were signed with.
    for (zone, owner, rtype) in [
        ("good.test.", "good.test.", Rtype::DNSKEY),
        ("test.", "good.test.", Rtype::DS),
        (".", ".", Rtype::DNSKEY),
    ] {
        let tree =
            Tree::new().change_set(zone, owner, rtype, |set| resign(set, zone, validity(-9_000, 9_000)));
        let mut world = tree.world(1);
        assert!(world.ask("www.good.test. A").starts_with("NOERROR+AD"), "{owner} {rtype}: {}", world.why);
        world.pass(Duration::from_secs(16_000));
        assert_eq!(world.ask("www.good.test. A"), "SERVFAIL", "{owner} {rtype}");
        assert_eq!(world.ede, Some(7), "{owner} {rtype}: {}", world.why);
    }
    // When nothing is known any more it is learnt anew.
    let mut world = Tree::new().world(1);
    for _ in 0..20 {
        assert_eq!(
            world.ask("www.good.test. A"),
            "NOERROR+AD www.good.test. A 198.51.100.1",
            "{}",
            world.why
        );
        world.pass(Duration::from_secs(50_000));
    }
}

//------- Anchors ----------------------------------------------------------------------------------------------------

/// A tree in which every zone of interest has one name that is not signed.
fn spoilt() -> Tree {
    let unsign =
        |tree: Tree, zone: &str, owner: &str| tree.change_set(zone, owner, Rtype::A, Rrset::drop_signatures);
    let tree = unsign(Tree::new(), "good.test.", "deep.ent.good.test.");
    let tree = unsign(tree, "inner.good.test.", "www.inner.good.test.");
    unsign(tree, "hashed.test.", "deep.ent.hashed.test.")
}

#[test]
fn anchors_say_what_is_validated() {
    let negative =
        |zones: &[&str]| zones.iter().map(|zone| Negative::configured(name(zone).as_name())).collect();
    let (good, spoilt_good) = ("www.good.test. A", "deep.ent.good.test. A");
    let (hashed, spoilt_hashed) = ("www.hashed.test. A", "deep.ent.hashed.test. A");
    let spoilt_inner = "www.inner.good.test. A";
    let (secure, insecure, bogus) = ("NOERROR+AD", "NOERROR", "SERVFAIL");
    for (positive, negatives, questions) in [
        (
            &["."][..],
            &[][..],
            &[
                (good, secure),
                (spoilt_good, bogus),
                (hashed, secure),
                (spoilt_hashed, bogus),
                (spoilt_inner, bogus),
            ][..],
        ),
        // A negative one: at the name and below it.
        (
            &["."],
            &["good.test."],
            &[
                (good, insecure),
                (spoilt_good, insecure),
                (spoilt_inner, insecure),
                (hashed, secure),
                (spoilt_hashed, bogus),
            ],
        ),
        (&["."], &["deep.ent.good.test."], &[(good, secure), (spoilt_good, insecure), (spoilt_inner, bogus)]),
        (&["."], &["."], &[(good, insecure), (spoilt_good, insecure)]),
        // A positive one below a negative one.
        (
            &[".", "inner.good.test."],
            &["good.test."],
            &[(good, insecure), (spoilt_good, insecure), (spoilt_inner, bogus)],
        ),
        (
            &["good.test."],
            &["."],
            &[(good, secure), (spoilt_good, bogus), (spoilt_inner, bogus), (hashed, insecure)],
        ),
        // One for a zone that is not the root.
        (
            &["good.test."],
            &[],
            &[
                (good, secure),
                (spoilt_good, bogus),
                (spoilt_inner, bogus),
                (hashed, insecure),
                (spoilt_hashed, insecure),
            ],
        ),
        (
            &["hashed.test."],
            &[],
            &[(good, insecure), (spoilt_good, insecure), (hashed, secure), (spoilt_hashed, bogus)],
        ),
        // None at all.
        (
            &[],
            &[],
            &[(good, insecure), (spoilt_good, insecure), (hashed, insecure), (spoilt_inner, insecure)],
        ),
    ] {
        let mut world = spoilt().world(1);
        let anchors = positive.iter().map(|zone| anchor(zone)).collect();
        world.trust(Anchors::new(anchors, negative(negatives), "test"));
        for (question, expected) in questions {
            let reply = world.ask(question);
            let got = reply.split(' ').next().unwrap();
            assert_eq!(got, *expected, "{question} with {positive:?}, {negatives:?}: {}", world.why);
            world.assert_idle();
        }
    }
}

#[test]
fn an_anchor_that_fits_no_key_makes_all_of_it_bogus() {
    let mut world = Tree::new().world(1);
    let mut wrong = anchor("good.test.");
    wrong.ds = anchor("test.").ds;
    world.trust(Anchors::new(vec![anchor("."), wrong], Vec::new(), "test"));
    assert_eq!(world.ask("www.good.test. A"), "SERVFAIL");
    assert_eq!(world.ede, Some(9), "{}", world.why);
    assert!(world.ask("www.hashed.test. A").starts_with("NOERROR+AD"));
}

#[test]
fn what_an_own_zone_delegates_is_validated_by_its_ds() {
    let ds: String = key("dev.corp.")
        .ds(name("dev.corp.").as_name(), Digest::SHA256)
        .unwrap()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let ds: &str = format!("dev.corp. DS hex:{ds}").leak();
    let dev = || {
        let mut plan = Plan::default();
        plan.specs.push((
            "dev.corp.",
            "192.0.2.60",
            Some(Denial::Nsec),
            vec![
                "dev.corp. NS ns.dev.corp.",
                "www.dev.corp. A 198.51.100.60",
                "bad.dev.corp. A 198.51.100.61",
            ],
        ));
        plan.tree().change_set("dev.corp.", "bad.dev.corp.", Rtype::A, Rrset::drop_signatures)
    };
    let cut = ["corp. NS ns.corp.", "dev.corp. NS ns.dev.corp.", "ns.dev.corp. A 192.0.2.60"];
    for (signed, www, bad, none) in
        [(true, "NOERROR+AD", "SERVFAIL", "NXDOMAIN+AD"), (false, "NOERROR", "NOERROR", "NXDOMAIN")]
    {
        let mut world = dev().world(1);
        let lines = [&cut[..], if signed { std::slice::from_ref(&ds) } else { &[] }].concat();
        world.own("corp.", &lines);
        for (question, expected) in [("www", www), ("bad", bad), ("none", none)] {
            for _ in 0..2 {
                let reply = world.ask(&format!("{question}.dev.corp. A"));
                assert_eq!(reply.split(' ').next().unwrap(), expected, "{question}: {}", world.why);
                world.assert_idle();
            }
        }
        // The world knows nothing of it.
        assert_eq!(world.asked("192.0.2.1"), 0);
        // Unless the operator says otherwise.
        world.trust(Anchors::new(
            vec![anchor(".")],
            vec![Negative::configured(name("dev.corp.").as_name())],
            "test",
        ));
        world.pass(Duration::from_secs(4_000));
        let reply = world.ask("bad.dev.corp. A");
        assert_eq!(reply, "NOERROR bad.dev.corp. A 198.51.100.61", "{}", world.why);
    }
}

//------- Denials used again (RFC 8198) ------------------------------------------------------------------------------

#[test]
fn a_flood_of_names_that_do_not_exist_is_answered_from_what_was_denied_before() {
    for (zone, server) in [("good.test.", GOOD), ("hashed.test.", HASHED)] {
        for aggressive in [true, false] {
            let mut world = Tree::new().world(1);
            world.set(|settings| settings.aggressive = aggressive);
            let mut asked = 0;
            for i in 0..2_000u32 {
                // Names all over the zone, as a flood has them.
                let label = format!("{:08x}", i.wrapping_mul(2_654_435_761));
                let before = world.total();
                assert_eq!(world.ask(&format!("{label}.{zone} A")), "NXDOMAIN+AD", "{}", world.why);
                asked += usize::from(world.total() > before);
            }
            if aggressive {
                assert!(asked <= 20, "{zone}: {asked} of 2000 were asked for");
            } else {
                assert_eq!(asked, 2_000, "{zone}");
                assert!(world.asked(server) >= 2_000);
            }
        }
    }
}

#[test]
fn a_denial_that_is_made_carries_its_proof() {
    for (zone, proof) in [
        ("good.test.", "SOA RRSIG NSEC RRSIG NSEC RRSIG"),
        ("hashed.test.", "SOA RRSIG NSEC3 RRSIG NSEC3 RRSIG NSEC3 RRSIG"),
    ] {
        let mut world = Tree::new().world(1);
        // One sort of names at a time, until all that there is to deny is known.
        for i in 0..200 {
            world.ask(&format!("n{i}.{zone} A"));
        }
        let before = world.total();
        for i in 0..20 {
            for (flags, dnssec_ok, reply, authority) in [
                (PLAIN, false, "NXDOMAIN", "SOA"),
                (ad(), false, "NXDOMAIN+AD", "SOA"),
                (PLAIN, true, "NXDOMAIN+AD", proof),
            ] {
                (world.flags, world.dnssec_ok) = (flags, dnssec_ok);
                assert_eq!(world.ask(&format!("m{i}{dnssec_ok}{}.{zone} A", flags.0)), reply);
                let got = world.types(Section::Authority);
                // One record may show two things at once.
                assert!(proof_fits(&got, authority), "{zone}: {got}");
            }
        }
        assert_eq!(world.total(), before, "{zone}");
        // Who has nothing checked has his own asked for.
        world.flags = cd();
        world.ask(&format!("cd.{zone} A"));
        assert!(world.total() > before, "{zone}");
    }
    // That a name has nothing of a type.
    for question in ["www.good.test.", "ent.good.test.", "www.hashed.test.", "ent.hashed.test."] {
        let mut world = Tree::new().world(1);
        assert_eq!(world.ask(&format!("{question} TXT")), "NOERROR+AD");
        let before = world.total();
        for rtype in ["MX", "LOC", "AAAA"] {
            assert_eq!(world.ask(&format!("{question} {rtype}")), "NOERROR+AD", "{question} {rtype}");
        }
        assert_eq!(world.total(), before, "{question}");
        // What is there is still asked for.
        let reply = world.ask(&format!("{question} A"));
        assert_eq!(reply.contains(" A "), question.starts_with("www"), "{reply}");
    }
}

fn proof_fits(got: &str, most: &str) -> bool {
    let (got, most): (Vec<&str>, Vec<&str>) = (got.split(' ').collect(), most.split(' ').collect());
    got.len() <= most.len() && got.len() >= 4.min(most.len()) && most[..got.len()] == got[..]
}

#[test]
fn denials_are_used_until_they_run_out_and_not_across_delegations_or_wildcards() {
    let mut world = Tree::new().world(1);
    for i in 0..200 {
        world.ask(&format!("n{i}.good.test. A"));
        world.ask(&format!("n{i}.hashed.test. A"));
        world.ask(&format!("n{i}.opt. A"));
        world.ask(&format!("n{i}.wild.good.test. TXT"));
    }
    for (question, code) in [
        ("www.inner.good.test. A", "NOERROR+AD"),
        ("none.inner.good.test. A", "NXDOMAIN+AD"),
        ("www.bare.good.test. A", "NOERROR"),
        ("none.bare.good.test. A", "NXDOMAIN"),
        ("www.old.good.test. A", "NOERROR+AD"),
        ("x.wild.good.test. A", "NOERROR+AD"),
        ("y.wild.hashed.test. A", "NOERROR+AD"),
        ("www.free.opt. A", "NOERROR"),
        ("www.opt. A", "NOERROR+AD"),
        ("alias.good.test. A", "NOERROR+AD"),
    ] {
        let reply = world.ask(question);
        assert_eq!(reply.split(' ').next().unwrap(), code, "{question}: {}", world.why);
    }
    // What opt-out covers is asked for each time.
    let before = world.total();
    assert_eq!(world.ask("other.opt. A"), "NXDOMAIN");
    assert!(world.total() > before);
    // The SOA says 300 seconds.
    world.pass(Duration::from_secs(301));
    let before = world.total();
    assert_eq!(world.ask("later.good.test. A"), "NXDOMAIN+AD");
    assert!(world.total() > before);
}

#[test]
fn a_zone_that_goes_over_to_hashed_denials_is_denied_by_those() {
    let mut world = Tree::new().world(1);
    for i in 0..50 {
        assert_eq!(world.ask(&format!("n{i}.good.test. A")), "NXDOMAIN+AD");
    }
    let mut plan = Plan::default();
    plan.specs.iter_mut().find(|(apex, ..)| *apex == "good.test.").unwrap().2 = nsec3(false);
    plan.tree().serve(&mut world, "good.test.", GOOD);
    world.pass(Duration::from_secs(400));
    for i in 0..100 {
        assert_eq!(world.ask(&format!("m{i}.good.test. A")), "NXDOMAIN+AD");
    }
    let before = world.total();
    for i in 0..100 {
        assert_eq!(world.ask(&format!("o{i}.good.test. A")), "NXDOMAIN+AD");
    }
    assert!(world.total() - before <= 3, "{}", world.total() - before);
}

#[test]
fn denials_that_nobody_signed_are_not_used_for_other_names() {
    // An unsigned zone, or who forges it, says that it has no names at all.
    let mut world = Tree::new().world(1);
    let says = vec![
        (Section::Authority, "plain.test. SOA a. b. 1 3600 600 86400 300"),
        (Section::Authority, "plain.test. NSEC plain.test. NS SOA"),
    ];
    world.manner("192.0.2.4", Manner::Forges(vec![("none.plain.test. A".into(), Rcode::NXDOMAIN, says)]));
    assert_eq!(world.ask("none.plain.test. A"), "NXDOMAIN", "{}\n{}", world.why, world.log.join("\n"));
    assert_eq!(world.ask("www.plain.test. A"), "NOERROR www.plain.test. A 198.51.100.6");
    assert_eq!(world.ask("plain.test. TXT"), "NOERROR");
    assert!(world.log.iter().any(|line| line == "192.0.2.4 plain.test. TXT"), "{}", world.log.join("\n"));
}

/// A zone that the public one does not have, on a server of its own.
fn with_corp(aggressive: bool) -> World {
    let mut world = Tree::new().world(1);
    let lines = ["a.none.good.test. NS ns.a.none.good.test.", "host.a.none.good.test. A 198.51.100.50"];
    world.serve("192.0.2.50", "a.none.good.test.", &lines);
    world.set(|settings| {
        (settings.aggressive, settings.minimise) = (aggressive, Minimise::Strict);
    });
    world
}

#[test]
fn what_is_denied_above_does_not_reach_what_the_config_says_who_to_ask_for() {
    let found = "NOERROR host.a.none.good.test. A 198.51.100.50";
    for aggressive in [true, false] {
        for forward in [true, false] {
            let mut world = with_corp(aggressive);
            world.route("a.none.good.test.", &["192.0.2.50"], forward);
            world.set(|settings| settings.routes[0].validate = false);
            assert_eq!(world.ask("none.good.test. A"), "NXDOMAIN+AD");
            assert_eq!(world.ask("b.none.good.test. A"), "NXDOMAIN+AD");
            assert_eq!(world.ask("host.a.none.good.test. A"), found, "{}", world.why);
            // Beside it the denial holds.
            assert_eq!(world.ask("host.b.none.good.test. A"), "NXDOMAIN+AD");
        }
        let mut world = with_corp(aggressive);
        world.own(
            "a.none.good.test.",
            &[
                "a.none.good.test. NS ns.a.none.good.test.",
                "host.a.none.good.test. A 198.51.100.50",
                "dev.a.none.good.test. NS ns.dev.a.none.good.test.",
                "ns.dev.a.none.good.test. A 192.0.2.51",
            ],
        );
        let dev = [
            "dev.a.none.good.test. NS ns.dev.a.none.good.test.",
            "www.dev.a.none.good.test. A 198.51.100.51",
        ];
        world.serve("192.0.2.51", "dev.a.none.good.test.", &dev);
        assert_eq!(world.ask("none.good.test. A"), "NXDOMAIN+AD");
        assert_eq!(world.ask("host.a.none.good.test. A"), found);
        assert_eq!(
            world.ask("www.dev.a.none.good.test. A"),
            "NOERROR www.dev.a.none.good.test. A 198.51.100.51"
        );
    }
}
