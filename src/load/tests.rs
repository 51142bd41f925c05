//! A directory of zones as it changes under a loader.

use super::zone::ZoneSource;
use super::*;
use crate::steer;
use crate::wire::NameBuf;
use crate::zone::SteerId;
use std::fs;
use tempfile::TempDir;

/// A directory of zone files, its loader, and what was told last.
struct Zones {
    directory: TempDir,
    config: Config,
    loader: Loader,
    told: String,
}

impl Zones {
    fn new(files: &[(&str, &str)]) -> Zones {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("zones")).unwrap();
        let path = directory.path().join("c.toml");
        let config = Config::parse("zones.directory = \"zones\"", &path, &mut Diagnostics::default());
        let zones = Zones { directory, config, loader: Loader::default(), told: String::new() };
        files.iter().for_each(|(name, text)| zones.write(name, text));
        zones
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("zones").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path("")).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn try_load(&mut self) -> Option<Loaded> {
        let mut diagnostics = Diagnostics::default();
        let loaded = self.loader.load(&self.config, &mut diagnostics);
        self.told = diagnostics.render(false);
        loaded
    }

    /// Loads; gives fresh, kept and failed, and the names of the zones.
    fn load(&mut self) -> ((usize, usize, usize), Vec<String>) {
        let loaded = self.try_load().expect("there is a directory");
        let mut names = Vec::new();
        loaded.zones.for_each(|held| names.push(held.apex.to_string()));
        let Counts { fresh, kept, failed, .. } = loaded.counts;
        ((fresh, kept, failed), names)
    }
}

const GOOD: &str = "[records]\n\"@\" = { NS = \"ns\" }\nns = { A = \"192.0.2.1\" }\n";

#[test]
fn a_directory_that_is_gone_changes_nothing() {
    let mut zones = Zones::new(&[("a.test.toml", GOOD), ("b.test.toml", "bad")]);
    assert_eq!(zones.load().0, (1, 0, 1));
    fs::rename(zones.path(""), zones.directory.path().join("away")).unwrap();
    assert!(zones.try_load().is_none());
    assert!(zones.told.contains("zones.directory names the directory"), "{}", zones.told);
    zones.write("a.test.toml", "bad");
    assert_eq!(zones.load(), ((0, 1, 0), vec!["a.test.".into()]));
}

#[test]
fn a_bad_file_stays_the_zone_that_it_was() {
    let named = format!("zone = \"real.test\"\n{GOOD}");
    let mut zones = Zones::new(&[("file.toml", &named)]);
    assert_eq!(zones.load(), ((1, 0, 0), vec!["real.test.".into()]));
    for bad in ["zone = \"real.test\"\nbad", "= [", "zone = \"other.test\"\nnonsense = 1"] {
        zones.write("file.toml", bad);
        assert_eq!(zones.load(), ((0, 1, 0), vec!["real.test.".into()]), "{bad:?}");
    }
    fs::remove_file(zones.path("file.toml")).unwrap();
    assert_eq!(zones.load(), ((0, 0, 0), vec![]));
}

#[test]
fn a_file_that_is_bad_from_the_start_is_the_zone_it_names() {
    let mut zones = Zones::new(&[("file.toml", "zone = \"real.test\"\nnonsense = 1\n")]);
    assert_eq!(zones.load(), ((0, 0, 1), vec!["real.test.".into()]));
    zones.write("file.toml", "zone = 7\n");
    assert_eq!(zones.load(), ((0, 0, 1), vec!["file.".into()]));
}

#[test]
fn what_is_no_regular_file_is_refused_and_hidden_files_are_passed_over() {
    let mut zones = Zones::new(&[("a.test.toml", GOOD), (".hidden.toml", "bad"), (".#b.test.toml", "bad")]);
    fs::create_dir(zones.path("dir.test.toml")).unwrap();
    let pipes = [zones.path("p.test.toml"), zones.path("p.test.zone")];
    assert!(std::process::Command::new("mkfifo").args(pipes).status().unwrap().success());
    zones.write("i.test.toml", &format!("include = [\"p.test.toml\"]\n{GOOD}"));
    zones.write("m.test.zone", "$INCLUDE p.test.zone\n");
    let (counts, _) = zones.load();
    assert_eq!((counts.0, zones.told.matches("not a regular file").count()), (1, 5), "{}", zones.told);
    assert!(!zones.told.contains("hidden") && !zones.told.contains(".#b"), "{}", zones.told);
}

#[test]
fn a_panic_over_one_file_costs_its_zone_alone_and_is_told() {
    let mut zones = Zones::new(&[("a.test.toml", GOOD)]);
    zones.load();
    let common = zones.loader.common(0, &zones.config);
    let path = zones.path("a.test.toml");
    let apex = "a.test.".parse().unwrap();
    let source = ZoneSource { path: &path, apex, before: None, common: &common };
    let (entry, told) = source.read(|_, _| panic!("on purpose"));
    assert!(!entry.fresh && told.render(false).contains("a.test.toml: the program failed"));
    assert!(entry.to_held(None).state.is_ok());
}

#[test]
fn clients_are_told_of_no_path_of_a_zone_that_never_loaded() {
    let mut zones = Zones::new(&[("a.test.toml", "bad")]);
    let loaded = zones.try_load().unwrap();
    let held = loaded.zones.get("a.test.".parse::<NameBuf>().unwrap().as_name()).unwrap();
    assert_eq!(held.state.as_ref().map(|_| ()), Err(&NOT_LOADED.into()));
    let bad = loaded.bad[0].to_string();
    assert!(bad.starts_with("zone a.test. (/") && bad.ends_with("it answers SERVFAIL"), "{bad}");
}

#[test]
fn tests_of_a_zone_take_no_turns_of_its_pools() {
    let pool = "w = { pool = \"p\" }\n[pool.p]\nmembers = [{ address = \"192.0.2.1\", weight = 1 }, \
                { address = \"192.0.2.2\", weight = 1 }]\n";
    let first = "[[test]]\nquery = \"w A\"\nexpect = \"192.0.2.2\"\n";
    // Each test is the first question of a pool of its own.
    let mut zones = Zones::new(&[("a.test.toml", &format!("{GOOD}{pool}{first}{first}"))]);
    assert_eq!(zones.load().0, (1, 0, 0), "{}", zones.told);
    assert_eq!(zones.told, "");
}

#[test]
fn a_test_is_told_from_which_of_two_pools_with_the_same_members_its_answer_is() {
    let pools = "w = { route = \"r\" }\nx = { CNAME = \"w\" }\n[route.r]\nfallback = [\"p\", \"q\"]\n\
                 [pool.p]\nmembers = [\"192.0.2.1\"]\n[pool.q]\nmembers = [\"192.0.2.1\"]\n";
    for (query, down, pool, told) in [
        ("w A", "", "p", None),
        ("x A", "", "p", None),
        ("w A", "pool:p", "q", None),
        ("w A", "", "q", Some("got A 192.0.2.1 from pool p")),
        ("w A", "pool:p", "p", Some("got A 192.0.2.1 from pool q")),
        ("w AAAA", "", "p", Some("got NOERROR without an answer")),
    ] {
        let down = if down.is_empty() { String::new() } else { format!("down = \"{down}\"\n") };
        let test = format!("[[test]]\nquery = \"{query}\"\n{down}expect = \"pool:{pool}\"\n");
        let mut zones = Zones::new(&[("a.test.toml", &format!("{GOOD}{pools}{test}"))]);
        zones.load();
        let fits = told.map_or(zones.told.is_empty(), |told| zones.told.contains(told));
        assert!(fits, "{query} {pool}: {}", zones.told);
    }
}

#[test]
fn that_there_is_nothing_of_a_type_is_said_by_who_knows_of_the_name() {
    let zone = "w = { route = \"r\" }\n[pool.p]\nmembers = [{ address = \"192.0.2.1\", id = \"one\" }, { address = \"192.0.2.2\", id = \"two\" }]\n\
                [route.r]\nfallback = \"p\"\non_all_down = \"servfail\"\n";
    for (query, more, told) in [
        ("w AAAA", "", None),
        ("w A", "", Some("got A 192.0.2.")),
        ("nope A", "", Some("got NXDOMAIN without an answer")),
        ("foo.elsewhere. A", "", Some("got REFUSED without an answer")),
        ("w A", "down = \"pool:p\"\n", Some("got SERVFAIL without an answer")),
    ] {
        let test = format!("[[test]]\nquery = \"{query}\"\n{more}expect = []\n");
        let mut zones = Zones::new(&[("a.test.toml", &format!("{GOOD}{zone}{test}"))]);
        zones.load();
        let fits = told.map_or(zones.told.is_empty(), |told| zones.told.contains(told));
        assert!(fits, "{query}: {}", zones.told);
        assert!(told.is_none() || zones.told.contains("expected NOERROR without such records"));
    }
    // One of several that are answered with.
    for (member, fits) in [("one", true), ("two", true)] {
        let test = format!("[[test]]\nquery = \"w A\"\nexpect = \"member:{member}\"\n");
        let mut zones = Zones::new(&[("a.test.toml", &format!("{GOOD}{zone}{test}"))]);
        zones.load();
        assert_eq!(zones.told.is_empty(), fits, "{member}: {}", zones.told);
    }
    let test = "[[test]]\nquery = \"w A\"\ndown = \"member:one\"\nexpect = \"member:one\"\n";
    let mut zones = Zones::new(&[("a.test.toml", &format!("{GOOD}{zone}{test}"))]);
    zones.load();
    assert!(zones.told.contains("expected the address of member one"), "{}", zones.told);
}

#[test]
fn a_pool_that_sheds_load_answers_with_one_of_its_members() {
    let pool = "w = { pool = \"p\" }\n[check.report]\npush = { token = \"0123456789abcdef\" }\n[pool.p]\n\
                members = [\"192.0.2.1\", \"192.0.2.2\"]\nshed = { load = \"report\", low = 0.5, high = 0.9 }\n";
    for (answer, expected) in [("", "\"192.0.2.2\""), ("answer = 2\n", "[\"192.0.2.1\", \"192.0.2.2\"]")] {
        let test = format!("[[test]]\nquery = \"w A\"\nexpect = {expected}\n");
        let mut zones = Zones::new(&[("a.test.toml", &format!("{GOOD}{pool}{answer}{test}"))]);
        zones.load();
        assert_eq!(zones.told, "");
    }
}

#[test]
fn what_has_not_changed_is_not_read_again() {
    let origin = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n";
    let mut zones = Zones::new(&[
        ("a.test.toml", "include = [\"a.part\"]\n[records]\n\"@\" = { NS = \"ns\" }\n"),
        ("a.part", "[records]\nns = { A = \"192.0.2.1\" }\n"),
        ("b.test.zone", &format!("{origin}$INCLUDE b.part\n")),
        ("b.part", "ns A 192.0.2.1\n"),
        ("c.test.toml", GOOD),
        ("told.test.toml", &format!("{GOOD}[pool.p]\nmembers = [\"192.0.2.1\"]\n")),
        ("wrong.test.toml", &format!("{GOOD}[[test]]\nquery = \"ns A\"\nexpect = \"192.0.2.7\"\n")),
    ]);
    let now = clock::unix_secs();
    let load = |zones: &mut Zones, at: u64| {
        let mut told = Diagnostics::default();
        let loaded = zones.loader.load_at(at, &zones.config, &mut told).unwrap();
        assert_eq!(told.render(false).matches("nothing uses the pool p").count(), 1, "told at each load");
        ["a", "b", "c", "told"].map(|zone| {
            let apex: NameBuf = format!("{zone}.test.").parse().unwrap();
            loaded.zones.get(apex.as_name()).unwrap().state.clone().unwrap()
        })
    };
    let mut before = load(&mut zones, now);
    let mut check = |at: u64, change: &dyn Fn(&mut Zones), read: [bool; 4], why: &str| {
        change(&mut zones);
        let after = load(&mut zones, at);
        assert_eq!([0, 1, 2, 3].map(|i| !Arc::ptr_eq(&before[i], &after[i])), read, "{why}");
        before = after;
    };
    check(now, &|_| (), [true; 4], "what was written just now may have been written again since");
    check(now + 10, &|_| (), [true; 4], "nor was that known of the last load");
    check(now + 10, &|_| (), [false; 4], "they have not");
    let part = "[records]\nns = { A = \"192.0.2.2\" }\n";
    check(now + 10, &|zones| zones.write("a.part", part), [true, false, false, false], "an included file");
    check(
        now + 10,
        &|zones| zones.write("b.part", "ns A 192.0.2.2\n"),
        [false, true, false, false],
        "one of b",
    );
    let replace = |zones: &mut Zones| {
        let times = fs::metadata(zones.path("c.test.toml")).unwrap().modified().unwrap();
        zones.write("new", &GOOD.replace("192.0.2.1", "192.0.2.2"));
        fs::File::open(zones.path("new")).unwrap().set_modified(times).unwrap();
        fs::rename(zones.path("new"), zones.path("c.test.toml")).unwrap();
    };
    check(now + 10, &replace, [false, false, true, false], "one as long and as old as the one before");
    let check_of_all = "zones.directory = \"zones\"\ncheck.up.tcp = \"{address}:1\"\n";
    let configure = |zones: &mut Zones| {
        let path = zones.directory.path().join("c.toml");
        zones.config = Config::parse(check_of_all, &path, &mut Diagnostics::default());
    };
    check(now + 10, &configure, [true; 4], "the config is part of every zone");
    check(now + 10, &|_| (), [false; 4], "and is the same again");
    let claim = |zones: &mut Zones| zones.write("aa.toml", &format!("zone = \"c.test\"\n{GOOD}"));
    check(now + 10, &claim, [false, false, true, false], "another file has the zone");
    check(
        now + 10,
        &|zones| fs::remove_file(zones.path("aa.toml")).unwrap(),
        [false, false, true, false],
        "back",
    );
}

#[test]
fn what_a_zone_follows_from_elsewhere_has_it_read_again() {
    let authority = || rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap().cert.pem();
    let check = "[check.web]\nhttp = \"https://{address}\"\nca = \"ca.pem\"\n[pool.p]\nmembers = [\"192.0.2.1\"]\ncheck = \"web\"\n";
    let mut zones = Zones::new(&[]);
    for release in ["one", "two"] {
        let directory = zones.directory.path().join(release);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("link"), GOOD).unwrap();
        fs::write(directory.join("ca.pem"), authority()).unwrap();
        fs::write(directory.join("part"), format!("{GOOD}w = {{ pool = \"p\" }}\n{check}")).unwrap();
    }
    let link = |zones: &Zones, name: &str, to: &str| {
        let (new, to) = (zones.path("new"), zones.directory.path().join(to));
        std::os::unix::fs::symlink(to, &new).unwrap();
        fs::rename(new, zones.path(name)).unwrap();
    };
    link(&zones, "link.test.toml", "one/link");
    link(&zones, "release", "one");
    zones.write("part.test.toml", "include = [\"release/part\"]\n");
    let at = clock::unix_secs() + 10;
    let load = |zones: &mut Zones| {
        let mut told = Diagnostics::default();
        let loaded = zones.loader.load_at(at, &zones.config, &mut told).unwrap();
        assert_eq!(told.render(false), "");
        ["link", "part"].map(|zone| {
            let apex: NameBuf = format!("{zone}.test.").parse().unwrap();
            loaded.zones.get(apex.as_name()).unwrap().state.clone().unwrap()
        })
    };
    let mut before = load(&mut zones);
    let mut check = |change: &dyn Fn(&Zones), read: [bool; 2]| {
        change(&zones);
        let after = load(&mut zones);
        assert_eq!([0, 1].map(|i| !Arc::ptr_eq(&before[i], &after[i])), read);
        before = after;
    };
    check(&|_| (), [false, false]);
    check(&|zones| link(zones, "link.test.toml", "two/link"), [true, false]);
    check(&|zones| link(zones, "release", "two"), [false, true]);
    let swap = |zones: &Zones| {
        let at = |name: &str| zones.directory.path().join(name);
        fs::rename(at("two"), at("three")).unwrap();
        fs::rename(at("one"), at("two")).unwrap();
    };
    check(&swap, [true, true]);
    check(&|zones| fs::write(zones.directory.path().join("two/ca.pem"), authority()).unwrap(), [false, true]);
}

/// The address that the steered name of a zone answers with next.
fn next(loaded: &Loaded) -> String {
    next_of(&loaded.steering[0])
}

fn next_of(Steering { policy, health }: &Steering) -> String {
    let client = steer::Client::at([192, 0, 2, 99].into());
    let draw = steer::Draw { seed: 0, now: 0, cursor: steer::Cursor::Take };
    match policy.choose(SteerId(0), steer::Family::V4, &client, health, draw).answer {
        steer::Answer::Addresses { picked, .. } => policy.address(picked[0]).to_string(),
        answer => panic!("{answer:?}"),
    }
}

#[test]
fn a_reload_takes_no_pool_out_of_its_cycle_unless_it_changes_it() {
    let pool = |weights: [u32; 3], more: &str| {
        let members =
            weights.iter().enumerate().map(|(i, w)| format!("{{ address = \"192.0.2.{i}\", weight = {w} }}"));
        let members = members.collect::<Vec<_>>().join(", ");
        format!("{GOOD}w = {{ pool = \"p\" }}\n{more}[pool.p]\nmembers = [{members}]\n")
    };
    let mut zones = Zones::new(&[("a.test.toml", &pool([7, 2, 1], ""))]);
    let mut turns = Vec::new();
    for more in
        ["", "", "x = { A = \"192.0.2.7\" }\n", "bad", "", "[pool.before]\nmembers = [\"192.0.2.8\"]\n"]
    {
        zones.write("a.test.toml", &pool([7, 2, 1], more));
        let loaded = zones.try_load().unwrap();
        turns.extend([next(&loaded), next(&loaded), next(&loaded), next(&loaded), next(&loaded)]);
    }
    for run in turns.windows(10) {
        let count = |member: &str| run.iter().filter(|turn| *turn == member).count();
        assert_eq!(["192.0.2.0", "192.0.2.1", "192.0.2.2"].map(count), [7, 2, 1], "{turns:?}");
    }
    for text in [pool([7, 2, 2], ""), pool([7, 2, 1], "").replace("members", "pick = \"random\"\nmembers")] {
        zones.write("a.test.toml", &text);
        let loaded = zones.try_load().unwrap();
        let fresh = Zones::new(&[("a.test.toml", &text)]).try_load().unwrap();
        assert_eq!([(); 20].map(|()| next(&loaded)), [(); 20].map(|()| next(&fresh)));
    }
}

#[test]
fn a_view_of_before_a_reload_takes_turns_of_the_same_cycle() {
    let zone = format!(
        "{GOOD}w = {{ pool = \"p\" }}\n[pool.p]\nmembers = [\"192.0.2.1\", \"192.0.2.2\"]\nanswer = 1\n"
    );
    let mut zones = Zones::new(&[("a.test.toml", &zone)]);
    let (old, new) = (zones.try_load().unwrap(), zones.try_load().unwrap());
    let turns: Vec<String> = (0..3).flat_map(|_| [next(&old), next(&new)]).collect();
    assert!(turns.windows(2).all(|two| two[0] != two[1]), "{turns:?}");
}

#[test]
fn new_places_are_for_all_zones_and_publish_no_edit() {
    let zone = "[records]\n\"@\" = { NS = \"ns.elsewhere.\" }\nw = { route = \"r\" }\n[pool.p]\nmembers = \"192.0.2.1\"\n\
        [pool.q]\nmembers = \"192.0.2.2\"\n[route.r]\nfallback = \"q\"\nrule = { country = \"DE\", use = \"p\" }\n";
    let mut zones = Zones::new(&[("a.test.toml", zone), ("b.test.toml", zone)]);
    let feed = zones.directory.path().join("feed.csv");
    fs::write(&feed, "192.0.2.0/24,DE\n").unwrap();
    let text = "zones.directory = \"zones\"\ngeo.geofeed = \"feed.csv\"";
    zones.config = Config::parse(text, &zones.directory.path().join("c.toml"), &mut Diagnostics::default());
    let answers = |loaded: &Loaded| loaded.steering.iter().map(next_of).collect::<Vec<_>>();
    let first = zones.try_load().unwrap();
    assert_eq!(answers(&first), ["192.0.2.1"; 2]);
    // One is broken by now, and an edit of the other waits to be loaded.
    zones.write("b.test.toml", &zone.replace("[pool.q]", "[pool"));
    let before = zones.try_load().unwrap();
    assert_eq!((before.counts.fresh, before.counts.kept), (1, 1));
    zones.write("a.test.toml", &format!("{zone}[records.new]\nA = \"192.0.2.7\"\n"));
    let mut swap = |text: &str| {
        fs::write(&feed, text).unwrap();
        let now = [(feed.clone(), crate::config::Stamp::of(&feed))];
        let seen = [zones.loader.see_geo(&now), zones.loader.see_geo(&now)];
        assert_eq!(seen, [false, true]);
        let open = zones.loader.geo_opener(&zones.config);
        assert!(!zones.loader.see_geo(&now), "it is not opened twice");
        let (geo, diagnostics) = open();
        let swapped = zones.loader.swap_geo(geo, &zones.config);
        assert!(!zones.loader.see_geo(&now), "it is known");
        (swapped, diagnostics.render(false))
    };
    let (swapped, told) = swap("192.0.2.0/24,FR\n");
    let swapped = swapped.unwrap();
    assert_eq!((answers(&swapped), told), (vec!["192.0.2.2".to_owned(); 2], String::new()));
    assert_eq!(swapped.counts.records, first.counts.records, "the edit is not taken");
    assert!(swapped.steering.iter().zip(&before.steering).all(|(a, b)| Arc::ptr_eq(&a.health, &b.health)));
    // What is broken, or says the same, changes nothing.
    let (none, told) = swap("");
    assert!(none.is_none() && told.contains("what it said before stays in force"), "{told}");
    assert!(swap("192.0.2.0/24,FR # the same\n").0.is_none());
    assert_eq!(zones.load().0, (1, 1, 0));
    assert_eq!(zones.try_load().unwrap().counts.records, first.counts.records + 1);
    // The next load runs the tests of zones that nobody has edited by what there is to know now.
    let test = "[[test]]\nquery = \"w A\"\nfrom = \"192.0.2.1\"\nexpect = \"pool:q\"\n";
    ["a", "b"].iter().for_each(|name| zones.write(&format!("{name}.test.toml"), &format!("{zone}{test}")));
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    let age =
        |path: PathBuf| fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    ["a.test.toml", "b.test.toml"].iter().for_each(|name| age(zones.path(name)));
    let later = clock::unix_secs() + 60;
    let load_later = |zones: &mut Zones| {
        let mut diagnostics = Diagnostics::default();
        let loaded = zones.loader.load_at(later, &zones.config, &mut diagnostics).unwrap();
        (loaded.counts.fresh, diagnostics.render(false).matches("test failed").count())
    };
    assert_eq!((load_later(&mut zones), load_later(&mut zones)), ((2, 0), (2, 0)));
    fs::write(&feed, "192.0.2.0/24,DE\n").unwrap();
    let now = [(feed.clone(), crate::config::Stamp::of(&feed))];
    zones.loader.see_geo(&now);
    zones.loader.see_geo(&now);
    let (geo, _) = zones.loader.geo_opener(&zones.config)();
    assert!(zones.loader.swap_geo(geo, &zones.config).is_some());
    assert_eq!(load_later(&mut zones), (0, 2));
}

#[test]
fn what_is_gone_keeps_what_it_said_whatever_way_its_path_goes() {
    let mut zones = Zones::new(&[("a.test.toml", GOOD)]);
    let text = "zones.directory = \"zones\"\ngeo.geofeed = \"zones/../feed.csv\"";
    fs::write(zones.directory.path().join("feed.csv"), "192.0.2.0/24,DE\n").unwrap();
    let path = zones.directory.path().join("c.toml");
    for (there, told) in [(true, ""), (false, "what it said before stays in force")] {
        if !there {
            fs::remove_file(zones.directory.path().join("feed.csv")).unwrap();
        }
        zones.config = Config::parse(text, &path, &mut Diagnostics::default());
        zones.try_load().unwrap();
        assert!(zones.told.contains(told) && zones.told.is_empty() == there, "{}", zones.told);
        assert_eq!(zones.loader.geo.explain([192, 0, 2, 1].into()).len(), 2);
    }
}

#[test]
fn a_load_without_zones_leaves_new_places_to_be_taken() {
    let mut zones = Zones::new(&[("a.test.toml", GOOD)]);
    let feed = zones.directory.path().join("feed.csv");
    fs::write(&feed, "192.0.2.0/24,DE\n").unwrap();
    let text = "zones.directory = \"zones\"\ngeo.geofeed = \"feed.csv\"";
    zones.config = Config::parse(text, &zones.directory.path().join("c.toml"), &mut Diagnostics::default());
    zones.try_load().unwrap();
    fs::rename(zones.path(""), zones.directory.path().join("away")).unwrap();
    fs::write(&feed, "192.0.2.0/24,FR\n").unwrap();
    assert!(zones.try_load().is_none());
    let now = [(feed.clone(), crate::config::Stamp::of(&feed))];
    assert_eq!([zones.loader.see_geo(&now), zones.loader.see_geo(&now)], [false, true]);
}
