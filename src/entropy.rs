//! Randomness from the operating system, for seeds and ports. What must repeat in tests takes its seed as an argument instead.

/// 32 octets to seed a generator with.
///
/// # Panics
/// When the operating system has no randomness to give: nothing that guards against forgery would hold.
pub fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the operating system gives random octets");
    seed
}

/// 64 random bits.
pub fn u64() -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = seed();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// A random port above the well-known ones.
pub fn port() -> u16 {
    1_024 + below(64_512) as u16
}

/// A random number below `end`, which must be at least 1; what 32 bits leave over favours none by more than one in four billion
/// for each of `end`.
pub fn below(end: usize) -> usize {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};
    use std::cell::RefCell;
    thread_local! {
        static RNG: RefCell<ChaCha20Rng> = RefCell::new(ChaCha20Rng::from_seed(seed()));
    }
    RNG.with_borrow_mut(Rng::next_u32) as usize % end
}
