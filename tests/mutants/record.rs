//! What was said to each mutant's question, as a file: what is asked and changed in brackets, then how, then
//! the verdicts.

use crate::catalogue::{Kind, Mutant};
use crate::reasons::reason;
use std::collections::HashMap;

/// Letters of Unbound, BIND, Knot Resolver, PowerDNS Recursor and ourselves.
pub type Verdicts = [u8; 5];

/// What the peers agree on: at least three of them, or all of those who answered.
pub fn agreed(verdicts: &Verdicts) -> Option<u8> {
    let answered: Vec<u8> = verdicts[..4].iter().copied().filter(|verdict| *verdict != b'-').collect();
    let same = |verdict: &u8| answered.iter().filter(|other| *other == verdict).count();
    answered.iter().copied().find(|verdict| same(verdict) >= 3 || same(verdict) == answered.len())
}

fn heading(kind: &Kind) -> String {
    format!("[{}: {:?}]", kind.scenario.label, kind.target)
}

/// Reads the verdicts of all mutants, in their order.
pub fn read(text: &str, mutants: &[Mutant<'_>]) -> Vec<Option<Verdicts>> {
    let mut all: HashMap<(&str, &str), Verdicts> = HashMap::new();
    let mut under = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.split_once(" = ") {
            None => under = line,
            Some((label, letters)) => {
                let verdicts = match *letters.as_bytes() {
                    [one] => [one; 5],
                    ref five => five.try_into().expect("one letter or five"),
                };
                assert!(all.insert((under, label), verdicts).is_none(), "twice: {under} {label}");
            }
        }
    }
    let of = |mutant: &Mutant<'_>| all.get(&(&*heading(mutant.kind), &*mutant.kind.label)).copied();
    mutants.iter().map(of).collect()
}

/// Writes them, with this above.
pub fn write(head: &str, mutants: &[Mutant<'_>], verdicts: &[Verdicts]) -> String {
    let (mut text, mut under) = (head.to_owned(), String::new());
    for (mutant, verdicts) in mutants.iter().zip(verdicts) {
        let heading = heading(mutant.kind);
        if heading != under {
            text += &format!("{heading}\n");
            under = heading;
        }
        let one = verdicts.iter().all(|verdict| *verdict == verdicts[0]);
        let letters = if one { &verdicts[..1] } else { &verdicts[..] };
        text += &format!("{} = {}\n", mutant.kind.label, String::from_utf8_lossy(letters));
    }
    text
}

/// How a verdict of ours stands to those of the peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They do not agree on any.
    Undecided,
    Equal,
    /// It is another one, and this is why.
    Excused(&'static str),
    Wrong,
}

pub fn standing(mutant: &Mutant<'_>, verdicts: &Verdicts) -> Standing {
    let ours = verdicts[4];
    match agreed(verdicts) {
        None => Standing::Undecided,
        Some(agreed) if agreed == ours => Standing::Equal,
        Some(agreed) => reason(mutant, agreed, ours).map_or(Standing::Wrong, Standing::Excused),
    }
}
