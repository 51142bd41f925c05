//! How a choice came about. The same code chooses with somebody told and with nobody, which costs nothing.

use super::route::Route;
use super::{Choice, Client, Cursor, Draw, Family, Policy};
use crate::health::{MemberId, Table};
use crate::zone::SteerId;

/// Who is told.
pub(super) trait Trace {
    /// A route has decided for a client, alike for a prefix of so many bits; so deep within others.
    fn decided(&mut self, depth: usize, route: &Route, client: &Client, bits: u8);

    /// The route that decided last has drawn this pool or route by weight.
    fn drawn<'n>(&mut self, name: impl FnOnce() -> &'n str);

    /// These pools are looked at, in this order.
    fn chained(&mut self, pools: &[u16]);
}

/// Nobody.
pub(super) struct NoTrace;

impl Trace for NoTrace {
    fn decided(&mut self, _: usize, _: &Route, _: &Client, _: u8) {}

    fn drawn<'n>(&mut self, _: impl FnOnce() -> &'n str) {}

    fn chained(&mut self, _: &[u16]) {}
}

/// What a route decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Routed {
    /// How deep it is within others.
    pub depth: usize,
    /// Its name.
    pub route: String,
    /// Which of its rules held, counted from 1, and where that is written; for the fallback alone none, and where the route is.
    pub rule: (Option<usize>, String),
    /// Whose turn a draw by weight made it.
    pub drawn: Option<String>,
    /// The widest prefix around the client for which it decides so.
    pub bits: u8,
    /// What its decision knows of where the client is, and from whom; empty where it does not ask.
    pub located: Vec<String>,
}

/// All of it.
#[derive(Default)]
struct Recorder {
    routed: Vec<Routed>,
    pools: Vec<u16>,
}

impl Trace for Recorder {
    fn decided(&mut self, depth: usize, route: &Route, client: &Client, bits: u8) {
        // Compiled, it is not known any more which rule it was.
        let rule = route.sections.work_out(client).rule.map(usize::from);
        let (name, rules) = &route.written;
        let written = rule.and_then(|rule| rules.get(rule)).unwrap_or(name);
        self.routed.push(Routed {
            depth,
            route: route.name.clone(),
            rule: (rule.map(|rule| rule + 1), written.clone()),
            drawn: None,
            bits: client.scope(bits),
            located: route.sections.explain(client),
        });
    }

    fn drawn<'n>(&mut self, name: impl FnOnce() -> &'n str) {
        if let Some(last) = self.routed.last_mut() {
            last.drawn = Some(name().to_owned());
        }
    }

    fn chained(&mut self, pools: &[u16]) {
        self.pools = pools.to_vec();
    }
}

/// A choice, and how it came about.
#[derive(Debug)]
pub struct Explanation<'p> {
    /// What is chosen, without taking a turn.
    pub choice: Choice<'p>,
    /// What each route on the way decided, in order.
    pub routed: Vec<Routed>,
    /// The pools that are looked at, in order, with their members.
    pub pools: Vec<(&'p str, Vec<MemberId>)>,
    /// The floor and ceiling of the TTL, in seconds.
    pub ttl: (u32, u32),
}

impl Policy {
    /// Chooses as [`Policy::choose`] does, and tells how. None where there is no such name.
    pub fn explain(
        &self,
        id: SteerId,
        family: Family,
        client: &Client,
        health: &Table,
        now: u64,
    ) -> Option<Explanation<'_>> {
        let target = self.targets.get(id.0 as usize)?;
        let draw = Draw { seed: 0, now, cursor: Cursor::Peek };
        let mut recorder = Recorder::default();
        let choice = self.choose_traced(id, family, client, health, draw, &mut recorder);
        let Recorder { routed, pools } = recorder;
        let pools = pools.into_iter().map(|pool| {
            let pool = &self.pools[usize::from(pool)];
            (pool.name.as_str(), pool.members().map(|member| MemberId(member as u32)).collect())
        });
        Some(Explanation { choice, routed, pools: pools.collect(), ttl: target.ttl })
    }
}
