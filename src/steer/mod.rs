//! The choice: which members a steered name answers with, for whom, with which TTL and ECS scope. A policy, the health table, the client
//! and a seed in; a [`Choice`] out. No lock, no allocation.
//!
//! Round-robin is exact: over any run of as many answers as the weights sum to, every member that is up is first exactly as often as its
//! weight says, and turns are spread evenly. One atomic counter per pool and address family, shared by all workers, numbers the answers;
//! which member has turn `t` is computed from `t` and the weights alone, so it matters not which worker gives which answer. A reload that does
//! not change a pool does not touch its counter.

mod cidr;
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
mod tests_of_decisions;
#[cfg(test)]
mod tests_of_geo;
#[cfg(test)]
mod tests_of_health;
#[cfg(test)]
mod tests_of_shares;

pub use client::Client;
pub use compile::compile_decisions;
pub use geo::Geo;
pub use sections::Shared;
pub use trace::{Explanation, Routed};

use crate::config::Down;
use crate::health::{MemberId, Standing, State, Table};
use crate::limits;
use crate::wire::{Name, OwnedName};
use crate::zone::SteerId;
use pool::Pool;
use route::{Chain, Route};
use std::net::IpAddr;
use std::sync::Arc;
use trace::{NoTrace, Trace};

/// The address family asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A.
    V4,
    /// AAAA.
    V6,
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
    /// Seconds on any clock that all workers share: weighted `use` without `sticky` deals its clients anew with every TTL.
    pub now: u64,
    /// Whether the answer counts.
    pub cursor: Cursor,
}

/// The steering policy of one zone, compiled. Members are numbered within it; its [`Table`] is made for it alone.
pub struct Policy {
    /// The zone's name.
    apex: OwnedName,
    targets: Vec<Target>,
    pools: Vec<Pool>,
    routes: Vec<Route>,
    members: Vec<Member>,
}

/// What a steered name refers to, with the floor and ceiling of its TTL.
struct Target {
    to: Step,
    ttl: (u32, u32),
}

/// A pool or a route, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Pool(usize),
    Route(usize),
}

/// A member of a pool.
#[derive(PartialEq)]
struct Member {
    id: String,
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

/// What a steered name answers with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice<'p> {
    /// The answer.
    pub answer: Answer<'p>,
    /// Seconds the answer may be kept.
    pub ttl: u32,
    /// The widest client prefix for which the decision is the same: the ECS scope. 0 when it does not depend on the client.
    pub scope: u8,
    /// The pool it is from; none where all are passed over.
    pub pool: Option<&'p str>,
    /// Seconds for which what it follows from stays as it is, unless something fails twice; none where nothing is checked.
    pub hold: Option<u16>,
}

/// See [`Choice`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer<'p> {
    /// So many of `picked` in this order, each an index for [`Policy::address`].
    Addresses {
        /// Member indices.
        picked: [u16; limits::POOL_ANSWERS],
        /// How many are used.
        count: u8,
    },
    /// A CNAME to this name.
    Cname(Name<'p>),
    /// The name exists but has no address of this family (NODATA).
    NoData,
    /// `on_all_down = "servfail"`.
    ServFail,
}

/// An answer, the pool it was drawn from, and how many of the chain were passed over because they are down.
struct Drawn<'p> {
    answer: Answer<'p>,
    from: Option<&'p Pool>,
    passed: usize,
}

impl Policy {
    /// Whether the name may answer with a CNAME, which then stands for every type.
    pub fn may_alias(&self, id: SteerId) -> bool {
        self.targets.get(id.0 as usize).is_some_and(|target| self.reaches_alias(target.to, 0))
    }

    fn reaches_alias(&self, step: Step, depth: usize) -> bool {
        match step {
            Step::Pool(pool) => self.pools[pool].alias().is_some(),
            // Cycles are refused when a zone is loaded; the bound is for policies made otherwise.
            Step::Route(_) if depth > limits::ROUTE_DEPTH => false,
            Step::Route(route) => {
                self.routes[route].steps.iter().any(|step| self.reaches_alias(*step, depth + 1))
            }
        }
    }

    /// Goes on where the policy of before is: a pool that is the same in both keeps its turns and what it knows of who was up.
    pub fn resume(&mut self, before: &Policy) {
        for pool in &mut self.pools {
            if let Some(last) = before.pools.iter().find(|last| last.name == pool.name) {
                pool.resume(&self.members, last, &before.members);
            }
        }
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
                let stands = [false, true].map(|weightless| {
                    pool.state(&self.members, family, standing, weightless) == pool::State::Up
                });
                (pool.name.as_str(), family, stands[0] || stands[1])
            })
        })
    }

    /// Chooses.
    pub fn choose(
        &self,
        id: SteerId,
        family: Family,
        client: &Client,
        health: &Table,
        draw: Draw,
    ) -> Choice<'_> {
        self.choose_traced(id, family, client, health, draw, &mut NoTrace)
    }

    fn choose_traced(
        &self,
        id: SteerId,
        family: Family,
        client: &Client,
        health: &Table,
        draw: Draw,
        trace: &mut impl Trace,
    ) -> Choice<'_> {
        let Some(target) = self.targets.get(id.0 as usize) else {
            return Choice { answer: Answer::NoData, ttl: 0, scope: 0, pool: None, hold: None };
        };
        let (floor, ceiling) = target.ttl;
        let mut chain = Chain::new(trace);
        let epoch = draw.now / u64::from(ceiling.max(1));
        self.expand(target.to, client, epoch, &mut chain, 0);
        chain.tell();
        let Drawn { answer, from, passed } = self.answer(&chain, family, client, health, draw);
        let hashed =
            from.filter(|pool| pool.hashes()).map_or(0, |_| place::default_bits(client).max(client.apart()));
        let scope = client.scope(chain.scope.max(hashed));
        // What is answered with may fail, and what was passed over may come back.
        let standing = |member: usize| health.get(MemberId(member as u32));
        let passed = chain.pools()[..passed].iter();
        let passed = passed.map(|&pool| self.pools[pool as usize].hold(&self.members, family, standing));
        let picked = match &answer {
            Answer::Addresses { picked, count } => &picked[..*count as usize],
            _ => &[],
        };
        let hold = passed.chain(picked.iter().map(|&member| standing(member.into()).hold)).min();
        let hold = hold.filter(|hold| *hold != u16::MAX);
        let ttl = hold.map_or(ceiling, |hold| u32::from(hold).clamp(floor, ceiling));
        Choice { answer, ttl, scope, pool: from.map(|pool| pool.name.as_str()), hold }
    }

    /// Answers from the first pool of the chain that is up.
    fn answer(
        &self,
        chain: &Chain<'_, impl Trace>,
        family: Family,
        client: &Client,
        health: &Table,
        draw: Draw,
    ) -> Drawn<'_> {
        let standing = |member: usize| health.get(MemberId(member as u32));
        // First with weights as they are; then members of weight 0, which serve only when nothing else is up.
        for weightless in [false, true] {
            for (passed, &pool) in chain.pools().iter().enumerate() {
                let pool = &self.pools[pool as usize];
                let passed = if weightless { chain.pools().len() } else { passed };
                if let Some(target) = pool.alias().filter(|_| !weightless) {
                    return Drawn { answer: Answer::Cname(target), from: Some(pool), passed };
                }
                match pool.state(&self.members, family, standing, weightless) {
                    pool::State::Up => {
                        let answer = pool.draw(&self.members, family, client, standing, weightless, draw);
                        return Drawn { answer, from: Some(pool), passed };
                    }
                    // It is up for the other family: the choice of pool is shared by A and AAAA.
                    pool::State::OtherFamily if !weightless => {
                        return Drawn { answer: Answer::NoData, from: None, passed };
                    }
                    _ => (),
                }
            }
        }
        let (answer, from) = self.all_down(chain, family, client, health, draw);
        Drawn { answer, from, passed: chain.pools().len() }
    }

    /// Nothing is up: the route says what then.
    fn all_down(
        &self,
        chain: &Chain<'_, impl Trace>,
        family: Family,
        client: &Client,
        health: &Table,
        draw: Draw,
    ) -> (Answer<'_>, Option<&Pool>) {
        use crate::config::OnAllDown;
        let with_family = |pool: &&Pool| pool.has(&self.members, family);
        let pools = chain.pools().iter().map(|&pool| &self.pools[pool as usize]);
        let last_known = match chain.on_all_down {
            OnAllDown::None => return (Answer::NoData, None),
            OnAllDown::Servfail => return (Answer::ServFail, None),
            OnAllDown::All => None,
            OnAllDown::LastKnown => pools.clone().filter(with_family).find(|pool| pool.was_up(family)),
        };
        // What an operator has drained is left out for as long as there is anything else.
        for drained_too in [false, true] {
            let pools = pools.clone().filter(with_family);
            for pool in last_known.into_iter().chain(pools) {
                let standing = |member: usize| {
                    let known = last_known
                        .is_none_or(|last| !std::ptr::eq(last, pool) || pool.was_member_up(family, member));
                    let drained = health.get(MemberId(member as u32)).drained && !drained_too;
                    Standing { drained: drained || !known, ..Standing::UNCHECKED }
                };
                if pool.has_serving(&self.members, family, standing) {
                    let weightless = pool.is_weightless(&self.members, family, standing);
                    let answer = pool.draw(&self.members, family, client, standing, weightless, draw);
                    return (answer, Some(pool));
                }
            }
        }
        (Answer::NoData, None)
    }
}

/// The name a CNAME pool stands for.
type Alias = OwnedName;
