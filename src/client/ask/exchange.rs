//! One connection to a tracker: requests and answers.
//!
//! This file hides how lines are read from a socket: with one deadline for a whole answer, however
//! slowly it drips, at a bounded rate, and with a buffer that does not grow.

use crate::client::replica::{Change, Error, KnownList, MAX_BYTES};
use crate::protocol::line::{LineError, LineSplitter};
use crate::protocol::text::spelled_out;
use crate::reach::{Dial, Throttle};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The time that a byte takes at the highest rate: 1 MB a second, which costs little CPU time.
const BYTE_COST: Duration = Duration::from_micros(1);

/// How much may come at once after a silence: the longest list that is kept, with everything around
/// its fields.
const BURST_BYTES: u32 = 2 * MAX_BYTES as u32;

/// Bounds the rate at which a tracker is read.
pub(crate) fn throttle() -> Throttle {
    Throttle::new(BYTE_COST * BURST_BYTES, Instant::now())
}

/// The verbs of a tracker's lines.
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

/// True if a line is one of a tracker.
fn is_answer(line: &str) -> bool {
    let verb = line.split_whitespace().next().unwrap_or_default();
    VERBS.iter().any(|known| known.eq_ignore_ascii_case(verb))
}

/// A connection on which the first answer has begun.
pub(crate) struct Exchange {
    stream: TcpStream,
    address: SocketAddr,
    splitter: LineSplitter,
    buffer: Box<[u8]>,
    /// Where in `buffer` the bytes are that were received and not read yet.
    unread: std::ops::Range<usize>,
    /// How many lines with unknown verbs came first.
    unknown: usize,
    /// The first line with a known verb, until it is read.
    first: Option<String>,
}

impl Exchange {
    /// Sends `request` to one of the tracker's addresses after the other until one begins to answer.
    /// Each connection is shown to `is_wanted`, whose error ends the search.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if no address accepts; if one did, why there is no answer:
    /// [`Error::Late`], [`Error::CutOff`], [`Error::NotATracker`].
    pub(crate) fn open(
        dial: &mut Dial,
        request: &str,
        throttle: &mut Throttle,
        mut is_wanted: impl FnMut(&TcpStream) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut unanswered = None;
        loop {
            let reached = match dial.next() {
                Ok(reached) => reached,
                Err(error) => return Err(unanswered.unwrap_or_else(|| unreachable(error))),
            };
            is_wanted(&reached.stream)?;
            let mut connection = Self {
                stream: reached.stream,
                address: reached.address,
                splitter: LineSplitter::default(),
                buffer: vec![0; 32 << 10].into(),
                unread: 0..0,
                unknown: 0,
                first: None,
            };
            match connection.ask(request, reached.until, throttle) {
                Ok(()) => return Ok(connection),
                Err(error) => unanswered = Some(error),
            }
        }
    }

    /// Where the tracker was reached.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends `text`, which is short, and waits for the beginning of the answer.
    fn ask(&mut self, text: &str, deadline: Instant, throttle: &mut Throttle) -> Result<(), Error> {
        let left = time_until(deadline)?;
        self.stream
            .set_write_timeout(Some(left))
            .map_err(Error::Unreachable)?;
        match self.stream.write_all(text.as_bytes()) {
            Err(error) if is_timeout(&error) => return Err(Error::Late),
            // If the tracker has closed already, its last lines can still be read.
            _ => {}
        }
        let (mut strange, mut unknown) = (None, 0);
        let first = self.lines(deadline, throttle, |line| {
            let line = line.map_err(|error| Error::NotATracker(error.to_string()))?;
            if is_answer(line) {
                return Ok(Some(line.to_owned()));
            }
            unknown += 1;
            if !line.is_empty() && strange.is_none() {
                strange = Some(format!("it said '{}'", spelled_out(line, 60)));
            }
            Ok(None)
        });
        self.unknown = unknown;
        // A strange line explains more than how the connection ended.
        self.first = Some(first.map_err(|error| strange.map_or(error, Error::NotATracker))?);
        Ok(())
    }

    /// Reads up to and including the next END, and returns what has changed with it.
    ///
    /// # Errors
    /// As [`KnownList::take`]; [`Error::CutOff`] and [`Error::Late`] if END does not come.
    pub(crate) fn read_answer(
        &mut self,
        list: &mut KnownList,
        deadline: Instant,
        throttle: &mut Throttle,
    ) -> Result<Vec<Change>, Error> {
        // END counts these lines too.
        for _ in 0..std::mem::take(&mut self.unknown) {
            list.take("")?;
        }
        if let Some(first) = self.first.take()
            && let Some(changes) = list.take(&first)?
        {
            return Ok(changes);
        }
        self.lines(deadline, throttle, |line| {
            list.take(line.map_err(|error| Error::Wrong(error.to_string()))?)
        })
    }

    /// Gives one line after the other to `take`, until it returns something.
    fn lines<T>(
        &mut self,
        deadline: Instant,
        throttle: &mut Throttle,
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
            std::thread::sleep(throttle.take(BYTE_COST * length as u32, Instant::now()));
            self.unread = 0..length;
        }
    }

    /// Waits for bytes and returns how many came, at least one.
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
pub(crate) fn unreachable(error: io::Error) -> Error {
    match is_timeout(&error) {
        true => Error::Late,
        false => Error::Unreachable(error),
    }
}

/// The time until `deadline`; never zero, which a socket takes for no timeout.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tracker_address::TrackerAddress;
    use std::net::TcpListener;

    #[test]
    fn no_more_than_a_megabyte_a_second_is_read_of_who_never_stops() {
        const BYTES: u32 = 300_000;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = TrackerAddress::new(listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let line = "GONE ip=192.0.2.1 port=1\n";
            let lines = line.repeat(BYTES as usize / line.len());
            stream.write_all(lines.as_bytes()).unwrap();
            stream.write_all(b"END count=12000 rev=a-1\n").unwrap();
            let _ = stream.read(&mut [0; 9]);
        });
        let start = Instant::now();
        let deadline = start + Duration::from_secs(60);
        let mut throttle = Throttle::new(Duration::ZERO, start);
        let mut dial = address.dial(deadline).unwrap();
        let opened = Exchange::open(&mut dial, "LIST\n", &mut throttle, |_| Ok(()));
        let mut list = KnownList::default();
        let answer = opened.and_then(|mut it| it.read_answer(&mut list, deadline, &mut throttle));
        assert!(matches!(answer, Ok(changes) if changes.is_empty()));
        assert!(start.elapsed() >= BYTE_COST * BYTES);
        // Of one that had been silent, all of the longest list is taken at once.
        let mut throttle = super::throttle();
        let wait = throttle.take(BYTE_COST * MAX_BYTES as u32, Instant::now());
        assert_eq!(wait, Duration::ZERO);
    }
}
