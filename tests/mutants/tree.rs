//! The signed tree of each mutant: `mNNNNN.com.`, the parent, which delegates `c`, signed, and `plain`, which
//! is not.

use crate::text;
use aws_lc_rs::signature::Ed25519KeyPair;
use std::sync::Arc;
use waymark::answer::View;
use waymark::dnssec::{Algorithm, Digest, Key, Nsec3Param, Rrsig, SignedData};
use waymark::rrset::Rrset;
use waymark::sign::{SigningKey, Validity};
use waymark::wire::{Name, NameBuf, OwnedName, Rtype};
use waymark::zone::{Denial, Held, Signing, Zone};

pub fn name(text: &str) -> OwnedName {
    text.parse().unwrap()
}

/// The label before a name.
pub fn below(label: &str, name: Name<'_>) -> OwnedName {
    NameBuf::child(label.as_bytes(), name).unwrap().as_name().to_owned()
}

/// On which side of the delegation something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Parent,
    Child,
}

/// How both zones of a tree are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub algorithm: Algorithm,
    /// Whether one key signs the keys and another the rest.
    pub split: bool,
    pub denial: Proofs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proofs {
    Nsec,
    /// Iterations, octets of salt, opt-out.
    Nsec3(u16, u8, bool),
}

const fn shape(algorithm: Algorithm, split: bool, denial: Proofs) -> Shape {
    Shape { algorithm, split, denial }
}

const ED25519: Algorithm = Algorithm::ED25519;
const P256: Algorithm = Algorithm::ECDSAP256SHA256;
const P384: Algorithm = Algorithm::ECDSAP384SHA384;

/// How trees are signed. The first [`COMMON`] are for all mutations; some of them are in it twice, to be met
/// more often. RSA takes a hundred times as long to sign.
pub const SHAPES: &[Shape] = &[
    shape(ED25519, true, Proofs::Nsec),
    shape(ED25519, true, Proofs::Nsec3(0, 0, false)),
    shape(ED25519, false, Proofs::Nsec),
    shape(ED25519, false, Proofs::Nsec3(5, 4, false)),
    shape(ED25519, true, Proofs::Nsec3(1, 1, true)),
    shape(P256, true, Proofs::Nsec),
    shape(P256, false, Proofs::Nsec3(0, 0, true)),
    shape(P256, true, Proofs::Nsec3(2, 8, false)),
    shape(P384, true, Proofs::Nsec),
    shape(Algorithm::RSASHA256, true, Proofs::Nsec),
    shape(Algorithm::RSASHA512, true, Proofs::Nsec3(0, 0, false)),
    // These are only looked at as they are.
    shape(ED25519, true, Proofs::Nsec3(0, 255, false)),
    shape(ED25519, true, Proofs::Nsec3(50, 0, false)),
    shape(ED25519, true, Proofs::Nsec3(51, 0, false)),
    shape(ED25519, true, Proofs::Nsec3(100, 0, false)),
    shape(ED25519, true, Proofs::Nsec3(101, 0, true)),
    shape(ED25519, true, Proofs::Nsec3(150, 0, false)),
    shape(ED25519, true, Proofs::Nsec3(151, 0, false)),
    shape(ED25519, true, Proofs::Nsec3(500, 8, false)),
    shape(ED25519, true, Proofs::Nsec3(2_500, 0, true)),
];

/// See [`SHAPES`]: these, of which the last three are met seldom.
pub const COMMON: usize = 11;
pub const SELDOM: usize = 3;

/// The keys of a zone: the first is the one that its DS names and that signs the keys, the last signs the
/// rest.
pub struct Keyring {
    pub keys: Vec<SigningKey>,
    pairs: Vec<Option<Ed25519KeyPair>>,
}

impl Keyring {
    pub fn new(algorithm: Algorithm, split: bool, seed: &str) -> Keyring {
        let flags: &[u16] =
            if split { &[Key::ZONE | Key::ENTRY, Key::ZONE] } else { &[Key::ZONE | Key::ENTRY] };
        let mut ring = Keyring { keys: Vec::new(), pairs: Vec::new() };
        for (i, flags) in flags.iter().enumerate() {
            let mut octets = [i as u8; 32];
            seed.bytes().take(31).enumerate().for_each(|(i, octet)| octets[i + 1] = octet);
            let known = algorithm == Algorithm::ED25519;
            ring.keys.push(match known {
                true => SigningKey::ed25519(&octets, *flags).unwrap(),
                // Keys whose tags are near each other would make wrong ones right.
                false => loop {
                    let key = SigningKey::generate(algorithm, *flags).unwrap();
                    if ring.keys.iter().all(|other| other.tag().abs_diff(key.tag()) > 1_000) {
                        break key;
                    }
                },
            });
            ring.pairs.push(known.then(|| Ed25519KeyPair::from_seed_unchecked(&octets).unwrap()));
        }
        ring
    }

    pub fn entry(&self) -> &SigningKey {
        &self.keys[0]
    }

    /// The place of the key that signs sets of a type.
    pub fn place_for(&self, rtype: Rtype) -> usize {
        if rtype == Rtype::DNSKEY { 0 } else { self.keys.len() - 1 }
    }

    /// An RRSIG of this form over these records; by a key that cannot sign octets as they are, one that is
    /// not valid if the form is not that of the key and the records.
    pub fn sign(
        &self,
        place: usize,
        form: &Form,
        owner: Name<'_>,
        rtype: Rtype,
        rdatas: &[Vec<u8>],
    ) -> Vec<u8> {
        let mut set = Rrset::new(owner, rtype, form.original_ttl);
        rdatas.iter().for_each(|rdata| set.push(rdata));
        let mut rrsig = form.octets();
        let fixed = rrsig.len();
        if let Some(pair) = &self.pairs[place] {
            let mut data = SignedData::default();
            let signed = data.of(owner, rtype, set.rdatas(), &Rrsig::read(&rrsig).unwrap());
            rrsig.extend(pair.try_sign(signed.unwrap_or_default()).unwrap().as_ref());
            return rrsig;
        }
        let labels = waymark::dnssec::signed_labels(owner);
        if usize::from(form.labels) < labels {
            set.name = below("*", owner.suffix(form.labels.into()));
        }
        let validity = Validity { inception: form.inception, expiration: form.expiration };
        let whole = self.keys[place].sign(&set, form.signer.as_name(), validity).unwrap();
        rrsig.extend(&whole[fixed..]);
        rrsig
    }
}

/// The fields of an RRSIG before the signature.
#[derive(Clone)]
pub struct Form {
    pub covered: Rtype,
    pub algorithm: u8,
    pub labels: u8,
    pub original_ttl: u32,
    pub expiration: u32,
    pub inception: u32,
    pub tag: u16,
    pub signer: OwnedName,
}

impl Form {
    fn octets(&self) -> Vec<u8> {
        let mut out = self.covered.0.to_be_bytes().to_vec();
        out.extend([self.algorithm, self.labels]);
        for number in [self.original_ttl, self.expiration, self.inception] {
            out.extend(number.to_be_bytes());
        }
        out.extend(self.tag.to_be_bytes());
        out.extend(self.signer.as_name().as_bytes());
        out
    }
}

/// Both zones of a tree, signed.
pub struct Tree {
    pub parent: Vec<Rrset>,
    pub child: Vec<Rrset>,
    pub views: [View; 2],
}

/// How long signatures hold, around this time.
pub fn validity(now: u32) -> Validity {
    Validity { inception: now - 5 * 86_400, expiration: now + 25 * 86_400 }
}

impl Shape {
    pub fn proofs(self) -> Denial {
        match self.denial {
            Proofs::Nsec => Denial::Nsec,
            Proofs::Nsec3(iterations, salt, opt_out) => {
                Denial::Nsec3 { iterations, salt: vec![0xa5; salt.into()], opt_out }
            }
        }
    }

    pub fn is_nsec(self) -> bool {
        self.denial == Proofs::Nsec
    }
}

fn lines(records: &str, apex: &str, addresses: [&str; 2]) -> Vec<String> {
    let lines = records.lines().map(|line| line.trim()).filter(|line| !line.is_empty());
    lines
        .map(|line| line.replace('@', apex).replace("PARENT", addresses[0]).replace("CHILD", addresses[1]))
        .collect()
}

const PARENT: &str = "
    @ NS ns.@
    ns.@ A PARENT
    c.@ NS ns.c.@
    ns.c.@ A CHILD
    plain.@ NS ns.plain.@
    ns.plain.@ A CHILD
    www.@ A 192.0.2.1
    deep.ent.@ TXT \"here\"
";

const CHILD: &str = "
    @ NS ns.@
    ns.@ A CHILD
    www.@ A 192.0.2.2
    www.@ A 192.0.2.3
    www.@ TXT \"text\"
    alias.@ CNAME www.@
    gone.@ CNAME nowhere.@
    empty.@ CNAME ent.@
    old.@ DNAME tree.@
    www.tree.@ A 192.0.2.4
    a.ent.@ A 192.0.2.5
    *.wild.@ A 192.0.2.6
    *.walias.@ CNAME www.@
";

const PLAIN: &str = "
    @ NS ns.@
    ns.@ A CHILD
    www.@ A 192.0.2.7
";

fn sets(apex: &str, records: &str, addresses: [&str; 2], more: &[String]) -> Vec<Rrset> {
    let lines: Vec<String> =
        lines(records, apex, addresses).into_iter().chain(more.iter().cloned()).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    text::zone(apex, &lines).state.unwrap().to_rrsets()
}

pub fn held(apex: &str, sets: &[Rrset]) -> Held {
    let apex = name(apex);
    let zone = Zone::from_rrsets(apex.as_name(), sets).unwrap();
    Held { apex, state: Ok(Arc::new(zone)), policy: None }
}

impl Tree {
    pub fn new(apex: &str, shape: Shape, keys: [&Keyring; 2], addresses: [&str; 2], now: u32) -> Tree {
        let (child, plain) = (format!("c.{apex}"), format!("plain.{apex}"));
        let more = [format!("out.{child} CNAME www.{plain}"), format!("back.{child} CNAME www.{apex}")];
        let sign = |ring: &Keyring, apex: &str, sets| {
            let signing = Signing { keys: &ring.keys, validity: validity(now), denial: shape.proofs() };
            signing.sign(name(apex).as_name(), sets).unwrap()
        };
        let mut parent_sets = sets(apex, PARENT, addresses, &[]);
        parent_sets.push(ds(name(&child).as_name(), keys[1].entry()));
        let parent = sign(keys[0], apex, parent_sets);
        let child_sets = sign(keys[1], &child, sets(&child, CHILD, addresses, &more));
        let views = [
            text::view(vec![held(apex, &parent)], None),
            text::view(
                vec![held(&child, &child_sets), held(&plain, &sets(&plain, PLAIN, addresses, &[]))],
                None,
            ),
        ];
        Tree { parent, child: child_sets, views }
    }

    pub fn sets(&self, side: Side) -> &[Rrset] {
        if side == Side::Parent { &self.parent } else { &self.child }
    }
}

pub fn ds(zone: Name<'_>, key: &SigningKey) -> Rrset {
    let mut ds = Rrset::new(zone, Rtype::DS, 3_600);
    ds.push(&key.ds(zone, Digest::SHA256).unwrap());
    ds
}

/// The salt and iterations of a shape, to hash by.
pub fn param(shape: Shape, salt: &[u8]) -> Nsec3Param<'_> {
    let iterations = if let Proofs::Nsec3(iterations, ..) = shape.denial { iterations } else { 0 };
    Nsec3Param { iterations, salt }
}
