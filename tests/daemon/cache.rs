//! What was learnt of other servers: over a restart, and through `waymark ctl`.

use crate::daemon::{Daemon, Ended, Files, LISTEN, fold};
use crate::dns::{Stream, Stub, ask};
use crate::reload::http;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

/// Asks a name that the stub is asked for, and has it answer with 192.0.2.N.
pub fn resolve(daemon: &Daemon, stub: &Stub, name: &str, last: u8) {
    let mut stream = Stream::open(daemon.address());
    stream.send(&[name]);
    stub.answer(&stub.asked(), [192, 0, 2, last]);
    assert_eq!(stream.receive(), Some((1, format!("NOERROR 192.0.2.{last}"))), "{name}");
}

pub fn ctl(daemon: &Daemon, arguments: &str) -> Ended {
    daemon.files.run("ctl", &arguments.split_whitespace().collect::<Vec<_>>())
}

/// What it prints when it succeeds, white space folded.
pub fn done(daemon: &Daemon, arguments: &str) -> String {
    let ended = ctl(daemon, arguments);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{arguments}");
    fold(&ended.stdout)
}

#[test]
fn what_was_learnt_outlives_a_restart_and_a_flush_has_it_asked_again() {
    let stub = Stub::new();
    let daemon = Files::new(LISTEN, &stub.config()).start();
    resolve(&daemon, &stub, "www.slow.test.", 9);
    let files = daemon.stop();
    let mode = fs::metadata(files.path("store/cache.snapshot")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let daemon = files.start();
    assert!(daemon.has_logged("1 entries of the cache read from"), "{:#?}", daemon.logged);
    // A snapshot is read once: after a crash it would bring back what was flushed.
    assert!(!daemon.files.path("store/cache.snapshot").exists());
    // The stub does not answer.
    assert_eq!(ask(daemon.address(), "WWW.slow.test."), "NOERROR 192.0.2.9");
    assert_eq!(done(&daemon, "flush www.slow.test"), "1 entry is forgotten");
    resolve(&daemon, &stub, "www.slow.test.", 10);
}

#[test]
fn what_was_learnt_of_other_servers_than_now_is_not_used() {
    let (stub, other) = (Stub::new(), Stub::new());
    let daemon = Files::new(LISTEN, &stub.config()).start();
    resolve(&daemon, &stub, "www.slow.test.", 9);
    let files = daemon.stop();
    files.configure(LISTEN, &other.config());
    let daemon = files.start();
    let told = daemon.logged.iter().find(|line| line.contains("cache.snapshot")).expect("a warning");
    assert!(told.contains("WARN") && told.contains("asked other servers"), "{told}");
    resolve(&daemon, &other, "www.slow.test.", 10);
}

#[test]
fn a_snapshot_that_is_broken_is_told_by_its_name_and_does_not_keep_it_from_serving() {
    let stub = Stub::new();
    let daemon = Files::new(LISTEN, &stub.config()).start();
    resolve(&daemon, &stub, "www.slow.test.", 9);
    let mut files = daemon.stop();
    let snapshot = files.path("store/cache.snapshot");
    let good = fs::read(&snapshot).unwrap();
    let mut damaged = good.clone();
    damaged[50] ^= 1;
    for (octets, told) in [(&damaged[..], "it is damaged"), (b"text", "it is no snapshot of a cache")] {
        fs::write(&snapshot, octets).unwrap();
        let daemon = files.start();
        let line = daemon.logged.iter().find(|line| line.contains(told)).expect(told);
        assert!(line.contains("WARN") && line.contains(&*snapshot.to_string_lossy()), "{line}");
        assert_eq!(ask(daemon.address(), "www.a.test."), "NOERROR 192.0.2.1");
        resolve(&daemon, &stub, "www.slow.test.", 9);
        files = daemon.stop();
    }
}

#[test]
fn without_a_place_to_keep_it_that_is_told_and_it_serves() {
    let files = Files::new(LISTEN, "");
    files.write("store", "a file, no directory");
    let daemon = files.start();
    let line =
        daemon.logged.iter().find(|line| line.contains("nothing is kept over a restart")).expect("a note");
    assert!(line.contains("set store.directory"), "{line}");
    assert_eq!(ask(daemon.address(), "www.a.test."), "NOERROR 192.0.2.1");
    assert!(done(&daemon, "status").contains("store none"));
    let files = daemon.stop();
    assert_eq!(fs::read_to_string(files.path("store")).unwrap(), "a file, no directory");
}

#[test]
fn ctl_flushes_by_name_type_subtree_and_all() {
    let stub = Stub::new();
    let daemon = Files::new(LISTEN, &stub.config()).start();
    for (command, flushed) in [
        ("flush www.slow.test MX", "0 entries are forgotten"),
        ("flush WWW.slow.test. a", "1 entry is forgotten"),
        ("flush www.slow.test", "1 entry is forgotten"),
        ("flush --below w.slow.test", "0 entries are forgotten"),
        ("flush --below slow.test", "2 entries are forgotten"),
        ("flush --all", "2 entries are forgotten"),
    ] {
        for (name, last) in [("www.slow.test.", 1), ("ww.slow.test.", 2)] {
            if done(&daemon, &format!("cache lookup {name}")).starts_with("nothing") {
                resolve(&daemon, &stub, name, last);
            }
        }
        assert_eq!(done(&daemon, command), flushed, "{command}");
    }
    assert_eq!(done(&daemon, "flush --all --json"), "{\n\"flushed\": 0\n}");
}

#[test]
fn ctl_shows_entries_as_a_table_as_json_and_as_a_master_file() {
    let stub = Stub::new();
    let daemon = Files::new(LISTEN, &stub.config()).start();
    assert_eq!(done(&daemon, "cache dump"), "");
    assert_eq!(done(&daemon, "cache lookup --json none.test"), "[]");
    for (name, last) in [("b.a.slow.test.", 1), ("a.slow.test.", 2), ("xa.slow.test.", 3)] {
        resolve(&daemon, &stub, name, last);
    }
    let table = done(&daemon, "cache lookup a.slow.test");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "TYPE TTL STALE CD VERDICT KIND DATA");
    assert!(
        lines[1].starts_with("A ") && lines[1].ends_with(" no no unchecked records 192.0.2.2"),
        "{table}"
    );
    assert_eq!(done(&daemon, "cache lookup a.slow.test MX"), "nothing of a.slow.test. is cached");
    let json: Value = serde_json::from_str(&done(&daemon, "cache lookup a.slow.test A --json")).unwrap();
    assert_eq!((&json[0]["data"][0], &json[0]["kind"]), (&"192.0.2.2".into(), &"records".into()));
    let mut dump: Vec<String> =
        done(&daemon, "cache dump --below a.slow.test").lines().map(str::to_owned).collect();
    dump.sort();
    assert_eq!(dump.len(), 2, "{dump:?}");
    assert!(dump[0].starts_with("a.slow.test. ") && dump[0].ends_with(" IN A 192.0.2.2"), "{dump:?}");
    assert!(dump[1].starts_with("b.a.slow.test. ") && dump[1].ends_with(" IN A 192.0.2.1"), "{dump:?}");
    let lines = done(&daemon, "cache dump --json");
    assert_eq!(
        lines.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count(),
        3,
        "{lines}"
    );
}

#[test]
fn ctl_tells_what_is_wrong_with_its_arguments_and_exits_with_2() {
    let daemon = Files::new(LISTEN, "enabled = false").start();
    for (arguments, told) in [
        ("", "Usage"),
        ("flsh", "flush"),
        ("flush", "required"),
        ("flush --all a.test", "cannot be used with"),
        ("flush --below a.test --all", "cannot be used with"),
        ("flush a.test AAAAA", "did you mean \"AAAA\"?"),
        ("flush MX a.test", "first comes the name"),
        ("flush a..test", "two dots in a row"),
        ("cache lookup 192.0.2.1", "1.2.0.192.in-addr.arpa."),
        ("cache lokup a.test", "lookup"),
    ] {
        let ended = ctl(&daemon, arguments);
        assert_eq!(ended.code, Some(2), "{arguments}: {}", ended.stderr);
        assert!(ended.stderr.contains(told), "{arguments}: {}", ended.stderr);
    }
    for arguments in ["flush --all", "cache dump", "cache lookup a.test"] {
        let ended = ctl(&daemon, arguments);
        assert_eq!(
            (ended.code, &*ended.stdout, ended.stderr.lines().count()),
            (Some(1), "", 1),
            "{arguments}"
        );
        assert!(ended.stderr.contains("resolver.enabled is false"), "{arguments}: {}", ended.stderr);
    }
}

#[test]
fn over_tcp_nothing_can_be_flushed_or_listed() {
    let stub = Stub::new();
    let daemon = Files::new(LISTEN, &stub.config()).start();
    resolve(&daemon, &stub, "www.slow.test.", 1);
    for request in ["POST /cache/flush?all", "GET /cache", "GET /status", "POST /reload"] {
        let answer = http(&daemon, request);
        assert!(answer.starts_with("HTTP/1.1 404"), "{request}: {answer}");
    }
    assert_eq!(ask(daemon.address(), "www.slow.test."), "NOERROR 192.0.2.1");
}

#[test]
fn the_control_socket_says_in_one_line_what_it_can_be_asked() {
    let daemon = Files::new(LISTEN, "").start();
    for (request, status, told) in [
        ("POST /cache/flush", 400, "say what: name=NAME"),
        ("POST /cache/flush?name=a&below=b", 400, "one of name, below and all"),
        ("GET /cache?type=A", 400, "type only with name"),
        ("GET /cache/flush?all", 404, "POST /cache/flush"),
        ("GET /reload", 404, "POST /reload"),
    ] {
        let mut stream = UnixStream::connect(daemon.files.path("control.sock")).unwrap();
        stream
            .write_all(format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(body.contains(told) && body.lines().count() == 1, "{request}: {answer}");
    }
}
