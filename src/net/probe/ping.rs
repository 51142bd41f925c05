//! An ICMP echo (RFC 792, RFC 4443 §4), through a socket for that which needs no privilege where the system allows it, else a raw one.

use super::{Failure, Note, of_socket, own};
use crate::entropy;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::UdpSocket;

/// Sends an echo request and waits for its reply.
pub(super) async fn probe(address: IpAddr) -> Result<Note, Failure> {
    let socket = open(address).map_err(|error| {
        own(format!(
            "ICMP is not permitted: {error}: set the sysctl net.ipv4.ping_group_range, or give CAP_NET_RAW"
        ))
    })?;
    socket.connect(SocketAddr::new(address, 0)).await.map_err(|error| of_socket("connect", &error))?;
    let nonce = entropy::u64().to_be_bytes();
    let request = request(address, &nonce);
    socket.send(&request).await.map_err(|error| of_socket("send", &error))?;
    let mut reply = [0; 1_024];
    loop {
        let len = socket.recv(&mut reply).await.map_err(|error| of_socket("ping", &error))?;
        if is_reply(address, &reply[..len], &nonce) {
            return Ok(None);
        }
    }
}

/// Datagrams are all that tokio's socket knows of: one of ICMP is sent and received like one of UDP.
fn open(address: IpAddr) -> io::Result<UdpSocket> {
    let (domain, protocol) = match address {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(protocol))
        .or_else(|_| Socket::new(domain, Type::RAW, Some(protocol)))?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

fn request(address: IpAddr, nonce: &[u8; 8]) -> [u8; 16] {
    let mut packet = [0; 16];
    packet[0] = if address.is_ipv4() { 8 } else { 128 };
    packet[4..8].copy_from_slice(&nonce[..4]);
    packet[8..].copy_from_slice(nonce);
    // RFC 1071; for ICMPv6 the kernel does it.
    let sum: u32 = packet.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    packet[2..4].copy_from_slice(&(!(folded + (folded >> 16)) as u16).to_be_bytes());
    packet
}

/// A raw IPv4 socket gives the IP header too, and everybody's replies: the nonce tells ours.
fn is_reply(address: IpAddr, packet: &[u8], nonce: &[u8; 8]) -> bool {
    let header = match packet.first() {
        Some(first) if address.is_ipv4() && first >> 4 == 4 => usize::from(first & 15) * 4,
        _ => 0,
    };
    let kind = if address.is_ipv4() { 0 } else { 129 };
    packet.get(header..).is_some_and(|icmp| icmp.first() == Some(&kind) && icmp.get(8..16) == Some(nonce))
}
