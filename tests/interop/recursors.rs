//! Unbound, Knot Resolver, PowerDNS Recursor and Waymark on one miniature internet: our answer is what at least two of the three agree
//! on.

use super::lab::{Lab, Server, in_own_network, query_with, record_text};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;
use waymark::limits;
use waymark::wire::{Flags, Message, Rcode, Record, Rtype, Section};

const HINTS: &str = ". 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A 198.18.0.1\n";

const ROOT: &str = "$ORIGIN .
$TTL 86400
. SOA a.root-servers.net. nstld.example. 1 1800 900 604800 86400
. NS a.root-servers.net.
a.root-servers.net. A 198.18.0.1
com. NS a.nic.com.
a.nic.com. A 198.18.1.1
org. NS a.nic.com.
net. NS a.nic.net.
a.nic.net. A 198.18.1.2
";

/// What every zone begins with.
const SOA: &str = "$TTL 3600\n@ SOA ns hostmaster 1 7200 3600 1209600 60\n";

/// Delegations of all kinds: with glue, without, over IPv6, to servers that refuse, that are not there, or that need each other.
const COM: &str = "@ NS a.nic
a.nic A 198.18.1.1
example NS ns1.example
example NS ns2.example
ns1.example A 198.18.2.1
ns2.example A 198.18.2.2
glueless NS ns1.example.net.
six NS ns.six
ns.six AAAA fd18::2:6
lame NS ns1.example
halflame NS ns1.example
halflame NS ns1.example.net.
dead NS ns.dead
ns.dead A 198.18.9.9
halfdead NS ns.dead
halfdead NS ns1.example.net.
nowhere NS nothing.example.net.
noaddress NS www.glueless
chicken NS ns.egg
egg NS ns.chicken
chain NS ns1.example.net.
owns NS ns.owns
ns.owns A 198.18.2.3
alias CNAME www.example
tld DNAME example
";

const ORG: &str = "@ NS a.nic.com.\nexample NS ns1.example.net.\n";

const NET: &str = "@ NS a.nic\na.nic A 198.18.1.2\nexample NS ns1.example\nns1.example A 198.18.2.3\n";

/// A zone with every kind of name, on two servers.
const EXAMPLE_COM: &str = "@ NS ns1
@ NS ns2
@ MX 10 mail
@ TXT \"apex\"
ns1 A 198.18.2.1
ns2 A 198.18.2.2
www A 192.0.2.80
www A 192.0.2.81
www AAAA 2001:db8::80
mail A 192.0.2.25
UPPER A 192.0.2.9
a.b.c TXT deep
alias CNAME www
ALIAS2 CNAME Alias
gone CNAME nowhere
gone2 CNAME x.www
toent CNAME b.c
away CNAME www.example.net.
away2 CNAME alias.example.net.
awaygone CNAME nowhere.example.net.
awayback CNAME back.example.net.
tolame CNAME www.lame.com.
todead CNAME www.dead.com.
totld CNAME no-such-tld.
tosub CNAME www.sub
tosubgone CNAME nowhere.sub
toglueless CNAME www.glueless.com.
todname CNAME x.tree
towild CNAME some.wild
loop1 CNAME loop2
loop2 CNAME loop1
self CNAME self
awayloop CNAME loop.example.net.
*.wild TXT any
*.wild MX 10 mail
block.wild A 192.0.2.1
deep.block2.wild A 192.0.2.2
*.star CNAME www
*.staraway CNAME www.example.net.
*.starent.x TXT below
sub.*.mid TXT odd
tree DNAME target
tree TXT own
www.target A 192.0.2.90
*.target TXT intarget
up DNAME tree
other DNAME example.net.
othergone DNAME nowhere.example.net.
otherlame DNAME lame.com.
round DNAME round
toolong DNAME abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqrstuvwxyz
sub NS ns.sub
ns.sub A 198.18.2.4
both NS ns1
both NS ns2
_sip._tcp SRV 1 2 5060 www
caa CAA 0 issue \"ca.example.net\"
odd TYPE65400 \\# 2 abcd
";

const BOTH: &str =
    "@ NS ns1.example.com.\n@ NS ns2.example.com.\nwww A 198.51.100.7\nup CNAME www.example.com.\n";

const SUB: &str =
    "@ NS ns\nns A 198.18.2.4\nwww A 198.51.100.8\n*.wild CNAME www\nup CNAME alias.example.com.\n";

const EXAMPLE_NET: &str = "@ NS ns1
ns1 A 198.18.2.3
www A 192.0.2.90
www TXT net
alias CNAME www
back CNAME www.example.com.
loop CNAME awayloop.example.com.
";

const SIMPLE: &str =
    "@ NS ns1.example.net.\nwww A 192.0.2.91\nalias CNAME www.example.com.\n*.wild TXT any\n";

/// The child names other servers than its parent, and both lead to the same one.
const OWNS: &str = "@ NS ns1.example.net.\nns A 198.18.2.3\nwww A 192.0.2.92\n";

const SIX: &str = "@ NS ns\nns AAAA fd18::2:6\nwww A 192.0.2.96\n";

/// Links of the longest chain, of which every length is asked for: the most that we follow.
const LINKS: usize = limits::CHAIN_LINKS;

fn chain() -> String {
    let mut zone = "@ NS ns1.example.net.\nc0 A 192.0.2.1\n".to_owned();
    for i in 1..=LINKS {
        zone += &format!("c{i} CNAME c{}\n", i - 1);
    }
    zone
}

/// A record that is more than a datagram takes.
fn big() -> String {
    (0..60).map(|i| format!("big TXT \"text number {i} of sixty, too much for a datagram\"\n")).collect()
}

fn internet(lab: &Lab) -> Vec<Server> {
    let zone = |text: &str| format!("{SOA}{text}");
    let (simple, chain) = (zone(SIMPLE), zone(&chain()));
    let (example, both) = (zone(EXAMPLE_COM) + &big(), zone(BOTH));
    let example = [("example.com", &*example), ("both.example.com", &*both)];
    vec![
        lab.nsd("198.18.0.1", &[(".", ROOT)]),
        lab.knot("198.18.1.1", &[("com", &zone(COM)), ("org", &zone(ORG))]),
        lab.bind("198.18.1.2", &[("net", &zone(NET))]),
        lab.knot("198.18.2.1", &example),
        lab.nsd("198.18.2.2", &example),
        lab.bind(
            "198.18.2.3",
            &[
                ("example.net", &zone(EXAMPLE_NET)),
                ("glueless.com", &simple),
                ("halflame.com", &simple),
                ("halfdead.com", &simple),
                ("example.org", &simple),
                ("owns.com", &zone(OWNS)),
                ("chain.com", &chain),
            ],
        ),
        lab.nsd("198.18.2.4", &[("sub.example.com", &zone(SUB))]),
        lab.nsd("fd18::2:6", &[("six.com", &zone(SIX))]),
    ]
}

/// Names that are asked for, and some of what is below, beside and between.
fn names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let zones = [
        ("com", COM),
        ("net", NET),
        ("example.com", EXAMPLE_COM),
        ("both.example.com", BOTH),
        ("sub.example.com", SUB),
    ];
    let more = [
        ("example.net", EXAMPLE_NET),
        ("glueless.com", SIMPLE),
        ("example.org", SIMPLE),
        ("owns.com", OWNS),
        ("six.com", SIX),
    ];
    for (apex, text) in zones.into_iter().chain(more) {
        for owner in text.lines().filter_map(|line| line.split(' ').next()) {
            let full = if owner == "@" { apex.to_owned() } else { format!("{owner}.{apex}") };
            names.extend([format!("below.{full}"), format!("x.y.{full}"), format!("beside-{full}")]);
            let mut rest = full.as_str();
            while rest != apex {
                names.insert(rest.to_owned());
                rest = rest.split_once('.').unwrap().1;
            }
        }
    }
    for zone in ["lame", "halflame", "dead", "halfdead", "nowhere", "noaddress", "chicken", "egg"] {
        names.extend([format!("www.{zone}.com"), format!("alias.{zone}.com")]);
    }
    names.extend((0..=LINKS).map(|i| format!("c{i}.chain.com")));
    let long = "abcdefghijklmnopqrstuvwxyz.".repeat(6);
    names.extend([
        "big.example.com".to_owned(),
        "no-such-tld".into(),
        "x.no-such-tld".into(),
        format!("{long}toolong.example.com"),
    ]);
    names
}

const TYPES: &[&str] = &["A", "AAAA", "CNAME", "MX", "TXT", "NS", "SOA", "SRV", "DS", "DNAME", "CAA"];

type Question = (String, &'static str);

/// What a resolver says to a question, as far as it must be the same: whole or cut short, the CNAMEs in order, and the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    rcode: Rcode,
    truncated: bool,
    chain: Vec<String>,
    records: BTreeSet<String>,
}

impl Answer {
    fn read(message: &Message<'_>) -> Answer {
        let flags = message.header().flags;
        let mut answer = Answer {
            rcode: flags.rcode(),
            truncated: flags.has(Flags::TC),
            chain: Vec::new(),
            records: BTreeSet::new(),
        };
        let records: Vec<Record<'_>> = message.records().map(Result::unwrap).collect();
        // How much of a truncated answer is there is the server's choice, and so is how far it got before it failed.
        let counts = !answer.truncated && answer.rcode != Rcode::SERVFAIL;
        for record in records.iter().filter(|record| record.section == Section::Answer && counts) {
            let text = record_text(record, 0);
            if record.rtype == Rtype::CNAME {
                answer.chain.push(text);
            } else {
                answer.records.insert(text);
            }
        }
        answer
    }
}

/// A way to a resolver.
enum Way {
    Udp(UdpSocket),
    Tcp(TcpStream),
}

/// How long none of the questions under way is answered until they are given up.
const PATIENCE: Duration = Duration::from_secs(3);

/// Questions under way at one time.
const WINDOW: usize = 64;

/// A prime, and so each question is asked once.
const STRIDE: usize = 1_009;

impl Way {
    fn udp(server: &Server) -> Way {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.connect(SocketAddr::new(server.address, 53)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Way::Udp(socket)
    }

    fn tcp(server: &Server) -> Way {
        let stream = TcpStream::connect(SocketAddr::new(server.address, 53)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Way::Tcp(stream)
    }

    fn send(&mut self, query: &[u8]) {
        match self {
            Way::Udp(socket) => drop(socket.send(query).unwrap()),
            Way::Tcp(stream) => {
                let framed = [&(query.len() as u16).to_be_bytes(), query].concat();
                stream.write_all(&framed).unwrap();
            }
        }
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut octets = vec![0; 65_535];
        let len = match self {
            Way::Udp(socket) => socket.recv(&mut octets).ok()?,
            Way::Tcp(stream) => {
                let mut len = [0; 2];
                stream.read_exact(&mut len).ok()?;
                let len = usize::from(u16::from_be_bytes(len));
                stream.read_exact(&mut octets[..len]).ok()?;
                len
            }
        };
        octets.truncate(len);
        Some(octets)
    }

    /// Asks them all, and gives the answers in their order; none where there is none.
    fn ask(mut self, questions: &[Question]) -> Vec<Option<Answer>> {
        let mut answers = vec![None; questions.len()];
        let (mut next, mut under_way) = (0, 0);
        loop {
            while under_way < WINDOW && next < questions.len() {
                // Neighbours, of which all are slow if one is, are not asked for at one time.
                let id = next * STRIDE % questions.len();
                let (name, rtype) = &questions[id];
                self.send(&query_with(id as u16, name, rtype, Flags::RD, Some(1232)));
                (next, under_way) = (next + 1, under_way + 1);
            }
            if under_way == 0 {
                return answers;
            }
            match self.receive() {
                None => under_way = 0,
                Some(octets) => {
                    let message = Message::parse(&octets).unwrap();
                    let answer = &mut answers[usize::from(message.header().id)];
                    let first = answer.replace(Answer::read(&message)).is_none();
                    under_way = under_way.saturating_sub(usize::from(first));
                }
            }
        }
    }
}

/// What at least two of three say.
fn agreed(answers: &[&Option<Answer>]) -> Option<Answer> {
    let said = |answer: &&&Option<Answer>| {
        answer.is_some() && answers.iter().filter(|other| other == answer).count() >= 2
    };
    answers.iter().find(said).and_then(|answer| (*answer).clone())
}

#[test]
fn answers_equal_what_two_of_three_resolvers_agree_on() {
    in_own_network("recursors::answers_equal_what_two_of_three_resolvers_agree_on", |lab| {
        let _internet = internet(lab);
        let resolvers = [
            lab.unbound("198.18.0.5", HINTS, None),
            lab.kresd("198.18.0.6", HINTS, None),
            lab.pdns_recursor("198.18.0.7", HINTS, None),
            lab.waymark("198.18.0.9", &[], Some(HINTS)),
        ];
        let questions: Vec<Question> = names()
            .into_iter()
            .flat_map(|name| TYPES.iter().map(move |rtype| (name.clone(), *rtype)))
            .collect();
        let (mut equal, mut undecided, mut different) = (0, Vec::new(), Vec::new());
        assert!(!questions.len().is_multiple_of(STRIDE));
        // Nothing is cached at first, and all is when they are asked over TCP.
        for way in [Way::udp as fn(&Server) -> Way, Way::tcp] {
            let answers: Vec<Vec<Option<Answer>>> = thread::scope(|scope| {
                let asking =
                    resolvers.each_ref().map(|resolver| scope.spawn(|| way(resolver).ask(&questions)));
                asking.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            for (i, (name, rtype)) in questions.iter().enumerate() {
                let theirs = [&answers[0][i], &answers[1][i], &answers[2][i]];
                let ours = &answers[3][i];
                // That two gave up is no truth where the third did not, and we found what it did.
                let gave_up = |truth: &Answer| truth.rcode == Rcode::SERVFAIL && Some(truth) != ours.as_ref();
                match agreed(&theirs).filter(|truth| !gave_up(truth) || !theirs.contains(&ours)) {
                    None => undecided.push(format!("{name} {rtype}: {theirs:?}\n  ours {ours:?}")),
                    Some(truth) if ours.as_ref() == Some(&truth) => equal += 1,
                    Some(truth) => different.push(format!("{name} {rtype}: {truth:?}\n  ours {ours:?}")),
                }
            }
        }
        println!("{equal} equal, {} different, {} undecided", different.len(), undecided.len());
        for (what, cases) in [("different", &different), ("undecided", &undecided)] {
            cases.iter().for_each(|case| println!("{what}: {case}"));
        }
        assert!(different.is_empty());
        // What Knot DNS and NSD say of a name made too long is not the same, and Knot Resolver passes on what it gets.
        assert!(equal > 8_900 && undecided.len() < 32);
    });
}
