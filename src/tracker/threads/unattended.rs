//! A connection that no thread waits for.
//!
//! This file hides how one thread serves many: the socket never waits, what is to be sent is sent as
//! far as the socket takes it, and nothing is read from a peer that does not read.

use crate::protocol::line::{LineSplitter, MAX_LINE};
use crate::tracker::session::{Chunk, Ending, Outbox, Session, Timings};
use crate::tracker::state::connection::{Connection, lost};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Instant;

/// One connection and its session.
pub(crate) struct Unattended<S> {
    pub(crate) connection: Arc<Connection>,
    pub(crate) session: S,
    pub(crate) splitter: LineSplitter,
    timings: Timings,
    /// What was read and waits until what goes before it is answered.
    pub(crate) unread: Vec<u8>,
    /// What is being sent, how many bytes that are, how many have been sent, and by when all of
    /// them must be.
    chunks: Vec<Chunk>,
    size: usize,
    sent: usize,
    deadline: Instant,
    /// How it ends once everything is sent.
    last: Option<Ending>,
    /// How it has ended.
    pub(crate) ending: Option<Ending>,
}

impl<S: Session> Unattended<S> {
    /// Goes on with a connection of which `heard` was heard already.
    pub(crate) fn new(
        connection: Arc<Connection>,
        session: S,
        splitter: LineSplitter,
        heard: &[u8],
        timings: Timings,
        now: Instant,
    ) -> Self {
        let ending = connection.set_waiting(false).map_err(lost).err();
        let mut this = Self {
            connection,
            session,
            splitter,
            timings,
            unread: Vec::new(),
            chunks: Vec::new(),
            size: 0,
            sent: 0,
            deadline: now,
            last: None,
            ending,
        };
        this.hear(heard, now);
        this
    }

    /// True if something is still to be sent.
    pub(crate) fn is_busy(&self) -> bool {
        !self.chunks.is_empty() && self.ending.is_none()
    }

    /// Looks whether it has hung up, was dismissed or has said something. True if it was heard.
    pub(crate) fn listen(&mut self, now: Instant) -> bool {
        if let Some(why) = self.connection.dismissal() {
            // In the middle of a line it would not be read as one.
            if !self.is_busy() {
                self.chunks = vec![Chunk::Text(format!("{why}\n").into_bytes())];
                let _ = self.connection.send_some(&self.chunks, 0);
            }
            self.ending = Some(Ending::Refused(why.clone()));
        }
        if self.ending.is_some() || self.is_busy() {
            return false;
        }
        if !self.unread.is_empty() {
            self.hear_rest(now);
            return true;
        }
        let mut buffer = [0; MAX_LINE];
        match self.connection.receive(&mut buffer) {
            // It may have been dismissed just now.
            Ok(0) if self.connection.dismissal().is_some() => return self.listen(now),
            Ok(0) => {
                let mut out = Outbox::default();
                self.session
                    .on_end(self.splitter.is_inside_a_line(), &mut out);
                self.send(out, now);
            }
            Ok(count) => {
                self.hear(&buffer[..count], now);
                self.hear_rest(now);
                return true;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => self.ending = Some(lost(error)),
        }
        false
    }

    /// Goes on with what was read, as far as the peer takes the answers.
    fn hear_rest(&mut self, now: Instant) {
        while !self.unread.is_empty() && !self.is_busy() && self.ending.is_none() {
            let unread = std::mem::take(&mut self.unread);
            self.hear(&unread, now);
        }
    }

    fn hear(&mut self, mut input: &[u8], now: Instant) {
        let mut out = Outbox::default();
        let mut is_noise = input.len() == MAX_LINE;
        while !out.is_over()
            && !out.is_large()
            && let Some(line) = self.splitter.next_line(&mut input)
        {
            is_noise = false;
            self.session.on_line(line, now, &mut out);
        }
        if is_noise {
            self.session.on_noise(now, &mut out);
        }
        self.unread = input.to_vec();
        self.send(out, now);
    }

    /// Lets the session do what is due. True if it has something to say.
    pub(crate) fn on_deadline(&mut self, now: Instant) -> bool {
        let mut out = Outbox::default();
        self.session.on_deadline(now, &mut out);
        let is_told = !out.is_empty();
        self.send(out, now);
        is_told
    }

    fn send(&mut self, mut out: Outbox, now: Instant) {
        self.last = self.last.take().or(out.take_ending());
        let chunks = out.take();
        self.size = chunks.iter().flat_map(Chunk::pieces).map(<[u8]>::len).sum();
        self.chunks = chunks;
        self.sent = 0;
        self.deadline = now + self.timings.to_take(self.size);
        self.go_on(now);
    }

    /// Sends on what is being sent, as far as the socket takes it.
    pub(crate) fn go_on(&mut self, now: Instant) {
        if self.ending.is_some() {
            return;
        }
        match self.connection.send_some(&self.chunks, self.sent) {
            Ok(count) => {
                self.sent += count;
                if self.sent == self.size {
                    self.chunks.clear();
                    (self.sent, self.size) = (0, 0);
                } else if now >= self.deadline {
                    self.ending = Some(Ending::SlowReader);
                }
            }
            Err(error) => self.ending = Some(lost(error)),
        }
        if self.chunks.is_empty() {
            self.ending = self.ending.take().or(self.last.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::line::LineError;
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::time::Duration;

    /// Bytes of an answer, more than sockets on one machine take at once.
    const LARGE: usize = 8 << 20;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Answers every line with the same bytes, that are others' too.
    struct Generous(Arc<[u8]>);

    impl Session for Generous {
        fn on_line(&mut self, _: Result<&str, LineError>, _: Instant, out: &mut Outbox) {
            out.shared(Arc::clone(&self.0));
        }
        fn on_noise(&mut self, _: Instant, _: &mut Outbox) {}
        fn on_deadline(&mut self, _: Instant, _: &mut Outbox) {}
        fn next_deadline(&self) -> Instant {
            Instant::now() + PATIENCE
        }
    }

    #[test]
    fn who_does_not_read_is_owed_one_answer_and_gets_all_once_it_does() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, address) = listener.accept().unwrap();
        let connection = Arc::new(Connection::new(1, stream, address));
        let answer: Arc<[u8]> = vec![b'x'; LARGE].into();
        let (session, splitter) = (Generous(Arc::clone(&answer)), LineSplitter::default());
        let (timings, now) = (Timings::default(), Instant::now());
        let mut unattended = Unattended::new(connection, session, splitter, b"", timings, now);
        peer.write_all(&b"LIST\n".repeat(3)).unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        while !unattended.listen(now) {
            assert!(now.elapsed() < PATIENCE);
        }
        assert_eq!((unattended.size, unattended.unread.len()), (LARGE, 10));
        // Beside the test's own and the session's, one.
        assert_eq!(Arc::strong_count(&answer), 3);
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            peer.read_to_end(&mut all).map(|_| all.len())
        });
        while unattended.ending.is_none() {
            assert!(now.elapsed() < PATIENCE);
            unattended.go_on(now);
            unattended.listen(now);
        }
        drop(unattended);
        assert_eq!(reader.join().unwrap().unwrap(), 3 * LARGE);
    }
}
