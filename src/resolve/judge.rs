//! Whether what a reply says may be believed: each claim of it is checked with the keys of the zone that signed it, and what is not
//! known for that is looked up first (RFC 4035 §5). The keys of a zone are those that its DS names, whose own signatures are checked
//! with the keys of the zone above, up to a trust anchor. What has no signature must lie below a delegation that is proven to have no
//! DS.

use super::claims::{Claim, Claims, Place, Ruling, What};
use super::delegation::Delegation;
use super::task::{State, Task, TaskId, Trouble, Waiter};
use super::trace::Step;
use super::trusts::{Delegated, Known, Trusts};
use super::{Failure, Question, Resolver, Settled};
use crate::anchor::{Anchor, Cover};
use crate::cache::{EntryBuf, Key, ProofBuf, Verdict};
use crate::clock::Instant;
use crate::dnssec::Rrsig;
use crate::rrset::Rrset;
use crate::validate::{Bench, Chain, Denial, Effort, Entry, Flaw, Keys, NoDs, Proven, Why, check_set};
use crate::wire::{Ede, Name, OwnedName, Rtype};
use std::net::SocketAddr;
use std::sync::Arc;

/// Claims that are being judged.
pub(super) struct Judging {
    claims: Claims,
    /// How the question ends when all of them hold.
    failure: Option<Failure>,
    /// Who made them; none when they came with a referral.
    server: Option<SocketAddr>,
    /// What was found of the first of them.
    rulings: Vec<Ruling>,
    /// The lookup that is under way, and how many there were.
    pending: Option<TaskId>,
    lookups: usize,
}

impl Judging {
    pub fn new(claims: Claims, failure: Option<Failure>, server: Option<SocketAddr>) -> Judging {
        Judging { claims, failure, server, rulings: Vec::new(), pending: None, lookups: 0 }
    }

    /// Whether it waits for this lookup.
    pub fn waits_for(&self, task: TaskId) -> bool {
        self.pending == Some(task)
    }
}

/// What one look at a claim has come to.
enum Found {
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

/// Where the chain of trust of a name begins.
enum Root<'a> {
    /// Nowhere: the name counts as insecure.
    None,
    Anchor(OwnedName, Entry<'a>),
}

impl Resolver {
    /// Whether the answers to a question are judged.
    pub(super) fn judges(&self, question: &Question) -> bool {
        !question.checking_disabled && self.known.anchors.load().validates()
    }

    /// Begins to judge the claims of a task's reply.
    pub(super) fn begin_judging(&mut self, now: Instant, id: TaskId, judging: Judging) {
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) else { return };
        visit.judging = Some(Box::new(judging));
        self.judge(now, id);
    }

    /// Goes on judging as far as what is known allows.
    pub(super) fn judge(&mut self, now: Instant, id: TaskId) {
        let Some(Task { state: State::At(visit), question, .. }) = self.tasks.get_mut(&id) else { return };
        let Some(mut judging) = visit.judging.take() else { return };
        let (question, delegation) = (question.clone(), Arc::clone(&visit.delegation));
        while judging.rulings.len() < judging.claims.list.len() {
            let before = self.effort_of(id);
            let mut effort = before;
            let found = self.rule(now, &question, &delegation, &judging, &mut effort);
            if !self.charge_effort(now, id, &effort.spent_of(&before)) {
                return;
            }
            match found {
                Ok(Found::Ruling(ruling)) => judging.rulings.push(ruling),
                Ok(Found::Need(name, rtype)) => return self.look_up(now, id, judging, (name, rtype)),
                // What an alias leads to may be had from elsewhere, or with the proof that is missing here: it is
                // asked for by itself.
                Err(flaw) if !judging.rulings.is_empty() && flaw.why != Why::TooMuchWork => {
                    if let Some(task) = self.tasks.get_mut(&id) {
                        task.trace.note(now, Step::Bogus(Arc::new(flaw)));
                    }
                    judging.claims.list.truncate(judging.rulings.len());
                    judging.failure = None;
                }
                Err(flaw) => return self.bogus(now, id, &judging, flaw),
            }
        }
        let Judging { claims, failure, rulings, .. } = *judging;
        self.learn(now, &question, &claims, &rulings);
        self.keep_spans(now, &question, &claims, &rulings);
        let place = Place { realm: question.realm(self.settings.realm), checking_disabled: false, now };
        let entries = claims.list.iter().zip(&rulings).map(|(claim, ruling)| claim.entry(&place, ruling));
        self.settle(id, entries.collect(), failure);
    }

    /// Looks up a DS or DNSKEY set that must be known before a task's claims can be judged.
    fn look_up(
        &mut self,
        now: Instant,
        id: TaskId,
        mut judging: Box<Judging>,
        (name, rtype): (OwnedName, Rtype),
    ) {
        let Some(Task { question, .. }) = self.tasks.get(&id) else { return };
        let question = Question { name, rtype, checking_disabled: false, start: question.start.clone() };
        judging.lookups += 1;
        let endless = judging.lookups > crate::limits::CHAIN_LOOKUPS;
        let existing = self.by_question.get(&question).copied();
        // It cannot wait for itself: the chain of trust leads up. But what is no name server's fault must not hang.
        if endless || existing.is_some_and(|existing| self.waits_for(id, existing)) {
            let text = format!("no chain of trust leads to {}", question.name);
            return self.give_up(now, id, Failure::servfail(Ede::DNSSEC_INDETERMINATE, text));
        }
        if let Some(failure) = self.remembered(now, &question) {
            return self.give_up(now, id, failure);
        }
        let child = self.task(now, question, Some(Waiter::Task(id)));
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) else { return };
        judging.pending = Some(child);
        visit.judging = Some(judging);
        visit.pending.push(child);
        self.begun.push_back(child);
    }

    /// A lookup of DS or DNSKEY ended: the task that waited for it goes on.
    pub(super) fn looked_up(&mut self, now: Instant, parent: TaskId, settled: &Settled) {
        if let Some(failure) = &settled.failure {
            return self.give_up(now, parent, failure.clone());
        }
        if let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&parent)
            && let Some(judging) = &mut visit.judging
        {
            judging.pending = None;
        }
        self.judge(now, parent);
    }

    /// What a task was told is bogus: another server may know better.
    fn bogus(&mut self, now: Instant, id: TaskId, judging: &Judging, flaw: Flaw) {
        let Some(Task { state: State::At(visit), trace, .. }) = self.tasks.get_mut(&id) else { return };
        trace.note(now, Step::Bogus(Arc::new(flaw.clone())));
        let spent = flaw.why == Why::TooMuchWork;
        visit.flaw = Some(flaw);
        let Some(server) = judging.server else { return self.step(now, id) };
        visit.bogus += 1;
        visit.note_trouble(server, Trouble::Bogus);
        if spent || visit.bogus >= crate::limits::BOGUS_RETRIES {
            let text = visit.verdict();
            return self.fail(now, id, Ede::DNSSEC_BOGUS, text);
        }
        self.step(now, id);
    }

    //------- Claims -----------------------------------------------------------------------------------------------

    /// Looks at the next claim.
    fn rule(
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
            _ => (),
        }
        let Some(signer) = signer(claim, &claims.denials, zone) else {
            return self.rule_on_unsigned(now, question, claim, zone, &claims.denials);
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

    /// What has no signature is insecure where that is proven of a delegation at or above it, and bogus elsewhere.
    fn rule_on_unsigned(
        &self,
        now: Instant,
        question: &Question,
        claim: &Claim,
        zone: Name<'_>,
        denials: &[Rrset],
    ) -> Result<Found, Flaw> {
        let insecure = Ok(Found::Ruling(Ruling::unchecked(Verdict::Insecure, denials)));
        let name = claim.name.as_name();
        let Root::Anchor(anchor, _) = self.root(now, question, name) else { return insecure };
        let trusts = self.trusts(question);
        if trusts.is_insecure(name, anchor.as_name(), now) {
            return insecure;
        }
        let from = if zone.is_within(anchor.as_name()) { zone } else { anchor.as_name() };
        // DS is of the parent.
        let last = name.label_count().saturating_sub(usize::from(claim.rtype == Rtype::DS));
        for labels in from.label_count().max(anchor.as_name().label_count() + 1)..=last {
            let part = name.suffix(labels);
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
        let (time, ds);
        time = self.unix(now);
        let entry = match root(&anchors, &self.settings, question, zone, time) {
            Root::None => return insecure,
            Root::Anchor(anchor, entry) if anchor.as_name() == zone => entry,
            Root::Anchor(anchor, _) => {
                if self.trusts(question).is_insecure(zone, anchor.as_name(), now) {
                    return insecure;
                }
                ds = match self.trusts(question).delegated(zone, now) {
                    None => return Ok(Found::Need(zone.to_owned(), Rtype::DS)),
                    Some(Delegated::Insecure) => return insecure,
                    Some(Delegated::NotACut) => {
                        return Err(Flaw::new(zone, Rtype::DNSKEY, Why::NotAZone(zone.to_owned())));
                    }
                    Some(Delegated::Signed(ds)) => ds,
                };
                Entry { ds: ds.iter().map(|rdata| &**rdata).collect(), keys: Vec::new() }
            }
        };
        let mut bench = Bench { time, effort, data: &mut self.signed_data };
        match entry.check(set, &mut bench)? {
            Chain::Insecure => {
                self.trusts(question).set_delegation(zone, Delegated::Insecure, set.ttl, now);
                insecure
            }
            Chain::Secure(keys, ttl) => {
                self.trusts(question).set_keys(keys, ttl, now);
                Ok(Found::Ruling(Ruling { verdict: Verdict::Secure, ttl, ..Ruling::default() }))
            }
        }
    }

    //------- Zones ------------------------------------------------------------------------------------------------

    fn trusts(&self, question: &Question) -> &Trusts {
        &self.known.trusts[usize::from(question.start.is_some())]
    }

    fn root(&self, now: Instant, question: &Question, name: Name<'_>) -> Root<'static> {
        let anchors = self.known.anchors.load();
        match root(&anchors, &self.settings, question, name, self.unix(now)) {
            Root::None => Root::None,
            Root::Anchor(zone, _) => Root::Anchor(zone, Entry::default()),
        }
    }

    /// Whose keys a zone's signatures are checked with.
    fn status(&self, now: Instant, question: &Question, zone: Name<'_>) -> Status {
        let Root::Anchor(anchor, _) = self.root(now, question, zone) else { return Status::Insecure };
        let trusts = self.trusts(question);
        if trusts.is_insecure(zone, anchor.as_name(), now) {
            return Status::Insecure;
        }
        let is_anchor = anchor.as_name() == zone;
        match trusts.get(zone, now) {
            Known::Keys(keys) => Status::Keys(keys),
            Known::NotACut if !is_anchor => Status::NotAZone,
            Known::Insecure if !is_anchor => Status::Insecure,
            Known::Nothing if !is_anchor => Status::Need(Rtype::DS),
            _ => Status::Need(Rtype::DNSKEY),
        }
    }

    /// Notes what judged claims say of delegations.
    fn learn(&self, now: Instant, question: &Question, claims: &Claims, rulings: &[Ruling]) {
        let (Some(claim), Some(ruling)) = (claims.list.first(), rulings.first()) else { return };
        if question.rtype != Rtype::DS || claim.name != question.name {
            return;
        }
        let ttl = |own: u32| own.min(ruling.ttl);
        let (delegated, ttl) = match (&claim.what, ruling.verdict) {
            (What::Records(set), Verdict::Secure) if claim.rtype == Rtype::DS => {
                let entry = Entry { ds: set.rdatas().iter().collect(), keys: Vec::new() };
                let ds = entry.ds.iter().map(|&rdata| rdata.into()).collect();
                let delegated = if entry.is_usable() { Delegated::Signed(ds) } else { Delegated::Insecure };
                (delegated, ttl(set.ttl))
            }
            (What::Records(set) | What::Made(set), Verdict::Secure) => (Delegated::NotACut, ttl(set.ttl)),
            (What::Records(set) | What::Made(set), _) if ruling.no_ds == Some(NoDs::NotACut) => {
                (Delegated::NotACut, ttl(set.ttl))
            }
            (What::Records(set) | What::Made(set), _) => (Delegated::Insecure, ttl(set.ttl)),
            (What::Denied(_), Verdict::Secure) => {
                let not_a_cut = ruling.no_ds != Some(NoDs::Insecure);
                let delegated = if not_a_cut { Delegated::NotACut } else { Delegated::Insecure };
                (delegated, ttl(crate::limits::TTL_NEGATIVE))
            }
            (What::Denied(_), _) => (Delegated::Insecure, ttl(crate::limits::TTL_NEGATIVE)),
        };
        self.trusts(question).set_delegation(question.name.as_name(), delegated, ttl, now);
    }

    /// Keeps what denies, for the names beside those that were asked for.
    fn keep_spans(&self, now: Instant, question: &Question, claims: &Claims, rulings: &[Ruling]) {
        if !self.settings.aggressive || question.start.is_some() {
            return;
        }
        for (claim, ruling) in claims.list.iter().zip(rulings) {
            let What::Denied(Some(soa)) = &claim.what else { continue };
            let proves =
                |set: &&Rrset| ruling.proof.as_proof().iter().any(|kept| kept.owner == set.name.as_name());
            let sets: Vec<&Rrset> = claims.denials.iter().filter(proves).collect();
            if ruling.verdict == Verdict::Secure && !sets.is_empty() {
                let ttl = claim.negative_ttl().min(ruling.ttl);
                let room = self.cache.capacity() / crate::limits::SPANS_SHARE;
                self.known.denials.insert(soa.name.as_name(), soa, &sets, ttl, now, room);
            }
        }
    }

    /// A denial of a question that follows from others that were validated (RFC 8198 §5). What the config says who to ask for, and
    /// what lies below an own cut, is not denied from above.
    pub(super) fn synthesise(&self, now: Instant, question: &Question) -> Option<EntryBuf> {
        if !self.settings.aggressive || question.start.is_some() || !self.judges(question) {
            return None;
        }
        let name = question.name.as_name();
        let floor = self.settings.route(name).map_or(0, |route| route.zone.as_name().label_count());
        let made = self.known.denials.deny(name, question.rtype, floor, now)?;
        let what = What::Denied(Some(Rrset::clone(&made.soa)));
        let claim = Claim { name: question.name.clone(), rtype: made.rtype, what };
        let place = Place { realm: self.settings.realm, checking_disabled: false, now };
        let ruling =
            Ruling { verdict: Verdict::Secure, ttl: made.ttl, proof: made.proof, ..Ruling::default() };
        Some(claim.entry(&place, &ruling))
    }

    //------- What it costs ----------------------------------------------------------------------------------------

    /// What may be spent for a task: what the richest of those who wait for it has left.
    fn effort_of(&self, id: TaskId) -> Effort {
        let askers = self.askers_of(id);
        let left = askers.iter().filter_map(|asker| Some(self.askers.get(asker)?.budget.effort));
        left.max_by_key(|effort| (effort.faults, effort.checks, effort.hashes)).unwrap_or(Effort::WHOLE)
    }

    /// Charges what was spent to all who wait for a task; says whether anybody still does.
    fn charge_effort(&mut self, now: Instant, id: TaskId, spent: &Effort) -> bool {
        for asker in self.askers_of(id) {
            let Some(asking) = self.askers.get_mut(&asker) else { continue };
            match asking.budget.effort.minus(spent) {
                Some(left) => asking.budget.effort = left,
                None => self.out_of_budget(now, asker, "it needs more checks than one question may cause"),
            }
        }
        self.tasks.contains_key(&id)
    }
}

/// Where the chain of trust of a name begins: at the delegation of an own zone, or at a trust anchor.
fn root<'a>(
    anchors: &'a crate::anchor::Anchors,
    settings: &super::Settings,
    question: &'a Question,
    name: Name<'_>,
    time: u64,
) -> Root<'a> {
    if settings.route(name).is_some_and(|route| !route.validate) {
        return Root::None;
    }
    let bytes = |list: &'a [Box<[u8]>]| list.iter().map(|rdata| &**rdata).collect();
    match (anchors.cover(name, time), &question.start) {
        (Cover::Negative(_), _) => Root::None,
        (_, Some(start)) if start.ds.is_empty() => Root::None,
        (_, Some(start)) => {
            Root::Anchor(start.zone.clone(), Entry { ds: bytes(&start.ds), keys: Vec::new() })
        }
        (Cover::Nothing, None) => Root::None,
        (Cover::Anchor(Anchor { zone, ds, keys }), None) => {
            Root::Anchor(zone.clone(), Entry { ds: bytes(ds), keys: bytes(keys) })
        }
    }
}

/// The zone whose keys a claim is to be checked with, as its signatures say: one that the server asked may speak for, and that may
/// hold the name.
fn signer(claim: &Claim, denials: &[Rrset], zone: Name<'_>) -> Option<OwnedName> {
    let name = claim.name.as_name();
    let fits = |sig: &Rrsig<'_>| {
        let above =
            if claim.rtype == Rtype::DS { name.is_below(sig.signer) } else { name.is_within(sig.signer) };
        above && sig.signer.is_within(zone)
    };
    let of = |set: &Rrset| {
        let sig = set.signatures().iter().filter_map(Rrsig::read).find(fits)?;
        Some(sig.signer.to_owned())
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
            // That a wildcard stands for the name shows that it is no delegation, as far as opt-out lets
            // anything be shown.
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
    let no_ds = if rtype == Rtype::DS { Some(denial.no_ds(name, bench.effort)?) } else { None };
    let ttl = denial.ttl().min(soa_ttl.unwrap_or(u32::MAX));
    let (proof, compact) = (proof_of(&denial), denial.is_compact(name));
    Ok(Ruling { verdict: verdict(proven), ttl, proof, no_ds, compact })
}

fn proof_of(denial: &Denial<'_>) -> ProofBuf {
    let mut proof = ProofBuf::default();
    denial.sets().iter().for_each(|set| proof.push(set));
    proof
}
