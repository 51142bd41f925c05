//! Every bound in the program, each with its reason.

use std::time::Duration;

/// Suffixes of written names that the compressor remembers: enough for a referral with 13 servers; searching more would
/// let one reply cost quadratic work (CVE-2024-8508).
pub const COMPRESSION_TARGETS: usize = 64;

/// The largest UDP payload we send or advertise: no fragments on any common path (DNS flag day 2020).
pub const UDP_PAYLOAD: u16 = 1232;

/// The largest message: its length is 16 bits on TCP (RFC 1035 §4.2.2).
pub const MESSAGE: usize = 65_535;

/// Links of a CNAME or DNAME chain followed for one question: Unbound and BIND stop at 11.
pub const CHAIN_LINKS: usize = 11;

/// Octets of one cache entry: larger RRsets are answered but not kept (one entry must not push out thousands).
pub const CACHE_ENTRY: usize = 16 * 1024;

/// Upstream queries one client question may cause: Unbound and BIND allow 200 with sub-queries; a cold CNAME chain over
/// three unrelated zones with glueless servers needs about 40.
pub const BUDGET_QUERIES: u16 = 100;

/// Octets of replies one client question may cause: PowerDNS Recursor's 100 kB.
pub const BUDGET_BYTES: u32 = 100 * 1024;

/// How long one client question may take: clients have given up by then (BIND 10 s, PowerDNS 7 s).
pub const BUDGET_TIME: Duration = Duration::from_secs(8);

/// Problems of one zone that are told one by one; a zone with more has one cause many times over.
pub const ZONE_PROBLEMS: usize = 100;

/// The UDP payload of a client without EDNS (RFC 1035 §4.2.1).
pub const UDP_PLAIN: u16 = 512;
