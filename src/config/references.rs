//! Names by which the parts of a zone refer to each other: they must exist, and what nobody refers to is told.

use super::reader::closest;
use super::{
    ActionSpec, CheckKind, Config, Diagnostics, Down, Expect, NetworkSpec, PoolKind, RuleSpec, Span, Spanned,
    Target, ZoneFile, moot, routes, unreachable,
};
use std::collections::{BTreeMap, BTreeSet};

/// Checks every reference of a zone.
pub(super) fn check(zone: &ZoneFile, config: &Config, diagnostics: &mut Diagnostics) {
    references(zone, &mut Names::of(zone, config), diagnostics);
    tests(zone, diagnostics);
    routes::check(zone, diagnostics);
    duplicates(zone, diagnostics);
}

/// Warns of what has no effect, in a zone without errors.
pub(super) fn warn(zone: &ZoneFile, config: &Config, diagnostics: &mut Diagnostics) {
    let mut names = Names::of(zone, config);
    references(zone, &mut names, &mut Diagnostics::default());
    names.tell_unused(zone, diagnostics);
    let networks: Vec<&NetworkSpec> = zone.networks.iter().chain(&config.networks).collect();
    unreachable::warn(zone, &networks, diagnostics);
    moot::warn(zone, &networks, diagnostics);
    let needs_place = |rule: &RuleSpec| {
        let keys = rule.asn.len() + rule.country.len() + rule.continent.len();
        keys > 0 || matches!(rule.action, ActionSpec::Nearest { .. })
    };
    let placed = zone.routes.iter().find(|route| route.rules.iter().any(needs_place));
    let known = config.geo.wanted || networks.iter().any(|network| network.place.is_something());
    if let Some(route) = placed.filter(|_| !known) {
        let message =
            format!("route {} asks where clients are, which no [geo] database says", route.name.value);
        diagnostics.warning(Some(route.name.span), message).help = Some(
            "asn, country and continent hold for nobody, nearest keeps the order of its list: set geo.database in \
             the daemon's config"
                .into(),
        );
    }
}

fn references(zone: &ZoneFile, names: &mut Names, diagnostics: &mut Diagnostics) {
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
    for check in &zone.checks {
        if let CheckKind::Calculated(calculated) = &check.kind {
            calculated.of.iter().for_each(|operand| names.resolve(diagnostics, "check", &operand.check));
        }
    }
    for pool in &zone.pools {
        let shed = pool.shed.iter().map(|shed| &shed.load);
        pool.checks.iter().chain(shed).for_each(|check| names.resolve(diagnostics, "check", check));
    }
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
            checks: checks.map(|check| check.name.value.clone()).collect(),
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
        let other = [("pool", &self.pools), ("route", &self.routes)];
        let other = other.into_iter().find(|(_, set)| set.contains(&name.value));
        let other = other.map(|(is, _)| format!("{} is a {is}", name.value));
        told.help = other.or(hint).or_else(|| Some(format!("define it: [{}.{}]", sets[0].0, name.value)));
    }

    fn tell_unused(&self, zone: &ZoneFile, diagnostics: &mut Diagnostics) {
        let pools = zone.pools.iter().map(|pool| ("pool", &pool.name));
        let routes = zone.routes.iter().map(|route| ("route", &route.name));
        // One that says where it is has its use.
        let networks = zone.networks.iter().filter(|network| !network.place.is_something());
        let networks = networks.map(|network| ("network", &network.name));
        let checks = zone.checks.iter().map(|check| ("check", &check.name));
        for (kind, name) in pools.chain(routes).chain(networks).chain(checks) {
            if !self.used.contains(&(kind, name.value.clone())) {
                diagnostics.warning(Some(name.span), format!("nothing uses the {kind} {}", name.value));
            }
        }
    }
}

/// What tests set down and expect.
fn tests(zone: &ZoneFile, diagnostics: &mut Diagnostics) {
    let pools: Vec<&str> = zone.pools.iter().map(|pool| pool.name.value.as_str()).collect();
    let members = zone.pools.iter().filter_map(|pool| match &pool.kind {
        PoolKind::Members { members, .. } => Some(members),
        PoolKind::Cname(_) => None,
    });
    let members: Vec<&str> = members.flatten().map(|member| member.id.as_str()).collect();
    let mut known = |kind, names: &[&str], name: &str, span: Span| {
        if !names.contains(&name) {
            let hint = closest(name, names.iter().copied());
            diagnostics.error(Some(span), format!("there is no {kind} {name:?}")).help = hint;
        }
    };
    for test in &zone.tests {
        for down in &test.down {
            match &down.value {
                Down::Pool(name) => known("pool named", &pools, name, down.span),
                Down::Member(id) => known("member with the id", &members, id, down.span),
            }
        }
        match &test.expect {
            Expect::Pool(name) => known("pool named", &pools, name, test.expect_span),
            Expect::Member(id) => known("member with the id", &members, id, test.expect_span),
            Expect::Rcode(_) | Expect::Rdata(_) => (),
        }
    }
}

/// Names that stand twice, as only those of an included file or of another kind can.
fn duplicates(zone: &ZoneFile, diagnostics: &mut Diagnostics) {
    let pools = zone.pools.iter().map(|pool| &pool.name);
    let steering = pools.chain(zone.routes.iter().map(|route| &route.name)).collect();
    let networks = zone.networks.iter().map(|network| &network.name).collect();
    let kinds: [(&str, Vec<&Spanned<String>>); 3] = [
        ("pool or route", steering),
        ("network", networks),
        ("check", zone.checks.iter().map(|check| &check.name).collect()),
    ];
    for (kind, names) in kinds {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for name in names {
            let first = *seen.entry(&name.value).or_insert(name.span);
            if first != name.span {
                let first = diagnostics.place(first);
                diagnostics
                    .error(Some(name.span), format!("{} is the name of another {kind}", name.value))
                    .help = Some(format!("the other is at {first}: rename or remove one"));
            }
        }
    }
}
