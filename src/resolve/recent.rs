//! A bounded map that forgets what was not used of late.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

/// A map in two generations: when the young one holds half of the limit it becomes the old one, and what was the old one is
/// forgotten. Using an entry brings it into the young generation. So between half of the limit and all of it is kept, in
/// constant time a use.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    young: HashMap<K, V, foldhash::quality::RandomState>,
    old: HashMap<K, V, foldhash::quality::RandomState>,
    half: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// A map of at most `limit` entries.
    pub fn new(limit: usize) -> Recent<K, V> {
        Recent { young: HashMap::default(), old: HashMap::default(), half: (limit / 2).max(1) }
    }

    /// Looks an entry up without counting it as use.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// The entry, made if there is none.
    pub fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        match self.young.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let value = self.old.remove(entry.key()).unwrap_or_else(make);
                entry.insert(value)
            }
        }
    }

    /// All entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.young.iter().chain(&self.old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut map = Recent::new(100);
        for i in 0..10_000 {
            map.entry(0, || 7);
            map.entry(i, || i);
            assert!(map.iter().count() <= 100);
        }
        assert_eq!(map.get(&0), Some(&7));
        assert_eq!((map.get(&9_999), map.get(&5_000)), (Some(&9_999), None));
    }
}
