//! The decision: own zones, then steering, then cache, then Resolve. One synchronous function for every transport; it does not
//! allocate, lock, await or log (only a [`Job`] it hands out is allocated).
//!
//! A chain of CNAMEs and DNAMEs is walked link by link: each link asks own zones first, then what was learnt, then for a job. When
//! the job is settled the request comes back here with its [`Progress`], which is read before the cache, so results that may not be
//! cached end the walk too.

mod learnt;
mod own;
mod reply;
#[cfg(test)]
mod tests;

use crate::cache::{Cache, Scratch};
use crate::clock::Instant;
use crate::guard::AccessList;
pub use crate::metrics::{Dropped, Source};
use crate::resolve::{self, Budget, Question, Settled};
use crate::steer::{Client, Steering};
use crate::wire::{
    Class, ClientSubnet, Ede, Flags, Name, NameBuf, Query, QueryError, Rcode, Rtype, Section, option,
};
use crate::zone::tree::{NameTree, Named};
use crate::zone::{Node, Zone, ZoneSet};
use crate::{limits, wire};
use reply::Reply;
use std::net::SocketAddr;
use std::sync::Arc;

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A datagram.
    Udp,
    /// A TCP stream.
    Tcp,
}

/// All that answering reads, as one snapshot: taken once per batch of packets.
pub struct View {
    /// Own zones.
    pub zones: ZoneSet,
    /// How their names are steered, found by `Held::policy`.
    pub steering: Vec<Steering>,
    /// The resolver's side; none when recursion is off.
    pub recursion: Option<Recursion>,
}

/// What recursion needs to know of the config.
pub struct Recursion {
    /// Who may ask for it.
    pub allow: AccessList,
    /// What was learnt.
    pub cache: Arc<Cache>,
    /// The realm of cache keys.
    pub realm: u32,
    /// Zones with forwards or stubs: their longest match beats an own zone above them.
    pub upstreams: NameTree<UpstreamZone>,
    /// Zones of special-use names, answered where no own zone and no upstream holds them.
    pub special: ZoneSet,
    /// Whether every denial of a name denies the names below it (RFC 8020); otherwise only the roots' do.
    pub strict_denial: bool,
    /// Whether what has run out is answered when nothing better can be had in time (RFC 8767).
    pub serve_stale: bool,
    /// Whether what is asked for shortly before it runs out is looked up again.
    pub prefetch: bool,
}

/// The name of a zone with a forward or stub.
#[derive(Clone, Debug)]
pub struct UpstreamZone(pub Arc<wire::OwnedName>);

impl Named for UpstreamZone {
    fn name(&self) -> Name<'_> {
        self.0.as_name()
    }
}

/// What a worker keeps between answers.
#[derive(Default)]
pub struct Worker {
    /// Cache entries are copied here.
    pub scratch: Scratch,
    /// State of the worker's own randomness, for `pick = "random"`: fairness, not secrecy.
    pub seed: u64,
    /// What the last answer wants looked up again: to be taken and given to the resolver.
    pub refresh: Option<Refresh>,
    /// Which entry that was, so that its next hits do not ask for the same.
    pub refreshed: Instant,
}

/// A question whose cached answer soon runs out.
#[derive(Clone, Debug)]
pub struct Refresh {
    name: NameBuf,
    rtype: Rtype,
    checking_disabled: bool,
}

impl Refresh {
    /// The question to resolve.
    pub fn question(&self) -> Question {
        let (rtype, checking_disabled) = (self.rtype, self.checking_disabled);
        Question { name: self.name.as_name().to_owned(), rtype, checking_disabled, start: None }
    }
}

/// A message to answer.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its octets.
    pub message: &'a [u8],
    /// The sender.
    pub client: SocketAddr,
    /// How it came.
    pub transport: Transport,
    /// When.
    pub now: Instant,
}

/// What to do with a request.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing: silence is right.
    Drop(Dropped),
    /// Send the octets of the reply buffer.
    Reply(Meta),
    /// Ask again when the job is settled.
    Later(Job),
}

/// About a reply, for counters and caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Octets of the reply.
    pub len: usize,
    /// The smallest TTL in it; `u32::MAX` when it has no record.
    pub min_ttl: u32,
    /// Its response code.
    pub rcode: Rcode,
    /// Where it came from.
    pub source: Source,
}

/// What must happen before the request can be answered. It is kept with the request's octets, its View and its Budget.
#[derive(Debug)]
pub enum Job {
    /// This question must be resolved.
    Resolve(Question),
}

/// What the jobs of a request have come to.
#[derive(Debug)]
pub struct Progress {
    /// Results so far, oldest first.
    pub settled: Vec<Settled>,
    /// What is left.
    pub budget: Budget,
    /// The client has waited so long that a stale answer is better than none (RFC 8767 §5).
    pub stale: bool,
}

/// Answers a request into `out`, which must hold [`limits::MESSAGE`] octets for TCP and [`limits::UDP_PAYLOAD`] for UDP.
pub fn answer(
    view: &View,
    worker: &mut Worker,
    request: &Request<'_>,
    progress: Option<&Progress>,
    out: &mut [u8],
) -> Outcome {
    let query = match Query::parse(request.message) {
        Ok(query) => query,
        Err(QueryError::Ignore) => return Outcome::Drop(Dropped::NotAQuery),
        Err(QueryError::Refuse { id, flags, rcode, edns }) => {
            return Outcome::Reply(reply::bare(out, id, flags, rcode, edns));
        }
    };
    let recursion = view.recursion.as_ref().filter(|r| r.allow.allows(request.client.ip()));
    let limit = match (request.transport, &query.edns) {
        (Transport::Tcp, _) => limits::MESSAGE,
        // RFC 6891 §6.2.3 and the sender's word, but never more than passes unfragmented.
        (Transport::Udp, Some(edns)) => edns.udp_size.min(limits::UDP_PAYLOAD) as usize,
        (Transport::Udp, None) => limits::UDP_PLAIN as usize,
    };
    let mut reply = Reply::new(out, limit, &query, recursion.is_some());
    let subnet = match check(&query) {
        Ok(subnet) => subnet,
        Err(refusal) => return Outcome::Reply(reply.refuse(refusal)),
    };
    reply.subnet = subnet;
    let client = match subnet {
        // RFC 7871 §7.1.2: a source length of 0 asks not to be told apart by subnet; the sender's own address is what is left.
        Some(subnet) if subnet.source > 0 => {
            let (address, bits) = subnet.client();
            Client { address, bits }
        }
        _ => {
            let address = request.client.ip().to_canonical();
            Client { address, bits: if address.is_ipv4() { 32 } else { 128 } }
        }
    };
    let wants_recursion = query.flags.has(Flags::RD);
    let recursion = recursion.filter(|_| wants_recursion);
    let Worker { scratch, seed, refresh, refreshed } = worker;
    let mut walk = Walk {
        view,
        scratch: Some(scratch),
        seed,
        refresh: (refresh, refreshed),
        stale: progress.is_some_and(|progress| progress.stale),
        request,
        query,
        client,
        recursion,
        progress,
        reply,
        target: NameBuf::root(),
    };
    walk.run()
}

/// Reads what answering these messages, as many as [`limits::READ_AHEAD`], will read of own zones.
pub fn read_ahead<'m>(view: &View, messages: impl Iterator<Item = &'m [u8]>) {
    let name = |message: &'m [u8]| Some(Name::parse(message.get(wire::Header::LEN..)?).ok()?.0);
    view.zones.read_ahead(messages.filter_map(name));
}

/// Why a well-formed query is not looked up.
struct Refusal {
    rcode: Rcode,
    ede: Option<(Ede, &'static str)>,
}

/// What RFC 8906, RFC 6891 and RFC 7871 have to say before any lookup.
fn check(query: &Query<'_>) -> Result<Option<ClientSubnet>, Refusal> {
    let refusal = |rcode, ede| Err(Refusal { rcode, ede });
    if query.edns.is_some_and(|edns| edns.version != 0) {
        return refusal(Rcode::BADVERS, None);
    }
    // RFC 8945 §5.2.1: no key is known here.
    if query.tsig.is_some() {
        return refusal(Rcode::NOTAUTH, None);
    }
    let subnet = query.edns.and_then(|edns| edns.option(option::CLIENT_SUBNET)).map(ClientSubnet::from_query);
    let Ok(subnet) = subnet.transpose() else {
        return refusal(Rcode::FORMERR, Some((Ede::INVALID_DATA, "malformed client subnet")));
    };
    match (query.question.rtype, query.question.class) {
        (_, class) if class != Class::IN => {
            refusal(Rcode::REFUSED, Some((Ede::NOT_SUPPORTED, "only class IN is answered")))
        }
        (Rtype::AXFR | Rtype::IXFR, _) => {
            refusal(Rcode::REFUSED, Some((Ede::NOT_SUPPORTED, "zone transfer is not offered")))
        }
        (Rtype::MAILA | Rtype::MAILB, _) => refusal(Rcode::NOTIMP, None),
        // Types of messages and of RFC 9824 §3.5, which no question has.
        (Rtype(0) | Rtype::OPT | Rtype::TSIG | Rtype::TKEY | Rtype::NXNAME, _) => {
            refusal(Rcode::FORMERR, None)
        }
        _ => Ok(subnet),
    }
}

/// One request being answered.
struct Walk<'a, 'o> {
    view: &'a View,
    /// Taken while an entry in it is being written.
    scratch: Option<&'a mut Scratch>,
    seed: &'a mut u64,
    refresh: (&'a mut Option<Refresh>, &'a mut Instant),
    /// Whether entries that have run out may be used.
    stale: bool,
    request: &'a Request<'a>,
    query: Query<'a>,
    client: Client,
    /// Set when the client asked for recursion and may.
    recursion: Option<&'a Recursion>,
    progress: Option<&'a Progress>,
    reply: Reply<'o, 'a>,
    /// Where the chain goes on.
    target: NameBuf,
}

/// What one link of a chain has come to.
#[derive(Clone, Copy)]
enum Link<'a> {
    /// The reply is complete.
    Done,
    /// The chain goes on at the walk's target.
    Follow,
    /// Nothing is known of the name here.
    Unknown,
    /// The name lies below a delegation of an own zone, which only recursion may follow: the zone and the cut.
    Delegated(&'a Zone, &'a Node),
}

impl<'a> Walk<'a, '_> {
    fn run(&mut self) -> Outcome {
        let mut name = self.query.question.name.to_buf();
        for link in 0..=limits::CHAIN_LINKS {
            let own = self.own_link(name.as_name(), link == 0);
            let next = match own {
                Link::Unknown | Link::Delegated(..) if self.recursion.is_some() => {
                    match self.learnt_link(name.as_name(), matches!(own, Link::Delegated(..))) {
                        Link::Unknown => return self.resolve(name.as_name(), own),
                        known => known,
                    }
                }
                Link::Unknown => {
                    if link == 0 {
                        self.refuse_recursion();
                    }
                    Link::Done
                }
                own => own,
            };
            match next {
                Link::Follow if !self.reply.answers(self.target.as_name(), Rtype::CNAME) => {
                    name = self.target.clone();
                }
                _ => return Outcome::Reply(self.reply.finish()),
            }
        }
        // A client that asked for the end of the chain would take a piece of it for NODATA.
        if self.recursion.is_some() {
            self.reply.fail(Rcode::SERVFAIL, Some((Ede::OTHER, "the chain of aliases is too long")));
        }
        Outcome::Reply(self.reply.finish())
    }

    /// Says that the chain goes on at `target`.
    fn follow(&mut self, target: Name<'_>) -> Link<'a> {
        self.target = target.to_buf();
        Link::Follow
    }

    /// Hands out the job that this name needs, unless the last one failed.
    fn resolve(&mut self, name: Name<'_>, own: Link<'_>) -> Outcome {
        let jobs = self.progress.map_or(0, |progress| progress.settled.len());
        let failure = self.progress.and_then(|progress| progress.settled.last()?.failure.as_ref());
        if let Some(failure) = failure {
            self.reply.fail(failure.rcode, Some((failure.ede, &failure.text)));
        } else if self.settled_last(name).is_some() {
            // What came of it is of no use here; asking again would bring the same.
            self.reply.fail(Rcode::SERVFAIL, Some((Ede::OTHER, "the answer found does not lead on")));
        } else if jobs > limits::CHAIN_LINKS {
            self.reply.fail(Rcode::SERVFAIL, Some((Ede::OTHER, "the chain of aliases is too long")));
        } else {
            let start = match own {
                Link::Delegated(zone, cut) => Some(resolve::start(&self.view.zones, zone, cut, name)),
                _ => None,
            };
            let checking_disabled = self.query.flags.has(Flags::CD);
            let (name, rtype) = (name.to_owned(), self.query.question.rtype);
            return Outcome::Later(Job::Resolve(Question { name, rtype, checking_disabled, start }));
        }
        Outcome::Reply(self.reply.finish())
    }

    /// Nobody here speaks for the name, and it may not be asked for.
    fn refuse_recursion(&mut self) {
        let why = match &self.view.recursion {
            Some(recursion) if !recursion.allow.allows(self.request.client.ip()) => {
                (Ede::PROHIBITED, "recursion is not allowed from this address: see resolver.allow")
            }
            Some(_) => {
                (Ede::NOT_AUTHORITATIVE, "no zone here holds this name, and recursion was not asked for")
            }
            None => (Ede::NOT_AUTHORITATIVE, "no zone here holds this name, and recursion is off"),
        };
        self.reply.fail(Rcode::REFUSED, Some(why));
        self.reply.source = Source::Refused;
    }

    /// Adds an answer RRset and says whether there was room.
    fn add_answer(
        &mut self,
        owner: Name<'_>,
        rtype: Rtype,
        ttl: u32,
        rdatas: crate::rrset::Rdatas<'_>,
    ) -> bool {
        self.reply.rrset(Section::Answer, owner, rtype, ttl, rdatas)
    }
}
