//! A reader of TOML that tells every error with its place and goes on: what is wrong is left out, the rest is read.

use super::{Diagnostic, Diagnostics, Span, Spanned};
use crate::rrset::read_seconds;
use crate::wire::{Name, NameBuf};
use ipnet::IpNet;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use toml::de::{DeTable, DeValue};

/// Reads one file's values.
pub(super) struct Reader<'d> {
    pub diagnostics: &'d mut Diagnostics,
    pub file: u32,
}

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    value: &'t DeValue<'t>,
    pub span: Span,
}

/// A table whose keys are taken one by one; those left over are errors.
pub(super) struct Table<'t> {
    entries: Vec<(&'t str, Span, Value<'t>)>,
    taken: Vec<bool>,
    asked: Vec<&'static str>,
    pub span: Span,
}

impl<'t> Table<'t> {
    /// The value of a key, which is then known.
    pub fn take(&mut self, key: &'static str) -> Option<Value<'t>> {
        self.asked.push(key);
        let at = self.entries.iter().position(|(name, ..)| *name == key)?;
        self.taken[at] = true;
        Some(self.entries[at].2)
    }

    /// The value of a key, without taking it.
    pub fn peek(&self, key: &str) -> Option<Value<'t>> {
        self.entries.iter().find(|(name, ..)| *name == key).map(|(.., value)| *value)
    }

    /// Every entry: for tables whose keys are names. All count as taken.
    pub fn take_all(&mut self) -> Vec<(&'t str, Span, Value<'t>)> {
        self.taken.fill(true);
        self.entries.clone()
    }

    /// Entries not taken yet whose key passes; they are taken.
    pub fn take_where(&mut self, passes: impl Fn(&str) -> bool) -> Vec<(&'t str, Span, Value<'t>)> {
        let mut found = Vec::new();
        for (entry, taken) in self.entries.iter().zip(&mut self.taken) {
            if !*taken && passes(entry.0) {
                *taken = true;
                found.push(*entry);
            }
        }
        found
    }
}

/// The closest of some names, when one is close.
pub(super) fn closest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let near = names.into_iter().map(|known| (strsim::damerau_levenshtein(name, known), known));
    let (distance, known) = near.min()?;
    (distance <= 1 + name.len() / 4).then(|| format!("did you mean {known:?}?"))
}

impl<'d> Reader<'d> {
    /// Parses a file's text and hands its top table to `read`; syntax errors are told first.
    pub fn read<R>(
        diagnostics: &'d mut Diagnostics,
        file: u32,
        text: &str,
        read: impl FnOnce(&mut Reader<'d>, Table<'_>) -> R,
    ) -> R {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut reader = Reader { diagnostics, file };
        for error in errors {
            let span = error.span().map_or(0..0, |span| span);
            let span = reader.span(span);
            reader.diagnostics.error(Some(span), error.message().to_owned());
        }
        let span = reader.span(root.span());
        let table = reader.open(root.get_ref(), span);
        read(&mut reader, table)
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span { file: self.file, start: range.start as u32, end: range.end as u32 }
    }

    fn open<'t>(&self, table: &'t DeTable<'t>, span: Span) -> Table<'t> {
        let entries: Vec<_> = table
            .iter()
            .map(|(key, value)| {
                let place = self.span(value.span());
                (&**key.get_ref(), self.span(key.span()), Value { value: value.get_ref(), span: place })
            })
            .collect();
        Table { taken: vec![false; entries.len()], entries, asked: Vec::new(), span }
    }

    /// Tells an error.
    pub fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.diagnostics.error(Some(span), message)
    }

    /// Tells a warning.
    pub fn warning(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.diagnostics.warning(Some(span), message)
    }

    /// Tells that a value is not what it should be.
    pub fn expected(&mut self, value: Value<'_>, form: impl Display) {
        let found = match value.value {
            DeValue::String(text) => format!("{text:?}"),
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            other => format!("a {}", other.type_str()),
        };
        self.error(value.span, format!("expected {form}, found {found}")).label = format!("expected {form}");
    }

    /// Ends a table: keys that nobody took are errors.
    pub fn finish(&mut self, table: Table<'_>, of: &str) {
        for ((key, span, _), taken) in table.entries.iter().zip(&table.taken) {
            if !taken {
                let hint = closest(key, table.asked.iter().copied());
                let known = format!("known keys are {}", table.asked.join(", "));
                let told = self.error(*span, format!("unknown key {key:?} in {of}"));
                told.label = "unknown key".into();
                told.help = hint.or(if table.asked.is_empty() { None } else { Some(known) });
            }
        }
    }

    /// A table.
    pub fn table<'t>(&mut self, value: Value<'t>) -> Option<Table<'t>> {
        match value.value {
            DeValue::Table(table) => Some(self.open(table, value.span)),
            _ => {
                self.expected(value, "a table");
                None
            }
        }
    }

    /// The table of a key, empty if it is not there.
    pub fn section<'t>(&mut self, table: &mut Table<'t>, key: &'static str) -> Table<'t> {
        let nothing = Table { entries: Vec::new(), taken: Vec::new(), asked: Vec::new(), span: table.span };
        let Some(value) = table.take(key) else { return nothing };
        self.table(value).unwrap_or(nothing)
    }

    /// The elements of an array.
    pub fn array<'t>(&mut self, value: Value<'t>) -> Vec<Value<'t>> {
        match value.value {
            DeValue::Array(array) => array
                .iter()
                .map(|element| Value { value: element.get_ref(), span: self.span(element.span()) })
                .collect(),
            _ => {
                self.expected(value, "a list");
                Vec::new()
            }
        }
    }

    /// The elements of an array, or the value itself.
    pub fn one_or_more<'t>(&mut self, value: Value<'t>) -> Vec<Value<'t>> {
        if let DeValue::Array(_) = value.value { self.array(value) } else { vec![value] }
    }

    /// Whether a value is a table.
    pub fn is_table(&self, value: Value<'_>) -> bool {
        value.value.is_table()
    }

    /// Whether a value is a string.
    pub fn is_string(&self, value: Value<'_>) -> bool {
        value.value.is_str()
    }

    /// A string.
    pub fn string(&mut self, value: Value<'_>) -> Option<Spanned<String>> {
        match value.value {
            DeValue::String(text) => Some(Spanned { value: text.to_string(), span: value.span }),
            _ => {
                self.expected(value, "a string");
                None
            }
        }
    }

    /// A string that `parse` understands, else `form` says what it should be.
    pub fn parse<T>(
        &mut self,
        value: Value<'_>,
        form: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = match value.value {
            DeValue::String(text) => parse(text),
            _ => None,
        };
        if parsed.is_none() {
            self.expected(value, form);
        }
        parsed
    }

    /// One of some words.
    pub fn word<T: Copy>(&mut self, value: Value<'_>, words: &[(&str, T)]) -> Option<T> {
        let text = value.value.as_str().unwrap_or_default();
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let hint = closest(text, all.iter().copied());
            self.expected(value, format_args!("one of {}", all.join(", ")));
            if let (Some(hint), Some(last)) = (hint, self.diagnostics.last()) {
                last.help = Some(hint);
            }
        }
        found
    }

    /// True or false.
    pub fn boolean(&mut self, value: Value<'_>) -> Option<bool> {
        let found = value.value.as_bool();
        if found.is_none() {
            self.expected(value, "true or false");
        }
        found
    }

    /// A whole number in a range.
    pub fn integer(&mut self, value: Value<'_>, range: RangeInclusive<i64>) -> Option<i64> {
        let number = value.value.as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.expected(value, format_args!("a number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// A number in a range, with or without a fraction.
    pub fn float(&mut self, value: Value<'_>, range: RangeInclusive<f64>) -> Option<f64> {
        let text = match value.value {
            DeValue::Integer(number) => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => "",
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.expected(value, format_args!("a number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// A duration in seconds: "1h30m", or a number of them.
    pub fn seconds(&mut self, value: Value<'_>) -> Option<u32> {
        let number = |value: &DeValue<'_>| {
            let number = value.as_integer()?;
            u32::from_str_radix(number.as_str(), number.radix()).ok()
        };
        let seconds = match value.value {
            DeValue::String(text) => Some(&**text).filter(|text| !text.is_empty()).and_then(read_seconds),
            other => number(other),
        };
        // RFC 2181 §8: 31 bits.
        let seconds = seconds.filter(|&seconds| seconds <= i32::MAX as u32);
        if seconds.is_none() {
            self.expected(value, "a duration, as in \"30s\" or \"1h30m\"");
        }
        seconds
    }

    /// A size in octets: "256MiB", or a number of them.
    pub fn size(&mut self, value: Value<'_>) -> Option<usize> {
        let text = match value.value {
            DeValue::Integer(number) => number.as_str(),
            other => other.as_str().unwrap_or_default(),
        };
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit: Option<usize> = match &text[digits.len()..] {
            "" | "B" => Some(1),
            "KiB" | "K" | "k" => Some(1 << 10),
            "MiB" | "M" | "m" => Some(1 << 20),
            "GiB" | "G" | "g" => Some(1 << 30),
            "kB" | "KB" => Some(1_000),
            "MB" => Some(1_000_000),
            "GB" => Some(1_000_000_000),
            _ => None,
        };
        let size = digits.trim().parse::<usize>().ok().zip(unit).and_then(|(n, unit)| n.checked_mul(unit));
        if size.is_none() {
            self.expected(value, "a size, as in \"256MiB\"");
        }
        size
    }

    /// A name; relative ones end in `origin`.
    pub fn name(&mut self, value: Value<'_>, origin: Name<'_>) -> Option<NameBuf> {
        let text = self.string(value)?;
        match NameBuf::from_text(&text.value, origin) {
            Ok(name) => Some(name),
            Err(error) => {
                self.error(value.span, format!("{:?} is not a name: {error}", text.value));
                None
            }
        }
    }

    /// A prefix, or a single address.
    pub fn prefix(&mut self, value: Value<'_>) -> Option<IpNet> {
        let prefix = self.parse(value, "a prefix, as in \"192.0.2.0/24\" or \"2001:db8::/32\"", |text| {
            text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
        })?;
        if prefix.addr() != prefix.network() {
            let whole = prefix.trunc();
            self.error(value.span, format!("{prefix} has bits beyond its length")).help =
                Some(format!("did you mean \"{whole}\"?"));
        }
        Some(prefix.trunc())
    }

    /// An address and port; the port may be left out when there is a default.
    pub fn socket(&mut self, value: Value<'_>, port: Option<u16>) -> Option<SocketAddr> {
        let form = match port {
            Some(_) => "an address, as in \"192.0.2.1\" or \"[2001:db8::1]:53\"",
            None => "an address and port, as in \"127.0.0.1:53\" or \"[::1]:53\"",
        };
        self.parse(value, form, |text| {
            let bare = || Some(SocketAddr::new(text.parse().ok()?, port?));
            text.parse().ok().or_else(bare)
        })
    }

    /// An address.
    pub fn address(&mut self, value: Value<'_>) -> Option<IpAddr> {
        self.parse(value, "an address", |text| text.parse().ok())
    }

    /// Reads each element of a list, or a single value; those that are wrong are left out.
    pub fn list<'t, T>(
        &mut self,
        value: Value<'t>,
        mut read: impl FnMut(&mut Self, Value<'t>) -> Option<T>,
    ) -> Vec<T> {
        self.one_or_more(value).into_iter().filter_map(|element| read(self, element)).collect()
    }
}
