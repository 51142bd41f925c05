//! A shard: a log of entries in segments of words, and an index of where each key stands.
//!
//! Entries are appended to one of two queues of segments. New ones go to the small queue; when its oldest segment is wanted back, the
//! entries that were visited move to the main queue and the rest are forgotten. The main queue gives visited entries another round
//! (S3-FIFO over segments: nothing is moved on a hit).
//!
//! Readers take no lock. A reader loads an index slot, then the sequence number of the segment, then the slot once more, copies the
//! words, and looks at the sequence number again. The writer, who holds the lock, wipes the slots of a segment, then raises its
//! sequence number, and only then writes into it. So a copy is good if slot and number did not change:
//! - reading the raised number (Acquire) makes the wiped slots visible, so the second look at the slot fails, unless the slot was
//!   published anew, and then (Acquire) its words are whole;
//! - reading any overwritten word before the Acquire fence makes the raised number visible after it.

use super::entry;
use super::{Entry, Key, Scratch};
use crate::limits;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Words of a segment: 64 KiB.
pub(super) const SEGMENT_WORDS: usize = 8 * 1024;

/// Slots of a bucket: one cache line.
const WAYS: usize = 8;

/// Words in front of an entry's octets: their count, and the hash of its key.
const HEAD: usize = 2;

/// A slot: 15 bits of the hash, the visited bit, 48 bits of position plus one. Zero is empty.
const VISITED: u64 = 1 << 48;
const POSITION: u64 = VISITED - 1;

/// One shard.
pub(super) struct Shard {
    index: Box<[AtomicU64]>,
    segments: Box<[Segment]>,
    writer: Mutex<Queues>,
    entries: AtomicUsize,
    used: AtomicUsize,
    evictions: AtomicU64,
}

/// A piece of the log; its words are allocated when they are first needed.
struct Segment {
    sequence: AtomicU64,
    words: OnceLock<Box<[AtomicU64]>>,
}

/// The writer's side.
struct Queues {
    small: VecDeque<usize>,
    main: VecDeque<usize>,
    free: Vec<usize>,
    /// Words used in the newest segment of each queue.
    small_used: usize,
    main_used: usize,
}

/// Which queue an entry is appended to.
#[derive(Clone, Copy, PartialEq)]
enum Queue {
    Small,
    Main,
}

impl Shard {
    /// A shard of so many segments and index slots (a power of two, at least [`WAYS`]).
    pub fn new(segments: usize, slots: usize) -> Shard {
        let segment = |_| Segment { sequence: AtomicU64::new(0), words: OnceLock::new() };
        Shard {
            index: (0..slots.max(WAYS)).map(|_| AtomicU64::new(0)).collect(),
            segments: (0..segments).map(segment).collect(),
            writer: Mutex::new(Queues {
                small: VecDeque::with_capacity(segments),
                main: VecDeque::with_capacity(segments),
                free: (0..segments).rev().collect(),
                small_used: SEGMENT_WORDS,
                main_used: SEGMENT_WORDS,
            }),
            entries: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    /// Entries, segments in use, and entries forgotten for want of room.
    pub fn counts(&self) -> (usize, usize, u64) {
        let load = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        (load(&self.entries), load(&self.used), self.evictions.load(Ordering::Relaxed))
    }

    fn bucket(&self, hash: u64) -> &[AtomicU64] {
        let buckets = self.index.len() / WAYS;
        let at = (hash as usize & (buckets - 1)) * WAYS;
        &self.index[at..at + WAYS]
    }

    /// Copies the entry of `key` into `scratch`.
    pub fn get<'s>(&self, hash: u64, key: &Key<'_>, scratch: &'s mut Scratch) -> Option<Entry<'s>> {
        for slot in self.bucket(hash) {
            let seen = slot.load(Ordering::Acquire);
            if seen == 0 || seen & !(VISITED | POSITION) != tag(hash) {
                continue;
            }
            let Some(len) = self.copy(slot, seen, scratch) else { continue };
            if !entry::has_key(&scratch.0[..len], key) {
                continue;
            }
            if seen & VISITED == 0 {
                // Fails when the slot was changed meanwhile: then it is another entry's.
                let _ = slot.compare_exchange(seen, seen | VISITED, Ordering::Relaxed, Ordering::Relaxed);
            }
            return Some(entry::entry(&scratch.0[..len]));
        }
        None
    }

    /// Copies what a slot points to; returns its octets, or none when it was overwritten meanwhile.
    fn copy(&self, slot: &AtomicU64, seen: u64, scratch: &mut Scratch) -> Option<usize> {
        let (segment, at) = place(seen);
        let segment = self.segments.get(segment)?;
        let sequence = segment.sequence.load(Ordering::Acquire);
        if slot.load(Ordering::Acquire) | VISITED != seen | VISITED {
            return None;
        }
        let words = segment.words.get()?;
        let len = words.get(at)?.load(Ordering::Relaxed) as usize;
        let from = words.get(at + HEAD..at + HEAD + len.div_ceil(8))?;
        let to = scratch.0.get_mut(..from.len() * 8)?;
        for (octets, word) in to.chunks_exact_mut(8).zip(from) {
            octets.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
        fence(Ordering::Acquire);
        (segment.sequence.load(Ordering::Relaxed) == sequence).then_some(len)
    }

    /// Stores the octets of an entry in place of what its key had.
    pub fn insert(&self, hash: u64, octets: &[u8]) {
        let mut queues = self.lock();
        let old = self.find(hash, &entry::key(octets));
        let Some(position) = self.append(&mut queues, Queue::Small, hash, octets) else { return };
        // Appending may have moved or forgotten the old one.
        let old = old.and_then(|_| self.find(hash, &entry::key(octets)));
        match old {
            Some(slot) => {
                // One that is asked for again has shown its worth.
                slot.store(tag(hash) | VISITED | (position + 1), Ordering::Release);
            }
            None => self.publish(hash, tag(hash) | (position + 1)),
        }
    }

    /// Forgets a key; says whether it was there.
    pub fn remove(&self, hash: u64, key: &Key<'_>) -> bool {
        let _queues = self.lock();
        let slot = self.find(hash, key);
        if let Some(slot) = slot {
            slot.store(0, Ordering::Release);
            self.entries.fetch_sub(1, Ordering::Relaxed);
        }
        slot.is_some()
    }

    /// Hands on the octets of every entry until `visit` breaks. Takes no lock: one that is moved just then may be passed over.
    pub fn walk(
        &self,
        scratch: &mut Scratch,
        mut visit: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for slot in &self.index {
            for _ in 0..limits::CACHE_LOOKS {
                match slot.load(Ordering::Acquire) {
                    0 => break,
                    seen => match self.copy(slot, seen, scratch) {
                        Some(len) => {
                            visit(&scratch.0[..len])?;
                            break;
                        }
                        // Overwritten meanwhile: the slot says what is there now.
                        None => continue,
                    },
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Forgets the entries whose keys are `doomed`; says how many there were. All that were there when it began are seen: an entry
    /// that is moved stays in its bucket, and the lock, held for one piece of the index at a time, keeps it from being between two
    /// places.
    pub fn flush(&self, scratch: &mut Scratch, doomed: impl Fn(&Key<'_>) -> bool) -> usize {
        let mut gone = 0;
        for piece in self.index.chunks(limits::CACHE_PIECE) {
            let _queues = self.lock();
            for slot in piece {
                let seen = slot.load(Ordering::Relaxed);
                let copied = if seen == 0 { None } else { self.copy(slot, seen, scratch) };
                if copied.is_some_and(|len| doomed(&entry::key(&scratch.0[..len]))) {
                    slot.store(0, Ordering::Release);
                    self.entries.fetch_sub(1, Ordering::Relaxed);
                    gone += 1;
                }
            }
        }
        gone
    }

    /// Forgets everything; says how many entries there were. The memory stays allocated for what comes.
    pub fn clear(&self) -> usize {
        let mut queues = self.lock();
        for slot in &self.index {
            slot.store(0, Ordering::Release);
        }
        let taken: Vec<usize> = queues.small.drain(..).collect();
        queues.free.extend(taken);
        let taken: Vec<usize> = queues.main.drain(..).collect();
        queues.free.extend(taken);
        for segment in &self.segments {
            self.raise(segment);
        }
        (queues.small_used, queues.main_used) = (SEGMENT_WORDS, SEGMENT_WORDS);
        self.entries.swap(0, Ordering::Relaxed)
    }

    /// A panic while the lock was held cannot leave the queues in a state that readers are misled by.
    fn lock(&self) -> std::sync::MutexGuard<'_, Queues> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot of a key; for the holder of the lock.
    fn find(&self, hash: u64, key: &Key<'_>) -> Option<&AtomicU64> {
        self.bucket(hash).iter().find(|slot| {
            let seen = slot.load(Ordering::Relaxed);
            if seen == 0 || seen & !(VISITED | POSITION) != tag(hash) {
                return false;
            }
            let (segment, at) = place(seen);
            entry::has_key(&self.octets(segment, at), key)
        })
    }

    /// The octets of an entry; for the holder of the lock.
    fn octets(&self, segment: usize, at: usize) -> Vec<u8> {
        let Some(words) = self.segments[segment].words.get() else { return Vec::new() };
        let len = words[at].load(Ordering::Relaxed) as usize;
        let from = &words[at + HEAD..at + HEAD + len.div_ceil(8)];
        let mut octets: Vec<u8> =
            from.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
        octets.truncate(len);
        octets
    }

    /// Puts a slot into its bucket: an empty one, else in place of one not visited, else of the first.
    fn publish(&self, hash: u64, slot: u64) {
        let bucket = self.bucket(hash);
        let empty = bucket.iter().find(|slot| slot.load(Ordering::Relaxed) == 0);
        let unvisited = || bucket.iter().find(|slot| slot.load(Ordering::Relaxed) & VISITED == 0);
        match empty {
            Some(place) => {
                self.entries.fetch_add(1, Ordering::Relaxed);
                place.store(slot, Ordering::Release);
            }
            None => {
                self.evictions.fetch_add(1, Ordering::Relaxed);
                unvisited().unwrap_or(&bucket[0]).store(slot, Ordering::Release);
            }
        }
    }

    /// Writes an entry at the end of a queue; returns its position. None when a segment cannot be had.
    fn append(&self, queues: &mut Queues, queue: Queue, hash: u64, octets: &[u8]) -> Option<u64> {
        let need = HEAD + octets.len().div_ceil(8);
        let used = if queue == Queue::Small { queues.small_used } else { queues.main_used };
        if used + need > SEGMENT_WORDS {
            self.open(queues, queue, need)?;
        }
        let (segments, used) = match queue {
            Queue::Small => (&queues.small, &mut queues.small_used),
            Queue::Main => (&queues.main, &mut queues.main_used),
        };
        let (segment, at) = (*segments.back()?, *used);
        *used += need;
        let words = self.segments[segment].words.get()?;
        words[at].store(octets.len() as u64, Ordering::Relaxed);
        words[at + 1].store(hash, Ordering::Relaxed);
        for (word, chunk) in words[at + HEAD..].iter().zip(octets.chunks(8)) {
            let mut padded = [0; 8];
            padded[..chunk.len()].copy_from_slice(chunk);
            word.store(u64::from_ne_bytes(padded), Ordering::Relaxed);
        }
        // The end of the segment so far: where a walk of it stops.
        if let Some(next) = words.get(at + need) {
            next.store(0, Ordering::Relaxed);
        }
        Some((segment * SEGMENT_WORDS + at) as u64)
    }

    /// Gives a queue room for `need` words: a fresh segment, the oldest of one of the queues when none is free.
    fn open(&self, queues: &mut Queues, queue: Queue, need: usize) -> Option<()> {
        while queues.free.is_empty() {
            // A tenth for newcomers is what S3-FIFO found right; two segments are the least that give them time.
            let share = (self.segments.len() / 10).max(2) + usize::from(queue == Queue::Main);
            let from_small = queues.small.len() >= share || queues.main.is_empty();
            let oldest = if from_small { queues.small.pop_front() } else { queues.main.pop_front() }?;
            if queues.small.is_empty() {
                queues.small_used = SEGMENT_WORDS;
            }
            if queues.main.is_empty() {
                queues.main_used = SEGMENT_WORDS;
            }
            // Of the main queue never all, so that room is won.
            let most = if from_small { SEGMENT_WORDS } else { SEGMENT_WORDS / 8 * 7 };
            let survivors = self.reclaim(oldest, most);
            queues.free.push(oldest);
            for (hash, visited, octets) in survivors {
                self.move_to_main(queues, hash, visited, &octets);
            }
        }
        // Moving survivors may itself have opened a segment for the main queue.
        if queue == Queue::Main && queues.main_used + need <= SEGMENT_WORDS {
            return Some(());
        }
        let used = if queue == Queue::Small { &mut queues.small_used } else { &mut queues.main_used };
        let segment = queues.free.pop()?;
        *used = 0;
        match queue {
            Queue::Small => queues.small.push_back(segment),
            Queue::Main => queues.main.push_back(segment),
        }
        self.segments[segment].words.get_or_init(|| {
            self.used.fetch_add(1, Ordering::Relaxed);
            (0..SEGMENT_WORDS).map(|_| AtomicU64::new(0)).collect()
        });
        Some(())
    }

    /// Appends a survivor to the main queue if that needs no more room than there is.
    fn move_to_main(&self, queues: &mut Queues, hash: u64, visited: bool, octets: &[u8]) {
        let need = HEAD + octets.len().div_ceil(8);
        let room = queues.main_used + need <= SEGMENT_WORDS || !queues.free.is_empty();
        let position = if visited && room { self.append(queues, Queue::Main, hash, octets) } else { None };
        match position {
            Some(position) => {
                self.entries.fetch_sub(1, Ordering::Relaxed);
                self.publish(hash, tag(hash) | (position + 1));
            }
            None => self.forget(),
        }
    }

    fn forget(&self) {
        self.entries.fetch_sub(1, Ordering::Relaxed);
        self.evictions.fetch_add(1, Ordering::Relaxed);
    }

    /// Empties a segment. Returns its live entries that were visited, up to `most` words of them.
    fn reclaim(&self, segment: usize, most: usize) -> Vec<(u64, bool, Vec<u8>)> {
        let (mut survivors, mut kept, mut at) = (Vec::new(), 0, 0);
        let Some(words) = self.segments[segment].words.get() else { return survivors };
        while at + HEAD < SEGMENT_WORDS {
            let len = words[at].load(Ordering::Relaxed) as usize;
            if len == 0 || len > limits::CACHE_ENTRY {
                break;
            }
            let hash = words[at + 1].load(Ordering::Relaxed);
            let position = (segment * SEGMENT_WORDS + at) as u64 + 1;
            let need = HEAD + len.div_ceil(8);
            let live =
                self.bucket(hash).iter().find(|slot| slot.load(Ordering::Relaxed) & POSITION == position);
            if let Some(slot) = live {
                let visited = slot.load(Ordering::Relaxed) & VISITED != 0 && kept + need <= most;
                if visited {
                    kept += need;
                    survivors.push((hash, true, self.octets(segment, at)));
                } else {
                    self.forget();
                }
                slot.store(0, Ordering::Release);
            }
            at += need;
        }
        self.raise(&self.segments[segment]);
        survivors
    }

    /// Tells readers that a segment will be overwritten.
    fn raise(&self, segment: &Segment) {
        segment.sequence.fetch_add(1, Ordering::Release);
        // No write into the segment may be seen before the raised number.
        fence(Ordering::Release);
    }
}

/// The bits of a hash that a slot keeps: none of those that choose shard or bucket in caches of any size that is configured.
fn tag(hash: u64) -> u64 {
    hash >> 49 << 49
}

/// Segment and word of a slot.
fn place(slot: u64) -> (usize, usize) {
    let position = ((slot & POSITION) - 1) as usize;
    (position / SEGMENT_WORDS, position % SEGMENT_WORDS)
}
