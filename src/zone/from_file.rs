//! A zone from its TOML file.

use super::{Builder, SteerId, Zone};
use crate::config::{Diagnostics, Span, ZoneFile};
use crate::wire::Rtype;

/// Makes the zone. `steered` gives the id of each of the file's steered names; `serial` is used where the file says "auto". None when
/// there are errors; they are told.
pub fn from_file(
    file: &ZoneFile,
    steered: impl Fn(usize) -> Option<SteerId>,
    serial: u32,
    diagnostics: &mut Diagnostics,
) -> Option<Zone> {
    let apex = file.apex.as_name();
    let mut builder = Builder::new(apex);
    if !file.records.iter().any(|record| record.rtype == Rtype::SOA) {
        let soa = &file.soa;
        let numbers = [soa.serial.unwrap_or(serial), soa.refresh, soa.retry, soa.expire, soa.negative_ttl];
        let rdata = [
            soa.primary.as_name().as_bytes(),
            soa.contact.as_name().as_bytes(),
            &numbers.map(u32::to_be_bytes).concat(),
        ];
        builder.add(apex, Rtype::SOA, soa.ttl, &rdata.concat(), NO_PLACE);
    }
    for (tag, record) in file.records.iter().enumerate() {
        builder.add(record.owner.as_name(), record.rtype, record.ttl, &record.rdata, tag as u32);
    }
    for (i, name) in file.steered.iter().enumerate() {
        if let Some(id) = steered(i) {
            builder.steer(name.owner.as_name(), id, (file.records.len() + i) as u32);
        }
    }
    // Where something could not be read, that something is missing is no news.
    let sound = !diagnostics.has_errors();
    let (zone, problems) = match builder.finish() {
        Ok((zone, problems)) => (Some(zone), problems),
        Err(problems) => (None, problems),
    };
    for problem in problems {
        let span = problem.tag.and_then(|tag| place(file, tag as usize)).unwrap_or(file.span);
        if problem.fatal {
            diagnostics.error(Some(span), problem.message);
        } else if sound {
            diagnostics.warning(Some(span), problem.message);
        }
    }
    zone
}

/// The tag of what stands nowhere in the file.
const NO_PLACE: u32 = u32::MAX;

/// Where the record or steered name with this tag stands.
fn place(file: &ZoneFile, tag: usize) -> Option<Span> {
    let record = file.records.get(tag).map(|record| record.span);
    record.or_else(|| file.steered.get(tag.checked_sub(file.records.len())?).map(|steered| steered.span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;

    /// What making the zone example.com of this file tells, as it is shown.
    fn check(text: &str, wanted: &[&str]) {
        let mut diagnostics = Diagnostics::default();
        let config = Config::parse("", Path::new("waymark.toml"), &mut diagnostics);
        let file = ZoneFile::parse(text, Path::new("example.com.toml"), &config, &mut diagnostics);
        from_file(&file, |_| None, 1, &mut diagnostics);
        let shown = diagnostics.render(false);
        let same = wanted.iter().all(|wanted| shown.contains(wanted)) && diagnostics.iter().count() == 1;
        assert!(same, "of\n{text}\nwas told\n{shown}");
    }

    #[test]
    fn what_is_wrong_with_a_zone_is_told_with_its_file() {
        let a = "a = { A = \"192.0.2.1\" }";
        check(&format!("[records]\n{a}"), &["the zone example.com. has no NS", "example.com.toml:1:1"]);
        check(&format!("[records]\n\"@\".NS = \"b\"\n{a}"), &["which has no address here", "toml:1:1"]);
        check(
            "records.\"@\".NS = \"a\"\nrecords.a = { A = \"x\" }",
            &["must be an IPv4 address", "toml:2:20"],
        );
    }
}
