//! Denials that were validated, to be used for other names than those that were asked for (RFC 8198): the spans of NSEC and NSEC3
//! records by zone, in order. Shared by all shards.

use super::claims::{Claim, Claims, Place, Ruling, What};
use super::{Question, Resolver};
use crate::cache::{EntryBuf, Key, ProofBuf, Verdict};
use crate::clock::Instant;
use crate::dnssec::{Nsec, Nsec3, Nsec3Hash, Nsec3Param};
use crate::limits;
use crate::rrset::Rrset;
use crate::validate::{Denial, Effort, Proven};
use crate::wire::{Name, NameBuf, OwnedName, Rtype};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

/// All that is known, bounded.
#[derive(Default)]
pub(super) struct Denials(RwLock<Zones>);

#[derive(Default)]
struct Zones {
    zones: HashMap<OwnedName, Zone>,
    /// Octets of all of it, about.
    octets: usize,
}

/// What is known of one zone.
#[derive(Default)]
struct Zone {
    soa: Option<Span>,
    /// NSEC RRsets by owner.
    names: BTreeMap<OwnedName, Span>,
    /// NSEC3 RRsets by hash, and how they were hashed.
    hashes: BTreeMap<Nsec3Hash, Span>,
    iterations: u16,
    salt: Box<[u8]>,
}

/// An RRset and until when it holds.
#[derive(Clone)]
struct Span {
    set: Arc<Rrset>,
    until: Instant,
}

/// A denial made of what is known.
pub(super) struct Made {
    /// The type denied, or [`Key::NXDOMAIN`].
    pub rtype: Rtype,
    /// The zone's SOA.
    pub soa: Arc<Rrset>,
    /// The records that prove it.
    pub proof: ProofBuf,
    /// Seconds that it holds.
    pub ttl: u32,
}

impl Denials {
    fn read(&self) -> RwLockReadGuard<'_, Zones> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes RRsets of a zone that were found to be signed by it, with the SOA that came with them; they hold for so many seconds.
    /// `room` is how many octets all of it may take.
    pub fn insert(&self, zone: Name<'_>, soa: &Rrset, sets: &[&Rrset], ttl: u32, now: Instant, room: usize) {
        let until = now + Duration::from_secs(ttl.into());
        let zones = &mut *self.0.write().unwrap_or_else(PoisonError::into_inner);
        if zones.octets > room {
            zones.prune(now, room / 2);
        }
        let known = zones.zones.entry(zone.to_owned()).or_default();
        let span = |set: &Rrset| Span { set: Arc::new(set.clone()), until };
        let (mut more, mut less, mut replaced) = (0, 0, 0);
        let mut note = |set: &Rrset, before: Option<Span>| {
            more += size(set);
            less += before.map_or(0, |before| size(&before.set));
        };
        note(soa, known.soa.replace(span(soa)));
        for set in sets {
            let Some(rdata) = set.rdatas().iter().next() else { continue };
            if set.rtype == Rtype::NSEC {
                note(set, known.names.insert(set.name.clone(), span(set)));
            } else if let (Some(hash), Some(nsec3)) = (Nsec3::own_hash(set.name.as_name()), Nsec3::read(rdata))
                // What opt-out hides cannot be denied.
                && !nsec3.opt_out
                && nsec3.param.price() <= limits::SYNTHESIS_PRICE
            {
                let Nsec3Param { iterations, salt } = nsec3.param;
                if (known.iterations, &*known.salt) != (iterations, salt) {
                    replaced += known.hashes.values().map(|span| size(&span.set)).sum::<usize>();
                    known.hashes.clear();
                    (known.iterations, known.salt) = (iterations, salt.into());
                }
                note(set, known.hashes.insert(hash, span(set)));
            }
        }
        zones.octets = (zones.octets + more).saturating_sub(less + replaced);
    }

    /// A denial of a question that follows from what is known of the zones at and above its name, down to one with `floor` labels.
    pub fn deny(&self, name: Name<'_>, rtype: Rtype, floor: usize, now: Instant) -> Option<Made> {
        let zones = self.read();
        let most = name.label_count() - usize::from(rtype == Rtype::DS && !name.is_root());
        (floor..=most).rev().find_map(|labels| {
            let zone = name.suffix(labels);
            zones.zones.get(&zone.to_owned())?.deny(zone, name, rtype, now)
        })
    }

    /// Forgets what is known of a zone, or also of those below it.
    pub fn forget(&self, name: Name<'_>, below: bool) {
        let zones = &mut *self.0.write().unwrap_or_else(PoisonError::into_inner);
        zones.zones.retain(|zone, _| {
            let within = zone.as_name().is_within(name);
            // What a zone above says of the name goes too.
            !(name.is_within(zone.as_name()) || below && within)
        });
        zones.octets = zones.zones.values().map(Zone::octets).sum();
    }
}

impl Resolver {
    /// Keeps what denies, for the names beside those that were asked for.
    pub(super) fn keep_spans(&self, now: Instant, question: &Question, claims: &Claims, rulings: &[Ruling]) {
        if !self.settings.aggressive || question.start.is_some() {
            return;
        }
        for (claim, ruling) in claims.list.iter().zip(rulings) {
            let What::Denied(Some(soa)) = &claim.what else { continue };
            // Only what was found to be signed: to have the name of something that is proves nothing.
            let proves = |set: &&Rrset| ruling.proof.as_proof().iter().any(|kept| kept.is(set));
            let sets: Vec<&Rrset> = claims.denials.iter().filter(proves).collect();
            if ruling.verdict == Verdict::Secure && !sets.is_empty() {
                let ttl = claim.negative_ttl().min(ruling.ttl);
                let room = self.cache.capacity() / limits::SPANS_SHARE;
                self.known.denials.insert(soa.name.as_name(), soa, &sets, ttl, now, room);
            }
        }
    }

    /// A denial of a question that follows from others that were validated (RFC 8198 §5). What the config says who to ask for, and
    /// what lies below an own cut, is not denied from above.
    pub(super) fn synthesise(&self, now: Instant, question: &Question) -> Option<EntryBuf> {
        if !self.settings.aggressive || question.start.is_some() || !self.judges(question) {
            return None;
        }
        let name = question.name.as_name();
        let route = self.settings.route(name).map_or(0, |route| route.zone.as_name().label_count());
        let floor = self.anchor(now, question, name)?.as_name().label_count().max(route);
        let made = self.known.denials.deny(name, question.rtype, floor, now)?;
        let what = What::Denied(Some(Rrset::clone(&made.soa)));
        let claim = Claim { name: question.name.clone(), rtype: made.rtype, what };
        let place = Place { realm: self.settings.realm, checking_disabled: false, now };
        let ruling =
            Ruling { verdict: Verdict::Secure, ttl: made.ttl, proof: made.proof, ..Ruling::default() };
        Some(claim.entry(&place, &ruling))
    }
}

/// Octets that a set takes with what is around it.
fn size(set: &Rrset) -> usize {
    limits::SPAN_OVERHEAD + set.rdatas().as_bytes().len() + set.signatures().as_bytes().len()
}

impl Zones {
    /// Forgets what has run out, and then what runs out soonest, until it is below `room`.
    fn prune(&mut self, now: Instant, room: usize) {
        let mut horizon = now;
        for _ in 0..limits::PRUNES {
            for zone in self.zones.values_mut() {
                zone.names.retain(|_, span| span.until > horizon);
                zone.hashes.retain(|_, span| span.until > horizon);
            }
            self.zones.retain(|_, zone| !(zone.names.is_empty() && zone.hashes.is_empty()));
            self.octets = self.zones.values().map(Zone::octets).sum();
            if self.octets <= room {
                return;
            }
            let spans = self.zones.values().flat_map(|zone| zone.names.values().chain(zone.hashes.values()));
            let (count, sum) = spans
                .fold((0u64, 0), |(count, sum), span| (count + 1, sum + span.until.since(now).as_secs()));
            horizon = now + Duration::from_secs(sum / count.max(1));
        }
        self.zones.clear();
        self.octets = 0;
    }
}

impl Zone {
    fn octets(&self) -> usize {
        let spans = self.names.values().chain(self.hashes.values()).chain(&self.soa);
        spans.map(|span| size(&span.set)).sum()
    }

    fn deny(&self, zone: Name<'_>, name: Name<'_>, rtype: Rtype, now: Instant) -> Option<Made> {
        let soa = self.soa.as_ref().filter(|soa| soa.until > now)?;
        let mut spans = self.by_name(name, now);
        // It may have gone over from the one to the other.
        if spans.is_empty() && !self.hashes.is_empty() {
            spans = self.by_hash(zone, name, now);
        }
        let sets: Vec<&Rrset> = spans.iter().map(|span| &*span.set).collect();
        let denial = Denial::of(zone, &sets);
        // What is denied of a delegation is for the zone below it to say.
        let mut effort = Effort { checks: 0, faults: 0, hashes: limits::SYNTHESIS_HASHES };
        let rtype = match () {
            () if denial.name_error(name, &mut effort) == Ok(Proven::Secure) => Key::NXDOMAIN,
            () if denial.no_data(name, rtype, &mut effort) == Ok(Proven::Secure) => rtype,
            () => return None,
        };
        let mut proof = ProofBuf::default();
        sets.iter().for_each(|set| proof.push(set));
        let until = spans.iter().map(|span| span.until).fold(soa.until, Instant::min);
        let ttl = until.since(now).as_secs() as u32;
        (ttl > 0).then(|| Made { rtype, soa: Arc::clone(&soa.set), proof, ttl })
    }

    /// The NSEC records that may deny a name: the one at or before it, and the one at or before the wildcard that would stand for it.
    fn by_name(&self, name: Name<'_>, now: Instant) -> Vec<Span> {
        let before = |name: Name<'_>| {
            let (_, span) = self.names.range(..=name.to_owned()).next_back()?;
            Some(span.clone()).filter(|span| span.until > now)
        };
        let Some(first) = before(name) else { return Vec::new() };
        let owner = first.set.name.as_name();
        let nsec = first.set.rdatas().iter().next().and_then(Nsec::read);
        let encloser = nsec.map(|nsec| nsec.closest_encloser(owner, name)).filter(|_| owner != name);
        let wildcard = encloser.and_then(|encloser| NameBuf::child(b"*", encloser).ok());
        let second = wildcard.and_then(|wildcard| before(wildcard.as_name()));
        let second = second.filter(|second| second.set.name != first.set.name);
        std::iter::once(first.clone()).chain(second).collect()
    }

    /// The NSEC3 records that may: those at or before the hashes of the names from it up to its closest encloser, and of the wildcard.
    fn by_hash(&self, zone: Name<'_>, name: Name<'_>, now: Instant) -> Vec<Span> {
        let param = Nsec3Param { iterations: self.iterations, salt: &self.salt };
        let before = |hash: &Nsec3Hash| {
            let (_, span) =
                self.hashes.range(..=*hash).next_back().or_else(|| self.hashes.last_key_value())?;
            Some(span.clone()).filter(|span| span.until > now)
        };
        let mut spans: Vec<Span> = Vec::new();
        let mut add = |span: Option<Span>| {
            let fresh = |span: &Span| !spans.iter().any(|have| have.set.name == span.set.name);
            spans.extend(span.filter(fresh));
        };
        let (mut above, mut closer) = (Some(name), None);
        for _ in 0..limits::SYNTHESIS_LABELS {
            let Some(part) = above.filter(|part| part.is_within(zone)) else { break };
            let hash = param.hash(part);
            if self.hashes.get(&hash).is_some_and(|span| span.until > now) {
                add(self.hashes.get(&hash).cloned());
                add(closer);
                if part.len() < name.len()
                    && let Ok(wildcard) = NameBuf::child(b"*", part)
                {
                    add(before(&param.hash(wildcard.as_name())));
                }
                return spans;
            }
            closer = before(&hash);
            above = part.parent();
        }
        Vec::new()
    }
}
