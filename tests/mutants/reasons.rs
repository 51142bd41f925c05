//! Where we differ from what the peers agree on, and why.

use crate::catalogue::Mutant;

struct Reason {
    /// What we and they say.
    said: (&'static str, &'static str),
    of: fn(&Mutant<'_>) -> bool,
    why: &'static str,
}

const REASONS: &[Reason] = &[];

/// Why we say something else, where that is right.
pub fn reason(mutant: &Mutant<'_>, agreed: u8, ours: u8) -> Option<&'static str> {
    let fits = |reason: &&Reason| {
        let (us, them) = reason.said;
        us.as_bytes().contains(&ours) && them.as_bytes().contains(&agreed) && (reason.of)(mutant)
    };
    REASONS.iter().find(fits).map(|reason| reason.why)
}
