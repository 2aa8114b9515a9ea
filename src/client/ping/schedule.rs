//! Decides which game server is sent a probe when, and computes its ping. Pure.
//!
//! This file hides how a ping is measured: by several probes, each with a word that nobody can guess,
//! the next one as soon as the one before is answered or seems lost. Where the word does not come back,
//! a late answer would be taken for that to the next probe: there the next one waits until the one before
//! is lost. It bounds how many game servers are measured at the same time.

use super::target::{Ping, TOO_LATE, Target};
use crate::query::{Kind, Status};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
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
            timeout: TOO_LATE,
            patience: Duration::from_millis(200),
        }
    }
}

/// How many probes without a word are sent where none has been answered yet: each takes the whole timeout,
/// and the others wait meanwhile.
const VAIN_PROBES: usize = 2;

/// How many more game servers may be measured at the same time, by several schedules.
#[derive(Debug)]
pub(super) struct Permits(AtomicUsize);

impl Permits {
    pub(super) fn new(count: usize) -> Self {
        Self(AtomicUsize::new(count.max(1)))
    }

    pub(super) fn take(&self) -> bool {
        let less = |count: usize| count.checked_sub(1);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.is_ok()
    }

    pub(super) fn give_back(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The probes of all game servers of one address family that are sent in datagrams.
#[derive(Debug)]
pub(super) struct Schedule {
    limits: Limits,
    permits: Arc<Permits>,
    /// Everything that is waiting or being measured.
    wanted: HashSet<Target>,
    waiting: VecDeque<Target>,
    measured: HashMap<Target, Measured>,
    /// When the next step of each of `measured` is due.
    due: BTreeSet<(Instant, Target)>,
    /// Probes that were sent and not answered: to whom and when.
    open: HashMap<u64, (Target, Instant)>,
    done: VecDeque<Ping>,
}

/// A game server that is being measured.
#[derive(Debug)]
struct Measured {
    /// The words of its probes, in the order in which they were sent.
    words: Vec<u64>,
    answered: u32,
    /// An answer came too late.
    is_late: bool,
    /// The sum over all answers.
    time: Duration,
    /// What the latest answer says.
    status: Option<Box<Status>>,
    due: Instant,
}

impl Measured {
    /// How many probes it takes, as far as is known.
    fn probes(&self, target: Target, limits: Limits) -> usize {
        let is_vain = self.answered == 0 && !target.has_word();
        (limits.probes as usize).min(if is_vain { VAIN_PROBES } else { usize::MAX })
    }

    /// How long the latest probe is waited for before the next one, or the end.
    fn wait(&self, target: Target, limits: Limits) -> Duration {
        let left = self.probes(target, limits) - self.words.len();
        // A game server of this family that was asked too often answers again after a second.
        let may_brake = target.kind == Some(Kind::Quake3) && self.answered == 0;
        match left {
            0 => limits.timeout,
            1 if may_brake => limits.timeout,
            _ if !target.has_word() => limits.timeout,
            _ => limits.patience.min(limits.timeout),
        }
    }
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
    pub(super) fn add(&mut self, target: Target) {
        if self.wanted.insert(target) {
            self.waiting.push_back(target);
        }
    }

    /// True if there is nothing to do before the next [`Schedule::add`].
    pub(super) fn is_idle(&self) -> bool {
        self.wanted.is_empty() && self.done.is_empty()
    }

    /// Where a probe with this word is to be sent now, if anywhere. Those that were begun come
    /// before those that wait.
    pub(super) fn next_probe(&mut self, now: Instant, word: u64) -> Option<Target> {
        while let Some(&(due, target)) = self.due.first().filter(|(due, _)| *due <= now) {
            let measured = self.measured.get_mut(&target)?;
            let probes = measured.probes(target, self.limits);
            if measured.words.len() < probes {
                if !target.has_word() {
                    // The one before is lost.
                    let before = measured.words.last();
                    before.map(|word| self.open.remove(word));
                }
                measured.words.push(word);
                measured.due = now + measured.wait(target, self.limits);
                self.due.remove(&(due, target));
                self.due.insert((measured.due, target));
                self.open.insert(word, (target, now));
                return Some(target);
            }
            self.finish(target);
        }
        if self.waiting.is_empty() || !self.permits.take() {
            return None;
        }
        let target = self.waiting.pop_front()?;
        let measured = Measured {
            words: Vec::new(),
            answered: 0,
            is_late: false,
            time: Duration::ZERO,
            status: None,
            due: now,
        };
        self.measured.insert(target, measured);
        self.due.insert((now, target));
        self.next_probe(now, word)
    }

    /// The answer to the probe with this word has come. What was not asked for or comes twice
    /// is ignored; of what comes too late only that it came is known.
    pub(super) fn on_answer(&mut self, word: u64, status: Option<Box<Status>>, now: Instant) {
        let Some(&(target, sent)) = self.open.get(&word) else {
            return;
        };
        // What is open is being measured.
        let Some(measured) = self.measured.get_mut(&target) else {
            return;
        };
        let took = now.saturating_duration_since(sent);
        if took > self.limits.timeout {
            measured.is_late = true;
            return;
        }
        self.open.remove(&word);
        measured.answered += 1;
        measured.time += took;
        measured.status = status.or_else(|| measured.status.take());
        let is_latest = measured.words.last() == Some(&word);
        let is_all_sent = measured.words.len() == self.limits.probes as usize;
        if is_all_sent
            && measured
                .words
                .iter()
                .all(|word| !self.open.contains_key(word))
        {
            self.finish(target);
        } else if is_latest && !is_all_sent {
            // The next one at once.
            self.due.remove(&(measured.due, target));
            measured.due = now;
            self.due.insert((now, target));
        }
    }

    /// The system cannot send there: the measurement is over.
    pub(super) fn on_unreachable(&mut self, target: Target) {
        self.finish(target);
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

    fn finish(&mut self, target: Target) {
        let Some(measured) = self.measured.remove(&target) else {
            return;
        };
        self.due.remove(&(measured.due, target));
        self.wanted.remove(&target);
        for word in &measured.words {
            self.open.remove(word);
        }
        self.permits.give_back();
        self.done.push_back(Ping {
            target,
            mean: measured.time.checked_div(measured.answered),
            sent: measured.words.len() as u32,
            answered: measured.answered,
            is_late: measured.is_late,
            status: measured.status,
        });
    }
}

#[cfg(test)]
mod tests;
