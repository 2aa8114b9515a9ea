//! How the thread of a watched list is stopped or hurried, whatever it waits for.

use crate::base::mutex::{lock, sound};
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Tells the thread to stop, or to hurry, whatever it waits for.
#[derive(Debug, Default)]
pub(super) struct Stop {
    state: Mutex<StopState>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct StopState {
    is_stopped: bool,
    /// The thread is to try again now.
    is_hurried: bool,
    /// The socket that is read from.
    socket: Option<TcpStream>,
}

impl Stop {
    fn lock(&self) -> MutexGuard<'_, StopState> {
        lock(&self.state)
    }

    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.is_stopped = true;
        if let Some(socket) = state.socket.take() {
            // One that is closed already needs no closing.
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.woken.notify_all();
    }

    pub(super) fn hurry(&self) {
        self.lock().is_hurried = true;
        self.woken.notify_all();
    }

    /// Forgets that the thread was to hurry.
    pub(super) fn take_time(&self) {
        self.lock().is_hurried = false;
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    /// From now on, stopping closes `socket`. Returns false if it was stopped already.
    pub(super) fn is_reading(&self, socket: Option<TcpStream>) -> bool {
        let mut state = self.lock();
        state.socket = socket;
        !state.is_stopped
    }

    /// Waits for `time`, or for ever; if it is to hurry, for `least` at the most. Returns at once when
    /// stopped.
    pub(super) fn wait(&self, least: Duration, time: Option<Duration>) {
        let start = Instant::now();
        let mut state = self.lock();
        loop {
            let end = match state.is_hurried {
                true => Some(time.map_or(least, |time| time.min(least))),
                false => time,
            };
            let left = end.map(|end| end.saturating_sub(start.elapsed()));
            if state.is_stopped || left == Some(Duration::ZERO) {
                return;
            }
            state = match left {
                Some(left) => sound(self.woken.wait_timeout(state, left)).0,
                None => sound(self.woken.wait(state)),
            };
        }
    }
}
