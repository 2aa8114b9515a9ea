//! What is seen during an attack, and the table of it.

use crate::attacks::{Attack, Promise};
use crate::population::Population;
use crate::tracker::{Slots, Tracker};
use crate::visitors::{Notes, Visitors};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// One late try on a machine that does other things is noise; a lockout is not.
const NOISE: f64 = 5.0;

/// What was seen.
pub(crate) struct Seen {
    pub(crate) notes: Notes,
    kept: usize,
    size: usize,
    memory: u64,
    pending: Slots,
    clients: Slots,
}

/// Runs attacks against the tracker while the honest go about their business.
pub(crate) fn observe(
    time: Duration,
    attacks: &[Attack],
    visitors: &Visitors,
    tracker: &Tracker,
    population: &Population,
) -> Seen {
    let (stop, stop_honest) = (AtomicBool::new(false), AtomicBool::new(false));
    let ports = tracker.ports;
    let most = |a: Slots, b: Slots| if b.used >= a.used { b } else { a };
    let (mut memory, mut pending, mut clients) = (0, Slots::default(), Slots::default());
    let notes = thread::scope(|scope| {
        for attack in attacks {
            let stop = &stop;
            scope.spawn(move || attack(ports, stop));
        }
        // The attack has its slots before it counts.
        if !attacks.is_empty() {
            thread::sleep(Duration::from_millis(300));
        }
        let honest = scope.spawn(|| visitors.visit(ports, &stop_honest));
        let start = Instant::now();
        while start.elapsed() < time {
            memory = memory.max(tracker.memory());
            if let Some([p, mut c]) = tracker.slots(["pending", "client"]) {
                // That was asked for with one of them.
                c.used = c.used.saturating_sub(1);
                (pending, clients) = (most(pending, p), most(clients, c));
            }
            thread::sleep(Duration::from_millis(100));
        }
        stop_honest.store(true, Ordering::Relaxed);
        let notes = honest.join().expect("the honest do not panic");
        stop.store(true, Ordering::Relaxed);
        notes
    });
    Seen {
        notes,
        kept: population.kept(),
        size: population.size(),
        memory,
        pending,
        clients,
    }
}

pub(crate) const HEADER: &str = "\
| attack | LIST | login | kept | LIST p99 / idle | login p99 / idle | memory | held pending, client |
|---|---|---|---|---|---|---|---|";

impl Seen {
    /// The slowest hundredth of LISTs and of logins, compared with those of an idle tracker.
    fn times_idle(&self, idle: &Notes) -> [f64; 2] {
        let notes = &self.notes;
        [(&notes.lists, &idle.lists), (&notes.logins, &idle.logins)]
            .map(|(busy, idle)| busy.p99().as_secs_f64() / idle.p99().as_secs_f64())
    }

    /// A row of the table.
    pub(crate) fn row(&self, name: &str, idle: &Notes) -> String {
        let [lists, logins] = self.times_idle(idle);
        format!(
            "| {name} | {:.1} % | {:.1} % | {}/{} | {lists:.1} | {logins:.1} | {:.1} MiB | {}/{}, {}/{} |",
            self.notes.lists.percent(),
            self.notes.logins.percent(),
            self.kept,
            self.size,
            self.memory as f64 / 1024.0,
            self.pending.used,
            self.pending.all,
            self.clients.used,
            self.clients.all,
        )
    }

    /// True if everybody who stayed is still there, and those who came and went got what was
    /// promised. One second has too few tries to say how slow the slowest are: then `is_short`.
    pub(crate) fn keeps(&self, promised: Promise, idle: &Notes, is_short: bool) -> bool {
        let most = promised.times_idle.filter(|_| !is_short);
        let slowest = self.times_idle(idle).into_iter();
        self.kept == self.size
            && self.notes.lists.percent() >= promised.lists - NOISE
            && self.notes.logins.percent() >= promised.logins - NOISE
            && most.is_none_or(|most| slowest.clone().all(|times| times <= most))
    }
}
