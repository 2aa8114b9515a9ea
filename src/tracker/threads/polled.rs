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

use crate::base::mutex::lock;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::threads;
use crate::tracker::access::network::Network;
use crate::tracker::session::Ending;
use crate::tracker::state::lasting;
use crate::tracker::state::log::Log;
use crate::tracker::state::sockets::tuning::{POLL_FIRST, POLL_LAST};
use crate::tracker::threads::holders::Holders;
use crate::tracker::threads::peer::any_session::{AnySession, Linger};
use crate::tracker::threads::peer::io::{Effort, Peer};
use crate::tracker::threads::watchers::Watchers;
use std::io;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::{Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// The connections, and where they go from here.
pub(crate) struct Polled {
    inbox: Mutex<Inbox>,
    /// Locked by whoever looks.
    inside: Mutex<Vec<One>>,
    thread: OnceLock<Thread>,
    game_servers: &'static Holders,
    clients: &'static Holders,
    watchers: &'static Watchers,
}

#[derive(Default)]
struct Inbox {
    arrivals: Vec<One>,
    alarm: Alarm,
}

/// Whether the thread is woken for an arrival.
#[derive(Debug, Default)]
struct Alarm {
    /// The thread looks for arrivals by then; `None` if it sleeps until it is woken.
    wakes: Option<Instant>,
    /// Somebody has come since the thread began to look. Another may have looked at them meanwhile,
    /// and does not come back.
    has_come: bool,
}

impl Alarm {
    /// Somebody has come. True if the thread is to be woken.
    fn arrive(&mut self, now: Instant) -> bool {
        self.has_come = true;
        let is_late = self.wakes.is_none_or(|wakes| wakes > now + POLL_FIRST);
        if is_late {
            self.wakes = Some(now);
        }
        is_late
    }

    /// The thread is about to look at all who have come.
    fn look(&mut self) {
        self.has_come = false;
    }

    /// The thread is about to sleep: says until when, at the longest.
    fn sleep(&mut self, now: Instant, next: Option<Instant>) -> Option<Instant> {
        let next = if self.has_come { Some(now) } else { next };
        self.wakes = next.map(|next| next.max(now + POLL_FIRST));
        self.wakes
    }
}

struct One {
    peer: Peer<AnySession>,
    next_look: Instant,
    pause: Duration,
}

impl One {
    fn is_guest(&self) -> bool {
        self.peer.session.slot().is_guest()
    }
}

impl Polled {
    pub(crate) fn new(
        game_servers: &'static Holders,
        clients: &'static Holders,
        watchers: &'static Watchers,
    ) -> Self {
        Self {
            inbox: Mutex::default(),
            inside: Mutex::default(),
            thread: OnceLock::new(),
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
        let round = || {
            lock(&self.inbox).alarm.look();
            let next = self.look(None);
            self.sleep(next);
            ControlFlow::Continue(())
        };
        let thread = lasting::start(name, threads::STACK, log, round)?;
        // Nobody else sets it.
        let _ = self.thread.set(thread.thread().clone());
        Ok(())
    }

    /// Takes in a connection whose socket does not wait.
    pub(crate) fn enter(&self, peer: Peer<AnySession>, first_look: Duration) {
        let now = Instant::now();
        let next_look = now + first_look;
        let must_wake = {
            let mut inbox = lock(&self.inbox);
            inbox.arrivals.push(One {
                peer,
                next_look,
                pause: POLL_FIRST,
            });
            inbox.alarm.arrive(now)
        };
        if must_wake && let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Sees to it that none of them keeps a newcomer out who has hung up, or has its list and says no
    /// more.
    pub(crate) fn free_slots(&self, newcomer: IpAddr) {
        self.look(Some(newcomer));
    }

    /// Looks at those whose turn it is, or at all for a newcomer. Says when it is somebody's turn again.
    fn look(&self, newcomer: Option<IpAddr>) -> Option<Instant> {
        let mut inside = lock(&self.inside);
        inside.append(&mut lock(&self.inbox).arrivals);
        let now = Instant::now();
        let all = std::mem::take(&mut *inside);
        let is_turn = |one: &One| newcomer.is_some() || now >= one.next_look;
        *inside = threads::each_apart(all, |one| match is_turn(&one) {
            true => self.look_at(one, now, newcomer),
            false => Some(one),
        });
        inside.iter().map(|one| one.next_look).min()
    }

    fn sleep(&self, next: Option<Instant>) {
        let now = Instant::now();
        let wakes = {
            let mut inbox = lock(&self.inbox);
            inbox.alarm.sleep(now, next)
        };
        match wakes {
            Some(wakes) => thread::park_timeout(wakes.saturating_duration_since(now)),
            None => thread::park(),
        }
    }

    /// Goes on with one. It is returned if it stays.
    fn look_at(&self, mut one: One, now: Instant, newcomer: Option<IpAddr>) -> Option<One> {
        let effort = match one.is_guest() {
            true => Effort::Any,
            false => Effort::Little,
        };
        let peer = &mut one.peer;
        peer.send();
        let is_heard = peer.receive(effort);
        peer.check_deadline(now);
        if newcomer.is_some_and(|newcomer| is_in_the_way(peer, newcomer)) {
            let text = "others need the slot, and you have your list";
            peer.connection.dismiss(Refusal::new(ErrorCode::Busy, text));
            peer.receive(effort);
        } else if let Some(holders) = self.next_holders(&one, is_heard) {
            holders.put(one.peer);
            return None;
        }
        if one.peer.ending.is_some() {
            if let Some(watcher) = one.peer.conclude(Linger::No) {
                self.watchers.enter(watcher);
            }
            return None;
        }
        if is_heard {
            one.pause = POLL_FIRST;
        }
        one.next_look = now + one.pause;
        one.pause = (2 * one.pause).min(POLL_LAST);
        Some(one)
    }

    /// Who is to hold it from now on, if it has a slot and is not over soon.
    fn next_holders(&self, one: &One, is_heard: bool) -> Option<&'static Holders> {
        let peer = &one.peer;
        match (&peer.ending, &peer.session) {
            _ if one.is_guest() => None,
            // It is given time to read why.
            (Some(Ending::Refused(_)), AnySession::Client(_)) => Some(self.clients),
            (Some(_), _) => None,
            (None, AnySession::GameServer(_)) => (!peer.is_sending()).then_some(self.game_servers),
            _ if !peer.is_waiting() => Some(self.clients),
            _ if !is_heard && peer.has_answered && one.pause < POLL_LAST => None,
            // In a crowd it stays where it can make way.
            _ => (!peer.session.slot().is_crowded()).then_some(self.clients),
        }
    }
}

/// True for a client that has its list and holds a slot that the newcomer could have.
fn is_in_the_way(peer: &Peer<AnySession>, newcomer: IpAddr) -> bool {
    let slot = peer.session.slot();
    let is_same_host = || Network::host(peer.connection.peer().ip()) == Network::host(newcomer);
    peer.is_waiting() && slot.is_served() && (slot.is_crowded() || is_same_host())
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    quickcheck! {
        /// However arrivals and the thread's steps fall, and whoever takes the arrivals in, the thread
        /// never sleeps longer than [`POLL_FIRST`] while somebody waits to be looked at.
        fn nobody_waits_for_a_thread_that_sleeps(events: Vec<(u8, u8)>) -> bool {
            let start = Instant::now();
            let (mut now, mut alarm) = (start, Alarm::default());
            // Whether the thread sleeps and until when, whether it was woken, and whether it has
            // looked since.
            let (mut sleeps, mut until, mut is_woken) = (true, None, false);
            let mut has_looked = false;
            let mut came: Option<Instant> = None;
            events.into_iter().all(|(what, time)| {
                match what % 3 {
                    0 => {
                        is_woken |= alarm.arrive(now);
                        came = came.or(Some(now));
                    }
                    1 if !sleeps => {
                        alarm.look();
                        came = None;
                        has_looked = true;
                    }
                    1 => {}
                    _ => {
                        if !sleeps && std::mem::take(&mut has_looked) {
                            let next = (time % 2 == 0)
                                .then(|| now + Duration::from_millis(time.into()));
                            until = alarm.sleep(now, next);
                            sleeps = true;
                        }
                        now += Duration::from_micros(u64::from(time) * 10);
                    }
                }
                if sleeps && (std::mem::take(&mut is_woken) || until.is_some_and(|at| at <= now)) {
                    sleeps = false;
                }
                came.is_none_or(|came| !sleeps || until.is_some_and(|at| at <= came + 2 * POLL_FIRST))
            })
        }
    }
}
