//! What comes back: whether it is the reply, what a server cannot do, and where its answer leads.

use super::claims::{Claims, Place};
use super::delegation::{Delegation, Servers};
use super::exchange::Exchange;
use super::judge::{Ending, Judging, Source};
use super::query::{Match, Sent};
use super::scrub::{self, Asked, Finding, Why};
use super::task::{Again, State, Task, TaskId, Trouble};
use super::trace::{Said, Step};
use super::{ExchangeId, Failure, Question, Reply, Resolver, Transport};
use crate::cache::{EntryBuf, Key};
use crate::clock::Instant;
use crate::config::Minimise;
use crate::limits;
use crate::wire::{Flags, Message, Name, Rcode, Rtype};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Resolver {
    /// Takes the end of an exchange.
    pub(super) fn take_reply(&mut self, now: Instant, id: ExchangeId, reply: Reply<'_>) {
        let trouble = match reply {
            Reply::Message(octets) => return self.take_message(now, id, octets),
            Reply::Unreachable => Trouble::Unreachable,
            Reply::NotSent => Trouble::NotSent,
        };
        let Some(Exchange { sent, tasks, .. }) = self.close(id, false) else { return };
        // One that does not do TCP may be well all the same.
        if trouble == Trouble::Unreachable && sent.query.transport == Transport::Udp {
            self.known.servers.unreachable(sent.query.server, &sent.delegation.zone, now);
        }
        for task in tasks {
            self.try_next(now, id, task, &sent, trouble);
        }
    }

    /// Takes a message that came for an exchange.
    fn take_message(&mut self, now: Instant, id: ExchangeId, octets: &[u8]) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        let message = Message::parse(octets).ok();
        let matched = message.as_ref().map_or(Match::No, |message| exchange.sent.matches(message));
        let (Some(message), Match::Yes(cookie)) = (message, matched) else {
            return self.take_stranger(now, id, matched);
        };
        let Some(Exchange { sent, tasks, .. }) = self.close(id, false) else { return };
        let took = (!sent.repeated).then(|| now.since(sent.at));
        self.known.servers.answered(&sent, took, cookie, now);
        for task in tasks {
            self.charge(now, task, 0, octets.len() as u32);
            self.take_answer(now, id, task, &sent, &message);
        }
    }

    /// A message that is not quite the reply may be forged, and more forgeries may follow (RFC 5452 §4): over TCP the truth is
    /// heard. What the server can do is not judged by it until it happens again and again.
    fn take_stranger(&mut self, now: Instant, id: ExchangeId, matched: Match) {
        let nobody_waits = |exchange: &Exchange| {
            exchange.tasks.is_empty() && exchange.sent.query.transport == Transport::Udp
        };
        if self.exchanges.get(id).is_some_and(nobody_waits) {
            return;
        }
        let Some(Exchange { sent, tasks, .. }) = self.close(id, false) else { return };
        let server = sent.query.server;
        if sent.query.transport == Transport::Tcp {
            self.known.servers.lame(server, &sent.delegation.zone, now);
            for task in tasks {
                self.try_next(now, id, task, &sent, Trouble::Reply(Why::Malformed));
            }
            return;
        }
        self.known.servers.strange(server, matched, now);
        for task in tasks {
            let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&task) else { continue };
            visit.over(id);
            self.heard(now, task, &sent, Said::Strange);
            self.ask_again(
                now,
                task,
                Again { server, transport: Transport::Tcp, confirms: true, plain: false },
            );
        }
    }

    /// A task gets the reply to its query.
    fn take_answer(
        &mut self,
        now: Instant,
        id: ExchangeId,
        task: TaskId,
        sent: &Sent,
        message: &Message<'_>,
    ) {
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&task) else { return };
        visit.over(id);
        // Another server answered before, and its answer is being judged.
        if visit.judging.is_some() {
            return;
        }
        let (server, transport) = (sent.query.server, sent.query.transport);
        let again = |transport| Again { server, transport, confirms: sent.confirms, plain: false };
        let flags = message.header().flags;
        if flags.has(Flags::TC) && transport == Transport::Udp {
            self.heard(now, task, sent, Said::Truncated);
            return self.ask_again(now, task, Again { confirms: false, ..again(Transport::Tcp) });
        }
        if flags.has(Flags::TC) {
            return self.try_next(now, id, task, sent, Trouble::Reply(Why::CutOff));
        }
        // RFC 6891 §7: servers of before EDNS say one of these; BADVERS has the low bits of NOERROR and an OPT.
        let refused = matches!(flags.rcode(), Rcode::FORMERR | Rcode::NOTIMP);
        if sent.edns && (refused || is_extended(message, Rcode::BADVERS)) {
            self.known.servers.without_edns(server, now + limits::QUIRK_TIME);
            self.heard(now, task, sent, Said::NoEdns);
            return self.ask_again(now, task, again(transport));
        }
        // It was not EDNS that it did not understand.
        if refused && !sent.edns {
            self.known.servers.without_edns(server, Instant::ZERO);
        }
        // RFC 7873 §5.3: the reply brought the cookie to use.
        if is_extended(message, Rcode::BADCOOKIE) && transport == Transport::Udp {
            self.heard(now, task, sent, Said::WantsCookie);
            let transport = if sent.confirms { Transport::Tcp } else { Transport::Udp };
            return self.ask_again(now, task, Again { confirms: true, ..again(transport) });
        }
        self.take_finding(now, id, task, sent, message);
    }

    /// Acts on what a reply says.
    fn take_finding(
        &mut self,
        now: Instant,
        id: ExchangeId,
        task: TaskId,
        sent: &Sent,
        message: &Message<'_>,
    ) {
        let Some(Task { question, state: State::At(visit), beyond_routes, .. }) = self.tasks.get(&task)
        else {
            return;
        };
        let beyond_routes = *beyond_routes;
        let (question, delegation) = (question.clone(), Arc::clone(&visit.delegation));
        let settings = Arc::clone(&self.settings);
        let asked = Asked {
            name: sent.query.name.as_name(),
            rtype: sent.query.rtype,
            zone: &delegation,
            settings: &settings,
            realm: question.realm(settings.realm),
        };
        let part = asked.name.len() < question.name.as_name().len();
        let rcode = message.header().flags.rcode();
        let finding = scrub::read(&asked, message);
        let said = match &finding {
            Finding::Claims(_) | Finding::TooLong(_) if part => Some(Said::NoCut(rcode)),
            Finding::Claims(_) | Finding::TooLong(_) => Some(Said::Answer(rcode)),
            Finding::Referral { .. } => Some(Said::Referral),
            Finding::Filtered(..) => Some(Said::Filtered),
            Finding::Useless(why) if part => Some(Said::Trouble(Trouble::Reply(*why))),
            // `try_next` says so.
            Finding::Useless(_) => None,
        };
        if let Some(said) = said {
            self.heard(now, task, sent, said);
        }
        match finding {
            Finding::Referral { zone, servers, ttl, evidence } => {
                // Nobody can keep a delegation alive for longer than it was given by the zones above.
                let expires = (now + Duration::from_secs(ttl.max(1).into())).min(delegation.expires);
                let (servers, heard) = (Servers::Named(servers), now);
                let next = Arc::new(Delegation { zone, servers, expires, evidence, heard });
                // What stands in for servers that the config names must not take their place when they are back.
                let stands_in = beyond_routes && settings.route(next.zone.as_name()).is_some();
                if !stands_in {
                    let known = &self.known.delegations[usize::from(question.start.is_some())];
                    known.insert(Arc::clone(&next), now);
                }
                self.note_part(task, part);
                self.visit(now, task, next);
            }
            finding if part => {
                let whole = Asked { name: question.name.as_name(), rtype: question.rtype, ..asked };
                self.take_part(now, task, sent, finding, &whole, message);
            }
            Finding::Claims(claims) => {
                // What a forward says of the roots need not be so.
                let by_roots = matches!(delegation.servers, Servers::Named(_));
                if question.name.as_name().is_root() && question.rtype == Rtype::NS && by_roots {
                    self.learn_roots(now, message);
                }
                self.take_claims(now, task, claims, None, sent);
            }
            Finding::TooLong(claims) => {
                let ending = Ending::Beside(Failure::too_long());
                self.take_claims(now, task, claims, Some(ending), sent);
            }
            Finding::Filtered(claims, failure) => {
                self.take_claims(now, task, claims, Some(Ending::Instead(failure)), sent);
            }
            Finding::Useless(why) => {
                let lame = matches!(why, Why::Rcode(Rcode::REFUSED | Rcode::NOTAUTH) | Why::Sideways);
                if lame && !delegation.is_forward() {
                    self.known.servers.lame(sent.query.server, &delegation.zone, now);
                }
                self.try_next(now, id, task, sent, Trouble::Reply(why));
            }
        }
    }

    /// Takes the answer to a task's question: as it is, or when it is judged.
    fn take_claims(&mut self, now: Instant, id: TaskId, claims: Claims, ending: Option<Ending>, sent: &Sent) {
        let Some(Task { question, .. }) = self.tasks.get(&id) else { return };
        if self.judges(question) {
            let (server, transport) = (sent.query.server, sent.query.transport);
            let source = Source { server, transport, edns: sent.edns };
            return self.begin_judging(now, id, Judging::new(claims, ending, Some(source)));
        }
        let (realm, checking_disabled) = (question.realm(self.settings.realm), question.checking_disabled);
        self.conclude(now, id, claims.unchecked(&Place { realm, checking_disabled, now }), ending);
    }

    /// Notes what a server said to a task.
    fn heard(&mut self, now: Instant, id: TaskId, sent: &Sent, said: Said) {
        if let Some(Task { trace, .. }) = self.tasks.get_mut(&id) {
            let (server, took) = (sent.query.server, now.since(sent.at));
            trace.note(now, Step::Heard { server, took, said });
        }
    }

    //------- Parts of names ---------------------------------------------------------------------------------------

    /// Acts on what a server said of a part of the name, no referral; `whole` is what is asked in the end.
    fn take_part(
        &mut self,
        now: Instant,
        id: TaskId,
        sent: &Sent,
        finding: Finding,
        whole: &Asked<'_>,
        message: &Message<'_>,
    ) {
        self.note_part(id, true);
        let (Finding::Claims(claims), Some(task)) = (finding, self.tasks.get(&id)) else {
            return self.ask_whole(now, id, sent);
        };
        // What was not asked for is not judged.
        let checking_disabled = self.keeps_apart(&task.question);
        let facts = claims.unchecked(&Place { realm: whole.realm, checking_disabled, now });
        self.keep(&facts);
        // The code may be that of a name that the part is an alias of; then names below the part may exist.
        let part = sent.query.name.as_name();
        let denied = |fact: &EntryBuf| fact.key().rtype == Key::NXDOMAIN && fact.key().name == part;
        if !facts.iter().any(denied) {
            return self.ask_on(now, id, sent);
        }
        // A server may deny a name that has names below it. The roots do not; others are believed when the config says so.
        let believed = self.settings.minimise == Minimise::Strict || whole.zone.zone.as_name().is_root();
        match believed.then(|| scrub::read(whole, message)) {
            Some(Finding::Claims(claims)) => self.take_claims(now, id, claims, None, sent),
            _ => self.ask_whole(now, id, sent),
        }
    }

    fn note_part(&mut self, id: TaskId, part: bool) {
        if let Some(Task { minimised, .. }) = self.tasks.get_mut(&id) {
            *minimised = minimised.saturating_add(u8::from(part));
        }
    }

    /// The part that was asked leads to no delegation: more of the name is asked.
    fn ask_on(&mut self, now: Instant, id: TaskId, sent: &Sent) {
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) else { return };
        visit.known_labels = visit.known_labels.max(sent.query.name.as_name().label_count());
        self.ask_same(now, id, sent);
    }

    /// The part that was asked leads to trouble: the whole name is asked, here and from here on.
    fn ask_whole(&mut self, now: Instant, id: TaskId, sent: &Sent) {
        if let Some(task) = self.tasks.get_mut(&id) {
            task.whole = true;
        }
        self.ask_same(now, id, sent);
    }

    /// Asks on at the server that just answered.
    fn ask_same(&mut self, now: Instant, id: TaskId, sent: &Sent) {
        let (server, transport) = (sent.query.server, Transport::Udp);
        self.ask_again(now, id, Again { server, transport, confirms: false, plain: false });
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
            let task = self.task(now, question, None);
            self.start(now, task);
        }
    }

    /// Takes the roots' own list in place of the hints.
    fn learn_roots(&mut self, now: Instant, message: &Message<'_>) {
        if let Some((servers, ttl)) = scrub::root_servers(message) {
            let expires = now + Duration::from_secs(ttl.max(1).into());
            let zone = Name::ROOT.to_owned();
            let roots = Delegation { expires, ..Delegation::unending(zone, Servers::Named(servers)) };
            self.known.delegations[0].insert(Arc::new(roots), now);
            self.known.priming_due.store(expires.as_nanos(), Ordering::Relaxed);
        }
    }
}

/// Whether a message has this response code, whose upper bits are in the OPT record (RFC 6891 §6.1.3).
fn is_extended(message: &Message<'_>, rcode: Rcode) -> bool {
    let opt = message.records().flatten().find(|record| record.rtype == Rtype::OPT);
    let low = message.header().flags.rcode().0;
    opt.is_some_and(|opt| (opt.ttl >> 24) as u16 == rcode.0 >> 4 && low == rcode.0 & 15)
}
