//! Files of geographic data as they change under a running daemon.

use super::{Entry, Loaded, Loader};
use crate::config::{Config, Diagnostics, Stamp};
use crate::steer::{Geo, Steering};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files, and which versions of them are known.
#[derive(Default)]
pub(super) struct Files(Vec<File>);

struct File {
    path: PathBuf,
    /// The version that was loaded, or could not be.
    loaded: Option<Stamp>,
    /// The version that was seen last.
    seen: Option<Stamp>,
    /// Whether it was the same the time before: it is not being written.
    is_still: bool,
}

impl Files {
    /// Those of a config, loaded as they are now.
    pub fn of(config: &Config) -> Files {
        let file = |path: &Path| {
            let now = Stamp::of(path);
            File { path: path.to_owned(), loaded: now, seen: now, is_still: true }
        };
        Files(config.geo.files().map(file).collect())
    }

    /// Notes how they are now; says whether one that is still is another than was loaded.
    fn see(&mut self, now: &[(PathBuf, Option<Stamp>)]) -> bool {
        for file in &mut self.0 {
            if let Some((_, stamp)) = now.iter().find(|(path, _)| *path == file.path) {
                file.is_still = file.seen == *stamp;
                file.seen = *stamp;
            }
        }
        self.0.iter().any(|file| file.is_still && file.seen != file.loaded)
    }

    fn take(&mut self) {
        self.0.iter_mut().filter(|file| file.is_still).for_each(|file| file.loaded = file.seen);
    }
}

impl Loader {
    /// Notes how files of geographic data are now. Says whether one of them is new, and still: [`Loader::geo_opener`] opens it.
    pub fn see_geo(&mut self, now: &[(PathBuf, Option<Stamp>)]) -> bool {
        self.files.see(now)
    }

    /// Of how many files of geographic data the last version was refused.
    pub fn geo_refused(&self) -> usize {
        self.geo_refused
    }

    /// What opens the files of geographic data that have changed, which takes long and needs nothing of this. They are known from now on: one
    /// that changes meanwhile is new again.
    pub fn geo_opener(&mut self, config: &Config) -> impl FnOnce() -> (Geo, Diagnostics) + Send + use<> {
        let (config, before) = (config.geo.clone(), Arc::clone(&self.geo));
        let moving = self.files.0.iter().filter(|file| !file.is_still);
        let moving: Vec<PathBuf> = moving.map(|file| file.path.clone()).collect();
        self.files.take();
        move || {
            let mut diagnostics = Diagnostics::default();
            let is_still = |path: &Path| !moving.iter().any(|moving| moving == path);
            let geo = Geo::open(&config, Some(&before), is_still, &mut diagnostics);
            (geo, diagnostics)
        }
    }

    /// Takes up what was opened. Zones stay as they were read; their routes decide by the new data. None when that says nothing new.
    pub fn swap_geo(&mut self, geo: Geo, config: &Config) -> Option<Loaded> {
        self.geo_refused = geo.refused;
        let taken = self.take_geo(Arc::new(geo), config);
        taken.then(|| self.give())
    }

    /// Takes geographic data, if it is not what there is, also for routes of zones that were read before.
    pub(super) fn take_geo(&mut self, files: Arc<Geo>, config: &Config) -> bool {
        // Zones whose networks say no more than those of the config have this one in common.
        let geo = Geo::with_networks(Some(&files), &config.networks).unwrap_or(files);
        if geo.is_same(&self.geo) {
            return false;
        }
        self.geo = geo;
        for Entry { good, .. } in &mut self.entries {
            let Some(Steering { policy, .. }) = good.as_mut().and_then(|good| good.steering.as_mut()) else {
                continue;
            };
            if let Some(over) = policy.over(&self.geo, &self.sections) {
                *policy = Arc::new(over);
            }
        }
        self.sections.forget_unused();
        // The next load runs the tests of zones by it, and tells what there is to tell.
        self.unsettle();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_stand_still_keeps_no_other_from_being_taken() {
        let directory = tempfile::tempdir().unwrap();
        let paths = ["still", "moving"].map(|name| directory.path().join(name));
        let write = |path: &PathBuf, text: &str| std::fs::write(path, text).unwrap();
        let now = || {
            paths.clone().map(|path| {
                let stamp = Stamp::of(&path);
                (path, stamp)
            })
        };
        paths.iter().for_each(|path| write(path, "one"));
        let loaded = |path: &PathBuf| {
            let stamp = Stamp::of(path);
            File { path: path.clone(), loaded: stamp, seen: stamp, is_still: true }
        };
        let mut files = Files(paths.iter().map(loaded).collect());
        assert!(!files.see(&now()));
        write(&paths[0], "another");
        let mut taken = Vec::new();
        for round in 0..4 {
            write(&paths[1], &"x".repeat(round + 4));
            if files.see(&now()) {
                taken.push((round, [0, 1].map(|i| files.0[i].is_still)));
                files.take();
            }
        }
        assert_eq!(taken, [(1, [true, false])], "one of which it is known that it is whole");
        assert!(files.see(&now()), "now the other is still");
        files.take();
        std::fs::remove_file(&paths[1]).unwrap();
        assert_eq!([files.see(&now()), files.see(&now())], [false, true], "one that is gone is a change");
        files.take();
        assert!(!files.see(&now()));
    }
}
