//! What is asked of a running daemon: `/metrics` over HTTP for Prometheus, `/health` for those who look, `/push` for endpoints that report
//! themselves with a token; and status, reload, the cache, trust and health over a local socket for `waymark ctl`. Both are HTTP/1.1; the
//! socket can be opened by its owner only (0600), and what else changes anything is asked there alone.

mod anchors;
mod client;
mod explain;
mod health;
mod learnt;
mod server;
mod socket;
mod steered;

pub use anchors::Trusted;
pub use client::{CallError, call};
pub use explain::Explainer;
pub use learnt::Learnt;
pub use server::{Command, Metrics, serve_http, serve_socket};
pub use socket::{ControlSocket, SocketError};
