//! What an operator decides, and what the door does.

use crate::bridge::desk::Wanted;
use crate::bridge::quake::budgets;
use crate::bridge::quake::games::Games;
use crate::bridge::quake::list::Answer;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The word of this door.
pub(in crate::bridge::quake) const WORD: &str = "quake";

/// What an operator decides.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Which games, and how they are called.
    pub games: Games,
    /// The most game servers, listed or being asked.
    pub most: usize,
    /// The most game servers of one host.
    pub most_of_host: usize,
    /// Bytes of lists a second for one host; 0 is no bound.
    pub per_host: u32,
    /// Bytes of lists a second in all; 0 is no bound.
    pub in_all: u32,
    /// Game servers on this machine may register by its loopback address.
    pub loopback: bool,
    /// Under which address the game servers of another are listed.
    pub maps: Vec<(IpAddr, IpAddr)>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            games: Games::default(),
            most: 4096,
            most_of_host: 32,
            per_host: budgets::PER_HOST,
            in_all: budgets::IN_ALL,
            loopback: true,
            maps: Vec::new(),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A question goes to a game server.
    Ask(SocketAddr, Vec<u8>),
    /// A list goes to whoever has asked for it.
    Answer(Arc<Answer>),
    /// A game server is to be listed at this address, or has changed.
    List(SocketAddr, Wanted),
    /// A game server is not to be listed any more.
    Unlist(SocketAddr),
    /// An operator may want to know.
    Say(SocketAddr, Event),
}

/// What has happened to a game server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It is new on the list, and of this game.
    Registered(String),
    /// It does not answer any more; true if it has said that it ends.
    Gone(bool),
    /// It is not listed, for this reason.
    Refused(String),
}
