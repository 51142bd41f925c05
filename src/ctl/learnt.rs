//! `waymark ctl cache`: entries as a table or as the lines of a master file.

use super::arguments::{below_query, name_query};
use super::table::{Column, Table, plain};
use super::{Daemon, print};
use crate::control::CallError;
use crate::say;
use crate::wire::{OwnedName, Rtype};
use hyper::Method;
use serde_json::Value;
use std::fmt::Write;
use std::ops::ControlFlow;

/// The columns of a lookup.
const COLUMNS: &[Column] = &[
    Column { title: "TYPE", key: "type" },
    Column { title: "TTL", key: "ttl" },
    Column { title: "STALE", key: "stale" },
    Column { title: "CD", key: "checking_disabled" },
    Column { title: "VERDICT", key: "verdict" },
    Column { title: "KIND", key: "kind" },
    Column { title: "DATA", key: "data" },
];

impl Daemon {
    /// Shows the entries of a name.
    pub(super) fn lookup(&self, name: &OwnedName, rtype: Option<Rtype>) -> Result<(), CallError> {
        let text = self.text(Method::GET, &format!("/cache?{}", name_query(name, rtype)))?;
        let mut rows: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        rows.sort_by_cached_key(|row| (row["type"].to_string(), row["checking_disabled"].to_string()));
        let table = Table { columns: COLUMNS, rows: &rows };
        print(match rows.is_empty() && !self.json {
            true => format!("nothing of {name} is cached"),
            false => table.show(self.json),
        });
        Ok(())
    }

    /// Writes entries as they come.
    pub(super) fn dump(&self, below: Option<&OwnedName>) -> Result<(), CallError> {
        let path = below.map_or_else(|| "/cache".into(), |name| format!("/cache?{}", below_query(name)));
        let mut rest = Vec::new();
        self.call(Method::GET, &path, |piece| {
            rest.extend_from_slice(piece);
            let end = rest.iter().rposition(|&octet| octet == b'\n').map_or(0, |at| at + 1);
            let whole = rest.drain(..end).collect::<Vec<u8>>();
            let whole = String::from_utf8_lossy(&whole);
            let text = if self.json { whole.into_owned() } else { whole.lines().map(master_lines).collect() };
            match say::out(text) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })
    }
}

/// A line of JSON as lines of a master file: what is not there, failed or is stale is a comment.
fn master_lines(line: &str) -> String {
    let Ok(row) = serde_json::from_str::<Value>(line) else { return String::new() };
    let text = |key: &str| plain(row[key].as_str().unwrap_or_default());
    let list = |key: &str| row[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(plain);
    let (name, ttl, rtype, kind) = (text("name"), &row["ttl"], text("type"), text("kind"));
    let cd = if row["checking_disabled"] == true { " ; CD" } else { "" };
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = if kind == "records" {
        let stale = if row["stale"] == true { "; stale: " } else { "" };
        let records = list("data").map(|data| (&*rtype, data));
        let signatures = list("signatures").map(|data| ("RRSIG", data));
        records
            .chain(signatures)
            .try_for_each(|(rtype, data)| writeln!(out, "{stale}{name} {ttl} IN {rtype} {data}{cd}"))
    } else {
        let space = if rtype.is_empty() { "" } else { " " };
        writeln!(out, "; {kind}: {name} {ttl} IN{space}{rtype} {}{cd}", list("data").collect::<String>())
    };
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_dump_has_records_as_lines_and_all_else_as_comments() {
        let row = |kind: &str, rtype: Option<&str>, data: &[&str]| json!({ "name": "a.example.", "ttl": 9, "type": rtype, "kind": kind, "data": data, "stale": false });
        let mut stale = row("records", Some("A"), &["192.0.2.1"]);
        stale["stale"] = true.into();
        let mut signed = row("records", Some("MX"), &["10 b.", "20 c."]);
        signed["signatures"] = json!(["MX 8 1 ..."]);
        signed["checking_disabled"] = true.into();
        for (row, lines) in [
            (row("records", Some("A"), &["192.0.2.1"]), "a.example. 9 IN A 192.0.2.1\n"),
            (
                signed,
                "a.example. 9 IN MX 10 b. ; CD\na.example. 9 IN MX 20 c. ; CD\na.example. 9 IN RRSIG MX 8 1 ... ; CD\n",
            ),
            (stale, "; stale: a.example. 9 IN A 192.0.2.1\n"),
            (row("nxdomain", None, &["example. SOA x"]), "; nxdomain: a.example. 9 IN example. SOA x\n"),
            (row("failure", Some("A"), &["SERVFAIL: a\nb"]), "; failure: a.example. 9 IN A SERVFAIL: a?b\n"),
        ] {
            assert_eq!(master_lines(&row.to_string()), lines);
        }
    }
}
