//! Decisions of sections for all clients: the leaves of a prefix trie in the order of their addresses. Neighbours of which all within a
//! prefix are decided alike are one leaf, so its length is the narrowest that an ECS scope may have (RFC 7871 §7.2.1).

use super::Client;
use super::place;
use super::sections::{Class, Decision};
use crate::config::EMBEDDING;
use crate::limits;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// See the module.
pub(super) struct Decisions {
    v4: Leaves<u32>,
    v6: Leaves<u128>,
    classes: Vec<Class>,
}

/// The leaves of one family, which together are all of its addresses. `K` is an address.
struct Leaves<K> {
    /// The first address of each.
    starts: Box<[K]>,
    /// What is decided there.
    leaves: Box<[Leaf]>,
    /// Where the leaves of each /16 begin, so that a search is short; empty for few leaves.
    blocks: Box<[u32]>,
}

/// A leaf: the length of its prefix, and a place in the list of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Leaf {
    bits: u8,
    class: u16,
}

/// Not in the list of classes: IPv6 prefixes in which IPv4 addresses are embedded, where those are not all decided alike. Clients there are
/// found by the address within; one of which less is known is worked out.
const EMBEDDED: u16 = u16::MAX;

/// Prefixes at which databases hold their IPv4 networks once more: IPv4-compatible (with `::` and `::1`) and Teredo. Too few use them for the
/// room they would take.
const ALIASES: [(u128, u8); 2] = [(0, 96), (0x2001_0000 << 96, 32)];

/// An address as a number, the first bit topmost, in its own width.
trait Number: Copy + Ord {
    /// From the topmost bits of 128.
    fn from_top(bits: u128) -> Self;
    /// Its first 16 bits.
    fn block(self) -> usize;
    fn address(self) -> IpAddr;
}

impl Number for u32 {
    fn from_top(bits: u128) -> u32 {
        (bits >> 96) as u32
    }

    fn block(self) -> usize {
        (self >> 16) as usize
    }

    fn address(self) -> IpAddr {
        Ipv4Addr::from_bits(self).into()
    }
}

impl Number for u128 {
    fn from_top(bits: u128) -> u128 {
        bits
    }

    fn block(self) -> usize {
        (self >> 112) as usize
    }

    fn address(self) -> IpAddr {
        Ipv6Addr::from_bits(self).into()
    }
}

impl Decisions {
    /// All that `work_out` decides, if it fits into so many octets. Its `bits` must be true: all clients within that prefix are decided alike.
    pub fn new(work_out: impl Fn(&Client) -> Decision, octets: usize) -> Option<Decisions> {
        let mut classes = Classes::default();
        let v4 = Leaves::<u32>::new(&work_out, &mut classes, octets, EMBEDDED)?;
        let embedded = if let [all] = *v4.leaves { all.class } else { EMBEDDED };
        let v6 = Leaves::<u128>::new(&work_out, &mut classes, octets.saturating_sub(v4.octets()), embedded)?;
        let decisions = Decisions { v4, v6, classes: classes.list };
        (decisions.octets() <= octets).then_some(decisions)
    }

    /// The decision for a client; none where that is not known from here: less is known of the client than decides.
    pub fn find(&self, client: &Client) -> Option<Decision> {
        let leaf = match client.address {
            IpAddr::V4(address) => self.v4.find(address.to_bits()),
            IpAddr::V6(address) => self.v6.find(address.to_bits()),
        };
        let class = *self.classes.get(usize::from(leaf.class))?;
        (leaf.bits <= client.bits).then_some(Decision { class, bits: leaf.bits, rule: None })
    }

    /// How many prefixes of IPv4 and IPv6 there are.
    pub fn prefixes(&self) -> [usize; 2] {
        [self.v4.leaves.len(), self.v6.leaves.len()]
    }

    /// How much memory they take.
    pub fn octets(&self) -> usize {
        self.v4.octets() + self.v6.octets() + self.classes.capacity() * size_of::<Class>()
    }
}

/// The classes found so far.
#[derive(Default)]
struct Classes {
    list: Vec<Class>,
    places: HashMap<Class, u16>,
}

impl Classes {
    fn place(&mut self, class: Class) -> Option<u16> {
        if let Some(place) = self.places.get(&class) {
            return Some(*place);
        }
        let place = u16::try_from(self.list.len()).ok().filter(|place| *place != EMBEDDED)?;
        self.list.push(class);
        self.places.insert(class, place);
        Some(place)
    }
}

impl<K: Number> Leaves<K> {
    /// Goes through the addresses in order, a prefix that is decided alike at a time. `embedded` is what IPv4 addresses within IPv6 lead to.
    fn new(
        work_out: &impl Fn(&Client) -> Decision,
        classes: &mut Classes,
        octets: usize,
        embedded: u16,
    ) -> Option<Leaves<K>> {
        let most = octets / (size_of::<K>() + size_of::<Leaf>());
        let mut leaves: Vec<(u128, Leaf)> = Vec::new();
        let mut next = Some(0);
        for _ in 0..limits::DECISION_STEPS {
            let Some(at) = next else { return Some(Leaves::flatten(&leaves)) };
            let address = K::from_top(at).address();
            let Decision { class, bits, .. } = work_out(&Client::plain(address));
            let alias = || within(&ALIASES, address).filter(|whole| *whole < bits);
            let leaf = if let Some(whole) = within(&EMBEDDING, address) {
                Leaf { bits: whole, class: embedded }
            } else if let Some(whole) = alias() {
                Leaf { bits: whole, class: EMBEDDED }
            } else {
                Leaf { bits: bits.max(shortest(at)), class: classes.place(class)? }
            };
            push(&mut leaves, at, leaf);
            if leaves.len() > most {
                return None;
            }
            next = if leaf.bits == 0 { None } else { at.checked_add(1 << (128 - leaf.bits)) };
        }
        None
    }

    fn flatten(leaves: &[(u128, Leaf)]) -> Leaves<K> {
        let starts: Box<[K]> = leaves.iter().map(|(start, _)| K::from_top(*start)).collect();
        let first = |block: usize| starts.partition_point(|start| start.block() < block) as u32;
        let blocks = if starts.len() < limits::DECISION_BLOCKS { 0..=0 } else { 0..=1 << 16 };
        let blocks = blocks.map(first).collect::<Box<[u32]>>();
        Leaves { leaves: leaves.iter().map(|(_, leaf)| *leaf).collect(), blocks, starts }
    }

    /// The leaf of an address.
    fn find(&self, address: K) -> Leaf {
        let (from, to) = match self.blocks.get(address.block()..) {
            Some([from, to, ..]) => (*from as usize, *to as usize),
            _ => (0, self.starts.len()),
        };
        let after =
            self.starts.get(from..to).map_or(0, |block| block.partition_point(|start| *start <= address));
        // The first leaf begins with the first address, and a block may begin within a leaf of before.
        let place = (from + after).saturating_sub(1);
        self.leaves.get(place).copied().unwrap_or(Leaf { bits: 0, class: EMBEDDED })
    }

    fn octets(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.leaves) + size_of_val(&*self.blocks)
    }
}

/// How long a prefix must be to begin at an address.
fn shortest(at: u128) -> u8 {
    (128 - at.trailing_zeros()) as u8
}

/// The length of the prefix among these that holds an IPv6 address.
fn within(prefixes: &[(u128, u8)], address: IpAddr) -> Option<u8> {
    let IpAddr::V6(address) = address else { return None };
    place::within(prefixes, address.to_bits())
}

/// Adds the next leaf; while it and the one before are the halves of a prefix and say the same, they are one.
fn push(leaves: &mut Vec<(u128, Leaf)>, at: u128, leaf: Leaf) {
    let mut new = (at, leaf);
    while let Some(&(start, last)) = leaves.last() {
        let halves =
            last == new.1 && last.bits > 0 && start ^ new.0 == 1 << (128 - last.bits) && start < new.0;
        if !halves {
            break;
        }
        leaves.pop();
        new = (start, Leaf { bits: last.bits - 1, ..last });
    }
    leaves.push(new);
}
