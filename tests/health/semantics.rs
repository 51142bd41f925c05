//! What endpoints, operators and reports come to for members.

use super::world::{Conduct, EPOCH, World, address, pace, target};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use waymark::config::{Check, Pace, Probe, PushProbe};
use waymark::health::{
    Formula, Health, Kind, MemberId, Override, OverrideError, Report, ReportError, Standing, State, Table,
    Target, Watch, What, ZoneWatch,
};

const SECOND: Duration = Duration::from_secs(1);

fn watch(pool: &str, member: &str, at: IpAddr, formula: Formula) -> Watch {
    Watch { pool: pool.into(), member: member.into(), address: at, formula, shed: None }
}

fn endpoint(at: IpAddr, pace: Pace) -> Formula {
    Formula::Endpoint(target(at, pace), "ping".into())
}

fn over(pattern: &str, kind: Kind, until: Option<u64>) -> Override {
    Override { pattern: pattern.into(), kind, until, why: "maintenance".into(), since: EPOCH }
}

fn unix(world: &World) -> u64 {
    EPOCH + world.now.as_secs()
}

#[test]
fn one_probe_serves_all_pools_that_want_to_know() {
    let at = address(0);
    let watches = (0..50).map(|i| watch(&format!("p{i}"), "a", at, endpoint(at, pace(10)))).collect();
    let mut world = World::of(1, watches);
    assert_eq!(world.health.endpoint_count(), 1);
    world.run(100 * SECOND);
    assert!(world.asked <= 12, "{} probes", world.asked);
    world.set(0, Conduct::Refuses);
    world.run(20 * SECOND);
    assert!((0..50).all(|i| world.state(i) == State::Down));
}

#[test]
fn what_is_not_known_yet_becomes_known_in_the_first_round() {
    let mut world = World::new(2, 100, 2, pace(10));
    (0..20).for_each(|i| world.set(i, Conduct::Hangs));
    assert!(!world.health.is_settled() && world.state(0) == State::Unknown);
    world.run(waymark::limits::FIRST_ROUND);
    assert!(world.health.is_settled(), "three seconds of time-out, and two to confirm");
    assert!((0..200).all(|i| world.state(i) == if i < 20 { State::Down } else { State::Up }));
}

#[test]
fn the_word_says_how_long_a_state_will_hold() {
    let mut world = World::new(3, 1, 2, pace(10));
    world.run(30 * SECOND);
    assert_eq!(world.standing(0).hold, 30, "three failures, ten seconds apart");
    world.set(0, Conduct::Refuses);
    let mut pending = false;
    for _ in 0..200 {
        world.run(SECOND / 10);
        let Standing { state, hold, .. } = world.standing(0);
        pending |= state == State::Up && hold == 0;
        if state == State::Down {
            break;
        }
    }
    assert!(pending, "while it is being confirmed it may change at any time");
    assert_eq!((world.state(0), world.standing(0).hold), (State::Down, 20));
}

#[test]
fn a_machine_that_loses_its_own_network_calls_nobody_down() {
    for conduct in [Conduct::Hangs, Conduct::CannotBeAsked] {
        for (seed, pools) in [(1, 2), (2, 5), (3, 100), (4, 1_000)] {
            let mut world = World::new(seed, pools, 2, pace(10));
            world.set(1, Conduct::Refuses);
            world.run(60 * SECOND + SECOND.mul_f64(seed as f64 * 1.7));
            assert_eq!(world.state(1), State::Down);
            world.set_all(conduct);
            world.run(300 * SECOND);
            let states = |state| (0..2 * pools).filter(|i| world.state(*i) == state).count();
            assert_eq!(
                (states(State::Down), states(State::Up), states(State::Unknown)),
                (1, 0, 2 * pools - 1),
                "{conduct:?} {pools}"
            );
            let isolated = world.health.history().filter(|event| event.what == What::Isolated).count();
            assert_eq!(isolated, usize::from(conduct == Conduct::Hangs), "{conduct:?}: told once");
            world.set_all(Conduct::Answers);
            world.run(30 * SECOND);
            assert!((0..2 * pools).all(|i| world.state(i) == State::Up), "{conduct:?} {pools}");
        }
    }
}

#[test]
fn a_network_that_comes_back_calls_nobody_down() {
    let fast = Pace { interval: SECOND, timeout: SECOND / 2, ..pace(1) };
    for (seed, pace) in (0..200).flat_map(|seed| [(seed, pace(10)), (seed, fast)]) {
        let mut world = World::new(seed, [2, 5, 40][seed as usize % 3], 2, pace);
        world.run(60 * SECOND);
        for round in 1..5 {
            world.set_all(Conduct::Hangs);
            let cut = (3 * pace.interval).mul_f64(1.0 + world.random());
            let mut turns = world.run(cut);
            world.set_all(Conduct::Answers);
            turns.extend(world.run(5 * pace.interval));
            let down: Vec<_> = turns.iter().filter(|(_, _, state)| *state == State::Down).collect();
            assert!(down.is_empty(), "seed {seed}, {pace:?}, round {round}: {down:?}");
            assert!((0..4).all(|i| world.state(i) == State::Up), "seed {seed}, {pace:?}, round {round}");
        }
    }
}

#[test]
fn a_network_that_goes_where_packets_are_lost_calls_nobody_down() {
    for (seed, loss) in [(1, 0.001), (2, 0.01), (3, 0.05)] {
        let mut world = World::new(seed, 500, 2, pace(10));
        world.loss = loss;
        world.run(60 * SECOND);
        for round in 1..10 {
            world.set_all(Conduct::Hangs);
            let cut = SECOND.mul_f64(30.0 + 10.0 * world.random());
            let mut turns = world.run(cut);
            world.set_all(Conduct::Answers);
            turns.extend(world.run(3 * SECOND));
            // Later, chance alone takes one out now and then.
            let pause = SECOND.mul_f64(40.0 + 10.0 * world.random());
            world.run(pause);
            let down: Vec<_> = turns.iter().filter(|(_, _, state)| *state == State::Down).collect();
            assert!(down.is_empty(), "{loss}, round {round}: {down:?}");
        }
    }
}

#[test]
fn few_that_live_show_that_many_are_dead() {
    for (dead, live, interval) in
        [(10, 1, 10), (20, 2, 10), (10, 1, 60), (200, 5, 60), (10, 1, 300), (2_000, 20, 10)]
    {
        let pace = pace(interval);
        let promise = pace.interval + pace.jitter() + pace.timeout + 3 * SECOND;
        let mut late = Vec::new();
        for seed in 0..10 {
            let mut world = World::new(seed, dead + live, 1, pace);
            let quiet = pace.interval.mul_f64(2.0 + world.random());
            world.run(quiet);
            (0..dead).for_each(|i| world.set(i, Conduct::Hangs));
            let began = world.now;
            let turns = world.run(2 * promise);
            assert!(
                (0..dead + live).all(|i| world.state(i) == if i < dead { State::Down } else { State::Up })
            );
            let down = turns.iter().filter(|(_, _, state)| *state == State::Down);
            late.extend(down.map(|(at, ..)| at.since(began)).filter(|took| *took > promise));
        }
        assert!(
            late.is_empty(),
            "{dead} dead, {live} alive, each {interval} s, promised {promise:?}: {late:?}"
        );
    }
}

#[test]
fn what_is_slow_comes_up_again() {
    let mut world = World::new(1, 2, 2, pace(10));
    world.set(0, Conduct::Slow);
    world.run(60 * SECOND);
    assert_eq!(world.state(0), State::Up);
    world.set(0, Conduct::Hangs);
    world.run(60 * SECOND);
    assert_eq!(world.state(0), State::Down);
    world.set(0, Conduct::Slow);
    world.run(30 * SECOND);
    assert_eq!(world.state(0), State::Up);
}

#[test]
fn what_runs_here_says_nothing_of_our_network() {
    for pools in [3, 10, 100] {
        let mut addresses: Vec<IpAddr> = (0..2 * pools).map(|i| address(i * 256)).collect();
        addresses.push([127, 0, 0, 1].into());
        let watches = addresses.iter().map(|at| watch("p", &at.to_string(), *at, endpoint(*at, pace(10))));
        let mut world = World::of(pools as u64, watches.collect());
        world.run(60 * SECOND);
        (0..2 * pools).for_each(|i| world.set(i, Conduct::Hangs));
        world.run(300 * SECOND);
        assert!((0..2 * pools).all(|i| world.state(i) == State::Unknown));
        assert_eq!(world.state(2 * pools), State::Up);
    }
}

#[test]
fn half_of_the_world_going_silent_is_the_failure_of_that_half() {
    let mut world = World::new(6, 20, 2, pace(10));
    world.run(60 * SECOND);
    (0..20).for_each(|pool| world.set(2 * pool, Conduct::Hangs));
    world.run(30 * SECOND);
    assert!((0..40).all(|i| world.state(i) == if i % 2 == 0 { State::Down } else { State::Up }));
}

#[test]
fn those_long_dead_do_not_make_the_last_one_innocent() {
    let mut world = World::new(8, 3, 2, pace(10));
    world.run(30 * SECOND);
    (0..5).for_each(|i| world.set(i, Conduct::Hangs));
    world.run(600 * SECOND);
    world.set(5, Conduct::Hangs);
    world.run(30 * SECOND);
    assert!((0..6).all(|i| world.state(i) == State::Down));
}

#[test]
fn a_zone_that_stays_is_watched_on_wherever_it_comes_to_stand() {
    let mut world = World::new(1, 2, 2, pace(10));
    world.set(0, Conduct::Refuses);
    world.run(60 * SECOND);
    let table = Arc::new(Table::new(1));
    let other = watch("p", "a", address(0), endpoint(address(0), pace(10)));
    let other = ZoneWatch { apex: "other.".parse().unwrap(), members: [other].into(), table: table.clone() };
    for zones in [vec![other.clone(), world.zone.clone()], vec![world.zone.clone(), other.clone()]] {
        world.health.watch(world.now, zones);
        assert_eq!((world.health.endpoint_count(), table.get(MemberId(0)).state), (4, State::Down));
        world.set_all(Conduct::Answers);
        world.run(60 * SECOND);
        assert!((0..4).all(|i| world.state(i) == State::Up));
        assert_eq!(table.get(MemberId(0)).state, State::Up);
        world.set(0, Conduct::Refuses);
        world.run(60 * SECOND);
        assert_eq!((world.state(0), table.get(MemberId(0)).state), (State::Down, State::Down));
    }
    world.health.watch(world.now, vec![other]);
    assert_eq!(world.health.endpoint_count(), 1);
    let flips = world.health.history().filter(|event| matches!(event.what, What::Flip { .. })).count();
    assert_eq!(flips, 4 + 2 * 2 * 2, "each is told once");
}

#[test]
fn formulas_have_three_values() {
    let (a, b, c) = (address(0), address(256), address(512));
    let all = |needed, of: &[IpAddr]| {
        Formula::AtLeast(needed, of.iter().map(|at| endpoint(*at, pace(10))).collect())
    };
    let members = vec![
        watch("p", "all", a, all(3, &[a, b, c])),
        watch("p", "two", b, all(2, &[a, b, c])),
        watch("p", "any", c, all(1, &[a, b, c])),
        watch("p", "not", address(768), Formula::Not(Box::new(endpoint(a, pace(10))))),
        watch("p", "always", address(1024), Formula::Always),
    ];
    let mut world = World::of(1, members);
    use State::{Down, Unknown, Up};
    let states = |world: &World| [0, 1, 2, 3, 4].map(|i| world.state(i));
    assert_eq!(states(&world), [Unknown, Unknown, Unknown, Unknown, Up]);
    world.run(30 * SECOND);
    assert_eq!(states(&world), [Up, Up, Up, Down, Up]);
    world.set(0, Conduct::Refuses);
    world.run(30 * SECOND);
    assert_eq!(states(&world), [Down, Up, Up, Up, Up]);
    world.set(1, Conduct::Refuses);
    world.run(30 * SECOND);
    assert_eq!(states(&world), [Down, Down, Up, Up, Up]);
    let hold = world.standing(4).hold;
    assert_eq!(hold, u16::MAX, "nothing checks it");
}

#[test]
fn since_when_a_member_is_as_it_is_outlives_a_restart_whatever_its_parts_do_later() {
    let [a, b, c] = [0, 1, 2].map(|i| address(i * 256));
    let all = |needed, of: [IpAddr; 3]| Formula::AtLeast(needed, of.map(|at| endpoint(at, pace(10))).into());
    let members = vec![
        watch("p", "all", a, all(3, [a, b, c])),
        watch("p", "two", b, all(2, [a, b, c])),
        watch("p", "any", c, all(1, [a, b, c])),
    ];
    let mut world = World::of(1, members);
    let since = |world: &World| [0, 1, 2].map(|i| u64::from(world.standing(i).since));
    world.run(30 * SECOND);
    let up = since(&world);
    assert!(up.iter().all(|since| (EPOCH + 1_000_000..unix(&world)).contains(since)), "{up:?}");
    let mut fell = Vec::new();
    for gone in 0..3 {
        world.set(gone, Conduct::Refuses);
        let from = unix(&world);
        world.run(30 * SECOND);
        fell.push(from..unix(&world));
    }
    // The first takes "all" with it, the second "two", the third "any"; then the first comes back and goes once more.
    world.set(0, Conduct::Answers);
    world.run(60 * SECOND);
    let back = since(&world)[2];
    world.set(0, Conduct::Refuses);
    world.run(60 * SECOND);
    let down = since(&world);
    assert!(fell[0].contains(&down[0]) && fell[1].contains(&down[1]) && down[2] > back, "{down:?} {fell:?}");
    assert!([0, 1, 2].iter().all(|i| world.state(*i) == State::Down));

    // What an operator says that changes nothing is not why it is so.
    world.health.set_override(world.now, over("p/all", Kind::Down, None)).unwrap();
    world.health.set_override(world.now, over("p/two", Kind::Drain, None)).unwrap();
    assert_eq!(since(&world), down);
    let kept = world.health.remember(world.now).to_json();
    world.health = Health::new(2, EPOCH);
    world.health.recall(&kept, world.now).unwrap();
    world.now = world.now + 100 * SECOND;
    world.health.watch(world.now, vec![world.zone.clone()]);
    assert_eq!(since(&world), down);
}

#[test]
fn what_an_operator_says_wins_until_it_ends() {
    let mut world = World::new(1, 3, 2, pace(10));
    world.run(30 * SECOND);
    let set = |world: &mut World, over| world.health.set_override(world.now, over);
    assert_eq!(set(&mut world, over("p0", Kind::Drain, None)), Ok(2));
    assert!([0, 1].iter().all(|i| world.standing(*i).drained && world.state(*i) == State::Up));
    let until = unix(&world) + 60;
    let first = address(2 * 256).to_string();
    assert_eq!(set(&mut world, over(&format!("example.:p1/{first}"), Kind::Down, Some(until))), Ok(1));
    assert_eq!((world.state(2), world.state(3)), (State::Down, State::Up));
    assert!(world.standing(2).hold <= 60);
    world.set(4, Conduct::Refuses);
    world.run(30 * SECOND);
    assert_eq!(set(&mut world, over("p?/*", Kind::Up, None)), Ok(6), "the last one said wins");
    assert!((0..6).all(|i| world.state(i) == State::Up && !world.standing(i).drained));
    assert_eq!(world.health.lift(world.now, "p?/*"), 1);
    assert!(world.standing(0).drained);
    assert_eq!((world.state(2), world.state(4)), (State::Down, State::Down));
    world.run(31 * SECOND);
    assert_eq!(world.state(2), State::Up, "it ran out");
    assert_eq!(world.health.overrides().len(), 1);
    let told = world.health.history().filter(|event| matches!(event.what, What::Override(_))).count();
    assert_eq!(told, 5, "three set, one lifted, one ran out");
}

#[test]
fn an_override_of_nobody_is_refused_with_a_hint() {
    let mut world = World::new(1, 2, 2, pace(10));
    let member = address(0).to_string();
    let mut told = |pattern: &str, until| {
        world.health.set_override(world.now, over(pattern, Kind::Drain, until)).unwrap_err().to_string()
    };
    assert!(told("pp0", None).ends_with("did you mean \"p0\"?"));
    assert!(told(&member, None).contains(&format!("did you mean \"p0/{member}\"?")));
    assert!(told("other.:p0", None).contains("no member matches"));
    assert_eq!(told("p0", Some(EPOCH)), OverrideError::Past.to_string());
    assert_eq!(told(&"p".repeat(300), None), OverrideError::TooLong.to_string());
}

#[test]
fn patterns_name_members_by_id_or_address_and_lifting_goes_by_members() {
    let at = address(0);
    let members = vec![
        watch("web", &at.to_string(), at, endpoint(at, pace(10))),
        watch("web", "spare", address(256), endpoint(address(256), pace(10))),
        watch("other", "one", at, endpoint(at, pace(10))),
    ];
    let mut world = World::of(1, members);
    let set = |world: &mut World, pattern: &str| {
        world.health.set_override(world.now, over(pattern, Kind::Drain, None))
    };
    assert_eq!(set(&mut world, &format!("*/{at}")), Ok(2), "also where it has another id");
    assert_eq!(set(&mut world, "web/spare"), Ok(1));
    assert!([0, 1, 2].iter().all(|i| world.standing(*i).drained));
    let lift = |world: &mut World, pattern: &str| world.health.lift(world.now, pattern);
    assert_eq!(lift(&mut world, "other"), 0, "one that holds others, too, stays");
    assert_eq!(lift(&mut world, "web"), 1);
    assert_eq!([0, 1, 2].map(|i| world.standing(i).drained), [true, false, true]);
    assert_eq!(set(&mut world, "example:web/spare"), Ok(1));
    assert_eq!(lift(&mut world, "web/spare"), 1, "whatever way it is written");
    assert_eq!(lift(&mut world, "*"), 1);
    assert!([0, 1, 2].iter().all(|i| !world.standing(*i).drained));
}

#[test]
fn why_one_that_is_down_and_succeeds_is_not_up_is_told() {
    let mut world = World::new(1, 1, 1, Pace { rise: 4, ..pace(10) });
    world.run(30 * SECOND);
    world.set(0, Conduct::Refuses);
    world.run(30 * SECOND);
    let why = |world: &World| {
        world.health.members(world.now).next().unwrap().to_json()["why"].as_str().unwrap().to_owned()
    };
    assert!(why(&world).starts_with("ping: "), "{}", why(&world));
    world.set(0, Conduct::Answers);
    let mut told = std::collections::BTreeSet::new();
    while world.state(0) == State::Down {
        world.run(SECOND / 10);
        told.insert(why(&world));
    }
    let told: Vec<&str> = told.iter().map(String::as_str).filter(|why| why.contains("again")).collect();
    let wanted = [1, 2, 3].map(|times| format!("ping succeeds again, {times} of 4 times in a row"));
    assert_eq!(told, wanted.each_ref().map(String::as_str));
}

#[test]
fn an_endpoint_that_reports_itself_is_what_it_says_for_as_long_as_that_holds() {
    let push = PushProbe { token: "0123456789abcdef".into(), ttl: 30 * SECOND };
    let check = Arc::new(Check { probe: Probe::Push(push), pace: pace(10) });
    let target = Target { address: address(0), port: None, check };
    let formula = Formula::Endpoint(target.clone(), "report".into());
    let member = Watch { shed: Some((target, 0.5, 1.0)), ..watch("p", "a", address(0), formula) };
    let mut world = World::of(1, vec![member]);
    let report = |world: &mut World, up, load| {
        let report = Report { up, load, ttl: None, why: "full disk".into() };
        world.health.handle_report(world.now, "0123456789abcdef", address(0), &report).unwrap();
    };
    assert!(world.health.is_settled() && world.state(0) == State::Unknown);
    world.run(31 * SECOND);
    assert_eq!(world.state(0), State::Down, "it did not report in time");
    for (load, share) in [(0.2, 16), (0.5, 16), (0.75, 8), (0.99, 1), (1.0, 0), (7.0, 0)] {
        report(&mut world, true, Some(load));
        assert_eq!((world.state(0), world.standing(0).share), (State::Up, share), "{load}");
    }
    world.run(20 * SECOND);
    assert_eq!((world.state(0), world.standing(0).share), (State::Up, 0));
    report(&mut world, false, None);
    assert_eq!((world.state(0), world.standing(0).share), (State::Down, 16));
    let text = world.health.history().last().unwrap().what.to_string();
    assert!(text.ends_with("report: full disk"), "{text}");
    report(&mut world, true, None);
    world.run(29 * SECOND);
    assert_eq!(world.state(0), State::Up);
    world.run(2 * SECOND);
    assert_eq!(world.state(0), State::Down);
    assert_eq!(world.asked, 0, "nobody asks it");
    let report = Report { up: true, load: None, ttl: None, why: String::new() };
    let now = world.now;
    let refused = |health: &mut Health, token: &str, at| health.handle_report(now, token, at, &report);
    assert_eq!(refused(&mut world.health, "0123456789abcdeg", address(0)), Err(ReportError::Token));
    assert_eq!(refused(&mut world.health, "0123456789abcdef", address(9)), Err(ReportError::Address));
}

#[test]
fn an_endpoint_that_is_asked_elsewhere_reports_from_where_it_serves_too() {
    let push = PushProbe { token: "0123456789abcdef".into(), ttl: 30 * SECOND };
    let check = Arc::new(Check { probe: Probe::Push(push), pace: pace(10) });
    let formula = Formula::Endpoint(Target { address: address(7), port: None, check }, "report".into());
    let mut world = World::of(1, vec![watch("p", "a", address(0), formula)]);
    for (at, up) in [(address(0), false), (address(7), true)] {
        let report = Report { up, load: None, ttl: Some(5 * SECOND), why: String::new() };
        world.health.handle_report(world.now, "0123456789abcdef", at, &report).unwrap();
        assert_eq!(world.state(0), if up { State::Up } else { State::Down });
    }
    world.run(6 * SECOND);
    let last = world.health.history().last().unwrap().what.to_string();
    assert!(last.contains("is down") && last.ends_with("no report for 5 s"), "{last}");
}

#[test]
fn an_edited_check_revives_nobody_before_it_is_asked() {
    let mut world = World::new(1, 1, 3, pace(10));
    world.set(0, Conduct::Hangs);
    world.run(60 * SECOND);
    let edit = |world: &mut World, formula: &dyn Fn(IpAddr) -> Formula| {
        let watches = (0..3)
            .map(|i| watch("p0", &address(i * 256).to_string(), address(i * 256), formula(address(i * 256))));
        let zone = ZoneWatch { members: watches.collect(), ..world.zone.clone() };
        let begun = world.now;
        world.health.watch(world.now, vec![zone]);
        assert_eq!([0, 1, 2].map(|i| world.state(i)), [State::Down, State::Up, State::Up]);
        let turns = world.run(60 * SECOND);
        assert_eq!(turns, [], "{begun:?}");
    };
    edit(&mut world, &|at| endpoint(at, pace(20)));
    edit(&mut world, &|at| Formula::AtLeast(1, vec![endpoint(at, pace(30))]));
    world.set(0, Conduct::Answers);
    world.run(60 * SECOND);
    assert_eq!(world.state(0), State::Up);
}

#[test]
fn a_reason_is_what_is_so_now() {
    let mut world = World::new(1, 1, 1, pace(10));
    let why = |world: &World| world.health.members(world.now).next().unwrap().to_json()["why"].clone();
    for (conduct, reason) in [
        (Conduct::Hangs, "ping: hung"),
        (Conduct::Refuses, "ping: connection refused"),
        (Conduct::Answers, "ping succeeds"),
    ] {
        world.set(0, conduct);
        world.run(60 * SECOND);
        assert_eq!(why(&world), reason);
    }
    let says = "an operator says so: maintenance";
    for (kind, state) in [(Kind::Up, State::Up), (Kind::Down, State::Down), (Kind::Drain, State::Down)] {
        world.health.set_override(world.now, over("p0", kind, None)).unwrap();
        world.set(0, if kind == Kind::Up { Conduct::Answers } else { Conduct::Refuses });
        world.run(60 * SECOND);
        assert_eq!((world.state(0), why(&world)), (state, says.into()));
    }
    assert_eq!(world.health.held_by("*/198.18.0.0"), Some("p0"));
    assert_eq!(world.health.held_by("p1"), None);
    let since = world.health.members(world.now).next().unwrap().to_json()["since"].clone();
    let at = world.health.overrides()[0].to_json()["since"].clone();
    assert_eq!(since, at, "what is drained is so since then");
}

#[test]
fn what_cannot_be_asked_says_why() {
    let mut world = World::new(1, 1, 2, pace(10));
    world.set(1, Conduct::CannotBeAsked);
    world.run(30 * SECOND);
    assert_eq!((world.state(1), world.health.unknown_count()), (State::Unknown, 1));
    let why = world.health.members(world.now).nth(1).unwrap().to_json()["why"].clone();
    assert_eq!(why, "ping: network unreachable");
}

#[test]
fn what_an_operator_said_is_not_lost_among_what_follows_from_it() {
    let mut world = World::new(1, 6_000, 2, pace(10));
    world.run(30 * SECOND);
    let before = world.health.counts().clone();
    world.health.set_override(world.now, over("*", Kind::Down, None)).unwrap();
    let events = world.health.take_events();
    assert_eq!(events.len(), waymark::limits::HEALTH_EVENTS);
    assert!(matches!(events[0].what, What::Override(_)));
    let more = |kind: &str| world.health.counts()[kind] - before.get(kind).unwrap_or(&0);
    assert_eq!((more("override"), more("flip")), (1, 12_000));
}

#[test]
fn what_flaps_and_what_is_loaded_is_still_so_after_a_restart() {
    let push = PushProbe { token: "0123456789abcdef".into(), ttl: 3_600 * SECOND };
    let report = Target {
        address: address(256),
        port: None,
        check: Arc::new(Check { probe: Probe::Push(push), pace: pace(10) }),
    };
    let loaded = Formula::Endpoint(report.clone(), "report".into());
    let members = vec![
        watch("p", "flaps", address(0), endpoint(address(0), pace(10))),
        Watch { shed: Some((report, 0.0, 1.0)), ..watch("p", "loaded", address(256), loaded) },
    ];
    let mut world = World::of(1, members);
    for _ in 0..20 {
        world.set(0, Conduct::Refuses);
        world.run(30 * SECOND);
        world.set(0, Conduct::Answers);
        world.run(15 * SECOND);
    }
    let report = Report { up: true, load: Some(0.5), ttl: None, why: String::new() };
    world.health.handle_report(world.now, "0123456789abcdef", address(256), &report).unwrap();
    world.set(0, Conduct::Refuses);
    world.run(30 * SECOND);
    let kept = world.health.remember(world.now).to_json();
    let mut fresh = Health::new(2, EPOCH);
    fresh.recall(&kept, world.now).unwrap();
    fresh.watch(world.now, vec![world.zone.clone()]);
    world.health = fresh;
    assert_eq!((world.state(0), world.standing(1).share), (State::Down, 8));
    world.set(0, Conduct::Answers);
    world.run(20 * SECOND);
    assert_eq!(world.state(0), State::Down, "it has to stay up for longer than one that never flapped");
    world.run(3_600 * SECOND);
    assert_eq!(world.state(0), State::Up);
}

#[test]
fn all_is_kept_over_a_restart_with_its_age() {
    let mut world = World::new(1, 2, 2, pace(10));
    world.set(1, Conduct::Refuses);
    world.run(60 * SECOND);
    let until = unix(&world) + 90;
    world.health.set_override(world.now, over("p1", Kind::Drain, None)).unwrap();
    world.health.set_override(world.now, over("p1/*1", Kind::Down, Some(until))).unwrap_err();
    world.health.set_override(world.now, over("p1/*", Kind::Down, Some(until))).unwrap();
    let kept = world.health.remember(world.now).to_json();
    let views = |world: &World| -> Vec<_> {
        let views = world.health.members(world.now).map(|view| view.to_json());
        views.map(|json| (json["standing"].clone(), json["since"].clone(), json["why"].clone())).collect()
    };
    let (before, history) = (views(&world), world.health.history().cloned().collect::<Vec<_>>());

    let mut again = World::new(2, 2, 2, pace(10));
    again.now = world.now;
    again.health = Health::new(2, EPOCH);
    let zone = waymark::health::ZoneWatch {
        apex: "example.".parse().unwrap(),
        members: (0..4)
            .map(|i| address(i * 256))
            .enumerate()
            .map(|(i, at)| watch(&format!("p{}", i / 2), &at.to_string(), at, endpoint(at, pace(10))))
            .collect(),
        table: Arc::clone(&again.table),
    };
    again.health.recall(&kept, again.now).unwrap();
    again.health.watch(again.now, vec![zone]);
    assert_eq!(views(&again)[..2], before[..2], "before anything was asked");
    assert_eq!(again.health.history().cloned().collect::<Vec<_>>(), history);
    assert_eq!((again.state(1), again.state(2)), (State::Down, State::Down));
    assert!(!again.health.is_settled(), "all are asked again");
    again.run(2 * SECOND);
    assert!(again.health.is_settled(), "those that are as they were are known by one answer");
    again.run(100 * SECOND);
    assert_eq!((again.state(1), again.state(2)), (State::Up, State::Up));
    assert!(again.standing(2).drained, "until it is lifted");
    for broken in
        ["{}", "[]", "{\"version\":1}", "{\"version\":1,\"endpoints\":[[1]],\"overrides\":[],\"history\":[]}"]
    {
        let value = serde_json::from_str(broken).unwrap();
        assert!(Health::new(1, EPOCH).recall(&value, world.now).is_err(), "{broken}");
    }
}
