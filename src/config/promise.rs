//! What checks promise and need: the TTLs that follow from `failover_within`, formulas that end, programs that may be run, loads that are
//! reported.

use super::reader::closest;
use super::{ActionSpec, CheckKind, CheckSpec, Config, Diagnostics, Pace, Probe, Span, Target, ZoneFile};
use crate::limits;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// Checks what a zone's checks need, and gives its steered names the TTLs that theirs promise.
pub(super) fn check(zone: &mut ZoneFile, config: &Config, diagnostics: &mut Diagnostics) {
    let all: Vec<&CheckSpec> = zone.checks.iter().chain(&config.checks).collect();
    circles(&zone.checks, &all, diagnostics);
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

/// Checks the checks of the config, which zones may name, by themselves.
pub(super) fn check_config(config: &Config, checks: &[CheckSpec], diagnostics: &mut Diagnostics) {
    let all: Vec<&CheckSpec> = checks.iter().collect();
    circles(checks, &all, diagnostics);
    programs(checks, config, diagnostics);
    let names = || checks.iter().map(|check| check.name.value.as_str());
    for check in checks {
        let CheckKind::Calculated(calculated) = &check.kind else { continue };
        for operand in calculated.of.iter().map(|operand| &operand.check) {
            if !names().any(|name| name == operand.value) {
                let message = format!("there is no check named {:?}", operand.value);
                diagnostics.error(Some(operand.span), message).help = closest(&operand.value, names());
            }
        }
    }
}

/// Tells of formulas that never end, or that are too large.
fn circles(checks: &[CheckSpec], all: &[&CheckSpec], diagnostics: &mut Diagnostics) {
    let mut walk = Walk { all, known: HashMap::new(), path: Vec::new() };
    for check in checks {
        let Extent { depth, size } = walk.extent(&check.name.value);
        if depth > limits::CHECK_DEPTH || size > limits::FORMULA {
            let message = format!("check {} goes round in a circle, or is too large", check.name.value);
            diagnostics.error(Some(check.name.span), message).help = Some(format!(
                "a calculated check has at most {} below it, and comes to {} in all",
                limits::CHECK_DEPTH,
                limits::FORMULA
            ));
        }
    }
}

/// How deep and how large a formula is, written out.
#[derive(Clone, Copy)]
struct Extent {
    depth: usize,
    size: usize,
}

/// A walk over all checks, depth first; each is looked at once.
struct Walk<'c> {
    all: &'c [&'c CheckSpec],
    known: HashMap<&'c str, Extent>,
    /// The checks that led here.
    path: Vec<&'c str>,
}

impl<'c> Walk<'c> {
    fn extent(&mut self, name: &'c str) -> Extent {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let mut extent = Extent { depth: 0, size: 1 };
        let found = self.all.iter().find(|check| check.name.value == name);
        if let Some(CheckKind::Calculated(calculated)) = found.map(|check| &check.kind) {
            if self.path.contains(&name) {
                return Extent { depth: usize::MAX, size: 1 };
            }
            self.path.push(name);
            for operand in &calculated.of {
                let below = self.extent(&operand.check.value);
                extent.depth = extent.depth.max(below.depth.saturating_add(1));
                extent.size = extent.size.saturating_add(below.size);
            }
            self.path.pop();
        }
        self.known.insert(name, extent);
        extent
    }
}

/// A zone's author runs no programs but those of directories that the config names.
fn programs(checks: &[CheckSpec], config: &Config, diagnostics: &mut Diagnostics) {
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
    let checks = config.checks.iter().chain(&zone.checks).map(|check| (check.name.value.as_str(), check));
    let mut walk =
        Promises { zone, checks: checks.collect(), of_checks: HashMap::new(), of_targets: HashMap::new() };
    let promises: Vec<Option<(Duration, String)>> = zone
        .steered
        .iter()
        .map(|steered| {
            let name = match &steered.target {
                Target::Pool(name) | Target::Route(name) => &name.value,
            };
            walk.of_target(name).map(|(within, check)| (within, check.to_owned()))
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

/// A time, and the check that promises it.
type Promise<'z> = Option<(Duration, &'z str)>;

/// A walk over pools, routes and checks for the tightest promises; each is looked at once.
struct Promises<'z> {
    zone: &'z ZoneFile,
    checks: HashMap<&'z str, &'z CheckSpec>,
    of_checks: HashMap<&'z str, Promise<'z>>,
    of_targets: HashMap<&'z str, Promise<'z>>,
}

impl<'z> Promises<'z> {
    /// That of any check of the pools that a pool or route may lead to.
    fn of_target(&mut self, name: &'z str) -> Promise<'z> {
        if let Some(known) = self.of_targets.get(name) {
            return *known;
        }
        // In a circle, which is told of elsewhere, it adds nothing.
        self.of_targets.insert(name, None);
        let (pools, routes) = (&self.zone.pools, &self.zone.routes);
        let found = if let Some(pool) = pools.iter().find(|pool| pool.name.value == name) {
            pool.checks.iter().filter_map(|check| self.of_check(&check.value)).min()
        } else {
            let route = routes.iter().find(|route| route.name.value == name)?;
            let used = route.rules.iter().flat_map(|rule| match &rule.action {
                ActionSpec::Use(uses) => uses.iter().map(|used| &used.pool.value).collect::<Vec<_>>(),
                ActionSpec::Nearest { pools, .. } => pools.iter().map(|pool| &pool.value).collect(),
            });
            let all = used.chain(route.fallback.iter().map(|name| &name.value));
            all.filter_map(|name| self.of_target(name)).min()
        };
        self.of_targets.insert(name, found);
        found
    }

    /// That of a check, or of those it is calculated from.
    fn of_check(&mut self, name: &'z str) -> Promise<'z> {
        if let Some(known) = self.of_checks.get(name) {
            return *known;
        }
        self.of_checks.insert(name, None);
        let check = *self.checks.get(name)?;
        let found = match &check.kind {
            CheckKind::Made(_) => check.failover_within.map(|within| (within, name)),
            CheckKind::Calculated(calculated) => {
                let below = calculated.of.iter().map(|operand| operand.check.value.as_str());
                below.filter_map(|below| self.of_check(below)).min()
            }
        };
        self.of_checks.insert(name, found);
        found
    }
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
