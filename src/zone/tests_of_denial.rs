//! That proofs prove, as one who checks them would find, and what is odd about signed zones.

use super::{Denied, Lookup, Zone, master};
use crate::config::Diagnostics;
use crate::dnssec::{Nsec, Nsec3, Nsec3Hash, Nsec3Param, TypeBitmap};
use crate::wire::{Name, NameBuf, OwnedName, Rtype};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How a zone denies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Chained {
    Nsec,
    Nsec3 { iterations: u16, opt_out: bool },
}

impl Chained {
    fn hash(self, name: Name<'_>) -> Nsec3Hash {
        let Chained::Nsec3 { iterations, .. } = self else { return Nsec3Hash::default() };
        Nsec3Param { iterations, salt: b"\xab" }.hash(name)
    }
}

/// A zone of lines (OWNER TYPE DATA) with what signing would add; the signatures sign nothing.
pub(crate) fn sign(apex: &str, lines: &str, chained: Chained) -> String {
    let apex: NameBuf = apex.parse().unwrap();
    let apex = apex.as_name();
    let mut text = format!("$TTL 3600\n{}\n@ DNSKEY 257 3 13 AAAA\n", lines.trim());
    if let Chained::Nsec3 { iterations, .. } = chained {
        text += &format!("@ NSEC3PARAM 1 0 {iterations} AB\n");
    }
    let mut names: BTreeMap<OwnedName, BTreeSet<Rtype>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let mut words = line.split(' ');
        let owner = NameBuf::from_text(words.next().unwrap(), apex).unwrap().as_name().to_owned();
        names.entry(owner).or_default().insert(Rtype::from_text(words.next().unwrap()).unwrap());
    }
    let is_cut =
        |name: &OwnedName, types: &BTreeSet<Rtype>| types.contains(&Rtype::NS) && name.as_name() != apex;
    let tops: Vec<OwnedName> = names
        .iter()
        .filter(|(name, types)| is_cut(name, types) || types.contains(&Rtype::DNAME))
        .map(|(name, _)| name.clone())
        .collect();
    names.retain(|name, _| !tops.iter().any(|top| name.as_name().is_below(top.as_name())));
    let signature = |owner: Name<'_>, rtype: Rtype| {
        let labels = owner.label_count() - usize::from(owner.is_wildcard());
        format!("{owner} RRSIG {rtype} 13 {labels} 3600 20380101000000 20000101000000 1 {apex} AAAA\n")
    };
    let mut listed = BTreeMap::new();
    for (name, types) in &names {
        let cut = is_cut(name, types);
        let signed: BTreeSet<Rtype> =
            types.iter().copied().filter(|rtype| !cut || *rtype == Rtype::DS).collect();
        text.extend(signed.iter().map(|rtype| signature(name.as_name(), *rtype)));
        let own = types.iter().copied().filter(|rtype| !cut || matches!(*rtype, Rtype::NS | Rtype::DS));
        let own: BTreeSet<Rtype> = own.chain((!signed.is_empty()).then_some(Rtype::RRSIG)).collect();
        listed.insert(name.clone(), own);
    }
    let list = |types: &BTreeSet<Rtype>| types.iter().map(|t| format!(" {t}")).collect::<String>();
    let Chained::Nsec3 { iterations, opt_out } = chained else {
        let owners: Vec<&OwnedName> = listed.keys().collect();
        for (i, (name, types)) in listed.iter().enumerate() {
            let next = owners[(i + 1) % owners.len()];
            let mut types = types.clone();
            types.extend([Rtype::RRSIG, Rtype::NSEC]);
            text +=
                &format!("{name} NSEC {next}{}\n{}", list(&types), signature(name.as_name(), Rtype::NSEC));
        }
        return text;
    };
    let mut hashes: BTreeMap<Nsec3Hash, BTreeSet<Rtype>> = BTreeMap::new();
    for (name, types) in &listed {
        if opt_out && is_cut(name, types) && !types.contains(&Rtype::DS) {
            continue;
        }
        hashes.insert(chained.hash(name.as_name()), types.clone());
        let above = std::iter::successors(name.as_name().parent(), |name| name.parent());
        for empty in above.take_while(|name| name.is_below(apex)) {
            hashes.entry(chained.hash(empty)).or_default();
        }
    }
    let label = |hash: &Nsec3Hash| String::from_utf8(Nsec3::label(hash).to_vec()).unwrap();
    let all: Vec<&Nsec3Hash> = hashes.keys().collect();
    for (i, (hash, types)) in hashes.iter().enumerate() {
        let next = label(all[(i + 1) % all.len()]);
        let own = label(hash);
        text += &format!("{own} NSEC3 1 {} {iterations} AB {next}{}\n", u8::from(opt_out), list(types));
        text += &signature(NameBuf::from_text(&own, apex).unwrap().as_name(), Rtype::NSEC3);
    }
    text
}

/// The zone of a text, and what is told of it.
fn load(text: &str) -> (Zone, String) {
    let apex: NameBuf = "example.".parse().unwrap();
    let mut diagnostics = Diagnostics::default();
    let zone = master::parse(text, Path::new("test.zone"), apex.as_name(), &mut diagnostics);
    let told = diagnostics.render(false);
    (zone.unwrap_or_else(|| panic!("{told}")), told)
}

const BASE: &str = "@ SOA ns hostmaster 1 2 3 4 300\n@ NS ns\nns A 192.0.2.53\n";

/// Records of a proof, as one who checks them has them.
struct Checker<'r> {
    chained: Chained,
    records: &'r [(OwnedName, Vec<u8>)],
}

impl Checker<'_> {
    /// Whether a record says that the name exists without the type.
    fn lacks(&self, name: Name<'_>, rtype: Rtype) -> bool {
        let hash = self.chained.hash(name);
        let lacks = |types: TypeBitmap<'_>| !types.has(rtype) && !types.has(Rtype::CNAME);
        self.records.iter().any(|(owner, rdata)| match self.chained {
            Chained::Nsec => {
                let record = Nsec::read(rdata).unwrap();
                let empty = record.covers(owner.as_name(), name) && record.next.is_below(name);
                owner.as_name() == name && lacks(record.types) || empty
            }
            Chained::Nsec3 { .. } => {
                Nsec3::own_hash(owner.as_name()) == Some(hash) && lacks(Nsec3::read(rdata).unwrap().types)
            }
        })
    }

    /// Whether a record is that of the name.
    fn has(&self, name: Name<'_>) -> bool {
        let hash = self.chained.hash(name);
        self.records.iter().any(|(owner, _)| Nsec3::own_hash(owner.as_name()) == Some(hash))
    }

    /// Whether a record says that there is no such name.
    fn covers(&self, name: Name<'_>) -> bool {
        let hash = self.chained.hash(name);
        self.records.iter().any(|(owner, rdata)| match self.chained {
            Chained::Nsec => {
                let record = Nsec::read(rdata).unwrap();
                record.covers(owner.as_name(), name) && !record.next.is_within(name)
            }
            Chained::Nsec3 { .. } => {
                let own = Nsec3::own_hash(owner.as_name()).unwrap();
                Nsec3::read(rdata).unwrap().covers(&own, &hash)
            }
        })
    }

    /// Whether the closest encloser is proven to be this.
    fn encloses(&self, encloser: Name<'_>, name: Name<'_>) -> bool {
        self.has(encloser) && self.covers(name.suffix(encloser.label_count() + 1))
    }

    /// The enclosers that opting out allows beside the true one.
    fn enclosers<'n>(&self, closest: Name<'n>) -> impl Iterator<Item = Name<'n>> + use<'n> {
        let above = match self.chained {
            Chained::Nsec3 { opt_out: true, .. } => closest.label_count(),
            _ => 1,
        };
        std::iter::successors(Some(closest), |name| name.parent()).take(above)
    }

    fn proves(&self, name: Name<'_>, rtype: Rtype, denied: Denied<'_>) -> bool {
        let by_nsec = matches!(self.chained, Chained::Nsec);
        let star = |name| NameBuf::child(b"*", name).unwrap();
        match denied {
            Denied::Name(encloser) if by_nsec => self.covers(name) && self.covers(star(encloser).as_name()),
            Denied::Name(closest) => self.enclosers(closest).any(|encloser| {
                let wildcard = star(encloser);
                // Below an encloser without a record of its own, the wildcard of the next above it may be there.
                let apart = encloser.len() < closest.len() && self.has(wildcard.as_name());
                self.encloses(encloser, name) && (self.covers(wildcard.as_name()) || apart)
            }),
            Denied::Type if self.lacks(name, rtype) => true,
            // An unsigned delegation, or an empty non-terminal above such.
            Denied::Type => self.enclosers(name).skip(1).any(|encloser| self.encloses(encloser, name)),
            Denied::Expanded(_) if by_nsec => self.covers(name),
            Denied::Expanded(wildcard) => self.covers(name.suffix(wildcard.label_count())),
            Denied::ExpandedType(wildcard) if by_nsec => self.covers(name) && self.lacks(wildcard, rtype),
            Denied::ExpandedType(wildcard) => {
                self.encloses(wildcard.parent().unwrap(), name) && self.lacks(wildcard, rtype)
            }
        }
    }
}

fn some_chain() -> impl Strategy<Value = Chained> {
    prop_oneof![
        Just(Chained::Nsec),
        (0u16..3, any::<bool>()).prop_map(|(iterations, opt_out)| Chained::Nsec3 { iterations, opt_out }),
    ]
}

proptest! {
    #[test]
    fn a_proof_proves_and_has_nothing_more(
        owners in prop::collection::vec("[ab*](\\.[ab*]){0,3}", 0..10),
        cuts in prop::collection::vec(("[cd](\\.[abe]){0,3}", any::<bool>()), 0..5),
        question in "[abcde*](\\.[abcde*]){0,4}",
        rtype in prop_oneof![Just(Rtype::TXT), Just(Rtype::MX), Just(Rtype::DS)],
        chained in some_chain(),
    ) {
        let mut text = BASE.to_owned();
        text.extend(owners.iter().map(|owner| format!("{owner} TXT x\n")));
        text.extend(cuts.iter().map(|(cut, signed)| {
            let ds = if *signed { format!("{cut} DS 1 13 99 00\n") } else { String::new() };
            format!("{cut} NS ns.far.\n{ds}")
        }));
        let (zone, told) = load(&sign("example.", &text, chained));
        prop_assert!(!told.contains("NSEC"), "{}", told);
        let name = NameBuf::from_text(&question, zone.apex()).unwrap();
        let (name, rtype, denied) = match zone.lookup(name.as_name(), rtype) {
            Lookup::Missing { encloser } => (name.as_name(), rtype, Denied::Name(encloser.name())),
            Lookup::Cut(node) if node.rrset(Rtype::DS).is_none() => (node.name(), Rtype::DS, Denied::Type),
            Lookup::Name { node, wildcard } => match (node.rrset(rtype), wildcard) {
                (Some(_), false) => return Ok(()),
                (None, false) => (name.as_name(), rtype, Denied::Type),
                (Some(_), true) => (name.as_name(), rtype, Denied::Expanded(node.name())),
                (None, true) => (name.as_name(), rtype, Denied::ExpandedType(node.name())),
            },
            _ => return Ok(()),
        };
        let records = zone.proof(name, denied).rrsets();
        let records = records.map(|(owner, set)| (owner.to_owned(), set.rdatas.iter().next().unwrap().to_vec()));
        let mut records: Vec<(OwnedName, Vec<u8>)> = records.collect();
        let proven = |records: &[(OwnedName, Vec<u8>)]| Checker { chained, records }.proves(name, rtype, denied);
        prop_assert!(proven(&records), "{:?} {} {}\n{:?}\n{}", chained, name, rtype, records, text);
        if !matches!(chained, Chained::Nsec3 { opt_out: true, .. }) {
            for i in 0..records.len() {
                let one = records.remove(i);
                prop_assert!(!proven(&records), "without {:?}: {:?} {} {}\n{}", one, chained, name, rtype, text);
                records.insert(i, one);
            }
        }
    }
}

#[test]
fn what_a_signed_zone_prints_reads_back_the_same() {
    for chained in [Chained::Nsec, Chained::Nsec3 { iterations: 1, opt_out: false }] {
        let text = sign("example.", &format!("{BASE}*.a TXT x\nc NS ns.c\nns.c A 192.0.2.1"), chained);
        let (zone, told) = load(&text);
        assert_eq!(told, "", "{text}");
        let (mut printed, mut again) = (String::new(), String::new());
        super::print(&zone, &mut printed).unwrap();
        super::print(&load(&printed).0, &mut again).unwrap();
        assert_eq!(printed, again);
        again.clear();
        let listed = Zone::from_rrsets(zone.apex(), &zone.to_rrsets()).unwrap();
        super::print(&listed, &mut again).unwrap();
        assert_eq!(printed, again, "by way of a list");
        assert_eq!(printed.lines().count(), text.lines().count() - 1, "{printed}");
        assert_eq!(zone.record_count(), printed.lines().count());
    }
}

#[test]
fn what_does_not_fit_together_is_told_and_the_rest_is_served() {
    let nsec = sign("example.", &format!("{BASE}a TXT x"), Chained::Nsec);
    let nsec3 = sign("example.", &format!("{BASE}a TXT x"), Chained::Nsec3 { iterations: 1, opt_out: false });
    let without = |text: &str, words: &str| -> String {
        text.lines().filter(|line| !line.contains(words)).map(|line| format!("{line}\n")).collect()
    };
    for (text, told) in [
        (nsec.clone(), ""),
        (nsec3.clone(), ""),
        (without(&nsec, "a TXT"), "a.example. has an RRSIG of TXT, which is not there"),
        (without(&nsec, " NSEC "), "its own name has no NSEC or NSEC3"),
        (without(&nsec, "DNSKEY"), "has no DNSKEY"),
        (without(&nsec3, "NSEC3PARAM 1"), "has 3 NSEC3 records, but no NSEC3PARAM"),
        (without(&nsec3, " NSEC3 1"), "has an NSEC3PARAM, but no NSEC3 of its own name"),
        (nsec3.replace("@ NSEC3PARAM 1 0 1", "@ NSEC3PARAM 1 1 1"), "no NSEC3PARAM that tells of them"),
        (nsec3.replace(" 1 AB", " 2501 AB"), "hashes names 2501 times, more than 2500"),
        (
            format!("{nsec3}{} NSEC3 1 0 0 - {0} A\n", "0".repeat(32)),
            "1 NSEC3 records of the zone example. are of another chain",
        ),
    ] {
        let (zone, rendered) = load(&text);
        assert_eq!(rendered.is_empty(), told.is_empty(), "{rendered}");
        assert!(rendered.contains(told) && !rendered.contains("error"), "{told}: {rendered}");
        for name in ["a.example.", "b.example.", "example.", "x.a.example."] {
            let name: NameBuf = name.parse().unwrap();
            for denied in [Denied::Name(zone.apex()), Denied::Type, Denied::Expanded(name.as_name())] {
                assert!(zone.proof(name.as_name(), denied).rrsets().count() <= 3);
            }
        }
    }
}
