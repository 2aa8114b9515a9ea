//! Which numbers from datagrams are passed on to a tracker.
//!
//! Not all can be: anybody can send datagrams, and a tracker closes a connection that sends many
//! lines. Behind a NAT or a proxy the tracker's own datagrams may come from any address, so that the
//! address does not tell them apart.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// The time between two numbers that are passed on.
const FORWARD_INTERVAL: Duration = Duration::from_millis(250);

/// How many numbers are remembered as passed on. A tracker sends each of its own up to three times.
const MAX_REMEMBERED: usize = 8;

/// How many senders may wait. All of them have their turn within 3 s; a tracker waits for 5 s after
/// its last datagram.
const MAX_SENDERS: usize = 12;

/// The numbers that wait: the latest of each sender, who take turns.
#[derive(Debug, Default)]
pub(crate) struct Waiting(VecDeque<(SocketAddr, u64)>);

impl Waiting {
    /// Adds a number of this sender. There is always room for one at the address of the `tracker`.
    pub(crate) fn add(&mut self, number: u64, from: SocketAddr, tracker: Option<IpAddr>) {
        let is_trackers = |sender: &SocketAddr| {
            Some(sender.ip().to_canonical()) == tracker.map(|ip| ip.to_canonical())
        };
        if let Some((_, latest)) = self.0.iter_mut().find(|(sender, _)| *sender == from) {
            *latest = number;
            return;
        }
        if self.0.len() >= MAX_SENDERS {
            let stranger = self.0.iter().rposition(|(sender, _)| !is_trackers(sender));
            match stranger.filter(|_| is_trackers(&from)) {
                Some(place) => drop(self.0.remove(place)),
                None => return,
            }
        }
        self.0.push_back((from, number));
    }

    /// The next one whose turn it is.
    pub(crate) fn next(&mut self) -> Option<u64> {
        self.0.pop_front().map(|(_, number)| number)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The numbers of one connection that were passed on.
#[derive(Debug)]
pub(crate) struct Proofs {
    passed_on: VecDeque<u64>,
    next: Instant,
}

impl Proofs {
    /// None so far.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            passed_on: VecDeque::new(),
            next: now,
        }
    }

    /// When another may be passed on.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// True if `number` is to be passed on; it then counts as passed on.
    pub(crate) fn is_due(&mut self, number: u64, now: Instant) -> bool {
        if now < self.next || self.passed_on.contains(&number) {
            return false;
        }
        self.next = now + FORWARD_INTERVAL;
        self.passed_on.truncate(MAX_REMEMBERED - 1);
        self.passed_on.push_front(number);
        true
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

    #[test]
    fn a_flood_takes_its_turn_and_never_the_place_of_the_tracker() {
        let sender = |n: u8| SocketAddr::from(([192, 0, 2, n], 1));
        let tracker = sender(200);
        let mut waiting = Waiting::default();
        // Eleven flood, and the tracker's datagrams come through a NAT, from nobody's address.
        for round in 0..1000 {
            (1..MAX_SENDERS as u8).for_each(|n| waiting.add(round, sender(n), None));
            waiting.add(7777, sender(100), None);
        }
        let passed: Vec<u64> = std::iter::from_fn(|| waiting.next()).collect();
        assert_eq!(passed.len(), MAX_SENDERS);
        assert!(
            passed.contains(&7777) && passed.contains(&999),
            "{passed:?}"
        );
        // However many they are, one that comes from where the tracker is has a place.
        (1..100).for_each(|n| waiting.add(n.into(), sender(n), Some(tracker.ip())));
        waiting.add(7777, tracker, Some(tracker.ip()));
        let passed: Vec<u64> = std::iter::from_fn(|| waiting.next()).collect();
        assert_eq!((passed.len(), passed.last()), (MAX_SENDERS, Some(&7777)));
        // Of several of its ports none takes the place of another.
        let port = |n: u16| SocketAddr::new(tracker.ip(), n);
        (1..100).for_each(|n| waiting.add(n.into(), port(n), Some(tracker.ip())));
        assert_eq!(waiting.next(), Some(1));
    }
}
