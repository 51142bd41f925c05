//! A received query: one question, perhaps EDNS, and how to refuse what is not one (RFC 8906, RFC 9619).

use super::{
    Class, Edns, Flags, Header, Name, Opcode, Rcode, Record, Records, Rtype, Section, option, read_u16,
};

/// What is asked: a name, a type and a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question<'a> {
    /// The name, its case as the client wrote it.
    pub name: Name<'a>,
    /// The type.
    pub rtype: Rtype,
    /// The class.
    pub class: Class,
}

/// A well-formed query with exactly one question.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Identifier and flags as sent.
    pub id: u16,
    /// Flags as sent.
    pub flags: Flags,
    /// The question.
    pub question: Question<'a>,
    /// EDNS, if the query has an OPT record.
    pub edns: Option<Edns<'a>>,
    /// The TSIG record, if the query is signed (RFC 8945).
    pub tsig: Option<Record<'a>>,
    /// Header and question as sent: the start of every reply.
    pub head: &'a [u8],
}

/// Why bytes are not a query to answer, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryError<'a> {
    /// Shorter than a header, or itself a reply: silence, or two servers would talk for ever.
    Ignore,
    /// This response code: FORMERR, or NOTIMP for an opcode other than QUERY.
    Refuse {
        /// The query's identifier.
        id: u16,
        /// Its flags.
        flags: Flags,
        /// What to answer.
        rcode: Rcode,
        /// Its OPT record: if it has one, so must the reply (RFC 6891 §6.1.1).
        edns: Option<Edns<'a>>,
    },
    /// It has no question but a cookie, and gets one (RFC 7873 §5.4).
    CookieOnly {
        /// The query's identifier.
        id: u16,
        /// Its flags.
        flags: Flags,
        /// Its OPT record, with a COOKIE option.
        edns: Edns<'a>,
    },
}

impl<'a> Query<'a> {
    /// Reads a query. Records other than OPT and TSIG are stepped over; what is malformed in them is a FORMERR; bytes after
    /// the last record are let be.
    pub fn parse(bytes: &'a [u8]) -> Result<Query<'a>, QueryError<'a>> {
        let header = Header::parse(bytes).map_err(|_| QueryError::Ignore)?;
        let Header { id, flags, counts } = header;
        if flags.has(Flags::QR) {
            return Err(QueryError::Ignore);
        }
        let refuse = |rcode| QueryError::Refuse { id, flags, rcode, edns: edns_of(bytes, counts) };
        if flags.opcode() != Opcode::QUERY {
            return Err(refuse(Rcode::NOTIMP));
        }
        // RFC 9619 §4: a query has one question, or none but a cookie.
        if counts[0] != 1 {
            let edns = edns_of(bytes, counts).filter(|edns| edns.option(option::COOKIE).is_some());
            return match edns {
                Some(edns) if counts[0] == 0 => Err(QueryError::CookieOnly { id, flags, edns }),
                _ => Err(refuse(Rcode::FORMERR)),
            };
        }
        // What cannot be read to its end says nothing of EDNS.
        let form_err = QueryError::Refuse { id, flags, rcode: Rcode::FORMERR, edns: None };
        let (name, rest) = Name::parse(&bytes[Header::LEN..]).map_err(|_| form_err)?;
        let rtype = Rtype(read_u16(rest, 0).ok_or(form_err)?);
        let class = Class(read_u16(rest, 2).ok_or(form_err)?);
        let at = Header::LEN + name.len() + 4;
        let (edns, tsig) = if counts[1] | counts[2] | counts[3] == 0 {
            (None, None)
        } else {
            find_meta(bytes, at, counts).ok_or(form_err)?
        };
        Ok(Query { id, flags, question: Question { name, rtype, class }, edns, tsig, head: &bytes[..at] })
    }
}

/// The OPT and TSIG records, if any; none at all when records are malformed, there are two of a kind, one stands elsewhere than
/// in the additional section, OPT has another owner than the root (RFC 6891 §6.1.1), or TSIG is not the last (RFC 8945 §5.1).
#[allow(clippy::type_complexity)]
fn find_meta(bytes: &[u8], at: usize, counts: [u16; 4]) -> Option<(Option<Edns<'_>>, Option<Record<'_>>)> {
    let (mut edns, mut tsig) = (None, None);
    for record in Records::new(bytes, at, [counts[1], counts[2], counts[3]]) {
        let record = record.ok()?;
        let additional = record.section == Section::Additional;
        match record.rtype {
            _ if tsig.is_some() => return None,
            Rtype::OPT if additional && edns.is_none() && record.owner().ok()?.as_name().is_root() => {
                edns = Some(Edns::from_record(&record).ok()?);
            }
            Rtype::TSIG if additional => tsig = Some(record),
            Rtype::OPT | Rtype::TSIG => return None,
            _ => (),
        }
    }
    Some((edns, tsig))
}

/// The OPT record of a message that is refused for other reasons, if it has a proper one.
fn edns_of(bytes: &[u8], counts: [u16; 4]) -> Option<Edns<'_>> {
    let at = match counts[0] {
        0 => Some(Header::LEN),
        1 => Name::parse(&bytes[Header::LEN..]).ok().map(|(name, _)| Header::LEN + name.len() + 4),
        _ => None,
    };
    at.and_then(|at| find_meta(bytes, at, counts)).and_then(|(edns, _)| edns)
}
