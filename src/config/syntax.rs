//! What toml's parser found wrong, for a person who wrote a config, not for one who knows TOML's grammar.

use super::{Diagnostics, Span};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

/// What toml says of a line that is only a key.
const STUB: &str = "key with no value";

/// What toml says of text without quotes: it guesses by the first letter what was meant, a float for `info`, a time for `2001:db8::1`.
const UNQUOTED: [&str; 8] = [
    "string values must be quoted",
    "missing value",
    "invalid float",
    "invalid boolean",
    "invalid integer",
    "invalid date",
    "invalid time",
    "unexpected leading zero",
];

/// The text without a line that has a key and no value, and the error that says so: toml reads no further than such a line.
pub(super) fn without_stub<'e>(text: &str, errors: &'e [Error]) -> Option<(String, &'e Error)> {
    let stub = errors.iter().find(|error| error.message().starts_with(STUB))?;
    let at = stub.span()?.start;
    let line = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let mut mended = text.to_owned();
    // A comment as long as the line: all else stays in its place.
    mended.replace_range(line..at, &"#".repeat(at - line));
    Some((mended, stub))
}

/// Tells the errors of a file; returns the places that could not be read.
pub(super) fn tell(
    errors: &[Error],
    text: &str,
    root: &DeTable<'_>,
    file: u32,
    diagnostics: &mut Diagnostics,
) -> Vec<Span> {
    let span = |place: Range<usize>| Span { file, start: place.start as u32, end: place.end as u32 };
    let mut broken = Vec::new();
    let end = errors.iter().find(|error| error.message().starts_with("unclosed ")).and_then(Error::span);
    let open = end.and_then(|end| open_value(root, text, end.start));
    // What follows the line of an open list or table was read as part of it.
    let mut swallowed = 0..0;
    if let Some(open) = open {
        let line = text[open.start..].find('\n').map_or(open.end, |end| open.start + end);
        let beside =
            |error: &Error| error.span().is_some_and(|at| open.start <= at.start && at.start <= line);
        // Another error on that line is why it is open: a quote that is missing.
        if !errors.iter().any(beside) {
            let list = text[open.start..].starts_with('[');
            let (what, close) = if list { ("list", ']') } else { ("table", '}') };
            let told = diagnostics
                .error(Some(span(open.start..open.start + 1)), format!("this {what} is not closed"));
            told.label = format!("expected {close} after its last element");
        }
        swallowed = line + 1..open.end + 1;
        broken.push(span(open));
    }
    let mut errors: Vec<&Error> = errors.iter().collect();
    errors.sort_by_key(|error| error.span().map(|place| place.start));
    for error in errors {
        let place = error.span().unwrap_or(0..0);
        if swallowed.contains(&place.start) {
            continue;
        }
        broken.push(span(place.clone()));
        let key = text.get(place.clone()).unwrap_or_default().trim_matches(['"', '\'']);
        match header_before(text, place.start).or_else(|| key_before(root, key, place.start)) {
            Some(first) if error.message() == "duplicate key" => {
                let first = diagnostics.place(span(first));
                diagnostics.error(Some(span(place)), format!("the key {key:?} is here twice")).help =
                    Some(format!("the first is at {first}: keep one"));
            }
            _ => {
                diagnostics.error(Some(span(place)), plain(error.message()));
            }
        }
    }
    broken
}

fn plain(message: &str) -> &str {
    match message {
        text if UNQUOTED.iter().any(|start| text.starts_with(start)) => "expected a value: text needs quotes",
        text if text.starts_with(STUB) => "expected a value: KEY = VALUE",
        text => text,
    }
}

/// The outermost list or inline table that ends at `end`.
fn open_value(table: &DeTable<'_>, text: &str, end: usize) -> Option<Range<usize>> {
    fn inside(value: &Spanned<DeValue<'_>>, text: &str, end: usize) -> Option<Range<usize>> {
        let place = value.span();
        // The place of a table with a header is the header.
        let open = text.get(place.start..).is_some_and(|text| text.starts_with(['[', '{']));
        match value.get_ref() {
            DeValue::Array(_) | DeValue::Table(_) if place.end == end && open => Some(place),
            DeValue::Array(array) => array.iter().find_map(|element| inside(element, text, end)),
            DeValue::Table(table) => open_value(table, text, end),
            _ => None,
        }
    }
    table.iter().find_map(|(_, value)| inside(value, text, end))
}

/// Where the header that holds `at` stands before: of tables that stand twice the parser keeps the last.
fn header_before(text: &str, at: usize) -> Option<Range<usize>> {
    let (above, below) = text.split_at_checked(text.get(..at)?.rfind('\n')? + 1)?;
    let header = &below[..below.find(']').filter(|_| below.starts_with('['))? + 1];
    let start = above.match_indices(header).map(|(start, _)| start);
    let start = start.filter(|&start| start == 0 || above[..start].ends_with('\n')).last()?;
    Some(start..start + header.len())
}

/// The place of the key `name` that stands last before `before`.
fn key_before(table: &DeTable<'_>, name: &str, before: usize) -> Option<Range<usize>> {
    let inside = |value: &DeValue<'_>| match value {
        DeValue::Table(table) => key_before(table, name, before),
        DeValue::Array(array) => {
            let tables = array.iter().filter_map(|element| element.get_ref().as_table());
            tables.filter_map(|table| key_before(table, name, before)).max_by_key(|place| place.start)
        }
        _ => None,
    };
    let own = table.iter().filter(|(key, _)| key.get_ref() == name && key.span().start < before);
    let own = own.map(|(key, _)| key.span());
    own.chain(table.iter().filter_map(|(_, value)| inside(value.get_ref()))).max_by_key(|place| place.start)
}
