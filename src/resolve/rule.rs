//! What is to be believed of one claim: the keys that its signatures are checked with, where they are known, and what must be looked up
//! where they are not (RFC 4035 §5).

use super::claims::{Claim, Ruling, What};
use super::delegation::Delegation;
use super::judge::Judging;
use super::trusts::{Delegated, Known, Trusts};
use super::{Question, Resolver, Settings};
use crate::anchor::{Anchor, Anchors, Cover};
use crate::cache::{Key, ProofBuf, Verdict};
use crate::clock::Instant;
use crate::dnssec::Rrsig;
use crate::rrset::Rrset;
use crate::validate::{Bench, Chain, Denial, Effort, Entry, Flaw, Keys, NoDs, Proven, Why, check_set};
use crate::wire::{Name, OwnedName, Rtype};
use std::sync::Arc;

/// What one look at a claim has come to.
pub(super) enum Found {
    Ruling(Ruling),
    /// This must be known first.
    Need(OwnedName, Rtype),
}

/// Whose keys are to be used.
enum Status {
    Keys(Arc<Keys>),
    Insecure,
    NotAZone,
    Need(Rtype),
}

impl Resolver {
    //------- Claims -----------------------------------------------------------------------------------------------

    /// Looks at the next claim.
    pub(super) fn rule(
        &mut self,
        now: Instant,
        question: &Question,
        delegation: &Delegation,
        judging: &Judging,
        effort: &mut Effort,
    ) -> Result<Found, Flaw> {
        let Judging { claims, rulings, .. } = judging;
        let claim = &claims.list[rulings.len()];
        let ruled = |verdict| Ok(Found::Ruling(Ruling::unchecked(verdict, &claims.denials)));
        let zone = delegation.zone.as_name();
        match (&claim.what, rulings.last()) {
            // RFC 6672 §5.3.1: it is as good as its DNAME.
            (What::Made(_), Some(dname)) => {
                return Ok(Found::Ruling(Ruling { proof: ProofBuf::default(), ..dname.clone() }));
            }
            // Signatures are not signed (RFC 4035 §2.2).
            (What::Records(_), _) if claim.rtype == Rtype::RRSIG => return ruled(Verdict::Insecure),
            (What::Records(set), _) if claim.rtype == Rtype::DNSKEY => {
                return self.rule_on_keys(now, question, set, effort);
            }
            // To check the denial takes the keys that it denies.
            (What::Denied(_), _)
                if claim.rtype == Rtype::DNSKEY && self.is_entered(now, question, claim.name.as_name()) =>
            {
                return Err(Flaw::new(claim.name.as_name(), Rtype::DNSKEY, Why::NoKeys));
            }
            _ => (),
        }
        // Whoever signed does not choose where validation begins.
        let side = claim.side(question);
        let Some(anchor) = self.anchor(now, question, side) else { return ruled(Verdict::Insecure) };
        let within = if zone.is_within(anchor.as_name()) { zone } else { anchor.as_name() };
        let Some(signer) = signer(claim, side, &claims.denials, within) else {
            return self.rule_on_unsigned(now, question, claim, (anchor.as_name(), within), &claims.denials);
        };
        match self.status(now, question, signer.as_name()) {
            Status::Insecure => ruled(Verdict::Insecure),
            Status::Need(rtype) => Ok(Found::Need(signer, rtype)),
            Status::NotAZone => Err(Flaw::new(claim.name.as_name(), claim.rtype, Why::NotAZone(signer))),
            Status::Keys(keys) => {
                let mut bench = Bench { time: self.unix(now), effort, data: &mut self.signed_data };
                check(claim, &claims.denials, &keys, &mut bench).map(Found::Ruling)
            }
        }
    }

    /// What has no signature of a zone at or below `zone` is insecure where that is proven of a delegation at or above it, below
    /// `anchor`, and bogus elsewhere.
    fn rule_on_unsigned(
        &self,
        now: Instant,
        question: &Question,
        claim: &Claim,
        (anchor, zone): (Name<'_>, Name<'_>),
        denials: &[Rrset],
    ) -> Result<Found, Flaw> {
        let insecure = Ok(Found::Ruling(Ruling::unchecked(Verdict::Insecure, denials)));
        let (name, side) = (claim.name.as_name(), claim.side(question));
        let trusts = self.trusts(question);
        if trusts.is_insecure(side, anchor, now) {
            return insecure;
        }
        for labels in zone.label_count().max(anchor.label_count() + 1)..=side.label_count() {
            let part = side.suffix(labels);
            if let Known::Nothing = trusts.get(part, now) {
                return Ok(Found::Need(part.to_owned(), Rtype::DS));
            }
        }
        let why = match &claim.what {
            What::Denied(Some(soa)) if claim.rtype == Rtype::DS && soa.name == claim.name => Why::DsOfChild,
            What::Records(set) => match set.signatures().iter().find_map(Rrsig::read) {
                Some(sig) => Why::Signer(sig.signer.to_owned()),
                None => Why::Unsigned,
            },
            _ => Why::Unsigned,
        };
        Err(Flaw::new(name, claim.rtype, why))
    }

    /// A DNSKEY set is checked with those of its keys that the DS or the trust anchor of its zone names.
    fn rule_on_keys(
        &mut self,
        now: Instant,
        question: &Question,
        set: &Rrset,
        effort: &mut Effort,
    ) -> Result<Found, Flaw> {
        let insecure =
            Ok(Found::Ruling(Ruling { verdict: Verdict::Insecure, ttl: u32::MAX, ..Ruling::default() }));
        let zone = set.name.as_name();
        let anchors = self.known.anchors.load();
        let (ds, time) = (self.trusts(question).delegated(zone, now), self.unix(now));
        let entry = match root(&anchors, &self.settings, question, zone, time) {
            None => return insecure,
            Some((anchor, entry)) if anchor.as_name() == zone => entry,
            Some((anchor, _)) if self.trusts(question).is_insecure(zone, anchor.as_name(), now) => {
                return insecure;
            }
            Some(_) => match &ds {
                None => return Ok(Found::Need(zone.to_owned(), Rtype::DS)),
                Some(Delegated::Insecure) => return insecure,
                Some(Delegated::NotACut) => {
                    return Err(Flaw::new(zone, Rtype::DNSKEY, Why::NotAZone(zone.to_owned())));
                }
                Some(Delegated::Signed(ds)) => {
                    Entry { ds: ds.iter().map(|rdata| &**rdata).collect(), keys: Vec::new() }
                }
            },
        };
        // Where the chain begins at an own cut its DS is kept beside the keys, to see when it is another.
        let start = question.start.as_ref().filter(|start| start.zone.as_name() == zone);
        let mut bench = Bench { time, effort, data: &mut self.signed_data };
        let chain = entry.check(set, &mut bench);
        if anchors.get(zone).is_some() && self.known.anchors.follows() {
            self.observe(now, set);
        }
        match chain? {
            Chain::Insecure => {
                if start.is_none() {
                    self.trusts(question).set_delegation(zone, Delegated::Insecure, set.ttl, now);
                }
                insecure
            }
            Chain::Secure(keys, ttl) => {
                let trusts = self.trusts(question);
                if let Some(start) = start {
                    trusts.set_delegation(zone, Delegated::Signed(start.ds.as_slice().into()), ttl, now);
                }
                trusts.set_keys(keys, ttl, now);
                Ok(Found::Ruling(Ruling { verdict: Verdict::Secure, ttl, ..Ruling::default() }))
            }
        }
    }

    //------- Zones ------------------------------------------------------------------------------------------------

    pub(super) fn trusts(&self, question: &Question) -> &Trusts {
        &self.known.trusts[usize::from(question.start.is_some())]
    }

    /// The zone at which the chain of trust of a name begins; none when it has none, and is insecure.
    pub(super) fn anchor(&self, now: Instant, question: &Question, name: Name<'_>) -> Option<OwnedName> {
        let anchors = self.known.anchors.load();
        let root = root(&anchors, &self.settings, question, name, self.unix(now));
        root.map(|(zone, _)| zone.clone())
    }

    /// Whether a DS or a trust anchor is known that names a key of this zone.
    fn is_entered(&self, now: Instant, question: &Question, zone: Name<'_>) -> bool {
        match self.anchor(now, question, zone) {
            Some(anchor) if anchor.as_name() == zone => true,
            Some(_) => matches!(self.trusts(question).get(zone, now), Known::Signed | Known::Keys(_)),
            None => false,
        }
    }

    /// Whose keys a zone's signatures are checked with.
    fn status(&self, now: Instant, question: &Question, zone: Name<'_>) -> Status {
        let Some(anchor) = self.anchor(now, question, zone) else { return Status::Insecure };
        let trusts = self.trusts(question);
        if trusts.is_insecure(zone, anchor.as_name(), now) {
            return Status::Insecure;
        }
        let is_anchor = anchor.as_name() == zone;
        match trusts.get(zone, now) {
            // Of another own cut of that name, or of this one before it was changed.
            Known::Keys(_) if is_anchor && !self.is_entered_so(now, question, zone) => {
                Status::Need(Rtype::DNSKEY)
            }
            Known::Keys(keys) => Status::Keys(keys),
            Known::NotACut if !is_anchor => Status::NotAZone,
            Known::Nothing if !is_anchor => Status::Need(Rtype::DS),
            _ => Status::Need(Rtype::DNSKEY),
        }
    }

    /// Whether the keys of a zone that are known were entered by the DS of the own cut that a question starts from.
    fn is_entered_so(&self, now: Instant, question: &Question, zone: Name<'_>) -> bool {
        let Some(start) = &question.start else { return true };
        match self.trusts(question).delegated(zone, now) {
            Some(Delegated::Signed(ds)) => start.zone.as_name() != zone || *ds == *start.ds,
            _ => false,
        }
    }
}

/// Where the chain of trust of a name begins, and by which keys: at a trust anchor, or at the delegation of an own zone. None where
/// nothing can be checked.
fn root<'a>(
    anchors: &'a Anchors,
    settings: &Settings,
    question: &'a Question,
    name: Name<'_>,
    time: u64,
) -> Option<(&'a OwnedName, Entry<'a>)> {
    if settings.route(name).is_some_and(|route| !route.validate) {
        return None;
    }
    let bytes = |list: &'a [Box<[u8]>]| list.iter().map(|rdata| &**rdata).collect();
    let cover = anchors.cover(name, time);
    if let Cover::Negative(_) = cover {
        return None;
    }
    let root = match (cover, &question.start) {
        // What the operator says of a zone below his own cut comes before the cut.
        (Cover::Anchor(Anchor { zone, ds, keys }), start)
            if start.as_ref().is_none_or(|start| zone.as_name().is_within(start.zone.as_name())) =>
        {
            (zone, Entry { ds: bytes(ds), keys: bytes(keys) })
        }
        (_, Some(start)) => (&start.zone, Entry { ds: bytes(&start.ds), keys: Vec::new() }),
        (_, None) => return None,
    };
    Some(root).filter(|(_, entry)| entry.is_usable())
}

/// The zone whose keys a claim is to be checked with, as its signatures say: one that the server asked may speak for, and that may
/// hold the name.
fn signer(claim: &Claim, side: Name<'_>, denials: &[Rrset], zone: Name<'_>) -> Option<OwnedName> {
    let fits = |sig: &Rrsig<'_>| side.is_within(sig.signer) && sig.signer.is_within(zone);
    let of = |set: &Rrset| {
        let sig = set.signatures().iter().filter_map(Rrsig::read).find(fits)?;
        let mut signer = sig.signer.to_buf();
        signer.make_lowercase();
        Some(signer.as_name().to_owned())
    };
    match &claim.what {
        What::Records(set) | What::Made(set) => of(set),
        What::Denied(soa) => soa.as_ref().and_then(of).or_else(|| denials.iter().find_map(of)),
    }
}

/// Checks a claim with the keys of its zone.
fn check(claim: &Claim, denials: &[Rrset], keys: &Keys, bench: &mut Bench<'_>) -> Result<Ruling, Flaw> {
    let (name, rtype) = (claim.name.as_name(), claim.rtype);
    let verdict = |proven| if proven == Proven::Secure { Verdict::Secure } else { Verdict::Insecure };
    let soa = match &claim.what {
        What::Records(set) | What::Made(set) => {
            let signed = check_set(set, keys, bench)?;
            let Some(expansion) = signed.expansion else {
                return Ok(Ruling { verdict: Verdict::Secure, ttl: signed.ttl, ..Ruling::default() });
            };
            let denial = Denial::new(denials, keys, bench);
            let verdict = verdict(denial.expanded(name, rtype, expansion, bench.effort)?);
            let (ttl, proof) = (signed.ttl.min(denial.ttl()), proof_of(&denial));
            // That a wildcard stands for the name shows that it is no delegation, as far as opt-out lets anything be shown.
            let no_ds = Some(NoDs::NotACut);
            return Ok(Ruling { verdict, ttl, proof, no_ds, ..Ruling::default() });
        }
        What::Denied(soa) => soa,
    };
    let soa_ttl = soa.as_ref().map(|soa| Ok(check_set(soa, keys, bench)?.ttl)).transpose()?;
    let denial = Denial::new(denials, keys, bench);
    let proven = match rtype {
        Key::NXDOMAIN => denial.name_error(name, bench.effort)?,
        rtype => denial.no_data(name, rtype, bench.effort)?,
    };
    let no_ds =
        if rtype == Rtype::DS && !name.is_root() { Some(denial.no_ds(name, bench.effort)?) } else { None };
    let ttl = denial.ttl().min(soa_ttl.unwrap_or(u32::MAX));
    let (proof, compact) = (proof_of(&denial), denial.is_compact(name));
    Ok(Ruling { verdict: verdict(proven), ttl, proof, no_ds, compact })
}

fn proof_of(denial: &Denial<'_>) -> ProofBuf {
    let mut proof = ProofBuf::default();
    denial.sets().iter().for_each(|set| proof.push(set));
    proof
}
