//! `waymark ctl anchors`: what is trusted, and what is not although it is below that.

use super::arguments::AnchorsAction;
use super::table::{Column, Table};
use super::{Daemon, forgotten, print};
use crate::control::CallError;
use hyper::Method;
use serde_json::Value;

/// Keys and digests.
const ANCHORS: &[Column] = &[
    Column { title: "ZONE", key: "zone" },
    Column { title: "TAG", key: "tag" },
    Column { title: "ALGORITHM", key: "algorithm" },
    Column { title: "STATE", key: "state" },
    Column { title: "SINCE", key: "since" },
    Column { title: "UNTIL", key: "until" },
    Column { title: "SOURCE", key: "source" },
];

/// Names at and below which nothing is validated.
const NEGATIVE: &[Column] = &[
    Column { title: "NOT VALIDATED", key: "name" },
    Column { title: "UNTIL", key: "until" },
    Column { title: "WHY", key: "why" },
];

impl Daemon {
    /// Shows all anchors.
    pub(super) fn anchors(&self) -> Result<(), CallError> {
        let all = self.value(Method::GET, "/anchors")?;
        print(if self.json { format!("{all:#}") } else { show(&all) });
        Ok(())
    }

    /// Changes a negative one.
    pub(super) fn change_anchors(&self, change: &AnchorsAction) -> Result<(), CallError> {
        let value = self.value(Method::POST, &change.request())?;
        let forgotten = forgotten(&value);
        let text = match change {
            AnchorsAction::AddNegative { name, seconds, .. } => {
                format!("{name} is not validated for {seconds} s; {forgotten}")
            }
            AnchorsAction::RemoveNegative { name } => {
                format!("{name} is validated again; {forgotten}")
            }
        };
        print(if self.json { format!("{value:#}") } else { text });
        Ok(())
    }
}

impl AnchorsAction {
    /// The path and query of the control socket.
    fn request(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let path = match self {
            AnchorsAction::AddNegative { name, seconds, why } => {
                query.append_pair("name", &name.to_string());
                query.append_pair("seconds", &seconds.to_string()).append_pair("why", why);
                "/anchors/add-negative"
            }
            AnchorsAction::RemoveNegative { name } => {
                query.append_pair("name", &name.to_string());
                "/anchors/remove-negative"
            }
        };
        format!("{path}?{}", query.finish())
    }
}

/// What the daemon trusts, as tables.
fn show(all: &Value) -> String {
    let rows = |key: &str| all[key].as_array().cloned().unwrap_or_default();
    let (anchors, negative) = (rows("anchors"), rows("negative"));
    let mut text = match anchors.is_empty() {
        true => "there are no trust anchors: nothing is validated\n".to_owned(),
        false => Table { columns: ANCHORS, rows: &anchors }.show(false),
    };
    if !negative.is_empty() {
        text.push('\n');
        text.push_str(&Table { columns: NEGATIVE, rows: &negative }.show(false));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_person_reads_what_is_trusted_and_what_is_not() {
        let all = json!({
            "anchors": [
                { "zone": ".", "tag": 20326, "algorithm": 8, "state": "valid", "since": "2024-07-01T00:00:00Z", "until": null, "source": "built in" },
                { "zone": ".", "tag": 7, "algorithm": 13, "state": "pending", "since": "2024-07-01T00:00:00Z", "until": "2024-07-31T00:00:00Z", "source": "RFC 5011" },
            ],
            "negative": [{ "name": "a.example.", "until": null, "why": "the config has it" }],
        });
        let expected = "\
ZONE    TAG  ALGORITHM  STATE    SINCE                 UNTIL                 SOURCE
.     20326          8  valid    2024-07-01T00:00:00Z                        built in
.         7         13  pending  2024-07-01T00:00:00Z  2024-07-31T00:00:00Z  RFC 5011

NOT VALIDATED  UNTIL  WHY
a.example.            the config has it
";
        assert_eq!(show(&all), expected);
        let none = json!({ "anchors": [], "negative": [] });
        assert_eq!(show(&none), "there are no trust anchors: nothing is validated\n");
    }
}
