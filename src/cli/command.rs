//! The commands that a command line can give, and the error for a wrong one.

use crate::base::log::Level;
use crate::bridge;
use crate::client::{browse, list};
use crate::game_server::announce::Options;
use crate::tracker::Config;
use std::fmt;

/// What the user wants done.
#[derive(Debug)]
pub enum Command {
    /// Run a tracker.
    Serve(Box<Config>, Level),
    /// Print a tracker's list.
    List(Box<list::Request>),
    /// Show it, live, in the terminal.
    Browse(Box<browse::Request>),
    /// Keep a game server on the lists of trackers.
    Announce(Box<Options>),
    /// Say why a game server is not listed; with the port for players, if it was named.
    CheckAnnounce(Box<Options>, Option<u16>),
    /// Say why a player sees nothing.
    CheckList(Box<list::Request>),
    /// Let unmodified games onto a tracker's list.
    Bridge(Box<bridge::Options>),
    /// Print a text and leave.
    Print(String),
}

impl Command {
    pub(crate) fn version() -> Self {
        Self::Print(format!("gltracker {}\n", env!("CARGO_PKG_VERSION")))
    }
}

/// Wrong usage: a text for the user, without the name of the program.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError(pub(crate) String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}
