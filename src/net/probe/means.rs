//! What probes share: TLS as each check wants it.

use super::{Failure, own};
use crate::clock;
use crate::config::{Stamp, Tls, authorities};
use crate::limits;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{ClientConfig, Resumption, WebPkiServerVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::time_provider::TimeProvider;
use tokio_rustls::rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What probes share.
pub struct Means {
    /// The authorities this machine trusts, read when the first check needs them.
    roots: OnceLock<Arc<RootCertStore>>,
    configs: Mutex<HashMap<Key, Arc<ClientConfig>>>,
    /// Programs that may still be started.
    pub(super) commands: Semaphore,
}

impl Default for Means {
    fn default() -> Means {
        Means {
            roots: OnceLock::new(),
            configs: Mutex::default(),
            commands: Semaphore::new(limits::PROBE_COMMANDS),
        }
    }
}

/// What configs of TLS differ in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    verify: bool,
    authorities: Option<PathBuf>,
    /// The version of that file.
    version: Option<Stamp>,
    protocols: Protocols,
}

/// Which protocols a server may choose from (ALPN, RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Protocols {
    /// None is named.
    None,
    /// HTTP/2, or else HTTP/1.1.
    Http,
    /// HTTP/2.
    Http2,
}

impl Means {
    /// How to speak TLS with a server.
    pub(super) fn connector(&self, tls: &Tls, protocols: Protocols) -> Result<TlsConnector, Failure> {
        let version = tls.ca.as_ref().and_then(|path| Stamp::of(path));
        let key = Key { verify: tls.verify, authorities: tls.ca.clone(), version, protocols };
        if let Some(config) = self.configs().get(&key) {
            return Ok(Arc::clone(config).into());
        }
        // Not under the lock: others are not to wait for a file.
        let config = Arc::new(self.config(&key)?);
        let mut configs = self.configs();
        // Those of files that have changed, and of checks that are gone.
        if configs.len() >= limits::PROBE_TLS {
            configs.clear();
        }
        configs.insert(key, Arc::clone(&config));
        Ok(config.into())
    }

    fn configs(&self) -> MutexGuard<'_, HashMap<Key, Arc<ClientConfig>>> {
        self.configs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn config(&self, key: &Key) -> Result<ClientConfig, Failure> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = if key.verify {
            let roots = match &key.authorities {
                Some(path) => Arc::new(authorities(path).map_err(own)?.0),
                None => Arc::clone(self.roots.get_or_init(|| Arc::new(system()))),
            };
            if roots.is_empty() {
                return Err(own(
                    "this machine trusts no authorities: install ca-certificates, or set ca or verify = false",
                ));
            }
            let built = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
            built.map_err(|error| own(format!("TLS: {error}")))?
        } else {
            Arc::new(Anyone(Arc::clone(&provider)))
        };
        let builder = ClientConfig::builder_with_details(provider, Arc::new(Clock))
            .with_safe_default_protocol_versions()
            .map_err(|error| own(format!("TLS: {error}")))?;
        let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        config.alpn_protocols = match key.protocols {
            Protocols::None => Vec::new(),
            Protocols::Http => vec![b"h2".into(), b"http/1.1".into()],
            Protocols::Http2 => vec![b"h2".into()],
        };
        // Each probe sees what a new client sees.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

fn system() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    store
}

/// `verify = false`: any certificate will do, signed by whom it may be.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The time by which certificates are judged.
#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(clock::unix_secs())))
    }
}

/// For how many seconds more a certificate is valid, less than none when it has expired.
pub(super) fn seconds_left(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp() - clock::unix_secs() as i64)
}
