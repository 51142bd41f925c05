//! A worker's loop: datagrams in batches, and the shard it hosts.

use super::shard::{Mail, ReplyTo, Shard};
use super::udp::{self, Batch};
use crate::answer::{self, Outcome, Request, Transport, View, Worker};
use crate::clock::{self, Instant};
use crate::limits;
use crate::metrics::{Counters, Dropped, Over};
use arc_swap::ArcSwap;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// The token by which mail wakes the loop. Sockets have those from 0 on.
pub(super) const WAKE: Token = Token(1 << 15);

/// The loop.
pub(super) struct Loop {
    poll: Poll,
    sockets: Vec<UdpSocket>,
    /// Sockets that may have more to read.
    ready: Vec<bool>,
    inbox: Receiver<Mail>,
    more_mail: bool,
    shard: Shard,
    view: Arc<ArcSwap<View>>,
    batch: Batch,
    worker: Worker,
    counters: Arc<Counters>,
    /// When to end at the latest, once told to.
    stopping: Option<Instant>,
}

impl Loop {
    pub fn new(
        poll: Poll,
        sockets: Vec<UdpSocket>,
        inbox: Receiver<Mail>,
        shard: Shard,
        view: Arc<ArcSwap<View>>,
        counters: Arc<Counters>,
    ) -> io::Result<Loop> {
        for (i, socket) in sockets.iter().enumerate() {
            poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), Token(i), Interest::READABLE)?;
        }
        let worker = Worker { seed: crate::entropy::u64(), ..Worker::default() };
        let ready = vec![true; sockets.len()];
        Ok(Loop {
            poll,
            sockets,
            ready,
            inbox,
            more_mail: false,
            shard,
            view,
            batch: Batch::new(),
            worker,
            counters,
            stopping: None,
        })
    }

    /// Runs until told to stop.
    pub fn run(mut self, core: Option<usize>) {
        if let Some(core) = core {
            udp::pin(core);
        }
        let mut events = Events::with_capacity(1024);
        while !self.is_done() {
            let timeout = self.timeout();
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != ErrorKind::Interrupted
            {
                tracing::error!(%error, "the worker cannot wait for its sockets");
                return;
            }
            for event in &events {
                match event.token() {
                    WAKE => (),
                    Token(i) if i < self.sockets.len() => self.ready[i] = true,
                    token => self.shard.upstream_event(token, &self.sockets, self.poll.registry()),
                }
            }
            self.read_mail();
            if self.stopping.is_none() {
                self.read_sockets();
            }
            if self.shard.next_timeout().is_some_and(|due| due <= clock::now()) {
                self.shard.tick(clock::now(), &self.sockets, self.poll.registry());
            }
        }
    }

    fn is_done(&self) -> bool {
        self.stopping.is_some_and(|end| self.shard.is_idle() || clock::now() >= end)
    }

    /// How long to wait for events at most.
    fn timeout(&mut self) -> Option<Duration> {
        if self.more_mail || self.stopping.is_none() && self.ready.contains(&true) {
            return Some(Duration::ZERO);
        }
        // Another shard may end the last request in flight without a word to this one.
        let look = self.stopping.map(|_| clock::now() + limits::DRAIN_LOOK);
        let due = self.shard.next_timeout().into_iter().chain(self.stopping).chain(look).min();
        // A little late is right: a timer that has not run out would only be waited for again.
        due.map(|due| due.since(clock::now()) + Duration::from_micros(500))
    }

    /// Takes what came from elsewhere, a bounded part of it, so that the rest gets its turn.
    fn read_mail(&mut self) {
        self.more_mail = true;
        for _ in 0..limits::MAIL_PER_TURN {
            let Ok(mail) = self.inbox.try_recv() else {
                self.more_mail = false;
                return;
            };
            let registry = self.poll.registry();
            match mail {
                Mail::Request(pending) => self.shard.begin(pending, &self.sockets, registry),
                Mail::Refresh(question) => self.shard.refresh(&question, &self.sockets, registry),
                Mail::Look(look) => self.shard.look(look),
                Mail::Explain(question, reply) => {
                    self.shard.explain(&question, reply, &self.sockets, registry);
                }
                Mail::Resolving(resolving) => self.shard.replace(resolving, &self.sockets, registry),
                Mail::Stop(grace) => self.stopping = Some(clock::now() + grace),
            }
        }
    }

    /// Answers what the sockets have, a few batches of each, so that the shard gets its turn.
    fn read_sockets(&mut self) {
        for i in 0..self.sockets.len() {
            for _ in 0..limits::BATCHES_PER_TURN {
                if !self.ready[i] {
                    break;
                }
                match self.batch.receive(&self.sockets[i]) {
                    Ok(count) => {
                        // Fewer than asked for: the socket is empty, and the next datagram makes an event.
                        self.ready[i] = count == limits::UDP_BATCH;
                        self.answer_batch(i, count);
                    }
                    Err(error) => self.ready[i] = error.kind() == ErrorKind::Interrupted,
                }
            }
        }
    }

    /// Answers a batch with one view and one time.
    fn answer_batch(&mut self, socket: usize, count: usize) {
        let Loop { batch, worker, counters, view, shard, sockets, poll, .. } = self;
        let (view, now) = (view.load(), clock::now());
        for i in 0..count {
            if i.is_multiple_of(limits::READ_AHEAD) && i + 1 < count {
                let ahead = i..count.min(i + limits::READ_AHEAD);
                answer::read_ahead(&view, ahead.filter_map(|i| batch.query(i)));
            }
            counters.query(Over::Udp);
            let (query, peer, out) = batch.slot(i);
            let (Some(message), Some(client)) = (query, peer.address()) else {
                counters.dropped(Dropped::TooLong);
                continue;
            };
            let request = Request { message, client, transport: Transport::Udp, listener: socket, now };
            match answer::answer(&view, worker, &request, None, out) {
                Outcome::Reply(meta) => {
                    super::count(counters, &meta);
                    batch.set_reply(i, meta.len);
                    if let Some(refresh) = worker.refresh.take() {
                        shard.mailboxes().refresh(&refresh);
                    }
                }
                Outcome::Drop(why) => counters.dropped(why),
                Outcome::Later(job) => {
                    let reply_to = ReplyTo::Udp { socket, peer: Box::new(peer.clone()) };
                    let pending = shard.pending(&request, &view, reply_to, job);
                    shard.take(pending, sockets, poll.registry());
                }
            }
        }
        for _ in 0..batch.send(&sockets[socket]) {
            counters.dropped(Dropped::NotSent);
        }
    }
}
