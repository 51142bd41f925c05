//! A signed internet: what validates, what is insecure, what is bogus and why, and what that costs.

use super::*;
use crate::world::UNIX;
use std::collections::HashMap;
use std::sync::Arc;
use waymark::anchor::{Anchor, Anchors};
use waymark::dnssec::{Digest, Key};
use waymark::rrset::Rrset;
use waymark::sign::{SigningKey, Validity};
use waymark::wire::{Flags, OwnedName, Rtype};
use waymark::zone::{Denial, Held, Signing, Zone};

/// A zone of the tree: its apex, its server, how it is signed, its records. DS records are made.
type Spec = (&'static str, &'static str, Option<Denial>, &'static [&'static str]);

const ROOT_SERVER: &str = "192.0.2.1";

fn nsec3(opt_out: bool) -> Option<Denial> {
    Some(Denial::Nsec3 { iterations: 1, salt: vec![0xab], opt_out })
}

fn tree() -> Vec<Spec> {
    vec![
        (
            ".",
            ROOT_SERVER,
            Some(Denial::Nsec),
            &[
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
            &[
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
            &[
                "good.test. NS ns.good.test.",
                "ns.good.test. A 192.0.2.3",
                "www.good.test. A 198.51.100.1",
                "alias.good.test. CNAME www.hashed.test.",
                "out.good.test. CNAME www.plain.test.",
                "old.good.test. DNAME good.test.",
                "deep.ent.good.test. A 198.51.100.2",
                "*.wild.good.test. A 198.51.100.3",
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
            &["inner.good.test. NS ns.good.test.", "www.inner.good.test. A 198.51.100.4"],
        ),
        (
            "bare.good.test.",
            "192.0.2.3",
            None,
            &["bare.good.test. NS ns.good.test.", "www.bare.good.test. A 198.51.100.5"],
        ),
        (
            "plain.test.",
            "192.0.2.4",
            None,
            &[
                "plain.test. NS ns.plain.test.",
                "ns.plain.test. A 192.0.2.4",
                "www.plain.test. A 198.51.100.6",
            ],
        ),
        (
            "hashed.test.",
            "192.0.2.6",
            nsec3(false),
            &[
                "hashed.test. NS ns.hashed.test.",
                "ns.hashed.test. A 192.0.2.6",
                "www.hashed.test. A 198.51.100.7",
                "deep.ent.hashed.test. A 198.51.100.8",
                "*.wild.hashed.test. A 198.51.100.9",
            ],
        ),
        (
            "opt.",
            "192.0.2.7",
            nsec3(true),
            &[
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
            &["free.opt. NS ns.free.opt.", "ns.free.opt. A 192.0.2.8", "www.free.opt. A 198.51.100.11"],
        ),
    ]
}

fn key(zone: &str) -> SigningKey {
    let mut seed = [0; 32];
    zone.bytes().take(32).enumerate().for_each(|(i, octet)| seed[i] = octet);
    SigningKey::ed25519(&seed, Key::ZONE | Key::ENTRY).unwrap()
}

fn name(text: &str) -> OwnedName {
    text.parse().unwrap()
}

/// A signed tree: its zones, to be changed before they are served.
struct Tree {
    zones: HashMap<&'static str, (&'static str, Vec<Rrset>)>,
}

impl Tree {
    fn new() -> Tree {
        let now = UNIX as u32;
        let validity = Validity { inception: now - 86_400, expiration: now + 30 * 86_400 };
        Tree::signed(validity)
    }

    fn signed(validity: Validity) -> Tree {
        let specs = tree();
        let zones = specs.iter().map(|(apex, server, denial, lines)| {
            let zone_name = name(apex);
            let plain = crate::text::zone(apex, lines).state.unwrap();
            let mut sets = plain.to_rrsets();
            for (child, _, child_denial, _) in &specs {
                let child_name = name(child);
                let cut = sets.iter().any(|set| set.rtype == Rtype::NS && set.name == child_name);
                if child_denial.is_some() && cut && child != apex {
                    let mut ds = Rrset::new(child_name.as_name(), Rtype::DS, 3_600);
                    ds.push(&key(child).ds(child_name.as_name(), Digest::SHA256).unwrap());
                    sets.push(ds);
                }
            }
            if let Some(denial) = denial {
                let signing = Signing { keys: &[key(apex)], validity, denial: denial.clone() };
                sets = signing.sign(zone_name.as_name(), sets).unwrap();
            }
            (*apex, (*server, sets))
        });
        Tree { zones: zones.collect() }
    }

    /// Changes the sets of a zone.
    fn change(mut self, apex: &str, change: impl FnOnce(&mut Vec<Rrset>)) -> Tree {
        change(&mut self.zones.get_mut(apex).unwrap().1);
        self
    }

    /// Changes one set.
    fn change_set(self, apex: &str, owner: &str, rtype: Rtype, change: impl FnOnce(&mut Rrset)) -> Tree {
        self.change(apex, |sets| {
            let set = sets.iter_mut().find(|set| set.name == name(owner) && set.rtype == rtype);
            change(set.unwrap_or_else(|| panic!("{owner} {rtype}")));
        })
    }

    fn anchors() -> Anchors {
        let root = name(".");
        let ds = key(".").ds(root.as_name(), Digest::SHA256).unwrap();
        Anchors::new(vec![Anchor { zone: root, ds: vec![ds.into()], keys: Vec::new() }], Vec::new(), "test")
    }

    /// A world of it, whose resolver trusts the root.
    fn world(&self, seed: u64) -> World {
        let mut world = World::new(seed, &[ROOT_SERVER]);
        for (apex, (server, sets)) in &self.zones {
            let apex = name(apex);
            let zone = Zone::from_rrsets(apex.as_name(), sets).unwrap();
            world.serve_zone(server, Held { apex, state: Ok(Arc::new(zone)), policy: None });
        }
        world.trust(Tree::anchors());
        world.flags = Flags(Flags::RD.0 | Flags::AD.0);
        world
    }
}

#[test]
fn what_is_signed_is_authentic_and_what_is_not_is_answered_without() {
    let tree = Tree::new();
    let mut world = tree.world(1);
    for (question, reply) in [
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
    ] {
        assert_eq!(world.ask(question), reply, "{question}: {}", world.why);
        // From the cache it is the same.
        assert_eq!(world.ask(question), reply, "{question} again");
        world.assert_idle();
        // And in a world where nothing else was asked.
        assert_eq!(tree.world(2).ask(question), reply, "{question} first");
    }
}
