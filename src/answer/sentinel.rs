//! Root key sentinels (RFC 8509): by two questions anybody can learn whether a resolver trusts a key of the root.

use crate::anchor::Trust;
use crate::wire::{Name, Rtype};

/// What a key sentinel asks (RFC 8509 §2): whether a key of this tag is trusted for the root.
pub(super) struct Sentinel {
    /// The tag.
    tag: u16,
    /// Asked whether it is, not whether it is not.
    is_trusted: bool,
}

impl Sentinel {
    /// Reads the first label of a question's name; of other types than addresses nothing is asked (§3.1).
    pub fn read(name: Name<'_>, rtype: Rtype) -> Option<Sentinel> {
        const PREFIX: &[u8] = b"root-key-sentinel-";
        if !matches!(rtype, Rtype::A | Rtype::AAAA) {
            return None;
        }
        let label = name.first_label();
        let (prefix, rest) = label.split_at_checked(PREFIX.len())?;
        if !prefix.eq_ignore_ascii_case(PREFIX) {
            return None;
        }
        let (kind, digits) = rest.split_at_checked(rest.len().checked_sub(5)?)?;
        let is_trusted = match () {
            () if kind.eq_ignore_ascii_case(b"is-ta-") => true,
            () if kind.eq_ignore_ascii_case(b"not-ta-") => false,
            () => return None,
        };
        let digits: &[u8; 5] = digits.try_into().ok()?;
        let tag = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
        Some(Sentinel { tag: tag.parse().ok()?, is_trusted })
    }

    /// Whether what it says is so; to one that is not, a validated answer becomes SERVFAIL (§3.2).
    pub fn is_so(&self, trust: &Trust) -> bool {
        let anchors = trust.load();
        let trusted = anchors.get(Name::ROOT).is_some_and(|root| root.tags().any(|tag| tag == self.tag));
        trusted == self.is_trusted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchor::Anchors;
    use crate::wire::OwnedName;

    #[test]
    fn a_sentinel_is_so_or_not() {
        let trust = Trust::new(Anchors::builtin(), false, 0);
        for (name, rtype, so) in [
            ("root-key-sentinel-is-ta-20326.example.", Rtype::A, Some(true)),
            ("ROOT-key-sentinel-IS-ta-38696.example.", Rtype::AAAA, Some(true)),
            ("root-key-sentinel-is-ta-00001.", Rtype::A, Some(false)),
            ("root-key-sentinel-not-ta-20326.example.", Rtype::A, Some(false)),
            ("root-key-sentinel-not-ta-12345.example.", Rtype::A, Some(true)),
            ("root-key-sentinel-is-ta-20326.example.", Rtype::TXT, None),
            ("root-key-sentinel-is-ta-2032.example.", Rtype::A, None),
            ("root-key-sentinel-is-ta-203260.example.", Rtype::A, None),
            ("root-key-sentinel-is-ta-99999.example.", Rtype::A, None),
            ("root-key-sentinel-is-ta-+2032.example.", Rtype::A, None),
            ("a.root-key-sentinel-is-ta-20326.example.", Rtype::A, None),
            ("root-key-sentinel.example.", Rtype::A, None),
            (".", Rtype::A, None),
        ] {
            let owned: OwnedName = name.parse().unwrap();
            let sentinel = Sentinel::read(owned.as_name(), rtype);
            assert_eq!(sentinel.map(|sentinel| sentinel.is_so(&trust)), so, "{name} {rtype}");
        }
    }
}
