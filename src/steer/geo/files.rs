//! Files of geographic data.

use crate::config::read_regular;
use crate::limits;
use std::io;
use std::path::Path;

/// Reads a file of geographic data whole: one that is mapped would change under those who read it.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path.metadata()?.len() > limits::GEO_FILE {
        return Err(io::Error::other(format!("it has more than {} octets", limits::GEO_FILE)));
    }
    read_regular(path)
}
