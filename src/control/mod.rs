//! What is asked of a running daemon: `/metrics` over HTTP for Prometheus, and status, reload, the cache and
//! trust over a local socket for
//! `waymark ctl`. Both are HTTP/1.1; the socket can be opened by its owner only (0600), and what changes anything is asked there
//! alone.

mod anchors;
mod client;
mod explain;
mod learnt;
mod server;
mod socket;

pub use anchors::Trusted;
pub use client::{CallError, call};
pub use explain::Explainer;
pub use learnt::Learnt;
pub use server::{Command, Metrics, serve_metrics, serve_socket};
pub use socket::{ControlSocket, SocketError};
