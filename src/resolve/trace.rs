//! What a resolution did, step by step, for people who ask why: whom it asked, what each said and how long that took.

use super::task::Trouble;
use super::{Failure, Question, Transport};
use crate::cache::{EntryBuf, Fact, Key, Verdict};
use crate::clock::Instant;
use crate::limits;
use crate::validate::Flaw;
use crate::wire::{Name, NameBuf, OwnedName, Rcode, Rtype};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The story of one question.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The name.
    pub name: OwnedName,
    /// The type.
    pub rtype: Rtype,
    /// When it began.
    pub begun: Instant,
    /// What was done, each with the time since then. After [`limits::TRACE_STEPS`] no more are kept.
    pub steps: Vec<(Duration, Step)>,
    /// Queries sent for it, lookups of name servers not counted.
    pub queries: u16,
    /// Octets received for it.
    pub octets: u32,
    /// What it came to.
    pub end: End,
    /// What validation found of it: of several links the least.
    pub verdict: Verdict,
}

/// One step.
#[derive(Clone, Debug)]
pub enum Step {
    /// It came to the servers of a zone.
    At(OwnedName),
    /// A server was asked.
    Asked {
        /// Which.
        server: SocketAddr,
        /// For what name: the question's, or a part of it.
        name: OwnedName,
        /// For what type.
        rtype: Rtype,
        /// How.
        transport: Transport,
    },
    /// A server was heard, or not.
    Heard {
        /// Which.
        server: SocketAddr,
        /// The time it took.
        took: Duration,
        /// What it said.
        said: Said,
    },
    /// Nobody had to be asked: it follows from a denial of this zone that was validated before (RFC 8198).
    Synthesised(OwnedName),
    /// What was heard does not validate.
    Bogus(Arc<Flaw>),
    /// The address of a name server was looked up, or a DS or DNSKEY.
    LookedUp(Arc<Trace>),
}

/// What a server said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The answer, or a denial.
    Answer(Rcode),
    /// That others are to be asked.
    Referral,
    /// That the part of the name it was asked for leads to nobody else.
    NoCut(Rcode),
    /// That it is too much for a datagram.
    Truncated,
    /// That it does not understand EDNS.
    NoEdns,
    /// That it wants to see its cookie.
    WantsCookie,
    /// Something that is not quite its reply, so perhaps it was not it who spoke.
    Strange,
    /// What may not be passed on.
    Filtered,
    /// Nothing of use.
    Trouble(Trouble),
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Said::Answer(Rcode::NOERROR) => f.write_str("gave the answer"),
            Said::Answer(rcode) => write!(f, "answered {rcode}"),
            Said::Referral => f.write_str("referred on"),
            Said::NoCut(Rcode::NOERROR) => f.write_str("has the zone of that name too"),
            Said::NoCut(rcode) => write!(f, "answered {rcode} for that part of the name"),
            Said::Truncated => f.write_str("has more than fits a datagram"),
            Said::NoEdns => f.write_str("does not understand EDNS"),
            Said::WantsCookie => f.write_str("wants its cookie"),
            Said::Strange => f.write_str("sent something that may be forged"),
            Said::Filtered => f.write_str("gave what may not be passed on"),
            Said::Trouble(trouble) => trouble.fmt(f),
        }
    }
}

/// What a resolution came to.
#[derive(Clone, Debug, Default)]
pub enum End {
    /// It goes on.
    #[default]
    UnderWay,
    /// Found.
    Found,
    /// The name is another's: it goes on there.
    Alias(OwnedName),
    /// There is no such name, or nothing of that type.
    Denied(Rcode),
    /// Nothing came of it.
    Failed(String),
}

impl Trace {
    pub(super) fn new(question: &Question, begun: Instant) -> Trace {
        let (name, rtype) = (question.name.clone(), question.rtype);
        Trace {
            name,
            rtype,
            begun,
            steps: Vec::new(),
            queries: 0,
            octets: 0,
            end: End::UnderWay,
            verdict: Verdict::Unchecked,
        }
    }

    /// Adds a step.
    pub(super) fn note(&mut self, now: Instant, step: Step) {
        if self.steps.len() < limits::TRACE_STEPS {
            self.steps.push((now.since(self.begun), step));
        }
    }

    /// Sets the end by what was found.
    pub(super) fn finish(&mut self, entries: &[EntryBuf], failure: Option<&Failure>) {
        let verdicts = entries.iter().map(|entry| entry.entry().verdict);
        self.verdict = verdicts.min_by_key(|verdict| *verdict as u8).unwrap_or_default();
        self.end = match failure {
            Some(failure) => End::Failed(failure.text.clone()),
            None => end_of_chain(self.name.as_name(), self.rtype, entries),
        };
    }

    /// How long it took, so far as the steps tell.
    pub fn took(&self) -> Duration {
        self.steps.last().map_or(Duration::ZERO, |(at, _)| *at)
    }
}

/// Follows the aliases among entries to where they lead.
fn end_of_chain(name: Name<'_>, rtype: Rtype, entries: &[EntryBuf]) -> End {
    let mut name = name.to_buf();
    for _ in 0..=limits::REPLY_LINKS {
        let at = |rtype| entries.iter().find(|e| e.key().rtype == rtype && e.key().name == name.as_name());
        if let Some(entry) = at(rtype) {
            let found = matches!(entry.entry().fact, Fact::Records { .. });
            return if found { End::Found } else { End::Denied(Rcode::NOERROR) };
        }
        if at(Key::NXDOMAIN).is_some() {
            return End::Denied(Rcode::NXDOMAIN);
        }
        let alias: Option<NameBuf> = at(Rtype::CNAME).and_then(|entry| match entry.entry().fact {
            Fact::Records { rdatas, .. } => Some(Name::from_wire(rdatas.iter().next()?).ok()?.to_buf()),
            _ => None,
        });
        match alias {
            Some(alias) => name = alias,
            None => break,
        }
    }
    End::Alias(name.as_name().to_owned())
}
