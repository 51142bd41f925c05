//! What the fields of a type cannot say: data that has their form, but for which other readers refuse the whole reply. Asked of
//! what we publish, not of what we receive: there the data of others is theirs to get right.

use super::svcb;
use crate::wire::{Name, Rtype};

/// Why data of the right form is not published; none when it may be.
pub(super) fn broken(rtype: Rtype, rdata: &[u8]) -> Option<String> {
    match rtype {
        Rtype::DS | Rtype::CDS | Rtype::DLV | Rtype::TA => digest_of_wrong_length(rdata),
        // RFC 2535 §3.1.2: the top two flags say that there is no key.
        Rtype::KEY if rdata.len() == 4 && rdata[0] >> 6 != 3 => Some("the public key is missing".into()),
        // RFC 4034 §4.1.2: a name without types has no NSEC.
        Rtype::NSEC if Name::parse(rdata).is_ok_and(|(_, types)| types.is_empty()) => {
            Some("the types are missing: NSEC itself is one".into())
        }
        // RFC 1183 §3.1: the first four digits are the network.
        Rtype::X25 if rdata.len() < 5 || !rdata[1..].iter().all(u8::is_ascii_digit) => {
            Some("the address must be four digits or more".into())
        }
        Rtype::SVCB | Rtype::HTTPS => {
            let (_, params) = Name::parse(rdata.get(2..)?).ok()?;
            svcb::has_bad_dohpath(params).then(|| {
                "dohpath must begin with / and have the variable dns, as in /dns-query{?dns} (RFC 9461)"
                    .into()
            })
        }
        _ => None,
    }
}

/// RFC 4034 §5.1.4, RFC 4509 §2.2, RFC 6605 §2. The digest type of a CDS that deletes is 0 (RFC 8078 §4).
fn digest_of_wrong_length(rdata: &[u8]) -> Option<String> {
    let (&digest_type, found) = (rdata.get(3)?, rdata.len() - 4);
    let len = match digest_type {
        1 => 20,
        2 => 32,
        4 => 48,
        _ => return None,
    };
    let message = format!("a digest of type {digest_type} has {len} octets, this one has {found}");
    (found != len).then_some(message)
}
