//! The HTTP side of control.

use super::anchors::{self, Trusted};
use super::explain::{Asked, Explainer, Others};
use super::health;
use super::learnt::{self, Learnt};
use crate::cache::Selection;
use crate::limits;
use crate::net::Checks;
use http_body_util::{Either, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// What the daemon is asked to do; it answers through the sender.
#[derive(Debug)]
pub enum Command {
    /// Say how it is: JSON.
    Status(oneshot::Sender<String>),
    /// Read config and zones again: what came of it as text, and whether all is well.
    Reload(oneshot::Sender<(bool, String)>),
    /// Give what explaining needs.
    Explainer(oneshot::Sender<Explainer>),
    /// Give what was learnt; none when nothing is resolved.
    Learnt(oneshot::Sender<Option<Learnt>>),
    /// Give what is trusted; none when nothing is resolved.
    Trusted(oneshot::Sender<Option<Trusted>>),
    /// Write what trust has become; it is written when the answer comes.
    TendTrust(oneshot::Sender<()>),
}

/// Makes the text of `/metrics`.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Serves `/metrics`, `/health`, `/explain` and `/push` until the task is dropped.
pub async fn serve_http(
    listener: tokio::net::TcpListener,
    metrics: Metrics,
    commands: mpsc::Sender<Command>,
    checks: Arc<Checks>,
) {
    accept_loop(
        limits::CONTROL_EXCHANGE,
        || async { listener.accept().await.map(|(stream, _)| stream) },
        move |request| {
            let (metrics, commands, checks) = (Arc::clone(&metrics), commands.clone(), Arc::clone(&checks));
            async move {
                match (request.method(), request.uri().path()) {
                    (&Method::GET, "/metrics") => respond(StatusCode::OK, OPENMETRICS, metrics()),
                    (&Method::GET, "/health") => health(&request, &checks),
                    (&Method::GET, "/health/history") => value(&health::history(&checks)),
                    (&Method::GET, "/explain") => explain(&request, &commands, Others::Untold).await,
                    (&Method::POST, "/push") => push(&request, &checks),
                    (_, "/metrics" | "/health" | "/health/history" | "/explain") => {
                        respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".into())
                    }
                    (_, "/push") => respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only POST\n".into()),
                    _ => respond(StatusCode::NOT_FOUND, TEXT, HTTP_PATHS.into()),
                }
            }
        },
    )
    .await;
}

/// What is there over HTTP, for who asks for something else.
const HTTP_PATHS: &str = "GET /metrics, GET /health?pattern=POOL/MEMBER, GET /health/history, \
     GET /explain?name=NAME&type=TYPE&from=PREFIX (of own zones) and \
     POST /push?address=IP&state=up|down&load=N&ttl=SECONDS&why=TEXT (Authorization: Bearer TOKEN) are here\n";

/// Members and overrides.
fn health(request: &Request<Incoming>, checks: &Checks) -> Response<Page> {
    match health::pattern(request.uri().query()) {
        Ok(pattern) => value(&health::list(checks, pattern.as_deref())),
        Err(why) => bad(&why),
    }
}

/// An endpoint's report of itself.
fn push(request: &Request<Incoming>, checks: &Checks) -> Response<Page> {
    let field = request.headers().get(AUTHORIZATION).and_then(|field| field.to_str().ok());
    let (scheme, token) = field.and_then(|field| field.split_once(' ')).unwrap_or_default();
    // RFC 9110 §11.1.
    if !scheme.eq_ignore_ascii_case("bearer") {
        let text = "a report needs its token: Authorization: Bearer TOKEN\n";
        return respond(StatusCode::UNAUTHORIZED, TEXT, text.into());
    }
    match health::report(checks, token.trim(), request.uri().query()) {
        Ok(()) => respond(StatusCode::OK, TEXT, "noted\n".into()),
        Err((false, why)) => bad(&why),
        Err((true, why)) => respond(StatusCode::FORBIDDEN, TEXT, format!("{why}\n")),
    }
}

/// What was done, or why not.
fn done(result: Result<serde_json::Value, String>) -> Response<Page> {
    result.map_or_else(|why| bad(&why), |done| value(&done))
}

/// Serves the control socket until the task is dropped.
pub async fn serve_socket(
    listener: tokio::net::UnixListener,
    commands: mpsc::Sender<Command>,
    checks: Arc<Checks>,
) {
    accept_loop(
        limits::CONTROL_COMMAND,
        || async { listener.accept().await.map(|(stream, _)| stream) },
        move |request| {
            let (commands, checks) = (commands.clone(), Arc::clone(&checks));
            async move {
                let query = request.uri().query();
                match (request.method(), request.uri().path()) {
                    (&Method::GET, "/health") => health(&request, &checks),
                    (&Method::GET, "/health/history") => value(&health::history(&checks)),
                    (&Method::POST, path @ ("/health/override" | "/health/lift")) => {
                        let said = match path {
                            "/health/lift" => health::lift(&checks, query),
                            _ => health::hold(&checks, query),
                        };
                        if said.is_ok() {
                            checks.kept().await;
                        }
                        done(said)
                    }
                    _ => command(&request, &commands).await,
                }
            }
        },
    )
    .await;
}

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const JSON: &str = "application/json";
const JSON_LINES: &str = "application/x-ndjson";
const TEXT: &str = "text/plain; charset=utf-8";

/// What the control socket has, for who asks for something else.
const PATHS: &str = "GET /status, POST /reload, POST /cache/flush?name=NAME&type=TYPE|below=NAME|all, GET /cache, GET /inflight, GET /servers, \
     GET /anchors, POST /anchors/add-negative?name=NAME&seconds=N&why=TEXT, POST /anchors/remove-negative?name=NAME, \
     GET /health?pattern=POOL/MEMBER, GET /health/history, POST /health/override?kind=drain|down|up&pattern=POOL/MEMBER&seconds=N&why=TEXT, \
     POST /health/lift?pattern=POOL/MEMBER, GET /explain?name=NAME&type=TYPE&from=PREFIX (POST: resolved anew) are here\n";

/// Carries out a request of the control socket.
async fn command(request: &Request<Incoming>, commands: &mpsc::Sender<Command>) -> Response<Page> {
    let answer = match (request.method(), request.uri().path()) {
        (&Method::GET, "/status") => {
            ask(commands, Command::Status).await.map(|status| respond(StatusCode::OK, JSON, status))
        }
        (&Method::POST, "/reload") => ask(commands, Command::Reload).await.map(|(ok, text)| {
            respond(if ok { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }, TEXT, text)
        }),
        (&Method::POST, "/cache/flush") => match learnt::select(request.uri().query()) {
            Ok(Some(selection)) => flush(commands, selection).await,
            Ok(None) => Some(bad("say what: name=NAME, name=NAME&type=TYPE, below=NAME or all")),
            Err(why) => Some(bad(&why)),
        },
        (&Method::GET, "/cache") => match learnt::select(request.uri().query()) {
            Ok(selection) => list(commands, selection.unwrap_or(Selection::All)).await,
            Err(why) => Some(bad(&why)),
        },
        (&Method::GET, "/explain") => Some(explain(request, commands, Others::Known).await),
        (&Method::POST, "/explain") => Some(explain(request, commands, Others::Fresh).await),
        (&Method::GET, "/anchors") => ask(commands, Command::Trusted)
            .await
            .map(|trusted| trusted.map_or_else(nothing_learnt, |trusted| value(&trusted.list()))),
        (&Method::POST, path @ ("/anchors/add-negative" | "/anchors/remove-negative")) => {
            match anchors::change(request.uri().query(), path == "/anchors/add-negative") {
                Ok(change) => change_anchors(commands, change).await,
                Err(why) => Some(bad(&why)),
            }
        }
        (&Method::GET, "/inflight") => match ask(commands, Command::Explainer).await {
            Some(explainer) => Some(value(&explainer.in_flight().await)),
            None => None,
        },
        (&Method::GET, "/servers") => ask(commands, Command::Explainer).await.map(|e| value(&e.servers())),
        _ => Some(respond(StatusCode::NOT_FOUND, TEXT, PATHS.into())),
    };
    answer.unwrap_or_else(stopping)
}

/// For who asks a daemon that ends.
fn stopping() -> Response<Page> {
    respond(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the daemon is stopping: ask the next one\n".into())
}

/// Has the daemon answer a command; none when it is stopping.
async fn ask<R>(
    commands: &mpsc::Sender<Command>,
    command: impl FnOnce(oneshot::Sender<R>) -> Command,
) -> Option<R> {
    let (reply, answer) = oneshot::channel();
    commands.send(command(reply)).await.ok()?;
    answer.await.ok()
}

/// Explains an answer.
async fn explain(
    request: &Request<Incoming>,
    commands: &mpsc::Sender<Command>,
    others: Others,
) -> Response<Page> {
    let asked = match Asked::of(request.uri().query()) {
        Ok(asked) => asked,
        Err(why) => return bad(&why),
    };
    match ask(commands, Command::Explainer).await {
        Some(explainer) => value(&explainer.explain(&asked, others).await),
        None => stopping(),
    }
}

fn value(value: &serde_json::Value) -> Response<Page> {
    respond(StatusCode::OK, JSON, value.to_string())
}

async fn flush(commands: &mpsc::Sender<Command>, selection: Selection) -> Option<Response<Page>> {
    let Some(learnt) = ask(commands, Command::Learnt).await? else { return Some(nothing_learnt()) };
    let flushed = tokio::task::spawn_blocking(move || learnt.flush(&selection)).await.ok()?;
    Some(respond(StatusCode::OK, JSON, format!("{{\"flushed\":{flushed}}}")))
}

/// Sets or removes a negative trust anchor. Nothing is left of what was learnt under it, or without it.
async fn change_anchors(commands: &mpsc::Sender<Command>, change: anchors::Change) -> Option<Response<Page>> {
    let Some(trusted) = ask(commands, Command::Trusted).await? else { return Some(nothing_learnt()) };
    let flushed = match tokio::task::spawn_blocking(move || trusted.change(change)).await.ok()? {
        Ok(flushed) => flushed,
        Err(error) => return Some(respond(StatusCode::CONFLICT, TEXT, format!("{error}\n"))),
    };
    ask(commands, Command::TendTrust).await?;
    Some(respond(StatusCode::OK, JSON, format!("{{\"flushed\":{flushed}}}")))
}

/// Lists entries as they are found: how many they are does not matter.
async fn list(commands: &mpsc::Sender<Command>, selection: Selection) -> Option<Response<Page>> {
    let Some(learnt) = ask(commands, Command::Learnt).await? else { return Some(nothing_learnt()) };
    let (sender, pieces) = mpsc::channel(limits::CONTROL_PIECES);
    tokio::task::spawn_blocking(move || {
        learnt.list(&selection, |piece| sender.blocking_send(piece.into()).is_ok())
    });
    Some(typed(StatusCode::OK, JSON_LINES, Either::Right(Pieces(pieces))))
}

fn nothing_learnt() -> Response<Page> {
    let text = "nothing is resolved here, so there is no cache and no trust: resolver.enabled is false\n";
    respond(StatusCode::CONFLICT, TEXT, text.into())
}

fn bad(why: &str) -> Response<Page> {
    respond(StatusCode::BAD_REQUEST, TEXT, format!("{why}\n"))
}

/// A body: text at hand, or pieces as they are made.
type Page = Either<Full<Bytes>, Pieces>;

/// See [`Page`].
struct Pieces(mpsc::Receiver<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Page> {
    typed(status, content_type, Either::Left(Full::new(Bytes::from(body))))
}

fn typed(status: StatusCode, content_type: &'static str, page: Page) -> Response<Page> {
    let mut response = Response::new(page);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Accepts and serves connections, a bounded number at a time, each for one request and `longest` at the most.
async fn accept_loop<S, A, H, R>(longest: Duration, mut accept: impl FnMut() -> A, handle: H)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    A: Future<Output = io::Result<S>>,
    H: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Page>> + Send + 'static,
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
                // Those who would keep it would keep others out.
                .keep_alive(false)
                .header_read_timeout(limits::CONTROL_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            // A client that breaks off is no matter of ours.
            let _ = tokio::time::timeout(longest, served).await;
            drop(slot);
        });
    }
}
