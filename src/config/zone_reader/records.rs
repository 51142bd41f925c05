//! `[records]`: upper-case keys are record types, lower-case keys are options of the name.

use super::Parts;
use crate::config::reader::{Reader, Value, closest};
use crate::config::{RecordSpec, Span, SteeredSpec, Target};
use crate::rrset::parse_toml_rdata;
use crate::wire::{NameBuf, Rtype};

/// TTL floor and ceiling of steered names that say nothing of it, in seconds.
const STEERED_TTL: (u32, u32) = (10, 60);

impl Parts {
    /// Reads every name of the table.
    pub(super) fn read_records(&mut self, reader: &mut Reader<'_>, value: Value<'_>, text: &str) {
        let Some(mut table) = reader.table(value) else { return };
        for (key, span, value) in table.take_all() {
            if let Some(owner) = self.owner(reader, key, span) {
                self.read_name(reader, &owner, value, text);
            }
        }
    }

    /// The name of a key: relative unless it ends in a dot.
    pub(super) fn owner(&self, reader: &mut Reader<'_>, key: &str, span: Span) -> Option<NameBuf> {
        let apex = self.apex.as_name();
        let zone = apex.to_string();
        let bare = zone.trim_end_matches('.').to_ascii_lowercase();
        let lower = key.to_ascii_lowercase();
        // "www.example.com" in example.com is a slip of the pen: it would be www.example.com.example.com.
        if !bare.is_empty() && (lower == bare || lower.ends_with(&format!(".{bare}"))) {
            let short = key[..key.len() - bare.len()].trim_end_matches('.');
            let short = if short.is_empty() { "@" } else { short };
            let told = reader.error(span, format!("{key:?} without a final dot would be {key}.{zone}"));
            told.label = "relative to the zone".into();
            told.help = Some(format!("did you mean {short:?} or \"{key}.\"?"));
            return None;
        }
        match NameBuf::from_text(key, apex) {
            Ok(name) if name.as_name().is_within(apex) => Some(name),
            Ok(name) => {
                reader.error(span, format!("{} is not in the zone {zone}", name.as_name()));
                None
            }
            Err(error) => {
                reader.error(span, format!("{key:?} is not a name: {error}"));
                None
            }
        }
    }

    /// Reads what one name owns.
    fn read_name(&mut self, reader: &mut Reader<'_>, owner: &NameBuf, value: Value<'_>, text: &str) {
        let Some(mut table) = reader.table(value) else { return };
        let ttl = table.take("ttl");
        let target = match (table.take("pool"), table.take("route")) {
            (Some(value), None) => reader.string(value).map(Target::Pool),
            (None, Some(value)) => reader.string(value).map(Target::Route),
            (Some(_), Some(value)) => {
                reader.error(value.span, "a name has a pool or a route, not both");
                None
            }
            (None, None) => None,
        };
        let range = match (&target, ttl) {
            (Some(_), Some(value)) => ttl_range(reader, value),
            _ => None,
        };
        let own_ttl = match (&target, ttl) {
            (None, Some(value)) => reader.seconds(value),
            _ => None,
        };
        let record_ttl = own_ttl.unwrap_or(self.ttl);
        let types = table
            .take_where(|key| key.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-'));
        for (key, span, value) in types {
            self.read_type(reader, owner, key, span, value, record_ttl, text);
        }
        for (key, span, _) in table.take_where(|key| Rtype::from_text(key).is_some()) {
            let told = reader.error(span, format!("record types are written in capitals: {key:?}"));
            told.help = Some(format!("did you mean {}?", key.to_ascii_uppercase()));
        }
        let span = table.span;
        reader.finish(table, &format!("the name {}", owner.as_name()));
        if let Some(target) = target {
            self.steer(reader, owner, target, range.unwrap_or(STEERED_TTL), span);
        }
    }

    fn steer(
        &mut self,
        reader: &mut Reader<'_>,
        owner: &NameBuf,
        target: Target,
        ttl: (u32, u32),
        span: Span,
    ) {
        let owner = owner.as_name().to_owned();
        if self.zone.steered.iter().any(|other| other.owner == owner) {
            reader.error(span, format!("{owner} is steered twice"));
        }
        let clash = self.zone.records.iter().find(|record| {
            record.owner == owner && matches!(record.rtype, Rtype::A | Rtype::AAAA | Rtype::CNAME)
        });
        if let Some(record) = clash {
            let told =
                reader.error(record.span, format!("{owner} is steered: its addresses come from the pool"));
            told.help = Some("remove this record, or the pool".into());
        }
        self.zone.steered.push(SteeredSpec { owner, target, ttl, span });
    }

    /// Reads the records of one type: data, a list of it, or a table with a TTL of its own.
    #[allow(clippy::too_many_arguments)]
    fn read_type(
        &mut self,
        reader: &mut Reader<'_>,
        owner: &NameBuf,
        key: &str,
        span: Span,
        value: Value<'_>,
        ttl: u32,
        text: &str,
    ) {
        if key == "ALIAS" {
            reader.list(value, Reader::string);
            reader.warning(span, "ALIAS has no effect yet: the name has no address through it");
            return;
        }
        let Some(rtype) = Rtype::from_text(key).filter(|rtype| !rtype.is_meta()) else {
            let hint = closest(key, Rtype::MNEMONICS.iter().copied());
            let told = reader.error(span, format!("{key} is not a record type"));
            told.help = hint.or_else(|| Some("types without a name are written as TYPE65400".into()));
            return;
        };
        let (data, ttl) = if reader.is_table(value) {
            let Some(mut table) = reader.table(value) else { return };
            let own = table.take("ttl").and_then(|value| reader.seconds(value));
            let data = table.take("data");
            reader.finish(table, key);
            let Some(data) = data else {
                reader.error(value.span, format!("{key} has no data")).help =
                    Some("write { ttl = \"5m\", data = \"...\" }".into());
                return;
            };
            (data, own.unwrap_or(ttl))
        } else {
            (value, ttl)
        };
        for element in reader.one_or_more(data) {
            if let Some(rdata) = self.rdata(reader, rtype, element, text) {
                let owner = owner.as_name().to_owned();
                self.zone.records.push(RecordSpec { owner, rtype, ttl, rdata, span: element.span });
            }
        }
    }

    /// Reads one record's data; an error is shown under the wrong word.
    fn rdata(&self, reader: &mut Reader<'_>, rtype: Rtype, value: Value<'_>, text: &str) -> Option<Vec<u8>> {
        let written = reader.string(value)?;
        let mut rdata = Vec::new();
        match parse_toml_rdata(rtype, &written.value, self.apex.as_name(), &mut rdata) {
            Ok(()) => Some(rdata),
            Err(error) => {
                let mut span = value.span;
                // Without escapes the text stands in the file as it is, between its quotes.
                let (start, end) = (span.start as usize + 1, (span.end as usize).saturating_sub(1));
                if text.get(start..end) == Some(&written.value) {
                    span.end = span.start + 1 + error.span.1 as u32;
                    span.start += 1 + error.span.0 as u32;
                }
                reader.error(span, format!("{rtype}: {}", error.message));
                None
            }
        }
    }
}

/// "10s..60s", or a ceiling alone.
fn ttl_range(reader: &mut Reader<'_>, value: Value<'_>) -> Option<(u32, u32)> {
    if !reader.is_string(value) {
        let ceiling = reader.seconds(value)?;
        return Some((STEERED_TTL.0.min(ceiling), ceiling));
    }
    let range = reader.parse(value, "a range of durations, as in \"10s..60s\"", |text| {
        let read = |text: &str| {
            Some(text.trim()).filter(|text| !text.is_empty()).and_then(crate::rrset::read_seconds)
        };
        match text.split_once("..") {
            Some((floor, ceiling)) => Some((read(floor)?, read(ceiling)?)),
            None => read(text).map(|ceiling| (STEERED_TTL.0.min(ceiling), ceiling)),
        }
    })?;
    if range.0 > range.1 {
        reader.error(value.span, "the floor of the TTL is above its ceiling");
    }
    Some(range)
}
