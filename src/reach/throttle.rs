//! How much a tracker may say in a second. Pure.

use std::time::{Duration, Instant};

/// Counts what a tracker says, in the time that it would take at the highest rate.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// How much may come at once, as the time that it takes.
    burst: Duration,
    /// When all that has come would have come at the highest rate.
    until: Instant,
}

impl Throttle {
    /// A throttle that lets so much through at once.
    pub(crate) fn new(burst: Duration, now: Instant) -> Self {
        Self { burst, until: now }
    }

    /// Counts something that takes so long; returns how long to wait before more is read.
    pub(crate) fn take(&mut self, time: Duration, now: Instant) -> Duration {
        self.until = self.until.max(now) + time;
        (self.until - now).saturating_sub(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_talks_without_end_is_heard_at_a_steady_pace() {
        let second = Duration::from_secs(1);
        let mut now = Instant::now();
        let mut throttle = Throttle::new(3 * second, now);
        let mut said = |now| throttle.take(second, now);
        assert_eq!([said(now), said(now), said(now)], [Duration::ZERO; 3]);
        for _ in 0..1000 {
            let wait = said(now);
            assert_eq!(wait, second);
            now += wait;
        }
        // Silence earns no more than a burst.
        now += 3600 * second;
        assert_eq!([said(now), said(now), said(now)], [Duration::ZERO; 3]);
        assert_eq!(said(now), second);
    }
}
