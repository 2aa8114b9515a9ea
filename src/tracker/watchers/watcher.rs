//! One watcher and its socket, which never waits.

use super::Arrival;
use crate::protocol::line::{LineSplitter, MAX_LINE};
use crate::tracker::connection::{Connection, Ending};
use crate::tracker::seat::Seat;
use crate::tracker::session::watcher::WatcherSession;
use crate::tracker::session::{Chunk, Closing, Outbox, Session, Timings};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Instant;

/// One watcher.
pub(super) struct Watcher {
    connection: Arc<Connection>,
    session: WatcherSession<'static, Seat>,
    timings: &'static Timings,
    splitter: LineSplitter,
    /// What is being sent, how many bytes that are, how many have been sent, and by when all of
    /// them must be.
    chunks: Vec<Chunk>,
    size: usize,
    sent: usize,
    deadline: Instant,
    /// How it ends once everything is sent.
    closing: Option<Closing>,
    ending: Option<Ending>,
}

impl Watcher {
    pub(super) fn new(arrival: Arrival, now: Instant) -> Self {
        let Arrival {
            session,
            splitter,
            heard,
        } = arrival;
        let connection = Arc::clone(session.services().connection());
        let ending = connection.set_waiting(false).map_err(Ending::Lost).err();
        let mut watcher = Self {
            connection,
            timings: session.services().timings(),
            session,
            splitter,
            chunks: Vec::new(),
            size: 0,
            sent: 0,
            deadline: now,
            closing: None,
            ending,
        };
        watcher.hear(&heard, now);
        watcher
    }

    /// True if something is still to be sent.
    pub(super) fn is_busy(&self) -> bool {
        !self.chunks.is_empty() && self.ending.is_none()
    }

    /// Tells it what has changed, if it can take that now. False if there is something that it
    /// does not know yet.
    pub(super) fn tell(&mut self, now: Instant) -> bool {
        if self.is_busy() || self.session.next_deadline() > now {
            return self.session.knows_all();
        }
        let mut out = Outbox::default();
        self.session.on_deadline(now, &mut out);
        if !out.is_empty() {
            let shared = self.session.services().shared();
            shared.stats.batches.add_one();
        }
        self.send(out, now);
        true
    }

    /// Looks whether it has hung up, was dismissed, has said something or has heard nothing for
    /// long.
    pub(super) fn listen(&mut self, now: Instant) {
        if let Some(why) = self.connection.dismissal() {
            // In the middle of a line it would not be read as one.
            if !self.is_busy() {
                self.chunks = vec![Chunk::Text(format!("{why}\n").into_bytes())];
                let _ = self.connection.send_some(&self.chunks, 0);
            }
            self.ending = Some(Ending::Refused(why.clone()));
        }
        if self.ending.is_some() || self.is_busy() {
            return;
        }
        let mut buffer = [0; MAX_LINE];
        match self.connection.receive(&mut buffer) {
            Ok(0) => {
                let mut out = Outbox::default();
                self.session
                    .on_end(self.splitter.is_inside_a_line(), &mut out);
                self.send(out, now);
            }
            Ok(count) => self.hear(&buffer[..count], now),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => self.ending = Some(Ending::Lost(error)),
        }
        if self.session.knows_all() {
            self.tell(now);
        }
    }

    fn hear(&mut self, mut input: &[u8], now: Instant) {
        let mut out = Outbox::default();
        let mut is_noise = input.len() == MAX_LINE;
        while out.closing().is_none()
            && let Some(line) = self.splitter.next_line(&mut input)
        {
            is_noise = false;
            self.session.on_line(line, now, &mut out);
        }
        if is_noise {
            self.session.on_noise(now, &mut out);
        }
        self.send(out, now);
    }

    fn send(&mut self, mut out: Outbox, now: Instant) {
        self.closing = out.closing().cloned();
        let chunks = out.take();
        self.size = chunks.iter().flat_map(Chunk::pieces).map(<[u8]>::len).sum();
        self.chunks = chunks;
        self.sent = 0;
        self.deadline = now + self.timings.to_take(self.size);
        self.go_on(now);
    }

    /// Sends on what is being sent, as far as the socket takes it.
    pub(super) fn go_on(&mut self, now: Instant) {
        if self.ending.is_some() {
            return;
        }
        match self.connection.send_some(&self.chunks, self.sent) {
            Ok(count) => {
                self.sent += count;
                if self.sent == self.size {
                    self.chunks.clear();
                } else if now >= self.deadline {
                    self.ending = Some(Ending::SlowReader);
                }
            }
            Err(error) => self.ending = Some(Ending::Lost(error)),
        }
        if self.chunks.is_empty() {
            self.ending = self.closing.take().map(Ending::from);
        }
    }

    /// True if it is still there. If it is not, says what came of it.
    pub(super) fn stays(&mut self) -> bool {
        let Some(ending) = self.ending.take() else {
            return true;
        };
        self.session.services().conclude(ending, false);
        false
    }
}
