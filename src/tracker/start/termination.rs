//! The end that SIGTERM asks for, if whoever started the tracker has that signal blocked.
//!
//! The standard library handles no signals, so SIGTERM ends a process at once, with all that it was
//! about to answer. A signal that is blocked when a process is started waits instead, and Linux says so
//! in /proc. Elsewhere, and where it is not blocked, nothing is looked at.

use crate::base::mutex::lock;
use crate::tracker::access::slots::Class;
use crate::tracker::start::tracker::Tracker;
use std::fs::File;
use std::io::{Read, Seek};
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often to look for the signal. A look was seen to take 0.1 ms of a busy processor: a thousandth.
const LOOK: Duration = Duration::from_millis(100);

/// How long clients that were accepted may take. Most take a millisecond; 1,000 game servers, 110 KB, were
/// read in 24 ms on loopback, and players far away take some round trips. One that stays after its answer
/// is not told from them, and who waits for the next tracker waits as long.
const GRACE: Duration = Duration::from_secs(1);

/// How often to look whether all of that is over.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The bit of SIGTERM in the kernel's sets of signals.
const SIGTERM: u64 = 1 << 14;

/// SIGTERM, as it concerns this process.
pub(crate) struct Termination<'a> {
    tracker: &'a Tracker,
    /// What the kernel says of this process, where SIGTERM is blocked. It stays open, so that a tracker
    /// without a descriptor left can be ended, too.
    status: Option<File>,
}

impl<'a> Termination<'a> {
    /// Looks once whether it is blocked, which does not change.
    pub(crate) fn of(tracker: &'a Tracker) -> Self {
        let status = File::open("/proc/self/status").ok();
        Self {
            tracker,
            status: status.filter(|status| is_in("SigBlk:", status)),
        }
    }

    /// Waits so long. A signal that comes meanwhile, or came before, ends the process with exit code 0.
    pub(crate) fn wait(&self, pause: Duration) {
        let Some(status) = &self.status else {
            return sleep(pause);
        };
        let start = Instant::now();
        while let Some(left) = pause.checked_sub(start.elapsed()) {
            if is_in("ShdPnd:", status) {
                self.end();
            }
            sleep(left.min(LOOK));
        }
    }

    /// Ends the process when nobody is accepted any more and no client is left that may be owed an answer.
    /// Who connects from now on waits for the next tracker, if the socket was handed over.
    fn end(&self) -> ! {
        let (shared, start) = (self.tracker.shared, Instant::now());
        let clients = || lock(&shared.admission).usage(Class::Client).0;
        shared.accepting.is_over.store(true, Ordering::SeqCst);
        shared.log.info("ending", &[("clients", &clients())]);
        while start.elapsed() < GRACE {
            if shared.accepting.threads.load(Ordering::SeqCst) > 0 {
                self.tracker.wake_acceptors();
            } else if clients() == 0 {
                break;
            }
            sleep(LOOK_AGAIN);
        }
        std::process::exit(0)
    }
}

/// True if SIGTERM is in this set of the process, whose `status` is read anew.
fn is_in(set: &str, mut status: &File) -> bool {
    let mut text = String::new();
    // What cannot be read says nothing.
    let _ = status
        .rewind()
        .and_then(|()| status.read_to_string(&mut text));
    text.lines()
        .find_map(|line| line.strip_prefix(set))
        .and_then(|signals| u64::from_str_radix(signals.trim(), 16).ok())
        .is_some_and(|signals| signals & SIGTERM != 0)
}
