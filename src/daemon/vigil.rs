//! What follows from the events of health: a line in the log, a count, what is said when answers come from elsewhere, and what is kept.

use crate::answer::View;
use crate::clock;
use crate::health::{Event, State, What};
use crate::limits;
use crate::metrics::Metrics;
use crate::net::Checks;
use crate::steer::Family;
use crate::store::Store;
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};
use tracing::{info, warn};

/// Its name in the store.
const FILE: &str = "health.json";

/// Who keeps watch over what happens.
pub(super) struct Vigil {
    pub view: Arc<ArcSwap<View>>,
    pub metrics: Arc<Metrics>,
    pub store: Option<Store>,
    /// Changes whenever zones were loaded.
    pub loaded: watch::Receiver<()>,
}

/// When something is due.
type Timer = Pin<Box<Sleep>>;

/// Pools that are down, by zone and name.
type Down = HashMap<(String, String), Vec<Family>>;

impl Vigil {
    /// Does what follows from each event. Never ends.
    pub async fn keep(mut self, checks: Arc<Checks>, mut events: Receiver<Arc<Event>>) {
        let (mut down, mut unwritten, mut unlooked) = (Down::new(), None::<Timer>, None::<Timer>);
        if self.store.is_none() {
            checks.note_kept(u64::MAX);
        }
        // So that writing takes a small share of the time, however much there is.
        let mut pause = limits::HEALTH_WRITE;
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = ended(&mut unwritten) => {
                    unwritten = None;
                    let begun = clock::now();
                    self.write(&checks).await;
                    pause = limits::HEALTH_WRITE.max(clock::now().since(begun) * 20);
                    continue;
                }
                () = ended(&mut unlooked) => {
                    unlooked = None;
                    self.look_for_fallbacks(&checks, &mut down);
                    continue;
                }
                // The sender lives as long as the daemon.
                Ok(()) = self.loaded.changed() => {
                    unlooked.get_or_insert_with(|| Box::pin(sleep(limits::FALLBACK_LOOK)));
                    continue;
                }
            };
            let (mut flipped, mut said, mut next) = (false, false, Some(event));
            while let Some(event) = next.take() {
                match event {
                    Ok(event) => {
                        said |= matches!(event.what, What::Override(_));
                        flipped |= matches!(event.what, What::Flip { .. } | What::Override(_));
                        self.tell(&event);
                    }
                    Err(RecvError::Lagged(missed)) => {
                        (flipped, said) = (true, true);
                        warn!(
                            "{missed} events of health came too fast to be told: `waymark ctl health --history` has them"
                        );
                    }
                    // The sender lives as long as the driver.
                    Err(RecvError::Closed) => return,
                }
                next = match events.try_recv() {
                    Ok(event) => Some(Ok(event)),
                    Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
                    Err(TryRecvError::Empty | TryRecvError::Closed) => None,
                };
            }
            checks.with(|health, _| {
                health.counts().iter().for_each(|(kind, count)| self.metrics.set_health(kind, *count));
            });
            if said {
                // What an operator says is kept even over a crash; states are found out again.
                self.write(&checks).await;
            }
            unwritten.get_or_insert_with(|| Box::pin(sleep(pause)));
            if flipped {
                // All pools are looked at: once for many flips.
                unlooked.get_or_insert_with(|| Box::pin(sleep(limits::FALLBACK_LOOK)));
            }
        }
    }

    fn tell(&self, event: &Event) {
        match &event.what {
            What::Flip { to: State::Up, .. } | What::Override(_) | What::Rejoined => info!("{}", event.what),
            _ => warn!("{}", event.what),
        }
    }

    /// Notes each pool that has come down or up again: answers come from elsewhere meanwhile.
    fn look_for_fallbacks(&self, checks: &Checks, down: &mut Down) {
        let view = self.view.load_full();
        let (mut now_down, mut up_again) = (Down::new(), Vec::new());
        view.zones.for_each(|held| {
            let Some(steering) = held.policy.and_then(|policy| view.steering.get(policy)) else { return };
            let zone = held.apex.to_string();
            for (pool, family, up) in steering.policy.pools_up(&steering.health) {
                let key = (zone.clone(), pool.to_owned());
                if !up {
                    now_down.entry(key).or_default().push(family);
                } else if down.contains_key(&key) && !up_again.contains(&key) {
                    up_again.push(key);
                }
            }
        });
        let mut lines = Vec::new();
        for ((zone, pool), families) in &now_down {
            if down.get(&(zone.clone(), pool.clone())) != Some(families) {
                let which = families.iter().map(|family| match family {
                    Family::V4 => "IPv4",
                    Family::V6 => "IPv6",
                });
                let which = which.collect::<Vec<_>>().join(" and ");
                lines.push(format!("{zone} pool {pool} is down for {which}: answers come from what follows it, or from on_all_down"));
            }
        }
        // One that is gone is not.
        for (zone, pool) in up_again.iter().filter(|key| !now_down.contains_key(*key)) {
            lines.push(format!("{zone} pool {pool} is up again"));
        }
        *down = now_down;
        checks.with(|health, now| {
            lines.into_iter().for_each(|line| health.note(now, What::Fallback(line)));
        });
    }

    async fn write(&self, checks: &Arc<Checks>) {
        let Some(store) = self.store.clone() else { return };
        let checks = Arc::clone(checks);
        // A panic is told elsewhere; the next write comes.
        let _ = tokio::task::spawn_blocking(move || remember(&store, &checks)).await;
    }
}

/// When a sleep has ended; never when there is none.
async fn ended(sleep: &mut Option<Timer>) {
    match sleep {
        Some(sleep) => sleep.await,
        None => std::future::pending().await,
    }
}

/// Writes what is known.
pub(super) fn remember(store: &Store, checks: &Checks) {
    // Those who ask and answer wait for the copy only.
    let (kept, overrides) = checks.with(|health, now| (health.remember(now), health.override_count()));
    let text = kept.to_json().to_string();
    match store.write(FILE, |out| out.write_all(text.as_bytes())) {
        Ok(()) => checks.note_kept(overrides),
        Err(error) => warn!("{}: health is not kept: {error}", store.path(FILE).display()),
    }
}

/// Takes what was known. What cannot be read is set aside, to be looked at.
pub(super) fn recall(store: &Store, checks: &Checks) {
    let path = store.path(FILE);
    let read = match store.read(FILE) {
        Ok(Some(file)) => serde_json::from_reader(std::io::BufReader::new(file)).map_err(|e| e.to_string()),
        Ok(None) => return,
        Err(error) => return warn!("{}: health begins afresh: {error}", path.display()),
    };
    let taken = read.and_then(|value| checks.with(|health, now| health.recall(&value, now)));
    if let Err(why) = taken {
        match store.set_aside(FILE) {
            Ok(aside) => {
                warn!("{}: health begins afresh; the file is now {}: {why}", path.display(), aside.display());
            }
            Err(error) => warn!("{}: health begins afresh: {why}; {error}", path.display()),
        }
    }
}
