//! The thread that serves the watchers: clients that stay and are told what changes.
//!
//! A watcher holds a slot and no thread: its socket never waits. What changes is told to all of them
//! at the same moments, so that those who know the same are sent the very same bytes, which are
//! encoded once. A watcher has a revision and at most one answer that is on its way; while it is slow
//! to take that, it is not asked what it knows, and then goes from there to the newest state in one
//! step.

use crate::base::log::lasting;
use crate::base::mutex::lock;
use crate::protocol::revision::Revision;
use crate::threads;
use crate::tracker::session::Session;
use crate::tracker::state::shared::Shared;
use crate::tracker::state::sockets::tuning::{WATCHER_AGAIN, WATCHER_LOOK};
use crate::tracker::threads::peer::any_session::{AnySession, Linger};
use crate::tracker::threads::peer::io::{Effort, Peer};
use std::io;
use std::sync::Mutex;
use std::time::Instant;

/// The way in for watchers.
pub(crate) struct Watchers {
    shared: &'static Shared,
    inbox: Mutex<Vec<Peer<AnySession>>>,
}

impl Watchers {
    /// For nobody yet.
    pub(crate) fn new(shared: &'static Shared) -> Self {
        Self {
            shared,
            inbox: Mutex::default(),
        }
    }

    /// Takes over a client that has had its first answer and holds a watcher's slot.
    pub(crate) fn enter(&self, mut watcher: Peer<AnySession>) {
        if let Err(error) = watcher.connection.set_nonblocking(true) {
            watcher.lose(&error);
        }
        lock(&self.inbox).push(watcher);
        self.shared.wake.now();
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(&'static self) -> io::Result<()> {
        // After a panic all watchers are gone, and the clients come back.
        let serve = move || Round::new(self).serve();
        let thread = lasting::start("watchers", threads::STACK, &self.shared.log, serve)?;
        self.shared.wake.set_thread(thread.thread().clone());
        Ok(())
    }
}

/// All that the thread knows.
struct Round {
    watchers: &'static Watchers,
    shared: &'static Shared,
    peers: Vec<Peer<AnySession>>,
    /// The revision that everybody knows; `None` if there may be somebody who does not.
    told: Option<Revision>,
    next_batch: Instant,
    last_look: Instant,
    next_look: Instant,
}

impl Round {
    fn new(watchers: &'static Watchers) -> Self {
        let now = Instant::now();
        Self {
            watchers,
            shared: watchers.shared,
            peers: Vec::new(),
            told: None,
            next_batch: now,
            last_look: now,
            next_look: now,
        }
    }

    fn serve(mut self) -> ! {
        loop {
            self.welcome();
            self.tell(Instant::now());
            self.look(Instant::now());
            self.each(|mut peer| {
                peer.send();
                match peer.ending {
                    None => Some(peer),
                    Some(_) => peer.conclude(Linger::No),
                }
            });
            self.rest();
        }
    }

    /// Lets `act` look at every watcher, and keeps those that it returns.
    fn each(&mut self, act: impl FnMut(Peer<AnySession>) -> Option<Peer<AnySession>>) {
        let peers = std::mem::take(&mut self.peers);
        self.peers = threads::each_apart(peers, act);
    }

    fn welcome(&mut self) {
        let arrivals = std::mem::take(&mut *lock(&self.watchers.inbox));
        if arrivals.is_empty() {
            return;
        }
        // What they know may be newer than what the others were told, or older.
        self.shared.watched.refresh(&self.shared.registry);
        self.told = None;
        // Some have said more than WATCH already.
        self.peers.extend(threads::each_apart(arrivals, |mut peer| {
            peer.receive(Effort::Any);
            Some(peer)
        }));
    }

    /// Tells everybody what has changed, when it is time to.
    fn tell(&mut self, now: Instant) {
        if now < self.next_batch || self.peers.is_empty() {
            return;
        }
        let shared = self.shared;
        let revision = shared.watched.refresh(&shared.registry);
        if self.told == Some(revision) {
            return;
        }
        self.next_batch = now + shared.setting.timings.batch_gap;
        let mut is_told = true;
        self.each(|mut peer| {
            is_told &= tell(&mut peer, now);
            Some(peer)
        });
        self.told = is_told.then_some(revision);
    }

    /// Looks who has hung up, said something or heard nothing for long.
    fn look(&mut self, now: Instant) {
        if self.shared.wake.take_dismissal() {
            self.next_look = self.next_look.min(self.last_look + WATCHER_AGAIN);
        }
        if now < self.next_look {
            return;
        }
        self.last_look = now;
        self.next_look = now + WATCHER_LOOK;
        self.each(|mut peer| {
            peer.receive(Effort::Any);
            if knows_all(&peer) {
                tell(&mut peer, now);
            }
            Some(peer)
        });
    }

    /// Sleeps until there is something to do.
    fn rest(&self) {
        let shared = self.shared;
        if self.peers.is_empty() {
            // The older list need not be kept for nobody.
            shared.watched.forget();
            std::thread::park();
            return;
        }
        let now = Instant::now();
        let mut until = self.next_look;
        if self.peers.iter().any(Peer::is_sending) {
            until = until.min(now + WATCHER_AGAIN);
        }
        shared.wake.wait_for_change(true);
        // Looked at after that was said, so that no change falls between the two.
        if self.told != Some(lock(&shared.registry).list().revision()) {
            shared.wake.wait_for_change(false);
            until = until.min(self.next_batch);
        }
        std::thread::park_timeout(until.saturating_duration_since(now));
        shared.wake.wait_for_change(false);
    }
}

/// Tells a watcher what has changed, if it can take that now. False if there is something that it does
/// not know yet.
fn tell(peer: &mut Peer<AnySession>, now: Instant) -> bool {
    if peer.is_sending() || peer.session.next_deadline() > now {
        return knows_all(peer);
    }
    if peer.check_deadline(now) {
        peer.session.slot().shared().stats.batches.add_one();
    }
    true
}

fn knows_all(peer: &Peer<AnySession>) -> bool {
    match &peer.session {
        AnySession::Watcher(session) => session.knows_all(),
        _ => true,
    }
}
