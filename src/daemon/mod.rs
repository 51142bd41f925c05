//! The composition root: config to a running daemon. Builds, binds, spawns, reloads, drains; decides nothing about DNS.

mod log;
mod memory;
mod state;
mod trust;
mod vigil;

use crate::answer::View;
use crate::config::{Config, Diagnostics, Stamp};
use crate::control::{self, Command, ControlSocket, Explainer};
use crate::metrics::Metrics;
use crate::net::{self, Checks, Running};
use crate::{limits, say, steer};
use arc_swap::ArcSwap;
use state::{Reloaded, State};
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{error, info, warn};
use vigil::Vigil;

/// Where the config is looked for when none is named.
pub const CONFIG: &str = "config/waymark.toml";

/// Runs the daemon until SIGTERM or SIGINT. The exit code is 0 after such a stop, 2 for a config that cannot be read or has errors,
/// 1 for anything else that keeps it from serving.
pub fn run(path: &Path) -> ExitCode {
    if let Err(why) = Config::readable(path) {
        say::err(format_args!("waymark: {why}"));
        return ExitCode::from(2);
    }
    let mut diagnostics = Diagnostics::default();
    let config = Config::load(path, &mut diagnostics).filter(|_| !diagnostics.has_errors());
    let Some(config) = config else {
        say::err(diagnostics.render(std::io::stderr().is_terminal()));
        return ExitCode::from(2);
    };
    if let Err(error) = log::init(&config.log) {
        say::err(format_args!("waymark: {error}"));
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

fn serve(path: &Path, config: Config, diagnostics: Diagnostics) -> Result<(), Fatal> {
    // Checks of endpoints that hang hold a descriptor each.
    if let Err(error) = rlimit::increase_nofile_limit(limits::DESCRIPTORS) {
        warn!("the limit of open files stays as it is: {error}");
    }
    let listen = config.listen.iter().map(|listen| listen.address).collect();
    let server = net::Server::bind(&net::Settings { listen, workers: config.workers })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.workers.min(4))
        .enable_all()
        .build()?;
    // Before all that takes time: a signal that comes earlier ends the process.
    let entered = runtime.enter();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let hangup = signal(SignalKind::hangup())?;
    drop(entered);
    let metrics = Arc::new(Metrics::default());
    let mut running = None;
    let daemon = Daemon::new(State::new(path, config, server.addresses()), &metrics);
    let state = Arc::clone(&daemon.state);
    let ended = runtime.block_on(async {
        // Nothing that is under way, not even a long load, keeps the daemon from stopping.
        tokio::select! {
            biased;
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
            ended = daemon.run(server, diagnostics, hangup, &mut running) => ended,
        }
    });
    if ended.is_ok() {
        info!("stopping");
    }
    if let Some(running) = running {
        running.stop(limits::DRAIN_TIME);
        // A load that is under way has it, and is not waited for.
        match state.try_lock() {
            Ok(mut state) => state.remember(),
            Err(TryLockError::Poisoned(state)) => state.into_inner().remember(),
            Err(TryLockError::WouldBlock) => warn!("the cache is not kept: zones are being loaded"),
        }
    }
    runtime.shutdown_background();
    ended.inspect(|()| info!("stopped"))
}

/// What a running daemon has, shared with the thread that loads.
struct Daemon {
    state: Arc<Mutex<State>>,
    view: Arc<ArcSwap<View>>,
    metrics: Arc<Metrics>,
    /// Zones were loaded: what their routes decide is to be compiled, and pools that are down are looked for.
    loaded: watch::Sender<()>,
}

impl Daemon {
    fn new(state: State, metrics: &Arc<Metrics>) -> Daemon {
        Daemon {
            state: Arc::new(Mutex::new(state)),
            view: Arc::default(),
            metrics: Arc::clone(metrics),
            loaded: watch::channel(()).0,
        }
    }

    /// Loads, serves, and carries out SIGHUP and commands. Ends only with an error.
    async fn run(
        &self,
        server: net::Server,
        diagnostics: Diagnostics,
        hangup: Signal,
        running: &mut Option<Running>,
    ) -> Result<(), Fatal> {
        let resolving = self
            .blocking(|state, view, metrics| {
                state.start(diagnostics, view, metrics).map(|()| state.resolving(view))
            })
            .await??;
        let checks = self.check().await;
        let addresses = server.addresses().to_vec();
        let runtime = tokio::runtime::Handle::current();
        let running =
            running.insert(server.run(Arc::clone(&self.view), resolving, &self.metrics, &runtime)?);
        let (commands, inbox) = mpsc::channel(limits::CONTROL_CONNECTIONS);
        let _socket = self.open_control(commands, &checks).await?;
        for address in &addresses {
            info!("listening on {address}");
        }
        self.attend(running, hangup, inbox).await
    }

    /// Has endpoints asked from now on. What waits to be answered waits for the first round, or for as long as that may take.
    async fn check(&self) -> Arc<Checks> {
        let (checks, store, webhook) = {
            let state = lock(&self.state);
            (state.checks(), state.store(), state.config().health.webhook.clone())
        };
        let means = Arc::new(net::probe::Means::default());
        if let Some(url) = webhook.and_then(|url| url.parse().ok()) {
            tokio::spawn(net::webhook::run(url, checks.subscribe(), Arc::clone(&means)));
        }
        let (view, metrics) = (Arc::clone(&self.view), Arc::clone(&self.metrics));
        let vigil = Vigil { view, metrics, store, loaded: self.loaded.subscribe() };
        tokio::spawn(vigil.keep(Arc::clone(&checks), checks.subscribe()));
        tokio::spawn(compile(self.loaded.subscribe(), Arc::clone(&self.view)));
        self.loaded.send_replace(());
        let known = checks.with(|health, _| health.endpoint_count());
        tokio::spawn(Arc::clone(&checks).run(means));
        if tokio::time::timeout(limits::FIRST_ROUND, checks.settled()).await.is_err() {
            warn!("not every one of {known} endpoints is known yet: those that are not count as up");
        }
        let unknown = checks.with(|health, _| health.unknown_count());
        if unknown > 0 {
            warn!(
                "{unknown} of {known} endpoints cannot be asked and count as up: `waymark ctl health` says why"
            );
        }
        checks
    }

    /// Works on the state on a thread that may block.
    async fn blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State, &ArcSwap<View>, &Metrics) -> R + Send + 'static,
    ) -> Result<R, Fatal> {
        let (state, view, metrics) =
            (Arc::clone(&self.state), Arc::clone(&self.view), Arc::clone(&self.metrics));
        let done = tokio::task::spawn_blocking(move || work(&mut lock(&state), &view, &metrics)).await;
        done.map_err(|_| "the program failed: this is a bug of Waymark".into())
    }

    /// Opens the control socket and, if it is configured, the metrics listener. Only the latter is worth stopping for.
    async fn open_control(
        &self,
        commands: mpsc::Sender<Command>,
        checks: &Arc<Checks>,
    ) -> Result<Option<ControlSocket>, Fatal> {
        let control = lock(&self.state).config().control.clone();
        if let Some(address) = control.listen {
            let listener = tokio::net::TcpListener::bind(address)
                .await
                .map_err(|error| net::BindError::new(address, "control.listen", error))?;
            info!("metrics on http://{}/metrics", listener.local_addr()?);
            let (metrics, view) = (Arc::clone(&self.metrics), Arc::clone(&self.view));
            let text = move || {
                let view = view.load();
                let cache = view.recursion.as_ref().map(|recursion| recursion.cache.counts());
                metrics.render(cache.unwrap_or_default(), steer::gauges(&view.steering))
            };
            let commands = commands.clone();
            tokio::spawn(control::serve_http(listener, Arc::new(text), commands, Arc::clone(checks)));
        }
        let socket = match ControlSocket::bind(&control.socket) {
            Ok(socket) => socket,
            Err(error) => {
                warn!("{error}");
                return Ok(None);
            }
        };
        info!("control socket {}", socket.path().display());
        tokio::spawn(control::serve_socket(socket.listener()?, commands, Arc::clone(checks)));
        Ok(Some(socket))
    }

    /// Carries out SIGHUP and commands, one after the other.
    async fn attend(
        &self,
        running: &Running,
        mut hangup: Signal,
        mut inbox: mpsc::Receiver<Command>,
    ) -> Result<(), Fatal> {
        let mut rotation = tokio::time::interval(limits::COOKIE_SECRET);
        // The first is due at once, and the secret is new.
        rotation.tick().await;
        let mut look = tokio::time::interval(limits::TRUST_LOOK);
        let (told, mut geo) = mpsc::channel(1);
        // It ends with this.
        let mut looking = JoinSet::new();
        looking.spawn(look_at_geo(Arc::clone(&self.state), told));
        loop {
            tokio::select! {
                () = running.is_broken() => {
                    return Err("a worker failed again and again: ended, to be started as a whole".into());
                }
                _ = rotation.tick() => lock(&self.state).rotate_cookies(&self.view),
                _ = look.tick() => {
                    self.tend_trust().await;
                    lock(&self.state).fit_epoch(&self.view);
                }
                Some(()) = geo.recv() => self.swap_geo(running).await,
                _ = hangup.recv() => drop(self.reload(running, State::reload).await),
                Some(command) = inbox.recv() => match command {
                    Command::Status(reply) => drop(reply.send(lock(&self.state).status(&self.metrics))),
                    Command::Explainer(reply) => {
                        let (learnt, checks) = {
                            let state = lock(&self.state);
                            (state.learnt(), state.checks())
                        };
                        let (view, shards) = (self.view.load_full(), running.shards());
                        drop(reply.send(Explainer { view, learnt, shards, checks }));
                    }
                    Command::Learnt(reply) => drop(reply.send(lock(&self.state).learnt())),
                    Command::Trusted(reply) => drop(reply.send(lock(&self.state).trusted())),
                    Command::TendTrust(reply) => {
                        self.tend_trust().await;
                        let _ = reply.send(());
                    }
                    Command::Reload(reply) => drop(reply.send(self.reload(running, State::reload).await)),
                },
            }
        }
    }

    /// Has what trust has become written.
    async fn tend_trust(&self) {
        if let Err(why) = self.blocking(|state, _, _| state.tend_trust()).await {
            error!("trust anchors are not kept: {why}");
        }
    }

    /// Takes up geographic data that has changed. Zones stay as they are; what their routes decide is compiled before anybody is answered by it.
    /// What takes long is done without the state, which an exit needs.
    async fn swap_geo(&self, running: &Running) {
        info!("geographic data has changed");
        let open = lock(&self.state).geo_opener();
        let Ok((geo, diagnostics)) = tokio::task::spawn_blocking(open).await else {
            error!("geographic data is not taken up: the program failed over it, which is a bug of Waymark");
            return;
        };
        let swapped = self.blocking(|state, _, _| state.swap_geo(geo)).await.ok().flatten();
        if let Some(loaded) = &swapped {
            let steering = loaded.steering.clone();
            // What fails here is tried again, and told, after the load.
            let _ = tokio::task::spawn_blocking(move || steer::compile_decisions(&steering)).await;
        }
        let publish = move |state: &mut State, view: &ArcSwap<View>, metrics: &Metrics| {
            state.publish_geo(swapped, diagnostics, view, metrics)
        };
        drop(self.reload(running, publish).await);
    }

    /// Has what was loaded loaded `again`. Returns whether all is well, and what to say.
    async fn reload(
        &self,
        running: &Running,
        again: impl FnOnce(&mut State, &ArcSwap<View>, &Metrics) -> Reloaded + Send + 'static,
    ) -> (bool, String) {
        let before = self.view.load_full();
        let reloaded = self.blocking(again).await;
        running.set_zones(&self.view.load().zones);
        self.loaded.send_replace(());
        tokio::spawn(retire(before));
        match reloaded {
            Ok(Reloaded { ok, text, resolving }) => {
                if let Some(resolving) = resolving {
                    running.set_resolving(resolving);
                }
                (ok, text)
            }
            Err(why) => {
                error!("nothing is reloaded: {why}");
                (false, why.to_string())
            }
        }
    }
}

/// Looks at files of geographic data again and again, and tells when one has changed. In a task of its own, which alone waits where a file
/// is on a disk that does not answer.
async fn look_at_geo(state: Arc<Mutex<State>>, told: mpsc::Sender<()>) {
    let mut look = tokio::time::interval(limits::GEO_LOOK);
    // Looks that were missed are not made up for: two at once would take a file that is being written for one that stays as it is.
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let state = Arc::clone(&state);
        let look = move || {
            let files = lock(&state).geo_files();
            let now: Vec<Option<Stamp>> = files.iter().map(|path| Stamp::of(path)).collect();
            lock(&state).see_geo(&files.into_iter().zip(now).collect::<Vec<_>>())
        };
        let new = tokio::task::spawn_blocking(look).await.unwrap_or(false);
        if new && told.send(()).await.is_err() {
            return;
        }
    }
}

/// Compiles what routes decide whenever zones were `loaded`, one load at a time. Nobody waits for it: answers are the same before.
async fn compile(mut loaded: watch::Receiver<()>, view: Arc<ArcSwap<View>>) {
    let mut told = BTreeSet::new();
    while loaded.changed().await.is_ok() {
        let view = view.load_full();
        let work = move || steer::compile_decisions(&view.steering);
        let large = tokio::task::spawn_blocking(work).await.unwrap_or_default();
        for route in large.difference(&told) {
            info!("route {route} has too many decisions to hold: each is worked out when it is asked for");
        }
        told = large;
    }
}

/// Frees what is no longer in force where that may take its time. Whoever still answers from it must not be the last to let it go.
async fn retire(old: Arc<View>) {
    for _ in 0..limits::RETIRE_LOOKS {
        tokio::time::sleep(limits::RETIRE_LOOK).await;
        if Arc::strong_count(&old) == 1 {
            break;
        }
    }
    drop(tokio::task::spawn_blocking(move || drop(old)));
}

/// A panic while it was held is told elsewhere; every load starts afresh.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
