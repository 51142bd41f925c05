//! Servers killed, stopped and started again under load from dnsperf: no answer is lost that any live server could give.

use super::lab::{Server, in_own_network};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};

const HINTS: &str = ". 3600000 NS ns.\nns. 3600000 A 198.18.0.1\n";

const ROOT: &str = "$ORIGIN .
$TTL 86400
. SOA ns. hostmaster. 1 1800 900 604800 86400
. NS ns.
ns. A 198.18.0.1
test. NS a.test.
test. NS b.test.
test. NS c.test.
a.test. A 198.18.2.1
b.test. A 198.18.2.2
c.test. A 198.18.2.3
";

const TEST: &str = "$TTL 3600
@ SOA a hostmaster 1 7200 3600 1209600 60
@ NS a
@ NS b
@ NS c
a A 198.18.2.1
b A 198.18.2.2
c A 198.18.2.3
*.wild TXT any
";

/// Names asked for at most, each once, and how many a second.
const NAMES: usize = 60_000;
const PER_SECOND: usize = 2_500;

/// dnsperf at work, as long as it is given names; it ends with the test.
struct Load {
    child: Child,
    /// What it prints: a line for each answer.
    lines: Receiver<String>,
    /// No more names are wanted.
    enough: Arc<AtomicBool>,
    /// Gives it names, and says at the end how many.
    names: Option<JoinHandle<usize>>,
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Load {
    /// Each name is asked for once, so an answer from the cache, stale or not, is none of these.
    fn start(waymark: &Server) -> Load {
        let arguments =
            format!("-v -s {} -f inet -n 1 -l 60 -q 100 -c 4 -t 4 -Q {PER_SECOND}", waymark.address);
        let mut child = Command::new("dnsperf")
            .args(arguments.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dnsperf: tests/run installs it");
        let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        // dnsperf never waits for the test to read.
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let enough = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&enough);
        let names = thread::spawn(move || {
            let wanted = |_: &usize| !told.load(Ordering::Relaxed);
            (0..NAMES)
                .take_while(wanted)
                .take_while(|i| writeln!(stdin, "n{i}.wild.test TXT").is_ok())
                .count()
        });
        Load { child, lines, enough, names: Some(names) }
    }

    /// Waits until so many more are answered, and rightly. `phase` says what is the case meanwhile.
    fn answered(&mut self, phase: &str, more: usize) {
        // What has come so far belongs to what was the case before.
        let before = self.lines.try_iter().collect::<Vec<_>>().into_iter().filter(|line| is_answer(line));
        let after: Vec<String> = self.lines.iter().filter(|line| is_answer(line)).take(more).collect();
        assert_eq!(after.len(), more, "{phase}: dnsperf ended");
        for line in before.chain(after) {
            assert!(line.starts_with("> NOERROR "), "{phase}: {line}");
        }
    }

    /// Ends it, and checks all of its answers.
    fn end(mut self) {
        self.enough.store(true, Ordering::Relaxed);
        let asked = self.names.take().unwrap().join().unwrap();
        let (answers, report): (Vec<_>, Vec<_>) = self.lines.iter().partition(|line| is_answer(line));
        let report = report.join("\n");
        println!("{report}");
        for line in answers {
            assert!(line.starts_with("> NOERROR "), "{line}");
        }
        let says = |line: String| report.lines().any(|l| l.split_whitespace().eq(line.split_whitespace()));
        assert!(says("Queries lost: 0 (0.00%)".into()), "{report}");
        assert!(says(format!("Response codes: NOERROR {asked} (100.00%)")), "{asked} asked\n{report}");
    }
}

/// Whether a line of dnsperf's tells of one answer.
fn is_answer(line: &str) -> bool {
    line.starts_with("> ")
}

#[test]
fn no_answer_is_lost_that_a_live_server_could_give() {
    in_own_network("load::no_answer_is_lost_that_a_live_server_could_give", |lab| {
        let zones = [("test", TEST)];
        let _root = lab.nsd("198.18.0.1", &[(".", ROOT)]);
        let start_nsd = || lab.nsd("198.18.2.1", &zones);
        let start_knot = || lab.knot("198.18.2.2", &zones);
        let start_bind = || lab.bind("198.18.2.3", &zones);
        let (mut nsd, mut knot, mut bind) = (start_nsd(), start_knot(), start_bind());
        let waymark = lab.waymark("198.18.0.9", &[], Some(HINTS));
        let mut load = Load::start(&waymark);
        load.answered("all live", 1_000);
        nsd.kill();
        load.answered("one is dead", 1_000);
        knot.pause();
        load.answered("one is dead, another silent", 2_000);
        nsd = start_nsd();
        bind.kill();
        load.answered("the last one died when the first was back", 2_000);
        knot.resume();
        nsd.kill();
        load.answered("only the one lives that was silent for long", 2_000);
        bind = start_bind();
        for _ in 0..20 {
            bind.pause();
            load.answered("one is late", 100);
            bind.resume();
            load.answered("one was late", 50);
        }
        // At each moment one of two answers.
        for _ in 0..10 {
            bind.pause();
            load.answered("the first takes its turn", 100);
            bind.resume();
            knot.pause();
            load.answered("the second takes its turn", 100);
            knot.resume();
        }
        knot.kill();
        load.answered("only the one lives that was late", 1_000);
        knot = start_knot();
        nsd = start_nsd();
        load.answered("all are back", 1_000);
        load.end();
        drop((nsd, knot, bind));
    });
}
