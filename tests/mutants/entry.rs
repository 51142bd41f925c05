//! What is done to DNSKEY and DS sets, and to the proof that there is no DS.

use crate::denial::{Hashed, nsec, signed};
use crate::edit::{Context, Edit, Set};
use crate::message::Record;
use crate::tree::{Form, below, name};
use waymark::dnssec::{Digest, Key, Nsec3};
use waymark::wire::{Rtype, Section};

/// Where the first key of a zone, or its last, stands in its set.
pub fn place(s: &Set, c: &Context<'_>, last: bool) -> usize {
    let key = if last { c.ring.keys.last().unwrap() } else { c.ring.entry() };
    s.rdatas.iter().position(|rdata| rdata == key.dnskey()).unwrap_or(0)
}

fn first(s: &mut Set, c: &Context<'_>, change: impl FnOnce(&mut Vec<u8>)) {
    let at = place(s, c, false);
    change(&mut s.rdatas[at]);
}

fn last(s: &mut Set, c: &Context<'_>, change: impl FnOnce(&mut Vec<u8>)) {
    let at = place(s, c, true);
    change(&mut s.rdatas[at]);
}

/// What is done to keys: as such, with the set signed anew, with the DS made anew, and with all signatures'
/// tags made anew.
pub const KEYS: &[(&str, Edit)] = &[
    ("first: no ZONE", |s, c| first(s, c, |key| key[0] &= !1)),
    ("first: no SEP", |s, c| first(s, c, |key| key[1] &= !1)),
    ("first: REVOKE", |s, c| first(s, c, |key| key[1] |= 0x80)),
    ("first: flags 0", |s, c| first(s, c, |key| key[..2].fill(0))),
    ("first: all flags but REVOKE", |s, c| first(s, c, |key| key[..2].copy_from_slice(&[0xff, 0x7f]))),
    ("first: flag 14", |s, c| first(s, c, |key| key[1] |= 2)),
    ("first: protocol 2", |s, c| first(s, c, |key| key[2] = 2)),
    ("first: protocol 255", |s, c| first(s, c, |key| key[2] = 255)),
    ("first: algorithm 5", |s, c| first(s, c, |key| key[3] = 5)),
    ("first: algorithm 7", |s, c| first(s, c, |key| key[3] = 7)),
    ("first: algorithm 8", |s, c| first(s, c, |key| key[3] = 8)),
    ("first: algorithm 13", |s, c| first(s, c, |key| key[3] = 13)),
    ("first: algorithm 200", |s, c| first(s, c, |key| key[3] = 200)),
    ("first: algorithm 0", |s, c| first(s, c, |key| key[3] = 0)),
    ("first: first bit", |s, c| first(s, c, |key| key[4] ^= 0x80)),
    ("first: last bit", |s, c| first(s, c, |key| *key.last_mut().unwrap() ^= 1)),
    ("first: one octet less", |s, c| first(s, c, |key| _ = key.pop())),
    ("first: one octet more", |s, c| first(s, c, |key| key.push(0))),
    ("first: nothing", |s, c| first(s, c, |key| key.truncate(4))),
    ("first: gone", |s, c| drop(s.rdatas.remove(place(s, c, false)))),
    ("last: no ZONE", |s, c| last(s, c, |key| key[0] &= !1)),
    ("last: SEP", |s, c| last(s, c, |key| key[1] ^= 1)),
    ("last: REVOKE", |s, c| last(s, c, |key| key[1] |= 0x80)),
    ("last: protocol 2", |s, c| last(s, c, |key| key[2] = 2)),
    ("last: algorithm 8", |s, c| last(s, c, |key| key[3] = 8)),
    ("last: algorithm 200", |s, c| last(s, c, |key| key[3] = 200)),
    ("last: last bit", |s, c| last(s, c, |key| *key.last_mut().unwrap() ^= 1)),
    ("last: one octet less", |s, c| last(s, c, |key| _ = key.pop())),
    ("last: gone", |s, c| drop(s.rdatas.remove(place(s, c, true)))),
    ("and a stranger's", |s, c| s.rdatas.push(c.stranger.keys[0].dnskey().to_vec())),
    ("and one of algorithm 200", |s, _| s.rdatas.push([&[1, 1, 3, 200], &[9; 32][..]].concat())),
    ("and one of algorithm 13", |s, _| s.rdatas.push([&[1, 1, 3, 13], &[9; 64][..]].concat())),
    ("and an empty one", |s, _| s.rdatas.push(vec![1, 1, 3, 15])),
    ("and one of the first's tag", |s, c| {
        // The sum stays if two octets of one weight trade places.
        let mut key = c.ring.entry().dnskey().to_vec();
        key.swap(6, 8);
        key.swap(11, 13);
        s.rdatas.insert(0, key);
    }),
    ("and one of the last's tag", |s, c| {
        let mut key = c.ring.keys.last().unwrap().dnskey().to_vec();
        key.swap(6, 8);
        key.swap(11, 13);
        s.rdatas.insert(0, key);
    }),
];

/// DS data of a key of the zone below.
fn ds(c: &Context<'_>, place: usize, digest: u8) -> Vec<u8> {
    c.other.keys[place].ds(c.across().as_name(), Digest(digest)).unwrap()
}

/// The DS of any key data.
pub fn ds_of(zone: waymark::wire::Name<'_>, key: &[u8]) -> Vec<u8> {
    let mut lower = zone.to_buf();
    lower.make_lowercase();
    let digest = Digest::SHA256.of(&[lower.as_name().as_bytes(), key]).unwrap();
    let read = Key::read(key).unwrap();
    [&read.tag().to_be_bytes(), &[read.algorithm.0, 2][..], digest.as_ref()].concat()
}

fn broken(mut ds: Vec<u8>) -> Vec<u8> {
    *ds.last_mut().unwrap() ^= 1;
    ds
}

fn with(mut ds: Vec<u8>, at: usize, octet: u8) -> Vec<u8> {
    ds[at] = octet;
    ds
}

/// What a DS set is replaced by; it is signed anew.
pub const DS: &[(&str, Edit)] = &[
    ("tag +1", |s, _| s.rdatas[0][1] ^= 1),
    ("algorithm 8", |s, _| s.rdatas[0][2] = 8),
    ("algorithm 13 or 15", |s, _| s.rdatas[0][2] ^= 2),
    ("algorithm 5", |s, _| s.rdatas[0][2] = 5),
    ("algorithm 7", |s, _| s.rdatas[0][2] = 7),
    ("algorithm 200", |s, _| s.rdatas[0][2] = 200),
    ("algorithm 0", |s, _| s.rdatas[0][2] = 0),
    ("digest 0", |s, _| s.rdatas[0][3] = 0),
    ("digest 1 of 32 octets", |s, _| s.rdatas[0][3] = 1),
    ("digest 3", |s, _| s.rdatas[0][3] = 3),
    ("digest 4 of 32 octets", |s, _| s.rdatas[0][3] = 4),
    ("digest 5", |s, _| s.rdatas[0][3] = 5),
    ("digest 250", |s, _| s.rdatas[0][3] = 250),
    ("first bit", |s, _| s.rdatas[0][4] ^= 0x80),
    ("last bit", |s, _| s.rdatas[0] = broken(s.rdatas[0].clone())),
    ("one octet less", |s, _| _ = s.rdatas[0].pop()),
    ("one octet more", |s, _| s.rdatas[0].push(0)),
    ("one octet", |s, _| s.rdatas[0].truncate(5)),
    ("SHA-1", |s, c| s.rdatas = vec![ds(c, 0, 1)]),
    ("SHA-1, broken", |s, c| s.rdatas = vec![broken(ds(c, 0, 1))]),
    ("SHA-384", |s, c| s.rdatas = vec![ds(c, 0, 4)]),
    ("SHA-384, broken", |s, c| s.rdatas = vec![broken(ds(c, 0, 4))]),
    ("SHA-1 and SHA-256", |s, c| s.rdatas = vec![ds(c, 0, 1), ds(c, 0, 2)]),
    ("SHA-1, broken, and SHA-256", |s, c| s.rdatas = vec![broken(ds(c, 0, 1)), ds(c, 0, 2)]),
    ("SHA-1 and SHA-256, broken", |s, c| s.rdatas = vec![ds(c, 0, 1), broken(ds(c, 0, 2))]),
    ("SHA-1 and SHA-384, broken", |s, c| s.rdatas = vec![ds(c, 0, 1), broken(ds(c, 0, 4))]),
    ("SHA-256 and SHA-384", |s, c| s.rdatas = vec![ds(c, 0, 2), ds(c, 0, 4)]),
    ("SHA-256, broken, and SHA-384", |s, c| s.rdatas = vec![broken(ds(c, 0, 2)), ds(c, 0, 4)]),
    ("SHA-256 and SHA-384, broken", |s, c| s.rdatas = vec![ds(c, 0, 2), broken(ds(c, 0, 4))]),
    ("good and broken", |s, c| s.rdatas = vec![ds(c, 0, 2), broken(ds(c, 0, 2))]),
    ("good and another tag", |s, c| s.rdatas = vec![ds(c, 0, 2), with(ds(c, 0, 2), 0, 77)]),
    ("good and algorithm 200", |s, c| s.rdatas = vec![ds(c, 0, 2), with(ds(c, 0, 2), 2, 200)]),
    ("good and algorithm 8", |s, c| s.rdatas = vec![ds(c, 0, 2), with(ds(c, 0, 2), 2, 8)]),
    ("good and digest 250", |s, c| s.rdatas = vec![ds(c, 0, 2), with(ds(c, 0, 2), 3, 250)]),
    ("broken and algorithm 200", |s, c| {
        s.rdatas = vec![broken(ds(c, 0, 2)), with(ds(c, 0, 2), 2, 200)];
    }),
    ("broken and digest 250", |s, c| s.rdatas = vec![broken(ds(c, 0, 2)), with(ds(c, 0, 2), 3, 250)]),
    ("algorithm 200 and digest 250", |s, c| {
        s.rdatas = vec![with(ds(c, 0, 2), 2, 200), with(ds(c, 0, 2), 3, 250)];
    }),
    ("of the last key", |s, c| s.rdatas = vec![ds(c, c.other.keys.len() - 1, 2)]),
    ("of the zone's own key", |s, c| s.rdatas = vec![ds_of(s.owner.as_name(), c.ring.entry().dnskey())]),
    ("of a stranger", |s, c| s.rdatas = vec![ds_of(s.owner.as_name(), c.stranger.entry().dnskey())]),
    ("good and of a stranger", |s, c| {
        s.rdatas = vec![ds(c, 0, 2), ds_of(s.owner.as_name(), c.stranger.entry().dnskey())];
    }),
    ("of another name", |s, c| {
        let other = below("d", c.zone.as_name());
        s.rdatas = vec![ds_of(other.as_name(), c.other.entry().dnskey())];
    }),
];

/// Takes a DS set away and proves with these records that it is not there.
fn absent(s: &mut Set, c: &Context<'_>, proof: Vec<Record>) {
    let answer = s.section == Section::Answer;
    s.rdatas.clear();
    s.sigs.clear();
    s.extra = proof;
    if answer {
        let soa = c.tree.parent.iter().find(|set| set.rtype == Rtype::SOA).unwrap();
        s.extra.extend(Set::of(soa, Section::Authority).records());
    }
}

/// A record at the delegation with these types.
fn at(s: &Set, c: &Context<'_>, types: &[Rtype], change: fn(&mut Form)) -> Vec<Record> {
    let set = if c.shape.is_nsec() {
        let next = below("plain", c.zone.as_name());
        nsec(&s.owner, &next, types)
    } else {
        let mut hashed = Hashed::of(c, s.owner.as_name());
        hashed.types = types.to_vec();
        hashed.types.retain(|rtype| *rtype != Rtype::NSEC);
        hashed.set(c)
    };
    signed(set, c, change)
}

/// Records that cover the delegation, so that it seems not to exist.
fn over(s: &Set, c: &Context<'_>, opt_out: bool) -> Vec<Record> {
    if c.shape.is_nsec() {
        let (from, to) = (below("b", c.zone.as_name()), below("d", c.zone.as_name()));
        return signed(nsec(&from, &to, &[Rtype::A, Rtype::RRSIG, Rtype::NSEC]), c, |_| ());
    }
    let mut hashed = Hashed::of(c, s.owner.as_name());
    let owner = Nsec3::own_hash(hashed.owner.as_name()).unwrap();
    let mut before = owner;
    before[19] = before[19].wrapping_sub(1);
    hashed.owner = Nsec3::owner(&before, c.zone.as_name()).unwrap().as_name().to_owned();
    hashed.flags = opt_out.into();
    hashed.types = vec![Rtype::A, Rtype::RRSIG];
    let mut records = signed(hashed.set(c), c, |_| ());
    let apex = Hashed::of(c, c.zone.as_name()).owner;
    let apex = c.tree.parent.iter().find(|set| set.rtype == Rtype::NSEC3 && set.name == apex).unwrap();
    records.extend(Set::of(apex, Section::Authority).records());
    records
}

const CUT: &[Rtype] = &[Rtype::NS, Rtype::RRSIG, Rtype::NSEC];

/// In place of a DS set there is a proof that it is not there, good or bad.
pub const ABSENCE: &[(&str, Edit)] = &[
    ("denied", |s, c| absent(s, c, at(s, c, CUT, |_| ()))),
    ("denied without a proof", |s, c| absent(s, c, Vec::new())),
    ("denied, DS is there", |s, c| {
        absent(s, c, at(s, c, &[Rtype::NS, Rtype::DS, Rtype::RRSIG, Rtype::NSEC], |_| ()));
    }),
    ("denied, no NS is there", |s, c| absent(s, c, at(s, c, &[Rtype::RRSIG, Rtype::NSEC], |_| ()))),
    ("denied, A but no NS is there", |s, c| {
        absent(s, c, at(s, c, &[Rtype::A, Rtype::RRSIG, Rtype::NSEC], |_| ()));
    }),
    ("denied, SOA is there", |s, c| {
        absent(s, c, at(s, c, &[Rtype::NS, Rtype::SOA, Rtype::RRSIG, Rtype::NSEC], |_| ()));
    }),
    ("denied, CNAME is there", |s, c| {
        absent(s, c, at(s, c, &[Rtype::NS, Rtype::CNAME, Rtype::RRSIG, Rtype::NSEC], |_| ()));
    }),
    ("denied, nothing is there", |s, c| absent(s, c, at(s, c, &[], |_| ()))),
    ("denied by an expired record", |s, c| {
        absent(
            s,
            c,
            at(s, c, CUT, |form| (form.inception, form.expiration) = (1_500_000_000, 1_500_100_000)),
        );
    }),
    ("denied by a wildcard", |s, c| absent(s, c, at(s, c, CUT, |form| form.labels -= 1))),
    ("denied by com", |s, c| absent(s, c, at(s, c, CUT, |form| form.signer = name("com.")))),
    ("denied by the zone below", |s, c| {
        let mut records = at(s, c, CUT, |_| ());
        records.retain(|record| record.rtype != Rtype::RRSIG);
        let rtype = records[0].rtype;
        let mut set =
            Set::take(&mut records, s.owner.as_name(), rtype).map_or_else(|| s.clone(), |(_, set)| set);
        set.sigs.clear();
        let form = c.changed_form(&set, |form| {
            form.signer = c.across();
            form.tag = c.other.keys.last().unwrap().tag();
        });
        let place = c.other.keys.len() - 1;
        set.sigs = vec![c.other.sign(place, &form, set.owner.as_name(), set.rtype, &set.rdatas)];
        absent(s, c, set.records());
    }),
    ("covered", |s, c| absent(s, c, over(s, c, false))),
    ("covered, opt-out", |s, c| absent(s, c, over(s, c, true))),
    ("denied, unsigned", |s, c| {
        let mut records = at(s, c, CUT, |_| ());
        records.retain(|record| record.rtype != Rtype::RRSIG);
        absent(s, c, records);
    }),
    ("there, and denied", |s, c| s.extra = at(s, c, CUT, |_| ())),
    ("unsigned, and denied", |s, c| {
        s.sigs.clear();
        s.extra = at(s, c, CUT, |_| ());
    }),
    ("of a stranger, unsigned, and denied", |s, c| {
        s.rdatas = vec![ds_of(s.owner.as_name(), c.stranger.entry().dnskey())];
        s.sigs.clear();
        s.extra = at(s, c, CUT, |_| ());
    }),
];
