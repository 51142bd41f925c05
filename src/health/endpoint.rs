//! One endpoint as a state machine: when it is asked, and what its answers mean.
//!
//! Once an interval it is asked. A first failure is not believed: it is confirmed by probes that start half a second apart, until as many
//! as are needed failed in a row, or one succeeds. So what is really down is found out soon, hung or not, and a lost packet removes nobody.

use super::loss::Loss;
use super::{Fault, Outcome, State};
use crate::clock::Instant;
use crate::config::Pace;
use crate::limits;
use std::time::Duration;

/// An endpoint.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub pace: Pace,
    pub state: State,
    /// When it came into that state.
    pub since: Instant,
    phase: Phase,
    /// When something is to be done.
    pub due: Instant,
    /// When the next regular probe is due, whatever is being confirmed.
    regular: Instant,
    /// How long after its first probe the second comes, so that endpoints which began together are spread.
    offset: Option<Duration>,
    /// The outcomes of which probes count.
    pub round: u64,
    pub loss: Loss,
    pub last_error: Option<String>,
    pub last_success: Option<(Duration, Option<String>)>,
    /// Whether it is known, for the first time.
    pub settled: bool,
}

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Nothing but regular probes; one may be under way, begun then.
    Steady { begun: Option<Instant> },
    /// It failed, and that is being confirmed.
    Doubted(Streak),
    /// It is down and succeeded, and that is being confirmed.
    Hopeful { since: Instant, succeeded: u8, needed: u8 },
}

/// Failures in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Streak {
    /// When the first of its probes began.
    pub since: Instant,
    /// When the last of them began: who is asked later and answers shows that it was not lost in our own network.
    pub last: Instant,
    begun: u8,
    failed: u8,
    pub faults: Faults,
}

impl Streak {
    /// One of which the first probe began then, and no outcome is known.
    fn new(since: Instant) -> Streak {
        Streak { since, last: since, begun: 1, failed: 0, faults: Faults::default() }
    }
}

/// Whose fault the failures of a streak may be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Faults {
    endpoint: bool,
    own: bool,
}

impl Faults {
    fn add(&mut self, fault: Fault) {
        match fault {
            Fault::Endpoint => self.endpoint = true,
            Fault::Own => self.own = true,
            Fault::Silence => (),
        }
    }
}

/// What is to be thought of a streak of failures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// Nothing yet.
    None,
    /// It has failed as often as it takes.
    Guilty(Streak),
}

impl Faults {
    /// Whether something came back: then it is the endpoint.
    pub fn is_proven(self) -> bool {
        self.endpoint
    }

    /// Whether it could not always be asked, or its answers not be heard: then the streak proves nothing.
    pub fn is_own(self) -> bool {
        self.own
    }
}

impl Endpoint {
    /// One of which nothing is known, to be asked for the first time at `first`, and again `offset` after that.
    pub fn new(pace: Pace, now: Instant, first: Instant, offset: Duration) -> Endpoint {
        Endpoint {
            pace,
            state: State::Unknown,
            since: now,
            phase: Phase::Steady { begun: None },
            due: first,
            regular: first,
            offset: Some(offset),
            round: 0,
            loss: Loss::default(),
            last_error: None,
            last_success: None,
            settled: false,
        }
    }

    /// Whether its state is in doubt.
    pub fn is_doubted(&self) -> bool {
        matches!(self.phase, Phase::Doubted(_))
    }

    /// How often it has succeeded since it failed last, of how many times it takes to be up again; none unless it is down and succeeds.
    pub fn hope(&self) -> Option<(u8, u8)> {
        match self.phase {
            Phase::Hopeful { succeeded, needed, .. } => Some((succeeded, needed)),
            _ => None,
        }
    }

    /// Whether all probes are begun that its being down is judged by.
    pub fn is_decided_soon(&self) -> bool {
        matches!(self.phase, Phase::Doubted(streak) if streak.begun >= self.needed())
    }

    /// Failures in a row that it takes.
    pub fn needed(&self) -> u8 {
        self.loss.needed(self.pace.fall)
    }

    /// Seconds for which it is taken to stay as it is: `fall` or `rise` intervals, and none while a failure is being confirmed.
    pub fn hold(&self) -> u16 {
        let times = match self.state {
            State::Up if !self.is_doubted() => self.pace.fall,
            State::Down => self.pace.rise,
            State::Up | State::Unknown => 0,
        };
        let seconds = self.pace.interval.as_secs().saturating_mul(times.into());
        u16::try_from(seconds).unwrap_or(u16::MAX - 1).min(u16::MAX - 1)
    }

    /// Begins a probe that is due; says how long it may take. None when it was not one that was due: an outcome that never came is
    /// taken for silence then. `jitter` is in 0..1.
    pub fn begin(&mut self, now: Instant, round: u64, jitter: f64) -> Option<Duration> {
        let confirm = self.patience();
        match &mut self.phase {
            Phase::Doubted(streak) if streak.begun < self.loss.needed(self.pace.fall) => {
                streak.begun += 1;
                streak.last = now;
                let last = streak.begun >= self.loss.needed(self.pace.fall);
                self.due = now + if last { confirm + limits::PROBE_SLACK } else { limits::CONFIRM_GAP };
                Some(confirm)
            }
            Phase::Doubted(_) => None,
            Phase::Hopeful { .. } => {
                self.due = now + self.pace.timeout + limits::PROBE_SLACK;
                self.round = round;
                Some(self.pace.timeout)
            }
            Phase::Steady { begun: Some(_) } => None,
            Phase::Steady { begun } => {
                *begun = Some(now);
                self.round = round;
                let whole = || self.pace.interval + self.pace.jitter().mul_f64(jitter);
                self.regular = now + self.offset.take().unwrap_or_else(whole);
                self.due = now + self.pace.timeout + limits::PROBE_SLACK;
                Some(self.pace.timeout)
            }
        }
    }

    /// Takes the outcome of a probe of this round.
    pub fn take(&mut self, now: Instant, outcome: &Outcome) -> Verdict {
        match outcome {
            Outcome::Success { took, note } => {
                self.last_success = Some((*took, note.clone()));
                self.succeeded(now);
                Verdict::None
            }
            Outcome::Failure(failure) => {
                let mut text = failure.text.clone();
                text.truncate(text.floor_char_boundary(limits::PROBE_ERROR));
                self.last_error = Some(text);
                self.failed(now, failure.kind)
            }
        }
    }

    fn succeeded(&mut self, now: Instant) {
        match (self.state, self.phase) {
            (State::Down, phase) => {
                let (since, before) = match phase {
                    Phase::Hopeful { since, succeeded, .. } => (since, succeeded),
                    _ => (now, 0),
                };
                let (succeeded, needed) = (before + 1, self.loss.rise(self.pace.rise, now));
                if succeeded >= needed {
                    self.loss.taken_back(now.since(self.since), &self.pace);
                    self.turn(State::Up, now);
                } else {
                    self.phase = Phase::Hopeful { since, succeeded, needed };
                    // One that flaps has to stay up for a while.
                    self.due = now
                        + if self.loss.is_flapping(now) { self.pace.interval } else { limits::CONFIRM_GAP };
                }
            }
            (_, phase) => {
                let lost = if let Phase::Doubted(streak) = phase { streak.failed } else { 0 };
                self.loss.acquitted(lost);
                if self.state == State::Up { self.steady(now) } else { self.turn(State::Up, now) }
            }
        }
    }

    fn failed(&mut self, now: Instant, fault: Fault) -> Verdict {
        if self.state == State::Down {
            if matches!(self.phase, Phase::Hopeful { .. }) {
                // It has come and gone, if only for a moment.
                self.loss.fell(now);
            }
            self.steady(now);
            return Verdict::None;
        }
        let mut streak = match self.phase {
            Phase::Doubted(streak) => streak,
            Phase::Steady { begun: Some(since) } | Phase::Hopeful { since, .. } => Streak::new(since),
            Phase::Steady { begun: None } => Streak::new(now),
        };
        streak.failed += 1;
        streak.faults.add(fault);
        if streak.failed >= self.needed() {
            return Verdict::Guilty(streak);
        }
        if streak.failed == 1 {
            self.due = now + limits::CONFIRM_GAP;
        }
        self.phase = Phase::Doubted(streak);
        Verdict::None
    }

    /// Takes the fact that an outcome did not come when it should have.
    pub fn missed(&mut self, now: Instant) -> Verdict {
        // Every probe ends by its time-out: it is this process that does not keep up.
        self.last_error = Some("no outcome in time: this machine is too busy".into());
        match self.phase {
            // All that were begun had their time.
            Phase::Doubted(mut streak) => {
                streak.faults.add(Fault::Own);
                Verdict::Guilty(streak)
            }
            _ => self.failed(now, Fault::Own),
        }
    }

    /// Comes into a state, or stays in it, with nothing under way.
    pub fn turn(&mut self, state: State, now: Instant) {
        if state != self.state {
            if state == State::Down {
                self.loss.fell(now);
            }
            self.state = state;
            self.since = now;
        }
        self.steady(now);
    }

    fn steady(&mut self, now: Instant) {
        self.phase = Phase::Steady { begun: None };
        self.settled = true;
        // What is still under way does not count any more.
        self.round = 0;
        self.due = self.regular.max(now);
    }

    /// How long the probes may take that confirm a failure, and so after what time silence means something.
    pub fn patience(&self) -> Duration {
        self.pace.timeout.min(limits::CONFIRM_TIMEOUT)
    }

    /// When the last probe began that may show it to be down, while that is being found out.
    pub fn in_question_since(&self) -> Option<Instant> {
        match self.phase {
            _ if self.state == State::Down => None,
            Phase::Steady { begun } => begun,
            Phase::Hopeful { since, .. } => Some(since),
            Phase::Doubted(streak) => Some(streak.last),
        }
    }

    /// Takes the fact that all failures until now were our own network's: what is under way does not count, and it is asked anew at `at`
    /// if not before.
    pub fn forget_failures(&mut self, at: Instant) {
        if self.phase != (Phase::Steady { begun: None }) {
            self.phase = Phase::Steady { begun: None };
            self.round = 0;
            self.due = at;
        }
        self.due = self.due.min(at);
    }

    /// Is asked at `at` if not before.
    pub fn hurry(&mut self, at: Instant) {
        if matches!(self.phase, Phase::Steady { begun: None }) {
            self.due = self.due.min(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Failure;

    #[test]
    fn a_streak_with_a_fault_of_our_own_proves_nothing() {
        use Fault::{Endpoint as Theirs, Own, Silence};
        for (streak, own, proven) in [
            ([Silence, Silence, Silence], false, false),
            ([Theirs, Silence, Silence], false, true),
            ([Silence, Own, Silence], true, false),
            ([Own, Theirs, Theirs], true, true),
            ([Own, Own, Own], true, false),
        ] {
            let now = Instant::from_secs(1_000);
            let mut endpoint = Endpoint::new(Pace::default(), now, now, Duration::from_secs(1));
            let mut last = Verdict::None;
            for kind in streak {
                endpoint.begin(now, 1, 0.0);
                let failure = Failure { kind, text: String::new() };
                last = endpoint.take(now, &Outcome::Failure(failure));
            }
            let Verdict::Guilty(Streak { faults, .. }) = last else { panic!("{streak:?}: {last:?}") };
            assert_eq!((faults.is_own(), faults.is_proven()), (own, proven), "{streak:?}");
        }
    }
}
