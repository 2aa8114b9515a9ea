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

impl Reception {
    /// Deals with whoever came: what has been said already is answered if that takes no time.
    pub(super) fn receive(&self, class: Class, stream: TcpStream, peer: SocketAddr) {
        let Some(slot) = self.admit(class, stream, peer) else {
            return;
        };
        let (connection, now) = (Arc::clone(slot.connection()), Instant::now());
        let setting = &self.shared.setting;
        let mut peer = self.peer(
            connection,
            match class {
                Class::Pending | Class::Listed => {
                    AnySession::GameServer(GameServerSession::new(slot, setting, now))
                }
                Class::Client | Class::Watcher => {
                    AnySession::Client(ClientSession::new(slot, setting, now))
                }
            },
        );
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

    fn peer(&self, connection: Arc<Connection>, session: AnySession) -> Peer<AnySession> {
        Peer::new(connection, session, &self.shared.setting.timings)
    }

    fn admit(&self, class: Class, stream: TcpStream, peer: SocketAddr) -> Option<SlotGuard> {
        let shared = self.shared;
        if !INHERITS && preset(&stream, time_to_write(class, &shared.setting.timings)).is_err() {
            return None;
        }
        let id = shared.next_id();
        let connection = Connection::new(id, stream, peer, &shared.stats.bytes_sent);
        let connection = Arc::new(connection);
        let (peer, ip) = (connection.peer(), connection.peer().ip());
        if let Some(refusal) = shared.bans.get().refusal(ip) {
            shared.stats.banned.add_one();
            let fields = [("peer", &peer as _), ("class", &class.as_str() as _)];
            shared.log.noisy("denied", &refusal, &fields);
            connection.reject(&refusal);
            return None;
        }
        let newcomer = Newcomer {
            id,
            ip,
            trusted: shared.is_trusted(ip),
            now: Instant::now(),
        };
        if class == Class::Client && lock(&shared.admission).is_full(&newcomer, class) {
            // Nobody is evicted or rejected for those who have hung up, or have what they came for.
            self.idle_clients.free_slots(ip);
        }
        let arrived = lock(&shared.admission).arrive(newcomer, class, Arc::clone(&connection));
        match arrived {
            Ok(evicted) => {
                shared.stats.accepted.add_one();
                if let Some(evicted) = evicted {
                    shared.evict(&evicted, class);
                }
                shared.check_bans(&connection);
                Some(SlotGuard::new(shared, connection, class, newcomer.trusted))
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
        &self,
        connection: Arc<Connection>,
        newcomer: Newcomer,
        class: Class,
        denied: Denied,
    ) {
        let shared = self.shared;
        let waiting =
            lock(&shared.admission).arrive_as_guest(newcomer, denied, Arc::clone(&connection));
        let evicted = match waiting {
            Ok(evicted) if connection.set_nonblocking(true).is_ok() => evicted,
            Ok(_) => return lock(&shared.admission).leave(newcomer.id),
            Err(denied) => {
                shared.say_denied(denied, connection.peer(), class);
                return connection.reject(&denied.refusal());
            }
        };
        if let Some(evicted) = evicted {
            let text = "all slots are in use, try again soon";
            evicted.dismiss(Refusal::new(ErrorCode::Busy, text));
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
        let mut guest = self.peer(connection, session);
        // Whoever has no slot has little time to read either.
        guest.time_to_read = Some(setting.timings.guest);
        self.guests.enter(guest, Duration::ZERO);
    }
}

/// How long one call that writes to a peer of `class` may wait for it to read. What game servers are
/// told is sent by a thread that waits for nobody.
pub(crate) fn time_to_write(class: Class, timings: &Timings) -> Duration {
    match class {
        Class::Pending | Class::Listed => SHORTEST_WAIT,
        Class::Client | Class::Watcher => timings.write,
    }
}
