//! The watchers: clients that stay and are told what changes.
//!
//! This file hides how many are served by one thread. A watcher holds a slot and no thread: its
//! socket never waits. What changes is told to all of them at the same moments, so that those who
//! know the same are sent the very same bytes, which are encoded once. A watcher has a revision
//! and at most one answer that is on its way; while it is slow to take that, it is not asked what
//! it knows, and then goes from there to the newest state in one step.

mod watcher;

use crate::protocol::line::LineSplitter;
use crate::protocol::revision::Revision;
use crate::threads;
use crate::tracker::list::registry::Registry;
use crate::tracker::list::snapshot::List;
use crate::tracker::session::answer::{Batch, Question};
use crate::tracker::session::watcher::WatcherSession;
use crate::tracker::state::answers::Answers;
use crate::tracker::state::lasting;
use crate::tracker::state::session_context::Seat;
use crate::tracker::state::shared::{Shared, lock};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant};
use watcher::Watcher;

/// How often a watcher is looked at: whether it has hung up, said something, or is due a sign of
/// life. Hanging up must be noticed within a second; nearly every look is in vain.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// When somebody was dismissed, all are looked at sooner, but not more often than this.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A socket that was full is tried again after this.
const TRY_AGAIN: Duration = Duration::from_millis(10);

/// What other threads tell the one that serves the watchers.
#[derive(Default)]
pub(crate) struct Watchers {
    inbox: Mutex<Vec<Arrival>>,
    /// The state of the list that everybody is led to; `None` while there is nobody.
    list: Mutex<Option<Arc<List>>>,
    answers: Mutex<Answers>,
    thread: OnceLock<Thread>,
    /// The thread has told everything and sleeps until the list changes.
    waits_for_news: AtomicBool,
    /// Somebody was dismissed.
    is_dismissal: AtomicBool,
}

/// A client that becomes a watcher.
struct Arrival {
    session: WatcherSession<'static, Seat>,
    splitter: LineSplitter,
    /// Bytes that came along with WATCH.
    heard: Vec<u8>,
}

impl Watchers {
    /// Takes over a client that has had its first answer and holds a watcher's slot.
    pub(crate) fn enter(
        &self,
        session: WatcherSession<'static, Seat>,
        splitter: LineSplitter,
        heard: Vec<u8>,
    ) {
        lock(&self.inbox).push(Arrival {
            session,
            splitter,
            heard,
        });
        self.wake();
    }

    /// The list has changed. Costs next to nothing while the thread is not waiting for that.
    pub(crate) fn list_changed(&self) {
        if self.waits_for_news.load(Ordering::SeqCst)
            && self.waits_for_news.swap(false, Ordering::SeqCst)
        {
            self.wake();
        }
    }

    /// Somebody who may be a watcher was dismissed and is to be closed.
    pub(crate) fn somebody_dismissed(&self) {
        self.is_dismissal.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// The revision that all watchers are led to.
    pub(crate) fn revision(&self, registry: &Mutex<Registry>) -> Revision {
        self.list(registry).revision()
    }

    /// The way to that revision.
    pub(crate) fn batch(&self, registry: &Mutex<Registry>, question: Question) -> Arc<Batch> {
        let list = self.list(registry);
        let since = question.unchanged_until;
        let recent = || since.and_then(|since| lock(registry).between(since, list.revision()));
        Answers::find(&self.answers, question, &list, recent)
    }

    fn list(&self, registry: &Mutex<Registry>) -> Arc<List> {
        let mut list = lock(&self.list);
        Arc::clone(list.get_or_insert_with(|| lock(registry).list()))
    }

    /// Leads everybody to the newest state from now on, and says which that is.
    fn refresh(&self, registry: &Mutex<Registry>) -> Revision {
        let newest = lock(registry).list();
        let revision = newest.revision();
        *lock(&self.list) = Some(newest);
        revision
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// Starts the thread.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn start(shared: &'static Shared) -> io::Result<()> {
    // After a panic all watchers are gone, and the clients come back.
    let serve = move || Round::new(shared).serve();
    let thread = lasting::start("watchers", threads::STACK, &shared.log, serve)?;
    // Nobody else sets it.
    let _ = shared.watchers.thread.set(thread.thread().clone());
    Ok(())
}

/// All that the thread knows.
struct Round {
    shared: &'static Shared,
    watchers: Vec<Watcher>,
    /// The revision that everybody knows; `None` if there may be somebody who does not.
    told: Option<Revision>,
    next_batch: Instant,
    last_look: Instant,
    next_look: Instant,
}

impl Round {
    fn new(shared: &'static Shared) -> Self {
        let now = Instant::now();
        Self {
            shared,
            watchers: Vec::new(),
            told: None,
            next_batch: now,
            last_look: now,
            next_look: now,
        }
    }

    fn serve(mut self) -> ! {
        loop {
            self.welcome(Instant::now());
            self.tell(Instant::now());
            self.look(Instant::now());
            let now = Instant::now();
            self.each(|watcher| {
                if watcher.is_busy() {
                    watcher.go_on(now);
                }
                watcher.stays()
            });
            self.rest();
        }
    }

    /// Lets `act` look at every watcher, and keeps those of whom it says so.
    fn each(&mut self, mut act: impl FnMut(&mut Watcher) -> bool) {
        let watchers = std::mem::take(&mut self.watchers);
        let act = |mut watcher: Watcher| act(&mut watcher).then_some(watcher);
        self.watchers = threads::each_apart(watchers, act);
    }

    fn welcome(&mut self, now: Instant) {
        let shared = self.shared;
        let arrivals = std::mem::take(&mut *lock(&shared.watchers.inbox));
        if arrivals.is_empty() {
            return;
        }
        // What they know may be newer than what the others were told, or older.
        shared.watchers.refresh(&shared.registry);
        self.told = None;
        let watchers = arrivals.into_iter();
        self.watchers
            .extend(watchers.map(|arrival| Watcher::new(arrival, now)));
    }

    /// Tells everybody what has changed, when it is time to.
    fn tell(&mut self, now: Instant) {
        if now < self.next_batch || self.watchers.is_empty() {
            return;
        }
        let shared = self.shared;
        let revision = shared.watchers.refresh(&shared.registry);
        if self.told == Some(revision) {
            return;
        }
        self.next_batch = now + shared.setting.timings.batch_gap;
        let mut is_told = true;
        self.each(|watcher| {
            is_told &= watcher.tell(now);
            true
        });
        self.told = is_told.then_some(revision);
    }

    /// Looks who has hung up, said something or heard nothing for long.
    fn look(&mut self, now: Instant) {
        if self
            .shared
            .watchers
            .is_dismissal
            .swap(false, Ordering::SeqCst)
        {
            self.next_look = self.next_look.min(self.last_look + LOOK_AGAIN);
        }
        if now < self.next_look {
            return;
        }
        self.last_look = now;
        self.next_look = now + LOOK_EVERY;
        self.each(|watcher| {
            watcher.listen(now);
            true
        });
    }

    /// Sleeps until there is something to do.
    fn rest(&self) {
        let (shared, watchers) = (self.shared, &self.shared.watchers);
        if self.watchers.is_empty() {
            // The older list need not be kept for nobody.
            *lock(&watchers.list) = None;
            *lock(&watchers.answers) = Answers::default();
            std::thread::park();
            return;
        }
        let now = Instant::now();
        let mut until = self.next_look;
        if self.watchers.iter().any(Watcher::is_busy) {
            until = until.min(now + TRY_AGAIN);
        }
        watchers.waits_for_news.store(true, Ordering::SeqCst);
        // Looked at after that was said, so that no change falls between the two.
        if self.told != Some(lock(&shared.registry).list().revision()) {
            watchers.waits_for_news.store(false, Ordering::SeqCst);
            until = until.min(self.next_batch);
        }
        std::thread::park_timeout(until.saturating_duration_since(now));
        watchers.waits_for_news.store(false, Ordering::SeqCst);
    }
}
