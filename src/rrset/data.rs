//! Record data in wire form, following the table of types: checked, decompressed, compressed, made canonical.

use super::schema::{self, Kind};
use super::{exotic, svcb};
use crate::wire::{Full, Malformed, Name, NameBuf, Record, Rtype, Writer};
use std::cmp::Ordering;

/// Octets of the field at the start of `rdata`. Names are uncompressed.
pub(super) fn field_len(kind: Kind, rdata: &[u8]) -> Result<usize, Malformed> {
    let counted = || Ok(1 + *rdata.first().ok_or(Malformed)? as usize);
    let len = match kind {
        Kind::Name { .. } => Name::parse(rdata)?.0.len(),
        Kind::U8 | Kind::Code8(_) => 1,
        Kind::U16 | Kind::Type | Kind::Code16(_) => 2,
        Kind::U32 | Kind::Seconds | Kind::Time | Kind::V4 => 4,
        Kind::V6 => 16,
        Kind::Eui48 => 6,
        Kind::Eui64 | Kind::Groups64 => 8,
        Kind::Text | Kind::ShortHex => counted()?,
        Kind::OptionalText if rdata.is_empty() => 0,
        Kind::OptionalText => counted()?,
        Kind::ShortBase32 | Kind::Tag if counted()? == 1 => return Err(Malformed),
        Kind::Tag => {
            let len = counted()?;
            let letters = rdata.get(1..len).ok_or(Malformed)?.iter().all(u8::is_ascii_alphanumeric);
            if letters { len } else { return Err(Malformed) }
        }
        Kind::ShortBase32 => counted()?,
        Kind::Texts => texts_len(rdata)?,
        Kind::Types => types_len(rdata)?,
        Kind::OldTypes => bits_len(rdata, 1 << 7)?,
        Kind::Ports => bits_len(rdata, 1 << 16)?,
        Kind::Hex | Kind::Base64 | Kind::Nsap if rdata.is_empty() => return Err(Malformed),
        Kind::LongText | Kind::Hex | Kind::Base64 | Kind::OptionalBase64 | Kind::Nsap => rdata.len(),
        Kind::Location => exotic::location_len(rdata)?,
        Kind::Prefixes => exotic::check_prefixes(rdata)?,
        Kind::Params => svcb::check(rdata)?,
        Kind::IpsecKey => exotic::check_ipseckey(rdata)?,
        Kind::AmtRelay => exotic::check_amtrelay(rdata)?,
        Kind::HostIdentity => exotic::check_host_identity(rdata)?,
    };
    if len <= rdata.len() { Ok(len) } else { Err(Malformed) }
}

fn texts_len(rdata: &[u8]) -> Result<usize, Malformed> {
    let mut at = 0;
    while at < rdata.len() {
        at += 1 + rdata[at] as usize;
    }
    if at == rdata.len() && at > 0 { Ok(at) } else { Err(Malformed) }
}

/// Windows ascend, have 1 to 32 octets and no trailing zero (RFC 4034 §4.1.2).
fn types_len(rdata: &[u8]) -> Result<usize, Malformed> {
    let (mut rest, mut next) = (rdata, 0);
    while let Some((&[window, len], tail)) = rest.split_first_chunk() {
        let bits = tail.get(..len as usize).ok_or(Malformed)?;
        if u16::from(window) < next || len > 32 || bits.last().is_none_or(|&last| last == 0) {
            return Err(Malformed);
        }
        (rest, next) = (&tail[len as usize..], u16::from(window) + 1);
    }
    if rest.is_empty() { Ok(rdata.len()) } else { Err(Malformed) }
}

/// So many bits at most, without trailing zero octets.
fn bits_len(rdata: &[u8], bits: usize) -> Result<usize, Malformed> {
    if rdata.len() * 8 > bits || rdata.last() == Some(&0) { Err(Malformed) } else { Ok(rdata.len()) }
}

/// See [`super::check_rdata`].
pub(super) fn check(rtype: Rtype, rdata: &[u8]) -> Result<(), Malformed> {
    let Some(fields) = schema::fields(rtype) else { return Ok(()) };
    let mut rest = rdata;
    for (_, kind) in fields {
        rest = &rest[field_len(*kind, rest)?..];
    }
    if rest.is_empty() { Ok(()) } else { Err(Malformed) }
}

/// See [`super::read_rdata`].
pub(super) fn read(record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let start = out.len();
    let read = read_fields(record, out).and_then(|()| check(record.rtype, &out[start..]));
    if read.is_err() {
        out.truncate(start);
    }
    read
}

fn read_fields(record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let (message, mut at, end) = record.rdata_in_message();
    // What stands after the last name that may be compressed is copied as it is.
    for (_, kind) in schema::fields(record.rtype).unwrap_or_default() {
        match kind {
            Kind::Name { fold: true, .. } => {
                let (name, after) = NameBuf::decompress(message, at)?;
                out.extend_from_slice(name.as_name().as_bytes());
                at = after;
            }
            _ => {
                let len = field_len(*kind, message.get(at..end).ok_or(Malformed)?)?;
                out.extend_from_slice(&message[at..at + len]);
                at += len;
            }
        }
        if at > end {
            return Err(Malformed);
        }
    }
    out.extend_from_slice(&message[at..end]);
    Ok(())
}

/// See [`super::write_rdata`].
pub(super) fn write(writer: &mut Writer<'_>, rtype: Rtype, rdata: &[u8]) -> Result<(), Full> {
    match rtype {
        // The types whose names may be compressed, by what stands before the names.
        Rtype::NS | Rtype::CNAME | Rtype::PTR | Rtype::MD | Rtype::MF | Rtype::MB | Rtype::MG | Rtype::MR => {
            write_names(writer, rdata)
        }
        Rtype::MX => {
            let (preference, names) = rdata.split_at(rdata.len().min(2));
            writer.bytes(preference)?;
            write_names(writer, names)
        }
        Rtype::SOA | Rtype::MINFO => write_names(writer, rdata),
        _ => writer.bytes(rdata),
    }
}

/// Writes two names at most, and then what is left as it is.
fn write_names(writer: &mut Writer<'_>, rdata: &[u8]) -> Result<(), Full> {
    let mut rest = rdata;
    for _ in 0..2 {
        // The data was checked against its type; what is no name is written as it is.
        let Ok((name, tail)) = Name::parse(rest) else { break };
        writer.name(name)?;
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    writer.bytes(rest)
}

/// See [`super::make_canonical`].
pub(super) fn make_canonical(rtype: Rtype, rdata: &mut [u8]) {
    let mut at = 0;
    for (_, kind) in schema::fields(rtype).unwrap_or_default() {
        let Ok(len) = field_len(*kind, &rdata[at..]) else { return };
        if let Kind::Name { fold: true, .. } = kind {
            // Length octets are below 64 and so no letters.
            rdata[at..at + len].make_ascii_lowercase();
        }
        at += len;
    }
}

/// See [`super::canonical_order`]. Field by field: no field but the last can be the beginning of another of its kind.
pub(super) fn canonical_order(rtype: Rtype, mut a: &[u8], mut b: &[u8]) -> Ordering {
    for (_, kind) in schema::fields(rtype).unwrap_or_default() {
        let (Ok(n), Ok(m)) = (field_len(*kind, a), field_len(*kind, b)) else { break };
        let (field, other) = (&a[..n], &b[..m]);
        let order = match kind {
            Kind::Name { fold: true, .. } => {
                field.iter().map(u8::to_ascii_lowercase).cmp(other.iter().map(u8::to_ascii_lowercase))
            }
            _ => field.cmp(other),
        };
        if order.is_ne() {
            return order;
        }
        (a, b) = (&a[n..], &b[m..]);
    }
    a.cmp(b)
}

/// See [`super::additional_name`].
pub(super) fn additional_name(rtype: Rtype, rdata: &[u8]) -> Option<Name<'_>> {
    let at = match rtype {
        Rtype::NS => 0,
        Rtype::MX | Rtype::KX | Rtype::AFSDB | Rtype::RT | Rtype::SVCB | Rtype::HTTPS => 2,
        Rtype::SRV => 6,
        _ => return None,
    };
    Some(Name::parse(rdata.get(at..)?).ok()?.0).filter(|name| !name.is_root())
}
