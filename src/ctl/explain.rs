//! Explanations, questions under way and servers, as people read them.

use super::table::{Column, plain};
use serde_json::Value;
use std::fmt::Write;

/// Questions under way.
pub(super) const IN_FLIGHT: &[Column] = &[
    Column { title: "NAME", key: "name" },
    Column { title: "TYPE", key: "type" },
    Column { title: "AGE ms", key: "age_ms" },
    Column { title: "WAITING", key: "waiting" },
    Column { title: "ZONE", key: "zone" },
    Column { title: "QUERIES", key: "queries" },
    Column { title: "LAST", key: "last" },
];

/// Servers.
pub(super) const SERVERS: &[Column] = &[
    Column { title: "ZONE", key: "zone" },
    Column { title: "SERVER", key: "server" },
    Column { title: "STATE", key: "state" },
    Column { title: "RTT ms", key: "rtt_ms" },
    Column { title: "TIMEOUTS", key: "timeouts" },
    Column { title: "QUIRKS", key: "quirks" },
];

/// A chain of links as a tree.
pub(super) fn tree(links: &Value) -> String {
    let mut text = String::new();
    for link in links.as_array().into_iter().flatten() {
        let ttl = link["ttl"].as_u64().map_or(String::new(), |ttl| format!(", for {ttl} s more"));
        line(
            &mut text,
            0,
            &format!("{} {}  from {}{ttl}", word(&link["name"]), word(&link["type"]), word(&link["source"])),
        );
        if let Some(end) = link["end"].as_str() {
            line(&mut text, 1, end);
        }
        if link["steered"].is_object() {
            steered(&mut text, link);
        }
        if link["trace"].is_object() {
            trace(&mut text, 1, &link["trace"]);
        }
    }
    text
}

/// What a steered name is answered with, and how the members stand it was chosen from.
fn steered(text: &mut String, link: &Value) {
    let chosen = &link["steered"];
    let head = format!(
        "to {} as {}: {}; scope /{}; signatures {}",
        word(&chosen["from"]),
        word(&chosen["as"]),
        word(&chosen["answer"]),
        chosen["scope"],
        word(&link["signatures"]),
    );
    line(text, 1, &head);
    if let Some(basis) = chosen["basis"].as_str() {
        line(text, 1, basis);
    }
    line(text, 1, &format!("TTL {} s: {}", chosen["ttl"], word(&chosen["ttl_why"])));
    for route in chosen["routes"].as_array().into_iter().flatten() {
        routed(text, route);
    }
    for pool in chosen["pools"].as_array().into_iter().flatten() {
        let chosen = if pool["chosen"] == true { ", answers" } else { "" };
        line(text, 2, &format!("pool {} {}{chosen}", word(&pool["pool"]), word(&pool["stands"])));
        for member in pool["members"].as_array().into_iter().flatten() {
            let answered = if member["answered"] == true { ", answered with" } else { "" };
            let row = format!(
                "{} {} since {}: {}{}{}{answered}",
                word(&member["member"]),
                word(&member["standing"]),
                word(&member["since"]),
                word(&member["why"]),
                last_errors(member),
                weight(member),
            );
            line(text, 3, &row);
        }
    }
}

/// How its checks failed last, where that is not why it stands so.
fn last_errors(member: &Value) -> String {
    let endpoints = member["endpoints"].as_array().into_iter().flatten();
    let told = |endpoint: &Value| {
        let error = endpoint["last_error"].as_str().filter(|error| !word(&member["why"]).contains(error))?;
        Some(format!(", {} failed last with {error}", word(&endpoint["check"])))
    };
    endpoints.filter_map(told).collect()
}

/// A member's weight where it is not that of all, and what its load leaves of it.
fn weight(member: &Value) -> String {
    let weight = member["weight"].as_u64().unwrap_or(1);
    match member["share"].as_u64().unwrap_or(16) {
        16 if weight == 1 => String::new(),
        16 => format!(", weight {weight}"),
        share => format!(", {share}/16 of weight {weight} for its load"),
    }
}

/// What a route decided, and what of the client's place it decided by.
fn routed(text: &mut String, route: &Value) {
    let depth = 2 + route["depth"].as_u64().unwrap_or_default() as usize;
    let rule = route["rule"].as_u64().map_or("no rule holds".into(), |rule| format!("rule {rule}"));
    let drawn = route["drawn"].as_str().map_or_else(String::new, |name| format!(", draws {name}"));
    let at = word(&route["at"]);
    let spare = if route["spare"] == true { "for want of others, " } else { "" };
    // Of whom less is known than tells clients apart, others of that prefix may be decided otherwise.
    let alike = if route["cut"] == true { "decided by all that is sent of it," } else { "alike for" };
    let head =
        format!("{spare}route {}: {rule} ({at}){drawn}; {alike} /{}", word(&route["route"]), route["scope"]);
    line(text, depth, &head);
    for known in route["located"].as_array().into_iter().flatten() {
        line(text, depth + 1, word(known));
    }
    for near in route["nearest"].as_array().into_iter().flatten() {
        let counted = if near["counted"] == near["kilometres"] {
            String::new()
        } else {
            format!(", which count for {} by its bias", near["counted"])
        };
        let left = if near["tried"] == true { "" } else { ", left out by skip and take" };
        let (pool, kilometres) = (word(&near["pool"]), &near["kilometres"]);
        line(text, depth + 1, &format!("{pool} is {kilometres} km away{counted}{left}"));
    }
}

fn trace(text: &mut String, depth: usize, trace: &Value) {
    let plural = if trace["queries"] == 1 { "query" } else { "queries" };
    let head = format!(
        "{}: {} {plural}, {} octets, {} ms, {} s ago",
        word(&trace["end"]),
        trace["queries"],
        trace["octets"],
        trace["took_ms"],
        trace["age_s"]
    );
    line(text, depth, &head);
    steps(text, depth, trace);
}

fn steps(text: &mut String, depth: usize, trace: &Value) {
    for step in trace["steps"].as_array().into_iter().flatten() {
        let at = step["at_ms"].as_f64().unwrap_or_default();
        line(text, depth + 1, &format!("{at:>8.1} ms  {}", word(&step["what"])));
        if step["trace"].is_object() {
            steps(text, depth + 2, &step["trace"]);
        }
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn line(text: &mut String, depth: usize, what: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{:depth$}{}", "", plain(what), depth = 2 * depth);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_chain_is_a_tree_with_its_lookups_below() {
        let inner =
            json!({ "steps": [{ "at_ms": 1.5, "what": "asked 192.0.2.2:53 for ns. A", "trace": null }] });
        let steps = json!([
            { "at_ms": 0.0, "what": "the servers of . are to be asked", "trace": null },
            { "at_ms": 12.3, "what": "looked up ns. A: found", "trace": inner },
        ]);
        let links = json!([
            { "name": "a.", "type": "A", "source": "own zone a.", "end": "an alias of b." },
            { "name": "b.", "type": "A", "source": "cache", "ttl": 7, "trace":
                { "end": "found", "queries": 3, "octets": 99, "took_ms": 12.3, "age_s": 4, "steps": steps } },
        ]);
        let expected = "\
a. A  from own zone a.
  an alias of b.
b. A  from cache, for 7 s more
  found: 3 queries, 99 octets, 12.3 ms, 4 s ago
         0.0 ms  the servers of . are to be asked
        12.3 ms  looked up ns. A: found
             1.5 ms  asked 192.0.2.2:53 for ns. A
";
        assert_eq!(tree(&links), expected);
    }
}
