//! A received query: one question, perhaps EDNS, and how to refuse what is not one (RFC 8906, RFC 9619).

use super::{Class, Edns, Flags, Header, Name, Opcode, Records, Rtype, Section, edns, read_u16};

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
    /// Header and question as sent: the start of every reply.
    pub head: &'a [u8],
}

/// Why bytes are not a query to answer, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryError {
    /// Shorter than a header, or itself a reply: silence, or two servers would talk for ever.
    Ignore,
    /// FORMERR with this identifier and these flags.
    FormErr(u16, Flags),
    /// NOTIMP with this identifier and these flags: an opcode other than QUERY.
    NotImp(u16, Flags),
}

impl<'a> Query<'a> {
    /// Reads a query. Records other than OPT are stepped over (a TSIG or SIG(0) is not used); what is malformed in them is
    /// a FORMERR; bytes after the last record are let be.
    pub fn parse(bytes: &'a [u8]) -> Result<Query<'a>, QueryError> {
        let header = Header::parse(bytes).map_err(|_| QueryError::Ignore)?;
        let Header { id, flags, counts } = header;
        if flags.has(Flags::QR) {
            return Err(QueryError::Ignore);
        }
        if flags.opcode() != Opcode::QUERY {
            return Err(QueryError::NotImp(id, flags));
        }
        let form_err = QueryError::FormErr(id, flags);
        // RFC 9619: a query has one question. RFC 7873's query without one is refused like others.
        if counts[0] != 1 {
            return Err(form_err);
        }
        let (name, rest) = Name::parse(&bytes[Header::LEN..]).map_err(|_| form_err)?;
        let rtype = Rtype(read_u16(rest, 0).ok_or(form_err)?);
        let class = Class(read_u16(rest, 2).ok_or(form_err)?);
        let at = Header::LEN + name.len() + 4;
        let edns = if counts[1] | counts[2] | counts[3] == 0 {
            None
        } else {
            find_edns(bytes, at, &counts).ok_or(form_err)?
        };
        Ok(Query { id, flags, question: Question { name, rtype, class }, edns, head: &bytes[..at] })
    }
}

/// The OPT record, if any; none at all when records are malformed, there are two OPTs, or one stands elsewhere than in the
/// additional section or has another owner than the root (RFC 6891 §6.1.1).
fn find_edns<'a>(bytes: &'a [u8], at: usize, counts: &[u16; 4]) -> Option<Option<Edns<'a>>> {
    let mut found = None;
    for record in Records::new(bytes, at, [counts[1], counts[2], counts[3]]) {
        let record = record.ok()?;
        if record.rtype == Rtype::OPT {
            let proper = record.section == Section::Additional && record.owner().ok()?.as_name().is_root();
            if !proper || found.is_some() {
                return None;
            }
            found = Some(edns::Edns::from_record(&record).ok()?);
        }
    }
    Some(found)
}
