//! How long to wait after failures in a row.
//!
//! This file hides how waits grow. Whoever waits adds chance, so that a thousand who have lost the same
//! tracker do not come back in the same instant. Pure.

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
    /// It has worked: the next wait is a short one again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// It has failed: 1 s, 2 s, 4 s … up to `longest`.
    pub(crate) fn next(&mut self, longest: Duration) -> Duration {
        let wait = FIRST_WAIT.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        wait.min(longest)
    }
}

/// A part of `time` within this range, where `chance`, from 0 to 1, says.
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
