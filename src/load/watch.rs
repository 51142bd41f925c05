//! From a zone file's pools and checks to what is watched: for each member the endpoints its state follows from.

use crate::config::{CheckKind, Config, MemberSpec, Operand, PoolKind, PoolSpec, Spanned, ZoneFile};
use crate::health::{Formula, Target, Watch};
use crate::limits;
use std::net::IpAddr;

/// What is watched for the members of all pools, in the order in which the policy numbers them.
pub(super) fn members(file: &ZoneFile, config: &Config) -> Vec<Watch> {
    let checks = Checks { file, config };
    let of_pool = |pool: &PoolSpec| -> Vec<Watch> {
        let PoolKind::Members { members, .. } = &pool.kind else { return Vec::new() };
        members.iter().take(limits::POOL_MEMBERS).map(|member| checks.watch(pool, member)).collect()
    };
    file.pools.iter().flat_map(of_pool).collect()
}

/// The checks a zone may name: its own, then those of the config. References were checked when the file was read; one to nothing
/// always holds.
struct Checks<'f> {
    file: &'f ZoneFile,
    config: &'f Config,
}

/// Where a member is asked.
#[derive(Clone, Copy)]
struct At {
    address: IpAddr,
    port: Option<u16>,
}

impl Checks<'_> {
    fn kind(&self, name: &str) -> Option<&CheckKind> {
        let all = self.file.checks.iter().chain(&self.config.checks);
        all.into_iter().find(|check| check.name.value == name).map(|check| &check.kind)
    }

    fn watch(&self, pool: &PoolSpec, member: &MemberSpec) -> Watch {
        let at = member.probe.map_or(At { address: member.address, port: None }, |probe| At {
            address: probe.address,
            port: probe.port,
        });
        let mut formulas: Vec<Formula> =
            pool.checks.iter().map(|check| self.formula(&check.value, at, 0)).collect();
        let formula = match formulas.len() {
            0 => Formula::Always,
            1 => formulas.remove(0),
            all => Formula::AtLeast(all, formulas),
        };
        let load = |name: &Spanned<String>| match self.formula(&name.value, at, 0) {
            Formula::Endpoint(target, _) => Some(target),
            _ => None,
        };
        let shed = pool.shed.as_ref().and_then(|shed| Some((load(&shed.load)?, shed.low, shed.high)));
        Watch {
            pool: pool.name.value.clone(),
            member: member.id.clone(),
            address: member.address,
            formula,
            shed,
        }
    }

    /// What a check means for an address.
    fn formula(&self, name: &str, at: At, depth: usize) -> Formula {
        match self.kind(name) {
            Some(CheckKind::Made(check)) => {
                let target = Target { address: at.address, port: at.port, check: check.clone() };
                Formula::Endpoint(target, name.to_owned())
            }
            // Cycles are refused when a file is read; the bound is for files with errors.
            Some(CheckKind::Calculated(calculated)) if depth < limits::CHECK_DEPTH => {
                let of = calculated.of.iter().map(|operand| self.operand(operand, at, depth + 1)).collect();
                Formula::AtLeast(calculated.needed, of)
            }
            _ => Formula::Always,
        }
    }

    fn operand(&self, operand: &Operand, at: At, depth: usize) -> Formula {
        let mut formula = match operand.at {
            Some(address) => self.formula(&operand.check.value, At { address, port: None }, depth),
            None => self.formula(&operand.check.value, at, depth),
        };
        // Another's is called by its address, as it is written.
        if let (Formula::Endpoint(_, name), Some(address)) = (&mut formula, operand.at) {
            *name = format!("{name}@{address}");
        }
        if operand.negated { Formula::Not(Box::new(formula)) } else { formula }
    }
}
