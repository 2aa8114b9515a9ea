//! The thread that asks again and again.
//!
//! This file hides names that have several addresses or get another one: a name is looked up again
//! when there is no answer, and its addresses are asked in turn.

use super::command::{RunGuard, StatusCommand};
use super::question::{self, NoAnswer};
use super::target::{Asked, Target, Whom};
use crate::base::random::RANDOM;
use crate::base::threads;
use crate::game_server::announce::updates::Numbered;
use crate::query::{Asking, Kind, Status};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

/// How long the look-up of a name may take.
const LOOK_UP_TIME: Duration = Duration::from_secs(5);

/// What was answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// By the game server at this address: what it has said, and the fields that this makes.
    Status(Box<Status>, Vec<(&'static str, String)>, IpAddr),
    /// By a command: lines of updates.
    Lines(Vec<Numbered>),
}

/// Asks in another thread, until `tell` says that nobody wants to know any more; it is told answers,
/// and why there was none. What else may be there is looked for once, from `patient_until` on. `port`
/// is announced. A command that runs when what is returned is dropped is ended then.
///
/// # Errors
/// When the system has no thread left.
pub(crate) fn start(
    asked: Asked,
    port: u16,
    patient_until: Instant,
    tell: impl Fn(Result<Answer, String>) -> bool + Clone + Send + 'static,
) -> io::Result<Option<RunGuard>> {
    let told = tell.clone();
    let mut guard = None;
    let mut ask: Box<dyn FnMut() -> Result<Answer, String> + Send> = match asked.whom {
        Whom::Game(target) => {
            let mut asker = Asker::new(target, patient_until);
            Box::new(move || {
                let (status, from) = asker.ask()?;
                let fields = asker.target.fields(&status, asker.asking.answers_probes());
                asker.asking.again(RANDOM.number());
                Ok(Answer::Status(Box::new(status), fields, from))
            })
        }
        Whom::Command(text) => {
            let (mut command, run_guard) = StatusCommand::new(text, port);
            guard = Some(run_guard);
            Box::new(move || command.run().map(Answer::Lines))
        }
    };
    let ask_again = move || {
        let next = Instant::now() + asked.every;
        if !tell(ask()) {
            return ControlFlow::Break(());
        }
        thread::sleep(next.saturating_duration_since(Instant::now()));
        ControlFlow::Continue(())
    };
    let (pause, fault) = (asked.every, "a fault in this program".to_owned());
    let ask_again = move || {
        threads::survive(pause, || _ = told(Err(fault.clone())), ask_again);
    };
    threads::start("ask", threads::STACK, ask_again)?;
    Ok(guard)
}

/// Asks one game server.
struct Asker {
    target: Target,
    asking: Asking,
    addresses: Vec<SocketAddr>,
    /// The number of addresses that were given up.
    given_up: usize,
    /// When to look for other protocols, if that is still to be done.
    look_around_at: Option<Instant>,
    /// What was found.
    other: Option<Kind>,
}

impl Asker {
    fn new(target: Target, patient_until: Instant) -> Self {
        Self {
            asking: question_of(target.kind(), &target),
            target,
            addresses: Vec::new(),
            given_up: 0,
            look_around_at: Some(patient_until),
            other: None,
        }
    }

    /// What is answered, and from where.
    fn ask(&mut self) -> Result<(Status, IpAddr), String> {
        let why = match self.ask_addresses() {
            Ok(answer) => {
                (self.look_around_at, self.other) = (None, None);
                return Ok(answer);
            }
            Err(why) => why,
        };
        let is_time = |at: &mut Instant| Instant::now() >= *at;
        if self.look_around_at.take_if(is_time).is_some() {
            self.other = self.other_kind();
        }
        self.addresses.clear();
        Err(match self.other {
            Some(other) => format!("{why}; but --ask {other}={} is answered", self.target),
            None => why.to_string(),
        })
    }

    /// Asks one address, or all where nothing listens.
    fn ask_addresses(&mut self) -> Result<(Status, IpAddr), NoAnswer> {
        if self.addresses.is_empty() {
            let deadline = Instant::now() + LOOK_UP_TIME;
            self.addresses = self.target.address.look_up(deadline)?;
            let first = self.given_up % self.addresses.len().max(1);
            self.addresses.rotate_left(first);
        }
        let transport = self.target.kind().transport();
        let mut why = NoAnswer::Silence;
        for address in self.addresses.clone() {
            match question::ask(&mut self.asking, transport, address, question::TRIES) {
                Ok(status) => return Ok((status, address.ip())),
                Err(no) => why = no,
            }
            self.asking = question_of(self.target.kind(), &self.target);
            self.given_up = self.given_up.wrapping_add(1);
            if !matches!(why, NoAnswer::Refused) {
                break;
            }
        }
        Err(why)
    }

    /// Another protocol that is answered there.
    fn other_kind(&self) -> Option<Kind> {
        let is_answered = |kind: &Kind| {
            self.addresses.iter().any(|address| {
                let mut asking = question_of(*kind, &self.target);
                question::ask(&mut asking, kind.transport(), *address, 1).is_ok()
            })
        };
        let kinds = Kind::ALL.into_iter();
        let mut others = kinds.filter(|kind| *kind != self.target.kind());
        others.find(is_answered)
    }
}

/// A question to the game server `target`.
fn question_of(kind: Kind, target: &Target) -> Asking {
    let Target { address, .. } = target;
    Asking::all(kind, RANDOM.number()).at(address.host(), address.port())
}
