//! The control socket's file: made with mode 0600, and removed when the daemon ends.

use std::fmt;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
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
        f.write_str("no control socket, `waymark ctl` cannot be used:")?;
        for (i, (path, error)) in self.0.iter().enumerate() {
            write!(f, "{} {}: {error}", if i > 0 { ";" } else { "" }, path.display())?;
            if error.kind() == io::ErrorKind::PermissionDenied {
                f.write_str(": set control.socket to a path this user may write to")?;
            }
        }
        Ok(())
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
    ///
    /// # Errors
    /// When it cannot be registered with the runtime.
    pub fn listener(&self) -> io::Result<tokio::net::UnixListener> {
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

/// Octets of a path: the system takes 107, and the name under which the socket is made first is longer than its own.
const PATH_MAX: usize = 90;

fn bind(path: &Path) -> io::Result<UnixListener> {
    let refuse = |why| Err(io::Error::new(io::ErrorKind::AddrInUse, why));
    if path.as_os_str().len() > PATH_MAX {
        return refuse("the path is too long for a socket, which may have 90 octets: name a shorter one");
    }
    if UnixStream::connect(path).is_ok() {
        return refuse("another daemon answers there: stop it, or give each a control.socket of its own");
    }
    match path.symlink_metadata() {
        Ok(there) if there.is_dir() => return refuse("a directory is there: name a file in it"),
        Ok(there) if !there.file_type().is_socket() => {
            return refuse("a file that is no socket is there: name another path");
        }
        _ => (),
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
    fn a_path_that_cannot_be_a_socket_is_told_with_the_cure_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "precious").unwrap();
        for (path, told) in [
            (directory.path().to_owned(), "name a file in it"),
            (file.clone(), "name another path"),
            (directory.path().join("x".repeat(100)), "name a shorter one"),
        ] {
            let error = ControlSocket::bind(&[path]).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), "precious");
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
