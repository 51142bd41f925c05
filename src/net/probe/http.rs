//! HTTP, over TLS or not, in version 1.1 or 2.

use super::connect::{Connection, Stream, Wanted, connect};
use super::means::Protocols;
use super::{Failure, Means, Note, Reached, Stage, socket, wrong};
use crate::config::HttpProbe;
use crate::health::Target;
use crate::limits;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;

/// Who we are.
pub(super) const AGENT: &str = concat!("waymark/", env!("CARGO_PKG_VERSION"), " (health check)");

/// Asks for the path, and looks at status and body.
pub(super) async fn probe(
    target: &Target,
    http: &HttpProbe,
    means: &Means,
    reached: &Reached,
) -> Result<Note, Failure> {
    let protocols = if http.http2 { Protocols::Http2 } else { Protocols::Http };
    let wanted = Wanted { tls: http.tls.as_ref(), protocols };
    let Connection { stream, http2, note } = connect(target, http.port, &wanted, means, reached).await?;
    if http2 || http.http2 {
        let request = request(target, http, true)?;
        let (response, connection) = Box::pin(ask_2(stream, request)).await?;
        driven(connection, judge(http, response, reached)).await?;
    } else {
        let request = request(target, http, false)?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(limits::PROBE_HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error))?;
        let asked = async {
            let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
            judge(http, response, reached).await
        };
        driven(connection, asked).await?;
    }
    Ok(note)
}

/// What comes of `asked` while what drives its connection runs. That may end before all it brought has been read: servers close with their
/// answer, or say that they will.
pub(in crate::net) async fn driven<R>(connection: impl Future, asked: impl Future<Output = R>) -> R {
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        result = &mut asked => result,
        _ = connection => asked.await,
    }
}

/// Sends over HTTP/2; what drives the connection is returned with the response.
pub(super) async fn ask_2<B>(
    stream: Box<dyn Stream>,
    request: Request<B>,
) -> Result<(Response<Incoming>, impl Future<Output = ()>), Failure>
where
    B: hyper::body::Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(limits::PROBE_BODY as u32)
        .initial_connection_window_size(limits::PROBE_BODY as u32)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    let mut connection = Box::pin(connection);
    let mut ended = false;
    let mut response = std::pin::pin!(sender.send_request(request));
    let response = tokio::select! {
        response = &mut response => response,
        _ = &mut connection => {
            ended = true;
            response.await
        }
    };
    let response = response.map_err(|error| failed(&error))?;
    Ok((response, async move {
        if !ended {
            let _ = connection.await;
        }
        drop(sender);
    }))
}

fn request(target: &Target, http: &HttpProbe, http2: bool) -> Result<Request<Empty<Bytes>>, Failure> {
    let address = socket(target, http.port);
    let usual = if http.tls.is_some() { 443 } else { 80 };
    let host = match &http.host {
        Some(host) => host.clone(),
        None if address.port() != usual => address.to_string(),
        None if address.is_ipv6() => format!("[{}]", address.ip()),
        None => address.ip().to_string(),
    };
    let request = Request::builder().method(http.method.as_str()).header(USER_AGENT, AGENT);
    let request = if http2 {
        let scheme = if http.tls.is_some() { "https" } else { "http" };
        request.uri(format!("{scheme}://{host}{}", http.path))
    } else {
        request.uri(http.path.as_str()).header(HOST, host).header(CONNECTION, "close")
    };
    request.body(Empty::new()).map_err(|error| wrong(format!("the request cannot be made: {error}")))
}

/// Whether a response is what it should be.
async fn judge(http: &HttpProbe, response: Response<Incoming>, reached: &Reached) -> Result<(), Failure> {
    reached.at(Stage::Status);
    let status = response.status().as_u16();
    if !http.status.iter().any(|range| range.contains(&status)) {
        return Err(wrong(format!("status {status}, expected {}", statuses(http))));
    }
    let Some(wanted) = &http.body else { return Ok(()) };
    let (mut body, mut read) = (response.into_body(), Vec::new());
    while read.len() < limits::PROBE_BODY {
        let Some(frame) = body.frame().await else { break };
        let frame = frame.map_err(|error| failed(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        // What was looked through need not be again, but for where two pieces meet.
        let from = read.len().saturating_sub(wanted.len());
        read.extend_from_slice(&data[..data.len().min(limits::PROBE_BODY - read.len())]);
        if find(&read[from..], wanted.as_bytes()) {
            return Ok(());
        }
    }
    Err(wrong(format!("{wanted:?} is not in the first {} octets of the body", read.len())))
}

fn statuses(http: &HttpProbe) -> String {
    let text = |range: &std::ops::RangeInclusive<u16>| match (range.start(), range.end()) {
        (a, b) if a == b => a.to_string(),
        (a, b) => format!("{a}-{b}"),
    };
    http.status.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Whether octets hold others.
pub(super) fn find(octets: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || octets.windows(wanted.len()).any(|window| window == wanted)
}

fn failed(error: &hyper::Error) -> Failure {
    // What lies below says more than "connection error".
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    wrong(format!("HTTP: {cause}"))
}
