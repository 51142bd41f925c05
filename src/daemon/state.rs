//! What the daemon was made from, and making it anew: config, zones, the resolver's settings.

use super::trust::Keeper;
use super::{log, memory, vigil};
use crate::anchor::Trust;
use crate::answer::{Recursion, UpstreamZone, View};
use crate::cache::snapshot::Circumstances;
use crate::cache::{Cache, Selection};
use crate::config::{Config, Diagnostics, ListenConfig, Minimise, ResolverConfig, Stamp, UpstreamConfig};
use crate::control::{Learnt, Trusted};
use crate::guard::{AccessList, Cookies, Guard, Rates};
use crate::health::Health;
use crate::load::{Counts, Loaded, Loader};
use crate::metrics::Metrics;
use crate::net::{Checks, Resolving};
use crate::resolve::{self, Known};
use crate::steer::Geo;
use crate::store::Store;
use crate::zone::tree::NameTree;
use crate::{clock, limits, zone};
use arc_swap::ArcSwap;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::{info, warn};

/// Config, loader and cache of a running daemon.
pub(super) struct State {
    path: PathBuf,
    config: Config,
    /// The config of the start: what only a start changes is in force as it is here.
    started: Config,
    /// The addresses listened on.
    listeners: Vec<SocketAddr>,
    loader: Loader,
    counts: Counts,
    cache: Option<Arc<Cache>>,
    known: Arc<Known>,
    keeper: Keeper,
    cookies: Cookies,
    rates: Option<Arc<Rates>>,
    /// The realm of cache keys: a new one whenever other servers are asked than before.
    realm: u32,
    store: Option<Store>,
    checks: Arc<Checks>,
}

/// What came of a reload.
pub(super) struct Reloaded {
    /// Whether all is well.
    pub ok: bool,
    /// What to say.
    pub text: String,
    /// The resolver, or that there is none, where that is not as it was.
    pub resolving: Option<Option<Resolving>>,
}

impl State {
    /// The state for a config that was read from `path`, with the addresses listened on.
    pub fn new(path: &Path, config: Config, listeners: &[SocketAddr]) -> State {
        let ResolverConfig { anchors, rfc5011, .. } = &config.resolver;
        let keeper = Keeper::new(Trust::new(anchors.clone(), *rfc5011, clock::unix_secs()));
        let known = keeper.known();
        let mut state = State {
            keeper,
            path: path.to_owned(),
            started: config.clone(),
            config,
            listeners: listeners.to_vec(),
            loader: Loader::default(),
            counts: Counts::default(),
            cache: None,
            known,
            // Modulo 2^32, as cookies have it.
            cookies: Cookies::new(secret(), clock::unix_at_zero() as u32),
            rates: None,
            realm: 0,
            store: None,
            checks: Arc::new(Checks::new(Health::new(crate::entropy::u64(), clock::unix_at_zero()))),
        };
        state.fit_cache();
        state.fit_rates();
        state
    }

    /// The config in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Makes a cache where there is none of the configured size. Returns whether it did, or dropped the one there was.
    fn fit_cache(&mut self) -> bool {
        let resolver = &self.config.resolver;
        let wanted = resolver.enabled.then(|| resolver.cache_size.max(limits::CACHE_MIN));
        if wanted == self.cache.as_ref().map(|cache| cache.counts().capacity) {
            return false;
        }
        self.cache = wanted.map(|_| Arc::new(Cache::new(resolver.cache_size, crate::entropy::u64())));
        true
    }

    /// Makes counters for the rate limit where it is not the configured one.
    fn fit_rates(&mut self) {
        let wanted = self.config.guard.rrl;
        if wanted != self.rates.as_ref().map(|rates| rates.per_second()) {
            self.rates = wanted.map(|per_second| Arc::new(Rates::new(per_second)));
        }
    }

    /// What stands before the answers.
    fn guard(&self) -> Guard {
        Guard {
            cookies: self.config.guard.cookies.then(|| self.cookies.clone()),
            rates: self.rates.clone(),
            listeners: self.listener_lists(),
        }
    }

    /// The access lists of the listeners in force: those of the config where it has the same listeners.
    fn listener_lists(&self) -> Vec<Option<AccessList>> {
        let (old, new) = (&self.started.listen, &self.config.listen);
        let same = addresses(old).eq(addresses(new));
        let lists = (if same { new } else { old }).iter().map(|listen| listen.allow.clone());
        lists.map(|allow| allow.map(AccessList::new)).collect()
    }

    /// Makes cookies with another secret from now on.
    pub fn rotate_cookies(&mut self, view: &ArcSwap<View>) {
        self.cookies = self.cookies.rotated(secret());
        self.refresh(view);
    }

    /// Goes on with the clock where the machine's was set, or has stood still for a while.
    pub fn fit_epoch(&self, view: &ArcSwap<View>) {
        if view.load().epoch != clock::unix_at_zero() {
            self.refresh(view);
        }
    }

    /// Swaps in a view of the same zones.
    fn refresh(&self, view: &ArcSwap<View>) {
        let last = view.load();
        view.store(Arc::new(View {
            zones: last.zones.clone(),
            steering: last.steering.clone(),
            recursion: self.recursion(),
            guard: self.guard(),
            epoch: clock::unix_at_zero(),
        }));
    }

    /// Loads for the first time.
    ///
    /// # Errors
    /// When the directory of the zones cannot be read: what to serve is not known.
    pub fn start(
        &mut self,
        mut diagnostics: Diagnostics,
        view: &ArcSwap<View>,
        metrics: &Metrics,
    ) -> Result<(), &'static str> {
        self.open_store();
        if let Some(store) = &self.store {
            vigil::recall(store, &self.checks);
        }
        let loaded = self.load(&mut diagnostics, view, metrics);
        log::tell(&diagnostics);
        if !loaded {
            return Err("not started: the directory of the zones cannot be read");
        }
        let Counts { fresh, failed, records, .. } = self.counts;
        let but = if failed > 0 { format!(", {failed} zones failed") } else { String::new() };
        info!("{fresh} zones, {records} records loaded{but}");
        self.recall();
        Ok(())
    }

    fn open_store(&mut self) {
        match Store::open(&self.config.store) {
            Ok(store) => self.store = Some(store),
            Err(error) => warn!("{error}"),
        }
    }

    /// The driver of checks.
    pub fn checks(&self) -> Arc<Checks> {
        Arc::clone(&self.checks)
    }

    /// Where things are kept.
    pub fn store(&self) -> Option<Store> {
        self.store.clone()
    }

    /// Takes from the store what was trusted, and what the cache held when the daemon last stopped.
    fn recall(&mut self) {
        if self.cache.is_none() {
            return;
        }
        if let Some(store) = &self.store {
            self.keeper.recall(store, clock::unix_secs());
        }
        if let (Some(store), Some(cache)) = (&self.store, &self.cache) {
            memory::recall(store, cache, &self.circumstances());
        }
    }

    /// Forgets what was learnt under negative trust anchors that have run out, and writes what trust has
    /// become.
    pub fn tend_trust(&mut self) {
        let expired = self.keeper.trust.expire(clock::unix_secs());
        let learnt = self.learnt().filter(|_| !expired.is_empty());
        for name in expired {
            info!("the negative trust anchor {name} has run out");
            if let Some(learnt) = &learnt {
                learnt.flush(&Selection::Below(name));
            }
        }
        self.keeper.keep(self.store.as_ref());
    }

    /// Writes trust, health and the cache to the store.
    pub fn remember(&mut self) {
        self.tend_trust();
        if let Some(store) = &self.store {
            vigil::remember(store, &self.checks);
        }
        if let (Some(store), Some(cache)) = (&self.store, &self.cache) {
            memory::remember(store, cache, &self.circumstances());
        }
    }

    fn circumstances(&self) -> Circumstances {
        let settings = settings(&self.config, &self.listeners, 0);
        let settings = memory::fingerprint(&settings, &self.keeper.trust.load());
        Circumstances { now: clock::now(), unix: clock::unix_secs(), realm: self.realm, settings }
    }

    /// What was learnt; none when nothing is resolved.
    pub fn learnt(&self) -> Option<Learnt> {
        let cache = Arc::clone(self.cache.as_ref()?);
        Some(Learnt { cache, known: Arc::clone(&self.known), realm: self.realm })
    }

    /// What is trusted, for an operator; none when nothing is resolved.
    pub fn trusted(&self) -> Option<Trusted> {
        Some(Trusted { trust: Arc::clone(&self.keeper.trust), learnt: self.learnt()? })
    }

    /// Loads the zones and swaps in the view. False when there was nothing to load from: then the zones stay as they are.
    fn load(&mut self, diagnostics: &mut Diagnostics, view: &ArcSwap<View>, metrics: &Metrics) -> bool {
        let loaded = self.loader.load(&self.config, diagnostics);
        let succeeded = loaded.is_some();
        self.publish(loaded, diagnostics, view, metrics);
        succeeded
    }

    /// Swaps in the view of what was loaded, or of the zones of before where nothing was.
    fn publish(
        &mut self,
        loaded: Option<Loaded>,
        diagnostics: &mut Diagnostics,
        view: &ArcSwap<View>,
        metrics: &Metrics,
    ) {
        let (zones, steering) = match loaded {
            Some(Loaded { zones, steering, watched, counts, bad }) => {
                // Before anybody answers from them.
                self.checks.watch(watched);
                for bad in bad {
                    diagnostics.warning(None, bad.to_string());
                }
                self.counts = counts;
                (zones, steering)
            }
            None => {
                let last = view.load();
                self.counts.kept += std::mem::take(&mut self.counts.fresh);
                (last.zones.clone(), last.steering.clone())
            }
        };
        metrics.set_zones(zones.len());
        metrics.set_geo_refused(self.loader.geo_refused());
        let (recursion, guard, epoch) = (self.recursion(), self.guard(), clock::unix_at_zero());
        view.store(Arc::new(View { zones, steering, recursion, guard, epoch }));
    }

    /// The resolver's side of the view.
    fn recursion(&self) -> Option<Recursion> {
        let config = &self.config.resolver;
        let mut upstreams: Vec<_> =
            config.upstreams.iter().map(|upstream| UpstreamZone(Arc::new(upstream.zone.clone()))).collect();
        upstreams.sort_by(|a, b| a.0.cmp(&b.0));
        Some(Recursion {
            allow: AccessList::new(config.allow.clone()),
            cache: Arc::clone(self.cache.as_ref()?),
            realm: self.realm,
            upstreams: NameTree::from_sorted(upstreams),
            special: if config.special_use { zone::special_use() } else { Default::default() },
            sentinel: config.sentinel.then(|| Arc::clone(&self.keeper.trust)),
            strict_denial: config.minimise == Minimise::Strict,
            serve_stale: config.serve_stale,
            prefetch: config.prefetch,
        })
    }

    /// What the resolver's shards are made from.
    pub fn resolving(&self, view: &ArcSwap<View>) -> Option<Resolving> {
        let cache = Arc::clone(self.cache.as_ref()?);
        let settings = Arc::new(settings(&self.config, &self.listeners, self.realm));
        let zones = view.load().zones.clone();
        Some(Resolving { settings, cache, known: Arc::clone(&self.known), zones })
    }

    /// Reads config and zones again and swaps them in. What is bad stays as it was.
    pub fn reload(&mut self, view: &ArcSwap<View>, metrics: &Metrics) -> Reloaded {
        let mut diagnostics = Diagnostics::default();
        let changed = match Config::load(&self.path, &mut diagnostics).filter(|_| !diagnostics.has_errors()) {
            Some(config) => self.take_config(config),
            None => {
                diagnostics.warning(None, format!("{}: the config stays as it was", self.path.display()));
                false
            }
        };
        for key in self.waits_for_a_start() {
            let message = format!("{key} has changed: it takes effect when the daemon is started again");
            diagnostics.warning(None, message);
        }
        let loaded = self.load_again(diagnostics, view, metrics);
        Reloaded { resolving: changed.then(|| self.resolving(view)), ..loaded }
    }

    /// The files of geographic data.
    pub fn geo_files(&self) -> Vec<PathBuf> {
        self.config.geo.files().map(Path::to_owned).collect()
    }

    /// Notes how they are now; says whether one has changed and is to be taken up.
    pub fn see_geo(&mut self, now: &[(PathBuf, Option<Stamp>)]) -> bool {
        self.loader.see_geo(now)
    }

    /// What opens those that have changed, which are known from now on.
    pub fn geo_opener(&mut self) -> impl FnOnce() -> (Geo, Diagnostics) + Send + use<> {
        self.loader.geo_opener(&self.config)
    }

    /// Takes up what was opened; none where that says nothing new.
    pub fn swap_geo(&mut self, geo: Geo) -> Option<Loaded> {
        self.loader.swap_geo(geo, &self.config)
    }

    /// Swaps in the view of what was made of it.
    pub fn publish_geo(
        &mut self,
        swapped: Option<Loaded>,
        mut diagnostics: Diagnostics,
        view: &ArcSwap<View>,
        metrics: &Metrics,
    ) -> Reloaded {
        let what = match swapped {
            Some(loaded) => {
                self.publish(Some(loaded), &mut diagnostics, view, metrics);
                "what is new of geographic data is taken up"
            }
            None => {
                metrics.set_geo_refused(self.loader.geo_refused());
                "geographic data stays as it was"
            }
        };
        log::tell(&diagnostics);
        info!("{what}");
        let ok = !diagnostics.has_errors();
        metrics.count_reload(ok);
        Reloaded { ok, text: diagnostics.render(false) + what, resolving: None }
    }

    fn load_again(
        &mut self,
        mut diagnostics: Diagnostics,
        view: &ArcSwap<View>,
        metrics: &Metrics,
    ) -> Reloaded {
        self.load(&mut diagnostics, view, metrics);
        log::tell(&diagnostics);
        let ok = !diagnostics.has_errors();
        metrics.count_reload(ok);
        let Counts { fresh, kept, failed, records } = self.counts;
        let summary = format!(
            "reloaded: {fresh} zones fresh, {kept} kept at their last good version, {failed} failed, {records} records"
        );
        info!("{summary}");
        Reloaded { ok, text: diagnostics.render(false) + &summary, resolving: None }
    }

    /// Takes a new config. Returns whether the resolver is another one than before.
    fn take_config(&mut self, config: Config) -> bool {
        let before = settings(&self.config, &self.listeners, 0);
        self.config = config;
        self.fit_rates();
        let ResolverConfig { anchors, rfc5011, .. } = &self.config.resolver;
        let trusts = self.keeper.trust.configure(anchors.clone(), *rfc5011, clock::unix_secs());
        let other = trusts || before != settings(&self.config, &self.listeners, 0);
        if other {
            // What was learnt of other servers, or under other trust, is neither answered nor built on.
            self.realm = self.realm.wrapping_add(1);
            self.known = self.keeper.known();
        }
        self.fit_cache() || other
    }

    /// Keys whose value is not the one in force.
    fn waits_for_a_start(&self) -> impl Iterator<Item = &'static str> {
        let (old, new) = (&self.started, &self.config);
        let keys = [
            ("server.listen", !addresses(&old.listen).eq(addresses(&new.listen))),
            ("server.workers", old.workers != new.workers),
            ("store.directory", old.store != new.store),
            ("health.webhook", old.health.webhook != new.health.webhook),
            ("control.listen", old.control.listen != new.control.listen),
            ("control.socket", old.control.socket != new.control.socket),
            ("log", old.log != new.log),
        ];
        keys.into_iter().filter_map(|(key, changed)| changed.then_some(key))
    }

    /// How the daemon is, as JSON.
    pub fn status(&self, metrics: &Metrics) -> String {
        let Counts { fresh, kept, failed, records } = self.counts;
        let status = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "config": self.path,
            "zones": { "fresh": fresh, "kept": kept, "failed": failed, "records": records },
            "cache": self.cache.as_ref().map(|cache| cache.counts()).map(|counts| serde_json::json!({
                "entries": counts.entries, "bytes": counts.bytes, "limit": counts.capacity,
            })),
            "store": self.store.as_ref().map(Store::directory),
            "geo": { "refused": self.loader.geo_refused() },
            "counters": metrics.totals().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        });
        format!("{status:#}")
    }
}

/// The addresses of listeners, in order.
fn addresses(listen: &[ListenConfig]) -> impl Iterator<Item = SocketAddr> {
    listen.iter().map(|listen| listen.address)
}

/// A secret for cookies.
fn secret() -> [u8; 16] {
    let mut secret = [0; 16];
    secret.copy_from_slice(&crate::entropy::seed()[..16]);
    secret
}

/// The resolver's settings as the config has them.
fn settings(config: &Config, listeners: &[SocketAddr], realm: u32) -> resolve::Settings {
    let ResolverConfig { root_hints, upstream_port, families, priming, case_randomisation, .. } =
        &config.resolver;
    let route = |upstream: &UpstreamConfig| resolve::Upstream {
        zone: upstream.zone.clone(),
        servers: upstream.servers.clone(),
        forward: upstream.forward,
        fallback: upstream.fallback,
        validate: upstream.validate,
    };
    // Asking ourselves would go round in a circle.
    let own = listeners.iter().filter(|own| own.port() == *upstream_port).map(|own| IpNet::from(own.ip()));
    resolve::Settings {
        root_hints: root_hints.clone(),
        realm,
        upstream_port: *upstream_port,
        families: *families,
        deny: config.resolver.deny.iter().copied().chain(own).collect(),
        priming: *priming,
        case_randomisation: *case_randomisation,
        minimise: config.resolver.minimise,
        rebinding_protection: config.resolver.rebinding_protection,
        aggressive: config.resolver.aggressive_nsec,
        anchor_signal: config.resolver.anchor_signal,
        serve_stale: config.resolver.serve_stale,
        routes: config.resolver.upstreams.iter().map(route).collect(),
    }
}

#[cfg(test)]
mod tests;
