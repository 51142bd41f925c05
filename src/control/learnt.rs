//! What was learnt of other servers, looked at and forgotten on an operator's behalf.

use crate::cache::{Cache, Entry, Fact, Key, ProofSet, Scratch, Selection, Verdict};
use crate::clock::{self, Instant};
use crate::limits;
use crate::resolve::{BELOW_OWN_CUT, Known};
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
    pub fn flush(&self, selection: &Selection) -> usize {
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

    /// Seconds for which what answers a question is still cached.
    pub(super) fn ttl_left(&self, name: Name<'_>, realm: u32, rtype: Rtype) -> Option<u32> {
        let (mut scratch, now) = (Scratch::default(), clock::now());
        [rtype, Rtype::CNAME, Key::NXDOMAIN].into_iter().find_map(|tried| {
            let key = Key { realm, name, rtype: tried, checking_disabled: false, failed: false };
            let entry = self.cache.get(&key, &mut scratch)?;
            let aside =
                tried == Rtype::CNAME && rtype != tried && !matches!(entry.fact, Fact::Records { .. });
            Some(entry.ttl_left(now)).filter(|left| *left > 0 && !aside)
        })
    }

    /// Hands on the entries of the realm in force as lines of JSON, many at a time, until `send` fails.
    pub(super) fn list(&self, selection: &Selection, mut send: impl FnMut(Vec<u8>) -> bool) {
        let (now, mut piece) = (clock::now(), Vec::new());
        let walked = self.cache.walk(selection, |key, entry| {
            if key.realm & !BELOW_OWN_CUT != self.realm {
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
        if walked.is_continue() && !piece.is_empty() {
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
        Fact::Denied { soa_owner, soa, signatures } => {
            let kind = if key.rtype == Key::NXDOMAIN { "nxdomain" } else { "nodata" };
            let soa = soa_owner.map(|owner| format!("{owner} SOA {}", print(Rtype::SOA, soa)));
            (kind, soa.into_iter().collect(), printed(Rtype::RRSIG, signatures))
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
        "verdict": verdict(entry.verdict),
        "kind": kind,
        "data": data,
        "signatures": signatures,
        "proof": entry.proof.iter().map(proof).collect::<Vec<_>>(),
        "checking_disabled": key.checking_disabled,
    })
}

/// A verdict in a word.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unchecked => "unchecked",
        Verdict::Insecure => "insecure",
        Verdict::Secure => "secure",
        Verdict::Bogus => "bogus",
    }
}

/// A set of a proof.
fn proof(set: ProofSet<'_>) -> String {
    let data: Vec<String> = set.rdatas.iter().map(|rdata| print(set.rtype, rdata)).collect();
    format!("{} {} {}", set.owner, set.rtype, data.join(", "))
}

fn print(rtype: Rtype, rdata: &[u8]) -> String {
    let mut text = String::new();
    print_rdata(rtype, rdata, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{EntryBuf, Proof};
    use crate::rrset::Rrset;
    use crate::wire::Rcode;

    /// What was learnt through realm 5: these facts of these types of `a.example`, 7 seconds from now on.
    fn learnt(facts: &[(u32, Rtype, Fact<'_>)]) -> Learnt {
        let cache = Arc::new(Cache::new(0, 1));
        let name: OwnedName = "a.example.".parse().unwrap();
        for (realm, rtype, fact) in facts {
            let failed = matches!(fact, Fact::Failed { .. });
            let key =
                Key { realm: *realm, name: name.as_name(), rtype: *rtype, checking_disabled: false, failed };
            let stored = clock::now() + std::time::Duration::from_secs(1_000);
            cache.insert(&EntryBuf::new(
                &key,
                &Entry { stored, ttl: 7, verdict: Verdict::Secure, fact: *fact, proof: Proof::NONE },
            ));
        }
        Learnt { cache, known: Arc::default(), realm: 5 }
    }

    #[test]
    fn each_kind_of_entry_is_a_line_and_other_realms_are_not_listed() {
        let mut set = Rrset::new(Name::ROOT, Rtype::A, 1);
        set.push(&[192, 0, 2, 1]);
        let records = Fact::Records { rdatas: set.rdatas(), signatures: Rdatas::stored(&[]) };
        let soa = [&b"\x01a\x00\x01b\x00"[..], &[0; 20]].concat();
        let denied = Fact::Denied { soa_owner: Some(Name::ROOT), soa: &soa, signatures: Rdatas::EMPTY };
        let failed = Fact::Failed { rcode: Rcode::SERVFAIL, ede: 22, text: "no \"answer\"" };
        let learnt = learnt(&[
            (5, Rtype::A, records),
            (5, Rtype::MX, denied),
            (5, Key::NXDOMAIN, denied),
            (5, Rtype::TXT, failed),
            (4, Rtype::NS, records),
        ]);
        let mut text = Vec::new();
        learnt.list(&Selection::All, |piece| {
            text.extend(piece);
            true
        });
        let text = String::from_utf8(text).unwrap();
        let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        rows.sort_by_key(|row| row["type"].to_string());
        let shown: Vec<String> =
            rows.iter().map(|row| format!("{} {} {}", row["type"], row["kind"], row["data"])).collect();
        assert_eq!(
            shown,
            [
                r#""A" "records" ["192.0.2.1"]"#,
                r#""MX" "nodata" [". SOA a. b. 0 0 0 0 0"]"#,
                r#""TXT" "failure" ["SERVFAIL (EDE 22): no \"answer\""]"#,
                r#"null "nxdomain" [". SOA a. b. 0 0 0 0 0"]"#,
            ]
        );
        assert!(
            rows.iter().all(|row| row["verdict"] == "secure" && row["ttl"] == 7 && row["stale"] == false)
        );
    }

    #[test]
    fn many_entries_go_piece_by_piece_until_nobody_takes_them() {
        let failed = Fact::Failed { rcode: Rcode::SERVFAIL, ede: 0, text: "" };
        let facts: Vec<_> = (1..=1_000).map(|n| (5, Rtype(n), failed)).collect();
        let learnt = learnt(&facts);
        let (mut pieces, mut lines) = (0, 0);
        learnt.list(&Selection::All, |piece| {
            pieces += 1;
            lines += piece.iter().filter(|&&octet| octet == b'\n').count();
            assert!(piece.ends_with(b"\n") && piece.len() < limits::CONTROL_PIECE + 1_000);
            true
        });
        assert_eq!(lines, learnt.cache.counts().entries);
        assert!(pieces > 5);
        let mut taken = 0;
        learnt.list(&Selection::All, |_| {
            taken += 1;
            taken < 2
        });
        assert_eq!(taken, 2);
    }

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
