//! A program: exit code 0 is success. It gets no shell, no environment but a path and the address, no input; what it writes is bounded,
//! and it and its children end with their time.

use super::{Failure, Means, Note, Reached, Stage, own, wrong};
use crate::config::CommandProbe;
use crate::health::Target;
use crate::limits;
use std::process::Stdio;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// Runs it.
pub(super) async fn probe(
    target: &Target,
    command: &CommandProbe,
    means: &Means,
    reached: &Reached,
) -> Result<Note, Failure> {
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
        .stderr(Stdio::null())
        // A group of its own, to be ended with all its children.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| own(format!("{program}: {error}")))?;
    reached.at(Stage::Started);
    let mut group = Group(child);
    let mut said = Vec::new();
    let output = group.0.stdout.take();
    if let Some(output) = output {
        // What is beyond is not read: a program that floods is ended by the pipe that closes, or runs out of time.
        let _ = output.take(limits::PROBE_OUTPUT).read_to_end(&mut said).await;
    }
    let status = group.0.wait().await.map_err(|error| own(format!("{program}: {error}")))?;
    let first = String::from_utf8_lossy(&said);
    let first = first.lines().next().unwrap_or_default().trim();
    match status.success() {
        true => Ok(Some(first.to_owned()).filter(|first| !first.is_empty())),
        false => Err(wrong(format!("{status}: {first}"))),
    }
}

/// A program and all its children, which end with it.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let Some(id) = self.0.id().and_then(|id| rustix::process::Pid::from_raw(id as i32)) else { return };
        let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
    }
}
