//! When to try again.
//!
//! This file hides the delays: quick and spread when a tracker was only started again, growing
//! when it stays away, as long as it asks for when it says so. Pure: chance is a parameter.

use crate::game_server::session::Fate;
use crate::game_server::session::state_machine::Ending;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Whoever has just lost a tracker that listed it comes back within these two: quickly, since a
/// tracker starts within a moment, and not all in the same instant.
const QUICK: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// The longest wait, chance included, of one that has been on the list and cannot reach its tracker.
/// For longer than that, and for what an attempt takes, a tracker that was started again keeps it.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The longest delay before chance is added or taken away, which is one half of it at the most.
const LONGEST: Duration = Duration::from_secs(LONGEST_WAIT.as_secs() * 2 / 3);

/// After so long on the list all failures before are forgotten.
const LISTED_FOR_GOOD: Duration = Duration::from_secs(60);

/// Counts failures in a row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

/// Chance: a number from 0 (included) to 1 (not included).
pub(crate) fn chance() -> f64 {
    // std keys its hash maps from the system's generator; the keyed hash of nothing is as random.
    let bits = RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

impl Backoff {
    /// A connection has ended like this, after having been listed for so long if it was; `None` if
    /// no other is to be tried.
    pub(crate) fn next(
        &mut self,
        ending: &Ending,
        listed_for: Option<Duration>,
        chance: f64,
    ) -> Option<Duration> {
        if listed_for.is_some_and(|listed_for| listed_for >= LISTED_FOR_GOOD) {
            self.failures = 0;
        }
        match ending {
            Ending::Left => None,
            // A tracker that goes without a word was ended. Whatever it was told, it has not sent
            // us away, so that this cannot be a quarrel.
            Ending::Lost(_) if listed_for.is_some() => Some(self.quick(chance)),
            Ending::LogInAgain => Some(self.quick(chance)),
            Ending::Lost(_) => Some(self.grown(chance)),
            Ending::Refused(refusal) => match refusal.fate() {
                Fate::GiveUp => None,
                Fate::Slowly(delay) => Some(delay.mul_f64(1.0 + chance / 4.0)),
                Fate::AtLeast(least) => {
                    let least = least.mul_f64(1.0 + chance / 4.0);
                    Some(self.grown(chance).max(least))
                }
            },
        }
    }

    fn quick(&mut self, chance: f64) -> Duration {
        self.failures = 0;
        QUICK.0 + (QUICK.1 - QUICK.0).mul_f64(chance)
    }

    /// 1 s, 2 s, 4 s … give or take one half.
    fn grown(&mut self, chance: f64) -> Duration {
        let seconds = 1u64 << self.failures.min(6);
        self.failures += 1;
        Duration::from_secs(seconds)
            .min(LONGEST)
            .mul_f64(0.5 + chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game_server::session::{Stage, TrackerRefusal};

    fn lost() -> Ending {
        Ending::Lost("it hung up".to_owned())
    }

    fn refused(said: &str, stage: Stage) -> Ending {
        Ending::Refused(TrackerRefusal::parse(said, stage))
    }

    #[test]
    fn delays_grow_to_40_s_and_spread_up_to_the_longest() {
        let mut backoff = Backoff::default();
        let mut next = |chance| backoff.next(&lost(), None, chance).unwrap().as_secs_f64();
        let delays: Vec<f64> = (0..8).map(|_| next(0.5)).collect();
        assert_eq!(delays, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 40.0, 40.0]);
        let longest = LONGEST_WAIT.as_secs_f64();
        assert_eq!((next(0.0), next(0.999_999).round()), (20.0, longest));
    }

    #[test]
    fn a_tracker_that_vanished_is_tried_at_once_and_again_with_growing_delays() {
        let mut backoff = Backoff { failures: 5 };
        let just_listed = Some(Duration::ZERO);
        for (chance, least, most) in [(0.0, 0.09, 0.11), (0.999, 0.99, 1.0)] {
            let delay = backoff.next(&lost(), just_listed, chance).unwrap();
            assert!((least..=most).contains(&delay.as_secs_f64()), "{delay:?}");
        }
        assert_eq!(
            backoff.next(&lost(), None, 0.5),
            Some(Duration::from_secs(1))
        );
    }

    #[test]
    fn one_that_sends_us_away_is_not_tried_faster_for_having_listed_us() {
        let mut backoff = Backoff::default();
        let mut next = |listed_for| {
            let busy = refused("timeout", Stage::Listed);
            let delay = backoff.next(&busy, Some(Duration::from_secs(listed_for)), 0.5);
            delay.unwrap().as_secs_f64().round()
        };
        assert_eq!(
            [next(5), next(5), next(5), next(3600), next(5)],
            [1.0, 2.0, 4.0, 1.0, 2.0]
        );
    }

    #[test]
    fn a_wait_that_was_asked_for_is_kept() {
        let mut backoff = Backoff::default();
        let penalty = refused("too-many failed logins; wait 20 s", Stage::LoggingIn);
        for _ in 0..5 {
            let delay = backoff.next(&penalty, None, 0.0).unwrap();
            assert!(delay >= Duration::from_secs(20), "{delay:?}");
        }
        assert!(backoff.next(&penalty, None, 0.5).unwrap() >= Duration::from_secs(30));
        let banned = refused("banned", Stage::LoggingIn);
        assert_eq!(backoff.next(&banned, None, 0.5), None);
        let takeover = refused("taken another login took over x", Stage::Listed);
        let delay = backoff.next(&takeover, Some(Duration::ZERO), 0.0).unwrap();
        assert!(delay >= Duration::from_secs(600));
    }

    #[test]
    fn chance_is_spread_between_zero_and_one() {
        let chances: Vec<f64> = (0..1000).map(|_| chance()).collect();
        assert!(chances.iter().all(|chance| (0.0..1.0).contains(chance)));
        for tenth in 0..10 {
            let range = f64::from(tenth) / 10.0..f64::from(tenth + 1) / 10.0;
            let count = chances
                .iter()
                .filter(|chance| range.contains(chance))
                .count();
            assert!((50..200).contains(&count), "{count} in {range:?}");
        }
    }
}
