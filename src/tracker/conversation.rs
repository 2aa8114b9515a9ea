//! A conversation as one value.
//!
//! This file hides what belongs to a conversation between two lines of it: who is at the other
//! end, the slot that it takes, what was heard of the line that is not complete yet. All of it is
//! in one value that no thread is tied to, so that one thread may set it aside and another go on.

use super::connection::{Connection, Ending, Talk};
use super::services::Seat;
use super::session::client::ClientSession;
use super::session::game_server::GameServerSession;
use super::session::watcher::WatcherSession;
use super::session::{Outbox, Session};
use crate::protocol::line::LineError;
use std::sync::Arc;
use std::time::Instant;

/// Who is at the other end, and what was agreed so far. Owns the slot.
pub(super) enum Party {
    GameServer(GameServerSession<'static, Seat>),
    Client(ClientSession<'static, Seat>),
}

/// One connection, its slot and its session. Dropping it frees the slot and closes.
pub(super) struct Conversation {
    connection: Arc<Connection>,
    party: Party,
    talk: Talk,
}

impl Conversation {
    /// Nothing was said yet.
    pub(super) fn new(party: Party) -> Self {
        Self {
            connection: Arc::clone(party.seat().connection()),
            party,
            talk: Talk::default(),
        }
    }

    /// Holds it to its end.
    pub(super) fn hold(mut self) {
        loop {
            if let Some(ending) = self.go_on() {
                return self.conclude(ending);
            }
        }
    }

    /// Waits until the peer was heard once or a deadline has passed, and answers. The ending, if
    /// that was it.
    fn go_on(&mut self) -> Option<Ending> {
        let timings = self.party.seat().timings();
        self.connection
            .go_on(&mut self.party, &mut self.talk, timings)
    }

    fn conclude(self, ending: Ending) {
        match (ending, self.party) {
            (Ending::Watching(watch), Party::Client(session)) => {
                let seat = session.into_services();
                seat.settle();
                let shared = seat.shared();
                let session = WatcherSession::new(seat, &shared.setting, watch);
                shared.watchers.enter(session, self.talk);
            }
            (ending, party) => party.seat().conclude(ending, true),
        }
    }
}

impl Party {
    fn seat(&self) -> &Seat {
        match self {
            Self::GameServer(session) => session.services(),
            Self::Client(session) => session.services(),
        }
    }

    fn session(&mut self) -> &mut dyn Session {
        match self {
            Self::GameServer(session) => session,
            Self::Client(session) => session,
        }
    }
}

impl Session for Party {
    fn on_line(&mut self, line: Result<&str, LineError>, now: Instant, out: &mut Outbox) {
        self.session().on_line(line, now, out);
    }

    fn on_noise(&mut self, now: Instant, out: &mut Outbox) {
        self.session().on_noise(now, out);
    }

    fn on_deadline(&mut self, now: Instant, out: &mut Outbox) {
        self.session().on_deadline(now, out);
    }

    fn on_end(&mut self, inside_a_line: bool, out: &mut Outbox) {
        self.session().on_end(inside_a_line, out);
    }

    fn next_deadline(&self) -> Instant {
        match self {
            Self::GameServer(session) => session.next_deadline(),
            Self::Client(session) => session.next_deadline(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_may_change_threads() {
        fn may_change_threads<T: Send + 'static>() {}
        may_change_threads::<Conversation>();
    }
}
