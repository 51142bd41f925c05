//! Datagram sockets with random ports, kept for the next queries: what a socket costs is paid once for many.
//!
//! A forger must guess the port a query left from (RFC 5452 §9.2). So a socket is used again only when there are
//! [`limits::PORTS_IDLE`] to choose from at random, and only [`limits::PORT_USES`] times; and since a single message that is not
//! the reply sends the query over TCP, a forger has one guess at the id with each. A socket is connected while it is in use: the
//! kernel takes packets from the server alone, and tells when nobody is there. One whose query was not answered at once, or that
//! heard something while it was idle, is not used again, for what it hears next may be meant for its last query.

use super::udp;
use crate::{entropy, limits};
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// A socket and what it was used for.
pub(super) struct Port {
    socket: UdpSocket,
    /// Where its events come.
    token: Token,
    uses: u32,
    ipv6: bool,
}

/// The idle sockets, of IPv4 and of IPv6.
#[derive(Default)]
pub(super) struct Ports {
    idle: [Vec<Port>; 2],
}

impl Ports {
    /// A socket connected to a server: one of many idle ones, or a fresh one whose events come at `fresh`.
    pub fn connect(&mut self, registry: &Registry, server: SocketAddr, fresh: Token) -> io::Result<Port> {
        let idle = &mut self.idle[usize::from(server.is_ipv6())];
        let reused = match idle.len() {
            0 => None,
            many if many >= limits::PORTS_IDLE => Some(idle.swap_remove(entropy::below(many))),
            // Rather a port that was used before than none.
            some => match open(registry, server, fresh) {
                Ok(port) => return port.connect(server),
                Err(error) if is_want(&error) => Some(idle.swap_remove(entropy::below(some))),
                Err(error) => return Err(error),
            },
        };
        match reused {
            Some(port) => {
                udp::dissolve(&port.socket)?;
                port.connect(server)
            }
            None => open(registry, server, fresh)?.connect(server),
        }
    }

    /// Takes a socket back whose query was answered at once.
    pub fn give_back(&mut self, port: Port) {
        let idle = &mut self.idle[usize::from(port.ipv6)];
        if port.uses < limits::PORT_USES && idle.len() <= limits::PORTS_IDLE {
            idle.push(port);
        }
    }

    /// An idle socket heard something: it is closed. Says whether there was one.
    pub fn heard(&mut self, token: Token) -> bool {
        self.idle.iter_mut().any(|idle| match idle.iter().position(|port| port.token == token) {
            Some(at) => {
                idle.swap_remove(at);
                true
            }
            None => false,
        })
    }
}

impl Port {
    fn connect(mut self, server: SocketAddr) -> io::Result<Port> {
        self.socket.connect(server)?;
        self.uses += 1;
        Ok(self)
    }

    /// Where its events come.
    pub fn token(&self) -> Token {
        self.token
    }

    /// The socket.
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }
}

/// Whether something is lacking here rather than there.
fn is_want(error: &io::Error) -> bool {
    // EMFILE, ENFILE, ENOBUFS have no kinds of their own.
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}

fn open(registry: &Registry, server: SocketAddr, token: Token) -> io::Result<Port> {
    let mut tries = 0;
    let mut socket = loop {
        tries += 1;
        // Any port but the well-known ones. One that is taken is passed over; the kernel's choice is random too.
        let port = if tries < limits::BIND_TRIES { entropy::port() } else { 0 };
        let local = match server {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
        };
        match UdpSocket::bind(local) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && port != 0 => (),
            bound => break bound?,
        }
    };
    registry.register(&mut socket, token, Interest::READABLE)?;
    Ok(Port { socket, token, uses: 0, ipv6: server.is_ipv6() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn sockets_are_used_again_when_they_are_many_and_not_for_ever() {
        udp::raise_descriptor_limit();
        let poll = mio::Poll::new().unwrap();
        let servers = [(); 2].map(|()| std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
        let (mut ports, mut opened, mut used) = (Ports::default(), 0, Vec::new());
        for i in 0..3 * limits::PORTS_IDLE {
            let server = servers[i % 2].local_addr().unwrap();
            let port = ports.connect(poll.registry(), server, Token(i)).unwrap();
            opened += usize::from(port.token() == Token(i));
            // It reaches the server of now from the same port as before.
            port.socket().send(&[1]).unwrap();
            let (_, from) = servers[i % 2].recv_from(&mut [0; 8]).unwrap();
            assert_eq!(from.port(), port.socket().local_addr().unwrap().port());
            used.push(from.port());
            ports.give_back(port);
        }
        // The first are all fresh; of the rest none comes from fewer than that many.
        assert_eq!(used[..limits::PORTS_IDLE].iter().collect::<HashSet<_>>().len(), limits::PORTS_IDLE);
        assert_eq!(opened, limits::PORTS_IDLE);
        let again = used[limits::PORTS_IDLE..].iter().collect::<HashSet<_>>().len();
        assert!(again > limits::PORTS_IDLE / 2, "{again} ports");
        // One that has served its time is not kept.
        let mut port =
            ports.connect(poll.registry(), servers[0].local_addr().unwrap(), Token(1 << 20)).unwrap();
        port.uses = limits::PORT_USES;
        let token = port.token();
        ports.give_back(port);
        assert!(!ports.heard(token), "it is gone");
    }

    #[test]
    fn a_socket_that_heard_something_while_idle_is_closed() {
        let poll = mio::Poll::new().unwrap();
        let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut ports = Ports::default();
        let port = ports.connect(poll.registry(), server, Token(7)).unwrap();
        ports.give_back(port);
        assert!(ports.heard(Token(7)) && !ports.heard(Token(7)));
    }
}
