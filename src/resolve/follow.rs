//! Looking after trust anchors: their zones' keys are looked at when that is due (RFC 5011 §2.3), what is seen is told to
//! [`crate::anchor::Trust`], and zones are told which anchors are trusted here (RFC 8145 §5).

use super::own::Own;
use super::{Question, Resolver, Timer};
use crate::anchor::{Anchor, Observation, SeenKey};
use crate::clock::Instant;
use crate::dnssec::{Ds, Key};
use crate::limits;
use crate::rrset::Rrset;
use crate::validate::{Bench, Effort, signers};
use crate::wire::{NameBuf, OwnedName, Rtype};
use std::cmp::Reverse;

impl Resolver {
    /// Makes this the resolver, of all that share what is known, that looks after the trust anchors.
    pub fn follow_anchors(&mut self, now: Instant) {
        self.timers.push(Reverse((now, Timer::Anchors)));
    }

    /// Looks at the zones whose keys are due, and tells zones which anchors are trusted, once a day.
    pub(super) fn look_after_anchors(&mut self, now: Instant) {
        self.timers.push(Reverse((now + limits::TRUST_LOOK, Timer::Anchors)));
        // What is due stays so when there is no room.
        if self.tasks.len() >= limits::TASKS_AND_REFRESHES {
            return;
        }
        while let Some(zone) = self.known.anchors.due(self.unix(now)) {
            self.ask_for_none(now, zone, Rtype::DNSKEY);
        }
        if self.settings.anchor_signal && now >= self.signal_due {
            self.signal_due = now + limits::ANCHOR_SIGNAL;
            let signals: Vec<OwnedName> = self.known.anchors.load().iter().filter_map(signal).collect();
            for name in signals {
                self.ask_for_none(now, name, Rtype::NULL);
            }
        }
    }

    /// Asks a question that nobody waits for.
    pub(super) fn ask_for_none(&mut self, now: Instant, name: OwnedName, rtype: Rtype) {
        let start = match self.own_addresses(name.as_name(), rtype) {
            Own::No => None,
            Own::Below(start) => Some(start),
            // It is ours.
            Own::Addresses(_) => return,
        };
        let question = Question { name, rtype, checking_disabled: false, start };
        if !self.by_question.contains_key(&question) {
            let id = self.task(now, question, None);
            if let Some(task) = self.tasks.get_mut(&id) {
                task.for_itself = true;
            }
            self.start(now, id);
            self.wake(now);
        }
    }

    /// Tells what was seen of the keys of a zone with a trust anchor, be they to be trusted or not.
    pub(super) fn observe(&mut self, now: Instant, set: &Rrset) {
        let time = self.unix(now);
        let mut effort = Effort::WHOLE;
        let mut bench = Bench { time, effort: &mut effort, data: &mut self.signed_data };
        let (signed, expires_in) = signers(set, &mut bench);
        let rdatas = set.rdatas().iter().zip(&signed);
        let keys: Vec<SeenKey<'_>> = rdatas.map(|(rdata, &signed)| SeenKey { rdata, signed }).collect();
        let zone = set.name.as_name();
        let is_digest = |ds: &[u8], key: &[u8]| {
            Ds::read(ds).zip(Key::read(key)).is_some_and(|(ds, key)| ds.matches(zone, &key))
        };
        let seen = Observation { keys: &keys, ttl: set.ttl, expires_in };
        if self.known.anchors.observe(zone, &seen, is_digest, time) {
            self.known.distrust(zone, false);
        }
    }
}

/// The name that tells a zone which of its keys are trusted here: `_ta-` and their tags in hexadecimal, in order.
fn signal(anchor: &Anchor) -> Option<OwnedName> {
    let mut tags: Vec<u16> = anchor.tags().collect();
    tags.sort_unstable();
    tags.dedup();
    tags.truncate(limits::SIGNAL_TAGS);
    let tags: Vec<String> = tags.iter().map(|tag| format!("{tag:04x}")).collect();
    let label = format!("_ta-{}", tags.join("-"));
    let name = NameBuf::child(label.as_bytes(), anchor.zone.as_name()).ok()?;
    Some(name.as_name().to_owned())
}
