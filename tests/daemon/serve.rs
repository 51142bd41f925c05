//! Starting, answering, stopping.

use crate::daemon::{Files, LISTEN, Lines, PATIENCE, Process, client, fold, zone};
use crate::dns::{Stream, Stub, ask, query};
use crate::reload::metrics;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::process::Stdio;

#[test]
fn every_listener_answers_over_udp_and_tcp() {
    let daemon = Files::new("\"127.0.0.1:0\", \"[::1]:0\"", "").start();
    assert_eq!(daemon.addresses.len(), 2);
    for &address in &daemon.addresses {
        assert_eq!(ask(address, "www.a.test."), "NOERROR 192.0.2.1");
        let mut stream = Stream::open(address);
        stream.send(&["none.a.test."]);
        assert_eq!(stream.receive().unwrap().1, "NXDOMAIN");
    }
}

#[test]
fn on_a_wildcard_socket_a_reply_leaves_from_the_address_asked() {
    let daemon = Files::new("\"0.0.0.0:0\", \"[::]:0\"", "").start();
    for (asked, listener) in [("127.0.0.1", 0), ("127.0.0.2", 0), ("::1", 1)] {
        let ip: IpAddr = asked.parse().unwrap();
        let address = SocketAddr::new(ip, daemon.addresses[listener].port());
        assert_eq!(ask(address, "www.a.test."), "NOERROR 192.0.2.1", "{asked}");
        let mut stream = Stream::open(address);
        stream.send(&["www.a.test."]);
        assert_eq!(stream.receive().unwrap().1, "NOERROR 192.0.2.1", "{asked}");
    }
}

#[test]
fn one_client_that_asks_two_addresses_is_answered_from_both() {
    let stub = Stub::new();
    let daemon = Files::new("\"0.0.0.0:0\"", &stub.config()).start();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let asked =
        ["127.0.0.1", "127.0.0.2"].map(|ip| SocketAddr::new(ip.parse().unwrap(), daemon.address().port()));
    for address in asked {
        client.send_to(&query(7, "www.slow.test."), address).unwrap();
    }
    let both = "waymark_queries_total{transport=\"udp\"} 2";
    assert!((0..1_000_000).any(|_| metrics(&daemon).contains(both)));
    stub.answer(&stub.asked(), [192, 0, 2, 9]);
    let mut from = [0, 1].map(|_| client.recv_from(&mut [0; 512]).unwrap().1);
    from.sort();
    assert_eq!(from, asked);
}

#[test]
fn dig_and_kdig_understand_the_answers() {
    let files = Files::new(LISTEN, "enabled = false");
    files.write("zones/bad.test.toml", "nonsense = 1\n");
    let daemon = files.start();
    let why = "the zone did not load; the server's log says why";
    for (program, arguments, wanted) in [
        ("dig", "www.a.test A", vec!["status: NOERROR", "flags: qr aa;", "www.a.test. 3600 IN A 192.0.2.1"]),
        ("dig", "x.bad.test A", vec!["status: SERVFAIL", "EDE: 14 (Not Ready)", why]),
        ("dig", "other.test A", vec!["status: REFUSED"]),
        (
            "dig",
            "+tcp +keepopen www.a.test A x.any.a.test A",
            vec!["www.a.test. 3600 IN A 192.0.2.1", "x.any.a.test. 3600 IN A 192.0.2.1"],
        ),
        ("kdig", "www.a.test A", vec!["status: NOERROR", "Flags: qr aa;", "www.a.test. 3600 IN A 192.0.2.1"]),
        ("kdig", "+edns x.bad.test A", vec!["status: SERVFAIL", "Not Ready", why]),
        (
            "kdig",
            "+tcp +keepopen www.a.test A x.any.a.test A",
            vec!["www.a.test. 3600 IN A 192.0.2.1", "x.any.a.test. 3600 IN A 192.0.2.1"],
        ),
    ] {
        let out = client(program, daemon.address(), &format!("+norecurse {arguments}"));
        for text in wanted {
            assert!(out.contains(text), "{program} {arguments}: no {text:?} in {out}");
        }
        assert!(!out.to_lowercase().contains("warning"), "{program} {arguments}: {out}");
    }
    assert!(daemon.has_logged("zones/bad.test.toml:1:1: unknown key"), "{:#?}", daemon.logged);
    assert!(daemon.has_logged("1 zones, 5 records loaded, 1 zones failed"), "{:#?}", daemon.logged);
}

#[test]
fn dig_and_kdig_get_good_cookies() {
    let daemon = Files::new(LISTEN, "enabled = false").start();
    for (program, arguments, wanted) in [
        ("dig", "+cookie www.a.test A", "(good)"),
        ("dig", "+cookie=0102030405060708 none.a.test A", "; COOKIE: 010203040506070801000000"),
        ("dig", "+cookie=010203040506070801000000ffffffffffffffffffffffff www.a.test A", "(good)"),
        ("dig", "+cookie +tcp www.a.test A", "(good)"),
        ("dig", "+cookie +header-only", "(good)"),
        ("kdig", "+cookie www.a.test A", "COOKIE"),
        ("kdig", "+cookie=0102030405060708 +tcp www.a.test A", "COOKIE: 0102030405060708"),
    ] {
        let out = client(program, daemon.address(), &format!("+norecurse {arguments}"));
        assert!(out.contains(wanted), "{program} {arguments}: {out}");
        assert!(
            !out.to_lowercase().contains("warning") && !out.contains("(bad)"),
            "{program} {arguments}: {out}"
        );
    }
    let metrics = metrics(&daemon);
    assert!(metrics.contains("waymark_cookies_total{standing=\"bad\"} 1\n"), "{metrics}");
    let off = Files::new(LISTEN, "enabled = false\n[guard]\ncookies = false").start();
    let out = client("dig", off.address(), "+norecurse +cookie www.a.test A");
    assert!(out.contains("status: NOERROR") && !out.contains("COOKIE"), "{out}");
}

#[test]
fn a_flood_is_answered_up_to_its_limit() {
    let daemon = Files::new(LISTEN, "enabled = false\n[guard]\nrrl = \"1/s\"").start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(daemon.address()).unwrap();
    let asked = 100;
    for id in 0..asked {
        socket.send(&query(id, "www.a.test.")).unwrap();
    }
    // The last to be answered is another name's, which has a share of its own; each worker answers its sockets in order.
    socket.send(&query(asked, "ns.a.test.")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut whole, mut slipped, mut reply) = (0, 0, [0; 512]);
    loop {
        socket.recv(&mut reply).unwrap();
        match (u16::from_be_bytes([reply[0], reply[1]]), reply[2] & 2 != 0) {
            (id, _) if id == asked => break,
            (_, true) => slipped += 1,
            (_, false) => whole += 1,
        }
    }
    // How many are whole depends on how long sending took.
    assert!((1..20).contains(&whole) && (40..=50).contains(&slipped), "{whole} whole, {slipped} slipped");
    let mut stream = Stream::open(daemon.address());
    stream.send(&["www.a.test."; 5]);
    for _ in 0..5 {
        assert_eq!(stream.receive().unwrap().1, "NOERROR 192.0.2.1");
    }
    let metrics = metrics(&daemon);
    assert!(
        metrics.contains(&format!("waymark_rate_limited_total{{action=\"slipped\"}} {slipped}\n")),
        "{metrics}"
    );
}

#[test]
fn a_listener_recurses_for_those_it_is_told_to() {
    let stub = Stub::new();
    let listen = "\"127.0.0.1:0\", { address = \"127.0.0.1:0\", recursion = false }, \
                  { address = \"127.0.0.1:0\", allow = [\"192.0.2.0/24\"] }, { address = \"127.0.0.1:0\", allow = \"127.0.0.1\" }";
    let daemon = Files::new(listen, &stub.config()).start();
    for (listener, wanted) in [(1, "REFUSED"), (2, "REFUSED")] {
        let address = daemon.addresses[listener];
        assert_eq!(ask(address, "www.slow.test."), wanted, "{listener}");
        assert_eq!(ask(address, "www.a.test."), "NOERROR 192.0.2.1", "{listener}");
        let mut stream = Stream::open(address);
        stream.send(&["www.slow.test."]);
        assert_eq!(stream.receive().unwrap().1, wanted, "{listener}");
    }
    // Resolved on one listener, found in the cache on the other.
    let mut stream = Stream::open(daemon.addresses[3]);
    stream.send(&["www.slow.test."]);
    stub.answer(&stub.asked(), [192, 0, 2, 9]);
    assert_eq!(stream.receive().unwrap().1, "NOERROR 192.0.2.9");
    for listener in [0, 3] {
        assert_eq!(ask(daemon.addresses[listener], "www.slow.test."), "NOERROR 192.0.2.9", "{listener}");
    }
}

#[test]
fn sigterm_and_sigint_stop_with_the_answers_under_way_written() {
    for signal in ["TERM", "INT"] {
        let stub = Stub::new();
        let mut daemon = Files::new(LISTEN, &stub.config()).start();
        let mut stream = Stream::open(daemon.address());
        stream.send(&["www.slow.test."]);
        let asked = stub.asked();
        daemon.process.signal(signal);
        daemon.wait("stopping");
        stub.answer(&asked, [192, 0, 2, 9]);
        assert_eq!(stream.receive().unwrap().1, "NOERROR 192.0.2.9", "{signal}");
        daemon.wait("stopped");
        assert_eq!(daemon.process.exit_code(), Some(0), "{signal}");
        assert!(!daemon.files.path("control.sock").exists(), "{signal}");
    }
}

#[test]
fn sigterm_stops_it_while_it_loads() {
    let files = Files::new(LISTEN, "");
    files.write("zones/big.test.zone", "@ SOA ns h 1 2 3 4 5\n@ NS ns\n$GENERATE 1-1000000 n$ A 192.0.2.1\n");
    let mut process = Process::new(files.waymark("serve", &[]).stderr(Stdio::piped()));
    let log = Lines::of(process.child().stderr.take().unwrap());
    // The signal has a handler when its bit is set.
    let status = format!("/proc/{}/status", process.child().id());
    let handled = || {
        let status = std::fs::read_to_string(&status).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & 1 << (15 - 1) != 0
    };
    assert!((0..10_000_000).any(|_| handled()));
    process.signal("TERM");
    assert_eq!(process.exit_code(), Some(0));
    let logged: Vec<String> = std::iter::from_fn(|| log.next()).collect();
    assert!(logged.len() == 2 && logged[1].ends_with("stopped"), "{logged:#?}");
}

#[test]
fn what_keeps_it_from_serving_is_told_with_the_cure() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("\"{}\"", taken.local_addr().unwrap());
    for (from, to, code, text) in [
        ("listen = [\"127.0.0.1:0\"]", &*format!("listen = [{address}]"), 1, "(tcp): another process has it"),
        (
            "listen = \"127.0.0.1:0\"",
            &*format!("listen = {address}"),
            1,
            "(control.listen): another process has it",
        ),
        ("\"zones\"", "\"nowhere\"", 2, "this is the directory of the zone files"),
        ("[zones]", "[zoness]", 2, "did you mean"),
    ] {
        let files = Files::new(LISTEN, "enabled = false");
        let config = std::fs::read_to_string(files.path("waymark.toml")).unwrap();
        assert!(config.contains(from));
        files.write("waymark.toml", &config.replace(from, to));
        let ended = files.run("serve", &[]);
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stderr.contains(text), "{}", ended.stderr);
        assert!(!text.contains("(tcp)") || ended.stderr.lines().count() == 1, "{}", ended.stderr);
    }
}

#[test]
fn a_config_that_is_missing_or_no_file_is_told_in_one_line() {
    let files = Files::new(LISTEN, "");
    std::fs::remove_file(files.path("waymark.toml")).unwrap();
    for command in ["serve", "check"] {
        for _ in 0..2 {
            let ended = files.run(command, &[]);
            assert_eq!((ended.code, ended.stderr.lines().count()), (Some(2), 1), "{}", ended.stderr);
            assert!(ended.stderr.contains("name another with --config FILE"), "{}", ended.stderr);
            // And once more with a directory there.
            let _ = std::fs::create_dir(files.path("waymark.toml"));
        }
        std::fs::remove_dir(files.path("waymark.toml")).unwrap();
    }
}

#[test]
fn a_log_that_nobody_reads_does_not_stop_it() {
    let files = Files::new(LISTEN, "");
    let mut serve = files.waymark("serve", &[]);
    let mut process = Process::new(serve.stderr(Stdio::piped()));
    {
        let stderr = process.child().stderr.take().unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stderr));
        assert!(lines.any(|line| line.unwrap().contains("listening on")));
    }
    files.write("zones/a.test.toml", "bad");
    for _ in 0..2 {
        assert_eq!(files.run("ctl", &["reload"]).code, Some(1));
    }
    let status = files.run("ctl", &["status"]);
    assert_eq!(status.code, Some(0));
    assert!(fold(&status.stdout).contains("zones 0 fresh, 1 kept"), "{}", status.stdout);
}

/// Starts the daemon, stops it when it has logged a line that holds `text`, and gives all that it logged.
fn log_of(files: &Files, text: &str) -> Vec<String> {
    let mut process = Process::new(files.waymark("serve", &[]).stderr(Stdio::piped()));
    let log = Lines::of(process.child().stderr.take().unwrap());
    let mut logged = Vec::new();
    while !logged.last().is_some_and(|line: &String| line.contains(text)) {
        logged.push(log.next().unwrap_or_else(|| panic!("no {text:?} in {logged:#?}")));
    }
    process.signal("TERM");
    logged.extend(std::iter::from_fn(|| log.next()));
    assert_eq!(process.exit_code(), Some(0));
    logged
}

#[test]
fn a_json_log_has_an_object_on_each_line() {
    let files = Files::new(LISTEN, "enabled = false\n[log]\nformat = \"json\"");
    files.write("zones/bad.test.toml", "nonsense = 1\n");
    let logged = log_of(&files, "listening on");
    let lines: Vec<serde_json::Value> =
        logged.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let told = |level: &str, target: &str, text: &str| {
        lines.iter().any(|line| {
            let message = line["fields"]["message"].as_str().unwrap();
            line["level"] == level && line["target"] == target && message.contains(text)
        })
    };
    assert!(told("ERROR", "waymark::daemon::log", "bad.test.toml:1:1: unknown key"), "{lines:#?}");
    assert!(told("INFO", "waymark::daemon::state", "1 zones, 5 records loaded"), "{lines:#?}");
    assert!(told("INFO", "waymark::daemon", "stopped"), "{lines:#?}");
}

#[test]
fn levels_are_per_module() {
    let level = |level: &str| Files::new(LISTEN, &format!("enabled = false\n[log]\nlevel = \"{level}\""));
    let logged = log_of(&level("off,waymark::daemon::state=info"), "records loaded");
    assert_eq!(logged.len(), 1, "{logged:#?}");
    let logged = log_of(&level("info,waymark::daemon::state=warn"), "listening on");
    assert!(!logged.iter().any(|line| line.contains("records loaded")), "{logged:#?}");
    assert!(logged.last().unwrap().ends_with("stopped"), "{logged:#?}");
}

#[test]
fn weighted_shares_are_exact_over_the_sockets_of_several_workers() {
    let files = Files::new(LISTEN, "enabled = false");
    let members =
        [(1, 7), (2, 2), (3, 1)].map(|(i, w)| format!("{{ address = \"192.0.2.{i}\", weight = {w} }}"));
    let pool = format!("w = {{ pool = \"p\" }}\n[pool.p]\nmembers = [{}]\n", members.join(", "));
    files.write("zones/a.test.toml", &(zone("192.0.2.9") + &pool));
    let daemon = files.start();
    let address = daemon.address();
    // The kernel gives each client, a socket of its own, to one of the workers.
    let clients = (0..4)
        .map(|_| std::thread::spawn(move || (0..50).map(|_| ask(address, "w.a.test.")).collect::<Vec<_>>()));
    let clients: Vec<_> = clients.collect();
    let answers: Vec<String> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    let count = |member| answers.iter().filter(|said| **said == format!("NOERROR 192.0.2.{member}")).count();
    assert_eq!([1, 2, 3].map(count), [140, 40, 20]);
}
