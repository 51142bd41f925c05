//! $GENERATE: a range, and text in which `$` is the number.

use crate::limits;
use crate::rrset::read_number;
use std::fmt::Write;

/// START-STOP or START-STOP/STEP.
pub(super) fn range(text: &str) -> Option<impl Iterator<Item = u32> + use<>> {
    let (bounds, step) =
        text.split_once('/').map_or((text, Some(1)), |(bounds, step)| (bounds, read_number(step)));
    let (start, stop) = bounds.split_once('-')?;
    let (start, stop, step): (u32, u32, usize) = (read_number(start)?, read_number(stop)?, step?);
    let count = (stop.checked_sub(start)? as usize).checked_div(step)? + 1;
    (count <= limits::GENERATED).then(|| (start..=stop).step_by(step))
}

/// The text with `$` and `${offset,width,base}` replaced; `$$` and `\$` are a dollar sign.
pub(super) fn expand(text: &str, n: u32) -> Result<String, String> {
    let (mut out, mut rest) = (String::with_capacity(text.len() + 8), text);
    while let Some(at) = rest.find(['$', '\\']) {
        out.push_str(&rest[..at]);
        let escaped = rest[at..].starts_with('\\');
        let after = &rest[at + 1..];
        if escaped {
            match after.strip_prefix('$') {
                Some(tail) => {
                    out.push('$');
                    rest = tail;
                }
                None => {
                    let next = after.chars().next();
                    out.push('\\');
                    out.extend(next);
                    rest = &after[next.map_or(0, char::len_utf8)..];
                }
            }
        } else if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some(tail) = after.strip_prefix('{') {
            let (modifier, tail) = tail.split_once('}').ok_or("${ is not closed by }")?;
            modified(modifier, n, &mut out)
                .ok_or_else(|| format!("${{{modifier}}} is not ${{offset,width,base}}"))?;
            rest = tail;
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "{n}");
            rest = after;
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn modified(modifier: &str, n: u32, out: &mut String) -> Option<()> {
    let mut parts = modifier.split(',');
    let offset: i64 = parts.next()?.parse().ok()?;
    let width: usize = parts.next().map_or(Some(0), read_number)?;
    let base = parts.next().unwrap_or("d");
    let value = u32::try_from(i64::from(n).checked_add(offset)?).ok()?;
    if width > 63 || parts.next().is_some() {
        return None;
    }
    let _ = match base {
        "d" => write!(out, "{value:0width$}"),
        "o" => write!(out, "{value:0width$o}"),
        "x" => write!(out, "{value:0width$x}"),
        "X" => write!(out, "{value:0width$X}"),
        "n" | "N" => {
            nibbles(value, width, base == "N", out);
            Ok(())
        }
        _ => return None,
    };
    Some(())
}

/// Hexadecimal digits, last first, parted by dots, as reverse trees of IPv6 have them; the width counts the dots.
fn nibbles(mut value: u32, width: usize, upper: bool, out: &mut String) {
    let start = out.len();
    loop {
        let digit = char::from_digit(value & 15, 16).unwrap_or('0');
        out.push(if upper { digit.to_ascii_uppercase() } else { digit });
        value >>= 4;
        if value == 0 && out.len() - start >= width {
            return;
        }
        out.push('.');
    }
}
