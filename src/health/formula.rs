//! What is watched: which endpoints a member's state follows from.

use super::table::Table;
use crate::config::Check;
use crate::wire::OwnedName;
use std::net::IpAddr;
use std::sync::Arc;

/// What is asked: an address and a check. Equal ones are one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The address that is asked.
    pub address: IpAddr,
    /// The port, if not the check's.
    pub port: Option<u16>,
    /// What is asked of it.
    pub check: Arc<Check>,
}

/// What must hold for a member to be up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formula {
    /// Nothing: it has no check.
    Always,
    /// An endpoint is up. The name is the check's, for people.
    Endpoint(Target, String),
    /// At least so many of some hold.
    AtLeast(usize, Vec<Formula>),
    /// One does not hold.
    Not(Box<Formula>),
}

/// A member of a pool that is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// Its pool.
    pub pool: String,
    /// Its id.
    pub member: String,
    /// The address it serves at.
    pub address: IpAddr,
    /// When it is up.
    pub formula: Formula,
    /// Which endpoint's reports carry its load, and the marks between which it sheds weight.
    pub shed: Option<(Target, f64, f64)>,
}

/// All members of a zone, in the order of their places in its table.
#[derive(Clone, Debug)]
pub struct ZoneWatch {
    /// The zone.
    pub apex: OwnedName,
    /// Its members.
    pub members: Arc<[Watch]>,
    /// Where it is written how they stand.
    pub table: Arc<Table>,
}
