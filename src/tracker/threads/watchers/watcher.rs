//! One watcher.

use super::Arrival;
use crate::tracker::session::Session;
use crate::tracker::session::watcher::WatcherSession;
use crate::tracker::state::session_context::Seat;
use crate::tracker::threads::unattended::Unattended;
use std::sync::Arc;
use std::time::Instant;

/// One watcher.
pub(super) struct Watcher(Unattended<WatcherSession<'static, Seat>>);

impl Watcher {
    pub(super) fn new(arrival: Arrival, now: Instant) -> Self {
        let Arrival {
            session,
            splitter,
            heard,
        } = arrival;
        let connection = Arc::clone(session.services().connection());
        let timings = *session.services().timings();
        let watcher = Unattended::new(connection, session, splitter, &heard, timings, now);
        Self(watcher)
    }

    /// True if something is still to be sent.
    pub(super) fn is_busy(&self) -> bool {
        self.0.is_busy()
    }

    /// Sends on what is being sent.
    pub(super) fn go_on(&mut self, now: Instant) {
        self.0.go_on(now);
    }

    /// Tells it what has changed, if it can take that now. False if there is something that it
    /// does not know yet.
    pub(super) fn tell(&mut self, now: Instant) -> bool {
        let session = &self.0.session;
        if self.is_busy() || session.next_deadline() > now {
            return session.knows_all();
        }
        if self.0.on_deadline(now) {
            let shared = self.0.session.services().shared();
            shared.stats.batches.add_one();
        }
        true
    }

    /// Looks whether it has hung up, was dismissed, has said something or has heard nothing for
    /// long.
    pub(super) fn listen(&mut self, now: Instant) {
        self.0.listen(now);
        if self.0.session.knows_all() {
            self.tell(now);
        }
    }

    /// True if it is still there. If it is not, says what came of it.
    pub(super) fn stays(&mut self) -> bool {
        let Some(ending) = self.0.ending.take() else {
            return true;
        };
        self.0.session.services().conclude(ending, false);
        false
    }
}
