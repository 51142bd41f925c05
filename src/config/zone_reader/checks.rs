//! `[check.X]`.

use super::steering::{named, strings};
use crate::config::check::without_port;
use crate::config::reader::{Reader, Table, Value};
use crate::config::{
    Calculated, Check, CheckKind, CheckSpec, CommandProbe, DnsProbe, GrpcProbe, HttpProbe, Operand, Pace,
    Probe, PushProbe, Span, Spanned, TcpProbe, Tls, authorities,
};
use crate::rrset;
use crate::wire::{Name, Rcode, Rtype};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::pki_types::ServerName;

/// The keys that say what a check does.
const KINDS: [&str; 10] = ["http", "tcp", "dns", "grpc", "ping", "command", "push", "all", "any", "at_least"];

/// `[check.X]`. Paths in them are relative to `base`.
pub(in crate::config) fn checks(
    reader: &mut Reader<'_>,
    root: &mut Table<'_>,
    base: &Path,
) -> Vec<CheckSpec> {
    let mut checks = Vec::new();
    for (name, mut table) in named(reader, root, "check") {
        let written: Vec<&str> = KINDS.into_iter().filter(|kind| table.peek(kind).is_some()).collect();
        if let Some((why, cure)) = written.iter().find_map(|kind| paceless(kind)) {
            for (key, span) in PACE.iter().filter_map(|key| Some((key, table.take(key)?.span))) {
                reader.error(span, format!("{key} {why}")).help = Some(cure.into());
            }
        }
        let (pace, failover_within) = pace(reader, &mut table);
        let kind = match written[..] {
            [kind] => read(reader, &mut table, kind, pace, base),
            _ => {
                let message = format!("check {} does not say what it does, or says it twice", name.value);
                reader.error(name.span, message).help = Some(format!("write one of {}", KINDS.join(", ")));
                for kind in KINDS {
                    table.take(kind);
                }
                None
            }
        };
        reader.finish(table, &format!("[check.{}]", name.value));
        // One that is wrong keeps its name: its users are not told that there is none.
        let kind = kind.unwrap_or(CheckKind::Made(Arc::new(Check { probe: Probe::Ping, pace })));
        checks.push(CheckSpec { name, kind, failover_within });
    }
    checks
}

/// The keys that say how often is asked, and how many in a row count.
const PACE: [&str; 5] = ["failover_within", "interval", "timeout", "rise", "fall"];

/// Why checks of a kind have no pace of their own, and where it is.
fn paceless(kind: &str) -> Option<(&'static str, &'static str)> {
    match kind {
        "all" | "any" | "at_least" => Some((
            "goes with checks that ask: this one follows from others",
            "write it in the checks that this one is calculated from",
        )),
        "push" => Some((
            "goes with checks that ask: these endpoints report themselves",
            "how long a report counts is its ttl: push = { token = \"...\", ttl = \"30s\" }",
        )),
        _ => None,
    }
}

/// How often, and how many in a row.
fn pace(reader: &mut Reader<'_>, table: &mut Table<'_>) -> (Pace, Option<Duration>) {
    let within = table.take("failover_within").and_then(|value| {
        let seconds = reader.seconds(value)?;
        let long = (10..=3_600).contains(&seconds).then_some(seconds);
        if long.is_none() {
            reader.expected(value, "10 seconds to an hour");
        }
        long.map(|seconds| Duration::from_secs(seconds.into()))
    });
    let mut pace = within.map_or_else(Pace::default, Pace::of_failover);
    for key in ["interval", "timeout", "rise", "fall"] {
        let Some(value) = table.take(key) else { continue };
        if within.is_some() && key != "rise" {
            let message = format!("{key} follows from failover_within: remove one of the two");
            reader.error(value.span, message);
            continue;
        }
        match key {
            "interval" => {
                if let Some(seconds) = reader.seconds(value).filter(|seconds| (1..=3_600).contains(seconds)) {
                    pace.interval = Duration::from_secs(seconds.into());
                    pace.timeout = pace.timeout.min(pace.interval / 2);
                } else {
                    reader.error(value.span, "an interval is a second to an hour");
                }
            }
            "timeout" => {
                let Some(time) = duration(reader, value) else { continue };
                if time >= pace.interval || time.is_zero() {
                    reader.error(value.span, "a timeout must be shorter than the interval").help =
                        Some(format!("the interval is {} s", pace.interval.as_secs()));
                } else {
                    pace.timeout = time;
                }
            }
            _ => {
                let Some(count) = reader.integer(value, 1..=20) else { continue };
                *(if key == "rise" { &mut pace.rise } else { &mut pace.fall }) = count as u8;
            }
        }
    }
    (pace, within)
}

/// A duration that may be less than a second: "500ms".
fn duration(reader: &mut Reader<'_>, value: Value<'_>) -> Option<Duration> {
    let millis = reader.bare(value).strip_suffix("ms").and_then(|millis| millis.parse().ok());
    millis.map(Duration::from_millis).or_else(|| Some(Duration::from_secs(reader.seconds(value)?.into())))
}

fn read(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    kind: &'static str,
    pace: Pace,
    base: &Path,
) -> Option<CheckKind> {
    let value = table.take(kind)?;
    let probe = match kind {
        "http" => Probe::Http(http(reader, table, value, base)?),
        "tcp" => Probe::Tcp(tcp(reader, table, value, base)?),
        "dns" => Probe::Dns(dns(reader, table, value)?),
        "grpc" => Probe::Grpc(grpc(reader, table, value, base)?),
        "ping" => {
            if !reader.is_true(value) {
                reader.parse(value, "true or \"{address}\"", |text| (text == "{address}").then_some(()))?;
            }
            Probe::Ping
        }
        "command" => Probe::Command(command(reader, value)?),
        "push" => Probe::Push(push(reader, value)?),
        _ => return calculated(reader, table, kind, value),
    };
    Some(CheckKind::Made(Arc::new(Check { probe, pace })))
}

/// What is expected of an answer: the table's keys are taken by the kinds that have them.
struct Expected<'t> {
    table: Option<Table<'t>>,
}

impl<'t> Expected<'t> {
    fn of(reader: &mut Reader<'_>, table: &mut Table<'t>) -> Expected<'t> {
        Expected { table: table.take("expect").and_then(|value| reader.table(value)) }
    }

    fn take(&mut self, key: &'static str) -> Option<Value<'t>> {
        self.table.as_mut().and_then(|table| table.take(key))
    }

    fn finish(self, reader: &mut Reader<'_>) {
        if let Some(table) = self.table {
            reader.finish(table, "expect");
        }
    }
}

fn text(reader: &mut Reader<'_>, table: &mut Table<'_>, key: &'static str) -> Option<String> {
    table.take(key).and_then(|value| reader.string(value)).map(|text| text.value)
}

fn flag(reader: &mut Reader<'_>, table: &mut Table<'_>, key: &'static str) -> Option<bool> {
    table.take(key).and_then(|value| reader.boolean(value))
}

/// `host`: what is asked for, perhaps with a port.
fn host(reader: &mut Reader<'_>, table: &mut Table<'_>) -> Option<String> {
    table.take("host").and_then(|value| {
        let is_host = |text: &str| text.parse::<hyper::http::uri::Authority>().is_ok() && !text.contains('@');
        let form = "a host, perhaps with a port, as in \"www.example.com\"";
        reader.parse(value, form, |text| is_host(text).then(|| text.to_owned()))
    })
}

/// How TLS is done, with the keys that say so.
fn tls(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    expected: &mut Expected<'_>,
    on: bool,
    name: Option<&str>,
    base: &Path,
) -> Option<Tls> {
    let keys = ["sni", "verify", "ca"].map(|key| (key, table.peek(key).map(|value| value.span)));
    let sni = table.take("sni").and_then(|value| {
        let is_name = |text: &str| ServerName::try_from(text.to_owned()).is_ok();
        let form = "the name in a certificate, as in \"www.example.com\"";
        reader.parse(value, form, |text| is_name(text).then(|| text.to_owned()))
    });
    let verify = flag(reader, table, "verify").unwrap_or(true);
    let ca = table.take("ca").and_then(|value| {
        let path = base.join(reader.string(value)?.value);
        match authorities(&path) {
            Ok((_, stamp)) => reader.diagnostics.depend(&path, stamp),
            Err(why) => {
                reader.error(value.span, why).help =
                    Some("ca is a PEM file of the authorities that are trusted".into());
            }
        }
        Some(path)
    });
    let valid_for = expected.take("cert_valid_for").map(|value| (value.span, reader.seconds(value)));
    if !on {
        let spans = keys.into_iter().filter_map(|(key, span)| Some((key, span?)));
        for (key, span) in spans.chain(valid_for.map(|(span, _)| ("cert_valid_for", span))) {
            reader.error(span, format!("{key} goes with TLS, which this check does not use"));
        }
        return None;
    }
    let seconds = valid_for.and_then(|(_, seconds)| seconds).unwrap_or(0);
    let name = sni.or_else(|| name.map(str::to_owned));
    Some(Tls { name, verify, ca, valid_for: Duration::from_secs(seconds.into()) })
}

/// `{address}` with a port, if there is one; without `port` there must be.
fn port(reader: &mut Reader<'_>, place: &str, span: Span, port: Option<u16>) -> Option<u16> {
    let rest = place.strip_prefix("{address}");
    let found = match rest {
        Some("") => port,
        Some(rest) => rest.strip_prefix(':').and_then(|port| port.parse().ok()).filter(|port| *port != 0),
        None => None,
    };
    if found.is_none() {
        let cure = match rest {
            Some(_) => "write it as {address}:PORT",
            None if place.contains("://") => "it is not a URL: {address}:PORT, and tls = true for TLS",
            None => {
                "{address} stands for each member's address; a member may be asked elsewhere with probe = \"...\""
            }
        };
        reader.error(span, format!("{place:?} does not say where to ask")).help = Some(cure.into());
    }
    found
}

fn http(reader: &mut Reader<'_>, table: &mut Table<'_>, value: Value<'_>, base: &Path) -> Option<HttpProbe> {
    let mut expected = Expected::of(reader, table);
    let url = reader.string(value)?.value;
    let (secure, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => {
            reader.expected(value, "a URL, as in \"https://{address}/healthz\"");
            return None;
        }
    };
    let (place, path) = rest.find(['/', '?', '#']).map_or((rest, ""), |end| rest.split_at(end));
    // RFC 9110 §4.2.3: an empty path is "/".
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let port = port(reader, place, value.span, Some(if secure { 443 } else { 80 }));
    if path.parse::<hyper::Uri>().is_err() {
        reader.error(value.span, format!("{path:?} is not a path of a URL"));
    }
    let host = host(reader, table);
    let bare = host.as_deref().map(without_port);
    let tls = tls(reader, table, &mut expected, secure, bare, base);
    let method = table.take("method").and_then(|value| {
        let form = "a method, as in \"GET\" or \"HEAD\"";
        reader.parse(value, form, |text| text.parse::<hyper::Method>().ok().map(|_| text.to_owned()))
    });
    let http2 = flag(reader, table, "http2").unwrap_or(false);
    let status = expected.take("status").map(|value| reader.list(value, status));
    let body = expected.take("body").and_then(|value| reader.string(value)).map(|text| text.value);
    expected.finish(reader);
    Some(HttpProbe {
        port: port?,
        tls,
        method: method.unwrap_or_else(|| "GET".into()),
        path,
        host,
        http2,
        status: status.filter(|status| !status.is_empty()).unwrap_or_else(|| vec![200..=299]),
        body,
    })
}

/// 200, "200" or "200-299".
fn status(reader: &mut Reader<'_>, value: Value<'_>) -> Option<RangeInclusive<u16>> {
    let text = reader.bare(value);
    let (from, to) = text.split_once('-').unwrap_or((&text, &text));
    let code = |text: &str| text.trim().parse::<u16>().ok().filter(|code| (100..=599).contains(code));
    let range = code(from).zip(code(to)).filter(|(from, to)| from <= to).map(|(from, to)| from..=to);
    if range.is_none() {
        reader.expected(value, "a status or a range of them, as in 200 or \"200-299\"");
    }
    range
}

fn tcp(reader: &mut Reader<'_>, table: &mut Table<'_>, value: Value<'_>, base: &Path) -> Option<TcpProbe> {
    let mut expected = Expected::of(reader, table);
    let place = reader.string(value)?.value;
    let port = port(reader, &place, value.span, None);
    let on = flag(reader, table, "tls").unwrap_or(false);
    let tls = tls(reader, table, &mut expected, on, None, base);
    let send = text(reader, table, "send");
    let expect = expected.take("text").and_then(|value| reader.string(value)).map(|text| text.value);
    expected.finish(reader);
    Some(TcpProbe { port: port?, tls, send, expect })
}

fn grpc(reader: &mut Reader<'_>, table: &mut Table<'_>, value: Value<'_>, base: &Path) -> Option<GrpcProbe> {
    let mut expected = Expected::of(reader, table);
    let place = reader.string(value)?.value;
    let port = port(reader, &place, value.span, None);
    let on = flag(reader, table, "tls").unwrap_or(false);
    let host = host(reader, table);
    let tls = tls(reader, table, &mut expected, on, host.as_deref().map(without_port), base);
    let service = table.take("service").and_then(|value| {
        let short = |text: &str| (text.len() <= 127).then(|| text.to_owned());
        reader.parse(value, "the name of a service, at most 127 octets", short)
    });
    expected.finish(reader);
    Some(GrpcProbe { port: port?, tls, host, service: service.unwrap_or_default() })
}

fn dns(reader: &mut Reader<'_>, table: &mut Table<'_>, value: Value<'_>) -> Option<DnsProbe> {
    let mut expected = Expected::of(reader, table);
    let place = reader.string(value)?.value;
    let port = port(reader, &place, value.span, Some(53));
    let Some(query) = table.take("query") else {
        reader.error(value.span, "a dns check needs a question: query = \"example.com SOA\"");
        return None;
    };
    let (name, rtype) = reader.parse(query, "a name and a type, as in \"example.com SOA\"", |text| {
        let (name, rtype) = text.split_once(' ')?;
        Some((name.parse().ok()?, Rtype::from_text(rtype.trim())?))
    })?;
    let rcode = expected
        .take("rcode")
        .and_then(|value| reader.parse(value, "a response code, as in \"NOERROR\"", Rcode::from_text));
    let answer = expected.take("answer").and_then(|value| {
        let (text, mut rdata) = (reader.string(value)?, Vec::new());
        match rrset::parse_rdata(rtype, &text.value, Name::ROOT, &mut rdata) {
            Ok(()) => Some(rdata),
            Err(error) => {
                reader.error(value.span, format!("{:?} is not {rtype} data: {}", text.value, error.message));
                None
            }
        }
    });
    expected.finish(reader);
    Some(DnsProbe { port: port?, name, rtype, rcode: rcode.unwrap_or(Rcode::NOERROR), answer })
}

fn command(reader: &mut Reader<'_>, value: Value<'_>) -> Option<CommandProbe> {
    let line = reader.some_list(value, "a command needs a program", Reader::string);
    let first = line.first()?;
    if !first.value.starts_with('/') {
        reader.error(first.span, format!("{:?} is not the absolute path of a program", first.value)).help =
            Some("there is no search: as in \"/usr/lib/nagios/plugins/check_ldap\"".into());
    }
    Some(CommandProbe { line: line.into_iter().map(|word| word.value).collect() })
}

fn push(reader: &mut Reader<'_>, value: Value<'_>) -> Option<PushProbe> {
    let mut table = reader.table(value)?;
    let token = table.take("token").and_then(|value| {
        let long = |text: &str| (16..=256).contains(&text.len()).then(|| text.to_owned());
        reader.parse(value, "a secret of 16 to 256 characters", long)
    });
    let ttl = table.take("ttl").and_then(|value| {
        let ttl = reader.seconds(value)?;
        if ttl == 0 {
            reader.error(value.span, "a report that holds for no time is none: ttl = \"30s\"");
        }
        Some(ttl)
    });
    if table.peek("token").is_none() {
        reader.error(value.span, "reports need a secret: push = { token = \"...\", ttl = \"30s\" }");
    }
    reader.finish(table, "push");
    Some(PushProbe { token: token?, ttl: Duration::from_secs(ttl.unwrap_or(30).max(1).into()) })
}

fn calculated(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    kind: &'static str,
    value: Value<'_>,
) -> Option<CheckKind> {
    let (needed, operands) = match kind {
        "at_least" => (reader.integer(value, 1..=100)? as usize, strings(reader, table, "of")),
        _ => (1, reader.some_list(value, "it needs at least one check", Reader::string)),
    };
    let of: Vec<Operand> = operands.into_iter().filter_map(|text| operand(reader, text)).collect();
    if of.len() < needed {
        reader.error(value.span, format!("{needed} of {} can never hold", of.len())).help =
            Some("list the checks: at_least = 2, of = [\"a\", \"b\", \"c\"]".into());
        return None;
    }
    let needed = if kind == "all" { of.len() } else { needed };
    Some(CheckKind::Calculated(Calculated { needed, of }))
}

/// `"web"`, `"!web"`, `"web@192.0.2.1"`.
fn operand(reader: &mut Reader<'_>, text: Spanned<String>) -> Option<Operand> {
    let Spanned { value, span } = text;
    let (negated, rest) = value.strip_prefix('!').map_or((false, value.as_str()), |rest| (true, rest));
    let (name, at) = rest.split_once('@').map_or((rest, None), |(name, at)| (name, Some(at)));
    let at = match at.map(str::parse) {
        Some(Err(_)) => {
            reader.error(span, format!("{value:?}: what stands after @ is not an address"));
            return None;
        }
        Some(Ok(at)) => Some(at),
        None => None,
    };
    Some(Operand { negated, check: Spanned { value: name.to_owned(), span }, at })
}
