//! How long to wait after failures in a row.
//!
//! This file hides how waits grow: they double. Chance spreads them, so that a thousand programs that
//! have lost the same tracker do not come back in the same instant. Pure.

use std::ops::Range;
use std::time::Duration;

/// The wait after the first failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Counts failures in a row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Forgets the failures: the next wait is the shortest again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts one more failure and returns how long to wait: 1 s, 2 s, 4 s … up to `longest`.
    pub(crate) fn next(&mut self, longest: Duration) -> Duration {
        let wait = FIRST_WAIT.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        wait.min(longest)
    }
}

/// `time` times a factor from `range`: its start for a `chance` of 0, its end for 1.
pub(crate) fn spread(time: Duration, range: Range<f64>, chance: f64) -> Duration {
    time.mul_f64(range.start + (range.end - range.start) * chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_until_it_works() {
        const LONGEST: Duration = Duration::from_secs(60);
        let mut backoff = Backoff::default();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(backoff.next(LONGEST), Duration::from_secs(seconds));
        }
        backoff.failures = u32::MAX;
        assert_eq!(backoff.next(LONGEST), LONGEST);
        backoff.reset();
        assert_eq!(backoff.next(LONGEST), FIRST_WAIT);
    }

    #[test]
    fn chance_spreads_a_wait_over_all_of_its_range() {
        let spread = |chance| spread(Duration::from_secs(60), 0.5..1.0, chance);
        assert_eq!(spread(0.0), Duration::from_secs(30));
        assert_eq!(spread(0.5), Duration::from_secs(45));
        assert_eq!(spread(1.0), Duration::from_secs(60));
    }
}
