//! Where clients are, by databases, geofeeds and networks.

use super::tests::{ask, choose, steering};
use super::*;
use crate::config::{Config, Diagnostics, GeoConfig};
use maxminddb_writer::paths::IpAddrWithMask;
use proptest::prelude::*;
use std::path::Path;

/// A database of these networks: prefix and record.
pub(super) fn database(networks: &[(&str, serde_json::Value)]) -> tempfile::NamedTempFile {
    let mut database = maxminddb_writer::Database::default();
    database.metadata.binary_format_major_version = 2;
    database.metadata.database_type = "Test-City".into();
    database.metadata.description.insert("en".into(), "test".into());
    database.metadata.build_epoch = 1;
    database.metadata.languages = vec!["en".into()];
    database.metadata.ip_version = maxminddb_writer::metadata::IpVersion::V4;
    for (prefix, record) in networks {
        let (address, bits) = prefix.split_once('/').unwrap();
        let data = database.insert_value(record).unwrap();
        database.insert_node(IpAddrWithMask::new(address.parse().unwrap(), bits.parse().unwrap()), data);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    database.write_to(std::fs::File::create(file.path()).unwrap()).unwrap();
    file
}

/// A config with these databases, a line for each, and these lines besides.
pub(super) fn geo_config(files: &[&tempfile::NamedTempFile], more: &str) -> GeoConfig {
    let files = files.iter().map(|file| format!("  {:?},\n", file.path()));
    let text = format!("[geo]\ndatabase = [\n{}]\n{more}", files.collect::<String>());
    let mut diagnostics = Diagnostics::default();
    let config = Config::parse(&text, Path::new("waymark.toml"), &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
    config.geo
}

/// Opens the databases of a config; gives what was told, too.
pub(super) fn open(config: &GeoConfig, before: Option<&Arc<Geo>>) -> (Arc<Geo>, String) {
    let mut diagnostics = Diagnostics::default();
    // Another file is told of before.
    diagnostics.add_file("other.toml".into(), "\n\n\n".into());
    let geo = Geo::open(config, before.map(|geo| &**geo), |_| true, &mut diagnostics);
    (Arc::new(geo), diagnostics.render(false))
}

pub(super) fn geo(files: &[&tempfile::NamedTempFile]) -> Arc<Geo> {
    let (geo, told) = open(&geo_config(files, ""), None);
    assert_eq!(told, "");
    geo
}

#[test]
fn clients_are_placed_by_databases_of_several_forms() {
    let city = database(&[
        (
            "81.2.69.0/24",
            serde_json::json!({"country": {"iso_code": "DE"}, "continent": {"code": "EU"}, "location": {"latitude": 50.1, "longitude": 8.7}}),
        ),
        (
            "12.0.0.0/8",
            serde_json::json!({"country": {"iso_code": "US"}, "continent": {"code": "NA"}, "location": {"latitude": 38.9, "longitude": -77.0}}),
        ),
    ]);
    let asn = database(&[
        ("81.2.69.128/25", serde_json::json!({"asn": "AS64500"})),
        ("99.0.0.0/8", serde_json::json!({"asn": "AS1"})),
    ]);
    let geo = geo(&[&city, &asn]);
    let pools = "[pool.eu]\nlocation = \"50.1,8.7\"\nmembers = [\"192.0.2.1\"]\n[pool.us]\nlocation = \"38.9,-77.0\"\nmembers = [\"192.0.2.2\"]\n[pool.x]\nmembers = [\"192.0.2.3\"]\n";
    let check = |rules: &str, cases: &[(&str, &str)]| {
        let steering = steering(
            "a = { route = \"r\" }",
            &format!("{pools}[route.r]\nfallback = [\"x\", \"eu\", \"us\"]\n{rules}"),
            Some(&geo),
        );
        for (from, member) in cases {
            assert_eq!(ask(&steering, from), *member, "{rules} {from}");
        }
    };
    check(
        "[[route.r.rule]]\ncountry = \"DE\"\nuse = [\"eu\"]",
        &[("81.2.69.160", "192.0.2.1"), ("12.1.1.1", "192.0.2.3"), ("1.1.1.1", "192.0.2.3")],
    );
    check(
        "[[route.r.rule]]\ncontinent = [\"NA\", \"SA\"]\nuse = [\"us\"]",
        &[("81.2.69.160", "192.0.2.3"), ("12.1.1.1", "192.0.2.2")],
    );
    check(
        "[[route.r.rule]]\nasn = [64500]\nuse = [\"eu\"]",
        &[("81.2.69.160", "192.0.2.1"), ("81.2.69.1", "192.0.2.3")],
    );
    check(
        "[[route.r.rule]]\nasn = [64500]\ncountry = \"US\"\nuse = [\"eu\"]",
        &[("81.2.69.160", "192.0.2.3")],
    );
    check(
        "[[route.r.rule]]\nnearest = [\"us\", \"eu\"]",
        &[("81.2.69.160", "192.0.2.1"), ("12.1.1.1", "192.0.2.2"), ("1.1.1.1", "192.0.2.2")],
    );
    check(
        "[[route.r.rule]]\nnearest = [\"us\", \"eu\"]\nbias = { us = -99, eu = 99 }",
        &[("12.1.1.1", "192.0.2.2")],
    );
    let steering = steering(
        "a = { route = \"r\" }",
        &format!(
            "{pools}[route.r]\nfallback = [\"x\", \"eu\", \"us\"]\n[[route.r.rule]]\ncountry = \"DE\"\nuse = [\"eu\"]"
        ),
        Some(&geo),
    );
    assert_eq!(choose(&steering, Family::V4, "81.2.69.160", 0).scope, 24, "only one has the field");
    assert_eq!(choose(&steering, Family::V4, "12.1.1.1", 0).scope, 8);
}

/// What a route answers that knows DE and AS64500 from the rest.
pub(super) fn placed(geo: Option<&Arc<Geo>>, from: &str) -> String {
    let steering = steering(
        "a = { route = \"r\" }",
        "[pool.de]\nmembers = [\"192.0.2.1\"]\n[pool.as]\nmembers = [\"192.0.2.2\"]\n[pool.x]\nmembers = [\"192.0.2.3\"]\n\
         [route.r]\nfallback = [\"x\"]\n[[route.r.rule]]\ncountry = \"DE\"\nuse = [\"de\"]\n\
         [[route.r.rule]]\nasn = [64500]\nuse = [\"as\"]\n",
        geo,
    );
    ask(&steering, from)
}

#[test]
fn a_broken_database_is_named_at_its_place_and_the_others_serve() {
    let country = database(&[("81.0.0.0/8", serde_json::json!({"country": "DE"}))]);
    let asn = database(&[("82.0.0.0/8", serde_json::json!({"asn": 64500}))]);
    let config = geo_config(&[&country, &asn], "");
    let all = |geo: Option<&Arc<Geo>>| ["81.1.1.1", "82.1.1.1", "83.1.1.1"].map(|from| placed(geo, from));
    let both = open(&config, None).0;
    assert_eq!(all(Some(&both)), ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    std::fs::write(asn.path(), "not a database").unwrap();
    let (one, told) = open(&config, None);
    assert_eq!(all(Some(&one)), ["192.0.2.1", "192.0.2.3", "192.0.2.3"]);
    assert!(told.contains("waymark.toml:4:3") && told.contains("must be an MMDB file"), "{told}");
    assert!(told.contains(asn.path().to_str().unwrap()) && !told.contains(":3:3"), "{told}");
    let (kept, told) = open(&config, Some(&both));
    assert_eq!(all(Some(&kept)), ["192.0.2.1", "192.0.2.2", "192.0.2.3"], "as it was when it was good");
    assert!(told.contains("waymark.toml:4:3"), "{told}");
    std::fs::write(country.path(), "").unwrap();
    assert_eq!(all(Some(&open(&config, None).0)), ["192.0.2.3"; 3]);
}

#[test]
fn fields_are_where_the_config_says() {
    let odd = database(&[(
        "81.0.0.0/8",
        serde_json::json!({
            "country": {"iso_code": "FR"}, "land": {"kurz": "DE"}, "asn": 1, "netz": {"nr": {"as": "AS64500"}},
        }),
    )]);
    let found = |fields: &str| placed(Some(&open(&geo_config(&[&odd], fields), None).0), "81.1.1.1");
    assert_eq!(found(""), "192.0.2.3", "those found by themselves: FR and AS1");
    assert_eq!(found("fields = { country = \"land.kurz\" }"), "192.0.2.1");
    assert_eq!(found("fields = { asn = \"netz.nr.as\" }"), "192.0.2.2");
    assert_eq!(found("fields = { country = \"land.lang\", asn = \"nowhere\" }"), "192.0.2.3");
}

#[test]
fn fields_that_no_database_has_are_told() {
    let record = serde_json::json!({"land": "DE", "where": {"lat": 50, "lon": 8}});
    let (odd, asn) =
        (database(&[("81.0.0.0/8", record)]), database(&[("81.0.0.0/8", serde_json::json!({"asn": 1}))]));
    let silent = "it does not say where addresses are..waymark.toml:3:3";
    for (files, fields, wanted) in [
        (&[&odd][..], "", &[silent][..]),
        (&[&odd, &asn], "", &[silent]),
        (&[&asn], "", &[]),
        // One of the two has it.
        (&[&odd, &asn], "fields = { country = \"land\" }", &[]),
        (&[&odd], "fields = { latitude = \"where.lat\", longitude = \"where.lon\" }", &[]),
        (
            &[&asn],
            "fields = { country = \"land\" }",
            &["no database has country at \"land\"..waymark.toml:5:"],
        ),
        (&[&odd], "fields = { country = \"where\" }", &[silent, "no database has country at \"where\""]),
    ] {
        let config = geo_config(files, fields);
        let (geo, told) = open(&config, None);
        let fits = |wanted: &&str| {
            wanted.split("..").try_fold(&*told, |rest, part| Some(rest.split_once(part)?.1)).is_some()
        };
        assert!(wanted.iter().all(fits), "{fields}\n{told}");
        assert_eq!(told.matches("warning").count(), wanted.len(), "{fields}\n{told}");
        assert_eq!(open(&config, Some(&geo)).1, told, "told at each reload");
    }
}

#[test]
fn a_route_that_asks_for_what_no_source_says_is_told() {
    let country = database(&[("81.0.0.0/8", serde_json::json!({"country": "DE"}))]);
    let feed = feed("81.0.0.0/8,DE\n");
    for (config, rule, lacking) in [
        (geo_config(&[&country], ""), "country = \"DE\"\nuse = \"p\"", None),
        (geo_config(&[&country], ""), "continent = \"EU\"\nuse = \"p\"", None),
        (geo_config(&[&country], ""), "asn = 1\ncountry = \"DE\"\nuse = \"p\"", Some("the asn of clients")),
        (geo_config(&[&country], ""), "nearest = \"p\"", Some("the location of clients")),
        (with_feed(&[], &feed), "nearest = \"p\"", Some("the location of clients")),
        (with_feed(&[], &feed), "cidr = \"10.0.0.0/8\"\nuse = \"p\"", None),
    ] {
        let text = format!(
            "[records]\na = {{ route = \"r\" }}\n[pool.p]\nlocation = \"1,1\"\nmembers = [\"192.0.2.1\"]\n[route.r]\nfallback = \"p\"\n[[route.r.rule]]\n{rule}\n"
        );
        let mut diagnostics = Diagnostics::default();
        let whole = Config::parse("", Path::new("waymark.toml"), &mut diagnostics);
        let file = crate::config::ZoneFile::parse(&text, Path::new("a.test.toml"), &whole, &mut diagnostics);
        let (geo, mut diagnostics) = (open(&config, None).0, Diagnostics::default());
        diagnostics.add_file("a.test.toml".into(), text.into());
        Policy::compile(&file, Some(&geo), &Shared::default(), &mut diagnostics);
        let told = diagnostics.render(false);
        assert_eq!(told.contains("which no source says"), lacking.is_some(), "{rule}\n{told}");
        assert!(lacking.is_none_or(|lacking| told.contains(lacking)), "{rule}\n{told}");
    }
}

/// A geofeed.
fn feed(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn with_feed(files: &[&tempfile::NamedTempFile], feed: &tempfile::NamedTempFile) -> GeoConfig {
    geo_config(files, &format!("geofeed = {:?}\n", feed.path()))
}

#[test]
fn networks_go_before_geofeeds_and_those_before_databases() {
    let database = database(&[(
        "81.0.0.0/8",
        serde_json::json!({"country": "DE", "asn": 64500, "lat": 50.0, "lon": 8.0}),
    )]);
    let feed = feed(
        "# of ours\n81.1.0.0/16,US,US-CA,Los Angeles,\n81.1.2.0/24,,,,\n81.3.0.0/16,AT # here\n81.4.0.0/16,DE\n2001:db8::/32,JP\n",
    );
    let (geo, told) = open(&with_feed(&[&database], &feed), None);
    assert_eq!(told, "");
    let networks = "[network.lab]\ncidr = [\"81.1.3.0/24\", \"81.9.0.0/16\"]\ncountry = \"FR\"\nasn = 65000\n\
                    [network.desk]\ncidr = \"81.1.3.7\"\ncontinent = \"AN\"\nlocation = \"-90,0\"\n";
    let mut diagnostics = Diagnostics::default();
    let config = Config::parse(networks, Path::new("waymark.toml"), &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
    let geo = Geo::with_networks(Some(&geo), &config.networks).unwrap();
    let check = |address: &str, wanted: &str| {
        let located = geo.locate(address.parse().unwrap(), geo::Gives::ALL);
        let code =
            |code: Option<[u8; 2]>| code.map_or("-".into(), |code| String::from_utf8(code.to_vec()).unwrap());
        let asn = located.asn.value.map_or("-".into(), |asn| asn.to_string());
        let place =
            located.place.value.map_or("-".into(), |(latitude, longitude)| format!("{latitude},{longitude}"));
        let got = format!("{} {} {asn} {place}", code(located.country.value), code(located.continent.value));
        assert_eq!(got, wanted, "{address}");
    };
    check("81.200.0.1", "DE EU 64500 50,8");
    // Where a database takes it to be is in another country.
    check("81.1.1.1", "US NA 64500 -");
    check("81.1.2.1", "- - 64500 -");
    check("81.1.3.1", "FR EU 65000 -");
    check("81.1.3.7", "FR AN 65000 -90,0");
    check("81.3.1.1", "AT EU 64500 -");
    check("81.9.1.1", "FR EU 65000 -");
    check("81.4.1.1", "DE EU 64500 50,8");
    check("82.1.1.1", "- - - -");
    check("2001:db8::1", "JP AS - -");
    let again = Geo::with_networks(Some(&geo), &config.networks).unwrap();
    assert!(Arc::ptr_eq(&geo, &again), "zones with the same networks have one in common");
    let explained = geo.explain("81.1.3.7".parse().unwrap());
    let file = feed.path().display();
    assert_eq!(
        explained[..3],
        ["continent AN: network desk", "location -90,0: network desk", "country FR: network lab"]
    );
    assert_eq!(
        geo.explain("81.3.1.1".parse().unwrap())[..2],
        [format!("country AT: geofeed {file}:4"), format!("continent EU: geofeed {file}:4")]
    );
    let by_database = geo.explain("81.200.0.1".parse().unwrap()).concat();
    let kind = "(Test-City of 1970-01-01T00:00:01Z), record of /8";
    assert!(by_database.contains(&format!("AS64500: {} {kind}", database.path().display())), "{by_database}");
}

#[test]
fn wrong_lines_of_a_geofeed_are_told_and_left_out() {
    let wrong: String = (0..9).map(|n| format!("10.0.{n}.1/24,DE\n")).collect();
    let feed = feed(&format!(
        "192.0.2.0/24,DE\nnonsense\n192.0.3.0/24,Germany\n\"198.51.100.0/24\",\"at\"\n{wrong}"
    ));
    let (geo, told) = open(&with_feed(&[], &feed), None);
    for part in [
        ":2: \"nonsense\" is not a prefix",
        ":3: \"Germany\" is not a country of ISO 3166-1",
        ":5: 10.0.0.1/24 has bits",
        "6 more lines",
        "waymark.toml:4:11",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(
        ["192.0.2.1", "192.0.3.1", "198.51.100.1"].map(|from| geo.explain(from.parse().unwrap()).len()),
        [2, 0, 2]
    );
    assert_eq!(open(&with_feed(&[], &feed), Some(&geo)).1, told, "they are told as long as they are wrong");
    std::fs::remove_file(feed.path()).unwrap();
    let told = open(&with_feed(&[], &tempfile::NamedTempFile::new().unwrap()), Some(&geo)).1;
    assert_eq!(told, "", "an empty one is fine");
}

#[test]
fn a_line_of_a_geofeed_says_which_country_or_that_there_is_none() {
    let database =
        database(&[("10.0.0.0/8", serde_json::json!({"country": "JP", "lat": 36.0, "lon": 140.0}))]);
    let check = |line: &str, wanted: &str| {
        let (geo, told) = open(&with_feed(&[&database], &feed(&format!("192.0.2.0/24,US\n{line}\n"))), None);
        let located = geo.locate("10.1.1.1".parse().unwrap(), geo::Gives::ALL);
        let country =
            located.country.value.map_or("-".into(), |code| String::from_utf8(code.to_vec()).unwrap());
        let place = if located.place.value.is_some() { "placed" } else { "nowhere" };
        let told = if told.is_empty() { "" } else { " told" };
        assert_eq!(format!("{country} {place}{told}"), wanted, "{line}");
    };
    for (line, wanted) in [
        // What the database says of the place is of Japan.
        ("10.0.0.0/8,DE,DE-BE,Berlin,", "DE nowhere"),
        ("10.0.0.0/8,jp", "JP placed"),
        (" 10.1.1.1 , FR , , ,", "FR nowhere"),
        ("10.0.0.0/8,,DE-BE,Berlin,", "DE nowhere"),
        ("10.0.0.0/8,,,,", "- nowhere"),
        ("10.0.0.0/8", "- nowhere"),
        ("10.0.0.0/8,ZZ,,,", "- nowhere"),
        ("10.0.0.0/8,zz,,Berlin,", "- nowhere"),
        ("10.0.0.0/8,,,Berlin,", "JP placed"),
        ("10.0.0.0/8,,,,10115", "JP placed"),
        // The entry of the longest prefix alone counts, whatever it says.
        ("10.0.0.0/8,,,,\n10.1.0.0/16,JP", "JP placed"),
        ("10.0.0.0/8,DE\n10.1.0.0/16,,,Berlin,", "JP placed"),
        ("10.1.0.0/16,JP\n10.1.0.0/16,DE", "JP placed told"),
        ("# 10.0.0.0/8,DE", "JP placed"),
        ("10.0.0.0/8,UK,,,", "JP placed told"),
        ("10.0.0.0/8,,BE,,", "JP placed told"),
        ("10.0.0.0/33,DE,,,", "JP placed told"),
        ("10.0.0.0/8;DE;;;", "JP placed told"),
        ("\u{feff}\"10.0.0.0/8\",\"DE\",\"DE-BE\",\"Berlin, East\",", "DE nowhere"),
    ] {
        check(line, wanted);
    }
}

#[test]
fn what_is_no_geofeed_is_refused_and_the_one_of_before_stays() {
    let (first, second) = (feed("10.0.0.0/8,DE\n10.0.0.0/8,FR\n2001:db8::/32,DE\n"), feed("11.0.0.0/8,DE\n"));
    let config = geo_config(&[], &format!("geofeed = [{:?}, {:?}]\n", first.path(), second.path()));
    let good = open(&config, None).0;
    let placed = |geo: &Arc<Geo>| ["10.1.1.1", "2001:db8::1", "11.1.1.1"].map(|from| placed(Some(geo), from));
    assert_eq!(placed(&good), ["192.0.2.1"; 3]);
    let page = format!("<!DOCTYPE html>{}\n<title>404</title>\n", "x".repeat(100_000));
    let (mut kept, mut told) = (Arc::clone(&good), String::new());
    for text in [Some(page.as_str()), None] {
        match text {
            Some(text) => std::fs::write(first.path(), text).unwrap(),
            None => std::fs::remove_file(first.path()).unwrap(),
        }
        // Not once only: what was kept is kept again, and told again.
        for _ in 0..2 {
            (kept, told) = open(&config, Some(&kept));
            assert_eq!(placed(&kept), ["192.0.2.1"; 3]);
            assert!(told.contains("waymark.toml:4:12") && told.len() < 1_000, "{told}");
            assert!(kept.is_same(&good), "nothing need be decided anew");
        }
    }
    assert!(told.contains("No such file"), "{told}");
    // Another that changes makes no error of one that is empty, and was.
    let (empty, other) = (feed(""), feed("11.0.0.0/8,DE\n"));
    let both = geo_config(&[], &format!("geofeed = [{:?}, {:?}]\n", empty.path(), other.path()));
    let before = open(&both, None).0;
    std::fs::write(other.path(), "11.0.0.0/8,FR\n12.0.0.0/8,FR\n").unwrap();
    assert_eq!(open(&both, Some(&before)).1, "");
    // Nor does it go away with a download that was not.
    std::fs::write(first.path(), "").unwrap();
    let (kept, told) = open(&config, Some(&kept));
    assert!(told.contains("it is empty") && told.contains("what it said before stays in force"), "{told}");
    assert_eq!(placed(&kept), ["192.0.2.1"; 3]);
    // Where there was none before there is none.
    assert_eq!(placed(&open(&config, None).0), ["192.0.2.3", "192.0.2.3", "192.0.2.1"]);
    std::fs::write(first.path(), "# nothing yet\n").unwrap();
    assert_eq!(placed(&open(&config, Some(&kept)).0), ["192.0.2.3", "192.0.2.3", "192.0.2.1"]);
}

#[test]
fn what_has_not_changed_is_the_same_and_is_not_read_again() {
    let (one, other) = (
        database(&[("81.0.0.0/8", serde_json::json!({"country": "DE"}))]),
        database(&[("81.0.0.0/8", serde_json::json!({"country": "FR"}))]),
    );
    let feed = feed("10.0.0.0/8,DE\n");
    let config = with_feed(&[&one], &feed);
    let first = open(&config, None).0;
    let again = |before: &Arc<Geo>| open(&config, Some(before)).0;
    assert!(first.is_same(&again(&first)));
    std::fs::rename(other.path(), one.path()).unwrap();
    let second = again(&first);
    assert!(!first.is_same(&second));
    assert_eq!(
        ["81.1.1.1"].map(|from| (placed(Some(&first), from), placed(Some(&second), from))),
        [("192.0.2.1".into(), "192.0.2.3".into())]
    );
    std::fs::write(feed.path(), "10.0.0.0/8,DE\n11.0.0.0/8,DE\n").unwrap();
    assert_eq!(placed(Some(&again(&second)), "11.1.1.1"), "192.0.2.1");
    // Where fields are is a matter of the config.
    let elsewhere = geo_config(&[&one], "fields = { country = \"land\" }");
    assert!(!second.is_same(&open(&elsewhere, Some(&second)).0));
}

proptest! {
    #[test]
    fn all_within_a_prefix_of_which_something_is_known_are_located_alike(
        records in prop::collection::vec((prefix(), 0usize..3), 0..6),
        feed_lines in prop::collection::vec((prefix(), 0usize..4), 0..6),
        networks in prop::collection::vec((prefix(), 0usize..4), 0..6),
        asked in prop::collection::vec(0u32..1 << 8, 12),
    ) {
        let countries = ["DE", "US", "JP", ""];
        let records: Vec<(&str, _)> = records.iter().map(|(prefix, country)| (prefix.as_str(), serde_json::json!({"country": countries[*country]}))).collect();
        let feed = feed(&feed_lines.iter().map(|(prefix, country)| format!("{prefix},{}\n", countries[*country])).collect::<String>());
        let network = |(n, (prefix, key)): (usize, &(String, usize))| {
            let key = ["country = \"FR\"", "continent = \"SA\"", "country = \"AT\"\nasn = 1", "asn = 2"][*key];
            format!("[network.n{n}]\ncidr = \"{prefix}\"\n{key}\n")
        };
        let networks: String = networks.iter().enumerate().map(network).collect();
        let networks = Config::parse(&networks, Path::new("waymark.toml"), &mut Diagnostics::default()).networks;
        let databases = if records.is_empty() { Vec::new() } else { vec![database(&records)] };
        let geo = open(&with_feed(&databases.iter().collect::<Vec<_>>(), &feed), None).0;
        let geo = Geo::with_networks(Some(&geo), &networks).unwrap();
        let at = |n: u32| geo.locate(std::net::Ipv4Addr::from_bits(0x0a00_0000 | n).into(), geo::Gives::ALL);
        let values = |n: u32| {
            let located = at(n);
            (located.country.value, located.continent.value, located.asn.value)
        };
        for n in asked {
            let located = at(n);
            let bits = located.country.bits.max(located.continent.bits).max(located.asn.bits);
            let size = 1 << (32 - u32::from(bits.clamp(24, 32)));
            for other in n / size * size..n / size * size + size {
                prop_assert_eq!(values(other), values(n), "{} and {} within /{}", other, n, bits);
            }
            // And so for each thing alone.
            let size = 1 << (32 - u32::from(located.asn.bits.clamp(24, 32)));
            prop_assert!((n / size * size..n / size * size + size).all(|other| at(other).asn.value == located.asn.value));
        }
    }
}

/// A prefix of 8 bits below 10.0.0.0/24.
fn prefix() -> impl Strategy<Value = String> {
    (0u32..1 << 8, 0u8..=8).prop_map(|(n, bits)| {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 | n);
        ipnet::IpNet::new(address.into(), 24 + bits).unwrap().trunc().to_string()
    })
}
