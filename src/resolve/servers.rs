//! What is known of servers: how fast each answers for a zone, whether it answers at all, and what it cannot do. Shared by all
//! shards, bounded.

use super::Transport;
use super::delegation::Delegation;
use super::query::{Match, Sent};
use super::recent::Recent;
use crate::clock::Instant;
use crate::limits;
use crate::wire::OwnedName;
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A server as it serves one zone.
#[derive(Clone, Debug)]
struct Path {
    zone: OwnedName,
    /// Smoothed round-trip time and its variation (RFC 6298 §2); none before the first answer.
    rtt: Option<Rtt>,
    /// Timeouts since it last answered.
    timeouts: u8,
    /// When it may be asked again without a client waiting for it.
    probe_at: Instant,
    lame_until: Instant,
}

/// A server, whatever it serves.
#[derive(Clone, Debug, Default)]
struct Host {
    /// What a zone's own measure starts from.
    rtt: Option<Rtt>,
    no_edns_until: Instant,
    no_case_until: Instant,
    no_cookie_until: Instant,
    tcp_until: Instant,
    /// Messages since its last good reply that were not quite one: with another case, without the cookie, to something else.
    strange: [u8; 3],
    cookie: Cookie,
}

/// A measured round-trip time.
#[derive(Clone, Copy, Debug)]
struct Rtt {
    smoothed: Duration,
    variation: Duration,
    measured: Instant,
}

/// The cookie of a query (RFC 7873 §4): eight octets of ours, and what the server gave for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    octets: [u8; 40],
    /// 0: none is made yet; 8: the server gave nothing so far.
    len: u8,
}

impl Default for Cookie {
    fn default() -> Cookie {
        Cookie { octets: [0; 40], len: 0 }
    }
}

impl Cookie {
    /// As it goes into the option; empty when there is none.
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[..self.len as usize]
    }

    /// The client's part.
    pub fn client(&self) -> &[u8] {
        &self.octets[..(self.len as usize).min(8)]
    }

    /// Whether the server has given its part, and so must give it with every reply.
    pub fn is_whole(&self) -> bool {
        self.len > 8
    }

    /// Reads the option of a reply; none when its length is wrong (RFC 7873 §4.2).
    pub fn from_reply(data: &[u8]) -> Option<Cookie> {
        if !(16..=40).contains(&data.len()) {
            return None;
        }
        let mut octets = [0; 40];
        octets[..data.len()].copy_from_slice(data);
        Some(Cookie { octets, len: data.len() as u8 })
    }
}

/// How a server is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    /// With EDNS.
    pub edns: bool,
    /// With the name's case randomised.
    pub case: bool,
    /// Over TCP at once: datagrams to it are lost.
    pub tcp: bool,
    /// With this cookie.
    pub cookie: Cookie,
    /// How long to wait before others are asked.
    pub timeout: Duration,
}

/// How good a candidate a server is: the less the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// It answers; in this time as a rule.
    Alive(Duration),
    /// It was not asked of late.
    Unknown,
    /// It did not answer twice in a row, or nobody in its address family does.
    Doubtful,
    /// It did not serve the zone of late: worth a query only when no other server is left.
    Lame,
    /// It has not answered for long.
    Dead,
}

/// A candidate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranked {
    pub address: SocketAddr,
    pub rank: Rank,
    /// It is time to see whether it answers again.
    pub probe_due: bool,
}

/// What is known of a server for a zone, for people to read.
#[derive(Clone, Debug)]
pub struct ServerState {
    /// The server.
    pub address: SocketAddr,
    /// The zone.
    pub zone: OwnedName,
    /// Smoothed round-trip time, none before the first answer.
    pub rtt: Option<Duration>,
    /// Timeouts in a row.
    pub timeouts: u8,
    /// What it counts as.
    pub state: &'static str,
    /// What it cannot do, or is asked to do differently.
    pub quirks: Vec<&'static str>,
}

/// The table.
pub(super) struct Servers(Mutex<Table>);

struct Table {
    paths: Recent<(SocketAddr, u64), Path>,
    hosts: Recent<SocketAddr, Host>,
    /// IPv4, IPv6.
    families: [Family; 2],
    hasher: foldhash::quality::RandomState,
}

/// Whether an address family works at all from here.
#[derive(Default)]
struct Family {
    /// Networks that did not answer since anybody in the family did.
    silent: Vec<u64>,
}

impl Family {
    fn is_broken(&self) -> bool {
        self.silent.len() >= limits::SILENT_NETWORKS
    }
}

impl Default for Servers {
    fn default() -> Servers {
        Servers(Mutex::new(Table {
            paths: Recent::new(limits::SERVERS),
            hosts: Recent::new(limits::SERVERS),
            families: Default::default(),
            hasher: foldhash::quality::RandomState::default(),
        }))
    }
}

impl Servers {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How to ask it for a zone; `fresh` are random bits for a cookie.
    pub fn manner(&self, address: SocketAddr, zone: &Delegation, fresh: u64, now: Instant) -> Manner {
        let mut table = self.lock();
        let (rtt, timeouts) = table.timing(address, &zone.zone, now);
        // A forwarder's own work varies more than the network does; another is asked soon, and the first one to answer wins.
        let variations = if zone.is_forward() { 2 } else { 4 };
        let timeout = rtt.map_or(limits::RTO_FIRST, |rtt| rtt.smoothed + variations * rtt.variation);
        // RFC 6298 §5.5: a timeout doubles the next. Not often: the client waits, and a late reply is taken all the same.
        let timeout = (timeout * (1 << timeouts.min(2))).clamp(limits::RTO_MIN, limits::RTO_ASK);
        let host = table.hosts.entry(address, Host::default);
        let edns = host.no_edns_until <= now;
        if host.cookie.len == 0 {
            host.cookie.octets[..8].copy_from_slice(&fresh.to_be_bytes());
            host.cookie.len = 8;
        }
        let with_cookie = edns && host.no_cookie_until <= now;
        Manner {
            edns,
            case: host.no_case_until <= now,
            tcp: host.tcp_until > now,
            cookie: if with_cookie { host.cookie } else { Cookie::default() },
            timeout,
        }
    }

    /// How good candidates they are for a zone.
    pub fn survey(&self, candidates: &[SocketAddr], zone: &OwnedName, now: Instant) -> Vec<Ranked> {
        let table = self.lock();
        candidates.iter().map(|&address| table.ranked(address, zone, now)).collect()
    }

    /// It answered; `took` is the time it needed, none when it is not clear which query was answered (RFC 6298 §3).
    pub fn answered(&self, sent: &Sent, took: Option<Duration>, cookie: Option<Cookie>, now: Instant) {
        let mut table = self.lock();
        let (address, udp) = (sent.query.server, sent.query.transport == Transport::Udp);
        table.families[usize::from(address.is_ipv6())].silent.clear();
        let path = table.path(address, &sent.delegation.zone);
        let was_silent = std::mem::take(&mut path.timeouts) >= limits::DOUBTFUL_AFTER;
        // A connection takes two round trips.
        let took = took.map(|took| if udp { took } else { took / 2 });
        if let Some(took) = took {
            path.rtt = Some(smooth(path.rtt, took, now));
        }
        let host = table.hosts.entry(address, Host::default);
        if let Some(took) = took {
            host.rtt = Some(smooth(host.rtt, took, now));
        }
        if let Some(cookie) = cookie {
            host.cookie = cookie;
        }
        if udp {
            // Sent when it was to be asked over TCP, so TCP failed.
            if sent.at + limits::QUIRK_TIME >= host.tcp_until {
                host.tcp_until = Instant::ZERO;
            }
            for (count, proven) in host.strange.iter_mut().zip(sent.proofs()) {
                *count *= u8::from(!proven);
            }
        } else if was_silent {
            host.tcp_until = now + limits::QUIRK_TIME;
        }
    }

    /// A message came over UDP that was not quite its reply. It may be a forgery, so the first times change nothing.
    pub fn strange(&self, address: SocketAddr, matched: Match, now: Instant) {
        self.host(address, |host| {
            let (kind, until) = match matched {
                Match::ButForCase => (0, &mut host.no_case_until),
                Match::ButForCookie => (1, &mut host.no_cookie_until),
                Match::No | Match::Yes(_) => (2, &mut host.tcp_until),
            };
            host.strange[kind] = host.strange[kind].saturating_add(1);
            if host.strange[kind] >= limits::FORGERIES {
                (*until, host.strange[kind]) = (now + limits::QUIRK_TIME, 0);
                host.cookie = Cookie::default();
            }
        });
    }

    /// It did not answer in time.
    pub fn timed_out(&self, address: SocketAddr, zone: &OwnedName, now: Instant) {
        let mut table = self.lock();
        let path = table.path(address, zone);
        path.timeouts = path.timeouts.saturating_add(1);
        let timeouts = path.timeouts;
        // Two lost packets are not rare: that is found out at once.
        let gap = match timeouts.checked_sub(limits::DOUBTFUL_AFTER + 1) {
            None => Duration::ZERO,
            Some(more) => (limits::PROBE_FIRST * (1 << more.min(16))).min(limits::PROBE_LAST),
        };
        path.probe_at = now + gap;
        // One who has answered before may have lost a packet.
        let never_heard = table.hosts.get(&address).is_none_or(|host| host.rtt.is_none());
        if never_heard || timeouts >= limits::DOUBTFUL_AFTER {
            table.silent(address);
        }
    }

    /// The network cannot reach it.
    pub fn unreachable(&self, address: SocketAddr, zone: &OwnedName, now: Instant) {
        let mut table = self.lock();
        let path = table.path(address, zone);
        path.timeouts = path.timeouts.max(limits::DEAD_AFTER);
        path.probe_at = now + limits::PROBE_UNREACHABLE;
        table.silent(address);
    }

    /// It does not serve the zone.
    pub fn lame(&self, address: SocketAddr, zone: &OwnedName, now: Instant) {
        self.lock().path(address, zone).lame_until = now + limits::QUIRK_TIME;
    }

    /// It is to be probed now; nobody else need do it.
    pub fn probed(&self, address: SocketAddr, zone: &OwnedName, now: Instant) {
        self.lock().path(address, zone).probe_at = now + limits::PROBE_FIRST;
    }

    /// Until then it counts as one that does not understand EDNS (RFC 6891 §7).
    pub fn without_edns(&self, address: SocketAddr, until: Instant) {
        self.host(address, |host| host.no_edns_until = until);
    }

    fn host(&self, address: SocketAddr, change: impl FnOnce(&mut Host)) {
        change(self.lock().hosts.entry(address, Host::default));
    }

    /// All that is known.
    pub fn states(&self, now: Instant) -> Vec<ServerState> {
        let table = self.lock();
        let state = |(&(address, _), path): (&(SocketAddr, u64), &Path)| {
            let default = Host::default();
            let host = table.hosts.get(&address).unwrap_or(&default);
            let quirks = [
                (host.no_edns_until > now, "no EDNS"),
                (host.no_case_until > now, "folds case"),
                (host.tcp_until > now, "TCP only"),
                (host.cookie.is_whole(), "cookie"),
            ];
            ServerState {
                address,
                zone: path.zone.clone(),
                rtt: path.rtt.map(|rtt| rtt.smoothed),
                timeouts: path.timeouts,
                state: match table.ranked(address, &path.zone, now).rank {
                    Rank::Alive(_) => "alive",
                    Rank::Unknown => "unknown",
                    Rank::Doubtful => "doubtful",
                    Rank::Lame => "lame",
                    Rank::Dead => "dead",
                },
                quirks: quirks.into_iter().filter_map(|(is, quirk)| is.then_some(quirk)).collect(),
            }
        };
        table.paths.iter().map(state).collect()
    }
}

impl Table {
    fn key(&self, address: SocketAddr, zone: &OwnedName) -> (SocketAddr, u64) {
        (address, self.hasher.hash_one(zone))
    }

    fn path(&mut self, address: SocketAddr, zone: &OwnedName) -> &mut Path {
        let key = self.key(address, zone);
        self.paths.entry(key, || Path {
            zone: zone.clone(),
            rtt: None,
            timeouts: 0,
            probe_at: Instant::ZERO,
            lame_until: Instant::ZERO,
        })
    }

    /// What is measured, if it still holds, and the timeouts since.
    fn timing(&self, address: SocketAddr, zone: &OwnedName, now: Instant) -> (Option<Rtt>, u8) {
        let path = self.paths.get(&self.key(address, zone));
        let holds = |rtt: &Rtt| now.since(rtt.measured) < limits::RTT_KEPT;
        let own = path.and_then(|path| path.rtt).filter(holds);
        let rtt = own.or_else(|| self.hosts.get(&address)?.rtt.filter(holds));
        (rtt, path.map_or(0, |path| path.timeouts))
    }

    fn ranked(&self, address: SocketAddr, zone: &OwnedName, now: Instant) -> Ranked {
        let (rtt, timeouts) = self.timing(address, zone, now);
        let path = self.paths.get(&self.key(address, zone));
        let [v4, v6] = &self.families;
        let (own, other) = if address.is_ipv4() { (v4, v6) } else { (v6, v4) };
        let rank = if timeouts >= limits::DEAD_AFTER {
            Rank::Dead
        } else if path.is_some_and(|path| path.lame_until > now) {
            Rank::Lame
        } else if timeouts >= limits::DOUBTFUL_AFTER || own.is_broken() && !other.is_broken() {
            Rank::Doubtful
        } else {
            rtt.map_or(Rank::Unknown, |rtt| Rank::Alive(rtt.smoothed))
        };
        let probe_due = timeouts >= limits::DOUBTFUL_AFTER && path.is_some_and(|path| path.probe_at <= now);
        Ranked { address, rank, probe_due }
    }

    /// Notes that a network does not answer.
    fn silent(&mut self, address: SocketAddr) {
        let network = match address.ip() {
            IpAddr::V4(address) => u64::from(u32::from(address) >> 8),
            IpAddr::V6(address) => (u128::from(address) >> 80) as u64,
        };
        let silent = &mut self.families[usize::from(address.is_ipv6())].silent;
        if silent.len() < limits::SILENT_NETWORKS && !silent.contains(&network) {
            silent.push(network);
        }
    }
}

/// RFC 6298 §2.3.
fn smooth(rtt: Option<Rtt>, took: Duration, now: Instant) -> Rtt {
    match rtt.filter(|rtt| now.since(rtt.measured) < limits::RTT_KEPT) {
        None => Rtt { smoothed: took, variation: took / 2, measured: now },
        Some(Rtt { smoothed, variation, .. }) => Rtt {
            smoothed: (smoothed * 7 + took) / 8,
            variation: (variation * 3 + smoothed.abs_diff(took)) / 4,
            measured: now,
        },
    }
}
