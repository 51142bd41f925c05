//! The life of a task: made, begun, ended with a result or a failure; and what it costs those who wait for it.

use super::claims::{Claim, Claims, What};
use super::delegation::{Delegation, Servers};
use super::judge::Judging;
use super::task::{State, Task, TaskId, Visit, Waiter};
use super::trace::Step;
use super::{Asker, Asking, BELOW_OWN_CUT, Failure, Output, Question, Resolver, Settled};
use crate::cache::{self, EntryBuf, Fact, Key, Proof, Verdict};
use crate::clock::Instant;
use crate::limits;
use crate::wire::{Ede, Name, Rcode, Rtype};
use std::collections::HashSet;
use std::collections::hash_map::Entry;
use std::sync::Arc;

impl Resolver {
    //------- Tasks ------------------------------------------------------------------------------------------------

    /// The task of a question, made if there is none; the waiter is added to it.
    pub(super) fn task(&mut self, now: Instant, question: Question, waiter: Option<Waiter>) -> TaskId {
        let id = match self.by_question.get(&question) {
            Some(&id) => id,
            None => {
                let id = TaskId(self.fresh_id());
                self.by_question.insert(question.clone(), id);
                self.tasks.insert(id, Task::new(question, now));
                id
            }
        };
        if let Some(task) = self.tasks.get_mut(&id) {
            task.waiters.extend(waiter);
        }
        id
    }

    pub(super) fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Begins a task that is new.
    pub(super) fn start(&mut self, now: Instant, id: TaskId) {
        let Some(task) = self.tasks.get(&id) else { return };
        if let State::New = task.state {
            let question = task.question.clone();
            let delegation = self.best_delegation(&question, true, now);
            // A client wants the SOA too.
            let is_lookup = task.waiters.iter().all(|waiter| matches!(waiter, Waiter::Task(_)));
            let evidence = if is_lookup { self.evidence(&question, &delegation, now) } else { None };
            if let Some(evidence) = evidence {
                self.arrive(now, id, delegation);
                return self.begin_judging(now, id, Judging::new(evidence, None, None));
            }
            self.visit(now, id, delegation);
        }
    }

    /// What came with the referral to a zone of its DS, for a question that asks for that: it need not be asked for again.
    fn evidence(&self, question: &Question, parent: &Delegation, now: Instant) -> Option<Claims> {
        if question.rtype != Rtype::DS || !self.judges(question) || parent.is_forward() {
            return None;
        }
        let known = &self.known.delegations[usize::from(question.start.is_some())];
        let mut sets = known.evidence(question.name.as_name(), now);
        sets.first()?;
        let ds = sets.pop_if(|set| set.rtype == Rtype::DS);
        let what = ds.map_or(What::Denied(None), What::Records);
        let list = vec![Claim { name: question.name.clone(), rtype: Rtype::DS, what }];
        Some(Claims { list, denials: sets })
    }

    /// A task goes to a delegation and asks there.
    pub(super) fn visit(&mut self, now: Instant, id: TaskId, delegation: Arc<Delegation>) {
        if self.arrive(now, id, delegation) {
            self.step(now, id);
        }
    }

    /// A task comes to a delegation; says whether it may stay.
    fn arrive(&mut self, now: Instant, id: TaskId, delegation: Arc<Delegation>) -> bool {
        let Some(task) = self.tasks.get_mut(&id) else { return false };
        task.trace.note(now, Step::At(delegation.zone.clone()));
        let visits = self.visits.entry(delegation.zone.clone()).or_default();
        *visits += 1;
        // The roots and the zones below them are what everybody needs.
        let crowded = *visits > limits::TASKS_PER_ZONE && delegation.zone.as_name().label_count() > 1;
        let next = State::At(Box::new(Visit::new(Arc::clone(&delegation))));
        if let State::At(visited) = std::mem::replace(&mut task.state, next) {
            self.end_visit(id, &visited);
        }
        if crowded {
            let text = format!("too many questions wait for the servers of {}", delegation.zone);
            let failure = Failure { passing: true, ..Failure::servfail(Ede::OTHER, text) };
            self.settle(id, Vec::new(), Some(failure));
        }
        !crowded
    }

    /// Takes a waiter off a task; a task that nobody waits for ends, and so do those that it waited for.
    pub(super) fn leave(&mut self, id: TaskId, waiter: Waiter) {
        let mut leaving = vec![(id, waiter)];
        while let Some((id, waiter)) = leaving.pop() {
            let Some(task) = self.tasks.get_mut(&id) else { continue };
            task.waiters.retain(|waiting| *waiting != waiter);
            if task.waiters.is_empty()
                && !task.for_itself
                && let Some(Task { state: State::At(visit), .. }) = self.remove(id)
            {
                self.stop_exchanges(id, &visit);
                leaving.extend(visit.pending.iter().map(|&pending| (pending, Waiter::Task(id))));
            }
        }
    }

    fn remove(&mut self, id: TaskId) -> Option<Task> {
        let task = self.tasks.remove(&id)?;
        self.by_question.remove(&task.question);
        Some(task)
    }

    fn stop_exchanges(&mut self, id: TaskId, visit: &Visit) {
        if let Entry::Occupied(mut visits) = self.visits.entry(visit.delegation.zone.clone()) {
            *visits.get_mut() -= 1;
            if *visits.get() == 0 {
                visits.remove();
            }
        }
        for &exchange in visit.exchange.iter().chain(&visit.late) {
            self.stop_waiting(exchange, id);
        }
    }

    /// Ends what a task has under way at a delegation.
    fn end_visit(&mut self, id: TaskId, visit: &Visit) {
        self.stop_exchanges(id, visit);
        for &pending in &visit.pending {
            self.leave(pending, Waiter::Task(id));
        }
    }

    /// Ends a task with its result: into the cache, to its clients. The tasks that waited for it go on later, in
    /// [`Resolver::wake`]: how long a chain of tasks is must not matter to the stack.
    pub(super) fn settle(&mut self, id: TaskId, entries: Vec<EntryBuf>, failure: Option<Failure>) {
        let Some(mut task) = self.remove(id) else { return };
        if let State::At(visit) = &task.state {
            self.end_visit(id, visit);
        }
        self.keep(&entries);
        task.trace.finish(&entries, failure.as_ref());
        let trace = Arc::new(task.trace);
        if self.traces.len() >= limits::TRACES {
            self.traces.pop_front();
        }
        self.traces.push_back(Arc::clone(&trace));
        let settled = Settled { name: task.question.name, entries: entries.into(), failure };
        for waiter in task.waiters {
            match waiter {
                Waiter::Client(asker) => {
                    if let Some(Asking { budget, .. }) = self.askers.remove(&asker) {
                        self.outputs.push_back(Output::Settle { asker, settled: settled.clone(), budget });
                    }
                }
                Waiter::Task(parent) => {
                    self.woken.push_back((parent, id, settled.clone(), Arc::clone(&trace)));
                }
            }
        }
    }

    /// Puts entries into the cache.
    pub(super) fn keep(&self, entries: &[EntryBuf]) {
        for entry in entries.iter().filter(|entry| entry.entry().ttl > 0) {
            self.cache.insert(entry);
        }
    }

    /// Lets the tasks go on whose lookups have ended.
    pub(super) fn wake(&mut self, now: Instant) {
        loop {
            if let Some(task) = self.begun.pop_front() {
                self.start(now, task);
            } else if let Some((parent, child, settled, trace)) = self.woken.pop_front() {
                if let Some(task) = self.tasks.get_mut(&parent) {
                    task.trace.note(now, Step::LookedUp(trace));
                }
                self.fetched(now, parent, child, &settled);
            } else {
                return;
            }
        }
    }

    /// Nothing is left to ask at the delegation that a task is at: the task goes to where the config lets it fall back, or fails.
    pub(super) fn fail(&mut self, now: Instant, id: TaskId, mut ede: Ede, mut text: String) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        // That something was bogus says more than what became of the other servers.
        if let State::At(visit) = &task.state
            && let Some(flaw) = &visit.flaw
        {
            (ede, text) = (flaw.ede(), flaw.to_string());
        }
        if let State::At(visit) = &task.state
            && matches!(visit.delegation.servers, Servers::Fixed { fallback: true, .. })
            && !std::mem::replace(&mut task.beyond_routes, true)
        {
            let question = task.question.clone();
            let delegation = self.best_delegation(&question, false, now);
            return self.visit(now, id, delegation);
        }
        self.give_up(now, id, Failure::servfail(ede, text));
    }

    /// Ends a task without a result. That is remembered, unless no server was heard and others wait for it: then it may have ended for
    /// their place in a chain of lookups.
    pub(super) fn give_up(&mut self, now: Instant, id: TaskId, mut failure: Failure) {
        let Some(task) = self.tasks.get(&id) else { return };
        let question = task.question.clone();
        failure.passing |= task.starved;
        let heard = matches!(&task.state, State::At(visit) if !visit.troubles.is_empty());
        let is_lookup = task.waiters.iter().any(|waiter| matches!(waiter, Waiter::Task(_)));
        if !failure.passing && (heard || !is_lookup || failure.rcode != Rcode::SERVFAIL) {
            self.remember_failure(now, &question, &failure);
        }
        self.settle(id, Vec::new(), Some(failure));
    }

    /// Whether anything is validated.
    pub(super) fn validates(&self) -> bool {
        self.known.anchors.load().validates()
    }

    /// Whether what is learnt on the way to an answer, and is not judged, is kept apart from what is.
    pub(super) fn keeps_apart(&self, question: &Question) -> bool {
        question.checking_disabled || self.validates()
    }

    /// Whether it is remembered that a question could not be resolved.
    pub(super) fn has_failed(&mut self, now: Instant, question: &Question) -> bool {
        let key = question.failed_key(self.settings.realm);
        self.cache.get(&key, &mut self.scratch).is_some_and(|failed| failed.ttl_left(now) > 0)
    }

    /// The failure that is remembered of a question.
    pub(super) fn remembered(&mut self, now: Instant, question: &Question) -> Option<Failure> {
        let key = question.failed_key(self.settings.realm);
        let entry = self.cache.get(&key, &mut self.scratch).filter(|failed| failed.ttl_left(now) > 0)?;
        let Fact::Failed { rcode, ede, text } = entry.fact else { return None };
        Some(Failure { rcode, ede: Ede(ede), text: text.into(), passing: false })
    }

    /// Keeps a failure in the cache; one that comes again is kept for longer (RFC 9520 §3.2).
    fn remember_failure(&mut self, now: Instant, question: &Question, failure: &Failure) {
        let key = question.failed_key(self.settings.realm);
        let last = self.cache.get(&key, &mut self.scratch).filter(|last| {
            now.since(last.stored).as_secs() < u64::from(last.ttl) + u64::from(limits::TTL_FAILURE_MAX)
        });
        let first = if failure.ede.is_of_validation() { limits::TTL_BOGUS } else { limits::TTL_FAILURE };
        let ttl = last.map_or(first, |last| (last.ttl * 2).min(limits::TTL_FAILURE_MAX));
        let fact = Fact::Failed { rcode: failure.rcode, ede: failure.ede.0, text: &failure.text };
        let entry = cache::Entry { stored: now, ttl, verdict: Verdict::Unchecked, fact, proof: Proof::NONE };
        self.cache.insert(&EntryBuf::new(&key, &entry));
    }

    //------- Budgets ----------------------------------------------------------------------------------------------

    /// Every client that waits for a task, through other tasks too.
    pub(super) fn askers_of(&self, id: TaskId) -> Vec<Asker> {
        let (mut seen, mut queue, mut askers) = (HashSet::from([id]), vec![id], Vec::new());
        while let Some(id) = queue.pop() {
            for waiter in self.tasks.get(&id).map_or(&[][..], |task| &task.waiters) {
                match *waiter {
                    Waiter::Client(asker) => askers.push(asker),
                    Waiter::Task(parent) if seen.insert(parent) => queue.push(parent),
                    Waiter::Task(_) => (),
                }
            }
        }
        askers
    }

    /// Charges a query, or the octets of a reply, to every client that waits for the task. Those that cannot pay leave.
    pub(super) fn charge(&mut self, now: Instant, id: TaskId, queries: u16, bytes: u32) {
        if let Some(Task { trace, .. }) = self.tasks.get_mut(&id) {
            trace.octets += bytes;
        }
        for asker in self.askers_of(id) {
            let Some(Asking { budget, .. }) = self.askers.get_mut(&asker) else { continue };
            if budget.queries < queries {
                let limit = "it needs more upstream queries than one question may cause";
                self.out_of_budget(now, asker, Ede::NO_REACHABLE_AUTHORITY, limit);
            } else if budget.bytes < bytes {
                let limit = "it needs more upstream data than one question may cause";
                self.out_of_budget(now, asker, Ede::NO_REACHABLE_AUTHORITY, limit);
            } else {
                (budget.queries, budget.bytes) = (budget.queries - queries, budget.bytes - bytes);
            }
        }
    }

    /// A client's question ends unresolved; its task goes on for the rest, if there are any.
    pub(super) fn out_of_budget(&mut self, now: Instant, asker: Asker, ede: Ede, limit: &str) {
        let Some(Asking { task: id, budget, is_first }) = self.askers.remove(&asker) else { return };
        let Some(task) = self.tasks.get(&id) else { return };
        let trouble = match &task.state {
            State::At(visit) if !visit.troubles.is_empty() => format!("{limit}; {}", visit.verdict()),
            _ => limit.to_owned(),
        };
        let (question, alone) = (task.question.clone(), task.waiters.len() <= 1 && !task.starved);
        let failure = Failure::servfail(ede, trouble);
        // Or who owns a chain of aliases could deny to all others what it leads to.
        if alone && is_first {
            self.remember_failure(now, &question, &failure);
        }
        let settled = Settled::failed(question.name, failure);
        self.outputs.push_back(Output::Settle { asker, settled, budget });
        self.leave(id, Waiter::Client(asker));
    }

    //------- Where to begin ---------------------------------------------------------------------------------------

    /// The deepest delegation for a question: own cut, stub or forward (if `routes` may be used), what was learnt, or the roots.
    pub(super) fn best_delegation(&self, question: &Question, routes: bool, now: Instant) -> Arc<Delegation> {
        let name = question.name.as_name();
        // The DS of a zone is not its own servers' to tell.
        let is_parents = |zone: Name<'_>| question.rtype == Rtype::DS && zone == name && !zone.is_root();
        let route = self.settings.route_among(name, |zone| routes && !is_parents(zone));
        let servers = match (&question.start, route) {
            (Some(start), _) => Some((&start.zone, Servers::Named(start.servers.clone()))),
            (None, Some(route)) => {
                let (addresses, forward, fallback) = (route.servers.clone(), route.forward, route.fallback);
                Some((&route.zone, Servers::Fixed { addresses, forward, fallback }))
            }
            (None, None) => None,
        };
        let floor = servers.map(|(zone, servers)| Delegation::unending(zone.clone(), servers));
        let known = &self.known.delegations[usize::from(question.start.is_some())];
        let learnt = known.closest(name, question.rtype, now);
        match (floor, learnt) {
            (Some(floor), learnt) => {
                let deeper =
                    learnt.filter(|l| !floor.is_forward() && l.zone.as_name().is_below(floor.zone.as_name()));
                deeper.unwrap_or_else(|| Arc::new(floor))
            }
            (None, Some(learnt)) => learnt,
            (None, None) => {
                let hints = Servers::Named(self.settings.root_hints.clone());
                Arc::new(Delegation::unending(Name::ROOT.to_owned(), hints))
            }
        }
    }
}

impl Question {
    /// Where its failure is remembered.
    fn failed_key(&self, realm: u32) -> Key<'_> {
        Key {
            realm: self.realm(realm),
            name: self.name.as_name(),
            rtype: self.rtype,
            checking_disabled: self.checking_disabled,
            failed: true,
        }
    }

    /// The realm of what is learnt by it: below an own cut it is another than the world's.
    pub fn realm(&self, realm: u32) -> u32 {
        if self.start.is_some() { realm | BELOW_OWN_CUT } else { realm }
    }
}
