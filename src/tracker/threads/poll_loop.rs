//! What one thread looks at by turns: often at first, and less often the longer nothing happens.

use crate::base::log::Log;
use crate::base::log::lasting;
use crate::base::mutex::lock;
use crate::threads;
use crate::tracker::state::sockets::tuning::{POLL_FIRST, POLL_LAST};
use std::io;
use std::ops::ControlFlow;
use std::sync::{Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// The things, and the thread that looks at them.
pub(crate) struct PollLoop<T> {
    inbox: Mutex<Inbox<T>>,
    /// Locked by whoever looks. In the order in which they came.
    inside: Mutex<Vec<Turn<T>>>,
    thread: OnceLock<Thread>,
    most: usize,
}

struct Inbox<T> {
    arrivals: Vec<Turn<T>>,
    alarm: Alarm,
}

/// Whether the thread is woken for an arrival.
#[derive(Debug, Default)]
struct Alarm {
    /// The thread looks for arrivals by then; `None` if it sleeps until it is woken.
    wakes: Option<Instant>,
    /// Somebody has come since the thread began to look. Another may have looked at them meanwhile,
    /// and does not come back.
    has_come: bool,
}

impl Alarm {
    /// Somebody has come. True if the thread is to be woken.
    fn arrive(&mut self, now: Instant) -> bool {
        self.has_come = true;
        let is_late = self.wakes.is_none_or(|wakes| wakes > now + POLL_FIRST);
        if is_late {
            self.wakes = Some(now);
        }
        is_late
    }

    /// The thread is about to look at all who have come.
    fn look(&mut self) {
        self.has_come = false;
    }

    /// The thread is about to sleep: says until when, at the longest.
    fn sleep(&mut self, now: Instant, next: Option<Instant>) -> Option<Instant> {
        let next = if self.has_come { Some(now) } else { next };
        self.wakes = next.map(|next| next.max(now + POLL_FIRST));
        self.wakes
    }
}

/// One of the things, and when its turn is.
pub(crate) struct Turn<T> {
    pub(crate) item: T,
    next_look: Instant,
    pause: Duration,
    /// There are too many, and this is one of the oldest.
    pub(crate) must_go: bool,
}

impl<T> Turn<T> {
    /// It stays. The pause until the next look is twice the one before, unless something `has_happened`.
    pub(crate) fn again(mut self, now: Instant, has_happened: bool) -> Self {
        if has_happened {
            self.pause = POLL_FIRST;
        }
        self.next_look = now + self.pause;
        self.pause = (2 * self.pause).min(POLL_LAST);
        self
    }

    /// True if it was looked at in vain until the pauses were as long as they get.
    pub(crate) fn is_quiet(&self) -> bool {
        self.pause >= POLL_LAST
    }
}

impl<T: Send> PollLoop<T> {
    /// For so many things. There are never more than twice as many.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            inbox: Mutex::new(Inbox {
                arrivals: Vec::new(),
                alarm: Alarm::default(),
            }),
            inside: Mutex::default(),
            thread: OnceLock::new(),
            most,
        }
    }

    /// Starts the thread. It lets `act` look at each thing whose turn it is, and keeps what that returns.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(
        &'static self,
        name: &'static str,
        log: &Log,
        act: impl Fn(Turn<T>, Instant) -> Option<Turn<T>> + Send + 'static,
    ) -> io::Result<()> {
        let round = move || {
            lock(&self.inbox).alarm.look();
            let next = self.look(|one, now| now >= one.next_look, &act);
            self.sleep(next);
            ControlFlow::Continue(())
        };
        let thread = lasting::start(name, threads::STACK, log, round)?;
        // Nobody else sets it.
        let _ = self.thread.set(thread.thread().clone());
        Ok(())
    }

    /// Takes in a thing that is looked at for the first time after so long. If too many have come since
    /// the last look, the first of those is returned.
    pub(crate) fn enter(&self, item: T, first_look: Duration) -> Option<T> {
        let now = Instant::now();
        let one = Turn {
            item,
            next_look: now + first_look,
            pause: POLL_FIRST,
            must_go: false,
        };
        let (must_wake, oldest) = {
            let mut inbox = lock(&self.inbox);
            let is_full = inbox.arrivals.len() >= self.most;
            let oldest = is_full.then(|| inbox.arrivals.remove(0));
            inbox.arrivals.push(one);
            (inbox.alarm.arrive(now), oldest)
        };
        if must_wake && let Some(thread) = self.thread.get() {
            thread.unpark();
        }
        oldest.map(|one| one.item)
    }

    /// Lets `act` look at all, whether it is their turn or not.
    pub(crate) fn look_at_all(&self, act: impl FnMut(Turn<T>, Instant) -> Option<Turn<T>>) {
        self.look(|_, _| true, act);
    }

    /// Lets `act` look at those whose turn it is. Says when it is somebody's again.
    fn look(
        &self,
        is_turn: impl Fn(&Turn<T>, Instant) -> bool,
        mut act: impl FnMut(Turn<T>, Instant) -> Option<Turn<T>>,
    ) -> Option<Instant> {
        let mut inside = lock(&self.inside);
        inside.append(&mut lock(&self.inbox).arrivals);
        let (now, too_many) = (Instant::now(), inside.len().saturating_sub(self.most));
        for one in inside.iter_mut().take(too_many) {
            one.must_go = true;
        }
        let all = std::mem::take(&mut *inside);
        *inside = threads::each_apart(all, |one| match one.must_go || is_turn(&one, now) {
            true => act(one, now),
            false => Some(one),
        });
        inside.iter().map(|one| one.next_look).min()
    }

    fn sleep(&self, next: Option<Instant>) {
        let now = Instant::now();
        let wakes = {
            let mut inbox = lock(&self.inbox);
            inbox.alarm.sleep(now, next)
        };
        match wakes {
            Some(wakes) => thread::park_timeout(wakes.saturating_duration_since(now)),
            None => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    quickcheck! {
        /// However arrivals and the thread's steps fall, and whoever takes the arrivals in, the thread
        /// never sleeps longer than [`POLL_FIRST`] while somebody waits to be looked at.
        fn nobody_waits_for_a_thread_that_sleeps(events: Vec<(u8, u8)>) -> bool {
            let start = Instant::now();
            let (mut now, mut alarm) = (start, Alarm::default());
            // Whether the thread sleeps and until when, whether it was woken, and whether it has
            // looked since.
            let (mut sleeps, mut until, mut is_woken) = (true, None, false);
            let mut has_looked = false;
            let mut came: Option<Instant> = None;
            events.into_iter().all(|(what, time)| {
                match what % 3 {
                    0 => {
                        is_woken |= alarm.arrive(now);
                        came = came.or(Some(now));
                    }
                    1 if !sleeps => {
                        alarm.look();
                        came = None;
                        has_looked = true;
                    }
                    1 => {}
                    _ => {
                        if !sleeps && std::mem::take(&mut has_looked) {
                            let next = (time % 2 == 0)
                                .then(|| now + Duration::from_millis(time.into()));
                            until = alarm.sleep(now, next);
                            sleeps = true;
                        }
                        now += Duration::from_micros(u64::from(time) * 10);
                    }
                }
                if sleeps && (std::mem::take(&mut is_woken) || until.is_some_and(|at| at <= now)) {
                    sleeps = false;
                }
                came.is_none_or(|came| !sleeps || until.is_some_and(|at| at <= came + 2 * POLL_FIRST))
            })
        }
    }
}
