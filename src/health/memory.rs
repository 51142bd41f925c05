//! Health over a restart: states with their age, overrides, and what has happened.

use super::endpoint::Endpoint;
use super::loss::Loss;
use super::overrides::Override;
use super::{Event, Health, Slot, State, Target, What};
use crate::clock::Instant;
use crate::limits;
use serde_json::{Value, json};
use std::hash::BuildHasher;

/// What was known of an endpoint.
pub(super) struct Recalled {
    state: State,
    since: Instant,
    error: Option<String>,
    loss: Loss,
    /// What it reported of its load.
    pub load: Option<f64>,
}

impl Recalled {
    /// What is known of one.
    pub fn of(slot: &Slot) -> Recalled {
        let Endpoint { state, since, last_error, loss, .. } = &slot.endpoint;
        let load = slot.pushed.as_ref().and_then(|pushed| pushed.load);
        Recalled { state: *state, since: *since, error: last_error.clone(), loss: *loss, load }
    }

    pub fn give(self, endpoint: &mut Endpoint) {
        (endpoint.state, endpoint.since, endpoint.last_error) = (self.state, self.since, self.error);
        endpoint.loss = self.loss;
    }

    fn from_json(row: &Value, epoch: u64, now: Instant) -> Option<Recalled> {
        let since = row[2].as_u64()?.saturating_sub(epoch);
        Some(Recalled {
            state: State::from_text(row[1].as_str()?)?,
            since: Instant::from_secs(since).min(now),
            error: row[3].as_str().map(str::to_owned),
            loss: Loss::from_json(&row[4], now),
            load: row[5].as_f64(),
        })
    }
}

/// A member by its zone, pool and id, its state, and since when it is in that.
pub(super) type Aged = ([String; 3], State, Instant);

fn aged_from_json(row: &Value, epoch: u64, now: Instant) -> Option<Aged> {
    let text = |i: usize| row[i].as_str().map(str::to_owned);
    let since = Instant::from_secs(row[4].as_u64()?.saturating_sub(epoch)).min(now);
    Some(([text(0)?, text(1)?, text(2)?], State::from_text(row[3].as_str()?)?, since))
}

/// A number for a target. A later version of the hash, or of a check's text, costs no more than one first round.
pub(super) fn key(target: &Target) -> u64 {
    foldhash::quality::FixedState::with_seed(0).hash_one(format!("{target:?}"))
}

/// What is kept over a restart, as it was at one time.
pub struct Kept {
    /// Each endpoint that is known, with its key.
    endpoints: Vec<(u64, Recalled)>,
    /// The members of which the endpoints do not tell since when they are as they are.
    members: Vec<Aged>,
    /// Unix seconds at [`Instant::ZERO`], and when this was.
    epoch: u64,
    now: Instant,
    overrides: Vec<Override>,
    history: Vec<Event>,
}

impl Kept {
    /// What [`Health::recall`] takes. Takes long for many endpoints.
    pub fn to_json(&self) -> Value {
        let endpoint = |(key, known): &(u64, Recalled)| {
            let Recalled { state, since, error, loss, load } = known;
            json!([key, state.to_string(), self.epoch + since.as_secs(), error, loss.to_json(self.now), load])
        };
        let member = |([zone, pool, member], state, since): &Aged| {
            json!([zone, pool, member, state.to_string(), self.epoch + since.as_secs()])
        };
        json!({
            "version": 1,
            "members": self.members.iter().map(member).collect::<Vec<_>>(),
            "endpoints": self.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
            "overrides": self.overrides.iter().map(Override::to_json).collect::<Vec<_>>(),
            "history": self.history.iter().map(Event::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Health {
    /// What is to be kept.
    pub fn remember(&self, now: Instant) -> Kept {
        let endpoints = self.slots.iter().flatten().filter(|slot| slot.endpoint.state != State::Unknown);
        Kept {
            endpoints: endpoints.map(|slot| (slot.key, Recalled::of(slot))).collect(),
            members: self.aged(now),
            epoch: self.epoch,
            now,
            overrides: self.overrides.clone(),
            history: self.history.iter().cloned().collect(),
        }
    }

    /// Takes what was known before, ahead of the first [`Health::watch`]. Overrides that have run out since are dropped.
    ///
    /// # Errors
    /// When it is not whole; then nothing of it is taken.
    pub fn recall(&mut self, value: &Value, now: Instant) -> Result<(), String> {
        if value["version"] != 1 {
            return Err("it is of another version".into());
        }
        let list = |key: &str| value[key].as_array().ok_or(format!("it has no {key}"));
        let mut recalled = Vec::new();
        for row in list("endpoints")? {
            let known = || Some((row[0].as_u64()?, Recalled::from_json(row, self.epoch, now)?));
            recalled.push(known().ok_or("one of its endpoints cannot be read")?);
        }
        // Earlier versions wrote none.
        let aged = value["members"].as_array().into_iter().flatten();
        let aged: Option<Vec<_>> = aged.map(|row| aged_from_json(row, self.epoch, now)).collect();
        let aged = aged.ok_or("one of its members cannot be read")?;
        let overrides: Option<Vec<_>> = list("overrides")?.iter().map(Override::from_json).collect();
        let overrides = overrides.ok_or("one of its overrides cannot be read")?;
        let history: Option<Vec<_>> = list("history")?.iter().map(Event::from_json).collect();
        let history = history.ok_or("one of its events cannot be read")?;
        self.recalled = recalled.into_iter().collect();
        self.aged = aged.into_iter().map(|(names, state, since)| (names, (state, since))).collect();
        self.history = history.into_iter().rev().take(limits::HEALTH_HISTORY).collect::<Vec<_>>().into();
        self.history.make_contiguous().reverse();
        let unix = self.unix(now);
        for over in overrides.into_iter().take(limits::OVERRIDES) {
            if over.until.is_some_and(|until| until <= unix) {
                self.note(now, What::Override(over.line("ran out")));
            } else {
                self.overrides.push(over);
            }
        }
        Ok(())
    }
}
