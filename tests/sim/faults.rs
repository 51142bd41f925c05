//! Servers with faults that a resolver has to live with, and what each may cost.

use super::*;
use waymark::wire::Rtype;

const WWW: &str = "NOERROR www.example.test. A 198.51.100.1";

#[test]
fn a_slow_server_is_listened_to_after_its_time() {
    for late in [300, 900, 2_000, 2_900] {
        let mut world = small(1);
        world.manner(LEAF, Manner::Slow(late)).manner(LEAF_2, Manner::Silent);
        assert_eq!(world.ask("www.example.test. A"), WWW, "{late} ms\n{}", world.log.join("\n"));
        world.assert_idle();
    }
    // One that was quick is not given up the first time it is slow.
    let mut world = small(1);
    world.manner(LEAF_2, Manner::Unreachable);
    world.ask("n1.example.test. A");
    world.ask("n2.example.test. A");
    world.manner(LEAF, Manner::Slow(800));
    assert_eq!(world.ask("www.example.test. A"), WWW);
}

#[test]
fn a_late_reply_of_no_use_does_not_stop_the_others() {
    // The one is late and useless, the other slow and right: it is asked once, whoever is asked first.
    for seed in 0..20 {
        let mut world = small(seed);
        world.manner(LEAF, Manner::LateCode(600, Rcode::SERVFAIL)).manner(LEAF_2, Manner::Slow(340));
        assert_eq!(world.ask("www.example.test. A"), WWW);
        assert_eq!(world.asked(LEAF_2), 1, "seed {seed}\n{}", world.log.join("\n"));
        world.assert_idle();
    }
}

#[test]
fn a_server_that_refuses_one_type_still_answers_the_others() {
    for manner in [Manner::Only(Rtype::A), Manner::Code(Rcode::REFUSED)] {
        let mut world = small(1);
        world.manner(LEAF, manner.clone()).manner(LEAF_2, Manner::Unreachable);
        assert_eq!(world.ask("www.example.test. MX"), "SERVFAIL");
        if manner == Manner::Code(Rcode::REFUSED) {
            // It was only being restarted.
            world.manner(LEAF, Manner::Right);
        }
        assert_eq!(world.ask("www.example.test. A"), WWW, "{manner:?}");
    }
}

#[test]
fn a_denied_alias_denies_nothing_else() {
    let mut world = small(1);
    check_in(&mut world, "www.example.test. CNAME", "NOERROR", 3);
    check_in(&mut world, "www.example.test. A", WWW, 1);
    // Nor does it keep a name server's address from being looked up.
    check_in(&mut world, "ns.elsewhere.org. CNAME", "NOERROR", 3);
    assert_eq!(world.ask("www.other.test. A"), "NOERROR www.other.test. A 198.51.100.2");
}

#[test]
fn a_reply_without_a_question_is_believed_only_when_it_refuses() {
    let lie = vec![(Section::Answer, "www.example.test. A 203.0.113.66")];
    for rcode in [Rcode::NOERROR, Rcode::NXDOMAIN] {
        let mut world = small(1);
        world.manner(LEAF, Manner::Nameless(rcode, lie.clone()));
        world.manner(LEAF_2, Manner::Nameless(rcode, lie.clone()));
        assert_eq!(world.ask("www.example.test. A"), "SERVFAIL", "{rcode}");
    }
    let mut world = small(1);
    world.manner(LEAF, Manner::Nameless(Rcode::SERVFAIL, vec![])).manner(LEAF_2, Manner::Unreachable);
    assert_eq!(world.ask("www.example.test. A"), "SERVFAIL");
    assert_eq!(world.asked(LEAF), 1);
}

#[test]
fn servers_that_fold_case_answer_whatever_the_client_writes() {
    for manner in [Manner::FoldsCase, Manner::FoldsCaseOnly] {
        let mut world = small(1);
        world.manner(LEAF, manner.clone()).manner(LEAF_2, Manner::Unreachable);
        let reply = world.ask("WwW.Example.test. A");
        assert_eq!(reply, "NOERROR WwW.Example.test. A 198.51.100.1", "{manner:?}");
        assert!(world.asked(LEAF) <= 3, "{manner:?}\n{}", world.log.join("\n"));
        // Once may be a forgery; three times it is the server's manner.
        for (i, most) in [3, 3, 1, 1].into_iter().enumerate() {
            let before = world.asked(LEAF);
            world.ask(&format!("wWw{i}.example.TEST. A"));
            assert!(world.asked(LEAF) - before <= most, "{manner:?} {i}\n{}", world.log.join("\n"));
        }
    }
}

#[test]
fn a_wrong_reply_on_a_connection_ends_it() {
    let mut world = small(1);
    world.manner(LEAF, Manner::GarblesTcp).manner(LEAF_2, Manner::GarblesTcp);
    let begun = world.now;
    assert_eq!(world.ask("www.example.test. A"), "SERVFAIL");
    assert!(world.now.since(begun) < Duration::from_millis(200), "{:?}", world.now.since(begun));
}

/// A zone at 192.0.2.7 whose server's name is served at 192.0.2.5 with these records.
fn hosted(glue: &'static str, addresses: &[&str]) -> World {
    let mut world = small(1);
    let tld = ["test. NS ns.nic.test.", "ns.nic.test. A 192.0.2.2", "hosted.test. NS ns.far.org."];
    world.serve(TLD, "test.", &tld);
    if !glue.is_empty() {
        world.manner(TLD, Manner::Adds(vec![(Section::Additional, glue)]));
    }
    world.serve(
        TLD,
        "org.",
        &["org. NS ns.nic.test.", "far.org. NS ns1.far.org.", "ns1.far.org. A 192.0.2.5"],
    );
    let far = ["far.org. NS ns1.far.org.", "ns1.far.org. A 192.0.2.5"];
    world.serve("192.0.2.5", "far.org.", &[&far[..], addresses].concat());
    world.serve(
        "192.0.2.7",
        "hosted.test.",
        &["hosted.test. NS ns.far.org.", "www.hosted.test. A 198.51.100.7"],
    );
    world
}

#[test]
fn addresses_that_may_not_be_kept_are_used_once() {
    let mut world = hosted("", &["ns.far.org. 0 A 192.0.2.7"]);
    assert_eq!(world.ask("www.hosted.test. A"), "NOERROR www.hosted.test. A 198.51.100.7");
    world.assert_idle();
}

#[test]
fn glue_of_no_use_does_not_keep_the_real_address_away() {
    // Of a family that is not in use.
    let mut world = small(1);
    world.set(|settings| settings.families = (true, false));
    world.serve(
        ROOT,
        ".",
        &[
            ". NS a.root-servers.test.",
            "test. NS ns.nic.test.",
            "ns.nic.test. A 192.0.2.2",
            "net. NS ns.two.test.",
            "ns.two.test. AAAA 2001:db8::66",
        ],
    );
    world.serve(
        TLD,
        "test.",
        &["test. NS ns.nic.test.", "ns.nic.test. A 192.0.2.2", "ns.two.test. A 192.0.2.8"],
    );
    world.serve("192.0.2.8", "net.", &["net. NS ns.two.test.", "www.net. A 198.51.100.8"]);
    assert_eq!(world.ask("www.net. A"), "NOERROR www.net. A 198.51.100.8", "{}", world.log.join("\n"));
    // Or stale.
    let mut world = small(1);
    world.serve(
        ROOT,
        ".",
        &[
            ". NS a.root-servers.test.",
            "test. NS ns.nic.test.",
            "ns.nic.test. A 192.0.2.2",
            "net. NS ns.two.test.",
            "ns.two.test. A 192.0.2.77",
        ],
    );
    world.manner("192.0.2.77", Manner::Unreachable);
    world.serve(
        TLD,
        "test.",
        &["test. NS ns.nic.test.", "ns.nic.test. A 192.0.2.2", "ns.two.test. A 192.0.2.8"],
    );
    world.serve("192.0.2.8", "net.", &["net. NS ns.two.test.", "www.net. A 198.51.100.8"]);
    assert_eq!(world.ask("www.net. A"), "NOERROR www.net. A 198.51.100.8", "{}", world.log.join("\n"));
}

#[test]
fn own_delegations_know_the_addresses_of_all_own_zones() {
    let mut world = small(1);
    world.own("a.home.", &["a.home. NS ns.b.home.", "sub.a.home. NS ns.b.home."]);
    world.own("b.home.", &["b.home. NS ns.b.home.", "ns.b.home. A 192.0.2.60"]);
    world.serve(
        "192.0.2.60",
        "sub.a.home.",
        &["sub.a.home. NS ns.b.home.", "www.sub.a.home. A 198.51.100.60"],
    );
    check_in(&mut world, "www.sub.a.home. A", "NOERROR www.sub.a.home. A 198.51.100.60", 1);
}

#[test]
fn a_name_made_too_long_is_said_to_be_so() {
    let mut world = small(1);
    let label = "a".repeat(60);
    let (target, question) = (
        format!("long.example.test. DNAME {label}.{label}.{label}.example.test."),
        format!("{label}.long.example.test. A"),
    );
    let alias = format!("alias.example.test. CNAME {label}.long.example.test.");
    let lines = ["example.test. NS ns1.example.test.", "ns1.example.test. A 192.0.2.3", &target, &alias];
    world.serve(LEAF, "example.test.", &lines).serve(LEAF_2, "example.test.", &lines);
    for reached in [question.clone(), "alias.example.test. A".into()] {
        let reply = world.ask(&reached);
        let alias = format!("alias.example.test. CNAME {label}.long.example.test.; ");
        let alias = if reached == question { "" } else { &alias };
        assert_eq!(reply, format!("YXDOMAIN {alias}{target}"));
    }
    assert!(world.total() <= 5, "{}", world.log.join("\n"));
}

#[test]
fn a_failure_says_who_is_at_fault() {
    let mut world = small(3);
    world.manner(LEAF, Manner::Code(Rcode::REFUSED)).manner(LEAF_2, Manner::Unreachable);
    assert_eq!(world.ask("www.example.test. A"), "SERVFAIL");
    for part in ["example.test.", "192.0.2.3 answered REFUSED", "192.0.2.4 cannot be reached"] {
        assert!(world.why.contains(part), "{}", world.why);
    }
}

#[test]
fn lookups_of_addresses_end_with_the_delegation_that_wanted_them() {
    // One name server is quick, the other leads to a tree of glueless names that has no end.
    let mut world = small(1);
    world.serve(
        TLD,
        "test.",
        &[
            "test. NS ns.nic.test.",
            "ns.nic.test. A 192.0.2.2",
            "z.test. NS ns.far.org.",
            "z.test. NS n.a.sink.org.",
        ],
    );
    world.serve(
        TLD,
        "org.",
        &[
            "org. NS ns.nic.test.",
            "far.org. NS ns1.far.org.",
            "ns1.far.org. A 192.0.2.5",
            "sink.org. NS ns1.sink.org.",
            "ns1.sink.org. A 192.0.2.9",
        ],
    );
    world.serve(
        "192.0.2.5",
        "far.org.",
        &["far.org. NS ns1.far.org.", "ns1.far.org. A 192.0.2.5", "ns.far.org. A 192.0.2.7"],
    );
    world.serve(
        "192.0.2.7",
        "z.test.",
        &["z.test. NS ns.far.org.", "sub.z.test. NS ns.sub.z.test.", "ns.sub.z.test. A 192.0.2.8"],
    );
    world.serve(
        "192.0.2.8",
        "sub.z.test.",
        &["sub.z.test. NS ns.sub.z.test.", "www.sub.z.test. A 198.51.100.8"],
    );
    let names: Vec<String> = (0..6)
        .flat_map(|i| {
            (0..6).map(move |j| {
                format!("{}.sink.org. NS n.{}{j}.sink.org.", (b'a' + i) as char, (b'b' + i) as char)
            })
        })
        .collect();
    let mut lines = vec!["sink.org. NS ns1.sink.org.", "ns1.sink.org. A 192.0.2.9"];
    lines.extend(names.iter().map(String::as_str));
    world.serve("192.0.2.9", "sink.org.", &lines);
    assert_eq!(world.ask("www.sub.z.test. A"), "NOERROR www.sub.z.test. A 198.51.100.8");
    let answered = world.total();
    world.assert_idle();
    assert!(world.total() - answered <= 1, "{} more\n{}", world.total() - answered, world.log.join("\n"));
}
