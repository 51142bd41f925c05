//! DNSSEC validation (RFC 4035 §5, RFC 5155 §8, RFC 6840): is this RRset signed by that zone, are these the zone's keys, does this
//! denial prove what it says. Every function is pure: it is given records, keys, the time and how much work it may do.
//!
//! What a zone's status is and which question must be asked next is the resolver's part (`resolve::rule`); what is wrong with a set
//! is told with owner, type and reason ([`Flaw`]).

mod denial;
mod flaw;
mod keys;
mod nsec;
mod nsec3;
mod set;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_denial;
#[cfg(test)]
mod tests_of_keys;

pub use denial::{Denial, NoDs, Proven};
pub use flaw::{Flaw, Why};
pub use keys::{Chain, Entry, Keys, signers};
pub use set::{Expansion, Signed, check_set};

use crate::dnssec::SignedData;
use crate::limits;

/// When it is, how much work may be done, and memory that is used again.
pub struct Bench<'a> {
    /// Seconds of Unix time.
    pub time: u64,
    /// What may be spent.
    pub effort: &'a mut Effort,
    /// For the octets that are signed.
    pub data: &'a mut SignedData,
}

/// Work that checking may do for one question (KeyTrap, CVE-2023-50387; CVE-2023-50868). It only shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Checks of signatures, in units of one of ECDSA P-256.
    pub checks: u16,
    /// Signatures that may turn out to be wrong, expired or without a key, in the same units: what is honest has few.
    pub faults: u16,
    /// Blocks of SHA-1 for the names of NSEC3.
    pub hashes: u32,
}

impl Effort {
    /// What one question may cost.
    pub const WHOLE: Effort = Effort {
        checks: limits::BUDGET_CHECKS,
        faults: limits::BUDGET_FAULTS,
        hashes: limits::BUDGET_HASHES,
    };

    /// Whether half of anything is spent of the whole.
    pub fn is_mostly_spent(&self) -> bool {
        let whole = Effort::WHOLE;
        self.checks <= whole.checks / 2 || self.faults <= whole.faults / 2 || self.hashes <= whole.hashes / 2
    }

    /// What was spent of `before`.
    pub fn spent_of(&self, before: &Effort) -> Effort {
        Effort {
            checks: before.checks.saturating_sub(self.checks),
            faults: before.faults.saturating_sub(self.faults),
            hashes: before.hashes.saturating_sub(self.hashes),
        }
    }

    /// What is left when this was spent; none when there was not as much.
    pub fn minus(&self, spent: &Effort) -> Option<Effort> {
        Some(Effort {
            checks: self.checks.checked_sub(spent.checks)?,
            faults: self.faults.checked_sub(spent.faults)?,
            hashes: self.hashes.checked_sub(spent.hashes)?,
        })
    }

    /// Pays for checking one signature; says whether that may be done.
    fn check(&mut self, price: u16) -> bool {
        let left = self.checks.checked_sub(price).filter(|_| self.faults > 0);
        self.checks = left.unwrap_or(self.checks);
        left.is_some()
    }

    /// Notes that a signature was of no use.
    fn fault(&mut self, price: u16) {
        self.faults = self.faults.saturating_sub(price);
    }

    /// Pays for hashing; says whether that may be done.
    fn hash(&mut self, blocks: u32) -> bool {
        let left = self.hashes.checked_sub(blocks);
        self.hashes = left.unwrap_or(self.hashes);
        left.is_some()
    }
}
