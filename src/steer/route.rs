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
    pub pools: Vec<(Step, u32)>,
    /// The prefixes by which clients are told apart for good, of IPv4 and IPv6.
    pub sticky: Option<(u8, u8)>,
}

/// The pools to try, in order, and what the choice of them depended on.
pub(super) struct Chain<'t, T> {
    pools: Order,
    pub scope: u8,
    pub on_all_down: OnAllDown,
    /// Who is told how it came about.
    trace: &'t mut T,
}

impl<T: Trace> Chain<'_, T> {
    /// No pools yet.
    pub fn new(trace: &mut T) -> Chain<'_, T> {
        Chain { pools: Order::default(), scope: 0, on_all_down: OnAllDown::All, trace }
    }

    /// Tells which pools there are.
    pub fn tell(&mut self) {
        self.trace.chained(self.pools.as_slice());
    }

    /// The pools in order, each once.
    pub fn pools(&self) -> &[u16] {
        self.pools.as_slice()
    }
}

impl Policy {
    /// The name of a pool or route.
    fn name_of(&self, step: Step) -> &str {
        match step {
            Step::Pool(pool) => &self.pools[pool].name,
            Step::Route(route) => &self.routes[route].name,
        }
    }

    /// Adds the pools of a step to the chain.
    pub(super) fn expand<T: Trace>(
        &self,
        step: Step,
        client: &Client,
        epoch: u64,
        chain: &mut Chain<'_, T>,
        depth: usize,
    ) {
        match step {
            Step::Pool(pool) => chain.pools.push(pool as u16),
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
        chain.scope = chain.scope.max(bits);
        chain.trace.decided(depth, route, client, bits);
        match class {
            Class::Ordered(steps) => {
                for step in steps.as_slice() {
                    self.expand(route.steps[usize::from(*step)], client, epoch, chain, depth + 1);
                }
            }
            Class::Weighted(rule) => self.draw_pools(route, rule, client, epoch, chain, depth),
        }
    }

    /// Adds one of a rule's pools by weight and the others in order, then the fallback, then those of weight 0, which serve when nothing
    /// else does.
    fn draw_pools<T: Trace>(
        &self,
        route: &Route,
        rule: u8,
        client: &Client,
        epoch: u64,
        chain: &mut Chain<'_, T>,
        depth: usize,
    ) {
        let Some(Lottery { pools, sticky }) = &route.lotteries[usize::from(rule)] else { return };
        let bits = sticky.map_or(
            place::default_bits(client),
            |(v4, v6)| {
                if client.address.is_ipv4() { v4 } else { v6 }
            },
        );
        chain.scope = chain.scope.max(bits).max(client.apart());
        let salt = if sticky.is_some() { 0 } else { epoch } ^ u64::from(rule) << 56;
        let hash = place::mix(place::hash_client(client, bits) ^ route.name_hash ^ place::mix(salt));
        let total: u64 = pools.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut lot = if total > 0 { hash % total } else { 0 };
        let first = pools.iter().position(|(_, weight)| {
            let taken = lot < u64::from(*weight);
            lot = lot.wrapping_sub(if taken { 0 } else { u64::from(*weight) });
            taken
        });
        let first = first.map(|first| pools[first].0);
        chain.trace.drawn(|| first.map_or("", |step| self.name_of(step)));
        let (weighty, weightless) =
            (pools.iter().filter(|pool| pool.1 > 0), pools.iter().filter(|pool| pool.1 == 0));
        let fallback = route.fallback.iter().map(|step| route.steps[usize::from(*step)]);
        let in_order = first.into_iter().chain(weighty.map(|pool| pool.0)).chain(fallback);
        for step in in_order.chain(weightless.map(|pool| pool.0)) {
            self.expand(step, client, epoch, chain, depth + 1);
        }
    }
}
