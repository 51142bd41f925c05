//! The same zones in NSD, Knot, BIND and Waymark: our reply is what at least two of the three agree on.

use super::lab::{Connection, Lab, Reply, in_own_network};
use std::collections::BTreeSet;

/// A zone with every kind of name. Chains stay within it: whether they are followed into other zones is each server's choice.
const EXAMPLE: &str = "$TTL 3600
@ SOA ns1 hostmaster 1 7200 3600 1209600 300
@ NS ns1
@ NS ns.elsewhere.org.
@ MX 10 mail
@ TXT \"apex\"
ns1 A 192.0.2.53
ns1 AAAA 2001:db8::53
mail A 192.0.2.25
www 60 A 192.0.2.80
www 60 A 192.0.2.81
www AAAA 2001:db8::80
UPPER A 192.0.2.9
a.b.c TXT deep
alias CNAME www
chain CNAME alias
gone CNAME nowhere
gone2 CNAME x.www
away CNAME www.elsewhere.org.
tocut CNAME x.sub
toent CNAME b.c
todname CNAME x.tree
towild CNAME some.wild
loop1 CNAME loop2
loop2 CNAME loop1
*.wild TXT any
*.wild MX 10 mail
block.wild A 192.0.2.1
deep.block2.wild A 192.0.2.2
*.star CNAME www
*.starent.x TXT below
sub.*.mid TXT odd
tree DNAME target
tree TXT own
www.target A 192.0.2.90
*.target TXT intarget
up DNAME tree
sub NS ns.sub
sub NS ns1
sub NS ns.sibling
sub DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.sub A 192.0.2.54
hidden.sub A 192.0.2.55
sibling NS ns.sibling
ns.sibling A 192.0.2.56
deep.cut NS ns.far.org.
both NS ns.both
ns.both A 192.0.2.57
_sip._tcp SRV 1 2 5060 www
naptr NAPTR 10 20 \"u\" \"E2U+sip\" \"!^.*$!sip:a@b!\" .
caa CAA 0 issue \"ca.example.net\"
loc LOC 52 22 23.000 N 4 53 32.000 E -2m 0m 10000m 10m
odd TYPE65400 \\# 2 abcd
sshfp SSHFP 1 1 aabbccddeeff00112233445566778899aabbccdd
uri URI 1 2 \"https://example.net/\"
rp RP hostmaster.example.net. www
\\000x TXT zero
";

const BOTH: &str = "$TTL 60\n@ SOA ns h 7 2 3 4 5\n@ NS ns\nns A 192.0.2.57\nwww A 198.51.100.7\n";

/// What a signed zone has beside that: a signed child that is here too.
const SAFE_CUT: &str = "safe NS ns.safe
ns.safe A 192.0.2.58
safe DS 2 13 2 1111111111111111111111111111111111111111111111111111111111111111
";

const SAFE: &str = "$TTL 60\n@ SOA ns h 7 2 3 4 5\n@ NS ns\nns A 192.0.2.58\n*.w A 198.51.100.8\n";

/// Delegations that opting out leaves out: added when the zone is signed already. Below the first is an empty non-terminal that
/// has no NSEC3 record.
const OPTED_OUT: &str = "$ORIGIN example.com.
in.out 3600 NS ns.far.org.
plain 3600 NS ns.plain
ns.plain 3600 A 192.0.2.59
";

/// The names to ask for: every owner, and what is below, beside and between.
fn names(zone: &str) -> BTreeSet<String> {
    let owners = zone.lines().filter(|line| !line.starts_with('$')).filter_map(|line| line.split(' ').next());
    let mut names = BTreeSet::new();
    for owner in owners {
        let full = if owner == "@" { "example.com".to_owned() } else { format!("{owner}.example.com") };
        names.extend([
            format!("below.{full}"),
            format!("*.{full}"),
            format!("a.b.{full}"),
            format!("x{full}"),
        ]);
        // Every ancestor, which may be an empty non-terminal, and what is beside it.
        let mut rest = full.as_str();
        while rest != "example.com" {
            names.extend([rest.to_owned(), format!("beside.{rest}")]);
            rest = rest.split_once('.').unwrap().1;
        }
    }
    names.extend(["example.com", "com", "www.both.example.com", "ns.both.example.com"].map(str::to_owned));
    names
}

const TYPES: [&str; 22] = [
    "A",
    "AAAA",
    "CNAME",
    "MX",
    "TXT",
    "NS",
    "SOA",
    "SRV",
    "DS",
    "DNAME",
    "NAPTR",
    "CAA",
    "LOC",
    "SSHFP",
    "URI",
    "RP",
    "PTR",
    "DNSKEY",
    "NSEC",
    "RRSIG",
    "TYPE65400",
    "TYPE999",
];

/// A name for which a wildcard stands that is an empty non-terminal, *.mid. That it has no type takes an NSEC record of its own (RFC 4035
/// §3.1.3.4), which NSD gives like Waymark, and Knot and BIND do not.
const UNDER_EMPTY_WILDCARD: &str = "beside.mid.example.com";

/// What at least two of three say.
fn agreed(replies: &[Reply]) -> Option<&Reply> {
    replies.iter().find(|reply| replies.iter().filter(|other| other == reply).count() >= 2)
}

/// How replies compare: equal, different from what two agree on, and undecided.
#[derive(Default)]
struct Comparison {
    equal: usize,
    /// Where NSD alone is right.
    as_nsd: usize,
    different: Vec<String>,
    undecided: Vec<String>,
}

/// Asks all of them everything; ours has `ours` for the first zone.
fn compare(lab: &Lab, ours: &str) -> Comparison {
    let zones = [("example.com", EXAMPLE), ("both.example.com", BOTH)];
    compare_zones(lab, &zones, ours, questions(names(EXAMPLE), &TYPES))
}

/// All of the names with all of the types, without DO and with it.
fn questions(names: BTreeSet<String>, types: &[&'static str]) -> Vec<(String, &'static str, bool)> {
    let both = |name: &String, rtype| [(name.clone(), rtype, false), (name.clone(), rtype, true)];
    names.iter().flat_map(|name| types.iter().flat_map(|rtype| both(name, *rtype))).collect()
}

fn compare_zones(
    lab: &Lab,
    zones: &[(&str, &str)],
    ours: &str,
    questions: Vec<(String, &'static str, bool)>,
) -> Comparison {
    let peers = [lab.nsd("198.18.0.1", zones), lab.knot("198.18.0.2", zones), lab.bind("198.18.0.3", zones)];
    let mut our_zones = zones.to_vec();
    our_zones[0].1 = ours;
    let waymark = lab.waymark("198.18.0.4", &our_zones, None);
    let mut connections: Vec<Connection> = peers.iter().map(Connection::open).collect();
    let (mut our_connection, mut comparison) = (Connection::open(&waymark), Comparison::default());
    for (name, rtype, dnssec_ok) in questions {
        let replies: Vec<Reply> = connections.iter_mut().map(|c| c.ask(&name, rtype, dnssec_ok)).collect();
        let reply = our_connection.ask(&name, rtype, dnssec_ok);
        let question = format!("{name} {rtype}{}", if dnssec_ok { " do" } else { "" });
        match agreed(&replies) {
            None => comparison.undecided.push(format!("{question}: {replies:#?}\nours {reply:#?}")),
            Some(truth) if *truth == reply => comparison.equal += 1,
            Some(_) if name == UNDER_EMPTY_WILDCARD && reply == replies[0] => comparison.as_nsd += 1,
            Some(_) => comparison.different.push(format!("{question}: {replies:#?}\nours {reply:#?}")),
        }
    }
    comparison
}

/// Signs the zones with these options, adds what is to be added unsigned, and asks all of them everything, with DO and without.
fn compare_signed(lab: &Lab, options: &str, added: &str) -> Comparison {
    let text = format!("{EXAMPLE}{SAFE_CUT}");
    let signed = lab.sign("example.com", &text, options) + added;
    let safe = lab.sign("safe.example.com", SAFE, options);
    let zones = [("example.com", signed.as_str()), ("both.example.com", BOTH), ("safe.example.com", &safe)];
    let mut names = names(&format!("{text}{added}"));
    names.extend(["a.w.safe.example.com", "w.safe.example.com", "x.safe.example.com"].map(str::to_owned));
    // Names that are hashes are no names of the zone.
    let hashed = signed.lines().filter(|line| line.contains("NSEC3")).take(4);
    let hashed = hashed.filter_map(|line| line.split_once(".\t")).map(|(owner, _)| owner);
    names.extend(hashed.flat_map(|owner| [owner.to_owned(), format!("x.{owner}")]));
    let types = [
        "A",
        "CNAME",
        "TXT",
        "MX",
        "NS",
        "SOA",
        "DS",
        "DNAME",
        "DNSKEY",
        "NSEC",
        "NSEC3",
        "NSEC3PARAM",
        "RRSIG",
    ];
    compare_zones(lab, &zones, &signed, questions(names, &types))
}

#[test]
fn replies_equal_what_two_of_three_peers_agree_on() {
    in_own_network("differential::replies_equal_what_two_of_three_peers_agree_on", |lab| {
        let Comparison { equal, different, undecided, .. } = compare(lab, EXAMPLE);
        println!("{equal} equal, {} different, {} undecided", different.len(), undecided.len());
        for (what, cases) in [("different", &different), ("undecided", &undecided)] {
            cases.iter().take(20).for_each(|case| println!("{what}: {case}"));
        }
        assert!(different.is_empty());
        assert!(equal > 5_000 && undecided.len() * 200 < equal);
    });
}

/// Signs with these options and compares. Undecided are, for the peers go three ways: RRSIG where a DNAME leads to a wildcard (which
/// signatures, and whose NSEC proves it); NSEC3 of a loop (NSD does not follow it, BIND fails); and SOA of names whose denial NSD gives
/// otherwise than Knot and BIND, since BIND alone gives the SOA of such a denial a TTL of 0.
fn check_signed(lab: &Lab, options: &str, added: &str) {
    let Comparison { equal, as_nsd, different, undecided } = compare_signed(lab, options, added);
    println!("{options}: {equal} equal, {} different, {} undecided", different.len(), undecided.len());
    for (what, cases) in [("different", &different), ("undecided", &undecided)] {
        cases.iter().take(20).for_each(|case| println!("{what}: {case}"));
    }
    assert!(different.is_empty());
    assert!(equal > 5_000 && undecided.len() * 200 < equal);
    assert_eq!(as_nsd > 0, options.is_empty(), "{as_nsd} replies are as NSD's alone");
}

#[test]
fn replies_from_a_zone_signed_with_nsec_are_those_of_the_peers() {
    in_own_network("differential::replies_from_a_zone_signed_with_nsec_are_those_of_the_peers", |lab| {
        check_signed(lab, "", "");
    });
}

#[test]
fn replies_from_a_zone_signed_with_nsec3_are_those_of_the_peers() {
    in_own_network("differential::replies_from_a_zone_signed_with_nsec3_are_those_of_the_peers", |lab| {
        check_signed(lab, "-n -t 0", "");
        check_signed(lab, "-n -t 5 -s aabbccdd", "");
        check_signed(lab, "-n -p -t 1 -s aabb", OPTED_OUT);
    });
}

#[test]
fn a_record_that_is_missing_is_noticed() {
    in_own_network("differential::a_record_that_is_missing_is_noticed", |lab| {
        let different = compare(lab, &EXAMPLE.replace("caa CAA", "caa2 CAA")).different;
        // The name itself, whatever the type, and what is below it; the other name, and what is below that, was not asked for.
        assert!(different.iter().any(|case| case.starts_with("caa.example.com CAA")), "{different:#?}");
        assert!(different.iter().all(|case| case.contains("caa.example.com")), "{different:#?}");
    });
}
