//! Stories of one request each: zones, a question, the reply as text.

use super::*;
use crate::cache::{Cache, Entry, EntryBuf, Fact, Key, Proof, Verdict};
use crate::config::{Config, Diagnostics, ZoneFile};
use crate::guard::AccessList;
use crate::rrset;
use crate::steer::{Policy, Shared, Steering};
use crate::wire::{Edns, EdnsOption, Header, Message, Writer};
use crate::zone::tests_of_denial::{Chained, sign};
use crate::zone::{self, Held, ZoneSet, master};
use hickory_proto::op::Message as Oracle;
use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

const EXAMPLE: &str = "$TTL 3600
@ SOA ns1 hostmaster 1 2 3 4 300
@ NS ns1
@ NS ns.other.
@ MX 10 Mail
@ MX 20 mx.other.
ns1 A 192.0.2.53
ns1 AAAA 2001:db8::53
Mail A 192.0.2.25
www 60 A 192.0.2.80
www 60 A 192.0.2.81
a.b.c TXT deep
alias CNAME www
chain CNAME alias
gone CNAME nowhere
away CNAME www.elsewhere.
over CNAME www.other.
over2 CNAME missing.other.
loop1 CNAME loop2
loop2 CNAME loop1
self CNAME self
*.wild TXT any
*.wild MX 10 mail
block.wild A 192.0.2.1
*.star CNAME www
*.spin CNAME x.spin
tree DNAME other.
tree TXT own
long DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc.dddddddddddddddddddddddddddddd.other.
sub NS ns.sub
sub NS ns1
sub NS ns.sibling
sub NS ns.far.
sub DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.sub A 192.0.2.54
sibling NS ns.sibling
ns.sibling A 192.0.2.55
both NS ns.both
ns.both A 192.0.2.56
_sip._tcp SRV 1 2 5060 ns1
svc HTTPS 1 . alpn=h2
svc A 192.0.2.82
alt SVCB 1 ns1
any TXT first
any A 192.0.2.9
twice MX 10 mail
twice MX 20 mail
dn DNAME dn2
back DNAME forth
x.forth CNAME back
dn A 192.0.2.44
x.dn2 CNAME dn
y.dn2 CNAME z.dn
z.dn2 A 192.0.2.45
tosub CNAME x.sub
tobad CNAME www.bad.
odd TYPE65400 \\# 2 abcd
";

const OTHER: &str = "$TTL 60
@ SOA ns h 9 2 3 4 5
@ NS ns
ns A 192.0.2.63
www A 198.51.100.1
$GENERATE 0-14 link$ CNAME link${1}
link15 A 198.51.100.2
";
const BOTH: &str = "$TTL 60\n@ SOA ns h 7 2 3 4 5\n@ NS ns\nns A 192.0.2.56\nwww A 198.51.100.7\n";

/// A zone that is signed, in two ways.
const SIGNED: &str = "@ SOA ns h 1 2 3 4 300
@ NS ns
ns A 192.0.2.73
www A 192.0.2.80
alias CNAME www
*.wild TXT any
*.chain CNAME x.wild
*.gone CNAME nowhere
a.ent TXT below
tree DNAME wild
safe NS ns.safe
safe DS 1 13 99 00
ns.safe A 192.0.2.74
plain.out NS ns.plain.out
ns.plain.out A 192.0.2.75
kid NS ns.kid
";

const STEERED: &str = r#"
ttl = "1h"
[soa]
serial = 5
[records]
"@" = { NS = "ns" }
ns = { A = "192.0.2.1" }
one = { pool = "one", ttl = "5s..20s", TXT = "beside" }
near = { route = "near" }
out = { pool = "out" }
six = { pool = "six", TXT = "beside" }
mixed = { route = "mixed" }
[pool.one]
members = ["192.0.2.10"]
[pool.two]
members = ["192.0.2.20", "2001:db8::20"]
[pool.six]
members = ["2001:db8::6"]
[pool.out]
cname = "www.other."
[route.near]
fallback = ["one"]
[[route.near.rule]]
cidr = ["198.51.0.0/16"]
use = ["two"]
[route.mixed]
fallback = ["one"]
[[route.mixed.rule]]
cidr = ["198.51.0.0/16"]
use = ["out"]
"#;

fn held(apex: &str, text: &str) -> Held {
    let name: NameBuf = apex.parse().unwrap();
    let mut diagnostics = Diagnostics::default();
    let zone = master::parse(text, Path::new("test.zone"), name.as_name(), &mut diagnostics);
    let zone = zone.unwrap_or_else(|| panic!("{}", diagnostics.render(false)));
    Held { apex: name.as_name().to_owned(), state: Ok(Arc::new(zone)), policy: None }
}

pub(super) fn steered(apex: &str, text: &str, policy: usize) -> (Held, Steering) {
    let mut diagnostics = Diagnostics::default();
    let config = Config::parse("", Path::new("waymark.toml"), &mut diagnostics);
    let file = ZoneFile::parse(text, Path::new(&format!("{apex}toml")), &config, &mut diagnostics);
    let (compiled, ids) = Policy::compile(&file, None, &Shared::default(), &mut diagnostics);
    let zone = zone::from_file(&file, |i| ids.get(i).copied().flatten(), 1, &mut diagnostics);
    let zone = zone.unwrap_or_else(|| panic!("{}", diagnostics.render(false)));
    let steering = Steering::new(compiled);
    (Held { apex: file.apex, state: Ok(Arc::new(zone)), policy: Some(policy) }, steering)
}

/// Every zone above, one that did not load, and recursion for 10.0.0.0/8 from a cache with a few entries.
pub(super) fn view() -> View {
    let (steered, steering) = steered("steered.", STEERED, 0);
    let bad = NameBuf::from_text("bad", Name::ROOT).unwrap();
    let bad = Held { apex: bad.as_name().to_owned(), state: Err("no SOA".into()), policy: None };
    View {
        zones: ZoneSet::new(vec![
            held("example.", EXAMPLE),
            held("other.", OTHER),
            held("both.example.", BOTH),
            held("signed.", &sign("signed.", SIGNED, Chained::Nsec)),
            held("kid.signed.", BOTH),
            held("hashed.", &sign("hashed.", SIGNED, Chained::Nsec3 { iterations: 1, opt_out: true })),
            steered,
            bad,
        ]),
        steering: vec![steering],
        recursion: Some(Recursion {
            allow: AccessList::new(vec!["10.0.0.0/8".parse().unwrap()]),
            cache: Arc::new(cache()),
            realm: 0,
            upstreams: Default::default(),
            special: zone::special_use(),
            sentinel: None,
            strict_denial: false,
            serve_stale: true,
            prefetch: true,
        }),
        ..View::default()
    }
}

fn cache() -> Cache {
    let cache = Cache::new(limits::CACHE_MIN, 1);
    let put = |name: &str, rtype, ttl, fact| {
        let name: NameBuf = name.parse().unwrap();
        let failed = matches!(fact, Fact::Failed { .. });
        let key = Key { realm: 0, name: name.as_name(), rtype, checking_disabled: false, failed };
        let stored = Instant::from_secs(1_000);
        cache.insert(&EntryBuf::new(
            &key,
            &Entry { stored, ttl, verdict: Verdict::Unchecked, fact, proof: Proof::NONE },
        ));
    };
    let none = rrset::Rdatas::stored(&[]);
    let records =
        |rdatas: &'static [u8]| Fact::Records { rdatas: rrset::Rdatas::stored(rdatas), signatures: none };
    let soa: &[u8] = b"\x02ns\0\x01h\0\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";
    put("cached.net.", Rtype::A, 300, records(b"\0\x04\xc0\0\x02\x07"));
    put("alias.net.", Rtype::CNAME, 30, records(b"\0\x0c\x06cached\x03net\0"));
    put("toours.net.", Rtype::CNAME, 30, records(b"\0\x0b\x03www\x05other\0"));
    put(
        "failed.net.",
        Rtype::A,
        30,
        Fact::Failed { rcode: Rcode::SERVFAIL, ede: 22, text: "nobody answered" },
    );
    put("made.net.", Rtype::DNAME, 60, records(b"\0\x07\x05other\0"));
    put("www.made.net.", Rtype::CNAME, 30, records(b"\0\x0b\x03www\x05other\0"));
    put("sub.denied.net.", Rtype::CNAME, 30, records(b"\0\x0c\x06cached\x03net\0"));
    put(
        "denied.net.",
        Rtype::DNAME,
        60,
        Fact::Denied { soa_owner: Some(Name::ROOT), soa, signatures: Rdatas::EMPTY },
    );
    put("net.", Rtype::DNAME, 60, Fact::Failed { rcode: Rcode::SERVFAIL, ede: 22, text: "nobody answered" });
    put(
        "typeless.net.",
        Rtype::CNAME,
        60,
        Fact::Denied { soa_owner: Some(Name::ROOT), soa, signatures: Rdatas::EMPTY },
    );
    put(
        "nx.net.",
        Key::NXDOMAIN,
        60,
        Fact::Denied { soa_owner: Some(Name::ROOT), soa, signatures: Rdatas::EMPTY },
    );
    cache
}

/// A query of words: NAME TYPE, then any of CLASS, rd, cd, ad, do, tcp, from=, edns=VERSION, size=, subnet=, cookie=HEX.
pub(super) fn query(words: &str) -> (Vec<u8>, SocketAddr, Transport) {
    let mut words = words.split(' ');
    let name: NameBuf = words.next().unwrap().parse().unwrap();
    let rtype = Rtype::from_text(words.next().unwrap()).unwrap();
    let (mut class, mut flags, mut edns, mut client, mut transport) =
        (Class::IN, Flags::default(), None, "192.0.2.99".to_owned(), Transport::Udp);
    let (mut size, mut dnssec_ok, mut subnet, mut cookie) = (1232, false, None, None);
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("rd", _) => flags = flags.with(Flags::RD, true),
            ("cd", _) => flags = flags.with(Flags::CD, true),
            ("ad", _) => flags = flags.with(Flags::AD, true),
            ("tcp", _) => transport = Transport::Tcp,
            ("from", address) => client = address.to_owned(),
            ("do", _) => (edns, dnssec_ok) = (Some(0), true),
            ("edns", version) => edns = Some(version.parse().unwrap()),
            ("size", octets) => (edns, size) = (Some(0), octets.parse().unwrap()),
            ("cookie", hex) => {
                let octet = |i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
                edns = edns.or(Some(0));
                cookie = Some((0..hex.len()).step_by(2).map(octet).collect::<Vec<u8>>());
            }
            ("subnet", prefix) => {
                let (address, bits) = prefix.split_once('/').unwrap();
                let (address, source) = (address.parse().unwrap(), bits.parse().unwrap());
                let address: IpAddr = address;
                let family = if address.is_ipv4() { 1 } else { 2 };
                (edns, subnet) = (Some(0), Some(ClientSubnet { family, address, source, scope: 0 }));
            }
            (word, _) => class = Class::from_text(word).unwrap_or_else(|| panic!("{word}")),
        }
    }
    let mut message = vec![0; 512];
    let mut writer = Writer::new(&mut message, 512, 4711, flags);
    writer.question(name.as_name(), rtype, class).unwrap();
    if let Some(version) = edns {
        let ttl = u32::from_be_bytes([0, version, if dnssec_ok { 0x80 } else { 0 }, 0]);
        writer.record(Section::Additional, Name::ROOT, Rtype::OPT, Class(size), ttl).unwrap();
        let options = |writer: &mut Writer<'_>| {
            cookie.map_or(Ok(()), |cookie| writer.option(option::COOKIE, &cookie))?;
            subnet.map_or(Ok(()), |subnet| writer.client_subnet(&subnet))
        };
        writer.rdata(options).unwrap();
    }
    let len = writer.finish();
    message.truncate(len);
    (message, SocketAddr::new(client.parse().unwrap(), 4000), transport)
}

/// Answers octets, 10 seconds after the cache was filled.
fn respond(
    view: &View,
    message: &[u8],
    client: SocketAddr,
    transport: Transport,
) -> Result<Vec<u8>, Outcome> {
    let request = Request { message, client, transport, listener: 0, now: Instant::from_secs(1_010) };
    let mut out = vec![0; limits::MESSAGE];
    let room = if transport == Transport::Udp { limits::UDP_PAYLOAD as usize } else { limits::MESSAGE };
    match answer(view, &mut Worker::default(), &request, None, &mut out[..room]) {
        Outcome::Reply(meta) => {
            out.truncate(meta.len);
            Ok(out)
        }
        outcome => Err(outcome),
    }
}

fn option_text(option: EdnsOption<'_>) -> String {
    match option.code {
        option::CLIENT_SUBNET => {
            let subnet = ClientSubnet::from_query(&[&option.data[..3], &[0], &option.data[4..]].concat());
            subnet.map_or("ecs?".into(), |s| format!("ecs {}/{}/{}", s.address, s.source, option.data[3]))
        }
        option::EDE => {
            let code = u16::from_be_bytes([option.data[0], option.data[1]]);
            format!("ede {code} {}", String::from_utf8_lossy(&option.data[2..]))
        }
        option::COOKIE => {
            let hex = option.data.iter().map(|octet| format!("{octet:02x}"));
            format!("cookie {}", hex.collect::<String>())
        }
        code => format!("option {code}"),
    }
}

/// A reply as text: code and flags, then a line for each record. The oracle must read it too, and find as much.
pub(super) fn text(reply: &[u8]) -> String {
    let oracle = Oracle::from_vec(reply).unwrap_or_else(|error| panic!("{error}: {reply:02x?}"));
    let message = Message::parse(reply).unwrap();
    let Header { id, flags, counts } = message.header();
    assert_eq!(oracle.metadata.id, id);
    assert_eq!(oracle.answers.len(), counts[1] as usize);
    assert_eq!(oracle.authorities.len(), counts[2] as usize);
    let (mut out, mut lines, mut rcode) = (String::new(), String::new(), flags.rcode());
    for record in message.records().map(Result::unwrap) {
        let owner = record.owner().unwrap();
        let owner = owner.as_name();
        if record.rtype == Rtype::OPT {
            let edns = Edns::from_record(&record).unwrap();
            rcode = Rcode((record.ttl >> 24) as u16 * 16 + rcode.0);
            let options: Vec<String> = edns.options().map(option_text).collect();
            let dnssec_ok = if edns.dnssec_ok { " do" } else { "" };
            lines += &format!("\nopt {}{dnssec_ok} {}", edns.udp_size, options.join(", "));
            lines.truncate(lines.trim_end().len());
            continue;
        }
        let (mut rdata, mut data) = (Vec::new(), String::new());
        rrset::read_rdata(&record, &mut rdata).unwrap();
        rrset::print_rdata(record.rtype, &rdata, &mut data);
        let section = ["", "an", "au", "ar"][record.section as usize];
        write!(lines, "\n{section} {owner} {} {} {data}", record.ttl, record.rtype).unwrap();
    }
    write!(out, "{rcode}").unwrap();
    for (flag, name) in [
        (Flags::AA, " aa"),
        (Flags::TC, " tc"),
        (Flags::RD, " rd"),
        (Flags::RA, " ra"),
        (Flags::AD, " ad"),
        (Flags::CD, " cd"),
    ] {
        out += if flags.has(flag) { name } else { "" };
    }
    out + &lines
}

/// Asks; of what is no reply, what it is.
pub(super) fn ask(view: &View, words: &str) -> String {
    let (message, client, transport) = query(words);
    match respond(view, &message, client, transport) {
        Ok(reply) => text(&reply),
        Err(Outcome::Later(Job::Resolve(question))) => {
            format!("resolve {} {}", question.name, question.rtype)
        }
        Err(outcome) => format!("{outcome:?}"),
    }
}

/// Runs the stories under a heading of `stories.txt`.
fn check(heading: &str) {
    let view = view();
    let all = include_str!("stories.txt");
    let section = all.split("\n# ").find_map(|section| section.strip_prefix(&format!("{heading}\n\n")));
    for story in section.unwrap().trim().split("\n\n") {
        let (question, expected) = story.split_once('\n').unwrap();
        let expected: Vec<&str> = expected.lines().map(str::trim).collect();
        assert_eq!(ask(&view, question), expected.join("\n"), "{question}");
    }
}

macro_rules! stories {
    ($($heading:ident)*) => {$(
        #[test]
        fn $heading() {
            check(stringify!($heading));
        }
    )*};
}

stories! {
    data_is_answered_in_the_case_asked_with_what_it_needs
    what_is_not_there_is_denied_with_the_soa
    aliases_are_followed_through_own_zones_only
    a_chain_that_leads_back_to_its_dname_gives_it_once
    redirections_synthesise_aliases
    wildcards_stand_for_what_is_missing_only
    below_a_cut_is_a_referral_with_glue
    with_both_sides_here_the_child_answers_all_but_ds
    any_gives_one_rrset
    names_of_nobody_are_refused
    questions_that_cannot_be_answered_are_told_so
    steered_names_answer_from_their_pool
    recursion_is_for_those_who_may
    signatures_and_proofs_are_for_those_who_want_them
    what_a_signed_zone_has_not_is_proven
    wildcards_of_a_signed_zone_are_proven_to_be_needed
    delegations_of_a_signed_zone_are_proven_signed_or_not
    dnssec_types_are_answered_like_others
    names_that_are_hashes_prove_what_is_not_there
}

/// A query's octets with some of them changed.
fn raw(change: impl FnOnce(&mut Vec<u8>)) -> String {
    let (mut message, client, transport) = query("www.example. A rd");
    change(&mut message);
    match respond(&view(), &message, client, transport) {
        Ok(reply) => {
            assert_eq!(reply[..2], message[..2], "the id comes back");
            text(&reply)
        }
        Err(outcome) => format!("{outcome:?}"),
    }
}

#[test]
fn what_is_no_query_gets_silence_or_an_error() {
    let set = |at: usize, octet: u8| move |message: &mut Vec<u8>| message[at] = octet;
    let silence = "Drop(NotAQuery)";
    assert_eq!(raw(|message| message.truncate(11)), silence);
    assert_eq!(raw(Vec::clear), silence);
    assert_eq!(raw(set(2, 0x80)), silence, "a reply");
    assert_eq!(raw(|message| message.truncate(12)), "FORMERR rd", "a count without its question");
    assert_eq!(raw(set(5, 0)), "FORMERR rd", "no question");
    assert_eq!(raw(set(5, 2)), "FORMERR rd", "two questions");
    assert_eq!(raw(set(12, 0xc0)), "FORMERR rd", "a compressed question");
    assert_eq!(raw(set(12, 64)), "FORMERR rd", "a long label");
    assert_eq!(raw(set(11, 1)), "FORMERR rd", "an additional record that is not there");
    for opcode in [1, 2, 3, 4, 5, 6, 15] {
        assert_eq!(raw(set(2, opcode << 3)), "NOTIMP", "opcode {opcode}");
    }
    // RFC 8906 §3.1.4: flags that mean nothing in a query change nothing.
    let plain = raw(|_| ());
    for (at, octet) in [(2, 0x05), (2, 0x03), (3, 0x40), (3, 0x20), (3, 0x80), (3, 0x0f)] {
        assert_eq!(raw(set(at, octet)), plain, "octet {at} is {octet:#x}");
    }
    assert_eq!(raw(set(3, 0x10)), plain.replace(" rd", " rd cd"), "CD comes back");
    assert_eq!(raw(|message| message.extend([0; 40])), plain, "octets after the message");
}

#[test]
fn edns_is_read_as_rfc_6891_says() {
    let plain = raw(|_| ());
    let opt = |opt: &'static [u8]| {
        move |message: &mut Vec<u8>| {
            message[11] += 1;
            message.extend_from_slice(opt);
        }
    };
    let with = |line: &str| format!("{plain}\n{line}");
    assert_eq!(raw(opt(b"\0\0\x29\x04\xd0\0\0\0\0\0\0")), with("opt 1232"));
    assert_eq!(raw(opt(b"\0\0\x29\0\0\0\0\0\0\0\0")), with("opt 1232"), "a size below 512");
    assert_eq!(raw(opt(b"\0\0\x29\x04\xd0\0\0\x80\0\0\0")), with("opt 1232 do"));
    assert_eq!(raw(opt(b"\0\0\x29\x04\xd0\0\0\x7f\xff\0\0")), with("opt 1232"), "unknown flags");
    assert_eq!(raw(opt(b"\0\0\x29\x04\xd0\xff\0\0\0\0\0")), with("opt 1232"), "a high response code");
    assert_eq!(
        raw(opt(b"\0\0\x29\x04\xd0\0\0\0\0\0\x05\xfd\xe9\0\x01a")),
        with("opt 1232"),
        "an unknown option"
    );
    assert_eq!(raw(opt(b"\0\0\x29\x04\xd0\0\x01\0\0\0\0")), "BADVERS rd\nopt 1232");
    for (malformed, why) in [
        (&b"\x01a\0\0\x29\x04\xd0\0\0\0\0\0\0"[..], "an owner"),
        (b"\0\0\x29\x04\xd0\0\0\0\0\0\x01a", "half an option"),
        (b"\0\0\x29\x04\xd0\0\0\0\0\0\x06\0\x0a\0\x03ab", "an option longer than its record"),
        (b"\0\0\x29\x04\xd0\0\0\0\0\0\x09", "a record longer than the message"),
    ] {
        assert_eq!(raw(opt(malformed)), "FORMERR rd", "{why}");
    }
    let twice = raw(|message| {
        message[11] = 2;
        message.extend(b"\0\0\x29\x04\xd0\0\0\0\0\0\0".repeat(2));
    });
    assert_eq!(twice, "FORMERR rd", "two OPT records");
    let answer = raw(|message| {
        message[7] = 1;
        message.extend(b"\0\0\x29\x04\xd0\0\0\0\0\0\0");
    });
    assert_eq!(answer, "FORMERR rd", "OPT in the answer section");
    let status = raw(|message| {
        message[2] = 2 << 3;
        opt(b"\0\0\x29\x04\xd0\0\0\0\0\0\0")(message);
    });
    assert_eq!(
        status, "NOTIMP\nopt 1232 ede 21 of all operations only QUERY is offered",
        "what has EDNS gets EDNS"
    );
}

#[test]
fn a_signed_query_is_told_that_its_key_is_unknown() {
    let tsig = b"\x01k\0\0\xfa\0\xff\0\0\0\0\0\x21\x0bhmac-sha256\0\0\0\x01\x02\x03\x04\x01\x2c\0\x04MAC!\x12\x67\0\0\0\0";
    let signed = |message: &mut Vec<u8>| {
        message[11] += 1;
        message.extend_from_slice(tsig);
    };
    // Algorithm, time and fudge come back; no MAC, the id, BADKEY, nothing more.
    let told = "NOTAUTH rd\nar k. 0 TSIG \\# 29 0B686D61632D73686132353600000001020304012C0000126700110000";
    assert_eq!(raw(signed), told);
    let behind = |message: &mut Vec<u8>| {
        signed(message);
        signed(message);
    };
    assert_eq!(raw(behind), "FORMERR rd", "a TSIG that is not the last");
}

#[test]
fn a_reply_that_does_not_fit_loses_whole_rrsets() {
    let mut zone = String::from("$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nmx MX 10 many\n");
    (0..40)
        .for_each(|i| writeln!(zone, "many A 192.0.2.{i}\nlist TXT \"text number {i} of forty\"").unwrap());
    (0..9).for_each(|i| writeln!(zone, "cut NS a-name-server-{i}.cut\na-name-server-{i}.cut A 192.0.2.{i}\na-name-server-{i}.cut AAAA 2001:db8::{i}").unwrap());
    (0..30).for_each(|i| writeln!(zone, "wide NS a-rather-long-name-server-{i}.elsewhere.").unwrap());
    zone += "to CNAME list\n";
    let view = View {
        zones: ZoneSet::new(vec![held("big.", &zone)]),
        steering: Vec::new(),
        recursion: None,
        ..View::default()
    };
    for (question, code, records) in [
        // 40 records of 16 octets are 640 and more.
        ("many.big. A", "NOERROR aa tc", [0, 0, 0]),
        ("many.big. A size=512", "NOERROR aa tc", [0, 0, 0]),
        ("many.big. A size=100", "NOERROR aa tc", [0, 0, 0]),
        ("many.big. A edns=0", "NOERROR aa", [40, 0, 0]),
        ("many.big. A tcp", "NOERROR aa", [40, 0, 0]),
        // Whatever the client says, no more than passes unfragmented.
        ("list.big. TXT size=4096", "NOERROR aa tc", [0, 0, 0]),
        ("list.big. TXT tcp", "NOERROR aa", [40, 0, 0]),
        ("to.big. TXT", "NOERROR aa tc", [1, 0, 0]),
        // Additional data is left out in silence.
        ("mx.big. MX", "NOERROR aa", [1, 0, 0]),
        ("mx.big. MX tcp", "NOERROR aa", [1, 0, 40]),
        // RFC 9471 §3.1: glue is not.
        ("x.cut.big. A", "NOERROR tc", [0, 9, 10]),
        ("x.cut.big. A tcp", "NOERROR", [0, 9, 18]),
        ("x.wide.big. A", "NOERROR tc", [0, 0, 0]),
    ] {
        let text = ask(&view, question);
        let (head, lines) = text.split_once('\n').unwrap_or((&text, ""));
        let count = |section| lines.lines().filter(|line| line.starts_with(section)).count();
        assert_eq!((head, [count("an"), count("au"), count("ar")]), (code, records), "{question}\n{text}");
    }
}

#[test]
fn shares_are_exact_whoever_asks_over_whatever() {
    let text = "[records]\n\"@\" = { NS = \"ns.elsewhere.\" }\nwww = { pool = \"p\" }\n[pool.p]\nmembers = [{ address = \"192.0.2.1\", weight = 3 }, { address = \"192.0.2.2\", weight = 1 }]";
    let (zone, steering) = steered("shares.", text, 0);
    let view = View {
        zones: ZoneSet::new(vec![zone]),
        steering: vec![steering],
        recursion: None,
        ..View::default()
    };
    let turns: Vec<String> = (0..40)
        .map(|turn| {
            // What gives no address takes no turn.
            ask(&view, "www.shares. TXT");
            ask(&view, "www.shares. AAAA");
            ask(&view, if turn % 2 == 0 { "www.shares. A" } else { "www.shares. A tcp edns=0" })
        })
        .collect();
    for run in turns.windows(4) {
        assert_eq!(run.iter().filter(|reply| reply.contains("192.0.2.1")).count(), 3, "{run:?}");
    }
}
