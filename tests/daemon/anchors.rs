//! Trust anchors: from the config, over a restart, and through `waymark ctl`.

use crate::cache::{ctl, done, resolve};
use crate::daemon::{Daemon, Files, LISTEN};
use crate::dns::{Stub, ask};
use serde_json::Value;
use std::fs;

/// What `waymark ctl anchors` prints, a line each.
fn listed(daemon: &Daemon) -> Vec<String> {
    done(daemon, "anchors").lines().map(str::to_owned).collect()
}

/// The lines of the table of negative anchors, without its head.
fn negative(daemon: &Daemon) -> Vec<String> {
    listed(daemon).into_iter().skip_while(|line| !line.starts_with("NOT VALIDATED")).skip(1).collect()
}

#[test]
fn ctl_lists_what_the_config_trusts() {
    let files = Files::new(LISTEN, "negative_trust_anchors = \"lab.test\"\nrfc5011 = false");
    let daemon = files.start();
    assert_eq!(
        listed(&daemon),
        [
            "ZONE TAG ALGORITHM STATE SINCE UNTIL SOURCE",
            ". 20326 8 configured built in",
            ". 38696 8 configured built in",
            "",
            "NOT VALIDATED UNTIL WHY",
            "lab.test. the config has it",
        ]
    );
    let json: Value = serde_json::from_str(&done(&daemon, "anchors --json")).unwrap();
    assert_eq!(json["anchors"][1]["tag"], 38696);
    assert_eq!(json["negative"][0]["source"], "config");
    daemon.files.write("own.key", "example.test. IN DNSKEY 257 3 13 AwEAAa96jeuk ; an island\n");
    daemon.files.configure(LISTEN, "trust_anchors = \"own.key\"");
    done(&daemon, "reload");
    let lines = listed(&daemon);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].starts_with("example.test. 59510 13 valid 20"), "{lines:?}");
    assert!(lines[1].ends_with("/own.key"), "{lines:?}");
    daemon.files.configure(LISTEN, "trust_anchors = \"none\"");
    done(&daemon, "reload");
    assert_eq!(listed(&daemon), ["there are no trust anchors: nothing is validated"]);
    daemon.files.write("own.key", "example.test. IN DNSKEY 385 3 13 AwEAAa96jeuk\n");
    daemon.files.configure(LISTEN, "trust_anchors = \"own.key\"");
    let reload = ctl(&daemon, "reload");
    assert_eq!(reload.code, Some(1));
    assert!(reload.stderr.contains("own.key:1:25") && reload.stderr.contains("revoked"), "{}", reload.stderr);
}

#[test]
fn a_negative_anchor_is_set_for_a_time_outlives_a_restart_and_is_removed() {
    let stub = Stub::new();
    let daemon = Files::new(LISTEN, &stub.config()).start();
    resolve(&daemon, &stub, "www.slow.test.", 9);
    let added = ["ctl", "anchors", "add-negative", "slow.test", "--for", "2h", "--why", "their key is gone"];
    let ended = daemon.files.run(added[0], &added[1..]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.trim(), "slow.test. is not validated for 7200 s; 1 entry is forgotten");
    let kept = fs::read_to_string(daemon.files.path("store/trust.anchors")).unwrap();
    assert!(kept.contains("negative slow.test. "), "it is kept at once, whatever happens next: {kept}");
    let line = negative(&daemon);
    assert!(line[0].starts_with("slow.test. 20") && line[0].ends_with("Z their key is gone"), "{line:?}");
    let daemon = daemon.stop().start();
    assert!(daemon.has_logged("trust anchors read from"), "{:#?}", daemon.logged);
    assert_eq!(negative(&daemon), line);
    resolve(&daemon, &stub, "www.slow.test.", 10);
    assert_eq!(
        done(&daemon, "anchors remove-negative SLOW.test"),
        "SLOW.test. is validated again; 1 entry is forgotten"
    );
    assert_eq!(negative(&daemon), [""; 0]);
    assert_eq!(negative(&daemon.stop().start()), [""; 0]);
}

#[test]
fn what_became_of_anchors_outlives_a_restart_as_long_as_the_config_has_one_of_them() {
    let files = Files::new(LISTEN, "trust_anchors = \"own.key\"");
    files.write("own.key", "a.test. DNSKEY 257 3 13 AwEAAa96jeuk\n");
    let zone = "zone a.test. 4000000000 3600 3600\n";
    let keys = "key a.test. revoked 1700000000 - given 257 3 13 AwEAAa96jeuk\n\
                key a.test. valid 1700000000 - learnt 257 3 13 AwEAAa96jeul\n\
                key a.test. pending 1700000000 4000000000 learnt 257 3 13 AwEAAa96jeum\n";
    files.write("store/trust.anchors", &format!("{zone}{keys}"));
    let daemon = files.start();
    let states: Vec<String> = listed(&daemon)
        .iter()
        .skip(1)
        .map(|line| line.split(' ').skip(3).take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let since = "2023-11-14T22:13:20Z";
    assert_eq!(states, ["revoked", "valid", "pending"].map(|state| format!("{state} {since}")));
    let files = daemon.stop();
    files.write("own.key", "a.test. DNSKEY 257 3 13 AwEAAa96jeun\n");
    let daemon = files.start();
    let lines = listed(&daemon);
    assert!(lines.len() == 2 && lines[1].contains(" valid "), "{lines:?}");
}

#[test]
fn a_file_of_trust_that_is_broken_is_told_and_set_aside() {
    let files = Files::new(LISTEN, "");
    files.write("store/trust.anchors", "; mine\nzone . soon\n");
    let daemon = files.start();
    let line = daemon.logged.iter().find(|line| line.contains("trust.anchors")).expect("a warning");
    for part in ["WARN", "line 2: the time must be a number", "mend the line", "trust.anchors.bad"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_eq!(ask(daemon.address(), "www.a.test."), "NOERROR 192.0.2.1");
    assert_eq!(listed(&daemon).len(), 3);
    let kept = fs::read_to_string(daemon.files.path("store/trust.anchors.bad")).unwrap();
    assert_eq!(kept, "; mine\nzone . soon\n");
}

#[test]
fn ctl_tells_why_a_negative_anchor_is_not_set_or_removed() {
    let daemon = Files::new(LISTEN, "negative_trust_anchors = [\"lab.test\"]").start();
    for (arguments, code, told) in [
        ("anchors add-negative", 2, "NAME"),
        ("anchors add-negative a..b", 2, "two dots in a row"),
        ("anchors add-negative a.test --for 8d", 2, "it belongs in the config"),
        ("anchors add-negative a.test --for soon", 2, "as in 30m or 2h"),
        ("anchors remove-negativ a.test", 2, "remove-negative"),
        ("anchors add-negative LAB.test", 1, "it is in resolver.negative_trust_anchors"),
        ("anchors remove-negative lab.test", 1, "it is in resolver.negative_trust_anchors"),
        ("anchors remove-negative a.test", 1, "there is no negative trust anchor of this name"),
    ] {
        let ended = ctl(&daemon, arguments);
        assert_eq!(ended.code, Some(code), "{arguments}: {}", ended.stderr);
        assert!(ended.stderr.contains(told), "{arguments}: {}", ended.stderr);
    }
    let daemon = Files::new(LISTEN, "enabled = false").start();
    for arguments in ["anchors", "anchors add-negative a.test", "anchors remove-negative a.test"] {
        let ended = ctl(&daemon, arguments);
        assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{arguments}");
        assert!(ended.stderr.contains("resolver.enabled is false"), "{arguments}: {}", ended.stderr);
    }
}
