//! How the anchors of one zone follow its keys (RFC 5011): a state machine that is told which keys were seen,
//! and when.
//!
//! The state *Start* of RFC 5011 §4 is a key that is not in the table. A revoked key stays in it for good, so
//! that it never comes back, unless [`limits::ROLLOVER_KEYS`] others follow it; then it would be a new key as
//! any other. When all keys are revoked the zone has no anchor any more, as if it never had one (§5): what is
//! above it decides.

use super::{Anchor, Rdata, flags, flags_of};
use crate::limits;
use crate::wire::OwnedName;

/// A DNSKEY record that was seen.
#[derive(Clone, Copy, Debug)]
pub struct SeenKey<'a> {
    /// Its data.
    pub rdata: &'a [u8],
    /// A signature by this key over the RRset it was seen in is valid now. It need not be a trusted one.
    pub signed: bool,
}

/// The DNSKEY RRset of a zone as it was seen, with its signatures checked. Whether it is to be trusted is
/// decided here.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// Its keys.
    pub keys: &'a [SeenKey<'a>],
    /// The TTL that is signed, seconds.
    pub ttl: u32,
    /// Seconds until the first of the valid signatures expires.
    pub expires_in: u64,
}

/// What a key is to us; times are seconds of Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Seen, and trusted once it has been there all the time until then.
    AddPend {
        /// When it was first seen.
        since: u64,
        /// When it may be trusted.
        until: u64,
    },
    /// Trusted and there.
    Valid {
        /// Since when.
        since: u64,
    },
    /// Trusted, but not there when last looked.
    Missing {
        /// Since when.
        since: u64,
    },
    /// Its owner took it back.
    Revoked {
        /// Since when.
        since: u64,
    },
    /// Taken back long ago, and remembered lest it comes back.
    Removed {
        /// Since when.
        since: u64,
    },
}

impl KeyState {
    /// Whether a key in this state is an anchor.
    pub fn is_trusted(self) -> bool {
        matches!(self, KeyState::Valid { .. } | KeyState::Missing { .. })
    }

    /// Whether its owner took it back.
    pub fn is_revoked(self) -> bool {
        matches!(self, KeyState::Revoked { .. } | KeyState::Removed { .. })
    }

    /// The same, with a time that is not to come: where the clock was set back, a wait begins anew.
    fn not_after(self, now: u64) -> KeyState {
        match self {
            KeyState::AddPend { since, until } if since > now => {
                KeyState::AddPend { since: now, until: now.saturating_add(until - since.min(until)) }
            }
            KeyState::AddPend { .. } => self,
            KeyState::Valid { since } => KeyState::Valid { since: since.min(now) },
            KeyState::Missing { since } => KeyState::Missing { since: since.min(now) },
            KeyState::Revoked { since } => KeyState::Revoked { since: since.min(now) },
            KeyState::Removed { since } => KeyState::Removed { since: since.min(now) },
        }
    }
}

/// A key that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// DNSKEY data, as it is while the key is not revoked.
    pub rdata: Rdata,
    pub state: KeyState,
    /// Anchors of the config that are digests of it.
    pub ds: Vec<Rdata>,
    /// It is itself an anchor of the config.
    pub given: bool,
}

/// When to look at the zone's keys again, and what that follows from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Timing {
    /// When, in seconds of Unix time.
    pub next: u64,
    /// The TTL last seen.
    pub ttl: u32,
    /// For how long the signatures last seen were still valid.
    pub expires_in: u64,
}

/// The anchors of one zone, and how they follow its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollover {
    pub(super) zone: OwnedName,
    pub(super) keys: Vec<Key>,
    /// Digests of the config whose key was not seen yet.
    pub(super) unseen: Vec<Rdata>,
    pub(super) timing: Timing,
}

impl Rollover {
    /// Follows an anchor of the config from now on.
    pub fn new(anchor: &Anchor, now: u64) -> Rollover {
        let key = |rdata: &Rdata| Key {
            rdata: rdata.clone(),
            state: KeyState::Valid { since: now },
            ds: Vec::new(),
            given: true,
        };
        Rollover {
            zone: anchor.zone.clone(),
            keys: anchor.keys.iter().map(key).collect(),
            unseen: anchor.ds.clone(),
            timing: Timing { next: now, ..Timing::default() },
        }
    }

    /// Goes on with what the config says now. What it said no more is an anchor no more, and what it says new
    /// is one, but no revoked key. Nothing is left of the past when none of its anchors is known: then the
    /// zone begins anew.
    #[must_use]
    pub fn resume(mut self, anchor: &Anchor, now: u64) -> Rollover {
        let knows_ds = |of: &Rollover, ds: &Rdata| {
            of.unseen.contains(ds) || of.keys.iter().any(|key| key.ds.contains(ds))
        };
        let knows_key = |of: &Rollover, rdata: &Rdata| of.keys.iter().any(|key| key.rdata == *rdata);
        let known = anchor.ds.iter().any(|ds| knows_ds(&self, ds))
            || anchor.keys.iter().any(|key| knows_key(&self, key));
        if !known {
            return Rollover::new(anchor, now);
        }
        self.unseen.retain(|ds| anchor.ds.contains(ds));
        self.keys.retain_mut(|key| {
            let had = key.given || !key.ds.is_empty();
            key.ds.retain(|ds| anchor.ds.contains(ds));
            key.given = anchor.keys.contains(&key.rdata);
            key.state.is_revoked() || !had || key.given || !key.ds.is_empty()
        });
        for key in &mut self.keys {
            if key.given && matches!(key.state, KeyState::AddPend { .. }) {
                key.state = KeyState::Valid { since: now };
            }
        }
        let mut new = Rollover::new(anchor, now);
        new.keys.retain(|key| !knows_key(&self, &key.rdata));
        new.unseen.retain(|ds| !knows_ds(&self, ds));
        // Where the clock was set back, the time that was kept is far away.
        let latest =
            if new.keys.is_empty() && new.unseen.is_empty() { limits::ROLLOVER_INTERVAL.1 } else { 0 };
        self.timing.next = self.timing.next.min(now.saturating_add(latest));
        self.keys.append(&mut new.keys);
        self.unseen.append(&mut new.unseen);
        self
    }

    /// The zone.
    pub fn zone(&self) -> &OwnedName {
        &self.zone
    }

    /// What is trusted; none when all of it is revoked (RFC 5011 §5).
    pub fn anchor(&self) -> Option<Anchor> {
        let trusted = self.keys.iter().filter(|key| key.state.is_trusted());
        let keys = trusted.map(|key| key.rdata.clone()).collect();
        Some(Anchor { zone: self.zone.clone(), ds: self.unseen.clone(), keys })
            .filter(|anchor| !anchor.is_empty())
    }

    /// When to look at the zone's keys again, in seconds of Unix time.
    pub fn next_look(&self) -> u64 {
        self.timing.next
    }

    /// Takes in what was seen at `now`. `is_digest` says whether DS data is the digest of DNSKEY data of this
    /// zone. What no trusted key has signed does nothing, but that a key that signs its own revocation is
    /// revoked (RFC 5011 §2.1). Afterwards [`Rollover::anchor`] may be another one.
    pub fn observe(
        &mut self,
        seen: &Observation<'_>,
        mut is_digest: impl FnMut(&[u8], &[u8]) -> bool,
        now: u64,
    ) {
        for key in &mut self.keys {
            key.state = key.state.not_after(now);
        }
        let seen_keys: Vec<Seen> = seen.keys.iter().map(Seen::new).collect();
        // A key that has signed nothing is not looked for until others vouch for the RRset.
        self.match_digests(seen_keys.iter().filter(|key| key.signed), &mut is_digest, now);
        let authentic = seen_keys.iter().any(|key| {
            key.signed && !key.revoked && self.key(&key.rdata).is_some_and(|known| known.state.is_trusted())
        });
        self.revoke(&seen_keys, now);
        if !authentic {
            return self.look_failed(now);
        }
        self.match_digests(seen_keys.iter().filter(|key| !key.revoked), &mut is_digest, now);
        let present = |key: &Key| seen_keys.iter().any(|seen| !seen.revoked && seen.rdata == key.rdata);
        self.keys.retain_mut(|key| {
            let next = after(key.state, present(key), now);
            key.state = next.unwrap_or(key.state);
            next.is_some()
        });
        self.add(&seen_keys, seen.ttl, now);
        let half = u64::from(seen.ttl / 2).min(seen.expires_in / 2);
        let (least, most) = limits::ROLLOVER_INTERVAL;
        let next = now.saturating_add(half.clamp(least, most));
        self.timing = Timing { next, ttl: seen.ttl, expires_in: seen.expires_in };
    }

    /// The keys could not be had, or nobody trusted has signed them: when to try again (RFC 5011 §2.3).
    pub fn look_failed(&mut self, now: u64) {
        let tenth = u64::from(self.timing.ttl / 10).min(self.timing.expires_in / 10);
        let (least, most) = limits::ROLLOVER_RETRY;
        let retry = now.saturating_add(tenth.clamp(least, most));
        // What a forger sends does not put off the look that is due.
        let due = Some(self.timing.next).filter(|next| *next > now);
        self.timing.next = due.map_or(retry, |next| next.min(retry));
    }

    fn key(&self, rdata: &[u8]) -> Option<&Key> {
        self.keys.iter().find(|key| *key.rdata == *rdata)
    }

    /// Finds the keys that digests of the config are of. Such a key is trusted at once, unless it is revoked.
    fn match_digests<'s>(
        &mut self,
        seen: impl Iterator<Item = &'s Seen> + Clone,
        is_digest: &mut impl FnMut(&[u8], &[u8]) -> bool,
        now: u64,
    ) {
        let Rollover { unseen, keys, .. } = self;
        unseen.retain(|ds| {
            let Some(of) = seen.clone().find(|key| is_digest(ds, &key.rdata)) else { return true };
            match keys.iter_mut().find(|key| key.rdata == of.rdata) {
                Some(key) => {
                    key.ds.push(ds.clone());
                    if matches!(key.state, KeyState::AddPend { .. }) {
                        key.state = KeyState::Valid { since: now };
                    }
                }
                None => keys.push(Key {
                    rdata: of.rdata.clone(),
                    state: KeyState::Valid { since: now },
                    ds: vec![ds.clone()],
                    given: false,
                }),
            }
            false
        });
    }

    /// Keys that sign their own revocation are revoked, whoever else signs.
    fn revoke(&mut self, seen: &[Seen], now: u64) {
        for key in &mut self.keys {
            let revoked = seen.iter().any(|seen| seen.revoked && seen.signed && seen.rdata == key.rdata);
            if revoked && !key.state.is_revoked() {
                key.state = KeyState::Revoked { since: now };
            }
        }
    }

    /// New entry points begin their wait.
    fn add(&mut self, seen: &[Seen], ttl: u32, now: u64) {
        for seen in seen.iter().filter(|seen| seen.entry_point && !seen.revoked) {
            if self.key(&seen.rdata).is_some() || !self.has_room() {
                continue;
            }
            // RFC 5011 §2.4.1: at least two sightings, the second when the first has left all caches.
            let until = now.saturating_add(limits::ADD_HOLD_DOWN.max(u64::from(ttl)));
            self.keys.push(Key {
                rdata: seen.rdata.clone(),
                state: KeyState::AddPend { since: now, until },
                ds: Vec::new(),
                given: false,
            });
        }
    }

    /// Whether there is room for a new key, if need be that of the one removed first.
    fn has_room(&mut self) -> bool {
        if self.keys.len() < limits::ROLLOVER_KEYS {
            return true;
        }
        let removed = self.keys.iter().enumerate().filter_map(|(at, key)| match key.state {
            // One that the config names would come back with the next start.
            KeyState::Removed { since } if key.ds.is_empty() && !key.given => Some((since, at)),
            _ => None,
        });
        match removed.min() {
            Some((_, at)) => {
                self.keys.remove(at);
                true
            }
            None => false,
        }
    }
}

/// A key that was seen.
struct Seen {
    /// DNSKEY data with the bit for revoked cleared: what it is known by.
    rdata: Rdata,
    signed: bool,
    revoked: bool,
    /// It signs a zone and is an entry point.
    entry_point: bool,
}

impl Seen {
    fn new(key: &SeenKey<'_>) -> Seen {
        let found = flags_of(key.rdata);
        let mut rdata: Rdata = key.rdata.into();
        if let Some(octet) = rdata.get_mut(1) {
            *octet &= !(flags::REVOKE as u8);
        }
        let wanted = flags::ZONE | flags::SEP;
        let entry_point = found & wanted == wanted && key.rdata.get(2) == Some(&3);
        Seen { rdata, signed: key.signed, revoked: found & flags::REVOKE != 0, entry_point }
    }
}

/// The next state of a key that is, or is not, in an RRset signed by a trusted key (RFC 5011 §4.2); none for
/// *Start*.
fn after(state: KeyState, present: bool, now: u64) -> Option<KeyState> {
    Some(match state {
        KeyState::AddPend { .. } if !present => return None,
        KeyState::AddPend { until, .. } if now >= until => KeyState::Valid { since: now },
        KeyState::Valid { .. } if !present => KeyState::Missing { since: now },
        KeyState::Missing { .. } if present => KeyState::Valid { since: now },
        KeyState::Revoked { since } if now >= since.saturating_add(limits::REMOVE_HOLD_DOWN) => {
            KeyState::Removed { since: now }
        }
        same => same,
    })
}
