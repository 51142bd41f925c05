//! Waymark among real servers and clients: NSD, Knot DNS and BIND; gdnsd; Unbound, Knot Resolver and PowerDNS Recursor; dig, kdig and
//! dnsperf; in networks of their own; and the signers and verifiers of ldns and BIND.

#![allow(clippy::unwrap_used)]

mod differential;
mod gdnsd;
mod internet;
mod lab;
mod load;
mod random_zone;
mod recursors;
mod signing;
