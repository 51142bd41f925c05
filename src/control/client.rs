//! The client side: `waymark ctl`.

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::path::PathBuf;
use tokio::net::UnixStream;

/// Why no daemon answered.
#[derive(Debug)]
pub enum CallError {
    /// Nothing listens on any of the paths.
    NoDaemon(Vec<(PathBuf, std::io::Error)>),
    /// It hung up.
    Broken(hyper::Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::NoDaemon(tried) => {
                f.write_str("no daemon answers: is `waymark serve` running with this config?")?;
                for (i, (path, error)) in tried.iter().enumerate() {
                    write!(f, "{} {}: {error}", if i > 0 { ";" } else { "" }, path.display())?;
                }
                Ok(())
            }
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

/// Sends a request to the first of the sockets that answers. Returns whether it succeeded, and the text that came back.
pub async fn call(sockets: &[PathBuf], method: Method, path: &str) -> Result<(bool, String), CallError> {
    let mut tried = Vec::new();
    for socket in sockets {
        match UnixStream::connect(socket).await {
            Ok(stream) => return request(stream, method, path).await,
            Err(error) => tried.push((socket.clone(), error)),
        }
    }
    Err(CallError::NoDaemon(tried))
}

async fn request(stream: UnixStream, method: Method, path: &str) -> Result<(bool, String), CallError> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap_or_default();
    let response = sender.send_request(request).await?;
    let ok = response.status().is_success();
    let body = response.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok((ok, String::from_utf8_lossy(&body).into_owned()))
}
