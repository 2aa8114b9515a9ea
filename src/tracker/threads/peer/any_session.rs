//! Who is at the other end of a connection, and what is left to do when the session is over.

use crate::protocol::line::LineError;
use crate::tracker::session::client::ClientSession;
use crate::tracker::session::game_server::GameServerSession;
use crate::tracker::session::watcher::WatcherSession;
use crate::tracker::session::{Ending, Outbox, Session};
use crate::tracker::state::slot::guard::SlotGuard;
use crate::tracker::threads::peer::io::Peer;
use std::time::Instant;

/// One of the three sessions, with its slot.
pub(crate) enum AnySession {
    GameServer(GameServerSession<'static, SlotGuard>),
    Client(ClientSession<'static, SlotGuard>),
    Watcher(WatcherSession<'static, SlotGuard>),
}

impl AnySession {
    /// The slot that it takes.
    pub(crate) fn slot(&self) -> &SlotGuard {
        match self {
            Self::GameServer(session) => session.services(),
            Self::Client(session) => session.services(),
            Self::Watcher(session) => session.services(),
        }
    }

    /// The client's slot is a watcher's from now on.
    fn begin_to_watch(self, ending: Ending) -> Self {
        match (self, ending) {
            (Self::Client(session), Ending::Watching(watch)) => {
                let slot = session.into_services();
                slot.become_watcher();
                let setting = &slot.shared().setting;
                Self::Watcher(WatcherSession::new(slot, setting, watch))
            }
            (same, _) => same,
        }
    }

    fn session(&self) -> &dyn Session {
        match self {
            Self::GameServer(session) => session,
            Self::Client(session) => session,
            Self::Watcher(session) => session,
        }
    }

    fn session_mut(&mut self) -> &mut dyn Session {
        match self {
            Self::GameServer(session) => session,
            Self::Client(session) => session,
            Self::Watcher(session) => session,
        }
    }
}

impl Session for AnySession {
    fn on_line(&mut self, line: Result<&str, LineError>, now: Instant, out: &mut Outbox) {
        self.session_mut().on_line(line, now, out);
    }

    fn on_noise(&mut self, now: Instant, out: &mut Outbox) {
        self.session_mut().on_noise(now, out);
    }

    fn on_deadline(&mut self, now: Instant, out: &mut Outbox) {
        self.session_mut().on_deadline(now, out);
    }

    fn on_end(&mut self, inside_a_line: bool, out: &mut Outbox) {
        self.session_mut().on_end(inside_a_line, out);
    }

    fn is_dear(&self, line: &str) -> bool {
        self.session().is_dear(line)
    }

    fn next_deadline(&self) -> Instant {
        self.session().next_deadline()
    }
}

/// Who may wait for the peer to read the last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linger {
    /// A thread that has nothing else to do.
    Yes,
    /// One that has others to look after.
    No,
}

impl Peer<AnySession> {
    /// Closes the connection and says what came of it; or returns it if it goes on as a watcher.
    pub(crate) fn conclude(mut self, linger: Linger) -> Option<Self> {
        match self.ending.take()? {
            ending @ Ending::Watching(_) => {
                return Some(self.map(|session| session.begin_to_watch(ending)));
            }
            ending => {
                let patience = self
                    .session
                    .slot()
                    .conclude(ending, linger == Linger::Yes)?;
                match self.sender {
                    Some(sender) => sender.end_sending(&self.connection),
                    None => self.connection.end_sending(),
                }
                self.connection.linger(patience);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_may_change_threads() {
        fn may_change_threads<T: Send + 'static>() {}
        may_change_threads::<Peer<AnySession>>();
    }
}
