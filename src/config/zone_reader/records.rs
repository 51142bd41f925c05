//! `[records]`: upper-case keys are record types, lower-case keys are options of the name.

use super::Parts;
use crate::config::reader::{Reader, Value, closest, slip};
use crate::config::{RecordSpec, Span, SteeredSpec, Target};
use crate::rrset::parse_toml_rdata;
use crate::wire::{NameBuf, Rtype};
use std::net::IpAddr;

/// TTL floor and ceiling of steered names that say nothing of it, in seconds.
const STEERED_TTL: (u32, u32) = (10, 60);

impl Parts {
    /// Reads every name of the table.
    pub(super) fn read_records(&mut self, reader: &mut Reader<'_>, value: Value<'_>, text: &str) {
        let Some(mut table) = reader.table(value) else { return };
        for (key, span, value) in table.take_all() {
            let Some(owner) = self.owner(reader, key, span) else { continue };
            if reader.is_table(value) {
                self.read_name(reader, &owner, span, value, text);
            } else {
                bare_value(reader, value);
            }
        }
    }

    /// The name of a key: relative unless it ends in a dot.
    fn owner(&self, reader: &mut Reader<'_>, key: &str, span: Span) -> Option<NameBuf> {
        let apex = self.apex.as_name();
        let name = reader.name_text(key, span, apex)?;
        if !name.as_name().is_within(apex) {
            reader.error(span, format!("{} is not in the zone {apex}", name.as_name()));
            return None;
        }
        Some(name)
    }

    /// Reads what one name owns.
    fn read_name(
        &mut self,
        reader: &mut Reader<'_>,
        owner: &NameBuf,
        key: Span,
        value: Value<'_>,
        text: &str,
    ) {
        let Some(mut table) = reader.table(value) else { return };
        let ttl = table.take("ttl");
        if table.is_only("ttl") {
            let name = owner.as_name();
            reader.warning(key, format!("{name} has no records: it is as if it were not written"));
        }
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
        reader.finish(table, &format!("the name {}", owner.as_name()));
        if let Some(target) = target {
            self.steer(reader, owner, target, range, key);
        }
    }

    fn steer(
        &mut self,
        reader: &mut Reader<'_>,
        owner: &NameBuf,
        target: Target,
        ttl: Option<(u32, u32)>,
        span: Span,
    ) {
        let owner = owner.as_name().to_owned();
        if let Some(first) = self.zone.steered.iter().find(|other| other.owner == owner) {
            let first = reader.diagnostics.place(first.span);
            let told = reader.error(span, format!("{owner} is steered twice"));
            told.help = Some(format!("the first is at {first}: keep one"));
            return;
        }
        let (ttl, ttl_written) = (ttl.unwrap_or(STEERED_TTL), ttl.is_some());
        self.zone.steered.push(SteeredSpec { owner, target, ttl, ttl_written, span });
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
        let Some(rtype) = Rtype::from_text(key) else {
            let types = Rtype::MNEMONICS.iter().copied();
            let records = types.filter(|name| Rtype::from_text(name).is_some_and(|rtype| !rtype.is_meta()));
            let hint = closest(key, records.chain(["ALIAS"]));
            let told = reader.error(span, format!("{key} is not a record type"));
            told.help = hint.or_else(|| Some("types without a name are written as TYPE65400".into()));
            return;
        };
        if rtype.is_meta() {
            reader.error(span, format!("{key} is a type of questions and messages, not of records"));
            return;
        }
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
        if data.is_empty() {
            reader.warning(span, format!("{key} has no data: it is as if it were not written"));
        }
        for element in reader.one_or_more(data) {
            if let Some(rdata) = self.rdata(reader, rtype, element, text) {
                let owner = owner.as_name().to_owned();
                self.zone.records.push(RecordSpec { owner, rtype, ttl, rdata, span: element.span });
            }
        }
    }

    /// A word that is a name by a slip of the pen: its form alone does not say that it is a name, what it was read as does.
    pub(super) fn slip_in(&self, text: &str, rdata: &[u8]) -> Option<(String, String)> {
        let apex = self.apex.as_name().as_bytes();
        let twice = [&apex[..apex.len() - 1], apex].concat();
        rdata.windows(twice.len()).find(|octets| octets.eq_ignore_ascii_case(&twice))?;
        text.split_whitespace().find_map(|word| slip(word, self.apex.as_name()))
    }

    /// Reads one record's data; an error is shown under the wrong word.
    fn rdata(&self, reader: &mut Reader<'_>, rtype: Rtype, value: Value<'_>, text: &str) -> Option<Vec<u8>> {
        let written = reader.string(value)?;
        let mut rdata = Vec::new();
        match parse_toml_rdata(rtype, &written.value, self.apex.as_name(), &mut rdata) {
            Ok(()) => {
                let Some((message, cure)) = self.slip_in(&written.value, &rdata) else { return Some(rdata) };
                reader.error(value.span, message).help = Some(cure);
                None
            }
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

/// What stands where a name's table should.
fn bare_value(reader: &mut Reader<'_>, value: Value<'_>) {
    let text = if reader.is_string(value) { reader.string(value) } else { None };
    let rtype = text.as_ref().map(|text| match text.value.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => "A",
        Ok(IpAddr::V6(_)) => "AAAA",
        Err(_) => "TYPE",
    });
    let cure = rtype.zip(text).map(|(rtype, text)| format!("write {{ {rtype} = {:?} }}", text.value));
    reader.expected(value, "a table").help = cure.or_else(|| Some("write { TYPE = \"DATA\" }".into()));
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
