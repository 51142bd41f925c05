//! Why a name is answered as it is, what is under way, and what is known of servers: `waymark explain`, `ctl inflight`, `ctl servers`.

use crate::daemon::{Daemon, Files, LISTEN};
use crate::dns::{Stream, Stub};
use crate::reload::http;
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

#[test]
fn a_steered_name_is_explained_by_rule_place_and_state() {
    let files = Files::new(LISTEN, "[geo]\ngeofeed = \"feed.csv\"\n");
    files.write("feed.csv", "198.51.100.0/24,DE\n");
    files.write(
        "zones/s.test.toml",
        "[records]\nw = { route = \"r\" }\nalias = { CNAME = \"w\" }\n\
         [pool.de]\nmembers = [\"192.0.2.1\"]\n[pool.x]\nmembers = [\"192.0.2.3\"]\n\
         [route.r]\nfallback = \"x\"\n\
         [[route.r.rule]]\ncidr = \"203.0.113.0/24\"\nuse = \"inner\"\n\
         [[route.r.rule]]\ncountry = \"DE\"\nuse = \"de\"\n\
         [route.inner]\nrule = [{ use = [{ pool = \"de\", weight = 1 }] }]\n",
    );
    let daemon = files.start();
    let check = |from: &str, lines: &[&str]| {
        let told = say(&daemon.files, "explain", &["alias.s.test", "A", "--from", from]);
        let missing: Vec<_> = lines.iter().filter(|line| !told.contains(**line)).collect();
        assert!(missing.is_empty(), "{missing:#?} are not in\n{told}");
    };
    let feed = format!("      country DE: geofeed {}:1\n", daemon.files.path("feed.csv").display());
    check(
        "198.51.100.7",
        &[
            "w.s.test. A  from own zone s.test.\n",
            "  to 198.51.100.7/32: 192.0.2.1; scope /24; signatures none",
            "  TTL 60 s: nothing checks its members: the ceiling of 10 to 60 s\n    route r: rule 2 (",
            "s.test.toml:13); alike for /24\n",
            &feed,
            "    pool de, answers\n",
            "    pool x\n",
        ],
    );
    check(
        "::ffff:203.0.113.9",
        &[
            "  to ::ffff:203.0.113.9/128: 192.0.2.1; scope /120;",
            "    route r: rule 1 (",
            "s.test.toml:10); alike for /120\n",
            "      route inner: rule 1 (",
            "s.test.toml:17), draws de; alike for /96\n",
        ],
    );
    check("192.0.2.9", &["    route r: no rule holds (", "s.test.toml:8); alike for /"]);
    let over_http = |query: &str| http(&daemon, &format!("GET /explain?{query}"));
    let told = over_http("name=w.s.test&type=A&from=198.51.100.7");
    assert!(told.contains("\"rule\":2") && told.contains("feed.csv:1"), "{told}");
    assert!(over_http("name=www.example.net&type=A").contains("the control socket explains"));
    assert!(over_http("name=w.s.test&type=A&from=nowhere").contains("it is not an address or a prefix"));
}
