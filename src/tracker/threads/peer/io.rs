//! One connection and its session, on whichever thread they are.
//!
//! Here is the one way to feed a session and to send what it says. Each call does what can be done
//! at once; if the socket waits for the peer, a call waits once.

use crate::protocol::line::{LineSplitter, MAX_LINE};
use crate::protocol::refusal::ErrorCode;
use crate::tracker::session::{Chunk, Ending, Outbox, Session, Timings};
use crate::tracker::state::sockets::connection::Connection;
use crate::tracker::threads::peer::sender::Sender;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One connection and its session.
pub(crate) struct Peer<S> {
    pub(crate) session: S,
    pub(crate) connection: Arc<Connection>,
    timings: &'static Timings,
    splitter: LineSplitter,
    /// What was read and waits until what goes before it is answered.
    unread: Vec<u8>,
    /// The line that `unread` begins with takes long to answer.
    is_dear: bool,
    /// What is being sent, how many bytes that are, how many have been sent, and by when all of
    /// them must be.
    chunks: Vec<Chunk>,
    size: usize,
    sent: usize,
    deadline: Option<Instant>,
    /// The peer was told something.
    pub(crate) has_answered: bool,
    /// How long the peer may take to read, if not as long as others.
    pub(crate) time_to_read: Option<Duration>,
    /// Who sends in place of the thread that holds it, if somebody does.
    pub(crate) sender: Option<&'static Sender>,
    /// How it ends once everything is sent.
    last: Option<Ending>,
    /// How it has ended.
    pub(crate) ending: Option<Ending>,
}

/// Which lines are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Those that take no time, for a thread whom others wait for.
    Little,
    /// All.
    Any,
}

impl<S: Session> Peer<S> {
    /// Nothing was said yet.
    pub(crate) fn new(connection: Arc<Connection>, session: S, timings: &'static Timings) -> Self {
        Self {
            session,
            connection,
            timings,
            splitter: LineSplitter::default(),
            unread: Vec::new(),
            is_dear: false,
            chunks: Vec::new(),
            size: 0,
            sent: 0,
            deadline: None,
            has_answered: false,
            time_to_read: None,
            sender: None,
            last: None,
            ending: None,
        }
    }

    /// The peer has said this already.
    pub(crate) fn having_read(self, unread: Vec<u8>) -> Self {
        Self { unread, ..self }
    }

    /// The same connection with another session, which goes on where this one was.
    pub(crate) fn map<T: Session>(self, session: impl FnOnce(S) -> T) -> Peer<T> {
        let next = Peer::new(self.connection, session(self.session), self.timings);
        Peer {
            splitter: self.splitter,
            unread: self.unread,
            ..next
        }
    }

    /// True if something is still to be sent.
    pub(crate) fn is_sending(&self) -> bool {
        !self.chunks.is_empty() && self.ending.is_none()
    }

    /// True if the next that happens is up to the peer.
    pub(crate) fn is_waiting(&self) -> bool {
        self.ending.is_none() && !self.is_sending() && !self.is_dear
    }

    /// Reads what has come and lets the session act on it, unless something is still to be sent. True
    /// if the session heard something.
    pub(crate) fn receive(&mut self, effort: Effort) -> bool {
        if self.is_dismissed() || self.ending.is_some() || self.is_sending() {
            return false;
        }
        if self.unread.is_empty() {
            let mut buffer = [0; MAX_LINE];
            match self.connection.receive(&mut buffer) {
                Ok(None) => return false,
                Ok(Some(0)) => {
                    if !self.is_dismissed() {
                        self.hear_end();
                    }
                    return false;
                }
                Ok(Some(count)) => self.hear(&buffer[..count], effort),
                Err(error) => {
                    self.lose(&error);
                    return false;
                }
            }
        }
        self.is_dear &= effort == Effort::Little;
        while !self.unread.is_empty()
            && !self.is_dear
            && !self.is_sending()
            && self.ending.is_none()
        {
            let unread = std::mem::take(&mut self.unread);
            self.hear(&unread, effort);
        }
        true
    }

    fn hear(&mut self, mut input: &[u8], effort: Effort) {
        let now = Instant::now();
        let mut out = Outbox::default();
        let mut is_noise = input.len() == MAX_LINE;
        let mut dear = Vec::new();
        while !out.is_over()
            && !out.is_large()
            && let Some(line) = self.splitter.next_line(&mut input)
        {
            is_noise = false;
            match line {
                Ok(line) if effort == Effort::Little && self.session.is_dear(line) => {
                    dear = [line.as_bytes(), b"\n"].concat();
                    break;
                }
                line => self.session.on_line(line, now, &mut out),
            }
        }
        if is_noise {
            self.session.on_noise(now, &mut out);
        }
        self.is_dear = !dear.is_empty();
        self.unread = dear;
        self.unread.extend_from_slice(input);
        self.say(out, now);
    }

    fn hear_end(&mut self) {
        let mut out = Outbox::default();
        let is_inside_a_line = self.splitter.is_inside_a_line();
        self.session.on_end(is_inside_a_line, &mut out);
        self.say(out, Instant::now());
    }

    /// Lets the session do what is due, unless something is still to be sent. True if it said
    /// something.
    pub(crate) fn check_deadline(&mut self, now: Instant) -> bool {
        if self.is_sending() || now < self.session.next_deadline() || self.is_dismissed() {
            return false;
        }
        if self.ending.is_some() {
            return false;
        }
        let mut out = Outbox::default();
        self.session.on_deadline(now, &mut out);
        let has_spoken = !out.is_empty();
        self.say(out, now);
        has_spoken
    }

    fn say(&mut self, mut out: Outbox, now: Instant) {
        self.last = self.last.take().or(out.ending.take());
        let chunks = out.take();
        if !chunks.is_empty() {
            self.has_answered = true;
            match self.sender {
                Some(sender) => sender.send(&self.connection, chunks),
                None => self.begin(chunks, now),
            }
        }
        self.send();
    }

    fn begin(&mut self, chunks: Vec<Chunk>, now: Instant) {
        self.size = chunks.iter().flat_map(Chunk::pieces).map(<[u8]>::len).sum();
        self.sent = 0;
        let time = self.time_to_read;
        self.deadline = Some(now + time.unwrap_or_else(|| self.timings.to_take(self.size)));
        self.chunks = chunks;
    }

    /// Sends on what is being sent.
    pub(crate) fn send(&mut self) {
        if self.is_sending() {
            match self.connection.send(&self.chunks, self.size, self.sent) {
                Ok(count) => self.sent += count,
                Err(error) => return self.lose(&error),
            }
            if self.sent == self.size {
                self.chunks.clear();
            } else if self
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline)
            {
                self.ending = Some(Ending::SlowReader);
            }
        }
        if self.chunks.is_empty() && self.ending.is_none() {
            self.ending = self.last.take();
        }
    }

    /// Ends it if another thread wants that, and says why.
    fn is_dismissed(&mut self) -> bool {
        let Some(why) = self.connection.dismissal() else {
            return false;
        };
        if self.ending.is_none() {
            let is_slow = why.code == ErrorCode::SlowReader;
            // In the middle of an answer it would not be read as a line.
            match self.sender {
                _ if is_slow || (self.is_sending() && self.sent > 0) => {}
                Some(sender) => sender.send_last(&self.connection, why),
                None => self.connection.send_last(why),
            }
            self.ending = Some(match is_slow {
                true => Ending::SlowReader,
                false => Ending::Refused(why.clone()),
            });
        }
        true
    }

    /// The connection broke, or somebody has ended it.
    pub(crate) fn lose(&mut self, error: &io::Error) {
        if !self.is_dismissed() {
            self.ending = Some(Ending::Lost(error.to_string()));
        }
    }
}

#[cfg(test)]
mod tests;
