//! The lounge: where clients who have their answer are, until they hang up.
//!
//! A client that was answered and has not said QUIT will nearly always hang up, within a
//! millisecond or a few. A thread that waited for that would be woken for it, once for each of
//! them, which costs as much as the answer. So nobody waits: whoever brings the next client looks,
//! once in a millisecond, what all the others do, and a thread does when nobody comes.
//!
//! Whoever is in the lounge holds a slot, so it is no larger than there are slots.

use crate::threads;
use crate::tracker::state::connection::Look;
use crate::tracker::threads::peer::Conversation;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// How often those who bring somebody look at the others.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// How often the lounge's own thread looks, which has the others to do its work when there is
/// much of it.
const LOOK_ALONE: Duration = Duration::from_millis(4);

/// How soon it looks again after somebody has come into an empty lounge: who hangs up in one
/// direction only waits for that. Then it takes twice as long each time.
const LOOK_SOON: Duration = Duration::from_micros(500);

/// Who has not hung up by then is given to a thread again, which waits for what they say.
const STAY: Duration = Duration::from_millis(30);

/// Clients who have their answer.
#[derive(Default)]
pub(crate) struct Lounge {
    /// Held by whoever looks.
    turn: Mutex<()>,
    inside: Mutex<Inside>,
    /// Somebody came when nobody was there.
    came: Condvar,
}

#[derive(Default)]
struct Inside {
    clients: Vec<(Instant, Conversation)>,
    last_look: Option<Instant>,
    /// The lounge's thread waits for somebody to come.
    is_asleep: bool,
}

impl Lounge {
    /// Starts the lounge's own thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(&'static self, stack: usize) -> io::Result<()> {
        let look = move || {
            let mut pause = LOOK_SOON;
            loop {
                if self.wait_for_somebody() {
                    pause = LOOK_SOON;
                }
                self.look_after(Duration::ZERO);
                thread::sleep(pause);
                pause = (2 * pause).min(LOOK_ALONE);
            }
        };
        threads::start("lounge", stack, look).map(drop)
    }

    /// Takes in a conversation that does not wait for its peer.
    pub(crate) fn enter(&self, conversation: Conversation) {
        self.let_in(&mut vec![(Instant::now(), conversation)]);
        self.look_after(LOOK_EVERY);
    }

    fn let_in(&self, clients: &mut Vec<(Instant, Conversation)>) {
        let was_asleep = {
            let mut inside = self.inside();
            inside.clients.append(clients);
            !inside.clients.is_empty() && std::mem::take(&mut inside.is_asleep)
        };
        if was_asleep {
            self.came.notify_one();
        }
    }

    /// Sees to it that nobody is inside who has gone, for one who needs a slot. If somebody is
    /// looking, waits for that: those who have gone are about to be known.
    pub(crate) fn make_room(&self) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.look();
    }

    /// Looks, unless somebody does or has done within `pause`.
    fn look_after(&self, pause: Duration) {
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            // Nothing is half done.
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let last_look = self.inside().last_look;
        if last_look.is_none_or(|at| at.elapsed() >= pause) {
            self.look();
        }
    }

    /// Looks what everybody does.
    fn look(&self) {
        let now = Instant::now();
        let clients = {
            let mut inside = self.inside();
            inside.last_look = Some(now);
            std::mem::take(&mut inside.clients)
        };
        let look = |(since, client)| Some((since, look_at(client, now >= since + STAY)?));
        self.let_in(&mut threads::each_apart(clients, look));
    }

    /// Waits until somebody is inside. True if nobody was.
    fn wait_for_somebody(&self) -> bool {
        let mut inside = self.inside();
        let was_empty = inside.clients.is_empty();
        while inside.clients.is_empty() {
            inside.is_asleep = true;
            let woken = self.came.wait(inside);
            inside = woken.unwrap_or_else(PoisonError::into_inner);
        }
        was_empty
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks what one client does, and sees to it if that is more than nothing. It is returned if it
/// stays.
fn look_at(client: Conversation, is_over: bool) -> Option<Conversation> {
    match client.look() {
        Look::Silent if !is_over => return Some(client),
        Look::Gone(ending) => client.conclude(ending, true),
        Look::Silent | Look::Speaks => client.hand_over(),
    }
    None
}
