//! The choice: which members a steered name answers with, for whom, with which TTL and ECS scope. A policy, the health table, the client
//! and a seed in; a [`Choice`] out. No lock, no allocation.
//!
//! Round-robin is exact: over any run of as many answers as the weights sum to, every member that is up is first exactly as often as its
//! weight says, and turns are spread evenly. One atomic counter per pool and address family, shared by all workers, numbers the answers;
//! which member has turn `t` is computed from `t` and the weights alone, so it matters not which worker gives which answer. A reload that does
//! not change a pool does not touch its counter.

mod cidr;
mod choice;
mod client;
mod compile;
mod decisions;
mod geo;
mod place;
mod pool;
mod route;
mod sections;
mod trace;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_choices;
#[cfg(test)]
mod tests_of_databases;
#[cfg(test)]
mod tests_of_decisions;
#[cfg(test)]
mod tests_of_geo;
#[cfg(test)]
mod tests_of_health;
#[cfg(test)]
mod tests_of_shares;

pub use choice::{Answer, Basis, Choice, Hold};
pub use client::Client;
pub use compile::compile_decisions;
pub use geo::Geo;
pub use sections::Shared;
pub use trace::{Explanation, Looked, Routed, Stands};

use crate::config::Down;
use crate::health::{MemberId, Standing, State, Table};
use crate::limits;
use crate::metrics::SteeringGauges;
use crate::wire::{Name, OwnedName};
use crate::zone::SteerId;
use pool::Pool;
use route::Route;
use std::net::IpAddr;
use std::sync::Arc;

/// The address family asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A.
    V4,
    /// AAAA.
    V6,
}

impl Family {
    fn other(self) -> Family {
        match self {
            Family::V4 => Family::V6,
            Family::V6 => Family::V4,
        }
    }

    fn is_of(self, address: IpAddr) -> bool {
        address.is_ipv4() == (self == Family::V4)
    }
}

/// Whether an answer counts for round-robin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// It is given: the next one has the next turn.
    Take,
    /// It is looked at only.
    Peek,
}

/// What varies from one answer to the next.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// Fresh randomness, for `pick = "random"`.
    pub seed: u64,
    /// Unix time, in seconds, so that every server of a zone deals alike: weighted `use` without `sticky` deals its clients anew with every
    /// TTL.
    pub now: u64,
    /// Whether the answer counts.
    pub cursor: Cursor,
}

/// The steering policy of one zone, compiled. Members are numbered within it; its [`Table`] is made for it alone.
#[derive(Clone)]
pub struct Policy {
    /// The zone's name.
    apex: OwnedName,
    targets: Vec<Target>,
    pools: Vec<Pool>,
    routes: Vec<Route>,
    members: Vec<Member>,
}

/// What a steered name refers to, with the floor and ceiling of its TTL.
#[derive(Clone)]
struct Target {
    to: Step,
    ttl: (u32, u32),
    /// Whether the name may answer with a CNAME.
    may_alias: bool,
}

/// A pool or a route, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Pool(u16),
    Route(u16),
}

/// A member of a pool.
#[derive(Clone, PartialEq)]
struct Member {
    id: String,
    /// Of its id.
    hash: u64,
    address: IpAddr,
    weight: u32,
}

/// A policy and how its members stand.
#[derive(Clone)]
pub struct Steering {
    /// The policy.
    pub policy: Arc<Policy>,
    /// Its members.
    pub health: Arc<Table>,
}

impl Steering {
    /// A policy with all its members up.
    pub fn new(policy: Policy) -> Steering {
        let health = Arc::new(Table::new(policy.members.len()));
        Steering { policy: Arc::new(policy), health }
    }
}

/// How the members and pools of all policies stand.
pub fn gauges(policies: &[Steering]) -> SteeringGauges {
    let mut gauges = SteeringGauges::default();
    for Steering { policy, health } in policies {
        for member in 0..policy.members.len() {
            let stands = health.get(MemberId(member as u32));
            let place = match stands.state {
                _ if stands.drained => 3,
                State::Up => 0,
                State::Down => 1,
                State::Unknown => 2,
            };
            gauges.members[place] += 1;
        }
        policy.pools_up(health).for_each(|(_, _, up)| gauges.pools[usize::from(!up)] += 1);
    }
    gauges
}

impl Policy {
    /// Whether the name may answer with a CNAME, which then stands for every type.
    pub fn may_alias(&self, id: SteerId) -> bool {
        self.targets.get(id.0 as usize).is_some_and(|target| target.may_alias)
    }

    /// The pool by which a name would lead to itself.
    fn leads_back(&self, step: Step, owner: Name<'_>) -> Option<&str> {
        Some(&self.find_pool(step, &|pool| pool.alias() == Some(owner))?.name)
    }

    /// A pool that a step may lead to, of those that are so.
    fn find_pool(&self, step: Step, is_so: &impl Fn(&Pool) -> bool) -> Option<&Pool> {
        self.find_pool_within(step, 0, is_so)
    }

    fn find_pool_within(&self, step: Step, depth: usize, is_so: &impl Fn(&Pool) -> bool) -> Option<&Pool> {
        match step {
            Step::Pool(pool) => Some(&self.pools[usize::from(pool)]).filter(|pool| is_so(pool)),
            // Cycles are refused when a zone is loaded; the bound is for policies made otherwise.
            Step::Route(_) if depth > limits::ROUTE_DEPTH => None,
            Step::Route(route) => {
                let steps = &self.routes[usize::from(route)].steps;
                steps.iter().find_map(|step| self.find_pool_within(*step, depth + 1, is_so))
            }
        }
    }

    /// Goes on where the policy of before is: a pool that is the same in both keeps its turns.
    pub fn resume(&mut self, before: &Policy) {
        for pool in &mut self.pools {
            if let Some(last) = before.pools.iter().find(|last| last.name == pool.name) {
                pool.resume(&self.members, last, &before.members);
            }
        }
    }

    /// The same over other geographic data, where that matters to a route and is not what it has. Pools have their turns in common.
    pub fn over(&self, geo: &Arc<Geo>, shared: &Shared) -> Option<Policy> {
        let sections = self.routes.iter().map(|route| route.sections.over(geo, shared));
        let sections: Vec<_> = sections.collect();
        if sections.iter().all(Option::is_none) {
            return None;
        }
        let mut policy = self.clone();
        for (route, sections) in policy.routes.iter_mut().zip(sections) {
            route.sections = sections.unwrap_or_else(|| Arc::clone(&route.sections));
        }
        Some(policy)
    }

    /// What the decisions of each route are compiled to: the route, how many prefixes of IPv4 and IPv6, and how many octets. Routes whose
    /// decisions are not compiled are left out.
    pub fn decisions(&self) -> impl Iterator<Item = (&str, [usize; 2], usize)> {
        self.routes.iter().filter_map(|route| {
            let (prefixes, octets) = route.sections.compiled()?;
            Some((route.name.as_str(), prefixes, octets))
        })
    }

    /// The address of a picked member.
    pub fn address(&self, member: u16) -> IpAddr {
        self.members[member as usize].address
    }

    /// The weight of a picked member.
    pub fn weight(&self, member: u16) -> u32 {
        self.members[usize::from(member)].weight
    }

    /// The id of a picked member.
    pub fn member_id(&self, member: u16) -> &str {
        &self.members[usize::from(member)].id
    }

    /// How many members it has.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// Calls members down that are called so in a table of theirs; says whether there are any.
    pub fn set_down(&self, who: &Down, health: &Table) -> bool {
        let members = match who {
            Down::Pool(name) => {
                let pools = self.pools.iter().filter(|pool| pool.name == *name);
                pools.flat_map(Pool::members).map(|member| MemberId(member as u32)).collect()
            }
            Down::Member(id) => self.members_named(id),
        };
        let down = Standing { state: State::Down, ..Standing::UNCHECKED };
        members.iter().for_each(|member| health.set(*member, down));
        !members.is_empty()
    }

    /// Every member with this id.
    pub fn members_named(&self, id: &str) -> Vec<MemberId> {
        let members = self.members.iter().enumerate().filter(|(_, member)| member.id == id);
        members.map(|(index, _)| MemberId(index as u32)).collect()
    }

    /// Whether each pool is up, for each family that it has members of.
    pub fn pools_up<'p>(&'p self, health: &'p Table) -> impl Iterator<Item = (&'p str, Family, bool)> {
        let standing = |member: usize| health.get(MemberId(member as u32));
        self.pools.iter().flat_map(move |pool| {
            let families =
                [Family::V4, Family::V6].into_iter().filter(|family| pool.has(&self.members, *family));
            families.map(move |family| {
                let is_up = |weightless| pool.is_up(&self.members, family, standing, weightless);
                (pool.name.as_str(), family, is_up(false) || is_up(true))
            })
        })
    }
}

/// The name a CNAME pool stands for.
type Alias = OwnedName;
