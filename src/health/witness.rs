//! Whether it is they or we: silence from everywhere at once is the loss of our own network.

use crate::clock::Instant;
use crate::limits;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Who was heard of last, and who was asked since and is silent.
#[derive(Debug, Default)]
pub(super) struct Witness {
    /// The last sign of life, and the last from another address than that.
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
        if let [Some((at, last)), other] = &mut self.lives
            && *last != address
        {
            *other = Some((*at, *last));
        }
        self.lives[0] = Some((now, address));
        self.forget(address);
    }

    /// It is not asked any more.
    pub fn forget(&mut self, address: IpAddr) {
        if let Some(since) = self.owing.remove(&address) {
            self.by_time.remove(&(since, address));
        }
    }

    /// Whether anybody but an address was heard of since then.
    pub fn has_heard_others(&self, address: IpAddr, since: Instant) -> bool {
        self.lives.iter().flatten().any(|(at, who)| *who != address && *at >= since)
    }

    /// Whether the silence of an address since then proves nothing: nobody else was heard of, and enough others, in more than one network,
    /// fell silent with it. `window` is how long before it they may have: the time from one probe to the next. What comes within `patience`
    /// of a probe is no silence.
    pub fn is_no_proof(
        &self,
        address: IpAddr,
        since: Instant,
        window: Duration,
        patience: Duration,
        now: Instant,
    ) -> bool {
        // What came just then may have left before.
        if address.is_loopback() || self.has_heard_others(address, since + patience) {
            return false;
        }
        if self.isolated {
            // Nothing was heard of anybody since that was found.
            return true;
        }
        let range = (since - window, Ipv4Addr::UNSPECIFIED.into())
            ..(now - patience.min(now.since(since)), IpAddr::V6(Ipv6Addr::UNSPECIFIED));
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
