//! Connections that a thread looks at by turns, since they are likely to be over soon.
//!
//! *Idle clients* have their answer and nearly always hang up within a millisecond: a thread that was
//! woken for that would cost as much as the answer. In a crowd all new clients are among them, so that
//! whoever has its list and is only far away can make way for others. *Guests* are newcomers for whom
//! there is no slot: a client that asks for the list gets it, and a game server that logs in gets onto
//! it, even while others sit on all slots in silence. Whoever has a slot and stays is given a thread
//! when there is no crowd.
//!
//! Each kind has a thread of its own. What guests ask for takes time, and whoever needs the slot of an
//! idle client that has hung up does not wait for that.

use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::network::Network;
use crate::tracker::session::Ending;
use crate::tracker::state::log::Log;
use crate::tracker::threads::holders::Holders;
use crate::tracker::threads::peer::any_session::{AnySession, Linger};
use crate::tracker::threads::peer::io::{Effort, Peer};
use crate::tracker::threads::poll_loop::{PollLoop, Turn};
use crate::tracker::threads::watchers::Watchers;
use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The connections, and where they go from here.
pub(crate) struct Polled {
    peers: PollLoop<Peer<AnySession>>,
    game_servers: &'static Holders,
    clients: &'static Holders,
    watchers: &'static Watchers,
}

impl Polled {
    pub(crate) fn new(
        game_servers: &'static Holders,
        clients: &'static Holders,
        watchers: &'static Watchers,
    ) -> Self {
        Self {
            // Those who come have been admitted.
            peers: PollLoop::new(usize::MAX),
            game_servers,
            clients,
            watchers,
        }
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(&'static self, name: &'static str, log: &Log) -> io::Result<()> {
        let act = |one, now| self.look_at(one, now, None);
        self.peers.start(name, log, act)
    }

    /// Takes in a connection whose socket does not wait.
    pub(crate) fn enter(&self, peer: Peer<AnySession>, first_look: Duration) {
        self.peers.enter(peer, first_look);
    }

    /// Sees to it that none of them keeps a newcomer out who has hung up, or has its list and says no
    /// more.
    pub(crate) fn free_slots(&self, newcomer: IpAddr) {
        self.peers
            .look_at_all(|one, now| self.look_at(one, now, Some(newcomer)));
    }

    /// Goes on with one, perhaps because a newcomer needs a slot. It is returned if it stays.
    fn look_at(
        &self,
        mut one: Turn<Peer<AnySession>>,
        now: Instant,
        newcomer: Option<IpAddr>,
    ) -> Option<Turn<Peer<AnySession>>> {
        let effort = match is_guest(&one.item) {
            true => Effort::Any,
            false => Effort::Little,
        };
        let peer = &mut one.item;
        peer.send();
        let is_heard = peer.receive(effort);
        peer.check_deadline(now);
        if newcomer.is_some_and(|newcomer| is_in_the_way(peer, newcomer)) {
            let text = "others need the slot, and you have your list";
            peer.connection.dismiss(Refusal::new(ErrorCode::Busy, text));
            peer.receive(effort);
        } else if let Some(holders) = self.next_holders(&one, is_heard) {
            holders.put(one.item);
            return None;
        }
        if one.item.ending.is_some() {
            if let Some(watcher) = one.item.conclude(Linger::No) {
                self.watchers.enter(watcher);
            }
            return None;
        }
        Some(one.again(now, is_heard))
    }

    /// Who is to hold it from now on, if it has a slot and is not over soon.
    fn next_holders(
        &self,
        one: &Turn<Peer<AnySession>>,
        is_heard: bool,
    ) -> Option<&'static Holders> {
        let peer = &one.item;
        match (&peer.ending, &peer.session) {
            _ if is_guest(peer) => None,
            // It is given time to read why.
            (Some(Ending::Refused(_)), AnySession::Client(_)) => Some(self.clients),
            (Some(_), _) => None,
            (None, AnySession::GameServer(_)) => (!peer.is_sending()).then_some(self.game_servers),
            _ if !peer.is_waiting() => Some(self.clients),
            _ if !is_heard && peer.has_answered && !one.is_quiet() => None,
            // In a crowd it stays where it can make way.
            _ => (!peer.session.slot().is_crowded()).then_some(self.clients),
        }
    }
}

fn is_guest(peer: &Peer<AnySession>) -> bool {
    peer.session.slot().is_guest()
}

/// True for a client that has its list and holds a slot that the newcomer could have.
fn is_in_the_way(peer: &Peer<AnySession>, newcomer: IpAddr) -> bool {
    let slot = peer.session.slot();
    let is_same_host = || Network::host(peer.connection.peer().ip()) == Network::host(newcomer);
    peer.is_waiting() && slot.is_served() && (slot.is_crowded() || is_same_host())
}
