//! How threads rest that have nothing to do, and are called one at a time.
//!
//! This file hides what a resting thread sleeps in. A kernel looks for the sleeper that is to be
//! woken among all of a process who sleep in the same few lists: Linux 6.16 and later have sixteen
//! of those for a process on two processors. With thousands of threads parked there, to wake one
//! was a third of what a login took. So a few are parked, of whom the last who came is called first,
//! since what it needs is still in the cache. Whoever comes when there are enough of those waits to
//! read from a pipe, which wakes one for each byte and has nobody else to look through; but where a
//! pipe wakes all who read from it, all are parked.

use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::{self, Thread};
use std::time::Duration;

/// How many are parked where the others need not be.
const WARM: usize = 16;

/// The first version of Linux whose pipes wake one reader for what one can read. Before it all woke
/// up, and all but one went to sleep again.
const WAKES_ONE: (u32, u32) = (5, 6);

/// How many are parked here.
static MOST_WARM: LazyLock<usize> = LazyLock::new(|| {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease");
    match version(&release.unwrap_or_default()) {
        Some(version) if version >= WAKES_ONE => WARM,
        _ => usize::MAX,
    }
});

/// The first two numbers of a release of Linux, such as `6.1.0-18-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

/// Wait before the next try when the system refuses what it has no reason to.
const PAUSE: Duration = Duration::from_millis(50);

/// Those who rest. Whoever shares it has a lock around it, and rests or calls outside of that.
#[derive(Debug)]
pub struct Resting {
    /// The last who came is the first to be called.
    warm: Vec<Arc<Rester>>,
    cold: usize,
    /// Where the cold ones are.
    semaphore: Arc<Semaphore>,
}

impl Resting {
    /// Nobody rests.
    ///
    /// # Errors
    /// When the system has no pipe for it.
    pub fn new() -> io::Result<Self> {
        // Asked of the system now: later it would be with the lock held.
        LazyLock::force(&MOST_WARM);
        Ok(Self {
            warm: Vec::with_capacity(WARM),
            cold: 0,
            semaphore: Arc::new(Semaphore::new()?),
        })
    }

    /// How many rest and were not called.
    pub fn len(&self) -> usize {
        self.warm.len() + self.cold
    }

    /// True if nobody rests who was not called.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts `me` among those who rest; it is to do so at once.
    pub fn enter(&mut self, me: &Arc<Rester>) -> Rest {
        if self.warm.len() < *MOST_WARM {
            self.warm.push(Arc::clone(me));
            return Rest::Warm(Arc::clone(me));
        }
        self.cold += 1;
        Rest::Cold(Arc::clone(&self.semaphore))
    }

    /// Somebody who rests no more once that rest is [ended](Rest::end).
    pub fn call(&mut self) -> Option<Rest> {
        if let Some(rester) = self.warm.pop() {
            return Some(Rest::Warm(rester));
        }
        self.cold = self.cold.checked_sub(1)?;
        Some(Rest::Cold(Arc::clone(&self.semaphore)))
    }
}

/// The rest of one thread, to be taken by itself and ended by another.
#[derive(Debug)]
pub enum Rest {
    /// Of a certain one.
    Warm(Arc<Rester>),
    /// Of whoever waits the longest.
    Cold(Arc<Semaphore>),
}

impl Rest {
    /// Returns when it is ended.
    pub fn take(self) {
        match self {
            Self::Warm(rester) => rester.park(),
            Self::Cold(semaphore) => semaphore.acquire(),
        }
    }

    /// Ends it.
    pub fn end(self) {
        match self {
            Self::Warm(rester) => rester.unpark(),
            Self::Cold(semaphore) => semaphore.release(),
        }
    }
}

/// A thread that may rest.
#[derive(Debug)]
pub struct Rester {
    thread: Thread,
    is_called: AtomicBool,
}

impl Rester {
    /// The calling thread.
    pub fn current() -> Self {
        Self {
            thread: thread::current(),
            is_called: AtomicBool::new(false),
        }
    }

    fn unpark(&self) {
        self.is_called.store(true, Ordering::Release);
        self.thread.unpark();
    }

    fn park(&self) {
        while !self.is_called.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

/// Lets in as many as were released, whoever waits the longest first.
#[derive(Debug)]
pub struct Semaphore {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Semaphore {
    fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self { reader, writer })
    }

    // Both ends live as long as this, so that neither is ever closed; what else may go wrong passes.
    fn acquire(&self) {
        while (&self.reader).read_exact(&mut [0]).is_err() {
            thread::sleep(PAUSE);
        }
    }

    fn release(&self) {
        while (&self.writer).write_all(&[0]).is_err() {
            thread::sleep(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::sync::{Mutex, PoisonError};
    use std::time::Instant;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn each_call_ends_the_rest_of_one() {
        const THREADS: usize = 3 * WARM;
        let resting = Arc::new(Mutex::new(Resting::new().unwrap()));
        let lock = || resting.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(lock().call().is_none());
        let (say, said) = channel();
        // Those who are never called do not keep the test from its end.
        for _ in 0..THREADS {
            let (say, resting) = (say.clone(), Arc::clone(&resting));
            thread::spawn(move || {
                let me = Arc::new(Rester::current());
                for round in 0..2 {
                    let rest = resting.lock().unwrap().enter(&me);
                    rest.take();
                    say.send(round).unwrap();
                }
            });
        }
        for _ in 0..2 * THREADS {
            let start = Instant::now();
            let rest = loop {
                match lock().call() {
                    Some(rest) => break rest,
                    None => thread::yield_now(),
                }
                assert!(start.elapsed() < PATIENCE, "nobody rests");
            };
            assert!(said.try_recv().is_err(), "nobody comes who was not called");
            rest.end();
            assert!(said.recv_timeout(PATIENCE).is_ok());
        }
        assert!(lock().is_empty());
    }

    #[test]
    fn the_last_who_came_are_called_first() {
        const THREADS: usize = WARM + 2;
        let mut resting = Resting::new().unwrap();
        let threads = [(); THREADS].map(|()| Arc::new(Rester::current()));
        for thread in &threads {
            resting.enter(thread);
        }
        assert_eq!(resting.len(), THREADS);
        let warm = THREADS.min(*MOST_WARM);
        for expected in threads[..warm].iter().rev() {
            let called = resting.call();
            assert!(matches!(called, Some(Rest::Warm(rester)) if Arc::ptr_eq(&rester, expected)));
        }
        for _ in warm..THREADS {
            assert!(matches!(resting.call(), Some(Rest::Cold(_))));
        }
        assert!(resting.call().is_none());
    }

    #[test]
    fn pipes_are_trusted_to_wake_one_since_linux_5_6() {
        let is_trusted = |release| version(release).is_some_and(|version| version >= WAKES_ONE);
        for release in ["5.6.0\n", "5.10.0-28-amd64", "6.18.44-fc\n", "10.0"] {
            assert!(is_trusted(release), "{release}");
        }
        for release in ["5.5.19", "5.4.0-42-generic", "4.18.0-513.el8", "", "x", "6"] {
            assert!(!is_trusted(release), "{release}");
        }
    }

    #[test]
    fn a_call_that_comes_before_the_rest_is_not_lost() {
        let me = Arc::new(Rester::current());
        let mut resting = Resting::new().unwrap();
        for _ in 0..2 {
            let rest = resting.enter(&me);
            resting.call().unwrap().end();
            rest.take();
        }
        let semaphore = Arc::new(Semaphore::new().unwrap());
        Rest::Cold(Arc::clone(&semaphore)).end();
        Rest::Cold(semaphore).take();
    }
}
