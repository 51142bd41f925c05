//! What is known of single servers: how fast they answer, and what they cannot do. Shared by all shards, bounded.

use crate::clock::Instant;
use crate::limits;
use crate::wire::OwnedName;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One server.
#[derive(Clone, Debug, Default)]
struct Server {
    /// Smoothed round-trip time and its variation (RFC 6298 §2); none before the first answer.
    rtt: Option<(Duration, Duration)>,
    timeouts: u8,
    dead_until: Instant,
    no_edns_until: Instant,
    no_case_until: Instant,
    lame: Vec<(OwnedName, Instant)>,
}

/// How a server is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    /// With EDNS.
    pub edns: bool,
    /// With the name's case randomised.
    pub case: bool,
    /// How long to wait.
    pub timeout: Duration,
}

/// How good a candidate a server is: the less the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// It may be asked; its expected round-trip time, none if it never answered.
    Alive(Option<Duration>),
    /// It did not serve the zone of late: worth a query only when no other server is left.
    Lame,
    /// It did not answer of late.
    Dead,
}

/// The table.
#[derive(Default)]
pub(super) struct Servers(Mutex<HashMap<SocketAddr, Server>>);

impl Servers {
    fn with<R>(&self, address: SocketAddr, change: impl FnOnce(&mut Server) -> R) -> R {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= limits::SERVERS && !table.contains_key(&address) {
            table.clear();
        }
        change(table.entry(address).or_default())
    }

    fn look<R: Default>(&self, address: SocketAddr, read: impl FnOnce(&Server) -> R) -> R {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(&address).map(read).unwrap_or_default()
    }

    /// How to ask it.
    pub fn manner(&self, address: SocketAddr, now: Instant) -> Manner {
        let known = self.look(address, |server| {
            let timeout = server.rtt.map(|(rtt, variation)| rtt + 4 * variation);
            Some((server.no_edns_until <= now, server.no_case_until <= now, timeout, server.timeouts))
        });
        let (edns, case, timeout, timeouts) = known.unwrap_or((true, true, None, 0));
        let timeout = timeout.unwrap_or(limits::RTO_FIRST).max(limits::RTO_MIN);
        // RFC 6298 §5.5: each timeout doubles the next.
        let timeout = (timeout * (1 << timeouts.min(6))).min(limits::RTO_MAX);
        Manner { edns, case, timeout }
    }

    /// How good a candidate it is for a zone.
    pub fn rank(&self, address: SocketAddr, zone: &OwnedName, now: Instant) -> Rank {
        self.look(address, |server| {
            if server.dead_until > now {
                Some(Rank::Dead)
            } else if server.lame.iter().any(|(lame, until)| lame == zone && *until > now) {
                Some(Rank::Lame)
            } else {
                Some(Rank::Alive(server.rtt.map(|(rtt, _)| rtt)))
            }
        })
        .unwrap_or(Rank::Alive(None))
    }

    /// It answered after so long.
    pub fn answered(&self, address: SocketAddr, took: Duration) {
        self.with(address, |server| {
            server.timeouts = 0;
            server.dead_until = Instant::ZERO;
            server.rtt = Some(match server.rtt {
                None => (took, took / 2),
                Some((rtt, variation)) => {
                    let error = rtt.abs_diff(took);
                    ((rtt * 7 + took) / 8, (variation * 3 + error) / 4)
                }
            });
        });
    }

    /// It did not answer in time.
    pub fn timed_out(&self, address: SocketAddr, now: Instant) {
        self.with(address, |server| {
            server.timeouts = server.timeouts.saturating_add(1);
            if server.timeouts >= limits::DEAD_AFTER {
                server.dead_until = now + limits::DEAD_TIME;
            }
        });
    }

    /// The network cannot reach it.
    pub fn unreachable(&self, address: SocketAddr, now: Instant) {
        self.with(address, |server| server.dead_until = now + limits::DEAD_TIME);
    }

    /// It does not understand EDNS (RFC 6891 §7).
    pub fn without_edns(&self, address: SocketAddr, now: Instant) {
        self.with(address, |server| server.no_edns_until = now + limits::QUIRK_TIME);
    }

    /// It does not keep the case of names.
    pub fn without_case(&self, address: SocketAddr, now: Instant) {
        self.with(address, |server| server.no_case_until = now + limits::QUIRK_TIME);
    }

    /// It does not serve the zone.
    pub fn lame(&self, address: SocketAddr, zone: &OwnedName, now: Instant) {
        self.with(address, |server| {
            server.lame.retain(|(lame, until)| *until > now && lame != zone);
            // An address that is lame for many zones is an attack on this list, or a parking host: the last few suffice.
            if server.lame.len() >= limits::SERVER_ADDRESSES {
                server.lame.remove(0);
            }
            server.lame.push((zone.clone(), now + limits::QUIRK_TIME));
        });
    }
}
