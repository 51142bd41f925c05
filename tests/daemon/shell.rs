//! `waymark check` and `waymark demo`, and what the project ships.

use crate::daemon::{Daemon, Ended, Files, LISTEN, Lines, Process, client, fold, waymark};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[test]
fn check_says_all_that_is_wrong_with_its_place_and_by_its_exit_code() {
    let files = Files::new(LISTEN, "");
    let good = files.run("check", &[]);
    assert_eq!((good.code, &*good.stderr), (Some(0), ""));
    assert!(good.stdout.contains("the config and 1 zone are good, 5 records"), "{}", good.stdout);
    files.write("zones/b.test.toml", "[records]\nwww = { A = \"nonsense\" }\nodd = { pool = \"webb\" }\n");
    files.write("zones/c.test.zone", "@ SOA ns h 1 2 3 4 5\n@ NS ns\nx A 192.0.2.256\n");
    let bad = files.run("check", &[]);
    assert_eq!(bad.code, Some(1));
    let at = |place: &str| bad.stderr.contains(place);
    assert!(at("b.test.toml:2:14") && at("b.test.toml:3:16") && at("c.test.zone:3:"), "{}", bad.stderr);
    assert!(bad.stderr.matches("^^^").count() >= 3, "{}", bad.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let files = Files::new(LISTEN, "");
    files.write("zones/b.test.toml", "nonsense = 1\n");
    for (command, code) in [("check", 1), ("ctl", 2)] {
        let arguments: &[&str] = if command == "ctl" { &["status"] } else { &[] };
        let mut process = files.waymark(command, arguments);
        let mut process = Process::new(process.stdout(Stdio::piped()).stderr(Stdio::piped()));
        drop((process.child().stdout.take(), process.child().stderr.take()));
        assert_eq!(process.exit_code(), Some(code), "{command}");
    }
    let mut demo = Process::new(waymark("demo").args(["--port", "0"]).stdout(Stdio::piped()));
    drop(demo.child().stdout.take());
    assert_eq!(demo.exit_code(), Some(0));
}

#[test]
fn help_names_the_exit_codes() {
    for command in ["serve", "check", "ctl", "demo"] {
        let ended = Ended::of(waymark(command).arg("--help").output().unwrap());
        assert_eq!(ended.code, Some(0));
        assert!(fold(&ended.stdout).replace('\n', " ").contains("Exits with 0"), "{}", ended.stdout);
    }
}

#[test]
fn each_line_that_the_demo_prints_is_answered_as_it_says() {
    let mut demo = Process::new(waymark("demo").args(["--port", "0"]).stdout(Stdio::piped()));
    let lines = Lines::of(demo.child().stdout.take().unwrap());
    let mut tries = Vec::new();
    loop {
        let line = lines.next().expect("the demo runs");
        match line.trim() {
            "Ctrl-C stops it." => break,
            dig if dig.starts_with("dig ") => tries.push(dig.to_owned()),
            _ => (),
        }
    }
    const VALIDATED: &str = "flags: qr rd ra ad;";
    const PLAIN: &str = "flags: qr rd ra;";
    let expected: [(&str, &[&str]); 9] = [
        ("+dnssec www.host.lab A", &["192.0.2.15", "IN RRSIG A 13 ", VALIDATED]),
        ("blog.demo TXT", &["its name server stands in another TLD", VALIDATED]),
        ("help.shop.demo A", &["CNAME www.host.lab.", PLAIN]),
        (
            "x.preview.host.lab TXT",
            &["any name below preview", "*.preview.host.lab. 300 IN NSEC ", VALIDATED],
        ),
        ("nothing.demo A", &["status: NXDOMAIN", "IN NSEC3 1 0 0 - ", VALIDATED]),
        ("www.bogus.demo A", &["status: SERVFAIL", "EDE: 7 (Signature Expired)", PLAIN]),
        ("+cdflag www.bogus.demo A", &["192.0.2.66"]),
        ("www.shop.demo A", &["192.0.2."]),
        ("near.shop.demo A", &["203.0.113.1"]),
    ];
    assert_eq!(tries.len(), expected.len(), "{tries:?}");
    for (question, answers) in expected {
        let line = tries.iter().find(|line| line.contains(&format!(" {question}"))).expect(question);
        let dig = || {
            let output = Command::new("dig").args(line.split_whitespace().skip(1)).output().unwrap();
            fold(&String::from_utf8(output.stdout).unwrap())
        };
        let out = dig();
        for answer in answers {
            assert!(out.contains(answer), "{line}: no {answer:?} in {out}");
        }
        if question == "www.shop.demo A" {
            let again = [out, dig(), dig(), dig()];
            let of =
                |address: &str| again.iter().filter(|out| out.contains(&format!("IN A {address}\n"))).count();
            assert_eq!((of("192.0.2.1"), of("192.0.2.2")), (3, 1), "{again:?}");
        }
    }
    demo.signal("TERM");
    assert_eq!(demo.exit_code(), Some(0));
}

/// A daemon with the zones that the project ships.
fn shipped() -> Daemon {
    let files = Files::new(LISTEN, "enabled = false");
    fs::remove_dir_all(files.path("zones")).unwrap();
    std::os::unix::fs::symlink(root().join("zones"), files.path("zones")).unwrap();
    files.start()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn the_configs_and_zones_of_the_project_are_good() {
    for config in fs::read_dir(root().join("config")).unwrap() {
        let path = config.unwrap().path();
        let ended = Ended::of(waymark("check").arg("--config").arg(&path).output().unwrap());
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{}", path.display());
    }
    let daemon = shipped();
    assert!(!daemon.has_logged("WARN") && !daemon.has_logged("ERROR"), "{:#?}", daemon.logged);
}

/// Questions of the shipped zones as dig takes them, and the lines of its answer section, sorted.
const ANSWERS: &[(&str, &[&str])] = &[
    (
        "example.com NS",
        &["example.com. 3600 IN NS ns1.example.com.", "example.com. 3600 IN NS ns2.example.net."],
    ),
    ("example.com CAA", &["example.com. 3600 IN CAA 0 issue \"letsencrypt.org\""]),
    ("x.dev.example.com A", &["x.dev.example.com. 300 IN A 192.0.2.81"]),
    (
        "blog.example.com A",
        &[
            "blog.example.com. 3600 IN CNAME hosting.example.net.",
            "hosting.example.net. 3600 IN A 192.0.2.91",
        ],
    ),
    ("svc.example.com HTTPS", &["svc.example.com. 3600 IN HTTPS 1 . alpn=\"h2,h3\" port=8443"]),
    ("odd.example.com TYPE65400", &["odd.example.com. 60 IN TYPE65400 \\# 4 C0000201"]),
    ("www.example.com AAAA", &["www.example.com. 60 IN AAAA 2001:db8::10"]),
    (
        "api.example.com A +subnet=10.1.2.3/32",
        &["api.example.com. 60 IN A 203.0.113.1", "api.example.com. 60 IN A 203.0.113.2"],
    ),
    (
        "child.example.com DS",
        &[
            "child.example.com. 3600 IN DS 2371 13 2 4104805B43928FD573F0704A2C1B5A10BAB2878DE26B8535DDE77517 C154CE9F",
        ],
    ),
    ("x.child.example.com A", &[]),
    ("hosting.example.net A", &["hosting.example.net. 3600 IN A 192.0.2.91"]),
    ("near.example.net A +subnet=203.0.113.77/32", &["near.example.net. 60 IN A 203.0.113.10"]),
    ("example.org MX", &["example.org. 3600 IN MX 10 mail.example.org."]),
    (
        "ftp.example.org A",
        &["ftp.example.org. 3600 IN CNAME www.example.org.", "www.example.org. 3600 IN A 192.0.2.80"],
    ),
    (
        "ns1.old.example.org A",
        &[
            "ns1.example.com. 3600 IN A 192.0.2.53",
            "ns1.old.example.org. 3600 IN CNAME ns1.example.com.",
            "old.example.org. 3600 IN DNAME example.com.",
        ],
    ),
    ("a.b.wild.example.org TXT", &["a.b.wild.example.org. 3600 IN TXT \"any name below wild\""]),
    ("host-5.example.org A", &["host-5.example.org. 3600 IN A 192.0.2.5"]),
    ("host-6.example.org A", &[]),
];

#[test]
fn every_zone_of_the_project_answers_as_its_file_says() {
    let daemon = shipped();
    for (question, answer) in ANSWERS {
        let out = client("dig", daemon.address(), &format!("+norecurse +noall +answer {question}"));
        let mut lines: Vec<&str> = out.lines().filter(|line| !line.is_empty()).collect();
        lines.sort();
        assert_eq!(lines, *answer, "{question}");
    }
    let zones = fs::read_dir(root().join("zones")).unwrap().map(|entry| entry.unwrap().path());
    let zones: BTreeSet<String> = zones
        .filter(|path| path.is_file())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let asked = |zone: &String| ANSWERS.iter().any(|(question, _)| question.contains(&**zone));
    assert!(zones.iter().all(asked), "{zones:?}");
}

/// The indented blocks of the README below a paragraph that starts so.
fn readme(paragraph: &str) -> String {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = text.split_once(&format!("\n{paragraph}")).expect(paragraph);
    let (_, block) = rest.split_once("\n\n    ").unwrap();
    let lines = format!("    {block}").lines().map(str::to_owned).collect::<Vec<_>>();
    let block = lines.iter().take_while(|line| line.is_empty() || line.starts_with("    "));
    block.map(|line| line.trim_start_matches("    ").to_owned() + "\n").collect()
}

#[test]
fn the_zones_of_the_readme_are_good_and_answer() {
    let files = Files::new(LISTEN, "enabled = false");
    let steered = readme("**Steer a name.**");
    assert!(steered.contains("[[test]]") && steered.contains("[network.office]"), "{steered}");
    files.write("zones/example.com.toml", &readme("**Write a zone.**"));
    files.write(
        "zones/example.net.toml",
        &steered.replace("[records]\n", "[records]\n\"@\" = { NS = \"ns1.example.com.\" }\n"),
    );
    let checked = files.run("check", &[]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert_eq!(checked.stderr.matches("warning: ").count(), 1, "{}", checked.stderr);
    assert!(checked.stderr.contains("set geo.database"), "{}", checked.stderr);
    let daemon = files.start();
    for (question, answer) in [
        ("mail.example.com A", "mail.example.com. 300 IN A 192.0.2.25"),
        ("x.dev.example.com A", "x.dev.example.com. 3600 IN A 192.0.2.80"),
        ("www.example.net AAAA", "www.example.net. 60 IN AAAA 2001:db8::10"),
        ("api.example.net A +subnet=192.0.2.129/32", "api.example.net. 60 IN A 203.0.113."),
    ] {
        let out = client("dig", daemon.address(), &format!("+norecurse +noall +answer {question}"));
        assert!(out.contains(answer), "{question}: {out}");
    }
}

#[test]
fn the_defaults_of_the_readme_are_values_of_their_keys() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, table) = text.split_once("| key | default | meaning |\n|---|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|')).map(|line| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        (cells.next().unwrap().trim_matches('`'), cells.next().unwrap())
    });
    let written: Vec<String> = rows
        .filter(|(_, default)| default.starts_with(['`', '0', '5', 't']))
        .map(|(key, default)| format!("{key} = {}\n", default.trim_matches('`')))
        .collect();
    assert!(written.len() >= 14, "{written:#?}");
    let files = Files::new(LISTEN, "");
    files.write("waymark.toml", &written.concat());
    let checked = files.run("check", &[]);
    assert_eq!((checked.code, &*checked.stderr), (Some(0), ""), "{written:#?}");
}
