//! Who has registered, and when each is asked again.
//!
//! One that is listed is asked every half a minute. Three questions without an answer take it off the list;
//! it is asked for some minutes more, and is back with its first answer. One that says that it ends is
//! asked at once, with less patience: so nobody can say that for somebody else.

use crate::bridge::hall::address::host;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// The least time between two questions that are answered.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// How much more that may be: those who came at the same moment are not asked at the same moment for ever.
const ASK_SPREAD: Duration = Duration::from_secs(4);

/// The time for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The time for an answer of one that has said that it ends.
const PATIENCE_AT_END: Duration = Duration::from_secs(2);

/// The least time between two questions. Engines answer one in a second and no more.
const GAP: Duration = Duration::from_secs(2);

/// So many questions without an answer take one off the list.
const LOST_AFTER: u8 = 3;

/// So many end all questions: ten minutes.
const FORGOTTEN_AFTER: u8 = LOST_AFTER + 20;

/// One that has registered.
#[derive(Debug)]
struct Entry {
    tag: u8,
    is_listed: bool,
    is_ending: bool,
    /// Questions since the last answer.
    unanswered: u8,
    asked: Option<Instant>,
    next: Instant,
    /// The number of the challenge that was answered last.
    step: u64,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Register {
    most: usize,
    most_of_host: usize,
    entries: HashMap<SocketAddr, Entry>,
    order: BTreeSet<(Instant, SocketAddr)>,
    /// How many of each host are listed.
    hosts: HashMap<IpAddr, usize>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// It is asked; its heartbeat was of this kind.
    Ask(SocketAddr, u8),
    /// It does not answer any more; true if it has said that it ends.
    Lost(SocketAddr, bool),
}

/// What an answer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admitted {
    /// It is new on the list.
    New,
    /// It was listed before.
    Again,
    /// This challenge was answered before.
    Stale,
    /// So many are listed, and no more are.
    Full(usize),
    /// So many of its host are listed, and no more are.
    HostFull(usize),
}

impl Register {
    /// Room for so many, and for so many of each host.
    pub(super) fn new(most: usize, most_of_host: usize) -> Self {
        Self {
            most,
            most_of_host,
            entries: HashMap::new(),
            order: BTreeSet::new(),
            hosts: HashMap::new(),
        }
    }

    /// Has somebody asked who was listed before all of this began.
    pub(super) fn remember(&mut self, address: SocketAddr, tag: u8, now: Instant) {
        if self.entries.len() < self.most && !self.entries.contains_key(&address) {
            let entry = Entry {
                tag,
                is_listed: false,
                is_ending: false,
                unanswered: 0,
                asked: None,
                next: now,
                step: 0,
            };
            self.insert(address, entry);
        }
    }

    /// A heartbeat of one that is known has it asked, as soon as it may be. False if it is not known.
    pub(super) fn heartbeat(&mut self, address: SocketAddr, is_ending: bool, now: Instant) -> bool {
        let Some(entry) = self.entries.get_mut(&address) else {
            return false;
        };
        entry.is_ending |= is_ending;
        let soonest = entry.asked.map_or(now, |asked| now.max(asked + GAP));
        let next = entry.next.min(soonest);
        self.move_to(address, next);
        true
    }

    /// What is due next, if something is.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        loop {
            let &(next, address) = self.order.first()?;
            if next > now {
                return None;
            }
            let Some(entry) = self.entries.get_mut(&address) else {
                self.order.pop_first();
                continue;
            };
            if entry.unanswered >= LOST_AFTER && entry.is_listed {
                let is_ending = entry.is_ending;
                self.unlist(address);
                return Some(Due::Lost(address, is_ending));
            }
            if entry.unanswered >= FORGOTTEN_AFTER {
                self.remove(address);
                continue;
            }
            entry.unanswered += 1;
            entry.asked = Some(now);
            let patience = match (entry.is_listed, entry.is_ending) {
                (_, true) => PATIENCE_AT_END,
                (true, false) => PATIENCE,
                (false, false) if entry.unanswered < LOST_AFTER => PATIENCE,
                (false, false) => ASK_EVERY,
            };
            let tag = entry.tag;
            self.move_to(address, now + patience);
            return Some(Due::Ask(address, tag));
        }
    }

    /// The right answer to a challenge. `spread` is a random number from 0 to 1.
    pub(super) fn answered(
        &mut self,
        address: SocketAddr,
        tag: u8,
        step: u64,
        spread: f64,
        now: Instant,
    ) -> Admitted {
        let known = self.entries.get(&address);
        if known.is_some_and(|entry| entry.step >= step) {
            return Admitted::Stale;
        }
        let is_listed = known.is_some_and(|entry| entry.is_listed);
        if !is_listed {
            if let Some(refusal) = self.make_room(address) {
                return refusal;
            }
            *self.hosts.entry(host(address.ip())).or_default() += 1;
        }
        let next = now + ASK_EVERY + ASK_SPREAD.mul_f64(spread);
        let asked = self.entries.get(&address).and_then(|entry| entry.asked);
        let entry = Entry {
            tag,
            is_listed: true,
            is_ending: false,
            unanswered: 0,
            asked: asked.or(Some(now)),
            next,
            step,
        };
        self.insert(address, entry);
        match is_listed {
            true => Admitted::Again,
            false => Admitted::New,
        }
    }

    /// Makes room for one more that is listed, at the cost of one that is not, or says why there is none.
    fn make_room(&mut self, address: SocketAddr) -> Option<Admitted> {
        let of_host = self.hosts.get(&host(address.ip())).copied();
        if of_host.unwrap_or(0) >= self.most_of_host {
            return Some(Admitted::HostFull(self.most_of_host));
        }
        if self.entries.len() < self.most || self.entries.contains_key(&address) {
            return None;
        }
        let mut unlisted = self.entries.iter().filter(|(_, entry)| !entry.is_listed);
        match unlisted.next().map(|(address, _)| *address) {
            Some(unlisted) => {
                self.remove(unlisted);
                None
            }
            None => Some(Admitted::Full(self.most)),
        }
    }

    fn insert(&mut self, address: SocketAddr, entry: Entry) {
        self.order.insert((entry.next, address));
        if let Some(before) = self.entries.insert(address, entry)
            && self.entries[&address].next != before.next
        {
            self.order.remove(&(before.next, address));
        }
    }

    fn remove(&mut self, address: SocketAddr) {
        if let Some(entry) = self.entries.remove(&address) {
            self.order.remove(&(entry.next, address));
        }
    }

    fn move_to(&mut self, address: SocketAddr, next: Instant) {
        if let Some(entry) = self.entries.get_mut(&address) {
            self.order.remove(&(entry.next, address));
            self.order.insert((next, address));
            entry.next = next;
        }
    }

    /// Takes one off the list. Who has said that it ends is not asked any more.
    fn unlist(&mut self, address: SocketAddr) {
        if let Some(count) = self.hosts.get_mut(&host(address.ip())) {
            *count -= 1;
            if *count == 0 {
                self.hosts.remove(&host(address.ip()));
            }
        }
        match self.entries.get_mut(&address) {
            Some(entry) if !entry.is_ending => entry.is_listed = false,
            _ => self.remove(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn address(n: u16) -> SocketAddr {
        ([198, 51, 100, (n / 100) as u8], 27960 + n).into()
    }

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    impl Register {
        fn listed(&self) -> usize {
            self.hosts.values().sum()
        }

        /// When something is due.
        fn next(&self) -> Option<Instant> {
            self.order.first().map(|(next, _)| *next)
        }
    }

    /// When and what happens until nothing is due any more.
    fn life(register: &mut Register, start: Instant) -> Vec<(u64, Due)> {
        let mut seen = Vec::new();
        while let Some(next) = register.next() {
            while let Some(due) = register.due(next) {
                seen.push(((next - start).as_secs(), due));
            }
        }
        seen
    }

    #[test]
    fn one_that_falls_silent_is_gone_in_a_minute_and_asked_for_ten_more() {
        let (mut register, start) = (Register::new(10, 10), Instant::now());
        let one = address(1);
        assert!(!register.heartbeat(one, false, start));
        assert_eq!(register.answered(one, 2, 1, 0.5, start), Admitted::New);
        let life = life(&mut register, start);
        let ask = Due::Ask(one, 2);
        let first = [
            (32, ask),
            (37, ask),
            (42, ask),
            (47, Due::Lost(one, false)),
            (47, ask),
        ];
        assert_eq!(life[..5], first);
        assert_eq!((life.len(), life[5].0), (4 + 20, 77));
        assert!(life.last().unwrap().0 > 600);
        assert!(register.entries.is_empty() && register.hosts.is_empty());
    }

    #[test]
    fn one_that_says_that_it_ends_is_gone_in_seconds_and_one_that_answers_stays() {
        let (mut register, start) = (Register::new(10, 10), Instant::now());
        let (ended, alive) = (address(1), address(2));
        for address in [ended, alive] {
            register.answered(address, 0, 1, 0.0, start);
            assert!(register.heartbeat(address, true, at(start, 10)));
        }
        let now = at(start, 10);
        assert_eq!(register.due(now), Some(Due::Ask(ended, 0)));
        assert_eq!(register.due(now), Some(Due::Ask(alive, 0)));
        assert_eq!(register.answered(alive, 0, 2, 0.0, now), Admitted::Again);
        let life = life(&mut register, start);
        let ask = Due::Ask(ended, 0);
        assert_eq!(
            life[..3],
            [(12, ask), (14, ask), (16, Due::Lost(ended, true))]
        );
        assert_eq!(life[3], (40, Due::Ask(alive, 0)));
    }

    #[test]
    fn heartbeats_have_one_asked_at_once_but_not_too_often() {
        let (mut register, start) = (Register::new(10, 10), Instant::now());
        let one = address(1);
        register.answered(one, 0, 1, 0.0, start);
        let mut asked = Vec::new();
        for tenth in 0..200 {
            let now = start + Duration::from_millis(100) * tenth;
            register.heartbeat(one, false, now);
            while let Some(Due::Ask(address, 0)) = register.due(now) {
                asked.push(tenth);
                register.answered(address, 0, 2 + u64::from(tenth), 0.0, now);
            }
        }
        assert_eq!(asked, [20, 40, 60, 80, 100, 120, 140, 160, 180]);
    }

    #[test]
    fn a_challenge_is_good_once_and_one_that_was_lost_comes_back() {
        let (mut register, start) = (Register::new(10, 10), Instant::now());
        let one = address(1);
        register.remember(one, 1, start);
        assert_eq!(register.listed(), 0);
        assert_eq!(register.due(start), Some(Due::Ask(one, 1)));
        assert_eq!(register.answered(one, 1, 5, 0.0, start), Admitted::New);
        for step in [5, 4] {
            assert_eq!(register.answered(one, 1, step, 0.0, start), Admitted::Stale);
        }
        assert_eq!(register.answered(one, 0, 6, 0.0, start), Admitted::Again);
        let now = at(start, 300);
        for _ in 0..3 {
            let next = register.next().unwrap();
            assert_eq!(register.due(next), Some(Due::Ask(one, 0)));
        }
        assert_eq!(register.due(now), Some(Due::Lost(one, false)));
        assert_eq!((register.listed(), register.entries.len()), (0, 1));
        assert_eq!(register.answered(one, 0, 7, 0.0, now), Admitted::New);
        assert_eq!(register.listed(), 1);
    }

    #[test]
    fn a_full_register_prefers_those_that_answer() {
        let (mut register, start) = (Register::new(3, 2), Instant::now());
        let add = |register: &mut Register, n| register.answered(address(n), 0, 1, 0.0, start);
        for n in [500, 600, 700, 800] {
            register.remember(address(n), 0, start);
        }
        assert_eq!(register.entries.len(), 3);
        assert_eq!(add(&mut register, 1), Admitted::New);
        assert_eq!(add(&mut register, 2), Admitted::New);
        assert_eq!(add(&mut register, 3), Admitted::HostFull(2));
        assert_eq!(add(&mut register, 100), Admitted::New);
        assert_eq!(add(&mut register, 200), Admitted::Full(3));
        assert_eq!(register.entries.len(), 3);
    }

    quickcheck! {
        fn whatever_happens_the_books_agree(events: Vec<(u8, u8, u8)>) -> bool {
            let (mut register, mut now) = (Register::new(8, 3), Instant::now());
            for (step, (what, who, wait)) in events.into_iter().enumerate() {
                now += Duration::from_millis(u64::from(wait) * 50);
                let address = address(u16::from(who % 12) * 30);
                match what % 5 {
                    0 => drop(register.answered(address, 0, step as u64 + 1, 0.3, now)),
                    1 => drop(register.heartbeat(address, what > 128, now)),
                    2 => register.remember(address, 0, now),
                    _ => while register.due(now).is_some() {},
                }
                let listed = register.entries.values().filter(|entry| entry.is_listed).count();
                let places = register.entries.iter().map(|(address, entry)| (entry.next, *address));
                if listed != register.listed()
                    || register.order != places.collect()
                    || register.entries.len() > 8
                    || register.hosts.values().any(|count| !(1..=3).contains(count))
                {
                    return false;
                }
            }
            true
        }
    }
}
