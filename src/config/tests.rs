//! What is told of files: the cases are data, one check for all.

use super::*;
use std::path::Path;

/// Each thing told as "error LINE: MESSAGE; LABEL; HELP", without what is empty.
fn told(diagnostics: &Diagnostics) -> Vec<String> {
    let texts = diagnostics.iter().map(|told| {
        let severity = if told.severity == Severity::Error { "error" } else { "warning" };
        let line = told.span.map(|span| diagnostics.place(span)).unwrap_or_default();
        let line = line.rsplit(':').nth(1).unwrap_or_default().to_owned();
        let parts = [told.message.as_str(), &told.label, told.help.as_deref().unwrap_or_default()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{severity} {line}: {}", parts.join("; "))
    });
    texts.collect()
}

/// Exactly this is told, in any order: of each the parts between "..", in their order.
fn check(of: &str, diagnostics: &Diagnostics, wanted: &[&str]) {
    let told = told(diagnostics);
    let fits = |text: &str, wanted: &str| {
        wanted.split("..").try_fold(text, |rest, part| Some(rest.split_once(part)?.1)).is_some()
    };
    let missing: Vec<_> =
        wanted.iter().filter(|wanted| !told.iter().any(|text| fits(text, wanted))).collect();
    let same = missing.is_empty() && told.len() == wanted.len();
    assert!(same, "of\n{of}\nwas told\n  {}\nmissing {missing:#?}", told.join("\n  "));
    // Whatever is told can be shown.
    assert!(told.is_empty() || !diagnostics.render(false).is_empty());
}

fn config(text: &str) -> (Config, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let config = Config::parse(text, Path::new("config/waymark.toml"), &mut diagnostics);
    (config, diagnostics)
}

pub(super) fn check_config(text: &str, wanted: &[&str]) {
    check(text, &config(text).1, wanted);
}

/// With a geographic database wanted, so that the cases need not be told that there is none.
pub(super) fn zone(text: &str, located: bool) -> (ZoneFile, Diagnostics) {
    let mut config = config("").0;
    config.geo.wanted = located;
    zone_with(&config, text)
}

fn zone_with(config: &Config, text: &str) -> (ZoneFile, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let zone = ZoneFile::parse(text, Path::new("example.com.toml"), config, &mut diagnostics);
    (zone, diagnostics)
}

pub(super) fn check_zone(text: &str, wanted: &[&str]) {
    check(text, &zone(text, true).1, wanted);
}

/// A name steered by the route r; what is said of r comes after it, from line 4 on. There are pools a and b, which r need not use.
pub(super) fn check_route(text: &str, wanted: &[&str]) {
    check_route_with("geo.database = \"nowhere.mmdb\"", text, wanted);
}

/// The same with a config.
pub(super) fn check_route_with(of_config: &str, text: &str, wanted: &[&str]) {
    let pools =
        "pool.a = { members = [\"192.0.2.1\"], location = \"1,1\" }\npool.b.members = [\"192.0.2.2\"]\n";
    let text = format!("records.w = {{ route = \"r\" }}\n{pools}{text}");
    let mut diagnostics = zone_with(&config(of_config).0, &text).1;
    let is_aside = |told: &str| told.starts_with("nothing uses") || told.contains("no pool for clients");
    diagnostics.list.retain(|told| !is_aside(&told.message));
    check(&text, &diagnostics, wanted);
}

/// Files of a directory, the first of which is the zone.
fn check_files(files: &[(&str, &str)], wanted: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let mut diagnostics = Diagnostics::default();
    ZoneFile::load(&directory.path().join(files[0].0), &config("").0, &mut diagnostics);
    check(&format!("{files:#?}"), &diagnostics, wanted);
}

#[test]
fn the_config_of_the_repository_gives_no_warning() {
    check_config(include_str!("../../config/waymark.toml"), &[]);
}

#[test]
fn a_bad_level_is_told() {
    for good in
        ["info", "INFO", "off", "info,waymark::net=debug", "waymark=trace, warn", "hyper[request]=info"]
    {
        check_config(&format!("log.level = \"{good}\""), &[]);
    }
    check_config(
        "log.level = \"inof\"",
        &["error 1: \"inof\" is not a level; levels are off.. did you mean \"info\"?"],
    );
    check_config("log.level = \"info,waymark=debg\"", &["\"debg\" is not a level..did you mean \"debug\"?"]);
    check_config("log.level = \"waymark::net\"", &["needs a level: \"waymark::net=debug\""]);
    check_config("log.level = \"\"", &["\"\" is not a level"]);
}

#[test]
fn a_field_of_a_database_is_at_most_three_keys_deep() {
    check_config("geo.fields = { country = \"a.b.c\", asn = \"asn\" }", &[]);
    check_config("geo.fields = { country = \"a.b.c.d\" }", &["at most three"]);
    check_config("geo.fields = { country = \"a..b\" }", &["at most three"]);
}

#[test]
fn validation_has_the_built_in_anchors_unless_others_or_none_are_named() {
    let resolver = |text: &str| {
        let (config, diagnostics) = config(&format!("[resolver]\n{text}"));
        check(text, &diagnostics, &[]);
        config.resolver
    };
    let all = resolver("");
    assert_eq!(all.anchors, Anchors::builtin());
    assert!(all.aggressive_nsec && all.sentinel && all.anchor_signal && all.rfc5011);
    let none = resolver(
        "trust_anchors = \"none\"\nnegative_trust_anchors = []\naggressive_nsec = false\nsentinel = false\n\
         anchor_signal = false\nrfc5011 = false\nqname_minimisation = \"off\"\n",
    );
    assert!(!none.anchors.validates());
    assert!(!(none.aggressive_nsec || none.sentinel || none.anchor_signal || none.rfc5011));
    let off = resolver("negative_trust_anchors = [\"corp.example\", \"lab.\"]\ntrust_anchors = \"builtin\"");
    let names: Vec<String> = off.anchors.negatives().map(|negative| negative.name.to_string()).collect();
    assert_eq!(names, ["corp.example.", "lab."]);
    assert!(off.anchors.validates() && off.anchors.negatives().all(|n| n.configured && n.until.is_none()));
    for (validate, meant) in [("", true), (", validate = true", true), (", validate = false", false)] {
        let stub = resolver(&format!("stub = {{ zone = \"a\", servers = \"192.0.2.1\"{validate} }}"));
        assert_eq!(stub.upstreams[0].validate, meant, "{validate}");
    }
    for (text, told) in [
        ("trust_anchors = \"biultin\"", "error 2: there is no file..did you mean \"builtin\"?"),
        ("trust_anchors = \"no/such/file\"", "error 2: ..No such file"),
        ("trust_anchors = true", "error 2: expected a string"),
        ("negative_trust_anchors = \"a..b\"", "error 2: \"a..b\" is not a name"),
        ("negative_trust_anchors = [\"a\", \"A.\"]", "error 2: A. is listed twice"),
        ("sentinel = \"yes\"", "error 2: expected true or false"),
        ("stub = { zone = \"a\", servers = \"192.0.2.1\", validate = 1 }", "error 2: expected true or false"),
    ] {
        check_config(&format!("[resolver]\n{text}"), &[told]);
    }
}

#[test]
fn what_is_wrong_in_a_file_of_trust_anchors_is_told_with_its_place_there() {
    let directory = tempfile::tempdir().unwrap();
    let load = |anchors: &str| {
        std::fs::write(directory.path().join("root.key"), anchors).unwrap();
        let text = "resolver.trust_anchors = \"root.key\"";
        let mut diagnostics = Diagnostics::default();
        let config = Config::parse(text, &directory.path().join("waymark.toml"), &mut diagnostics);
        (config.resolver.anchors, diagnostics)
    };
    let good = "; the root\n. DS 1 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n";
    let (anchors, diagnostics) = load(good);
    check(good, &diagnostics, &[]);
    assert!(anchors.validates() && anchors.source().ends_with("/root.key"));
    let bad = format!("{good}a. DNSKEY 385 3 8 AwEAAa96\nb. DNSKEY 257 3 253 AwEAAa96\n");
    let (_, diagnostics) = load(&bad);
    let told = ["error 3: the key with the tag..is revoked..remove it", "warning 4: ..no effect"];
    check(&bad, &diagnostics, &told);
    let shown = diagnostics.render_each().map(|(_, text)| text).collect::<String>();
    assert!(shown.contains("root.key:3:11: "), "{shown}");
    let (_, diagnostics) = load("; nothing\n");
    check("", &diagnostics, &["error 1: no trust anchor is in this file..\"none\""]);
}

#[test]
fn syntax_errors_are_told_once_and_in_plain_words() {
    check_config("[server]\nworkers =\n", &["error 2: expected a value"]);
    check_config("[server]\nworkers\n", &["error 2: expected a value: KEY = VALUE"]);
    for text in
        ["192.0.2.1", "2001:db8::1", "1h", "10s..60s", "text", "a.example", "10.0.0.0/8", "true1", "yes"]
    {
        check_config(&format!("[log]\nlevel = {text}\n"), &["error 2: expected a value: text needs quotes"]);
    }
    check_config("[log]\nlevel = info\n", &["error 2: expected a value: text needs quotes"]);
    check_config(
        "[server]\nlisten = [\"127.0.0.1:53\",\n[log]\nlevel = \"info\"\n[resolver]\nenabled = true\n",
        &["error 2: this list is not closed"],
    );
    check_config(
        "[log]\nlevel = \"info\"\nformat = \"text\"\nlevel = \"warn\"",
        &["error 4: the key \"level\" is here twice; the first is at ..:2:..: keep one"],
    );
    check_config("[log]\n[server]\n[log]", &["error 3: the key \"log\" is here twice; the first is at ..:1"]);
}

#[test]
fn a_syntax_error_does_not_hide_what_follows() {
    check_config(
        "workers\n[log]\nlevel\nformat = \"x\"",
        &["error 1: expected a value", "error 3: expected a value", "error 4: expected one of text, json"],
    );
    check_zone(
        "[records]\na = { A = \"192.0.2.1\"\nb = { A = \"x\" }\nc = { pool = p }\n",
        &["error 2: this table is not closed"],
    );
    check_zone("[records]\na = { A = \"192.0.2.1 }\nb = { A = \"x\" }\n", &["error 2: invalid basic string"]);
    check_zone(
        "records.a = { A = [\"192.0.2.1\"",
        &["error 1: unclosed array", "error 1: unclosed inline table"],
    );
    check_zone(
        "[records]\na = { A = 192.0.2.1 }\nb = { A = \"x\" }\nc = { pool = \"p\" }\n",
        &["error 2: expected a value", "error 3: A: the address", "error 4: there is no pool"],
    );
}

#[test]
fn values_of_the_config_are_told_with_the_cure() {
    check_config("server = []", &["expected a table, found an array"]);
    check_config("server.listen = []", &["at least one address"]);
    check_config("server.listen = [\"a\"]", &["expected an address and port"]);
    check_config("resolver.upstream = [\"ip4\"]", &["did you mean \"ipv4\"?"]);
    check_config(
        "resolver.upstream_deny = [\"privat\"]",
        &["\"loopback\", \"private\" or a prefix..did you mean \"private\"?"],
    );
    check_config("resolver.upstream_deny = [\"10.0.0.0/99\"]", &["expected a prefix"]);
    check_config("resolver.forward = { zone = \"a\" }", &["a forward needs servers"]);
    check_config("resolver.stub = { servers = \"192.0.2.1\" }", &["a stub needs a zone"]);
    check_config("resolver.stub = { zone = \"a\", servers = [\"x\"] }", &["expected an address"]);
    check_config("resolver.stub = { zone = \"a\", servers = [] }", &["a stub needs at least one server"]);
}

#[test]
fn the_guard_is_on_or_off_or_told_how() {
    for (text, cookies, rrl) in [
        ("", true, None),
        ("cookies = false", false, None),
        ("rrl = \"off\"", true, None),
        ("rrl = \"20/s\"", true, Some(20)),
        ("rrl = \"1000000/s\"", true, Some(1_000_000)),
    ] {
        let text = format!("[guard]\n{text}");
        let (config, diagnostics) = config(&text);
        check(&text, &diagnostics, &[]);
        assert_eq!(config.guard, GuardConfig { cookies, rrl }, "{text}");
    }
    let form = "error 1: expected \"off\" or replies a second, as in \"20/s\", of at most 1000000, found";
    for (value, wanted) in [
        ("20", format!("{form} 20..did you mean \"20/s\"?")),
        ("\"20\"", format!("{form} \"20\"..did you mean \"20/s\"?")),
        ("\"0/s\"", format!("{form} \"0/s\"")),
        ("\"1000001/s\"", format!("{form} \"1000001/s\"")),
        ("\"20/m\"", format!("{form} \"20/m\"")),
        ("\"on\"", format!("{form} \"on\"")),
        ("true", format!("{form} a boolean")),
    ] {
        check_config(&format!("guard.rrl = {value}"), &[&wanted]);
    }
    check_config("guard.cookies = \"on\"", &["error 1: expected true or false"]);
    check_config("guard.rll = \"off\"", &["error 1: unknown key \"rll\"..did you mean \"rrl\"?"]);
    let open = "resolver.allow = [\"0.0.0.0/0\"]\nguard.rrl =";
    check_config(&format!("{open} \"20/s\""), &["warning 2: rrl limits nobody whom resolver.allow lets"]);
    check_config(&format!("{open} \"off\""), &[]);
}

#[test]
fn a_listener_may_say_who_recurses_there() {
    let text = "server.listen = [\"127.0.0.1:53\", { address = \"192.0.2.1:53\" }, { address = \"192.0.2.2:53\", recursion = false },
        { address = \"[::1]:53\", allow = [\"10.0.0.0/8\"] }, { address = \"192.0.2.3:53\", recursion = true, allow = \"10.0.0.1\" }]";
    let (config, diagnostics) = config(text);
    check(text, &diagnostics, &[]);
    let prefixes = |texts: &[&str]| Some(texts.iter().map(|text| text.parse().unwrap()).collect());
    let listen = [
        ("127.0.0.1:53", None),
        ("192.0.2.1:53", None),
        ("192.0.2.2:53", prefixes(&[])),
        ("[::1]:53", prefixes(&["10.0.0.0/8"])),
        ("192.0.2.3:53", prefixes(&["10.0.0.1/32"])),
    ]
    .map(|(address, allow)| ListenConfig { address: address.parse().unwrap(), allow });
    assert_eq!(config.listen, listen);
    for (entry, wanted) in [
        ("{ recursion = false }", "error 1: a listener needs an address"),
        ("{ address = \"x\" }", "error 1: expected an address and port"),
        ("{ address = \"192.0.2.1:53\", alow = [] }", "unknown key \"alow\"..did you mean \"allow\"?"),
        ("{ address = \"192.0.2.1:53\", recursion = 1 }", "expected true or false"),
        ("{ address = \"192.0.2.1:53\", allow = [\"x\"] }", "expected a prefix"),
        ("{ address = \"192.0.2.1:53\", recursion = false, allow = [] }", "remove one of the two"),
        ("\"192.0.2.1:53\", { address = \"192.0.2.1:53\" }", "192.0.2.1:53 is listed twice"),
        ("1", "expected an address and port"),
    ] {
        check_config(&format!("server.listen = [{entry}]"), &[wanted]);
    }
}

#[test]
fn files_that_are_missing_are_told_where_they_are_named() {
    check_config("\nzones.directory = \"nowhere\"", &["error 2: ..nowhere: No such file"]);
    // Whether it is there is told by who reads it.
    check_config("\ngeo.database = \"no.mmdb\"", &[]);
    check_config("\nresolver.root_hints = \"no.hints\"", &["error 2: ..no.hints: No such file"]);
    check_files(
        &[("example.com.toml", "include = [\"no.toml\"]\nrecords.a = { A = \"192.0.2.1\" }")],
        &["error 1: ..no.toml: No such file"],
    );
}

#[test]
fn a_link_in_a_path_is_followed_as_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::create_dir_all(at("far/away")).unwrap();
    std::fs::create_dir_all(at("far/zones")).unwrap();
    std::fs::create_dir_all(at("config")).unwrap();
    std::fs::create_dir_all(at("zones")).unwrap();
    std::os::unix::fs::symlink(at("far/away"), at("config/link")).unwrap();
    for (written, meant) in [("link/../zones", "far/zones"), ("../zones", "zones")] {
        let mut diagnostics = Diagnostics::default();
        let text = format!("zones.directory = {written:?}");
        let config = Config::parse(&text, &at("config/waymark.toml"), &mut diagnostics);
        check(&text, &diagnostics, &[]);
        let zones = config.zones.unwrap();
        assert_eq!(zones.canonicalize().unwrap(), at(meant).canonicalize().unwrap());
        assert!(!zones.ends_with("config/../zones"));
    }
}

#[test]
fn a_zone_without_records_is_an_error() {
    check_zone("", &["error 1: the zone example.com. has no records"]);
    check_zone("ttl = \"1h\"", &["has no records"]);
    check_zone("[soa]\nserial = \"x\"", &["error 2: expected \"auto\" or a number"]);
}

#[test]
fn an_empty_match_key_is_an_error() {
    for key in ["cidr", "country", "asn", "continent"] {
        let wanted = format!("error 4: {key} is empty: leave the key out for everyone");
        check_route(&format!("route.r.rule = [{{ {key} = [], use = [\"a\"] }}]"), &[&wanted]);
    }
}

#[test]
fn lists_that_hold_what_is_wrong_are_not_empty() {
    check_zone(
        "records.w = { pool = \"p\" }\npool.p = { members = [\"x\"] }",
        &["error 2: expected an address"],
    );
    check_zone("records.w = { pool = \"p\" }\npool.p = { members = [] }", &["at least one member"]);
    check_zone("records.w = { pool = \"p\" }\npool.p = { members = {} }", &["a member needs an address"]);
    check_route("route.r = { rule = [] }", &["route r has neither rules nor a fallback"]);
    check_route("route.r.fallback = [1]", &["expected a string"]);
    check_route("route.r.rule = [{ use = [1] }]", &["expected a string"]);
    check_route("route.r.rule = [{ nearest = [] }]", &["at least one pool"]);
    check_route(
        "route.r.rule = [{ cidr = \"@n\", use = [\"a\"] }]\nnetwork.n.cidr = [\"x\"]",
        &["expected a prefix"],
    );
}

#[test]
fn what_a_rule_or_pool_cannot_use_is_told() {
    for key in ["pick = \"hash\"", "answer = 2", "min_healthy = 0.5"] {
        let text = format!("records.w = {{ pool = \"p\" }}\npool.p = {{ cname = \"x.\", {key} }}");
        check_zone(&text, &["error 2: ..goes with members, not with a cname"]);
    }
    check_route("route.r.rule = [{ use = [\"a\"], sticky = \"client/24\" }]", &["sticky goes with weights"]);
    check_route(
        "route.r.rule = [{ nearest = [\"a\"], sticky = \"client/24\" }]",
        &["sticky goes with weights"],
    );
    check_route("route.r.rule = [{ use = [{ pool = \"a\", weight = 1 }], sticky = \"client/24\" }]", &[]);
    check_route(
        "route.r.rule = [{ use = \"a\" }, { asn = 1, use = \"b\" }]",
        &["warning 4: a rule of route r is never tried"],
    );
    check_zone(
        "[records]\nf = {}\ng = { ttl = 5 }\nh = { A = [] }\ni = { A = \"192.0.2.1\" }",
        &[
            "warning 2: f.example.com. has no records",
            "warning 3: g.example.com. has no records",
            "warning 4: A has no data",
        ],
    );
}

#[test]
fn places_without_a_database_are_told_once() {
    let zone_of = |rule: &str| {
        format!(
            "records.w = {{ route = \"r\" }}\npool.a = {{ members = \"192.0.2.1\", location = \"1,1\" }}\nroute.r.rule = [{rule}]"
        )
    };
    for rule in [
        "{ asn = 1, use = \"a\" }, { country = \"DE\", use = \"a\" }",
        "{ continent = \"EU\", use = \"a\" }",
        "{ nearest = \"a\" }",
    ] {
        let text = zone_of(rule);
        let nobody = ["warning 3: route r has no pool for clients that none of its rules is for..fallback"];
        let nobody = if rule.starts_with("{ nearest") { &[][..] } else { &nobody };
        check(&text, &zone(&text, true).1, nobody);
        let text = format!("{text}\nroute.r.fallback = \"a\"");
        check(&text, &zone(&text, false).1, &["warning 3: route r asks where clients are"]);
    }
    for everyone in ["{ use = \"a\" }", "{ cidr = [\"0.0.0.0/0\", \"::/0\"], use = \"a\" }"] {
        let text = zone_of(&format!("{{ cidr = \"10.0.0.0/8\", use = \"a\" }}, {everyone}"));
        check(&text, &zone(&text, false).1, &[]);
    }
}

/// Routes r0 to rN, each leading to the next, the last to the pool a.
fn nested(routes: usize) -> String {
    let of = |i: usize| format!("route.r{i}.fallback = \"r{}\"\n", i + 1);
    let all: String = (0..routes).map(of).collect();
    format!("route.r.fallback = \"r0\"\n{all}route.r{routes}.fallback = \"a\"")
}

/// A route to so many pools, with one rule for each of some more.
fn wide(pools: usize, rules: usize) -> String {
    let members = |kind: char, n: usize| -> String {
        (0..n).map(|i| format!("pool.{kind}{i}.members = \"192.0.2.1\"\n")).collect()
    };
    let names: Vec<String> = (0..pools).map(|i| format!("\"p{i}\"")).collect();
    let rules_of: Vec<String> = (0..rules).map(|i| format!("{{ asn = {i}, use = \"q{i}\" }}")).collect();
    let (p, q) = (members('p', pools), members('q', rules));
    format!("{p}{q}route.r = {{ fallback = [{}], rule = [{}] }}", names.join(", "), rules_of.join(", "))
}

#[test]
fn routes_are_followed_to_their_end_or_told() {
    check_route(&nested(3), &[]);
    check_route(&nested(4), &["error 4: route r leads to routes more than 4 deep"]);
    check_route(&nested(3_000), &["error 4: route r leads to routes more than 4 deep"]);
    check_route(&wide(32, 0), &[]);
    check_route(&wide(31, 60), &[]);
    check_route(&wide(33, 0), &["route r leads to 33 pools for one client, of at most 32"]);
    check_route(&wide(32, 1), &["route r leads to 33 pools"]);
    check_route(
        "route.r.fallback = \"s\"\nroute.s.fallback = \"t\"\nroute.t.fallback = \"r\"",
        &["error 4: routes lead in a circle: r to s to t to r"],
    );
    check_route("route.r.fallback = [\"r\", \"a\"]", &["error 4: routes lead in a circle: r to r"]);
}

#[test]
fn an_undotted_name_that_ends_in_the_zone_is_a_slip() {
    for (text, cure) in [
        ("records.\"w.example.com\" = { A = \"192.0.2.1\" }", "\"w\" or \"w.example.com.\""),
        ("records.w = { CNAME = \"x.EXAMPLE.com\" }", "\"x\" or \"x.EXAMPLE.com.\""),
        ("records.w = { MX = \"10 example.com\" }", "\"@\" or \"example.com.\""),
        ("soa.primary = \"ns.example.com\"", "\"ns\" or"),
        ("soa.contact = \"me.example.com\"", "\"me\" or"),
        ("pool.c.cname = \"c.example.com\"\nrecords.w = { pool = \"c\" }", "\"c\" or"),
        ("test = { query = \"w.example.com A\", expect = \"NXDOMAIN\" }", "\"w\" or"),
        ("test = { query = \"w CNAME\", expect = \"c.example.com\" }", "\"c\" or"),
    ] {
        check_zone(text, &[&format!("without a final dot would be ..did you mean {cure}")]);
    }
    check_zone("records.w = { TXT = \"w.example.com\", CNAME = \"xexample.com\" }", &[]);
}

#[test]
fn one_mistake_is_told_once() {
    check_zone(
        "records.w = { pool = \"p\" }\n[pool.p]\nlocation = \"1,1\"",
        &["error 2: pool p needs members or a cname"],
    );
    check_zone("records.w = { pool = \"p\" }\npool.p.cname = \"..\"", &["error 2: \"..\" is not a name"]);
    check_zone(
        "records.w = { pool = \"p\" }\npool.a.members = \"192.0.2.1\"",
        &["error 1: there is no pool named \"p\"; define it"],
    );
    check_zone(
        "[pool.p]\nmembers = \"192.0.2.1\"\n[records]\nW = { pool = \"p\" }\nw = { pool = \"p\" }",
        &["is steered twice; the first is at ..:4"],
    );
    let itself = [
        ("example.com.toml", "include = \"b.toml\"\nrecords.a = { A = \"192.0.2.1\" }"),
        ("b.toml", "include = \"example.com.toml\""),
    ];
    check_files(
        &itself,
        &[
            "error 1: a file includes itself: ..example.com.toml includes ..b.toml includes ..example.com.toml",
        ],
    );
}

#[test]
fn what_stands_in_two_files_is_told_with_the_first() {
    let with = |included: &'static str| {
        [
            (
                "example.com.toml",
                "include = \"b.toml\"\nrecords.a = { pool = \"p\" }\npool.p.members = \"192.0.2.1\"\nnetwork.n.cidr = \"10.0.0.0/8\"\ncheck.k.tcp = \"{address}:1\"",
            ),
            ("b.toml", included),
        ]
    };
    let unused = ["nothing uses the network n", "nothing uses the check k"];
    check_files(&with("zone = \"other\""), &["error 1: zone = stands in the zone's own file"]);
    check_files(
        &with("network.n.cidr = \"10.0.0.0/8\""),
        &["error 1: n is the name of another network; the other is at ..example.com.toml:4"],
    );
    check_files(
        &with("check.k.tcp = \"{address}:1\""),
        &["k is the name of another check; the other is at ..:5"],
    );
    check_files(
        &with("pool.p.members = \"192.0.2.2\""),
        &["p is the name of another pool or route; the other is at ..:3"],
    );
    check_files(&with("ttl = 5"), &unused);
}

#[test]
fn records_are_told_with_the_cure() {
    check_zone("records.w = { ANY = \"x\" }", &["ANY is a type of questions and messages, not of records"]);
    check_zone("records.w = { OPT = \"x\" }", &["OPT is a type of questions"]);
    check_zone("records.w = { AAA = \"x\" }", &["AAA is not a record type; did you mean \"AAAA\"?"]);
    check_zone("records.w = { AN = \"x\" }", &["AN is not a record type; did you mean \"A\"?"]);
    check_zone(
        "records.w6 = \"192.0.2.1\"",
        &["expected a table, found \"192.0.2.1\"..write { A = \"192.0.2.1\" }"],
    );
    check_zone("records.w6 = \"::1\"", &["write { AAAA = \"::1\" }"]);
}

#[test]
fn what_a_test_expects_is_told_when_it_is_read() {
    let zone = "records.w = { pool = \"web\" }\npool.web.members = { address = \"192.0.2.1\", id = \"one\" }\n[[test]]\nquery = \"w A\"\n";
    for good in [
        "\"NXDOMAIN\"",
        "\"pool:web\"",
        "\"member:one\"",
        "[]",
        "\"192.0.2.1\"",
        "[\"192.0.2.1\", \"192.0.2.2\"]",
    ] {
        check_zone(&format!("{zone}expect = {good}"), &[]);
    }
    for (text, wanted) in [
        ("expect = \"NXDOMIAN\"", "error 5: \"NXDOMIAN\" is not A data.. did you mean \"NXDOMAIN\"?"),
        ("expect = \"pol:c\"", "did you mean \"pool:c\"?"),
        ("expect = \"NODATA\"", "NODATA is written []"),
        ("expect = \"pool:wbe\"", "error 5: there is no pool named \"wbe\"; did you mean \"web\"?"),
        ("expect = \"member:oen\"", "error 5: there is no member with the id \"oen\"; did you mean \"one\"?"),
        (
            "expect = []\ndown = \"pool:wbe\"",
            "error 6: there is no pool named \"wbe\"; did you mean \"web\"?",
        ),
        ("", "a test needs an expect"),
    ] {
        check_zone(&format!("{zone}{text}"), &[wanted]);
    }
}

#[test]
fn a_file_of_other_octets_than_text_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("example.com.toml");
    std::fs::write(&path, b"a\n\xff").unwrap();
    let mut diagnostics = Diagnostics::default();
    assert!(ZoneFile::load(&path, &config("").0, &mut diagnostics).is_none());
    check("octets", &diagnostics, &["not UTF-8 text, from line 2 on; save it as UTF-8"]);
}

#[test]
fn the_nearest_name_is_not_wholly_another() {
    assert_eq!(reader::closest("a", ["b"]), None);
    assert_eq!(reader::closest("eu1", ["eu", "us"]), Some("did you mean \"eu\"?".into()));
}

#[test]
fn the_store_is_where_it_is_said_to_be_or_at_the_systems_place() {
    for (text, first) in [
        ("", Ok("/var/lib/waymark")),
        ("[store]\ndirectory = \"state\"\n", Ok("/etc/waymark/state")),
        ("[store]\ndirectory = \"/srv/x\"\n", Ok("/srv/x")),
        ("[store]\ndirectoy = \"/srv/x\"\n", Err("unknown key \"directoy\" in [store]")),
    ] {
        let mut diagnostics = Diagnostics::default();
        let config = Config::parse(text, std::path::Path::new("/etc/waymark/waymark.toml"), &mut diagnostics);
        match first {
            Ok(first) => assert_eq!(config.store[0], std::path::Path::new(first)),
            Err(told) => assert!(diagnostics.iter().any(|d| d.message == told), "{:?}", diagnostics),
        }
    }
}
