//! `waymark ctl health`, `drain`, `down`, `up`, `lift`: what is known of the members of pools, and what an operator says of them.

use super::arguments::Hold;
use super::table::{Column, Table};
use super::{Daemon, print};
use crate::control::CallError;
use hyper::Method;
use serde_json::Value;

/// Members.
const MEMBERS: &[Column] = &[
    Column { title: "ZONE", key: "zone" },
    Column { title: "POOL", key: "pool" },
    Column { title: "MEMBER", key: "member" },
    Column { title: "STATE", key: "standing" },
    Column { title: "SINCE", key: "since" },
    Column { title: "WHY", key: "why" },
];

/// What has happened.
const HISTORY: &[Column] = &[Column { title: "AT", key: "at" }, Column { title: "WHAT", key: "text" }];

/// What operators said.
const OVERRIDES: &[Column] = &[
    Column { title: "OVERRIDE", key: "kind" },
    Column { title: "OF", key: "pattern" },
    Column { title: "SINCE", key: "since" },
    Column { title: "UNTIL", key: "until" },
    Column { title: "WHY", key: "why" },
];

impl Daemon {
    /// Shows members and overrides, or the history.
    pub(super) fn health(&self, pattern: Option<&str>, history: bool) -> Result<(), CallError> {
        if history {
            return self.table("/health/history", HISTORY);
        }
        let query =
            pattern.map_or_else(String::new, |pattern| format!("?{}", query(&[("pattern", pattern)])));
        let known = self.value(Method::GET, &format!("/health{query}"))?;
        print(if self.json { format!("{known:#}") } else { show(&known) });
        Ok(())
    }

    /// Sets an override.
    pub(super) fn hold(&self, kind: &str, hold: &Hold) -> Result<(), CallError> {
        let seconds = hold.seconds.map(|seconds| seconds.to_string());
        let mut pairs = vec![("kind", kind), ("pattern", hold.pattern.as_str()), ("why", hold.why.as_str())];
        pairs.extend(seconds.as_deref().map(|seconds| ("seconds", seconds)));
        let value = self.value(Method::POST, &format!("/health/override?{}", query(&pairs)))?;
        let time = hold.seconds.map_or("until it is lifted".to_owned(), |seconds| format!("for {seconds} s"));
        let text = format!("{}: {kind} {time}", members(&value));
        print(if self.json { format!("{value:#}") } else { text });
        Ok(())
    }

    /// Ends overrides.
    pub(super) fn lift(&self, pattern: &str) -> Result<(), CallError> {
        let value = self.value(Method::POST, &format!("/health/lift?{}", query(&[("pattern", pattern)])))?;
        let text = match value["lifted"].as_u64() {
            Some(1) => "1 override is lifted".to_owned(),
            lifted => format!("{} overrides are lifted", lifted.unwrap_or(0)),
        };
        print(if self.json { format!("{value:#}") } else { text });
        Ok(())
    }
}

fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// How many members an override holds for.
fn members(value: &Value) -> String {
    match value["members"].as_u64() {
        Some(1) => "1 member".to_owned(),
        members => format!("{} members", members.unwrap_or(0)),
    }
}

/// What is known, as tables.
fn show(known: &Value) -> String {
    let rows = |key: &str| known[key].as_array().cloned().unwrap_or_default();
    let (members, overrides) = (rows("members"), rows("overrides"));
    let mut text = match members.is_empty() {
        true => "there are no members: no zone has a pool of addresses, or none matches\n".to_owned(),
        false => Table { columns: MEMBERS, rows: &members }.show(false),
    };
    if !overrides.is_empty() {
        text.push('\n');
        text.push_str(&Table { columns: OVERRIDES, rows: &overrides }.show(false));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_person_reads_who_is_up_and_what_was_said_of_them() {
        let known = json!({
            "members": [
                { "zone": "example.", "pool": "web", "member": "192.0.2.1", "standing": "down", "since": "2026-11-26T00:00:00Z", "why": "connection refused" },
                { "zone": "example.", "pool": "web", "member": "b", "standing": "drained", "since": "2026-11-26T00:00:00Z", "why": "disk" },
            ],
            "overrides": [
                { "kind": "drain", "pattern": "web/b", "since": "2026-11-26T00:00:00Z", "until": null, "why": "disk" },
            ],
        });
        let expected = "\
ZONE      POOL  MEMBER     STATE    SINCE                 WHY
example.  web   192.0.2.1  down     2026-11-26T00:00:00Z  connection refused
example.  web   b          drained  2026-11-26T00:00:00Z  disk

OVERRIDE  OF     SINCE                 UNTIL  WHY
drain     web/b  2026-11-26T00:00:00Z         disk
";
        assert_eq!(show(&known), expected);
        assert!(show(&json!({})).starts_with("there are no members"));
    }
}
