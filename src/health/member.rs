//! What members are: what follows for them from their endpoints, and from what operators said.

use super::memory::Aged;
use super::overrides::{self, Override};
use super::text::time;
use super::{Formula, Health, MemberId, Standing, State, Watch, What, ZoneWatch};
use crate::clock::Instant;
use crate::wire::Name;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// A zone that is watched.
pub(super) struct Zone {
    watch: ZoneWatch,
    name: String,
    members: Vec<Member>,
}

/// A member, its formula in terms of endpoints.
struct Member {
    node: Node,
    /// Which endpoint reports its load, and the marks.
    shed: Option<(u32, f64, f64)>,
    state: State,
    since: Instant,
}

/// A [`Formula`] of endpoints by their place.
enum Node {
    Always,
    Endpoint(u32, String),
    AtLeast(usize, Vec<Node>),
    Not(Box<Node>),
}

impl Node {
    /// The place of the endpoint that a check of this name asks, if there is one.
    fn named(&self, name: &str) -> Option<u32> {
        match self {
            Node::Endpoint(index, own) => (own == name).then_some(*index),
            Node::AtLeast(_, of) => of.iter().find_map(|part| part.named(name)),
            Node::Not(part) => part.named(name),
            Node::Always => None,
        }
    }

    /// Adds the places of its endpoints.
    fn endpoints(&self, places: &mut Vec<u32>) {
        match self {
            Node::Always => (),
            Node::Endpoint(index, _) => places.push(*index),
            Node::AtLeast(_, of) => of.iter().for_each(|part| part.endpoints(places)),
            Node::Not(part) => part.endpoints(places),
        }
    }
}

/// A member as it is shown.
pub struct MemberView<'h> {
    health: &'h Health,
    zone: &'h Zone,
    watch: &'h Watch,
    member: &'h Member,
    id: MemberId,
    now: Instant,
}

impl Zone {
    /// The address that a member serves at.
    pub fn serves_at(&self, member: usize) -> Option<std::net::IpAddr> {
        Some(self.watch.members.get(member)?.address)
    }

    /// Its members with the zone's name.
    pub fn watches(&self) -> impl Iterator<Item = (&str, &Watch)> {
        self.watch.members.iter().map(|watch| (self.name.as_str(), watch))
    }
}

impl Health {
    /// Replaces all that is watched. Endpoints that stay keep what is known of them, new ones are asked soon; the tables say what is
    /// known when this returns.
    pub fn watch(&mut self, now: Instant, zones: Vec<ZoneWatch>) {
        let before = std::mem::take(&mut self.zones).into_iter();
        let mut before: HashMap<String, Zone> = before.map(|zone| (zone.name.clone(), zone)).collect();
        self.slots.iter_mut().flatten().for_each(|slot| slot.uses.clear());
        let (mut fresh, mut used) = (0, Vec::new());
        for (z, watch) in (0..).zip(zones) {
            let name = watch.apex.to_string();
            let members = match before.remove(&name) {
                Some(old) if Arc::ptr_eq(&old.watch.members, &watch.members) => old.members,
                old => self.members_of(now, &name, &watch, old, &mut fresh),
            };
            for (m, member) in (0..).zip(&members) {
                used.clear();
                member.node.endpoints(&mut used);
                used.extend(member.shed.map(|(index, ..)| index));
                used.sort_unstable();
                used.dedup();
                for index in &used {
                    if let Some(slot) = &mut self.slots[*index as usize] {
                        slot.uses.push((z, m));
                    }
                }
            }
            self.zones.push(Zone { watch, name, members });
        }
        self.recalled.clear();
        self.aged.clear();
        self.drop_unused();
        self.refresh_all(now);
    }

    /// The members of a zone, those that there were before as they were.
    fn members_of(
        &mut self,
        now: Instant,
        name: &str,
        watch: &ZoneWatch,
        old: Option<Zone>,
        fresh: &mut u32,
    ) -> Vec<Member> {
        let mut before = HashMap::new();
        if let Some(old) = &old {
            let watches = old.watch.members.iter().zip(&old.members);
            before.extend(watches.map(|(watch, member)| ((&watch.pool, &watch.member), member)));
        }
        let member = |watched: &Watch| {
            let before = before.get(&(&watched.pool, &watched.member)).copied();
            let node = self.compile(&watched.formula, now, fresh, before.map(|before| &before.node));
            let shed = watched.shed.as_ref();
            let was = before.and_then(|before| before.shed).map(|(index, ..)| index);
            let shed = shed.map(|(target, low, high)| (self.endpoint(target, now, fresh, was), *low, *high));
            if let Some(Member { state, since, .. }) = before {
                return Member { node, shed, state: *state, since: *since };
            }
            // One that is new is what it is, and that is no flip.
            let (standing, over) = self.standing(name, watched, &node, shed, now);
            // One that changes nothing is not why it is so.
            let over = over.filter(|_| self.judge(&node, now).0 != standing.state);
            let since = over.map(|over| Instant::from_secs(over.since.saturating_sub(self.epoch)));
            let aged = self.aged_of(name, watched, standing.state);
            let since = aged.or(since).unwrap_or_else(|| self.since(&node, now));
            Member { node, shed, state: standing.state, since }
        };
        watch.members.iter().map(member).collect()
    }

    /// A formula in terms of endpoints. Those that are new begin as the ones of the same name did in what it was `before`.
    fn compile(&mut self, formula: &Formula, now: Instant, fresh: &mut u32, before: Option<&Node>) -> Node {
        let mut compile = |part: &Formula| self.compile(part, now, fresh, before);
        match formula {
            Formula::Always => Node::Always,
            Formula::AtLeast(needed, of) => Node::AtLeast(*needed, of.iter().map(compile).collect()),
            Formula::Not(part) => Node::Not(Box::new(compile(part))),
            Formula::Endpoint(target, name) => {
                let before = before.and_then(|before| before.named(name));
                Node::Endpoint(self.endpoint(target, now, fresh, before), name.clone())
            }
        }
    }

    /// What a formula comes to, in three values (Kleene's), and for how many seconds it is taken to stay so.
    fn judge(&self, node: &Node, now: Instant) -> (State, u16) {
        match node {
            Node::Always => (State::Up, u16::MAX),
            Node::Endpoint(index, _) => {
                let Some(slot) = &self.slots[*index as usize] else { return (State::Up, u16::MAX) };
                let hold = match &slot.pushed {
                    Some(pushed) => u16::try_from(pushed.until.since(now).as_secs())
                        .unwrap_or(u16::MAX - 1)
                        .min(u16::MAX - 1),
                    None => slot.endpoint.hold(),
                };
                (slot.endpoint.state, hold)
            }
            Node::Not(part) => {
                let (state, hold) = self.judge(part, now);
                let state = match state {
                    State::Up => State::Down,
                    State::Down => State::Up,
                    State::Unknown => State::Unknown,
                };
                (state, hold)
            }
            Node::AtLeast(needed, of) => {
                let parts = of.iter().map(|part| self.judge(part, now));
                let (mut up, mut down, mut hold) = (0, 0, u16::MAX);
                for (state, part) in parts {
                    up += usize::from(state == State::Up);
                    down += usize::from(state == State::Down);
                    hold = hold.min(part);
                }
                let state = if up >= *needed {
                    State::Up
                } else if of.len() - down < *needed {
                    State::Down
                } else {
                    State::Unknown
                };
                (state, hold)
            }
        }
    }

    /// Since when a formula has come to what it comes to, as far as its endpoints tell.
    fn since(&self, node: &Node, now: Instant) -> Instant {
        match node {
            Node::Endpoint(index, _) => {
                self.slots[*index as usize].as_ref().map_or(now, |slot| slot.endpoint.since)
            }
            Node::Not(part) => self.since(part, now),
            Node::AtLeast(needed, of) => {
                let state = self.judge(node, now).0;
                let parts = of.iter().filter(|part| self.judge(part, now).0 == state);
                let mut times: Vec<Instant> = parts.map(|part| self.since(part, now)).collect();
                times.sort_unstable();
                // The one that made the number full; parts that came into that state later have changed nothing.
                let full = match state {
                    State::Up => *needed,
                    State::Down => (of.len() + 1).saturating_sub(*needed),
                    State::Unknown => times.len(),
                };
                times.get(full.saturating_sub(1)).copied().unwrap_or(now)
            }
            Node::Always => now,
        }
    }

    /// Since when a member was in this state that was known before a restart.
    fn aged_of(&self, zone: &str, watch: &Watch, state: State) -> Option<Instant> {
        if self.aged.is_empty() {
            return None;
        }
        let names = [zone.to_owned(), watch.pool.clone(), watch.member.clone()];
        self.aged.get(&names).filter(|(known, _)| *known == state).map(|(_, since)| *since)
    }

    /// Members of which their endpoints do not tell since when they are as they are.
    pub(super) fn aged(&self, now: Instant) -> Vec<Aged> {
        let of_zone = |zone: &Zone| {
            let members = zone.watch.members.iter().zip(&zone.members);
            let untold = members.filter(|(_, member)| {
                let is_known = member.state != State::Unknown && !matches!(member.node, Node::Always);
                is_known && self.since(&member.node, now) != member.since
            });
            let aged = untold.map(|(watch, member)| {
                ([zone.name.clone(), watch.pool.clone(), watch.member.clone()], member.state, member.since)
            });
            aged.collect::<Vec<_>>()
        };
        self.zones.iter().flat_map(of_zone).collect()
    }

    /// Why a formula comes to a state, in the words of the endpoints that have a part in it.
    fn reason(&self, node: &Node, state: State) -> String {
        if let Node::Always = node {
            return "nothing checks it".into();
        }
        let mut words = Vec::new();
        self.words(node, &mut words);
        words.retain(|(of, _)| *of == state);
        let mut texts: Vec<String> = words.into_iter().map(|(_, text)| text).collect();
        let more = texts.len().saturating_sub(3);
        texts.truncate(3);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        format!("{}{more}", texts.join(", "))
    }

    fn words(&self, node: &Node, words: &mut Vec<(State, String)>) {
        match node {
            Node::Always => (),
            Node::Endpoint(index, name) => {
                let Some(slot) = &self.slots[*index as usize] else { return };
                let endpoint = &slot.endpoint;
                let error = endpoint.last_error.as_deref();
                let text = match endpoint.state {
                    State::Up => format!("{name} succeeds"),
                    State::Down => match endpoint.hope() {
                        Some((times, needed)) => {
                            format!("{name} succeeds again, {times} of {needed} times in a row")
                        }
                        None => format!("{name}: {}", error.unwrap_or("it was down before")),
                    },
                    State::Unknown => format!("{name}: {}", error.unwrap_or("not known yet")),
                };
                words.push((endpoint.state, text));
            }
            Node::Not(part) => {
                let at = words.len();
                self.words(part, words);
                for (state, text) in &mut words[at..] {
                    *state = match *state {
                        State::Up => State::Down,
                        State::Down => State::Up,
                        State::Unknown => State::Unknown,
                    };
                    text.insert_str(0, "not: ");
                }
            }
            Node::AtLeast(_, of) => of.iter().for_each(|part| self.words(part, words)),
        }
    }

    /// Writes anew how the members stand that use an endpoint.
    pub(super) fn refresh_users(&mut self, now: Instant, index: u32) {
        let Some(slot) = &mut self.slots[index as usize] else { return };
        let uses = std::mem::take(&mut slot.uses);
        for (zone, member) in &uses {
            self.refresh(now, *zone as usize, *member as usize);
        }
        if let Some(slot) = &mut self.slots[index as usize] {
            slot.uses = uses;
        }
    }

    /// The same for all.
    pub(super) fn refresh_all(&mut self, now: Instant) {
        for zone in 0..self.zones.len() {
            for member in 0..self.zones[zone].members.len() {
                self.refresh(now, zone, member);
            }
        }
    }

    fn refresh(&mut self, now: Instant, zone: usize, index: usize) {
        let place = &self.zones[zone];
        let (watch, member) = (&place.watch.members[index], &place.members[index]);
        let (standing, over) = self.standing(&place.name, watch, &member.node, member.shed, now);
        let from = member.state;
        let since = if standing.state == from { member.since } else { now };
        let since = self.unix(since) as u32;
        place.watch.table.set(MemberId(index as u32), Standing { since, ..standing });
        if standing.state == from {
            return;
        }
        let why = self.why(&member.node, standing.state, over);
        let what = What::Flip {
            zone: place.name.clone(),
            pool: watch.pool.clone(),
            member: watch.member.clone(),
            address: watch.address,
            from,
            to: standing.state,
            why: why.clone(),
        };
        let member = &mut self.zones[zone].members[index];
        (member.state, member.since) = (standing.state, now);
        self.note(now, what);
    }

    /// How a member stands, and by which override if one says so.
    fn standing(
        &self,
        zone: &str,
        watch: &Watch,
        node: &Node,
        shed: Option<(u32, f64, f64)>,
        now: Instant,
    ) -> (Standing, Option<&Override>) {
        let (state, hold) = self.judge(node, now);
        let load = |(index, low, high): (u32, f64, f64)| {
            let load = self.slots[index as usize].as_ref()?.load(now)?;
            Some(share(load, low, high))
        };
        let share = shed.and_then(load).unwrap_or(Standing::WHOLE);
        let checked = Standing { state, share, hold, ..Standing::UNCHECKED };
        let over = self.override_of(zone, watch);
        (over.map_or(checked, |over| over.apply(checked, self.unix(now))), over)
    }

    /// Why it stands so.
    fn why(&self, node: &Node, state: State, over: Option<&Override>) -> String {
        match over.filter(|over| over.kind != overrides::Kind::Drain) {
            Some(over) => over.reason(),
            None => self.reason(node, state),
        }
    }

    /// The pattern of an override that holds a member of this one, which no override has itself.
    pub fn held_by(&self, pattern: &str) -> Option<&str> {
        let mut all = self.zones.iter().flat_map(Zone::watches);
        all.find_map(|(zone, watch)| {
            let held = overrides::holds(pattern, zone, watch).then(|| self.override_of(zone, watch))?;
            Some(held?.pattern.as_str())
        })
    }

    /// The override in force for a member: the last one set.
    fn override_of(&self, zone: &str, watch: &Watch) -> Option<&Override> {
        self.overrides.iter().rev().find(|over| overrides::holds(&over.pattern, zone, watch))
    }

    /// All members, in the order of zones and pools.
    pub fn members(&self, now: Instant) -> impl Iterator<Item = MemberView<'_>> {
        self.zones.iter().flat_map(move |zone| {
            let all = zone.watch.members.iter().zip(&zone.members).enumerate();
            all.map(move |(index, (watch, member))| {
                let id = MemberId(index as u32);
                MemberView { health: self, zone, watch, member, id, now }
            })
        })
    }

    /// One member; none when nothing watches it.
    pub fn member(&self, now: Instant, zone: Name<'_>, id: MemberId) -> Option<MemberView<'_>> {
        let zone = self.zones.iter().find(|place| place.watch.apex.as_name() == zone)?;
        let index = id.0 as usize;
        let (watch, member) = (zone.watch.members.get(index)?, zone.members.get(index)?);
        Some(MemberView { health: self, zone, watch, member, id, now })
    }
}

/// How much of its weight a member gets, in sixteenths: all up to the low mark, nothing from the high one on.
fn share(load: f64, low: f64, high: f64) -> u8 {
    let whole = f64::from(Standing::WHOLE);
    let left = if load <= low { 1.0 } else { ((high - load) / (high - low)).clamp(0.0, 1.0) };
    // Something until the high mark is reached.
    (left * whole).ceil() as u8
}

impl MemberView<'_> {
    /// Whether it is one of a pattern: see [`Override::pattern`].
    pub fn matches(&self, pattern: &str) -> bool {
        overrides::holds(pattern, &self.zone.name, self.watch)
    }

    /// For people and scripts: how it stands and why, its endpoints, and what an operator said.
    pub fn to_json(&self) -> Value {
        let Standing { state, drained, share, hold, .. } = self.zone.watch.table.get(self.id);
        let over = self.health.override_of(&self.zone.name, self.watch);
        let mut endpoints = Vec::new();
        self.endpoints(&self.member.node, &mut endpoints);
        // As it is now: what it came into this state for may be another matter.
        let (since, why) = match over.filter(|_| drained) {
            Some(over) => (over.since, over.reason()),
            None => (self.health.unix(self.member.since), self.health.why(&self.member.node, state, over)),
        };
        json!({
            "zone": self.zone.name,
            "pool": self.watch.pool,
            "member": self.watch.member,
            "address": self.watch.address.to_string(),
            "standing": if drained { "drained".into() } else { state.to_string() },
            "state": state.to_string(),
            "since": time(since),
            "why": why,
            "share": share,
            "hold": (hold != u16::MAX).then_some(hold),
            "override": over.map(Override::to_json),
            "endpoints": endpoints,
        })
    }

    fn endpoints(&self, node: &Node, rows: &mut Vec<Value>) {
        match node {
            Node::Always => (),
            Node::Not(part) => self.endpoints(part, rows),
            Node::AtLeast(_, of) => of.iter().for_each(|part| self.endpoints(part, rows)),
            Node::Endpoint(index, name) => {
                let Some(slot) = &self.health.slots[*index as usize] else { return };
                let endpoint = &slot.endpoint;
                rows.push(json!({
                    "check": name,
                    "address": slot.target.address.to_string(),
                    "state": endpoint.state.to_string(),
                    "since": time(self.health.unix(endpoint.since)),
                    "confirming": endpoint.is_doubted(),
                    "flapping": endpoint.loss.is_flapping(self.now),
                    "loss_percent": (endpoint.loss.share() * 100.0).round(),
                    "last_error": endpoint.last_error,
                    "took_ms": endpoint.last_success.as_ref().map(|(took, _)| took.as_millis() as u64),
                    "note": endpoint.last_success.as_ref().and_then(|(_, note)| note.clone()),
                    "load": slot.load(self.now),
                }));
            }
        }
    }
}
