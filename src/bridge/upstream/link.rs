//! One game server's connection to the tracker, which nobody waits for.
//!
//! This file hides how a session is fed from a socket that does not wait, and how often that is looked
//! at: soon after something was said, and ever less often while nothing is.

use crate::base::io_error::unreached;
use crate::game_server::session::{Ending, News, Outbox, Session};
use crate::protocol::line::LineSplitter;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The first pause between two looks at a socket; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The longest. What a tracker says by itself can wait so long: whether the game server is there, or the
/// end. With 4,000 connections all looks were seen to
/// take 3 % of a CPU (benches/README.md).
const LONGEST_PAUSE: Duration = Duration::from_millis(1024);

/// How much is read in one look. A tracker says a line at a time.
const MOST_READ: usize = 2048;

/// A connection, and what is said on it.
#[derive(Debug)]
pub(super) struct Link {
    stream: TcpStream,
    /// Where the tracker is, if the connection was still there when that was asked.
    tracker: Option<SocketAddr>,
    session: Session,
    splitter: LineSplitter,
    /// The time between the last two looks.
    pause: Duration,
    next_look: Instant,
}

impl Link {
    /// The connection `stream`, which does not wait, and what `begin` has said on it.
    pub(super) fn new(
        stream: TcpStream,
        now: Instant,
        begin: impl FnOnce(&mut Outbox) -> Session,
    ) -> (Self, Report) {
        let mut out = Outbox::default();
        let mut link = Self {
            tracker: stream.peer_addr().ok(),
            stream,
            session: begin(&mut out),
            splitter: LineSplitter::default(),
            pause: FIRST_PAUSE,
            next_look: now,
        };
        let report = link.deliver(out, now);
        (link, report)
    }

    /// Has the session do something, such as to say what is new.
    pub(super) fn act(
        &mut self,
        now: Instant,
        act: impl FnOnce(&mut Session, &mut Outbox),
    ) -> Report {
        let mut out = Outbox::default();
        act(&mut self.session, &mut out);
        self.deliver(out, now)
    }

    /// When it wants to be looked at.
    pub(super) fn next_look(&self) -> Instant {
        self.next_look.min(self.session.next_deadline())
    }

    /// Looks whether the tracker has said something, and whether it is time for something.
    pub(super) fn look(&mut self, now: Instant) -> Report {
        let mut out = Outbox::default();
        let mut buffer = [0; MOST_READ];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.session.on_end("it hung up".to_owned(), &mut out),
            Ok(count) => {
                self.pause = FIRST_PAUSE;
                let mut bytes = &buffer[..count];
                while let Some(line) = self.splitter.next_line(&mut bytes) {
                    self.session.on_line(line, now, &mut out);
                }
            }
            Err(error) if is_nothing(error.kind()) => {
                self.pause = (2 * self.pause).min(LONGEST_PAUSE);
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                self.session.on_end("it hung up".to_owned(), &mut out);
            }
            Err(error) => self.session.on_end(unreached(&error), &mut out),
        }
        if now >= self.session.next_deadline() {
            self.session.on_deadline(now, &mut out);
        }
        self.deliver(out, now)
    }

    /// Where the tracker is.
    pub(super) fn tracker(&self) -> Option<SocketAddr> {
        self.tracker
    }

    /// True if the game server is on the tracker's list.
    pub(super) fn is_listed(&self) -> bool {
        self.session.listed_since().is_some()
    }

    /// The session, when all is over.
    pub(super) fn into_session(self) -> Session {
        self.session
    }

    /// Sends what is to be said, and returns what became known.
    fn deliver(&mut self, out: Outbox, now: Instant) -> Report {
        let mut ending = out.ending;
        if ending.is_none() && !out.text.is_empty() {
            self.pause = FIRST_PAUSE;
            // A tracker that has hung up may have said why, which is still to be read.
            let is_lost = |kind| kind == ErrorKind::WouldBlock;
            if let Err(error) = self.stream.write_all(out.text.as_bytes())
                && is_lost(error.kind())
            {
                ending = Some(Ending::Lost("it does not read".to_owned()));
            }
        }
        self.next_look = now + self.pause;
        let news = out.news;
        Report { news, ending }
    }
}

fn is_nothing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// What became known on a connection.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) news: Vec<News>,
    /// Set once it is over.
    pub(super) ending: Option<Ending>,
}
