//! What steering would do: `waymark steer simulate`.

use crate::daemon::{Files, LISTEN};

/// A config with a geofeed, and a zone that leads Germans to one pool and the rest to another.
fn files() -> Files {
    let files = Files::new(LISTEN, "[geo]\ngeofeed = \"feed.csv\"\n");
    files.write("feed.csv", "198.51.100.0/24,DE\n");
    files.write("zones/s.test.toml", &zone("de"));
    files
}

fn zone(german: &str) -> String {
    format!(
        "[records]\nw = {{ route = \"r\" }}\nalias = {{ CNAME = \"w\" }}\nplain = {{ A = \"192.0.2.9\" }}\n\
         [pool.de]\nmembers = [{{ address = \"192.0.2.1\", weight = 3 }}, {{ address = \"192.0.2.2\", weight = 1 }}]\n\
         [pool.x]\nmembers = [{{ address = \"192.0.2.3\", id = \"third\" }}]\n\
         [route.r]\nfallback = [\"x\", \"de\"]\nrule = [{{ country = \"DE\", use = \"{german}\" }}]\n"
    )
}

const SAMPLES: &str = "# who asks what\n198.51.100.1 w.s.test\n198.51.100.0/24,alias.s.test.,A\n198.51.100.3 w.s.test # again\n\
                       198.51.100.4 w.s.test\n192.0.2.5 w.s.test\n192.0.2.6 plain.s.test\n192.0.2.7 w.s.test AAAA\n";

#[test]
fn a_sample_of_clients_is_shared_out_as_it_would_be() {
    let files = files();
    files.write("samples", SAMPLES);
    files.write("edited/s.test.toml", &zone("x"));
    let check = |more: &[&str], lines: &[&str]| {
        let samples = files.path("samples");
        let arguments = [&["simulate", samples.to_str().unwrap()], more].concat();
        let ended = files.run("steer", &arguments);
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{more:?}");
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let told: Vec<String> = ended.stdout.lines().map(words).collect();
        let missing: Vec<_> = lines.iter().filter(|line| !told.iter().any(|told| told == *line)).collect();
        assert!(missing.is_empty(), "{more:?}: {missing:#?} are not in\n{}", ended.stdout);
    };
    check(
        &[],
        &[
            "NAME TYPE POOL MEMBER SHARE %",
            "w.s.test. A de 75.0",
            "w.s.test. A x 25.0",
            "w.s.test. A x third 25.0",
            "alias.s.test. A de 100.0",
            "plain.s.test. A (not steered) 100.0",
            "w.s.test. AAAA (no address) 100.0",
            "7 samples",
        ],
    );
    let edited = files.path("edited");
    check(
        &["--edited", edited.to_str().unwrap()],
        &[
            "w.s.test. A de 75.0 0.0 -75.0",
            "w.s.test. A x third 25.0 100.0 75.0",
            "alias.s.test. A x third 0.0 100.0 100.0",
            "7 samples, 4 of them (57.1 %) from another pool than before",
        ],
    );
    check(&["--down", "pool:de"], &["w.s.test. A x 25.0 100.0 75.0", "w.s.test. A de 75.0 0.0 -75.0"]);
    check(
        &["--down", "member:third", "--down", "member:192.0.2.1"],
        &["w.s.test. A de 75.0 100.0 25.0", "w.s.test. A de 192.0.2.2 25.0 100.0 75.0"],
    );
}

#[test]
fn what_cannot_be_simulated_is_told() {
    let files = files();
    let check = |samples: &str, more: &[&str], code: i32, told: &str| {
        files.write("samples", samples);
        let path = files.path("samples");
        let arguments = [&["simulate", path.to_str().unwrap()], more].concat();
        let ended = files.run("steer", &arguments);
        assert_eq!(ended.code, Some(code), "{samples} {more:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    };
    check(
        "\nnobody w.s.test\n",
        &[],
        1,
        "samples:2: \"nobody\" is not an address or a prefix\na line is CLIENT NAME [TYPE]",
    );
    check("192.0.2.1\n", &[], 1, "samples:1: it has no name");
    check("192.0.2.1 w.s.test MX\n", &[], 1, "its type is not A or AAAA");
    check("192.0.2.1 w.s.test A B\n", &[], 1, "\"B\" is one word too many");
    check("", &["--down", "pool:none"], 1, "--down pool:none: no zone has it");
    check("", &["--edited", "/nowhere"], 1, "/nowhere: No such file");
    let ended = files.run("steer", &["simulate", "/nowhere"]);
    assert_eq!(
        (ended.code, ended.stderr.contains("/nowhere: No such file")),
        (Some(2), true),
        "{}",
        ended.stderr
    );
}
