//! One connection's slot, and what its session may ask of the tracker with it.
//!
//! This file hides what a session's wishes do to what everybody shares: who is put on the list and
//! who must leave it for that, what a failed login costs, what is counted and logged.

use super::admission::Newcomer;
use super::connection::{Connection, Ending};
use super::conversation::Roster;
use super::credentials::Credential;
use super::entry::Entry;
use super::history::Recent;
use super::list::List;
use super::log::Level;
use super::penalties::Penalties;
use super::registry::Taken;
use super::services::{GuestPlace, Shared, lock};
use super::session::Timings;
use super::session::client;
use super::session::game_server::{self, taken, taken_over};
use super::session::watcher::{self, Batch};
use super::slots::Class;
use crate::protocol::filter::Filter;
use crate::protocol::message::{ErrorCode, Refusal};
use crate::protocol::revision::Revision;
use std::cell::Cell;
use std::fmt::{Display, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One connection's slot. Dropping it takes the connection off the list and frees the slot, so
/// that a session which ends in whatever way leaves nothing behind.
pub(super) struct Seat {
    shared: &'static Shared,
    connection: Arc<Connection>,
    class: Cell<Class>,
    trusted: bool,
    /// Has been on the list.
    listed: Cell<bool>,
    /// Held by a guest until it has a slot.
    guest_place: Cell<Option<GuestPlace>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.unlist("lost");
        lock(&self.shared.admission).leave(self.connection.id());
    }
}

impl Seat {
    /// The seat of a connection that holds a slot of `class`, or is a guest at that door.
    pub(super) fn new(
        shared: &'static Shared,
        connection: Arc<Connection>,
        class: Class,
        trusted: bool,
    ) -> Self {
        Self {
            shared,
            connection,
            class: Cell::new(class),
            trusted,
            listed: Cell::new(false),
            guest_place: Cell::new(None),
        }
    }

    /// The connection that this is the slot of.
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Who sits here is a guest, who holds `place` until there is a slot.
    pub(super) fn hold_place(&self, place: GuestPlace) {
        self.guest_place.set(Some(place));
    }

    /// What everybody shares.
    pub(super) fn shared(&self) -> &'static Shared {
        self.shared
    }

    /// How long anything may take.
    pub(super) fn timings(&self) -> &'static Timings {
        &self.shared.setting.timings
    }

    /// A client has become a watcher, which holds a slot of its own.
    pub(super) fn settle(&self) {
        self.class.set(Class::Watcher);
        lock(&self.shared.admission).settle(self.connection.id());
    }

    /// The threads of its port.
    pub(super) fn roster(&self) -> &'static Roster {
        match self.class.get() {
            Class::Pending | Class::Listed => &self.shared.game_server_roster,
            Class::Client | Class::Watcher => &self.shared.client_roster,
        }
    }

    /// Takes the connection off the list and says what came of its conversation. The peer is given
    /// a moment to read the last line if this thread `may_wait`.
    pub(super) fn conclude(&self, ending: Ending, may_wait: bool) {
        let timings = self.timings();
        self.unlist(match &ending {
            Ending::Done | Ending::Watching(..) => "left",
            Ending::Refused(refusal) => refusal.code.as_str(),
            Ending::SlowReader => ErrorCode::SlowReader.as_str(),
            Ending::Lost(_) => "lost",
        });
        let (peer, class) = (self.connection.peer(), self.class.get().as_str());
        let fields: [(&str, &dyn Display); 2] = [("peer", &peer), ("class", &class)];
        match ending {
            Ending::Done | Ending::Watching(..) => {
                self.shared.log.event(Level::Debug, "closed", &fields);
            }
            Ending::Refused(refusal) => {
                self.shared.stats.refused.of(refusal.code).add_one();
                self.penalize(refusal.code);
                self.shared.log.noisy("refused", &refusal, &fields);
                let patience = match may_wait && !self.is_crowded() {
                    true => timings.farewell,
                    false => Duration::ZERO,
                };
                self.connection.farewell(patience);
            }
            Ending::SlowReader => {
                self.shared.stats.slow_readers.add_one();
                let text = "an answer was not read in time";
                let refusal = Refusal::new(ErrorCode::SlowReader, text);
                self.shared.log.noisy("refused", &refusal, &fields);
            }
            Ending::Lost(error) => {
                let fields: [(&str, &dyn Display); 3] = [fields[0], fields[1], ("error", &error)];
                self.shared.log.event(Level::Debug, "lost", &fields);
            }
        }
    }

    /// What a failed login costs the host it came from.
    pub(super) fn penalize(&self, code: ErrorCode) {
        let shared = self.shared;
        if self.class.get() != Class::Pending || self.trusted || self.listed.get() {
            return;
        }
        let place = self.guest_place.take();
        let is_guest = place.is_some();
        self.guest_place.set(place);
        let penalty = match code {
            ErrorCode::BadPassword | ErrorCode::BadChallenge => Penalties::FAILED_LOGIN,
            // A guest had little time.
            ErrorCode::Timeout if !is_guest => Penalties::LATE_LOGIN,
            _ => return,
        };
        let peer = self.connection.peer();
        if lock(&shared.admission).penalize(peer.ip(), penalty, Instant::now()) {
            shared.stats.penalties.add_one();
            let text = "this host may not log in for a while";
            let fields: [(&str, &dyn Display); 1] = [("peer", &peer)];
            shared
                .log
                .noisy("penalty", &Refusal::new(code, text), &fields);
        }
    }

    /// Puts a game server on the list that was not there before.
    fn enlist(&self, entry: Entry) -> Result<(), Refusal> {
        let (shared, id) = (self.shared, self.connection.id());
        let (address, credential) = (entry.address, entry.credential);
        let peer = self.connection.peer();
        let ghost = {
            let mut admission = lock(&shared.admission);
            let mut registry = lock(&shared.registry);
            let stale = registry.stale_at(address);
            let replaced = registry.put(id, entry).map_err(|Taken| taken(address))?;
            let ghost = replaced.and_then(|ghost| admission.handle(ghost).map(Arc::clone));
            if let Some(ghost) = replaced {
                // Its slot is the newcomer's: nobody is kept out by a ghost of its own.
                admission.leave(ghost);
            }
            let newcomer = Newcomer {
                id,
                ip: peer.ip(),
                trusted: self.trusted,
                now: Instant::now(),
            };
            let handle = Arc::clone(&self.connection);
            if let Err(denied) = admission.enlist(newcomer, credential.key(), handle) {
                match stale {
                    Some(stale) => registry.give_back(id, stale),
                    None => drop(registry.remove(id)),
                }
                drop((registry, admission));
                shared.say_denied(denied, peer, Class::Listed);
                return Err(denied.refusal());
            }
            ghost
        };
        if let Some(ghost) = ghost {
            ghost.dismiss(taken_over(address));
        }
        // Keys that were read since it was verified would not have found the entry yet.
        if !shared.keys.get().allows(credential) {
            self.connection.dismiss(key_withdrawn());
        }
        // A guest was not among those whom new bans are held against.
        if let Some(refusal) = shared.bans.get().refusal(peer.ip()) {
            self.connection.dismiss(refusal);
        }
        self.guest_place.set(None);
        self.listed.set(true);
        shared.stats.logins.add_one();
        let fields: [(&str, &dyn Display); 2] = [("address", &address), ("peer", &peer)];
        shared.log.event(Level::Info, "listed", &fields);
        Ok(())
    }

    /// Changes the entry of a game server that is on the list.
    fn update(&self, entry: Entry) -> Result<(), Refusal> {
        let (shared, id) = (self.shared, self.connection.id());
        let address = entry.address;
        let (before, replaced) = {
            let mut registry = lock(&shared.registry);
            // A newer login may have been quicker than this update.
            let before = registry.entry_of(id).ok_or_else(|| taken_over(address))?;
            let replaced = registry.put(id, entry).map_err(|Taken| taken(address))?;
            (before.address, replaced)
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
            let fields: [(&str, &dyn Display); 3] =
                [("from", &before), ("to", &address), ("peer", &peer)];
            shared.log.event(Level::Info, "moved", &fields);
        }
        Ok(())
    }

    fn unlist(&self, why: &str) {
        if self.class.get() == Class::Client {
            return;
        }
        let removed = lock(&self.shared.registry).remove(self.connection.id());
        if let Some(entry) = removed {
            let peer = self.connection.peer();
            let fields: [(&str, &dyn Display); 3] =
                [("address", &entry.address), ("peer", &peer), ("why", &why)];
            self.shared.log.event(Level::Info, "unlisted", &fields);
            self.shared.watchers.list_changed();
        }
    }

    fn is_crowded(&self) -> bool {
        lock(&self.shared.admission).is_crowded(self.class.get())
    }

    /// Counters are for the operator, who is on the same machine.
    fn stats(&self) -> Option<String> {
        let shared = self.shared;
        if !self.connection.peer().ip().is_loopback() {
            return None;
        }
        let mut line = format!("uptime={}", shared.started.elapsed().as_secs());
        let revision = lock(&shared.registry).list().revision();
        // Writing into a String does not fail.
        let _ = write!(line, " rev={revision}");
        let admission = lock(&shared.admission);
        for class in Class::ALL {
            let (used, limit) = admission.usage(class);
            let _ = write!(line, " {}={used}/{limit}", class.as_str());
        }
        drop(admission);
        shared.stats.write_into(&mut line);
        let _ = write!(line, " log-dropped={}", shared.log.dropped());
        Some(line)
    }
}

impl game_server::Services for Seat {
    fn peer_ip(&self) -> IpAddr {
        self.connection.peer().ip()
    }

    fn is_trusted(&self) -> bool {
        self.trusted
    }

    fn verify(&self, password: &str) -> Option<Credential> {
        let credential = self.shared.passwords.get().verify(password);
        if credential.is_none() {
            self.shared.stats.bad_passwords.add_one();
        }
        credential
    }

    fn verify_key(&self, name: &str, number: u64, port: u16, mac: &str) -> Option<Credential> {
        let credential = self.shared.keys.get().verify(name, number, port, mac);
        if credential.is_none() {
            self.shared.stats.bad_passwords.add_one();
        }
        credential
    }

    fn send_proof(&self, number: u64, port: u16, now: Instant) -> bool {
        let peer = SocketAddr::new(self.connection.peer().ip(), port);
        let reachability = &self.shared.reachability;
        let is_sent = reachability.send(peer, number, self.trusted, now);
        if is_sent {
            self.shared.stats.proofs_sent.add_one();
        }
        is_sent
    }

    fn proven(&self, is_reachable: bool) {
        let stats = &self.shared.stats;
        let counter = if is_reachable {
            &stats.proofs_answered
        } else {
            &stats.proofs_failed
        };
        counter.add_one();
    }

    fn leave(&self) {
        self.unlist("left");
    }

    fn challenge_number(&self) -> u64 {
        self.shared.random.number()
    }

    fn is_crowded(&self) -> bool {
        Seat::is_crowded(self)
    }

    fn entry(&self) -> Option<Arc<Entry>> {
        lock(&self.shared.registry).entry_of(self.connection.id())
    }

    fn stale(&self, entry: &Entry) -> Option<Arc<Entry>> {
        lock(&self.shared.registry).stale_before(entry)
    }

    fn put(&self, entry: Entry) -> Result<(), Refusal> {
        match self.listed.get() {
            true => self.update(entry)?,
            false => self.enlist(entry)?,
        }
        self.shared.watchers.list_changed();
        Ok(())
    }

    fn stats(&self) -> Option<String> {
        Seat::stats(self)
    }
}

impl client::Services for Seat {
    fn is_trusted(&self) -> bool {
        self.trusted
    }

    fn list(&self, since: Option<Revision>) -> (Arc<List>, Option<Recent>) {
        let registry = lock(&self.shared.registry);
        let recent = since.and_then(|revision| registry.since(revision));
        let list = registry.list();
        drop(registry);
        let stats = &self.shared.stats;
        stats.lists.add_one();
        if recent.is_some() {
            stats.deltas.add_one();
        }
        (list, recent)
    }

    fn watch(&self) -> Result<(), Refusal> {
        let shared = self.shared;
        let client = Newcomer {
            id: self.connection.id(),
            ip: self.connection.peer().ip(),
            trusted: self.trusted,
            now: Instant::now(),
        };
        let watching = lock(&shared.admission).watch(client, Arc::clone(&self.connection));
        match watching {
            Ok(dropped) => {
                if let Some(dropped) = dropped {
                    shared.make_way(&dropped, Class::Watcher);
                    shared.watchers.somebody_dismissed();
                }
                shared.stats.watches.add_one();
                Ok(())
            }
            Err(denied) => {
                shared.say_denied(denied, self.connection.peer(), Class::Watcher);
                Err(denied.refusal())
            }
        }
    }

    fn is_crowded(&self) -> bool {
        Seat::is_crowded(self)
    }

    fn stats(&self) -> Option<String> {
        Seat::stats(self)
    }
}

impl watcher::Services for Seat {
    fn revision(&self) -> Revision {
        self.shared.watchers.revision(&self.shared.registry)
    }

    fn batch(&self, since: Revision, filter: &Filter) -> Arc<Batch> {
        let shared = self.shared;
        shared.watchers.batch(&shared.registry, since, filter)
    }
}

/// Told to a game server whose key was deleted.
pub(super) fn key_withdrawn() -> Refusal {
    let text = "the key you logged in with is not valid any more";
    Refusal::new(ErrorCode::BadPassword, text)
}
