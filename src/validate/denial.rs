//! What the NSEC and NSEC3 records of a reply prove. Only records whose own RRset was found to be signed by the zone count.

use super::nsec::Ranges;
use super::nsec3::Hashes;
use super::{Bench, Effort, Expansion, Flaw, Keys, Why, check_set, set};
use crate::dnssec::Nsec;
use crate::limits;
use crate::rrset::Rrset;
use crate::wire::{Name, Rtype};

/// How far a proof goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proven {
    /// It holds.
    Secure,
    /// As far as can be known here: delegations without DS may hide in the span of an NSEC3 record with the opt-out flag (RFC 5155
    /// §9.2), or its hashes cost more than is worth it (RFC 9276 §3.2).
    Insecure,
}

/// What is known of the delegation of a name that has no DS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDs {
    /// It is a delegation, and what is below it is not signed by anybody its parent knows.
    Insecure,
    /// It is no delegation: its data is of the zone above.
    NotACut,
}

/// The records of one zone that prove something.
pub struct Denial<'a> {
    zone: Name<'a>,
    ranges: Ranges<'a>,
    hashes: Hashes<'a>,
    /// Seconds that all of it may be kept.
    ttl: u32,
    /// NSEC3 records that are not looked at for what hashing would cost.
    costly: bool,
    /// Why the first that does not count does not.
    flaw: Option<Flaw>,
    good: Vec<&'a Rrset>,
}

impl<'a> Denial<'a> {
    fn empty(zone: Name<'a>) -> Denial<'a> {
        let (ranges, hashes) = (Ranges::default(), Hashes::default());
        Denial { zone, ranges, hashes, ttl: u32::MAX, costly: false, flaw: None, good: Vec::new() }
    }

    /// Of NSEC and NSEC3 records that were found to be signed by the zone before.
    pub fn of(zone: Name<'a>, sets: &[&'a Rrset]) -> Denial<'a> {
        let mut denial = Denial::empty(zone);
        sets.iter().for_each(|set| denial.take(set));
        denial
    }

    /// Takes from `sets` the NSEC and NSEC3 records that `keys` have signed.
    pub fn new(sets: &'a [Rrset], keys: &'a Keys, bench: &mut Bench<'_>) -> Denial<'a> {
        let mut denial = Denial::empty(keys.zone());
        let theirs = |set: &&Rrset| matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3);
        for set in sets.iter().filter(theirs).take(limits::DENIAL_RECORDS) {
            match check_set(set, keys, bench) {
                Ok(signed) => {
                    denial.ttl = denial.ttl.min(signed.ttl);
                    denial.good.push(set);
                    denial.take(set);
                }
                Err(flaw) => denial.flaw = denial.flaw.or(Some(flaw)),
            }
        }
        denial
    }

    fn take(&mut self, set: &'a Rrset) {
        // There should be one record at a name; where a zone has signed more, it has said all of it.
        for rdata in set.rdatas().iter().take(limits::DENIAL_RECORDS) {
            if set.rtype == Rtype::NSEC {
                self.ranges.0.extend(Nsec::read(rdata).map(|nsec| (set.name.as_name(), nsec)));
            } else if let Some((own, nsec3)) = set::nsec3_of(set.name.as_name(), rdata) {
                if nsec3.param.iterations > limits::NSEC3_ITERATIONS {
                    self.costly = true;
                } else {
                    self.hashes.add(own, nsec3);
                }
            }
        }
    }

    /// The RRsets that count.
    pub fn sets(&self) -> &[&'a Rrset] {
        &self.good
    }

    /// Seconds that what it proves may be kept.
    pub fn ttl(&self) -> u32 {
        self.ttl
    }

    /// Whether `name` is said not to exist by an NSEC of its own (RFC 9824 §3.1), in place of a proof that covers it.
    pub fn is_compact(&self, name: Name<'_>) -> bool {
        self.ranges.is_nxname(name)
    }

    /// That a name does not exist, and no wildcard stands for it (RFC 4035 §5.4, RFC 5155 §8.4).
    pub fn name_error(&self, name: Name<'_>, effort: &mut Effort) -> Result<Proven, Flaw> {
        let proven = self.ranges.is_nxname(name) || self.ranges.name_error(name);
        let proven =
            if proven { Some(Proven::Secure) } else { self.hashes.name_error(self.zone, name, effort)? };
        self.ruling(proven, name, Rtype(0), Why::NotDenied)
    }

    /// That a name has no records of a type, be it that a wildcard that stands for it has none (RFC 4035 §5.4, RFC 5155 §8.5–8.7).
    pub fn no_data(&self, name: Name<'_>, rtype: Rtype, effort: &mut Effort) -> Result<Proven, Flaw> {
        let proven = self.ranges.no_data(name, rtype);
        let proven = if proven {
            Some(Proven::Secure)
        } else {
            self.hashes.no_data(self.zone, name, rtype, effort)?
        };
        self.ruling(proven, name, rtype, Why::NotDenied)
    }

    /// That a name whose records came of a wildcard has none nearer (RFC 4035 §5.3.4, RFC 5155 §8.8).
    pub fn expanded(
        &self,
        name: Name<'_>,
        rtype: Rtype,
        expansion: Expansion,
        effort: &mut Effort,
    ) -> Result<Proven, Flaw> {
        let labels = expansion.encloser_labels;
        let proven = self.ranges.expanded(name, labels);
        let proven =
            if proven { Some(Proven::Secure) } else { self.hashes.expanded(name, labels, effort)? };
        self.ruling(proven, name, rtype, Why::NotExpanded)
    }

    /// That a name has no DS, and whether it is a delegation (RFC 6840 §4.4, RFC 5155 §8.9).
    pub fn no_ds(&self, name: Name<'_>, effort: &mut Effort) -> Result<NoDs, Flaw> {
        if let Some(no_ds) = self.ranges.no_ds(name) {
            return Ok(no_ds);
        }
        if let Some(no_ds) = self.hashes.no_ds(self.zone, name, effort)? {
            return Ok(no_ds);
        }
        self.ruling(None, name, Rtype::DS, Why::DsNotDenied).map(|_| NoDs::Insecure)
    }

    fn ruling(&self, proven: Option<Proven>, name: Name<'_>, rtype: Rtype, why: Why) -> Result<Proven, Flaw> {
        match proven {
            Some(proven) => Ok(proven),
            None if self.costly => Ok(Proven::Insecure),
            None => Err(self.flaw.clone().unwrap_or_else(|| Flaw::new(name, rtype, why))),
        }
    }
}
