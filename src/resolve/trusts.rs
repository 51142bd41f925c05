//! What is known of the security of zones: whether a name is a delegation, by which keys it is entered and which it has. Learnt from
//! validated DS and DNSKEY answers, shared by all shards.

use crate::clock::Instant;
use crate::limits;
use crate::validate::Keys;
use crate::wire::{Name, OwnedName};
use crate::zone::tree::{NameTree, Named, Sought};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
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

    fn until(&self) -> Instant {
        let ends =
            [self.delegation.as_ref().map(|(_, until)| *until), self.keys.as_ref().map(|(_, until)| *until)];
        ends.into_iter().flatten().max().unwrap_or(Instant::ZERO)
    }
}

/// All of it, bounded.
#[derive(Default)]
pub(super) struct Trusts(Mutex<NameTree<Arc<Trust>>>);

impl Trusts {
    fn lock(&self) -> std::sync::MutexGuard<'_, NameTree<Arc<Trust>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a name.
    pub fn get(&self, name: Name<'_>, now: Instant) -> Known {
        let tree = self.lock().clone();
        tree.get(name).map_or(Known::Nothing, |trust| trust.known(now))
    }

    /// What its parent says of a name.
    pub fn delegated(&self, name: Name<'_>, now: Instant) -> Option<Delegated> {
        let tree = self.lock().clone();
        let (delegated, until) = tree.get(name)?.delegation.as_ref()?;
        (*until > now).then(|| delegated.clone())
    }

    /// Whether a name, or one above it but below `anchor`, is known to be insecure.
    pub fn is_insecure(&self, name: Name<'_>, anchor: Name<'_>, now: Instant) -> bool {
        let tree = self.lock().clone();
        let found = tree.walk(&Sought::new(name), |trust: &Arc<Trust>| {
            let below = trust.name().is_below(anchor);
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
        if tree.len() >= limits::TRUSTS {
            *tree = pruned(&tree, now);
        }
        let mut trust = tree.get(name).map_or_else(
            || Trust { name: name.to_owned(), delegation: None, keys: None },
            |trust| Trust::clone(trust),
        );
        change(&mut trust);
        *tree = tree.insert(Arc::new(trust));
    }

    /// Forgets a name, or also all below it.
    pub fn forget(&self, name: Name<'_>, below: bool) {
        let mut tree = self.lock();
        if !below {
            *tree = tree.remove(name);
            return;
        }
        let mut kept = Vec::new();
        tree.for_each(|trust| {
            if !trust.name().is_within(name) {
                kept.push(Arc::clone(trust));
            }
        });
        *tree = NameTree::from_sorted(kept);
    }
}

/// Half of them: those that hold longest.
fn pruned(tree: &NameTree<Arc<Trust>>, now: Instant) -> NameTree<Arc<Trust>> {
    let mut kept = Vec::new();
    tree.for_each(|trust| kept.push(Arc::clone(trust)));
    kept.retain(|trust| trust.until() > now);
    let mut ends: Vec<Instant> = kept.iter().map(|trust| trust.until()).collect();
    if ends.len() > limits::TRUSTS / 2 {
        let middle = ends.len() / 2;
        let (_, &mut median, _) = ends.select_nth_unstable(middle);
        kept.retain(|trust| trust.until() > median);
    }
    NameTree::from_sorted(kept)
}
