//! What is asked of a running daemon: `/metrics` over HTTP for Prometheus, and `status` and `reload` over a local socket for
//! `waymark ctl`. Both are HTTP/1.1; the socket can be opened by its owner only (0600).

mod client;
mod server;
mod socket;

pub use client::{CallError, call};
pub use server::{Command, Metrics, serve_metrics, serve_socket};
pub use socket::{ControlSocket, SocketError};
