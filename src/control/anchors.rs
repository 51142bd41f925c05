//! Trust anchors, looked at and changed on an operator's behalf.

use super::Learnt;
use crate::anchor::{NegativeError, Trust};
use crate::cache::Selection;
use crate::clock;
use crate::health::time;
use crate::limits;
use crate::wire::OwnedName;
use serde_json::{Value, json};
use std::sync::Arc;

/// What is trusted, and what was learnt under it.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// What is trusted.
    pub trust: Arc<Trust>,
    /// What was learnt.
    pub learnt: Learnt,
}

/// A change of negative trust anchors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Add { name: OwnedName, seconds: u64, why: String },
    Remove { name: OwnedName },
}

impl Trusted {
    /// All anchors for a person or a script.
    pub(super) fn list(&self) -> Value {
        let keys = self.trust.list();
        let key = |key: &crate::anchor::Listed| {
            json!({
                "zone": key.zone.to_string(),
                "tag": key.tag,
                "algorithm": key.algorithm,
                "state": key.state,
                "since": key.since.map(time),
                "until": key.until.map(time),
                "source": key.source,
            })
        };
        let anchors = self.trust.load_full();
        let now = clock::unix_secs();
        let in_force = anchors.negatives().filter(|negative| negative.until.is_none_or(|until| now < until));
        let negatives = in_force.map(|negative| {
            json!({
                "name": negative.name.to_string(),
                "until": negative.until.map(time),
                "why": negative.why,
                "source": if negative.configured { "config" } else { "control" },
            })
        });
        json!({ "anchors": keys.iter().map(key).collect::<Value>(), "negative": negatives.collect::<Value>() })
    }

    /// Changes negative anchors, and forgets what was learnt at and below the name. Returns how many entries
    /// that were.
    pub(super) fn change(&self, change: Change) -> Result<usize, NegativeError> {
        let now = clock::unix_secs();
        let name = match change {
            Change::Add { name, seconds, why } => {
                self.trust.add_negative(name.as_name(), now.saturating_add(seconds), &why, now)?;
                name
            }
            Change::Remove { name } => {
                self.trust.remove_negative(name.as_name())?;
                name
            }
        };
        Ok(self.learnt.flush(&Selection::Below(name)))
    }
}

/// What a query asks to change.
///
/// # Errors
/// One line that says what is wrong with it.
pub(super) fn change(query: Option<&str>, add: bool) -> Result<Change, String> {
    let (mut name, mut seconds, mut why) = (None, limits::NEGATIVE_TIME, String::new());
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*key {
            "name" => {
                let read = value.parse::<OwnedName>();
                name = Some(read.map_err(|error| format!("{key}={value}: {error}"))?);
            }
            "seconds" if add => {
                let read = value.parse();
                seconds = read.map_err(|_| format!("{key}={value}: it is not a number of seconds"))?;
            }
            "why" if add => why = value.into_owned(),
            _ if add => return Err(format!("{key:?} means nothing here: name, seconds and why do")),
            _ => return Err(format!("{key:?} means nothing here: name does")),
        }
    }
    let name = name.ok_or("say which: name=NAME")?;
    Ok(if add { Change::Add { name, seconds, why } } else { Change::Remove { name } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_changes_what_it_names_and_nothing_by_mistake() {
        let name: OwnedName = "a.example.".parse().unwrap();
        let added =
            |seconds: u64, why: &str| Ok(Change::Add { name: name.clone(), seconds, why: why.into() });
        for (query, add, wanted) in [
            ("name=a.example", true, added(limits::NEGATIVE_TIME, "")),
            ("name=A.example&seconds=60&why=a+b%0A", true, added(60, "a b\n")),
            ("name=a.example", false, Ok(Change::Remove { name: name.clone() })),
            ("", true, Err("say which: name=NAME")),
            ("name=a..b", true, Err("two dots in a row")),
            ("name=a&seconds=1h", true, Err("not a number of seconds")),
            ("name=a&secnods=1", true, Err("\"secnods\" means nothing here: name, seconds and why do")),
            ("name=a&seconds=1", false, Err("\"seconds\" means nothing here: name does")),
        ] {
            match (change(Some(query), add), wanted) {
                (Err(why), Err(part)) => assert!(why.contains(part), "{query}: {why}"),
                (found, wanted) => assert_eq!(found, wanted.map_err(str::to_owned), "{query}"),
            }
        }
    }
}
