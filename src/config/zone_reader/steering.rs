//! `[pool.X]`, `[route.X]`, `[network.X]`.

use super::Parts;
use crate::config::continent::is_continent;
use crate::config::reader::{Reader, Table, Value};
use crate::config::{
    ActionSpec, MemberSpec, NetworkSpec, OnAllDown, Pick, PlaceSpec, PoolKind, PoolSpec, ProbedAt, RouteSpec,
    RuleSpec, Shed, Spanned, UseSpec, continent_of, embedded,
};
use ipnet::IpNet;

/// The named tables of a section: their names and contents.
pub(super) fn named<'t>(
    reader: &mut Reader<'_>,
    root: &mut Table<'t>,
    section: &'static str,
) -> Vec<(Spanned<String>, Table<'t>)> {
    let mut all = reader.section(root, section);
    let mut found = Vec::new();
    for (key, span, value) in all.take_all() {
        if let Some(table) = reader.table(value) {
            found.push((Spanned { value: key.to_owned(), span }, table));
        }
    }
    found
}

pub(super) fn strings(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    key: &'static str,
) -> Vec<Spanned<String>> {
    table.take(key).map_or_else(Vec::new, |value| reader.list(value, Reader::string))
}

/// `[network.X]`.
pub(in crate::config) fn networks(reader: &mut Reader<'_>, root: &mut Table<'_>) -> Vec<NetworkSpec> {
    let mut networks = Vec::new();
    for (name, mut table) in named(reader, root, "network") {
        let missing = format!("network {} has no cidr", name.value);
        let cidr = match table.take("cidr") {
            Some(value) => reader.some_list(value, missing, read_clients),
            None => {
                reader.error(name.span, missing);
                Vec::new()
            }
        };
        let place = PlaceSpec {
            country: table.take("country").and_then(|value| read_country(reader, value)),
            continent: table.take("continent").and_then(|value| read_continent(reader, value)),
            asn: table.take("asn").and_then(|value| read_asn(reader, value)),
            location: table.take("location").and_then(|value| location(reader, value)),
        };
        reader.finish(table, &format!("[network.{}]", name.value));
        networks.push(NetworkSpec { name, cidr, place });
    }
    networks
}

impl Parts {
    /// `[pool.X]`.
    pub(super) fn read_pools(&mut self, reader: &mut Reader<'_>, root: &mut Table<'_>) -> Vec<PoolSpec> {
        let mut pools = Vec::new();
        for (name, mut table) in named(reader, root, "pool") {
            let (members, cname) = (table.take("members"), table.take("cname"));
            let of_members = ["pick", "answer", "min_healthy"].map(|key| (key, table.take(key)));
            let shed = table.take("shed").and_then(|value| shed(reader, value));
            let location = table.take("location").and_then(|value| location(reader, value));
            let checks = strings(reader, &mut table, "check");
            reader.finish(table, &format!("[pool.{}]", name.value));
            let [pick, answer, min_healthy] = of_members.map(|(_, value)| value);
            let pick = pick.and_then(|value| reader.word(value, &PICKS)).unwrap_or_default();
            let answer = answer.and_then(|value| reader.integer(value, 1..=8)).map(|n| n as u8);
            let min_healthy = min_healthy.and_then(|value| reader.float(value, 0.0..=1.0));
            if members.is_some() == cname.is_some() {
                let message = format!("pool {} needs members or a cname, one of them", name.value);
                reader.error(name.span, message).help =
                    Some("members = [\"192.0.2.1\"] or cname = \"host.example.net.\"".into());
            }
            let target = cname.and_then(|value| {
                let target = reader.name(value, self.apex.as_name())?;
                Some(Spanned { value: target.as_name().to_owned(), span: value.span })
            });
            for (key, value) in of_members.into_iter().filter(|_| members.is_none() && cname.is_some()) {
                if let Some(value) = value {
                    reader.error(value.span, format!("{key} goes with members, not with a cname"));
                }
            }
            // A pool that is wrong keeps its name: its users are not told that there is none.
            let members = members.map_or_else(Vec::new, |value| read_members(reader, value));
            let kind = target.map_or(PoolKind::Members { members, pick, answer }, PoolKind::Cname);
            pools.push(PoolSpec { name, kind, location, min_healthy, checks, shed });
        }
        pools
    }

    /// `[route.X]`.
    pub(super) fn read_routes(&mut self, reader: &mut Reader<'_>, root: &mut Table<'_>) -> Vec<RouteSpec> {
        let mut routes = Vec::new();
        for (name, mut table) in named(reader, root, "route") {
            let mut rules = Vec::new();
            if let Some(value) = table.take("rule") {
                for element in reader.one_or_more(value) {
                    rules.extend(read_rule(reader, element));
                }
            }
            let written = |key| table.peek(key).is_some_and(|value| !value.is_empty());
            let leads = written("rule") || written("fallback");
            let fallback = strings(reader, &mut table, "fallback");
            let on_all_down = table.take("on_all_down").and_then(|value| {
                reader.word(
                    value,
                    &[
                        ("all", OnAllDown::All),
                        ("last_known", OnAllDown::LastKnown),
                        ("none", OnAllDown::None),
                        ("servfail", OnAllDown::Servfail),
                    ],
                )
            });
            reader.finish(table, &format!("[route.{}]", name.value));
            if !leads {
                reader.error(name.span, format!("route {} has neither rules nor a fallback", name.value));
            }
            routes.push(RouteSpec { name, rules, fallback, on_all_down: on_all_down.unwrap_or_default() });
        }
        routes
    }
}

/// `shed = { load = "report", low = 0.7, high = 0.95 }`.
fn shed(reader: &mut Reader<'_>, value: Value<'_>) -> Option<Shed> {
    let mut table = reader.table(value)?;
    let load = table.take("load").and_then(|value| reader.string(value));
    let marks = ["low", "high"].map(|key| table.take(key).and_then(|value| reader.float(value, 0.0..=1e9)));
    reader.finish(table, "shed");
    match (load, marks) {
        (Some(load), [Some(low), Some(high)]) if low < high => Some(Shed { load, low, high }),
        _ => {
            reader.error(value.span, "shed needs a push check and two marks, the low one first").help =
                Some("shed = { load = \"report\", low = 0.7, high = 0.95 }".into());
            None
        }
    }
}

/// Where a member is asked: an address, perhaps with a port.
fn probed_at(reader: &mut Reader<'_>, value: Value<'_>) -> Option<ProbedAt> {
    reader.parse(value, "an address, as in \"192.0.2.1\" or \"192.0.2.1:8080\"", |text| {
        let socket = text.parse::<std::net::SocketAddr>();
        let with_port = |at: std::net::SocketAddr| ProbedAt { address: at.ip(), port: Some(at.port()) };
        let bare = || Some(ProbedAt { address: text.parse().ok()?, port: None });
        socket.ok().filter(|at| at.port() != 0).map(with_port).or_else(bare)
    })
}

fn read_members(reader: &mut Reader<'_>, value: Value<'_>) -> Vec<MemberSpec> {
    let mut members: Vec<MemberSpec> = Vec::new();
    for element in reader.some(value, "a pool needs at least one member") {
        let member = if reader.is_table(element) {
            let Some(mut table) = reader.table(element) else { continue };
            let address = table.take("address").and_then(|value| reader.address(value));
            let weight = table.take("weight").and_then(|value| reader.integer(value, 0..=1_048_575));
            let probe = table.take("probe").and_then(|value| probed_at(reader, value));
            let id = table.take("id").and_then(|value| reader.string(value));
            if table.peek("address").is_none() {
                reader.error(element.span, "a member needs an address");
            }
            reader.finish(table, "the member");
            let Some(address) = address else { continue };
            let id = id.map_or_else(|| address.to_string(), |id| id.value);
            MemberSpec { address, weight: weight.map(|weight| weight as u32), id, probe, span: element.span }
        } else {
            let Some(address) = reader.address(element) else { continue };
            MemberSpec { address, weight: None, id: address.to_string(), probe: None, span: element.span }
        };
        if members.iter().any(|other| other.id == member.id) {
            reader.error(element.span, format!("the member {} is in this pool twice", member.id));
        } else if let Some(other) = members.iter().find(|other| other.address == member.address) {
            // RFC 2181 §5: an RRset has each record once.
            let message = format!("the address of {} is that of {}, too", member.id, other.id);
            reader.error(element.span, message).help = Some("write it once, with the weights of both".into());
        }
        members.push(member);
    }
    if members.len() > crate::limits::POOL_MEMBERS {
        reader.error(value.span, format!("a pool has at most {} members", crate::limits::POOL_MEMBERS));
    }
    members
}

fn location(reader: &mut Reader<'_>, value: Value<'_>) -> Option<(f64, f64)> {
    reader.parse(value, "latitude and longitude in degrees, as in \"50.1,8.7\"", |text| {
        let (latitude, longitude) = text.split_once(',')?;
        let (latitude, longitude) = (latitude.trim().parse().ok()?, longitude.trim().parse().ok()?);
        ((-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude))
            .then_some((latitude, longitude))
    })
}

/// `[[route.X.rule]]`.
fn read_rule(reader: &mut Reader<'_>, value: Value<'_>) -> Option<RuleSpec> {
    let mut table = reader.table(value)?;
    let (mut cidr, mut networks): (Vec<IpNet>, Vec<Spanned<String>>) = Default::default();
    if let Some(value) = table.take("cidr") {
        for element in reader.some(value, empty("cidr")) {
            match reader.string(element) {
                Some(text) if text.value.starts_with('@') => {
                    networks.push(Spanned { value: text.value[1..].to_owned(), span: text.span });
                }
                Some(_) => cidr.extend(read_clients(reader, element)),
                None => (),
            }
        }
    }
    let asn = keys(reader, &mut table, "asn", read_asn);
    let country = keys(reader, &mut table, "country", read_country);
    let continent = keys(reader, &mut table, "continent", read_continent);
    let (sticky, bias) = (table.take("sticky"), table.take("bias"));
    let (skip, take) = (table.take("skip"), table.take("take"));
    let (uses, nearest) = (table.take("use"), table.take("nearest"));
    let span = table.span;
    reader.finish(table, "the rule");
    let action = match (uses, nearest) {
        (Some(value), None) => ActionSpec::Use(read_uses(reader, value)),
        (None, Some(value)) => {
            let pools = reader.some_list(value, "nearest names at least one pool", Reader::string);
            for (i, pool) in pools.iter().enumerate() {
                if pools[..i].iter().any(|other| other.value == pool.value) {
                    reader.error(pool.span, format!("{} is in this list twice", pool.value));
                }
            }
            let bias = bias.map_or_else(Vec::new, |value| read_bias(reader, value, &pools));
            let (skip, take) = read_window(reader, (skip, take), pools.len());
            ActionSpec::Nearest { pools, bias, skip, take }
        }
        _ => {
            reader.error(span, "a rule needs use or nearest, one of them").help =
                Some("use = [\"pool\"] or nearest = [\"pool\", \"pool\"]".into());
            return None;
        }
    };
    for (key, value) in [("bias", bias), ("skip", skip), ("take", take)] {
        if let (Some(value), None) = (value, nearest) {
            reader.error(value.span, format!("{key} goes with nearest"));
        }
    }
    let weighted = |action: &ActionSpec| match action {
        ActionSpec::Use(uses) => uses.is_empty() || uses.iter().any(|used| used.weight.is_some()),
        ActionSpec::Nearest { .. } => false,
    };
    if let Some(value) = sticky.filter(|_| !weighted(&action)) {
        reader.error(value.span, "sticky goes with weights: without them every client gets the same").help =
            Some("use = [{ pool = \"NAME\", weight = 9 }, { pool = \"OTHER\", weight = 1 }]".into());
    }
    let sticky = sticky.and_then(|value| read_sticky(reader, value));
    Some(RuleSpec { cidr, networks, asn, country, continent, action, sticky, span })
}

/// A prefix of clients.
fn read_clients(reader: &mut Reader<'_>, value: Value<'_>) -> Option<IpNet> {
    let prefix = reader.prefix(value)?;
    if let Some((_, v4)) = embedded(prefix) {
        let message = format!("no client is in {prefix}: an address there counts as the IPv4 address in it");
        let cure = if v4.prefix_len() > 0 { format!("write \"{v4}\"") } else { "name IPv4 prefixes".into() };
        reader.warning(value.span, message).help = Some(cure);
    }
    Some(prefix)
}

fn read_asn(reader: &mut Reader<'_>, value: Value<'_>) -> Option<u32> {
    reader.integer(value, 0..=u32::MAX.into()).map(|n| n as u32)
}

fn read_country(reader: &mut Reader<'_>, value: Value<'_>) -> Option<[u8; 2]> {
    let code = reader.parse(value, "a country as two letters, as in \"DE\"", two_letters)?;
    if continent_of(code).is_none() {
        let message = format!("no country has the code {}", String::from_utf8_lossy(&code));
        reader.warning(value.span, message).help =
            Some("codes are those of ISO 3166-1, as in GB for the United Kingdom and GR for Greece".into());
    }
    Some(code)
}

fn read_continent(reader: &mut Reader<'_>, value: Value<'_>) -> Option<[u8; 2]> {
    let known = |text: &str| two_letters(text).filter(|code| is_continent(*code));
    reader.parse(value, "one of AF, AN, AS, EU, NA, OC, SA", known)
}

/// The values of a match key; a rule without the key is for everyone, one with an empty list is a mistake.
fn keys<'t, T>(
    reader: &mut Reader<'_>,
    table: &mut Table<'t>,
    key: &'static str,
    read: impl FnMut(&mut Reader<'_>, Value<'t>) -> Option<T>,
) -> Vec<T> {
    table.take(key).map_or_else(Vec::new, |value| reader.some_list(value, empty(key), read))
}

fn empty(key: &str) -> String {
    format!("{key} is empty: leave the key out for everyone")
}

fn read_sticky(reader: &mut Reader<'_>, value: Value<'_>) -> Option<(u8, u8)> {
    reader.parse(value, "\"client/N\" with N from 1 to 32", |text| {
        let bits = text.strip_prefix("client/")?.parse().ok().filter(|bits| (1..=32).contains(bits))?;
        Some((bits, sticky_v6(bits)))
    })
}

const PICKS: [(&str, Pick); 3] =
    [("round-robin", Pick::RoundRobin), ("random", Pick::Random), ("hash", Pick::Hash)];

/// A code of two letters, in upper case.
pub(crate) fn two_letters(text: &str) -> Option<[u8; 2]> {
    let code: [u8; 2] = text.as_bytes().try_into().ok()?;
    code.iter().all(u8::is_ascii_alphabetic).then(|| code.map(|letter| letter.to_ascii_uppercase()))
}

/// The IPv6 prefix that goes with an IPv4 one: /24 with /56, and as many bits more or less.
fn sticky_v6(bits: u8) -> u8 {
    (56 + i16::from(bits) - 24).clamp(1, 128) as u8
}

/// `use`: pools in order, or with weights.
fn read_uses(reader: &mut Reader<'_>, value: Value<'_>) -> Vec<UseSpec> {
    let mut uses: Vec<UseSpec> = Vec::new();
    for element in reader.some(value, "use names at least one pool") {
        let spec = if reader.is_table(element) {
            let Some(mut table) = reader.table(element) else { continue };
            let (pool, weight) = (table.take("pool"), table.take("weight"));
            reader.finish(table, "use");
            if pool.is_none() || weight.is_none() {
                reader.error(element.span, "write { pool = \"NAME\", weight = N }");
            }
            let pool = pool.and_then(|value| reader.string(value));
            let weight = weight.and_then(|value| reader.integer(value, 0..=1_048_575));
            let (Some(pool), Some(weight)) = (pool, weight) else { continue };
            UseSpec { pool, weight: Some(weight as u32) }
        } else {
            let Some(pool) = reader.string(element) else { continue };
            UseSpec { pool, weight: None }
        };
        if uses.first().is_some_and(|first| first.weight.is_some() != spec.weight.is_some()) {
            reader.error(element.span, "use is an ordered list or one with weights, not both");
        }
        if uses.iter().any(|other| other.pool.value == spec.pool.value) {
            reader.error(element.span, format!("{} is in this list twice", spec.pool.value));
        }
        uses.push(spec);
    }
    uses
}

/// `skip` and `take` of a `nearest` with so many pools, of which at least one is left.
fn read_window(
    reader: &mut Reader<'_>,
    (skip, take): (Option<Value<'_>>, Option<Value<'_>>),
    pools: usize,
) -> (usize, usize) {
    let most = i64::try_from(pools).unwrap_or(i64::MAX).max(1);
    let skip = skip.and_then(|value| reader.integer(value, 0..=most - 1)).unwrap_or(0);
    let take = take.and_then(|value| reader.integer(value, 1..=most)).unwrap_or(most);
    (skip as usize, take as usize)
}

fn read_bias(
    reader: &mut Reader<'_>,
    value: Value<'_>,
    pools: &[Spanned<String>],
) -> Vec<(Spanned<String>, i8)> {
    let Some(mut table) = reader.table(value) else { return Vec::new() };
    let mut found = Vec::new();
    for (key, span, value) in table.take_all() {
        if !pools.iter().any(|pool| pool.value == key) {
            reader.error(span, format!("{key} is not in nearest"));
        }
        if let Some(bias) = reader.integer(value, -99..=99) {
            found.push((Spanned { value: key.to_owned(), span }, bias as i8));
        }
    }
    found
}
