//! Delegations: which servers to ask for a zone. Parent-centric: they are learnt from referrals and kept apart from answers.

use crate::clock::Instant;
use crate::limits;
use crate::rrset::Rrset;
use crate::wire::{Name, OwnedName, Rtype};
use crate::zone::tree::{NameTree, Named, Sought};
use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

/// Who answers for a zone.
#[derive(Clone, Debug)]
pub(super) struct Delegation {
    /// The zone.
    pub zone: OwnedName,
    /// Its servers.
    pub servers: Servers,
    /// When it ends.
    pub expires: Instant,
    /// What came with it of its DS, not yet believed: the set, or what denies it; and when.
    pub evidence: Vec<Rrset>,
    pub heard: Instant,
}

/// The servers of a delegation.
#[derive(Clone, Debug)]
pub(super) enum Servers {
    /// Authoritative servers by name, with the addresses that came with the delegation.
    Named(Vec<(OwnedName, Vec<IpAddr>)>),
    /// Addresses from the config: of authoritative servers (a stub) or recursive ones (a forward).
    Fixed {
        /// The addresses.
        addresses: Vec<SocketAddr>,
        /// Whether they recurse.
        forward: bool,
        /// Whether others may be asked when they fail.
        fallback: bool,
    },
}

impl Delegation {
    /// One that the config gives.
    pub fn unending(zone: OwnedName, servers: Servers) -> Delegation {
        Delegation {
            zone,
            servers,
            expires: Instant::from_nanos(u64::MAX),
            evidence: Vec::new(),
            heard: Instant::ZERO,
        }
    }

    /// Whether its servers recurse.
    pub fn is_forward(&self) -> bool {
        matches!(self.servers, Servers::Fixed { forward: true, .. })
    }
}

impl Named for Delegation {
    fn name(&self) -> Name<'_> {
        self.zone.as_name()
    }
}

/// Delegations known to all shards, bounded.
#[derive(Default)]
pub(super) struct Delegations(Mutex<NameTree<Arc<Delegation>>>);

impl Delegations {
    /// The deepest one known for a question: for DS that of the parent side (RFC 4035 §3.1.4.1).
    pub fn closest(&self, name: Name<'_>, rtype: Rtype, now: Instant) -> Option<Arc<Delegation>> {
        let tree = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut found = None;
        let _ = tree.walk(&Sought::new(name), |delegation: &Arc<Delegation>| {
            let at_name = delegation.zone.as_name().len() == name.len();
            if delegation.expires > now && !(at_name && rtype == Rtype::DS && !name.is_root()) {
                found = Some(Arc::clone(delegation));
            }
            ControlFlow::<()>::Continue(())
        });
        found
    }

    /// What came with the delegation of exactly this zone of its DS.
    pub fn evidence(&self, zone: Name<'_>, now: Instant) -> Vec<Rrset> {
        let tree = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = tree.get(zone).filter(|delegation| delegation.expires > now);
        let Some(known) = known else { return Vec::new() };
        // It holds no longer than it was given for, however long the delegation does.
        let age = u32::try_from(now.since(known.heard).as_secs()).unwrap_or(u32::MAX);
        let aged = |set: &Rrset| {
            let mut aged = set.clone();
            aged.ttl = set.ttl.checked_sub(age).filter(|ttl| *ttl > 0)?;
            Some(aged)
        };
        known.evidence.iter().map(aged).collect::<Option<_>>().unwrap_or_default()
    }

    /// Forgets that of a zone, or of the zone and all below it.
    pub fn forget(&self, zone: Name<'_>, below: bool) {
        let mut tree = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !below {
            *tree = tree.remove(zone);
            return;
        }
        let mut kept = Vec::new();
        tree.for_each(|delegation| {
            if !delegation.zone.as_name().is_within(zone) {
                kept.push(Arc::clone(delegation));
            }
        });
        *tree = NameTree::from_sorted(kept);
    }

    /// Adds one, or replaces it.
    pub fn insert(&self, delegation: Arc<Delegation>, now: Instant) {
        let mut tree = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tree.len() >= limits::DELEGATIONS {
            *tree = pruned(&tree, now);
        }
        *tree = tree.insert(delegation);
    }
}

/// Half of the delegations: those that hold longest.
fn pruned(tree: &NameTree<Arc<Delegation>>, now: Instant) -> NameTree<Arc<Delegation>> {
    let mut kept = Vec::new();
    tree.for_each(|delegation| kept.push(Arc::clone(delegation)));
    kept.retain(|delegation| delegation.expires > now);
    let mut ends: Vec<Instant> = kept.iter().map(|delegation| delegation.expires).collect();
    if ends.len() > limits::DELEGATIONS / 2 {
        let middle = ends.len() / 2;
        let (_, &mut median, _) = ends.select_nth_unstable(middle);
        kept.retain(|delegation| delegation.expires > median);
    }
    NameTree::from_sorted(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_forgotten_alone_or_with_what_is_below_it() {
        let zones = [".", "com.", "example.com.", "a.example.com.", "notexample.com.", "net."];
        for (zone, below, left) in [
            ("Example.com.", false, [true, true, false, true, true, true]),
            ("example.com.", true, [true, true, false, false, true, true]),
            ("none.com.", true, [true; 6]),
            (".", false, [true; 6]),
            (".", true, [false; 6]),
        ] {
            let known = crate::resolve::Known::default();
            for zone in zones {
                let servers = Servers::Named(Vec::new());
                let delegation = Delegation {
                    expires: Instant::from_secs(9),
                    ..Delegation::unending(zone.parse().unwrap(), servers)
                };
                known.delegations[0].insert(Arc::new(delegation), Instant::ZERO);
            }
            known.flush(zone.parse::<OwnedName>().unwrap().as_name(), below);
            let found = zones.map(|zone| {
                let name: OwnedName = zone.parse().unwrap();
                let closest = known.delegations[0].closest(name.as_name(), Rtype::A, Instant::ZERO);
                closest.is_some_and(|closest| closest.zone == name)
            });
            assert_eq!(found, left, "{zone} {below}");
        }
    }
}
