//! A choice: the pool of the chain that answers, what is drawn from it, and what that follows from.

use super::pool::Pool;
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
    /// Seconds after which it may be another by a new deal of pools, where that makes an alias of the name or ends one.
    pub dealt: Option<u32>,
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

/// A place in a chain at which a pool is up. They are ordered: members of weight 0 serve where no others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    weightless: bool,
    at: usize,
}

/// Where a chain is up first, for the family asked for and for the other one. The latter is looked for only where it matters.
struct Firsts {
    own: Option<Place>,
    other: Option<Place>,
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

/// What a choice is made for and by, and the pools that there are for it.
struct Question<'p, 'q, T> {
    policy: &'p Policy,
    chain: &'q Chain<'q, T>,
    family: Family,
    client: &'q Client,
    health: &'q Table,
    draw: Draw,
    /// Whether a CNAME may be the answer, for this client or for others.
    may_alias: bool,
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
            return Choice { answer, basis, ttl: 0, scope: 0, pool: None, hold: None, dealt: None };
        };
        let (floor, ceiling) = target.ttl;
        let mut chain = Chain::new(trace, (draw.now, ceiling));
        self.fill(&mut chain, target.to, client);
        chain.tell();
        let may_alias = target.may_alias;
        let question = Question { policy: self, chain: &chain, family, client, health, draw, may_alias };
        let mut firsts = question.firsts();
        let drawn = question.answer(&firsts).unwrap_or_else(|| {
            firsts = question.firsts();
            question.answer(&firsts).unwrap_or_else(|| question.all_down())
        });
        let hashed = if drawn.by_client { place::default_bits(client).max(client.apart()) } else { 0 };
        let passed = question.looked_at(&firsts, &drawn);
        let scope = client.scope(chain.scope(passed).max(hashed));
        let hold = question.hold(&firsts, &drawn);
        let ttl = hold.map_or(ceiling, |hold| u32::from(hold.seconds).clamp(floor, ceiling));
        // A name that is dealt anew may be an alias then: what is kept of before would stand beside it.
        let dealt = chain.left().filter(|_| target.may_alias);
        let ttl = dealt.map_or(ttl, |left| ttl.min(left));
        let Drawn { answer, basis, from, .. } = drawn;
        Choice { answer, basis, ttl, scope, pool: from.map(|pool| pool.name.as_str()), hold, dealt }
    }
}

impl<'p, T: Trace> Question<'p, '_, T> {
    fn standing(&self, member: usize) -> Standing {
        self.health.get(MemberId(member as u32))
    }

    /// The pools of the chain in order.
    fn pools(&self) -> impl Iterator<Item = &'p Pool> {
        self.chain.pools().iter().map(|&pool| &self.policy.pools[usize::from(pool)])
    }

    fn pool_at(&self, at: usize) -> &'p Pool {
        &self.policy.pools[usize::from(self.chain.pools()[at])]
    }

    /// Where the CNAME is in the chain.
    fn alias_in(&self) -> Option<usize> {
        self.pools().position(|pool| pool.alias().is_some())
    }

    fn firsts(&self) -> Firsts {
        const HEAD: Place = Place { weightless: false, at: 0 };
        let own = self.first_up(self.family);
        let is_enough = own == Some(HEAD) && !self.may_alias;
        let other = if is_enough { None } else { self.first_up(self.family.other()) };
        Firsts { own, other }
    }

    /// Where a pool is up for a family.
    fn first_up(&self, family: Family) -> Option<Place> {
        let standing = |member| self.standing(member);
        // First with weights as they are; then members of weight 0, which serve only when nothing else is up.
        [false, true].into_iter().find_map(|weightless| {
            let is_up = |pool: &Pool| pool.is_up(&self.policy.members, family, standing, weightless);
            let at = self.pools().position(is_up)?;
            Some(Place { weightless, at })
        })
    }

    /// Answers from the first pool of the chain that is up. None when that has gone down since it was looked at.
    fn answer(&self, firsts: &Firsts) -> Option<Drawn<'p>> {
        let Question { family, client, draw, .. } = *self;
        if let Some(alias) = self.alias(firsts) {
            return Some(alias);
        }
        if let Some(place) = self.shared(firsts) {
            let (answer, basis) = (Answer::NoData, Basis::OtherFamily);
            let from = Some(self.pool_at(place.at));
            return Some(Drawn { answer, basis, from, passed: self.passed(place), by_client: false });
        }
        let Some(place) = firsts.own else { return Some(self.all_down()) };
        let (pool, weightless) = (self.pool_at(place.at), place.weightless);
        let standing = |member| self.standing(member);
        let (answer, by_client) = pool.draw(&self.policy.members, family, client, standing, weightless, draw);
        let basis = if weightless { Basis::Weightless } else { Basis::Up };
        let drawn = Drawn { answer, basis, from: Some(pool), passed: self.passed(place), by_client };
        (answer != Answer::NoData).then_some(drawn)
    }

    /// How many pools are passed over to come to a place: all of them, once, before one where weight 0 serves.
    fn passed(&self, place: Place) -> usize {
        if place.weightless { self.chain.pools().len() } else { place.at }
    }

    /// The place of the pool that the other family is answered from, if that has no member of this one: then there is none, as the choice
    /// of pool is shared by A and AAAA.
    fn shared(&self, firsts: &Firsts) -> Option<Place> {
        let other = firsts.other.filter(|other| firsts.own.is_none_or(|own| *other < own))?;
        (!self.has(other, self.family)).then_some(other)
    }

    /// The CNAME of the chain, unless both families are answered from pools before it. It stands for every type (RFC 1034 §3.6.2), so that
    /// both come to it where one does.
    fn alias(&self, firsts: &Firsts) -> Option<Drawn<'p>> {
        if !self.may_alias {
            return None;
        }
        let at = self.alias_in()?;
        let before = |place: Option<Place>| place.filter(|place| !place.weightless && place.at < at);
        let basis = match (before(firsts.own), before(firsts.other)) {
            (Some(_), Some(_)) => return None,
            (None, None) => Basis::Up,
            (Some(one), None) if !self.has(one, self.family.other()) => return None,
            (None, Some(one)) if !self.has(one, self.family) => return None,
            _ => Basis::OneFamily,
        };
        let pool = self.pool_at(at);
        let answer = Answer::Cname(pool.alias()?);
        Some(Drawn { answer, basis, from: Some(pool), passed: at, by_client: false })
    }

    fn has(&self, place: Place, family: Family) -> bool {
        self.pool_at(place.at).has(&self.policy.members, family)
    }

    /// How many pools of the chain had no part in the answer but to be passed over, the ones that come later having none at all.
    fn looked_at(&self, firsts: &Firsts, drawn: &Drawn<'p>) -> usize {
        if !self.may_alias || matches!(drawn.answer, Answer::Cname(_)) {
            return drawn.passed;
        }
        // That it is no alias, though it may be one for others, follows from both families.
        let (family, other) = (self.family, self.family.other());
        let place = match (firsts.own, firsts.other) {
            (Some(own), None) if !self.has(own, other) => own,
            (None, Some(place)) if !self.has(place, family) => place,
            (Some(own), Some(place)) if own < place && !self.has(own, other) => own,
            (Some(own), Some(place)) if place < own && !self.has(place, family) => place,
            (Some(own), Some(place)) => own.max(place),
            _ => return self.chain.pools().len(),
        };
        self.passed(place)
    }

    /// Nothing is up: the route says what then.
    fn all_down(&self) -> Drawn<'p> {
        let Question { family, client, draw, .. } = *self;
        let passed = self.chain.pools().len();
        let policy = self.chain.on_all_down;
        let basis = if passed == 0 { Basis::NoPool } else { Basis::AllDown(policy) };
        let nothing = |answer| Drawn { answer, basis, from: None, passed, by_client: false };
        let last = match policy {
            // A client for whom there is no pool is not one whose pools are down.
            _ if passed == 0 => return nothing(Answer::NoData),
            OnAllDown::None => return nothing(Answer::NoData),
            OnAllDown::Servfail => return nothing(Answer::ServFail),
            OnAllDown::All => None,
            OnAllDown::LastKnown => self.last_known(),
        };
        // What an operator has drained is left out for as long as there is anything else.
        for drained_too in [false, true] {
            let only_last = last.filter(|_| !drained_too);
            for pool in only_last.map(|(pool, _)| pool).into_iter().chain(self.pools()) {
                let since =
                    only_last.filter(|(last, _)| std::ptr::eq(*last, pool)).map_or(0, |(_, since)| since);
                let standing = |member: usize| {
                    let stands = self.standing(member);
                    let drained = stands.drained && !drained_too || last_up(stands) < since;
                    Standing { drained, ..Standing::UNCHECKED }
                };
                if pool.has_serving(&self.policy.members, family, standing) {
                    let weightless = pool.is_weightless(&self.policy.members, family, standing);
                    let (answer, by_client) =
                        pool.draw(&self.policy.members, family, client, standing, weightless, draw);
                    return Drawn { answer, basis, from: Some(pool), passed, by_client };
                }
            }
        }
        nothing(Answer::NoData)
    }

    /// The pool that was up last, and since when its members are down that went down together.
    fn last_known(&self) -> Option<(&'p Pool, u32)> {
        let went_down = |pool: &Pool| {
            let members = pool.family(&self.policy.members, self.family);
            let stands = members.map(|(member, _)| self.standing(member));
            stands.filter(|stands| !stands.drained).map(last_up).max()
        };
        let mut last: Option<(&Pool, u32)> = None;
        for (pool, since) in self.pools().filter_map(|pool| Some((pool, went_down(pool)?))) {
            if last.is_none_or(|(_, latest)| since > latest) {
                last = Some((pool, since));
            }
        }
        last.map(|(pool, since)| (pool, since.saturating_sub(limits::LAST_KNOWN)))
    }

    /// For how long stays as it is what an answer follows from: what is answered with may fail, and what was passed over may come back.
    fn hold(&self, firsts: &Firsts, drawn: &Drawn<'p>) -> Option<Hold> {
        let of = |member: usize| Hold { seconds: self.standing(member).hold, member: member as u16 };
        let picked = match &drawn.answer {
            Answer::Addresses { picked, count } => &picked[..usize::from(*count)],
            _ => &[],
        };
        let mut least = picked.iter().map(|member| of((*member).into())).min();
        let mut note = |member: usize| least = least.into_iter().chain([of(member)]).min();
        // Mostly it is from the first pool, and nothing else has a part in it.
        if drawn.passed > 0 {
            self.note_passed(firsts, drawn, &mut note);
        }
        if self.may_alias || drawn.basis == Basis::OtherFamily {
            self.note_keeping(firsts, drawn, &mut note);
        }
        least.filter(|hold| hold.seconds != u16::MAX)
    }

    /// Notes the members whose return would change an answer.
    fn note_passed(&self, firsts: &Firsts, drawn: &Drawn<'p>, note: &mut impl FnMut(usize)) {
        let (family, other) = (self.family, self.family.other());
        // An alias gives way when the family comes back for which nothing before it is up, whichever it is.
        let is_missing =
            |place: Option<Place>| place.is_none_or(|place| place.weightless || place.at >= drawn.passed);
        // A pool that lacks a family denies it for as long as it answers the other: then both decide.
        let lacks =
            |pool: &Pool| [family, other].iter().any(|family| !pool.has(&self.policy.members, *family));
        let both = drawn.basis == Basis::OtherFamily || self.pools().take(drawn.passed).any(lacks);
        let counts = match drawn.answer {
            _ if both => [true, true],
            Answer::Cname(_) => [is_missing(firsts.own), is_missing(firsts.other)],
            _ => [true, false],
        };
        for pool in self.pools().take(drawn.passed) {
            for (family, _) in [family, other].into_iter().zip(counts).filter(|(_, counts)| *counts) {
                pool.family(&self.policy.members, family).for_each(|(member, _)| note(member));
            }
        }
    }

    /// Notes the members that serve and so keep a name from being an alias, or a family from having an address.
    fn note_keeping(&self, firsts: &Firsts, drawn: &Drawn<'p>, note: &mut impl FnMut(usize)) {
        let (family, other) = (self.family, self.family.other());
        let is_kept = !matches!(drawn.answer, Answer::Cname(_)) && self.alias_in().is_some();
        let keeps = [
            (family, firsts.own.filter(|_| is_kept)),
            (other, firsts.other.filter(|_| is_kept)),
            (other, self.shared(firsts)),
        ];
        for (family, place) in keeps {
            let pool = place.map(|place| self.pool_at(place.at));
            for (member, _) in pool.into_iter().flat_map(|pool| pool.family(&self.policy.members, family)) {
                if self.standing(member).serves() {
                    note(member);
                }
            }
        }
    }
}

/// When a member was up last: those that are, of a pool of which too few are, after all others.
fn last_up(stands: Standing) -> u32 {
    if stands.state == MemberState::Down { stands.since } else { u32::MAX }
}
