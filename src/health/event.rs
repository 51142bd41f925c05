//! What happens: flips, overrides, fallbacks, the loss of our own network.

use super::State;
use super::text::time;
use serde_json::{Value, json};
use std::fmt;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When: Unix time in milliseconds.
    pub at: u64,
    /// What.
    pub what: What,
}

/// See [`Event`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A member came into another state.
    Flip {
        /// Its zone.
        zone: String,
        /// Its pool.
        pool: String,
        /// Its id.
        member: String,
        /// The address it serves at.
        address: std::net::IpAddr,
        /// As it was.
        from: State,
        /// As it is.
        to: State,
        /// Why, for people.
        why: String,
    },
    /// An override was set, lifted, or ran out.
    Override(String),
    /// Answers of a zone come from elsewhere than they should, or do no more.
    Fallback(String),
    /// Nothing comes back from anywhere: what is silent is unknown, not down.
    Isolated,
    /// Something came back.
    Rejoined,
}

impl What {
    /// One word for its kind, for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            What::Flip { .. } => "flip",
            What::Override(_) => "override",
            What::Fallback(_) => "fallback",
            What::Isolated | What::Rejoined => "network",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Flip { zone, pool, member, from, to, why, .. } => {
                write!(f, "{zone} {pool}/{member} is {to}, was {from}: {why}")
            }
            What::Override(text) | What::Fallback(text) => f.write_str(text),
            What::Isolated => f.write_str(
                "nothing comes back from any address that is checked: our own network is down; those that are silent count as unknown",
            ),
            What::Rejoined => f.write_str("addresses that are checked answer again: our own network is up"),
        }
    }
}

impl Event {
    /// For scripts.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "at": time(self.at / 1_000),
            "at_ms": self.at,
            "kind": self.what.kind(),
            "text": self.what.to_string(),
        });
        if let What::Flip { zone, pool, member, address, from, to, why } = &self.what {
            json["flip"] = json!({
                "zone": zone, "pool": pool, "member": member, "address": address.to_string(),
                "from": from.to_string(), "to": to.to_string(), "why": why,
            });
        }
        json
    }

    /// What [`Event::to_json`] wrote, as far as it is told.
    pub(super) fn from_json(json: &Value) -> Option<Event> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let at = json["at_ms"].as_u64()?;
        let flip = &json["flip"];
        let what = match json["kind"].as_str()? {
            "flip" => What::Flip {
                zone: text(&flip["zone"])?,
                pool: text(&flip["pool"])?,
                member: text(&flip["member"])?,
                address: flip["address"].as_str()?.parse().ok()?,
                from: State::from_text(flip["from"].as_str()?)?,
                to: State::from_text(flip["to"].as_str()?)?,
                why: text(&flip["why"])?,
            },
            "override" => What::Override(text(&json["text"])?),
            "fallback" => What::Fallback(text(&json["text"])?),
            _ if json["text"].as_str()?.starts_with("nothing") => What::Isolated,
            _ => What::Rejoined,
        };
        Some(Event { at, what })
    }
}
