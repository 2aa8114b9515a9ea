//! Decides which game server is sent a probe when, and computes its ping. Pure.
//!
//! This file hides how a ping is measured: by several probes, each with a word that nobody can guess,
//! the next one as soon as the one before is answered or seems lost. It bounds how many game servers
//! are measured at the same time.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How game servers are pinged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Probes for each game server; at least 1.
    pub probes: u32,
    /// How many game servers are measured at the same time; at least 1. With more than about 200,
    /// answers may be lost in this machine's receive buffer, which std cannot enlarge.
    pub in_flight: usize,
    /// How long the answer to a probe may take; later it is lost.
    pub timeout: Duration,
    /// How long the next probe waits for the answer to the one before.
    pub patience: Duration,
}

impl Default for Limits {
    /// GLtron's five probes, to 20 game servers at the same time. One that does not answer at all
    /// is given up after 1.8 s.
    fn default() -> Self {
        Self {
            probes: 5,
            in_flight: 20,
            timeout: Duration::from_secs(1),
            patience: Duration::from_millis(200),
        }
    }
}

/// What was measured of one game server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    /// Where the probes went.
    pub address: SocketAddr,
    /// The mean of the answered ones; `None` if there was none. That is unknown, not zero.
    pub mean: Option<Duration>,
    /// Probes that were sent.
    pub sent: u32,
    /// Those that were answered in time; the others are lost.
    pub answered: u32,
}

/// How many more game servers may be measured at the same time, by several schedules.
#[derive(Debug)]
pub(super) struct Permits(AtomicUsize);

impl Permits {
    pub(super) fn new(count: usize) -> Self {
        Self(AtomicUsize::new(count.max(1)))
    }

    fn take(&self) -> bool {
        let less = |count: usize| count.checked_sub(1);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.is_ok()
    }

    fn give_back(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The probes of all game servers of one address family.
#[derive(Debug)]
pub(super) struct Schedule {
    limits: Limits,
    permits: Arc<Permits>,
    /// Everything that is waiting or being measured.
    wanted: HashSet<SocketAddr>,
    waiting: VecDeque<SocketAddr>,
    measured: HashMap<SocketAddr, Measured>,
    /// When the next step of each of `measured` is due.
    due: BTreeSet<(Instant, SocketAddr)>,
    /// Probes that were sent and not answered: to whom and when.
    open: HashMap<u64, (SocketAddr, Instant)>,
    done: VecDeque<Ping>,
}

/// A game server that is being measured.
#[derive(Debug)]
struct Measured {
    /// The words of its probes, in the order in which they were sent.
    words: Vec<u64>,
    answered: u32,
    /// The sum over all answers.
    time: Duration,
    due: Instant,
}

impl Schedule {
    pub(super) fn new(mut limits: Limits, permits: Arc<Permits>) -> Self {
        limits.probes = limits.probes.max(1);
        Self {
            limits,
            permits,
            wanted: HashSet::new(),
            waiting: VecDeque::new(),
            measured: HashMap::new(),
            due: BTreeSet::new(),
            open: HashMap::new(),
            done: VecDeque::new(),
        }
    }

    /// Adds a game server, unless it is there already.
    pub(super) fn add(&mut self, address: SocketAddr) {
        if self.wanted.insert(address) {
            self.waiting.push_back(address);
        }
    }

    /// True if there is nothing to do before the next [`Schedule::add`].
    pub(super) fn is_idle(&self) -> bool {
        self.wanted.is_empty() && self.done.is_empty()
    }

    /// Where a probe with this word is to be sent now, if anywhere. Those that were begun come
    /// before those that wait.
    pub(super) fn next_probe(&mut self, now: Instant, word: u64) -> Option<SocketAddr> {
        while let Some(&(due, address)) = self.due.first().filter(|(due, _)| *due <= now) {
            let measured = self.measured.get_mut(&address)?;
            if measured.words.len() < self.limits.probes as usize {
                measured.words.push(word);
                let is_last = measured.words.len() == self.limits.probes as usize;
                measured.due = now
                    + match is_last {
                        true => self.limits.timeout,
                        false => self.limits.patience.min(self.limits.timeout),
                    };
                self.due.remove(&(due, address));
                self.due.insert((measured.due, address));
                self.open.insert(word, (address, now));
                return Some(address);
            }
            self.finish(address);
        }
        if self.waiting.is_empty() || !self.permits.take() {
            return None;
        }
        let address = self.waiting.pop_front()?;
        let measured = Measured {
            words: Vec::new(),
            answered: 0,
            time: Duration::ZERO,
            due: now,
        };
        self.measured.insert(address, measured);
        self.due.insert((now, address));
        self.next_probe(now, word)
    }

    /// `PONG` with this word has come. It counts from wherever it comes: a host with several
    /// addresses may answer from another, and who was not asked does not know the word. Anything
    /// that was not asked for, twice or too late is ignored.
    pub(super) fn on_answer(&mut self, word: u64, now: Instant) {
        let Some(&(address, sent)) = self.open.get(&word) else {
            return;
        };
        let took = now.saturating_duration_since(sent);
        if took > self.limits.timeout {
            return;
        }
        self.open.remove(&word);
        // What is open is being measured.
        let Some(measured) = self.measured.get_mut(&address) else {
            return;
        };
        measured.answered += 1;
        measured.time += took;
        let is_latest = measured.words.last() == Some(&word);
        let is_all_sent = measured.words.len() == self.limits.probes as usize;
        if is_all_sent
            && measured
                .words
                .iter()
                .all(|word| !self.open.contains_key(word))
        {
            self.finish(address);
        } else if is_latest && !is_all_sent {
            // The next one at once.
            self.due.remove(&(measured.due, address));
            measured.due = now;
            self.due.insert((now, address));
        }
    }

    /// The system cannot send there: the measurement is over.
    pub(super) fn on_unreachable(&mut self, address: SocketAddr) {
        self.finish(address);
    }

    /// How long there is nothing to send; `None` if that depends on answers and other schedules.
    pub(super) fn next_due(&self, now: Instant) -> Option<Duration> {
        let (due, _) = self.due.first()?;
        Some(due.saturating_duration_since(now))
    }

    /// The next result.
    pub(super) fn next_done(&mut self) -> Option<Ping> {
        self.done.pop_front()
    }

    fn finish(&mut self, address: SocketAddr) {
        let Some(measured) = self.measured.remove(&address) else {
            return;
        };
        self.due.remove(&(measured.due, address));
        self.wanted.remove(&address);
        for word in &measured.words {
            self.open.remove(word);
        }
        self.permits.give_back();
        self.done.push_back(Ping {
            address,
            mean: measured.time.checked_div(measured.answered),
            sent: measured.words.len() as u32,
            answered: measured.answered,
        });
    }
}

#[cfg(test)]
mod tests;
