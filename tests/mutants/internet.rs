//! The internet of all mutants: what each of its servers answers.

use crate::catalogue::{Anew, How, Mutant, Target};
use crate::edit::{Context, Set};
use crate::entry::{ds_of, place};
use crate::message::{Asked, Reply};
use crate::text;
use crate::tree::{Keyring, SHAPES, Side, Tree, ds, held, name, validity};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use waymark::answer::{self, Outcome, Request, View, Worker};
use waymark::clock::Instant;
use waymark::dnssec::{Algorithm, Key};
use waymark::wire::{Flags, Name, OwnedName, Rcode, Rtype, Section};
use waymark::zone::{Denial, Signing};

pub const ROOT: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
const COM: Ipv4Addr = Ipv4Addr::new(198, 18, 1, 1);

/// Servers of each side, so that what a resolver thinks of one is not the fate of all.
pub const SERVERS: usize = 64;

pub fn address(side: Side, id: usize) -> Ipv4Addr {
    let third = if side == Side::Parent { 16 } else { 144 };
    Ipv4Addr::new(198, 18, third + (id % SERVERS) as u8, 1)
}

pub struct Internet<'k> {
    pub now: u32,
    mutants: Vec<Mutant<'k>>,
    /// By algorithm and whether there are two keys: those of the parent, the child, and of nobody.
    rings: HashMap<(u8, bool), [Keyring; 3]>,
    above: [View; 2],
    root_key: Keyring,
    built: Vec<Mutex<Option<Arc<Built>>>>,
}

/// A mutant's tree, and what of it is changed.
pub struct Built {
    tree: Tree,
    target: Option<(Side, OwnedName, Rtype)>,
    /// The keys after the change, if they are what is changed: the first and the last.
    keys: Option<[Vec<u8>; 2]>,
}

impl<'k> Internet<'k> {
    pub fn new(mutants: Vec<Mutant<'k>>, now: u32) -> Internet<'k> {
        let mut rings = HashMap::new();
        for shape in SHAPES {
            rings.entry((shape.algorithm.0, shape.split)).or_insert_with(|| {
                ["the parent", "the child", "a stranger"]
                    .map(|seed| Keyring::new(shape.algorithm, shape.split, seed))
            });
        }
        let ring = |seed| Keyring::new(Algorithm::ED25519, true, seed);
        let (root_key, com_key) = (ring("the root"), ring("com"));
        let mut internet = Internet {
            now,
            mutants,
            rings,
            above: [text::view(Vec::new(), None), text::view(Vec::new(), None)],
            root_key,
            built: Vec::new(),
        };
        internet.built = internet.mutants.iter().map(|_| Mutex::new(None)).collect();
        let root = vec![
            ". NS a.root-servers.net.".to_owned(),
            format!("a.root-servers.net. A {ROOT}"),
            "com. NS a.nic.com.".to_owned(),
            format!("a.nic.com. A {COM}"),
        ];
        let mut com = vec!["com. NS a.nic.com.".to_owned(), format!("a.nic.com. A {COM}")];
        let mut all_ds = Vec::new();
        for mutant in &internet.mutants {
            let apex = mutant.apex();
            com.push(format!("{apex} NS ns.{apex}"));
            com.push(format!("ns.{apex} A {}", address(Side::Parent, mutant.id)));
            all_ds.push(ds(name(&apex).as_name(), internet.rings(mutant)[0].entry()));
        }
        let root_ds = vec![ds(name("com.").as_name(), com_key.entry())];
        let view = |apex: &str, lines: &[String], more, ring: &Keyring| {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let mut sets = text::zone(apex, &lines).state.unwrap().to_rrsets();
            sets.extend(more);
            let signing = Signing { keys: &ring.keys, validity: validity(now), denial: Denial::Nsec };
            let sets = signing.sign(name(apex).as_name(), sets).unwrap();
            text::view(vec![held(apex, &sets)], None)
        };
        internet.above =
            [view(".", &root, root_ds, &internet.root_key), view("com.", &com, all_ds, &com_key)];
        internet
    }

    /// The DS of the root, to be trusted.
    pub fn anchor(&self) -> Vec<u8> {
        let set = ds(Name::ROOT, self.root_key.entry());
        set.rdatas().iter().next().unwrap().to_vec()
    }

    /// The keys of a mutant's parent, its child, and those of nobody.
    fn rings(&self, mutant: &Mutant<'_>) -> &[Keyring; 3] {
        let shape = mutant.shape();
        &self.rings[&(shape.algorithm.0, shape.split)]
    }

    pub fn mutants(&self) -> &[Mutant<'k>] {
        &self.mutants
    }

    fn of(&self, asked: Name<'_>) -> Option<&Mutant<'k>> {
        let label = asked.suffix(2).first_label();
        let id: usize = std::str::from_utf8(label.get(1..)?).ok()?.parse().ok()?;
        self.mutants.get(id)
    }

    /// What a server sends back; nothing when nobody is there.
    pub fn reply(&self, server: IpAddr, query: &[u8], udp: bool) -> Option<Vec<u8>> {
        let asked = Asked::read(query)?;
        let IpAddr::V4(server) = server else { return None };
        if server == ROOT || server == COM {
            let view = &self.above[usize::from(server == COM)];
            return Some(fitting(Reply::read(&ask(view, query)?), &asked, udp));
        }
        let mutant = self.of(asked.name.as_name())?;
        let side =
            [Side::Parent, Side::Child].into_iter().find(|side| address(*side, mutant.id) == server)?;
        let built = self.built(mutant);
        let mut reply = Reply::read(&ask(&built.tree.views[usize::from(side == Side::Child)], query)?);
        if asked.dnssec_ok {
            self.change(mutant, &built, side, &mut reply);
        }
        Some(fitting(reply, &asked, udp))
    }

    /// Forgets what was made for a mutant.
    pub fn forget(&self, id: usize) {
        *self.built[id].lock().unwrap() = None;
    }

    fn built(&self, mutant: &Mutant<'_>) -> Arc<Built> {
        let mut built = self.built[mutant.id].lock().unwrap();
        Arc::clone(built.get_or_insert_with(|| Arc::new(self.build(mutant))))
    }

    fn context<'a>(&'a self, mutant: &Mutant<'_>, built: &'a Built, side: Side) -> Context<'a> {
        let [parent, child, stranger] = self.rings(mutant);
        let apex = mutant.apex();
        let (zone, ring, other) = match side {
            Side::Parent => (name(&apex), parent, child),
            Side::Child => (name(&format!("c.{apex}")), child, parent),
        };
        let shape = mutant.shape();
        Context { side, zone, ring, other, stranger, tree: &built.tree, shape, now: self.now }
    }

    fn build(&self, mutant: &Mutant<'_>) -> Built {
        let [parent, child, _] = self.rings(mutant);
        let addresses = [address(Side::Parent, mutant.id), address(Side::Child, mutant.id)];
        let addresses = addresses.map(|address| address.to_string());
        let addresses = [&*addresses[0], &*addresses[1]];
        let tree = Tree::new(&mutant.apex(), mutant.shape(), [parent, child], addresses, self.now);
        let mut built = Built { tree, target: None, keys: None };
        built.target = find(mutant, &built.tree);
        if mutant.kind.target == Target::Keys
            && let How::Set(edit) = mutant.kind.how
        {
            let c = self.context(mutant, &built, Side::Child);
            let keys = built.tree.child.iter().find(|set| set.rtype == Rtype::DNSKEY).unwrap();
            let mut set = Set::of(keys, Section::Answer);
            built.keys = Some(self.changed_keys(&mut set, &c, edit));
        }
        built
    }

    /// Changes keys; returns the first and the last of the zone's as they are then.
    fn changed_keys(&self, set: &mut Set, c: &Context<'_>, edit: crate::edit::Edit) -> [Vec<u8>; 2] {
        let places = [place(set, c, false), place(set, c, true)];
        let before: Vec<Vec<u8>> = set.rdatas.clone();
        edit(set, c);
        let offset = set.rdatas.len().saturating_sub(before.len());
        places.map(|place| {
            // What was added may stand before them; where some are gone, as they were.
            let same = set.rdatas.contains(&before[place]) || set.rdatas.len() < before.len();
            let after = set.rdatas.get(place + offset).or_else(|| set.rdatas.get(place));
            if same { before[place].clone() } else { after.unwrap_or(&before[place]).clone() }
        })
    }

    fn change(&self, mutant: &Mutant<'_>, built: &Built, side: Side, reply: &mut Reply) {
        let scenario = mutant.kind.scenario;
        if let How::Reply(change) = mutant.kind.how {
            if scenario.side == side
                && reply.name == name(&mutant.question())
                && reply.rtype == scenario.rtype
            {
                change(reply, &self.context(mutant, built, side));
            }
            return;
        }
        let How::Set(edit) = mutant.kind.how else { return };
        let anew = mutant.kind.anew;
        if let Some(keys) = built.keys.as_ref().filter(|_| matches!(anew, Anew::Ds | Anew::Tags)) {
            if side == Side::Parent {
                let c = self.context(mutant, built, side);
                let child = c.across();
                if let Some((at, mut set)) = Set::take(&mut reply.records, child.as_name(), Rtype::DS) {
                    set.rdatas = vec![ds_of(child.as_name(), &keys[0])];
                    c.resign(&mut set);
                    reply.records.splice(at..at, set.records());
                }
                return;
            }
            if anew == Anew::Tags {
                self.tag_anew(&self.context(mutant, built, side), &keys[1], reply);
            }
        }
        let Some((of, owner, rtype)) = &built.target else { return };
        if *of != side {
            return;
        }
        let Some((at, mut set)) = Set::take(&mut reply.records, owner.as_name(), *rtype) else { return };
        let at = at.min(reply.records.len());
        if set.sigs.is_empty() {
            reply.records.splice(at..at, set.records());
            return;
        }
        let c = self.context(mutant, built, side);
        if *rtype == Rtype::DNSKEY && anew != Anew::Nothing {
            let [first, _] = self.changed_keys(&mut set, &c, edit);
            let key = Key::read(&first).unwrap();
            c.resign_as(&mut set, |form| (form.tag, form.algorithm) = (key.tag(), key.algorithm.0));
        } else {
            edit(&mut set, &c);
            if anew == Anew::Signature {
                c.resign(&mut set);
            }
        }
        reply.records.splice(at..at, set.records());
    }

    /// Makes all signatures by the last key anew with the tag that it has now.
    fn tag_anew(&self, c: &Context<'_>, key: &[u8], reply: &mut Reply) {
        let key = Key::read(key).unwrap();
        let sets: Vec<(OwnedName, Rtype)> = reply
            .records
            .iter()
            .filter(|record| record.rtype == Rtype::RRSIG && record.of_type() != Rtype::DNSKEY)
            .map(|record| (record.owner.clone(), record.of_type()))
            .collect();
        for (owner, rtype) in sets {
            if let Some((at, mut set)) = Set::take(&mut reply.records, owner.as_name(), rtype) {
                c.resign_as(&mut set, |form| (form.tag, form.algorithm) = (key.tag(), key.algorithm.0));
                reply.records.splice(at..at, set.records());
            }
        }
    }
}

/// The set that a mutant changes, by its side, owner and type.
fn find(mutant: &Mutant<'_>, tree: &Tree) -> Option<(Side, OwnedName, Rtype)> {
    let scenario = mutant.kind.scenario;
    let apex = mutant.apex();
    let reply = |side: Side, name: &str, rtype: Rtype| {
        let query = text::query_with(name, rtype, Flags::default(), true, &[]);
        Reply::read(&ask(&tree.views[usize::from(side == Side::Child)], &query).unwrap())
    };
    let denial = |reply: Reply, number: u8| {
        let proofs = reply.records.iter().filter(|record| matches!(record.rtype, Rtype::NSEC | Rtype::NSEC3));
        let proofs: Vec<(OwnedName, Rtype)> =
            proofs.map(|record| (record.owner.clone(), record.rtype)).collect();
        let at = usize::from(number).checked_rem(proofs.len())?;
        Some(proofs[at].clone())
    };
    let own = || reply(scenario.side, &mutant.question(), scenario.rtype);
    let of = |rtypes: &[Rtype]| {
        let reply = own();
        let record = reply.records.iter().find(|record| rtypes.contains(&record.rtype))?;
        Some((record.owner.clone(), record.rtype))
    };
    let (side, (owner, rtype)) = match mutant.kind.target {
        Target::Reply => return None,
        Target::Answer => (scenario.side, of(&[scenario.rtype])?),
        Target::Alias => (scenario.side, of(&[Rtype::DNAME]).or_else(|| of(&[Rtype::CNAME]))?),
        Target::Soa => (scenario.side, of(&[Rtype::SOA])?),
        Target::Denial(number) => (scenario.side, denial(own(), number)?),
        Target::Keys => (Side::Child, (name(&format!("c.{apex}")), Rtype::DNSKEY)),
        Target::Ds => (Side::Parent, (name(&format!("c.{apex}")), Rtype::DS)),
        Target::ParentKeys => (Side::Parent, (name(&apex), Rtype::DNSKEY)),
        Target::ParentDenial(number) => {
            let reply = reply(Side::Parent, &mutant.question(), scenario.rtype);
            (Side::Parent, denial(reply, number)?)
        }
    };
    Some((side, owner, rtype))
}

/// What a server with these zones answers.
fn ask(view: &View, query: &[u8]) -> Option<Vec<u8>> {
    let request = Request {
        message: query,
        client: "192.0.2.1:53".parse().unwrap(),
        transport: answer::Transport::Tcp,
        listener: 0,
        now: Instant::ZERO,
    };
    let mut out = vec![0; 65_535];
    match answer::answer(view, &mut Worker::default(), &request, None, &mut out) {
        Outcome::Reply(meta) => {
            out.truncate(meta.len);
            Some(out)
        }
        _ => None,
    }
}

/// A reply, or that it is too long for a datagram.
fn fitting(mut reply: Reply, asked: &Asked, udp: bool) -> Vec<u8> {
    let octets = reply.write();
    if !udp || octets.len() <= asked.size {
        return octets;
    }
    reply.records.clear();
    reply.flags = reply.flags.with(Flags::TC, true);
    reply.rcode(Rcode::NOERROR);
    reply.write()
}
