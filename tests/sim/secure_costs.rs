//! What zones that are made to be costly may cost: each question has so much and no more, and asking once more costs nothing.

use crate::secure::{Plan, Tree, key, lines, made, name, nsec3, validity};
use crate::server::Manner;
use crate::world::World;
use std::time::Duration;
use waymark::dnssec::{Digest, Key};
use waymark::rrset::{Rdatas, Rrset};
use waymark::validate::Effort;
use waymark::wire::{Flags, Rcode, Rtype, Section};
use waymark::zone::Denial;

const EVIL: &str = "192.0.2.66";

/// A tree with the attacker's zone `evil.test.`, of these lines.
fn plan(denial: Denial, more: &[&'static str]) -> Plan {
    let mut plan = Plan::default();
    let test = plan.specs.iter_mut().find(|(apex, ..)| *apex == "test.").unwrap();
    test.3.extend(["evil.test. NS ns.evil.test.", "ns.evil.test. A 192.0.2.66"]);
    let mut lines =
        vec!["evil.test. NS ns.evil.test.", "ns.evil.test. A 192.0.2.66", "www.evil.test. A 198.51.100.66"];
    lines.extend(more);
    plan.specs.push(("evil.test.", EVIL, Some(denial), lines));
    plan
}

/// Asks: it costs at most this, and asking once more nothing. Others have what they ask for.
fn costs(world: &mut World, question: &str, reply: &str, most: Effort, queries: usize) {
    let before = world.total();
    let got = world.ask(question);
    assert!(got.starts_with(reply), "{question}: {got} {}", world.why);
    let Effort { checks, faults, hashes } = world.spent;
    assert!(checks <= most.checks && faults <= most.faults && hashes <= most.hashes, "{:?}", world.spent);
    assert!(
        world.total() - before <= queries,
        "{} queries\n{}",
        world.total() - before,
        world.log.join("\n")
    );
    world.assert_idle();
    // What was spent on the keys may have left little for the answer, which is not held against it: but a second time it
    // is.
    for last in [false, true] {
        let before = world.total();
        assert_eq!(world.ask(question), got, "{question}");
        let is_free = world.is_free() && world.total() == before;
        let Effort { checks, faults, hashes } = world.spent;
        assert!(is_free || !last, "{question}: {:?}\n{}", world.spent, world.log.join("\n"));
        assert!(checks <= most.checks && faults <= most.faults && hashes <= most.hashes, "{:?}", world.spent);
    }
    assert_eq!(world.ask("www.good.test. A"), "NOERROR+AD www.good.test. A 198.51.100.1");
}

fn effort(checks: u16, faults: u16, hashes: u32) -> Effort {
    Effort { checks, faults, hashes }
}

/// Keys of the tag of `evil.test.`'s: its words in another order.
fn colliding(count: usize) -> Vec<Vec<u8>> {
    let first = key("evil.test.");
    let turned = |by: usize| {
        let (head, public) = first.dnskey().split_at(4);
        let mut public = public.to_vec();
        public.rotate_left(2 * by);
        [head, &public].concat()
    };
    let keys: Vec<Vec<u8>> = (1..=count).map(turned).collect();
    assert!(keys.iter().all(|key| Key::read(key).unwrap().tag() == first.tag()));
    keys
}

/// Puts so many signatures that do not fit before those that a set has.
fn spoil(set: &mut Rrset, zone: &str, count: usize) {
    let good: Vec<Vec<u8>> = set.signatures().iter().map(<[u8]>::to_vec).collect();
    let other = Rrset::of(set.name.as_name(), set.rtype, 1, set.rdatas(), Rdatas::EMPTY);
    set.drop_signatures();
    for i in 0..count as i64 {
        let mut bad = key(zone).sign(&other, name(zone).as_name(), validity(-86_400 - i, 86_400)).unwrap();
        bad[4..8].copy_from_slice(&set.ttl.to_be_bytes());
        set.push_signature(&bad);
    }
    good.iter().for_each(|good| set.push_signature(good));
}

/// With keys of one tag beside the good one, which comes last; the set is signed by it.
fn with_colliding_keys(tree: Tree, count: usize) -> Tree {
    tree.change_set("evil.test.", "evil.test.", Rtype::DNSKEY, |set| {
        let mut all = Rrset::new(set.name.as_name(), Rtype::DNSKEY, set.ttl);
        colliding(count).iter().for_each(|key| all.push(key));
        all.push(key("evil.test.").dnskey());
        crate::secure::resign(&mut all, "evil.test.", validity(-86_400, 86_400));
        *set = all;
    })
}

#[test]
fn keytrap_many_signatures_times_many_keys_are_checked_sixteen_times() {
    // CVE-2023-50387. The root, test. and evil.test. cost what every zone costs.
    for (keys, signatures) in [(1, 8), (14, 8), (14, 100), (0, 100)] {
        let tree = with_colliding_keys(plan(Denial::Nsec, &[]).tree(), keys);
        let tree = tree.change_set("evil.test.", "www.evil.test.", Rtype::A, |set| {
            spoil(set, "evil.test.", signatures);
        });
        costs(&mut tree.world(1), "www.evil.test. A", "SERVFAIL", effort(24, 16, 0), 12);
    }
    // The same with the set of the keys itself, and with what denies.
    let tree = plan(Denial::Nsec, &[]).tree().change_set("evil.test.", "evil.test.", Rtype::DNSKEY, |set| {
        spoil(set, "evil.test.", 100);
    });
    costs(&mut tree.world(1), "www.evil.test. A", "SERVFAIL", effort(24, 16, 0), 12);
    let tree = with_colliding_keys(plan(Denial::Nsec, &[]).tree(), 1).change("evil.test.", |sets| {
        sets.iter_mut().filter(|set| set.rtype == Rtype::NSEC).for_each(|set| spoil(set, "evil.test.", 8));
    });
    costs(&mut tree.world(1), "none.evil.test. A", "SERVFAIL", effort(24, 16, 0), 12);
}

#[test]
fn what_is_too_much_work_is_not_asked_of_another_server() {
    let mut plan = plan(Denial::Nsec, &[]);
    let servers = ["192.0.2.67", "192.0.2.68", "192.0.2.69"];
    for (apex, _, _, lines) in &mut plan.specs {
        for (i, server) in servers.iter().enumerate().filter(|_| matches!(*apex, "test." | "evil.test.")) {
            lines.push(format!("evil.test. NS ns{i}.evil.test.").leak());
            lines.push(format!("ns{i}.evil.test. A {server}").leak());
        }
    }
    let tree = with_colliding_keys(plan.tree(), 1);
    let tree = tree.change_set("evil.test.", "www.evil.test.", Rtype::A, |set| spoil(set, "evil.test.", 8));
    for seed in 0..4 {
        let mut world = tree.world(seed);
        servers.iter().for_each(|server| tree.serve(&mut world, "evil.test.", server));
        let asked = |world: &World| {
            world
                .log
                .iter()
                .filter(|line| line.starts_with("192.0.2.6") && line.ends_with(" www.evil.test. A"))
                .count()
        };
        assert_eq!(world.ask("www.evil.test. A"), "SERVFAIL");
        // Besides the one by which another server is got to know.
        assert!(asked(&world) <= 2, "{}", world.log.join("\n"));
        assert!(world.spent.checks <= 24, "{:?}", world.spent);
        world.assert_idle();
    }
}

#[test]
fn keytrap_many_ds_times_many_keys_cost_sixteen_digests() {
    let good = key("evil.test.").ds(name("evil.test.").as_name(), Digest::SHA256).unwrap();
    let mut plan = plan(Denial::Nsec, &[]);
    let wrong = (0..30).map(|i| {
        let mut ds = good.clone();
        ds[35] ^= i + 1;
        ds
    });
    plan.ds.insert("evil.test.", wrong.collect());
    let tree = with_colliding_keys(plan.tree(), 14);
    costs(&mut tree.world(1), "www.evil.test. A", "SERVFAIL", effort(16, 16, 0), 12);
}

#[test]
fn expired_signatures_and_those_of_no_key_count_as_well() {
    for (signer, until) in [("evil.test.", -2 * 86_400), ("other.", 86_400)] {
        let tree = plan(Denial::Nsec, &[]).tree().change("evil.test.", |sets| {
            for set in sets.iter_mut().filter(|set| set.rtype == Rtype::NSEC || set.rtype == Rtype::SOA) {
                set.drop_signatures();
                for i in 0..8 {
                    let when = validity(-10 * 86_400 - i, until);
                    set.push_signature(&key(signer).sign(set, name("evil.test.").as_name(), when).unwrap());
                }
            }
        });
        costs(&mut tree.world(1), "none.evil.test. A", "SERVFAIL", effort(12, 16, 0), 12);
    }
}

#[test]
fn a_chain_of_aliases_over_many_costly_zones_has_one_budget() {
    // CVE-2026-50045. Each link is right, and costs seven checks in vain; each zone is entered anew.
    let mut plan = plan(Denial::Nsec, &[]);
    let zones: Vec<&'static str> = (0..8).map(|i| &*format!("z{i}.evil.test.").leak()).collect();
    let evil = plan.specs.iter_mut().find(|(apex, ..)| *apex == "evil.test.").unwrap();
    evil.3.extend(zones.iter().map(|zone| &*format!("{zone} NS ns.evil.test.").leak()));
    for (zone, next) in zones.iter().zip(zones.iter().skip(1).chain([&"evil.test."])) {
        let lines = vec![
            &*format!("{zone} NS ns.evil.test.").leak(),
            &*format!("www.{zone} CNAME www.{next}").leak(),
        ];
        plan.specs.push((zone, EVIL, Some(Denial::Nsec), lines));
    }
    for (spoilt, reply) in [(false, "NOERROR+AD"), (true, "SERVFAIL")] {
        let mut plan_again = Plan { specs: plan.specs.clone(), ..Plan::default() };
        plan_again.validity = validity(-86_400, 86_400);
        let mut tree = plan_again.tree();
        for zone in zones.iter().filter(|_| spoilt) {
            let owner = format!("www.{zone}");
            tree = tree.change_set(zone, &owner, Rtype::CNAME, |set| spoil(set, zone, 7));
        }
        let mut world = tree.world(1);
        let got = world.ask("www.z0.evil.test. A");
        assert!(got.starts_with(reply), "{got}: {}", world.why);
        assert!(world.spent.checks <= 64 && world.spent.faults <= 16, "{:?}", world.spent);
        if spoilt {
            assert_eq!(world.spent.faults, 16);
        }
    }
}

#[test]
fn a_flood_of_proofs_and_names_of_many_labels_are_hashed_so_far_and_no_further() {
    // CVE-2023-50868: the most iterations that are computed, the longest salt, many labels.
    let denial = Denial::Nsec3 { iterations: 50, salt: vec![1; 255], opt_out: false };
    let mut world = plan(denial.clone(), &[]).tree().world(1);
    let long = format!("{}evil.test. A", "a.".repeat(115));
    costs(&mut world, &long, "SERVFAIL", effort(16, 1, 6_000), 12);
    // Iterations beyond that are not computed at all.
    let beyond = Denial::Nsec3 { iterations: 2_500, salt: vec![1; 255], opt_out: false };
    let mut world = plan(beyond, &[]).tree().world(1);
    costs(&mut world, &long, "NXDOMAIN", effort(16, 0, 0), 12);
    // A hundred records, each with a signature that does not fit.
    let tree = plan(nsec3(false).unwrap(), &[]).tree();
    let soa = tree.set("evil.test.", "evil.test.", Rtype::SOA);
    let mut says = lines(Section::Authority, &soa);
    for i in 0..100 {
        let text = format!("{i:032} NSEC3 1 0 1 ab {:032} A", i + 1).replacen(' ', ".evil.test. ", 1);
        let mut set = made(&text, "evil.test.");
        spoil(&mut set, "evil.test.", 3);
        says.extend(lines(Section::Authority, &set));
    }
    let mut world = tree.world(1);
    world.manner(EVIL, Manner::Forges(vec![("none.evil.test. A".into(), Rcode::NXDOMAIN, says)]));
    costs(&mut world, "none.evil.test. A", "SERVFAIL", effort(32, 16, 6_000), 12);
}

#[test]
fn servers_that_are_all_wrong_are_asked_four_times_at_most() {
    let mut plan = Plan::default();
    for (apex, _, _, lines) in &mut plan.specs {
        if matches!(*apex, "test." | "good.test.") {
            for i in 0..10 {
                lines.push(format!("good.test. NS ns{i}.good.test.").leak());
                lines.push(format!("ns{i}.good.test. A 192.0.2.{}", 100 + i).leak());
            }
        }
    }
    let tree = plan.tree().change_set("good.test.", "www.good.test.", Rtype::A, Rrset::drop_signatures);
    let mut world = tree.world(1);
    let mut servers = vec!["192.0.2.3".to_owned()];
    for i in 0..10 {
        servers.push(format!("192.0.2.{}", 100 + i));
        tree.serve(&mut world, "good.test.", &servers[i + 1]);
    }
    // What is asked of them once is who they are.
    assert_eq!(world.ask("x.wild.good.test. A"), "NOERROR+AD x.wild.good.test. A 198.51.100.3");
    let at = |world: &World| servers.iter().map(|server| world.asked(server)).sum::<usize>();
    let before = at(&world);
    assert_eq!(world.ask("www.good.test. A"), "SERVFAIL");
    // Four answers, and what denies the DS of the name, to know whether it is below an unsigned delegation; besides the queries by
    // which a server is got to know.
    assert!(at(&world) - before <= 7, "{}\n{}", at(&world) - before, world.log.join("\n"));
    world.assert_idle();
    let before = world.total();
    assert_eq!(world.ask("www.good.test. A"), "SERVFAIL");
    assert_eq!(world.total(), before);
}

#[test]
fn the_ds_of_a_name_that_is_an_alias_is_no_riddle() {
    // gl#5878: what is not signed below an alias waits for the DS of the alias.
    let tree = Tree::new().change_set("good.test.", "www.good.test.", Rtype::A, Rrset::drop_signatures);
    for (question, reply) in [
        ("alias.good.test. DS", "NOERROR+AD alias.good.test. CNAME www.hashed.test."),
        ("x.alias.good.test. A", "NXDOMAIN+AD"),
        ("x.walias.good.test. DS", "NOERROR+AD x.walias.good.test. CNAME www.good.test."),
        ("x.walias.good.test. A", "SERVFAIL"),
        ("to.plain.test. DS", "NOERROR to.plain.test. CNAME www.good.test."),
        (
            "www.old.good.test. DS",
            "NOERROR+AD old.good.test. DNAME good.test.; www.old.good.test. CNAME www.good.test.",
        ),
    ] {
        let mut world = tree.world(1);
        assert_eq!(world.ask(question), reply, "{question}: {}", world.why);
        assert!(world.total() <= 16, "{question}: {}\n{}", world.total(), world.log.join("\n"));
        world.assert_idle();
    }
    // An unsigned alias where a zone is signed, and an unsigned answer below it.
    let tree = Tree::new().change_set("good.test.", "alias.good.test.", Rtype::CNAME, Rrset::drop_signatures);
    let mut world = tree.world(1);
    assert_eq!(world.ask("alias.good.test. A"), "SERVFAIL");
    assert!(world.total() <= 16, "{}", world.log.join("\n"));
    let mut world = Tree::new().world(1);
    let says = vec![(Section::Answer, "x.alias.good.test. A 203.0.113.66")];
    world.manner("192.0.2.3", Manner::Forges(vec![("x.alias.good.test. A".into(), Rcode::NOERROR, says)]));
    assert_eq!(world.ask("x.alias.good.test. A"), "SERVFAIL");
    assert!(world.total() <= 16, "{}", world.log.join("\n"));
    world.assert_idle();
    // An alias in place of the keys that it is signed with.
    let tree = Tree::new();
    let alias = made("hashed.test. CNAME www.good.test.", "hashed.test.");
    let mut world = tree.world(1);
    let says = lines(Section::Answer, &alias);
    world.manner("192.0.2.6", Manner::Forges(vec![("hashed.test. DNSKEY".into(), Rcode::NOERROR, says)]));
    let begun = world.now;
    assert_eq!(world.ask("www.hashed.test. A"), "SERVFAIL");
    assert!(
        world.now.since(begun) < Duration::from_secs(1) && world.total() <= 16,
        "{}",
        world.log.join("\n")
    );
    world.assert_idle();
}

#[test]
fn everything_a_name_has_is_not_asked_for_and_so_not_checked() {
    let mut world = Tree::new().world(1);
    world.dnssec_ok = true;
    assert!(world.ask("www.good.test. ANY").starts_with("NOERROR www.good.test. HINFO"));
    assert!(world.total() == 0 && world.is_free());
    world.flags = Flags::RD;
    let reply = world.ask("www.good.test. RRSIG");
    assert!(!reply.contains("+AD"), "{reply}");
}
