//! EDNS (RFC 6891): the OPT record as a view, its options, client subnets (RFC 7871) and extended errors (RFC 8914).

use super::{Malformed, Record};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Codes of EDNS options (IANA "DNS EDNS0 Option Codes").
#[allow(missing_docs)]
pub mod option {
    pub const NSID: u16 = 3;
    pub const CLIENT_SUBNET: u16 = 8;
    pub const EXPIRE: u16 = 9;
    pub const COOKIE: u16 = 10;
    pub const TCP_KEEPALIVE: u16 = 11;
    pub const PADDING: u16 = 12;
    pub const EDE: u16 = 15;
}

/// What an OPT record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns<'a> {
    /// The largest UDP payload the sender takes, at least 512 (RFC 6891 §6.2.3).
    pub udp_size: u16,
    /// The upper eight bits of the response code.
    pub rcode_high: u8,
    /// The version; only 0 exists.
    pub version: u8,
    /// DNSSEC OK: the sender wants signatures (RFC 3225).
    pub dnssec_ok: bool,
    /// Compact answers OK: the sender understands NXDOMAIN beside a compact denial (RFC 9824 §5.1).
    pub compact_ok: bool,
    options: &'a [u8],
}

impl<'a> Edns<'a> {
    /// Reads an OPT record. Its options must fill the record data exactly.
    pub fn from_record(record: &Record<'a>) -> Result<Edns<'a>, Malformed> {
        let [rcode_high, version, flags_high, _] = record.ttl.to_be_bytes();
        let edns = Edns {
            udp_size: record.class.0.max(512),
            rcode_high,
            version,
            dnssec_ok: flags_high & 0x80 != 0,
            compact_ok: flags_high & 0x40 != 0,
            options: record.rdata(),
        };
        let mut options = edns.options();
        while options.next().is_some() {}
        if options.0.is_empty() { Ok(edns) } else { Err(Malformed) }
    }

    /// The options in order.
    pub fn options(&self) -> EdnsOptions<'a> {
        EdnsOptions(self.options)
    }

    /// The data of the first option with this code.
    pub fn option(&self, code: u16) -> Option<&'a [u8]> {
        self.options().find(|o| o.code == code).map(|o| o.data)
    }
}

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdnsOption<'a> {
    /// Its code; see [`option`].
    pub code: u16,
    /// Its data.
    pub data: &'a [u8],
}

/// The options of an OPT record; ends early where they are malformed.
#[derive(Clone)]
pub struct EdnsOptions<'a>(&'a [u8]);

impl<'a> Iterator for EdnsOptions<'a> {
    type Item = EdnsOption<'a>;
    fn next(&mut self) -> Option<EdnsOption<'a>> {
        let (&[a, b, c, d], rest) = self.0.split_first_chunk()?;
        let (data, rest) = rest.split_at_checked(u16::from_be_bytes([c, d]) as usize)?;
        self.0 = rest;
        Some(EdnsOption { code: u16::from_be_bytes([a, b]), data })
    }
}

/// A client subnet option (RFC 7871 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSubnet {
    /// The address family as written: 1 for IPv4, 2 for IPv6, 0 for none, which a reply must repeat.
    pub family: u8,
    /// The prefix, bits beyond its length zero.
    pub address: IpAddr,
    /// How many bits of it the sender gave.
    pub source: u8,
    /// In a reply: for how many bits the answer holds. In a query zero.
    pub scope: u8,
}

impl ClientSubnet {
    /// Reads the option of a query. Wrong family, length, trailing bits or a scope are a FORMERR (RFC 7871 §7.1.2), but
    /// family 0 with length 0 is allowed and reads as `0.0.0.0/0`.
    pub fn from_query(data: &[u8]) -> Result<ClientSubnet, Malformed> {
        let (&[0, family, source, scope], bits) = data.split_first_chunk().ok_or(Malformed)? else {
            return Err(Malformed);
        };
        let width = match family {
            0 if source == 0 => 0,
            1 => 32,
            2 => 128,
            _ => return Err(Malformed),
        };
        if scope != 0 || source > width || bits.len() != usize::from(source).div_ceil(8) {
            return Err(Malformed);
        }
        let mut octets = [0; 16];
        octets[..bits.len()].copy_from_slice(bits);
        let spare = bits.len() * 8 - usize::from(source);
        if bits.last().is_some_and(|last| last & ((1u16 << spare) - 1) as u8 != 0) {
            return Err(Malformed);
        }
        let address = match family {
            2 => IpAddr::V6(Ipv6Addr::from(octets)),
            _ => IpAddr::V4(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3])),
        };
        Ok(ClientSubnet { family, address, source, scope: 0 })
    }

    /// Makes the scope no wider than `scope` bits. RFC 7871 §7.2.1: a client that gave no prefix gets no scope.
    pub fn narrow(&mut self, scope: u8) {
        if self.source > 0 {
            self.scope = self.scope.max(scope);
        }
    }

    /// Writes the option's data into `out`; returns how many octets.
    pub fn write(&self, out: &mut [u8; 20]) -> usize {
        out[..4].copy_from_slice(&[0, self.family, self.source, self.scope]);
        match self.address {
            IpAddr::V4(v4) => out[4..8].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => out[4..].copy_from_slice(&v6.octets()),
        }
        4 + usize::from(self.source).div_ceil(8).min(16)
    }
}

/// Extended DNS error codes (RFC 8914 §4 and the IANA registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ede(pub u16);

#[allow(missing_docs)]
impl Ede {
    pub const OTHER: Ede = Ede(0);
    pub const UNSUPPORTED_DNSKEY_ALGORITHM: Ede = Ede(1);
    pub const STALE_ANSWER: Ede = Ede(3);
    pub const FORGED_ANSWER: Ede = Ede(4);
    pub const UNSUPPORTED_DS_DIGEST: Ede = Ede(2);
    pub const DNSSEC_INDETERMINATE: Ede = Ede(5);
    pub const DNSSEC_BOGUS: Ede = Ede(6);
    pub const SIGNATURE_EXPIRED: Ede = Ede(7);
    pub const SIGNATURE_NOT_YET_VALID: Ede = Ede(8);
    pub const DNSKEY_MISSING: Ede = Ede(9);
    pub const RRSIGS_MISSING: Ede = Ede(10);
    pub const NO_ZONE_KEY_BIT: Ede = Ede(11);
    pub const NSEC_MISSING: Ede = Ede(12);
    pub const CACHED_ERROR: Ede = Ede(13);
    pub const NOT_READY: Ede = Ede(14);
    pub const STALE_NXDOMAIN_ANSWER: Ede = Ede(19);
    pub const BLOCKED: Ede = Ede(15);
    pub const PROHIBITED: Ede = Ede(18);
    pub const NOT_AUTHORITATIVE: Ede = Ede(20);
    pub const NOT_SUPPORTED: Ede = Ede(21);
    pub const NO_REACHABLE_AUTHORITY: Ede = Ede(22);
    pub const NETWORK_ERROR: Ede = Ede(23);
    pub const INVALID_DATA: Ede = Ede(24);
    pub const UNSUPPORTED_NSEC3_ITERATIONS: Ede = Ede(27);
    pub const NEGATIVE_TRUST_ANCHOR: Ede = Ede(33);
}

impl Ede {
    /// Whether it says that validation failed.
    pub fn is_of_validation(self) -> bool {
        matches!(self.0, 1 | 2 | 5..=12 | 27)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_subnet_reads_as_rfc_7871_says() {
        let check = |data: &[u8], expected: Option<(&str, u8)>| {
            let got = ClientSubnet::from_query(data).ok().map(|s| (s.address, s.source));
            assert_eq!(got, expected.map(|(a, n)| (a.parse().unwrap(), n)), "{data:?}");
        };
        check(&[0, 1, 24, 0, 192, 0, 2], Some(("192.0.2.0", 24)));
        check(&[0, 1, 20, 0, 192, 0, 0x20], Some(("192.0.32.0", 20)));
        check(&[0, 2, 32, 0, 0x20, 1, 0xd, 0xb8], Some(("2001:db8::", 32)));
        check(&[0, 1, 0, 0], Some(("0.0.0.0", 0)));
        check(&[0, 0, 0, 0], Some(("0.0.0.0", 0)));
        check(&[0, 1, 20, 0, 192, 0, 0x28], None); // a bit beyond the prefix
        check(&[0, 1, 24, 0, 192, 0], None);
        check(&[0, 1, 33, 0, 192, 0, 2, 1, 0], None);
        check(&[0, 3, 8, 0, 1], None);
        check(&[0, 1, 24, 24, 192, 0, 2], None);
        check(&[0, 1], None);
    }
}
