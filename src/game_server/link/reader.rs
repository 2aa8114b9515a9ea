//! The thread that reads: one for each connection to a tracker.
//!
//! This file hides how a tracker's addresses are tried, and how fast its lines are read. All of it
//! may block.

use super::mailbox::{Mailbox, Received};
use crate::base::io_error::{is_hung_up, unreached};
use crate::game_server::tracker_address::TrackerAddress;
use crate::protocol::line::LineSplitter;
use crate::reach::{Reached, Throttle};
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long it may take to look the tracker's name up, to connect, and to receive the first answer.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long it may take to send a line. The socket has room for many.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The time that a line takes at the highest rate: 50 lines a second. A healthy tracker answers ten
/// updates a second, and some pings and numbers.
const LINE_COST: Duration = Duration::from_millis(20);

/// The time that a byte takes at the highest rate: 10,000 bytes a second.
const BYTE_COST: Duration = Duration::from_micros(100);

/// Lines that may come at once.
const BURST_LINES: u32 = 100;

/// Reaches the tracker and reads what it says, until one connection has ended.
pub(super) struct Reader {
    pub(super) tracker: TrackerAddress,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) attempt: u64,
}

/// Nobody waits for this reader any more.
struct Unwanted;

impl Reader {
    pub(super) fn run(self) {
        if let Ok(why) = self.reach() {
            let _ = self.put(Received::Ended(why));
        }
    }

    fn put(&self, received: Received) -> Result<(), Unwanted> {
        let is_wanted = self.mailbox.put(self.attempt, received);
        is_wanted.then_some(()).ok_or(Unwanted)
    }

    /// Connects to one address after the other until one answers, and reads from that one to the
    /// end. Returns why there is no connection (any more).
    fn reach(&self) -> Result<String, Unwanted> {
        let mut dial = match self.tracker.dial(Instant::now() + CONNECT_TIMEOUT) {
            Ok(dial) => dial,
            Err(error) => return Ok(unreached(&error)),
        };
        let mut unanswered = None;
        loop {
            let reached = match dial.next() {
                Ok(reached) => reached,
                Err(error) => return Ok(unanswered.unwrap_or_else(|| unreached(&error))),
            };
            let stream = &reached.stream;
            let writing = stream.set_write_timeout(Some(WRITE_TIMEOUT));
            let writing = match writing.and_then(|()| stream.try_clone()) {
                Ok(writing) => writing,
                Err(error) => return Ok(unreached(&error)),
            };
            self.put(Received::Connected(writing))?;
            let mut has_answered = false;
            let why = self.listen(&reached, |answer| {
                has_answered = true;
                match answer {
                    Answer::Any => dial.answered(reached.address),
                    Answer::Full => dial.full(reached.address),
                }
            })?;
            if has_answered {
                return Ok(why);
            }
            unanswered = Some(why);
        }
    }

    /// Reads until the tracker or the other thread closes the connection, or until it is time for
    /// the next address.
    fn listen(
        &self,
        reached: &Reached,
        mut on_answer: impl FnMut(Answer),
    ) -> Result<String, Unwanted> {
        let (mut stream, until) = (&reached.stream, reached.until);
        let mut splitter = LineSplitter::default();
        let mut throttle = Throttle::new(LINE_COST * BURST_LINES, Instant::now());
        let mut buffer = [0; 2048];
        let mut patience = Some(until.saturating_duration_since(Instant::now()));
        loop {
            if patience == Some(Duration::ZERO) {
                return Ok(unreached(&ErrorKind::TimedOut.into()));
            }
            let read = stream
                .set_read_timeout(patience)
                .and_then(|()| stream.read(&mut buffer));
            let mut bytes = match read {
                Ok(0) => return Ok("it hung up".to_owned()),
                Ok(count) => &buffer[..count],
                Err(error) if error.kind() == ErrorKind::Interrupted => &[],
                Err(error) if is_hung_up(&error) => return Ok("it hung up".to_owned()),
                Err(error) => return Ok(unreached(&error)),
            };
            thread::sleep(throttle.take(BYTE_COST * bytes.len() as u32, Instant::now()));
            while let Some(line) = splitter.next_line(&mut bytes) {
                if let Some(answer) = line.ok().and_then(Answer::read) {
                    on_answer(answer);
                    patience = None;
                }
                self.put(Received::Line(line.map(str::to_owned)))?;
                thread::sleep(throttle.take(LINE_COST, Instant::now()));
            }
            patience = patience.map(|_| until.saturating_duration_since(Instant::now()));
        }
    }
}

/// An answer to a login, or to what comes after it. A challenge alone is none.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// There is no room, and another address of the tracker may have some.
    Full,
    /// All others.
    Any,
}

impl Answer {
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let verb = words.next()?.to_ascii_uppercase();
        match (verb.as_str(), words.next()) {
            ("ERR", Some("busy" | "too-many")) => Some(Self::Full),
            ("OK" | "ERR", _) => Some(Self::Any),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_say_whether_there_is_room() {
        for (line, answer) in [
            ("OK logged in", Some(Answer::Any)),
            ("ok", Some(Answer::Any)),
            ("ERR bad-password no", Some(Answer::Any)),
            ("ERR busy all slots are in use", Some(Answer::Full)),
            ("err too-many", Some(Answer::Full)),
            ("CHALLENGE 00000000000000aa", None),
            ("PING", None),
            ("", None),
        ] {
            assert_eq!(Answer::read(line), answer, "{line}");
        }
    }
}
