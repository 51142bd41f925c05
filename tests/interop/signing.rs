//! Random zones that we sign, verified by ldns-verify-zone and BIND's dnssec-verify; and random zones that ldns-signzone and
//! dnssec-signzone sign, of which we verify every signature and refuse it with one bit changed. The seed is in every failure, and the seeds
//! are the same each time.

use super::random_zone::{Dice, RandomZone};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use waymark::config::Diagnostics;
use waymark::dnssec::{self, Algorithm, Digest, Fault, Key, Rrsig, SignedData};
use waymark::rrset::{Rdatas, Rrset, canonical_order, print_rdata};
use waymark::sign::{SigningKey, Validity};
use waymark::wire::{Name, OwnedName, Rtype};
use waymark::zone::{self, Denial, Signing, Zone, master};

/// From 2020 to 2038: ldns takes what is later for negative.
const VALIDITY: Validity = Validity { inception: 1_577_836_800, expiration: 2_145_916_800 };

const ALGORITHMS: [Algorithm; 5] = [
    Algorithm::ECDSAP256SHA256,
    Algorithm::ED25519,
    Algorithm::RSASHA256,
    Algorithm::ECDSAP384SHA384,
    Algorithm::RSASHA512,
];

fn seeds() -> std::ops::Range<u64> {
    0..if std::env::var_os("WAYMARK_LONG").is_some() { 150 } else { 30 }
}

fn denial(dice: &mut Dice) -> Denial {
    match dice.below(3) {
        0 => Denial::Nsec,
        kind => {
            let salt = (0..dice.below(9)).map(|_| dice.below(256) as u8).collect();
            Denial::Nsec3 { iterations: dice.below(4) as u16, salt, opt_out: kind == 2 }
        }
    }
}

fn read(path: &Path, apex: &OwnedName) -> Zone {
    let mut diagnostics = Diagnostics::default();
    let text = fs::read_to_string(path).unwrap();
    let zone = master::parse(&text, path, apex.as_name(), &mut diagnostics);
    zone.unwrap_or_else(|| panic!("{}\n{text}", diagnostics.render(false)))
}

fn print(zone: &Zone) -> String {
    let mut text = String::new();
    zone::print(zone, &mut text).unwrap();
    text
}

/// Runs a tool; its standard output.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(told(&output.stdout)),
        false => Err(format!("{command:?}: {}{}", told(&output.stdout), told(&output.stderr))),
    }
}

/// Keys that are made once: those of RSA take their time.
static KEYS: LazyLock<Vec<[SigningKey; 2]>> = LazyLock::new(|| {
    let both = |algorithm| [257, 256].map(|flags| SigningKey::generate(algorithm, flags).unwrap());
    ALGORITHMS.into_iter().map(both).collect()
});

#[test]
fn what_we_sign_is_verified_by_ldns_and_bind() {
    let directory = tempfile::tempdir().unwrap();
    let (file, anchor) = (directory.path().join("zone"), directory.path().join("anchor"));
    for seed in seeds() {
        let mut dice = Dice(seed);
        let random = RandomZone::new(&mut dice);
        let (apex, denial) = (&random.apex, denial(&mut dice));
        // The keys of one algorithm: both, or the first for all.
        let keys = &KEYS[seed as usize % KEYS.len()];
        let single = dice.below(4) == 0;
        let opt_out = matches!(denial, Denial::Nsec3 { opt_out: true, .. });
        let signing = Signing { keys: &keys[..if single { 1 } else { 2 }], validity: VALIDITY, denial };
        let signed = signing.sign(apex.as_name(), random.zone().to_rrsets()).unwrap();
        let zone = Zone::from_rrsets(apex.as_name(), &signed).unwrap();
        let text = print(&zone) + &random.repeated();
        fs::write(&file, &text).unwrap();
        let mut ds = String::new();
        print_rdata(Rtype::DS, &keys[0].ds(apex.as_name(), Digest::SHA256).unwrap(), &mut ds);
        fs::write(&anchor, format!("{apex} 60 IN DS {ds}\n")).unwrap();
        let mut bind = Command::new("dnssec-verify");
        bind.args(["-o", &apex.to_string()]).args(single.then_some("-z")).arg(&file);
        let verified = run(&mut bind).and_then(|_| {
            // It takes delegations that are left out for errors.
            if opt_out {
                return Ok(String::new());
            }
            run(Command::new("ldns-verify-zone").args(["-V", "1", "-k"]).args([&anchor, &file]))
        });
        if let Err(told) = verified {
            panic!("seed {seed}: {told}\n{text}");
        }
    }
}

#[test]
fn what_ldns_signs_is_verified_and_refused_with_one_bit_changed() {
    // With -p it sets the flag and leaves nothing out.
    signed_elsewhere(false, |directory, zone, apex, algorithm, denial| {
        let key = |flag: Option<&str>| {
            let mut keygen = Command::new("ldns-keygen");
            keygen.args(["-r", "/dev/urandom", "-a", &algorithm.to_string(), "-b", "2048"]).args(flag);
            run(keygen.arg(apex).current_dir(directory)).unwrap().trim().to_owned()
        };
        let keys = [key(Some("-k")), key(None)];
        let mut signzone = Command::new("ldns-signzone");
        signzone.args(["-o", apex, "-f", "signed"]);
        if let Denial::Nsec3 { iterations, salt, .. } = denial {
            signzone.args(["-n", "-t", &iterations.to_string()]);
            signzone.args((!salt.is_empty()).then_some("-s")).args((!salt.is_empty()).then(|| hex(salt)));
        }
        signzone.arg(zone).args(keys);
        signzone
    });
}

#[test]
fn what_bind_signs_is_verified_and_refused_with_one_bit_changed() {
    // With -p it sets the flag and leaves nothing out.
    signed_elsewhere(false, |directory, zone, apex, algorithm, denial| {
        let key = |flags: &[&str]| {
            let mut keygen = Command::new("dnssec-keygen");
            keygen.args(["-q", "-a", &algorithm.to_string()]).args(flags);
            run(keygen.arg(apex).current_dir(directory)).unwrap().trim().to_owned()
        };
        let keys = [key(&["-f", "KSK"]), key(&[])];
        let public =
            keys.each_ref().map(|key| fs::read_to_string(directory.join(format!("{key}.key"))).unwrap());
        fs::write(zone, fs::read_to_string(zone).unwrap() + &public.concat()).unwrap();
        let mut signzone = Command::new("dnssec-signzone");
        signzone.args(["-q", "-P", "-o", apex, "-f", "signed"]);
        if let Denial::Nsec3 { iterations, salt, opt_out } = denial {
            let salt = if salt.is_empty() { "-".into() } else { hex(salt) };
            signzone.args(["-3", &salt, "-H", &iterations.to_string()]).args(opt_out.then_some("-A"));
        }
        signzone.arg(zone).args(keys);
        signzone
    });
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Zones that `signer` makes: a command that signs a file, in a directory, of the zone of a name, with new keys of an algorithm;
/// with opt-out if it can.
fn signed_elsewhere(can_opt_out: bool, signer: impl Fn(&Path, &Path, &str, Algorithm, &Denial) -> Command) {
    for seed in seeds() {
        let directory = tempfile::tempdir().unwrap();
        let (file, signed) = (directory.path().join("zone"), directory.path().join("signed"));
        let mut dice = Dice(seed);
        let random = RandomZone::new(&mut dice);
        let (apex, mut denial) = (&random.apex, denial(&mut dice));
        if let Denial::Nsec3 { opt_out, .. } = &mut denial {
            *opt_out &= can_opt_out;
        }
        let algorithm = ALGORITHMS[seed as usize % ALGORITHMS.len()];
        fs::write(&file, print(&random.zone()) + &random.repeated()).unwrap();
        let mut command = signer(directory.path(), &file, &apex.to_string(), algorithm, &denial);
        run(command.current_dir(directory.path())).unwrap_or_else(|told| panic!("seed {seed}: {told}"));
        let text = fs::read_to_string(&signed).unwrap();
        let zone = read(&signed, apex);
        // The type of a record follows its class or TTL; in a denial's list other types do.
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let is_signature =
            |pair: &&[&str]| pair[1] == "RRSIG" && (pair[0] == "IN" || pair[0].parse::<u32>().is_ok());
        let count = words.windows(2).filter(is_signature).count();
        assert_eq!(verify(&zone, seed, &mut dice), count, "seed {seed}\n{text}");
        assert_eq!(own_chain(&zone, denial), chain(&zone.to_rrsets()), "seed {seed}\n{text}");
    }
}

/// Verifies every signature of the zone, and that none holds when something is changed; how many there are.
fn verify(zone: &Zone, seed: u64, dice: &mut Dice) -> usize {
    let sets = zone.to_rrsets();
    let keys = sets.iter().find(|set| set.rtype == Rtype::DNSKEY).expect("the zone has keys");
    let mut count = 0;
    for set in &sets {
        for rdata in set.signatures().iter() {
            let sig = Rrsig::read(rdata).unwrap();
            let mut keys = keys.rdatas().iter().filter_map(Key::read);
            let key = keys.find(|key| (key.tag(), key.algorithm) == (sig.tag, sig.algorithm)).unwrap();
            let held = check(&key, set.name.as_name(), set.rtype, set.rdatas(), rdata);
            assert_eq!(held, Some(Ok(())), "seed {seed}: {} {}", set.name, set.rtype);
            refuse(&key, set, rdata, seed, dice);
            count += 1;
        }
    }
    count
}

/// Whether a signature holds; none when it cannot be one of this set.
fn check(
    key: &Key<'_>,
    owner: Name<'_>,
    rtype: Rtype,
    rdatas: Rdatas<'_>,
    rrsig: &[u8],
) -> Option<Result<(), Fault>> {
    let sig = Rrsig::read(rrsig)?;
    let mut data = SignedData::default();
    Some(dnssec::verify(key, data.of(owner, rtype, rdatas, &sig)?, sig.signature))
}

/// Changes one bit of the record data, of the owner and of the signature's record: none holds then, unless it is but the case of a
/// name.
fn refuse(key: &Key<'_>, set: &Rrset, rrsig: &[u8], seed: u64, dice: &mut Dice) {
    let refused = |owner: Name<'_>, rdatas: Rdatas<'_>, rrsig: &[u8], what: &str| {
        let held = check(key, owner, set.rtype, rdatas, rrsig);
        assert_ne!(held, Some(Ok(())), "seed {seed}: {} {} with another {what}", set.name, set.rtype);
    };
    let records: Vec<&[u8]> = set.rdatas().iter().collect();
    let at = dice.below(records.len());
    let changed = dice.with_one_bit_changed(records[at]);
    if canonical_order(set.rtype, &changed, records[at]).is_ne() {
        let mut other = Rrset::new(set.name.as_name(), set.rtype, set.ttl);
        for (i, record) in records.iter().enumerate() {
            other.push(if i == at { &changed } else { record });
        }
        refused(set.name.as_name(), other.rdatas(), rrsig, "record");
    }
    let changed = dice.with_one_bit_changed(set.name.as_name().as_bytes());
    // What a wildcard stands for has its signature by right.
    let same = |owner: Name<'_>| {
        let name = set.name.as_name();
        owner == name || name.is_wildcard() && owner.parent() == name.parent()
    };
    if let Some(owner) = Name::from_wire(&changed).ok().filter(|owner| !same(*owner)) {
        refused(owner, set.rdatas(), rrsig, "owner");
    }
    let changed = dice.with_one_bit_changed(rrsig);
    if canonical_order(Rtype::RRSIG, &changed, rrsig).is_ne() {
        refused(set.name.as_name(), set.rdatas(), &changed, "RRSIG");
    }
    let (head, signature) = rrsig.split_at(rrsig.len() - Rrsig::read(rrsig).unwrap().signature.len());
    let changed = [head, &dice.with_one_bit_changed(signature)].concat();
    refused(set.name.as_name(), set.rdatas(), &changed, "signature");
}

/// The denials, names in lower case.
fn chain(sets: &[Rrset]) -> Vec<String> {
    let denials = sets.iter().filter(|set| matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3));
    let shown = denials.map(|set| {
        let mut text = format!("{} {} ", set.name, set.rtype);
        set.rdatas().iter().for_each(|rdata| print_rdata(set.rtype, rdata, &mut text));
        text.to_lowercase()
    });
    shown.collect()
}

/// The chain that we make of the same records.
fn own_chain(zone: &Zone, denial: Denial) -> Vec<String> {
    let signing = Signing { keys: &[], validity: VALIDITY, denial };
    chain(&signing.sign(zone.apex(), zone.to_rrsets()).unwrap())
}
