//! Record data as presentation form, following the table of types.

use super::schema::{self, Kind};
use super::{codec, data, exotic, svcb};
use crate::wire::{Name, Rtype, read_u16, read_u32};
use std::fmt::{Display, Write};

/// See [`super::print_rdata`].
pub(super) fn print(rtype: Rtype, rdata: &[u8], out: &mut String) {
    let reads_back = || rtype != Rtype::LOC || exotic::location_reads_back(rdata);
    match schema::fields(rtype) {
        Some(fields) if data::check(rtype, rdata).is_ok() && reads_back() => {
            let (mut rest, start) = (rdata, out.len());
            for (_, kind) in fields {
                let Ok(len) = data::field_len(*kind, rest) else { return };
                let (field, tail) = rest.split_at(len);
                let before = out.len();
                if out.len() > start && !out.ends_with(' ') {
                    out.push(' ');
                }
                let with_space = out.len();
                print_field(*kind, field, out);
                if out.len() == with_space {
                    out.truncate(before);
                }
                rest = tail;
            }
        }
        _ => print_generic(rdata, out),
    }
}

/// RFC 3597 §5.
fn print_generic(rdata: &[u8], out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\# {}", rdata.len());
    if !rdata.is_empty() {
        out.push(' ');
        codec::write_hex(rdata, out);
    }
}

fn print_field(kind: Kind, field: &[u8], out: &mut String) {
    let number = |at: usize, width: usize| match width {
        1 => field.get(at).copied().map_or(0, u32::from),
        2 => read_u16(field, at).map_or(0, u32::from),
        _ => read_u32(field, at).unwrap_or(0),
    };
    match kind {
        Kind::Name { .. } => {
            if let Ok(name) = Name::from_wire(field) {
                put(out, format_args!("{name}"));
            }
        }
        Kind::U8 | Kind::Code8(_) => put(out, format_args!("{}", number(0, 1))),
        Kind::U16 | Kind::Code16(_) => put(out, format_args!("{}", number(0, 2))),
        Kind::U32 | Kind::Seconds => put(out, format_args!("{}", number(0, 4))),
        Kind::V4 => put(out, format_args!("{}", std::net::Ipv4Addr::from(number(0, 4)))),
        Kind::V6 => {
            let octets: [u8; 16] = field.try_into().unwrap_or_default();
            put(out, format_args!("{}", std::net::Ipv6Addr::from(octets)));
        }
        Kind::Type => put(out, format_args!("{}", Rtype(number(0, 2) as u16))),
        Kind::Text | Kind::OptionalText | Kind::Texts => print_texts(field, out),
        Kind::Tag => put(out, format_args!("{}", String::from_utf8_lossy(&field[1..]))),
        Kind::LongText => codec::write_quoted(field, out),
        Kind::Hex => codec::write_hex(field, out),
        Kind::ShortHex if field.len() == 1 => out.push('-'),
        Kind::ShortHex => codec::write_hex(&field[1..], out),
        Kind::Base64 | Kind::OptionalBase64 => {
            codec::write_base64(field, out);
        }
        Kind::ShortBase32 => {
            codec::write_base32(&field[1..], out);
        }
        Kind::Nsap => {
            out.push_str("0x");
            codec::write_hex(field, out);
        }
        Kind::Types => print_types(field, out),
        Kind::OldTypes => print_list(bits(field).map(Rtype), out),
        Kind::Ports => print_list(bits(field), out),
        Kind::Time => codec::write_time(number(0, 4), out),
        Kind::Eui48 | Kind::Eui64 => exotic::print_groups(field, 1, '-', out),
        Kind::Groups64 => exotic::print_groups(field, 2, ':', out),
        Kind::Location => exotic::print_location(field, out),
        Kind::Prefixes => exotic::print_prefixes(field, out),
        Kind::Params => svcb::print(field, out),
        Kind::IpsecKey => exotic::print_ipseckey(field, out),
        Kind::AmtRelay => exotic::print_amtrelay(field, out),
        Kind::HostIdentity => exotic::print_host_identity(field, out),
    }
}

/// Writing to a String cannot fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// Character-strings, quoted and parted by spaces.
fn print_texts(mut field: &[u8], out: &mut String) {
    let mut first = true;
    while let Some((&len, rest)) = field.split_first() {
        let (text, tail) = rest.split_at(rest.len().min(len as usize));
        if !std::mem::take(&mut first) {
            out.push(' ');
        }
        codec::write_quoted(text, out);
        field = tail;
    }
}

/// The types of a bitmap.
fn print_types(mut field: &[u8], out: &mut String) {
    let mut space = "";
    while let Some((&[window, len], rest)) = field.split_first_chunk() {
        let (map, tail) = rest.split_at(rest.len().min(len as usize));
        out.push_str(space);
        print_list(bits(map).map(|bit| Rtype(u16::from(window) << 8 | bit)), out);
        (field, space) = (tail, " ");
    }
}

/// The bits that are set.
fn bits(map: &[u8]) -> impl Iterator<Item = u16> {
    (0..map.len() * 8).filter(|bit| map[bit / 8] & (0x80 >> (bit % 8)) != 0).map(|bit| bit as u16)
}

/// Things parted by spaces.
fn print_list(items: impl Iterator<Item = impl Display>, out: &mut String) {
    for (i, item) in items.enumerate() {
        let space = if i > 0 { " " } else { "" };
        let _ = write!(out, "{space}{item}");
    }
}
