//! A shard: one resolver, the questions waiting for it, and its mailbox.

use super::Resolving;
use super::udp::{self, Peer};
use super::upstream::Upstreams;
use crate::answer::{self, Job, Outcome, Progress, Request, Transport, View, Worker};
use crate::clock::{self, Instant};
use crate::limits;
use crate::metrics::{Counters, Dropped, Source};
use crate::resolve::{Asker, Budget, Failure, Output, Question, Reply, Resolver, Settled};
use crate::wire::{Ede, Rcode};
use mio::{Registry, Token, Waker};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// A request that waits for its jobs.
pub(super) struct Pending {
    pub message: Vec<u8>,
    pub client: SocketAddr,
    pub view: Arc<View>,
    pub progress: Progress,
    pub reply_to: ReplyTo,
    /// What it waits for now.
    pub question: Question,
}

/// Where a reply goes.
pub(super) enum ReplyTo {
    /// From the worker's socket of this index.
    Udp { socket: usize, peer: Box<Peer> },
    /// To the connection.
    Tcp(tokio::sync::oneshot::Sender<Vec<u8>>),
}

/// What comes to a shard from elsewhere.
pub(super) enum Mail {
    /// A request whose question is at home here.
    Request(Box<Pending>),
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

    /// Hands over what must not be lost, waiting for room.
    pub fn send_control(&self, mail: Mail) {
        let _ = self.waker.wake();
        let _ = self.sender.send(mail);
        let _ = self.waker.wake();
    }
}

/// The home of a question: equal questions have one, on whichever worker they come.
pub(super) fn home(question: &Question, shards: usize) -> usize {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    for label in question.name.as_name().labels() {
        hasher.write(&label.to_ascii_lowercase());
    }
    hasher.write_u16(question.rtype.0);
    (hasher.finish() % shards as u64) as usize
}

/// Gives a request to the home of its question; one that cannot wait there is answered at once.
pub(super) fn dispatch(mailboxes: &[Mailbox], pending: Box<Pending>) -> Result<(), Box<Pending>> {
    mailboxes[home(&pending.question, mailboxes.len())].send(pending)
}

/// The end of a request for which there is no room.
pub(super) fn crowded(pending: &mut Pending) {
    let failure = Failure {
        rcode: Rcode::SERVFAIL,
        ede: Ede::OTHER,
        text: "too many questions are being resolved".into(),
    };
    pending.progress.settled.push(Settled { entries: Arc::new([]), failure: Some(failure) });
}

/// A shard.
pub(super) struct Shard {
    /// Its place among the mailboxes.
    index: usize,
    mailboxes: Arc<[Mailbox]>,
    resolver: Option<Resolver>,
    upstreams: Upstreams,
    pending: HashMap<Asker, Box<Pending>>,
    /// Datagrams under way: a client that repeats itself waits for the first.
    under_way: HashSet<(SocketAddr, u16, Question)>,
    next_asker: u64,
    worker: Worker,
    out: Vec<u8>,
    counters: Arc<Counters>,
}

impl Shard {
    /// The shard at `index` of the mailboxes.
    pub fn new(
        index: usize,
        mailboxes: Arc<[Mailbox]>,
        resolving: Option<Resolving>,
        counters: Arc<Counters>,
    ) -> Shard {
        let mut shard = Shard {
            index,
            mailboxes,
            resolver: None,
            upstreams: Upstreams::default(),
            pending: HashMap::new(),
            under_way: HashSet::new(),
            next_asker: 0,
            worker: Worker::default(),
            out: vec![0; limits::MESSAGE],
            counters,
        };
        shard.resolver = resolving.map(|resolving| shard.make(resolving));
        shard
    }

    fn make(&self, resolving: Resolving) -> Resolver {
        Resolver::new(resolving.settings, resolving.cache, resolving.known, crate::entropy::seed())
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// When it must be looked after next.
    pub fn next_timeout(&mut self) -> Option<Instant> {
        self.resolver.as_mut().and_then(Resolver::poll_timeout)
    }

    /// Takes a request of this worker: a new one, or the next link of a chain. Its home is here or elsewhere.
    pub fn take(&mut self, pending: Box<Pending>, sockets: &[UdpSocket], registry: &Registry) {
        let home = home(&pending.question, self.mailboxes.len());
        if home == self.index {
            self.begin(pending, sockets, registry);
        } else if let Err(mut pending) = self.mailboxes[home].send(pending) {
            crowded(&mut pending);
            self.go_on(pending, sockets, registry);
        }
    }

    /// Asks a request's question.
    pub fn begin(&mut self, mut pending: Box<Pending>, sockets: &[UdpSocket], registry: &Registry) {
        if let ReplyTo::Udp { .. } = pending.reply_to
            && pending.progress.settled.is_empty()
            && !self.under_way.insert(under_way(&pending))
        {
            return self.counters.dropped(Dropped::Repeated);
        }
        if self.resolver.is_none() || self.pending.len() >= limits::PENDING {
            crowded(&mut pending);
            return self.go_on(pending, sockets, registry);
        }
        self.next_asker += 1;
        let asker = Asker(self.next_asker);
        let (question, budget) = (pending.question.clone(), pending.progress.budget);
        self.pending.insert(asker, pending);
        if let Some(resolver) = &mut self.resolver {
            resolver.handle_question(clock::now(), &question, asker, budget);
        }
        self.drain(sockets, registry);
    }

    /// Does all that the resolver wants done.
    fn drain(&mut self, sockets: &[UdpSocket], registry: &Registry) {
        while let Some(output) = self.resolver.as_mut().and_then(Resolver::poll) {
            match output {
                Output::Send { exchange, server, transport, message } => {
                    self.counters.upstream(match transport {
                        crate::resolve::Transport::Udp => crate::metrics::Over::Udp,
                        crate::resolve::Transport::Tcp => crate::metrics::Over::Tcp,
                    });
                    let sent = self.upstreams.send(registry, exchange, server, transport, message);
                    if let (Err(()), Some(resolver)) = (sent, &mut self.resolver) {
                        resolver.handle_reply(clock::now(), exchange, Reply::Unreachable);
                    }
                }
                Output::Cancel { exchange, timed_out } => {
                    self.upstreams.cancel(registry, exchange);
                    if timed_out {
                        self.counters.upstream_timeout();
                    }
                }
                Output::Settle { asker, settled, budget } => {
                    if let Some(mut pending) = self.pending.remove(&asker) {
                        if let ReplyTo::Udp { .. } = pending.reply_to {
                            self.under_way.remove(&under_way(&pending));
                        }
                        pending.progress.settled.push(settled);
                        pending.progress.budget = budget;
                        self.go_on(pending, sockets, registry);
                    }
                }
            }
        }
    }

    /// Answers a request again, now that more is known.
    fn go_on(&mut self, mut pending: Box<Pending>, sockets: &[UdpSocket], registry: &Registry) {
        let transport = match pending.reply_to {
            ReplyTo::Udp { .. } => Transport::Udp,
            ReplyTo::Tcp(_) => Transport::Tcp,
        };
        let request =
            Request { message: &pending.message, client: pending.client, transport, now: clock::now() };
        let room = if transport == Transport::Udp { limits::UDP_PAYLOAD as usize } else { limits::MESSAGE };
        let out = &mut self.out[..room];
        match answer::answer(&pending.view, &mut self.worker, &request, Some(&pending.progress), out) {
            Outcome::Reply(meta) => {
                let source = if meta.source == Source::Cache { Source::Resolved } else { meta.source };
                self.counters.response(source, meta.rcode);
                let octets = &self.out[..meta.len];
                match pending.reply_to {
                    ReplyTo::Udp { socket, mut peer } => {
                        if udp::send_to(&sockets[socket], &mut peer, octets).is_err() {
                            self.counters.dropped(Dropped::NotSent);
                        }
                    }
                    // The connection may be gone.
                    ReplyTo::Tcp(sender) => drop(sender.send(octets.to_vec())),
                }
            }
            Outcome::Later(Job::Resolve(question)) => {
                pending.question = question;
                self.take(pending, sockets, registry);
            }
            Outcome::Drop(why) => self.counters.dropped(why),
        }
    }

    /// Something came from upstream.
    pub fn upstream_event(&mut self, token: Token, sockets: &[UdpSocket], registry: &Registry) {
        let Some(resolver) = &mut self.resolver else { return };
        self.upstreams.event(registry, token, |exchange, reply| {
            resolver.handle_reply(clock::now(), exchange, reply);
        });
        self.drain(sockets, registry);
    }

    /// Runs what is due.
    pub fn tick(&mut self, now: Instant, sockets: &[UdpSocket], registry: &Registry) {
        if let Some(resolver) = &mut self.resolver {
            resolver.handle_timeout(now);
        }
        self.drain(sockets, registry);
    }

    /// Takes another resolver; what waits is asked anew.
    pub fn replace(&mut self, resolving: Option<Resolving>, sockets: &[UdpSocket], registry: &Registry) {
        self.upstreams.clear(registry);
        self.under_way.clear();
        self.resolver = resolving.map(|resolving| self.make(resolving));
        for (_, pending) in std::mem::take(&mut self.pending) {
            self.begin(pending, sockets, registry);
        }
    }
}

fn under_way(pending: &Pending) -> (SocketAddr, u16, Question) {
    let id = pending.message.first_chunk().map_or(0, |id: &[u8; 2]| u16::from_be_bytes(*id));
    (pending.client, id, pending.question.clone())
}

/// A fresh request for a job.
pub(super) fn pending(
    request: &Request<'_>,
    view: &Arc<View>,
    reply_to: ReplyTo,
    Job::Resolve(question): Job,
) -> Box<Pending> {
    Box::new(Pending {
        message: request.message.to_vec(),
        client: request.client,
        view: Arc::clone(view),
        progress: Progress { settled: Vec::new(), budget: Budget::new(request.now) },
        reply_to,
        question,
    })
}
