//! A persistent tree of names in canonical order (RFC 4034 §6.1): a qp-trie whose branches are shared between versions, so an
//! insertion copies only the branches above it. One descent finds a name, its closest ancestor in the tree, and every ancestor
//! on the way.
//!
//! A name's key is its labels from the root down, each octet mapped to a symbol below `SYMBOLS` (two for rare octets, so a
//! branch's twigs fit one bitmap), each label ended by symbol 0, which sorts first. A branch tests one position of the key; what
//! lies between two tested positions is not compared until a leaf is reached, whose name decides.

use crate::wire::Name;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a tree holds: something with a name. Clones are made when a branch is copied, so they must be cheap.
pub trait Named: Clone {
    /// The name it is found by.
    fn name(&self) -> Name<'_>;
}

impl<T: Named> Named for Arc<T> {
    fn name(&self) -> Name<'_> {
        T::name(self)
    }
}

//----------- Symbols ------------------------------------------------------------------------------------------------

/// First and, for octets that need it, second symbol of each octet; 0 as second means there is none.
const OCTETS: ([[u8; 2]; 256], u8) = symbols();

/// Symbols in use: bits of a branch's bitmap.
const SYMBOLS: u8 = OCTETS.1;
const _: () = assert!(SYMBOLS <= 48, "a branch has 48 bits for symbols and 16 for its position");

/// Letters, digits, `-` and `_` get a symbol each; runs of other octets share a first symbol. Order is that of the octets.
const fn symbols() -> ([[u8; 2]; 256], u8) {
    let mut table = [[0; 2]; 256];
    let (mut next, mut run) = (1, 0);
    let mut octet = 0;
    while octet < 256 {
        let byte = octet as u8;
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_' {
            if run > 0 {
                next += 1;
            }
            table[octet] = [next, 0];
            next += 1;
            run = 0;
        } else if !byte.is_ascii_uppercase() {
            run += 1;
            table[octet] = [next, run];
            if run == 46 {
                next += 1;
                run = 0;
            }
        }
        octet += 1;
    }
    let mut upper = b'A' as usize;
    while upper <= b'Z' as usize {
        table[upper] = table[upper + 32];
        upper += 1;
    }
    (table, next + 1)
}

/// Symbols of the longest name: 255 octets of two symbols at most.
const MAX_KEY: usize = 512;

/// A name to be looked up in several trees, and its key.
pub struct Sought<'n> {
    /// The name.
    pub name: Name<'n>,
    key: Key,
}

impl<'n> Sought<'n> {
    /// Room for a name.
    pub const EMPTY: Sought<'static> = Sought { name: Name::ROOT, key: Key::EMPTY };

    /// Makes the key of a name.
    #[inline]
    pub fn new(name: Name<'n>) -> Sought<'n> {
        let mut sought = Sought { name, key: Key::EMPTY };
        sought.key.set(name);
        sought
    }

    /// Makes it another name.
    pub fn set(&mut self, name: Name<'n>) {
        self.name = name;
        self.key.set(name);
    }
}

/// A name as symbols.
struct Key {
    symbols: [u8; MAX_KEY],
    len: usize,
}

impl Key {
    const EMPTY: Key = Key { symbols: [0; MAX_KEY], len: 0 };

    fn new(name: Name<'_>) -> Key {
        let mut key = Key::EMPTY;
        key.set(name);
        key
    }

    /// Makes it the key of `name`.
    fn set(&mut self, name: Name<'_>) {
        let wire = name.as_bytes();
        let mut starts = [0u8; 128];
        let (mut labels, mut at) = (0, 0);
        while wire[at] != 0 {
            starts[labels] = at as u8;
            labels += 1;
            at += 1 + wire[at] as usize;
        }
        self.len = 0;
        for &start in starts[..labels].iter().rev() {
            let start = start as usize;
            for &octet in &wire[start + 1..start + 1 + wire[start] as usize] {
                let [first, second] = OCTETS.0[octet as usize];
                // Without a branch: the place of a second symbol that there is not is overwritten by what follows.
                self.symbols[self.len % MAX_KEY] = first;
                self.symbols[(self.len + 1) % MAX_KEY] = second;
                self.len += 1 + usize::from(second != 0);
            }
            // Symbol 0 ends the label.
            self.symbols[self.len % MAX_KEY] = 0;
            self.len += 1;
        }
    }

    /// The symbol at a position; 0 beyond the end, which no label continues with.
    fn symbol(&self, at: usize) -> u8 {
        if at < self.len { self.symbols[at] } else { 0 }
    }

    /// Whether a whole number of labels ends before `at`.
    fn is_label_end(&self, at: usize) -> bool {
        at == 0 || at <= self.len && self.symbols[at - 1] == 0
    }

    /// The first position at which two different keys differ.
    fn differs(&self, other: &Key) -> usize {
        let len = self.len.max(other.len);
        (0..len).find(|&i| self.symbol(i) != other.symbol(i)).unwrap_or(len)
    }
}

//----------- NameTree -----------------------------------------------------------------------------------------------

/// A persistent tree of named things. Cloning shares everything.
#[derive(Clone)]
pub struct NameTree<T> {
    root: Option<Twig<T>>,
    len: usize,
}

#[derive(Clone)]
enum Twig<T> {
    Leaf(T),
    Branch(Branch<T>),
}

/// Tests the key at one position.
#[derive(Clone)]
struct Branch<T> {
    /// The position in the upper 16 bits, below them a bit for each symbol that has a twig.
    word: u64,
    /// The twigs in order of their symbols.
    twigs: Arc<[Twig<T>]>,
}

impl<T> Branch<T> {
    fn new(position: usize, bitmap: u64, twigs: Vec<Twig<T>>) -> Branch<T> {
        Branch { word: (position as u64) << 48 | bitmap, twigs: twigs.into() }
    }

    fn position(&self) -> usize {
        (self.word >> 48) as usize
    }

    fn bitmap(&self) -> u64 {
        self.word & ((1 << 48) - 1)
    }

    /// Where the twig of a symbol is, or would be.
    fn index(&self, symbol: u8) -> usize {
        (self.word & ((1 << symbol) - 1)).count_ones() as usize
    }

    fn twig(&self, symbol: u8) -> Option<&Twig<T>> {
        if self.word & 1 << symbol == 0 { None } else { self.twigs.get(self.index(symbol)) }
    }
}

impl<T> Default for NameTree<T> {
    fn default() -> NameTree<T> {
        NameTree { root: None, len: 0 }
    }
}

impl<T: Named> NameTree<T> {
    /// A tree of things whose names are in strictly ascending canonical order.
    pub fn from_sorted(items: Vec<T>) -> NameTree<T> {
        let len = items.len();
        debug_assert!(items.is_sorted_by(|a, b| a.name() < b.name()));
        NameTree { root: if items.is_empty() { None } else { Some(grow(&items)) }, len }
    }

    /// How many things it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The thing with exactly this name.
    pub fn get(&self, name: Name<'_>) -> Option<&T> {
        let key = Key::new(name);
        let mut twig = self.root.as_ref()?;
        loop {
            match twig {
                Twig::Branch(branch) => twig = branch.twig(key.symbol(branch.position()))?,
                Twig::Leaf(leaf) => return (leaf.name() == name).then_some(leaf),
            }
        }
    }

    /// Visits everything whose name is the one sought or an ancestor of it, from the topmost down, until `visit` breaks.
    pub fn walk<'t, B>(
        &'t self,
        Sought { name, key }: &Sought<'_>,
        mut visit: impl FnMut(&'t T) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut next = self.root.as_ref();
        while let Some(twig) = next {
            next = match twig {
                Twig::Leaf(leaf) => {
                    if name.is_within(leaf.name()) {
                        visit(leaf)?;
                    }
                    None
                }
                Twig::Branch(branch) => {
                    let position = branch.position();
                    // Names that end where this branch tests stand under symbol 0; of our own length, it is next anyway.
                    if position < key.len && key.is_label_end(position) {
                        match branch.twig(0) {
                            Some(Twig::Leaf(leaf)) if name.is_within(leaf.name()) => visit(leaf)?,
                            _ => {}
                        }
                    }
                    branch.twig(key.symbol(position))
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The thing with the longest name that is the one sought or an ancestor of it.
    pub fn closest(&self, sought: &Sought<'_>) -> Option<&T> {
        let mut closest = None;
        let _ = self.walk(sought, |item| {
            closest = Some(item);
            ControlFlow::<()>::Continue(())
        });
        closest
    }

    /// The thing with the last name in canonical order that is not after the one sought.
    pub fn at_or_before(&self, sought: &Sought<'_>) -> Option<&T> {
        let (root, key) = (self.root.as_ref()?, &sought.key);
        let near = nearest(root, key);
        if near.name() == sought.name {
            return Some(near);
        }
        let near = Key::new(near.name());
        let differs = key.differs(&near);
        // All below a twig that is reached with no position left to test before that one begins as `near` does up to there.
        let (mut twig, mut before) = (root, None);
        while let Twig::Branch(branch) = twig
            && branch.position() <= differs
        {
            let symbol = key.symbol(branch.position());
            before = branch.index(symbol).checked_sub(1).and_then(|i| branch.twigs.get(i)).or(before);
            match branch.twig(symbol) {
                Some(below) => twig = below,
                None => return before.map(last),
            }
        }
        if near.symbol(differs) < key.symbol(differs) { Some(last(twig)) } else { before.map(last) }
    }

    /// The thing with the last name.
    pub fn last(&self) -> Option<&T> {
        self.root.as_ref().map(last)
    }

    /// The tree with `item` added, in place of one of the same name.
    #[must_use]
    pub fn insert(&self, item: T) -> NameTree<T> {
        let Some(root) = &self.root else { return NameTree { root: Some(Twig::Leaf(item)), len: 1 } };
        let key = Key::new(item.name());
        let near = nearest(root, &key);
        let replaces = near.name() == item.name();
        let position = if replaces { usize::MAX } else { key.differs(&Key::new(near.name())) };
        let near_symbol = if replaces { 0 } else { Key::new(near.name()).symbol(position) };
        let root = plant(root, &key, position, near_symbol, item);
        NameTree { root: Some(root), len: self.len + usize::from(!replaces) }
    }

    /// The tree without the thing of this name; the same tree if there is none.
    #[must_use]
    pub fn remove(&self, name: Name<'_>) -> NameTree<T> {
        match (&self.root, self.get(name)) {
            (Some(root), Some(_)) => NameTree { root: prune(root, &Key::new(name)), len: self.len - 1 },
            _ => self.clone(),
        }
    }

    /// The way down to a name, to be gone step by step; none in an empty tree.
    pub fn descent<'t>(&'t self, sought: &'t Sought<'_>) -> Option<Descent<'t, T>> {
        Some(Descent { key: &sought.key, at: self.root.as_ref()? })
    }

    /// Visits everything in canonical order.
    pub fn for_each<'t>(&'t self, mut visit: impl FnMut(&'t T)) {
        fn each<'t, T>(twig: &'t Twig<T>, visit: &mut impl FnMut(&'t T)) {
            match twig {
                Twig::Leaf(leaf) => visit(leaf),
                // As deep as a key is long at most: 512.
                Twig::Branch(branch) => branch.twigs.iter().for_each(|twig| each(twig, visit)),
            }
        }
        if let Some(root) = &self.root {
            each(root, &mut visit);
        }
    }
}

/// See [`NameTree::descent`].
pub struct Descent<'t, T> {
    key: &'t Key,
    at: &'t Twig<T>,
}

impl<'t, T> Descent<'t, T> {
    /// Reads where it stands, without doing anything that must wait for what is read: several of these wait together.
    pub fn touch(&self) -> u64 {
        u64::from(matches!(self.at, Twig::Leaf(_)))
    }

    /// Goes one branch down, or ends: at a leaf, which need not have the name, or where there is none.
    pub fn step(&mut self) -> ControlFlow<Option<&'t T>> {
        match self.at {
            Twig::Branch(branch) => match branch.twig(self.key.symbol(branch.position())) {
                Some(twig) => {
                    self.at = twig;
                    ControlFlow::Continue(())
                }
                None => ControlFlow::Break(None),
            },
            Twig::Leaf(leaf) => ControlFlow::Break(Some(leaf)),
        }
    }
}

/// The twig for a sorted, non-empty run of items.
fn grow<T: Named>(items: &[T]) -> Twig<T> {
    let (first, last) = match items {
        [only] => return Twig::Leaf(only.clone()),
        [first, .., last] => (Key::new(first.name()), Key::new(last.name())),
        [] => unreachable!("a run is never empty"),
    };
    // All between first and last share what these two share.
    let position = first.differs(&last);
    let (mut bitmap, mut twigs, mut rest) = (0, Vec::new(), items);
    while let Some(next) = rest.first() {
        let symbol = Key::new(next.name()).symbol(position);
        let run = run_length(rest, |item| Key::new(item.name()).symbol(position) == symbol);
        let (same, others) = rest.split_at(run);
        bitmap |= 1 << symbol;
        twigs.push(grow(same));
        rest = others;
    }
    Twig::Branch(Branch::new(position, bitmap, twigs))
}

/// How many items at the start of a sorted, partitioned run belong: doubling, then bisecting, for most runs are short.
fn run_length<T>(items: &[T], belongs: impl Fn(&T) -> bool) -> usize {
    let mut bound = 1;
    while bound < items.len() && belongs(&items[bound]) {
        bound *= 2;
    }
    let (low, high) = (bound / 2, bound.min(items.len()));
    low + items[low..high].partition_point(belongs)
}

/// A leaf that shares as much of `key` as any does.
fn nearest<'t, T>(mut twig: &'t Twig<T>, key: &Key) -> &'t T {
    loop {
        match twig {
            Twig::Leaf(leaf) => return leaf,
            Twig::Branch(branch) => {
                twig = branch.twig(key.symbol(branch.position())).unwrap_or(&branch.twigs[0]);
            }
        }
    }
}

/// The last thing below a twig.
fn last<T>(mut twig: &Twig<T>) -> &T {
    loop {
        match twig {
            Twig::Leaf(leaf) => return leaf,
            // A branch has two twigs at least.
            Twig::Branch(branch) => twig = &branch.twigs[branch.twigs.len() - 1],
        }
    }
}

/// `twig` with `item` in it: under a new branch at `position`, or replacing its leaf when `position` is beyond any key.
fn plant<T: Named>(twig: &Twig<T>, key: &Key, position: usize, near_symbol: u8, item: T) -> Twig<T> {
    let branch = match twig {
        Twig::Branch(branch) if branch.position() <= position => branch,
        Twig::Leaf(_) if position == usize::MAX => return Twig::Leaf(item),
        _ => {
            let symbol = key.symbol(position);
            let mut twigs = vec![twig.clone(), Twig::Leaf(item)];
            if symbol < near_symbol {
                twigs.swap(0, 1);
            }
            return Twig::Branch(Branch::new(position, 1 << symbol | 1 << near_symbol, twigs));
        }
    };
    let symbol = key.symbol(branch.position());
    let index = branch.index(symbol);
    let mut twigs = branch.twigs.to_vec();
    match branch.twig(symbol) {
        Some(below) => twigs[index] = plant(below, key, position, near_symbol, item),
        None => twigs.insert(index, Twig::Leaf(item)),
    }
    Twig::Branch(Branch::new(branch.position(), branch.bitmap() | 1 << symbol, twigs))
}

/// `twig` without the leaf of `key`, which is in it; nothing if that was all.
fn prune<T: Named>(twig: &Twig<T>, key: &Key) -> Option<Twig<T>> {
    let Twig::Branch(branch) = twig else { return None };
    let symbol = key.symbol(branch.position());
    let index = branch.index(symbol);
    let mut twigs = branch.twigs.to_vec();
    match prune(branch.twig(symbol)?, key) {
        Some(below) => twigs[index] = below,
        None if twigs.len() == 2 => return Some(twigs.swap_remove(1 - index)),
        None => {
            twigs.remove(index);
            return Some(Twig::Branch(Branch::new(
                branch.position(),
                branch.bitmap() & !(1 << symbol),
                twigs,
            )));
        }
    }
    Some(Twig::Branch(Branch::new(branch.position(), branch.bitmap(), twigs)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::OwnedName;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    impl Named for OwnedName {
        fn name(&self) -> Name<'_> {
            self.as_name()
        }
    }

    /// Names over a few labels, so that they share ancestors and prefixes.
    fn some_name() -> impl Strategy<Value = OwnedName> {
        let label = prop_oneof![
            "[a-c]{1,2}",
            Just("*".into()),
            Just(r"\000".into()),
            Just(r"\255x".into()),
            Just("A-_9".into()),
            Just(r"\.".into())
        ];
        prop::collection::vec(label, 0..5)
            .prop_map(|labels| format!("{}.", labels.join(".")).parse().unwrap())
    }

    proptest! {
        #[test]
        fn a_tree_is_an_ordered_set_of_names(names in prop::collection::vec(some_name(), 0..60), probes in prop::collection::vec(some_name(), 20)) {
            let model: BTreeSet<OwnedName> = names.iter().cloned().collect();
            let inserted = names.iter().fold(NameTree::default(), |tree, name| tree.insert(name.clone()));
            let built = NameTree::from_sorted(model.iter().cloned().collect());
            for tree in [&inserted, &built] {
                prop_assert_eq!(tree.len(), model.len());
                let mut listed = Vec::new();
                tree.for_each(|name| listed.push(name.clone()));
                prop_assert_eq!(&listed, &model.iter().cloned().collect::<Vec<_>>());
                for probe in &probes {
                    prop_assert_eq!(tree.get(probe.as_name()), model.get(probe));
                    let before = model.range(..=probe).next_back();
                    prop_assert_eq!(tree.at_or_before(&Sought::new(probe.as_name())), before);
                    prop_assert_eq!(tree.last(), model.last());
                    let mut above = Vec::new();
                    let _ = tree.walk(&Sought::new(probe.as_name()), |name| { above.push(name.clone()); ControlFlow::<()>::Continue(()) });
                    let mut expected: Vec<_> = model.iter().filter(|n| probe.as_name().is_within(n.as_name())).cloned().collect();
                    expected.sort_by_key(|n| n.as_name().len());
                    prop_assert_eq!(tree.closest(&Sought::new(probe.as_name())), expected.last());
                    prop_assert_eq!(above, expected);
                }
            }
        }

        #[test]
        fn removing_undoes_inserting_and_old_versions_stay(names in prop::collection::vec(some_name(), 1..40), extra in some_name()) {
            let tree = names.iter().fold(NameTree::default(), |tree, name| tree.insert(name.clone()));
            let list = |tree: &NameTree<OwnedName>| { let mut all = Vec::new(); tree.for_each(|n| all.push(n.clone())); all };
            let before = list(&tree);
            let more = tree.insert(extra.clone());
            let less = more.remove(extra.as_name());
            prop_assert_eq!(&list(&tree), &before);
            let expected: Vec<_> = before.iter().filter(|n| **n != extra).cloned().collect();
            prop_assert_eq!(list(&less), expected);
            prop_assert_eq!(less.get(extra.as_name()), None);
            let empty = before.iter().fold(tree.clone(), |tree, n| tree.remove(n.as_name()));
            prop_assert!(empty.is_empty() && list(&empty).is_empty());
        }
    }

    #[test]
    fn an_edit_among_many_names_copies_only_its_path() {
        let mut names: Vec<OwnedName> =
            (0..20_000).map(|i| format!("h{i}.example.").parse().unwrap()).collect();
        names.sort();
        let tree = NameTree::from_sorted(names);
        let edited = tree.insert("h10000x.example.".parse().unwrap());
        let mut copied = 0;
        fn shared<T>(a: &Twig<T>, b: &Twig<T>, copied: &mut usize) {
            if let (Twig::Branch(a), Twig::Branch(b)) = (a, b) {
                if Arc::ptr_eq(&a.twigs, &b.twigs) {
                    return;
                }
                *copied += b.twigs.len();
                for (i, twig) in b.twigs.iter().enumerate() {
                    if let Some(old) = a.twigs.get(i) {
                        shared(old, twig, copied);
                    }
                }
            }
        }
        shared(tree.root.as_ref().unwrap(), edited.root.as_ref().unwrap(), &mut copied);
        assert!(copied < 120, "{copied} twigs of 20,000 names were copied");
    }

    #[test]
    fn a_twig_takes_three_words() {
        assert_eq!(size_of::<Twig<Arc<[u8]>>>(), 24);
    }
}
