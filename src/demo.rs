//! `waymark demo`: a root, two TLDs and some providers' zones on loopback addresses, served by Waymark itself, and a resolver on top that
//! walks them. No network, no root, no file.

use crate::answer::{Recursion, View};
use crate::cache::Cache;
use crate::config::Minimise;
use crate::config::{Config, Diagnostics, ZoneFile};
use crate::guard::AccessList;
use crate::metrics::Metrics;
use crate::net::{self, Resolving, Running, Server};
use crate::resolve::{Known, Settings};
use crate::steer::{Policy, Steering};
use crate::wire::NameBuf;
use crate::zone::{self, Held, ZoneSet};
use crate::{entropy, limits, say};
use arc_swap::ArcSwap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::io::Interest;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};

/// Zones as master files: the server's last octet, the zone, its records.
const ZONES: &[(u8, &str, &str)] = &[
    (
        11,
        ".",
        "
@ SOA a.root. hostmaster.root. 1 1h 15m 1w 5m
@ NS a.root.
a.root. A 127.0.0.11
demo. NS ns.nic.demo.
ns.nic.demo. A 127.0.0.12
lab. NS ns.nic.lab.
ns.nic.lab. A 127.0.0.13
",
    ),
    (
        12,
        "demo",
        "
@ SOA ns.nic hostmaster.nic 1 1h 15m 1w 5m
@ NS ns.nic
ns.nic A 127.0.0.12
shop NS ns.shop
ns.shop A 127.0.0.14
blog NS ns.host.lab.
",
    ),
    (
        13,
        "lab",
        "
@ SOA ns.nic hostmaster.nic 1 1h 15m 1w 5m
@ NS ns.nic
ns.nic A 127.0.0.13
host NS ns.host
ns.host A 127.0.0.15
",
    ),
    (
        15,
        "host.lab",
        "
@ SOA ns hostmaster 1 1h 15m 1w 5m
@ NS ns
ns A 127.0.0.15
www A 192.0.2.15
www AAAA 2001:db8::15
*.preview TXT \"any name below preview\"
",
    ),
    (
        15,
        "blog.demo",
        "
@ SOA ns.host.lab. hostmaster.host.lab. 1 1h 15m 1w 5m
@ NS ns.host.lab.
@ A 192.0.2.16
@ TXT \"its name server stands in another TLD\"
",
    ),
];

/// The steered zone.
const SHOP: &str = r#"
[soa]
primary = "ns"
[records]
"@"   = { NS = "ns", MX = "10 mail" }
ns    = { A = "127.0.0.14" }
mail  = { A = "192.0.2.25" }
www   = { pool = "web" }
near  = { route = "near", ttl = "1s..5s" }
help  = { CNAME = "www.host.lab." }
[pool.web]
members = [{ address = "192.0.2.1", weight = 3 }, { address = "192.0.2.2", weight = 1 }]
[pool.north]
members = ["198.51.100.1"]
[pool.south]
members = ["203.0.113.1"]
[route.near]
fallback = ["north", "south"]
[[route.near.rule]]
cidr = ["203.0.113.0/24"]
use = ["south"]
"#;

/// The server of the steered zone.
const SHOP_SERVER: u8 = 14;

/// What to try: a question of the resolver, and what to expect.
const TRIES: &[(&str, &str)] = &[
    ("www.host.lab A", "192.0.2.15, found from the root down: root, lab, host.lab"),
    ("blog.demo TXT", "a text; the name server is in another TLD and has to be found first"),
    ("help.shop.demo A", "an alias that leaves its zone: a CNAME, then 192.0.2.15"),
    ("x.preview.host.lab TXT", "a wildcard's text"),
    ("nothing.demo A", "NXDOMAIN, with the SOA of demo"),
];

/// Runs until Ctrl-C or SIGTERM. The exit code is 0 then, 1 when an address cannot be had.
pub fn run(port: u16) -> ExitCode {
    match serve(port) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::err(format_args!("waymark: {error}"));
            ExitCode::FAILURE
        }
    }
}

type Fatal = Box<dyn std::error::Error + Send + Sync>;

fn serve(port: u16) -> Result<(), Fatal> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (mut terminate, mut interrupt) = {
        let _entered = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    let metrics = Arc::new(Metrics::default());
    let mut running = Vec::new();
    // All servers have one port, as on the internet; the first takes one that is free.
    let mut upstream_port = 0;
    for last in [11, 12, 13, SHOP_SERVER, 15] {
        let address = SocketAddr::new(loopback(last), upstream_port);
        let server = bind(address)?;
        upstream_port = server.addresses()[0].port();
        let view = Arc::new(ArcSwap::from_pointee(authority(last)?));
        running.push(server.run(view, None, &metrics, runtime.handle())?);
    }
    let server = bind(SocketAddr::new(loopback(1), port))?;
    let resolver = server.addresses()[0];
    running.push(resolve(server, upstream_port, &metrics, runtime.handle())?);
    // With nobody to read what to try, the next wait ends at once.
    let _ = say::out(what_to_try(resolver, upstream_port));
    runtime.block_on(async {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
            () = unread() => (),
        }
    });
    let _ = say::out("\nstopping");
    running.into_iter().for_each(|server: Running| server.stop(limits::DRAIN_TIME));
    runtime.shutdown_background();
    Ok(())
}

/// Ends when standard output is a pipe that nobody reads any more.
async fn unread() {
    let stdout = io::stdout().as_fd().try_clone_to_owned().and_then(pipe::Sender::from_owned_fd_unchecked);
    match stdout {
        Ok(stdout) => drop(stdout.ready(Interest::ERROR).await),
        // A file: it is never unread.
        Err(_) => std::future::pending().await,
    }
}

fn loopback(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

fn bind(address: SocketAddr) -> Result<Server, net::BindError> {
    Server::bind(&net::Settings { listen: vec![address], workers: 1 })
}

/// Starts the resolver.
fn resolve(
    server: Server,
    upstream_port: u16,
    metrics: &Arc<Metrics>,
    runtime: &tokio::runtime::Handle,
) -> Result<Running, Fatal> {
    let cache = Arc::new(Cache::new(limits::CACHE_MIN, entropy::u64()));
    let settings = Settings {
        root_hints: vec![("a.root.".parse()?, vec![loopback(11)])],
        realm: 0,
        upstream_port,
        families: (true, false),
        deny: Vec::new(),
        priming: true,
        case_randomisation: true,
        minimise: Minimise::Relaxed,
        rebinding_protection: false,
        serve_stale: true,
        routes: Vec::new(),
    };
    let recursion = Recursion {
        allow: AccessList::new(vec!["127.0.0.0/8".parse()?]),
        cache: Arc::clone(&cache),
        realm: 0,
        upstreams: Default::default(),
        special: zone::special_use(),
        strict_denial: false,
        serve_stale: true,
        prefetch: true,
    };
    let view = View {
        zones: ZoneSet::default(),
        steering: Vec::new(),
        recursion: Some(recursion),
        guard: Default::default(),
    };
    let resolving = Resolving {
        settings: Arc::new(settings),
        cache,
        known: Arc::new(Known::default()),
        trust: Default::default(),
        zones: ZoneSet::default(),
    };
    Ok(server.run(Arc::new(ArcSwap::from_pointee(view)), Some(resolving), metrics, runtime)?)
}

/// The zones of one server.
fn authority(last: u8) -> Result<View, Fatal> {
    let mut diagnostics = Diagnostics::default();
    let (mut zones, mut steering) = (Vec::new(), Vec::new());
    for (_, apex, records) in ZONES.iter().filter(|(server, ..)| *server == last) {
        let name: NameBuf = apex.parse()?;
        let text = format!("$TTL 5m\n{records}");
        let zone = zone::master::parse(&text, Path::new("demo.zone"), name.as_name(), &mut diagnostics);
        let zone = zone.ok_or_else(|| diagnostics.render(false))?;
        zones.push(Held { apex: name.as_name().to_owned(), state: Ok(Arc::new(zone)), policy: None });
    }
    if last == SHOP_SERVER {
        let config = Config::parse("", Path::new("demo.toml"), &mut diagnostics);
        let file = ZoneFile::parse(SHOP, Path::new("shop.demo.toml"), &config, &mut diagnostics);
        let (policy, ids) = Policy::compile(&file, None, &mut diagnostics);
        let zone = zone::from_file(&file, |i| ids.get(i).copied().flatten(), 1, &mut diagnostics);
        let zone = zone.filter(|_| !diagnostics.has_errors()).ok_or_else(|| diagnostics.render(false))?;
        zones.push(Held { apex: file.apex, state: Ok(Arc::new(zone)), policy: Some(0) });
        steering.push(Steering::new(policy));
    }
    Ok(View { zones: ZoneSet::new(zones), steering, recursion: None, guard: Default::default() })
}

/// What is there and what to try.
fn what_to_try(resolver: SocketAddr, upstream_port: u16) -> String {
    let mut text = format!(
        "A miniature internet on loopback, port {upstream_port}:
  127.0.0.11 .    127.0.0.12 demo    127.0.0.13 lab    127.0.0.14 shop.demo    127.0.0.15 host.lab, blog.demo
and a resolver that walks it, listening on {resolver}. Try:

"
    );
    let dig = format!("dig @{} -p {}", resolver.ip(), resolver.port());
    for (question, expected) in TRIES {
        text += &format!("  {dig} {question}\n      {expected}\n");
    }
    let shop = format!("dig @127.0.0.{SHOP_SERVER} -p {upstream_port} +norecurse");
    text += &format!(
        "  {shop} www.shop.demo A
      steered by weight: of any 4 in a row 3 are 192.0.2.1 and 1 is 192.0.2.2
  {shop} near.shop.demo A +subnet=203.0.113.7/32
      steered by place: 203.0.113.1; for others 198.51.100.1

Ctrl-C stops it."
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_of_the_demo_has_its_zones() {
        for (last, zones) in [(11, 1), (12, 1), (13, 1), (14, 1), (15, 2)] {
            assert_eq!(authority(last).unwrap().zones.len(), zones, "127.0.0.{last}");
        }
    }
}
