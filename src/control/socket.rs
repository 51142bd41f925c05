//! The control socket's file: made with mode 0600, and removed when the daemon ends.

use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A bound control socket. Its file vanishes with it.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

/// Why none of the paths could be bound.
#[derive(Debug)]
pub struct SocketError(Vec<(PathBuf, io::Error)>);

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no control socket:")?;
        for (path, error) in &self.0 {
            write!(f, " {}: {error};", path.display())?;
        }
        f.write_str(" set control.socket to a path this user may write to")
    }
}

impl std::error::Error for SocketError {}

impl ControlSocket {
    /// Binds the first of the paths that can be. A file that a dead daemon left is replaced, one that answers is not.
    pub fn bind(paths: &[PathBuf]) -> Result<ControlSocket, SocketError> {
        let mut errors = Vec::new();
        for path in paths {
            match bind(path) {
                Ok(listener) => return Ok(ControlSocket { listener, path: path.clone() }),
                Err(error) => errors.push((path.clone(), error)),
            }
        }
        Err(SocketError(errors))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The listener for a tokio runtime: to be called within one.
    pub(super) fn listener(&self) -> io::Result<tokio::net::UnixListener> {
        let listener = self.listener.try_clone()?;
        listener.set_nonblocking(true)?;
        tokio::net::UnixListener::from_std(listener)
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Nothing is left to do about a file that cannot be removed; the next start replaces it.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another daemon answers there"));
    }
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    // The socket is bound under a name of its own and moved into place once its mode is right: at no time can others open it.
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    let _ = std::fs::remove_file(&fresh);
    let listener = UnixListener::bind(&fresh)?;
    let placed = std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))
        .and_then(|()| std::fs::rename(&fresh, path));
    if placed.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
    placed.map(|()| listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_path_that_can_be_bound_is_for_its_owner_only_and_goes_away() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        let (bad, good) = (file.join("control.sock"), directory.path().join("run/control.sock"));
        let socket = ControlSocket::bind(&[bad.clone(), good.clone()]).unwrap();
        assert_eq!(socket.path(), good);
        assert_eq!(std::fs::metadata(&good).unwrap().permissions().mode() & 0o777, 0o600);
        let second = ControlSocket::bind(&[bad, good.clone()]).unwrap_err().to_string();
        assert!(second.contains("another daemon answers there"), "{second}");
        drop(socket);
        assert!(!good.exists());
    }

    #[test]
    fn a_file_that_a_dead_daemon_left_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        ControlSocket::bind(&[path]).unwrap();
    }
}
