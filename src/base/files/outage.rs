//! When to log that files cannot be written, and that they can be again.
//!
//! The last log line about a file always gives its true state. A disk that is full every other second does
//! not flood the log. Pure.

use std::time::{Duration, Instant};

/// A failure that goes on is logged once in this time.
const QUIET: Duration = Duration::from_secs(60);

/// After a failure within [`QUIET`] of a recovery, the next recovery is logged only when it has lasted for
/// so long.
const PROBATION: Duration = Duration::from_secs(10);

/// What was logged about something that may fail.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    /// When its failure was last logged, unless its recovery was logged since.
    said: Option<Instant>,
    /// When it last failed.
    failed: Option<Instant>,
    /// When its recovery was last logged.
    recovered: Option<Instant>,
}

impl Outage {
    /// It has failed. True if that is to be logged.
    pub(crate) fn fails(&mut self, now: Instant) -> bool {
        self.failed = Some(now);
        let is_said = self.said.is_some_and(|said| now < said + QUIET);
        if !is_said {
            self.said = Some(now);
        }
        !is_said
    }

    /// It works, or there was nothing to do. True if a recovery is to be logged.
    pub(crate) fn works(&mut self, now: Instant) -> bool {
        let (Some(_), Some(failed)) = (self.said, self.failed) else {
            return false;
        };
        let is_flapping = self.recovered.is_some_and(|then| failed < then + QUIET);
        if is_flapping && now < failed + PROBATION {
            return false;
        }
        self.said = None;
        self.recovered = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outage_is_said_at_once_and_then_once_a_minute() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut outage = Outage::default();
        assert!(!outage.works(at(0)), "it has never failed");
        let said: Vec<u64> = (0..130).filter(|n| outage.fails(at(*n))).collect();
        assert_eq!(said, [0, 60, 120]);
        assert!(outage.works(at(130)) && !outage.works(at(131)));
        assert!(outage.fails(at(132)), "a new one, however soon it comes");
    }

    #[test]
    fn one_that_flaps_is_not_said_to_work_until_it_has_for_a_while() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut outage = Outage::default();
        assert!(outage.fails(at(0)) && outage.works(at(1)) && outage.fails(at(2)));
        for second in (3..60).step_by(2) {
            assert!(!outage.works(at(second)) && !outage.fails(at(second + 1)));
        }
        let works: Vec<u64> = (61..200).filter(|n| outage.works(at(*n))).collect();
        assert_eq!(works, [70], "it last failed at 60");
        assert!(outage.fails(at(500)) && outage.works(at(501)), "long after");
    }
}
