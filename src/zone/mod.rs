//! Own zones: immutable [`Zone`]s in a [`ZoneSet`], both persistent trees that share what did not change; loading them from
//! TOML and master files; lookup (RFC 1034 §4.3.2, RFC 4592); and the proofs that signed zones have. A name may carry a [`SteerId`],
//! opaque here.
//!
//! Invariants of a zone: the apex has exactly one SOA; every ancestor of a name down from the apex is a node, with or without
//! data; a CNAME stands alone; record data was checked against its type.

mod builder;
mod denial;
mod from_file;
mod list;
mod lookup;
pub mod master;
mod node;
mod print;
mod set;
mod signing;
mod special;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_signing;
#[cfg(test)]
pub(crate) mod tests_of_denial;
pub mod tree;

pub use builder::{Builder, Problem};
pub use denial::{Denied, Proof};
pub use from_file::from_file;
pub use lookup::Lookup;
pub use node::{Node, RrsetRef, Rrsets};
pub use print::print;
pub use set::{Held, ZoneSet};
pub use signing::{Denial, Signing, SigningError};
pub use special::special_use;

use crate::wire::{Name, Rtype};
use tree::NameTree;

/// A pool or route of the zone's steering policy: an index that only `steer` understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SteerId(pub u32);

/// A zone: its names in a persistent tree, its apex at hand.
#[derive(Clone)]
pub struct Zone {
    apex_node: Node,
    names: NameTree<Node>,
    chain: denial::Chain,
    records: usize,
    negative_ttl: u32,
    serial: u32,
}

impl Zone {
    /// The name of the zone.
    pub fn apex(&self) -> Name<'_> {
        self.apex_node.name()
    }

    /// The SOA RRset.
    pub fn soa(&self) -> RrsetRef<'_> {
        self.apex_node.rrset(Rtype::SOA).expect("a zone is only built with an SOA")
    }

    /// The SOA's serial.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// TTL of the SOA in negative answers: the lesser of its own and its minimum field (RFC 2308 §3).
    pub fn negative_ttl(&self) -> u32 {
        self.negative_ttl
    }

    /// How many records it has.
    pub fn record_count(&self) -> usize {
        self.records
    }

    /// Visits the nodes of NSEC3 records, whose names are no names of the zone.
    pub(crate) fn for_each_hashed<'z>(&'z self, visit: impl FnMut(&'z Node)) {
        if let denial::Chain::Nsec3(hashed) = &self.chain {
            hashed.for_each(visit);
        }
    }

    /// Visits every node in canonical order, empty non-terminals and what is below cuts included.
    pub fn for_each<'z>(&'z self, visit: impl FnMut(&'z Node)) {
        self.names.for_each(visit);
    }
}
