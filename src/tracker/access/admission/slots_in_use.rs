//! The slots in use, and who gets one: caps, rates and penalties for each host, and guests for whom there is
//! no slot. Pure: no socket, no thread, no clock.

use super::denied::Denied;
use super::slot_table::{Full, Holder, Newcomer, SlotTable};
use crate::tracker::access::identity::ConnectionId;
use crate::tracker::access::network::Network;
use crate::tracker::access::rate_limits::{CLIENT_RATE, GAME_SERVER_RATE, Penalties, RateLimit};
use crate::tracker::access::slots::{Class, Limits, MOST_OF_PROXIES};
use std::time::Instant;

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

/// Whose slot a newcomer could have.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SlotOf {
    /// One of its own host, which has as many as it may have.
    Host(Network),
    /// Any of the class, all of whose slots are in use.
    Anybody,
}

/// The slots in use and who holds them. `H` is whatever the caller needs to reach a holder.
#[derive(Debug)]
pub struct Admission<H> {
    pub(super) caps: Caps,
    pub(super) tables: [SlotTable<H>; 4],
    /// Those without a slot, on the game-server port and on the client port.
    pub(super) guests: [SlotTable<H>; 2],
    /// The connections of proxies themselves, which have no slot either.
    pub(super) of_proxies: SlotTable<H>,
    /// Those that are logged in to other trackers: they have no slot here, and count for their hosts and
    /// keys all the same.
    pub(super) elsewhere: SlotTable<()>,
    game_server_rate: RateLimit,
    client_rate: RateLimit,
    pub(super) penalties: Penalties,
}

impl<H> Admission<H> {
    /// All slots free, and nobody known.
    pub fn new(caps: Caps) -> Self {
        Self {
            caps,
            tables: Class::ALL.map(|_| SlotTable::new()),
            guests: [SlotTable::new(), SlotTable::new()],
            of_proxies: SlotTable::new(),
            elsewhere: SlotTable::new(),
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

    /// Lets in a connection of a proxy itself, such as a health check, which takes nothing from anybody: no
    /// slot, no guest's place and none of what a host may have. If there are too many of them, the oldest
    /// is dropped, whose handle is returned.
    pub(crate) fn arrive_from_proxy(&mut self, newcomer: &Newcomer, handle: H) -> Option<H> {
        let is_full = self.of_proxies.count() >= MOST_OF_PROXIES;
        let oldest = is_full.then(|| self.of_proxies.remove_oldest());
        let holder = Holder::new(newcomer, None, handle);
        self.of_proxies.insert(newcomer.id, holder);
        oldest.flatten().map(|oldest| oldest.handle)
    }

    pub(super) fn take_slot(
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

    pub(super) fn check_cap(&self, host: Network, class: Class) -> Result<(), Denied> {
        let cap = host_cap(class);
        match self.tables[class as usize].of_host(host) >= cap {
            true => Err(Denied::HostFull(class, cap)),
            false => Ok(()),
        }
    }

    /// Takes back whatever the connection holds. Nothing happens if it was dropped before.
    pub fn leave(&mut self, id: ConnectionId) {
        for table in &mut self.tables {
            table.remove(id);
        }
        self.elsewhere.remove(id);
        self.leave_without_slot(id);
    }

    /// Takes back the place of a connection that had no slot.
    pub(super) fn leave_without_slot(&mut self, id: ConnectionId) {
        for table in self.guests.iter_mut().chain([&mut self.of_proxies]) {
            table.remove(id);
        }
    }

    /// Slots of `class` in use, and how many there are.
    pub(crate) fn usage(&self, class: Class) -> (usize, usize) {
        (
            self.tables[class as usize].count(),
            self.caps.slots.of(class),
        )
    }

    /// Whose slot of `class` a newcomer needs; `None` if there is one left for it.
    pub(crate) fn needs(&self, newcomer: &Newcomer, class: Class) -> Option<SlotOf> {
        let ((used, limit), host) = (self.usage(class), Network::host(newcomer.ip));
        let is_host_full = !newcomer.trusted && self.check_cap(host, class).is_err();
        match is_host_full {
            true => Some(SlotOf::Host(host)),
            false => (used >= limit).then_some(SlotOf::Anybody),
        }
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
        let without_slot = self.guests.iter().chain([&self.of_proxies]);
        self.tables.iter().chain(without_slot)
    }
}

#[cfg(test)]
mod tests;
