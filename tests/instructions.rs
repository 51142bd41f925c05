//! Instructions that an authoritative answer takes, counted by callgrind: this program runs itself under it with few answers and with
//! many; the difference is theirs alone. The bounds are for the profile of tests; `benches/answer.rs` gives the figures of a release.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use waymark::answer::{self, Outcome, Request, Transport, View, Worker};
use waymark::clock::Instant;
use waymark::config::Diagnostics;
use waymark::wire::{Class, Flags, NameBuf, Rcode, Rtype, Writer};
use waymark::zone::{Held, ZoneSet, master};

/// How many answers the program that is counted gives.
const ANSWERS: &str = "WAYMARK_ANSWERS";
const NAMES: usize = 1_000;

/// Answers so many questions: of any four, two have addresses, one does not exist, one is an alias.
fn give(answers: usize) {
    let apex: NameBuf = "example.test.".parse().unwrap();
    let text = format!(
        "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n\
         $GENERATE 0-{0} h$ A 192.0.2.1\n$GENERATE 0-{0} c$ CNAME h$\n",
        NAMES - 1
    );
    let zone = master::parse(&text, Path::new("t.zone"), apex.as_name(), &mut Diagnostics::default());
    let held = Held { apex: apex.as_name().to_owned(), state: Ok(Arc::new(zone.unwrap())), policy: None };
    let view =
        View { zones: ZoneSet::new(vec![held]), steering: Vec::new(), recursion: None, ..View::default() };
    let queries: Vec<(Vec<u8>, Rcode)> = (0..NAMES)
        .map(|i| match i % 4 {
            0 => (query(&format!("c{i}.example.test.")), Rcode::NOERROR),
            1 => (query(&format!("nx{i}.example.test.")), Rcode::NXDOMAIN),
            _ => (query(&format!("h{i}.example.test.")), Rcode::NOERROR),
        })
        .collect();
    let client: SocketAddr = ([192, 0, 2, 1], 4000).into();
    let (mut worker, mut out) = (Worker::default(), vec![0; 1_232]);
    for (message, rcode) in queries.iter().cycle().take(answers) {
        let request =
            Request { message, client, listener: 0, transport: Transport::Udp, now: Instant::from_secs(1) };
        match answer::answer(&view, &mut worker, &request, None, &mut out) {
            Outcome::Reply(meta) => assert_eq!(meta.rcode, *rcode),
            outcome => panic!("{outcome:?}"),
        }
    }
}

fn query(name: &str) -> Vec<u8> {
    let mut message = vec![0; 512];
    let mut writer = Writer::new(&mut message, 512, 1, Flags::default());
    let name: NameBuf = name.parse().unwrap();
    writer.question(name.as_name(), Rtype::A, Class::IN).unwrap();
    let len = writer.finish();
    message.truncate(len);
    message
}

/// Instructions of the whole program when it gives so many answers.
fn instructions(answers: usize) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap());
    valgrind.args(["an_authoritative_answer_takes_few_instructions", "--exact"]);
    let output = valgrind.env(ANSWERS, answers.to_string()).output().expect("tests/run installs it");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    let collected = told.lines().find_map(|line| line.split_once("Collected : ")).expect("a count").1;
    collected.trim().parse().unwrap()
}

#[test]
fn an_authoritative_answer_takes_few_instructions() {
    if let Ok(answers) = std::env::var(ANSWERS) {
        return give(answers.parse().unwrap());
    }
    // 5,600 when this was written.
    let (few, many) = (4 * NAMES, 12 * NAMES);
    let each = (instructions(many) - instructions(few)) / (many - few) as u64;
    assert!((1_000..=6_500).contains(&each), "{each} instructions for an answer");
}
