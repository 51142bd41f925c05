//! Members that are checked, by a daemon as it is run: they fail, come back, are drained, report themselves, and all of it is told and kept.

use crate::cache::{ctl, done};
use crate::daemon::{Daemon, Files, LISTEN, PATIENCE};
use crate::dns::ask;
use crate::reload::{http, metrics};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

/// A target on an address of its own; connections to it are refused once it is dropped.
fn target(address: &str, port: u16) -> TcpListener {
    TcpListener::bind((address, port)).unwrap()
}

/// A zone whose `www` is steered by two pools.
fn zone(port: u16) -> String {
    format!(
        "[records]\n\"@\" = {{ NS = \"ns\" }}\nns = {{ A = \"192.0.2.53\" }}\nwww = {{ route = \"www\" }}\n\
         [check.up]\ntcp = \"{{address}}:{port}\"\ninterval = \"1s\"\ntimeout = \"500ms\"\n\
         [check.report]\npush = {{ token = \"0123456789abcdef\", ttl = \"1h\" }}\n\
         [pool.one]\ncheck = \"up\"\nmembers = [\"127.0.1.1\", \"127.0.1.2\"]\n\
         [pool.two]\ncheck = \"report\"\nmembers = [{{ address = \"127.0.1.3\", id = \"third\" }}]\n\
         [route.www]\nfallback = [\"one\", \"two\"]\non_all_down = \"servfail\"\n"
    )
}

/// A daemon with that zone, and the target of its first member.
fn start() -> (Daemon, TcpListener, SocketAddr) {
    let first = target("127.0.1.1", 0);
    let at = first.local_addr().unwrap();
    let files = Files::new(LISTEN, "");
    files.write("zones/h.test.toml", &zone(at.port()));
    (files.start(), first, at)
}

#[test]
fn what_is_down_at_the_start_is_never_answered_with() {
    let (daemon, _first, _) = start();
    for _ in 0..4 {
        assert_eq!(ask(daemon.address(), "www.h.test."), "NOERROR 127.0.1.1");
    }
    let told = daemon.files.run("explain", &["www.h.test", "A", "--from", "192.0.2.0/24"]);
    for line in [
        "  to 192.0.2.0/24 as client subnet: 127.0.1.1; scope /0; signatures none",
        "  TTL 10 s: one/127.0.1.1 is taken to stay as it is for ",
        " s, held within 10 to 60 s\n",
        "h.test.toml:",
        "    pool one up, answers\n      127.0.1.1 up since ",
        ": up succeeds, answered with\n      127.0.1.2 down since ",
        ": up: connect: Connection refused (os error 111)\n    pool two up\n      third unknown since ",
    ] {
        assert!(told.stdout.contains(line), "{line:?} is not in {}", told.stdout);
    }
    assert!(daemon.has_logged("h.test. one/127.0.1.2 is down, was unknown: up: connect: Connection refused"));
    let told = daemon.files.run("explain", &["www.h.test", "AAAA"]).stdout;
    assert!(
        told.contains("no address; scope")
            && told.contains("  pool one is up, and has addresses of the other family only\n"),
        "{told}"
    );
}

#[test]
fn answers_leave_a_member_that_fails_and_come_back_to_it() {
    let (mut daemon, first, at) = start();
    let second = target("127.0.1.2", at.port());
    daemon.wait("one/127.0.1.2 is up");
    drop(first);
    daemon.wait("one/127.0.1.1 is down, was up: up: connect: Connection refused");
    assert_eq!(ask(daemon.address(), "www.h.test."), "NOERROR 127.0.1.2");
    drop(second);
    daemon.wait("one/127.0.1.2 is down");
    daemon.wait("h.test. pool one is down for IPv4");
    assert_eq!(ask(daemon.address(), "www.h.test."), "NOERROR 127.0.1.3", "unknown counts as up");
    let _first = target("127.0.1.1", at.port());
    daemon.wait("one/127.0.1.1 is up, was down: up succeeds");
    daemon.wait("h.test. pool one is up again");
    assert_eq!(ask(daemon.address(), "www.h.test."), "NOERROR 127.0.1.1");
    let history = done(&daemon, "health --history");
    let lines = ["one/127.0.1.1 is down, was up", "pool one is down for IPv4", "pool one is up again"];
    let at: Vec<_> = lines.iter().map(|line| history.find(line).expect(line)).collect();
    assert!(at.is_sorted(), "{history}");
    let told = metrics(&daemon);
    for line in [
        "waymark_health_events_total{kind=\"fallback\"} 2",
        "waymark_members{state=\"up\"} 1\n",
        "waymark_members{state=\"down\"} 1\n",
        "waymark_members{state=\"unknown\"} 1\n",
        "waymark_pools{state=\"up\"} 2\n",
        "waymark_geo_refused 0\n",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
}

#[test]
fn what_an_operator_says_is_in_the_very_next_answer_and_outlives_a_restart() {
    let (daemon, _first, at) = start();
    let _second = target("127.0.1.2", at.port());
    assert_eq!(done(&daemon, "drain one --why disk"), "2 members: drain until it is lifted");
    assert_eq!(ask(daemon.address(), "www.h.test."), "NOERROR 127.0.1.3");
    assert_eq!(done(&daemon, "down h.test:two/thi* --for 1h"), "1 member: down for 3600 s");
    assert_eq!(ask(daemon.address(), "www.h.test."), "SERVFAIL", "on_all_down says so");
    let health = done(&daemon, "health one/127.0.1.1");
    assert!(health.contains("h.test. one 127.0.1.1 drained") && health.contains(" disk"), "{health}");
    let daemon = daemon.stop().start();
    assert_eq!(ask(daemon.address(), "www.h.test."), "SERVFAIL");
    assert_eq!(done(&daemon, "up two/third"), "1 member: up until it is lifted");
    assert_eq!(ask(daemon.address(), "www.h.test."), "NOERROR 127.0.1.3");
    assert_eq!(done(&daemon, "lift *"), "3 overrides are lifted");
    assert!(ask(daemon.address(), "www.h.test.").starts_with("NOERROR 127.0.1."));
    for time in ["0s", "400d"] {
        let told = ctl(&daemon, &format!("drain one --for {time}")).stderr;
        assert!(told.contains("it must be a second to a year"), "{told}");
    }
    let nobody = ctl(&daemon, "drain oen");
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.stderr.contains("did you mean \"one\"?"), "{}", nobody.stderr);
    done(&daemon, "drain one/*");
    let held = ctl(&daemon, "lift one/127.0.1.1");
    assert!(held.stderr.contains("what holds there is \"one/*\": lift that"), "{}", held.stderr);
    assert_eq!(done(&daemon, "lift one"), "1 override is lifted", "by its members");
    let none = ctl(&daemon, "lift two");
    assert!(
        none.code == Some(1) && none.stderr.contains("there is no override of \"two\""),
        "{}",
        none.stderr
    );
}

#[test]
fn an_endpoint_reports_itself_with_its_token() {
    let (daemon, _first, _) = start();
    done(&daemon, "drain one");
    let push = |token: &str, query: &str| {
        let reply =
            http(&daemon, &format!("POST /push?{query} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nX: "));
        reply.split_whitespace().nth(1).unwrap().to_owned()
    };
    let token = "0123456789abcdef";
    assert_eq!(push(token, "address=127.0.1.3&state=down&why=full"), "200");
    assert_eq!(ask(daemon.address(), "www.h.test."), "SERVFAIL");
    assert!(done(&daemon, "health two").contains("report: full"));
    assert_eq!(push(token, "address=127.0.1.3&state=up&load=0.5"), "200");
    assert_eq!(ask(daemon.address(), "www.h.test."), "NOERROR 127.0.1.3");
    for (token, query, status) in [
        ("0123456789abcdeX", "address=127.0.1.3", "403"),
        (token, "address=127.0.1.9", "403"),
        (token, "state=up", "400"),
        (token, "address=127.0.1.3&state=sideways", "400"),
        (token, "address=127.0.1.3&load=NaN", "400"),
    ] {
        assert_eq!(push(token, query), status, "{query}");
    }
    assert!(http(&daemon, "POST /push?address=127.0.1.3").starts_with("HTTP/1.1 401"));
    assert!(http(&daemon, "GET /health?pattern=two").contains("\"state\":\"up\""));
    assert!(http(&daemon, "GET /health/history").contains("127.0.1.3"));
    assert!(http(&daemon, "GET /explain?name=www.h.test").contains("\"weight\":1"), "A is the type meant");
    assert!(http(&daemon, "GET /explain?below=h.test").contains("name, type and from do"));
}

#[test]
fn a_reload_keeps_what_is_known_and_asks_what_is_new() {
    let (mut daemon, _first, at) = start();
    let more = zone(at.port()).replace("\"127.0.1.1\"", "\"127.0.1.1\", \"127.0.1.4\"");
    daemon.files.write("zones/h.test.toml", &more);
    done(&daemon, "reload");
    daemon.wait("one/127.0.1.4 is down, was unknown");
    assert_eq!(ask(daemon.address(), "www.h.test."), "NOERROR 127.0.1.1");
    let known = done(&daemon, "health one");
    assert!(known.contains("one 127.0.1.2 down") && known.contains("one 127.0.1.4 down"), "{known}");
    assert!(
        !daemon.logged.iter().skip_while(|line| !line.contains("reloaded")).any(|l| l.contains("127.0.1.2"))
    );
}

#[test]
fn a_pool_that_is_gone_is_not_told_to_be_up_again() {
    let (mut daemon, first, at) = start();
    drop(first);
    daemon.wait("h.test. pool one is down for IPv4");
    let other = zone(at.port()).replace("one", "other");
    daemon.files.write("zones/h.test.toml", &other);
    done(&daemon, "reload");
    daemon.wait("h.test. pool other is down for IPv4");
    assert!(!daemon.logged.iter().any(|line| line.contains("up again")), "{:?}", daemon.logged);
}

#[test]
fn why_a_family_has_no_address_is_told_as_it_is() {
    let files = Files::new(LISTEN, "");
    files.write(
        "zones/h.test.toml",
        "[records]\n\"@\" = { NS = \"ns\" }\nns = { A = \"192.0.2.53\" }\nwww = { route = \"r\" }\n\
         [pool.six]\nmembers = [\"2001:db8::6\"]\n[pool.four]\nmembers = [\"192.0.2.4\"]\n\
         [route.r]\nfallback = [\"six\", \"four\"]\non_all_down = \"none\"\n",
    );
    let daemon = files.start();
    let told = || daemon.files.run("explain", &["www.h.test", "A"]).stdout;
    assert!(told().contains("pool six is up, and has addresses of the other family only"), "{}", told());
    done(&daemon, "down six");
    assert_eq!(ask(daemon.address(), "www.h.test."), "NOERROR 192.0.2.4");
    done(&daemon, "down four");
    assert!(
        told().contains("no pool is up for this family: on_all_down says to answer with none"),
        "{}",
        told()
    );
}

#[test]
fn a_member_is_asked_elsewhere_than_where_it_serves() {
    let asked = target("127.0.0.1", 0);
    let at = asked.local_addr().unwrap();
    let members = format!("members = [{{ address = \"192.0.2.7\", probe = \"{at}\" }}]");
    let text = zone(1).replace("members = [\"127.0.1.1\", \"127.0.1.2\"]", &members);
    let files = Files::new(LISTEN, "");
    files.write("zones/h.test.toml", &text);
    let mut daemon = files.start();
    assert_eq!(ask(daemon.address(), "www.h.test."), "NOERROR 192.0.2.7");
    drop(asked);
    daemon.wait("one/192.0.2.7 is down, was up: up: connect: Connection refused");
    assert_eq!(ask(daemon.address(), "www.h.test."), "NOERROR 127.0.1.3");
}

#[test]
fn flips_are_posted_to_the_webhook_until_it_takes_them() {
    let hook = target("127.0.0.1", 0);
    let files = Files::new(
        LISTEN,
        &format!("[health]\nwebhook = \"http://{}/hook?a=b\"", hook.local_addr().unwrap()),
    );
    files.write("zones/h.test.toml", &zone(1));
    let daemon = files.start();
    let posted = |status: &str| {
        let (mut stream, _) = hook.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut text = String::new();
        while !text.ends_with('}') {
            let mut piece = [0; 4_096];
            let len = stream.read(&mut piece).unwrap();
            assert_ne!(len, 0, "{text}");
            text.push_str(std::str::from_utf8(&piece[..len]).unwrap());
        }
        stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).unwrap();
        text
    };
    let first = posted("500 Out Of Order");
    assert!(first.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{first}");
    let again = posted("204 No Content");
    assert_eq!(again, first);
    let body: serde_json::Value = serde_json::from_str(again.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let flip = &body["flips"][0]["flip"];
    assert_eq!((&flip["zone"], &flip["to"], &body["missed"]), (&"h.test.".into(), &"down".into(), &0.into()));
    drop(daemon);
}

#[test]
fn what_an_operator_was_told_is_kept_outlives_a_kill() {
    let (mut daemon, _first, _) = start();
    let store = daemon.files.path("store");
    for (pattern, answer) in [("one", "NOERROR 127.0.1.3"), ("two/third", "SERVFAIL")] {
        assert!(done(&daemon, &format!("down {pattern}")).ends_with("until it is lifted"));
        let files = daemon.kill();
        // As one that was killed while it wrote would leave it; the number is nobody's.
        std::fs::write(store.join("health.json.4194999.new"), "half").unwrap();
        daemon = files.start();
        assert_eq!(ask(daemon.address(), "www.h.test."), answer, "{pattern}");
        assert!(!store.join("health.json.4194999.new").exists());
    }
}
