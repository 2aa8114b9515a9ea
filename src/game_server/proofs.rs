//! Numbers that came in datagrams, on their way to a tracker.
//!
//! This file hides which of them are passed on: anybody can send datagrams, and a tracker closes
//! connections that send many lines.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Numbers are passed on at this pace at most.
const GAP: Duration = Duration::from_millis(250);

/// Numbers that are remembered as passed on. A tracker sends each of its own up to three times.
const REMEMBERED: usize = 8;

/// The numbers of one connection.
#[derive(Debug)]
pub(super) struct Proofs {
    passed_on: VecDeque<u64>,
    next: Instant,
    /// One whose datagram was faster than the line that comes before it.
    early: Option<u64>,
}

impl Proofs {
    /// None so far.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            passed_on: VecDeque::new(),
            next: now,
            early: None,
        }
    }

    /// True if `number` is to be passed on; it then counts as passed on. What is dropped because
    /// it came too soon the tracker sends again.
    pub(super) fn is_due(&mut self, number: u64, now: Instant) -> bool {
        if now < self.next || self.passed_on.contains(&number) {
            return false;
        }
        self.next = now + GAP;
        self.passed_on.truncate(REMEMBERED - 1);
        self.passed_on.push_front(number);
        true
    }

    /// Keeps a number that cannot be passed on yet.
    pub(super) fn keep(&mut self, number: u64) {
        self.early = Some(number);
    }

    /// The number that was kept.
    pub(super) fn take_kept(&mut self) -> Option<u64> {
        self.early.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_goes_once_and_few_in_a_second() {
        let start = Instant::now();
        let mut proofs = Proofs::new(start);
        let at = |n: u32| start + Duration::from_millis(10) * n;
        let passed = (0..100).filter(|&n| proofs.is_due(n.into(), at(n)));
        assert_eq!(passed.collect::<Vec<_>>(), [0, 25, 50, 75]);
        let later = at(1000);
        assert!(!proofs.is_due(75, later), "the tracker sends it again");
        assert!(proofs.is_due(76, later));
    }
}
