//! How many logins may be under way at a tracker, and when none. Pure: time and chance are parameters.
//!
//! What keeps one login out keeps all of them out: a tracker that is away, a wrong password, no slot.
//! So one alone tries again until it comes through, and then all do.

use crate::base::backoff::{Backoff, spread};
use std::time::{Duration, Instant};

/// Logins that may be under way at the same time. The queue of a tracker's listener has room for 128
/// connections.
pub(super) const MOST_UNDER_WAY: usize = 64;

/// The longest wait before a tracker that is away is tried again: it is to have everybody back within
/// seconds of its start.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Lets logins through.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// True since a login has come through, until one fails. Otherwise one alone may try.
    is_open: bool,
    /// When that may be; `None` for now.
    closed_until: Option<Instant>,
    backoff: Backoff,
    under_way: usize,
}

impl Gate {
    /// Lets one more login begin, if it may.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        let may = match self.is_open {
            true => self.under_way < MOST_UNDER_WAY,
            false => self.under_way == 0 && self.closed_until.is_none_or(|until| now >= until),
        };
        self.under_way += usize::from(may);
        may
    }

    /// When to ask again if [`admit`](Self::admit) said no; `None` if that is when a login has ended.
    pub(super) fn next(&self) -> Option<Instant> {
        self.closed_until
            .filter(|_| !self.is_open && self.under_way == 0)
    }

    /// The tracker may be another one now: if nobody is trying, one may at once.
    pub(super) fn hurry(&mut self) {
        if self.under_way == 0 {
            self.closed_until = None;
        }
    }

    /// True while logins are under way.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way > 0
    }

    /// A login has ended, and nothing speaks against others: it is listed, or what kept it out concerns
    /// it alone.
    pub(super) fn pass(&mut self) {
        self.under_way -= 1;
        self.is_open = true;
        self.backoff.reset();
    }

    /// A login was given up.
    pub(super) fn drop_one(&mut self) {
        self.under_way -= 1;
    }

    /// A login has failed for a reason that concerns all. The next is tried after a wait of `least`, or
    /// one that grows. Returns the wait; `None` for a login that began before the gate was closed.
    pub(super) fn fail(
        &mut self,
        least: Option<Duration>,
        now: Instant,
        chance: f64,
    ) -> Option<Duration> {
        let is_known = !self.is_open && self.closed_until.is_some_and(|until| now < until);
        self.under_way -= 1;
        if is_known {
            return None;
        }
        let grown = self.backoff.next(LONGEST_WAIT);
        let wait = spread(least.unwrap_or(grown), 1.0..1.25, chance);
        self.is_open = false;
        self.closed_until = Some(now + wait);
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_alone_tries_until_it_comes_through() {
        let (mut gate, start) = (Gate::default(), Instant::now());
        assert!(gate.admit(start) && !gate.admit(start));
        gate.pass();
        let admitted = (0..1000).filter(|_| gate.admit(start)).count();
        assert_eq!((admitted, gate.next()), (MOST_UNDER_WAY, None));
        assert_eq!(gate.fail(None, start, 0.0), Some(SECOND));
        for _ in 1..MOST_UNDER_WAY {
            assert_eq!(gate.fail(None, start, 0.0), None, "it is known");
        }
        assert_eq!(gate.next(), Some(start + SECOND));
        assert!(!gate.admit(start));
        let mut now = start + SECOND;
        assert!(gate.admit(now) && !gate.admit(now) && gate.is_busy());
        let mut waits = Vec::new();
        for _ in 0..4 {
            let wait = gate.fail(None, now, 0.0).unwrap();
            waits.push(wait.as_secs());
            now += wait;
            assert!(gate.admit(now) && !gate.admit(now));
        }
        assert_eq!(waits, [2, 4, 5, 5]);
        assert_eq!(
            gate.fail(Some(60 * SECOND), now, 1.0),
            Some(75 * SECOND),
            "as it was told"
        );
        now += 75 * SECOND;
        assert!(gate.admit(now));
        gate.pass();
        let admitted = (0..1000).filter(|_| gate.admit(now)).count();
        assert_eq!(admitted, MOST_UNDER_WAY);
        gate.drop_one();
        assert!(gate.admit(now) && !gate.admit(now));
    }

    #[test]
    fn a_new_tracker_ends_the_wait() {
        let (mut gate, start) = (Gate::default(), Instant::now());
        assert!(gate.admit(start));
        gate.fail(Some(60 * SECOND), start, 0.0);
        assert!(!gate.admit(start + SECOND));
        gate.hurry();
        assert!(gate.admit(start + SECOND) && !gate.admit(start + SECOND));
    }
}
