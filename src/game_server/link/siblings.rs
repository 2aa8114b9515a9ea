//! Whether two trackers of one game server have the same list. Pure.
//!
//! Trackers may share one list, and a tracker may have two names. A game server that logs in to both
//! takes its entry from itself. Two who do that to each other again and again look the same, but for
//! the time: here one is listed in the moment in which the other is thrown out.

use std::time::{Duration, Instant};

/// The longest time between the one login and the other's end. Trackers that share a list know of
/// each other's logins after 0.3 s, a tracker of its own at once.
const MOMENT: Duration = Duration::from_secs(5);

/// What became of a game server at each of its trackers.
#[derive(Debug)]
pub(crate) struct Siblings(Vec<Sibling>);

/// What became of it at one of them.
#[derive(Debug, Clone, Default)]
struct Sibling {
    /// Under which `ip:port` it was listed last, and since when.
    listed: Option<(String, Instant)>,
    is_listed: bool,
    /// When another login took that over, if that was the end.
    taken: Option<Instant>,
}

impl Siblings {
    /// Those of so many trackers.
    pub(crate) fn new(count: usize) -> Self {
        Self(vec![Sibling::default(); count])
    }

    /// The game server is listed under `address` at the tracker of this number.
    pub(super) fn listed(&mut self, number: usize, address: &str, now: Instant) {
        self.0[number] = Sibling {
            listed: Some((address.to_owned(), now)),
            is_listed: true,
            taken: None,
        };
    }

    /// It is not listed there any more; if `is_taken`, since another login took over.
    pub(super) fn ended(&mut self, number: usize, is_taken: bool, now: Instant) {
        let sibling = &mut self.0[number];
        sibling.taken = (sibling.is_listed && is_taken).then_some(now);
        sibling.is_listed = false;
    }

    /// The number of the tracker at which this game server has taken over what it had at the tracker of
    /// this number, if it did and is still listed there.
    pub(super) fn taker(&self, number: usize) -> Option<usize> {
        let taken_at = self.0[number].taken?;
        let (taken, _) = self.0[number].listed.as_ref()?;
        self.0.iter().position(|other| {
            let listed = other.listed.as_ref().filter(|_| other.is_listed);
            listed.is_some_and(|(address, at)| {
                let between = at.max(&taken_at).duration_since(taken_at.min(*at));
                address == taken && between < MOMENT
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "192.0.2.1:23460";

    #[test]
    fn one_that_took_over_in_the_same_moment_is_a_sibling() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut siblings = Siblings::new(3);
        siblings.listed(0, A, start);
        siblings.listed(2, A, after(60_000));
        assert_eq!(siblings.taker(0), None, "nobody has taken anything");
        siblings.ended(0, true, after(60_300));
        assert_eq!(siblings.taker(0), Some(2));
        assert_eq!(siblings.taker(2), None);
        siblings.ended(2, false, after(70_000));
        assert_eq!(siblings.taker(0), None, "its place is free again");
        // The one's end may be known before the other's login.
        siblings.listed(0, A, after(71_000));
        siblings.ended(0, true, after(72_000));
        assert_eq!(siblings.taker(0), None);
        siblings.listed(1, A, after(72_100));
        assert_eq!(siblings.taker(0), Some(1));
    }

    #[test]
    fn somebody_else_is_none() {
        let start = Instant::now();
        let mut siblings = Siblings::new(2);
        siblings.listed(0, A, start);
        siblings.listed(1, A, start);
        siblings.ended(0, true, start + MOMENT);
        assert_eq!(siblings.taker(0), None, "it was listed there long before");
        siblings.listed(0, A, start);
        siblings.listed(1, "192.0.2.1:1", start);
        siblings.ended(0, true, start);
        assert_eq!(siblings.taker(0), None, "that is another entry");
        siblings.listed(0, A, start);
        siblings.listed(1, A, start);
        siblings.ended(0, false, start);
        assert_eq!(siblings.taker(0), None, "nobody took over");
    }
}
