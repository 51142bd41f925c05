//! Probes: an endpoint is asked, and what comes of it is told. A probe always ends by its time-out.

mod command;
mod connect;
mod grpc;
mod http;
mod means;
mod ping;
mod query;
mod tcp;

pub(super) use connect::Stream;
pub(super) use http::driven;
pub use means::Means;

use crate::clock;
use crate::config::Probe;
use crate::health::{Failure, Fault, Outcome, Target};
use crate::limits;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// What a probe that succeeded has to say beside that.
type Note = Option<String>;

/// Asks an endpoint, for `timeout` at the most.
pub async fn probe(target: &Target, timeout: Duration, means: &Means) -> Outcome {
    let begun = clock::now();
    // How far it came, for when it comes no further.
    let reached = Reached::default();
    let asked = async {
        // Each in a box of its own: they differ much in size, and tens of thousands may wait.
        match &target.check.probe {
            Probe::Http(http) => Box::pin(http::probe(target, http, means, &reached)).await,
            Probe::Tcp(tcp) => Box::pin(tcp::probe(target, tcp, means, &reached)).await,
            Probe::Dns(dns) => Box::pin(query::probe(target, dns, &reached)).await,
            Probe::Grpc(grpc) => Box::pin(grpc::probe(target, grpc, means, &reached)).await,
            Probe::Ping => Box::pin(ping::probe(target.address)).await,
            Probe::Command(command) => Box::pin(command::probe(target, command, means, &reached)).await,
            // It reports itself: nobody asks it.
            Probe::Push(_) => Err(own("nothing is asked of an endpoint that reports itself")),
        }
    };
    match tokio::time::timeout(timeout, asked).await {
        Ok(Ok(note)) => Outcome::Success { took: clock::now().since(begun), note },
        Ok(Err(failure)) => Outcome::Failure(failure),
        Err(_) => Outcome::Failure(match clock::now().since(begun).saturating_sub(timeout) {
            late if late > limits::PROBE_LATE => {
                own(format!("this machine is too busy to listen: it was {} ms late", late.as_millis()))
            }
            _ => reached.late(timeout),
        }),
    }
}

/// A connection to where a URL is, over TLS for `https`.
///
/// # Errors
/// One line that says why it cannot be had.
pub(super) async fn open_url(url: &hyper::Uri, means: &Means) -> Result<Box<dyn Stream>, String> {
    let host = url.host().ok_or("it has no host")?;
    let secure = url.scheme_str() == Some("https");
    let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
    // IPv6 addresses stand in brackets there.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = tokio::net::TcpStream::connect((bare, port)).await.map_err(|error| error.to_string())?;
    if !secure {
        return Ok(Box::new(stream));
    }
    connect::over_tls(bare, stream, means).await.map_err(|failure| failure.text)
}

/// How far a probe came.
#[derive(Default)]
struct Reached(AtomicU8);

/// What shows that it is the endpoint, and not the network.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Connected = 1,
    Secure,
    Status,
    Started,
    /// It is not asked yet: others are, of which only so many are at one time.
    Queued,
    /// It answered that the answer is too long for a datagram.
    Truncated,
}

impl Reached {
    /// It came so far.
    fn at(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Relaxed);
    }

    fn late(&self, timeout: Duration) -> Failure {
        let seconds = timeout.as_secs_f32();
        let stage = match self.0.load(Ordering::Relaxed) {
            0 => return Failure { kind: Fault::Silence, text: format!("no answer in {seconds} s") },
            1 => "connected",
            2 => "connected over TLS",
            3 => "a status came",
            4 => "it was started",
            5 => {
                let most = limits::PROBE_COMMANDS;
                return own(format!(
                    "for {seconds} s no program of {most} that may run ended: it was not run"
                ));
            }
            _ => "a truncated answer came",
        };
        wrong(format!("{stage}, but no answer in {seconds} s"))
    }
}

/// Something came back, and it is wrong.
fn wrong(text: impl Into<String>) -> Failure {
    Failure { kind: Fault::Endpoint, text: short(text.into()) }
}

/// A text of at most [`limits::PROBE_ERROR`] octets.
fn short(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(limits::PROBE_ERROR));
    text
}

/// What a success has to say, if anything.
fn note(text: impl Into<String>) -> Note {
    let text = short(text.into());
    (!text.is_empty()).then_some(text)
}

/// It could not be asked.
fn own(text: impl Into<String>) -> Failure {
    Failure { kind: Fault::Own, ..wrong(text) }
}

/// Whose fault an error of a socket is.
fn of_socket(what: &str, error: &io::Error) -> Failure {
    use io::ErrorKind as Kind;
    let kind = match error.kind() {
        Kind::TimedOut | Kind::HostUnreachable => Fault::Silence,
        Kind::NetworkUnreachable | Kind::NetworkDown | Kind::AddrNotAvailable => Fault::Own,
        Kind::PermissionDenied | Kind::AddrInUse | Kind::OutOfMemory => Fault::Own,
        // Out of descriptors, of this process or of all.
        _ if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS)) => Fault::Own,
        _ => Fault::Endpoint,
    };
    Failure { kind, ..wrong(format!("{what}: {error}")) }
}

/// Where a target is asked, on its own port or the check's.
fn socket(target: &Target, port: u16) -> SocketAddr {
    SocketAddr::new(target.address, target.port.unwrap_or(port))
}
