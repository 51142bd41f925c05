//! Routes that lead to routes: never in a circle, no deeper and to no more pools than a choice follows.

use super::{ActionSpec, Diagnostics, RouteSpec, RuleSpec, Spanned, Target, ZoneFile};
use crate::limits;
use std::collections::{BTreeMap, BTreeSet};

/// Tells routes that go round in a circle, and those of steered names of which a part would never be tried.
pub(super) fn check(zone: &ZoneFile, diagnostics: &mut Diagnostics) {
    let routes = zone.routes.iter().map(|route| (route.name.value.as_str(), route)).collect();
    let mut walk =
        Walk { routes, done: BTreeMap::new(), path: Vec::new(), told: BTreeSet::new(), diagnostics };
    for route in &zone.routes {
        walk.visit(route);
    }
    let steered = zone.steered.iter().filter_map(|steered| match &steered.target {
        Target::Route(name) => Some(name.value.as_str()),
        Target::Pool(_) => None,
    });
    for name in steered.collect::<BTreeSet<_>>() {
        let (Some(route), Some(reach)) = (walk.routes.get(name), walk.done.get(name)) else { continue };
        for (over, message) in [
            (
                reach.depth > limits::ROUTE_DEPTH,
                format!("route {name} leads to routes more than {} deep", limits::ROUTE_DEPTH),
            ),
            (
                reach.chain.max(reach.steps) > limits::CHAIN_POOLS,
                format!(
                    "route {name} leads to {} pools for one client, of at most {}",
                    reach.chain.max(reach.steps),
                    limits::CHAIN_POOLS
                ),
            ),
        ] {
            if over {
                let told = walk.diagnostics.error(Some(route.name.span), message);
                told.help = Some("what is beyond would never be tried: name pools directly, or fewer".into());
            }
        }
    }
}

/// What is found below a route.
#[derive(Clone, Default)]
struct Reach<'z> {
    /// How deep routes stand below it.
    depth: usize,
    /// Every pool, whatever rule leads there.
    pools: BTreeSet<&'z str>,
    /// The most pools that one client may be led to.
    chain: usize,
    /// The most steps that one route has for a client.
    steps: usize,
}

/// A walk over all routes, depth first.
struct Walk<'z, 'd> {
    routes: BTreeMap<&'z str, &'z RouteSpec>,
    done: BTreeMap<&'z str, Reach<'z>>,
    /// The routes that led here.
    path: Vec<&'z str>,
    /// Steps that close a circle.
    told: BTreeSet<(&'z str, &'z str)>,
    diagnostics: &'d mut Diagnostics,
}

impl<'z> Walk<'z, '_> {
    fn visit(&mut self, route: &'z RouteSpec) -> Reach<'z> {
        let name = route.name.value.as_str();
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        if let Some(first) = self.path.iter().position(|other| *other == name) {
            let circle = [&self.path[first..], &[name]].concat().join(" to ");
            if self.told.insert((self.path[self.path.len() - 1], name)) {
                self.diagnostics.error(Some(route.name.span), format!("routes lead in a circle: {circle}"));
            }
            return Reach::default();
        }
        // Far beyond what is allowed, and before the stack ends.
        if self.path.len() > 16 * limits::ROUTE_DEPTH {
            return Reach { depth: self.path.len(), ..Reach::default() };
        }
        self.path.push(name);
        let mut reach = Reach::default();
        let fallback: Vec<&str> = names(&route.fallback).collect();
        // One rule at most is followed, then the fallback.
        let rules = route.rules.iter().map(uses).chain([Vec::new()]);
        for rule in rules {
            let tried: BTreeSet<&str> = rule.into_iter().chain(fallback.iter().copied()).collect();
            let mut chain = 0;
            reach.steps = reach.steps.max(tried.len());
            for name in tried {
                let Some(below) = self.routes.get(name).copied().map(|route| self.visit(route)) else {
                    reach.pools.insert(name);
                    chain += 1;
                    continue;
                };
                reach.depth = reach.depth.max(below.depth + 1);
                reach.pools.extend(below.pools);
                chain += below.chain;
                reach.steps = reach.steps.max(below.steps);
            }
            reach.chain = reach.chain.max(chain);
        }
        // Routes below may share pools, each of which counts once.
        reach.chain = reach.chain.min(reach.pools.len());
        self.path.pop();
        self.done.insert(name, reach.clone());
        reach
    }
}

fn names(list: &[Spanned<String>]) -> impl Iterator<Item = &str> {
    list.iter().map(|name| name.value.as_str())
}

/// What a rule names.
fn uses(rule: &RuleSpec) -> Vec<&str> {
    match &rule.action {
        ActionSpec::Use(uses) => uses.iter().map(|used| used.pool.value.as_str()).collect(),
        ActionSpec::Nearest { pools, .. } => names(pools).collect(),
    }
}
