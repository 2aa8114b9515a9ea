//! Counters that an operator can ask for.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// What has happened since the start. Read together with the slots in use by `STATS`.
#[derive(Debug, Default)]
pub struct Stats {
    /// Connections that got a slot.
    pub accepted: Counter,
    /// Connections that were refused because their class was full.
    pub busy: Counter,
    /// Game servers that got onto the list.
    pub logins: Counter,
    /// Logins with a wrong password.
    pub bad_passwords: Counter,
    /// Changes of listed game servers.
    pub updates: Counter,
    /// Times the list was asked for.
    pub lists: Counter,
    /// Connections closed with an ERR.
    pub refused: Counter,
    /// Connections closed because the peer did not read.
    pub slow_readers: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Stats {
    /// Appends ` name=count` for every counter.
    pub fn write_into(&self, line: &mut String) {
        for (name, counter) in [
            ("accepted", &self.accepted),
            ("busy", &self.busy),
            ("logins", &self.logins),
            ("bad-passwords", &self.bad_passwords),
            ("updates", &self.updates),
            ("lists", &self.lists),
            ("refused", &self.refused),
            ("slow-readers", &self.slow_readers),
        ] {
            // Writing into a String does not fail.
            let _ = write!(line, " {name}={}", counter.get());
        }
    }
}
