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
        // A country is in its continent, and all of both families is everyone.
        ("{ continent = \"EU\", use = \"a\" }, { country = [\"DE\", \"FR\"], use = \"b\" }", 1),
        ("{ continent = \"EU\", use = \"a\" }, { country = [\"DE\", \"US\"], use = \"b\" }", 0),
        ("{ country = \"DE\", use = \"a\" }, { continent = \"EU\", use = \"b\" }", 0),
        (
            "{ continent = [\"EU\", \"NA\"], use = \"a\" }, { country = [\"DE\", \"US\"], asn = 1, use = \"b\" }",
            1,
        ),
        ("{ cidr = [\"0.0.0.0/0\", \"::/0\"], use = \"a\" }, { asn = 1, use = \"b\" }", 1),
        ("{ cidr = [\"0.0.0.0/1\", \"::/0\", \"128.0.0.0/1\"], use = \"a\" }, { use = \"b\" }", 1),
        ("{ cidr = \"0.0.0.0/0\", use = \"a\" }, { use = \"b\" }", 0),
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

#[test]
fn what_is_in_a_list_twice_is_told() {
    for rule in [
        "use = [\"a\", \"b\", \"a\"]",
        "use = [{ pool = \"a\", weight = 1 }, { pool = \"a\", weight = 2 }]",
        "nearest = [\"a\", \"a\"]",
    ] {
        check_route(&format!("route.r.rule = [{{ {rule} }}]"), &["error 4: a is in this list twice"]);
    }
    let members =
        "[{ address = \"192.0.2.9\", id = \"x\" }, { address = \"192.0.2.9\", id = \"y\", weight = 2 }]";
    check_route(
        &format!("route.r.fallback = \"c\"\npool.c.members = {members}"),
        &["error 5: the address of y is that of x, too..write it once"],
    );
}

#[test]
fn what_has_no_effect_is_told() {
    let check = |text: &str, told: &[&str]| {
        let told: Vec<String> = told.iter().map(|told| format!("warning {told}")).collect();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        check_route(text, &told);
    };
    let alias = "pool.c.cname = \"other.example.\"\n";
    check(
        &format!("{alias}route.r.rule = {{ use = [\"a\", \"c\", \"b\"] }}"),
        &["5: b is never tried: c before it is a cname..put it last"],
    );
    check(
        &format!("{alias}route.r.fallback = [\"c\", \"a\"]"),
        &["5: a is never tried: c before it is a cname"],
    );
    check(&format!("{alias}route.r.fallback = [\"a\", \"c\"]"), &[]);
    let weights = "[{ pool = \"c\", weight = 1 }, { pool = \"a\", weight = 1 }]";
    check(&format!("{alias}route.r.rule = {{ use = {weights} }}"), &[]);
    let inner = "route.r.fallback = \"inner\"\nroute.inner = { fallback = \"a\", on_all_down = \"none\" }";
    check(inner, &["5: on_all_down of route inner has no effect: no name refers to it..write it there"]);
    check("route.r = { fallback = \"a\", on_all_down = \"none\" }", &[]);
    let probed =
        "pool.c.members = { address = \"192.0.2.9\", probe = \"192.0.2.8\" }\nroute.r.fallback = \"c\"";
    check(probed, &["4: probe has no effect: pool c has no check..check = \"NAME\""]);
    let networks = |country: &str| {
        format!(
            "network.x = {{ cidr = \"10.0.0.0/8\", country = \"DE\" }}\nnetwork.y = {{ cidr = \"10.0.0.0/8\", country = \"{country}\" }}\n\
             route.r.fallback = \"a\""
        )
    };
    check(
        &networks("FR"),
        &["5: network y says where 10.0.0.0/8 is, as network x does..what x says goes first"],
    );
    check(&networks("DE"), &[]);
}
