//! Does the advertised UDP port answer at the game server's address?
//!
//! This file hides how often that is asked and when the tracker gives up. The question is a number
//! in a datagram; the answer is that number in an INFOS. Nothing here says where datagrams go:
//! that is never the game server's choice.

use super::Timings;
use std::time::{Duration, Instant};

/// Datagrams that are sent at the most before a port counts as unreachable.
const DATAGRAMS: u32 = 3;

/// A game server that is on the list waits for its turn to be asked; it looks whether it is its
/// turn after this time at the latest.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Ports below are not asked: what listens there is not a game.
pub const LOWEST_PORT: u16 = 1024;

/// Where the proof of one port stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Proof {
    /// The port is not one that is asked.
    Never,
    /// To be asked at this time.
    Due(Instant),
    /// Asked so many times; whatever comes next comes at this time.
    Open {
        number: u64,
        sent: u32,
        /// Times in a row that it was not its turn.
        turned_down: u32,
        next: Instant,
    },
}

/// What came of a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It goes on.
    Waiting,
    /// The port has not answered. It will be asked again much later.
    Unreachable,
}

impl Proof {
    /// A new port is to be proven at once.
    pub(super) fn of_port(port: u16, now: Instant) -> Self {
        if port < LOWEST_PORT {
            Self::Never
        } else {
            Self::Due(now)
        }
    }

    /// When something is to be done.
    pub(super) fn next_deadline(self) -> Option<Instant> {
        match self {
            Self::Never => None,
            Self::Due(at) | Self::Open { next: at, .. } => Some(at),
        }
    }

    /// Does what is due. `send` sends the number, and tells whether it was allowed to; if not, it
    /// is asked again after `longest_wait` at the latest.
    pub(super) fn on_deadline(
        &mut self,
        now: Instant,
        timings: &Timings,
        longest_wait: Duration,
        new_number: impl FnOnce() -> u64,
        send: impl FnOnce(u64) -> bool,
    ) -> Outcome {
        if let Self::Due(at) = *self
            && now >= at
        {
            *self = Self::Open {
                number: new_number(),
                sent: 0,
                turned_down: 0,
                next: now,
            };
        }
        let Self::Open {
            number,
            sent,
            turned_down,
            next,
        } = self
        else {
            return Outcome::Waiting;
        };
        if now < *next {
            return Outcome::Waiting;
        }
        if *sent == DATAGRAMS {
            *self = Self::Due(now + timings.proof_every);
            return Outcome::Unreachable;
        }
        if !send(*number) {
            // Too many are being sent to this host, or in all: its turn will come. Thousands may
            // be waiting for theirs, so they look less and less often.
            let wait = timings.look_again * 2_u32.pow((*turned_down).min(16));
            *turned_down += 1;
            *next = now + wait.min(longest_wait);
            return Outcome::Waiting;
        }
        *turned_down = 0;
        *sent += 1;
        *next = now
            + if *sent < DATAGRAMS {
                timings.proof_again
            } else {
                timings.proof_answer
            };
        Outcome::Waiting
    }

    /// True if `number` is what was asked and the tracker has not given up.
    pub(super) fn waits_for(&self, number: u64) -> bool {
        matches!(*self, Self::Open { number: asked, sent: 1.., .. } if asked == number)
    }

    /// The port has answered; it is asked again much later.
    pub(super) fn answered(now: Instant, timings: &Timings) -> Self {
        Self::Due(now + timings.proof_every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets time pass; the seconds at which datagrams went out, and how it ended.
    fn run(proof: &mut Proof, start: Instant, until: u64, allowed: bool) -> (Vec<u64>, Outcome) {
        let mut sent = Vec::new();
        while let Some(at) = proof
            .next_deadline()
            .filter(|at| *at <= start + secs(until))
        {
            let outcome = proof.on_deadline(
                at,
                &Timings::default(),
                secs(1),
                || 42,
                |number| {
                    assert_eq!(number, 42);
                    if allowed {
                        sent.push((at - start).as_secs());
                    }
                    allowed
                },
            );
            if outcome == Outcome::Unreachable {
                return (sent, outcome);
            }
        }
        (sent, Outcome::Waiting)
    }

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn three_datagrams_and_then_it_is_unreachable_for_ten_minutes() {
        let start = Instant::now();
        let mut proof = Proof::of_port(1024, start);
        assert_eq!(
            run(&mut proof, start, 100, true),
            (vec![0, 1, 2], Outcome::Unreachable)
        );
        assert_eq!(proof.next_deadline(), Some(start + secs(607)));
        assert!(!proof.waits_for(42), "too late");
    }

    #[test]
    fn only_what_was_asked_is_an_answer_and_the_question_comes_again() {
        let start = Instant::now();
        let mut proof = Proof::of_port(23460, start);
        assert!(!proof.waits_for(42), "nothing was asked yet");
        assert_eq!(run(&mut proof, start, 1, true).0, [0, 1]);
        assert!(proof.waits_for(42) && !proof.waits_for(41));
        let proof = Proof::answered(start + secs(1), &Timings::default());
        assert!(!proof.waits_for(42));
        assert_eq!(proof.next_deadline(), Some(start + secs(601)));
    }

    #[test]
    fn who_may_not_be_asked_now_is_asked_later_and_low_ports_never() {
        let start = Instant::now();
        let mut proof = Proof::of_port(23460, start);
        assert_eq!(
            run(&mut proof, start, 100, false),
            (vec![], Outcome::Waiting)
        );
        assert!(!proof.waits_for(42), "it was never sent");
        assert_eq!(run(&mut proof, start, 102, true).0.len(), 2);
        assert!(Proof::of_port(1023, start).next_deadline().is_none());
    }

    #[test]
    fn who_waits_for_a_turn_looks_less_and_less_often() {
        let start = Instant::now();
        let mut proof = Proof::of_port(23460, start);
        let looks: Vec<u64> = (0..9)
            .map(|_| {
                let at = proof.next_deadline().unwrap();
                proof.on_deadline(at, &Timings::default(), LONGEST_WAIT, || 42, |_| false);
                (at - start).as_secs()
            })
            .collect();
        assert_eq!(looks, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
    }
}
