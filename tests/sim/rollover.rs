//! The root rolls its key, and nobody touches the config: years of RFC 5011 with the zone as it is at each time.

use super::*;
use crate::world::UNIX;
use std::sync::Arc;
use waymark::anchor::{Anchor, Anchors};
use waymark::dnssec::{Digest, Key};
use waymark::sign::{SigningKey, Validity};
use waymark::wire::{Flags, Name, OwnedName};
use waymark::zone::{Denial, Held, Signing, Zone};

const ROOT_SERVER: &str = "192.0.2.1";

/// Key-signing keys of the root.
#[derive(Clone, Copy)]
enum Has {
    /// There, and signs.
    Active(u8),
    /// There, and does not.
    Standby(u8),
    /// Taken back.
    Revoked(u8),
}

fn key(seed: u8, flags: u16) -> SigningKey {
    SigningKey::ed25519(&[seed; 32], flags).unwrap()
}

/// Puts a root with these keys on its server, signed anew.
fn publish(world: &mut World, keys: &[Has]) {
    let now = world.unix() as u32;
    let validity = Validity { inception: now - 3_600, expiration: now + 40 * 86_400 };
    let lines = [". NS a.root-servers.test.", "a.root-servers.test. A 192.0.2.1", "www. A 198.51.100.1"];
    let mut sets = crate::text::zone(".", &lines).state.unwrap().to_rrsets();
    let mut signing = vec![key(0, Key::ZONE)];
    for has in keys {
        match *has {
            Has::Active(seed) => signing.push(key(seed, Key::ZONE | Key::ENTRY)),
            Has::Revoked(seed) => signing.push(key(seed, Key::ZONE | Key::ENTRY | Key::REVOKED)),
            Has::Standby(seed) => {
                let mut set = waymark::rrset::Rrset::new(Name::ROOT, waymark::wire::Rtype::DNSKEY, 86_400);
                set.push(key(seed, Key::ZONE | Key::ENTRY).dnskey());
                sets.push(set);
            }
        }
    }
    let sets = Signing { keys: &signing, validity, denial: Denial::Nsec }.sign(Name::ROOT, sets).unwrap();
    let zone = Zone::from_rrsets(Name::ROOT, &sets).unwrap();
    let apex: OwnedName = ".".parse().unwrap();
    world.serve_zone(ROOT_SERVER, Held { apex, state: Ok(Arc::new(zone)), policy: None });
}

/// A world whose resolver trusts key 1 of the root.
fn world() -> World {
    let mut world = World::new(1, &[ROOT_SERVER]);
    publish(&mut world, &[Has::Active(1)]);
    let ds = key(1, Key::ZONE | Key::ENTRY).ds(Name::ROOT, Digest::SHA256).unwrap();
    let anchor = Anchor { zone: Name::ROOT.to_owned(), ds: vec![ds.into()], keys: Vec::new() };
    world.follow(Anchors::new(vec![anchor], Vec::new(), "test"));
    world.flags = Flags(Flags::RD.0 | Flags::AD.0);
    assert!(world.unix() >= UNIX);
    world
}

/// Lets days go by with these keys, the zone signed anew every fortnight.
fn days(world: &mut World, days: u64, keys: &[Has]) {
    for from in (0..days).step_by(14) {
        publish(world, keys);
        world.days(14.min(days - from));
    }
}

const GOOD: &str = "NOERROR+AD www. A 198.51.100.1";

#[test]
fn the_root_rolls_its_key_and_answers_stay_authentic() {
    use Has::{Active, Revoked, Standby};
    let mut world = world();
    for (time, keys) in [
        (30, &[Active(1)][..]),
        (100, &[Active(1), Standby(2)]),
        (100, &[Standby(1), Active(2)]),
        (60, &[Revoked(1), Active(2)]),
        (60, &[Active(2)]),
        (45, &[Active(2), Standby(3)]),
        (60, &[Revoked(2), Active(3)]),
        (365, &[Active(3)]),
    ] {
        days(&mut world, time, keys);
        publish(&mut world, keys);
        assert_eq!(world.ask("www. A"), GOOD, "{}", world.why);
    }
}

#[test]
fn a_key_that_was_not_there_for_thirty_days_is_not_trusted() {
    use Has::{Active, Standby};
    for (there, reply) in [(27, "SERVFAIL"), (33, GOOD)] {
        let mut world = world();
        days(&mut world, 10, &[Active(1)]);
        days(&mut world, there, &[Active(1), Standby(2)]);
        days(&mut world, 3, &[Active(2)]);
        world.days(2);
        assert_eq!(world.ask("www. A"), reply, "{there} days: {}", world.why);
    }
}

#[test]
fn a_key_taken_back_is_not_trusted_again() {
    use Has::{Active, Revoked, Standby};
    let mut world = world();
    days(&mut world, 45, &[Active(1), Standby(2)]);
    days(&mut world, 5, &[Revoked(1), Active(2)]);
    // Who stole the old key signs with it.
    days(&mut world, 5, &[Active(1)]);
    assert_eq!(world.ask("www. A"), "SERVFAIL");
    assert!(world.why.contains("DNSKEY"), "{}", world.why);
}
