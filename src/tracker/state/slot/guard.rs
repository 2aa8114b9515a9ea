//! One connection's slot: how it is won, what it is used for, and what is left to do when it is given
//! back.

use crate::base::mutex::lock;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::admission::{Denied, Newcomer};
use crate::tracker::access::rate_limits::Penalties;
use crate::tracker::access::slots::Class;
use crate::tracker::session::Ending;
use crate::tracker::session::outbox::slow_reader;
use crate::tracker::state::shared::Shared;
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
    place: Cell<Place>,
    /// It got what it came for.
    is_served: Cell<bool>,
}

/// Whether it has a slot, and if not, why it is served all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Slot,
    /// It was denied a slot.
    Guest(Denied),
    /// It needs none: it is a proxy's own connection.
    OfProxy,
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
            place: Cell::new(Place::Slot),
            is_served: Cell::new(false),
        }
    }

    /// The same for a guest, who was `denied` a slot.
    pub(crate) fn for_guest(self, denied: Denied) -> Self {
        self.place.set(Place::Guest(denied));
        self
    }

    /// The same for a proxy's own connection.
    pub(crate) fn of_proxy(self) -> Self {
        self.place.set(Place::OfProxy);
        self
    }

    /// True if it has no slot.
    pub(crate) fn is_guest(&self) -> bool {
        self.place.get() != Place::Slot
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
    pub(super) fn newcomer(&self) -> Newcomer {
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
                match self.place.get() {
                    Place::Guest(denied) => shared.say_denied(denied, peer, class),
                    _ => shared.log.debug("closed", &fields),
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
                shared.log.noisy("refused", &slow_reader(), &fields);
                None
            }
            Ending::Lost(error) => {
                let fields = [fields[0], fields[1], ("error", &error as _)];
                shared.log.debug("lost", &fields);
                None
            }
        }
    }

    /// True for a guest that goes as if it had been rejected at once, and for a health check that says no
    /// more.
    fn is_rejected(&self, refusal: &Refusal) -> bool {
        match self.place.get() {
            Place::Slot => false,
            Place::Guest(denied) => !self.is_served.get() && denied.refusal().code == refusal.code,
            Place::OfProxy => matches!(refusal.code, ErrorCode::Timeout | ErrorCode::Busy),
        }
    }

    /// What a failed login costs the host it came from.
    fn penalize(&self, code: ErrorCode) {
        let shared = self.shared;
        let is_of_proxy = self.place.get() == Place::OfProxy;
        if self.class.get() != Class::Pending || self.is_trusted || is_of_proxy {
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

    /// What it is used for now.
    pub(super) fn class(&self) -> Class {
        self.class.get()
    }

    /// A game server has come onto the list, guest or not.
    pub(super) fn become_listed(&self) {
        self.serve();
        self.forget_denied();
        self.class.set(Class::Listed);
        self.connection.set_proven();
    }

    /// If a guest goes now, that is not for what it was denied before.
    pub(super) fn forget_denied(&self) {
        self.place.set(Place::Slot);
    }

    /// True once it got what it came for.
    pub(crate) fn is_served(&self) -> bool {
        self.is_served.get()
    }

    /// It gets what it came for.
    pub(super) fn serve(&self) {
        let is_guest = matches!(self.place.get(), Place::Guest(_));
        if !self.is_served.replace(true) && is_guest {
            self.shared.stats.guests.add_one();
        }
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
    pub(crate) fn is_crowded(&self) -> bool {
        let class = match self.class.get() {
            Class::Pending | Class::Listed => Class::Pending,
            Class::Client | Class::Watcher => Class::Client,
        };
        lock(&self.shared.admission).is_crowded(class)
    }
}
