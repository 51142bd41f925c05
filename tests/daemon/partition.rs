//! Networks that fail: the daemon in a namespace of its own, its targets in another, and links between that are cut.

use crate::daemon::{Daemon, Files, LISTEN, Process};
use crate::dns::ask;
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

/// How the inner process says that its test has run to its end.
const PASSED: i32 = 77;

/// Runs `test` in a network namespace that dies with it: the test's own executable is started once more inside.
fn in_own_network(name: &str, test: impl FnOnce()) {
    const INSIDE: &str = "WAYMARK_TEST_NETWORK";
    if std::env::var_os(INSIDE).is_some() {
        test();
        std::process::exit(PASSED);
    }
    let status = Command::new("unshare")
        .args(["--net", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .status()
        .expect("unshare of util-linux is installed");
    assert_eq!(status.code(), Some(PASSED), "{name} failed in its network, or there is no such test");
}

fn run(line: &str) {
    run_with(line, "");
}

fn run_with(line: &str, input: &str) {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap());
    let child = command.args(words).stdin(Stdio::piped()).spawn();
    let mut child = child.expect("iproute2 and util-linux are installed");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{line}: {input}");
}

/// All that are asked, and the networks they are in.
const ALL: [&str; 4] = ["198.18.1.1", "198.18.1.2", "198.18.2.1", "198.18.2.2"];

/// Four servers at the ends of two links: 198.18.N.1 and 198.18.N.2 for N of 1 and 2. The namespace they are in ends with the process.
struct Far {
    process: Process,
    _files: Files,
}

impl Far {
    fn new() -> Far {
        let files = Files::new(&ALL.map(|address| format!("\"{address}:53\"")).join(", "), "");
        let waymark = files.waymark("serve", &[]);
        // It begins when it has its addresses, of which a line tells it.
        let mut shell = Command::new("unshare");
        shell.args(["--net", "--", "sh", "-c", "read _; exec \"$@\"", "sh"]);
        shell.arg(waymark.get_program()).args(waymark.get_args());
        waymark.get_envs().filter(|(_, value)| value.is_none()).for_each(|(key, _)| {
            shell.env_remove(key);
        });
        let mut process =
            Process::new(shell.stdin(Stdio::piped()).stderr(File::create(files.path("log")).unwrap()));
        let mut begin = process.child().stdin.take().unwrap();
        let far = Far { process, _files: files };
        let pid = far.process.id();
        wait_for_a_namespace_of(pid);
        for network in [1, 2] {
            run(&format!("ip link add near{network} type veth peer name far{network} netns {pid}"));
            run(&format!("ip address add 198.18.{network}.254/24 dev near{network}"));
            for host in [1, 2] {
                far.inside(&format!("ip address add 198.18.{network}.{host}/24 dev far{network}"), "");
            }
        }
        far.inside("ip link set lo up", "");
        far.links(&[1, 2], "up");
        near_links("up");
        begin.write_all(b"\n").unwrap();
        far
    }

    fn inside(&self, line: &str, input: &str) {
        run_with(&format!("nsenter --target {} --net {line}", self.process.id()), input);
    }

    /// Sets the far ends of links up or down, at one time.
    fn links(&self, networks: &[u8], state: &str) {
        let lines: String = networks.iter().map(|n| format!("link set far{n} {state}\n")).collect();
        self.inside("ip -batch -", &lines);
    }
}

/// Sets the near ends up or down, at one time.
fn near_links(state: &str) {
    run_with("ip -batch -", &format!("link set near1 {state}\nlink set near2 {state}\n"));
}

/// Waits until a process has left this namespace.
fn wait_for_a_namespace_of(pid: u32) {
    let of = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).unwrap();
    let begun = waymark::clock::now();
    while of("self") == of(&pid.to_string()) {
        assert!(waymark::clock::now().since(begun) < crate::daemon::PATIENCE, "unshare does nothing");
        std::thread::yield_now();
    }
}

/// Who answers, in order.
fn answers(daemon: &Daemon) -> Vec<String> {
    let said = ask(daemon.address(), "www.h.test.");
    let mut all: Vec<String> = said.split(' ').skip(1).map(str::to_owned).collect();
    all.sort();
    all
}

#[test]
fn a_part_of_the_network_is_down_and_all_of_it_is_our_own_fault() {
    in_own_network("partition::a_part_of_the_network_is_down_and_all_of_it_is_our_own_fault", || {
        run("ip link set lo up");
        let far = Far::new();
        let files = Files::new(LISTEN, "");
        let zone = format!(
            "records.www = {{ pool = \"one\" }}\npool.one = {{ check = \"up\", members = {ALL:?} }}\n\
             [check.up]\ntcp = \"{{address}}:53\"\ninterval = \"1s\"\ntimeout = \"500ms\"\n"
        );
        files.write("zones/h.test.toml", &zone);
        let mut daemon = files.start();
        // Waits until members, which may change in any order, have; gives who answers.
        let mut become_ = |members: &[&str], state: &str| {
            let mut left: Vec<String> =
                members.iter().map(|member| format!("one/{member} is {state}")).collect();
            left.retain(|line| !daemon.has_logged(line));
            while let Some(line) = left.first().cloned() {
                daemon.wait(&line);
                left.retain(|line| !daemon.has_logged(line));
            }
            daemon.logged.clear();
            answers(&daemon)
        };
        assert_eq!(become_(&ALL, "up"), ALL);
        far.links(&[1], "down");
        assert_eq!(become_(&ALL[..2], "down"), ALL[2..], "they are behind the link that is cut");
        far.links(&[1], "up");
        assert_eq!(become_(&ALL[..2], "up"), ALL);
        far.links(&[1, 2], "down");
        assert_eq!(become_(&ALL, "unknown"), ALL, "all that is far falls silent at one time");
        far.links(&[1, 2], "up");
        assert_eq!(become_(&ALL, "up, was unknown"), ALL);
        near_links("down");
        assert_eq!(become_(&ALL, "unknown"), ALL, "nobody can be asked");
        near_links("up");
        assert_eq!(become_(&ALL, "up, was unknown"), ALL);
        let history = daemon.files.run("ctl", &["health", "--history"]).stdout;
        assert_eq!(history.matches("is down, was").count(), 2, "{history}");
    });
}
