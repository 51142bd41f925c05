//! Where to ask: the addresses of a delegation's servers, and looking up those that are not known.

use super::delegation::{Delegation, Servers};
use super::own::Own;
use super::scrub;
use super::task::{State, Task, TaskId, Trouble, Waiter};
use super::{Question, Resolver, Settled};
use crate::cache::{Entry, Fact, Key};
use crate::clock::Instant;
use crate::limits;
use crate::wire::{Ede, Name, Rtype};
use std::collections::HashSet;
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
        let key = Key { realm: self.settings.realm, name, rtype, checking_disabled: false, failed: false };
        for key in [Key { checking_disabled: self.validates(), ..key }, key] {
            let entry = self.cache.get(&key, &mut self.scratch).filter(|entry| entry.ttl_left(now) > 0);
            if let Some(Entry { fact: Fact::Records { rdatas, .. }, .. }) = entry {
                let addresses = rdatas.iter().filter_map(|rdata| scrub::address(rtype, rdata));
                return found.extend(addresses.take(limits::SERVER_ADDRESSES));
            }
        }
    }

    /// Whether the cache settles a lookup that would be made: with addresses, an alias, a denial or a failure.
    fn is_cached(&mut self, now: Instant, name: Name<'_>, wanted: Rtype) -> bool {
        let settling = [(wanted, false), (Rtype::CNAME, false), (Key::NXDOMAIN, false), (wanted, true)];
        let checking_disabled = self.validates();
        settling.into_iter().any(|(rtype, failed)| {
            let key = Key { realm: self.settings.realm, name, rtype, checking_disabled, failed };
            let entry = self.cache.get(&key, &mut self.scratch).filter(|entry| entry.ttl_left(now) > 0);
            // That there is no alias settles nothing.
            entry.is_some_and(|e| rtype != Rtype::CNAME || matches!(e.fact, Fact::Records { .. }))
        })
    }

    /// Looks up the addresses of name servers that have none; a few at a time. When there is nothing left to do the task fails.
    pub(super) fn fetch_addresses(&mut self, now: Instant, id: TaskId) {
        // The children of a task as deep as may be would be too deep.
        let most = self.levels_above(id).and_then(|above| limits::FETCHES_PER_DELEGATION.get(above));
        let most = most.copied().unwrap_or(0);
        loop {
            let Some(task) = self.tasks.get(&id) else { return };
            let State::At(visit) = &task.state else { return };
            if visit.exchange.is_some() || visit.pending.len() >= limits::FETCHES_AT_ONCE {
                return;
            }
            let port = self.settings.upstream_port;
            let is_usable = |address: IpAddr| {
                self.may_ask(address) && visit.attempts(SocketAddr::new(address, port)).is_some()
            };
            let Some((name, rtype)) = visit.unfetched(self.settings.families, most, is_usable) else {
                break;
            };
            let (mut found, mut start) = (Vec::new(), None);
            let own = match self.own_addresses(name.as_name(), rtype) {
                Own::No => {
                    self.cached_addresses(now, name.as_name(), rtype, &mut found);
                    false
                }
                Own::Addresses(addresses) => {
                    found = addresses;
                    true
                }
                Own::Below(cut) => {
                    start = Some(cut);
                    false
                }
            };
            let known = !found.is_empty();
            if let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&id) {
                visit.fetched.push((name.clone(), rtype));
                visit.found.extend(found);
            }
            if known {
                return self.step(now, id);
            }
            if !own && (start.is_some() || !self.is_cached(now, name.as_name(), rtype)) {
                // Whoever sits at an address that is forged cannot forge signatures, and keys that wait for addresses that wait
                // for keys would wait for ever.
                let checking_disabled = self.validates();
                self.fetch(now, id, Question { name, rtype, checking_disabled, start });
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

    /// Starts the lookup of one name server's addresses, unless it would wait for itself, or too many would wait for each other.
    fn fetch(&mut self, now: Instant, parent: TaskId, question: Question) {
        let existing = self.by_question.get(&question).copied();
        let (above, below) = (self.levels_above(parent), existing.map_or(0, |task| self.levels_below(task)));
        let too_deep = above.is_none_or(|above| above + 1 + below > limits::TASK_DEPTH);
        let crowded = match existing.and_then(|task| self.tasks.get(&task)) {
            Some(task) => task.waiters.len() >= limits::WAITERS,
            None => self.tasks.len() >= limits::TASKS,
        };
        if let Some(task) = self.tasks.get_mut(&parent) {
            task.starved |= crowded;
        }
        if too_deep || crowded || existing.is_some_and(|existing| self.waits_for(parent, existing)) {
            return;
        }
        let child = self.task(now, question, Some(Waiter::Task(parent)));
        if let Some(Task { state: State::At(visit), .. }) = self.tasks.get_mut(&parent) {
            visit.pending.push(child);
        }
        self.start(now, child);
    }

    /// The tasks that wait for one, level by level; `visit` says whether to go on.
    pub(super) fn walk_up(&self, id: TaskId, mut visit: impl FnMut(&[TaskId]) -> bool) {
        let (mut seen, mut level) = (HashSet::from([id]), vec![id]);
        while !level.is_empty() && visit(&level) {
            let tasks = level.iter().filter_map(|id| self.tasks.get(id));
            let waiters = tasks.flat_map(|task| &task.waiters);
            level = waiters
                .filter_map(|waiter| match *waiter {
                    Waiter::Task(parent) => seen.insert(parent).then_some(parent),
                    Waiter::Client(_) => None,
                })
                .collect();
        }
    }

    /// How many tasks wait one for the other above this one; none when too many.
    fn levels_above(&self, id: TaskId) -> Option<usize> {
        let mut levels = 0;
        // The chain of trust leads up the tree of names, and is as long as that.
        let judging = |id: &TaskId| matches!(self.tasks.get(id), Some(Task { state: State::At(visit), .. }) if visit.judging.is_some());
        self.walk_up(id, |level| {
            levels += usize::from(!level.iter().all(judging));
            levels <= limits::TASK_DEPTH + 1
        });
        (levels <= limits::TASK_DEPTH + 1).then_some(levels - 1)
    }

    /// How many it waits for, one for the other. What `fetch` allows bounds it, for lookups
    /// of addresses are not judged, and so wait for no DS or DNSKEY.
    fn levels_below(&self, id: TaskId) -> usize {
        let Some(Task { state: State::At(visit), .. }) = self.tasks.get(&id) else { return 0 };
        visit.pending.iter().map(|&pending| 1 + self.levels_below(pending)).max().unwrap_or(0)
    }

    /// Whether `other` waits for `id`, directly or through others, or is it.
    pub(super) fn waits_for(&self, id: TaskId, other: TaskId) -> bool {
        let mut found = false;
        self.walk_up(id, |level| {
            found |= level.contains(&other);
            !found
        });
        found
    }

    /// A lookup of addresses ended: the task that waited for it goes on with what it came to.
    pub(super) fn fetched(&mut self, now: Instant, parent: TaskId, child: TaskId, settled: &Settled) {
        if let Some(Task { state: State::At(visit), starved, .. }) = self.tasks.get_mut(&parent) {
            *starved |= settled.failure.as_ref().is_some_and(|failure| failure.passing);
            visit.pending.retain(|pending| *pending != child);
            if visit.judging.as_ref().is_some_and(|judging| judging.waits_for(child)) {
                return self.looked_up(now, parent, settled);
            }
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
