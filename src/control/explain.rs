//! Why a name is answered as it is: who speaks for it, and what was done to find its answer.

use super::Learnt;
use super::learnt::{select, verdict};
use super::steered::Steered;
use crate::answer::View;
use crate::cache::{Selection, Verdict};
use crate::clock::{self, Instant};
use crate::config::prefix_or_address;
use crate::limits;
use crate::net::{Checks, Shards};
use crate::resolve::{self, End, InFlight, Question, Start, Step, Trace, Transport};
use crate::wire::{Name, OwnedName, Rcode, Rtype};
use crate::zone::{Held, Lookup, Node, Zone};
use ipnet::IpNet;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What explaining reads.
#[derive(Clone)]
pub struct Explainer {
    /// What answers come from.
    pub view: Arc<View>,
    /// What was learnt; none when nothing is resolved here.
    pub learnt: Option<Learnt>,
    /// Who resolves.
    pub shards: Shards,
    /// What is known of members.
    pub checks: Arc<Checks>,
}

/// What is to be explained.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub name: OwnedName,
    pub rtype: Rtype,
    /// Who asks, for names that are steered.
    pub from: IpNet,
}

impl Asked {
    /// From a query: `name=NAME&type=TYPE` (A if there is none), and `from=PREFIX`, without which this machine asks.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    pub fn of(query: Option<&str>) -> Result<Asked, String> {
        let (mut from, mut rest) = (IpNet::from(IpAddr::from([127, 0, 0, 1])), Vec::new());
        let mut typed = false;
        for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if key == "from" {
                // What a client subnet says is zero beyond its length (RFC 7871 §6).
                from = prefix_or_address(&value)
                    .ok_or(format!("from={value}: it is not an address or a prefix"))?
                    .trunc();
            } else if key == "name" || key == "type" {
                typed |= key == "type";
                rest.push((key, value));
            } else {
                return Err(format!("{key:?} means nothing here: name, type and from do"));
            }
        }
        if !typed {
            rest.push(("type".into(), "A".into()));
        }
        let rest = form_urlencoded::Serializer::new(String::new()).extend_pairs(rest).finish();
        match select(Some(&rest))? {
            Some(Selection::Question(name, rtype)) => Ok(Asked { name, rtype, from }),
            _ => Err("say what: name=NAME&type=TYPE".into()),
        }
    }
}

/// What is told of names that are not in a zone of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// Nothing: it costs queries to find out.
    Untold,
    /// What is known, or is found out now.
    Known,
    /// What is found out now.
    Fresh,
}

impl std::fmt::Debug for Explainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Explainer")
    }
}

impl Explainer {
    /// Explains the answer to a question, alias by alias.
    pub(super) async fn explain(&self, asked: &Asked, others: Others) -> Value {
        let (mut links, mut name) = (Vec::new(), Some(asked.name.clone()));
        while let Some(at) = name.take() {
            if links.len() > limits::CHAIN_LINKS {
                break;
            }
            let (link, next) = self.link(&at, asked, others).await;
            links.push(link);
            name = next;
        }
        Value::from(links)
    }

    /// One link of the chain, and the name it leads to.
    async fn link(&self, name: &OwnedName, asked: &Asked, others: Others) -> (Value, Option<OwnedName>) {
        let (mut start, rtype) = (None, asked.rtype);
        if let Some((link, next)) = self.own(name, asked, &mut start) {
            return (link, next);
        }
        let head =
            |source: &str| json!({ "name": name.to_string(), "type": rtype.to_string(), "source": source });
        let Some(learnt) = &self.learnt else {
            return (head("nobody: no zone here holds it, and nothing is resolved"), None);
        };
        if others == Others::Untold {
            return (head("others: the control socket explains what they say"), None);
        }
        let question = Question { name: name.clone(), rtype, checking_disabled: false, start };
        let ttl = learnt.ttl_left(name.as_name(), question.realm(learnt.realm), rtype);
        let trace = match self.shards.trace(&question).await {
            Some(trace) if others == Others::Known => Some(trace),
            _ => self.shards.resolve(question).await,
        };
        let mut link = head(if ttl.is_some() { "cache" } else { "resolution" });
        link["ttl"] = json!(ttl);
        let Some(trace) = trace else {
            link["end"] = json!("the resolver has no time to say");
            return (link, None);
        };
        link["trace"] = trace_of(&trace, clock::now());
        let next = match &trace.end {
            End::Alias(target) => Some(target.clone()),
            _ => None,
        };
        (link, next)
    }

    /// A link in an own zone or a special-use one; where it is delegated, `start` is where to go on.
    fn own(
        &self,
        name: &OwnedName,
        asked: &Asked,
        start: &mut Option<Start>,
    ) -> Option<(Value, Option<OwnedName>)> {
        let (at, rtype) = (name.as_name(), asked.rtype);
        let route = self
            .view
            .recursion
            .as_ref()
            .and_then(|r| r.upstreams.closest(&crate::zone::tree::Sought::new(at)));
        let beaten = |apex: Name<'_>| route.is_some_and(|route| route.0.as_name().len() > apex.len());
        let own = self.view.zones.find(at, rtype).filter(|held| !beaten(held.apex.as_name()));
        let special =
            self.view.recursion.as_ref().filter(|_| route.is_none()).and_then(|r| r.special.find(at, rtype));
        let (held, kind) = match (own, special) {
            (Some(own), _) => (own, "own zone"),
            (None, Some(special)) => (special, "special-use zone"),
            (None, None) => return None,
        };
        let source = format!("{kind} {}", held.apex);
        let mut link = json!({ "name": name.to_string(), "type": rtype.to_string(), "source": source });
        let zone = match &held.state {
            Ok(zone) => zone,
            Err(why) => {
                link["end"] = json!(format!("SERVFAIL: the zone is not loaded: {why}"));
                return Some((link, None));
            }
        };
        let (end, next) = own_end(zone, at, rtype);
        if let Lookup::Cut(cut) = zone.lookup(at, rtype)
            && self.learnt.is_some()
        {
            *start = Some(resolve::start(&self.view.zones, zone, cut, at));
            return None;
        }
        link["end"] = json!(end);
        let Some((steered, by)) = self.steered(held, zone, at, asked) else { return Some((link, next)) };
        link["end"] = json!(format!("steered{by}: pools and routes choose"));
        link["steered"] = steered.to_json(held.apex.as_name(), &self.checks);
        link["signatures"] = json!("none: steered answers are not signed");
        // Who asks for the alias itself, or for any, is not led on.
        let leads_on = !matches!(rtype, Rtype::CNAME | Rtype::ANY);
        Some((link, steered.alias().filter(|_| leads_on)))
    }

    /// How a name is steered for who asks, where pools and routes have a say over the type, and by which wildcard if by one.
    fn steered(
        &self,
        held: &Held,
        zone: &Zone,
        at: Name<'_>,
        asked: &Asked,
    ) -> Option<(Steered<'_>, String)> {
        let steering = self.view.steering.get(held.policy?)?;
        let Lookup::Name { node, wildcard } = zone.lookup(at, asked.rtype) else { return None };
        let now = self.view.epoch + clock::now().as_secs();
        let steered = Steered::new(steering, node.steered()?, asked.rtype, asked.from, now)?;
        // A CNAME stands for every type.
        let is_said = matches!(asked.rtype, Rtype::A | Rtype::AAAA | Rtype::ANY) || steered.alias().is_some();
        is_said.then(|| (steered, by_wildcard(node, wildcard)))
    }

    /// The questions under way, the oldest first.
    pub(super) async fn in_flight(&self) -> Value {
        let now = clock::now();
        let mut all = self.shards.in_flight().await;
        all.sort_by_key(|question| question.trace.begun);
        let row = |InFlight { trace, waiters, zone }: &InFlight| {
            json!({
                "name": trace.name.to_string(),
                "type": trace.rtype.to_string(),
                "age_ms": millis(now.since(trace.begun)),
                "waiting": waiters,
                "zone": zone.to_string(),
                "queries": trace.queries,
                "last": trace.steps.last().map(|(_, step)| step_text(step)),
            })
        };
        all.iter().map(row).collect()
    }

    /// What is known of servers, by zone and address.
    pub(super) fn servers(&self) -> Value {
        let Some(learnt) = &self.learnt else { return json!([]) };
        let mut all = learnt.known.servers(clock::now());
        all.sort_by(|a, b| (&a.zone, a.address).cmp(&(&b.zone, b.address)));
        let row = |server: &resolve::ServerState| {
            json!({
                "zone": server.zone.to_string(),
                "server": server.address.to_string(),
                "state": server.state,
                "rtt_ms": server.rtt.map(millis),
                "timeouts": server.timeouts,
                "quirks": server.quirks.join(", "),
            })
        };
        all.iter().map(row).collect()
    }
}

/// That a wildcard stands for a name, in words; empty where none does.
fn by_wildcard(node: &Node, wildcard: bool) -> String {
    if wildcard { format!(" by {}", node.name()) } else { String::new() }
}

/// What an own zone says of a name, in words, and where it leads.
fn own_end(zone: &Zone, name: Name<'_>, rtype: Rtype) -> (String, Option<OwnedName>) {
    match zone.lookup(name, rtype) {
        Lookup::Name { node, wildcard } => {
            let by = by_wildcard(node, wildcard);
            let target = |rtype| {
                let set = node.rrset(rtype)?;
                Some(Name::from_wire(set.rdatas.iter().next()?).ok()?.to_owned())
            };
            match target(Rtype::CNAME).filter(|_| rtype != Rtype::CNAME) {
                Some(target) => (format!("an alias{by} of {target}"), Some(target)),
                None if node.rrset(rtype).is_some() => {
                    let is_hinted = matches!(rtype, Rtype::HTTPS | Rtype::SVCB) && node.steered().is_some();
                    let hints =
                        if is_hinted { "; their address hints are what A and AAAA choose" } else { "" };
                    (format!("has {rtype} records{by}{hints}"), None)
                }
                None => (format!("exists{by}, but has no {rtype} records"), None),
            }
        }
        Lookup::Cut(cut) => (format!("delegated at {}", cut.name()), None),
        Lookup::Dname(node) => (format!("renamed by the DNAME of {}", node.name()), None),
        Lookup::Missing { encloser } => (format!("does not exist; {} does", encloser.name()), None),
    }
}

/// A trace for a person or a script.
fn trace_of(trace: &Trace, now: Instant) -> Value {
    let step = |(at, step): &(Duration, Step)| {
        let nested = match step {
            Step::LookedUp(trace) => trace_of(trace, now),
            _ => Value::Null,
        };
        json!({ "at_ms": millis(*at), "what": step_text(step), "trace": nested })
    };
    json!({
        "name": trace.name.to_string(),
        "type": trace.rtype.to_string(),
        "age_s": now.since(trace.begun).as_secs(),
        "took_ms": millis(trace.took()),
        "queries": trace.queries,
        "octets": trace.octets,
        "end": end_text(trace),
        "verdict": verdict(trace.verdict),
        "steps": trace.steps.iter().map(step).collect::<Value>(),
    })
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

fn step_text(step: &Step) -> String {
    let lower = |name: &OwnedName| name.to_string().to_ascii_lowercase();
    match step {
        Step::At(zone) => format!("the servers of {} are to be asked", lower(zone)),
        Step::Asked { server, name, rtype, transport } => {
            let over = if *transport == Transport::Tcp { " over TCP" } else { "" };
            format!("asked {server} for {} {rtype}{over}", lower(name))
        }
        Step::Heard { server, took, said } => format!("{server} {said} ({} ms)", millis(*took)),
        Step::Synthesised(zone) => {
            format!("nobody had to be asked: what {} denied before covers it (RFC 8198)", lower(zone))
        }
        Step::Bogus(flaw) => format!("that does not validate: {flaw}"),
        Step::LookedUp(trace) => {
            format!("looked up {} {}: {}", lower(&trace.name), trace.rtype, end_text(trace))
        }
    }
}

fn end_text(trace: &Trace) -> String {
    let text = match &trace.end {
        End::UnderWay => return "goes on".into(),
        End::Failed(why) => return format!("failed: {why}"),
        End::Found => "found".into(),
        End::Alias(target) => format!("an alias of {target}"),
        End::Denied(Rcode::NXDOMAIN) => "there is no such name".into(),
        End::Denied(_) => "there is nothing of that type".into(),
    };
    match trace.verdict {
        Verdict::Unchecked => text,
        verdict_of => format!("{text} ({})", verdict(verdict_of)),
    }
}
