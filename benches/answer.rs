//! `cargo bench --bench answer [-- QUERIES]`: answers from a zone of 100,000 names, in batches as a worker takes them, without a
//! network. Prints nanoseconds per answer, the best of several rounds; under `valgrind --tool=callgrind` it gives instructions.

use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use waymark::answer::{self, Outcome, Request, Transport, View, Worker};
use waymark::clock;
use waymark::config::Diagnostics;
use waymark::wire::NameBuf;
use waymark::zone::{Held, ZoneSet, master};

const NAMES: usize = 100_000;
/// What a worker under load receives at once, as counted in `bench.py auth`.
const BATCH: usize = 13;
const ROUNDS: usize = 7;

fn zone() -> String {
    let mut text =
        String::from("$TTL 3600\n@ SOA ns1 host 1 3600 600 86400 300\n@ NS ns1\nns1 A 127.0.0.1\n");
    for i in 0..NAMES {
        text += &format!("h{i} A 192.{}.{}.{}\n", i >> 16 & 255, i >> 8 & 255, i & 255);
        if i.is_multiple_of(20) {
            text += &format!("c{i} CNAME h{i}\n");
        }
        if i.is_multiple_of(50) {
            text += &format!("d{i} NS ns.d{i}\nns.d{i} A 198.51.100.{}\n", i % 256);
        }
    }
    text
}

fn query(name: &str) -> Vec<u8> {
    let name: NameBuf = name.parse().expect("a name");
    let mut message = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0".to_vec();
    message.extend_from_slice(name.as_name().as_bytes());
    message.extend([0, 1, 0, 1]);
    message
}

fn main() {
    let count = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(200_000);
    let apex: NameBuf = "bench.test.".parse().expect("a name");
    let mut diagnostics = Diagnostics::default();
    let zone = master::parse(&zone(), Path::new("bench.zone"), apex.as_name(), &mut diagnostics);
    let held =
        Held { apex: apex.as_name().to_owned(), state: Ok(Arc::new(zone.expect("a zone"))), policy: None };
    let view =
        View { zones: ZoneSet::new(vec![held]), steering: Vec::new(), recursion: None, ..View::default() };
    let mut state = 1u64;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let queries: Vec<Vec<u8>> = (0..count)
        .map(|_| {
            let i = next(NAMES);
            match next(20) {
                0 => query(&format!("c{}.bench.test.", i - i % 20)),
                1 => query(&format!("www.d{}.bench.test.", i - i % 50)),
                2 | 3 => query(&format!("nx{i}.bench.test.")),
                _ => query(&format!("h{i}.bench.test.")),
            }
        })
        .collect();
    let client: SocketAddr = ([192, 0, 2, 1], 4000).into();
    let (mut worker, mut out) = (Worker::default(), vec![0; 1_232]);
    for ahead in [false, true] {
        let mut round = || {
            let begun = clock::now();
            for batch in queries.chunks(BATCH) {
                if ahead {
                    answer::read_ahead(&view, batch.iter().map(Vec::as_slice));
                }
                for message in batch {
                    let request =
                        Request { message, client, transport: Transport::Udp, listener: 0, now: begun };
                    let outcome = answer::answer(&view, &mut worker, &request, None, &mut out);
                    assert!(matches!(black_box(outcome), Outcome::Reply(_)));
                }
            }
            clock::now().since(begun).as_nanos() as f64 / queries.len() as f64
        };
        let best = (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min);
        println!("{best:6.0} ns per answer, {}", if ahead { "read ahead" } else { "one by one" });
    }
}
