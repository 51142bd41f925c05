//! Servers of a simulated world and their manners, and the messages they make.

use crate::text::record;
use waymark::answer::{self, Outcome, Request, View, Worker};
use waymark::clock::Instant;
use waymark::resolve::Transport;
use waymark::rrset;
use waymark::wire::{Class, Edns, Flags, Message, Rcode, Rtype, Section, Writer, option};

/// A question, and the code and records that are said to it.
pub type Forged = (String, Rcode, Vec<(Section, &'static str)>);

/// How a server behaves.
#[derive(Clone, Debug, PartialEq)]
pub enum Manner {
    Right,
    /// Never answers.
    Silent,
    /// The network says that it is not there.
    Unreachable,
    /// This code to everything.
    Code(Rcode),
    /// FORMERR to EDNS, right without.
    NoEdns,
    /// TC to every datagram.
    Truncates,
    /// TC to every datagram, and TCP is refused.
    TruncatesOnly,
    /// Lower-cases the question.
    FoldsCase,
    /// Replies have another id.
    WrongId,
    /// Replies are to another question.
    WrongQuestion,
    /// Adds these records (section, text) to every reply.
    Adds(Vec<(Section, &'static str)>),
    /// Replies with these records to everything, AA set or not.
    Says(bool, Vec<(Section, &'static str)>),
    /// Replies to these questions with this code and these records; right to others.
    Forges(Vec<Forged>),
    /// Garbage octets.
    Garbage,
    /// Drops the first so many queries.
    DropsFirst(usize),
    /// Recursion-lame: AA cleared and RA set.
    LikeAResolver,
    /// Right, but so many milliseconds late.
    Slow(u64),
    /// This code, so many milliseconds late.
    LateCode(u64, Rcode),
    /// Lower-cases the question, and refuses TCP.
    FoldsCaseOnly,
    /// This code and these records, without the question.
    Nameless(Rcode, Vec<(Section, &'static str)>),
    /// REFUSED to all types but this.
    Only(Rtype),
    /// TC to every datagram, another id on TCP.
    GarblesTcp,
    /// Answers over TCP alone.
    OnlyTcp,
    /// Over UDP replies have another id.
    WrongIdUdp,
    /// Over UDP they are to another question.
    WrongQuestionUdp,
    /// Over UDP they have somebody else's cookie.
    WrongCookieUdp,
    /// Gives a cookie to those who have one.
    Cookies,
    /// Answers only those who bring the cookie it gave.
    CookiesOnly,
    /// Gives another cookie, and answers only those who bring that.
    CookiesAnew,
    /// Over UDP somebody else answers with these records.
    LiesOverUdp(Vec<(Section, &'static str)>),
    /// NXDOMAIN in place of "nothing of that type".
    DeniesEmpty,
    /// SERVFAIL in place of "nothing of that type".
    FailsParts,
}

pub struct Server {
    pub view: View,
    pub manner: Manner,
    pub asked: usize,
}

pub enum Answered {
    Nothing,
    Unreachable,
    With(Vec<u8>),
}

impl Server {
    pub fn reply(&mut self, query: &[u8], transport: Transport) -> Answered {
        let mut out = vec![0; 65_535];
        let over = match transport {
            Transport::Udp => answer::Transport::Udp,
            Transport::Tcp => answer::Transport::Tcp,
        };
        let request = Request {
            message: query,
            client: "192.0.2.1:53".parse().unwrap(),
            transport: over,
            listener: 0,
            now: Instant::ZERO,
        };
        let Outcome::Reply(meta) =
            answer::answer(&self.view, &mut Worker::default(), &request, None, &mut out)
        else {
            return Answered::Nothing;
        };
        let mut right = out[..meta.len].to_vec();
        let udp = transport == Transport::Udp;
        let edns = query[11] > 0;
        match &self.manner {
            Manner::Right => (),
            Manner::Silent => return Answered::Nothing,
            Manner::Unreachable => return Answered::Unreachable,
            Manner::Code(rcode) | Manner::LateCode(_, rcode) => right = header_only(query, rcode.0, 0),
            Manner::NoEdns if edns => right = header_only(query, Rcode::FORMERR.0, 0),
            Manner::Truncates | Manner::TruncatesOnly if udp => right = header_only(query, 0, 0x0200),
            Manner::TruncatesOnly => return Answered::Unreachable,
            Manner::FoldsCase => {
                let end = 12 + right[12..].iter().position(|&b| b == 0).unwrap();
                right[12..end].make_ascii_lowercase();
            }
            Manner::FoldsCaseOnly if !udp => return Answered::Unreachable,
            Manner::FoldsCaseOnly => {
                let end = 12 + right[12..].iter().position(|&b| b == 0).unwrap();
                right[12..end].make_ascii_lowercase();
            }
            Manner::Nameless(rcode, records) => {
                right = with_records(&header_only(query, rcode.0, 0x0400), None, records);
                let end = 12 + right[12..].iter().position(|&b| b == 0).unwrap() + 5;
                right.drain(12..end);
                right[5] = 0;
            }
            Manner::Only(rtype) if Message::parse(query).unwrap().question().unwrap().1 != *rtype => {
                right = header_only(query, Rcode::REFUSED.0, 0);
            }
            Manner::WrongIdUdp if udp => right[0] ^= 0x55,
            Manner::WrongQuestionUdp if udp => right[13] ^= 1,
            Manner::WrongCookieUdp if udp => right = with_cookie(&right, b"another!another!"),
            Manner::LiesOverUdp(records) if udp => {
                right = with_records(&header_only(query, 0, 0x0400), None, records)
            }
            Manner::Cookies | Manner::CookiesOnly | Manner::CookiesAnew => {
                let given: &[u8] =
                    if self.manner == Manner::CookiesAnew { b"new cookie" } else { b"the cookie" };
                let Some(brought) = cookie(query) else { return Answered::Nothing };
                let good = [&brought[..8], given].concat();
                right = match self.manner {
                    Manner::Cookies => with_cookie(&right, &good),
                    Manner::CookiesAnew if brought != good => {
                        // BADCOOKIE: 7 in the header, 1 in the OPT record.
                        with_cookie_rcode(&header_only(query, 7, 0), &good, 1)
                    }
                    _ if brought != good => return Answered::Nothing,
                    _ => with_cookie(&right, &good),
                };
            }
            Manner::OnlyTcp if udp => return Answered::Nothing,
            Manner::DeniesEmpty | Manner::FailsParts
                if right[3] & 15 == 0 && right[6..8] == [0, 0] && right[2] & 4 != 0 =>
            {
                right[3] |= if self.manner == Manner::DeniesEmpty { 3 } else { 2 };
            }
            Manner::GarblesTcp if udp => right = header_only(query, 0, 0x0200),
            Manner::GarblesTcp => right[0] ^= 0x55,
            Manner::WrongId => right[0] ^= 0x55,
            Manner::WrongQuestion => right[13] ^= 1,
            Manner::Adds(extra) => right = with_records(&right, None, extra),
            Manner::Says(aa, records) => {
                let bare = header_only(query, 0, 0);
                right = with_records(&bare, Some(*aa), records);
            }
            Manner::Forges(lies) => {
                let (name, rtype, _) = Message::parse(query).unwrap().question().unwrap();
                let asked = format!("{} {rtype}", name.as_name().to_string().to_ascii_lowercase());
                if let Some((_, rcode, records)) = lies.iter().find(|(question, ..)| *question == asked) {
                    // A referral has no authority.
                    let refers = records.iter().any(|(section, text)| {
                        *section == Section::Authority && text.split(' ').nth(1) == Some("NS")
                    });
                    right = with_records(&header_only(query, rcode.0, 0), Some(!refers), records);
                }
            }
            Manner::Garbage => right = vec![0xff; 40],
            Manner::DropsFirst(n) if self.asked <= *n => return Answered::Nothing,
            Manner::LikeAResolver => {
                right[2] &= !0x04;
                right[3] |= 0x80;
            }
            Manner::NoEdns
            | Manner::WrongIdUdp
            | Manner::WrongQuestionUdp
            | Manner::WrongCookieUdp
            | Manner::LiesOverUdp(_)
            | Manner::OnlyTcp
            | Manner::DeniesEmpty
            | Manner::FailsParts
            | Manner::Truncates
            | Manner::DropsFirst(_)
            | Manner::Slow(_)
            | Manner::Only(_) => (),
        }
        Answered::With(right)
    }
}

/// The question of a query, QR set, with this code and flags.
fn header_only(query: &[u8], rcode: u16, flags: u16) -> Vec<u8> {
    let (name, rtype, class) = Message::parse(query).unwrap().question().unwrap();
    let id = u16::from_be_bytes([query[0], query[1]]);
    let mut out = [0; 512];
    let mut writer = Writer::new(&mut out, 512, id, Flags(0x8000 | flags | rcode));
    writer.question(name.as_name(), rtype, class).unwrap();
    let len = writer.finish();
    out[..len].to_vec()
}

/// A reply with records added; the OPT record is lost on the way.
fn with_records(reply: &[u8], aa: Option<bool>, extra: &[(Section, &str)]) -> Vec<u8> {
    let message = Message::parse(reply).unwrap();
    let (name, rtype, class) = message.question().unwrap();
    let mut flags = message.header().flags;
    if let Some(aa) = aa {
        flags = flags.with(Flags::AA, aa);
    }
    let mut out = vec![0; 65_535];
    let mut writer = Writer::new(&mut out, 65_535, message.header().id, flags);
    writer.question(name.as_name(), rtype, class).unwrap();
    for section in [Section::Answer, Section::Authority, Section::Additional] {
        for record in
            message.records().map(Result::unwrap).filter(|r| r.section == section && r.rtype != Rtype::OPT)
        {
            let mut rdata = Vec::new();
            rrset::read_rdata(&record, &mut rdata).unwrap();
            let owner = record.owner().unwrap();
            writer.record(section, owner.as_name(), record.rtype, Class::IN, record.ttl).unwrap();
            writer.rdata(|writer| writer.bytes(&rdata)).unwrap();
        }
        for (_, text) in extra.iter().filter(|(s, _)| *s == section) {
            let (owner, ttl, _, rtype, rdata) = record(text).unwrap();
            let owner = if owner.as_name().to_string() == "qname." { name.clone() } else { owner };
            writer.record(section, owner.as_name(), rtype, Class::IN, ttl).unwrap();
            writer.rdata(|writer| writer.bytes(&rdata)).unwrap();
        }
    }
    let len = writer.finish();
    out.truncate(len);
    out
}

/// The cookie of a query.
fn cookie(query: &[u8]) -> Option<Vec<u8>> {
    let message = Message::parse(query).unwrap();
    let opt = message.records().map(Result::unwrap).find(|record| record.rtype == Rtype::OPT)?;
    Some(Edns::from_record(&opt).unwrap().option(option::COOKIE)?.to_vec())
}

fn with_cookie(reply: &[u8], cookie: &[u8]) -> Vec<u8> {
    with_cookie_rcode(reply, cookie, 0)
}

/// A reply with a cookie; `rcode_high` are the upper bits of its code.
fn with_cookie_rcode(reply: &[u8], cookie: &[u8], rcode_high: u8) -> Vec<u8> {
    let mut out = with_records(reply, None, &[]);
    out.extend([
        0,
        0,
        41,
        4,
        208,
        rcode_high,
        0,
        0,
        0,
        0,
        4 + cookie.len() as u8,
        0,
        10,
        0,
        cookie.len() as u8,
    ]);
    out.extend(cookie);
    out[11] += 1;
    out
}
