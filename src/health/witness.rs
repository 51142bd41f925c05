//! Whether it is they or we: silence from everywhere at once is the loss of our own network.

use super::endpoint::Streak;
use crate::clock::Instant;
use crate::limits;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Who was heard of last, and who was asked since and is silent.
#[derive(Debug, Default)]
pub(super) struct Witness {
    /// The two addresses that were asked last of those that were heard of, and when.
    lives: [Option<(Instant, IpAddr)>; 2],
    /// Since when an address owes an answer.
    owing: HashMap<IpAddr, Instant>,
    /// The same by time.
    by_time: BTreeSet<(Instant, IpAddr)>,
    /// Whether we are cut off.
    pub isolated: bool,
}

/// The network an address is in: failures within one have one cause.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & !0 << 8).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !0 << 80).into(),
    }
}

impl Witness {
    /// An address is asked. One of this machine says nothing of the network.
    pub fn asked(&mut self, now: Instant, address: IpAddr) {
        if !address.is_loopback() && !self.owing.contains_key(&address) {
            self.owing.insert(address, now);
            self.by_time.insert((now, address));
        }
    }

    /// Something came back from it.
    pub fn heard(&mut self, now: Instant, address: IpAddr) {
        if address.is_loopback() {
            return;
        }
        // What comes now may have left long ago: all that is known is that it did after it was asked for.
        let asked = self.forget(address).unwrap_or(now);
        let life = (asked, address);
        if let Some(own) = self.lives.iter_mut().flatten().find(|(_, who)| *who == address) {
            own.0 = own.0.max(asked);
        } else if let Some(oldest) = self.lives.iter_mut().min()
            && *oldest < Some(life)
        {
            *oldest = Some(life);
        }
    }

    /// It is not asked any more. Returns since when it owed an answer.
    pub fn forget(&mut self, address: IpAddr) -> Option<Instant> {
        let since = self.owing.remove(&address)?;
        self.by_time.remove(&(since, address));
        Some(since)
    }

    /// Whether a streak of silence of an address proves nothing: nobody else was heard of who was asked when the last of it was, and enough
    /// others, in more than one network, fell silent with it. `window` is how long before it they may have: the time from one probe to the
    /// next. What comes within `patience` of a probe is no silence.
    pub fn is_no_proof(
        &self,
        address: IpAddr,
        &Streak { since, last, .. }: &Streak,
        window: Duration,
        patience: Duration,
        now: Instant,
    ) -> bool {
        // Witnesses may have been asked for another just before.
        let from = last - limits::WITNESS_GAP;
        let heard = |(at, who): &(Instant, IpAddr)| *who != address && *at >= from;
        if address.is_loopback() || self.lives.iter().flatten().any(heard) {
            return false;
        }
        if self.isolated {
            // Nothing was heard of anybody since that was found.
            return true;
        }
        // They were asked somewhat later than the last of the streak.
        let silence = patience.saturating_sub(limits::WITNESS_GAP).min(now.since(since));
        let range = (since - window, Ipv4Addr::UNSPECIFIED.into())
            ..(now - silence, IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let others = self.by_time.range(range).map(|(_, other)| *other).filter(|other| *other != address);
        let (mut count, mut first, mut several) = (0, None, false);
        for other in others.take(limits::WITNESSES_LOOKED_AT) {
            count += 1;
            several |= *first.get_or_insert(network(other)) != network(other);
            if count >= limits::WITNESSES && several {
                return true;
            }
        }
        false
    }
}
