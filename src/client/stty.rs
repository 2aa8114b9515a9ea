//! The terminal of this process, wherever its standard streams go.
//!
//! This file hides how its size and its settings are found out with std alone: by `stty`, which every
//! Unix has.

use std::fs::File;
use std::io;
use std::process::{Command, Stdio};

/// The device that is the terminal.
pub(crate) const TTY: &str = "/dev/tty";

/// Columns and lines.
pub(crate) fn size() -> Option<(usize, usize)> {
    let size = stty(&["size"]).ok()?;
    let mut numbers = size.split_whitespace().map(|number| number.parse().ok());
    let (lines, columns) = (numbers.next()??, numbers.next()??);
    // Some that are no terminals say zero.
    (lines > 0 && columns > 0).then_some((columns, lines))
}

/// What `stty` says to these arguments.
///
/// # Errors
/// When there is no terminal, or it cannot do that.
pub(crate) fn stty(arguments: &[&str]) -> io::Result<String> {
    let output = Command::new("stty")
        .args(arguments)
        .stdin(File::open(TTY)?)
        .stderr(Stdio::null())
        .output()?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(io::Error::other(format!(
            "stty {} failed",
            arguments.join(" ")
        ))),
    }
}
