//! `waymark ctl`: asks the running daemon over its control socket.

use crate::config::{Config, Diagnostics};
use crate::control;
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
    let mut diagnostics = Diagnostics::default();
    // A config with errors still names the socket when that part of it is right; a running daemon has its last good one.
    let Some(config) = Config::load(config, &mut diagnostics) else {
        eprint!("{}", diagnostics.render(false));
        return ExitCode::from(2);
    };
    let (method, path) = match action {
        Action::Status => (Method::GET, "/status"),
        Action::Reload => (Method::POST, "/reload"),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("waymark: no runtime: {error}");
            return ExitCode::from(2);
        }
    };
    match runtime.block_on(control::call(&config.control.socket, method, path)) {
        Ok((true, text)) => {
            println!("{}", text.trim_end());
            ExitCode::SUCCESS
        }
        Ok((false, text)) => {
            eprintln!("{}", text.trim_end());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("waymark: {error}");
            ExitCode::from(2)
        }
    }
}
