//! A zone's own tests (`[[test]]`): each question is answered as it would be for its client, with what it says is down set down, and
//! the answer is held against what was expected.

use super::Good;
use crate::answer::{self, Outcome, Request, Transport, View, Worker};
use crate::clock::Instant;
use crate::config::{Diagnostics, Expect, PoolKind, TestSpec, ZoneFile};
use crate::health::Table;
use crate::limits;
use crate::rrset;
use crate::steer::{self, Cursor, Draw, Family, Policy, Steering};
use crate::wire::{Class, Flags, Message, Name, NameBuf, Rcode, Rtype, Section, Writer};
use crate::zone::{Held, Lookup, ZoneSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Runs every test of the file; one that fails is an error. `compile` makes the file's policy.
pub(super) fn run(file: &ZoneFile, good: &Good, compile: impl Fn() -> Policy, diagnostics: &mut Diagnostics) {
    for test in &file.tests {
        // A policy of the test's own: answers move its cursors.
        let steering = good.steering.as_ref().map(|_| {
            let policy = compile();
            Steering { health: Arc::new(health(test, &policy)), policy: Arc::new(policy) }
        });
        let view = View {
            zones: ZoneSet::new(vec![Held {
                apex: file.apex.clone(),
                state: Ok(Arc::clone(&good.zone)),
                policy: steering.as_ref().map(|_| 0),
            }]),
            steering: steering.into_iter().collect(),
            recursion: None,
            ..View::default()
        };
        let mut reply = ask(&view, test);
        reply.pools =
            reply.owners.iter().filter_map(|owner| pool(&view, good, test, owner.as_name())).collect();
        if let Err(got) = verdict(file, test, &reply) {
            let told = diagnostics
                .error(Some(test.span), format!("test failed: {} {}: {got}", test.name, test.rtype));
            told.label = format!("expected {}", wanted(&test.expect));
        }
    }
}

/// A table in which what the test says is down is down.
fn health(test: &TestSpec, policy: &Policy) -> Table {
    let table = Table::new(policy.member_count());
    for down in &test.down {
        policy.set_down(&down.value, &table);
    }
    table
}

/// What the answer section of a reply says.
struct Answered {
    rcode: Rcode,
    /// Whose records they are.
    owners: Vec<NameBuf>,
    /// The pools that steered names among them were answered from.
    pools: Vec<String>,
    addresses: Vec<IpAddr>,
    rdata: Vec<(Rtype, Vec<u8>)>,
}

/// Answers the test's question.
fn ask(view: &View, test: &TestSpec) -> Answered {
    let mut query = [0; 512];
    let mut writer = Writer::new(&mut query, limits::UDP_PLAIN as usize, 0, Flags::default());
    // A question is at most 259 octets.
    let _ = writer.question(test.name.as_name(), test.rtype, Class::IN);
    let len = writer.finish();
    let request = Request {
        message: &query[..len],
        client: SocketAddr::new(client(test), 0),
        transport: Transport::Tcp,
        listener: 0,
        now: Instant::ZERO,
    };
    let mut out = vec![0; limits::MESSAGE];
    let reply = match answer::answer(view, &mut Worker::default(), &request, None, &mut out) {
        Outcome::Reply(meta) => &out[..meta.len],
        // Not without recursion, and not for a query made here.
        Outcome::Drop(_) | Outcome::Later(_) => &[],
    };
    read(reply)
}

/// The pool that a steered name is answered from.
fn pool(view: &View, good: &Good, test: &TestSpec, name: Name<'_>) -> Option<String> {
    let Lookup::Name { node, .. } = good.zone.lookup(name, test.rtype) else { return None };
    let Steering { policy, health } = view.steering.first()?;
    let family = if test.rtype == Rtype::AAAA { Family::V6 } else { Family::V4 };
    let client = steer::Client::at(client(test));
    let draw = Draw { seed: 0, now: 0, cursor: Cursor::Peek };
    policy.choose(node.steered()?, family, &client, health, draw).pool.map(str::to_owned)
}

/// Who asks.
fn client(test: &TestSpec) -> IpAddr {
    test.from.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

fn read(reply: &[u8]) -> Answered {
    let mut answered = Answered {
        rcode: Rcode::SERVFAIL,
        owners: Vec::new(),
        pools: Vec::new(),
        addresses: Vec::new(),
        rdata: Vec::new(),
    };
    let Ok(message) = Message::parse(reply) else { return answered };
    answered.rcode = message.header().flags.rcode();
    for record in message.records().flatten().filter(|record| record.section == Section::Answer) {
        let mut rdata = Vec::new();
        if rrset::read_rdata(&record, &mut rdata).is_err() {
            continue;
        }
        match (record.rtype, rdata.len()) {
            (Rtype::A, 4) => answered.addresses.extend(<[u8; 4]>::try_from(&rdata[..]).map(IpAddr::from)),
            (Rtype::AAAA, 16) => {
                answered.addresses.extend(<[u8; 16]>::try_from(&rdata[..]).map(IpAddr::from))
            }
            _ => (),
        }
        answered.rdata.push((record.rtype, rdata));
        answered.owners.extend(record.owner());
    }
    answered
}

/// Whether the answer is what was expected, else what it is.
fn verdict(file: &ZoneFile, test: &TestSpec, answered: &Answered) -> Result<(), String> {
    let fits = match &test.expect {
        Expect::Rcode(rcode) => answered.rcode == *rcode,
        Expect::Pool(name) => answered.pools.contains(name),
        Expect::Member(id) => {
            let members = file.pools.iter().filter_map(|pool| match &pool.kind {
                PoolKind::Members { members, .. } => Some(members),
                PoolKind::Cname(_) => None,
            });
            let mut named = members.flatten().filter(|member| member.id == *id);
            named.any(|member| answered.addresses.contains(&member.address))
        }
        Expect::Rdata(texts) => {
            let mut want: Vec<Vec<u8>> = Vec::new();
            for text in texts {
                let mut rdata = Vec::new();
                rrset::parse_rdata(test.rtype, text, file.apex.as_name(), &mut rdata)
                    .map_err(|error| format!("{text:?} is not {} data: {}", test.rtype, error.message))?;
                want.push(rdata);
            }
            let of_type = answered.rdata.iter().filter(|(rtype, _)| *rtype == test.rtype);
            let mut got: Vec<Vec<u8>> = of_type.map(|(_, rdata)| rdata.clone()).collect();
            want.sort();
            got.sort();
            // That there is nothing of the type says who knows of the name.
            want == got && answered.rcode == Rcode::NOERROR
        }
    };
    if fits { Ok(()) } else { Err(format!("got {}", told(answered))) }
}

/// The answer for a person.
fn told(answered: &Answered) -> String {
    let from = match answered.pools.last() {
        Some(pool) => format!(" from pool {pool}"),
        None => String::new(),
    };
    if answered.rdata.is_empty() {
        return format!("{} without an answer", answered.rcode);
    }
    let texts = answered.rdata.iter().map(|(rtype, rdata)| {
        let mut text = format!("{rtype} ");
        rrset::print_rdata(*rtype, rdata, &mut text);
        text
    });
    texts.collect::<Vec<_>>().join(", ") + &from
}

/// The expectation for a person.
fn wanted(expect: &Expect) -> String {
    match expect {
        Expect::Pool(name) => format!("an answer from pool {name}"),
        Expect::Member(id) => format!("the address of member {id}"),
        Expect::Rcode(rcode) => rcode.to_string(),
        Expect::Rdata(texts) if texts.is_empty() => "NOERROR without such records".into(),
        Expect::Rdata(texts) => texts.join(", "),
    }
}
