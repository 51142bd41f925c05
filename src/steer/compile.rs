//! From a zone file's pools and routes to a policy.

use super::cidr::{PrefixTrie, RuleSet};
use super::pool::{Kind, Pool};
use super::route::{Action, Route, Rule};
use super::{Geo, Member, Policy, Step, Target, place};
use crate::config::{
    self, ActionSpec, Diagnostics, PoolKind, PoolSpec, RouteSpec, RuleSpec, Spanned, ZoneFile,
};
use crate::limits;
use crate::zone::SteerId;
use ipnet::IpNet;
use std::sync::Arc;

impl Policy {
    /// Compiles a zone's pools and routes; every error has its place. Returns the policy and, for each `steered` entry of the
    /// file in order, its id (none where it was wrong).
    pub fn compile(
        file: &ZoneFile,
        geo: Option<&Arc<Geo>>,
        diagnostics: &mut Diagnostics,
    ) -> (Policy, Vec<Option<SteerId>>) {
        let mut policy = Policy {
            targets: Vec::new(),
            pools: Vec::new(),
            routes: Vec::new(),
            members: Vec::new(),
            geo: geo.cloned(),
        };
        for spec in &file.pools {
            let pool = policy.pool(spec);
            policy.pools.push(pool);
        }
        let places = Places { file };
        for spec in &file.routes {
            let route = places.route(spec, diagnostics);
            policy.routes.push(route);
        }
        if policy.members.len() > u16::MAX as usize {
            diagnostics.error(None, format!("{}: more than {} members in all pools", file.apex, u16::MAX));
        }
        let ids = file.steered.iter().map(|steered| {
            let to = match &steered.target {
                config::Target::Pool(name) => places.pool(name).map(Step::Pool),
                config::Target::Route(name) => {
                    places.step(name).filter(|step| matches!(step, Step::Route(_)))
                }
            }?;
            policy.targets.push(Target { to, ttl: steered.ttl });
            let id = SteerId((policy.targets.len() - 1) as u32);
            if policy.may_alias(id) {
                let apex = steered.owner == file.apex;
                let beside = file.records.iter().any(|record| record.owner == steered.owner);
                if apex || beside {
                    let why = if apex { "is the zone's own name" } else { "has other records" };
                    let told = diagnostics.error(
                        Some(steered.span),
                        format!("{} {why}, and its pools lead to a CNAME", steered.owner),
                    );
                    told.help =
                        Some("a CNAME stands alone (RFC 1034 §3.6.2): use a pool of addresses".into());
                }
            }
            Some(id)
        });
        let ids = ids.collect();
        (policy, ids)
    }

    fn pool(&mut self, spec: &PoolSpec) -> Pool {
        let kind = match &spec.kind {
            PoolKind::Cname(target) => Kind::Alias(target.value.clone()),
            PoolKind::Members { members, pick, answer } => {
                let start = self.members.len();
                self.members.extend(members.iter().take(limits::POOL_MEMBERS).map(|member| Member {
                    id: member.id.clone(),
                    address: member.address,
                    weight: member.weight.unwrap_or(1),
                }));
                let weighted = members.iter().any(|member| member.weight.is_some());
                let most = limits::POOL_ANSWERS as u8;
                Kind::Members {
                    members: start..self.members.len(),
                    pick: *pick,
                    answer: answer
                        .unwrap_or(if weighted || *pick == config::Pick::Hash { 1 } else { most })
                        .min(most),
                    past: Default::default(),
                }
            }
        };
        Pool { name: spec.name.value.clone(), kind, location: spec.location, min_healthy: spec.min_healthy }
    }
}

/// Names of pools, routes and networks, and where they are. References were checked when the file was read; one to nothing is left out.
struct Places<'f> {
    file: &'f ZoneFile,
}

impl Places<'_> {
    fn pool(&self, name: &Spanned<String>) -> Option<usize> {
        self.file.pools.iter().position(|pool| pool.name.value == name.value)
    }

    fn step(&self, name: &Spanned<String>) -> Option<Step> {
        let route =
            || self.file.routes.iter().position(|route| route.name.value == name.value).map(Step::Route);
        self.pool(name).map(Step::Pool).or_else(route)
    }

    fn route(&self, spec: &RouteSpec, diagnostics: &mut Diagnostics) -> Route {
        if spec.rules.len() > limits::ROUTE_RULES {
            let message = format!("route {} has more than {} rules", spec.name.value, limits::ROUTE_RULES);
            diagnostics.error(Some(spec.name.span), message).help =
                Some("split it: a route may lead to another".into());
        }
        let rules = &spec.rules[..spec.rules.len().min(limits::ROUTE_RULES)];
        let mut prefixes: Vec<(IpNet, RuleSet)> = Vec::new();
        for (i, rule) in rules.iter().enumerate() {
            let named = rule.networks.iter().filter_map(|name| {
                self.file.networks.iter().find(|network| network.name.value == name.value)
            });
            let written = rule.cidr.iter().chain(named.flat_map(|network| &network.cidr));
            prefixes.extend(written.map(|prefix| (*prefix, (1 as RuleSet) << i)));
        }
        let rules: Vec<Rule> = rules.iter().map(|rule| self.rule(rule)).collect();
        let decisive = rules.iter().enumerate().filter(|(_, rule)| rule.is_prefixes_only());
        let decisive = decisive.fold(0, |set, (i, _)| set | (1 as RuleSet) << i);
        Route {
            name_hash: place::hash(spec.name.value.as_bytes()),
            rules,
            fallback: spec.fallback.iter().filter_map(|name| self.step(name)).collect(),
            on_all_down: spec.on_all_down,
            prefixes: PrefixTrie::new(&prefixes, decisive),
        }
    }

    fn rule(&self, spec: &RuleSpec) -> Rule {
        let action = match &spec.action {
            ActionSpec::Use(uses) if uses.iter().any(|used| used.weight.is_some()) => Action::Weighted(
                uses.iter()
                    .filter_map(|used| Some((self.step(&used.pool)?, used.weight.unwrap_or(0))))
                    .collect(),
            ),
            ActionSpec::Use(uses) => {
                Action::Ordered(uses.iter().filter_map(|used| self.step(&used.pool)).collect())
            }
            ActionSpec::Nearest { pools, bias } => {
                let factor = |name: &str| {
                    let bias = bias.iter().find(|(pool, _)| pool.value == name).map_or(0, |(_, bias)| *bias);
                    1.0 - f64::from(bias) / 100.0
                };
                Action::Nearest(
                    pools.iter().filter_map(|name| Some((self.pool(name)?, factor(&name.value)))).collect(),
                )
            }
        };
        Rule {
            has_cidr: !(spec.cidr.is_empty() && spec.networks.is_empty()),
            asn: spec.asn.clone(),
            country: spec.country.clone(),
            continent: spec.continent.clone(),
            action,
            sticky: spec.sticky,
        }
    }
}
