//! Numbers and octets as text: hexadecimal, base 64 (RFC 4648 §4), base 32 with the extended hex alphabet (§7), escapes of
//! RFC 1035 §5.1, durations and times.

use std::fmt::Write;
use std::str::FromStr;

/// Appends the octets of hexadecimal digits. False when it is not whole octets.
pub(super) fn read_hex(text: &str, out: &mut Vec<u8>) -> bool {
    let digits = text.as_bytes();
    let value = |digit: u8| (digit as char).to_digit(16).map(|v| v as u8);
    digits.len().is_multiple_of(2)
        && digits.chunks(2).all(|pair| match (value(pair[0]), value(pair[1])) {
            (Some(high), Some(low)) => {
                out.push(high << 4 | low);
                true
            }
            _ => false,
        })
}

/// Appends upper-case hexadecimal digits.
pub(super) fn write_hex(octets: &[u8], out: &mut String) {
    for octet in octets {
        // Writing to a String cannot fail.
        let _ = write!(out, "{octet:02X}");
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// Collects digits of so many bits into octets.
struct Bits {
    value: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, digit: u32, out: &mut Vec<u8>) {
        self.value = self.value << bits | digit;
        self.count += bits;
        if self.count >= 8 {
            self.count -= 8;
            out.push((self.value >> self.count) as u8);
            self.value &= (1 << self.count) - 1;
        }
    }

    /// What is left over must be less than a digit, and zero.
    fn ends(&self, bits: u32) -> bool {
        self.count < bits && self.value == 0
    }
}

/// Appends the octets of base 64 given in pieces. Padding may be left out. False when it is not base 64.
pub(super) fn read_base64<'t>(pieces: impl Iterator<Item = &'t str>, out: &mut Vec<u8>) -> bool {
    let (mut bits, mut padding) = (Bits { value: 0, count: 0 }, 0);
    for digit in pieces.flat_map(str::bytes) {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return false,
        };
        if padding > 0 {
            return false;
        }
        bits.push(6, value.into(), out);
    }
    padding <= 2 && bits.ends(6)
}

/// Appends base 64 with padding.
pub(super) fn write_base64(octets: &[u8], out: &mut String) {
    for group in octets.chunks(3) {
        let at = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let value = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let digit = BASE64[(value >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= group.len() { digit as char } else { '=' });
        }
    }
}

/// Appends the octets of unpadded base 32. False when it is not that.
pub(super) fn read_base32(text: &str, out: &mut Vec<u8>) -> bool {
    let mut bits = Bits { value: 0, count: 0 };
    for digit in text.bytes() {
        let value = match digit.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'a'..=b'v' => digit - b'a' + 10,
            _ => return false,
        };
        bits.push(5, value.into(), out);
    }
    bits.ends(5)
}

/// Appends unpadded base 32.
pub(super) fn write_base32(octets: &[u8], out: &mut String) {
    for group in octets.chunks(5) {
        let value = (0..5).fold(0u64, |v, i| v << 8 | u64::from(group.get(i).copied().unwrap_or(0)));
        for i in 0..(group.len() * 8).div_ceil(5) {
            out.push(BASE32[(value >> (35 - 5 * i) & 31) as usize] as char);
        }
    }
}

/// Appends text with its escapes undone. False when an escape is bad.
pub(super) fn unescape(text: &str, out: &mut Vec<u8>) -> bool {
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        if octet != b'\\' {
            out.push(octet);
            continue;
        }
        let Some(first) = octets.next() else { return false };
        if !first.is_ascii_digit() {
            out.push(first);
            continue;
        }
        let rest = [octets.next(), octets.next()].map(|digit| digit.filter(u8::is_ascii_digit));
        let [Some(second), Some(third)] = rest else { return false };
        let value = [first, second, third].iter().fold(0u32, |v, digit| v * 10 + u32::from(digit - b'0'));
        let Ok(value) = u8::try_from(value) else { return false };
        out.push(value);
    }
    true
}

/// Appends a quoted string.
pub(super) fn write_quoted(octets: &[u8], out: &mut String) {
    out.push('"');
    for &octet in octets {
        match octet {
            b'"' | b'\\' => out.extend(['\\', octet as char]),
            b' '..=b'~' => out.push(octet as char),
            _ => {
                let _ = write!(out, "\\{octet:03}");
            }
        }
    }
    out.push('"');
}

/// A number of digits alone: no sign, which `str::parse` would take. None when it is not one, or too large.
pub fn read_number<N: FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Seconds: a number, or numbers with the units s, m, h, d, w (`1h30m`). None when it is neither or too large.
pub fn read_seconds(text: &str) -> Option<u32> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    let (mut total, mut number, mut digits) = (0u64, 0u64, false);
    for octet in text.bytes() {
        let unit = match octet.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => {
                number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
                digits = true;
                continue;
            }
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        if !digits {
            return None;
        }
        total = total.checked_add(number.checked_mul(unit)?)?;
        (number, digits) = (0, false);
    }
    if digits { None } else { u32::try_from(total).ok() }
}

/// A time of RFC 4034 §3.2: YYYYMMDDHHmmSS in UTC, or seconds since 1970.
pub(super) fn read_time(text: &str) -> Option<u32> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if text.len() != 14 {
        return read_number(text);
    }
    let part = |from: usize, to: usize| text[from..to].parse::<u64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    if year < 1970 || !(1..=12).contains(&month) || day == 0 || day > days_of(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let years: u64 = (1970..year).map(|y| if is_leap(y) { 366 } else { 365 }).sum();
    let months: u64 = (1..month).map(|m| days_of(year, m)).sum();
    // RFC 4034 §3.1.5: 32 bits, in serial number arithmetic.
    Some(((years + months + day - 1) * 86_400 + hour * 3_600 + minute * 60 + second) as u32)
}

/// Appends a time, seconds since 1970 in UTC, as 14 digits (RFC 4034 §3.2).
pub fn write_time(time: u32, out: &mut String) {
    let (mut days, seconds) = (u64::from(time) / 86_400, u64::from(time) % 86_400);
    let (mut year, mut month) = (1970, 1);
    while days >= if is_leap(year) { 366 } else { 365 } {
        days -= if is_leap(year) { 366 } else { 365 };
        year += 1;
    }
    while days >= days_of(year, month) {
        days -= days_of(year, month);
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let _ = write!(out, "{year:04}{month:02}{:02}{hour:02}{minute:02}{second:02}", days + 1);
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
