//! `cargo run --release --example sign_zones DIRECTORY`: signs the master files at and below a directory in place, from the lowest
//! zone up, each with the DS of those below it, and writes the DS of the root to DIRECTORY/root.ds. The first line of a file says how:
//!
//! ```text
//! ; sign: rsa|p256|p384 one|split nsec|nsec3|opt-out [trap-answers|trap-keys]
//! ```
//!
//! `one` is one key for all, `split` one for the keys and one for the rest. The traps are KeyTrap (CVE-2023-50387): many keys of one
//! tag, and over the answers, or over the keys themselves, many signatures that name it and are all wrong.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use waymark::clock;
use waymark::config::Diagnostics;
use waymark::dnssec::{Algorithm, Digest, Key};
use waymark::rrset::{Rrset, print_rdata};
use waymark::sign::{SigningKey, Validity};
use waymark::wire::{Name, OwnedName, Rtype};
use waymark::zone::{Denial, Signing, Zone, master, print};

/// Keys of one tag in a trap, and signatures over them.
const TRAP: usize = 100;
/// Signatures over its answers: as many as fit a reply over UDP.
const TRAP_ANSWER: usize = 6;
const DAY: Duration = Duration::from_secs(86_400);

fn main() {
    let directory = PathBuf::from(std::env::args().nth(1).expect("a directory"));
    let mut zones: BTreeMap<std::cmp::Reverse<usize>, Vec<(OwnedName, PathBuf)>> = BTreeMap::new();
    for path in files(&directory) {
        let text = std::fs::read_to_string(&path).expect("a file");
        let origin = text.lines().find_map(|line| line.strip_prefix("$ORIGIN ")).expect("$ORIGIN");
        let name: OwnedName = origin.parse().expect("a name");
        zones.entry(std::cmp::Reverse(name.as_name().label_count())).or_default().push((name, path));
    }
    // DS records for the zones above.
    let mut ds: Vec<Rrset> = Vec::new();
    for (_, zones) in zones {
        let below = std::mem::take(&mut ds);
        for (name, path) in zones {
            let of_it = below.iter().filter(|set| set.name.as_name().is_below(name.as_name()));
            let of_it: Vec<Rrset> = of_it.cloned().collect();
            ds.push(sign(name.as_name(), &path, of_it));
        }
    }
    let mut text = String::new();
    for rdata in ds[0].rdatas().iter() {
        let mut data = String::new();
        print_rdata(Rtype::DS, rdata, &mut data);
        writeln!(text, ". 86400 IN DS {data}").expect("memory");
    }
    std::fs::write(directory.join("root.ds"), text).expect("a file");
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "zone"));
    files.chain(folders.iter().flat_map(|folder| self::files(folder))).collect()
}

/// Signs one zone; returns its DS.
fn sign(apex: Name<'_>, path: &Path, ds: Vec<Rrset>) -> Rrset {
    let text = std::fs::read_to_string(path).expect("a file");
    let how: Vec<&str> =
        text.lines().next().and_then(|line| line.strip_prefix("; sign: ")).expect("how").split(' ').collect();
    let mut diagnostics = Diagnostics::default();
    let zone = master::parse(&text, path, apex, &mut diagnostics).expect("a zone");
    let mut sets = zone.to_rrsets();
    sets.extend(ds);
    let algorithm = match how[0] {
        "rsa" => Algorithm::RSASHA256,
        "p384" => Algorithm::ECDSAP384SHA384,
        _ => Algorithm::ECDSAP256SHA256,
    };
    let key = |flags| SigningKey::generate(algorithm, flags).expect("a key");
    let mut keys = vec![key(Key::ZONE | Key::ENTRY)];
    if how[1] == "split" {
        keys.push(key(Key::ZONE));
    }
    if how.len() > 3 {
        sets.push(colliding(apex, &keys[0]));
    }
    let now = clock::unix_secs() as u32;
    let (before, after) = (DAY.as_secs() as u32, 30 * DAY.as_secs() as u32);
    let denial = match how[2] {
        "nsec" => Denial::Nsec,
        how => Denial::Nsec3 { iterations: 0, salt: Vec::new(), opt_out: how == "opt-out" },
    };
    let validity = Validity { inception: now - before, expiration: now + after };
    let signing = Signing { keys: &keys, validity, denial };
    let mut signed = signing.sign(apex, sets).expect("signatures");
    if let Some(&trap) = how.get(3) {
        let (rtype, count) =
            if trap == "trap-keys" { (Rtype::DNSKEY, TRAP) } else { (Rtype::A, TRAP_ANSWER) };
        signed.iter_mut().filter(|set| set.rtype == rtype).for_each(|set| spoil(set, count));
    }
    let zone = Zone::from_rrsets(apex, &signed).expect("a zone");
    let mut text = String::new();
    print(&zone, &mut text).expect("memory");
    std::fs::write(path, text).expect("a file");
    let mut ds = Rrset::new(apex, Rtype::DS, 86_400);
    ds.push(&keys[0].ds(apex, Digest::SHA256).expect("a digest"));
    ds
}

/// Keys that have the tag of this one: whatever the points are, the flags that nobody knows make up for it.
fn colliding(apex: Name<'_>, key: &SigningKey) -> Rrset {
    let mut set = Rrset::new(apex, Rtype::DNSKEY, 3600);
    let mut count = 1;
    while count < TRAP {
        let mut dnskey = SigningKey::generate(key.algorithm(), Key::ZONE).expect("a key").dnskey().to_vec();
        let known = Key::ZONE | Key::REVOKED | Key::ENTRY;
        let fits = (0..=u16::MAX).filter(|flags| flags & known == Key::ZONE).find(|flags| {
            dnskey[..2].copy_from_slice(&flags.to_be_bytes());
            Key::read(&dnskey).is_some_and(|other| other.tag() == key.tag())
        });
        if fits.is_some() {
            set.push(&dnskey);
            count += 1;
        }
    }
    set
}

/// Puts many wrong signatures in the place of a right one.
fn spoil(set: &mut Rrset, count: usize) {
    let Some(right) = set.signatures().iter().next().map(<[u8]>::to_vec) else { return };
    set.drop_signatures();
    for i in 0..count {
        let mut wrong = right.clone();
        let end = wrong.len() - 1;
        wrong[end] ^= 1 + i as u8;
        set.push_signature(&wrong);
    }
}
