//! What is done to the whole reply to a question.

use crate::denial::nsec;
use crate::edit::{Context, Set};
use crate::message::{Record, Reply};
use crate::tree::{Side, below};
use waymark::rrset::Rrset;
use waymark::wire::{Flags, Name, OwnedName, Rcode, Rtype, Section};

pub type Change = fn(&mut Reply, &Context<'_>);

fn is_proof(record: &Record) -> bool {
    matches!(record.of_type(), Rtype::NSEC | Rtype::NSEC3)
}

/// A record that nobody signed.
fn unsigned(section: Section, owner: &OwnedName, rtype: Rtype, rdata: &[u8]) -> Record {
    Record { section, owner: owner.clone(), rtype, ttl: 3_600, rdata: rdata.to_vec() }
}

fn named(section: Section, owner: &OwnedName, rtype: Rtype, target: &OwnedName) -> Record {
    unsigned(section, owner, rtype, target.as_name().as_bytes())
}

/// A set of the zone, as it is.
fn of_zone(c: &Context<'_>, label: &str, rtype: Rtype, section: Section) -> Vec<Record> {
    let owner = if label.is_empty() { c.zone.clone() } else { below(label, c.zone.as_name()) };
    let set = c.tree.sets(c.side).iter().find(|set| set.name == owner && set.rtype == rtype);
    set.map_or_else(Vec::new, |set| Set::of(set, section).records())
}

/// A denial that the zone makes, with its proof for another name.
fn denied_elsewhere(reply: &mut Reply, c: &Context<'_>, rcode: Rcode) {
    reply.rcode(rcode);
    reply.records = of_zone(c, "", Rtype::SOA, Section::Authority);
    let proof = |set: &&Rrset| matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3) && set.name != reply.name;
    let proofs: Vec<&Rrset> = c.tree.sets(c.side).iter().filter(proof).collect();
    for set in proofs.iter().rev().take(2) {
        reply.records.extend(Set::of(set, Section::Authority).records());
    }
}

fn proofs_as_they_would_be(reply: &mut Reply, c: &Context<'_>, of: Name<'_>, types: &[Rtype]) {
    let set = if c.shape.is_nsec() {
        let owner = of.to_owned();
        let next = below("zzzz", c.zone.as_name());
        nsec(&owner, &next, types)
    } else {
        let mut hashed = crate::denial::Hashed::of(c, of);
        hashed.types = types.iter().copied().filter(|rtype| *rtype != Rtype::NSEC).collect();
        hashed.set(c)
    };
    reply.records.extend(crate::denial::signed(set, c, |_| ()));
}

/// What is done to the reply to the question itself.
pub const WHOLE: &[(&str, Change)] = &[
    ("NXDOMAIN", |r, _| r.rcode(Rcode::NXDOMAIN)),
    ("NOERROR", |r, _| r.rcode(Rcode::NOERROR)),
    ("SERVFAIL", |r, _| r.rcode(Rcode::SERVFAIL)),
    ("REFUSED", |r, _| r.rcode(Rcode::REFUSED)),
    ("no AA", |r, _| r.flags = r.flags.with(Flags::AA, false)),
    ("AD", |r, _| r.flags = r.flags.with(Flags::AD, true)),
    ("no signatures", |r, _| r.retain(|record| record.rtype != Rtype::RRSIG)),
    ("no signatures, AD", |r, _| {
        r.retain(|record| record.rtype != Rtype::RRSIG);
        r.flags = r.flags.with(Flags::AD, true);
    }),
    ("no signatures of answers", |r, _| {
        r.retain(|record| record.rtype != Rtype::RRSIG || record.section != Section::Answer);
    }),
    ("no signatures of denials", |r, _| {
        r.retain(|record| record.rtype != Rtype::RRSIG || record.section != Section::Authority);
    }),
    ("no DNSSEC", |r, _| r.retain(|record| record.rtype != Rtype::RRSIG && !is_proof(record))),
    ("no authority", |r, _| r.retain(|record| record.section != Section::Authority)),
    ("no proofs", |r, _| r.retain(|record| !is_proof(record))),
    ("no SOA", |r, _| r.retain(|record| record.of_type() != Rtype::SOA)),
    ("no signature of the SOA", |r, _| {
        r.retain(|record| record.rtype != Rtype::RRSIG || record.of_type() != Rtype::SOA);
    }),
    ("no answer", |r, _| r.retain(|record| record.section != Section::Answer)),
    ("nothing", |r, _| r.records.clear()),
    ("nothing, NXDOMAIN", |r, _| {
        r.records.clear();
        r.rcode(Rcode::NXDOMAIN);
    }),
    ("only an SOA", |r, c| {
        r.rcode(Rcode::NOERROR);
        r.records = of_zone(c, "", Rtype::SOA, Section::Authority);
    }),
    ("only an SOA, NXDOMAIN", |r, c| {
        r.rcode(Rcode::NXDOMAIN);
        r.records = of_zone(c, "", Rtype::SOA, Section::Authority);
    }),
    ("an address instead", |r, _| {
        r.rcode(Rcode::NOERROR);
        r.records = vec![unsigned(Section::Answer, &r.name, Rtype::A, &[192, 0, 2, 66])];
    }),
    ("an address of another owner instead", |r, c| {
        r.rcode(Rcode::NOERROR);
        r.records = of_zone(c, "ns", Rtype::A, Section::Answer);
        let name = r.name.clone();
        r.records.iter_mut().for_each(|record| record.owner = name.clone());
    }),
    ("an alias instead", |r, c| {
        r.rcode(Rcode::NOERROR);
        r.records = vec![named(Section::Answer, &r.name, Rtype::CNAME, &below("ns", c.zone.as_name()))];
    }),
    ("an alias away instead", |r, c| {
        r.rcode(Rcode::NOERROR);
        let plain = below("plain", c.tree.parent[0].name.as_name());
        r.records = vec![named(Section::Answer, &r.name, Rtype::CNAME, &below("www", plain.as_name()))];
    }),
    ("an alias before the answer", |r, c| {
        let target = below("ns", c.zone.as_name());
        r.records.insert(0, named(Section::Answer, &r.name, Rtype::CNAME, &target));
    }),
    ("a DNAME before the answer", |r, c| {
        let target = below("tree", c.zone.as_name());
        r.records.insert(0, named(Section::Answer, &c.zone, Rtype::DNAME, &target));
    }),
    ("a wildcard's address instead", |r, c| {
        r.rcode(Rcode::NOERROR);
        let wild = below("wild", c.zone.as_name());
        let owner = below("*", wild.as_name());
        let set = c.tree.sets(c.side).iter().find(|set| set.name == owner);
        let Some(set) = set else { return };
        r.records = Set::of(set, Section::Answer).records();
        let name = r.name.clone();
        r.records.iter_mut().for_each(|record| record.owner = name.clone());
    }),
    ("a denial of another type instead", |r, c| denied_elsewhere(r, c, Rcode::NOERROR)),
    ("a denial of another name instead", |r, c| denied_elsewhere(r, c, Rcode::NXDOMAIN)),
    ("a denial by a record that says all", |r, c| {
        r.rcode(Rcode::NOERROR);
        r.records = of_zone(c, "", Rtype::SOA, Section::Authority);
        let name = r.name.clone();
        proofs_as_they_would_be(r, c, name.as_name(), &[Rtype::TXT, Rtype::RRSIG, Rtype::NSEC]);
    }),
    ("a compact denial", |r, c| {
        r.rcode(Rcode::NOERROR);
        r.records = of_zone(c, "", Rtype::SOA, Section::Authority);
        let name = r.name.clone();
        proofs_as_they_would_be(r, c, name.as_name(), &[Rtype::RRSIG, Rtype::NSEC, Rtype::NXNAME]);
    }),
    ("a denial by a delegation", |r, c| {
        r.rcode(Rcode::NXDOMAIN);
        r.records = of_zone(c, "", Rtype::SOA, Section::Authority);
        let name = r.name.clone();
        let above = name.as_name().parent().unwrap();
        proofs_as_they_would_be(r, c, above, &[Rtype::NS, Rtype::RRSIG, Rtype::NSEC]);
    }),
    ("an SOA of the zone across", |r, c| {
        r.retain(|record| record.of_type() != Rtype::SOA);
        let side = if c.side == Side::Child { Side::Parent } else { Side::Child };
        let soa = c.tree.sets(side).iter().find(|set| set.rtype == Rtype::SOA).unwrap();
        r.records.extend(Set::of(soa, Section::Authority).records());
    }),
    ("a referral instead", |r, c| {
        r.rcode(Rcode::NOERROR);
        r.flags = r.flags.with(Flags::AA, false);
        let ns = below("ns", c.zone.as_name());
        r.records = vec![named(Section::Authority, &r.name, Rtype::NS, &ns)];
        r.records.extend(of_zone(c, "ns", Rtype::A, Section::Additional));
    }),
    ("a referral to a zone that is denied", |r, c| {
        r.rcode(Rcode::NOERROR);
        r.flags = r.flags.with(Flags::AA, false);
        let ns = below("ns", c.zone.as_name());
        r.records = vec![named(Section::Authority, &r.name, Rtype::NS, &ns)];
        r.records.extend(of_zone(c, "ns", Rtype::A, Section::Additional));
        let name = r.name.clone();
        proofs_as_they_would_be(r, c, name.as_name(), &[Rtype::NS, Rtype::RRSIG, Rtype::NSEC]);
    }),
    ("name servers besides", |r, c| {
        let ns = below("www", c.zone.as_name());
        r.records.push(named(Section::Authority, &c.zone, Rtype::NS, &ns));
    }),
    ("addresses besides", |r, c| {
        let ns = below("ns", c.zone.as_name());
        r.records.push(unsigned(Section::Additional, &ns, Rtype::A, &[192, 0, 2, 66]));
        r.records.push(unsigned(Section::Answer, &ns, Rtype::A, &[192, 0, 2, 66]));
    }),
    ("proofs besides", |r, c| {
        let proofs = c.tree.sets(c.side).iter().filter(|set| matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3));
        for set in proofs.take(3) {
            r.records.extend(Set::of(set, Section::Authority).records());
        }
    }),
    ("all twice", |r, _| r.records.extend(r.records.clone())),
    ("backwards", |r, _| r.records.reverse()),
    ("all TTLs 0", |r, _| r.records.iter_mut().for_each(|record| record.ttl = 0)),
    ("all owners in capitals", |r, _| {
        for record in &mut r.records {
            let text = record.owner.as_name().to_string().to_ascii_uppercase();
            record.owner = crate::tree::name(&text);
        }
    }),
];
