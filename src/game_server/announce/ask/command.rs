//! A shell command that says what the game server is, and is run again and again.
//!
//! This file hides how long it may run and how much it may say, how all of it is ended then, and that
//! what it has started may outlive it.

use crate::base::io_error::in_words;
use crate::base::mutex::lock;
use crate::base::{interrupt, threads};
use crate::game_server::announce::program;
use crate::game_server::announce::updates::{Numbered, read_lines};
use crate::protocol::text::spelled_out;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long it may run.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes that it may say: many times what a game server's fields take.
const MAX_OUTPUT: usize = 64 * 1024;

/// How often its end is looked for once it has said all.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How long the end of its output may take once it is over.
const TIME_TO_CLOSE: Duration = Duration::from_secs(1);

/// Why there is no answer from one whose output stays open. It is not run again before that is closed:
/// each run would take more threads and descriptors.
const OPEN_OUTPUT: &str = "a program that it has started keeps its output open (start that one with \
                           >/dev/null 2>&1)";

/// Why there is none after its [`RunGuard`] was dropped.
const ENDED: &str = "the announcement has ended";

/// A command and its runs, one at a time.
pub(super) struct StatusCommand {
    text: OsString,
    port: u16,
    running: Arc<Mutex<Running>>,
    /// What reads its output. They stay as long as a program that it has started keeps that open.
    readers: Vec<Receiver<Vec<u8>>>,
}

/// The run that is under way.
#[derive(Debug, Default)]
struct Running {
    child: Option<Child>,
    /// True if nothing is to be run any more.
    is_over: bool,
}

/// Ends the run that is under way when it is dropped. There is no other after it.
#[derive(Debug, Default)]
pub(crate) struct RunGuard(Arc<Mutex<Running>>);

impl Drop for RunGuard {
    fn drop(&mut self) {
        let mut running = lock(&self.0);
        running.is_over = true;
        running.kill();
    }
}

impl Running {
    /// Ends the command and its process group, if it is under way; how it has ended.
    fn kill(&mut self) -> Option<ExitStatus> {
        let mut child = self.child.take()?;
        #[cfg(unix)]
        {
            let group = format!("-{}", child.id());
            let mut kill = Command::new("sh");
            kill.args(["-c", "kill -s KILL -- \"$0\"", &group]);
            let _ = kill.stderr(Stdio::null()).status();
        }
        let _ = child.kill();
        child.wait().ok()
    }

    /// How the command has ended, if it has. Nobody kills it from then on: its number may be another's.
    fn end(&mut self) -> Result<Option<ExitStatus>, String> {
        let child = self.child.as_mut().ok_or(ENDED)?;
        let status = child.try_wait().map_err(|error| in_words(&error))?;
        self.child.take_if(|_| status.is_some());
        Ok(status)
    }
}

impl StatusCommand {
    /// The command is told the port that is announced.
    pub(super) fn new(text: OsString, port: u16) -> (Self, RunGuard) {
        let guard = RunGuard::default();
        let command = Self {
            text,
            port,
            running: Arc::clone(&guard.0),
            readers: Vec::new(),
        };
        (command, guard)
    }

    /// Runs it once; the lines that it has printed, or why they do not count.
    pub(super) fn run(&mut self) -> Result<Vec<Numbered>, String> {
        self.await_readers()?;
        let deadline = Instant::now() + PATIENCE;
        self.start()?;
        let ended = self.wait(deadline);
        if ended.is_err() {
            lock(&self.running).kill();
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

    /// Waits for what reads the output of the run before.
    fn await_readers(&mut self) -> Result<(), String> {
        let until = Instant::now() + TIME_TO_CLOSE;
        self.readers.retain(|reader| {
            let left = until.saturating_duration_since(Instant::now());
            reader.recv_timeout(left) == Err(RecvTimeoutError::Timeout)
        });
        match self.readers.is_empty() {
            true => Ok(()),
            false => Err(OPEN_OUTPUT.to_owned()),
        }
    }

    fn start(&mut self) -> Result<(), String> {
        let mut running = lock(&self.running);
        if running.is_over {
            return Err(ENDED.to_owned());
        }
        let shell = shell(&self.text, self.port).and_then(|mut shell| shell.spawn());
        let child = running.child.insert(shell.map_err(not_run)?);
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let readers = [output.map(read), errors.map(read)].into_iter().flatten();
        let readers: io::Result<Vec<_>> = readers.collect();
        if readers.is_err() {
            running.kill();
        }
        self.readers = readers.map_err(not_run)?;
        Ok(())
    }

    fn wait(&mut self, deadline: Instant) -> Result<Ended, String> {
        let left = || deadline.saturating_duration_since(Instant::now());
        let late = || format!("no end within {} s", PATIENCE.as_secs());
        let mut said = Vec::new();
        for reader in &self.readers {
            let Ok(bytes) = reader.recv_timeout(left()) else {
                let end = lock(&self.running).kill();
                // It was not the kill that ended it.
                let has_ended = cfg!(unix) && end.is_some_and(|status| status.code().is_some());
                return Err(match has_ended {
                    true => OPEN_OUTPUT.to_owned(),
                    false => late(),
                });
            };
            if bytes.len() > MAX_OUTPUT {
                return Err(format!("it prints more than {MAX_OUTPUT} bytes"));
            }
            said.push(bytes);
        }
        let errors = said.pop().unwrap_or_default();
        let output = said.pop().unwrap_or_default();
        loop {
            let end = lock(&self.running).end()?;
            match end {
                Some(status) => {
                    return Ok(Ended {
                        status,
                        output,
                        errors,
                    });
                }
                None if left().is_zero() => return Err(late()),
                None => thread::sleep(POLL_INTERVAL),
            }
        }
    }
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn lines(command: &str) -> Result<Vec<String>, String> {
        let (mut command, _guard) = StatusCommand::new(command.into(), 7);
        let lines = command.run()?.into_iter();
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

    #[test]
    fn one_whose_output_stays_open_is_not_run_again_before_it_is_closed() {
        let (mut command, _guard) = StatusCommand::new("echo a=1".into(), 7);
        // As if a program that was started by the run before still had it.
        let (close, reader) = channel();
        command.readers.push(reader);
        for _ in 0..3 {
            assert_eq!(command.run().unwrap_err(), OPEN_OUTPUT);
            assert_eq!(command.readers.len(), 1);
        }
        close.send(Vec::new()).unwrap();
        assert_eq!(command.run().unwrap().len(), 1);
    }

    #[test]
    fn a_run_ends_with_the_announcement() {
        let (mut command, guard) = StatusCommand::new("sleep 1000".into(), 7);
        let start = Instant::now();
        let running = Arc::clone(&command.running);
        let run = thread::spawn(move || (command.run().unwrap_err(), command.run().unwrap_err()));
        while lock(&running).child.is_none() {
            thread::yield_now();
        }
        drop(guard);
        assert_eq!(run.join().unwrap(), (ENDED.to_owned(), ENDED.to_owned()));
        assert!(start.elapsed() < PATIENCE);
    }
}
