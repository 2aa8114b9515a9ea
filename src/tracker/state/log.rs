//! What the operator reads: one `key=value` line for each event.
//!
//! This file hides how a line is written. Whoever logs never waits: lines go through a bounded
//! queue to a thread of their own, and what does not fit is counted and said later. What peers
//! typed is spelled out, so that a line is always one line of plain text.

use crate::protocol::argument::push_value;
use crate::protocol::refusal::Refusal;
use crate::protocol::text::spelled_out;
use crate::threads;
use std::collections::HashMap;
use std::fmt::{Display, Write as _};
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Lines that may wait to be written. Most take 160 bytes, which makes two thirds of a megabyte.
const QUEUE: usize = 4096;

/// After it was written to, the log gathers lines for so long, and then as many at once. Beyond that
/// pace, which is 100,000 lines a second, lines are dropped.
const GATHER: Duration = Duration::from_millis(5);
const AT_ONCE: usize = 512;

/// Of events that may come in thousands, one of a kind is written in this time.
const QUIET: Duration = Duration::from_secs(1);

/// The longest value shown, in characters.
const MAX_SHOWN: usize = 300;

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Somebody should do something.
    Error,
    /// Somebody should know.
    Warn,
    /// The life of the tracker.
    Info,
    /// Every connection.
    Debug,
}

impl Level {
    /// All levels with their names, the weightiest first.
    pub const ALL: [(&str, Self); 4] = [
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
    ];

    fn as_str(self) -> &'static str {
        // ALL lists the variants in their order, so the discriminant is the index.
        Self::ALL[self as usize].0
    }
}

impl std::str::FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, level)| *level)
            .ok_or_else(|| format!("'{text}' is not a level; write error, warn, info or debug"))
    }
}

/// A handle to the log. Clones write to the same one.
#[derive(Debug, Clone)]
pub struct Log {
    level: Level,
    queue: SyncSender<String>,
    dropped: Arc<AtomicU64>,
    noises: Arc<Mutex<HashMap<(&'static str, &'static str), Noise>>>,
}

/// What is known of one kind of event that may come in thousands.
#[derive(Debug, Default)]
struct Noise {
    quiet_until: Option<Instant>,
    left_out: u64,
}

impl Log {
    /// A log that writes events of `level` and weightier ones to `target`, from a thread of its
    /// own.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(level: Level, target: impl Write + Send + 'static) -> std::io::Result<Self> {
        let (queue, lines) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let mut writer = Writer {
            lines,
            dropped: Arc::clone(&dropped),
            said: 0,
            in_hand: 0,
            target,
        };
        // What it says of a panic it writes itself.
        let write = move || threads::survive(threads::AFTER_A_PANIC, || {}, || writer.write_next());
        threads::start("log", 128 * 1024, write)?;
        Ok(Self {
            level,
            queue,
            dropped,
            noises: Arc::default(),
        })
    }

    /// Logs one event. Never waits.
    pub fn event(&self, level: Level, event: &str, fields: &[(&str, &dyn Display)]) {
        if level > self.level {
            return;
        }
        match self
            .queue
            .try_send(format_line(SystemTime::now(), level, event, fields))
        {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Logs a "no" of which there may be thousands a second: of each code of each event one line a
    /// second is written, at level warn, and says how many were left out since the last.
    pub fn noisy(&self, event: &'static str, refusal: &Refusal, fields: &[(&str, &dyn Display)]) {
        if Level::Warn > self.level {
            return;
        }
        let now = Instant::now();
        let code = refusal.code.as_str();
        let left_out = {
            let mut noises = self.noises.lock().unwrap_or_else(PoisonError::into_inner);
            let noise = noises.entry((event, code)).or_default();
            if noise.quiet_until.is_some_and(|until| now < until) {
                noise.left_out += 1;
                return;
            }
            noise.quiet_until = Some(now + QUIET);
            std::mem::take(&mut noise.left_out)
        };
        let mut all = fields.to_vec();
        all.push(("code", &code));
        all.push(("text", &refusal.text));
        if left_out > 0 {
            all.push(("left-out", &left_out));
        }
        self.event(Level::Warn, event, &all);
    }

    /// Lines that were dropped so far, because nobody read the ones before them or they could not be
    /// written.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// What the log's thread knows.
struct Writer<W> {
    lines: Receiver<String>,
    /// Counts all lines that are lost.
    dropped: Arc<AtomicU64>,
    /// How many of those the log has a word of.
    said: u64,
    /// Lines that were taken and are not written yet. None between two rounds, but after a panic.
    in_hand: u64,
    target: W,
}

impl<W: Write> Writer<W> {
    /// Writes a line that comes alone at once, and many that come together together: to be woken
    /// for each is more work than to write it, for those who log too. Done when nobody can log any
    /// more.
    fn write_next(&mut self) -> ControlFlow<()> {
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

    /// The first of the lines to be written, as soon as there is one. After a panic that is a word
    /// of it, and the lines that were in hand are lost.
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

fn format_line(
    time: SystemTime,
    level: Level,
    event: &str,
    fields: &[(&str, &dyn Display)],
) -> String {
    let mut line = String::with_capacity(160);
    line.push_str("time=");
    push_time(&mut line, time);
    // Writing into a String does not fail.
    let _ = write!(line, " level={} event={event}", level.as_str());
    let mut text = String::with_capacity(64);
    for (key, value) in fields {
        line.push(' ');
        line.push_str(key);
        line.push('=');
        text.clear();
        let _ = write!(text, "{value}");
        push_value(&mut line, &spelled_out(&text, MAX_SHOWN));
    }
    line.push('\n');
    line
}

/// Appends a time as RFC 3339 in UTC with milliseconds.
pub(crate) fn push_time(out: &mut String, time: SystemTime) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil_date(days);
    let _ = write!(
        out,
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_millis()
    );
}

/// The date of a day counted from 1970-01-01. Years are counted from 1 March, so that the leap day
/// is the last day of its year, and in eras of 400 years, which have 146,097 days each.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // from 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn times_are_utc_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_004_918_399, "2001-11-04T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            let mut out = String::new();
            push_time(&mut out, UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(out, text);
        }
    }

    #[test]
    fn what_peers_typed_stays_one_plain_line() {
        let line = format_line(
            UNIX_EPOCH,
            Level::Warn,
            "closed",
            &[
                ("peer", &"192.0.2.1:5"),
                ("line", &"a\nlevel=error \u{1b}[2J \"q\" \u{202e}"),
            ],
        );
        assert_eq!(
            line,
            "time=1970-01-01T00:00:00.000Z level=warn event=closed peer=192.0.2.1:5 \
             line=\"a\\\\u{a}level=error \\\\u{1b}[2J \\\"q\\\" \\\\u{202e}\"\n"
        );
    }

    /// A target that nobody reads until it is told to go on.
    struct Stuck {
        is_stuck: mpsc::Sender<()>,
        go_on: mpsc::Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.is_stuck.send(());
            let _ = self.go_on.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_target_that_is_not_read_costs_lines_and_no_time() {
        let (free, go_on) = mpsc::channel();
        let (is_stuck, stuck) = mpsc::channel();
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let target = Stuck {
            is_stuck,
            go_on,
            written: Arc::clone(&written),
        };
        let log = Log::start(Level::Info, target).unwrap();
        log.event(Level::Info, "first", &[]);
        // From now on it is in the writer's hands, and nothing else is.
        stuck.recv_timeout(PATIENCE).unwrap();
        for n in 0..QUEUE + 99 {
            log.event(Level::Info, "test", &[("n", &n)]);
            log.event(Level::Debug, "not-shown", &[]);
        }
        assert_eq!(log.dropped(), 99);
        drop(free);
        let written = || String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let wait_for = |part: &str, until_then: &dyn Fn()| {
            let start = Instant::now();
            while !written().contains(part) {
                assert!(start.elapsed() < PATIENCE, "no {part}");
                until_then();
                std::thread::yield_now();
            }
        };
        wait_for("event=log-dropped lines=99\n", &|| {});
        // The queue may be full for a moment longer, so this is said until it is written.
        wait_for("event=after", &|| log.event(Level::Info, "after", &[]));
        assert!(!written().contains("not-shown"));
    }

    /// A target that panics when it is to write the first time.
    struct Broken(bool, mpsc::Sender<String>);

    impl Write for Broken {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            assert!(std::mem::replace(&mut self.0, true), "on purpose");
            let _ = self.1.send(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_target_that_panics_costs_the_lines_in_hand_and_the_log_goes_on() {
        let (write, written) = mpsc::channel();
        let log = Log::start(Level::Info, Broken(false, write)).unwrap();
        log.event(Level::Info, "lost", &[]);
        let hear = || written.recv_timeout(Duration::from_secs(20)).unwrap();
        let text = hear();
        let mut lines = text.lines();
        let mut next = || lines.next().unwrap_or_default();
        assert!(
            next().ends_with(" level=error event=log-panicked"),
            "{text}"
        );
        assert!(
            next().ends_with(" level=warn event=log-dropped lines=1"),
            "{text}"
        );
        assert_eq!((next(), log.dropped()), ("", 1));
        log.event(Level::Info, "after", &[]);
        assert!(hear().ends_with(" level=info event=after\n"));
        drop(log);
        let end = written.recv_timeout(Duration::from_secs(20));
        assert_eq!(
            end,
            Err(mpsc::RecvTimeoutError::Disconnected),
            "its thread has ended"
        );
    }
}
