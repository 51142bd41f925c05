//! The one table of types: each type's fields, in order. Text, checks, decompression, compression and canonical form all follow it.

use crate::wire::Rtype;

/// What a field is, on the wire and as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name. `compress`: may be written compressed (RFC 3597 §4: types of RFC 1035 only); `fold`: lower case in canonical form
    /// (RFC 4034 §6.2, RFC 6840 §5.1).
    Name { compress: bool, fold: bool },
    /// 8 bits.
    U8,
    /// 16 bits.
    U16,
    /// 32 bits.
    U32,
    /// 32 bits of seconds; text may have units (`1h30m`).
    Seconds,
    /// An IPv4 address.
    V4,
    /// An IPv6 address.
    V6,
    /// One character-string: a length octet and up to 255 octets.
    Text,
    /// Character-strings to the end, at least one.
    Texts,
    /// One character-string that may be missing (ISDN's subaddress).
    OptionalText,
    /// A character-string of letters and digits, never quoted (CAA tags).
    Tag,
    /// Octets to the end, one quoted string of any length as text.
    LongText,
    /// Octets to the end as hexadecimal digits, spaces allowed.
    Hex,
    /// A length octet and octets, as hexadecimal digits or `-`.
    ShortHex,
    /// Octets to the end as base 64.
    Base64,
    /// The same, or nothing (a KEY that says there is none, RFC 2535 §3.1.2).
    OptionalBase64,
    /// A length octet and octets, as base 32 with the extended hex alphabet.
    ShortBase32,
    /// A record type.
    Type,
    /// A set of types (RFC 4034 §4.1.2).
    Types,
    /// The same below 128, one plain bitmap (RFC 2535 §5.2).
    OldTypes,
    /// A bitmap of ports, numbers or mnemonics (RFC 1035 §3.4.2).
    Ports,
    /// A time as 14 digits or seconds (RFC 4034 §3.2).
    Time,
    /// 8 bits, as text a number or one of these mnemonics.
    Code8(&'static [(&'static str, u16)]),
    /// 16 bits, likewise.
    Code16(&'static [(&'static str, u16)]),
    /// 48 bits as six pairs of hexadecimal digits with hyphens.
    Eui48,
    /// 64 bits as eight such pairs.
    Eui64,
    /// 64 bits as four groups of hexadecimal digits with colons.
    Groups64,
    /// `0x` and hexadecimal digits to the end, periods ignored (NSAP).
    Nsap,
    /// A location (RFC 1876).
    Location,
    /// Address prefixes (RFC 3123).
    Prefixes,
    /// Service parameters (RFC 9460).
    Params,
    /// Gateway of IPSECKEY: precedence, type, algorithm, gateway, key (RFC 4025).
    IpsecKey,
    /// Precedence, discovery bit, type, relay (RFC 8777).
    AmtRelay,
    /// A host identity (RFC 8005).
    HostIdentity,
}

/// A field: what a person calls it, and what it is.
pub(super) type Field = (&'static str, Kind);

/// A name that may be compressed: types of RFC 1035.
const NAME: Kind = Kind::Name { compress: true, fold: true };
/// A name of the types that RFC 4034 §6.2 lists beyond those.
const FOLDED: Kind = Kind::Name { compress: false, fold: true };
/// A name of later types.
const PLAIN: Kind = Kind::Name { compress: false, fold: false };
const ALGORITHM: Kind = Kind::Code8(ALGORITHMS);

const DS: &[Field] =
    &[("key tag", Kind::U16), ("algorithm", ALGORITHM), ("digest type", Kind::U8), ("digest", Kind::Hex)];
const DNSKEY: &[Field] =
    &[("flags", Kind::U16), ("protocol", Kind::U8), ("algorithm", ALGORITHM), ("public key", Kind::Base64)];
const RRSIG: &[Field] = &[
    ("type covered", Kind::Type),
    ("algorithm", ALGORITHM),
    ("labels", Kind::U8),
    ("original TTL", Kind::Seconds),
    ("expiration", Kind::Time),
    ("inception", Kind::Time),
    ("key tag", Kind::U16),
    ("signer", FOLDED),
    ("signature", Kind::Base64),
];
const TLSA: &[Field] = &[
    ("usage", Kind::U8),
    ("selector", Kind::U8),
    ("matching type", Kind::U8),
    ("certificate association data", Kind::Hex),
];
const SVCB: &[Field] = &[("priority", Kind::U16), ("target", PLAIN), ("parameters", Kind::Params)];
const MAIL: &[Field] = &[("preference", Kind::U16), ("exchange", NAME)];
const RANKED: &[Field] = &[("preference", Kind::U16), ("host", FOLDED)];
const TARGET: &[Field] = &[("name", NAME)];
const TEXTS: &[Field] = &[("text", Kind::Texts)];

/// The fields of a type; none when it is not in the table: its data is opaque (RFC 3597).
pub(super) fn fields(rtype: Rtype) -> Option<&'static [Field]> {
    Some(match rtype {
        Rtype::A => &[("address", Kind::V4)],
        Rtype::AAAA => &[("address", Kind::V6)],
        Rtype::NS | Rtype::CNAME | Rtype::PTR | Rtype::MD | Rtype::MF | Rtype::MB | Rtype::MG | Rtype::MR => {
            TARGET
        }
        Rtype::SOA => &[
            ("primary", NAME),
            ("contact", NAME),
            ("serial", Kind::U32),
            ("refresh", Kind::Seconds),
            ("retry", Kind::Seconds),
            ("expire", Kind::Seconds),
            ("minimum", Kind::Seconds),
        ],
        Rtype::MX => MAIL,
        Rtype::TXT | Rtype::SPF | Rtype::AVC | Rtype::NINFO | Rtype::RESINFO | Rtype::WALLET | Rtype::CLA => {
            TEXTS
        }
        Rtype::WKS => &[("address", Kind::V4), ("protocol", Kind::Code8(PROTOCOLS)), ("ports", Kind::Ports)],
        Rtype::HINFO => &[("cpu", Kind::Text), ("os", Kind::Text)],
        Rtype::MINFO => &[("responsible mailbox", NAME), ("error mailbox", NAME)],
        Rtype::RP => &[("mailbox", FOLDED), ("text name", FOLDED)],
        Rtype::AFSDB | Rtype::RT | Rtype::KX => RANKED,
        Rtype::X25 => &[("address", Kind::Text)],
        Rtype::ISDN => &[("address", Kind::Text), ("subaddress", Kind::OptionalText)],
        Rtype::NSAP => &[("address", Kind::Nsap)],
        Rtype::DNAME => &[("name", FOLDED)],
        // RFC 4034 §6.2 does not list it: BIND lowers its case for signing, ldns does not.
        Rtype::NSAP_PTR => &[("name", PLAIN)],
        Rtype::PX => &[("preference", Kind::U16), ("RFC 822 name", FOLDED), ("X.400 name", FOLDED)],
        Rtype::GPOS => &[("longitude", Kind::Text), ("latitude", Kind::Text), ("altitude", Kind::Text)],
        Rtype::LOC => &[("location", Kind::Location)],
        Rtype::SRV => {
            &[("priority", Kind::U16), ("weight", Kind::U16), ("port", Kind::U16), ("target", FOLDED)]
        }
        Rtype::NAPTR => &[
            ("order", Kind::U16),
            ("preference", Kind::U16),
            ("flags", Kind::Text),
            ("services", Kind::Text),
            ("regular expression", Kind::Text),
            ("replacement", FOLDED),
        ],
        Rtype::CERT => &[
            ("type", Kind::Code16(CERT_TYPES)),
            ("key tag", Kind::U16),
            ("algorithm", ALGORITHM),
            ("certificate", Kind::Base64),
        ],
        Rtype::APL => &[("prefixes", Kind::Prefixes)],
        Rtype::DS | Rtype::CDS | Rtype::DLV | Rtype::TA => DS,
        Rtype::SSHFP => {
            &[("algorithm", Kind::U8), ("fingerprint type", Kind::U8), ("fingerprint", Kind::Hex)]
        }
        Rtype::IPSECKEY => &[("IPsec key", Kind::IpsecKey)],
        Rtype::RRSIG | Rtype::SIG => RRSIG,
        Rtype::NXT => &[("next name", FOLDED), ("types", Kind::OldTypes)],
        Rtype::NSEC => &[("next name", PLAIN), ("types", Kind::Types)],
        Rtype::DNSKEY | Rtype::CDNSKEY | Rtype::RKEY => DNSKEY,
        Rtype::KEY => &[
            ("flags", Kind::U16),
            ("protocol", Kind::U8),
            ("algorithm", ALGORITHM),
            ("public key", Kind::OptionalBase64),
        ],
        Rtype::DHCID | Rtype::OPENPGPKEY | Rtype::HHIT | Rtype::BRID => &[("data", Kind::Base64)],
        Rtype::NSEC3 => &[
            ("hash algorithm", Kind::U8),
            ("flags", Kind::U8),
            ("iterations", Kind::U16),
            ("salt", Kind::ShortHex),
            ("next hashed owner", Kind::ShortBase32),
            ("types", Kind::Types),
        ],
        Rtype::NSEC3PARAM => &[
            ("hash algorithm", Kind::U8),
            ("flags", Kind::U8),
            ("iterations", Kind::U16),
            ("salt", Kind::ShortHex),
        ],
        Rtype::TLSA | Rtype::SMIMEA => TLSA,
        Rtype::HIP => &[("host identity", Kind::HostIdentity)],
        Rtype::TALINK => &[("previous name", PLAIN), ("next name", PLAIN)],
        Rtype::CSYNC => &[("serial", Kind::U32), ("flags", Kind::U16), ("types", Kind::Types)],
        Rtype::ZONEMD => &[
            ("serial", Kind::U32),
            ("scheme", Kind::U8),
            ("hash algorithm", Kind::U8),
            ("digest", Kind::Hex),
        ],
        Rtype::SVCB | Rtype::HTTPS => SVCB,
        Rtype::DSYNC => {
            &[("type", Kind::Type), ("scheme", Kind::Code8(SCHEMES)), ("port", Kind::U16), ("target", PLAIN)]
        }
        Rtype::EID | Rtype::NIMLOC => &[("data", Kind::Hex)],
        Rtype::NID => &[("preference", Kind::U16), ("node identifier", Kind::Groups64)],
        Rtype::L32 => &[("preference", Kind::U16), ("locator", Kind::V4)],
        Rtype::L64 => &[("preference", Kind::U16), ("locator", Kind::Groups64)],
        Rtype::LP => &[("preference", Kind::U16), ("name", PLAIN)],
        Rtype::EUI48 => &[("address", Kind::Eui48)],
        Rtype::EUI64 => &[("address", Kind::Eui64)],
        Rtype::URI => &[("priority", Kind::U16), ("weight", Kind::U16), ("target", Kind::LongText)],
        Rtype::CAA => &[("flags", Kind::U8), ("tag", Kind::Tag), ("value", Kind::LongText)],
        Rtype::DOA => &[
            ("enterprise", Kind::U32),
            ("type", Kind::U32),
            ("location", Kind::U8),
            ("media type", Kind::Text),
            ("data", Kind::Base64),
        ],
        Rtype::AMTRELAY => &[("relay", Kind::AmtRelay)],
        _ => return None,
    })
}

/// DNSSEC algorithms with mnemonics (IANA "DNS Security Algorithm Numbers").
const ALGORITHMS: &[(&str, u16)] = &[
    ("RSAMD5", 1),
    ("DH", 2),
    ("DSA", 3),
    ("RSASHA1", 5),
    ("DSA-NSEC3-SHA1", 6),
    ("RSASHA1-NSEC3-SHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECC-GOST", 12),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
    ("INDIRECT", 252),
    ("PRIVATEDNS", 253),
    ("PRIVATEOID", 254),
];

/// Protocols of WKS.
const PROTOCOLS: &[(&str, u16)] = &[("TCP", 6), ("UDP", 17)];

/// Ports of WKS that old zones have by name (IANA "Service Name and Transport Protocol Port Number Registry").
pub(super) const SERVICES: &[(&str, u16)] = &[
    ("ftp-data", 20),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("time", 37),
    ("domain", 53),
    ("tftp", 69),
    ("finger", 79),
    ("http", 80),
    ("pop3", 110),
    ("sunrpc", 111),
    ("nntp", 119),
    ("ntp", 123),
    ("imap", 143),
    ("https", 443),
];

/// Schemes of DSYNC (RFC 9859 §3).
const SCHEMES: &[(&str, u16)] = &[("NOTIFY", 1)];

/// Certificate types with mnemonics (RFC 4398 §2.1).
const CERT_TYPES: &[(&str, u16)] = &[
    ("PKIX", 1),
    ("SPKI", 2),
    ("PGP", 3),
    ("IPKIX", 4),
    ("ISPKI", 5),
    ("IPGP", 6),
    ("ACPKIX", 7),
    ("IACPKIX", 8),
    ("URI", 253),
    ("OID", 254),
];
