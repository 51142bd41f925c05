//! Text to messages and zones: what simulated worlds and replayed stories are made of.

use std::sync::Arc;
use waymark::answer::{Recursion, View};
use waymark::rrset;
use waymark::wire::{Class, Flags, NameBuf, Rtype, Writer};
use waymark::zone::{Builder, Held, ZoneSet};

/// Owner, TTL, class, type and data of a record.
pub type Record = (NameBuf, u32, Class, Rtype, Vec<u8>);

/// Reads "owner [TTL] [class] TYPE data"; the data is presentation form, or `hex:…` for octets of any length.
pub fn record(text: &str) -> Result<Record, String> {
    let wrong = |what: &str| format!("{text}: {what}");
    let next = |text: &str| -> (String, String) {
        let (word, rest) = text.trim_start().split_once(' ').unwrap_or((text.trim_start(), ""));
        (word.to_owned(), rest.to_owned())
    };
    let (owner, rest) = next(text);
    let (word, tail) = next(&rest);
    let (ttl, rest) = word.parse().map_or((3_600, rest), |ttl| (ttl, tail));
    let (word, tail) = next(&rest);
    // ANY is a type here.
    let class = Class::from_text(&word).filter(|class| *class != Class::ANY);
    let (class, rest) = class.map_or((Class::IN, rest), |class| (class, tail));
    let (word, data) = next(&rest);
    let rtype = Rtype::from_text(&word).ok_or_else(|| wrong("no such type"))?;
    let mut rdata = Vec::new();
    match data.strip_prefix("hex:") {
        Some(digits) => rdata = hex(digits).ok_or_else(|| wrong("not hexadecimal"))?,
        None => rrset::parse_rdata(rtype, &data, NameBuf::root().as_name(), &mut rdata)
            .map_err(|error| wrong(&error.message))?,
    }
    Ok((owner.parse().map_err(|_| wrong("no such name"))?, ttl, class, rtype, rdata))
}

/// Octets in hexadecimal.
pub fn hex(digits: &str) -> Option<Vec<u8>> {
    let octet = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(octet).collect()
}

/// A zone of records; an SOA is made unless one is there.
pub fn zone(apex: &str, lines: &[&str]) -> Held {
    let name: NameBuf = apex.parse().unwrap();
    let mut builder = Builder::new(name.as_name());
    let records: Vec<_> = lines.iter().map(|line| record(line).unwrap()).collect();
    if !records.iter().any(|(_, _, _, rtype, _)| *rtype == Rtype::SOA) {
        let (_, ttl, _, rtype, rdata) = record(". SOA a. b. 1 3600 600 86400 300").unwrap();
        builder.add(name.as_name(), rtype, ttl, &rdata, 0);
    }
    for (owner, ttl, _, rtype, rdata) in records {
        builder.add(owner.as_name(), rtype, ttl, &rdata, 0);
    }
    let (zone, _) = builder.finish().unwrap_or_else(|problems| panic!("{apex}: {problems:?}"));
    Held { apex: name.as_name().to_owned(), state: Ok(Arc::new(zone)), policy: None }
}

pub fn view(zones: Vec<Held>, recursion: Option<Recursion>) -> View {
    View { zones: ZoneSet::new(zones), steering: Vec::new(), recursion, ..View::default() }
}

/// A client's query, with these options.
pub fn query(name: &str, rtype: Rtype, flags: Flags, options: &[(u16, &[u8])]) -> Vec<u8> {
    query_with(name, rtype, flags, false, options)
}

/// The same with DO set or not.
pub fn query_with(
    name: &str,
    rtype: Rtype,
    flags: Flags,
    dnssec_ok: bool,
    options: &[(u16, &[u8])],
) -> Vec<u8> {
    let mut out = [0; 512];
    let mut writer = Writer::new(&mut out, 512, 7, flags);
    let name: NameBuf = name.parse().unwrap();
    writer.question(name.as_name(), rtype, Class::IN).unwrap();
    let write =
        |writer: &mut Writer<'_>| options.iter().try_for_each(|(code, data)| writer.option(*code, data));
    writer.opt(1_232, 0, dnssec_ok, write).unwrap();
    let len = writer.finish();
    out[..len].to_vec()
}
