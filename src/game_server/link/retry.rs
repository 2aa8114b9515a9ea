//! When to try again.
//!
//! This file hides the delays: short after a tracker was restarted, growing while it stays away, and
//! as long as it says if it asks to wait. Pure: chance is a parameter.

use crate::base::backoff::{Backoff, spread};
use crate::game_server::session::Ending;
use crate::game_server::session::Fate;
use std::time::Duration;

/// The shortest and the longest wait after a tracker that listed us has hung up. A tracker restarts
/// within a moment; chance keeps all from coming back in the same instant.
const QUICK_WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// The longest wait, chance included, before a listed game server tries to reach its tracker again. A
/// tracker that was restarted keeps its entry for longer than this wait and one attempt.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The longest wait without chance, which adds or takes away one half at the most.
const LONGEST_BEFORE_CHANCE: Duration = Duration::from_secs(LONGEST_WAIT.as_secs() * 2 / 3);

/// After this time on the list all failures are forgotten.
const LISTED_LONG_ENOUGH: Duration = Duration::from_secs(60);

/// Counts the failures of one tracker.
#[derive(Debug, Clone, Default)]
pub(crate) struct Retry {
    backoff: Backoff,
}

impl Retry {
    /// How long to wait after a connection that has ended like this, and that was listed for so long
    /// if it was. `None` if there is to be no other.
    pub(crate) fn after(
        &mut self,
        ending: &Ending,
        listed_for: Option<Duration>,
        chance: f64,
    ) -> Option<Duration> {
        if listed_for.is_some_and(|listed_for| listed_for >= LISTED_LONG_ENOUGH) {
            self.backoff.reset();
        }
        match ending {
            Ending::Left => None,
            // A tracker that hangs up without an ERR was ended. It has not refused us, so that two
            // programs that throw each other out do not get here.
            Ending::Lost(_) if listed_for.is_some() => Some(self.quick(chance)),
            Ending::LogInAgain => Some(self.quick(chance)),
            Ending::Lost(_) => Some(self.grown(chance)),
            Ending::Refused(refusal) => match refusal.fate() {
                Fate::GiveUp => None,
                Fate::Slowly(delay) => Some(spread(delay, 1.0..1.25, chance)),
                Fate::AtLeast(least) => {
                    let least = spread(least, 1.0..1.25, chance);
                    Some(self.grown(chance).max(least))
                }
            },
        }
    }

    fn quick(&mut self, chance: f64) -> Duration {
        self.backoff.reset();
        QUICK_WAITS.0 + (QUICK_WAITS.1 - QUICK_WAITS.0).mul_f64(chance)
    }

    /// 1 s, 2 s, 4 s … give or take one half.
    fn grown(&mut self, chance: f64) -> Duration {
        spread(self.backoff.next(LONGEST_BEFORE_CHANCE), 0.5..1.5, chance)
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
        let mut retry = Retry::default();
        let mut next = |chance| retry.after(&lost(), None, chance).unwrap().as_secs_f64();
        let delays: Vec<f64> = (0..8).map(|_| next(0.5)).collect();
        assert_eq!(delays, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 40.0, 40.0]);
        let longest = LONGEST_WAIT.as_secs_f64();
        assert_eq!((next(0.0), next(0.999_999).round()), (20.0, longest));
    }

    #[test]
    fn a_tracker_that_vanished_is_tried_at_once_and_again_with_growing_delays() {
        let mut retry = Retry::default();
        assert!((0..5).all(|_| retry.after(&lost(), None, 0.5).is_some()));
        let just_listed = Some(Duration::ZERO);
        for (chance, least, most) in [(0.0, 0.09, 0.11), (0.999, 0.99, 1.0)] {
            let delay = retry.after(&lost(), just_listed, chance).unwrap();
            assert!((least..=most).contains(&delay.as_secs_f64()), "{delay:?}");
        }
        assert_eq!(
            retry.after(&lost(), None, 0.5),
            Some(Duration::from_secs(1))
        );
    }

    #[test]
    fn one_that_sends_us_away_is_not_tried_faster_for_having_listed_us() {
        let mut retry = Retry::default();
        let mut next = |listed_for| {
            let busy = refused("timeout", Stage::Listed);
            let delay = retry.after(&busy, Some(Duration::from_secs(listed_for)), 0.5);
            delay.unwrap().as_secs_f64().round()
        };
        assert_eq!(
            [next(5), next(5), next(5), next(3600), next(5)],
            [1.0, 2.0, 4.0, 1.0, 2.0]
        );
    }

    #[test]
    fn a_wait_that_was_asked_for_is_kept() {
        let mut retry = Retry::default();
        let penalty = refused("too-many failed logins; wait 20 s", Stage::LoggingIn);
        for _ in 0..5 {
            let delay = retry.after(&penalty, None, 0.0).unwrap();
            assert!(delay >= Duration::from_secs(20), "{delay:?}");
        }
        assert!(retry.after(&penalty, None, 0.5).unwrap() >= Duration::from_secs(30));
        let banned = refused("banned", Stage::LoggingIn);
        assert_eq!(retry.after(&banned, None, 0.5), None);
        let takeover = refused("taken another login took over x", Stage::Listed);
        let delay = retry.after(&takeover, Some(Duration::ZERO), 0.0).unwrap();
        assert!(delay >= Duration::from_secs(600));
    }
}
