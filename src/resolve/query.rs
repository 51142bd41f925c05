//! One query to one server: its octets, and whether a message is the reply to it.

use super::Transport;
use super::delegation::Delegation;
use super::servers::{Cookie, Manner};
use crate::clock::Instant;
use crate::limits;
use crate::wire::{
    Class, Edns, Flags, Message, Name, NameBuf, Opcode, OwnedName, Rcode, Rtype, Writer, option,
};
use rand_chacha::rand_core::Rng;
use std::net::SocketAddr;
use std::sync::Arc;

/// What is asked, of whom and how. Of equal queries only one is out at a time: each more would double a forger's chance
/// (RFC 5452 §5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Query {
    pub server: SocketAddr,
    pub transport: Transport,
    pub name: OwnedName,
    pub rtype: Rtype,
    /// RD and CD, for servers that recurse.
    pub flags: Flags,
}

/// A query that was sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub query: Query,
    /// Whose server it went to.
    pub delegation: Arc<Delegation>,
    /// When, the last time.
    pub at: Instant,
    /// When others are asked in its place.
    pub deadline: Instant,
    /// It was sent more than once, so a reply tells no time.
    pub repeated: bool,
    /// With EDNS.
    pub edns: bool,
    /// Over TCP, because a reply over UDP was not quite the one, now or before; where TCP fails it is asked over UDP once more.
    pub confirms: bool,
    /// The name's case is random and must come back.
    case: bool,
    cookie: Cookie,
    id: u16,
    name: NameBuf,
}

/// How a message relates to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// It is the reply; with this cookie.
    Yes(Option<Cookie>),
    /// It is but for the case of the name.
    ButForCase,
    /// It is but for the cookie that the server always gave.
    ButForCookie,
    /// It is something else.
    No,
}

impl Sent {
    /// Makes a query.
    pub fn new(
        now: Instant,
        query: Query,
        delegation: Arc<Delegation>,
        manner: Manner,
        rng: &mut impl Rng,
    ) -> Sent {
        let udp = query.transport == Transport::Udp;
        let (id, case) = (rng.next_u32() as u16, manner.case && udp);
        let name = query.name.as_name();
        let name = if case { randomise(name, rng) } else { name.to_buf() };
        let deadline = now + if udp { manner.timeout } else { limits::TCP_EXCHANGE };
        Sent {
            query,
            delegation,
            at: now,
            deadline,
            repeated: false,
            edns: manner.edns,
            confirms: false,
            case,
            cookie: manner.cookie,
            id,
            name,
        }
    }

    /// Its octets.
    pub fn message(&self) -> Vec<u8> {
        let mut message = vec![0; limits::UDP_PLAIN as usize];
        let mut writer = Writer::new(&mut message, limits::UDP_PLAIN as usize, self.id, self.query.flags);
        // Neither can fail: a question is at most 259 octets, an OPT record with a cookie 55.
        let written = writer.question(self.name.as_name(), self.query.rtype, Class::IN).and_then(|()| {
            let cookie = self.cookie.as_bytes();
            let options = |writer: &mut Writer<'_>| match cookie {
                [] => Ok(()),
                cookie => writer.option(option::COOKIE, cookie),
            };
            if self.edns { writer.opt(limits::UDP_PAYLOAD, 0, true, options) } else { Ok(()) }
        });
        debug_assert!(written.is_ok());
        let len = writer.finish();
        message.truncate(len);
        message
    }

    /// What a good reply proves that its server can do: keep case, give cookies, answer to the point.
    pub fn proofs(&self) -> [bool; 3] {
        [self.case, self.cookie.is_whole(), true]
    }

    /// Until when a reply is taken.
    pub fn end(&self) -> Instant {
        self.deadline.max(self.at + limits::RTO_MAX)
    }

    /// Whether `message` is the reply (RFC 5452 §9.1): same id, same question, QR set, and the cookie (RFC 7873 §5.3).
    pub fn matches(&self, message: &Message<'_>) -> Match {
        let header = message.header();
        if header.id != self.id || !header.flags.has(Flags::QR) || header.flags.opcode() != Opcode::QUERY {
            return Match::No;
        }
        match message.question() {
            // A server that cannot or will not read the query may leave the question out; an answer must have it.
            None if header.counts[0] == 0 && is_refusal(header.flags.rcode()) => (),
            Some((name, rtype, class))
                if rtype == self.query.rtype && class == Class::IN && name == self.name =>
            {
                if self.case && name.as_name().as_bytes() != self.name.as_name().as_bytes() {
                    return Match::ButForCase;
                }
            }
            _ => return Match::No,
        }
        self.matches_cookie(message)
    }

    fn matches_cookie(&self, message: &Message<'_>) -> Match {
        let opt = message.records().flatten().find(|record| record.rtype == Rtype::OPT);
        let edns = opt.and_then(|opt| Edns::from_record(&opt).ok());
        match edns.and_then(|edns| edns.option(option::COOKIE)).map(Cookie::from_reply) {
            _ if self.cookie.as_bytes().is_empty() => Match::Yes(None),
            Some(Some(cookie)) if cookie.client() == self.cookie.client() => Match::Yes(Some(cookie)),
            // Our half is what only the server and we know.
            Some(_) => Match::No,
            None if self.cookie.is_whole() && self.query.transport == Transport::Udp => Match::ButForCookie,
            None => Match::Yes(None),
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
