//! What the sessions share, and who is received.
//!
//! This file hides the locks, and the way from the door to a seat.
//!
//! A lock of what is shared is held to look up, to change or to clone an `Arc`: never across a
//! system call (but for the memory that the allocator may fetch), and never while a list is
//! formatted. Those are `admission` (the slots), `registry` (the list), and the locks inside
//! `passwords`, `keys` and `bans` ([`Current`]), `random` (its stock), `log` (its noises),
//! `reachability` (its quota), `watchers` (its inbox), the two rosters, and `lounge` (who is inside).
//! Where two are needed, the slots come before the list; whoever holds one takes no other. The
//! watchers' news have a lock that only their own thread takes: it formats batches under that, and
//! takes the list's for a moment.
//!
//! Other mutexes are turns: who holds one does something that others need not do too, system calls
//! and the locks above included. Nobody who is needed waits for one for long:
//!
//! - the trouble of a door (`pool`): held for 50 ms by one doorman after the system has refused to
//!   let anybody in; the others, who were refused too, wait behind it;
//! - the ringer of a doorbell: held while the tracker connects to a door of its own, which takes
//!   microseconds, and is given up after 250 ms for each of two addresses; who lets somebody in at
//!   that moment waits for it;
//! - the turn of the lounge: held by whoever looks at the clients there without waiting for any of
//!   them. Others pass it by; only one who needs a slot waits for it.

use super::admission::{Admission, Denied, Newcomer};
use super::bans::Bans;
use super::connection::{Connection, Look};
use super::conversation::{Conversation, Party, Place, Roster};
use super::credentials::{Credential, Passwords};
use super::current::Current;
use super::doorbell::Doorbell;
use super::entry::Entry;
use super::keys::Keys;
use super::list::List;
use super::log::Log;
use super::lounge::Lounge;
use super::machine::{GUESTS, GUESTS_OF_HOLDERS};
use super::network::Network;
use super::pool::Held;
use super::random::Random;
use super::reachability::Reachability;
use super::registry::Registry;
use super::seat::Seat;
use super::session::client::ClientSession;
use super::session::game_server::{self, GameServerSession};
use super::session::{Outbox, Session, Setting};
use super::slots::Class;
use super::stats::{Counter, Stats};
use super::watchers::Watchers;
use crate::protocol::line::LineSplitter;
use crate::protocol::message::{ClientCommand, ErrorCode, GameServerCommand, Refusal};
use std::fmt::Display;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Everything that the sessions of one tracker share.
pub(super) struct Shared {
    pub(super) setting: Setting,
    pub(super) log: Log,
    pub(super) random: Random,
    pub(super) started: Instant,
    pub(super) stats: Stats,
    pub(super) admission: Mutex<Admission<Arc<Connection>>>,
    pub(super) registry: Mutex<Registry>,
    pub(super) passwords: Current<Passwords>,
    pub(super) keys: Current<Keys>,
    pub(super) bans: Current<Bans>,
    pub(super) reachability: Reachability,
    /// Networks that the operator vouches for.
    pub(super) trusted: Vec<Network>,
    pub(super) last_id: AtomicU64,
    pub(super) watchers: Watchers,
    /// The threads of each port.
    pub(super) game_server_roster: Roster,
    pub(super) client_roster: Roster,
    pub(super) game_server_bell: Doorbell,
    pub(super) client_bell: Doorbell,
    /// How often the keeper went round.
    pub(super) keeper_rounds: Counter,
    /// Clients who have their answer.
    pub(super) lounge: Lounge,
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
pub(super) struct GuestPlace(&'static AtomicUsize);

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
            Box::new(Conversation::new(Party::GameServer(session))).hold(place);
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
                Ok(Look::Gone(ending)) => rest.conclude(ending, true),
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
        let connection = Connection::new(id, stream, peer).counting(&self.stats.bytes_sent);
        let connection = Arc::new(connection);
        let ip = connection.peer().ip();
        if let Some(refusal) = self.bans.get().refusal(ip) {
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
        let arrived = {
            let mut admission = lock(&self.admission);
            if class == Class::Client && admission.is_full(&newcomer, class) {
                // Nobody makes way, or is turned away, for those who have gone.
                drop(admission);
                self.lounge.make_room();
                admission = lock(&self.admission);
            }
            admission.arrive(newcomer, class, Arc::clone(&connection))
        };
        match arrived {
            Ok(dropped) => {
                self.stats.accepted.add_one();
                if let Some(dropped) = dropped {
                    self.make_way(&dropped, class);
                }
                // Bans that were read since would not have found the connection yet.
                if let Some(refusal) = self.bans.get().refusal(ip) {
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
            seat.hold_place(place);
            let session = GameServerSession::for_guest(seat, &self.setting, now);
            Box::new(Conversation::new(Party::GameServer(session))).hold(at);
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
            let (_, limit) = lock(&self.admission).usage(class);
            out.refuse(Denied::ClassFull(class, limit).refusal());
        }
        self.stats.guests.add_one();
        connection.answer_and_close(out, &self.setting.timings);
        true
    }

    /// Closes a connection that has lost its slot to a newcomer.
    pub(super) fn make_way(&self, dropped: &Connection, class: Class) {
        self.stats.dropped.of(class).add_one();
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

    pub(super) fn say_denied(&self, denied: Denied, peer: SocketAddr, class: Class) {
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

    /// Closes the connections of listed game servers whose credential is not allowed any more, and
    /// forgets the stale ones.
    pub(super) fn dismiss_listed(&self, is_gone: impl Fn(Credential) -> bool, why: &Refusal) {
        let list = lock(&self.registry).list();
        self.forget_stale(&list, |entry| is_gone(entry.credential));
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
        let list = lock(&self.registry).list();
        self.forget_stale(&list, |entry| bans.refusal(entry.peer).is_some());
    }

    /// Takes stale entries off the list that have lost their right to be there: they have no
    /// connection to close.
    fn forget_stale(&self, list: &List, is_gone: impl Fn(&Entry) -> bool) {
        for entry in list
            .entries()
            .filter(|entry| entry.is_stale() && is_gone(entry))
        {
            let mut registry = lock(&self.registry);
            if let Some((owner, _)) = registry.stale_at(entry.address) {
                registry.remove(owner);
            }
        }
        self.watchers.list_changed();
    }
}
