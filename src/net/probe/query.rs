//! A DNS query: over UDP, and over TCP where the answer is truncated.

use super::connect::open;
use super::{Failure, Note, Reached, Stage, of_socket, own, socket, wrong};
use crate::config::DnsProbe;
use crate::health::Target;
use crate::rrset;
use crate::wire::{Class, Flags, Message, Section, Writer};
use crate::{entropy, limits};
use socket2::SockRef;
use std::io::{self, Read};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UdpSocket;

/// Asks, and looks at the response code and the answers.
pub(super) async fn probe(target: &Target, dns: &DnsProbe, reached: &Reached) -> Result<Note, Failure> {
    let server = socket(target, dns.port);
    let id = entropy::u64() as u16;
    let mut query = [0; 512];
    let mut writer = Writer::new(&mut query, limits::UDP_PLAIN as usize, id, Flags::RD);
    // A question is at most 259 octets.
    let _ = writer.question(dns.name.as_name(), dns.rtype, Class::IN);
    let len = writer.finish();
    let reply = over_udp(server, &query[..len]).await?;
    if judge(dns, &reply)? == Judged::Truncated {
        reached.at(Stage::Truncated);
        let reply = over_tcp(server, &query[..len]).await?;
        if judge(dns, &reply)? == Judged::Truncated {
            return Err(wrong("the answer is truncated over TCP, too"));
        }
    }
    Ok(None)
}

/// What a reply that is not wrong is.
#[derive(PartialEq)]
enum Judged {
    Right,
    /// It is to be asked for over TCP.
    Truncated,
}

async fn over_udp(server: SocketAddr, query: &[u8]) -> Result<Vec<u8>, Failure> {
    let any: std::net::IpAddr = match server {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await.map_err(|error| own(format!("socket: {error}")))?;
    // A connected socket hears of ports that are closed, and takes datagrams from there alone.
    socket.connect(server).await.map_err(|error| of_socket("connect", &error))?;
    socket.send(query).await.map_err(|error| of_socket("send", &error))?;
    loop {
        let received = socket.async_io(Interest::READABLE | Interest::ERROR, || receive(&socket)).await;
        let reply = received.map_err(|error| of_socket("query", &error))?;
        if reply.get(..2) == query.get(..2) {
            return Ok(reply);
        }
    }
}

/// Takes a datagram that is there. Those who wait for one have no buffer yet.
fn receive(socket: &UdpSocket) -> io::Result<Vec<u8>> {
    let mut reply = [0; limits::MESSAGE];
    let len = (&*SockRef::from(socket)).read(&mut reply)?;
    Ok(reply[..len].to_vec())
}

async fn over_tcp(server: SocketAddr, query: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut stream = open(server).await?;
    let framed = [&(query.len() as u16).to_be_bytes(), query].concat();
    stream.write_all(&framed).await.map_err(|error| of_socket("send", &error))?;
    let len = stream.read_u16().await.map_err(|error| of_socket("read", &error))?;
    let mut reply = Vec::new();
    let read = stream.take(len.into()).read_to_end(&mut reply).await;
    read.map_err(|error| of_socket("read", &error))?;
    match reply.get(..2) == query.get(..2) {
        true if reply.len() == usize::from(len) => Ok(reply),
        true => Err(wrong("the connection was closed amid the answer")),
        false => Err(wrong("what came over TCP is the reply to another query")),
    }
}

/// Whether a reply is what it should be.
fn judge(dns: &DnsProbe, reply: &[u8]) -> Result<Judged, Failure> {
    let message = Message::parse(reply).map_err(|_| wrong("the reply is no DNS message"))?;
    let flags = message.header().flags;
    if !flags.has(Flags::QR) {
        return Err(wrong("what came is a query, not a reply"));
    }
    if flags.rcode() != dns.rcode {
        return Err(wrong(format!("{}, expected {}", flags.rcode(), dns.rcode)));
    }
    if flags.has(Flags::TC) {
        return Ok(Judged::Truncated);
    }
    let Some(wanted) = &dns.answer else { return Ok(Judged::Right) };
    let answers = message.records().flatten().filter(|record| record.section == Section::Answer);
    let mut answers = answers.filter(|record| record.rtype == dns.rtype);
    let is_wanted = |record: &crate::wire::Record<'_>| {
        let mut rdata = Vec::new();
        rrset::read_rdata(record, &mut rdata).is_ok() && rdata == *wanted
    };
    match answers.any(|record| is_wanted(&record)) {
        true => Ok(Judged::Right),
        false => Err(wrong("the record expected is not among the answers")),
    }
}
