//! The thread that writes the log.

use super::format::{Level, format_line};
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, SystemTime};

/// After each write the log gathers lines for so long, and writes so many at once. Beyond that pace, which
/// is 100,000 lines a second, lines are dropped.
const GATHER: Duration = Duration::from_millis(5);
const AT_ONCE: usize = 512;

/// The state of the thread.
pub(super) struct Writer<W> {
    lines: Receiver<String>,
    /// Counts all lines that are lost.
    dropped: Arc<AtomicU64>,
    /// How many of those were reported in the log.
    said: u64,
    /// Lines that were taken off the queue and not written yet. After a panic there are some.
    in_hand: u64,
    target: W,
}

impl<W: Write> Writer<W> {
    /// Writes `lines` to `target`, and reports how many were `dropped`.
    pub(super) fn new(lines: Receiver<String>, dropped: Arc<AtomicU64>, target: W) -> Self {
        Self {
            lines,
            dropped,
            said: 0,
            in_hand: 0,
            target,
        }
    }

    /// Writes a single line at once, and many lines together: waking for each costs more than writing it,
    /// for those who log too. Done when nobody can log any more.
    pub(super) fn write_next(&mut self) -> ControlFlow<()> {
        let Some(mut text) = self.first() else {
            return ControlFlow::Break(());
        };
        self.in_hand = 1;
        for line in self.lines.try_iter().take(AT_ONCE - 1) {
            self.in_hand += 1;
            text.push_str(&line);
        }
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > self.said {
            let lost = dropped - self.said;
            text += &format_line(
                SystemTime::now(),
                Level::Warn,
                "log-dropped",
                &[("lines", &lost)],
            );
        }
        // A closed standard error is no reason to stop: somebody may look at the counters.
        let _ = self.target.write_all(text.as_bytes());
        let _ = self.target.flush();
        self.said = dropped;
        self.in_hand = 0;
        std::thread::sleep(GATHER);
        ControlFlow::Continue(())
    }

    /// The first line to write, as soon as there is one. After a panic that is a report of it, and the
    /// lines in hand are lost.
    fn first(&mut self) -> Option<String> {
        let lost = std::mem::take(&mut self.in_hand);
        if lost == 0 {
            return self.lines.recv().ok();
        }
        self.dropped.fetch_add(lost, Ordering::Relaxed);
        let (now, event) = (SystemTime::now(), "log-panicked");
        Some(format_line(now, Level::Error, event, &[]))
    }
}
