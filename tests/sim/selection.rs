//! Whom the resolver asks when servers are many, far, lossy or gone.

use super::*;
use std::time::Duration;

/// The eight addresses of four servers in both families.
const SERVERS: [[&str; 2]; 4] = [
    ["198.51.100.1", "2001:db8:1::1"],
    ["198.51.100.2", "2001:db8:2::1"],
    ["198.51.100.3", "2001:db8:3::1"],
    ["198.51.100.4", "2001:db8:4::1"],
];

/// root -> test. -> far.test. at [`SERVERS`], which answer in 20, 40, 60 and 80 ms.
fn far(seed: u64) -> World {
    let mut world = World::new(seed, &[ROOT]);
    world.serve(
        ROOT,
        ".",
        &[
            ". NS a.root-servers.test.",
            "a.root-servers.test. A 192.0.2.1",
            "test. NS ns.nic.test.",
            "ns.nic.test. A 192.0.2.2",
        ],
    );
    let (mut delegation, mut zone) = (Vec::new(), vec!["*.far.test. A 198.51.100.99".to_owned()]);
    for (i, [v4, v6]) in SERVERS.iter().enumerate() {
        for line in [
            format!("far.test. NS ns{i}.far.test."),
            format!("ns{i}.far.test. A {v4}"),
            format!("ns{i}.far.test. AAAA {v6}"),
        ] {
            delegation.push(line.clone());
            zone.push(line);
        }
    }
    delegation.extend(["test. NS ns.nic.test.".to_owned(), "ns.nic.test. A 192.0.2.2".to_owned()]);
    let lines =
        |lines: &[String]| -> Vec<&'static str> { lines.iter().map(|line| &*line.clone().leak()).collect() };
    world.serve(TLD, "test.", &lines(&delegation));
    for (i, addresses) in SERVERS.iter().enumerate() {
        for address in addresses {
            world.serve(address, "far.test.", &lines(&zone));
            world.manner(address, Manner::Slow(10 + 20 * i as u64));
        }
    }
    world
}

/// What asking so many names came to: failures, the time that 99 of 100 needed at most, and the share of queries that each
/// address of [`SERVERS`] got.
fn ask_many(world: &mut World, from: usize, count: usize) -> (usize, Duration, Vec<f64>) {
    let addresses: Vec<&str> = SERVERS.iter().flatten().copied().collect();
    let before: Vec<usize> = addresses.iter().map(|address| world.asked(address)).collect();
    let (mut failures, mut times) = (0, Vec::new());
    for i in from..from + count {
        let begun = world.now;
        let reply = world.ask(&format!("n{i}.far.test. A"));
        failures += usize::from(reply == "SERVFAIL");
        times.push(world.now.since(begun));
        world.pass(Duration::from_millis(50));
    }
    times.sort();
    let asked: Vec<usize> =
        addresses.iter().zip(before).map(|(address, before)| world.asked(address) - before).collect();
    let total: usize = asked.iter().sum();
    let shares = asked.iter().map(|&asked| asked as f64 / total as f64).collect();
    (failures, times[count * 99 / 100], shares)
}

#[test]
fn half_of_the_servers_dead_loss_and_no_ipv6_are_hardly_noticed() {
    for seed in 0..5 {
        let mut world = far(seed);
        for [v4, v6] in SERVERS {
            world.manner(v6, Manner::Silent);
            // The fastest is among the living.
            if v4 == SERVERS[1][0] || v4 == SERVERS[3][0] {
                world.manner(v4, Manner::Silent);
            }
        }
        world.network = Network { loss: 10, twice: 0, latency: (10, 10) };
        ask_many(&mut world, 0, 1_000);
        let (failures, p99, shares) = ask_many(&mut world, 1_000, 3_000);
        assert!(failures <= 3, "seed {seed}: {failures} of 3,000 failed");
        assert!(p99 <= Duration::from_millis(1_800), "seed {seed}: {p99:?}");
        assert!(shares[0] >= 0.9, "seed {seed}: {shares:.3?}");
    }
}

#[test]
fn the_fastest_server_is_found_and_kept_and_a_change_is_noticed() {
    let mut world = far(1);
    ask_many(&mut world, 0, 1_000);
    let (failures, _, shares) = ask_many(&mut world, 1_000, 1_000);
    assert_eq!(failures, 0);
    // Its two addresses are one as good as the other.
    assert!(shares[0] + shares[1] >= 0.9, "{shares:.3?}");
    for address in SERVERS[0] {
        world.manner(address, Manner::Slow(200));
    }
    ask_many(&mut world, 2_000, 1_000);
    let (_, _, shares) = ask_many(&mut world, 3_000, 1_000);
    assert!(shares[2] + shares[3] >= 0.9, "{shares:.3?}");
    // The old one has become fast again: nobody waits for it, but it is looked at now and then.
    for address in SERVERS[0] {
        world.manner(address, Manner::Slow(10));
    }
    ask_many(&mut world, 4_000, 3_000);
    let (_, _, shares) = ask_many(&mut world, 7_000, 1_000);
    assert!(shares[0] + shares[1] >= 0.9, "{shares:.3?}");
}

#[test]
fn a_server_that_comes_back_is_used_again_and_nobody_waited_for_it() {
    let mut world = far(1);
    for address in SERVERS[0] {
        world.manner(address, Manner::Silent);
    }
    ask_many(&mut world, 0, 1_000);
    let (failures, p99, shares) = ask_many(&mut world, 1_000, 1_000);
    assert_eq!(failures, 0);
    assert!(p99 <= Duration::from_millis(100), "{p99:?}");
    assert!(shares[0] + shares[1] <= 0.02, "{shares:.3?}");
    for address in SERVERS[0] {
        world.manner(address, Manner::Slow(10));
    }
    // Within the longest pause between probes, and some.
    ask_many(&mut world, 2_000, 2_000);
    let (_, _, shares) = ask_many(&mut world, 4_000, 1_000);
    assert!(shares[0] + shares[1] >= 0.9, "{shares:.3?}");
}

#[test]
fn an_address_family_that_leads_nowhere_is_left_alone() {
    // Many zones of one server each, every one with both families.
    let mut world = World::new(1, &[ROOT]);
    world.serve(
        ROOT,
        ".",
        &[
            ". NS a.root-servers.test.",
            "a.root-servers.test. A 192.0.2.1",
            "test. NS ns.nic.test.",
            "ns.nic.test. A 192.0.2.2",
        ],
    );
    let mut lines = vec!["test. NS ns.nic.test.", "ns.nic.test. A 192.0.2.2"];
    for i in 0..60 {
        for line in [
            format!("z{i}.test. NS ns.z{i}.test."),
            format!("ns.z{i}.test. A 198.51.100.{i}"),
            format!("ns.z{i}.test. AAAA 2001:db8:{i}::1"),
        ] {
            lines.push(line.leak());
        }
        let (name, address) = (format!("z{i}.test."), format!("198.51.100.{i}"));
        let zone = [format!("{name} NS ns.{name}"), format!("www.{name} A 198.51.100.99")];
        world.serve(&address, &name, &[zone[0].clone().leak(), zone[1].clone().leak()]);
        world.manner(&format!("2001:db8:{i}::1"), Manner::Silent);
    }
    world.serve(TLD, "test.", &lines);
    for i in 0..60 {
        // Two questions a zone: the second finds out what one timeout means.
        world.ask(&format!("www.z{i}.test. A"));
        world.ask(&format!("www2.z{i}.test. A"));
        world.pass(Duration::from_secs(1));
    }
    let late: usize = (40..60).map(|i| world.asked(&format!("2001:db8:{i}::1"))).sum();
    assert!(late <= 4, "{late} queries to IPv6 addresses of the last 20 zones");
    assert!((0..60).all(|i| world.asked(&format!("198.51.100.{i}")) >= 1));
}

#[test]
fn where_datagrams_are_lost_a_connection_is_tried_and_remembered() {
    let mut world = small(1);
    world.manner(LEAF, Manner::OnlyTcp).manner(LEAF_2, Manner::Unreachable);
    let first = world.ask("www.example.test. A");
    assert_eq!(first, "NOERROR www.example.test. A 198.51.100.1", "{}", world.log.join("\n"));
    let (before, begun) = (world.asked(LEAF), world.now);
    assert_eq!(world.ask("www.example.test. AAAA"), "NOERROR www.example.test. AAAA 2001:db8::1");
    assert_eq!(world.asked(LEAF) - before, 1);
    assert!(world.now.since(begun) < Duration::from_millis(100));
}

#[test]
fn equal_queries_to_one_server_are_one() {
    // A hundred names of one zone, asked at one time: the servers above it are asked once.
    let mut world = small(1);
    world.set(|settings| settings.minimise = waymark::config::Minimise::Relaxed);
    let questions: Vec<String> = (0..100).map(|i| format!("n{i}.example.test. A")).collect();
    let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    world.ask_all(&questions);
    assert_eq!((world.asked(ROOT), world.asked(TLD)), (1, 1), "{}", world.log.join("\n"));
    world.assert_idle();
}
