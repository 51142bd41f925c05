//! A directory of files, and the program run in it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

/// How long anything may take that takes no time: past it a test fails instead of hanging.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A directory with a config and zones, gone when it is dropped.
pub struct Files(TempDir);

/// Where a daemon of a test listens.
pub const LISTEN: &str = "\"127.0.0.1:0\"";

impl Files {
    /// A config that listens on these addresses and has these lines besides, which go on in `[resolver]`. No test asks the
    /// internet.
    pub fn new(listen: &str, resolver: &str) -> Files {
        let files = Files(tempfile::tempdir().unwrap());
        files.write("zones/a.test.toml", &zone("192.0.2.1"));
        files.configure(listen, resolver);
        files
    }

    pub fn configure(&self, listen: &str, resolver: &str) {
        self.write(
            "waymark.toml",
            &format!(
                "[server]\nlisten = [{listen}]\nworkers = 2\n[zones]\ndirectory = \"zones\"\n\
                 [store]\ndirectory = \"store\"\n[control]\nsocket = \"control.sock\"\nlisten = \"127.0.0.1:0\"\n[resolver]\npriming = false\n{resolver}\n"
            ),
        );
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &(impl AsRef<[u8]> + ?Sized)) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The program with the config of this directory.
    pub fn waymark(&self, command: &str, arguments: &[&str]) -> Command {
        let mut waymark = waymark(command);
        waymark.arg("--config").arg(self.path("waymark.toml")).args(arguments);
        waymark
    }

    /// Runs the program to its end.
    pub fn run(&self, command: &str, arguments: &[&str]) -> Ended {
        Ended::of(self.waymark(command, arguments).output().unwrap())
    }

    pub fn start(self) -> Daemon {
        Daemon::start(self)
    }
}

/// A zone whose names `www` and `*.any` have this address.
pub fn zone(address: &str) -> String {
    format!(
        "[records]\n\"@\" = {{ NS = \"ns\" }}\nns = {{ A = \"192.0.2.53\" }}\nwww = {{ A = \"{address}\" }}\n\
         \"*.any\" = {{ A = \"{address}\" }}\n"
    )
}

pub fn waymark(command: &str) -> Command {
    let mut waymark = Command::new(env!("CARGO_BIN_EXE_waymark"));
    waymark.arg(command).stdin(Stdio::null());
    // The user's own places are none of a test's.
    for place in ["XDG_RUNTIME_DIR", "XDG_STATE_HOME", "HOME"] {
        waymark.env_remove(place);
    }
    waymark
}

/// A program that ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn of(output: Output) -> Ended {
        let text = |octets| String::from_utf8(octets).unwrap();
        Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Runs a DNS client against a server; gives what it wrote, white space folded.
pub fn client(program: &str, server: SocketAddr, arguments: &str) -> String {
    let mut client = Command::new(program);
    client.arg(format!("@{}", server.ip())).args(["-p", &server.port().to_string()]);
    let output = client.args(arguments.split_whitespace()).output().expect("tests/run installs it");
    fold(&String::from_utf8(output.stdout).unwrap())
}

/// Lines with one space between words.
pub fn fold(text: &str) -> String {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

/// A process of a test's own, ended with it.
pub struct Process(Child);

impl Process {
    pub fn new(command: &mut Command) -> Process {
        Process(command.spawn().unwrap())
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    pub fn signal(&self, name: &str) {
        let kill = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.0.id())]).status();
        assert!(kill.unwrap().success());
    }

    pub fn exit_code(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and need not be.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines a process writes, read on a thread of their own so that waiting for one has an end.
pub struct Lines(Receiver<String>);

impl Lines {
    pub fn of(stream: impl Read + Send + 'static) -> Lines {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(stream).lines().map_while(Result::ok);
            lines.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
        });
        Lines(receiver)
    }

    /// The next line; none when there will be no more.
    pub fn next(&self) -> Option<String> {
        self.next_after(&[])
    }

    /// The same, told with the lines before when nothing comes.
    fn next_after(&self, before: &[String]) -> Option<String> {
        match self.0.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("nothing is written after {before:#?}"),
        }
    }
}

/// A running daemon.
pub struct Daemon {
    pub files: Files,
    pub process: Process,
    log: Lines,
    /// All that it logged so far.
    pub logged: Vec<String>,
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// Where its metrics are.
    pub metrics: String,
}

impl Daemon {
    /// Starts one and waits until it listens.
    fn start(files: Files) -> Daemon {
        let mut process = Process::new(files.waymark("serve", &[]).stderr(Stdio::piped()));
        let log = Lines::of(process.child().stderr.take().unwrap());
        let config = fs::read_to_string(files.path("waymark.toml")).unwrap();
        let listeners = config.lines().nth(1).unwrap().matches(":0\"").count();
        let mut daemon =
            Daemon { files, process, log, logged: Vec::new(), addresses: Vec::new(), metrics: String::new() };
        let after = |line: String, word: &str| line.split(word).nth(1).unwrap().to_owned();
        let line = daemon.wait("metrics on http://");
        daemon.metrics = after(line, "http://").trim_end_matches("/metrics").to_owned();
        for _ in 0..listeners {
            let line = daemon.wait("listening on ");
            daemon.addresses.push(after(line, "listening on ").parse().unwrap());
        }
        daemon
    }

    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Waits for a line with this text.
    pub fn wait(&mut self, text: &str) -> String {
        loop {
            let line = self.log.next_after(&self.logged);
            let line = line.unwrap_or_else(|| panic!("no {text:?} in {:#?}", self.logged));
            self.logged.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Stops it; the directory is left for the next one.
    pub fn stop(mut self) -> Files {
        self.process.signal("TERM");
        self.wait("stopped");
        assert_eq!(self.process.exit_code(), Some(0));
        self.files
    }

    /// Ends it at once.
    pub fn kill(mut self) -> Files {
        self.process.signal("KILL");
        assert_eq!(self.process.exit_code(), None);
        self.files
    }

    pub fn has_logged(&self, text: &str) -> bool {
        self.logged.iter().any(|line| line.contains(text))
    }
}
