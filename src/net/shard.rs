//! A shard: one resolver, the questions waiting for it, and its mailbox.

use super::Resolving;
use super::udp::{self, Peer};
use super::upstream::Upstreams;
use crate::answer::{self, Job, Meta, Outcome, Progress, Refresh, Request, Transport, View, Worker};
use crate::clock::{self, Instant};
use crate::guard::Waiting;
use crate::limits;
use crate::metrics::{Counters, Crowded, Dropped, Source};
use crate::resolve::{Asker, Budget, Failure, Output, Question, Resolver, Settled, Trace};
use crate::wire::{Ede, Rcode};
use crate::zone::ZoneSet;
use mio::{Registry, Token, Waker};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// A request that waits for its jobs.
pub(super) struct Pending {
    pub message: Vec<u8>,
    pub client: SocketAddr,
    pub listener: usize,
    pub view: Arc<View>,
    pub progress: Progress,
    pub reply_to: ReplyTo,
    /// When it came, or was last repeated.
    pub asked: Instant,
    /// Whether replies are known to reach the client.
    pub proven: bool,
    /// What it waits for now.
    pub question: Question,
    /// Counts it among those in flight, in whichever shard.
    _counted: Counted,
}

/// One among what is in flight, as long as it lives.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(in_flight: &Arc<AtomicUsize>) -> Counted {
        in_flight.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(in_flight))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where a reply goes.
pub(super) enum ReplyTo {
    /// From the worker's socket of this index.
    Udp { socket: usize, peer: Box<Peer> },
    /// To the connection.
    Tcp(oneshot::Sender<Vec<u8>>),
    /// Nowhere: the client has a stale answer already.
    Answered,
}

/// What comes to a shard from elsewhere.
pub(super) enum Mail {
    /// A request whose question is at home here.
    Request(Box<Pending>),
    /// A question that is at home here, to be resolved for whoever asks next.
    Refresh(Box<Question>),
    /// Look at the resolver for an operator.
    Look(super::ask::Look),
    /// Resolve a question and tell what was done.
    Explain(Box<Question>, oneshot::Sender<Arc<Trace>>),
    /// Own zones as they are now.
    Zones(ZoneSet),
    /// Another resolver, or none.
    Resolving(Option<Resolving>),
    /// Finish what is under way for so long, then end.
    Stop(Duration),
}

/// The way to a shard.
pub(super) struct Mailbox {
    sender: SyncSender<Mail>,
    waker: Waker,
}

/// The ways to all shards.
pub(super) struct Mailboxes {
    boxes: Box<[Mailbox]>,
    in_flight: Arc<AtomicUsize>,
    /// Seeded, so that nobody can aim all questions at one shard.
    hasher: foldhash::fast::RandomState,
}

impl Mailboxes {
    pub fn new(boxes: Vec<Mailbox>) -> Mailboxes {
        let hasher = foldhash::fast::RandomState::default();
        Mailboxes { boxes: boxes.into(), in_flight: Arc::default(), hasher }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Mailbox> {
        self.boxes.iter()
    }

    /// Requests that wait in any shard or on the way to one, and workers that may bring more.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The mailbox of the shard where a question is at home.
    pub fn home_of(&self, question: &Question) -> &Mailbox {
        &self.boxes[self.home(question)]
    }

    /// The home of a question: equal questions have one, on whichever worker they come.
    fn home(&self, question: &Question) -> usize {
        let mut hasher = self.hasher.build_hasher();
        question.name.hash(&mut hasher);
        hasher.write_u16(question.rtype.0);
        (hasher.finish() % self.boxes.len() as u64) as usize
    }

    /// Gives a request to the home of its question; one that cannot wait there comes back.
    pub fn dispatch(&self, pending: Box<Pending>) -> Result<(), Box<Pending>> {
        self.boxes[self.home(&pending.question)].send(pending)
    }

    /// Has a question resolved that nobody waits for, if its home has time.
    pub fn refresh(&self, refresh: &Refresh) {
        let question = refresh.question();
        self.home_of(&question).try_send(Mail::Refresh(Box::new(question)));
    }

    /// A fresh request for a job.
    pub fn pending(
        &self,
        request: &Request<'_>,
        view: &Arc<View>,
        reply_to: ReplyTo,
        Job::Resolve(question): Job,
    ) -> Box<Pending> {
        Box::new(Pending {
            message: request.message.to_vec(),
            client: request.client,
            listener: request.listener,
            view: Arc::clone(view),
            progress: Progress { settled: Vec::new(), budget: Budget::new(request.now), stale: false },
            reply_to,
            asked: request.now,
            proven: answer::is_proven(view, request),
            question,
            _counted: Counted::new(&self.in_flight),
        })
    }
}

/// Makes a mailbox whose mail wakes a poll.
pub(super) fn mailbox(registry: &Registry, token: Token) -> io::Result<(Mailbox, Receiver<Mail>)> {
    let (sender, receiver) = sync_channel(limits::MAILBOX);
    Ok((Mailbox { sender, waker: Waker::new(registry, token)? }, receiver))
}

impl Mailbox {
    /// Hands over a request; gives it back when the mailbox is full.
    fn send(&self, pending: Box<Pending>) -> Result<(), Box<Pending>> {
        match self.sender.try_send(Mail::Request(pending)) {
            Ok(()) => {
                // The next timeout finds the mail if waking fails.
                let _ = self.waker.wake();
                Ok(())
            }
            Err(TrySendError::Full(mail) | TrySendError::Disconnected(mail)) => match mail {
                Mail::Request(pending) => Err(pending),
                _ => Ok(()),
            },
        }
    }

    /// Hands over what may be lost when the mailbox is full.
    pub fn try_send(&self, mail: Mail) {
        if self.sender.try_send(mail).is_ok() {
            // The next timeout finds the mail if waking fails.
            let _ = self.waker.wake();
        }
    }

    /// Hands over what must not be lost, waiting for room.
    pub fn send_control(&self, mail: Mail) {
        let _ = self.waker.wake();
        let _ = self.sender.send(mail);
        let _ = self.waker.wake();
    }
}

/// The end of a request for which there is no room.
pub(super) fn crowded(pending: &mut Pending, why: Crowded, counters: &Counters) {
    counters.crowded(why);
    let text = match why {
        Crowded::Client => "too many questions of this client are being resolved",
        Crowded::Shard | Crowded::Mailbox => "too many questions are being resolved",
    };
    fail(pending, text);
}

/// The end of a request, and why.
fn fail(pending: &mut Pending, why: &str) {
    let failure = Failure { rcode: Rcode::SERVFAIL, ede: Ede::OTHER, text: why.into(), passing: true };
    pending.progress.settled.push(Settled::failed(pending.question.name.clone(), failure));
}

/// A shard.
pub(super) struct Shard {
    /// Its place among the mailboxes.
    index: usize,
    mailboxes: Arc<Mailboxes>,
    /// What the resolver was made from.
    resolving: Option<Resolving>,
    resolver: Option<Resolver>,
    upstreams: Upstreams,
    pending: HashMap<Asker, Box<Pending>>,
    /// Of which client they are.
    waiting: Waiting,
    /// Datagrams under way: a client that repeats itself waits for the first.
    under_way: HashMap<Datagram, Asker>,
    next_asker: u64,
    /// Operators who wait for a question to be resolved.
    explaining: HashMap<Asker, (Question, oneshot::Sender<Arc<Trace>>)>,
    worker: Worker,
    out: Vec<u8>,
    counters: Arc<Counters>,
}

impl Shard {
    /// The shard at `index` of the mailboxes.
    pub fn new(
        index: usize,
        mailboxes: Arc<Mailboxes>,
        resolving: Option<Resolving>,
        counters: Arc<Counters>,
    ) -> Shard {
        let mut shard = Shard {
            index,
            mailboxes,
            resolving,
            resolver: None,
            upstreams: Upstreams::default(),
            pending: HashMap::new(),
            waiting: Waiting::default(),
            under_way: HashMap::new(),
            next_asker: 0,
            explaining: HashMap::new(),
            worker: Worker::default(),
            out: vec![0; limits::MESSAGE],
            counters,
        };
        shard.resolver = shard.make();
        shard
    }

    fn make(&self) -> Option<Resolver> {
        let Resolving { settings, cache, known, zones } = self.resolving.clone()?;
        let mut resolver = Resolver::new(settings, cache, known, crate::entropy::seed());
        resolver.set_zones(zones);
        let now = clock::now();
        resolver.set_time(now, clock::unix_secs());
        // One for all: they share what is trusted.
        if self.index == 0 {
            resolver.follow_anchors(now);
        }
        Some(resolver)
    }

    /// Starts afresh after a failure in its midst: what was under way here is lost, and clients ask again.
    pub fn begin_anew(&mut self) {
        self.upstreams.clear();
        self.pending.clear();
        self.under_way.clear();
        self.explaining.clear();
        self.waiting.clear();
        self.worker = Worker::default();
        self.resolver = self.make();
    }

    /// The ways to all shards.
    pub fn mailboxes(&self) -> &Mailboxes {
        &self.mailboxes
    }

    /// Whether nothing is under way in any shard: a chain may go on from one to another.
    pub fn is_idle(&self) -> bool {
        self.mailboxes.in_flight() == 0
    }

    /// One more in flight, until it is dropped.
    pub fn count(&self) -> Counted {
        Counted::new(&self.mailboxes.in_flight)
    }

    /// A fresh request for a job.
    pub fn pending(
        &self,
        request: &Request<'_>,
        view: &Arc<View>,
        reply_to: ReplyTo,
        job: Job,
    ) -> Box<Pending> {
        self.mailboxes.pending(request, view, reply_to, job)
    }

    /// When it must be looked after next.
    pub fn next_timeout(&mut self) -> Option<Instant> {
        self.resolver.as_mut().and_then(Resolver::poll_timeout)
    }

    /// Takes a request of this worker, whose home is here or elsewhere.
    pub fn take(&mut self, pending: Box<Pending>, sockets: &[UdpSocket], registry: &Registry) {
        self.place(pending, sockets);
        self.drain(sockets, registry);
    }

    /// Takes a request that is at home here.
    pub fn begin(&mut self, pending: Box<Pending>, sockets: &[UdpSocket], registry: &Registry) {
        self.ask(pending, sockets);
        self.drain(sockets, registry);
    }

    /// Gives a request to the home of its question.
    fn place(&mut self, pending: Box<Pending>, sockets: &[UdpSocket]) {
        if self.mailboxes.home(&pending.question) == self.index {
            self.ask(pending, sockets);
        } else if let Err(mut pending) = self.mailboxes.dispatch(pending) {
            crowded(&mut pending, Crowded::Mailbox, &self.counters);
            self.go_on(pending, sockets);
        }
    }

    /// Asks a request's question. What comes of it is left to [`Shard::drain`].
    fn ask(&mut self, mut pending: Box<Pending>, sockets: &[UdpSocket]) {
        let fresh = pending.progress.settled.is_empty();
        let datagram = if fresh { Datagram::of(&pending) } else { None };
        if let Some(first) = datagram.as_ref().and_then(|datagram| self.under_way.get(datagram)) {
            // It still listens.
            if let Some(first) = self.pending.get_mut(first) {
                first.asked = pending.asked;
            }
            return self.counters.dropped(Dropped::Repeated);
        }
        let Some(resolver) = &mut self.resolver else {
            // It was asked for when there was one.
            fail(&mut pending, "recursion was turned off while the question waited");
            return self.go_on(pending, sockets);
        };
        if self.pending.len() >= limits::PENDING {
            crowded(&mut pending, Crowded::Shard, &self.counters);
            return self.go_on(pending, sockets);
        }
        // What has begun may go on.
        let limit = match (fresh, pending.proven) {
            (true, false) => limits::CLIENT_PENDING,
            (true, true) => limits::CLIENT_PENDING_PROVEN,
            (false, _) => usize::MAX,
        };
        if !self.waiting.enter(pending.client.ip(), limit) {
            crowded(&mut pending, Crowded::Client, &self.counters);
            return self.go_on(pending, sockets);
        }
        self.next_asker += 1;
        let asker = Asker(self.next_asker);
        if let Some(datagram) = datagram {
            self.under_way.insert(datagram, asker);
        }
        let now = clock::now();
        resolver.set_time(now, clock::unix_secs());
        resolver.handle_question(now, &pending.question, asker, pending.progress.budget);
        self.pending.insert(asker, pending);
    }

    /// Resolves a question for whoever asks next.
    pub fn refresh(&mut self, question: &Question, sockets: &[UdpSocket], registry: &Registry) {
        if let Some(resolver) = &mut self.resolver {
            self.next_asker += 1;
            resolver.handle_refresh(clock::now(), question, Asker(self.next_asker));
            self.drain(sockets, registry);
        }
    }

    /// Resolves a question for an operator who wants to know how.
    pub fn explain(
        &mut self,
        question: &Question,
        reply: oneshot::Sender<Arc<Trace>>,
        sockets: &[UdpSocket],
        registry: &Registry,
    ) {
        let Some(resolver) = &mut self.resolver else { return };
        self.next_asker += 1;
        let asker = Asker(self.next_asker);
        self.explaining.insert(asker, (question.clone(), reply));
        let now = clock::now();
        resolver.handle_question(now, question, asker, Budget::new(now));
        self.drain(sockets, registry);
    }

    /// Takes the own zones as they are now.
    pub fn set_zones(&mut self, zones: ZoneSet) {
        if let (Some(resolving), Some(resolver)) = (&mut self.resolving, &mut self.resolver) {
            resolving.zones = zones.clone();
            resolver.set_zones(zones);
        }
    }

    /// Lets an operator look at the resolver.
    pub fn look(&self, look: super::ask::Look) {
        if let Some(resolver) = &self.resolver {
            look(resolver);
        }
    }

    /// Does all that the resolver wants done, also what comes of it meanwhile.
    fn drain(&mut self, sockets: &[UdpSocket], registry: &Registry) {
        while let Some(output) = self.resolver.as_mut().and_then(Resolver::poll) {
            match output {
                Output::Send { exchange, server, transport, message } => {
                    self.counters.upstream(match transport {
                        crate::resolve::Transport::Udp => crate::metrics::Over::Udp,
                        crate::resolve::Transport::Tcp => crate::metrics::Over::Tcp,
                    });
                    let sent = self.upstreams.send(registry, exchange, server, transport, message);
                    if let (Err(failed), Some(resolver)) = (sent, &mut self.resolver) {
                        resolver.handle_reply(clock::now(), exchange, failed);
                    }
                }
                Output::Cancel { exchange, timed_out } => {
                    self.upstreams.cancel(exchange);
                    if timed_out {
                        self.counters.upstream_timeout();
                    }
                }
                Output::Impatient { asker } => {
                    if let Some(mut pending) = self.pending.remove(&asker) {
                        self.soothe(&mut pending, sockets);
                        self.pending.insert(asker, pending);
                    }
                }
                Output::Settle { asker, .. } if self.explaining.contains_key(&asker) => {
                    let explained = self.explaining.remove(&asker).zip(self.resolver.as_ref());
                    if let Some(((question, reply), resolver)) = explained
                        && let Some(trace) = resolver.trace(question.name.as_name(), question.rtype)
                    {
                        // Who asked may be gone.
                        let _ = reply.send(trace);
                    }
                }
                Output::Settle { asker, settled, budget } => {
                    if let Some(mut pending) = self.pending.remove(&asker) {
                        self.waiting.leave(pending.client.ip());
                        if let Some(datagram) = Datagram::of(&pending) {
                            self.under_way.remove(&datagram);
                        }
                        pending.progress.settled.push(settled);
                        pending.progress.budget = budget;
                        self.go_on(pending, sockets);
                    }
                }
            }
        }
    }

    /// Answers a request again, now that more is known.
    fn go_on(&mut self, mut pending: Box<Pending>, sockets: &[UdpSocket]) {
        let late = clock::now().since(pending.asked) > limits::DISCARD_TIME;
        // What was found is cached; the rest of a chain is for those who ask again.
        if late && matches!(pending.reply_to, ReplyTo::Udp { .. }) {
            return self.counters.dropped(Dropped::Late);
        }
        match self.answer(&pending) {
            Outcome::Reply(meta) => self.reply(&mut pending, meta, sockets),
            Outcome::Later(Job::Resolve(question)) => {
                pending.question = question;
                self.place(pending, sockets);
            }
            Outcome::Drop(why) => self.counters.dropped(why),
        }
    }

    /// Gives a client that has waited for long what has run out, if that is at hand. What is found in the end is for the next.
    fn soothe(&mut self, pending: &mut Pending, sockets: &[UdpSocket]) {
        pending.progress.stale = true;
        if let Outcome::Reply(meta) = self.answer(pending) {
            if let Some(datagram) = Datagram::of(pending) {
                self.under_way.remove(&datagram);
            }
            self.reply(pending, meta, sockets);
        }
    }

    fn answer(&mut self, pending: &Pending) -> Outcome {
        let (transport, room) = match pending.reply_to {
            ReplyTo::Udp { .. } => (Transport::Udp, limits::UDP_PAYLOAD as usize),
            ReplyTo::Tcp(_) | ReplyTo::Answered => (Transport::Tcp, limits::MESSAGE),
        };
        let request = Request {
            message: &pending.message,
            client: pending.client,
            transport,
            listener: pending.listener,
            now: clock::now(),
        };
        let out = &mut self.out[..room];
        answer::answer(&pending.view, &mut self.worker, &request, Some(&pending.progress), out)
    }

    /// Sends the reply to where it goes.
    fn reply(&mut self, pending: &mut Pending, meta: Meta, sockets: &[UdpSocket]) {
        let octets = &self.out[..meta.len];
        if !matches!(pending.reply_to, ReplyTo::Answered) {
            let source = if meta.source == Source::Cache { Source::Resolved } else { meta.source };
            super::count(&self.counters, &Meta { source, ..meta });
        }
        match std::mem::replace(&mut pending.reply_to, ReplyTo::Answered) {
            ReplyTo::Udp { socket, mut peer } => {
                if udp::send_to(&sockets[socket], &mut peer, octets).is_err() {
                    self.counters.dropped(Dropped::NotSent);
                }
            }
            // The connection may be gone.
            ReplyTo::Tcp(sender) => drop(sender.send(octets.to_vec())),
            ReplyTo::Answered => (),
        }
    }

    /// Something came from upstream.
    pub fn upstream_event(&mut self, token: Token, sockets: &[UdpSocket], registry: &Registry) {
        let Some(resolver) = &mut self.resolver else { return };
        resolver.set_time(clock::now(), clock::unix_secs());
        self.upstreams.event(token, |exchange, reply| {
            resolver.handle_reply(clock::now(), exchange, reply);
            resolver.is_out(exchange)
        });
        self.drain(sockets, registry);
    }

    /// Runs what is due.
    pub fn tick(&mut self, now: Instant, sockets: &[UdpSocket], registry: &Registry) {
        if let Some(resolver) = &mut self.resolver {
            resolver.set_time(now, clock::unix_secs());
            resolver.handle_timeout(now);
        }
        self.drain(sockets, registry);
    }

    /// Takes another resolver; what waits is asked anew.
    pub fn replace(&mut self, resolving: Option<Resolving>, sockets: &[UdpSocket], registry: &Registry) {
        // What was spent stays spent.
        for (asker, pending) in &mut self.pending {
            let left = self.resolver.as_ref().and_then(|resolver| resolver.budget(*asker));
            pending.progress.budget = left.unwrap_or(pending.progress.budget);
        }
        self.upstreams.clear();
        self.under_way.clear();
        self.explaining.clear();
        self.waiting.clear();
        self.resolving = resolving;
        self.resolver = self.make();
        for (_, pending) in std::mem::take(&mut self.pending) {
            self.ask(pending, sockets);
        }
        self.drain(sockets, registry);
    }
}

/// A datagram: what it says, who sent it, and to which socket and address. Two that differ in any of these get different replies.
#[derive(PartialEq, Eq, Hash)]
struct Datagram {
    message: Vec<u8>,
    client: SocketAddr,
    socket: usize,
    local: [u8; 16],
}

impl Datagram {
    /// The one that a request came in.
    fn of(pending: &Pending) -> Option<Datagram> {
        let ReplyTo::Udp { socket, peer } = &pending.reply_to else { return None };
        let (message, client) = (pending.message.clone(), pending.client);
        Some(Datagram { message, client, socket: *socket, local: peer.local() })
    }
}

#[cfg(test)]
mod tests;
