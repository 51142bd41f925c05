//! Which of a route's prefixes hold a client, and how wide a prefix around the client gives the same answer.

use super::{Client, place};
use ipnet::IpNet;

/// A set of rules: one bit each.
pub(super) type RuleSet = u64;

/// A trie from prefixes to the rules they belong to. Nodes of which all below say the same are one.
#[derive(Default)]
pub(super) struct PrefixTrie {
    v4: Vec<Node>,
    v6: Vec<Node>,
}

#[derive(Clone, Copy)]
struct Node {
    /// Rules of the prefixes at or above it.
    rules: RuleSet,
    /// Where its children are; none below a leaf.
    children: Option<[u32; 2]>,
}

impl PrefixTrie {
    /// The trie of these prefixes. `decisive` are the rules of which the first that holds a client settles the matter.
    pub fn new(prefixes: &[(IpNet, RuleSet)], decisive: RuleSet) -> PrefixTrie {
        let family = |v4: bool| {
            let list: Vec<(u128, u8, RuleSet)> = prefixes
                .iter()
                .filter(|(prefix, _)| prefix.addr().is_ipv4() == v4)
                .map(|(prefix, rules)| (place::bits_of(prefix.network()), prefix.prefix_len(), *rules))
                .collect();
            let mut nodes = Vec::new();
            if !list.is_empty() {
                build(&mut nodes, &list, decisive, 0, 0);
            }
            nodes
        };
        PrefixTrie { v4: family(true), v6: family(false) }
    }

    /// The rules whose prefixes hold all of the client's known bits, and the length of the widest prefix around it that has the same.
    pub fn find(&self, client: &Client) -> (RuleSet, u8) {
        let nodes = if client.address.is_ipv4() { &self.v4 } else { &self.v6 };
        let Some(mut node) = nodes.first() else { return (0, 0) };
        let (bits, mut depth) = (place::bits_of(client.address), 0);
        while let (Some(children), true) = (node.children, depth < client.bits) {
            node = &nodes[children[(bits >> (127 - depth) & 1) as usize] as usize];
            depth += 1;
        }
        (node.rules, depth)
    }
}

/// Adds the node at `depth` for prefixes that begin alike; returns its place.
fn build(
    nodes: &mut Vec<Node>,
    prefixes: &[(u128, u8, RuleSet)],
    decisive: RuleSet,
    depth: u8,
    above: RuleSet,
) -> u32 {
    let here = prefixes.iter().filter(|(_, len, _)| *len == depth);
    let rules = here.fold(above, |rules, (.., more)| rules | more);
    // Rules after the first decisive one do not matter; forgetting them makes more prefixes alike.
    let first = rules & decisive & (rules & decisive).wrapping_neg();
    let rules = rules & (first | first.wrapping_sub(1));
    let place = nodes.len();
    nodes.push(Node { rules, children: None });
    let deeper = || prefixes.iter().filter(|(_, len, _)| *len > depth).copied();
    if deeper().next().is_some() {
        let side = |bit: u128| -> Vec<_> {
            deeper().filter(|(bits, ..)| bits >> (127 - depth) & 1 == bit).collect()
        };
        let children = [0, 1].map(|bit| build(nodes, &side(bit), decisive, depth + 1, rules));
        let [left, right] = children.map(|child| nodes[child as usize]);
        if left.children.is_none() && right.children.is_none() && left.rules == right.rules {
            // Both halves say the same: this is a leaf.
            nodes.truncate(place + 1);
            nodes[place] = left;
        } else {
            nodes[place].children = Some(children);
        }
    }
    place as u32
}
