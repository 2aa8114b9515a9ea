//! A conversation as one value.
//!
//! This file hides what belongs to a conversation between two lines of it: who is at the other
//! end, the slot that it takes, what was heard of the line that is not complete yet. All of it is
//! in one value that no thread is tied to, so that one thread may set it aside and another go on.

use crate::protocol::line::{LineError, LineSplitter};
use crate::tracker::session::Ending;
use crate::tracker::session::client::ClientSession;
use crate::tracker::session::game_server::GameServerSession;
use crate::tracker::session::watcher::WatcherSession;
use crate::tracker::session::{Outbox, Session};
use crate::tracker::state::connection::{Connection, Look, Step, Talk, lost};
use crate::tracker::state::session_context::Seat;
use crate::tracker::threads::acceptor::Held;
use crate::tracker::threads::workers;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// A game server that was silent for so long is left to a waiter, or sooner if most workers are busy.
/// One that says something every second or two stays with its worker: to pass it on costs as much as
/// an update.
const LINGER: Duration = Duration::from_secs(3);

/// Most game servers answer a PING within this time. The others are left to a waiter before they
/// do; and so are all when many PINGs are due at once, as those of game servers that have come at
/// once are: there must still be workers to send the next.
const ANSWERS: Duration = Duration::from_millis(100);

/// How soon a waiter asks again when no worker has time for what answers a PING, which is nothing
/// that anybody waits for …
const ANSWER_AGAIN: Duration = Duration::from_millis(5);

/// … and how many times before it becomes a worker.
const ANSWER_TRIES: u32 = 20;

/// How soon a waiter asks again when no worker has time to send a PING. There may be thousands who
/// ask: game servers that came at once fall silent at once.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// After this time it sends the PING itself; the game server is dropped 15 s after it was due.
const LATEST: Duration = Duration::from_secs(5);

/// Who is at the other end, and what was agreed so far. Owns the slot.
pub(crate) enum Party {
    GameServer(GameServerSession<'static, Seat>),
    Client(ClientSession<'static, Seat>),
}

/// A thread's place among those of its port, who pass conversations on.
pub(crate) type Place<'a> = workers::Place<'a, Box<Conversation>>;

/// The threads of a port.
pub(crate) type Roster = workers::Roster<Box<Conversation>>;

/// One connection, its slot and its session. Dropping it frees the slot and closes.
pub(crate) struct Conversation {
    connection: Arc<Connection>,
    party: Party,
    talk: Talk,
}

impl Conversation {
    /// Nothing was said yet.
    pub(crate) fn new(party: Party) -> Self {
        Self {
            connection: Arc::clone(party.seat().connection()),
            party,
            talk: Talk::default(),
        }
    }

    /// One that was begun without a thread.
    pub(crate) fn go_on_with(party: Party, splitter: LineSplitter, unread: Vec<u8>) -> Self {
        let mut conversation = Self::new(party);
        conversation.talk.splitter = splitter;
        conversation.talk.unread = unread;
        conversation
    }

    /// What it would be begun with again.
    pub(crate) fn into_parts(self) -> (Party, LineSplitter) {
        (self.party, self.talk.splitter)
    }

    /// Has one that is on the list held by a thread of its port from now on.
    ///
    /// # Errors
    /// Itself, if there is none.
    pub(crate) fn give_to_thread(self) -> Result<(), Box<Self>> {
        if let Err(error) = self.connection.set_waiting(true) {
            self.conclude(lost(error), false);
            return Ok(());
        }
        let roster = self.party.seat().roster();
        let given = roster.give_to_waiter(Box::new(self));
        given.or_else(|same| roster.give_to_worker(same))
    }

    /// Has it held to its end by another thread of its port.
    pub(crate) fn hand_over(self) {
        let roster = self.party.seat().roster();
        roster.hand_over(Box::new(self));
    }

    /// Holds it to the first answer, without waiting for the peer if that can be: if it cannot,
    /// calls `step_aside` before. What is left of the conversation then, if it is not over.
    pub(crate) fn answer(mut self, step_aside: &mut dyn FnMut()) -> Option<Self> {
        // Where the system does not let it hurry, it takes its time.
        if self.hurry().is_err() {
            step_aside();
        }
        while !self.talk.has_answered() {
            if let Step::Over(ending) = self.go_on(step_aside) {
                if matches!(ending, Ending::Refused(_)) {
                    // The peer is given time to read why.
                    step_aside();
                }
                self.conclude(ending, true);
                return None;
            }
        }
        Some(self)
    }

    /// Makes it one that [`look`](Self::look) does not wait for.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(crate) fn hurry(&mut self) -> io::Result<()> {
        self.connection.hurry(&mut self.talk)
    }

    /// Looks what the peer does.
    pub(crate) fn look(&self) -> Look {
        self.connection.look(&self.talk)
    }

    /// Goes on until the peer was heard once or a deadline has passed.
    #[inline(never)]
    fn go_on(&mut self, step_aside: &mut dyn FnMut()) -> Step {
        let timings = self.party.seat().timings();
        self.connection
            .go_on(&mut self.party, &mut self.talk, timings, step_aside)
    }

    /// Ends it, and says what came of it. Takes a moment if there is a last line to be read and the
    /// calling thread `may_wait` for that.
    pub(crate) fn conclude(self, ending: Ending, may_wait: bool) {
        match (ending, self.party) {
            (Ending::Watching(watch), Party::Client(session)) => {
                let seat = session.into_services();
                seat.settle();
                let shared = seat.shared();
                let session = WatcherSession::new(seat, &shared.setting, watch);
                shared
                    .watchers
                    .enter(session, self.talk.splitter, self.talk.unread);
            }
            (ending, party) => party.seat().conclude(ending, may_wait),
        }
    }
}

impl Held for Box<Conversation> {
    /// Holds it to its end; or until it is quiet and there is a waiter who has time for that.
    // Not part of `wait`, whose share of the stack is to be small.
    #[inline(never)]
    fn hold(mut self, place: &mut Place<'_>) {
        // Who is not listed yet is waited for as long as who is, so that the wait need not be set
        // anew then.
        let mut patience = self.party.is_game_server().then_some(LINGER);
        let is_new = !self.party.is_at_rest();
        let silence = |heard: Option<Instant>| heard.map_or(LINGER, |heard| heard.elapsed());
        // A waiter has waited long enough already.
        let mut heard = is_new.then(Instant::now);
        loop {
            let (was_at_rest, was_pinged) = (self.party.is_at_rest(), self.party.is_pinged());
            self.talk.patience = patience.map(|linger| match was_pinged {
                true => ANSWERS,
                false => linger.saturating_sub(silence(heard)),
            });
            let step = self.go_on(&mut || {});
            if matches!(step, Step::Heard) {
                heard = Some(Instant::now());
            }
            let is_quiet = match step {
                Step::Quiet if was_pinged => true,
                // It may have been sent a datagram.
                Step::Quiet => silence(heard) >= LINGER || place.roster().has_fewer_free_than(6),
                Step::Told => place.roster().is_calling_many(),
                // That was the answer to the PING.
                Step::Heard if was_pinged => true,
                Step::Heard if !is_new => false,
                // Many have come at once. Who has only just been listed may say more at once, and
                // is passed on twice then.
                Step::Heard if was_at_rest => place.roster().has_fewer_free_than(6),
                Step::Heard => place.roster().has_fewer_free_than(1),
                Step::Over(ending) => {
                    // When thousands fell silent at once, thousands are dropped at once.
                    let is_crowd = self.party.is_at_rest() && place.roster().is_calling_many();
                    return self.conclude(ending, !is_crowd);
                }
            };
            if is_quiet && self.party.is_at_rest() {
                match place.roster().give_to_waiter(self) {
                    Ok(()) => return,
                    Err(same) => self = same,
                }
                // Another try when the next deadline has passed.
                patience = None;
            }
        }
    }

    /// Waits until the peer speaks or a deadline has passed, and leaves it to a worker to do what
    /// is to be done then.
    fn wait(mut self, place: &mut Place<'_>) {
        let mut tries = 0;
        loop {
            let deadline = self.party.next_deadline();
            let soonest = Instant::now() + ASK_AGAIN;
            let is_silent = self.connection.wait(&mut self.talk, deadline.max(soonest));
            let late = Instant::now().saturating_duration_since(deadline);
            if is_silent && late.is_zero() {
                continue;
            }
            match place.roster().give_to_worker(self) {
                Ok(()) => return,
                Err(same) => self = same,
            }
            if !is_silent && self.party.is_pinged() && tries < ANSWER_TRIES {
                tries += 1;
                thread::sleep(ANSWER_AGAIN);
                continue;
            }
            if !is_silent || late > LATEST {
                place.become_worker();
                return self.hold(place);
            }
        }
    }
}

impl Party {
    /// The slot that it takes.
    pub(crate) fn seat(&self) -> &Seat {
        match self {
            Self::GameServer(session) => session.services(),
            Self::Client(session) => session.services(),
        }
    }

    fn is_game_server(&self) -> bool {
        matches!(self, Self::GameServer(_))
    }

    /// True for a game server on the list, which may be silent for a day and more.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self, Self::GameServer(session) if session.is_listed())
    }

    /// True for a game server that has a PING to answer.
    fn is_pinged(&self) -> bool {
        matches!(self, Self::GameServer(session) if session.is_pinged())
    }

    fn session(&mut self) -> &mut dyn Session {
        match self {
            Self::GameServer(session) => session,
            Self::Client(session) => session,
        }
    }
}

impl Session for Party {
    fn on_line(&mut self, line: Result<&str, LineError>, now: Instant, out: &mut Outbox) {
        self.session().on_line(line, now, out);
    }

    fn on_noise(&mut self, now: Instant, out: &mut Outbox) {
        self.session().on_noise(now, out);
    }

    fn on_deadline(&mut self, now: Instant, out: &mut Outbox) {
        self.session().on_deadline(now, out);
    }

    fn on_end(&mut self, inside_a_line: bool, out: &mut Outbox) {
        self.session().on_end(inside_a_line, out);
    }

    fn is_dear(&self, line: &str) -> bool {
        match self {
            Self::GameServer(session) => session.is_dear(line),
            Self::Client(session) => session.is_dear(line),
        }
    }

    fn next_deadline(&self) -> Instant {
        match self {
            Self::GameServer(session) => session.next_deadline(),
            Self::Client(session) => session.next_deadline(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_may_change_threads() {
        fn may_change_threads<T: Send + 'static>() {}
        may_change_threads::<Conversation>();
    }
}
