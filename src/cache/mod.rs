//! The cache of what was learnt: RRsets, denials and failures in wire form, sharded, within a byte limit. Reads copy without a
//! lock; every call takes `now`.

mod entry;
mod proof;
mod selection;
mod shard;
pub mod snapshot;
#[cfg(test)]
mod tests;

pub use entry::EntryBuf;
pub use proof::{Proof, ProofBuf, ProofSet};
pub use selection::Selection;

use crate::clock::Instant;
use crate::limits;
use crate::metrics::CacheGauges;
use crate::rrset::Rdatas;
use crate::wire::{Name, Rcode, Rtype};
use shard::{SEGMENT_WORDS, Shard};
use std::hash::{BuildHasher, Hasher};
use std::ops::ControlFlow;

/// What an entry is found by. The class is always IN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Which set of forwards, stubs and views it was learnt through, and that set's generation.
    pub realm: u32,
    /// The owner.
    pub name: Name<'a>,
    /// The type; [`Key::NXDOMAIN`] for "the name does not exist".
    pub rtype: Rtype,
    /// Learnt without validation, for clients that set CD.
    pub checking_disabled: bool,
    /// That it could not be resolved, which is kept beside what was known before.
    pub failed: bool,
}

impl Key<'_> {
    /// The type under which an NXDOMAIN is stored: it denies every type. 0 is reserved and never a record's type.
    pub const NXDOMAIN: Rtype = Rtype(0);
}

/// What validation found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// Not validated.
    #[default]
    Unchecked = 0,
    /// No chain of trust leads here.
    Insecure = 1,
    /// Validated.
    Secure = 2,
    /// Failed validation.
    Bogus = 3,
}

/// What an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact<'a> {
    /// The RRset exists.
    Records {
        /// Its record data.
        rdatas: Rdatas<'a>,
        /// The record data of its RRSIGs; none stored when the RRset is not signed.
        signatures: Rdatas<'a>,
    },
    /// The name or type does not exist (RFC 2308); which of the two, the key says.
    Denied {
        /// Owner of the SOA that says so; none if the reply had none.
        soa_owner: Option<Name<'a>>,
        /// Its record data.
        soa: &'a [u8],
        /// The record data of its RRSIGs.
        signatures: Rdatas<'a>,
    },
    /// Resolution failed (RFC 9520).
    Failed {
        /// What to answer.
        rcode: Rcode,
        /// Extended error code.
        ede: u16,
        /// Its text.
        text: &'a str,
    },
}

/// An entry as it goes in or comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// When it was learnt.
    pub stored: Instant,
    /// How long it holds, seconds from then.
    pub ttl: u32,
    /// What validation found.
    pub verdict: Verdict,
    /// What it says.
    pub fact: Fact<'a>,
    /// What a client that validates needs beside it: of a denial its NSEC or NSEC3 records, of what came of a wildcard those that deny
    /// the names nearer.
    pub proof: Proof<'a>,
}

impl Entry<'_> {
    /// Whether it may be used although it has run out (RFC 8767 §5.11): it tells what was, and not too long ago.
    pub fn is_fit_when_stale(&self, now: Instant) -> bool {
        let held = u64::from(self.ttl) + limits::STALE_MAX.as_secs();
        !matches!(self.fact, Fact::Failed { .. }) && now.since(self.stored).as_secs() <= held
    }

    /// Seconds it still holds at `now`; zero when it is stale.
    pub fn ttl_left(&self, now: Instant) -> u32 {
        let age = now.since(self.stored).as_secs();
        self.ttl.saturating_sub(u32::try_from(age).unwrap_or(u32::MAX))
    }
}

/// Where a read copies an entry to: one per worker, made once.
pub struct Scratch(Box<[u8]>);

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch(vec![0; limits::CACHE_ENTRY.next_multiple_of(8)].into())
    }
}

/// The cache.
pub struct Cache {
    shards: Box<[Shard]>,
    hasher: foldhash::quality::FixedState,
    capacity: usize,
    index_bytes: usize,
}

impl Cache {
    /// A cache of at most `bytes` octets in all (at least [`limits::CACHE_MIN`]), its hashes seeded with `seed`: who does not know
    /// it cannot make keys that fall into one bucket.
    pub fn new(bytes: usize, seed: u64) -> Cache {
        let bytes = bytes.max(limits::CACHE_MIN);
        // Writers of different shards do not wait for each other; a shard keeps enough segments for two queues.
        let shards = (bytes / (4 * limits::CACHE_MIN)).clamp(1, 16).next_power_of_two();
        let share = bytes / shards;
        // An entry of an address takes about 100 octets: a slot for each, rounded to a power of two.
        let slots = (share / 128).next_power_of_two();
        let segments = (share - slots * 8) / (SEGMENT_WORDS * 8);
        Cache {
            shards: (0..shards).map(|_| Shard::new(segments, slots)).collect(),
            hasher: foldhash::quality::FixedState::with_seed(seed),
            capacity: bytes,
            index_bytes: shards * slots * 8,
        }
    }

    /// The entry of `key`, also a stale one: ask its `ttl_left`. Neither locks nor allocates; sets the visited bit.
    pub fn get<'s>(&self, key: &Key<'_>, scratch: &'s mut Scratch) -> Option<Entry<'s>> {
        let hash = self.hash(key);
        self.shard(hash).get(hash, key, scratch)
    }

    /// Stores or replaces an entry; one too large for the cache is left out.
    pub fn insert(&self, entry: &EntryBuf) {
        let hash = self.hash(&entry.key());
        if let Some(octets) = entry.storable() {
            self.shard(hash).insert(hash, octets);
        }
    }

    /// Forgets an entry; says whether it was there.
    pub fn remove(&self, key: &Key<'_>) -> bool {
        let hash = self.hash(key);
        self.shard(hash).remove(hash, key)
    }

    /// Forgets what is selected, in all realms and with and without CD; says how many entries there were. What was there when
    /// it began is gone when it ends; what comes meanwhile may stay. Readers go on, and writers wait for a small piece at a time.
    pub fn flush(&self, selection: &Selection) -> usize {
        let mut scratch = Scratch::default();
        let flush = |shard: &Shard| match selection {
            Selection::All => shard.clear(),
            _ => shard.flush(&mut scratch, |key| selection.holds(key)),
        };
        self.shards.iter().map(flush).sum()
    }

    /// Visits what is selected, stale or not, in no order, until `visit` breaks. Nobody waits for it; an entry that is stored or
    /// moved meanwhile may be passed over.
    pub fn walk(
        &self,
        selection: &Selection,
        mut visit: impl FnMut(&Key<'_>, &Entry<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut scratch = Scratch::default();
        self.shards.iter().try_for_each(|shard| {
            shard.walk(&mut scratch, |octets| {
                let key = entry::key(octets);
                if selection.holds(&key) {
                    visit(&key, &entry::entry(octets))
                } else {
                    ControlFlow::Continue(())
                }
            })
        })
    }

    /// Octets that it may take.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// What it holds.
    pub fn counts(&self) -> CacheGauges {
        let mut counts =
            CacheGauges { bytes: self.index_bytes, capacity: self.capacity, ..CacheGauges::default() };
        for (entries, segments, evictions) in self.shards.iter().map(Shard::counts) {
            counts.entries += entries;
            counts.bytes += segments * SEGMENT_WORDS * 8;
            counts.evictions += evictions;
        }
        counts
    }

    fn hash(&self, key: &Key<'_>) -> u64 {
        let (name, rest) = entry::hashed(key);
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name.as_name().as_bytes());
        hasher.write(&rest);
        hasher.finish()
    }

    /// The shard of a hash: by bits that choose neither bucket nor tag.
    fn shard(&self, hash: u64) -> &Shard {
        &self.shards[(hash >> 44) as usize & (self.shards.len() - 1)]
    }
}
