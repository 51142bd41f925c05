//! What is answered when nothing better can be had, and what is looked up before it is missed (RFC 8767, RFC 9520).

use super::*;
use waymark::wire::Rcode;

const WWW: &str = "NOERROR www.example.test. A 198.51.100.1";

/// A world that has answered once, and whose answer has run out.
fn run_out(manner: Manner) -> World {
    let mut world = small(1);
    world.ask("www.example.test. A");
    world.ask("nothing.example.test. A");
    world.manner(LEAF, manner.clone()).manner(LEAF_2, manner);
    world.pass(Duration::from_secs(301));
    world
}

#[test]
fn a_stale_answer_comes_after_1_8_seconds_and_at_once_while_the_failure_is_remembered() {
    let mut world = run_out(Manner::Silent);
    let begun = world.now;
    assert_eq!(world.ask("www.example.test. A"), WWW);
    assert_eq!(world.now.since(begun), Duration::from_millis(1_800));
    assert!(world.why.contains("its time has run out"), "{}", world.why);
    world.assert_idle();
    let (before, begun) = (world.total(), world.now);
    assert_eq!(world.ask("www.example.test. A"), WWW);
    assert_eq!((world.total(), world.now.since(begun)), (before, Duration::ZERO));
    assert_eq!(first_ttl(&mut world, "www.example.test. A"), 30);
}

#[test]
fn a_stale_answer_is_better_than_a_failure_and_no_better_than_a_new_answer() {
    for manner in [Manner::Unreachable, Manner::Code(Rcode::SERVFAIL), Manner::Code(Rcode::REFUSED)] {
        let mut world = run_out(manner.clone());
        let begun = world.now;
        assert_eq!(world.ask("www.example.test. A"), WWW, "{manner:?}");
        assert!(world.now.since(begun) < Duration::from_millis(200), "{manner:?}");
    }
    // The denial of a name is as good as an address.
    let mut world = run_out(Manner::Unreachable);
    assert_eq!(world.ask("nothing.example.test. A"), "NXDOMAIN");
    let mut world = run_out(Manner::Right);
    assert_eq!(world.ask("www.example.test. A"), WWW);
    assert_eq!(world.why, "");
    assert_eq!(first_ttl(&mut world, "www.example.test. A"), 300);
}

#[test]
fn a_stale_answer_is_given_for_a_day_and_only_when_that_is_wanted() {
    let mut world = run_out(Manner::Unreachable);
    world.pass(Duration::from_secs(86_400));
    assert_eq!(world.ask("www.example.test. A"), "SERVFAIL");
    let mut world = small(1);
    world.stale(false);
    world.ask("www.example.test. A");
    world.manner(LEAF, Manner::Unreachable).manner(LEAF_2, Manner::Unreachable);
    world.pass(Duration::from_secs(301));
    assert_eq!(world.ask("www.example.test. A"), "SERVFAIL");
}

#[test]
fn a_chain_keeps_its_fresh_links_before_a_stale_one() {
    let mut world = small(1);
    let chain = "NOERROR alias.example.test. CNAME www.example.test.; www.example.test. A 198.51.100.1";
    assert_eq!(world.ask("alias.example.test. A"), chain);
    world.manner(LEAF, Manner::Unreachable).manner(LEAF_2, Manner::Unreachable);
    world.pass(Duration::from_secs(301));
    assert_eq!(world.ask("alias.example.test. A"), chain);
    // And once more, from what is remembered.
    assert_eq!(world.ask("alias.example.test. A"), chain);
}

#[test]
fn what_is_found_after_a_stale_answer_is_for_the_next() {
    let mut world = run_out(Manner::Slow(2_500));
    assert_eq!(world.ask("www.example.test. A"), WWW);
    assert!(world.why.contains("run out"));
    world.assert_idle();
    let before = world.total();
    assert_eq!(world.ask("www.example.test. A"), WWW);
    assert_eq!((world.total(), world.why.as_str()), (before, ""));
}

#[test]
fn a_failure_that_comes_again_is_kept_for_longer() {
    let mut world = small(1);
    world.manner(LEAF, Manner::Code(Rcode::SERVFAIL)).manner(LEAF_2, Manner::Code(Rcode::SERVFAIL));
    for kept in [5, 10, 20, 40, 60, 60] {
        assert_eq!(world.ask("www.example.test. A"), "SERVFAIL");
        let before = world.total();
        world.pass(Duration::from_millis(kept * 1_000 - 500));
        world.ask("www.example.test. A");
        assert_eq!(world.total(), before, "asked again within {kept} s");
        world.pass(Duration::from_millis(1_000));
    }
    // A success in between ends that.
    world.manner(LEAF, Manner::Right).manner(LEAF_2, Manner::Right);
    assert_eq!(world.ask("www.example.test. A"), WWW);
}

#[test]
fn what_is_in_use_is_looked_up_before_it_runs_out() {
    let mut world = small(1);
    world.ask("www.example.test. A");
    let before = world.total();
    for (age, asked) in [(200, 0), (269, 0), (271, 1), (272, 1)] {
        world.pass(Duration::from_secs(age) - world.now.since(waymark::clock::Instant::from_secs(1_000)));
        let begun = world.now;
        assert_eq!(world.ask("www.example.test. A"), WWW);
        assert_eq!(world.now, begun, "nobody waits for it");
        world.assert_idle();
        assert_eq!(world.total() - before, asked, "after {age} s");
    }
    assert!(first_ttl(&mut world, "www.example.test. A") > 290);
    // What nobody asks for is not looked up, nor what holds for seconds only.
    let mut world = small(1);
    let short = [
        "example.test. NS ns1.example.test.",
        "ns1.example.test. A 192.0.2.3",
        "www.example.test. 9 A 198.51.100.1",
    ];
    world.serve(LEAF, "example.test.", &short).serve(LEAF_2, "example.test.", &short);
    world.ask("www.example.test. A");
    world.pass(Duration::from_millis(8_500));
    let before = world.total();
    world.ask("www.example.test. A");
    world.assert_idle();
    assert_eq!(world.total(), before);
}

#[test]
fn a_stale_link_does_not_make_those_after_it_stale() {
    // Both have run out. Who has the alias is gone, who has what it leads to is well.
    let mut world = small(1);
    let far = "NOERROR away.example.test. CNAME www.other.test.; www.other.test. A 198.51.100.2";
    assert_eq!(world.ask("away.example.test. A"), far);
    world.serve(
        "192.0.2.6",
        "other.test.",
        &["other.test. NS ns.elsewhere.org.", "www.other.test. A 198.51.100.3"],
    );
    world.manner(LEAF, Manner::Unreachable).manner(LEAF_2, Manner::Unreachable);
    world.pass(Duration::from_secs(4_000));
    let near = far.replace("198.51.100.2", "198.51.100.3");
    assert_eq!(world.ask("away.example.test. A"), near);
    // Nor when it was never known.
    let mut world = small(1);
    world.ask("away.example.test. CNAME");
    world.manner(LEAF, Manner::Unreachable).manner(LEAF_2, Manner::Unreachable);
    world.pass(Duration::from_secs(4_000));
    assert_eq!(world.ask("away.example.test. A"), far);
}

#[test]
fn an_answer_that_comes_late_is_not_stale() {
    let mut world = small(1);
    world.manner(LEAF, Manner::Slow(2_200)).manner(LEAF_2, Manner::Silent);
    assert_eq!(world.ask("zero.example.test. A"), "NOERROR zero.example.test. A 198.51.100.7");
    assert_eq!(world.why, "");
    assert_eq!(world.ttl, Some(0));
}

#[test]
fn what_cannot_be_resolved_is_not_looked_up_ahead_over_and_over() {
    let mut world = small(1);
    world.ask("www.example.test. A");
    world.manner(LEAF, Manner::Unreachable).manner(LEAF_2, Manner::Unreachable);
    world.pass(Duration::from_secs(271));
    let before = world.total();
    for _ in 0..50 {
        assert_eq!(world.ask("www.example.test. A"), WWW);
        world.assert_idle();
        world.pass(Duration::from_millis(100));
    }
    assert!(world.total() - before <= 4, "{}", world.total() - before);
}
