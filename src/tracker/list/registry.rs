//! Who is on the list now.
//!
//! Each ip:port and each connection has at most one entry. Pure state: no I/O, no clock.

use crate::protocol::revision::Revision;
use crate::tracker::access::identity::ConnectionId;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::history::{Change, History, Recent};
use crate::tracker::list::snapshot::List;
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a restarted tracker lists a game server that has not come back yet. After a long absence of the
/// tracker, game servers try again at least once a minute; this leaves half a minute more for the attempt.
pub const STALE_FOR: Duration = Duration::from_secs(90);

/// The ip:port belongs to another game server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is listed with another credential.
    ByAnother,
    /// It is listed with the same one, from another address, and may be the ghost of the same.
    FromElsewhere,
}

/// The listed game servers, one for each ip:port and one for each connection.
#[derive(Debug)]
pub struct Registry {
    list: Arc<List>,
    history: History,
    /// Holder of each entry, by its place in the list.
    holders: Vec<ConnectionId>,
    place_of_holder: HashMap<ConnectionId, usize>,
    place_of_address: HashMap<SocketAddr, usize>,
    /// When to forget those that came back stale. Some may have been taken over or have left.
    stale: BTreeSet<(Instant, ConnectionId)>,
}

impl Registry {
    /// An empty registry. `epoch` tells the revisions of this process from those of any other.
    pub fn new(epoch: u32) -> Self {
        Self {
            list: Arc::new(List::new(epoch)),
            history: History::default(),
            holders: Vec::new(),
            place_of_holder: HashMap::new(),
            place_of_address: HashMap::new(),
            stale: BTreeSet::new(),
        }
    }

    /// The list as it is now.
    pub fn list(&self) -> Arc<List> {
        Arc::clone(&self.list)
    }

    /// The revision of the list as it is now.
    pub(crate) fn revision(&self) -> Revision {
        self.list.revision()
    }

    /// What has changed since `revision`. `None` if that cannot be told: it is of another tracker,
    /// or too old.
    pub fn since(&self, revision: Revision) -> Option<Recent> {
        self.between(revision, self.list.revision())
    }

    /// What has changed from one revision to a later one. `None` as for [`since`](Self::since).
    pub(crate) fn between(&self, since: Revision, until: Revision) -> Option<Recent> {
        let ours = self.list.revision().epoch;
        let are_ours = since.epoch == ours && until.epoch == ours;
        are_ours
            .then(|| self.history.between(since.count, until.count))
            .flatten()
    }

    /// The entry of `holder`.
    pub fn entry_of(&self, holder: ConnectionId) -> Option<Arc<Entry>> {
        self.place_of_holder
            .get(&holder)
            .map(|&place| Arc::clone(self.list.at(place)))
    }

    /// The connection that holds the entry of `address`.
    pub fn holder_of(&self, address: SocketAddr) -> Option<ConnectionId> {
        self.place_of_address
            .get(&address)
            .map(|&place| self.holders[place])
    }

    /// The holder whose entry would go if `holder` put `entry` on the list; `None` for a free place, or its
    /// own.
    ///
    /// An older entry of the same ip:port, from the same address and with the same credential, is the ghost
    /// of a game server that was started again. An entry that only names the address gives way to whoever
    /// is there. A stale entry has no connection; its game server takes it over in the same way.
    ///
    /// # Errors
    /// [`Taken`] if the ip:port is held by another.
    pub fn replaced(
        &self,
        holder: ConnectionId,
        entry: &Entry,
    ) -> Result<Option<ConnectionId>, Taken> {
        let there = self.place_of_address.get(&entry.address);
        let Some(&place) = there.filter(|&&place| self.holders[place] != holder) else {
            return Ok(None);
        };
        let before = self.list.at(place);
        check_replacing(before, entry).map(|()| Some(self.holders[place]))
    }

    /// Puts `entry` on the list, or in place of the entry that `holder` has already. Returns whom it has
    /// [`replaced`](Self::replaced), so that the connection can be closed.
    ///
    /// # Errors
    /// [`Taken`] if the ip:port is held by another. Nothing has changed then.
    pub fn put(
        &mut self,
        holder: ConnectionId,
        entry: Entry,
    ) -> Result<Option<ConnectionId>, Taken> {
        let entry = Arc::new(entry);
        let mine = self.place_of_holder.get(&holder).copied();
        // Few updates move an entry; the others touch no more than they must.
        if let Some(place) = mine.filter(|&place| self.list.at(place).address == entry.address) {
            self.replace(place, entry);
            return Ok(None);
        }
        let replaced = self.replaced(holder, &entry)?;
        if let Some(ghost) = replaced {
            if mine.is_some() {
                self.remove(ghost);
            } else if let Some(place) = self.place_of_holder.remove(&ghost) {
                // The entry changes hands and never leaves the list.
                self.place_of_holder.insert(holder, place);
                self.holders[place] = holder;
            }
        }
        // Removing may have moved the holder's own entry.
        match self.place_of_holder.get(&holder).copied() {
            Some(place) => {
                self.place_of_address.remove(&self.list.at(place).address);
                self.place_of_address.insert(entry.address, place);
                self.replace(place, entry);
            }
            None => {
                let place = self.holders.len();
                self.holders.push(holder);
                self.place_of_holder.insert(holder, place);
                self.place_of_address.insert(entry.address, place);
                Arc::make_mut(&mut self.list).push(Arc::clone(&entry));
                let after = Some(entry);
                self.remember(Change {
                    before: None,
                    after,
                });
            }
        }
        Ok(replaced)
    }

    /// Lists a game server again that was on the list before a restart. It is stale until it logs in, and
    /// is forgotten at `until`. `holder` is a connection that there will never be. False if somebody has
    /// that ip:port already.
    pub fn restore(&mut self, holder: ConnectionId, mut entry: Entry, until: Instant) -> bool {
        let is_free = !self.place_of_address.contains_key(&entry.address);
        // The value is a valid one.
        if !is_free || entry.infos.set("stale", "yes").is_err() || self.put(holder, entry).is_err()
        {
            return false;
        }
        self.stale.insert((until, holder));
        true
    }

    /// Lists a game server that is logged in to another tracker, in place of whoever is at its address; the
    /// owner of an entry decides who that is. `holder` is a connection that there will never be. Returns
    /// who has lost the address.
    pub(crate) fn put_elsewhere(
        &mut self,
        holder: ConnectionId,
        entry: Entry,
    ) -> Option<ConnectionId> {
        let there = self.place_of_address.get(&entry.address).copied();
        let before = there.map(|place| self.holders[place]);
        if let Some((place, before)) = there.zip(before) {
            self.place_of_holder.remove(&before);
            self.place_of_holder.insert(holder, place);
            self.holders[place] = holder;
        }
        // Nobody else is there.
        let _ = self.put(holder, entry);
        before.filter(|before| *before != holder)
    }

    /// The entry of `address`, and its holder.
    pub(crate) fn at(&self, address: SocketAddr) -> Option<(ConnectionId, Arc<Entry>)> {
        let place = *self.place_of_address.get(&address)?;
        Some((self.holders[place], Arc::clone(self.list.at(place))))
    }

    /// The stale entry of `address`, and the holder it was given.
    pub(crate) fn stale_at(&self, address: SocketAddr) -> Option<(ConnectionId, Arc<Entry>)> {
        self.at(address).filter(|(_, entry)| entry.is_stale())
    }

    /// The entry that `entry` would take over from a game server that is not connected here: it is stale, or
    /// logged in to another tracker.
    pub fn absent_before(&self, entry: &Entry) -> Option<Arc<Entry>> {
        let (_, before) = self.at(entry.address)?;
        let is_absent = before.is_stale() || before.is_elsewhere;
        let is_its_own = is_absent && check_replacing(&before, entry).is_ok();
        is_its_own.then_some(before)
    }

    /// When the next stale entry is to be forgotten; `None` if there is none left.
    pub fn next_to_forget(&self) -> Option<Instant> {
        self.stale.first().map(|(until, _)| *until)
    }

    /// Takes one stale entry off the list whose time is over. One at a time, so that nobody waits while
    /// thousands go.
    pub fn forget(&mut self, now: Instant) -> Option<Arc<Entry>> {
        while self.next_to_forget().is_some_and(|until| until <= now) {
            let (_, holder) = self.stale.pop_first()?;
            // Holders are never used twice: an entry that was taken over is not found.
            if let Some(entry) = self.remove(holder) {
                return Some(entry);
            }
        }
        None
    }

    /// Takes the entry of `holder` off the list. `None` if it has none (any more).
    pub fn remove(&mut self, holder: ConnectionId) -> Option<Arc<Entry>> {
        let place = self.place_of_holder.remove(&holder)?;
        let list = Arc::make_mut(&mut self.list);
        let removed = Arc::clone(list.at(place));
        self.place_of_address.remove(&removed.address);
        // The last entry moves into the gap, so that leaves stay full.
        let last = self.holders.len() - 1;
        self.holders.swap_remove(place);
        if place != last {
            let moved = Arc::clone(list.at(last));
            self.place_of_holder.insert(self.holders[place], place);
            self.place_of_address.insert(moved.address, place);
            list.replace(place, moved);
        }
        list.pop();
        self.remember(Change {
            before: Some(Arc::clone(&removed)),
            after: None,
        });
        Some(removed)
    }

    /// Puts another entry in the place of one.
    fn replace(&mut self, place: usize, entry: Arc<Entry>) {
        let list = Arc::make_mut(&mut self.list);
        let before = Some(list.replace(place, Arc::clone(&entry)));
        let after = Some(entry);
        self.remember(Change { before, after });
    }

    /// Every change of the list is one revision.
    fn remember(&mut self, change: Change) {
        Arc::make_mut(&mut self.list).advance();
        self.history.push(change, self.list.count());
    }
}

/// Fails unless `after` may have the place of `before`.
fn check_replacing(before: &Entry, after: &Entry) -> Result<(), Taken> {
    // Whoever connects from the address itself has it before those who only name it.
    let is_at_home = |entry: &Entry| entry.peer == entry.address.ip();
    if is_at_home(after) && !is_at_home(before) {
        return Ok(());
    }
    match before.credential.yields_to(after.credential) {
        true if before.peer == after.peer => Ok(()),
        true => Err(Taken::FromElsewhere),
        false => Err(Taken::ByAnother),
    }
}

#[cfg(test)]
mod tests;
