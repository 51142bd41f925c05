//! Waymark: one daemon that answers DNS as a recursive resolver, an authoritative server and a global load balancer.
//!
//! The modules in layer order. A module may use only those above it in this list; `tests/architecture.rs` reads the list
//! and enforces it.
//!
//! ```text
//! clock     the only reader of clocks
//! entropy   randomness from the operating system: seeds and ports
//! say       text for the person at the terminal
//! limits    every bound in the program, each with its reason
//! wire      bytes and borrowed views: names, headers, questions, EDNS, records; the writer
//! rrset     owned RRsets in wire form; the one table of types and its text
//! dnssec    keys, signatures, digests and hashes of names: bytes checked against bytes
//! anchor    what is trusted from the start: anchors and negative ones, their rollover (RFC 5011, RFC 7646)
//! config    files as written (unknown keys refused) -> Config and ZoneFile as meant (checked, immutable)
//! metrics   per-thread counters, summed when read
//! guard     who may ask and how often: access lists, cookies, response rate limit
//! sign      DNSSEC signing: keys, and signatures over RRsets
//! zone      immutable Zone and ZoneSet: load, tree, lookup, denial; a whole zone signed, denial
//! cache     sharded cache of RRsets, denials and failures in wire form; every call takes `now`
//! health    checks as state machines, and the table they keep: one atomic word per member of a pool
//! steer     the choice: (policy, health table, client, cursor) -> members, TTL, scope; decisions compiled; where clients are
//! validate  DNSSEC: is a set signed by a zone, are these its keys, does a denial prove what it says
//! resolve   iteration as a state machine: task, step, exchange, select, minimise, scrub, trace; and belief: claims, judge, rule, trusts, denials
//! answer    the decision: own zones, then steering, then cache, then Resolve
//! load      config and zone files -> zones and their steering, tests of zones run, last good versions kept; geographic data as it changes
//! net       UDP workers, streams, upstream sockets, the resolver's driver
//! store     what outlives a restart: files written whole or not at all
//! control   metrics, health and explanations over HTTP; status, reload and the cache over a socket; the client side of `waymark ctl`
//! daemon    the composition root: build, bind, spawn, reload, drain
//! ctl       `waymark ctl` and `waymark explain`
//! simulate  `waymark steer simulate`: shares of a sample of clients before and after a change
//! check     `waymark check`: config and zones with every error shown
//! demo      `waymark demo`: a miniature internet on loopback
//! ```

pub mod clock;
pub mod entropy;
pub mod say;
pub mod limits;
pub mod wire;
pub mod rrset;
pub mod dnssec;
pub mod anchor;
pub mod config;
pub mod metrics;
pub mod guard;
pub mod sign;
pub mod zone;
pub mod cache;
pub mod health;
pub mod steer;
pub mod validate;
pub mod resolve;
pub mod answer;
pub mod load;
pub mod net;
pub mod store;
pub mod control;
pub mod daemon;
pub mod ctl;
pub mod simulate;
pub mod check;
pub mod demo;
