//! When to try again.
//!
//! This file hides how waits grow with each failure, and how much chance is in them, so that a
//! thousand clients of a tracker that was started again do not come back in the same instant.

use std::time::Duration;

/// The first wait at its longest.
const FIRST: Duration = Duration::from_secs(1);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(60);

/// Counts failures.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It has worked: the next wait is a short one again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// It has failed: how long to wait now. Half of it is chance.
    pub(crate) fn next(&mut self, random: u64) -> Duration {
        let longest = FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        jittered(longest, random)
    }
}

/// Between a half of `longest` and all of it.
pub(crate) fn jittered(longest: Duration, random: u64) -> Duration {
    let half = longest / 2;
    half + half.mul_f64(random as f64 / u64::MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_half_of_them_is_chance() {
        let mut backoff = Backoff::default();
        let longest = [1, 2, 4, 8, 16, 32, 60, 60];
        for seconds in longest {
            assert_eq!(backoff.next(u64::MAX), Duration::from_secs(seconds));
        }
        backoff.failures = u32::MAX;
        assert_eq!(backoff.next(0), LONGEST / 2);
        backoff.reset();
        let wait = backoff.next(u64::MAX / 2);
        assert!(wait > FIRST / 2 && wait < FIRST, "{wait:?}");
    }
}
