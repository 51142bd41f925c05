//! Forged replies, and servers that look like forgers: cookies, case, ids (RFC 5452, RFC 7873).

use super::*;
use waymark::wire::{Rcode, Section};

const WWW: &str = "NOERROR www.example.test. A 198.51.100.1";

#[test]
fn a_message_that_is_not_the_reply_sends_the_query_over_tcp_at_once() {
    for manner in [Manner::WrongIdUdp, Manner::WrongQuestionUdp, Manner::WrongCookieUdp] {
        let mut world = small(1);
        world.manner(LEAF, manner.clone()).manner(LEAF_2, Manner::Unreachable);
        let begun = world.now;
        assert_eq!(world.ask("www.example.test. A"), WWW, "{manner:?}\n{}", world.log.join("\n"));
        assert!(world.now.since(begun) < Duration::from_millis(100), "{manner:?}");
    }
}

#[test]
fn a_server_that_is_strange_again_and_again_is_asked_over_tcp_and_not_given_up() {
    let mut world = small(1);
    world.manner(LEAF, Manner::WrongIdUdp).manner(LEAF_2, Manner::Unreachable);
    for i in 0..6 {
        let before = world.asked(LEAF);
        assert_eq!(world.ask(&format!("n{i}.example.test. A")), "NXDOMAIN");
        assert_eq!(world.asked(LEAF) - before, if i < 3 { 2 } else { 1 }, "question {i}");
    }
}

#[test]
fn a_servers_cookie_comes_back_with_every_query() {
    let mut world = small(1);
    world.manner(LEAF, Manner::Cookies).manner(LEAF_2, Manner::Unreachable);
    assert_eq!(world.ask("www.example.test. A"), WWW);
    // From now on the server answers only who brings what it gave.
    world.manner(LEAF, Manner::CookiesOnly);
    let before = world.asked(LEAF);
    assert_eq!(world.ask("www.example.test. AAAA"), "NOERROR www.example.test. AAAA 2001:db8::1");
    assert_eq!(world.asked(LEAF) - before, 1);
    // One that forgot what it gave says so with a new one, which is used.
    world.manner(LEAF, Manner::CookiesAnew);
    assert_eq!(world.ask("www.example.test. MX"), "NOERROR");
    assert_eq!(world.asked(LEAF) - before, 3, "{}", world.log.join("\n"));
}

#[test]
fn a_reply_without_the_cookie_that_a_server_always_gave_is_not_believed() {
    let mut world = small(1);
    world.manner(LEAF, Manner::Cookies).manner(LEAF_2, Manner::Unreachable);
    assert_eq!(world.ask("n1.example.test. A"), "NXDOMAIN");
    let lie = vec![(Section::Answer, "qname. A 203.0.113.66")];
    world.manner(LEAF, Manner::LiesOverUdp(lie));
    assert_eq!(world.ask("www.example.test. A"), WWW, "{}", world.log.join("\n"));
    // A server that has lost its cookies is asked without after a while.
    world.manner(LEAF, Manner::Right);
    for i in 0..6 {
        let before = world.asked(LEAF);
        assert_eq!(world.ask(&format!("m{i}.example.test. A")), "NXDOMAIN");
        assert_eq!(
            world.asked(LEAF) - before,
            if i < 2 { 2 } else { 1 },
            "question {i}\n{}",
            world.log.join("\n")
        );
    }
}

#[test]
fn addresses_of_ones_own_network_are_not_taken_from_public_names() {
    for (address, rtype, private) in [
        ("192.168.1.1", "A", true),
        ("10.0.0.1", "A", true),
        ("127.0.0.1", "A", true),
        ("169.254.1.1", "A", true),
        ("0.0.0.0", "A", true),
        ("198.51.100.1", "A", false),
        ("fd00::1", "AAAA", true),
        ("fe80::1", "AAAA", true),
        ("::1", "AAAA", true),
        ("::ffff:192.168.1.1", "AAAA", true),
        ("2001:db8::1", "AAAA", false),
    ] {
        let mut world = small(1);
        let line = format!("in.example.test. {rtype} {address}");
        let lines = ["example.test. NS ns1.example.test.", "ns1.example.test. A 192.0.2.3", &*line.leak()];
        world.serve(LEAF, "example.test.", &lines).serve(LEAF_2, "example.test.", &lines);
        let question = format!("in.example.test. {rtype}");
        assert!(world.ask(&question).starts_with("NOERROR in."), "{address} without protection");
        world.pass(Duration::from_secs(4_000));
        world.set(|settings| settings.rebinding_protection = true);
        let reply = world.ask(&question);
        assert_eq!(reply.starts_with("REFUSED"), private, "{address}: {reply}");
        // Whom the config names may say so.
        let mut world = small(1);
        world.set(|settings| settings.rebinding_protection = true);
        world.serve("192.0.2.50", "example.test.", &lines);
        world.route("example.test.", &["192.0.2.50"], false);
        assert!(world.ask(&question).starts_with("NOERROR in."), "{address} from a stub");
    }
}

#[test]
fn an_alias_into_a_zone_with_servers_of_its_own_is_asked_of_them() {
    // The public servers say that the name does not exist, which is not theirs to say.
    for denied in [true, false] {
        let mut world = small(1);
        world.serve(
            "192.0.2.50",
            "corp.test.",
            &["corp.test. NS ns.corp.test.", "host.corp.test. A 198.51.100.50"],
        );
        world.serve("192.0.2.51", "corp.test.", &["corp.test. NS ns.corp.test."]);
        let alias = ["bad.org. NS ns.bad.org.", "x.bad.org. CNAME host.corp.test."];
        world.serve("192.0.2.51", "bad.org.", &alias);
        if !denied {
            let lie = ["corp.test. NS ns.corp.test.", "host.corp.test. A 203.0.113.66"];
            world.serve("192.0.2.51", "corp.test.", &lie);
        }
        world.route(".", &["192.0.2.51"], true);
        world.route("corp.test.", &["192.0.2.50"], false);
        let found = "NOERROR x.bad.org. CNAME host.corp.test.; host.corp.test. A 198.51.100.50";
        assert_eq!(world.ask("x.bad.org. A"), found);
        assert_eq!(world.ask("host.corp.test. A"), "NOERROR host.corp.test. A 198.51.100.50");
    }
}

#[test]
fn what_others_say_of_names_below_an_own_delegation_is_not_used_there() {
    let mut world = small(1);
    world.own(
        "corp.org.",
        &["corp.org. NS ns.corp.org.", "dev.corp.org. NS ns.dev.corp.org.", "ns.dev.corp.org. A 192.0.2.60"],
    );
    world.serve(
        "192.0.2.60",
        "dev.corp.org.",
        &["dev.corp.org. NS ns.dev.corp.org.", "host.dev.corp.org. A 192.0.2.61"],
    );
    // The attacker's name server has the name of a host of ours.
    world.serve(
        TLD,
        "test.",
        &["test. NS ns.nic.test.", "ns.nic.test. A 192.0.2.2", "evil.test. NS host.dev.corp.org."],
    );
    world.serve(
        "192.0.2.61",
        "evil.test.",
        &["evil.test. NS host.dev.corp.org.", "a.evil.test. A 198.51.100.66"],
    );
    assert_eq!(
        world.ask("a.evil.test. A"),
        "NOERROR a.evil.test. A 198.51.100.66",
        "{}",
        world.log.join("\n")
    );
    assert_eq!(world.ask("host.dev.corp.org. A"), "NOERROR host.dev.corp.org. A 192.0.2.61");
    assert!(
        !world.log.iter().any(|line| line.contains("corp.org") && !line.starts_with("192.0.2.60")),
        "{}",
        world.log.join("\n")
    );
}

#[test]
fn name_servers_in_own_zones_are_known_without_asking() {
    let mut world = small(1);
    world.own("private.test.", &["private.test. NS ns.private.test.", "ns.private.test. A 192.0.2.60"]);
    world.serve(
        TLD,
        "test.",
        &["test. NS ns.nic.test.", "ns.nic.test. A 192.0.2.2", "lab.test. NS ns.private.test."],
    );
    world.serve(
        "192.0.2.60",
        "lab.test.",
        &["lab.test. NS ns.private.test.", "www.lab.test. A 198.51.100.60"],
    );
    assert_eq!(world.ask("www.lab.test. A"), "NOERROR www.lab.test. A 198.51.100.60");
    assert!(!world.log.iter().any(|line| line.contains("private")), "{}", world.log.join("\n"));
}

#[test]
fn forwards_that_fail_are_passed_over_where_the_config_says_so() {
    for fallback in [true, false] {
        let mut world = small(1);
        world.manner("192.0.2.50", Manner::Code(Rcode::SERVFAIL));
        world.route("example.test.", &["192.0.2.50"], true);
        world.set(|settings| settings.routes[0].fallback = fallback);
        assert_eq!(world.ask("www.example.test. A"), if fallback { WWW } else { "SERVFAIL" });
    }
}

#[test]
fn an_answer_without_authority_is_not_believed() {
    let lie = vec![(Section::Answer, "qname. A 203.0.113.66")];
    let mut world = small(1);
    world.manner(LEAF, Manner::Says(false, lie.clone())).manner(LEAF_2, Manner::Says(false, lie));
    assert_eq!(world.ask("www.example.test. A"), "SERVFAIL");
    // An alias alone may be: where it leads is asked of others.
    let alias = vec![(Section::Answer, "qname. CNAME www.other.test.")];
    let mut world = small(1);
    world.manner(LEAF, Manner::Says(false, alias.clone())).manner(LEAF_2, Manner::Says(false, alias));
    assert!(world.ask("x.example.test. A").ends_with("www.other.test. A 198.51.100.2"));
}

#[test]
fn what_stands_in_for_a_stub_does_not_take_its_place() {
    // The public side delegates a zone below the stub's; the stub has another.
    let mut world = small(1);
    let inside = [
        "example.test. NS ns1.example.test.",
        "ns1.example.test. A 192.0.2.50",
        "www.x.example.test. A 198.51.100.50",
    ];
    world.serve("192.0.2.50", "example.test.", &inside);
    let outside = [
        "example.test. NS ns1.example.test.",
        "ns1.example.test. A 192.0.2.3",
        "x.example.test. NS ns.x.example.test.",
        "ns.x.example.test. A 192.0.2.51",
    ];
    world.serve(LEAF, "example.test.", &outside).serve(LEAF_2, "example.test.", &outside);
    world.serve(
        "192.0.2.51",
        "x.example.test.",
        &["x.example.test. NS ns.x.example.test.", "www.x.example.test. A 203.0.113.1"],
    );
    world.route("example.test.", &["192.0.2.50"], false);
    world.set(|settings| settings.routes[0].fallback = true);
    world.manner("192.0.2.50", Manner::Unreachable);
    assert_eq!(world.ask("www.x.example.test. A"), "NOERROR www.x.example.test. A 203.0.113.1");
    world.manner("192.0.2.50", Manner::Right);
    world.pass(Duration::from_secs(4_000));
    assert_eq!(world.ask("www.x.example.test. A"), "NOERROR www.x.example.test. A 198.51.100.50");
}
