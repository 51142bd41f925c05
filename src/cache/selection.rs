//! A part of the cache: what an operator looks at or has forgotten.

use super::Key;
use crate::wire::{OwnedName, Rtype};

/// Some of the entries, whatever their realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of a name.
    Name(OwnedName),
    /// What answers a question of a name and type: that type, the alias in its place, and the denial of the whole name.
    Question(OwnedName, Rtype),
    /// A name and everything below it.
    Below(OwnedName),
    /// Everything.
    All,
}

impl Selection {
    /// Whether an entry with this key is among them.
    pub fn holds(&self, key: &Key<'_>) -> bool {
        match self {
            Selection::Name(name) => key.name == name.as_name(),
            Selection::Question(name, rtype) => {
                [*rtype, Rtype::CNAME, Key::NXDOMAIN].contains(&key.rtype) && key.name == name.as_name()
            }
            Selection::Below(name) => key.name.is_within(name.as_name()),
            Selection::All => true,
        }
    }
}
