//! Logs: text or JSON on standard error, levels per module.

use crate::config::{Diagnostics, LogConfig, Severity};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging. The error names the part of `log.level` that cannot be read.
pub(super) fn init(config: &LogConfig) -> Result<(), String> {
    let filter = EnvFilter::builder().parse(&config.level).map_err(|error| {
        format!("log.level {:?}: {error}: write a level (error, warn, info, debug, trace), or levels per module as in \"info,waymark::net=debug\"", config.level)
    })?;
    // What cannot be written is lost: telling so, on the same standard error, would panic.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    let started = if config.json {
        builder.json().try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    started.map_err(|error| format!("logging cannot start: {error}"))
}

/// Logs what was found in files, each as one event: a line that names the place, then the lines that show it.
pub(super) fn tell(diagnostics: &Diagnostics) {
    for (severity, text) in diagnostics.render_each() {
        match severity {
            Severity::Error => tracing::error!("{text}"),
            Severity::Warning => tracing::warn!("{text}"),
        }
    }
}
