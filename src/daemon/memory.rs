//! The cache over a restart: a snapshot in the store, written on a clean stop and read at the next start.

use crate::anchor::Anchors;
use crate::cache::Cache;
use crate::cache::snapshot::{self, Circumstances};
use crate::store::Store;
use crate::{clock, limits, resolve};
use std::hash::BuildHasher;
use tracing::{info, warn};

/// The snapshot's name in the store.
const FILE: &str = "cache.snapshot";

/// A number for all that decides whom the resolver asks and how, and what it trusts: what was learnt under
/// others is not used. A later version of the hash, or of a setting's text, costs no more than one snapshot.
pub(super) fn fingerprint(settings: &resolve::Settings, anchors: &Anchors) -> u64 {
    foldhash::quality::FixedState::with_seed(0).hash_one(format!("{settings:?} {anchors:?}"))
}

/// Takes what is in the snapshot, for a bounded time. A snapshot is used once: after a crash an old one would bring back what was
/// flushed since.
pub(super) fn recall(store: &Store, cache: &Cache, under: &Circumstances) {
    let path = store.path(FILE);
    let file = match store.read(FILE) {
        Ok(Some(file)) => file,
        Ok(None) => return,
        Err(error) => return warn!("{}: the cache starts empty: {error}", path.display()),
    };
    let end = under.now + limits::SNAPSHOT_TIME;
    let go_on = || clock::now() < end;
    let (entries, unusable) = snapshot::load(cache, under, &mut std::io::BufReader::new(file), go_on);
    match unusable {
        None => info!("{entries} entries of the cache read from {}", path.display()),
        Some(why) if entries == 0 => warn!("{}: the cache starts empty: {why}", path.display()),
        Some(why) => warn!("{}: only the first {entries} entries are used: {why}", path.display()),
    }
    if entries > 0
        && let Err(error) = store.remove(FILE)
    {
        warn!("{}: {error}: after a crash it would be read again", path.display());
    }
}

/// Writes the snapshot.
pub(super) fn remember(store: &Store, cache: &Cache, under: &Circumstances) {
    let path = store.path(FILE);
    match store.write(FILE, |out| snapshot::save(cache, under, out)) {
        Ok(entries) => info!("{entries} entries of the cache written to {}", path.display()),
        Err(error) => warn!("{}: the cache is not kept: {error}", path.display()),
    }
}
