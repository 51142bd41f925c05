//! `waymark steer simulate`: from which pools and with which members a sample of clients would be answered, before and after a change of
//! zones or of who is up. Everybody is up but those said to be down; no daemon is asked.

use crate::config::{Config, Diagnostics, Down, prefix_or_address};
use crate::ctl::{Column, Table};
use crate::load::{Loaded, Loader};
use crate::steer::{Answer, Client, Cursor, Draw, Family, Steering};
use crate::wire::{Name, OwnedName, Rtype};
use crate::zone::{Lookup, SteerId, ZoneSet};
use crate::{limits, say};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What is to be simulated.
#[derive(Clone, Debug, clap::Args)]
pub struct Simulate {
    /// A line for each question: the client (an address or a prefix), a name and, if it is not A, a type.
    #[arg(value_name = "FILE")]
    samples: PathBuf,
    /// Zone files as they would be: a directory to compare with the config's.
    #[arg(long, value_name = "DIR")]
    edited: Option<PathBuf>,
    /// Who would be down: pool:NAME or member:ID, of any zone.
    #[arg(long, value_name = "WHO", value_parser = down)]
    down: Vec<Down>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn down(text: &str) -> Result<Down, String> {
    Down::from_text(text).ok_or("it is neither pool:NAME nor member:ID".into())
}

/// Simulates. The exit code is 0 when it did, 1 when a zone or a sample is wrong, 2 when config or samples cannot be read.
pub fn run(config: &Path, asked: &Simulate) -> ExitCode {
    match simulate(config, asked) {
        Ok(text) => {
            let _ = say::out(text);
            ExitCode::SUCCESS
        }
        Err((code, why)) => {
            say::err(why);
            ExitCode::from(code)
        }
    }
}

/// An exit code, and why.
type Failure = (u8, String);

fn simulate(path: &Path, asked: &Simulate) -> Result<String, Failure> {
    Config::readable(path).map_err(|why| (2, format!("waymark: {why}\n")))?;
    let mut diagnostics = Diagnostics::default();
    let config = Config::load(path, &mut diagnostics).filter(|_| !diagnostics.has_errors());
    let config = config.ok_or_else(|| (1, diagnostics.render(std::io::stderr().is_terminal())))?;
    let mut worlds = vec![World::load(&config)?];
    if asked.edited.is_some() || !asked.down.is_empty() {
        let zones = asked.edited.clone().or_else(|| config.zones.clone());
        let after = World::load(&Config { zones, ..config })?;
        asked.down.iter().try_for_each(|who| after.set_down(who))?;
        worlds.push(after);
    }
    let mut tally = Tally { worlds, ..Tally::default() };
    let unreadable = |error| (2, format!("waymark: {}: {error}\n", asked.samples.display()));
    let file = File::open(&asked.samples).map_err(unreadable)?;
    for (line, text) in (1..).zip(BufReader::new(file).lines()) {
        let text = text.map_err(unreadable)?;
        let sample = Sample::parse(&text).map_err(|why| {
            let help = "a line is CLIENT NAME [TYPE], as in: 192.0.2.1 www.example.com AAAA";
            (1, format!("waymark: {}:{line}: {why}\n{help}\n", asked.samples.display()))
        })?;
        if let Some(sample) = sample {
            tally.add(&sample);
        }
    }
    Ok(tally.show(asked.json))
}

/// Zones, and who is up.
struct World {
    zones: ZoneSet,
    steering: Vec<Steering>,
}

impl World {
    fn load(config: &Config) -> Result<World, Failure> {
        let mut diagnostics = Diagnostics::default();
        let loaded = Loader::default().load(config, &mut diagnostics);
        match loaded.filter(|_| !diagnostics.has_errors()) {
            Some(Loaded { zones, steering, .. }) => Ok(World { zones, steering }),
            None => Err((1, diagnostics.render(std::io::stderr().is_terminal()))),
        }
    }

    /// Sets down what is called so in any zone.
    fn set_down(&self, who: &Down) -> Result<(), Failure> {
        let set = |Steering { policy, health }: &Steering| policy.set_down(who, health);
        match self.steering.iter().filter(|steering| set(steering)).count() {
            0 => Err((1, format!("waymark: --down {who}: no zone has it\n"))),
            _ => Ok(()),
        }
    }

    /// The policy that steers a name, or what it is an alias of.
    fn steered(&self, name: Name<'_>, rtype: Rtype) -> Option<(&Steering, SteerId)> {
        let mut name = name.to_owned();
        for _ in 0..limits::CHAIN_LINKS {
            let held = self.zones.find(name.as_name(), rtype)?;
            let Lookup::Name { node, .. } = held.state.as_ref().ok()?.lookup(name.as_name(), rtype) else {
                return None;
            };
            if let Some(id) = node.steered() {
                return Some((self.steering.get(held.policy?)?, id));
            }
            let alias = node.rrset(Rtype::CNAME)?;
            name = Name::from_wire(alias.rdatas.iter().next()?).ok()?.to_owned();
        }
        None
    }

    /// The pool that the `n`th sample is answered from, and the members; or what is answered instead.
    fn answer(&self, sample: &Sample, n: u64) -> (String, Vec<String>) {
        let Some((Steering { policy, health }, id)) = self.steered(sample.name.as_name(), sample.rtype)
        else {
            return ("(not steered)".into(), Vec::new());
        };
        let family = if sample.rtype == Rtype::AAAA { Family::V6 } else { Family::V4 };
        let draw = Draw { seed: n, now: 0, cursor: Cursor::Take };
        let choice = policy.choose(id, family, &sample.client, health, draw);
        let members = match choice.answer {
            Answer::Addresses { picked, count } => {
                picked[..count.into()].iter().map(|member| policy.member_id(*member).to_owned()).collect()
            }
            Answer::Cname(target) => vec![target.to_string()],
            Answer::NoData => return ("(no address)".into(), Vec::new()),
            Answer::ServFail => return ("(SERVFAIL)".into(), Vec::new()),
        };
        (choice.pool.unwrap_or_default().to_owned(), members)
    }
}

/// A question of a client.
struct Sample {
    client: Client,
    name: OwnedName,
    rtype: Rtype,
}

impl Sample {
    /// A line; none for an empty one or a comment.
    fn parse(line: &str) -> Result<Option<Sample>, String> {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split([' ', '\t', ',']).filter(|word| !word.is_empty());
        let Some(client) = words.next() else { return Ok(None) };
        let prefix =
            prefix_or_address(client).ok_or_else(|| format!("{client:?} is not an address or a prefix"))?;
        let name = words.next().ok_or("it has no name")?;
        let name: OwnedName = name.parse().map_err(|error| format!("{name:?}: {error}"))?;
        let rtype = match words.next() {
            Some(text) => Rtype::from_text(text).filter(|rtype| matches!(*rtype, Rtype::A | Rtype::AAAA)),
            None => Some(Rtype::A),
        };
        let rtype = rtype.ok_or("its type is not A or AAAA, which are steered")?;
        if let Some(more) = words.next() {
            return Err(format!("{more:?} is one word too many"));
        }
        Ok(Some(Sample { client: Client::new(prefix.network(), prefix.prefix_len()), name, rtype }))
    }
}

/// What was answered so far.
#[derive(Default)]
struct Tally {
    worlds: Vec<World>,
    samples: u64,
    /// Samples answered from another pool than before.
    moved: u64,
    /// For each name, type, pool and member (or none for the pool itself): how many answers, before and after. One answer with several members
    /// counts as a part for each.
    counts: BTreeMap<(OwnedName, u16, String, Option<String>), [f64; 2]>,
    totals: BTreeMap<(OwnedName, u16), f64>,
}

impl Tally {
    fn add(&mut self, sample: &Sample) {
        let key = (sample.name.clone(), sample.rtype.0);
        let answers: Vec<_> = self.worlds.iter().map(|world| world.answer(sample, self.samples)).collect();
        let pools = answers.iter().map(|(pool, _)| pool);
        self.moved += u64::from(pools.collect::<std::collections::BTreeSet<_>>().len() > 1);
        self.samples += 1;
        *self.totals.entry(key.clone()).or_default() += 1.0;
        for (i, (pool, members)) in answers.into_iter().enumerate() {
            let mut count = |member: Option<String>, part: f64| {
                let key = (key.0.clone(), key.1, pool.clone(), member);
                self.counts.entry(key).or_default()[i] += part;
            };
            count(None, 1.0);
            let part = 1.0 / members.len() as f64;
            members.into_iter().for_each(|member| count(Some(member), part));
        }
    }

    fn show(&self, json: bool) -> String {
        let compared = self.worlds.len() > 1;
        let percent = |share: f64| (share * 1_000.0).round() / 10.0;
        let row = |((name, rtype, pool, member), [before, after]): (
            &(OwnedName, u16, String, Option<String>),
            &[f64; 2],
        )| {
            let total = self.totals.get(&(name.clone(), *rtype)).copied().unwrap_or(1.0);
            let mut row = json!({
                "name": name.to_string(), "type": Rtype(*rtype).to_string(), "pool": pool, "member": member,
                "before": percent(before / total),
            });
            if compared {
                row["after"] = json!(percent(after / total));
                row["change"] = json!(percent((after - before) / total));
            }
            row
        };
        let rows: Vec<Value> = self.counts.iter().map(row).collect();
        if json {
            return format!(
                "{:#}\n",
                json!({ "samples": self.samples, "moved": self.moved, "shares": rows })
            );
        }
        let columns = if compared { COMPARED } else { SHARES };
        let moved = 100.0 * self.moved as f64 / self.samples.max(1) as f64;
        let moved = if compared {
            format!(", {} of them ({moved:.1} %) from another pool than before", self.moved)
        } else {
            String::new()
        };
        format!("{}{} samples{moved}\n", Table { columns, rows: &rows }.show(false), self.samples)
    }
}

const SHARES: &[Column] = &[
    Column { title: "NAME", key: "name" },
    Column { title: "TYPE", key: "type" },
    Column { title: "POOL", key: "pool" },
    Column { title: "MEMBER", key: "member" },
    Column { title: "SHARE %", key: "before" },
];

const COMPARED: &[Column] = &[
    Column { title: "NAME", key: "name" },
    Column { title: "TYPE", key: "type" },
    Column { title: "POOL", key: "pool" },
    Column { title: "MEMBER", key: "member" },
    Column { title: "BEFORE %", key: "before" },
    Column { title: "AFTER %", key: "after" },
    Column { title: "CHANGE", key: "change" },
];
