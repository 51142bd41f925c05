//! What one client question may cost.

use crate::clock::Instant;
use crate::limits;
use crate::validate::Effort;

/// What is left for one client question. It is made once, when the client asks, and drawn down by all that the question
/// causes; no restart or sub-task renews it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Queries that may still be sent.
    pub queries: u16,
    /// Octets that may still be received.
    pub bytes: u32,
    /// Work that may still be done to check signatures.
    pub effort: Effort,
    /// When the question ends with SERVFAIL at the latest.
    pub deadline: Instant,
}

impl Budget {
    /// Whether nothing was spent of it but time.
    pub fn is_whole(&self) -> bool {
        self.queries == limits::BUDGET_QUERIES
            && self.bytes == limits::BUDGET_BYTES
            && self.effort == Effort::WHOLE
    }

    /// When the question arrived.
    pub fn begun(&self) -> Instant {
        Instant::from_nanos(self.deadline.as_nanos().saturating_sub(limits::BUDGET_TIME.as_nanos() as u64))
    }

    /// A full budget for a question that arrived `now`.
    pub fn new(now: Instant) -> Budget {
        Budget {
            queries: limits::BUDGET_QUERIES,
            bytes: limits::BUDGET_BYTES,
            effort: Effort::WHOLE,
            deadline: now + limits::BUDGET_TIME,
        }
    }
}
