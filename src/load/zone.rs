//! One zone file, TOML or master file.

use super::{Common, Entry, Good, Outcome, expect, octets, watch};
use crate::clock;
use crate::config::{Diagnostics, ZoneFile};
use crate::steer::{Policy, Steering};
use crate::wire::{NameBuf, OwnedName};
use crate::zone::{self, Zone};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// A zone file that is to be read.
pub(super) struct ZoneSource<'l> {
    pub path: &'l Path,
    /// The zone's name as the file's name has it.
    pub apex: OwnedName,
    /// What came of it before.
    pub before: Option<&'l Entry>,
    pub common: &'l Common<'l>,
}

impl Common<'_> {
    /// Reads a file unless it is as it was.
    pub fn look(&self, path: &Path) -> Outcome {
        let place = self.entries.binary_search_by(|entry| octets(&entry.path).cmp(octets(path))).ok();
        let before = place.map(|place| &self.entries[place]);
        if let (Some(place), Some(settled)) = (place, before.and_then(|entry| entry.settled.as_ref()))
            && settled.read().hold()
        {
            return Outcome::Same(place);
        }
        match apex_of(path) {
            Ok(apex) => {
                let source = ZoneSource { path, apex, before, common: self };
                let (entry, told) = source.read(ZoneSource::load);
                Outcome::Read(Box::new(entry), told)
            }
            Err(why) => {
                let mut told = Diagnostics::default();
                told.error(None, format!("{}: {why}", path.display())).help =
                    Some("the file's name is the zone's name, as in example.com.toml".into());
                Outcome::Nothing(told)
            }
        }
    }
}

/// The zone that a file's name names: `root` is the root zone.
fn apex_of(path: &Path) -> Result<OwnedName, String> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).ok_or("its name is not UTF-8 text")?;
    let name = if stem == "root" { "." } else { stem };
    let apex = NameBuf::from_text(name, NameBuf::root().as_name()).map_err(|error| error.to_string())?;
    Ok(apex.as_name().to_owned())
}

impl ZoneSource<'_> {
    /// Reads the file with `load`. A panic is a bug, and costs this zone alone.
    pub fn read(&self, load: impl FnOnce(&Self, &mut Diagnostics) -> Entry) -> (Entry, Diagnostics) {
        let run = || {
            let mut diagnostics = Diagnostics::default();
            let mut entry = load(self, &mut diagnostics);
            let is_settled = entry.fresh && !diagnostics.has_errors();
            if is_settled && diagnostics.read().held_before(self.common.begun) {
                entry.settled = Some(diagnostics.clone().without_unused());
            }
            (entry, diagnostics)
        };
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
            let mut diagnostics = Diagnostics::default();
            let message = format!("{}: the program failed over this file", self.path.display());
            diagnostics.error(None, message).help =
                Some("this is a bug of Waymark: what panicked was written to standard error".into());
            (self.bad(None), diagnostics)
        })
    }

    fn load(&self, diagnostics: &mut Diagnostics) -> Entry {
        if self.path.extension().is_some_and(|extension| extension == "zone") {
            let Some(zone) = zone::master::load(self.path, self.apex.as_name(), diagnostics) else {
                return self.bad(None);
            };
            let good = Good { zone: Arc::new(zone), steering: None, watched: Arc::default() };
            return Entry { fresh: true, good: Some(good), ..self.bad(None) };
        }
        let Some(file) = ZoneFile::load(self.path, self.common.config, diagnostics) else {
            return self.bad(None);
        };
        // Also of a file with errors: what was read may hold more of them.
        match from_toml(&file, self.common, diagnostics) {
            Some(good) => {
                Entry { apex: file.apex, named: true, fresh: true, good: Some(good), ..self.bad(None) }
            }
            None => self.bad(Some(file.apex)),
        }
    }

    /// A file that is bad is of the zone it was of before, else of the one it names, else of the one its own name says. That one's last good
    /// version is served.
    fn bad(&self, named: Option<OwnedName>) -> Entry {
        let before = self.before.filter(|before| before.named).map(|before| before.apex.clone());
        let is_named = before.is_some();
        let apex = before.or(named).unwrap_or_else(|| self.apex.clone());
        let good = self.common.last.get(&apex.as_name()).map(|good| Good::clone(good));
        Entry {
            path: self.path.to_owned(),
            apex,
            named: is_named,
            settled: None,
            fresh: false,
            good,
            doubled: false,
            held: None,
        }
    }
}

/// Makes the zone and its policy, and runs its tests.
fn from_toml(file: &ZoneFile, common: &Common<'_>, diagnostics: &mut Diagnostics) -> Option<Good> {
    let last = common.last.get(&file.apex.as_name());
    let compile =
        |diagnostics: &mut Diagnostics| Policy::compile(file, Some(common.geo), common.sections, diagnostics);
    let (mut policy, ids) = compile(diagnostics);
    if let Some(before) = last.and_then(|good| good.steering.as_ref()) {
        policy.resume(&before.policy);
    }
    let steering = (!file.steered.is_empty()).then(|| Steering::new(policy));
    let build = |serial, diagnostics: &mut Diagnostics| {
        zone::from_file(file, |steered| ids.get(steered).copied().flatten(), serial, diagnostics)
    };
    let last_serial = last.map(|good| good.zone.serial());
    let zone = match last_serial {
        // An automatic serial moves only when something else does.
        Some(serial) if file.soa.serial.is_none() => {
            let same = build(serial, diagnostics)?;
            if last.is_some_and(|good| equal(&good.zone, &same)) {
                same
            } else {
                build(next_serial(diagnostics, Some(serial)), &mut Diagnostics::default())?
            }
        }
        _ => build(next_serial(diagnostics, None), diagnostics)?,
    };
    if diagnostics.has_errors() {
        return None;
    }
    let good = Good { zone: Arc::new(zone), steering, watched: watch::members(file, common.config).into() };
    expect::run(file, &good, || compile(&mut Diagnostics::default()).0, diagnostics);
    // A version that fails its tests does not replace one that serves; at start there is none, and a test may be what is wrong.
    Some(good).filter(|_| last.is_none() || !diagnostics.has_errors())
}

/// The later of the last serial and one, and the time of the newest file (RFC 1982: one step is always forward).
fn next_serial(diagnostics: &Diagnostics, last: Option<u32>) -> u32 {
    let modified = |path: &std::path::Path| path.metadata().ok()?.modified().ok();
    let newest = diagnostics.files().filter_map(modified).max();
    let since = newest.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let time = since.map_or_else(clock::unix_secs, |since| since.as_secs()) as u32;
    match last {
        Some(last) if (time.wrapping_sub(last) as i32) <= 0 => last.wrapping_add(1),
        _ => time,
    }
}

/// Whether two versions of a zone have the same names and data.
fn equal(a: &Zone, b: &Zone) -> bool {
    let octets = |zone: &Zone| {
        let mut nodes = Vec::new();
        zone.for_each(|node| nodes.push(node.clone()));
        nodes
    };
    a.record_count() == b.record_count() && octets(a) == octets(b)
}
