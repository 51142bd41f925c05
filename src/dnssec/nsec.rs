//! NSEC records as views of their data.

use super::TypeBitmap;
use crate::wire::Name;

/// An NSEC record's data (RFC 4034 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nsec<'a> {
    /// The next name of the zone that owns something.
    pub next: Name<'a>,
    /// What its owner has.
    pub types: TypeBitmap<'a>,
}

impl<'a> Nsec<'a> {
    /// Reads record data.
    pub fn read(rdata: &'a [u8]) -> Option<Nsec<'a>> {
        let (next, types) = Name::parse(rdata).ok()?;
        Some(Nsec { next, types: TypeBitmap(types) })
    }

    /// The closest encloser of a name that the record of `owner` covers: of the ancestors that it shares with the two names the longer.
    pub fn closest_encloser<'n>(&self, owner: Name<'_>, name: Name<'n>) -> Name<'n> {
        let (a, b) = (name.common_ancestor(owner), name.common_ancestor(self.next));
        if a.len() > b.len() { a } else { b }
    }

    /// Whether `name` lies between `owner`, whose record it is, and the next name, so that nothing is there. The next name of
    /// the last record is the apex: it covers all that comes after its owner.
    pub fn covers(&self, owner: Name<'_>, name: Name<'_>) -> bool {
        let last = self.next <= owner;
        owner < name && (last || name < self.next)
    }
}
