//! What events are logged with. Whoever logs never waits: lines go through a bounded queue to a thread of their
//! own, and what does not fit is counted and said later.

use super::format::{Level, format_line};
use super::writer::Writer;
use crate::base::mutex::lock;
use crate::base::threads;
use crate::protocol::refusal::Refusal;
use std::collections::HashMap;
use std::fmt::Display;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// Lines that may wait to be written. Most take 160 bytes, which makes two thirds of a megabyte.
const QUEUE: usize = 4096;

/// Of noisy events, one of a kind is written in this time.
const QUIET: Duration = Duration::from_secs(1);

/// A handle to the log. Clones write to the same one.
#[derive(Debug, Clone)]
pub struct Log {
    level: Level,
    queue: SyncSender<String>,
    dropped: Arc<AtomicU64>,
    noises: Arc<Mutex<HashMap<(&'static str, &'static str), Noise>>>,
}

/// What is known of one kind of noisy event.
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
        let mut writer = Writer::new(lines, Arc::clone(&dropped), target);
        // The writer reports its panics itself.
        let write = move || threads::survive(threads::AFTER_A_PANIC, || {}, || writer.write_next());
        threads::start("log", 128 * 1024, write)?;
        Ok(Self {
            level,
            queue,
            dropped,
            noises: Arc::default(),
        })
    }

    /// Logs what somebody should act on.
    pub(crate) fn error(&self, event: &str, fields: &[(&str, &dyn Display)]) {
        self.event(Level::Error, event, fields);
    }

    /// Logs what somebody should know.
    pub(crate) fn warn(&self, event: &str, fields: &[(&str, &dyn Display)]) {
        self.event(Level::Warn, event, fields);
    }

    /// Logs the life of the tracker.
    pub(crate) fn info(&self, event: &str, fields: &[(&str, &dyn Display)]) {
        self.event(Level::Info, event, fields);
    }

    /// Logs what happens to one connection.
    pub(crate) fn debug(&self, event: &str, fields: &[(&str, &dyn Display)]) {
        self.event(Level::Debug, event, fields);
    }

    /// Logs one event. Never waits.
    fn event(&self, level: Level, event: &str, fields: &[(&str, &dyn Display)]) {
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

    /// Logs a refusal, of which there may be thousands a second, at level warn. Of each code of each event
    /// one line a second is written, which says how many were left out since the last.
    pub(crate) fn noisy(
        &self,
        event: &'static str,
        refusal: &Refusal,
        fields: &[(&str, &dyn Display)],
    ) {
        if Level::Warn > self.level {
            return;
        }
        let now = Instant::now();
        let code = refusal.code.as_str();
        let left_out = {
            let mut noises = lock(&self.noises);
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
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
impl Log {
    /// A log for a test, which receives what is written.
    pub(crate) fn to_test(level: Level) -> (Self, std::sync::mpsc::Receiver<String>) {
        struct Lines(std::sync::mpsc::Sender<String>);

        impl Write for Lines {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        let (say, said) = std::sync::mpsc::channel();
        (Self::start(level, Lines(say)).unwrap(), said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const PATIENCE: Duration = Duration::from_secs(20);

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
        log.info("first", &[]);
        // From now on it is in the writer's hands, and nothing else is.
        stuck.recv_timeout(PATIENCE).unwrap();
        for n in 0..QUEUE + 99 {
            log.info("test", &[("n", &n)]);
            log.debug("not-shown", &[]);
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
        wait_for("event=after", &|| log.info("after", &[]));
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
        log.info("lost", &[]);
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
        log.info("after", &[]);
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
