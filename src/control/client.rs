//! The client side: `waymark ctl`.

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use tokio::net::UnixStream;

/// Why the daemon did not do what it was asked.
#[derive(Debug)]
pub enum CallError {
    /// It said why.
    Refused(String),
    /// Nothing listens on any of the paths.
    NoDaemon(Vec<(PathBuf, std::io::Error)>),
    /// It cannot be asked, for want of means of our own.
    NoMeans(std::io::Error),
    /// It hung up.
    Broken(hyper::Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Refused(why) => f.write_str(why),
            CallError::NoDaemon(tried) => {
                f.write_str("no daemon answers: is `waymark serve` running with this config?")?;
                for (i, (path, error)) in tried.iter().enumerate() {
                    write!(f, "{} {}: {error}", if i > 0 { ";" } else { "" }, path.display())?;
                }
                Ok(())
            }
            CallError::NoMeans(error) => write!(f, "the daemon cannot be asked: {error}"),
            CallError::Broken(error) => write!(f, "the daemon hung up: {error}"),
        }
    }
}

impl std::error::Error for CallError {}

impl From<hyper::Error> for CallError {
    fn from(error: hyper::Error) -> CallError {
        CallError::Broken(error)
    }
}

/// Sends a request to the first of the sockets that answers. Hands on what comes back, piece by piece, until `take` breaks.
///
/// # Errors
/// When no daemon answers, it hangs up, or it refuses.
pub async fn call(
    sockets: &[PathBuf],
    method: Method,
    path: &str,
    take: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<(), CallError> {
    let mut tried = Vec::new();
    for socket in sockets {
        match UnixStream::connect(socket).await {
            Ok(stream) => return request(stream, method, path, take).await,
            Err(error) => tried.push((socket.clone(), error)),
        }
    }
    Err(CallError::NoDaemon(tried))
}

async fn request(
    stream: UnixStream,
    method: Method,
    path: &str,
    mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<(), CallError> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends when its sender and its response are gone.
    tokio::spawn(connection);
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap_or_default();
    let response = sender.send_request(request).await?;
    let ok = response.status().is_success();
    let mut body = response.into_body();
    if !ok {
        let text = body.collect().await?.to_bytes();
        return Err(CallError::Refused(String::from_utf8_lossy(&text).trim_end().to_owned()));
    }
    while let Some(frame) = body.frame().await {
        if frame?.data_ref().is_some_and(|piece| take(piece).is_break()) {
            break;
        }
    }
    Ok(())
}
