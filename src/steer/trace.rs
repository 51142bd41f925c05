//! How a choice came about. The same code chooses with somebody told and with nobody, which costs nothing.

use super::route::Route;
use super::sections::{Far, Reasons};
use super::{Choice, Client, Cursor, Draw, Family, Policy};
use crate::health::{MemberId, Table};
use crate::zone::SteerId;

/// Who is told.
pub(super) trait Trace {
    /// A route has decided for a client, alike for a prefix of so many bits; so deep within others.
    fn decided(&mut self, policy: &Policy, depth: usize, route: &Route, client: &Client, bits: u8);

    /// The route that decided last has drawn this pool or route by weight, for a prefix of so many bits of the client.
    fn drawn<'n>(&mut self, name: impl FnOnce() -> &'n str, client: &Client, bits: u8);

    /// What follows has weight 0: it serves when nothing else does.
    fn spare(&mut self);

    /// These pools are looked at, in this order.
    fn chained(&mut self, pools: &[u16]);
}

/// Nobody.
pub(super) struct NoTrace;

impl Trace for NoTrace {
    fn decided(&mut self, _: &Policy, _: usize, _: &Route, _: &Client, _: u8) {}

    fn drawn<'n>(&mut self, _: impl FnOnce() -> &'n str, _: &Client, _: u8) {}

    fn spare(&mut self) {}

    fn chained(&mut self, _: &[u16]) {}
}

/// What a route decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Routed {
    /// How deep it is within others.
    pub depth: usize,
    /// Whether it has weight 0 in the one that leads to it.
    pub spare: bool,
    /// Its name.
    pub route: String,
    /// Which of its rules held, counted from 1, and where that is written; for the fallback alone none, and where the route is.
    pub rule: (Option<usize>, String),
    /// Whose turn a draw by weight made it.
    pub drawn: Option<String>,
    /// The widest prefix around the client for which it decides so.
    pub bits: u8,
    /// What its decision knows of where the client is, from whom, and what it asks for that nobody says; empty where it does not ask.
    pub located: Vec<String>,
    /// The pools of a rule that takes the nearest, in that order: name, kilometres, as what they count by the bias, and whether it is among
    /// those that are tried. Empty where the place is not known.
    pub distances: Vec<(String, u32, u32, bool)>,
}

/// All of it.
#[derive(Default)]
struct Recorder {
    spare: bool,
    routed: Vec<Routed>,
    pools: Vec<u16>,
}

impl Trace for Recorder {
    fn decided(&mut self, policy: &Policy, depth: usize, route: &Route, client: &Client, bits: u8) {
        let Reasons { rule, located, distances } = route.sections.reasons(client);
        let (name, rules) = &route.written;
        let written = rule.and_then(|rule| rules.get(rule)).unwrap_or(name);
        let far = |Far { pool, kilometres, counted, is_taken }: Far| {
            let pool = policy.name_of(route.steps[usize::from(pool)]).to_owned();
            (pool, kilometres as u32, counted as u32, is_taken)
        };
        self.routed.push(Routed {
            depth,
            spare: self.spare,
            route: route.name.clone(),
            rule: (rule.map(|rule| rule + 1), written.clone()),
            drawn: None,
            bits: client.scope(bits),
            located,
            distances: distances.into_iter().map(far).collect(),
        });
    }

    fn drawn<'n>(&mut self, name: impl FnOnce() -> &'n str, client: &Client, bits: u8) {
        if let Some(last) = self.routed.last_mut() {
            last.drawn = Some(name().to_owned());
            last.bits = last.bits.max(client.scope(bits));
        }
    }

    fn spare(&mut self) {
        self.spare = true;
    }

    fn chained(&mut self, pools: &[u16]) {
        self.pools = pools.to_vec();
    }
}

/// A pool that was looked at.
#[derive(Debug)]
pub struct Looked<'p> {
    /// Its name.
    pub pool: &'p str,
    /// How it stands for the family asked for.
    pub stands: Stands,
    /// Its members, of both families; none of a CNAME.
    pub members: Vec<MemberId>,
}

/// How a pool stands for a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It can be answered from.
    Up,
    /// The same, but its members that are up have weight 0, or have shed all of it.
    Weightless,
    /// It has no member of the family, and is up for the other.
    OtherFamily,
    /// Too few of its members are up.
    Down,
}

/// A choice, and how it came about.
#[derive(Debug)]
pub struct Explanation<'p> {
    /// What is chosen, without taking a turn.
    pub choice: Choice<'p>,
    /// What each route on the way decided, in order.
    pub routed: Vec<Routed>,
    /// The pools that are looked at, in order, with their members.
    pub pools: Vec<Looked<'p>>,
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
        let Recorder { routed, pools, .. } = recorder;
        let pools = pools.into_iter().map(|pool| {
            let pool = &self.pools[usize::from(pool)];
            let members = pool.members().map(|member| MemberId(member as u32)).collect();
            let standing = |member: usize| health.get(MemberId(member as u32));
            let is_up = |family, weightless| pool.is_up(&self.members, family, standing, weightless);
            let other = || !pool.has(&self.members, family);
            let stands = match pool.alias().is_some() || is_up(family, false) {
                true => Stands::Up,
                false if is_up(family, true) => Stands::Weightless,
                false if other() && [false, true].into_iter().any(|pass| is_up(family.other(), pass)) => {
                    Stands::OtherFamily
                }
                false => Stands::Down,
            };
            Looked { pool: &pool.name, stands, members }
        });
        Some(Explanation { choice, routed, pools: pools.collect(), ttl: target.ttl })
    }
}
