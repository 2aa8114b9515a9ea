//! What the sessions share, and what each may ask of it.
//!
//! This file hides the locks. Each is held to look up, to change or to clone an `Arc`, never
//! across a system call; where two are needed, the slots come before the list.

use super::admission::{Admission, Denied, Newcomer};
use super::bans::Bans;
use super::clerk::Clerk;
use super::connection::{Connection, Ending, Look};
use super::conversation::{Conversation, Party};
use super::credentials::{Credential, Passwords};
use super::entry::Entry;
use super::history::Recent;
use super::keys::Keys;
use super::list::List;
use super::log::{Level, Log};
use super::lounge::Lounge;
use super::machine::{GUESTS, GUESTS_OF_HOLDERS};
use super::network::Network;
use super::penalties::Penalties;
use super::random::Random;
use super::reachability::Reachability;
use super::registry::{Registry, Taken};
use super::roster::{Place, Roster};
use super::session::client::{self, ClientSession};
use super::session::game_server::{self, GameServerSession, taken, taken_over};
use super::session::watcher::{self, Batch};
use super::session::{Outbox, Session, Setting, Timings};
use super::slots::Class;
use super::stats::Stats;
use super::watchers::Watchers;
use crate::protocol::filter::Filter;
use crate::protocol::line::LineSplitter;
use crate::protocol::message::{ClientCommand, ErrorCode, GameServerCommand, Refusal};
use crate::protocol::revision::Revision;
use std::cell::Cell;
use std::fmt::{Display, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Everything that the sessions of one tracker share.
pub(super) struct Shared {
    pub(super) setting: Setting,
    pub(super) log: Log,
    pub(super) random: Random,
    pub(super) started: Instant,
    pub(super) stats: Stats,
    pub(super) admission: Mutex<Admission<Arc<Connection>>>,
    pub(super) registry: Mutex<Registry>,
    pub(super) passwords: Mutex<Passwords>,
    pub(super) keys: Mutex<Keys>,
    pub(super) bans: Mutex<Arc<Bans>>,
    pub(super) reachability: Reachability,
    /// Networks that the operator vouches for.
    pub(super) trusted: Vec<Network>,
    pub(super) last_id: AtomicU64,
    pub(super) watchers: Watchers,
    /// The threads of each port.
    pub(super) game_server_roster: Roster,
    pub(super) client_roster: Roster,
    /// Clients who have their answer.
    pub(super) lounge: Lounge,
    pub(super) clerk: Clerk,
    /// Guests at each door, by class.
    pub(super) guests: [Places; 4],
}

/// So many places for guests at one door.
#[derive(Default)]
pub(super) struct Places(AtomicUsize);

impl Places {
    /// Takes a place, until what is returned is dropped. `None` if so many are taken.
    fn enter(&'static self, places: usize) -> Option<GuestPlace> {
        let place = GuestPlace(&self.0);
        (self.0.fetch_add(1, Ordering::Relaxed) < places).then_some(place)
    }
}

/// One place taken.
struct GuestPlace(&'static AtomicUsize);

impl Drop for GuestPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A session that panicked while it held a lock has not left anything half done: every change
/// below is one call.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Deals with whoever came to the game-server port.
    pub(super) fn receive_game_server(
        &'static self,
        place: &mut Place<'_>,
        stream: TcpStream,
        peer: SocketAddr,
    ) {
        if let Some(seat) = self.admit(place, Class::Pending, stream, peer) {
            place.step_aside();
            let session = GameServerSession::new(seat, &self.setting, Instant::now());
            Conversation::new(Party::GameServer(session)).hold(place);
        }
    }

    /// Deals with whoever came to the client port.
    pub(super) fn receive_client(
        &'static self,
        place: &mut Place<'_>,
        stream: TcpStream,
        peer: SocketAddr,
    ) {
        if let Some(seat) = self.admit(place, Class::Client, stream, peer) {
            let session = ClientSession::new(seat, &self.setting, Instant::now());
            let conversation = Conversation::new(Party::Client(session));
            let Some(mut rest) = conversation.answer(&mut || place.step_aside()) else {
                return;
            };
            // Some hang up in one direction, and wait for the other.
            match rest.hurry().map(|()| rest.look()) {
                Ok(Look::Gone(ending)) => rest.conclude(ending),
                Ok(Look::Silent) => self.lounge.enter(rest),
                // It speaks, or can be waited for in no other way.
                Ok(Look::Speaks) | Err(_) => rest.hand_over(),
            }
        }
    }

    fn admit(
        &'static self,
        place: &mut Place<'_>,
        class: Class,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Option<Seat> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let connection = Arc::new(Connection::new(id, stream, peer));
        let ip = connection.peer().ip();
        let bans = Arc::clone(&lock(&self.bans));
        if let Some(refusal) = bans.refusal(ip) {
            self.stats.banned.add_one();
            let fields: [(&str, &dyn Display); 2] =
                [("peer", &connection.peer()), ("class", &class.as_str())];
            self.log.noisy("denied", &refusal, &fields);
            connection.turn_away(&refusal);
            return None;
        }
        let trusted = self.trusted.iter().any(|network| network.contains(ip));
        let newcomer = Newcomer {
            id,
            ip,
            trusted,
            now: Instant::now(),
        };
        if class == Class::Client && lock(&self.admission).is_full(&newcomer, class) {
            // Nobody makes way, or is turned away, for those who have gone.
            self.lounge.make_room();
        }
        let arrived = lock(&self.admission).arrive(newcomer, class, Arc::clone(&connection));
        match arrived {
            Ok(dropped) => {
                self.stats.accepted.add_one();
                if let Some(dropped) = dropped {
                    self.make_way(&dropped, class);
                }
                // Bans that were read since would not have found the connection yet.
                if let Some(refusal) = lock(&self.bans).refusal(ip) {
                    connection.dismiss(refusal);
                }
                Some(Seat::new(self, connection, class, trusted))
            }
            Err(denied) => {
                let places = match denied {
                    Denied::ClassFull(..) => GUESTS,
                    Denied::OwnGroup(..) => GUESTS_OF_HOLDERS,
                    _ => 0,
                };
                if !self.serve_guest(place, &connection, newcomer, class, places) {
                    self.say_denied(denied, connection.peer(), class);
                    connection.turn_away(&denied.refusal());
                }
                None
            }
        }
    }

    /// Serves a newcomer for whom there is no slot but who has said already what it wants, if
    /// that is quickly done: a client is answered at once, and a game server with the right
    /// password may log in. So those who hold slots in silence, however many networks they have,
    /// keep out only others who are silent too.
    fn serve_guest(
        &'static self,
        at: &mut Place<'_>,
        connection: &Arc<Connection>,
        newcomer: Newcomer,
        class: Class,
        places: usize,
    ) -> bool {
        let Some(place) = self.guests[class as usize].enter(places) else {
            return false;
        };
        at.step_aside();
        let Some(sent) = connection.sends_at_once() else {
            return false;
        };
        let mut rest = &sent[..];
        let mut splitter = LineSplitter::default();
        let Some(Ok(line)) = splitter.next_line(&mut rest) else {
            return false;
        };
        let seat = Seat::new(self, Arc::clone(connection), class, newcomer.trusted);
        let now = newcomer.now;
        if class == Class::Pending {
            let Ok(GameServerCommand::Login(password)) = GameServerCommand::parse(line) else {
                return false;
            };
            if game_server::Services::verify(&seat, password).is_none() {
                seat.penalize(ErrorCode::BadPassword);
                return false;
            }
            self.stats.guests.add_one();
            seat.guest_place.set(Some(place));
            let session = GameServerSession::for_guest(seat, &self.setting, now);
            Conversation::new(Party::GameServer(session)).hold(at);
            return true;
        }
        if !matches!(ClientCommand::parse(line), Ok(ClientCommand::List(_))) {
            return false;
        }
        let mut session = ClientSession::new(seat, &self.setting, now);
        let mut out = Outbox::default();
        session.on_line(Ok(line), now, &mut out);
        while out.closing().is_none()
            && let Some(line) = splitter.next_line(&mut rest)
        {
            session.on_line(line, now, &mut out);
        }
        if out.closing().is_none() {
            out.refuse(Denied::ClassFull(class, lock(&self.admission).usage(class).1).refusal());
        }
        self.stats.guests.add_one();
        connection.answer_and_close(out, &self.setting.timings);
        true
    }

    /// Closes a connection that has lost its slot to a newcomer.
    fn make_way(&self, dropped: &Connection, class: Class) {
        self.stats.dropped.add_one();
        let text = "all slots are in use, and your network held the most of them or the oldest";
        let refusal = Refusal::new(ErrorCode::Busy, text);
        let peer = dropped.peer();
        let usage = self.usage(class);
        let fields: [(&str, &dyn Display); 3] = [
            ("peer", &peer),
            ("class", &class.as_str()),
            ("slots", &usage),
        ];
        self.log.noisy("dropped", &refusal, &fields);
        dropped.dismiss(refusal);
    }

    fn say_denied(&self, denied: Denied, peer: SocketAddr, class: Class) {
        self.stats.denied(denied).add_one();
        let usage = self.usage(class);
        let fields: [(&str, &dyn Display); 4] = [
            ("peer", &peer),
            ("class", &class.as_str()),
            ("slots", &usage),
            ("reason", &denied.reason()),
        ];
        self.log.noisy("denied", &denied.refusal(), &fields);
    }

    /// Slots in use and slots there are, as in `12/256`.
    fn usage(&self, class: Class) -> String {
        let (used, limit) = lock(&self.admission).usage(class);
        format!("{used}/{limit}")
    }

    /// Closes the connections of listed game servers whose credential is not allowed any more.
    pub(super) fn dismiss_listed(&self, is_gone: impl Fn(Credential) -> bool, why: &Refusal) {
        let list = lock(&self.registry).list();
        for entry in list.entries().filter(|entry| is_gone(entry.credential)) {
            let owner = lock(&self.registry).owner_of(entry.address);
            let connection = owner.and_then(|id| lock(&self.admission).handle(id).map(Arc::clone));
            if let Some(connection) = connection {
                connection.dismiss(why.clone());
            }
        }
    }

    /// Closes all connections of banned peers.
    pub(super) fn dismiss_banned(&self, bans: &Bans) {
        let connections: Vec<_> = lock(&self.admission).handles().map(Arc::clone).collect();
        for connection in connections {
            if let Some(refusal) = bans.refusal(connection.peer().ip()) {
                connection.dismiss(refusal);
            }
        }
        self.watchers.somebody_dismissed();
    }
}

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
    fn new(
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
            Ending::Done | Ending::Watching(_) => "left",
            Ending::Refused(refusal) => refusal.code.as_str(),
            Ending::SlowReader => ErrorCode::SlowReader.as_str(),
            Ending::Lost(_) => "lost",
        });
        let (peer, class) = (self.connection.peer(), self.class.get().as_str());
        let fields: [(&str, &dyn Display); 2] = [("peer", &peer), ("class", &class)];
        match ending {
            Ending::Done | Ending::Watching(_) => {
                self.shared.log.event(Level::Debug, "closed", &fields);
            }
            Ending::Refused(refusal) => {
                self.shared.stats.refused.add_one();
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
    fn penalize(&self, code: ErrorCode) {
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
                registry.remove(id);
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
        if !lock(&shared.keys).allows(credential) {
            self.connection.dismiss(key_withdrawn());
        }
        // A guest was not among those whom new bans are held against.
        if let Some(refusal) = lock(&shared.bans).refusal(peer.ip()) {
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
        let credential = lock(&self.shared.passwords).verify(password);
        if credential.is_none() {
            self.shared.stats.bad_passwords.add_one();
        }
        credential
    }

    fn verify_key(&self, name: &str, number: u64, port: u16, mac: &str) -> Option<Credential> {
        let credential = lock(&self.shared.keys).verify(name, number, port, mac);
        if credential.is_none() {
            self.shared.stats.bad_passwords.add_one();
        }
        credential
    }

    fn send_proof(&self, number: u64, port: u16, now: Instant) -> bool {
        let peer = SocketAddr::new(self.connection.peer().ip(), port);
        let is_sent = self.shared.reachability.send(peer, number, now);
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
        shared.stats.batches.add_one();
        shared.watchers.batch(&shared.registry, since, filter)
    }
}

/// Told to a game server whose key was deleted.
pub(super) fn key_withdrawn() -> Refusal {
    let text = "the key you logged in with is not valid any more";
    Refusal::new(ErrorCode::BadPassword, text)
}
