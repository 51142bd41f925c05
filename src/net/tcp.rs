//! DNS over TCP (RFC 7766): pipelined queries, answers as they are ready, idle and slow clients let go.

use super::shard::{self, Mailboxes, ReplyTo};
use crate::answer::{self, Outcome, Request, Transport, View, Worker};
use crate::clock;
use crate::limits;
use crate::metrics::{Counters, Crowded, Metrics, Over};
use arc_swap::ArcSwap;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout;

/// What all connections share.
struct Shared {
    view: Arc<ArcSwap<View>>,
    mailboxes: Arc<Mailboxes>,
    metrics: Arc<Metrics>,
    counters: Arc<Counters>,
    per_client: Mutex<HashMap<IpAddr, usize>>,
    stopping: watch::Receiver<bool>,
    open: Arc<AtomicUsize>,
}

/// The listeners at work.
pub(super) struct Service {
    stop: watch::Sender<bool>,
    /// A slot for each connection that may be open.
    runtime: tokio::runtime::Handle,
    open: Arc<AtomicUsize>,
}

impl Service {
    pub fn start(
        listeners: Vec<TcpListener>,
        view: Arc<ArcSwap<View>>,
        mailboxes: Arc<Mailboxes>,
        metrics: &Arc<Metrics>,
        runtime: &tokio::runtime::Handle,
    ) -> io::Result<Service> {
        let (stop, stopping) = watch::channel(false);
        let open = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared {
            view,
            mailboxes,
            metrics: Arc::clone(metrics),
            counters: metrics.shared(),
            per_client: Mutex::new(HashMap::new()),
            stopping,
            open: Arc::clone(&open),
        });
        let _entered = runtime.enter();
        for (place, listener) in listeners.into_iter().enumerate() {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(accept(listener, place, Arc::clone(&shared)));
        }
        Ok(Service { stop, runtime: runtime.clone(), open })
    }

    /// Takes no more; waits until the connections have their answers, for `grace` at most.
    pub fn stop(&self, grace: Duration) {
        // Nobody to tell is fine.
        let _ = self.stop.send(true);
        let all_closed = async {
            while self.open.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = self.runtime.block_on(async { timeout(grace, all_closed).await });
    }
}

async fn accept(listener: tokio::net::TcpListener, on: usize, shared: Arc<Shared>) {
    let mut stopping = shared.stopping.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, client)) => match Place::take(&shared, network(client.ip())) {
                Some(place) => {
                    drop(tokio::spawn(connection(stream, (client, on), Arc::clone(&shared), place)))
                }
                // Closed at once: the client goes elsewhere.
                None => drop(shared.metrics.tcp_refused.fetch_add(1, Ordering::Relaxed)),
            },
            Err(error) => {
                tracing::warn!(%error, "TCP connection not accepted");
                tokio::time::sleep(limits::ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whose connections are counted as one client's: in IPv6 a client has a network of 64 bits to itself (RFC 6177).
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

/// A connection's place among those that may be open; given back when it is dropped.
struct Place {
    shared: Arc<Shared>,
    client: IpAddr,
}

impl Place {
    fn take(shared: &Arc<Shared>, client: IpAddr) -> Option<Place> {
        let mut per_client = shared.per_client.lock().unwrap_or_else(PoisonError::into_inner);
        let has = per_client.get(&client).copied().unwrap_or(0);
        if has >= limits::TCP_PER_CLIENT || shared.open.load(Ordering::Relaxed) >= limits::TCP_CONNECTIONS {
            return None;
        }
        per_client.insert(client, has + 1);
        shared.open.fetch_add(1, Ordering::Relaxed);
        shared.metrics.tcp_connections.fetch_add(1, Ordering::Relaxed);
        Some(Place { shared: Arc::clone(shared), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut per_client = self.shared.per_client.lock().unwrap_or_else(PoisonError::into_inner);
        match per_client.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(per_client.remove(&self.client)),
        }
        self.shared.open.fetch_sub(1, Ordering::Relaxed);
        self.shared.metrics.tcp_connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who has a connection, and to which listener.
type Client = (SocketAddr, usize);

/// Serves one connection until the client ends it, is idle or slow, or the daemon stops.
async fn connection(stream: TcpStream, client: Client, shared: Arc<Shared>, place: Place) {
    // Replies are written whole; waiting to fill packets only delays them.
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    let (replies, outgoing) = mpsc::channel(limits::TCP_PIPELINE);
    let writing = tokio::spawn(write_all(writer, outgoing));
    read_all(reader, client, &shared, replies).await;
    // The writer ends when the last answer under way is written: a client may close its side and still read.
    let _ = writing.await;
    drop(place);
}

/// Reads queries and has them answered.
async fn read_all(
    reader: tokio::net::tcp::OwnedReadHalf,
    client: Client,
    shared: &Arc<Shared>,
    replies: mpsc::Sender<Reply>,
) {
    let mut reader = tokio::io::BufReader::with_capacity(4096, reader);
    let room = Arc::new(Semaphore::new(limits::TCP_UNWRITTEN));
    let mut stopping = shared.stopping.clone();
    let mut message = Vec::new();
    loop {
        // RFC 7766 §6.2.3: an idle client is let go, sooner when there are many.
        let crowded = shared.open.load(Ordering::Relaxed) > limits::TCP_CONNECTIONS / 2;
        let idle = if crowded { limits::TCP_IDLE_CROWDED } else { limits::TCP_IDLE };
        let read = tokio::select! {
            read = timeout(idle, read_message(&mut reader, &mut message)) => read,
            _ = stopping.wait_for(|stop| *stop) => return,
            () = replies.closed() => return,
        };
        let Ok(Ok(())) = read else { return };
        shared.counters.query(Over::Tcp);
        // There is room for the largest reply before there is a reply.
        let Ok(room) = Arc::clone(&room).acquire_many_owned(limits::MESSAGE as u32).await else { return };
        match answer_one(&message, client, shared) {
            Answered::Now(octets) => {
                if replies.send(Reply::new(octets, room)).await.is_err() {
                    return;
                }
            }
            Answered::Later(octets) => {
                let replies = replies.clone();
                tokio::spawn(async move {
                    if let Ok(octets) = octets.await {
                        // The client may be gone.
                        let _ = replies.send(Reply::new(octets, room)).await;
                    }
                });
            }
            // RFC 1035 §4.1.1 has no answer to what is no query: the connection is of no use.
            Answered::Never => return,
        }
    }
}

/// A reply, and the room it takes of its connection's until it is written.
struct Reply {
    octets: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl Reply {
    /// A reply in place of the room kept for it; what it does not need is given back.
    fn new(octets: Vec<u8>, mut room: OwnedSemaphorePermit) -> Reply {
        drop(room.split(room.num_permits().saturating_sub(octets.len())));
        Reply { octets, _room: room }
    }
}

/// A length and so many octets.
async fn read_message(reader: &mut (impl AsyncReadExt + Unpin), message: &mut Vec<u8>) -> io::Result<()> {
    let len = reader.read_u16().await?;
    message.resize(len as usize, 0);
    reader.read_exact(message).await.map(|_| ())
}

/// Writes replies, each with its length, until there are no more.
async fn write_all(mut writer: tokio::net::tcp::OwnedWriteHalf, mut outgoing: mpsc::Receiver<Reply>) {
    while let Some(reply) = outgoing.recv().await {
        // Those that are ready go in one piece (RFC 7766 §8).
        let mut piece = framed(&reply.octets);
        while piece.len() < limits::TCP_WRITE {
            let Ok(reply) = outgoing.try_recv() else { break };
            piece.extend(framed(&reply.octets));
        }
        // A client that does not read is let go.
        match timeout(limits::TCP_WRITE_TIME, writer.write_all(&piece)).await {
            Ok(Ok(())) => (),
            _ => return,
        }
    }
}

fn framed(reply: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(2 + reply.len());
    framed.extend((reply.len() as u16).to_be_bytes());
    framed.extend_from_slice(reply);
    framed
}

enum Answered {
    Now(Vec<u8>),
    Later(oneshot::Receiver<Vec<u8>>),
    Never,
}

thread_local! {
    /// What answering needs, once per thread of the runtime: no connection holds it while it waits.
    static WORKER: RefCell<(Worker, Vec<u8>)> = RefCell::new((
        Worker { seed: crate::entropy::u64(), ..Worker::default() },
        vec![0; limits::MESSAGE],
    ));
}

fn answer_one(message: &[u8], (client, listener): Client, shared: &Shared) -> Answered {
    let (view, now) = (shared.view.load(), clock::now());
    let request = Request { message, client, transport: Transport::Tcp, listener, now };
    WORKER.with_borrow_mut(|(worker, out)| match answer::answer(&view, worker, &request, None, out) {
        Outcome::Reply(meta) => {
            super::count(&shared.counters, &meta);
            if let Some(refresh) = worker.refresh.take() {
                shared.mailboxes.refresh(&refresh);
            }
            Answered::Now(out[..meta.len].to_vec())
        }
        Outcome::Drop(why) => {
            shared.counters.dropped(why);
            Answered::Never
        }
        Outcome::Later(job) => {
            let (sender, receiver) = oneshot::channel();
            let pending = shared.mailboxes.pending(&request, &view, ReplyTo::Tcp(sender), job);
            match shared.mailboxes.dispatch(pending) {
                Ok(()) => Answered::Later(receiver),
                Err(mut pending) => {
                    shard::crowded(&mut pending, Crowded::Mailbox, &shared.counters);
                    match answer::answer(&view, worker, &request, Some(&pending.progress), out) {
                        Outcome::Reply(meta) => {
                            super::count(&shared.counters, &meta);
                            Answered::Now(out[..meta.len].to_vec())
                        }
                        _ => Answered::Never,
                    }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Diagnostics;
    use crate::wire::Name;
    use crate::zone::{Held, ZoneSet, master};
    use std::io::{Read, Write};
    use std::path::Path;

    /// A listener at work. The clock of its runtime stands while blocking work is done, and jumps when there is only waiting left.
    struct World {
        runtime: tokio::runtime::Runtime,
        metrics: Arc<Metrics>,
        address: SocketAddr,
        _service: Service,
    }

    /// A world whose root zone has these records besides.
    fn world(records: &str) -> World {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let text = format!("$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS a\n{records}");
        let zone = master::parse(&text, Path::new("root.zone"), Name::ROOT, &mut Diagnostics::default());
        let state = Ok(Arc::new(zone.unwrap()));
        let zones = ZoneSet::new(vec![Held { apex: Name::ROOT.to_owned(), state, policy: None }]);
        let view = View { zones, steering: Vec::new(), recursion: None, ..View::default() };
        let (view, metrics) = (Arc::new(ArcSwap::from_pointee(view)), Arc::new(Metrics::default()));
        let mailboxes = Arc::new(Mailboxes::new(Vec::new()));
        let service = Service::start(vec![listener], view, mailboxes, &metrics, runtime.handle()).unwrap();
        World { runtime, metrics, address, _service: service }
    }

    impl World {
        fn connections(&self) -> usize {
            self.metrics.tcp_connections.load(Ordering::Relaxed)
        }
    }

    /// A question of the TXT records of `a.`, with its length.
    const QUERY: &[u8] = b"\0\x13\x12\x34\0\0\0\x01\0\0\0\0\0\0\x01a\0\0\x10\0\x01";

    #[test]
    fn an_idle_client_is_let_go_and_its_place_is_free() {
        let world = world("a TXT x\n");
        let address = world.address;
        world.runtime.block_on(async {
            let asking = tokio::task::spawn_blocking(move || {
                let mut client = std::net::TcpStream::connect(address).unwrap();
                client.write_all(QUERY).unwrap();
                client.read_exact(&mut [0; 2 + 19 + 14]).unwrap();
                client.set_nonblocking(true).unwrap();
                client
            });
            let mut client = TcpStream::from_std(asking.await.unwrap()).unwrap();
            assert_eq!(world.connections(), 1);
            let mut reply = [0; 64];
            let early = timeout(limits::TCP_IDLE - Duration::from_secs(1), client.read(&mut reply)).await;
            assert!(early.is_err(), "{early:?}");
            assert_eq!(client.read(&mut reply).await.unwrap(), 0, "closed");
            assert_eq!(world.connections(), 0);
        });
    }

    #[test]
    fn a_client_that_does_not_read_is_let_go() {
        let world = world(&format!("$GENERATE 1-230 a TXT $-{}\n", "x".repeat(240)));
        let address = world.address;
        world.runtime.block_on(async {
            let asking = tokio::task::spawn_blocking(move || {
                let client =
                    socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
                client.set_recv_buffer_size(4096).unwrap();
                client.connect(&address.into()).unwrap();
                let mut client = std::net::TcpStream::from(client);
                // Replies of 58 kB each, in all more than the buffers of the kernel hold.
                client.write_all(&QUERY.repeat(1_000)).unwrap();
                client
            });
            let _client = asking.await.unwrap();
            tokio::time::sleep(limits::TCP_WRITE_TIME - Duration::from_secs(1)).await;
            assert_eq!(world.connections(), 1);
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(world.connections(), 0);
        });
    }

    /// What connections share, where nobody connects.
    fn shared() -> Arc<Shared> {
        let metrics = Arc::new(Metrics::default());
        let view =
            View { zones: ZoneSet::default(), steering: Vec::new(), recursion: None, ..View::default() };
        Arc::new(Shared {
            view: Arc::new(ArcSwap::from_pointee(view)),
            mailboxes: Arc::new(Mailboxes::new(Vec::new())),
            counters: metrics.shared(),
            metrics,
            per_client: Mutex::default(),
            stopping: watch::channel(false).1,
            open: Arc::default(),
        })
    }

    #[test]
    fn so_many_connections_may_be_open_in_all_and_no_more() {
        let shared = shared();
        let client = |n: usize| IpAddr::from([10, 0, (n / 256) as u8, (n % 256) as u8]);
        let mut places: Vec<Place> =
            (0..limits::TCP_CONNECTIONS).map(|n| Place::take(&shared, client(n)).unwrap()).collect();
        assert!(Place::take(&shared, client(limits::TCP_CONNECTIONS)).is_none());
        places.pop();
        assert!(Place::take(&shared, client(limits::TCP_CONNECTIONS)).is_some());
        places.clear();
        assert_eq!(shared.metrics.tcp_connections.load(Ordering::Relaxed), 0);
        assert!(shared.per_client.lock().unwrap().is_empty());
    }

    #[test]
    fn an_ipv6_network_of_64_bits_has_the_share_of_one_client() {
        let shared = shared();
        let take = |text: &str| Place::take(&shared, network(text.parse().unwrap()));
        let places: Vec<Place> = (0..limits::TCP_PER_CLIENT)
            .map(|n| take(&format!("2001:db8:0:1:{n:x}::{n:x}")).unwrap())
            .collect();
        assert!(take("2001:db8:0:1::").is_none());
        assert!(take("2001:db8:0:2::").is_some());
        drop(places);
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), IpAddr::from([192, 0, 2, 1]));
    }
}
