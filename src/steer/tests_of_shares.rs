//! A million answers in every mode, given by several workers, fall to members and pools as their weights say.

use super::tests::{down, pool, steering, text};
use super::*;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

const ANSWERS: u32 = 1_000_000;
const WORKERS: u32 = 4;

/// Weights that are much alike, far apart, and prime to each other.
const WEIGHTS: [&[u32]; 3] = [&[1, 1, 1, 1, 1], &[900, 90, 9, 1], &[7, 5, 3]];

/// The `n`th client: each is in a /24 of its own.
fn client(n: u32) -> Client {
    Client::at(Ipv4Addr::from_bits(n.wrapping_mul(0x9e37_79b1) << 8 | n >> 24).into())
}

/// The /20 of the `n`th client.
fn network(n: u32) -> u32 {
    (n.wrapping_mul(0x9e37_79b1) << 8 | n >> 24) >> 12
}

/// How many of the answers to a million clients were each. The answer is the first address.
fn count(steering: &Steering) -> BTreeMap<String, u32> {
    let share = |worker: u32| {
        let mut counts = BTreeMap::<String, u32>::new();
        for n in (worker..ANSWERS).step_by(WORKERS as usize) {
            let draw = Draw { seed: u64::from(n), now: 7, cursor: Cursor::Take };
            let choice = steering.policy.choose(SteerId(0), Family::V4, &client(n), &steering.health, draw);
            *counts.entry(text(steering, &choice)).or_default() += 1;
        }
        counts
    };
    let mut counts = BTreeMap::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|worker| scope.spawn(move || share(worker))).collect();
        for (answer, more) in workers.into_iter().flat_map(|worker| worker.join().unwrap()) {
            *counts.entry(answer).or_default() += more;
        }
    });
    counts
}

/// Pearson's statistic against the weights, and the value it passes once in a thousand times.
fn chi_square(counts: &BTreeMap<String, u32>, weights: &[u32]) -> (f64, f64) {
    let total: u32 = weights.iter().sum();
    let term = |(i, weight): (usize, &u32)| {
        let expected = f64::from(ANSWERS) * f64::from(*weight) / f64::from(total);
        let found = counts.get(&format!("192.0.2.{i}")).copied().unwrap_or(0);
        (f64::from(found) - expected).powi(2) / expected
    };
    let critical = [10.83, 13.82, 16.27, 18.47][weights.len() - 2];
    (weights.iter().enumerate().map(term).sum(), critical)
}

fn members(weights: &[u32]) -> String {
    let member = |(i, weight): (usize, &u32)| format!("{{ address = \"192.0.2.{i}\", weight = {weight} }}");
    format!("members = [{}]", weights.iter().enumerate().map(member).collect::<Vec<_>>().join(", "))
}

/// Pools of one member each, used by weight.
fn uses(weights: &[u32], sticky: &str) -> Steering {
    let pools: String =
        (0..weights.len()).map(|i| format!("[pool.p{i}]\nmembers = [\"192.0.2.{i}\"]\n")).collect();
    let used =
        weights.iter().enumerate().map(|(i, weight)| format!("{{ pool = \"p{i}\", weight = {weight} }}"));
    let used = used.collect::<Vec<_>>().join(", ");
    steering(
        "a = { route = \"r\" }",
        &format!("{pools}[route.r]\nrule = [{{ use = [{used}]{sticky} }}]"),
        None,
    )
}

#[test]
fn members_have_their_shares_in_every_mode() {
    for weights in WEIGHTS {
        for pick in ["round-robin", "random", "hash"] {
            let steering = pool(&format!("pick = \"{pick}\"\n{}", members(weights)));
            let counts = count(&steering);
            let (found, critical) = chi_square(&counts, weights);
            assert!(found < critical, "{pick} {weights:?}: {found} of {critical}, {counts:?}");
            // By turns they are exact but for the last cycle.
            let total: u32 = weights.iter().sum();
            let exact = |(i, weight): (usize, &u32)| {
                counts[&format!("192.0.2.{i}")].abs_diff(ANSWERS / total * weight) <= *weight
            };
            assert!(pick != "round-robin" || weights.iter().enumerate().all(exact), "{counts:?}");
        }
    }
}

#[test]
fn pools_used_by_weight_have_their_shares_of_clients() {
    // Clients of one /20 go together. Those that follow each other here are far apart, but of a million some meet: the variance is that of as
    // many draws as there are /20s, of the sizes that they have.
    let mut sizes = BTreeMap::<u32, f64>::new();
    (0..ANSWERS).for_each(|n| *sizes.entry(network(n)).or_default() += 1.0);
    let in_one_20 = sizes.values().map(|size| size * size).sum::<f64>() / f64::from(ANSWERS);
    assert!((1.0..2.0).contains(&in_one_20), "{in_one_20}");
    for weights in WEIGHTS {
        for sticky in ["", ", sticky = \"client/24\"", ", sticky = \"client/20\""] {
            let counts = count(&uses(weights, sticky));
            let (found, critical) = chi_square(&counts, weights);
            let together = if sticky.contains("20") { in_one_20 } else { 1.0 };
            assert!(found / together < critical, "{sticky} {weights:?}: {found} of {critical}, {counts:?}");
        }
    }
}

#[test]
fn who_is_lost_is_replaced_by_the_others_in_their_shares() {
    let weights = [3, 2, 4, 1];
    let steering = pool(&format!("pick = \"hash\"\n{}", members(&weights)));
    let answer = |n: u32| {
        let draw = Draw { seed: 0, now: 7, cursor: Cursor::Peek };
        text(&steering, &steering.policy.choose(SteerId(0), Family::V4, &client(n), &steering.health, draw))
    };
    let before: Vec<String> = (0..ANSWERS).map(answer).collect();
    down(&steering, "192.0.2.3");
    let after: Vec<String> = (0..ANSWERS).map(answer).collect();
    let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    let lost = before.iter().filter(|member| *member == "192.0.2.3").count();
    assert_eq!(moved, lost, "nobody else moves");
    let mut counts = BTreeMap::new();
    after.into_iter().for_each(|member| *counts.entry(member).or_default() += 1);
    let (found, critical) = chi_square(&counts, &weights[..3]);
    assert!(found < critical, "{found} of {critical}, {counts:?}");
}

/// Whom each of a hundred thousand clients is given.
fn givens(steering: &Steering) -> Vec<String> {
    let answer = |n: u32| {
        let draw = Draw { seed: 0, now: 7, cursor: Cursor::Peek };
        text(steering, &steering.policy.choose(SteerId(0), Family::V4, &client(n), &steering.health, draw))
    };
    (0..ANSWERS / 10).map(answer).collect()
}

/// The share of clients that are given something else.
fn moved(before: &[String], after: &[String]) -> f64 {
    let moved = before.iter().zip(after).filter(|(before, after)| before != after).count();
    moved as f64 / before.len() as f64
}

#[test]
fn an_edit_of_pools_used_by_weight_moves_only_whom_it_must() {
    let sticky = ", sticky = \"client/24\"";
    let before = givens(&uses(&[50, 50, 50], sticky));
    // A fourth takes its quarter, and nobody changes between those of before.
    let after = givens(&uses(&[50, 50, 50, 50], sticky));
    let taken = after.iter().filter(|given| *given == "192.0.2.3").count() as f64 / after.len() as f64;
    assert!((moved(&before, &after) - taken).abs() < 1e-9 && (taken - 0.25).abs() < 0.01, "{taken}");
    // Weighed a little more, it takes as much more.
    let after = givens(&uses(&[50, 50, 51], sticky));
    let (share, more) = (moved(&before, &after), 51.0 / 151.0 - 1.0 / 3.0);
    assert!((share - more).abs() < 0.001, "{share} for {more}");
    let mut changed = before.iter().zip(&after).filter(|(before, after)| before != after);
    assert!(changed.all(|(_, after)| after == "192.0.2.2"), "to nobody else");
    // A rule before it does not matter.
    let pools = (0..3).map(|i| format!("[pool.p{i}]\nmembers = [\"192.0.2.{i}\"]\n")).collect::<String>();
    let used = [0, 1, 2].map(|i| format!("{{ pool = \"p{i}\", weight = 50 }}")).join(", ");
    let rules = format!(
        "{pools}[route.r]\nrule = [{{ cidr = \"2001:db8::/32\", use = \"p0\" }}, {{ use = [{used}]{sticky} }}]"
    );
    assert_eq!(moved(&before, &givens(&steering("a = { route = \"r\" }", &rules, None))), 0.0);
    // Nor does the order in which they are written.
    let turned =
        rules.replace(&used, &[2, 0, 1].map(|i| format!("{{ pool = \"p{i}\", weight = 50 }}")).join(", "));
    assert_eq!(moved(&before, &givens(&steering("a = { route = \"r\" }", &turned, None))), 0.0);
}

#[test]
fn clients_of_a_pool_that_is_lost_fall_to_the_others_by_their_weights() {
    let steering = uses(&[4, 3, 2, 1], ", sticky = \"client/24\"");
    let before = givens(&steering);
    down(&steering, "192.0.2.0");
    let after = givens(&steering);
    let lost = before.iter().filter(|given| *given == "192.0.2.0").count() as f64 / before.len() as f64;
    assert!((moved(&before, &after) - lost).abs() < 1e-9, "nobody else moves");
    for (pool, share) in [("192.0.2.1", 0.5), ("192.0.2.2", 1.0 / 3.0), ("192.0.2.3", 1.0 / 6.0)] {
        let fell =
            before.iter().zip(&after).filter(|(before, after)| *before == "192.0.2.0" && *after == pool);
        let fell = fell.count() as f64 / before.len() as f64 / lost;
        assert!((fell - share).abs() < 0.01, "{pool} has {fell} of them, and should have {share}");
    }
}

#[test]
fn sets_of_several_and_those_that_shed_load_have_their_shares() {
    // Of three in turn two are taken: each is left out by who has the next turns.
    for pick in ["round-robin", "random", "hash"] {
        let steering = pool(&format!("pick = \"{pick}\"\nanswer = 2\n{}", members(&[1, 1, 1])));
        let counts = count(&steering);
        let mut each = BTreeMap::<String, u32>::new();
        for (set, n) in &counts {
            set.split(' ').for_each(|member| *each.entry(member.to_owned()).or_default() += n);
        }
        // Two of three each; the variance of one is 2/9, and three of them sum to a constant.
        let expected = f64::from(ANSWERS) * 2.0 / 3.0;
        let statistic: f64 = each.values().map(|n| (f64::from(*n) - expected).powi(2)).sum::<f64>()
            / (f64::from(ANSWERS) / 3.0);
        assert!(each.len() == 3 && statistic < 13.82, "{pick}: {statistic}, {each:?}");
        // Each of them stands first as often as the others.
        let mut first = BTreeMap::<String, u32>::new();
        for (set, n) in &counts {
            *first.entry(set.split(' ').next().unwrap().to_owned()).or_default() += n;
        }
        let (found, critical) = chi_square(&first, &[1, 1, 1]);
        assert!(found < critical, "{pick}: {found} of {critical}, {first:?}");
    }
    for pick in ["round-robin", "random", "hash"] {
        let steering = pool(&format!("pick = \"{pick}\"\n{}", members(&[4, 2, 1])));
        let half = crate::health::Standing { share: 8, ..crate::health::Standing::UNCHECKED };
        steering.health.set(crate::health::MemberId(0), half);
        let (found, critical) = chi_square(&count(&steering), &[2, 2, 1]);
        assert!(found < critical, "{pick}: {found} of {critical}");
    }
}
