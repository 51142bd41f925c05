//! Replies for steered names as members fail: every type of them, and wildcards.

use super::View;
use super::tests::{ask, steered};
use crate::health::{Standing, State};
use crate::zone::ZoneSet;

const ZONE: &str = r#"
[records]
"@" = { NS = "ns.elsewhere." }
"*.w" = { route = "both" }
both = { route = "both" }
dark = { route = "dark" }
none = { route = "none" }
dealt = { route = "dealt" }
[pool.one]
members = [{ address = "192.0.2.1", id = "one4" }, { address = "2001:db8::1", id = "one6" }]
[pool.alias]
cname = "www.elsewhere."
[route.both]
fallback = ["one", "alias"]
[route.dark]
fallback = "one"
on_all_down = "servfail"
[route.none]
on_all_down = "servfail"
rule = { cidr = "198.51.100.0/24", use = "one" }
[route.dealt]
rule = { use = [{ pool = "one", weight = 1 }, { pool = "alias", weight = 1 }], sticky = "client/24" }
"#;

/// A view of it without the members that are down.
fn view(down: &[&str]) -> View {
    let (zone, steering) = steered("s.", ZONE, 0);
    for id in down {
        let gone = Standing { state: State::Down, ..Standing::UNCHECKED };
        steering.policy.members_named(id).into_iter().for_each(|member| steering.health.set(member, gone));
    }
    View { zones: ZoneSet::new(vec![zone]), steering: vec![steering], recursion: None, ..View::default() }
}

/// The answer section of a reply, or its code where there is none.
fn answer(view: &View, question: &str) -> String {
    let reply = ask(view, question);
    let records: Vec<&str> = reply.lines().filter_map(|line| line.trim().strip_prefix("an ")).collect();
    let code = reply.split_whitespace().next().unwrap_or_default();
    if records.is_empty() { code.to_owned() } else { records.join(", ") }
}

#[test]
fn a_name_is_an_alias_for_every_type_or_for_none() {
    let types = ["A", "AAAA", "MX", "TXT", "CNAME", "HTTPS", "ANY"];
    for (down, is_alias) in
        [(&[][..], false), (&["one4"], true), (&["one6"], true), (&["one4", "one6"], true)]
    {
        let view = view(down);
        for rtype in types {
            for name in ["both.s.", "x.w.s."] {
                let got = answer(&view, &format!("{name} {rtype}"));
                assert_eq!(got.contains(" CNAME www.elsewhere."), is_alias, "{name} {rtype}: {got}");
            }
        }
    }
}

#[test]
fn that_there_is_no_alias_is_kept_no_longer_than_what_there_is() {
    let view = view(&[]);
    let doubted = Standing { hold: 0, ..Standing::UNCHECKED };
    let policy = &view.steering[0].policy;
    policy.members_named("one6").into_iter().for_each(|member| view.steering[0].health.set(member, doubted));
    for rtype in ["A", "AAAA", "TXT", "CNAME", "MX"] {
        let reply = ask(&view, &format!("both.s. {rtype}"));
        let ttl = reply.lines().nth(1).and_then(|line| line.split(' ').nth(2)).unwrap();
        assert_eq!(ttl, "10", "{rtype}: {reply}");
    }
}

#[test]
fn a_draw_of_an_alias_is_one_for_every_type() {
    let view = view(&[]);
    let mut aliases = 0;
    for n in 0..64 {
        let of = |rtype: &str| answer(&view, &format!("dealt.s. {rtype} subnet=10.0.{n}.0/24"));
        let is_alias = of("A").contains("CNAME");
        aliases += u32::from(is_alias);
        for rtype in ["AAAA", "MX", "CNAME", "ANY"] {
            assert_eq!(of(rtype).contains("CNAME"), is_alias, "{n} {rtype}");
        }
    }
    assert!((16..48).contains(&aliases), "{aliases} of 64");
}

#[test]
fn a_client_without_a_pool_is_not_one_whose_pools_are_down() {
    let (up, down) = (view(&[]), view(&["one4", "one6"]));
    for (question, of_up, of_down) in [
        ("dark.s. A", "dark.s. 60 A 192.0.2.1", "SERVFAIL"),
        ("none.s. A subnet=198.51.100.0/24", "none.s. 60 A 192.0.2.1", "SERVFAIL"),
        ("none.s. A subnet=203.0.113.0/24", "NOERROR", "NOERROR"),
        // Other types do not depend on members.
        ("dark.s. TXT", "NOERROR", "NOERROR"),
    ] {
        assert_eq!([answer(&up, question), answer(&down, question)], [of_up, of_down], "{question}");
    }
    // One of the families may be gone alone.
    let half = view(&["one4"]);
    assert_eq!(answer(&half, "dark.s. A"), "SERVFAIL");
    assert_eq!(answer(&half, "dark.s. AAAA"), "dark.s. 60 AAAA 2001:db8::1");
    assert_eq!(answer(&half, "dark.s. ANY"), "dark.s. 60 AAAA 2001:db8::1");
    assert_eq!(answer(&down, "dark.s. ANY"), "SERVFAIL");
}

#[test]
fn a_steered_wildcard_answers_for_the_name_asked() {
    let view = view(&[]);
    for (question, record) in [
        ("x.w.s. A", "x.w.s. 60 A 192.0.2.1"),
        ("X.y.w.s. A edns=0 do", "X.y.w.s. 60 A 192.0.2.1"),
        ("x.w.s. AAAA", "x.w.s. 60 AAAA 2001:db8::1"),
        ("w.s. A", "NOERROR"),
    ] {
        assert_eq!(answer(&view, question), record, "{question}");
    }
}
