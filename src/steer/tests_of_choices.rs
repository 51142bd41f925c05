//! Which pool answers, for which family and with which TTL and scope, when pools are up for one family, for none, or for nobody.

use super::tests::{ask, choose, client, down, steering, text};
use super::*;
use crate::config::OnAllDown;
use crate::health::{Standing, State};

/// Two pools of both families, and others.
const POOLS: &str = "
[pool.one]
members = [{ address = \"192.0.2.1\", id = \"one4\" }, { address = \"2001:db8::1\", id = \"one6\" }]
[pool.two]
members = [{ address = \"192.0.2.2\", id = \"two4\" }, { address = \"2001:db8::2\", id = \"two6\" }]
[pool.four]
members = [{ address = \"192.0.2.4\", id = \"four4\" }]
[pool.six]
members = [{ address = \"2001:db8::6\", id = \"six6\" }]
[pool.spare]
members = [{ address = \"192.0.2.9\", id = \"spare4\", weight = 0 }]
[pool.hashed]
pick = \"hash\"
members = [{ address = \"192.0.2.11\", id = \"h1\" }, { address = \"192.0.2.12\", id = \"h2\" }]
[pool.alias]
cname = \"other.example.\"
";

fn routed(route: &str) -> Steering {
    steering("a = { route = \"r\" }", &format!("{POOLS}[route.r]\n{route}"), None)
}

fn ask_both(steering: &Steering) -> [String; 2] {
    [Family::V4, Family::V6].map(|family| text(steering, &choose(steering, family, "192.0.2.77", 0)))
}

fn stands(steering: &Steering, id: &str, standing: Standing) {
    let members = steering.policy.members_named(id);
    assert!(!members.is_empty(), "{id}");
    members.into_iter().for_each(|member| steering.health.set(member, standing));
}

#[test]
fn a_and_aaaa_come_from_one_pool_unless_it_is_down_for_one_of_them() {
    let check = |fallback: &str, gone: &str, wanted: [&str; 2]| {
        let steering = routed(&format!("fallback = [{fallback}]"));
        gone.split_whitespace().for_each(|id| down(&steering, id));
        assert_eq!(ask_both(&steering), wanted, "{fallback} without {gone}");
    };
    let (one, two) = (["192.0.2.1", "2001:db8::1"], ["192.0.2.2", "2001:db8::2"]);
    check("'one', 'two'", "", one);
    check("'one', 'two'", "one4 one6", two);
    check("'one', 'two'", "one4", [two[0], one[1]]);
    check("'one', 'two'", "one6", [one[0], two[1]]);
    // Of pools that lack a family the first that is up is the one of both.
    check("'four', 'two'", "", ["192.0.2.4", "NODATA"]);
    check("'four', 'two'", "four4", two);
    check("'four', 'six'", "four4", ["NODATA", "2001:db8::6"]);
    check("'one', 'four'", "one4", ["192.0.2.4", one[1]]);
    check("'one', 'four'", "one4 one6", ["192.0.2.4", "NODATA"]);
    // Weight 0 serves where nothing else does, and then for the other family as well.
    check("'one', 'spare'", "one4", ["192.0.2.9", one[1]]);
    check("'one', 'spare'", "one4 one6", ["192.0.2.9", "NODATA"]);
    // What does not answer the other family keeps nothing from this one.
    check("'one', 'spare'", "one6", [one[0], "2001:db8::1"]);
    check("'one', 'six', 'four'", "one4", ["192.0.2.4", one[1]]);
    check("'one', 'six', 'four'", "one4 one6", ["NODATA", "2001:db8::6"]);
    check("'six', 'four', 'one'", "", ["NODATA", "2001:db8::6"]);
    check("'six', 'four', 'one'", "six6", ["192.0.2.4", "NODATA"]);
    // An alias stands for both families or for none (RFC 1034 §3.6.2).
    let alias = ["CNAME other.example."; 2];
    check("'one', 'alias'", "", one);
    check("'one', 'alias'", "one4", alias);
    check("'one', 'alias'", "one6", alias);
    check("'one', 'alias'", "one4 one6", alias);
    check("'one', 'two', 'alias'", "one4", [two[0], one[1]]);
    check("'one', 'two', 'alias'", "one4 two4", alias);
    check("'four', 'alias'", "", ["192.0.2.4", "NODATA"]);
    check("'four', 'alias'", "four4", alias);
    check("'four', 'six', 'alias'", "four4", ["NODATA", "2001:db8::6"]);
    check("'alias', 'one'", "", alias);
    check("'one', 'four', 'alias'", "one4", ["192.0.2.4", one[1]]);
    check("'one', 'four', 'alias'", "one6", alias);
    check("'four', 'one', 'alias'", "one4 one6", ["192.0.2.4", "NODATA"]);
    check("'spare', 'alias'", "", alias);
}

#[test]
fn a_choice_says_what_it_follows_from() {
    let check = |route: &str, gone: &str, wanted: [(Basis, Option<&str>); 2]| {
        let steering = routed(route);
        gone.split_whitespace().for_each(|id| down(&steering, id));
        let got = [Family::V4, Family::V6].map(|family| {
            let choice = choose(&steering, family, "192.0.2.77", 0);
            (choice.basis, choice.pool)
        });
        assert_eq!(got, wanted, "{route} without {gone}");
    };
    let (one, four, spare) = (Some("one"), Some("four"), Some("spare"));
    check("fallback = 'one'", "", [(Basis::Up, one); 2]);
    check("fallback = 'four'", "", [(Basis::Up, four), (Basis::OtherFamily, four)]);
    check("fallback = ['four', 'spare']", "four4", [(Basis::Weightless, spare), (Basis::OtherFamily, spare)]);
    check("fallback = ['one', 'alias']", "one4", [(Basis::OneFamily, Some("alias")); 2]);
    check("fallback = ['one', 'alias']", "one4 one6", [(Basis::Up, Some("alias")); 2]);
    let all = Basis::AllDown(OnAllDown::All);
    check("fallback = 'four'", "four4", [(all, four), (all, None)]);
    for (written, on_all_down) in [("none", OnAllDown::None), ("servfail", OnAllDown::Servfail)] {
        let (basis, route) = (Basis::AllDown(on_all_down), format!("on_all_down = '{written}'\n"));
        check(&format!("{route}fallback = 'one'"), "one4 one6", [(basis, None); 2]);
        // A client for whom there is no pool is not one whose pools are down.
        let rule = "rule = { cidr = '10.0.0.0/8', use = 'one' }";
        check(&format!("{route}{rule}"), "one4 one6", [(Basis::NoPool, None); 2]);
    }
}

#[test]
fn the_share_that_a_pool_needs_is_one_of_the_family_asked_for() {
    let pools =
        "[pool.p]\nmin_healthy = 0.5\nmembers = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1']
[pool.q]\nmembers = ['192.0.2.9', '2001:db8::9']\n[route.r]\nfallback = ['p', 'q']";
    let steering = steering("a = { route = 'r' }", pools, None);
    down(&steering, "192.0.2.1");
    down(&steering, "192.0.2.2");
    assert_eq!(
        ask_both(&steering),
        ["192.0.2.9", "2001:db8::1"],
        "one of three is too few, one of one is not"
    );
}

#[test]
fn the_ttl_is_that_of_all_that_an_answer_follows_from() {
    let check = |route: &str, held: &str, wanted: [u32; 2]| {
        let steering = routed(route);
        for (id, hold) in held.split_whitespace().map(|held| held.split_once('=').unwrap()) {
            let (state, hold) = match hold.strip_prefix('-') {
                Some(hold) => (State::Down, hold),
                None => (State::Up, hold),
            };
            let hold = hold.parse().unwrap();
            stands(&steering, id, Standing { state, hold, ..Standing::UNCHECKED });
        }
        let ttl = |family| choose(&steering, family, "192.0.2.77", 0).ttl;
        assert_eq!([ttl(Family::V4), ttl(Family::V6)], wanted, "{route} with {held}");
    };
    check("fallback = 'one'", "one4=20 one6=30", [20, 30]);
    // That there is none of a family lasts for as long as the pool is the one of both.
    check("fallback = ['four', 'two']", "four4=20 two6=12", [20, 20]);
    check("fallback = ['four', 'two']", "four4=0", [10, 10]);
    check("fallback = ['four', 'two']", "four4=-15", [15, 15]);
    check("fallback = ['four', 'two']", "four4=-50 two4=40 two6=30", [40, 30]);
    // So does an alias, and what an alias would take the place of.
    check("fallback = ['one', 'alias']", "one4=20 one6=30", [20, 20]);
    // It ends with the return of a family that is missing before it; of the one that is up nothing follows.
    check("fallback = ['one', 'alias']", "one4=-20 one6=15", [20, 20]);
    check("fallback = ['one', 'alias']", "one4=-20 one6=-25", [20, 20]);
    // What is behind keeps the name from being one where it answers the other family.
    check("fallback = ['one', 'two', 'alias']", "one4=40 one6=-50 two6=0", [10, 10]);
    check("fallback = ['one', 'two']", "one4=40 one6=-50 two6=0", [40, 10]);
    check("fallback = ['one', 'spare']", "one4=-20 one6=-25 spare4=30", [20, 20]);
    // A pool that lacks a family denies it for as long as it answers the other.
    check("fallback = ['one', 'six', 'alias']", "one4=-50 one6=0 six6=40", [10, 10]);
    check("fallback = ['one', 'six', 'two']", "one4=-50 one6=0 six6=40 two4=40 two6=40", [10, 10]);
    check("fallback = ['one', 'six']", "one4=-50 one6=-0 six6=40", [10, 10]);
}

#[test]
fn whose_state_holds_shortest_is_told() {
    let steering = routed("fallback = ['four', 'two']");
    stands(&steering, "four4", Standing { state: State::Down, hold: 15, ..Standing::UNCHECKED });
    stands(&steering, "two4", Standing { hold: 40, ..Standing::UNCHECKED });
    let hold = choose(&steering, Family::V4, "192.0.2.77", 0).hold.unwrap();
    assert_eq!((hold.seconds, steering.policy.member_id(hold.member)), (15, "four4"));
}

#[test]
fn a_scope_is_that_of_the_decisions_that_have_a_part_in_the_answer() {
    let check = |route: &str, gone: &str, scope: u8| {
        let steering = routed(route);
        gone.split_whitespace().for_each(|id| down(&steering, id));
        assert_eq!(choose(&steering, Family::V4, "10.1.2.3", 0).scope, scope, "{route} without {gone}");
    };
    // What comes after a pool that is up has none.
    let by_place = "rule = { cidr = '10.1.0.0/16', use = 'two' }\nfallback = 'four'\n";
    let behind = format!("fallback = ['one', 'by-place']\n[route.by-place]\n{by_place}");
    check(&behind, "", 0);
    check(&behind, "one4", 16);
    check(&behind, "one4 two4 four4", 16);
    // Nor has a draw of one, or of none.
    let draw = |uses: &str| format!("fallback = 'four'\nrule = {{ use = [{uses}] }}");
    check(&draw("{ pool = 'one', weight = 1 }, { pool = 'two', weight = 1 }"), "", 24);
    check(&draw("{ pool = 'one', weight = 1 }, { pool = 'two', weight = 0 }"), "", 0);
    check(&draw("{ pool = 'one', weight = 0 }, { pool = 'two', weight = 0 }"), "", 0);
    // A hash has where there is more than one to choose from.
    check("fallback = 'hashed'", "", 24);
    check("fallback = 'hashed'", "h1", 0);
    check("fallback = 'hashed'", "h1 h2", 24);
    check("on_all_down = 'none'\nfallback = 'hashed'", "h1 h2", 0);
    // Whether a name is an alias follows from both families, for those as well for whom it cannot be one.
    let for_others = "fallback = ['one', 'by-place']\n[route.by-place]\nfallback = 'two'
rule = { cidr = '192.168.0.0/16', use = 'alias' }";
    check(for_others, "", 0);
    check(for_others, "one6", 1);
    check(for_others, "one4 one6", 1);
    check(
        "fallback = ['one', 'by-place']\n[route.by-place]\nfallback = 'alias'\nrule = { cidr = '10.0.0.0/8', use = 'two' }",
        "one6",
        8,
    );
}

#[test]
fn weight_zero_in_a_route_comes_after_all_that_the_routes_before_it_have() {
    let steering = routed(
        "fallback = ['inner', 'four']\n[route.inner]\nfallback = 'one'
rule = { use = [{ pool = 'hashed', weight = 0 }, { pool = 'two', weight = 1 }] }",
    );
    for (gone, wanted) in
        [("", "192.0.2.2"), ("two4", "192.0.2.1"), ("one4", "192.0.2.4"), ("four4", "192.0.2.11|192.0.2.12")]
    {
        gone.split_whitespace().for_each(|id| down(&steering, id));
        let got = ask(&steering, "192.0.2.77");
        assert!(wanted.split('|').any(|one| one == got), "{gone}: {got}");
    }
}

#[test]
fn hashed_sets_stand_in_an_order_of_their_clients_whoever_else_comes_and_goes() {
    for answer in [2, 8] {
        let members = "['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']";
        let pool = format!("[pool.p]\npick = 'hash'\nanswer = {answer}\nmembers = {members}");
        let steering = steering("a = { pool = 'p' }", &pool, None);
        let all = || -> Vec<String> {
            (0..4_000).map(|n| ask(&steering, &format!("10.{}.{}.1", n / 256, n % 256))).collect()
        };
        let before = all();
        assert_eq!(before, all(), "a client has one order");
        let mut first = std::collections::BTreeMap::<&str, u32>::new();
        for answer in &before {
            *first.entry(answer.split(' ').next().unwrap()).or_default() += 1;
        }
        assert!(first.len() == 4 && first.values().all(|n| (900..1_100).contains(n)), "{first:?}");
        // One begins to shed: those that it stays with, and the others, stand as they did.
        stands(&steering, "192.0.2.2", Standing { share: 15, ..Standing::UNCHECKED });
        let shed = all();
        let with = |answer: &str, id: &str| answer.split(' ').any(|member| member == id);
        let (mut same, without) =
            (0, |answer: &str| answer.replace("192.0.2.4", "").replace("  ", " ").trim().to_owned());
        for (before, after) in before.iter().zip(&shed) {
            same += usize::from(before == after);
            assert!(before == after || with(before, "192.0.2.2"), "{before}: {after}");
        }
        assert!(same > 3_700, "{same}");
        stands(&steering, "192.0.2.2", Standing::UNCHECKED);
        down(&steering, "192.0.2.4");
        for (before, after) in before.iter().zip(all()) {
            let left = without(before);
            let kept: Vec<&str> = after.split(' ').filter(|member| with(&left, member)).collect();
            assert_eq!(kept.join(" "), left, "{before}: {after}");
        }
    }
}

/// Down since then.
fn since(since: u32) -> Standing {
    Standing { state: State::Down, since, ..Standing::UNCHECKED }
}

#[test]
fn the_last_known_are_those_of_the_pool_that_was_up_last_which_went_down_together() {
    const DRAINED: Standing = Standing { drained: true, ..Standing::UNCHECKED };
    let pools = "[pool.p]\nanswer = 4\nmembers = [{ address = '192.0.2.1', id = 'p1' }, { address = '192.0.2.2', id = 'p2' }, { address = '192.0.2.3', id = 'p3' }]
[pool.q]\nanswer = 4\nmembers = [{ address = '192.0.2.4', id = 'q1' }, { address = '192.0.2.5', id = 'q2' }]
[route.r]\non_all_down = 'last_known'\nfallback = ['p', 'q']\n";
    let check = |standings: [Standing; 5], wanted: &str| {
        let steering = steering("a = { route = 'r' }", pools, None);
        for (id, standing) in ["p1", "p2", "p3", "q1", "q2"].into_iter().zip(standings) {
            stands(&steering, id, standing);
        }
        for _ in 0..4 {
            let answer = ask(&steering, "192.0.2.77");
            let mut answer: Vec<&str> = answer.split(' ').collect();
            answer.sort_unstable();
            assert_eq!(answer.join(" "), wanted, "{standings:?}");
        }
    };
    check([500, 1_000, 1_050, 900, 900].map(since), "192.0.2.2 192.0.2.3");
    check([500, 1_000, 1_050, 900, 1_051].map(since), "192.0.2.5");
    check([1_000; 5].map(since), "192.0.2.1 192.0.2.2 192.0.2.3");
    check([since(500), since(1_000), DRAINED, since(900), since(900)], "192.0.2.2");
    check([DRAINED, DRAINED, DRAINED, since(900), since(600)], "192.0.2.4");
    check([DRAINED; 5], "192.0.2.1 192.0.2.2 192.0.2.3");
}

#[test]
fn who_is_up_in_a_pool_of_too_few_is_known_last() {
    let pool = "[pool.p]\nmin_healthy = 0.9\nanswer = 2\nmembers = ['192.0.2.1', '192.0.2.2']
[route.r]\non_all_down = 'last_known'\nfallback = 'p'\n";
    let steering = steering("a = { route = 'r' }", pool, None);
    stands(&steering, "192.0.2.1", since(1_000));
    assert_eq!(ask(&steering, "192.0.2.77"), "192.0.2.2");
}

#[test]
fn a_draw_by_weight_changes_with_the_ttl_unless_it_sticks() {
    let at = |steering: &Steering, from: &str, now: u64| {
        let draw = Draw { seed: 0, now, cursor: Cursor::Take };
        let choice = steering.policy.choose(SteerId(0), Family::V4, &client(from), &steering.health, draw);
        text(steering, &choice)
    };
    let route = |sticky: &str| {
        let uses = "use = [{ pool = 'one', weight = 1 }, { pool = 'two', weight = 1 }]";
        steering(
            "a = { route = 'r', ttl = '10s..60s' }",
            &format!("{POOLS}[route.r]\nrule = {{ {uses}{sticky} }}"),
            None,
        )
    };
    let (dealt, stuck) = (route(""), route(", sticky = 'client/24'"));
    let (mut moved, mut at_first) = (0, 0);
    for n in 0..1_000u32 {
        let from = format!("10.{}.{}.1", n / 256, n % 256);
        // Each client is dealt anew once in 60 s, at a time of its own.
        let answers: Vec<String> = (6_000..6_180).map(|now| at(&dealt, &from, now)).collect();
        let changes: Vec<usize> = (1..180).filter(|i| answers[*i] != answers[i - 1]).collect();
        assert!(
            changes.windows(2).all(|pair| pair[1] - pair[0] == 60 || pair[1] - pair[0] == 120),
            "{changes:?}"
        );
        moved += changes.len();
        at_first += usize::from(changes.iter().any(|i| i % 60 == 0));
        let [first, later] = [0, 1_000_000].map(|now| at(&stuck, &from, now));
        assert_eq!(first, later, "{from}");
    }
    assert!((1_300..1_700).contains(&moved), "{moved} of 3000 have another");
    assert!(at_first < 60, "{at_first} of 1000 are dealt at one time");
    // /24 of IPv4 goes with /56 of IPv6.
    for n in 0..200u32 {
        let [one, other] = [0, 0xff].map(|low| at(&stuck, &format!("2001:db8:{n:x}:7{low:02x}::{low}"), 0));
        assert_eq!(one, other, "one /56, one pool");
    }
    let of = |n: u32| at(&stuck, &format!("2001:db8:0:{n:x}00::1"), 0);
    assert!((1..64).any(|n| of(n) != of(0)), "others have another");
}

#[test]
fn a_draw_that_may_make_a_name_an_alias_is_not_kept_beyond_it() {
    let uses = "use = [{ pool = 'one', weight = 1 }, { pool = 'alias', weight = 1 }]";
    let steering = steering("a = { route = 'r' }", &format!("{POOLS}[route.r]\nrule = {{ {uses} }}"), None);
    for n in 0..200u32 {
        let from = client(&format!("10.0.{n}.1"));
        let at = |now: u64| {
            let draw = Draw { seed: 0, now, cursor: Cursor::Take };
            let choice = steering.policy.choose(SteerId(0), Family::V4, &from, &steering.health, draw);
            (matches!(choice.answer, Answer::Cname(_)), choice.ttl)
        };
        for now in 6_000..6_060 {
            let (is_alias, ttl) = at(now);
            assert!((1..=60).contains(&ttl));
            assert!((now..now + u64::from(ttl)).all(|later| at(later).0 == is_alias), "10.0.{n}.1 at {now}");
        }
    }
}

/// Chains of so many pools at most, each once, and nothing after an alias.
fn chains(most: usize) -> Vec<Vec<&'static str>> {
    let mut all: Vec<Vec<&str>> = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..most {
        let to = all.len();
        for i in from..to {
            for pool in ["one", "two", "four", "six", "spare", "alias"] {
                if !all[i].contains(&pool) && all[i].last() != Some(&"alias") {
                    all.push([&all[i][..], &[pool]].concat());
                }
            }
        }
        from = to;
    }
    all.split_off(1)
}

#[test]
fn no_answer_outlives_what_it_follows_from_in_any_chain_of_three() {
    let of = |pool: &&str| match *pool {
        "one" => &["one4", "one6"][..],
        "two" => &["two4", "two6"],
        "four" => &["four4"],
        "six" => &["six6"],
        "spare" => &["spare4"],
        _ => &[],
    };
    let (mut states, mut outlived) = (0, Vec::new());
    for (chain, on_all_down) in chains(3).iter().flat_map(|chain| [(chain, "all"), (chain, "none")]) {
        let steering = routed(&format!("on_all_down = '{on_all_down}'\nfallback = {chain:?}"));
        let members: Vec<&str> = chain.iter().flat_map(of).copied().collect();
        let set = |id: &str, up: bool, hold: u16| {
            let state = if up { State::Up } else { State::Down };
            stands(&steering, id, Standing { state, hold, ..Standing::UNCHECKED });
        };
        let asked = || {
            [Family::V4, Family::V6].map(|family| {
                let choice = choose(&steering, family, "192.0.2.77", 0);
                (choice.pool, std::mem::discriminant(&choice.answer), choice.ttl)
            })
        };
        for up in (0..1u32 << members.len())
            .map(|bits| (0..members.len()).map(move |i| bits >> i & 1 == 1).collect::<Vec<_>>())
        {
            states += 1;
            members.iter().zip(&up).for_each(|(id, up)| set(id, *up, 60));
            let before = asked();
            let is_alias =
                before.map(|(_, kind, _)| kind == std::mem::discriminant(&Answer::Cname(Name::ROOT)));
            assert_eq!(is_alias[0], is_alias[1], "{chain:?} {up:?}");
            for (id, up) in members.iter().zip(&up) {
                // It may change at any time, and does: whoever's answer that makes another has been told.
                set(id, *up, 0);
                let told = asked();
                set(id, !up, 60);
                let after = asked();
                set(id, *up, 60);
                for ((before, after), told) in before.iter().zip(after).zip(told) {
                    if (before.0, before.1) != (after.0, after.1) && told.2 > 10 {
                        outlived.push(format!("{chain:?} {on_all_down} {up}: {id}"));
                    }
                }
            }
        }
    }
    assert!(outlived.is_empty() && states > 3_000, "{states}: {outlived:#?}");
}
