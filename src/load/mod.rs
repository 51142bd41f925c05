//! From files to what is answered from: every zone of the directory with its steering policy, its tests run. A zone that is bad keeps
//! its last good version, or answers SERVFAIL if it never had one; the others are not touched by it.

mod expect;
mod geo;
#[cfg(test)]
mod tests;
mod watch;
mod zone;

use crate::clock;
use crate::config::{Config, Diagnostics};
use crate::health::{Watch, ZoneWatch};
use crate::limits;
use crate::steer::{self, Geo, Steering};
use crate::wire::{Name, OwnedName};
use crate::zone::{Held, Zone, ZoneSet};
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fmt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A zone that can be served.
#[derive(Clone)]
struct Good {
    zone: Arc<Zone>,
    steering: Option<Steering>,
    /// What the standing of its members follows from.
    watched: Arc<[Watch]>,
}

/// A zone file, and what came of it.
struct Entry {
    path: PathBuf,
    /// Its zone.
    apex: OwnedName,
    /// Whether the file has said so itself: when it breaks it is still this zone's.
    named: bool,
    /// What was told of it, and what it was read from; none where it is read again whether that has changed or not.
    settled: Option<Diagnostics>,
    /// Whether the file is good. If not, the zone is its last good version, or none.
    fresh: bool,
    good: Option<Good>,
    /// Whether a file before it has the zone too: then that one is served.
    doubled: bool,
    /// With which of the policies, if any, it is in the set of zones; none while it is not.
    held: Option<Option<usize>>,
}

impl Entry {
    /// What is served of it.
    fn to_held(&self, policy: Option<usize>) -> Held {
        let state = self.good.as_ref().map(|good| Arc::clone(&good.zone)).ok_or_else(|| NOT_LOADED.into());
        Held { apex: self.apex.clone(), state, policy }
    }
}

/// What came of looking at a zone file.
enum Outcome {
    /// The same as of the entry at this place.
    Same(usize),
    /// This.
    Read(Box<Entry>, Diagnostics),
    /// It is of no zone.
    Nothing(Diagnostics),
}

/// What zone files are read with.
struct Common<'l> {
    config: &'l Config,
    geo: &'l Arc<Geo>,
    sections: &'l steer::Shared,
    /// When reading began, in Unix seconds.
    begun: u64,
    /// What came of them before, in order of path.
    entries: &'l [Entry],
    /// The last good version of each zone.
    last: HashMap<Name<'l>, &'l Good>,
}

/// Loads zones and remembers the last good version of each.
#[derive(Default)]
pub struct Loader {
    /// The files, in order of path.
    entries: Vec<Entry>,
    /// Their zones.
    zones: ZoneSet,
    /// The config with which they were read.
    config: Option<Config>,
    geo: Arc<Geo>,
    /// The files it was made from.
    files: geo::Files,
    /// How many of them were refused when they were opened last.
    geo_refused: usize,
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
        // Where there is nothing to load, what it would be loaded with stays to be taken, too.
        let paths = match &config.zones {
            Some(directory) => list(directory, diagnostics)?,
            None => Vec::new(),
        };
        self.take_common(config, diagnostics);
        let outcomes = self.look_at_all(&paths, begun, config);
        let mut before: Vec<_> = std::mem::take(&mut self.entries).into_iter().map(Some).collect();
        for outcome in outcomes {
            match outcome {
                Outcome::Same(place) => {
                    let entry = before[place].take();
                    let told = entry.as_ref().and_then(|entry| entry.settled.as_ref());
                    if let Some(told) = told.filter(|told| !told.is_empty()) {
                        diagnostics.append(told.clone());
                    }
                    self.entries.extend(entry);
                }
                Outcome::Read(entry, told) => {
                    self.entries.push(*entry);
                    diagnostics.append(told);
                }
                Outcome::Nothing(told) => diagnostics.append(told),
            }
        }
        self.tell_doubled(diagnostics);
        Some(self.give())
    }

    /// Tells of files whose zone is in one before them too.
    fn tell_doubled(&mut self, diagnostics: &mut Diagnostics) {
        let mut first = HashMap::with_capacity(self.entries.len());
        let mut doubled = Vec::new();
        for (place, entry) in self.entries.iter().enumerate() {
            let other = *first.entry(entry.apex.as_name()).or_insert(place);
            if other != place {
                doubled.push((place, other));
            }
        }
        for (place, other) in doubled {
            let other = self.entries[other].path.display().to_string();
            let entry = &mut self.entries[place];
            (entry.doubled, entry.settled, entry.good, entry.held) = (true, None, None, None);
            let message = format!("{}: the zone {} is in {other} too", entry.path.display(), entry.apex);
            diagnostics.error(None, message).help = Some("remove one of the two; the first is served".into());
        }
    }

    /// What the entries come to. The set of zones is the one given last, changed where they are.
    fn give(&mut self) -> Loaded {
        let mut loaded = Loaded::default();
        let mut changed = Vec::new();
        let mut count = 0;
        for entry in self.entries.iter_mut().filter(|entry| !entry.doubled) {
            count += 1;
            let policy = loaded.add(entry);
            if entry.held != Some(policy) {
                entry.held = Some(policy);
                changed.push(entry.to_held(policy));
            }
        }
        self.zones = if self.zones.is_empty() {
            ZoneSet::new(changed)
        } else {
            changed.into_iter().fold(self.zones.clone(), |zones, held| zones.with(held))
        };
        if self.zones.len() > count {
            self.forget_gone();
        }
        loaded.zones = self.zones.clone();
        loaded
    }

    /// Takes zones out of the set that no file has any more.
    fn forget_gone(&mut self) {
        let there: HashSet<Name<'_>> = self.entries.iter().map(|entry| entry.apex.as_name()).collect();
        let mut zones = self.zones.clone();
        self.zones.for_each(|held| {
            if !there.contains(&held.apex.as_name()) {
                zones = zones.without(held.apex.as_name());
            }
        });
        self.zones = zones;
    }

    /// Takes what all zones are read with. Where that has changed, so may have each of them.
    fn take_common(&mut self, config: &Config, diagnostics: &mut Diagnostics) {
        self.files = geo::Files::of(config);
        let files = Arc::new(Geo::open(&config.geo, Some(&self.geo), |_| true, diagnostics));
        self.geo_refused = files.refused;
        self.take_geo(files, config);
        if self.config.as_ref() != Some(config) {
            self.config = Some(config.clone());
            self.unsettle();
        }
    }

    /// Every file is to be read again.
    fn unsettle(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.settled = None);
    }

    /// What files are read with, from a time on.
    fn common<'l>(&'l self, begun: u64, config: &'l Config) -> Common<'l> {
        let last = self.entries.iter().filter_map(|entry| Some((entry.apex.as_name(), entry.good.as_ref()?)));
        let (geo, sections, entries) = (&self.geo, &self.sections, &self.entries);
        Common { config, geo, sections, begun, entries, last: last.collect() }
    }

    /// Looks at all files, on all cores, from a time on.
    fn look_at_all(&self, paths: &[PathBuf], begun: u64, config: &Config) -> Vec<Outcome> {
        let common = &self.common(begun, config);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = paths.len().div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            let run = |part: &[PathBuf]| part.iter().map(|path| common.look(path)).collect::<Vec<_>>();
            let parts: Vec<_> = paths.chunks(share).map(|part| scope.spawn(move || run(part))).collect();
            let joined = parts.into_iter().map(|part| part.join());
            joined.flat_map(|part| part.unwrap_or_else(|panic| resume_unwind(panic))).collect()
        })
    }
}

impl Loaded {
    /// Takes what is served of an entry. Returns the place of its policy, if it has one.
    fn add(&mut self, entry: &Entry) -> Option<usize> {
        let Entry { apex, path, fresh, good, .. } = entry;
        let counts = &mut self.counts;
        let kept = good.is_some();
        *(if *fresh {
            &mut counts.fresh
        } else if kept {
            &mut counts.kept
        } else {
            &mut counts.failed
        }) += 1;
        if !fresh {
            self.bad.push(Bad { apex: apex.clone(), path: path.clone(), kept });
        }
        let Good { zone, steering, watched } = good.as_ref()?;
        counts.records += zone.record_count();
        let steering = steering.as_ref()?;
        let (members, table) = (Arc::clone(watched), Arc::clone(&steering.health));
        self.watched.push(ZoneWatch { apex: apex.clone(), members, table });
        self.steering.push(steering.clone());
        Some(self.steering.len() - 1)
    }
}

/// Paths are compared as octets: as they are, piece by piece.
fn octets(path: &Path) -> &OsStr {
    path.as_os_str()
}

/// The zone files of a directory in order of name: `NAME.toml` and `NAME.zone`. Hidden files are an editor's. None when the directory
/// cannot be read.
fn list(directory: &Path, diagnostics: &mut Diagnostics) -> Option<Vec<PathBuf>> {
    // An entry that cannot be read may be any zone's: without it the list is not known.
    let entries = std::fs::read_dir(directory).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            let told = diagnostics.error(None, format!("{}: {error}", directory.display()));
            told.help = Some(
                "zones.directory names the directory of the zone files; make it, or name another".into(),
            );
            return None;
        }
    };
    let is_zone = |name: &OsStr| {
        let name = name.as_encoded_bytes();
        !name.starts_with(b".") && (name.ends_with(b".toml") || name.ends_with(b".zone"))
    };
    let files = entries.into_iter().filter(|entry| is_zone(&entry.file_name()));
    let mut files: Vec<PathBuf> = files.map(|entry| entry.path()).collect();
    files.sort_unstable_by(|a, b| octets(a).cmp(octets(b)));
    if files.len() > limits::ZONES {
        diagnostics.error(None, format!("{}: more than {} zones", directory.display(), limits::ZONES));
        files.truncate(limits::ZONES);
    }
    Some(files)
}
