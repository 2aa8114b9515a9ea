//! A conversation as one value.
//!
//! This file hides what belongs to a conversation between two lines of it: who is at the other
//! end, the slot that it takes, what was heard of the line that is not complete yet. All of it is
//! in one value that no thread is tied to, so that one thread may set it aside and another go on.

use super::connection::{Connection, Ending, Look, Step, Talk};
use super::roster::Place;
use super::seat::Seat;
use super::session::client::ClientSession;
use super::session::game_server::GameServerSession;
use super::session::watcher::WatcherSession;
use super::session::{Outbox, Session};
use crate::protocol::line::LineError;
use std::io;
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

    /// Holds it to its end; or until it is quiet, if another thread is better suited to wait then:
    /// one that has sent something holds on to memory that one which only listens does not need.
    pub(super) fn hold(mut self, place: &mut Place<'_>) {
        loop {
            match self.go_on(&mut || {}) {
                Step::Heard => {}
                Step::Quiet(chunks) => {
                    let clerk = &self.party.seat().shared().clerk;
                    clerk.say(&self.connection, chunks);
                    if self.talk.has_sent && self.party.is_at_rest() {
                        self.talk.has_sent = false;
                        return place.retire(Box::new(move |place| self.hold(place)));
                    }
                }
                Step::Over(ending) => return self.conclude(ending),
            }
        }
    }

    /// Has it held to its end by another thread of its port.
    pub(super) fn hand_over(self) {
        let roster = self.party.seat().roster();
        roster.hand_over(Box::new(move |place| self.hold(place)));
    }

    /// Holds it to the first answer, without waiting for the peer if that can be: if it cannot,
    /// calls `step_aside` before. What is left of the conversation then, if it is not over.
    pub(super) fn answer(mut self, step_aside: &mut dyn FnMut()) -> Option<Self> {
        // Where the system does not let it hurry, it takes its time.
        if self.hurry().is_err() {
            step_aside();
        }
        while !self.talk.has_answered() {
            if let Step::Over(ending) = self.go_on(step_aside) {
                if matches!(ending, Ending::Refused(_)) {
                    // The peer is given time to read why.
                    step_aside();
                }
                self.conclude(ending);
                return None;
            }
        }
        Some(self)
    }

    /// Makes it one that [`look`](Self::look) does not wait for.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(super) fn hurry(&mut self) -> io::Result<()> {
        self.connection.hurry(&mut self.talk)
    }

    /// Looks what the peer does.
    pub(super) fn look(&self) -> Look {
        self.connection.look(&self.talk)
    }

    /// Goes on until the peer was heard once or a deadline has passed.
    #[inline(never)]
    fn go_on(&mut self, step_aside: &mut dyn FnMut()) -> Step {
        let timings = self.party.seat().timings();
        self.connection
            .go_on(&mut self.party, &mut self.talk, timings, step_aside)
    }

    /// Ends it, and says what came of it. Takes a moment if there is a last line to be read.
    pub(super) fn conclude(self, ending: Ending) {
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

    /// True for a game server on the list, which may be silent for a day and more.
    fn is_at_rest(&self) -> bool {
        matches!(self, Self::GameServer(session) if session.is_listed())
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
