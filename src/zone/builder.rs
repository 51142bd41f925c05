//! Makes a zone of records in any order and says what is wrong with it.

use super::node::flag;
use super::{Node, RrsetRef, SteerId, Zone, denial};
use crate::limits;
use crate::rrset::{Rdatas, additional_name, canonical_order, write_rdata};
use crate::wire::{
    Class, Flags, Header, Name, NameBuf, OwnedName, Rtype, Section, Writer, read_u16, read_u32,
};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

/// Offsets into the arena are 32 bits.
const TOO_LARGE: &str = "the zone is larger than 4 GiB: part it";

/// Octets before a record's data in the arena.
const HEAD: usize = 16;

/// Collects the records of one zone. Compact: a million records cost little more than their wire form.
pub struct Builder {
    apex: OwnedName,
    /// Records one after the other: offset of the owner (4), tag (4), TTL (4), type (2), data length (2), data. Owners stand
    /// between them, one for each run of records that share it.
    arena: Vec<u8>,
    records: Vec<Entry>,
    last_owner: Option<Range<usize>>,
    steered: BTreeMap<OwnedName, (SteerId, u32)>,
    problems: Vec<Problem>,
}

/// A record to be sorted: most comparisons end with the prefix.
struct Entry {
    prefix: u64,
    at: u32,
}

/// What makes a zone unusable or strange. `tag` is what the loader gave with the record: a line number, an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which record; none for the zone as a whole.
    pub tag: Option<u32>,
    /// Whether the zone can still be served.
    pub fatal: bool,
    /// What is wrong and the cure.
    pub message: String,
}

/// A record in the arena, which starts `at` there.
#[derive(Clone, Copy)]
struct Stored<'a> {
    at: u32,
    owner: Name<'a>,
    tag: u32,
    ttl: u32,
    rtype: Rtype,
    rdata: &'a [u8],
}

impl Builder {
    /// A zone named `apex`, without records yet.
    pub fn new(apex: Name<'_>) -> Builder {
        Builder {
            apex: apex.to_owned(),
            arena: Vec::new(),
            records: Vec::new(),
            last_owner: None,
            steered: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Adds a record (class IN, uncompressed data checked by `rrset::check_rdata`). Duplicates are dropped when the zone is made.
    pub fn add(&mut self, owner: Name<'_>, rtype: Rtype, ttl: u32, rdata: &[u8], tag: u32) {
        if !owner.is_within(self.apex.as_name()) {
            let message = format!(
                "{owner} is not in the zone {}: move it to its own zone, or end its name without a dot",
                self.apex
            );
            return self.problem(Some(tag), true, message);
        }
        if rtype.is_meta() {
            return self.problem(Some(tag), true, format!("{rtype} is a type of questions, not of records"));
        }
        if rtype == Rtype::SOA && owner != self.apex.as_name() {
            return self.problem(
                Some(tag),
                true,
                format!("SOA stands only at {}, the zone's own name", self.apex),
            );
        }
        if self.arena.len() + owner.len() + HEAD + rdata.len() > u32::MAX as usize {
            if self.problems.last().is_none_or(|last| last.message != TOO_LARGE) {
                self.problem(None, true, TOO_LARGE.into());
            }
            return;
        }
        let prefix = sort_prefix(owner, self.apex.as_name());
        let owner_at = self.intern(owner);
        // RFC 2181 §8: a TTL with the top bit set counts as zero.
        let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
        self.records.push(Entry { prefix, at: self.arena.len() as u32 });
        self.arena.extend((owner_at as u32).to_be_bytes());
        self.arena.extend(tag.to_be_bytes());
        self.arena.extend(ttl.to_be_bytes());
        self.arena.extend(rtype.0.to_be_bytes());
        self.arena.extend((rdata.len() as u16).to_be_bytes());
        self.arena.extend(rdata);
    }

    /// Steers a name: its A and AAAA (or CNAME) come from `id`.
    pub fn steer(&mut self, owner: Name<'_>, id: SteerId, tag: u32) {
        if !owner.is_within(self.apex.as_name()) {
            return self.problem(Some(tag), true, format!("{owner} is not in the zone {}", self.apex));
        }
        self.steered.insert(owner.to_owned(), (id, tag));
    }

    /// Makes the zone. Problems that are not fatal come with it.
    pub fn finish(mut self) -> Result<(Zone, Vec<Problem>), Vec<Problem>> {
        let mut records = std::mem::take(&mut self.records);
        records.sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| self.compare(a, b)));
        let (nodes, hashed) = self.pack(&records);
        drop(records);
        self.arena = Vec::new();
        self.check_targets(&nodes);
        let made = self.make(nodes, hashed);
        match made {
            Some(zone) if !self.problems.iter().any(|p| p.fatal) => Ok((zone, self.problems)),
            _ => Err(self.problems),
        }
    }

    /// Keeps a problem; past what is told only the first that is fatal.
    fn problem(&mut self, tag: Option<u32>, fatal: bool, message: String) {
        let full = self.problems.len() >= limits::ZONE_PROBLEMS;
        if !full || fatal && !self.problems.iter().any(|problem| problem.fatal) {
            self.problems.push(Problem { tag, fatal, message });
        }
    }

    /// Where this owner stands in the arena; written again unless it was the last one written, byte for byte.
    fn intern(&mut self, owner: Name<'_>) -> usize {
        match &self.last_owner {
            Some(range) if self.arena[range.clone()] == *owner.as_bytes() => range.start,
            _ => {
                let start = self.arena.len();
                self.arena.extend(owner.as_bytes());
                self.last_owner = Some(start..self.arena.len());
                start
            }
        }
    }

    fn stored(&self, entry: &Entry) -> Stored<'_> {
        let at = entry.at as usize;
        let u32_at = |i| read_u32(&self.arena, at + i).unwrap_or(0);
        let len = read_u16(&self.arena, at + 14).unwrap_or(0) as usize;
        let owner = &self.arena[u32_at(0) as usize..];
        Stored {
            at: entry.at,
            owner: Name::parse(owner).map_or(Name::ROOT, |(name, _)| name),
            tag: u32_at(4),
            ttl: u32_at(8),
            rtype: Rtype(read_u16(&self.arena, at + 12).unwrap_or(0)),
            rdata: &self.arena[at + HEAD..at + HEAD + len],
        }
    }

    /// By owner, type, then order of writing.
    fn compare(&self, a: &Entry, b: &Entry) -> Ordering {
        let (left, right) = (self.stored(a), self.stored(b));
        left.owner.cmp(&right.owner).then(left.rtype.cmp(&right.rtype)).then(a.at.cmp(&b.at))
    }

    /// Makes the nodes, steered names and empty non-terminals among them, in canonical order; and likewise those of NSEC3 records.
    fn pack(&mut self, records: &[Entry]) -> (Vec<Node>, Vec<Node>) {
        let mut nodes = Nodes {
            apex: self.apex.clone(),
            list: Vec::with_capacity(records.len()),
            hashed: Vec::new(),
            scratch: Vec::new(),
            sets: Vec::new(),
        };
        let steered = std::mem::take(&mut self.steered);
        let mut steered = steered.iter().peekable();
        let (mut problems, mut own) = (Vec::new(), Vec::new());
        let mut rest = records;
        while let Some(first) = rest.first() {
            let owner = self.stored(first).owner;
            let run =
                rest.iter().take_while(|e| e.prefix == first.prefix && self.stored(e).owner == owner).count();
            own.clear();
            for set in rest[..run].chunk_by(|a, b| self.stored(a).rtype == self.stored(b).rtype) {
                let start = own.len();
                own.extend(set.iter().map(|entry| self.stored(entry)));
                drop_duplicates(&mut own, start);
            }
            rest = &rest[run..];
            while let Some((name, (id, _))) = steered.next_if(|(name, _)| name.as_name() < owner) {
                nodes.push(name.as_name(), Some(*id));
            }
            let steer =
                steered.next_if(|(name, _)| name.as_name() == owner).map(|(_, (id, tag))| (*id, *tag));
            nodes.gather(&own, &mut problems);
            check_owner(&own, steer, &mut problems);
            nodes.push(owner, steer.map(|(id, _)| id));
        }
        for (name, (id, _)) in steered {
            nodes.push(name.as_name(), Some(*id));
        }
        self.problems.extend(problems);
        (nodes.list, nodes.hashed)
    }

    /// Warns of delegations that cannot work: an NS in the zone without an address, or with a CNAME (RFC 1912 §2.4, §2.8).
    fn check_targets(&mut self, nodes: &[Node]) {
        let find =
            |name: Name<'_>| nodes.binary_search_by(|node| node.name().cmp(&name)).ok().map(|i| &nodes[i]);
        let mut problems = Vec::new();
        for node in nodes {
            let Some(set) = node.rrset(Rtype::NS) else { continue };
            for target in set.rdatas.iter().filter_map(|rdata| additional_name(Rtype::NS, rdata)) {
                let covered = |node: &Node| {
                    node.rrset(Rtype::A).is_some()
                        || node.rrset(Rtype::AAAA).is_some()
                        || node.steered().is_some()
                };
                if !target.is_within(self.apex.as_name()) || find(target).is_some_and(covered) {
                    continue;
                }
                // What a cut elsewhere delegates is not ours to know, except below the very name that needs it.
                let delegated = ancestors(target, self.apex.as_name())
                    .any(|name| name != node.name() && find(name).is_some_and(Node::is_cut));
                let wildcard = ancestors(target, self.apex.as_name())
                    .any(|name| NameBuf::child(b"*", name).is_ok_and(|star| find(star.as_name()).is_some()));
                if !delegated && !wildcard {
                    let message = format!(
                        "{} has the name server {target}, which has no address here: add its A or AAAA",
                        node.name()
                    );
                    problems.push(Problem { tag: None, fatal: false, message });
                }
            }
        }
        problems.truncate(limits::ZONE_PROBLEMS);
        self.problems.extend(problems);
    }

    /// The zone of these nodes, if it has a proper apex.
    fn make(&mut self, nodes: Vec<Node>, hashed: Vec<Node>) -> Option<Zone> {
        let apex_node = nodes.first().filter(|node| node.name() == self.apex.as_name()).cloned();
        let Some((apex_node, soa)) =
            apex_node.as_ref().and_then(|node| Some((node, node.rrset(Rtype::SOA)?)))
        else {
            self.problem(None, true, format!("the zone {} has no SOA record", self.apex));
            return None;
        };
        if apex_node.rrset(Rtype::NS).is_none() {
            self.problem(
                None,
                false,
                format!("the zone {} has no NS record at its own name: resolvers need one", self.apex),
            );
        }
        let rdata = soa.rdatas.iter().next().unwrap_or_default();
        let numbers = rdata.len().checked_sub(20)?;
        let (serial, minimum) = (read_u32(rdata, numbers)?, read_u32(rdata, numbers + 16)?);
        let (apex_node, negative_ttl) = (apex_node.clone(), soa.ttl.min(minimum));
        let (chain, told) = denial::chain(&apex_node, &nodes, hashed);
        told.into_iter().for_each(|message| self.problem(None, false, message));
        let names = super::tree::NameTree::from_sorted(nodes);
        let mut zone = Zone { apex_node, names, chain, records: 0, negative_ttl, serial };
        let mut records = 0;
        let mut count = |node: &Node| records += node.rrsets().map(|set| set.record_count()).sum::<usize>();
        zone.for_each(&mut count);
        zone.for_each_hashed(&mut count);
        zone.records = records;
        Some(zone)
    }
}

/// The ancestors of `name` within the zone, itself excluded, the apex too.
fn ancestors<'n>(name: Name<'n>, apex: Name<'_>) -> impl Iterator<Item = Name<'n>> {
    let depth = name.label_count() - apex.label_count();
    std::iter::successors(name.parent(), |name| name.parent()).take(depth.saturating_sub(1))
}

/// The nodes made so far and the RRsets of the next.
struct Nodes {
    apex: OwnedName,
    list: Vec<Node>,
    /// The nodes of NSEC3 records.
    hashed: Vec<Node>,
    scratch: Vec<u8>,
    /// The RRsets of the next node.
    sets: Vec<Set>,
}

/// An RRset, its records and signatures in storage form.
struct Set {
    rtype: Rtype,
    ttl: u32,
    rdatas: Vec<u8>,
    signatures: Vec<u8>,
}

impl Set {
    fn as_ref(&self) -> RrsetRef<'_> {
        let (rdatas, signatures) = (Rdatas::stored(&self.rdatas), Rdatas::stored(&self.signatures));
        RrsetRef { rtype: self.rtype, ttl: self.ttl, rdatas, signatures }
    }
}

/// Appends a record's data to a storage form.
fn store(stored: &mut Vec<u8>, rdata: &[u8]) {
    stored.extend((rdata.len() as u16).to_be_bytes());
    stored.extend(rdata);
}

impl Nodes {
    /// Takes the records of the next node, sorted by type.
    fn gather(&mut self, records: &[Stored<'_>], problems: &mut Vec<Problem>) {
        let warning = |tag, message| Problem { tag: Some(tag), fatal: false, message };
        for record in records.iter().filter(|record| record.rtype != Rtype::RRSIG) {
            let (rtype, ttl) = (record.rtype, record.ttl);
            let last = match self.sets.last() {
                Some(set) if set.rtype == rtype => self.sets.len() - 1,
                _ => {
                    self.sets.push(Set { rtype, ttl, rdatas: Vec::new(), signatures: Vec::new() });
                    self.sets.len() - 1
                }
            };
            let set = &mut self.sets[last];
            if set.ttl != ttl {
                // RFC 2181 §5.2: one TTL for an RRset; the lesser is safe.
                set.ttl = set.ttl.min(ttl);
                let owner = record.owner;
                let message =
                    format!("{owner} {rtype} has records of different TTLs; {} is used for all", set.ttl);
                problems.push(warning(record.tag, message));
            }
            store(&mut set.rdatas, record.rdata);
        }
        for record in records.iter().filter(|record| record.rtype == Rtype::RRSIG) {
            // RFC 4034 §3.1.1: first the type that is covered.
            let covered = Rtype(read_u16(record.rdata, 0).unwrap_or(0));
            match self.sets.iter_mut().find(|set| set.rtype == covered) {
                Some(set) => store(&mut set.signatures, record.rdata),
                None => {
                    let message = format!(
                        "{} has an RRSIG of {covered}, which is not there: it is left out",
                        record.owner
                    );
                    problems.push(warning(record.tag, message));
                }
            }
        }
    }

    /// Makes the node `owner` of what was gathered, after the empty non-terminals above it.
    fn push(&mut self, owner: Name<'_>, steer: Option<SteerId>) {
        if let Some(at) = self.sets.iter().position(|set| set.rtype == Rtype::NSEC3) {
            let set = self.sets.remove(at);
            self.hashed.push(Node::pack(&mut self.scratch, owner, None, 0, &[set.as_ref()]));
            if self.sets.is_empty() && steer.is_none() {
                return;
            }
        }
        let apex_labels = self.apex.as_name().label_count();
        let shared =
            self.list.last().map_or(apex_labels, |last| last.name().common_ancestor(owner).label_count());
        for labels in shared + 1..owner.label_count() {
            let empty = owner.suffix(labels);
            self.list.push(Node::pack(&mut self.scratch, empty, None, 0, &[]));
            // RFC 4592 §2.2.3: a wildcard that is an empty non-terminal is one too.
            self.mark_wildcard(empty);
        }
        let sets: Vec<RrsetRef<'_>> = self.sets.iter().map(Set::as_ref).collect();
        let has = |rtype| sets.iter().any(|set| set.rtype == rtype);
        let cut = if has(Rtype::NS) && owner.label_count() > apex_labels { flag::CUT } else { 0 };
        let dname = if has(Rtype::DNAME) { flag::DNAME } else { 0 };
        self.list.push(Node::pack(&mut self.scratch, owner, steer, cut | dname, &sets));
        self.sets.clear();
        self.mark_wildcard(owner);
    }

    /// Notes at the parent of a name that is a wildcard, which was made before it, that the wildcard is there.
    fn mark_wildcard(&mut self, owner: Name<'_>) {
        let Some(parent) = owner.parent().filter(|_| owner.is_wildcard()) else { return };
        if let Ok(at) = self.list.binary_search_by(|node| node.name().cmp(&parent)) {
            self.list[at] = self.list[at].with_flags(flag::WILDCARD_CHILD);
        }
    }
}

/// Says what may not stand together at one name (RFC 1034 §3.6.2, RFC 2181 §10.1, RFC 6672 §2.4).
fn check_owner(records: &[Stored<'_>], steer: Option<(SteerId, u32)>, problems: &mut Vec<Problem>) {
    let mut fatal = |tag, message| problems.push(Problem { tag: Some(tag), fatal: true, message });
    let (mut previous, mut cname): (Option<Rtype>, bool) = (None, false);
    for record in records {
        let (owner, rtype) = (record.owner, record.rtype);
        let single = matches!(rtype, Rtype::SOA | Rtype::CNAME | Rtype::DNAME);
        if single && previous == Some(rtype) {
            fatal(record.tag, format!("{owner} has more than one {rtype}: keep one"));
        }
        let beside_cname = |rtype| {
            matches!(rtype, Rtype::CNAME | Rtype::RRSIG | Rtype::NSEC | Rtype::KEY | Rtype::SIG | Rtype::NXT)
        };
        // The types below CNAME's number came before it, those above come after.
        if rtype == Rtype::CNAME && previous.is_some_and(|previous| !beside_cname(previous))
            || cname && !beside_cname(rtype)
        {
            fatal(record.tag, format!("{owner} has a CNAME and other data: a CNAME stands alone"));
        }
        if steer.is_some() && matches!(rtype, Rtype::A | Rtype::AAAA | Rtype::CNAME) {
            fatal(
                record.tag,
                format!("{owner} is steered, so its {rtype} comes from the pool: remove one of the two"),
            );
        }
        cname |= rtype == Rtype::CNAME;
        previous = Some(rtype);
    }
    for set in records.chunk_by(|a, b| a.rtype == b.rtype).filter(|set| !fits_a_message(set)) {
        let (owner, rtype) = (set[0].owner, set[0].rtype);
        let message = format!(
            "{owner} has {} {rtype} records, more than a message of 65535 octets holds: remove some",
            set.len()
        );
        fatal(set[0].tag, message);
    }
}

/// Drops the records from `start` on, an RRset in file order, that are there already (RFC 2181 §5); the first spelling stays.
fn drop_duplicates(records: &mut Vec<Stored<'_>>, start: usize) {
    if records.len() - start < 2 {
        return;
    }
    let mut set = records.split_off(start);
    let order = |a: &Stored<'_>, b: &Stored<'_>| canonical_order(a.rtype, a.rdata, b.rdata);
    set.sort_by(order);
    set.dedup_by(|later, first| order(later, first).is_eq());
    set.sort_unstable_by_key(|record| record.at);
    records.append(&mut set);
}

/// Whether one reply holds the RRset, names compressed.
fn fits_a_message(set: &[Stored<'_>]) -> bool {
    let (owner, limit) = (set[0].owner, usize::from(u16::MAX));
    // A header, the question, and for each record a pointer to the owner, type, class, TTL and length.
    let plain =
        Header::LEN + owner.len() + 4 + set.iter().map(|record| 12 + record.rdata.len()).sum::<usize>();
    if plain <= limit {
        return true;
    }
    let mut room = vec![0; limit];
    let mut writer = Writer::new(&mut room, limit, 0, Flags::default());
    let written = writer.question(owner, set[0].rtype, Class::IN).and_then(|()| {
        set.iter().try_for_each(|record| {
            writer.record(Section::Answer, owner, record.rtype, Class::IN, record.ttl)?;
            writer.rdata(|writer| write_rdata(writer, record.rtype, record.rdata))
        })
    });
    written.is_ok()
}

/// The first octets of the labels below the apex, root side first, lower case, so that a lesser prefix is a lesser name. The end of
/// a label is 0. It stops at an octet of 0 or 1, both written as 1: what follows is left to the full comparison.
fn sort_prefix(owner: Name<'_>, apex: Name<'_>) -> u64 {
    let apex_labels = apex.label_count();
    let (mut prefix, mut shift) = (0u64, 64);
    for labels in apex_labels + 1..=owner.label_count() {
        for octet in owner.suffix(labels).first_label().iter().map(u8::to_ascii_lowercase) {
            if shift == 0 {
                return prefix;
            }
            shift -= 8;
            prefix |= u64::from(octet.max(1)) << shift;
            if octet <= 1 {
                return prefix;
            }
        }
        shift = match shift {
            0 => return prefix,
            _ => shift - 8,
        };
    }
    prefix
}
