//! Waymark among real servers and clients: NSD, Knot DNS, BIND, dig and kdig, in networks of their own.

#![allow(clippy::unwrap_used)]

mod differential;
mod internet;
mod lab;
