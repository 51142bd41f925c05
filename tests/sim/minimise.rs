//! QNAME minimisation (RFC 9156): who is told what, and servers that are confused by it.

use super::*;

fn minimising(minimise: Minimise) -> World {
    let mut world = small(1);
    world.set(|settings| settings.minimise = minimise);
    world
}

/// What was asked, of whom, in order.
fn check(question: &str, reply: &str, asked: &[&str]) {
    let mut world = minimising(Minimise::Relaxed);
    check_log(&mut world, question, reply, asked);
}

fn check_log(world: &mut World, question: &str, reply: &str, asked: &[&str]) {
    world.log.clear();
    assert_eq!(world.ask(question), reply, "{question}\n{}", world.log.join("\n"));
    let short = |line: &String| {
        let line = line.replace(ROOT, "root").replace(TLD, "tld");
        line.replace(LEAF, "leaf").replace(LEAF_2, "leaf")
    };
    let mut log: Vec<String> = world.log.iter().map(short).collect();
    // Beside the one whose answer is waited for another may be asked, to know it.
    log.dedup();
    assert_eq!(log, asked, "{question}");
    world.assert_idle();
}

#[test]
fn servers_are_told_one_label_more_than_their_zone() {
    let www = "NOERROR www.example.test. A 198.51.100.1";
    check("www.example.test. A", www, &["root test. A", "tld example.test. A", "leaf www.example.test. A"]);
    check("example.test. MX", "NOERROR", &["root test. A", "tld example.test. MX", "leaf example.test. MX"]);
    check("example.test. DS", "NOERROR", &["root test. A", "tld example.test. DS"]);
    check(
        "deep.ent.example.test. TXT",
        "NOERROR deep.ent.example.test. TXT \"hello\"",
        &[
            "root test. A",
            "tld example.test. A",
            "leaf ent.example.test. A",
            "leaf deep.ent.example.test. TXT",
        ],
    );
    check("nothing. A", "NXDOMAIN", &["root nothing. A"]);
    // Below a name that does not exist the root is believed.
    check("a.b.nothing. A", "NXDOMAIN", &["root nothing. A"]);
    // A service is of the name above it.
    check(
        "_sip._tcp.example.test. SRV",
        "NXDOMAIN",
        &["root test. A", "tld example.test. A", "leaf _sip._tcp.example.test. SRV"],
    );
}

#[test]
fn a_part_that_is_known_to_lead_no_further_is_not_asked_again() {
    let mut world = minimising(Minimise::Relaxed);
    world.ask("deep.ent.example.test. TXT");
    check_log(&mut world, "other.ent.example.test. A", "NXDOMAIN", &["leaf other.ent.example.test. A"]);
    check_log(
        &mut world,
        "a.www.example.test. A",
        "NXDOMAIN",
        &["leaf www.example.test. A", "leaf a.www.example.test. A"],
    );
    check_log(&mut world, "b.www.example.test. A", "NXDOMAIN", &["leaf b.www.example.test. A"]);
}

#[test]
fn a_long_name_costs_a_bounded_number_of_queries() {
    let mut world = minimising(Minimise::Relaxed);
    let name = format!("{}www.example.test. A", "x.".repeat(60));
    let lines = [
        "example.test. NS ns1.example.test.",
        "ns1.example.test. A 192.0.2.3",
        "*.www.example.test. A 198.51.100.9",
    ];
    world.serve(LEAF, "example.test.", &lines).serve(LEAF_2, "example.test.", &lines);
    assert!(world.ask(&name).starts_with("NOERROR x.x."));
    assert!(world.total() <= 11, "{}", world.log.join("\n"));
}

#[test]
fn a_server_that_denies_empty_non_terminals_is_asked_the_whole_name() {
    let mut world = minimising(Minimise::Relaxed);
    world.manner(LEAF, Manner::DeniesEmpty).manner(LEAF_2, Manner::DeniesEmpty);
    let found = "NOERROR deep.ent.example.test. TXT \"hello\"";
    assert_eq!(world.ask("deep.ent.example.test. TXT"), found);
    let mut world = minimising(Minimise::Strict);
    world.manner(LEAF, Manner::DeniesEmpty).manner(LEAF_2, Manner::DeniesEmpty);
    check_log(
        &mut world,
        "deep.ent.example.test. TXT",
        "NXDOMAIN",
        &["root test. A", "tld example.test. A", "leaf ent.example.test. A"],
    );
    // The denial is of all that is below.
    check_log(&mut world, "more.ent.example.test. A", "NXDOMAIN", &[]);
    let mut world = minimising(Minimise::Off);
    check_log(
        &mut world,
        "deep.ent.example.test. TXT",
        found,
        &[
            "root deep.ent.example.test. TXT",
            "tld deep.ent.example.test. TXT",
            "leaf deep.ent.example.test. TXT",
        ],
    );
}

#[test]
fn a_server_that_cannot_be_asked_a_part_is_asked_the_whole_name() {
    for manner in [Manner::Only(waymark::wire::Rtype::TXT), Manner::FailsParts] {
        let mut world = minimising(Minimise::Relaxed);
        world.manner(LEAF, manner.clone()).manner(LEAF_2, manner.clone());
        let reply = world.ask("deep.ent.example.test. TXT");
        assert_eq!(
            reply,
            "NOERROR deep.ent.example.test. TXT \"hello\"",
            "{manner:?}\n{}",
            world.log.join("\n")
        );
    }
}

#[test]
fn what_the_root_denies_it_denies_with_all_below() {
    let mut world = minimising(Minimise::Relaxed);
    world.ask("nothing. A");
    check_log(&mut world, "a.nothing. A", "NXDOMAIN", &[]);
    check_log(&mut world, "a.b.c.nothing. MX", "NXDOMAIN", &[]);
    // Other zones' servers are not believed so far, unless the config says so.
    world.ask("nothing.example.test. A");
    check_log(&mut world, "a.nothing.example.test. A", "NXDOMAIN", &["leaf a.nothing.example.test. A"]);
    // What the config has servers for is not denied from above.
    let mut world = minimising(Minimise::Strict);
    world.ask("corp. A");
    world.serve("192.0.2.50", "lab.corp.", &["lab.corp. NS ns.lab.corp.", "www.lab.corp. A 198.51.100.50"]);
    world.route("lab.corp.", &["192.0.2.50"], false);
    assert_eq!(world.ask("www.lab.corp. A"), "NOERROR www.lab.corp. A 198.51.100.50");
}
