//! Response rate limiting: how many replies of one kind one network gets (ISC-TN-2012-1, as BIND and Knot do it).
//!
//! Who forges a victim's address makes us send it the same answer again and again. Replies are counted by client network (/24 or /56) and
//! by what they say: a positive answer by its name, all else by its zone, since an attacker can make up names without end that a wildcard
//! answers or that do not exist. Past the limit every second reply is sent empty and truncated: a true client asks again over TCP, and who
//! forges replies to it cannot silence us.

use crate::clock::Instant;
use crate::limits;
use crate::wire::Name;
use foldhash::quality::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Data of a name, or that it has none of the type.
    Answer,
    /// Data that a wildcard or DNAME makes of any name.
    MadeUp,
    /// A delegation.
    Referral,
    /// That a name does not exist.
    Denial,
    /// A failure or refusal.
    Error,
}

/// What may be done with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// It is sent.
    Whole,
    /// It is sent without its content.
    Slip,
    /// It is not sent.
    Nothing,
}

/// A token bucket for each network and reply, in a table of fixed size that all workers share.
///
/// A slot is a time (in nanoseconds, shifted left by one) up to which its replies are spent: each reply adds the time it takes to earn
/// one, and none may reach more than a second ahead. A key has two slots and is limited by the one less spent, so that another key that
/// shares one takes nothing from it. Nothing is ever evicted: whatever others do, no key gets more than its share, but that workers
/// which count the same key at the same moment may count one reply for two. The lowest bit says whether the next reply over the limit
/// is sent truncated.
pub struct Rates {
    slots: Box<[AtomicU64]>,
    per_second: u32,
    /// Nanoseconds in which one reply is earned.
    interval: u64,
    hasher: RandomState,
}

impl Rates {
    /// A table in which every key may have `per_second` replies a second, at least 1, and so many at once.
    pub fn new(per_second: u32) -> Rates {
        let per_second = per_second.max(1);
        Rates {
            slots: (0..limits::RATE_SLOTS).map(|_| AtomicU64::new(0)).collect(),
            per_second,
            interval: 1_000_000_000u64.div_ceil(per_second.into()),
            hasher: RandomState::default(),
        }
    }

    /// What it was made with.
    pub fn per_second(&self) -> u32 {
        self.per_second
    }

    /// Whether nothing is left of the client's share: what [`Rates::take`] would say, without taking.
    pub fn is_spent(&self, client: IpAddr, kind: Kind, name: Name<'_>, now: Instant) -> bool {
        let (first, second) = self.slots_of(client, kind, name);
        let less = first.load(Ordering::Relaxed).min(second.load(Ordering::Relaxed)) >> 1;
        self.would_be_spent(less, now.as_nanos()).is_none()
    }

    /// Until when a slot would be spent with one reply more; none when that is too far ahead.
    fn would_be_spent(&self, until: u64, now: u64) -> Option<u64> {
        let spent = until.max(now) + self.interval;
        (spent <= now + self.interval * u64::from(self.per_second)).then_some(spent)
    }

    /// Takes a reply from the client's share, if there is one left. `name` is that of the answer or, for what is no answer, its zone.
    pub fn take(&self, client: IpAddr, kind: Kind, name: Name<'_>, now: Instant) -> Pass {
        let (first, second) = self.slots_of(client, kind, name);
        let now = now.as_nanos();
        loop {
            let (in_first, in_second) = (first.load(Ordering::Relaxed), second.load(Ordering::Relaxed));
            let (less, more, word) = if in_first >> 1 <= in_second >> 1 {
                (first, second, in_first)
            } else {
                (second, first, in_second)
            };
            let Some(spent) = self.would_be_spent(word >> 1, now) else {
                let slip = first.fetch_xor(1, Ordering::Relaxed) & 1 == 1;
                return if slip { Pass::Slip } else { Pass::Nothing };
            };
            let taken =
                less.compare_exchange_weak(word, spent << 1 | word & 1, Ordering::Relaxed, Ordering::Relaxed);
            if taken.is_ok() {
                let raised = |word: u64| (word >> 1 < spent).then_some(spent << 1 | word & 1);
                // That it is raised already is as good.
                let _ = more.fetch_update(Ordering::Relaxed, Ordering::Relaxed, raised);
                return Pass::Whole;
            }
        }
    }

    fn slots_of(&self, client: IpAddr, kind: Kind, name: Name<'_>) -> (&AtomicU64, &AtomicU64) {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(network(client));
        kind.hash(&mut hasher);
        name.hash(&mut hasher);
        let hash = hasher.finish();
        let slot = |hash: u64| &self.slots[(hash as u32 as usize) % self.slots.len()];
        (slot(hash), slot(hash >> 32))
    }
}

/// The /24 or /56 of an address: what one victim has, and one site is given. The highest bit tells the families apart.
fn network(client: IpAddr) -> u64 {
    match client.to_canonical() {
        IpAddr::V4(v4) => u64::from(u32::from(v4) >> 8),
        IpAddr::V6(v6) => (u128::from(v6) >> 72) as u64 | 1 << 63,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::NameBuf;
    use proptest::prelude::*;
    use std::time::Duration;

    const CLIENT: [u8; 4] = [192, 0, 2, 1];

    /// So many times in a row: how many were whole, slipped, dropped.
    fn many(rates: &Rates, count: usize, client: IpAddr, kind: Kind, name: &str, now: Instant) -> [usize; 3] {
        let name: NameBuf = name.parse().unwrap();
        let mut found = [0; 3];
        for _ in 0..count {
            found[rates.take(client, kind, name.as_name(), now) as usize] += 1;
        }
        found
    }

    #[test]
    fn a_key_has_its_share_and_the_rest_is_slipped_and_dropped_in_turn() {
        for rate in [1, 3, 7, 20, 1_000_000] {
            let (rates, now) = (Rates::new(rate), Instant::from_secs(3_600));
            let (share, over) = (rate as usize, 7);
            let (name, spent) = (NameBuf::from_text("a.test.", Name::ROOT).unwrap(), |name| {
                rates.is_spent(CLIENT.into(), Kind::Answer, name, now)
            });
            assert!(!spent(name.as_name()));
            let found = many(&rates, share + over, CLIENT.into(), Kind::Answer, "a.test.", now);
            assert_eq!(found, [share, over / 2, over.div_ceil(2)], "{rate}/s");
            assert!(spent(name.as_name()));
        }
    }

    #[test]
    fn a_share_is_earned_anew_with_time_and_never_saved_beyond_a_second() {
        let (rates, mut now) = (Rates::new(10), Instant::from_secs(3_600));
        for (wait, earned) in [(0, 10), (99, 0), (1, 1), (250, 2), (50, 1), (1_000, 10), (86_400_000, 10)] {
            now = now + Duration::from_millis(wait);
            // An interval is rounded up to a nanosecond, ten of which are a second here.
            assert_eq!(many(&rates, 50, CLIENT.into(), Kind::Answer, "a.test.", now)[0], earned, "{wait} ms");
        }
    }

    #[test]
    fn shares_are_of_a_network_and_of_what_is_said() {
        let of = |client: &str, kind, name: &str| (client.parse::<IpAddr>().unwrap(), kind, name.to_owned());
        let first = of("192.0.2.1", Kind::Answer, "a.test.");
        for (other, same) in [
            (of("192.0.2.255", Kind::Answer, "A.Test."), true),
            (of("::ffff:192.0.2.9", Kind::Answer, "a.test."), true),
            (of("192.0.3.1", Kind::Answer, "a.test."), false),
            (of("192.0.2.1", Kind::Answer, "b.test."), false),
            (of("192.0.2.1", Kind::Denial, "a.test."), false),
            (of("192.0.2.1", Kind::MadeUp, "a.test."), false),
            (of("::c000:201", Kind::Answer, "a.test."), false),
        ] {
            check_share(&first, &other, same);
        }
        let first = of("2001:db8:0:100::1", Kind::Answer, "a.test.");
        for (other, same) in [("2001:db8:0:1ff:ffff::", true), ("2001:db8:0:200::", false)] {
            check_share(&first, &of(other, Kind::Answer, "a.test."), same);
        }
    }

    fn check_share(first: &(IpAddr, Kind, String), other: &(IpAddr, Kind, String), same: bool) {
        let (rates, now) = (Rates::new(5), Instant::from_secs(3_600));
        many(&rates, 5, first.0, first.1, &first.2, now);
        let left = many(&rates, 5, other.0, other.1, &other.2, now)[0];
        assert_eq!(left, if same { 0 } else { 5 }, "{first:?} {other:?}");
    }

    #[test]
    fn who_floods_takes_nothing_from_others() {
        let (rates, now) = (Rates::new(2), Instant::from_secs(3_600));
        for i in 0..10_000u32 {
            many(&rates, 4, (0x0a00_0000 + (i << 8)).to_be_bytes().into(), Kind::Answer, "a.test.", now);
        }
        let limited = (0..10_000u32).filter(|i| {
            let client = (0xc000_0000 + (i << 8)).to_be_bytes();
            rates.take(client.into(), Kind::Answer, Name::ROOT, now) != Pass::Whole
        });
        // One of 170 is expected, and some of these fill slots for each other.
        let limited = limited.count();
        assert!(limited < 10_000 / 50, "{limited}");
    }

    #[test]
    fn threads_share_one_table() {
        let (rates, now) = (Rates::new(1_000), Instant::from_secs(3_600));
        let ask = || many(&rates, 5_000, CLIENT.into(), Kind::Error, ".", now);
        let found: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let [whole, slipped, dropped] = [0, 1, 2].map(|i| found.iter().map(|found| found[i]).sum::<usize>());
        // Two that count at one moment may count one for two.
        assert!((1_000..=1_000 * 4).contains(&whole), "{whole}");
        assert!(slipped.abs_diff(dropped) <= 1, "{slipped} {dropped}");
    }

    proptest! {
        /// However traffic is spread over keys and time: in no window has a key more than what its length earns, and the burst.
        #[test]
        fn no_key_ever_gets_more_than_its_share(
            rate in 1u32..50,
            traffic in prop::collection::vec((0u8..6, 0u64..400), 1..600),
        ) {
            let rates = Rates::new(rate);
            let mut now = Instant::from_secs(3_600);
            let mut passed = vec![Vec::new(); 6];
            for (key, wait) in traffic {
                now = now + Duration::from_millis(wait * wait / 400);
                let name: NameBuf = format!("n{}.test.", key % 3).parse().unwrap();
                let client = [192, 0, 2 + key / 3, 1].into();
                if rates.take(client, Kind::Answer, name.as_name(), now) == Pass::Whole {
                    passed[usize::from(key)].push(now);
                }
            }
            for times in passed {
                for (i, first) in times.iter().enumerate() {
                    for (n, last) in times[i..].iter().enumerate() {
                        let earned = last.since(*first).as_secs_f64() * f64::from(rate);
                        prop_assert!(n as f64 + 1.0 <= earned + f64::from(rate) + 1e-6, "{n} at {rate}/s");
                    }
                }
            }
        }
    }
}
