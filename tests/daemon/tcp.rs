//! DNS over TCP.

use crate::daemon::{Files, LISTEN};
use crate::dns::{Stream, Stub};
use std::collections::BTreeSet;
use std::net::TcpStream;
use waymark::limits;

#[test]
fn queries_in_one_piece_are_all_answered() {
    let daemon = Files::new(LISTEN, "").start();
    let mut stream = Stream::open(daemon.address());
    let names: Vec<String> = (1..=50).map(|i| format!("n{i}.any.a.test.")).collect();
    stream.send(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let replies: Vec<(u16, String)> = names.iter().map(|_| stream.receive().unwrap()).collect();
    assert!(replies.iter().all(|(_, said)| said == "NOERROR 192.0.2.1"));
    assert_eq!(replies.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn what_must_be_resolved_does_not_hold_up_what_is_known() {
    let stub = Stub::new();
    let daemon = Files::new(LISTEN, &stub.config()).start();
    let mut stream = Stream::open(daemon.address());
    stream.send(&["one.slow.test.", "www.a.test.", "two.slow.test."]);
    assert_eq!(stream.receive().unwrap(), (2, "NOERROR 192.0.2.1".into()));
    let (first, second) = (stub.asked(), stub.asked());
    stub.answer(&second, [192, 0, 2, 2]);
    let (early, said) = stream.receive().unwrap();
    assert_eq!(said, "NOERROR 192.0.2.2");
    stub.answer(&first, [192, 0, 2, 3]);
    let (late, said) = stream.receive().unwrap();
    assert_eq!(said, "NOERROR 192.0.2.3");
    assert_eq!(BTreeSet::from([early, late]), BTreeSet::from([1, 3]));
}

#[test]
fn a_client_that_has_its_share_of_connections_gets_no_more_and_others_do() {
    let daemon = Files::new(LISTEN, "").start();
    let mut open: Vec<Stream> = (0..limits::TCP_PER_CLIENT).map(|_| Stream::open(daemon.address())).collect();
    for stream in &mut open {
        stream.send(&["www.a.test."]);
        assert_eq!(stream.receive(), Some((1, "NOERROR 192.0.2.1".into())));
    }
    assert_eq!(Stream::open(daemon.address()).receive(), None);
    let other = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    other.bind(&std::net::SocketAddr::from(([127, 0, 0, 2], 0)).into()).unwrap();
    other.connect(&daemon.address().into()).unwrap();
    let mut other = Stream::of(TcpStream::from(other));
    other.send(&["www.a.test."]);
    assert_eq!(other.receive(), Some((1, "NOERROR 192.0.2.1".into())));
}
