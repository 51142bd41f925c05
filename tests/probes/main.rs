//! Each kind of check against real targets: as they should be, killed, hung, slow and wrong.

#![allow(clippy::unwrap_used)]

mod commands;
mod plain;
mod targets;
mod tls;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use waymark::config::{CheckKind, Config, Diagnostics};
use waymark::health::{Fault, Outcome, Target};
use waymark::net::probe::{Means, probe};

/// How long anything may take that takes no time.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is written of a check, made of an address, comes to this: a success whose note has these words, or a failure.
async fn outcome(at: SocketAddr, check: &str, timeout: Duration) -> Outcome {
    probe(&target(at, check), timeout, &Means::default()).await
}

fn target(at: SocketAddr, check: &str) -> Target {
    let text = format!("[health]\ncommands = [\"/\"]\n[check.c]\n{check}\n");
    let mut diagnostics = Diagnostics::default();
    let config = Config::parse(&text, Path::new("/waymark.toml"), &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
    let CheckKind::Made(made) = &config.checks[0].kind else { panic!("{check} is made") };
    Target { address: at.ip(), port: Some(at.port()), check: Arc::clone(made) }
}

/// The check succeeds, and its note has these words.
async fn succeeds(at: SocketAddr, check: &str, words: &str) {
    match outcome(at, check, PATIENCE).await {
        Outcome::Success { note, .. } => {
            assert!(note.as_deref().unwrap_or_default().contains(words), "{check}: {note:?}");
        }
        Outcome::Failure(failure) => panic!("{check}: {failure:?}"),
    }
}

/// The check fails by such a fault, with these words; those that tell of 0.8 s have no longer.
async fn fails(at: SocketAddr, check: &str, fault: Fault, words: &str) {
    let timeout = if words.contains("0.8 s") { Duration::from_millis(800) } else { PATIENCE };
    match outcome(at, check, timeout).await {
        Outcome::Failure(failure) => {
            assert_eq!(failure.kind, fault, "{check}: {failure:?}");
            assert!(failure.text.contains(words), "{check}: {:?} has no {words:?}", failure.text);
        }
        success => panic!("{check}: {success:?}"),
    }
}
