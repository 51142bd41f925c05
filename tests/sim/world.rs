//! A seeded internet in one thread: servers with zones and manners, a network that delays, loses and repeats, a clock of its own, and
//! one resolver with its cache, asked as clients ask.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use waymark::answer::{self, Job, Outcome, Progress, Recursion, Request, View, Worker};
use waymark::cache::Cache;
use waymark::clock::Instant;
use waymark::guard::AccessList;
use waymark::resolve::{
    Asker, Budget, ExchangeId, Known, Output, Reply, Resolver, Settings, Transport, Upstream,
};
use waymark::rrset;
use waymark::wire::{Class, Edns, Flags, Message, NameBuf, OwnedName, Rcode, Rtype, Section, Writer, option};
use waymark::zone::{Builder, Held, ZoneSet};

/// How a server behaves.
#[derive(Clone, Debug, PartialEq)]
pub enum Manner {
    Right,
    /// Never answers.
    Silent,
    /// The network says that it is not there.
    Unreachable,
    /// This code to everything.
    Code(Rcode),
    /// FORMERR to EDNS, right without.
    NoEdns,
    /// TC to every datagram.
    Truncates,
    /// TC to every datagram, and TCP is refused.
    TruncatesOnly,
    /// Lower-cases the question.
    FoldsCase,
    /// Replies have another id.
    WrongId,
    /// Replies are to another question.
    WrongQuestion,
    /// Adds these records (section, text) to every reply.
    Adds(Vec<(Section, &'static str)>),
    /// Replies with these records to everything, AA set or not.
    Says(bool, Vec<(Section, &'static str)>),
    /// Garbage octets.
    Garbage,
    /// Drops the first so many queries.
    DropsFirst(usize),
    /// Recursion-lame: AA cleared and RA set.
    LikeAResolver,
    /// Right, but so many milliseconds late.
    Slow(u64),
    /// This code, so many milliseconds late.
    LateCode(u64, Rcode),
    /// Lower-cases the question, and refuses TCP.
    FoldsCaseOnly,
    /// This code and these records, without the question.
    Nameless(Rcode, Vec<(Section, &'static str)>),
    /// REFUSED to all types but this.
    Only(Rtype),
    /// TC to every datagram, another id on TCP.
    GarblesTcp,
}

struct Server {
    view: View,
    manner: Manner,
    asked: usize,
}

/// What a network does to datagrams, in percent and milliseconds.
#[derive(Clone, Copy)]
pub struct Network {
    pub loss: u32,
    pub twice: u32,
    pub latency: (u64, u64),
}

/// A reply on its way: when it arrives, its place among those of one time, for which exchange; none says that nobody is there.
type Event = (Instant, u64, ExchangeId, Option<Vec<u8>>);

pub struct World {
    pub now: Instant,
    servers: BTreeMap<IpAddr, Server>,
    pub network: Network,
    rng: ChaCha20Rng,
    events: BinaryHeap<Reverse<Event>>,
    sequence: u64,
    resolver: Resolver,
    view: View,
    pub settings: Settings,
    cache: Arc<Cache>,
    pub log: Vec<String>,
    /// The extended error of the last reply.
    pub why: String,
}

fn record(text: &str) -> (NameBuf, Rtype, u32, Vec<u8>) {
    let mut words = text.splitn(3, ' ');
    let (owner, rtype) = (words.next().unwrap(), words.next().unwrap());
    let mut rest = words.next().unwrap_or("");
    let mut ttl = 3600;
    if let Some((first, tail)) = rest.split_once(' ')
        && let Some(number) = first.strip_prefix("ttl=")
    {
        (ttl, rest) = (number.parse().unwrap(), tail);
    }
    let owner: NameBuf = owner.parse().unwrap();
    let rtype = Rtype::from_text(rtype).expect(rtype);
    let mut rdata = Vec::new();
    rrset::parse_rdata(rtype, rest, NameBuf::root().as_name(), &mut rdata)
        .unwrap_or_else(|e| panic!("{text}: {e:?}"));
    (owner, rtype, ttl, rdata)
}

/// A zone of lines "owner TYPE [ttl=N] data"; an SOA is made unless one is there.
fn zone(apex: &str, lines: &[&str]) -> Held {
    let name: NameBuf = apex.parse().unwrap();
    let mut builder = Builder::new(name.as_name());
    let records: Vec<_> = lines.iter().map(|line| record(line)).collect();
    if !records.iter().any(|(_, rtype, ..)| *rtype == Rtype::SOA) {
        let (_, rtype, ttl, rdata) = record(". SOA a. b. 1 3600 600 86400 300");
        builder.add(name.as_name(), rtype, ttl, &rdata, 0);
    }
    for (owner, rtype, ttl, rdata) in records {
        builder.add(owner.as_name(), rtype, ttl, &rdata, 0);
    }
    let (zone, _) = builder.finish().unwrap_or_else(|problems| panic!("{apex}: {problems:?}"));
    Held { apex: name.as_name().to_owned(), state: Ok(Arc::new(zone)), policy: None }
}

fn view(zones: Vec<Held>, recursion: Option<Recursion>) -> View {
    View { zones: ZoneSet::new(zones), steering: Vec::new(), recursion, guard: Default::default() }
}

impl World {
    /// A world with root servers at these addresses.
    pub fn new(seed: u64, roots: &[&str]) -> World {
        let hints = roots.iter().enumerate().map(|(i, address)| {
            let name: OwnedName = format!("{}.root-servers.test.", (b'a' + i as u8) as char).parse().unwrap();
            (name, vec![address.parse().unwrap()])
        });
        let settings = Settings {
            root_hints: hints.collect(),
            realm: 0,
            upstream_port: 53,
            families: (true, true),
            deny: Vec::new(),
            priming: false,
            case_randomisation: true,
            routes: Vec::new(),
        };
        World::with(seed, settings)
    }

    pub fn with(seed: u64, settings: Settings) -> World {
        let cache = Arc::new(Cache::new(0, seed));
        let mut octets = [0; 32];
        octets[..8].copy_from_slice(&seed.to_be_bytes());
        let known = Arc::new(Known::default());
        let resolver = Resolver::new(Arc::new(settings.clone()), Arc::clone(&cache), known, octets);
        let recursion = Recursion {
            allow: AccessList::new(vec!["0.0.0.0/0".parse().unwrap()]),
            cache: Arc::clone(&cache),
            realm: 0,
            upstreams: Default::default(),
            special: ZoneSet::default(),
        };
        World {
            now: Instant::from_secs(1_000),
            servers: BTreeMap::new(),
            network: Network { loss: 0, twice: 0, latency: (10, 10) },
            rng: ChaCha20Rng::from_seed(octets),
            events: BinaryHeap::new(),
            sequence: 0,
            resolver,
            view: view(Vec::new(), Some(recursion)),
            settings,
            cache,
            log: Vec::new(),
            why: String::new(),
        }
    }

    /// Makes the settings anew, the cache kept.
    pub fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        let settings = Arc::new(self.settings.clone());
        self.resolver = Resolver::new(settings, Arc::clone(&self.cache), Arc::new(Known::default()), [7; 32]);
    }

    pub fn route(&mut self, zone: &str, servers: &[&str], forward: bool) {
        let servers = servers.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 53)).collect();
        let zone = zone.parse().unwrap();
        self.set(|settings| settings.routes.push(Upstream { zone, servers, forward }));
    }

    /// A zone of the resolver's own daemon.
    pub fn own(&mut self, apex: &str, lines: &[&str]) {
        self.view.zones = self.view.zones.with(zone(apex, lines));
    }

    /// Puts a zone on a server.
    pub fn serve(&mut self, address: &str, apex: &str, lines: &[&str]) -> &mut World {
        let server = self.servers.entry(address.parse().unwrap()).or_insert_with(|| Server {
            view: view(Vec::new(), None),
            manner: Manner::Right,
            asked: 0,
        });
        server.view.zones = server.view.zones.with(zone(apex, lines));
        self
    }

    pub fn manner(&mut self, address: &str, manner: Manner) -> &mut World {
        let address = address.parse().unwrap();
        self.servers
            .entry(address)
            .or_insert_with(|| Server { view: view(Vec::new(), None), manner: Manner::Right, asked: 0 })
            .manner = manner;
        self
    }

    /// Queries that a server got.
    pub fn asked(&self, address: &str) -> usize {
        self.servers.get(&address.parse().unwrap()).map_or(0, |server| server.asked)
    }

    /// Queries that all servers got.
    pub fn total(&self) -> usize {
        self.servers.values().map(|server| server.asked).sum()
    }

    pub fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.resolver.handle_timeout(self.now);
    }

    /// Asks one question and returns the reply as text: the code, then the answers.
    pub fn ask(&mut self, question: &str) -> String {
        self.ask_all(&[question]).remove(0)
    }

    /// Asks several questions at one time.
    pub fn ask_all(&mut self, questions: &[&str]) -> Vec<String> {
        let mut replies: Vec<Option<String>> = vec![None; questions.len()];
        let mut pending: HashMap<Asker, (usize, Vec<u8>, Progress)> = HashMap::new();
        for (i, question) in questions.iter().enumerate() {
            let (name, rtype) = question.split_once(' ').unwrap();
            let message = query(name, rtype);
            let progress = Progress { settled: Vec::new(), budget: Budget::new(self.now) };
            self.go_on(i, message, progress, &mut pending, &mut replies);
        }
        let begun = self.now;
        loop {
            while let Some(output) = self.resolver.poll() {
                match output {
                    Output::Send { exchange, server, transport, message } => {
                        self.deliver(exchange, server, transport, &message);
                    }
                    Output::Cancel { exchange, .. } => {
                        self.events.retain(|Reverse((_, _, id, _))| *id != exchange)
                    }
                    Output::Settle { asker, settled, budget } => {
                        let (i, message, mut progress) = pending.remove(&asker).expect("settled once");
                        progress.settled.push(settled);
                        progress.budget = budget;
                        self.go_on(i, message, progress, &mut pending, &mut replies);
                    }
                }
            }
            if pending.is_empty() {
                break;
            }
            let event = self.events.peek().map(|Reverse((at, ..))| *at);
            let timer = self.resolver.poll_timeout();
            let next = event.into_iter().chain(timer).min().expect("a question waits for nothing");
            self.now = self.now.max(next);
            assert!(self.now.since(begun) <= Duration::from_secs(9), "a question took too long");
            match event {
                Some(at) if at <= self.now => {
                    let Reverse((_, _, exchange, octets)) = self.events.pop().unwrap();
                    let reply = octets.as_deref().map_or(Reply::Unreachable, Reply::Message);
                    self.resolver.handle_reply(self.now, exchange, reply);
                }
                _ => self.resolver.handle_timeout(self.now),
            }
        }
        replies.into_iter().map(Option::unwrap).collect()
    }

    /// Nothing is left running: no task, no exchange.
    pub fn assert_idle(&mut self) {
        // A priming query may be out.
        for _ in 0..100 {
            while let Some(output) = self.resolver.poll() {
                if let Output::Send { exchange, server, transport, message } = output {
                    self.deliver(exchange, server, transport, &message);
                }
            }
            let Some(due) = self.resolver.poll_timeout() else { break };
            self.now = self.now.max(due);
            self.resolver.handle_timeout(self.now);
        }
        assert_eq!(self.resolver.task_count(), 0, "tasks are left");
        assert_eq!(self.resolver.poll_timeout(), None, "timers are left");
    }

    fn go_on(
        &mut self,
        i: usize,
        message: Vec<u8>,
        progress: Progress,
        pending: &mut HashMap<Asker, (usize, Vec<u8>, Progress)>,
        replies: &mut [Option<String>],
    ) {
        let mut out = vec![0; 65_535];
        let request = Request {
            message: &message,
            client: "198.51.100.9:999".parse().unwrap(),
            transport: answer::Transport::Tcp,
            listener: 0,
            now: self.now,
        };
        match answer::answer(&self.view, &mut Worker::default(), &request, Some(&progress), &mut out) {
            Outcome::Reply(meta) => {
                replies[i] = Some(text(&out[..meta.len]));
                self.why = extended_error(&out[..meta.len]);
            }
            Outcome::Later(Job::Resolve(question)) => {
                self.sequence += 1;
                let asker = Asker(self.sequence);
                let budget = progress.budget;
                pending.insert(asker, (i, message, progress));
                self.resolver.handle_question(self.now, &question, asker, budget);
            }
            Outcome::Drop(why) => panic!("dropped: {why:?}"),
        }
    }

    /// A query reaches a server, or not; so does its reply.
    fn deliver(&mut self, exchange: ExchangeId, address: SocketAddr, transport: Transport, query: &[u8]) {
        let (least, most) = self.network.latency;
        let mut at = || {
            self.sequence += 1;
            let delay = least + u64::from(self.rng.next_u32()) % (most - least + 1);
            (self.now + Duration::from_millis(delay), self.sequence)
        };
        let (arrives, sequence) = at();
        let (again, sequence_again) = at();
        let mut chance = |percent: u32| self.rng.next_u32() % 100 < percent;
        let (lost, twice) = (chance(self.network.loss), chance(self.network.twice));
        let Some(server) = self.servers.get_mut(&address.ip()) else { return };
        server.asked += 1;
        self.log.push(format!("{} {}", address.ip(), text_question(query)));
        if transport == Transport::Udp && lost {
            return;
        }
        let replies = match server.reply(query, transport) {
            Answered::Nothing => return,
            Answered::Unreachable => vec![None],
            Answered::With(octets) => vec![Some(octets)],
        };
        let late = match server.manner {
            Manner::Slow(late) | Manner::LateCode(late, _) => Duration::from_millis(late),
            _ => Duration::ZERO,
        };
        let (arrives, again) = (arrives + late, again + late);
        for reply in replies {
            if twice {
                self.events.push(Reverse((again, sequence_again, exchange, reply.clone())));
            }
            self.events.push(Reverse((arrives, sequence, exchange, reply)));
        }
    }
}

enum Answered {
    Nothing,
    Unreachable,
    With(Vec<u8>),
}

impl Server {
    fn reply(&mut self, query: &[u8], transport: Transport) -> Answered {
        let mut out = vec![0; 65_535];
        let over = match transport {
            Transport::Udp => answer::Transport::Udp,
            Transport::Tcp => answer::Transport::Tcp,
        };
        let request = Request {
            message: query,
            client: "192.0.2.1:53".parse().unwrap(),
            transport: over,
            listener: 0,
            now: Instant::ZERO,
        };
        let Outcome::Reply(meta) =
            answer::answer(&self.view, &mut Worker::default(), &request, None, &mut out)
        else {
            return Answered::Nothing;
        };
        let mut right = out[..meta.len].to_vec();
        let udp = transport == Transport::Udp;
        let edns = query[11] > 0;
        match &self.manner {
            Manner::Right => (),
            Manner::Silent => return Answered::Nothing,
            Manner::Unreachable => return Answered::Unreachable,
            Manner::Code(rcode) | Manner::LateCode(_, rcode) => right = header_only(query, rcode.0, 0),
            Manner::NoEdns if edns => right = header_only(query, Rcode::FORMERR.0, 0),
            Manner::Truncates | Manner::TruncatesOnly if udp => right = header_only(query, 0, 0x0200),
            Manner::TruncatesOnly => return Answered::Unreachable,
            Manner::FoldsCase => {
                let end = 12 + right[12..].iter().position(|&b| b == 0).unwrap();
                right[12..end].make_ascii_lowercase();
            }
            Manner::FoldsCaseOnly if !udp => return Answered::Unreachable,
            Manner::FoldsCaseOnly => {
                let end = 12 + right[12..].iter().position(|&b| b == 0).unwrap();
                right[12..end].make_ascii_lowercase();
            }
            Manner::Nameless(rcode, records) => {
                right = with_records(&header_only(query, rcode.0, 0x0400), None, records);
                let end = 12 + right[12..].iter().position(|&b| b == 0).unwrap() + 5;
                right.drain(12..end);
                right[5] = 0;
            }
            Manner::Only(rtype) if Message::parse(query).unwrap().question().unwrap().1 != *rtype => {
                right = header_only(query, Rcode::REFUSED.0, 0);
            }
            Manner::GarblesTcp if udp => right = header_only(query, 0, 0x0200),
            Manner::GarblesTcp => right[0] ^= 0x55,
            Manner::WrongId => right[0] ^= 0x55,
            Manner::WrongQuestion => right[13] ^= 1,
            Manner::Adds(extra) => right = with_records(&right, None, extra),
            Manner::Says(aa, records) => {
                let bare = header_only(query, 0, 0);
                right = with_records(&bare, Some(*aa), records);
            }
            Manner::Garbage => right = vec![0xff; 40],
            Manner::DropsFirst(n) if self.asked <= *n => return Answered::Nothing,
            Manner::LikeAResolver => {
                right[2] &= !0x04;
                right[3] |= 0x80;
            }
            Manner::NoEdns
            | Manner::Truncates
            | Manner::DropsFirst(_)
            | Manner::Slow(_)
            | Manner::Only(_) => (),
        }
        Answered::With(right)
    }
}

fn query(name: &str, rtype: &str) -> Vec<u8> {
    let mut out = [0; 512];
    let mut writer = Writer::new(&mut out, 512, 7, Flags::RD);
    let name: NameBuf = name.parse().unwrap();
    writer.question(name.as_name(), Rtype::from_text(rtype).unwrap(), Class::IN).unwrap();
    writer.opt(1_232, 0, false, |_| Ok(())).unwrap();
    let len = writer.finish();
    out[..len].to_vec()
}

/// The text of a reply's extended error.
fn extended_error(reply: &[u8]) -> String {
    let message = Message::parse(reply).unwrap();
    let opt = message.records().map(Result::unwrap).find(|record| record.rtype == Rtype::OPT);
    let edns = Edns::from_record(&opt.unwrap()).unwrap();
    edns.option(option::EDE).map_or(String::new(), |data| String::from_utf8(data[2..].to_vec()).unwrap())
}

/// The question of a query, QR set, with this code and flags.
fn header_only(query: &[u8], rcode: u16, flags: u16) -> Vec<u8> {
    let (name, rtype, class) = Message::parse(query).unwrap().question().unwrap();
    let id = u16::from_be_bytes([query[0], query[1]]);
    let mut out = [0; 512];
    let mut writer = Writer::new(&mut out, 512, id, Flags(0x8000 | flags | rcode));
    writer.question(name.as_name(), rtype, class).unwrap();
    let len = writer.finish();
    out[..len].to_vec()
}

/// A reply with records added; the OPT record is lost on the way.
fn with_records(reply: &[u8], aa: Option<bool>, extra: &[(Section, &str)]) -> Vec<u8> {
    let message = Message::parse(reply).unwrap();
    let (name, rtype, class) = message.question().unwrap();
    let mut flags = message.header().flags;
    if let Some(aa) = aa {
        flags = flags.with(Flags::AA, aa);
    }
    let mut out = vec![0; 65_535];
    let mut writer = Writer::new(&mut out, 65_535, message.header().id, flags);
    writer.question(name.as_name(), rtype, class).unwrap();
    for section in [Section::Answer, Section::Authority, Section::Additional] {
        for record in
            message.records().map(Result::unwrap).filter(|r| r.section == section && r.rtype != Rtype::OPT)
        {
            let mut rdata = Vec::new();
            rrset::read_rdata(&record, &mut rdata).unwrap();
            let owner = record.owner().unwrap();
            writer.record(section, owner.as_name(), record.rtype, Class::IN, record.ttl).unwrap();
            writer.rdata(|writer| writer.bytes(&rdata)).unwrap();
        }
        for (_, text) in extra.iter().filter(|(s, _)| *s == section) {
            let (owner, rtype, ttl, rdata) = record(text);
            let owner = if owner.as_name().to_string() == "qname." { name.clone() } else { owner };
            writer.record(section, owner.as_name(), rtype, Class::IN, ttl).unwrap();
            writer.rdata(|writer| writer.bytes(&rdata)).unwrap();
        }
    }
    let len = writer.finish();
    out.truncate(len);
    out
}

fn text_question(query: &[u8]) -> String {
    let (name, rtype, _) = Message::parse(query).unwrap().question().unwrap();
    format!("{} {rtype}", name.as_name().to_string().to_ascii_lowercase())
}

/// A reply as text: "NOERROR name TYPE data; ..." of the answer section.
fn text(reply: &[u8]) -> String {
    let message = Message::parse(reply).unwrap();
    let mut out = message.header().flags.rcode().to_string();
    for record in message.records().map(Result::unwrap).filter(|record| record.section == Section::Answer) {
        let mut rdata = Vec::new();
        rrset::read_rdata(&record, &mut rdata).unwrap();
        let separator = if out.contains(' ') { "; " } else { " " };
        out += &format!("{separator}{} {} ", record.owner().unwrap().as_name(), record.rtype);
        rrset::print_rdata(record.rtype, &rdata, &mut out);
    }
    out
}

/// The TTL of the first answer of a question; it must be cached.
pub fn first_ttl(world: &mut World, question: &str) -> u32 {
    let (name, rtype) = question.split_once(' ').unwrap();
    let message = query(name, rtype);
    let mut out = vec![0; 65_535];
    let request = Request {
        message: &message,
        client: "198.51.100.9:999".parse().unwrap(),
        transport: answer::Transport::Tcp,
        listener: 0,
        now: world.now,
    };
    let Outcome::Reply(meta) = answer::answer(&world.view, &mut Worker::default(), &request, None, &mut out)
    else {
        panic!("{question} is not cached");
    };
    Message::parse(&out[..meta.len]).unwrap().records().next().unwrap().unwrap().ttl
}
