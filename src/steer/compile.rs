//! From a zone file's pools and routes to a policy.

use super::geo::Gives;
use super::pool::{Kind, Pool};
use super::route::{Lottery, Route, Ticket};
use super::sections::{Leads, Near, Nearest, Section, Spec};
use super::{Geo, Member, Policy, Shared, Steering, Step, Target, place};
use crate::config::{
    self, ActionSpec, Diagnostics, Lines, PoolKind, PoolSpec, RouteSpec, RuleSpec, Spanned, UseSpec, ZoneFile,
};
use crate::limits;
use crate::zone::SteerId;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Policy {
    /// Compiles a zone's pools and routes; every error has its place. Returns the policy and, for each `steered` entry of the
    /// file in order, its id (none where it was wrong). Routes whose match sections are equal to some in `shared` have them in common.
    pub fn compile(
        file: &ZoneFile,
        geo: Option<&Arc<Geo>>,
        shared: &Shared,
        diagnostics: &mut Diagnostics,
    ) -> (Policy, Vec<Option<SteerId>>) {
        let mut policy = Policy {
            apex: file.apex.clone(),
            targets: Vec::new(),
            pools: Vec::new(),
            routes: Vec::new(),
            members: Vec::new(),
        };
        for spec in &file.pools {
            let pool = policy.pool(spec);
            policy.pools.push(pool);
        }
        let geo = Geo::with_networks(geo, &file.networks);
        let geo = geo.as_ref();
        // Many files have none.
        let lines = if file.routes.is_empty() { Lines::default() } else { diagnostics.lines() };
        let places = Places { file, lines };
        for spec in &file.routes {
            let route = places.route(spec, geo, shared, diagnostics);
            policy.routes.push(route);
        }
        for (count, what) in [
            (policy.members.len(), "members in all pools"),
            (policy.pools.len(), "pools"),
            (policy.routes.len(), "routes"),
        ] {
            if count > usize::from(u16::MAX) {
                diagnostics.error(None, format!("{}: more than {} {what}", file.apex, u16::MAX));
            }
        }
        let ids = file.steered.iter().map(|steered| {
            let to = match &steered.target {
                config::Target::Pool(name) => places.pool(name).map(Step::Pool),
                config::Target::Route(name) => {
                    places.step(name).filter(|step| matches!(step, Step::Route(_)))
                }
            }?;
            let may_alias = policy.find_pool(to, &|pool| pool.alias().is_some()).is_some();
            policy.targets.push(Target { to, ttl: steered.ttl, may_alias });
            let id = SteerId((policy.targets.len() - 1) as u32);
            if let Some(pool) = policy.leads_back(to, steered.owner.as_name()) {
                let told = diagnostics.error(
                    Some(steered.span),
                    format!("{} leads to itself: pool {pool} is a CNAME of it", steered.owner),
                );
                told.help = Some("name another host, or a pool of addresses".into());
            }
            if may_alias {
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
                    hash: place::hash(member.id.as_bytes()),
                    address: member.address,
                    weight: member.weight.unwrap_or(1),
                }));
                // Load makes weights of those that are all alike.
                let weighted = spec.shed.is_some() || members.iter().any(|member| member.weight.is_some());
                let most = limits::POOL_ANSWERS as u8;
                Kind::Members {
                    members: start..self.members.len(),
                    pick: *pick,
                    answer: answer
                        .unwrap_or(if weighted || *pick == config::Pick::Hash { 1 } else { most })
                        .min(most),
                    turns: Default::default(),
                }
            }
        };
        Pool { name: spec.name.value.clone(), kind, min_healthy: spec.min_healthy }
    }
}

/// Works out the decisions of every route that has none yet, within [`limits::DECISIONS`] and [`limits::ALL_DECISIONS`]; until then, and where
/// they do not fit, each client's is worked out when it asks. Off the hot path: may take seconds. Returns the routes that stay so.
pub fn compile_decisions(policies: &[Steering]) -> BTreeSet<String> {
    let routes = || policies.iter().flat_map(|steering| &steering.policy.routes);
    let mut sections: Vec<_> = routes().map(|route| &route.sections).collect();
    sections.sort_by_key(|sections| Arc::as_ptr(sections));
    sections.dedup_by_key(|sections| Arc::as_ptr(sections));
    // Those that are compiled already first: they have their memory.
    sections.sort_by_key(|sections| sections.compiled().is_none());
    let mut left = limits::ALL_DECISIONS;
    let mut large = BTreeSet::new();
    for sections in sections {
        match sections.compile(left.min(limits::DECISIONS)) {
            Some(octets) => left = left.saturating_sub(octets),
            None => drop(large.insert(Arc::as_ptr(sections))),
        }
    }
    let too_large = |route: &&Route| large.contains(&Arc::as_ptr(&route.sections));
    let of_zone = |policy: &Policy| -> Vec<String> {
        let routes = policy.routes.iter().filter(too_large);
        routes.map(|route| format!("{} of {}", route.name, policy.apex)).collect()
    };
    policies.iter().flat_map(|steering| of_zone(&steering.policy)).collect()
}

/// Names of pools, routes and networks, and where they are. References were checked when the file was read; one to nothing is left out.
struct Places<'f> {
    file: &'f ZoneFile,
    /// Where what is written.
    lines: Lines,
}

impl Places<'_> {
    /// The number of a pool. That there are too many is told elsewhere.
    fn pool(&self, name: &Spanned<String>) -> Option<u16> {
        let place = self.file.pools.iter().position(|pool| pool.name.value == name.value)?;
        place.try_into().ok()
    }

    fn step(&self, name: &Spanned<String>) -> Option<Step> {
        let route = || {
            let place = self.file.routes.iter().position(|route| route.name.value == name.value)?;
            Some(Step::Route(place.try_into().ok()?))
        };
        self.pool(name).map(Step::Pool).or_else(route)
    }

    fn route(
        &self,
        spec: &RouteSpec,
        geo: Option<&Arc<Geo>>,
        shared: &Shared,
        diagnostics: &mut Diagnostics,
    ) -> Route {
        if spec.rules.len() > limits::ROUTE_RULES {
            let message = format!("route {} has more than {} rules", spec.name.value, limits::ROUTE_RULES);
            diagnostics.error(Some(spec.name.span), message).help =
                Some("split it: a route may lead to another".into());
        }
        let rules = &spec.rules[..spec.rules.len().min(limits::ROUTE_RULES)];
        let mut steps = Numbered::default();
        let sections = rules.iter().map(|rule| self.section(rule, &mut steps)).collect();
        let lotteries = rules.iter().map(|rule| self.lottery(rule)).collect();
        let fallback: Vec<u16> =
            spec.fallback.iter().filter_map(|name| Some(steps.number(self.step(name)?))).collect();
        // A database matters only to those that ask where clients are, and may change.
        let sections = Spec { rules: sections, fallback: fallback.clone() };
        let geo = geo.filter(|_| sections.wanted() != Gives::default());
        // That there is no source at all is told when the file is read.
        let gives = geo.map(|geo| geo.gives()).filter(|gives| *gives != Gives::default());
        let lacking = gives.map(|gives| sections.wanted().lacking(gives)).unwrap_or_default();
        if !lacking.is_empty() {
            let (route, lacking) = (&spec.name.value, lacking.join(" and "));
            let message = format!("route {route} asks for the {lacking} of clients, which no source says");
            diagnostics.warning(Some(spec.name.span), message).help = Some(
                "such keys hold for nobody, and nearest keeps the order of its list: add a database that has it".into(),
            );
        }
        // The pools of a draw by weight are the route's own, but may lead to a CNAME as others may.
        for ticket in rules.iter().flat_map(|rule| self.lottery(rule)).flat_map(|lottery| lottery.tickets) {
            steps.number(ticket.step);
        }
        Route {
            name: spec.name.value.clone(),
            name_hash: place::hash(spec.name.value.as_bytes()),
            sections: shared.sections(sections, geo),
            steps: steps.list,
            fallback,
            lotteries,
            on_all_down: spec.on_all_down,
            written: (
                self.lines.of(spec.name.span),
                rules.iter().map(|rule| self.lines.of(rule.span)).collect(),
            ),
        }
    }

    fn section(&self, spec: &RuleSpec, steps: &mut Numbered) -> Section {
        let named = spec
            .networks
            .iter()
            .filter_map(|name| self.file.networks.iter().find(|network| network.name.value == name.value));
        let cidr: Vec<IpNet> =
            spec.cidr.iter().chain(named.flat_map(|network| &network.cidr)).copied().collect();
        let leads = match &spec.action {
            ActionSpec::Use(uses) if is_weighted(uses) => Leads::Weighted,
            ActionSpec::Use(uses) => Leads::Ordered(
                uses.iter().filter_map(|used| Some(steps.number(self.step(&used.pool)?))).collect(),
            ),
            ActionSpec::Nearest { pools, bias, skip, take } => {
                let near = |name: &Spanned<String>| {
                    let pool = self.pool(name)?;
                    let bias =
                        bias.iter().find(|(pool, _)| pool.value == name.value).map_or(0, |(_, bias)| *bias);
                    let millionths = |degrees: f64| (degrees * 1e6).round() as i32;
                    let location = self.file.pools[usize::from(pool)].location;
                    let location = location.map(|(a, b)| (millionths(a), millionths(b)));
                    Some(Near { pool: steps.number(Step::Pool(pool)), location, bias })
                };
                let pools = pools.iter().filter_map(near).collect();
                Leads::Nearest(Nearest { pools, skip: *skip, take: *take })
            }
        };
        let cidr = (!(spec.cidr.is_empty() && spec.networks.is_empty())).then_some(cidr);
        let (asn, country, continent) = (spec.asn.clone(), spec.country.clone(), spec.continent.clone());
        Section { cidr, asn, country, continent, leads }
    }

    fn lottery(&self, spec: &RuleSpec) -> Option<Lottery> {
        let ActionSpec::Use(uses) = &spec.action else { return None };
        let tickets = uses.iter().filter_map(|used| {
            let name_hash = place::hash(used.pool.value.as_bytes());
            Some(Ticket { step: self.step(&used.pool)?, weight: used.weight.unwrap_or(0), name_hash })
        });
        is_weighted(uses).then(|| Lottery { tickets: tickets.collect(), sticky: spec.sticky })
    }
}

fn is_weighted(uses: &[UseSpec]) -> bool {
    uses.iter().any(|used| used.weight.is_some())
}

/// Steps in the order in which a route first names them.
#[derive(Default)]
struct Numbered {
    list: Vec<Step>,
}

impl Numbered {
    fn number(&mut self, step: Step) -> u16 {
        let known = self.list.iter().position(|other| *other == step);
        let place = known.unwrap_or_else(|| {
            self.list.push(step);
            self.list.len() - 1
        });
        place as u16
    }
}
