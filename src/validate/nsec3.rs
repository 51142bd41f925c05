//! What NSEC3 records prove (RFC 5155 §8). Names are hashed as the budget allows, each once.

use super::nsec::{is_delegation, lacks};
use super::{Effort, Flaw, NoDs, Proven, Why};
use crate::dnssec::{Nsec3, Nsec3Hash};
use crate::wire::{Name, NameBuf, Rtype};

/// NSEC3 records of one zone with the hashes they stand at, all of one set of parameters (RFC 5155 §8.2).
#[derive(Default)]
pub(super) struct Hashes<'a>(Vec<(Nsec3Hash, Nsec3<'a>)>);

/// A proof of the closest encloser (RFC 5155 §8.3).
struct Encloser<'n, 'h> {
    name: Name<'n>,
    /// The record that covers the next closer name.
    next_closer: &'h Nsec3<'h>,
}

impl<'a> Hashes<'a> {
    /// Adds a record, unless its parameters differ from those of the others.
    pub fn add(&mut self, own: Nsec3Hash, nsec3: Nsec3<'a>) {
        if self.0.first().is_none_or(|(_, first)| first.param == nsec3.param) {
            self.0.push((own, nsec3));
        }
    }

    fn hash(&self, name: Name<'_>, effort: &mut Effort) -> Result<Nsec3Hash, Flaw> {
        let Some((_, first)) = self.0.first() else { return Ok(Nsec3Hash::default()) };
        if !effort.hash(first.param.price()) {
            return Err(Flaw::new(name, Rtype::NSEC3, Why::TooMuchWork));
        }
        Ok(first.param.hash(name))
    }

    fn at(&self, hash: &Nsec3Hash) -> Option<&Nsec3<'a>> {
        self.0.iter().find(|(own, _)| own == hash).map(|(_, nsec3)| nsec3)
    }

    fn covering(&self, hash: &Nsec3Hash) -> Option<&Nsec3<'a>> {
        self.0.iter().find(|(own, nsec3)| nsec3.covers(own, hash)).map(|(_, nsec3)| nsec3)
    }

    /// The closest encloser of a name that does not exist.
    fn encloser<'n>(
        &self,
        zone: Name<'_>,
        name: Name<'n>,
        effort: &mut Effort,
    ) -> Result<Option<Encloser<'n, '_>>, Flaw> {
        if self.0.is_empty() || !name.is_below(zone) {
            return Ok(None);
        }
        let mut closer = self.hash(name, effort)?;
        let mut above = name.parent();
        while let Some(encloser) = above.filter(|above| above.is_within(zone)) {
            let hash = self.hash(encloser, effort)?;
            if let Some(nsec3) = self.at(&hash) {
                // What is below a delegation or a DNAME is not this zone's to deny (RFC 5155 §8.3, RFC 6840 §4.1).
                let ends = is_delegation(nsec3.types) || nsec3.types.has(Rtype::DNAME);
                let next_closer = self.covering(&closer).filter(|_| !ends);
                return Ok(next_closer.map(|next_closer| Encloser { name: encloser, next_closer }));
            }
            closer = hash;
            above = encloser.parent();
        }
        Ok(None)
    }

    pub fn name_error(
        &self,
        zone: Name<'_>,
        name: Name<'_>,
        effort: &mut Effort,
    ) -> Result<Option<Proven>, Flaw> {
        let Some(encloser) = self.encloser(zone, name, effort)? else { return Ok(None) };
        let Ok(wildcard) = NameBuf::child(b"*", encloser.name) else { return Ok(None) };
        let hash = self.hash(wildcard.as_name(), effort)?;
        Ok(self.covering(&hash).map(|_| proven(encloser.next_closer)))
    }

    pub fn no_data(
        &self,
        zone: Name<'_>,
        name: Name<'_>,
        rtype: Rtype,
        effort: &mut Effort,
    ) -> Result<Option<Proven>, Flaw> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let hash = self.hash(name, effort)?;
        if let Some(nsec3) = self.at(&hash) {
            return Ok(lacks(nsec3.types, name, rtype).then_some(Proven::Secure));
        }
        let Some(encloser) = self.encloser(zone, name, effort)? else { return Ok(None) };
        // RFC 5155 §8.6; an empty name above delegations without DS has no record either (§7.1).
        if encloser.next_closer.opt_out {
            return Ok(Some(Proven::Insecure));
        }
        let Ok(wildcard) = NameBuf::child(b"*", encloser.name) else { return Ok(None) };
        let hash = self.hash(wildcard.as_name(), effort)?;
        let lacking = self.at(&hash).is_some_and(|nsec3| lacks(nsec3.types, name, rtype));
        Ok(lacking.then_some(Proven::Secure))
    }

    pub fn expanded(
        &self,
        name: Name<'_>,
        encloser_labels: usize,
        effort: &mut Effort,
    ) -> Result<Option<Proven>, Flaw> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let hash = self.hash(name.suffix(encloser_labels + 1), effort)?;
        Ok(self.covering(&hash).map(proven))
    }

    pub fn no_ds(&self, zone: Name<'_>, name: Name<'_>, effort: &mut Effort) -> Result<Option<NoDs>, Flaw> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let hash = self.hash(name, effort)?;
        if let Some(nsec3) = self.at(&hash) {
            let types = nsec3.types;
            if types.has(Rtype::DS) || types.has(Rtype::SOA) {
                return Ok(None);
            }
            return Ok(Some(if types.has(Rtype::NS) { NoDs::Insecure } else { NoDs::NotACut }));
        }
        let Some(encloser) = self.encloser(zone, name, effort)? else { return Ok(None) };
        if encloser.next_closer.opt_out {
            return Ok(Some(NoDs::Insecure));
        }
        let Ok(wildcard) = NameBuf::child(b"*", encloser.name) else { return Ok(None) };
        let hash = self.hash(wildcard.as_name(), effort)?;
        let lacking = self.at(&hash).is_some_and(|nsec3| lacks(nsec3.types, name, Rtype::DS));
        Ok((lacking || self.covering(&hash).is_some()).then_some(NoDs::NotACut))
    }
}

/// How far a proof goes whose next closer name this record covers.
fn proven(next_closer: &Nsec3<'_>) -> Proven {
    if next_closer.opt_out { Proven::Insecure } else { Proven::Secure }
}
