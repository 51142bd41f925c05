//! Counters, one set per thread, summed when they are read; and their text for Prometheus.

use crate::wire::Rcode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Where an answer came from; of a chain, its last link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An own zone.
    Zone,
    /// An own zone, steered.
    Steered,
    /// The cache.
    Cache,
    /// Resolution.
    Resolved,
    /// Refused, malformed or not implemented: nothing was looked up.
    Refused,
}

const SOURCES: [&str; 5] = ["zone", "steered", "cache", "resolved", "refused"];

/// What a client has shown with a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing yet: it asks for a server cookie.
    New,
    /// That replies reach its address.
    Valid,
    /// Nothing: its server cookie is too old, forged, another server's or another client's.
    Bad,
}

const STANDINGS: [&str; 3] = ["new", "valid", "bad"];

/// What validation made of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validated {
    /// All of it is signed and right.
    Secure,
    /// It is a failure, because what was learnt is not right.
    Bogus,
}

const VALIDATED: [&str; 2] = ["secure", "bogus"];

/// Why a request got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Too short for a header, or a reply.
    NotAQuery,
    /// Longer than any query is.
    TooLong,
    /// The network did not take the reply.
    NotSent,
    /// The same question of the same client is being resolved already.
    Repeated,
    /// The answer came when the client had long given up.
    Late,
    /// The client's network has had its share of such replies.
    RateLimited,
}

const DROPS: [&str; 6] = ["not_a_query", "too_long", "not_sent", "repeated", "late", "rate_limited"];

/// Why a request may not wait to be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowded {
    /// As many of its client wait as may.
    Client,
    /// As many wait in the shard as may.
    Shard,
    /// As many are on their way to the shard.
    Mailbox,
}

const CROWDED: [&str; 3] = ["client", "shard", "mailbox"];

/// How a query came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// In a datagram.
    Udp,
    /// On a TCP connection.
    Tcp,
}

const OVER: [&str; 2] = ["udp", "tcp"];

/// Response codes counted by name; the last place is for all others.
const RCODES: usize = 12;

/// What one thread counts, or several that share a set.
#[derive(Debug)]
#[repr(align(128))]
pub struct Counters {
    shared: bool,
    queries: [AtomicU64; 2],
    responses: [[AtomicU64; RCODES]; 5],
    drops: [AtomicU64; DROPS.len()],
    validated: [AtomicU64; VALIDATED.len()],
    cookies: [AtomicU64; STANDINGS.len()],
    slipped: AtomicU64,
    crowded: [AtomicU64; CROWDED.len()],
    upstream: [AtomicU64; 2],
    upstream_timeouts: AtomicU64,
}

impl Counters {
    fn new(shared: bool) -> Counters {
        Counters {
            shared,
            queries: Default::default(),
            responses: Default::default(),
            drops: Default::default(),
            validated: Default::default(),
            cookies: Default::default(),
            slipped: AtomicU64::new(0),
            crowded: Default::default(),
            upstream: Default::default(),
            upstream_timeouts: AtomicU64::new(0),
        }
    }

    fn inc(&self, counter: &AtomicU64) {
        if self.shared {
            counter.fetch_add(1, Ordering::Relaxed);
        } else {
            // One writer: no locked instruction is needed.
            counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// A query came.
    pub fn query(&self, over: Over) {
        self.inc(&self.queries[over as usize]);
    }

    /// A reply was given.
    pub fn response(&self, source: Source, rcode: Rcode) {
        self.inc(&self.responses[source as usize][(rcode.0 as usize).min(RCODES - 1)]);
    }

    /// A reply was validated, or failed for that.
    pub fn validated(&self, validated: Validated) {
        self.inc(&self.validated[validated as usize]);
    }

    /// A request got no reply.
    pub fn dropped(&self, why: Dropped) {
        self.inc(&self.drops[why as usize]);
    }

    /// A reply was given to a client that sent a cookie.
    pub fn cookie(&self, standing: Standing) {
        self.inc(&self.cookies[standing as usize]);
    }

    /// A reply over the rate limit was sent without its content.
    pub fn slipped(&self) {
        self.inc(&self.slipped);
    }

    /// A request failed for want of room.
    pub fn crowded(&self, why: Crowded) {
        self.inc(&self.crowded[why as usize]);
    }

    /// A query was sent upstream.
    pub fn upstream(&self, over: Over) {
        self.inc(&self.upstream[over as usize]);
    }

    /// One was not answered in time.
    pub fn upstream_timeout(&self) {
        self.inc(&self.upstream_timeouts);
    }
}

/// All counters of the daemon.
#[derive(Debug, Default)]
pub struct Metrics {
    threads: Mutex<Vec<Arc<Counters>>>,
    reloads: [AtomicU64; 2],
    health: [AtomicU64; HEALTH.len()],
    zones: AtomicUsize,
    geo_refused: AtomicUsize,
    /// Times that a worker failed and was started anew.
    pub worker_restarts: AtomicU64,
    /// TCP connections of clients that are open.
    pub tcp_connections: AtomicUsize,
    /// And those refused for want of room.
    pub tcp_refused: AtomicU64,
}

/// What others know when metrics are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheGauges {
    /// Entries in the cache.
    pub entries: usize,
    /// Octets it has allocated.
    pub bytes: usize,
    /// Octets it may.
    pub capacity: usize,
    /// Entries forgotten to make room.
    pub evictions: u64,
}

/// How members and pools stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SteeringGauges {
    /// Members that are up, down, unknown, and drained, whatever they are besides.
    pub members: [usize; 4],
    /// Pools, each for a family that it has members of, that are up, and down.
    pub pools: [usize; 2],
}

impl Metrics {
    /// A set of counters for one thread alone.
    pub fn thread(&self) -> Arc<Counters> {
        self.add(Counters::new(false))
    }

    /// A set of counters for several threads.
    pub fn shared(&self) -> Arc<Counters> {
        self.add(Counters::new(true))
    }

    fn add(&self, counters: Counters) -> Arc<Counters> {
        let counters = Arc::new(counters);
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&counters));
        counters
    }

    /// Config and zones were read again.
    pub fn count_reload(&self, ok: bool) {
        self.reloads[usize::from(!ok)].fetch_add(1, Ordering::Relaxed);
    }

    /// How many events of health of one of the kinds, by its name, there were in all.
    pub fn set_health(&self, kind: &str, count: u64) {
        if let Some(at) = HEALTH.iter().position(|known| *known == kind) {
            self.health[at].store(count, Ordering::Relaxed);
        }
    }

    /// How many zones are served.
    pub fn set_zones(&self, zones: usize) {
        self.zones.store(zones, Ordering::Relaxed);
    }

    /// Of how many files of geographic data the last version was refused.
    pub fn set_geo_refused(&self, files: usize) {
        self.geo_refused.store(files, Ordering::Relaxed);
    }

    /// The sum of all threads.
    pub fn sum(&self, counter: impl Fn(&Counters) -> &AtomicU64) -> u64 {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.iter().map(|counters| counter(counters).load(Ordering::Relaxed)).sum()
    }

    /// The text of `/metrics` (OpenMetrics 1.0).
    pub fn render(self: &Arc<Metrics>, cache: CacheGauges, steering: SteeringGauges) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Report { metrics: Arc::clone(self), cache, steering }));
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
        text
    }

    /// The sums that `waymark ctl status` shows, by name.
    pub fn totals(&self) -> Vec<(&'static str, u64)> {
        let responses = (0..SOURCES.len()).map(|source| {
            let all = (0..RCODES).map(|rcode| self.sum(|c| &c.responses[source][rcode])).sum();
            (SOURCES[source], all)
        });
        let mut totals: Vec<(&'static str, u64)> = vec![
            ("queries_udp", self.sum(|c| &c.queries[0])),
            ("queries_tcp", self.sum(|c| &c.queries[1])),
            ("upstream_udp", self.sum(|c| &c.upstream[0])),
            ("upstream_tcp", self.sum(|c| &c.upstream[1])),
            ("upstream_timeouts", self.sum(|c| &c.upstream_timeouts)),
        ];
        totals.extend(responses);
        totals
    }
}

/// Kinds of events of health, as they name themselves.
const HEALTH: [&str; 4] = ["flip", "override", "fallback", "network"];

/// One reading of the metrics.
#[derive(Debug)]
struct Report {
    metrics: Arc<Metrics>,
    cache: CacheGauges,
    steering: SteeringGauges,
}

impl Collector for Report {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let m = &self.metrics;
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut counters = |name: &str, help: &str, values: &mut dyn Iterator<Item = (Labels, u64)>| {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (labels, value) in values {
                // An empty set would be written as a pair of braces.
                if labels.0.is_empty() {
                    metric.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
                } else {
                    metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
                }
            }
            Ok::<(), fmt::Error>(())
        };
        let one = |key, names: &'static [&'static str], sum: &dyn Fn(usize) -> u64| -> Vec<(Labels, u64)> {
            names
                .iter()
                .enumerate()
                .map(|(i, name)| (Labels(vec![(key, name.to_string())]), sum(i)))
                .collect()
        };
        let queries = one("transport", &OVER, &|i| m.sum(|c| &c.queries[i]));
        counters("waymark_queries", "Queries received", &mut queries.into_iter())?;
        let mut responses = (0..SOURCES.len() * RCODES).filter_map(|i| {
            let (source, rcode) = (i / RCODES, i % RCODES);
            let sum = m.sum(|c| &c.responses[source][rcode]);
            let name = if rcode == RCODES - 1 { "OTHER".into() } else { Rcode(rcode as u16).to_string() };
            (sum > 0).then(|| (Labels(vec![("rcode", name), ("source", SOURCES[source].into())]), sum))
        });
        counters(
            "waymark_responses",
            "Replies given, by response code and where the answer came from",
            &mut responses,
        )?;
        let validated = one("verdict", &VALIDATED, &|i| m.sum(|c| &c.validated[i]));
        counters(
            "waymark_validated",
            "Replies that were validated, or failed because what was learnt is bogus",
            &mut validated.into_iter(),
        )?;
        let drops = one("reason", &DROPS, &|i| m.sum(|c| &c.drops[i]));
        counters("waymark_drops", "Requests that got no reply", &mut drops.into_iter())?;
        let cookies = one("standing", &STANDINGS, &|i| m.sum(|c| &c.cookies[i]));
        counters("waymark_cookies", "Replies to clients that sent a cookie", &mut cookies.into_iter())?;
        let limited = one("action", &["dropped", "slipped"], &|i| {
            m.sum(|c| if i == 0 { &c.drops[Dropped::RateLimited as usize] } else { &c.slipped })
        });
        counters("waymark_rate_limited", "Replies over the rate limit", &mut limited.into_iter())?;
        let crowded = one("limit", &CROWDED, &|i| m.sum(|c| &c.crowded[i]));
        counters("waymark_crowded", "Requests failed because too many wait", &mut crowded.into_iter())?;
        let upstream = one("transport", &OVER, &|i| m.sum(|c| &c.upstream[i]));
        counters("waymark_upstream_queries", "Queries sent to other servers", &mut upstream.into_iter())?;
        let plain = |value| std::iter::once((Labels(Vec::new()), value));
        let timeouts = m.sum(|c| &c.upstream_timeouts);
        counters(
            "waymark_upstream_timeouts",
            "Queries to other servers not answered in time",
            &mut plain(timeouts),
        )?;
        let reloads = one("result", &["ok", "error"], &|i| load(&m.reloads[i]));
        counters("waymark_reloads", "Reloads of config and zones", &mut reloads.into_iter())?;
        let health = one("kind", &HEALTH, &|i| load(&m.health[i]));
        counters("waymark_health_events", "Flips, overrides, fallbacks", &mut health.into_iter())?;
        counters(
            "waymark_worker_restarts",
            "Workers that failed and were started anew",
            &mut plain(load(&m.worker_restarts)),
        )?;
        counters(
            "waymark_tcp_refused",
            "TCP connections refused for want of room",
            &mut plain(load(&m.tcp_refused)),
        )?;
        counters(
            "waymark_cache_evictions",
            "Cache entries forgotten to make room",
            &mut plain(self.cache.evictions),
        )?;
        for (name, help, value) in [
            ("waymark_zones", "Zones served", m.zones.load(Ordering::Relaxed)),
            (
                "waymark_geo_refused",
                "Files of geographic data of which the last version was refused",
                m.geo_refused.load(Ordering::Relaxed),
            ),
            ("waymark_tcp_connections", "TCP connections open", m.tcp_connections.load(Ordering::Relaxed)),
            ("waymark_cache_entries", "Entries in the cache", self.cache.entries),
            ("waymark_cache_bytes", "Octets allocated by the cache", self.cache.bytes),
            ("waymark_cache_limit_bytes", "Octets the cache may allocate", self.cache.capacity),
        ] {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            metric.encode_gauge(&(value as i64))?;
        }
        let SteeringGauges { members, pools } = self.steering;
        let standings = ["up", "down", "unknown", "drained"].into_iter();
        for (name, help, values) in [
            ("waymark_members", "Members of pools", standings.clone().zip(members).collect::<Vec<_>>()),
            ("waymark_pools", "Pools, each for a family that it has", standings.zip(pools).collect()),
        ] {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (state, value) in values {
                let labels = Labels(vec![("state", state.to_owned())]);
                metric.encode_family(&labels)?.encode_gauge(&(value as i64))?;
            }
        }
        Ok(())
    }
}

/// Labels of a metric.
#[derive(Debug)]
struct Labels(Vec<(&'static str, String)>);

impl EncodeLabelSet for Labels {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelSetEncoder<'_>,
    ) -> Result<(), fmt::Error> {
        self.0.iter().try_for_each(|label| {
            use prometheus_client::encoding::EncodeLabel;
            (label.0, label.1.as_str()).encode(encoder.encode_label())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_summed_and_told_to_prometheus() {
        let metrics = Arc::new(Metrics::default());
        let (one, two) = (metrics.thread(), metrics.shared());
        one.query(Over::Udp);
        one.query(Over::Udp);
        two.query(Over::Udp);
        two.query(Over::Tcp);
        one.response(Source::Zone, Rcode::NXDOMAIN);
        two.response(Source::Cache, Rcode(3_000));
        one.dropped(Dropped::NotAQuery);
        one.upstream_timeout();
        one.cookie(Standing::Bad);
        two.validated(Validated::Bogus);
        two.dropped(Dropped::RateLimited);
        two.slipped();
        one.crowded(Crowded::Client);
        metrics.count_reload(false);
        metrics.set_health("flip", 1);
        metrics.set_geo_refused(1);
        let text = metrics.render(
            CacheGauges { entries: 5, ..CacheGauges::default() },
            SteeringGauges { members: [3, 2, 1, 0], pools: [1, 4] },
        );
        for line in [
            "waymark_queries_total{transport=\"udp\"} 3",
            "waymark_queries_total{transport=\"tcp\"} 1",
            "waymark_responses_total{rcode=\"NXDOMAIN\",source=\"zone\"} 1",
            "waymark_responses_total{rcode=\"OTHER\",source=\"cache\"} 1",
            "waymark_drops_total{reason=\"not_a_query\"} 1",
            "waymark_upstream_timeouts_total 1",
            "waymark_validated_total{verdict=\"bogus\"} 1",
            "waymark_validated_total{verdict=\"secure\"} 0",
            "waymark_cookies_total{standing=\"bad\"} 1",
            "waymark_drops_total{reason=\"rate_limited\"} 1",
            "waymark_rate_limited_total{action=\"dropped\"} 1",
            "waymark_rate_limited_total{action=\"slipped\"} 1",
            "waymark_crowded_total{limit=\"client\"} 1",
            "waymark_reloads_total{result=\"error\"} 1",
            "waymark_health_events_total{kind=\"flip\"} 1",
            "waymark_cache_entries 5",
            "waymark_members{state=\"down\"} 2",
            "waymark_pools{state=\"down\"} 4",
            "waymark_geo_refused 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
