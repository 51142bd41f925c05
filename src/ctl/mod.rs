//! `waymark ctl`: asks the running daemon over its control socket, and shows what it says: to people as tables, to scripts as JSON.

mod anchors;
mod arguments;
mod explain;
mod health;
mod learnt;
mod status;
mod table;

pub use arguments::{Action, AnchorsAction, CacheAction, Explain, Hold};

use crate::config::{Config, ControlConfig, Diagnostics};
use crate::control::{self, CallError};
use crate::say;
use hyper::Method;
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
pub(crate) use table::{Column, Table};

/// Asks and prints. The exit code is 0 when the daemon did it, 1 when it could not, 2 when there is none.
pub fn run(config: &Path, action: &Action, json: bool) -> ExitCode {
    let daemon = Daemon { control: find(config), json };
    let done = match action {
        Action::Status => daemon.status(),
        Action::Reload => daemon.reload(),
        Action::Inflight => daemon.table("/inflight", explain::IN_FLIGHT),
        Action::Servers => daemon.table("/servers", explain::SERVERS),
        Action::Anchors { action: None } => daemon.anchors(),
        Action::Anchors { action: Some(change) } => daemon.change_anchors(change),
        Action::Health { pattern, history } => daemon.health(pattern.as_deref(), *history),
        Action::Drain(hold) => daemon.hold("drain", hold),
        Action::Down(hold) => daemon.hold("down", hold),
        Action::Up(hold) => daemon.hold("up", hold),
        Action::Lift { pattern } => daemon.lift(pattern),
        Action::Flush(what) => daemon.flush(&what.query()),
        Action::Cache { action: CacheAction::Lookup { name, rtype } } => daemon.lookup(name, *rtype),
        Action::Cache { action: CacheAction::Dump { below } } => daemon.dump(below.as_ref()),
    };
    exit(done)
}

/// Asks the daemon why a name is answered as it is, and prints what it says. Exit codes as those of [`run`].
pub fn explain(config: &Path, asked: &Explain, json: bool) -> ExitCode {
    exit(Daemon { control: find(config), json }.explain(asked))
}

fn exit(done: Result<(), CallError>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(CallError::Refused(why)) => {
            say::err(why);
            ExitCode::FAILURE
        }
        Err(error) => {
            say::err(format_args!("waymark: {error}"));
            ExitCode::from(2)
        }
    }
}

/// The daemon as it is reached, and how its answers are shown.
struct Daemon {
    control: ControlConfig,
    json: bool,
}

impl Daemon {
    /// Sends a request and hands on what comes back.
    fn call(
        &self,
        method: Method,
        path: &str,
        take: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), CallError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(CallError::NoMeans)?.block_on(control::call(&self.control.socket, method, path, take))
    }

    /// The same for an answer that is short.
    fn text(&self, method: Method, path: &str) -> Result<String, CallError> {
        let mut octets = Vec::new();
        self.call(method, path, |piece| {
            octets.extend_from_slice(piece);
            ControlFlow::Continue(())
        })?;
        Ok(String::from_utf8_lossy(&octets).trim_end().to_owned())
    }

    /// The same for an answer in JSON; null if it is something else.
    fn value(&self, method: Method, path: &str) -> Result<Value, CallError> {
        Ok(serde_json::from_str(&self.text(method, path)?).unwrap_or_default())
    }

    fn status(&self) -> Result<(), CallError> {
        let status = self.value(Method::GET, "/status")?;
        print(if self.json { format!("{status:#}") } else { status::show(&status) });
        Ok(())
    }

    fn reload(&self) -> Result<(), CallError> {
        let text = self.text(Method::POST, "/reload")?;
        print(if self.json { format!("{:#}", serde_json::json!({ "reloaded": text })) } else { text });
        Ok(())
    }

    fn table(&self, path: &str, columns: &[Column]) -> Result<(), CallError> {
        let rows = self.value(Method::GET, path)?;
        let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
        print(Table { columns, rows }.show(self.json));
        Ok(())
    }

    fn explain(&self, asked: &Explain) -> Result<(), CallError> {
        let (fresh, query) = asked.request();
        let method = if fresh { Method::POST } else { Method::GET };
        let links = self.value(method, &format!("/explain?{query}"))?;
        print(if self.json { format!("{links:#}") } else { explain::tree(&links) });
        Ok(())
    }

    fn flush(&self, query: &str) -> Result<(), CallError> {
        let value = self.value(Method::POST, &format!("/cache/flush?{query}"))?;
        print(if self.json { format!("{value:#}") } else { forgotten(&value) });
        Ok(())
    }
}

/// How much a flush has taken.
fn forgotten(value: &Value) -> String {
    match value["flushed"].as_u64() {
        Some(1) => "1 entry is forgotten".to_owned(),
        flushed => format!("{} entries are forgotten", flushed.unwrap_or(0)),
    }
}

/// Who does not read it has what they want.
fn print(text: String) {
    let _ = say::out(text);
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
