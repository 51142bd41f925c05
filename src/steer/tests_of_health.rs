//! Choices by how members stand: drained, shedding, about to change.

use super::tests::{ask, choose, pool, steering, text};
use super::*;
use crate::health::{Standing, State};
use std::collections::BTreeMap;

fn stands(steering: &Steering, id: &str, standing: Standing) {
    let members = steering.policy.members_named(id);
    assert!(!members.is_empty(), "{id}");
    members.into_iter().for_each(|member| steering.health.set(member, standing));
}

const DRAINED: Standing = Standing { drained: true, ..Standing::UNCHECKED };
const DOWN: Standing = Standing { state: State::Down, ..Standing::UNCHECKED };
const UNKNOWN: Standing = Standing { state: State::Unknown, hold: 0, ..Standing::UNCHECKED };

fn shares(steering: &Steering, answers: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..answers {
        *shares.entry(ask(steering, "192.0.2.1")).or_default() += 1;
    }
    shares
}

const TWO_POOLS: &str = "[route.r]\nfallback = [\"p\", \"q\"]\n[pool.p]\nmin_healthy = 0.5\n\
    members = [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\", \"192.0.2.4\"]\nanswer = 1\n\
    [pool.q]\nmembers = [\"192.0.2.9\"]\n";

fn two_pools(ttl: &str) -> Steering {
    steering(&format!("a = {{ route = \"r\"{ttl} }}"), TWO_POOLS, None)
}

#[test]
fn what_is_drained_is_missed_on_neither_side_of_min_healthy() {
    for (drained, down, wanted) in [
        (&[1][..], &[2][..], "192.0.2.3 192.0.2.4"),
        // Two of four are up; of three that are not drained it would be one.
        (&[], &[1, 2], "192.0.2.3 192.0.2.4"),
        (&[1], &[2, 3], "192.0.2.9"),
        (&[1, 2, 3], &[], "192.0.2.4"),
        (&[1, 2, 3, 4], &[], "192.0.2.9"),
    ] {
        let steering = two_pools("");
        drained.iter().for_each(|i| stands(&steering, &format!("192.0.2.{i}"), DRAINED));
        down.iter().for_each(|i| stands(&steering, &format!("192.0.2.{i}"), DOWN));
        let got: Vec<String> = shares(&steering, 8).into_keys().collect();
        assert_eq!(got.join(" "), wanted, "drained {drained:?} down {down:?}");
    }
}

#[test]
fn what_is_drained_serves_when_there_is_nothing_else_at_all() {
    let steering = pool("members = [\"192.0.2.1\", \"192.0.2.2\"]\nanswer = 1");
    stands(&steering, "192.0.2.1", DRAINED);
    stands(&steering, "192.0.2.2", DOWN);
    assert_eq!(ask(&steering, "192.0.2.1"), "192.0.2.2", "all are down: those not drained first");
    stands(&steering, "192.0.2.2", DRAINED);
    assert_eq!(shares(&steering, 4).len(), 2);
    let steering = two_pools("");
    (1..=4).for_each(|i| stands(&steering, &format!("192.0.2.{i}"), DRAINED));
    stands(&steering, "192.0.2.9", DOWN);
    assert_eq!(ask(&steering, "192.0.2.1"), "192.0.2.9");
}

#[test]
fn the_unknown_count_as_up() {
    let steering = two_pools("");
    (1..=4).for_each(|i| stands(&steering, &format!("192.0.2.{i}"), UNKNOWN));
    assert_eq!(shares(&steering, 8).len(), 4);
}

#[test]
fn who_sheds_load_has_exactly_the_weight_that_is_left() {
    let share = |share| Standing { share, ..Standing::UNCHECKED };
    for pick in ["round-robin", "random"] {
        let members =
            "members = [{ address = \"192.0.2.1\", weight = 3 }, { address = \"192.0.2.2\", weight = 1 }]";
        let steering = pool(&format!("{members}\npick = \"{pick}\""));
        stands(&steering, "192.0.2.1", share(4));
        let exact = pick == "round-robin";
        if exact {
            // 3 x 4/16 and 1 x 16/16: a cycle of 28 turns.
            let wanted = [("192.0.2.1".to_owned(), 12), ("192.0.2.2".to_owned(), 16)];
            assert_eq!(shares(&steering, 28), BTreeMap::from(wanted));
        }
        stands(&steering, "192.0.2.1", share(0));
        assert_eq!(shares(&steering, 20).len(), 1, "{pick}: all of it is shed");
        stands(&steering, "192.0.2.2", DOWN);
        assert_eq!(ask(&steering, "192.0.2.1"), "192.0.2.1", "{pick}: it serves when nobody else does");
    }
}

#[test]
fn only_the_clients_that_are_shed_move() {
    let members = "members = [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\"]\npick = \"hash\"";
    let steering = pool(members);
    let all = || -> Vec<String> {
        (0..20_000u32).map(|i| ask(&steering, &format!("10.{}.{}.1", i >> 8, i & 255))).collect()
    };
    let before = all();
    stands(&steering, "192.0.2.1", Standing { share: 8, ..Standing::UNCHECKED });
    let shed = all();
    let moved = before.iter().zip(&shed).filter(|(before, shed)| before != shed);
    assert!(moved.clone().all(|(before, _)| before == "192.0.2.1"), "others stay where they are");
    // A third had it; half of the weight is left, so a fifth has it now.
    let share = moved.count() as f64 / before.len() as f64;
    assert!((share - (1.0 / 3.0 - 1.0 / 5.0)).abs() < 0.01, "{share}");
    stands(&steering, "192.0.2.1", DOWN);
    let lost = all();
    let moved = before.iter().zip(&lost).filter(|(before, lost)| before != lost).count() as f64;
    assert!(moved / before.len() as f64 <= 1.0 / 3.0 + 0.01, "no more than the share of the one lost");
}

#[test]
fn the_ttl_is_how_long_the_state_will_hold() {
    let hold = |state, hold| Standing { state, hold, ..Standing::UNCHECKED };
    let ttl = |steering: &Steering| choose(steering, Family::V4, "192.0.2.1", 0).ttl;
    for (written, first, wanted) in [
        ("", Standing::UNCHECKED, 60),
        ("", hold(State::Up, 30), 30),
        ("", hold(State::Up, 300), 60),
        ("", hold(State::Up, 3), 10),
        ("", hold(State::Up, 0), 10),
        (", ttl = \"5s..20s\"", hold(State::Up, 3), 5),
        (", ttl = \"5s..20s\"", hold(State::Up, 30), 20),
        (", ttl = \"1d\"", Standing::UNCHECKED, 86_400),
    ] {
        let steering = two_pools(written);
        (1..=4).for_each(|i| stands(&steering, &format!("192.0.2.{i}"), first));
        assert_eq!(ttl(&steering), wanted, "{written} {first:?}");
    }
    let steering = two_pools("");
    (1..=4).for_each(|i| stands(&steering, &format!("192.0.2.{i}"), hold(State::Down, 20)));
    let choice = choose(&steering, Family::V4, "192.0.2.1", 0);
    assert_eq!(
        (text(&steering, &choice).as_str(), choice.ttl),
        ("192.0.2.9", 20),
        "the first pool may be back"
    );
    stands(&steering, "192.0.2.9", hold(State::Up, 15));
    assert_eq!(ttl(&steering), 15);
    let other = pool("members = [\"192.0.2.1\", \"2001:db8::1\"]");
    stands(&other, "192.0.2.1", hold(State::Up, 12));
    assert_eq!(ttl(&other), 12);
    assert_eq!(
        choose(&other, Family::V6, "192.0.2.1", 0).ttl,
        60,
        "of the other family's members nothing follows"
    );
}
