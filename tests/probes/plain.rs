//! HTTP, TCP, DNS, gRPC and ICMP.

use super::{fails, succeeds, targets};
use std::net::SocketAddr;
use std::time::Duration;
use waymark::health::Fault;

const HTTP: &str = "http = \"http://{address}/healthz\"";

fn http(path: &str, more: &str) -> String {
    format!("http = \"http://{{address}}{path}\"\n{more}")
}

#[tokio::test]
async fn a_web_server_is_judged_by_status_and_body() {
    let at = targets::http(false).await;
    for check in [
        http("/healthz", ""),
        http("/healthz", "expect.body = \"is ok\""),
        http("/gone", "expect.status = [\"200-299\", 404]"),
        http("/host", "host = \"www.example.com\"\nexpect.body = \"host www.example.com\""),
        http("/host", &format!("expect.body = \"host {at}\"")),
        http("/method", "method = \"OPTIONS\"\nexpect.body = \"method OPTIONS\""),
        http("/far", "expect.body = \"needle\""),
    ] {
        succeeds(at, &check, "").await;
    }
    for (check, words) in [
        (http("/", ""), "status 503, expected 200-299"),
        (http("/gone", "expect.status = [200, \"301-302\"]"), "status 404, expected 200, 301-302"),
        (http("/healthz", "expect.body = \"is bad\""), "\"is bad\" is not in the first 14 octets"),
        (http("/too-far", "expect.body = \"needle\""), "is not in the first 65536 octets"),
    ] {
        fails(at, &check, Fault::Endpoint, words).await;
    }
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_wanted() {
    let at = targets::http(true).await;
    let two = "http2 = true\nhost = \"www.example.com\"\nexpect.body = \"host www.example.com\"";
    succeeds(at, &http("/host", two), "").await;
    fails(at, &http("/", "http2 = true"), Fault::Endpoint, "status 503").await;
    let one = targets::http(false).await;
    fails(one, &http("/healthz", "http2 = true"), Fault::Endpoint, "").await;
}

/// What a server of HTTP/2 says that answers the first request, goes away and closes: status 200 and `body`.
fn last_words(body: &[u8]) -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream], payload].concat()
    };
    let settings = frame(4, 0, 0, &[]);
    // ":status: 200" is in HPACK's static table.
    let headers = frame(1, 4, 1, &[0x88]);
    let data = frame(0, 1, 1, body);
    let goaway = frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]);
    [settings, headers, data, goaway].concat()
}

#[tokio::test]
async fn a_server_of_http2_may_close_with_its_answer() {
    let at = targets::serve(|mut stream| async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        // The preface, and frames up to the one that asks.
        let mut head = [0; 9];
        if stream.read_exact(&mut [0; 24]).await.is_err() {
            return;
        }
        while head[3] != 1 {
            if stream.read_exact(&mut head).await.is_err() {
                return;
            }
            let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            let _ = stream.read_exact(&mut payload).await;
        }
        let _ = stream.write_all(&last_words(b"all is ok here")).await;
    })
    .await;
    let check = http("/close", "http2 = true\nexpect.body = \"ok here\"");
    for _ in 0..50 {
        succeeds(at, &check, "").await;
    }
}

#[tokio::test]
async fn what_is_killed_hung_or_slow_is_told_apart() {
    let (killed, hung) = (targets::killed().await, targets::hung().await);
    let drip =
        targets::replies(&["HTTP/1.1 200 OK\r\n", "x: y\r\n", "z: y\r\n"], Duration::from_millis(500)).await;
    let half = targets::replies(&["HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nonly"], Duration::ZERO).await;
    let junk = targets::says(&["220 mail.example ESMTP\r\n"], Duration::ZERO).await;
    let grpc = "grpc = \"{address}:1\"";
    for check in [HTTP, "tcp = \"{address}:1\"", grpc] {
        fails(killed, check, Fault::Endpoint, "refused").await;
    }
    for check in [HTTP, "tcp = \"{address}:1\"\nexpect.text = \"220\"", grpc] {
        fails(hung, check, Fault::Endpoint, "connected, but no answer in 0.8 s").await;
    }
    fails(drip, HTTP, Fault::Endpoint, "connected, but no answer in 0.8 s").await;
    fails(half, &http("/", "expect.body = \"whole\""), Fault::Endpoint, "HTTP: ").await;
    fails(junk, HTTP, Fault::Endpoint, "HTTP: ").await;
    fails(hung, "dns = \"{address}\"\nquery = \". NS\"", Fault::Endpoint, "refused").await;
}

#[tokio::test]
async fn a_tcp_server_says_what_it_should() {
    let slow = targets::says(&["22", "0 mail", ".example\r\n"], Duration::from_millis(50)).await;
    let tcp = "tcp = \"{address}:25\"";
    succeeds(slow, tcp, "").await;
    succeeds(slow, &format!("{tcp}\nexpect.text = \"220 mail.example\""), "").await;
    let wanted = format!("{tcp}\nexpect.text = \"221\"");
    fails(slow, &wanted, Fault::Endpoint, "\"221\" did not come, but \"220 mail.example\\r\\n\"").await;
    let echo = targets::serve(|mut stream| async move {
        let (mut read, mut write) = stream.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
    })
    .await;
    succeeds(echo, &format!("{tcp}\nsend = \"PING\\r\\n\"\nexpect.text = \"PING\""), "").await;
}

/// A reply with these flags and response code, and one A record 192.0.2.1 if it is NOERROR.
fn reply(query: &[u8], flags: u16) -> Vec<u8> {
    let answers = u16::from(flags & 0x020f == 0);
    let head =
        [&query[..2], &(0x8000 | flags).to_be_bytes(), &[0, 1], &answers.to_be_bytes(), &[0; 4]].concat();
    let record: &[u8] = &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1];
    [&head[..], &query[12..], if answers == 1 { record } else { &[] }].concat()
}

#[tokio::test]
async fn a_dns_server_is_judged_by_code_and_answer() {
    let check = |expect: &str| format!("dns = \"{{address}}\"\nquery = \"www.example. A\"\n{expect}");
    let good = targets::dns(|query| Some(reply(query, 0)), |query| reply(query, 0)).await;
    let refuses = targets::dns(|query| Some(reply(query, 5)), |query| reply(query, 5)).await;
    let cut = targets::dns(|query| Some(reply(query, 0x0200)), |query| reply(query, 0)).await;
    let junk = targets::dns(|query| Some(query[..3].to_vec()), |_| Vec::new()).await;
    let silent = targets::dns(|_| None, |_| Vec::new()).await;
    for at in [good, cut] {
        succeeds(at, &check(""), "").await;
        succeeds(at, &check("expect.answer = \"192.0.2.1\""), "").await;
        let other = check("expect.answer = \"192.0.2.2\"");
        fails(at, &other, Fault::Endpoint, "the record expected is not among the answers").await;
    }
    // One that does not care how much a datagram may carry without EDNS.
    let long = |query: &[u8]| {
        let short = reply(query, 0);
        let (head, record) = short.split_at(short.len() - 16);
        let other = [&record[..15], &[9]].concat();
        [&head[..6], &[0, 61], &head[8..], &other.repeat(60), record].concat()
    };
    let long = targets::dns(move |query| Some(long(query)), |_| Vec::new()).await;
    succeeds(long, &check("expect.answer = \"192.0.2.1\""), "").await;
    // What comes over TCP is judged as what comes over UDP.
    let cut_twice = targets::dns(|query| Some(reply(query, 0x0200)), |query| reply(query, 0x0200)).await;
    fails(cut_twice, &check(""), Fault::Endpoint, "truncated over TCP, too").await;
    let then_fails = targets::dns(|query| Some(reply(query, 0x0200)), |query| reply(query, 0x0202)).await;
    fails(then_fails, &check(""), Fault::Endpoint, "SERVFAIL, expected NOERROR").await;
    let other = |query: &[u8]| [&[query[0] ^ 1], &reply(query, 0)[1..]].concat();
    let another = targets::dns(|query| Some(reply(query, 0x0200)), other).await;
    fails(another, &check(""), Fault::Endpoint, "the reply to another query").await;
    // It has answered, so it is not the network.
    let udp = tokio::net::UdpSocket::bind(targets::hung().await).await.unwrap();
    let cut_and_hung = udp.local_addr().unwrap();
    tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((len, client)) = udp.recv_from(&mut query).await {
            let _ = udp.send_to(&reply(&query[..len], 0x0200), client).await;
        }
    });
    let late = "a truncated answer came, but no answer in 0.8 s";
    fails(cut_and_hung, &check(""), Fault::Endpoint, late).await;
    succeeds(refuses, &check("expect.rcode = \"REFUSED\""), "").await;
    fails(refuses, &check(""), Fault::Endpoint, "REFUSED, expected NOERROR").await;
    fails(junk, &check(""), Fault::Endpoint, "no DNS message").await;
    fails(silent, &check(""), Fault::Silence, "no answer in 0.8 s").await;
}

#[tokio::test]
async fn a_grpc_server_is_asked_for_its_health() {
    let check = |service: &str| format!("grpc = \"{{address}}:1\"\nservice = \"{service}\"");
    let serving = targets::grpc(1).await;
    succeeds(serving, &check("web"), "").await;
    succeeds(serving, &check(""), "").await;
    let unknown = "NOT_FOUND: the server does not know the service \"mail\"";
    fails(serving, &check("mail"), Fault::Endpoint, unknown).await;
    fails(targets::grpc(2).await, &check("web"), Fault::Endpoint, "NOT_SERVING, expected SERVING").await;
    fails(targets::http(true).await, &check(""), Fault::Endpoint, "status 503, expected 200").await;
}

#[tokio::test]
async fn an_echo_comes_back_from_who_is_there() {
    for at in ["127.0.0.1:0", "127.0.0.77:0", "[::1]:0"] {
        succeeds(at.parse::<SocketAddr>().unwrap(), "ping = \"{address}\"", "").await;
    }
}
