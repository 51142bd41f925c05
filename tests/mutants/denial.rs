//! What is done to NSEC and NSEC3 records.

use crate::edit::{Context, Edit, Set};
use crate::message::Record;
use crate::tree::{Form, Proofs, Side, below, name, param};
use waymark::dnssec::Nsec3;
use waymark::rrset::write_types;
use waymark::wire::{Name, NameBuf, OwnedName, Rtype, Section};

fn types_in(bitmap: &[u8]) -> Vec<Rtype> {
    (0..1_024).map(Rtype).filter(|rtype| waymark::dnssec::TypeBitmap(bitmap).has(*rtype)).collect()
}

/// An NSEC set that is not signed yet.
pub fn nsec(owner: &OwnedName, next: &OwnedName, types: &[Rtype]) -> Set {
    let mut rdata = next.as_name().as_bytes().to_vec();
    write_types(types, &mut rdata);
    Set {
        owner: owner.clone(),
        rtype: Rtype::NSEC,
        ttl: 300,
        rdatas: vec![rdata],
        sigs: Vec::new(),
        extra: Vec::new(),
        section: Section::Authority,
    }
}

/// The records of a set that is signed now.
pub fn signed(mut set: Set, c: &Context<'_>, change: impl FnOnce(&mut Form)) -> Vec<Record> {
    c.resign_as(&mut set, change);
    set.records()
}

/// An NSEC3 record taken apart.
pub struct Hashed {
    pub owner: OwnedName,
    algorithm: u8,
    pub flags: u8,
    iterations: u16,
    salt: Vec<u8>,
    next: Vec<u8>,
    pub types: Vec<Rtype>,
}

impl Hashed {
    /// That of a name, which says that there is nothing but this name.
    pub fn of(c: &Context<'_>, of: Name<'_>) -> Hashed {
        let (iterations, salt) = match c.shape.denial {
            Proofs::Nsec => (0, Vec::new()),
            Proofs::Nsec3(iterations, salt, _) => (iterations, vec![0xa5; salt.into()]),
        };
        let hash = param(c.shape, &salt).hash(of);
        let owner = Nsec3::owner(&hash, c.zone.as_name()).unwrap().as_name().to_owned();
        let mut next = hash.to_vec();
        next[19] = next[19].wrapping_add(1);
        Hashed { owner, algorithm: 1, flags: 0, iterations, salt, next, types: Vec::new() }
    }

    fn read(owner: &OwnedName, rdata: &[u8]) -> Hashed {
        let salt = usize::from(rdata[4]);
        let rest = &rdata[5 + salt..];
        let next = usize::from(rest[0]);
        Hashed {
            owner: owner.clone(),
            algorithm: rdata[0],
            flags: rdata[1],
            iterations: u16::from_be_bytes([rdata[2], rdata[3]]),
            salt: rdata[5..5 + salt].to_vec(),
            next: rest[1..=next].to_vec(),
            types: types_in(&rest[1 + next..]),
        }
    }

    fn rdata(&self) -> Vec<u8> {
        let mut rdata = vec![self.algorithm, self.flags];
        rdata.extend(self.iterations.to_be_bytes());
        rdata.push(self.salt.len() as u8);
        rdata.extend(&self.salt);
        rdata.push(self.next.len() as u8);
        rdata.extend(&self.next);
        write_types(&self.types, &mut rdata);
        rdata
    }

    /// As a set that is not signed yet.
    pub fn set(&self, _: &Context<'_>) -> Set {
        let mut set = nsec(&self.owner, &self.owner, &[]);
        (set.rtype, set.rdatas) = (Rtype::NSEC3, vec![self.rdata()]);
        set
    }
}

/// Changes the next name and the types.
fn span(s: &mut Set, change: impl FnOnce(&mut OwnedName, &mut Vec<Rtype>)) {
    if s.rtype != Rtype::NSEC {
        return;
    }
    let rdata = &s.rdatas[0];
    let (next, bitmap) = Name::parse(rdata).unwrap();
    let (mut next, mut types) = (next.to_owned(), types_in(bitmap));
    change(&mut next, &mut types);
    s.rdatas = nsec(&s.owner, &next, &types).rdatas;
}

fn hashed(s: &mut Set, change: impl FnOnce(&mut Hashed)) {
    if s.rtype != Rtype::NSEC3 {
        return;
    }
    let mut hashed = Hashed::read(&s.owner, &s.rdatas[0]);
    change(&mut hashed);
    s.rdatas = vec![hashed.rdata()];
    s.owner = hashed.owner;
}

fn toggle(s: &mut Set, rtype: Rtype) {
    let change = |types: &mut Vec<Rtype>| {
        if types.contains(&rtype) {
            types.retain(|have| *have != rtype);
        } else {
            types.push(rtype);
            types.sort_unstable();
        }
    };
    match s.rtype {
        Rtype::NSEC => span(s, |_, types| change(types)),
        _ => hashed(s, |hashed| change(&mut hashed.types)),
    }
}

/// The name that comes right after another.
fn right_after(of: Name<'_>) -> OwnedName {
    NameBuf::child(b"\0", of).unwrap().as_name().to_owned()
}

/// Another record of the same chain, as it is.
fn other(s: &Set, c: &Context<'_>, apex: bool) -> Set {
    let sets = c.tree.sets(c.side).iter().filter(|set| set.rtype == s.rtype && set.name != s.owner);
    let mut sets = sets.filter(|set| set.name == c.zone || !apex);
    sets.next_back().map_or_else(|| s.clone(), |set| Set::of(set, s.section))
}

/// A record of the zone across the delegation, as it is.
fn across(s: &Set, c: &Context<'_>) -> Set {
    let side = if c.side == Side::Child { Side::Parent } else { Side::Child };
    let set = c.tree.sets(side).iter().find(|set| set.rtype == s.rtype).unwrap();
    Set::of(set, s.section)
}

/// What is done to NSEC and NSEC3 records alike, as such and signed anew.
pub const DENIALS: &[(&str, Edit)] = &[
    ("A", |s, _| toggle(s, Rtype::A)),
    ("NS", |s, _| toggle(s, Rtype::NS)),
    ("SOA", |s, _| toggle(s, Rtype::SOA)),
    ("CNAME", |s, _| toggle(s, Rtype::CNAME)),
    ("DNAME", |s, _| toggle(s, Rtype::DNAME)),
    ("MX", |s, _| toggle(s, Rtype::MX)),
    ("DS", |s, _| toggle(s, Rtype::DS)),
    ("RRSIG", |s, _| toggle(s, Rtype::RRSIG)),
    ("DNSKEY", |s, _| toggle(s, Rtype::DNSKEY)),
    ("NSEC", |s, _| toggle(s, Rtype::NSEC)),
    ("NXNAME", |s, _| toggle(s, Rtype::NXNAME)),
    ("TYPE1000", |s, _| toggle(s, Rtype(1_000))),
    ("NS and no SOA", |s, _| {
        toggle(s, Rtype::NS);
        if s.rtype == Rtype::NSEC {
            span(s, |_, types| types.retain(|rtype| *rtype != Rtype::SOA));
        } else {
            hashed(s, |hashed| hashed.types.retain(|rtype| *rtype != Rtype::SOA));
        }
    }),
    ("no types", |s, _| match s.rtype {
        Rtype::NSEC => span(s, |_, types| types.clear()),
        _ => hashed(s, |hashed| hashed.types.clear()),
    }),
];

/// The same, without more signing than they do themselves.
pub const REPLACED: &[(&str, Edit)] = &[
    ("another of the chain", |s, c| *s = other(s, c, false)),
    ("that of the zone's name", |s, c| *s = other(s, c, true)),
    ("one of the zone across", |s, c| *s = across(s, c)),
    ("one of the zone across, signed here", |s, c| {
        *s = across(s, c);
        s.sigs.clear();
        c.resign(s);
    }),
    ("of a wildcard, signed", |s, c| c.resign_as(s, |form| form.labels -= 1)),
    ("two at one name, signed", |s, c| {
        let second = other(s, c, false);
        s.rdatas.extend(second.rdatas);
        c.resign(s);
    }),
    ("and another of the chain", |s, c| s.extra = other(s, c, false).records()),
    ("and one of the zone across", |s, c| s.extra = across(s, c).records()),
];

/// What is done to NSEC records, as such and signed anew.
pub const NSEC: &[(&str, Edit)] = &[
    ("next: itself", |s, _| {
        let own = s.owner.clone();
        span(s, |next, _| *next = own);
    }),
    ("next: the zone's name", |s, c| span(s, |next, _| *next = c.zone.clone())),
    ("next: com", |s, _| span(s, |next, _| *next = name("com."))),
    ("next: the root", |s, _| span(s, |next, _| *next = name("."))),
    ("next: beyond the zone", |s, c| {
        span(s, |next, _| *next = below("zzz", c.zone.as_name().parent().unwrap()));
    }),
    ("next: right after", |s, _| {
        let after = right_after(s.owner.as_name());
        span(s, |next, _| *next = after);
    }),
    ("next: far", |s, c| span(s, |next, _| *next = below("zzzz", c.zone.as_name()))),
    ("next: before", |s, c| span(s, |next, _| *next = below("a", c.zone.as_name()))),
    ("next: in capitals", |s, _| {
        span(s, |next, _| *next = name(&next.as_name().to_string().to_ascii_uppercase()));
    }),
    ("owner: the zone's name", |s, c| s.owner = c.zone.clone()),
    ("owner: earlier", |s, c| s.owner = below("a", c.zone.as_name())),
    ("owner: of the zone above", |s, c| s.owner = c.zone.as_name().parent().unwrap().to_owned()),
    ("owner: a wildcard", |s, c| s.owner = below("*", c.zone.as_name())),
];

/// What is done to NSEC3 records, as such and signed anew.
pub const NSEC3: &[(&str, Edit)] = &[
    ("hash 0", |s, _| hashed(s, |hashed| hashed.algorithm = 0)),
    ("hash 2", |s, _| hashed(s, |hashed| hashed.algorithm = 2)),
    ("opt-out", |s, _| hashed(s, |hashed| hashed.flags ^= 1)),
    ("flags 2", |s, _| hashed(s, |hashed| hashed.flags |= 2)),
    ("flags 128", |s, _| hashed(s, |hashed| hashed.flags |= 128)),
    ("iterations +1", |s, _| hashed(s, |hashed| hashed.iterations += 1)),
    ("iterations 200", |s, _| hashed(s, |hashed| hashed.iterations = 200)),
    ("iterations 65535", |s, _| hashed(s, |hashed| hashed.iterations = 65_535)),
    ("salt", |s, _| hashed(s, |hashed| hashed.salt = b"other".to_vec())),
    ("no salt", |s, _| hashed(s, |hashed| hashed.salt = Vec::new())),
    ("next: +1", |s, _| hashed(s, |hashed| hashed.next[19] = hashed.next[19].wrapping_add(1))),
    ("next: -1", |s, _| hashed(s, |hashed| hashed.next[19] = hashed.next[19].wrapping_sub(1))),
    ("next: itself", |s, _| {
        hashed(s, |hashed| hashed.next = Nsec3::own_hash(hashed.owner.as_name()).unwrap().to_vec());
    }),
    ("next: right after", |s, _| {
        hashed(s, |hashed| {
            hashed.next = Nsec3::own_hash(hashed.owner.as_name()).unwrap().to_vec();
            hashed.next[19] = hashed.next[19].wrapping_add(1);
        });
    }),
    ("next: right before", |s, _| {
        hashed(s, |hashed| {
            hashed.next = Nsec3::own_hash(hashed.owner.as_name()).unwrap().to_vec();
            hashed.next[19] = hashed.next[19].wrapping_sub(1);
        });
    }),
    ("next: zeros", |s, _| hashed(s, |hashed| hashed.next.fill(0))),
    ("next: short", |s, _| hashed(s, |hashed| _ = hashed.next.pop())),
    ("next: long", |s, _| hashed(s, |hashed| hashed.next.push(0))),
    ("owner: +1", |s, c| {
        hashed(s, |hashed| {
            let mut own = Nsec3::own_hash(hashed.owner.as_name()).unwrap();
            own[19] = own[19].wrapping_add(1);
            hashed.owner = Nsec3::owner(&own, c.zone.as_name()).unwrap().as_name().to_owned();
        });
    }),
    ("owner: no hash", |s, c| s.owner = below("not-a-hash", c.zone.as_name())),
    ("owner: deeper", |s, c| {
        let label = s.owner.as_name().first_label().to_vec();
        let deep = below("x", c.zone.as_name());
        s.owner = NameBuf::child(&label, deep.as_name()).unwrap().as_name().to_owned();
    }),
    ("owner: of the zone above", |s, c| {
        let label = s.owner.as_name().first_label().to_vec();
        s.owner = NameBuf::child(&label, c.zone.as_name().parent().unwrap()).unwrap().as_name().to_owned();
    }),
    ("owner: a wildcard", |s, c| s.owner = below("*", c.zone.as_name())),
];
