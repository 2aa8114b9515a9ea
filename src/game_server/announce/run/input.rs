//! What the main thread waits for, and the threads that read updates.

use crate::base::threads;
use crate::game_server::announce::ask::Answer;
use crate::game_server::announce::updates::{self, Follower, Numbered, POLL_INTERVAL};
use std::io;
use std::process::ExitStatus;
use std::sync::mpsc::SyncSender;
use std::thread;

/// What the main thread waits for.
pub(super) enum Input {
    /// A line with updates; `None` if the file was written without a new one in it.
    Line(Option<Numbered>),
    /// The file with updates cannot be read (any more).
    Problem(String),
    /// What was answered to a question, or why nothing was.
    Answer(Result<Answer, String>),
    /// A tracker has refused for good.
    Refused,
    /// The game server has ended.
    Ended(io::Result<ExitStatus>),
}

/// Reads a file, as it changes, from another thread.
pub(super) fn follow(mut follower: Follower, inputs: SyncSender<Input>) -> io::Result<()> {
    let look = move || {
        loop {
            thread::sleep(POLL_INTERVAL);
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

/// Reads standard input from another thread. Its end is not the end of the announcement; `at_end` is
/// said about it.
pub(super) fn read_standard_input(
    inputs: SyncSender<Input>,
    at_end: Option<&'static str>,
) -> io::Result<()> {
    let read = move || {
        updates::read_lines(io::stdin().lock(), |line| {
            inputs.send(Input::Line(Some(line))).is_ok()
        });
        if let Some(problem) = at_end {
            let _ = inputs.send(Input::Problem(problem.to_owned()));
        }
    };
    threads::start("updates", threads::STACK, read).map(drop)
}
