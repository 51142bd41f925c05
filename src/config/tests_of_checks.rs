//! `[check.X]`, and what pools say of checks: every slip is told with the cure.

use super::check::without_port;
use super::tests::{check_config, check_zone, zone};
use super::*;
use std::time::Duration;

/// A zone whose pool has the check c; what is said of it.
fn with_check(check: &str) -> String {
    format!(
        "records.w = {{ pool = \"p\" }}\npool.p = {{ members = [\"192.0.2.1\"], check = \"c\" }}\n[check.c]\n{check}\n"
    )
}

fn told(check: &str, wanted: &[&str]) {
    check_zone(&with_check(check), wanted);
}

/// The check as it is meant, which is good.
fn made(check: &str) -> Arc<Check> {
    let (zone, diagnostics) = zone(&with_check(check), true);
    assert!(diagnostics.list.is_empty(), "{}", diagnostics.render(false));
    match &zone.checks[0].kind {
        CheckKind::Made(made) => Arc::clone(made),
        CheckKind::Calculated(_) => panic!("{check} is made"),
    }
}

#[test]
fn each_kind_of_check_is_read() {
    for good in [
        "http = \"http://{address}\"",
        "http = \"https://{address}:8443/a?b=c\"\nhost = \"w.example\"\nmethod = \"HEAD\"\nhttp2 = true\nverify = false\nexpect = { status = [\"200-299\", 404, \"301\"], body = \"ok\", cert_valid_for = \"7d\" }",
        "tcp = \"{address}:25\"\nsend = \"a\"\nexpect.text = \"220\"",
        "tcp = \"{address}:993\"\ntls = true\nsni = \"mail.example\"",
        "dns = \"{address}\"\nquery = \"example.com SOA\"",
        "dns = \"{address}:5353\"\nquery = \"example.com A\"\nexpect = { rcode = \"NOERROR\", answer = \"192.0.2.1\" }",
        "grpc = \"{address}:50051\"\nservice = \"web\"\ntls = true\nhost = \"g.example\"",
        "ping = \"{address}\"",
        "ping = true",
        "http = \"http://{address}?a=1\"",
        "push = { token = \"0123456789abcdef\", ttl = \"30s\" }",
    ] {
        made(good);
    }
    let Probe::Http(http) = &made("http = \"https://{address}\"").probe else { panic!("it is http") };
    let (port, path, status) = (http.port, http.path.as_str(), http.status.as_slice());
    assert_eq!((port, path, status, http.method.as_str()), (443, "/", &[200..=299][..], "GET"));
    assert!(http.tls.as_ref().is_some_and(|tls| tls.verify && tls.name.is_none()));
}

#[test]
fn the_pace_is_as_written_or_follows_from_the_promise() {
    let pace = |text: &str| made(&format!("ping = \"{{address}}\"\n{text}")).pace;
    assert_eq!(pace(""), Pace::default());
    let written = pace("interval = \"5s\"\ntimeout = \"500ms\"\nrise = 1\nfall = 4");
    let wanted = (Duration::from_secs(5), Duration::from_millis(500), 1, 4);
    assert_eq!((written.interval, written.timeout, written.rise, written.fall), wanted);
    assert_eq!(pace("interval = \"2s\"").timeout, Duration::from_secs(1), "at most half of the interval");
    assert_eq!(pace("failover_within = \"30s\""), Pace::of_failover(Duration::from_secs(30)));
    let promise = "ping = \"{address}\"\nfailover_within = \"30s\"";
    assert_eq!(zone(&with_check(promise), true).0.steered[0].ttl, (10, 20));
    let own = with_check(promise).replace("\"p\" }\n", "\"p\", ttl = \"10s..60s\" }\n");
    check_zone(
        &own,
        &[
            "the TTL of w.example.com. breaks the promise of check c: failover within 30 s; at most \"10s..20s\" keeps it",
        ],
    );
}

#[test]
fn what_is_wrong_with_a_check_is_told() {
    let ping = |more: &str| format!("ping = \"{{address}}\"\n{more}");
    for (check, wanted) in [
        ("interval = \"5s\"", "check c does not say what it does, or says it twice; write one of http, tcp"),
        (
            "ping = \"{address}\"\ntcp = \"{address}:1\"",
            "check c does not say what it does, or says it twice",
        ),
        ("http = \"{address}\"", "expected a URL, as in"),
        ("http = \"http://192.0.2.1/\"", "\"192.0.2.1\" does not say where to ask; {address} stands for"),
        ("http = \"http://{address}:0/\"", "does not say where to ask; write it as {address}:PORT"),
        ("tcp = \"{address}\"", "does not say where to ask; write it as {address}:PORT"),
        (
            "grpc = \"http://{address}:50051\"",
            "does not say where to ask; it is not a URL: {address}:PORT, and tls = true",
        ),
        ("http = \"http://{address}\"\nexpect.status = \"2xx\"", "expected a status or a range of them"),
        (
            "http = \"http://{address}\"\nexpect.stats = 200",
            "unknown key \"stats\" in expect; did you mean \"status\"?",
        ),
        ("http = \"http://{address}\"\nsni = \"a\"", "sni goes with TLS, which this check does not use"),
        ("http = \"https://{address}\"\nca = \"/no/such\"", "/no/such: No such file"),
        ("dns = \"{address}\"", "a dns check needs a question"),
        ("dns = \"{address}\"\nquery = \"a A\"\nexpect.answer = \"x\"", "\"x\" is not A data"),
        ("push = { token = \"short\" }", "expected a secret of 16 to 256 characters"),
        ("push = {}", "reports need a secret"),
        ("push = { token = \"0123456789abcdef\", ttl = \"0s\" }", "a report that holds for no time"),
        ("http = \"https://{address}\"\nsni = \"a b\"", "expected the name in a certificate"),
        ("http = \"http://{address}\"\nhost = \"http://a\"", "expected a host, perhaps with a port"),
        ("grpc = \"{address}:1\"\nhost = \"me@a\"", "expected a host, perhaps with a port"),
        ("command = [\"check\"]", "is not the absolute path of a program"),
        (
            "command = [\"/usr/bin/check\"]",
            "check c may not run /usr/bin/check; name its directory in the daemon's config",
        ),
        ("any = []", "it needs at least one check"),
        ("at_least = 2\nof = [\"c\"]", "2 of 1 can never hold"),
        ("any = [\"d\"]", "there is no check named \"d\""),
        ("any = [\"!c\"]", "check c goes round in a circle"),
        ("all = [\"c@here\"]", "what stands after @ is not an address"),
        ("any = [\"a\", \"a\"]\n[check.a]\nall = [\"c\", \"c\", \"a\"]", "check c goes round in a circle"),
        (
            &format!(
                "any = [{}]\n[check.a]\nall = [{}]\n[check.b]\nping = \"{{address}}\"",
                "\"a\",".repeat(99),
                "\"b\",".repeat(99)
            ),
            "or is too large",
        ),
        (&ping("timeout = \"10s\""), "a timeout must be shorter than the interval; the interval is 10 s"),
        (&ping("interval = \"0s\""), "an interval is a second to an hour"),
        (&ping("failover_within = \"5s\""), "expected 10 seconds to an hour"),
        (
            &ping("failover_within = \"30s\"\nfall = 2"),
            "fall follows from failover_within: remove one of the two",
        ),
        (&ping("host = \"a\""), "unknown key \"host\" in [check.c]"),
    ] {
        let (_, diagnostics) = zone(&with_check(check), true);
        let shown = diagnostics
            .list
            .iter()
            .map(|told| format!("{}; {}", told.message, told.help.as_deref().unwrap_or_default()));
        let shown: Vec<String> = shown.collect();
        assert!(shown.iter().any(|line| line.contains(wanted)), "of {check}\n{shown:#?}\nis not {wanted:?}");
    }
    told("ping = \"{address}\"", &[]);
}

#[test]
fn checks_of_the_config_stand_on_their_own() {
    check_config("check.a.any = [\"b\"]", &["there is no check named \"b\""]);
    check_config("check.a.any = [\"a\"]", &["check a goes round in a circle"]);
    check_config("check.a.command = \"/bin/true\"\nhealth.commands = \"/bin\"", &[]);
    check_config(
        "check.a.command = \"/bin/../x/true\"\nhealth.commands = \"/bin\"",
        &["check a may not run"],
    );
    check_config("health.webhook = \"ftp://a\"", &["expected a URL"]);
    check_config("health.webhook = \"https://me:secret@a\"", &["expected a URL"]);
    check_config("health.webhook = \"https://a:8443/b?c\"", &[]);
    check_config("health.commands = \"bin\"", &["expected the absolute path of a directory"]);
}

#[test]
fn what_pools_say_of_checks_is_read() {
    let pool = |pool: &str| {
        format!(
            "records.w = {{ pool = \"p\" }}\ncheck.c.ping = \"{{address}}\"\ncheck.r.push.token = \"0123456789abcdef\"\n[pool.p]\n{pool}"
        )
    };
    let (good, diagnostics) = zone(
        &pool(
            "check = [\"c\", \"r\"]\nshed = { load = \"r\", low = 0.5, high = 1 }\nmembers = [{ address = \"192.0.2.1\", probe = \"[::1]:80\" }, { address = \"192.0.2.2\", probe = \"10.0.0.1\" }]",
        ),
        true,
    );
    assert!(diagnostics.list.is_empty(), "{}", diagnostics.render(false));
    let PoolKind::Members { members, .. } = &good.pools[0].kind else { panic!("it has members") };
    let probes: Vec<_> = members.iter().map(|member| member.probe.unwrap()).collect();
    assert_eq!((probes[0].port, probes[1].port), (Some(80), None));
    let members = "members = [\"192.0.2.1\"]\ncheck = [\"c\", \"r\"]\n";
    for (more, wanted) in [
        ("shed = { load = \"c\", low = 0, high = 1 }", "check c carries no load"),
        ("shed = { load = \"r\", low = 2, high = 1 }", "shed needs a push check and two marks"),
        ("shed = { load = \"x\", low = 0, high = 1 }", "there is no check named \"x\""),
    ] {
        let (_, diagnostics) = zone(&pool(&format!("{members}{more}")), true);
        assert!(diagnostics.list.iter().any(|told| told.message.contains(wanted)), "{more}: {wanted}");
    }
}

#[test]
fn a_pace_goes_with_checks_that_ask() {
    for key in ["failover_within = \"30s\"", "interval = \"5s\"", "timeout = \"1s\"", "rise = 2", "fall = 2"]
    {
        let push = format!("push = {{ token = \"0123456789abcdef\", ttl = \"10m\" }}\n{key}");
        let name = key.split(' ').next().unwrap();
        told(&push, &[&format!("error 5: {name} goes with checks that ask: these endpoints report")]);
        let formula = format!("all = [\"d\"]\n{key}\n[check.d]\nping = true");
        told(&formula, &[&format!("error 5: {name} goes with checks that ask: this one follows")]);
    }
    told("ping = false", &["expected true or \"{address}\""]);
}

#[test]
fn a_promise_is_kept_through_a_formula() {
    let formula = "any = [\"all\", \"plain\"]\n[check.all]\nall = [\"fast\", \"!slow\"]\n[check.plain]\nping = true\n\
                   [check.fast]\nping = true\nfailover_within = \"30s\"\n[check.slow]\ntcp = \"{address}:1\"\nfailover_within = \"5m\"";
    assert_eq!(zone(&with_check(formula), true).0.steered[0].ttl, (10, 20));
}

#[test]
fn authorities_must_be_certificates() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let check = |text: &str, why: &str| {
        std::fs::write(file.path(), text).unwrap();
        told(&format!("tcp = \"{{address}}:1\"\ntls = true\nca = {:?}", file.path()), &[why]);
    };
    check("", "there is no certificate in it");
    let armoured = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    check(&armoured("!"), "error 6");
    // PEM, but of no certificate.
    check(&armoured("AAAA"), "error 6");
    told("tcp = \"{address}:1\"\ntls = true\nca = \"/dev/zero\"", &["/dev/zero: not a regular file"]);
}

#[test]
fn promises_of_what_is_too_large_are_found_in_no_time() {
    let each = |i: usize| format!("[check.c{i}]\nany = [{}]\n", format!("\"c{}\",", i + 1).repeat(100));
    let checks: String = (0..7).map(each).collect();
    let formula = format!("any = [\"c0\"]\n{checks}[check.c7]\nping = true\nfailover_within = \"30s\"");
    let (zone, diagnostics) = zone(&with_check(&formula), true);
    assert!(diagnostics.render(false).contains("is too large"));
    assert_eq!(zone.steered[0].ttl, (10, 20));
}

#[test]
fn the_name_of_a_host_is_what_stands_before_its_port() {
    for (host, name) in [
        ("g.example", "g.example"),
        ("g.example:50051", "g.example"),
        ("192.0.2.1:443", "192.0.2.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
    ] {
        assert_eq!(without_port(host), name, "{host}");
    }
}
