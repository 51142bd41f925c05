//! Health, looked at and changed on an operator's behalf, and what endpoints report of themselves.

use crate::health::{Kind, Override, Report};
use crate::limits;
use crate::net::Checks;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;

/// Members that match a pattern, and all overrides.
pub(super) fn list(checks: &Checks, pattern: Option<&str>) -> Value {
    let mut members: Vec<Value> = Vec::new();
    let mut from = 0;
    loop {
        // Those who ask and answer wait for one piece at a time.
        let looked_at = checks.with(|health, now| {
            let mut looked_at = 0;
            for member in health.members(now).skip(from).take(limits::HEALTH_PIECE) {
                looked_at += 1;
                if pattern.is_none_or(|pattern| member.matches(pattern)) {
                    members.push(member.to_json());
                }
            }
            looked_at
        });
        if looked_at == 0 {
            break;
        }
        from += looked_at;
    }
    let overrides =
        checks.with(|health, _| -> Vec<Value> { health.overrides().iter().map(Override::to_json).collect() });
    json!({ "members": members, "overrides": overrides })
}

/// What has happened, the oldest first.
pub(super) fn history(checks: &Checks) -> Value {
    checks.with(|health, _| health.history().map(|event| event.to_json()).collect())
}

/// What a query asks to hold.
///
/// # Errors
/// One line that says what is wrong with it.
pub(super) fn hold(checks: &Checks, query: Option<&str>) -> Result<Value, String> {
    let (mut pattern, mut kind, mut why, mut seconds) = (None, None, String::new(), None);
    for (key, value) in pairs(query) {
        match &*key {
            "pattern" => pattern = Some(value),
            "kind" => {
                kind = Some(Kind::from_text(&value).ok_or(format!("{value:?} is not drain, down or up"))?)
            }
            "seconds" => {
                let read = value.parse::<u64>();
                seconds = Some(read.map_err(|_| format!("{key}={value}: it is not a number of seconds"))?);
            }
            "why" => why = value,
            _ => return Err(format!("{key:?} means nothing here: pattern, kind, seconds and why do")),
        }
    }
    let (pattern, kind) =
        (pattern.ok_or("say which: pattern=POOL/MEMBER")?, kind.ok_or("say what: kind=drain")?);
    let held = checks.with(|health, now| {
        let since = health.unix(now);
        let until = seconds.map(|seconds| since.saturating_add(seconds));
        health.set_override(now, Override { pattern, kind, until, why, since })
    });
    held.map(|members| json!({ "members": members })).map_err(|error| error.to_string())
}

/// Ends what a query names.
///
/// # Errors
/// One line that says what is wrong with it.
pub(super) fn lift(checks: &Checks, query: Option<&str>) -> Result<Value, String> {
    let pattern = pattern(query)?.ok_or("say which: pattern=POOL/MEMBER")?;
    match checks.with(|health, now| health.lift(now, &pattern)) {
        0 => Err(checks.with(|health, _| match health.held_by(&pattern) {
            Some(held) => {
                format!("there is no override of {pattern:?}; what holds there is {held:?}: lift that")
            }
            None => format!("there is no override of {pattern:?}: `waymark ctl health` lists them"),
        })),
        lifted => Ok(json!({ "lifted": lifted })),
    }
}

/// The pattern of a query that may have one.
///
/// # Errors
/// One line that says what else it has.
pub(super) fn pattern(query: Option<&str>) -> Result<Option<String>, String> {
    let mut found = None;
    for (key, value) in pairs(query) {
        match &*key {
            "pattern" => found = Some(value),
            _ => return Err(format!("{key:?} means nothing here: pattern does")),
        }
    }
    Ok(found)
}

/// Takes an endpoint's report of itself: `address=IP&state=up|down`, with `load`, `ttl` (seconds) and `why` where there are any.
///
/// # Errors
/// One line that says what is wrong with it, and whether it is the token.
pub(super) fn report(checks: &Checks, token: &str, query: Option<&str>) -> Result<(), (bool, String)> {
    let said = |why: String| (false, why);
    let mut address = None;
    let mut report = Report { up: true, load: None, ttl: None, why: String::new() };
    for (key, value) in pairs(query) {
        let wrong = |what| said(format!("{key}={value}: it is not {what}"));
        match &*key {
            "address" => address = Some(value.parse::<IpAddr>().map_err(|_| wrong("an address"))?),
            "state" => report.up = up(&value).ok_or(wrong("up or down"))?,
            "load" => {
                let load = value.parse::<f64>().ok().filter(|load| load.is_finite() && *load >= 0.0);
                report.load = Some(load.ok_or(wrong("a number"))?);
            }
            "ttl" => {
                let seconds = value.parse::<u32>().ok().filter(|seconds| *seconds > 0);
                let seconds = seconds.ok_or(wrong("a number of seconds, one or more"))?;
                report.ttl = Some(Duration::from_secs(seconds.into()));
            }
            // A line break would be one in the log.
            "why" => {
                let plain = value.chars().map(|c| if c.is_control() { ' ' } else { c });
                report.why = plain.take(limits::PROBE_ERROR / 4).collect();
            }
            _ => {
                return Err(said(format!(
                    "{key:?} means nothing here: address, state, load, ttl and why do"
                )));
            }
        }
    }
    let address = address.ok_or(said("say who: address=IP".into()))?;
    let taken = checks.with(|health, now| health.handle_report(now, token, address, &report));
    taken.map_err(|error| (true, error.to_string()))
}

fn up(text: &str) -> Option<bool> {
    match text {
        "up" => Some(true),
        "down" => Some(false),
        _ => None,
    }
}

fn pairs(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned()
}
