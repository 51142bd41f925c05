//! Programs.

use super::{PATIENCE, fails, succeeds};
use std::net::SocketAddr;
use waymark::clock;
use waymark::health::Fault;

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
    fails(at(), "command = [\"/no/such/program\"]", Fault::Own, "/no/such/program: No such file").await;
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_with_its_children() {
    // A time that no other process sleeps for.
    let time = format!("{}.{}", 1_000 + std::process::id(), 12_345);
    let hang = shell(&format!("sleep {time} & sleep {time}"));
    fails(at(), &hang, Fault::Endpoint, "it was started, but no answer in 0.8 s").await;
    let left = || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        lines
            .filter(|line| {
                line.starts_with(b"sleep") && line.windows(time.len()).any(|w| w == time.as_bytes())
            })
            .count()
    };
    let begun = clock::now();
    while left() > 0 {
        assert!(clock::now().since(begun) < PATIENCE, "its children stay");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_program_that_floods_is_not_read_for_ever() {
    fails(at(), &shell("exec cat /dev/zero"), Fault::Endpoint, "signal: 13").await;
}
