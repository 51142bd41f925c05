//! The queries that are out, and who waits for each. One that nobody waits for any more is listened to all the same, as far as there is
//! room: whether and when it is answered says what the server is worth.

use super::query::{Query, Sent};
use super::task::TaskId;
use super::{ById, ExchangeId, Output, Resolver, Timer};
use crate::clock::Instant;
use crate::limits;
use std::cmp::Reverse;
use std::collections::HashMap;

/// A query that is out.
pub(super) struct Exchange {
    pub sent: Sent,
    /// Who waits for it.
    pub tasks: Vec<TaskId>,
    /// Its time has run out; others are asked, and it is only listened to.
    pub overdue: bool,
}

/// All of them.
#[derive(Default)]
pub(super) struct Exchanges {
    table: ById<ExchangeId, Exchange>,
    by_query: HashMap<Query, ExchangeId>,
    /// How many nobody waits for.
    orphans: usize,
}

impl Exchanges {
    pub fn get(&self, id: ExchangeId) -> Option<&Exchange> {
        self.table.get(&id)
    }

    /// Takes one out.
    fn remove(&mut self, id: ExchangeId) -> Option<Exchange> {
        let exchange = self.table.remove(&id)?;
        self.by_query.remove(&exchange.sent.query);
        self.orphans -= usize::from(exchange.tasks.is_empty());
        Some(exchange)
    }
}

impl Resolver {
    /// Sends a query for a task, or lets the task wait for an equal one that is out. One that is overdue is sent again, as it was.
    pub(super) fn exchange(&mut self, now: Instant, task: TaskId, mut sent: Sent) -> ExchangeId {
        let Some(&id) = self.exchanges.by_query.get(&sent.query) else {
            let id = ExchangeId(self.fresh_id());
            self.exchanges.by_query.insert(sent.query.clone(), id);
            self.put_out(id, &sent);
            self.exchanges.table.insert(id, Exchange { sent, tasks: vec![task], overdue: false });
            return id;
        };
        let Some(exchange) = self.exchanges.table.get_mut(&id) else { return id };
        if exchange.tasks.is_empty() {
            self.exchanges.orphans -= 1;
        }
        if !exchange.tasks.contains(&task) {
            exchange.tasks.push(task);
        }
        if exchange.overdue {
            let wait = sent.deadline.since(now);
            sent = exchange.sent.clone();
            (sent.at, sent.deadline, sent.repeated) = (now, now + wait, true);
            (exchange.sent, exchange.overdue) = (sent.clone(), false);
            self.put_out(id, &sent);
        }
        id
    }

    fn put_out(&mut self, exchange: ExchangeId, sent: &Sent) {
        self.timers.push(Reverse((sent.deadline, Timer::Exchange(exchange))));
        let (server, transport) = (sent.query.server, sent.query.transport);
        self.outputs.push_back(Output::Send { exchange, server, transport, message: sent.message() });
    }

    /// Ends an exchange.
    pub(super) fn close(&mut self, id: ExchangeId, timed_out: bool) -> Option<Exchange> {
        let exchange = self.exchanges.remove(id)?;
        self.outputs.push_back(Output::Cancel { exchange: id, timed_out });
        Some(exchange)
    }

    /// A task waits no more for an exchange.
    pub(super) fn stop_waiting(&mut self, id: ExchangeId, task: TaskId) {
        let Some(exchange) = self.exchanges.table.get_mut(&id) else { return };
        let waited = exchange.tasks.len();
        exchange.tasks.retain(|waiting| *waiting != task);
        if waited == 0 || !exchange.tasks.is_empty() {
            return;
        }
        self.exchanges.orphans += 1;
        if self.exchanges.orphans > limits::ORPHANS {
            let timed_out = exchange.overdue;
            self.close(id, timed_out);
        }
    }

    /// The time of an exchange may have run out: others are asked, but it is listened to for a while longer, for slow servers
    /// answer too.
    pub(super) fn overdue(&mut self, now: Instant, id: ExchangeId) {
        let Some(exchange) = self.exchanges.table.get_mut(&id) else { return };
        let (deadline, end) = (exchange.sent.deadline, exchange.sent.end());
        // The timer may be of an earlier sending.
        if now < if exchange.overdue { end } else { deadline } {
            return;
        }
        let (server, zone) = (exchange.sent.query.server, &exchange.sent.delegation.zone);
        if !exchange.overdue {
            self.known.servers.timed_out(server, zone, now);
        }
        if now < end {
            exchange.overdue = true;
            let (sent, tasks) = (exchange.sent.clone(), exchange.tasks.clone());
            self.timers.push(Reverse((end, Timer::Exchange(id))));
            for task in tasks {
                self.too_late(now, id, task, &sent);
            }
        } else if let Some(Exchange { sent, tasks, .. }) = self.close(id, true) {
            for task in tasks {
                self.try_next(now, id, task, &sent, super::task::Trouble::TimedOut);
            }
        }
    }
}
