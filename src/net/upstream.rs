//! Queries to other servers: each datagram from a connected socket with a random port ([`super::ports`]), each TCP query on a
//! connection of its own.

use super::ports::{Port, Ports};
use crate::limits;
use crate::resolve::{ExchangeId, Reply, Transport};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

/// Tokens from here on are sockets to other servers.
const FIRST: usize = 1 << 16;

type ById<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The exchanges under way.
#[derive(Default)]
pub(super) struct Upstreams {
    exchanges: ById<ExchangeId, Exchange>,
    /// Whose events come at a token.
    by_token: ById<Token, ExchangeId>,
    ports: Ports,
    opened: usize,
    buffer: Vec<u8>,
}

/// One exchange.
enum Exchange {
    Udp {
        port: Port,
        server: SocketAddr,
        /// It was sent more than once, so more than one reply may come.
        repeated: bool,
    },
    Tcp(Connection, Token),
}

impl Exchange {
    fn token(&self) -> Token {
        match self {
            Exchange::Udp { port, .. } => port.token(),
            Exchange::Tcp(_, token) => *token,
        }
    }
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
        match self.exchanges.get_mut(&id) {
            Some(Exchange::Udp { port, repeated, .. }) => {
                *repeated = true;
                // What its socket has to say of an earlier sending is an event of its own.
                return port.socket().send(&message).map(drop).or(Ok(()));
            }
            Some(Exchange::Tcp(..)) => return Ok(()),
            None => (),
        }
        if self.exchanges.len() >= limits::UPSTREAM_SOCKETS {
            return Err(Reply::NotSent);
        }
        self.opened += 1;
        let fresh = Token(FIRST + self.opened);
        let opened = match transport {
            Transport::Udp => self.ports.connect(registry, server, fresh).and_then(|port| {
                port.socket().send(&message)?;
                Ok(Exchange::Udp { port, server, repeated: false })
            }),
            Transport::Tcp => open_tcp(registry, fresh, server, &message),
        };
        match opened {
            Ok(exchange) => {
                self.by_token.insert(exchange.token(), id);
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
        self.end(id);
    }

    fn end(&mut self, id: ExchangeId) -> Option<Exchange> {
        let exchange = self.exchanges.remove(&id)?;
        self.by_token.remove(&exchange.token());
        Some(exchange)
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.exchanges.clear();
        self.by_token.clear();
    }

    /// Reads and writes what it can; `reply` gets messages and failures, and says whether the exchange goes on.
    pub fn event(&mut self, token: Token, mut reply: impl FnMut(ExchangeId, Reply<'_>) -> bool) {
        let Some(&id) = self.by_token.get(&token) else {
            self.ports.heard(token);
            return;
        };
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        self.buffer.resize(limits::MESSAGE, 0);
        let buffer = &mut self.buffer;
        let progress = match exchange {
            Exchange::Udp { port, server, .. } => {
                receive(port, *server, buffer, |message| reply(id, message))
            }
            Exchange::Tcp(connection, _) => match connection.go_on() {
                Ok(None) => Ok(Progress::Waiting),
                Ok(Some(message)) => {
                    reply(id, Reply::Message(message));
                    Ok(Progress::Over)
                }
                Err(error) => Err(error),
            },
        };
        match progress {
            Ok(Progress::Waiting) => (),
            Ok(Progress::Over) => {
                if let Some(Exchange::Udp { port, repeated: false, .. }) = self.end(id) {
                    self.ports.give_back(port);
                }
            }
            Err(_) => {
                self.end(id);
                reply(id, Reply::Unreachable);
            }
        }
    }
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

fn open_tcp(registry: &Registry, token: Token, server: SocketAddr, message: &[u8]) -> io::Result<Exchange> {
    let mut stream = TcpStream::connect(server)?;
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    let mut query = Vec::with_capacity(2 + message.len());
    query.extend((message.len() as u16).to_be_bytes());
    query.extend_from_slice(message);
    Ok(Exchange::Tcp(Connection { stream, query, written: 0, reply: Vec::new() }, token))
}

/// Receives what datagrams are there until one ends the exchange: the first may be forged, and the true one behind it. What a flood
/// leaves is read when more comes.
fn receive(
    port: &Port,
    server: SocketAddr,
    buffer: &mut [u8],
    mut reply: impl FnMut(Reply<'_>) -> bool,
) -> io::Result<Progress> {
    for _ in 0..limits::REPLIES_PER_TURN {
        match port.socket().recv_from(buffer) {
            // It came before the socket was connected to this server.
            Ok((_, from)) if (from.ip(), from.port()) != (server.ip(), server.port()) => (),
            Ok((len, _)) if reply(Reply::Message(&buffer[..len])) => (),
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
