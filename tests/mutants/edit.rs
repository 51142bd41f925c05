//! An RRset with its signatures, to be changed and signed anew.

use crate::message::Record;
use crate::tree::{Form, Keyring, Shape, Side, Tree, validity};
use waymark::dnssec::signed_labels;
use waymark::rrset::Rrset;
use waymark::wire::{Name, OwnedName, Rtype, Section};

pub const DAY: u32 = 86_400;

/// An RRset of a reply. Unlike an [`Rrset`] it may hold what it likes.
#[derive(Clone)]
pub struct Set {
    pub owner: OwnedName,
    pub rtype: Rtype,
    pub ttl: u32,
    pub rdatas: Vec<Vec<u8>>,
    pub sigs: Vec<Vec<u8>>,
    /// Records that come with it.
    pub extra: Vec<Record>,
    pub section: Section,
}

/// What a change may use.
pub struct Context<'a> {
    pub side: Side,
    pub zone: OwnedName,
    /// The keys of the zone, and those of the one on the other side.
    pub ring: &'a Keyring,
    pub other: &'a Keyring,
    /// Keys of nobody.
    pub stranger: &'a Keyring,
    pub tree: &'a Tree,
    pub shape: Shape,
    pub now: u32,
}

pub type Edit = fn(&mut Set, &Context<'_>);

impl Set {
    pub fn of(set: &Rrset, section: Section) -> Set {
        let all = |rdatas: waymark::rrset::Rdatas<'_>| rdatas.iter().map(<[u8]>::to_vec).collect();
        Set {
            owner: set.name.clone(),
            rtype: set.rtype,
            ttl: set.ttl,
            rdatas: all(set.rdatas()),
            sigs: all(set.signatures()),
            extra: Vec::new(),
            section,
        }
    }

    /// Takes the set of an owner and type out of a section's records; also says where it stood.
    pub fn take(records: &mut Vec<Record>, owner: Name<'_>, rtype: Rtype) -> Option<(usize, Set)> {
        let at =
            records.iter().position(|record| record.owner.as_name() == owner && record.rtype == rtype)?;
        let section = records[at].section;
        let theirs = |record: &mut Record| {
            record.section == section && record.owner.as_name() == owner && record.of_type() == rtype
        };
        let (ttl, owner) = (records[at].ttl, records[at].owner.clone());
        let mut set = Set {
            owner: owner.clone(),
            rtype,
            ttl,
            rdatas: Vec::new(),
            sigs: Vec::new(),
            extra: Vec::new(),
            section,
        };
        for record in records.extract_if(.., theirs) {
            let list = if record.rtype == Rtype::RRSIG { &mut set.sigs } else { &mut set.rdatas };
            list.push(record.rdata);
        }
        Some((at, set))
    }

    pub fn records(&self) -> Vec<Record> {
        let record = |rtype, rdata: &Vec<u8>| Record {
            section: self.section,
            owner: self.owner.clone(),
            rtype,
            ttl: self.ttl,
            rdata: rdata.clone(),
        };
        let sets = self.rdatas.iter().map(|rdata| record(self.rtype, rdata));
        let sigs = self.sigs.iter().map(|rdata| record(Rtype::RRSIG, rdata));
        sets.chain(sigs).chain(self.extra.iter().cloned()).collect()
    }

    /// Puts these octets into the first signature.
    pub fn patch(&mut self, at: usize, octets: &[u8]) {
        let Some(sig) = self.sigs.first_mut() else { return };
        if sig.len() >= at + octets.len() {
            sig[at..at + octets.len()].copy_from_slice(octets);
        }
    }

    /// Changes the octets after the signer's name in the first signature.
    pub fn signature(&mut self, change: impl FnOnce(&mut Vec<u8>)) {
        let Some(sig) = self.sigs.first_mut() else { return };
        let signer = Name::parse(&sig[18..]).unwrap().0.len();
        let mut tail = sig.split_off(18 + signer);
        change(&mut tail);
        sig.extend(tail);
    }

    /// Puts another signer into the first signature.
    pub fn signer(&mut self, signer: Name<'_>) {
        let Some(sig) = self.sigs.first_mut() else { return };
        let old = Name::parse(&sig[18..]).unwrap().0.len();
        sig.splice(18..18 + old, signer.as_bytes().iter().copied());
    }

    /// Another record, much like the first.
    pub fn like_first(&self) -> Vec<u8> {
        let mut rdata = self.rdatas.first().cloned().unwrap_or_default();
        match self.rtype {
            Rtype::CNAME | Rtype::DNAME | Rtype::NS | Rtype::SOA | Rtype::NSEC => rdata[1] ^= 1,
            _ => *rdata.last_mut().unwrap() ^= 1,
        }
        rdata
    }
}

impl Context<'_> {
    /// The form of a right signature of a set.
    pub fn form(&self, set: &Set) -> Form {
        let place = self.ring.place_for(set.rtype);
        let key = &self.ring.keys[place];
        let held = validity(self.now);
        let labels = set.sigs.first().and_then(|sig| sig.get(3).copied());
        Form {
            covered: set.rtype,
            algorithm: key.algorithm().0,
            labels: labels.unwrap_or(signed_labels(set.owner.as_name()) as u8),
            original_ttl: set.ttl,
            expiration: held.expiration,
            inception: held.inception,
            tag: key.tag(),
            signer: self.zone.clone(),
        }
    }

    /// A signature of this form over a set, by the zone's key.
    pub fn sign(&self, set: &Set, form: &Form) -> Vec<u8> {
        let place = self.ring.place_for(set.rtype);
        self.ring.sign(place, form, set.owner.as_name(), set.rtype, &set.rdatas)
    }

    /// Signs a set anew, its labels being those of its owner.
    pub fn resign(&self, set: &mut Set) {
        let mut form = self.form(set);
        let labels = signed_labels(set.owner.as_name()) as u8;
        form.labels = form.labels.min(labels);
        set.sigs = vec![self.sign(set, &form)];
    }

    /// Signs a set anew in a form of its own.
    pub fn resign_as(&self, set: &mut Set, change: impl FnOnce(&mut Form)) {
        let form = self.changed_form(set, change);
        set.sigs = vec![self.sign(set, &form)];
    }

    pub fn changed_form(&self, set: &Set, change: impl FnOnce(&mut Form)) -> Form {
        let mut form = self.form(set);
        change(&mut form);
        form
    }

    /// Another set of the zone, of this type if there is one.
    pub fn elsewhere(&self, set: &Set) -> Set {
        let sets = self.tree.sets(self.side);
        let other = |other: &&Rrset| other.name != set.owner && !other.signatures().is_empty();
        let same = sets.iter().filter(other).find(|other| other.rtype == set.rtype);
        Set::of(same.or_else(|| sets.iter().find(other)).unwrap(), set.section)
    }

    /// The zone on the other side.
    pub fn across(&self) -> OwnedName {
        match self.side {
            Side::Child => self.zone.as_name().parent().unwrap().to_owned(),
            Side::Parent => crate::tree::below("c", self.zone.as_name()),
        }
    }
}

/// What is done to any set's signatures; where nothing is signed anew the set must become bogus, or stay as
/// good as it was.
pub const SIGNATURES: &[(&str, Edit)] = &[
    ("none", |s, _| s.sigs.clear()),
    ("covers the next type", |s, _| s.patch(0, &(s.rtype.0 + 1).to_be_bytes())),
    ("covers TXT", |s, _| s.patch(0, &[0, 16])),
    ("algorithm 1", |s, _| s.patch(2, &[1])),
    ("algorithm 5", |s, _| s.patch(2, &[5])),
    ("algorithm 8", |s, _| s.patch(2, &[8])),
    ("algorithm 10", |s, _| s.patch(2, &[10])),
    ("algorithm 13", |s, _| s.patch(2, &[13])),
    ("algorithm 15", |s, _| s.patch(2, &[15])),
    ("algorithm 0", |s, _| s.patch(2, &[0])),
    ("algorithm 200", |s, _| s.patch(2, &[200])),
    ("labels 0", |s, _| s.patch(3, &[0])),
    ("labels -1", |s, _| s.patch(3, &[s.sigs[0][3].wrapping_sub(1)])),
    ("labels +1", |s, _| s.patch(3, &[s.sigs[0][3] + 1])),
    ("labels 255", |s, _| s.patch(3, &[255])),
    ("original TTL 0", |s, _| s.patch(4, &[0; 4])),
    ("original TTL +1", |s, _| s.patch(7, &[s.sigs[0][7].wrapping_add(1)])),
    ("original TTL 2^32-1", |s, _| s.patch(4, &[255; 4])),
    ("expiration 0", |s, _| s.patch(8, &[0; 4])),
    ("expiration +1", |s, _| s.patch(11, &[s.sigs[0][11] ^ 1])),
    ("expiration yesterday", |s, c| s.patch(8, &(c.now - DAY).to_be_bytes())),
    ("inception 0", |s, _| s.patch(12, &[0; 4])),
    ("inception -1", |s, _| s.patch(15, &[s.sigs[0][15] ^ 1])),
    ("inception tomorrow", |s, c| s.patch(12, &(c.now + DAY).to_be_bytes())),
    ("tag 0", |s, _| s.patch(16, &[0; 2])),
    ("tag +1", |s, _| s.patch(17, &[s.sigs[0][17] ^ 1])),
    ("signer root", |s, _| s.signer(Name::ROOT)),
    ("signer com", |s, _| s.signer(crate::tree::name("com.").as_name())),
    ("signer across", |s, c| s.signer(c.across().as_name())),
    ("signer below", |s, c| s.signer(crate::tree::below("ns", c.zone.as_name()).as_name())),
    ("signer the owner", |s, _| s.signer(s.owner.clone().as_name())),
    ("signer elsewhere", |s, _| s.signer(crate::tree::name("m00000.net.").as_name())),
    ("signer in capitals", |s, c| {
        let text = c.zone.as_name().to_string().to_ascii_uppercase();
        s.signer(crate::tree::name(&text).as_name());
    }),
    ("first bit", |s, _| s.signature(|sig| sig[0] ^= 0x80)),
    ("last bit", |s, _| s.signature(|sig| *sig.last_mut().unwrap() ^= 1)),
    ("middle bit", |s, _| {
        s.signature(|sig| {
            let middle = sig.len() / 2;
            sig[middle] ^= 0x10;
        })
    }),
    ("cut by one", |s, _| s.signature(|sig| sig.truncate(sig.len() - 1))),
    ("cut in half", |s, _| s.signature(|sig| sig.truncate(sig.len() / 2))),
    ("cut off", |s, _| s.signature(|sig| sig.truncate(1))),
    ("one more octet", |s, _| s.signature(|sig| sig.push(0))),
    ("zeros", |s, _| s.signature(|sig| sig.fill(0))),
    ("ones", |s, _| s.signature(|sig| sig.fill(255))),
    ("twice", |s, _| s.sigs.push(s.sigs[0].clone())),
    ("that of another set", |s, c| s.sigs = c.elsewhere(s).sigs),
    ("that of older data", |s, c| {
        let mut old = s.clone();
        old.rdatas = vec![s.like_first()];
        s.sigs = vec![c.sign(&old, &c.form(&old))];
    }),
    // Signed anew.
    ("expired a minute ago", |s, c| c.resign_as(s, |form| form.expiration = c.now - 60)),
    ("expired two days ago", |s, c| c.resign_as(s, |form| form.expiration = c.now - 2 * DAY)),
    ("expired years ago", |s, c| {
        c.resign_as(s, |form| {
            form.inception = c.now - 1_000 * DAY;
            form.expiration = c.now - 900 * DAY;
        })
    }),
    ("begins in ten minutes", |s, c| c.resign_as(s, |form| form.inception = c.now + 600)),
    ("begins in two days", |s, c| c.resign_as(s, |form| form.inception = c.now + 2 * DAY)),
    ("begins in years", |s, c| {
        c.resign_as(s, |form| {
            form.inception = c.now + 900 * DAY;
            form.expiration = c.now + 1_000 * DAY;
        })
    }),
    ("backwards", |s, c| {
        c.resign_as(s, |form| {
            form.inception = c.now + DAY;
            form.expiration = c.now - DAY;
        })
    }),
    ("valid for 60 years", |s, c| c.resign_as(s, |form| form.expiration = c.now + 60 * 365 * DAY)),
    ("valid for 80 years", |s, c| {
        c.resign_as(s, |form| form.expiration = c.now.wrapping_add(80 * 365 * DAY))
    }),
    ("original TTL 60, signed", |s, c| c.resign_as(s, |form| form.original_ttl = 60)),
    ("original TTL 0, signed", |s, c| c.resign_as(s, |form| form.original_ttl = 0)),
    ("original TTL 2^31, signed", |s, c| c.resign_as(s, |form| form.original_ttl = 1 << 31)),
    ("labels -1, signed", |s, c| c.resign_as(s, |form| form.labels -= 1)),
    ("labels of the zone, signed", |s, c| {
        c.resign_as(s, |form| form.labels = c.zone.as_name().label_count() as u8)
    }),
    ("labels below the zone's, signed", |s, c| {
        c.resign_as(s, |form| form.labels = c.zone.as_name().label_count() as u8 - 1)
    }),
    ("labels 0, signed", |s, c| c.resign_as(s, |form| form.labels = 0)),
    ("labels +1, signed", |s, c| c.resign_as(s, |form| form.labels += 1)),
    ("signer across, signed", |s, c| c.resign_as(s, |form| form.signer = c.across())),
    ("signer root, signed", |s, c| c.resign_as(s, |form| form.signer = crate::tree::name("."))),
    ("signer in capitals, signed", |s, c| {
        let text = c.zone.as_name().to_string().to_ascii_uppercase();
        c.resign_as(s, |form| form.signer = crate::tree::name(&text));
    }),
    ("by the zone across", |s, c| {
        let place = c.other.place_for(s.rtype);
        let form = c.changed_form(s, |form| {
            form.signer = c.across();
            form.tag = c.other.keys[place].tag();
        });
        s.sigs = vec![c.other.sign(place, &form, s.owner.as_name(), s.rtype, &s.rdatas)];
    }),
    ("by a key of the zone across", |s, c| {
        let place = c.other.place_for(s.rtype);
        let form = c.changed_form(s, |form| form.tag = c.other.keys[place].tag());
        s.sigs = vec![c.other.sign(place, &form, s.owner.as_name(), s.rtype, &s.rdatas)];
    }),
    ("by a stranger", |s, c| {
        let form = c.changed_form(s, |form| form.tag = c.stranger.keys[0].tag());
        s.sigs = vec![c.stranger.sign(0, &form, s.owner.as_name(), s.rtype, &s.rdatas)];
    }),
    ("by a stranger with our tag", |s, c| {
        let form = c.form(s);
        s.sigs = vec![c.stranger.sign(0, &form, s.owner.as_name(), s.rtype, &s.rdatas)];
    }),
    ("by the first key", |s, c| {
        let form = c.changed_form(s, |form| form.tag = c.ring.keys[0].tag());
        s.sigs = vec![c.ring.sign(0, &form, s.owner.as_name(), s.rtype, &s.rdatas)];
    }),
    ("by the last key", |s, c| {
        let place = c.ring.keys.len() - 1;
        let form = c.changed_form(s, |form| form.tag = c.ring.keys[place].tag());
        s.sigs = vec![c.ring.sign(place, &form, s.owner.as_name(), s.rtype, &s.rdatas)];
    }),
    // More than one.
    ("after garbage", |s, _| {
        let mut bad = s.clone();
        bad.signature(|sig| sig.fill(7));
        s.sigs.insert(0, bad.sigs[0].clone());
    }),
    ("before garbage", |s, _| {
        let mut bad = s.clone();
        bad.signature(|sig| sig.fill(7));
        s.sigs.push(bad.sigs[0].clone());
    }),
    ("after an expired one", |s, c| {
        let form = c.changed_form(s, |form| form.expiration = c.now - 2 * DAY);
        s.sigs.insert(0, c.sign(s, &form));
    }),
    ("before an expired one", |s, c| {
        let form = c.changed_form(s, |form| form.expiration = c.now - 2 * DAY);
        s.sigs.push(c.sign(s, &form));
    }),
    ("after one of algorithm 200", |s, c| {
        let form = c.changed_form(s, |form| form.algorithm = 200);
        s.sigs.insert(0, c.sign(s, &form));
    }),
    ("before one of algorithm 200", |s, c| {
        let form = c.changed_form(s, |form| form.algorithm = 200);
        s.sigs.push(c.sign(s, &form));
    }),
    ("after one of another tag", |s, c| {
        let form = c.changed_form(s, |form| form.tag ^= 0x155);
        s.sigs.insert(0, c.sign(s, &form));
    }),
    ("after one of the zone across", |s, c| {
        let form = c.changed_form(s, |form| form.signer = c.across());
        s.sigs.insert(0, c.sign(s, &form));
    }),
    ("after one with fewer labels", |s, c| {
        let form = c.changed_form(s, |form| form.labels -= 1);
        s.sigs.insert(0, c.sign(s, &form));
    }),
];

/// What is done to any set itself.
pub const SETS: &[(&str, Edit)] = &[
    ("data: as it is", |_, _| ()),
    ("data: bit of octet 1", |s, _| s.rdatas[0][1] ^= 1),
    ("data: bit in the middle", |s, _| {
        let middle = s.rdatas[0].len() / 2;
        s.rdatas[0][middle] ^= 1;
    }),
    ("data: last bit", |s, _| *s.rdatas[0].last_mut().unwrap() ^= 1),
    ("data: one octet more", |s, _| s.rdatas[0].push(0)),
    ("data: one octet less", |s, _| _ = s.rdatas[0].pop()),
    ("data: one record more", |s, _| s.rdatas.push(s.like_first())),
    ("data: one record less", |s, _| drop(s.rdatas.remove(0))),
    ("data: records twice", |s, _| s.rdatas.extend(s.rdatas.clone())),
    ("data: backwards", |s, _| s.rdatas.reverse()),
    ("data: records gone", |s, _| s.rdatas.clear()),
    ("data: gone", |s, _| {
        s.rdatas.clear();
        s.sigs.clear();
    }),
    ("data: owner in capitals", |s, _| {
        s.owner = crate::tree::name(&s.owner.as_name().to_string().to_ascii_uppercase());
    }),
    ("data: at another owner", |s, c| s.owner = crate::tree::below("zz", c.zone.as_name())),
    ("data: at the zone's name", |s, c| s.owner = c.zone.clone()),
    ("data: that of another owner", |s, c| {
        let other = c.elsewhere(s);
        (s.rdatas, s.sigs, s.rtype) = (other.rdatas, other.sigs, other.rtype);
    }),
    ("data: another one", |s, c| *s = c.elsewhere(s)),
    ("data: older data", |s, c| {
        s.rdatas = vec![s.like_first()];
        c.resign_as(s, |form| (form.inception, form.expiration) = (c.now - 20 * DAY, c.now + DAY));
    }),
    ("data: older data, expired", |s, c| {
        s.rdatas = vec![s.like_first()];
        c.resign_as(s, |form| (form.inception, form.expiration) = (c.now - 20 * DAY, c.now - 9 * DAY));
    }),
    ("data: TTL 0", |s, _| s.ttl = 0),
    ("data: TTL doubled", |s, _| s.ttl *= 2),
    ("data: one record more, signed", |s, c| {
        s.rdatas.push(s.like_first());
        c.resign(s);
    }),
    ("data: last bit, signed", |s, c| {
        s.rdatas = vec![s.like_first()];
        c.resign(s);
    }),
];
