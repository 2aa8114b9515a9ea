//! A thread that keeps a tracker's list up to date.
//!
//! This file hides how: by WATCH, or by asking every few seconds if the tracker has no place for
//! another watcher. After a loss it comes back with the last revision, so that nothing is missed.

mod stop;

use self::stop::Stop;
use super::exchange::{Exchange, throttle, unreachable};
use super::fetch::refresh;
use crate::base::backoff::{Backoff, spread};
use crate::base::random::RANDOM;
use crate::base::threads;
use crate::client::replica::{Change, Conditions, Error, KnownList, Refused};
use crate::client::tracker_address::TrackerAddress;
use crate::protocol::refusal::ErrorCode;
use crate::reach::{Dial, Throttle};
use std::io;
use std::net::{IpAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// The longest time from the start of a connection to the first END.
    pub answer: Duration,
    /// The longest time between two ENDs of a WATCH. A tracker sends one every 30 s at least.
    pub silence: Duration,
    /// The time between two `LIST since=` while WATCH is refused; half of it is chance.
    pub poll: Duration,
    /// How many times it asks like that before it tries WATCH again.
    pub polls: u32,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(20),
            silence: Duration::from_secs(45),
            poll: Duration::from_secs(5),
            polls: 12,
        }
    }
}

/// The longest wait before the next try.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The least time between two tries, even if [`Watch::retry`] asks for one.
const TRY_INTERVAL: Duration = Duration::from_secs(1);

/// The least time between two batches. A tracker sends one every 100 ms at the most; two may come
/// together if the network held one back.
const BATCH_INTERVAL: Duration = Duration::from_millis(50);

/// What happens to a list that is watched.
#[derive(Debug)]
pub enum Event {
    /// What has changed since the last batch, up to a consistent moment. A batch may be empty; one
    /// comes every 30 s at least. Batches applied to an empty list in their order make the list.
    Batch {
        /// What has changed.
        changes: Vec<Change>,
        /// True if changes come as they happen; false if they are asked for every few seconds.
        is_live: bool,
        /// The address at which the tracker was reached, if that is known.
        from: Option<IpAddr>,
    },
    /// The tracker cannot be reached, or the connection is lost. The list may be old from now on.
    Lost {
        /// Why.
        why: Error,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// The tracker said ERR. (Not sent where WATCH has no place and LIST will do.)
    Refused {
        /// What it said.
        refused: Refused,
        /// When it is tried again; `None` if the conditions are refused: then only
        /// [`Watch::retry`] tries again.
        retry_in: Option<Duration>,
    },
}

/// Keeps watching a tracker's list, until it is dropped.
///
/// ```no_run
/// use gltracker::client::{Conditions, watch::{Event, Timings, Watch}};
/// use std::sync::mpsc::sync_channel;
///
/// // Bounded: a tracker that sends faster than is shown has to wait.
/// let (events, received) = sync_channel(16);
/// let on_event = move |event| drop(events.send(event));
/// let tracker = "tracker.example".parse()?;
/// let watch = Watch::start(tracker, Conditions::default(), Timings::default(), on_event)?;
/// for event in received {
///     if let Event::Batch { changes, .. } = event {
///         println!("{} changes", changes.len());
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Watch {
    stop: Arc<Stop>,
}

impl Watch {
    /// Starts a thread that connects to `tracker` and calls `on_event` with what happens. It may
    /// block: nothing more is read until it returns.
    ///
    /// # Errors
    /// What the system says when there is no thread to be had.
    pub fn start(
        tracker: TrackerAddress,
        conditions: Conditions,
        timings: Timings,
        on_event: impl FnMut(Event) + Send + 'static,
    ) -> io::Result<Self> {
        let stop = Arc::<Stop>::default();
        let watcher = Watcher {
            tracker,
            conditions,
            timings,
            on_event,
            stop: Arc::clone(&stop),
            list: KnownList::default(),
            throttle: throttle(),
            backoff: Backoff::default(),
            tried: Instant::now(),
        };
        threads::start("watch", threads::STACK, move || watcher.run())?;
        Ok(Self { stop })
    }
}

impl Watch {
    /// Tries again now, if it waits for the next try. It tries once a second at the most: a key may be
    /// held down.
    pub fn retry(&self) {
        self.stop.hurry();
    }
}

impl Drop for Watch {
    /// Closes the connection, and does not wait for the thread: one more event may still arrive.
    fn drop(&mut self) {
        self.stop.stop();
    }
}

struct Watcher<F> {
    tracker: TrackerAddress,
    conditions: Conditions,
    timings: Timings,
    on_event: F,
    stop: Arc<Stop>,
    list: KnownList,
    throttle: Throttle,
    backoff: Backoff,
    /// When the last try began.
    tried: Instant,
}

/// Between a half of `time` and all of it.
fn with_chance(time: Duration) -> Duration {
    spread(time, 0.5..1.0, RANDOM.chance())
}

/// What to do after an error.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Ask every few seconds: the tracker has no place for a watcher.
    Poll,
    /// Try again after a wait.
    Retry,
    /// Wait for [`Watch::retry`]: the tracker would refuse again.
    GiveUp,
}

impl Next {
    fn after(error: &Error) -> Self {
        let Error::Refused(refused) = error else {
            return Self::Retry;
        };
        let is_one_of = |codes: &[ErrorCode]| codes.iter().any(|&code| refused.is(code));
        if is_one_of(&[
            ErrorCode::Busy,
            ErrorCode::TooMany,
            ErrorCode::UnknownCommand,
        ]) {
            Self::Poll
        } else if is_one_of(&[ErrorCode::BadSyntax, ErrorCode::BadValue]) {
            Self::GiveUp
        } else {
            Self::Retry
        }
    }
}

impl<F: FnMut(Event)> Watcher<F> {
    fn run(mut self) {
        while !self.stop.is_stopped() {
            let Err(error) = self.watch();
            self.stop.is_reading(None);
            let next = match Next::after(&error) {
                Next::Poll => self.poll(),
                _ => Some(error),
            };
            if let Some(error) = next {
                self.tell_and_wait(error);
            }
        }
    }

    /// Connects and watches for as long as that goes well.
    fn watch(&mut self) -> Result<std::convert::Infallible, Error> {
        self.tried = Instant::now();
        let deadline = self.tried + self.timings.answer;
        let known = self.list.revision().map(str::to_owned);
        let request = self.conditions.request("WATCH", known.as_deref());
        let stop = Arc::clone(&self.stop);
        let is_wanted = |stream: &TcpStream| {
            let socket = stream.try_clone().map_err(Error::Unreachable)?;
            let is_wanted = stop.is_reading(Some(socket));
            is_wanted.then_some(()).ok_or(Error::CutOff)
        };
        let mut dial = self.tracker.dial(deadline).map_err(unreachable)?;
        let mut full = None;
        loop {
            let opened = Exchange::open(&mut dial, &request, &mut self.throttle, &is_wanted);
            let exchange = match opened {
                Ok(exchange) => exchange,
                Err(error) => return Err(full.unwrap_or(error)),
            };
            let Err(error) = self.follow(exchange, &dial, deadline);
            // Whoever was given a list asks for what is new, and has another deadline.
            if !error.is_for_want_of_room() || self.list.revision() != known.as_deref() {
                return Err(error);
            }
            full = Some(error);
        }
    }

    /// Takes what comes, the first of it until `deadline`.
    fn follow(
        &mut self,
        mut exchange: Exchange,
        dial: &Dial,
        mut deadline: Instant,
    ) -> Result<std::convert::Infallible, Error> {
        self.list.forget_part();
        self.list.from = Some(exchange.address().ip());
        loop {
            let answer = exchange.read_answer(&mut self.list, deadline, &mut self.throttle);
            if let Ok(_) | Err(Error::Refused(_)) = answer {
                dial.answered(exchange.address());
            }
            if answer.as_ref().is_err_and(Error::is_for_want_of_room) {
                dial.full(exchange.address());
            }
            let changes = answer?;
            self.backoff.reset();
            self.tell(Event::Batch {
                changes,
                is_live: true,
                from: self.list.from,
            });
            // The deadline begins after this wait.
            self.stop.wait(BATCH_INTERVAL, Some(BATCH_INTERVAL));
            deadline = Instant::now() + self.timings.silence;
        }
    }

    /// Asks every few seconds, for a while. Returns why that went wrong, if it did.
    fn poll(&mut self) -> Option<Error> {
        for _ in 0..self.timings.polls.max(1) {
            if self.stop.is_stopped() {
                break;
            }
            self.stop.take_time();
            self.tried = Instant::now();
            let deadline = self.tried + self.timings.answer;
            let (list, throttle) = (&mut self.list, &mut self.throttle);
            match refresh(list, &self.tracker, &self.conditions, deadline, throttle) {
                Ok(changes) => {
                    self.backoff.reset();
                    self.tell(Event::Batch {
                        changes,
                        is_live: false,
                        from: self.list.from,
                    });
                }
                Err(error) => return Some(error),
            }
            let pause = with_chance(self.timings.poll);
            self.wait(Some(pause));
        }
        None
    }

    /// Says what went wrong and waits before the next try.
    fn tell_and_wait(&mut self, error: Error) {
        let is_useless = Next::after(&error) == Next::GiveUp;
        let wait = (!is_useless).then(|| with_chance(self.backoff.next(LONGEST_WAIT)));
        self.stop.take_time();
        self.tell(match error {
            Error::Refused(refused) => Event::Refused {
                refused,
                retry_in: wait,
            },
            why => Event::Lost {
                why,
                retry_in: wait.unwrap_or_default(),
            },
        });
        self.wait(wait);
    }

    /// Waits, unless somebody hurries and the last try is long enough ago.
    fn wait(&self, time: Option<Duration>) {
        let least = TRY_INTERVAL.saturating_sub(self.tried.elapsed());
        self.stop.wait(least, time);
    }

    fn tell(&mut self, event: Event) {
        if !self.stop.is_stopped() {
            (self.on_event)(event);
        }
    }
}

#[cfg(test)]
mod tests;
