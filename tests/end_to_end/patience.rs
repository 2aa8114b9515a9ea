//! How a test waits, and how it measures, on a machine that others keep busy or stop.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Nothing on a healthy machine takes this long; whoever waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A deadline that is never met in a test, for those of a tracker that are not what it is about.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// Looks again and again until there is something to see.
pub(crate) fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What `work` returns, which it is to do in time: it may wait for something that has no deadline.
pub(crate) fn in_time<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (done, result) = channel();
    std::thread::spawn(move || done.send(work()));
    let result = result.recv_timeout(PATIENCE);
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// Waits for something on a socket. Linux ends such a wait in a process that was stopped and goes
/// on, though no signal was caught.
pub(crate) fn uninterrupted<T>(mut wait: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match wait() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Tells those who run beside a test that it is over, however it ends.
pub(crate) struct Over<'a>(pub(crate) &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// How long the machine is asked to wait each time, to see how late it is.
const PULSE: Duration = Duration::from_millis(2);

/// How long `work` took, less what the machine kept a thread waiting meanwhile that has nothing to
/// do but to wake up: next to nothing, unless others keep it busy or the process is stopped.
pub(crate) fn time_of(work: impl FnOnce()) -> Duration {
    let (is_over, start) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|scope| {
        let late = scope.spawn(|| {
            let mut pulses = 0;
            while !is_over.load(Ordering::Relaxed) {
                std::thread::sleep(PULSE);
                pulses += 1;
            }
            start.elapsed().saturating_sub(PULSE * pulses)
        });
        let over = Over(&is_over);
        work();
        let took = start.elapsed();
        drop(over);
        took.saturating_sub(late.join().unwrap())
    })
}
