//! Whether the game server still runs.
//!
//! This file hides the signs of that: updates that come, answers, and a process that is not stopped,
//! which Linux shows in `/proc`. The decision is pure.

use crate::game_server::event::Seconds;
use std::time::{Duration, Instant};
use std::{fmt, fs};

/// How the game server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It runs.
    Well,
    /// Its process was stopped by a signal.
    Stopped,
    /// It is asked and does not answer, or not yet.
    Mute,
    /// For this time no update has come.
    Silent(Duration),
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Well => f.write_str("the game server runs again, and is announced again"),
            Self::Stopped => f.write_str(
                "the game server was stopped by a signal (SIGSTOP?): it is off the lists until it \
                 goes on",
            ),
            Self::Mute => f.write_str("the game server does not answer: it is off the lists"),
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
pub(crate) struct Liveness {
    /// How long it may send no update; `None` for any time.
    patience: Option<Duration>,
    heard: Instant,
    /// As it was at the last check.
    pub(crate) health: Health,
}

impl Liveness {
    /// `health` is the one it begins with.
    pub(crate) fn new(patience: Option<Duration>, health: Health, now: Instant) -> Self {
        Self {
            patience,
            heard: now,
            health,
        }
    }

    /// True if it must be checked again even if nothing happens.
    pub(crate) fn needs_checks(&self) -> bool {
        self.patience.is_some()
    }

    /// An update came, whatever it says.
    pub(crate) fn update_came(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Its health now, if that has changed.
    pub(crate) fn check(
        &mut self,
        is_stopped: bool,
        is_mute: bool,
        now: Instant,
    ) -> Option<Health> {
        let silence = now.saturating_duration_since(self.heard);
        let silent = self.patience.filter(|patience| silence >= *patience);
        let health = match (is_stopped, is_mute) {
            (true, _) => Health::Stopped,
            (false, true) => Health::Mute,
            (false, false) => silent.map_or(Health::Well, Health::Silent),
        };
        let is_new = health != self.health;
        self.health = health;
        is_new.then_some(health)
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
        let silent = Some(Health::Silent(patience));
        let mut liveness = Liveness::new(Some(patience), Health::Well, start);
        assert_eq!(liveness.check(false, false, at(29)), None);
        assert_eq!(liveness.check(false, false, at(30)), silent);
        assert_eq!(liveness.check(false, false, at(40)), None);
        liveness.update_came(at(50));
        assert_eq!(liveness.check(false, false, at(50)), Some(Health::Well));
        assert_eq!(liveness.check(true, false, at(60)), Some(Health::Stopped));
        assert_eq!(liveness.check(true, true, at(60)), None);
        assert_eq!(liveness.check(false, true, at(60)), Some(Health::Mute));
        assert_eq!(
            liveness.check(false, false, at(90)),
            silent,
            "it has said nothing since"
        );
        let later = at(1_000_000);
        let mut liveness = Liveness::new(None, Health::Mute, start);
        assert_eq!(liveness.check(false, true, later), None);
        assert_eq!(liveness.check(false, false, later), Some(Health::Well));
        assert_eq!(liveness.check(true, false, later), Some(Health::Stopped));
    }

    #[test]
    fn trouble_is_said_in_words() {
        let silent = Health::Silent(Duration::from_secs(30)).to_string();
        assert!(
            silent.starts_with("no update for 30 s (--alive): "),
            "{silent}"
        );
        assert!(!is_stopped(std::process::id()));
    }
}
