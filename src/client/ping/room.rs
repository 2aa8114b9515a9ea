//! Whether this machine has room for one more socket.
//!
//! This file hides which errors say that it has none, and how long room is waited for. Such an error says
//! nothing about the game server that was to be pinged.

use crate::base::io_error::in_words;
use crate::base::mutex::lock;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// The numbers of the errors of a process, or a whole system, that has as many files open as it may.
const TOO_MANY_FILES: &[i32] = match cfg!(windows) {
    true => &[10024],
    false => &[24, 23],
};

/// How long it waits before it tries again.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// What is known of the room for sockets.
#[derive(Debug)]
pub(super) struct Room {
    /// How long there may be none for any socket at all. Others are closed meanwhile.
    patience: Duration,
    /// Since when there has been none.
    since: Mutex<Option<Instant>>,
    /// Why there was none the first time.
    shortage: OnceLock<String>,
}

/// There is no room.
#[derive(Debug)]
pub(super) struct NoRoom;

impl Room {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            since: Mutex::new(None),
            shortage: OnceLock::new(),
        }
    }

    /// What the system has said, if there ever was no room.
    pub(super) fn shortage(&self) -> Option<&str> {
        self.shortage.get().map(String::as_str)
    }

    /// What `open` returns, which is called until there is room.
    ///
    /// # Errors
    /// There is none for too long, or `is_stopped`.
    pub(super) fn wait<T>(
        &self,
        is_stopped: &AtomicBool,
        mut open: impl FnMut() -> io::Result<T>,
    ) -> Result<io::Result<T>, NoRoom> {
        let start = Instant::now();
        loop {
            let opened = open();
            let is_full = match &opened {
                Err(error) if is_out_of_files(error) => {
                    let since = *lock(&self.since).get_or_insert_with(Instant::now);
                    since.elapsed() >= self.patience
                }
                Err(error) if is_out_of_ports(error) => start.elapsed() >= self.patience,
                _ => {
                    *lock(&self.since) = None;
                    return Ok(opened);
                }
            };
            if let Err(error) = &opened {
                self.shortage.get_or_init(|| in_words(error));
            }
            if is_full || is_stopped.load(Ordering::Relaxed) {
                return Err(NoRoom);
            }
            thread::sleep(RETRY_INTERVAL);
        }
    }
}

fn is_out_of_files(error: &io::Error) -> bool {
    let number = error.raw_os_error();
    number.is_some_and(|number| TOO_MANY_FILES.contains(&number))
}

/// True if the system has no port left for a connection.
fn is_out_of_ports(error: &io::Error) -> bool {
    error.kind() == ErrorKind::AddrNotAvailable && error.raw_os_error().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRIEF: Duration = Duration::from_millis(100);

    fn full() -> io::Error {
        io::Error::from_raw_os_error(TOO_MANY_FILES[0])
    }

    #[test]
    fn it_tries_again_until_there_is_room() {
        let (room, never) = (Room::new(Duration::from_secs(60)), AtomicBool::new(false));
        let mut results = vec![Ok(7), Err(full()), Err(full())];
        let opened = room.wait(&never, || results.pop().unwrap());
        assert_eq!(opened.unwrap().unwrap(), 7);
        assert!(room.shortage().is_some() && lock(&room.since).is_none());
    }

    #[test]
    fn what_the_other_side_does_is_no_shortage() {
        let (room, never) = (Room::new(BRIEF), AtomicBool::new(false));
        for kind in [ErrorKind::ConnectionRefused, ErrorKind::AddrNotAvailable] {
            let opened = room.wait(&never, || Err::<(), _>(kind.into())).unwrap();
            assert_eq!(opened.unwrap_err().kind(), kind);
        }
        assert_eq!(room.shortage(), None);
    }

    #[test]
    fn where_there_is_no_room_at_all_only_the_first_wait_long() {
        let (room, never) = (Room::new(BRIEF), AtomicBool::new(false));
        let mut tries = 0;
        let mut wait = || {
            room.wait(&never, || {
                tries += 1;
                Err::<(), _>(full())
            })
            .is_err()
        };
        assert!(wait() && wait() && wait());
        assert!(tries <= 2 + 3, "{tries}");
        let (room, stopped) = (Room::new(Duration::MAX), AtomicBool::new(true));
        assert!(room.wait(&stopped, || Err::<(), _>(full())).is_err());
    }
}
