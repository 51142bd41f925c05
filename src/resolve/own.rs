//! What own zones know of where to ask: they come before anybody else here too.

use super::{Resolver, Start, scrub};
use crate::wire::{Name, Rtype};
use crate::zone::{Lookup, Node, RrsetRef, Zone, ZoneSet};
use std::net::IpAddr;

/// What own zones say of a name server's name.
pub(super) enum Own {
    /// None of them holds it.
    No,
    /// One does, with these addresses or with none.
    Addresses(Vec<IpAddr>),
    /// It lies below a delegation of one.
    Below(Start),
}

impl Resolver {
    /// Asks own zones for a name server's addresses, unless a route of the config lies between.
    pub(super) fn own_addresses(&self, name: Name<'_>, rtype: Rtype) -> Own {
        let Some(held) = self.zones.find(name, rtype) else { return Own::No };
        let route = self.settings.route(name).map_or(0, |route| route.zone.as_name().len());
        if route > held.apex.as_name().len() {
            return Own::No;
        }
        let Ok(zone) = &held.state else { return Own::Addresses(Vec::new()) };
        match zone.lookup(name, rtype) {
            Lookup::Cut(cut) => Own::Below(start(&self.zones, zone, cut, name)),
            Lookup::Name { node, .. } => Own::Addresses(addresses(node.rrset(rtype)).collect()),
            _ => Own::Addresses(Vec::new()),
        }
    }
}

/// An own zone's delegation for `name`, for the resolver to start from, with all addresses that own zones have.
pub fn start(zones: &ZoneSet, zone: &Zone, cut: &Node, name: Name<'_>) -> Start {
    let elsewhere = |name| match zones.find(name, Rtype::A)?.state.as_ref().ok()?.lookup(name, Rtype::A) {
        Lookup::Name { node, .. } => Some(node),
        _ => None,
    };
    let glue = |name| {
        let node = zone.node(name).or_else(|| elsewhere(name));
        let sets = node.into_iter().flat_map(|node| [Rtype::A, Rtype::AAAA].map(|rtype| node.rrset(rtype)));
        sets.flat_map(addresses).collect()
    };
    let servers = cut.rrset(Rtype::NS).into_iter().flat_map(|set| set.rdatas.iter());
    let names = servers.filter_map(|rdata| Name::from_wire(rdata).ok());
    // A wildcard cut stands for the name below its parent that leads to `name`.
    let labels = cut.name().label_count();
    let zone = if cut.name().is_wildcard() { name.suffix(labels) } else { cut.name() };
    let ds = cut.rrset(Rtype::DS).into_iter().flat_map(|set| set.rdatas.iter());
    let servers = names.map(|name| (name.to_owned(), glue(name))).collect();
    Start { zone: zone.to_owned(), servers, ds: ds.map(Into::into).collect() }
}

/// The addresses in an A or AAAA set.
fn addresses(set: Option<RrsetRef<'_>>) -> impl Iterator<Item = IpAddr> {
    set.into_iter()
        .flat_map(|set| set.rdatas.iter().filter_map(move |rdata| scrub::address(set.rtype, rdata)))
}
