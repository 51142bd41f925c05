//! What NSEC records prove (RFC 4035 §5.4, RFC 6840 §4).

use super::NoDs;
use crate::dnssec::{Nsec, TypeBitmap};
use crate::wire::{Name, NameBuf, Rtype};

/// NSEC records of one zone with their owners.
#[derive(Default)]
pub(super) struct Ranges<'a>(pub Vec<(Name<'a>, Nsec<'a>)>);

/// Whether a bitmap is that of a delegation, so that its record is of the zone above and says nothing but of DS (RFC 6840 §4.1).
pub(super) fn is_delegation(types: TypeBitmap<'_>) -> bool {
    types.has(Rtype::NS) && !types.has(Rtype::SOA)
}

/// Whether the bitmap at a name shows that it has no records of a type, nor an alias instead.
pub(super) fn lacks(types: TypeBitmap<'_>, name: Name<'_>, rtype: Rtype) -> bool {
    let right_side = match rtype {
        // The child's own says nothing of its DS (RFC 6840 §4.4); the root has no parent.
        Rtype::DS => !types.has(Rtype::SOA) || name.is_root(),
        _ => !is_delegation(types),
    };
    right_side && !types.has(rtype) && !types.has(Rtype::CNAME)
}

impl<'a> Ranges<'a> {
    /// The record at a name.
    fn at(&self, name: Name<'_>) -> Option<&Nsec<'a>> {
        self.0.iter().find(|(owner, _)| *owner == name).map(|(_, nsec)| nsec)
    }

    /// A record that covers a name, and the closest encloser that it shows. One at a delegation or a DNAME says nothing of the names
    /// below it (RFC 6840 §4.1, RFC 6672 §5.3.4).
    fn covering<'n>(&self, name: Name<'n>) -> Option<(&Nsec<'a>, Name<'n>)> {
        let above = |owner: &Name<'_>, types: TypeBitmap<'_>| {
            name.is_below(*owner) && (is_delegation(types) || types.has(Rtype::DNAME))
        };
        let covers =
            |(owner, nsec): &&(Name<'a>, Nsec<'a>)| nsec.covers(*owner, name) && !above(owner, nsec.types);
        let (owner, nsec) = self.0.iter().find(covers)?;
        Some((nsec, nsec.closest_encloser(*owner, name)))
    }

    /// Whether the name is shown to be an empty non-terminal, or not there at all.
    fn is_missing(&self, name: Name<'_>) -> bool {
        self.covering(name).is_some_and(|(nsec, _)| !nsec.next.is_below(name))
    }

    /// See [`super::Denial::is_compact`].
    pub fn is_nxname(&self, name: Name<'_>) -> bool {
        self.at(name).is_some_and(|nsec| nsec.types.has(Rtype::NXNAME))
    }

    pub fn name_error(&self, name: Name<'_>) -> bool {
        let Some((_, encloser)) = self.covering(name).filter(|_| self.is_missing(name)) else { return false };
        NameBuf::child(b"*", encloser).is_ok_and(|wildcard| self.is_missing(wildcard.as_name()))
    }

    pub fn no_data(&self, name: Name<'_>, rtype: Rtype) -> bool {
        if let Some(nsec) = self.at(name) {
            return lacks(nsec.types, name, rtype);
        }
        let Some((nsec, encloser)) = self.covering(name) else { return false };
        if nsec.next.is_below(name) {
            // An empty non-terminal.
            return true;
        }
        let wildcard = NameBuf::child(b"*", encloser);
        let wildcard =
            wildcard.ok().and_then(|wildcard| Some(lacks(self.at(wildcard.as_name())?.types, name, rtype)));
        wildcard == Some(true)
    }

    pub fn expanded(&self, name: Name<'_>, encloser_labels: usize) -> bool {
        let encloser = self.covering(name).filter(|_| self.is_missing(name)).map(|(_, encloser)| encloser);
        encloser.is_some_and(|encloser| encloser.label_count() == encloser_labels)
    }

    pub fn no_ds(&self, name: Name<'_>) -> Option<NoDs> {
        if let Some(nsec) = self.at(name) {
            let types = nsec.types;
            if types.has(Rtype::DS) || types.has(Rtype::SOA) {
                return None;
            }
            return Some(if types.has(Rtype::NS) { NoDs::Insecure } else { NoDs::NotACut });
        }
        (self.no_data(name, Rtype::DS) || self.name_error(name)).then_some(NoDs::NotACut)
    }
}
