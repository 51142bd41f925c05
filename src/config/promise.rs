//! What checks promise and need: the TTLs that follow from `failover_within`, formulas that end, programs that may be run, loads that are
//! reported.

use super::{ActionSpec, CheckKind, CheckSpec, Config, Diagnostics, Pace, Probe, Span, Target, ZoneFile};
use crate::limits;
use std::path::Path;
use std::time::Duration;

/// Checks what a zone's checks need, and gives its steered names the TTLs that theirs promise.
pub(super) fn check(zone: &mut ZoneFile, config: &Config, diagnostics: &mut Diagnostics) {
    let all: Vec<&CheckSpec> = zone.checks.iter().chain(&config.checks).collect();
    for check in &zone.checks {
        if depth(&check.name.value, &all, 0) > limits::CHECK_DEPTH {
            let message = format!("check {} goes round in a circle, or too deep", check.name.value);
            diagnostics.error(Some(check.name.span), message).help =
                Some(format!("a calculated check has at most {} below it", limits::CHECK_DEPTH));
        }
    }
    programs(&zone.checks, config, diagnostics);
    for shed in zone.pools.iter().filter_map(|pool| pool.shed.as_ref()) {
        let found = all.iter().find(|check| check.name.value == shed.load.value);
        let reports = |check: &&CheckSpec| match &check.kind {
            CheckKind::Made(made) => matches!(made.probe, Probe::Push(_)),
            CheckKind::Calculated(_) => false,
        };
        if found.is_some_and(|check| !reports(check)) {
            diagnostics
                .error(Some(shed.load.span), format!("check {} carries no load", shed.load.value))
                .help = Some("only reports do: push = { token = \"...\", ttl = \"30s\" }".into());
        }
    }
    promise(zone, config, diagnostics);
}

/// How many checks stand below one; more than there may be when they go round in a circle.
fn depth(name: &str, all: &[&CheckSpec], above: usize) -> usize {
    let Some(check) = all.iter().find(|check| check.name.value == name) else { return above };
    match &check.kind {
        CheckKind::Calculated(calculated) if above <= limits::CHECK_DEPTH => {
            let below = calculated.of.iter().map(|operand| depth(&operand.check.value, all, above + 1));
            below.max().unwrap_or(above)
        }
        _ => above,
    }
}

/// A zone's author runs no programs but those of directories that the config names.
pub(super) fn programs(checks: &[CheckSpec], config: &Config, diagnostics: &mut Diagnostics) {
    for check in checks {
        let CheckKind::Made(made) = &check.kind else { continue };
        let Probe::Command(command) = &made.probe else { continue };
        let program = Path::new(command.line.first().map_or("", String::as_str));
        let plain = !program.components().any(|part| part == std::path::Component::ParentDir);
        if !(plain && config.health.commands.iter().any(|directory| program.starts_with(directory))) {
            let message = format!("check {} may not run {}", check.name.value, program.display());
            diagnostics.error(Some(check.name.span), message).help =
                Some("name its directory in the daemon's config: [health] commands = [\"/usr/lib/nagios/plugins\"]".into());
        }
    }
}

/// Gives steered names the TTLs that follow from their checks; tells of one whose own TTL breaks the promise.
fn promise(zone: &mut ZoneFile, config: &Config, diagnostics: &mut Diagnostics) {
    let promises: Vec<Option<(Duration, String)>> = zone
        .steered
        .iter()
        .map(|steered| {
            let name = match &steered.target {
                Target::Pool(name) | Target::Route(name) => &name.value,
            };
            tightest(name, zone, config, 0)
        })
        .collect();
    for (steered, promise) in zone.steered.iter_mut().zip(promises) {
        let Some((within, check)) = promise else { continue };
        let (floor, ceiling) = Pace::ttl_of_failover(within);
        if !steered.ttl_written {
            steered.ttl = (floor, ceiling);
        } else if steered.ttl.1 > ceiling || steered.ttl.0 > floor {
            let span: Span = steered.span;
            let message = format!(
                "the TTL of {} breaks the promise of check {check}: failover within {} s",
                steered.owner,
                within.as_secs()
            );
            diagnostics.warning(Some(span), message).help = Some(format!(
                "at most \"{floor}s..{ceiling}s\" keeps it; without ttl it follows from the check"
            ));
        }
    }
}

/// The tightest promise of any check of the pools that a pool or route may lead to.
fn tightest(name: &str, zone: &ZoneFile, config: &Config, depth: usize) -> Option<(Duration, String)> {
    let of_check = |name: &String| {
        let mut all = zone.checks.iter().chain(&config.checks);
        let check = all.find(|check| check.name.value == *name)?;
        Some((check.failover_within?, name.clone()))
    };
    if let Some(pool) = zone.pools.iter().find(|pool| pool.name.value == name) {
        return pool.checks.iter().filter_map(|check| of_check(&check.value)).min();
    }
    let route = zone.routes.iter().find(|route| route.name.value == name && depth <= limits::ROUTE_DEPTH)?;
    let used = route.rules.iter().flat_map(|rule| match &rule.action {
        ActionSpec::Use(uses) => uses.iter().map(|used| &used.pool.value).collect::<Vec<_>>(),
        ActionSpec::Nearest { pools, .. } => pools.iter().map(|pool| &pool.value).collect(),
    });
    let all = used.chain(route.fallback.iter().map(|name| &name.value));
    all.filter_map(|name| tightest(name, zone, config, depth + 1)).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_failure_is_out_of_all_answers_in_the_time_promised(seconds in 10u64..=3_600) {
            let within = Duration::from_secs(seconds);
            let (pace, (floor, ceiling)) = (Pace::of_failover(within), Pace::ttl_of_failover(within));
            let seen = pace.interval + pace.jitter() + pace.timeout;
            prop_assert!(pace.timeout < pace.interval && floor <= ceiling && ceiling > 0);
            prop_assert!(pace.fall <= 5);
            prop_assert!(seen + Duration::from_secs(ceiling.into()) <= within);
            prop_assert!(seen + Pace::CONFIRMED + Duration::from_secs(floor.into()) <= within);
        }
    }
}
