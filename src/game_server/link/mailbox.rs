//! The queue of the thread that talks to a tracker.
//!
//! This file hides how that thread waits for several things at once: lines of the tracker, changes of
//! the game server's fields, numbers from datagrams, and the end.

use crate::base::mutex::{lock, sound};
use crate::game_server::session::proofs::Waiting;
use crate::protocol::line::LineError;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Instant;

/// How many lines of the tracker may wait. If there are more, the thread that reads the socket waits.
const MAX_UNREAD: usize = 64;

/// The number of no attempt: whatever is received is dropped.
pub(crate) const NO_ATTEMPT: u64 = 0;

/// What came from the other end of a connection.
#[derive(Debug)]
pub(crate) enum Received {
    /// One of the tracker's addresses has accepted a connection. It replaces the one before.
    Connected(TcpStream),
    /// A line.
    Line(Result<String, LineError>),
    /// There is no connection (any more): why, for a person.
    Ended(String),
}

/// What a thread is woken for.
#[derive(Debug)]
pub(crate) enum Message {
    /// The game server leaves, for good or for a while.
    Stop,
    /// The game server wants something else said.
    Changed,
    /// A number came in a datagram.
    Number(u64),
    /// The tracker has said something.
    Received(Received),
    /// The deadline has passed.
    Deadline,
}

/// Whether the thread that waits knows that the game server leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopIs {
    /// It does not know yet, and is told at once.
    News,
    /// It knows, and waits for the tracker's answer to QUIT.
    Known,
}

#[derive(Debug, Default)]
struct State {
    is_stopped: bool,
    is_hidden: bool,
    is_changed: bool,
    numbers: Waiting,
    /// Where the tracker of the latest connection is.
    tracker: Option<IpAddr>,
    /// The local address of that connection.
    local: Option<SocketAddr>,
    /// The number of the present connection; what comes from others is dropped.
    attempt: u64,
    received: VecDeque<Received>,
}

#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    arrived: Condvar,
    taken: Condvar,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
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
    pub(crate) fn set_hidden(&self, is_hidden: bool) {
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
        let mut state = self.lock();
        let (tracker, is_first) = (state.tracker, state.numbers.is_empty());
        state.numbers.add(number, from, tracker);
        // If others wait already, the thread will wake for them.
        if is_first {
            self.arrived.notify_all();
        }
    }

    /// Begins a new connection: from now on what comes from others is dropped.
    pub(crate) fn listen_to(&self, attempt: u64) {
        let mut state = self.lock();
        state.attempt = attempt;
        state.received.clear();
        state.numbers = Waiting::default();
        self.taken.notify_all();
    }

    /// Adds what was received. Waits while there is no room; false if this is not the present
    /// connection any more.
    pub(crate) fn put(&self, attempt: u64, received: Received) -> bool {
        let state = self.lock();
        let is_full = |state: &mut State| {
            state.attempt == attempt && !state.is_stopped && state.received.len() >= MAX_UNREAD
        };
        // This wait needs no deadline: the thread that talks has deadlines, by which it takes a line
        // or begins another connection.
        let mut state = sound(self.taken.wait_while(state, is_full));
        if state.attempt != attempt {
            return false;
        }
        if let Received::Connected(stream) = &received {
            state.tracker = stream.peer_addr().ok().map(|peer| peer.ip());
            state.local = stream.local_addr().ok();
        }
        state.received.push_back(received);
        self.arrived.notify_all();
        true
    }

    /// Waits until `until`, and longer while the game server is hidden. Returns true at once if the
    /// game server leaves for good.
    pub(crate) fn is_stopped_within(&self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let stays = |state: &mut State| !state.is_stopped;
        let (state, _) = sound(self.arrived.wait_timeout_while(self.lock(), left, stays));
        let is_away = |state: &mut State| state.is_hidden && !state.is_stopped;
        sound(self.arrived.wait_while(state, is_away)).is_stopped
    }

    /// Waits until `until` for the next message. Numbers count from `numbers_from` on, if at all.
    pub(crate) fn wait(
        &self,
        until: Instant,
        numbers_from: Option<Instant>,
        stop: StopIs,
    ) -> Message {
        let mut state = self.lock();
        loop {
            if (state.is_stopped || state.is_hidden) && stop == StopIs::News {
                return Message::Stop;
            }
            if let Some(received) = state.received.pop_front() {
                self.taken.notify_all();
                return Message::Received(received);
            }
            let now = Instant::now();
            let number_at = numbers_from.filter(|_| !state.numbers.is_empty());
            if number_at.is_some_and(|at| at <= now)
                && let Some(number) = state.numbers.next()
            {
                return Message::Number(number);
            }
            if std::mem::take(&mut state.is_changed) {
                return Message::Changed;
            }
            let until = number_at.map_or(until, |at| at.min(until));
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return Message::Deadline;
            }
            state = sound(self.arrived.wait_timeout(state, left)).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    fn line(text: &str) -> Received {
        Received::Line(Ok(text.to_owned()))
    }

    #[test]
    fn letters_come_in_their_order_and_the_end_first() {
        let mailbox = Mailbox::default();
        let now = Instant::now();
        let from = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        mailbox.listen_to(1);
        assert!(mailbox.put(1, line("a")) && !mailbox.put(2, line("b")));
        mailbox.change();
        mailbox.change();
        mailbox.number(7, from(1));
        mailbox.number(8, from(2));
        let next = || mailbox.wait(now, Some(now), StopIs::News);
        assert!(matches!(next(), Message::Received(Received::Line(Ok(a))) if a == "a"));
        assert!(matches!(next(), Message::Number(7)));
        assert!(matches!(
            mailbox.wait(now, None, StopIs::News),
            Message::Changed
        ));
        assert!(matches!(
            mailbox.wait(now, None, StopIs::News),
            Message::Deadline
        ));
        assert!(matches!(next(), Message::Number(8)), "it has waited");
        assert!(matches!(next(), Message::Deadline));
        mailbox.set_hidden(true);
        assert!(matches!(next(), Message::Stop));
        mailbox.set_hidden(false);
        assert!(matches!(next(), Message::Deadline) && !mailbox.is_stopped_within(now));
        mailbox.stop();
        mailbox.put(1, line("c"));
        assert!(matches!(next(), Message::Stop));
        assert!(matches!(
            mailbox.wait(now, None, StopIs::Known),
            Message::Received(_)
        ));
        assert!(matches!(
            mailbox.wait(now, None, StopIs::Known),
            Message::Deadline
        ));
        assert!(mailbox.is_stopped_within(now + Duration::from_secs(3600)));
    }

    #[test]
    fn who_says_too_much_waits_and_is_forgotten_with_its_connection() {
        let mailbox = Arc::new(Mailbox::default());
        mailbox.listen_to(1);
        let other = Arc::clone(&mailbox);
        let (say, said) = std::sync::mpsc::channel();
        std::thread::spawn(move || say.send((0..).find(|_| !other.put(1, line("x")))));
        let patience = Duration::from_secs(20);
        for _ in 0..2 * MAX_UNREAD {
            let later = Instant::now() + patience;
            assert!(matches!(
                mailbox.wait(later, None, StopIs::News),
                Message::Received(_)
            ));
        }
        mailbox.listen_to(2);
        assert!(said.recv_timeout(patience).unwrap() >= Some(2 * MAX_UNREAD));
        assert!(matches!(
            mailbox.wait(Instant::now(), None, StopIs::News),
            Message::Deadline
        ));
    }
}
