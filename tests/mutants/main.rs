//! Ten thousand signed trees, each changed in one way, and what a resolver says of it: what Unbound, BIND, Knot Resolver and PowerDNS
//! Recursor agree on. Their verdicts are recorded in `verdicts.txt`; all of it is recorded anew by
//! `WAYMARK_LONG=1 WAYMARK_RECORD=1 cargo test --test mutants unbound`.

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
use record::Verdicts;
use std::process::Command;
use std::thread;
use waymark::clock;

const RECORD: &str = include_str!("verdicts.txt");

/// Every mutant that is asked of the peers where there is no time for all: a prime.
const SAMPLE: usize = 97;

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
    let (mut wrong, mut undecided) = (Vec::new(), 0);
    for ((mutant, recorded), said) in internet.mutants().iter().zip(&recorded).zip(&said) {
        let Some(recorded) = recorded else {
            wrong.push(format!("{} is not in the record", mutant.describe()));
            continue;
        };
        undecided += usize::from(record::agreed(recorded).is_none());
        if said.verdict != recorded[4] {
            let (now, then) = (char::from(said.verdict), char::from(recorded[4]));
            wrong.push(format!("{now} and not {then}: {} {}", mutant.describe(), said.why));
        }
        wrong.extend(record::complaint(mutant, recorded).map(|text| format!("{text} {}", said.why)));
    }
    println!("{} mutants, {undecided} undecided", recorded.len());
    assert!(recorded.len() >= catalogue::MUTANTS);
    tell("wrong", &wrong);
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
        let theirs = peers::verdicts(lab, internet, &ids);
        if set("WAYMARK_RECORD") && step == 1 {
            return write(internet, &theirs);
        }
        let recorded = record::read(RECORD, mutants);
        let changed = ids.iter().zip(&theirs).filter_map(|(id, said)| {
            let recorded = recorded[*id].unwrap_or([b' '; 5]);
            let [then, now] = [&recorded[..4], said].map(String::from_utf8_lossy);
            (then != now).then(|| format!("{now} and not {then}: {}", mutants[*id].describe()))
        });
        tell("changed", &changed.collect::<Vec<String>>());
    });
}

/// Records what was said, ours too.
fn write(internet: &Internet<'_>, theirs: &[[u8; 4]]) {
    let version = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let line = String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned();
        format!("#   {program}: {line}\n")
    };
    let head = format!(
        "# Verdicts of {}, and ours, a letter each, or one if all are the same:\n\
         # A has answers, C an alias that leads to nothing, N has none, X: no such name; small letters: not authentic; F: SERVFAIL;\n\
         # a dash: no answer. Written by tests/mutants.\n{}{}{}{}",
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
    for (i, mutant) in internet.mutants().iter().enumerate() {
        if let Some(complaint) = record::complaint(mutant, &verdicts[i]) {
            println!("different: {complaint} {}", said[i].why);
        }
    }
}
