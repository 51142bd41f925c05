//! A route: which pools, in which order, for whom.

use super::cidr::{PrefixTrie, RuleSet};
use super::geo::{Field, Located};
use super::{Client, Policy, Step, place};
use crate::config::OnAllDown;
use crate::limits;

/// A route, compiled.
pub(super) struct Route {
    pub name_hash: u64,
    pub rules: Vec<Rule>,
    pub fallback: Vec<Step>,
    pub on_all_down: OnAllDown,
    /// Which rules' `cidr` hold a client.
    pub prefixes: PrefixTrie,
}

/// A rule. Empty lists are keys that are not written.
pub(super) struct Rule {
    pub has_cidr: bool,
    pub asn: Vec<u32>,
    pub country: Vec<[u8; 2]>,
    pub continent: Vec<[u8; 2]>,
    pub action: Action,
    pub sticky: Option<(u8, u8)>,
}

/// What a rule does.
pub(super) enum Action {
    /// In this order.
    Ordered(Vec<Step>),
    /// One first by weight, then the others in order.
    Weighted(Vec<(Step, u32)>),
    /// By distance, each times its factor (1 − bias/100).
    Nearest(Vec<(usize, f64)>),
}

/// The pools to try, in order, and what the choice of them depended on.
pub(super) struct Chain {
    pools: [u16; limits::CHAIN_POOLS],
    len: usize,
    pub scope: u8,
    pub on_all_down: OnAllDown,
}

impl Default for Chain {
    fn default() -> Chain {
        Chain { pools: [0; limits::CHAIN_POOLS], len: 0, scope: 0, on_all_down: OnAllDown::All }
    }
}

impl Chain {
    /// The pools in order, each once.
    pub fn pools(&self) -> &[u16] {
        &self.pools[..self.len]
    }

    fn push(&mut self, pool: usize) {
        let pool = pool as u16;
        if !self.pools().contains(&pool) && self.len < self.pools.len() {
            self.pools[self.len] = pool;
            self.len += 1;
        }
    }
}

impl Route {
    /// Every pool and route it may lead to.
    pub fn steps(&self) -> impl Iterator<Item = Step> {
        let used = self.rules.iter().flat_map(|rule| match &rule.action {
            Action::Ordered(steps) => steps.clone(),
            Action::Weighted(steps) => steps.iter().map(|(step, _)| *step).collect(),
            Action::Nearest(pools) => pools.iter().map(|(pool, _)| Step::Pool(*pool)).collect(),
        });
        used.chain(self.fallback.iter().copied())
    }
}

impl Rule {
    fn needs_place(&self) -> bool {
        !(self.asn.is_empty() && self.country.is_empty() && self.continent.is_empty())
    }

    /// Whether its prefixes alone decide: those of later rules do not matter to a client within them.
    pub fn is_prefixes_only(&self) -> bool {
        self.has_cidr && !self.needs_place()
    }

    /// Whether its geographic keys hold for a place, one that is not known satisfying none; and for how long a prefix that is so.
    fn holds(&self, located: &Located) -> (bool, u8) {
        fn one<T: PartialEq + Copy>(list: &[T], field: Field<T>, bits: &mut u8) -> bool {
            if list.is_empty() {
                return true;
            }
            *bits = field.bits.max(*bits);
            field.value.is_some_and(|value| list.contains(&value))
        }
        let mut bits = 0;
        let holds = one(&self.asn, located.asn, &mut bits)
            && one(&self.country, located.country, &mut bits)
            && one(&self.continent, located.continent, &mut bits);
        (holds, bits)
    }
}

impl Policy {
    /// Adds the pools of a step to the chain.
    pub(super) fn expand(&self, step: Step, client: &Client, epoch: u64, chain: &mut Chain, depth: usize) {
        match step {
            Step::Pool(pool) => chain.push(pool),
            // Cycles are refused when a zone is loaded; the bound is for policies made otherwise.
            Step::Route(_) if depth > limits::ROUTE_DEPTH => (),
            Step::Route(route) => self.expand_route(&self.routes[route], client, epoch, chain, depth),
        }
    }

    fn expand_route(&self, route: &Route, client: &Client, epoch: u64, chain: &mut Chain, depth: usize) {
        if depth == 0 {
            chain.on_all_down = route.on_all_down;
        }
        let (held, scope) = route.prefixes.find(client);
        let (mut located, mut matched) = (None, None);
        for (i, rule) in route.rules.iter().enumerate() {
            if rule.has_cidr {
                // From here on the answer depends on the prefixes.
                chain.scope = chain.scope.max(scope);
                if held & (1 as RuleSet) << i == 0 {
                    continue;
                }
            }
            if rule.needs_place() {
                let located = located.get_or_insert_with(|| self.locate(client));
                let (holds, bits) = rule.holds(located);
                chain.scope = chain.scope.max(bits.min(client.bits));
                if !holds {
                    continue;
                }
            }
            self.act(route, i, client, epoch, chain, depth);
            matched = Some(rule);
            break;
        }
        for step in &route.fallback {
            self.expand(*step, client, epoch, chain, depth + 1);
        }
        // Weight 0 serves when nothing else does.
        if let Some(Rule { action: Action::Weighted(steps), .. }) = matched {
            for (step, _) in steps.iter().filter(|(_, weight)| *weight == 0) {
                self.expand(*step, client, epoch, chain, depth + 1);
            }
        }
    }

    /// Adds what a rule's action names.
    fn act(&self, route: &Route, rule: usize, client: &Client, epoch: u64, chain: &mut Chain, depth: usize) {
        let Rule { action, sticky, .. } = &route.rules[rule];
        match action {
            Action::Ordered(steps) => {
                for step in steps {
                    self.expand(*step, client, epoch, chain, depth + 1);
                }
            }
            Action::Weighted(steps) => {
                let bits = match sticky {
                    Some((v4, v6)) => {
                        if client.address.is_ipv4() {
                            *v4
                        } else {
                            *v6
                        }
                    }
                    None => place::default_bits(client),
                };
                chain.scope = chain.scope.max(bits);
                let epoch = if sticky.is_some() { 0 } else { epoch };
                let hash = place::mix(
                    place::hash_client(client, bits)
                        ^ route.name_hash
                        ^ place::mix(epoch ^ (rule as u64) << 56),
                );
                let total: u64 = steps.iter().map(|(_, weight)| u64::from(*weight)).sum();
                let mut lot = if total > 0 { hash % total } else { 0 };
                let first = steps.iter().position(|(_, weight)| {
                    let taken = lot < u64::from(*weight);
                    lot = lot.wrapping_sub(if taken { 0 } else { u64::from(*weight) });
                    taken
                });
                let first = first.map(|first| steps[first].0);
                let others = steps.iter().filter(|(_, weight)| *weight > 0).map(|(step, _)| *step);
                for step in first.into_iter().chain(others) {
                    self.expand(step, client, epoch, chain, depth + 1);
                }
            }
            Action::Nearest(pools) => self.nearest(pools, client, chain),
        }
    }

    /// Adds pools by distance; in the order of the list where the client's place is not known.
    fn nearest(&self, pools: &[(usize, f64)], client: &Client, chain: &mut Chain) {
        let located = self.locate(client);
        chain.scope = chain.scope.max(located.place.bits.min(client.bits));
        let mut order = [(0.0, 0); limits::CHAIN_POOLS];
        let order = &mut order[..pools.len().min(limits::CHAIN_POOLS)];
        for (slot, (pool, factor)) in order.iter_mut().zip(pools) {
            let far = located
                .place
                .value
                .zip(self.pools[*pool].location)
                .map_or(0.0, |(a, b)| place::distance(a, b));
            *slot = (far * factor, *pool);
        }
        if located.place.value.is_some() {
            // Stable and without allocation: the lists are short.
            for i in 1..order.len() {
                let mut at = i;
                while at > 0 && order[at - 1].0 > order[at].0 {
                    order.swap(at - 1, at);
                    at -= 1;
                }
            }
        }
        for (_, pool) in order.iter() {
            chain.push(*pool);
        }
    }
}
