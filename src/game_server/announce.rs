//! `gltracker announce`: an announcer for games that have none.

use super::TrackerAddress;
use super::announcer::{Announcer, StartError};
use super::credential::{Credential, CredentialError};
use super::event::{Event, Happening};
use super::fields;
pub use super::options::{Options, Secret};
use super::pong::{Pong, PongPort};
use super::program;
use super::report::{Report, Situation};
use super::updates::{self, Follower, LOOK, Numbered};
use crate::protocol::infos::{Changes, Infos};
use crate::protocol::text::spelled_out;
use crate::threads;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Lines that may wait to be read; whoever writes more waits.
const QUEUE: usize = 64;

/// Mistakes in a file that are remembered as said.
const MISTAKES: usize = 1000;

/// Why nothing is announced.
#[derive(Debug)]
pub enum AnnounceError {
    /// The password or key cannot be one.
    Credential(CredentialError),
    /// The file of the password cannot be read.
    PasswordFile(PathBuf, io::Error),
    /// The file of the password holds none.
    NoPassword(PathBuf),
    /// The UDP port cannot be listened on.
    Pong(u16, io::Error),
    /// The game server cannot be started.
    Program(OsString, io::Error),
    /// The announcer did not start.
    Start(StartError),
    /// A thread could not be started.
    Thread(io::Error),
}

impl AnnounceError {
    /// True if the command line was wrong, false if the system said no.
    pub fn is_wrong_usage(&self) -> bool {
        matches!(self, Self::Credential(_) | Self::NoPassword(_))
    }
}

impl fmt::Display for AnnounceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &Path| spelled_out(&path.display().to_string(), 200);
        match self {
            Self::Credential(error) => error.fmt(f),
            Self::PasswordFile(path, error) => {
                write!(f, "--password-file: {}: {error}", shown(path))
            }
            Self::NoPassword(path) => write!(
                f,
                "--password-file: {} holds no password; write one into its first line",
                shown(path)
            ),
            Self::Pong(port, error) if error.kind() == ErrorKind::AddrInUse => write!(
                f,
                "--pong: UDP port {port} is in use, probably by the game itself; let the game \
                 answer PING and CHALLENGE, or have them come to another port with \
                 pingport=<port>"
            ),
            Self::Pong(port, error) => write!(f, "--pong: UDP port {port}: {error}"),
            Self::Program(program, error) => {
                let program = spelled_out(&program.to_string_lossy(), 200);
                write!(f, "cannot start {program}: {error}")
            }
            Self::Start(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "a thread cannot be started: {error}"),
        }
    }
}

impl std::error::Error for AnnounceError {}

/// What the main thread waits for.
enum Input {
    /// A line with updates.
    Line(Numbered),
    /// The file with updates cannot be read (any more).
    Problem(String),
    /// A tracker has refused for good.
    Refused,
    /// The game server has ended.
    Ended(io::Result<ExitStatus>),
}

/// Announces a game server until it ends or all trackers have refused for good; returns the exit
/// code. Without a program, and with a tracker that may yet come, it does not return.
///
/// # Errors
/// [`AnnounceError`] when it does not start.
pub fn announce(mut options: Options) -> Result<u8, AnnounceError> {
    let credential = options.credential()?;
    let report = Report::start().map_err(AnnounceError::Thread)?;
    let (inputs, input) = sync_channel(QUEUE);
    let mut state = State {
        infos: std::mem::take(&mut options.fields),
        mistakes: HashSet::new(),
        source: match &options.updates {
            Some(path) => spelled_out(&path.display().to_string(), 200),
            None => "standard input".to_owned(),
        },
        report,
    };
    let has_program = !options.program.is_empty();
    match options.updates.take() {
        Some(path) => follow(state.read_file(path), inputs.clone()),
        None if has_program => Ok(()),
        None => read_standard_input(inputs.clone()),
    }
    .map_err(AnnounceError::Thread)?;
    // Before the game server starts: if it takes that port as well, it is the one to complain.
    let udp_port = fields::udp_port(&state.infos);
    let pong = match options.pong {
        true => Some(PongPort::bind(udp_port).map_err(|e| AnnounceError::Pong(udp_port, e))?),
        false => None,
    };
    if let Some((name, arguments)) = options.program.split_first() {
        let port = state.infos.number("port").unwrap_or_default();
        let child = program::start(name, arguments, port, &options.trackers)
            .map_err(|error| AnnounceError::Program(name.clone(), error))?;
        let inputs = inputs.clone();
        program::when_it_ends(child, move |status| {
            let _ = inputs.send(Input::Ended(status));
        })
        .map_err(AnnounceError::Thread)?;
    }
    let started = Announcement::start(options.trackers, credential, &state, pong, inputs);
    let mut announcement = match started {
        Ok(announcement) => announcement,
        Err(error) if !has_program => return Err(error),
        Err(error) => {
            // Players who are on it should not lose their game over this.
            state
                .report
                .text(format_args!("nothing is announced: {error}"));
            return Ok(wait_for_end(&input, &state.report));
        }
    };
    let code = loop {
        // The announcement holds a sender, so this does not fail.
        match input.recv() {
            Ok(Input::Line(line)) => state.apply(line, |changes| announcement.apply(changes)),
            Ok(Input::Problem(problem)) => state.report.text(problem),
            Ok(Input::Refused) if announcement.announcer.is_hopeless() && !has_program => break 1,
            Ok(Input::Refused) => {}
            Ok(Input::Ended(status)) => break code_of(status, &state.report),
            Err(_) => break 1,
        }
    };
    // Whoever has something to say from here on finds nobody, and does not wait.
    drop(input);
    drop(announcement);
    state.report.flush();
    Ok(code)
}

/// An announcer, and who answers datagrams for it.
struct Announcement {
    announcer: Announcer,
    pong: Option<Pong>,
    /// Where datagrams come to, for those who give advice.
    udp_port: Arc<AtomicU16>,
    report: Report,
}

impl Announcement {
    fn start(
        trackers: Vec<TrackerAddress>,
        credential: Credential,
        state: &State,
        pong: Option<PongPort>,
        inputs: SyncSender<Input>,
    ) -> Result<Self, AnnounceError> {
        let udp_port = Arc::new(AtomicU16::new(fields::udp_port(&state.infos)));
        let (report, its_port) = (state.report.clone(), Arc::clone(&udp_port));
        let answers = pong.is_some();
        let on_event = move |event: Event| {
            let is_final = matches!(event.what, Happening::Refused { again_in: None, .. });
            let situation = Situation {
                udp_port: its_port.load(Ordering::Relaxed),
                answers,
            };
            report.event(event, situation);
            if is_final {
                // Nobody waits for it any more when the game server has ended.
                let _ = inputs.send(Input::Refused);
            }
        };
        let infos = state.infos.clone();
        let announcer = Announcer::start_with(trackers, credential, infos, on_event)
            .map_err(AnnounceError::Start)?;
        let relay = announcer.relay();
        let pong = pong.map(|pong| pong.answer(move |number, from| relay.pass_on(number, from)));
        Ok(Self {
            announcer,
            pong: pong.transpose().map_err(AnnounceError::Thread)?,
            udp_port,
            report: state.report.clone(),
        })
    }

    fn apply(&mut self, changes: &Changes<'_>) -> Result<(), String> {
        self.announcer.apply(changes).map_err(|no| no.text)?;
        let port = self.announcer.udp_port();
        if self.udp_port.swap(port, Ordering::Relaxed) != port && self.pong.is_some() {
            let relay = self.announcer.relay();
            let moved = PongPort::bind(port)
                .and_then(|pong| pong.answer(move |number, from| relay.pass_on(number, from)));
            match moved {
                Ok(pong) => self.pong = Some(pong),
                // The old one hears nothing there, but the next move may do better.
                Err(error) => self.report.text(AnnounceError::Pong(port, error)),
            }
        }
        Ok(())
    }
}

/// What becomes of lines with updates.
struct State {
    /// What is said first.
    infos: Infos,
    /// What was said about lines of a file, which are read again and again.
    mistakes: HashSet<String>,
    source: String,
    report: Report,
}

impl State {
    /// Reads a file for the first time: what it says is part of what is said first.
    fn read_file(&mut self, path: PathBuf) -> Follower {
        let mut follower = Follower::new(path);
        let look = follower.look();
        if let Some(problem) = look.problem {
            self.report.text(problem);
        }
        let mut infos = self.infos.clone();
        for line in look.lines {
            self.apply(line, |changes| {
                infos = fields::merged(&infos, changes).map_err(|no| no.text)?;
                Ok(())
            });
        }
        self.infos = infos;
        follower
    }

    /// Does what a line says, or says what is wrong with it.
    fn apply(
        &mut self,
        (number, line): Numbered,
        change: impl FnOnce(&Changes<'_>) -> Result<(), String>,
    ) {
        let done = line.and_then(|line| {
            if line.trim_start().starts_with('#') {
                return Ok(());
            }
            let changes = Changes::parse(&line).map_err(|no| no.text)?;
            match changes.is_empty() {
                true => Ok(()),
                false => change(&changes),
            }
        });
        if let Err(why) = done {
            let mistake = format!("line {number} of {}: {why}", self.source);
            if self.mistakes.len() >= MISTAKES {
                self.mistakes.clear();
            }
            if self.mistakes.insert(mistake.clone()) {
                self.report.text(mistake);
            }
        }
    }
}

/// Reads a file, as it changes, from another thread.
fn follow(mut follower: Follower, inputs: SyncSender<Input>) -> io::Result<()> {
    let look = move || {
        loop {
            thread::sleep(LOOK);
            let mut is_wanted = true;
            let look = follower.look_or_listen(|line| {
                is_wanted = inputs.send(Input::Line(line)).is_ok();
                is_wanted
            });
            if let Some(problem) = look {
                is_wanted = inputs.send(Input::Problem(problem)).is_ok();
            }
            if !is_wanted {
                return;
            }
        }
    };
    threads::start("updates", threads::STACK, look).map(drop)
}

/// Reads standard input from another thread. Its end is not the end of the announcement.
fn read_standard_input(inputs: SyncSender<Input>) -> io::Result<()> {
    let read = move || {
        updates::read_lines(io::stdin().lock(), |line| {
            inputs.send(Input::Line(line)).is_ok()
        });
    };
    threads::start("updates", threads::STACK, read).map(drop)
}

/// Waits for the end of the game server and for nothing else.
fn wait_for_end(input: &Receiver<Input>, report: &Report) -> u8 {
    let status = input.iter().find_map(|input| match input {
        Input::Ended(status) => Some(status),
        _ => None,
    });
    let code = status.map_or(1, |status| code_of(status, report));
    report.flush();
    code
}

fn code_of(status: io::Result<ExitStatus>, report: &Report) -> u8 {
    match status {
        Ok(status) => program::exit_code(status),
        Err(error) => {
            report.text(format_args!(
                "the end of the program cannot be seen: {error}"
            ));
            3
        }
    }
}
