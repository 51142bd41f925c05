//! Whom to ask: the best of a delegation's servers, and beside it now and then another, to learn what that one is worth without
//! anybody waiting for it.

use super::Transport;
use super::servers::{Rank, Ranked};
use super::task::{Again, Visit};
use crate::limits;
use rand_chacha::rand_core::Rng;
use std::net::SocketAddr;
use std::time::Duration;

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Whom to ask and wait for.
    pub ask: Again,
    /// Whom to ask besides.
    pub probe: Option<SocketAddr>,
}

/// Chooses among the servers of a visit; none when no one is of use any more.
pub(super) fn choose(servers: &[Ranked], visit: &Visit, rng: &mut impl Rng) -> Option<Choice> {
    // The order decides among equals: it is random, so that nobody is a fixed target.
    let start = if servers.is_empty() { 0 } else { rng.next_u32() as usize % servers.len() };
    let usable = || {
        let (after, before) = (servers[start..].iter(), servers[..start].iter());
        after.chain(before).filter_map(|server| Some((server, attempts(server, visit)?)))
    };
    let (best, attempts) = usable().min_by_key(|(server, attempts)| score(server.rank, *attempts))?;
    // Two datagrams lost: perhaps datagrams are what is lost.
    let transport = if attempts >= limits::ATTEMPTS_PER_SERVER - 1 { Transport::Tcp } else { Transport::Udp };
    let ask = Again { server: best.address, transport, confirms: false, plain: false };
    let probe = match best.rank {
        Rank::Alive(_) if attempts == 0 => {
            let chance = rng.next_u32();
            let others = usable().filter(|(server, _)| server.address != best.address);
            others.map(|(server, _)| server).find(|server| worth_a_probe(server, chance))
        }
        _ => None,
    };
    Some(Choice { ask, probe: probe.map(|server| server.address) })
}

/// How often a server was asked in this visit; none when it may not be asked again.
fn attempts(server: &Ranked, visit: &Visit) -> Option<u8> {
    let attempts = visit.attempts(server.address)?;
    // RFC 9520 §2.2: who is dead is not asked again and again.
    let dead = server.rank == Rank::Dead;
    (!dead || attempts == 0 && visit.tried_count() < limits::DEAD_PER_VISIT).then_some(attempts)
}

/// The less the better. One lost packet says little: a server is asked a second time before one is that is less than twice as fast,
/// or that may not answer at all.
fn score(rank: Rank, attempts: u8) -> (u8, Duration) {
    match rank {
        Rank::Alive(rtt) if attempts < 2 => (0, rtt * (1 + u32::from(attempts))),
        Rank::Alive(rtt) => (3, rtt),
        Rank::Unknown => (1 + 2 * attempts, Duration::ZERO),
        Rank::Doubtful => (2 + 2 * attempts, Duration::ZERO),
        Rank::Lame => (5 + 2 * attempts, Duration::ZERO),
        Rank::Dead => (6, Duration::ZERO),
    }
}

fn worth_a_probe(server: &Ranked, chance: u32) -> bool {
    match server.rank {
        Rank::Unknown => chance.is_multiple_of(4),
        // One that was slow may have become fast.
        Rank::Alive(_) => chance.is_multiple_of(64),
        Rank::Doubtful | Rank::Dead => server.probe_due || chance.is_multiple_of(256),
        Rank::Lame => false,
    }
}
