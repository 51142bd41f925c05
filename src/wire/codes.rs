//! Record types, classes, opcodes and response codes as numbers with names (IANA "DNS Parameters").

use std::fmt;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident: $int:ty, $prefix:literal { $($konst:ident = $value:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        #[allow(missing_docs)]
        impl $name { $(pub const $konst: $name = $name($value);)* }

        impl $name {
            /// The mnemonic, for the values that have one.
            pub fn mnemonic(self) -> Option<&'static str> {
                match self.0 { $($value => Some($text),)* _ => None }
            }

            /// The value with this mnemonic (any case) or of the RFC 3597 §5 form (`TYPE123`, `CLASS32`).
            pub fn from_text(text: &str) -> Option<$name> {
                $(if text.eq_ignore_ascii_case($text) { return Some($name($value)); })*
                let digits = text.get($prefix.len()..)?;
                let known = text.get(..$prefix.len())?.eq_ignore_ascii_case($prefix);
                if known && digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok().map($name) } else { None }
            }

            /// Every mnemonic, in order of value: for hints and help.
            pub const MNEMONICS: &'static [&'static str] = &[$($text),*];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.mnemonic() {
                    Some(text) => f.pad(text),
                    None => f.pad(&format!("{}{}", $prefix, self.0)),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
    };
}

codes! {
    /// A record type or question type.
    Rtype: u16, "TYPE" {
        A = 1 "A", NS = 2 "NS", MD = 3 "MD", MF = 4 "MF", CNAME = 5 "CNAME", SOA = 6 "SOA", MB = 7 "MB", MG = 8 "MG",
        MR = 9 "MR", NULL = 10 "NULL", WKS = 11 "WKS", PTR = 12 "PTR", HINFO = 13 "HINFO", MINFO = 14 "MINFO",
        MX = 15 "MX", TXT = 16 "TXT", RP = 17 "RP", AFSDB = 18 "AFSDB", X25 = 19 "X25", ISDN = 20 "ISDN", RT = 21 "RT",
        NSAP = 22 "NSAP", NSAP_PTR = 23 "NSAP-PTR", SIG = 24 "SIG", KEY = 25 "KEY", PX = 26 "PX", GPOS = 27 "GPOS",
        AAAA = 28 "AAAA", LOC = 29 "LOC", NXT = 30 "NXT", EID = 31 "EID", NIMLOC = 32 "NIMLOC", SRV = 33 "SRV",
        ATMA = 34 "ATMA", NAPTR = 35 "NAPTR", KX = 36 "KX", CERT = 37 "CERT", A6 = 38 "A6", DNAME = 39 "DNAME",
        SINK = 40 "SINK", OPT = 41 "OPT", APL = 42 "APL", DS = 43 "DS", SSHFP = 44 "SSHFP", IPSECKEY = 45 "IPSECKEY",
        RRSIG = 46 "RRSIG", NSEC = 47 "NSEC", DNSKEY = 48 "DNSKEY", DHCID = 49 "DHCID", NSEC3 = 50 "NSEC3",
        NSEC3PARAM = 51 "NSEC3PARAM", TLSA = 52 "TLSA", SMIMEA = 53 "SMIMEA", HIP = 55 "HIP", NINFO = 56 "NINFO",
        RKEY = 57 "RKEY", TALINK = 58 "TALINK", CDS = 59 "CDS", CDNSKEY = 60 "CDNSKEY", OPENPGPKEY = 61 "OPENPGPKEY",
        CSYNC = 62 "CSYNC", ZONEMD = 63 "ZONEMD", SVCB = 64 "SVCB", HTTPS = 65 "HTTPS", DSYNC = 66 "DSYNC",
        HHIT = 67 "HHIT", BRID = 68 "BRID", SPF = 99 "SPF", UINFO = 100 "UINFO", UID = 101 "UID", GID = 102 "GID",
        UNSPEC = 103 "UNSPEC", NID = 104 "NID", L32 = 105 "L32", L64 = 106 "L64", LP = 107 "LP", EUI48 = 108 "EUI48",
        EUI64 = 109 "EUI64", NXNAME = 128 "NXNAME", TKEY = 249 "TKEY", TSIG = 250 "TSIG", IXFR = 251 "IXFR",
        AXFR = 252 "AXFR", MAILB = 253 "MAILB", MAILA = 254 "MAILA", ANY = 255 "ANY", URI = 256 "URI", CAA = 257 "CAA",
        AVC = 258 "AVC", DOA = 259 "DOA", AMTRELAY = 260 "AMTRELAY", RESINFO = 261 "RESINFO", WALLET = 262 "WALLET",
        CLA = 263 "CLA", IPN = 264 "IPN", TA = 32768 "TA", DLV = 32769 "DLV",
    }
}

impl Rtype {
    /// A type that only a question or a message may have (RFC 6895 §3.1: OPT, 128–255), never a record of a zone or cache.
    pub const fn is_meta(self) -> bool {
        self.0 == 41 || (self.0 >= 128 && self.0 <= 255) || self.0 == 0
    }
}

codes! {
    /// A class.
    Class: u16, "CLASS" { IN = 1 "IN", CH = 3 "CH", HS = 4 "HS", NONE = 254 "NONE", ANY = 255 "ANY", }
}

codes! {
    /// An operation code: 4 bits.
    Opcode: u8, "OPCODE" {
        QUERY = 0 "QUERY", IQUERY = 1 "IQUERY", STATUS = 2 "STATUS", NOTIFY = 4 "NOTIFY", UPDATE = 5 "UPDATE", DSO = 6 "DSO",
    }
}

codes! {
    /// A response code: 4 bits of the header and, with EDNS, 8 more (RFC 6891 §6.1.3).
    Rcode: u16, "RCODE" {
        NOERROR = 0 "NOERROR", FORMERR = 1 "FORMERR", SERVFAIL = 2 "SERVFAIL", NXDOMAIN = 3 "NXDOMAIN", NOTIMP = 4 "NOTIMP",
        REFUSED = 5 "REFUSED", YXDOMAIN = 6 "YXDOMAIN", YXRRSET = 7 "YXRRSET", NXRRSET = 8 "NXRRSET", NOTAUTH = 9 "NOTAUTH",
        NOTZONE = 10 "NOTZONE", DSOTYPENI = 11 "DSOTYPENI", BADVERS = 16 "BADVERS", BADKEY = 17 "BADKEY", BADTIME = 18 "BADTIME",
        BADMODE = 19 "BADMODE", BADNAME = 20 "BADNAME", BADALG = 21 "BADALG", BADTRUNC = 22 "BADTRUNC", BADCOOKIE = 23 "BADCOOKIE",
    }
}
