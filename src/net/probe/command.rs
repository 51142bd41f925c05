//! A program: exit code 0 is success. It gets no shell, no environment but a path and the address, no input; what it writes is bounded,
//! and it and its children end with their time.

use super::{Failure, Means, Note, own, wrong};
use crate::config::CommandProbe;
use crate::health::Target;
use crate::limits;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// Runs it.
pub(super) async fn probe(
    target: &Target,
    command: &CommandProbe,
    means: &Means,
    timeout: Duration,
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
    let mut group = Group(child);
    let mut said = Vec::new();
    let output = group.0.stdout.take();
    let finished = async {
        if let Some(output) = output {
            // What is beyond is not read: a program that floods blocks, and runs out of time.
            let _ = output.take(limits::PROBE_OUTPUT).read_to_end(&mut said).await;
        }
        group.0.wait().await
    };
    let ended = tokio::time::timeout(timeout, finished).await;
    let first = String::from_utf8_lossy(&said);
    let first = first.lines().next().unwrap_or_default().trim();
    match ended {
        Ok(Ok(status)) if status.success() => Ok(Some(first.to_owned()).filter(|first| !first.is_empty())),
        Ok(Ok(status)) => Err(wrong(format!("{status}: {first}"))),
        Ok(Err(error)) => Err(own(format!("{program}: {error}"))),
        Err(_) => Err(wrong(format!("it ran for more than {} s", timeout.as_secs_f32()))),
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
