//! Zones at random, from a seed: wildcards, empty non-terminals, delegations with and without DS, DNAMEs, odd octets and mixed case in
//! names, and the types whose canonical form is their own.

use std::collections::BTreeSet;
use std::path::Path;
use waymark::config::Diagnostics;
use waymark::wire::OwnedName;
use waymark::zone::{Zone, master};

/// Random choices from a seed.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn of<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.below(choices.len())]
    }

    /// The octets with one bit changed.
    pub fn with_one_bit_changed(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut changed = octets.to_vec();
        let at = self.below(octets.len() * 8);
        changed[at / 8] ^= 1 << (at % 8);
        changed
    }

    /// The text with letters in some other case.
    fn recase(&mut self, text: &str) -> String {
        text.chars().map(|c| if self.below(3) == 0 { swap_case(c) } else { c }).collect()
    }
}

fn swap_case(c: char) -> char {
    if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
}

const APEXES: &[&str] = &["example.", "Mixed.Example.ORG.", ".", "x\\000y.test."];

const LABELS: &[&str] =
    &["a", "B", "c-D", "zz", "*", "*", "_sip", "\\000", "\\200\\255", "dot\\.dot", "x\\032y", "Z0", "w"];

/// Record data, a name in place of each `@`. Of the types of RFC 4034 §6.2 all but SOA, which is at the apex, and but
/// SIG, NXT and A6, which the tools do not all know; and others.
const DATA: &[&str] = &[
    "A 192.0.2.1",
    "A 192.0.2.200",
    "AAAA 2001:db8::1",
    "MX 10 @",
    "MX 5 @",
    "PTR @",
    "MB @",
    "MG @",
    "MR @",
    "MD @",
    "MF @",
    "MINFO @ @",
    "RP @ @",
    "AFSDB 1 @",
    "RT 3 @",
    "KX 1 @",
    "PX 1 @ @",
    "SRV 1 2 3 @",
    "SRV 0 2 3 @",
    "NAPTR 1 2 \"U\" \"E2U+Sip\" \"!x!Y!\" @",
    "LP 1 @",
    "SVCB 1 @ alpn=h2",
    "HTTPS 2 @",
    "TXT \"Text\" \"\"",
    "TXT \"text\"",
    "HINFO \"CPU\" \"Os\"",
    "CAA 0 issue \"CA.example\"",
    "LOC 1 N 2 E 3m",
    "SSHFP 1 1 AABBCCDDEEFF00112233445566778899AABBCCDD",
    "TLSA 3 1 1 8BD1DA9588BD1DA9588BD1DA9588BD1DA9588BD1DA9588BD1DA9588BD1DA958A",
    "URI 1 2 \"Http://x\"",
    "EUI48 00-00-5e-00-53-2a",
    "APL 1:192.168.32.0/21 !1:192.168.38.0/28",
    "TYPE65400 \\# 4 41420061",
];

/// A zone at random.
pub struct RandomZone {
    /// Its name.
    pub apex: OwnedName,
    origin: &'static str,
    lines: Vec<String>,
    /// Records that are there already, their names in another case.
    repeated: Vec<String>,
}

impl RandomZone {
    /// The next zone of these dice.
    pub fn new(dice: &mut Dice) -> RandomZone {
        let origin = dice.of(APEXES);
        let (apex, lines) = (origin.parse().unwrap(), Vec::new());
        let mut zone = RandomZone { apex, origin, lines, repeated: Vec::new() };
        zone.fill(dice);
        zone
    }

    /// The zone.
    pub fn zone(&self) -> Zone {
        let (text, mut diagnostics) = (self.lines.concat(), Diagnostics::default());
        let zone = master::parse(&text, Path::new("random.zone"), self.apex.as_name(), &mut diagnostics);
        zone.unwrap_or_else(|| panic!("{}\n{text}", diagnostics.render(false)))
    }

    /// Lines of a master file that say once more, in another case, what the zone has: a record is there but once.
    pub fn repeated(&self) -> String {
        self.repeated.concat()
    }

    fn add(&mut self, owner: &str, ttl: u32, data: &str) {
        self.lines.push(format!("{owner} {ttl} IN {data}\n"));
    }

    fn child(&self, label: &str, parent: &str) -> String {
        if parent == "." { format!("{label}.") } else { format!("{label}.{parent}") }
    }

    fn name(&self, dice: &mut Dice) -> String {
        let mut name = self.origin.to_owned();
        for _ in 0..1 + dice.below(3) {
            let label = dice.of(LABELS);
            name = self.child(&dice.recase(label), &name);
        }
        name
    }

    /// A name for record data, in the zone or elsewhere.
    fn target(&self, dice: &mut Dice) -> String {
        match dice.below(4) {
            0 => dice.recase("Some.where.else."),
            1 => ".".into(),
            _ => self.name(dice),
        }
    }

    fn fill(&mut self, dice: &mut Dice) {
        let origin = self.origin;
        let (mail, minimum) = (self.target(dice), [60, 3_600, 86_400][dice.below(3)]);
        self.add(origin, 3_600, &format!("SOA {} {mail} 1 2 3 4 {minimum}", self.child("Ns", origin)));
        self.add(origin, 3_600, &format!("NS {}", self.child("nS", origin)));
        self.add(&self.child("ns", origin), 60, "A 192.0.2.53");
        let mut names = BTreeSet::from([origin.to_owned()]);
        for _ in 0..3 + dice.below(12) {
            let name = self.name(dice);
            if names.insert(name.to_ascii_lowercase()) {
                self.fill_name(&name, dice);
            }
        }
        let names: Vec<String> = names.into_iter().collect();
        for i in 0..dice.below(4) {
            let cut = self.child(&format!("Cut{i}"), &names[dice.below(names.len())]);
            self.fill_cut(&cut, dice);
        }
        for i in 0..dice.below(3) {
            let dname = self.child(&format!("dn{i}"), &names[dice.below(names.len())]);
            let target = self.target(dice);
            self.add(&dname, 60, &format!("DNAME {target}"));
        }
    }

    /// An alias, or records of some types.
    fn fill_name(&mut self, name: &str, dice: &mut Dice) {
        if dice.below(8) == 0 {
            let target = self.target(dice);
            return self.add(name, 60, &format!("CNAME {target}"));
        }
        let ttl = [0, 60, 3_600, 86_400][dice.below(4)];
        for _ in 0..1 + dice.below(6) {
            let template = dice.of(DATA);
            let mut data = String::new();
            for (i, piece) in template.split('@').enumerate() {
                if i > 0 {
                    data += &self.target(dice);
                }
                data += piece;
            }
            self.add(name, ttl, &data);
            // Names alone are the same in another case.
            if template.contains(" @") && !template.contains(['"', '=']) && dice.below(3) == 0 {
                let (rtype, rest) = data.split_once(' ').unwrap();
                let folded = !matches!(rtype, "LP" | "SVCB" | "HTTPS");
                if folded {
                    let line = format!("{} {ttl} IN {rtype} {}\n", dice.recase(name), dice.recase(rest));
                    self.repeated.push(line);
                }
            }
        }
    }

    /// A delegation: with DS or not, its name server below it, at it or elsewhere.
    fn fill_cut(&mut self, cut: &str, dice: &mut Dice) {
        for _ in 0..1 + dice.below(2) {
            let server = match dice.below(3) {
                0 => cut.to_owned(),
                1 => self.child("ns.deep", cut),
                _ => "ns.elsewhere.".into(),
            };
            self.add(cut, 600, &format!("NS {}", dice.recase(&server)));
            if server != "ns.elsewhere." {
                self.add(&server, 600, &format!("A 192.0.2.{}", dice.below(256)));
            }
        }
        if dice.below(2) == 0 {
            let digest = format!("{:064x}", dice.below(usize::MAX));
            self.add(cut, 300, &format!("DS {} 13 2 {digest}", dice.below(65_536)));
        }
    }
}
