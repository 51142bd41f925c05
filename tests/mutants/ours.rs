//! Our resolver on that internet, in one thread and with a clock of its own.

use crate::internet::{Internet, ROOT};
use crate::message::verdict;
use crate::text;
use std::sync::Arc;
use std::time::Duration;
use waymark::anchor::{Anchor, Anchors, Trust};
use waymark::answer::{self, Job, Outcome, Progress, Recursion, Request, View, Worker};
use waymark::cache::Cache;
use waymark::clock::Instant;
use waymark::config::Minimise;
use waymark::guard::AccessList;
use waymark::resolve::{Asker, Budget, Known, Output, Reply, Resolver, Settings, Transport};
use waymark::wire::{Edns, Flags, Message, Rtype, option};
use waymark::zone::ZoneSet;

/// What we say to the question of a mutant, and why.
pub struct Said {
    pub verdict: u8,
    pub why: String,
}

pub struct Ours {
    now: Instant,
    resolver: Resolver,
    view: View,
    sequence: u64,
}

impl Ours {
    pub fn new(internet: &Internet<'_>) -> Ours {
        let settings = Settings {
            root_hints: vec![(crate::tree::name("a.root-servers.net."), vec![ROOT.into()])],
            realm: 0,
            upstream_port: 53,
            families: (true, false),
            deny: Vec::new(),
            priming: false,
            case_randomisation: true,
            minimise: Minimise::Relaxed,
            rebinding_protection: false,
            aggressive: true,
            anchor_signal: false,
            serve_stale: false,
            routes: Vec::new(),
        };
        let root = crate::tree::name(".");
        let anchor = Anchor { zone: root, ds: vec![internet.anchor().into()], keys: Vec::new() };
        let trust = Trust::new(Anchors::new(vec![anchor], Vec::new(), "test"), false, internet.now.into());
        let cache = Arc::new(Cache::new(0, 1));
        let known = Arc::new(Known::new(Arc::new(trust)));
        let mut resolver = Resolver::new(Arc::new(settings), Arc::clone(&cache), known, [7; 32]);
        let recursion = Recursion {
            allow: AccessList::new(vec!["0.0.0.0/0".parse().unwrap()]),
            cache,
            realm: 0,
            upstreams: Default::default(),
            special: ZoneSet::default(),
            sentinel: None,
            strict_denial: false,
            serve_stale: false,
            prefetch: false,
        };
        let now = Instant::from_secs(1_000);
        resolver.set_time(now, internet.now.into());
        Ours { now, resolver, view: text::view(Vec::new(), Some(recursion)), sequence: 0 }
    }

    pub fn ask(&mut self, internet: &Internet<'_>, name: &str, rtype: Rtype) -> Said {
        let query = text::query_with(name, rtype, Flags::RD, true, &[]);
        let mut progress = Progress { settled: Vec::new(), budget: Budget::new(self.now), stale: false };
        loop {
            let question = match self.answer(&query, &progress) {
                Ok(said) => return said,
                Err(question) => question,
            };
            self.sequence += 1;
            let asker = Asker(self.sequence);
            self.resolver.handle_question(self.now, &question, asker, progress.budget);
            let (settled, budget) = self.settle(internet, asker);
            progress.settled.push(settled);
            progress.budget = budget;
        }
    }

    fn answer(&self, query: &[u8], progress: &Progress) -> Result<Said, waymark::resolve::Question> {
        let request = Request {
            message: query,
            client: "198.51.100.9:999".parse().unwrap(),
            transport: answer::Transport::Tcp,
            listener: 0,
            now: self.now,
        };
        let mut out = vec![0; 65_535];
        match answer::answer(&self.view, &mut Worker::default(), &request, Some(progress), &mut out) {
            Outcome::Reply(meta) => {
                let reply = &out[..meta.len];
                Ok(Said { verdict: verdict(reply), why: extended_error(reply) })
            }
            Outcome::Later(Job::Resolve(question)) => Err(question),
            Outcome::Drop(why) => panic!("dropped: {why:?}"),
        }
    }

    fn settle(&mut self, internet: &Internet<'_>, wanted: Asker) -> (waymark::resolve::Settled, Budget) {
        loop {
            while let Some(output) = self.resolver.poll() {
                match output {
                    Output::Send { exchange, server, transport, message } => {
                        self.now = self.now + Duration::from_millis(1);
                        let udp = transport == Transport::Udp;
                        if let Some(reply) = internet.reply(server.ip(), &message, udp) {
                            self.resolver.handle_reply(self.now, exchange, Reply::Message(&reply));
                        }
                    }
                    Output::Settle { asker, settled, budget } if asker == wanted => return (settled, budget),
                    _ => (),
                }
            }
            let next = self.resolver.poll_timeout().expect("a question waits for nothing");
            self.now = self.now.max(next);
            self.resolver.handle_timeout(self.now);
        }
    }
}

/// The text of a reply's extended error.
fn extended_error(reply: &[u8]) -> String {
    let message = Message::parse(reply).unwrap();
    let opt = message.records().map(Result::unwrap).find(|record| record.rtype == Rtype::OPT);
    let edns = Edns::from_record(&opt.unwrap()).unwrap();
    let text = edns.option(option::EDE).map(|data| String::from_utf8_lossy(&data[2..]).into_owned());
    text.unwrap_or_default()
}
