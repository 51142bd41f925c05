//! Queries to other servers: each datagram from a connected socket of its own with a random port, so the kernel takes replies from the server
//! alone and a forger must guess the port; each TCP query on a connection of its own.

use crate::limits;
use crate::resolve::{ExchangeId, Reply, Transport};
use mio::net::{TcpStream, UdpSocket};
use mio::{Interest, Registry, Token};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// Tokens from here on are exchanges.
const FIRST: usize = 1 << 16;

/// The exchanges under way.
#[derive(Default)]
pub(super) struct Upstreams {
    exchanges: HashMap<ExchangeId, Exchange, foldhash::fast::RandomState>,
    buffer: Vec<u8>,
}

/// One exchange.
enum Exchange {
    Udp(UdpSocket),
    Tcp(Connection),
}

/// A TCP connection with one query.
struct Connection {
    stream: TcpStream,
    /// Length and query; how much of it is written.
    query: Vec<u8>,
    written: usize,
    /// Length and reply as far as they are read.
    reply: Vec<u8>,
}

/// How an exchange goes on.
enum Progress {
    Waiting,
    Over,
}

impl Upstreams {
    /// Sends a query. The error is what to tell the resolver: that the server cannot be reached, or that we lack the means (a descriptor,
    /// a buffer).
    pub fn send(
        &mut self,
        registry: &Registry,
        id: ExchangeId,
        server: SocketAddr,
        transport: Transport,
        message: Vec<u8>,
    ) -> Result<(), Reply<'static>> {
        if let Some(exchange) = self.exchanges.get(&id) {
            return match exchange {
                // What its socket has to say of an earlier sending is an event of its own.
                Exchange::Udp(socket) => socket.send(&message).map(drop).or(Ok(())),
                Exchange::Tcp(_) => Ok(()),
            };
        }
        if self.exchanges.len() >= limits::UPSTREAM_SOCKETS {
            return Err(Reply::NotSent);
        }
        let opened = match transport {
            Transport::Udp => open_udp(registry, id, server, &message),
            Transport::Tcp => open_tcp(registry, id, server, &message),
        };
        match opened {
            Ok(exchange) => {
                self.exchanges.insert(id, exchange);
                Ok(())
            }
            Err(error) if is_unreachable(&error) => Err(Reply::Unreachable),
            Err(error) => {
                tracing::debug!(%server, %error, "query not sent");
                Err(Reply::NotSent)
            }
        }
    }

    /// Forgets an exchange. Closing its descriptor takes it out of the poll.
    pub fn cancel(&mut self, id: ExchangeId) {
        self.exchanges.remove(&id);
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.exchanges.clear();
    }

    /// Reads and writes what it can; `reply` gets messages and failures, and says whether the exchange goes on.
    pub fn event(&mut self, token: Token, mut reply: impl FnMut(ExchangeId, Reply<'_>) -> bool) {
        let id = ExchangeId((token.0 - FIRST) as u64);
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        self.buffer.resize(limits::MESSAGE, 0);
        let buffer = &mut self.buffer;
        let progress = match exchange {
            Exchange::Udp(socket) => receive(socket, buffer, |message| reply(id, message)),
            Exchange::Tcp(connection) => match connection.go_on() {
                Ok(None) => Ok(Progress::Waiting),
                Ok(Some(message)) => {
                    reply(id, Reply::Message(message));
                    Ok(Progress::Over)
                }
                Err(error) => Err(error),
            },
        };
        if let Err(_) | Ok(Progress::Over) = progress {
            let failed = progress.is_err();
            self.exchanges.remove(&id);
            if failed {
                reply(id, Reply::Unreachable);
            }
        }
    }
}

fn token(id: ExchangeId) -> Token {
    Token(FIRST + id.0 as usize)
}

fn is_unreachable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::ConnectionRefused
            | ErrorKind::AddrNotAvailable
            | ErrorKind::PermissionDenied
            | ErrorKind::Unsupported
    )
}

fn open_udp(registry: &Registry, id: ExchangeId, server: SocketAddr, message: &[u8]) -> io::Result<Exchange> {
    let mut tries = 0;
    let mut socket = loop {
        tries += 1;
        // RFC 5452 §9.2: any port but the well-known ones. One that is taken is passed over; the kernel's choice is random too.
        let port = if tries < limits::BIND_TRIES { crate::entropy::port() } else { 0 };
        let local = match server {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
        };
        match UdpSocket::bind(local) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && port != 0 => (),
            bound => break bound?,
        }
    };
    socket.connect(server)?;
    socket.send(message)?;
    registry.register(&mut socket, token(id), Interest::READABLE)?;
    Ok(Exchange::Udp(socket))
}

fn open_tcp(registry: &Registry, id: ExchangeId, server: SocketAddr, message: &[u8]) -> io::Result<Exchange> {
    let mut stream = TcpStream::connect(server)?;
    registry.register(&mut stream, token(id), Interest::READABLE | Interest::WRITABLE)?;
    let mut query = Vec::with_capacity(2 + message.len());
    query.extend((message.len() as u16).to_be_bytes());
    query.extend_from_slice(message);
    Ok(Exchange::Tcp(Connection { stream, query, written: 0, reply: Vec::new() }))
}

/// Receives what datagrams are there until one ends the exchange: the first may be forged, and the true one behind it. What a flood
/// leaves is read when more comes.
fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    mut reply: impl FnMut(Reply<'_>) -> bool,
) -> io::Result<Progress> {
    for _ in 0..limits::REPLIES_PER_TURN {
        match socket.recv(buffer) {
            Ok(len) if reply(Reply::Message(&buffer[..len])) => (),
            Ok(_) => return Ok(Progress::Over),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Progress::Waiting),
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    Ok(Progress::Waiting)
}

impl Connection {
    /// Writes and reads as far as it goes; returns the reply when it is whole.
    fn go_on(&mut self) -> io::Result<Option<&[u8]>> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        while self.written < self.query.len() {
            match self.stream.write(&self.query[self.written..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => self.written += written,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
        let mut chunk = [0; 4096];
        loop {
            let wanted = self.reply.first_chunk().map(|len: &[u8; 2]| 2 + u16::from_be_bytes(*len) as usize);
            if wanted.is_some_and(|wanted| self.reply.len() >= wanted) {
                return Ok(Some(&self.reply[2..wanted.unwrap_or(2)]));
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(len) => self.reply.extend_from_slice(&chunk[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
    }
}
