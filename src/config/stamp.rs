//! Whether files are still those that were read.

use rustix::fs::{AtFlags, CWD, OFlags, Statx, StatxFlags, statx};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What tells a version of a file from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    device: (u32, u32),
    file: u64,
    len: u64,
    modified: (i64, u32),
    /// Unlike the time before, this one is nobody's to set.
    changed: (i64, u32),
}

impl Stamp {
    /// Of the file at a path; none for one that is not there. What a client of NFS remembers of it may be a minute old.
    pub fn of(path: &Path) -> Option<Stamp> {
        Stamp::look(path, AtFlags::empty())
    }

    /// The same, as its server has it now if it is elsewhere.
    fn of_now(path: &Path) -> Option<Stamp> {
        Stamp::look(path, AtFlags::STATX_FORCE_SYNC)
    }

    fn look(path: &Path, flags: AtFlags) -> Option<Stamp> {
        statx(CWD, path, flags, StatxFlags::BASIC_STATS).ok().map(|found| Stamp::from_statx(&found))
    }

    /// Of a file that is open, whatever its path leads to by now.
    fn of_open(file: &File) -> io::Result<Stamp> {
        let found = statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
        Ok(Stamp::from_statx(&found))
    }

    fn from_statx(found: &Statx) -> Stamp {
        Stamp {
            device: (found.stx_dev_major, found.stx_dev_minor),
            file: found.stx_ino,
            len: found.stx_size,
            modified: (found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec),
            changed: (found.stx_ctime.tv_sec, found.stx_ctime.tv_nsec),
        }
    }
}

/// Reads a regular file whole, and says which version of it that is. Reading a pipe or a device might never end.
///
/// # Errors
/// When it cannot be read, or is no regular file, or has more than `most` octets.
pub fn read_regular(path: &Path, most: u64) -> io::Result<(Vec<u8>, Stamp)> {
    // Opening a pipe would wait for who writes to it.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if found.len() > most {
        return Err(io::Error::other(format!("it has more than {most} octets")));
    }
    let stamp = Stamp::of_open(&file)?;
    let mut octets = Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default());
    file.read_to_end(&mut octets)?;
    Ok((octets, stamp))
}

/// The versions of some files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamps(Vec<(PathBuf, Option<Stamp>)>);

impl Stamps {
    /// Adds a file in the version that was read.
    pub fn add(&mut self, path: PathBuf, stamp: Stamp) {
        self.0.push((path, Some(stamp)));
    }

    /// Whether the files are still so.
    pub fn hold(&self) -> bool {
        self.0.iter().all(|(path, stamp)| Stamp::of_now(path) == *stamp)
    }

    /// Whether there are all of them, unchanged from some time before `unix` (seconds) on. A file that changes once more within a moment
    /// may look the same: who began to read it later than that will not take a new version for the one it read.
    pub fn held_before(&self, unix: u64) -> bool {
        let before = |stamp: &Stamp| stamp.changed.0 + MOMENT <= unix.cast_signed();
        self.0.iter().all(|(_, stamp)| stamp.as_ref().is_some_and(before))
    }
}

/// Seconds that the coarsest file systems round times to.
const MOMENT: i64 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_was_read_is_told_from_what_its_path_leads_to_now() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in ["one", "two"] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("file"), name).unwrap();
        }
        symlink(at("one"), at("link")).unwrap();
        let (octets, stamp) = read_regular(&at("link/file"), 3).unwrap();
        assert_eq!((&octets[..], Stamp::of(&at("link/file"))), (&b"one"[..], Some(stamp)));
        // Between reading and looking, to one as old.
        fs::remove_file(at("link")).unwrap();
        symlink(at("two"), at("link")).unwrap();
        let mut stamps = Stamps::default();
        stamps.add(at("link/file"), stamp);
        assert!(!stamps.hold());
        assert!(read_regular(&at("link/file"), 2).unwrap_err().to_string().contains("more than 2 octets"));
        assert!(read_regular(&at("link"), 9).unwrap_err().to_string().contains("not a regular file"));
    }
}
