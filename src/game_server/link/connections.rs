//! One tracker: its connections, one after the other.
//!
//! This file hides threads and sockets. For each tracker there is a thread that talks and decides
//! and never blocks for longer than a write may take; for each connection another one, the ear,
//! which reaches one of its addresses and reads, all of which may block.

use super::mailbox::{Heard, Letter, Mailbox, NOBODY};
use super::retry::Retry;
use crate::base::io_error::unreached;
use crate::base::random::RANDOM;
use crate::base::threads;
use crate::game_server::event::{Event, Happening};
use crate::game_server::session::Credential;
use crate::game_server::session::fields::Field;
use crate::game_server::session::{Ending, News, Outbox, Session};
use crate::game_server::tracker_address::TrackerAddress;
use crate::protocol::infos::Infos;
use crate::protocol::line::LineSplitter;
use crate::reach::{Reached, Throttle};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// To look a tracker's name up, to connect, and to hear the first line from any of its addresses.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// To send a line. The socket takes many before it waits at all.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The stack of a thread, in bytes. It calls nothing that needs much.
const STACK: usize = 256 * 1024;

/// A line of a tracker that talks without end. One that is well answers ten updates a second, and
/// some pings and numbers.
const LINE_COST: Duration = Duration::from_millis(20);

/// A byte of it: ten thousand in a second.
const BYTE_COST: Duration = Duration::from_micros(100);

/// Lines that may come at once.
const BURST_LINES: u32 = 100;

/// What all threads of an announcement share.
pub(crate) trait Shared: Send + Sync + 'static {
    /// What the game server says about itself now.
    fn wanted(&self) -> Infos;
    /// Something has happened.
    fn tell(&self, event: Event);
}

/// What one tracker needs.
pub(crate) struct Link<S> {
    pub(crate) tracker: TrackerAddress,
    pub(crate) credential: Arc<Credential>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) shared: Arc<S>,
}

/// How a connection ended, and for how long it was listed.
type Ended = (Ending, Option<Duration>);

impl<S: Shared> Link<S> {
    /// Starts the thread, which ends when it is stopped or the tracker has refused for good.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(crate) fn start(self) -> io::Result<JoinHandle<()>> {
        threads::start("announce", STACK, move || self.run())
    }

    fn run(self) {
        let mut retry = Retry::default();
        let (mut avoided, mut delay) = (Vec::new(), Duration::ZERO);
        for attempt in 1.. {
            if self.mailbox.is_stopped_within(Instant::now() + delay) {
                return self.tell(Happening::Left);
            }
            self.mailbox.listen_to(attempt);
            let (ending, listed_for) = self.connection(attempt, &mut avoided);
            self.mailbox.listen_to(NOBODY);
            let again_in = retry.after(&ending, listed_for, RANDOM.chance());
            let is_away = ending == Ending::Left && !self.mailbox.is_stopped();
            delay = again_in.unwrap_or_default();
            match happening(ending, listed_for.is_some(), again_in) {
                Some(what) => self.tell(what),
                None => delay = Duration::ZERO,
            }
            if again_in.is_none() && !is_away {
                return;
            }
        }
    }

    /// One connection from its beginning to its end.
    fn connection(&self, attempt: u64, avoided: &mut Vec<Field>) -> Ended {
        let mut stream = match self.connect(attempt) {
            Ok(stream) => stream,
            Err(ending) => return (ending, None),
        };
        let mut out = Outbox::default();
        let mut session = self.begin(std::mem::take(avoided), &mut out);
        let mut is_leaving = false;
        let ending = loop {
            if let Err(ending) = self.deliver(&stream, &mut out) {
                break ending;
            }
            let (until, numbers_from) = (session.next_deadline(), session.next_number());
            let letter = self.mailbox.wait(until, numbers_from, is_leaving);
            let now = Instant::now();
            match letter {
                Letter::Stop => {
                    is_leaving = true;
                    session.on_stop(now, &mut out);
                }
                Letter::Changed => session.on_change(self.shared.wanted(), now, &mut out),
                Letter::Number(number) => session.on_number(number, now, &mut out),
                Letter::Heard(Heard::Line(line)) => {
                    let line = line.as_deref().map_err(|error| *error);
                    session.on_line(line, now, &mut out);
                }
                Letter::Heard(Heard::Ended(why)) => session.on_end(why, &mut out),
                Letter::Heard(Heard::Connected(_)) if is_leaving => break Ending::Left,
                Letter::Heard(Heard::Connected(other)) => {
                    // The address before did not answer.
                    stream = other;
                    session = self.begin(session.into_avoided(), &mut out);
                }
                Letter::Nothing => {}
            }
            if now >= session.next_deadline() {
                session.on_deadline(now, &mut out);
            }
        };
        let listed_for = session.listed_since().map(|since| since.elapsed());
        *avoided = session.into_avoided();
        // Wakes the ear, which holds the same socket.
        let _ = stream.shutdown(Shutdown::Both);
        (ending, listed_for)
    }

    /// What is said on a new connection.
    fn begin(&self, avoided: Vec<Field>, out: &mut Outbox) -> Session {
        let credential = Arc::clone(&self.credential);
        Session::new(
            credential,
            self.shared.wanted(),
            avoided,
            Instant::now(),
            out,
        )
    }

    /// Sends and tells what came out of a session.
    fn deliver(&self, mut stream: &TcpStream, out: &mut Outbox) -> Result<(), Ending> {
        for news in out.news.drain(..) {
            self.tell(match news {
                News::Listed(address) => Happening::Listed(address),
                News::Checking(address) => Happening::Checking(address),
                News::Checked => Happening::Checked,
                News::Unchecked => Happening::Unchecked,
                News::NotTaken(fields, refusal) => Happening::NotTaken(fields, refusal),
            });
        }
        let text = std::mem::take(&mut out.text);
        if let Some(ending) = out.ending.take() {
            return Err(ending);
        }
        match stream.write_all(text.as_bytes()) {
            Ok(()) => Ok(()),
            // It may have said why before it hung up; the ear reads that and then the end.
            Err(error) if is_hung_up(&error) => Ok(()),
            Err(error) => Err(Ending::Lost(unreached(&error))),
        }
    }

    /// Has the ear connect, and waits for it.
    fn connect(&self, attempt: u64) -> Result<TcpStream, Ending> {
        let ear = Ear {
            tracker: self.tracker.clone(),
            mailbox: Arc::clone(&self.mailbox),
            attempt,
        };
        let started = threads::start("announce-ear", STACK, move || ear.run());
        if let Err(error) = started {
            return Err(Ending::Lost(format!("no thread: {}", unreached(&error))));
        }
        let until = Instant::now() + CONNECT_TIMEOUT;
        loop {
            match self.mailbox.wait(until, None, false) {
                Letter::Stop => return Err(Ending::Left),
                Letter::Heard(Heard::Connected(stream)) => return Ok(stream),
                Letter::Heard(Heard::Ended(why)) => return Err(Ending::Lost(why)),
                Letter::Nothing => {
                    let why = format!("no connection within {} s", CONNECT_TIMEOUT.as_secs());
                    return Err(Ending::Lost(why));
                }
                // What has changed by the time it is connected is read then.
                Letter::Changed | Letter::Number(_) | Letter::Heard(Heard::Line(_)) => {}
            }
        }
    }

    fn tell(&self, what: Happening) {
        let tracker = self.tracker.clone();
        self.shared.tell(Event { tracker, what });
    }
}

/// What is told of the end of a connection; `None` if it is no end for anybody else.
fn happening(ending: Ending, was_listed: bool, again_in: Option<Duration>) -> Option<Happening> {
    match ending {
        Ending::Left => Some(Happening::Left),
        Ending::Refused(refusal) => Some(Happening::Refused { refusal, again_in }),
        Ending::Lost(why) => Some(Happening::Lost {
            why,
            was_listed,
            again_in: again_in.unwrap_or_default(),
        }),
        Ending::LogInAgain => None,
    }
}

/// Who reaches the tracker and listens to it, until one connection has ended.
struct Ear {
    tracker: TrackerAddress,
    mailbox: Arc<Mailbox>,
    attempt: u64,
}

/// Nobody listens to this ear any more.
struct Unwanted;

impl Ear {
    fn run(self) {
        if let Ok(why) = self.reach() {
            let _ = self.hear(Heard::Ended(why));
        }
    }

    fn hear(&self, heard: Heard) -> Result<(), Unwanted> {
        let is_wanted = self.mailbox.hear(self.attempt, heard);
        is_wanted.then_some(()).ok_or(Unwanted)
    }

    /// Connects to one address after the other until one answers, and listens to that one. Returns
    /// why there is no connection, or none any more.
    fn reach(&self) -> Result<String, Unwanted> {
        let mut dial = match self.tracker.dial(Instant::now() + CONNECT_TIMEOUT) {
            Ok(dial) => dial,
            Err(error) => return Ok(unreached(&error)),
        };
        let mut unanswered = None;
        loop {
            let reached = match dial.next() {
                Ok(reached) => reached,
                Err(error) => return Ok(unanswered.unwrap_or_else(|| unreached(&error))),
            };
            let stream = &reached.stream;
            let writing = stream.set_write_timeout(Some(WRITE_TIMEOUT));
            let writing = match writing.and_then(|()| stream.try_clone()) {
                Ok(writing) => writing,
                Err(error) => return Ok(unreached(&error)),
            };
            self.hear(Heard::Connected(writing))?;
            let mut has_answered = false;
            let why = self.listen(&reached, || {
                has_answered = true;
                dial.answered(reached.address);
            })?;
            if has_answered {
                return Ok(why);
            }
            unanswered = Some(why);
        }
    }

    /// Reads until the end, which the other thread brings about if the tracker does not, or until
    /// it is time for the next address.
    fn listen(&self, reached: &Reached, mut on_answer: impl FnMut()) -> Result<String, Unwanted> {
        let (mut stream, until) = (&reached.stream, reached.until);
        let mut splitter = LineSplitter::default();
        let mut throttle = Throttle::new(LINE_COST * BURST_LINES, Instant::now());
        let mut buffer = [0; 2048];
        let mut patience = Some(until.saturating_duration_since(Instant::now()));
        loop {
            if patience == Some(Duration::ZERO) {
                return Ok(unreached(&ErrorKind::TimedOut.into()));
            }
            let read = stream
                .set_read_timeout(patience)
                .and_then(|()| stream.read(&mut buffer));
            let mut bytes = match read {
                Ok(0) => return Ok("it hung up".to_owned()),
                Ok(count) => &buffer[..count],
                Err(error) if error.kind() == ErrorKind::Interrupted => &[],
                Err(error) if is_hung_up(&error) => return Ok("it hung up".to_owned()),
                Err(error) => return Ok(unreached(&error)),
            };
            thread::sleep(throttle.take(BYTE_COST * bytes.len() as u32, Instant::now()));
            while let Some(line) = splitter.next_line(&mut bytes) {
                if line.is_ok_and(is_answer) {
                    on_answer();
                    patience = None;
                }
                self.hear(Heard::Line(line.map(str::to_owned)))?;
                thread::sleep(throttle.take(LINE_COST, Instant::now()));
            }
            patience = patience.map(|_| until.saturating_duration_since(Instant::now()));
        }
    }
}

/// True for what a tracker says to a login: a challenge alone is not an answer.
fn is_answer(line: &str) -> bool {
    let verb = line.split_whitespace().next().unwrap_or_default();
    ["OK", "ERR"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(verb))
}

fn is_hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    )
}
