//! One connection: a pipeline out and its replies in, by a deadline.
//!
//! This file hides how nobody waits for ever: what is written may be so much that the other side wants to be
//! read first, and a node that has stopped says nothing at all.

use super::error::Trouble;
use crate::tracker::sharing::wire::resp::{Reader, Reply};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// What is read at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// How long one write waits before it is looked whether there is something to read.
const WRITE_TURN: Duration = Duration::from_millis(20);

/// How long an exchange may take, and how much may come of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The time without a byte in either direction.
    pub(super) silence: Duration,
    /// The time for all of it.
    pub(super) whole: Duration,
    /// The bytes of all replies. They are kept until the last is there.
    pub(super) answers: usize,
}

/// What came of an exchange.
pub(super) struct Exchanged {
    /// The replies that came, in the order of the commands.
    pub(super) replies: Vec<Reply>,
    /// Why there are no more of them.
    pub(super) trouble: Option<Trouble>,
}

/// A connection to a node.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    reader: Reader,
    buffer: Box<[u8]>,
    /// How long a read waits.
    read_turn: Duration,
}

/// What is left of the limits.
struct Patience {
    limits: Limits,
    started: Instant,
    moved: Instant,
    came: usize,
}

impl Patience {
    fn new(limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            limits,
            started: now,
            moved: now,
            came: 0,
        }
    }

    /// Something came or went.
    fn moved(&mut self) -> Result<(), Trouble> {
        self.moved = Instant::now();
        match self.moved - self.started >= self.limits.whole {
            true => Err(Trouble::Slow(self.limits.whole)),
            false => Ok(()),
        }
    }

    /// So many bytes came.
    fn came(&mut self, count: usize) -> Result<(), Trouble> {
        self.came += count;
        match self.came > self.limits.answers {
            true => Err(Trouble::TooMuch(self.limits.answers)),
            false => self.moved(),
        }
    }

    /// Nothing came or went.
    fn waited(&self) -> Result<(), Trouble> {
        match self.moved.elapsed() >= self.limits.silence {
            true => Err(Trouble::Silent(self.limits.silence)),
            false => Ok(()),
        }
    }

    fn silence_left(&self) -> Duration {
        self.limits.silence.saturating_sub(self.moved.elapsed())
    }
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_write_timeout(Some(WRITE_TURN))?;
        Ok(Self {
            stream,
            reader: Reader::default(),
            buffer: vec![0; BUFFER].into(),
            read_turn: Duration::ZERO,
        })
    }

    /// Sends `commands` and waits for so many replies. After any trouble the connection is of no use.
    pub(super) fn exchange(&mut self, commands: &[u8], count: usize, limits: Limits) -> Exchanged {
        let mut patience = Patience::new(limits);
        let mut replies = Vec::with_capacity(count);
        let sent = self.send(commands, &mut patience);
        // Who closes a connection may have said something before.
        let trouble = match (self.receive(count, &mut replies, &mut patience), sent) {
            (Err(trouble @ Trouble::NotResp(_)), _) => Some(trouble),
            (_, Err(trouble)) | (Err(trouble), Ok(())) => Some(trouble),
            (Ok(()), Ok(())) => self.reader.is_inside().then_some(Trouble::Surplus),
        };
        Exchanged { replies, trouble }
    }

    fn send(&mut self, mut rest: &[u8], patience: &mut Patience) -> Result<(), Trouble> {
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(0) => return Err(Trouble::Closed),
                Ok(count) => {
                    rest = &rest[count..];
                    patience.moved()?;
                }
                Err(error) if is_no_news(&error) => self.take_what_is_there(patience)?,
                Err(error) => return Err(trouble(error)),
            }
        }
        Ok(())
    }

    /// Reads without waiting until nothing is left.
    fn take_what_is_there(&mut self, patience: &mut Patience) -> Result<(), Trouble> {
        self.stream.set_nonblocking(true).map_err(trouble)?;
        while let Some(count) = self.read()? {
            patience.came(count)?;
        }
        self.stream.set_nonblocking(false).map_err(trouble)?;
        patience.waited()
    }

    fn receive(
        &mut self,
        count: usize,
        replies: &mut Vec<Reply>,
        patience: &mut Patience,
    ) -> Result<(), Trouble> {
        loop {
            while replies.len() < count
                && let Some(reply) = self.reader.next_reply().map_err(Trouble::NotResp)?
            {
                replies.push(reply);
            }
            if replies.len() == count {
                return Ok(());
            }
            self.wait_at_most(patience.silence_left())?;
            match self.read()? {
                Some(count) => patience.came(count)?,
                None => patience.waited()?,
            }
        }
    }

    /// Sets how long a read waits. Most exchanges find it as it is, but for a moment.
    fn wait_at_most(&mut self, time: Duration) -> Result<(), Trouble> {
        let time = time.max(Duration::from_millis(1));
        if self.read_turn < time || self.read_turn > time + WRITE_TURN {
            let set = self.stream.set_read_timeout(Some(time));
            set.map_err(trouble)?;
            self.read_turn = time;
        }
        Ok(())
    }

    /// Reads once. Returns how many bytes came, or `None` if nothing did.
    fn read(&mut self) -> Result<Option<usize>, Trouble> {
        match self.stream.read(&mut self.buffer) {
            Ok(0) => Err(Trouble::Closed),
            Ok(count) => {
                self.reader.feed(&self.buffer[..count]);
                Ok(Some(count))
            }
            Err(error) if is_no_news(&error) => Ok(None),
            Err(error) => Err(trouble(error)),
        }
    }
}

fn is_no_news(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

fn trouble(error: io::Error) -> Trouble {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            Trouble::Closed
        }
        _ => Trouble::System(error),
    }
}
