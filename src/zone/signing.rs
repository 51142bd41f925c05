//! Signs a whole zone: its keys, the chain of names that proves what is not there, and a signature for every RRset that is its own
//! (RFC 4035 §2, RFC 5155 §7.1). A pure function of the zone's RRsets.

use crate::dnssec::{Key, Nsec3, Nsec3Hash, Nsec3Param};
use crate::rrset::{Rrset, write_types};
use crate::sign::{self, SigningKey, Validity};
use crate::wire::{Name, OwnedName, Rtype, read_u32};
use std::collections::BTreeMap;

/// How a zone proves that names and types are not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// By its names in order (RFC 4034 §4).
    Nsec,
    /// By their hashes (RFC 5155).
    Nsec3 {
        /// Times the hash is hashed once more: RFC 9276 §3.1 says 0.
        iterations: u16,
        /// What is hashed along, 255 octets at most: RFC 9276 §3.1 says nothing.
        salt: Vec<u8>,
        /// Whether delegations without DS are left out (RFC 5155 §6).
        opt_out: bool,
    },
}

/// How a zone is signed.
pub struct Signing<'k> {
    /// Its keys. For each algorithm those with [`Key::ENTRY`] sign the keys and the others sign the rest; where there is but one
    /// kind, it signs all. A revoked one signs the keys alone (RFC 5011 §2.1).
    pub keys: &'k [SigningKey],
    /// When the signatures hold.
    pub validity: Validity,
    /// How it proves what is not there.
    pub denial: Denial,
}

/// Why a zone cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SigningError {
    /// There is no SOA at its apex.
    NoSoa,
    /// This name is not in it.
    Outside(OwnedName),
    /// Its name is too long to have hashed names below it, or the salt is longer than 255 octets.
    TooLong,
    /// Two of its names have one hash: another salt helps (RFC 5155 §7.1).
    Collision,
    /// A key did not sign.
    Refused(sign::Refused),
}

impl std::fmt::Display for SigningError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SigningError::NoSoa => f.write_str("the zone has no SOA record at its own name"),
            SigningError::Outside(name) => write!(f, "{name} is not in the zone"),
            SigningError::TooLong => f.write_str("the zone's name or the salt is too long for NSEC3"),
            SigningError::Collision => f.write_str("two names have one NSEC3 hash: choose another salt"),
            SigningError::Refused(refused) => refused.fmt(f),
        }
    }
}

impl std::error::Error for SigningError {}

impl From<sign::Refused> for SigningError {
    fn from(refused: sign::Refused) -> SigningError {
        SigningError::Refused(refused)
    }
}

/// What a zone has of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// All that is there.
    Own,
    /// A delegation: its DS, and the proof of what else it has (RFC 4035 §2.2, §2.3).
    Cut,
    /// Nothing: it is below a delegation or a DNAME (RFC 6672 §2.4).
    Hidden,
}

impl Standing {
    /// Whether the zone vouches for RRsets of this type there.
    fn signs(self, rtype: Rtype) -> bool {
        match self {
            Standing::Own => true,
            Standing::Cut => matches!(rtype, Rtype::DS | Rtype::NSEC),
            Standing::Hidden => false,
        }
    }

    /// Whether a proof says that this type is there.
    fn lists(self, rtype: Rtype) -> bool {
        self.signs(rtype) || self == Standing::Cut && rtype == Rtype::NS
    }
}

/// A name of the zone.
struct Owner {
    standing: Standing,
    sets: BTreeMap<Rtype, Rrset>,
}

impl Owner {
    fn has_signature(&self) -> bool {
        self.sets.keys().any(|rtype| self.standing.signs(*rtype))
    }

    /// Appends the bitmap of what is there, and of what is `added`.
    fn write_types(&self, added: &[Rtype], out: &mut Vec<u8>) {
        let there = self.sets.keys().copied().filter(|rtype| self.standing.lists(*rtype));
        let mut types: Vec<Rtype> = there.chain(added.iter().copied()).collect();
        types.sort_unstable();
        write_types(&types, out);
    }
}

/// The names of a zone in canonical order.
type Owners = BTreeMap<OwnedName, Owner>;

impl Signing<'_> {
    /// Signs the zone `apex` of these RRsets, which may come in any order, also in parts. DNSKEY records among them stay beside
    /// those of the keys; signatures and proofs are made anew. What is returned is in canonical order.
    pub fn sign(&self, apex: Name<'_>, sets: Vec<Rrset>) -> Result<Vec<Rrset>, SigningError> {
        let mut owners = gather(apex, sets)?;
        let own = owners.get_mut(&apex.to_owned()).ok_or(SigningError::NoSoa)?;
        let soa = own.sets.get(&Rtype::SOA).ok_or(SigningError::NoSoa)?;
        let minimum = soa.rdatas().iter().next().and_then(|soa| read_u32(soa, soa.len().checked_sub(4)?));
        // RFC 9077 §3.
        let (ttl, denial_ttl) = (soa.ttl, soa.ttl.min(minimum.unwrap_or(soa.ttl)));
        let keys = own.sets.entry(Rtype::DNSKEY).or_insert_with(|| Rrset::new(apex, Rtype::DNSKEY, ttl));
        self.keys.iter().for_each(|key| keys.push(key.dnskey()));
        if keys.rdatas().iter().next().is_none() {
            own.sets.remove(&Rtype::DNSKEY);
        }
        judge(&mut owners, apex);
        match &self.denial {
            Denial::Nsec => chain(&mut owners, denial_ttl),
            Denial::Nsec3 { iterations, salt, opt_out } => {
                let param = Nsec3Param { iterations: *iterations, salt };
                chain_hashes(&mut owners, apex, param, *opt_out, denial_ttl)?;
            }
        }
        let mut signed = Vec::new();
        for owner in owners.into_values() {
            for mut set in owner.sets.into_values() {
                let rtype = set.rtype;
                if owner.standing.signs(rtype) {
                    for key in self.keys.iter().filter(|key| self.is_for(key, rtype)) {
                        set.push_signature(&key.sign(&set, apex, self.validity)?);
                    }
                }
                signed.push(set);
            }
        }
        Ok(signed)
    }

    /// Whether this key signs RRsets of this type. RFC 7344 §4.1: CDS and CDNSKEY are signed by a key that the zone above refers to.
    fn is_for(&self, key: &SigningKey, rtype: Rtype) -> bool {
        let entry = matches!(rtype, Rtype::DNSKEY | Rtype::CDS | Rtype::CDNSKEY);
        let revoked = |key: &SigningKey| key.flags() & Key::REVOKED != 0;
        if revoked(key) {
            return rtype == Rtype::DNSKEY;
        }
        let fits = |key: &SigningKey| (key.flags() & Key::ENTRY != 0) == entry && !revoked(key);
        let of_this = |other: &&SigningKey| other.algorithm() == key.algorithm();
        fits(key) || !self.keys.iter().filter(of_this).any(fits)
    }
}

/// The zone's names and their RRsets, without what signing makes.
fn gather(apex: Name<'_>, sets: Vec<Rrset>) -> Result<Owners, SigningError> {
    let mut owners = Owners::new();
    for mut set in sets {
        if !set.name.as_name().is_within(apex) {
            return Err(SigningError::Outside(set.name));
        }
        if matches!(set.rtype, Rtype::RRSIG | Rtype::NSEC | Rtype::NSEC3 | Rtype::NSEC3PARAM) {
            continue;
        }
        set.drop_signatures();
        let owner = owners.entry(set.name.clone());
        let owner = owner.or_insert_with(|| Owner { standing: Standing::Own, sets: BTreeMap::new() });
        match owner.sets.get_mut(&set.rtype) {
            Some(have) => set.rdatas().iter().for_each(|rdata| have.push(rdata)),
            None => _ = owner.sets.insert(set.rtype, set),
        }
    }
    Ok(owners)
}

/// Says which names are the zone's own.
fn judge(owners: &mut Owners, apex: Name<'_>) {
    // In canonical order what is below a name follows it.
    let mut hidden_below: Option<OwnedName> = None;
    for (name, owner) in owners {
        owner.standing = match &hidden_below {
            Some(above) if name.as_name().is_below(above.as_name()) => Standing::Hidden,
            _ if owner.sets.contains_key(&Rtype::NS) && name.as_name() != apex => Standing::Cut,
            _ => Standing::Own,
        };
        let hides = owner.standing == Standing::Cut || owner.sets.contains_key(&Rtype::DNAME);
        if owner.standing != Standing::Hidden && hides {
            hidden_below = Some(name.clone());
        }
    }
}

/// Adds the NSEC records.
fn chain(owners: &mut Owners, ttl: u32) {
    let shown =
        |(name, owner): (&OwnedName, &Owner)| (owner.standing != Standing::Hidden).then(|| name.clone());
    let names: Vec<OwnedName> = owners.iter().filter_map(shown).collect();
    let after = names.iter().cycle().skip(1);
    for (name, next) in names.iter().zip(after) {
        let Some(owner) = owners.get_mut(name) else { continue };
        let mut rdata = next.as_name().as_bytes().to_vec();
        owner.write_types(&[Rtype::RRSIG, Rtype::NSEC], &mut rdata);
        let mut nsec = Rrset::new(name.as_name(), Rtype::NSEC, ttl);
        nsec.push(&rdata);
        owner.sets.insert(Rtype::NSEC, nsec);
    }
}

/// Adds the NSEC3 records and NSEC3PARAM.
fn chain_hashes(
    owners: &mut Owners,
    apex: Name<'_>,
    param: Nsec3Param<'_>,
    opt_out: bool,
    ttl: u32,
) -> Result<(), SigningError> {
    let salt_len = u8::try_from(param.salt.len()).map_err(|_| SigningError::TooLong)?;
    let [high, low] = param.iterations.to_be_bytes();
    let fields = |flags| [&[1, flags, high, low, salt_len], param.salt].concat();
    if let Some(own) = owners.get_mut(&apex.to_owned()) {
        let mut set = Rrset::new(apex, Rtype::NSEC3PARAM, 0);
        set.push(&fields(0));
        own.sets.insert(Rtype::NSEC3PARAM, set);
    }
    let hashes = hash_names(owners, apex, param, opt_out)?;
    let after = hashes.keys().cycle().skip(1);
    for ((hash, types), next) in hashes.iter().zip(after) {
        let name = Nsec3::owner(hash, apex).ok_or(SigningError::TooLong)?.as_name().to_owned();
        let mut set = Rrset::new(name.as_name(), Rtype::NSEC3, ttl);
        let hashed = [&[next.len() as u8], &next[..], types].concat();
        set.push(&[fields(opt_out.into()), hashed].concat());
        let owner = owners.entry(name);
        let owner = owner.or_insert_with(|| Owner { standing: Standing::Own, sets: BTreeMap::new() });
        owner.sets.insert(Rtype::NSEC3, set);
    }
    Ok(())
}

/// The hashes that have NSEC3 records, and their bitmaps: of the names shown, and of empty non-terminals above them.
fn hash_names(
    owners: &Owners,
    apex: Name<'_>,
    param: Nsec3Param<'_>,
    opt_out: bool,
) -> Result<BTreeMap<Nsec3Hash, Vec<u8>>, SigningError> {
    let mut names: BTreeMap<Name<'_>, Option<&Owner>> = BTreeMap::new();
    for (name, owner) in owners {
        let left_out = opt_out && owner.standing == Standing::Cut && !owner.sets.contains_key(&Rtype::DS);
        if owner.standing == Standing::Hidden || left_out {
            continue;
        }
        let above = std::iter::successors(name.as_name().parent(), |name| name.parent());
        for empty in above.take_while(|above| above.is_below(apex)) {
            names.entry(empty).or_insert(None);
        }
        names.insert(name.as_name(), Some(owner));
    }
    let mut hashes = BTreeMap::new();
    for (name, owner) in names {
        let mut types = Vec::new();
        if let Some(owner) = owner {
            let added: &[Rtype] = if owner.has_signature() { &[Rtype::RRSIG] } else { &[] };
            owner.write_types(added, &mut types);
        }
        if hashes.insert(param.hash(name), types).is_some() {
            return Err(SigningError::Collision);
        }
    }
    Ok(hashes)
}
