//! What is trusted from the start: trust anchors for any names, as DS or DNSKEY (RFC 4035 §5), negative trust
//! anchors (RFC 7646), and how anchors follow the rollovers of their zones (RFC 5011). Nothing here checks a
//! signature: the validator does, and says what it saw.

mod file;
mod rollover;
mod state;
#[cfg(test)]
mod tests;
mod trust;

pub use file::Problem;
pub use rollover::{KeyState, Observation, Rollover, SeenKey};
pub use state::StateError;
pub use trust::{Expired, Listed, NegativeError, Trust};

use crate::dnssec::Key;
use crate::rrset::parse_rdata;
use crate::wire::{Name, OwnedName, Rtype};

/// Record data of one record, uncompressed.
pub type Rdata = Box<[u8]>;

/// The root's keys as IANA publishes them (<https://data.iana.org/root-anchors/root-anchors.xml>): KSK-2017
/// and KSK-2024.
const ROOT: [&str; 2] = [
    "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    "38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
];

/// The keys by which a zone is trusted: any one of them may sign its DNSKEY RRset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The zone.
    pub zone: OwnedName,
    /// Digests of keys, as data of DS records.
    pub ds: Vec<Rdata>,
    /// Keys, as data of DNSKEY records.
    pub keys: Vec<Rdata>,
}

impl Anchor {
    /// The tags of all keys, as the sentinel and signals tell them (RFC 8509, RFC 8145). Allocates nothing.
    pub fn tags(&self) -> impl Iterator<Item = u16> {
        let of_ds = |ds: &Rdata| ds.first_chunk().map_or(0, |tag| u16::from_be_bytes(*tag));
        self.ds.iter().map(of_ds).chain(self.keys.iter().map(|key| key_tag(key)))
    }

    /// One without keys.
    fn new(zone: Name<'_>) -> Anchor {
        Anchor { zone: zone.to_owned(), ds: Vec::new(), keys: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.ds.is_empty() && self.keys.is_empty()
    }

    /// Adds what the other has of the same zone.
    fn merge(&mut self, other: Anchor) {
        for (have, more) in [(&mut self.ds, other.ds), (&mut self.keys, other.keys)] {
            for rdata in more {
                if !have.contains(&rdata) {
                    have.push(rdata);
                }
            }
        }
    }
}

/// A name at and below which nothing is validated (RFC 7646), because an operator says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negative {
    /// The name.
    pub name: OwnedName,
    /// When it ends, in seconds of Unix time; none for one of the config.
    pub until: Option<u64>,
    /// Why it is there, in the operator's words.
    pub why: String,
    /// Whether the config has it.
    pub configured: bool,
}

impl Negative {
    /// One of the config, which stays as long as the config has it.
    pub fn configured(name: Name<'_>) -> Negative {
        Negative { name: name.to_owned(), until: None, why: "the config has it".into(), configured: true }
    }

    fn holds(&self, now: u64) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// What decides whether and how a name is validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover<'a> {
    /// No anchor: the name is not validated.
    Nothing,
    /// An operator has switched validation off.
    Negative(&'a Negative),
    /// The name is validated from here down.
    Anchor(&'a Anchor),
}

/// All anchors, positive and negative, at one time. Immutable: changes make another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anchors {
    /// In canonical order, each name once.
    points: Vec<Point>,
    source: String,
}

/// What stands at one name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Point {
    name: OwnedName,
    anchor: Option<Anchor>,
    negative: Option<Negative>,
    /// The closest point above this one.
    above: Option<usize>,
}

impl Anchors {
    /// None: nothing is validated.
    pub fn none() -> Anchors {
        Anchors { points: Vec::new(), source: "none".into() }
    }

    /// The root's.
    pub fn builtin() -> Anchors {
        let mut root = Anchor::new(Name::ROOT);
        for text in ROOT {
            let mut rdata = Vec::new();
            if parse_rdata(Rtype::DS, text, Name::ROOT, &mut rdata).is_ok() {
                root.ds.push(rdata.into());
            }
        }
        Anchors::new(vec![root], Vec::new(), "built in")
    }

    /// Those in the text of a file: DS and DNSKEY records of any names, in master-file syntax. `source` says
    /// where they are from. What is wrong is left out and told.
    pub fn parse(text: &str, source: &str) -> (Anchors, Vec<Problem>) {
        let (anchors, problems) = file::parse(text);
        (Anchors::new(anchors, Vec::new(), source), problems)
    }

    /// These. Of one name, keys are put together, and the last negative one counts.
    pub fn new(anchors: Vec<Anchor>, negatives: Vec<Negative>, source: &str) -> Anchors {
        let point = |name: OwnedName| Point { name, anchor: None, negative: None, above: None };
        let mut points: Vec<Point> = anchors
            .into_iter()
            .filter(|anchor| !anchor.is_empty())
            .map(|anchor| Point { anchor: Some(anchor.clone()), ..point(anchor.zone) })
            .collect();
        points.extend(
            negatives
                .into_iter()
                .map(|negative| Point { negative: Some(negative.clone()), ..point(negative.name) }),
        );
        points.sort_by(|a, b| a.name.cmp(&b.name));
        points.dedup_by(|later, kept| {
            let same = later.name == kept.name;
            if same {
                kept.negative = later.negative.take().or(kept.negative.take());
                match (&mut kept.anchor, later.anchor.take()) {
                    (Some(anchor), Some(more)) => anchor.merge(more),
                    (none, more) => *none = none.take().or(more),
                }
            }
            same
        });
        // In canonical order what is below a name follows it at once.
        let mut open: Vec<usize> = Vec::new();
        for at in 0..points.len() {
            let name = points[at].name.clone();
            while open.pop_if(|above| !name.as_name().is_within(points[*above].name.as_name())).is_some() {}
            points[at].above = open.last().copied();
            open.push(at);
        }
        Anchors { points, source: source.into() }
    }

    /// The same with these negative anchors besides.
    #[must_use]
    pub fn with_negatives(&self, negatives: Vec<Negative>) -> Anchors {
        let all = self.negatives().cloned().chain(negatives).collect();
        Anchors::new(self.iter().cloned().collect(), all, &self.source)
    }

    /// What decides about a name at `now`, in seconds of Unix time: the closest positive or negative anchor
    /// at or above it, of both at one name the negative one (RFC 7646 §2). Allocates nothing.
    pub fn cover(&self, name: Name<'_>, now: u64) -> Cover<'_> {
        // All ancestors of a name stand before it, and its predecessor is below the last of them.
        let mut at = self.points.partition_point(|point| point.name.as_name() <= name).checked_sub(1);
        while let Some(point) = at.and_then(|at| self.points.get(at)) {
            if name.is_within(point.name.as_name()) {
                match (&point.negative, &point.anchor) {
                    (Some(negative), _) if negative.holds(now) => return Cover::Negative(negative),
                    (_, Some(anchor)) => return Cover::Anchor(anchor),
                    _ => (),
                }
            }
            at = point.above;
        }
        Cover::Nothing
    }

    /// Whether anything is validated at all.
    pub fn validates(&self) -> bool {
        self.iter().next().is_some()
    }

    /// The positive anchors in canonical order of their zones.
    pub fn iter(&self) -> impl Iterator<Item = &Anchor> {
        self.points.iter().filter_map(|point| point.anchor.as_ref())
    }

    /// The anchor of exactly this zone.
    pub fn get(&self, zone: Name<'_>) -> Option<&Anchor> {
        let at = self.points.binary_search_by(|point| point.name.as_name().cmp(&zone)).ok()?;
        self.points[at].anchor.as_ref()
    }

    /// The negative anchors in canonical order of their names, those that have run out too.
    pub fn negatives(&self) -> impl Iterator<Item = &Negative> {
        self.points.iter().filter_map(|point| point.negative.as_ref())
    }

    /// Whether a negative anchor is at exactly this name.
    fn has_negative(&self, name: Name<'_>) -> bool {
        let at = self.points.binary_search_by(|point| point.name.as_name().cmp(&name));
        at.is_ok_and(|at| self.points[at].negative.is_some())
    }

    /// Where the positive ones are from: "built in", "none", or the path of a file.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// The bits of DNSKEY flags that matter to anchors.
mod flags {
    /// The key signs a zone (RFC 4034 §2.1.1).
    pub const ZONE: u16 = 0x0100;
    /// It is revoked (RFC 5011 §2.1).
    pub const REVOKE: u16 = 0x0080;
    /// It is an entry point: one that others trust, and RFC 5011 follows.
    pub const SEP: u16 = 0x0001;
}

/// The flags of DNSKEY data; none when it has none.
fn flags_of(key: &[u8]) -> u16 {
    key.first_chunk().map_or(0, |flags| u16::from_be_bytes(*flags))
}

/// The tag of DNSKEY data.
fn key_tag(key: &[u8]) -> u16 {
    Key::read(key).map_or(0, |key| key.tag())
}
