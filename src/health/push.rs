//! What endpoints report of themselves.

use super::endpoint::Verdict;
use super::{Health, Slot, State};
use crate::clock::Instant;
use crate::config::Probe;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// What an endpoint says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Whether it serves.
    pub up: bool,
    /// How loaded it is, on a scale of its own: see `shed` of pools.
    pub load: Option<f64>,
    /// How long that holds; never longer than the check says.
    pub ttl: Option<Duration>,
    /// Why, for people.
    pub why: String,
}

/// Why a report is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportError {
    /// No check has this token.
    Token,
    /// None of those with this token is made of the address.
    Address,
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ReportError::Token => "no check has this token",
            ReportError::Address => "no member with this address has a check with this token",
        })
    }
}

impl std::error::Error for ReportError {}

/// What was reported last.
pub(super) struct Pushed {
    /// Until when it holds.
    pub until: Instant,
    /// How long it holds in all.
    held: Duration,
    pub load: Option<f64>,
}

impl Pushed {
    /// Of a check that waits for reports: what was known before holds for the time that one would.
    pub fn of(probe: &Probe, now: Instant, load: Option<f64>) -> Option<Pushed> {
        let Probe::Push(push) = probe else { return None };
        Some(Pushed { until: now + push.ttl, held: push.ttl, load })
    }
}

impl Slot {
    /// The load reported, while that holds.
    pub(super) fn load(&self, now: Instant) -> Option<f64> {
        self.pushed.as_ref().filter(|pushed| now < pushed.until).and_then(|pushed| pushed.load)
    }

    /// Lets the last report run out.
    pub(super) fn run_out(&mut self, now: Instant) -> Verdict {
        let Some(pushed) = &self.pushed else { return Verdict::None };
        self.endpoint.last_error = Some(format!("no report for {} s", pushed.held.as_secs()));
        self.endpoint.turn(State::Down, now);
        // Nothing more happens until it reports.
        self.endpoint.due = now + Duration::from_secs(u32::MAX.into());
        Verdict::None
    }

    fn take_report(&mut self, now: Instant, report: &Report) {
        let (Probe::Push(push), Some(pushed)) = (&self.target.check.probe, &mut self.pushed) else { return };
        let ttl = report.ttl.map_or(push.ttl, |ttl| ttl.min(push.ttl));
        *pushed = Pushed { until: now + ttl, held: ttl, load: report.load };
        if !report.up {
            let why = if report.why.is_empty() { "it says so itself" } else { &report.why };
            self.endpoint.last_error = Some(why.to_owned());
        }
        self.endpoint.turn(if report.up { State::Up } else { State::Down }, now);
        self.endpoint.due = now + ttl;
    }
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
fn same(a: &str, b: &str) -> bool {
    let differ = a.bytes().zip(b.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
    a.len() == b.len() && differ == 0
}

impl Health {
    /// Takes the report of an address, for every check that has the token.
    ///
    /// # Errors
    /// When no check has the token, or none of the address.
    pub fn handle_report(
        &mut self,
        now: Instant,
        token: &str,
        address: IpAddr,
        report: &Report,
    ) -> Result<(), ReportError> {
        let mut error = ReportError::Token;
        let mut taken = false;
        for index in 0..self.slots.len() {
            let Some(slot) = &self.slots[index] else { continue };
            let Probe::Push(push) = &slot.target.check.probe else { continue };
            if !same(&push.token, token) {
                continue;
            }
            error = ReportError::Address;
            let serves = |(zone, member): &(u32, u32)| {
                self.zones[*zone as usize].serves_at(*member as usize) == Some(address)
            };
            if slot.target.address == address || slot.uses.iter().any(serves) {
                self.change(now, index as u32, |slot| {
                    slot.take_report(now, report);
                    (Verdict::None, ())
                });
                taken = true;
            }
        }
        if taken { Ok(()) } else { Err(error) }
    }
}
