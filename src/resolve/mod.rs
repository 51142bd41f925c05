//! Iteration as a state machine: questions in, queries to send out, replies in, settled questions out. No socket, no task, no
//! clock, no randomness but its seed.

mod addresses;
mod budget;
mod claims;
mod delegation;
mod denials;
mod exchange;
mod follow;
mod iterate;
mod judge;
mod minimise;
mod own;
mod query;
mod recent;
mod replies;
mod rule;
mod scrub;
mod select;
mod servers;
mod step;
mod task;
mod trace;
mod trusts;

pub use budget::Budget;
pub use own::start;
pub use servers::ServerState;
pub use trace::{End, Said, Step, Trace};

use crate::anchor;
use crate::cache::{Cache, EntryBuf, Fact, Scratch};
use crate::clock::Instant;
use crate::config::Minimise;
use crate::dnssec::SignedData;
use crate::limits;
use crate::wire::{Ede, Name, OwnedName, Rcode, Rtype};
use crate::zone::ZoneSet;
use exchange::Exchanges;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use task::{State, Task, TaskId, Waiter};

/// Set in the realm of what is learnt below a delegation of an own zone: others may delegate the same names otherwise.
pub const BELOW_OWN_CUT: u32 = 1 << 31;

/// What a task resolves. Equal questions share one task.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name.
    pub name: OwnedName,
    /// The type.
    pub rtype: Rtype,
    /// The client set CD.
    pub checking_disabled: bool,
    /// An own delegation to start from, in place of the best known one.
    pub start: Option<Start>,
}

/// A delegation from outside the resolver: an own zone's cut with its glue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Start {
    /// The name of the cut.
    pub zone: OwnedName,
    /// Its name servers, each with the addresses that stand beside it.
    pub servers: Vec<(OwnedName, Vec<std::net::IpAddr>)>,
    /// Its DS, as record data: what is below it is validated from there, and not at all where it has none.
    pub ds: Vec<Box<[u8]>>,
}

/// Who asked: the driver's own number for a pending job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Asker(pub u64);

/// One query to one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId(pub u64);

/// How a query travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A datagram from a fresh random port.
    Udp,
    /// A TCP connection.
    Tcp,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug)]
pub enum Reply<'a> {
    /// A datagram or TCP message from the server asked, to the socket it was asked from. Everything else is checked here.
    Message(&'a [u8]),
    /// The network said it cannot be reached (ICMP, refused or broken connection).
    Unreachable,
    /// The query could not be sent for want of descriptors or buffers of our own.
    NotSent,
}

/// What the driver must do.
#[derive(Debug)]
pub enum Output {
    /// Send `message` to `server`; report with `handle_reply`. Timeouts are the resolver's own. An exchange that is out already is sent
    /// again from the same socket.
    Send {
        /// Names the exchange.
        exchange: ExchangeId,
        /// Where to.
        server: SocketAddr,
        /// How.
        transport: Transport,
        /// The query in wire form.
        message: Vec<u8>,
    },
    /// Forget the exchange and close its socket; a late reply is not wanted.
    Cancel {
        /// Names the exchange.
        exchange: ExchangeId,
        /// It was not answered in time.
        timed_out: bool,
    },
    /// The asker has waited for long: it may have what has run out, if that is at hand. Its question goes on being resolved.
    Impatient {
        /// Whose.
        asker: Asker,
    },
    /// A question is settled.
    Settle {
        /// Whose.
        asker: Asker,
        /// The result.
        settled: Settled,
        /// What is left of the asker's budget.
        budget: Budget,
    },
}

/// The result of one question: read before the cache, so TTL 0 and uncacheable results terminate.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The name that was asked for.
    pub name: OwnedName,
    /// What was learnt: the RRset, CNAME or DNAME, or denial for the question, and further links of its chain that the same
    /// server may speak for. Empty on failure.
    pub entries: Arc<[EntryBuf]>,
    /// Set when the question could not be resolved.
    pub failure: Option<Failure>,
}

/// Why a question could not be resolved, as the client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// SERVFAIL as a rule.
    pub rcode: Rcode,
    /// Extended error.
    pub ede: Ede,
    /// Its text: who is at fault.
    pub text: String,
    /// It came of a want of our own, of sockets or places, and says nothing of the name: it is not to be remembered.
    pub passing: bool,
}

impl Settled {
    /// A question that came to nothing.
    pub fn failed(name: OwnedName, failure: Failure) -> Settled {
        Settled { name, entries: Arc::new([]), failure: Some(failure) }
    }
}

impl Failure {
    /// RFC 6672 §2.2: what a DNAME makes of the name is no name.
    fn too_long() -> Failure {
        let text = "a DNAME makes the name longer than names may be".into();
        Failure { rcode: Rcode::YXDOMAIN, ede: Ede::OTHER, text, passing: false }
    }

    fn servfail(ede: Ede, text: String) -> Failure {
        Failure { rcode: Rcode::SERVFAIL, ede, text, passing: false }
    }
}

/// A question under way.
#[derive(Clone, Debug)]
pub struct InFlight {
    /// What was done for it so far.
    pub trace: Trace,
    /// How many wait for it, clients and other questions.
    pub waiters: usize,
    /// The zone whose servers are being asked.
    pub zone: OwnedName,
}

/// What all shards know of servers and delegations.
#[derive(Default)]
pub struct Known {
    /// What is trusted from the start.
    anchors: Arc<anchor::Trust>,
    /// Those of the world, and those below own cuts.
    delegations: [delegation::Delegations; 2],
    trusts: [trusts::Trusts; 2],
    /// Of the world only.
    denials: denials::Denials,
    servers: servers::Servers,
    /// When the roots may next be asked for their own list.
    priming_due: AtomicU64,
}

impl Known {
    /// Nothing yet but whom to trust.
    pub fn new(anchors: Arc<anchor::Trust>) -> Known {
        Known { anchors, ..Known::default() }
    }

    /// What is known of servers, in no order.
    pub fn servers(&self, now: Instant) -> Vec<ServerState> {
        self.servers.states(now)
    }

    /// Forgets where `name` was delegated to; with `subtree` also what is below it. The roots' own list stays unless everything
    /// goes.
    pub fn flush(&self, name: Name<'_>, subtree: bool) {
        if name.is_root() {
            if !subtree {
                return;
            }
            self.priming_due.store(0, Ordering::Relaxed);
        }
        for delegations in &self.delegations {
            delegations.forget(name, subtree);
        }
        self.distrust(name, subtree);
    }

    /// Forgets what was validated of `name`; with `subtree` also below it.
    pub fn distrust(&self, name: Name<'_>, subtree: bool) {
        for trusts in &self.trusts {
            trusts.forget(name, subtree);
        }
        self.denials.forget(name, subtree);
    }
}

/// A map by numbers that we give ourselves: nobody can aim them at one bucket.
type ById<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The resolver: one per shard.
pub struct Resolver {
    settings: Arc<Settings>,
    cache: Arc<Cache>,
    scratch: Scratch,
    signed_data: SignedData,
    /// When zones may next be told which anchors are trusted.
    signal_due: Instant,
    /// Unix time at the start of the clock, seconds.
    epoch: u64,
    known: Arc<Known>,
    rng: ChaCha20Rng,
    tasks: ById<TaskId, Task>,
    by_question: HashMap<Question, TaskId>,
    exchanges: Exchanges,
    /// Lookups that have ended, and the tasks to tell.
    woken: VecDeque<(TaskId, TaskId, Settled, Arc<Trace>)>,
    /// Lookups for judging that are still to begin.
    begun: VecDeque<TaskId>,
    /// What was resolved of late, the newest last.
    traces: VecDeque<Arc<Trace>>,
    /// The last answer for which nobody had to be asked.
    synthesised: Option<Arc<Trace>>,
    /// Tasks at each delegation.
    visits: HashMap<OwnedName, usize>,
    /// Own zones.
    zones: ZoneSet,
    askers: ById<Asker, Asking>,
    timers: BinaryHeap<Reverse<(Instant, Timer)>>,
    outputs: VecDeque<Output>,
    next_id: u64,
}

/// A client's question under way.
struct Asking {
    task: TaskId,
    budget: Budget,
    /// Nothing of the budget was spent before, on the way to this question: if it ends, that is this question's doing.
    is_first: bool,
}

/// What may fall due. One whose object is gone is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Exchange(ExchangeId),
    Asker(Asker),
    Patience(Asker),
    /// It is time to look after trust anchors.
    Anchors,
}

impl Resolver {
    /// Makes a resolver; `seed` feeds ids, choice of servers and case randomisation.
    pub fn new(settings: Arc<Settings>, cache: Arc<Cache>, known: Arc<Known>, seed: [u8; 32]) -> Resolver {
        Resolver {
            settings,
            cache,
            scratch: Scratch::default(),
            signed_data: SignedData::default(),
            epoch: 0,
            signal_due: Instant::ZERO,
            known,
            rng: ChaCha20Rng::from_seed(seed),
            tasks: ById::default(),
            by_question: HashMap::new(),
            exchanges: Exchanges::default(),
            woken: VecDeque::new(),
            begun: VecDeque::new(),
            traces: VecDeque::new(),
            synthesised: None,
            visits: HashMap::new(),
            zones: ZoneSet::default(),
            askers: ById::default(),
            timers: BinaryHeap::new(),
            outputs: VecDeque::new(),
            next_id: 0,
        }
    }

    /// How many tasks are under way.
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }

    /// Takes the own zones as they are now; they come before all others.
    pub fn set_zones(&mut self, zones: ZoneSet) {
        self.zones = zones;
    }

    /// Takes the time of day, seconds of Unix time: signatures are valid by it.
    pub fn set_time(&mut self, now: Instant, unix: u64) {
        self.epoch = unix.saturating_sub(now.as_secs());
    }

    fn unix(&self, now: Instant) -> u64 {
        self.epoch + now.as_secs()
    }

    /// What is being done for a question, or was the last time it was resolved here, if that is not long ago.
    pub fn trace(&self, name: Name<'_>, rtype: Rtype) -> Option<Arc<Trace>> {
        let is_it = |trace: &Trace| trace.name.as_name() == name && trace.rtype == rtype;
        let finished = self.traces.iter().rev().find(|trace| is_it(trace)).map(Arc::clone);
        let under_way = || self.tasks.values().find(|task| is_it(&task.trace));
        let synthesised = || self.synthesised.clone().filter(|trace| is_it(trace));
        finished.or_else(|| under_way().map(|task| Arc::new(task.trace.clone()))).or_else(synthesised)
    }

    /// The questions under way.
    pub fn in_flight(&self) -> Vec<InFlight> {
        let in_flight = |task: &Task| InFlight {
            trace: task.trace.clone(),
            waiters: task.waiters.len(),
            zone: match &task.state {
                State::At(visit) => visit.delegation.zone.clone(),
                State::New => Name::ROOT.to_owned(),
            },
        };
        self.tasks.values().map(in_flight).collect()
    }

    /// Asks a question for a client. It is charged to `budget` until its `Output::Settle`.
    pub fn handle_question(&mut self, now: Instant, question: &Question, asker: Asker, budget: Budget) {
        if let Some(entry) = self.synthesise(now, question) {
            let mut trace = Trace::new(question, now);
            if let Fact::Denied { soa_owner: Some(zone), .. } = entry.entry().fact {
                trace.note(now, Step::Synthesised(zone.to_owned()));
            }
            trace.finish(std::slice::from_ref(&entry), None);
            self.synthesised = Some(Arc::new(trace));
            let settled = Settled { name: question.name.clone(), entries: Arc::new([entry]), failure: None };
            self.outputs.push_back(Output::Settle { asker, settled, budget });
            return;
        }
        let crowded = match self.by_question.get(question).and_then(|id| self.tasks.get(id)) {
            Some(task) => task.waiters.len() >= limits::WAITERS,
            None => self.tasks.len() >= limits::TASKS,
        };
        if crowded {
            let failure = Failure::servfail(Ede::OTHER, "too many questions are being resolved".into());
            let settled = Settled::failed(question.name.clone(), failure);
            self.outputs.push_back(Output::Settle { asker, settled, budget });
            return;
        }
        let task = self.task(now, question.clone(), Some(Waiter::Client(asker)));
        self.askers.insert(asker, Asking { task, budget, is_first: budget.is_whole() });
        self.timers.push(Reverse((budget.deadline, Timer::Asker(asker))));
        if self.settings.serve_stale {
            self.timers.push(Reverse((budget.begun() + limits::STALE_AFTER, Timer::Patience(asker))));
        }
        self.prime(now);
        self.start(now, task);
        self.wake(now);
    }

    /// Resolves a question that nobody waits for, so that its answer is at hand when it is asked; `asker` is not heard of again.
    ///
    /// Nothing is done while there is much to do for those who wait, nor while it is remembered that it cannot be resolved.
    pub fn handle_refresh(&mut self, now: Instant, question: &Question, asker: Asker) {
        let busy = self.tasks.len() >= limits::TASKS_AND_REFRESHES || self.by_question.contains_key(question);
        if !busy && !self.has_failed(now, question) {
            self.handle_question(now, question, asker, Budget::new(now));
        }
    }

    /// What is left of the budget of a question under way.
    pub fn budget(&self, asker: Asker) -> Option<Budget> {
        self.askers.get(&asker).map(|asking| asking.budget)
    }

    /// Withdraws a client's question (it went away): nothing more is said of it.
    pub fn handle_abandon(&mut self, asker: Asker) {
        if let Some(Asking { task, .. }) = self.askers.remove(&asker) {
            self.leave(task, Waiter::Client(asker));
        }
    }

    /// Takes the end of an exchange. One that is unknown (late, cancelled) is ignored.
    pub fn handle_reply(&mut self, now: Instant, exchange: ExchangeId, reply: Reply<'_>) {
        self.take_reply(now, exchange, reply);
        self.wake(now);
    }

    /// Whether an exchange is still waited for.
    pub fn is_out(&self, exchange: ExchangeId) -> bool {
        self.exchanges.get(exchange).is_some()
    }

    /// Runs what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(Reverse((due, timer))) = self.timers.peek().copied() {
            if due > now && self.is_live(timer) {
                break;
            }
            self.timers.pop();
            match timer {
                _ if due > now || !self.is_live(timer) => (),
                Timer::Exchange(id) => self.overdue(now, id),
                Timer::Asker(asker) => {
                    let (ede, limit) = (Ede::NO_REACHABLE_AUTHORITY, "it took longer than it may");
                    self.out_of_budget(now, asker, ede, limit);
                }
                Timer::Patience(asker) => self.outputs.push_back(Output::Impatient { asker }),
                Timer::Anchors => self.look_after_anchors(now),
            }
            self.wake(now);
        }
    }

    fn is_live(&self, timer: Timer) -> bool {
        match timer {
            Timer::Exchange(id) => self.exchanges.get(id).is_some(),
            Timer::Asker(asker) | Timer::Patience(asker) => self.askers.contains_key(&asker),
            Timer::Anchors => true,
        }
    }

    /// What to do next; none when all is done. Call after every `handle_*` until none.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When `handle_timeout` must be called next.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        while let Some(Reverse((due, timer))) = self.timers.peek().copied() {
            if self.is_live(timer) {
                return Some(due);
            }
            self.timers.pop();
        }
        None
    }
}

/// How to resolve: made from the config, immutable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Root servers to start from: name and addresses.
    pub root_hints: Vec<(OwnedName, Vec<std::net::IpAddr>)>,
    /// The realm that cache keys get.
    pub realm: u32,
    /// Port that servers are asked on: 53 but in labs.
    pub upstream_port: u16,
    /// Ask over IPv4, over IPv6.
    pub families: (bool, bool),
    /// Addresses never asked, as prefixes.
    pub deny: Vec<ipnet::IpNet>,
    /// Whether to ask the roots for their own list first (RFC 9609).
    pub priming: bool,
    /// Whether to randomise the case of names sent.
    pub case_randomisation: bool,
    /// How much of a name is told to whom.
    pub minimise: Minimise,
    /// Whether public names may not have private addresses.
    pub rebinding_protection: bool,
    /// Whether validated denials are used for other names than those that were asked for (RFC 8198).
    pub aggressive: bool,
    /// Whether zones with trust anchors are told which of their keys are trusted (RFC 8145).
    pub anchor_signal: bool,
    /// Whether clients are told when they have waited so long that a stale answer is better than none.
    pub serve_stale: bool,
    /// Zones answered by given servers: longest match wins; the name "." is for all.
    pub routes: Vec<Upstream>,
}

impl Settings {
    /// The route for a name.
    pub fn route(&self, name: Name<'_>) -> Option<&Upstream> {
        self.route_among(name, |_| true)
    }

    /// The route for a name among those whose zones are suited.
    fn route_among(&self, name: Name<'_>, is_suited: impl Fn(Name<'_>) -> bool) -> Option<&Upstream> {
        let suited = |zone: Name<'_>| name.is_within(zone) && is_suited(zone);
        let routes = self.routes.iter().filter(|route| suited(route.zone.as_name()));
        routes.max_by_key(|route| route.zone.as_name().len())
    }
}

/// A zone asked of given servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The zone.
    pub zone: OwnedName,
    /// Its servers.
    pub servers: Vec<SocketAddr>,
    /// Recursive servers (a forward, RD set) or authoritative ones (a stub).
    pub forward: bool,
    /// Whether the zone is resolved from the roots down when they fail.
    pub fallback: bool,
    /// Whether what they say is validated.
    pub validate: bool,
}
