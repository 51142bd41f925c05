//! What a reload changes, and what it leaves as it was.

use super::*;
use crate::cache::{Entry, EntryBuf, Fact, Key, Proof, Verdict};
use crate::metrics::Standing;
use crate::wire::{Name, OwnedName, Rcode, Rtype};

#[test]
fn the_access_lists_of_listeners_follow_the_config_while_it_has_the_same_listeners() {
    let config = |text: &str| {
        let text = format!("server.listen = [{text}]");
        Config::parse(&text, Path::new("c.toml"), &mut Diagnostics::default())
    };
    let [a, b] = ["192.0.2.1:53", "192.0.2.2:53"];
    let mut state = State::new(
        Path::new("c.toml"),
        config(&format!("{{ address = \"{a}\", recursion = false }}, \"{b}\"")),
        &[],
    );
    let lists = |state: &State| state.guard().listeners.iter().map(Option::is_some).collect::<Vec<_>>();
    assert_eq!(lists(&state), [true, false]);
    state.take_config(config(&format!("\"{a}\", {{ address = \"{b}\", allow = \"::1\" }}")));
    assert_eq!(lists(&state), [false, true]);
    assert_eq!(state.waits_for_a_start().count(), 0);
    state.take_config(config(&format!("\"{b}\", \"{a}\"")));
    assert_eq!(lists(&state), [true, false], "as at the start, whose sockets they are");
    assert_eq!(state.waits_for_a_start().collect::<Vec<_>>(), ["server.listen"]);
}

#[test]
fn a_limit_that_stays_the_same_forgets_nothing_at_a_reload() {
    let config = |text: &str| Config::parse(text, Path::new("c.toml"), &mut Diagnostics::default());
    let mut state = State::new(Path::new("c.toml"), config("guard.rrl = \"9/s\""), &[]);
    let before = state.guard().rates.unwrap();
    state.take_config(config("guard = { rrl = \"9/s\", cookies = false }"));
    let Guard { rates, cookies, .. } = state.guard();
    assert!(Arc::ptr_eq(&before, &rates.unwrap()) && cookies.is_none());
    state.take_config(config("guard.rrl = \"10/s\""));
    assert_eq!(state.guard().rates.unwrap().per_second(), 10);
    state.take_config(config(""));
    assert!(state.guard().rates.is_none() && state.guard().cookies.is_some());
}

#[test]
fn a_cookie_survives_one_rotation_and_not_two() {
    let config = Config::parse("", Path::new("c.toml"), &mut Diagnostics::default());
    let mut state = State::new(Path::new("c.toml"), config, &[]);
    let view = ArcSwap::from_pointee(View {
        zones: Default::default(),
        steering: Vec::new(),
        recursion: None,
        guard: state.guard(),
        ..View::default()
    });
    let (client, now) = ([192, 0, 2, 1].into(), clock::now());
    let check = |option: &[u8]| {
        let checked = view.load().guard.cookies.as_ref().unwrap().check(option, client, now).unwrap();
        (checked.standing, checked.reply)
    };
    let (_, given) = check(&[1; 8]);
    for standing in [Standing::Valid, Standing::Valid, Standing::Bad] {
        assert_eq!(check(&given).0, standing);
        state.rotate_cookies(&view);
    }
    let time = u32::from_be_bytes([given[12], given[13], given[14], given[15]]);
    assert!(time.abs_diff(clock::unix_secs() as u32) < 60, "{time}");
}

#[test]
fn what_was_learnt_under_a_negative_anchor_is_forgotten_when_it_runs_out() {
    let config = Config::parse("", Path::new("c.toml"), &mut Diagnostics::default());
    let mut state = State::new(Path::new("c.toml"), config, &[]);
    let cache = Arc::clone(state.cache.as_ref().unwrap());
    let names: [OwnedName; 3] = ["n.test.", "w.n.test.", "w.test."].map(|name| name.parse().unwrap());
    for name in &names {
        let key =
            Key { realm: 0, name: name.as_name(), rtype: Rtype::A, checking_disabled: false, failed: true };
        let fact = Fact::Failed { rcode: Rcode::SERVFAIL, ede: 0, text: "" };
        let entry =
            Entry { stored: clock::now(), ttl: 60, verdict: Verdict::Insecure, fact, proof: Proof::NONE };
        cache.insert(&EntryBuf::new(&key, &entry));
    }
    let now = clock::unix_secs();
    let trust = Arc::clone(&state.keeper.trust);
    trust.add_negative(names[0].as_name(), now + 1_000, "", now).unwrap();
    state.tend_trust();
    assert_eq!(cache.counts().entries, 3);
    trust.add_negative(names[0].as_name(), now - 1, "", now - 10).unwrap();
    state.tend_trust();
    assert_eq!((cache.counts().entries, trust.load().negatives().count()), (1, 0));
}

#[test]
fn what_is_trusted_otherwise_is_answered_from_no_old_cache() {
    let config = |text: &str| Config::parse(text, Path::new("c.toml"), &mut Diagnostics::default());
    let mut state = State::new(Path::new("c.toml"), config(""), &[]);
    let now = clock::unix_secs();
    let before = state.circumstances().settings;
    state.keeper.trust.add_negative(Name::ROOT, now + 1_000, "", now).unwrap();
    assert_ne!(state.circumstances().settings, before, "nor from one of an earlier run");
    for (text, other) in [
        ("resolver.trust_anchors = \"builtin\"", false),
        ("resolver.negative_trust_anchors = \"a.\"", true),
        ("resolver.trust_anchors = \"none\"", true),
    ] {
        let realm = state.realm;
        assert_eq!((state.take_config(config(text)), state.realm != realm), (other, other), "{text}");
    }
}

#[test]
fn the_listeners_in_force_are_never_asked_whatever_the_config_says_now() {
    let text = "[server]\nlisten = \"192.0.2.1:53\"\n";
    let config = Config::parse(text, Path::new("c.toml"), &mut Diagnostics::default());
    let listeners = ["192.0.2.7:53", "192.0.2.8:5300"].map(|text| text.parse().unwrap());
    let deny = settings(&config, &listeners, 0).deny;
    let denied = |text: &str| deny.contains(&IpNet::from(text.parse::<std::net::IpAddr>().unwrap()));
    assert_eq!(["192.0.2.7", "192.0.2.8", "192.0.2.1"].map(denied), [true, false, false]);
}
