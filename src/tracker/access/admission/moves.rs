//! How a connection moves on to a slot of another class, and what a failed login leads to.

use super::denied::Denied;
use super::slot_table::{Holder, Newcomer};
use super::slots_in_use::Admission;
use crate::tracker::access::identity::{ConnectionId, Credential};
use crate::tracker::access::network::Network;
use crate::tracker::access::slots::Class;
use std::net::IpAddr;
use std::time::{Duration, Instant};

impl<H> Admission<H> {
    /// Gives a client a slot as a watcher too, by the same rules. It keeps its slot as a client until
    /// [`settle`](Self::settle).
    ///
    /// # Errors
    /// Why not; it keeps the slot it has.
    pub(crate) fn watch(&mut self, client: Newcomer, handle: H) -> Result<Option<H>, Denied> {
        if !client.trusted {
            self.check_cap(Network::host(client.ip), Class::Watcher)?;
        }
        self.take_slot(client, Class::Watcher, handle)
    }

    /// A client has become a watcher, and gives back the slot or the place without one that it had before.
    pub(crate) fn settle(&mut self, id: ConnectionId) {
        self.tables[Class::Client as usize].remove(id);
        self.leave_without_slot(id);
    }

    /// Gives a game server that has logged in a slot of the list, and takes back its pending slot. One that
    /// has a slot of the list keeps it. The `ghost` that it replaces loses its slot first, and its handle
    /// is returned: nobody is kept out by a ghost of its own.
    ///
    /// # Errors
    /// Why not; it keeps the slot it has, and so does the ghost.
    pub(crate) fn enlist(
        &mut self,
        newcomer: Newcomer,
        key: Option<Credential>,
        handle: H,
        ghost: Option<ConnectionId>,
    ) -> Result<Option<H>, Denied> {
        let listed = &mut self.tables[Class::Listed as usize];
        let moved = ghost.and_then(|id| Some((id, self.elsewhere.remove(id)?)));
        let ghost = ghost.and_then(|id| Some((id, listed.remove(id)?)));
        let denied = self.check_listing(&newcomer, key);
        let [pending, listed, ..] = &mut self.tables;
        if let Err(denied) = denied {
            if let Some((id, holder)) = ghost {
                listed.insert(id, holder);
            }
            if let Some((id, holder)) = moved {
                self.elsewhere.insert(id, holder);
            }
            return Err(denied);
        }
        if listed.handle(newcomer.id).is_none() {
            pending.remove(newcomer.id);
            listed.insert(newcomer.id, Holder::new(&newcomer, key, handle));
            self.leave_without_slot(newcomer.id);
        }
        Ok(ghost.map(|(_, holder)| holder.handle))
    }

    /// Fails if there is no place on the list for one more.
    fn check_listing(&self, newcomer: &Newcomer, key: Option<Credential>) -> Result<(), Denied> {
        let listed = &self.tables[Class::Listed as usize];
        if listed.handle(newcomer.id).is_some() {
            return Ok(());
        }
        let limit = self.caps.slots.of(Class::Listed);
        if listed.count() >= limit {
            return Err(Denied::ClassFull(Class::Listed, limit));
        }
        let host = Network::host(newcomer.ip);
        if !newcomer.trusted {
            let of_host = listed.of_host(host) + self.elsewhere.of_host(host);
            if of_host >= self.caps.listed_per_host {
                return Err(Denied::ListedPerHost(self.caps.listed_per_host));
            }
            let of_key = |key| listed.of_key(key) + self.elsewhere.of_key(key);
            if key.is_some_and(|key| of_key(key) >= self.caps.listed_per_key) {
                return Err(Denied::ListedPerKey(self.caps.listed_per_key));
            }
        }
        Ok(())
    }

    /// Counts a game server that is logged in to another tracker, for its host and its key.
    pub(crate) fn list_elsewhere(&mut self, game_server: &Newcomer, key: Option<Credential>) {
        self.elsewhere
            .insert(game_server.id, Holder::new(game_server, key, ()));
    }

    /// Adds a penalty for a failed login. True if the host is shut out now.
    pub(crate) fn penalize(&mut self, ip: IpAddr, penalty: Duration, now: Instant) -> bool {
        self.penalties.add(Network::host(ip), penalty, now)
    }
}
