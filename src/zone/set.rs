//! All zones of the server, found by the longest match.

use super::tree::{Descent, NameTree, Named, Sought};
use super::{Node, Zone};
use crate::limits;
use crate::wire::{Name, OwnedName, Rtype};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A zone the server is configured to answer for.
#[derive(Clone)]
pub struct Held {
    /// Its name.
    pub apex: OwnedName,
    /// Its data; when it never loaded, why.
    pub state: Result<Arc<Zone>, Arc<str>>,
    /// Which of the view's steering policies its names refer to.
    pub policy: Option<usize>,
}

impl Named for Held {
    fn name(&self) -> Name<'_> {
        self.apex.as_name()
    }
}

/// The zones, a persistent tree.
#[derive(Clone, Default)]
pub struct ZoneSet {
    zones: NameTree<Arc<Held>>,
}

impl ZoneSet {
    /// The set of these zones; of two with one name the later wins.
    pub fn new(mut zones: Vec<Held>) -> ZoneSet {
        zones.reverse();
        zones.sort_by(|a, b| a.apex.cmp(&b.apex));
        zones.dedup_by(|a, b| a.apex == b.apex);
        ZoneSet { zones: NameTree::from_sorted(zones.into_iter().map(Arc::new).collect()) }
    }

    /// The set with this zone added or replaced.
    #[must_use]
    pub fn with(&self, zone: Held) -> ZoneSet {
        ZoneSet { zones: self.zones.insert(Arc::new(zone)) }
    }

    /// The set without the zone of this name; the same if there is none.
    #[must_use]
    pub fn without(&self, apex: Name<'_>) -> ZoneSet {
        ZoneSet { zones: self.zones.remove(apex) }
    }

    /// The zone that answers for a name: the one with the longest matching apex. For DS the one above the name, if it is here,
    /// for DS is data of the parent side (RFC 4035 §3.1.4.1).
    pub fn find(&self, name: Name<'_>, rtype: Rtype) -> Option<&Held> {
        self.find_sought(&Sought::new(name), rtype)
    }

    /// The same for a name whose key is made.
    pub fn find_sought(&self, sought: &Sought<'_>, rtype: Rtype) -> Option<&Held> {
        let mut found: Option<&Held> = None;
        let _ = self.zones.walk(sought, |zone: &Arc<Held>| {
            if rtype == Rtype::DS && zone.apex.as_name().len() == sought.name.len() && found.is_some() {
                return ControlFlow::Break(());
            }
            found = Some(zone);
            ControlFlow::Continue(())
        });
        found
    }

    /// Reads what looking up these names will read. A lookup in a large zone waits for memory at every step down; here all go
    /// down side by side, so that they wait together. Nothing comes of it but a warm processor cache.
    pub fn read_ahead<'n>(&self, names: impl Iterator<Item = Name<'n>>) {
        let mut sought = [Sought::EMPTY; limits::READ_AHEAD];
        let given = names.zip(&mut sought).map(|(name, sought)| sought.set(name)).count();
        let zone = |sought| self.find_sought(sought, Rtype::A)?.state.as_ref().ok()?.descent(sought);
        let mut descents = sought[..given].iter().filter_map(zone);
        let mut descents: [Option<Descent<'_, Node>>; limits::READ_AHEAD] =
            std::array::from_fn(|_| descents.next());
        let mut live: [usize; limits::READ_AHEAD] = std::array::from_fn(|i| i);
        let mut count = descents.iter().flatten().count();
        let (mut nodes, mut found) = ([None; limits::READ_AHEAD], 0);
        while count > 0 {
            let touched = live[..count].iter().filter_map(|&i| descents[i].as_ref()).map(Descent::touch);
            std::hint::black_box(touched.sum::<u64>());
            let mut kept = 0;
            for k in 0..count {
                match descents[live[k]].as_mut().map(Descent::step) {
                    Some(ControlFlow::Continue(())) => {
                        live[kept] = live[k];
                        kept += 1;
                    }
                    Some(ControlFlow::Break(node @ Some(_))) => {
                        nodes[found] = node;
                        found += 1;
                    }
                    _ => (),
                }
            }
            count = kept;
        }
        std::hint::black_box(nodes[..found].iter().flatten().map(|node| node.touch()).sum::<u64>());
    }

    /// The zone of exactly this name.
    pub fn get(&self, apex: Name<'_>) -> Option<&Held> {
        self.zones.get(apex).map(|zone| &**zone)
    }

    /// How many zones there are.
    pub fn len(&self) -> usize {
        self.zones.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }

    /// Visits every zone in canonical order.
    pub fn for_each<'s>(&'s self, mut visit: impl FnMut(&'s Held)) {
        self.zones.for_each(|zone| visit(zone));
    }
}
