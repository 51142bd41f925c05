//! Fields whose form is their own: locations, address prefixes, keys with gateways, groups of digits.

use super::parse::Tokens;
use super::{RdataError, codec};
use crate::wire::{Malformed, Name, NameBuf, read_u16, read_u32};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Octets as pairs of digits with hyphens (RFC 7043).
pub(super) fn parse_pairs(
    what: &str,
    octets: usize,
    tokens: &mut Tokens<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataError> {
    let text = tokens.next(what)?;
    let right = text.split('-').count() == octets
        && text.split('-').all(|pair| pair.len() == 2 && codec::read_hex(pair, out));
    let form = format_args!("{octets} pairs of hexadecimal digits parted by \"-\"");
    right.then_some(()).ok_or_else(|| tokens.expected(what, form))
}

/// Four groups of one to four digits with colons (RFC 6742 §2.1.1).
pub(super) fn parse_groups(what: &str, tokens: &mut Tokens<'_>, out: &mut Vec<u8>) -> Result<(), RdataError> {
    let text = tokens.next(what)?;
    let right = text.split(':').count() == 4
        && text.split(':').all(|group| group.len() <= 4 && codec::read_hex(&format!("{group:0>4}"), out))
        && text.split(':').all(|group| !group.is_empty());
    let form = "4 groups of 1 to 4 hexadecimal digits parted by \":\"";
    right.then_some(()).ok_or_else(|| tokens.expected(what, form))
}

/// Appends groups of `octets` octets.
pub(super) fn print_groups(field: &[u8], octets: usize, separator: char, out: &mut String) {
    for (i, group) in field.chunks(octets).enumerate() {
        if i > 0 {
            out.push(separator);
        }
        for octet in group {
            // Writing to a String cannot fail.
            let _ = write!(out, "{octet:02x}");
        }
    }
}

//----------- LOC (RFC 1876) -----------------------------------------------------------------------------------------

/// Only version 0 has a meaning: 16 octets, the sizes' digits up to 9, angles within the globe.
pub(super) fn location_len(rdata: &[u8]) -> Result<usize, Malformed> {
    let digits = rdata.get(1..4).ok_or(Malformed)?;
    let angle = |at| Some(read_u32(rdata, at)?.abs_diff(1 << 31));
    let (latitude, longitude) = (angle(4).ok_or(Malformed)?, angle(8).ok_or(Malformed)?);
    let right = rdata[0] == 0 && digits.iter().all(|d| d >> 4 <= 9 && d & 15 <= 9);
    if right && latitude <= 90 * 3_600_000 && longitude <= 180 * 3_600_000 { Ok(16) } else { Err(Malformed) }
}

/// Whether the sizes are written in the one way that reading their text gives: zero is also zero times any power of ten.
pub(super) fn location_reads_back(rdata: &[u8]) -> bool {
    rdata.get(1..4).is_some_and(|digits| digits.iter().all(|&size| size >> 4 != 0 || size == 0))
}

pub(super) fn parse_location(tokens: &mut Tokens<'_>, out: &mut Vec<u8>) -> Result<(), RdataError> {
    let latitude = parse_angle("latitude", 90, ["N", "S"], tokens)?;
    let longitude = parse_angle("longitude", 180, ["E", "W"], tokens)?;
    let altitude = centimetres("altitude", tokens)?;
    let altitude = altitude.checked_add(10_000_000).and_then(|value| u32::try_from(value).ok());
    let altitude = altitude.ok_or_else(|| tokens.expected("altitude", "from -100000.00m to 42849672.95m"))?;
    let mut sizes = [0x12, 0x16, 0x13];
    for (size, what) in sizes.iter_mut().zip(["size", "horizontal precision", "vertical precision"]) {
        if tokens.is_empty() {
            break;
        }
        let value = centimetres(what, tokens)?;
        *size = pack_size(value).ok_or_else(|| tokens.expected(what, "from 0 to 90000000m"))?;
    }
    out.push(0);
    out.extend(sizes);
    for number in [latitude, longitude, altitude] {
        out.extend(number.to_be_bytes());
    }
    Ok(())
}

/// Degrees, and minutes and seconds if they are there, then the hemisphere: thousandths of seconds of arc from 2^31.
fn parse_angle(
    what: &str,
    max: u32,
    hemispheres: [&str; 2],
    tokens: &mut Tokens<'_>,
) -> Result<u32, RdataError> {
    let mut angle = 0;
    let mut parts = [(3_600_000, max), (60_000, 59), (1_000, 59)].into_iter();
    loop {
        let text = tokens.next(what)?;
        if let Some(side) = hemispheres.iter().position(|side| side.eq_ignore_ascii_case(text)) {
            if angle > max * 3_600_000 {
                return Err(tokens.wrong(format!("the {what} is beyond {max} degrees")));
            }
            return Ok(if side == 0 { (1 << 31) + angle } else { (1 << 31) - angle });
        }
        let part = parts.next().and_then(|(unit, limit)| {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let whole: u32 = codec::read_number(whole).filter(|&whole| whole <= limit)?;
            // Only seconds have a fraction, of up to three digits.
            if !fraction.is_empty() && unit != 1_000 || fraction.len() > 3 {
                return None;
            }
            let thousandths: u32 = codec::read_number(&format!("{fraction:0<3}"))?;
            Some(whole * unit + thousandths)
        });
        let form = format_args!("degrees, minutes, seconds and {} or {}", hemispheres[0], hemispheres[1]);
        angle += part.ok_or_else(|| tokens.expected(what, form))?;
    }
}

/// Metres with up to two decimals, in centimetres.
fn centimetres(what: &str, tokens: &mut Tokens<'_>) -> Result<i64, RdataError> {
    let text = tokens.next(what)?;
    let digits = text.strip_suffix(['m', 'M']).unwrap_or(text);
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let value = (!whole.is_empty() && fraction.len() <= 2)
        .then(|| codec::read_number::<i64>(&format!("{whole}{fraction:0<2}")))
        .flatten();
    let value = value.ok_or_else(|| tokens.expected(what, "metres, as in 12.50m"))?;
    Ok(if negative { -value } else { value })
}

/// A digit and a power of ten of centimetres, at most 9 and 9 (RFC 1876 §2); what is between is cut off.
fn pack_size(value: i64) -> Option<u8> {
    let (mut digit, mut power) = (u64::try_from(value).ok().filter(|&value| value <= 9_000_000_000)?, 0);
    while digit > 9 {
        (digit, power) = (digit / 10, power + 1);
    }
    Some((digit as u8) << 4 | power)
}

pub(super) fn print_location(field: &[u8], out: &mut String) {
    let number = |at| read_u32(field, at).unwrap_or(1 << 31);
    for (at, hemispheres) in [(4, ['N', 'S']), (8, ['E', 'W'])] {
        let angle = number(at).abs_diff(1 << 31);
        let side = hemispheres[usize::from(number(at) < 1 << 31)];
        let (degrees, minutes) = (angle / 3_600_000, angle / 60_000 % 60);
        let (seconds, thousandths) = (angle / 1_000 % 60, angle % 1_000);
        let _ = write!(out, "{degrees} {minutes} {seconds}.{thousandths:03} {side} ");
    }
    let altitude = i64::from(number(12)) - 10_000_000;
    let sign = if altitude < 0 { "-" } else { "" };
    let _ = write!(out, "{sign}{}.{:02}m", altitude.abs() / 100, altitude.abs() % 100);
    for packed in field.get(1..4).unwrap_or_default() {
        let value = u64::from(packed >> 4) * 10u64.pow(u32::from(packed & 15));
        let _ = write!(out, " {}.{:02}m", value / 100, value % 100);
    }
}

//----------- APL (RFC 3123) -----------------------------------------------------------------------------------------

pub(super) fn check_prefixes(rdata: &[u8]) -> Result<usize, Malformed> {
    let mut rest = rdata;
    while !rest.is_empty() {
        let (_, _, tail) = prefix(rest)?;
        rest = tail;
    }
    Ok(rdata.len())
}

/// Address and length of a prefix, whether it is negated, and what stands after it.
type Prefix<'a> = ((IpAddr, u8), bool, &'a [u8]);

/// The first prefix.
fn prefix(rdata: &[u8]) -> Result<Prefix<'_>, Malformed> {
    let (&[high, low, bits, flags], rest) = rdata.split_first_chunk().ok_or(Malformed)?;
    let (octets, tail) = rest.split_at_checked((flags & 0x7f) as usize).ok_or(Malformed)?;
    // RFC 3123 §4: trailing zeros are not sent.
    if octets.last() == Some(&0) {
        return Err(Malformed);
    }
    let mut whole = [0; 16];
    whole.get_mut(..octets.len()).ok_or(Malformed)?.copy_from_slice(octets);
    let address = match (u16::from_be_bytes([high, low]), octets.len(), bits) {
        (1, 0..=4, 0..=32) => IpAddr::V4(Ipv4Addr::new(whole[0], whole[1], whole[2], whole[3])),
        (2, 0..=16, 0..=128) => IpAddr::V6(Ipv6Addr::from(whole)),
        _ => return Err(Malformed),
    };
    Ok(((address, bits), flags & 0x80 != 0, tail))
}

pub(super) fn parse_prefixes(tokens: &mut Tokens<'_>, out: &mut Vec<u8>) -> Result<(), RdataError> {
    while !tokens.is_empty() {
        let text = tokens.next("prefix")?;
        let (negated, rest) = text.strip_prefix('!').map_or((0, text), |rest| (0x80, rest));
        let parsed = rest.split_once(':').and_then(|(family, prefix)| {
            let (address, bits) = prefix.split_once('/')?;
            let (address, bits): (IpAddr, u8) = (address.parse().ok()?, codec::read_number(bits)?);
            match (family, address) {
                ("1", IpAddr::V4(v4)) if bits <= 32 => Some((1, bits, v4.octets().to_vec())),
                ("2", IpAddr::V6(v6)) if bits <= 128 => Some((2, bits, v6.octets().to_vec())),
                _ => None,
            }
        });
        let form = "as in 1:192.0.2.0/24, !1:192.0.2.64/28 or 2:2001:db8::/32";
        let (family, bits, octets) = parsed.ok_or_else(|| tokens.expected("prefix", form))?;
        let len = octets.iter().rposition(|&octet| octet != 0).map_or(0, |last| last + 1);
        out.extend([0, family, bits, negated | len as u8]);
        out.extend_from_slice(&octets[..len]);
    }
    Ok(())
}

pub(super) fn print_prefixes(field: &[u8], out: &mut String) {
    let (mut rest, mut space) = (field, "");
    while let Ok(((address, bits), negated, tail)) = prefix(rest) {
        let family = if address.is_ipv4() { 1 } else { 2 };
        let _ = write!(out, "{space}{}{family}:{address}/{bits}", if negated { "!" } else { "" });
        (rest, space) = (tail, " ");
    }
}

//----------- Gateways: IPSECKEY (RFC 4025), AMTRELAY (RFC 8777) ------------------------------------------------------

/// Octets of a gateway of this type (RFC 4025 §2.3, RFC 8777 §4.2.3).
fn gateway_len(kind: u8, rdata: &[u8]) -> Result<usize, Malformed> {
    match kind {
        0 => Ok(0),
        1 => Ok(4),
        2 => Ok(16),
        3 => Ok(Name::parse(rdata)?.0.len()),
        _ => Err(Malformed),
    }
}

fn parse_gateway(
    kind: u32,
    tokens: &mut Tokens<'_>,
    origin: Name<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataError> {
    match kind {
        3 => out.extend_from_slice(tokens.name("gateway", origin)?.as_name().as_bytes()),
        0 if tokens.next("gateway")? == "." => (),
        1 => {
            let address = tokens.next("gateway")?.parse::<Ipv4Addr>();
            out.extend(address.map_err(|_| tokens.expected("gateway", "an IPv4 address"))?.octets());
        }
        2 => {
            let address = tokens.next("gateway")?.parse::<Ipv6Addr>();
            out.extend(address.map_err(|_| tokens.expected("gateway", "an IPv6 address"))?.octets());
        }
        _ => return Err(tokens.expected("gateway", "\".\" where its type is 0")),
    }
    Ok(())
}

fn print_gateway(kind: u8, gateway: &[u8], out: &mut String) {
    let _ = match (kind, gateway.len()) {
        (1, 4) => write!(out, "{}", Ipv4Addr::from(read_u32(gateway, 0).unwrap_or(0))),
        (2, 16) => write!(out, "{}", Ipv6Addr::from(<[u8; 16]>::try_from(gateway).unwrap_or_default())),
        (3, _) => Name::from_wire(gateway).map_or(Ok(()), |name| write!(out, "{name}")),
        _ => write!(out, "."),
    };
}

pub(super) fn check_ipseckey(rdata: &[u8]) -> Result<usize, Malformed> {
    let (&[_, kind, _], rest) = rdata.split_first_chunk().ok_or(Malformed)?;
    if gateway_len(kind, rest)? <= rest.len() { Ok(rdata.len()) } else { Err(Malformed) }
}

pub(super) fn parse_ipseckey(
    tokens: &mut Tokens<'_>,
    origin: Name<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataError> {
    let precedence = tokens.number("precedence", 255)?;
    let kind = tokens.number("gateway type", 3)?;
    let algorithm = tokens.number("algorithm", 255)?;
    out.extend([precedence as u8, kind as u8, algorithm as u8]);
    parse_gateway(kind, tokens, origin, out)?;
    let key = tokens.rest();
    let read = codec::read_base64(key.iter().map(|token| token.text), out);
    read.then_some(()).ok_or_else(|| tokens.wrong("the public key must be base 64"))
}

pub(super) fn print_ipseckey(field: &[u8], out: &mut String) {
    let Some((&[precedence, kind, algorithm], rest)) = field.split_first_chunk() else { return };
    let _ = write!(out, "{precedence} {kind} {algorithm} ");
    let (gateway, key) = rest.split_at(gateway_len(kind, rest).unwrap_or(0).min(rest.len()));
    print_gateway(kind, gateway, out);
    if !key.is_empty() {
        out.push(' ');
        codec::write_base64(key, out);
    }
}

pub(super) fn check_amtrelay(rdata: &[u8]) -> Result<usize, Malformed> {
    let (&[_, kind], rest) = rdata.split_first_chunk().ok_or(Malformed)?;
    if gateway_len(kind & 0x7f, rest)? == rest.len() { Ok(rdata.len()) } else { Err(Malformed) }
}

pub(super) fn parse_amtrelay(
    tokens: &mut Tokens<'_>,
    origin: Name<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataError> {
    let precedence = tokens.number("precedence", 255)?;
    let discovery = tokens.number("discovery bit", 1)?;
    let kind = tokens.number("relay type", 3)?;
    out.extend([precedence as u8, (discovery << 7 | kind) as u8]);
    parse_gateway(kind, tokens, origin, out)
}

pub(super) fn print_amtrelay(field: &[u8], out: &mut String) {
    let Some((&[precedence, kind], rest)) = field.split_first_chunk() else { return };
    let _ = write!(out, "{precedence} {} {} ", kind >> 7, kind & 0x7f);
    print_gateway(kind & 0x7f, rest, out);
}

//----------- HIP (RFC 8005) -----------------------------------------------------------------------------------------

/// The host identity tag, the public key and what stands after them.
fn host_identity(rdata: &[u8]) -> Result<[&[u8]; 3], Malformed> {
    let (&[tag_len, _, _, _], rest) = rdata.split_first_chunk().ok_or(Malformed)?;
    let key_len = read_u16(rdata, 2).ok_or(Malformed)? as usize;
    let (tag, rest) = rest.split_at_checked(tag_len as usize).ok_or(Malformed)?;
    let (key, servers) = rest.split_at_checked(key_len).ok_or(Malformed)?;
    if tag.is_empty() || key.is_empty() { Err(Malformed) } else { Ok([tag, key, servers]) }
}

pub(super) fn check_host_identity(rdata: &[u8]) -> Result<usize, Malformed> {
    let [_, _, mut servers] = host_identity(rdata)?;
    while !servers.is_empty() {
        servers = Name::parse(servers)?.1;
    }
    Ok(rdata.len())
}

pub(super) fn parse_host_identity(
    tokens: &mut Tokens<'_>,
    origin: Name<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataError> {
    let algorithm = tokens.number("algorithm", 255)?;
    let at = out.len();
    out.extend([0, algorithm as u8, 0, 0]);
    let read = codec::read_hex(tokens.next("host identity tag")?, out);
    let tag_len = u8::try_from(out.len() - at - 4).ok().filter(|&len| read && len > 0);
    out[at] = tag_len.ok_or_else(|| tokens.expected("host identity tag", "pairs of hexadecimal digits"))?;
    let key_at = out.len();
    let read = codec::read_base64(std::iter::once(tokens.next("public key")?), out);
    let key_len = u16::try_from(out.len() - key_at).ok().filter(|&len| read && len > 0);
    let key_len = key_len.ok_or_else(|| tokens.expected("public key", "base 64"))?;
    out[at + 2..at + 4].copy_from_slice(&key_len.to_be_bytes());
    while !tokens.is_empty() {
        let server: NameBuf = tokens.name("rendezvous server", origin)?;
        out.extend_from_slice(server.as_name().as_bytes());
    }
    Ok(())
}

pub(super) fn print_host_identity(field: &[u8], out: &mut String) {
    let Ok([tag, key, mut servers]) = host_identity(field) else { return };
    let _ = write!(out, "{} ", field[1]);
    codec::write_hex(tag, out);
    out.push(' ');
    codec::write_base64(key, out);
    while let Ok((server, rest)) = Name::parse(servers) {
        let _ = write!(out, " {server}");
        servers = rest;
    }
}
