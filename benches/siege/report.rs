//! What is seen during an attack, and the table of it.

use crate::attacks::Attack;
use crate::population::{Notes, Population, visit};
use crate::tracker::Tracker;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What all but one of a hundred stay below.
pub(crate) fn p99(latencies: &mut [Duration]) -> Duration {
    latencies.sort_unstable();
    let at = (latencies.len() * 99 / 100).min(latencies.len().saturating_sub(1));
    latencies.get(at).copied().unwrap_or_default()
}

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) lists: f64,
    pub(crate) logins: f64,
    pub(crate) kept: u32,
    pub(crate) latencies: Vec<Duration>,
    pub(crate) memory: u64,
    pub(crate) pending: u32,
    pub(crate) clients: u32,
}

/// Runs attacks against the tracker while the honest go about their business.
pub(crate) fn observe(
    name: &str,
    time: Duration,
    attacks: &[&Attack],
    tracker: &Tracker,
    population: &Population,
) -> Row {
    let (stop, stop_honest) = (AtomicBool::new(false), AtomicBool::new(false));
    let notes = Notes::default();
    let ports = tracker.ports;
    let (mut memory, mut pending, mut clients) = (0, 0, 0);
    thread::scope(|scope| {
        for attack in attacks {
            let stop = &stop;
            scope.spawn(move || attack(ports, stop));
        }
        // The attack has its slots before it counts.
        if !attacks.is_empty() {
            thread::sleep(Duration::from_millis(300));
        }
        scope.spawn(|| visit(ports, &notes, &stop_honest));
        let start = Instant::now();
        while start.elapsed() < time {
            memory = memory.max(tracker.memory());
            if let Some((p, c)) = tracker.slots() {
                (pending, clients) = (pending.max(p), clients.max(c.saturating_sub(1)));
            }
            thread::sleep(Duration::from_millis(100));
        }
        stop_honest.store(true, Ordering::Relaxed);
        stop.store(true, Ordering::Relaxed);
    });
    Row {
        name: name.to_owned(),
        lists: Notes::percent(&notes.lists_good, &notes.lists),
        logins: Notes::percent(&notes.logins_good, &notes.logins),
        kept: population.kept.load(Ordering::Relaxed),
        latencies: notes.latencies.into_inner().unwrap_or_default(),
        memory,
        pending,
        clients,
    }
}
