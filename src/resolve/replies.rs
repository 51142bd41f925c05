//! What comes back: whether it is the reply, what a server cannot do, and where its answer leads.

use super::delegation::{Delegation, Servers};
use super::query::{Match, Sent};
use super::scrub::{self, Asked, Finding, Why};
use super::task::{Again, State, Task, TaskId, Trouble, Visit};
use super::{ExchangeId, Failure, Output, Question, Resolver, Transport};
use crate::clock::Instant;
use crate::limits;
use crate::wire::{Flags, Message, Name, Rcode, Rtype};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Resolver {
    /// Takes a message that came for an exchange.
    pub(super) fn take_message(
        &mut self,
        now: Instant,
        exchange: ExchangeId,
        id: TaskId,
        sent: &Sent,
        octets: &[u8],
    ) {
        let message = Message::parse(octets).ok();
        let matched = message.as_ref().map_or(Match::No, |message| sent.matches(message));
        let (Some(message), true) = (message, matched != Match::No) else {
            // It may be forged, and the true one may still come (RFC 5452 §4); not so on a connection.
            if sent.transport == Transport::Tcp {
                self.exchanges.remove(&exchange);
                self.outputs.push_back(Output::Cancel { exchange, timed_out: false });
                self.try_next(now, exchange, id, sent, Trouble::Reply(Why::Malformed));
            }
            return;
        };
        self.exchanges.remove(&exchange);
        self.outputs.push_back(Output::Cancel { exchange, timed_out: false });
        self.known.servers.answered(sent.server, now.since(sent.at));
        self.charge(id, 0, octets.len() as u32);
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) else { return };
        visit.over(exchange);
        let again = |transport, confirms| Again { server: sent.server, transport, confirms };
        if matched == Match::ButForCase {
            // It may be a forgery or a server that does not keep case: TCP tells.
            self.known.servers.without_case(sent.server, now);
            return self.ask_again(now, id, again(Transport::Tcp, true));
        }
        let (flags, udp) = (message.header().flags, sent.transport == Transport::Udp);
        if flags.has(Flags::TC) && udp {
            return self.ask_again(now, id, again(Transport::Tcp, false));
        }
        // RFC 6891 §7: servers of before EDNS say one of these; BADVERS has the low bits of NOERROR and an OPT.
        let refused = matches!(flags.rcode(), Rcode::FORMERR | Rcode::NOTIMP) || is_badvers(&message);
        if sent.edns && refused {
            self.known.servers.without_edns(sent.server, now);
            return self.ask_again(now, id, again(sent.transport, sent.confirms));
        }
        self.take_finding(now, exchange, id, sent, &message);
    }

    /// Asks a server that answers once more, in another way, in place of whoever was asked after it.
    fn ask_again(&mut self, now: Instant, id: TaskId, again: Again) {
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) else { return };
        visit.again = Some(again);
        if let Some(other) = visit.exchange.take() {
            self.exchanges.remove(&other);
            self.outputs.push_back(Output::Cancel { exchange: other, timed_out: false });
        }
        self.step(now, id);
    }

    /// Acts on what a reply says.
    fn take_finding(
        &mut self,
        now: Instant,
        exchange: ExchangeId,
        id: TaskId,
        sent: &Sent,
        message: &Message<'_>,
    ) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        let State::At(visit) = &mut task.state else { return };
        let delegation = Arc::clone(&visit.delegation);
        let asked = Asked {
            name: task.question.name.as_name(),
            rtype: task.question.rtype,
            zone: &delegation,
            realm: self.settings.realm,
            checking_disabled: task.question.checking_disabled,
            now,
        };
        match scrub::read(&asked, message) {
            Finding::Facts(facts) => {
                if task.question.name.as_name().is_root() && task.question.rtype == Rtype::NS {
                    self.learn_roots(now, message);
                }
                let too_long = message.header().flags.rcode() == Rcode::YXDOMAIN;
                self.settle(now, id, facts, too_long.then(Failure::too_long));
            }
            Finding::Referral { zone, servers, ttl } => {
                let expires = now + Duration::from_secs(ttl.max(1).into());
                let next = Arc::new(Delegation { zone, servers: Servers::Named(servers), expires });
                let visited = std::mem::replace(&mut **visit, Visit::new(Arc::clone(&next)));
                self.end_visit(id, &visited);
                self.known.delegations.insert(next, now);
                self.step(now, id);
            }
            Finding::Useless(why) => {
                let lame = matches!(why, Why::Rcode(Rcode::REFUSED | Rcode::NOTAUTH) | Why::Sideways);
                if lame && !delegation.is_forward() {
                    self.known.servers.lame(sent.server, &delegation.zone, now);
                }
                self.try_next(now, exchange, id, sent, Trouble::Reply(why));
            }
        }
    }

    //------- Roots ------------------------------------------------------------------------------------------------

    /// Asks the roots for their own list when it is due (RFC 9609); questions do not wait for it.
    pub(super) fn prime(&mut self, now: Instant) {
        if !self.settings.priming || self.settings.root_hints.is_empty() {
            return;
        }
        let due = self.known.priming_due.load(Ordering::Relaxed);
        let next = (now + limits::PRIMING_RETRY).as_nanos();
        let mine = now.as_nanos() >= due
            && self
                .known
                .priming_due
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        // With a forward for everything the roots are never asked.
        if !mine || self.settings.routes.iter().any(|route| route.zone.as_name().is_root()) {
            return;
        }
        let name = Name::ROOT.to_owned();
        let question = Question { name, rtype: Rtype::NS, checking_disabled: false, start: None };
        if !self.by_question.contains_key(&question) {
            let task = self.task(question, 0, None);
            self.start(now, task);
        }
    }

    /// Takes the roots' own list in place of the hints.
    fn learn_roots(&mut self, now: Instant, message: &Message<'_>) {
        if let Some((servers, ttl)) = scrub::root_servers(message) {
            let expires = now + Duration::from_secs(ttl.max(1).into());
            let zone = Name::ROOT.to_owned();
            self.known
                .delegations
                .insert(Arc::new(Delegation { zone, servers: Servers::Named(servers), expires }), now);
            self.known.priming_due.store(expires.as_nanos(), Ordering::Relaxed);
        }
    }
}

fn is_badvers(message: &Message<'_>) -> bool {
    let opt = message.records().flatten().find(|record| record.rtype == Rtype::OPT);
    opt.is_some_and(|opt| opt.ttl >> 24 == 1 && message.header().flags.rcode() == Rcode::NOERROR)
}
