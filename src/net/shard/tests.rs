//! A shard that asks a server which never answers.

use super::*;
use crate::answer::Recursion;
use crate::cache::Cache;
use crate::guard::{AccessList, Cookies, Guard};
use crate::metrics::Metrics;
use crate::resolve::{Known, Settings, Upstream};
use crate::wire::{Class, Edns, Flags, Message, Name, NameBuf, Rtype, Section, Writer, option};
use std::net::{IpAddr, Ipv4Addr};

/// A shard, its socket, and the silent server.
struct Bench {
    shard: Shard,
    sockets: Vec<UdpSocket>,
    poll: mio::Poll,
    view: Arc<View>,
    metrics: Arc<Metrics>,
    _silent: UdpSocket,
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket
}

impl Bench {
    fn new() -> Bench {
        udp::raise_descriptor_limit();
        let (poll, metrics, silent) = (mio::Poll::new().unwrap(), Arc::new(Metrics::default()), socket());
        let cache = Arc::new(Cache::new(limits::CACHE_MIN, 1));
        let route = Upstream {
            zone: NameBuf::root().as_name().to_owned(),
            servers: vec![silent.local_addr().unwrap()],
            forward: true,
            fallback: false,
            validate: true,
        };
        let settings = Settings {
            root_hints: Vec::new(),
            realm: 0,
            upstream_port: 53,
            families: (true, false),
            deny: Vec::new(),
            priming: false,
            case_randomisation: false,
            minimise: crate::config::Minimise::Off,
            rebinding_protection: false,
            aggressive: true,
            anchor_signal: false,
            serve_stale: true,
            routes: vec![route],
        };
        let resolving = Resolving {
            settings: Arc::new(settings),
            cache: Arc::clone(&cache),
            known: Arc::new(Known::default()),
            zones: Default::default(),
        };
        let recursion = Recursion {
            allow: AccessList::new(vec!["0.0.0.0/0".parse().unwrap()]),
            cache,
            realm: 0,
            upstreams: Default::default(),
            special: Default::default(),
            sentinel: None,
            strict_denial: false,
            serve_stale: true,
            prefetch: true,
        };
        let guard = Guard { cookies: Some(Cookies::new([1; 16], 0)), ..Guard::default() };
        let view = View { recursion: Some(recursion), guard, ..View::default() };
        let (mailbox, _) = mailbox(poll.registry(), Token(0)).unwrap();
        let mailboxes = Arc::new(Mailboxes::new(vec![mailbox]));
        let shard = Shard::new(0, mailboxes, Some(resolving), metrics.thread());
        Bench { shard, sockets: vec![socket()], poll, view: Arc::new(view), metrics, _silent: silent }
    }

    /// Takes a question of this id that came so long ago; its reply goes to `client`, whatever its address is said to be.
    fn take(&mut self, id: u16, ago: u64, client: &UdpSocket, said: IpAddr, cookie: Option<&[u8]>) {
        let message = question(id, cookie);
        let reply_to = ReplyTo::Udp { socket: 0, peer: Box::new(Peer::of(client.local_addr().unwrap())) };
        self.take_for(&message, ago, Transport::Udp, said, reply_to);
    }

    fn take_for(&mut self, message: &[u8], ago: u64, transport: Transport, said: IpAddr, reply_to: ReplyTo) {
        let now = clock::now() - Duration::from_secs(ago);
        let request = Request { message, client: (said, 999).into(), transport, listener: 0, now };
        let Outcome::Later(job) =
            answer::answer(&self.view, &mut Worker::default(), &request, None, &mut vec![0; limits::MESSAGE])
        else {
            panic!("it is not known");
        };
        let pending = self.shard.pending(&request, &self.view, reply_to, job);
        self.shard.take(pending, &self.sockets, self.poll.registry());
    }

    /// Ends what waits: there is no resolver any more.
    fn end(&mut self) {
        self.shard.replace(None, &self.sockets, self.poll.registry());
    }

    fn count(&self, line: &str) -> bool {
        self.metrics.render(Default::default(), Default::default()).lines().any(|l| l == line)
    }
}

/// A question for an address of a name of its own.
fn question(id: u16, cookie: Option<&[u8]>) -> Vec<u8> {
    let mut message = vec![0; 512];
    let mut writer = Writer::new(&mut message, 512, id, Flags::RD);
    let name: NameBuf = format!("n{id}.test.").parse().unwrap();
    writer.question(name.as_name(), Rtype::A, Class::IN).unwrap();
    writer.record(Section::Additional, Name::ROOT, Rtype::OPT, Class(1232), 0).unwrap();
    writer.rdata(|writer| cookie.map_or(Ok(()), |cookie| writer.option(option::COOKIE, cookie))).unwrap();
    let len = writer.finish();
    message.truncate(len);
    message
}

/// The id and the extended error of the next reply.
fn reply(client: &UdpSocket) -> (u16, String) {
    let mut reply = [0; 1232];
    let len = client.recv(&mut reply).unwrap();
    said(&reply[..len])
}

fn said(reply: &[u8]) -> (u16, String) {
    let message = Message::parse(reply).unwrap();
    let opt = message.records().flatten().find(|record| record.rtype == Rtype::OPT).unwrap();
    let ede = Edns::from_record(&opt).unwrap().option(option::EDE).unwrap_or(b"\0\0none");
    (message.header().id, String::from_utf8_lossy(&ede[2..]).into_owned())
}

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

#[test]
fn an_answer_that_comes_too_late_is_not_sent_in_a_datagram() {
    let (mut bench, client) = (Bench::new(), socket());
    let late = limits::DISCARD_TIME.as_secs() + 1;
    bench.take(1, late, &client, CLIENT, None);
    bench.take(2, 0, &client, CLIENT, None);
    let (sender, mut receiver) = tokio::sync::oneshot::channel();
    bench.take_for(&question(3, None), late, Transport::Tcp, CLIENT, ReplyTo::Tcp(sender));
    bench.end();
    assert_eq!(reply(&client).0, 2);
    assert_eq!(said(&receiver.try_recv().unwrap()).0, 3, "over TCP nothing is too late");
    client.set_nonblocking(true).unwrap();
    assert!(client.recv(&mut [0; 512]).is_err(), "no more than one");
    assert!(bench.count("waymark_drops_total{reason=\"late\"} 1"));
}

#[test]
fn who_asks_again_still_listens() {
    let (mut bench, client) = (Bench::new(), socket());
    let late = limits::DISCARD_TIME.as_secs() + 1;
    bench.take(1, late, &client, CLIENT, None);
    bench.take(1, 0, &client, CLIENT, None);
    assert!(bench.count("waymark_drops_total{reason=\"repeated\"} 1"));
    bench.end();
    assert_eq!(reply(&client).0, 1);
    assert!(bench.count("waymark_drops_total{reason=\"late\"} 0"));
}

#[test]
fn one_client_has_only_so_many_waiting() {
    let (mut bench, client, witness) = (Bench::new(), socket(), socket());
    let limit = limits::CLIENT_PENDING as u16;
    for id in 0..limit {
        bench.take(id, 0, &client, CLIENT, None);
    }
    assert!(bench.count("waymark_crowded_total{limit=\"client\"} 0"));
    let crowded = "too many questions of this client are being resolved";
    bench.take(limit, 0, &witness, CLIENT, None);
    assert_eq!(reply(&witness), (limit, crowded.to_owned()));
    assert!(bench.count("waymark_crowded_total{limit=\"client\"} 1"));
    // Others may, and so may who has shown that the address is its own; a forged cookie shows nothing.
    bench.take(limit + 1, 0, &witness, OTHER, None);
    let cookies = bench.view.guard.cookies.clone().unwrap();
    let mut cookie = cookies.check(&[7; 8], CLIENT, clock::now()).unwrap().reply;
    bench.take(limit + 2, 0, &witness, CLIENT, Some(&cookie));
    let (sender, _receiver) = tokio::sync::oneshot::channel();
    bench.take_for(&question(limit + 3, None), 0, Transport::Tcp, CLIENT, ReplyTo::Tcp(sender));
    assert!(bench.count("waymark_crowded_total{limit=\"client\"} 1"));
    cookie[23] ^= 1;
    bench.take(limit + 4, 0, &witness, CLIENT, Some(&cookie));
    assert_eq!(reply(&witness), (limit + 4, crowded.to_owned()));
    // When they are answered there is room again.
    bench.end();
    assert!(bench.shard.waiting.enter(CLIENT, 1));
}
