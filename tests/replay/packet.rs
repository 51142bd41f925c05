//! Packets: the replies that a story gives, and what is sent and told as text.

use super::script::Step;
use super::text::{Record, hex, record};
use waymark::rrset;
use waymark::wire::{Class, Edns, Flags, Message, NameBuf, Rcode, Rtype, Section, Writer, option};

/// A client subnet: 198.51.100.0/24 (RFC 7871 §6).
pub const SUBNET: &[u8] = &[0, 1, 24, 0, 198, 51, 100];

/// How a reply is not quite what it should be, and what it has besides records.
struct Shape {
    flags: Flags,
    rcode: Rcode,
    id: u16,
    question: Option<(NameBuf, Rtype)>,
    class: Class,
    opts: usize,
    options: Vec<(u16, Vec<u8>)>,
    cut: usize,
}

/// The reply to `query` that a step describes from its word `at` on.
pub fn reply(query: &[u8], step: &Step, at: usize) -> Result<Vec<u8>, String> {
    let mut shape = shape(query, &step.words[at..])?;
    let mut out = vec![0; 65_535];
    let mut writer = Writer::new(&mut out, 65_535, shape.id, shape.flags.with_rcode(shape.rcode));
    let full = |_| "the reply is too long".to_owned();
    if let Some((name, rtype)) = &shape.question {
        writer.question(name.as_name(), *rtype, shape.class).map_err(full)?;
    }
    let mut chain = 0;
    let mut records: Vec<(Section, Record)> = Vec::new();
    for line in &step.below {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match section(first) {
            Some(section) => records.push((section, record(rest)?)),
            None if first == "pointers" => chain = rest.parse().map_err(|_| "pointers needs a number")?,
            None => return Err(format!("{first} is no section")),
        }
    }
    records.sort_by_key(|(section, _)| *section);
    for (section, (owner, ttl, class, rtype, rdata)) in &records {
        writer.record(*section, owner.as_name(), *rtype, *class, *ttl).map_err(full)?;
        writer.rdata(|writer| writer.bytes(rdata)).map_err(full)?;
    }
    if shape.opts == 0 && (shape.rcode.0 > 15 || !shape.options.is_empty()) {
        shape.opts = 1;
    }
    for _ in 0..shape.opts {
        let options = |writer: &mut Writer<'_>| {
            shape.options.iter().try_for_each(|(code, data)| writer.option(*code, data))
        };
        writer.opt(1_232, (shape.rcode.0 >> 4) as u8, false, options).map_err(full)?;
    }
    let len = writer.finish();
    out.truncate(len);
    add_pointers(&mut out, chain);
    out.truncate(out.len() - shape.cut.min(out.len()));
    Ok(out)
}

fn shape(query: &[u8], words: &[String]) -> Result<Shape, String> {
    let message = Message::parse(query).map_err(|_| "the query is malformed")?;
    let (name, rtype, _) = message.question().ok_or("the query has no question")?;
    let mut shape = Shape {
        flags: Flags::QR,
        rcode: Rcode::NOERROR,
        id: message.header().id,
        question: Some((name, rtype)),
        class: Class::IN,
        opts: 0,
        options: Vec::new(),
        cut: 0,
    };
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let number = || value.parse::<usize>().map_err(|_| format!("{key} needs a number"));
        match key {
            "aa" => shape.flags = shape.flags.with(Flags::AA, true),
            "tc" => shape.flags = shape.flags.with(Flags::TC, true),
            "ra" => shape.flags = shape.flags.with(Flags::RA, true),
            "a-query" => shape.flags = shape.flags.with(Flags::QR, false),
            "opcode" => shape.flags.0 |= (number()? as u16) << 11,
            "wrong-id" => shape.id ^= 0x5555,
            "no-question" => shape.question = None,
            "lower-case" => shape.question.iter_mut().for_each(|(name, _)| name.make_lowercase()),
            "question" => {
                let (name, rtype) = value.split_once('/').ok_or("question=NAME/TYPE")?;
                let rtype = Rtype::from_text(rtype).ok_or("no such type")?;
                shape.question = Some((name.parse().map_err(|_| "no such name")?, rtype));
            }
            "class" => shape.class = Class::from_text(value).ok_or("no such class")?,
            "edns" => shape.opts = 1,
            "opts" => shape.opts = number()?,
            "options" => shape.options.extend((0..number()?).map(|_| (65_001, vec![1, 2, 3, 4]))),
            "cookie" => shape.options.push((option::COOKIE, reply_cookie(query, value)?)),
            "subnet" => {
                let scope = number()? as u8;
                shape.options.push((option::CLIENT_SUBNET, [&SUBNET[..3], &[scope], &SUBNET[4..]].concat()));
            }
            "cut" => shape.cut = number()?,
            _ => shape.rcode = Rcode::from_text(key).ok_or_else(|| format!("{word} is unknown"))?,
        }
    }
    Ok(shape)
}

/// The cookie of a reply: the query's own half and these octets; or, after `other:`, somebody else's.
fn reply_cookie(query: &[u8], value: &str) -> Result<Vec<u8>, String> {
    let own = cookie(query).ok_or("the query has no cookie")?;
    let (half, rest) = match value.strip_prefix("other:") {
        Some(rest) => (vec![0x5a; 8], rest),
        None => (own[..8].to_vec(), value),
    };
    Ok([half, hex(rest).ok_or("not hexadecimal")?].concat())
}

/// Adds answers, each with an owner that points to the one before, the first to the question; the last has another address.
fn add_pointers(message: &mut Vec<u8>, count: usize) {
    let mut target = 12;
    for i in 1..=count {
        let here = message.len();
        message.extend((0xc000 | target as u16).to_be_bytes());
        message.extend([0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        message.extend(if i < count { [192, 0, 2, 99] } else { [203, 0, 113, 66] });
        target = here;
    }
    let counted = u16::from_be_bytes([message[6], message[7]]) + count as u16;
    message[6..8].copy_from_slice(&counted.to_be_bytes());
}

fn section(word: &str) -> Option<Section> {
    match word {
        "answer" => Some(Section::Answer),
        "authority" => Some(Section::Authority),
        "additional" => Some(Section::Additional),
        _ => None,
    }
}

fn edns<'a>(message: &Message<'a>) -> Option<Edns<'a>> {
    let opt = message.records().flatten().find(|record| record.rtype == Rtype::OPT)?;
    Edns::from_record(&opt).ok()
}

/// The cookie of a query.
pub fn cookie(query: &[u8]) -> Option<Vec<u8>> {
    Some(edns(&Message::parse(query).ok()?)?.option(option::COOKIE)?.to_vec())
}

/// What a query says of itself: its name, its type, and in which words it differs from a plain one.
pub fn query_words(query: &[u8]) -> (String, String, Vec<&'static str>) {
    let message = Message::parse(query).unwrap();
    let (name, rtype, class) = message.question().unwrap();
    assert_eq!(class, Class::IN);
    let (name, flags) = (name.as_name().to_string(), message.header().flags);
    let edns = edns(&message);
    if let Some(edns) = edns {
        assert_eq!((edns.udp_size, edns.version, edns.dnssec_ok), (1_232, 0, true));
    }
    let subnet = edns.and_then(|edns| edns.option(option::CLIENT_SUBNET));
    let words = [
        (subnet.is_some(), "subnet"),
        (flags.has(Flags::RD), "rd"),
        (flags.has(Flags::CD), "cd"),
        (edns.is_none(), "no-edns"),
        (name != name.to_ascii_lowercase() && name != name.to_ascii_uppercase(), "random-case"),
    ];
    (name, rtype.to_string(), words.into_iter().filter_map(|(is, word)| is.then_some(word)).collect())
}

/// What a client is told: a line of code, flags and extended error, its text, then every record but OPT.
pub fn told(reply: &[u8]) -> Vec<String> {
    let message = Message::parse(reply).unwrap();
    let flags = message.header().flags;
    let edns = edns(&message).expect("a reply to EDNS has EDNS");
    assert!(flags.has(Flags::QR), "a reply is a reply");
    let rcode = Rcode(flags.rcode().0 | u16::from(edns.rcode_high) << 4);
    let mut first = rcode.to_string();
    for (bit, word) in [(Flags::AA, " aa"), (Flags::TC, " tc"), (Flags::AD, " ad")] {
        if flags.has(bit) {
            first += word;
        }
    }
    let mut lines = Vec::new();
    if let Some(error) = edns.option(option::EDE) {
        first += &format!(" ede={}", u16::from_be_bytes([error[0], error[1]]));
        lines.push(format!("text {}", String::from_utf8_lossy(&error[2..])));
    }
    lines.insert(0, first);
    for record in message.records().map(Result::unwrap).filter(|record| record.rtype != Rtype::OPT) {
        let mut rdata = Vec::new();
        rrset::read_rdata(&record, &mut rdata).unwrap();
        let section = match record.section {
            Section::Answer => "answer",
            Section::Authority => "authority",
            Section::Additional => "additional",
        };
        let owner = record.owner().unwrap();
        let mut line = format!("{section} {} {} {} ", owner.as_name(), record.ttl, record.rtype);
        rrset::print_rdata(record.rtype, &rdata, &mut line);
        lines.push(line);
    }
    lines
}
