//! Servers that the tests start. Each ends with its test's runtime.

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio_rustls::TlsAcceptor;

/// Accepts connections, and does the same with each.
pub async fn serve<F: Future<Output = ()> + Send + 'static>(
    each: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(each(stream));
        }
    });
    at
}

/// A port at which nobody is any more.
pub async fn killed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Takes connections and says nothing.
pub async fn hung() -> SocketAddr {
    serve(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await
}

/// Says these pieces, with pauses between, and closes.
pub async fn says(pieces: &'static [&'static str], pause: Duration) -> SocketAddr {
    serve(move |mut stream| async move {
        for piece in pieces {
            if stream.write_all(piece.as_bytes()).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    })
    .await
}

/// Says these pieces once it was asked something.
pub async fn replies(pieces: &'static [&'static str], pause: Duration) -> SocketAddr {
    serve(move |mut stream| async move {
        use tokio::io::AsyncReadExt;
        let asked = stream.read(&mut [0; 1_024]).await;
        for piece in pieces {
            if asked.is_err() || stream.write_all(piece.as_bytes()).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    })
    .await
}

async fn web(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let host = request.uri().host().map(str::to_owned);
    let host = host.or(request.headers().get("host").map(|host| host.to_str().unwrap().to_owned()));
    let (status, body) = match request.uri().path() {
        "/healthz" => (200, "all is ok here".to_owned()),
        "/host" => (200, format!("host {}", host.unwrap_or_default())),
        "/method" => (200, format!("method {}", request.method())),
        "/far" => (200, "x".repeat(63 << 10) + "needle" + &"x".repeat(100 << 10)),
        "/too-far" => (200, "x".repeat(65 << 10) + "needle"),
        "/gone" => (404, "no".to_owned()),
        _ => (503, "out of order".to_owned()),
    };
    Ok(Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap())
}

/// A web server on one connection, in version 1.1 or 2.
pub async fn speak_http<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, http2: bool) {
    let stream = TokioIo::new(stream);
    // A client that breaks off is no matter of ours.
    if http2 {
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(stream, service_fn(web)).await;
    } else {
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, service_fn(web)).await;
    }
}

/// A web server.
pub async fn http(http2: bool) -> SocketAddr {
    serve(move |stream| speak_http(stream, http2)).await
}

/// A web server over TLS.
pub async fn https(acceptor: TlsAcceptor) -> SocketAddr {
    serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            speak_http(stream, http2).await;
        }
    })
    .await
}

/// A body of frames at hand.
struct Frames(VecDeque<Frame<Bytes>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

/// A gRPC server whose health service knows the service "web" as `status`, and no other.
pub async fn grpc(status: u8) -> SocketAddr {
    serve(move |stream| speak_grpc(stream, status)).await
}

/// One over TLS that serves.
pub async fn grpc_over_tls(acceptor: TlsAcceptor) -> SocketAddr {
    serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                speak_grpc(stream, 1).await;
            }
        }
    })
    .await
}

async fn speak_grpc<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, status: u8) {
    let answer = move |request: Request<Incoming>| async move {
        assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
        let asked = request.into_body().collect().await.unwrap().to_bytes();
        let known = asked.is_empty() || asked[5..].is_empty() || &asked[7..] == b"web";
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", if known { "0" } else { "5" }.parse().unwrap());
        let message = if known { vec![0, 0, 0, 0, 2, 8, status] } else { Vec::new() };
        let frames = [Frame::data(Bytes::from(message)), Frame::trailers(trailers)];
        let body = Frames(frames.into());
        Ok::<_, Infallible>(
            Response::builder().header("content-type", "application/grpc").body(body).unwrap(),
        )
    };
    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let _ = builder.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

/// A DNS server over UDP and TCP at one port: `udp` and `tcp` make replies of queries.
pub async fn dns(
    udp: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    tcp: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
) -> SocketAddr {
    let tcp = Arc::new(tcp);
    let at = serve(move |mut stream| {
        let tcp = Arc::clone(&tcp);
        async move {
            use tokio::io::AsyncReadExt;
            let Ok(len) = stream.read_u16().await else { return };
            let mut query = vec![0; len.into()];
            stream.read_exact(&mut query).await.unwrap();
            let reply = tcp(&query);
            stream.write_all(&[&(reply.len() as u16).to_be_bytes(), &reply[..]].concat()).await.unwrap();
        }
    })
    .await;
    let socket = UdpSocket::bind(at).await.unwrap();
    tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((len, client)) = socket.recv_from(&mut query).await {
            if let Some(reply) = udp(&query[..len]) {
                let _ = socket.send_to(&reply, client).await;
            }
        }
    });
    at
}
