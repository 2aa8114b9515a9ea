//! What a door is, and what it is given.

use super::counters::Counters;
use crate::base::log::Log;
use crate::bridge::desk::Desk;
use crate::protocol::scope::Scope;
use std::fmt::{Debug, Display};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

/// What every door is given. Clones are of the same.
#[derive(Debug, Clone)]
pub struct Hall {
    /// Where a door says whom it wants listed, and looks up what the tracker lists.
    pub desk: Arc<Desk>,
    /// What the operator reads.
    pub log: Log,
    /// What is counted.
    pub counters: Counters,
}

impl Hall {
    /// One for a test, whose log nobody reads.
    #[cfg(test)]
    pub(in crate::bridge) fn of_test() -> Self {
        Self {
            desk: Arc::default(),
            log: Log::start(crate::base::log::Level::Error, io::sink()).unwrap(),
            counters: Counters::default(),
        }
    }

    /// Logs that a game server is new, and who can reach it if not everybody can.
    pub(crate) fn log_registered(&self, door: &str, server: SocketAddr, game: &str) {
        let fields: [(&str, &dyn Display); 3] =
            [("door", &door), ("server", &server), ("game", &game)];
        match Scope::of(server.ip()).filter(|scope| *scope < Scope::World) {
            None => self.log.info("registered", &fields),
            Some(scope) => {
                let reach = format!("{} can reach it", scope.who());
                let [door, server, game] = fields;
                self.log
                    .warn("registered", &[door, server, game, ("reach", &reach)]);
            }
        }
    }

    /// Logs that a game server is off the list.
    pub(crate) fn log_gone(&self, door: &str, server: SocketAddr, why: &str) {
        let fields: [(&str, &dyn Display); 3] =
            [("door", &door), ("server", &server), ("why", &why)];
        self.log.info("gone", &fields);
    }
}

/// A door that is to be opened.
pub trait Door: Debug + Send {
    /// Its word, which is that of its flag without dashes, such as `quake`.
    fn word(&self) -> &'static str;

    /// Opens it: its sockets and its threads, which live as long as the process. It asks at once those
    /// whom the desk [remembers](Desk::remembered).
    ///
    /// # Errors
    /// [`DoorError`].
    fn open(self: Box<Self>, hall: &Hall) -> Result<Opened, DoorError>;
}

/// A door that is open.
#[derive(Debug)]
pub struct Opened {
    /// Where it really listens.
    pub at: Vec<SocketAddr>,
    /// What an operator is told about it at the start: what to type next, in whole lines.
    pub guide: String,
}

/// Why a door cannot be opened.
#[derive(Debug)]
pub enum DoorError {
    /// It cannot listen there.
    Listen(SocketAddr, io::Error),
    /// A thread could not be started.
    Thread(io::Error),
}
