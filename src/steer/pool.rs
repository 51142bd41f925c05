//! A pool: which of its members are answered with.

use super::{Alias, Answer, Client, Cursor, Draw, Family, Member, place};
use crate::config::Pick;
use crate::limits;
use crate::wire::Name;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// A pool.
pub(super) struct Pool {
    pub name: String,
    pub kind: Kind,
    /// Latitude and longitude in degrees.
    pub location: Option<(f64, f64)>,
    pub min_healthy: Option<f64>,
}

/// What a pool is.
pub(super) enum Kind {
    /// Members, as a range of the policy's.
    Members {
        members: Range<usize>,
        pick: Pick,
        /// How many are answered with.
        answer: u8,
        /// The next turn, and who was up last, for each family.
        turns: [AtomicU64; 2],
        last_up: [[AtomicU64; limits::POOL_MEMBERS / 64]; 2],
    },
    /// A CNAME.
    Alias(Alias),
}

/// How a pool stands for one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It can be answered from.
    Up,
    /// It has no member of this family, but would be up for the other.
    OtherFamily,
    /// Too few of its members are up.
    Down,
}

fn is_of(member: &Member, family: Family) -> bool {
    member.address.is_ipv4() == (family == Family::V4)
}

impl Pool {
    /// The name of a CNAME pool.
    pub fn alias(&self) -> Option<Name<'_>> {
        match &self.kind {
            Kind::Alias(name) => Some(name.as_name()),
            Kind::Members { .. } => None,
        }
    }

    /// Its members, as indices of the policy's.
    pub fn members(&self) -> Range<usize> {
        match &self.kind {
            Kind::Members { members, .. } => members.clone(),
            Kind::Alias(_) => 0..0,
        }
    }

    /// Whether its draw depends on the client.
    pub fn hashes(&self) -> bool {
        matches!(self.kind, Kind::Members { pick: Pick::Hash, .. })
    }

    fn family<'m>(&'m self, all: &'m [Member], family: Family) -> impl Iterator<Item = (usize, &'m Member)> {
        self.members().map(|index| (index, &all[index])).filter(move |(_, member)| is_of(member, family))
    }

    /// Whether it has members of the family.
    pub fn has(&self, all: &[Member], family: Family) -> bool {
        self.family(all, family).next().is_some()
    }

    /// Whether its members of the family that pass all have weight 0.
    pub fn is_weightless_among(
        &self,
        all: &[Member],
        family: Family,
        passes: impl Fn(usize) -> bool,
    ) -> bool {
        self.family(all, family).all(|(index, member)| member.weight == 0 || !passes(index))
    }

    /// Whether all its members of the family have weight 0.
    pub fn is_weightless(&self, all: &[Member], family: Family) -> bool {
        self.is_weightless_among(all, family, |_| true)
    }

    /// How it stands: up when the weights of its up members reach the share it needs; `weightless` asks for members of weight 0.
    pub fn state(
        &self,
        all: &[Member],
        family: Family,
        up: impl Fn(usize) -> bool,
        weightless: bool,
    ) -> State {
        if weightless {
            let any = self.family(all, family).any(|(index, member)| member.weight == 0 && up(index));
            return if any { State::Up } else { State::Down };
        }
        let sums = |family| {
            let weights = self.family(all, family).map(|(index, member)| {
                let weight = u64::from(member.weight);
                (weight, if up(index) { weight } else { 0 })
            });
            weights.fold((0, 0), |(total, alive), (weight, living)| (total + weight, alive + living))
        };
        let enough = |(total, alive): (u64, u64)| {
            alive > 0 && self.min_healthy.is_none_or(|share| alive as f64 >= share * total as f64)
        };
        let other = if family == Family::V4 { Family::V6 } else { Family::V4 };
        if enough(sums(family)) {
            State::Up
        } else if !self.has(all, family) && enough(sums(other)) {
            State::OtherFamily
        } else {
            State::Down
        }
    }

    /// Draws members that are up.
    pub fn draw(
        &self,
        all: &[Member],
        family: Family,
        client: &Client,
        up: impl Fn(usize) -> bool,
        weightless: bool,
        draw: Draw,
    ) -> Answer<'_> {
        let Kind::Members { pick, answer, turns, last_up, .. } = &self.kind else { return Answer::NoData };
        let mut lots = Lots::default();
        let mut seen = [0u64; limits::POOL_MEMBERS / 64];
        for (index, member) in self.family(all, family).filter(|(index, _)| up(*index)) {
            let bit = index - self.members().start;
            seen[bit / 64] |= 1 << (bit % 64);
            let weight = if weightless { u32::from(member.weight == 0) } else { member.weight };
            lots.push(index, weight);
        }
        let side = usize::from(family == Family::V6);
        for (word, seen) in last_up[side].iter().zip(seen) {
            // Written only when it changes, so that the line stays shared by all workers.
            if word.load(Ordering::Relaxed) != seen {
                word.store(seen, Ordering::Relaxed);
            }
        }
        let turn = match (pick, draw.cursor) {
            (Pick::RoundRobin, Cursor::Take) => turns[side].fetch_add(1, Ordering::Relaxed),
            (Pick::RoundRobin, Cursor::Peek) => turns[side].load(Ordering::Relaxed),
            (Pick::Random, _) => place::mix(draw.seed),
            (Pick::Hash, _) => 0,
        };
        lots.take(*answer, turn, |weight, index| match pick {
            Pick::Hash => Some(place::rendezvous(client, all[index].id.as_bytes(), weight)),
            _ => None,
        })
    }

    /// Whether it was ever drawn from for the family.
    pub fn was_up(&self, family: Family) -> bool {
        let Kind::Members { last_up, .. } = &self.kind else { return false };
        last_up[usize::from(family == Family::V6)].iter().any(|word| word.load(Ordering::Relaxed) != 0)
    }

    /// Whether a member was up when it was last drawn from.
    pub fn was_member_up(&self, family: Family, member: usize) -> bool {
        let Kind::Members { members, last_up, .. } = &self.kind else { return false };
        let bit = member - members.start;
        last_up[usize::from(family == Family::V6)][bit / 64].load(Ordering::Relaxed) >> (bit % 64) & 1 != 0
    }
}

/// Members and their weights, from which some are taken.
struct Lots {
    list: [(u16, u32); limits::POOL_MEMBERS],
    len: usize,
    total: u64,
}

impl Default for Lots {
    fn default() -> Lots {
        Lots { list: [(0, 0); limits::POOL_MEMBERS], len: 0, total: 0 }
    }
}

impl Lots {
    fn push(&mut self, index: usize, weight: u32) {
        if let (Some(slot), true) = (self.list.get_mut(self.len), weight > 0) {
            *slot = (index as u16, weight);
            self.len += 1;
            self.total += u64::from(weight);
        }
    }

    /// Takes so many distinct members: by the turn, or by score where one is given. The order is turned by one from each answer to the
    /// next; weights decide who is taken, not the order.
    fn take(mut self, count: u8, turn: u64, score: impl Fn(u32, usize) -> Option<f64>) -> Answer<'static> {
        let count = (count as usize).min(self.len).min(limits::POOL_ANSWERS);
        if count == 0 {
            return Answer::NoData;
        }
        let mut taken = [0u16; limits::POOL_ANSWERS];
        let mut at = turn % self.total.max(1);
        for slot in &mut taken[..count] {
            let best = (0..self.len)
                .filter_map(|i| Some((score(self.list[i].1, self.list[i].0.into())?, i)))
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let place = match best {
                Some((_, place)) => place,
                None => self.turn(&mut at),
            };
            let (index, weight) = self.list[place];
            *slot = index;
            self.list.copy_within(place + 1..self.len, place);
            self.len -= 1;
            self.total -= u64::from(weight);
        }
        taken[..count].sort_unstable();
        taken[..count].rotate_left((turn % count as u64) as usize);
        Answer::Addresses { picked: taken, count: count as u8 }
    }

    /// Who has turn `at` of a cycle; `at` becomes the turn among the rest.
    ///
    /// Each member in its turn is split from the rest as a line of rational slope is drawn on a grid: of `total` turns it takes those at
    /// which ⌊(t+1)·w/total⌋ exceeds ⌊t·w/total⌋, which are w, evenly spread; the turns it leaves are numbered anew for the rest. So any
    /// run of `total` turns holds every member exactly as often as its weight.
    fn turn(&self, at: &mut u64) -> usize {
        let (mut t, mut total) = (*at, self.total);
        let mut found = self.len - 1;
        for (place, &(_, weight)) in self.list[..self.len].iter().enumerate() {
            let weight = u64::from(weight);
            let before = t * weight / total;
            if (t + 1) * weight / total > before {
                found = place;
                break;
            }
            (t, total) = (t - before, total - weight);
        }
        // How many turns went to others before this one: the place from which the next is taken.
        let weight = u64::from(self.list[found].1);
        *at -= (*at * weight / self.total.max(1)).min(*at);
        *at %= (self.total - weight).max(1);
        found
    }
}
