//! The zones of the miniature internet, and how they are signed.

use super::Fatal;
use crate::anchor::{Anchor, Anchors};
use crate::answer::View;
use crate::config::{Config, Diagnostics, ZoneFile};
use crate::dnssec::{Algorithm, Digest, Key};
use crate::rrset::Rrset;
use crate::sign::{SigningKey, Validity};
use crate::steer::{Policy, Shared, Steering};
use crate::wire::{Name, OwnedName, Rtype};
use crate::zone::{self, Denial, Held, Signing, Zone, ZoneSet};
use std::path::Path;
use std::sync::Arc;

/// A zone that is signed.
struct Plan {
    /// The last octet of its server's address.
    server: u8,
    apex: &'static str,
    /// How it proves what is not there.
    denial: Denial,
    /// Days from now when its signatures end: of one zone they have, and for longer than is forgiven to clocks.
    ends: i64,
    /// Its records as a master file.
    records: &'static str,
}

const HASHED: Denial = Denial::Nsec3 { iterations: 0, salt: Vec::new(), opt_out: false };

const PLANS: &[Plan] = &[
    Plan {
        server: 11,
        apex: ".",
        denial: Denial::Nsec,
        ends: 14,
        records: "
@ SOA a.root. hostmaster.root. 1 1h 15m 1w 5m
@ NS a.root.
a.root. A 127.0.0.11
demo. NS ns.nic.demo.
ns.nic.demo. A 127.0.0.12
lab. NS ns.nic.lab.
ns.nic.lab. A 127.0.0.13
",
    },
    Plan {
        server: 12,
        apex: "demo",
        denial: HASHED,
        ends: 14,
        records: "
@ SOA ns.nic hostmaster.nic 1 1h 15m 1w 5m
@ NS ns.nic
ns.nic A 127.0.0.12
shop NS ns.shop
ns.shop A 127.0.0.14
blog NS ns.host.lab.
bogus NS ns.host.lab.
",
    },
    Plan {
        server: 13,
        apex: "lab",
        denial: Denial::Nsec,
        ends: 14,
        records: "
@ SOA ns.nic hostmaster.nic 1 1h 15m 1w 5m
@ NS ns.nic
ns.nic A 127.0.0.13
host NS ns.host
ns.host A 127.0.0.15
",
    },
    Plan {
        server: 15,
        apex: "host.lab",
        denial: Denial::Nsec,
        ends: 14,
        records: "
@ SOA ns hostmaster 1 1h 15m 1w 5m
@ NS ns
ns A 127.0.0.15
www A 192.0.2.15
www AAAA 2001:db8::15
*.preview TXT \"any name below preview\"
",
    },
    Plan {
        server: 15,
        apex: "blog.demo",
        denial: HASHED,
        ends: 14,
        records: "
@ SOA ns.host.lab. hostmaster.host.lab. 1 1h 15m 1w 5m
@ NS ns.host.lab.
@ A 192.0.2.16
@ TXT \"its name server stands in another TLD\"
",
    },
    Plan {
        server: 15,
        apex: "bogus.demo",
        denial: Denial::Nsec,
        ends: -7,
        records: "
@ SOA ns.host.lab. hostmaster.host.lab. 1 1h 15m 1w 5m
@ NS ns.host.lab.
www A 192.0.2.66
",
    },
];

/// The steered zone, which is not signed.
const SHOP: &str = r#"
[soa]
primary = "ns"
[records]
"@"   = { NS = "ns", MX = "10 mail" }
ns    = { A = "127.0.0.14" }
mail  = { A = "192.0.2.25" }
www   = { pool = "web" }
near  = { route = "near", ttl = "1s..5s" }
help  = { CNAME = "www.host.lab." }
[pool.web]
members = [{ address = "192.0.2.1", weight = 3 }, { address = "192.0.2.2", weight = 1 }]
[pool.north]
members = ["198.51.100.1"]
[pool.south]
members = ["203.0.113.1"]
[route.near]
fallback = ["north", "south"]
[[route.near.rule]]
cidr = ["203.0.113.0/24"]
use = ["south"]
"#;

/// The server of the steered zone.
pub(super) const SHOP_SERVER: u8 = 14;

/// The last octets of the servers' addresses, the root's first.
pub(super) const SERVERS: [u8; 5] = [11, 12, 13, SHOP_SERVER, 15];

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A plan with its name and its keys: one that the zone above refers to, and one that signs the records.
struct Keyed {
    plan: &'static Plan,
    apex: OwnedName,
    keys: [SigningKey; 2],
}

/// The zones, signed from the root down.
pub(super) struct Internet {
    zones: Vec<(u8, Held)>,
    steering: Steering,
    /// The root's DS.
    root: Rrset,
}

impl Internet {
    /// Makes keys and signs the zones at `now`, seconds of Unix time.
    pub(super) fn new(now: u64) -> Result<Internet, Fatal> {
        let keyed = PLANS.iter().map(Keyed::new).collect::<Result<Vec<Keyed>, Fatal>>()?;
        let mut zones = Vec::new();
        for zone in &keyed {
            let below = keyed.iter().filter(|other| other.zone_above(&keyed) == Some(zone.apex.as_name()));
            let delegations = below.map(Keyed::ds).collect();
            zones.push((zone.plan.server, held(zone.apex.as_name(), zone.sign(delegations, now)?, None)));
        }
        let (shop, steering) = shop()?;
        zones.push((SHOP_SERVER, shop));
        let root = keyed.iter().find(|zone| zone.apex.as_name().is_root()).map(Keyed::ds);
        Ok(Internet { zones, steering, root: root.ok_or("there is no root")? })
    }

    /// What one server has.
    pub(super) fn view(&self, last: u8) -> View {
        let zones = self.zones.iter().filter(|(server, _)| *server == last);
        let zones = ZoneSet::new(zones.map(|(_, zone)| zone.clone()).collect());
        View { zones, steering: vec![self.steering.clone()], recursion: None, ..View::default() }
    }

    /// The root's key: what a validator has to trust.
    pub(super) fn anchors(&self) -> Anchors {
        let ds = self.root.rdatas().iter().map(Into::into).collect();
        let anchor = Anchor { zone: self.root.name.clone(), ds, keys: Vec::new() };
        Anchors::new(vec![anchor], Vec::new(), "made at start")
    }
}

impl Keyed {
    fn new(plan: &'static Plan) -> Result<Keyed, Fatal> {
        let entry = SigningKey::generate(Algorithm::ECDSAP256SHA256, Key::ZONE | Key::ENTRY)?;
        let keys = [entry, SigningKey::generate(Algorithm::ECDSAP256SHA256, Key::ZONE)?];
        Ok(Keyed { plan, apex: plan.apex.parse()?, keys })
    }

    /// The zone that delegates it; none for the root.
    fn zone_above(&self, all: &[Keyed]) -> Option<Name<'_>> {
        let mut above = std::iter::successors(self.apex.as_name().parent(), |name| name.parent());
        above.find(|above| all.iter().any(|zone| zone.apex.as_name() == *above))
    }

    /// What the zone above says of its first key.
    fn ds(&self) -> Rrset {
        let mut set = Rrset::new(self.apex.as_name(), Rtype::DS, 300);
        if let Some(ds) = self.keys[0].ds(self.apex.as_name(), Digest::SHA256) {
            set.push(&ds);
        }
        set
    }

    /// The zone with the DS of those that it delegates, signed.
    fn sign(&self, delegations: Vec<Rrset>, now: u64) -> Result<Zone, Fatal> {
        let (apex, mut diagnostics) = (self.apex.as_name(), Diagnostics::default());
        let text = format!("$TTL 5m\n{}", self.plan.records);
        let zone = zone::master::parse(&text, Path::new("demo.zone"), apex, &mut diagnostics);
        let mut sets = zone.ok_or_else(|| diagnostics.render(false))?.to_rrsets();
        sets.extend(delegations);
        // RRSIG times are Unix time modulo 2³² (RFC 4034 §3.1.5).
        let day = |days: i64| (now as i64 + days * DAY) as u32;
        let validity = Validity { inception: day(-14), expiration: day(self.plan.ends) };
        let signing = Signing { keys: &self.keys, validity, denial: self.plan.denial.clone() };
        let signed = Zone::from_rrsets(apex, &signing.sign(apex, sets)?);
        signed.map_err(|problems| {
            problems.into_iter().map(|problem| problem.message).collect::<String>().into()
        })
    }
}

fn held(apex: Name<'_>, zone: Zone, policy: Option<usize>) -> Held {
    Held { apex: apex.to_owned(), state: Ok(Arc::new(zone)), policy }
}

/// The steered zone.
fn shop() -> Result<(Held, Steering), Fatal> {
    let mut diagnostics = Diagnostics::default();
    let config = Config::parse("", Path::new("demo.toml"), &mut diagnostics);
    let file = ZoneFile::parse(SHOP, Path::new("shop.demo.toml"), &config, &mut diagnostics);
    let (policy, ids) = Policy::compile(&file, None, &Shared::default(), &mut diagnostics);
    let zone = zone::from_file(&file, |i| ids.get(i).copied().flatten(), 1, &mut diagnostics);
    let zone = zone.filter(|_| !diagnostics.has_errors()).ok_or_else(|| diagnostics.render(false))?;
    Ok((held(file.apex.as_name(), zone, Some(0)), Steering::new(policy)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnssec::Rrsig;
    use crate::limits;

    #[test]
    fn every_server_has_its_zones() {
        let internet = Internet::new(1_800_000_000).unwrap();
        for (last, zones) in SERVERS.into_iter().zip([1, 1, 1, 1, 3]) {
            assert_eq!(internet.view(last).zones.len(), zones, "127.0.0.{last}");
        }
    }

    #[test]
    fn every_delegation_but_the_steered_one_is_signed_and_one_zone_s_signatures_have_ended() {
        let now = 1_800_000_000;
        let internet = Internet::new(now).unwrap();
        let (mut cuts, mut ended) = (Vec::new(), Vec::new());
        for (_, zone) in internet.zones.iter().filter(|(server, _)| *server != SHOP_SERVER) {
            let zone = zone.state.as_ref().unwrap();
            zone.for_each(|node| {
                if node.is_cut() {
                    cuts.push((node.name().to_string(), node.rrset(Rtype::DS).is_some()));
                }
            });
            let signature = zone.soa().signatures.iter().next().and_then(Rrsig::read).unwrap();
            if u64::from(signature.expiration + limits::SKEW_MAX) < now {
                ended.push(zone.apex().to_string());
            }
        }
        let cuts: Vec<(&str, bool)> = cuts.iter().map(|(name, signed)| (&**name, *signed)).collect();
        let wanted = [
            ("demo.", true),
            ("lab.", true),
            ("blog.demo.", true),
            ("bogus.demo.", true),
            ("shop.demo.", false),
            ("host.lab.", true),
        ];
        assert_eq!(cuts, wanted);
        assert_eq!(ended, ["bogus.demo."]);
        assert!(internet.anchors().validates());
    }
}
