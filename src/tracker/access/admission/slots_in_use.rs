//! The slots in use, and the rules by which they are given: caps, rates and penalties for each host, and
//! guests for whom there is no slot. Pure: no socket, no thread, no clock.

use super::denied::Denied;
use super::slot_table::{Full, Holder, Newcomer, SlotTable};
use crate::tracker::access::identity::{ConnectionId, Credential};
use crate::tracker::access::network::Network;
use crate::tracker::access::rate_limits::{CLIENT_RATE, GAME_SERVER_RATE, Penalties, RateLimit};
use crate::tracker::access::slots::{Class, Limits};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Connections that one host may hold in a class, unless it is trusted.
pub fn host_cap(class: Class) -> usize {
    match class {
        Class::Pending | Class::Watcher => 4,
        Class::Client => 8,
        // Counted apart, with --per-host.
        Class::Listed => usize::MAX,
    }
}

/// What the operator allows.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    /// Slots of each class.
    pub slots: Limits,
    /// Listed game servers of one host.
    pub listed_per_host: usize,
    /// Listed game servers of one key.
    pub listed_per_key: usize,
}

/// The slots in use and who holds them. `H` is whatever the caller needs to reach a holder.
#[derive(Debug)]
pub struct Admission<H> {
    caps: Caps,
    tables: [SlotTable<H>; 4],
    /// Those without a slot, on the game-server port and on the client port.
    guests: [SlotTable<H>; 2],
    game_server_rate: RateLimit,
    client_rate: RateLimit,
    penalties: Penalties,
}

impl<H> Admission<H> {
    /// All slots free, and nobody known.
    pub fn new(caps: Caps) -> Self {
        Self {
            caps,
            tables: Class::ALL.map(|_| SlotTable::new()),
            guests: [SlotTable::new(), SlotTable::new()],
            game_server_rate: RateLimit::new(GAME_SERVER_RATE),
            client_rate: RateLimit::new(CLIENT_RATE),
            penalties: Penalties::new(),
        }
    }

    /// Gives a newcomer a slot of `class`. Whoever is dropped for it has lost its slot already; its handle
    /// is returned, so that its connection can be closed.
    ///
    /// # Errors
    /// Why not.
    pub fn arrive(
        &mut self,
        newcomer: Newcomer,
        class: Class,
        handle: H,
    ) -> Result<Option<H>, Denied> {
        if !newcomer.trusted {
            self.check_host(Network::host(newcomer.ip), class, newcomer.now)?;
        }
        self.take_slot(newcomer, class, handle)
    }

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

    /// Lets a newcomer without a slot be a guest. Another guest may be dropped for it, whose handle is
    /// returned.
    ///
    /// # Errors
    /// `denied` again.
    pub(crate) fn arrive_as_guest(
        &mut self,
        newcomer: Newcomer,
        denied: Denied,
        handle: H,
    ) -> Result<Option<H>, Denied> {
        let class = match denied {
            Denied::ClassFull(class, _) => class,
            Denied::Penalty(_) => Class::Pending,
            _ => return Err(denied),
        };
        let port = match class {
            Class::Pending | Class::Listed => 0,
            Class::Client | Class::Watcher => 1,
        };
        let (guests, places) = (&mut self.guests[port], self.caps.slots.guests() / 2);
        let host = Network::host(newcomer.ip);
        if !newcomer.trusted && guests.of_host(host) >= host_cap(class) {
            return Err(denied);
        }
        let admitted = guests.admit(&newcomer, places, handle);
        admitted.map_err(|Full| denied)
    }

    /// A client has become a watcher, and gives back the slot or the guest's place that it had before.
    pub(crate) fn settle(&mut self, id: ConnectionId) {
        self.tables[Class::Client as usize].remove(id);
        self.guests[1].remove(id);
    }

    fn take_slot(
        &mut self,
        newcomer: Newcomer,
        class: Class,
        handle: H,
    ) -> Result<Option<H>, Denied> {
        let limit = self.caps.slots.of(class);
        let admitted = self.tables[class as usize].admit(&newcomer, limit, handle);
        admitted.map_err(|Full| Denied::ClassFull(class, limit))
    }

    fn check_host(&mut self, host: Network, class: Class, now: Instant) -> Result<(), Denied> {
        self.check_cap(host, class)?;
        let rate = match class {
            Class::Pending | Class::Listed => &mut self.game_server_rate,
            Class::Client | Class::Watcher => &mut self.client_rate,
        };
        if !rate.allows(host, now) {
            return Err(Denied::TooFast(class));
        }
        // Failed logins shut a host out from logging in. They keep no player behind the same address from
        // asking for the list.
        if class == Class::Pending
            && let Some(left) = self.penalties.left(host, now)
        {
            return Err(Denied::Penalty(left));
        }
        Ok(())
    }

    fn check_cap(&self, host: Network, class: Class) -> Result<(), Denied> {
        let cap = host_cap(class);
        match self.tables[class as usize].of_host(host) >= cap {
            true => Err(Denied::HostFull(class, cap)),
            false => Ok(()),
        }
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
        let ghost = ghost.and_then(|id| Some((id, listed.remove(id)?)));
        let denied = self.check_listing(&newcomer, key);
        let [pending, listed, ..] = &mut self.tables;
        if let Err(denied) = denied {
            if let Some((id, holder)) = ghost {
                listed.insert(id, holder);
            }
            return Err(denied);
        }
        if listed.handle(newcomer.id).is_none() {
            pending.remove(newcomer.id);
            self.guests[0].remove(newcomer.id);
            listed.insert(newcomer.id, Holder::new(&newcomer, key, handle));
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
            if listed.of_host(host) >= self.caps.listed_per_host {
                return Err(Denied::ListedPerHost(self.caps.listed_per_host));
            }
            if key.is_some_and(|key| listed.of_key(key) >= self.caps.listed_per_key) {
                return Err(Denied::ListedPerKey(self.caps.listed_per_key));
            }
        }
        Ok(())
    }

    /// Takes back whatever the connection holds. Nothing happens if it was dropped before.
    pub fn leave(&mut self, id: ConnectionId) {
        for table in self.tables.iter_mut().chain(&mut self.guests) {
            table.remove(id);
        }
    }

    /// Adds a penalty for a failed login. True if the host is shut out now.
    pub(crate) fn penalize(&mut self, ip: IpAddr, penalty: Duration, now: Instant) -> bool {
        self.penalties.add(Network::host(ip), penalty, now)
    }

    /// Slots of `class` in use, and how many there are.
    pub(crate) fn usage(&self, class: Class) -> (usize, usize) {
        (
            self.tables[class as usize].count(),
            self.caps.slots.of(class),
        )
    }

    /// True when there is no slot of `class` left, or none for the newcomer's host.
    pub(crate) fn is_full(&self, newcomer: &Newcomer, class: Class) -> bool {
        let (used, limit) = self.usage(class);
        let is_host_full = || self.check_cap(Network::host(newcomer.ip), class).is_err();
        used >= limit || (!newcomer.trusted && is_host_full())
    }

    /// True when more than half of the slots of `class` are in use: steps must be quick then.
    pub(crate) fn is_crowded(&self, class: Class) -> bool {
        let (used, limit) = self.usage(class);
        used * 2 > limit
    }

    /// How to reach the connection `id`.
    pub(crate) fn handle(&self, id: ConnectionId) -> Option<&H> {
        self.all_tables().find_map(|table| table.handle(id))
    }

    /// How to reach everybody.
    pub(crate) fn handles(&self) -> impl Iterator<Item = &H> {
        self.all_tables().flat_map(SlotTable::handles)
    }

    fn all_tables(&self) -> impl Iterator<Item = &SlotTable<H>> {
        self.tables.iter().chain(&self.guests)
    }
}

#[cfg(test)]
mod tests;
