//! One connection to a tracker.
//!
//! This file hides how lines come out of a socket: with one deadline for a whole answer, however
//! slowly its bytes drip, and a buffer that does not grow.
//! A connection is one that has begun to answer.

use super::TrackerAddress;
use super::error::Error;
use super::known::{Change, KnownList};
use crate::protocol::line::{LineError, LineSplitter};
use crate::protocol::text::spelled_out;
use crate::reach::is_answer;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A connection on which answers are read.
pub(super) struct Connection {
    stream: TcpStream,
    splitter: LineSplitter,
    buffer: Box<[u8]>,
    /// Where in `buffer` the bytes are that have come and were not looked at.
    unread: std::ops::Range<usize>,
    /// The first line, until it is taken for the beginning of an answer.
    first: Option<String>,
}

impl Connection {
    /// Sends `request` to the first of the tracker's addresses that begins to answer, by `deadline`.
    /// Each connection is shown to `is_wanted`, whose error ends it all.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if no address accepts; if one did, why there is no answer:
    /// [`Error::Late`], [`Error::CutOff`], [`Error::NotATracker`].
    pub(super) fn open(
        tracker: &TrackerAddress,
        request: &str,
        deadline: Instant,
        mut is_wanted: impl FnMut(&TcpStream) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut dial = tracker.dial(deadline).map_err(unreached)?;
        let mut unanswered = None;
        loop {
            let reached = match dial.next() {
                Ok(reached) => reached,
                Err(error) => return Err(unanswered.unwrap_or_else(|| unreached(error))),
            };
            is_wanted(&reached.stream)?;
            let mut connection = Self {
                stream: reached.stream,
                splitter: LineSplitter::default(),
                buffer: vec![0; 32 << 10].into(),
                unread: 0..0,
                first: None,
            };
            match connection.ask(request, reached.until) {
                Ok(()) => {
                    dial.answered(reached.address);
                    return Ok(connection);
                }
                Err(error) => unanswered = Some(error),
            }
        }
    }

    /// Sends `text`, which is short, and waits for the beginning of the answer.
    fn ask(&mut self, text: &str, deadline: Instant) -> Result<(), Error> {
        let left = time_until(deadline)?;
        self.stream
            .set_write_timeout(Some(left))
            .map_err(Error::Unreachable)?;
        match self.stream.write_all(text.as_bytes()) {
            Err(error) if is_timeout(&error) => return Err(Error::Late),
            // If it has closed already, what it said before is still to be read.
            _ => {}
        }
        let mut strange = None;
        let first = self.lines(deadline, |line| {
            let line = line.map_err(|error| Error::NotATracker(error.to_string()))?;
            if !is_answer(line) && !line.is_empty() && strange.is_none() {
                strange = Some(format!("it said '{}'", spelled_out(line, 60)));
            }
            Ok(is_answer(line).then(|| line.to_owned()))
        });
        // Whatever ended it, what it said before is why it will not do.
        self.first = Some(first.map_err(|error| strange.map_or(error, Error::NotATracker))?);
        Ok(())
    }

    /// Reads up to and including the next END, and returns what has changed with it.
    ///
    /// # Errors
    /// As [`KnownList::take`]; [`Error::CutOff`] and [`Error::Late`] if END does not come.
    pub(super) fn read_answer(
        &mut self,
        list: &mut KnownList,
        deadline: Instant,
    ) -> Result<Vec<Change>, Error> {
        if let Some(first) = self.first.take()
            && let Some(changes) = list.take(&first)?
        {
            return Ok(changes);
        }
        self.lines(deadline, |line| {
            list.take(line.map_err(|error| Error::Wrong(error.to_string()))?)
        })
    }

    /// Has `take` take one line after the other until it returns something.
    fn lines<T>(
        &mut self,
        deadline: Instant,
        mut take: impl FnMut(Result<&str, LineError>) -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        loop {
            let mut input = &self.buffer[self.unread.clone()];
            while let Some(line) = self.splitter.next_line(&mut input) {
                self.unread.start = self.unread.end - input.len();
                if let Some(taken) = take(line)? {
                    return Ok(taken);
                }
            }
            self.unread = 0..0;
            let length = self.read(deadline)?;
            self.unread = 0..length;
        }
    }

    /// Waits for bytes; there is one at least.
    fn read(&mut self, deadline: Instant) -> Result<usize, Error> {
        loop {
            let left = time_until(deadline)?;
            self.stream
                .set_read_timeout(Some(left))
                .map_err(Error::Unreachable)?;
            match self.stream.read(&mut self.buffer) {
                Ok(0) => return Err(Error::CutOff),
                Ok(length) => return Ok(length),
                Err(error) if is_timeout(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Error::CutOff),
            }
        }
    }
}

/// Why there is no connection.
fn unreached(error: io::Error) -> Error {
    match is_timeout(&error) {
        true => Error::Late,
        false => Error::Unreachable(error),
    }
}

/// What is left until `deadline`; never zero, which the system takes for endless.
fn time_until(deadline: Instant) -> Result<Duration, Error> {
    let left = deadline.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err(Error::Late),
        false => Ok(left),
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
