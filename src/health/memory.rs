//! Health over a restart: states with their age, overrides, and what has happened.

use super::endpoint::Endpoint;
use super::overrides::Override;
use super::{Event, Health, State, Target, What};
use crate::clock::Instant;
use crate::limits;
use serde_json::{Value, json};
use std::hash::BuildHasher;

/// What was known of an endpoint.
pub(super) struct Recalled {
    state: State,
    since: Instant,
    error: Option<String>,
}

impl Recalled {
    pub(super) fn give(self, endpoint: &mut Endpoint) {
        (endpoint.state, endpoint.since, endpoint.last_error) = (self.state, self.since, self.error);
    }
}

/// A number for a target. A later version of the hash, or of a check's text, costs no more than one first round.
pub(super) fn key(target: &Target) -> u64 {
    foldhash::quality::FixedState::with_seed(0).hash_one(format!("{target:?}"))
}

/// What is kept over a restart, as it was at one time.
pub struct Kept {
    /// Key, state, since when (Unix time) and the last error of each endpoint that is known.
    endpoints: Vec<(u64, State, u64, Option<String>)>,
    overrides: Vec<Override>,
    history: Vec<Event>,
}

impl Kept {
    /// What [`Health::recall`] takes. Takes long for many endpoints.
    pub fn to_json(&self) -> Value {
        let endpoint = |(key, state, since, error): &(u64, State, u64, Option<String>)| {
            json!([key, state.to_string(), since, error])
        };
        json!({
            "version": 1,
            "endpoints": self.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
            "overrides": self.overrides.iter().map(Override::to_json).collect::<Vec<_>>(),
            "history": self.history.iter().map(Event::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Health {
    /// What is to be kept.
    pub fn remember(&self) -> Kept {
        let endpoints = self.slots.iter().flatten().filter(|slot| slot.endpoint.state != State::Unknown);
        let endpoint = |slot: &super::Slot| {
            let Endpoint { state, since, last_error, .. } = &slot.endpoint;
            (slot.key, *state, self.unix(*since), last_error.clone())
        };
        Kept {
            endpoints: endpoints.map(endpoint).collect(),
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
            let known = || {
                let since = row[2].as_u64()?.saturating_sub(self.epoch);
                let state = State::from_text(row[1].as_str()?)?;
                let error = row[3].as_str().map(str::to_owned);
                Some((row[0].as_u64()?, Recalled { state, since: Instant::from_secs(since).min(now), error }))
            };
            recalled.push(known().ok_or("one of its endpoints cannot be read")?);
        }
        let overrides: Option<Vec<_>> = list("overrides")?.iter().map(Override::from_json).collect();
        let overrides = overrides.ok_or("one of its overrides cannot be read")?;
        let history: Option<Vec<_>> = list("history")?.iter().map(Event::from_json).collect();
        let history = history.ok_or("one of its events cannot be read")?;
        self.recalled = recalled.into_iter().collect();
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
