//! Whether the advertised UDP port answers at the game server's address.
//!
//! The tracker sends a number in a datagram; the answer is that number in an INFOS. This file decides how
//! often it is sent and when the tracker gives up. Where it is sent is never the game server's choice.

use crate::tracker::session::limits::Timings;
use std::time::{Duration, Instant};

/// The most datagrams that are sent before a port counts as unreachable.
const DATAGRAMS: u32 = 3;

/// A listed game server whose datagram has to wait, since too many are being sent, is not woken for that
/// alone. It looks again when it is awake, for a PING for instance, and after this time at the latest.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Ports below this one are not asked: what listens there is not a game.
pub const LOWEST_PORT: u16 = 1024;

/// Where the proof of one port stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Proof {
    /// The port is not one that is asked.
    Never,
    /// To be asked at this time.
    Due(Instant),
    /// Asked so many times.
    Open {
        number: u64,
        sent: u32,
        /// The next datagram is sent no sooner …
        next: Instant,
        /// … and no later. The two differ for one whose datagram has to wait: waking a thread costs more
        /// than a datagram, and thousands may wait.
        latest: Instant,
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

    /// When something is to be done at the latest.
    pub(super) fn next_deadline(self) -> Option<Instant> {
        match self {
            Self::Never => None,
            Self::Due(at) | Self::Open { latest: at, .. } => Some(at),
        }
    }

    /// True if something may be done now.
    pub(super) fn is_due(self, now: Instant) -> bool {
        match self {
            Self::Never => false,
            Self::Due(at) | Self::Open { next: at, .. } => now >= at,
        }
    }

    /// Does what is due. `send` sends the number and returns whether it was allowed to; if not, it is tried
    /// again within `longest_wait`.
    pub(super) fn on_deadline(
        &mut self,
        now: Instant,
        timings: &Timings,
        longest_wait: Duration,
        new_number: impl FnOnce() -> u64,
        send: impl FnOnce(u64) -> bool,
    ) -> Outcome {
        if !self.is_due(now) {
            return Outcome::Waiting;
        }
        if matches!(self, Self::Due(_)) {
            *self = Self::Open {
                number: new_number(),
                sent: 0,
                next: now,
                latest: now,
            };
        }
        let Self::Open {
            number,
            sent,
            next,
            latest,
        } = self
        else {
            return Outcome::Waiting;
        };
        if *sent == DATAGRAMS {
            *self = Self::Due(now + timings.proof_every);
            return Outcome::Unreachable;
        }
        if !send(*number) {
            // Too many are being sent, to this host or in all.
            *next = now + timings.look_again;
            *latest = now + longest_wait;
            return Outcome::Waiting;
        }
        *sent += 1;
        *next = now
            + if *sent < DATAGRAMS {
                timings.proof_again
            } else {
                timings.proof_answer
            };
        *latest = *next;
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
    fn who_waits_for_a_turn_is_not_woken_for_it_but_looks_when_awake() {
        let (start, timings) = (Instant::now(), Timings::default());
        let mut proof = Proof::of_port(23460, start);
        let mut look = |second: u64, is_its_turn: bool| {
            let mut has_asked = false;
            let ask = |_| {
                has_asked = true;
                is_its_turn
            };
            proof.on_deadline(start + secs(second), &timings, LONGEST_WAIT, || 42, ask);
            let next = proof.next_deadline().unwrap() - start;
            (has_asked, next.as_secs())
        };
        assert_eq!(look(0, false), (true, 30));
        assert_eq!(look(15, false), (true, 45), "it was awake for a PING");
        assert_eq!(look(15, true), (false, 45), "it has just looked");
        assert_eq!(look(45, false), (true, 75));
        assert_eq!(look(50, true), (true, 51), "asked, and soon once more");
        assert_eq!(look(50, true), (false, 51));
    }
}
