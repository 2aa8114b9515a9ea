//! What one thread is told by all others.
//!
//! This file hides how the thread that talks to a tracker waits for several things at once: what
//! the tracker says, what the game server wants said, numbers from datagrams, and the end.

use crate::base::mutex::{lock, sound};
use crate::game_server::session::proofs::Waiting;
use crate::protocol::line::LineError;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Instant;

/// What the tracker has said and nobody has heard yet. Whoever reads the socket waits when it is
/// full.
const MAX_UNREAD: usize = 64;

/// The attempt that is none: whatever is heard is of no interest.
pub(crate) const NOBODY: u64 = 0;

/// What came from the other end of a connection.
#[derive(Debug)]
pub(crate) enum Heard {
    /// One of the tracker's addresses has accepted a connection. One before it did not answer.
    Connected(TcpStream),
    /// A line.
    Line(Result<String, LineError>),
    /// There is no connection (any more): why, for a person.
    Ended(String),
}

/// What a thread is woken for.
#[derive(Debug)]
pub(crate) enum Letter {
    /// The game server leaves, for good or for a while.
    Stop,
    /// The game server wants something else said.
    Changed,
    /// A number came in a datagram.
    Number(u64),
    /// The tracker has said something.
    Heard(Heard),
    /// The time has come.
    Nothing,
}

#[derive(Debug, Default)]
struct Letters {
    is_stopped: bool,
    is_hidden: bool,
    is_changed: bool,
    numbers: Waiting,
    /// Where the tracker of the latest connection is.
    tracker: Option<IpAddr>,
    /// Our own end of it.
    local: Option<SocketAddr>,
    /// Which connection is listened to; what others hear is of no interest any more.
    attempt: u64,
    heard: VecDeque<Heard>,
}

#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    letters: Mutex<Letters>,
    arrived: Condvar,
    taken: Condvar,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Letters> {
        lock(&self.letters)
    }

    /// The game server leaves.
    pub(crate) fn stop(&self) {
        self.lock().is_stopped = true;
        self.arrived.notify_all();
    }

    /// True once the game server has left for good.
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    /// The game server leaves for a while, or is back.
    pub(crate) fn hide(&self, is_hidden: bool) {
        self.lock().is_hidden = is_hidden;
        self.arrived.notify_all();
    }

    /// The address from which the tracker was reached last.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        self.lock().local
    }

    /// The address at which the tracker was reached last.
    pub(crate) fn tracker(&self) -> Option<IpAddr> {
        self.lock().tracker
    }

    /// The game server wants something else said.
    pub(crate) fn change(&self) {
        self.lock().is_changed = true;
        self.arrived.notify_all();
    }

    /// A number came in a datagram.
    pub(crate) fn number(&self, number: u64, from: SocketAddr) {
        let mut letters = self.lock();
        let (tracker, is_first) = (letters.tracker, letters.numbers.is_empty());
        letters.numbers.add(number, from, tracker);
        // Of the others it knows, and waits until it may pass one on.
        if is_first {
            self.arrived.notify_all();
        }
    }

    /// A new connection is tried: from now on only what is heard on it counts.
    pub(crate) fn listen_to(&self, attempt: u64) {
        let mut letters = self.lock();
        letters.attempt = attempt;
        letters.heard.clear();
        letters.numbers = Waiting::default();
        self.taken.notify_all();
    }

    /// Something was heard. Waits while the box is full; false if nobody listens to this
    /// connection any more.
    pub(crate) fn hear(&self, attempt: u64, heard: Heard) -> bool {
        let letters = self.lock();
        let is_full = |letters: &mut Letters| {
            letters.attempt == attempt && !letters.is_stopped && letters.heard.len() >= MAX_UNREAD
        };
        // No deadline of its own: the other side takes what is here or turns to another attempt,
        // by deadlines of its own.
        let mut letters = sound(self.taken.wait_while(letters, is_full));
        if letters.attempt != attempt {
            return false;
        }
        if let Heard::Connected(stream) = &heard {
            letters.tracker = stream.peer_addr().ok().map(|peer| peer.ip());
            letters.local = stream.local_addr().ok();
        }
        letters.heard.push_back(heard);
        self.arrived.notify_all();
        true
    }

    /// Waits until `until`, and on while the game server is away; true as soon as it has left for
    /// good.
    pub(crate) fn is_stopped_within(&self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let stays = |letters: &mut Letters| !letters.is_stopped;
        let (letters, _) = sound(self.arrived.wait_timeout_while(self.lock(), left, stays));
        let is_away = |letters: &mut Letters| letters.is_hidden && !letters.is_stopped;
        sound(self.arrived.wait_while(letters, is_away)).is_stopped
    }

    /// Waits until `until` for anything to arrive, for numbers from `numbers_from` on if at all. The
    /// end is a letter that comes again and again.
    pub(crate) fn wait(
        &self,
        until: Instant,
        numbers_from: Option<Instant>,
        is_stop_known: bool,
    ) -> Letter {
        let mut letters = self.lock();
        loop {
            if (letters.is_stopped || letters.is_hidden) && !is_stop_known {
                return Letter::Stop;
            }
            if let Some(heard) = letters.heard.pop_front() {
                self.taken.notify_all();
                return Letter::Heard(heard);
            }
            let now = Instant::now();
            let number_at = numbers_from.filter(|_| !letters.numbers.is_empty());
            if number_at.is_some_and(|at| at <= now)
                && let Some(number) = letters.numbers.next()
            {
                return Letter::Number(number);
            }
            if std::mem::take(&mut letters.is_changed) {
                return Letter::Changed;
            }
            let until = number_at.map_or(until, |at| at.min(until));
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return Letter::Nothing;
            }
            letters = sound(self.arrived.wait_timeout(letters, left)).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    fn line(text: &str) -> Heard {
        Heard::Line(Ok(text.to_owned()))
    }

    #[test]
    fn letters_come_in_their_order_and_the_end_first() {
        let mailbox = Mailbox::default();
        let now = Instant::now();
        let from = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        mailbox.listen_to(1);
        assert!(mailbox.hear(1, line("a")) && !mailbox.hear(2, line("b")));
        mailbox.change();
        mailbox.change();
        mailbox.number(7, from(1));
        mailbox.number(8, from(2));
        let next = || mailbox.wait(now, Some(now), false);
        assert!(matches!(next(), Letter::Heard(Heard::Line(Ok(a))) if a == "a"));
        assert!(matches!(next(), Letter::Number(7)));
        assert!(matches!(mailbox.wait(now, None, false), Letter::Changed));
        assert!(matches!(mailbox.wait(now, None, false), Letter::Nothing));
        assert!(matches!(next(), Letter::Number(8)), "it has waited");
        assert!(matches!(next(), Letter::Nothing));
        mailbox.hide(true);
        assert!(matches!(next(), Letter::Stop));
        mailbox.hide(false);
        assert!(matches!(next(), Letter::Nothing) && !mailbox.is_stopped_within(now));
        mailbox.stop();
        mailbox.hear(1, line("c"));
        assert!(matches!(next(), Letter::Stop));
        assert!(matches!(mailbox.wait(now, None, true), Letter::Heard(_)));
        assert!(matches!(mailbox.wait(now, None, true), Letter::Nothing));
        assert!(mailbox.is_stopped_within(now + Duration::from_secs(3600)));
    }

    #[test]
    fn who_says_too_much_waits_and_is_forgotten_with_its_connection() {
        let mailbox = Arc::new(Mailbox::default());
        mailbox.listen_to(1);
        let other = Arc::clone(&mailbox);
        let (say, said) = std::sync::mpsc::channel();
        std::thread::spawn(move || say.send((0..).find(|_| !other.hear(1, line("x")))));
        let patience = Duration::from_secs(20);
        for _ in 0..2 * MAX_UNREAD {
            let later = Instant::now() + patience;
            assert!(matches!(mailbox.wait(later, None, false), Letter::Heard(_)));
        }
        mailbox.listen_to(2);
        assert!(said.recv_timeout(patience).unwrap() >= Some(2 * MAX_UNREAD));
        assert!(matches!(
            mailbox.wait(Instant::now(), None, false),
            Letter::Nothing
        ));
    }
}
