//! Text for the person at the terminal. Nobody reading it (`| head`, a full disk) ends no work and is no panic.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes to standard output and ends the line.
///
/// # Errors
/// When nobody reads it: who only has more to say may stop.
pub fn out(text: impl Display) -> io::Result<()> {
    write(io::stdout(), &text.to_string())
}

/// Writes to standard error and ends the line.
pub fn err(text: impl Display) {
    // There is no other place to say it.
    let _ = write(io::stderr(), &text.to_string());
}

fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    to.write_all(format!("{text}{end}").as_bytes())?;
    to.flush()
}
