//! One connection and its conversation.
//!
//! This file hides how bytes get in, until the session's next deadline, and how a connection is
//! closed so that the last line still arrives; `sending` hides how bytes get out.

mod sending;

use crate::protocol::line::{LineSplitter, MAX_LINE};
use crate::protocol::refusal::Refusal;
use crate::tracker::access::identity::ConnectionId;
use crate::tracker::session::{Ending, Outbox, Session, Timings};
use crate::tracker::state::stats::Counter;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What is read at most after the last line was sent, so that a peer which is still sending gets
/// to read that line: a socket closed with unread bytes takes the line back.
const MAX_UNREAD: usize = 4 << 20;

/// Shortest wait given to the system, which takes zero for "for ever".
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// That a peer was silent until so lately is not asked of the system again.
const A_MOMENT: Duration = Duration::from_millis(50);

/// Waits that differ by no more than one part in so many: a PING is a quarter of a second late, and
/// a game server that fell silent is dropped half a second late at the most.
const MEANS_THE_SAME: u32 = 64;

/// One connection of the tracker.
#[derive(Debug)]
pub struct Connection {
    id: ConnectionId,
    stream: TcpStream,
    peer: SocketAddr,
    /// Boxed, since hardly any connection has one.
    dismissal: OnceLock<Box<Refusal>>,
    /// Bytes sent so far.
    sent: AtomicUsize,
    /// What everybody has been sent, if that is counted.
    sent_to_all: Option<&'static Counter>,
    /// True while something is sent that may have to wait for the peer. Who dismisses the connection
    /// says so and looks here under this lock, and who is about to wait looks whether it was dismissed
    /// and says so here under the same lock: whichever comes first, the other sees it.
    waits_for_peer: Mutex<bool>,
}

/// What there is to know about a conversation between two reads.
#[derive(Debug, Default)]
pub struct Talk {
    /// What was heard of the line that is not complete yet.
    pub splitter: LineSplitter,
    /// What was heard behind the line that ended the session.
    pub unread: Vec<u8>,
    /// How long the socket waits for the peer, if that was said to it.
    wait: Option<Duration>,
    /// The peer was sent something.
    has_answered: bool,
    /// How long it waits for the peer at the longest, if not until the session's next deadline.
    pub patience: Option<Duration>,
    /// The socket does not wait: whoever goes on with this does at once what can be done at once.
    is_at_once: bool,
    /// When the peer was last waited for in vain.
    silent_at: Option<Instant>,
}

impl Talk {
    /// True if the peer was sent something.
    pub fn has_answered(&self) -> bool {
        self.has_answered
    }
}

/// What came of going on with a conversation.
#[derive(Debug)]
pub enum Step {
    /// The peer was heard.
    Heard,
    /// It was not, and was told something: a deadline has passed.
    Told,
    /// Neither.
    Quiet,
    /// It is over.
    Over(Ending),
}

/// What a peer does while nobody waits for it.
#[derive(Debug)]
pub enum Look {
    /// Nothing.
    Silent,
    /// There is something to be read or to be said.
    Speaks,
    /// It is gone, and nothing is left to be said.
    Gone(Ending),
}

impl Connection {
    /// Wraps an accepted socket. The peer's address is known by its IPv4 form if it has one.
    pub fn new(id: ConnectionId, stream: TcpStream, peer: SocketAddr) -> Self {
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        Self {
            id,
            stream,
            peer,
            dismissal: OnceLock::new(),
            sent: AtomicUsize::new(0),
            sent_to_all: None,
            waits_for_peer: Mutex::new(false),
        }
    }

    /// The same connection, whose bytes are counted with those of all others.
    pub fn counting(mut self, sent_to_all: &'static Counter) -> Self {
        self.sent_to_all = Some(sent_to_all);
        self
    }

    fn count(&self, sent: usize) {
        if let Some(counter) = self.sent_to_all {
            counter.add(sent as u64);
        }
    }

    /// The name of this connection.
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// Who is at the other end.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Ends the conversation from another thread: the one that holds it wakes up, tells the peer
    /// why and comes home. Does not wait for that. The first dismissal counts.
    pub fn dismiss(&self, why: Refusal) {
        let waits_for_peer = {
            let waits_for_peer = self.waits_for_peer();
            let _ = self.dismissal.set(Box::new(why));
            *waits_for_peer
        };
        // A thread that may be waiting for the peer to read is freed at once, and the peer, which
        // has yet to read what was sent before, is told nothing.
        let how = match waits_for_peer {
            true => Shutdown::Both,
            false => Shutdown::Read,
        };
        let _ = self.stream.shutdown(how);
    }

    fn waits_for_peer(&self) -> MutexGuard<'_, bool> {
        self.waits_for_peer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes what comes next happen at once or not at all, until [`go_on`](Self::go_on) has to
    /// wait for the peer.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn hurry(&self, talk: &mut Talk) -> io::Result<()> {
        if !talk.is_at_once {
            self.stream.set_nonblocking(true)?;
            talk.is_at_once = true;
        }
        Ok(())
    }

    /// Takes the time that the peer takes, from now on.
    fn be_patient(&self, is_at_once: &mut bool, step_aside: &mut dyn FnMut()) -> io::Result<()> {
        if *is_at_once {
            step_aside();
            self.stream.set_nonblocking(false)?;
            *is_at_once = false;
        }
        Ok(())
    }

    /// Goes on with a conversation until the peer was heard once, or its session's deadline has
    /// passed; says the last line if that was the end of it. Calls `step_aside` before it waits
    /// for the peer, if it was told to hurry.
    pub fn go_on(
        &self,
        session: &mut impl Session,
        talk: &mut Talk,
        timings: &Timings,
        step_aside: &mut dyn FnMut(),
    ) -> Step {
        let ending = match self.exchange(session, talk, timings, step_aside) {
            Ok(Step::Over(ending)) | Err(ending) => ending,
            Ok(step) => return step,
        };
        let Some(why) = self.dismissal() else {
            return Step::Over(ending);
        };
        // What does not fit now will not be read either.
        let _ = self.stream.set_nonblocking(true);
        let sent = (&self.stream).write(format!("{why}\n").as_bytes());
        self.count(sent.unwrap_or(0));
        let _ = self.stream.set_nonblocking(false);
        Step::Over(Ending::Refused(why.clone()))
    }

    fn exchange(
        &self,
        session: &mut impl Session,
        talk: &mut Talk,
        timings: &Timings,
        step_aside: &mut dyn FnMut(),
    ) -> Result<Step, Ending> {
        if !INHERITS && talk.wait.is_none() {
            preset(&self.stream, timings).map_err(lost)?;
        }
        let mut buffer = [0; MAX_LINE];
        let mut out = Outbox::default();
        let mut is_heard = true;
        match self.read(&mut buffer, session, talk, step_aside) {
            Ok(0) => {
                session.on_end(talk.splitter.is_inside_a_line(), &mut out);
                self.send(out.take(), talk, timings, step_aside)?;
                return Ok(Step::Over(Ending::Done));
            }
            Ok(count) => {
                let mut input = &buffer[..count];
                let now = Instant::now();
                let mut is_noise = count == buffer.len();
                while let Some(line) = talk.splitter.next_line(&mut input) {
                    is_noise = false;
                    if talk.is_at_once && line.is_ok_and(|line| session.is_dear(line)) {
                        self.be_patient(&mut talk.is_at_once, step_aside)
                            .map_err(lost)?;
                    }
                    session.on_line(line, now, &mut out);
                    if out.is_over() {
                        break;
                    }
                    if out.is_large() {
                        self.send(out.take(), talk, timings, step_aside)?;
                    }
                }
                talk.unread = input.to_vec();
                if is_noise {
                    session.on_noise(now, &mut out);
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => {
                talk.wait = None;
                is_heard = false;
            }
            Err(error) => return Err(lost(error)),
        }
        // Looked at after every read, or a peer that never pauses would have no deadline.
        let now = Instant::now();
        if out.ending().is_none() && now >= session.next_deadline() {
            session.on_deadline(now, &mut out);
        }
        let chunks = out.take();
        let is_told = !chunks.is_empty();
        self.send(chunks, talk, timings, step_aside)?;
        Ok(match out.ending() {
            Some(ending) => Step::Over(ending.clone()),
            None if is_heard => Step::Heard,
            None if is_told => Step::Told,
            None => Step::Quiet,
        })
    }

    /// Reads what is there; or else waits for it until the session's next deadline.
    fn read(
        &self,
        buffer: &mut [u8],
        session: &impl Session,
        talk: &mut Talk,
        step_aside: &mut dyn FnMut(),
    ) -> io::Result<usize> {
        // The shortest wait of a system may be some milliseconds, and whoever waited until the
        // deadline knows what would come of it.
        let silent_at = talk.silent_at.take();
        if silent_at.is_some_and(|at| at.elapsed() < A_MOMENT && at >= session.next_deadline()) {
            return Err(ErrorKind::WouldBlock.into());
        }
        if talk.is_at_once {
            match (&self.stream).read(buffer) {
                Err(error) if is_timeout(&error) => {}
                read => return read,
            }
            self.be_patient(&mut talk.is_at_once, step_aside)?;
        }
        let left = session
            .next_deadline()
            .saturating_duration_since(Instant::now());
        let left = talk.patience.map_or(left, |longest| left.min(longest));
        // A wait that is too short only wakes this thread early: leave it until it does. One that
        // is a little too long is as good, and to set another is a call of the system.
        if talk
            .wait
            .is_none_or(|set| set > left + left / MEANS_THE_SAME)
        {
            let left = left.max(SHORTEST_WAIT);
            self.stream.set_read_timeout(Some(left))?;
            talk.wait = Some(left);
        }
        (&self.stream).read(buffer)
    }

    /// Waits until the peer does something, or the tracker dismisses it, but not after `until`.
    /// True if it did nothing.
    pub fn wait(&self, talk: &mut Talk, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let left = left.max(SHORTEST_WAIT);
        talk.wait = Some(left);
        let is_silent = match self.stream.set_read_timeout(Some(left)) {
            Ok(()) => matches!(self.look(talk), Look::Silent),
            Err(_) => false,
        };
        talk.silent_at = is_silent.then(Instant::now);
        is_silent
    }

    /// Looks what the peer does, without waiting for it unless the socket does.
    pub fn look(&self, talk: &Talk) -> Look {
        match self.stream.peek(&mut [0]) {
            Ok(0) if self.dismissal.get().is_none() && !talk.splitter.is_inside_a_line() => {
                Look::Gone(Ending::Done)
            }
            Ok(_) => Look::Speaks,
            Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {
                Look::Silent
            }
            Err(_) if self.dismissal.get().is_some() => Look::Speaks,
            Err(error) => Look::Gone(lost(error)),
        }
    }

    /// Closes so that the last line arrives: says that no more will come, then reads on until the
    /// peer has hung up too, for at most `patience`. With no patience it reads what is there.
    pub fn farewell(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let _ = self.stream.shutdown(Shutdown::Write);
        if patience.is_zero() {
            let _ = self.stream.set_nonblocking(true);
        }
        let mut buffer = [0; MAX_LINE];
        let mut unread = 0;
        while unread < MAX_UNREAD {
            if !patience.is_zero() {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
                    return;
                }
            }
            match (&self.stream).read(&mut buffer) {
                Ok(count) if count > 0 => unread += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }

    /// Why the conversation is to end, if another thread wants it to.
    pub fn dismissal(&self) -> Option<&Refusal> {
        self.dismissal.get().map(|why| &**why)
    }

    /// Whether reading and sending wait for the peer.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_waiting(&self, is_waiting: bool) -> io::Result<()> {
        self.stream.set_nonblocking(!is_waiting)
    }

    /// What has come in, if anything has; for a connection that does not wait.
    ///
    /// # Errors
    /// `WouldBlock` if nothing has, or the connection broke.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.stream).read(buffer)
    }
}

/// On Linux an accepted socket has the options of its listener, so that they are set once.
pub const INHERITS: bool = cfg!(target_os = "linux");

/// Sets the options that every connection has: answers go out at once, and a thread waits for a
/// peer to read for a bounded time only.
///
/// # Errors
/// When the system refuses one of them.
pub fn preset(stream: &TcpStream, timings: &Timings) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(timings.write))
}

/// The end of a connection that broke.
pub(crate) fn lost(error: io::Error) -> Ending {
    Ending::Lost(error.to_string())
}

/// True if a wait on a socket ran out. Systems differ in which of the two they say.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests;
