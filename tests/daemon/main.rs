//! The program as it is run: in a directory of its own, on ports that the kernel gives, asked over sockets and by dig and kdig.

#![allow(clippy::unwrap_used)]

mod anchors;
mod cache;
mod daemon;
mod dns;
mod explain;
mod health;
mod partition;
mod reload;
mod serve;
mod shell;
mod simulate;
mod tcp;
mod truth;
