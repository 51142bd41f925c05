//! A choice: the pool of the chain that answers, what is drawn from it, and what that follows from.

use super::pool::{Pool, State};
use super::route::Chain;
use super::trace::{NoTrace, Trace};
use super::{Client, Draw, Family, Policy, place};
use crate::config::OnAllDown;
use crate::health::{MemberId, Standing, State as MemberState, Table};
use crate::limits;
use crate::wire::Name;
use crate::zone::SteerId;

/// What a steered name answers with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice<'p> {
    /// The answer.
    pub answer: Answer<'p>,
    /// What makes it so.
    pub basis: Basis,
    /// Seconds the answer may be kept.
    pub ttl: u32,
    /// The widest client prefix for which the decision is the same: the ECS scope. 0 when it does not depend on the client.
    pub scope: u8,
    /// The pool it is from, also where that has no address of the family; none where all are passed over.
    pub pool: Option<&'p str>,
    /// For how long what it follows from is taken to stay as it is; none where nothing is checked.
    pub hold: Option<Hold>,
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

/// What makes an answer what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Its pool is the first that is up.
    Up,
    /// Its pool is the first that is up with members of weight 0, or that have shed all of it; nothing else is up.
    Weightless,
    /// Its pool is up, and has members of the other family only.
    OtherFamily,
    /// Its pool is a CNAME, which stands for both families; those before it are up for one only.
    OneFamily,
    /// There is no pool for this client.
    NoPool,
    /// No pool is up.
    AllDown(OnAllDown),
}

/// For how long a member is taken to stay as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hold {
    /// In seconds; 0 while a failure is being confirmed.
    pub seconds: u16,
    /// Whose it is: an index as of [`Answer::Addresses`].
    pub member: u16,
}

/// An answer and where in the chain it is from.
struct Drawn<'p> {
    answer: Answer<'p>,
    basis: Basis,
    from: Option<&'p Pool>,
    /// How many pools of the chain were passed over.
    passed: usize,
    /// Whether who asks has a part in what was drawn from the pool.
    by_client: bool,
}

/// What a choice is made for and by.
struct Question<'q> {
    family: Family,
    client: &'q Client,
    health: &'q Table,
    draw: Draw,
}

impl Question<'_> {
    fn standing(&self, member: usize) -> Standing {
        self.health.get(MemberId(member as u32))
    }
}

impl Policy {
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

    pub(super) fn choose_traced(
        &self,
        id: SteerId,
        family: Family,
        client: &Client,
        health: &Table,
        draw: Draw,
        trace: &mut impl Trace,
    ) -> Choice<'_> {
        let Some(target) = self.targets.get(id.0 as usize) else {
            let (answer, basis) = (Answer::NoData, Basis::NoPool);
            return Choice { answer, basis, ttl: 0, scope: 0, pool: None, hold: None };
        };
        let (floor, ceiling) = target.ttl;
        let mut chain = Chain::new(trace);
        self.fill(&mut chain, target.to, client, draw.now / u64::from(ceiling.max(1)));
        chain.tell();
        let question = Question { family, client, health, draw };
        let drawn = self.answer(&chain, &question);
        let hashed = if drawn.by_client { place::default_bits(client).max(client.apart()) } else { 0 };
        let scope = client.scope(chain.scope(drawn.passed).max(hashed));
        let hold = self.hold(&chain, &question, &drawn);
        let ttl = hold.map_or(ceiling, |hold| u32::from(hold.seconds).clamp(floor, ceiling));
        let Drawn { answer, basis, from, .. } = drawn;
        Choice { answer, basis, ttl, scope, pool: from.map(|pool| pool.name.as_str()), hold }
    }

    /// The pools of a chain in order.
    fn pools_of<'p, 'c, T: Trace>(
        &'p self,
        chain: &'c Chain<'_, T>,
    ) -> impl Iterator<Item = &'p Pool> + use<'p, 'c, T> {
        chain.pools().iter().map(|&pool| &self.pools[usize::from(pool)])
    }

    /// Answers from the first pool of the chain that is up.
    fn answer(&self, chain: &Chain<'_, impl Trace>, question: &Question<'_>) -> Drawn<'_> {
        let Question { family, client, draw, .. } = *question;
        let standing = |member| question.standing(member);
        if let Some(alias) = self.alias(chain, question) {
            return alias;
        }
        // First with weights as they are; then members of weight 0, which serve only when nothing else is up.
        for (weightless, basis) in [(false, Basis::Up), (true, Basis::Weightless)] {
            for (at, &pool) in chain.pools().iter().enumerate() {
                let pool = &self.pools[usize::from(pool)];
                let passed = if weightless { chain.pools().len() } else { at };
                match pool.state(&self.members, family, standing, weightless) {
                    State::Up => {
                        let (answer, by_client) =
                            pool.draw(&self.members, family, client, standing, weightless, draw);
                        return Drawn { answer, basis, from: Some(pool), passed, by_client };
                    }
                    // It is up for the other family: the choice of pool is shared by A and AAAA.
                    State::OtherFamily => {
                        let (answer, basis) = (Answer::NoData, Basis::OtherFamily);
                        return Drawn { answer, basis, from: Some(pool), passed, by_client: false };
                    }
                    State::Down => (),
                }
            }
        }
        self.all_down(chain, question)
    }

    /// The CNAME of the chain, unless pools before it are up. It stands for every type (RFC 1034 §3.6.2), so that both families come to it
    /// where one does.
    fn alias(&self, chain: &Chain<'_, impl Trace>, question: &Question<'_>) -> Option<Drawn<'_>> {
        let at = self.pools_of(chain).position(|pool| pool.alias().is_some())?;
        let standing = |member| question.standing(member);
        let is_up = |family| {
            let state = |pool: &Pool| pool.state(&self.members, family, standing, false);
            self.pools_of(chain).take(at).any(|pool| state(pool) != State::Down)
        };
        let basis = match [is_up(Family::V4), is_up(Family::V6)] {
            [true, true] => return None,
            [false, false] => Basis::Up,
            _ => Basis::OneFamily,
        };
        let pool = &self.pools[usize::from(chain.pools()[at])];
        let answer = Answer::Cname(pool.alias()?);
        Some(Drawn { answer, basis, from: Some(pool), passed: at, by_client: false })
    }

    /// Nothing is up: the route says what then.
    fn all_down(&self, chain: &Chain<'_, impl Trace>, question: &Question<'_>) -> Drawn<'_> {
        let Question { family, client, draw, .. } = *question;
        let passed = chain.pools().len();
        let policy = chain.on_all_down;
        let basis = if passed == 0 { Basis::NoPool } else { Basis::AllDown(policy) };
        let nothing = |answer| Drawn { answer, basis, from: None, passed, by_client: false };
        let last = match policy {
            // A client for whom there is no pool is not one whose pools are down.
            _ if passed == 0 => return nothing(Answer::NoData),
            OnAllDown::None => return nothing(Answer::NoData),
            OnAllDown::Servfail => return nothing(Answer::ServFail),
            OnAllDown::All => None,
            OnAllDown::LastKnown => self.last_known(chain, question),
        };
        // What an operator has drained is left out for as long as there is anything else.
        for drained_too in [false, true] {
            let only_last = last.filter(|_| !drained_too);
            for pool in only_last.map(|(pool, _)| pool).into_iter().chain(self.pools_of(chain)) {
                let since =
                    only_last.filter(|(last, _)| std::ptr::eq(*last, pool)).map_or(0, |(_, since)| since);
                let standing = |member: usize| {
                    let stands = question.standing(member);
                    let drained = stands.drained && !drained_too || last_up(stands) < since;
                    Standing { drained, ..Standing::UNCHECKED }
                };
                if pool.has_serving(&self.members, family, standing) {
                    let weightless = pool.is_weightless(&self.members, family, standing);
                    let (answer, by_client) =
                        pool.draw(&self.members, family, client, standing, weightless, draw);
                    return Drawn { answer, basis, from: Some(pool), passed, by_client };
                }
            }
        }
        nothing(Answer::NoData)
    }

    /// The pool that was up last, and since when its members are down that went down together.
    fn last_known(&self, chain: &Chain<'_, impl Trace>, question: &Question<'_>) -> Option<(&Pool, u32)> {
        let went_down = |pool: &Pool| {
            let members = pool.family(&self.members, question.family);
            let stands = members.map(|(member, _)| question.standing(member));
            stands.filter(|stands| !stands.drained).map(last_up).max()
        };
        let mut last: Option<(&Pool, u32)> = None;
        for (pool, since) in self.pools_of(chain).filter_map(|pool| Some((pool, went_down(pool)?))) {
            if last.is_none_or(|(_, latest)| since > latest) {
                last = Some((pool, since));
            }
        }
        last.map(|(pool, since)| (pool, since.saturating_sub(limits::LAST_KNOWN)))
    }

    /// For how long stays as it is what an answer follows from: what is answered with may fail, and what was passed over may come back.
    fn hold(
        &self,
        chain: &Chain<'_, impl Trace>,
        question: &Question<'_>,
        drawn: &Drawn<'_>,
    ) -> Option<Hold> {
        let family = question.family;
        let of = |member: usize| Hold { seconds: question.standing(member).hold, member: member as u16 };
        // Where a CNAME may stand for both families, both decide.
        let both = self.pools_of(chain).any(|pool| pool.alias().is_some());
        let passed = self.pools_of(chain).take(drawn.passed).flat_map(|pool| {
            let members = pool.members();
            let own = both || !pool.has(&self.members, family);
            members.filter(move |member| own || family.is_of(self.members[*member].address))
        });
        let picked = match &drawn.answer {
            Answer::Addresses { picked, count } => &picked[..usize::from(*count)],
            _ => &[],
        };
        let serving = |member: &usize| question.standing(*member).serves();
        // The other family's members of the pool have a part in it where it has none of this one.
        let others = both || drawn.basis == Basis::OtherFamily;
        let others = drawn.from.filter(|_| others).into_iter().flat_map(Pool::members);
        let others = others.filter(|member| !family.is_of(self.members[*member].address)).filter(serving);
        let members = passed.chain(picked.iter().map(|&member| member.into())).chain(others);
        members.map(of).min().filter(|hold| hold.seconds != u16::MAX)
    }
}

/// When a member was up last: those that are, of a pool of which too few are, after all others.
fn last_up(stands: Standing) -> u32 {
    if stands.state == MemberState::Down { stands.since } else { u32::MAX }
}
