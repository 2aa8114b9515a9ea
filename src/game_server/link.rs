//! One tracker: its connections, one after the other.
//!
//! This file hides threads and sockets. For each tracker there is a thread that talks and decides
//! and never blocks for longer than a write may take; for each connection another one, the ear,
//! which looks the name up, connects and reads, all of which may block.

use super::address::TrackerAddress;
use super::backoff::{Backoff, chance};
use super::conversation::{Conversation, Ending, News, Outbox};
use super::credential::Credential;
use super::event::{Event, Happening};
use super::fields::Field;
use super::mailbox::{Heard, Letter, Mailbox, NOBODY};
use crate::protocol::infos::Infos;
use crate::protocol::line::LineSplitter;
use crate::threads;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// To connect to one address of a tracker.
const CONNECT: Duration = Duration::from_secs(5);

/// To look a tracker's name up and connect to any of its addresses.
const REACH: Duration = Duration::from_secs(30);

/// To send a line. The socket takes many before it waits at all.
const WRITE: Duration = Duration::from_secs(5);

/// The stack of a thread, in bytes. The resolver of the system has large buffers.
const STACK: usize = 256 * 1024;

/// What all threads of an announcement share.
pub(super) trait Shared: Send + Sync + 'static {
    /// What the game server says about itself now.
    fn wanted(&self) -> Infos;
    /// Something has happened.
    fn tell(&self, event: Event);
}

/// What one tracker needs.
pub(super) struct Link<S> {
    pub(super) tracker: TrackerAddress,
    pub(super) credential: Arc<Credential>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) shared: Arc<S>,
}

/// How a connection ended, and for how long it was listed.
type Ended = (Ending, Option<Duration>);

impl<S: Shared> Link<S> {
    /// Starts the thread, which ends when it is stopped or the tracker has refused for good.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(super) fn start(self) -> io::Result<JoinHandle<()>> {
        threads::start("announce", STACK, move || self.run())
    }

    fn run(self) {
        let mut backoff = Backoff::default();
        let (mut avoided, mut delay) = (Vec::new(), Duration::ZERO);
        for attempt in 1.. {
            if self.mailbox.is_stopped_within(Instant::now() + delay) {
                return self.tell(Happening::Left);
            }
            self.mailbox.listen_to(attempt);
            let (ending, listed_for) = self.connection(attempt, &mut avoided);
            self.mailbox.listen_to(NOBODY);
            let again_in = backoff.next(&ending, listed_for, chance());
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
        let stream = match self.connect(attempt) {
            Ok(stream) => stream,
            Err(ending) => return (ending, None),
        };
        let mut out = Outbox::default();
        let credential = Arc::clone(&self.credential);
        let (wanted, now) = (self.shared.wanted(), Instant::now());
        let mut conversation =
            Conversation::new(credential, wanted, std::mem::take(avoided), now, &mut out);
        let mut is_leaving = false;
        let ending = loop {
            if let Err(ending) = self.deliver(&stream, &mut out) {
                break ending;
            }
            let (until, numbers_from) = (conversation.next_deadline(), conversation.next_number());
            let letter = self.mailbox.wait(until, numbers_from, is_leaving);
            let now = Instant::now();
            match letter {
                Letter::Stop => {
                    is_leaving = true;
                    conversation.on_stop(now, &mut out);
                }
                Letter::Changed => conversation.on_change(self.shared.wanted(), now, &mut out),
                Letter::Number(number) => conversation.on_number(number, now, &mut out),
                Letter::Heard(Heard::Line(line)) => {
                    let line = line.as_deref().map_err(|error| *error);
                    conversation.on_line(line, now, &mut out);
                }
                Letter::Heard(Heard::Ended(why)) => conversation.on_end(why, &mut out),
                Letter::Heard(Heard::Connected(_)) | Letter::Nothing => {}
            }
            if now >= conversation.next_deadline() {
                conversation.on_deadline(now, &mut out);
            }
        };
        let listed_for = conversation.listed_since().map(|since| since.elapsed());
        *avoided = conversation.into_avoided();
        // Wakes the ear, which holds the same socket.
        let _ = stream.shutdown(Shutdown::Both);
        (ending, listed_for)
    }

    /// Sends and tells what came out of a conversation.
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
            Err(error) => Err(Ending::Lost(why(&error))),
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
            return Err(Ending::Lost(format!("no thread: {}", why(&error))));
        }
        let until = Instant::now() + REACH;
        loop {
            match self.mailbox.wait(until, None, false) {
                Letter::Stop => return Err(Ending::Left),
                Letter::Heard(Heard::Connected(stream)) => return Ok(stream),
                Letter::Heard(Heard::Ended(why)) => return Err(Ending::Lost(why)),
                Letter::Nothing => {
                    let why = format!("no connection within {} s", REACH.as_secs());
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

/// Who listens to one connection.
struct Ear {
    tracker: TrackerAddress,
    mailbox: Arc<Mailbox>,
    attempt: u64,
}

impl Ear {
    fn run(self) {
        let why = match self.connect() {
            Ok(stream) => match stream.try_clone() {
                Ok(writing) => {
                    if !self.hear(Heard::Connected(writing)) {
                        return;
                    }
                    self.listen(&stream)
                }
                Err(error) => why(&error),
            },
            Err(why) => why,
        };
        self.hear(Heard::Ended(why));
    }

    fn hear(&self, heard: Heard) -> bool {
        self.mailbox.hear(self.attempt, heard)
    }

    /// Reads until the end, which the other thread brings about if the tracker does not.
    fn listen(&self, mut stream: &TcpStream) -> String {
        let mut splitter = LineSplitter::default();
        let mut buffer = [0; 2048];
        loop {
            let mut bytes = match stream.read(&mut buffer) {
                Ok(0) => return "it hung up".to_owned(),
                Ok(count) => &buffer[..count],
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if is_hung_up(&error) => return "it hung up".to_owned(),
                Err(error) => return why(&error),
            };
            while let Some(line) = splitter.next_line(&mut bytes) {
                if !self.hear(Heard::Line(line.map(str::to_owned))) {
                    return String::new();
                }
            }
        }
    }

    /// Connects to the first address that takes it.
    fn connect(&self) -> Result<TcpStream, String> {
        let addresses = resolve(&self.tracker)?;
        let mut reason = "its name has no address".to_owned();
        for address in &addresses {
            match connect_to(address) {
                Ok(stream) => return Ok(stream),
                Err(error) => reason = why(&error),
            }
        }
        Err(reason)
    }
}

fn resolve(tracker: &TrackerAddress) -> Result<Vec<SocketAddr>, String> {
    if let Ok(ip) = tracker.host().parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, tracker.port())]);
    }
    let found = (tracker.host(), tracker.port()).to_socket_addrs();
    // The system's words on this are long and say no more.
    found.map(Iterator::collect).map_err(|error| {
        let kind = "its name cannot be looked up";
        match error.raw_os_error() {
            Some(_) => format!("{kind}: {}", why(&error)),
            None => kind.to_owned(),
        }
    })
}

fn connect_to(address: &SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(address, CONNECT)?;
    // Asked for a port of this machine on which nobody listens, the system may connect a socket
    // with itself.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(WRITE))?;
    Ok(stream)
}

fn is_hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    )
}

/// An error of the system in a few words.
fn why(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "it does not answer".to_owned(),
        _ => error.to_string(),
    }
}
