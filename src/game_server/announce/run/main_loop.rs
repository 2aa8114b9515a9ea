//! What `gltracker announce` waits for, and what it does then.

use super::announcement::Announcement;
use super::input::{Input, follow, read_standard_input};
use super::supervisor::Supervisor;
use crate::base::io_error::in_words;
use crate::game_server::announce::error::AnnounceError;
use crate::game_server::announce::options::Options;
use crate::game_server::announce::program;
use crate::game_server::announce::report::Report;
use crate::game_server::announce::state::State;
use crate::game_server::pong::PongPort;
use crate::game_server::session::fields;
use crate::protocol::fields::Infos;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Instant;

/// Said if standard input is a terminal.
const TYPE_HERE: &str = "lines typed here change what players see, as in nbplayers=3 (map= removes \
                         a field); Ctrl-C ends it";

/// Said at the end of standard input if the game server must send updates.
const UPDATES_ARE_OVER: &str = "standard input has ended: with --alive no update can put it back";

/// How many inputs may wait to be handled. Whoever sends more waits.
const MAX_QUEUED: usize = 64;

/// Announces a game server until its program ends or all trackers have refused for good; returns the
/// exit code. Without a program it does not return while there is hope for one of the trackers.
///
/// # Errors
/// [`AnnounceError`] when it does not start.
pub fn announce(mut options: Options) -> Result<u8, AnnounceError> {
    let credential = options.credential()?;
    let report = Report::start().map_err(AnnounceError::Thread)?;
    let (inputs, input) = sync_channel(MAX_QUEUED);
    let mut state = State::new(&options, report);
    for (key, value) in state.infos.iter() {
        if let Some(oddity) = fields::odd_quotes(key, &value) {
            state.report.text(oddity);
        }
    }
    let has_program = !options.program.is_empty();
    match options.updates.take() {
        Some(path) => follow(state.read_file(path), inputs.clone()),
        None if has_program => Ok(()),
        None => {
            if io::stdin().is_terminal() {
                state.report.text(TYPE_HERE);
            }
            let is_asked = options.asked.is_some();
            let at_end = options
                .alive
                .filter(|_| !is_asked)
                .map(|_| UPDATES_ARE_OVER);
            read_standard_input(inputs.clone(), at_end)
        }
    }
    .map_err(AnnounceError::Thread)?;
    // Before the game server starts: if both want that port, the game server reports the error.
    let udp_port = fields::udp_port(&state.infos);
    let pong = options.pong.map(|place| PongPort::bind_at(place, udp_port));
    let pong = pong.transpose().map_err(AnnounceError::Pong)?;
    let child = start_program(&options, &state.infos, inputs.clone())?;
    let trackers = std::mem::take(&mut options.trackers);
    let is_hidden = options.asked.is_some();
    let started = Announcement::start(
        trackers,
        credential,
        &state,
        is_hidden,
        pong,
        inputs.clone(),
    );
    let announcement = match started {
        Ok(announcement) => announcement,
        Err(error) if !has_program => return Err(error),
        Err(error) => {
            // The game server runs already: its players should not lose their game.
            state
                .report
                .text(format_args!("nothing is announced: {error}"));
            return Ok(wait_for_end(&input, &state.report));
        }
    };
    let program = options.program.first().zip(child);
    let port = state.infos.number("port").unwrap_or_default();
    let supervisor = Supervisor::start(options.asked, port, options.alive, child, inputs)
        .map_err(AnnounceError::Thread)?;
    let code = attend(&input, &mut state, &announcement, supervisor, program);
    // From here on nobody waits for room in the queue.
    drop(input);
    drop(announcement);
    state.report.flush();
    Ok(code)
}

/// Starts the game server, if there is one to start; its process.
fn start_program(
    options: &Options,
    infos: &Infos,
    inputs: SyncSender<Input>,
) -> Result<Option<u32>, AnnounceError> {
    let Some((name, arguments)) = options.program.split_first() else {
        return Ok(None);
    };
    let port = infos.number("port").unwrap_or_default();
    let child = program::start(name, arguments, port, &options.trackers)
        .map_err(|error| AnnounceError::Program(name.clone(), error))?;
    let process = child.id();
    program::when_it_ends(child, move |status| {
        let _ = inputs.send(Input::Ended(status));
    })
    .map_err(AnnounceError::Thread)?;
    Ok(Some(process))
}

/// Does what comes in, until the end; returns the exit code. `program` is the game server, if it
/// was started here, with its process.
fn attend(
    input: &Receiver<Input>,
    state: &mut State,
    announcement: &Announcement,
    mut supervisor: Supervisor,
    program: Option<(&OsString, u32)>,
) -> u8 {
    let start = Instant::now();
    loop {
        supervisor.check(announcement, &state.report);
        match input.recv_timeout(supervisor.pause()) {
            Ok(Input::Line(line)) => {
                supervisor.liveness.update_came(Instant::now());
                if let Some(line) = line {
                    state.line(line, |changes| announcement.apply(changes));
                }
            }
            Ok(Input::Answer(answer)) => supervisor.hear(answer, state, announcement),
            Ok(Input::Problem(problem)) => state.report.text(problem),
            Ok(Input::Refused) => {
                if announcement.announcer.is_hopeless() && program.is_none() {
                    return 1;
                }
            }
            Ok(Input::Ended(status)) => {
                if let (Some((name, _)), Ok(status)) = (program, &status)
                    && let Some(remark) = program::remark(name, *status, start.elapsed())
                {
                    state.report.text(remark);
                }
                return code_of(status, &state.report);
            }
            Err(RecvTimeoutError::Timeout) => {}
            // The announcement holds a sender, so this does not happen.
            Err(RecvTimeoutError::Disconnected) => return 1,
        }
    }
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
                "the end of the program cannot be seen: {}",
                in_words(&error)
            ));
            3
        }
    }
}
