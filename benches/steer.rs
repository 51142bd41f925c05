//! `cargo bench --bench steer -- DATABASE [CLIENTS [NAME]]`: choices of a steered name by country, network, distance and weight over an MMDB file, worked out
//! for each client and then compiled. Prints, for each, nanoseconds a choice (mean, median, 99th of a hundred, worst of a thousand) over random
//! clients, and what compiling takes in time and memory. The clock's own time is in each figure and is printed, too.

use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use waymark::clock;
use waymark::config::{Config, Diagnostics, ZoneFile};
use waymark::limits;
use waymark::steer::{Client, Cursor, Draw, Family, Geo, Policy, Shared, Steering, compile_decisions};
use waymark::zone::SteerId;

const ZONE: &str = r#"
[records]
country = { route = "country" }
nearest = { route = "nearest" }
dealt = { route = "dealt" }
hashed = { pool = "hashed" }
[pool.eu]
location = "50.1,8.7"
members = ["192.0.2.1"]
[pool.us]
location = "38.9,-77.0"
members = ["192.0.2.2"]
[pool.ap]
location = "1.3,103.8"
members = ["192.0.2.3"]
[route.country]
fallback = ["us", "eu", "ap"]
[[route.country.rule]]
cidr = ["10.0.0.0/8", "2001:db8::/32"]
use = ["ap"]
[[route.country.rule]]
country = ["DE", "AT", "CH", "FR", "NL", "BE", "DK", "SE", "NO", "FI", "PL", "CZ", "IT", "ES", "PT", "GB", "IE"]
use = ["eu"]
[[route.country.rule]]
country = ["CN", "JP", "KR", "SG", "AU", "NZ", "IN"]
use = ["ap"]
[route.nearest]
fallback = ["us"]
[[route.nearest.rule]]
nearest = ["eu", "us", "ap"]
bias = { eu = 10 }
[route.dealt]
[[route.dealt.rule]]
country = ["DE", "US", "CN", "JP", "GB"]
use = [{ pool = "eu", weight = 5 }, { pool = "us", weight = 3 }, { pool = "ap", weight = 2 }]
sticky = "client/24"
[[route.dealt.rule]]
use = [{ pool = "us", weight = 1 }, { pool = "eu", weight = 1 }, { pool = "ap", weight = 1 }]
"#;

/// Random numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ self.0 >> 29
    }
}

fn clients(v4: bool, count: usize) -> Vec<Client> {
    let mut random = Random(1);
    let mut client = || match v4 {
        true => Client::at(Ipv4Addr::from_bits((random.next() >> 16) as u32).into()),
        // Where networks are: 2000::/3, most of them within /12s of registries.
        false => {
            let top = [0x2001u16, 0x2400, 0x2600, 0x2a00][random.next() as usize >> 5 & 3];
            let rest = u128::from(random.next()) << 64 | u128::from(random.next());
            Client::at(Ipv6Addr::from_bits(u128::from(top) << 112 | rest >> 12).into())
        }
    };
    (0..count).map(|_| client()).collect()
}

fn spans(count: usize, mut work: impl FnMut(usize)) -> [f64; 4] {
    let mut spans: Vec<Duration> = (0..count)
        .map(|i| {
            let start = clock::now();
            work(i);
            clock::now().since(start)
        })
        .collect();
    spans.sort_unstable();
    let at = |share: f64| spans[(count as f64 * share) as usize].as_nanos() as f64;
    [spans.iter().sum::<Duration>().as_nanos() as f64 / count as f64, at(0.5), at(0.99), at(0.999)]
}

fn show(title: &str, [mean, median, p99, p999]: [f64; 4]) {
    println!("{title:<44} mean {mean:>6.0}  p50 {median:>5.0}  p99 {p99:>5.0}  p99.9 {p999:>6.0} ns");
}

/// A pool of as many members as there may be, by a hash of the client.
fn hashed() -> String {
    let members = (0..limits::POOL_MEMBERS).map(|i| format!("\"10.0.{}.{}\"", i / 256, i % 256));
    format!("[pool.hashed]\npick = \"hash\"\nmembers = [{}]\n", members.collect::<Vec<_>>().join(", "))
}

/// The names of the zone are in this order, that of the alphabet.
fn measure(title: &str, steering: &Steering, count: usize, only: Option<&str>) {
    for (id, route) in ["country", "dealt", "hashed", "nearest"].into_iter().enumerate() {
        if only.is_some_and(|only| only != route) {
            continue;
        }
        for (v4, family) in [(true, "IPv4"), (false, "IPv6")] {
            let clients = clients(v4, count);
            let choose = |i: usize| {
                let draw = Draw { seed: 0, now: 0, cursor: Cursor::Take };
                let id = SteerId(id as u32);
                black_box(steering.policy.choose(id, Family::V4, &clients[i], &steering.health, draw));
            };
            show(&format!("{title}, {route}, {family} clients"), spans(count, choose));
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(database) = arguments.next() else {
        println!("cargo bench --bench steer -- DATABASE [CLIENTS [NAME]]");
        return;
    };
    let count = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let only = arguments.next();
    let mut diagnostics = Diagnostics::default();
    let config =
        Config::parse(&format!("geo.database = {database:?}"), Path::new("bench.toml"), &mut diagnostics);
    let geo = Arc::new(Geo::open(&config.geo, None, |_| true, &mut diagnostics));
    let zone = format!("{ZONE}{}", hashed());
    let file = ZoneFile::parse(&zone, Path::new("bench.test.toml"), &config, &mut diagnostics);
    let (policy, _) = Policy::compile(&file, Some(&geo), &Shared::default(), &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
    let steering = Steering::new(policy);
    show("the clock", spans(count, |_| ()));
    measure("worked out", &steering, count, only.as_deref());
    let start = clock::now();
    let large = compile_decisions(std::slice::from_ref(&steering));
    println!("compiled in {:.2} s; too large: {large:?}", clock::now().since(start).as_secs_f64());
    measure("compiled", &steering, count, only.as_deref());
    for line in steering.policy.decisions() {
        println!("{line:?}");
    }
}
