//! The steps of a task: what to ask next, whom, and what to do when nobody answers.

use super::query::{Query, Sent};
use super::select::{self, Choice};
use super::task::{Again, State, Task, TaskId, Trouble};
use super::trace::{Said, Step};
use super::{ExchangeId, Resolver, minimise};
use crate::cache::{Fact, Key};
use crate::clock::Instant;
use crate::config::Minimise;
use crate::limits;
use crate::wire::{Ede, Flags, Name, OwnedName, Rtype};
use rand_chacha::rand_core::Rng;
use std::sync::Arc;

impl Resolver {
    /// Sends the next query of a task, or looks up the addresses it lacks, or gives it up.
    pub(super) fn step(&mut self, now: Instant, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        let State::At(visit) = &mut task.state else { return };
        if visit.exchange.is_some() || visit.judging.is_some() {
            return;
        }
        if task.sent >= limits::ATTEMPTS_PER_TASK || visit.sent() >= limits::ATTEMPTS_PER_VISIT {
            let text = format!("{} queries are enough; {}", task.sent, visit.verdict());
            return self.fail(now, id, Ede::NO_REACHABLE_AUTHORITY, text);
        }
        match visit.again.take() {
            Some(again) => self.ask(now, id, Choice { ask: again, probe: None }),
            None => match self.choose(now, id) {
                Some(choice) => self.ask(now, id, choice),
                None => self.fetch_addresses(now, id),
            },
        }
    }

    fn choose(&mut self, now: Instant, id: TaskId) -> Option<Choice> {
        let State::At(visit) = &self.tasks.get(&id)?.state else { return None };
        let (delegation, found) = (Arc::clone(&visit.delegation), visit.found.clone());
        let candidates = self.addresses(now, &delegation, found);
        let State::At(visit) = &self.tasks.get(&id)?.state else { return None };
        let servers = self.known.servers.survey(&candidates, &delegation.zone, now);
        select::choose(&servers, visit, &mut self.rng)
    }

    /// Sends what was chosen.
    fn ask(&mut self, now: Instant, id: TaskId, choice: Choice) {
        let Some((name, rtype)) = self.asking(now, id) else { return };
        self.charge(now, id, 1, 0);
        // Those who could not pay may have been the last: then there is no task any more.
        let Some(exchange) = self.send(now, id, choice.ask, &name, rtype) else { return };
        if let Some(task) = self.tasks.get_mut(&id)
            && let State::At(visit) = &mut task.state
        {
            task.sent += 1;
            visit.note_asked(choice.ask.server);
            visit.late.retain(|late| *late != exchange);
            visit.exchange = Some(exchange);
        }
        // What is asked for our own curiosity costs the client nothing.
        let Some(server) = choice.probe else { return };
        if let Some(Task { state: State::At(visit), .. }) = self.tasks.get(&id) {
            self.known.servers.probed(server, &visit.delegation.zone, now);
        }
        let probe = Again { server, ..choice.ask };
        let Some(exchange) = self.send(now, id, probe, &name, rtype) else { return };
        if let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) {
            visit.late.push(exchange);
        }
    }

    /// Sends a task's query to one server.
    fn send(
        &mut self,
        now: Instant,
        id: TaskId,
        again: Again,
        name: &OwnedName,
        rtype: Rtype,
    ) -> Option<ExchangeId> {
        let judges = self.judges(&self.tasks.get(&id)?.question);
        let task = self.tasks.get_mut(&id)?;
        let State::At(visit) = &mut task.state else { return None };
        let delegation = Arc::clone(&visit.delegation);
        let fresh = self.rng.next_u64();
        let mut manner = self.known.servers.manner(again.server, &delegation, fresh, now);
        manner.case &= self.settings.case_randomisation;
        if again.plain {
            (manner.case, manner.cookie) = (false, Default::default());
        }
        let forward = delegation.is_forward();
        let transport = if manner.tcp && !again.plain { super::Transport::Tcp } else { again.transport };
        let flags = Flags::default()
            .with(Flags::RD, forward)
            // RFC 6840 §5.9: who validates wants the data, and not somebody else's verdict.
            .with(Flags::CD, forward && (task.question.checking_disabled || judges));
        let query = Query { server: again.server, transport, name: name.clone(), rtype, flags };
        task.trace.queries += 1;
        task.trace.note(now, Step::Asked { server: again.server, name: name.clone(), rtype, transport });
        let mut sent = Sent::new(now, query, delegation, manner, &mut self.rng);
        // What made TCP the way to ask may be over, or a forger's work: where it fails there is still UDP.
        sent.confirms = again.confirms || transport != again.transport;
        Some(self.exchange(now, id, sent))
    }

    /// What to ask at the delegation a task is at: its question, or as much of the name as is needed there.
    fn asking(&mut self, now: Instant, id: TaskId) -> Option<(OwnedName, Rtype)> {
        let task = self.tasks.get(&id)?;
        let State::At(visit) = &task.state else { return None };
        let (question, mut known) = (task.question.clone(), visit.known_labels);
        let (minimised, whole) = (task.minimised, task.whole || visit.delegation.is_forward());
        let name = question.name.as_name();
        let part = loop {
            if self.settings.minimise == Minimise::Off || whole {
                break name;
            }
            let part = name.suffix(minimise::labels(name, known, minimised));
            if part.len() == name.len() {
                break name;
            }
            match self.leads_on(now, &question, part) {
                Some(false) => known = part.label_count(),
                Some(true) => break part,
                None => break name,
            }
        };
        if let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) {
            visit.known_labels = known;
        }
        let rtype = if part.len() == name.len() { question.rtype } else { Rtype::A };
        Some((part.to_owned(), rtype))
    }

    /// Whether a part of a question's name may lead to a delegation, as far as the cache knows: not when it has data or is known to
    /// have none. None when it was denied though the question was asked on.
    fn leads_on(&mut self, now: Instant, question: &super::Question, part: Name<'_>) -> Option<bool> {
        let apart = self.keeps_apart(question);
        let both = [question.checking_disabled, apart];
        let kept = &both[..1 + usize::from(apart != question.checking_disabled)];
        let types = [Rtype::A, Rtype::CNAME, Key::NXDOMAIN];
        for (checking_disabled, rtype) in kept.iter().flat_map(|&apart| types.map(|rtype| (apart, rtype))) {
            let realm = question.realm(self.settings.realm);
            let key = Key { realm, name: part, rtype, checking_disabled, failed: false };
            let entry = self.cache.get(&key, &mut self.scratch).filter(|entry| entry.ttl_left(now) > 0);
            match entry {
                Some(_) if rtype == Key::NXDOMAIN => return None,
                Some(entry) if rtype == Rtype::A || matches!(entry.fact, Fact::Records { .. }) => {
                    return Some(false);
                }
                _ => (),
            }
        }
        Some(true)
    }

    /// An exchange of a task is overdue: others are asked.
    pub(super) fn too_late(&mut self, now: Instant, exchange: ExchangeId, id: TaskId, sent: &Sent) {
        let (server, took) = (sent.query.server, now.since(sent.at));
        let Some(Task { question, whole, state: State::At(visit), trace, .. }) = self.tasks.get_mut(&id)
        else {
            return;
        };
        // Some servers do not answer a part of a name. One lost packet says nothing of that.
        let part = sent.query.name.as_name().len() < question.name.as_name().len();
        *whole |= part && visit.attempts(server) != Some(1);
        visit.note_trouble(server, Trouble::TimedOut);
        trace.note(now, Step::Heard { server, took, said: Said::Trouble(Trouble::TimedOut) });
        if visit.exchange.take_if(|current| *current == exchange).is_some() {
            visit.late.push(exchange);
            self.step(now, id);
        }
    }

    /// An exchange came to nothing: notes it and goes on with the next server.
    pub(super) fn try_next(
        &mut self,
        now: Instant,
        exchange: ExchangeId,
        id: TaskId,
        sent: &Sent,
        trouble: Trouble,
    ) {
        let Some(Task { state: State::At(visit), trace, starved, .. }) = self.tasks.get_mut(&id) else {
            return;
        };
        visit.over(exchange);
        *starved |= trouble == Trouble::NotSent;
        let (server, took) = (sent.query.server, now.since(sent.at));
        trace.note(now, Step::Heard { server, took, said: Said::Trouble(trouble) });
        if sent.confirms && !matches!(trouble, Trouble::Reply(_)) && visit.attempts(server).is_some() {
            // It does not do TCP: what it says over UDP is all there is.
            let transport = super::Transport::Udp;
            visit.again = Some(Again { server, transport, confirms: false, plain: true });
        } else {
            visit.note_trouble(server, trouble);
        }
        self.step(now, id);
    }

    /// Asks a server that answers once more, in another way, in place of whoever was asked after it.
    pub(super) fn ask_again(&mut self, now: Instant, id: TaskId, again: Again) {
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) else { return };
        visit.again = Some(again);
        if let Some(other) = visit.exchange.take() {
            visit.late.push(other);
        }
        self.step(now, id);
    }
}
