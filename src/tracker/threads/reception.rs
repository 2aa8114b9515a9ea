//! The way of a connection from the port to whoever goes on with it.

use crate::base::mutex::lock;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::admission::{Denied, Newcomer};
use crate::tracker::access::slots::Class;
use crate::tracker::session::client::ClientSession;
use crate::tracker::session::game_server::GameServerSession;
use crate::tracker::session::{Ending, Timings};
use crate::tracker::state::shared::Shared;
use crate::tracker::state::slot::guard::SlotGuard;
use crate::tracker::state::sockets::connection::{Connection, INHERITS, preset};
use crate::tracker::state::sockets::tuning::{POLL_FIRST, SHORTEST_WAIT};
use crate::tracker::threads::holders::Holders;
use crate::tracker::threads::peer::any_session::{AnySession, Linger};
use crate::tracker::threads::peer::io::{Effort, Peer};
use crate::tracker::threads::polled::Polled;
use crate::tracker::threads::watchers::Watchers;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where connections go.
pub(crate) struct Reception {
    pub(super) shared: &'static Shared,
    pub(super) game_servers: &'static Holders,
    pub(super) clients: &'static Holders,
    pub(super) watchers: &'static Watchers,
    pub(super) idle_clients: &'static Polled,
    pub(super) guests: &'static Polled,
}

/// A connection that has come.
pub(super) struct Arrival {
    pub(super) class: Class,
    pub(super) stream: TcpStream,
    /// Whose connection it is.
    pub(super) peer: SocketAddr,
    /// What was read of it already.
    pub(super) unread: Vec<u8>,
    /// It is a proxy's own, and not one that a proxy passes on.
    pub(super) is_of_proxy: bool,
}

impl Reception {
    /// Deals with whoever came: what has been said already is answered if that takes no time.
    pub(super) fn receive(&self, arrival: Arrival) {
        let (class, unread, is_of_proxy) = (arrival.class, arrival.unread, arrival.is_of_proxy);
        let Some(connection) = self.connect(class, arrival.stream, arrival.peer) else {
            return;
        };
        let ip = connection.peer().ip();
        let newcomer = Newcomer {
            id: connection.id(),
            ip,
            trusted: self.shared.is_trusted(ip),
            now: Instant::now(),
        };
        if is_of_proxy {
            return self.receive_proxy(connection, newcomer, class, unread);
        }
        match self.admit(class, newcomer, &connection) {
            Ok(slot) => self.serve(class, slot, unread),
            Err(denied) => self.receive_guest(connection, newcomer, class, denied, unread),
        }
    }

    /// The connection, unless its peer is banned.
    fn connect(
        &self,
        class: Class,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Option<Arc<Connection>> {
        let shared = self.shared;
        if !INHERITS && preset(&stream, time_to_write(class, &shared.setting.timings)).is_err() {
            return None;
        }
        let id = shared.next_id();
        let connection = Connection::new(id, stream, peer, &shared.stats.bytes_sent);
        let peer = connection.peer();
        let Some(refusal) = shared.bans.get().refusal(peer.ip()) else {
            return Some(Arc::new(connection));
        };
        shared.stats.banned.add_one();
        let fields = [("peer", &peer as _), ("class", &class.as_str() as _)];
        shared.log.noisy("denied", &refusal, &fields);
        connection.reject(&refusal);
        None
    }

    fn admit(
        &self,
        class: Class,
        newcomer: Newcomer,
        connection: &Arc<Connection>,
    ) -> Result<SlotGuard, Denied> {
        let shared = self.shared;
        let needed = lock(&shared.admission).needs(&newcomer, class);
        if class == Class::Client
            && let Some(needed) = needed
        {
            // Nobody is evicted or rejected for those who have hung up, or have what they came for.
            self.idle_clients.free_slots(needed);
        }
        let arrived = lock(&shared.admission).arrive(newcomer, class, Arc::clone(connection));
        let evicted = arrived?;
        shared.stats.accepted.add_one();
        if let Some(evicted) = evicted {
            shared.evict(&evicted, class);
        }
        shared.check_bans(connection);
        let connection = Arc::clone(connection);
        Ok(SlotGuard::new(shared, connection, class, newcomer.trusted))
    }

    /// Answers whoever has a slot, and gives it to those who go on with it.
    fn serve(&self, class: Class, slot: SlotGuard, unread: Vec<u8>) {
        let mut peer = self.peer(class, slot, unread);
        // Where the system does not let it answer at once, a holder takes its time.
        if peer.connection.set_nonblocking(true).is_ok() {
            peer.receive(Effort::Little);
        }
        match (&peer.ending, &peer.session) {
            // It is given time to read why.
            (Some(Ending::Refused(_)), AnySession::Client(_)) => self.clients.put(peer),
            (Some(_), AnySession::Client(_)) => {
                if let Some(watcher) = peer.conclude(Linger::No) {
                    self.watchers.enter(watcher);
                }
            }
            // In a crowd nobody keeps a thread waiting for what it says.
            (None, AnySession::Client(client))
                if peer.is_waiting() && (peer.has_answered || client.services().is_crowded()) =>
            {
                self.idle_clients.enter(peer, POLL_FIRST)
            }
            (_, AnySession::Client(_)) => self.clients.put(peer),
            _ => self.game_servers.put(peer),
        }
    }

    fn peer(&self, class: Class, slot: SlotGuard, unread: Vec<u8>) -> Peer<AnySession> {
        let (connection, now) = (Arc::clone(slot.connection()), Instant::now());
        let setting = &self.shared.setting;
        let session = match class {
            Class::Pending | Class::Listed => {
                AnySession::GameServer(GameServerSession::new(slot, setting, now))
            }
            Class::Client | Class::Watcher => {
                AnySession::Client(ClientSession::new(slot, setting, now))
            }
        };
        Peer::new(connection, session, &setting.timings).having_read(unread)
    }

    /// Receives a newcomer for whom there is no slot, or whose host has failed to log in too often: it
    /// may say what it wants all the same. So those who hold slots in silence, however many networks
    /// they have, keep out only others who are silent too; and whoever has the right password is let
    /// in whatever others behind the same address have tried.
    fn receive_guest(
        &self,
        connection: Arc<Connection>,
        newcomer: Newcomer,
        class: Class,
        denied: Denied,
        unread: Vec<u8>,
    ) {
        let shared = self.shared;
        let waiting =
            lock(&shared.admission).arrive_as_guest(newcomer, denied, Arc::clone(&connection));
        let evicted = match waiting {
            Ok(evicted) => evicted,
            Err(denied) => {
                shared.say_denied(denied, connection.peer(), class);
                return connection.reject(&denied.refusal());
            }
        };
        if let Some(evicted) = evicted {
            evicted.dismiss(busy("all slots are in use, try again soon"));
        }
        if connection.set_nonblocking(true).is_err() {
            return lock(&shared.admission).leave(newcomer.id);
        }
        shared.check_bans(&connection);
        let slot = SlotGuard::new(shared, Arc::clone(&connection), class, newcomer.trusted)
            .for_guest(denied);
        let (setting, now, end) = (&shared.setting, newcomer.now, denied.refusal());
        let session = match class {
            Class::Pending | Class::Listed => {
                AnySession::GameServer(GameServerSession::for_guest(slot, setting, now, end))
            }
            Class::Client | Class::Watcher => {
                AnySession::Client(ClientSession::for_guest(slot, setting, now, end))
            }
        };
        let mut guest = Peer::new(connection, session, &setting.timings).having_read(unread);
        // Whoever has no slot has little time to read either.
        guest.time_to_read = Some(setting.timings.guest);
        self.guests.enter(guest, Duration::ZERO);
    }

    /// Receives a proxy's own connection: a health check, or somebody on the proxy's machine. It is
    /// answered whatever it says, and as long as it has no place on the list it takes no slot.
    fn receive_proxy(
        &self,
        connection: Arc<Connection>,
        newcomer: Newcomer,
        class: Class,
        unread: Vec<u8>,
    ) {
        let shared = self.shared;
        let oldest = lock(&shared.admission).arrive_from_proxy(&newcomer, Arc::clone(&connection));
        if let Some(oldest) = oldest {
            let text = "this proxy's machine has too many connections of its own";
            oldest.dismiss(busy(text));
        }
        shared.check_bans(&connection);
        // Its socket does not wait, since its header was read without waiting.
        let slot = SlotGuard::new(shared, connection, class, newcomer.trusted).of_proxy();
        let peer = self.peer(class, slot, unread);
        self.guests.enter(peer, Duration::ZERO);
    }
}

fn busy(text: &str) -> Refusal {
    Refusal::new(ErrorCode::Busy, text)
}

/// How long one call that writes to a peer of `class` may wait for it to read. What game servers are
/// told is sent by a thread that waits for nobody.
pub(crate) fn time_to_write(class: Class, timings: &Timings) -> Duration {
    match class {
        Class::Pending | Class::Listed => SHORTEST_WAIT,
        Class::Client | Class::Watcher => timings.write,
    }
}
