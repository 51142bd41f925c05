//! `[check.X]` as meant: what is asked of an address, how often, and how many answers in a row change what is thought of it.

use super::Spanned;
use crate::limits;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// `[check.X]`.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckSpec {
    /// Its name.
    pub name: Spanned<String>,
    /// What it does.
    pub kind: CheckKind,
    /// `failover_within`: within so long of a failure no client is sent there any more, TTL included. The pace follows from it, and the
    /// greatest TTL of names that are steered by it (see [`Pace::of_failover`]).
    pub failover_within: Option<Duration>,
}

/// What a check does.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckKind {
    /// It asks the address itself.
    Made(Arc<Check>),
    /// It follows from others.
    Calculated(Calculated),
}

/// A check that is made of an address. Two that are equal are one, whatever they are called and wherever they are written: an address is
/// asked once for all pools that want to know the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Check {
    /// How it is found out.
    pub probe: Probe,
    /// How often, and how many in a row count.
    pub pace: Pace,
}

/// When an address is asked, and what changes its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    /// `interval`, from the start of one probe to the next; each is up to a tenth later ([`Pace::jitter`]). 1 s..=1 h.
    pub interval: Duration,
    /// `timeout` of one probe; less than the interval.
    pub timeout: Duration,
    /// `rise`: so many successes in a row are up.
    pub rise: u8,
    /// `fall`: so many failures in a row are down.
    pub fall: u8,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { interval: Duration::from_secs(10), timeout: Duration::from_secs(3), rise: 2, fall: 3 }
    }
}

impl Pace {
    /// The pace by which what fails is out of all answers within so long, 10 s at the least: see [`Pace::ttl_of_failover`].
    pub fn of_failover(within: Duration) -> Pace {
        let seconds = within.as_secs();
        let timeout = Duration::from_secs((seconds / 12).clamp(1, 3));
        Pace { interval: Duration::from_secs(seconds / 4).max(timeout * 2), timeout, ..Pace::default() }
    }

    /// The floor and ceiling of TTLs, in seconds, with which that is so. A failure is seen an interval, its jitter and a time-out later at
    /// the latest; who asked shortly before has the ceiling still to wait. It is confirmed within [`Pace::CONFIRMED`] more; who asked shortly before
    /// that, while it was pending, has the floor.
    pub fn ttl_of_failover(within: Duration) -> (u32, u32) {
        let pace = Pace::of_failover(within);
        let seen = pace.interval + pace.jitter() + pace.timeout;
        let left = |after: Duration| within.saturating_sub(after).as_secs().min(u32::MAX.into()) as u32;
        (left(seen + Pace::CONFIRMED).min(10), left(seen).min(60))
    }

    /// How long after the first failure an endpoint is down at the latest: where many probes are lost that mean nothing, as many confirm it as
    /// [`limits::CONFIRMS`] says; else the last starts a second after the first failure.
    pub const CONFIRMED: Duration = Duration::from_millis(
        limits::CONFIRM_GAP.as_millis() as u64 * (limits::CONFIRMS as u64 - 1)
            + limits::CONFIRM_TIMEOUT.as_millis() as u64,
    );

    /// By how much a probe may be late, so that many do not come together.
    pub fn jitter(&self) -> Duration {
        self.interval / 10
    }
}

/// How it is found out whether an address is up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// `http`.
    Http(HttpProbe),
    /// `tcp`.
    Tcp(TcpProbe),
    /// `dns`.
    Dns(DnsProbe),
    /// `grpc`: the health service of gRPC (grpc.health.v1.Health/Check).
    Grpc(GrpcProbe),
    /// `ping`: an ICMP echo.
    Ping,
    /// `command`.
    Command(CommandProbe),
    /// `push`: the address reports itself.
    Push(PushProbe),
}

/// `http = "https://{address}/healthz"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpProbe {
    /// Port of the URL, 80 or 443 where it has none.
    pub port: u16,
    /// How TLS is done; none for `http:`.
    pub tls: Option<Tls>,
    /// `method`, "GET".
    pub method: String,
    /// Path and query.
    pub path: String,
    /// `host`: what the Host field (:authority) says; none: the address.
    pub host: Option<String>,
    /// `http2`: over HTTP/2 only; otherwise the server chooses (ALPN), and without TLS it is HTTP/1.1.
    pub http2: bool,
    /// `expect.status`, 200-299.
    pub status: Vec<RangeInclusive<u16>>,
    /// `expect.body`: what stands somewhere in the first 64 KiB.
    pub body: Option<String>,
}

/// How TLS is done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tls {
    /// `sni`, by default the `host`: who the certificate must be for. None: the address.
    pub name: Option<String>,
    /// `verify`: whether the certificate must be valid. True unless written.
    pub verify: bool,
    /// `ca`: a PEM file of the authorities trusted, in place of the system's.
    pub ca: Option<PathBuf>,
    /// `expect.cert_valid_for`: for how much longer it must be valid.
    pub valid_for: Duration,
}

/// `tcp = "{address}:25"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TcpProbe {
    /// Port.
    pub port: u16,
    /// `tls`.
    pub tls: Option<Tls>,
    /// `send`: octets sent once connected.
    pub send: Option<String>,
    /// `expect.text`: what must stand somewhere in the first 64 KiB that come.
    pub expect: Option<String>,
}

/// `dns = "{address}"`, a question asked over UDP, and over TCP where the answer is truncated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsProbe {
    /// Port, 53.
    pub port: u16,
    /// `query = "example.com SOA"`.
    pub name: crate::wire::OwnedName,
    /// See `name`.
    pub rtype: crate::wire::Rtype,
    /// `expect.rcode`, NOERROR.
    pub rcode: crate::wire::Rcode,
    /// `expect.answer`: record data that must be among the answers, as presentation text in wire form; none: any.
    pub answer: Option<Vec<u8>>,
}

/// `grpc = "{address}:50051"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GrpcProbe {
    /// Port.
    pub port: u16,
    /// `tls`.
    pub tls: Option<Tls>,
    /// `host`: :authority; none: the address.
    pub host: Option<String>,
    /// `service`: the one asked about; "" is the server as a whole.
    pub service: String,
}

/// `command = ["/usr/lib/nagios/plugins/check_ldap", "-H", "{address}"]`: exit code 0 is success.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommandProbe {
    /// Program (an absolute path) and arguments; `{address}` in them is replaced.
    pub line: Vec<String>,
}

/// `push = { token = "...", ttl = "30s" }`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PushProbe {
    /// What a report must know.
    pub token: String,
    /// How long a report holds; after that the address is down.
    pub ttl: Duration,
}

/// `all`, `any`, `at_least` with `of`: so many of some others.
#[derive(Clone, Debug, PartialEq)]
pub struct Calculated {
    /// How many must hold.
    pub needed: usize,
    /// Of these.
    pub of: Vec<Operand>,
}

/// `"web"`, `"!maintenance"`, `"web@192.0.2.1"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// Whether it holds when the check does not.
    pub negated: bool,
    /// The check, made or calculated.
    pub check: Spanned<String>,
    /// Of which address; none: of the member's own.
    pub at: Option<IpAddr>,
}

/// `probe` of a member: where it is asked, if not where it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProbedAt {
    /// Address.
    pub address: IpAddr,
    /// Port, if not the check's.
    pub port: Option<u16>,
}

/// `shed` of a pool: members that report load get less, in proportion between two marks.
#[derive(Clone, Debug)]
pub struct Shed {
    /// `load`: the push check whose reports carry it.
    pub load: Spanned<String>,
    /// `low`: at or below it nothing is shed.
    pub low: f64,
    /// `high`: at or above it everything is.
    pub high: f64,
}

/// The name of a host that may have a port after it, as in the field Host of HTTP: that of an IPv6 address stands in brackets then.
pub(super) fn without_port(host: &str) -> &str {
    match (host.strip_prefix('['), host.split_once(':')) {
        (Some(rest), _) => rest.split_once(']').map_or(rest, |(address, _)| address),
        (None, Some((name, port))) if !port.contains(':') => name,
        _ => host,
    }
}
