//! The HTTP side of control.

use crate::limits;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// What the daemon is asked to do; it answers through the sender.
#[derive(Debug)]
pub enum Command {
    /// Say how it is: JSON.
    Status(oneshot::Sender<String>),
    /// Read config and zones again: what came of it as text, and whether all is well.
    Reload(oneshot::Sender<(bool, String)>),
}

/// Makes the text of `/metrics`.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Serves `/metrics` until the task is dropped.
pub async fn serve_metrics(listener: tokio::net::TcpListener, metrics: Metrics) {
    accept_loop(
        || async { listener.accept().await.map(|(stream, _)| stream) },
        move |request| {
            let metrics = Arc::clone(&metrics);
            async move {
                match (request.method(), request.uri().path()) {
                    (&Method::GET, "/metrics") => respond(StatusCode::OK, OPENMETRICS, metrics()),
                    (_, "/metrics") => respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".into()),
                    _ => respond(StatusCode::NOT_FOUND, TEXT, "only /metrics is here\n".into()),
                }
            }
        },
    )
    .await;
}

/// Serves the control socket until the task is dropped.
pub async fn serve_socket(listener: tokio::net::UnixListener, commands: mpsc::Sender<Command>) {
    accept_loop(
        || async { listener.accept().await.map(|(stream, _)| stream) },
        move |request| {
            let commands = commands.clone();
            async move { command(&request, &commands).await }
        },
    )
    .await;
}

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// Carries out a request of the control socket.
async fn command(request: &Request<Incoming>, commands: &mpsc::Sender<Command>) -> Response<Full<Bytes>> {
    let stopping = || respond(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the daemon is stopping\n".into());
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/status") => {
            let (reply, status) = oneshot::channel();
            let sent = commands.send(Command::Status(reply)).await.is_ok();
            match status.await {
                Ok(status) if sent => respond(StatusCode::OK, JSON, status),
                _ => stopping(),
            }
        }
        (&Method::POST, "/reload") => {
            let (reply, outcome) = oneshot::channel();
            let sent = commands.send(Command::Reload(reply)).await.is_ok();
            match outcome.await {
                Ok((true, text)) if sent => respond(StatusCode::OK, TEXT, text),
                Ok((false, text)) if sent => respond(StatusCode::UNPROCESSABLE_ENTITY, TEXT, text),
                _ => stopping(),
            }
        }
        _ => respond(StatusCode::NOT_FOUND, TEXT, "GET /status or POST /reload\n".into()),
    }
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Accepts and serves connections, a bounded number at a time.
async fn accept_loop<S, A, H, R>(mut accept: impl FnMut() -> A, handle: H)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    A: Future<Output = io::Result<S>>,
    H: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(limits::CONTROL_CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let stream = match accept().await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "control connection not accepted");
                // Out of descriptors: give others time to close theirs.
                tokio::time::sleep(limits::ACCEPT_PAUSE).await;
                continue;
            }
        };
        let handle = handle.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let response = handle(request);
                async move { Ok::<_, Infallible>(response.await) }
            });
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits::CONTROL_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            // A client that breaks off is no matter of ours.
            let _ = served.await;
            drop(slot);
        });
    }
}
