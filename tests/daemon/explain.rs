//! Why a name is answered as it is, what is under way, and what is known of servers: `waymark explain`, `ctl inflight`, `ctl servers`.

use crate::daemon::{Daemon, Files, LISTEN};
use crate::dns::{Stream, Stub};
use crate::reload::http;
use maxminddb_writer::paths::IpAddrWithMask;
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
            "  to 198.51.100.7/32 as sender: 192.0.2.1; scope /24; signatures none",
            "  TTL 60 s: nothing that is checked has a part in it: the ceiling of 10 to 60 s\n    route r: rule 2 (",
            "s.test.toml:13); alike for /24\n",
            &feed,
            "    pool de up, answers\n",
            "    pool x up\n",
        ],
    );
    check(
        "::ffff:203.0.113.9",
        &[
            "  to ::ffff:203.0.113.9/128 as sender: 192.0.2.1; scope /120;",
            "    route r: rule 1 (",
            "s.test.toml:10); alike for /120\n",
            "      route inner: rule 1 (",
            "s.test.toml:17), draws de; alike for /96\n",
        ],
    );
    // What a client subnet says is zero beyond its length.
    check("198.51.100.7/24", &["  to 198.51.100.0/24 as client subnet: 192.0.2.1; scope /24;"]);
    check("203.0.112.0/23", &["s.test.toml:8); decided by all that is sent of it, /23\n"]);
    check(
        "192.0.2.9",
        &["    route r: no rule holds (", "s.test.toml:8); alike for /", "      nobody says its country\n"],
    );
    let over_http = |query: &str| http(&daemon, &format!("GET /explain?{query}"));
    let told = over_http("name=w.s.test&type=A&from=198.51.100.7");
    assert!(told.contains("\"rule\":2") && told.contains("feed.csv:1"), "{told}");
    assert!(over_http("name=www.example.net&type=A").contains("the control socket explains"));
    assert!(over_http("name=w.s.test&type=A&from=nowhere").contains("it is not an address or a prefix"));
}

/// A database of places, with an IPv6 tree: each network's country and where it is.
fn write_database(files: &Files, name: &str, networks: &[(&str, &str, f64, f64)]) {
    let mut database = maxminddb_writer::Database::default();
    database.metadata.binary_format_major_version = 2;
    database.metadata.database_type = "Test-City".into();
    database.metadata.build_epoch = 1_750_000_000;
    database.metadata.ip_version = maxminddb_writer::metadata::IpVersion::V6;
    for (prefix, country, latitude, longitude) in networks {
        let record = serde_json::json!({
            "country": { "iso_code": country }, "location": { "latitude": latitude, "longitude": longitude },
        });
        let data = database.insert_value(&record).unwrap();
        let (address, bits) = prefix.split_once('/').unwrap();
        let at = IpAddrWithMask::new(address.parse().unwrap(), bits.parse().unwrap());
        database.insert_node(at, data);
    }
    database.write_to(std::fs::File::create(files.path(name)).unwrap()).unwrap();
}

#[test]
fn a_place_is_explained_by_the_record_that_says_it_and_how_far_pools_are() {
    let files = Files::new(LISTEN, "[geo]\ndatabase = \"city.mmdb\"\n");
    // IPv4 is below ::/96 in such a tree.
    write_database(
        &files,
        "city.mmdb",
        &[("::198.51.100.0/120", "DE", 52.5, 13.4), ("2001:db8::/32", "US", 40.7, -74.0)],
    );
    files.write(
        "zones/s.test.toml",
        "[records]\nw = { route = \"r\" }\n\
         [pool.fra]\nlocation = \"50.1,8.7\"\nmembers = [\"192.0.2.1\", \"2001:db8:1::1\"]\n\
         [pool.nyc]\nlocation = \"40.7,-74.0\"\nmembers = [\"192.0.2.2\", \"2001:db8:1::2\"]\n\
         [pool.waw]\nlocation = \"52.2,21.0\"\nmembers = [\"192.0.2.3\", \"2001:db8:1::3\"]\n\
         [route.r]\nrule = [{ nearest = [\"fra\", \"nyc\", \"waw\"], bias = { waw = 20 }, skip = 1 }]\n",
    );
    let daemon = files.start();
    let database = format!(
        "{} (Test-City of 2025-06-15T15:06:40Z), record of /",
        daemon.files.path("city.mmdb").display()
    );
    for (from, rtype, answer, scope, place, order) in [
        // From Berlin Warsaw counts as the nearest by its bias, and so is left out; from New York it counts as nearer than Frankfurt.
        ("198.51.100.7", "A", "192.0.2.1", 24, "52.5,13.4", ["waw 517 413 out", "fra 421", "nyc 6386"]),
        (
            "2001:db8:7::1",
            "AAAA",
            "2001:db8:1::3",
            32,
            "40.7,-74",
            ["nyc 0 0 out", "waw 6855 5484", "fra 6204"],
        ),
    ] {
        let told = say(&daemon.files, "explain", &["w.s.test", rtype, "--from", from]);
        let head = format!(
            "  to {from}/{} as sender: {answer}; scope /{scope};",
            if rtype == "A" { 32 } else { 128 }
        );
        let by = format!("      location {place}: {database}{scope}\n");
        let order = order.map(|pool| {
            let words: Vec<&str> = pool.split(' ').collect();
            let counted = match words.get(2) {
                Some(counted) if words[1] != *counted => format!(", which count for {counted} by its bias"),
                _ => String::new(),
            };
            let left = if words.len() > 3 { ", left out by skip and take" } else { "" };
            format!("      {} is {} km away{counted}{left}\n", words[0], words[1])
        });
        for part in [&head, &by, &order.concat()] {
            assert!(told.contains(part.as_str()), "{part:?} is not in\n{told}");
        }
    }
    let told = say(&daemon.files, "explain", &["w.s.test", "A", "--from", "203.0.113.1"]);
    assert!(told.contains("      nobody says its location\n"), "{told}");
    simulate(&daemon.files);
}

/// What a simulation with that database comes to.
fn simulate(files: &Files) {
    files.write("samples", "198.51.100.7 w.s.test\n2001:db8:7::1 w.s.test AAAA\n203.0.113.1 w.s.test\n");
    let samples = files.path("samples");
    let told = say(files, "steer", &["simulate", samples.to_str().unwrap()]);
    let shares: Vec<String> =
        told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "w.s.test. A fra 192.0.2.1 50.0",
        "w.s.test. A nyc 192.0.2.2 50.0",
        "w.s.test. AAAA waw 2001:db8:1::3 100.0",
    ] {
        assert!(shares.iter().any(|told| told == line), "{line:?} is not in\n{told}");
    }
}

#[test]
fn an_explanation_follows_an_alias_and_says_what_pools_have_no_say_over() {
    let files = Files::new(LISTEN, "");
    files.write(
        "zones/s.test.toml",
        "[records]\nw = { route = \"r\" }\nhere = { A = \"192.0.2.9\" }\n\
         \"*.t\" = { pool = \"four\" }\nt = { pool = \"four\", TXT = \"text\", HTTPS = \"1 . alpn=h2\" }\nz = { route = \"z\" }\n\
         [pool.alias]\ncname = \"here.s.test.\"\n[pool.four]\nmembers = [\"192.0.2.1\"]\n\
         [pool.spare]\nmembers = [{ address = \"192.0.2.5\", weight = 0 }]\n\
         [route.r]\nfallback = \"alias\"\n[route.z]\nrule = { cidr = \"198.51.100.0/24\", use = \"spare\" }\n",
    );
    let daemon = files.start();
    for (arguments, parts) in [
        (
            &["w.s.test"][..],
            &["an alias of here.s.test.; scope /0", "here.s.test. A  from own zone s.test.\n  has A"][..],
        ),
        (
            &["w.s.test", "MX"],
            &["an alias of here.s.test.; scope /0", "here.s.test. MX  from own zone", "has no MX"],
        ),
        (&["w.s.test", "ANY"], &["w.s.test. ANY  from own zone", "an alias of here.s.test.; scope /0"]),
        (&["t.s.test", "ANY"], &["t.s.test. ANY  from own zone", "192.0.2.1; scope /0"]),
        (&["x.t.s.test"], &["steered by *.t.s.test.: pools and routes choose\n", "192.0.2.1; scope /0"]),
        (&["t.s.test", "TXT"], &["t.s.test. TXT  from own zone s.test.\n  has TXT records\n"]),
        (&["t.s.test", "MX"], &["t.s.test. MX  from own zone s.test.\n  exists, but has no MX records\n"]),
        (&["t.s.test", "HTTPS"], &["has HTTPS records; their address hints are what A and AAAA choose\n"]),
        (
            &["t.s.test", "AAAA"],
            &["no address; scope /0", "pool four is up, and has addresses of the other family only"],
        ),
        (
            &["z.s.test", "A", "--from", "198.51.100.0/25"],
            &[
                "to 198.51.100.0/25 as client subnet: 192.0.2.5; scope /24",
                "nothing else is up: members of weight 0",
                "pool spare up with weight 0 only, answers",
            ],
        ),
        (&["z.s.test", "A"], &["no address; scope /1", "no route on the way has a pool for this client"]),
    ] {
        let told = say(&daemon.files, "explain", arguments);
        let missing: Vec<_> = parts.iter().filter(|part| !told.contains(**part)).collect();
        assert!(missing.is_empty(), "{missing:#?} are not in\n{told}");
        // Whoever asks for any has the alias and nothing of where it leads.
        let is_led_on = told.contains("an alias of") && !arguments.contains(&"ANY");
        assert_eq!(told.contains("\nhere.s.test. "), is_led_on, "{told}");
    }
}
