//! The steps of iteration: from the deepest known delegation down to the answer.

use super::delegation::{Delegation, Servers};
use super::query::Sent;
use super::servers::Rank;
use super::task::{Again, State, Task, TaskId, Trouble, Visit, Waiter};
use super::{Asker, ExchangeId, Failure, Output, Question, Resolver, Settled, Timer, Transport};
use crate::cache::{Entry, EntryBuf, Fact, Key, Verdict};
use crate::clock::Instant;
use crate::limits;
use crate::wire::{Ede, Flags, Name, Rcode};
use rand_chacha::rand_core::Rng;
use std::cmp::Reverse;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

impl Resolver {
    //------- Tasks ------------------------------------------------------------------------------------------------

    /// The task of a question, made if there is none; the waiter is added to it.
    pub(super) fn task(&mut self, question: Question, depth: u8, waiter: Option<Waiter>) -> TaskId {
        let id = match self.by_question.get(&question) {
            Some(&id) => id,
            None => {
                let id = TaskId(self.fresh_id());
                self.by_question.insert(question.clone(), id);
                let task = Task { question, waiters: Vec::new(), depth, sent: 0, state: State::New };
                self.tasks.insert(id, task);
                id
            }
        };
        if let Some(task) = self.tasks.get_mut(&id) {
            task.waiters.extend(waiter);
        }
        id
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Begins a task that is new.
    pub(super) fn start(&mut self, now: Instant, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if let State::New = task.state {
            let delegation = best_delegation(&self.settings, &self.known.delegations, &task.question, now);
            task.state = State::At(Box::new(Visit::new(delegation)));
            self.step(now, id);
        }
    }

    /// Takes a waiter off a task; a task that nobody waits for ends.
    pub(super) fn leave(&mut self, id: TaskId, waiter: Waiter) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        task.waiters.retain(|waiting| *waiting != waiter);
        if task.waiters.is_empty() {
            self.end(id);
        }
    }

    /// Ends a task: what it has under way is cancelled.
    fn end(&mut self, id: TaskId) -> Option<Task> {
        let task = self.tasks.remove(&id)?;
        self.by_question.remove(&task.question);
        if let State::At(visit) = &task.state {
            self.end_visit(id, visit);
        }
        Some(task)
    }

    /// Ends what a task has under way at a delegation.
    pub(super) fn end_visit(&mut self, id: TaskId, visit: &Visit) {
        for &exchange in visit.exchange.iter().chain(&visit.late) {
            if self.exchanges.remove(&exchange).is_some() {
                self.outputs
                    .push_back(Output::Cancel { exchange, timed_out: visit.late.contains(&exchange) });
            }
        }
        for &pending in &visit.pending {
            self.leave(pending, Waiter::Task(id));
        }
    }

    /// Ends a task with its result: into the cache, to its clients, to the tasks that waited for it.
    pub(super) fn settle(
        &mut self,
        now: Instant,
        id: TaskId,
        entries: Vec<EntryBuf>,
        failure: Option<Failure>,
    ) {
        let Some(task) = self.end(id) else { return };
        for entry in entries.iter().filter(|entry| entry.entry().ttl > 0) {
            self.cache.insert(entry);
        }
        let settled = Settled { name: task.question.name, entries: entries.into(), failure };
        for waiter in task.waiters {
            match waiter {
                Waiter::Client(asker) => {
                    if let Some((_, budget)) = self.askers.remove(&asker) {
                        self.outputs.push_back(Output::Settle { asker, settled: settled.clone(), budget });
                    }
                }
                Waiter::Task(parent) => self.fetched(now, parent, id, &settled),
            }
        }
    }

    pub(super) fn fail(&mut self, now: Instant, id: TaskId, ede: Ede, text: String) {
        let Some(task) = self.tasks.get(&id) else { return };
        let question = &task.question;
        let key = Key {
            realm: self.settings.realm,
            name: question.name.as_name(),
            rtype: question.rtype,
            checking_disabled: question.checking_disabled,
        };
        let fact = Fact::Failed { rcode: Rcode::SERVFAIL, ede: ede.0, text: &text };
        let entry = Entry { stored: now, ttl: limits::TTL_FAILURE, verdict: Verdict::Unchecked, fact };
        self.cache.insert(&EntryBuf::new(&key, &entry));
        self.settle(now, id, Vec::new(), Some(Failure::servfail(ede, text)));
    }

    //------- Budgets ----------------------------------------------------------------------------------------------

    /// Every client that waits for a task, through other tasks too.
    fn askers_of(&self, id: TaskId) -> Vec<Asker> {
        let (mut seen, mut queue, mut askers) = (vec![id], vec![id], Vec::new());
        while let Some(id) = queue.pop() {
            for waiter in self.tasks.get(&id).map_or(&[][..], |task| &task.waiters) {
                match *waiter {
                    Waiter::Client(asker) => askers.push(asker),
                    Waiter::Task(parent) if !seen.contains(&parent) => {
                        seen.push(parent);
                        queue.push(parent);
                    }
                    Waiter::Task(_) => (),
                }
            }
        }
        askers
    }

    /// Charges a query, or the octets of a reply, to every client that waits for the task. Those that cannot pay leave.
    pub(super) fn charge(&mut self, id: TaskId, queries: u16, bytes: u32) {
        for asker in self.askers_of(id) {
            let Some((_, budget)) = self.askers.get_mut(&asker) else { continue };
            if budget.queries < queries {
                self.out_of_budget(asker, "it needs more upstream queries than one question may cause");
            } else if budget.bytes < bytes {
                self.out_of_budget(asker, "it needs more upstream data than one question may cause");
            } else {
                (budget.queries, budget.bytes) = (budget.queries - queries, budget.bytes - bytes);
            }
        }
    }

    /// A client's question ends unresolved; its task goes on for the rest.
    pub(super) fn out_of_budget(&mut self, asker: Asker, limit: &str) {
        let Some((id, budget)) = self.askers.remove(&asker) else { return };
        let Some(task) = self.tasks.get(&id) else { return };
        let trouble = match &task.state {
            State::At(visit) if !visit.troubles.is_empty() => format!("{limit}; {}", visit.verdict()),
            _ => limit.to_owned(),
        };
        let failure = Failure::servfail(Ede::NO_REACHABLE_AUTHORITY, trouble);
        let settled = Settled::failed(task.question.name.clone(), failure);
        self.outputs.push_back(Output::Settle { asker, settled, budget });
        self.leave(id, Waiter::Client(asker));
    }

    //------- Steps ------------------------------------------------------------------------------------------------

    /// Sends the next query of a task, or looks up the addresses it lacks, or gives it up.
    pub(super) fn step(&mut self, now: Instant, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        let State::At(visit) = &mut task.state else { return };
        if visit.exchange.is_some() {
            return;
        }
        if task.sent >= limits::ATTEMPTS_PER_TASK {
            let text = format!("more than {} queries; {}", limits::ATTEMPTS_PER_TASK, visit.verdict());
            return self.fail(now, id, Ede::NO_REACHABLE_AUTHORITY, text);
        }
        match visit.again.take() {
            Some(Again { server, transport, confirms }) => self.send(now, id, server, transport, confirms),
            None => match self.choose(now, id) {
                Some(server) => self.send(now, id, server, Transport::Udp, false),
                None => self.fetch_addresses(now, id),
            },
        }
    }

    /// The best server that may still be asked.
    fn choose(&mut self, now: Instant, id: TaskId) -> Option<SocketAddr> {
        let State::At(visit) = &self.tasks.get(&id)?.state else { return None };
        let (delegation, found) = (Arc::clone(&visit.delegation), visit.found.clone());
        let mut candidates = self.addresses(now, &delegation, found);
        let State::At(visit) = &self.tasks.get(&id)?.state else { return None };
        candidates.retain(|&address| visit.attempts(address).is_some());
        let explore = self.rng.next_u32().is_multiple_of(EXPLORE);
        let mut best: Option<((u8, Rank), SocketAddr)> = None;
        for address in candidates {
            // One never asked ranks among the fast ones at random, so that each gets its turn and none is a fixed target.
            let rank = match self.known.servers.rank(address, &delegation.zone, now) {
                Rank::Alive(Some(_)) if explore => Rank::Alive(Some(random_below(&mut self.rng, SLOW))),
                Rank::Alive(None) => Rank::Alive(Some(random_below(&mut self.rng, FAST))),
                rank => rank,
            };
            let score = (visit.attempts(address).unwrap_or(0), rank);
            if best.is_none_or(|(least, _)| score < least) {
                best = Some((score, address));
            }
        }
        best.map(|(_, address)| address)
    }

    /// Sends a task's query.
    fn send(&mut self, now: Instant, id: TaskId, server: SocketAddr, transport: Transport, confirms: bool) {
        self.charge(id, 1, 0);
        let exchange = ExchangeId(self.fresh_id());
        // Those who could not pay may have been the last.
        let Some(task) = self.tasks.get_mut(&id) else { return };
        let State::At(visit) = &mut task.state else { return };
        let mut manner = self.known.servers.manner(server, now);
        manner.case &= self.settings.case_randomisation;
        let forward = visit.delegation.is_forward();
        let flags = Flags::default()
            .with(Flags::RD, forward)
            .with(Flags::CD, forward && task.question.checking_disabled);
        let name = task.question.name.as_name();
        let (mut sent, message) =
            Sent::new(now, server, transport, manner, name, task.question.rtype, flags, &mut self.rng);
        sent.confirms = confirms;
        task.sent += 1;
        visit.note_asked(server);
        visit.exchange = Some(exchange);
        self.timers.push(Reverse((sent.deadline, Timer::Exchange(exchange))));
        self.exchanges.insert(exchange, (id, sent));
        self.outputs.push_back(Output::Send { exchange, server, transport, message });
    }

    /// A query was not answered in time: others are asked, but it is listened for a while longer, for slow servers answer too.
    pub(super) fn overdue(&mut self, now: Instant, exchange: ExchangeId) {
        let Some((id, sent)) = self.exchanges.get(&exchange).cloned() else { return };
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) else { return };
        let end = sent.at + limits::RTO_MAX;
        if end > now {
            visit.exchange = None;
            visit.late.push(exchange);
            self.timers.push(Reverse((end, Timer::Exchange(exchange))));
            self.known.servers.timed_out(sent.server, now);
            visit.note_trouble(sent.server, Trouble::TimedOut);
            return self.step(now, id);
        }
        if !visit.late.contains(&exchange) {
            self.known.servers.timed_out(sent.server, now);
        }
        self.exchanges.remove(&exchange);
        self.outputs.push_back(Output::Cancel { exchange, timed_out: true });
        self.try_next(now, exchange, id, &sent, Trouble::TimedOut);
    }

    /// An exchange came to nothing: notes it and goes on with the next server.
    pub(super) fn try_next(
        &mut self,
        now: Instant,
        exchange: ExchangeId,
        id: TaskId,
        sent: &Sent,
        trouble: Trouble,
    ) {
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) else { return };
        visit.over(exchange);
        if sent.confirms && !matches!(trouble, Trouble::Reply(_)) {
            // It does not do TCP: what it says without a random case is all there is.
            visit.again = Some(Again { server: sent.server, transport: Transport::Udp, confirms: false });
        } else {
            visit.note_trouble(sent.server, trouble);
        }
        self.step(now, id);
    }
}

/// One choice in so many is made without regard to speed, so that a server that has become fast is noticed.
const EXPLORE: u32 = 32;

/// A server never asked counts as one this fast at most.
const FAST: Duration = Duration::from_millis(20);

/// The range over which an exploring choice spreads the servers.
const SLOW: Duration = Duration::from_secs(1);

fn random_below(rng: &mut impl Rng, most: Duration) -> Duration {
    Duration::from_nanos(rng.next_u64() % (most.as_nanos() as u64))
}

/// The deepest delegation for a question: own cut, stub or forward, what was learnt, or the roots.
fn best_delegation(
    settings: &super::Settings,
    known: &super::delegation::Delegations,
    question: &Question,
    now: Instant,
) -> Arc<Delegation> {
    let name = question.name.as_name();
    let route = settings.routes.iter().filter(|route| name.is_within(route.zone.as_name()));
    let route = route.max_by_key(|route| route.zone.as_name().len());
    let floor = match (&question.start, route) {
        (Some(start), _) => Some(Delegation {
            zone: start.zone.clone(),
            servers: Servers::Named(start.servers.clone()),
            expires: now + limits::BUDGET_TIME,
        }),
        (None, Some(route)) => Some(Delegation {
            zone: route.zone.clone(),
            servers: Servers::Fixed { addresses: route.servers.clone(), forward: route.forward },
            expires: now + limits::BUDGET_TIME,
        }),
        (None, None) => None,
    };
    let learnt = known.closest(name, question.rtype, now);
    match (floor, learnt) {
        (Some(floor), learnt) => {
            let deeper =
                learnt.filter(|l| !floor.is_forward() && l.zone.as_name().is_below(floor.zone.as_name()));
            deeper.unwrap_or_else(|| Arc::new(floor))
        }
        (None, Some(learnt)) => learnt,
        (None, None) => Arc::new(Delegation {
            zone: Name::ROOT.to_owned(),
            servers: Servers::Named(settings.root_hints.clone()),
            expires: now + limits::BUDGET_TIME,
        }),
    }
}
