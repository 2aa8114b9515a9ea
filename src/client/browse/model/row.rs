//! One game server in the list: what is known of it, and where it stands. Pure.
//!
//! This file hides by what rows are ordered and found.

use crate::client::ping::{TOO_FAR, target};
use crate::client::replica::Doubt;
use crate::client::width::is_blank;
use crate::protocol::infos::Infos;
use std::cmp::Ordering;
use std::net::SocketAddr;
use std::time::Duration;

/// What pinging one game server has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ping {
    /// Nothing yet.
    Waiting,
    /// The mean of the answers, and how many probes were lost.
    Answered {
        /// The mean time to an answer.
        mean: Duration,
        /// Probes that were not answered.
        lost: u32,
    },
    /// No probe was answered.
    Silent,
}

/// A game server as it is listed: its address, what it says about itself, and what speaks against
/// it.
pub type Listed = (SocketAddr, Infos, Option<Doubt>);

/// One game server.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where it is.
    pub address: SocketAddr,
    /// What it says about itself.
    pub infos: Infos,
    /// What speaks against it.
    pub doubt: Option<Doubt>,
    /// Where it is pinged; `None` if it may be neither pinged nor joined.
    pub target: Option<SocketAddr>,
    /// How far away it is.
    pub ping: Ping,
    /// The player likes it.
    pub favourite: bool,
    /// Its name in lower case, made once and not for every comparison.
    sorted_by: String,
}

impl Row {
    pub(crate) fn new((address, infos, doubt): Listed, favourite: bool) -> Self {
        let may_be_used = doubt.is_none_or(Doubt::may_be_used);
        let mut row = Self {
            address,
            doubt,
            target: may_be_used.then(|| target(address, &infos)),
            infos,
            ping: Ping::Waiting,
            favourite,
            sorted_by: String::new(),
        };
        row.sorted_by = row.name().to_lowercase();
        row
    }

    /// What the player reads first.
    pub(crate) fn name(&self) -> String {
        let name = self.infos.get("description").unwrap_or_default();
        match is_blank(&name) {
            // Nobody could see it.
            true => self.address.to_string(),
            false => name.into_owned(),
        }
    }

    pub(crate) fn players(&self) -> u16 {
        self.infos.number("nbplayers").unwrap_or_default()
    }

    /// Its version, if that is known not to be the player's.
    pub(crate) fn other_version(&self, version: Option<&str>) -> Option<String> {
        let (mine, theirs) = (version?, self.infos.get("version")?);
        (mine != theirs).then(|| theirs.into_owned())
    }

    pub(crate) fn is_full(&self) -> bool {
        let most = self.infos.number("maxplayers");
        most.is_some_and(|most| self.players() >= most)
    }
}

/// What the rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Nearest first, then most players, then name.
    Ping,
    /// Most players first.
    Players,
    /// By name.
    Name,
    /// By what they say in this field.
    Field(&'static str),
    /// By address.
    Address,
}

impl Column {
    /// All of them, as one key goes through them.
    pub(crate) const ALL: [Self; 8] = [
        Self::Ping,
        Self::Players,
        Self::Name,
        Self::Field("version"),
        Self::Field("speed"),
        Self::Field("size"),
        Self::Field("erase"),
        Self::Address,
    ];

    /// Its name in the head of the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Players => "players",
            Self::Name => "name",
            Self::Field(key) => key,
            Self::Address => "address",
        }
    }

    pub(crate) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|column| *column == self);
        Self::ALL[at.map_or(0, |at| (at + 1) % Self::ALL.len())]
    }
}

/// True if some value of the game server, or its address, holds `needle`, which is lower case.
pub(crate) fn matches(row: &Row, needle: &str) -> bool {
    needle.is_empty()
        || row.address.to_string().contains(needle)
        || row
            .infos
            .iter()
            .any(|(_, value)| value.to_lowercase().contains(needle))
}

/// How much of a chance there is to play there, the best first: near ones, those that are being
/// measured, those that are far, those that are silent (a firewall may eat pings alone), then
/// those of another version, which refuse the player however near they are, and last those that
/// may not be there at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Chance {
    doubt: Option<Doubt>,
    is_other_version: bool,
    distance: u8,
    mean: Duration,
}

impl Chance {
    /// Of a game server, for a player who has this version or does not say.
    pub(crate) fn of(row: &Row, version: Option<&str>) -> Self {
        let (distance, mean) = match row.ping {
            Ping::Answered { mean, .. } if mean <= TOO_FAR => (0, mean),
            Ping::Waiting => (1, Duration::ZERO),
            Ping::Answered { mean, .. } => (2, mean),
            Ping::Silent => (3, Duration::ZERO),
        };
        Self {
            doubt: row.doubt,
            is_other_version: row.other_version(version).is_some(),
            distance,
            mean,
        }
    }
}

/// Which comes first. Those that may not be there come last, and by ping those that cannot be played
/// on, also the other way round.
pub(crate) fn compare(
    (chance_a, a): &(Chance, &Row),
    (chance_b, b): &(Chance, &Row),
    column: Column,
    is_reversed: bool,
) -> Ordering {
    let class = |chance: &Chance| (chance.is_other_version, chance.distance);
    let by_players = || b.players().cmp(&a.players());
    let by_name = || a.sorted_by.cmp(&b.sorted_by);
    let (class, first) = match column {
        Column::Ping => (
            class(chance_a).cmp(&class(chance_b)),
            chance_a.mean.cmp(&chance_b.mean),
        ),
        Column::Players => (Ordering::Equal, by_players()),
        Column::Name => (Ordering::Equal, by_name()),
        Column::Field(key) => (Ordering::Equal, a.infos.get(key).cmp(&b.infos.get(key))),
        Column::Address => (Ordering::Equal, a.address.cmp(&b.address)),
    };
    let first = if is_reversed { first.reverse() } else { first };
    let doubt = chance_a.doubt.cmp(&chance_b.doubt);
    doubt
        .then(class)
        .then(first)
        .then_with(|| chance_a.cmp(chance_b))
        .then_with(by_players)
        .then_with(by_name)
        .then_with(|| a.address.cmp(&b.address))
}
