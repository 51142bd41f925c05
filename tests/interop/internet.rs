//! A miniature internet of real servers, walked from the root down: the real root zone with a few delegations of our own, TLDs by Knot
//! and BIND, leaf zones by all three.

use super::lab::{Lab, Server, in_own_network, run};
use std::path::Path;
use std::process::{Command, Stdio};

const HINTS: &str = ". 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A 198.18.0.1\n";

const SOA: &str = "$TTL 3600\n@ SOA ns hostmaster 1 7200 3600 1209600 60\n";

/// The TLDs that are ours to serve.
const TLDS: &str = "com. 86400 NS a.nic.com.\na.nic.com. 86400 A 198.18.1.1\norg. 86400 NS a.nic.com.\n\
                    net. 86400 NS a.nic.net.\na.nic.net. 86400 A 198.18.1.2\na.nic.net. 86400 AAAA fd18::1:2\n";

/// The root zone: the newest real one where it is at hand, else a small one.
fn root() -> String {
    let apex = ". 86400 SOA a.root-servers.net. nstld.example. 1 1800 900 604800 86400\n. 86400 NS a.root-servers.net.\n\
                a.root-servers.net. 86400 A 198.18.0.1\n";
    let real =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/root-20260822-rrsigstripped.zone.gz");
    let others = if real.exists() {
        unpack(&real)
    } else {
        "de. 86400 NS a.nic.de.\na.nic.de. 86400 A 192.0.2.1\n".into()
    };
    // What is left of it are the delegations of all other TLDs, with glue and DS records.
    let ours = |owner: &str| {
        let owner = owner.to_ascii_lowercase();
        owner == "."
            || owner.ends_with("root-servers.net.")
            || ["com.", "org.", "net."].iter().any(|tld| owner == *tld)
    };
    let kept = others.lines().filter(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let rtype = words.iter().find(|word| ["NS", "A", "AAAA", "DS"].contains(word));
        rtype.is_some()
            && !line.contains("RRSIG")
            && !line.contains("NSEC")
            && !words.first().is_some_and(|owner| ours(owner))
    });
    format!("$ORIGIN .\n{apex}{TLDS}{}\n", kept.collect::<Vec<_>>().join("\n"))
}

fn unpack(path: &Path) -> String {
    let output = Command::new("gzip").arg("-dc").arg(path).stderr(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", path.display());
    String::from_utf8(output.stdout).unwrap()
}

/// The servers of the miniature internet.
struct Internet {
    _always: Vec<Server>,
    /// The two servers of example.com.
    leaves: [Server; 2],
}

fn internet(lab: &Lab) -> Internet {
    let com = format!(
        "{SOA}@ NS a.nic\na.nic A 198.18.1.1\nexample NS ns1.example\nexample NS ns2.example\nns1.example A 198.18.2.1\n\
         ns2.example A 198.18.2.2\nglueless NS ns1.example.net.\nsix NS ns.six\nns.six AAAA fd18::2:6\nlame NS ns1.example\n\
         dead NS ns.dead\nns.dead A 198.18.9.9\n"
    );
    let org = format!("{SOA}@ NS a.nic.com.\nexample NS ns1.example.net.\n");
    let net =
        format!("{SOA}@ NS a.nic\na.nic A 198.18.1.2\nexample NS ns1.example\nns1.example A 198.18.2.3\n");
    let many: String =
        (0..60).map(|i| format!("big TXT \"text number {i} of sixty, too much for a datagram\"\n")).collect();
    let example = format!(
        "{SOA}@ NS ns1\n@ NS ns2\nns1 A 198.18.2.1\nns2 A 198.18.2.2\nwww A 192.0.2.80\nwww AAAA 2001:db8::80\n@ MX 10 mail\n\
         mail A 192.0.2.25\nalias CNAME www.example.net.\nold DNAME example.net.\n*.wild TXT any\n{many}"
    );
    let example_net = format!("{SOA}@ NS ns1\nns1 A 198.18.2.3\nwww A 192.0.2.90\n");
    let simple = format!("{SOA}@ NS ns1.example.net.\nwww A 192.0.2.91\n");
    let six = format!("{SOA}@ NS ns\nns AAAA fd18::2:6\nwww A 192.0.2.96\n");
    let root = root();
    Internet {
        _always: vec![
            lab.nsd("198.18.0.1", &[(".", &root)]),
            lab.knot("198.18.1.1", &[("com", &com), ("org", &org)]),
            lab.bind("198.18.1.2", &[("net", &net)]),
            lab.bind(
                "198.18.2.3",
                &[("example.net", &example_net), ("glueless.com", &simple), ("example.org", &simple)],
            ),
            lab.nsd("fd18::2:6", &[("six.com", &six)]),
        ],
        leaves: [
            lab.knot("198.18.2.1", &[("example.com", &example)]),
            lab.nsd("198.18.2.2", &[("example.com", &example)]),
        ],
    }
}

/// What dig and kdig print for a question of our resolver: code and flags, then the answers.
fn check(program: &str, question: &str, status: &str, flags: &str, answers: &[&str]) {
    let once = if program == "dig" { "+tries=1" } else { "+retry=0" };
    let text = run(program, &format!("@198.18.0.9 {question} {once} +timeout=10"));
    // dig writes `status: NOERROR`, kdig `status: NOERROR;` and flags alike.
    assert!(text.contains(&format!("status: {status}")), "{program} {question}\n{text}");
    assert!(text.to_ascii_lowercase().contains(&format!("flags: {flags};")), "{program} {question}\n{text}");
    let lines = text.lines().skip_while(|line| !line.contains("ANSWER SECTION")).skip(1);
    let records = lines.take_while(|line| !line.is_empty());
    let mut got: Vec<String> = records
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            format!("{} {} {}", words[0], words[3], words[4..].join(" "))
        })
        .collect();
    got.sort();
    assert_eq!(got, answers, "{program} {question}\n{text}");
}

#[test]
fn dig_and_kdig_get_right_answers_from_the_root_down() {
    in_own_network("internet::dig_and_kdig_get_right_answers_from_the_root_down", |lab| {
        let _internet = internet(lab);
        let home = format!(
            "{SOA}@ NS ns\nns A 198.18.0.9\nwww A 192.0.2.1\nalias CNAME www.example.com.\nexample NS ns1.example.net.\n"
        );
        let _ours = lab.waymark("198.18.0.9", &[("home", &home)], Some(HINTS));
        for program in ["dig", "kdig"] {
            let check =
                |question, status, flags, answers: &[&str]| check(program, question, status, flags, answers);
            check("www.example.com A", "NOERROR", "qr rd ra", &["www.example.com. A 192.0.2.80"]);
            check(
                "www.example.com AAAA +tcp",
                "NOERROR",
                "qr rd ra",
                &["www.example.com. AAAA 2001:db8::80"],
            );
            check("example.com MX", "NOERROR", "qr rd ra", &["example.com. MX 10 mail.example.com."]);
            check("www.glueless.com A", "NOERROR", "qr rd ra", &["www.glueless.com. A 192.0.2.91"]);
            check("www.example.org A", "NOERROR", "qr rd ra", &["www.example.org. A 192.0.2.91"]);
            check("www.six.com A", "NOERROR", "qr rd ra", &["www.six.com. A 192.0.2.96"]);
            check("x.y.wild.example.com TXT", "NOERROR", "qr rd ra", &["x.y.wild.example.com. TXT \"any\""]);
            check(
                "alias.example.com A",
                "NOERROR",
                "qr rd ra",
                &["alias.example.com. CNAME www.example.net.", "www.example.net. A 192.0.2.90"],
            );
            check(
                "www.old.example.com A",
                "NOERROR",
                "qr rd ra",
                &[
                    "old.example.com. DNAME example.net.",
                    "www.example.net. A 192.0.2.90",
                    "www.old.example.com. CNAME www.example.net.",
                ],
            );
            check("nothing.example.com A", "NXDOMAIN", "qr rd ra", &[]);
            check("www.example.com MX", "NOERROR", "qr rd ra", &[]);
            check("no-such-tld. A", "NXDOMAIN", "qr rd ra", &[]);
            // Own zones first, and chains from them into the world.
            check("www.home A", "NOERROR", "qr aa rd ra", &["www.home. A 192.0.2.1"]);
            check("www.home A +norecurse", "NOERROR", "qr aa ra", &["www.home. A 192.0.2.1"]);
            check(
                "alias.home A",
                "NOERROR",
                "qr aa rd ra",
                &["alias.home. CNAME www.example.com.", "www.example.com. A 192.0.2.80"],
            );
            // Nobody serves these, and it is said who does not.
            check("www.lame.com A", "SERVFAIL", "qr rd ra", &[]);
            check("www.example.com A +norecurse", "REFUSED", "qr ra", &[]);
        }
        // kdig folds the case of what it asks.
        check("dig", "WwW.eXample.net A", "NOERROR", "qr rd ra", &["WwW.eXample.net. A 192.0.2.90"]);
        let big = run("dig", "@198.18.0.9 big.example.com TXT +short");
        assert_eq!(big.lines().count(), 60, "truncated over UDP both ways, whole over TCP");
        let why = run("dig", "@198.18.0.9 www.lame.com A");
        assert!(why.contains("EDE: ") && why.contains("198.18.2.1"), "{why}");
    });
}

#[test]
fn one_of_two_servers_is_enough_whichever_dies() {
    in_own_network("internet::one_of_two_servers_is_enough_whichever_dies", |lab| {
        let Internet { _always, leaves: [one, two] } = internet(lab);
        let _ours = lab.waymark("198.18.0.9", &[], Some(HINTS));
        check("dig", "www.example.com A", "NOERROR", "qr rd ra", &["www.example.com. A 192.0.2.80"]);
        let mut remaining = two;
        drop(one);
        for i in 0..20 {
            let (question, answer) =
                (format!("n{i}.wild.example.com TXT"), format!("n{i}.wild.example.com. TXT \"any\""));
            check("dig", &question, "NOERROR", "qr rd ra", &[&answer]);
        }
        remaining.kill();
        check("dig", "late.wild.example.com TXT", "SERVFAIL", "qr rd ra", &[]);
        // What is cached is still there.
        check("dig", "www.example.com A", "NOERROR", "qr rd ra", &["www.example.com. A 192.0.2.80"]);
    });
}
