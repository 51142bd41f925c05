//! gdnsd and Waymark steer the same names by checks of the same endpoints, which are killed, hang, fail and come back: both come to the
//! same answers.

use super::lab::{Server, ask_udp, in_own_network};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use waymark::clock;

/// How long both may take to come to an answer. gdnsd notices within its interval and its time-out, 3 s, and answers so a second later.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a weighted name is asked for to see all of its addresses: gdnsd, which draws lots, misses the rarest, a sixth, once in ten
/// billion times.
const DRAWS: usize = 128;

/// How the four endpoints of a case are, and what is answered of the names that are steered by them.
///
/// An endpoint is up (`.`), refuses connections (`x`), takes them and says nothing (`h`), or answers 500 (`5`). The names are: `failover`,
/// the first endpoint, else the second; `pools`, the first three if at least half are up, else the fourth; `weighted`, one of the first
/// three, whose weights are 3, 2 and 1, or of all if less than half of the weight is up.
const CASES: &[(&str, [&str; 3])] = &[
    ("....", ["1", "123", "123"]),
    ("x...", ["2", "23", "23"]),
    ("h...", ["2", "23", "23"]),
    ("5...", ["2", "23", "23"]),
    (".h.x", ["1", "13", "13"]),
    ("..x.", ["1", "12", "12"]),
    (".5h.", ["1", "4", "1"]),
    ("x.5.", ["2", "4", "123"]),
    ("5.hx", ["2", "123", "123"]),
    ("xh..", ["1", "4", "123"]),
    ("xxxx", ["1", "123", "123"]),
    ("hh5x", ["1", "123", "123"]),
];

/// What is answered when all are up.
const ALL_UP: [&str; 3] = CASES[0].1;

const NAMES: [&str; 3] = ["failover", "pools", "weighted"];

/// The address of an endpoint, counted from 1, of a case.
fn address(case: usize, endpoint: usize) -> String {
    format!("127.1.{case}.{endpoint}")
}

/// An HTTP server that is as a letter says.
struct Endpoint {
    address: SocketAddr,
    is: Arc<AtomicU8>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    fn new(address: &str) -> Endpoint {
        let address = SocketAddr::new(address.parse().unwrap(), 80);
        Endpoint { address, is: Arc::new(AtomicU8::new(b'x')), thread: None }
    }

    fn set(&mut self, letter: u8) {
        self.is.store(letter, Ordering::SeqCst);
        match self.thread.take() {
            Some(thread) if letter == b'x' => {
                // One more connection, so that it looks.
                let _ = TcpStream::connect(self.address);
                thread.join().unwrap();
            }
            None if letter != b'x' => {
                let (listener, is) = (TcpListener::bind(self.address).unwrap(), Arc::clone(&self.is));
                self.thread = Some(thread::spawn(move || serve(&listener, &is)));
            }
            same => self.thread = same,
        }
    }
}

fn serve(listener: &TcpListener, is: &AtomicU8) {
    let mut silent = Vec::new();
    for mut stream in listener.incoming().map_while(Result::ok) {
        let status = match is.load(Ordering::SeqCst) {
            b'x' => return,
            b'h' => {
                silent.push(stream);
                continue;
            }
            b'5' => "500 Internal Server Error",
            _ => "200 OK",
        };
        // Those who asked may have gone.
        let _ = stream.read(&mut [0; 4096]);
        let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
}

const GDNSD_ZONE: &str = "$TTL 60
@ SOA ns1 hostmaster 1 7200 3600 1209600 60
@ NS ns1
@ NS ns2
ns1 A 192.0.2.53
ns2 A 192.0.2.54
";

/// Its least interval is 2 s. What it takes for down is by default what has less than a half of its addresses, or of its weight, up.
const GDNSD_CHECK: &str = "web => { plugin => http_status, interval => 2, timeout => 1,
 up_thresh => 1, ok_thresh => 1, down_thresh => 1 }";

/// gdnsd's zone, and its config.
fn of_gdnsd() -> (String, String) {
    let mut zone = GDNSD_ZONE.to_owned();
    let (mut failover, mut pools, mut weighted) = (String::new(), String::new(), String::new());
    for case in 0..CASES.len() {
        let [one, two, three, four] = [1, 2, 3, 4].map(|endpoint| address(case, endpoint));
        for (name, plugin) in NAMES.iter().zip(["simplefo", "metafo", "weighted"]) {
            zone += &format!("{name}{case} 10 DYNA {plugin}!c{case}\n");
        }
        failover += &format!("c{case} => {{ primary => {one}, secondary => {two} }}\n");
        pools += &format!(
            "c{case} => {{ datacenters => [ a, b ],\n dcmap => {{ a => [ {one}, {two}, {three} ], b => {four} }} }}\n"
        );
        weighted += &format!("c{case} => {{ 1 => [ {one}, 3 ], 2 => [ {two}, 2 ], 3 => [ {three}, 1 ] }}\n");
    }
    let checks = format!(
        "service_types => {{ {GDNSD_CHECK} }}\nplugins => {{\n\
         simplefo => {{ service_types => web\n{failover}}}\n\
         metafo => {{ service_types => web, resources => {{\n{pools}}} }}\n\
         weighted => {{ service_types => web\n{weighted}}}\n}}"
    );
    (zone, checks)
}

const WAYMARK_ZONE: &str = "[check.web]
http = \"http://{address}/\"
interval = \"2s\"
timeout = \"1s\"
rise = 1
fall = 1
[records]
\"@\" = { NS = [\"ns1\", \"ns2\"] }
ns1 = { A = \"192.0.2.53\" }
ns2 = { A = \"192.0.2.54\" }
";

/// Waymark's zone.
fn of_waymark() -> String {
    let (mut zone, mut steering) = (WAYMARK_ZONE.to_owned(), String::new());
    for case in 0..CASES.len() {
        let address = |endpoint| format!("\"{}\"", address(case, endpoint));
        let weight = |endpoint| format!("{{ address = {}, weight = {} }}", address(endpoint), 4 - endpoint);
        let list = |members: [String; 3]| members.join(", ");
        for (pool, members) in [
            ("first", address(1)),
            ("second", address(2)),
            ("three", list([1, 2, 3].map(address))),
            ("fourth", address(4)),
            ("weighted", list([1, 2, 3].map(weight))),
        ] {
            steering +=
                &format!("[pool.{pool}{case}]\ncheck = \"web\"\nmin_healthy = 0.5\nmembers = [{members}]\n");
        }
        for (route, [one, other]) in [("failover", ["first", "second"]), ("pools", ["three", "fourth"])] {
            zone += &format!("{route}{case} = {{ route = \"{route}{case}\" }}\n");
            steering += &format!("[route.{route}{case}]\nfallback = [\"{one}{case}\", \"{other}{case}\"]\n");
        }
        zone += &format!("weighted{case} = {{ pool = \"weighted{case}\" }}\n");
    }
    zone + &steering
}

/// The endpoints that a server answers with, as digits.
fn answered(server: &Server, name: &str) -> String {
    let draws = if name.starts_with("weighted") { DRAWS } else { 1 };
    let at = SocketAddr::new(server.address, 53);
    let replies = (0..draws).map(|_| ask_udp(at, &format!("{name}.h.test"), "A", PATIENCE).unwrap());
    let records: BTreeSet<String> = replies.flat_map(|reply| reply.answer).collect();
    let endpoints: BTreeSet<&str> = records.iter().filter_map(|text| text.rsplit('.').next()).collect();
    endpoints.into_iter().collect()
}

/// Asks both servers until they answer the names of a case as is expected.
fn check(servers: &[Server; 2], case: usize, now: &str, expected: [&str; 3]) {
    let begun = clock::now();
    for (name, expected) in NAMES.iter().zip(expected) {
        let name = format!("{name}{case}");
        loop {
            let answers = servers.each_ref().map(|server| answered(server, &name));
            if answers.iter().all(|answer| answer == expected) {
                break;
            }
            let [gdnsd, waymark] = answers;
            assert!(
                clock::now().since(begun) < PATIENCE,
                "{name}, {now}: {expected} is expected, gdnsd answers {gdnsd}, Waymark {waymark}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn gdnsd_comes_to_the_same_answers() {
    in_own_network("gdnsd::gdnsd_comes_to_the_same_answers", |lab| {
        let mut endpoints: Vec<Vec<Endpoint>> = (0..CASES.len())
            .map(|case| (1..=4).map(|endpoint| Endpoint::new(&address(case, endpoint))).collect())
            .collect();
        let mut fail = |back: bool| {
            for ((letters, _), endpoints) in CASES.iter().zip(&mut endpoints) {
                for (letter, endpoint) in letters.bytes().zip(endpoints) {
                    endpoint.set(if back { b'.' } else { letter });
                }
            }
        };
        fail(false);
        let (zone, checks) = of_gdnsd();
        let servers = [
            lab.gdnsd("198.18.0.1", &[("h.test", &zone)], &checks),
            lab.steering("198.18.0.2", "h.test", &of_waymark()),
        ];
        for (case, (letters, expected)) in CASES.iter().enumerate() {
            check(&servers, case, &format!("{letters} from the start"), *expected);
        }
        fail(true);
        for (case, (letters, _)) in CASES.iter().enumerate() {
            check(&servers, case, &format!("all up after {letters}"), ALL_UP);
        }
        fail(false);
        for (case, (letters, expected)) in CASES.iter().enumerate() {
            check(&servers, case, letters, *expected);
        }
    });
}
