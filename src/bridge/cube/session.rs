//! One connection at the door: its lines, what it is told, and how long it may stay. Pure.
//!
//! Game servers keep theirs open for good and say next to nothing. If one is closed they come back after
//! minutes, so silence is no reason to close it; others make way when there are too many.

use super::dialect::{self, Request};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a newcomer has to say what it wants: to register, or to ask.
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

    /// Takes what was received.
    pub fn on_bytes(&mut self, bytes: &[u8]) {
        if !self.is_leaving {
            self.input.extend(bytes);
        }
    }

    /// True if a whole line waits to be taken. Until then nothing more needs to be received.
    pub fn has_line(&self) -> bool {
        self.input.iter().any(is_end)
    }

    /// Takes the next line. One that is too long ends the session.
    pub fn next(&mut self, now: Instant) -> Option<Request> {
        let end = self.input.iter().position(is_end);
        if end.unwrap_or(self.input.len()) > MAX_LINE {
            let text = format!("failreg a line has at most {MAX_LINE} bytes\n");
            self.say(&text, now);
            self.leave(now);
        }
        let end = end.filter(|_| !self.is_leaving)?;
        let request = dialect::read(&self.input[..end]);
        // An idle connection keeps no memory for lines.
        self.input = self.input.split_off(end + 1);
        Some(request)
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
            self.input = Vec::new();
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

/// True for what ends a line.
fn is_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::cube::dialect::Dialect;

    /// All that `bytes` ask for, at once.
    fn requests(session: &mut Session, bytes: &[u8], now: Instant) -> Vec<Request> {
        session.on_bytes(bytes);
        std::iter::from_fn(|| session.next(now)).collect()
    }

    #[test]
    fn lines_are_the_same_in_whatever_pieces_they_come() {
        let now = Instant::now();
        let stream = b"list\r\n\nupdate\0list a 1 2\nregserv";
        let whole = requests(&mut Session::new(now), stream, now);
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
            .flat_map(|&byte| requests(&mut session, &[byte], now));
        assert_eq!(pieces.collect::<Vec<_>>(), whole);
    }

    #[test]
    fn lines_wait_until_they_are_taken() {
        let now = Instant::now();
        let mut session = Session::new(now);
        session.on_bytes(b"\nlist\nregserv");
        assert_eq!(session.next(now), Some(Request::Nothing));
        assert!(session.has_line());
        assert_eq!(session.next(now), Some(Request::List(Dialect::Cube2)));
        assert!(!session.has_line());
        assert_eq!(session.next(now), None);
        session.on_bytes(b" 1\n");
        assert!(session.has_line());
        session.leave(now);
        assert!(!session.has_line() && session.next(now).is_none());
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
        assert!(requests(&mut session, b"list\n", now).is_empty());
        assert!(!session.is_late(now) && session.is_late(now + LEAVING));
    }

    #[test]
    fn a_newcomer_has_little_time_and_a_game_server_all_of_it() {
        let now = Instant::now();
        let mut session = Session::new(now);
        assert!(!session.is_late(now) && session.is_late(now + FIRST_LINE));
        session.stay();
        assert!(!session.is_late(now + 1000 * FIRST_LINE));
        let mut long = vec![b'x'; MAX_LINE];
        assert!(requests(&mut session, &long, now).is_empty() && !session.is_leaving);
        long.push(b'\n');
        let mut other = Session::new(now);
        assert_eq!(
            requests(&mut other, &long, now).len(),
            1,
            "as long as may be"
        );
        assert!(requests(&mut session, b"x", now).is_empty());
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
