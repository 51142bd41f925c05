//! The match sections of a route: which rule is for whom, and what it leads to. Routes whose sections are equal have them in common,
//! whatever their pools are called, and so also the [`Decisions`] they are compiled to.

use super::cidr::{PrefixTrie, RuleSet};
use super::decisions::Decisions;
use super::geo::{Field, Gives, Located};
use super::{Client, Geo, place};
use crate::limits;
use ipnet::IpNet;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// What a decision follows from. Steps are numbered within the route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Spec {
    pub rules: Vec<Section>,
    pub fallback: Vec<u16>,
}

/// A rule: whom it is for, and what it leads to. Empty lists are keys that are not written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Section {
    pub cidr: Option<Vec<IpNet>>,
    pub asn: Vec<u32>,
    pub country: Vec<[u8; 2]>,
    pub continent: Vec<[u8; 2]>,
    pub leads: Leads,
}

/// What a rule leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Leads {
    /// These, then the fallback.
    Ordered(Vec<u16>),
    /// Pools by distance, then the fallback.
    Nearest(Nearest),
    /// A draw by weight, which is the route's own.
    Weighted,
}

/// Pools by distance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Nearest {
    pub pools: Vec<Near>,
    /// How many of the nearest are left out.
    pub skip: usize,
    /// How many of those that follow are taken.
    pub take: usize,
}

/// A pool that has a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Near {
    pub pool: u16,
    /// Latitude and longitude in millionths of a degree: a tenth of a metre.
    pub location: Option<(i32, i32)>,
    /// Percent by which it counts as nearer.
    pub bias: i8,
}

/// Pools or steps in order, each once, as many as are looked at for one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Order {
    list: [u16; limits::CHAIN_POOLS],
    len: u8,
}

impl Order {
    pub fn push(&mut self, one: u16) {
        let len = usize::from(self.len);
        if len < self.list.len() && !self.list[..len].contains(&one) {
            self.list[len] = one;
            self.len += 1;
        }
    }

    pub fn as_slice(&self) -> &[u16] {
        &self.list[..self.len.into()]
    }
}

/// What is decided for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Class {
    /// These steps in order.
    Ordered(Order),
    /// Those of this rule, drawn by weight.
    Weighted(u8),
}

/// A decision, and whom it is true for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub class: Class,
    /// The length of the prefix around the client within which it is the same, as far as is known; never more than is known of the client.
    pub bits: u8,
    /// The rule that is for the client; none where the fallback is all there is. Not known of decisions that were compiled: rules that lead
    /// to the same are one there.
    pub rule: Option<u8>,
}

/// What a decision followed from.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    /// The rule that is for the client; none where the fallback is all there is.
    pub rule: Option<usize>,
    /// What is known of where the client is and from whom, and what is asked for and not known.
    pub located: Vec<String>,
    /// The pools of a rule that orders them by distance, the nearest first. Empty where that is not known.
    pub distances: Vec<Far>,
}

/// How far a pool is.
#[derive(Debug)]
pub(super) struct Far {
    pub pool: u16,
    pub kilometres: f64,
    /// As what that counts, by the bias.
    pub counted: f64,
    /// Whether it is among those that are tried.
    pub is_taken: bool,
}

/// See the module.
pub(super) struct Sections {
    spec: Spec,
    /// Which rules' `cidr` hold a client.
    prefixes: PrefixTrie,
    geo: Option<Arc<Geo>>,
    /// What is to be known of a client's place.
    wanted: Gives,
    /// None in it: there are too many.
    compiled: OnceLock<Option<Decisions>>,
}

/// Sections in use, so that equal ones are made and compiled once.
#[derive(Default)]
pub struct Shared {
    hasher: RandomState,
    known: Mutex<HashMap<u64, Vec<Weak<Sections>>>>,
}

impl Shared {
    /// The sections of this spec over these databases: those in use if there are.
    pub(super) fn sections(&self, spec: Spec, geo: Option<&Arc<Geo>>) -> Arc<Sections> {
        let hash = self.hasher.hash_one(&spec);
        let same = |one: &Arc<Sections>| one.spec == spec && one.is_over(geo);
        let found = |alike: &Vec<Weak<Sections>>| alike.iter().filter_map(Weak::upgrade).find(same);
        if let Some(found) = self.known().get(&hash).and_then(found) {
            return found;
        }
        // Not under the lock. Two zones that are read at one time may make them twice.
        let made = Arc::new(Sections::new(spec, geo.cloned()));
        self.known().entry(hash).or_default().push(Arc::downgrade(&made));
        made
    }

    /// Forgets sections that no policy has any more.
    pub fn forget_unused(&self) {
        self.known().retain(|_, alike| {
            alike.retain(|one| one.strong_count() > 0);
            !alike.is_empty()
        });
    }

    fn known(&self) -> MutexGuard<'_, HashMap<u64, Vec<Weak<Sections>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spec {
    /// What is to be known of a client's place.
    pub fn wanted(&self) -> Gives {
        let rules = || self.rules.iter();
        Gives {
            country: rules().any(|rule| !rule.country.is_empty()),
            continent: rules().any(|rule| !rule.continent.is_empty()),
            asn: rules().any(|rule| !rule.asn.is_empty()),
            location: rules().any(|rule| matches!(rule.leads, Leads::Nearest(_))),
        }
    }
}

impl Section {
    fn needs_place(&self) -> bool {
        !(self.asn.is_empty() && self.country.is_empty() && self.continent.is_empty())
    }

    /// Whether its prefixes alone decide: those of later rules do not matter to a client within them.
    fn is_prefixes_only(&self) -> bool {
        self.cidr.is_some() && !self.needs_place()
    }

    /// Whether its geographic keys hold for a place, one that is not known satisfying none; and for how long a prefix that is so.
    fn holds(&self, located: &Located) -> (bool, u8) {
        fn one<T: PartialEq + Copy>(list: &[T], field: Field<T>, bits: &mut u8) -> bool {
            if list.is_empty() {
                return true;
            }
            *bits = field.bits.max(*bits);
            field.value.is_some_and(|value| list.contains(&value))
        }
        let mut bits = 0;
        let holds = one(&self.asn, located.asn, &mut bits)
            && one(&self.country, located.country, &mut bits)
            && one(&self.continent, located.continent, &mut bits);
        (holds, bits)
    }
}

impl Near {
    /// How far it is from a place, as a share of the globe's radius; 0 where it has none.
    fn distance(&self, place: (f64, f64)) -> f64 {
        let degrees = |millionths: i32| f64::from(millionths) / 1e6;
        let own = self.location.map(|(latitude, longitude)| (degrees(latitude), degrees(longitude)));
        own.map_or(0.0, |own| place::distance(place, own))
    }

    /// As what a distance counts.
    fn biased(&self, distance: f64) -> f64 {
        distance * (1.0 - f64::from(self.bias) / 100.0)
    }
}

impl Nearest {
    /// The pools for a place, the nearest first; in the order of the list where it is not known.
    fn order(&self, place: Option<(f64, f64)>, steps: &mut Order) {
        let mut order = [(0.0, 0); limits::CHAIN_POOLS];
        let order = &mut order[..self.pools.len().min(limits::CHAIN_POOLS)];
        for (slot, near) in order.iter_mut().zip(&self.pools) {
            *slot = (place.map_or(0.0, |place| near.biased(near.distance(place))), near.pool);
        }
        if place.is_some() {
            // Stable and without allocation: the lists are short.
            for i in 1..order.len() {
                let mut at = i;
                while at > 0 && order[at - 1].0 > order[at].0 {
                    order.swap(at - 1, at);
                    at -= 1;
                }
            }
        }
        order.iter().skip(self.skip).take(self.take).for_each(|(_, pool)| steps.push(*pool));
    }
}

impl Sections {
    fn new(spec: Spec, geo: Option<Arc<Geo>>) -> Sections {
        let bit = |rule: usize| (1 as RuleSet) << rule;
        let rules = || spec.rules.iter().enumerate();
        let written =
            rules().flat_map(|(i, rule)| rule.cidr.iter().flatten().map(move |prefix| (*prefix, bit(i))));
        let decisive = rules().filter(|(_, rule)| rule.is_prefixes_only());
        let decisive = decisive.fold(0, |set, (i, _)| set | bit(i));
        let prefixes = PrefixTrie::new(&written.collect::<Vec<_>>(), decisive);
        let wanted = spec.wanted();
        Sections { prefixes, spec, geo, wanted, compiled: OnceLock::new() }
    }

    /// Whether it looks into the same data.
    fn is_over(&self, geo: Option<&Arc<Geo>>) -> bool {
        match (&self.geo, geo) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other) || own.is_same(other),
            (own, other) => own.is_none() && other.is_none(),
        }
    }

    /// The same over other data, where data matters and is not what it has.
    pub fn over(&self, geo: &Arc<Geo>, shared: &Shared) -> Option<Arc<Sections>> {
        let own = self.geo.as_ref()?;
        let other = own.over(geo);
        (!own.is_same(&other)).then(|| shared.sections(self.spec.clone(), Some(&other)))
    }

    /// What is decided for a client.
    pub fn decide(&self, client: &Client) -> Decision {
        let compiled = self.compiled.get().and_then(Option::as_ref);
        compiled.and_then(|decisions| decisions.find(client)).unwrap_or_else(|| self.work_out(client))
    }

    /// The decision by the sections as they are written: the first rule whose keys all hold.
    pub fn work_out(&self, client: &Client) -> Decision {
        let (held, prefix) = self.prefixes.find(client);
        let (mut located, mut scope) = (None, 0);
        let mut locate = || *located.get_or_insert_with(|| self.locate(client));
        // From then on the answer depends on so many bits.
        let mut depends = |bits: u8| scope = scope.max(bits).max(client.apart());
        let (mut steps, mut rule) = (Order::default(), None);
        for (i, section) in self.spec.rules.iter().enumerate() {
            if section.cidr.is_some() {
                depends(prefix);
                if held & (1 as RuleSet) << i == 0 {
                    continue;
                }
            }
            if section.needs_place() {
                let (holds, bits) = section.holds(&locate());
                depends(bits);
                if !holds {
                    continue;
                }
            }
            rule = Some(i as u8);
            match &section.leads {
                Leads::Ordered(list) => list.iter().for_each(|step| steps.push(*step)),
                Leads::Nearest(nearest) => {
                    let place = locate().place;
                    depends(place.bits);
                    nearest.order(place.value, &mut steps);
                }
                Leads::Weighted => {
                    return Decision { class: Class::Weighted(i as u8), bits: scope.min(client.bits), rule };
                }
            }
            break;
        }
        self.spec.fallback.iter().for_each(|step| steps.push(*step));
        Decision { class: Class::Ordered(steps), bits: scope.min(client.bits), rule }
    }

    /// The place of a client.
    fn locate(&self, client: &Client) -> Located {
        self.geo.as_ref().map_or_else(Located::default, |geo| geo.locate(client.address, self.wanted))
    }

    /// Why it is decided so for a client.
    pub fn reasons(&self, client: &Client) -> Reasons {
        // What is compiled is true for all of the client's prefix, so that any address in it shows by which rule.
        let compiled = self.compiled.get().and_then(Option::as_ref);
        let is_compiled = compiled.is_some_and(|decisions| decisions.find(client).is_some());
        let one = if is_compiled { Client::plain(client.address) } else { *client };
        let rule = self.work_out(&one).rule.map(usize::from);
        let located = self.locate(client);
        let mut lines = self.geo.as_ref().map_or_else(Vec::new, |geo| geo.explain(client.address));
        let unknown = self.wanted.lacking(located.known());
        lines.extend((!unknown.is_empty()).then(|| format!("nobody says its {}", unknown.join(" and "))));
        let nearest = rule.and_then(|rule| match &self.spec.rules[rule].leads {
            Leads::Nearest(nearest) => Some(nearest),
            _ => None,
        });
        let mut pools: Vec<(f64, &Near)> = match (nearest, located.place.value) {
            (Some(nearest), Some(place)) => {
                nearest.pools.iter().map(|near| (near.distance(place), near)).collect()
            }
            _ => Vec::new(),
        };
        pools.sort_by(|(a, one), (b, other)| one.biased(*a).total_cmp(&other.biased(*b)));
        let window = nearest.map_or(0..0, |nearest| nearest.skip..nearest.skip + nearest.take);
        let far = |(i, (far, near)): (usize, &(f64, &Near))| Far {
            pool: near.pool,
            kilometres: far * place::EARTH_RADIUS,
            counted: near.biased(*far) * place::EARTH_RADIUS,
            is_taken: window.contains(&i),
        };
        Reasons { rule, located: lines, distances: pools.iter().enumerate().map(far).collect() }
    }

    /// Works out every decision there is, if they fit into so many octets: from then on they are looked up. Takes up to seconds where
    /// databases are large. Returns how many octets they take; none when they do not fit.
    pub fn compile(&self, octets: usize) -> Option<usize> {
        let work_out = |client: &Client| self.work_out(client);
        self.compiled.get_or_init(|| Decisions::new(work_out, octets)).as_ref().map(Decisions::octets)
    }

    /// How many prefixes of IPv4 and IPv6 were compiled, and how many octets they take.
    pub fn compiled(&self) -> Option<([usize; 2], usize)> {
        let decisions = self.compiled.get()?.as_ref()?;
        Some((decisions.prefixes(), decisions.octets()))
    }
}
