//! What is known of the security of zones: whether a name is a delegation, by which keys it is entered and which it has. Learnt from
//! validated DS and DNSKEY answers, shared by all shards.

use super::claims::{Claims, Ruling, What};
use super::{Question, Resolver};
use crate::cache::Verdict;
use crate::clock::Instant;
use crate::limits;
use crate::validate::{Entry, Keys, NoDs};
use crate::wire::{Name, OwnedName, Rtype};
use crate::zone::tree::{NameTree, Named, Sought};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is known of one name.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    name: OwnedName,
    /// What its parent says of it, and until when that holds.
    pub delegation: Option<(Delegated, Instant)>,
    /// Its keys, and until when they hold.
    pub keys: Option<(Arc<Keys>, Instant)>,
}

/// What a parent says of a name.
#[derive(Clone, Debug)]
pub(super) enum Delegated {
    /// It is a zone with these DS, as record data.
    Signed(Arc<[Box<[u8]>]>),
    /// It is not signed, nor is anything below it but what has an anchor of its own.
    Insecure,
    /// It is no zone of its own.
    NotACut,
}

/// What is known of a name now.
#[derive(Clone, Debug)]
pub(super) enum Known {
    Nothing,
    Signed,
    Insecure,
    NotACut,
    Keys(Arc<Keys>),
}

impl Named for Trust {
    fn name(&self) -> Name<'_> {
        self.name.as_name()
    }
}

impl Trust {
    fn known(&self, now: Instant) -> Known {
        if let Some((keys, until)) = &self.keys
            && *until > now
        {
            return Known::Keys(Arc::clone(keys));
        }
        match &self.delegation {
            Some((delegated, until)) if *until > now => match delegated {
                Delegated::Signed(_) => Known::Signed,
                Delegated::Insecure => Known::Insecure,
                Delegated::NotACut => Known::NotACut,
            },
            _ => Known::Nothing,
        }
    }

    /// Octets that it takes, about.
    fn octets(&self) -> usize {
        let ds = match &self.delegation {
            Some((Delegated::Signed(ds), _)) => ds.iter().map(|rdata| 16 + rdata.len()).sum(),
            _ => 0,
        };
        let keys = self.keys.as_ref().map_or(0, |(keys, _)| keys.set().rdatas().as_bytes().len());
        limits::TRUST_OVERHEAD + ds + keys
    }

    fn until(&self) -> Instant {
        let ends =
            [self.delegation.as_ref().map(|(_, until)| *until), self.keys.as_ref().map(|(_, until)| *until)];
        ends.into_iter().flatten().max().unwrap_or(Instant::ZERO)
    }
}

/// All of it, bounded.
#[derive(Default)]
pub(super) struct Trusts(Mutex<Tree>);

#[derive(Clone, Default)]
struct Tree {
    names: NameTree<Arc<Trust>>,
    octets: usize,
}

impl Trusts {
    fn lock(&self) -> MutexGuard<'_, Tree> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a name.
    pub fn get(&self, name: Name<'_>, now: Instant) -> Known {
        let names = self.lock().names.clone();
        names.get(name).map_or(Known::Nothing, |trust| trust.known(now))
    }

    /// What its parent says of a name.
    pub fn delegated(&self, name: Name<'_>, now: Instant) -> Option<Delegated> {
        let names = self.lock().names.clone();
        let (delegated, until) = names.get(name)?.delegation.as_ref()?;
        (*until > now).then(|| delegated.clone())
    }

    /// Whether a name, or one above it down from `anchor`, is known to be insecure.
    pub fn is_insecure(&self, name: Name<'_>, anchor: Name<'_>, now: Instant) -> bool {
        let names = self.lock().names.clone();
        let found = names.walk(&Sought::new(name), |trust: &Arc<Trust>| {
            let below = trust.name().is_within(anchor);
            match trust.known(now) {
                Known::Insecure if below => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        found.is_break()
    }

    /// Notes what a parent says of a name, for so many seconds.
    pub fn set_delegation(&self, name: Name<'_>, delegated: Delegated, ttl: u32, now: Instant) {
        // At least for the task that waits for it.
        let until = now + Duration::from_secs(ttl.max(1).into());
        self.change(name, now, |trust| {
            // Keys were entered by the DS of before.
            let same = match (&trust.delegation, &delegated) {
                (Some((Delegated::Signed(before), _)), Delegated::Signed(ds)) => before == ds,
                _ => false,
            };
            trust.keys.take_if(|_| !same);
            trust.delegation = Some((delegated, until));
        });
    }

    /// Notes a zone's keys.
    pub fn set_keys(&self, keys: Keys, ttl: u32, now: Instant) {
        let zone = keys.zone().to_owned();
        let until = now + Duration::from_secs(ttl.max(1).into());
        self.change(zone.as_name(), now, |trust| trust.keys = Some((Arc::new(keys), until)));
    }

    fn change(&self, name: Name<'_>, now: Instant, change: impl FnOnce(&mut Trust)) {
        let mut tree = self.lock();
        if tree.octets > limits::TRUST_OCTETS {
            tree.prune(now);
        }
        let before = tree.names.get(name).map(|trust| (trust.octets(), Trust::clone(trust)));
        let (octets, mut trust) =
            before.unwrap_or_else(|| (0, Trust { name: name.to_owned(), delegation: None, keys: None }));
        change(&mut trust);
        tree.octets = (tree.octets + trust.octets()).saturating_sub(octets);
        tree.names = tree.names.insert(Arc::new(trust));
    }

    /// Forgets a name, or also all below it.
    pub fn forget(&self, name: Name<'_>, below: bool) {
        let mut tree = self.lock();
        if below {
            return tree.keep(|trust| !trust.name().is_within(name));
        }
        let octets = tree.names.get(name).map_or(0, |trust| trust.octets());
        tree.octets = tree.octets.saturating_sub(octets);
        tree.names = tree.names.remove(name);
    }
}

impl Tree {
    fn keep(&mut self, stays: impl Fn(&Trust) -> bool) {
        let (mut kept, mut octets) = (Vec::new(), 0);
        self.names.for_each(|trust| {
            if stays(trust) {
                octets += trust.octets();
                kept.push(Arc::clone(trust));
            }
        });
        (self.names, self.octets) = (NameTree::from_sorted(kept), octets);
    }

    /// Leaves half of it: what holds longest.
    fn prune(&mut self, now: Instant) {
        let mut ends = Vec::new();
        self.names.for_each(|trust| ends.push(trust.until()));
        let middle = ends.len() / 2;
        let median =
            ends.get_mut(..).and_then(|ends| (!ends.is_empty()).then(|| *ends.select_nth_unstable(middle).1));
        self.keep(|trust| trust.until() > median.unwrap_or(now).max(now));
    }
}

impl Resolver {
    /// Notes what judged claims say of delegations.
    pub(super) fn learn(&self, now: Instant, question: &Question, claims: &Claims, rulings: &[Ruling]) {
        let name = question.name.as_name();
        let mut ruled = claims.list.iter().zip(rulings);
        let Some((claim, ruling)) = ruled.find(|(claim, _)| claim.name == question.name) else { return };
        if question.rtype != Rtype::DS || name.is_root() {
            return;
        }
        // An anchor stands whatever the zone above it says.
        if self.anchor(now, question, name).is_some_and(|anchor| anchor.as_name() == name) {
            return;
        }
        let ttl = |own: u32| own.min(ruling.ttl);
        let (delegated, ttl) = match (&claim.what, ruling.verdict) {
            (What::Records(set), Verdict::Secure) if claim.rtype == Rtype::DS => {
                let entry = Entry { ds: set.rdatas().iter().collect(), keys: Vec::new() };
                let ds = entry.ds.iter().take(limits::ZONE_DS).map(|&rdata| rdata.into()).collect();
                let delegated = if entry.is_usable() { Delegated::Signed(ds) } else { Delegated::Insecure };
                (delegated, ttl(set.ttl))
            }
            (What::Records(set) | What::Made(set), Verdict::Secure) => (Delegated::NotACut, ttl(set.ttl)),
            (What::Records(set) | What::Made(set), _) if ruling.no_ds == Some(NoDs::NotACut) => {
                (Delegated::NotACut, ttl(set.ttl))
            }
            (What::Records(set) | What::Made(set), _) => (Delegated::Insecure, ttl(set.ttl)),
            (What::Denied(_), Verdict::Secure) => {
                let not_a_cut = ruling.no_ds != Some(NoDs::Insecure);
                let delegated = if not_a_cut { Delegated::NotACut } else { Delegated::Insecure };
                (delegated, ttl(limits::TTL_NEGATIVE))
            }
            (What::Denied(_), _) => (Delegated::Insecure, ttl(limits::TTL_NEGATIVE)),
        };
        self.trusts(question).set_delegation(question.name.as_name(), delegated, ttl, now);
    }
}
