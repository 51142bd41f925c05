//! Record data from presentation form, following the table of types.

use super::schema::{self, Field, Kind};
use super::{RdataError, Token, codec, exotic, rules, svcb};
use crate::wire::{Name, NameBuf, Rtype};
use std::fmt::Display;

/// The tokens of one record's data and how far they are read.
pub(super) struct Tokens<'t> {
    tokens: &'t [Token<'t>],
    at: usize,
}

impl<'t> Tokens<'t> {
    /// The next token, which is a `what`.
    pub fn next(&mut self, what: &str) -> Result<&'t str, RdataError> {
        let token = self.tokens.get(self.at).map(|token| token.text);
        self.at += 1;
        token.ok_or_else(|| {
            let end = self.tokens.len();
            RdataError { message: format!("the {what} is missing"), span: (end.saturating_sub(1), end) }
        })
    }

    /// The tokens that are left.
    pub fn rest(&mut self) -> &'t [Token<'t>] {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        self.at = self.tokens.len();
        rest
    }

    /// Whether the next token stands in quotes.
    pub fn peek_quoted(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.quoted)
    }

    /// Whether all were read.
    pub fn is_empty(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// An error about the token read last.
    pub fn wrong(&self, message: impl Into<String>) -> RdataError {
        let last = self.at.saturating_sub(1).min(self.tokens.len().saturating_sub(1));
        RdataError { message: message.into(), span: (last, last + 1) }
    }

    /// An error that says what was expected of the token read last.
    pub fn expected(&self, what: &str, form: impl Display) -> RdataError {
        let found = self.tokens.get(self.at.saturating_sub(1)).map_or("", |token| token.text);
        self.wrong(format!("the {what} must be {form}, not {found:?}"))
    }

    /// A number up to `max`.
    pub fn number(&mut self, what: &str, max: u32) -> Result<u32, RdataError> {
        let value = codec::read_number(self.next(what)?).filter(|&value: &u32| value <= max);
        value.ok_or_else(|| self.expected(what, format_args!("a number from 0 to {max}")))
    }

    /// A name.
    pub fn name(&mut self, what: &str, origin: Name<'_>) -> Result<NameBuf, RdataError> {
        let token = self.next(what)?;
        NameBuf::from_text(token, origin)
            .map_err(|error| self.wrong(format!("the {what} is not a name: {error}")))
    }
}

/// See [`super::parse_tokens`].
pub(super) fn parse(
    rtype: Rtype,
    tokens: &[Token<'_>],
    origin: Name<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataError> {
    let (mut tokens, start) = (Tokens { tokens, at: 0 }, out.len());
    let generic = matches!(tokens.tokens.first(), Some(Token { text: "\\#", quoted: false }));
    let parsed = match schema::fields(rtype) {
        _ if generic => parse_generic(rtype, &mut tokens, out),
        Some(fields) => fields.iter().try_for_each(|field| parse_field(*field, &mut tokens, origin, out)),
        None => Err(tokens.wrong(format!("{rtype} data is written as \\# LENGTH HEX (RFC 3597)"))),
    };
    let parsed = parsed.and_then(|()| {
        if !tokens.is_empty() {
            let (from, to) = (tokens.at, tokens.tokens.len());
            let extra = tokens.tokens[from].text;
            return Err(RdataError {
                message: format!("{rtype} data ends before {extra:?}"),
                span: (from, to),
            });
        }
        if out.len() - start > u16::MAX as usize {
            return Err(RdataError {
                message: "record data is longer than 65535 octets".into(),
                span: (0, to_end(&tokens)),
            });
        }
        let broken = rules::broken(rtype, &out[start..]);
        broken.map_or(Ok(()), |message| Err(RdataError { message, span: (0, to_end(&tokens)) }))
    });
    if parsed.is_err() {
        out.truncate(start);
    }
    parsed
}

fn to_end(tokens: &Tokens<'_>) -> usize {
    tokens.tokens.len()
}

/// RFC 3597 §5; of a type that is known, the octets must be right for it.
fn parse_generic(rtype: Rtype, tokens: &mut Tokens<'_>, out: &mut Vec<u8>) -> Result<(), RdataError> {
    let start = out.len();
    tokens.next("\\#")?;
    let len = tokens.number("length", u16::MAX.into())? as usize;
    if !codec::read_hex(&joined(tokens), out) {
        return Err(tokens.wrong("the data must be pairs of hexadecimal digits"));
    }
    if out.len() - start != len {
        let message = format!("the length says {len} octets, the data has {}", out.len() - start);
        return Err(RdataError { message, span: (1, 2) });
    }
    super::check_rdata(rtype, &out[start..]).map_err(|_| RdataError {
        message: format!("these octets are not {rtype} data"),
        span: (0, to_end(tokens)),
    })
}

fn parse_field(
    (what, kind): Field,
    tokens: &mut Tokens<'_>,
    origin: Name<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataError> {
    match kind {
        Kind::Name { .. } => out.extend_from_slice(tokens.name(what, origin)?.as_name().as_bytes()),
        Kind::U8 => out.push(tokens.number(what, u8::MAX.into())? as u8),
        Kind::U16 => out.extend((tokens.number(what, u16::MAX.into())? as u16).to_be_bytes()),
        Kind::U32 => out.extend(tokens.number(what, u32::MAX)?.to_be_bytes()),
        Kind::Seconds => {
            let value = codec::read_seconds(tokens.next(what)?);
            out.extend(
                value.ok_or_else(|| tokens.expected(what, "seconds, or a time as in 1h30m"))?.to_be_bytes(),
            );
        }
        Kind::V4 => {
            let address = tokens.next(what)?.parse::<std::net::Ipv4Addr>();
            out.extend(address.map_err(|_| tokens.expected(what, "an IPv4 address"))?.octets());
        }
        Kind::V6 => {
            let address = tokens.next(what)?.parse::<std::net::Ipv6Addr>();
            out.extend(address.map_err(|_| tokens.expected(what, "an IPv6 address"))?.octets());
        }
        Kind::Text | Kind::Texts | Kind::OptionalText | Kind::Tag | Kind::LongText => {
            return parse_text(what, kind, tokens, out);
        }
        Kind::Hex | Kind::Base64 | Kind::OptionalBase64 | Kind::ShortHex | Kind::ShortBase32 | Kind::Nsap => {
            return parse_octets(what, kind, tokens, out);
        }
        Kind::Type => {
            let rtype = Rtype::from_text(tokens.next(what)?);
            out.extend(rtype.ok_or_else(|| tokens.expected(what, "a record type"))?.0.to_be_bytes());
        }
        Kind::Types => return parse_types(tokens, out),
        Kind::OldTypes | Kind::Ports => return parse_bits(what, kind, tokens, out),
        Kind::Time => {
            let time = codec::read_time(tokens.next(what)?);
            out.extend(time.ok_or_else(|| tokens.expected(what, "a time as YYYYMMDDHHmmSS"))?.to_be_bytes());
        }
        Kind::Code8(names) => out.push(mnemonic(what, names, u8::MAX.into(), tokens)? as u8),
        Kind::Code16(names) => out.extend(mnemonic(what, names, u16::MAX, tokens)?.to_be_bytes()),
        Kind::Eui48 => return exotic::parse_pairs(what, 6, tokens, out),
        Kind::Eui64 => return exotic::parse_pairs(what, 8, tokens, out),
        Kind::Groups64 => return exotic::parse_groups(what, tokens, out),
        Kind::Location => return exotic::parse_location(tokens, out),
        Kind::Prefixes => return exotic::parse_prefixes(tokens, out),
        Kind::Params => return svcb::parse(tokens, out),
        Kind::IpsecKey => return exotic::parse_ipseckey(tokens, origin, out),
        Kind::AmtRelay => return exotic::parse_amtrelay(tokens, origin, out),
        Kind::HostIdentity => return exotic::parse_host_identity(tokens, origin, out),
    }
    Ok(())
}

/// A number or one of the names that stand for some.
fn mnemonic(what: &str, names: &[(&str, u16)], max: u16, tokens: &mut Tokens<'_>) -> Result<u16, RdataError> {
    let text = tokens.next(what)?;
    let named = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, code)| *code);
    let number = || codec::read_number(text).filter(|&code: &u16| code <= max);
    named
        .or_else(number)
        .ok_or_else(|| tokens.expected(what, format_args!("a number from 0 to {max} or a mnemonic")))
}

/// Fields of characters.
fn parse_text(what: &str, kind: Kind, tokens: &mut Tokens<'_>, out: &mut Vec<u8>) -> Result<(), RdataError> {
    match kind {
        Kind::OptionalText if tokens.is_empty() => Ok(()),
        Kind::Texts => {
            character_string(what, tokens, out)?;
            while !tokens.is_empty() {
                character_string(what, tokens, out)?;
            }
            Ok(())
        }
        Kind::LongText => {
            let token = tokens.next(what)?;
            codec::unescape(token, out).then_some(()).ok_or_else(|| tokens.wrong(BAD_ESCAPE))
        }
        Kind::Tag => {
            let tag = tokens.next(what)?;
            if tag.is_empty() || tag.len() > 255 || !tag.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(tokens.expected(what, "letters and digits"));
            }
            out.push(tag.len() as u8);
            out.extend_from_slice(tag.as_bytes());
            Ok(())
        }
        _ => character_string(what, tokens, out),
    }
}

pub(super) const BAD_ESCAPE: &str =
    "a backslash must be followed by a character or by three digits up to 255";

/// One character-string: up to 255 octets.
fn character_string(what: &str, tokens: &mut Tokens<'_>, out: &mut Vec<u8>) -> Result<(), RdataError> {
    let token = tokens.next(what)?;
    let at = out.len();
    out.push(0);
    if !codec::unescape(token, out) {
        return Err(tokens.wrong(BAD_ESCAPE));
    }
    out[at] = u8::try_from(out.len() - at - 1).map_err(|_| {
        tokens.wrong(format!("the {what} is longer than 255 octets: split it into several strings"))
    })?;
    Ok(())
}

/// Fields of encoded octets.
fn parse_octets(
    what: &str,
    kind: Kind,
    tokens: &mut Tokens<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataError> {
    let at = out.len();
    match kind {
        Kind::Hex => {
            let text = joined(tokens);
            match codec::read_hex(&text, out) {
                _ if text.is_empty() => Err(tokens.wrong(format!("the {what} is missing"))),
                true => Ok(()),
                false => Err(tokens.wrong(format!("the {what} must be pairs of hexadecimal digits"))),
            }
        }
        Kind::Base64 | Kind::OptionalBase64 => {
            let rest = tokens.rest();
            let read = codec::read_base64(rest.iter().map(|token| token.text), out);
            if read && (out.len() > at || kind == Kind::OptionalBase64) {
                Ok(())
            } else {
                Err(tokens.wrong(format!("the {what} must be base 64")))
            }
        }
        Kind::Nsap => {
            let text = tokens.next(what)?;
            let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or("-");
            let digits: String = digits.chars().filter(|&c| c != '.').collect();
            let read = !digits.is_empty() && codec::read_hex(&digits, out);
            read.then_some(()).ok_or_else(|| tokens.expected(what, "0x and pairs of hexadecimal digits"))
        }
        _ => {
            let text = tokens.next(what)?;
            out.push(0);
            let (read, form) = match kind {
                Kind::ShortHex => {
                    (text == "-" || codec::read_hex(text, out), "pairs of hexadecimal digits, or -")
                }
                _ => (
                    codec::read_base32(text, out) && out.len() > at + 1,
                    "base 32 with the extended hex alphabet",
                ),
            };
            let len = u8::try_from(out.len() - at - 1).ok().filter(|_| read);
            out[at] = len.ok_or_else(|| tokens.expected(what, form))?;
            Ok(())
        }
    }
}

/// What is left, words joined: hexadecimal digits may be parted anywhere.
fn joined(tokens: &mut Tokens<'_>) -> String {
    tokens.rest().iter().map(|token| token.text).collect()
}

/// A type bitmap (RFC 4034 §4.1.2).
fn parse_types(tokens: &mut Tokens<'_>, out: &mut Vec<u8>) -> Result<(), RdataError> {
    let mut types = Vec::new();
    while !tokens.is_empty() {
        let rtype = Rtype::from_text(tokens.next("type")?);
        types.push(rtype.ok_or_else(|| tokens.expected("type", "a record type"))?);
    }
    types.sort_unstable();
    write_types(&types, out);
    Ok(())
}

/// See [`super::write_types`].
pub(super) fn write_types(types: &[Rtype], out: &mut Vec<u8>) {
    for window in types.chunk_by(|a, b| a.0 >> 8 == b.0 >> 8) {
        let at = out.len();
        out.extend([(window[0].0 >> 8) as u8, 0]);
        for rtype in window {
            set_bit(usize::from(rtype.0 & 0xff), at + 2, out);
        }
        out[at + 1] = (out.len() - at - 2) as u8;
    }
}

/// A plain bitmap to the end.
fn parse_bits(what: &str, kind: Kind, tokens: &mut Tokens<'_>, out: &mut Vec<u8>) -> Result<(), RdataError> {
    let at = out.len();
    while !tokens.is_empty() {
        let bit = if kind == Kind::Ports {
            mnemonic("port", schema::SERVICES, u16::MAX, tokens)?
        } else {
            let rtype = Rtype::from_text(tokens.next(what)?).filter(|rtype| rtype.0 < 128);
            rtype.ok_or_else(|| tokens.expected("type", "a record type below 128"))?.0
        };
        set_bit(bit.into(), at, out);
    }
    Ok(())
}

/// Sets a bit of the map that starts at `at` and goes to the end.
fn set_bit(bit: usize, at: usize, out: &mut Vec<u8>) {
    let octet = at + bit / 8;
    out.resize(out.len().max(octet + 1), 0);
    out[octet] |= 0x80 >> (bit % 8);
}

/// A token and where it stands.
type Placed<'t> = (Token<'t>, (usize, usize));

/// Splits text into tokens and where they stand (octets from, to). Parentheses outside quotes are left out.
pub(super) fn tokenise(text: &str) -> Result<Vec<Placed<'_>>, RdataError> {
    let (octets, mut at, mut tokens) = (text.as_bytes(), 0, Vec::new());
    while at < octets.len() {
        match octets[at] {
            b' ' | b'\t' | b'\r' | b'\n' | b'(' | b')' => at += 1,
            b'"' => {
                let end = end_of(octets, at + 1, |octet| octet == b'"');
                if end >= octets.len() {
                    return Err(RdataError {
                        message: "the closing quote is missing".into(),
                        span: (at, octets.len()),
                    });
                }
                tokens.push((Token { text: &text[at + 1..end], quoted: true }, (at, end + 1)));
                at = end + 1;
            }
            _ => {
                let end = end_of(octets, at, |octet| b" \t\r\n()\"".contains(&octet));
                tokens.push((Token { text: &text[at..end], quoted: false }, (at, end)));
                at = end;
            }
        }
    }
    Ok(tokens)
}

/// Where the first octet from `at` on stands that `is_end`, escapes passed over; the length of the text if none does.
fn end_of(octets: &[u8], mut at: usize, is_end: impl Fn(u8) -> bool) -> usize {
    while at < octets.len() && !is_end(octets[at]) {
        // An escape may stand before an octet of a longer character: no boundary of a token is inside it, for those are ASCII.
        at += if octets[at] == b'\\' && octets.get(at + 1).is_some_and(u8::is_ascii) { 2 } else { 1 };
    }
    at.min(octets.len())
}
