//! Files of geographic data, and whether they have changed.

use crate::config::{GeoConfig, read_regular};
use crate::limits;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What tells a version of a file from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    file: (u64, u64),
    len: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// None for a file that is not there.
    pub fn of(path: &Path) -> Option<Stamp> {
        let found = path.metadata().ok()?;
        let file = (found.dev(), found.ino());
        Some(Stamp { file, len: found.len(), modified: (found.mtime(), found.mtime_nsec()) })
    }
}

/// Reads a file of geographic data whole: one that is mapped would change under those who read it.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path.metadata()?.len() > limits::GEO_FILE {
        return Err(io::Error::other(format!("it has more than {} octets", limits::GEO_FILE)));
    }
    read_regular(path)
}

/// The versions of all files that a config names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamps(Vec<(PathBuf, Option<Stamp>)>);

impl Stamps {
    /// As they are now.
    pub fn of(config: &GeoConfig) -> Stamps {
        let files = config.databases.iter().chain(&config.geofeeds);
        Stamps(files.map(|file| (file.value.clone(), Stamp::of(&file.value))).collect())
    }
}
