//! Where to ask: the addresses of a delegation's servers, and looking up those that are not known.

use super::delegation::{Delegation, Servers};
use super::scrub;
use super::task::{State, Task, TaskId, Trouble, Waiter};
use super::{Question, Resolver, Settled};
use crate::cache::{Entry, Fact, Key};
use crate::clock::Instant;
use crate::limits;
use crate::wire::{Ede, Name, OwnedName, Rtype};
use std::net::{IpAddr, SocketAddr};

impl Resolver {
    /// The addresses of a delegation's servers that are known and may be asked; `found` are those looked up for it.
    pub(super) fn addresses(
        &mut self,
        now: Instant,
        delegation: &Delegation,
        mut found: Vec<IpAddr>,
    ) -> Vec<SocketAddr> {
        let Servers::Named(servers) = &delegation.servers else {
            let Servers::Fixed { addresses, .. } = &delegation.servers else { return Vec::new() };
            return addresses.clone();
        };
        for (name, glue) in servers {
            found.extend_from_slice(glue);
            if glue.is_empty() {
                for rtype in [Rtype::A, Rtype::AAAA] {
                    self.cached_addresses(now, name.as_name(), rtype, &mut found);
                }
            }
        }
        let mut addresses: Vec<SocketAddr> = Vec::with_capacity(found.len());
        for address in found {
            let address = SocketAddr::new(address.to_canonical(), self.settings.upstream_port);
            if self.may_ask(address.ip()) && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }

    /// Whether an address may be asked: of a family in use, and not denied.
    fn may_ask(&self, address: IpAddr) -> bool {
        let (v4, v6) = self.settings.families;
        (if address.is_ipv4() { v4 } else { v6 })
            && !self.settings.deny.iter().any(|denied| denied.contains(&address))
    }

    fn cached_addresses(&mut self, now: Instant, name: Name<'_>, rtype: Rtype, found: &mut Vec<IpAddr>) {
        let key = Key { realm: self.settings.realm, name, rtype, checking_disabled: false };
        let entry = self.cache.get(&key, &mut self.scratch).filter(|entry| entry.ttl_left(now) > 0);
        if let Some(Entry { fact: Fact::Records { rdatas, .. }, .. }) = entry {
            let addresses = rdatas.iter().filter_map(|rdata| scrub::address(rtype, rdata));
            found.extend(addresses.take(limits::SERVER_ADDRESSES));
        }
    }

    /// Whether the cache settles a lookup that would be made: with addresses, an alias, a denial or a failure.
    fn is_cached(&mut self, now: Instant, name: Name<'_>, wanted: Rtype) -> bool {
        [wanted, Rtype::CNAME, Key::NXDOMAIN].into_iter().any(|rtype| {
            let key = Key { realm: self.settings.realm, name, rtype, checking_disabled: false };
            let entry = self.cache.get(&key, &mut self.scratch).filter(|entry| entry.ttl_left(now) > 0);
            // That there is no alias settles nothing.
            entry.is_some_and(|e| rtype != Rtype::CNAME || matches!(e.fact, Fact::Records { .. }))
        })
    }

    /// Looks up the addresses of name servers that have none; a few at a time. When there is nothing left to do the task fails.
    pub(super) fn fetch_addresses(&mut self, now: Instant, id: TaskId) {
        loop {
            let Some(task) = self.tasks.get(&id) else { return };
            let State::At(visit) = &task.state else { return };
            if visit.exchange.is_some() || visit.pending.len() >= limits::FETCHES_AT_ONCE {
                return;
            }
            let depth = task.depth + 1;
            let port = self.settings.upstream_port;
            let is_usable = |address: IpAddr| {
                self.may_ask(address) && visit.attempts(SocketAddr::new(address, port)).is_some()
            };
            let Some((name, rtype)) = visit.unfetched(self.settings.families, depth, is_usable) else {
                break;
            };
            let mut found = Vec::new();
            self.cached_addresses(now, name.as_name(), rtype, &mut found);
            let known = !found.is_empty();
            if let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) {
                visit.fetched.push((name.clone(), rtype));
                visit.found.extend(found);
            }
            if known {
                return self.step(now, id);
            }
            if !self.is_cached(now, name.as_name(), rtype) {
                self.fetch(now, id, name, rtype, depth);
            }
        }
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get(&id) else { return };
        if visit.exchange.is_none() && visit.pending.is_empty() && visit.late.is_empty() {
            let unreachable = visit.troubles.iter().all(|(_, trouble)| !matches!(trouble, Trouble::Reply(_)));
            let ede = if unreachable { Ede::NO_REACHABLE_AUTHORITY } else { Ede::NETWORK_ERROR };
            let text = visit.verdict();
            self.fail(now, id, ede, text);
        }
    }

    /// Starts the lookup of one name server's addresses, unless it would wait for itself.
    fn fetch(&mut self, now: Instant, parent: TaskId, name: OwnedName, rtype: Rtype, depth: u8) {
        let question = Question { name, rtype, checking_disabled: false, start: None };
        if let Some(&existing) = self.by_question.get(&question)
            && self.waits_for(parent, existing)
        {
            return;
        }
        if self.tasks.len() >= limits::TASKS {
            return;
        }
        let child = self.task(question, depth, Some(Waiter::Task(parent)));
        if let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&parent) {
            visit.pending.push(child);
        }
        self.start(now, child);
    }

    /// Whether `other` waits for `id`, directly or through others, or is it.
    fn waits_for(&self, id: TaskId, other: TaskId) -> bool {
        let (mut seen, mut queue) = (vec![id], vec![id]);
        while let Some(next) = queue.pop() {
            if next == other {
                return true;
            }
            for waiter in self.tasks.get(&next).map_or(&[][..], |task| &task.waiters) {
                if let Waiter::Task(parent) = *waiter
                    && !seen.contains(&parent)
                {
                    seen.push(parent);
                    queue.push(parent);
                }
            }
        }
        false
    }

    /// A lookup of addresses ended: the task that waited for it goes on with what it came to.
    pub(super) fn fetched(&mut self, now: Instant, parent: TaskId, child: TaskId, settled: &Settled) {
        if let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&parent) {
            visit.pending.retain(|pending| *pending != child);
            for entry in settled.entries.iter().filter(|entry| entry.key().name == settled.name.as_name()) {
                if let Fact::Records { rdatas, .. } = entry.entry().fact {
                    let addresses =
                        rdatas.iter().filter_map(|rdata| scrub::address(entry.key().rtype, rdata));
                    visit.found.extend(addresses.take(limits::SERVER_ADDRESSES));
                }
            }
            self.step(now, parent);
        }
    }
}
