//! From files to what is answered from: every zone of the directory with its steering policy, its tests run. A zone that is bad keeps
//! its last good version, or answers SERVFAIL if it never had one; the others are not touched by it.

mod expect;
mod zone;

use crate::config::{Config, Diagnostics, Severity};
use crate::limits;
use crate::steer::{Geo, Steering};
use crate::wire::{NameBuf, OwnedName};
use crate::zone::{Held, Zone, ZoneSet};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zone::ZoneSource;

/// A zone that can be served.
#[derive(Clone)]
struct Good {
    zone: Arc<Zone>,
    steering: Option<Steering>,
}

/// Loads zones and remembers the last good version of each.
#[derive(Default)]
pub struct Loader {
    good: BTreeMap<OwnedName, Good>,
    geo: Option<Arc<Geo>>,
}

/// What came of a load.
#[derive(Default)]
pub struct Loaded {
    /// Every zone there is a file for, also those that are bad.
    pub zones: ZoneSet,
    /// How their names are steered, found by `Held::policy`.
    pub steering: Vec<Steering>,
    /// What is served.
    pub counts: Counts,
}

/// How many zones a load gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Zones as their files have them.
    pub fresh: usize,
    /// Zones whose file is bad: the last good version is served.
    pub kept: usize,
    /// Zones that never loaded: they answer SERVFAIL.
    pub failed: usize,
    /// Records of the zones served.
    pub records: usize,
}

impl Loader {
    /// Loads what the config names. Every problem is told in `diagnostics`.
    pub fn load(&mut self, config: &Config, diagnostics: &mut Diagnostics) -> Loaded {
        self.load_geo(config, diagnostics);
        let sources = match &config.zones {
            Some(directory) => list(directory, diagnostics),
            None => Vec::new(),
        };
        let results = self.load_all(&sources, config);
        let mut loaded = Loaded::default();
        let mut held: Vec<Held> = Vec::new();
        let mut files: BTreeMap<OwnedName, PathBuf> = BTreeMap::new();
        for (result, told) in results {
            let why = first_error(&told);
            diagnostics.append(told);
            if let Some(other) = files.get(&result.apex) {
                let (path, other) = (result.path.display(), other.display());
                let told =
                    diagnostics.error(None, format!("{path}: the zone {} is in {other} too", result.apex));
                told.help = Some("remove one of the two; the first is served".into());
                continue;
            }
            files.insert(result.apex.clone(), result.path);
            held.push(self.take(result.apex, result.good, why, &mut loaded));
        }
        self.good.retain(|apex, _| files.contains_key(apex));
        loaded.zones = ZoneSet::new(held);
        loaded
    }

    /// Takes what a file gave, or the last good version, or the reason why there is none.
    fn take(&mut self, apex: OwnedName, good: Option<Good>, why: String, loaded: &mut Loaded) -> Held {
        let counts = &mut loaded.counts;
        match good {
            Some(good) => {
                counts.fresh += 1;
                self.good.insert(apex.clone(), good);
            }
            None if self.good.contains_key(&apex) => counts.kept += 1,
            None => counts.failed += 1,
        }
        let Some(Good { zone, steering }) = self.good.get(&apex) else {
            return Held { apex, state: Err(why.into()), policy: None };
        };
        counts.records += zone.record_count();
        let policy = steering.as_ref().map(|steering| {
            loaded.steering.push(steering.clone());
            loaded.steering.len() - 1
        });
        Held { apex, state: Ok(Arc::clone(zone)), policy }
    }

    /// Opens the geographic databases; those of before stay where one is broken.
    fn load_geo(&mut self, config: &Config, diagnostics: &mut Diagnostics) {
        if config.geo.databases.is_empty() {
            self.geo = None;
        } else if let Some(geo) = Geo::open(&config.geo, diagnostics) {
            self.geo = Some(Arc::new(geo));
        }
    }

    /// Loads the zones, on all cores.
    fn load_all(&self, sources: &[ZoneSource], config: &Config) -> Vec<(zone::ZoneResult, Diagnostics)> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = sources.len().div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            let run = |part: &[ZoneSource]| -> Vec<_> {
                let one = |source: &ZoneSource| {
                    let mut diagnostics = Diagnostics::default();
                    let last = |apex: &OwnedName| self.good.get(apex);
                    let result = source.load(config, self.geo.as_ref(), last, &mut diagnostics);
                    (result, diagnostics)
                };
                part.iter().map(one).collect()
            };
            let parts: Vec<_> = sources.chunks(share).map(|part| scope.spawn(move || run(part))).collect();
            parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
        })
    }
}

/// The text of the first error, for the extended error of a zone that cannot be served.
fn first_error(diagnostics: &Diagnostics) -> String {
    let error = diagnostics.iter().find(|told| told.severity == Severity::Error);
    error.map_or_else(
        || "the zone did not load".into(),
        |error| format!("the zone did not load: {}", error.message),
    )
}

/// The zone files of a directory in order of name: `NAME.toml` and `NAME.zone`, `root` for the root zone.
fn list(directory: &Path, diagnostics: &mut Diagnostics) -> Vec<ZoneSource> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            let told = diagnostics.error(None, format!("{}: {error}", directory.display()));
            told.help = Some(
                "zones.directory names the directory of the zone files; make it, or name another".into(),
            );
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let mut sources: Vec<ZoneSource> = Vec::new();
    for path in files {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let (Some(stem), Some("toml" | "zone")) =
            (path.file_stem().and_then(|stem| stem.to_str()), extension)
        else {
            continue;
        };
        let name = if stem == "root" { "." } else { stem };
        match NameBuf::from_text(name, NameBuf::root().as_name()) {
            Ok(apex) if sources.len() < limits::ZONES => {
                sources.push(ZoneSource { apex: apex.as_name().to_owned(), path });
            }
            Ok(_) => {
                let message = format!("{}: more than {} zones", directory.display(), limits::ZONES);
                diagnostics.error(None, message);
                break;
            }
            Err(error) => {
                let told = diagnostics.error(None, format!("{}: {error}", path.display()));
                told.help = Some("the file's name is the zone's name, as in example.com.toml".into());
            }
        }
    }
    sources
}
