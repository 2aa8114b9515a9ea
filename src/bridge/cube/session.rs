//! One connection at the door: its lines, what it is told, and how long it may stay. Pure.
//!
//! Game servers keep theirs open for good and say next to nothing. If one is closed they come back after
//! minutes, so silence is no reason to close it; others make way when there are too many.

use super::dialect::{self, Request};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a newcomer has for its first line.
const FIRST_LINE: Duration = Duration::from_secs(15);

/// How long a list may take to be read, and its reader to hang up.
const LEAVING: Duration = Duration::from_secs(20);

/// The longest line, in bytes. That of Red Eclipse has a name of 128, each of which may be escaped.
const MAX_LINE: usize = 1024;

/// The most that waits to be read by the peer, in bytes.
const MAX_UNREAD: usize = 8192;

/// One connection.
#[derive(Debug)]
pub struct Session {
    input: Vec<u8>,
    /// What was not sent yet, and how much of the last part was.
    output: Vec<u8>,
    answer: Option<(Arc<[u8]>, usize)>,
    /// When it ends; `None` for a game server.
    deadline: Option<Instant>,
    is_leaving: bool,
}

impl Session {
    /// One that was accepted now.
    pub fn new(now: Instant) -> Self {
        Self {
            input: Vec::new(),
            output: Vec::new(),
            answer: None,
            deadline: Some(now + FIRST_LINE),
            is_leaving: false,
        }
    }

    /// Takes what was received. A line that is too long ends the session.
    pub fn on_bytes(&mut self, bytes: &[u8], now: Instant) -> Vec<Request> {
        let mut requests = Vec::new();
        let bytes = if self.is_leaving { &[] } else { bytes };
        for &byte in bytes {
            if byte == b'\n' || byte == 0 {
                let line = std::mem::take(&mut self.input);
                requests.push(dialect::read(&line));
            } else if self.input.len() < MAX_LINE {
                self.input.push(byte);
            } else {
                self.input = Vec::new();
                self.say(
                    &format!("failreg a line has at most {MAX_LINE} bytes\n"),
                    now,
                );
                self.leave(now);
                break;
            }
        }
        if self.is_leaving {
            requests.clear();
        }
        requests
    }

    /// It is a game server's: it may stay.
    pub fn stay(&mut self) {
        if !self.is_leaving {
            self.deadline = None;
        }
    }

    /// True for a game server's, on which next to nothing happens.
    pub fn is_quiet(&self) -> bool {
        self.deadline.is_none()
    }

    /// Sends `text`. Who does not read what he is told is closed.
    pub fn say(&mut self, text: &str, now: Instant) {
        self.output.extend(text.bytes());
        if self.output.len() > MAX_UNREAD {
            self.output.clear();
            self.leave(now);
        }
    }

    /// Sends the list, and then the end.
    pub fn answer(&mut self, list: Arc<[u8]>, now: Instant) {
        self.answer = Some((list, 0));
        self.leave(now);
    }

    /// Ends it, once everything is sent.
    pub fn leave(&mut self, now: Instant) {
        if !self.is_leaving {
            self.is_leaving = true;
            self.deadline = Some(now + LEAVING);
        }
    }

    /// What is to be sent next; empty if that is nothing.
    pub fn to_send(&self) -> &[u8] {
        match &self.answer {
            Some((list, sent)) if self.output.is_empty() => &list[*sent..],
            _ => &self.output,
        }
    }

    /// So many bytes of it were sent.
    pub fn on_sent(&mut self, count: usize) {
        match &mut self.answer {
            Some((_, sent)) if self.output.is_empty() => *sent += count,
            _ => drop(self.output.drain(..count)),
        }
    }

    /// True once nothing more will be sent.
    pub fn has_said_all(&self) -> bool {
        self.is_leaving && self.to_send().is_empty()
    }

    /// True if its time is over.
    pub fn is_late(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::cube::dialect::Dialect;

    #[test]
    fn lines_are_the_same_in_whatever_pieces_they_come() {
        let now = Instant::now();
        let stream = b"list\r\n\nupdate\0list a 1 2\nregserv";
        let whole = Session::new(now).on_bytes(stream, now);
        assert_eq!(
            whole,
            [
                Request::List(Dialect::Cube2),
                Request::Nothing,
                Request::List(Dialect::RedEclipse),
                Request::List(Dialect::AssaultCube),
            ]
        );
        let mut session = Session::new(now);
        let pieces = stream
            .iter()
            .flat_map(|&byte| session.on_bytes(&[byte], now));
        assert_eq!(pieces.collect::<Vec<_>>(), whole);
    }

    #[test]
    fn a_list_is_sent_behind_what_was_said_and_then_the_end() {
        let now = Instant::now();
        let mut session = Session::new(now);
        session.say("failauth 1\n", now);
        session.answer(b"abc".as_slice().into(), now);
        let mut sent = Vec::new();
        while !session.has_said_all() {
            sent.push(session.to_send()[0]);
            session.on_sent(1);
        }
        assert_eq!(sent, b"failauth 1\nabc");
        assert!(session.on_bytes(b"list\n", now).is_empty());
        assert!(!session.is_late(now) && session.is_late(now + LEAVING));
    }

    #[test]
    fn a_newcomer_has_little_time_and_a_game_server_all_of_it() {
        let now = Instant::now();
        let mut session = Session::new(now);
        assert!(!session.is_late(now) && session.is_late(now + FIRST_LINE));
        session.stay();
        assert!(!session.is_late(now + 1000 * FIRST_LINE));
        assert!(session.on_bytes(&[b'x'; MAX_LINE + 1], now).is_empty());
        assert_eq!(
            session.to_send(),
            b"failreg a line has at most 1024 bytes\n"
        );
        assert!(session.is_late(now + LEAVING));
    }

    #[test]
    fn who_does_not_read_is_closed() {
        let now = Instant::now();
        let mut session = Session::new(now);
        session.stay();
        for _ in 0..=MAX_UNREAD / 10 {
            session.say("0123456789", now);
        }
        assert!(session.has_said_all());
    }
}
