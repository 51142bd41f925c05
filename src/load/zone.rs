//! One zone file, TOML or master file.

use super::{Good, Loader, expect, watch};
use crate::clock;
use crate::config::{Config, Diagnostics, Stamps, ZoneFile};
use crate::steer::{Policy, Steering};
use crate::wire::OwnedName;
use crate::zone::{self, Zone};
use std::path::PathBuf;
use std::sync::Arc;

/// A zone file that was found.
pub(super) struct ZoneSource {
    /// The zone's name as the file's name has it.
    pub apex: OwnedName,
    /// The file.
    pub path: PathBuf,
}

/// What came of a zone file.
pub(super) struct ZoneResult {
    /// The zone's name.
    pub apex: OwnedName,
    /// The file.
    pub path: PathBuf,
    /// Whether the name is what the file says; else it is what is known of the file without reading it.
    pub named: bool,
    /// The zone, unless the file is bad.
    pub good: Option<Good>,
    /// Whether it need not be read again.
    pub settled: Option<Arc<Settled>>,
}

/// A zone of which there was nothing to tell. It need not be read again until a file changes.
pub(super) struct Settled {
    /// The zone's name.
    pub apex: OwnedName,
    /// All files it was read from.
    pub files: Stamps,
}

impl ZoneSource {
    /// Loads the file. The loader has the version that is being served.
    pub fn load(&self, config: &Config, loader: &Loader, diagnostics: &mut Diagnostics) -> ZoneResult {
        if self.path.extension().is_some_and(|extension| extension == "zone") {
            let zone = zone::master::load(&self.path, self.apex.as_name(), diagnostics);
            let good =
                zone.map(|zone| Good { zone: Arc::new(zone), steering: None, watched: Arc::default() });
            return ZoneResult { good, ..self.bad(loader, None) };
        }
        let Some(file) = ZoneFile::load(&self.path, config, diagnostics) else {
            return self.bad(loader, None);
        };
        // Also of a file with errors: what was read may hold more of them.
        match from_toml(&file, config, loader, diagnostics) {
            Some(good) => {
                let path = self.path.clone();
                ZoneResult { apex: file.apex, path, named: true, good: Some(good), settled: None }
            }
            None => self.bad(loader, Some(file.apex)),
        }
    }

    /// What was loaded before, unless something has changed since.
    pub fn settled(&self, loader: &Loader) -> Option<ZoneResult> {
        let settled = loader.settled.get(&self.path).filter(|settled| settled.files.hold())?;
        Some(ZoneResult {
            apex: settled.apex.clone(),
            path: self.path.clone(),
            named: loader.apexes.contains_key(&self.path),
            good: Some(loader.good.get(&settled.apex)?.clone()),
            settled: Some(Arc::clone(settled)),
        })
    }

    /// A file that is bad is of the zone it was of before, else of the one it names, else of the one its own name says.
    pub fn bad(&self, loader: &Loader, named: Option<OwnedName>) -> ZoneResult {
        let apex = loader.apexes.get(&self.path).cloned().or(named).unwrap_or_else(|| self.apex.clone());
        ZoneResult { apex, path: self.path.clone(), named: false, good: None, settled: None }
    }
}

/// Makes the zone and its policy, and runs its tests.
fn from_toml(
    file: &ZoneFile,
    config: &Config,
    loader: &Loader,
    diagnostics: &mut Diagnostics,
) -> Option<Good> {
    let last = loader.good.get(&file.apex);
    let compile = |diagnostics: &mut Diagnostics| {
        Policy::compile(file, Some(&loader.geo), &loader.sections, diagnostics)
    };
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
    let good = Good { zone: Arc::new(zone), steering, watched: watch::members(file, config).into() };
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
