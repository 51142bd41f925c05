//! What answering reads of all that the daemon knows and was told.

use crate::anchor::Trust;
use crate::cache::Cache;
use crate::guard::{AccessList, Guard};
use crate::steer::Steering;
use crate::wire::{self, Name};
use crate::zone::ZoneSet;
use crate::zone::tree::{NameTree, Named};
use std::sync::Arc;

/// All that answering reads, as one snapshot: taken once per batch of packets.
#[derive(Default)]
pub struct View {
    /// Own zones.
    pub zones: ZoneSet,
    /// How their names are steered, found by `Held::policy`.
    pub steering: Vec<Steering>,
    /// The resolver's side; none when recursion is off.
    pub recursion: Option<Recursion>,
    /// Cookies, the rate limit, and the access lists of single listeners.
    pub guard: Guard,
    /// The Unix time of [`Instant::ZERO`](crate::clock::Instant::ZERO), in seconds: what is drawn by weight is dealt anew at times that all
    /// servers share.
    pub epoch: u64,
}

impl View {
    /// Who may recurse on a listener.
    pub(super) fn may_recurse(&self, listener: usize) -> Option<(&Recursion, &AccessList)> {
        let recursion = self.recursion.as_ref()?;
        let own = self.guard.listeners.get(listener).and_then(Option::as_ref);
        Some((recursion, own.unwrap_or(&recursion.allow)))
    }
}

/// What recursion needs to know of the config.
pub struct Recursion {
    /// Who may ask for it, on listeners without a list of their own.
    pub allow: AccessList,
    /// What was learnt.
    pub cache: Arc<Cache>,
    /// The realm of cache keys.
    pub realm: u32,
    /// Zones with forwards or stubs: their longest match beats an own zone above them.
    pub upstreams: NameTree<UpstreamZone>,
    /// Zones of special-use names, answered where no own zone and no upstream holds them.
    pub special: ZoneSet,
    /// Where sentinels ask which keys of the root are trusted (RFC 8509); none when they are not answered.
    pub sentinel: Option<Arc<Trust>>,
    /// Whether every denial of a name denies the names below it (RFC 8020); otherwise only the roots' do.
    pub strict_denial: bool,
    /// Whether what has run out is answered when nothing better can be had in time (RFC 8767).
    pub serve_stale: bool,
    /// Whether what is asked for shortly before it runs out is looked up again.
    pub prefetch: bool,
}

/// The name of a zone with a forward or stub.
#[derive(Clone, Debug)]
pub struct UpstreamZone(pub Arc<wire::OwnedName>);

impl Named for UpstreamZone {
    fn name(&self) -> Name<'_> {
        self.0.as_name()
    }
}
