//! What was said to each mutant's question, as a file: what is asked and changed in brackets, then how, then the verdicts.

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
    let mut heads: HashMap<(&str, &str), Vec<Verdicts>> = HashMap::new();
    let mut under = "";
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        match line.split_once(" = ") {
            None => under = line,
            Some((label, verdicts)) => {
                let all = verdicts.split(' ').map(|letters| match *letters.as_bytes() {
                    [one] => [one; 5],
                    ref five => five.try_into().expect("one letter or five"),
                });
                heads.insert((under, label), all.collect());
            }
        }
    }
    let mut rounds: HashMap<usize, usize> = HashMap::new();
    let of = |mutant: &Mutant<'_>| {
        let round = rounds.entry(mutant.of).or_default();
        *round += 1;
        heads.get(&(&*heading(mutant.kind), &*mutant.kind.label))?.get(*round - 1).copied()
    };
    mutants.iter().map(of).collect()
}

/// Writes them, with this above.
pub fn write(head: &str, mutants: &[Mutant<'_>], verdicts: &[Verdicts], kinds: &[Kind]) -> String {
    let mut of_kind: Vec<Vec<String>> = vec![Vec::new(); kinds.len()];
    for (mutant, verdicts) in mutants.iter().zip(verdicts) {
        let one = verdicts.iter().all(|verdict| *verdict == verdicts[0]);
        let letters = if one { &verdicts[..1] } else { &verdicts[..] };
        of_kind[mutant.of].push(String::from_utf8(letters.to_vec()).unwrap());
    }
    let (mut text, mut under) = (head.to_owned(), String::new());
    for (kind, verdicts) in kinds.iter().zip(of_kind) {
        let heading = heading(kind);
        if heading != under {
            text += &format!("{heading}\n");
            under = heading;
        }
        text += &format!("{} = {}\n", kind.label, verdicts.join(" "));
    }
    text
}

/// What is wrong with a verdict of ours: it is not what the peers agree on, and there is no reason for it.
pub fn complaint(mutant: &Mutant<'_>, verdicts: &Verdicts) -> Option<String> {
    let agreed = agreed(verdicts)?;
    let ours = verdicts[4];
    let excused = agreed == ours || reason(mutant, agreed, ours).is_some();
    let letters = String::from_utf8_lossy(verdicts);
    (!excused).then(|| format!("{letters} {}", mutant.describe()))
}
