//! `waymark check`: reads config and zones as the daemon would, runs the zones' tests, and shows all that is wrong.

use crate::config::{Config, Diagnostics};
use crate::load::Loader;
use crate::say;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

/// Checks the config and every zone it names. The exit code is 0 when all is well (warnings may be shown), 1 when the config,
/// a zone or a test is wrong, 2 when the config file cannot be read.
pub fn run(path: &Path) -> ExitCode {
    if let Err(why) = Config::readable(path) {
        say::err(format_args!("waymark: {why}"));
        return ExitCode::from(2);
    }
    let mut diagnostics = Diagnostics::default();
    let config = Config::load(path, &mut diagnostics);
    let loaded = config.and_then(|config| Loader::default().load(&config, &mut diagnostics));
    say::err(diagnostics.render(std::io::stderr().is_terminal()));
    if diagnostics.has_errors() {
        return ExitCode::FAILURE;
    }
    if let Some(loaded) = loaded {
        let counts = loaded.counts;
        let _ = say::out(format_args!(
            "{}: config and {} zones are good, {} records",
            path.display(),
            counts.fresh,
            counts.records
        ));
    }
    ExitCode::SUCCESS
}
