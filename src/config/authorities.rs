//! The file of `ca`.

use super::{Stamp, read_regular};
use std::path::Path;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// The authorities of a PEM file, and which version of it has them.
///
/// # Errors
/// One line that names the file: when it cannot be read, or has no certificate, or one that is none.
pub fn authorities(path: &Path) -> Result<(RootCertStore, Stamp), String> {
    let told = |why: String| format!("{}: {why}", path.display());
    let (octets, stamp) = read_regular(path, u64::MAX).map_err(|error| told(error.to_string()))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&octets) {
        let certificate = certificate.map_err(|error| told(error.to_string()))?;
        store.add(certificate).map_err(|error| told(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(told("there is no certificate in it".into()));
    }
    Ok((store, stamp))
}
