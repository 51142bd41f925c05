//! A program: exit code 0 is success. It gets no shell, no environment but a path and the address, no input; what it writes is bounded,
//! and it and its children end with their time.

use super::{Failure, Means, Note, Reached, Stage, note, own, wrong};
use crate::config::CommandProbe;
use crate::health::Target;
use crate::limits;
use rustix::process::{Pid, Signal, kill_process_group};
use std::process::Stdio;
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
    let (output, errors) = (group.child.stdout.take(), group.child.stderr.take());
    let ended = async {
        let status = group.child.wait().await;
        // What it leaves behind may hold its pipes open.
        end(group.id);
        status
    };
    let (said, complained, status) = tokio::join!(read(output), read(errors), ended);
    let status = status.map_err(|error| own(format!("{program}: {error}")))?;
    let first = [&said, &complained].into_iter().find_map(|octets| first_line(octets)).unwrap_or_default();
    match status.success() {
        true => Ok(note(first_line(&said).unwrap_or_default())),
        false => Err(wrong(format!("{status}: {first}"))),
    }
}

/// What a program writes, up to a limit. What is beyond is not read: one that floods is ended by the pipe that closes, or runs out of time.
async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(limits::PROBE_OUTPUT).read_to_end(&mut said).await;
    }
    said
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
}

impl Drop for Group {
    fn drop(&mut self) {
        end(self.id);
    }
}

/// Ends all of a group.
fn end(group: Option<Pid>) {
    if let Some(id) = group {
        let _ = kill_process_group(id, Signal::KILL);
    }
}
