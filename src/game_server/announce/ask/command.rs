//! One run of a shell command that says what the game server is.
//!
//! This file hides how long it may run and how much it may say, and how all of it is ended then.

use crate::base::io_error::in_words;
use crate::base::{interrupt, threads};
use crate::game_server::announce::program;
use crate::game_server::announce::updates::{Numbered, read_lines};
use crate::protocol::text::spelled_out;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long it may run.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes that it may say: many times what a game server's fields take.
const MAX_OUTPUT: usize = 64 * 1024;

/// How often its end is looked for once it has said all.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Runs `command` once, and tells it the port that is announced; the lines that it has printed, or
/// why they do not count.
pub(super) fn run(command: &OsStr, port: u16) -> Result<Vec<Numbered>, String> {
    let deadline = Instant::now() + PATIENCE;
    let mut child = shell(command, port)
        .and_then(|mut shell| shell.spawn())
        .map_err(not_run)?;
    let ended = wait(&mut child, deadline);
    if ended.is_err() {
        kill(&mut child);
    }
    let Ended {
        status,
        output,
        errors,
    } = ended?;
    if !status.success() {
        let code = program::exit_code(status);
        return Err(match last_line(&errors) {
            None => format!("exit code {code}"),
            Some(line) => format!("exit code {code} ({line})"),
        });
    }
    let mut lines = Vec::new();
    read_lines(&output[..], |line| {
        lines.push(line);
        true
    });
    Ok(lines)
}

/// How a command has ended.
struct Ended {
    status: ExitStatus,
    output: Vec<u8>,
    errors: Vec<u8>,
}

fn not_run(error: io::Error) -> String {
    format!("it cannot be run: {}", in_words(&error))
}

fn last_line(errors: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(errors);
    let line = text.lines().rfind(|line| !line.trim().is_empty())?;
    Some(spelled_out(line.trim(), 200))
}

/// The shell that runs it, in a process group of its own where there are such groups.
fn shell(command: &OsStr, port: u16) -> io::Result<Command> {
    let (name, flag) = match cfg!(windows) {
        true => ("cmd", "/C"),
        false => ("sh", "-c"),
    };
    let mut shell = interrupt::command(OsStr::new(name))?;
    shell.arg(flag).arg(command);
    program::without_secrets(&mut shell).env("GLTRACKER_PORT", port.to_string());
    shell
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    Ok(shell)
}

fn wait(child: &mut Child, deadline: Instant) -> Result<Ended, String> {
    let output = child.stdout.take().map(read).transpose().map_err(not_run)?;
    let errors = child.stderr.take().map(read).transpose().map_err(not_run)?;
    let left = || deadline.saturating_duration_since(Instant::now());
    let late = || format!("no end within {} s", PATIENCE.as_secs());
    let all = |stream: Option<Receiver<Vec<u8>>>| {
        let bytes = stream.map(|stream| stream.recv_timeout(left()));
        let bytes = bytes.transpose().map_err(|_| late())?.unwrap_or_default();
        match bytes.len() > MAX_OUTPUT {
            true => Err(format!("it prints more than {MAX_OUTPUT} bytes")),
            false => Ok(bytes),
        }
    };
    let (output, errors) = (all(output)?, all(errors)?);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                return Ok(Ended {
                    status,
                    output,
                    errors,
                });
            }
            Ok(None) if left().is_zero() => return Err(late()),
            Ok(None) => thread::sleep(POLL_INTERVAL),
            Err(error) => return Err(in_words(&error)),
        }
    }
}

/// Reads all of it, in another thread, but not more than may be said and one byte.
fn read(stream: impl Read + Send + 'static) -> io::Result<Receiver<Vec<u8>>> {
    let (tell, told) = channel();
    let read = move || {
        let mut bytes = Vec::new();
        let _ = stream.take(MAX_OUTPUT as u64 + 1).read_to_end(&mut bytes);
        let _ = tell.send(bytes);
    };
    threads::start("status-output", threads::STACK, read)?;
    Ok(told)
}

/// Ends the command and whatever it has started.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    {
        let group = format!("-{}", child.id());
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -s KILL -- \"$0\"", &group]);
        let _ = kill.stderr(Stdio::null()).status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn lines(command: &str) -> Result<Vec<String>, String> {
        let lines = run(OsStr::new(command), 7)?.into_iter();
        Ok(lines
            .map(|(number, line)| format!("{number}:{}", line.unwrap_or("?".into())))
            .collect())
    }

    #[test]
    fn what_is_printed_counts_if_the_command_succeeds() {
        assert_eq!(
            lines("echo a=1; echo; printf b=2"),
            Ok(vec!["1:a=1".into(), "2:".into(), "3:b=2".into()])
        );
        assert_eq!(lines("cat"), Ok(Vec::new()), "there is no input");
        assert_eq!(
            lines("echo port=$GLTRACKER_PORT"),
            Ok(vec!["1:port=7".into()])
        );
        assert_eq!(lines("echo a=1; exit 3"), Err("exit code 3".into()));
        let said = lines("echo one >&2; printf 'no \\033 tape\\n\\n' >&2; exit 4");
        assert_eq!(said, Err("exit code 4 (no \\u{1b} tape)".into()));
        assert_eq!(lines("kill -s KILL $$"), Err("exit code 137".into()));
    }

    #[test]
    fn one_that_prints_too_much_is_ended_at_once() {
        let start = Instant::now();
        for command in [
            "while :; do echo 0123456789; done",
            "while :; do echo 0123456789 >&2; done",
        ] {
            let error = lines(command).unwrap_err();
            assert!(error.contains("more than 65536 bytes"), "{error}");
        }
        assert!(start.elapsed() < PATIENCE);
    }
}
