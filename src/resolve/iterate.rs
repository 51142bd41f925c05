//! The steps of iteration: from the deepest known delegation down to the answer.

use super::delegation::{Delegation, Servers};
use super::query::{Match, Sent};
use super::scrub::{self, Asked, Finding, Why};
use super::servers::Rank;
use super::task::{Again, State, Task, TaskId, Trouble, Visit, Waiter};
use super::{Asker, ExchangeId, Failure, Output, Question, Resolver, Settled, Timer, Transport};
use crate::cache::{Entry, EntryBuf, Fact, Key, Verdict};
use crate::clock::Instant;
use crate::limits;
use crate::wire::{Ede, Flags, Message, Name, OwnedName, Rcode, Rtype};
use rand_chacha::rand_core::Rng;
use std::cmp::Reverse;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Resolver {
    //------- Tasks ------------------------------------------------------------------------------------------------

    /// The task of a question, made if there is none; the waiter is added to it.
    pub(super) fn task(
        &mut self,
        _now: Instant,
        question: Question,
        depth: u8,
        waiter: Option<Waiter>,
    ) -> TaskId {
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
    fn end_visit(&mut self, id: TaskId, visit: &Visit) {
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
    fn settle(&mut self, now: Instant, id: TaskId, entries: Vec<EntryBuf>, failure: Option<Failure>) {
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

    fn fail(&mut self, now: Instant, id: TaskId, ede: Ede, text: String) {
        let Some(task) = self.tasks.get(&id) else { return };
        let question = &task.question;
        let key = Key {
            realm: self.settings.realm,
            name: question.name.as_name(),
            rtype: question.rtype,
            checking_disabled: question.checking_disabled,
        };
        let fact = Fact::Failed { rcode: Rcode::SERVFAIL, ede: ede.0 };
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
    fn charge(&mut self, id: TaskId, queries: u16, bytes: u32) {
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
    fn step(&mut self, now: Instant, id: TaskId) {
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

    /// The addresses of a delegation's servers that are known and may be asked; `found` are those looked up for it.
    fn addresses(
        &mut self,
        now: Instant,
        delegation: &Delegation,
        mut found: Vec<IpAddr>,
    ) -> Vec<SocketAddr> {
        let Servers::Named(servers) = &delegation.servers else {
            let Servers::Fixed { addresses, .. } = &delegation.servers else { return Vec::new() };
            return addresses.clone();
        };
        for (name, glue) in servers {
            found.extend_from_slice(glue);
            if glue.is_empty() {
                for rtype in [Rtype::A, Rtype::AAAA] {
                    self.cached_addresses(now, name.as_name(), rtype, &mut found);
                }
            }
        }
        let mut addresses: Vec<SocketAddr> = Vec::with_capacity(found.len());
        for address in found {
            let address = SocketAddr::new(address.to_canonical(), self.settings.upstream_port);
            if self.may_ask(address.ip()) && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }

    /// Whether an address may be asked: of a family in use, and not denied.
    fn may_ask(&self, address: IpAddr) -> bool {
        let (v4, v6) = self.settings.families;
        (if address.is_ipv4() { v4 } else { v6 })
            && !self.settings.deny.iter().any(|denied| denied.contains(&address))
    }

    fn cached_addresses(&mut self, now: Instant, name: Name<'_>, rtype: Rtype, found: &mut Vec<IpAddr>) {
        let key = Key { realm: self.settings.realm, name, rtype, checking_disabled: false };
        let entry = self.cache.get(&key, &mut self.scratch).filter(|entry| entry.ttl_left(now) > 0);
        if let Some(Entry { fact: Fact::Records { rdatas, .. }, .. }) = entry {
            let addresses = rdatas.iter().filter_map(|rdata| scrub::address(rtype, rdata));
            found.extend(addresses.take(limits::SERVER_ADDRESSES));
        }
    }

    /// Whether the cache settles a lookup that would be made: with addresses, an alias, a denial or a failure.
    fn is_cached(&mut self, now: Instant, name: Name<'_>, wanted: Rtype) -> bool {
        [wanted, Rtype::CNAME, Key::NXDOMAIN].into_iter().any(|rtype| {
            let key = Key { realm: self.settings.realm, name, rtype, checking_disabled: false };
            let entry = self.cache.get(&key, &mut self.scratch).filter(|entry| entry.ttl_left(now) > 0);
            // That there is no alias settles nothing.
            entry.is_some_and(|e| rtype != Rtype::CNAME || matches!(e.fact, Fact::Records { .. }))
        })
    }

    /// Looks up the addresses of name servers that have none; a few at a time. When there is nothing left to do the task fails.
    fn fetch_addresses(&mut self, now: Instant, id: TaskId) {
        loop {
            let Some(task) = self.tasks.get(&id) else { return };
            let State::At(visit) = &task.state else { return };
            if visit.exchange.is_some() || visit.pending.len() >= limits::FETCHES_AT_ONCE {
                return;
            }
            let depth = task.depth + 1;
            let port = self.settings.upstream_port;
            let is_usable = |address: IpAddr| {
                self.may_ask(address) && visit.attempts(SocketAddr::new(address, port)).is_some()
            };
            let Some((name, rtype)) = visit.unfetched(self.settings.families, depth, is_usable) else {
                break;
            };
            let mut found = Vec::new();
            self.cached_addresses(now, name.as_name(), rtype, &mut found);
            let known = !found.is_empty();
            if let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) {
                visit.fetched.push((name.clone(), rtype));
                visit.found.extend(found);
            }
            if known {
                return self.step(now, id);
            }
            if !self.is_cached(now, name.as_name(), rtype) {
                self.fetch(now, id, name, rtype, depth);
            }
        }
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get(&id) else { return };
        if visit.exchange.is_none() && visit.pending.is_empty() && visit.late.is_empty() {
            let unreachable = visit.troubles.iter().all(|(_, trouble)| !matches!(trouble, Trouble::Reply(_)));
            let ede = if unreachable { Ede::NO_REACHABLE_AUTHORITY } else { Ede::NETWORK_ERROR };
            let text = visit.verdict();
            self.fail(now, id, ede, text);
        }
    }

    /// Starts the lookup of one name server's addresses, unless it would wait for itself.
    fn fetch(&mut self, now: Instant, parent: TaskId, name: OwnedName, rtype: Rtype, depth: u8) {
        let question = Question { name, rtype, checking_disabled: false, start: None };
        if let Some(&existing) = self.by_question.get(&question)
            && self.waits_for(parent, existing)
        {
            return;
        }
        if self.tasks.len() >= limits::TASKS {
            return;
        }
        let child = self.task(now, question, depth, Some(Waiter::Task(parent)));
        if let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&parent) {
            visit.pending.push(child);
        }
        self.start(now, child);
    }

    /// Whether `other` waits for `id`, directly or through others, or is it.
    fn waits_for(&self, id: TaskId, other: TaskId) -> bool {
        let (mut seen, mut queue) = (vec![id], vec![id]);
        while let Some(next) = queue.pop() {
            if next == other {
                return true;
            }
            for waiter in self.tasks.get(&next).map_or(&[][..], |task| &task.waiters) {
                if let Waiter::Task(parent) = *waiter
                    && !seen.contains(&parent)
                {
                    seen.push(parent);
                    queue.push(parent);
                }
            }
        }
        false
    }

    /// A lookup of addresses ended: the task that waited for it goes on with what it came to.
    fn fetched(&mut self, now: Instant, parent: TaskId, child: TaskId, settled: &Settled) {
        if let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&parent) {
            visit.pending.retain(|pending| *pending != child);
            for entry in settled.entries.iter().filter(|entry| entry.key().name == settled.name.as_name()) {
                if let Fact::Records { rdatas, .. } = entry.entry().fact {
                    let addresses =
                        rdatas.iter().filter_map(|rdata| scrub::address(entry.key().rtype, rdata));
                    visit.found.extend(addresses.take(limits::SERVER_ADDRESSES));
                }
            }
            self.step(now, parent);
        }
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

    //------- Replies ----------------------------------------------------------------------------------------------

    /// Takes a message that came for an exchange.
    pub(super) fn take_message(
        &mut self,
        now: Instant,
        exchange: ExchangeId,
        id: TaskId,
        sent: &Sent,
        octets: &[u8],
    ) {
        let message = Message::parse(octets).ok();
        let matched = message.as_ref().map_or(Match::No, |message| sent.matches(message));
        let (Some(message), true) = (message, matched != Match::No) else {
            // It may be forged, and the true one may still come (RFC 5452 §4); not so on a connection.
            if sent.transport == Transport::Tcp {
                self.exchanges.remove(&exchange);
                self.outputs.push_back(Output::Cancel { exchange, timed_out: false });
                self.try_next(now, exchange, id, sent, Trouble::Reply(Why::Malformed));
            }
            return;
        };
        self.exchanges.remove(&exchange);
        self.outputs.push_back(Output::Cancel { exchange, timed_out: false });
        self.known.servers.answered(sent.server, now.since(sent.at));
        self.charge(id, 0, octets.len() as u32);
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) else { return };
        visit.over(exchange);
        // A query that was sent after this one is no longer needed.
        if let Some(other) = visit.exchange.take() {
            self.exchanges.remove(&other);
            self.outputs.push_back(Output::Cancel { exchange: other, timed_out: false });
        }
        let again = |transport, confirms| Some(Again { server: sent.server, transport, confirms });
        if matched == Match::ButForCase {
            // It may be a forgery or a server that does not keep case: TCP tells.
            self.known.servers.without_case(sent.server, now);
            visit.again = again(Transport::Tcp, true);
            return self.step(now, id);
        }
        let (flags, udp) = (message.header().flags, sent.transport == Transport::Udp);
        if flags.has(Flags::TC) && udp {
            visit.again = again(Transport::Tcp, false);
            return self.step(now, id);
        }
        // RFC 6891 §7: servers of before EDNS say one of these; BADVERS has the low bits of NOERROR and an OPT.
        let refused = matches!(flags.rcode(), Rcode::FORMERR | Rcode::NOTIMP) || is_badvers(&message);
        if sent.edns && refused {
            self.known.servers.without_edns(sent.server, now);
            visit.again = again(sent.transport, sent.confirms);
            return self.step(now, id);
        }
        self.take_finding(now, exchange, id, sent, &message);
    }

    /// Acts on what a reply says.
    fn take_finding(
        &mut self,
        now: Instant,
        exchange: ExchangeId,
        id: TaskId,
        sent: &Sent,
        message: &Message<'_>,
    ) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        let State::At(visit) = &mut task.state else { return };
        let delegation = Arc::clone(&visit.delegation);
        let asked = Asked {
            name: task.question.name.as_name(),
            rtype: task.question.rtype,
            zone: &delegation,
            realm: self.settings.realm,
            checking_disabled: task.question.checking_disabled,
            now,
        };
        match scrub::read(&asked, message) {
            Finding::Facts(facts) => {
                if task.question.name.as_name().is_root() && task.question.rtype == Rtype::NS {
                    self.learn_roots(now, message);
                }
                let too_long = message.header().flags.rcode() == Rcode::YXDOMAIN;
                self.settle(now, id, facts, too_long.then(Failure::too_long));
            }
            Finding::Referral { zone, servers, ttl } => {
                let expires = now + Duration::from_secs(ttl.max(1).into());
                let next = Arc::new(Delegation { zone, servers: Servers::Named(servers), expires });
                let visited = std::mem::replace(&mut **visit, Visit::new(Arc::clone(&next)));
                self.end_visit(id, &visited);
                self.known.delegations.insert(next, now);
                self.step(now, id);
            }
            Finding::Useless(why) => {
                let lame = matches!(why, Why::Rcode(Rcode::REFUSED | Rcode::NOTAUTH) | Why::Sideways);
                if lame && !delegation.is_forward() {
                    self.known.servers.lame(sent.server, &delegation.zone, now);
                }
                self.try_next(now, exchange, id, sent, Trouble::Reply(why));
            }
        }
    }

    //------- Roots ------------------------------------------------------------------------------------------------

    /// Asks the roots for their own list when it is due (RFC 9609); questions do not wait for it.
    pub(super) fn prime(&mut self, now: Instant) {
        if !self.settings.priming || self.settings.root_hints.is_empty() {
            return;
        }
        let due = self.known.priming_due.load(Ordering::Relaxed);
        let next = (now + limits::PRIMING_RETRY).as_nanos();
        let mine = now.as_nanos() >= due
            && self
                .known
                .priming_due
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        // With a forward for everything the roots are never asked.
        if !mine || self.settings.routes.iter().any(|route| route.zone.as_name().is_root()) {
            return;
        }
        let name = Name::ROOT.to_owned();
        let question = Question { name, rtype: Rtype::NS, checking_disabled: false, start: None };
        if !self.by_question.contains_key(&question) {
            let task = self.task(now, question, 0, None);
            self.start(now, task);
        }
    }

    /// Takes the roots' own list in place of the hints.
    fn learn_roots(&mut self, now: Instant, message: &Message<'_>) {
        if let Some((servers, ttl)) = scrub::root_servers(message) {
            let expires = now + Duration::from_secs(ttl.max(1).into());
            let zone = Name::ROOT.to_owned();
            self.known
                .delegations
                .insert(Arc::new(Delegation { zone, servers: Servers::Named(servers), expires }), now);
            self.known.priming_due.store(expires.as_nanos(), Ordering::Relaxed);
        }
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

fn is_badvers(message: &Message<'_>) -> bool {
    let opt = message.records().flatten().find(|record| record.rtype == Rtype::OPT);
    opt.is_some_and(|opt| opt.ttl >> 24 == 1 && message.header().flags.rcode() == Rcode::NOERROR)
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
