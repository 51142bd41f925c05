//! Address hints of HTTPS and SVCB records (RFC 9460 §7.3) of steered names: the addresses that the name itself is answered with.

use super::{Source, Walk};
use crate::limits;
use crate::steer::{Answer, Cursor, Family, Steering};
use crate::wire::{Full, Name, Rtype, Writer, read_u16};
use crate::zone::{RrsetRef, SteerId};
use std::net::IpAddr;

/// The hints' keys (RFC 9460 §14.3.2).
const IPV4HINT: u16 = 4;
const IPV6HINT: u16 = 6;

/// Addresses as the hints have them, one after the other.
struct Hints {
    v4: ([u8; 4 * limits::POOL_ANSWERS], usize),
    v6: ([u8; 16 * limits::POOL_ANSWERS], usize),
}

impl Hints {
    fn add(&mut self, address: IpAddr) {
        fn put(into: &mut [u8], len: &mut usize, octets: &[u8]) {
            if let Some(room) = into.get_mut(*len..*len + octets.len()) {
                room.copy_from_slice(octets);
                *len += octets.len();
            }
        }
        match address {
            IpAddr::V4(v4) => put(&mut self.v4.0, &mut self.v4.1, &v4.octets()),
            IpAddr::V6(v6) => put(&mut self.v6.0, &mut self.v6.1, &v6.octets()),
        }
    }

    /// Writes a record with these hints in place of its own. Parameters stand in order of their keys (RFC 9460 §2.2).
    fn write(&self, writer: &mut Writer<'_>, owner: Name<'_>, rdata: &[u8]) -> Result<(), Full> {
        let Some(mut rest) = parameters(owner, rdata) else { return writer.bytes(rdata) };
        writer.bytes(&rdata[..rdata.len() - rest.len()])?;
        let mut hints = [(IPV4HINT, &self.v4.0[..self.v4.1]), (IPV6HINT, &self.v6.0[..self.v6.1])]
            .into_iter()
            .filter(|(_, octets)| !octets.is_empty())
            .peekable();
        let hint = |writer: &mut Writer<'_>, (key, octets): (u16, &[u8])| {
            writer.u16(key)?;
            writer.u16(octets.len() as u16)?;
            writer.bytes(octets)
        };
        while let (Some(key), Some(len)) = (read_u16(rest, 0), read_u16(rest, 2)) {
            while let Some(before) = hints.next_if(|(hint, _)| *hint < key) {
                hint(writer, before)?;
            }
            let (parameter, more) = rest.split_at((4 + usize::from(len)).min(rest.len()));
            if !matches!(key, IPV4HINT | IPV6HINT) {
                writer.bytes(parameter)?;
            }
            rest = more;
        }
        hints.try_for_each(|left| hint(writer, left))
    }
}

/// The parameters of a record that says how its owner is to be reached; none of one that leads elsewhere, or is an alias.
fn parameters<'r>(owner: Name<'_>, rdata: &'r [u8]) -> Option<&'r [u8]> {
    let priority = read_u16(rdata, 0)?;
    let (target, parameters) = Name::parse(&rdata[2..]).ok()?;
    // RFC 9460 §2.5.2: the root stands for the owner.
    let is_own = target.is_root() || target == owner;
    (priority != 0 && is_own).then_some(parameters)
}

impl<'a> Walk<'a, '_> {
    /// Adds the HTTPS or SVCB records of a steered name. False when nothing of them depends on it: then they are like any others.
    pub(super) fn add_hinted(
        &mut self,
        steering: &'a Steering,
        id: SteerId,
        name: Name<'_>,
        set: &RrsetRef<'_>,
    ) -> bool {
        let is_kind = matches!(set.rtype, Rtype::HTTPS | Rtype::SVCB);
        if !is_kind || !set.rdatas.iter().any(|rdata| parameters(name, rdata).is_some()) {
            return false;
        }
        let mut hints =
            Hints { v4: ([0; 4 * limits::POOL_ANSWERS], 0), v6: ([0; 16 * limits::POOL_ANSWERS], 0) };
        let mut ttl = set.ttl;
        self.reseed();
        for family in [Family::V4, Family::V6] {
            // It takes no turn: that is for who asks for the addresses.
            let choice = self.choose(steering, id, family, Cursor::Peek);
            ttl = ttl.min(choice.ttl);
            if let Answer::Addresses { picked, count } = choice.answer {
                let picked = picked[..usize::from(count)].iter();
                picked.for_each(|member| hints.add(steering.policy.address(*member)));
            }
        }
        self.reply.source = Source::Steered;
        self.reply.rewritten(name, set, ttl, |writer, rdata| hints.write(writer, name, rdata));
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::answer::View;
    use crate::answer::tests::{ask, steered};
    use crate::zone::ZoneSet;

    #[test]
    fn the_https_records_of_a_steered_name_have_the_addresses_of_its_pool_as_hints() {
        let text = r#"
[records]
"@" = { NS = "ns.elsewhere." }
www = { route = "r", HTTPS = ["1 . alpn=h2 port=8443 ipv4hint=203.0.113.1 ech=AAA=", "2 www key700=x", "3 other.h. ipv4hint=203.0.113.2"] }
alias = { route = "r", HTTPS = "0 other.h." }
svc = { pool = "six", SVCB = "1 ." }
other = { A = "203.0.113.2", HTTPS = "1 . ipv4hint=203.0.113.2" }
[pool.both]
members = ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
[pool.six]
members = ["2001:db8::6"]
[route.r]
fallback = "both"
rule = { cidr = "198.51.0.0/16", use = "six" }
"#;
        let (zone, steering) = steered("h.", text, 0);
        let zones = ZoneSet::new(vec![zone]);
        let view = View { zones, steering: vec![steering], recursion: None, ..View::default() };
        for (question, wanted) in [
            (
                "www.h. HTTPS",
                &[
                    "1 . alpn=\"h2\" port=8443 ipv4hint=192.0.2.1,192.0.2.2 ech=AAA= ipv6hint=2001:db8::1",
                    "2 www.h. ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1 key700=\"x\"",
                    "3 other.h. ipv4hint=203.0.113.2",
                ][..],
            ),
            (
                "www.h. HTTPS subnet=198.51.100.0/24",
                &[
                    "1 . alpn=\"h2\" port=8443 ech=AAA= ipv6hint=2001:db8::6",
                    "3 other.h. ipv4hint=203.0.113.2",
                ],
            ),
            ("alias.h. HTTPS", &["0 other.h."]),
            ("svc.h. SVCB", &["1 . ipv6hint=2001:db8::6"]),
            ("other.h. HTTPS", &["1 . ipv4hint=203.0.113.2"]),
        ] {
            let reply = ask(&view, question);
            for wanted in wanted {
                assert!(
                    reply.lines().any(|line| line.ends_with(wanted)),
                    "{question}: {wanted} is not in\n{reply}"
                );
            }
        }
    }
}
