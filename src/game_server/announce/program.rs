//! The game server as a child of this process.
//!
//! This file hides what it is told, what it is not told, and how its end becomes an exit code.

use crate::base::io_error::in_words;
use crate::base::{interrupt, threads};
use crate::game_server::event::Seconds;
use crate::game_server::tracker_address::TrackerAddress;
use crate::protocol::text::spelled_out;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// A game server that ends with success sooner than this has probably gone into the background.
const SHORTEST_GAME: Duration = Duration::from_secs(5);

/// Starts the game server on the standard streams of this process. It learns which port is
/// announced and where, and none of the secrets.
pub(crate) fn start(
    program: &OsString,
    arguments: &[OsString],
    port: u16,
    trackers: &[TrackerAddress],
) -> io::Result<Child> {
    let trackers: Vec<String> = trackers.iter().map(TrackerAddress::short).collect();
    without_secrets(interrupt::command(program)?.args(arguments))
        .env("GLTRACKER_TRACKERS", trackers.join(" "))
        .env("GLTRACKER_PORT", port.to_string())
        .spawn()
}

/// Takes what opens the tracker out of the environment of a command.
pub(super) fn without_secrets(command: &mut Command) -> &mut Command {
    command
        .env_remove("GLTRACKER_PASSWORD")
        .env_remove("GLTRACKER_PASSWORD_FILE")
        .env_remove("GLTRACKER_KEY")
}

/// Waits for the end of the program in another thread, and calls `tell` with it.
///
/// # Errors
/// When the system has no thread left.
pub(crate) fn when_it_ends(
    mut child: Child,
    tell: impl FnOnce(io::Result<ExitStatus>) + Send + 'static,
) -> io::Result<()> {
    threads::start("program", threads::STACK, move || tell(child.wait())).map(drop)
}

/// A remark about the end of the program, if the game server seems to run on without it. That is so
/// if the program is a script that starts the game server in the background.
pub(crate) fn remark(name: &OsStr, status: ExitStatus, ran: Duration) -> Option<String> {
    (status.success() && ran < SHORTEST_GAME).then(|| {
        format!(
            "{} has ended after {} with exit code 0, and the announcement with it.\n  If it has put \
             the game server into the background, keep that in the foreground (as the last line of \
             a shell script: exec GAME), or run gltracker announce without -- PROGRAM beside it",
            spelled_out(&name.to_string_lossy(), 200),
            Seconds(ran)
        )
    })
}

/// Why it cannot be started.
pub(crate) fn why_not(program: &OsStr, error: &io::Error) -> String {
    let name = spelled_out(&program.to_string_lossy(), 200);
    let is_path = Path::new(program).components().count() > 1;
    match error.kind() {
        ErrorKind::NotFound if Path::new(program).exists() && is_path => {
            format!("cannot start {name}: what its first line (#!) names is not there")
        }
        ErrorKind::NotFound if is_path => format!("cannot start {name}: there is no such file"),
        ErrorKind::NotFound => format!(
            "cannot start {name}: no folder of PATH has it; for one in this folder write ./{name}"
        ),
        ErrorKind::PermissionDenied => {
            format!("cannot start {name}: it may not be executed; chmod +x makes a file a program")
        }
        _ => format!("cannot start {name}: {}", in_words(error)),
    }
}

/// The exit code as a shell shows it: 128 plus the number of the signal, if a signal ended the program.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let code = status.code().or(signal.map(|signal| 128 + signal));
    // Some systems have larger codes: the lowest byte of a failure may be 0.
    match code.map(|code| u8::try_from(code & 0xff).unwrap_or_default()) {
        Some(0) if !status.success() => 1,
        Some(code) => code,
        None => 1,
    }
}
