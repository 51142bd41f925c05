//! Networks that fail: the daemon in a namespace of its own, its targets in two others, joined by links that are cut.

use crate::daemon::{Daemon, Files, LISTEN, Process};
use crate::dns::ask;
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs `test` in a network namespace that dies with it: the test's own executable is started once more inside.
fn in_own_network(name: &str, test: impl FnOnce()) {
    const INSIDE: &str = "WAYMARK_TEST_NETWORK";
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let status = Command::new("unshare")
        .args(["--net", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .status()
        .expect("unshare of util-linux is installed");
    assert!(status.success(), "{name} failed in its network");
}

fn run(line: &str) {
    let mut words = line.split(' ');
    let status = Command::new(words.next().unwrap()).args(words).status();
    assert!(status.expect("iproute2 and util-linux are installed").success(), "{line}");
}

/// Two servers on one machine at the end of a link: 198.18.N.1 and 198.18.N.2. The namespace ends with the process.
struct Far {
    network: u8,
    process: Process,
    _files: Files,
}

impl Far {
    fn new(network: u8) -> Far {
        let listen = format!("\"198.18.{network}.1:53\", \"198.18.{network}.2:53\"");
        let files = Files::new(&listen, "");
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
        let far = Far { network, process, _files: files };
        let pid = far.pid();
        wait_for_a_namespace_of(pid);
        run(&format!("ip link add near{network} type veth peer name far{network}"));
        run(&format!("ip link set far{network} netns {pid}"));
        run(&format!("ip address add 198.18.{network}.254/24 dev near{network}"));
        run(&format!("ip link set near{network} up"));
        far.inside("ip link set lo up");
        for host in [1, 2] {
            far.inside(&format!("ip address add 198.18.{network}.{host}/24 dev far{network}"));
        }
        far.link("up");
        begin.write_all(b"\n").unwrap();
        far
    }

    fn pid(&self) -> u32 {
        self.process.id()
    }

    fn inside(&self, line: &str) {
        run(&format!("nsenter --target {} --net {line}", self.pid()));
    }

    /// Sets its end of the link up or down.
    fn link(&self, state: &str) {
        self.inside(&format!("ip link set far{} {state}", self.network));
    }

    fn member(&self, host: u8) -> String {
        format!("one/198.18.{}.{host}", self.network)
    }
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
        let fars = [Far::new(1), Far::new(2)];
        let all = ["198.18.1.1", "198.18.1.2", "198.18.2.1", "198.18.2.2"];
        let files = Files::new(LISTEN, "");
        let zone = format!(
            "records.www = {{ pool = \"one\" }}\npool.one = {{ check = \"up\", members = {all:?} }}\n\
             [check.up]\ntcp = \"{{address}}:53\"\ninterval = \"1s\"\ntimeout = \"500ms\"\n"
        );
        files.write("zones/h.test.toml", &zone);
        let mut daemon = files.start();
        let mut become_ = |members: &[String], state: &str| {
            // They may change in any order.
            let mut left: Vec<String> = members.iter().map(|member| format!("{member} is {state}")).collect();
            left.retain(|line| !daemon.has_logged(line));
            while let Some(line) = left.first().cloned() {
                daemon.wait(&line);
                left.retain(|line| !daemon.has_logged(line));
            }
            daemon.logged.clear();
            answers(&daemon)
        };
        let of = |far: &Far| vec![far.member(1), far.member(2)];
        let every = [of(&fars[0]), of(&fars[1])].concat();
        assert_eq!(become_(&every, "up"), all);
        // One end of one link: who is behind it is down.
        fars[0].link("down");
        assert_eq!(become_(&of(&fars[0]), "down"), all[2..]);
        fars[0].link("up");
        assert_eq!(become_(&of(&fars[0]), "up"), all);
        // All that is far falls silent at one time: it is the network on this side.
        fars.iter().for_each(|far| far.link("down"));
        assert_eq!(become_(&every, "unknown"), all);
        fars.iter().for_each(|far| far.link("up"));
        assert_eq!(become_(&every, "up, was unknown"), all);
        // The machine's own links.
        [1, 2].iter().for_each(|network| run(&format!("ip link set near{network} down")));
        assert_eq!(become_(&every, "unknown"), all);
        [1, 2].iter().for_each(|network| run(&format!("ip link set near{network} up")));
        assert_eq!(become_(&every, "up, was unknown"), all);
        let history = daemon.files.run("ctl", &["health", "--history"]).stdout;
        assert_eq!(
            history.matches("is down, was").count(),
            2,
            "those behind the link that was cut: {history}"
        );
    });
}
