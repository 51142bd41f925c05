//! A program: exit code 0 is success. It gets no shell, no environment but a path and the address, no input; what it writes is bounded,
//! and it and its children end with their time.

use super::{Failure, Means, Note, Reached, Stage, note, own, wrong};
use crate::config::CommandProbe;
use crate::health::Target;
use crate::limits;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// Runs it.
pub(super) async fn probe(
    target: &Target,
    command: &CommandProbe,
    means: &Means,
    reached: &Reached,
) -> Result<Note, Failure> {
    // What it waits for here are other programs, of which it can do nothing.
    reached.at(Stage::Queued);
    let Ok(_slot) = means.commands.acquire().await else { return Err(own("no more programs are run")) };
    let address = target.address.to_string();
    let mut line = command.line.iter().map(|word| word.replace("{address}", &address));
    let program = line.next().unwrap_or_default();
    let child = Command::new(&program)
        .args(line)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("WAYMARK_ADDRESS", &address)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, to be ended with all its children.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| own(format!("{program}: {error}")))?;
    reached.at(Stage::Started);
    let mut group = Group::of(child);
    let (mut said, mut complained) = (Vec::new(), Vec::new());
    let status = group.run(&mut said, &mut complained).await;
    let status = status.map_err(|error| own(format!("{program}: {error}")))?;
    let (said, complained) = (first_line(&said), first_line(&complained));
    match status.success() {
        true => Ok(said.and_then(note)),
        false => Err(wrong(said.or(complained).map_or(status.to_string(), |why| format!("{status}: {why}")))),
    }
}

/// Reads what a program writes, up to a limit. What is beyond is not read: one that floods is ended by the pipe that closes, or runs out of
/// time.
async fn read(pipe: Option<impl AsyncRead + Unpin>, said: &mut Vec<u8>) {
    if let Some(pipe) = pipe {
        let _ = pipe.take(limits::PROBE_OUTPUT).read_to_end(said).await;
    }
}

/// The first line that says something.
fn first_line(octets: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(octets);
    text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

/// A program and all its children, which end with it. The id is kept: those it leaves behind are of its group when it has ended.
struct Group {
    child: Child,
    id: Option<Pid>,
}

impl Group {
    fn of(child: Child) -> Group {
        let id = child.id().and_then(|id| Pid::from_raw(id as i32));
        Group { child, id }
    }

    /// Waits until the program has ended, and reads what it says meanwhile.
    async fn run(&mut self, said: &mut Vec<u8>, complained: &mut Vec<u8>) -> io::Result<ExitStatus> {
        let (output, errors) = (self.child.stdout.take(), self.child.stderr.take());
        let mut reading =
            std::pin::pin!(async { tokio::join!(read(output, said), read(errors, complained)) });
        let mut all_read = false;
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break status,
                _ = &mut reading, if !all_read => all_read = true,
            }
        };
        self.end();
        if !all_read {
            // What it wrote itself is there; a daemon that has left the group may hold the pipes open.
            let _ = tokio::time::timeout(limits::PROBE_LAST_WORDS, reading).await;
        }
        status
    }

    /// Ends all of it, once: the number may be another's later.
    fn end(&mut self) {
        if let Some(id) = self.id.take() {
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}
