//! A zone as a master file.

use super::{Node, Zone};
use crate::rrset::print_rdata;
use crate::wire::{Name, Rtype};
use std::fmt::{self, Write};

/// Writes the zone in canonical order, names in full, the SOA first and NSEC3 records last: text that reads back to the same records.
pub fn print(zone: &Zone, out: &mut impl Write) -> fmt::Result {
    let mut rdata = String::new();
    let mut line = |owner: Name<'_>, ttl: u32, rtype: Rtype, octets: &[u8]| {
        rdata.clear();
        print_rdata(rtype, octets, &mut rdata);
        writeln!(out, "{owner} {ttl} IN {rtype} {rdata}")
    };
    let soa = zone.soa();
    for octets in soa.rdatas.iter() {
        line(zone.apex(), soa.ttl, Rtype::SOA, octets)?;
    }
    let mut written = Ok(());
    let mut print = |node: &Node| {
        for set in node.rrsets() {
            let records = set.rdatas.iter().map(|octets| (set.rtype, octets));
            let signatures = set.signatures.iter().map(|octets| (Rtype::RRSIG, octets));
            for (rtype, octets) in records.chain(signatures).filter(|(rtype, _)| *rtype != Rtype::SOA) {
                if written.is_ok() {
                    written = line(node.name(), set.ttl, rtype, octets);
                }
            }
        }
    };
    zone.for_each(&mut print);
    zone.for_each_hashed(&mut print);
    written
}
