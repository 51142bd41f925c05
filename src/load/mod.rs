//! From files to what is answered from: every zone of the directory with its steering policy, its tests run. A zone that is bad keeps
//! its last good version, or answers SERVFAIL if it never had one; the others are not touched by it.

mod expect;
#[cfg(test)]
mod tests;
mod watch;
mod zone;

use crate::clock;
use crate::config::{Config, Diagnostics, Stamps};
use crate::health::{Watch, ZoneWatch};
use crate::limits;
use crate::steer::{self, Geo, Steering};
use crate::wire::{NameBuf, OwnedName};
use crate::zone::{Held, Zone, ZoneSet};
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zone::{Settled, ZoneResult, ZoneSource};

/// A zone that can be served.
#[derive(Clone)]
struct Good {
    zone: Arc<Zone>,
    steering: Option<Steering>,
    /// What the standing of its members follows from.
    watched: Arc<[Watch]>,
}

/// Loads zones and remembers the last good version of each.
#[derive(Default)]
pub struct Loader {
    good: HashMap<OwnedName, Good>,
    /// The zone of each file that said so itself: when the file breaks it is still this zone's.
    apexes: HashMap<PathBuf, OwnedName>,
    /// What need not be read again, by its file.
    settled: HashMap<PathBuf, Arc<Settled>>,
    /// The config with which they were read.
    config: Option<Config>,
    geo: Arc<Geo>,
    /// The files it was made from, and those that were found otherwise when they were last looked at.
    stamps: (Stamps, Stamps),
    /// Match sections of routes, which zones have in common and reloads keep.
    sections: steer::Shared,
}

/// What came of a load.
#[derive(Default)]
pub struct Loaded {
    /// Every zone there is a file for, also those that are bad.
    pub zones: ZoneSet,
    /// How their names are steered, found by `Held::policy`.
    pub steering: Vec<Steering>,
    /// What is to be known of their members.
    pub watched: Vec<ZoneWatch>,
    /// What is served.
    pub counts: Counts,
    /// Zones whose file is bad.
    pub bad: Vec<Bad>,
}

/// A zone whose file is bad. Shown, it says what is served instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// The zone.
    pub apex: OwnedName,
    /// Its file.
    pub path: PathBuf,
    /// Whether there is a last good version.
    pub kept: bool,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bad { apex, path, kept } = self;
        let served = if *kept { "its last good version is served" } else { "it answers SERVFAIL" };
        write!(f, "zone {apex} ({}) did not load: {served}", path.display())
    }
}

/// What a client is told of a zone that never loaded; the log has the rest.
const NOT_LOADED: &str = "the zone did not load; the server's log says why";

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
    /// Loads what the config names; what has not changed since it was loaded before is taken as it was. Every problem is told in
    /// `diagnostics`. None when the directory of the zones cannot be read: then nothing is known of them, and nothing changes.
    pub fn load(&mut self, config: &Config, diagnostics: &mut Diagnostics) -> Option<Loaded> {
        self.load_at(clock::unix_secs(), config, diagnostics)
    }

    /// The same at that Unix time in seconds.
    fn load_at(&mut self, begun: u64, config: &Config, diagnostics: &mut Diagnostics) -> Option<Loaded> {
        self.take_common(config, diagnostics);
        let sources = match &config.zones {
            Some(directory) => list(directory, diagnostics)?,
            None => Vec::new(),
        };
        let results = self.load_all(&sources, begun, config);
        let mut loaded = Loaded::default();
        let mut held: Vec<Held> = Vec::new();
        let mut files: HashMap<OwnedName, PathBuf> = HashMap::new();
        let (mut apexes, mut settled) = (HashMap::new(), HashMap::new());
        for (result, told) in results {
            diagnostics.append(told);
            if result.named || self.apexes.contains_key(&result.path) {
                apexes.insert(result.path.clone(), result.apex.clone());
            }
            if let Some(other) = files.get(&result.apex) {
                let (path, other) = (result.path.display(), other.display());
                let told =
                    diagnostics.error(None, format!("{path}: the zone {} is in {other} too", result.apex));
                told.help = Some("remove one of the two; the first is served".into());
                continue;
            }
            files.insert(result.apex.clone(), result.path.clone());
            if let Some(files) = &result.settled {
                settled.insert(result.path.clone(), Arc::clone(files));
            }
            held.push(self.take(result, &mut loaded));
        }
        self.good.retain(|apex, _| files.contains_key(apex));
        (self.apexes, self.settled) = (apexes, settled);
        loaded.zones = ZoneSet::new(held);
        Some(loaded)
    }

    /// Takes what all zones are read with. Where that has changed, so may have each of them.
    fn take_common(&mut self, config: &Config, diagnostics: &mut Diagnostics) {
        let stamps = Stamps::of(config.geo.files());
        let files = Arc::new(Geo::open(&config.geo, Some(&self.geo), diagnostics));
        self.stamps = (stamps.clone(), stamps);
        // Zones whose networks say no more than those of the config have this one in common.
        let geo = Geo::with_networks(Some(&files), &config.networks).unwrap_or(files);
        if !geo.is_same(&self.geo) {
            self.geo = geo;
            self.settled.clear();
        }
        if self.config.as_ref() != Some(config) {
            self.config = Some(config.clone());
            self.settled.clear();
        }
        self.sections.forget_unused();
    }

    /// Whether files of geographic data are others than those that were loaded, and have not changed since the last look: one that is being
    /// written is left alone.
    pub fn has_new_geo(&mut self, config: &Config) -> bool {
        let now = Stamps::of(config.geo.files());
        let (loaded, seen) = &mut self.stamps;
        let new = now != *loaded && now == *seen;
        *seen = now;
        new
    }

    /// Takes what a file gave, or the last good version, or the fact that there is none.
    fn take(&mut self, result: ZoneResult, loaded: &mut Loaded) -> Held {
        let ZoneResult { apex, path, good, .. } = result;
        let counts = &mut loaded.counts;
        if let Some(good) = good {
            counts.fresh += 1;
            self.good.insert(apex.clone(), good);
        } else {
            let kept = self.good.contains_key(&apex);
            *(if kept { &mut counts.kept } else { &mut counts.failed }) += 1;
            loaded.bad.push(Bad { apex: apex.clone(), path, kept });
        }
        let Some(Good { zone, steering, watched }) = self.good.get(&apex) else {
            return Held { apex, state: Err(NOT_LOADED.into()), policy: None };
        };
        counts.records += zone.record_count();
        let policy = steering.as_ref().map(|steering| {
            let (members, table) = (Arc::clone(watched), Arc::clone(&steering.health));
            loaded.watched.push(ZoneWatch { apex: apex.clone(), members, table });
            loaded.steering.push(steering.clone());
            loaded.steering.len() - 1
        });
        Held { apex, state: Ok(Arc::clone(zone)), policy }
    }

    /// Loads the zones, on all cores, from a time on.
    fn load_all(
        &self,
        sources: &[ZoneSource],
        begun: u64,
        config: &Config,
    ) -> Vec<(ZoneResult, Diagnostics)> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = sources.len().div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            let run = |part: &[ZoneSource]| -> Vec<_> {
                let one = |source: &ZoneSource| {
                    if let Some(settled) = source.settled(self) {
                        return (settled, Diagnostics::default());
                    }
                    let load = |diagnostics: &mut Diagnostics| source.load(config, self, diagnostics);
                    let (mut result, told) = self.load_one(source, load);
                    let files = Stamps::of(told.files());
                    if result.good.is_some() && told.is_empty() && files.held_before(begun) {
                        result.settled = Some(Arc::new(Settled { apex: result.apex.clone(), files }));
                    }
                    (result, told)
                };
                part.iter().map(one).collect()
            };
            let parts: Vec<_> = sources.chunks(share).map(|part| scope.spawn(move || run(part))).collect();
            let joined = parts.into_iter().map(|part| part.join());
            joined.flat_map(|part| part.unwrap_or_else(|panic| resume_unwind(panic))).collect()
        })
    }

    /// Loads one zone. A panic is a bug, and costs this zone alone.
    fn load_one(
        &self,
        source: &ZoneSource,
        load: impl FnOnce(&mut Diagnostics) -> ZoneResult,
    ) -> (ZoneResult, Diagnostics) {
        let run = || {
            let mut diagnostics = Diagnostics::default();
            let result = load(&mut diagnostics);
            (result, diagnostics)
        };
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
            let mut diagnostics = Diagnostics::default();
            let message = format!("{}: the program failed over this file", source.path.display());
            diagnostics.error(None, message).help =
                Some("this is a bug of Waymark: what panicked was written to standard error".into());
            (source.bad(self, None), diagnostics)
        })
    }
}

/// The zone files of a directory in order of name: `NAME.toml` and `NAME.zone`, `root` for the root zone. Hidden files are an
/// editor's. None when the directory cannot be read.
fn list(directory: &Path, diagnostics: &mut Diagnostics) -> Option<Vec<ZoneSource>> {
    // An entry that cannot be read may be any zone's: without it the list is not known.
    let entries = std::fs::read_dir(directory).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut files: Vec<PathBuf> = match entries {
        Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
        Err(error) => {
            let told = diagnostics.error(None, format!("{}: {error}", directory.display()));
            told.help = Some(
                "zones.directory names the directory of the zone files; make it, or name another".into(),
            );
            return None;
        }
    };
    // As octets: paths are compared piece by piece.
    files.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    let mut sources: Vec<ZoneSource> = Vec::new();
    for path in files {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some((stem, "toml" | "zone")) = name.rsplit_once('.').filter(|_| !name.starts_with('.')) else {
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
    Some(sources)
}
