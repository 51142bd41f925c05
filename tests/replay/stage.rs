//! The stage on which a story is played: the resolver with its cache and clients, and a clock that the story moves. Whatever happens
//! that the story does not name ends it.

use super::packet;
use super::script::{Step, duration};
use super::text::{hex, query, view, zone};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use waymark::answer::{self, Job, Outcome, Progress, Recursion, Request, View, Worker};
use waymark::cache::Cache;
use waymark::clock::Instant;
use waymark::guard::AccessList;
use waymark::resolve::{
    Asker, Budget, ExchangeId, Known, Output, Question, Reply, Resolver, Settings, Transport,
};
use waymark::wire::{Flags, Rtype, option};
use waymark::zone::{ZoneSet, special_use};

type Done = Result<(), String>;

/// What has happened and was not yet named.
enum Event {
    /// A query was sent.
    Sent { at: Instant, exchange: ExchangeId, query: Sent, again: bool },
    /// A client was told this.
    Told { at: Instant, client: String, lines: Vec<String> },
}

#[derive(Clone, PartialEq)]
struct Sent {
    server: SocketAddr,
    transport: Transport,
    message: Vec<u8>,
}

struct Client {
    name: String,
    message: Vec<u8>,
    progress: Progress,
}

pub struct Stage {
    now: Instant,
    resolver: Resolver,
    view: View,
    clients: HashMap<Asker, Client>,
    askers: u64,
    events: Vec<Event>,
    sent: HashMap<ExchangeId, Sent>,
    closed: HashSet<ExchangeId>,
    /// Queries by the labels that the story gave them.
    labels: HashMap<String, ExchangeId>,
    last: Option<ExchangeId>,
    /// The servers that `$x` stands for.
    chosen: BTreeMap<String, SocketAddr>,
}

const BEGUN: Instant = Instant::from_secs(1_000);

impl Stage {
    pub fn new(settings: Settings, props: Props) -> Stage {
        let cache = Arc::new(Cache::new(0, 1));
        let mut resolver = Resolver::new(
            Arc::new(settings.clone()),
            Arc::clone(&cache),
            Arc::new(Known::default()),
            [7; 32],
        );
        let routes = settings.routes.iter().map(|route| answer::UpstreamZone(Arc::new(route.zone.clone())));
        let recursion = Recursion {
            allow: AccessList::new(vec!["0.0.0.0/0".parse().unwrap()]),
            cache,
            realm: 0,
            upstreams: routes.fold(Default::default(), |tree, zone| tree.insert(zone)),
            special: if props.special_use { special_use() } else { ZoneSet::default() },
            sentinel: None,
            strict_denial: settings.minimise == waymark::config::Minimise::Strict,
            serve_stale: settings.serve_stale,
            prefetch: true,
        };
        let zones = props.zones.iter().map(|(apex, lines)| {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            zone(apex, &lines)
        });
        let view = view(zones.collect(), Some(recursion));
        resolver.set_zones(view.zones.clone());
        Stage {
            now: BEGUN,
            resolver,
            view,
            clients: HashMap::new(),
            askers: 0,
            events: Vec::new(),
            sent: HashMap::new(),
            closed: HashSet::new(),
            labels: HashMap::new(),
            last: None,
            chosen: BTreeMap::new(),
        }
    }

    pub fn step(&mut self, step: &Step) -> Done {
        match &*step.words[0] {
            "send" => self.send(step),
            "told" => self.told(step),
            "closed" => self.assert_closed(step),
            "refer" => self.refer(step),
            cause => {
                self.nothing_else()?;
                match cause {
                    "ask" => self.ask(step),
                    "wait" => self.wait(duration(step.word(1, "a time")?)?),
                    "leave" => self.leave(step),
                    "reply" | "garbage" | "unreachable" | "not-sent" => self.reply(step),
                    _ => Err(format!("{cause} is no step")),
                }
            }
        }
    }

    /// Nothing more may happen, and nothing may be left.
    pub fn end(&mut self) -> Done {
        self.nothing_else()?;
        self.wait(Duration::from_secs(20))?;
        self.nothing_else()?;
        match self.resolver.task_count() {
            0 => Ok(()),
            tasks => Err(format!("{tasks} questions are not settled")),
        }
    }

    //------- What the story does ----------------------------------------------------------------------------------

    fn ask(&mut self, step: &Step) -> Done {
        let (client, name) = (step.word(1, "a client")?, step.word(2, "a name")?);
        let rtype = Rtype::from_text(step.word(3, "a type")?).ok_or("no such type")?;
        let has = |word: &str| step.words[4..].iter().any(|w| w == word);
        let flags = Flags::default().with(Flags::RD, !has("no-rd")).with(Flags::CD, has("cd"));
        let subnet: &[(u16, &[u8])] = &[(option::CLIENT_SUBNET, packet::SUBNET)];
        let message = query(name, rtype, flags, if has("subnet") { subnet } else { &[] });
        let progress = Progress { settled: Vec::new(), budget: Budget::new(self.now), stale: false };
        self.go_on(Client { name: client.to_owned(), message, progress });
        self.drain();
        Ok(())
    }

    /// Lets time pass. Only what happens at its end may be left to be named.
    fn wait(&mut self, time: Duration) -> Done {
        let end = self.now + time;
        while let Some(due) = self.resolver.poll_timeout().filter(|due| *due <= end) {
            if due > self.now {
                self.nothing_else()?;
                self.now = due;
            }
            self.resolver.handle_timeout(self.now);
            self.drain();
        }
        if end > self.now {
            self.nothing_else()?;
        }
        self.now = end;
        Ok(())
    }

    fn leave(&mut self, step: &Step) -> Done {
        let name = step.word(1, "a client")?;
        let (&asker, _) =
            self.clients.iter().find(|(_, client)| client.name == name).ok_or("nobody of that name waits")?;
        self.clients.remove(&asker);
        self.resolver.handle_abandon(asker);
        self.drain();
        Ok(())
    }

    fn reply(&mut self, step: &Step) -> Done {
        let labelled = step.words.get(1).is_some_and(|word| word == "to");
        let (exchange, at) = match labelled {
            true => (self.labelled(step.word(2, "a label")?)?, 3),
            false => (self.last.ok_or("nothing was sent")?, 1),
        };
        let query = &self.sent[&exchange].message;
        let octets = match &*step.words[0] {
            "reply" => packet::reply(query, step, at)?,
            _ => vec![0xff; 40],
        };
        let reply = match &*step.words[0] {
            "unreachable" => Reply::Unreachable,
            "not-sent" => Reply::NotSent,
            _ => Reply::Message(&octets),
        };
        self.resolver.handle_reply(self.now, exchange, reply);
        self.drain();
        Ok(())
    }

    /// The short form of "this server is asked, and refers to a zone with these servers".
    fn refer(&mut self, step: &Step) -> Done {
        let (server, zone) = (step.word(1, "a server")?.to_owned(), step.word(2, "a zone")?);
        let mut below = Vec::new();
        for (i, address) in step.words[3..].iter().enumerate() {
            let rtype = if address.contains(':') { "AAAA" } else { "A" };
            below.push(format!("authority {zone} 3600 NS ns{}.{zone}", i + 1));
            below.push(format!("additional ns{}.{zone} 3600 {rtype} {address}", i + 1));
        }
        let line = step.line;
        let at = self.events.iter().position(|event| match event {
            Event::Sent { query, .. } => query.server.ip().to_string() == server,
            Event::Told { .. } => false,
        });
        let Some(Event::Sent { exchange, query, .. }) = at.map(|at| self.events.remove(at)) else {
            return Err(self.not_there(&format!("a query to {server}")));
        };
        self.sent.insert(exchange, query);
        self.last = Some(exchange);
        self.nothing_else()?;
        self.reply(&Step { line, words: vec!["reply".into()], below })
    }

    //------- What the story expects -------------------------------------------------------------------------------

    fn send(&mut self, step: &Step) -> Done {
        let (server, transport) = (step.word(1, "a server")?, step.word(2, "a transport")?);
        let (name, rtype) = (step.word(3, "a name")?, step.word(4, "a type")?);
        let (mut words, mut label) = (&step.words[5..], None);
        if let [rest @ .., keyword, given] = words
            && keyword == "as"
        {
            (words, label) = (rest, Some(given.clone()));
        }
        let fits = |event: &Event| match event {
            Event::Sent { query, .. } => {
                let (asked, of_type, _) = packet::query_words(&query.message);
                self.is_server(server, query.server)
                    && transport == transport_word(query.transport)
                    && asked.eq_ignore_ascii_case(name)
                    && of_type == rtype
            }
            Event::Told { .. } => false,
        };
        let Some(at) = self.events.iter().position(fits) else {
            return Err(self.not_there(&step.words.join(" ")));
        };
        let Event::Sent { exchange, query, again, .. } = self.events.remove(at) else { return Ok(()) };
        self.check_query(words, exchange, &query, again)?;
        if server.starts_with('$') {
            self.chosen.insert(server.to_owned(), query.server);
        }
        self.labels.extend(label.map(|label| (label, exchange)));
        self.sent.insert(exchange, query);
        self.last = Some(exchange);
        Ok(())
    }

    /// Whether a word names a server: its address, `any`, or `$x`, which is always the same and no other's.
    fn is_server(&self, word: &str, server: SocketAddr) -> bool {
        match self.chosen.get(word) {
            Some(chosen) => *chosen == server,
            None if word.starts_with('$') => !self.chosen.values().any(|chosen| *chosen == server),
            None => word == "any" || word == server.ip().to_string(),
        }
    }

    fn check_query(&self, words: &[String], exchange: ExchangeId, query: &Sent, again: bool) -> Done {
        let (_, _, mut has) = packet::query_words(&query.message);
        let perhaps = words.iter().any(|word| word == "perhaps-again");
        if again || perhaps {
            has.push(if perhaps { "perhaps-again" } else { "again" });
        }
        let wanted: Vec<&str> =
            words.iter().map(String::as_str).filter(|w| !w.starts_with("cookie=")).collect();
        // That a name has few letters and all are of one case is no fault.
        if has.iter().any(|word| !wanted.contains(word)) || wanted.iter().any(|word| !has.contains(word)) {
            return Err(format!("expected a query with {wanted:?}, it has {has:?}"));
        }
        if again && self.sent.get(&exchange).is_none_or(|before| before != query) {
            return Err("it was sent again, but not as it was".into());
        }
        let cookie = packet::cookie(&query.message);
        let Some(wanted) = words.iter().find_map(|word| word.strip_prefix("cookie=")) else { return Ok(()) };
        let is = cookie.as_deref();
        let fits = match wanted {
            "none" => is.is_none(),
            "fresh" => is.is_some_and(|cookie| cookie.len() == 8),
            digits => is.is_some_and(|cookie| Some(&cookie[8..]) == hex(digits).as_deref()),
        };
        if fits { Ok(()) } else { Err(format!("expected cookie={wanted}, it is {cookie:02x?}")) }
    }

    fn told(&mut self, step: &Step) -> Done {
        let name = step.word(1, "a client")?;
        let at = self
            .events
            .iter()
            .position(|event| matches!(event, Event::Told { client, .. } if client == name));
        let Some(Event::Told { lines, .. }) = at.map(|at| self.events.remove(at)) else {
            return Err(self.not_there(&format!("that {name} is told something")));
        };
        let with_servers = |line: &String| {
            self.chosen
                .iter()
                .fold(line.clone(), |line, (word, server)| line.replace(word, &server.ip().to_string()))
        };
        let mut wanted = vec![step.words[2..].join(" ")];
        wanted.extend(step.below.iter().map(with_servers));
        // A text that the story leaves out is not looked at; a code is.
        let told: Vec<&String> = match wanted.iter().any(|line| line.starts_with("text ")) {
            true => lines.iter().collect(),
            false => lines.iter().filter(|line| !line.starts_with("text ")).collect(),
        };
        if told.iter().copied().eq(&wanted) {
            return Ok(());
        }
        let list =
            |lines: &[String]| lines.iter().fold(String::new(), |list, line| list + "\n        " + line);
        Err(format!("expected {name} to be told{}\n    it was told{}", list(&wanted), list(&lines)))
    }

    fn assert_closed(&self, step: &Step) -> Done {
        let label = step.word(1, "a label")?;
        let closed = self.closed.contains(&self.labelled(label)?);
        if closed { Ok(()) } else { Err(format!("{label} is still waited for")) }
    }

    fn labelled(&self, label: &str) -> Result<ExchangeId, String> {
        self.labels.get(label).copied().ok_or_else(|| format!("no query is called {label}"))
    }

    /// Everything that happened must have been named.
    fn nothing_else(&self) -> Done {
        if self.events.is_empty() { Ok(()) } else { Err(self.not_there("nothing")) }
    }

    fn not_there(&self, expected: &str) -> String {
        let happened = self.events.iter().fold(String::new(), |list, event| {
            let (at, text) = match event {
                Event::Sent { at, query, again, .. } => {
                    let (name, rtype, words) = packet::query_words(&query.message);
                    let (server, over) = (query.server.ip(), transport_word(query.transport));
                    let again = if *again { " again" } else { "" };
                    (at, format!("send {server} {over} {name} {rtype} {}{again}", words.join(" ")))
                }
                Event::Told { at, client, lines } => {
                    (at, format!("told {client} {}", lines.join("\n            ")))
                }
            };
            list + &format!("\n        +{:?}: {}", at.since(BEGUN), text.trim_end())
        });
        let happened = if happened.is_empty() { "\n        nothing" } else { &happened };
        format!("at +{:?} expected {expected}\n    but what happened is{happened}", self.now.since(BEGUN))
    }

    //------- What the resolver does -------------------------------------------------------------------------------

    fn drain(&mut self) {
        while let Some(output) = self.resolver.poll() {
            match output {
                Output::Send { exchange, server, transport, message } => {
                    let again = self.sent.contains_key(&exchange);
                    let query = Sent { server, transport, message };
                    self.events.push(Event::Sent { at: self.now, exchange, query, again });
                }
                Output::Cancel { exchange, .. } => drop(self.closed.insert(exchange)),
                Output::Impatient { asker } => {
                    if let Some(mut client) = self.clients.remove(&asker) {
                        client.progress.stale = true;
                        if self.answer(&client).is_some() {
                            self.clients.insert(asker, client);
                        }
                    }
                }
                Output::Settle { asker, settled, budget } => {
                    if let Some(mut client) = self.clients.remove(&asker) {
                        client.progress.settled.push(settled);
                        client.progress.budget = budget;
                        self.go_on(client);
                    }
                }
            }
        }
    }

    /// Answers a client, or has resolved what that needs.
    fn go_on(&mut self, client: Client) {
        if let Some(question) = self.answer(&client) {
            self.askers += 1;
            let (asker, budget) = (Asker(self.askers), client.progress.budget);
            self.clients.insert(asker, client);
            self.resolver.handle_question(self.now, &question, asker, budget);
        }
    }

    /// Answers a client, or says what must be resolved first.
    fn answer(&mut self, client: &Client) -> Option<Question> {
        let mut out = vec![0; 65_535];
        let request = Request {
            message: &client.message,
            client: "198.51.100.9:999".parse().unwrap(),
            transport: answer::Transport::Tcp,
            listener: 0,
            now: self.now,
        };
        let mut worker = Worker::default();
        let outcome = answer::answer(&self.view, &mut worker, &request, Some(&client.progress), &mut out);
        if let Some(refresh) = worker.refresh {
            self.askers += 1;
            self.resolver.handle_refresh(self.now, &refresh.question(), Asker(self.askers));
        }
        match outcome {
            Outcome::Reply(meta) => {
                let (at, lines) = (self.now, packet::told(&out[..meta.len]));
                self.events.push(Event::Told { at, client: client.name.clone(), lines });
                None
            }
            Outcome::Later(Job::Resolve(question)) => Some(question),
            Outcome::Drop(why) => panic!("a client's query was dropped: {why:?}"),
        }
    }
}

/// What stands on the stage besides the resolver's settings.
#[derive(Default)]
pub struct Props {
    pub zones: Vec<(String, Vec<String>)>,
    pub special_use: bool,
}

fn transport_word(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
    }
}
