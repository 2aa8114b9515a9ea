//! Which entries of a list that changes wait to be pinged. Pure.
//!
//! This file hides that an entry has one place in the queue, however often it changes: it is pinged where
//! it is to be pinged when its turn comes, if it is still there. So whoever changes an entry, or removes and
//! adds it, all the time, does not keep the others waiting.

use super::schedule::Limits;
use super::target::Target;
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// An entry that has changed is not pinged sooner than this after it was pinged before. Pinging one that is
/// silent takes about as long.
const AGAIN: Duration = Duration::from_secs(5);

/// How many times as many targets as are measured at the same time the pinger has, so that it need not wait
/// for more.
const AHEAD: usize = 2;

/// Entries, by their addresses on the list, in the order in which they are pinged.
#[derive(Debug)]
pub struct Queue {
    waiting: VecDeque<SocketAddr>,
    is_waiting: HashSet<SocketAddr>,
    /// When those were pinged that were within [`AGAIN`].
    pinged: HashMap<SocketAddr, Instant>,
    /// What the pinger has, and the most that it is given.
    running: HashSet<Target>,
    most: usize,
}

impl Queue {
    /// An empty one, for a pinger with these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            waiting: VecDeque::new(),
            is_waiting: HashSet::new(),
            pinged: HashMap::new(),
            running: HashSet::new(),
            most: limits.in_flight.max(1) * AHEAD,
        }
    }

    /// Adds entries that are new or have changed, unless they wait already.
    pub fn add(&mut self, entries: impl IntoIterator<Item = SocketAddr>) {
        for address in entries {
            if self.is_waiting.insert(address) {
                self.waiting.push_back(address);
            }
        }
    }

    /// The player wants everything to be pinged anew: nothing was pinged just now.
    pub fn refresh(&mut self) {
        self.pinged.clear();
    }

    /// Forgets entries that are gone.
    pub fn retain(&mut self, is_there: impl Fn(SocketAddr) -> bool) {
        self.waiting.retain(|address| is_there(*address));
        self.is_waiting.retain(|address| is_there(*address));
    }

    /// The pinger is done with this target.
    pub fn on_ping(&mut self, target: &Target) {
        self.running.remove(target);
    }

    /// What to give to the pinger now. An entry that has no target (any more) is forgotten, and so is one
    /// whose target is being pinged: the result is also its own.
    pub fn next(
        &mut self,
        now: Instant,
        target_of: impl Fn(SocketAddr) -> Option<Target>,
    ) -> Vec<Target> {
        self.pinged.retain(|_, pinged| now < *pinged + AGAIN);
        let mut given = Vec::new();
        for _ in 0..self.waiting.len() {
            if self.running.len() >= self.most {
                break;
            }
            let Some(address) = self.waiting.pop_front() else {
                break;
            };
            if self.pinged.contains_key(&address) {
                self.waiting.push_back(address);
                continue;
            }
            self.is_waiting.remove(&address);
            let Some(target) = target_of(address) else {
                continue;
            };
            self.pinged.insert(address, now);
            if self.running.insert(target) {
                given.push(target);
            }
        }
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn queue(in_flight: usize) -> Queue {
        Queue::new(Limits {
            in_flight,
            ..Limits::default()
        })
    }

    /// What is given, where each entry is pinged at its own port.
    fn given(queue: &mut Queue, now: Instant) -> Vec<u16> {
        let given = queue.next(now, |address| Some(address.into()));
        given.iter().map(|target| target.address.port()).collect()
    }

    #[test]
    fn who_changes_all_the_time_is_pinged_now_and_then_and_delays_nobody() {
        let (mut queue, start) = (queue(20), Instant::now());
        let changing = || (1..=16).map(address);
        let mut given = Vec::new();
        for change in 0..100 {
            let now = start + Duration::from_millis(100) * change;
            queue.add(changing());
            if change == 50 {
                queue.add([address(99)]);
            }
            let target_of = |entry: SocketAddr| {
                let moved = 1000 * (change as u16 % 60 + 1);
                Some(address(entry.port() + moved).into())
            };
            let new = queue.next(now, target_of);
            assert!(change != 50 || new.len() == 17, "all at once, the newest");
            given.extend(new.iter().copied());
            assert!(queue.waiting.len() <= 16 && queue.pinged.len() <= 17);
            // All that is pinged is silent for longer than this.
            new.iter().for_each(|target| queue.on_ping(target));
        }
        assert_eq!(given.len(), 2 * 16 + 1, "every five seconds, for ten");
        let latest = given.last().unwrap().address.port();
        assert_eq!(latest, 99 + 51_000, "where it was to be pinged then");
    }

    #[test]
    fn who_is_gone_is_not_pinged_and_coming_back_is_no_way_around() {
        let (mut queue, now) = (queue(1), Instant::now());
        queue.add((1..=4).map(address));
        assert_eq!(given(&mut queue, now), [1, 2]);
        queue.retain(|entry| entry.port() != 3);
        queue.add([address(1), address(5)]);
        queue.on_ping(&address(1).into());
        assert_eq!(given(&mut queue, now), [4]);
        queue.on_ping(&address(4).into());
        queue.on_ping(&address(2).into());
        assert_eq!(given(&mut queue, now), [5], "1 was pinged just now");
        let gone = queue.next(now + AGAIN, |_| None);
        assert!(gone.is_empty() && queue.waiting.is_empty() && queue.is_waiting.is_empty());
    }

    #[test]
    fn the_player_may_have_all_pinged_anew_at_once() {
        let (mut queue, now) = (queue(4), Instant::now());
        queue.add([address(1)]);
        assert_eq!(given(&mut queue, now), [1]);
        queue.refresh();
        queue.add([address(1)]);
        assert!(given(&mut queue, now).is_empty(), "that is under way");
        queue.on_ping(&address(1).into());
        queue.add([address(1)]);
        assert_eq!(given(&mut queue, now), Vec::<u16>::new());
        queue.refresh();
        assert_eq!(given(&mut queue, now), [1]);
    }
}
