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

use crate::base::log::Log;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::admission::SlotOf;
use crate::tracker::access::network::Network;
use crate::tracker::session::Ending;
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
        let act = |one, now| self.look_at(one, now, None);
        self.peers.start(name, log, act)
    }

    /// Takes in a connection whose socket does not wait.
    pub(crate) fn enter(&self, peer: Peer<AnySession>, first_look: Duration) {
        self.peers.enter(peer, first_look);
    }

    /// Sees to it that nobody keeps a newcomer out of the slot that it needs who has hung up, or has its list
    /// and says no more.
    pub(crate) fn free_slots(&self, needed: SlotOf) {
        self.peers
            .look_at_all(|one, now| match may_give(&one, needed) {
                true => self.look_at(one, now, Some(needed)),
                false => Some(one),
            });
    }

    /// Goes on with one, perhaps because a newcomer needs a slot. It is returned if it stays.
    fn look_at(
        &self,
        mut one: Turn<Peer<AnySession>>,
        now: Instant,
        needed: Option<SlotOf>,
    ) -> Option<Turn<Peer<AnySession>>> {
        let effort = match is_guest(&one.item) {
            true => Effort::Any,
            false => Effort::Little,
        };
        let peer = &mut one.item;
        peer.send();
        let is_heard = peer.receive(effort);
        peer.check_deadline(now);
        if needed.is_some_and(|needed| is_in_the_way(peer, needed)) {
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

/// True if it is worth a look whether it gives the slot that is needed. Of those who were silent at the
/// last looks and have no list the thread sees soon enough that they have hung up: a look at each of
/// 2,500 took 0.16 ms for every newcomer, and without them it takes 0.02 ms.
fn may_give(one: &Turn<Peer<AnySession>>, needed: SlotOf) -> bool {
    match needed {
        SlotOf::Host(host) => host == Network::host(one.item.connection.peer().ip()),
        SlotOf::Anybody => one.item.session.slot().is_served() || !one.is_quiet(),
    }
}

/// True for a client that has its list and is to give the slot that is needed.
fn is_in_the_way(peer: &Peer<AnySession>, needed: SlotOf) -> bool {
    let slot = peer.session.slot();
    let is_of_host = matches!(needed, SlotOf::Host(_));
    peer.is_waiting() && slot.is_served() && (is_of_host || slot.is_crowded())
}
