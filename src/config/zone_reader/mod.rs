//! Reads a zone's TOML file.

mod checks;
mod records;
mod steering;
mod tests_of_zone;

pub(super) use checks::checks;
pub(super) use steering::networks;
pub(crate) use steering::two_letters;

use super::load::read_file;
use super::reader::{Reader, Table, Value};
use super::{Config, Diagnostics, SoaSpec, Span, ZoneFile, promise, references};
use crate::limits;
use crate::wire::{Name, NameBuf, OwnedName, Rtype};
use std::path::{Path, PathBuf};

impl ZoneFile {
    /// Reads a zone file and those it includes; None when there is nothing to read. What is wrong is told and left out: a zone of
    /// which `diagnostics` has errors is for looking further, not for use.
    pub fn load(path: &Path, config: &Config, diagnostics: &mut Diagnostics) -> Option<ZoneFile> {
        let (file, text) = read_file(path, None, diagnostics)?;
        Some(ZoneFile::read(file, &text, path, config, diagnostics))
    }

    /// The same from text that is said to stand at `path`, whose name is the zone's name.
    pub fn parse(text: &str, path: &Path, config: &Config, diagnostics: &mut Diagnostics) -> ZoneFile {
        let file = diagnostics.add_file(path.to_owned(), text.into());
        ZoneFile::read(file, text, path, config, diagnostics)
    }

    fn read(file: u32, text: &str, path: &Path, config: &Config, diagnostics: &mut Diagnostics) -> ZoneFile {
        let before = diagnostics.error_count();
        let mut zone = Reader::read(diagnostics, file, text, |reader, root| {
            let apex = apex(reader, &root, path);
            let zone = empty(Span { file, start: 0, end: 0 });
            let mut parts = Parts { apex, zone, soa: None, ttl: DEFAULT_TTL, open: Vec::new(), included: 1 };
            parts.read_file(reader, root, text, path);
            parts.finish()
        });
        references::check(&zone, config, diagnostics);
        promise::check(&mut zone, config, diagnostics);
        let sound = diagnostics.error_count() == before;
        if sound {
            references::warn(&zone, config, diagnostics);
        }
        if sound && zone.records.is_empty() && zone.steered.is_empty() {
            let told = diagnostics.error(Some(zone.span), format!("the zone {} has no records", zone.apex));
            told.help = Some("write them in [records], or remove the file to serve the zone no more".into());
        }
        zone.networks.extend(config.networks.iter().cloned());
        zone
    }
}

/// TTL of records in zones that say nothing of it, in seconds.
const DEFAULT_TTL: u32 = 3_600;

/// A zone being read, from its file and those it includes.
struct Parts {
    apex: NameBuf,
    zone: ZoneFile,
    soa: Option<SoaParts>,
    /// Seconds, of the file being read.
    ttl: u32,
    /// The files being read, each included by the one before: as the file system knows them.
    open: Vec<PathBuf>,
    included: usize,
}

/// `[soa]` as far as it is written.
#[derive(Default)]
struct SoaParts {
    primary: Option<OwnedName>,
    contact: Option<OwnedName>,
    serial: Option<u32>,
    times: [Option<u32>; 5],
}

/// A zone without anything.
fn empty(span: Span) -> ZoneFile {
    let root = || Name::ROOT.to_owned();
    let soa = SoaSpec {
        primary: root(),
        contact: root(),
        serial: None,
        refresh: 3_600,
        retry: 900,
        expire: 1_209_600,
        negative_ttl: 300,
        ttl: DEFAULT_TTL,
    };
    ZoneFile {
        span,
        apex: root(),
        soa,
        records: Vec::new(),
        steered: Vec::new(),
        pools: Vec::new(),
        routes: Vec::new(),
        networks: Vec::new(),
        checks: Vec::new(),
        tests: Vec::new(),
    }
}

/// The zone's name: the file's, unless `zone =` says otherwise.
fn apex(reader: &mut Reader<'_>, root: &Table<'_>, path: &Path) -> NameBuf {
    let written = root.peek("zone");
    if let Some(name) = written.and_then(|value| reader.name(value, Name::ROOT)) {
        return name;
    }
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = if stem == "root" { "." } else { stem };
    NameBuf::from_text(name, Name::ROOT).unwrap_or_else(|error| {
        if written.is_none() {
            let told = reader.diagnostics.error(None, format!("{}: {error}", path.display()));
            told.help = Some("name the file as the zone, or write zone = \"NAME\" in it".into());
        }
        NameBuf::root()
    })
}

impl Parts {
    /// Reads one file's tables.
    fn read_file(&mut self, reader: &mut Reader<'_>, mut root: Table<'_>, text: &str, path: &Path) {
        self.open.push(path.canonicalize().unwrap_or_else(|_| path.to_owned()));
        if let Some(value) = root.take("zone").filter(|_| self.open.len() > 1) {
            reader.error(value.span, "zone = stands in the zone's own file, not in one that it includes");
        }
        let ttl = root.take("ttl").and_then(|value| reader.seconds(value));
        let outer = self.ttl;
        self.ttl = ttl.unwrap_or(outer);
        if let Some(value) = root.take("soa") {
            self.read_soa(reader, value);
        }
        if let Some(value) = root.take("dnssec") {
            dnssec(reader, value);
        }
        if let Some(value) = root.take("records") {
            self.read_records(reader, value, text);
        }
        let pools = self.read_pools(reader, &mut root);
        self.zone.pools.extend(pools);
        let routes = self.read_routes(reader, &mut root);
        self.zone.routes.extend(routes);
        self.zone.networks.extend(networks(reader, &mut root));
        let base = path.parent().unwrap_or(Path::new(""));
        self.zone.checks.extend(checks(reader, &mut root, base));
        let tests = self.read_tests(reader, &mut root);
        self.zone.tests.extend(tests);
        if let Some(value) = root.take("include") {
            self.include(reader, value, path);
        }
        reader.finish(root, "the zone");
        self.open.pop();
        self.ttl = outer;
    }

    /// Reads the files that one includes.
    fn include(&mut self, reader: &mut Reader<'_>, value: Value<'_>, path: &Path) {
        for element in reader.one_or_more(value) {
            let Some(name) = reader.string(element) else { continue };
            let file = path.parent().map_or_else(PathBuf::new, Path::to_owned).join(name.value);
            let place = file.canonicalize().unwrap_or_else(|_| file.clone());
            if let Some(first) = self.open.iter().position(|open| *open == place) {
                let circle = self.open[first..].iter().chain([&place]);
                let circle: Vec<String> = circle.map(|path| path.display().to_string()).collect();
                let message = format!("a file includes itself: {}", circle.join(" includes "));
                reader.error(element.span, message);
                continue;
            }
            if self.open.len() > limits::INCLUDE_DEPTH || self.included >= limits::INCLUDES {
                let message = format!(
                    "more than {} files, or deeper than {}: this one is not included",
                    limits::INCLUDES,
                    limits::INCLUDE_DEPTH
                );
                reader.error(element.span, message);
                return;
            }
            self.included += 1;
            let Some((index, text)) = read_file(&file, Some(element.span), reader.diagnostics) else {
                continue;
            };
            Reader::read(reader.diagnostics, index, &text, |reader, root| {
                self.read_file(reader, root, &text, &file);
            });
        }
    }

    fn read_soa(&mut self, reader: &mut Reader<'_>, value: Value<'_>) {
        let Some(mut table) = reader.table(value) else { return };
        let apex = self.apex.clone();
        let primary = table.take("primary").and_then(|value| reader.name(value, apex.as_name()));
        let contact = table.take("contact").and_then(|value| contact(reader, value, apex.as_name()));
        let serial = table.take("serial").and_then(|value| {
            if !reader.is_string(value) {
                return reader.integer(value, 0..=u32::MAX.into()).map(|serial| serial as u32);
            }
            let auto = |text: &str| (text == "auto").then_some(());
            reader.parse(value, "\"auto\" or a number, which is written without quotes", auto);
            None
        });
        let times = ["refresh", "retry", "expire", "negative_ttl", "ttl"]
            .map(|key| table.take(key).and_then(|value| reader.seconds(value)));
        let span = table.span;
        reader.finish(table, "[soa]");
        if self.soa.is_some() {
            reader.error(span, "[soa] stands in more than one file of this zone");
        }
        self.soa = Some(SoaParts {
            primary: primary.map(|name| name.as_name().to_owned()),
            contact: contact.map(|name| name.as_name().to_owned()),
            serial,
            times,
        });
    }

    /// Fills in what is not written.
    fn finish(self) -> ZoneFile {
        let Parts { apex, mut zone, soa, ttl, .. } = self;
        zone.apex = apex.as_name().to_owned();
        let soa = soa.unwrap_or_default();
        let first_ns = || {
            let ns = zone.records.iter().find(|r| r.rtype == Rtype::NS && r.owner == zone.apex)?;
            Some(Name::from_wire(&ns.rdata).ok()?.to_owned())
        };
        let child = |label: &[u8]| NameBuf::child(label, apex.as_name()).unwrap_or_else(|_| apex.clone());
        let [refresh, retry, expire, negative_ttl, soa_ttl] = soa.times;
        let defaults = &zone.soa;
        let spec = SoaSpec {
            primary: soa.primary.or_else(first_ns).unwrap_or_else(|| child(b"ns1").as_name().to_owned()),
            contact: soa.contact.unwrap_or_else(|| child(b"hostmaster").as_name().to_owned()),
            serial: soa.serial,
            refresh: refresh.unwrap_or(defaults.refresh),
            retry: retry.unwrap_or(defaults.retry),
            expire: expire.unwrap_or(defaults.expire),
            negative_ttl: negative_ttl.unwrap_or(defaults.negative_ttl),
            ttl: soa_ttl.unwrap_or(ttl),
        };
        zone.soa = spec;
        zone
    }
}

/// A mail address as a name (RFC 1035 §8): dots before the @ are escaped.
fn contact(reader: &mut Reader<'_>, value: Value<'_>, apex: Name<'_>) -> Option<NameBuf> {
    let text = reader.string(value)?;
    let Some((local, domain)) = text.value.split_once('@') else { return reader.name(value, apex) };
    let name = format!("{}.{}.", local.replace('.', "\\."), domain.trim_end_matches('.'));
    match NameBuf::from_text(&name, Name::ROOT) {
        Ok(name) => Some(name),
        Err(error) => {
            reader.error(value.span, format!("{:?} is not a mail address: {error}", text.value));
            None
        }
    }
}

/// `[dnssec]`: not built; its policy is checked.
fn dnssec(reader: &mut Reader<'_>, value: Value<'_>) {
    let Some(mut table) = reader.table(value) else { return };
    let policy = table.take("policy").and_then(|value| reader.string(value));
    let off = policy.is_some_and(|policy| policy.value == "off");
    reader.finish(table, "[dnssec]");
    if !off {
        reader.warning(value.span, "[dnssec] has no effect yet: the zone is served unsigned");
    }
}
