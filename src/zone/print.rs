//! A zone as a master file.

use super::Zone;
use crate::rrset::print_rdata;
use crate::wire::Rtype;
use std::fmt::{self, Write};

/// Writes the zone in canonical order, names in full, the SOA first: text that reads back to the same records.
pub fn print(zone: &Zone, out: &mut impl Write) -> fmt::Result {
    let (mut written, mut rdata) = (Ok(()), String::new());
    let mut line = |out: &mut dyn Write, owner, ttl: u32, rtype: Rtype, octets: &[u8]| {
        rdata.clear();
        print_rdata(rtype, octets, &mut rdata);
        writeln!(out, "{owner} {ttl} IN {rtype} {rdata}")
    };
    let soa = zone.soa();
    for octets in soa.rdatas.iter() {
        line(out, zone.apex(), soa.ttl, Rtype::SOA, octets)?;
    }
    zone.for_each(|node| {
        for set in node.rrsets().filter(|set| set.rtype != Rtype::SOA) {
            let records = set.rdatas.iter().map(|octets| (set.rtype, octets));
            let signatures = set.signatures.iter().map(|octets| (Rtype::RRSIG, octets));
            for (rtype, octets) in records.chain(signatures) {
                if written.is_ok() {
                    written = line(out, super::tree::Named::name(node), set.ttl, rtype, octets);
                }
            }
        }
    });
    written
}
