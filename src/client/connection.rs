//! One connection to a tracker.
//!
//! This file hides how lines come out of a socket: with one deadline for a whole answer, however
//! slowly its bytes drip, and a buffer that does not grow.

use super::address::TrackerAddress;
use super::error::Error;
use super::known::{Change, KnownList};
use crate::protocol::line::LineSplitter;
use crate::protocol::text::spelled_out;
use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::time::{Duration, Instant};

/// What a tracker may begin a line with.
const VERBS: [&str; 8] = [
    "INFOS",
    "GONE",
    "END",
    "ERR",
    "OK",
    "PONG",
    "HELP",
    "CHALLENGE",
];

/// A connection on which answers are read.
pub(super) struct Connection {
    stream: TcpStream,
    splitter: LineSplitter,
    buffer: Box<[u8]>,
    /// Where in `buffer` the bytes are that have come and were not looked at.
    unread: std::ops::Range<usize>,
    /// A text about the first line that came, if it is none of a tracker.
    strange: Option<String>,
    is_tracker: bool,
}

impl Connection {
    /// Connects by `deadline`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and [`Error::Late`].
    pub(super) fn open(tracker: &TrackerAddress, deadline: Instant) -> Result<Self, Error> {
        let stream = tracker.connect(deadline)?;
        stream.set_nodelay(true).map_err(Error::Unreachable)?;
        Ok(Self {
            stream,
            splitter: LineSplitter::default(),
            buffer: vec![0; 32 << 10].into(),
            unread: 0..0,
            strange: None,
            is_tracker: false,
        })
    }

    /// The tracker's address, if it is still there.
    pub(super) fn peer(&self) -> Option<IpAddr> {
        self.stream.peer_addr().ok().map(|peer| peer.ip())
    }

    /// The socket, by which another thread can end the connection.
    pub(super) fn socket(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends `text`, which is short.
    ///
    /// # Errors
    /// [`Error::Late`]. A tracker that has closed already is not an error here: what it said
    /// before is still to be read.
    pub(super) fn say(&mut self, text: &str, deadline: Instant) -> Result<(), Error> {
        let left = time_until(deadline)?;
        self.stream
            .set_write_timeout(Some(left))
            .map_err(Error::Unreachable)?;
        match self.stream.write_all(text.as_bytes()) {
            Err(error) if is_timeout(&error) => Err(Error::Late),
            _ => Ok(()),
        }
    }

    /// Reads up to and including the next END, and returns what has changed with it.
    ///
    /// # Errors
    /// As [`KnownList::take`]; [`Error::CutOff`] and [`Error::Late`] if END does not come, and
    /// [`Error::NotATracker`] if what came instead is no answer.
    pub(super) fn read_answer(
        &mut self,
        list: &mut KnownList,
        deadline: Instant,
    ) -> Result<Vec<Change>, Error> {
        loop {
            let mut input = &self.buffer[self.unread.clone()];
            while let Some(line) = self.splitter.next_line(&mut input) {
                self.unread.start = self.unread.end - input.len();
                let line = line.map_err(|error| match &self.strange {
                    None if self.is_tracker => Error::Wrong(error.to_string()),
                    None => Error::NotATracker(error.to_string()),
                    Some(strange) => Error::NotATracker(strange.clone()),
                })?;
                if !self.is_tracker && !line.is_empty() {
                    let verb = line.split(' ').next().unwrap_or(line);
                    self.is_tracker = VERBS.contains(&verb);
                    if !self.is_tracker && self.strange.is_none() {
                        self.strange = Some(format!("it said '{}'", spelled_out(line, 60)));
                    }
                }
                if let Some(changes) = list.take(line)? {
                    return Ok(changes);
                }
            }
            self.unread = 0..0;
            match self.read(deadline) {
                Ok(0) => return Err(self.no_end(Error::CutOff)),
                Ok(length) => self.unread = 0..length,
                Err(error) => return Err(self.no_end(error)),
            }
        }
    }

    fn read(&mut self, deadline: Instant) -> Result<usize, Error> {
        loop {
            let left = time_until(deadline)?;
            self.stream
                .set_read_timeout(Some(left))
                .map_err(Error::Unreachable)?;
            match self.stream.read(&mut self.buffer) {
                Ok(length) => return Ok(length),
                Err(error) if is_timeout(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Error::CutOff),
            }
        }
    }

    /// Why no END came, which is `error` unless what came is nothing that a tracker says.
    fn no_end(&mut self, error: Error) -> Error {
        match self.strange.take() {
            Some(line) if !self.is_tracker => Error::NotATracker(line),
            _ => error,
        }
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
