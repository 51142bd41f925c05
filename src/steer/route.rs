//! A route: which pools, in which order, for whom.

use super::sections::{Class, Decision, Order, Sections};
use super::trace::Trace;
use super::{Client, Policy, Step, place};
use crate::config::OnAllDown;
use crate::limits;
use std::sync::Arc;

/// A route, compiled.
pub(super) struct Route {
    pub name: String,
    pub name_hash: u64,
    /// Which rule is for whom.
    pub sections: Arc<Sections>,
    /// The pools and routes that its sections know by number.
    pub steps: Vec<Step>,
    /// What comes after a draw by weight, as numbers of steps.
    pub fallback: Vec<u16>,
    /// For each rule, what it draws by weight, if it does.
    pub lotteries: Vec<Option<Lottery>>,
    pub on_all_down: OnAllDown,
    /// Where its name and each of its rules are written.
    pub written: (String, Vec<String>),
}

/// Pools of which a client has one by weight.
pub(super) struct Lottery {
    pub tickets: Vec<Ticket>,
    /// The prefixes by which clients are told apart for good, of IPv4 and IPv6.
    pub sticky: Option<(u8, u8)>,
}

/// What may be drawn.
pub(super) struct Ticket {
    pub step: Step,
    pub weight: u32,
    /// Of the name of the step.
    pub name_hash: u64,
}

/// The pools to try, in order, and what the choice of them depended on.
pub(super) struct Chain<'t, T> {
    pools: Order,
    /// What each depends on: the decisions made until it was added, in bits of the client.
    scopes: [u8; limits::CHAIN_POOLS],
    /// What all of it depends on.
    scope: u8,
    /// Steps of weight 0 and how deep they are, which come after all others.
    spare: [(Step, u8); limits::CHAIN_POOLS],
    spares: usize,
    pub on_all_down: OnAllDown,
    /// Who is told how it came about.
    trace: &'t mut T,
}

impl<T: Trace> Chain<'_, T> {
    /// No pools yet.
    pub fn new(trace: &mut T) -> Chain<'_, T> {
        Chain {
            pools: Order::default(),
            scopes: [0; limits::CHAIN_POOLS],
            scope: 0,
            spare: [(Step::Pool(0), 0); limits::CHAIN_POOLS],
            spares: 0,
            on_all_down: OnAllDown::All,
            trace,
        }
    }

    /// Tells which pools there are.
    pub fn tell(&mut self) {
        self.trace.chained(self.pools.as_slice());
    }

    /// The pools in order, each once.
    pub fn pools(&self) -> &[u16] {
        self.pools.as_slice()
    }

    /// What an answer depends on for which so many pools were passed over.
    pub fn scope(&self, passed: usize) -> u8 {
        if passed < self.pools().len() { self.scopes[passed] } else { self.scope }
    }

    fn depends(&mut self, bits: u8) {
        self.scope = self.scope.max(bits);
    }

    fn push(&mut self, pool: usize) {
        let at = self.pools().len();
        self.pools.push(pool as u16);
        if at < self.pools().len() {
            self.scopes[at] = self.scope;
        }
    }

    fn put_off(&mut self, step: Step, depth: usize) {
        let known = self.spare[..self.spares].iter().any(|(other, _)| *other == step);
        if !known && self.spares < self.spare.len() {
            self.spare[self.spares] = (step, depth as u8);
            self.spares += 1;
        }
    }
}

impl Policy {
    /// The name of a pool or route.
    pub(super) fn name_of(&self, step: Step) -> &str {
        match step {
            Step::Pool(pool) => &self.pools[pool].name,
            Step::Route(route) => &self.routes[route].name,
        }
    }

    /// Adds the pools that a step leads a client to, those of weight 0 last: they serve when nothing else does.
    pub(super) fn fill<T: Trace>(&self, chain: &mut Chain<'_, T>, to: Step, client: &Client, epoch: u64) {
        self.expand(to, client, epoch, chain, 0);
        let mut next = 0;
        while next < chain.spares {
            let (step, depth) = chain.spare[next];
            self.expand(step, client, epoch, chain, depth.into());
            next += 1;
        }
    }

    /// Adds the pools of a step to the chain.
    fn expand<T: Trace>(
        &self,
        step: Step,
        client: &Client,
        epoch: u64,
        chain: &mut Chain<'_, T>,
        depth: usize,
    ) {
        match step {
            Step::Pool(pool) => chain.push(pool),
            // Cycles are refused when a zone is loaded; the bound is for policies made otherwise.
            Step::Route(_) if depth > limits::ROUTE_DEPTH => (),
            Step::Route(route) => self.expand_route(&self.routes[route], client, epoch, chain, depth),
        }
    }

    fn expand_route<T: Trace>(
        &self,
        route: &Route,
        client: &Client,
        epoch: u64,
        chain: &mut Chain<'_, T>,
        depth: usize,
    ) {
        if depth == 0 {
            chain.on_all_down = route.on_all_down;
        }
        let Decision { class, bits, .. } = route.sections.decide(client);
        chain.depends(bits);
        chain.trace.decided(self, depth, route, client, bits);
        match class {
            Class::Ordered(steps) => {
                for step in steps.as_slice() {
                    self.expand(route.steps[usize::from(*step)], client, epoch, chain, depth + 1);
                }
            }
            Class::Weighted(rule) => self.draw_pools(route, rule, client, epoch, chain, depth),
        }
    }

    /// Adds a rule's pools in an order drawn by weight, then the fallback. Each client has its own order, in which a pool that is added,
    /// removed or weighed anew moves none but those that it takes or leaves (weighted rendezvous).
    fn draw_pools<T: Trace>(
        &self,
        route: &Route,
        rule: u8,
        client: &Client,
        epoch: u64,
        chain: &mut Chain<'_, T>,
        depth: usize,
    ) {
        let Some(Lottery { tickets, sticky }) = &route.lotteries[usize::from(rule)] else { return };
        let sticky_bits = |(v4, v6): (u8, u8)| if client.address.is_ipv4() { v4 } else { v6 };
        let bits = sticky.map_or(place::default_bits(client), sticky_bits);
        let epoch_hash = place::mix(if sticky.is_some() { 0 } else { epoch });
        let hash = place::hash_client(client, bits) ^ route.name_hash ^ epoch_hash;
        let mut drawn = [(0.0, Step::Pool(0)); limits::CHAIN_POOLS];
        let mut count = 0;
        for (slot, ticket) in drawn.iter_mut().zip(tickets.iter().filter(|ticket| ticket.weight > 0)) {
            *slot = (place::score(place::mix(hash ^ ticket.name_hash), ticket.weight), ticket.step);
            count += 1;
        }
        let drawn = &mut drawn[..count];
        drawn.sort_unstable_by(|(one, _), (other, _)| other.total_cmp(one));
        if count > 1 {
            chain.depends(bits.max(client.apart()));
        }
        chain.trace.drawn(|| drawn.first().map_or("", |(_, step)| self.name_of(*step)));
        let fallback = route.fallback.iter().map(|step| route.steps[usize::from(*step)]);
        for step in drawn.iter().map(|(_, step)| *step).chain(fallback) {
            self.expand(step, client, epoch, chain, depth + 1);
        }
        for ticket in tickets.iter().filter(|ticket| ticket.weight == 0) {
            chain.put_off(ticket.step, depth + 1);
        }
    }
}
