//! Files of anchors.

use super::*;
use crate::limits;

/// Zones with the tags of their DS and keys, then what is told, each with the text it is about.
fn read(text: &str) -> (String, Vec<String>) {
    let (anchors, problems) = Anchors::parse(text, "file");
    let tag = |ds: &Rdata| u16::from_be_bytes([ds[0], ds[1]]);
    let shown = |anchor: &Anchor| {
        let ds: Vec<u16> = anchor.ds.iter().map(tag).collect();
        let keys: Vec<u16> = anchor.keys.iter().map(|key| key_tag(key)).collect();
        format!("{} {ds:?} {keys:?}", anchor.zone)
    };
    let zones: Vec<String> = anchors.iter().map(shown).collect();
    let told = problems.iter().map(|problem| {
        let Problem { at: (from, to), message, help, fatal } = problem;
        let kind = if *fatal { "error" } else { "warning" };
        format!("{kind} at {:?}: {message}: {help}", &text[*from..*to])
    });
    (zones.join("; "), told.collect())
}

fn check(text: &str, zones: &str, told: &[&str]) {
    let (found, problems) = read(text);
    assert_eq!((&*found, problems.len()), (zones, told.len()), "{text}: {problems:#?}");
    for (problem, parts) in problems.iter().zip(told) {
        for part in parts.split("..") {
            assert!(problem.contains(part), "{text}: {problem}: no {part:?}");
        }
    }
}

const DIGEST: &str = "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";

#[test]
fn ds_and_dnskey_records_of_any_names_are_read_as_master_files_write_them() {
    check(ROOT_KEYS, ". [] [20326, 38696]", &[]);
    check(&format!(". 3600 IN DS 20326 8 2 {DIGEST}\n"), ". [20326] []", &[]);
    check(&format!("; x\n\n@ DS 20326 RSASHA256 2 {DIGEST} ; c"), ". [20326] []", &[]);
    let text = format!(
        "\u{feff}$ORIGIN example.\n$TTL 1h\na IN 1h DS 1 13 2 {DIGEST}\n  DNSKEY 257 3 13 ( AwEAAa96\n jeuk )\n\
         A.example. DS 1 13 2 {DIGEST}\nb.test. CLASS1 DS 2 15 2 {DIGEST}\n"
    );
    check(&text, "a.example. [1] [59510]; b.test. [2] []", &[]);
}

#[test]
fn a_file_that_unbound_keeps_is_read_with_the_state_of_each_key() {
    let key = |number: u8, state: &str| {
        format!(
            ".\t86400\tIN\tDNSKEY\t257 3 13 AwE{} ;{{id = {number} (ksk), size = 256b}} ;;state={state} ;;count=0 ;;lastchange=1 ;;Thu\n",
            char::from(b'A' + number)
        )
    };
    let head =
        "; autotrust trust anchor file\n;;id: . 1\n;;last_queried: 1721034531 ;;Mon\n;;retry_time: 8640\n";
    let text = [
        head,
        &key(0, "2 [  VALID  ]"),
        &key(1, "1 [ ADDPEND ]"),
        &key(2, "3 [ MISSING ]"),
        &key(3, "5 [ REMOVED ]"),
    ]
    .concat();
    let (zones, told) = read(&text);
    assert_eq!(zones.matches(',').count(), 1, "two keys: {zones}");
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("warning") && told[0].contains("it is not trusted yet"), "{told:#?}");
    assert!(told[1].contains("it is removed, as Unbound says"), "{told:#?}");
}

#[test]
fn what_is_no_anchor_is_told_with_its_place_and_a_cure() {
    for (text, told) in [
        ("", "no trust anchor is in this file..trust_anchors = \"none\""),
        ("; only a comment\n", "no trust anchor is in this file"),
        (". DS 20326 8 2 E06D", "error at \"20326 8 2 E06D\"..a digest of type 2 has 32 octets..dig +noall"),
        (". DS 20326 8 2 xyz", "error at \"xyz\": DS: the digest must be"),
        (". DNSKEY 385 3 8 AwEAAa96", "error at \"385\": the key with the tag..is revoked..present keys"),
        (". DNSKEY 1 3 8 AwEAAa96", "error at \"1\"..signs no zone..257"),
        (". DNSKEY 257 2 8 AwEAAa96", "error at \"2\": the protocol is 2, not 3"),
        (". A 192.0.2.1", "error at \"A\": A records are no trust anchors: lines are NAME"),
        (". IN DNSKYE 257 3 8 AwEAAa96", "error at \"DNSKYE\": \"DNSKYE\" is not DS or DNSKEY"),
        (". CH DS 1 8 2 00", "error at \"CH\": the class is CH, not IN"),
        (". 3600 IN", "error at \"IN\": the record has no type"),
        ("a..b DS 1 8 2 00", "error at \"a..b\"..two dots in a row"),
        ("  DS 1 8 2 00", "error at \"DS\": the first record has no name"),
        ("$ORIGIN a..b\n", "error at \"a..b\"..is not a name"),
        (". DNSKEY ( 257 3 8 AwEAAa96\n", "error at \"(\": the closing parenthesis is missing"),
        ("trust-anchors {", "error at \"trust-anchors\"..a statement of BIND's config..dig +noall"),
    ] {
        let parts: Vec<&str> = if told.contains("a..b") { vec!["a..b"] } else { told.split("..").collect() };
        let (zones, problems) = read(text);
        assert_eq!((&*zones, problems.len()), ("", 1), "{text}: {problems:?}");
        for part in parts {
            assert!(problems[0].contains(part) && problems[0].starts_with("error"), "{problems:?}: {part}");
        }
    }
}

#[test]
fn what_nobody_checks_is_kept_and_told() {
    check(
        &format!("a. DS 7 13 3 {DIGEST}"),
        "a. [7] []",
        &["warning at \"3\"..digests of type 3..no effect"],
    );
    check(&format!("a. DS 7 13 1 {}", &DIGEST[..40]), "a. [7] []", &[]);
    check(&format!("a. DS 7 5 2 {DIGEST}"), "a. [7] []", &["warning at \"5\"..algorithm 5..no effect"]);
    check("a. DNSKEY 257 3 253 AwEAAa96", "a. [] [46970]", &["warning at \"253\"..algorithm 253"]);
    check("a. DNSKEY 256 3 13 AwEAAa96", "a. [] [46729]", &["warning at \"256\"..no entry point..257"]);
}

#[test]
fn a_zone_has_a_bounded_number_of_anchors() {
    let line = |number: usize| format!("a. DS {number} 13 2 {DIGEST}\n");
    let most: String = (0..limits::ANCHORS_PER_ZONE).map(line).collect();
    assert_eq!(read(&most).1, [""; 0]);
    let (_, told) = read(&(most + &line(999)));
    assert!(told[0].starts_with("error") && told[0].contains("more than 16 anchors"), "{told:?}");
}
