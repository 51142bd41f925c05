//! What the daemon was made from, and making it anew: config, zones, the resolver's settings.

use super::log;
use crate::answer::{Recursion, UpstreamZone, View};
use crate::cache::Cache;
use crate::config::{Config, Diagnostics, ResolverConfig, UpstreamConfig};
use crate::guard::AccessList;
use crate::limits;
use crate::load::{Counts, Loader};
use crate::metrics::Metrics;
use crate::net::{self, Resolving};
use crate::resolve::{self, Known};
use crate::zone;
use crate::zone::tree::NameTree;
use arc_swap::ArcSwap;
use ipnet::IpNet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::{error, info, warn};

/// Config, loader and cache of a running daemon.
pub(super) struct State {
    path: PathBuf,
    config: Config,
    loader: Loader,
    counts: Counts,
    cache: Option<Arc<Cache>>,
    known: Arc<Known>,
    /// The realm of cache keys: a new one whenever other servers are asked than before.
    realm: u32,
}

impl State {
    /// The state for a config that was read from `path`.
    pub fn new(path: &Path, config: Config) -> State {
        let mut state = State {
            path: path.to_owned(),
            config,
            loader: Loader::default(),
            counts: Counts::default(),
            cache: None,
            known: Arc::default(),
            realm: 0,
        };
        state.fit_cache();
        state
    }

    /// The config in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Makes a cache where there is none of the configured size.
    fn fit_cache(&mut self) {
        let resolver = &self.config.resolver;
        let fits = self
            .cache
            .as_ref()
            .is_some_and(|cache| cache.counts().capacity == resolver.cache_size.max(limits::CACHE_MIN));
        if !resolver.enabled {
            self.cache = None;
        } else if !fits {
            self.cache = Some(Arc::new(Cache::new(resolver.cache_size, crate::entropy::u64())));
        }
    }

    /// Loads the zones and makes the view.
    pub fn load(&mut self, diagnostics: &mut Diagnostics, metrics: &Metrics) -> View {
        let loaded = self.loader.load(&self.config, diagnostics);
        self.counts = loaded.counts;
        metrics.set_zones(loaded.zones.len());
        View { zones: loaded.zones, steering: loaded.steering, recursion: self.recursion() }
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
        })
    }

    /// What the resolver's shards are made from.
    pub fn resolving(&self) -> Option<Resolving> {
        let cache = Arc::clone(self.cache.as_ref()?);
        let settings = Arc::new(settings(&self.config, self.realm));
        Some(Resolving { settings, cache, known: Arc::clone(&self.known) })
    }

    /// Reads config and zones again and swaps them in. What is bad stays as it was. Returns whether all is well, and what to say.
    pub fn reload(
        &mut self,
        running: &net::Running,
        view: &ArcSwap<View>,
        metrics: &Metrics,
    ) -> (bool, String) {
        let mut diagnostics = Diagnostics::default();
        match Config::load(&self.path, &mut diagnostics) {
            Some(config) => self.take_config(config),
            None => error!("{}: the config stays as it was", self.path.display()),
        }
        view.store(Arc::new(self.load(&mut diagnostics, metrics)));
        running.set_resolving(self.resolving());
        log::tell(&diagnostics);
        let ok = !diagnostics.has_errors();
        metrics.count_reload(ok);
        let Counts { fresh, kept, failed, records } = self.counts;
        let summary = format!(
            "reloaded: {fresh} zones fresh, {kept} kept at their last good version, {failed} failed, {records} records"
        );
        info!("{summary}");
        let told = diagnostics.render(false);
        (ok, if told.is_empty() { summary } else { format!("{told}\n{summary}") })
    }

    /// Takes a new config; what only a restart can change is named.
    fn take_config(&mut self, config: Config) {
        let old = std::mem::replace(&mut self.config, config);
        let new = &self.config;
        for (key, changed) in [
            ("server.listen", old.listen != new.listen),
            ("server.workers", old.workers != new.workers),
            ("control.listen", old.control.listen != new.control.listen),
            ("control.socket", old.control.socket != new.control.socket),
            ("log", old.log != new.log),
        ] {
            if changed {
                warn!("{key} has changed: it takes effect when the daemon is started again");
            }
        }
        if settings(&old, 0) != settings(new, 0) {
            // What was learnt of other servers is neither answered nor built on.
            self.realm = self.realm.wrapping_add(1);
            self.known = Arc::default();
        }
        self.fit_cache();
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
            "counters": metrics.totals().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        });
        format!("{status:#}")
    }
}

/// The resolver's settings as the config has them.
fn settings(config: &Config, realm: u32) -> resolve::Settings {
    let ResolverConfig { root_hints, upstream_port, families, priming, case_randomisation, .. } =
        &config.resolver;
    let route = |upstream: &UpstreamConfig| resolve::Upstream {
        zone: upstream.zone.clone(),
        servers: upstream.servers.clone(),
        forward: upstream.forward,
    };
    // Asking ourselves would go round in a circle.
    let own =
        config.listen.iter().filter(|own| own.port() == *upstream_port).map(|own| IpNet::from(own.ip()));
    resolve::Settings {
        root_hints: root_hints.clone(),
        realm,
        upstream_port: *upstream_port,
        families: *families,
        deny: config.resolver.deny.iter().copied().chain(own).collect(),
        priming: *priming,
        case_randomisation: *case_randomisation,
        routes: config.resolver.upstreams.iter().map(route).collect(),
    }
}
