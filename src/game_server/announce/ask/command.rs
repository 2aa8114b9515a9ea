//! One run of a shell command that says what the game server is.
//!
//! This file hides how long it may run and how much it may say, and how all of it is ended then.

use crate::base::io_error::in_words;
use crate::base::{interrupt, threads};
use crate::game_server::announce::program;
use crate::game_server::announce::updates::{Numbered, read_lines};
use std::ffi::OsStr;
use std::io::{self, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
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
/// why they do not count. Its standard error is that of this process.
pub(super) fn run(command: &OsStr, port: u16) -> Result<Vec<Numbered>, String> {
    let deadline = Instant::now() + PATIENCE;
    let failed = |error: io::Error| format!("it cannot be run: {}", in_words(&error));
    let mut child = shell(command, port)
        .and_then(|mut shell| shell.spawn())
        .map_err(failed)?;
    let ended = match child.stdout.take().map(read).transpose() {
        Ok(Some(output)) => wait(&mut child, &output, deadline),
        Ok(None) => Err("it has no standard output".to_owned()),
        Err(error) => Err(failed(error)),
    };
    if ended.is_err() {
        kill(&mut child);
    }
    let (output, status) = ended?;
    if !status.success() {
        return Err(format!("exit code {}", program::exit_code(status)));
    }
    let mut lines = Vec::new();
    read_lines(&output[..], |line| {
        lines.push(line);
        true
    });
    Ok(lines)
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
    shell.stdin(Stdio::null()).stdout(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    Ok(shell)
}

/// Reads all that is said, in another thread, but not more than may be said and one byte.
fn read(output: ChildStdout) -> io::Result<Receiver<Vec<u8>>> {
    let (tell, told) = channel();
    let read = move || {
        let mut bytes = Vec::new();
        let _ = output.take(MAX_OUTPUT as u64 + 1).read_to_end(&mut bytes);
        let _ = tell.send(bytes);
    };
    threads::start("status-output", threads::STACK, read)?;
    Ok(told)
}

fn wait(
    child: &mut Child,
    output: &Receiver<Vec<u8>>,
    deadline: Instant,
) -> Result<(Vec<u8>, ExitStatus), String> {
    let left = || deadline.saturating_duration_since(Instant::now());
    let late = || format!("no end within {} s", PATIENCE.as_secs());
    let bytes = output.recv_timeout(left()).map_err(|_| late())?;
    if bytes.len() > MAX_OUTPUT {
        return Err(format!("it prints more than {MAX_OUTPUT} bytes"));
    }
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok((bytes, status)),
            Ok(None) if left().is_zero() => return Err(late()),
            Ok(None) => thread::sleep(POLL_INTERVAL),
            Err(error) => return Err(in_words(&error)),
        }
    }
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
        assert_eq!(lines("kill -s KILL $$"), Err("exit code 137".into()));
    }

    #[test]
    fn one_that_prints_too_much_is_ended_at_once() {
        let start = Instant::now();
        let error = lines("while :; do echo 0123456789; done").unwrap_err();
        assert!(error.contains("more than 65536 bytes"), "{error}");
        assert!(start.elapsed() < PATIENCE);
    }
}
