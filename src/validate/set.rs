//! One RRset against the keys of its zone (RFC 4035 §5.3).

use super::{Bench, Flaw, Keys, Why};
use crate::dnssec::{self, Fault, Key, Nsec, Nsec3, Rrsig};
use crate::limits;
use crate::rrset::Rrset;
use crate::wire::{Name, Rtype};

/// What a good signature says of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Seconds that the set may be kept: no longer than the signature or its original TTL allow (RFC 4035 §5.3.3).
    pub ttl: u32,
    /// Seconds until the signature ends; zero when only the tolerance for clocks is left of it.
    pub expires_in: u32,
    /// Set when a wildcard stood for the owner.
    pub expansion: Option<Expansion>,
}

/// That a wildcard stands for a name. It may only where nothing nearer exists, which is to be proven besides (RFC 4035 §5.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// Labels of the wildcard's parent, which is the closest encloser of the name.
    pub encloser_labels: usize,
}

/// Whether a set is signed by a zone. Its first good signature decides; if there is none the flaw is that of the one that came nearest.
pub fn check_set(set: &Rrset, keys: &Keys, bench: &mut Bench<'_>) -> Result<Signed, Flaw> {
    let owner = set.name.as_name();
    let mut worst = Why::Unsigned;
    for sig in set.signatures().iter().take(limits::SET_SIGNATURES).filter_map(Rrsig::read) {
        match check_signature(set, &sig, keys, bench) {
            Ok(signed) => return Ok(signed),
            Err(Why::TooMuchWork) => return Err(Flaw::new(owner, set.rtype, Why::TooMuchWork)),
            Err(why) if nearness(&why) >= nearness(&worst) => worst = why,
            Err(_) => (),
        }
    }
    Err(Flaw::new(owner, set.rtype, worst))
}

/// How near a signature came to being good: what went wrong last is what a person wants to read.
fn nearness(why: &Why) -> u8 {
    match why {
        Why::Unsigned => 0,
        Why::Signer(_) | Why::Labels | Why::Wildcard | Why::OutOfZone => 1,
        Why::Unsupported(_) => 2,
        Why::NoKey(..) => 3,
        Why::Expired(..) | Why::NotYetValid(..) | Why::Backwards(_) => 4,
        _ => 5,
    }
}

fn check_signature(set: &Rrset, sig: &Rrsig<'_>, keys: &Keys, bench: &mut Bench<'_>) -> Result<Signed, Why> {
    let owner = set.name.as_name();
    let expansion = check_form(set, sig, keys.zone())?;
    if !sig.algorithm.is_supported() {
        return Err(Why::Unsupported(sig.algorithm));
    }
    if let Err(why) = check_time(sig, bench.time) {
        bench.effort.fault(1);
        return Err(why);
    }
    let mut why = Why::NoKey(sig.tag, sig.algorithm);
    for key in keys.tagged(sig.tag, sig.algorithm).take(limits::KEYS_PER_TAG) {
        let price = dnssec::price(&key);
        if !bench.effort.check(price) {
            return Err(Why::TooMuchWork);
        }
        let Some(signed) = bench.data.of(owner, set.rtype, set.rdatas(), sig) else {
            return Err(Why::Labels);
        };
        match dnssec::verify(&key, signed, sig.signature) {
            Ok(()) => {
                let left = sig.expiration.wrapping_sub(bench.time as u32) as i32;
                let expires_in = u32::try_from(left).unwrap_or(0);
                // One that holds only for the tolerance is not kept for long.
                let ttl = set.ttl.min(sig.original_ttl).min(expires_in.max(limits::TTL_SKEWED));
                return Ok(Signed { ttl, expires_in, expansion });
            }
            Err(Fault::Unsupported) => why = Why::Unsupported(sig.algorithm),
            Err(Fault::MalformedKey) => why = Why::MalformedKey(sig.tag, sig.algorithm),
            Err(Fault::Mismatch) => why = Why::Mismatch(sig.tag, sig.algorithm),
        }
        bench.effort.fault(price);
    }
    Err(why)
}

/// What a signature says before it is checked (RFC 4035 §5.3.1): it is of this set, of the zone that holds it, and its labels fit both.
fn check_form(set: &Rrset, sig: &Rrsig<'_>, zone: Name<'_>) -> Result<Option<Expansion>, Why> {
    let (owner, rtype) = (set.name.as_name(), set.rtype);
    let signer = || Why::Signer(sig.signer.to_owned());
    if sig.covered != rtype {
        return Err(Why::Unsigned);
    }
    let placed = match rtype {
        // These are of the parent's side (RFC 4035 §2.4).
        Rtype::DS => owner.is_below(zone),
        Rtype::DNSKEY | Rtype::SOA | Rtype::NSEC3PARAM => owner == zone,
        _ => owner.is_within(zone),
    };
    if sig.signer != zone || !placed {
        return Err(signer());
    }
    let (labels, own) = (sig.labels as usize, dnssec::signed_labels(owner));
    // RFC 4035 §5.3.1; fewer than the signer's would make the wildcard one of a zone above it.
    if labels > own || labels < zone.label_count() {
        return Err(Why::Labels);
    }
    match rtype {
        // RFC 5155 §3, RFC 4034 §4.1.1.
        Rtype::NSEC3 if owner.parent() != Some(zone) => return Err(Why::OutOfZone),
        Rtype::NSEC => {
            let mut nexts = set.rdatas().iter().filter_map(Nsec::read);
            if nexts.any(|nsec| !nsec.next.is_within(zone)) {
                return Err(Why::OutOfZone);
            }
        }
        _ => (),
    }
    if labels == own {
        return Ok(None);
    }
    let whole = matches!(
        rtype,
        Rtype::DS
            | Rtype::DNSKEY
            | Rtype::SOA
            | Rtype::NSEC3PARAM
            | Rtype::NSEC
            | Rtype::NSEC3
            | Rtype::DNAME
    );
    if whole { Err(Why::Wildcard) } else { Ok(Some(Expansion { encloser_labels: labels })) }
}

/// Whether a signature is valid now, with a tolerance for clocks: a tenth of its validity, an hour at least and a day at most. Times
/// are compared in the arithmetic of serial numbers (RFC 4034 §3.1.5).
fn check_time(sig: &Rrsig<'_>, time: u64) -> Result<(), Why> {
    let now = time as u32;
    let validity = sig.expiration.wrapping_sub(sig.inception);
    if validity > i32::MAX as u32 {
        return Err(Why::Backwards(sig.tag));
    }
    let skew = i64::from((validity / 10).clamp(limits::SKEW_MIN, limits::SKEW_MAX));
    let until = |then: u32| i64::from(then.wrapping_sub(now) as i32);
    if until(sig.inception) > skew {
        Err(Why::NotYetValid(sig.tag, sig.inception))
    } else if until(sig.expiration) < -skew {
        Err(Why::Expired(sig.tag, sig.expiration))
    } else {
        Ok(())
    }
}

/// Whether NSEC3 owner and data can be read at all.
pub(super) fn nsec3_of<'a>(owner: Name<'a>, rdata: &'a [u8]) -> Option<(dnssec::Nsec3Hash, Nsec3<'a>)> {
    Some((Nsec3::own_hash(owner)?, Nsec3::read(rdata)?))
}

impl Keys {
    /// The keys of a tag and algorithm that may sign.
    fn tagged(&self, tag: u16, algorithm: dnssec::Algorithm) -> impl Iterator<Item = Key<'_>> {
        self.iter()
            .filter(move |(have, key)| *have == tag && key.algorithm == algorithm && self.counts(key))
            .map(|(_, key)| key)
    }

    /// Whether signatures by a key count.
    fn counts(&self, key: &Key<'_>) -> bool {
        let revoked = if self.with_revoked { Key::REVOKED } else { 0 };
        key.flags & (Key::ZONE | Key::REVOKED | revoked) & !revoked == Key::ZONE && key.protocol == 3
    }
}
