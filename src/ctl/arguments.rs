//! What `waymark ctl` is asked: the arguments, with a cure for those that are wrong.

use crate::config::{closest, prefix_or_address};
use crate::limits;
use crate::rrset::read_seconds;
use crate::wire::{OwnedName, Rtype};
use std::net::IpAddr;

/// What to ask.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum Action {
    /// Show how the daemon is.
    Status,
    /// Read config and zones again.
    Reload,
    /// Show the questions that are being resolved.
    Inflight,
    /// Show the servers that are known: how fast they answer, and what they cannot do.
    Servers,
    /// Show trust anchors and negative ones, or change the latter.
    Anchors {
        /// How.
        #[command(subcommand)]
        action: Option<AnchorsAction>,
    },
    /// Show the members of pools: who is up, since when and why; or what has happened to them.
    Health {
        /// Only these: POOL, POOL/MEMBER or ZONE:POOL/MEMBER, with * and ?.
        #[arg(value_name = "PATTERN")]
        pattern: Option<String>,
        /// Show what has happened, the oldest first.
        #[arg(long, conflicts_with = "pattern")]
        history: bool,
    },
    /// Take members out of answers for a time, without calling them down: their pools count as if they were not there.
    Drain(Hold),
    /// Call members down, whatever their checks say.
    Down(Hold),
    /// Call members up, whatever their checks say.
    Up(Hold),
    /// End what drain, down and up have set: what the checks say holds again.
    Lift {
        /// Overrides of exactly this pattern, or of those it matches; else those that hold none but its members.
        #[arg(value_name = "PATTERN")]
        pattern: String,
    },
    /// Forget what was learnt of other servers, so that they are asked again.
    Flush(What),
    /// Look at what was learnt of other servers.
    Cache {
        /// How.
        #[command(subcommand)]
        action: CacheAction,
    },
}

/// A question whose answer is to be explained.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
#[group(skip)]
pub struct Explain {
    /// The name.
    #[arg(value_name = "NAME", value_parser = name)]
    name: OwnedName,
    /// The type.
    #[arg(value_name = "TYPE", value_parser = rtype, default_value = "A")]
    rtype: Rtype,
    /// Who asks, an address or a prefix, where the name is steered; this machine by default.
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    from: Option<String>,
    /// Resolve it anew, whatever is cached.
    #[arg(long)]
    fresh: bool,
}

impl Explain {
    /// Whether it is resolved anew, and the question as a query of the control socket.
    pub(super) fn request(&self) -> (bool, String) {
        let mut query = form_urlencoded::Serializer::new(name_query(&self.name, Some(self.rtype)));
        query.extend_pairs(self.from.iter().map(|from| ("from", from)));
        (self.fresh, query.finish())
    }
}

/// Members, for how long, and why.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
#[group(skip)]
pub struct Hold {
    /// Which: POOL, POOL/MEMBER or ZONE:POOL/MEMBER, with * and ?.
    #[arg(value_name = "PATTERN")]
    pub(super) pattern: String,
    /// For how long: 30m, 2h, 1d. Without it until it is lifted.
    #[arg(long = "for", value_name = "TIME", value_parser = hold_seconds)]
    pub(super) seconds: Option<u32>,
    /// Why, for those who will wonder.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(super) why: String,
}

/// How to look at the cache.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum CacheAction {
    /// Show the entries of a name; with a type, what answers a question of it.
    Lookup {
        /// The name.
        #[arg(value_name = "NAME", value_parser = name)]
        name: OwnedName,
        /// A record type.
        #[arg(value_name = "TYPE", value_parser = rtype)]
        rtype: Option<Rtype>,
    },
    /// Write all entries as the lines of a master file; what does not exist or failed is a comment.
    Dump {
        /// Only this name and what is below it.
        #[arg(long, value_name = "NAME", value_parser = name)]
        below: Option<OwnedName>,
    },
}

/// What to change of negative trust anchors (RFC 7646).
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum AnchorsAction {
    /// Validate nothing at and below a name for a time, and forget what was learnt there.
    AddNegative {
        /// The name.
        #[arg(value_name = "NAME", value_parser = name)]
        name: OwnedName,
        /// For how long, at most a week: 30m, 2h, 1d.
        #[arg(long = "for", value_name = "TIME", value_parser = seconds, default_value = "1h")]
        seconds: u32,
        /// Why, for those who will wonder.
        #[arg(long, value_name = "TEXT", default_value = "")]
        why: String,
    },
    /// Validate there again, and forget what was learnt there.
    RemoveNegative {
        /// The name.
        #[arg(value_name = "NAME", value_parser = name)]
        name: OwnedName,
    },
}

/// What to forget: one of a name, a subtree, all.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
#[group(skip)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["name", "below", "all"]))]
pub struct What {
    /// A name: its entries, and where it was delegated to.
    #[arg(value_name = "NAME", value_parser = name)]
    name: Option<OwnedName>,
    /// Only what answers a question of this type: its records, the alias in their place, the denial of the name.
    #[arg(value_name = "TYPE", value_parser = rtype, requires = "name")]
    rtype: Option<Rtype>,
    /// A name and everything below it.
    #[arg(long, value_name = "NAME", value_parser = name)]
    below: Option<OwnedName>,
    /// Everything.
    #[arg(long)]
    all: bool,
}

impl What {
    /// As a query of the control socket.
    pub(super) fn query(&self) -> String {
        match (&self.name, &self.below) {
            (Some(name), _) => name_query(name, self.rtype),
            (_, Some(below)) => below_query(below),
            _ => "all".into(),
        }
    }
}

/// The query for a name's entries.
pub(super) fn name_query(name: &OwnedName, rtype: Option<Rtype>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("name", &name.to_string());
    if let Some(rtype) = rtype {
        query.append_pair("type", &rtype.to_string());
    }
    query.finish()
}

/// The query for those of a subtree.
pub(super) fn below_query(name: &OwnedName) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("below", &name.to_string()).finish()
}

fn name(text: &str) -> Result<OwnedName, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Err(format!("an address is no name; that of its PTR record is {}", reverse(address)));
    }
    text.parse().map_err(|error: crate::wire::NameError| format!("{error}"))
}

fn rtype(text: &str) -> Result<Rtype, String> {
    let known = Rtype::from_text(text);
    known.ok_or_else(|| match closest(&text.to_ascii_uppercase(), Rtype::MNEMONICS.iter().copied()) {
        _ if text.contains('.') => "it is not a record type; first comes the name, then the type".into(),
        Some(hint) => format!("it is not a record type; {hint}"),
        None => "it is not a record type; those without a name are written as TYPE65400".into(),
    })
}

fn seconds(text: &str) -> Result<u32, String> {
    let most = limits::NEGATIVE_TIME_MAX;
    let read = Some(text).filter(|text| !text.is_empty()).and_then(read_seconds);
    match read {
        Some(seconds) if (1..=most).contains(&u64::from(seconds)) => Ok(seconds),
        Some(_) => Err("it must be a second to a week: for longer it belongs in the config".into()),
        None => Err("it is not a time, as in 30m or 2h".into()),
    }
}

fn prefix(text: &str) -> Result<String, String> {
    prefix_or_address(text)
        .map(|_| text.to_owned())
        .ok_or("it is not an address or a prefix, as in 192.0.2.0/24".into())
}

fn hold_seconds(text: &str) -> Result<u32, String> {
    let read = Some(text).filter(|text| !text.is_empty()).and_then(read_seconds);
    match read {
        Some(seconds) if (1..=limits::OVERRIDE_TIME).contains(&seconds) => Ok(seconds),
        Some(_) => Err("it must be a second to a year: without --for it holds until it is lifted".into()),
        None => Err("it is not a time, as in 30m or 2h".into()),
    }
}

/// The name of an address (RFC 1035 §3.5, RFC 3596 §2.5).
fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}.")).collect::<String>() + "ip6.arpa."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_or_type_is_told_with_the_cure() {
        let names = [
            ("192.0.2.1", "1.2.0.192.in-addr.arpa."),
            ("2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."),
            ("a..b", "two dots in a row"),
        ]
        .map(|(text, part)| (name(text).unwrap_err(), part));
        let types = [
            ("AAAAA", "did you mean \"AAAA\"?"),
            ("cnmae", "did you mean \"CNAME\"?"),
            ("www.example.com", "first comes the name"),
            ("quite-unknown", "TYPE65400"),
        ]
        .map(|(text, part)| (rtype(text).unwrap_err(), part));
        for (told, part) in names.into_iter().chain(types) {
            assert!(told.contains(part), "{told}: no {part:?}");
        }
        assert_eq!((rtype("mx"), rtype("TYPE99")), (Ok(Rtype::MX), Ok(Rtype::SPF)));
    }

    #[test]
    fn names_of_any_octets_pass_through_a_query() {
        let name: OwnedName = "a&b=c\\032d\\%.example.".parse().unwrap();
        let query = name_query(&name, Some(Rtype::MX));
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert_eq!(pairs[0].1.parse::<OwnedName>().unwrap(), name);
        assert_eq!(pairs[1], ("type".into(), "MX".into()));
    }
}
