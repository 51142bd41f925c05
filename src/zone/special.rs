//! Names that are never looked up in the public DNS: a resolver answers them itself (RFC 6761, RFC 6303 and those that follow
//! them). They are ordinary zones, so that nothing else need know of them.

use super::{Builder, Held, ZoneSet};
use crate::wire::{Name, NameBuf, Rtype};
use std::sync::Arc;

/// Zones that hold nothing but their apex: every name below does not exist.
const EMPTY: &[&str] = &[
    // RFC 6761 §6.2, §6.4; RFC 7686 §2; RFC 6762 §22.1; RFC 8375 §4.
    "test",
    "invalid",
    "onion",
    "local",
    "home.arpa",
    // RFC 9476 §3.
    "alt",
    // RFC 6303 §4.2; RFC 9462 §6.4.
    "0.in-addr.arpa",
    "254.169.in-addr.arpa",
    "2.0.192.in-addr.arpa",
    "100.51.198.in-addr.arpa",
    "113.0.203.in-addr.arpa",
    "255.255.255.255.in-addr.arpa",
    "resolver.arpa",
    // RFC 6303 §4.1: private addresses; 172.16/12 and 100.64/10 (RFC 7793) are counted below.
    "10.in-addr.arpa",
    "168.192.in-addr.arpa",
    // RFC 6303 §4.3 to §4.6: unspecified, local, link-local and documentation addresses.
    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
    "d.f.ip6.arpa",
    "8.e.f.ip6.arpa",
    "9.e.f.ip6.arpa",
    "a.e.f.ip6.arpa",
    "b.e.f.ip6.arpa",
    "8.b.d.0.1.0.0.2.ip6.arpa",
];

/// The name of `::1` (RFC 6303 §4.3).
const LOOPBACK_V6: &str = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa";

/// Seconds that these answers may be kept (RFC 6303 §3: a week suits data that never changes, three hours suit a mistake).
const TTL: u32 = 10_800;

/// The zones of special-use names.
pub fn special_use() -> ZoneSet {
    let private = (16..32).map(|n| format!("{n}.172.in-addr.arpa"));
    let shared = (64..128).map(|n| format!("{n}.100.in-addr.arpa"));
    let empty = EMPTY.iter().map(ToString::to_string).chain(private).chain(shared);
    let mut zones: Vec<Held> = empty.filter_map(|apex| zone(&apex, |_, _| ())).collect();
    // RFC 6761 §6.3: localhost and every name below it is the loopback address.
    zones.extend(zone("localhost", |builder, apex| {
        let below = NameBuf::child(b"*", apex).unwrap_or(NameBuf::root());
        for owner in [apex, below.as_name()] {
            builder.add(owner, Rtype::A, TTL, &std::net::Ipv4Addr::LOCALHOST.octets(), 0);
            builder.add(owner, Rtype::AAAA, TTL, &std::net::Ipv6Addr::LOCALHOST.octets(), 0);
        }
    }));
    zones.extend(zone("127.in-addr.arpa", |builder, apex| loopback_name(builder, "1.0.0", apex)));
    zones.extend(zone(LOOPBACK_V6, |builder, apex| loopback_name(builder, "@", apex)));
    ZoneSet::new(zones)
}

/// Says that a name of the reverse tree is localhost.
fn loopback_name(builder: &mut Builder, owner: &str, apex: Name<'_>) {
    if let Ok(owner) = NameBuf::from_text(owner, apex) {
        builder.add(owner.as_name(), Rtype::PTR, TTL, b"\x09localhost\0", 0);
    }
}

/// A zone with the apex of RFC 6303 §3 and what `fill` adds.
fn zone(apex: &str, fill: impl FnOnce(&mut Builder, Name<'_>)) -> Option<Held> {
    let name = NameBuf::from_text(apex, NameBuf::root().as_name()).ok()?;
    let mut builder = Builder::new(name.as_name());
    let soa = [
        name.as_name().as_bytes(),
        b"\x06nobody\x07invalid\0",
        // Serial, refresh, retry, expire, negative TTL.
        &[1, 3_600, 1_200, 604_800, TTL].map(u32::to_be_bytes).concat(),
    ];
    builder.add(name.as_name(), Rtype::SOA, TTL, &soa.concat(), 0);
    builder.add(name.as_name(), Rtype::NS, TTL, name.as_name().as_bytes(), 0);
    fill(&mut builder, name.as_name());
    let (zone, _) = builder.finish().ok()?;
    Some(Held { apex: name.as_name().to_owned(), state: Ok(Arc::new(zone)), policy: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Lookup;

    #[test]
    fn every_special_zone_is_made_and_answers() {
        let zones = special_use();
        assert_eq!(zones.len(), EMPTY.len() + 16 + 64 + 3);
        for (name, rtype, found) in [
            ("localhost.", Rtype::A, true),
            ("Any.LocalHost.", Rtype::AAAA, true),
            ("1.0.0.127.in-addr.arpa.", Rtype::PTR, true),
            ("2.0.0.127.in-addr.arpa.", Rtype::PTR, false),
            ("1.2.16.172.in-addr.arpa.", Rtype::PTR, false),
            ("nobody.invalid.", Rtype::A, false),
        ] {
            let name = NameBuf::from_text(name, NameBuf::root().as_name()).unwrap();
            let zone = zones.find(name.as_name(), rtype).expect("a special zone").state.as_ref().unwrap();
            let has = match zone.lookup(name.as_name(), rtype) {
                Lookup::Name { node, .. } => node.rrset(rtype).is_some(),
                _ => false,
            };
            assert_eq!(has, found, "{}", name.as_name());
        }
        for public in ["example.", "32.172.in-addr.arpa.", "128.100.in-addr.arpa.", "arpa."] {
            let name = NameBuf::from_text(public, NameBuf::root().as_name()).unwrap();
            assert!(zones.find(name.as_name(), Rtype::A).is_none(), "{public}");
        }
    }
}
