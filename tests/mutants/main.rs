//! Ten thousand signed trees, each changed in one way, and what a resolver says of it: what Unbound, BIND,
//! Knot Resolver and PowerDNS Recursor agree on. Their verdicts are recorded in `verdicts.txt`, and a sample
//! of them is asked for again each time; all of them are where `WAYMARK_LONG` is set, and recorded anew where
//! `WAYMARK_RECORD` is set too.

#![allow(clippy::unwrap_used)]

mod catalogue;
mod denial;
mod edit;
mod entry;
mod internet;
#[allow(dead_code)]
#[path = "../interop/lab.rs"]
mod lab;
mod message;
mod ours;
mod peers;
mod reasons;
mod record;
#[allow(dead_code)]
#[path = "../sim/text.rs"]
mod text;
mod tree;
mod whole;

use catalogue::{Kind, Mutant, kinds, mutants};
use internet::Internet;
use ours::{Ours, Said};
use record::{Standing, Verdicts};
use std::process::Command;
use std::thread;
use waymark::clock;

const RECORD: &str = include_str!("verdicts.txt");

/// Every mutant that is asked of the peers where there is no time for all: a prime.
const SAMPLE: usize = 97;

/// One of so many may be another: keys that are not of Ed25519 are other ones each time, and a verdict may hang
/// on what their octets happen to be.
const UNSTEADY: usize = 2_000;

/// How often they are asked, started anew, until all say what is recorded.
const ATTEMPTS: usize = 4;

/// What we say to the questions of these.
fn ours(internet: &Internet<'_>, mutants: &[Mutant<'_>]) -> Vec<Said> {
    let ask = |mutant: &Mutant<'_>| {
        let said = Ours::new(internet).ask(internet, &mutant.question(), mutant.kind.scenario.rtype);
        internet.forget(mutant.id);
        said
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let parts = mutants.chunks(mutants.len().div_ceil(threads));
        let asking: Vec<_> =
            parts.map(|part| scope.spawn(move || part.iter().map(ask).collect::<Vec<Said>>())).collect();
        asking.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn tell(what: &str, list: &[String]) {
    list.iter().for_each(|line| println!("{what}: {line}"));
    assert!(list.is_empty(), "{} {what}", list.len());
}

#[test]
fn verdicts_are_those_that_the_peers_agree_on() {
    let kinds = kinds();
    let internet = Internet::new(mutants(&kinds), 1_800_000_000);
    let recorded = record::read(RECORD, internet.mutants());
    let said = ours(&internet, internet.mutants());
    let (mut wrong, mut standings) = (Vec::new(), Vec::new());
    for ((mutant, recorded), said) in internet.mutants().iter().zip(&recorded).zip(&said) {
        let now = char::from(said.verdict);
        let Some(recorded) = recorded else {
            wrong.push(format!("{now} is not in the record: {}", mutant.describe()));
            continue;
        };
        let standing = record::standing(mutant, recorded);
        if said.verdict != recorded[4] || standing == Standing::Wrong {
            let then = String::from_utf8_lossy(recorded);
            wrong.push(format!("{now}, recorded {then}: {} {}", mutant.describe(), said.why));
        }
        standings.push(standing);
    }
    tell("wrong", &wrong);
    assert!(standings.len() >= catalogue::MUTANTS);
    let count = |sought: Standing| standings.iter().filter(|standing| **standing == sought).count();
    let (equal, undecided) = (count(Standing::Equal), count(Standing::Undecided));
    println!("{} mutants, {equal} equal, {undecided} undecided", standings.len());
    // What the peers disagree on shows nothing: most must be what they agree on.
    assert!(equal > 9_400 && undecided < 500);
    for why in reasons::all() {
        println!("{} differ: {why}", count(Standing::Excused(why)));
        assert!(count(Standing::Excused(why)) > 0, "nothing differs because {why}");
    }
}

#[test]
fn unbound_bind_and_others_say_what_is_recorded() {
    lab::in_own_network("unbound_bind_and_others_say_what_is_recorded", |lab| {
        let set = |name| std::env::var_os(name).is_some();
        let kinds: &'static [Kind] = kinds().leak();
        let internet = Internet::new(mutants(kinds), clock::unix_secs() as u32);
        let internet: &'static Internet<'static> = Box::leak(Box::new(internet));
        let mutants = internet.mutants();
        let step = if set("WAYMARK_LONG") { 1 } else { SAMPLE };
        let ids: Vec<usize> = (0..mutants.len()).step_by(step).collect();
        peers::serve(internet);
        if set("WAYMARK_RECORD") && step == 1 {
            return write(internet, &peers::verdicts(lab, internet, &ids));
        }
        let recorded = record::read(RECORD, mutants);
        let most = ids.len() / UNSTEADY;
        let (mut left, mut changed) = (ids, Vec::new());
        // What hangs on which of two answers comes first is not the same each time.
        for _ in 0..ATTEMPTS {
            let theirs = peers::verdicts(lab, internet, &left);
            changed = left.iter().copied().zip(theirs).collect();
            changed.retain(|(id, said)| recorded[*id].is_none_or(|recorded| differ(said, &recorded)));
            left = changed.iter().map(|(id, _)| *id).collect();
            if left.is_empty() {
                break;
            }
        }
        let changed = changed.iter().map(|(id, said)| {
            let then = recorded[*id].unwrap_or([b' '; 5]);
            let [now, then] = [said, &then[..4]].map(String::from_utf8_lossy);
            format!("{now} and not {then}: {}", mutants[*id].describe())
        });
        let changed: Vec<String> = changed.collect();
        changed.iter().for_each(|line| println!("changed: {line}"));
        assert!(changed.len() <= most, "{} changed", changed.len());
    });
}

/// Whether peers say something else than is recorded. That one had no time to answer is no verdict.
fn differ(said: &[u8; 4], recorded: &Verdicts) -> bool {
    said.iter().zip(recorded).any(|(now, then)| now != then && *now != b'-' && *then != b'-')
}

/// Records what was said, ours too.
fn write(internet: &Internet<'_>, theirs: &[[u8; 4]]) {
    let version = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let line = String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned();
        // That one begins with the time.
        let line = line.find("PowerDNS").map_or(&*line, |at| &line[at..]);
        format!("#   {program}: {line}\n")
    };
    let head = format!(
        "# Verdicts of {}, and ours, a letter each, or one if all are the same:\n\
         # A has answers, C an alias that leads to nothing, N has none, X: no such name; small letters: not\n\
         # authentic; F: SERVFAIL; a dash: no answer. Written by tests/mutants.\n{}{}{}{}",
        peers::NAMES.join(", "),
        version("unbound", "-V"),
        version("named", "-V"),
        version("kresd", "--version"),
        version("pdns_recursor", "--version"),
    );
    let said = ours(internet, internet.mutants());
    let five = theirs.iter().zip(&said).map(|([a, b, c, d], said)| [*a, *b, *c, *d, said.verdict]);
    let verdicts: Vec<Verdicts> = five.collect();
    let text = record::write(&head, internet.mutants(), &verdicts);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mutants/verdicts.txt");
    std::fs::write(path, text).unwrap();
    for ((mutant, verdicts), said) in internet.mutants().iter().zip(&verdicts).zip(&said) {
        if record::standing(mutant, verdicts) == Standing::Wrong {
            println!("different: {} {} {}", String::from_utf8_lossy(verdicts), mutant.describe(), said.why);
        }
    }
}
