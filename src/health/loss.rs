//! How much of what is asked is lost without meaning anything, and how often an endpoint has changed its mind: both say how many answers in a
//! row it takes to be believed.

use crate::clock::Instant;
use crate::config::Pace;
use crate::limits;
use serde_json::{Value, json};
use std::time::Duration;

/// What an endpoint's past says of its failures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    /// The share of probes that fail although it is up: a slow average.
    share: f32,
    /// Probes it was taken from, up to [`limits::LOSS_WINDOW`].
    seen: u16,
    /// Times it fell, each counting less the longer ago.
    falls: f32,
    /// When that was counted.
    counted: Instant,
}

/// What is assumed before much is known.
const ASSUMED: f32 = 0.01;

/// How likely it may be that a streak of lost probes removes an endpoint that is up, at each regular probe: ln 10⁻⁶.
const LIKELIHOOD: f32 = -13.8;

impl Default for Loss {
    fn default() -> Loss {
        Loss { share: ASSUMED, seen: 8, falls: 0.0, counted: Instant::ZERO }
    }
}

impl Loss {
    /// To be kept.
    pub fn to_json(self, now: Instant) -> Value {
        json!([self.share, self.seen, self.falls(now)])
    }

    /// What was kept; what cannot be read is as if nothing had happened.
    pub fn from_json(kept: &Value, now: Instant) -> Loss {
        let number = |at: usize, most: f64| kept[at].as_f64().filter(|number| (0.0..=most).contains(number));
        let all = || {
            let (share, seen) = (number(0, 1.0)?, number(1, limits::LOSS_WINDOW.into())?);
            let falls = number(2, 1e6)?;
            Some(Loss { share: share as f32, seen: seen as u16, falls: falls as f32, counted: now })
        };
        all().unwrap_or_default()
    }

    /// The share of probes that are lost.
    pub fn share(&self) -> f32 {
        self.share
    }

    fn count(&mut self, lost: bool) {
        self.seen = (self.seen + 1).min(limits::LOSS_WINDOW);
        self.share += (f32::from(u8::from(lost)) - self.share) / f32::from(self.seen);
    }

    /// A success came, after so many failures that so turn out to have meant nothing.
    pub fn acquitted(&mut self, failures: u8) {
        (0..failures).for_each(|_| self.count(true));
        self.count(false);
    }

    /// It fell.
    pub fn fell(&mut self, now: Instant) {
        self.falls = self.falls(now) + 1.0;
        self.counted = now;
    }

    /// It rose again after that time: when that was soon, the fall was likely for loss.
    pub fn taken_back(&mut self, after: Duration, pace: &Pace) {
        if after < pace.interval * 3 {
            (0..pace.fall).for_each(|_| self.count(true));
        }
    }

    fn falls(&self, now: Instant) -> f32 {
        let half_lives = now.since(self.counted).as_secs_f32() / limits::FLAP_HALF_LIFE.as_secs_f32();
        self.falls * 0.5f32.powf(half_lives)
    }

    /// Whether it falls again and again.
    pub fn is_flapping(&self, now: Instant) -> bool {
        self.falls(now) > limits::FLAPS
    }

    /// Failures in a row that are no longer likely to be loss; `fall` at the least.
    pub fn needed(&self, fall: u8) -> u8 {
        if fall == 1 {
            return 1;
        }
        let needed = (LIKELIHOOD / self.share.clamp(1e-6, 0.5).ln() - 0.05).ceil() as u8;
        needed.min(limits::CONFIRMS).max(fall)
    }

    /// Successes in a row that it takes to be up again: twice as many for each fall beyond a few.
    pub fn rise(&self, rise: u8, now: Instant) -> u8 {
        let beyond = (self.falls(now) - limits::FLAPS).max(0.0).ceil().min(5.0);
        rise.saturating_mul(1 << beyond as u8).min(limits::RISE_MAX.max(rise))
    }
}
