//! The thread that asks again and again.
//!
//! This file hides names that have several addresses or get another one: a name is looked up again
//! when there is no answer, and its addresses are asked in turn.

use super::command;
use super::question::{self, NoAnswer};
use super::target::{Asked, Target, Whom};
use crate::base::random::RANDOM;
use crate::base::threads;
use crate::game_server::announce::updates::Numbered;
use crate::query::{Kind, Status};
use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

/// How long the look-up of a name may take.
const LOOK_UP_TIME: Duration = Duration::from_secs(5);

/// What was answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// By a game server.
    Status(Box<Status>),
    /// By a command: lines of updates.
    Lines(Vec<Numbered>),
}

/// Asks in another thread, until `tell` says that nobody wants to know any more; it is told answers,
/// and why there was none. What else may be there is looked for once, from `patient_until` on.
///
/// # Errors
/// When the system has no thread left.
pub(crate) fn start(
    asked: Asked,
    patient_until: Instant,
    mut tell: impl FnMut(Result<Answer, String>) -> bool + Send + 'static,
) -> io::Result<()> {
    let mut ask: Box<dyn FnMut() -> Result<Answer, String> + Send> = match asked.whom {
        Whom::Game(target) => {
            let mut asker = Asker::new(target, patient_until);
            Box::new(move || asker.ask().map(Answer::Status))
        }
        Whom::Command(text) => Box::new(move || command::run(&text).map(Answer::Lines)),
    };
    let ask_again = move || {
        loop {
            let next = Instant::now() + asked.every;
            if !tell(ask()) {
                return;
            }
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    };
    threads::start("ask", threads::STACK, ask_again).map(drop)
}

/// Asks one game server.
struct Asker {
    target: Target,
    addresses: Vec<SocketAddr>,
    /// The number of addresses that were given up.
    given_up: usize,
    /// When to look for other protocols, if that is still to be done.
    look_around_at: Option<Instant>,
}

impl Asker {
    fn new(target: Target, patient_until: Instant) -> Self {
        Self {
            target,
            addresses: Vec::new(),
            given_up: 0,
            look_around_at: Some(patient_until),
        }
    }

    fn ask(&mut self) -> Result<Box<Status>, String> {
        let kind = self.target.kind();
        let answer = self.ask_addresses();
        match answer {
            Ok(status) => {
                self.look_around_at = None;
                Ok(status)
            }
            Err(why) => {
                let is_time = |at: &mut Instant| Instant::now() >= *at;
                let other = match self.look_around_at.take_if(is_time) {
                    Some(_) => self.other_kind(),
                    None => None,
                };
                self.addresses.clear();
                Err(match other {
                    Some(other) => {
                        format!("{why}; --ask {other} is answered there, and {kind} is not")
                    }
                    None => why.to_string(),
                })
            }
        }
    }

    /// Asks one address, or all where nothing listens.
    fn ask_addresses(&mut self) -> Result<Box<Status>, NoAnswer> {
        if self.addresses.is_empty() {
            let deadline = Instant::now() + LOOK_UP_TIME;
            self.addresses = self.target.address.look_up(deadline)?;
            let first = self.given_up % self.addresses.len().max(1);
            self.addresses.rotate_left(first);
        }
        let mut why = NoAnswer::Silence;
        for _ in 0..self.addresses.len() {
            let Some(&address) = self.addresses.first() else {
                break;
            };
            match question::ask(
                self.target.kind(),
                address,
                RANDOM.number(),
                question::TRIES,
            ) {
                Ok(status) => return Ok(status),
                Err(no) => why = no,
            }
            self.addresses.rotate_left(1);
            self.given_up = self.given_up.wrapping_add(1);
            if !matches!(why, NoAnswer::Refused) {
                break;
            }
        }
        Err(why)
    }

    /// Another protocol that is answered there.
    fn other_kind(&self) -> Option<Kind> {
        let others = Kind::ALL
            .into_iter()
            .filter(|kind| *kind != self.target.kind());
        let mut others = others.flat_map(|kind| self.addresses.iter().map(move |at| (kind, *at)));
        let found = others.find(|(kind, at)| question::ask(*kind, *at, RANDOM.number(), 1).is_ok());
        found.map(|(kind, _)| kind)
    }
}
