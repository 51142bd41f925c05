//! The decision: own zones, then steering, then cache, then Resolve. One synchronous function for every transport; it does not
//! allocate, lock, await or log (only a [`Job`] it hands out is allocated).
//!
//! A chain of CNAMEs and DNAMEs is walked link by link: each link asks own zones first, then what was learnt, then for a job. When
//! the job is settled the request comes back here with its [`Progress`], which is read before the cache, so results that may not be
//! cached end the walk too.

mod hints;
mod learnt;
mod own;
mod reply;
mod sentinel;
mod view;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_guard;
#[cfg(test)]
mod tests_of_steering;

use crate::cache::Scratch;
use crate::clock::Instant;
use crate::guard::Rates;
use crate::guard::cookie::Checked;
use crate::guard::rate::{Kind, Pass};
pub use crate::metrics::{Dropped, Source, Standing, Validated};
use crate::resolve::{self, Budget, Question, Settled};
use crate::rrset::Rdatas;
use crate::steer::Client;
use crate::wire::{
    Class, ClientSubnet, Ede, Edns, Flags, Name, NameBuf, Query, QueryError, Rcode, Rtype, Section, option,
};
use crate::zone::{Node, RrsetRef, Zone};
use crate::{limits, wire};
use reply::{Bare, Reply};
use sentinel::Sentinel;
use std::net::SocketAddr;
pub use view::{Recursion, UpstreamZone, View};

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A datagram.
    Udp,
    /// A TCP stream.
    Tcp,
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
    /// Which entries that were, so that their next hits do not ask for the same.
    pub refreshed: Refreshed,
}

/// Entries that were to be looked up again, each by the time it was stored, and when: a table that forgets.
pub struct Refreshed([(Instant, Instant); limits::REFRESHES]);

impl Default for Refreshed {
    fn default() -> Refreshed {
        Refreshed([(Instant::ZERO, Instant::ZERO); limits::REFRESHES])
    }
}

impl Refreshed {
    /// Whether an entry was not asked for of late; notes it.
    fn is_due(&mut self, stored: Instant, now: Instant) -> bool {
        let slot = &mut self.0[stored.as_nanos() as usize % limits::REFRESHES];
        let due = slot.0 != stored || now.since(slot.1) >= limits::REFRESH_GAP;
        if due {
            *slot = (stored, now);
        }
        due
    }
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
    /// On which listener: its place in `server.listen`.
    pub listener: usize,
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
    /// What the client has shown with a cookie, if it sent one.
    pub cookie: Option<Standing>,
    /// Whether it is over the rate limit, and so without its content.
    pub slipped: bool,
    /// What validation made of it; none where there was nothing to validate.
    pub validated: Option<Validated>,
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
        Err(error) => return refuse_message(view, request, error, out),
    };
    let recursion = view.may_recurse(request.listener);
    let recursion = recursion.filter(|(_, allow)| allow.allows(request.client.ip())).map(|(r, _)| r);
    let (cookie, malformed) = match cookie(view, request, query.edns) {
        Ok(cookie) => (cookie, None),
        Err(refusal) => (None, Some(refusal)),
    };
    let limit = match (request.transport, &query.edns) {
        (Transport::Tcp, _) => limits::MESSAGE,
        // RFC 6891 §6.2.3 and the sender's word, but never more than passes unfragmented.
        (Transport::Udp, Some(edns)) => edns.udp_size.min(limits::UDP_PAYLOAD) as usize,
        (Transport::Udp, None) => limits::UDP_PLAIN as usize,
    };
    let mut reply = Reply::new(out, limit, &query, recursion.is_some(), cookie);
    let limited = recursion.is_none();
    let subnet = match malformed.map_or_else(|| check(&query), Err) {
        Ok(subnet) => subnet,
        Err(refusal) => {
            reply.refuse(refusal);
            return emit(view, request, limited.then_some((Kind::Error, Name::ROOT)), &mut reply);
        }
    };
    reply.subnet = subnet;
    let client = match subnet {
        // RFC 7871 §7.1.2: a source length of 0 asks not to be told apart by subnet; the sender's own address is what is left.
        Some(subnet) if subnet.source > 0 => Client::new(subnet.address, subnet.source),
        _ => Client::at(request.client.ip()),
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
        limited,
        progress,
        reply,
        target: NameBuf::root(),
        zone: Name::ROOT,
        made_up: false,
        referral: false,
        secure: true,
        unproven: false,
        proofs: [None; limits::CHAIN_LINKS + 1],
    };
    walk.run()
}

/// Sends a reply, if the rate limit of what it is about allows it. Without a limit of its own the reply is to a client that may recurse:
/// such are our own, who ask for many names that no zone here holds, and whose addresses nobody outside should be able to forge. The limit
/// is there for all others, whom anybody may claim to be. A valid cookie or TCP shows that they are not forged.
fn emit(
    view: &View,
    request: &Request<'_>,
    about: Option<(Kind, Name<'_>)>,
    reply: &mut Reply<'_, '_>,
) -> Outcome {
    match pass(view, request, about, reply.standing()) {
        Pass::Whole => Outcome::Reply(reply.finish()),
        Pass::Slip => reply.slip(),
        Pass::Nothing => Outcome::Drop(Dropped::RateLimited),
    }
}

fn pass(
    view: &View,
    request: &Request<'_>,
    about: Option<(Kind, Name<'_>)>,
    standing: Option<Standing>,
) -> Pass {
    let (Some(rates), Some((kind, name))) = (rates(view, request, standing), about) else {
        return Pass::Whole;
    };
    rates.take(request.client.ip(), kind, name, request.now)
}

/// The rate limit for a client whose address may be forged.
fn rates<'v>(view: &'v View, request: &Request<'_>, standing: Option<Standing>) -> Option<&'v Rates> {
    let proven = request.transport == Transport::Tcp || standing == Some(Standing::Valid);
    view.guard.rates.as_deref().filter(|_| !proven)
}

/// Checks the cookie of a query that has one.
fn cookie(view: &View, request: &Request<'_>, edns: Option<Edns<'_>>) -> Result<Option<Checked>, Refusal> {
    // What options of another version mean is not known.
    let option = edns.filter(|edns| edns.version == 0).and_then(|edns| edns.option(option::COOKIE));
    let (Some(cookies), Some(option)) = (&view.guard.cookies, option) else { return Ok(None) };
    let checked = cookies.check(option, request.client.ip(), request.now);
    checked.map(Some).map_err(|_| Refusal {
        rcode: Rcode::FORMERR,
        ede: Some((Ede::OTHER, "malformed cookie: it has 8 or 16 to 40 octets")),
    })
}

/// Answers what is no query with a question, if it gets an answer. That is short: one over the limit is sent as it is, or not.
fn refuse_message(view: &View, request: &Request<'_>, error: QueryError<'_>, out: &mut [u8]) -> Outcome {
    let (id, query, edns) = match error {
        QueryError::Ignore => return Outcome::Drop(Dropped::NotAQuery),
        QueryError::Refuse { id, flags, edns, .. } => (id, flags, edns),
        QueryError::CookieOnly { id, flags, edns } => (id, flags, Some(edns)),
    };
    let (cookie, Refusal { rcode, ede }) = match (cookie(view, request, edns), error) {
        (Err(malformed), _) => (None, malformed),
        // RFC 7873 §5.4: a server cookie that is not good is told.
        (Ok(Some(cookie)), QueryError::CookieOnly { .. }) => {
            let bad = cookie.standing == Standing::Bad;
            (Some(cookie), Refusal { rcode: if bad { Rcode::BADCOOKIE } else { Rcode::NOERROR }, ede: None })
        }
        (Ok(cookie), QueryError::Refuse { rcode: Rcode::NOTIMP, .. }) => {
            let ede = Some((Ede::NOT_SUPPORTED, "of all operations only QUERY is offered"));
            (cookie, Refusal { rcode: Rcode::NOTIMP, ede })
        }
        (Ok(cookie), _) => {
            let ede = Some((Ede::OTHER, "a query has exactly one question"));
            (cookie, Refusal { rcode: Rcode::FORMERR, ede })
        }
    };
    let recursion = view.may_recurse(request.listener);
    let limited = !recursion.is_some_and(|(_, allow)| allow.allows(request.client.ip()));
    let about = limited.then_some((Kind::Error, Name::ROOT));
    match pass(view, request, about, cookie.map(|cookie| cookie.standing)) {
        Pass::Nothing => Outcome::Drop(Dropped::RateLimited),
        Pass::Whole | Pass::Slip => {
            Outcome::Reply(Bare { id, query, rcode, edns: edns.is_some(), cookie, ede }.write(out))
        }
    }
}

/// Whether the client has shown that replies reach the address it says it has: by TCP or a valid cookie.
pub fn is_proven(view: &View, request: &Request<'_>) -> bool {
    let valid = |query: Query<'_>| {
        cookie(view, request, query.edns)
            .is_ok_and(|cookie| cookie.is_some_and(|c| c.standing == Standing::Valid))
    };
    request.transport == Transport::Tcp || Query::parse(request.message).is_ok_and(valid)
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
        return refusal(
            Rcode::NOTAUTH,
            Some((Ede::PROHIBITED, "the query is signed with a key that is not known here")),
        );
    }
    let subnet = query.edns.and_then(|edns| edns.option(option::CLIENT_SUBNET)).map(ClientSubnet::from_query);
    let Ok(subnet) = subnet.transpose() else {
        return refusal(Rcode::FORMERR, Some((Ede::OTHER, "malformed client subnet")));
    };
    match (query.question.rtype, query.question.class) {
        (_, class) if class != Class::IN => {
            refusal(Rcode::REFUSED, Some((Ede::NOT_SUPPORTED, "only class IN is answered")))
        }
        (Rtype::AXFR | Rtype::IXFR, _) => {
            refusal(Rcode::REFUSED, Some((Ede::NOT_SUPPORTED, "zone transfer is not offered")))
        }
        (Rtype::MAILA | Rtype::MAILB, _) => {
            refusal(Rcode::NOTIMP, Some((Ede::NOT_SUPPORTED, "this type is obsolete: ask for MX")))
        }
        // Types of messages and of RFC 9824 §3.5, which no question has.
        (Rtype(0) | Rtype::OPT | Rtype::TSIG | Rtype::TKEY | Rtype::NXNAME, _) => {
            refusal(Rcode::FORMERR, Some((Ede::OTHER, "no question has this type")))
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
    refresh: (&'a mut Option<Refresh>, &'a mut Refreshed),
    /// Whether entries that have run out may be used.
    stale: bool,
    request: &'a Request<'a>,
    query: Query<'a>,
    client: Client,
    /// Set when the client asked for recursion and may.
    recursion: Option<&'a Recursion>,
    /// Whether the rate limit is for this client.
    limited: bool,
    progress: Option<&'a Progress>,
    reply: Reply<'o, 'a>,
    /// Where the chain goes on.
    target: NameBuf,
    /// The own zone that answers, the first of a chain; the root where there is none.
    zone: Name<'a>,
    /// Whether a wildcard or DNAME had a part in the answer.
    made_up: bool,
    /// Whether it is a referral.
    referral: bool,
    /// Whether all links so far were learnt and validated.
    secure: bool,
    /// Whether an alias on the way has a proof that is still to be written.
    unproven: bool,
    /// The nodes whose NSEC or NSEC3 records prove that wildcards had to stand for names of the chain; what they are worth is written
    /// when the answer section is complete.
    proofs: [Option<&'a Node>; limits::CHAIN_LINKS + 1],
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
            // What is ours is true, but nobody has signed it for those who ask.
            self.secure &= matches!(own, Link::Unknown | Link::Delegated(..));
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
                Link::Follow if self.reply.answers(self.target.as_name(), Rtype::CNAME) => {
                    return self.endless("the chain of aliases is a loop");
                }
                Link::Follow => name = self.target.clone(),
                _ => return self.emit(),
            }
        }
        self.endless("the chain of aliases is too long")
    }

    /// Ends the walk of a chain that has no end in reach, which is an error (RFC 1034 §3.6.2): a client that asked for the end would
    /// take a piece of the chain for NODATA. One that asked for what this server has gets the piece.
    fn endless(&mut self, why: &str) -> Outcome {
        if self.recursion.is_some() {
            self.reply.fail(Rcode::SERVFAIL, Some((Ede::OTHER, why)));
        }
        self.emit()
    }

    /// Ends the walk with the reply as it is, under the rate limit of what it says.
    fn emit(&mut self) -> Outcome {
        if self.proofs[0].is_some() {
            self.write_proofs();
        }
        if self.unproven
            && self.reply.is_dnssec_ok()
            && let Some(recursion) = self.recursion
        {
            self.prove_aliases(recursion);
        }
        // RFC 6840 §5.7, §5.8: AD is for those who show that they know it, and not where nothing was to be checked.
        let asked = self.query.flags.has(Flags::AD) || self.reply.is_dnssec_ok();
        let told = matches!(self.reply.rcode, Rcode::NOERROR | Rcode::NXDOMAIN);
        let authentic = self.secure && told && !self.query.flags.has(Flags::CD);
        if authentic && self.is_false_sentinel() {
            self.reply.fail(Rcode::SERVFAIL, None);
        } else if authentic {
            self.reply.set_secure(asked);
        }
        emit(self.view, self.request, self.about(), &mut self.reply)
    }

    /// Whether the question says of a key of the root what is not so here.
    fn is_false_sentinel(&self) -> bool {
        let trust = self.recursion.and_then(|recursion| recursion.sentinel.as_deref());
        let sentinel =
            trust.and_then(|_| Sentinel::read(self.query.question.name, self.query.question.rtype));
        sentinel.zip(trust).is_some_and(|(sentinel, trust)| !sentinel.is_so(trust))
    }

    /// Whether a reply that says what this one says so far would be over its limit, so that it must move nothing.
    fn is_spent(&self) -> bool {
        let (Some(rates), Some((kind, name))) =
            (rates(self.view, self.request, self.reply.standing()), self.about())
        else {
            return false;
        };
        rates.is_spent(self.request.client.ip(), kind, name, self.request.now)
    }

    /// What the reply says, for its limit; none when it has none.
    fn about(&self) -> Option<(Kind, Name<'a>)> {
        let about = match self.reply.rcode {
            Rcode::NOERROR if self.made_up => (Kind::MadeUp, self.zone),
            Rcode::NOERROR if self.referral => (Kind::Referral, self.zone),
            Rcode::NOERROR => (Kind::Answer, self.query.question.name),
            Rcode::NXDOMAIN => (Kind::Denial, self.zone),
            _ => (Kind::Error, self.zone),
        };
        self.limited.then_some(about)
    }

    /// Says that the chain goes on at `target`.
    fn follow(&mut self, target: Name<'_>) -> Link<'a> {
        self.target = target.to_buf();
        Link::Follow
    }

    /// Hands out the job that this name needs, unless the last one failed.
    fn resolve(&mut self, name: Name<'_>, own: Link<'_>) -> Outcome {
        let jobs = self.progress.map_or(0, |progress| progress.settled.len());
        let settled = self.settled_for(name);
        let failure = settled.and_then(|settled| settled.failure.as_ref());
        if let Some(failure) = failure.filter(|failure| failure.rcode == Rcode::YXDOMAIN) {
            self.made_too_long(name, failure);
        } else if let Some(failure) = failure {
            self.reply.fail(failure.rcode, Some((failure.ede, &failure.text)));
        } else if settled.is_some() {
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
        self.emit()
    }

    /// Nobody here speaks for the name, and it may not be asked for.
    fn refuse_recursion(&mut self) {
        let why = match self.view.may_recurse(self.request.listener) {
            Some((_, allow)) if allow.is_empty() => (
                Ede::PROHIBITED,
                "no zone here holds this name, and recursion is not offered at this address",
            ),
            Some((recursion, allow)) if !allow.allows(self.request.client.ip()) => {
                let everywhere = std::ptr::eq(allow, &recursion.allow);
                let text = match everywhere {
                    true => "recursion is not allowed from this address: see resolver.allow",
                    false => "recursion is not allowed from this address: see allow in server.listen",
                };
                (Ede::PROHIBITED, text)
            }
            Some(_) => {
                (Ede::NOT_AUTHORITATIVE, "no zone here holds this name, and recursion was not asked for")
            }
            None => (Ede::NOT_AUTHORITATIVE, "no zone here holds this name, and recursion is off"),
        };
        self.reply.fail(Rcode::REFUSED, Some(why));
        self.reply.source = Source::Refused;
    }

    /// Adds an answer RRset with its RRSIGs and says whether there was room. A DNAME may be there already: a chain may come by a second
    /// time, with another name.
    fn add_signed(&mut self, owner: Name<'_>, set: &RrsetRef<'_>) -> bool {
        set.rtype == Rtype::DNAME && self.reply.answers(owner, set.rtype)
            || self.reply.signed(Section::Answer, owner, set)
    }

    /// Adds an answer RRset that has no signature as [`Walk::add_signed`] does one that has.
    fn add_answer(&mut self, owner: Name<'_>, rtype: Rtype, ttl: u32, rdatas: Rdatas<'_>) -> bool {
        self.add_signed(owner, &RrsetRef { rtype, ttl, rdatas, signatures: Rdatas::EMPTY })
    }
}
