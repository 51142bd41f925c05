//! How soon what fails is removed, and how rarely what does not.

use super::world::{Conduct, World, pace};
use std::time::Duration;
use waymark::config::Pace;
use waymark::health::State;

const DAY: u64 = 86_400;

/// The least time by which all but one of a thousand are done.
fn p999(times: &mut [Duration]) -> Duration {
    times.sort();
    times[(times.len() * 999 / 1_000).min(times.len() - 1)]
}

#[test]
fn a_failure_is_removed_within_an_interval_its_jitter_a_timeout_and_three_seconds() {
    for conduct in [Conduct::Hangs, Conduct::Refuses] {
        let mut times = Vec::new();
        for seed in 0..40 {
            let pace = pace(10);
            let mut world = World::new(seed, 30, 2, pace);
            world.run(Duration::from_secs(60));
            // At any moment of the interval.
            let moment = Duration::from_secs_f64(world.random() * 10.0);
            world.run(moment);
            let failed = world.now;
            (0..30).for_each(|pool| world.set(2 * pool, conduct));
            let turns = world.run(Duration::from_secs(60));
            for pool in 0..30 {
                let (at, ..) =
                    turns.iter().find(|(_, i, state)| *i == 2 * pool && *state == State::Down).unwrap();
                times.push(at.since(failed));
            }
            assert!(turns.iter().all(|(_, i, _)| i % 2 == 0), "nobody else is removed");
        }
        let bound = pace(10).interval + pace(10).jitter() + pace(10).timeout + Duration::from_secs(3);
        let found = p999(&mut times);
        assert!(found <= bound, "{conduct:?}: {found:?} of at most {bound:?}");
        assert_eq!(times.len(), 1_200);
    }
}

#[test]
fn a_promise_is_kept_however_many_probes_are_lost() {
    for (seed, loss) in [(1, 0.0), (2, 0.2), (3, 0.45)] {
        for conduct in [Conduct::Hangs, Conduct::Refuses] {
            let pace = Pace::of_failover(Duration::from_secs(30));
            let mut world = World::new(seed, 100, 2, pace);
            world.loss = loss;
            world.run(Duration::from_secs(1_800));
            let failed = world.now;
            let up: Vec<usize> =
                (0..100).map(|pool| 2 * pool).filter(|i| world.state(*i) == State::Up).collect();
            assert!(up.len() > 50, "{} are up", up.len());
            up.iter().for_each(|i| world.set(*i, conduct));
            let turns = world.run(Duration::from_secs(60));
            let bound = pace.interval + pace.jitter() + pace.timeout + Pace::CONFIRMED;
            for i in up {
                let (at, ..) =
                    turns.iter().find(|(_, who, state)| *who == i && *state == State::Down).unwrap();
                let took = at.since(failed);
                assert!(took <= bound, "{took:?} of at most {bound:?} with {loss} lost, {conduct:?}");
            }
        }
    }
}

#[test]
fn with_one_probe_lost_of_a_hundred_less_than_one_endpoint_falls_in_a_month() {
    let (endpoints, days) = (60, 60);
    let mut world = World::new(1, endpoints / 2, 2, pace(10));
    world.loss = 0.01;
    let turns = world.run(Duration::from_secs(days * DAY));
    let falls = turns.iter().filter(|(.., state)| *state == State::Down).count();
    let months = endpoints as f64 * days as f64 / 30.0;
    let rate = falls as f64 / months;
    println!("{falls} false removals in {months} endpoint-months");
    assert!(rate < 1.0, "{rate} a month");
}

#[test]
fn with_one_probe_lost_of_five_no_pool_is_ever_empty() {
    for of in [2, 3] {
        let mut world = World::new(7, 20, of, pace(10));
        world.loss = 0.2;
        let turns = world.run(Duration::from_secs(7 * DAY));
        let mut states = vec![State::Up; 20 * of];
        for (at, i, state) in turns {
            states[i] = state;
            let pool = i / of * of;
            let empty = states[pool..pool + of].iter().all(|state| *state == State::Down);
            assert!(!empty, "pool {} of {of} is empty at {at:?}", i / of);
        }
    }
}

#[test]
fn what_is_lost_now_and_then_still_fails_when_it_does() {
    let mut world = World::new(3, 10, 2, pace(10));
    world.loss = 0.2;
    world.run(Duration::from_secs(3_600));
    (0..10).for_each(|pool| world.set(2 * pool, Conduct::Hangs));
    world.run(Duration::from_secs(30));
    for pool in 0..10 {
        assert_eq!((world.state(2 * pool), world.state(2 * pool + 1)), (State::Down, State::Up));
    }
}

#[test]
fn what_flaps_stays_out_until_it_is_quiet() {
    let mut world = World::new(5, 2, 2, pace(10));
    world.run(Duration::from_secs(60));
    let mut up = Duration::ZERO;
    for minute in 0..2 * 1_440 {
        world.set(0, if minute % 2 == 0 { Conduct::Refuses } else { Conduct::Answers });
        let begun = world.now;
        let mut since = (world.state(0) == State::Up).then_some(begun);
        for (at, i, state) in world.run(Duration::from_secs(60)) {
            assert_eq!(i, 0, "nobody else turns");
            match state {
                State::Down => up += since.take().map_or(Duration::ZERO, |since| at.since(since)),
                _ => since = Some(at),
            }
        }
        up += since.map_or(Duration::ZERO, |since| world.now.since(since));
    }
    let share = up.as_secs_f64() / (2.0 * DAY as f64);
    assert!(share < 0.05, "it answers half of the time, and is up {:.0} % of it", share * 100.0);
    world.set(0, Conduct::Answers);
    world.run(Duration::from_secs(3_600));
    assert_eq!(world.state(0), State::Up, "an hour later all is forgiven");
}

#[test]
fn fifty_thousand_are_asked_evenly() {
    let mut world = World::new(9, 25_000, 2, pace(10));
    world.run(Duration::from_secs(60));
    let mut counts = Vec::new();
    for _ in 0..60 {
        let before = world.asked;
        world.run(Duration::from_secs(1));
        counts.push((world.asked - before) as f64);
    }
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    let worst = counts.iter().map(|count| (count / mean - 1.0).abs()).fold(0.0, f64::max);
    println!("{mean:.0} a second, at most {:.1} % from that", worst * 100.0);
    // Three standard deviations of chance are 4.3 %.
    assert!((4_600.0..5_000.0).contains(&mean) && worst < 0.06, "{mean} {worst}");
}
