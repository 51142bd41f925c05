//! Unbound, BIND, Knot Resolver and PowerDNS Recursor on the internet of all mutants.

use crate::internet::{Internet, ROOT, SERVERS, address};
use crate::lab::{Lab, Server};
use crate::message::verdict;
use crate::text;
use crate::tree::Side;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::Duration;
use waymark::rrset::print_rdata;
use waymark::wire::{Flags, Rtype};

const HINTS: &str = ". 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A 198.18.0.1\n";

/// Their names in the record, in its order.
pub const NAMES: [&str; 4] = ["Unbound", "BIND", "Knot Resolver", "PowerDNS Recursor"];

/// Questions under way at one time at each.
const WINDOW: usize = 24;

/// How long none of the questions under way is answered until they are given up.
const PATIENCE: Duration = Duration::from_secs(12);

/// Answers on all addresses, until the process ends.
pub fn serve(internet: &'static Internet<'static>) {
    let sides = [Side::Parent, Side::Child].into_iter();
    let both = sides.flat_map(|side| (0..SERVERS).map(move |i| address(side, i)));
    for address in both.chain([ROOT, Ipv4Addr::new(198, 18, 1, 1)]) {
        let at = SocketAddr::new(IpAddr::V4(address), 53);
        let (udp, tcp) = (UdpSocket::bind(at).unwrap(), TcpListener::bind(at).unwrap());
        thread::spawn(move || {
            let mut octets = [0; 4_096];
            while let Ok((len, from)) = udp.recv_from(&mut octets) {
                if let Some(reply) = internet.reply(address.into(), &octets[..len], true) {
                    // Who asked may be gone.
                    drop(udp.send_to(&reply, from));
                }
            }
        });
        thread::spawn(move || {
            for stream in tcp.incoming().map_while(Result::ok) {
                thread::spawn(move || _ = converse(internet, address, stream));
            }
        });
    }
}

fn converse(internet: &Internet<'_>, address: Ipv4Addr, mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        let mut len = [0; 2];
        stream.read_exact(&mut len)?;
        let mut query = vec![0; u16::from_be_bytes(len).into()];
        stream.read_exact(&mut query)?;
        let Some(reply) = internet.reply(address.into(), &query, false) else { return Ok(()) };
        stream.write_all(&[&(reply.len() as u16).to_be_bytes(), &reply[..]].concat())?;
    }
}

/// Asks one of them; a dash is no answer.
fn ask(server: &Server, questions: &[(String, Rtype)]) -> Vec<u8> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect(SocketAddr::new(server.address, 53)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut said = vec![b'-'; questions.len()];
    let (mut next, mut under_way) = (0, 0);
    let mut octets = vec![0; 65_535];
    loop {
        while under_way < WINDOW && next < questions.len() {
            let (name, rtype) = &questions[next];
            let flags = Flags(Flags::RD.0 | Flags::AD.0);
            let mut query = text::query_with(name, *rtype, flags, true, &[]);
            query[..2].copy_from_slice(&(next as u16).to_be_bytes());
            // The size of its reply, which stands right after the type of OPT.
            let opt = query.len() - 8;
            query[opt..opt + 2].copy_from_slice(&4_096u16.to_be_bytes());
            socket.send(&query).unwrap();
            (next, under_way) = (next + 1, under_way + 1);
        }
        if under_way == 0 {
            return said;
        }
        match socket.recv(&mut octets) {
            Err(_) => under_way = 0,
            Ok(len) => {
                let id = usize::from(u16::from_be_bytes([octets[0], octets[1]]));
                under_way = under_way.saturating_sub(usize::from(said[id] == b'-'));
                said[id] = verdict(&octets[..len]);
            }
        }
    }
}

/// BIND, resolving from these root hints and validating with the root's DS of these data.
fn bind(lab: &Lab, address: &str, hints: &str, anchor: &str) -> Server {
    let folder = lab.resolver("named", address, hints);
    let d = folder.display();
    // The digest is one word in quotes.
    let (numbers, digest) = anchor.rsplit_once(' ').unwrap();
    let config = format!(
        "options {{ directory \"{d}\"; pid-file \"{d}/pid\"; session-keyfile \"{d}/key\"; \
         listen-on {{ {address}; }}; listen-on-v6 {{ none; }}; recursion yes; \
         allow-recursion {{ any; }}; allow-query-cache {{ any; }}; \
         allow-query {{ any; }}; empty-zones-enable no; dnssec-validation yes; lame-ttl 0; servfail-ttl 0; \
         max-udp-size 4096; max-cache-size 256m; }};\ncontrols {{ }};\n\
         trust-anchors {{ . static-ds {numbers} \"{digest}\"; }};\n\
         zone \".\" {{ type hint; file \"hints\"; }};\n"
    );
    fs::write(folder.join("named.conf"), config).unwrap();
    let mut command = Command::new("named");
    command.args(["-g", "-n", "1", "-c", "named.conf"]);
    lab.start("BIND", address, &folder, &mut command).ready(".")
}

/// What each of them says to the questions of these mutants, of which it knows nothing yet.
pub fn verdicts(lab: &Lab, internet: &'static Internet<'static>, ids: &[usize]) -> Vec<[u8; 4]> {
    let mut anchor = String::new();
    print_rdata(Rtype::DS, &internet.anchor(), &mut anchor);
    let questions: Vec<(String, Rtype)> = ids
        .iter()
        .map(|id| &internet.mutants()[*id])
        .map(|mutant| (mutant.question(), mutant.kind.scenario.rtype))
        .collect();
    let peers = [
        lab.unbound("198.18.0.5", HINTS, Some(&anchor)),
        bind(lab, "198.18.0.8", HINTS, &anchor),
        lab.kresd("198.18.0.6", HINTS, Some(&anchor)),
        lab.pdns_recursor("198.18.0.7", HINTS, Some(&anchor)),
    ];
    let all = thread::scope(|scope| {
        let asking = peers.each_ref().map(|peer| scope.spawn(|| ask(peer, &questions)));
        asking.map(|thread| thread.join().unwrap())
    });
    (0..ids.len()).map(|i| all.each_ref().map(|said| said[i])).collect()
}
