//! What is trusted now, shared by all who validate and by control: a snapshot that is read without a lock,
//! and what changes it behind one.

use super::state::{self, Saved, StateError};
use super::{Anchors, KeyState, Negative, Observation, Rollover, key_tag};
use crate::limits;
use crate::wire::{Name, OwnedName};
use arc_swap::{ArcSwap, Guard};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Trust anchors at work. All times are seconds of Unix time.
pub struct Trust {
    anchors: ArcSwap<Anchors>,
    generation: AtomicU64,
    book: Mutex<Book>,
}

/// What the snapshot is made from.
struct Book {
    /// As the config has them, with its negative ones.
    config: Anchors,
    /// Whether anchors follow the rollovers of their zones.
    follow: bool,
    /// Of each zone with anchors in the config, in canonical order.
    rollovers: Vec<Rollover>,
    /// Set at run time.
    negatives: Vec<Negative>,
    /// Whether there is something that [`Trust::unsaved`] did not give yet.
    dirty: bool,
}

/// Why a negative anchor is not set or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NegativeError {
    /// The config has it.
    Configured,
    /// There is none of this name.
    Unknown,
    /// It would never be in force, or for longer than [`limits::NEGATIVE_TIME_MAX`].
    Time,
    /// There are [`limits::NEGATIVE_ANCHORS`] of them.
    Full,
}

impl fmt::Display for NegativeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NegativeError::Configured => {
                f.write_str("it is in resolver.negative_trust_anchors: change it there, and reload")
            }
            NegativeError::Unknown => f.write_str("there is no negative trust anchor of this name"),
            NegativeError::Time => {
                let days = limits::NEGATIVE_TIME_MAX / 86_400;
                write!(
                    f,
                    "a negative trust anchor is in force for a second to {days} days: for longer it belongs in the config"
                )
            }
            NegativeError::Full => {
                write!(f, "there are {} negative trust anchors: remove some", limits::NEGATIVE_ANCHORS)
            }
        }
    }
}

impl std::error::Error for NegativeError {}

/// A negative anchor that has run out: what was learnt below it was not validated.
pub type Expired = OwnedName;

/// A key or digest that is, was, or may become an anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The zone.
    pub zone: OwnedName,
    /// The key's tag.
    pub tag: u16,
    /// Its algorithm.
    pub algorithm: u8,
    /// Its state in a word: that of RFC 5011, or `configured` for what is not followed, or not seen yet.
    pub state: &'static str,
    /// Since when, where that is known.
    pub since: Option<u64>,
    /// Until when it must wait.
    pub until: Option<u64>,
    /// Where it is from: what [`Anchors::source`] says, or RFC 5011.
    pub source: String,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("anchors", &self.anchors.load()).finish_non_exhaustive()
    }
}

impl Default for Trust {
    /// Nothing is trusted, and so nothing validated.
    fn default() -> Trust {
        Trust::new(Anchors::none(), false, 0)
    }
}

impl Trust {
    /// That of a config; with `follow` its anchors follow rollovers.
    pub fn new(config: Anchors, follow: bool, now: u64) -> Trust {
        let rollovers = config.iter().map(|anchor| Rollover::new(anchor, now)).collect();
        Trust {
            anchors: ArcSwap::from_pointee(config.clone()),
            generation: AtomicU64::new(0),
            book: Mutex::new(Book { config, follow, rollovers, negatives: Vec::new(), dirty: false }),
        }
    }

    /// All anchors as they are now. Takes no lock.
    pub fn load(&self) -> Guard<Arc<Anchors>> {
        self.anchors.load()
    }

    /// The same to be kept.
    pub fn load_full(&self) -> Arc<Anchors> {
        self.anchors.load_full()
    }

    /// A number that is another one after each change of [`Trust::load`], and after nothing else.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// A panic while it was held leaves a book in which each line is right by itself.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the snapshot anew. Returns whether it is another one.
    fn publish(&self, book: &Book) -> bool {
        let anchors = book.anchors();
        if anchors == **self.anchors.load() {
            return false;
        }
        self.anchors.store(Arc::new(anchors));
        self.generation.fetch_add(1, Ordering::Release);
        true
    }

    /// Takes what a new config says. Anchors it had before go on as they have become. Returns whether what is
    /// trusted is another.
    pub fn configure(&self, config: Anchors, follow: bool, now: u64) -> bool {
        let book = &mut *self.book();
        if book.config == config && book.follow == follow {
            return false;
        }
        book.config = config;
        book.follow = follow;
        let before = std::mem::take(&mut book.rollovers);
        book.resume(before, now);
        book.negatives.retain(|negative| !book.config.has_negative(negative.name.as_name()));
        self.publish(book)
    }

    /// Takes what [`Trust::unsaved`] gave when the daemon last ran. Of a zone all of whose anchors in the
    /// config are others now, it is not used, nor is a negative anchor that has run out.
    ///
    /// # Errors
    /// When it is no such text; then nothing has changed.
    pub fn restore(&self, text: &str, now: u64) -> Result<(), StateError> {
        let Saved { rollovers, negatives } = state::read(text)?;
        let book = &mut *self.book();
        book.resume(rollovers, now);
        for negative in negatives {
            // Where the clock was set back, its end is far away.
            let latest = now.saturating_add(limits::NEGATIVE_TIME_MAX);
            let negative = Negative { until: negative.until.map(|until| until.min(latest)), ..negative };
            let name = negative.name.as_name();
            if negative.holds(now) && !book.config.has_negative(name) && book.negative(name).is_none() {
                book.negatives.push(negative);
            }
        }
        book.dirty = false;
        self.publish(book);
        Ok(())
    }

    /// What is to be kept, where it is not what was given last.
    pub fn unsaved(&self) -> Option<String> {
        let book = &mut *self.book();
        std::mem::take(&mut book.dirty).then(|| state::write(&book.rollovers, book.negatives.iter()))
    }

    /// It could not be kept: it is to be given again.
    pub fn not_saved(&self) {
        self.book().dirty = true;
    }

    /// Switches validation off at and below a name until a time (RFC 7646). One that is there already is
    /// replaced.
    ///
    /// # Errors
    /// When the config has it, the time is out of bounds, or there are too many.
    pub fn add_negative(&self, name: Name<'_>, until: u64, why: &str, now: u64) -> Result<(), NegativeError> {
        let book = &mut *self.book();
        if book.config.has_negative(name) {
            return Err(NegativeError::Configured);
        }
        if until <= now || until > now.saturating_add(limits::NEGATIVE_TIME_MAX) {
            return Err(NegativeError::Time);
        }
        match book.negative(name) {
            Some(at) => drop(book.negatives.remove(at)),
            None if book.negatives.len() >= limits::NEGATIVE_ANCHORS => return Err(NegativeError::Full),
            None => (),
        }
        let (name, why) = (name.to_owned(), plain(why));
        book.negatives.push(Negative { name, until: Some(until), why, configured: false });
        book.dirty = true;
        self.publish(book);
        Ok(())
    }

    /// Removes one that was set at run time.
    ///
    /// # Errors
    /// When there is none, or the config has it.
    pub fn remove_negative(&self, name: Name<'_>) -> Result<(), NegativeError> {
        let book = &mut *self.book();
        let Some(at) = book.negative(name) else {
            let configured = book.config.has_negative(name);
            return Err(if configured { NegativeError::Configured } else { NegativeError::Unknown });
        };
        book.negatives.remove(at);
        book.dirty = true;
        self.publish(book);
        Ok(())
    }

    /// Takes out the negative anchors that have run out. They are without effect from their time on, whether
    /// or not this is called.
    pub fn expire(&self, now: u64) -> Vec<Expired> {
        let book = &mut *self.book();
        let gone: Vec<Expired> = book
            .negatives
            .extract_if(.., |negative| !negative.holds(now))
            .map(|negative| negative.name)
            .collect();
        if !gone.is_empty() {
            book.dirty = true;
            self.publish(book);
        }
        gone
    }

    /// Whether anchors follow the rollovers of their zones, so that what is seen of these is to be told.
    pub fn follows(&self) -> bool {
        self.book().follow
    }

    /// A zone whose keys are to be looked at now, so that its anchors follow them (RFC 5011 §2.3). It is
    /// given once, and again when nothing was observed by the time of the next try.
    pub fn due(&self, now: u64) -> Option<OwnedName> {
        let book = &mut *self.book();
        let due =
            book.rollovers.iter_mut().filter(|_| book.follow).find(|rollover| rollover.next_look() <= now)?;
        due.look_failed(now);
        Some(due.zone().clone())
    }

    /// Takes in a DNSKEY RRset that was seen, if its zone has anchors that follow rollovers: see
    /// [`Rollover::observe`]. Returns whether what is trusted is another now.
    pub fn observe(
        &self,
        zone: Name<'_>,
        seen: &Observation<'_>,
        is_digest: impl FnMut(&[u8], &[u8]) -> bool,
        now: u64,
    ) -> bool {
        let book = &mut *self.book();
        let at = book.rollovers.binary_search_by(|rollover| rollover.zone().as_name().cmp(&zone));
        let Some(at) = at.ok().filter(|_| book.follow) else { return false };
        let rollover = &mut book.rollovers[at];
        let before = rollover.clone();
        rollover.observe(seen, is_digest, now);
        book.dirty |= before != *rollover;
        before.anchor() != rollover.anchor() && self.publish(book)
    }

    /// All keys and digests, zone by zone.
    pub fn list(&self) -> Vec<Listed> {
        let book = &*self.book();
        let mut out = Vec::new();
        for rollover in book.rollovers.iter().filter(|_| book.follow) {
            rollover.list(book.config.source(), &mut out);
        }
        for anchor in book.config.iter().filter(|_| !book.follow) {
            let ds = anchor.ds.iter().map(|ds| of_ds(ds));
            for (tag, algorithm) in ds.chain(anchor.keys.iter().map(|key| of_key(key))) {
                out.push(configured(&anchor.zone, (tag, algorithm), book.config.source()));
            }
        }
        out
    }
}

impl Book {
    /// What follows from it.
    fn anchors(&self) -> Anchors {
        let negatives = self.config.negatives().chain(&self.negatives).cloned().collect();
        let anchors = if self.follow {
            self.rollovers.iter().filter_map(Rollover::anchor).collect()
        } else {
            self.config.iter().cloned().collect()
        };
        Anchors::new(anchors, negatives, self.config.source())
    }

    /// Follows the zones of the config, from where they were `before`.
    fn resume(&mut self, mut before: Vec<Rollover>, now: u64) {
        self.rollovers.clear();
        before.sort_by(|a, b| a.zone().cmp(b.zone()));
        for anchor in self.config.iter() {
            let at = before.binary_search_by(|other| other.zone().cmp(&anchor.zone)).ok();
            self.rollovers.push(match at {
                Some(at) => before[at].clone().resume(anchor, now),
                None => Rollover::new(anchor, now),
            });
        }
    }

    fn negative(&self, name: Name<'_>) -> Option<usize> {
        self.negatives.iter().position(|negative| negative.name.as_name() == name)
    }
}

impl Rollover {
    fn list(&self, source: &str, out: &mut Vec<Listed>) {
        for key in &self.keys {
            let (state, since) = key.state.word_and_since();
            let until = match key.state {
                KeyState::AddPend { until, .. } => Some(until),
                _ => None,
            };
            let given = key.given || !key.ds.is_empty();
            let source = if given { source.to_owned() } else { "RFC 5011".into() };
            let (tag, algorithm) = of_key(&key.rdata);
            let zone = self.zone.clone();
            out.push(Listed { zone, tag, algorithm, state, since: Some(since), until, source });
        }
        out.extend(self.unseen.iter().map(|ds| configured(&self.zone, of_ds(ds), source)));
    }
}

fn configured(zone: &OwnedName, (tag, algorithm): (u16, u8), source: &str) -> Listed {
    let (zone, source) = (zone.clone(), source.to_owned());
    Listed { zone, tag, algorithm, state: "configured", since: None, until: None, source }
}

/// Tag and algorithm in DNSKEY data.
fn of_key(key: &[u8]) -> (u16, u8) {
    (key_tag(key), key.get(3).copied().unwrap_or(0))
}

/// The same in DS data.
fn of_ds(ds: &[u8]) -> (u16, u8) {
    let tag = ds.first_chunk().map_or(0, |tag| u16::from_be_bytes(*tag));
    (tag, ds.get(2).copied().unwrap_or(0))
}

/// A reason as one line of bounded length.
pub(super) fn plain(why: &str) -> String {
    let one_line: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = one_line.trim();
    text[..text.floor_char_boundary(limits::NEGATIVE_WHY)].trim_end().to_owned()
}
