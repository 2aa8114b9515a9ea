//! One row of the list: a game server. Pure.
//!
//! This file hides how rows are ordered and searched.

use crate::client::columns::{Collated, Sort, folded};
use crate::client::ping::{self, TOO_FAR, Target};
use crate::client::replica::Doubt;
use crate::client::width::is_blank;
use crate::protocol::fields::Infos;
use std::cmp::Ordering;
use std::net::SocketAddr;
use std::time::Duration;

/// The result of pinging one game server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ping {
    /// Nothing yet.
    Waiting,
    /// The mean of the answers, and how many probes were lost, as far as that says something.
    Answered {
        /// The mean time to an answer.
        mean: Duration,
        /// Probes that were lost.
        lost: u32,
    },
    /// All that came took longer than a second.
    Late,
    /// No probe was answered.
    Silent,
}

impl Ping {
    fn of(ping: &ping::Ping) -> Self {
        match ping.mean {
            Some(mean) => Self::Answered {
                mean,
                lost: ping.lost(),
            },
            None if ping.is_late => Self::Late,
            None => Self::Silent,
        }
    }
}

/// An entry of the list: address, fields, and what speaks against it.
pub type Listed = (SocketAddr, Infos, Option<Doubt>);

/// One game server.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where it is.
    pub address: SocketAddr,
    /// What it says about itself.
    pub infos: Infos,
    /// How many play as it has told this program, in place of how many a tracker listed then.
    counted: Option<(u16, Option<u16>)>,
    /// What speaks against it.
    pub doubt: Option<Doubt>,
    /// How it is pinged; `None` if it may be neither pinged nor joined.
    pub target: Option<Target>,
    /// How far away it is.
    pub ping: Ping,
    /// The player likes it.
    pub favourite: bool,
    /// It is a favourite, and not on the list.
    pub is_offline: bool,
    /// Its own name, for comparisons.
    sorted_by: Collated,
}

impl Row {
    pub(crate) fn new((address, infos, doubt): Listed) -> Self {
        let may_be_used = doubt.is_none_or(Doubt::may_be_used);
        Self {
            address,
            doubt,
            target: may_be_used.then(|| Target::of(address, &infos)),
            sorted_by: Collated::of(&infos.get("description").unwrap_or_default()),
            infos,
            counted: None,
            ping: Ping::Waiting,
            favourite: false,
            is_offline: false,
        }
    }

    /// One that is not on the list, and what is remembered of it. It is not pinged.
    pub(super) fn offline(address: SocketAddr, before: Option<Self>) -> Self {
        let mut infos = Infos::default();
        for key in ["description", "game", "version"] {
            let said = before.as_ref().and_then(|row| row.infos.get(key));
            // It was listed with them, so there is room.
            let _ = said.map(|value| infos.set(key, &value));
        }
        Self {
            target: None,
            is_offline: true,
            ..Self::new((address, infos, None))
        }
    }

    /// What was known of it before counts on, except for players of whom a tracker says something new.
    pub(super) fn follow(&mut self, before: Self) {
        self.ping = before.ping;
        let listed = self.infos.number("nbplayers");
        if let Some((players, _)) = before.counted.filter(|(_, then)| *then == listed) {
            self.count(players, listed);
        }
    }

    fn count(&mut self, players: u16, listed: Option<u16>) {
        // Only a row that is full of fields has no room for it.
        if self.infos.set("nbplayers", &players.to_string()).is_ok() {
            self.counted = Some((players, listed));
        }
    }

    /// It was pinged, and may have said how many play.
    pub(super) fn measured(&mut self, ping: &ping::Ping) {
        self.ping = Ping::of(ping);
        let known = || self.infos.number("nbplayers");
        let listed = self.counted.map_or_else(known, |(_, listed)| listed);
        if let Some(players) = ping.players() {
            self.count(players, listed);
        }
    }

    /// True if that it is silent says nothing.
    pub(crate) fn may_not_know_ping(&self) -> bool {
        self.target.is_some() && self.infos.may_not_know_ping()
    }

    /// What the player reads as its name.
    pub(crate) fn name(&self) -> String {
        let name = self.infos.get("description").unwrap_or_default();
        match is_blank(&name) {
            // A blank name cannot be seen.
            true => self.address.to_string(),
            false => name.into_owned(),
        }
    }

    pub(crate) fn players(&self) -> u16 {
        self.infos.number("nbplayers").unwrap_or_default()
    }

    /// Its version, if it is not the player's.
    pub(crate) fn other_version(&self, version: Option<&str>) -> Option<String> {
        let (mine, theirs) = (version?, self.infos.get("version")?);
        (mine != theirs).then(|| theirs.into_owned())
    }

    pub(crate) fn is_full(&self) -> bool {
        let most = self.infos.number("maxplayers");
        most.is_some_and(|most| self.players() >= most)
    }
}

/// True if each of these words, which are [`folded`], stands in a value of the game server or in its address,
/// or, if it holds a `=`, in `key=value` of one of its fields.
pub(crate) fn matches(row: &Row, words: &[String]) -> bool {
    let text_of = |is_keyed: bool| {
        let mut text = row.address.to_string();
        for (key, value) in row.infos.iter() {
            text.push('\n');
            if is_keyed {
                text.extend([key, "="]);
            }
            text.push_str(&folded(&value));
        }
        text
    };
    let hold = |is_keyed| {
        let those = words.iter().filter(|word| word.contains('=') == is_keyed);
        let mut those = those.peekable();
        those.peek().is_none() || {
            let text = text_of(is_keyed);
            those.all(|word| text.contains(word.as_str()))
        }
    };
    hold(false) && hold(true)
}

/// How likely it is that the player can play there, best first: near, not known, far, further, silent (a
/// firewall may drop pings alone), of another version (it refuses the player, however near it is), in
/// doubt (it may not be there at all), not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Chance {
    is_offline: bool,
    doubt: Option<Doubt>,
    is_other_version: bool,
    distance: u8,
    mean: Duration,
}

impl Chance {
    /// The chance at a game server, for a player with this version, if it is known.
    pub(crate) fn of(row: &Row, version: Option<&str>) -> Self {
        let (distance, mean) = match row.ping {
            Ping::Answered { mean, .. } if mean <= TOO_FAR => (0, mean),
            Ping::Waiting => (1, Duration::ZERO),
            Ping::Silent if row.may_not_know_ping() => (1, Duration::ZERO),
            Ping::Answered { mean, .. } => (2, mean),
            Ping::Late => (3, Duration::ZERO),
            Ping::Silent => (4, Duration::ZERO),
        };
        Self {
            is_offline: row.is_offline,
            doubt: row.doubt,
            is_other_version: row.other_version(version).is_some(),
            distance,
            mean,
        }
    }
}

/// A row with what it is sorted by.
pub(crate) struct Ranked<'a> {
    pub(crate) row: &'a Row,
    chance: Chance,
    /// Its name, or what it says in the field by which rows are sorted.
    text: Collated,
}

impl<'a> Ranked<'a> {
    /// A row, for a player with this version, if it is known.
    pub(crate) fn of(row: &'a Row, version: Option<&str>, sort: &Sort) -> Self {
        let text = match sort {
            Sort::Name => row.sorted_by.clone(),
            Sort::Field(key) => Collated::of(&row.infos.get(key).unwrap_or_default()),
            Sort::Ping | Sort::Players | Sort::Address => Collated::default(),
        };
        Self {
            row,
            chance: Chance::of(row, version),
            text,
        }
    }
}

impl Ranked<'_> {
    /// Which of two addresses of a game server is the better one: the smaller.
    pub(crate) fn rank(&self) -> (Chance, SocketAddr) {
        (self.chance, self.row.address)
    }

    /// Puts favourites before others, if they are on the list.
    pub(crate) fn by_favourite(&self, other: &Self) -> Ordering {
        let is_first = |ranked: &Self| ranked.row.favourite && !ranked.row.is_offline;
        is_first(other).cmp(&is_first(self))
    }
}

/// Compares two rows. In every order those come last that are not listed or in doubt; before these, whichever
/// way the order runs, those that one cannot play on (by ping), or that say nothing (by players or a text).
pub(crate) fn compare(a: &Ranked, b: &Ranked, sort: &Sort, is_reversed: bool) -> Ordering {
    let class = |ranked: &Ranked| match sort {
        Sort::Ping => (ranked.chance.is_other_version, ranked.chance.distance),
        Sort::Players => (ranked.row.infos.number("nbplayers").is_none(), 0),
        _ => (ranked.text.is_nothing(), 0),
    };
    let by_players = || b.row.players().cmp(&a.row.players());
    let first = match sort {
        Sort::Ping => a.chance.mean.cmp(&b.chance.mean),
        Sort::Players => by_players(),
        Sort::Name | Sort::Field(_) => a.text.cmp(&b.text),
        Sort::Address => a.row.address.cmp(&b.row.address),
    };
    let first = if is_reversed { first.reverse() } else { first };
    let doubt = |ranked: &Ranked| (ranked.chance.is_offline, ranked.chance.doubt);
    doubt(a)
        .cmp(&doubt(b))
        .then(class(a).cmp(&class(b)))
        .then(first)
        .then_with(|| a.chance.cmp(&b.chance))
        .then_with(by_players)
        .then_with(|| a.row.sorted_by.cmp(&b.row.sorted_by))
        .then_with(|| a.row.address.cmp(&b.row.address))
}
