//! The primitives of DNSSEC: keys, signatures and digests as views of record data, the octets that are signed, and the hashes of
//! NSEC3. They check bytes against bytes; what a zone may sign and what follows from it is for `validate`.

mod bitmap;
mod crypto;
mod key;
mod nsec;
mod nsec3;
mod signature;
#[cfg(test)]
mod tests;

pub use bitmap::TypeBitmap;
pub use crypto::{Algorithm, Digest, Fault, is_checkable, price, verify};
pub use key::{Ds, Key};
pub use nsec::Nsec;
pub use nsec3::{Nsec3, Nsec3Hash, Nsec3Param};
pub use signature::{Rrsig, SignedData, signed_labels};
