//! `waymark ctl`: asks the running daemon over its control socket.

use crate::config::{Config, ControlConfig, Diagnostics};
use crate::{control, say};
use hyper::Method;
use std::path::Path;
use std::process::ExitCode;

/// What to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Action {
    /// How the daemon is, as JSON.
    Status,
    /// Read config and zones again.
    Reload,
}

/// Asks and prints. The exit code is 0 when the daemon did it, 1 when it could not, 2 when there is none.
pub fn run(config: &Path, action: Action) -> ExitCode {
    let control = find(config);
    let (method, path) = match action {
        Action::Status => (Method::GET, "/status"),
        Action::Reload => (Method::POST, "/reload"),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say::err(format_args!("waymark: no runtime: {error}"));
            return ExitCode::from(2);
        }
    };
    match runtime.block_on(control::call(&control.socket, method, path)) {
        Ok((true, text)) => {
            let _ = say::out(text.trim_end());
            ExitCode::SUCCESS
        }
        Ok((false, text)) => {
            say::err(text.trim_end());
            ExitCode::FAILURE
        }
        Err(error) => {
            say::err(format_args!("waymark: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Where the daemon is. It serves on while its config is broken or gone, so that is no more than a note.
fn find(path: &Path) -> ControlConfig {
    let mut diagnostics = Diagnostics::default();
    let control = Config::load_control(path, &mut diagnostics);
    if let Err(why) = Config::readable(path) {
        say::err(format_args!("note: {why}; asking at the default socket"));
    } else if diagnostics.has_errors() {
        say::err(diagnostics.render(false));
        say::err("note: the config has errors; asking the daemon all the same");
    }
    control
}
