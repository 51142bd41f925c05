//! Decisions compiled and worked out are the same, and a scope is as short as can be.

use super::sections::{Class, Sections};
use super::tests::{choose, client, steering};
use super::tests_of_geo::{database, geo};
use super::*;
use crate::config::{Config, Diagnostics, ZoneFile};
use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::path::Path;

const POOLS: &str = "
[pool.p0]\nmembers = [\"192.0.2.1\"]\nlocation = \"50.1,8.7\"
[pool.p1]\nmembers = [\"192.0.2.2\"]\nlocation = \"38.9,-77.0\"
[pool.p2]\nmembers = [\"192.0.2.3\"]\nlocation = \"35.7,139.7\"
";

/// A route over [`POOLS`].
fn route(rules: &str, geo: Option<&Arc<Geo>>) -> Steering {
    steering("a = { route = \"r\" }", &format!("{POOLS}[route.r]\nfallback = [\"p0\", \"p1\"]\n{rules}"), geo)
}

fn sections(steering: &Steering) -> &Sections {
    &steering.policy.routes[0].sections
}

/// The world of these tests has 12 bits, below 10.0.0.0/20; elsewhere nothing is said of anybody.
fn address(n: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 | n)
}

/// A prefix of this world.
fn prefix() -> impl Strategy<Value = String> {
    (0u32..1 << 12, 1u8..=12)
        .prop_map(|(n, bits)| ipnet::IpNet::new(address(n).into(), 20 + bits).unwrap().trunc().to_string())
}

fn record() -> impl Strategy<Value = serde_json::Value> {
    let places = prop::sample::select(vec![
        ("DE", 50.0, 8.0),
        ("AT", 48.0, 16.0),
        ("US", 40.0, -80.0),
        ("JP", 36.0, 140.0),
    ]);
    (places, 64_500u32..64_503).prop_map(|((country, latitude, longitude), asn)| {
        serde_json::json!({"country": country, "asn": asn, "lat": latitude, "lon": longitude})
    })
}

fn rule() -> impl Strategy<Value = String> {
    let keys = prop_oneof![
        prefix().prop_map(|prefix| format!("cidr = \"{prefix}\"\n")),
        prop::sample::select(vec!["DE\", \"US", "AT", "JP\", \"DE"])
            .prop_map(|code| format!("country = [\"{code}\"]\n")),
        (64_500u32..64_503).prop_map(|asn| format!("asn = {asn}\n")),
        (prefix(), 64_500u32..64_503).prop_map(|(prefix, asn)| format!("cidr = \"{prefix}\"\nasn = {asn}\n")),
        (0u8..1).prop_map(|_| String::new()),
    ];
    let action = prop::sample::select(vec![
        "use = \"p0\"",
        "use = [\"p1\", \"p0\"]",
        "use = [{ pool = \"p0\", weight = 1 }, { pool = \"p2\", weight = 1 }]\nsticky = \"client/8\"",
        "nearest = [\"p0\", \"p1\", \"p2\"]",
        "nearest = [\"p2\", \"p1\", \"p0\"]\nbias = { p1 = 90 }\nskip = 1\ntake = 1",
    ]);
    (keys, action).prop_map(|(keys, action)| format!("[[route.r.rule]]\n{keys}{action}\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn compiled_decisions_are_those_worked_out_and_their_prefixes_the_widest(
        rules in prop::collection::vec(rule(), 1..6),
        records in prop::collection::vec((prefix(), record()), 1..12),
    ) {
        let records: Vec<(&str, _)> = records.iter().map(|(prefix, record)| (prefix.as_str(), record.clone())).collect();
        let steering = route(&rules.concat(), Some(&geo(&[&database(&records)])));
        let sections = sections(&steering);
        // Everywhere else is decided alike.
        let outside = sections.work_out(&client("172.16.0.1")).class;
        let by_hand: Vec<Class> =
            (0..1 << 12).map(|n| sections.work_out(&client(&address(n).to_string())).class).collect();
        prop_assert!(sections.compile(1 << 20).is_some());
        for (n, class) in by_hand.iter().enumerate() {
            let decision = sections.decide(&client(&address(n as u32).to_string()));
            prop_assert_eq!(decision.class, *class);
            // All within the prefix are decided alike, and not all within the one that is a bit shorter.
            let alike = |bits: u8| match bits {
                0..20 => by_hand.iter().all(|other| *other == outside),
                bits => {
                    let size = 1 << (32 - bits);
                    by_hand[n / size * size..][..size].iter().all(|other| other == class)
                }
            };
            prop_assert!(alike(decision.bits), "{} is not alike within /{}", address(n as u32), decision.bits);
            prop_assert!(decision.bits == 0 || !alike(decision.bits - 1), "{}: /{} is too long", address(n as u32), decision.bits);
        }
        // Of whom less is known than decides is decided as before.
        for bits in 18..32 {
            let wide = client(&format!("10.0.0.0/{bits}"));
            let (found, worked_out) = (sections.decide(&wide), sections.work_out(&wide));
            prop_assert!(found.bits <= bits);
            prop_assert!(found.class == worked_out.class || found.bits < bits || alike_below(&by_hand, bits, found.class));
        }
    }
}

/// Whether all within the first prefix of this length are decided so.
fn alike_below(by_hand: &[Class], bits: u8, class: Class) -> bool {
    by_hand.iter().take(1 << (32 - u32::from(bits.max(20)))).all(|other| *other == class)
}

#[test]
fn rules_that_lead_to_the_same_are_one_for_the_scope() {
    let check = |rules: &str, from: &str, scope: u8| {
        let steering = route(rules, None);
        assert!(sections(&steering).compile(1 << 20).is_some());
        assert_eq!(choose(&steering, Family::V4, from, 0).scope, scope, "{rules} for {from}");
    };
    let halves = "[[route.r.rule]]\ncidr = \"10.0.0.0/9\"\nuse = \"p1\"\n[[route.r.rule]]\ncidr = \"10.128.0.0/9\"\nuse = \"p1\"\n";
    check(halves, "10.1.1.1", 8);
    check(halves, "11.1.1.1", 8);
    // The fallback says the same as the rule.
    let same = "[[route.r.rule]]\ncidr = \"10.0.0.0/9\"\nuse = [\"p0\", \"p1\"]\n";
    check(same, "10.1.1.1", 0);
    check(same, "2001:db8::1", 0);
    check("[[route.r.rule]]\ncidr = \"2001:db8::/32\"\nuse = \"p1\"\n", "2001:db8::1", 32);
    check("[[route.r.rule]]\ncidr = \"2001:db8::/32\"\nuse = \"p1\"\n", "192.0.2.1", 0);
    // Nobody is told apart by such an address: what is embedded there is.
    check("[[route.r.rule]]\ncidr = \"::ffff:0:0/96\"\nuse = \"p1\"\n", "2001:db8::1", 0);
}

#[test]
fn ipv6_is_apart_from_the_ipv4_within_it_where_that_is_decided_otherwise() {
    let check = |rules: &str, from: &str, scope: u8| {
        let steering = route(rules, None);
        assert!(sections(&steering).compile(1 << 20).is_some());
        assert_eq!(choose(&steering, Family::V4, from, 0).scope, scope, "{rules} for {from}");
    };
    let v4 = "[[route.r.rule]]\ncidr = \"10.0.0.0/9\"\nuse = \"p1\"\n";
    for (from, scope) in [
        // 2002::/16 begins like it.
        ("2001:db8::1", 15),
        ("2a00::1", 5),
        ("fd00::1", 1),
        // And 64:ff9b::/96 like this.
        ("64:ff9b::1:0:0:0", 80),
        ("2002:a00:1::", 25),
        ("::ffff:10.128.0.1", 105),
        ("64:ff9b::11.0.0.1", 96 + 8),
        ("10.0.0.1", 9),
    ] {
        check(v4, from, scope);
    }
    let v6 = "[[route.r.rule]]\ncidr = \"2001:db8::/32\"\nuse = \"p1\"\n";
    for (from, scope) in [("2002:a00:1::", 16), ("10.0.0.1", 0), ("2001:db8::1", 32), ("fd00::1", 1)] {
        check(v6, from, scope);
    }
}

/// IPv6 addresses, some of which have an IPv4 address of this world in them.
fn v6_addresses() -> Vec<String> {
    let embedded = (0..1u32 << 12).step_by(0x2b).flat_map(|n| {
        let [a, b, c, d] = address(n).octets();
        let v4 = address(n);
        [format!("2002:{a:x}{b:02x}:{c:x}{d:02x}::1"), format!("::ffff:{v4}"), format!("64:ff9b::{v4}")]
    });
    let others = [
        "::1",
        "::fffe:0:1",
        "::1:0:0:0",
        "64:ff9a::1",
        "64:ff9b::1:0:0:0",
        "64:ff9b:1::1",
        "2001::1",
        "2001:db8::1",
        "2001:db8:8000::1",
        "2003::1",
        "2a00::1",
        "fd00::1",
    ];
    embedded.chain(others.map(str::to_owned)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn all_within_an_answers_scope_are_answered_alike_whatever_they_have_within(
        rules in prop::collection::vec(rule(), 0..4),
        v6 in prop::sample::subsequence(vec!["2001:db8::/33", "2001:db8::/32", "2000::/4", "::/0", "fc00::/7"], 0..3),
        records in prop::collection::vec((prefix(), record()), 1..4),
    ) {
        let v6: String = v6.iter().map(|net| format!("[[route.r.rule]]\ncidr = \"{net}\"\nuse = \"p1\"\n")).collect();
        let records: Vec<(&str, _)> = records.iter().map(|(prefix, record)| (prefix.as_str(), record.clone())).collect();
        let steering = route(&(v6 + &rules.concat()), Some(&geo(&[&database(&records)])));
        let addresses = v6_addresses();
        for compiled in [false, true] {
            prop_assert!(!compiled || sections(&steering).compile(1 << 20).is_some());
            let answers: Vec<_> = addresses.iter().map(|from| choose(&steering, Family::V4, from, 0)).collect();
            for (from, answer) in addresses.iter().zip(&answers) {
                let within = ipnet::Ipv6Net::new(from.parse().unwrap(), answer.scope).unwrap();
                for (other, its) in addresses.iter().zip(&answers) {
                    let alike = !within.contains(&other.parse::<std::net::Ipv6Addr>().unwrap()) || its.pool == answer.pool;
                    prop_assert!(alike, "{} and {} within /{}, compiled: {}", from, other, answer.scope, compiled);
                }
            }
            // Prefixes of which less is known than decides have the scope that they have; others are decided like all within theirs.
            for (i, from) in addresses.iter().enumerate().step_by(5) {
                let bits = [10, 12, 15, 16, 20, 32, 40, 48, 56, 64, 80, 96, 104, 112][i / 5 % 14];
                let net = ipnet::Ipv6Net::new(from.parse().unwrap(), bits).unwrap().trunc();
                let answer = choose(&steering, Family::V4, &net.to_string(), 0);
                prop_assert!(answer.scope <= bits, "{}", net);
                let within = ipnet::Ipv6Net::new(net.addr(), answer.scope).unwrap();
                for (other, its) in addresses.iter().zip(&answers).filter(|_| answer.scope < bits) {
                    let alike = !within.contains(&other.parse::<std::net::Ipv6Addr>().unwrap()) || its.pool == answer.pool;
                    prop_assert!(alike, "{} and {} within /{}, compiled: {}", net, other, answer.scope, compiled);
                }
            }
        }
    }
}

#[test]
fn equal_sections_are_one_whatever_their_pools_are_called() {
    let shared = Shared::default();
    let mut diagnostics = Diagnostics::default();
    let mut compile = |pools: [&str; 2], rule: &str| {
        let [a, b] = pools;
        let text = format!(
            "records.a = {{ route = \"{a}-{b}\" }}\n[pool.{a}]\nmembers = [\"192.0.2.1\"]\n[pool.{b}]\nmembers = [\"192.0.2.2\"]\n\
             [route.{a}-{b}]\nfallback = [\"{b}\"]\nrule = [{{ {rule}, use = \"{a}\" }}]\n"
        );
        let config = Config::parse("", Path::new("waymark.toml"), &mut diagnostics);
        let file = ZoneFile::parse(&text, Path::new("example.toml"), &config, &mut diagnostics);
        Policy::compile(&file, None, &shared, &mut diagnostics).0
    };
    let one = compile(["eu", "us"], "cidr = \"10.0.0.0/8\"");
    let sections = |policy: &Policy| Arc::as_ptr(&policy.routes[0].sections);
    assert_eq!(sections(&one), sections(&compile(["left", "right"], "cidr = \"10.0.0.0/8\"")));
    assert_ne!(sections(&one), sections(&compile(["eu", "us"], "cidr = \"10.0.0.0/9\"")));
    let gone = Arc::downgrade(&one.routes[0].sections);
    drop(one);
    assert!(gone.upgrade().is_none(), "nothing keeps them when no route has them");
}

#[test]
fn decisions_that_do_not_fit_are_worked_out_and_told() {
    let rules: String = (0..60)
        .map(|n| format!("[[route.r.rule]]\ncidr = \"10.{n}.0.0/16\"\nuse = \"p{}\"\n", n % 3))
        .collect();
    let (small, large) = (route(&rules, None), route(&rules, None));
    assert_eq!(sections(&small).compile(500), None);
    assert!(sections(&large).compile(100_000).is_some_and(|octets| octets > 500));
    for n in 0..64 {
        let from = client(&format!("10.{n}.1.1"));
        assert_eq!(sections(&small).decide(&from).class, sections(&large).decide(&from).class, "{n}");
    }
    let told = |policies: &[Steering]| compile_decisions(policies).into_iter().collect::<Vec<_>>();
    assert_eq!(told(&[small.clone(), large]), ["r of example."]);
    assert_eq!(told(&[small]), ["r of example."], "it is not tried again");
}
