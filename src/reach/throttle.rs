//! How much a tracker may say in a second. Pure.

use std::time::{Duration, Instant};

/// What has been said so far, as time that it takes at the pace that is allowed.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// How much may be said at once.
    burst: Duration,
    /// When all of it is worn off.
    until: Instant,
}

impl Throttle {
    /// So much may be said at once, as the time that it takes.
    pub(crate) fn new(burst: Duration, now: Instant) -> Self {
        Self { burst, until: now }
    }

    /// Something was said that takes so long; returns for how long nobody is to listen now.
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
