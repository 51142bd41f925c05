//! A route: which pools, in which order, for whom.

use super::sections::{Class, Decision, Order, Sections};
use super::trace::Trace;
use super::{Client, Policy, Step, place};
use crate::config::OnAllDown;
use crate::limits;
use std::sync::Arc;

/// A route, compiled.
#[derive(Clone)]
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
#[derive(Clone)]
pub(super) struct Lottery {
    pub tickets: Vec<Ticket>,
    /// The prefixes by which clients are told apart for good, of IPv4 and IPv6.
    pub sticky: Option<(u8, u8)>,
}

/// What may be drawn.
#[derive(Clone)]
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
    /// What has weight 0, which comes after all others.
    spares: Spares,
    pub on_all_down: OnAllDown,
    /// The Unix time and the seconds for which a draw by weight holds that does not stick; and how many of them are left.
    deal: (u64, u32),
    left: Option<u32>,
    /// Who is told how it came about.
    trace: &'t mut T,
}

impl<T: Trace> Chain<'_, T> {
    /// No pools yet; draws that do not stick are of the Unix time `deal.0`, for as long as `deal.1`, in seconds.
    pub fn new(trace: &mut T, deal: (u64, u32)) -> Chain<'_, T> {
        Chain {
            pools: Order::default(),
            scopes: [0; limits::CHAIN_POOLS],
            scope: 0,
            spares: Spares::default(),
            on_all_down: OnAllDown::All,
            deal: (deal.0, deal.1.max(1)),
            left: None,
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

    /// Seconds for which it stays as it is drawn; none where no draw ends.
    pub fn left(&self) -> Option<u32> {
        self.left
    }

    /// The number of the deal for a client of this hash. Clients are dealt at different times, so that they do not come back all at once.
    fn deal(&mut self, client: u64) -> u64 {
        let (now, each) = (self.deal.0, u64::from(self.deal.1));
        let since = now + client % each;
        let left = (each - since % each) as u32;
        self.left = Some(self.left.map_or(left, |least| least.min(left)));
        since / each
    }

    fn depends(&mut self, bits: u8) {
        self.scope = self.scope.max(bits);
    }

    fn push(&mut self, pool: u16) {
        let at = self.pools().len();
        self.pools.push(pool);
        if at < self.pools().len() {
            self.scopes[at] = self.scope;
        }
    }
}

/// Steps that were put off, each once, and how deep they are. Numbers alone: a list of them is made in a few instructions, for each choice.
#[derive(Default)]
struct Spares {
    /// The index, whether it is of a route, and the depth.
    list: [u32; limits::CHAIN_POOLS],
    len: usize,
}

impl Spares {
    fn push(&mut self, step: Step, depth: usize) {
        let code = match step {
            Step::Pool(pool) => u32::from(pool),
            Step::Route(route) => u32::from(route) | 1 << 16,
        };
        let known = self.list[..self.len].iter().any(|other| other & 0x1_ffff == code);
        if !known && self.len < self.list.len() {
            self.list[self.len] = code | (depth as u32) << 17;
            self.len += 1;
        }
    }

    fn get(&self, place: usize) -> Option<(Step, usize)> {
        let code = *self.list[..self.len].get(place)?;
        let step = if code & 1 << 16 == 0 { Step::Pool(code as u16) } else { Step::Route(code as u16) };
        Some((step, (code >> 17) as usize))
    }
}

impl Policy {
    /// The name of a pool or route.
    pub(super) fn name_of(&self, step: Step) -> &str {
        match step {
            Step::Pool(pool) => &self.pools[usize::from(pool)].name,
            Step::Route(route) => &self.routes[usize::from(route)].name,
        }
    }

    /// Adds the pools that a step leads a client to, those of weight 0 last: they serve when nothing else does.
    pub(super) fn fill<T: Trace>(&self, chain: &mut Chain<'_, T>, to: Step, client: &Client) {
        self.expand(to, client, chain, 0);
        let mut next = 0;
        while let Some((step, depth)) = chain.spares.get(next) {
            chain.trace.spare();
            self.expand(step, client, chain, depth);
            next += 1;
        }
    }

    /// Adds the pools of a step to the chain.
    fn expand<T: Trace>(&self, step: Step, client: &Client, chain: &mut Chain<'_, T>, depth: usize) {
        match step {
            Step::Pool(pool) => chain.push(pool),
            // Cycles are refused when a zone is loaded; the bound is for policies made otherwise.
            Step::Route(_) if depth > limits::ROUTE_DEPTH => (),
            Step::Route(route) => self.expand_route(&self.routes[usize::from(route)], client, chain, depth),
        }
    }

    fn expand_route<T: Trace>(&self, route: &Route, client: &Client, chain: &mut Chain<'_, T>, depth: usize) {
        if depth == 0 {
            chain.on_all_down = route.on_all_down;
        }
        let Decision { class, bits, .. } = route.sections.decide(client);
        chain.depends(bits);
        chain.trace.decided(self, depth, route, client, bits);
        match class {
            Class::Ordered(steps) => {
                for step in steps.as_slice() {
                    self.expand(route.steps[usize::from(*step)], client, chain, depth + 1);
                }
            }
            Class::Weighted(rule) => self.draw_pools(route, rule, client, chain, depth),
        }
    }

    /// Adds a rule's pools in an order drawn by weight, then the fallback. Each client has its own order, in which a pool that is added,
    /// removed or weighed anew moves none but those that it takes or leaves (weighted rendezvous).
    fn draw_pools<T: Trace>(
        &self,
        route: &Route,
        rule: u8,
        client: &Client,
        chain: &mut Chain<'_, T>,
        depth: usize,
    ) {
        let Some(Lottery { tickets, sticky }) = &route.lotteries[usize::from(rule)] else { return };
        let sticky_bits = |(v4, v6): (u8, u8)| if client.address.is_ipv4() { v4 } else { v6 };
        let bits = sticky.map_or(place::default_bits(client), sticky_bits);
        let weighty = tickets.iter().filter(|ticket| ticket.weight > 0);
        let is_draw = weighty.clone().nth(1).is_some();
        let hash = place::hash_client(client, bits);
        let deal = if is_draw && sticky.is_none() { chain.deal(hash) } else { 0 };
        let hash = hash ^ route.name_hash ^ place::mix(deal);
        let mut drawn = [(0.0, Step::Pool(0)); limits::CHAIN_POOLS];
        let mut count = 0;
        for (slot, ticket) in drawn.iter_mut().zip(weighty) {
            *slot = (place::score(place::mix(hash ^ ticket.name_hash), ticket.weight), ticket.step);
            count += 1;
        }
        let drawn = &mut drawn[..count];
        drawn.sort_unstable_by(|(one, _), (other, _)| other.total_cmp(one));
        let bits = if is_draw { bits.max(client.apart()) } else { 0 };
        chain.depends(bits);
        if let Some((_, first)) = drawn.first() {
            chain.trace.drawn(|| self.name_of(*first), client, bits);
        }
        let fallback = route.fallback.iter().map(|step| route.steps[usize::from(*step)]);
        for step in drawn.iter().map(|(_, step)| *step).chain(fallback) {
            self.expand(step, client, chain, depth + 1);
        }
        for ticket in tickets.iter().filter(|ticket| ticket.weight == 0) {
            chain.spares.push(ticket.step, depth + 1);
        }
    }
}
