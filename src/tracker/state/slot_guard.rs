//! One connection's slot: how it is won, what it is used for, and what is left to do when it is given
//! back.

use crate::base::mutex::lock;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::admission::{Denied, Newcomer};
use crate::tracker::access::rate_limits::Penalties;
use crate::tracker::access::slots::Class;
use crate::tracker::list::entry::Entry;
use crate::tracker::session::Ending;
use crate::tracker::session::game_server::{taken, taken_over};
use crate::tracker::state::shared::{Shared, key_withdrawn};
use crate::tracker::state::sockets::connection::Connection;
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One connection's slot. Dropping it takes the connection off the list and frees the slot, so that a
/// session which ends in whatever way leaves nothing behind.
pub(crate) struct SlotGuard {
    shared: &'static Shared,
    connection: Arc<Connection>,
    class: Cell<Class>,
    is_trusted: bool,
    /// Why it has no slot, if it has none.
    denied: Cell<Option<Denied>>,
    /// It was a guest and got what it came for.
    is_served: Cell<bool>,
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        self.unlist("lost");
        lock(&self.shared.admission).leave(self.connection.id());
    }
}

impl SlotGuard {
    /// The slot of `class` that the connection holds.
    pub(crate) fn new(
        shared: &'static Shared,
        connection: Arc<Connection>,
        class: Class,
        is_trusted: bool,
    ) -> Self {
        Self {
            shared,
            connection,
            class: Cell::new(class),
            is_trusted,
            denied: Cell::new(None),
            is_served: Cell::new(false),
        }
    }

    /// The same for a guest, who was `denied` a slot.
    pub(crate) fn for_guest(self, denied: Denied) -> Self {
        self.denied.set(Some(denied));
        self
    }

    /// True if there is no slot for it.
    pub(crate) fn is_guest(&self) -> bool {
        self.denied.get().is_some()
    }

    /// True for a peer from a network that the operator trusts.
    pub(super) fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// The connection that this is the slot of.
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// What everybody shares.
    pub(crate) fn shared(&self) -> &'static Shared {
        self.shared
    }

    /// It came to the admission as this.
    fn newcomer(&self) -> Newcomer {
        Newcomer {
            id: self.connection.id(),
            ip: self.connection.peer().ip(),
            trusted: self.is_trusted,
            now: Instant::now(),
        }
    }

    /// A client holds a slot of a watcher too, if there is one for it.
    pub(super) fn watch(&self) -> Result<(), Refusal> {
        let (shared, client) = (self.shared, self.newcomer());
        let watching = lock(&shared.admission).watch(client, Arc::clone(&self.connection));
        let evicted = watching.map_err(|denied| {
            shared.say_denied(denied, self.connection.peer(), Class::Watcher);
            denied.refusal()
        })?;
        if let Some(evicted) = evicted {
            shared.evict(&evicted, Class::Watcher);
            shared.wake.dismissed();
        }
        Ok(())
    }

    /// It gives back its slot of a client.
    pub(crate) fn become_watcher(&self) {
        self.class.set(Class::Watcher);
        lock(&self.shared.admission).settle(self.connection.id());
    }

    /// Takes the connection off the list and says what came of its session. Returns how long the peer
    /// may take to read the last line, if it is to read one: no time unless the thread `may_wait`.
    pub(crate) fn conclude(&self, ending: Ending, may_wait: bool) -> Option<Duration> {
        let (shared, peer, class) = (self.shared, self.connection.peer(), self.class.get());
        self.unlist(match &ending {
            Ending::Done | Ending::Watching(_) => "left",
            Ending::Refused(refusal) => refusal.code.as_str(),
            Ending::SlowReader => ErrorCode::SlowReader.as_str(),
            Ending::Lost(_) => "lost",
        });
        let fields = [("peer", &peer as _), ("class", &class.as_str() as _)];
        match ending {
            Ending::Done | Ending::Watching(_) => {
                shared.log.debug("closed", &fields);
                None
            }
            Ending::Refused(refusal) if self.is_rejected(&refusal) => {
                if let Some(denied) = self.denied.get() {
                    shared.say_denied(denied, peer, class);
                }
                Some(Duration::ZERO)
            }
            Ending::Refused(refusal) => {
                shared.stats.refused.of(refusal.code).add_one();
                self.penalize(refusal.code);
                shared.log.noisy("refused", &refusal, &fields);
                Some(match may_wait && !self.is_crowded() {
                    true => shared.setting.timings.farewell,
                    false => Duration::ZERO,
                })
            }
            Ending::SlowReader => {
                shared.stats.slow_readers.add_one();
                let text = "an answer was not read in time";
                let refusal = Refusal::new(ErrorCode::SlowReader, text);
                shared.log.noisy("refused", &refusal, &fields);
                None
            }
            Ending::Lost(error) => {
                let fields = [fields[0], fields[1], ("error", &error as _)];
                shared.log.debug("lost", &fields);
                None
            }
        }
    }

    /// True for a guest that goes as if it had been rejected at once.
    fn is_rejected(&self, refusal: &Refusal) -> bool {
        let denied = self.denied.get().filter(|_| !self.is_served.get());
        denied.is_some_and(|denied| denied.refusal().code == refusal.code)
    }

    /// What a failed login costs the host it came from.
    fn penalize(&self, code: ErrorCode) {
        let shared = self.shared;
        if self.class.get() != Class::Pending || self.is_trusted {
            return;
        }
        let penalty = match code {
            ErrorCode::BadPassword | ErrorCode::BadChallenge => Penalties::FAILED_LOGIN,
            ErrorCode::Timeout => Penalties::LATE_LOGIN,
            _ => return,
        };
        let peer = self.connection.peer();
        if lock(&shared.admission).penalize(peer.ip(), penalty, Instant::now()) {
            shared.stats.penalties.add_one();
            let refusal = Refusal::new(code, "this host may not log in for a while");
            shared.log.noisy("penalty", &refusal, &[("peer", &peer)]);
        }
    }

    /// Puts an entry on the list, or a new one in place of the old.
    pub(super) fn put(&self, entry: Entry) -> Result<(), Refusal> {
        match self.class.get() {
            Class::Listed => self.update(entry)?,
            _ => self.enlist(entry)?,
        }
        self.shared.wake.list_changed();
        Ok(())
    }

    /// Puts a game server on the list that was not there before.
    fn enlist(&self, entry: Entry) -> Result<(), Refusal> {
        let (shared, newcomer) = (self.shared, self.newcomer());
        let (address, credential) = (entry.address, entry.credential);
        let peer = self.connection.peer();
        let enlisted = {
            let mut admission = lock(&shared.admission);
            let mut registry = lock(&shared.registry);
            let replaced = registry.replaced(newcomer.id, &entry);
            let replaced = replaced.map_err(|why| taken(address, why))?;
            let handle = Arc::clone(&self.connection);
            let enlisted = admission.enlist(newcomer, credential.key(), handle, replaced);
            if enlisted.is_ok() {
                let put = registry.put(newcomer.id, entry);
                put.map_err(|why| taken(address, why))?;
            }
            enlisted
        };
        let ghost = enlisted.map_err(|denied| {
            // It goes for this, whatever it was denied before.
            self.denied.set(None);
            shared.say_denied(denied, peer, Class::Listed);
            denied.refusal()
        })?;
        if let Some(ghost) = ghost {
            ghost.dismiss(taken_over(address));
        }
        // Keys that were read since it was verified would not have found the entry yet.
        if !shared.keys.get().allows(credential) {
            self.connection.dismiss(key_withdrawn());
        }
        // A guest was not among those whom new bans are held against.
        let bans = shared.bans.get();
        let ban = bans.refusal(peer.ip()).or(bans.refusal(address.ip()));
        if let Some(refusal) = ban {
            self.connection.dismiss(refusal);
        }
        self.serve_guest();
        self.denied.set(None);
        self.class.set(Class::Listed);
        self.connection.set_proven();
        shared.stats.logins.add_one();
        let fields = [("address", &address as _), ("peer", &peer as _)];
        shared.log.info("listed", &fields);
        shared.hidden_servers.list(address, peer.ip(), &shared.log);
        Ok(())
    }

    /// If this is a guest, it gets what it came for.
    pub(super) fn serve_guest(&self) {
        if self.is_guest() && !self.is_served.replace(true) {
            self.shared.stats.guests.add_one();
        }
    }

    /// Changes the entry of a game server that is on the list.
    fn update(&self, entry: Entry) -> Result<(), Refusal> {
        let (shared, id) = (self.shared, self.connection.id());
        let address = entry.address;
        let (before, replaced) = {
            let mut registry = lock(&shared.registry);
            // A newer login may have been quicker than this update.
            let before = registry.entry_of(id).ok_or_else(|| taken_over(address))?;
            let replaced = registry.put(id, entry);
            (before.address, replaced.map_err(|why| taken(address, why))?)
        };
        if let Some(ghost) = replaced {
            let mut admission = lock(&shared.admission);
            let connection = admission.handle(ghost).map(Arc::clone);
            admission.leave(ghost);
            drop(admission);
            if let Some(ghost) = connection {
                ghost.dismiss(taken_over(address));
            }
        }
        shared.stats.updates.add_one();
        if before != address {
            let peer = self.connection.peer();
            let fields = [
                ("from", &before as _),
                ("to", &address as _),
                ("peer", &peer as _),
            ];
            shared.log.info("moved", &fields);
        }
        Ok(())
    }

    /// Takes the connection off the list, if it is there.
    pub(super) fn unlist(&self, why: &str) {
        if self.class.get() == Class::Client {
            return;
        }
        let removed = lock(&self.shared.registry).remove(self.connection.id());
        if let Some(entry) = removed {
            let peer = self.connection.peer();
            let fields = [
                ("address", &entry.address as _),
                ("peer", &peer as _),
                ("why", &why as _),
            ];
            self.shared.log.info("unlisted", &fields);
            self.shared.wake.list_changed();
        }
    }

    /// True if many want to come in by the same port.
    pub(super) fn is_crowded(&self) -> bool {
        let class = match self.class.get() {
            Class::Pending | Class::Listed => Class::Pending,
            Class::Client | Class::Watcher => Class::Client,
        };
        lock(&self.shared.admission).is_crowded(class)
    }
}
