//! What is wrong with a set, for a person and for EDE.

use crate::dnssec::Algorithm;
use crate::wire::{Ede, Name, OwnedName, Rtype};
use std::fmt;

/// Why a set or a denial is bogus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The owner of what is wrong.
    pub owner: OwnedName,
    /// Its type.
    pub rtype: Rtype,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It has no RRSIG, though it lies in a signed zone.
    Unsigned,
    /// The signature of this key ended, seconds of Unix time.
    Expired(u16, u32),
    /// It has not begun.
    NotYetValid(u16, u32),
    /// The signature ends before it begins.
    Backwards(u16),
    /// The zone has no key of this tag and algorithm that may sign.
    NoKey(u16, Algorithm),
    /// The signature was not made by the key, or not over this.
    Mismatch(u16, Algorithm),
    /// The key is not one of its algorithm.
    MalformedKey(u16, Algorithm),
    /// Only signatures of algorithms that are not supported.
    Unsupported(Algorithm),
    /// The signer is not the zone that the set is of.
    Signer(OwnedName),
    /// The labels field fits neither owner nor signer.
    Labels,
    /// A set of this type cannot come of a wildcard.
    Wildcard,
    /// An NSEC leads out of its zone, or an NSEC3 stands elsewhere than directly below it.
    OutOfZone,
    /// There are no keys, though the zone's DS or trust anchor names some.
    NoKeys,
    /// No key of the zone is the one that its DS or trust anchor names.
    NoEntryKey,
    /// The key that they name is not a zone key.
    NotZoneKey(u16),
    /// The key that they name is revoked.
    Revoked(u16),
    /// The zone that signed it has no delegation.
    NotAZone(OwnedName),
    /// Nothing proves what is denied.
    NotDenied,
    /// Nothing proves that there is no name nearer than the wildcard.
    NotExpanded,
    /// The parent does not prove that there is no DS.
    DsNotDenied,
    /// The child, and not the parent, speaks of the DS.
    DsOfChild,
    /// It would need more work than one question may cause.
    TooMuchWork,
}

impl Flaw {
    /// A flaw of a set.
    pub fn new(owner: Name<'_>, rtype: Rtype, why: Why) -> Flaw {
        // Its case is that of the query, which may be random.
        let mut name = owner.to_buf();
        name.make_lowercase();
        Flaw { owner: name.as_name().to_owned(), rtype, why }
    }

    /// The extended error that fits (RFC 8914).
    pub fn ede(&self) -> Ede {
        match self.why {
            Why::Unsigned => Ede::RRSIGS_MISSING,
            Why::Expired(..) => Ede::SIGNATURE_EXPIRED,
            Why::NotYetValid(..) => Ede::SIGNATURE_NOT_YET_VALID,
            Why::NoKey(..) | Why::NoKeys | Why::NoEntryKey => Ede::DNSKEY_MISSING,
            Why::NotZoneKey(_) => Ede::NO_ZONE_KEY_BIT,
            Why::NotDenied | Why::NotExpanded | Why::DsNotDenied => Ede::NSEC_MISSING,
            Why::Unsupported(_) => Ede::UNSUPPORTED_DNSKEY_ALGORITHM,
            _ => Ede::DNSSEC_BOGUS,
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Flaw { owner, rtype, why } = self;
        match why {
            Why::NotDenied if rtype.0 == 0 => return write!(f, "nothing proves that {owner} does not exist"),
            Why::NotDenied => return write!(f, "nothing proves that {owner} has no {rtype}"),
            Why::NotExpanded => {
                return write!(f, "nothing proves that the {rtype} of {owner} may come of a wildcard");
            }
            Why::DsNotDenied => return write!(f, "the parent of {owner} does not prove that it has no DS"),
            _ if rtype.0 == 0 => write!(f, "the denial of {owner} ")?,
            _ => write!(f, "{owner} {rtype} ")?,
        }
        match why {
            Why::Unsigned => f.write_str("is not signed, but its zone is"),
            Why::Expired(tag, at) => write!(f, "has a signature of key {tag} that expired at {}", Time(*at)),
            Why::NotYetValid(tag, at) => {
                write!(f, "has a signature of key {tag} that is not valid before {}", Time(*at))
            }
            Why::Backwards(tag) => write!(f, "has a signature of key {tag} that ends before it begins"),
            Why::NoKey(tag, algorithm) => {
                write!(f, "is signed by key {tag} ({algorithm}), which the zone does not have")
            }
            Why::Mismatch(tag, algorithm) => {
                write!(f, "does not match its signature by key {tag} ({algorithm})")
            }
            Why::MalformedKey(tag, algorithm) => {
                write!(f, "is signed by key {tag}, which is no {algorithm} key")
            }
            Why::Unsupported(algorithm) => write!(f, "is signed by nothing better than {algorithm}"),
            Why::Signer(signer) => write!(f, "is signed by {}, which is not its zone", lower(signer)),
            Why::Labels => f.write_str("has a signature whose count of labels is wrong"),
            Why::Wildcard => f.write_str("comes of a wildcard, which its type may not"),
            Why::OutOfZone => f.write_str("leads out of the zone that signed it"),
            Why::NoKeys => f.write_str("is not there, but the parent's DS or the trust anchor names it"),
            Why::NoEntryKey => {
                f.write_str("has none of the keys that the parent's DS or the trust anchor names")
            }
            Why::NotZoneKey(tag) => write!(f, "has key {tag} as the DS says, but it is no zone key"),
            Why::Revoked(tag) => write!(f, "has key {tag} as the DS says, but it is revoked"),
            Why::NotAZone(zone) => write!(f, "is signed by {}, which is not a zone", lower(zone)),
            Why::DsOfChild => f.write_str("is told by the zone itself and not by its parent"),
            Why::TooMuchWork => f.write_str("takes more work to check than one question may cause"),
            Why::NotDenied | Why::NotExpanded | Why::DsNotDenied => Ok(()),
        }
    }
}

/// A name as it is written in text: its case may be random.
fn lower(name: &OwnedName) -> String {
    name.to_string().to_ascii_lowercase()
}

/// Seconds of Unix time as RRSIG records show them, YYYYMMDDHHmmSS (RFC 4034 §3.2).
struct Time(u32);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::rrset::show_time(self.0))
    }
}
