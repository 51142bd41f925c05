//! Whatever comes in, what goes out is a message that the oracle, hickory-proto, reads, and that says what was meant.

#![allow(clippy::unwrap_used)]

use hickory_proto::op::{Message as Oracle, ResponseCode};
use hickory_proto::rr::RecordType;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use waymark::answer::{self, Outcome, Request, Transport, View, Worker};
use waymark::clock::Instant;
use waymark::config::Diagnostics;
use waymark::guard::{Cookies, Guard};
use waymark::wire::{Edns, Message, NameBuf, Rtype, option};
use waymark::zone::{Held, ZoneSet, master};

/// Owners and records of every kind of answer; `shape` varies what stands where.
fn zone(shape: u64) -> String {
    let mut text = String::from("$TTL 300\n@ SOA ns hostmaster 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\n");
    let owners =
        ["a", "b", "a.b", "*.b", "c.a", "x.y.z", "*", "\\000.b", "A-Very-Long-Label-With-Upper-Case"];
    let data = [
        "A 192.0.2.7",
        "AAAA 2001:db8::7",
        "MX 5 a",
        "MX 10 mail.elsewhere.",
        "TXT \"t\" \"\"",
        "SRV 1 2 3 b",
        "NAPTR 1 2 \"u\" \"s\" \"!x!y!\" .",
        "CAA 0 issue \"ca\"",
        "HTTPS 1 . alpn=h2",
        "LOC 1 N 2 E 3m",
        "TYPE65400 \\# 3 010203",
        "PTR c.a",
        "RP a b",
        "HINFO x y",
        "SSHFP 1 1 00",
        "URI 1 2 \"u\"",
    ];
    let mut state = shape;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    for owner in owners {
        match next(8) {
            0 => text += &format!("{owner} CNAME {}\n", owners[next(owners.len())]),
            1 => text += &format!("{owner} DNAME {}\n{owner} TXT dname\n", owners[next(owners.len())]),
            2 => text += &format!("{owner} NS ns.{owner}\nns.{owner} A 192.0.2.9\n{owner} NS a\n"),
            3 => (0..40).for_each(|i| text += &format!("{owner} TXT \"text {i} of many that do not fit\"\n")),
            _ => (0..1 + next(4)).for_each(|_| text += &format!("{owner} {}\n", data[next(data.len())])),
        }
    }
    text
}

fn view(shape: u64) -> Option<View> {
    let apex: NameBuf = "example.".parse().unwrap();
    let mut diagnostics = Diagnostics::default();
    // Some shapes are no zone: what stands below a DNAME or cut may clash.
    let zone = master::parse(&zone(shape), Path::new("shape.zone"), apex.as_name(), &mut diagnostics)?;
    let held = Held { apex: apex.as_name().to_owned(), state: Ok(Arc::new(zone)), policy: None };
    let guard = Guard { cookies: Some(Cookies::new([1; 16], 0)), ..Guard::default() };
    Some(View { zones: ZoneSet::new(vec![held]), guard, ..View::default() })
}

fn respond(view: &View, message: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let client: SocketAddr = "192.0.2.99:4000".parse().unwrap();
    let request = Request { message, client, transport, listener: 0, now: Instant::from_secs(1) };
    let mut out = vec![0xaa; if transport == Transport::Udp { 1232 } else { 65_535 }];
    match answer::answer(view, &mut Worker::default(), &request, None, &mut out) {
        Outcome::Reply(meta) => Some(out[..meta.len].to_vec()),
        Outcome::Drop(_) => None,
        Outcome::Later(job) => panic!("nothing is resolved here: {job:?}"),
    }
}

fn question(name: &str, rtype: u16, edns: Option<u16>, cookie: Option<usize>) -> Vec<u8> {
    let name: NameBuf = name.parse().unwrap();
    let mut message = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0".to_vec();
    message.extend_from_slice(name.as_name().as_bytes());
    message.extend(rtype.to_be_bytes());
    message.extend(1u16.to_be_bytes());
    if let Some(size) = edns {
        message[11] = 1;
        message.extend(b"\0\0\x29");
        message.extend(size.to_be_bytes());
        message.extend([0; 4]);
        let cookie = cookie.map_or(Vec::new(), |len| {
            [&option::COOKIE.to_be_bytes(), &(len as u16).to_be_bytes(), &[7; 41][..len]].concat()
        });
        message.extend((cookie.len() as u16).to_be_bytes());
        message.extend(cookie);
    }
    message
}

fn some_name() -> impl Strategy<Value = String> {
    let label = prop_oneof![
        Just("a"),
        Just("b"),
        Just("c"),
        Just("x"),
        Just("y"),
        Just("z"),
        Just("*"),
        Just("\\000"),
        Just("B"),
        Just("a-very-long-label-with-upper-case"),
    ];
    prop::collection::vec(label, 0..5)
        .prop_map(|labels| labels.iter().map(|l| format!("{l}.")).collect::<String>() + "example.")
}

fn some_type() -> impl Strategy<Value = u16> {
    prop_oneof![
        Just(1u16),
        Just(28),
        Just(5),
        Just(39),
        Just(2),
        Just(15),
        Just(16),
        Just(6),
        Just(43),
        Just(255),
        0u16..300,
        any::<u16>()
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if std::env::var_os("WAYMARK_LONG").is_some() { 100_000 } else { 2_000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_reply_is_read_by_the_oracle_and_keeps_the_rules(
        shape: u64, name in some_name(), rtype in some_type(), edns in prop::option::of(0u16..4_096),
        cookie in prop::option::of(0usize..=41), tcp: bool,
    ) {
        let Some(view) = view(shape) else { return Ok(()) };
        let query = question(&name, rtype, edns, cookie);
        let transport = if tcp { Transport::Tcp } else { Transport::Udp };
        let reply = respond(&view, &query, transport).expect("a well-formed query is answered");
        let limit = match (tcp, edns) {
            (true, _) => 65_535,
            (false, None) => 512,
            (false, Some(size)) => size.clamp(512, 1_232).into(),
        };
        prop_assert!(reply.len() <= limit, "{} octets of {limit}", reply.len());
        let oracle = Oracle::from_vec(&reply).unwrap_or_else(|error| panic!("{error}: {reply:02x?}"));
        prop_assert_eq!(oracle.metadata.id, 0x1234);
        prop_assert_eq!(oracle.queries.len(), 1);
        let end = question(&name, rtype, None, None).len();
        prop_assert_eq!(&reply[12..end], &query[12..end], "the question comes back, its case kept");
        prop_assert_eq!(oracle.edns.is_some(), edns.is_some());
        let given = cookie.filter(|len| edns.is_some() && matches!(len, 8 | 16..=40));
        let message = Message::parse(&reply).unwrap();
        let opt = message.records().flatten().find(|record| record.rtype == Rtype::OPT);
        let cookie = opt.and_then(|opt| Edns::from_record(&opt).unwrap().option(option::COOKIE));
        prop_assert_eq!(cookie.map(<[u8]>::len), given.map(|_| 24));
        prop_assert!(!tcp || !oracle.metadata.truncation, "nothing is too long for TCP");
        // No record twice, and one TTL for an RRset (RFC 2181 section 5).
        let mut seen = BTreeSet::new();
        for record in oracle.answers.iter().chain(&oracle.authorities).chain(&oracle.additionals) {
            prop_assert!(seen.insert(record.to_string().to_ascii_lowercase()), "{record} twice");
        }
        // A denial has an SOA and a referral NS; an answer begins with the name asked for, or the DNAME above it.
        let denied = oracle.metadata.response_code == ResponseCode::NXDomain;
        let soa = oracle.authorities.iter().any(|record| record.record_type() == RecordType::SOA);
        prop_assert!(!denied || soa || oracle.metadata.truncation);
        if let Some(first) = oracle.answers.first() {
            let owner = first.name.to_ascii().to_ascii_lowercase();
            let above = first.record_type() == RecordType::DNAME;
            prop_assert!(owner == name.to_ascii_lowercase() || above && name.to_ascii_lowercase().ends_with(&owner));
        }
    }

    #[test]
    fn any_octets_get_silence_or_a_reply_that_reads(octets in prop::collection::vec(any::<u8>(), 0..200), shape in 0u64..8) {
        let Some(view) = view(shape) else { return Ok(()) };
        if let Some(reply) = respond(&view, &octets, Transport::Udp) {
            prop_assert_eq!(&reply[..2], &octets[..2]);
            Oracle::from_vec(&reply).unwrap_or_else(|error| panic!("{error}: {reply:02x?}"));
        }
    }

    #[test]
    fn changed_queries_get_silence_or_a_reply_that_reads(
        name in some_name(), rtype in some_type(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), shape in 0u64..8,
    ) {
        let Some(view) = view(shape) else { return Ok(()) };
        let mut query = question(&name, rtype, Some(1_232), Some(24));
        for (at, octet) in changes {
            let at = at.index(query.len());
            query[at] = octet;
        }
        if let Some(reply) = respond(&view, &query, Transport::Udp) {
            Oracle::from_vec(&reply).unwrap_or_else(|error| panic!("{error}: {reply:02x?}"));
        }
    }

    #[test]
    fn any_octets_are_read_as_a_message_or_not_at_all(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(message) = Message::parse(&octets) {
            let mut rdata = Vec::new();
            for record in message.records().flatten() {
                let _ = record.owner();
                rdata.clear();
                let _ = waymark::rrset::read_rdata(&record, &mut rdata);
            }
        }
    }
}

#[test]
fn most_shapes_are_zones() {
    let zones = (0..200).filter(|shape| view(*shape).is_some()).count();
    assert!(zones > 150, "{zones} of 200");
}
