//! Stories: exact packets at exact times, played through the resolver and its answers. Each is a file `CLASS/FACT.story`, named for the
//! fact it shows. Whatever is sent or told that a story does not name makes it fail, and so does what is left when it is over.
//!
//! First what is given (the defaults stand in [`given`]):
//!
//! ```text
//! set KEY = VALUE                     minimise, case, priming, stale, rebinding, special-use, ipv4, ipv6
//! hints NAME ADDRESS …                a root server, in place of a.root. 192.0.2.1
//! stub | forward ZONE ADDRESS … [fallback]
//! deny PREFIX
//! own ZONE                            an own zone of the records below it
//! ```
//!
//! Then what happens, step by step; records and texts stand indented below their step:
//!
//! ```text
//! ask CLIENT NAME TYPE [no-rd] [cd] [subnet]
//! send SERVER udp|tcp NAME TYPE [WORDS] [as LABEL]    it is asked this, and in no other way than the words say: rd, cd, no-edns,
//!                                     random-case, again (from the same socket, the same octets), perhaps-again (where chance
//!                                     decides), cookie=none|fresh|OCTETS
//!                                     SERVER: an address, `any`, or `$x`, a server chosen at random
//! reply [to LABEL] [RCODE] [WORDS]    the last query named, or another, is answered; for the words see `packet::shape`
//!   answer | authority | additional OWNER TTL [CLASS] TYPE DATA
//!   pointers N                        so many answers more, see `packet::add_pointers`
//! garbage | unreachable | not-sent [to LABEL]
//! refer SERVER ZONE ADDRESS …         the server is asked, whatever it is, and refers to the zone's servers ns1, ns2 …
//! wait TIME                           376ms, 1.8s, 2h; nothing may happen before its end
//! told CLIENT RCODE [aa] [ad] [tc] [ede=CODE]
//!   text EXTENDED ERROR
//!   answer | authority | additional OWNER TTL TYPE DATA
//! closed LABEL                        that query is waited for no more
//! leave CLIENT
//! repeat N … end                      {n} counts from 0, {n+1} from 1
//! ```
//!
//! An indented line that begins with a number stands for as many lines, counted by `{i}`.

#![allow(clippy::unwrap_used)]

mod packet;
mod script;
mod stage;
#[path = "../sim/text.rs"]
mod text;

use script::Step;
use stage::{Props, Stage};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use waymark::config::Minimise;
use waymark::resolve::{Settings, Upstream};

macro_rules! classes {
    ($($class:ident)*) => {
        $(#[test]
        fn $class() {
            play_all(stringify!($class));
        })*

        const CLASSES: &[&str] = &[$(stringify!($class)),*];
    };
}

classes! {
    amplification
    bounds
    case_randomisation
    credibility
    forwarding
    prefetch
    rebinding
    retransmission
    rfc1034
    rfc2181
    rfc2308
    rfc5452
    rfc6672
    rfc6761
    rfc6891
    rfc7766
    rfc7871
    rfc7873
    rfc8020
    rfc8482
    rfc8767
    rfc9156
    rfc9520
    rfc9609
    scrubber
    selection
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay")
}

/// The paths in a folder, in order.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_class_is_played() {
    let folders = inside(&folder()).into_iter().filter(|path| path.is_dir());
    let mut names: Vec<String> =
        folders.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let mut classes = CLASSES.to_vec();
    names.sort();
    classes.sort();
    assert_eq!(classes, names);
}

/// Plays all stories of a class and tells of all that fail.
fn play_all(class: &str) {
    let stories = inside(&folder().join(class));
    let failures: Vec<String> = stories.iter().filter_map(|path| play(path).err()).collect();
    assert!(!stories.is_empty(), "{class} has no story");
    assert!(failures.is_empty(), "{} of {} failed\n{}", failures.len(), stories.len(), failures.join("\n"));
}

/// Plays one story; the error says where it goes another way, and which.
fn play(path: &Path) -> Result<(), String> {
    let name = path.strip_prefix(folder()).unwrap().display();
    let text = std::fs::read_to_string(path).unwrap();
    play_text(&text).map_err(|(line, error)| format!("tests/replay/{name}:{line}: {error}"))
}

fn play_text(text: &str) -> Result<(), (usize, String)> {
    let steps = script::read(text)?;
    let (mut settings, mut props, mut first) = (given(), Props::default(), 0);
    for step in &steps {
        if !set(&mut settings, &mut props, step).map_err(|error| (step.line, error))? {
            break;
        }
        first += 1;
    }
    let mut stage = Stage::new(settings, props);
    for step in &steps[first..] {
        stage.step(step).map_err(|error| (step.line, error))?;
    }
    stage.end().map_err(|error| (text.lines().count(), format!("after the end: {error}")))
}

/// The settings that a story starts from.
fn given() -> Settings {
    Settings {
        root_hints: vec![("a.root.".parse().unwrap(), vec!["192.0.2.1".parse().unwrap()])],
        realm: 0,
        upstream_port: 53,
        families: (true, true),
        deny: Vec::new(),
        priming: false,
        case_randomisation: false,
        minimise: Minimise::Off,
        rebinding_protection: false,
        aggressive: true,
        anchor_signal: false,
        serve_stale: true,
        routes: Vec::new(),
    }
}

/// Takes what is given; false when the step is none of that.
fn set(settings: &mut Settings, props: &mut Props, step: &Step) -> Result<bool, String> {
    match &*step.words[0] {
        "set" => set_key(settings, props, step.word(1, "a key")?, step.word(3, "= and a value")?)?,
        "hints" => {
            if *settings == given() {
                settings.root_hints.clear();
            }
            let name = step.word(1, "a name")?.parse().map_err(|_| "no such name")?;
            let addresses = step.words[2..].iter().map(|word| word.parse());
            settings
                .root_hints
                .push((name, addresses.collect::<Result<_, _>>().map_err(|_| "no such address")?));
        }
        "stub" | "forward" => {
            let fallback = step.words.last().is_some_and(|word| word == "fallback");
            let addresses = step.words[2..].iter().filter(|word| *word != "fallback");
            let servers = addresses.map(|word| Ok(SocketAddr::new(word.parse()?, 53)));
            let servers: Result<_, std::net::AddrParseError> = servers.collect();
            settings.routes.push(Upstream {
                zone: step.word(1, "a zone")?.parse().map_err(|_| "no such name")?,
                servers: servers.map_err(|_| "no such address")?,
                forward: step.words[0] == "forward",
                fallback,
                validate: true,
            });
        }
        "deny" => settings.deny.push(step.word(1, "a prefix")?.parse().map_err(|_| "no such prefix")?),
        "own" => props.zones.push((step.word(1, "a zone")?.to_owned(), step.below.clone())),
        _ => return Ok(false),
    }
    Ok(true)
}

fn set_key(settings: &mut Settings, props: &mut Props, key: &str, value: &str) -> Result<(), String> {
    let on = || match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("{key} is on or off")),
    };
    match key {
        "minimise" => {
            settings.minimise = match value {
                "off" => Minimise::Off,
                "relaxed" => Minimise::Relaxed,
                "strict" => Minimise::Strict,
                _ => return Err("minimise is off, relaxed or strict".into()),
            }
        }
        "case" => settings.case_randomisation = on()?,
        "priming" => settings.priming = on()?,
        "stale" => settings.serve_stale = on()?,
        "rebinding" => settings.rebinding_protection = on()?,
        "special-use" => props.special_use = on()?,
        "ipv4" => settings.families.0 = on()?,
        "ipv6" => settings.families.1 = on()?,
        _ => return Err(format!("there is no setting {key}")),
    }
    Ok(())
}

mod the_stage {
    use super::*;

    const ASK: &str = "ask c1 a.test. A\nsend 192.0.2.1 udp a.test. A\n";
    const REPLY: &str = "reply aa\n  answer a.test. 60 A 198.51.100.1\n";
    const TOLD: &str = "told c1 NOERROR\n  answer a.test. 60 A 198.51.100.1\n";

    /// The line and the beginning of the error at which a story fails.
    fn check(story: &str, line: usize, error: &str) {
        let failed = play_text(story).expect_err(story);
        assert_eq!(failed.0, line, "{story}\n{}", failed.1);
        assert!(failed.1.contains(error), "{}", failed.1);
    }

    #[test]
    fn lets_a_true_story_pass() {
        assert_eq!(play_text(&format!("{ASK}wait 375ms\n{REPLY}{TOLD}")), Ok(()));
    }

    #[test]
    fn sees_what_is_not_named() {
        check("ask c1 a.test. A\nwait 1ms", 2, "expected nothing");
        check("ask c1 a.test. A", 1, "after the end: at +0ns expected nothing");
        check(&format!("{ASK}{REPLY}"), 4, "told c1 NOERROR");
        check(ASK, 2, "+376ms: send 192.0.2.1 udp a.test. A  again");
        check(&format!("{ASK}wait 377ms"), 3, "+376ms");
    }

    #[test]
    fn sees_what_does_not_happen() {
        check(
            &format!("{ASK}wait 375ms\nsend 192.0.2.1 udp a.test. A again"),
            4,
            "but what happened is\n        nothing",
        );
        check(&format!("{ASK}told c1 NOERROR"), 3, "expected that c1 is told something");
        check("ask c1 a.test. A\nsend 192.0.2.2 udp a.test. A", 2, "expected send 192.0.2.2");
        check("ask c1 a.test. A\nsend 192.0.2.1 tcp a.test. A", 2, "expected send 192.0.2.1 tcp");
        check(&format!("{ASK}wait 1ms\nclosed q1"), 4, "no query is called q1");
        check("ask c1 a.test. A\nsend 192.0.2.1 udp a.test. A as q1\nclosed q1", 3, "still waited for");
    }

    #[test]
    fn sees_what_is_otherwise() {
        check("ask c1 a.test. A\nsend 192.0.2.1 udp a.test. A rd", 2, "expected a query with [\"rd\"]");
        check("ask c1 a.test. A\nsend 192.0.2.1 udp a.test. A cookie=none", 2, "expected cookie=none");
        check(&format!("{ASK}{REPLY}told c1 NOERROR"), 5, "expected c1 to be told");
        check(&format!("{ASK}{REPLY}{}", TOLD.replace("60", "61")), 5, "answer a.test. 60 A");
        check(&format!("{ASK}reply SERVFAIL\ntold c1 SERVFAIL"), 4, "SERVFAIL ede=23");
        check(
            &format!("{ASK}reply SERVFAIL\ntold c1 SERVFAIL ede=23\n  text no"),
            4,
            "text no name server of",
        );
    }

    #[test]
    fn sees_what_it_cannot_read() {
        check("set colour = red", 1, "there is no setting colour");
        check("sing c1", 1, "sing is no step");
        check(&format!("{ASK}reply sideways"), 3, "sideways is unknown");
        check(
            &format!("{ASK}reply aa\n  answer a.test. 60 A 198.51.100"),
            3,
            "a.test. 60 A 198.51.100: the address",
        );
        check("  indented", 1, "nothing is above");
        check("repeat 3\nask c1 a.test. A", 1, "repeat without end");
    }
}
