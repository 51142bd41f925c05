//! What is up: a table with one atomic word per endpoint. Until checks are built every endpoint is up unless it was set down.

use std::sync::atomic::{AtomicU32, Ordering};

/// An endpoint's place in the [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub u32);

/// The state of every endpoint, one word each; read without a lock.
#[derive(Debug, Default)]
pub struct Table {
    words: Box<[AtomicU32]>,
}

const DOWN: u32 = 1;

impl Table {
    /// A table of so many endpoints, all up.
    pub fn new(endpoints: usize) -> Table {
        Table { words: (0..endpoints).map(|_| AtomicU32::new(0)).collect() }
    }

    /// Whether the endpoint is up; one the table does not have is.
    pub fn is_up(&self, endpoint: EndpointId) -> bool {
        self.words.get(endpoint.0 as usize).is_none_or(|w| w.load(Ordering::Relaxed) & DOWN == 0)
    }

    /// Sets an endpoint up or down.
    pub fn set(&self, endpoint: EndpointId, up: bool) {
        if let Some(word) = self.words.get(endpoint.0 as usize) {
            word.store(if up { 0 } else { DOWN }, Ordering::Relaxed);
        }
    }
}
