use super::*;
use crate::config::Diagnostics;
use crate::wire::NameBuf;
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

fn parse(apex: &str, text: &str) -> Result<Zone, String> {
    let apex: NameBuf = apex.parse().unwrap();
    let mut diagnostics = Diagnostics::default();
    let zone = master::parse(text, Path::new("test.zone"), apex.as_name(), &mut diagnostics);
    zone.filter(|_| !diagnostics.has_errors()).ok_or_else(|| diagnostics.render(false))
}

fn zone(apex: &str, text: &str) -> Zone {
    parse(apex, text).unwrap_or_else(|told| panic!("{told}"))
}

/// What a lookup finds, as text.
fn found(zone: &Zone, question: &str) -> String {
    let (name, rtype) = question.split_once(' ').unwrap();
    let name: NameBuf = name.parse().unwrap();
    let rtype = Rtype::from_text(rtype).unwrap();
    match zone.lookup(name.as_name(), rtype) {
        Lookup::Name { node, wildcard } => {
            let types: Vec<String> = node.rrsets().map(|set| set.rtype.to_string()).collect();
            let kind = if wildcard { "wildcard" } else { "name" };
            format!("{kind} {} {}", node.name(), types.join(",")).trim_end().to_owned()
        }
        Lookup::Cut(node) => format!("cut {}", node.name()),
        Lookup::Dname(node) => format!("dname {}", node.name()),
        Lookup::Missing { encloser } => format!("missing below {}", encloser.name()),
    }
}

const BASE: &str = "@ 3600 SOA ns hostmaster 1 2 3 4 300\n@ 3600 NS ns\nns A 192.0.2.53\n";

/// The zone of RFC 4592 §2.2.1.
const WILDCARDS: &str = "$TTL 3600
@ SOA ns hostmaster 1 2 3 4 300
@ NS ns.example.com.
@ NS ns.example.net.
* TXT \"this is a wildcard\"
* MX 10 host1
sub.* TXT \"this is not a wildcard\"
host1 A 192.0.2.1
_ssh._tcp.host1 SRV 0 0 22 host1
_ssh._tcp.host2 SRV 0 0 22 host1
subdel NS ns.example.com.
subdel NS ns.example.net.
";

#[test]
fn wildcards_match_as_rfc_4592_shows() {
    let zone = zone("example.", WILDCARDS);
    for (question, expected) in [
        ("host3.example. MX", "wildcard *.example. MX,TXT"),
        ("host3.example. A", "wildcard *.example. MX,TXT"),
        ("foo.bar.example. TXT", "wildcard *.example. MX,TXT"),
        ("host1.example. MX", "name host1.example. A"),
        ("sub.*.example. MX", "name sub.*.example. TXT"),
        ("*.example. MX", "name *.example. MX,TXT"),
        ("_telnet._tcp.host1.example. SRV", "missing below _tcp.host1.example."),
        ("host.subdel.example. A", "cut subdel.example."),
        ("ghost.*.example. MX", "missing below *.example."),
        ("host2.example. A", "name host2.example."),
        ("_tcp.host2.example. A", "name _tcp.host2.example."),
    ] {
        assert_eq!(found(&zone, question), expected, "{question}");
    }
}

#[test]
fn lookups_find_what_rfc_1034_says() {
    let zone = zone(
        "example.",
        &format!(
            "$TTL 60\n{BASE}{}",
            "
a.b.c TXT x
alias CNAME host
Host A 192.0.2.1
dn DNAME other.example.
x.dn A 192.0.2.9
child NS ns.child
child DS 1 13 3 00
ns.child A 192.0.2.2
deep.child A 192.0.2.3
*.w A 192.0.2.4
b.w TXT x
esc\\.aped TXT x
"
        ),
    );
    for (question, expected) in [
        ("example. A", "name example. NS,SOA"),
        ("HOST.example. A", "name Host.example. A"),
        ("alias.example. A", "name alias.example. CNAME"),
        ("b.c.example. A", "name b.c.example."),
        ("c.example. A", "name c.example."),
        ("x.c.example. A", "missing below c.example."),
        ("nothing.example. A", "missing below example."),
        ("dn.example. A", "name dn.example. DNAME"),
        ("x.dn.example. A", "dname dn.example."),
        ("y.x.dn.example. A", "dname dn.example."),
        ("child.example. A", "cut child.example."),
        ("child.example. NS", "cut child.example."),
        ("child.example. DS", "name child.example. NS,DS"),
        ("deep.child.example. A", "cut child.example."),
        ("x.child.example. DS", "cut child.example."),
        ("a.w.example. A", "wildcard *.w.example. A"),
        ("b.w.example. A", "name b.w.example. TXT"),
        ("x.b.w.example. A", "missing below b.w.example."),
        ("esc\\.aped.example. TXT", "name esc\\.aped.example. TXT"),
        ("aped.example. TXT", "missing below example."),
    ] {
        assert_eq!(found(&zone, question), expected, "{question}");
    }
}

#[test]
fn the_deepest_zone_answers_and_ds_belongs_to_the_parent() {
    let held = |apex: &str| Held {
        apex: apex.parse().unwrap(),
        state: Ok(Arc::new(zone(apex, BASE))),
        policy: None,
    };
    let set = ZoneSet::new(vec![held("example."), held("child.example."), held("other.")]);
    for (question, apex) in [
        ("example. A", Some("example.")),
        ("x.example. A", Some("example.")),
        ("child.example. A", Some("child.example.")),
        ("x.child.example. DS", Some("child.example.")),
        ("child.example. DS", Some("example.")),
        ("other. DS", Some("other.")),
        ("org. A", None),
    ] {
        let (name, rtype) = question.split_once(' ').unwrap();
        let name: NameBuf = name.parse().unwrap();
        let found = set.find(name.as_name(), Rtype::from_text(rtype).unwrap());
        assert_eq!(found.map(|held| held.apex.to_string()).as_deref(), apex, "{question}");
    }
}

/// Reads `text` after the usual records and returns what the zone prints beside them.
fn records(text: &str) -> String {
    let zone = zone("example.", &format!("$TTL 60\n{BASE}{text}"));
    let mut out = String::new();
    print(&zone, &mut out).unwrap();
    let base = ["SOA", "NS", "A 192.0.2.53"];
    let lines = out.lines().filter(|line| !base.iter().any(|b| line.contains(&format!(" IN {b}"))));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn master_files_are_read_as_people_write_them() {
    for (text, expected) in [
        ("a A 192.0.2.1", "a.example. 60 IN A 192.0.2.1"),
        ("a 5 IN A 192.0.2.1", "a.example. 5 IN A 192.0.2.1"),
        ("a IN 5 A 192.0.2.1", "a.example. 5 IN A 192.0.2.1"),
        ("a in 1h30m a 192.0.2.1 ; comment", "a.example. 5400 IN A 192.0.2.1"),
        ("a CLASS1 A 192.0.2.1\r\n", "a.example. 60 IN A 192.0.2.1"),
        (
            "a A 192.0.2.1\n  A 192.0.2.2\n\tTXT x",
            "a.example. 60 IN A 192.0.2.1\na.example. 60 IN A 192.0.2.2\na.example. 60 IN TXT \"x\"",
        ),
        ("a ( 5 IN\n TXT ( \"x\" ; no\n y ) )", "a.example. 5 IN TXT \"x\" \"y\""),
        ("a TXT \"; ( ) no comment\"", "a.example. 60 IN TXT \"; ( ) no comment\""),
        ("a TXT \\\"q\\\" a\\;b", "a.example. 60 IN TXT \"\\\"q\\\"\" \"a;b\""),
        (
            "$ORIGIN sub\na A 192.0.2.1\n$ORIGIN @\n@ TXT x",
            "sub.example. 60 IN TXT \"x\"\na.sub.example. 60 IN A 192.0.2.1",
        ),
        ("$TTL 2d\na A 192.0.2.1", "a.example. 172800 IN A 192.0.2.1"),
        ("10 PTR a", "10.example. 60 IN PTR a.example."),
        ("mx TYPE15 \\# 7 000a 0161 0162 00", "mx.example. 60 IN MX 10 a.b."),
        ("t TYPE65400 \\# 2 ABCD", "t.example. 60 IN TYPE65400 \\# 2 ABCD"),
        (
            "$GENERATE 1-3 h-$ A 192.0.2.$",
            "h-1.example. 60 IN A 192.0.2.1\nh-2.example. 60 IN A 192.0.2.2\nh-3.example. 60 IN A 192.0.2.3",
        ),
        (
            "$GENERATE 0-4/2 h${1,3} CNAME t${0,2,x}",
            "h001.example. 60 IN CNAME t00.example.\nh003.example. 60 IN CNAME t02.example.\nh005.example. 60 IN CNAME t04.example.",
        ),
        ("$GENERATE 10-10 x${0,8,n} TXT \\$$", "xa.0.0.0.0.example. 60 IN TXT \"$10\""),
        ("$GENERATE 1-2 h$ MX \"0 .\"", "h1.example. 60 IN MX 0 .\nh2.example. 60 IN MX 0 ."),
        (
            "$GENERATE 7-7 h A \"192.0.2.$\"\n$GENERATE 7-7 h TXT \"\\\"a $\\\" c\"",
            "h.example. 60 IN A 192.0.2.7\nh.example. 60 IN TXT \"a 7\" \"c\"",
        ),
        ("$GENERATE 1-1 h$ TXT A \"a $\"", "h1.example. 60 IN TXT \"A\" \"a 1\""),
        ("a TXT ( \"x\ny\" )", "a.example. 60 IN TXT \"x\\010y\""),
        ("dup A 192.0.2.1\ndup A 192.0.2.1", "dup.example. 60 IN A 192.0.2.1"),
        ("dup CNAME A\ndup CNAME a", "dup.example. 60 IN CNAME A.example."),
        (
            "d MX 2 Mail\nd MX 1 b\nd MX 2 mail\nd MX 1 B",
            "d.example. 60 IN MX 2 Mail.example.\nd.example. 60 IN MX 1 b.example.",
        ),
    ] {
        assert_eq!(records(text), expected, "{text}");
    }
}

/// The lines of the places of all that is told, BASE and the TTL before it having four, and the cures.
fn told_lines(text: &str) -> String {
    let told = parse("example.", &format!("$TTL 60\n{BASE}{text}\n")).err().unwrap_or_default();
    let lines = told.lines().filter_map(|line| {
        let place = line.split_once("test.zone:").map(|(_, place)| place.split(':').next().unwrap());
        place.or(line.trim().strip_prefix("= help: did you mean ")).map(str::trim)
    });
    lines.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_cannot_be_read_does_not_hide_what_cannot_stand() {
    for (text, lines) in [
        ("a A bad\nb CNAME c\nb A 192.0.2.1\nd.other. A 192.0.2.1\ne CNAME f\ne CNAME g", "5 6 8 10"),
        ("a TXT \"x\nb CNAME c\nb CNAME d", "5 7"),
        // Whose the records after a bad owner or origin are is not known.
        ("a CNAME b\nb..c A 192.0.2.1\n A 192.0.2.2\n A bad", "6 8"),
        ("a CNAME b\nc TXT \"x\n A 192.0.2.2", "6"),
        ("a CNAME b\n$ORIGIN x..y\na A 192.0.2.1\nb A bad", "6 8"),
        // A zone without SOA or the addresses of its servers, when those were not read.
        ("a NS ns.b\nns.b A bad", "6"),
    ] {
        assert_eq!(told_lines(text), lines, "{text}");
    }
    let told = parse("example.", "$TTL 60\n@ SOA ns h bad 2 3 4 5\n@ NS ns\n").err().unwrap();
    assert!(told.contains("test.zone:2:12") && !told.contains("has no SOA"), "{told}");
}

#[test]
fn a_quote_forgotten_within_parentheses_is_told_at_its_line_and_costs_its_entry() {
    for (text, lines) in [
        ("a TXT ( \"one\n  )\nb A bad\nc TXT \"x\"\nd A bad", "5 7 9"),
        ("a TXT ( \"one )\n\tA bad\nc TXT \"x\" \"y\"\nd A bad", "5 6 8"),
        ("a TXT ( \"one\n  \"two\"\n  \"three\" ) ; end\nb A bad\nc TXT \"\"", "5 8"),
        ("a TXT ( \"one\n)\nb A bad\nc TXT \" x\"\nd A bad", "5 7 9"),
        ("a TXT ( x\n y\nb A bad\nc TXT ( z )", "5 7"),
        ("a TXT ( \"over\nlines\" )\nb A bad", "7"),
        // Two that are forgotten make a pair.
        ("a TXT ( \"one\nb A bad\nc TXT ( \"two )\nd A bad", "5 6 7 8"),
    ] {
        assert_eq!(told_lines(text), lines, "{text}");
    }
    assert_eq!(
        zone("example.", &format!("$TTL 60\n{BASE}a TXT ( \"over\nlines\" \"x\"\n)")).record_count(),
        4
    );
}

#[test]
fn the_word_that_was_meant_is_guessed() {
    for (text, told) in [
        ("w TXTT \"hi\"", "5 \"TXT\"?"),
        ("w 60 IN cnme x", "5 \"CNAME\"?"),
        ("w NONSENSE x", "5"),
        ("$ORIGN x", "5 \"$ORIGIN\"?"),
        ("$GENERATE 1-2 h$ AAAAA ::$", "5 \"AAAA\"?"),
    ] {
        assert_eq!(told_lines(text), told, "{text}");
    }
}

#[test]
fn what_is_wrong_in_a_master_file_is_told_with_its_place() {
    for (text, message, place) in [
        ("a A 192.0.2", "A: the address must be an IPv4 address", "test.zone:5:5"),
        ("a BAD x", "\"BAD\" is not a record type", "test.zone:5:3"),
        ("a CH A 192.0.2.1", "the class CH is not served", "test.zone:5:3"),
        ("a..b A 192.0.2.1", "is not a name", "test.zone:5:1"),
        ("a TXT \"open", "the closing quote is missing", "test.zone:5:7"),
        ("a TXT \"open\nb A 192.0.2.1\nc TXT \"x\"", "the closing quote is missing", "test.zone:5:7"),
        (
            "$GENERATE 1-1 h${9223372036854775807} A 192.0.2.1",
            "is not ${offset,width,base}",
            "test.zone:5:15",
        ),
        ("$GENERATE 1-+3 h$ A 192.0.2.1", "is not a range", "test.zone:5:11"),
        ("$GENERATE 1-1 h$ TXT \"a;b $\"", "for 1: the closing parenthesis is missing", "test.zone:5:1"),
        ("a TXT ( x", "the closing parenthesis is missing", "test.zone:5:7"),
        ("a TXT x )", "this parenthesis closes nothing", "test.zone:5:9"),
        ("$NONSENSE x", "$NONSENSE is not a directive", "test.zone:5:1"),
        ("$TTL never", "is not seconds", "test.zone:5:6"),
        ("$INCLUDE nothing.here", "nothing.here: No such file", "test.zone:5:10"),
        ("$GENERATE 5-1 a A 192.0.2.1", "is not a range", "test.zone:5:11"),
        ("a.other. A 192.0.2.1", "a.other. is not in the zone example.", "test.zone:5:1"),
        ("a CNAME b\na A 192.0.2.1", "CNAME", "test.zone:"),
        ("a CNAME b\na CNAME c", "a.example. has more than one CNAME: keep one", "test.zone:6:1"),
        (
            "$GENERATE 1-5000 x TXT $",
            "x.example. has 5000 TXT records, more than a message of 65535 octets holds",
            "test.zone:5:1",
        ),
        ("a SOA a b 1 2 3 4 5", "SOA stands only at example.", "test.zone:5:1"),
        ("a", "the record has no type", "test.zone:5:1"),
    ] {
        let told = parse("example.", &format!("$TTL 60\n{BASE}{text}\n")).err().unwrap_or_default();
        assert!(told.contains(message), "{text}: {told}");
        assert!(told.contains(place), "{text}: {told}");
    }
    let text = "b CNAME c\nb CNAME d";
    let told = parse("example.", &format!("$TTL 60\n{BASE}{text}")).err().unwrap();
    assert!(told.contains("^^^^^^^^^"), "the whole record is shown, also without a line end: {told}");
    let told = parse("example.", "a 60 A 192.0.2.1\n").err().unwrap();
    assert!(told.contains("SOA"), "{told}");
    let told = parse("example.", "a A 1\nb A 2\nc A 3\n").err().unwrap();
    assert_eq!(told.matches("error").count(), 3, "all errors at once: {told}");
}

#[test]
fn included_files_have_an_origin_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("part", "x A 192.0.2.1\n$ORIGIN y\nz A 192.0.2.2\n");
    write("loop", "$INCLUDE loop\n");
    write("bad", "ok A 192.0.2.1\nbad A nothing\n");
    let load = |text: &str| {
        write("test.zone", &format!("$TTL 60\n{BASE}{text}"));
        let apex: NameBuf = "example.".parse().unwrap();
        let mut diagnostics = Diagnostics::default();
        let zone = master::load(&directory.path().join("test.zone"), apex.as_name(), &mut diagnostics);
        (zone, diagnostics.render(false))
    };
    let (zone, _) = load("w TXT x\n$INCLUDE part sub\n TXT y\nb A 192.0.2.3\n");
    let mut out = String::new();
    print(&zone.unwrap(), &mut out).unwrap();
    for line in [
        "x.sub.example. 60 IN A",
        "z.y.sub.example. 60 IN A",
        "w.example. 60 IN TXT \"y\"",
        "b.example. 60 IN A",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    let (zone, told) = load("$INCLUDE loop\n");
    assert!(zone.is_none() && told.contains("does one include itself?"), "{told}");
    let (zone, told) = load("$INCLUDE bad\n");
    assert!(zone.is_none() && told.contains("bad:2:7"), "{told}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n\t]{0,300}") {
        let _ = parse("example.", &text);
        let _ = parse("example.", &format!("$TTL 60\n{BASE}{text}"));
    }

    #[test]
    fn what_a_zone_prints_reads_back_the_same(names in prop::collection::vec("[a-c*_]{1,2}(\\.[a-c]{1,2}){0,2}", 1..20)) {
        let text: String = names.iter().enumerate().map(|(i, name)| format!("{name} TXT \"{i}\"\n")).collect();
        let first = zone("example.", &format!("$TTL 60\n{BASE}{text}"));
        let (mut printed, mut again) = (String::new(), String::new());
        print(&first, &mut printed).unwrap();
        print(&zone("example.", &printed), &mut again).unwrap();
        prop_assert_eq!(printed, again);
    }

    #[test]
    fn lookups_agree_with_a_search_of_the_list(
        owners in prop::collection::vec("[ab*](\\.[ab*]){0,3}", 1..12),
        question in "[ab*](\\.[ab*]){0,4}",
    ) {
        let text: String = owners.iter().map(|owner| format!("{owner} TXT x\n")).collect();
        let zone = zone("example.", &format!("$TTL 60\n{BASE}{text}"));
        let exists = |name: &str| owners.iter().any(|owner| owner == name || owner.ends_with(&format!(".{name}")));
        // RFC 1034 §4.3.3: the closest encloser's wildcard, and no other.
        let mut encloser = question.as_str();
        while !encloser.is_empty() && !exists(encloser) {
            encloser = encloser.split_once('.').map_or("", |(_, rest)| rest);
        }
        let below = |name: &str| if name.is_empty() { "example.".to_owned() } else { format!("{name}.example.") };
        let star = if encloser.is_empty() { "*".to_owned() } else { format!("*.{encloser}") };
        let expected = if encloser == question {
            format!("name {}", below(&question))
        } else if exists(&star) {
            format!("wildcard {}", below(&star))
        } else {
            format!("missing below {}", below(encloser))
        };
        let got = found(&zone, &format!("{question}.example. A"));
        prop_assert_eq!(got.trim_end_matches(" TXT"), expected);
    }
}
