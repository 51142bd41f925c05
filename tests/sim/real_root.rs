//! The real root zone as it was on 13 December 2019, signed by the key that resolvers still trust; where the copy is at hand
//! (`../shared/data`), for it is large and not ours.

use super::*;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use waymark::anchor::Anchors;
use waymark::config::Diagnostics;
use waymark::wire::{Flags, Name, Rtype};
use waymark::zone::{Held, Zone, master};

/// 2019-12-13 12:00:00 UTC.
const THEN: u64 = 1_576_238_400;

fn root() -> Option<Zone> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/root-20191213-signed.zone.gz");
    let unpacked = Command::new("gzip").arg("-dc").arg(&path).output().unwrap();
    if !unpacked.status.success() && !path.exists() {
        return None;
    }
    let mut diagnostics = Diagnostics::default();
    let text = String::from_utf8(unpacked.stdout).unwrap();
    let zone = master::parse(&text, &PathBuf::from("root.zone"), Name::ROOT, &mut diagnostics);
    Some(zone.unwrap_or_else(|| panic!("{}", diagnostics.render(false))))
}

#[test]
fn the_real_root_validates_at_its_time_and_at_no_other() {
    let Some(zone) = root() else { return };
    let mut delegations = Vec::new();
    zone.for_each(|node| {
        if node.is_cut() {
            delegations.push((node.name().to_string(), node.rrset(Rtype::DS).is_some()));
        }
    });
    let held = Held { apex: Name::ROOT.to_owned(), state: Ok(Arc::new(zone)), policy: None };
    let mut world = World::new(1, &["192.0.2.1"]);
    world.serve_zone("192.0.2.1", held);
    world.set_time(THEN);
    world.trust(Anchors::builtin());
    world.flags = Flags(Flags::RD.0 | Flags::AD.0);
    assert!(delegations.len() > 1_500);
    for (name, signed) in &delegations {
        let reply = world.ask(&format!("{name} DS"));
        assert!(reply.starts_with("NOERROR+AD"), "{name}: {reply} {}", world.why);
        assert_eq!(reply.contains(" DS "), *signed, "{name}");
    }
    for name in ["nonexistent-tld.", "www.0.", "zzzzz.", "\\000."] {
        assert_eq!(world.ask(&format!("{name} A")), "NXDOMAIN+AD", "{name}: {}", world.why);
    }
    assert!(world.ask(". NS").starts_with("NOERROR+AD . NS "));
    for (days, why) in [(-20, "not valid before"), (20, "expired")] {
        world.set_time((THEN as i64 + days * 86_400) as u64);
        world.set(|settings| settings.realm += 1);
        assert_eq!(world.ask(". SOA"), "SERVFAIL", "{days} days");
        assert!(world.why.contains(why), "{}", world.why);
    }
}
