use super::*;
use crate::wire::NameBuf;
use proptest::prelude::*;

fn origin() -> NameBuf {
    "example.com.".parse().unwrap()
}

fn parse(rtype: &str, text: &str) -> Result<Vec<u8>, RdataError> {
    let mut out = Vec::new();
    let rtype = Rtype::from_text(rtype).expect("a type");
    parse_rdata(rtype, text, origin().as_name(), &mut out).map(|()| out)
}

fn print(rtype: &str, rdata: &[u8]) -> String {
    let mut out = String::new();
    print_rdata(Rtype::from_text(rtype).unwrap(), rdata, &mut out);
    out
}

/// Type, text, and the text it is printed as; "=" where that is the same.
pub(super) const GOOD: &[(&str, &str, &str)] = &[
    ("A", "192.0.2.1", "="),
    ("A", "\\# 4 c0000201", "192.0.2.1"),
    ("AAAA", "2001:db8::1", "="),
    ("NS", "ns1", "ns1.example.com."),
    ("NS", "@", "example.com."),
    ("CNAME", "a\\.b.c\\032d.", "="),
    (
        "SOA",
        "ns1 hostmaster 1 1h 15m 1w 300",
        "ns1.example.com. hostmaster.example.com. 1 3600 900 604800 300",
    ),
    ("PTR", "host.example.org.", "="),
    ("HINFO", "PDP-11 \"UNIX V7\"", "\"PDP-11\" \"UNIX V7\""),
    ("MINFO", "r e", "r.example.com. e.example.com."),
    ("MX", "10 mail", "10 mail.example.com."),
    ("MX", "0 .", "="),
    ("TXT", "one \"two three\" \"\"", "\"one\" \"two three\" \"\""),
    ("TXT", "\"a\\\"b\\\\c\\200\"", "="),
    ("RP", "mbox txt", "mbox.example.com. txt.example.com."),
    ("AFSDB", "1 afs.example.org.", "="),
    ("X25", "\"311061700956\"", "="),
    ("ISDN", "150862028003217", "\"150862028003217\""),
    ("ISDN", "\"150862028003217\" \"004\"", "="),
    ("RT", "2 relay.example.org.", "="),
    (
        "NSAP",
        "0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00",
        "0x47000580005A0000000001E133FFFFFF00016100",
    ),
    ("PX", "50 ab.net2.it. prmd-net2.c-it.", "50 ab.net2.it. prmd-net2.c-it."),
    ("GPOS", "-32.6882 116.8652 10.0", "\"-32.6882\" \"116.8652\" \"10.0\""),
    ("LOC", "42 21 54 N 71 06 18 W -24m 30m", "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m"),
    ("LOC", "52 N 13 E 0", "52 0 0.000 N 13 0 0.000 E 0.00m 1.00m 10000.00m 10.00m"),
    ("LOC", "52 N 13 E 0 90000000m", "52 0 0.000 N 13 0 0.000 E 0.00m 90000000.00m 10000.00m 10.00m"),
    ("SRV", "10 60 5060 sip1", "10 60 5060 sip1.example.com."),
    ("NAPTR", "100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:info@example.com!\" .", "="),
    ("KX", "10 kx.example.org.", "="),
    ("CERT", "PKIX 12179 3 AQPSKmynfzW4kyBv", "1 12179 3 AQPSKmynfzW4kyBv"),
    ("DNAME", "other.example.", "="),
    ("APL", "1:192.168.32.0/21 !1:192.168.38.0/28 2:2001:db8::/32", "="),
    ("APL", "", "="),
    (
        "DS",
        "60485 RSASHA1 1 2bb183af5f22588179a53b0a 98631fad1a292118",
        "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
    ),
    ("SSHFP", "2 1 123456789abcdef6", "2 1 123456789ABCDEF6"),
    ("IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb", "="),
    ("IPSECKEY", "10 0 2 . AQNRU3mG7TVTO2BkR47usntb", "="),
    ("IPSECKEY", "10 3 2 gw.example. AQNRU3mG7TVTO2BkR47usntb", "="),
    ("IPSECKEY", "10 2 2 2001:db8::1 AQNRU3mG7TVTO2BkR47usntb", "="),
    ("RRSIG", "A 13 3 86400 20260101000000 20251201000000 2642 example.com. oJB1W6WNGv+ldvQ3", "="),
    (
        "RRSIG",
        "TYPE999 13 3 1d 1767225600 1764547200 2642 example.com. oJB1W6WNGv+ldvQ3",
        "TYPE999 13 3 86400 20260101000000 20251201000000 2642 example.com. oJB1W6WNGv+ldvQ3",
    ),
    ("NSEC", "host.example.com. A MX RRSIG NSEC TYPE1234", "="),
    ("NSEC", "Host MX A", "Host.example.com. A MX"),
    ("DNSKEY", "257 3 ECDSAP256SHA256 AQPSKmyn fzW4kyBv", "257 3 13 AQPSKmynfzW4kyBv"),
    ("KEY", "256 3 RSASHA1 AQPSKmynfzW4kyBv", "256 3 5 AQPSKmynfzW4kyBv"),
    ("KEY", "49152 3 1", "="),
    ("WKS", "10.0.0.1 TCP SMTP telnet 80", "10.0.0.1 6 23 25 80"),
    ("WKS", "10.0.0.1 17", "="),
    ("NXT", "b MX A NXT", "b.example.com. A MX NXT"),
    ("NXT", "b.example. A", "="),
    ("DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69", "="),
    (
        "NSEC3",
        "1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG",
        "1 1 12 AABBCCDD 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG",
    ),
    ("NSEC3", "1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3s", "="),
    ("NSEC3PARAM", "1 0 12 AABBCCDD", "="),
    ("TLSA", "3 1 1 8bd1da95", "3 1 1 8BD1DA95"),
    ("SMIMEA", "3 1 1 8BD1DA95", "="),
    (
        "HIP",
        "2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p rvs.example.com.",
        "=",
    ),
    ("TALINK", "a.example. b.example.", "="),
    ("CDS", "0 0 0 00", "="),
    ("CDNSKEY", "0 3 0 AA==", "="),
    ("OPENPGPKEY", "AQPSKmynfzW4kyBv", "="),
    ("CSYNC", "66 3 A NS AAAA", "="),
    ("ZONEMD", "2018031500 1 1 FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE", "="),
    ("SVCB", "1 . dohpath=/q{?x,dns}", "1 . dohpath=\"/q{?x,dns}\""),
    ("DS", "1 13 3 00", "="),
    ("IPSECKEY", "10 0 0 .", "="),
    ("SVCB", "0 alias.example.", "="),
    (
        "SVCB",
        "16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
        "16 foo.example.org. mandatory=alpn,ipv4hint alpn=\"h2,h3-19\" ipv4hint=192.0.2.1",
    ),
    (
        "HTTPS",
        "1 . port=53 no-default-alpn alpn=h2 ipv6hint=2001:db8::1,2001:db8::53:1 ech=AQID dohpath=/q{?dns} key667=\"hello\\210qoo\"",
        "1 . alpn=\"h2\" no-default-alpn port=53 ech=AQID ipv6hint=2001:db8::1,2001:db8::53:1 dohpath=\"/q{?dns}\" key667=\"hello\\210qoo\"",
    ),
    ("SVCB", "16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"", "="),
    ("DSYNC", "CDS 1 5359 scanner.example.net.", "="),
    ("DSYNC", "CSYNC notify 5359 s", "CSYNC 1 5359 s.example.com."),
    ("SPF", "\"v=spf1 -all\"", "="),
    ("NID", "10 0014:4fff:ff20:ee64", "="),
    ("NID", "10 14:4ff:f:0", "10 0014:04ff:000f:0000"),
    ("L32", "10 10.1.2.0", "="),
    ("L64", "10 2001:0db8:1140:1000", "="),
    ("LP", "10 l64-subnet.example.com.", "="),
    ("EUI48", "00-00-5e-00-53-2a", "="),
    ("EUI64", "00-00-5e-ef-10-00-00-2a", "="),
    ("URI", "10 1 \"ftp://ftp1.example.com/public\"", "="),
    ("CAA", "0 issue \"letsencrypt.org\"", "="),
    ("CAA", "128 iodef mailto:a@example.com", "128 iodef \"mailto:a@example.com\""),
    ("AVC", "\"app\" \"x\"", "="),
    ("AMTRELAY", "10 0 1 203.0.113.15", "="),
    ("AMTRELAY", "10 1 3 relay.example.", "="),
    ("AMTRELAY", "10 0 0 .", "="),
    ("RESINFO", "\"qnamemin\" \"exterr=15,16,17\"", "="),
    ("TYPE65400", "\\# 4 C0000201", "="),
    ("TYPE65400", "\\# 0", "="),
    ("TYPE65400", "\\# 4 0A0B0 C0D", "\\# 4 0A0B0C0D"),
];

#[test]
fn good_record_data_is_read_and_printed_in_normal_form() {
    for (rtype, text, normal) in GOOD {
        let rdata = parse(rtype, text).unwrap_or_else(|e| panic!("{rtype} {text}: {e:?}"));
        let printed = print(rtype, &rdata);
        assert_eq!(printed, if *normal == "=" { *text } else { *normal }, "{rtype} {text}");
        assert_eq!(parse(rtype, &printed).unwrap(), rdata, "{rtype} {printed}");
    }
}

#[test]
fn bad_record_data_is_refused_with_its_reason_and_place() {
    for (rtype, text, message, place) in [
        ("A", "192.0.2", "the address must be an IPv4 address, not \"192.0.2\"", "192.0.2"),
        ("A", "192.0.2.1 192.0.2.2", "A data ends before \"192.0.2.2\"", "192.0.2.2"),
        ("AAAA", "192.0.2.1", "the address must be an IPv6 address, not \"192.0.2.1\"", "192.0.2.1"),
        ("MX", "mail", "the preference must be a number from 0 to 65535, not \"mail\"", "mail"),
        ("MX", "10", "the exchange is missing", "10"),
        ("MX", "70000 mail", "the preference must be a number from 0 to 65535, not \"70000\"", "70000"),
        (
            "MX",
            "10 a..b",
            "the exchange is not a name: a label is empty (two dots in a row, or a leading dot)",
            "a..b",
        ),
        ("TXT", "\"open", "the closing quote is missing", "\"open"),
        ("TXT", "a\\25", "a backslash must be followed by a character or by three digits up to 255", "a\\25"),
        ("HTTPS", "1 . port=+53", "the value of port must be a port from 0 to 65535", "port=+53"),
        (
            "APL",
            "1:192.0.2.0/+24",
            "the prefix must be as in 1:192.0.2.0/24, !1:192.0.2.64/28 or 2:2001:db8::/32, not \"1:192.0.2.0/+24\"",
            "1:192.0.2.0/+24",
        ),
        (
            "LOC",
            "+52 N 13 E 0",
            "the latitude must be degrees, minutes, seconds and N or S, not \"+52\"",
            "+52",
        ),
        ("LOC", "52 N 13 E +1", "the altitude must be metres, as in 12.50m, not \"+1\"", "+1"),
        (
            "LOC",
            "52 N 13 E 0 95000000m",
            "the size must be from 0 to 90000000m, not \"95000000m\"",
            "95000000m",
        ),
        (
            "NID",
            "10 14::f:0",
            "the node identifier must be 4 groups of 1 to 4 hexadecimal digits parted by \":\", not \"14::f:0\"",
            "14::f:0",
        ),
        (
            "EUI48",
            "0-0-5e-0-53-2a",
            "the address must be 6 pairs of hexadecimal digits parted by \"-\", not \"0-0-5e-0-53-2a\"",
            "0-0-5e-0-53-2a",
        ),
        ("DS", "1 13 1 00", "a digest of type 1 has 20 octets, this one has 1", "1 13 1 00"),
        ("CDS", "1 13 2 00", "a digest of type 2 has 32 octets, this one has 1", "1 13 2 00"),
        ("DS", "\\# 5 00010d0400", "a digest of type 4 has 48 octets, this one has 1", "\\# 5 00010d0400"),
        ("KEY", "256 3 1", "the public key is missing", "256 3 1"),
        ("NSEC", "b", "the types are missing: NSEC itself is one", "b"),
        ("X25", "abcd", "the address must be four digits or more", "abcd"),
        ("X25", "123", "the address must be four digits or more", "123"),
        (
            "SVCB",
            "1 . dohpath=/q",
            "dohpath must begin with / and have the variable dns, as in /dns-query{?dns} (RFC 9461)",
            "1 . dohpath=/q",
        ),
        (
            "SVCB",
            "1 . dohpath=q{?dns}",
            "dohpath must begin with / and have the variable dns, as in /dns-query{?dns} (RFC 9461)",
            "1 . dohpath=q{?dns}",
        ),
        (
            "WKS",
            "10.0.0.1 6 65536",
            "the port must be a number from 0 to 65535 or a mnemonic, not \"65536\"",
            "65536",
        ),
        ("NXT", "b CAA", "the type must be a record type below 128, not \"CAA\"", "CAA"),
        ("DS", "1 13 2 abc", "the digest must be pairs of hexadecimal digits", "abc"),
        ("CAA", "0 is-sue x", "the tag must be letters and digits, not \"is-sue\"", "is-sue"),
        ("HTTPS", "1 . port=53 port=54", "port is given twice", "port=54"),
        ("HTTPS", "1 . nonsense=1", "\"nonsense\" is not a service parameter key", "nonsense=1"),
        ("TYPE65400", "\\# 3 c0000201", "the length says 3 octets, the data has 4", "3"),
        ("A", "\\# 3 c00002", "these octets are not A data", "\\# 3 c00002"),
        ("TYPE65400", "x", "TYPE65400 data is written as \\# LENGTH HEX (RFC 3597)", "x"),
    ] {
        let error = parse(rtype, text).expect_err(text);
        assert_eq!(error.message, message, "{rtype} {text}");
        assert_eq!(&text[error.span.0..error.span.1], place, "{rtype} {text}");
    }
}

#[test]
fn toml_text_without_quotes_is_one_string() {
    let mut out = Vec::new();
    parse_toml_rdata(Rtype::TXT, "v=spf1 mx -all", origin().as_name(), &mut out).unwrap();
    assert_eq!(out, b"\x0ev=spf1 mx -all");
    out.clear();
    parse_toml_rdata(Rtype::TXT, &"x".repeat(300), origin().as_name(), &mut out).unwrap();
    assert_eq!((out.len(), out[0], out[256]), (302, 255, 45));
    out.clear();
    parse_toml_rdata(Rtype::TXT, "\"a\" \"b\"", origin().as_name(), &mut out).unwrap();
    assert_eq!(out, b"\x01a\x01b");
}

#[test]
fn canonical_form_folds_the_names_of_the_listed_types_only() {
    for (rtype, text, canonical) in [
        ("MX", "10 MAIL.Example.", "10 mail.example."),
        ("SRV", "1 2 3 HOST.", "1 2 3 host."),
        ("NSEC", "NEXT. A", "NEXT. A"),
        ("SVCB", "1 TARGET.", "1 TARGET."),
        ("NSAP-PTR", "HOST.", "HOST."),
        ("TXT", "ABC", "\"ABC\""),
        ("NAPTR", "1 1 \"U\" \"X\" \"\" REPL.", "1 1 \"U\" \"X\" \"\" repl."),
    ] {
        let mut rdata = parse(rtype, text).unwrap();
        make_canonical(Rtype::from_text(rtype).unwrap(), &mut rdata);
        assert_eq!(print(rtype, &rdata), canonical);
    }
}

#[test]
fn records_whose_names_differ_in_case_alone_are_one() {
    for (rtype, first, second, count) in [
        ("NS", "ns.dup", "NS.dup", 1),
        ("SRV", "1 2 3 host", "1 2 3 HOST", 1),
        ("SVCB", "1 host", "1 HOST", 2),
        ("TXT", "a", "A", 2),
        ("MX", "16706 mx", "24930 mx", 2),
    ] {
        let rtype_of = Rtype::from_text(rtype).unwrap();
        let (first, second) = (parse(rtype, first).unwrap(), parse(rtype, second).unwrap());
        let mut set = Rrset::new(origin().as_name(), rtype_of, 60);
        set.push(&first);
        set.push(&second);
        assert_eq!(set.rdatas().iter().count(), count, "{rtype}");
        assert_eq!(set.rdatas().iter().next(), Some(&first[..]), "{rtype}: the first spelling stays");
    }
}

fn message(rtype: Rtype, rdata: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 66_000];
    let mut writer = Writer::new(&mut out, 65_535, 0, crate::wire::Flags::default());
    writer.question(origin().as_name(), rtype, crate::wire::Class::IN).unwrap();
    writer
        .record(crate::wire::Section::Answer, origin().as_name(), rtype, crate::wire::Class::IN, 1)
        .and_then(|()| writer.rdata(|writer| write_rdata(writer, rtype, rdata)))
        .unwrap();
    let len = writer.finish();
    out.truncate(len);
    out
}

#[test]
fn written_record_data_is_compressed_where_it_may_be_and_read_back_whole() {
    for (rtype, text, _) in GOOD {
        let rdata = parse(rtype, text).unwrap();
        let rtype = Rtype::from_text(rtype).unwrap();
        let message = message(rtype, &rdata);
        let record = crate::wire::Message::parse(&message).unwrap().records().next().unwrap().unwrap();
        let mut read = Vec::new();
        read_rdata(&record, &mut read).unwrap();
        assert_eq!(read, rdata, "{rtype} {text}");
        let rfc1035 = ["NS", "CNAME", "PTR", "MX", "SOA", "MINFO"].contains(&rtype.to_string().as_str());
        let ours = text.contains("example.com") || rdata.ends_with(b"\x07example\x03com\0");
        assert_eq!(
            record.rdata().len() < rdata.len(),
            rfc1035 && ours || rtype == Rtype::SOA || rtype == Rtype::MINFO,
            "{rtype} {text}"
        );
    }
}

proptest! {
    #[test]
    fn any_octets_of_any_type_are_printed_as_text_that_reads_back(rtype in prop_oneof![0u16..70, 99u16..110, 256u16..265, any::<u16>()], rdata: Vec<u8>) {
        let rtype = Rtype(rtype);
        let mut text = String::new();
        print_rdata(rtype, &rdata, &mut text);
        let mut back = Vec::new();
        let generic_of_known = text.starts_with("\\#") && check_rdata(rtype, &rdata).is_err();
        match parse_rdata(rtype, &text, Name::ROOT, &mut back) {
            Ok(()) => prop_assert_eq!(back, rdata),
            Err(error) => prop_assert!(generic_of_known || rules::broken(rtype, &rdata).is_some(), "{} {}: {:?}", rtype, text, error),
        }
    }

    #[test]
    fn octets_of_good_data_with_one_changed_never_panic(case in 0..GOOD.len(), at: prop::sample::Index, octet: u8) {
        let (rtype, text, _) = GOOD[case];
        let mut rdata = parse(rtype, text).unwrap();
        if !rdata.is_empty() {
            let at = at.index(rdata.len());
            rdata[at] = octet;
        }
        let rtype = Rtype::from_text(rtype).unwrap();
        let mut text = String::new();
        print_rdata(rtype, &rdata, &mut text);
        if check_rdata(rtype, &rdata).is_ok() && rules::broken(rtype, &rdata).is_none() {
            let mut back = Vec::new();
            parse_rdata(rtype, &text, Name::ROOT, &mut back).unwrap();
            prop_assert_eq!(back, rdata);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(rtype in 0u16..265, text in ".{0,80}") {
        let mut out = Vec::new();
        if let Err(error) = parse_rdata(Rtype(rtype), &text, Name::ROOT, &mut out) {
            prop_assert!(text.get(error.span.0..error.span.1).is_some(), "{:?} {:?}", text, error);
        }
    }
}

/// The octets that the oracle reads from a master file's record, or why it reads none.
fn oracle(rtype: &str, text: &str) -> Result<Vec<u8>, String> {
    use domain::base::Name;
    use domain::base::rdata::ComposeRecordData;
    use domain::zonefile::inplace::{Entry, Zonefile};
    let mut file = Zonefile::new();
    file.set_origin(Name::bytes_from_str("example.com.").unwrap());
    file.extend_from_slice(format!("x 60 IN {rtype} {text}\n").as_bytes());
    match file.next_entry() {
        Ok(Some(Entry::Record(record))) => {
            let mut octets = Vec::new();
            record.data().compose_rdata(&mut octets).unwrap();
            Ok(octets)
        }
        Ok(_) => Err("nothing".into()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn another_reader_of_master_files_reads_the_same_octets() {
    let (mut same, mut different, mut unread) = (0, Vec::new(), Vec::new());
    // It takes @ for a label.
    for (rtype, text, _) in GOOD.iter().filter(|(_, text, _)| *text != "@") {
        let ours = parse(rtype, text).unwrap();
        match oracle(rtype, text) {
            Ok(octets) if octets == ours => same += 1,
            Ok(octets) => different.push(format!("{rtype} {text}: {octets:?}")),
            Err(_) => unread.push(*rtype),
        }
    }
    unread.dedup();
    assert!(different.is_empty(), "{different:#?}");
    assert!(same >= 40, "{same} alike; not read by the oracle: {unread:?}");
}
