//! A connection to an endpoint, through TLS where it is wanted.

use super::means::{Protocols, seconds_left};
use super::{Failure, Means, Note, Reached, Stage, of_socket, own, socket, wrong};
use crate::config::Tls;
use crate::health::Target;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{CertificateError, Error};

/// What is spoken over.
pub(in crate::net) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection that stands.
pub(super) struct Connection {
    pub stream: Box<dyn Stream>,
    /// Whether the server chose HTTP/2.
    pub http2: bool,
    pub note: Note,
}

/// What TLS is done with.
pub(super) struct Wanted<'w> {
    pub tls: Option<&'w Tls>,
    pub protocols: Protocols,
}

/// Connects.
pub(super) async fn connect(
    target: &Target,
    port: u16,
    wanted: &Wanted<'_>,
    means: &Means,
    reached: &Reached,
) -> Result<Connection, Failure> {
    let stream = open(socket(target, port)).await?;
    reached.at(Stage::Connected);
    let Some(tls) = wanted.tls else {
        return Ok(Connection { stream: Box::new(stream), http2: false, note: None });
    };
    Box::pin(secure(target, stream, tls, wanted, means, reached)).await
}

/// Opens a connection.
pub(super) async fn open(address: SocketAddr) -> Result<TcpStream, Failure> {
    let made = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let tcp = made.map_err(|error| own(format!("socket: {error}")))?;
    // Thousands a second are closed by us: none is to stay behind in TIME_WAIT.
    let _ = tcp.set_zero_linger();
    tcp.connect(address).await.map_err(|error| of_socket("connect", &error))
}

async fn secure(
    target: &Target,
    stream: TcpStream,
    tls: &Tls,
    wanted: &Wanted<'_>,
    means: &Means,
    reached: &Reached,
) -> Result<Connection, Failure> {
    let connector = means.connector(tls, wanted.protocols)?;
    let name = match tls.name.as_deref() {
        Some(name) => ServerName::try_from(name.to_owned())
            .map_err(|_| own(format!("{name:?} is no name that TLS can ask for")))?,
        None => ServerName::IpAddress(target.address.into()),
    };
    let stream = connector.connect(name, stream).await.map_err(|error| refused(&error))?;
    reached.at(Stage::Secure);
    let (_, session) = stream.get_ref();
    let http2 = session.alpn_protocol() == Some(b"h2");
    let left = session.peer_certificates().and_then(|chain| chain.first()).and_then(seconds_left);
    let note = match left {
        // Without cert_valid_for one that has expired will do, where it is not verified.
        Some(left) if left.max(0) < tls.valid_for.as_secs() as i64 => {
            let wanted = long(tls.valid_for.as_secs() as i64);
            return Err(wrong(format!("certificate valid for {}, expected {wanted}", long(left))));
        }
        Some(left) if left < 0 => Some(format!("certificate expired {} ago", long(-left))),
        left => left.map(|left| format!("certificate valid for {}", long(left))),
    };
    Ok(Connection { stream: Box::new(stream), http2, note })
}

/// A time as people count what is left of a certificate: in days and hours, at the end in hours.
fn long(seconds: i64) -> String {
    match seconds / 3_600 {
        hours if hours.abs() < 72 => format!("{hours} hours"),
        hours if hours % 24 == 0 => format!("{} days", hours / 24),
        hours => format!("{} days {} h", hours / 24, hours.abs() % 24),
    }
}

/// Why TLS does not stand.
fn refused(error: &std::io::Error) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(why)) => wrong(match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has expired".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("the certificate is for another name: {why}")
            }
            CertificateError::UnknownIssuer => {
                "the certificate is signed by an authority that is not trusted here".to_owned()
            }
            // Of what it does not name itself the library tells the name of its own error.
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
                "the certificate is that of an authority (CA:TRUE), not of a server".to_owned()
            }
            why => format!("the certificate is not valid: {why}"),
        }),
        Some(error) => wrong(format!("TLS: {error}")),
        None => of_socket("TLS", error),
    }
}

/// TLS over a stream, with a certificate that must be valid for the name.
pub(super) async fn over_tls(
    name: &str,
    stream: TcpStream,
    means: &Means,
) -> Result<Box<dyn Stream>, Failure> {
    let tls = Tls { name: None, verify: true, ca: None, valid_for: Duration::ZERO };
    let connector = means.connector(&tls, Protocols::None)?;
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| own(format!("{name:?} is no name that TLS can ask for")))?;
    let stream = connector.connect(name, stream).await.map_err(|error| refused(&error))?;
    Ok(Box::new(stream))
}
