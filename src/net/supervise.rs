//! Keeps a worker at work: one that panics, or cannot wait for its sockets, is started anew, so that the daemon does not go on with fewer
//! than it has sockets for.

use crate::clock::Instant;
use crate::limits;
use crate::metrics::Metrics;
use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

/// A worker that failed more than [`limits::WORKER_RESTARTS`] times within [`limits::WORKER_TIME`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GaveUp;

/// Does `work` until it ends well. It is told whether it starts anew: then what it left when it failed is not to be relied on.
pub(super) fn supervise(
    metrics: &Metrics,
    now: impl Fn() -> Instant,
    mut work: impl FnMut(bool) -> io::Result<()>,
) -> Result<(), GaveUp> {
    let mut failures = VecDeque::new();
    loop {
        let anew = !failures.is_empty();
        let why = match catch_unwind(AssertUnwindSafe(|| work(anew))) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => format!("it cannot wait for its sockets: {error}"),
            Err(panic) => format!("this is a bug of Waymark: {}", message(&*panic)),
        };
        let failed = now();
        failures.retain(|&before| failed.since(before) < limits::WORKER_TIME);
        failures.push_back(failed);
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default();
        if failures.len() > limits::WORKER_RESTARTS {
            tracing::error!("worker {name} failed: {why}; it is given up after {} times", failures.len());
            return Err(GaveUp);
        }
        tracing::error!("worker {name} failed: {why}; it is started anew");
        metrics.worker_restarts.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Supervises work that fails so often, each time so many seconds after the last; gives the outcome, how often it was done, and
    /// restarts counted.
    fn run(
        failures: usize,
        apart: u64,
        fail: impl Fn() -> io::Result<()>,
    ) -> (Result<(), GaveUp>, usize, u64) {
        let (metrics, clock, done) = (Metrics::default(), Cell::new(1_000), Cell::new(0));
        let now = || Instant::from_secs(clock.replace(clock.get() + apart));
        let outcome = supervise(&metrics, now, |anew| {
            assert_eq!(anew, done.get() > 0);
            done.set(done.get() + 1);
            if done.get() <= failures { fail() } else { Ok(()) }
        });
        (outcome, done.get(), metrics.worker_restarts.load(Ordering::Relaxed))
    }

    #[test]
    fn work_that_fails_is_begun_anew_and_counted() {
        assert_eq!(run(0, 1, || panic!("on purpose")), (Ok(()), 1, 0));
        assert_eq!(run(3, 1, || panic!("on purpose")), (Ok(()), 4, 3));
        assert_eq!(run(3, 1, || Err(io::ErrorKind::InvalidInput.into())), (Ok(()), 4, 3));
    }

    #[test]
    fn what_fails_too_often_within_its_time_is_given_up() {
        let most = limits::WORKER_RESTARTS;
        let fail = || Err(io::ErrorKind::InvalidInput.into());
        assert_eq!(run(most, 1, fail), (Ok(()), most + 1, most as u64));
        assert_eq!(run(most + 1, 1, fail), (Err(GaveUp), most + 1, most as u64));
        let seldom = limits::WORKER_TIME.as_secs();
        assert_eq!(run(5 * most, seldom, fail), (Ok(()), 5 * most + 1, 5 * most as u64));
    }
}
