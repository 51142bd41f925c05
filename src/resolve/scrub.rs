//! What a reply says, and nothing else it carries: records are taken only where they follow from the question and lie within what the
//! server may speak for.

use super::claims::{Claim, Claims, What};
use super::delegation::{Delegation, Servers};
use super::{BELOW_OWN_CUT, Failure, Settings};
use crate::cache::Key;
use crate::limits;
use crate::rrset::{self, Rrset};
use crate::wire::{Class, Ede, Flags, Message, Name, NameBuf, OwnedName, Rcode, Rtype, Section, read_u16};
use std::net::IpAddr;

/// What was asked, of whom.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub name: Name<'a>,
    pub rtype: Rtype,
    pub zone: &'a Delegation,
    pub settings: &'a Settings,
    pub realm: u32,
}

/// Name servers and their addresses.
pub(super) type NameServers = Vec<(OwnedName, Vec<IpAddr>)>;

/// What a reply says.
#[derive(Debug)]
pub(super) enum Finding {
    /// What it says of the question, and further links of its chain.
    Claims(Claims),
    /// Claims that end with a DNAME that makes the name too long (RFC 6672 §2.2).
    TooLong(Claims),
    /// Ask these servers instead. With it come the DS of the zone, or what proves that it has none.
    Referral { zone: OwnedName, servers: NameServers, ttl: u32, evidence: Vec<Rrset> },
    /// The server does not serve the zone, or says nothing of use.
    Useless(Why),
    /// What it says may not be passed on.
    Filtered(Claims, Failure),
}

/// Why a reply is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// This response code.
    Rcode(Rcode),
    /// A referral to where we come from, or away from the question.
    Sideways,
    /// An answer without authority.
    NotAuthoritative,
    /// No answer, no denial, no referral.
    Empty,
    /// The octets are not a message.
    Malformed,
    /// Not all of it fits a message over TCP, or so it says.
    CutOff,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Why::Rcode(rcode) => write!(f, "answered {rcode}"),
            Why::Sideways => f.write_str("referred elsewhere"),
            Why::NotAuthoritative => f.write_str("is not authoritative"),
            Why::Empty => f.write_str("sent nothing of use"),
            Why::Malformed => f.write_str("sent a malformed reply"),
            Why::CutOff => f.write_str("cut off a reply over TCP"),
        }
    }
}

/// The RRsets of a reply in the order of their first records.
struct Sets {
    answer: Vec<Rrset>,
    authority: Vec<Rrset>,
    additional: Vec<Rrset>,
}

/// Reads the reply to a question.
pub(super) fn read(asked: &Asked<'_>, message: &Message<'_>) -> Finding {
    let (flags, rcode) = (message.header().flags, message.header().flags.rcode());
    if rcode != Rcode::NOERROR && rcode != Rcode::NXDOMAIN && rcode != Rcode::YXDOMAIN {
        return Finding::Useless(Why::Rcode(rcode));
    }
    let Some(mut sets) = collect(message, asked.rtype) else { return Finding::Useless(Why::Malformed) };
    let denials = denials(asked, &mut sets.authority);
    let forward = asked.zone.is_forward();
    let authoritative = flags.has(Flags::AA) || forward;
    let (mut list, last, answered) = follow(asked, &sets.answer);
    // Of a chain that leads away some servers say the first link without authority.
    let bare = !answered && list.len() == 1 && !flags.has(Flags::RA);
    if !authoritative && !list.is_empty() && !bare {
        // Another resolver's cache, not the zone's server.
        return Finding::Useless(Why::NotAuthoritative);
    }
    if answered {
        return match rebinding(asked, last.as_name(), &sets.answer) {
            Some(failure) => Finding::Filtered(Claims { list, denials }, failure),
            None => Finding::Claims(Claims { list, denials }),
        };
    }
    // Knot DNS says NXDOMAIN of it.
    let no_name = list.last().is_some_and(|claim| claim.rtype == Rtype::DNAME);
    if no_name {
        return Finding::TooLong(Claims { list, denials });
    }
    if rcode == Rcode::YXDOMAIN {
        return Finding::Useless(Why::Rcode(rcode));
    }
    let in_zone = may_speak(asked, last.as_name());
    if rcode == Rcode::NXDOMAIN {
        if !authoritative {
            return Finding::Useless(Why::NotAuthoritative);
        }
        if in_zone {
            list.push(denial(asked, last.as_name(), Key::NXDOMAIN, &sets.authority));
        }
        return Finding::Claims(Claims { list, denials });
    }
    if !list.is_empty() {
        if in_zone && soa(asked, last.as_name(), &sets.authority).is_some() {
            list.push(denial(asked, last.as_name(), asked.rtype, &sets.authority));
        }
        return Finding::Claims(Claims { list, denials });
    }
    let refers = sets.authority.iter().any(|set| set.rtype == Rtype::NS);
    if forward && refers && soa(asked, asked.name, &sets.authority).is_none() && !flags.has(Flags::RA) {
        // It does not recurse: what it does not know may exist.
        return Finding::Useless(Why::Sideways);
    }
    no_answer(asked, authoritative, &sets, denials)
}

/// NOERROR without an answer: a referral, or the type does not exist.
fn no_answer(asked: &Asked<'_>, authoritative: bool, sets: &Sets, denials: Vec<Rrset>) -> Finding {
    let nothing = |authority: &[Rrset], denials| {
        let list = vec![denial(asked, asked.name, asked.rtype, authority)];
        Finding::Claims(Claims { list, denials })
    };
    if soa(asked, asked.name, &sets.authority).is_some() && authoritative {
        return nothing(&sets.authority, denials);
    }
    let zone = asked.zone.zone.as_name();
    let servers = sets.authority.iter().find(|set| set.rtype == Rtype::NS);
    match servers {
        Some(set) if !asked.zone.is_forward() => {
            let cut = set.name.as_name();
            // RFC 2308 §2.2: a NODATA may come with the zone's own NS records.
            let own = cut == zone && authoritative;
            // Strictly down and towards the name, so following referrals ends. DS is answered above its cut.
            let down = cut.is_below(zone)
                && asked.name.is_within(cut)
                && !(asked.rtype == Rtype::DS && cut.len() == asked.name.len());
            if own {
                nothing(&[], denials)
            } else if down {
                referral(asked, set, sets, denials)
            } else {
                Finding::Useless(Why::Sideways)
            }
        }
        _ if authoritative => nothing(&[], denials),
        _ => Finding::Useless(Why::Empty),
    }
}

/// Sorts the records into RRsets. None when there are too many. A malformed record is left out; after one whose length is wrong the rest
/// cannot be read. Signatures stand with the sets that they cover, but for one who asked for signatures.
fn collect(message: &Message<'_>, asked: Rtype) -> Option<Sets> {
    let mut sets = Sets { answer: Vec::new(), authority: Vec::new(), additional: Vec::new() };
    let mut rdata = Vec::new();
    let mut signatures: Vec<(Section, NameBuf, Vec<u8>)> = Vec::new();
    for (i, record) in message.records().enumerate() {
        if i >= limits::REPLY_RECORDS {
            return None;
        }
        let Ok(record) = record else { break };
        rdata.clear();
        let Ok(owner) = record.owner() else { continue };
        if record.class != Class::IN
            || record.rtype.is_meta()
            || rrset::read_rdata(&record, &mut rdata).is_err()
        {
            continue;
        }
        if record.rtype == Rtype::RRSIG && (asked != Rtype::RRSIG || record.section != Section::Answer) {
            signatures.push((record.section, owner, rdata.clone()));
            continue;
        }
        let list = sets.of(record.section);
        // RFC 2181 §8: a TTL with the top bit set counts as zero.
        let ttl = if record.ttl > i32::MAX as u32 { 0 } else { record.ttl.min(limits::TTL_MAX) };
        // Records of one set stand together in all but odd replies, so the search is from the end.
        let have = list
            .iter_mut()
            .rev()
            .find(|set| set.rtype == record.rtype && set.name.as_name() == owner.as_name());
        match have {
            // RFC 2181 §5.2: TTLs that differ are an error; the least is safe.
            Some(set) => {
                set.ttl = set.ttl.min(ttl);
                set.push(&rdata);
            }
            None => {
                let mut set = Rrset::new(owner.as_name(), record.rtype, ttl);
                set.push(&rdata);
                list.push(set);
            }
        }
    }
    for (section, owner, rdata) in signatures {
        let Some(covered) = read_u16(&rdata, 0).map(Rtype) else { continue };
        let mut list = sets.of(section).iter_mut().rev();
        let covered = list.find(|set| set.rtype == covered && set.name.as_name() == owner.as_name());
        if let Some(set) = covered.filter(|set| set.signatures().iter().count() < limits::SET_SIGNATURES) {
            set.push_signature(&rdata);
        }
    }
    Some(sets)
}

impl Sets {
    fn of(&mut self, section: Section) -> &mut Vec<Rrset> {
        match section {
            Section::Answer => &mut self.answer,
            Section::Authority => &mut self.authority,
            Section::Additional => &mut self.additional,
        }
    }
}

/// Takes out the NSEC and NSEC3 RRsets that the server may speak of.
fn denials(asked: &Asked<'_>, authority: &mut Vec<Rrset>) -> Vec<Rrset> {
    let theirs = |set: &mut Rrset| {
        matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3)
            && set.name.as_name().is_within(asked.zone.zone.as_name())
    };
    authority.extract_if(.., theirs).take(limits::DENIAL_RECORDS).collect()
}

/// Follows the chain from the question through the answer. Returns the facts, the last name, and whether its answer is there.
fn follow(asked: &Asked<'_>, answer: &[Rrset]) -> (Vec<Claim>, NameBuf, bool) {
    let (mut list, mut name) = (Vec::new(), asked.name.to_buf());
    let zone = asked.zone.zone.as_name();
    for _ in 0..limits::REPLY_LINKS {
        if !may_speak(asked, name.as_name()) {
            break;
        }
        let at = |rtype| answer.iter().find(|set| set.rtype == rtype && set.name.as_name() == name.as_name());
        let alias = answer
            .iter()
            .find(|set| set.rtype == Rtype::DNAME && name.as_name().is_below(set.name.as_name()))
            .filter(|set| set.name.as_name().is_within(zone));
        // A CNAME below a DNAME is what the DNAME makes of the name as it was asked for.
        let made = alias.is_some() && asked.rtype == Rtype::CNAME;
        if let Some(set) = at(asked.rtype).filter(|_| !made) {
            list.push(records(name.as_name(), set));
            return (list, name, true);
        }
        let next = if let Some(set) = alias {
            list.push(records(set.name.as_name(), set));
            let next = synthesise(name.as_name(), set, &mut list);
            if made && next.is_some() {
                return (list, name, true);
            }
            next
        } else if let Some(set) = at(Rtype::CNAME) {
            list.push(records(name.as_name(), set));
            set.rdatas().iter().next().and_then(|rdata| Some(Name::from_wire(rdata).ok()?.to_buf()))
        } else {
            break;
        };
        match next {
            Some(next) => name = next,
            None => break,
        }
    }
    (list, name, false)
}

/// Whether the server asked may speak for a name: it lies in its zone, and the config gives it no other servers.
fn may_speak(asked: &Asked<'_>, name: Name<'_>) -> bool {
    let route = |name| asked.settings.route(name).map(|route| route.zone.as_name());
    name.is_within(asked.zone.zone.as_name()) && route(name) == route(asked.name)
}

/// Why an answer's addresses may not be passed on: a public name has one of a private network, by which a page from outside could
/// reach what is inside. Who is named in the config may say so.
fn rebinding(asked: &Asked<'_>, name: Name<'_>, answer: &[Rrset]) -> Option<Failure> {
    let inside = asked.realm & BELOW_OWN_CUT != 0 || matches!(asked.zone.servers, Servers::Fixed { .. });
    if !asked.settings.rebinding_protection || inside {
        return None;
    }
    let set = answer.iter().find(|set| set.rtype == asked.rtype && set.name.as_name() == name)?;
    let private = addresses(set).find(|address| is_private(*address))?;
    let text = format!("{private} is a private address, and resolver.rebinding_protection is on");
    Some(Failure { rcode: Rcode::REFUSED, ede: Ede::BLOCKED, text, passing: false })
}

/// Whether an address means a host of one's own network or machine.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(a) => a.is_private() || a.is_loopback() || a.is_link_local() || a.octets()[0] == 0,
        IpAddr::V6(a) => {
            a.is_loopback() || a.is_unspecified() || a.is_unique_local() || a.is_unicast_link_local()
        }
    }
}

/// Adds the CNAME that a DNAME makes of a name (RFC 6672 §3.4); returns its target.
fn synthesise(name: Name<'_>, dname: &Rrset, list: &mut Vec<Claim>) -> Option<NameBuf> {
    let target = Name::from_wire(dname.rdatas().iter().next()?).ok()?;
    let target = NameBuf::substitute(name, dname.name.as_name(), target).ok()?;
    let mut set = Rrset::new(name, Rtype::CNAME, dname.ttl);
    set.push(target.as_name().as_bytes());
    list.push(Claim { name: name.to_owned(), rtype: Rtype::CNAME, what: What::Made(set) });
    Some(target)
}

fn records(name: Name<'_>, set: &Rrset) -> Claim {
    Claim { name: name.to_owned(), rtype: set.rtype, what: What::Records(set.clone()) }
}

/// The SOA that may deny `name`: of a zone that holds it, and that the server may speak for.
fn soa<'s>(asked: &Asked<'_>, name: Name<'_>, authority: &'s [Rrset]) -> Option<&'s Rrset> {
    let zone = asked.zone.zone.as_name();
    authority.iter().find(|set| {
        let owner = set.name.as_name();
        set.rtype == Rtype::SOA && name.is_within(owner) && owner.is_within(zone)
    })
}

fn denial(asked: &Asked<'_>, name: Name<'_>, rtype: Rtype, authority: &[Rrset]) -> Claim {
    Claim { name: name.to_owned(), rtype, what: What::Denied(soa(asked, name, authority).cloned()) }
}

/// A referral with the glue that the server may give: of names within its own zone.
fn referral(asked: &Asked<'_>, set: &Rrset, sets: &Sets, denials: Vec<Rrset>) -> Finding {
    let targets = set.rdatas().iter().filter_map(|rdata| Name::from_wire(rdata).ok());
    let servers = targets.take(limits::DELEGATION_SERVERS).map(|target| {
        let glue = sets
            .additional
            .iter()
            .filter(|glue| glue.name.as_name() == target && target.is_within(asked.zone.zone.as_name()));
        let addresses = glue.flat_map(addresses).take(limits::SERVER_ADDRESSES).collect();
        (target.to_owned(), addresses)
    });
    // Its case is that of the query, which was random.
    let mut zone = set.name.as_name().to_buf();
    zone.make_lowercase();
    let (servers, ttl) = (servers.collect(), set.ttl);
    // A DS of another name than the referral's says nothing of it.
    let ds = sets.authority.iter().find(|ds| ds.rtype == Rtype::DS && ds.name.as_name() == zone.as_name());
    let mut evidence = ds.map_or(denials, |ds| vec![ds.clone()]);
    let octets = |set: &Rrset| set.rdatas().as_bytes().len() + set.signatures().as_bytes().len();
    if evidence.iter().map(octets).sum::<usize>() > limits::EVIDENCE {
        evidence.clear();
    }
    Finding::Referral { zone: zone.as_name().to_owned(), servers, ttl, evidence }
}

/// The addresses of an A or AAAA set.
pub(super) fn addresses(set: &Rrset) -> impl Iterator<Item = IpAddr> {
    let rtype = set.rtype;
    set.rdatas().iter().filter_map(move |rdata| address(rtype, rdata))
}

/// The address in A or AAAA data.
pub(super) fn address(rtype: Rtype, rdata: &[u8]) -> Option<IpAddr> {
    match rtype {
        Rtype::A => Some(<[u8; 4]>::try_from(rdata).ok()?.into()),
        Rtype::AAAA => Some(<[u8; 16]>::try_from(rdata).ok()?.into()),
        _ => None,
    }
}

/// The servers that a priming reply names, with their addresses (RFC 9609 §3.2).
pub(super) fn root_servers(message: &Message<'_>) -> Option<(NameServers, u32)> {
    let sets = collect(message, Rtype::NS)?;
    let set = sets.answer.iter().find(|set| set.rtype == Rtype::NS && set.name.as_name().is_root())?;
    let targets = set.rdatas().iter().filter_map(|rdata| Name::from_wire(rdata).ok());
    let servers: Vec<_> = targets
        .take(limits::DELEGATION_SERVERS)
        .map(|target| {
            let glue = sets.additional.iter().filter(|glue| glue.name.as_name() == target);
            (target.to_owned(), glue.flat_map(addresses).take(limits::SERVER_ADDRESSES).collect())
        })
        .collect();
    // Servers without any address would leave us without a root.
    servers
        .iter()
        .any(|(_, addresses): &(_, Vec<IpAddr>)| !addresses.is_empty())
        .then_some((servers, set.ttl))
}
