//! How long a peer may take for one step.

use std::time::{Duration, Instant};

/// The wait for one step: long while there is room, short in a crowd. Whether there is a crowd shows only
/// at the time. So from the short limit on, the session looks again and again until the long one has
/// passed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// When it has taken too long in a crowd.
    crowded: Instant,
    /// When it has taken too long.
    roomy: Instant,
    next_look: Instant,
}

impl Patience {
    pub(crate) fn new(now: Instant, crowded: Duration, roomy: Duration) -> Self {
        Self {
            crowded: now + crowded,
            roomy: now + roomy,
            next_look: now + crowded.min(roomy),
        }
    }

    /// When to look again.
    pub(crate) fn next_look(&self) -> Instant {
        self.next_look
    }

    /// True if the step has taken too long. Otherwise the next look is due later than `now`.
    pub(crate) fn is_over(&mut self, now: Instant, is_crowded: bool, look_again: Duration) -> bool {
        if now >= self.roomy || (is_crowded && now >= self.crowded) {
            return true;
        }
        if now >= self.next_look {
            self.next_look = (now + look_again).min(self.roomy);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_short_in_a_crowd_and_long_otherwise() {
        let start = Instant::now();
        let s = Duration::from_secs;
        let mut patience = Patience::new(start, s(5), s(60));
        assert_eq!(patience.next_look, start + s(5));
        assert!(!patience.is_over(start + s(4), true, s(1)));
        assert!(!patience.is_over(start + s(5), false, s(1)));
        assert_eq!(patience.next_look, start + s(6));
        assert!(
            patience.is_over(start + s(6), true, s(1)),
            "a crowd came later"
        );
        assert!(!patience.is_over(start + s(59), false, s(5)));
        assert_eq!(patience.next_look, start + s(60));
        assert!(patience.is_over(start + s(60), false, s(1)));
    }
}
