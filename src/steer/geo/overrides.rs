//! What is known better than databases know it: prefixes and what is said of them. Of several that hold an address the longest counts, for
//! each thing it says.

use super::{Gives, Place};
use crate::steer::place;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// See the module. `S` is who says it.
#[derive(Debug)]
pub(super) struct Overrides<S> {
    v4: Vec<Entry<S>>,
    v6: Vec<Entry<S>>,
    /// What any of them says.
    pub gives: Gives,
}

/// A prefix.
#[derive(Debug, PartialEq)]
pub(super) struct Entry<S> {
    /// Its first address, the first bit topmost.
    start: u128,
    bits: u8,
    /// The longest of those that hold it.
    above: Option<usize>,
    pub place: Place,
    pub source: S,
}

impl<S: PartialEq> PartialEq for Overrides<S> {
    fn eq(&self, other: &Overrides<S>) -> bool {
        (&self.v4, &self.v6) == (&other.v4, &other.v6)
    }
}

impl<S> Default for Overrides<S> {
    fn default() -> Overrides<S> {
        Overrides { v4: Vec::new(), v6: Vec::new(), gives: Gives::default() }
    }
}

impl<S> Entry<S> {
    fn holds(&self, address: u128) -> bool {
        place::alike(self.start, address) >= self.bits
    }

    /// Its last address.
    fn end(&self) -> u128 {
        self.start | u128::MAX.checked_shr(self.bits.into()).unwrap_or(0)
    }
}

impl<S> Overrides<S> {
    /// Of the same prefix the first counts.
    pub fn new(list: impl IntoIterator<Item = (IpNet, Place, S)>) -> Overrides<S> {
        let mut overrides = Overrides::default();
        for (prefix, place, source) in list {
            overrides.gives.add(place.gives());
            let side = if prefix.addr().is_ipv4() { &mut overrides.v4 } else { &mut overrides.v6 };
            let start = place::bits_of(prefix.network());
            side.push(Entry { start, bits: prefix.prefix_len(), above: None, place, source });
        }
        for side in [&mut overrides.v4, &mut overrides.v6] {
            // Of equal prefixes the first is to be the innermost, which comes last.
            side.reverse();
            side.sort_by_key(|entry| (entry.start, entry.bits));
            let mut open: Vec<usize> = Vec::new();
            for i in 0..side.len() {
                while open.last().is_some_and(|&last| !side[last].holds(side[i].start)) {
                    open.pop();
                }
                side[i].above = open.last().copied();
                open.push(i);
            }
        }
        overrides
    }

    /// All there are, in no order that means anything.
    pub fn entries(&self) -> impl Iterator<Item = (IpNet, &Place, &S)> {
        let v4 = |entry: &Entry<S>| Ipv4Net::new(Ipv4Addr::from_bits((entry.start >> 96) as u32), entry.bits);
        let v6 = |entry: &Entry<S>| Ipv6Net::new(Ipv6Addr::from_bits(entry.start), entry.bits);
        let v4 = self.v4.iter().filter_map(move |entry| Some((v4(entry).ok()?.into(), entry)));
        let v6 = self.v6.iter().filter_map(move |entry| Some((v6(entry).ok()?.into(), entry)));
        v4.chain(v6).map(|(prefix, entry)| (prefix, &entry.place, &entry.source))
    }

    /// Who holds an address, the longest prefix first, and the length of the widest prefix around it that the same hold.
    pub fn find(&self, address: IpAddr) -> (impl Iterator<Item = &Entry<S>>, u8) {
        let side = if address.is_ipv4() { &self.v4 } else { &self.v6 };
        let address = place::bits_of(address);
        let after = side.partition_point(|entry| entry.start <= address);
        let above = |entry: &&Entry<S>| entry.above.map(|above| &side[above]);
        // From the last that begins before it outwards: those that do not hold it end before it, the outermost of them last.
        let mut before = None;
        let mut inner = after.checked_sub(1).map(|last| &side[last]);
        while let Some(entry) = inner.filter(|entry| !entry.holds(address)) {
            before = Some(entry);
            inner = above(&entry);
        }
        let aside = [before.map(Entry::end), side.get(after).map(|next| next.start)];
        let apart = aside.into_iter().flatten().map(|other| place::alike(other, address) + 1).max();
        let bits = apart.unwrap_or(0).max(inner.map_or(0, |entry| entry.bits));
        (std::iter::successors(inner, above), bits)
    }
}
