use super::*;
use crate::rrset::Rrset;
use crate::wire::NameBuf;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

fn name(n: u32) -> NameBuf {
    format!("Host{n}.example.").parse().unwrap()
}

/// An entry whose data follows from its key and a version, so that a torn read shows.
fn entry(n: u32, version: u32, octets: usize) -> EntryBuf {
    let name = name(n);
    let mut set = Rrset::new(name.as_name(), Rtype::TXT, 60);
    let mut rdata = vec![0; octets.max(8)];
    rdata[..4].copy_from_slice(&n.to_be_bytes());
    for chunk in rdata[4..].chunks_mut(4) {
        chunk.copy_from_slice(&version.to_be_bytes()[..chunk.len()]);
    }
    set.push(&rdata);
    let key = key(&name);
    let fact = Fact::Records { rdatas: set.rdatas(), signatures: Rdatas::stored(&[]) };
    EntryBuf::new(
        &key,
        &Entry {
            stored: Instant::from_secs(version.into()),
            ttl: 60,
            verdict: Verdict::Unchecked,
            fact,
            proof: Proof::NONE,
        },
    )
}

fn key(name: &NameBuf) -> Key<'_> {
    Key { realm: 0, name: name.as_name(), rtype: Rtype::TXT, checking_disabled: false, failed: false }
}

/// The version stored for `n`; panics when the entry does not hang together.
fn version(cache: &Cache, n: u32, scratch: &mut Scratch) -> Option<u32> {
    let name = name(n);
    let entry = cache.get(&key(&name), scratch)?;
    let Fact::Records { rdatas, .. } = entry.fact else { panic!("not records") };
    let rdata = rdatas.iter().next().unwrap();
    assert_eq!(rdata[..4], n.to_be_bytes(), "another key's data");
    let version = entry.stored.as_secs() as u32;
    for chunk in rdata[4..].chunks(4) {
        assert_eq!(*chunk, version.to_be_bytes()[..chunk.len()], "a torn read");
    }
    Some(version)
}

#[test]
fn what_goes_in_comes_out() {
    let cache = Cache::new(0, 1);
    let (owner, soa_owner): (NameBuf, NameBuf) =
        ("WWW.example.".parse().unwrap(), "example.".parse().unwrap());
    let mut scratch = Scratch::default();
    for (i, fact) in [
        Fact::Records { rdatas: Rdatas::stored(b"\0\x04abcd"), signatures: Rdatas::stored(b"\0\x01s") },
        Fact::Records { rdatas: Rdatas::stored(b""), signatures: Rdatas::stored(b"") },
        Fact::Denied { soa_owner: Some(soa_owner.as_name()), soa: b"soa", signatures: Rdatas::EMPTY },
        Fact::Denied { soa_owner: None, soa: b"", signatures: Rdatas::EMPTY },
        Fact::Failed { rcode: Rcode::SERVFAIL, ede: 22, text: "nobody answered" },
    ]
    .into_iter()
    .enumerate()
    {
        let key = Key {
            realm: 7,
            name: owner.as_name(),
            rtype: Rtype(i as u16),
            checking_disabled: i % 2 == 0,
            failed: matches!(fact, Fact::Failed { .. }),
        };
        for verdict in [Verdict::Unchecked, Verdict::Insecure, Verdict::Secure, Verdict::Bogus] {
            let entry =
                Entry { stored: Instant::from_millis(1234), ttl: 300, verdict, fact, proof: Proof::NONE };
            let buf = EntryBuf::new(&key, &entry);
            assert_eq!((buf.key(), buf.entry()), (key, entry));
            cache.insert(&buf);
            assert_eq!(cache.get(&key, &mut scratch), Some(entry));
        }
        let others = [
            Key { realm: 8, ..key },
            Key { rtype: Rtype(99), ..key },
            Key { name: soa_owner.as_name(), ..key },
            Key { checking_disabled: !key.checking_disabled, ..key },
        ];
        for other in others {
            assert_eq!(cache.get(&other, &mut scratch), None, "{other:?}");
        }
    }
    assert_eq!(cache.counts().entries, 5);
}

#[test]
fn time_left_counts_down_to_zero() {
    let buf = entry(1, 100, 8);
    for (now, left) in [(100, 60), (101, 59), (159, 1), (160, 0), (10_000, 0), (0, 60)] {
        assert_eq!(buf.entry().ttl_left(Instant::from_secs(now)), left, "{now}");
    }
}

#[test]
fn entries_too_large_are_left_out_and_removed_ones_are_gone() {
    let (cache, mut scratch) = (Cache::new(0, 1), Scratch::default());
    cache.insert(&entry(1, 1, limits::CACHE_ENTRY));
    assert_eq!(version(&cache, 1, &mut scratch), None);
    cache.insert(&entry(1, 1, limits::CACHE_ENTRY - 100));
    assert_eq!(version(&cache, 1, &mut scratch), Some(1));
    let name = name(1);
    assert!(cache.remove(&key(&name)) && !cache.remove(&key(&name)));
    assert_eq!(version(&cache, 1, &mut scratch), None);
    (0..100).for_each(|n| cache.insert(&entry(n, 2, 50)));
    assert_eq!(cache.counts().entries, 100);
    assert_eq!(cache.flush(&Selection::All), 100);
    assert_eq!((cache.counts().entries, version(&cache, 5, &mut scratch)), (0, None));
    cache.insert(&entry(5, 3, 50));
    assert_eq!(version(&cache, 5, &mut scratch), Some(3));
}

#[test]
fn no_more_memory_is_taken_than_was_given() {
    for bytes in [limits::CACHE_MIN, 3 << 20, 20 << 20] {
        let (cache, mut scratch) = (Cache::new(bytes, 3), Scratch::default());
        let (mut n, mut stored) = (0, 0);
        while stored < 4 * bytes {
            let octets = [16, 100, 500, 3_000][n as usize % 4];
            cache.insert(&entry(n, n, octets));
            (n, stored) = (n + 1, stored + octets);
        }
        let counts = cache.counts();
        assert!(counts.bytes <= bytes && counts.bytes > bytes * 8 / 10, "{counts:?}");
        assert!(counts.evictions > 0 && counts.entries > 0, "{counts:?}");
        let found = (0..n).filter(|&n| version(&cache, n, &mut scratch).is_some()).count();
        assert_eq!(found, counts.entries);
    }
}

#[test]
fn what_is_asked_for_stays_while_what_is_not_passes_through() {
    let (cache, mut scratch) = (Cache::new(1 << 20, 3), Scratch::default());
    (0..500).for_each(|n| cache.insert(&entry(n, 1, 100)));
    let mut lost = 0;
    for n in 1_000..100_000 {
        cache.insert(&entry(n, 1, 100));
        if version(&cache, n % 500, &mut scratch).is_none() {
            lost += 1;
            cache.insert(&entry(n % 500, 1, 100));
        }
    }
    assert!(lost < 1_000, "{lost} of 99000 questions for hot entries found none");
}

#[test]
fn a_skewed_load_is_served_better_than_by_a_plain_queue() {
    // Zipf-like: key k is asked for with a weight of 1/k; both caches hold a tenth of the keys.
    let (cache, mut scratch, mut seed) = (Cache::new(1 << 20, 9), Scratch::default(), 1u64);
    let (mut hits, mut plain_hits, mut total) = (0, 0, 0);
    let (mut plain, mut order) = (HashMap::new(), std::collections::VecDeque::new());
    for _ in 0..300_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let unit = (seed >> 11) as f64 / (1u64 << 53) as f64;
        let n = (50_000f64.powf(unit)) as u32;
        total += 1;
        match version(&cache, n, &mut scratch) {
            Some(_) => hits += 1,
            None => cache.insert(&entry(n, 1, 100)),
        }
        // The queue holds as many entries as the cache does.
        if plain.insert(n, ()).is_some() {
            plain_hits += 1;
        } else {
            order.push_back(n);
            while plain.len() > cache.counts().entries {
                order.pop_front().map(|old| plain.remove(&old));
            }
        }
    }
    assert!(hits > plain_hits, "{hits} hits, a plain queue {plain_hits}, of {total}");
}

#[test]
fn readers_never_see_a_torn_entry_while_others_write() {
    let cache = Cache::new(limits::CACHE_MIN, 5);
    std::thread::scope(|scope| {
        for writer in 0..2u32 {
            let cache = &cache;
            scope.spawn(move || {
                for version in 0..60_000u32 {
                    let n = version.wrapping_mul(2_654_435_761) >> 22;
                    cache.insert(&entry(n, version * 2 + writer, 8 + (version as usize % 60) * 8));
                }
            });
        }
        for reader in 0..2u32 {
            let cache = &cache;
            scope.spawn(move || {
                let mut scratch = Scratch::default();
                for i in 0..200_000u32 {
                    version(cache, (i.wrapping_mul(40_503) + reader) % 1_024, &mut scratch);
                }
            });
        }
    });
    assert!(cache.counts().entries > 0);
}

/// Stores an entry.
fn put(cache: &Cache, (realm, name, rtype, checking_disabled): (u32, &str, Rtype, bool)) {
    let name: NameBuf = name.parse().unwrap();
    let fact = Fact::Denied { soa_owner: None, soa: b"", signatures: Rdatas::EMPTY };
    let entry = Entry {
        stored: Instant::from_secs(100),
        ttl: 60,
        verdict: Verdict::Unchecked,
        fact,
        proof: Proof::NONE,
    };
    cache.insert(&EntryBuf::new(
        &Key { realm, name: name.as_name(), rtype, checking_disabled, failed: false },
        &entry,
    ));
}

/// The keys in the cache as text, sorted.
fn keys(cache: &Cache, selection: &Selection) -> Vec<String> {
    let mut keys = Vec::new();
    let _ = cache.walk(selection, |Key { realm, name, rtype, checking_disabled: cd, .. }, _| {
        keys.push(format!("{realm} {name} {rtype}{}", if *cd { " CD" } else { "" }));
        ControlFlow::Continue(())
    });
    keys.sort();
    keys
}

#[test]
fn a_flush_takes_what_it_names_in_every_realm_with_and_without_cd_and_nothing_else() {
    let all = [
        (0, "example.com.", Rtype::A, false),
        (1, "example.com.", Rtype::A, true),
        (0, "example.com.", Rtype::MX, false),
        (0, "example.com.", Rtype::CNAME, false),
        (0, "example.com.", Key::NXDOMAIN, false),
        (0, "www.example.com.", Rtype::A, false),
        (2, "a.b.example.com.", Rtype::A, true),
        (0, "notexample.com.", Rtype::A, false),
        (0, "example.com.net.", Rtype::A, false),
        (0, "com.", Rtype::NS, false),
        (0, "\\010example.com.", Rtype::A, false),
    ];
    let name = || "eXample.COM".parse().unwrap();
    for (selection, taken) in [
        (Selection::Question(name(), Rtype::A), [0, 1, 3, 4].as_slice()),
        (Selection::Question(name(), Rtype::TXT), &[3, 4]),
        (Selection::Name(name()), &[0, 1, 2, 3, 4]),
        (Selection::Below(name()), &[0, 1, 2, 3, 4, 5, 6]),
        (Selection::Below("com.".parse().unwrap()), &[0, 1, 2, 3, 4, 5, 6, 7, 9, 10]),
        (Selection::Below(".".parse().unwrap()), &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (Selection::All, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (Selection::Name("none.".parse().unwrap()), &[]),
    ] {
        for bytes in [0, 8 << 20] {
            let (cache, doomed, kept) = (Cache::new(bytes, 1), Cache::new(0, 1), Cache::new(0, 1));
            for (n, which) in all.into_iter().enumerate() {
                put(&cache, which);
                put(if taken.contains(&n) { &doomed } else { &kept }, which);
            }
            assert_eq!(keys(&cache, &selection), keys(&doomed, &Selection::All), "{selection:?}");
            assert_eq!(cache.flush(&selection), taken.len(), "{selection:?}");
            assert_eq!(keys(&cache, &Selection::All), keys(&kept, &Selection::All), "{selection:?}");
            assert_eq!(cache.counts().entries, all.len() - taken.len());
            assert_eq!(cache.flush(&selection), 0);
        }
    }
}

#[test]
fn a_walk_stops_when_it_is_told_to() {
    let cache = Cache::new(0, 1);
    (0..100).for_each(|n| cache.insert(&entry(n, 1, 50)));
    let mut seen = 0;
    let walked = cache.walk(&Selection::All, |_, _| {
        seen += 1;
        if seen == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((walked, seen), (ControlFlow::Break(()), 10));
}

#[test]
fn a_flush_misses_none_while_others_write_and_read() {
    let (cache, stop) = (Cache::new(1 << 20, 5), AtomicBool::new(false));
    let doomed: Vec<String> = (0..300).map(|n| format!("d{n}.doomed.")).collect();
    let seen = |scratch: &mut Scratch| {
        let found = doomed.iter().filter(|name| {
            let name: NameBuf = name.parse().unwrap();
            cache.get(&key(&name), scratch).is_some()
        });
        found.count()
    };
    std::thread::scope(|scope| {
        for writer in 0..2u32 {
            let (cache, stop) = (&cache, &stop);
            // What is read is moved to another place over and over by what is written.
            scope.spawn(move || {
                let mut n = writer;
                while !stop.load(Ordering::Relaxed) {
                    cache.insert(&entry(n % 50_000, n, 100));
                    n += 2;
                }
            });
        }
        let (seen, stop) = (&seen, &stop);
        scope.spawn(move || {
            let mut scratch = Scratch::default();
            while !stop.load(Ordering::Relaxed) {
                seen(&mut scratch);
            }
        });
        let (mut scratch, below) = (Scratch::default(), Selection::Below("doomed.".parse().unwrap()));
        let rounds = (0..30).map(|_| {
            doomed.iter().for_each(|name| put(&cache, (0, name, Rtype::TXT, false)));
            (seen(&mut scratch), cache.flush(&below), seen(&mut scratch))
        });
        let rounds: Vec<(usize, usize, usize)> = rounds.collect();
        // Before anything fails: the others end only when told to.
        stop.store(true, Ordering::Relaxed);
        for (before, flushed, after) in rounds {
            assert!(before > 0 && flushed > 0 && after == 0, "{before} {flushed} {after}");
        }
    });
    assert_eq!(cache.counts().entries, keys(&cache, &Selection::All).len());
    let entries = cache.counts().entries;
    assert_eq!((cache.flush(&Selection::All), cache.counts().entries), (entries, 0));
}

proptest! {
    #[test]
    fn octets_that_were_tampered_with_are_an_entry_or_nothing(
        which in 0usize..4, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), cut in 0usize..300
    ) {
        let (mx, nodata, failed) = {
            let name: NameBuf = "www.example.".parse().unwrap();
            let key = Key { realm: 3, name: name.as_name(), rtype: Rtype::MX, checking_disabled: true, failed: false };
            let make = |fact| {
                EntryBuf::new(&key, &Entry { stored: Instant::ZERO, ttl: 5, verdict: Verdict::Secure, fact, proof: Proof::NONE })
            };
            let mut set = Rrset::new(name.as_name(), Rtype::MX, 60);
            set.push(b"\x00\x0a\x01a\x00");
            set.push(b"\x00\x14\x01b\x00");
            let soa = [&b"\x01a\x00\x01b\x00"[..], &[0; 20]].concat();
            let no_signatures = Rdatas::stored(&[]);
            (
                make(Fact::Records { rdatas: set.rdatas(), signatures: no_signatures }),
                make(Fact::Denied { soa_owner: Some(name.as_name()), soa: &soa, signatures: Rdatas::EMPTY }),
                make(Fact::Failed { rcode: Rcode::SERVFAIL, ede: 1, text: "why" }),
            )
        };
        let whole = match which { 0 | 3 => mx, 1 => nodata, _ => failed };
        prop_assert_eq!(EntryBuf::read(whole.as_bytes()), Some(whole.clone()));
        let mut octets = whole.as_bytes().to_vec();
        octets.truncate(octets.len().saturating_sub(cut.saturating_sub(200)));
        for (at, value) in changes {
            let at = at.index(octets.len().max(1));
            if let Some(octet) = octets.get_mut(at) {
                *octet = value;
            }
        }
        if let Some(read) = EntryBuf::read(&octets) {
            let (key, entry) = (read.key(), read.entry());
            prop_assert!(Name::from_wire(key.name.as_bytes()).is_ok());
            match entry.fact {
                Fact::Records { rdatas, signatures } => {
                    prop_assert!(rdatas.iter().count() > 0 && signatures.iter().count() == 0);
                    for rdata in rdatas.iter() {
                        prop_assert!(crate::rrset::check_rdata(key.rtype, rdata).is_ok());
                    }
                }
                Fact::Denied { soa_owner, .. } => {
                    prop_assert!(soa_owner.is_none_or(|owner| Name::from_wire(owner.as_bytes()).is_ok()));
                }
                Fact::Failed { .. } => (),
            }
            let again = EntryBuf::new(&key, &entry);
            prop_assert_eq!(again.as_bytes(), &octets[..]);
        }
    }

    #[test]
    fn a_read_gives_the_latest_version_or_nothing(writes in prop::collection::vec((0u32..2_000, 8usize..2_000), 1..1_500)) {
        let (cache, mut model, mut scratch) = (Cache::new(0, 7), HashMap::new(), Scratch::default());
        let mut octets = 0;
        for (version, (n, len)) in writes.iter().enumerate() {
            cache.insert(&entry(*n, version as u32, *len));
            model.insert(*n, version as u32);
            octets += len + 150;
        }
        for (n, latest) in model {
            match version(&cache, n, &mut scratch) {
                Some(found) => prop_assert_eq!(found, latest),
                None => prop_assert!(octets > limits::CACHE_MIN / 4, "lost while there was room"),
            }
        }
    }
}
