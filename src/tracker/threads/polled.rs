//! Connections that a thread looks at by turns, since they are likely to be over soon.
//!
//! *Idle clients* have their answer and nearly always hang up within a millisecond: a thread that was
//! woken for that would cost as much as the answer. *Guests* are newcomers for whom there is no slot:
//! a client that asks for the list gets it, and a game server that logs in gets onto it, even while
//! others sit on all slots in silence. Whoever has a slot and stays is given a thread.
//!
//! Each kind has a thread of its own. What guests ask for takes time, and whoever needs the slot of an
//! idle client that has hung up does not wait for that.

use crate::tracker::session::Ending;
use crate::tracker::state::log::Log;
use crate::tracker::threads::holders::Holders;
use crate::tracker::threads::peer::any_session::{AnySession, Linger};
use crate::tracker::threads::peer::io::{Effort, Peer};
use crate::tracker::threads::poll_loop::{PollLoop, Turn};
use crate::tracker::threads::watchers::Watchers;
use std::io;
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
        let act = |one, now| self.look_at(one, now);
        self.peers.start(name, log, act)
    }

    /// Takes in a connection whose socket does not wait.
    pub(crate) fn enter(&self, peer: Peer<AnySession>, first_look: Duration) {
        self.peers.enter(peer, first_look);
    }

    /// Sees to it that none of them holds a slot who has hung up.
    pub(crate) fn free_slots(&self) {
        self.peers.look_at_all(|one, now| self.look_at(one, now));
    }

    /// Goes on with one. It is returned if it stays.
    fn look_at(
        &self,
        mut one: Turn<Peer<AnySession>>,
        now: Instant,
    ) -> Option<Turn<Peer<AnySession>>> {
        let effort = match is_guest(&one.item) {
            true => Effort::Any,
            false => Effort::Little,
        };
        let peer = &mut one.item;
        peer.send();
        let is_heard = peer.receive(effort);
        peer.check_deadline(now);
        let stays = is_heard || one.is_quiet();
        if let Some(holders) = self.next_holders(&one.item, stays) {
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

    /// Who is to hold it from now on, if it has a slot and is not over soon. `stays` is true for one that
    /// has spoken again, or has had its time to hang up.
    fn next_holders(&self, peer: &Peer<AnySession>, stays: bool) -> Option<&'static Holders> {
        match (&peer.ending, &peer.session) {
            _ if is_guest(peer) => None,
            // It is given time to read why.
            (Some(Ending::Refused(_)), AnySession::Client(_)) => Some(self.clients),
            (Some(_), _) => None,
            (None, AnySession::GameServer(_)) => (!peer.is_sending()).then_some(self.game_servers),
            _ => (!peer.is_idle() || stays).then_some(self.clients),
        }
    }
}

fn is_guest(peer: &Peer<AnySession>) -> bool {
    peer.session.slot().is_guest()
}
