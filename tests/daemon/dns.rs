//! A DNS client and a stub of a server, over sockets.

use super::daemon::PATIENCE;
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::{A, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};

/// A question of the A records of a name.
pub fn query(id: u16, name: &str) -> Vec<u8> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::A));
    message.to_vec().unwrap()
}

/// What a reply says: its code, and the data of its answer section.
pub fn said(reply: &Message) -> String {
    let mut text = format!("{:?}", reply.metadata.response_code).to_uppercase();
    for record in &reply.answers {
        text += &format!(" {}", record.data);
    }
    text
}

/// Asks in a datagram. The socket takes none but from the address asked.
pub fn ask(server: SocketAddr, name: &str) -> String {
    let any: IpAddr = if server.is_ipv4() { [0, 0, 0, 0].into() } else { [0u16; 8].into() };
    let socket = UdpSocket::bind((any, 0)).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send(&query(7, name)).unwrap();
    let mut reply = [0; 4096];
    let len = socket.recv(&mut reply).unwrap();
    said(&Message::from_vec(&reply[..len]).unwrap())
}

/// A TCP connection.
pub struct Stream(TcpStream);

impl Stream {
    pub fn open(server: SocketAddr) -> Stream {
        Stream::of(TcpStream::connect(server).unwrap())
    }

    pub fn of(stream: TcpStream) -> Stream {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Stream(stream)
    }

    /// Sends queries in one piece; the first has the id 1.
    pub fn send(&mut self, names: &[&str]) {
        let mut piece = Vec::new();
        for (id, name) in (1..).zip(names) {
            let query = query(id, name);
            piece.extend((query.len() as u16).to_be_bytes());
            piece.extend(query);
        }
        self.0.write_all(&piece).unwrap();
    }

    /// The next reply: its id, and what it says; none when the server has closed the connection.
    pub fn receive(&mut self) -> Option<(u16, String)> {
        let mut len = [0; 2];
        self.0.read_exact(&mut len).ok()?;
        let mut reply = vec![0; u16::from_be_bytes(len) as usize];
        self.0.read_exact(&mut reply).ok()?;
        let reply = Message::from_vec(&reply).unwrap();
        Some((reply.metadata.id, said(&reply)))
    }
}

/// A server of `slow.test` that answers when it is told to.
pub struct Stub(UdpSocket);

/// A query that the stub got.
pub struct Asked(Message, SocketAddr);

impl Stub {
    pub fn new() -> Stub {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Stub(socket)
    }

    /// The lines of `[resolver]` by which a daemon asks it, and no other server.
    pub fn config(&self) -> String {
        format!(
            "upstream_deny = []\ntrust_anchors = \"none\"\n[[resolver.forward]]\nzone = \"slow.test\"\nservers = [\"{}\"]\n",
            self.0.local_addr().unwrap()
        )
    }

    /// Waits for a query.
    pub fn asked(&self) -> Asked {
        let mut query = [0; 4096];
        let (len, from) = self.0.recv_from(&mut query).unwrap();
        Asked(Message::from_vec(&query[..len]).unwrap(), from)
    }

    /// Answers it with an address.
    pub fn answer(&self, asked: &Asked, address: [u8; 4]) {
        self.answer_with(asked, RData::A(A(address.into())));
    }

    /// Answers it with an alias.
    pub fn answer_alias(&self, asked: &Asked, target: &str) {
        self.answer_with(asked, RData::CNAME(CNAME(Name::from_ascii(target).unwrap())));
    }

    fn answer_with(&self, Asked(query, to): &Asked, data: RData) {
        let mut reply = Message::response(query.metadata.id, OpCode::Query);
        reply.metadata.recursion_available = true;
        reply.add_query(query.queries[0].clone());
        let name = query.queries[0].name().clone();
        reply.add_answer(Record::from_rdata(name, 60, data));
        self.0.send_to(&reply.to_vec().unwrap(), to).unwrap();
    }
}
