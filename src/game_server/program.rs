//! The game server as a child of this process.
//!
//! This file hides what it is told, what it is not told, and how its end becomes an exit code.

use super::TrackerAddress;
use crate::interrupt;
use crate::threads;
use std::ffi::OsString;
use std::io;
use std::process::{Child, ExitStatus};

/// Starts the game server on the standard streams of this process. It learns which port is
/// announced and where, and none of the secrets.
pub(super) fn start(
    program: &OsString,
    arguments: &[OsString],
    port: u16,
    trackers: &[TrackerAddress],
) -> io::Result<Child> {
    let trackers: Vec<String> = trackers.iter().map(TrackerAddress::short).collect();
    interrupt::command(program)?
        .args(arguments)
        .env_remove("GLTRACKER_PASSWORD")
        .env_remove("GLTRACKER_PASSWORD_FILE")
        .env_remove("GLTRACKER_KEY")
        .env("GLTRACKER_TRACKERS", trackers.join(" "))
        .env("GLTRACKER_PORT", port.to_string())
        .spawn()
}

/// Waits for its end in another thread, and tells it.
///
/// # Errors
/// When the system has no thread left.
pub(super) fn when_it_ends(
    mut child: Child,
    tell: impl FnOnce(io::Result<ExitStatus>) + Send + 'static,
) -> io::Result<()> {
    threads::start("program", threads::STACK, move || tell(child.wait())).map(drop)
}

/// Its exit code as a shell shows it: 128 and the number of the signal that ended it, if one did.
pub(super) fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let code = status.code().or(signal.map(|signal| 128 + signal));
    // Where codes are larger, the lowest byte of one that is not 0 might be.
    match code.map(|code| u8::try_from(code & 0xff).unwrap_or_default()) {
        Some(0) if !status.success() => 1,
        Some(code) => code,
        None => 1,
    }
}
