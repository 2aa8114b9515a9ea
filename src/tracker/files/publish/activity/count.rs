//! What is counted on the list.

use crate::tracker::list::entry::Entry;
use crate::tracker::list::snapshot::List;
use std::borrow::Cow;
use std::net::SocketAddr;

/// How many players and game servers there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// As the game servers say.
    pub players: u32,
    /// On the list.
    pub servers: u32,
}

impl Total {
    /// One more game server.
    pub fn add(&mut self, players: u16) {
        self.players = self.players.saturating_add(players.into());
        self.servers = self.servers.saturating_add(1);
    }
}

/// One game server.
#[derive(Debug)]
pub struct One<'a> {
    /// Where players join.
    pub address: SocketAddr,
    /// How many there are, if it says so.
    pub players: Option<u16>,
    /// What they play there, if it says so.
    pub game: Option<Cow<'a, str>>,
}

impl<'a> One<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self {
            address: entry.address,
            players: entry.infos.number("nbplayers"),
            game: entry.infos.get("game"),
        }
    }
}

/// Every game server on the list.
pub fn listed(list: &List) -> Vec<One<'_>> {
    list.entries().map(One::of).collect()
}

/// How many there are in all.
pub fn total(listed: &[One<'_>]) -> Total {
    let mut total = Total::default();
    for one in listed {
        total.add(one.players.unwrap_or(0));
    }
    total
}
