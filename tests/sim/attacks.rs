//! What an attacker's zones may cost others: every class of amplification with the number of queries it comes to.

use super::*;

/// [`small`] with a zone of the attacker's at 192.0.2.66 and a victim's at 192.0.2.9.
fn attacked(evil: &[&str]) -> World {
    let mut world = small(1);
    world.set(|settings| settings.minimise = Minimise::Relaxed);
    world.serve(
        TLD,
        "test.",
        &[
            "test. NS ns.nic.test.",
            "ns.nic.test. A 192.0.2.2",
            "victim.test. NS ns1.victim.test.",
            "ns1.victim.test. A 192.0.2.9",
            "evil.test. NS ns.evil.test.",
            "ns.evil.test. A 192.0.2.66",
        ],
    );
    world.serve("192.0.2.9", "victim.test.", &["victim.test. NS ns1.victim.test."]);
    world.serve("192.0.2.66", "evil.test.", &[&["evil.test. NS ns.evil.test."][..], evil].concat());
    world
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> Vec<&'static str> {
    (0..count).map(|i| &*line(i).leak()).collect()
}

/// Asks, and checks how many queries the victim, and everybody together, got for it.
fn check(mut world: World, question: &str, reply: &str, victim: usize, all: usize) {
    let got = world.ask(question);
    assert!(got.starts_with(reply), "{got}");
    let (at_victim, total) = (world.asked("192.0.2.9"), world.total());
    assert!(at_victim <= victim, "{at_victim} queries at the victim\n{}", world.log.join("\n"));
    assert!(total <= all, "{total} queries in all\n{}", world.log.join("\n"));
    world.assert_idle();
    // Asking once more costs nothing.
    let before = world.total();
    world.ask(question);
    assert_eq!(world.total(), before, "{}", world.log.join("\n"));
}

#[test]
fn nxns_a_referral_to_many_names_of_a_victim_asks_it_six_times() {
    // NXNSAttack (CVE-2020-8616, CVE-2020-12662).
    let referral = lines(100, |i| format!("sub.evil.test. NS nx{i}.victim.test."));
    check(attacked(&referral), "a.sub.evil.test. A", "SERVFAIL", 6, 12);
}

#[test]
fn camp_referrals_within_referrals_cost_41_queries() {
    // Each name server's name leads to two more delegations without glue: a tree without end.
    let referral = lines(200, |i| format!("d{i}.evil.test. NS ns.d{}.evil.test.", 2 * i + 1));
    let more = lines(200, |i| format!("d{i}.evil.test. NS ns.d{}.evil.test.", 2 * i + 2));
    // PowerDNS Recursor stops at 50.
    check(attacked(&[referral, more].concat()), "www.d0.evil.test. A", "SERVFAIL", 0, 41);
}

#[test]
fn tsuname_a_circle_of_delegations_ends_at_once() {
    let mut world = attacked(&["a.evil.test. NS ns.b.evil.test.", "b.evil.test. NS ns.a.evil.test."]);
    world.network.latency = (10, 10);
    check(world, "www.a.evil.test. A", "SERVFAIL", 0, 8);
}

#[test]
fn nrdelegation_a_delegation_to_silent_servers_costs_few_queries_and_then_none() {
    let servers = lines(26, |i| format!("sub.evil.test. NS ns{i}.sub.evil.test."));
    let glue = lines(26, |i| format!("ns{i}.sub.evil.test. A 198.51.100.{i}"));
    let mut world = attacked(&[servers, glue].concat());
    for i in 0..26 {
        world.manner(&format!("198.51.100.{i}"), Manner::Silent);
    }
    check(world, "www.sub.evil.test. A", "SERVFAIL", 0, 19);
}

#[test]
fn glue_that_points_at_a_victim_many_times_asks_it_as_one_server() {
    // Many names, one address (CVE-2026-3592): three queries are one server's share of losses.
    let servers = lines(26, |i| format!("sub.evil.test. NS ns{i}.sub.evil.test."));
    let glue = lines(26, |i| format!("ns{i}.sub.evil.test. A 192.0.2.9"));
    let mut world = attacked(&[servers, glue].concat());
    world.manner("192.0.2.9", Manner::Silent);
    check(world, "www.sub.evil.test. A", "SERVFAIL", 3, 6);
    // One that answers, but does not know the zone.
    let glue = lines(26, |i| format!("ns{i}.sub.evil.test. A 192.0.2.9"));
    let servers = lines(26, |i| format!("sub.evil.test. NS ns{i}.sub.evil.test."));
    check(attacked(&[servers, glue].concat()), "www.sub.evil.test. A", "SERVFAIL", 2, 6);
}

#[test]
fn a_chain_of_aliases_ends_at_eleven() {
    let chain = lines(100, |i| format!("c{i}.evil.test. CNAME c{}.evil.test.", i + 1));
    let mut world = attacked(&chain);
    assert_eq!(world.ask("c0.evil.test. A"), "SERVFAIL");
    assert!(world.total() <= 14, "{}", world.log.join("\n"));
    world.assert_idle();
    // Each link in a zone of its own.
    let mut chain: Vec<&str> = lines(40, |i| format!("z{i}.evil.test. NS ns.evil.test."));
    chain.extend(["ns.evil.test. A 192.0.2.66"]);
    let mut world = attacked(&chain);
    for i in 0..40 {
        let (zone, alias) =
            (format!("z{i}.evil.test."), format!("www.z{i}.evil.test. CNAME www.z{}.evil.test.", i + 1));
        world.serve("192.0.2.66", &zone, &[&*format!("{zone} NS ns.evil.test.").leak(), &*alias.leak()]);
    }
    assert_eq!(world.ask("www.z0.evil.test. A"), "SERVFAIL");
    assert!(world.total() <= 30, "{}", world.log.join("\n"));
}

#[test]
fn a_ghost_domain_ends_when_the_zone_above_lets_it_go() {
    // The attacker's servers delegate on and on to themselves with long TTLs, so that somebody asks them and not the zone above.
    let mut world = attacked(&["ns.evil.test. A 192.0.2.66"]);
    let ghost = [
        "evil.test. 86400 NS ns.evil.test.",
        "ns.evil.test. 86400 A 192.0.2.66",
        "a.evil.test. 86400 NS ns.a.evil.test.",
        "ns.a.evil.test. 86400 A 192.0.2.67",
    ];
    world.serve("192.0.2.66", "evil.test.", &ghost);
    world.serve(
        "192.0.2.67",
        "a.evil.test.",
        &["a.evil.test. 86400 NS ns.a.evil.test.", "*.a.evil.test. 60 A 203.0.113.66"],
    );
    assert!(world.ask("x1.a.evil.test. A").ends_with("203.0.113.66"));
    world.serve(TLD, "test.", &["test. NS ns.nic.test.", "ns.nic.test. A 192.0.2.2"]);
    // The zone above gave it an hour.
    for i in 0..70 {
        world.pass(Duration::from_secs(60));
        let reply = world.ask(&format!("y{i}.a.evil.test. A"));
        assert!(i < 59 || reply == "NXDOMAIN", "minute {i}: {reply}");
    }
}

#[test]
fn a_long_chain_of_lookups_that_wait_for_each_other_is_cut_short() {
    // zi has its name server in z(i+1), and the last one's is silent. Questions come from the end, so each joins the one before.
    let zones = lines(300, |i| format!("z{i}.evil.test. NS ns.z{}.evil.test.", i + 1));
    let mut world = attacked(
        &[zones, vec!["z300.evil.test. NS ns.silent.evil.test.", "ns.silent.evil.test. A 192.0.2.99"]]
            .concat(),
    );
    world.manner("192.0.2.99", Manner::Silent);
    let questions: Vec<String> = (0..300).rev().map(|i| format!("ns.z{i}.evil.test. A")).collect();
    let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    let replies = world.ask_all(&questions);
    assert!(replies.iter().all(|reply| reply == "SERVFAIL"), "{replies:?}");
    world.assert_idle();
}

#[test]
fn a_slow_zone_leaves_room_for_others() {
    let mut world = attacked(&["ns.evil.test. A 192.0.2.66"]);
    world.ask("x.evil.test. A");
    world.manner("192.0.2.66", Manner::Silent);
    let flood: Vec<String> = (0..2_500).map(|i| format!("n{i}.evil.test. A")).collect();
    let mut questions: Vec<&str> = flood.iter().map(String::as_str).collect();
    questions.push("victim.test. NS");
    let replies = world.ask_all(&questions);
    assert!(replies[2_500].starts_with("NOERROR"), "{}", replies[2_500]);
    assert!(replies[..2_500].iter().all(|reply| reply == "SERVFAIL"));
    // The first 2,000 were tried; the rest had no place.
    assert!(world.asked("192.0.2.66") <= 2_000 * 3 + 1);
}

#[test]
fn that_there_was_no_place_is_not_remembered_as_a_names_failure() {
    // The flood is at the zone of the victim's name servers.
    let mut world = attacked(&["ns.evil.test. A 192.0.2.66"]);
    let tld = [
        "test. NS ns.nic.test.",
        "ns.nic.test. A 192.0.2.2",
        "provider.test. NS ns1.provider.test.",
        "ns1.provider.test. A 192.0.2.9",
        "victim.test. NS ns2.provider.test.",
    ];
    // Glue is given for the zone's own servers alone.
    world.serve(TLD, "test.", &tld);
    world.serve(
        "192.0.2.9",
        "provider.test.",
        &[
            "provider.test. NS ns1.provider.test.",
            "ns1.provider.test. A 192.0.2.9",
            "ns2.provider.test. A 192.0.2.10",
        ],
    );
    world.serve(
        "192.0.2.10",
        "victim.test.",
        &["victim.test. NS ns2.provider.test.", "www.victim.test. A 198.51.100.10"],
    );
    world.ask("provider.test. A");
    world.manner("192.0.2.9", Manner::Silent);
    let flood: Vec<String> = (0..2_000).map(|i| format!("n{i}.provider.test. A")).collect();
    let mut questions: Vec<&str> = flood.iter().map(String::as_str).collect();
    questions.push("www.victim.test. A");
    assert_eq!(world.ask_all(&questions)[2_000], "SERVFAIL");
    world.manner("192.0.2.9", Manner::Right);
    assert_eq!(world.ask("www.victim.test. A"), "NOERROR www.victim.test. A 198.51.100.10");
}
