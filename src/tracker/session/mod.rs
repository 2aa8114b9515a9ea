//! The two conversations as state machines without sockets.
//!
//! A session is told what happened (a line came, a deadline passed, the peer stopped sending) and
//! when; it answers by putting what is to be sent into an [`Outbox`]. It owns no socket, no thread
//! and no clock, so a whole minute of conversation is tested in a microsecond.

pub mod answer;
pub mod client;
pub mod game_server;
pub mod limits;
pub mod outbox;
mod port_check;
pub mod watch;
pub mod watcher;

pub use outbox::{Chunk, Ending, Outbox};
pub use port_check::LOWEST_PORT;

use crate::protocol::command::Common;
use crate::protocol::line::LineError;
use crate::protocol::refusal::{ErrorCode, HTTP_HEAD, NOT_A_WEB_SERVER, Refusal};
use std::time::{Duration, Instant};

/// How many mistakes a proven peer may make on one connection.
pub const MAX_MISTAKES: u32 = 20;

/// Lines that a peer may send a second, on and on.
pub const LINES_PER_SECOND: u32 = 20;

/// For so many seconds it may send more than that.
pub const LINES_FOR_SECONDS: u32 = 10;

/// Lines that a LIST counts for: its answer may be a thousand times as long as that of others.
pub const LIST_WEIGHT: u32 = 10;

/// How long anything may take; a tracker starts if they pass [`check`](Timings::check).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// To finish a step (log in, answer the challenge, send the next command) while there is room.
    pub step: Duration,
    /// To finish a step of logging in while more than half of the *pending* slots are in use.
    pub login_step_crowded: Duration,
    /// To send a first command while more than half of the *client* slots are in use.
    pub first_command_crowded: Duration,
    /// A step that is late for a crowd is looked at again this often.
    pub look_again: Duration,
    /// A game server that was silent for so long is sent a PING.
    pub ping_after: Duration,
    /// A game server that was silent for so long is dropped.
    pub drop_after: Duration,
    /// A datagram that was not answered is sent again after this time.
    pub proof_again: Duration,
    /// The last of them must be answered in this time.
    pub proof_answer: Duration,
    /// A port that was proven is proven again after this time.
    pub proof_every: Duration,
    /// To finish a step for a guest, who has no slot.
    pub guest: Duration,
    /// Between two batches to one watcher, at the least.
    pub batch_gap: Duration,
    /// A watcher that was sent nothing for so long is sent an END.
    pub sign_of_life: Duration,
    /// To take an answer, whatever its size …
    pub write: Duration,
    /// … and a second more for so many bytes of it.
    pub write_bytes_per_second: u32,
    /// To take the last line before the connection is closed.
    pub farewell: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            step: seconds(60),
            login_step_crowded: seconds(5),
            first_command_crowded: seconds(3),
            look_again: seconds(1),
            ping_after: seconds(15),
            drop_after: seconds(30),
            proof_again: seconds(1),
            proof_answer: seconds(5),
            proof_every: seconds(600),
            guest: Duration::from_millis(500),
            batch_gap: Duration::from_millis(100),
            sign_of_life: seconds(30),
            write: seconds(5),
            write_bytes_per_second: 8192,
            farewell: seconds(1),
        }
    }
}

/// What every session of one tracker is told at its start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setting {
    /// Deadlines.
    pub timings: Timings,
    /// The port for game servers, mentioned in help texts.
    pub game_server_port: u16,
    /// The port for clients, mentioned in help texts.
    pub client_port: u16,
    /// Only game servers whose port was proven to answer are listed.
    pub require_check: bool,
}

/// One conversation.
pub trait Session {
    /// A line came in, or something that cannot be read as one. A blank line is empty.
    fn on_line(&mut self, line: Result<&str, LineError>, now: Instant, out: &mut Outbox);
    /// A bufferful came in and no line ended in it.
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
    /// True if `line` takes more time to answer than somebody should wait for whose own line is not
    /// read yet.
    fn is_dear(&self, line: &str) -> bool {
        let _ = line;
        false
    }
    /// When the session wants to be woken if nothing comes in.
    fn next_deadline(&self) -> Instant;
}

/// Counts the mistakes of a peer, which are forgiven up to a number once it has proven that it
/// speaks the protocol, and not at all before: a web page that drives a browser here must not get
/// a second line.
#[derive(Debug, Default)]
struct Mistakes {
    proven: bool,
    made: u32,
}

impl Mistakes {
    fn answer(&mut self, refusal: Refusal, out: &mut Outbox) {
        self.made += 1;
        if !self.proven {
            if refusal.text == NOT_A_WEB_SERVER {
                out.line(HTTP_HEAD);
            }
            out.refuse(refusal);
        } else if self.made > MAX_MISTAKES {
            out.line(&refusal);
            let text = format!("{MAX_MISTAKES} mistakes are forgiven, this was one more");
            out.refuse(Refusal::new(ErrorCode::TooMany, text));
        } else {
            out.line(refusal);
        }
    }
}

/// Counts lines, so that one peer cannot keep the tracker busy: who is more than
/// [`LINES_FOR_SECONDS`] ahead of [`LINES_PER_SECOND`] is sent away.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// When all lines so far would have come at the pace that may go on for ever.
    caught_up: Instant,
    /// Some of them weighed more than others.
    has_listed: bool,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self {
            caught_up: now,
            has_listed: false,
        }
    }

    /// Makes the line that was just counted, a LIST, weigh as much as so many lines.
    fn weigh(&mut self, lines: u32) {
        self.has_listed = true;
        self.caught_up += Duration::from_secs(1) / LINES_PER_SECOND * (lines - 1);
    }

    /// Counts one more line; refuses the peer when it is one too many.
    fn count(&mut self, now: Instant, out: &mut Outbox) -> bool {
        self.caught_up = self.caught_up.max(now) + Duration::from_secs(1) / LINES_PER_SECOND;
        let is_too_fast = self.caught_up > now + Duration::from_secs(LINES_FOR_SECONDS.into());
        if is_too_fast {
            let mut text =
                format!("more than {LINES_PER_SECOND} lines a second for {LINES_FOR_SECONDS} s");
            if self.has_listed {
                text += &format!("; LIST and WATCH count for {LIST_WEIGHT} lines each");
            }
            out.refuse(Refusal::new(ErrorCode::TooMany, text));
        }
        is_too_fast
    }
}

/// The wait for one step, which may last long while there is room and must be short in a crowd.
/// Whether there is a crowd is only known at the time, so the short limit is looked at again and
/// again until the long one has passed.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// When it has taken too long in a crowd.
    crowded: Instant,
    /// When it has taken too long.
    roomy: Instant,
    next_look: Instant,
}

impl Patience {
    fn new(now: Instant, crowded: Duration, roomy: Duration) -> Self {
        Self {
            crowded: now + crowded,
            roomy: now + roomy,
            next_look: now + crowded.min(roomy),
        }
    }

    /// True if the step has taken too long. Otherwise the next look is due later than `now`.
    fn is_over(&mut self, now: Instant, is_crowded: bool, look_again: Duration) -> bool {
        if now >= self.roomy || (is_crowded && now >= self.crowded) {
            return true;
        }
        if now >= self.next_look {
            self.next_look = (now + look_again).min(self.roomy);
        }
        false
    }
}

fn unfinished_line() -> Refusal {
    Refusal::new(
        ErrorCode::BadSyntax,
        "the last line did not end with LF and was not acted on",
    )
}

/// Answers what both ports understand. `stats` is `None` for a peer that may not see them.
fn answer_common(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_short_in_a_crowd_and_long_otherwise() {
        let start = Instant::now();
        let s = Duration::from_secs;
        let mut patience = Patience::new(start, s(5), s(60));
        assert_eq!(patience.next_look, start + s(5));
        assert!(!patience.is_over(start + s(4), true, s(1)));
        assert!(!patience.is_over(start + s(5), false, s(1)));
        assert_eq!(patience.next_look, start + s(6));
        assert!(
            patience.is_over(start + s(6), true, s(1)),
            "a crowd came later"
        );
        assert!(!patience.is_over(start + s(59), false, s(5)));
        assert_eq!(patience.next_look, start + s(60));
        assert!(patience.is_over(start + s(60), false, s(1)));
    }

    #[test]
    fn the_pace_may_be_exceeded_for_a_while() {
        let start = Instant::now();
        let mut out = Outbox::default();
        let mut pace = Pace::new(start);
        assert!((0..200).all(|_| !pace.count(start, &mut out)));
        assert!(pace.count(start, &mut out), "201 at once");
        let mut pace = Pace::new(start);
        let mut at = |n: u32, per_second: u32| {
            pace.count(start + Duration::from_secs(1) * n / per_second, &mut out)
        };
        assert!((0..10_000).all(|n| !at(n, 20)), "20 a second for ever");
        let mut pace = Pace::new(start);
        let late = (0..).find(|&n| pace.count(start + Duration::from_secs(1) * n / 40, &mut out));
        assert_eq!(late, Some(399), "40 a second for ten seconds");
    }

    #[test]
    fn lines_gather_in_one_piece() {
        let mut out = Outbox::default();
        out.line("OK");
        out.line("PONG");
        assert!(matches!(&out.take()[..], [Chunk::Text(text)] if text == b"OK\nPONG\n"));
        assert!(out.is_empty());
    }
}
