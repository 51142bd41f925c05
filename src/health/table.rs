//! The table that answering reads: one atomic word per member.

use std::sync::atomic::{AtomicU64, Ordering};

/// A member's place in the [`Table`]: its index among all members of its zone's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u32);

/// What is known of an endpoint, and so of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    /// It serves.
    #[default]
    Up,
    /// It does not.
    Down,
    /// Nothing is known of it yet, or it cannot be known because our own network is down: it counts as up.
    Unknown,
}

const STATES: [(State, &str); 3] = [(State::Up, "up"), (State::Down, "down"), (State::Unknown, "unknown")];

impl State {
    /// What [`Display`](std::fmt::Display) writes.
    pub(super) fn from_text(text: &str) -> Option<State> {
        STATES.iter().find(|(_, word)| *word == text).map(|(state, _)| *state)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(STATES.iter().find(|(state, _)| state == self).map_or("", |(_, word)| word))
    }
}

/// How a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is up.
    pub state: State,
    /// An operator has taken it out: it is not answered with, and its pool counts as if it were not there.
    pub drained: bool,
    /// How much of its weight it gets for the load it reports, in sixteenths: 16 is all of it.
    pub share: u8,
    /// Seconds for which its state is taken to stay: 0 while a failure is being confirmed; `u16::MAX` where nothing checks it.
    pub hold: u16,
    /// The Unix time at which it came into its state, in seconds modulo 2³².
    pub since: u32,
}

impl Standing {
    /// All of a weight.
    pub const WHOLE: u8 = 16;

    /// Up, with nothing to change that: members without a check.
    pub const UNCHECKED: Standing =
        Standing { state: State::Up, drained: false, share: Standing::WHOLE, hold: u16::MAX, since: 0 };

    /// Whether it may be answered with.
    pub fn serves(&self) -> bool {
        !self.drained && self.state != State::Down
    }

    fn pack(self) -> u64 {
        let state = match self.state {
            State::Up => 0,
            State::Down => 1,
            State::Unknown => 2,
        };
        let rare = u64::from(self.drained) << 2 | u64::from(self.share) << 8;
        state | rare | u64::from(self.hold) << 16 | u64::from(self.since) << 32
    }

    fn unpack(word: u64) -> Standing {
        let state = match word & 3 {
            0 => State::Up,
            1 => State::Down,
            _ => State::Unknown,
        };
        Standing {
            state,
            drained: word & 4 != 0,
            share: (word >> 8) as u8,
            hold: (word >> 16) as u16,
            since: (word >> 32) as u32,
        }
    }
}

/// How every member of a zone stands, one word each; read without a lock.
#[derive(Debug, Default)]
pub struct Table {
    words: Box<[AtomicU64]>,
}

impl Table {
    /// A table of so many members, all unchecked.
    pub fn new(members: usize) -> Table {
        Table { words: (0..members).map(|_| AtomicU64::new(Standing::UNCHECKED.pack())).collect() }
    }

    /// How a member stands; one the table does not have is unchecked.
    pub fn get(&self, member: MemberId) -> Standing {
        let word = self.words.get(member.0 as usize);
        word.map_or(Standing::UNCHECKED, |word| Standing::unpack(word.load(Ordering::Relaxed)))
    }

    /// Says how a member stands.
    pub fn set(&self, member: MemberId, standing: Standing) {
        if let Some(word) = self.words.get(member.0 as usize) {
            word.store(standing.pack(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_is_read_as_it_was_written() {
        let table = Table::new(2);
        for state in [State::Up, State::Down, State::Unknown] {
            for (drained, share, hold, since) in
                [(false, 0, 0, 0), (true, 16, u16::MAX, u32::MAX), (false, 7, 30, 5)]
            {
                let standing = Standing { state, drained, share, hold, since };
                table.set(MemberId(1), standing);
                assert_eq!((table.get(MemberId(1)), table.get(MemberId(0))), (standing, Standing::UNCHECKED));
            }
        }
        assert_eq!(table.get(MemberId(7)), Standing::UNCHECKED);
    }
}
