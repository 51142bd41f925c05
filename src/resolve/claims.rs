//! What a reply says, sorted and not yet believed: one claim for each name of the chain, and the records that prove denials. A verdict
//! makes entries of it.

use super::Question;
use crate::cache::{Entry, EntryBuf, Fact, Key, Proof, ProofBuf, Verdict};
use crate::clock::Instant;
use crate::dnssec::{Rrsig, signed_labels};
use crate::limits;
use crate::rrset::{Rdatas, Rrset};
use crate::validate::NoDs;
use crate::wire::{Name, OwnedName, Rtype, read_u32};

/// Under which keys a reply's entries are kept, and since when they hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub realm: u32,
    pub checking_disabled: bool,
    pub now: Instant,
}

/// What a reply says of one name.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// The name.
    pub name: OwnedName,
    /// The type; [`Key::NXDOMAIN`] for "does not exist".
    pub rtype: Rtype,
    /// What is said.
    pub what: What,
}

/// See [`Claim`].
#[derive(Clone, Debug)]
pub(super) enum What {
    /// These records exist.
    Records(Rrset),
    /// This CNAME was made from the DNAME of the claim before.
    Made(Rrset),
    /// There are none; the SOA of the zone that says so, if the reply had one.
    Denied(Option<Rrset>),
}

/// The claims of a reply in the order of its chain.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    pub list: Vec<Claim>,
    /// The NSEC and NSEC3 RRsets that came along.
    pub denials: Vec<Rrset>,
}

/// What was found of a claim.
#[derive(Clone, Debug, Default)]
pub(super) struct Ruling {
    /// Secure, insecure, or not looked at.
    pub verdict: Verdict,
    /// Seconds that it may be kept at most.
    pub ttl: u32,
    /// What proves it.
    pub proof: ProofBuf,
    /// Of the denial of a DS, and of what comes of a wildcard: whether there is a delegation.
    pub no_ds: Option<NoDs>,
    /// The name was found not to exist, though it was only said to have no such records (RFC 9824 §3.1).
    pub compact: bool,
}

impl Ruling {
    /// That of what is not looked at: whatever came along is its proof.
    pub fn unchecked(verdict: Verdict, denials: &[Rrset]) -> Ruling {
        let mut proof = ProofBuf::default();
        denials.iter().take(limits::DENIAL_RECORDS).for_each(|set| proof.push(set));
        Ruling { verdict, ttl: u32::MAX, proof, ..Ruling::default() }
    }
}

impl Claim {
    /// The name whose zone has to say it: of a DS, and of what stands in its place, that is the parent (RFC 4035 §2.4), but for
    /// the root, which has none.
    pub fn side(&self, question: &Question) -> Name<'_> {
        let name = self.name.as_name();
        let of_parent = self.rtype == Rtype::DS || question.rtype == Rtype::DS && self.name == question.name;
        if of_parent { name.parent().unwrap_or(name) } else { name }
    }

    /// The entry that is kept of it.
    pub fn entry(&self, place: &Place, ruling: &Ruling) -> EntryBuf {
        let (ttl, fact, proof) = match &self.what {
            What::Records(set) | What::Made(set) => {
                let rdatas = match self.rtype {
                    // RFC 2181 §10.1, RFC 6672 §2.4: there is one; of several the first is followed.
                    Rtype::CNAME | Rtype::DNAME => set.rdatas().first(),
                    _ => set.rdatas(),
                };
                // A denial beside records is one of names nearer than the wildcard that they came of.
                let proof = if self.is_expanded() { ruling.proof.as_proof() } else { Proof::NONE };
                (set.ttl, Fact::Records { rdatas, signatures: set.signatures() }, proof)
            }
            What::Denied(soa) => {
                let rdata = soa.as_ref().and_then(|set| set.rdatas().iter().next());
                let fact = Fact::Denied {
                    soa_owner: soa.as_ref().map(|set| set.name.as_name()),
                    soa: rdata.unwrap_or_default(),
                    signatures: soa.as_ref().map_or(Rdatas::EMPTY, Rrset::signatures),
                };
                (self.negative_ttl(), fact, ruling.proof.as_proof())
            }
        };
        let (realm, checking_disabled) = (place.realm, place.checking_disabled);
        let rtype = if ruling.compact { Key::NXDOMAIN } else { self.rtype };
        let key = Key { realm, name: self.name.as_name(), rtype, checking_disabled, failed: false };
        let (ttl, verdict) = (ttl.min(ruling.ttl), ruling.verdict);
        EntryBuf::new(&key, &Entry { stored: place.now, ttl, verdict, fact, proof })
    }

    /// Seconds that a denial is kept: the lesser of the SOA's TTL and its minimum (RFC 2308 §5); none without an SOA.
    pub fn negative_ttl(&self) -> u32 {
        let What::Denied(Some(soa)) = &self.what else { return 0 };
        let rdata = soa.rdatas().iter().next();
        let minimum = rdata.and_then(|rdata| read_u32(rdata, rdata.len().checked_sub(4)?));
        minimum.map_or(0, |minimum| soa.ttl.min(minimum).min(limits::TTL_NEGATIVE))
    }

    /// Whether its signatures say that a wildcard stands for its name.
    fn is_expanded(&self) -> bool {
        let What::Records(set) = &self.what else { return false };
        let labels = signed_labels(set.name.as_name());
        set.signatures().iter().filter_map(Rrsig::read).any(|sig| usize::from(sig.labels) < labels)
    }
}

impl Claims {
    /// The entries of claims that nobody looks at.
    pub fn unchecked(&self, place: &Place) -> Vec<EntryBuf> {
        let ruling = Ruling::unchecked(Verdict::Unchecked, &self.denials);
        self.list.iter().map(|claim| claim.entry(place, &ruling)).collect()
    }
}
