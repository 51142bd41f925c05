//! Rules that are never tried: those before them are for all of their clients.

use super::{Diagnostics, NetworkSpec, RouteSpec, RuleSpec, ZoneFile, continent_of};
use ipnet::IpNet;

/// Whether a rule is for everyone.
pub(super) fn is_for_everyone(rule: &RuleSpec, networks: &[&NetworkSpec]) -> bool {
    Clients::of(rule, networks).keys() == 0
}

/// Warns of every such rule.
pub(super) fn warn(zone: &ZoneFile, networks: &[&NetworkSpec], diagnostics: &mut Diagnostics) {
    for route in &zone.routes {
        let rules: Vec<Clients> = route.rules.iter().map(|rule| Clients::of(rule, networks)).collect();
        for (i, rule) in rules.iter().enumerate() {
            let (before, span) = (&rules[..i], route.rules[i].span);
            if let Some(why) = never_tried(rule, before) {
                tell(route, span, why, diagnostics);
            }
        }
    }
}

fn tell(route: &RouteSpec, span: super::Span, why: &str, diagnostics: &mut Diagnostics) {
    let message = format!("a rule of route {} is never tried", route.name.value);
    diagnostics.warning(Some(span), message).help = Some(why.into());
}

/// Whom a rule is for. None is a key that is not written.
struct Clients {
    cidr: Option<Vec<IpNet>>,
    asn: Option<Vec<u32>>,
    country: Option<Vec<[u8; 2]>>,
    continent: Option<Vec<[u8; 2]>>,
}

impl Clients {
    fn of(rule: &RuleSpec, networks: &[&NetworkSpec]) -> Clients {
        fn written<T: Clone>(list: &[T]) -> Option<Vec<T>> {
            (!list.is_empty()).then(|| list.to_vec())
        }
        let named = rule
            .networks
            .iter()
            .filter_map(|name| networks.iter().find(|network| network.name.value == name.value))
            .flat_map(|network| &network.cidr);
        let cidr: Vec<IpNet> = rule.cidr.iter().chain(named).copied().collect();
        // All of both families is no key.
        let all = IpNet::aggregate(&cidr).iter().filter(|prefix| prefix.prefix_len() == 0).count() == 2;
        Clients {
            cidr: written(&cidr).filter(|_| !all),
            asn: written(&rule.asn),
            country: written(&rule.country),
            continent: written(&rule.continent),
        }
    }

    /// How many keys are written.
    fn keys(&self) -> usize {
        let others =
            [self.asn.is_some(), self.country.is_some(), self.continent.is_some(), self.cidr.is_some()];
        others.into_iter().filter(|written| *written).count()
    }

    /// Whether all of another rule's clients are its own, too.
    fn covers(&self, other: &Clients) -> bool {
        fn all<T: PartialEq>(own: Option<&Vec<T>>, other: Option<&Vec<T>>) -> bool {
            own.is_none_or(|own| other.is_some_and(|other| other.iter().all(|value| own.contains(value))))
        }
        let cidr = self.cidr.as_ref().is_none_or(|own| {
            let own = IpNet::aggregate(own);
            let held = |prefix: &IpNet| own.iter().any(|wider| wider.contains(prefix));
            other.cidr.as_ref().is_some_and(|other| other.iter().all(held))
        });
        // A country is all in one continent.
        let of_countries = || -> Option<Vec<[u8; 2]>> {
            other.country.as_ref()?.iter().map(|country| continent_of(*country)).collect()
        };
        cidr && all(self.asn.as_ref(), other.asn.as_ref())
            && all(self.country.as_ref(), other.country.as_ref())
            && (all(self.continent.as_ref(), other.continent.as_ref())
                || all(self.continent.as_ref(), of_countries().as_ref()))
    }
}

/// Why a rule is never tried after others.
fn never_tried(rule: &Clients, before: &[Clients]) -> Option<&'static str> {
    if before.iter().any(|earlier| earlier.keys() == 0) {
        return Some("one before it has no match key, so it is for everyone: put that one last");
    }
    // Rules of one and the same key are together for all of their values.
    let alone = || before.iter().filter(|earlier| earlier.keys() == 1);
    fn merged<'c, T: Clone + 'c>(lists: impl Iterator<Item = &'c Option<Vec<T>>>) -> Option<Vec<T>> {
        let merged: Vec<T> = lists.flatten().flatten().cloned().collect();
        (!merged.is_empty()).then_some(merged)
    }
    let none = || Clients { cidr: None, asn: None, country: None, continent: None };
    let together = [
        Clients { cidr: merged(alone().map(|rule| &rule.cidr)), ..none() },
        Clients { asn: merged(alone().map(|rule| &rule.asn)), ..none() },
        Clients { country: merged(alone().map(|rule| &rule.country)), ..none() },
        Clients { continent: merged(alone().map(|rule| &rule.continent)), ..none() },
    ];
    let together = together.iter().filter(|earlier| earlier.keys() == 1);
    let covered = before.iter().chain(together).any(|earlier| earlier.covers(rule));
    covered.then_some("those before it are for all of its clients: put it before them, or leave it out")
}
