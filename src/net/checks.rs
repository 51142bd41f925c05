//! The driver of [`Health`]: endpoints are asked when they are due, and what comes of it is told to all who want to know.

use super::probe::{self, Means};
use crate::clock::{self, Instant};
use crate::health::{Ask, Event, Health, ZoneWatch};
use crate::limits;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, broadcast, watch};

/// Health and the means to ask. Everything that changes what is known goes through [`Checks::with`], which tells what came of it.
pub struct Checks {
    known: Mutex<Known>,
    /// The driver sleeps too long.
    sooner: Notify,
    events: broadcast::Sender<Arc<Event>>,
    settled: watch::Sender<bool>,
    /// How many of the overrides that were noted are kept over a restart.
    kept: watch::Sender<u64>,
}

struct Known {
    health: Health,
    /// Until when the driver sleeps.
    asleep: Instant,
}

impl std::fmt::Debug for Checks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Checks")
    }
}

impl Checks {
    /// A driver that has yet to be [run](Checks::run).
    pub fn new(health: Health) -> Checks {
        Checks {
            known: Mutex::new(Known { health, asleep: Instant::ZERO }),
            sooner: Notify::new(),
            events: broadcast::channel(limits::HEALTH_EVENTS).0,
            settled: watch::channel(false).0,
            kept: watch::channel(0).0,
        }
    }

    /// What happens from now on. One who does not keep up misses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    /// Replaces what is watched. The tables say what is known when this returns.
    pub fn watch(&self, zones: Vec<ZoneWatch>) {
        self.with(|health, now| health.watch(now, zones));
    }

    /// Looks at what is known, or changes it.
    pub fn with<R>(&self, work: impl FnOnce(&mut Health, Instant) -> R) -> R {
        // A panic while it was held is told elsewhere; what is known is whole between two outcomes.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut known.health, clock::now());
        self.tell(&mut known);
        if known.health.poll_timeout().is_some_and(|due| due < known.asleep) {
            self.sooner.notify_one();
        }
        result
    }

    /// Ends when every endpoint was asked as often as it takes to know it.
    pub async fn settled(&self) {
        // The sender lives as long as this.
        let _ = self.settled.subscribe().wait_for(|settled| *settled).await;
    }

    /// So many of the overrides that were noted are on the disk; all, where nothing is kept.
    pub fn note_kept(&self, overrides: u64) {
        self.kept.send_replace(overrides);
    }

    /// Ends when what operators said until now is kept, or cannot be for a while.
    pub async fn kept(&self) {
        let said = self.with(|health, _| health.override_count());
        let mut kept = self.kept.subscribe();
        let is_kept = kept.wait_for(|kept| *kept >= said);
        // That it takes longer is told where it is written.
        let _ = tokio::time::timeout(limits::HEALTH_KEPT, is_kept).await;
    }

    /// Asks endpoints when they are due. Never ends.
    pub async fn run(self: Arc<Checks>, means: Arc<Means>) {
        loop {
            let next = self.ask_due(&means);
            let sleep = next.map(|next| next.since(clock::now()));
            tokio::select! {
                () = tokio::time::sleep(sleep.unwrap_or(limits::HEALTH_LOOK).min(limits::HEALTH_LOOK)) => (),
                () = self.sooner.notified() => (),
            }
        }
    }

    /// Asks every endpoint that is due; says when the next one is.
    fn ask_due(self: &Arc<Checks>, means: &Arc<Means>) -> Option<Instant> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        known.health.handle_timeout(now);
        while let Some(ask) = known.health.poll(now) {
            tokio::spawn(Arc::clone(self).ask(ask, Arc::clone(means)));
        }
        self.tell(&mut known);
        let next = known.health.poll_timeout();
        known.asleep = next.unwrap_or(now + limits::HEALTH_LOOK);
        next
    }

    async fn ask(self: Arc<Checks>, ask: Ask, means: Arc<Means>) {
        let outcome = probe::probe(&ask.target, ask.timeout, &means).await;
        self.with(|health, now| health.handle_outcome(now, ask.probe, outcome));
    }

    /// Hands on what has happened.
    fn tell(&self, known: &mut Known) {
        // Until there are subscribers it waits for them: what ran out while the daemon was stopped is to be told, too.
        if self.events.receiver_count() > 0 {
            for event in known.health.take_events() {
                let _ = self.events.send(Arc::new(event));
            }
        }
        self.settled.send_if_modified(|settled| {
            let now = known.health.is_settled();
            std::mem::replace(settled, now) != now
        });
    }
}
