//! A zone as a list of RRsets, and back.

use super::{Builder, Node, Problem, Zone};
use crate::rrset::Rrset;
use crate::wire::{Name, Rtype};

impl Zone {
    /// The zone `apex` of these RRsets and their signatures, which may come in any order. The problems are those for which it cannot be
    /// served.
    pub fn from_rrsets(apex: Name<'_>, sets: &[Rrset]) -> Result<Zone, Vec<Problem>> {
        let mut builder = Builder::new(apex);
        for set in sets {
            let mut add = |rtype, rdata: &[u8]| builder.add(set.name.as_name(), rtype, set.ttl, rdata, 0);
            set.rdatas().iter().for_each(|rdata| add(set.rtype, rdata));
            set.signatures().iter().for_each(|rdata| add(Rtype::RRSIG, rdata));
        }
        Ok(builder.finish()?.0)
    }

    /// Its RRsets in canonical order, those of NSEC3 last, each with its signatures. What a steered name answers is not among them.
    pub fn to_rrsets(&self) -> Vec<Rrset> {
        let mut sets = Vec::new();
        let mut list = |node: &Node| {
            for set in node.rrsets() {
                sets.push(Rrset::of(node.name(), set.rtype, set.ttl, set.rdatas, set.signatures));
            }
        };
        self.for_each(&mut list);
        self.for_each_hashed(&mut list);
        sets
    }
}
