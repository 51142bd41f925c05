//! What outlives a restart: the files of one directory, for this user only, each written whole or not at all.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A directory that can be written to.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

/// Why none of the directories can be used.
#[derive(Debug)]
pub struct StoreError(Vec<(PathBuf, io::Error)>);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing is kept over a restart:")?;
        for (i, (path, error)) in self.0.iter().enumerate() {
            write!(f, "{} {}: {error}", if i > 0 { ";" } else { "" }, path.display())?;
        }
        f.write_str(": set store.directory to a directory that this user may write to")
    }
}

impl std::error::Error for StoreError {}

impl Store {
    /// Opens the first of the directories that can be used; it is made if it is not there.
    pub fn open(directories: &[PathBuf]) -> Result<Store, StoreError> {
        let mut errors = Vec::new();
        for directory in directories {
            let store = Store { directory: directory.clone() };
            match store.probe() {
                Ok(()) => return Ok(store),
                Err(error) => errors.push((directory.clone(), error)),
            }
        }
        Err(StoreError(errors))
    }

    /// Makes the directory, and a file in it for a moment: at the end it is too late to learn that it cannot be done.
    fn probe(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let fresh = self.fresh("probe");
        let made = create(&fresh);
        let _ = fs::remove_file(&fresh);
        self.remove_unfinished();
        made.map(drop)
    }

    /// Removes what daemons that are gone had begun to write.
    fn remove_unfinished(&self) {
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let writer = name.to_str().and_then(|name| name.strip_suffix(".new")?.rsplit_once('.'));
            let writer = writer.and_then(|(_, id)| id.parse::<u32>().ok());
            if writer.is_some_and(|id| !Path::new(&format!("/proc/{id}")).exists()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where a file of this name is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Where it is while it is being written. Two daemons that share a directory do not write into one file.
    fn fresh(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.{}.new", std::process::id()))
    }

    /// Writes a file with what `fill` gives it. Until all of it is on the disk, what was there before stays.
    ///
    /// # Errors
    /// Those of `fill` and of the disk; then nothing has changed.
    pub fn write<R>(
        &self,
        name: &str,
        fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<R>,
    ) -> io::Result<R> {
        let fresh = self.fresh(name);
        // One that a dead daemon of this number left.
        let _ = fs::remove_file(&fresh);
        let written = write(&fresh, fill).and_then(|result| {
            fs::rename(&fresh, self.path(name))?;
            File::open(&self.directory)?.sync_all()?;
            Ok(result)
        });
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written
    }

    /// Opens a file to be read; none when it is not there.
    ///
    /// # Errors
    /// When it cannot be opened, or is no regular file: reading a pipe might never end.
    pub fn read(&self, name: &str) -> io::Result<Option<File>> {
        let path = self.path(name);
        match path.metadata() {
            Ok(there) if there.is_file() => File::open(&path).map(Some),
            Ok(_) => Err(io::Error::other("not a regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Moves a file out of the way, to be looked at. Returns where it is then; one that was there is gone.
    ///
    /// # Errors
    /// Those of the disk; then it stays.
    pub fn set_aside(&self, name: &str) -> io::Result<PathBuf> {
        let aside = self.path(&format!("{name}.bad"));
        fs::rename(self.path(name), &aside).map(|()| aside)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// When it is there and stays.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn write<R>(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<R>) -> io::Result<R> {
    let mut out = BufWriter::new(create(path)?);
    let result = fill(&mut out)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    fn content(store: &Store, name: &str) -> Option<String> {
        let mut text = String::new();
        store.read(name).unwrap()?.read_to_string(&mut text).unwrap();
        Some(text)
    }

    fn files(store: &Store) -> usize {
        fs::read_dir(&store.directory).unwrap().count()
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all_and_is_its_owners_only() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&[directory.path().join("a/b")]).unwrap();
        assert_eq!((content(&store, "x"), files(&store)), (None, 0));
        assert_eq!(store.write("x", |out| out.write_all(b"first").map(|()| 5)).unwrap(), 5);
        let broken = store.write("x", |out| {
            out.write_all(b"half")?;
            Err::<(), _>(io::Error::other("disk"))
        });
        assert_eq!(broken.unwrap_err().to_string(), "disk");
        assert_eq!((content(&store, "x").unwrap(), files(&store)), ("first".into(), 1));
        store.write("x", |out| out.write_all(b"second")).unwrap();
        assert_eq!((content(&store, "x").unwrap(), files(&store)), ("second".into(), 1));
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(store.path("x")), mode(store.directory.clone())), (0o600, 0o700));
        assert_eq!(store.set_aside("x").unwrap(), store.path("x.bad"));
        assert_eq!((content(&store, "x"), content(&store, "x.bad").unwrap()), (None, "second".into()));
        assert!(store.set_aside("x").is_err());
        store.remove("x.bad").unwrap();
        store.remove("x.bad").unwrap();
        assert_eq!(files(&store), 0);
    }

    #[test]
    fn the_first_directory_that_can_be_used_is_and_no_others_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let (bad, good) = (file.join("x"), directory.path().join("good"));
        assert_eq!(Store::open(&[bad.clone(), good.clone()]).unwrap().directory, good);
        let error = Store::open(std::slice::from_ref(&bad)).unwrap_err().to_string();
        assert!(error.contains(&*bad.to_string_lossy()) && error.contains("set store.directory"), "{error}");
        fs::create_dir(good.join("x")).unwrap();
        assert!(Store::open(&[good]).unwrap().read("x").is_err());
    }
}
