//! Rollovers in simulated years.

use super::*;
use crate::anchor::state;
use crate::limits;
use std::collections::BTreeSet;

const DAY: u64 = 86_400;

/// A daemon that follows one zone.
struct World {
    now: u64,
    rollover: Rollover,
}

/// Keys as they are seen: numbers, each with `s` if it signs and `r` if it is revoked.
fn keys(text: &str) -> Vec<(Rdata, bool)> {
    let read = |word: &str| {
        let number = word.trim_end_matches(['r', 's']);
        let mut rdata = key(number.parse().unwrap());
        if word.contains('r') {
            rdata[1] |= 0x80;
        }
        (rdata, word.contains('s'))
    };
    text.split_whitespace().map(read).collect()
}

impl World {
    /// With keys 1, 2, ... of the config as DNSKEY.
    fn trusting(numbers: &[u8]) -> World {
        World::new(&config(numbers))
    }

    fn new(anchor: &Anchor) -> World {
        World { now: 1_000 * DAY, rollover: Rollover::new(anchor, 1_000 * DAY) }
    }

    /// The keys are seen; a daemon that starts anew knows the same.
    fn see(&mut self, text: &str) {
        self.see_with(text, 172_800, 14 * DAY);
    }

    fn see_with(&mut self, text: &str, ttl: u32, expires_in: u64) {
        let keys = keys(text);
        let keys: Vec<SeenKey<'_>> =
            keys.iter().map(|(rdata, signed)| SeenKey { rdata, signed: *signed }).collect();
        self.rollover.observe(&Observation { keys: &keys, ttl, expires_in }, is_digest, self.now);
        let text = state::write(std::slice::from_ref(&self.rollover), std::iter::empty());
        assert_eq!(state::read(&text).unwrap().rollovers, std::slice::from_ref(&self.rollover), "{text}");
    }

    /// For so many days the daemon looks at the keys when it should.
    fn pass(&mut self, days: u64, text: &str) {
        let end = self.now + days * DAY;
        while self.rollover.next_look() <= end {
            self.now = self.now.max(self.rollover.next_look());
            self.see(text);
        }
        self.now = end;
        self.see(text);
    }

    /// Numbers of keys with their states, and digests whose key was not seen.
    fn states(&self) -> String {
        let key =
            |key: &crate::anchor::rollover::Key| format!("{} {}", key.rdata[4], key.state.word_and_since().0);
        let keys = self.rollover.keys.iter().map(key);
        keys.chain(self.rollover.unseen.iter().map(|ds| format!("{} unseen", ds[4])))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Numbers of trusted keys.
    fn trusted(&self) -> Vec<u8> {
        self.rollover.anchor().map_or(Vec::new(), |anchor| anchor.keys.iter().map(|key| key[4]).collect())
    }
}

fn config(numbers: &[u8]) -> Anchor {
    Anchor { zone: name("."), ds: vec![], keys: numbers.iter().map(|n| key(*n)).collect() }
}

/// Days, what the zone's keys are in them, and the states after them.
fn play(world: &mut World, story: &[(u64, &str, &str)]) {
    for (n, (days, keys, states)) in story.iter().enumerate() {
        world.pass(*days, keys);
        assert_eq!(world.states(), *states, "step {n}: after {days} days of {keys}");
    }
}

#[test]
fn the_roots_rollover_of_2017_to_2019_is_followed() {
    let mut world = World::new(&Anchor { ds: vec![ds(1)], ..config(&[]) });
    assert_eq!(world.states(), "1 unseen");
    let story = [
        (1, "1s", "1 valid"),
        // 11 July 2017: KSK-2017 is published; a month later it is trusted.
        (30, "1s 2", "1 valid, 2 pending"),
        (1, "1s 2", "1 valid, 2 valid"),
        // 11 October 2018, a year later than planned: it signs.
        (426, "1s 2", "1 valid, 2 valid"),
        (92, "1 2s", "1 valid, 2 valid"),
        // 11 January 2019: KSK-2010 is revoked; 22 March: it is gone.
        (0, "1rs 2s", "1 revoked, 2 valid"),
        (29, "1rs 2s", "1 revoked, 2 valid"),
        (41, "1rs 2s", "1 removed, 2 valid"),
        (400, "2s", "1 removed, 2 valid"),
    ];
    play(&mut world, &story);
    assert_eq!(world.trusted(), [2]);
}

#[test]
fn the_roots_rollover_of_2025_to_2027_is_followed_with_both_keys_built_in() {
    let mut world = World::new(&Anchor { ds: vec![ds(1), ds(2)], ..config(&[]) });
    let story = [
        // July 2024: KSK-2024 is announced, and in the zone on 11 January 2025: trusted at once, for it is
        // built in.
        (180, "1s", "1 valid, 2 unseen"),
        (0, "1s 2", "1 valid, 2 valid"),
        (638, "1s 2", "1 valid, 2 valid"),
        // 11 October 2026.
        (92, "1 2s", "1 valid, 2 valid"),
        (70, "1rs 2s", "1 removed, 2 valid"),
        (10, "2s", "1 removed, 2 valid"),
    ];
    play(&mut world, &story);
    let anchor = world.rollover.anchor().unwrap();
    assert_eq!((anchor.keys, anchor.ds.len()), (vec![key(2)], 0), "the digest of a revoked key is no anchor");
}

#[test]
fn a_key_that_goes_before_its_month_is_over_is_never_trusted_and_begins_anew() {
    let mut world = World::trusting(&[1]);
    play(
        &mut world,
        &[
            (29, "1s 2", "1 valid, 2 pending"),
            (0, "1s", "1 valid"),
            (29, "1s 2", "1 valid, 2 pending"),
            (2, "1s 2", "1 valid, 2 valid"),
        ],
    );
}

#[test]
fn a_new_key_waits_for_as_long_as_its_first_rrset_may_be_cached() {
    let mut world = World::trusting(&[1]);
    world.see_with("1s 2", 40 * DAY as u32, 100 * DAY);
    world.now += 39 * DAY;
    world.see("1s 2");
    assert_eq!(world.trusted(), [1]);
    world.now += DAY;
    world.see("1s 2");
    assert_eq!(world.trusted(), [1, 2]);
}

#[test]
fn who_stole_a_key_cannot_add_one_when_the_owner_revokes_it_in_time() {
    let mut world = World::trusting(&[1, 2]);
    let story = [
        // The thief's RRset: the stolen key 1 signs the new key 9.
        (29, "1s 2 9s", "1 valid, 2 valid, 9 pending"),
        // The owner's: 1 is revoked, 2 stands in.
        (0, "1rs 2s", "1 revoked, 2 valid"),
        // The thief's again: nobody trusted has signed it.
        (60, "1s 2 9s", "1 revoked, 2 valid"),
        (60, "1s 9s", "1 revoked, 2 valid"),
        (60, "2s 3", "1 removed, 2 valid, 3 valid"),
        (60, "1s 2s 3", "1 removed, 2 valid, 3 valid"),
    ];
    play(&mut world, &story);
}

#[test]
fn after_a_year_off_what_was_missed_is_told_by_the_keys_that_are_there() {
    // Nothing happened.
    let mut world = World::trusting(&[1]);
    world.see("1s");
    world.now += 365 * DAY;
    play(&mut world, &[(0, "1s", "1 valid")]);
    // The zone has changed its key and both are there: the new one waits for its month.
    world.now += 365 * DAY;
    play(&mut world, &[(0, "1s 2s", "1 valid, 2 pending"), (30, "1s 2s", "1 valid, 2 valid")]);
    // The old one is no more: it is missing, and would be trusted again.
    play(&mut world, &[(300, "2s", "1 missing, 2 valid"), (1, "1 2s", "1 valid, 2 valid")]);
    assert_eq!(world.trusted(), [1, 2]);
    // All keys are others: nobody can tell whose they are.
    world.now += 365 * DAY;
    play(&mut world, &[(60, "3s 4", "1 valid, 2 valid")]);
}

#[test]
fn two_sights_of_a_new_key_are_needed_and_the_second_after_its_month() {
    let mut world = World::trusting(&[1]);
    world.now += 365 * DAY;
    world.see("1s 2");
    assert_eq!(world.trusted(), [1], "however long the daemon ran");
    world.now += 365 * DAY;
    world.see("1s 2");
    assert_eq!(world.trusted(), [1, 2]);
}

#[test]
fn only_a_key_that_signs_its_own_revocation_is_revoked() {
    for (seen, states) in [
        // Another may not say so.
        ("1r 2s", "1 missing, 2 valid"),
        ("1rs 2s", "1 revoked, 2 valid"),
        // It may say so all alone (RFC 5011 §2.1), and nothing else.
        ("1rs", "1 revoked, 2 valid"),
        ("1rs 3", "1 revoked, 2 valid"),
        // One that nobody knows.
        ("1s 2 7rs", "1 valid, 2 valid"),
        ("7rs", "1 valid, 2 valid"),
    ] {
        let mut world = World::trusting(&[1, 2]);
        world.see(seen);
        assert_eq!(world.states(), states, "{seen}");
    }
}

#[test]
fn a_revoked_key_never_comes_back_not_even_one_that_was_not_trusted_yet() {
    let mut world = World::trusting(&[1]);
    play(
        &mut world,
        &[
            (10, "1s 2", "1 valid, 2 pending"),
            (0, "1s 2rs", "1 valid, 2 revoked"),
            (100, "1s 2s", "1 valid, 2 removed"),
            (100, "1s 2s", "1 valid, 2 removed"),
        ],
    );
}

#[test]
fn when_all_keys_are_revoked_the_zone_has_no_anchor_and_stays_without() {
    let anchor = Anchor { ds: vec![ds(1)], ..config(&[2]) };
    let mut world = World::new(&anchor);
    world.see("1rs 2rs 3s");
    assert_eq!(world.rollover.anchor(), None);
    play(&mut world, &[(90, "3s", "2 revoked, 1 revoked"), (1, "1s 2s 3s", "2 revoked, 1 revoked")]);
    let again = |anchor: &Anchor| world.rollover.clone().resume(anchor, world.now).anchor();
    assert_eq!(again(&anchor), None, "a restart brings nothing back");
    let new = Anchor { ds: vec![ds(3)], ..config(&[]) };
    assert_eq!(again(&new), Some(new), "a new anchor does");
    let more = Anchor { ds: vec![ds(1), ds(3)], ..config(&[2]) };
    assert_eq!(again(&more), Some(Anchor { ds: vec![ds(3)], ..config(&[]) }));
}

#[test]
fn a_clock_set_back_makes_nothing_trusted_sooner() {
    let mut world = World::trusting(&[1, 3]);
    play(&mut world, &[(20, "1s 2 3rs", "1 valid, 3 revoked, 2 pending")]);
    world.now -= 500 * DAY;
    play(
        &mut world,
        &[
            (0, "1s 2", "1 valid, 3 revoked, 2 pending"),
            (29, "1s 2", "1 valid, 3 revoked, 2 pending"),
            (1, "1s 2", "1 valid, 3 removed, 2 valid"),
        ],
    );
    let mut world = World::trusting(&[1]);
    world.see("1s");
    world.now -= 500 * DAY;
    let resumed = world.rollover.clone().resume(&config(&[1]), world.now);
    assert!(resumed.next_look() <= world.now + 15 * DAY, "and it is looked before the clock is there again");
}

#[test]
fn a_zone_that_floods_us_with_keys_fills_a_bounded_table_and_pushes_out_no_trusted_one() {
    let mut world = World::trusting(&[1, 2]);
    let flood = |from: u8| (from..from + 100).map(|n| format!(" {n}")).collect::<String>();
    world.see(&format!("1s 2{}", flood(10)));
    assert_eq!(world.rollover.keys.len(), limits::ROLLOVER_KEYS);
    world.see(&format!("1s 2{}", flood(110)));
    assert_eq!(world.rollover.keys.len(), limits::ROLLOVER_KEYS);
    assert_eq!(world.trusted(), [1, 2]);
    // A zone that changes its keys for a lifetime is followed: the key removed first makes room, but none
    // that the config names.
    let mut world = World::trusting(&[1]);
    for number in 1..100u8 {
        world.pass(40, &format!("{number}s {}", number + 1));
        world.pass(40, &format!("{number}rs {}s", number + 1));
    }
    assert_eq!((world.trusted(), world.rollover.keys.len()), (vec![100], limits::ROLLOVER_KEYS));
    assert!(world.states().starts_with("1 removed"), "{}", world.states());
}

#[test]
fn only_entry_points_of_zones_become_anchors() {
    for (flags, protocol, becomes) in
        [([1, 1], 3, true), ([1, 0], 3, false), ([0, 1], 3, false), ([1, 1], 2, false)]
    {
        let mut world = World::trusting(&[1]);
        let new: [u8; 5] = [flags[0], flags[1], protocol, 13, 2];
        let keys = [SeenKey { rdata: &key(1), signed: true }, SeenKey { rdata: &new, signed: false }];
        world.rollover.observe(&Observation { keys: &keys, ttl: 1, expires_in: 1 }, is_digest, world.now);
        assert_eq!(world.rollover.keys.len() == 2, becomes, "{new:?}");
    }
    // Keys that are cut short harm nobody.
    let mut world = World::trusting(&[1]);
    let keys: Vec<SeenKey<'_>> =
        [&[][..], &[1], &[1, 1], &[1, 1, 3]].map(|rdata| SeenKey { rdata, signed: true }).into();
    world.rollover.observe(&Observation { keys: &keys, ttl: 1, expires_in: 1 }, |_, _| false, world.now);
    assert_eq!(world.states(), "1 valid");
}

#[test]
fn the_next_look_is_when_rfc_5011_says() {
    const HOUR: u64 = 3_600;
    // After a good look, the least of half the TTL and half the time to expiry; then after a bad one, a
    // tenth.
    for (ttl, expires_in, next, retry) in [
        (172_800, 20 * DAY, DAY, 17_280),
        (60, 20 * DAY, HOUR, HOUR),
        (172_800, HOUR, HOUR, HOUR),
        (90 * DAY, 90 * DAY, 15 * DAY, DAY),
        (90 * DAY, 8 * DAY, 4 * DAY, 69_120),
    ] {
        let mut world = World::trusting(&[1]);
        assert_eq!(world.rollover.next_look(), world.now, "at the start at once");
        world.see_with("1s", ttl as u32, expires_in);
        assert_eq!(world.rollover.next_look() - world.now, next, "{ttl} {expires_in}");
        // What nobody trusted has signed does not put it off, nor does it hasten it beyond the retry.
        world.see_with("9s", 1, 1);
        assert_eq!(world.rollover.next_look() - world.now, next.min(retry), "{ttl} {expires_in}");
        world.now += next;
        world.rollover.look_failed(world.now);
        assert_eq!(world.rollover.next_look() - world.now, retry, "{ttl} {expires_in}");
    }
}

#[test]
fn what_the_config_says_now_joins_what_was_followed() {
    let mut world = World::new(&Anchor { ds: vec![ds(1), ds(4)], ..config(&[2]) });
    play(
        &mut world,
        &[
            (40, "1s 2 3", "2 valid, 1 valid, 3 valid, 4 unseen"),
            (1, "1s 2 3 5", "2 valid, 1 valid, 3 valid, 5 pending, 4 unseen"),
        ],
    );
    for (ds_now, keys_now, states) in [
        (vec![1, 4], vec![2], "2 valid, 1 valid, 3 valid, 5 pending, 4 unseen"),
        (vec![1], vec![], "1 valid, 3 valid, 5 pending"),
        // In another form.
        (vec![], vec![1, 2], "2 valid, 1 valid, 3 valid, 5 pending"),
        (vec![4], vec![5], "3 valid, 5 valid, 4 unseen"),
        (vec![1, 6], vec![7], "1 valid, 3 valid, 5 pending, 7 valid, 6 unseen"),
        // None that is known.
        (vec![6], vec![7], "7 valid, 6 unseen"),
    ] {
        let anchor = Anchor { ds: ds_now.iter().map(|n| ds(*n)).collect(), ..config(&keys_now) };
        let rollover = world.rollover.clone().resume(&anchor, world.now);
        assert_eq!(World { now: 0, rollover }.states(), states, "{ds_now:?} {keys_now:?}");
    }
}

proptest::proptest! {
    /// Whatever is seen whenever: a key of nobody's config is trusted only after a month in which it was in
    /// all that was believed; what is revoked is never trusted again; the table is bounded.
    #[test]
    fn whatever_is_seen_nothing_is_trusted_too_soon_or_again(
        steps in proptest::collection::vec((0u64..20, proptest::collection::vec((1u8..6, 0u8..4), 0..6)), 1..60),
    ) {
        let mut world = World::trusting(&[1, 2]);
        let mut revoked = BTreeSet::new();
        let mut there_since = std::collections::BTreeMap::new();
        for (days, keys) in steps {
            world.now += days * DAY;
            let keys: std::collections::BTreeMap<u8, u8> = keys.into_iter().collect();
            let word = |(n, how): (&u8, &u8)| format!("{n}{}", ["", "s", "r", "rs"][usize::from(*how)]);
            let text = keys.iter().map(word).collect::<Vec<_>>().join(" ");
            let before = world.trusted();
            world.see(&text);
            let known_before = |n: &u8| before.contains(n) || there_since.contains_key(n);
            revoked.extend(keys.iter().filter(|(n, how)| **how == 3 && known_before(n)).map(|(n, _)| *n));
            if keys.iter().any(|(n, how)| *how == 1 && before.contains(n)) {
                there_since.retain(|n, _| keys.get(n).is_some_and(|how| *how < 2));
                for n in keys.iter().filter(|(_, how)| **how < 2).map(|(n, _)| *n) {
                    there_since.entry(n).or_insert(world.now);
                }
            }
            for n in world.trusted() {
                proptest::prop_assert!(!revoked.contains(&n), "{n} after {text}");
                let waited = there_since.get(&n).is_some_and(|since| world.now - since >= 30 * DAY);
                proptest::prop_assert!(n <= 2 || before.contains(&n) || waited, "{n} after {text}");
            }
        }
    }
}

#[test]
fn a_state_that_is_no_state_is_refused_with_its_line_and_a_cure() {
    let good = "; c\n\nzone a. 5 6 7\nkey a. valid 5 - given 257 3 13 AwEAAa96\n";
    assert_eq!(state::read(good).unwrap().rollovers.len(), 1);
    for (line, told) in [
        ("zoen a. 5 6 7", "none of zone, key, ds and negative"),
        (" zone b. 5 6 7", "starts with a blank"),
        ("zone a. 5 6 7", "a. is here twice"),
        ("zone b. 5 6", "the time is missing"),
        ("zone b. 5 x 7", "the TTL must be a number, not \"x\""),
        ("zone b..c 5 6 7", "is not a name"),
        ("key b. valid 5 - given 257 3 13 AwEAAa96", "\"zone b. ...\" is missing before it"),
        ("key a. valid 5 - given 257 3 13 AwEAAa96", "this key is here twice"),
        ("key a. pending 5 - given 257 3 13 AwEA", "\"pending\" is no state"),
        ("key a. valid 5 9 given 257 3 13 AwEA", "\"valid\" is no state"),
        ("key a. valid 5 - stolen 257 3 13 AwEA", "given or learnt, not \"stolen\""),
        ("key a. valid 5 - given 257 3 13 AwEAAa9", "DNSKEY:"),
        ("ds a. 1 7 13 2 00", "a digest of type 2 has 32 octets"),
        ("ds a. 1 7 13 9 00", "there is no key 1"),
        ("ds a.", "the number of its key is missing"),
        ("negative b. soon x", "the time must be a number"),
    ] {
        let error = state::read(&format!("{good}{line}\n")).expect_err(line).to_string();
        assert!(error.starts_with("line 5: ") && error.contains(told), "{line}: {error}");
        assert!(error.contains("mend the line, or remove the file"), "{error}");
    }
}
