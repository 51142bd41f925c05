//! A world of endpoints with a clock of its own: what is asked is answered as the world has it, lost at random, late, or never.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use waymark::clock::Instant;
use waymark::config::{Check, Pace, Probe};
use waymark::health::{
    Failure, Fault, Formula, Health, MemberId, Outcome, ProbeId, Standing, State, Table, Target, Watch,
    ZoneWatch,
};

/// The Unix time at which worlds begin.
pub const EPOCH: u64 = 1_700_000_000;

const SLOW: Duration = Duration::from_millis(1_500);

/// What an endpoint does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Conduct {
    Answers,
    /// After a second and a half.
    Slow,
    /// It takes the connection and says nothing, or nothing comes back at all.
    Hangs,
    Refuses,
    /// The machine that asks has no network.
    CannotBeAsked,
}

/// The world.
pub struct World {
    pub health: Health,
    pub now: Instant,
    pub table: Arc<Table>,
    /// What it watches.
    pub zone: ZoneWatch,
    /// By address, in the order of members.
    pub conduct: BTreeMap<IpAddr, Conduct>,
    /// The share of probes that are lost.
    pub loss: f64,
    /// How many probes were begun.
    pub asked: u64,
    under_way: BTreeMap<(Instant, u64), (ProbeId, Outcome)>,
    members: Vec<IpAddr>,
    random: u64,
    seed: u64,
}

/// When a member came into which state.
pub type Turn = (Instant, usize, State);

pub fn pace(interval: u64) -> Pace {
    Pace { interval: Duration::from_secs(interval), timeout: Duration::from_secs(3), rise: 2, fall: 3 }
}

pub fn target(address: IpAddr, pace: Pace) -> Target {
    Target { address, port: None, check: Arc::new(Check { probe: Probe::Ping, pace }) }
}

/// Address `i`: each in a network of its own.
pub fn address(i: usize) -> IpAddr {
    IpAddr::from([198, 18 + (i >> 16) as u8, (i >> 8) as u8, i as u8])
}

impl World {
    /// Members of one zone, in pools of so many, each with a check of its own address.
    pub fn new(seed: u64, pools: usize, of: usize, pace: Pace) -> World {
        let addresses: Vec<IpAddr> = (0..pools * of).map(|i| address(i * 256 + i / 256)).collect();
        let check = Arc::new(Check { probe: Probe::Ping, pace });
        let watch = |(i, &address): (usize, &IpAddr)| Watch {
            pool: format!("p{}", i / of),
            member: address.to_string(),
            address,
            formula: Formula::Endpoint(Target { address, port: None, check: check.clone() }, "ping".into()),
            shed: None,
        };
        let watches = addresses.iter().enumerate().map(watch).collect();
        World::of(seed, watches)
    }

    /// Members as they are given.
    pub fn of(seed: u64, watches: Vec<Watch>) -> World {
        let members: Vec<IpAddr> = watches.iter().map(|watch| watch.address).collect();
        let table = Arc::new(Table::new(watches.len()));
        let apex = "example.".parse().unwrap();
        let zone = ZoneWatch { apex, members: watches.into(), table: Arc::clone(&table) };
        let mut world = World {
            health: Health::new(seed, EPOCH),
            now: Instant::from_secs(1_000_000),
            table,
            zone: zone.clone(),
            conduct: members.iter().map(|address| (*address, Conduct::Answers)).collect(),
            loss: 0.0,
            asked: 0,
            under_way: BTreeMap::new(),
            members,
            random: seed,
            seed,
        };
        world.health.watch(world.now, vec![zone]);
        world
    }

    pub fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn set(&mut self, member: usize, conduct: Conduct) {
        self.conduct.insert(self.members[member], conduct);
    }

    pub fn set_all(&mut self, conduct: Conduct) {
        self.conduct.values_mut().for_each(|one| *one = conduct);
    }

    pub fn standing(&self, member: usize) -> Standing {
        self.table.get(MemberId(member as u32))
    }

    pub fn state(&self, member: usize) -> State {
        self.standing(member).state
    }

    /// Lets so much time pass; returns who turned when.
    pub fn run(&mut self, time: Duration) -> Vec<Turn> {
        let end = self.now + time;
        let mut before: Vec<State> = (0..self.members.len()).map(|i| self.state(i)).collect();
        let mut turns = Vec::new();
        loop {
            let outcome = self.under_way.keys().next().map(|(at, _)| *at);
            let next = outcome.into_iter().chain(self.health.poll_timeout()).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            let mut looked = false;
            while let Some(entry) = self.under_way.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (probe, outcome) = entry.remove();
                self.health.handle_outcome(self.now, probe, outcome);
                looked = true;
            }
            self.health.handle_timeout(self.now);
            while let Some(ask) = self.health.poll(self.now) {
                self.asked += 1;
                let (late, outcome) = self.answer(ask.target.address, ask.timeout);
                self.under_way.insert((self.now + late, self.asked), (ask.probe, outcome));
                looked = true;
            }
            if looked && !self.health.take_events().is_empty() {
                for (i, before) in before.iter_mut().enumerate() {
                    let state = self.state(i);
                    if state != *before {
                        turns.push((self.now, i, state));
                        *before = state;
                    }
                }
            }
        }
        self.now = end;
        turns
    }

    fn answer(&mut self, address: IpAddr, timeout: Duration) -> (Duration, Outcome) {
        let failed = |kind, text: &str| Outcome::Failure(Failure { kind, text: text.into() });
        let lost = self.random() < self.loss;
        let rtt = Duration::from_micros(2_000 + (self.random() * 50_000.0) as u64);
        match self.conduct[&address] {
            _ if lost => (timeout, failed(Fault::Silence, "lost")),
            Conduct::Answers => (rtt, Outcome::Success { took: rtt, note: None }),
            Conduct::Slow if SLOW >= timeout => (timeout, failed(Fault::Silence, "too slow")),
            Conduct::Slow => (SLOW, Outcome::Success { took: SLOW, note: None }),
            Conduct::Hangs => (timeout, failed(Fault::Silence, "hung")),
            Conduct::Refuses => (rtt, failed(Fault::Endpoint, "connection refused")),
            Conduct::CannotBeAsked => (Duration::ZERO, failed(Fault::Own, "network unreachable")),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed of this world is {}", self.seed);
        }
    }
}
