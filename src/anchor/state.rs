//! Anchors over a restart, as text: a line for each zone that is followed, for each of its keys, for each
//! digest of the config, and for each negative anchor that was set at run time.
//!
//! ```text
//! zone ZONE NEXT-LOOK TTL EXPIRES-IN
//! key ZONE STATE SINCE UNTIL|- given|learnt FLAGS PROTOCOL ALGORITHM KEY
//! ds ZONE NUMBER-OF-ITS-KEY|- TAG ALGORITHM TYPE DIGEST
//! negative NAME UNTIL WHY
//! ```

use super::rollover::{Key, Timing};
use super::{KeyState, Negative, Rdata, Rollover};
use crate::limits;
use crate::rrset::{parse_rdata, print_rdata};
use crate::wire::{Name, OwnedName, Rtype};
use std::fmt::{self, Write};

const HEAD: &str =
    "; Written by Waymark: what trust anchors have become (RFC 5011), and negative ones set at run time.\n";

/// What outlives a restart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Saved {
    pub rollovers: Vec<Rollover>,
    pub negatives: Vec<Negative>,
}

/// Why a state that was kept is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateError {
    line: usize,
    message: String,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}: {}: mend the line, or remove the file to begin with the anchors of the config",
            self.line, self.message
        )
    }
}

impl std::error::Error for StateError {}

/// As text.
pub(super) fn write<'a>(rollovers: &[Rollover], negatives: impl Iterator<Item = &'a Negative>) -> String {
    let mut out = HEAD.to_owned();
    for rollover in rollovers {
        write_rollover(rollover, &mut out);
    }
    for Negative { name, until, why, .. } in negatives {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "negative {name} {} {why}", until.unwrap_or(u64::MAX));
    }
    out
}

fn write_rollover(rollover: &Rollover, out: &mut String) {
    let Rollover { zone, keys, unseen, timing } = rollover;
    let _ = writeln!(out, "zone {zone} {} {} {}", timing.next, timing.ttl, timing.expires_in);
    let ds_line = |of: &str, ds: &[u8], out: &mut String| {
        let _ = write!(out, "ds {zone} {of} ");
        print_rdata(Rtype::DS, ds, out);
        out.push('\n');
    };
    for (number, key) in keys.iter().enumerate() {
        let (state, since) = key.state.word_and_since();
        let _ = write!(out, "key {zone} {state} {since} ");
        let _ = match key.state {
            KeyState::AddPend { until, .. } => write!(out, "{until}"),
            _ => write!(out, "-"),
        };
        out.push_str(if key.given { " given " } else { " learnt " });
        print_rdata(Rtype::DNSKEY, &key.rdata, out);
        out.push('\n');
        key.ds.iter().for_each(|ds| ds_line(&number.to_string(), ds, out));
    }
    unseen.iter().for_each(|ds| ds_line("-", ds, out));
}

impl KeyState {
    /// Its name in the state file and for an operator, and since when it is so.
    pub(super) fn word_and_since(self) -> (&'static str, u64) {
        match self {
            KeyState::AddPend { since, .. } => ("pending", since),
            KeyState::Valid { since } => ("valid", since),
            KeyState::Missing { since } => ("missing", since),
            KeyState::Revoked { since } => ("revoked", since),
            KeyState::Removed { since } => ("removed", since),
        }
    }
}

/// From text.
pub(super) fn read(text: &str) -> Result<Saved, StateError> {
    let mut saved = Saved::default();
    for (number, line) in text.lines().enumerate() {
        read_line(line, &mut saved).map_err(|message| StateError { line: number + 1, message })?;
    }
    Ok(saved)
}

/// The words of a line.
struct Words<'t>(&'t str);

impl<'t> Words<'t> {
    fn next(&mut self, what: &str) -> Result<&'t str, String> {
        let (word, rest) = self.0.split_once(' ').unwrap_or((self.0, ""));
        self.0 = rest;
        if word.is_empty() { Err(format!("the {what} is missing")) } else { Ok(word) }
    }

    fn number<T: std::str::FromStr>(&mut self, what: &str) -> Result<T, String> {
        let word = self.next(what)?;
        word.parse().map_err(|_| format!("the {what} must be a number, not {word:?}"))
    }

    /// A number, or `-` for none.
    fn number_or_none<T: std::str::FromStr>(&mut self, what: &str) -> Result<Option<T>, String> {
        if self.0.split(' ').next() == Some("-") {
            return self.next(what).map(|_| None);
        }
        self.number(what).map(Some)
    }

    fn name(&mut self) -> Result<OwnedName, String> {
        let word = self.next("name")?;
        word.parse().map_err(|error: crate::wire::NameError| format!("{word:?} is not a name: {error}"))
    }

    /// The rest, as data of a record.
    fn rdata(&mut self, rtype: Rtype) -> Result<Rdata, String> {
        let mut rdata = Vec::new();
        parse_rdata(rtype, self.0, Name::ROOT, &mut rdata)
            .map_err(|error| format!("{rtype}: {}", error.message))?;
        Ok(rdata.into())
    }
}

fn read_line(line: &str, saved: &mut Saved) -> Result<(), String> {
    let mut words = Words(line);
    match line.split(' ').next().unwrap_or_default() {
        "" => return if line.is_empty() { Ok(()) } else { Err("it starts with a blank".into()) },
        word if word.starts_with(';') => return Ok(()),
        kind => words.next(kind)?,
    };
    let name = words.name()?;
    match line.split(' ').next() {
        Some("zone") => {
            let timing = Timing {
                next: words.number("time")?,
                ttl: words.number("TTL")?,
                expires_in: words.number("time")?,
            };
            if saved.rollovers.iter().any(|other| other.zone == name) {
                return Err(format!("{name} is here twice"));
            }
            if saved.rollovers.len() >= limits::ANCHOR_ZONES {
                return Err(format!("there are more than {} zones", limits::ANCHOR_ZONES));
            }
            saved.rollovers.push(Rollover { zone: name, keys: Vec::new(), unseen: Vec::new(), timing });
        }
        Some("key") => {
            let key = read_key(&mut words)?;
            let keys = &mut of_zone(saved, &name)?.keys;
            if keys.iter().any(|other| other.rdata == key.rdata) {
                return Err("this key is here twice".into());
            }
            if keys.len() >= limits::ROLLOVER_KEYS + limits::ANCHORS_PER_ZONE {
                return Err(format!("{name} has too many keys"));
            }
            keys.push(key);
        }
        Some("ds") => {
            let number: Option<usize> = words.number_or_none("number of its key")?;
            let ds = words.rdata(Rtype::DS)?;
            let zone = of_zone(saved, &name)?;
            let list = match number {
                Some(number) => &mut zone.keys.get_mut(number).ok_or(format!("there is no key {number}"))?.ds,
                None => &mut zone.unseen,
            };
            if list.len() >= limits::ANCHORS_PER_ZONE {
                return Err(format!("{name} has too many digests"));
            }
            list.push(ds);
        }
        Some("negative") => {
            let until = Some(words.number("time")?);
            if saved.negatives.len() >= limits::NEGATIVE_ANCHORS {
                return Err(format!("there are more than {} negative anchors", limits::NEGATIVE_ANCHORS));
            }
            saved.negatives.push(Negative {
                name,
                until,
                why: super::trust::plain(words.0),
                configured: false,
            });
        }
        _ => return Err("it is none of zone, key, ds and negative".into()),
    }
    Ok(())
}

fn of_zone<'s>(saved: &'s mut Saved, name: &OwnedName) -> Result<&'s mut Rollover, String> {
    let zone = saved.rollovers.last_mut().filter(|last| last.zone == *name);
    zone.ok_or_else(|| format!("the line \"zone {name} ...\" is missing before it"))
}

fn read_key(words: &mut Words<'_>) -> Result<Key, String> {
    let (word, since) = (words.next("state")?, words.number("time")?);
    let until = words.number_or_none("time")?;
    let state = match (word, until) {
        ("pending", Some(until)) => KeyState::AddPend { since, until },
        ("valid", None) => KeyState::Valid { since },
        ("missing", None) => KeyState::Missing { since },
        ("revoked", None) => KeyState::Revoked { since },
        ("removed", None) => KeyState::Removed { since },
        _ => return Err(format!("{word:?} is no state of a key, or its end is missing or too much")),
    };
    let given = match words.next("origin")? {
        "given" => true,
        "learnt" => false,
        other => return Err(format!("the origin must be given or learnt, not {other:?}")),
    };
    Ok(Key { rdata: words.rdata(Rtype::DNSKEY)?, state, ds: Vec::new(), given })
}
