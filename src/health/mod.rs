//! What is up. An *endpoint* is an address and a check that is made of it, asked once however many pools want to know. What a *member* of a
//! pool is follows from its endpoints (a formula), from what an operator said of it (an override), and from the load it reports; it stands
//! in a [`Table`] as one atomic word, which is all that answering reads.
//!
//! [`Health`] is pure: it says whom to ask and when, and is told what came of it. The driver is in `net`.

mod endpoint;
mod event;
mod formula;
mod loss;
mod member;
mod memory;
mod outcome;
mod overrides;
mod push;
mod table;
mod text;
mod witness;

pub use event::{Event, What};
pub use formula::{Formula, Target, Watch, ZoneWatch};
pub use member::MemberView;
pub use memory::Kept;
pub use outcome::{Failure, Fault, Outcome};
pub use overrides::{Kind, Override, OverrideError};
pub use push::{Report, ReportError};
pub use table::{MemberId, Standing, State, Table};
pub use text::time;

use crate::clock::Instant;
use crate::config::Probe;
use crate::limits;
use endpoint::{Endpoint, Verdict};
use member::Zone;
use memory::Recalled;
use push::Pushed;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;
use witness::Witness;

/// An endpoint to be asked now.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Whose outcome it will be.
    pub probe: ProbeId,
    /// Whom to ask what.
    pub target: Target,
    /// How long it may take.
    pub timeout: Duration,
}

/// One probe of one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProbeId {
    endpoint: u32,
    round: u64,
}

/// Everything that is watched.
#[derive(Default)]
pub struct Health {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    by_target: HashMap<Target, u32>,
    /// Endpoints by when something is to be done.
    queue: BTreeSet<(Instant, u32)>,
    zones: Vec<Zone>,
    overrides: Vec<Override>,
    witness: Witness,
    /// When witnesses were asked last.
    witnessed: Instant,
    /// Endpoints that are not known yet.
    unsettled: usize,
    history: VecDeque<Event>,
    fresh: VecDeque<Event>,
    counts: BTreeMap<&'static str, u64>,
    recalled: HashMap<u64, Recalled>,
    /// Members that were known before a restart, by zone, pool and id: their state, and since when.
    aged: HashMap<[String; 3], (State, Instant)>,
    rounds: u64,
    /// State of the jitter.
    random: u64,
    /// Unix seconds at [`Instant::ZERO`].
    epoch: u64,
}

/// An endpoint, and who wants to know.
struct Slot {
    target: Target,
    /// By which it is known over a restart.
    key: u64,
    endpoint: Endpoint,
    /// What it reported, where it does.
    pushed: Option<Pushed>,
    /// Members by zone and place.
    uses: Vec<(u32, u32)>,
}

impl Health {
    /// Nothing is watched yet. `epoch` is the Unix time, in seconds, at [`Instant::ZERO`].
    pub fn new(seed: u64, epoch: u64) -> Health {
        Health { random: seed, epoch, ..Health::default() }
    }

    /// A number in 0..1.
    fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Unix seconds at a time, as events and overrides are dated: whatever the machine's clock is set to meanwhile.
    pub fn unix(&self, at: Instant) -> u64 {
        self.epoch + at.as_secs()
    }

    /// The endpoint of a target, with its state if there is one; a new one is asked soon, and until then is as the one whose place it takes.
    fn endpoint(&mut self, target: &Target, now: Instant, fresh: &mut u32, before: Option<u32>) -> u32 {
        if let Some(index) = self.by_target.get(target) {
            return *index;
        }
        let reports = matches!(target.check.probe, Probe::Push(_));
        let pace = target.check.pace;
        let wait = limits::FIRST_PROBE_GAP * *fresh;
        // The second probes come as if all had been asked for ever: what is left of an interval that began at any time.
        let left = (pace.interval + pace.jitter().mul_f64(self.random())).mul_f64(self.random());
        let mut second = pace.interval / 2 + left;
        while second < wait + pace.interval / 2 {
            second += pace.interval + pace.jitter().mul_f64(self.random());
        }
        let offset = second.saturating_sub(wait);
        let mut endpoint = Endpoint::new(pace, now, now + wait, offset);
        let key = memory::key(target);
        let before = before.and_then(|index| self.slots[index as usize].as_ref());
        let recalled = self.recalled.remove(&key).or_else(|| before.map(Recalled::of));
        let load = recalled.as_ref().and_then(|recalled| recalled.load);
        if let Some(recalled) = recalled {
            recalled.give(&mut endpoint);
        }
        let pushed = Pushed::of(&target.check.probe, now, load);
        if let Some(pushed) = &pushed {
            (endpoint.settled, endpoint.due) = (true, pushed.until);
        }
        let due = endpoint.due;
        if !reports {
            *fresh += 1;
            self.unsettled += 1;
        }
        let slot = Slot { target: target.clone(), key, endpoint, pushed, uses: Vec::new() };
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.slots[index as usize] = Some(slot);
        self.by_target.insert(target.clone(), index);
        self.queue.insert((due, index));
        index
    }

    /// Drops endpoints that nobody asks for any more.
    fn drop_unused(&mut self) {
        for index in 0..self.slots.len() {
            let unused = self.slots[index].take_if(|slot| slot.uses.is_empty());
            let Some(slot) = unused else { continue };
            self.unsettled -= usize::from(!slot.endpoint.settled);
            self.by_target.remove(&slot.target);
            self.queue.remove(&(slot.endpoint.due, index as u32));
            self.witness.forget(slot.target.address);
            self.free.push(index as u32);
        }
    }

    /// The next endpoint to ask now.
    pub fn poll(&mut self, now: Instant) -> Option<Ask> {
        loop {
            let (_, index) = self.queue.first().copied().filter(|(due, _)| *due <= now)?;
            let (round, jitter) = (self.rounds + 1, self.random());
            let begun = self.change(now, index, |slot| {
                if slot.pushed.is_some() {
                    return (slot.run_out(now), None);
                }
                match slot.endpoint.begin(now, round, jitter) {
                    Some(timeout) => {
                        let probe = ProbeId { endpoint: index, round: slot.endpoint.round };
                        (Verdict::None, Some(Ask { probe, target: slot.target.clone(), timeout }))
                    }
                    None => (slot.endpoint.missed(now), None),
                }
            });
            self.rounds = round;
            if let Some(ask) = begun.flatten() {
                self.witness.asked(now, ask.target.address);
                let slot = self.slots[index as usize].as_ref();
                if slot.is_some_and(|slot| slot.endpoint.is_decided_soon()) {
                    self.ask_witnesses(now, ask.target.address);
                }
                return Some(ask);
            }
        }
    }

    /// When [`Health::poll`] has something next, or something runs out.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let ends = self.overrides.iter().filter_map(|over| over.until);
        let ends = ends.map(|end| Instant::from_secs(end.saturating_sub(self.epoch)));
        self.queue.first().map(|(due, _)| *due).into_iter().chain(ends).min()
    }

    /// Takes the outcome of a probe. What comes too late, or of an endpoint that is gone, only shows who is alive.
    pub fn handle_outcome(&mut self, now: Instant, probe: ProbeId, outcome: Outcome) {
        let Some(slot) = self.slots.get(probe.endpoint as usize).and_then(Option::as_ref) else { return };
        let address = slot.target.address;
        match &outcome {
            Outcome::Success { .. } => self.heard(now, address, Some(probe.endpoint)),
            Outcome::Failure(Failure { kind: Fault::Endpoint, .. }) => self.heard(now, address, None),
            Outcome::Failure(_) => (),
        }
        if self.is_current(probe) {
            self.change(now, probe.endpoint, |slot| (slot.endpoint.take(now, &outcome), None::<()>));
        }
    }

    /// Whether the outcome of a probe still counts.
    fn is_current(&self, probe: ProbeId) -> bool {
        let slot = self.slots.get(probe.endpoint as usize).and_then(Option::as_ref);
        slot.is_some_and(|slot| slot.endpoint.round == probe.round)
    }

    /// Takes a sign of life. If we were cut off we are no longer: failures until now are forgotten, but not those of an endpoint that has just
    /// succeeded, which knows.
    fn heard(&mut self, now: Instant, address: std::net::IpAddr, succeeded: Option<u32>) {
        self.witness.heard(now, address);
        if !address.is_loopback() && std::mem::take(&mut self.witness.isolated) {
            self.note(now, What::Rejoined);
            let mut at = now;
            for index in (0..self.slots.len() as u32).filter(|index| succeeded != Some(*index)) {
                let may_fail = |slot: &Slot| {
                    let endpoint = &slot.endpoint;
                    endpoint.state == State::Unknown || endpoint.in_question_since().is_some()
                };
                if self.reschedule(index, may_fail, |endpoint| endpoint.forget_failures(at)) {
                    at = at + limits::FIRST_PROBE_GAP;
                }
            }
        }
    }

    /// Asks some others now: whether they answer decides between an endpoint that is down and our own network. Of those that are asked last
    /// in any case, for who is due sooner may be in question itself; first those that are up, for who is down may be so for ever.
    fn ask_witnesses(&mut self, now: Instant, address: std::net::IpAddr) {
        if self.witness.isolated || now.since(self.witnessed) < limits::WITNESS_GAP {
            return;
        }
        self.witnessed = now;
        let mut addresses = HashSet::from([address]);
        let mut others = Vec::new();
        for (_, index) in self.queue.iter().rev().take(limits::WITNESSES_PASSED) {
            let Some(slot) = &self.slots[*index as usize] else { continue };
            let (at, endpoint) = (slot.target.address, &slot.endpoint);
            let may_be_asked = slot.pushed.is_none() && endpoint.in_question_since().is_none();
            if may_be_asked && !at.is_loopback() && addresses.insert(at) {
                others.push((endpoint.state != State::Up, *index));
            }
            if others.len() >= limits::WITNESSES_LOOKED_AT {
                break;
            }
        }
        others.sort_by_key(|(last, _)| *last);
        for (_, index) in others.into_iter().take(limits::WITNESSES_ASKED) {
            self.reschedule(index, |_| true, |endpoint| endpoint.hurry(now));
        }
    }

    /// Has an endpoint that is asked change when it is. Returns whether it passed.
    fn reschedule(
        &mut self,
        index: u32,
        passes: impl Fn(&Slot) -> bool,
        change: impl FnOnce(&mut Endpoint),
    ) -> bool {
        let Some(slot) = self.slots[index as usize].as_mut().filter(|slot| passes(slot)) else {
            return false;
        };
        if slot.pushed.is_none() {
            let before = slot.endpoint.due;
            change(&mut slot.endpoint);
            self.queue.remove(&(before, index));
            self.queue.insert((slot.endpoint.due, index));
        }
        true
    }

    /// Changes an endpoint, and all that follows from it: its verdict, the queue, its members.
    fn change<R>(
        &mut self,
        now: Instant,
        index: u32,
        work: impl FnOnce(&mut Slot) -> (Verdict, R),
    ) -> Option<R> {
        let slot = self.slots.get_mut(index as usize)?.as_mut()?;
        let before = (slot.endpoint.state, slot.endpoint.hold(), slot.load(now));
        let (due, settled) = (slot.endpoint.due, slot.endpoint.settled);
        let (verdict, result) = work(slot);
        let mut isolated = false;
        if let Verdict::Guilty(streak) = verdict {
            let (pace, patience) = (slot.endpoint.pace, slot.endpoint.patience());
            let window = pace.interval + pace.jitter() + limits::CONFIRM_TIMEOUT;
            let faults = streak.faults;
            isolated = !faults.is_own()
                && !faults.is_proven()
                && self.witness.is_no_proof(slot.target.address, &streak, window, patience, now);
            let state = if faults.is_own() || isolated { State::Unknown } else { State::Down };
            slot.endpoint.turn(state, now);
        }
        self.queue.remove(&(due, index));
        self.queue.insert((slot.endpoint.due, index));
        self.unsettled -= usize::from(!settled && slot.endpoint.settled);
        let after = (slot.endpoint.state, slot.endpoint.hold(), slot.load(now));
        if isolated && !std::mem::replace(&mut self.witness.isolated, true) {
            self.note(now, What::Isolated);
        }
        if before != after {
            self.refresh_users(now, index);
        }
        Some(result)
    }

    /// Lets run out what has: overrides. Reports do in [`Health::poll`].
    pub fn handle_timeout(&mut self, now: Instant) {
        let unix = self.unix(now);
        let ended: Vec<Override> =
            self.overrides.extract_if(.., |over| over.until.is_some_and(|until| until <= unix)).collect();
        for over in &ended {
            self.note(now, What::Override(over.line("ran out")));
        }
        if !ended.is_empty() {
            self.refresh_all(now);
        }
    }

    /// Sets an override; one of the same pattern is replaced. Returns for how many members it holds now.
    ///
    /// # Errors
    /// When it holds for nobody, is too long or past, or as many are set as may be.
    pub fn set_override(&mut self, now: Instant, over: Override) -> Result<usize, OverrideError> {
        if over.pattern.len().max(over.why.len()) > limits::OVERRIDE_TEXT {
            return Err(OverrideError::TooLong);
        }
        if over.until.is_some_and(|until| until <= self.unix(now)) {
            return Err(OverrideError::Past);
        }
        let all = self.zones.iter().flat_map(|zone| zone.watches());
        let held = all.filter(|(zone, watch)| overrides::holds(&over.pattern, zone, watch)).count();
        if held == 0 {
            return Err(OverrideError::Nobody(over.pattern.clone(), self.near(&over.pattern)));
        }
        self.overrides.retain(|other| other.pattern != over.pattern);
        if self.overrides.len() >= limits::OVERRIDES {
            return Err(OverrideError::Full);
        }
        self.note(now, What::Override(over.line("is set")));
        self.overrides.push(over);
        self.refresh_all(now);
        Ok(held)
    }

    /// What may have been meant by a pattern that fits nobody.
    fn near(&self, pattern: &str) -> Option<String> {
        let (pool, _) = pattern.split_once('/').unwrap_or((pattern, ""));
        let all = || self.zones.iter().flat_map(|zone| zone.watches());
        let pools = all().map(|(_, watch)| watch.pool.as_str());
        let as_member = all().find(|(_, watch)| watch.member == pattern);
        as_member
            .map(|(_, watch)| format!("did you mean \"{}/{}\"?", watch.pool, watch.member))
            .or_else(|| crate::config::closest(pool, pools))
    }

    /// Ends overrides whose pattern is this, or fits it; where there are none, those that hold no other members than this does. Returns how
    /// many.
    pub fn lift(&mut self, now: Instant, pattern: &str) -> usize {
        let zones = &self.zones;
        let is_named = |over: &Override| over.pattern == pattern || text::fits(pattern, &over.pattern);
        let holds_no_other = |over: &Override| {
            let all = zones.iter().flat_map(|zone| zone.watches());
            let mut held =
                all.filter(|(zone, watch)| overrides::holds(&over.pattern, zone, watch)).peekable();
            held.peek().is_some() && held.all(|(zone, watch)| overrides::holds(pattern, zone, watch))
        };
        let any_named = self.overrides.iter().any(is_named);
        let is_meant = |over: &mut Override| if any_named { is_named(over) } else { holds_no_other(over) };
        let gone: Vec<Override> = self.overrides.extract_if(.., is_meant).collect();
        for over in &gone {
            self.note(now, What::Override(over.line("is lifted")));
        }
        if !gone.is_empty() {
            self.refresh_all(now);
        }
        gone.len()
    }

    /// How many overrides were set, lifted or ran out.
    pub fn override_count(&self) -> u64 {
        self.counts.get("override").copied().unwrap_or_default()
    }

    /// What operators said that is in force.
    pub fn overrides(&self) -> &[Override] {
        &self.overrides
    }

    /// Adds an event: what is known elsewhere too.
    pub fn note(&mut self, now: Instant, what: What) {
        let event = Event { at: self.epoch * 1_000 + now.as_nanos() / 1_000_000, what };
        *self.counts.entry(event.what.kind()).or_default() += 1;
        if self.history.len() >= limits::HEALTH_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(event.clone());
        if self.fresh.len() >= limits::HEALTH_EVENTS {
            // What an operator said is not lost among what follows from it.
            let flip = self.fresh.iter().position(|event| matches!(event.what, What::Flip { .. }));
            self.fresh.remove(flip.unwrap_or(0));
        }
        self.fresh.push_back(event);
    }

    /// How many events of each kind there were.
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// What has happened since this was last asked.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.fresh).into()
    }

    /// What has happened, the oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.history.iter()
    }

    /// Whether every endpoint was asked as often as it takes to know it.
    pub fn is_settled(&self) -> bool {
        self.unsettled == 0
    }

    /// How many endpoints were asked and are not known all the same: what asks them cannot.
    pub fn unknown_count(&self) -> usize {
        let slots = self.slots.iter().flatten().filter(|slot| slot.pushed.is_none());
        slots.filter(|slot| slot.endpoint.settled && slot.endpoint.state == State::Unknown).count()
    }

    /// How many endpoints there are.
    pub fn endpoint_count(&self) -> usize {
        self.by_target.len()
    }
}
