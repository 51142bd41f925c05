//! The keys of a zone, and whether they are those that its parent or a trust anchor names (RFC 4035 §5.2).

use super::{Bench, Flaw, Signed, Why, check_set};
use crate::dnssec::{Digest, Ds, Key};
use crate::limits;
use crate::rrset::Rrset;
use crate::wire::{Name, OwnedName, Rtype};

/// A zone's DNSKEY RRset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    set: Rrset,
    tags: Vec<u16>,
}

impl Keys {
    /// Of a DNSKEY set: at most [`limits::ZONE_KEYS`] of it.
    pub fn new(set: Rrset) -> Keys {
        let keys = set.rdatas().iter().take(limits::ZONE_KEYS).filter_map(Key::read);
        let tags = keys.map(|key| key.tag()).collect();
        Keys { set, tags }
    }

    /// The zone.
    pub fn zone(&self) -> Name<'_> {
        self.set.name.as_name()
    }

    /// The set.
    pub fn set(&self) -> &Rrset {
        &self.set
    }

    /// The keys with their tags.
    pub fn iter(&self) -> impl Iterator<Item = (u16, Key<'_>)> {
        let keys = self.set.rdatas().iter().filter_map(Key::read);
        self.tags.iter().copied().zip(keys)
    }
}

/// What names the keys that a zone is entered by: DS records of its parent, or those and keys of a trust anchor.
#[derive(Clone, Debug, Default)]
pub struct Entry<'a> {
    /// DS data.
    pub ds: Vec<&'a [u8]>,
    /// DNSKEY data.
    pub keys: Vec<&'a [u8]>,
}

/// Where a chain of trust leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    /// To keys that may be trusted, for so many seconds.
    Secure(Keys, u32),
    /// To nothing that can be checked here: the zone counts as unsigned (RFC 4035 §5.2, RFC 6840 §5.2).
    Insecure,
}

impl<'a> Entry<'a> {
    /// The DS records that count: those that can be checked; of them none of SHA-1 where there are others (RFC 4509 §3).
    fn ds(&self) -> impl Iterator<Item = Ds<'a>> {
        let usable = self.ds.iter().filter_map(|rdata| Ds::read(rdata)).filter(Ds::is_supported);
        let strong = usable.clone().any(|ds| ds.digest_type != Digest::SHA1);
        usable.filter(move |ds| !strong || ds.digest_type != Digest::SHA1).take(limits::ZONE_DS)
    }

    /// Whether anything of it can be checked.
    pub fn is_usable(&self) -> bool {
        let mut keys = self.keys.iter().filter_map(|rdata| Key::read(rdata));
        self.ds().next().is_some() || keys.any(|key| key.algorithm.is_supported())
    }

    /// Checks a DNSKEY set: one key of it that is named here must have signed all of it.
    pub fn check(&self, set: &Rrset, bench: &mut Bench<'_>) -> Result<Chain, Flaw> {
        if !self.is_usable() {
            return Ok(Chain::Insecure);
        }
        let zone: OwnedName = set.name.clone();
        let flaw = |why| Flaw::new(zone.as_name(), Rtype::DNSKEY, why);
        let all = Keys::new(set.clone());
        let (mut worst, mut unsupported) = (None, false);
        for (tag, key) in all.iter().filter(|(_, key)| key.algorithm.is_supported()) {
            match self.names(zone.as_name(), &key, bench) {
                Ok(true) => (),
                Ok(false) => continue,
                Err(why) => return Err(flaw(why)),
            }
            if !key.may_sign() {
                let revoked = key.flags & Key::REVOKED != 0;
                worst = Some(flaw(if revoked { Why::Revoked(tag) } else { Why::NotZoneKey(tag) }));
                continue;
            }
            let mut only = Rrset::new(zone.as_name(), Rtype::DNSKEY, set.ttl);
            only.push(key.rdata());
            match check_set(set, &Keys::new(only), bench) {
                Ok(Signed { ttl, .. }) => return Ok(Chain::Secure(all.clone(), ttl)),
                // It is the key that cannot be checked with. An algorithm that only the signature names is anybody's
                // to write there.
                Err(Flaw { why: Why::Unsupported(algorithm), .. }) if algorithm == key.algorithm => {
                    unsupported = true;
                }
                Err(flaw) if flaw.why == Why::TooMuchWork => return Err(flaw),
                Err(flaw) => worst = Some(flaw),
            }
        }
        match worst {
            Some(flaw) => Err(flaw),
            // Such as an RSA key of 512 bits.
            None if unsupported => Ok(Chain::Insecure),
            None => Err(flaw(if set.signatures().as_bytes().is_empty() {
                Why::Unsigned
            } else {
                Why::NoEntryKey
            })),
        }
    }

    /// Whether a key is named here. A digest that does not fit counts as a fault: many keys may share a tag.
    fn names(&self, zone: Name<'_>, key: &Key<'_>, bench: &mut Bench<'_>) -> Result<bool, Why> {
        if self.keys.contains(&key.rdata()) {
            return Ok(true);
        }
        for ds in self.ds().filter(|ds| ds.names(key)) {
            if bench.effort.faults == 0 {
                return Err(Why::TooMuchWork);
            }
            if ds.matches(zone, key) {
                return Ok(true);
            }
            bench.effort.fault(1);
        }
        Ok(false)
    }
}
