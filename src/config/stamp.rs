//! Whether files are still those that were read.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What tells a version of a file from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    file: (u64, u64),
    len: u64,
    modified: (i64, i64),
    /// Unlike the time before, this one is nobody's to set.
    changed: (i64, i64),
}

impl Stamp {
    /// None for a file that is not there.
    pub fn of(path: &Path) -> Option<Stamp> {
        let found = path.metadata().ok()?;
        Some(Stamp {
            file: (found.dev(), found.ino()),
            len: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

/// The versions of some files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamps(Vec<(PathBuf, Option<Stamp>)>);

impl Stamps {
    /// As they are now.
    pub fn of<'p>(files: impl Iterator<Item = &'p Path>) -> Stamps {
        Stamps(files.map(|path| (path.to_owned(), Stamp::of(path))).collect())
    }

    /// Whether the files are still so.
    pub fn hold(&self) -> bool {
        self.0.iter().all(|(path, stamp)| Stamp::of(path) == *stamp)
    }

    /// Whether there are all of them, unchanged from some time before `unix` (seconds) on. Who began to read them then has read these
    /// versions: the times of a file that changes once more within a moment may stay the same.
    pub fn held_before(&self, unix: u64) -> bool {
        let before = |stamp: &Stamp| stamp.changed.0 + MOMENT <= unix.cast_signed();
        self.0.iter().all(|(_, stamp)| stamp.as_ref().is_some_and(before))
    }
}

/// Seconds that the coarsest file systems round times to.
const MOMENT: i64 = 2;
