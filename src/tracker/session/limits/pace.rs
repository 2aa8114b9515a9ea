//! How many lines a peer may send.

use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::session::outbox::Outbox;
use std::time::{Duration, Instant};

/// Lines that a peer may send each second, for ever.
pub const LINES_PER_SECOND: u32 = 20;

/// For so many seconds it may be ahead of that pace.
pub const LINES_FOR_SECONDS: u32 = 10;

/// Lines that a LIST counts for, since its answer may be a thousand times as long as others.
pub const LIST_WEIGHT: u32 = 10;

/// Counts the lines of a peer, so that it cannot keep the tracker busy. A peer that is more than
/// [`LINES_FOR_SECONDS`] ahead of [`LINES_PER_SECOND`] is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// A trusted peer may send as many as it likes.
    is_trusted: bool,
    /// When all lines so far would have come at the pace that is allowed for ever.
    caught_up: Instant,
    /// Some of them were LIST or WATCH.
    has_listed: bool,
}

impl Pace {
    pub(crate) fn new(is_trusted: bool, now: Instant) -> Self {
        Self {
            is_trusted,
            caught_up: now,
            has_listed: false,
        }
    }

    /// Makes the line that was just counted, a LIST or WATCH, count for so many.
    pub(crate) fn weigh(&mut self, lines: u32) {
        self.has_listed = true;
        self.caught_up += Duration::from_secs(1) / LINES_PER_SECOND * (lines - 1);
    }

    /// Counts one more line. True if it is one too many; the peer is refused then.
    pub(crate) fn is_exceeded(&mut self, now: Instant, out: &mut Outbox) -> bool {
        if self.is_trusted {
            return false;
        }
        self.caught_up = self.caught_up.max(now) + Duration::from_secs(1) / LINES_PER_SECOND;
        let is_too_fast = self.caught_up > now + Duration::from_secs(LINES_FOR_SECONDS.into());
        if is_too_fast {
            let mut text =
                format!("more than {LINES_PER_SECOND} lines a second for {LINES_FOR_SECONDS} s");
            if self.has_listed {
                text += &format!("; LIST and WATCH count for {LIST_WEIGHT} lines each");
            }
            out.refuse(Refusal::new(ErrorCode::TooMany, text));
        }
        is_too_fast
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_may_be_exceeded_for_a_while() {
        let start = Instant::now();
        let mut out = Outbox::default();
        let mut pace = Pace::new(false, start);
        assert!((0..200).all(|_| !pace.is_exceeded(start, &mut out)));
        assert!(pace.is_exceeded(start, &mut out), "201 at once");
        let mut pace = Pace::new(false, start);
        let mut at = |n: u32, per_second: u32| {
            pace.is_exceeded(start + Duration::from_secs(1) * n / per_second, &mut out)
        };
        assert!((0..10_000).all(|n| !at(n, 20)), "20 a second for ever");
        let mut pace = Pace::new(false, start);
        let late =
            (0..).find(|&n| pace.is_exceeded(start + Duration::from_secs(1) * n / 40, &mut out));
        assert_eq!(late, Some(399), "40 a second for ten seconds");
    }
}
