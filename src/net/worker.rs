//! A worker's loop: datagrams in batches, and the shard it hosts.

use super::shard::{Counted, Mail, ReplyTo, Shard};
use super::udp::Batch;
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

/// What the loop is about.
enum Phase {
    /// Serving. It counts as a request in flight: until no worker reads its sockets any more, none may end to which it could send one.
    Serving { _reading: Counted },
    /// Told to stop: what the sockets hold is answered, so many datagrams at most.
    Draining { end: Instant, left: usize, _reading: Counted },
    /// What is under way is finished.
    Finishing { end: Instant },
}

impl Phase {
    fn reads(&self) -> bool {
        !matches!(self, Phase::Finishing { .. })
    }

    /// When to end at the latest, once told to.
    fn end(&self) -> Option<Instant> {
        match self {
            Phase::Serving { .. } => None,
            Phase::Draining { end, .. } | Phase::Finishing { end } => Some(*end),
        }
    }
}

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
    phase: Phase,
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
        let (ready, phase) = (vec![true; sockets.len()], Phase::Serving { _reading: shard.count() });
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
            phase,
        })
    }

    /// Starts afresh after a failure; sockets, mail and orders to stop are as they were.
    pub fn begin_anew(&mut self) {
        self.shard.begin_anew();
        self.batch = Batch::new();
        self.worker = Worker { seed: crate::entropy::u64(), ..Worker::default() };
        self.ready.fill(true);
        self.more_mail = true;
    }

    /// Runs until told to stop.
    ///
    /// # Errors
    /// When it cannot wait for its sockets.
    pub fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        while !self.is_done() {
            let timeout = self.timeout();
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != ErrorKind::Interrupted
            {
                return Err(error);
            }
            for event in &events {
                match event.token() {
                    WAKE => (),
                    Token(i) if i < self.sockets.len() => self.ready[i] = true,
                    token => self.shard.upstream_event(token, &self.sockets, self.poll.registry()),
                }
            }
            self.read_mail();
            self.read_sockets();
            if self.shard.next_timeout().is_some_and(|due| due <= clock::now()) {
                self.shard.tick(clock::now(), &self.sockets, self.poll.registry());
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.phase.end().is_some_and(|end| self.shard.is_idle() || clock::now() >= end)
    }

    /// How long to wait for events at most.
    fn timeout(&mut self) -> Option<Duration> {
        if self.more_mail || self.phase.reads() && self.ready.contains(&true) {
            return Some(Duration::ZERO);
        }
        // Another shard may end the last request in flight without a word to this one.
        let end = self.phase.end();
        let look = end.map(|_| clock::now() + limits::DRAIN_LOOK);
        let due = self.shard.next_timeout().into_iter().chain(end).chain(look).min();
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
                Mail::Zones(zones) => self.shard.set_zones(zones),
                Mail::Look(look) => self.shard.look(look),
                Mail::Explain(question, reply) => {
                    self.shard.explain(&question, reply, &self.sockets, registry);
                }
                Mail::Resolving(resolving) => self.shard.replace(resolving, &self.sockets, registry),
                Mail::Stop(grace) => self.stop(clock::now() + grace),
            }
        }
    }

    /// Begins to end. What clients sent before is in the sockets, and not lost with them.
    fn stop(&mut self, end: Instant) {
        self.ready.fill(true);
        let left = limits::DRAIN_DATAGRAMS * self.sockets.len();
        self.phase = Phase::Draining { end, left, _reading: self.shard.count() };
    }

    /// Answers what the sockets have, a few batches of each, so that the shard gets its turn.
    fn read_sockets(&mut self) {
        if !self.phase.reads() {
            return;
        }
        let read = self.read_batches();
        if let Phase::Draining { end, left, .. } = &mut self.phase {
            *left = left.saturating_sub(read);
            if *left == 0 || !self.ready.contains(&true) {
                self.phase = Phase::Finishing { end: *end };
            }
        }
    }

    /// Returns how many datagrams there were.
    fn read_batches(&mut self) -> usize {
        let mut read = 0;
        for i in 0..self.sockets.len() {
            for _ in 0..limits::BATCHES_PER_TURN {
                if !self.ready[i] {
                    break;
                }
                match self.batch.receive(&self.sockets[i]) {
                    Ok(count) => {
                        // Fewer than asked for: the socket is empty, and the next datagram makes an event.
                        self.ready[i] = count == limits::UDP_BATCH;
                        read += count;
                        self.answer_batch(i, count);
                    }
                    Err(error) => self.ready[i] = error.kind() == ErrorKind::Interrupted,
                }
            }
        }
        read
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

#[cfg(test)]
mod tests {
    use super::super::shard::{self, Mailbox, Mailboxes};
    use super::super::supervise::supervise;
    use super::*;
    use crate::metrics::Metrics;
    use std::net::Ipv4Addr;

    /// A loop on a socket of its own, with the way to it. Its view has no zones: it refuses all.
    fn served() -> (Loop, Arc<Mailboxes>, std::net::SocketAddr) {
        let socket =
            UdpSocket::from(crate::net::bind(([127, 0, 0, 1], 0).into(), socket2::Type::DGRAM).unwrap());
        let address = socket.local_addr().unwrap();
        let poll = Poll::new().unwrap();
        let (mailbox, inbox): (Mailbox, _) = shard::mailbox(poll.registry(), WAKE).unwrap();
        let mailboxes = Arc::new(Mailboxes::new(vec![mailbox]));
        let counters = Metrics::default().thread();
        let shard = Shard::new(0, Arc::clone(&mailboxes), None, Arc::clone(&counters));
        let view =
            View { zones: Default::default(), steering: Vec::new(), recursion: None, ..View::default() };
        let view = Arc::new(ArcSwap::from_pointee(view));
        (Loop::new(poll, vec![socket], inbox, shard, view, counters).unwrap(), mailboxes, address)
    }

    /// A client that has sent so many queries.
    fn client(address: std::net::SocketAddr, queries: u16) -> UdpSocket {
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        client.connect(address).unwrap();
        for id in 0..queries {
            let mut query = *b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
            query[..2].copy_from_slice(&id.to_be_bytes());
            client.send(&query).unwrap();
        }
        client
    }

    #[test]
    fn what_is_in_the_sockets_when_it_is_told_to_stop_is_answered() {
        let (mut worker, mailboxes, address) = served();
        // More than one turn reads, and no more than small buffers hold.
        const { assert!(300 > limits::UDP_BATCH * limits::BATCHES_PER_TURN) };
        let clients: Vec<UdpSocket> = (0..3).map(|_| client(address, 100)).collect();
        mailboxes.iter().for_each(|mailbox| mailbox.send_control(Mail::Stop(Duration::from_secs(30))));
        worker.run().unwrap();
        for client in clients {
            assert!((0..100).all(|_| client.recv(&mut [0; 64]).unwrap() == 19));
        }
    }

    #[test]
    fn a_worker_that_begins_anew_serves_the_same_sockets() {
        let (mut worker, mailboxes, address) = served();
        let client = client(address, 3);
        mailboxes.iter().for_each(|mailbox| mailbox.send_control(Mail::Stop(Duration::from_secs(30))));
        let done = supervise(&Metrics::default(), clock::now, |anew| {
            assert!(anew, "on purpose");
            worker.begin_anew();
            worker.run()
        });
        assert_eq!(done, Ok(()));
        assert!((0..3).all(|_| client.recv(&mut [0; 64]).unwrap() == 19));
    }

    #[test]
    fn no_worker_ends_while_another_may_send_it_requests() {
        let (mut worker, mailboxes, _) = served();
        let other = worker.shard.count();
        mailboxes.iter().for_each(|mailbox| mailbox.send_control(Mail::Stop(Duration::from_secs(30))));
        worker.read_mail();
        worker.read_sockets();
        assert!(!worker.phase.reads() && !worker.is_done());
        drop(other);
        assert!(worker.is_done());
    }
}
