//! What is shared, changed at run time and kept.

use super::*;
use crate::limits;

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

/// The anchors a. with the key 1, and a negative one n.a.
fn config() -> Anchors {
    Anchors::new(vec![anchor("a.", 1)], vec![negative("n.a.", None)], "file")
}

fn observe(trust: &Trust, zone: &str, keys: &[(u8, bool)], now: u64) -> bool {
    let rdatas: Vec<Rdata> = keys.iter().map(|(number, _)| key(*number)).collect();
    let keys: Vec<SeenKey<'_>> =
        rdatas.iter().zip(keys).map(|(rdata, (_, signed))| SeenKey { rdata, signed: *signed }).collect();
    let seen = Observation { keys: &keys, ttl: 172_800, expires_in: 14 * DAY };
    trust.observe(name(zone).as_name(), &seen, is_digest, now)
}

/// What decides about a name: nothing, a negative anchor, or how many keys.
fn cover(trust: &Trust, at: &str, now: u64) -> &'static str {
    match trust.load().cover(name(at).as_name(), now) {
        Cover::Nothing => "nothing",
        Cover::Negative(_) => "negative",
        Cover::Anchor(anchor) => ["no key", "one key", "two keys"][anchor.keys.len()],
    }
}

#[test]
fn negative_anchors_come_and_go_at_run_time_and_each_change_is_told_by_a_number() {
    let trust = Trust::new(config(), true, NOW);
    let week = limits::NEGATIVE_TIME_MAX;
    let add = |at: &str, until: u64| trust.add_negative(name(at).as_name(), until, "broken\nby x ", NOW);
    let mut generation = trust.generation();
    let mut changed = || std::mem::replace(&mut generation, trust.generation()) != trust.generation();
    assert_eq!(add("B.a.", NOW + 10), Ok(()));
    assert!(changed());
    assert_eq!(
        (cover(&trust, "w.b.a.", NOW + 9), cover(&trust, "w.b.a.", NOW + 10)),
        ("negative", "one key")
    );
    let text = trust.unsaved().unwrap();
    assert!(text.contains(&format!("negative B.a. {} broken by x\n", NOW + 10)), "{text}");
    assert_eq!(trust.unsaved(), None);
    for (at, until, error) in [
        ("n.a.", NOW + 10, NegativeError::Configured),
        ("c.a.", NOW, NegativeError::Time),
        ("c.a.", NOW + week + 1, NegativeError::Time),
    ] {
        assert_eq!(add(at, until), Err(error), "{at}");
    }
    assert!(!changed() && trust.unsaved().is_none());
    assert_eq!(add("b.a.", NOW + week), Ok(()), "it is renewed");
    assert_eq!(trust.load().negatives().count(), 2);
    assert_eq!((cover(&trust, "b.a.", NOW + 11), changed()), ("negative", true));
    let remove = |at: &str| trust.remove_negative(name(at).as_name());
    assert_eq!(remove("n.a."), Err(NegativeError::Configured));
    assert_eq!(remove("w.b.a."), Err(NegativeError::Unknown));
    assert!(!changed());
    assert_eq!(remove("b.A."), Ok(()));
    assert_eq!((cover(&trust, "b.a.", NOW), changed(), trust.unsaved().is_some()), ("one key", true, true));
}

#[test]
fn negative_anchors_that_have_run_out_are_given_once_so_that_what_hung_on_them_is_flushed() {
    let trust = Trust::new(config(), true, NOW);
    for (at, until) in [("x.a.", NOW + 10), ("y.a.", NOW + 20)] {
        trust.add_negative(name(at).as_name(), until, "", NOW).unwrap();
    }
    assert_eq!(trust.expire(NOW + 9), []);
    assert_eq!(trust.expire(NOW + 10), [name("x.a.")]);
    let generation = trust.generation();
    assert_eq!((trust.expire(NOW + 10), trust.generation()), (vec![], generation));
    assert_eq!(trust.load().negatives().count(), 2, "one is the config's");
}

#[test]
fn the_number_of_negative_anchors_is_bounded() {
    let trust = Trust::new(Anchors::none(), true, NOW);
    let add = |n: usize| trust.add_negative(name(&format!("n{n}.")).as_name(), NOW + 9, "", NOW);
    assert!((0..limits::NEGATIVE_ANCHORS).all(|n| add(n).is_ok()));
    assert_eq!((add(0), add(limits::NEGATIVE_ANCHORS)), (Ok(()), Err(NegativeError::Full)));
    let text = trust.unsaved().unwrap();
    let again = Trust::new(Anchors::none(), true, NOW);
    again.restore(&text, NOW).unwrap();
    assert_eq!(*again.load_full(), *trust.load_full());
}

#[test]
fn anchors_follow_their_zone_and_outlive_a_restart_in_the_middle_of_a_wait() {
    let trust = Trust::new(config(), true, NOW);
    assert_eq!(trust.unsaved(), None, "nothing has happened");
    assert_eq!(trust.due(NOW), Some(name("a.")));
    assert_eq!(trust.due(NOW), None, "one looks for all");
    let before = trust.generation();
    assert!(!observe(&trust, "a.", &[(1, true), (2, false)], NOW));
    assert!(!observe(&trust, "w.a.", &[(1, true), (3, false)], NOW));
    assert_eq!((trust.generation(), trust.due(NOW + DAY - 1)), (before, None));
    let text = trust.unsaved().unwrap();
    let trust = Trust::new(config(), true, NOW + 15 * DAY);
    trust.restore(&text, NOW + 15 * DAY).unwrap();
    assert_eq!((trust.unsaved(), cover(&trust, "a.", NOW)), (None, "one key"));
    assert_eq!(trust.due(NOW + 15 * DAY), Some(name("a.")));
    assert!(!observe(&trust, "a.", &[(1, true), (2, false)], NOW + 29 * DAY));
    let before = trust.generation();
    assert!(observe(&trust, "a.", &[(1, true), (2, false)], NOW + 30 * DAY));
    assert_eq!((cover(&trust, "a.", NOW), trust.generation()), ("two keys", before + 1));
    let listed: Vec<String> = trust
        .list()
        .iter()
        .map(|key| format!("{} {} {} {}", key.zone, key.algorithm, key.state, key.source))
        .collect();
    assert_eq!(listed, ["a. 13 valid file", "a. 13 valid RFC 5011"]);
}

#[test]
fn a_state_is_not_used_where_the_config_has_none_of_its_anchors_or_does_not_want_it() {
    let trust = Trust::new(config(), true, NOW);
    observe(&trust, "a.", &[(1, true), (2, false)], NOW);
    observe(&trust, "a.", &[(1, true), (2, false)], NOW + 30 * DAY);
    let text = trust.unsaved().unwrap();
    for (config, follow, covered) in [
        (config(), true, "two keys"),
        (config(), false, "one key"),
        (Anchors::new(vec![anchor("a.", 7)], vec![], "file"), true, "one key"),
        (Anchors::new(vec![anchor("b.", 1)], vec![], "file"), true, "nothing"),
        (Anchors::none(), true, "nothing"),
    ] {
        let again = Trust::new(config, follow, NOW);
        again.restore(&text, NOW).unwrap();
        assert_eq!(cover(&again, "a.", NOW), covered);
    }
    // A config that is reloaded: what became of its anchors stays.
    assert!(trust.configure(Anchors::new(vec![anchor("a.", 1)], vec![], "file"), true, NOW));
    assert_eq!((cover(&trust, "a.", NOW), cover(&trust, "n.a.", NOW)), ("two keys", "two keys"));
    assert!(trust.configure(config(), false, NOW));
    assert_eq!((cover(&trust, "a.", NOW), trust.due(NOW + 99 * DAY)), ("one key", None));
    assert!(!observe(&trust, "a.", &[(1, true)], NOW + 31 * DAY));
    assert_eq!(trust.list()[0].state, "configured");
    assert!(!trust.configure(config(), false, NOW));
    assert!(trust.configure(config(), true, NOW));
    assert_eq!(cover(&trust, "a.", NOW), "two keys");
}

#[test]
fn a_bad_state_changes_nothing_and_old_negative_anchors_are_not_taken() {
    let trust = Trust::new(config(), true, NOW);
    observe(&trust, "a.", &[(1, true), (2, false)], NOW);
    let before = trust.unsaved().unwrap();
    assert!(trust.restore("zone a. 1 2 3\nkey\n", NOW).is_err());
    trust.not_saved();
    assert_eq!(trust.unsaved().unwrap(), before);
    let text = format!(
        "negative x.a. {} \u{1b}[2J\nnegative y.a. {} gone\nnegative n.a. {} config\nnegative z.a. {} far\n",
        NOW + 1,
        NOW,
        NOW + 1,
        u64::MAX
    );
    trust.restore(&text, NOW).unwrap();
    let anchors = trust.load_full();
    let shown: Vec<_> = anchors.negatives().map(|n| (n.name.to_string(), n.until, &*n.why)).collect();
    assert_eq!(
        shown,
        [
            ("n.a.".into(), None, "broken"),
            ("x.a.".into(), Some(NOW + 1), "[2J"),
            ("z.a.".into(), Some(NOW + limits::NEGATIVE_TIME_MAX), "far"),
        ]
    );
}
