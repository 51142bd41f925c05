//! One truth: whatever changes who is up, or a zone, is in the very next answer, also of aliases that the cache holds.

use crate::cache::done;
use crate::daemon::{Daemon, Files, LISTEN};
use crate::dns::{Stream, Stub, ask};
use crate::reload::http;
use std::net::TcpListener;

/// A steered name, an alias of it in the same zone and one of an alias in another; `alias.slow.test.` is one elsewhere.
const NAMES: [&str; 4] = ["www.h.test.", "alias.h.test.", "alias.a.test.", "alias.slow.test."];

fn zone(port: u16, last: &str) -> String {
    format!(
        "[records]\nwww = {{ route = \"www\" }}\nalias = {{ CNAME = \"www\" }}\n\
         [check.up]\ntcp = \"{{address}}:{port}\"\ninterval = \"1s\"\ntimeout = \"500ms\"\n\
         [check.report]\npush = {{ token = \"0123456789abcdef\", ttl = \"1h\" }}\n\
         [pool.one]\ncheck = \"up\"\nmembers = [\"127.0.2.1\"]\n\
         [pool.two]\ncheck = \"report\"\nmembers = [\"127.0.2.2\"]\n\
         [pool.last]\nmembers = [\"{last}\"]\n\
         [route.www]\nfallback = [\"one\", \"two\", \"last\"]\n"
    )
}

/// Fails unless all names have this address now.
fn check(daemon: &Daemon, address: &str, why: &str) {
    for name in NAMES {
        let said = ask(daemon.address(), name);
        assert_eq!(said.split(' ').next_back(), Some(address), "{why}: {name} {said}");
    }
}

fn report(daemon: &Daemon, state: &str) {
    let query = format!("POST /push?address=127.0.2.2&state={state}");
    let reply = http(daemon, &format!("{query} HTTP/1.1\r\nAuthorization: Bearer 0123456789abcdef\r\nX: "));
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

#[test]
fn what_changes_is_in_the_very_next_answer_of_every_name_that_leads_there() {
    let first = TcpListener::bind(("127.0.2.1", 0)).unwrap();
    let at = first.local_addr().unwrap();
    let stub = Stub::new();
    let files = Files::new(LISTEN, &stub.config());
    files.write("zones/h.test.toml", &zone(at.port(), "192.0.2.3"));
    files.write("zones/a.test.toml", "[records]\nalias = { CNAME = \"alias.h.test.\" }\n");
    let mut daemon = files.start();
    let mut stream = Stream::open(daemon.address());
    stream.send(&["alias.slow.test."]);
    stub.answer_alias(&stub.asked(), "alias.h.test.");
    assert!(stream.receive().unwrap().1.ends_with(" 127.0.2.1"));
    // From here on the alias is cached: the stub answers nobody.
    check(&daemon, "127.0.2.1", "at the start");
    done(&daemon, "drain one");
    check(&daemon, "127.0.2.2", "drained");
    report(&daemon, "down");
    check(&daemon, "192.0.2.3", "reported down");
    daemon.files.write("zones/h.test.toml", &zone(at.port(), "192.0.2.4"));
    done(&daemon, "reload");
    check(&daemon, "192.0.2.4", "edited");
    report(&daemon, "up");
    check(&daemon, "127.0.2.2", "reported up, after an edit");
    done(&daemon, "lift one");
    check(&daemon, "127.0.2.1", "lifted");
    drop(first);
    daemon.wait("one/127.0.2.1 is down, was up");
    check(&daemon, "127.0.2.2", "found to be down");
    let _first = TcpListener::bind(at).unwrap();
    daemon.wait("one/127.0.2.1 is up, was down");
    check(&daemon, "127.0.2.1", "found to be up");
}
