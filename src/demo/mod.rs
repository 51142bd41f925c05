//! `waymark demo`: a root, two TLDs and some providers' zones on loopback addresses, signed and served by Waymark itself, and a resolver on
//! top that walks them. No network, no root, no file.

mod internet;

use crate::anchor::Trust;
use crate::answer::{Recursion, View};
use crate::cache::Cache;
use crate::clock;
use crate::config::Minimise;
use crate::guard::AccessList;
use crate::metrics::Metrics;
use crate::net::{self, Resolving, Running, Server};
use crate::resolve::{Known, Settings};
use crate::rrset::print_rdata;
use crate::wire::Rtype;
use crate::zone::{self, ZoneSet};
use crate::{entropy, limits, say};
use arc_swap::ArcSwap;
use internet::{Internet, SERVERS, SHOP_SERVER};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::io::Interest;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};

/// What to try: a question of the resolver, and what to expect.
const TRIES: &[(&str, &str)] = &[
    (
        "+dnssec www.host.lab A",
        "192.0.2.15 and its RRSIG, validated from the root down by way of lab and host.lab: \"ad\" is a flag",
    ),
    ("blog.demo TXT", "a text; the name server is in another TLD and has to be found first; \"ad\" again"),
    (
        "+dnssec x.preview.host.lab TXT",
        "a wildcard's text, and the NSEC that shows that no closer name is there",
    ),
    ("+dnssec nothing.demo A", "NXDOMAIN, with the SOA of demo and the NSEC3 records that prove it: \"ad\""),
    (
        "help.shop.demo A",
        "an alias that leaves its zone: a CNAME, then 192.0.2.15; shop.demo is not signed, so there is no \"ad\"",
    ),
    ("www.bogus.demo A", "SERVFAIL: its signatures have expired, as the line \"EDE: 7\" says"),
    ("+cdflag www.bogus.demo A", "192.0.2.66: who sets CD checks for himself"),
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
    let internet = Internet::new(clock::unix_secs())?;
    for last in SERVERS {
        let address = SocketAddr::new(loopback(last), upstream_port);
        let server = bind(address)?;
        upstream_port = server.addresses()[0].port();
        let view = Arc::new(ArcSwap::from_pointee(internet.view(last)));
        running.push(server.run(view, None, &metrics, runtime.handle())?);
    }
    let server = bind(SocketAddr::new(loopback(1), port))?;
    let resolver = server.addresses()[0];
    running.push(resolve(server, &internet, upstream_port, &metrics, runtime.handle())?);
    // With nobody to read what to try, the next wait ends at once.
    let _ = say::out(what_to_try(&internet, resolver, upstream_port));
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
    internet: &Internet,
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
        aggressive: true,
        anchor_signal: false,
        serve_stale: true,
        routes: Vec::new(),
    };
    let recursion = Recursion {
        allow: AccessList::new(vec!["127.0.0.0/8".parse()?]),
        cache: Arc::clone(&cache),
        realm: 0,
        upstreams: Default::default(),
        special: zone::special_use(),
        sentinel: None,
        strict_denial: false,
        serve_stale: true,
        prefetch: true,
    };
    let view = View {
        zones: ZoneSet::default(),
        steering: Vec::new(),
        recursion: Some(recursion),
        ..View::default()
    };
    let trust = Trust::new(internet.anchors(), false, clock::unix_secs());
    let known = Known::new(Arc::new(trust));
    let resolving =
        Resolving { settings: Arc::new(settings), cache, known: Arc::new(known), zones: ZoneSet::default() };
    Ok(server.run(Arc::new(ArcSwap::from_pointee(view)), Some(resolving), metrics, runtime)?)
}

/// What is there and what to try.
fn what_to_try(internet: &Internet, resolver: SocketAddr, upstream_port: u16) -> String {
    let mut text = format!(
        "A miniature internet on loopback, port {upstream_port}:
  127.0.0.11 .                   127.0.0.12 demo    127.0.0.13 lab
  127.0.0.14 shop.demo           127.0.0.15 host.lab, blog.demo, bogus.demo
All of it but shop.demo is signed, from this key of the root down:
"
    );
    for anchor in internet.anchors().iter() {
        for ds in &anchor.ds {
            text += &format!("  {} DS ", anchor.zone);
            print_rdata(Rtype::DS, ds, &mut text);
            text.push('\n');
        }
    }
    text += &format!("There is a resolver that walks it, listening on {resolver}. Try:\n\n");
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
