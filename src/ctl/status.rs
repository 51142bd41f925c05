//! `waymark ctl status` for people.

use super::table::{Column, Table};
use serde_json::{Value, json};

/// What the daemon says of itself, as a table.
pub(super) fn show(status: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let (zones, cache) = (&status["zones"], &status["cache"]);
    let cache = match cache["entries"].as_u64() {
        Some(entries) => {
            let (bytes, limit) = (octets(&cache["bytes"]), octets(&cache["limit"]));
            format!("{entries} entries, {bytes} of {limit}")
        }
        None => "none: resolver.enabled is false".into(),
    };
    let zones = format!(
        "{} fresh, {} kept, {} failed, {} records",
        zones["fresh"], zones["kept"], zones["failed"], zones["records"]
    );
    let mut rows: Vec<Value> = [
        ("version", text(&status["version"])),
        ("config", text(&status["config"])),
        ("store", text(&status["store"])),
        ("zones", zones),
        ("cache", cache),
    ]
    .into_iter()
    .map(|(what, value)| json!({ "what": what, "value": value }))
    .collect();
    for (what, value) in status["counters"].as_object().into_iter().flatten() {
        // Those of one word count replies by where they came from.
        let what = if what.contains('_') { what.replace('_', " ") } else { format!("replies, {what}") };
        rows.push(json!({ "what": what, "value": value.to_string() }));
    }
    let columns = [Column { title: "", key: "what" }, Column { title: "", key: "value" }];
    Table { columns: &columns, rows: &rows }.show(false)
}

/// A size as people write it.
fn octets(value: &Value) -> String {
    let octets = value.as_f64().unwrap_or(0.0);
    match octets {
        _ if octets >= 1024.0 * 1024.0 * 1024.0 => format!("{:.1} GiB", octets / 1024.0 / 1024.0 / 1024.0),
        _ if octets >= 1024.0 * 1024.0 => format!("{:.1} MiB", octets / 1024.0 / 1024.0),
        _ => format!("{:.1} KiB", octets / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_what_the_daemon_says() {
        let status = json!({
            "version": "1.2.3", "config": "/etc/w.toml", "store": null,
            "zones": { "fresh": 2, "kept": 1, "failed": 0, "records": 9 },
            "cache": { "entries": 7, "bytes": 1_572_864, "limit": 268_435_456 },
            "counters": { "cache": 5, "queries_udp": 12 },
        });
        let expected = "\
version         1.2.3
config          /etc/w.toml
store           none
zones           2 fresh, 1 kept, 0 failed, 9 records
cache           7 entries, 1.5 MiB of 256.0 MiB
replies, cache  5
queries udp     12
";
        assert_eq!(show(&status), expected);
        assert!(show(&json!({})).contains("resolver.enabled is false"));
        assert_eq!(["3000000000", "2048"].map(|n| octets(&n.parse().unwrap())), ["2.8 GiB", "2.0 KiB"]);
    }
}
