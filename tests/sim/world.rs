//! A seeded internet in one thread: servers with zones and manners, a network that delays, loses and repeats, a clock of its own, and
//! one resolver with its cache, asked as clients ask.

use crate::server::{Answered, Manner, Server};
use crate::text::{query, query_with, view, zone};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use waymark::anchor::{Anchors, Trust};
use waymark::answer::{self, Job, Outcome, Progress, Recursion, Request, View, Worker};
use waymark::cache::Cache;
use waymark::clock::Instant;
use waymark::config::Minimise;
use waymark::guard::AccessList;
use waymark::resolve::{
    Asker, Budget, ExchangeId, Known, Output, Question, Reply, Resolver, Settings, Transport, Upstream,
};
use waymark::rrset;
use waymark::validate::Effort;
use waymark::wire::{Edns, Flags, Message, OwnedName, Rtype, Section, option};
use waymark::zone::{Held, ZoneSet};

/// How a server behaves.
/// What a network does to datagrams, in percent and milliseconds.
#[derive(Clone, Copy)]
pub struct Network {
    pub loss: u32,
    pub twice: u32,
    pub latency: (u64, u64),
}

/// A reply on its way: when it arrives, its place among those of one time, for which exchange; none says that nobody is there.
type Event = (Instant, u64, ExchangeId, Option<Vec<u8>>);

/// Unix time when the clock of a world begins.
pub const UNIX: u64 = 1_800_000_000;

const NOTHING: Effort = Effort { checks: 0, faults: 0, hashes: 0 };

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
    trust: Arc<Trust>,
    /// Unix time when the world's clock began.
    epoch: u64,
    /// Flags of what is asked.
    pub flags: Flags,
    /// Whether DO is set in it, and CO.
    pub dnssec_ok: bool,
    pub compact_ok: bool,
    pub log: Vec<String>,
    /// The extended error of the last reply.
    pub why: String,
    /// Its code.
    pub ede: Option<u16>,
    /// The TTL of its first record.
    pub ttl: Option<u32>,
    /// All of it.
    pub reply: Vec<u8>,
    /// What the last question has spent on checking signatures.
    pub spent: Effort,
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
            minimise: Minimise::Off,
            rebinding_protection: false,
            aggressive: true,
            anchor_signal: false,
            serve_stale: true,
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
            sentinel: None,
            strict_denial: false,
            serve_stale: true,
            prefetch: true,
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
            trust: Arc::default(),
            epoch: UNIX,
            flags: Flags::RD,
            dnssec_ok: false,
            compact_ok: false,
            log: Vec::new(),
            why: String::new(),
            ede: None,
            ttl: None,
            reply: Vec::new(),
            spent: NOTHING,
        }
    }

    /// Makes the settings anew, the cache kept.
    pub fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        let recursion = self.view.recursion.as_mut().unwrap();
        recursion.strict_denial = self.settings.minimise == Minimise::Strict;
        let settings = Arc::new(self.settings.clone());
        let known = Arc::new(Known::new(Arc::clone(&self.trust)));
        self.resolver = Resolver::new(settings, Arc::clone(&self.cache), known, [7; 32]);
        self.resolver.set_time(self.now, self.unix());
    }

    /// Sets the time of day.
    pub fn set_time(&mut self, unix: u64) {
        self.epoch = unix - self.now.as_secs();
        self.resolver.set_time(self.now, unix);
    }

    /// Trusts these.
    pub fn trust(&mut self, anchors: Anchors) {
        self.trust = Arc::new(Trust::new(anchors, false, self.unix()));
        self.set(|_| ());
    }

    /// Trusts these, and follows the rollovers of their zones.
    pub fn follow(&mut self, anchors: Anchors) {
        self.trust = Arc::new(Trust::new(anchors, true, self.unix()));
        self.set(|_| ());
        self.resolver.follow_anchors(self.now);
    }

    /// Unix time.
    pub fn unix(&self) -> u64 {
        self.epoch + self.now.as_secs()
    }

    /// Lets days go by, an hour at a time, with all that goes on meanwhile.
    pub fn days(&mut self, days: u64) {
        for _ in 0..days * 24 {
            self.pass(Duration::from_secs(3_600));
            self.deliver_all();
            while !self.events.is_empty() {
                self.turn();
                self.deliver_all();
            }
        }
    }

    /// Has done what the resolver wants done for nobody.
    fn deliver_all(&mut self) {
        while let Some(output) = self.resolver.poll() {
            match output {
                Output::Send { exchange, server, transport, message } => {
                    self.deliver(exchange, server, transport, &message);
                }
                Output::Cancel { exchange, .. } => {
                    self.events.retain(|Reverse((_, _, id, _))| *id != exchange)
                }
                Output::Impatient { .. } | Output::Settle { .. } => (),
            }
        }
    }

    /// Whether stale answers are given.
    pub fn stale(&mut self, stale: bool) {
        self.view.recursion.as_mut().unwrap().serve_stale = stale;
        self.set(|settings| settings.serve_stale = stale);
    }

    /// Has a zone asked of these servers.
    pub fn route(&mut self, zone: &str, servers: &[&str], forward: bool) {
        let servers = servers.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 53)).collect();
        let zone: OwnedName = zone.parse().unwrap();
        let name = Arc::new(zone.clone());
        let recursion = self.view.recursion.as_mut().unwrap();
        recursion.upstreams = recursion.upstreams.insert(answer::UpstreamZone(name));
        self.set(|settings| {
            settings.routes.push(Upstream { zone, servers, forward, fallback: false, validate: true })
        });
    }

    /// A zone of the resolver's own daemon.
    pub fn own(&mut self, apex: &str, lines: &[&str]) {
        self.view.zones = self.view.zones.with(zone(apex, lines));
        self.resolver.set_zones(self.view.zones.clone());
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

    /// The same with a zone that is made already.
    pub fn serve_zone(&mut self, address: &str, held: Held) -> &mut World {
        let fresh = || Server { view: view(Vec::new(), None), manner: Manner::Right, asked: 0 };
        let server = self.servers.entry(address.parse().unwrap()).or_insert_with(fresh);
        server.view.zones = server.view.zones.with(held);
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

    /// Types in a section of the last reply, in order.
    pub fn types(&self, section: Section) -> String {
        let message = Message::parse(&self.reply).unwrap();
        let records = message.records().map(Result::unwrap).filter(|record| record.section == section);
        records.map(|record| record.rtype.to_string()).collect::<Vec<_>>().join(" ")
    }

    /// Whether the last question had to be checked or asked about.
    pub fn is_free(&self) -> bool {
        self.spent == NOTHING
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
        self.spent = NOTHING;
        let mut pending: HashMap<Asker, (usize, Vec<u8>, Progress)> = HashMap::new();
        for (i, question) in questions.iter().enumerate() {
            let (name, rtype) = question.split_once(' ').unwrap();
            let rtype = Rtype::from_text(rtype).unwrap();
            let mut message = query_with(name, rtype, self.flags, self.dnssec_ok, &[]);
            if self.compact_ok {
                // RFC 9824 §5.1: the bit beside DO in the flags of the OPT record, which has no data.
                let flags = message.len() - 4;
                message[flags] |= 0x40;
            }
            let progress = Progress { settled: Vec::new(), budget: Budget::new(self.now), stale: false };
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
                    Output::Impatient { asker } => {
                        if let Some((i, message, mut progress)) = pending.remove(&asker) {
                            progress.stale = true;
                            match self.answer(&message, &progress) {
                                Ok(reply) => replies[i] = Some(reply),
                                Err(_) => drop(pending.insert(asker, (i, message, progress))),
                            }
                        }
                    }
                    Output::Settle { asker, settled, budget } => {
                        let Some((i, message, mut progress)) = pending.remove(&asker) else { continue };
                        progress.settled.push(settled);
                        progress.budget = budget;
                        self.spent = budget.effort.spent_of(&Effort::WHOLE);
                        self.go_on(i, message, progress, &mut pending, &mut replies);
                    }
                }
            }
            if pending.is_empty() {
                break;
            }
            assert!(self.turn(), "a question waits for nothing");
            assert!(self.now.since(begun) <= Duration::from_secs(9), "a question took too long");
        }
        replies.into_iter().map(Option::unwrap).collect()
    }

    /// Lets the next thing happen, a reply or a timeout; says whether there was one.
    fn turn(&mut self) -> bool {
        let event = self.events.peek().map(|Reverse((at, ..))| *at);
        let timer = self.resolver.poll_timeout();
        let Some(next) = event.into_iter().chain(timer).min() else { return false };
        self.now = self.now.max(next);
        match event {
            Some(at) if at <= self.now => {
                let Reverse((_, _, exchange, octets)) = self.events.pop().unwrap();
                let reply = octets.as_deref().map_or(Reply::Unreachable, Reply::Message);
                self.resolver.handle_reply(self.now, exchange, reply);
            }
            _ => self.resolver.handle_timeout(self.now),
        }
        true
    }

    /// Lets all that goes on come to its end, which it must: no task, no exchange is left.
    pub fn assert_idle(&mut self) {
        loop {
            self.deliver_all();
            if !self.turn() {
                break;
            }
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
        match self.answer(&message, &progress) {
            Ok(reply) => replies[i] = Some(reply),
            Err(question) => {
                self.sequence += 1;
                let asker = Asker(self.sequence);
                let budget = progress.budget;
                pending.insert(asker, (i, message, progress));
                self.resolver.handle_question(self.now, &question, asker, budget);
            }
        }
    }

    /// Answers a query, or says what must be resolved for it.
    fn answer(&mut self, message: &[u8], progress: &Progress) -> Result<String, Question> {
        let mut out = vec![0; 65_535];
        let request = Request {
            message,
            client: "198.51.100.9:999".parse().unwrap(),
            transport: answer::Transport::Tcp,
            listener: 0,
            now: self.now,
        };
        let mut worker = Worker::default();
        let reply = match answer::answer(&self.view, &mut worker, &request, Some(progress), &mut out) {
            Outcome::Reply(meta) => {
                (self.ede, self.why) = extended_error(&out[..meta.len]);
                self.reply = out[..meta.len].to_vec();
                let message = Message::parse(&out[..meta.len]).unwrap();
                self.ttl = message.records().next().map(|record| record.unwrap().ttl);
                Ok(text(&out[..meta.len]))
            }
            Outcome::Later(Job::Resolve(question)) => Err(question),
            Outcome::Drop(why) => panic!("dropped: {why:?}"),
        };
        if let Some(refresh) = worker.refresh {
            self.sequence += 1;
            self.resolver.handle_refresh(self.now, &refresh.question(), Asker(self.sequence));
        }
        reply
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

/// The code and the text of a reply's extended error.
fn extended_error(reply: &[u8]) -> (Option<u16>, String) {
    let message = Message::parse(reply).unwrap();
    let opt = message.records().map(Result::unwrap).find(|record| record.rtype == Rtype::OPT);
    let edns = Edns::from_record(&opt.unwrap()).unwrap();
    let Some(data) = edns.option(option::EDE) else { return (None, String::new()) };
    (Some(u16::from_be_bytes([data[0], data[1]])), String::from_utf8(data[2..].to_vec()).unwrap())
}

fn text_question(query: &[u8]) -> String {
    let (name, rtype, _) = Message::parse(query).unwrap().question().unwrap();
    format!("{} {rtype}", name.as_name().to_string().to_ascii_lowercase())
}

/// A reply as text: "NOERROR name TYPE data; ..." of the answer section.
fn text(reply: &[u8]) -> String {
    let message = Message::parse(reply).unwrap();
    let mut out = message.header().flags.rcode().to_string();
    if message.header().flags.has(Flags::AD) {
        out += "+AD";
    }
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
    let message = query(name, Rtype::from_text(rtype).unwrap(), Flags::RD, &[]);
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
