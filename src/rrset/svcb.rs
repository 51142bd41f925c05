//! Service parameters of SVCB and HTTPS records (RFC 9460).

use super::parse::{BAD_ESCAPE, Tokens};
use super::{RdataError, codec};
use crate::wire::{Malformed, read_u16};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Keys with names (IANA "DNS Service Parameter Keys").
const KEYS: &[(&str, u16)] = &[
    ("mandatory", MANDATORY),
    ("alpn", ALPN),
    ("no-default-alpn", NO_DEFAULT_ALPN),
    ("port", PORT),
    ("ipv4hint", IPV4HINT),
    ("ech", ECH),
    ("ipv6hint", IPV6HINT),
    ("dohpath", DOHPATH),
    ("ohttp", OHTTP),
];
const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6HINT: u16 = 6;
const DOHPATH: u16 = 7;
const OHTTP: u16 = 8;

fn key(text: &str) -> Option<u16> {
    let named = KEYS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, key)| *key);
    let number = || {
        let digits = text.get(..3).filter(|prefix| prefix.eq_ignore_ascii_case("key")).map(|_| &text[3..])?;
        // RFC 9460 §2.1: no leading zeros; 65535 is reserved.
        let plain = digits == "0" || !digits.starts_with('0');
        codec::read_number(digits).filter(|&key: &u16| plain && key != u16::MAX)
    };
    named.or_else(number)
}

/// The parameters at the start of `rdata`, one by one.
fn params(rdata: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8]), Malformed>> {
    let mut rest = rdata;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let value = read_u16(rest, 0).zip(read_u16(rest, 2)).and_then(|(key, len)| {
            let value = rest.get(4..4 + len as usize)?;
            rest = &rest[4 + len as usize..];
            Some((key, value))
        });
        if value.is_none() {
            rest = &[];
        }
        Some(value.ok_or(Malformed))
    })
}

/// Keys ascend and values have the form of their keys (RFC 9460 §2.2, §7).
pub(super) fn check(rdata: &[u8]) -> Result<usize, Malformed> {
    let mut next = 0u32;
    for param in params(rdata) {
        let (key, value) = param?;
        if u32::from(key) < next || !value_is_right(key, value) {
            return Err(Malformed);
        }
        next = u32::from(key) + 1;
    }
    let keys = || params(rdata).flatten().map(|(key, _)| key);
    let mandatory =
        params(rdata).flatten().find(|(key, _)| *key == MANDATORY).map_or(&[][..], |(_, value)| value);
    // RFC 9460 §8: mandatory keys are there, in order, and `mandatory` is not among them.
    let required: Vec<u16> = mandatory.chunks(2).filter_map(|key| read_u16(key, 0)).collect();
    let right = required.iter().all(|&required| required != MANDATORY && keys().any(|key| key == required))
        && required.is_sorted_by(|a, b| a < b);
    let alpn = !keys().any(|key| key == NO_DEFAULT_ALPN) || keys().any(|key| key == ALPN);
    if right && alpn { Ok(rdata.len()) } else { Err(Malformed) }
}

fn value_is_right(key: u16, value: &[u8]) -> bool {
    let multiple_of = |width: usize| !value.is_empty() && value.len().is_multiple_of(width);
    match key {
        MANDATORY => multiple_of(2),
        ALPN => {
            let mut rest = value;
            while let Some((&len, tail)) = rest.split_first() {
                match tail.get(len as usize..) {
                    Some(after) if len > 0 => rest = after,
                    _ => return false,
                }
            }
            !value.is_empty()
        }
        NO_DEFAULT_ALPN | OHTTP => value.is_empty(),
        PORT => value.len() == 2,
        IPV4HINT => multiple_of(4),
        IPV6HINT => multiple_of(16),
        ECH => !value.is_empty(),
        u16::MAX => false,
        _ => true,
    }
}

/// Whether there is a `dohpath` that is no path with the variable `dns` in it (RFC 9461 §5, RFC 6570).
pub(super) fn has_bad_dohpath(rdata: &[u8]) -> bool {
    let good = |path: &[u8]| {
        let path = String::from_utf8_lossy(path);
        let mut expressions = path.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
        let operator = |c: char| "+#./;?&".contains(c);
        path.starts_with('/')
            && expressions.any(|list| list.trim_start_matches(operator).split(',').any(|name| name == "dns"))
    };
    params(rdata).flatten().any(|(key, path)| key == DOHPATH && !good(path))
}

/// Reads `key=value` tokens. A value may stand in quotes as a whole: then the tokeniser gives `key=` and the string as two tokens.
pub(super) fn parse(tokens: &mut Tokens<'_>, out: &mut Vec<u8>) -> Result<(), RdataError> {
    let mut all: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
    while !tokens.is_empty() {
        let text = tokens.next("parameter")?;
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let number =
            key(name).ok_or_else(|| tokens.wrong(format!("{name:?} is not a service parameter key")))?;
        let value = match value {
            Some("") if tokens.peek_quoted() => Some(tokens.next(name)?),
            value => value,
        };
        let wire = parse_value(number, value).map_err(|form| match form {
            BAD_ESCAPE => tokens.wrong(BAD_ESCAPE),
            form => tokens.wrong(format!("the value of {name} must be {form}")),
        })?;
        if all.insert(number, wire).is_some() {
            return Err(tokens.wrong(format!("{name} is given twice")));
        }
    }
    let at = out.len();
    for (key, value) in &all {
        out.extend(key.to_be_bytes());
        out.extend((value.len() as u16).to_be_bytes());
        out.extend_from_slice(value);
    }
    check(&out[at..]).map(|_| ()).map_err(|_| {
        tokens.wrong("every key that is mandatory must be there (mandatory itself may not be listed), and no-default-alpn needs alpn")
    })
}

/// The wire form of a value, or the form it should have.
fn parse_value(key: u16, text: Option<&str>) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    let required = text.filter(|text| !text.is_empty());
    match key {
        NO_DEFAULT_ALPN | OHTTP => match required {
            None => Ok(out),
            Some(_) => Err("empty"),
        },
        MANDATORY => {
            let keys: Option<Vec<u16>> =
                required.ok_or("keys parted by commas")?.split(',').map(self::key).collect();
            let mut keys = keys.ok_or("keys parted by commas")?;
            keys.sort_unstable();
            out.extend(keys.into_iter().flat_map(u16::to_be_bytes));
            Ok(out)
        }
        ALPN => {
            // RFC 9460 App. A.1: the list is escaped once more within the string.
            let mut list = Vec::new();
            if !codec::unescape(required.ok_or("protocols parted by commas")?, &mut list) {
                return Err(BAD_ESCAPE);
            }
            for item in split_list(&list) {
                let len = u8::try_from(item.len()).ok().filter(|&len| len > 0);
                out.push(len.ok_or("protocols of 1 to 255 octets parted by commas")?);
                out.extend(item);
            }
            Ok(out)
        }
        PORT => {
            let port = required.and_then(codec::read_number::<u16>).ok_or("a port from 0 to 65535")?;
            Ok(port.to_be_bytes().to_vec())
        }
        IPV4HINT => {
            for address in required.ok_or("IPv4 addresses parted by commas")?.split(',') {
                out.extend(
                    address.parse::<Ipv4Addr>().map_err(|_| "IPv4 addresses parted by commas")?.octets(),
                );
            }
            Ok(out)
        }
        IPV6HINT => {
            for address in required.ok_or("IPv6 addresses parted by commas")?.split(',') {
                out.extend(
                    address.parse::<Ipv6Addr>().map_err(|_| "IPv6 addresses parted by commas")?.octets(),
                );
            }
            Ok(out)
        }
        ECH => {
            let read = codec::read_base64(required.into_iter(), &mut out);
            if read && !out.is_empty() { Ok(out) } else { Err("base 64") }
        }
        _ => {
            if codec::unescape(text.unwrap_or_default(), &mut out) {
                Ok(out)
            } else {
                Err(BAD_ESCAPE)
            }
        }
    }
}

/// Parts a list at its commas; a backslash takes the next octet as it is.
fn split_list(list: &[u8]) -> Vec<Vec<u8>> {
    let mut items = vec![Vec::new()];
    let mut octets = list.iter();
    while let Some(&octet) = octets.next() {
        let last = items.len() - 1;
        match octet {
            b',' => items.push(Vec::new()),
            b'\\' => items[last].extend(octets.next()),
            _ => items[last].push(octet),
        }
    }
    items
}

pub(super) fn print(field: &[u8], out: &mut String) {
    let mut space = "";
    for (key, value) in params(field).flatten() {
        out.push_str(space);
        space = " ";
        print_key(key, out);
        if value.is_empty() {
            continue;
        }
        out.push('=');
        match key {
            MANDATORY => {
                for (i, key) in value.chunks(2).filter_map(|key| read_u16(key, 0)).enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    print_key(key, out);
                }
            }
            ALPN => print_alpn(value, out),
            // Writing to a String cannot fail.
            PORT => drop(write!(out, "{}", read_u16(value, 0).unwrap_or(0))),
            IPV4HINT => {
                print_list(
                    value.chunks(4).map(|a| Ipv4Addr::from(<[u8; 4]>::try_from(a).unwrap_or_default())),
                    out,
                );
            }
            IPV6HINT => {
                print_list(
                    value.chunks(16).map(|a| Ipv6Addr::from(<[u8; 16]>::try_from(a).unwrap_or_default())),
                    out,
                );
            }
            ECH => codec::write_base64(value, out),
            _ => codec::write_quoted(value, out),
        }
    }
}

fn print_key(key: u16, out: &mut String) {
    match KEYS.iter().find(|(_, number)| *number == key) {
        Some((name, _)) => out.push_str(name),
        None => drop(write!(out, "key{key}")),
    }
}

fn print_list(items: impl Iterator<Item = impl std::fmt::Display>, out: &mut String) {
    for (i, item) in items.enumerate() {
        let comma = if i > 0 { "," } else { "" };
        let _ = write!(out, "{comma}{item}");
    }
}

fn print_alpn(value: &[u8], out: &mut String) {
    let (mut list, mut rest) = (Vec::new(), value);
    while let Some((&len, tail)) = rest.split_first() {
        let (item, after) = tail.split_at(tail.len().min(len as usize));
        if !list.is_empty() {
            list.push(b',');
        }
        for &octet in item {
            if octet == b',' || octet == b'\\' {
                list.push(b'\\');
            }
            list.push(octet);
        }
        rest = after;
    }
    codec::write_quoted(&list, out);
}
