//! The health service of gRPC (grpc.health.v1.Health/Check), over HTTP/2. Its two messages have one field each: they are written here.

use super::connect::{Connection, Wanted, connect};
use super::http::{AGENT, ask_2, driven};
use super::means::Protocols;
use super::{Failure, Means, Note, Reached, Stage, socket, wrong};
use crate::config::GrpcProbe;
use crate::health::Target;
use crate::limits;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, TE, USER_AGENT};
use hyper::{Request, Response};

/// Asks how a service is.
pub(super) async fn probe(
    target: &Target,
    grpc: &GrpcProbe,
    means: &Means,
    reached: &Reached,
) -> Result<Note, Failure> {
    let wanted = Wanted { tls: grpc.tls.as_ref(), protocols: Protocols::Http2 };
    let Connection { stream, note, .. } = connect(target, grpc.port, &wanted, means, reached).await?;
    let host = grpc.host.clone().unwrap_or_else(|| socket(target, grpc.port).to_string());
    let scheme = if grpc.tls.is_some() { "https" } else { "http" };
    let request = Request::post(format!("{scheme}://{host}/grpc.health.v1.Health/Check"))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .header(USER_AGENT, AGENT)
        .body(Full::new(Bytes::from(question(&grpc.service))))
        .map_err(|error| wrong(format!("the request cannot be made: {error}")))?;
    let (response, connection) = ask_2(stream, request).await?;
    driven(connection, judge(grpc, response, reached)).await?;
    Ok(note)
}

/// HealthCheckRequest { string service = 1 }, uncompressed and with its length before it.
fn question(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        // The name is at most 127 octets: the config sees to it.
        message.extend([0x0a, service.len() as u8]);
        message.extend(service.as_bytes());
    }
    let mut framed = vec![0];
    framed.extend((message.len() as u32).to_be_bytes());
    framed.extend(message);
    framed
}

async fn judge(
    grpc: &GrpcProbe,
    response: Response<hyper::body::Incoming>,
    reached: &Reached,
) -> Result<(), Failure> {
    reached.at(Stage::Status);
    if !response.status().is_success() {
        return Err(wrong(format!("status {}, expected 200", response.status().as_u16())));
    }
    refused(grpc, response.headers())?;
    let (mut body, mut read) = (response.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| wrong(format!("HTTP: {error}")))?;
        if let Some(trailers) = frame.trailers_ref() {
            refused(grpc, trailers)?;
        }
        if let Some(data) = frame.data_ref() {
            read.extend_from_slice(&data[..data.len().min(limits::PROBE_HEAD - read.len())]);
        }
    }
    match status(&read) {
        Some(1) => Ok(()),
        Some(0) => Err(wrong("UNKNOWN, expected SERVING")),
        Some(2) => Err(wrong("NOT_SERVING, expected SERVING")),
        Some(3) => Err(wrong("SERVICE_UNKNOWN, expected SERVING")),
        _ => Err(wrong("the answer is not a HealthCheckResponse")),
    }
}

/// HealthCheckResponse { ServingStatus status = 1 }.
fn status(framed: &[u8]) -> Option<u8> {
    match framed.get(5..)? {
        [] => Some(0),
        [0x08, status, ..] => Some(*status),
        _ => None,
    }
}

/// What gRPC says of the call itself, in headers or trailers.
fn refused(grpc: &GrpcProbe, fields: &HeaderMap) -> Result<(), Failure> {
    let code = fields.get("grpc-status").and_then(|code| code.to_str().ok());
    match code {
        None | Some("0") => Ok(()),
        Some("5") => {
            Err(wrong(format!("NOT_FOUND: the server does not know the service {:?}", grpc.service)))
        }
        Some("12") => Err(wrong("UNIMPLEMENTED: the server has no health service")),
        Some("14") => Err(wrong("UNAVAILABLE")),
        Some(code) => Err(wrong(format!("grpc-status {code}"))),
    }
}
