//! Rules of routes: whom they are for, and what of them has no effect.

use super::tests::{check_route, check_route_with};

#[test]
fn a_rule_whose_clients_are_all_taken_before_is_told() {
    for (rules, told) in [
        ("{ cidr = \"10.0.0.0/8\", use = \"a\" }, { cidr = \"10.1.0.0/16\", asn = 1, use = \"b\" }", 1),
        (
            "{ cidr = \"10.0.0.0/9\", use = \"a\" }, { cidr = \"10.128.0.0/9\", use = \"a\" }, { cidr = \"10.0.0.0/8\", use = \"b\" }",
            1,
        ),
        ("{ cidr = \"10.1.0.0/16\", use = \"a\" }, { cidr = \"10.0.0.0/8\", use = \"b\" }", 0),
        (
            "{ asn = [1, 2], use = \"a\" }, { asn = [3], use = \"a\" }, { asn = [3, 1], use = \"b\" }, { asn = 4, use = \"b\" }",
            1,
        ),
        ("{ asn = 1, cidr = \"10.0.0.0/8\", use = \"a\" }, { asn = 1, use = \"b\" }", 0),
        ("{ asn = 1, use = \"a\" }, { asn = 1, use = \"b\" }, { asn = 1, use = \"b\" }", 2),
        ("{ asn = 1, use = \"a\" }, { cidr = \"10.0.0.0/8\", use = \"b\" }", 0),
    ] {
        check_route(
            &format!("route.r.rule = [{rules}]"),
            &["warning 4: a rule of route r is never tried"].repeat(told),
        );
    }
}

#[test]
fn a_route_is_no_pool() {
    let text = "records.v = { pool = \"r\" }\nroute.r.fallback = \"a\"";
    check_route(text, &["error 4: there is no pool named \"r\"..r is a route"]);
}

#[test]
fn some_of_the_nearest_are_left() {
    check_route("route.r.rule = [{ nearest = [\"a\"], skip = 1 }]", &["expected a number from 0 to 0"]);
    check_route("route.r.rule = [{ use = \"a\", take = 1 }]", &["take goes with nearest"]);
}

#[test]
fn networks_of_the_config_are_as_good_as_those_of_the_zone() {
    let lab = "network.lab = { cidr = \"10.0.0.0/8\", country = \"DE\" }\n";
    let rules = "route.r.rule = [{ cidr = \"@lab\", use = \"a\" }, { country = \"DE\", use = \"b\" }]";
    // A rule for a network leaves something to the next, and a place may be known from networks alone.
    check_route_with(lab, rules, &[]);
    check_route(&format!("{lab}{rules}"), &[]);
    let elsewhere =
        "route.r.rule = [{ cidr = \"@lab\", use = \"a\" }, { cidr = \"10.1.0.0/16\", use = \"b\" }]";
    check_route_with(lab, elsewhere, &["warning 4: a rule of route r is never tried"]);
    let nowhere = "network.lab.cidr = \"10.0.0.0/8\"";
    check_route_with(nowhere, rules, &["warning 4: route r asks where clients are"]);
}

#[test]
fn clients_that_there_cannot_be_are_told() {
    for (rule, told) in [
        (
            "cidr = \"::ffff:192.0.2.0/120\"",
            Some("no client is in ::ffff:192.0.2.0/120..write \"192.0.2.0/24\""),
        ),
        ("cidr = \"64:ff9b::/96\"", Some("no client is in 64:ff9b::/96..name IPv4 prefixes")),
        (
            "cidr = [\"2001:db8::/32\", \"2002:c000:200::/40\"]",
            Some("no client is in 2002:c000:200::/40..write \"192.0.2.0/24\""),
        ),
        ("cidr = [\"2002::/15\", \"::/0\"]", None),
        ("country = [\"DE\", \"UK\"]", Some("no country has the code UK..GB for")),
        ("country = [\"XK\", \"EU\", \"gb\"]", None),
    ] {
        let told: Vec<String> = told.iter().map(|told| format!("warning 4: {told}")).collect();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        check_route(&format!("route.r.rule = [{{ {rule}, use = \"a\" }}]"), &told);
    }
}
