//! What cookies, the rate limit and the listeners' access lists make of answers.

use super::tests::{query, steered, text, view};
use super::*;
use crate::guard::cookie::Cookies;
use crate::guard::rate::Rates;
use crate::guard::{AccessList, Guard};
use std::sync::Arc;

const NEW: &str = "cookie=0102030405060708";

/// The view of the stories, with cookies, and so many replies a second; 0: without a limit.
fn guarded(rate: u32) -> View {
    let rates = (rate > 0).then(|| Arc::new(Rates::new(rate)));
    View { guard: Guard { cookies: Some(Cookies::new([3; 16], 0)), rates, listeners: Vec::new() }, ..view() }
}

fn respond(
    view: &View,
    message: &[u8],
    (client, transport, listener): (SocketAddr, Transport, usize),
) -> String {
    let now = Instant::from_secs(1_010);
    let request = Request { message, client, transport, listener, now };
    let mut out = vec![0; limits::MESSAGE];
    let room = if transport == Transport::Udp { limits::UDP_PAYLOAD as usize } else { limits::MESSAGE };
    match answer(view, &mut Worker::default(), &request, None, &mut out[..room]) {
        Outcome::Reply(meta) => {
            let text = text(&out[..meta.len]);
            // The OPT record of a limited reply has no room to amplify in.
            assert!(!meta.slipped || meta.len <= message.len() + 34, "{text}");
            text
        }
        Outcome::Drop(why) => format!("{why:?}"),
        Outcome::Later(_) => "Later".into(),
    }
}

/// The reply to words, as the stories have them, on the first listener.
fn ask(view: &View, words: &str) -> String {
    let (message, client, transport) = query(words);
    respond(view, &message, (client, transport, 0))
}

/// Its first words: code and flags.
fn head(text: &str) -> &str {
    text.split('\n').next().unwrap()
}

/// The cookie in a reply's text.
fn cookie_in(text: &str) -> Option<&str> {
    let (_, cookie) = text.split_once("cookie ")?;
    Some(&cookie[..48])
}

#[test]
fn every_reply_to_a_cookie_has_a_good_one() {
    let view = guarded(0);
    for words in [
        "www.example. A",
        "www.example. A tcp",
        "www.example. AAAA",
        "nowhere.example. A",
        "x.sub.example. A",
        "www.example. AXFR",
        "www.example. A CH",
        "www.example. OPT",
        "www.bad. A",
        "www.elsewhere. A",
        "cached.net. A rd from=10.0.0.1",
        "failed.net. A rd from=10.0.0.1",
        "one.steered. A subnet=198.51.100.0/24",
    ] {
        let plain = ask(&view, &format!("{words} edns=0"));
        assert_eq!(cookie_in(&plain), None, "{words}");
        for given in
            [NEW, "cookie=010203040506070899887766554433221100", &format!("{NEW}{}", "00".repeat(32))]
        {
            let new = ask(&view, &format!("{words} {given}"));
            let cookie = cookie_in(&new).unwrap_or_else(|| panic!("{words}: {new}")).to_owned();
            assert!(cookie.starts_with("010203040506070801000000"), "{words}: {cookie}");
            // But for the cookie it is the reply to who has none.
            let without =
                new.replace(&format!("cookie {cookie}, "), "").replace(&format!(" cookie {cookie}"), "");
            assert_eq!(without, plain, "{words}");
            // Asked with it, the same one comes back.
            assert_eq!(ask(&view, &format!("{words} cookie={cookie}")), new, "{words}");
        }
    }
    // What the options of another version mean is not known.
    assert_eq!(ask(&view, &format!("www.example. A {NEW} edns=1")), "BADVERS\nopt 1232");
}

#[test]
fn a_malformed_cookie_is_formerr_unless_cookies_are_off() {
    let (on, off) = (guarded(0), view());
    for cookie in
        ["cookie=", "cookie=01", "cookie=010203040506070809", &format!("cookie={}", "01".repeat(41))]
    {
        let words = format!("www.example. A {cookie}");
        let told = "FORMERR\nopt 1232 ede 0 malformed cookie: it has 8 or 16 to 40 octets";
        assert_eq!(ask(&on, &words), told, "{cookie}");
        assert_eq!(ask(&off, &words), ask(&off, "www.example. A edns=0"), "{cookie}");
    }
    assert_eq!(ask(&off, &format!("www.example. A {NEW}")), ask(&off, "www.example. A edns=0"));
}

/// A query with neither question nor anything but these options of an OPT record.
fn without_question(options: &[u8], opcode: u8) -> Vec<u8> {
    let opt = [0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, options.len() as u8];
    [&[0, 1, opcode << 3, 0, 0, 0, 0, 0, 0, 0, 0, 1], &opt[..], options].concat()
}

#[test]
fn a_query_of_a_cookie_alone_is_answered_with_one() {
    let (on, off) = (guarded(0), view());
    let from = ("192.0.2.99:4000".parse().unwrap(), Transport::Udp, 0);
    let ask = |view: &View, cookie: &[u8], opcode| {
        let option = [&[0, 10, 0, cookie.len() as u8], cookie].concat();
        respond(view, &without_question(&option, opcode), from)
    };
    let told = ask(&on, &[7; 8], 0);
    let good: Vec<u8> = {
        let hex = cookie_in(&told).unwrap();
        (0..24).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
    };
    let one_question = "ede 0 a query has exactly one question";
    for (cookie, opcode, wanted) in [
        (&[7; 8][..], 0, "NOERROR\nopt 1232 cookie"),
        (&good, 0, "NOERROR\nopt 1232 cookie"),
        (&[7; 24], 0, "BADCOOKIE\nopt 1232 cookie"),
        (&[7; 9], 0, "FORMERR\nopt 1232 ede 0 malformed cookie"),
        (&[7; 8], 2, "NOTIMP\nopt 1232 cookie"),
    ] {
        let told = ask(&on, cookie, opcode);
        assert!(told.starts_with(wanted), "{told}");
        let wanted = if opcode == 0 { format!("FORMERR\nopt 1232 {one_question}") } else { "NOTIMP".into() };
        let told = ask(&off, cookie, opcode);
        assert!(told.starts_with(&wanted), "{told}");
    }
    let bare = respond(&on, &without_question(&[], 0), from);
    assert_eq!(bare, format!("FORMERR\nopt 1232 {one_question}"));
    assert_eq!(respond(&on, &without_question(&[], 0)[..12], from), "FORMERR");
}

#[test]
fn every_refusal_says_why() {
    let mut view = guarded(0);
    for (words, wanted) in [
        ("www.example. AXFR edns=0", "REFUSED\nopt 1232 ede 21 zone transfer is not offered"),
        ("www.example. A CH edns=0", "REFUSED\nopt 1232 ede 21 only class IN is answered"),
        ("www.example. MAILB edns=0", "NOTIMP\nopt 1232 ede 21 this type is obsolete: ask for MX"),
        ("www.example. OPT edns=0", "FORMERR\nopt 1232 ede 0 no question has this type"),
        ("www.elsewhere. A edns=0", "REFUSED\nopt 1232 ede 18 recursion is not allowed from this address"),
        (
            "www.elsewhere. A edns=0 from=10.0.0.1",
            "REFUSED ra\nopt 1232 ede 20 no zone here holds this name, and recursion was not",
        ),
        ("www.bad. A edns=0", "SERVFAIL\nopt 1232 ede 14"),
        // Without EDNS there is no place to say it.
        ("www.elsewhere. A", "REFUSED"),
    ] {
        let told = ask(&view, words);
        assert!(told.starts_with(wanted), "{words}: {told}");
    }
    view.recursion = None;
    let told = ask(&view, "www.elsewhere. A rd edns=0");
    assert!(told.ends_with("ede 20 no zone here holds this name, and recursion is off"), "{told}");
}

#[test]
fn a_refusal_without_room_for_the_key_leaves_it_out() {
    let long = |octet: u8, labels: usize| {
        let label = [&[60][..], &[octet; 60]].concat();
        [label.repeat(labels), vec![0]].concat()
    };
    let view = guarded(0);
    // Of 512 octets header, question, key and algorithm leave less than TSIG's other data need.
    for (key, algorithm, there) in [(1, 1, true), (3, 1, false), (4, 0, false)] {
        let (key, algorithm) = (long(b'k', key), long(b'a', algorithm));
        let data = [&algorithm[..], &[0; 6], b"\x01\x2c\0\x02xx\x12\x67\0\0\0\0"].concat();
        let message = [
            b"\x12\x67\0\0\0\x01\0\0\0\0\0\x02",
            &long(b'q', 4)[..],
            b"\0\x01\0\x01\0\0\x29\x02\0\0\0\0\0\0\0",
            &key,
            b"\0\xfa\0\xff\0\0\0\0",
            &(data.len() as u16).to_be_bytes(),
            &data,
        ]
        .concat();
        let told = respond(&view, &message, ("192.0.2.99:4000".parse().unwrap(), Transport::Udp, 0));
        assert!(told.starts_with("NOTAUTH\nopt 1232 ede 18 the query is signed with a key"), "{told}");
        assert_eq!(told.contains("TSIG"), there, "{told}");
    }
}

#[test]
fn over_the_limit_every_second_reply_is_slipped() {
    let whole = head(&ask(&view(), "www.example. A edns=0")).to_owned();
    let slipped = "NOERROR tc\nopt 1232 ede 0 rate limited";
    for (words, over) in [
        ("www.example. A edns=0", Some(slipped)),
        ("www.example. A", Some("NOERROR tc")),
        ("www.example. A cookie=0102030405060708", Some("BADCOOKIE\nopt 1232 cookie 0102030405060708")),
        ("www.example. A cookie=010203040506070801000000ffffffffffffffffffffffff", Some("BADCOOKIE")),
        ("www.example. A tcp", None),
        ("www.example. A from=10.0.0.1", None),
    ] {
        let view = guarded(3);
        for turn in 0..9 {
            let told = ask(&view, words);
            let wanted = match over {
                Some(_) if turn >= 3 && turn % 2 == 1 => "RateLimited",
                Some(slip) if turn >= 3 => slip,
                _ => whole.as_str(),
            };
            let aside = if wanted == whole { " ra" } else { "" };
            assert!(told.replace(aside, "").starts_with(wanted), "{words}, turn {turn}: {told}");
        }
    }
}

#[test]
fn with_the_cookie_of_a_slipped_reply_a_client_is_answered() {
    let view = guarded(1);
    let words = "www.example. A cookie=0102030405060708";
    let told: Vec<String> = (0..3).map(|_| ask(&view, words)).collect();
    assert_eq!([head(&told[0]), head(&told[1]), head(&told[2])], ["NOERROR aa", "RateLimited", "BADCOOKIE"]);
    let words = format!("www.example. A cookie={}", cookie_in(&told[2]).unwrap());
    for _ in 0..5 {
        assert_eq!(head(&ask(&view, &words)), "NOERROR aa");
    }
    // It is of no use to another address.
    let told: Vec<String> = (0..3).map(|_| ask(&view, &format!("{words} from=198.51.100.1"))).collect();
    assert_eq!([head(&told[0]), head(&told[1]), head(&told[2])], ["NOERROR aa", "RateLimited", "BADCOOKIE"]);
}

#[test]
fn what_is_limited_takes_no_turn_of_a_pool() {
    let text = "[records]\n\"@\" = { NS = \"ns.elsewhere.\" }\nwww = { pool = \"p\" }\n[pool.p]\nmembers = [{ address = \"192.0.2.1\", weight = 3 }, { address = \"192.0.2.2\", weight = 1 }]";
    let (zone, steering) = steered("shares.", text, 0);
    let view = View { zones: crate::zone::ZoneSet::new(vec![zone]), steering: vec![steering], ..guarded(5) };
    let mut turns = Vec::new();
    // A flood that is limited between any two clients that are not.
    for client in 0..40 {
        for _ in 0..9 {
            ask(&view, "www.shares. A from=198.51.100.1");
        }
        turns.push(ask(&view, &format!("www.shares. A from=192.0.{client}.1")));
    }
    for run in turns[1..].windows(4) {
        assert_eq!(run.iter().filter(|reply| reply.contains("192.0.2.1")).count(), 3, "{run:?}");
    }
}

#[test]
fn names_without_end_share_one_limit() {
    for (names, limited) in [
        // A name of its own each: nothing is made up.
        (["www.example. A", "svc.example. A", "ns1.example. A", "any.example. A"], false),
        (["a.wild.example. TXT", "b.wild.example. TXT", "c.wild.example. TXT", "d.wild.example. TXT"], true),
        (["a.wild.example. A", "b.wild.example. A", "c.wild.example. A", "d.wild.example. A"], true),
        (["a.star.example. A", "b.star.example. A", "c.star.example. A", "d.star.example. A"], true),
        (
            ["link15.tree.example. A", "link14.tree.example. A", "www.tree.example. A", "ns.tree.example. A"],
            true,
        ),
        (["k.example. A", "l.example. A", "m.example. A", "n.example. A"], true),
        (["a.sub.example. A", "b.sub.example. A", "c.sub.example. A", "d.sub.example. A"], true),
        (["a.bad. A", "b.bad. A", "c.bad. A", "d.bad. A"], true),
        (["a.net. A", "b.org. A", "c.com. A", "d.test. A"], true),
        // All are errors.
        (["a.net. AXFR", "b.org. A CH", "c.com. OPT", "d.test. A"], true),
        // Other types of one name share its limit.
        (["www.example. A", "www.example. AAAA", "www.example. TXT", "www.example. ANY"], true),
        // Other kinds do not.
        (["a.example. A", "a.wild.example. A", "a.sub.example. A", "a.net. A"], false),
        // Nor do other zones.
        (["a.example. A", "a.other. A", "a.both.example. A", "a.steered. A"], false),
    ] {
        let view = guarded(3);
        let told = names.map(|words| ask(&view, words));
        assert!(told[..3].iter().all(|told| told != "RateLimited"), "{names:?}");
        assert_eq!(told[3] == "RateLimited", limited, "{names:?}: {told:#?}");
    }
}

#[test]
fn what_is_no_query_is_limited_too() {
    let view = guarded(2);
    let from = ("192.0.2.99:4000".parse().unwrap(), Transport::Udp, 0);
    let broken = b"\0\x01\0\0\0\x01\0\0\0\0\0\0\x40";
    let told: Vec<String> = (0..5).map(|_| respond(&view, broken, from)).collect();
    assert_eq!(told, ["FORMERR", "FORMERR", "RateLimited", "FORMERR", "RateLimited"]);
}

#[test]
fn recursion_is_a_right_on_a_listener() {
    let list = |prefix: &str| Some(AccessList::new(vec![prefix.parse().unwrap()]));
    let mut view = view();
    view.guard.listeners = vec![None, Some(AccessList::default()), list("172.16.0.0/12")];
    let nobody = "ede 18 no zone here holds this name, and recursion is not offered at this address";
    let others = "ede 18 recursion is not allowed from this address: see resolver.allow";
    let others_there = "ede 18 recursion is not allowed from this address: see allow in server.listen";
    for (client, listener, wanted) in [
        ("10.0.0.1", 0, "NOERROR rd ra"),
        ("172.16.0.1", 0, others),
        ("10.0.0.1", 1, nobody),
        ("172.16.0.1", 1, nobody),
        ("10.0.0.1", 2, others_there),
        ("172.16.0.1", 2, "NOERROR rd ra"),
        // One that is not listed is as the first.
        ("10.0.0.1", 3, "NOERROR rd ra"),
    ] {
        let (message, client, transport) = query(&format!("cached.net. A rd edns=0 from={client}"));
        let told = respond(&view, &message, (client, transport, listener));
        assert!(told.contains(wanted), "{client} on {listener}: {told}");
    }
}
