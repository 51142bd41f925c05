//! A signed internet: what validates, what is insecure, what is bogus and why, and what that costs.

use super::*;
use crate::world::UNIX;
use std::collections::HashMap;
use std::sync::Arc;
use waymark::anchor::{Anchor, Anchors};
use waymark::config::Minimise;
use waymark::dnssec::{Digest, Key};
use waymark::rrset::Rrset;
use waymark::sign::{SigningKey, Validity};
use waymark::wire::{Flags, OwnedName, Rtype};
use waymark::zone::{Denial, Held, Signing, Zone};

/// A zone of the tree: its apex, its server, how it is signed, its records. DS records are made.
type Spec = (&'static str, &'static str, Option<Denial>, Vec<&'static str>);

pub const ROOT_SERVER: &str = "192.0.2.1";

pub fn nsec3(opt_out: bool) -> Option<Denial> {
    Some(Denial::Nsec3 { iterations: 1, salt: vec![0xab], opt_out })
}

pub fn tree() -> Vec<Spec> {
    vec![
        (
            ".",
            ROOT_SERVER,
            Some(Denial::Nsec),
            vec![
                ". NS a.root-servers.test.",
                "a.root-servers.test. A 192.0.2.1",
                "test. NS ns.test.",
                "ns.test. A 192.0.2.2",
                "opt. NS ns.opt.",
                "ns.opt. A 192.0.2.7",
            ],
        ),
        (
            "test.",
            "192.0.2.2",
            nsec3(false),
            vec![
                "test. NS ns.test.",
                "ns.test. A 192.0.2.2",
                "good.test. NS ns.good.test.",
                "ns.good.test. A 192.0.2.3",
                "plain.test. NS ns.plain.test.",
                "ns.plain.test. A 192.0.2.4",
                "hashed.test. NS ns.hashed.test.",
                "ns.hashed.test. A 192.0.2.6",
            ],
        ),
        (
            "good.test.",
            "192.0.2.3",
            Some(Denial::Nsec),
            vec![
                "good.test. NS ns.good.test.",
                "ns.good.test. A 192.0.2.3",
                "www.good.test. A 198.51.100.1",
                "alias.good.test. CNAME www.hashed.test.",
                "out.good.test. CNAME www.plain.test.",
                "old.good.test. DNAME good.test.",
                "deep.ent.good.test. A 198.51.100.2",
                "*.wild.good.test. A 198.51.100.3",
                "near.wild.good.test. A 198.51.100.13",
                "*.walias.good.test. CNAME www.good.test.",
                // A zone on the same server, so that no referral leads there.
                "inner.good.test. NS ns.good.test.",
                "bare.good.test. NS ns.good.test.",
            ],
        ),
        (
            "inner.good.test.",
            "192.0.2.3",
            Some(Denial::Nsec),
            vec!["inner.good.test. NS ns.good.test.", "www.inner.good.test. A 198.51.100.4"],
        ),
        (
            "bare.good.test.",
            "192.0.2.3",
            None,
            vec!["bare.good.test. NS ns.good.test.", "www.bare.good.test. A 198.51.100.5"],
        ),
        (
            "plain.test.",
            "192.0.2.4",
            None,
            vec![
                "plain.test. NS ns.plain.test.",
                "ns.plain.test. A 192.0.2.4",
                "www.plain.test. A 198.51.100.6",
                "to.plain.test. CNAME www.good.test.",
                "below.plain.test. DNAME good.test.",
            ],
        ),
        (
            "hashed.test.",
            "192.0.2.6",
            nsec3(false),
            vec![
                "hashed.test. NS ns.hashed.test.",
                "ns.hashed.test. A 192.0.2.6",
                "www.hashed.test. A 198.51.100.7",
                "deep.ent.hashed.test. A 198.51.100.8",
                "*.wild.hashed.test. A 198.51.100.9",
                "near.wild.hashed.test. A 198.51.100.14",
                "free.hashed.test. NS ns.free.opt.",
            ],
        ),
        (
            "opt.",
            "192.0.2.7",
            nsec3(true),
            vec![
                "opt. NS ns.opt.",
                "ns.opt. A 192.0.2.7",
                "www.opt. A 198.51.100.10",
                "free.opt. NS ns.free.opt.",
                "ns.free.opt. A 192.0.2.8",
            ],
        ),
        (
            "free.opt.",
            "192.0.2.8",
            None,
            vec!["free.opt. NS ns.free.opt.", "ns.free.opt. A 192.0.2.8", "www.free.opt. A 198.51.100.11"],
        ),
    ]
}

pub fn key(zone: &str) -> SigningKey {
    let mut seed = [0; 32];
    zone.bytes().take(32).enumerate().for_each(|(i, octet)| seed[i] = octet);
    SigningKey::ed25519(&seed, Key::ZONE | Key::ENTRY).unwrap()
}

pub fn name(text: &str) -> OwnedName {
    text.parse().unwrap()
}

/// From and until so many seconds from the world's beginning.
pub fn validity(from: i64, until: i64) -> Validity {
    let at = |seconds: i64| (UNIX as i64 + seconds) as u32;
    Validity { inception: at(from), expiration: at(until) }
}

/// What a tree is made of.
pub struct Plan {
    pub specs: Vec<Spec>,
    pub validity: Validity,
    /// Keys of zones that have other keys than `key` makes.
    pub keys: HashMap<&'static str, Vec<SigningKey>>,
    /// DS data of zones that have other than that of their first key.
    pub ds: HashMap<&'static str, Vec<Vec<u8>>>,
}

impl Default for Plan {
    fn default() -> Plan {
        let (keys, ds) = (HashMap::new(), HashMap::new());
        Plan { specs: tree(), validity: validity(-86_400, 30 * 86_400), keys, ds }
    }
}

impl Plan {
    fn ds_of(&self, zone: &str) -> Vec<Vec<u8>> {
        let made = |key: &SigningKey| vec![key.ds(name(zone).as_name(), Digest::SHA256).unwrap()];
        let keys = self.keys.get(zone).map(|keys| made(&keys[0]));
        self.ds.get(zone).cloned().or(keys).unwrap_or_else(|| made(&key(zone)))
    }

    /// Signs all of it.
    pub fn tree(self) -> Tree {
        let zones = self.specs.iter().map(|(apex, server, denial, lines)| {
            let zone_name = name(apex);
            let plain = crate::text::zone(apex, lines).state.unwrap();
            let mut sets = plain.to_rrsets();
            for (child, _, child_denial, _) in &self.specs {
                let child_name = name(child);
                let cut = sets.iter().any(|set| set.rtype == Rtype::NS && set.name == child_name);
                if child_denial.is_some() && cut && child != apex {
                    let mut ds = Rrset::new(child_name.as_name(), Rtype::DS, 3_600);
                    self.ds_of(child).iter().for_each(|rdata| ds.push(rdata));
                    sets.push(ds);
                }
            }
            if let Some(denial) = denial {
                let usual = [key(apex)];
                let keys = self.keys.get(apex).map_or(&usual[..], |keys| keys);
                let signing = Signing { keys, validity: self.validity, denial: denial.clone() };
                sets = signing.sign(zone_name.as_name(), sets).unwrap();
            }
            (*apex, (*server, sets))
        });
        Tree { zones: zones.collect() }
    }
}

/// A signed tree: its zones, to be changed before they are served.
pub struct Tree {
    zones: HashMap<&'static str, (&'static str, Vec<Rrset>)>,
}

impl Tree {
    pub fn new() -> Tree {
        Plan::default().tree()
    }

    /// The sets of a zone.
    pub fn sets(&self, apex: &str) -> &[Rrset] {
        &self.zones[apex].1
    }

    /// One of them.
    pub fn set(&self, apex: &str, owner: &str, rtype: Rtype) -> Rrset {
        let mut sets = self.sets(apex).iter();
        sets.find(|set| set.name == name(owner) && set.rtype == rtype).unwrap().clone()
    }

    /// Changes the sets of a zone.
    pub fn change(mut self, apex: &str, change: impl FnOnce(&mut Vec<Rrset>)) -> Tree {
        change(&mut self.zones.get_mut(apex).unwrap().1);
        self
    }

    /// Changes one set.
    pub fn change_set(self, apex: &str, owner: &str, rtype: Rtype, change: impl FnOnce(&mut Rrset)) -> Tree {
        self.change(apex, |sets| {
            let set = sets.iter_mut().find(|set| set.name == name(owner) && set.rtype == rtype);
            change(set.unwrap_or_else(|| panic!("{owner} {rtype}")));
        })
    }

    /// Puts a zone on one more server.
    pub fn serve(&self, world: &mut World, apex: &str, server: &str) {
        let zone = Zone::from_rrsets(name(apex).as_name(), self.sets(apex)).unwrap();
        world.serve_zone(server, Held { apex: name(apex), state: Ok(Arc::new(zone)), policy: None });
    }

    /// A world of it, whose resolver trusts the root.
    pub fn world(&self, seed: u64) -> World {
        let mut world = World::new(seed, &[ROOT_SERVER]);
        for (apex, (server, _)) in &self.zones {
            self.serve(&mut world, apex, server);
        }
        world.trust(Anchors::new(vec![anchor(".")], Vec::new(), "test"));
        world.flags = Flags(Flags::RD.0 | Flags::AD.0);
        world
    }
}

/// The anchor of a zone.
pub fn anchor(zone: &str) -> Anchor {
    let ds = key(zone).ds(name(zone).as_name(), Digest::SHA256).unwrap();
    Anchor { zone: name(zone), ds: vec![ds.into()], keys: Vec::new() }
}

/// Signs a set anew, as one of `zone`.
pub fn resign(set: &mut Rrset, zone: &str, when: Validity) {
    set.drop_signatures();
    let signature = key(zone).sign(set, name(zone).as_name(), when).unwrap();
    set.push_signature(&signature);
}

/// A set of this data, signed as one of `zone`; "owner TYPE data".
pub fn made(text: &str, zone: &str) -> Rrset {
    let (owner, _, _, rtype, rdata) = crate::text::record(text).unwrap();
    let mut set = Rrset::new(owner.as_name(), rtype, 3_600);
    set.push(&rdata);
    resign(&mut set, zone, validity(-86_400, 30 * 86_400));
    set
}

/// The records of a set with its signatures, for a server to say in this section.
pub fn lines(section: Section, set: &Rrset) -> Vec<(Section, &'static str)> {
    let line = |rtype: Rtype, rdata: &[u8]| {
        let digits: String = rdata.iter().map(|octet| format!("{octet:02x}")).collect();
        let line: &'static str = format!("{} {} {rtype} hex:{digits}", set.name, set.ttl).leak();
        (section, line)
    };
    let records = set.rdatas().iter().map(|rdata| line(set.rtype, rdata));
    records.chain(set.signatures().iter().map(|rdata| line(Rtype::RRSIG, rdata))).collect()
}

/// Questions, and how they are answered.
const ANSWERS: &[(&str, &str)] = &[
    ("www.good.test. A", "NOERROR+AD www.good.test. A 198.51.100.1"),
    (
        "alias.good.test. A",
        "NOERROR+AD alias.good.test. CNAME www.hashed.test.; www.hashed.test. A 198.51.100.7",
    ),
    ("out.good.test. A", "NOERROR out.good.test. CNAME www.plain.test.; www.plain.test. A 198.51.100.6"),
    (
        "www.old.good.test. A",
        "NOERROR+AD old.good.test. DNAME good.test.; www.old.good.test. CNAME www.good.test.; www.good.test. A 198.51.100.1",
    ),
    ("none.good.test. A", "NXDOMAIN+AD"),
    ("www.good.test. TXT", "NOERROR+AD"),
    ("ent.good.test. A", "NOERROR+AD"),
    ("x.wild.good.test. A", "NOERROR+AD x.wild.good.test. A 198.51.100.3"),
    ("x.wild.good.test. TXT", "NOERROR+AD"),
    (
        "x.walias.good.test. A",
        "NOERROR+AD x.walias.good.test. CNAME www.good.test.; www.good.test. A 198.51.100.1",
    ),
    ("www.inner.good.test. A", "NOERROR+AD www.inner.good.test. A 198.51.100.4"),
    ("www.bare.good.test. A", "NOERROR www.bare.good.test. A 198.51.100.5"),
    ("www.bare.good.test. TXT", "NOERROR"),
    ("www.plain.test. A", "NOERROR www.plain.test. A 198.51.100.6"),
    ("none.plain.test. A", "NXDOMAIN"),
    ("to.plain.test. A", "NOERROR to.plain.test. CNAME www.good.test.; www.good.test. A 198.51.100.1"),
    (
        "www.below.plain.test. A",
        "NOERROR below.plain.test. DNAME good.test.; www.below.plain.test. CNAME www.good.test.; \
         www.good.test. A 198.51.100.1",
    ),
    ("www.hashed.test. A", "NOERROR+AD www.hashed.test. A 198.51.100.7"),
    ("none.hashed.test. A", "NXDOMAIN+AD"),
    ("a.b.none.hashed.test. A", "NXDOMAIN+AD"),
    ("www.hashed.test. TXT", "NOERROR+AD"),
    ("ent.hashed.test. A", "NOERROR+AD"),
    ("x.wild.hashed.test. A", "NOERROR+AD x.wild.hashed.test. A 198.51.100.9"),
    ("x.wild.hashed.test. TXT", "NOERROR+AD"),
    ("plain.test. DS", "NOERROR+AD"),
    ("bare.good.test. DS", "NOERROR+AD"),
    ("none. A", "NXDOMAIN+AD"),
    ("www.opt. A", "NOERROR+AD www.opt. A 198.51.100.10"),
    ("www.free.opt. A", "NOERROR www.free.opt. A 198.51.100.11"),
    ("free.opt. DS", "NOERROR"),
    ("none.opt. A", "NXDOMAIN"),
];

#[test]
fn what_is_signed_is_authentic_and_what_is_not_is_answered_without() {
    let tree = Tree::new();
    for minimise in [Minimise::Off, Minimise::Relaxed, Minimise::Strict] {
        let fresh = |seed| {
            let mut world = tree.world(seed);
            world.set(|settings| settings.minimise = minimise);
            world
        };
        let mut world = fresh(1);
        for (question, reply) in ANSWERS {
            assert_eq!(world.ask(question), *reply, "{question}: {}", world.why);
            // From the cache it is the same.
            assert_eq!(world.ask(question), *reply, "{question} again");
            world.assert_idle();
            // And in a world where nothing else was asked.
            assert_eq!(fresh(2).ask(question), *reply, "{question} first");
        }
    }
}

#[test]
fn questions_that_need_each_others_keys_do_not_wait_in_a_circle() {
    let tree = Tree::new();
    let questions: Vec<&str> = ANSWERS.iter().map(|(question, _)| *question).collect();
    for seed in 0..20 {
        let mut world = tree.world(seed);
        world.network.latency = (1, 200);
        if seed % 2 == 1 {
            (world.network.loss, world.network.twice) = (10, 20);
        }
        let mut order: Vec<usize> = (0..questions.len()).collect();
        order.rotate_left(seed as usize);
        if seed % 3 == 0 {
            order.reverse();
        }
        let asked: Vec<&str> = order.iter().map(|&i| questions[i]).collect();
        for (reply, i) in world.ask_all(&asked).iter().zip(order) {
            assert_eq!(*reply, ANSWERS[i].1, "{} {seed}", ANSWERS[i].0);
        }
        world.assert_idle();
    }
}

#[test]
fn the_zone_of_a_stub_or_forward_is_validated_by_what_the_zone_above_says() {
    for (route, server, forward) in [
        ("good.test.", "192.0.2.3", false),
        ("good.test.", "192.0.2.3", true),
        ("inner.good.test.", "192.0.2.3", false),
        ("inner.good.test.", "192.0.2.3", true),
        ("test.", "192.0.2.2", false),
        ("hashed.test.", "192.0.2.6", false),
        ("hashed.test.", "192.0.2.6", true),
        ("plain.test.", "192.0.2.4", true),
    ] {
        let mut world = Tree::new().world(1);
        world.route(route, &[server], forward);
        for (question, reply) in ANSWERS {
            assert_eq!(world.ask(question), *reply, "{question} by way of {route}: {}", world.why);
        }
        let spoilt = Tree::new().change_set("good.test.", "www.good.test.", Rtype::A, Rrset::drop_signatures);
        let mut world = spoilt.world(1);
        world.route(route, &[server], forward);
        assert_eq!(world.ask("www.good.test. A"), "SERVFAIL", "{route}");
    }
}
