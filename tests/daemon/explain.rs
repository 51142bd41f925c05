//! Why a name is answered as it is, what is under way, and what is known of servers: `waymark explain`, `ctl inflight`, `ctl servers`.

use crate::daemon::{Daemon, Files, LISTEN};
use crate::dns::{Stream, Stub};
use serde_json::Value;

/// What a command prints, which must succeed.
fn say(files: &Files, command: &str, arguments: &[&str]) -> String {
    let ended = files.run(command, arguments);
    assert_eq!(ended.code, Some(0), "{command} {arguments:?}: {}", ended.stderr);
    ended.stdout
}

fn json(daemon: &Daemon, command: &str, arguments: &[&str]) -> Value {
    serde_json::from_str(&say(&daemon.files, command, &[arguments, &["--json"]].concat())).unwrap()
}

#[test]
fn a_question_is_seen_under_way_and_explained_when_it_is_answered() {
    let stub = Stub::new();
    let daemon = Files::new(LISTEN, &stub.config()).start();
    assert_eq!(json(&daemon, "ctl", &["inflight"]), Value::from(Vec::<Value>::new()));
    let mut stream = Stream::open(daemon.address());
    stream.send(&["www.slow.test."]);
    let asked = stub.asked();
    let waiting = json(&daemon, "ctl", &["inflight"]);
    assert_eq!(
        (&waiting[0]["name"], &waiting[0]["waiting"]),
        (&"www.slow.test.".into(), &1.into()),
        "{waiting}"
    );
    stub.answer(&asked, [192, 0, 2, 9]);
    stream.receive().unwrap();
    let told = say(&daemon.files, "explain", &["www.slow.test"]);
    for part in
        ["www.slow.test. A  from cache, for ", "found: 1 query, ", "asked 127.0.0.1:", "gave the answer"]
    {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let links = json(&daemon, "explain", &["www.slow.test", "A"]);
    assert_eq!(links[0]["trace"]["end"], "found", "{links}");
    assert_eq!(links[0]["trace"]["steps"].as_array().unwrap().len(), 3, "{links}");
    let servers = json(&daemon, "ctl", &["servers"]);
    assert_eq!(
        (&servers[0]["zone"], &servers[0]["state"]),
        (&"slow.test.".into(), &"alive".into()),
        "{servers}"
    );
    assert!(say(&daemon.files, "ctl", &["servers"]).starts_with("ZONE "), "a table");
}

#[test]
fn what_nobody_has_asked_is_resolved_to_be_explained() {
    let stub = Stub::new();
    let daemon = Files::new(LISTEN, &stub.config()).start();
    let files = &daemon.files;
    std::thread::scope(|scope| {
        let told = scope.spawn(|| say(files, "explain", &["new.slow.test", "A", "--fresh"]));
        stub.answer(&stub.asked(), [192, 0, 2, 9]);
        let told = told.join().unwrap();
        assert!(told.contains("gave the answer"), "{told}");
    });
}

#[test]
fn own_zones_are_explained_without_asking_anybody() {
    let daemon = Files::new(LISTEN, "").start();
    for (name, parts) in [
        ("www.a.test", ["from own zone a.test.", "has A records"]),
        ("none.a.test", ["from own zone a.test.", "does not exist; a.test. does"]),
        ("x.any.a.test", ["from own zone a.test.", "has A records by *.any.a.test."]),
        ("localhost", ["from special-use zone localhost.", "has A records"]),
    ] {
        let told = say(&daemon.files, "explain", &[name]);
        assert!(parts.iter().all(|part| told.contains(part)), "{name}: {told}");
    }
}

#[test]
fn an_explanation_without_a_daemon_or_a_question_ends_with_2() {
    let files = Files::new(LISTEN, "");
    assert_eq!(files.run("explain", &["www.a.test"]).code, Some(2));
    assert_eq!(files.run("explain", &[]).code, Some(2));
    assert_eq!(files.run("explain", &["www.a.test", "AAAAA"]).code, Some(2));
}
