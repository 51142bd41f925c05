//! IPv6 addresses that stand for IPv4 ones.

use ipnet::{IpNet, Ipv4Net};
use std::net::Ipv4Addr;

/// Prefixes that an IPv4 address follows, which says where the host is: IPv4-mapped (RFC 4291 §2.5.5.2), NAT64 with the well-known prefix
/// (RFC 6052 §2.1) and 6to4 (RFC 3056 §2). The first bits, and how many there are.
pub(crate) const EMBEDDING: [(u128, u8); 3] =
    [(0xffff << 32, 96), (0x64_ff9b << 96, 96), (0x2002 << 112, 16)];

/// Which of these prefixes an IPv6 prefix is or is part of, by its length, and the IPv4 prefix that stands in it.
pub(crate) fn embedded(prefix: IpNet) -> Option<(u8, Ipv4Net)> {
    let IpNet::V6(net) = prefix else { return None };
    let (bits, known) = (net.addr().to_bits(), net.prefix_len());
    let holds =
        |&(prefix, len): &(u128, u8)| known >= len && (bits ^ prefix).leading_zeros() >= u32::from(len);
    let len = EMBEDDING.iter().find(|embedding| holds(embedding))?.1;
    let v4 = Ipv4Addr::from_bits((bits >> (96 - len)) as u32);
    Some((len, Ipv4Net::new(v4, (known - len).min(32)).ok()?))
}
