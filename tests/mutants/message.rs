//! Messages taken apart to be changed, and put together again.

use waymark::rrset;
use waymark::wire::{Class, Edns, Flags, Message, OwnedName, Rcode, Rtype, Section, Writer};

/// A record as it will be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub section: Section,
    pub owner: OwnedName,
    pub rtype: Rtype,
    pub ttl: u32,
    pub rdata: Vec<u8>,
}

impl Record {
    /// The type that it stands with: for a signature that of what it covers.
    pub fn of_type(&self) -> Rtype {
        match (self.rtype, self.rdata.first_chunk()) {
            (Rtype::RRSIG, Some(covered)) => Rtype(u16::from_be_bytes(*covered)),
            (rtype, _) => rtype,
        }
    }
}

/// A reply.
#[derive(Clone, Debug)]
pub struct Reply {
    id: u16,
    pub flags: Flags,
    pub name: OwnedName,
    pub rtype: Rtype,
    pub records: Vec<Record>,
    edns: bool,
}

impl Reply {
    pub fn read(octets: &[u8]) -> Reply {
        let message = Message::parse(octets).unwrap();
        let (name, rtype, _) = message.question().unwrap();
        let (name, flags) = (name.as_name().to_owned(), message.header().flags);
        let mut reply =
            Reply { id: message.header().id, flags, name, rtype, records: Vec::new(), edns: false };
        for record in message.records().map(Result::unwrap) {
            if record.rtype == Rtype::OPT {
                reply.edns = true;
                continue;
            }
            let mut rdata = Vec::new();
            rrset::read_rdata(&record, &mut rdata).unwrap();
            let (section, owner) = (record.section, record.owner().unwrap().as_name().to_owned());
            reply.records.push(Record { section, owner, rtype: record.rtype, ttl: record.ttl, rdata });
        }
        reply
    }

    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![0; 65_535];
        let mut writer = Writer::new(&mut out, 65_535, self.id, self.flags);
        writer.question(self.name.as_name(), self.rtype, Class::IN).unwrap();
        for section in [Section::Answer, Section::Authority, Section::Additional] {
            for record in self.records.iter().filter(|record| record.section == section) {
                let owner = record.owner.as_name();
                writer.record(section, owner, record.rtype, Class::IN, record.ttl).unwrap();
                writer.rdata(|writer| writer.bytes(&record.rdata)).unwrap();
            }
        }
        if self.edns {
            writer.opt(1_232, 0, true, |_| Ok(())).unwrap();
        }
        let len = writer.finish();
        out.truncate(len);
        out
    }

    pub fn rcode(&mut self, rcode: Rcode) {
        self.flags = self.flags.with_rcode(rcode);
    }

    pub fn retain(&mut self, keep: impl Fn(&Record) -> bool) {
        self.records.retain(keep);
    }
}

/// What a query asks, how large a reply it takes over UDP, and whether it wants signatures.
pub struct Asked {
    pub name: OwnedName,
    pub size: usize,
    pub dnssec_ok: bool,
}

impl Asked {
    pub fn read(query: &[u8]) -> Option<Asked> {
        let message = Message::parse(query).ok()?;
        let (name, ..) = message.question()?;
        let opt = message.records().filter_map(Result::ok).find(|record| record.rtype == Rtype::OPT);
        let edns = opt.as_ref().and_then(|opt| Edns::from_record(opt).ok());
        let size = edns.map_or(512, |edns| edns.udp_size.into());
        Some(Asked {
            name: name.as_name().to_owned(),
            size,
            dnssec_ok: edns.is_some_and(|edns| edns.dnssec_ok),
        })
    }
}

/// What a resolver says, as one letter: A with answers, C with an alias that leads to nothing, N without, X
/// for no such name; small if not authentic. F is SERVFAIL.
pub fn verdict(octets: &[u8]) -> u8 {
    let Ok(message) = Message::parse(octets) else { return b'?' };
    let (flags, question) = (message.header().flags, message.question());
    let answers = message.records().map_while(Result::ok).filter(|record| record.section == Section::Answer);
    let types: Vec<Rtype> = answers.map(|record| record.rtype).collect();
    let letter = match flags.rcode() {
        Rcode::SERVFAIL => return b'F',
        Rcode::NXDOMAIN => b'X',
        Rcode::NOERROR if question.is_some_and(|(_, rtype, _)| types.contains(&rtype)) => b'A',
        Rcode::NOERROR if types.contains(&Rtype::CNAME) => b'C',
        Rcode::NOERROR => b'N',
        _ => return b'?',
    };
    if flags.has(Flags::AD) { letter } else { letter.to_ascii_lowercase() }
}
