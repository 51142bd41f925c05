//! The composition root: config to a running daemon. Builds, binds, spawns, reloads, drains; decides nothing about DNS.

mod log;
mod state;

use crate::answer::View;
use crate::config::{Config, Diagnostics};
use crate::control::{self, Command, ControlSocket};
use crate::limits;
use crate::metrics::Metrics;
use crate::net;
use arc_swap::ArcSwap;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use state::State;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

/// Where the config is looked for when none is named.
pub const CONFIG: &str = "config/waymark.toml";

/// Runs the daemon until SIGTERM or SIGINT. The exit code is 0 after such a stop, 2 for a config with errors, 1 for anything else
/// that keeps it from serving.
pub fn run(path: &Path) -> ExitCode {
    let mut diagnostics = Diagnostics::default();
    let Some(config) = Config::load(path, &mut diagnostics) else {
        eprint!("{}", diagnostics.render(std::io::stderr().is_terminal()));
        return ExitCode::from(2);
    };
    if let Err(error) = log::init(&config.log) {
        eprintln!("waymark: {error}");
        return ExitCode::from(2);
    }
    match serve(path, config, diagnostics) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            error!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Why the daemon cannot serve, in one line.
type Fatal = Box<dyn std::error::Error + Send + Sync>;

fn serve(path: &Path, config: Config, mut diagnostics: Diagnostics) -> Result<(), Fatal> {
    let server =
        net::Server::bind(&net::Settings { listen: config.listen.clone(), workers: config.workers })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.workers.min(4))
        .enable_all()
        .build()?;
    let metrics = Arc::new(Metrics::default());
    let mut state = State::new(path, config);
    let view = Arc::new(ArcSwap::from_pointee(state.load(&mut diagnostics, &metrics)));
    log::tell(&diagnostics);
    let addresses = server.addresses().to_vec();
    let running = server.run(Arc::clone(&view), state.resolving(), &metrics, runtime.handle())?;
    let (commands, inbox) = mpsc::channel(limits::CONTROL_CONNECTIONS);
    let _socket = runtime.block_on(open_control(&state, &metrics, &view, commands))?;
    for address in &addresses {
        info!("listening on {address}");
    }
    runtime.block_on(attend(&mut state, &running, &view, &metrics, inbox))?;
    info!("stopping");
    running.stop(limits::DRAIN_TIME);
    runtime.shutdown_background();
    info!("stopped");
    Ok(())
}

/// Opens the control socket and, if it is configured, the metrics listener. Only the latter is worth stopping for.
async fn open_control(
    state: &State,
    metrics: &Arc<Metrics>,
    view: &Arc<ArcSwap<View>>,
    commands: mpsc::Sender<Command>,
) -> Result<Option<Arc<ControlSocket>>, Fatal> {
    let control = &state.config().control;
    if let Some(address) = control.listen {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .map_err(|error| format!("cannot listen on {address} (control.listen): {error}"))?;
        info!("metrics on http://{}/metrics", listener.local_addr()?);
        let (metrics, view) = (Arc::clone(metrics), Arc::clone(view));
        let text = move || {
            let cache = view.load().recursion.as_ref().map(|recursion| recursion.cache.counts());
            metrics.render(cache.unwrap_or_default())
        };
        tokio::spawn(control::serve_metrics(listener, Arc::new(text)));
    }
    match ControlSocket::bind(&control.socket) {
        Ok(socket) => {
            let socket = Arc::new(socket);
            info!("control socket {}", socket.path().display());
            let serving = control::serve_socket(Arc::clone(&socket), commands);
            tokio::spawn(async move {
                if let Err(error) = serving.await {
                    warn!(%error, "no control socket");
                }
            });
            Ok(Some(socket))
        }
        Err(error) => {
            warn!("{error}");
            Ok(None)
        }
    }
}

/// Carries out signals and commands until one says to stop.
async fn attend(
    state: &mut State,
    running: &net::Running,
    view: &ArcSwap<View>,
    metrics: &Metrics,
    mut inbox: mpsc::Receiver<Command>,
) -> Result<(), Fatal> {
    let mut terminate = signal(SignalKind::from_raw(SIGTERM))?;
    let mut interrupt = signal(SignalKind::from_raw(SIGINT))?;
    let mut hangup = signal(SignalKind::from_raw(SIGHUP))?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hangup.recv() => {
                tokio::task::block_in_place(|| state.reload(running, view, metrics));
            }
            Some(command) = inbox.recv() => match command {
                Command::Status(reply) => {
                    let _ = reply.send(state.status(metrics));
                }
                Command::Reload(reply) => {
                    let outcome = tokio::task::block_in_place(|| state.reload(running, view, metrics));
                    let _ = reply.send(outcome);
                }
            },
        }
    }
}
