//! Programs.

use super::{PATIENCE, fails, outcome, succeeds, target};
use std::net::SocketAddr;
use std::time::Duration;
use waymark::clock;
use waymark::health::{Fault, Outcome};
use waymark::net::probe::{Means, probe};

fn at() -> SocketAddr {
    "192.0.2.1:0".parse().unwrap()
}

/// A shell that runs this; no quotes in it.
fn shell(script: &str) -> String {
    format!("command = [\"/bin/sh\", \"-c\", '{script}', \"name\", \"{{address}}\"]")
}

#[tokio::test]
async fn a_program_is_judged_by_its_exit_code() {
    succeeds(at(), &shell("echo fine $1 $WAYMARK_ADDRESS; echo more"), "fine 192.0.2.1 192.0.2.1").await;
    succeeds(at(), &shell("test -z \"$HOME$USER$CARGO\" && test \"$PWD\" = / && echo bare"), "bare").await;
    fails(at(), &shell("echo disk full; exit 2"), Fault::Endpoint, "exit status: 2: disk full").await;
    fails(at(), &shell("kill -9 $$"), Fault::Endpoint, "signal: 9").await;
    let silent = outcome(at(), &shell("exit 3"), PATIENCE).await;
    assert!(matches!(&silent, Outcome::Failure(failure) if failure.text == "exit status: 3"), "{silent:?}");
    let long = outcome(at(), &shell("printf %0999d 7"), PATIENCE).await;
    assert!(matches!(&long, Outcome::Success { note: Some(note), .. } if note.len() == 200), "{long:?}");
    fails(at(), &shell("echo no route >&2; exit 1"), Fault::Endpoint, "exit status: 1: no route").await;
    fails(at(), "command = [\"/no/such/program\"]", Fault::Own, "/no/such/program: No such file").await;
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_with_its_children() {
    // A time that no other process sleeps for.
    let time = format!("{}.{}", 1_000 + std::process::id(), 12_345);
    let hang = shell(&format!("sleep {time} & sleep {time}"));
    fails(at(), &hang, Fault::Endpoint, "it was started, but no answer in 0.8 s").await;
    all_end(&time).await;
}

/// Waits until nobody sleeps for that time.
async fn all_end(time: &str) {
    let left = || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        let sleeps = |line: &Vec<u8>| {
            line.starts_with(b"sleep") && line.windows(time.len()).any(|w| w == time.as_bytes())
        };
        lines.filter(sleeps).count()
    };
    let begun = clock::now();
    while left() > 0 {
        assert!(clock::now().since(begun) < PATIENCE, "its children stay");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    let time = format!("{}.{}", 1_000 + std::process::id(), 54_321);
    succeeds(at(), &shell(&format!("sleep {time} & echo left")), "left").await;
    all_end(&time).await;
    succeeds(at(), &shell(&format!("sleep {time} >/dev/null 2>&1 & echo left")), "left").await;
    all_end(&time).await;
}

#[tokio::test]
async fn a_program_that_has_ended_is_judged_though_its_daemon_holds_its_pipes() {
    // It has left the group: the test ends it.
    let script = shell("setsid sh -c \"sleep 1000 & echo \\$!\"");
    let outcome = outcome(at(), &script, PATIENCE).await;
    let Outcome::Success { note: Some(note), .. } = outcome else { panic!("{outcome:?}") };
    let daemon = rustix::process::Pid::from_raw(note.parse().unwrap()).unwrap();
    rustix::process::kill_process(daemon, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_program_that_waits_for_others_is_not_the_endpoint_s_fault() {
    let means = Means::default();
    let (hung, good) = (target(at(), &shell("exec sleep 1000")), target(at(), &shell("true")));
    let hang = || async { drop(probe(&hung, PATIENCE, &means).await) };
    let asked = async {
        // Those that were first have all places by now.
        tokio::task::yield_now().await;
        probe(&good, Duration::from_millis(800), &means).await
    };
    let all = async {
        tokio::select! { biased; () = many(32, hang) => None, outcome = asked => Some(outcome) }
    };
    let Some(Outcome::Failure(failure)) = all.await else { panic!("it is not run") };
    assert_eq!(failure.kind, Fault::Own, "{failure:?}");
    assert!(failure.text.contains("no program of 32 that may run ended"), "{failure:?}");
}

/// So many at one time.
async fn many<F: Future<Output = ()>>(count: usize, work: impl Fn() -> F) {
    let mut all: Vec<_> = (0..count).map(|_| Box::pin(work())).collect();
    std::future::poll_fn(|cx| {
        all.retain_mut(|one| one.as_mut().poll(cx).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn a_program_that_floods_is_not_read_for_ever() {
    fails(at(), &shell("exec cat /dev/zero"), Fault::Endpoint, "signal: 13").await;
}
