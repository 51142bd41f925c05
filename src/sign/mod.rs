//! DNSSEC signing: keys with their private half, and signatures over RRsets. It signs what it is given; which RRsets of a zone are
//! signed, and by which keys, is for `zone`.

mod key;
#[cfg(test)]
mod tests;

pub use key::{Refused, SigningKey, Validity};
