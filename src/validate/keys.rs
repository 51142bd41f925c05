//! The keys of a zone, and whether they are those that its parent or a trust anchor names (RFC 4035 §5.2).

use super::{Bench, Flaw, Signed, Why, check_set};
use crate::dnssec::{Digest, Ds, Key, is_checkable};
use crate::limits;
use crate::rrset::Rrset;
use crate::wire::{Name, OwnedName, Rtype};

/// A zone's DNSKEY RRset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    set: Rrset,
    tags: Vec<u16>,
    /// Whether revoked ones count too: they sign that they are (RFC 5011 §2.1).
    pub(super) with_revoked: bool,
}

impl Keys {
    /// Of a DNSKEY set: at most [`limits::ZONE_KEYS`] of it, without the signatures.
    pub fn new(all: &Rrset) -> Keys {
        let mut set = Rrset::new(all.name.as_name(), Rtype::DNSKEY, all.ttl);
        let mut tags = Vec::new();
        for key in all.rdatas().iter().take(limits::ZONE_KEYS).filter_map(Key::read) {
            set.push(key.rdata());
            tags.push(key.tag());
        }
        Keys { set, tags, with_revoked: false }
    }

    /// Of one key of a zone.
    fn of(zone: Name<'_>, key: &Key<'_>) -> Keys {
        let mut set = Rrset::new(zone, Rtype::DNSKEY, 0);
        set.push(key.rdata());
        Keys::new(&set)
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

/// Which keys of a DNSKEY set have signed it, revoked ones too, and for how many seconds the first of these signatures holds.
pub fn signers(set: &Rrset, bench: &mut Bench<'_>) -> (Vec<bool>, u64) {
    let (mut signed, mut expires_in) = (Vec::new(), u64::MAX);
    for rdata in set.rdatas().iter() {
        let Some(key) = Key::read(rdata) else {
            signed.push(false);
            continue;
        };
        let keys = Keys { with_revoked: true, ..Keys::of(set.name.as_name(), &key) };
        let by_it = check_set(set, &keys, bench).ok();
        signed.push(by_it.is_some());
        expires_in = by_it.map_or(expires_in, |by_it| expires_in.min(by_it.expires_in.into()));
    }
    (signed, expires_in)
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
        let all = Keys::new(set);
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
            // The key decides, and not what somebody says that it was used for.
            if !is_checkable(&key) {
                unsupported = true;
                continue;
            }
            match check_set(set, &Keys::of(zone.as_name(), &key), bench) {
                Ok(Signed { ttl, .. }) => return Ok(Chain::Secure(all.clone(), ttl)),
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
