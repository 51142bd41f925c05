//! Sockets: UDP workers that answer and host a shard of the resolver each, TCP on tokio, queries upstream.
//!
//! A worker's loop receives a batch, takes one view, answers each and sends the batch. What must be resolved goes to its home shard, chosen
//! by the question, so that equal questions meet; the shard encodes and sends the reply itself.

mod ask;
mod checks;
mod ports;
pub mod probe;
mod shard;
mod supervise;
mod tcp;
#[allow(unsafe_code)]
mod udp;
mod upstream;
pub mod webhook;
mod worker;

use crate::answer::{Meta, View};
use crate::cache::Cache;
use crate::metrics::{Counters, Metrics};
use crate::zone::ZoneSet;
use crate::{clock, limits, resolve};
use arc_swap::ArcSwap;
pub use ask::Shards;
pub use checks::Checks;
use shard::{Mail, Mailboxes};
use socket2::{Domain, Protocol, Socket, Type};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use supervise::{GaveUp, supervise};
use tokio::sync::Notify;

/// What to listen on, with how many workers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// UDP and TCP on each; a request's listener is its place here.
    pub listen: Vec<SocketAddr>,
    /// UDP workers, at least one.
    pub workers: usize,
}

/// What resolver shards are made from.
#[derive(Clone)]
pub struct Resolving {
    /// How to resolve.
    pub settings: Arc<resolve::Settings>,
    /// Where what is learnt goes.
    pub cache: Arc<Cache>,
    /// What all shards know of servers.
    pub known: Arc<resolve::Known>,
    /// Own zones, which come before all servers.
    pub zones: ZoneSet,
}

/// An address that cannot be listened on.
#[derive(Debug)]
pub struct BindError {
    address: SocketAddr,
    over: &'static str,
    error: io::Error,
}

impl BindError {
    /// Of an address that another part of the daemon listens on: `over` names it.
    pub fn new(address: SocketAddr, over: &'static str, error: io::Error) -> BindError {
        BindError { address, over, error }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BindError { address, over, error } = self;
        let port = address.port();
        match error.kind() {
            io::ErrorKind::PermissionDenied => write!(
                f,
                "cannot listen on {address} ({over}): permission denied: run as root, give the program CAP_NET_BIND_SERVICE, or choose a port above 1023"
            ),
            io::ErrorKind::AddrInUse => write!(
                f,
                "cannot listen on {address} ({over}): another process has it (`ss -lnp 'sport = :{port}'` names it): stop it or choose another port"
            ),
            io::ErrorKind::AddrNotAvailable => write!(
                f,
                "cannot listen on {address} ({over}): this machine does not have the address: `ip address` lists those it has"
            ),
            _ => write!(f, "cannot listen on {address} ({over}): {error}"),
        }
    }
}

impl std::error::Error for BindError {}

/// Bound sockets, not served yet.
pub struct Server {
    /// For each worker, a socket for each address.
    udp: Vec<Vec<UdpSocket>>,
    tcp: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

/// A server at work.
pub struct Running {
    mailboxes: Arc<Mailboxes>,
    workers: Vec<JoinHandle<()>>,
    tcp: tcp::Service,
    /// Told when a worker is given up.
    given_up: Arc<Notify>,
}

impl Server {
    /// Binds every address; port 0 becomes one that is free for both UDP and TCP.
    pub fn bind(settings: &Settings) -> Result<Server, BindError> {
        udp::raise_descriptor_limit();
        let workers = settings.workers.max(1);
        let mut server = Server { udp: Vec::new(), tcp: Vec::new(), addresses: Vec::new() };
        server.udp.resize_with(workers, Vec::new);
        for &address in &settings.listen {
            let (listener, sockets) = bind_both(address, workers)?;
            // Both were just bound, so they have an address.
            server.addresses.push(listener.local_addr().unwrap_or(address));
            server.tcp.push(listener);
            for (worker, socket) in server.udp.iter_mut().zip(sockets) {
                worker.push(socket);
            }
        }
        Ok(server)
    }

    /// The addresses, with the ports they really have.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves: the workers on threads of their own, TCP on the runtime.
    ///
    /// # Errors
    /// When a thread or a poll cannot be had.
    pub fn run(
        self,
        view: Arc<ArcSwap<View>>,
        resolving: Option<Resolving>,
        metrics: &Arc<Metrics>,
        runtime: &tokio::runtime::Handle,
    ) -> io::Result<Running> {
        let mut polls = Vec::new();
        let mut boxes = Vec::new();
        for _ in &self.udp {
            let poll = mio::Poll::new()?;
            let (mailbox, inbox) = shard::mailbox(poll.registry(), worker::WAKE)?;
            polls.push((poll, inbox));
            boxes.push(mailbox);
        }
        let mailboxes = Arc::new(Mailboxes::new(boxes));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut workers = Vec::new();
        let given_up = Arc::new(Notify::new());
        let count = self.udp.len();
        for (i, (sockets, (poll, inbox))) in self.udp.into_iter().zip(polls).enumerate() {
            let counters = metrics.thread();
            let shard =
                shard::Shard::new(i, Arc::clone(&mailboxes), resolving.clone(), Arc::clone(&counters));
            let mut worker = worker::Loop::new(poll, sockets, inbox, shard, Arc::clone(&view), counters)?;
            // With a worker for each core, each has its own.
            let core = (count == cores && cores > 1).then_some(i);
            let (metrics, given_up) = (Arc::clone(metrics), Arc::clone(&given_up));
            let work = move || {
                core.into_iter().for_each(udp::pin);
                let done = supervise(&metrics, clock::now, |anew| {
                    if anew {
                        worker.begin_anew();
                    }
                    worker.run()
                });
                if let Err(GaveUp) = done {
                    given_up.notify_one();
                }
            };
            workers.push(std::thread::Builder::new().name(format!("udp-{i}")).spawn(work)?);
        }
        let tcp = tcp::Service::start(self.tcp, view, Arc::clone(&mailboxes), metrics, runtime)?;
        Ok(Running { mailboxes, workers, tcp, given_up })
    }
}

impl Running {
    /// The shards, to ask them things.
    pub fn shards(&self) -> Shards {
        Shards(Arc::clone(&self.mailboxes))
    }

    /// Ends when a worker failed so often that it is not started anew: the daemon is not whole any more.
    pub async fn is_broken(&self) {
        self.given_up.notified().await;
    }

    /// Gives the resolver the own zones as they are now.
    pub fn set_zones(&self, zones: &ZoneSet) {
        for mailbox in self.mailboxes.iter() {
            mailbox.send_control(Mail::Zones(zones.clone()));
        }
    }

    /// Replaces the resolver: what is under way is asked anew of the new one.
    pub fn set_resolving(&self, resolving: Option<Resolving>) {
        for mailbox in self.mailboxes.iter() {
            mailbox.send_control(Mail::Resolving(resolving.clone()));
        }
    }

    /// Stops: nothing new is taken, what is under way is finished for as long as `grace`.
    pub fn stop(self, grace: Duration) {
        self.tcp.stop(grace);
        for mailbox in self.mailboxes.iter() {
            mailbox.send_control(Mail::Stop(grace));
        }
        for worker in self.workers {
            // One that was given up has said so.
            let _ = worker.join();
        }
    }
}

/// Counts a reply.
fn count(counters: &Counters, meta: &Meta) {
    counters.response(meta.source, meta.rcode);
    if let Some(standing) = meta.cookie {
        counters.cookie(standing);
    }
    if let Some(validated) = meta.validated {
        counters.validated(validated);
    }
    if meta.slipped {
        counters.slipped();
    }
}

/// Binds TCP and the workers' UDP sockets to one port.
fn bind_both(address: SocketAddr, workers: usize) -> Result<(TcpListener, Vec<UdpSocket>), BindError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let listener =
            bind(address, Type::STREAM).map_err(|error| BindError { address, over: "tcp", error })?;
        let listener = TcpListener::from(listener);
        let real = listener.local_addr().unwrap_or(address);
        let sockets: io::Result<Vec<UdpSocket>> = (0..workers)
            .map(|_| {
                let socket = UdpSocket::from(bind(real, Type::DGRAM)?);
                udp::prepare(&socket)?;
                Ok(socket)
            })
            .collect();
        match sockets {
            Ok(sockets) => return Ok((listener, sockets)),
            // The port that TCP was given is taken in UDP: try with another.
            Err(_) if address.port() == 0 && tries < limits::BIND_TRIES => (),
            Err(error) => return Err(BindError { address, over: "udp", error }),
        }
    }
}

fn bind(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let (domain, stream) = (Domain::for_address(address), kind == Type::STREAM);
    let protocol = if stream { Protocol::TCP } else { Protocol::UDP };
    let socket = Socket::new(domain, kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    if stream {
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(limits::TCP_BACKLOG)?;
    } else {
        // The workers share the port. TCP's listener, bound first and without this option, keeps a second daemon out.
        socket.set_reuse_port(true)?;
        // More than the kernel allows is cut to what it does.
        let _ = socket.set_recv_buffer_size(limits::UDP_BUFFER);
        let _ = socket.set_send_buffer_size(limits::UDP_BUFFER);
        socket.bind(&address.into())?;
    }
    Ok(socket)
}
