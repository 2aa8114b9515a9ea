//! One game server that has registered: when it is asked, and what its operator is told.

use crate::bridge::cube::dialect::{Dialect, Registration};
use crate::bridge::cube::pong::Question;
use crate::bridge::desk::Outcome;
use crate::query::Status;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Between an answer and the next question, and between two questions to one that is off the list.
pub(super) const REST: Duration = Duration::from_secs(30);

/// Between two questions to one that is listed and does not answer, and how many there are.
const LISTED: (Duration, u32) = (Duration::from_secs(5), 3);

/// The same for one that has just registered, as its own masters do it.
const NEW: (Duration, u32) = (Duration::from_secs(3), 5);

/// How long the tracker has, until the operator of a game server is told that it is slow.
const TRACKER: Duration = Duration::from_secs(5);

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Ask this address, which is one above that of the game.
    Ask(SocketAddr, Question),
    /// Have a game server listed, or say what it is now.
    List(SocketAddr, Dialect, Box<Status>),
    /// Take a game server off the list.
    Unlist(SocketAddr, &'static str),
    /// Send this on a connection, if it is still there.
    Tell(u64, String),
}

/// Where a game server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It has not answered yet.
    New,
    /// It answers.
    Listed,
    /// It did not answer for too long.
    Away,
}

/// A game server that has registered.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) dialect: Dialect,
    pub(super) said: Registration,
    /// Those that have registered it and are open: whoever spoke last, last. Its host may have others than
    /// its own.
    pub(super) connections: Vec<u64>,
    pub(super) state: State,
    /// How many questions since the last answer.
    pub(super) asked: u32,
    /// The last of them, and the one before, whose answer may still be on its way.
    pub(super) open: [Option<Question>; 2],
    pub(super) ask_at: Instant,
    pub(super) answered: Instant,
    pub(super) forget_at: Instant,
    /// True until its operator was told that it is listed.
    pub(super) owes: bool,
    /// What its operator was told last.
    pub(super) told: String,
}

impl Entry {
    /// Tells the operator what has become of the registration, once there is something to tell.
    pub(super) fn report(
        &mut self,
        address: SocketAddr,
        outcome: Option<Outcome>,
        now: Instant,
        out: &mut Vec<Act>,
    ) {
        let text = match outcome {
            Some(Outcome::Listed) => {
                self.owes = false;
                self.dialect.listed(address)
            }
            Some(Outcome::Refused(why)) => self.dialect.refused(why),
            None if now >= self.answered + TRACKER => self
                .dialect
                .refused("the tracker behind this master has not answered yet; it is tried again"),
            None => return,
        };
        self.tell(text, out);
    }

    /// What a datagram answers to an open question. Each is good for one answer, so that nobody repeats it.
    pub(super) fn answer<'a>(&mut self, datagram: &'a [u8]) -> Option<&'a [u8]> {
        let mut open = self.open.iter().flatten();
        let answer = open.find_map(|question| question.answer(datagram))?;
        self.open = [None; 2];
        Some(answer)
    }

    /// Asks once more, or gives up.
    pub(super) fn ask(
        &mut self,
        address: SocketAddr,
        question: Question,
        now: Instant,
        out: &mut Vec<Act>,
    ) {
        let (mut gap, patience) = match self.state {
            State::New => NEW,
            State::Listed => LISTED,
            State::Away => (REST, u32::MAX),
        };
        if self.asked >= patience {
            if self.state == State::Listed {
                out.push(Act::Unlist(address, "it does not answer any more"));
            }
            let why = unanswered(self.asked, info(address));
            self.tell(self.dialect.refused(why), out);
            self.owes = !self.connections.is_empty();
            self.state = State::Away;
            gap = REST;
        }
        self.asked = self.asked.saturating_add(1);
        self.ask_at = now + gap;
        self.open = [Some(question), self.open[0]];
        out.push(Act::Ask(info(address), question));
    }

    /// Tells the operator something that he has not just been told.
    fn tell(&mut self, text: String, out: &mut Vec<Act>) {
        if let Some(&connection) = self.connections.last()
            && text != self.told
        {
            self.told.clone_from(&text);
            out.push(Act::Tell(connection, text));
        }
    }
}

/// Why one is not listed that does not answer.
fn unanswered(questions: u32, info: SocketAddr) -> String {
    format!(
        "failed pinging server: {questions} questions to {info} by UDP were not answered; open ports {} and \
         {} for UDP; asked again every {} s",
        info.port() - 1,
        info.port(),
        REST.as_secs()
    )
}

/// Where a game server is asked.
fn info(game: SocketAddr) -> SocketAddr {
    (game.ip(), game.port().saturating_add(1)).into()
}
