//! The types that a denial lists.

use crate::wire::Rtype;

/// A type bitmap (RFC 4034 §4.1.2) whose form was checked when the record was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeBitmap<'a>(pub &'a [u8]);

impl TypeBitmap<'_> {
    /// Whether a type is in it.
    pub fn has(self, rtype: Rtype) -> bool {
        let [window, low] = rtype.0.to_be_bytes();
        let mut rest = self.0;
        while let Some((&[this, len], tail)) = rest.split_first_chunk() {
            let Some((bits, tail)) = tail.split_at_checked(len as usize) else { return false };
            if this == window {
                return bits.get(low as usize / 8).is_some_and(|octet| octet & (0x80 >> (low % 8)) != 0);
            }
            rest = tail;
        }
        false
    }
}
