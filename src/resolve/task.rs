//! A task: one question being resolved, for all who wait for it.

use super::delegation::{Delegation, Servers};
use super::judge::Judging;
use super::scrub::Why;
use super::trace::Trace;
use super::{Asker, ExchangeId, Question, Transport};
use crate::clock::Instant;
use crate::limits;
use crate::validate::{Effort, Flaw};
use crate::wire::{OwnedName, Rtype};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Names a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TaskId(pub u64);

/// Who waits for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiter {
    /// A client's question.
    Client(Asker),
    /// A task that needs an address, or to know whether to believe a reply.
    Task(TaskId),
}

/// One question being resolved.
pub(super) struct Task {
    pub question: Question,
    pub waiters: Vec<Waiter>,
    /// Queries it sent.
    pub sent: u16,
    /// Parts of the name it asked about, and had an answer.
    pub minimised: u8,
    /// It asks for the whole name: a part of it led to trouble.
    pub whole: bool,
    /// A want of our own kept it from asking somebody.
    pub starved: bool,
    /// It was begun for nobody, and goes on when those who have joined it leave.
    pub for_itself: bool,
    /// It no longer asks the servers that the config names for its zone: they failed.
    pub beyond_routes: bool,
    /// What would be left of what one question may spend on checks, had it asked nothing but this: what led here is not counted, what
    /// had to be looked up for it is.
    pub effort: Effort,
    pub state: State,
    /// What it did.
    pub trace: Trace,
}

impl Task {
    pub fn new(question: Question, now: Instant) -> Task {
        Task {
            trace: Trace::new(&question, now),
            question,
            waiters: Vec::new(),
            sent: 0,
            minimised: 0,
            whole: false,
            starved: false,
            for_itself: false,
            beyond_routes: false,
            effort: Effort::WHOLE,
            state: State::New,
        }
    }
}

/// What a task is at.
pub(super) enum State {
    /// Made, but not begun.
    New,
    /// At a delegation: who was tried, and what is under way.
    At(Box<Visit>),
}

/// A task's work at one delegation.
pub(super) struct Visit {
    pub delegation: Arc<Delegation>,
    /// The query that is out.
    pub exchange: Option<ExchangeId>,
    /// Queries that others were sent after: a slow server may answer one yet.
    pub late: Vec<ExchangeId>,
    /// Times each address was asked, and whether it is no longer of use.
    pub tried: Vec<(SocketAddr, u8, bool)>,
    /// Labels of the question's name that are known to lead to no delegation.
    pub known_labels: usize,
    /// The server to ask next, and how, when that is decided.
    pub again: Option<Again>,
    /// Name servers whose addresses were looked up, and of which type.
    pub fetched: Vec<(OwnedName, Rtype)>,
    /// The addresses that came of it, also those that may not be kept.
    pub found: Vec<IpAddr>,
    /// Lookups of addresses that are under way.
    pub pending: Vec<TaskId>,
    /// What went wrong, for the client to read.
    pub troubles: Vec<(SocketAddr, Trouble)>,
    /// A reply that is being judged: nobody else is asked meanwhile.
    pub judging: Option<Box<Judging>>,
    /// What was wrong with the last that was bogus, and how many were.
    pub flaw: Option<Flaw>,
    pub bogus: u8,
}

/// A query that is decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Again {
    pub server: SocketAddr,
    pub transport: Transport,
    /// See [`super::query::Sent`].
    pub confirms: bool,
    /// Without random case and cookie: it does not do TCP, and over UDP it does not keep to them.
    pub plain: bool,
}

/// What went wrong with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No reply.
    TimedOut,
    /// The network says so.
    Unreachable,
    /// It could not be asked for want of our own means.
    NotSent,
    /// A reply that does not validate.
    Bogus,
    /// A reply of no use.
    Reply(Why),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::TimedOut => f.write_str("did not answer"),
            Trouble::Unreachable => f.write_str("cannot be reached"),
            Trouble::NotSent => f.write_str("was not asked: this resolver is out of sockets"),
            Trouble::Bogus => f.write_str("sent bogus data"),
            Trouble::Reply(why) => why.fmt(f),
        }
    }
}

impl Visit {
    /// Starts at a delegation.
    pub fn new(delegation: Arc<Delegation>) -> Visit {
        Visit {
            known_labels: delegation.zone.as_name().label_count(),
            delegation,
            exchange: None,
            late: Vec::new(),
            tried: Vec::new(),
            again: None,
            fetched: Vec::new(),
            found: Vec::new(),
            pending: Vec::new(),
            troubles: Vec::new(),
            judging: None,
            flaw: None,
            bogus: 0,
        }
    }

    /// Notes that an exchange is over.
    pub fn over(&mut self, exchange: ExchangeId) {
        self.exchange.take_if(|current| *current == exchange);
        self.late.retain(|late| *late != exchange);
    }

    /// Times an address was asked; none when it is of no more use.
    pub fn attempts(&self, address: SocketAddr) -> Option<u8> {
        match self.tried.iter().find(|(tried, ..)| *tried == address) {
            Some((_, times, useless)) => (!useless && *times < limits::ATTEMPTS_PER_SERVER).then_some(*times),
            None => Some(0),
        }
    }

    /// How many addresses were asked.
    pub fn tried_count(&self) -> usize {
        self.tried.len()
    }

    /// How many queries were sent.
    pub fn sent(&self) -> u16 {
        self.tried.iter().map(|(_, times, _)| u16::from(*times)).sum()
    }

    /// Notes that an address was asked.
    pub fn note_asked(&mut self, address: SocketAddr) {
        match self.tried.iter_mut().find(|(tried, ..)| *tried == address) {
            Some((_, times, _)) => *times += 1,
            None => self.tried.push((address, 1, false)),
        }
    }

    /// Notes what went wrong with an address; unless it was a loss, it is not asked again.
    pub fn note_trouble(&mut self, address: SocketAddr, trouble: Trouble) {
        if trouble != Trouble::TimedOut
            && let Some((.., useless)) = self.tried.iter_mut().find(|(tried, ..)| *tried == address)
        {
            *useless = true;
        }
        if !self.troubles.contains(&(address, trouble)) {
            self.troubles.push((address, trouble));
        }
    }

    /// The next lookup of a name server's addresses that may help: of the first family for all, then of the second. None when there
    /// were enough. A server whose glue is of use (`is_usable`) needs none.
    pub fn unfetched(
        &self,
        (v4, v6): (bool, bool),
        most: usize,
        is_usable: impl Fn(IpAddr) -> bool,
    ) -> Option<(OwnedName, Rtype)> {
        let Servers::Named(servers) = &self.delegation.servers else { return None };
        if self.fetched.len() >= most {
            return None;
        }
        let zone = self.delegation.zone.as_name();
        // The second family is worth its queries only when the first has come to nothing.
        let families = [(Rtype::A, v4), (Rtype::AAAA, v6)].into_iter().filter(|(_, used)| *used);
        let families = families.take(if self.pending.is_empty() { 2 } else { 1 });
        // A name inside the zone that has no glue can only be asked of the servers we have no address of.
        let needy = |(name, glue): &&(OwnedName, Vec<IpAddr>)| {
            !name.as_name().is_within(zone) && !glue.iter().any(|address| is_usable(*address))
        };
        let names = || servers.iter().filter(needy);
        families
            .flat_map(|(rtype, _)| names().map(move |(name, _)| (name, rtype)))
            .find(|(name, rtype)| !self.fetched.iter().any(|(have, of)| have == *name && of == rtype))
            .map(|(name, rtype)| (name.clone(), rtype))
    }

    /// Why no server of this delegation helped, in a sentence that fits an extended error.
    pub fn verdict(&self) -> String {
        let zone = &self.delegation.zone;
        if self.troubles.is_empty() {
            return format!("no name server of {zone} has an address");
        }
        let told: Vec<String> = self
            .troubles
            .iter()
            .take(4)
            .map(|(address, trouble)| format!("{} {trouble}", address.ip()))
            .collect();
        let more = if self.troubles.len() > told.len() { ", and others" } else { "" };
        format!("no name server of {zone} helped: {}{more}", told.join(", "))
    }
}
