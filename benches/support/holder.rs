//! Who holds the connections of game servers: a tracker, and what it is compared with.

use super::bare::{Bare, Kind};
use super::fleet::{Fleet, WELCOME};
use super::process::Process;
use super::run::Result;
use super::tracker::{Slots, Tracker};
use std::net::SocketAddr;

/// Threads of a bare server that nobody has, as the tracker has some.
const SPARE_THREADS: usize = 32;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A real tracker.
    Tracker,
    /// A bare loop in as many threads, which answers every line and looks at none.
    Threads,
}

impl Holder {
    /// As it is called in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tracker => "gltracker",
            Self::Threads => "threads",
        }
    }

    /// Starts one with room for so many, without any yet.
    pub(crate) fn start(self, listed: usize) -> Result<Held> {
        let (process, servers, clients) = match self {
            Self::Tracker => {
                let tracker = Tracker::start(Slots::for_listed(listed))?;
                (tracker.process, tracker.servers, tracker.clients)
            }
            Self::Threads => {
                let threads = listed + SPARE_THREADS;
                let bare = Bare::start(Kind::Greet { threads }, WELCOME)?;
                (bare.process, bare.address, bare.address)
            }
        };
        let fleet = Fleet::new(servers);
        Ok(Held {
            process,
            clients,
            fleet,
        })
    }
}

/// One of them, and the game servers that it holds.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) process: Process,
    /// Where clients ask, if it is a tracker.
    pub(crate) clients: SocketAddr,
    pub(crate) fleet: Fleet,
}
