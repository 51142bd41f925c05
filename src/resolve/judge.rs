//! Whether what a reply says may be believed: each claim of it is checked with the keys of the zone that signed it, and what is not
//! known for that is looked up first (RFC 4035 §5). The keys of a zone are those that its DS names, whose own signatures are checked
//! with the keys of the zone above, up to a trust anchor. What has no signature must lie below a delegation that is proven to have no
//! DS.

use super::claims::{Claims, Place, Ruling};
use super::rule::Found;
use super::task::{Again, State, Task, TaskId, Trouble, Waiter};
use super::trace::Step;
use super::{Failure, Question, Resolver, Settled, Transport};
use crate::cache::EntryBuf;
use crate::clock::Instant;
use crate::limits;
use crate::validate::{Effort, Flaw, Why};
use crate::wire::{Ede, OwnedName, Rtype};
use std::net::SocketAddr;
use std::sync::Arc;

/// Claims that are being judged.
pub(super) struct Judging {
    pub claims: Claims,
    /// How the question ends when all of them hold.
    ending: Option<Ending>,
    /// Who made them; none when they came with a referral.
    source: Option<Source>,
    /// What was found of the first of them.
    pub rulings: Vec<Ruling>,
    /// The lookup that is under way, and how many there were.
    pending: Option<TaskId>,
    lookups: usize,
    /// What was looked up last.
    needed: Option<(OwnedName, Rtype)>,
    /// Under which anchors the rulings were made.
    generation: u64,
}

/// How a question ends though its claims hold.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// With them, and this code.
    Beside(Failure),
    /// Without them: they may not be passed on.
    Instead(Failure),
}

/// Who said something, and how it was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub server: SocketAddr,
    pub transport: Transport,
    /// With EDNS: without it nobody sends signatures.
    pub edns: bool,
}

impl Judging {
    pub fn new(claims: Claims, ending: Option<Ending>, source: Option<Source>) -> Judging {
        let (rulings, pending, needed) = (Vec::new(), None, None);
        Judging { claims, ending, source, rulings, pending, lookups: 0, needed, generation: 0 }
    }

    /// Whether a lookup is the question itself, or brought nothing before.
    fn leads_nowhere(&self, question: &Question, name: &OwnedName, rtype: Rtype) -> bool {
        let again = self.needed.as_ref().is_some_and(|(needed, of)| needed == name && *of == rtype);
        again || (name, rtype) == (&question.name, question.rtype)
    }

    /// Whether it waits for this lookup.
    pub fn waits_for(&self, task: TaskId) -> bool {
        self.pending == Some(task)
    }
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
        let generation = self.known.anchors.generation();
        if generation != judging.generation {
            judging.rulings.clear();
            judging.generation = generation;
        }
        while judging.rulings.len() < judging.claims.list.len() {
            let mut before = self.effort_of(id);
            if judging.source.is_none() {
                // What is to be had by asking is not worth more.
                before.faults = before.faults.min(limits::EVIDENCE_FAULTS);
            }
            let mut effort = before;
            let found = self.rule(now, &question, &delegation, &judging, &mut effort);
            let spent = effort.spent_of(&before);
            if !self.charge_effort(now, id, &spent) {
                return;
            }
            match found {
                Ok(Found::Ruling(ruling)) => judging.rulings.push(ruling),
                Ok(Found::Need(name, rtype)) if judging.leads_nowhere(&question, &name, rtype) => {
                    let claim = &judging.claims.list[judging.rulings.len()];
                    let flaw = match rtype {
                        Rtype::DNSKEY => Flaw::new(name.as_name(), rtype, Why::NoKeys),
                        _ => Flaw::new(claim.name.as_name(), claim.rtype, Why::Unsigned),
                    };
                    return self.bogus(now, id, &judging, flaw);
                }
                Ok(Found::Need(name, rtype)) => return self.look_up(now, id, judging, (name, rtype)),
                // What an alias leads to may be had from elsewhere, or with the proof that is missing here: it is asked for by itself.
                Err(flaw) if !judging.rulings.is_empty() && flaw.why != Why::TooMuchWork => {
                    if let Some(task) = self.tasks.get_mut(&id) {
                        task.trace.note(now, Step::Bogus(Arc::new(flaw)));
                    }
                    judging.claims.list.truncate(judging.rulings.len());
                    judging.ending = None;
                }
                Err(flaw) => return self.bogus(now, id, &judging, flaw),
            }
        }
        let Judging { claims, ending, rulings, .. } = *judging;
        self.learn(now, &question, &claims, &rulings);
        self.keep_spans(now, &question, &claims, &rulings);
        let place = Place { realm: question.realm(self.settings.realm), checking_disabled: false, now };
        let entries = claims.list.iter().zip(&rulings).map(|(claim, ruling)| claim.entry(&place, ruling));
        let entries = entries.collect();
        self.conclude(now, id, entries, ending);
    }

    /// Ends a task whose claims hold, or are not judged.
    pub(super) fn conclude(
        &mut self,
        now: Instant,
        id: TaskId,
        entries: Vec<EntryBuf>,
        ending: Option<Ending>,
    ) {
        match ending {
            Some(Ending::Instead(failure)) => self.give_up(now, id, failure),
            Some(Ending::Beside(failure)) => self.settle(id, entries, Some(failure)),
            None => self.settle(id, entries, None),
        }
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
        judging.needed = Some((question.name.clone(), rtype));
        let endless = judging.lookups > limits::CHAIN_LOOKUPS;
        let existing = self.by_question.get(&question).copied();
        // It cannot wait for itself: the chain of trust leads up. But what is no name server's fault must not hang.
        if endless || existing.is_some_and(|existing| self.waits_for(id, existing)) {
            let text = format!("no chain of trust leads to {}", question.name);
            return self.give_up(now, id, Failure::servfail(Ede::DNSSEC_INDETERMINATE, text));
        }
        let crowded = match existing.and_then(|existing| self.tasks.get(&existing)) {
            Some(task) => task.waiters.len() >= limits::WAITERS,
            None => self.tasks.len() >= 2 * limits::TASKS,
        };
        if crowded {
            let failure = Failure::servfail(Ede::OTHER, "too many questions are being resolved".into());
            return self.give_up(now, id, Failure { passing: true, ..failure });
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

    /// What a task was told is bogus. It may have been forged: the same server is asked once more over TCP, and then others.
    fn bogus(&mut self, now: Instant, id: TaskId, judging: &Judging, flaw: Flaw) {
        let Some(Task { state: State::At(visit), question, trace, effort, .. }) = self.tasks.get_mut(&id)
        else {
            return;
        };
        trace.note(now, Step::Bogus(Arc::new(flaw.clone())));
        let Some(Source { server, transport, edns }) = judging.source else {
            // What came with the referral is of no use: it is asked for, and others are not to meet it again.
            let (name, own) = (question.name.clone(), question.start.is_some());
            self.known.delegations[usize::from(own)].forget(name.as_name(), false);
            return self.step(now, id);
        };
        let too_much = flaw.why == Why::TooMuchWork;
        // What one of them is says more than that there are many.
        if visit.flaw.is_none() || !too_much {
            visit.flaw = Some(flaw);
        }
        visit.bogus += 1;
        if too_much || visit.bogus >= limits::BOGUS_RETRIES {
            visit.note_trouble(server, Trouble::Bogus);
            // Most of the work may have been for what led here, which is nobody else's.
            let passing = too_much && !effort.is_mostly_spent();
            return self.fail_as_bogus(now, id, passing);
        }
        if transport == Transport::Udp {
            if !edns {
                // That it does not do EDNS may be forged too.
                self.known.servers.without_edns(server, Instant::ZERO);
            }
            let again = Again { server, transport: Transport::Tcp, confirms: false, plain: false };
            return self.ask_again(now, id, again);
        }
        visit.note_trouble(server, Trouble::Bogus);
        self.step(now, id);
    }

    /// A task ends because what it was told is bogus.
    fn fail_as_bogus(&mut self, now: Instant, id: TaskId, passing: bool) {
        let Some(Task { state: State::At(visit), question, .. }) = self.tasks.get(&id) else { return };
        let Some(flaw) = visit.flaw.clone() else { return };
        if passing {
            let failure = Failure::servfail(flaw.ede(), flaw.to_string());
            return self.give_up(now, id, Failure { passing, ..failure });
        }
        // Whoever leads there may have been forged.
        let zone = visit.delegation.zone.clone();
        if !zone.as_name().is_root() {
            self.known.delegations[usize::from(question.start.is_some())].forget(zone.as_name(), false);
        }
        self.fail(now, id, flaw.ede(), flaw.to_string());
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
        if *spent == Effort::default() {
            return self.tasks.contains_key(&id);
        }
        let mut tasks = Vec::new();
        self.walk_up(id, |level| {
            tasks.extend_from_slice(level);
            true
        });
        for id in tasks {
            if let Some(task) = self.tasks.get_mut(&id) {
                task.effort = task.effort.minus(spent).unwrap_or_default();
            }
        }
        for asker in self.askers_of(id) {
            let Some(asking) = self.askers.get_mut(&asker) else { continue };
            match asking.budget.effort.minus(spent) {
                Some(left) => asking.budget.effort = left,
                None => {
                    let limit = "it needs more checks than one question may cause";
                    self.out_of_budget(now, asker, Ede::DNSSEC_INDETERMINATE, limit);
                }
            }
        }
        self.tasks.contains_key(&id)
    }
}
