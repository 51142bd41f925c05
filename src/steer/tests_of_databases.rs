//! Databases that are broken, bare, or say less than before.

use super::tests_of_geo::{database, geo, geo_config, open, placed};
use super::*;
use crate::config::{Config, Diagnostics};
use maxminddb_writer::paths::IpAddrWithMask;
use std::path::Path;

#[test]
fn a_database_with_an_octet_wrong_or_cut_short_is_refused_or_read_but_breaks_nothing() {
    let file = database(&[
        ("10.0.0.0/9", serde_json::json!({"country": {"iso_code": "DE"}, "asn": "AS64500"})),
        (
            "10.128.0.0/9",
            serde_json::json!({"country": {"iso_code": "FR"}, "location": {"latitude": 48.9, "longitude": 2.3}}),
        ),
    ]);
    let good = std::fs::read(file.path()).unwrap();
    let config = geo_config(&[&file], "");
    let look = |octets: &[u8]| {
        std::fs::write(file.path(), octets).unwrap();
        let (geo, told) = open(&config, None);
        for from in ["10.1.1.1", "10.200.1.1", "11.1.1.1", "2001:db8::1"] {
            geo.locate(from.parse().unwrap(), geo::Gives::ALL);
            geo.explain(from.parse().unwrap());
        }
        told.is_empty()
    };
    assert!(look(&good));
    for i in 0..good.len() {
        assert!(!look(&good[..i]), "cut to {i} of {}", good.len());
        for flipped in [0x01, 0x20, 0x80, 0xff] {
            let mut octets = good.clone();
            octets[i] ^= flipped;
            look(&octets);
        }
    }
}

#[test]
fn a_database_without_a_description_is_as_good() {
    let mut bare = maxminddb_writer::Database::default();
    bare.metadata.binary_format_major_version = 2;
    bare.metadata.database_type = "bare".into();
    bare.metadata.ip_version = maxminddb_writer::metadata::IpVersion::V4;
    let data = bare.insert_value(serde_json::json!({"country_code": "DE"})).unwrap();
    bare.insert_node(IpAddrWithMask::new([81, 0, 0, 0].into(), 8), data);
    let file = tempfile::NamedTempFile::new().unwrap();
    bare.write_to(std::fs::File::create(file.path()).unwrap()).unwrap();
    assert_eq!(placed(Some(&geo(&[&file])), "81.1.1.1"), "192.0.2.1");
}

#[test]
fn the_continent_of_a_record_does_not_depend_on_what_else_is_asked() {
    let database = database(&[
        ("81.0.0.0/8", serde_json::json!({"country": {"iso_code": "DE"}, "continent": {"code": "EU"}})),
        ("82.0.0.0/8", serde_json::json!({"country": {"iso_code": "FR"}})),
    ]);
    let geo = geo(&[&database]);
    for wanted in [geo::Gives { country: false, ..geo::Gives::ALL }, geo::Gives::ALL] {
        for address in ["81.1.1.1", "82.1.1.1"] {
            let located = geo.locate(address.parse().unwrap(), wanted);
            assert_eq!(located.continent.value, Some(*b"EU"), "{address}");
        }
    }
}

#[test]
fn a_path_of_the_config_is_for_the_files_that_have_it() {
    let own = database(&[("81.0.0.0/8", serde_json::json!({"land": "DE"}))]);
    let usual = database(&[("82.0.0.0/8", serde_json::json!({"country": {"iso_code": "DE"}}))]);
    let (geo, told) = open(&geo_config(&[&own, &usual], "fields = { country = \"land\" }"), None);
    assert_eq!(told, "");
    assert_eq!(["81.1.1.1", "82.1.1.1"].map(|from| placed(Some(&geo), from)), ["192.0.2.1"; 2]);
    let told = open(&geo_config(&[&usual], "fields = { country = \"land\" }"), None).1;
    assert!(told.contains("no database has country at \"land\""), "{told}");
}

#[test]
fn a_database_that_says_less_than_before_is_refused() {
    let file = database(&[("81.0.0.0/8", serde_json::json!({"country": "DE", "asn": 1}))]);
    let config = geo_config(&[&file], "");
    let first = open(&config, None).0;
    let less = database(&[("81.0.0.0/8", serde_json::json!({"asn": 2}))]);
    std::fs::copy(less.path(), file.path()).unwrap();
    let (kept, told) = open(&config, Some(&first));
    assert!(kept.is_same(&first));
    for part in [
        "it does not say the country and continent of addresses any more",
        "the one of 1970-01-01T00:00:01Z stays",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(open(&config, None).1, "", "whoever begins with it means it");
}

#[test]
fn a_database_of_less_than_half_is_refused() {
    let of = |networks: usize| {
        let prefixes: Vec<String> = (0..networks).map(|n| format!("81.{n}.0.0/16")).collect();
        let records = prefixes.iter().map(|prefix| (prefix.as_str(), serde_json::json!({"country": "DE"})));
        database(&records.collect::<Vec<_>>())
    };
    let file = of(200);
    let config = geo_config(&[&file], "");
    let first = open(&config, None).0;
    for (networks, is_taken) in [(150, true), (20, false)] {
        std::fs::copy(of(networks).path(), file.path()).unwrap();
        let (geo, told) = open(&config, Some(&first));
        assert_eq!((told.is_empty(), geo.is_same(&first)), (is_taken, !is_taken), "{networks}: {told}");
        assert!(is_taken || told.contains(" nodes, and had "), "{told}");
    }
    let mut both = maxminddb_writer::Database::default();
    both.metadata.binary_format_major_version = 2;
    both.metadata.database_type = "both".into();
    both.metadata.ip_version = maxminddb_writer::metadata::IpVersion::V6;
    let data = both.insert_value(serde_json::json!({"country": "DE"})).unwrap();
    both.insert_node(IpAddrWithMask::new("2001:db8::".parse().unwrap(), 32), data);
    both.write_to(std::fs::File::create(file.path()).unwrap()).unwrap();
    let both = open(&config, None).0;
    std::fs::copy(of(200).path(), file.path()).unwrap();
    assert!(open(&config, Some(&both)).1.contains("it has no IPv6 any more"));
}

#[test]
fn why_a_database_is_not_taken_is_told_with_its_cure() {
    let check = |octets: Option<&[u8]>, parts: &[&str]| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("geo.mmdb");
        octets.into_iter().for_each(|octets| std::fs::write(&path, octets).unwrap());
        let mut diagnostics = Diagnostics::default();
        let config =
            Config::parse(&format!("geo.database = {path:?}"), Path::new("w.toml"), &mut diagnostics);
        Geo::open(&config.geo, None, |_| true, &mut diagnostics);
        let told = diagnostics.render(false);
        let parts = parts.iter().chain(&["nobody's place is known from it"]);
        parts.for_each(|part| assert!(told.contains(part), "{part}: {told}"));
    };
    check(None, &["No such file", "put it there, or name where it is"]);
    check(Some(b"\x1f\x8b\x08 and so on"), &["it is compressed: unpack it with gunzip"]);
    check(Some(b"junk"), &["it must be an MMDB file"]);
    // Published ones lack a description.
    for description in [&b"\xe1\x42en\x44test"[..], b"\xe0"] {
        check(Some(&pointing(900_000, description)), &["unexpected end", "it must be an MMDB file"]);
        check(Some(&pointing(0, description)), &["it must be an MMDB file"]);
        let sound = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(sound.path(), pointing(14, description)).unwrap();
        let geo = geo(&[&sound]);
        assert_eq!(placed(Some(&geo), "10.1.1.1"), "192.0.2.1", "but for where it points it is sound");
    }
}

/// A database of one record, whose country is where a pointer says, with such a map of descriptions.
fn pointing(to: u32, description: &[u8]) -> Vec<u8> {
    let text = |text: &str| [&[0x40 | text.len() as u8], text.as_bytes()].concat();
    // One node of two records of 24 bits: the data that comes after 16 octets of nothing, and nothing.
    let mut file = vec![0, 0, 17, 0, 0, 1];
    file.extend([0; 16]);
    // A map of one, its key, and a pointer of 32 bits.
    file.extend([&[0xe1][..], &text("country"), &[0x38], &to.to_be_bytes(), &text("DE")].concat());
    file.extend(b"\xab\xcd\xefMaxMind.com");
    file.push(0xe9);
    for (key, value) in [
        ("binary_format_major_version", &[0xa1, 2][..]),
        ("binary_format_minor_version", &[0xa0]),
        ("build_epoch", &[0x01, 0x02, 1]),
        ("database_type", b"\x44Test"),
        ("description", description),
        ("ip_version", &[0xa1, 4]),
        ("languages", &[0x00, 0x04]),
        ("node_count", &[0xc1, 1]),
        ("record_size", &[0xa1, 24]),
    ] {
        file.extend([&text(key), value].concat());
    }
    file
}
