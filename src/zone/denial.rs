//! The chain of a signed zone's names, and what it proves: that a name or type does not exist (RFC 4035 §3.1.3, RFC 5155 §7.2).

use super::tree::{NameTree, Sought};
use super::{Node, RrsetRef, Zone};
use crate::dnssec::{Nsec3, Nsec3Param};
use crate::limits;
use crate::wire::{Name, NameBuf, Rtype};
use std::sync::Arc;

/// The chain of a zone.
#[derive(Clone, Default)]
pub(super) enum Chain {
    /// The zone has none: nothing is proven.
    #[default]
    None,
    /// NSEC: the nodes that have such a record, without empty non-terminals and what is below cuts.
    Nsec(NameTree<Node>),
    /// NSEC3.
    Nsec3(Hashed),
}

/// The nodes of NSEC3 records, whose names are hashes: they are no names of the zone (RFC 5155 §7.2.8).
#[derive(Clone)]
pub(super) struct Hashed {
    names: NameTree<Node>,
    iterations: u16,
    salt: Arc<[u8]>,
}

impl Hashed {
    pub fn for_each<'z>(&'z self, visit: impl FnMut(&'z Node)) {
        self.names.for_each(visit);
    }
}

/// What is to be proven of a name.
#[derive(Clone, Copy)]
pub enum Denied<'z> {
    /// The name does not exist, and no wildcard stands for it; its closest ancestor that does.
    Name(Name<'z>),
    /// The name exists, but not with the type.
    Type,
    /// The name does not exist, so that this wildcard stands for it.
    Expanded(Name<'z>),
    /// The same, and the wildcard does not have the type either.
    ExpandedType(Name<'z>),
}

/// The nodes whose NSEC or NSEC3 records prove something, each once.
#[derive(Clone, Copy)]
pub struct Proof<'z> {
    nodes: [Option<&'z Node>; 3],
    rtype: Rtype,
}

impl<'z> Proof<'z> {
    fn new(rtype: Rtype) -> Proof<'z> {
        Proof { nodes: [None; 3], rtype }
    }

    fn push(&mut self, node: Option<&'z Node>) {
        let Some(new) = node else { return };
        for place in &mut self.nodes {
            match place {
                Some(there) if there.name() == new.name() => return,
                Some(_) => (),
                None => {
                    *place = node;
                    return;
                }
            }
        }
    }

    /// The first of the nodes.
    pub fn first(self) -> Option<&'z Node> {
        self.nodes[0]
    }

    /// The owners and the records.
    pub fn rrsets(self) -> impl Iterator<Item = (Name<'z>, RrsetRef<'z>)> {
        let nodes = self.nodes.into_iter().flatten();
        nodes.filter_map(move |node| Some((node.name(), node.rrset(self.rtype)?)))
    }
}

impl Zone {
    /// What proves it of a name at or below the apex; nothing in a zone without a chain, and less than all where the chain lacks links.
    pub fn proof(&self, name: Name<'_>, denied: Denied<'_>) -> Proof<'_> {
        match &self.chain {
            Chain::None => Proof::new(Rtype::NSEC),
            Chain::Nsec(names) => prove_by_nsec(names, name, denied),
            Chain::Nsec3(hashed) => Hashing { hashed, apex: self.apex(), name }.prove(denied),
        }
    }
}

/// RFC 4035 §3.1.3.
fn prove_by_nsec<'z>(names: &'z NameTree<Node>, name: Name<'_>, denied: Denied<'_>) -> Proof<'z> {
    let at_or_before = |name: Name<'_>| names.at_or_before(&Sought::new(name));
    let mut proof = Proof::new(Rtype::NSEC);
    // Of an empty non-terminal it is the record before it, which leads to a name below it.
    proof.push(at_or_before(name));
    match denied {
        Denied::Type | Denied::Expanded(_) => (),
        Denied::ExpandedType(wildcard) => proof.push(at_or_before(wildcard)),
        Denied::Name(encloser) => {
            let wildcard = NameBuf::child(b"*", encloser).ok();
            proof.push(wildcard.and_then(|wildcard| at_or_before(wildcard.as_name())));
        }
    }
    proof
}

/// A name in a zone with NSEC3.
struct Hashing<'z, 'n> {
    hashed: &'z Hashed,
    apex: Name<'z>,
    name: Name<'n>,
}

impl<'z> Hashing<'z, '_> {
    /// RFC 5155 §7.2.
    fn prove(&self, denied: Denied<'_>) -> Proof<'z> {
        let mut proof = Proof::new(Rtype::NSEC3);
        match denied {
            Denied::Type => {
                let own = self.matching(self.name);
                proof.push(own);
                if let (None, Some(above)) = (own, self.name.parent()) {
                    // §7.2.4, §7.2.7: the name is one that opting out leaves out.
                    self.enclose(&mut proof, above);
                }
            }
            Denied::Name(encloser) => {
                let encloser = self.enclose(&mut proof, encloser);
                let wildcard = NameBuf::child(b"*", encloser).ok();
                proof.push(wildcard.and_then(|wildcard| self.covering(wildcard.as_name())));
            }
            Denied::Expanded(wildcard) => {
                let encloser = wildcard.parent().unwrap_or(Name::ROOT);
                proof.push(self.covering(self.next_closer(encloser)));
            }
            Denied::ExpandedType(wildcard) => {
                self.enclose(&mut proof, wildcard.parent().unwrap_or(Name::ROOT));
                proof.push(self.matching(wildcard));
            }
        }
        proof
    }

    /// Proves the closest encloser (§7.2.1): its record, or that of the next above it that has one, and the one that covers the name
    /// below that; says which it is.
    fn enclose<'e>(&self, proof: &mut Proof<'z>, closest: Name<'e>) -> Name<'e> {
        let mut encloser = closest;
        let mut own = self.matching(encloser);
        // As often as an existing name has labels at most: names without a record of their own are above delegations.
        while own.is_none() && encloser.is_below(self.apex) {
            encloser = encloser.parent().unwrap_or(Name::ROOT);
            own = self.matching(encloser);
        }
        proof.push(own);
        proof.push(self.covering(self.next_closer(encloser)));
        encloser
    }

    /// The name's ancestor, or itself, one label below `encloser`.
    fn next_closer(&self, encloser: Name<'_>) -> Name<'_> {
        self.name.suffix(encloser.label_count() + 1)
    }

    /// The node at the hash of a name.
    fn matching(&self, name: Name<'_>) -> Option<&'z Node> {
        self.hashed.names.get(self.owner(name)?.as_name())
    }

    /// The last node that is not after the hash of a name; of those before the first it is the last of all.
    fn covering(&self, name: Name<'_>) -> Option<&'z Node> {
        let owner = self.owner(name)?;
        let names = &self.hashed.names;
        names.at_or_before(&Sought::new(owner.as_name())).or_else(|| names.last())
    }

    fn owner(&self, name: Name<'_>) -> Option<NameBuf> {
        let param = Nsec3Param { iterations: self.hashed.iterations, salt: &self.hashed.salt };
        Nsec3::owner(&param.hash(name), self.apex)
    }
}

//----------- Making -------------------------------------------------------------------------------------------------

/// The chain of the zone of these nodes, and what is odd about it; `hashed` are the nodes of NSEC3 records, in order.
pub(super) fn chain(apex: &Node, nodes: &[Node], hashed: Vec<Node>) -> (Chain, Vec<String>) {
    let mut told = Vec::new();
    let chain = match nsec3_chain(apex, hashed, &mut told) {
        Chain::None if apex.rrset(Rtype::NSEC).is_some() => {
            let names = nodes.iter().filter(|node| node.rrset(Rtype::NSEC).is_some());
            Chain::Nsec(NameTree::from_sorted(names.cloned().collect()))
        }
        chain => chain,
    };
    let name = apex.name();
    let signed = apex.rrsets().any(|set| !set.signatures.is_empty());
    if signed && matches!(chain, Chain::None) {
        told.push(format!(
            "the zone {name} is signed, but its own name has no NSEC or NSEC3: what does not exist cannot be proven"
        ));
    }
    if signed && apex.rrset(Rtype::DNSKEY).is_none() {
        told.push(format!("the zone {name} is signed, but has no DNSKEY: nobody can check its signatures"));
    }
    if let Some(steered) = nodes.iter().find(|node| signed && node.steered().is_some()) {
        told.push(format!(
            "{} is steered in a signed zone: its answers have no signatures, and who checks them will not take them",
            steered.name()
        ));
    }
    (chain, told)
}

/// The chain that the first usable NSEC3PARAM tells of. During a change there may be two.
fn nsec3_chain(apex: &Node, hashed: Vec<Node>, told: &mut Vec<String>) -> Chain {
    let name = apex.name();
    let params = apex.rrset(Rtype::NSEC3PARAM);
    let params = params.iter().flat_map(|set| set.rdatas.iter());
    let mut missing = false;
    // RFC 5155 §4.1.2: one with flags is not in use.
    for param in params.filter_map(Nsec3Param::read).filter(|(_, flags, _)| *flags == 0).map(|(p, ..)| p) {
        if param.iterations > limits::ZONE_NSEC3_ITERATIONS {
            told.push(format!(
                "the zone {name} hashes names {} times, more than {}: its NSEC3 chain is not used. Sign it with 0 (RFC 9276)",
                param.iterations,
                limits::ZONE_NSEC3_ITERATIONS
            ));
            continue;
        }
        let of_chain = |node: &&Node| {
            let set = node.rrset(Rtype::NSEC3);
            let mut rdatas = set.iter().flat_map(|set| set.rdatas.iter());
            rdatas.any(|rdata| Nsec3::read(rdata).is_some_and(|record| record.param == param))
        };
        let own = Nsec3::owner(&param.hash(name), name);
        let links: Vec<Node> = hashed.iter().filter(of_chain).cloned().collect();
        if links.iter().any(|node| own.as_ref().is_some_and(|own| own.as_name() == node.name())) {
            if links.len() < hashed.len() {
                let other = hashed.len() - links.len();
                told.push(format!(
                    "{other} NSEC3 records of the zone {name} are of another chain: they are left out"
                ));
            }
            let (iterations, salt) = (param.iterations, param.salt.into());
            return Chain::Nsec3(Hashed { names: NameTree::from_sorted(links), iterations, salt });
        }
        missing = true;
    }
    if missing {
        told.push(format!(
            "the zone {name} has an NSEC3PARAM, but no NSEC3 of its own name with those parameters"
        ));
    }
    if !hashed.is_empty() {
        told.push(format!(
            "the zone {name} has {} NSEC3 records, but no NSEC3PARAM that tells of them: they are left out",
            hashed.len()
        ));
    }
    Chain::None
}
