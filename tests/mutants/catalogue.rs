//! Every mutant: a question, what of its answer is changed, and how.

use crate::denial::{DENIALS, NSEC, NSEC3, REPLACED};
use crate::edit::{Edit, SETS, SIGNATURES};
use crate::entry::{ABSENCE, DS, KEYS};
use crate::tree::{COMMON, SELDOM, SHAPES, Shape, Side};
use crate::whole::{Change, WHOLE};
use waymark::dnssec::Algorithm;
use waymark::wire::Rtype;

/// There are at least so many.
pub const MUTANTS: usize = 10_000;

/// A question of a tree.
pub struct Scenario {
    pub label: &'static str,
    /// The name before the parent zone's.
    pub name: &'static str,
    pub rtype: Rtype,
    /// Which side answers.
    pub side: Side,
    targets: &'static [Target],
}

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The whole reply to the question.
    Reply,
    /// The set that was asked for.
    Answer,
    /// The CNAME or DNAME set that leads to it.
    Alias,
    Soa,
    /// The NSEC or NSEC3 of this number in the reply.
    Denial(u8),
    Keys,
    Ds,
    /// The NSEC or NSEC3 of this number by which the parent says that there is no DS.
    ParentDenial(u8),
    ParentKeys,
}

use Target::{Alias, Answer, Denial, Ds, Keys, ParentDenial, ParentKeys, Soa};

const fn ask(
    label: &'static str,
    name: &'static str,
    rtype: Rtype,
    side: Side,
    targets: &'static [Target],
) -> Scenario {
    Scenario { label, name, rtype, side, targets }
}

pub const SCENARIOS: &[Scenario] = &[
    ask("address", "www.c", Rtype::A, Side::Child, &[Answer, Keys, Ds, ParentKeys]),
    ask("no such name", "nowhere.c", Rtype::A, Side::Child, &[Soa, Denial(0), Denial(1), Denial(2), Ds]),
    ask("no such type", "www.c", Rtype::MX, Side::Child, &[Soa, Denial(0)]),
    ask("empty name", "ent.c", Rtype::A, Side::Child, &[Denial(0)]),
    ask("deep name", "x.y.nowhere.c", Rtype::A, Side::Child, &[Denial(0), Denial(1), Denial(2)]),
    ask("wildcard", "x.wild.c", Rtype::A, Side::Child, &[Answer, Denial(0)]),
    ask("deep wildcard", "x.y.wild.c", Rtype::A, Side::Child, &[Denial(0)]),
    ask("wildcard, no such type", "x.wild.c", Rtype::MX, Side::Child, &[Denial(0), Denial(1), Denial(2)]),
    ask("wildcard itself", "*.wild.c", Rtype::A, Side::Child, &[Answer]),
    ask("alias", "alias.c", Rtype::A, Side::Child, &[Alias]),
    ask("alias to nothing", "gone.c", Rtype::A, Side::Child, &[Alias, Denial(0), Denial(1)]),
    ask("alias to no such type", "empty.c", Rtype::A, Side::Child, &[Alias, Denial(0)]),
    ask("alias of a wildcard", "x.walias.c", Rtype::A, Side::Child, &[Alias, Denial(0)]),
    ask("alias to the parent", "back.c", Rtype::A, Side::Child, &[Alias]),
    ask("alias to an unsigned zone", "out.c", Rtype::A, Side::Child, &[Alias]),
    ask("renamed", "www.old.c", Rtype::A, Side::Child, &[Alias]),
    ask("renamed to nothing", "gone.old.c", Rtype::A, Side::Child, &[Alias]),
    ask("keys", "c", Rtype::DNSKEY, Side::Child, &[]),
    ask("apex", "c", Rtype::SOA, Side::Child, &[Answer]),
    ask("name servers", "c", Rtype::NS, Side::Child, &[Answer]),
    ask("DS", "c", Rtype::DS, Side::Parent, &[Ds, ParentKeys]),
    ask("DS of the unsigned zone", "plain", Rtype::DS, Side::Parent, &[Soa, Denial(0), Denial(1)]),
    ask("unsigned zone", "www.plain", Rtype::A, Side::Child, &[ParentDenial(0), ParentDenial(1), ParentKeys]),
    ask("no such name above", "nowhere", Rtype::A, Side::Parent, &[Denial(0), Denial(1), Denial(2)]),
];

/// How it is changed.
#[derive(Clone, Copy)]
pub enum How {
    Set(Edit),
    Reply(Change),
}

/// What is made anew after the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anew {
    Nothing,
    /// The signature of the set.
    Signature,
    /// And the DS of the keys.
    Ds,
    /// And the tags of all signatures.
    Tags,
}

/// On which shapes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shapes {
    Common,
    /// Those of Ed25519, whose signatures are made over whatever it may be, and this kind of proof.
    Nsec,
    Nsec3,
    /// Those of Ed25519 with two keys.
    Split,
    /// This one.
    Only(usize),
}

/// One kind of mutant.
pub struct Kind {
    pub scenario: &'static Scenario,
    pub target: Target,
    pub label: String,
    pub how: How,
    pub anew: Anew,
    shapes: Shapes,
}

/// One mutant.
#[derive(Clone, Copy)]
pub struct Mutant<'k> {
    pub id: usize,
    pub kind: &'k Kind,
    pub shape: usize,
}

impl Mutant<'_> {
    /// The shape of its tree.
    pub fn shape(&self) -> Shape {
        SHAPES[self.shape]
    }

    /// The name of its parent zone.
    pub fn apex(&self) -> String {
        format!("m{:05}.com.", self.id)
    }

    pub fn question(&self) -> String {
        format!("{}.{}", self.kind.scenario.name, self.apex())
    }

    pub fn describe(&self) -> String {
        format!(
            "{} {} [{} {:?}: {}] {:?}",
            self.question(),
            self.kind.scenario.rtype,
            self.kind.scenario.label,
            self.kind.target,
            self.kind.label,
            self.shape()
        )
    }
}

type List = &'static [(&'static str, Edit)];

/// All kinds, in an order that does not change.
pub fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for scenario in SCENARIOS {
        for shape in 0..SHAPES.len() {
            let (how, shapes) = (How::Reply(|_, _| ()), Shapes::Only(shape));
            let label = format!("shape {shape}");
            let (target, anew) = (Target::Reply, Anew::Nothing);
            kinds.push(Kind { scenario, target, label, how, anew, shapes });
        }
        for (label, change) in WHOLE {
            let (how, target, anew) = (How::Reply(*change), Target::Reply, Anew::Nothing);
            kinds.push(Kind {
                scenario,
                target,
                label: label.to_string(),
                how,
                anew,
                shapes: Shapes::Common,
            });
        }
        for &target in scenario.targets {
            let mut add = |list: List, anew: Anew, shapes: Shapes| {
                let suffix = match anew {
                    Anew::Nothing => "",
                    Anew::Signature => ", signed",
                    Anew::Ds => ", signed, DS",
                    Anew::Tags => ", signed, DS, tags",
                };
                let proofs = if shapes == Shapes::Nsec3 { ", NSEC3" } else { "" };
                kinds.extend(list.iter().map(|(label, edit)| {
                    let label = format!("{label}{suffix}{proofs}");
                    Kind { scenario, target, label, how: How::Set(*edit), anew, shapes }
                }));
            };
            add(SIGNATURES, Anew::Nothing, Shapes::Common);
            add(SETS, Anew::Nothing, Shapes::Common);
            match target {
                Keys => {
                    for anew in [Anew::Nothing, Anew::Signature, Anew::Ds, Anew::Tags] {
                        add(KEYS, anew, Shapes::Split);
                    }
                }
                ParentKeys => add(KEYS, Anew::Signature, Shapes::Split),
                Ds => {
                    add(DS, Anew::Signature, Shapes::Common);
                    add(ABSENCE, Anew::Nothing, Shapes::Nsec);
                    add(ABSENCE, Anew::Nothing, Shapes::Nsec3);
                }
                Denial(_) | ParentDenial(_) => {
                    for anew in [Anew::Nothing, Anew::Signature] {
                        add(DENIALS, anew, Shapes::Nsec);
                        add(DENIALS, anew, Shapes::Nsec3);
                        add(NSEC, anew, Shapes::Nsec);
                        add(NSEC3, anew, Shapes::Nsec3);
                    }
                    add(REPLACED, Anew::Nothing, Shapes::Nsec);
                    add(REPLACED, Anew::Nothing, Shapes::Nsec3);
                }
                _ => (),
            }
        }
    }
    kinds
}

/// Mixes a number.
fn mix(mut x: u64) -> u64 {
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// All mutants, one of every kind.
pub fn mutants(kinds: &[Kind]) -> Vec<Mutant<'_>> {
    let all = |(id, kind): (usize, &'_ Kind)| (id, shape(kind.shapes, mix(id as u64 + 1)));
    let shapes = kinds.iter().enumerate().map(all);
    shapes.map(|(id, shape)| Mutant { id, kind: &kinds[id], shape }).collect()
}

/// The shape of a kind's mutant.
fn shape(shapes: Shapes, mixed: u64) -> usize {
    let fits = |place: &usize| {
        let shape: Shape = SHAPES[*place];
        let known = shape.algorithm == Algorithm::ED25519;
        match shapes {
            Shapes::Common => *place < COMMON - SELDOM,
            Shapes::Nsec => known && shape.is_nsec(),
            Shapes::Nsec3 => known && !shape.is_nsec(),
            Shapes::Split => known && shape.split,
            Shapes::Only(only) => *place == only,
        }
    };
    if shapes == Shapes::Common && mixed.is_multiple_of(32) {
        return COMMON - SELDOM + mixed as usize / 32 % SELDOM;
    }
    let fitting: Vec<usize> =
        (0..SHAPES.len()).filter(fits).filter(|at| shapes == Shapes::Only(*at) || *at < COMMON).collect();
    fitting[mixed as usize % fitting.len()]
}
