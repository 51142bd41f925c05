//! A network of a test's own, real servers in it, and a client.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use waymark::rrset;
use waymark::wire::{Class, Flags, Message, NameBuf, Rcode, Record, Rtype, Section, Writer};

/// How the inner process says that its test has run to its end.
const PASSED: i32 = 77;

/// Runs `test` in a network namespace that dies with it, with 198.18.0.0/15 on its loopback interface: the test's own
/// executable is started once more inside.
pub fn in_own_network(name: &str, test: impl FnOnce(&Lab)) {
    const INSIDE: &str = "WAYMARK_TEST_NETWORK";
    if std::env::var_os(INSIDE).is_none() {
        let this = std::env::current_exe().unwrap();
        let status = Command::new("unshare")
            .args(["--net", "--"])
            .arg(this)
            .args(["--exact", name, "--nocapture", "--test-threads=1"])
            .env(INSIDE, "1")
            .status()
            .expect("unshare of util-linux is installed");
        assert_eq!(status.code(), Some(PASSED), "{name} failed in its network, or there is no such test");
        return;
    }
    ip("link set lo up");
    ip("route add local 198.18.0.0/15 dev lo");
    let directory = tempfile::tempdir().unwrap();
    test(&Lab { directory: directory.path().to_owned() });
    drop(directory);
    std::process::exit(PASSED);
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().expect("iproute2 is installed");
    assert!(status.success(), "ip {arguments}");
}

/// A folder for what servers need, and how to start them.
pub struct Lab {
    directory: PathBuf,
}

/// A server at work; it ends with the test.
pub struct Server {
    child: Child,
    pub name: &'static str,
    pub address: IpAddr,
    log: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it where it is: what is sent to it waits in its socket, as on a way that swallows all. For servers of one process,
    /// which NSD is not.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let command = format!("kill -{signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success(), "{command}");
    }

    /// Waits until it answers for a zone.
    pub fn ready(mut self, zone: &str) -> Server {
        for _ in 0..200 {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!(
                    "{} ended: {status}\n{}",
                    self.name,
                    fs::read_to_string(&self.log).unwrap_or_default()
                );
            }
            let reply = ask_udp(SocketAddr::new(self.address, 53), zone, "SOA", Duration::from_millis(100));
            if reply.is_some_and(|reply| reply.rcode == Rcode::NOERROR) {
                return self;
            }
        }
        panic!("{} does not answer\n{}", self.name, fs::read_to_string(&self.log).unwrap_or_default());
    }
}

impl Lab {
    /// Starts a program in a folder of its own; what it says goes to a log there.
    pub fn start(&self, name: &'static str, address: &str, folder: &Path, command: &mut Command) -> Server {
        let log = folder.join("log");
        let file = File::create(&log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .current_dir(folder)
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}: tests/run installs it"));
        Server { child, name, address: address.parse().unwrap(), log }
    }

    /// A folder with a file for each zone.
    fn folder(
        &self,
        server: &str,
        address: &str,
        zones: &[(&str, &str)],
    ) -> (PathBuf, Vec<(String, PathBuf)>) {
        // BIND listens on addresses of interfaces only, and no server on one of IPv6 that is none.
        // Until its duplicates have been looked for, an address of IPv6 cannot be bound.
        let nodad = if address.contains(':') { " nodad" } else { "" };
        // A server that is started again has its address already.
        ip(&format!("address replace {address} dev lo{nodad}"));
        let folder = self.directory.join(format!("{server}-{}", address.replace(':', "-")));
        fs::create_dir_all(&folder).unwrap();
        let files = zones.iter().map(|(apex, text)| {
            let file = folder.join(format!("{}.zone", if *apex == "." { "root" } else { apex }));
            fs::write(&file, text).unwrap();
            (apex.to_string(), file)
        });
        let files = files.collect();
        (folder, files)
    }

    /// NSD with these zones.
    pub fn nsd(&self, address: &str, zones: &[(&str, &str)]) -> Server {
        let (folder, files) = self.folder("nsd", address, zones);
        let d = folder.display();
        let mut config = format!(
            "server:\n ip-address: {address}\n server-count: 1\n username: \"\"\n chroot: \"\"\n zonesdir: \"{d}\"\n database: \"\"\n \
             pidfile: \"{d}/pid\"\n xfrdfile: \"{d}/xfrd\"\n xfrdir: \"{d}\"\n zonelistfile: \"{d}/list\"\n rrl-ratelimit: 0\n \
             minimal-responses: yes\nremote-control:\n control-enable: no\n"
        );
        for (apex, file) in &files {
            config += &format!("zone:\n name: \"{apex}\"\n zonefile: \"{}\"\n", file.display());
        }
        fs::write(folder.join("nsd.conf"), config).unwrap();
        let server = self.start("NSD", address, &folder, Command::new("nsd").args(["-d", "-c", "nsd.conf"]));
        server.ready(zones[0].0)
    }

    /// Knot DNS with these zones.
    pub fn knot(&self, address: &str, zones: &[(&str, &str)]) -> Server {
        let (folder, files) = self.folder("knot", address, zones);
        let d = folder.display();
        let mut config = format!(
            "server:\n  listen: {address}@53\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n  rundir: {d}\n\
             database:\n  storage: {d}/db\nzone:\n"
        );
        for (apex, file) in &files {
            config += &format!(
                "  - domain: {apex}\n    file: {}\n    zonefile-sync: -1\n    journal-content: none\n    semantic-checks: off\n",
                file.display()
            );
        }
        fs::create_dir_all(folder.join("db")).unwrap();
        fs::write(folder.join("knot.conf"), config).unwrap();
        let server = self.start("Knot", address, &folder, Command::new("knotd").args(["-c", "knot.conf"]));
        server.ready(zones[0].0)
    }

    /// BIND with these zones.
    pub fn bind(&self, address: &str, zones: &[(&str, &str)]) -> Server {
        let (folder, files) = self.folder("bind", address, zones);
        let d = folder.display();
        let listen = if address.contains(':') {
            format!("listen-on {{ none; }}; listen-on-v6 {{ {address}; }};")
        } else {
            format!("listen-on {{ {address}; }}; listen-on-v6 {{ none; }};")
        };
        let mut config = format!(
            "options {{ directory \"{d}\"; pid-file \"{d}/pid\"; session-keyfile \"{d}/key\"; {listen} recursion no; \
             minimal-responses yes; empty-zones-enable no; dnssec-validation no; check-names primary ignore; }};\ncontrols {{ }};\n"
        );
        for (apex, file) in &files {
            config += &format!(
                "zone \"{apex}\" {{ type primary; file \"{}\"; check-integrity no; }};\n",
                file.display()
            );
        }
        fs::write(folder.join("named.conf"), config).unwrap();
        let mut command = Command::new("named");
        command.args(["-g", "-n", "1", "-c", "named.conf"]);
        self.start("BIND", address, &folder, &mut command).ready(zones[0].0)
    }

    /// Unbound, resolving from these root hints, and validating if it is given the data of the root's DS.
    pub fn unbound(&self, address: &str, hints: &str, anchor: Option<&str>) -> Server {
        let folder = self.resolver("unbound", address, hints);
        let d = folder.display();
        let validator = anchor.map_or("module-config: \"iterator\"".to_owned(), |ds| {
            format!(
                "module-config: \"validator iterator\"\n trust-anchor: \". DS {ds}\"\n max-udp-size: 4096"
            )
        });
        let config = format!(
            "server:\n interface: {address}\n num-threads: 1\n username: \"\"\n chroot: \"\"\n directory: \"{d}\"\n \
             pidfile: \"{d}/pid\"\n use-syslog: no\n {validator}\n access-control: 0.0.0.0/0 allow\n \
             root-hints: \"{d}/hints\"\n outbound-msg-retry: 2\n unknown-server-time-limit: 100\n \
             infra-cache-max-rtt: 1000\nremote-control:\n control-enable: no\n"
        );
        fs::write(folder.join("unbound.conf"), config).unwrap();
        let mut command = Command::new("unbound");
        self.start("Unbound", address, &folder, command.args(["-d", "-c", "unbound.conf"])).ready(".")
    }

    /// Knot Resolver, resolving from these root hints, and validating if it is given the data of the root's DS.
    pub fn kresd(&self, address: &str, hints: &str, anchor: Option<&str>) -> Server {
        let folder = self.resolver("kresd", address, hints);
        let anchor = anchor.map_or(String::new(), |ds| format!("trust_anchors.add('. DS {ds}')\n"));
        let config = format!(
            "net.listen('{address}', 53)\ntrust_anchors.remove('.')\n{anchor}net.bufsize(4096)\ncache.size = 10*MB\nmodules = {{ 'hints' }}\n\
             hints.root_file('hints')\nmodules.unload('ta_signal_query')\nmodules.unload('detect_time_skew')\n"
        );
        fs::write(folder.join("kresd.conf"), config).unwrap();
        let mut command = Command::new("kresd");
        command.args(["-n", "-c", "kresd.conf"]).arg(&folder);
        self.start("Knot Resolver", address, &folder, &mut command).ready(".")
    }

    /// PowerDNS Recursor, resolving from these root hints, and validating if it is given the data of the root's DS.
    pub fn pdns_recursor(&self, address: &str, hints: &str, anchor: Option<&str>) -> Server {
        let folder = self.resolver("pdns", address, hints);
        let d = folder.display();
        let validator = anchor.map_or("dnssec=off".to_owned(), |ds| {
            fs::write(folder.join("anchors.lua"), format!("clearTA()\naddTA('.', '{ds}')\n")).unwrap();
            format!(
                "dnssec=validate\nlua-config-file={d}/anchors.lua\nudp-truncation-threshold=4096\n\
                 dont-throttle-netmasks=0.0.0.0/0"
            )
        });
        let config = format!(
            "local-address={address}\nlocal-port=53\nthreads=1\nsocket-dir={d}\n{validator}\ndont-query=\nquiet=yes\ndaemon=no\n\
             disable-syslog=yes\nallow-from=0.0.0.0/0\nquery-local-address=0.0.0.0, ::\nclient-tcp-timeout=30\nhint-file={d}/hints\n"
        );
        fs::write(folder.join("recursor.conf"), config).unwrap();
        let mut command = Command::new("pdns_recursor");
        command.arg(format!("--config-dir={d}"));
        self.start("PowerDNS Recursor", address, &folder, &mut command).ready(".")
    }

    /// A zone signed by ldns-signzone with these options, for four weeks from now.
    pub fn sign(&self, apex: &str, text: &str, options: &str) -> String {
        let folder = tempfile::tempdir_in(&self.directory).unwrap();
        let ldns = |program: &str, arguments: &str| {
            let arguments = arguments.split_whitespace();
            let output = Command::new(program).args(arguments).current_dir(&folder).output();
            let output = output.unwrap_or_else(|error| panic!("{program}: {error}: tests/run installs it"));
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        fs::write(folder.path().join("zone"), text).unwrap();
        let zsk = ldns("ldns-keygen", &format!("-a ECDSAP256SHA256 -r /dev/urandom {apex}"));
        let ksk = ldns("ldns-keygen", &format!("-k -a ECDSAP256SHA256 -r /dev/urandom {apex}"));
        ldns("ldns-signzone", &format!("{options} -o {apex} zone {zsk} {ksk}"));
        fs::read_to_string(folder.path().join("zone.signed")).unwrap()
    }

    /// A folder with the root hints.
    pub fn resolver(&self, server: &str, address: &str, hints: &str) -> PathBuf {
        let (folder, _) = self.folder(server, address, &[]);
        fs::write(folder.join("hints"), hints).unwrap();
        folder
    }

    /// gdnsd with these zones; `checks` are its `service_types` and `plugins`.
    pub fn gdnsd(&self, address: &str, zones: &[(&str, &str)], checks: &str) -> Server {
        let (folder, _) = self.folder("gdnsd", address, &[]);
        let d = folder.display();
        fs::create_dir_all(folder.join("zones")).unwrap();
        for (apex, text) in zones {
            fs::write(folder.join("zones").join(apex), text).unwrap();
        }
        let config = format!(
            "options => {{ listen => {address}, udp_threads => 1, tcp_threads => 1, run_dir => {d}/run, state_dir => {d}/state }}\n\
             {checks}\n"
        );
        fs::write(folder.join("config"), config).unwrap();
        let mut command = Command::new("gdnsd");
        command.arg("-c").arg(&folder).arg("start");
        self.start("gdnsd", address, &folder, &mut command).ready(zones[0].0)
    }

    /// Waymark with these zones, and recursion from these root hints for all.
    pub fn waymark(&self, address: &str, zones: &[(&str, &str)], hints: Option<&str>) -> Server {
        let (folder, _) = self.folder("waymark", address, zones);
        let resolver = match hints {
            None => "enabled = false",
            Some(hints) => {
                fs::write(folder.join("hints"), hints).unwrap();
                "allow = [\"0.0.0.0/0\", \"::/0\"]\nroot_hints = \"hints\"\nspecial_use = false\ntrust_anchors = \"none\""
            }
        };
        // A resolver without zones answers for the root as soon as it has asked for it.
        self.serve(address, &folder, resolver).ready(zones.first().map_or(".", |(apex, _)| apex))
    }

    /// Waymark with a zone in TOML.
    pub fn steering(&self, address: &str, apex: &str, zone: &str) -> Server {
        let (folder, _) = self.folder("waymark", address, &[]);
        fs::write(folder.join(format!("{apex}.toml")), zone).unwrap();
        self.serve(address, &folder, "enabled = false").ready(apex)
    }

    /// Waymark with the zones of a folder, and these lines of `[resolver]`.
    fn serve(&self, address: &str, folder: &Path, resolver: &str) -> Server {
        let d = folder.display();
        let listen = SocketAddr::new(address.parse().unwrap(), 53);
        let config = format!(
            "[server]\nlisten = \"{listen}\"\nworkers = 2\n[zones]\ndirectory = \".\"\n[resolver]\n{resolver}\n\
             [store]\ndirectory = \"{d}/store\"\n[control]\nsocket = \"{d}/control.sock\"\n"
        );
        fs::write(folder.join("waymark.conf"), config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_waymark"));
        command.args(["serve", "--config", "waymark.conf"]);
        self.start("Waymark", address, folder, &mut command)
    }
}

/// A reply as sets of texts, which is how replies of different servers are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub rcode: Rcode,
    pub authoritative: bool,
    pub answer: Vec<String>,
    pub authority: Vec<String>,
}

fn query(name: &str, rtype: &str, flags: Flags) -> Vec<u8> {
    query_with(0x2a2a, name, rtype, flags, None)
}

/// A query for DNSSEC records too.
fn dnssec_query(name: &str, rtype: &str) -> Vec<u8> {
    let mut query = query_with(0x2a2a, name, rtype, Flags::default(), Some(1232));
    // OPT ends the message: its TTL, whose third octet begins with DO, and the length of no options.
    let at = query.len() - 4;
    query[at] |= 0x80;
    query
}

/// A query; with EDNS if a size for its reply is given.
pub fn query_with(id: u16, name: &str, rtype: &str, flags: Flags, size: Option<u16>) -> Vec<u8> {
    let mut out = vec![0; 512];
    let mut writer = Writer::new(&mut out, 512, id, flags);
    let name: NameBuf = format!("{}.", name.trim_end_matches('.')).parse().unwrap();
    writer.question(name.as_name(), Rtype::from_text(rtype).unwrap(), Class::IN).unwrap();
    if let Some(size) = size {
        writer.opt(size, 0, false, |_| Ok(())).unwrap();
    }
    let len = writer.finish();
    out.truncate(len);
    out
}

fn read(octets: &[u8]) -> Reply {
    let message = Message::parse(octets).unwrap();
    let flags = message.header().flags;
    let records: Vec<Record<'_>> = message.records().map(Result::unwrap).collect();
    let section = |section| {
        let mut texts: Vec<String> = records
            .iter()
            .filter(|record| record.section == section)
            .map(|record| record_text(record, record.ttl))
            .collect();
        texts.sort();
        texts
    };
    Reply {
        rcode: flags.rcode(),
        authoritative: flags.has(Flags::AA),
        answer: section(Section::Answer),
        authority: section(Section::Authority),
    }
}

/// A record without regard to the case of names, which servers treat differently, and with this TTL.
pub fn record_text(record: &Record<'_>, ttl: u32) -> String {
    let (mut rdata, mut text) = (Vec::new(), String::new());
    rrset::read_rdata(record, &mut rdata).unwrap();
    rrset::print_rdata(record.rtype, &rdata, &mut text);
    let owner = record.owner().unwrap();
    format!("{} {ttl} {} {text}", owner.as_name(), record.rtype).to_ascii_lowercase()
}

/// Asks over UDP once.
pub fn ask_udp(server: SocketAddr, name: &str, rtype: &str, wait: Duration) -> Option<Reply> {
    let any: IpAddr = if server.is_ipv4() { [0; 4].into() } else { [0u16; 8].into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).unwrap();
    socket.set_read_timeout(Some(wait)).unwrap();
    socket.send_to(&query(name, rtype, Flags::RD), server).ok()?;
    let mut octets = [0; 4096];
    match socket.recv(&mut octets) {
        Ok(len) => Some(read(&octets[..len])),
        Err(_) => {
            // Nobody there yet: the kernel may say so at once, and asking again at once would only spin.
            std::thread::yield_now();
            None
        }
    }
}

/// A connection over which many questions are asked.
pub struct Connection(TcpStream);

impl Connection {
    pub fn open(server: &Server) -> Connection {
        let stream = TcpStream::connect(SocketAddr::new(server.address, 53)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection(stream)
    }

    pub fn ask(&mut self, name: &str, rtype: &str, dnssec_ok: bool) -> Reply {
        let query = match dnssec_ok {
            true => dnssec_query(name, rtype),
            false => query(name, rtype, Flags::default()),
        };
        let mut framed = (query.len() as u16).to_be_bytes().to_vec();
        framed.extend(query);
        self.0.write_all(&framed).unwrap();
        let mut len = [0; 2];
        self.0.read_exact(&mut len).unwrap();
        let mut reply = vec![0; u16::from_be_bytes(len) as usize];
        self.0.read_exact(&mut reply).unwrap();
        read(&reply)
    }
}

/// What a client program prints.
pub fn run(program: &str, arguments: &str) -> String {
    let output = Command::new(program)
        .args(arguments.split_whitespace())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}: tests/run installs it"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
