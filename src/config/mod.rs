//! Files as people write them. One small reader over toml's recoverable parser collects every error with its place; what comes
//! out is [`Config`] and [`ZoneFile`] as meant: checked, immutable. Nothing later reads the written form.

mod anchors;
mod authorities;
mod check;
mod continent;
mod embedded;
mod hints;
mod load;
mod moot;
mod promise;
mod reader;
mod references;
mod render;
mod routes;
mod stamp;
mod syntax;
mod unreachable;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_checks;
#[cfg(test)]
mod tests_of_routes;
mod zone_file;
mod zone_reader;

pub use authorities::authorities;
pub use check::*;
pub(crate) use continent::continent_of;
pub(crate) use embedded::{EMBEDDING, embedded};
pub(crate) use reader::{closest, closest_type, prefix_or_address};
pub use render::Lines;
pub use stamp::{Stamp, Stamps, read_regular};
pub use zone_file::*;
pub(crate) use zone_reader::two_letters;

use crate::anchor::Anchors;
use crate::wire::OwnedName;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place in a file: which file of the [`Diagnostics`], and octets from..to in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Index of the file.
    pub file: u32,
    /// First octet.
    pub start: u32,
    /// Octet after the last.
    pub end: u32,
}

impl Span {
    /// Whether two places have a common octet or border.
    fn touches(&self, other: &Span) -> bool {
        self.file == other.file && self.start <= other.end && other.start <= self.end
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// A file that was read and its text, to show places in it later.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// Where it was read from.
    pub path: PathBuf,
    /// What it said.
    pub text: Arc<str>,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, but something has no effect or is likely not meant.
    Warning,
}

/// One thing to tell about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Where; none for a file that could not be read.
    pub span: Option<Span>,
    /// What is wrong.
    pub message: String,
    /// What was expected, shown under the caret.
    pub label: String,
    /// The cure, if it can be guessed ("did you mean ...").
    pub help: Option<String>,
}

/// All that is to be told about a set of files, and their text for showing lines.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    files: Vec<(PathBuf, Arc<str>)>,
    list: Vec<Diagnostic>,
    read: Stamps,
}

impl Diagnostics {
    /// Adds a file; returns its index for spans.
    pub fn add_file(&mut self, path: PathBuf, text: Arc<str>) -> u32 {
        self.files.push((path, text));
        (self.files.len() - 1) as u32
    }

    /// Notes that what was read follows from this version of a file.
    pub fn depend(&mut self, path: &Path, stamp: Stamp) {
        self.read.add(path.to_owned(), stamp);
    }

    /// Which versions of which files were read for it.
    pub fn read(&self) -> &Stamps {
        &self.read
    }

    /// A place in a file that was read earlier, perhaps for other diagnostics.
    pub fn place_in(&mut self, source: &Source, span: Span) -> Span {
        let known = self.files.iter().position(|(_, text)| Arc::ptr_eq(text, &source.text));
        let file = match known {
            Some(file) => file as u32,
            None => self.add_file(source.path.clone(), Arc::clone(&source.text)),
        };
        Span { file, ..span }
    }

    /// Adds an error; complete it through the returned reference.
    pub fn error(&mut self, span: Option<Span>, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Error, span, message.into())
    }

    /// Adds a warning.
    pub fn warning(&mut self, span: Option<Span>, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Warning, span, message.into())
    }

    fn push(&mut self, severity: Severity, span: Option<Span>, message: String) -> &mut Diagnostic {
        self.list.push(Diagnostic { severity, span, message, label: String::new(), help: None });
        let last = self.list.len() - 1;
        &mut self.list[last]
    }

    /// Without texts of files of which there is nothing to show.
    #[must_use]
    pub fn without_unused(mut self) -> Diagnostics {
        if self.list.is_empty() {
            self.files = Vec::new();
        }
        self
    }

    /// Adds all that another was told, with the files it is in.
    pub fn append(&mut self, mut other: Diagnostics) {
        let files = self.files.len() as u32;
        for told in &mut other.list {
            if let Some(span) = &mut told.span {
                span.file += files;
            }
        }
        self.files.append(&mut other.files);
        self.list.append(&mut other.list);
    }

    /// The files in which something may be told.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// How many errors were told.
    pub fn error_count(&self) -> usize {
        self.list.iter().filter(|told| told.severity == Severity::Error).count()
    }

    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How much was told.
    fn len(&self) -> usize {
        self.list.len()
    }

    /// Takes back what was told after the first `kept`, of places that pass.
    fn forget(&mut self, kept: usize, passes: impl Fn(&Span) -> bool) {
        let mut at = 0;
        self.list.retain(|told| {
            at += 1;
            at <= kept || !told.span.as_ref().is_some_and(&passes)
        });
    }

    /// What was said so far, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Whether any of it is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }
}

/// `waymark.toml` as meant. Paths are made absolute; every default is filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `server.listen`.
    pub listen: Vec<ListenConfig>,
    /// `server.workers`, 0 replaced by the number of cores this process may use.
    pub workers: usize,
    /// `zones.directory`.
    pub zones: Option<PathBuf>,
    /// `geo.database` files and how their fields are found.
    pub geo: GeoConfig,
    /// `[resolver]`.
    pub resolver: ResolverConfig,
    /// `[guard]`.
    pub guard: GuardConfig,
    /// `[store]` `directory`: the one asked for, then the user's own, tried where that cannot be used.
    pub store: Vec<PathBuf>,
    /// `[control]`.
    pub control: ControlConfig,
    /// `[log]`.
    pub log: LogConfig,
    /// `[network.X]` that every zone may use.
    pub networks: Vec<NetworkSpec>,
    /// `[health]`.
    pub health: HealthConfig,
    /// `[check.X]` that every zone may use.
    pub checks: Vec<CheckSpec>,
}

/// An entry of `server.listen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenConfig {
    /// UDP and TCP on it.
    pub address: SocketAddr,
    /// Who may ask for recursion there, if not those of `resolver.allow`; with `recursion = false` nobody.
    pub allow: Option<Vec<IpNet>>,
}

/// `[guard]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardConfig {
    /// `cookies`.
    pub cookies: bool,
    /// `rrl`: replies a second of one kind to one network; none when it is off.
    pub rrl: Option<u32>,
}

/// `[health]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthConfig {
    /// `commands`: directories of the programs that checks may run; none by default.
    pub commands: Vec<PathBuf>,
    /// `webhook`: where flips are posted to, an http or https URL.
    pub webhook: Option<String>,
}

/// `[geo]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeoConfig {
    /// The config, in which places are those of `databases`.
    pub source: Source,
    /// Whether `database` or `geofeed` is written, also where its files cannot be read.
    pub wanted: bool,
    /// MMDB files, absolute.
    pub databases: Vec<Spanned<PathBuf>>,
    /// `geofeed`: files of RFC 8805, absolute, which go before the databases.
    pub geofeeds: Vec<Spanned<PathBuf>>,
    /// `fields`: for each of [`GeoConfig::FIELDS`] the dotted path (`country.iso_code`) that replaces the detected one.
    pub fields: [Option<Spanned<String>>; 5],
}

impl GeoConfig {
    /// What databases have of an address.
    pub const FIELDS: [&str; 5] = ["country", "continent", "asn", "latitude", "longitude"];

    /// All files it names.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.databases.iter().chain(&self.geofeeds).map(|file| file.value.as_path())
    }
}

/// `[resolver]` with its forwards and stubs.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolverConfig {
    /// `enabled`.
    pub enabled: bool,
    /// `allow`: who may ask for recursion.
    pub allow: Vec<IpNet>,
    /// `root_hints`: names and addresses, the built-in ones or the file's.
    pub root_hints: Vec<(OwnedName, Vec<std::net::IpAddr>)>,
    /// `cache_size` in octets.
    pub cache_size: usize,
    /// `upstream` families: IPv4, IPv6.
    pub families: (bool, bool),
    /// `upstream_deny` as prefixes; unspecified and multicast are always among them.
    pub deny: Vec<IpNet>,
    /// `upstream_port`.
    pub upstream_port: u16,
    /// `special_use`.
    pub special_use: bool,
    /// `priming`.
    pub priming: bool,
    /// `case_randomisation`.
    pub case_randomisation: bool,
    /// `qname_minimisation`.
    pub minimise: Minimise,
    /// `rebinding_protection`.
    pub rebinding_protection: bool,
    /// `serve_stale`.
    pub serve_stale: bool,
    /// `prefetch`.
    pub prefetch: bool,
    /// `trust_anchors` and `negative_trust_anchors`; without positive ones nothing is validated.
    pub anchors: Anchors,
    /// `aggressive_nsec`: names are denied by what other denials said (RFC 8198).
    pub aggressive_nsec: bool,
    /// `sentinel`: clients may learn which root keys are trusted (RFC 8509).
    pub sentinel: bool,
    /// `anchor_signal`: zones with trust anchors are told which (RFC 8145).
    pub anchor_signal: bool,
    /// `rfc5011`: trust anchors follow the rollovers of their zones.
    pub rfc5011: bool,
    /// `[[resolver.forward]]` and `[[resolver.stub]]`.
    pub upstreams: Vec<UpstreamConfig>,
}

/// A forward or stub.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamConfig {
    /// The zone.
    pub zone: OwnedName,
    /// Its servers; port 53 where none is written.
    pub servers: Vec<SocketAddr>,
    /// A forward (recursive servers) or a stub (authoritative ones).
    pub forward: bool,
    /// `fallback`: whether the zone is resolved from the roots down when they fail.
    pub fallback: bool,
    /// `validate`: whether what they say is validated where a trust anchor covers it.
    pub validate: bool,
}

/// `qname_minimisation`: how much of a name servers are told, and what their denial of a part of it means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Minimise {
    /// The whole name is asked everywhere.
    Off,
    /// Servers that deny a name which may have names below it are asked for the whole name.
    #[default]
    Relaxed,
    /// They are believed (RFC 8020).
    Strict,
}

/// `[control]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlConfig {
    /// `listen`: HTTP for /metrics.
    pub listen: Option<SocketAddr>,
    /// `socket`: the path asked for, then the per-user path tried where that cannot be made.
    pub socket: Vec<PathBuf>,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// JSON instead of text.
    pub json: bool,
    /// A level, or levels per module as tracing-subscriber's filter writes them (`info,waymark::net=debug`).
    pub level: String,
}
