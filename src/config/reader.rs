//! A reader of TOML that tells every error with its place and goes on: what is wrong is left out, the rest is read.

use super::{Diagnostic, Diagnostics, Span, Spanned, syntax};
use crate::limits;
use crate::rrset::read_seconds;
use crate::wire::{Name, NameBuf, Rtype};
use ipnet::IpNet;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::{Range, RangeInclusive};
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

impl Value<'_> {
    /// Whether it is a list of nothing.
    pub fn is_empty(&self) -> bool {
        self.value.as_array().is_some_and(|array| array.is_empty())
    }
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

    /// Whether it holds nothing, or this key alone.
    pub fn is_only(&self, key: &str) -> bool {
        self.entries.iter().all(|(name, ..)| *name == key)
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

/// The closest of some names, when one is close: not so far that nothing of what was written is left.
pub(crate) fn closest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let near = names.into_iter().map(|known| (strsim::damerau_levenshtein(name, known), known));
    let (distance, known) = near.min()?;
    (distance <= 1 + name.len() / 4 && distance < name.len()).then(|| format!("did you mean {known:?}?"))
}

/// The closest of the types that records have.
pub(crate) fn closest_type(name: &str) -> Option<String> {
    let types = Rtype::MNEMONICS.iter().copied();
    closest(name, types.filter(|name| Rtype::from_text(name).is_some_and(|rtype| !rtype.is_meta())))
}

/// Tells of an undotted name that ends with the zone's own name: www.example.com in example.com is a slip of the pen, it would be
/// www.example.com.example.com. Returns the message and the cure.
pub(super) fn slip(text: &str, zone: Name<'_>) -> Option<(String, String)> {
    let absolute = zone.to_string();
    let bare = absolute.trim_end_matches('.');
    let split = text.len().checked_sub(bare.len()).filter(|_| !bare.is_empty())?;
    let (short, end) = text.split_at_checked(split)?;
    if !end.eq_ignore_ascii_case(bare) || !(short.is_empty() || short.ends_with('.')) {
        return None;
    }
    let short = if short.is_empty() { "@" } else { short.trim_end_matches('.') };
    let message = format!("{text:?} without a final dot would be {text}.{absolute}");
    Some((message, format!("did you mean {short:?} or \"{text}.\"?")))
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
        if let Some((mended, stub)) = syntax::without_stub(text, &errors)
            && diagnostics.error_count() < limits::ZONE_PROBLEMS
        {
            syntax::tell(std::slice::from_ref(stub), text, root.get_ref(), file, diagnostics);
            return Reader::read(diagnostics, file, &mended, read);
        }
        let broken = syntax::tell(&errors, text, root.get_ref(), file, diagnostics);
        let mut reader = Reader { diagnostics, file };
        let told = reader.diagnostics.len();
        let span = reader.span(root.span());
        let table = reader.open(root.get_ref(), span);
        let made = read(&mut reader, table);
        // What the parser could not read is not what was meant: it is told once.
        reader.diagnostics.forget(told, |span| broken.iter().any(|broken| broken.touches(span)));
        made
    }

    fn span(&self, range: Range<usize>) -> Span {
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
    pub fn expected(&mut self, value: Value<'_>, form: impl Display) -> &mut Diagnostic {
        let found = match value.value {
            DeValue::String(text) => format!("{text:?}"),
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Array(_) => "an array".to_owned(),
            other => format!("a {}", other.type_str()),
        };
        let told = self.error(value.span, format!("expected {form}, found {found}"));
        told.label = format!("expected {form}");
        told
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

    /// The elements of an array, or the value itself. An array of none is an error, which `empty` says.
    pub fn some<'t>(&mut self, value: Value<'t>, empty: impl Into<String>) -> Vec<Value<'t>> {
        if value.is_empty() {
            self.error(value.span, empty);
        }
        self.one_or_more(value)
    }

    /// Whether a value is a table.
    pub fn is_table(&self, value: Value<'_>) -> bool {
        value.value.is_table()
    }

    /// Whether a value is a string.
    pub fn is_string(&self, value: Value<'_>) -> bool {
        value.value.is_str()
    }

    /// Whether a value is `true`.
    pub fn is_true(&self, value: Value<'_>) -> bool {
        value.value.as_bool() == Some(true)
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
            self.expected(value, format_args!("one of {}", all.join(", "))).help = hint;
        }
        found
    }

    /// A string or whole number as it is written, for what has a form of its own; else nothing.
    pub fn bare(&self, value: Value<'_>) -> String {
        let number = value.value.as_integer().map(|number| number.as_str());
        value.value.as_str().or(number).unwrap_or_default().to_owned()
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
        self.name_text(&text.value, value.span, origin)
    }

    /// The same from text that stands at `span`.
    pub fn name_text(&mut self, text: &str, span: Span, origin: Name<'_>) -> Option<NameBuf> {
        if let Some((message, cure)) = slip(text, origin) {
            let told = self.error(span, message);
            told.label = "relative to the zone".into();
            told.help = Some(cure);
            return None;
        }
        match NameBuf::from_text(text, origin) {
            Ok(name) => Some(name),
            Err(error) => {
                self.error(span, format!("{text:?} is not a name: {error}"));
                None
            }
        }
    }

    /// A prefix, or a single address.
    pub fn prefix(&mut self, value: Value<'_>) -> Option<IpNet> {
        let prefix = self.parse(value, "a prefix, as in \"192.0.2.0/24\" or \"2001:db8::/32\"", |text| {
            prefix_or_address(text)
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

    /// The same for a list that must not be empty.
    pub fn some_list<'t, T>(
        &mut self,
        value: Value<'t>,
        empty: impl Into<String>,
        mut read: impl FnMut(&mut Self, Value<'t>) -> Option<T>,
    ) -> Vec<T> {
        self.some(value, empty).into_iter().filter_map(|element| read(self, element)).collect()
    }
}

/// A prefix, or a single address, which is one of all its bits.
pub fn prefix_or_address(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
