//! Names by which the parts of a zone refer to each other: they must exist, and what nobody refers to is told.

use super::reader::closest;
use super::{ActionSpec, Config, Diagnostics, Down, Expect, PoolKind, Spanned, Target, ZoneFile};
use std::collections::BTreeSet;

/// Checks every reference of a zone.
pub(super) fn check(zone: &ZoneFile, config: &Config, diagnostics: &mut Diagnostics) {
    let mut names = Names::of(zone, config);
    for steered in &zone.steered {
        match &steered.target {
            Target::Pool(name) => names.resolve(diagnostics, "pool", name),
            Target::Route(name) => names.resolve(diagnostics, "route", name),
        }
    }
    for route in &zone.routes {
        for rule in &route.rules {
            match &rule.action {
                ActionSpec::Use(uses) => {
                    uses.iter().for_each(|used| names.resolve(diagnostics, "pool or route", &used.pool))
                }
                ActionSpec::Nearest { pools, .. } => {
                    for pool in pools {
                        names.resolve(diagnostics, "pool", pool);
                        let located =
                            zone.pools.iter().any(|p| p.name.value == pool.value && p.location.is_some());
                        if !located && names.pools.contains(&pool.value) {
                            diagnostics
                                .error(Some(pool.span), format!("pool {} has no location", pool.value))
                                .help = Some("nearest needs one: location = \"50.1,8.7\"".into());
                        }
                    }
                }
            }
            rule.networks.iter().for_each(|network| names.resolve(diagnostics, "network", network));
        }
        route.fallback.iter().for_each(|name| names.resolve(diagnostics, "pool or route", name));
    }
    for pool in &zone.pools {
        if let Some(check) = &pool.check {
            names.resolve(diagnostics, "check", check);
        }
    }
    tests(zone, &names, diagnostics);
    cycles(zone, diagnostics);
    duplicates(zone, diagnostics);
    names.tell_unused(zone, diagnostics);
}

/// All names there are, and those that were referred to.
struct Names {
    pools: BTreeSet<String>,
    routes: BTreeSet<String>,
    networks: BTreeSet<String>,
    checks: BTreeSet<String>,
    used: BTreeSet<(&'static str, String)>,
}

impl Names {
    fn of(zone: &ZoneFile, config: &Config) -> Names {
        let networks = zone.networks.iter().chain(&config.networks);
        let checks = zone.checks.iter().chain(&config.checks);
        Names {
            pools: zone.pools.iter().map(|pool| pool.name.value.clone()).collect(),
            routes: zone.routes.iter().map(|route| route.name.value.clone()).collect(),
            networks: networks.map(|network| network.name.value.clone()).collect(),
            checks: checks.map(|check| check.value.clone()).collect(),
            used: BTreeSet::new(),
        }
    }

    /// Notes a reference to a `kind`; one to nothing is an error.
    fn resolve(&mut self, diagnostics: &mut Diagnostics, kind: &'static str, name: &Spanned<String>) {
        let sets: &[(&'static str, &BTreeSet<String>)] = match kind {
            "pool" => &[("pool", &self.pools)],
            "route" => &[("route", &self.routes)],
            "network" => &[("network", &self.networks)],
            "check" => &[("check", &self.checks)],
            _ => &[("pool", &self.pools), ("route", &self.routes)],
        };
        if let Some((found, _)) = sets.iter().find(|(_, set)| set.contains(&name.value)) {
            self.used.insert((found, name.value.clone()));
            return;
        }
        let hint = closest(&name.value, sets.iter().flat_map(|(_, set)| set.iter().map(String::as_str)));
        let told = diagnostics.error(Some(name.span), format!("there is no {kind} named {:?}", name.value));
        told.help = hint.or_else(|| Some(format!("define it: [{}.{}]", sets[0].0, name.value)));
    }

    fn tell_unused(&self, zone: &ZoneFile, diagnostics: &mut Diagnostics) {
        let pools = zone.pools.iter().map(|pool| ("pool", &pool.name));
        let routes = zone.routes.iter().map(|route| ("route", &route.name));
        let networks = zone.networks.iter().map(|network| ("network", &network.name));
        let checks = zone.checks.iter().map(|check| ("check", check));
        for (kind, name) in pools.chain(routes).chain(networks).chain(checks) {
            if !self.used.contains(&(kind, name.value.clone())) {
                diagnostics.warning(Some(name.span), format!("nothing uses the {kind} {}", name.value));
            }
        }
    }
}

fn tests(zone: &ZoneFile, names: &Names, diagnostics: &mut Diagnostics) {
    let member = |id: &String| {
        zone.pools.iter().any(|pool| match &pool.kind {
            PoolKind::Members { members, .. } => members.iter().any(|member| member.id == *id),
            PoolKind::Cname(_) => false,
        })
    };
    for test in &zone.tests {
        for down in &test.down {
            let (known, what) = match &down.value {
                Down::Pool(name) => (names.pools.contains(name), format!("pool named {name:?}")),
                Down::Member(id) => (member(id), format!("member with the id {id:?}")),
            };
            if !known {
                diagnostics.error(Some(down.span), format!("there is no {what}"));
            }
        }
        let (known, what) = match &test.expect {
            Expect::Pool(name) => (names.pools.contains(name), format!("pool named {name:?}")),
            Expect::Member(id) => (member(id), format!("member with the id {id:?}")),
            _ => continue,
        };
        if !known {
            diagnostics.error(Some(test.span), format!("the test expects what is not: there is no {what}"));
        }
    }
}

/// Routes that lead back to themselves.
fn cycles(zone: &ZoneFile, diagnostics: &mut Diagnostics) {
    let next = |name: &str| -> Vec<String> {
        let Some(route) = zone.routes.iter().find(|route| route.name.value == name) else {
            return Vec::new();
        };
        let uses = route.rules.iter().flat_map(|rule| match &rule.action {
            ActionSpec::Use(uses) => uses.iter().map(|used| used.pool.value.clone()).collect(),
            ActionSpec::Nearest { .. } => Vec::new(),
        });
        uses.chain(route.fallback.iter().map(|name| name.value.clone())).collect()
    };
    for route in &zone.routes {
        let (mut seen, mut queue) = (BTreeSet::new(), next(&route.name.value));
        while let Some(name) = queue.pop() {
            if name == route.name.value {
                diagnostics.error(Some(route.name.span), format!("route {name} leads back to itself"));
                break;
            }
            if seen.insert(name.clone()) {
                queue.extend(next(&name));
            }
        }
    }
}

/// Names that an included file defines again, and routes named as pools.
fn duplicates(zone: &ZoneFile, diagnostics: &mut Diagnostics) {
    let mut seen = BTreeSet::new();
    let pools = zone.pools.iter().map(|pool| &pool.name);
    for name in pools.chain(zone.routes.iter().map(|route| &route.name)) {
        if !seen.insert(&name.value) {
            diagnostics
                .error(Some(name.span), format!("{} is the name of another pool or route", name.value));
        }
    }
}
