//! What the sessions share, and who is received.
//!
//! This file hides the locks, and the way from the door to a seat.
//!
//! A lock of what is shared is held to look up, to change or to clone an `Arc`: never across a
//! system call (but for the memory that the allocator may fetch), and never while a list is
//! formatted. Those are `admission` (the slots), `registry` (the list), and the locks inside
//! `passwords`, `keys` and `bans` (`Current`), `random` (its stock), `log` (its noises),
//! `reachability` (its quota), `answers` and `work`, `watchers` (its inbox, its state of the list and
//! its answers), `guests` (their inbox), the two rosters, `lounge` (who is inside), and each
//! connection's word that it waits for its peer. Where two are needed, the slots come before the list,
//! and the watchers' state before it; whoever holds any other takes none.
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

use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::admission::{Admission, Denied, Newcomer};
use crate::tracker::access::bans::Bans;
use crate::tracker::access::identity::Credential;
use crate::tracker::access::keys::Keys;
use crate::tracker::access::network::Network;
use crate::tracker::access::passwords::Passwords;
use crate::tracker::access::rate_limits::RateLimit as Rate;
use crate::tracker::access::slots::Class;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::registry::Registry;
use crate::tracker::list::snapshot::List;
use crate::tracker::session::Setting;
use crate::tracker::session::client::ClientSession;
use crate::tracker::session::game_server::GameServerSession;
use crate::tracker::state::answers::Answers;
use crate::tracker::state::connection::{Connection, Look};
use crate::tracker::state::current::Current;
use crate::tracker::state::hidden_servers::HiddenServers as Outsiders;
use crate::tracker::state::log::Log;
use crate::tracker::state::random::Random;
use crate::tracker::state::session_context::Seat;
use crate::tracker::state::stats::{Counter, Stats};
use crate::tracker::state::udp_probe::UdpProbe as Reachability;
use crate::tracker::threads::accept_probe::Doorbell;
use crate::tracker::threads::acceptor::Held;
use crate::tracker::threads::guests::Guests;
use crate::tracker::threads::idle_clients::Lounge;
use crate::tracker::threads::peer::{Conversation, Party, Place, Roster};
use crate::tracker::threads::watchers::Watchers;
use std::fmt::Display;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Everything that the sessions of one tracker share.
pub(crate) struct Shared {
    pub(crate) setting: Setting,
    pub(crate) log: Log,
    pub(crate) random: Random,
    pub(crate) started: Instant,
    pub(crate) stats: Stats,
    pub(crate) admission: Mutex<Admission<Arc<Connection>>>,
    pub(crate) registry: Mutex<Registry>,
    pub(crate) passwords: Current<Passwords>,
    pub(crate) keys: Current<Keys>,
    pub(crate) bans: Current<Bans>,
    pub(crate) reachability: Reachability,
    /// From how far the list is asked for.
    pub(crate) outsiders: Outsiders,
    /// Networks that the operator vouches for.
    pub(crate) trusted: Vec<Network>,
    pub(crate) last_id: AtomicU64,
    pub(crate) watchers: Watchers,
    /// What LIST is answered with.
    pub(crate) answers: Mutex<Answers>,
    /// How much each host may still ask for.
    pub(crate) work: Mutex<Rate>,
    /// The threads of each port.
    pub(crate) game_server_roster: Roster,
    pub(crate) client_roster: Roster,
    pub(crate) game_server_bell: Doorbell,
    pub(crate) client_bell: Doorbell,
    /// How often the keeper went round.
    pub(crate) keeper_rounds: Counter,
    /// Clients who have their answer.
    pub(crate) lounge: Lounge,
    /// Who is heard without a slot.
    pub(crate) guests: Guests,
}

/// A session that panicked while it held a lock has not left anything half done: every change
/// below is one call.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Deals with whoever came to the game-server port.
    pub(crate) fn receive_game_server(
        &'static self,
        place: &mut Place<'_>,
        stream: TcpStream,
        peer: SocketAddr,
    ) {
        if let Some(seat) = self.admit(Class::Pending, stream, peer) {
            place.step_aside();
            let session = GameServerSession::new(seat, &self.setting, Instant::now());
            Box::new(Conversation::new(Party::GameServer(session))).hold(place);
        }
    }

    /// Deals with whoever came to the client port.
    pub(crate) fn receive_client(
        &'static self,
        place: &mut Place<'_>,
        stream: TcpStream,
        peer: SocketAddr,
    ) {
        if let Some(seat) = self.admit(Class::Client, stream, peer) {
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

    fn admit(&'static self, class: Class, stream: TcpStream, peer: SocketAddr) -> Option<Seat> {
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
                self.check_bans(&connection);
                Some(Seat::new(self, connection, class, trusted))
            }
            Err(denied) => {
                self.receive_guest(connection, newcomer, class, denied);
                None
            }
        }
    }

    /// Receives a newcomer for whom there is no slot, or whose host has failed to log in too often: it
    /// may say what it wants all the same. So those who hold slots in silence, however many networks
    /// they have, keep out only others who are silent too; and whoever has the right password is let
    /// in whatever others behind the same address have tried.
    fn receive_guest(
        &'static self,
        connection: Arc<Connection>,
        newcomer: Newcomer,
        class: Class,
        denied: Denied,
    ) {
        let waiting = lock(&self.admission).wait(newcomer, denied, Arc::clone(&connection));
        let dropped = match waiting {
            Ok(dropped) => dropped,
            Err(denied) => {
                self.say_denied(denied, connection.peer(), class);
                return connection.turn_away(&denied.refusal());
            }
        };
        if let Some(dropped) = dropped {
            let text = "all slots are in use, try again soon";
            dropped.dismiss(Refusal::new(ErrorCode::Busy, text));
        }
        self.check_bans(&connection);
        let seat = Seat::new(self, connection, class, newcomer.trusted).for_guest(denied);
        let (setting, now, end) = (&self.setting, newcomer.now, denied.refusal());
        self.guests.enter(match class {
            Class::Pending | Class::Listed => {
                Party::GameServer(GameServerSession::for_guest(seat, setting, now, end))
            }
            Class::Client | Class::Watcher => {
                Party::Client(ClientSession::for_guest(seat, setting, now, end))
            }
        });
    }

    /// Bans that were read since somebody was looked for in them would not have found the connection
    /// yet.
    fn check_bans(&self, connection: &Connection) {
        if let Some(refusal) = self.bans.get().refusal(connection.peer().ip()) {
            connection.dismiss(refusal);
        }
    }

    /// Closes a connection that has lost its slot to a newcomer.
    pub(crate) fn make_way(&self, dropped: &Connection, class: Class) {
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

    pub(crate) fn say_denied(&self, denied: Denied, peer: SocketAddr, class: Class) {
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
    pub(crate) fn dismiss_listed(&self, is_gone: impl Fn(Credential) -> bool, why: &Refusal) {
        self.dismiss_entries(|entry| is_gone(entry.credential).then(|| why.clone()));
    }

    /// Takes entries off the list for which there is a reason to.
    fn dismiss_entries(&self, refusal: impl Fn(&Entry) -> Option<Refusal>) {
        let list = lock(&self.registry).list();
        self.forget_stale(&list, |entry| refusal(entry).is_some());
        for entry in list.entries() {
            let Some(why) = refusal(entry) else { continue };
            let owner = lock(&self.registry).owner_of(entry.address);
            let connection = owner.and_then(|id| lock(&self.admission).handle(id).map(Arc::clone));
            if let Some(connection) = connection {
                connection.dismiss(why);
            }
        }
    }

    /// Closes all connections of banned peers, and those of game servers that are listed at a banned
    /// address.
    pub(crate) fn dismiss_banned(&self, bans: &Bans) {
        let connections: Vec<_> = lock(&self.admission).handles().map(Arc::clone).collect();
        for connection in connections {
            if let Some(refusal) = bans.refusal(connection.peer().ip()) {
                connection.dismiss(refusal);
            }
        }
        self.watchers.somebody_dismissed();
        self.dismiss_entries(|entry| {
            let at_peer = bans.refusal(entry.peer);
            at_peer.or_else(|| bans.refusal(entry.address.ip()))
        });
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
