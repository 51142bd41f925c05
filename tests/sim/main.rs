//! Simulated worlds: the resolver against servers that are right, slow, broken or lying. Every case is exact or a bound; every world
//! repeats from its seed.

#![allow(clippy::unwrap_used)]

mod attacks;
mod faults;
mod forgery;
mod minimise;
mod real_root;
mod rollover;
mod secure;
mod secure_costs;
mod secure_forgery;
mod secure_semantics;
mod selection;
mod server;
mod stale;
mod text;
mod world;

use server::Manner;
use std::time::Duration;
use waymark::config::Minimise;
use waymark::wire::{Rcode, Section};
use world::{Network, World, first_ttl};

const ROOT: &str = "192.0.2.1";
const TLD: &str = "192.0.2.2";
const LEAF: &str = "192.0.2.3";
const LEAF_2: &str = "192.0.2.4";

/// root -> test. -> example.test. (two servers) and other.test.
fn small(seed: u64) -> World {
    let mut world = World::new(seed, &[ROOT]);
    world.serve(
        ROOT,
        ".",
        &[
            ". NS a.root-servers.test.",
            "a.root-servers.test. A 192.0.2.1",
            "test. NS ns.nic.test.",
            "ns.nic.test. A 192.0.2.2",
            "org. NS ns.nic.test.",
        ],
    );
    world.serve(
        TLD,
        "test.",
        &[
            "test. NS ns.nic.test.",
            "ns.nic.test. A 192.0.2.2",
            "example.test. NS ns1.example.test.",
            "example.test. NS ns2.example.test.",
            "ns1.example.test. A 192.0.2.3",
            "ns2.example.test. A 192.0.2.4",
            "other.test. NS ns.elsewhere.org.",
            "loop.test. NS ns.pool.test.",
            "pool.test. NS ns.loop.test.",
            "glueless.test. NS ns1.example.test.",
        ],
    );
    world.serve(
        TLD,
        "org.",
        &["org. NS ns.nic.test.", "elsewhere.org. NS ns1.elsewhere.org.", "ns1.elsewhere.org. A 192.0.2.5"],
    );
    let example = [
        "example.test. NS ns1.example.test.",
        "example.test. NS ns2.example.test.",
        "ns1.example.test. A 192.0.2.3",
        "ns2.example.test. A 192.0.2.4",
        "www.example.test. 300 A 198.51.100.1",
        "www.example.test. 300 AAAA 2001:db8::1",
        "alias.example.test. CNAME www.example.test.",
        "away.example.test. CNAME www.other.test.",
        "mad.example.test. CNAME mad2.example.test.",
        "mad2.example.test. CNAME mad.example.test.",
        "zero.example.test. 0 A 198.51.100.7",
        "sub.example.test. DNAME other.test.",
        "deep.ent.example.test. TXT hello",
        "*.wild.example.test. A 198.51.100.8",
    ];
    world.serve(LEAF, "example.test.", &example).serve(LEAF_2, "example.test.", &example);
    world.serve(
        LEAF,
        "glueless.test.",
        &["glueless.test. NS ns1.example.test.", "www.glueless.test. A 198.51.100.6"],
    );
    world.serve(
        "192.0.2.5",
        "elsewhere.org.",
        &[
            "elsewhere.org. NS ns1.elsewhere.org.",
            "ns1.elsewhere.org. A 192.0.2.5",
            "ns.elsewhere.org. A 192.0.2.6",
        ],
    );
    world.serve(
        "192.0.2.6",
        "other.test.",
        &["other.test. NS ns.elsewhere.org.", "www.other.test. A 198.51.100.2"],
    );
    world
}

/// Asks in a fresh world; checks the reply and how many queries it took, and that nothing is left running.
fn check(question: &str, reply: &str, queries: usize) {
    check_in(&mut small(1), question, reply, queries);
}

fn check_in(world: &mut World, question: &str, reply: &str, queries: usize) {
    let before = world.total();
    let got = world.ask(question);
    assert_eq!(got, reply, "{question}\n{}", world.log.join("\n"));
    assert_eq!(world.total() - before, queries, "{question}\n{}", world.log.join("\n"));
    world.assert_idle();
}

#[test]
fn answers_are_found_from_the_root_down() {
    check("www.example.test. A", "NOERROR www.example.test. A 198.51.100.1", 3);
    check("WWW.Example.Test. AAAA", "NOERROR WWW.Example.Test. AAAA 2001:db8::1", 3);
    check("example.test. MX", "NOERROR", 3);
    check("nothing.example.test. A", "NXDOMAIN", 3);
    check("ent.example.test. A", "NOERROR", 3);
    check("x.wild.example.test. A", "NOERROR x.wild.example.test. A 198.51.100.8", 3);
    check("nothing. A", "NXDOMAIN", 1);
    check("example.test. DS", "NOERROR", 2);
}

#[test]
fn aliases_are_followed_within_and_across_zones() {
    check(
        "alias.example.test. A",
        "NOERROR alias.example.test. CNAME www.example.test.; www.example.test. A 198.51.100.1",
        3,
    );
    check(
        "away.example.test. A",
        "NOERROR away.example.test. CNAME www.other.test.; www.other.test. A 198.51.100.2",
        8,
    );
    check(
        "www.sub.example.test. A",
        "NOERROR sub.example.test. DNAME other.test.; www.sub.example.test. CNAME www.other.test.; \
         www.other.test. A 198.51.100.2",
        8,
    );
    check("alias.example.test. CNAME", "NOERROR alias.example.test. CNAME www.example.test.", 3);
    check(
        "www.sub.example.test. CNAME",
        "NOERROR sub.example.test. DNAME other.test.; www.sub.example.test. CNAME www.other.test.",
        3,
    );
    check("alias.example.test. MX", "NOERROR alias.example.test. CNAME www.example.test.", 3);
}

#[test]
fn an_alias_that_comes_round_ends() {
    let mut world = small(1);
    assert_eq!(world.ask("mad.example.test. A"), "SERVFAIL");
    assert!(world.why.contains("loop"), "{}", world.why);
    assert!(world.total() <= 5, "{}", world.total());
}

#[test]
fn what_is_cached_is_not_asked_again_until_it_runs_out() {
    let mut world = small(1);
    check_in(&mut world, "www.example.test. A", "NOERROR www.example.test. A 198.51.100.1", 3);
    check_in(&mut world, "www.example.test. A", "NOERROR www.example.test. A 198.51.100.1", 0);
    assert_eq!(first_ttl(&mut world, "www.example.test. A"), 300);
    world.pass(Duration::from_secs(100));
    assert_eq!(first_ttl(&mut world, "www.example.test. A"), 200);
    world.pass(Duration::from_secs(201));
    check_in(&mut world, "www.example.test. A", "NOERROR www.example.test. A 198.51.100.1", 1);
    // The denial of a name is one for all its types; the delegation is known.
    check_in(&mut world, "nothing.example.test. A", "NXDOMAIN", 1);
    check_in(&mut world, "nothing.example.test. MX", "NXDOMAIN", 0);
    check_in(&mut world, "www.example.test. MX", "NOERROR", 1);
    check_in(&mut world, "www.example.test. MX", "NOERROR", 0);
    check_in(&mut world, "www.example.test. TXT", "NOERROR", 1);
    world.pass(Duration::from_secs(301));
    check_in(&mut world, "www.example.test. MX", "NOERROR", 1);
}

#[test]
fn a_ttl_of_zero_answers_once() {
    let mut world = small(1);
    check_in(&mut world, "zero.example.test. A", "NOERROR zero.example.test. A 198.51.100.7", 3);
    check_in(&mut world, "zero.example.test. A", "NOERROR zero.example.test. A 198.51.100.7", 1);
}

#[test]
fn equal_questions_at_one_time_are_one() {
    let mut world = small(1);
    let replies = world.ask_all(&["www.example.test. A", "www.example.test. A", "WWW.example.test. A"]);
    assert!(replies.iter().all(|reply| reply.ends_with("A 198.51.100.1")), "{replies:?}");
    assert_eq!(world.total(), 3);
}

#[test]
fn name_servers_without_glue_are_looked_up() {
    check("www.other.test. A", "NOERROR www.other.test. A 198.51.100.2", 5 + 1);
    // Its server lies beside it in the parent, which therefore has the address.
    check("www.glueless.test. A", "NOERROR www.glueless.test. A 198.51.100.6", 3);
}

#[test]
fn name_servers_that_wait_for_each_other_fail_at_once() {
    let mut world = small(1);
    assert_eq!(world.ask("www.loop.test. A"), "SERVFAIL");
    assert!(world.total() < 15, "{}", world.log.join("\n"));
    world.assert_idle();
}

#[test]
fn one_bad_server_of_two_does_no_harm() {
    for (manner, most) in [
        (Manner::Silent, 4 + 1),
        (Manner::Unreachable, 4),
        (Manner::Code(Rcode::SERVFAIL), 4),
        (Manner::Code(Rcode::REFUSED), 4),
        (Manner::Code(Rcode::NOTIMP), 5),
        (Manner::NoEdns, 4),
        (Manner::Truncates, 4),
        (Manner::TruncatesOnly, 5),
        (Manner::FoldsCase, 4),
        (Manner::WrongId, 5),
        (Manner::WrongQuestion, 5),
        (Manner::Garbage, 5),
        (Manner::LikeAResolver, 4),
        (Manner::Says(false, vec![]), 4),
        (Manner::Says(false, vec![(Section::Authority, ". NS a.root-servers.test.")]), 4),
        (Manner::Says(false, vec![(Section::Authority, "example.test. NS ns1.example.test.")]), 4),
        (Manner::Says(false, vec![(Section::Authority, "sub.other.test. NS ns1.example.test.")]), 4),
    ] {
        for seed in 0..20 {
            let mut world = small(seed);
            world.manner(LEAF, manner.clone());
            let reply = world.ask("www.example.test. A");
            assert_eq!(reply, "NOERROR www.example.test. A 198.51.100.1", "{manner:?} seed {seed}");
            assert!(
                world.total() <= most,
                "{manner:?} seed {seed}: {}\n{}",
                world.total(),
                world.log.join("\n")
            );
            world.assert_idle();
        }
    }
}

#[test]
fn when_all_servers_are_bad_the_answer_is_servfail_in_time() {
    for manner in [
        Manner::Silent,
        Manner::Unreachable,
        Manner::Code(Rcode::SERVFAIL),
        Manner::Code(Rcode::REFUSED),
        Manner::TruncatesOnly,
        Manner::WrongId,
        Manner::WrongQuestion,
        Manner::Garbage,
        Manner::LikeAResolver,
        Manner::Says(false, vec![]),
        Manner::Says(false, vec![(Section::Authority, "test. NS ns.nic.test.")]),
    ] {
        let mut world = small(3);
        world.manner(LEAF, manner.clone()).manner(LEAF_2, manner.clone());
        assert_eq!(world.ask("www.example.test. A"), "SERVFAIL", "{manner:?}");
        assert!(world.total() <= 12, "{manner:?}: {}\n{}", world.total(), world.log.join("\n"));
        world.assert_idle();
    }
}

#[test]
fn a_failure_is_remembered_for_a_while() {
    let mut world = small(3);
    world.manner(LEAF, Manner::Code(Rcode::SERVFAIL)).manner(LEAF_2, Manner::Code(Rcode::SERVFAIL));
    check_in(&mut world, "www.example.test. A", "SERVFAIL", 4);
    check_in(&mut world, "www.example.test. A", "SERVFAIL", 0);
    world.manner(LEAF, Manner::Right).manner(LEAF_2, Manner::Right);
    world.pass(Duration::from_secs(6));
    check_in(&mut world, "www.example.test. A", "NOERROR www.example.test. A 198.51.100.1", 1);
}

#[test]
fn a_lost_query_is_repeated() {
    let mut world = small(1);
    world.manner(ROOT, Manner::DropsFirst(2));
    check_in(&mut world, "www.example.test. A", "NOERROR www.example.test. A 198.51.100.1", 5);
}

#[test]
fn quirks_of_a_server_are_remembered() {
    for (manner, first, then) in
        [(Manner::NoEdns, 2, 1), (Manner::Truncates, 2, 2), (Manner::FoldsCase, 2, 2), (Manner::Right, 1, 1)]
    {
        let mut world = small(1);
        world.manner(LEAF, manner.clone()).manner(LEAF_2, Manner::Unreachable);
        world.ask("nothing.example.test. A");
        let before = world.asked(LEAF);
        assert_eq!(before, first, "{manner:?}");
        world.ask("www.example.test. A");
        assert_eq!(world.asked(LEAF) - before, then, "{manner:?}");
    }
}

#[test]
fn what_a_server_may_not_say_is_not_believed() {
    let lies = vec![
        (Section::Answer, "www.victim.org. A 203.0.113.66"),
        (Section::Answer, "other.test. NS ns.evil.test."),
        (Section::Authority, "test. NS ns.evil.test."),
        (Section::Authority, ". NS ns.evil.test."),
        (Section::Authority, "other.test. NS ns.evil.test."),
        (Section::Additional, "ns.evil.test. A 203.0.113.66"),
        (Section::Additional, "a.root-servers.test. A 203.0.113.66"),
        (Section::Additional, "ns.nic.test. A 203.0.113.66"),
        (Section::Additional, "www.other.test. A 203.0.113.66"),
    ];
    let mut world = small(1);
    world.manner("203.0.113.66", Manner::Says(true, vec![(Section::Answer, "qname. A 203.0.113.66")]));
    world.manner(LEAF, Manner::Adds(lies.clone())).manner(LEAF_2, Manner::Adds(lies));
    for question in
        ["www.example.test. A", "nothing.example.test. A", "www.example.test. MX", "away.example.test. A"]
    {
        assert!(!world.ask(question).contains("203.0.113"), "{question}");
    }
    assert!(world.ask("www.other.test. A").ends_with("A 198.51.100.2"));
    assert!(world.ask("ns.elsewhere.org. A").ends_with("A 192.0.2.6"));
    assert_eq!(world.ask("www.victim.org. A"), "NXDOMAIN");
    assert_eq!(world.asked("203.0.113.66"), 0);
    // An alias to elsewhere is followed there, not taken from the one who names it.
    let mut world = small(1);
    let lie = vec![
        (Section::Answer, "qname. CNAME www.other.test."),
        (Section::Answer, "www.other.test. A 203.0.113.66"),
    ];
    world.manner(LEAF, Manner::Says(true, lie.clone())).manner(LEAF_2, Manner::Says(true, lie));
    assert!(world.ask("x.example.test. A").ends_with("www.other.test. A 198.51.100.2"));
}

#[test]
fn glue_out_of_bailiwick_is_not_used() {
    let mut world = small(1);
    world.serve(
        TLD,
        "test.",
        &["test. NS ns.nic.test.", "ns.nic.test. A 192.0.2.2", "other.test. NS ns.elsewhere.org."],
    );
    world.manner(TLD, Manner::Adds(vec![(Section::Additional, "ns.elsewhere.org. A 203.0.113.66")]));
    world.manner("203.0.113.66", Manner::Says(true, vec![(Section::Answer, "qname. A 203.0.113.66")]));
    // The TLD serves org. too, but it answered for test.
    assert_eq!(world.ask("www.other.test. A"), "NOERROR www.other.test. A 198.51.100.2");
    assert_eq!(world.asked("203.0.113.66"), 0);
}

#[test]
fn a_delegation_to_many_names_costs_little() {
    let mut world = small(1);
    let names: Vec<String> = (0..200).map(|i| format!("nx.test. NS ns{i}.victim.test.")).collect();
    let mut lines = vec![
        "test. NS ns.nic.test.",
        "ns.nic.test. A 192.0.2.2",
        "victim.test. NS ns1.victim.test.",
        "ns1.victim.test. A 192.0.2.9",
    ];
    lines.extend(names.iter().map(String::as_str));
    world.serve(TLD, "test.", &lines);
    world.serve("192.0.2.9", "victim.test.", &["victim.test. NS ns1.victim.test."]);
    assert_eq!(world.ask("www.nx.test. A"), "SERVFAIL");
    assert!(world.asked("192.0.2.9") <= 12, "{} queries at the victim", world.asked("192.0.2.9"));
    world.assert_idle();
}

#[test]
fn forwards_and_stubs_are_asked_for_their_zones() {
    let mut world = small(1);
    world.serve(
        "192.0.2.50",
        "corp.test.",
        &["corp.test. NS ns.corp.test.", "www.corp.test. A 198.51.100.50"],
    );
    world.manner("192.0.2.50", Manner::LikeAResolver);
    world.route("corp.test.", &["192.0.2.50"], true);
    check_in(&mut world, "www.corp.test. A", "NOERROR www.corp.test. A 198.51.100.50", 1);
    check_in(&mut world, "nothing.corp.test. A", "NXDOMAIN", 1);
    check_in(&mut world, "www.example.test. A", "NOERROR www.example.test. A 198.51.100.1", 3);
    // One that is down is passed over.
    let mut world = small(1);
    world.serve(
        "192.0.2.50",
        "corp.test.",
        &["corp.test. NS ns.corp.test.", "www.corp.test. A 198.51.100.50"],
    );
    world.manner("192.0.2.51", Manner::Unreachable);
    world.route("corp.test.", &["192.0.2.51", "192.0.2.50"], true);
    assert_eq!(world.ask("www.corp.test. A"), "NOERROR www.corp.test. A 198.51.100.50");
    // A stub refers on to where its zone's children are.
    let mut world = small(1);
    world.serve(
        "192.0.2.50",
        "lab.test.",
        &[
            "lab.test. NS ns.lab.test.",
            "child.lab.test. NS ns.child.lab.test.",
            "ns.child.lab.test. A 192.0.2.52",
        ],
    );
    world.serve(
        "192.0.2.52",
        "child.lab.test.",
        &["child.lab.test. NS ns.child.lab.test.", "a.child.lab.test. TXT x"],
    );
    world.route("lab.test.", &["192.0.2.50"], false);
    check_in(&mut world, "a.child.lab.test. TXT", "NOERROR a.child.lab.test. TXT \"x\"", 2);
}

#[test]
fn a_name_below_an_own_cut_is_resolved_from_our_delegation() {
    let mut world = small(1);
    world.own(
        "home.test.",
        &[
            "home.test. NS ns.home.test.",
            "child.home.test. NS ns.child.home.test.",
            "ns.child.home.test. A 192.0.2.60",
            "alias.home.test. CNAME www.example.test.",
        ],
    );
    world.serve(
        "192.0.2.60",
        "child.home.test.",
        &["child.home.test. NS ns.child.home.test.", "www.child.home.test. A 198.51.100.60"],
    );
    check_in(&mut world, "www.child.home.test. A", "NOERROR www.child.home.test. A 198.51.100.60", 1);
    check_in(
        &mut world,
        "alias.home.test. A",
        "NOERROR alias.home.test. CNAME www.example.test.; www.example.test. A 198.51.100.1",
        3,
    );
}

#[test]
fn the_roots_are_asked_for_their_own_list_once() {
    let mut world = small(1);
    world.set(|settings| settings.priming = true);
    assert!(world.ask("www.example.test. A").ends_with("198.51.100.1"));
    world.assert_idle();
    assert_eq!(world.log.iter().filter(|line| line.ends_with(" . NS")).count(), 1);
    world.ask("www.other.test. A");
    assert_eq!(world.log.iter().filter(|line| line.ends_with(" . NS")).count(), 1);
}

#[test]
fn denied_addresses_and_families_not_in_use_are_never_asked() {
    let mut world = small(1);
    world.set(|settings| settings.deny = vec!["192.0.2.3/32".parse().unwrap()]);
    for i in 0..20 {
        world.ask(&format!("n{i}.example.test. A"));
    }
    assert_eq!((world.asked(LEAF), world.asked(LEAF_2)), (0, 20));
    world.set(|settings| settings.families = (false, true));
    let before = world.total();
    assert_eq!(world.ask("other.example.test. A"), "SERVFAIL");
    assert_eq!(world.total(), before);
}

#[test]
fn random_worlds_of_loss_and_repetition_answer_truly_or_fail() {
    let runs = if std::env::var_os("WAYMARK_LONG").is_some() { 5_000 } else { 300 };
    let questions = [
        ("www.example.test. A", "NOERROR www.example.test. A 198.51.100.1"),
        (
            "alias.example.test. AAAA",
            "NOERROR alias.example.test. CNAME www.example.test.; www.example.test. AAAA 2001:db8::1",
        ),
        (
            "away.example.test. A",
            "NOERROR away.example.test. CNAME www.other.test.; www.other.test. A 198.51.100.2",
        ),
        ("nothing.example.test. A", "NXDOMAIN"),
        ("www.glueless.test. A", "NOERROR www.glueless.test. A 198.51.100.6"),
        ("deep.ent.example.test. TXT", "NOERROR deep.ent.example.test. TXT \"hello\""),
    ];
    let lie = |section| (section, "ns1.example.test. A 203.0.113.66");
    let lies = vec![
        (Section::Answer, "victim.org. A 203.0.113.66"),
        (Section::Authority, "test. NS ns.evil.test."),
        lie(Section::Answer),
        lie(Section::Additional),
    ];
    let manners = [
        Manner::Right,
        Manner::Right,
        Manner::Adds(lies.clone()),
        Manner::Says(false, vec![(Section::Answer, "qname. A 203.0.113.66")]),
        Manner::LikeAResolver,
        Manner::WrongIdUdp,
        Manner::WrongCookieUdp,
        Manner::OnlyTcp,
        Manner::Cookies,
        Manner::Slow(700),
        Manner::LateCode(500, Rcode::REFUSED),
        Manner::GarblesTcp,
        Manner::Silent,
        Manner::Truncates,
        Manner::NoEdns,
        Manner::FoldsCase,
        Manner::WrongId,
        Manner::Code(Rcode::SERVFAIL),
        Manner::Unreachable,
        Manner::Garbage,
    ];
    let (mut right, mut failed, mut most) = (0, 0, 0);
    for seed in 0..runs {
        let mut world = small(seed);
        let minimise = [Minimise::Off, Minimise::Relaxed, Minimise::Strict][seed as usize % 3];
        world.set(|settings| settings.minimise = minimise);
        let loss = (seed % 4) as u32 * 10;
        world.network = Network { loss, twice: 10, latency: (1, 1 + seed % 300) };
        world.manner("203.0.113.66", Manner::Says(true, vec![(Section::Answer, "qname. A 203.0.113.66")]));
        world.manner(LEAF_2, manners[seed as usize % manners.len()].clone());
        for _ in 0..3 {
            let asked: Vec<&str> = questions.iter().map(|(question, _)| *question).collect();
            for ((question, truth), reply) in questions.iter().zip(world.ask_all(&asked)) {
                if reply == *truth {
                    right += 1;
                } else {
                    assert_eq!(reply, "SERVFAIL", "seed {seed}: {question}\n{}", world.log.join("\n"));
                    failed += 1;
                }
            }
            world.pass(Duration::from_secs(400));
        }
        world.assert_idle();
        assert_eq!(world.asked("203.0.113.66"), 0, "seed {seed}");
        // Eighteen questions that need forty queries at most when all is well.
        most = most.max(world.total());
    }
    assert!(failed * 50 < right, "{failed} failures, {right} right");
    assert!(most <= 200, "{most} queries for eighteen questions");
}
