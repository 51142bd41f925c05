//! Reloading, `waymark ctl` and the metrics.

use crate::daemon::{Daemon, Ended, Files, LISTEN, Lines, Process, client, fold, zone};
use crate::dns::{Stream, Stub, ask};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

#[test]
fn sighup_serves_what_changed_and_keeps_the_last_good_version_of_what_broke() {
    let files = Files::new(LISTEN, "");
    files.write("zones/b.test.toml", &zone("192.0.2.2"));
    files.write("zones/gone.test.toml", &zone("192.0.2.3"));
    let mut daemon = files.start();
    assert!(daemon.has_logged("3 zones, 15 records loaded"), "{:#?}", daemon.logged);
    daemon.files.write("zones/a.test.toml", &zone("192.0.2.11"));
    daemon.files.write("zones/b.test.toml", "[records]\nwww = { A = \"nonsense\" }\n");
    daemon.files.write("zones/new.test.toml", &zone("192.0.2.4"));
    fs::remove_file(daemon.files.path("zones/gone.test.toml")).unwrap();
    daemon.process.signal("HUP");
    daemon.wait("reloaded: 2 zones fresh, 1 kept at their last good version, 0 failed");
    for (name, said) in [
        ("www.a.test.", "NOERROR 192.0.2.11"),
        ("www.b.test.", "NOERROR 192.0.2.2"),
        ("www.new.test.", "NOERROR 192.0.2.4"),
    ] {
        assert_eq!(ask(daemon.address(), name), said, "{name}");
    }
    let line = daemon.logged.iter().find(|line| line.contains("b.test.toml:2:14: ")).expect("a place");
    assert!(!line.contains("error:"), "{line}");
    assert!(daemon.has_logged("did not load: its last good version is served"), "{:#?}", daemon.logged);
}

#[test]
fn a_zones_directory_that_is_gone_keeps_every_zone() {
    let mut daemon = Files::new(LISTEN, "").start();
    fs::rename(daemon.files.path("zones"), daemon.files.path("away")).unwrap();
    daemon.process.signal("HUP");
    daemon.wait("reloaded: 0 zones fresh, 1 kept at their last good version, 0 failed, 5 records");
    assert_eq!(ask(daemon.address(), "www.a.test."), "NOERROR 192.0.2.1");
}

#[test]
fn a_reload_does_not_touch_what_is_being_resolved() {
    let stub = Stub::new();
    let mut daemon = Files::new(LISTEN, &stub.config()).start();
    let mut stream = Stream::open(daemon.address());
    stream.send(&["www.slow.test."]);
    let asked = stub.asked();
    daemon.process.signal("HUP");
    daemon.wait("reloaded");
    // Only what was asked before the reload is answered.
    stub.answer(&asked, [192, 0, 2, 9]);
    assert_eq!(stream.receive(), Some((1, "NOERROR 192.0.2.9".into())));
}

#[test]
fn a_question_that_waits_is_asked_anew_of_the_resolver_that_a_reload_brings() {
    let (stub, other) = (Stub::new(), Stub::new());
    let mut daemon = Files::new(LISTEN, &stub.config()).start();
    let mut stream = Stream::open(daemon.address());
    stream.send(&["www.slow.test."]);
    let asked = stub.asked();
    daemon.files.configure(LISTEN, &other.config());
    daemon.process.signal("HUP");
    let again = other.asked();
    stub.answer(&asked, [192, 0, 2, 8]);
    other.answer(&again, [192, 0, 2, 9]);
    assert_eq!(stream.receive(), Some((1, "NOERROR 192.0.2.9".into())));
    daemon.wait("reloaded");
}

#[test]
fn a_question_that_waits_when_recursion_is_turned_off_is_told_so() {
    let stub = Stub::new();
    let mut daemon = Files::new(LISTEN, &stub.config()).start();
    let address = daemon.address();
    let dig = std::thread::spawn(move || client("dig", address, "+tries=1 +timeout=30 www.slow.test A"));
    stub.asked();
    daemon.files.configure(LISTEN, "enabled = false");
    daemon.process.signal("HUP");
    daemon.wait("reloaded");
    let out = dig.join().unwrap();
    assert!(out.contains("status: SERVFAIL"), "{out}");
    assert!(out.contains("recursion was turned off while the question waited"), "{out}");
}

#[test]
fn ctl_tells_status_and_reloads_and_says_by_its_exit_code_how_it_went() {
    let daemon = Files::new(LISTEN, "").start();
    let files = &daemon.files;
    let mode = fs::metadata(files.path("control.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let status = files.run("ctl", &["status"]);
    let text = fold(&status.stdout);
    let zones = "zones 1 fresh, 0 kept, 0 failed, 5 records";
    assert!(text.lines().any(|line| line == zones) && text.contains("cache 0 entries, "), "{text}");
    assert!(text.contains(&format!("store {}", files.path("store").display())), "{text}");
    let status = files.run("ctl", &["status", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!((status.code, &json["zones"]["fresh"]), (Some(0), &1.into()));
    let reload = || files.run("ctl", &["reload"]);
    let good = reload();
    assert_eq!((good.code, &*good.stderr), (Some(0), ""), "{}", good.stdout);
    assert!(good.stdout.starts_with("reloaded: 1 zones fresh"), "{}", good.stdout);
    files.write("zones/a.test.toml", "nonsense = 1\n");
    let bad = reload();
    assert_eq!((bad.code, &*bad.stdout), (Some(1), ""));
    assert!(bad.stderr.contains("a.test.toml:1:1") && bad.stderr.contains("1 kept"), "{}", bad.stderr);
    files.write("zones/a.test.toml", &zone("192.0.2.1"));
    let json: serde_json::Value =
        serde_json::from_str(&files.run("ctl", &["--json", "reload"]).stdout).unwrap();
    assert!(json["reloaded"].as_str().unwrap().starts_with("reloaded: 1 zones fresh"), "{json}");
}

#[test]
fn ctl_reaches_the_daemon_while_its_config_is_broken() {
    let daemon = Files::new(LISTEN, "").start();
    let files = &daemon.files;
    files.configure(LISTEN, "nonsense = 1");
    let status = files.run("ctl", &["status"]);
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    assert!(status.stderr.contains("nonsense") && status.stderr.contains("note: the config has errors"));
    let reload = files.run("ctl", &["reload"]);
    assert_eq!(reload.code, Some(1));
    assert!(reload.stderr.contains("the config stays as it was"), "{}", reload.stderr);
}

#[test]
fn the_control_socket_is_the_users_own_where_the_systems_cannot_be_made() {
    let files = Files::new(LISTEN, "");
    let config = fs::read_to_string(files.path("waymark.toml")).unwrap();
    files.write("waymark.toml", &config.replace("\"control.sock\"", "\"/proc/nowhere/control.sock\""));
    let with_place = |command: &str, arguments: &[&str]| {
        let mut waymark = files.waymark(command, arguments);
        waymark.env("XDG_RUNTIME_DIR", files.path("run"));
        waymark
    };
    fs::create_dir(files.path("run")).unwrap();
    let mut process = Process::new(with_place("serve", &[]).stderr(Stdio::piped()));
    let log = Lines::of(process.child().stderr.take().unwrap());
    let line = std::iter::from_fn(|| log.next()).find(|line| line.contains("control socket")).unwrap();
    assert!(line.ends_with("run/waymark/control.sock"), "{line}");
    let mode = fs::metadata(files.path("run/waymark/control.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let status = Ended::of(with_place("ctl", &["status"]).output().unwrap());
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    let elsewhere = files.run("ctl", &["status"]);
    assert_eq!(elsewhere.code, Some(2), "without the variable it is not looked for there");
}

#[test]
fn ctl_without_a_daemon_exits_with_2_and_names_what_it_tried() {
    let files = Files::new(LISTEN, "");
    let ended = files.run("ctl", &["status"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("control.sock") && ended.stderr.contains("is `waymark serve` running"));
}

#[test]
fn what_waits_for_a_start_is_told_at_every_reload_until_it_is_taken_back() {
    let daemon = Files::new(LISTEN, "").start();
    let told = || {
        let ended = daemon.files.run("ctl", &["reload"]);
        assert_eq!(ended.code, Some(0));
        ended.stdout.contains("server.listen has changed: it takes effect when the daemon is started again")
    };
    daemon.files.configure("\"127.0.0.1:1\"", "");
    assert!(told() && told());
    daemon.files.configure(LISTEN, "");
    assert!(!told());
}

/// What the metrics' listener answers.
pub fn http(daemon: &Daemon, request: &str) -> String {
    let mut stream = TcpStream::connect(&daemon.metrics).unwrap();
    let request = format!("{request} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// The lines of `/metrics`.
pub fn metrics(daemon: &Daemon) -> String {
    let text = http(daemon, "GET /metrics");
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    text
}

#[test]
fn metrics_count_the_queries_that_were_made() {
    let stub = Stub::new();
    let daemon = Files::new(LISTEN, &stub.config()).start();
    for name in ["www.a.test.", "none.a.test.", "www.a.test."] {
        ask(daemon.address(), name);
    }
    let mut stream = Stream::open(daemon.address());
    for name in ["www.a.test.", "www.slow.test.", "www.slow.test."] {
        stream.send(&[name]);
        if name == "www.slow.test." && !metrics(&daemon).contains("source=\"resolved\"") {
            stub.answer(&stub.asked(), [192, 0, 2, 9]);
        }
        stream.receive().unwrap();
    }
    daemon.files.run("ctl", &["reload"]);
    let text = metrics(&daemon);
    for line in [
        "waymark_queries_total{transport=\"udp\"} 3",
        "waymark_queries_total{transport=\"tcp\"} 3",
        "waymark_responses_total{rcode=\"NOERROR\",source=\"zone\"} 3",
        "waymark_responses_total{rcode=\"NXDOMAIN\",source=\"zone\"} 1",
        "waymark_responses_total{rcode=\"NOERROR\",source=\"resolved\"} 1",
        "waymark_responses_total{rcode=\"NOERROR\",source=\"cache\"} 1",
        "waymark_upstream_queries_total{transport=\"udp\"} 1",
        "waymark_reloads_total{result=\"ok\"} 1",
        "waymark_zones 1",
        "waymark_tcp_connections 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
}

/// A database that knows one country for all of 127.0.0.0/8.
fn country(code: &str) -> Vec<u8> {
    let mut database = maxminddb_writer::Database::default();
    database.metadata.binary_format_major_version = 2;
    database.metadata.database_type = "Test".into();
    database.metadata.ip_version = maxminddb_writer::metadata::IpVersion::V4;
    let data = database.insert_value(serde_json::json!({ "country": code })).unwrap();
    database.insert_node(maxminddb_writer::paths::IpAddrWithMask::new([127, 0, 0, 0].into(), 8), data);
    let mut octets = Vec::new();
    database.write_to(&mut octets).unwrap();
    octets
}

#[test]
fn geographic_data_is_taken_up_when_it_changes_and_the_old_stays_when_it_is_broken() {
    let files = Files::new(LISTEN, "[geo]\ndatabase = \"geo.mmdb\"\ngeofeed = \"feed.csv\"\n");
    files.write("geo.mmdb", &country("DE"));
    files.write("feed.csv", "10.0.0.0/8,DE\n");
    let pools = "[pool.de]\nmembers = [\"192.0.2.1\"]\n[pool.fr]\nmembers = [\"192.0.2.2\"]\n[pool.x]\nmembers = [\"192.0.2.3\"]\n";
    let route = "[route.r]\nfallback = \"x\"\nrule = [{ country = \"DE\", use = \"de\" }, { country = \"FR\", use = \"fr\" }]\n";
    files.write("zones/s.test.toml", &format!("records.w = {{ route = \"r\" }}\n{pools}{route}"));
    let mut daemon = files.start();
    let mut check = |change: &dyn Fn(&Files), said: &str, address: &str| {
        change(&daemon.files);
        if !said.is_empty() {
            daemon.wait(said);
            daemon.wait(if said.contains("must be") { "stays as it was" } else { "is taken up" });
        }
        assert_eq!(ask(daemon.address(), "w.s.test."), format!("NOERROR {address}"));
    };
    check(&|_| (), "", "192.0.2.1");
    let replace = |files: &Files, octets: Vec<u8>| {
        files.write("new.mmdb", &octets);
        fs::rename(files.path("new.mmdb"), files.path("geo.mmdb")).unwrap();
    };
    check(&|files| replace(files, country("FR")), "geographic data has changed", "192.0.2.2");
    check(&|files| replace(files, b"junk".to_vec()), "must be an MMDB file", "192.0.2.2");
    check(
        &|files| assert!(files.run("ctl", &["status", "--json"]).stdout.contains("\"refused\": 1")),
        "",
        "192.0.2.2",
    );
    check(&|files| files.write("geo.mmdb", &country("US")), "geographic data has changed", "192.0.2.3");
    check(&|files| files.write("feed.csv", "127.0.0.0/8,DE\n"), "geographic data has changed", "192.0.2.1");
    let told = daemon.logged.iter().filter(|line| line.contains("must be an MMDB file")).count();
    assert_eq!(told, 1, "{:#?}", daemon.logged);
}
