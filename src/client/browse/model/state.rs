//! What the browser knows. Pure.
//!
//! This file hides what is shown and what is selected.

use super::row::{Listed, Ping, Ranked, Row, compare, matches};
use crate::client::browse::favourites::Favourites;
use crate::client::browse::keyboard::Key;
use crate::client::columns::{Columns, Field, Sort, folded};
use crate::client::ping::{self, TOO_FAR, TOO_LATE, Target};
use crate::client::width::cut;
use crate::protocol::fields::Infos;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Instant;

/// The most columns of a game server's version, so that there is room for the player's.
const VERSION_IN_TROUBLE: usize = 24;

/// The most columns of a name in a notice, so that there is room for the rest.
pub(super) const NAME_IN_NOTICE: usize = 40;

/// What is in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The list.
    List,
    /// The list, while a word to search for is typed.
    Search,
    /// All fields of the selected game server.
    Details,
    /// What the keys do.
    Help,
}

/// How the connection to the tracker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// It was asked, and nothing has come yet.
    Connecting,
    /// Changes come as they happen.
    Live,
    /// There is no connection, or the tracker refuses the conditions.
    Lost {
        /// Why.
        why: String,
        /// True if it is being tried again; false if that waits for the player.
        is_retried: bool,
        /// True if there was one before.
        was_heard: bool,
    },
}

/// Something has happened.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(Key),
    /// The whole list at a consistent moment.
    List(Vec<Listed>),
    /// A target was pinged.
    Ping(ping::Ping),
    /// There is no connection to the tracker.
    Lost {
        /// Why.
        why: String,
        /// True if it is being tried again.
        is_retried: bool,
        /// True if there was one before.
        was_heard: bool,
    },
    /// The terminal has this many columns and lines.
    Size(usize, usize),
    /// Something was done or has failed: a line for the player.
    Notice(String),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Leave.
    Quit,
    /// Join this game server, which has these fields.
    Join(SocketAddr, Infos),
    /// Put this into the clipboard.
    Copy(String),
    /// The favourites have changed.
    SaveFavourites,
    /// Ping these targets.
    Ping(Vec<Target>),
    /// Ping these targets, and try lost trackers again.
    Refresh(Vec<Target>),
    /// Draw everything anew.
    Redraw,
}

/// Which game servers are hidden, beside those that the search hides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Those without players.
    pub empty: bool,
    /// Those that are full.
    pub full: bool,
    /// Those of another version.
    pub other_versions: bool,
    /// Those that are no favourites.
    pub others: bool,
}

/// Everything that the browser knows.
#[derive(Debug)]
pub struct Model {
    pub(super) rows: BTreeMap<SocketAddr, Row>,
    /// The other address of each game server that is listed at two.
    pub(super) twins: HashMap<SocketAddr, SocketAddr>,
    /// The game servers that are pinged as one.
    pub(super) targets: HashMap<Target, Vec<SocketAddr>>,
    /// The addresses that are shown, in order.
    pub(super) shown: Vec<SocketAddr>,
    pub(super) selected: Option<SocketAddr>,
    /// The place of the selected one, or its last place if it has left the list.
    pub(super) place: usize,
    /// The player has chosen it. Until then the first one is selected.
    pub(super) has_chosen: bool,
    /// The one that was chosen when the search began. Giving up the search selects it again.
    pub(super) before_search: Option<SocketAddr>,
    /// Something has changed that the order may depend on.
    pub(super) is_stale: bool,
    pub(super) top: usize,
    /// The page in front.
    pub page: Page,
    /// The page behind the help.
    pub(super) behind: Page,
    /// The first line of the page that is shown, if the page is longer than the terminal.
    pub scrolled: usize,
    /// What is searched for; empty for everything.
    pub search: String,
    /// What is hidden.
    pub hidden: Hidden,
    /// Which columns the player wants.
    pub columns: Columns,
    /// The fields that have a column.
    pub fields: Vec<Field>,
    /// The order.
    pub sort: Sort,
    /// The other way round.
    pub reversed: bool,
    /// Favourites come first.
    pub favourites_first: bool,
    /// The connection to the tracker.
    pub connection: Connection,
    /// The name of the tracker.
    pub tracker: String,
    /// The list was asked for with conditions.
    pub is_partial: bool,
    /// The version of the player's game, if it is known.
    pub game_version: Option<String>,
    /// A line for the player, and when it came.
    pub notice: Option<(String, Instant)>,
    /// When the list was as it is shown.
    pub updated: Option<Instant>,
    /// Favourite game servers.
    pub favourites: Favourites,
    /// Enter joins with a program; otherwise it prints the address.
    pub joins: bool,
    /// Columns and lines of the terminal.
    pub size: (usize, usize),
}

impl Model {
    /// Nothing is known yet.
    pub fn new(tracker: String, game_version: Option<String>, favourites: Favourites) -> Self {
        Self {
            rows: BTreeMap::new(),
            twins: HashMap::new(),
            targets: HashMap::new(),
            shown: Vec::new(),
            selected: None,
            place: 0,
            has_chosen: false,
            before_search: None,
            is_stale: false,
            top: 0,
            page: Page::List,
            behind: Page::List,
            scrolled: 0,
            search: String::new(),
            hidden: Hidden::default(),
            columns: Columns::default(),
            fields: Vec::new(),
            sort: Sort::Ping,
            reversed: false,
            favourites_first: false,
            connection: Connection::Connecting,
            tracker,
            is_partial: false,
            game_version,
            notice: None,
            updated: None,
            favourites,
            joins: false,
            size: (80, 24),
        }
    }

    /// How the game server at this address of the list is pinged now; `None` if it is not, or is gone.
    pub(crate) fn target_of(&self, address: SocketAddr) -> Option<Target> {
        self.rows.get(&address)?.target
    }

    /// The addresses on the list of those that are pinged there.
    pub(crate) fn entries_at<'a>(
        &'a self,
        targets: &'a [Target],
    ) -> impl Iterator<Item = SocketAddr> + 'a {
        let entries = |target| self.targets.get(target).into_iter().flatten();
        targets.iter().flat_map(entries).copied()
    }

    /// The rows to show, in order.
    pub fn shown(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.shown.iter().map(|address| &self.rows[address])
    }

    /// How many game servers are listed, shown or not.
    pub(crate) fn count(&self) -> usize {
        let listed = self.rows.values().filter(|row| !row.is_offline);
        listed.count() - self.twins.len() / 2
    }

    /// The other address of a game server that is listed at two.
    pub(crate) fn twin_of(&self, address: SocketAddr) -> Option<SocketAddr> {
        self.twins.get(&address).copied()
    }

    /// The row of its other address.
    pub(crate) fn twin_row(&self, row: &Row) -> Option<&Row> {
        self.rows.get(&self.twin_of(row.address)?)
    }

    /// The columns that rows can be ordered by, as a key goes through them.
    pub(crate) fn orders(&self) -> Vec<Sort> {
        let fields = self.fields.iter();
        let mut orders = vec![Sort::Ping, Sort::Players, Sort::Name];
        orders.extend(fields.map(|field| Sort::Field(field.key.clone())));
        orders.push(Sort::Address);
        orders
    }

    /// The selected game server, if there is one.
    pub fn selected(&self) -> Option<&Row> {
        self.rows.get(&self.selected?)
    }

    /// The first row that is on the screen.
    pub fn top(&self) -> usize {
        self.top
    }

    /// How many rows there is room for, beside the head and two lines at the bottom.
    pub fn room(&self) -> usize {
        self.size.1.saturating_sub(3).max(1)
    }

    /// Why a tracker is lost, if there is room for that below the rows.
    pub(crate) fn reason_below(&self) -> Option<&str> {
        let is_list = matches!(self.page, Page::List | Page::Search);
        match &self.connection {
            // A line before it is left free.
            Connection::Lost { why, .. } if is_list && self.shown.len() + 2 <= self.room() => {
                Some(why)
            }
            _ => None,
        }
    }

    /// Why one should not play there, if there is a reason.
    pub(crate) fn trouble(&self, row: &Row) -> Option<String> {
        if row.is_offline {
            return Some("not on the list".to_owned());
        }
        if let Some(doubt) = row.doubt {
            return Some(doubt.text().to_owned());
        }
        let mine = self.game_version.as_deref();
        if let (Some(mine), Some(theirs)) = (mine, row.other_version(mine)) {
            let theirs = cut(&theirs, VERSION_IN_TROUBLE);
            return Some(format!("version {theirs}, yours is {mine}"));
        }
        match row.ping {
            Ping::Silent if !row.may_not_know_ping() => Some("no answer to pings".to_owned()),
            Ping::Late => Some(format!("over {} ms away", TOO_LATE.as_millis())),
            Ping::Answered { mean, .. } if mean > TOO_FAR => {
                Some(format!("over {} ms away", TOO_FAR.as_millis()))
            }
            _ => None,
        }
    }

    /// Finds the columns and puts the rows into order, if something has changed. To be called before
    /// drawing: a thousand pings then cost one sort.
    pub fn settle(&mut self) {
        if std::mem::take(&mut self.is_stale) {
            let listed = self.rows.values().map(|row| &row.infos);
            self.fields = self.columns.of(listed);
            self.arrange();
        }
    }

    pub(super) fn go_to(&mut self, place: usize) {
        self.place = place.min(self.shown.len().saturating_sub(1));
        self.selected = self.shown.get(self.place).copied();
        self.keep_in_sight();
    }

    /// Chooses the rows that are shown and sorts them. The selected one stays selected wherever it
    /// moves; if it has gone, the next one in its place is.
    pub(super) fn arrange(&mut self) {
        let searched = folded(&self.search);
        let words: Vec<String> = searched.split_whitespace().map(str::to_owned).collect();
        let version = self.game_version.as_deref();
        let mut shown: Vec<Ranked> = self
            .rows
            .values()
            .filter(|row| !self.is_hidden(row) && matches(row, &words))
            .map(|row| Ranked::of(row, version, &self.sort))
            .collect();
        // Of two addresses of a game server the better one is shown.
        let ranks = shown
            .iter()
            .map(|ranked| (ranked.row.address, ranked.rank()));
        let ranks: HashMap<SocketAddr, _> = ranks
            .filter(|(address, _)| self.twins.contains_key(address))
            .collect();
        let is_worse = |address, other| {
            ranks
                .get(&other)
                .is_some_and(|rank| *rank < ranks[&address])
        };
        shown.retain(|ranked| {
            let address = ranked.row.address;
            self.twin_of(address)
                .is_none_or(|twin| !is_worse(address, twin))
        });
        shown.sort_by(|a, b| {
            let first = self.favourites_first.then(|| a.by_favourite(b));
            let order = || compare(a, b, &self.sort, self.reversed);
            first.unwrap_or(Ordering::Equal).then_with(order)
        });
        self.shown = shown.iter().map(|ranked| ranked.row.address).collect();
        let selected = self.selected.filter(|_| self.has_chosen);
        let place_of = |address| self.shown.iter().position(|shown| *shown == address);
        let place = selected
            .and_then(|selected| place_of(selected).or_else(|| place_of(self.twin_of(selected)?)));
        let otherwise = if self.has_chosen { self.place } else { 0 };
        self.go_to(place.unwrap_or(otherwise));
    }

    fn is_hidden(&self, row: &Row) -> bool {
        let other_version = || {
            let (mine, theirs) = (&self.game_version, row.infos.get("version"));
            mine.as_deref() != theirs.as_deref()
        };
        (self.hidden.empty && row.players() == 0)
            || (self.hidden.full && row.is_full())
            || (self.hidden.other_versions && other_version())
            || (self.hidden.others && !row.favourite)
    }

    pub(super) fn keep_in_sight(&mut self) {
        let room = self.room();
        let last_top = self.shown.len().saturating_sub(room);
        self.top = self.top.min(last_top);
        if self.place < self.top {
            self.top = self.place;
        } else if self.place >= self.top + room {
            self.top = self.place + 1 - room;
        }
    }
}
