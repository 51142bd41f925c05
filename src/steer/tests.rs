use super::*;
use crate::config::{Config, Diagnostics, ZoneFile};
use crate::health::{Standing, State};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

const DOWN: Standing = Standing { state: State::Down, ..Standing::UNCHECKED };

/// A policy and its members from pools and routes as TOML; the steered names are a, b, c ... of `names`.
pub(super) fn steering(names: &str, rest: &str, geo: Option<&Arc<Geo>>) -> Steering {
    let text = format!("[records]\n{names}\n{rest}");
    let mut diagnostics = Diagnostics::default();
    let config = Config::parse("", Path::new("waymark.toml"), &mut diagnostics);
    let file = ZoneFile::parse(&text, Path::new("example.toml"), &config, &mut diagnostics);
    let (policy, ids) = Policy::compile(&file, geo, &Shared::default(), &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
    assert!(ids.iter().enumerate().all(|(i, id)| *id == Some(SteerId(i as u32))));
    Steering::new(policy)
}

pub(super) fn pool(members: &str) -> Steering {
    steering("a = { pool = \"p\" }", &format!("[pool.p]\n{members}"), None)
}

pub(super) fn client(text: &str) -> Client {
    let (address, bits) = text.split_once('/').unwrap_or((text, "128"));
    let address: IpAddr = address.parse().unwrap();
    let bits: u8 = bits.parse().unwrap();
    Client::new(address, bits)
}

pub(super) fn choose<'s>(steering: &'s Steering, family: Family, from: &str, seed: u64) -> Choice<'s> {
    let draw = Draw { seed, now: 0, cursor: Cursor::Take };
    steering.policy.choose(SteerId(0), family, &client(from), &steering.health, draw)
}

/// The answer as text: addresses in order, or what else it is.
pub(super) fn text(steering: &Steering, choice: &Choice<'_>) -> String {
    match choice.answer {
        Answer::Addresses { picked, count } => {
            let addresses = picked[..count as usize].iter().map(|&m| steering.policy.address(m).to_string());
            addresses.collect::<Vec<_>>().join(" ")
        }
        Answer::Cname(name) => format!("CNAME {name}"),
        Answer::NoData => "NODATA".into(),
        Answer::ServFail => "SERVFAIL".into(),
    }
}

pub(super) fn ask(steering: &Steering, from: &str) -> String {
    text(steering, &choose(steering, Family::V4, from, 0))
}

pub(super) fn down(steering: &Steering, id: &str) {
    let members = steering.policy.members_named(id);
    assert!(!members.is_empty());
    members.into_iter().for_each(|member| steering.health.set(member, DOWN));
}

fn weighted(weights: &[u32]) -> Steering {
    let members =
        weights.iter().enumerate().map(|(i, w)| format!("{{ address = \"192.0.2.{i}\", weight = {w} }}"));
    pool(&format!("members = [{}]", members.collect::<Vec<_>>().join(", ")))
}

#[test]
fn shares_are_exact_over_every_cycle_and_spread_evenly() {
    let steering = weighted(&[7, 2, 1]);
    let turns: Vec<String> = (0..40).map(|_| ask(&steering, "192.0.2.1")).collect();
    for run in turns.windows(10) {
        let count = |member: &str| run.iter().filter(|turn| *turn == member).count();
        assert_eq!((count("192.0.2.0"), count("192.0.2.1"), count("192.0.2.2")), (7, 2, 1), "{run:?}");
    }
    // No member with a share of 7 in 10 waits more than two turns.
    assert!(turns.windows(3).all(|run| run.iter().any(|turn| turn == "192.0.2.0")), "{turns:?}");
}

#[test]
fn shares_are_exact_with_several_workers() {
    let steering = weighted(&[90, 7, 3]);
    let counts = std::sync::Mutex::new(BTreeMap::<String, usize>::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let turns: Vec<String> = (0..2_500).map(|_| ask(&steering, "192.0.2.1")).collect();
                let mut counts = counts.lock().unwrap();
                turns.into_iter().for_each(|turn| *counts.entry(turn).or_default() += 1);
            });
        }
    });
    let counts: Vec<usize> = counts.into_inner().unwrap().into_values().collect();
    assert_eq!(counts, [9_000, 700, 300]);
}

proptest! {
    #[test]
    fn every_run_of_a_cycle_holds_each_member_by_its_weight(
        weights in prop::collection::vec(0u32..12, 1..9),
        gone in prop::collection::vec(any::<bool>(), 9),
        start in 0usize..1_000,
    ) {
        let steering = weighted(&weights);
        let mut alive = weights.clone();
        for (i, _) in gone.iter().enumerate().filter(|(i, gone)| **gone && *i < weights.len()) {
            down(&steering, &format!("192.0.2.{i}"));
            alive[i] = 0;
        }
        let total: u32 = alive.iter().sum();
        prop_assume!(total > 0);
        (0..start).for_each(|_| { ask(&steering, "192.0.2.1"); });
        let mut counts = vec![0; weights.len()];
        for _ in 0..total {
            let turn = ask(&steering, "192.0.2.1");
            let member: usize = turn.rsplit('.').next().unwrap().parse().unwrap();
            counts[member] += 1;
        }
        prop_assert_eq!(counts, alive);
    }

    #[test]
    fn several_are_the_next_distinct_holders_of_turns(
        weights in prop::collection::vec(prop_oneof![1u32..6, 20u32..60], 2..12),
        answer in 2usize..=8,
        start in 0usize..200,
    ) {
        let members = weights.iter().enumerate().map(|(i, w)| format!("{{ address = \"192.0.2.{i}\", weight = {w} }}"));
        let members = members.collect::<Vec<_>>().join(", ");
        let (one, several) =
            (pool(&format!("members = [{members}]")), pool(&format!("members = [{members}]\nanswer = {answer}")));
        let total: u32 = weights.iter().sum();
        let cycle: Vec<String> = (0..total).map(|_| ask(&one, "192.0.2.1")).collect();
        (0..start).for_each(|_| { ask(&several, "192.0.2.1"); });
        for turn in start..start + 8 {
            let mut expected: Vec<&str> = Vec::new();
            for next in cycle.iter().cycle().skip(turn % cycle.len()).take(cycle.len()) {
                if expected.len() < answer && !expected.contains(&next.as_str()) {
                    expected.push(next);
                }
            }
            let reply = ask(&several, "192.0.2.1");
            let mut got: Vec<&str> = reply.split(' ').collect();
            got.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(got, expected, "turn {}", turn);
        }
    }

    #[test]
    fn the_scope_is_a_prefix_whose_every_address_is_answered_alike(
        prefixes in prop::collection::vec((0u32..1 << 12, 1u8..=12), 1..10),
        from in 0u32..1 << 12,
        other in 0u32..1 << 12,
    ) {
        // Prefixes and clients of 12 bits below 10.0.0.0/20.
        let address = |n: u32| std::net::Ipv4Addr::from_bits(0x0a00_0000 | n);
        let rules: String = prefixes.iter().enumerate().map(|(i, (n, bits))| {
            let prefix = ipnet::IpNet::new(address(*n).into(), 20 + bits).unwrap().trunc();
            format!("[[route.r.rule]]\ncidr = [\"{prefix}\"]\nuse = [\"p{}\"]\n", i % 3)
        }).collect();
        let pools = "[pool.p0]\nmembers = [\"192.0.2.1\"]\n[pool.p1]\nmembers = [\"192.0.2.2\"]\n[pool.p2]\nmembers = [\"192.0.2.3\"]\n";
        let steering = steering("a = { route = \"r\" }", &format!("{pools}[route.r]\nfallback = [\"p0\"]\n{rules}"), None);
        let choice = choose(&steering, Family::V4, &address(from).to_string(), 0);
        let scope = u32::from(choice.scope);
        if scope == 0 || from >> (12 - scope.saturating_sub(20).min(12)) == other >> (12 - scope.saturating_sub(20).min(12)) {
            let theirs = choose(&steering, Family::V4, &address(other).to_string(), 0);
            prop_assert_eq!(choice.answer, theirs.answer);
            prop_assert_eq!(choice.scope, theirs.scope);
        }
    }
}

#[test]
fn without_weights_all_answer_in_turn() {
    let steering = pool("members = [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\", \"2001:db8::1\"]");
    let turns: Vec<String> = (0..3).map(|_| ask(&steering, "::1")).collect();
    assert_eq!(
        turns,
        ["192.0.2.1 192.0.2.2 192.0.2.3", "192.0.2.2 192.0.2.3 192.0.2.1", "192.0.2.3 192.0.2.1 192.0.2.2"]
    );
    assert_eq!(text(&steering, &choose(&steering, Family::V6, "::1", 0)), "2001:db8::1");
    down(&steering, "192.0.2.2");
    assert_eq!(ask(&steering, "::1").split(' ').count(), 2);
    let steering = pool("members = [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\"]\nanswer = 2");
    let mut counts = BTreeMap::new();
    for _ in 0..3 {
        let turn = ask(&steering, "::1");
        assert_eq!(turn.split(' ').count(), 2);
        turn.split(' ').for_each(|member| *counts.entry(member.to_owned()).or_insert(0) += 1);
    }
    assert!(counts.values().all(|&count| count == 2), "{counts:?}");
}

#[test]
fn weights_choose_who_is_taken_and_not_the_order() {
    let steering = pool(
        "members = [{ address = \"192.0.2.1\", weight = 2 }, { address = \"192.0.2.2\", weight = 1 }, { address = \"192.0.2.3\", weight = 1 }]\nanswer = 2",
    );
    let (mut taken, mut first) = (BTreeMap::new(), BTreeMap::new());
    for _ in 0..400 {
        let reply = ask(&steering, "::1");
        let members: Vec<&str> = reply.split(' ').collect();
        *first.entry(members[0].to_owned()).or_insert(0) += 1;
        members.iter().for_each(|member| *taken.entry(member.to_string()).or_insert(0) += 1);
    }
    assert_eq!(taken.into_values().collect::<Vec<_>>(), [400, 200, 200]);
    assert_eq!(first.into_values().collect::<Vec<_>>(), [200, 100, 100]);
}

#[test]
fn a_scope_is_no_longer_than_the_decision_needs() {
    let pools = "[pool.p]\nmembers = [\"192.0.2.1\"]\n[pool.h]\npick = \"hash\"\nmembers = [\"192.0.2.2\", \"192.0.2.3\"]\n";
    let check = |route: &str, from: &str, scope: u8| {
        let steering = steering("a = { route = \"r\" }", &format!("{pools}[route.r]\n{route}"), None);
        assert_eq!(choose(&steering, Family::V4, from, 0).scope, scope, "{route} for {from}");
    };
    // A later rule within the prefix of an earlier one never decides.
    let nested = "fallback = [\"h\"]\n[[route.r.rule]]\ncidr = [\"10.0.0.0/8\"]\nuse = [\"p\"]\n[[route.r.rule]]\ncidr = [\"10.1.0.0/16\"]\nuse = [\"h\"]\n";
    check(nested, "10.1.2.3", 8);
    check(nested, "10.2.3.4", 8);
    // The other way round it does.
    let within = "fallback = [\"p\"]\n[[route.r.rule]]\ncidr = [\"10.1.0.0/16\"]\nuse = [\"h\"]\n[[route.r.rule]]\ncidr = [\"10.0.0.0/8\"]\nuse = [\"p\"]\n";
    check(within, "10.1.2.3", 24);
    check(within, "10.2.3.4", 15);
    // A pool that hashes matters only when it is drawn from.
    check("fallback = [\"p\", \"h\"]\n", "10.1.2.3", 0);
    check("fallback = [\"h\", \"p\"]\n", "10.1.2.3", 24);
}

#[test]
fn a_use_of_weight_zero_comes_after_the_fallback() {
    let text = "[pool.z]\nmembers = [\"192.0.2.1\"]\n[pool.o]\nmembers = [\"192.0.2.2\"]\n[pool.f]\nmembers = [\"192.0.2.3\"]\n[route.r]\nfallback = [\"f\"]\n[[route.r.rule]]\nuse = [{ pool = \"z\", weight = 0 }, { pool = \"o\", weight = 1 }]\n";
    let steering = steering("a = { route = \"r\" }", text, None);
    for (gone, expected) in [("", "192.0.2.2"), ("192.0.2.2", "192.0.2.3"), ("192.0.2.3", "192.0.2.1")] {
        if !gone.is_empty() {
            down(&steering, gone);
        }
        assert_eq!(ask(&steering, "::1"), expected);
    }
}

#[test]
fn a_share_that_is_just_reached_is_reached() {
    let steering = pool(
        "min_healthy = 0.55\nmembers = [{ address = \"192.0.2.1\", weight = 55 }, { address = \"192.0.2.2\", weight = 45 }]",
    );
    down(&steering, "192.0.2.2");
    assert_eq!(ask(&steering, "::1"), "192.0.2.1");
    assert!((0..5).all(|_| ask(&steering, "::1") == "192.0.2.1"), "it is not down, where both would answer");
}

#[test]
fn peeking_moves_no_cursor() {
    let steering = weighted(&[1, 1]);
    let peek = || {
        let draw = Draw { seed: 0, now: 0, cursor: Cursor::Peek };
        let choice = steering.policy.choose(SteerId(0), Family::V4, &client("::1"), &steering.health, draw);
        text(&steering, &choice)
    };
    assert_eq!((peek(), peek()), (peek(), peek()));
    assert_eq!(peek(), ask(&steering, "::1"));
    assert_ne!(peek(), ask(&steering, "::1").clone() + "x");
}

#[test]
fn hashing_moves_only_the_clients_of_a_member_that_goes_away() {
    let steering = pool(
        "pick = \"hash\"\nmembers = [{ address = \"192.0.2.1\", weight = 3 }, { address = \"192.0.2.2\", weight = 1 }, \"192.0.2.3\"]",
    );
    let clients: Vec<String> = (0..2_000).map(|n| format!("10.{}.{}.1", n / 256, n % 256)).collect();
    let before: Vec<String> = clients.iter().map(|from| ask(&steering, from)).collect();
    let share = before.iter().filter(|member| *member == "192.0.2.1").count();
    assert!((1_100..1_300).contains(&share), "{share} of 2000 for 3 of 5");
    assert_eq!(ask(&steering, "10.0.0.1"), ask(&steering, "10.0.0.200"), "one /24, one member");
    assert_eq!(choose(&steering, Family::V4, "10.0.0.1", 0).scope, 24);
    down(&steering, "192.0.2.2");
    for (from, was) in clients.iter().zip(&before) {
        let is = ask(&steering, from);
        assert!(is != "192.0.2.2" && (was == "192.0.2.2" || is == *was), "{from}: {was} -> {is}");
    }
}

#[test]
fn random_picks_follow_the_weights() {
    let steering = pool(
        "pick = \"random\"\nmembers = [{ address = \"192.0.2.1\", weight = 3 }, { address = \"192.0.2.2\", weight = 1 }]",
    );
    let first = (0..4_000)
        .filter(|seed| text(&steering, &choose(&steering, Family::V4, "::1", *seed)) == "192.0.2.1")
        .count();
    assert!((2_900..3_100).contains(&first), "{first} of 4000 for 3 of 4");
}

const CHAIN: &str = "
[pool.one]
members = [{ address = \"192.0.2.1\", weight = 2, id = \"m1\" }, { address = \"192.0.2.2\", weight = 2, id = \"m2\" }]
min_healthy = 0.5
[pool.two]
members = [{ address = \"192.0.2.3\", weight = 1, id = \"m3\" }, { address = \"192.0.2.4\", weight = 0, id = \"spare\" }]
[route.r]
fallback = [\"one\", \"two\"]
";

#[test]
fn pools_are_tried_in_order_and_weight_zero_comes_last() {
    let check = |rest: &str, gone: &[&str], expected: &str| {
        let steering = steering("a = { route = \"r\" }", &format!("{CHAIN}{rest}"), None);
        gone.iter().for_each(|id| down(&steering, id));
        let got = ask(&steering, "::1");
        assert!(expected.split('|').any(|one| one == got), "{rest} {gone:?}: {got}");
    };
    check("", &[], "192.0.2.1|192.0.2.2");
    check("", &["m1"], "192.0.2.2");
    check("", &["m1", "m2"], "192.0.2.3");
    check("", &["m1", "m2", "m3"], "192.0.2.4");
    check("", &["m1", "m2", "m3", "spare"], "192.0.2.1|192.0.2.2");
    check("on_all_down = \"none\"", &["m1", "m2", "m3", "spare"], "NODATA");
    check("on_all_down = \"servfail\"", &["m1", "m2", "m3", "spare"], "SERVFAIL");
    let last = "[pool.last]\ncname = \"sorry.example.net.\"\n";
    let text = CHAIN.replace("\"two\"]", "\"two\", \"last\"]");
    let with_last = steering("a = { route = \"r\" }", &format!("{last}{text}"), None);
    ["m1", "m2", "m3"].iter().for_each(|id| down(&with_last, id));
    assert_eq!(ask(&with_last, "::1"), "CNAME sorry.example.net.");
    assert!(with_last.policy.may_alias(SteerId(0)));
}

#[test]
fn a_pool_below_its_share_counts_as_down() {
    let one = "[pool.one]\nmin_healthy = 0.6\nmembers = [\"192.0.2.1\", \"192.0.2.2\"]\n[pool.two]\nmembers = [\"192.0.2.3\"]\n[route.r]\nfallback = [\"one\", \"two\"]";
    let steering = steering("a = { route = \"r\" }", one, None);
    down(&steering, "192.0.2.1");
    assert_eq!(ask(&steering, "::1"), "192.0.2.3");
}

#[test]
fn a_pool_without_a_family_has_no_data_in_it() {
    let text_of = "[pool.one]\nmembers = [\"192.0.2.1\"]\n[pool.two]\nmembers = [\"192.0.2.2\", \"2001:db8::2\"]\n[route.r]\nfallback = [\"one\", \"two\"]";
    let steering = steering("a = { route = \"r\" }", text_of, None);
    assert_eq!(text(&steering, &choose(&steering, Family::V6, "::1", 0)), "NODATA");
    down(&steering, "192.0.2.1");
    assert_eq!(text(&steering, &choose(&steering, Family::V6, "::1", 0)), "2001:db8::2");
}

#[test]
fn weighted_use_is_shared_by_families_and_sticks() {
    let text_of = "[pool.one]\nmembers = [\"192.0.2.1\", \"2001:db8::1\"]\n[pool.two]\nmembers = [\"192.0.2.2\", \"2001:db8::2\"]
[route.r]\n[[route.r.rule]]\nuse = [{ pool = \"one\", weight = 75 }, { pool = \"two\", weight = 25 }]\nsticky = \"client/24\"";
    let steering = steering("a = { route = \"r\" }", text_of, None);
    let mut first = 0;
    for n in 0..2_000 {
        let from = format!("10.{}.{}.1", n / 256, n % 256);
        let (v4, v6) = (ask(&steering, &from), text(&steering, &choose(&steering, Family::V6, &from, 9)));
        assert_eq!(v4 == "192.0.2.1", v6 == "2001:db8::1", "{from}");
        assert_eq!(v4, ask(&steering, &format!("{}77", &from[..from.len() - 1])), "{from}");
        first += usize::from(v4 == "192.0.2.1");
    }
    assert!((1_420..1_580).contains(&first), "{first} of 2000 for 75 of 100");
    assert_eq!(choose(&steering, Family::V4, "10.0.0.1", 0).scope, 24);
}

#[test]
fn rules_are_tried_in_order_and_scopes_are_the_widest_that_hold() {
    let text_of = "[pool.one]\nmembers = [\"192.0.2.1\"]\n[pool.two]\nmembers = [\"192.0.2.2\"]\n[pool.three]\nmembers = [\"192.0.2.3\"]
[network.office]\ncidr = [\"192.0.2.128/25\", \"2001:db8:1::/48\"]
[route.r]\nfallback = [\"three\"]
[[route.r.rule]]\ncidr = [\"10.1.0.0/16\", \"@office\"]\nuse = [\"one\"]
[[route.r.rule]]\ncidr = [\"10.0.0.0/8\"]\nuse = [\"two\"]";
    let steering = steering("a = { route = \"r\" }", text_of, None);
    for (from, member, scope) in [
        ("10.1.2.3", "192.0.2.1", 16),
        ("10.0.2.3", "192.0.2.2", 16),
        ("10.200.2.3", "192.0.2.2", 9),
        ("192.0.2.200", "192.0.2.1", 25),
        ("192.0.2.5", "192.0.2.3", 25),
        ("1.2.3.4", "192.0.2.3", 5),
        ("2001:db8:1::5", "192.0.2.1", 48),
        ("2001:db8:2::5", "192.0.2.3", 47),
        // Less is known of the client than a rule asks: it does not hold.
        ("10.0.0.0/8", "192.0.2.2", 8),
    ] {
        let choice = choose(&steering, Family::V4, from, 0);
        assert_eq!((text(&steering, &choice).as_str(), choice.scope), (member, scope), "{from}");
    }
}
