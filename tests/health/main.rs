//! Simulated worlds of endpoints that fail, hang, flap and are lost, over days and months: what is thought of them, and when.

#![allow(clippy::unwrap_used)]

mod removal;
mod semantics;
mod world;
