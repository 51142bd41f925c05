//! What an operator says of members, whatever their checks say.

use super::text::{fits, time};
use super::{Standing, State, Watch};
use crate::limits;
use serde_json::{Value, json};
use std::fmt;

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is not answered with, and not missed.
    Drain,
    /// It is down.
    Down,
    /// It is up.
    Up,
}

const KINDS: [(Kind, &str); 3] = [(Kind::Drain, "drain"), (Kind::Down, "down"), (Kind::Up, "up")];

impl Kind {
    /// One of `drain`, `down`, `up`.
    pub fn from_text(text: &str) -> Option<Kind> {
        KINDS.iter().find(|(_, word)| *word == text).map(|(kind, _)| *kind)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }
}

/// What is said of which members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// `POOL`, `POOL/MEMBER` or `ZONE:POOL/MEMBER`, with `*` and `?`.
    pub pattern: String,
    /// What.
    pub kind: Kind,
    /// Until when, Unix seconds; none: until it is lifted.
    pub until: Option<u64>,
    /// Why, for those who will wonder.
    pub why: String,
    /// Since when, Unix seconds.
    pub since: u64,
}

/// Why an override is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverrideError {
    /// No member is of that pattern; perhaps another was meant.
    Nobody(String, Option<String>),
    /// As many are set as may be.
    Full,
    /// The pattern or the reason is too long.
    TooLong,
    /// It has ended before it begins.
    Past,
}

impl fmt::Display for OverrideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OverrideError::Nobody(pattern, hint) => {
                write!(f, "no member matches {pattern:?}: `waymark ctl health` lists them")?;
                hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
            }
            OverrideError::Full => {
                write!(f, "{} overrides are set already: lift some", limits::OVERRIDES)
            }
            OverrideError::TooLong => {
                write!(f, "the pattern and the reason may have {} octets each", limits::OVERRIDE_TEXT)
            }
            OverrideError::Past => f.write_str("it would have ended already"),
        }
    }
}

impl std::error::Error for OverrideError {}

/// Whether a member is one of a pattern.
pub(super) fn holds(pattern: &str, zone: &str, watch: &Watch) -> bool {
    let (of_zone, rest) = match pattern.split_once(':') {
        // The zone comes first, if at all; ids of members are often IPv6 addresses.
        Some((zone, rest)) if !zone.contains('/') => (Some(zone), rest),
        _ => (None, pattern),
    };
    let (pool, member) = rest.split_once('/').unwrap_or((rest, "*"));
    let bare = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    of_zone.is_none_or(|pattern| fits(&bare(pattern), &bare(zone)))
        && fits(pool, &watch.pool)
        && (fits(member, &watch.member) || fits(member, &watch.address.to_string()))
}

impl Override {
    /// How a member stands of which this is said.
    pub(super) fn apply(&self, standing: Standing, now_unix: u64) -> Standing {
        let left = self.until.map_or(u64::from(u16::MAX - 1), |until| until.saturating_sub(now_unix));
        let hold = u16::try_from(left).unwrap_or(u16::MAX - 1);
        match self.kind {
            Kind::Drain => Standing { drained: true, ..standing },
            Kind::Down => Standing { state: State::Down, hold, ..standing },
            Kind::Up => Standing { state: State::Up, hold, ..standing },
        }
    }

    /// For scripts, and to be kept.
    pub fn to_json(&self) -> Value {
        json!({
            "pattern": self.pattern, "kind": self.kind.word(), "why": self.why,
            "since": time(self.since), "until": self.until.map(time),
            "since_unix": self.since, "until_unix": self.until,
        })
    }

    pub(super) fn from_json(json: &Value) -> Option<Override> {
        Some(Override {
            pattern: json["pattern"].as_str()?.to_owned(),
            kind: Kind::from_text(json["kind"].as_str()?)?,
            until: json["until_unix"].as_u64(),
            why: json["why"].as_str()?.to_owned(),
            since: json["since_unix"].as_u64()?,
        })
    }

    /// Why it is as this says.
    pub(super) fn reason(&self) -> String {
        if self.why.is_empty() {
            return "an operator says so".into();
        }
        format!("an operator says so: {}", self.why)
    }

    /// One line for the log: it is set, or has ended.
    pub(super) fn line(&self, what: &str) -> String {
        let until = self.until.filter(|_| what == "is set");
        let until = until.map_or(String::new(), |until| format!(" until {}", time(until)));
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        format!("override {} {} {what}{until}{why}", self.kind.word(), self.pattern)
    }
}
