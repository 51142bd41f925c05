//! What is written of pools and routes and has no effect, or not the one that it seems to have.

use super::{
    ActionSpec, Diagnostics, NetworkSpec, OnAllDown, PoolKind, RouteSpec, Spanned, Target, ZoneFile,
    unreachable,
};
use std::collections::BTreeMap;

/// Warns of it, in a zone without errors.
pub(super) fn warn(zone: &ZoneFile, all_networks: &[&NetworkSpec], diagnostics: &mut Diagnostics) {
    let is_target = |route: &RouteSpec| {
        zone.steered
            .iter()
            .any(|steered| matches!(&steered.target, Target::Route(name) if name.value == route.name.value))
    };
    for route in &zone.routes {
        if is_target(route) {
            clients_without_a_pool(route, all_networks, diagnostics);
        } else if route.on_all_down != OnAllDown::All {
            let message =
                format!("on_all_down of route {} has no effect: no name refers to it", route.name.value);
            diagnostics.warning(Some(route.name.span), message).help =
                Some("only that of the route counts which the name refers to: write it there".into());
        }
        after_an_alias(zone, &route.fallback, diagnostics);
        for rule in &route.rules {
            if let ActionSpec::Use(uses) = &rule.action
                && uses.iter().all(|used| used.weight.is_none())
            {
                let pools: Vec<_> = uses.iter().map(|used| used.pool.clone()).collect();
                after_an_alias(zone, &pools, diagnostics);
            }
        }
    }
    probes(zone, diagnostics);
    networks(&zone.networks, diagnostics);
}

/// A list of pools goes on after one that is always up.
fn after_an_alias(zone: &ZoneFile, list: &[Spanned<String>], diagnostics: &mut Diagnostics) {
    let is_alias = |name: &Spanned<String>| {
        let mut pools = zone.pools.iter().filter(|pool| pool.name.value == name.value);
        pools.any(|pool| matches!(pool.kind, PoolKind::Cname(_)))
    };
    let Some(at) = list.iter().position(is_alias) else { return };
    if let Some(after) = list.get(at + 1) {
        let message = format!("{} is never tried: {} before it is a cname", after.value, list[at].value);
        diagnostics.warning(Some(after.span), message).help =
            Some("nothing checks a cname, so that it is always up: put it last".into());
    }
}

/// A route that a name refers to leads some clients nowhere.
fn clients_without_a_pool(route: &RouteSpec, networks: &[&NetworkSpec], diagnostics: &mut Diagnostics) {
    let for_everyone = route.rules.iter().any(|rule| unreachable::is_for_everyone(rule, networks));
    if !for_everyone && route.fallback.is_empty() {
        let message =
            format!("route {} has no pool for clients that none of its rules is for", route.name.value);
        diagnostics.warning(Some(route.name.span), message).help =
            Some("they are told that there is no address: fallback = \"NAME\" gives them one".into());
    }
}

/// A member is to be asked elsewhere, but is not asked.
fn probes(zone: &ZoneFile, diagnostics: &mut Diagnostics) {
    for pool in zone.pools.iter().filter(|pool| pool.checks.is_empty()) {
        let PoolKind::Members { members, .. } = &pool.kind else { continue };
        if let Some(member) = members.iter().find(|member| member.probe.is_some()) {
            let message = format!("probe has no effect: pool {} has no check", pool.name.value);
            diagnostics.warning(Some(member.span), message).help =
                Some("check = \"NAME\" asks its members".into());
        }
    }
}

/// Two networks say where one and the same prefix is.
fn networks(networks: &[NetworkSpec], diagnostics: &mut Diagnostics) {
    let mut seen = BTreeMap::new();
    for network in networks.iter().filter(|network| network.place.is_something()) {
        for prefix in &network.cidr {
            let first = *seen.entry(*prefix).or_insert(network);
            if first.name != network.name && first.place != network.place {
                let (name, first) = (&network.name, &first.name.value);
                let message =
                    format!("network {} says where {prefix} is, as network {first} does", name.value);
                diagnostics.warning(Some(name.span), message).help =
                    Some(format!("what {first} says goes first: leave the prefix out of one"));
            }
        }
    }
}
