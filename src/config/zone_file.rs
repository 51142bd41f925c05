//! A zone's TOML file as meant: records already in wire form, pools and routes as plain data. Names of pools, routes and
//! networks are still text with places: `steer` resolves them.

use super::{CheckSpec, ProbedAt, Shed, Span, Spanned};
use crate::wire::{OwnedName, Rtype};
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;

/// A zone file.
#[derive(Clone, Debug)]
pub struct ZoneFile {
    /// Where the file starts: the place of what is wrong with the zone as a whole.
    pub span: Span,
    /// The name of the zone.
    pub apex: OwnedName,
    /// `[soa]`; an SOA among the records wins over it.
    pub soa: SoaSpec,
    /// The records, the SOA not among them unless written so.
    pub records: Vec<RecordSpec>,
    /// Names that are steered.
    pub steered: Vec<SteeredSpec>,
    /// `[pool.X]`.
    pub pools: Vec<PoolSpec>,
    /// `[route.X]`.
    pub routes: Vec<RouteSpec>,
    /// `[network.X]`.
    pub networks: Vec<NetworkSpec>,
    /// `[check.X]`.
    pub checks: Vec<CheckSpec>,
    /// `[[test]]`.
    pub tests: Vec<TestSpec>,
}

/// `[soa]` with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoaSpec {
    /// `primary`.
    pub primary: OwnedName,
    /// `contact`, the mail address as a name (RFC 1035 §8).
    pub contact: OwnedName,
    /// `serial`; none means "auto".
    pub serial: Option<u32>,
    /// `refresh`, seconds.
    pub refresh: u32,
    /// `retry`, seconds.
    pub retry: u32,
    /// `expire`, seconds.
    pub expire: u32,
    /// `negative_ttl`, seconds: the SOA's minimum field.
    pub negative_ttl: u32,
    /// TTL of the SOA record itself.
    pub ttl: u32,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSpec {
    /// Owner.
    pub owner: OwnedName,
    /// Type.
    pub rtype: Rtype,
    /// TTL, seconds.
    pub ttl: u32,
    /// Wire form.
    pub rdata: Vec<u8>,
    /// Where the data was written.
    pub span: Span,
}

/// What a name is steered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `pool = "X"`.
    Pool(Spanned<String>),
    /// `route = "X"`.
    Route(Spanned<String>),
}

/// A steered name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SteeredSpec {
    /// Owner.
    pub owner: OwnedName,
    /// What by.
    pub target: Target,
    /// TTL floor and ceiling, seconds.
    pub ttl: (u32, u32),
    /// Whether it was written.
    pub ttl_written: bool,
    /// Where.
    pub span: Span,
}

/// How a pool draws members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pick {
    /// Smooth weighted round-robin, exact over each cycle.
    #[default]
    RoundRobin,
    /// Weighted at random.
    Random,
    /// Weighted rendezvous hash of the client's prefix.
    Hash,
}

/// `[pool.X]`: members or a CNAME.
#[derive(Clone, Debug)]
pub struct PoolSpec {
    /// Its name.
    pub name: Spanned<String>,
    /// What it is.
    pub kind: PoolKind,
    /// `location`: latitude and longitude in degrees.
    pub location: Option<(f64, f64)>,
    /// `min_healthy`, 0..=1; none: one member up suffices.
    pub min_healthy: Option<f64>,
    /// `check`: all of them must hold; none: members are always up.
    pub checks: Vec<Spanned<String>>,
    /// `shed`.
    pub shed: Option<Shed>,
}

/// See [`PoolSpec`].
#[derive(Clone, Debug)]
pub enum PoolKind {
    /// Addresses.
    Members {
        /// `members`, at least one.
        members: Vec<MemberSpec>,
        /// `pick`.
        pick: Pick,
        /// `answer`; none: 1 where weights are written, else all up to 8.
        answer: Option<u8>,
    },
    /// `cname`.
    Cname(Spanned<OwnedName>),
}

/// A member of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberSpec {
    /// Served address.
    pub address: IpAddr,
    /// Weight, 0..=1_048_575; none where not written (counts as 1).
    pub weight: Option<u32>,
    /// `id`, by default the address.
    pub id: String,
    /// `probe`: where it is asked, if not at its address.
    pub probe: Option<ProbedAt>,
    /// Where.
    pub span: Span,
}

/// `on_all_down`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnAllDown {
    /// All members, capped by `answer`.
    #[default]
    All,
    /// The members that were up last.
    LastKnown,
    /// NODATA.
    None,
    /// SERVFAIL.
    Servfail,
}

/// `[route.X]`.
#[derive(Clone, Debug)]
pub struct RouteSpec {
    /// Its name.
    pub name: Spanned<String>,
    /// `[[route.X.rule]]` in file order.
    pub rules: Vec<RuleSpec>,
    /// `fallback`: pools (or routes) tried in order after the rule's own.
    pub fallback: Vec<Spanned<String>>,
    /// `on_all_down`.
    pub on_all_down: OnAllDown,
}

/// A rule: keys that are written are and-ed, values of one key or-ed.
#[derive(Clone, Debug)]
pub struct RuleSpec {
    /// `cidr`: prefixes written.
    pub cidr: Vec<IpNet>,
    /// `cidr`: `@name`s of networks written.
    pub networks: Vec<Spanned<String>>,
    /// `asn`.
    pub asn: Vec<u32>,
    /// `country`: ISO codes, upper case.
    pub country: Vec<[u8; 2]>,
    /// `continent`: AF AN AS EU NA OC SA.
    pub continent: Vec<[u8; 2]>,
    /// What it does.
    pub action: ActionSpec,
    /// `sticky = "client/24"`: prefix lengths for IPv4 and IPv6.
    pub sticky: Option<(u8, u8)>,
    /// Where the rule was written.
    pub span: Span,
}

/// What a rule does.
#[derive(Clone, Debug)]
pub enum ActionSpec {
    /// `use`: pools in order, or with weights.
    Use(Vec<UseSpec>),
    /// `nearest`: pools by distance, with `bias` in percent, -99..=99, per pool.
    Nearest {
        /// The pools.
        pools: Vec<Spanned<String>>,
        /// Pool name and bias.
        bias: Vec<(Spanned<String>, i8)>,
        /// `skip`: how many of the nearest are left out.
        skip: usize,
        /// `take`: how many of those that follow are tried.
        take: usize,
    },
}

/// An element of `use`.
#[derive(Clone, Debug)]
pub struct UseSpec {
    /// Pool or route.
    pub pool: Spanned<String>,
    /// Its weight; none where the list is an ordered one.
    pub weight: Option<u32>,
}

/// `[network.X]`.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSpec {
    /// Its name.
    pub name: Spanned<String>,
    /// Its prefixes.
    pub cidr: Vec<IpNet>,
    /// Where they are.
    pub place: PlaceSpec,
}

/// Where a network is, as far as its table says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlaceSpec {
    /// `country`: an ISO code, upper case.
    pub country: Option<[u8; 2]>,
    /// `continent`.
    pub continent: Option<[u8; 2]>,
    /// `asn`.
    pub asn: Option<u32>,
    /// `location`: latitude and longitude in degrees.
    pub location: Option<(f64, f64)>,
}

impl PlaceSpec {
    /// Whether it says anything.
    pub fn is_something(&self) -> bool {
        *self != PlaceSpec::default()
    }
}

/// `[[test]]`.
#[derive(Clone, Debug)]
pub struct TestSpec {
    /// The name asked.
    pub name: OwnedName,
    /// The type asked.
    pub rtype: Rtype,
    /// `from`: the client.
    pub from: Option<IpAddr>,
    /// `down`: pools and members that are down.
    pub down: Vec<Spanned<Down>>,
    /// `expect`.
    pub expect: Expect,
    /// Where `expect` was written.
    pub expect_span: Span,
    /// Where.
    pub span: Span,
}

/// What a test sets down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Down {
    /// `pool:NAME`.
    Pool(String),
    /// `member:ID`.
    Member(String),
}

impl Down {
    /// As it is written; none for anything else.
    pub fn from_text(text: &str) -> Option<Down> {
        match text.split_once(':')? {
            ("pool", name) => Some(Down::Pool(name.to_owned())),
            ("member", id) => Some(Down::Member(id.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Down::Pool(name) => write!(f, "pool:{name}"),
            Down::Member(id) => write!(f, "member:{id}"),
        }
    }
}

/// What a test expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// `pool:NAME`: every address is one of the pool's.
    Pool(String),
    /// `member:ID`.
    Member(String),
    /// An RCODE's mnemonic.
    Rcode(crate::wire::Rcode),
    /// Exactly this record data, in any order, in presentation form.
    Rdata(Vec<String>),
}
