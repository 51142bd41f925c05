//! Answering from zones, steering and cache allocates nothing, and a zone takes little more than its records: a counting allocator watches.

#![allow(clippy::unwrap_used, unsafe_code)]

use serde_json::json;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use waymark::answer::{self, Outcome, Recursion, Request, Transport, View, Worker};
use waymark::cache::{Cache, Entry, EntryBuf, Fact, Key, Proof, Verdict};
use waymark::clock::Instant;
use waymark::config::{Config, Diagnostics};
use waymark::dnssec::{Nsec3, Nsec3Param};
use waymark::guard::{AccessList, Cookies, Guard, Rates};
use waymark::health::{MemberId, Standing, State};
use waymark::load::Loader;
use waymark::rrset::Rdatas;
use waymark::wire::{
    Class, ClientSubnet, Flags, Message, Name, NameBuf, Rcode, Rtype, Section, Writer, option,
};
use waymark::zone;

/// The system's allocator, counting what this thread asks of it.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    /// Octets this thread took and did not give back, and the most that ever were.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Notes that the octets held change by so many.
fn hold(change: isize) {
    COUNT.set(COUNT.get() + 1);
    HELD.set(HELD.get() + change);
    PEAK.set(PEAK.get().max(HELD.get()));
}

// SAFETY: every call is handed to the system's allocator as it is; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    // SAFETY: the contract is that of the system's allocator.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        hold(layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    // SAFETY: the contract is that of the system's allocator.
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    // SAFETY: the contract is that of the system's allocator.
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While it moves, both are there.
        hold(size as isize);
        HELD.set(HELD.get() - layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The sample zones, and a cache with an address, an alias, a denial and a failure.
fn view() -> View {
    let mut diagnostics = Diagnostics::default();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/waymark.toml");
    let config = Config::load(&path, &mut diagnostics).unwrap();
    let loaded = Loader::default().load(&config, &mut diagnostics).unwrap();
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
    let cache = Cache::new(0, 1);
    let put = |name: &str, rtype, fact| {
        let name: NameBuf = name.parse().unwrap();
        let failed = matches!(fact, Fact::Failed { .. });
        let key = Key { realm: 0, name: name.as_name(), rtype, checking_disabled: false, failed };
        let entry = Entry {
            stored: Instant::from_secs(1_000),
            ttl: 300,
            verdict: Verdict::Unchecked,
            fact,
            proof: Proof::NONE,
        };
        cache.insert(&EntryBuf::new(&key, &entry));
    };
    let records =
        |data: &'static [u8]| Fact::Records { rdatas: Rdatas::stored(data), signatures: Rdatas::stored(&[]) };
    put("www.cached.net.", Rtype::A, records(b"\0\x04\xc0\0\x02\x07"));
    put("alias.cached.net.", Rtype::CNAME, records(b"\0\x10\x03www\x06cached\x03net\0"));
    put(
        "none.cached.net.",
        Key::NXDOMAIN,
        Fact::Denied { soa_owner: Some(Name::ROOT), soa: &[0; 22], signatures: Rdatas::EMPTY },
    );
    put(
        "failed.cached.net.",
        Rtype::A,
        Fact::Failed { rcode: Rcode::SERVFAIL, ede: 22, text: "nobody answered" },
    );
    View {
        zones: loaded.zones,
        steering: loaded.steering,
        recursion: Some(Recursion {
            allow: AccessList::new(vec!["127.0.0.0/8".parse().unwrap()]),
            cache: Arc::new(cache),
            realm: 0,
            upstreams: Default::default(),
            special: zone::special_use(),
            sentinel: None,
            strict_denial: false,
            serve_stale: true,
            prefetch: true,
        }),
        guard: Guard {
            cookies: Some(Cookies::new([5; 16], 0)),
            rates: Some(Arc::new(Rates::new(1_000))),
            listeners: vec![None],
        },
        epoch: 0,
    }
}

fn query(name: &str, rtype: Rtype, subnet: Option<ClientSubnet>) -> Vec<u8> {
    let mut message = vec![0; 512];
    let mut writer = Writer::new(&mut message, 512, 1, Flags::RD);
    let name: NameBuf = name.parse().unwrap();
    writer.question(name.as_name(), rtype, Class::IN).unwrap();
    if let Some(subnet) = subnet {
        writer.record(Section::Additional, Name::ROOT, Rtype::OPT, Class(1232), 0x8000).unwrap();
        writer.rdata(|writer| writer.client_subnet(&subnet)).unwrap();
    }
    let len = writer.finish();
    message.truncate(len);
    message
}

/// Answers a message and counts what that allocates.
fn count(view: &View, worker: &mut Worker, out: &mut [u8], message: &[u8], from: &str) -> (usize, Outcome) {
    let client: SocketAddr = from.parse().unwrap();
    let request =
        Request { message, client, transport: Transport::Udp, listener: 0, now: Instant::from_secs(1_001) };
    let before = COUNT.get();
    answer::read_ahead(view, std::iter::repeat_n(message, 3));
    let outcome = answer::answer(view, worker, &request, None, out);
    (COUNT.get() - before, outcome)
}

#[test]
fn answers_from_zones_steering_and_cache_allocate_nothing() {
    let (view, mut worker, mut out) = (view(), Worker::default(), vec![0; 1232]);
    let subnet = ClientSubnet { family: 1, address: "203.0.113.0".parse().unwrap(), source: 24, scope: 0 };
    let mut answered = 0;
    for (name, rtype, rcode) in [
        ("www.example.org.", Rtype::A, Rcode::NOERROR),
        ("ftp.example.org.", Rtype::AAAA, Rcode::NOERROR),
        ("example.org.", Rtype::MX, Rcode::NOERROR),
        ("any.wild.example.org.", Rtype::TXT, Rcode::NOERROR),
        ("blog.old.example.org.", Rtype::A, Rcode::NOERROR),
        ("www.example.org.", Rtype::TXT, Rcode::NOERROR),
        ("www.example.org.", Rtype::ANY, Rcode::NOERROR),
        ("nothing.example.org.", Rtype::A, Rcode::NXDOMAIN),
        ("www.example.com.", Rtype::A, Rcode::NOERROR),
        ("www.example.com.", Rtype::AAAA, Rcode::NOERROR),
        ("api.example.com.", Rtype::A, Rcode::NOERROR),
        ("cdn.example.net.", Rtype::A, Rcode::NOERROR),
        ("near.example.net.", Rtype::A, Rcode::NOERROR),
        ("www.cached.net.", Rtype::A, Rcode::NOERROR),
        ("WWW.Cached.Net.", Rtype::A, Rcode::NOERROR),
        ("alias.cached.net.", Rtype::A, Rcode::NOERROR),
        ("none.cached.net.", Rtype::MX, Rcode::NXDOMAIN),
        ("failed.cached.net.", Rtype::A, Rcode::SERVFAIL),
        ("localhost.", Rtype::A, Rcode::NOERROR),
        ("www.cached.net.", Rtype::AXFR, Rcode::REFUSED),
        ("www.cached.net.", Rtype::OPT, Rcode::FORMERR),
    ] {
        for subnet in [None, Some(subnet)] {
            let message = query(name, rtype, subnet);
            // Once to warm what is made once, such as a thread's own state.
            count(&view, &mut worker, &mut out, &message, "127.0.0.1:1");
            let (allocations, outcome) = count(&view, &mut worker, &mut out, &message, "127.0.0.1:1");
            let Outcome::Reply(meta) = outcome else { panic!("{name} {rtype}: {outcome:?}") };
            assert_eq!((meta.rcode, allocations), (rcode, 0), "{name} {rtype}");
            answered += 1;
        }
    }
    assert_eq!(answered, 42);
}

/// A zone steered by country, network and distance over a database, in a folder of its own.
fn placed() -> View {
    let folder = tempfile::tempdir().unwrap();
    let mut database = maxminddb_writer::Database::default();
    database.metadata.binary_format_major_version = 2;
    database.metadata.database_type = "Test-City".into();
    database.metadata.ip_version = maxminddb_writer::metadata::IpVersion::V6;
    // Numbers in all the forms that databases have them in.
    for (prefix, bits, country, asn, latitude, longitude) in [
        ("::81.0.0.0", 104, "DE", json!("AS64500"), json!(50.1), json!(8.7)),
        ("::12.0.0.0", 104, "US", json!(64501), json!("38.9"), json!("-77")),
        ("2001:db8::", 32, "FR", json!("64502"), json!(49), json!(2)),
    ] {
        let location = json!({"latitude": latitude, "longitude": longitude});
        let record = json!({"country": {"iso_code": country}, "asn": asn, "location": location});
        let data = database.insert_value(record).unwrap();
        database
            .insert_node(maxminddb_writer::paths::IpAddrWithMask::new(prefix.parse().unwrap(), bits), data);
    }
    database.write_to(std::fs::File::create(folder.path().join("geo.mmdb")).unwrap()).unwrap();
    let zone = "[records]\nby-country = { route = \"country\", HTTPS = \"1 . alpn=h2\" }\nby-distance = { route = \"distance\" }\n\
        by-network = { route = \"network\" }\n\
        [pool.eu]\nlocation = \"50.1,8.7\"\nmembers = [\"192.0.2.1\"]\n\
        [pool.us]\nlocation = \"38.9,-77.0\"\nmembers = [\"192.0.2.2\"]\n\
        [pool.net]\nmembers = [\"192.0.2.3\"]\n\
        [route.country]\nfallback = [\"us\"]\n\
        rule = [{ cidr = \"81.1.0.0/16\", use = \"net\" }, { country = [\"DE\", \"FR\"], use = \"eu\" }]\n\
        [route.network]\nfallback = [\"us\"]\n\
        rule = [{ asn = [64500, 64502], use = \"eu\" }, { asn = 64501, use = \"net\" }]\n\
        [route.distance]\nfallback = [\"us\"]\nrule = [{ nearest = [\"eu\", \"us\"] }]\n";
    loaded(folder.path(), "geo.test", zone, "geo.database = \"geo.mmdb\"\n")
}

/// A zone loaded from a folder, with a config.
fn loaded(folder: &Path, name: &str, zone: &str, config: &str) -> View {
    std::fs::create_dir(folder.join("zones")).unwrap();
    std::fs::write(folder.join(format!("zones/{name}.toml")), zone).unwrap();
    let text = format!("zones.directory = \"zones\"\n{config}");
    let mut diagnostics = Diagnostics::default();
    let config = Config::parse(&text, &folder.join("waymark.toml"), &mut diagnostics);
    let loaded = Loader::default().load(&config, &mut diagnostics).unwrap();
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
    View { zones: loaded.zones, steering: loaded.steering, ..view() }
}

#[test]
fn choices_allocate_nothing_however_members_stand() {
    let pools = "[pool.hash]\npick = \"hash\"\nanswer = 2\nmembers = [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\"]\n\
        [pool.random]\npick = \"random\"\nmembers = [{ address = \"192.0.2.4\", weight = 2 }, { address = \"192.0.2.5\", weight = 0 }]\n\
        [pool.six]\nmembers = [\"2001:db8::1\"]\n[pool.alias]\ncname = \"there.s.test.\"\n";
    let mut zone = String::from("[records]\nout = { route = \"out\" }\nthere = { A = \"192.0.2.9\" }\n");
    let mut routes =
        "[route.out]\nfallback = [\"hash\", \"alias\"]\n[route.inner]\nrule = [{ use = [{ pool = \"six\", \
        weight = 0 }, { pool = \"hash\", weight = 1 }] }]\n"
            .to_owned();
    for on_all_down in ["all", "last_known", "none", "servfail"] {
        zone += &format!("{on_all_down} = {{ route = \"{on_all_down}\" }}\n");
        routes += &format!(
            "[route.{on_all_down}]\non_all_down = \"{on_all_down}\"\nrule = [{{ use = [{{ pool = \"inner\", weight = 2 }}, \
             {{ pool = \"random\", weight = 1 }}, {{ pool = \"hash\", weight = 0 }}] }}]\n"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut worker, mut out) = (Worker::default(), vec![0; 1232]);
    let view = loaded(folder.path(), "s.test", &format!("{zone}{pools}{routes}"), "");
    let table = &view.steering[0].health;
    let up = Standing::UNCHECKED;
    let down = Standing { state: State::Down, ..up };
    for standing in [up, down, Standing { drained: true, ..up }, Standing { share: 3, ..up }] {
        for (first, others) in [(up, standing), (standing, up), (standing, standing)] {
            (0..6).for_each(|i| table.set(MemberId(i), if i == 0 { first } else { others }));
            for name in ["out", "all", "last_known", "none", "servfail"] {
                for rtype in [Rtype::A, Rtype::AAAA, Rtype::ANY, Rtype::TXT] {
                    let message = query(&format!("{name}.s.test."), rtype, None);
                    count(&view, &mut worker, &mut out, &message, "127.0.0.1:1");
                    let (allocations, outcome) = count(&view, &mut worker, &mut out, &message, "127.0.0.1:1");
                    assert_eq!(allocations, 0, "{name} {rtype} {standing:?}: {outcome:?}");
                }
            }
        }
    }
}

#[test]
fn places_of_clients_allocate_nothing_whether_decisions_are_compiled_or_not() {
    let (view, mut worker, mut out) = (placed(), Worker::default(), vec![0; 1232]);
    for compiled in [false, true] {
        if compiled {
            assert!(waymark::steer::compile_decisions(&view.steering).is_empty());
        }
        let held = view.steering.iter().flat_map(|steering| steering.policy.decisions()).count();
        assert_eq!(held, if compiled { 3 } else { 0 });
        for (client, by_country, by_distance, by_network) in [
            ("81.1.2.0", 3, 1, 1),
            ("81.2.2.0", 1, 1, 1),
            ("12.1.2.0", 2, 2, 3),
            ("203.0.113.0", 2, 1, 2),
            ("2001:db8::", 1, 1, 1),
        ] {
            let address: std::net::IpAddr = client.parse().unwrap();
            let (family, source) = if address.is_ipv4() { (1, 24) } else { (2, 56) };
            let subnet = ClientSubnet { family, address, source, scope: 0 };
            let https = query("by-country.geo.test.", Rtype::HTTPS, Some(subnet));
            let (allocations, outcome) = count(&view, &mut worker, &mut out, &https, "127.0.0.1:1");
            let Outcome::Reply(meta) = outcome else { panic!("{client}: {outcome:?}") };
            let hint = [192, 0, 2, by_country];
            assert!(out[..meta.len].windows(4).any(|octets| octets == hint), "{client}: the pool's address");
            assert_eq!(allocations, 0, "{client}");
            for (name, last) in
                [("by-country", by_country), ("by-distance", by_distance), ("by-network", by_network)]
            {
                let name = &format!("{name}.geo.test.");
                let message = query(name, Rtype::A, Some(subnet));
                count(&view, &mut worker, &mut out, &message, "127.0.0.1:1");
                let (allocations, outcome) = count(&view, &mut worker, &mut out, &message, "127.0.0.1:1");
                let Outcome::Reply(meta) = outcome else { panic!("{name} {client}: {outcome:?}") };
                let reply = Message::parse(&out[..meta.len]).unwrap();
                let answer = reply.records().next().unwrap().unwrap();
                assert_eq!(
                    (answer.rdata().last(), allocations),
                    (Some(&last), 0),
                    "{name} {client} {compiled}"
                );
            }
        }
    }
}

/// A signed zone, with NSEC or with NSEC3 hashed once more; the signatures sign nothing.
fn signed_zone(apex: &str, hashed: bool) -> zone::Held {
    let apex: NameBuf = apex.parse().unwrap();
    let apex = apex.as_name();
    let signature = |owner: &str, rtype: &str| {
        format!("{owner} RRSIG {rtype} 13 1 60 20380101000000 20000101000000 1 {apex} AAAA\n")
    };
    let mut text =
        String::from("$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n*.w TXT x\nc NS ns\n");
    let owners = ["@", "c", "ns", "*.w"];
    if hashed {
        text += "@ NSEC3PARAM 1 0 1 AB\n";
        let param = Nsec3Param { iterations: 1, salt: b"\xab" };
        let hashes = owners.map(|owner| param.hash(NameBuf::from_text(owner, apex).unwrap().as_name()));
        for label in hashes.iter().map(|hash| String::from_utf8(Nsec3::label(hash).to_vec()).unwrap()) {
            text += &format!("{label} NSEC3 1 1 1 AB {label} A\n{}", signature(&label, "NSEC3"));
        }
    } else {
        text.extend(owners.map(|owner| format!("{owner} NSEC @ A\n{}", signature(owner, "NSEC"))));
    }
    text += &[signature("@", "SOA"), signature("*.w", "TXT"), signature("ns", "A")].concat();
    let zone = zone::master::parse(&text, Path::new("t.zone"), apex, &mut Diagnostics::default());
    zone::Held { apex: apex.to_owned(), state: Ok(Arc::new(zone.unwrap())), policy: None }
}

#[test]
fn signatures_and_proofs_allocate_nothing() {
    let (mut view, mut worker, mut out) = (view(), Worker::default(), vec![0; 1232]);
    for (apex, hashed) in [("nsec.test.", false), ("nsec3.test.", true)] {
        view.zones = view.zones.with(signed_zone(apex, hashed));
        for (name, rtype, rcode, proof) in [
            ("ns.", Rtype::A, Rcode::NOERROR, false),
            ("ns.", Rtype::RRSIG, Rcode::NOERROR, false),
            ("ns.", Rtype::MX, Rcode::NOERROR, true),
            ("nothing.", Rtype::A, Rcode::NXDOMAIN, true),
            ("any.w.", Rtype::TXT, Rcode::NOERROR, true),
            ("any.w.", Rtype::A, Rcode::NOERROR, true),
            ("w.", Rtype::A, Rcode::NOERROR, true),
            ("x.c.", Rtype::A, Rcode::NOERROR, true),
        ] {
            let mut message = query(&format!("{name}{apex}"), rtype, None);
            message[2] = 0;
            message[11] = 1;
            message.extend(b"\0\0\x29\x04\xd0\0\0\x80\0\0\0");
            count(&view, &mut worker, &mut out, &message, "127.0.0.1:1");
            let (allocations, outcome) = count(&view, &mut worker, &mut out, &message, "127.0.0.1:1");
            let Outcome::Reply(meta) = outcome else { panic!("{name} {rtype}: {outcome:?}") };
            assert_eq!((meta.rcode, allocations), (rcode, 0), "{name}{apex} {rtype}");
            let reply = Message::parse(&out[..meta.len]).unwrap();
            let types: Vec<Rtype> = reply.records().map(|record| record.unwrap().rtype).collect();
            assert!(types.contains(&Rtype::RRSIG), "{name}{apex} {rtype}: {types:?}");
            let link = if hashed { Rtype::NSEC3 } else { Rtype::NSEC };
            assert_eq!(types.contains(&link), proof, "{name}{apex} {rtype}: {types:?}");
        }
    }
}

#[test]
fn refusals_and_referrals_allocate_nothing() {
    let (view, mut worker, mut out) = (view(), Worker::default(), vec![0; 1232]);
    let referral = query("www.sub.example.org.", Rtype::A, None);
    let refused = query("www.elsewhere.test.", Rtype::A, None);
    let broken = b"\0\x01\0\0\0\x01\0\0\0\0\0\0\x40".to_vec();
    for (message, rcode) in [(referral, Rcode::NOERROR), (refused, Rcode::REFUSED), (broken, Rcode::FORMERR)]
    {
        let (allocations, outcome) = count(&view, &mut worker, &mut out, &message, "192.0.2.1:1");
        let Outcome::Reply(meta) = outcome else { panic!("{outcome:?}") };
        assert_eq!((meta.rcode, allocations), (rcode, 0));
    }
}

#[test]
fn cookies_and_the_rate_limit_allocate_nothing() {
    let (mut view, mut worker, mut out) = (view(), Worker::default(), vec![0; 1232]);
    let mut message = query("www.example.org.", Rtype::A, None);
    let bare = message.clone();
    message[11] = 1;
    message.extend(b"\0\0\x29\x04\xd0\0\0\0\0\0\x1c");
    message.extend(option::COOKIE.to_be_bytes());
    message.extend([0, 24]);
    message.extend(
        view.guard
            .cookies
            .as_ref()
            .unwrap()
            .check(&[1; 8], [192, 0, 2, 1].into(), Instant::from_secs(1_001))
            .unwrap()
            .reply,
    );
    let mut forged = message.clone();
    *forged.last_mut().unwrap() ^= 1;
    view.guard.rates = Some(Arc::new(Rates::new(1)));
    let of = |outcome: Outcome| match outcome {
        Outcome::Reply(meta) => meta.rcode.to_string(),
        outcome => format!("{outcome:?}"),
    };
    for (message, wanted) in [
        (&bare, "NOERROR"),
        (&bare, "Drop(RateLimited)"),
        (&bare, "NOERROR"),
        (&forged, "Drop(RateLimited)"),
        (&forged, "BADCOOKIE"),
        (&message, "NOERROR"),
    ] {
        let (allocations, outcome) = count(&view, &mut worker, &mut out, message, "192.0.2.1:1");
        assert_eq!((of(outcome).as_str(), allocations), (wanted, 0));
    }
}

#[test]
fn the_counter_counts() {
    let before = COUNT.get();
    drop(std::hint::black_box(vec![1u8]));
    assert_eq!(COUNT.get() - before, 2);
}

#[test]
fn a_record_of_a_zone_takes_little_more_than_its_wire_form_and_loading_it_no_more_than_twice_that() {
    const RECORDS: usize = 100_000;
    let mut text = String::from("$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n");
    for i in 0..RECORDS - 2 {
        text += &format!("h{i} A 192.0.{}.{}\n", i / 256 % 256, i % 256);
    }
    let file = tempfile::Builder::new().suffix(".zone").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let apex: NameBuf = "example.test.".parse().unwrap();
    let before = HELD.get();
    PEAK.set(before);
    let zone = zone::master::load(file.path(), apex.as_name(), &mut Diagnostics::default()).unwrap();
    let (held, peak) = ((HELD.get() - before) as usize, (PEAK.get() - before) as usize);
    assert_eq!(zone.record_count(), RECORDS);
    let mut wire = 0;
    zone.for_each(|node| {
        for set in node.rrsets() {
            wire += set.rdatas.iter().map(|rdata| node.name().len() + 10 + rdata.len()).sum::<usize>();
        }
    });
    assert!(held > wire && (held - wire) / RECORDS <= 150, "{} octets a record", (held - wire) / RECORDS);
    assert!(peak <= 2 * held, "{peak} while loading, {held} when loaded");
}
