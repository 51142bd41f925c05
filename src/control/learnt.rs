//! What was learnt of other servers, looked at and forgotten on an operator's behalf.

use crate::cache::{Cache, Entry, Fact, Key, Selection, Verdict};
use crate::clock::{self, Instant};
use crate::limits;
use crate::resolve::Known;
use crate::rrset::{Rdatas, print_rdata};
use crate::wire::{Name, OwnedName, Rtype};
use serde_json::{Value, json};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What was learnt.
#[derive(Clone)]
pub struct Learnt {
    /// The cache.
    pub cache: Arc<Cache>,
    /// Servers and delegations.
    pub known: Arc<Known>,
    /// The realm in force.
    pub realm: u32,
}

impl fmt::Debug for Learnt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Learnt").field("realm", &self.realm).finish_non_exhaustive()
    }
}

impl Learnt {
    /// Forgets entries, and where the names they are selected by were delegated to. Returns how many entries.
    pub(super) fn flush(&self, selection: &Selection) -> usize {
        // First the delegations: who asks between the two must not store what they lead to.
        match selection {
            Selection::Name(name) | Selection::Question(name, Rtype::NS) => {
                self.known.flush(name.as_name(), false);
            }
            Selection::Question(..) => (),
            Selection::Below(name) => self.known.flush(name.as_name(), true),
            Selection::All => self.known.flush(Name::ROOT, true),
        }
        self.cache.flush(selection)
    }

    /// Hands on the entries of the realm in force as lines of JSON, many at a time, until `send` fails.
    pub(super) fn list(&self, selection: &Selection, mut send: impl FnMut(Vec<u8>) -> bool) {
        let (now, mut piece) = (clock::now(), Vec::new());
        let walked = self.cache.walk(selection, |key, entry| {
            if key.realm != self.realm {
                return ControlFlow::Continue(());
            }
            piece.extend(row(key, entry, now).to_string().into_bytes());
            piece.push(b'\n');
            let full = piece.len() >= limits::CONTROL_PIECE;
            if !full || send(std::mem::take(&mut piece)) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        if walked.is_continue() {
            send(piece);
        }
    }
}

/// What a query asks for; none when it names nothing.
///
/// # Errors
/// One line that says what is wrong with it.
pub(super) fn select(query: Option<&str>) -> Result<Option<Selection>, String> {
    let (mut name, mut rtype, mut below, mut all) = (None, None, None, false);
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let read = || value.parse::<OwnedName>().map(Some).map_err(|error| format!("{key}={value}: {error}"));
        match &*key {
            "name" => name = read()?,
            "below" => below = read()?,
            "type" => {
                let known = Rtype::from_text(&value);
                rtype = Some(known.ok_or_else(|| format!("type={value}: it is not a record type"))?);
            }
            "all" => all = true,
            _ => return Err(format!("{key:?} means nothing here: name, type, below and all do")),
        }
    }
    match (name, rtype, below, all) {
        (None, None, None, false) => Ok(None),
        (None, None, None, true) => Ok(Some(Selection::All)),
        (None, None, Some(below), false) => Ok(Some(Selection::Below(below))),
        (Some(name), None, None, false) => Ok(Some(Selection::Name(name))),
        (Some(name), Some(rtype), None, false) => Ok(Some(Selection::Question(name, rtype))),
        _ => Err("one of name, below and all at a time, and type only with name".into()),
    }
}

/// An entry for a person or a script.
fn row(key: &Key<'_>, entry: &Entry<'_>, now: Instant) -> Value {
    let printed = |rtype: Rtype, rdatas: Rdatas<'_>| -> Vec<String> {
        rdatas.iter().map(|rdata| print(rtype, rdata)).collect()
    };
    let (kind, data, signatures) = match entry.fact {
        Fact::Records { rdatas, signatures } => {
            ("records", printed(key.rtype, rdatas), printed(Rtype::RRSIG, signatures))
        }
        Fact::Denied { soa_owner, soa } => {
            let kind = if key.rtype == Key::NXDOMAIN { "nxdomain" } else { "nodata" };
            let soa = soa_owner.map(|owner| format!("{owner} SOA {}", print(Rtype::SOA, soa)));
            (kind, soa.into_iter().collect(), Vec::new())
        }
        Fact::Failed { rcode, ede, text } => {
            ("failure", vec![format!("{rcode} (EDE {ede}): {text}")], Vec::new())
        }
    };
    let ttl = entry.ttl_left(now);
    json!({
        "name": key.name.to_string(),
        // The denial of a name is of all types.
        "type": (key.rtype != Key::NXDOMAIN).then(|| key.rtype.to_string()),
        "ttl": ttl,
        "stale": ttl == 0,
        "verdict": match entry.verdict {
            Verdict::Unchecked => "unchecked",
            Verdict::Insecure => "insecure",
            Verdict::Secure => "secure",
            Verdict::Bogus => "bogus",
        },
        "kind": kind,
        "data": data,
        "signatures": signatures,
        "checking_disabled": key.checking_disabled,
    })
}

fn print(rtype: Rtype, rdata: &[u8]) -> String {
    let mut text = String::new();
    print_rdata(rtype, rdata, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_selects_what_it_names_and_nothing_by_mistake() {
        let name = |text: &str| text.parse::<OwnedName>().unwrap();
        for (query, selected) in [
            ("", Ok(None)),
            ("all", Ok(Some(Selection::All))),
            ("name=A.example", Ok(Some(Selection::Name(name("a.example."))))),
            ("name=a%5C032b.&type=txt", Ok(Some(Selection::Question(name("a\\032b."), Rtype::TXT)))),
            ("below=.", Ok(Some(Selection::Below(name("."))))),
            ("name=a..b", Err("two dots in a row")),
            ("name=a&type=AAAAA", Err("it is not a record type")),
            ("type=A", Err("type only with name")),
            ("name=a&all", Err("one of name, below and all")),
            ("below=a&type=A", Err("type only with name")),
            ("nmae=a", Err("means nothing here")),
        ] {
            match (select(Some(query)), selected) {
                (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{query}"),
                (Err(why), Err(part)) => {
                    assert!(why.contains(part) && why.lines().count() == 1, "{query}: {why}")
                }
                (found, _) => panic!("{query}: {found:?}"),
            }
        }
    }
}
