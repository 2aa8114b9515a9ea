//! Guests: newcomers for whom there is no slot, and who are heard all the same.
//!
//! A client that asks for the list gets it, and a game server that logs in gets onto it, even while
//! others sit on all slots in silence. This file hides how often guests are looked at: soon after
//! they came or spoke, and then ever less often. Whoever is a round trip away is as honest as who is
//! near. A guest has no thread; who has been put on the list is given one.

use crate::protocol::line::LineSplitter;
use crate::threads;
use crate::tracker::session::{Session, Timings};
use crate::tracker::state::lasting;
use crate::tracker::state::shared::{Shared, lock};
use crate::tracker::threads::peer::{Conversation, Party};
use crate::tracker::threads::unattended::Unattended;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How soon a guest is looked at again that was just heard. Each look in vain doubles it …
const SOON: Duration = Duration::from_millis(1);

/// … up to this: 192 guests are looked at 12,000 times a second then, for a hundredth of a processor.
const SELDOM: Duration = Duration::from_millis(16);

/// The way in for guests.
#[derive(Default)]
pub(crate) struct Guests {
    inbox: Mutex<Vec<Party>>,
    thread: OnceLock<Thread>,
}

impl Guests {
    /// Takes in somebody who has not said anything yet.
    pub(crate) fn enter(&self, party: Party) {
        lock(&self.inbox).push(party);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// Starts the thread.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn start(shared: &'static Shared) -> io::Result<()> {
    let mut guests = Vec::new();
    let round = move || {
        look(shared, &mut guests);
        ControlFlow::Continue(())
    };
    let thread = lasting::start("guests", threads::STACK, &shared.log, round)?;
    // Nobody else sets it.
    let _ = shared.guests.thread.set(thread.thread().clone());
    Ok(())
}

/// Looks at those whose turn it is, and sleeps until it is somebody's again.
fn look(shared: &Shared, guests: &mut Vec<Guest>) {
    let arrivals = std::mem::take(&mut *lock(&shared.guests.inbox));
    let arrivals = arrivals.into_iter();
    guests.extend(arrivals.map(|party| Guest::new(party, LineSplitter::default())));
    let now = Instant::now();
    *guests = threads::each_apart(std::mem::take(guests), |guest| guest.look(now));
    match guests.iter().map(|guest| guest.next_look).min() {
        Some(next) => thread::park_timeout(next.saturating_duration_since(Instant::now())),
        None => thread::park(),
    }
}

struct Guest {
    peer: Unattended<Party>,
    next_look: Instant,
    pause: Duration,
}

impl Guest {
    fn new(party: Party, splitter: LineSplitter) -> Self {
        let (now, seat) = (Instant::now(), party.seat());
        let connection = Arc::clone(seat.connection());
        let own = *seat.timings();
        // Whoever has no slot has little time to read either.
        let timings = Timings {
            write: own.guest,
            write_bytes_per_second: u32::MAX,
            ..own
        };
        Self {
            peer: Unattended::new(connection, party, splitter, b"", timings, now),
            next_look: now,
            pause: SOON,
        }
    }

    /// Goes on with it if it is its turn. It is returned if it is still a guest then.
    fn look(mut self, now: Instant) -> Option<Self> {
        if now < self.next_look {
            return Some(self);
        }
        let peer = &mut self.peer;
        peer.go_on(now);
        let is_heard = peer.listen(now);
        let is_over = peer.is_busy() || peer.ending.is_some();
        if !is_over && peer.session.next_deadline() <= now {
            peer.on_deadline(now);
        }
        if let Some(ending) = peer.ending.take() {
            self.into_conversation().conclude(ending, false);
            return None;
        }
        if peer.session.is_at_rest() && !peer.is_busy() {
            let pause = self.pause;
            let same = self.into_conversation().give_to_thread().err()?;
            // All threads have something else to do for the moment.
            let (party, splitter) = same.into_parts();
            self = Self::new(party, splitter);
            self.pause = pause;
        }
        if is_heard {
            self.pause = SOON;
        }
        self.next_look = now + self.pause;
        self.pause = (2 * self.pause).min(SELDOM);
        Some(self)
    }

    fn into_conversation(self) -> Conversation {
        let Unattended {
            session,
            splitter,
            unread,
            ..
        } = self.peer;
        Conversation::go_on_with(session, splitter, unread)
    }
}
