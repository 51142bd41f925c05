//! Files of trust anchors: DS and DNSKEY records in master-file syntax, as IANA, Debian and `dig` write them,
//! and those that Unbound keeps, in which a comment has the state of each key.

use super::{Anchor, Rdata, flags, flags_of, key_tag};
use crate::dnssec::{Algorithm, Digest};
use crate::limits;
use crate::rrset::{self, Entry, Lexer, read_seconds};
use crate::wire::{Class, NameBuf, Rtype};
use std::collections::BTreeMap;

/// Something to tell about a file of anchors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Octets of the text, from..to.
    pub at: (usize, usize),
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Whether the file cannot be used.
    pub fatal: bool,
}

/// What is wrong with an entry: its tokens from..to.
struct Fault {
    tokens: (usize, usize),
    message: String,
    help: String,
    fatal: bool,
}

impl Fault {
    fn new(tokens: (usize, usize), message: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault { tokens, message: message.into(), help: help.into(), fatal: true }
    }

    fn warning(tokens: (usize, usize), message: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault { fatal: false, ..Fault::new(tokens, message, help) }
    }
}

const FORM: &str = "lines are NAME [TTL] [IN] DS|DNSKEY DATA";
const EXPORT: &str = "a zone's keys are written in the right form by: dig +noall +answer ZONE DNSKEY";

/// The anchors in a text, and what is wrong with it.
pub(super) fn parse(text: &str) -> (Vec<Anchor>, Vec<Problem>) {
    let mut reader =
        Reader { text, origin: NameBuf::root(), owner: None, zones: BTreeMap::new(), problems: Vec::new() };
    reader.read();
    let Reader { zones, mut problems, .. } = reader;
    if zones.is_empty() && !problems.iter().any(|problem| problem.fatal) {
        problems.push(Problem {
            at: (0, 0),
            message: "no trust anchor is in this file".into(),
            help: format!("{FORM}; to validate nothing: trust_anchors = \"none\""),
            fatal: true,
        });
    }
    (zones.into_values().collect(), problems)
}

struct Reader<'t> {
    text: &'t str,
    origin: NameBuf,
    owner: Option<NameBuf>,
    zones: BTreeMap<crate::wire::OwnedName, Anchor>,
    problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    fn read(&mut self) {
        let mut lexer = Lexer::new(self.text.strip_prefix('\u{feff}').unwrap_or(self.text));
        let shift = self.text.len() - lexer.text().len();
        let mut entry = Entry::default();
        while self.problems.len() < limits::ZONE_PROBLEMS {
            match lexer.next(&mut entry) {
                Ok(true) => {
                    if let Err(Fault { tokens: (from, to), message, help, fatal }) = self.entry(&entry, shift)
                    {
                        let at = (shift + entry.span(from).0, shift + entry.span(to.max(from + 1) - 1).1);
                        self.problems.push(Problem { at, message, help, fatal });
                    }
                }
                Ok(false) => break,
                Err(((from, to), message)) => self.problems.push(Problem {
                    at: (shift + from, shift + to),
                    message: message.into(),
                    help: FORM.into(),
                    fatal: true,
                }),
            }
        }
    }

    fn entry(&mut self, entry: &Entry<'t>, shift: usize) -> Result<(), Fault> {
        let first = entry.tokens[0].text;
        match first.to_ascii_uppercase().as_str() {
            "$TTL" => return Ok(()),
            "$ORIGIN" => {
                let text = entry.tokens.get(1).map_or("", |token| token.text);
                self.origin = NameBuf::from_text(text, self.origin.as_name())
                    .map_err(|error| Fault::new((1, 2), format!("{text:?} is not a name: {error}"), FORM))?;
                return Ok(());
            }
            "TRUST-ANCHORS" | "MANAGED-KEYS" | "TRUSTED-KEYS" => {
                let message = format!("{first} is a statement of BIND's config, this file has records");
                return Err(Fault::new((0, 1), message, EXPORT));
            }
            _ => (),
        }
        if !entry.blank {
            let owner = NameBuf::from_text(first, self.origin.as_name());
            self.owner =
                Some(owner.map_err(|error| {
                    Fault::new((0, 1), format!("{first:?} is not a name: {error}"), FORM)
                })?);
        }
        let Some(owner) = self.owner.clone() else {
            return Err(Fault::new((0, 1), "the first record has no name", FORM));
        };
        let (rtype, at) = head(entry)?;
        let mut rdata = Vec::new();
        rrset::parse_tokens(rtype, &entry.tokens[at..], self.origin.as_name(), &mut rdata).map_err(
            |error| {
                let place = (at + error.span.0, at + error.span.1);
                Fault::new(place, format!("{rtype}: {}", error.message), EXPORT)
            },
        )?;
        let usable = if rtype == Rtype::DS { check_ds(&rdata, at) } else { check_key(&rdata, at) };
        if matches!(&usable, Err(fault) if fault.fatal) {
            return usable;
        }
        self.trusted_by_unbound(entry, shift)?;
        self.add(owner, rtype, rdata.into(), at)?;
        usable
    }

    /// Adds a key or digest to its zone.
    fn add(&mut self, owner: NameBuf, rtype: Rtype, rdata: Rdata, at: usize) -> Result<(), Fault> {
        if self.zones.len() >= limits::ANCHOR_ZONES {
            let message = format!("more than {} zones have anchors", limits::ANCHOR_ZONES);
            return Err(Fault::new((0, 1), message, "keep those of zones whose parents are not signed"));
        }
        let zone =
            self.zones.entry(owner.as_name().to_owned()).or_insert_with(|| Anchor::new(owner.as_name()));
        let list = if rtype == Rtype::DS { &mut zone.ds } else { &mut zone.keys };
        if !list.contains(&rdata) {
            list.push(rdata);
        }
        if zone.ds.len() + zone.keys.len() > limits::ANCHORS_PER_ZONE {
            let message = format!("{} has more than {} anchors", owner.as_name(), limits::ANCHORS_PER_ZONE);
            return Err(Fault::new(
                (at, at + 1),
                message,
                "keep those of the keys that sign its DNSKEY RRset",
            ));
        }
        Ok(())
    }

    /// Of a key that Unbound follows, the comment after it has the state. One that Unbound does not trust
    /// yet, or no longer, is none of ours either.
    fn trusted_by_unbound(&self, entry: &Entry<'_>, shift: usize) -> Result<(), Fault> {
        const STATES: [(&str, &str); 4] =
            [("0", "is new"), ("1", "is not trusted yet"), ("4", "is revoked"), ("5", "is removed")];
        let last = entry.tokens.len() - 1;
        let line = self.text[shift + entry.span(last).1..].lines().next().unwrap_or_default();
        let state = line.split(";;state=").nth(1).and_then(|rest| rest.get(..1));
        match STATES.iter().find(|(number, _)| state == Some(*number)) {
            Some((_, what)) => Err(Fault::warning(
                (0, last + 1),
                format!("this key is left out: it {what}, as Unbound says in the comment"),
                "remove the line, or the comment if the key is to be trusted",
            )),
            None => Ok(()),
        }
    }
}

/// [TTL] [CLASS] TYPE: the type, and with which token the data begins.
fn head(entry: &Entry<'_>) -> Result<(Rtype, usize), Fault> {
    let mut at = usize::from(!entry.blank);
    while let Some(token) = entry.tokens.get(at) {
        at += 1;
        match (Rtype::from_text(token.text), Class::from_text(token.text)) {
            (Some(rtype @ (Rtype::DS | Rtype::DNSKEY)), _) => return Ok((rtype, at)),
            (_, Some(Class::IN)) => (),
            (_, Some(class)) => {
                return Err(Fault::new((at - 1, at), format!("the class is {class}, not IN"), FORM));
            }
            (None, None) if read_seconds(token.text).is_some() => (),
            (Some(rtype), _) => {
                return Err(Fault::new((at - 1, at), format!("{rtype} records are no trust anchors"), FORM));
            }
            (None, None) => {
                return Err(Fault::new((at - 1, at), format!("{:?} is not DS or DNSKEY", token.text), FORM));
            }
        }
    }
    Err(Fault::new((at - 1, at), "the record has no type", FORM))
}

/// Whether DS data, whose first token is `at`, can be checked.
fn check_ds(rdata: &[u8], at: usize) -> Result<(), Fault> {
    let (algorithm, digest) = (rdata[2], rdata[3]);
    if !Digest(digest).is_supported() {
        return Err(unchecked((at + 2, at + 3), format_args!("digests of type {digest}")));
    }
    check_algorithm(algorithm, at + 1)
}

/// The same of DNSKEY data, and whether it is a key to be trusted.
fn check_key(rdata: &[u8], at: usize) -> Result<(), Fault> {
    let (key, tag) = (flags_of(rdata), key_tag(rdata));
    if key & flags::REVOKE != 0 {
        let message = format!("the key with the tag {tag} is revoked");
        return Err(Fault::new((at, at + 1), message, "remove it, and take the zone's present keys"));
    }
    if key & flags::ZONE == 0 {
        let message = format!("the key with the tag {tag} signs no zone: the flags are {key}");
        return Err(Fault::new((at, at + 1), message, "the flags of a key that signs keys are 257"));
    }
    if rdata[2] != 3 {
        let message = format!("the protocol is {}, not 3", rdata[2]);
        return Err(Fault::new((at + 1, at + 2), message, EXPORT));
    }
    check_algorithm(rdata[3], at + 2)?;
    if key & flags::SEP == 0 {
        let message = format!("the key with the tag {tag} is no entry point (SEP): the flags are {key}");
        let help = "it is trusted, but zones change such keys often: take the one with the flags 257";
        return Err(Fault::warning((at, at + 1), message, help));
    }
    Ok(())
}

fn check_algorithm(algorithm: u8, at: usize) -> Result<(), Fault> {
    if Algorithm(algorithm).is_supported() {
        return Ok(());
    }
    Err(unchecked((at, at + 1), format_args!("signatures of algorithm {algorithm}")))
}

fn unchecked(place: (usize, usize), what: std::fmt::Arguments<'_>) -> Fault {
    let help = "a zone with no other anchors is treated as unsigned";
    Fault::warning(place, format!("{what} are not checked: this anchor has no effect"), help)
}
