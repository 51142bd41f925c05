//! A pool: which of its members are answered with.

use super::{Alias, Answer, Client, Cursor, Draw, Family, Member, place};
use crate::config::Pick;
use crate::health::Standing;
use crate::limits;
use crate::wire::Name;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A pool.
#[derive(Clone)]
pub(super) struct Pool {
    pub name: String,
    pub kind: Kind,
    pub min_healthy: Option<f64>,
}

/// What a pool is.
#[derive(Clone)]
pub(super) enum Kind {
    /// Members, as a range of the policy's.
    Members {
        members: Range<usize>,
        pick: Pick,
        /// How many are answered with.
        answer: u8,
        turns: Arc<Turns>,
    },
    /// A CNAME.
    Alias(Alias),
}

/// The next turn of a pool in each family. A pool that a reload did not change has it in common with the one before, which answers until the
/// last worker has the new one.
#[derive(Default)]
pub(super) struct Turns([AtomicU64; 2]);

impl Turns {
    fn next(&self, family: Family, cursor: Cursor) -> u64 {
        let turns = &self.0[usize::from(family == Family::V6)];
        match cursor {
            Cursor::Take => turns.fetch_add(1, Ordering::Relaxed),
            Cursor::Peek => turns.load(Ordering::Relaxed),
        }
    }
}

/// Whether a member has no weight, or has shed all of it.
fn is_weightless(member: &Member, stands: Standing) -> bool {
    member.weight == 0 || stands.share == 0
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

    /// Goes on where `before` is, if it means the same: members, in order, and how they are drawn.
    pub fn resume(&mut self, all: &[Member], before: &Pool, all_before: &[Member]) {
        let Kind::Members { members, pick, answer, turns } = &mut self.kind else { return };
        let Kind::Members { members: members_before, pick: pick_before, answer: answer_before, turns: known } =
            &before.kind
        else {
            return;
        };
        let same = (&*pick, &*answer) == (pick_before, answer_before)
            && self.min_healthy == before.min_healthy
            && all[members.clone()] == all_before[members_before.clone()];
        if same {
            *turns = Arc::clone(known);
        }
    }

    /// Its members of a family.
    pub fn family<'m>(
        &'m self,
        all: &'m [Member],
        family: Family,
    ) -> impl Iterator<Item = (usize, &'m Member)> {
        let members = self.members().map(|index| (index, &all[index]));
        members.filter(move |(_, member)| family.is_of(member.address))
    }

    /// Whether it has members of the family.
    pub fn has(&self, all: &[Member], family: Family) -> bool {
        self.family(all, family).next().is_some()
    }

    /// Whether any of its members of the family serves.
    pub fn has_serving(&self, all: &[Member], family: Family, standing: impl Fn(usize) -> Standing) -> bool {
        self.family(all, family).any(|(index, _)| standing(index).serves())
    }

    /// Whether its members of the family that serve all have weight 0.
    pub fn is_weightless(
        &self,
        all: &[Member],
        family: Family,
        standing: impl Fn(usize) -> Standing,
    ) -> bool {
        let mut serving = self.family(all, family).filter(|(index, _)| standing(*index).serves());
        serving.all(|(index, member)| is_weightless(member, standing(index)))
    }

    /// Whether it can be answered from: the weights of its up members reach the share it needs, those that are drained left out on both
    /// sides. `weightless` asks for members of weight 0, or that have shed all of it.
    pub fn is_up(
        &self,
        all: &[Member],
        family: Family,
        standing: impl Fn(usize) -> Standing,
        weightless: bool,
    ) -> bool {
        let mut members = self.family(all, family).map(|(index, member)| (member, standing(index)));
        if weightless {
            return members.any(|(member, stands)| stands.serves() && is_weightless(member, stands));
        }
        let Some(share) = self.min_healthy else {
            return members.any(|(member, stands)| stands.serves() && !is_weightless(member, stands));
        };
        let (mut total, mut alive, mut any) = (0, 0, false);
        for (member, stands) in members.filter(|(_, stands)| !stands.drained) {
            let weight = u64::from(member.weight);
            total += weight;
            alive += if stands.serves() { weight } else { 0 };
            any |= stands.serves() && !is_weightless(member, stands);
        }
        // A share as written may be a little more than the number it stands for.
        any && alive as f64 >= (share - 1e-9) * total as f64
    }

    /// Draws members that serve, by the weight that is left to them. Says whether who asks has a part in it.
    pub fn draw(
        &self,
        all: &[Member],
        family: Family,
        client: &Client,
        standing: impl Fn(usize) -> Standing,
        weightless: bool,
        draw: Draw,
    ) -> (Answer<'_>, bool) {
        let Kind::Members { pick, answer, turns, .. } = &self.kind else { return (Answer::NoData, false) };
        let mut lots = Lots::default();
        // Weights count in sixteenths where one sheds a part of its own.
        let sheds = |(index, _): (usize, &Member)| standing(index).share < Standing::WHOLE;
        let whole = if self.family(all, family).any(sheds) { Standing::WHOLE } else { 1 };
        for (index, member) in self.family(all, family) {
            let stands = standing(index);
            let weight = match weightless {
                _ if !stands.serves() => 0,
                true => u32::from(is_weightless(member, stands)),
                false => member.weight * u32::from(stands.share.min(whole)),
            };
            lots.push(index, weight);
        }
        match pick {
            Pick::RoundRobin => (lots.take_in_turn(*answer, turns.next(family, draw.cursor)), false),
            Pick::Random => {
                let turn = place::mix(draw.seed);
                let hash = |index: u16| place::mix(turn ^ u64::from(index));
                (lots.take_best(*answer, hash, |taken| rotate(taken, turn)), false)
            }
            Pick::Hash => {
                let client = place::hash_client(client, place::default_bits(client));
                let hash = |index: u16| place::mix(client ^ all[usize::from(index)].hash);
                // Another hash, for who is taken may say nothing of the order; each has its own place in it, whoever else is there.
                let order = |index: &u16| place::mix(!hash(*index));
                (lots.take_best(*answer, hash, |taken| taken.sort_unstable_by_key(order)), lots.len > 1)
            }
        }
    }
}

/// Whoever stands first goes round.
fn rotate(taken: &mut [u16], turn: u64) {
    taken.sort_unstable();
    taken.rotate_left((turn % taken.len() as u64) as usize);
}

/// Members and their weights, from which some are taken.
struct Lots {
    members: [u16; limits::POOL_MEMBERS],
    weights: [u32; limits::POOL_MEMBERS],
    len: usize,
    total: u64,
}

impl Default for Lots {
    fn default() -> Lots {
        // Two lists of numbers are cleared in a few instructions, one of pairs is not.
        Lots { members: [0; limits::POOL_MEMBERS], weights: [0; limits::POOL_MEMBERS], len: 0, total: 0 }
    }
}

impl Lots {
    fn push(&mut self, index: usize, weight: u32) {
        if weight > 0 && self.len < self.members.len() {
            (self.members[self.len], self.weights[self.len]) = (index as u16, weight);
            self.len += 1;
            self.total += u64::from(weight);
        }
    }

    /// Takes the next so many distinct members in turn. Weights decide who is taken, not the order: who stands first goes round.
    fn take_in_turn(&self, count: u8, turn: u64) -> Answer<'static> {
        self.take(count, |taken| {
            // Where some are left out the order goes by another measure than what chose them, or who is first would follow from who is taken.
            let left_out = taken.len() < self.len;
            if left_out {
                self.next_in_turn(turn % self.total, taken);
            }
            rotate(taken, if left_out { turn / self.total } else { turn });
        })
    }

    /// Takes so many of those that a hash of each puts highest by weight, and has `order` put them in order.
    fn take_best(
        &self,
        count: u8,
        hash: impl Fn(u16) -> u64,
        order: impl FnOnce(&mut [u16]),
    ) -> Answer<'static> {
        self.take(count, |taken| {
            if taken.len() < self.len {
                self.best(hash, taken);
            }
            order(taken);
        })
    }

    /// Has so many of the members chosen, unless those are all.
    fn take(&self, count: u8, choose: impl FnOnce(&mut [u16])) -> Answer<'static> {
        let count = usize::from(count).min(self.len).min(limits::POOL_ANSWERS);
        if count == 0 {
            return Answer::NoData;
        }
        let mut picked = [0u16; limits::POOL_ANSWERS];
        let taken = &mut picked[..count];
        taken.copy_from_slice(&self.members[..count]);
        choose(taken);
        Answer::Addresses { picked, count: count as u8 }
    }

    /// Those with the highest scores.
    fn best(&self, hash: impl Fn(u16) -> u64, taken: &mut [u16]) {
        let mut scores = [(f64::NEG_INFINITY, 0); limits::POOL_ANSWERS];
        // Of equal weights it is enough to compare the numbers that scores are made from.
        let first = self.weights[0];
        let alike = self.weights[..self.len].iter().all(|weight| *weight == first);
        let last = taken.len() - 1;
        for (&index, &weight) in self.members[..self.len].iter().zip(&self.weights) {
            let (hash, worst) = (hash(index), scores[last].0);
            // A logarithm is dear, and no score is above this bound, as -ln u > 1 - u.
            let unit = place::unit(hash);
            let most = if alike { unit } else { f64::from(weight) / (1.0 - unit) };
            if most <= worst {
                continue;
            }
            let score = if alike { unit } else { place::score(hash, weight) };
            let (mut new, best) = ((score, index), &mut scores[..taken.len()]);
            for slot in best {
                if new.0 > slot.0 {
                    std::mem::swap(&mut new, slot);
                }
            }
        }
        taken.iter_mut().zip(scores).for_each(|(slot, (_, index))| *slot = index);
    }

    /// The holder of turn `at` of the cycle, and those of others who have theirs next after it.
    fn next_in_turn(&self, at: u64, taken: &mut [u16]) {
        let mut found = 0;
        // With weights that are much alike, most have theirs soon.
        for step in 0..2 * taken.len() as u64 {
            let index = self.members[self.holder((at + step) % self.total)];
            if !taken[..found].contains(&index) {
                taken[found] = index;
                found += 1;
                if found == taken.len() {
                    return;
                }
            }
        }
        let mut waits = [u64::MAX; limits::POOL_MEMBERS];
        for place in (0..self.len).filter(|&place| !taken[..found].contains(&self.members[place])) {
            waits[place] = self.wait(place, at);
        }
        for slot in &mut taken[found..] {
            let next = (0..self.len).min_by_key(|&place| waits[place]).unwrap_or_default();
            *slot = self.members[next];
            waits[next] = u64::MAX;
        }
    }

    /// Who has turn `at` of a cycle, as a place in the list.
    ///
    /// Each member in its turn is split from the rest as a line of rational slope is drawn on a grid: of `total` turns it takes those at
    /// which ⌊(t+1)·w/total⌋ exceeds ⌊t·w/total⌋, which are w, evenly spread; the turns it leaves are numbered anew for the rest. So any
    /// run of `total` turns holds every member exactly as often as its weight.
    fn holder(&self, at: u64) -> usize {
        let (mut t, mut total) = (at, self.total);
        for (place, &weight) in self.weights[..self.len].iter().enumerate() {
            let weight = u64::from(weight);
            let before = t * weight / total;
            if (t + 1) * weight / total > before {
                return place;
            }
            (t, total) = (t - before, total - weight);
        }
        self.len - 1
    }

    /// How many turns after `at` a member has its next: [`Lots::holder`] the other way round.
    fn wait(&self, place: usize, at: u64) -> u64 {
        let (mut t, mut total) = (at, self.total);
        for &weight in &self.weights[..place] {
            (t, total) = (t - t * u64::from(weight) / total, total - u64::from(weight));
        }
        let weight = u64::from(self.weights[place]);
        // Its turns before `at` in this cycle; when that is all of them, the next is the first of the next cycle.
        let had = t * weight / total;
        let cycle = had / weight;
        let mut turn = ((had % weight + 1) * total).div_ceil(weight) - 1;
        for &weight in self.weights[..place].iter().rev() {
            total += u64::from(weight);
            turn = turn * total / (total - u64::from(weight));
        }
        turn + cycle * self.total - at
    }
}
