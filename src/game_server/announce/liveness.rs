//! Whether the game server still runs.
//!
//! This file hides the signs of that: updates that come, and a process that is not stopped, which
//! Linux shows in `/proc`. The decision is pure.

use crate::game_server::event::Seconds;
use std::time::{Duration, Instant};
use std::{fmt, fs};

/// Why the game server is taken off the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Its process was stopped by a signal.
    Stopped,
    /// For this time no update has come.
    Silent(Duration),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str(
                "the game server was stopped by a signal (SIGSTOP?): it is off the lists until it \
                 goes on",
            ),
            Self::Silent(time) => write!(
                f,
                "no update for {} (--alive): the game server is off the lists until the next one",
                Seconds(*time)
            ),
        }
    }
}

/// The signs of life of a game server.
#[derive(Debug)]
pub(crate) struct Life {
    /// How long it may send no update; `None` for any time.
    patience: Option<Duration>,
    heard: Instant,
    trouble: Option<Trouble>,
}

impl Life {
    pub(crate) fn new(patience: Option<Duration>, now: Instant) -> Self {
        Self {
            patience,
            heard: now,
            trouble: None,
        }
    }

    /// True if it must be looked at again even if nothing happens.
    pub(crate) fn needs_looking_at(&self) -> bool {
        self.patience.is_some()
    }

    /// An update came, whatever it says.
    pub(crate) fn hear(&mut self, now: Instant) {
        self.heard = now;
    }

    /// What is wrong now, if that has changed: `Some(None)` when all is well again.
    pub(crate) fn look(&mut self, is_stopped: bool, now: Instant) -> Option<Option<Trouble>> {
        let silence = now.saturating_duration_since(self.heard);
        let silent = self.patience.filter(|patience| silence >= *patience);
        let trouble = match is_stopped {
            true => Some(Trouble::Stopped),
            false => silent.map(Trouble::Silent),
        };
        let is_new = trouble != self.trouble;
        self.trouble = trouble;
        is_new.then_some(trouble)
    }
}

/// True for a process that was stopped by a signal. Where there is no `/proc` nobody can tell.
pub(crate) fn is_stopped(process: u32) -> bool {
    let stat = fs::read(format!("/proc/{process}/stat")).unwrap_or_default();
    // pid (name) state …; the name may hold anything.
    let after_name = stat.rsplit(|&byte| byte == b')').next();
    after_name.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"T"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_game_that_is_silent_or_stopped_is_in_trouble_until_it_is_not() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let patience = Duration::from_secs(30);
        let silent = Some(Some(Trouble::Silent(patience)));
        let mut life = Life::new(Some(patience), start);
        assert_eq!(life.look(false, at(29)), None);
        assert_eq!(life.look(false, at(30)), silent);
        assert_eq!(life.look(false, at(40)), None);
        life.hear(at(50));
        assert_eq!(life.look(false, at(50)), Some(None));
        assert_eq!(life.look(true, at(60)), Some(Some(Trouble::Stopped)));
        assert_eq!(
            life.look(false, at(90)),
            silent,
            "it has said nothing since"
        );
        let mut life = Life::new(None, start);
        assert_eq!(life.look(false, at(1_000_000)), None);
        assert_eq!(life.look(true, at(1_000_000)), Some(Some(Trouble::Stopped)));
    }

    #[test]
    fn trouble_is_said_in_words() {
        let silent = Trouble::Silent(Duration::from_secs(30)).to_string();
        assert!(
            silent.starts_with("no update for 30 s (--alive): "),
            "{silent}"
        );
        assert!(!is_stopped(std::process::id()));
    }
}
