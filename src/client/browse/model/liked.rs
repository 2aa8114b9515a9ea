//! The player's favourites among the rows. Pure.
//!
//! This file hides that a favourite which is not on the list has a row too.

use super::row::Row;
use super::state::Model;
use std::collections::BTreeMap;
use std::net::SocketAddr;

impl Model {
    /// Marks the favourites, which may include those of other browsers now. Those that are not on the list
    /// have a row as soon as there is the whole list; what was listed of them `before` is remembered.
    pub(super) fn mark(&mut self, mut before: BTreeMap<SocketAddr, Row>) {
        if self.updated.is_some() && !self.is_partial {
            for address in self.favourites.iter() {
                let missing = || Row::offline(address, before.remove(&address));
                self.rows.entry(address).or_insert_with(missing);
            }
        }
        let (twins, favourites) = (&self.twins, &self.favourites);
        self.rows.retain(|address, row| {
            let twin = twins.get(address);
            row.favourite = favourites.contains(*address)
                || twin.is_some_and(|twin| favourites.contains(*twin));
            row.favourite || !row.is_offline
        });
        self.is_stale = true;
    }

    /// Marks the favourites again.
    pub(crate) fn mark_favourites(&mut self) {
        self.mark(BTreeMap::new());
    }

    /// Makes the game server at this address a favourite, or not one any more, at both of its addresses.
    /// Returns whether it is one now.
    pub(super) fn like(&mut self, address: SocketAddr) -> bool {
        let both = [Some(address), self.twin_of(address)];
        let liked = both.into_iter().flatten();
        let liked: Vec<SocketAddr> = liked.filter(|at| self.favourites.contains(*at)).collect();
        match liked.is_empty() {
            true => self.favourites.toggle(address),
            false => liked.iter().for_each(|at| self.favourites.toggle(*at)),
        }
        self.mark_favourites();
        liked.is_empty()
    }
}
