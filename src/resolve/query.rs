//! One query to one server: its octets, and whether a message is the reply to it.

use super::Transport;
use super::servers::Manner;
use crate::clock::Instant;
use crate::limits;
use crate::wire::{Class, Flags, Message, Name, NameBuf, Opcode, Rcode, Rtype, Writer};
use rand_chacha::rand_core::Rng;
use std::net::SocketAddr;

/// A query that was sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// To whom.
    pub server: SocketAddr,
    /// How.
    pub transport: Transport,
    /// When.
    pub at: Instant,
    /// When it counts as lost.
    pub deadline: Instant,
    /// With EDNS.
    pub edns: bool,
    /// Over TCP, because a reply over UDP had the name in another case.
    pub confirms: bool,
    /// The name's case is random and must come back.
    case: bool,
    id: u16,
    name: NameBuf,
    rtype: Rtype,
}

/// How a message relates to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// It is the reply.
    Yes,
    /// It is but for the case of the name.
    ButForCase,
    /// It is something else.
    No,
}

impl Sent {
    /// Makes a query and its octets.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        now: Instant,
        server: SocketAddr,
        transport: Transport,
        manner: Manner,
        name: Name<'_>,
        rtype: Rtype,
        flags: Flags,
        rng: &mut impl Rng,
    ) -> (Sent, Vec<u8>) {
        let id = rng.next_u32() as u16;
        let case = manner.case && transport == Transport::Udp;
        let name = if case { randomise(name, rng) } else { name.to_buf() };
        let mut message = vec![0; limits::UDP_PLAIN as usize];
        let mut writer = Writer::new(&mut message, limits::UDP_PLAIN as usize, id, flags);
        // Neither can fail: a question is at most 259 octets, an OPT record 11.
        let written = writer.question(name.as_name(), rtype, Class::IN).and_then(|()| {
            if manner.edns { writer.opt(limits::UDP_PAYLOAD, 0, false, |_| Ok(())) } else { Ok(()) }
        });
        debug_assert!(written.is_ok());
        let len = writer.finish();
        message.truncate(len);
        let timeout = if transport == Transport::Tcp { limits::TCP_EXCHANGE } else { manner.timeout };
        let (deadline, edns) = (now + timeout, manner.edns);
        let sent =
            Sent { server, transport, at: now, deadline, edns, confirms: false, case, id, name, rtype };
        (sent, message)
    }

    /// Whether `message` is the reply (RFC 5452 §9.1): same id, same question, QR set.
    pub fn matches(&self, message: &Message<'_>) -> Match {
        let header = message.header();
        if header.id != self.id || !header.flags.has(Flags::QR) || header.flags.opcode() != Opcode::QUERY {
            return Match::No;
        }
        match message.question() {
            // A server that cannot or will not read the query may leave the question out; an answer must have it.
            None if header.counts[0] == 0 && is_refusal(header.flags.rcode()) => Match::Yes,
            Some((name, rtype, class)) if rtype == self.rtype && class == Class::IN && name == self.name => {
                if !self.case || name.as_name().as_bytes() == self.name.as_name().as_bytes() {
                    Match::Yes
                } else {
                    Match::ButForCase
                }
            }
            _ => Match::No,
        }
    }
}

fn is_refusal(rcode: Rcode) -> bool {
    matches!(rcode, Rcode::FORMERR | Rcode::SERVFAIL | Rcode::NOTIMP | Rcode::REFUSED)
}

/// The name with the case of its letters random: bits that a forger must guess (draft-vixie-dnsext-dns0x20).
fn randomise(name: Name<'_>, rng: &mut impl Rng) -> NameBuf {
    let mut octets = [0; 255];
    let octets = &mut octets[..name.len()];
    octets.copy_from_slice(name.as_bytes());
    let (mut bits, mut left) = (0, 0);
    // Length octets are below 64 and so no letters.
    for octet in octets.iter_mut().filter(|octet| octet.is_ascii_alphabetic()) {
        if left == 0 {
            (bits, left) = (rng.next_u32(), 32);
        }
        *octet ^= ((bits & 1) as u8) << 5;
        (bits, left) = (bits >> 1, left - 1);
    }
    Name::from_wire(octets).map_or_else(|_| name.to_buf(), Name::to_buf)
}
