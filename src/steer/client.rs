//! Who asks, as far as steering cares.

use super::place;
use crate::config::{EMBEDDING, embedded};
use ipnet::IpNet;
use std::net::IpAddr;

/// A client, or all clients of a prefix. An IPv6 address that stands for an IPv4 one is that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's prefix from ECS, or the sender's address.
    pub(super) address: IpAddr,
    /// How many bits of it are known: the ECS source length, or all.
    pub(super) bits: u8,
    /// The length of the IPv6 prefix that an IPv4 address was found behind; 0 where there was none.
    behind: u8,
}

impl Client {
    /// A client of which so many bits are known.
    pub fn new(address: IpAddr, bits: u8) -> Client {
        let bits = bits.min(if address.is_ipv4() { 32 } else { 128 });
        let within = IpNet::new(address, bits).ok().and_then(embedded);
        // One of which no more is known than that prefix may be any.
        match within.filter(|(_, v4)| v4.prefix_len() > 0) {
            Some((behind, v4)) => Client { address: v4.addr().into(), bits: v4.prefix_len(), behind },
            None => Client { address, bits, behind: 0 },
        }
    }

    /// The client that is a whole address.
    pub fn at(address: IpAddr) -> Client {
        Client::new(address, 128)
    }

    /// A whole address that is taken as it is, whatever it stands for.
    pub(super) fn plain(address: IpAddr) -> Client {
        Client { address, bits: if address.is_ipv4() { 32 } else { 128 }, behind: 0 }
    }

    /// The length of the widest prefix around an IPv6 client that is apart from those in which IPv4 addresses are embedded: what is decided
    /// for it says nothing of clients there, who are told apart by another address. That of one of which too little is known to say which
    /// address is embedded is such a prefix itself. 0 for IPv4.
    pub(super) fn apart(&self) -> u8 {
        let IpAddr::V6(v6) = self.address else { return 0 };
        let alike = |(prefix, len): &(u128, u8)| {
            let alike = place::alike(v6.to_bits(), *prefix);
            if alike < *len { alike + 1 } else { *len }
        };
        EMBEDDING.iter().map(alike).fold(0, u8::max)
    }

    /// The address it is told apart by.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The ECS scope for what depends on so many bits of the address, of those that are known: counted in the client's own family. What is
    /// decided for an IPv4 address says nothing of the rest of IPv6, even when all of IPv4 is decided alike.
    pub(super) fn scope(&self, bits: u8) -> u8 {
        self.behind + bits.min(self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_addresses_that_stand_for_ipv4_are_those() {
        for (address, bits, folded, known, scope_of_24) in [
            ("192.0.2.1", 32, "192.0.2.1", 32, 24),
            ("192.0.2.0", 24, "192.0.2.0", 24, 24),
            ("2001:db8::1", 56, "2001:db8::1", 56, 24),
            ("::ffff:192.0.2.1", 128, "192.0.2.1", 32, 120),
            ("::ffff:192.0.2.0", 120, "192.0.2.0", 24, 120),
            ("64:ff9b::192.0.2.1", 128, "192.0.2.1", 32, 120),
            ("2002:c000:201:5::1", 128, "192.0.2.1", 32, 40),
            ("2002:c000:200::", 40, "192.0.2.0", 24, 40),
            ("2002:c000::", 24, "192.0.0.0", 8, 24),
            // Too little is known.
            ("2002::", 16, "2002::", 16, 16),
            ("::ffff:0:0", 96, "::ffff:0:0", 96, 24),
            // Other prefixes of NAT64, and IPv4-compatible addresses, are not.
            ("64:ff9b:1::c000:201", 128, "64:ff9b:1::c000:201", 128, 24),
            ("::192.0.2.1", 128, "::192.0.2.1", 128, 24),
        ] {
            let client = Client::new(address.parse().unwrap(), bits);
            let (address, folded): (IpAddr, IpAddr) = (client.address, folded.parse().unwrap());
            assert_eq!((address, client.bits, client.scope(24)), (folded, known, scope_of_24));
        }
        assert_eq!(Client::at([192, 0, 2, 1].into()).bits, 32);
    }
}
