//! What all sessions have in common: the events they are given, and the commands that both ports answer.

use super::outbox::{Ending, Outbox};
use crate::protocol::command::Common;
use crate::protocol::line::LineError;
use crate::protocol::refusal::{ErrorCode, Refusal};
use std::time::Instant;

/// A session with one peer.
pub trait Session {
    /// A line came in, or something that cannot be read as one. A blank line is empty.
    fn on_line(&mut self, line: Result<&str, LineError>, now: Instant, out: &mut Outbox);
    /// A whole buffer came in, and no line ended in it.
    fn on_noise(&mut self, now: Instant, out: &mut Outbox);
    /// [`next_deadline`](Self::next_deadline) has passed.
    fn on_deadline(&mut self, now: Instant, out: &mut Outbox);
    /// The peer will send nothing more; `inside_a_line` if its last line had no LF.
    fn on_end(&mut self, inside_a_line: bool, out: &mut Outbox) {
        if inside_a_line {
            out.line(unfinished_line());
        }
        out.end(Ending::Done);
    }
    /// True if `line` takes so much time to answer that others should not have to wait for it.
    fn is_dear(&self, line: &str) -> bool {
        let _ = line;
        false
    }
    /// When the session wants to be woken if nothing comes in.
    fn next_deadline(&self) -> Instant;
}

fn unfinished_line() -> Refusal {
    Refusal::new(
        ErrorCode::BadSyntax,
        "the last line did not end with LF and was not acted on",
    )
}

/// Answers what both ports understand. `stats` is `None` for a peer that may not see them.
pub(super) fn answer_common(
    command: Common<'_>,
    help: impl FnOnce() -> String,
    stats: impl FnOnce() -> Option<String>,
    out: &mut Outbox,
) -> Result<(), Refusal> {
    match command {
        Common::Ping("") => out.line("PONG"),
        Common::Ping(word) => out.line(format_args!("PONG {word}")),
        Common::Help => {
            for line in help().lines() {
                out.line(format_args!("HELP {line}"));
            }
            out.line("OK");
        }
        Common::Stats => {
            let stats = stats().ok_or_else(|| {
                let text = "STATS answers peers on the tracker's own machine only";
                Refusal::new(ErrorCode::UnknownCommand, text)
            })?;
            out.line(format_args!("OK {stats}"));
        }
        Common::Quit => {
            out.line("OK bye");
            out.end(Ending::Done);
        }
    }
    Ok(())
}
