//! The file of `ca`.

use super::read_regular;
use std::path::Path;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// The authorities of a PEM file.
///
/// # Errors
/// One line that names the file: when it cannot be read, or has no certificate, or one that is none.
pub fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let told = |why: String| format!("{}: {why}", path.display());
    let octets = read_regular(path).map_err(|error| told(error.to_string()))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&octets) {
        let certificate = certificate.map_err(|error| told(error.to_string()))?;
        store.add(certificate).map_err(|error| told(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(told("there is no certificate in it".into()));
    }
    Ok(store)
}
