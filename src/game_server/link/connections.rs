//! One tracker: its connections, one after the other.
//!
//! This file hides the thread that talks and decides: one for each tracker, which never blocks for
//! longer than a write may take.

use super::mailbox::{Mailbox, Message, NO_ATTEMPT, Received, StopIs};
use super::reader::{CONNECT_TIMEOUT, Reader};
use super::retry::Retry;
use super::siblings::Siblings;
use crate::base::io_error::is_hung_up;
use crate::base::io_error::unreached;
use crate::base::mutex::lock;
use crate::base::random::RANDOM;
use crate::base::threads;
use crate::game_server::event::{Event, Happening};
use crate::game_server::session::fields::Field;
use crate::game_server::session::{Credential, Ending, News, Outbox, Session};
use crate::game_server::tracker_address::TrackerAddress;
use crate::protocol::fields::Infos;
use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The stack of a thread, in bytes. Nothing here needs much.
const STACK: usize = 256 * 1024;

/// How often one whose place another tracker has taken looks whether that has lost it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What all threads of an announcement share.
pub(crate) trait Shared: Send + Sync + 'static {
    /// What the game server says about itself now.
    fn wanted(&self) -> Infos;
    /// All trackers that it is announced to, by their numbers.
    fn trackers(&self) -> &[TrackerAddress];
    /// Something has happened.
    fn tell(&self, event: Event);
}

/// What the thread of one tracker needs.
pub(crate) struct Link<S> {
    pub(crate) tracker: TrackerAddress,
    /// The number of this tracker among all of the game server.
    pub(crate) number: usize,
    pub(crate) siblings: Arc<Mutex<Siblings>>,
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
            self.mailbox.listen_to(NO_ATTEMPT);
            if self.has_given_way(&ending) {
                delay = Duration::ZERO;
                continue;
            }
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

    /// True if this link's entry was taken over by another one of the same game server, whose tracker has
    /// the same list. Then that was told, and waited until that other one is not listed any more.
    fn has_given_way(&self, ending: &Ending) -> bool {
        let is_taken = matches!(ending, Ending::Refused(refusal) if refusal.is_takeover());
        lock(&self.siblings).ended(self.number, is_taken, Instant::now());
        if !is_taken || self.shared.trackers().len() < 2 {
            return false;
        }
        let mut is_told = false;
        // The answer to the other one may still be on its way.
        while !self.mailbox.is_stopped_within(Instant::now() + LOOK_AGAIN) {
            let taker = lock(&self.siblings).taker(self.number);
            let Some(other) = taker.and_then(|taker| self.shared.trackers().get(taker)) else {
                return is_told;
            };
            if !std::mem::replace(&mut is_told, true) {
                self.tell(Happening::SameList(other.clone()));
            }
        }
        is_told
    }

    /// One connection from its beginning to its end.
    fn connection(&self, attempt: u64, avoided: &mut Vec<Field>) -> Ended {
        let mut stream = match self.connect(attempt) {
            Ok(stream) => stream,
            Err(ending) => return (ending, None),
        };
        let mut out = Outbox::default();
        let mut session = self.begin(std::mem::take(avoided), &mut out);
        let mut stop = StopIs::News;
        let ending = loop {
            if let Err(ending) = self.deliver(&stream, &mut out) {
                break ending;
            }
            let (until, numbers_from) = (session.next_deadline(), session.next_number());
            let message = self.mailbox.wait(until, numbers_from, stop);
            let now = Instant::now();
            match message {
                Message::Stop => {
                    stop = StopIs::Known;
                    session.on_stop(now, &mut out);
                }
                Message::Changed => session.on_change(self.shared.wanted(), now, &mut out),
                Message::Number(number) => session.on_number(number, now, &mut out),
                Message::Received(Received::Line(line)) => {
                    let line = line.as_deref().map_err(|error| *error);
                    session.on_line(line, now, &mut out);
                }
                Message::Received(Received::Ended(why)) => session.on_end(why, &mut out),
                Message::Received(Received::Connected(_)) if stop == StopIs::Known => {
                    break Ending::Left;
                }
                Message::Received(Received::Connected(other)) => {
                    // The address before did not answer.
                    stream = other;
                    session = self.begin(session.into_avoided(), &mut out);
                }
                Message::Deadline => {}
            }
            if now >= session.next_deadline() {
                session.on_deadline(now, &mut out);
            }
        };
        let listed_for = session.listed_since().map(|since| since.elapsed());
        *avoided = session.into_avoided();
        // Wakes the reader, which holds the same socket.
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
                // An announcer always has something to list.
                News::Welcome => continue,
                News::Listed(address) => {
                    lock(&self.siblings).listed(self.number, &address, Instant::now());
                    Happening::Listed(address)
                }
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
            // It may have said why before it hung up; the reader reads that and then the end.
            Err(error) if is_hung_up(&error) => Ok(()),
            Err(error) => Err(Ending::Lost(unreached(&error))),
        }
    }

    /// Has the reader connect, and waits for it.
    fn connect(&self, attempt: u64) -> Result<TcpStream, Ending> {
        let reader = Reader {
            tracker: self.tracker.clone(),
            mailbox: Arc::clone(&self.mailbox),
            attempt,
        };
        let started = threads::start("announce-read", STACK, move || reader.run());
        if let Err(error) = started {
            return Err(Ending::Lost(format!("no thread: {}", unreached(&error))));
        }
        let until = Instant::now() + CONNECT_TIMEOUT;
        loop {
            match self.mailbox.wait(until, None, StopIs::News) {
                Message::Stop => return Err(Ending::Left),
                Message::Received(Received::Connected(stream)) => return Ok(stream),
                Message::Received(Received::Ended(why)) => return Err(Ending::Lost(why)),
                Message::Deadline => {
                    let why = format!("no connection within {} s", CONNECT_TIMEOUT.as_secs());
                    return Err(Ending::Lost(why));
                }
                // The session will begin with the fields of that time.
                Message::Changed | Message::Number(_) | Message::Received(Received::Line(_)) => {}
            }
        }
    }

    fn tell(&self, what: Happening) {
        let tracker = self.tracker.clone();
        self.shared.tell(Event { tracker, what });
    }
}

/// The event that tells of the end of a connection; `None` if the next one follows at once.
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
