//! Who has registered, and when each is asked again.
//!
//! One that is listed is asked every half a minute. Three questions without an answer take it off the list;
//! it is asked for some minutes more, and is back with its first answer. One that says that it ends is
//! asked at once, with less patience: so nobody can say that for somebody else.

use super::games::Tag;
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
    /// The word of its heartbeat by which it was listed.
    tag: u8,
    /// The word of the latest heartbeat, which may be somebody else's.
    heard: u8,
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
    /// It is asked; its last heartbeat was of this kind.
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
                heard: tag,
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
    pub(super) fn heartbeat(&mut self, address: SocketAddr, tag: Tag, now: Instant) -> bool {
        let Some(entry) = self.entries.get_mut(&address) else {
            return false;
        };
        match tag {
            Tag::Known(tag) => entry.heard = tag,
            Tag::Flatline if entry.is_listed => entry.is_ending = true,
            // It has ended already, and may come back as any other.
            Tag::Flatline => return true,
        }
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
            let tag = entry.heard;
            self.move_to(address, now + patience);
            return Some(Due::Ask(address, tag));
        }
    }

    /// The word by which one that is known was listed.
    pub(super) fn tag(&self, address: SocketAddr) -> Option<u8> {
        self.entries.get(&address).map(|entry| entry.tag)
    }

    /// The right answer to a challenge: it is listed by the word `tag`. `spread` is a random number from
    /// 0 to 1.
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
        let known = self.entries.get(&address);
        let asked = known.and_then(|entry| entry.asked);
        let entry = Entry {
            tag,
            heard: known.map_or(tag, |entry| entry.heard),
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

    /// Takes one off the list. It is asked for some time yet: it may be back by itself.
    fn unlist(&mut self, address: SocketAddr) {
        if let Some(count) = self.hosts.get_mut(&host(address.ip())) {
            *count -= 1;
            if *count == 0 {
                self.hosts.remove(&host(address.ip()));
            }
        }
        if let Some(entry) = self.entries.get_mut(&address) {
            // Somebody else may have said that it ends, and kept it from answering.
            (entry.is_listed, entry.is_ending) = (false, false);
        }
    }
}

#[cfg(test)]
mod tests;
