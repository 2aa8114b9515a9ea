//! One connection's socket: how bytes get in and out, and how it is closed so that the last line
//! still arrives.
//!
//! A connection is shared by the thread that serves it and by those who may [dismiss](Connection::dismiss)
//! it. Whether a call waits for the peer is a matter of the socket: see
//! [`set_nonblocking`](Connection::set_nonblocking).

use crate::protocol::line::MAX_LINE;
use crate::protocol::refusal::Refusal;
use crate::tracker::access::identity::ConnectionId;
use crate::tracker::session::Chunk;
use crate::tracker::state::sockets::tuning::{MAX_UNREAD, NEVER_WAITS, SHORTEST_WAIT};
use crate::tracker::state::stats::Counter;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::time::{Duration, Instant};

/// One connection of the tracker.
#[derive(Debug)]
pub(crate) struct Connection {
    id: ConnectionId,
    stream: TcpStream,
    peer: SocketAddr,
    /// Boxed, since hardly any connection has one.
    dismissal: OnceLock<Box<Refusal>>,
    /// True while bytes are sent that may have to wait for the peer.
    is_sending: AtomicBool,
    /// True once the peer has shown that it may be here.
    is_proven: AtomicBool,
    /// Bytes sent.
    sent: AtomicUsize,
    sent_to_all: &'static Counter,
}

impl Connection {
    /// Wraps an accepted socket. The peer's address is known by its IPv4 form if it has one; the
    /// bytes sent are counted in `sent_to_all`.
    pub(crate) fn new(
        id: ConnectionId,
        stream: TcpStream,
        peer: SocketAddr,
        sent_to_all: &'static Counter,
    ) -> Self {
        Self {
            id,
            stream,
            peer: SocketAddr::new(peer.ip().to_canonical(), peer.port()),
            dismissal: OnceLock::new(),
            is_sending: AtomicBool::new(false),
            is_proven: AtomicBool::new(false),
            sent: AtomicUsize::new(0),
            sent_to_all,
        }
    }

    /// The name of this connection.
    pub(crate) fn id(&self) -> ConnectionId {
        self.id
    }

    /// Who is at the other end.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Ends the session from another thread: the one that serves it wakes up, tells the peer why and
    /// closes. Does not wait for that. The first dismissal counts.
    pub(crate) fn dismiss(&self, why: Refusal) {
        let _ = self.dismissal.set(Box::new(why));
        // Either this sees that bytes are being sent, or `send` sees the dismissal.
        fence(Ordering::SeqCst);
        // A thread that waits for the peer to read is freed at once; the peer, which has yet to read
        // what was sent before, is told nothing.
        let how = match self.is_sending.load(Ordering::SeqCst) {
            true => Shutdown::Both,
            false => Shutdown::Read,
        };
        let _ = self.stream.shutdown(how);
    }

    /// Why the session is to end, if another thread wants it to.
    pub(crate) fn dismissal(&self) -> Option<&Refusal> {
        self.dismissal.get().map(|why| &**why)
    }

    /// Says whether [`receive`](Self::receive) and [`send`](Self::send) return at once.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.stream.set_nonblocking(is_nonblocking)
    }

    /// Sets how long [`receive`](Self::receive) waits, if it does.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn set_wait(&self, wait: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(wait.max(SHORTEST_WAIT)))
    }

    /// Reads what has come in. `None` if nothing has, 0 if nothing will.
    ///
    /// # Errors
    /// When the connection broke.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        unless_not_now(match (&self.stream).read(buffer) {
            // The process was stopped and goes on. What has come meanwhile came in time.
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.set_wait(SHORTEST_WAIT)?;
                (&self.stream).read(buffer)
            }
            read => read,
        })
    }

    /// Sends what the socket takes of `chunks`, which have `size` bytes, behind the first `sent` bytes.
    /// Says how much that was. If it may have to wait for the peer, a dismissal ends it.
    ///
    /// # Errors
    /// When the connection broke or was dismissed.
    pub(crate) fn send(&self, chunks: &[Chunk], size: usize, sent: usize) -> io::Result<usize> {
        if !self.may_wait(size) {
            return self.send_now(chunks, sent);
        }
        self.is_sending.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let count = match self.dismissal() {
            None => self.send_now(chunks, sent),
            Some(_) => Err(ErrorKind::ConnectionAborted.into()),
        };
        self.is_sending.store(false, Ordering::SeqCst);
        count
    }

    /// The same for a thread that does not wait, or waits only for a moment: a dismissal comes after it.
    /// This is the one call that writes. It is not repeated here: a peer that reads a little again and
    /// again would keep its thread from looking at the deadline.
    pub(crate) fn send_now(&self, chunks: &[Chunk], sent: usize) -> io::Result<usize> {
        // Nearly all answers are a line or two.
        let (mut one, mut many);
        let mut slices = match chunks {
            [Chunk::Text(text)] => {
                one = [IoSlice::new(text)];
                &mut one[..]
            }
            _ => {
                many = slices(chunks);
                &mut many[..]
            }
        };
        IoSlice::advance_slices(&mut slices, sent);
        let written = match &*slices {
            [] => return Ok(0),
            // Which is the cheaper call.
            [slice] => (&self.stream).write(slice),
            slices => (&self.stream).write_vectored(slices),
        };
        match unless_not_now(written)? {
            Some(0) => Err(ErrorKind::WriteZero.into()),
            Some(count) => {
                self.sent_to_all.add(count as u64);
                self.sent.fetch_add(count, Ordering::Relaxed);
                Ok(count)
            }
            None => Ok(0),
        }
    }

    /// The peer has shown that it may be here.
    pub(crate) fn set_proven(&self) {
        self.is_proven.store(true, Ordering::Relaxed);
    }

    /// True if to send so many bytes more may have to wait for a stranger to read.
    pub(crate) fn may_wait_for_a_stranger(&self, size: usize) -> bool {
        !self.is_proven.load(Ordering::Relaxed) && self.may_wait(size)
    }

    fn may_wait(&self, size: usize) -> bool {
        self.sent.load(Ordering::Relaxed) + size > NEVER_WAITS
    }

    /// Sends a line for which a socket that has nothing else to send has room, without waiting.
    pub(crate) fn send_last(&self, why: &Refusal) {
        let _ = self.stream.set_nonblocking(true);
        let _ = self.send_now(&[Chunk::Text(format!("{why}\n").into_bytes())], 0);
    }

    /// Says no without ever waiting, and closes.
    pub(crate) fn reject(&self, why: &Refusal) {
        self.send_last(why);
        self.end_sending();
        self.linger(Duration::ZERO);
    }

    /// Says that no more will come.
    pub(crate) fn end_sending(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads on until the peer has hung up too, for at most `patience`, so that it gets to read the
    /// last line. With no patience it reads what is there.
    pub(crate) fn linger(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut buffer = [0; MAX_LINE];
        let mut unread = 0;
        while unread < MAX_UNREAD {
            let left = deadline.saturating_duration_since(Instant::now());
            let is_late = left.is_zero() && !patience.is_zero();
            if is_late || self.set_wait(left).is_err() {
                return;
            }
            match unless_not_now((&self.stream).read(&mut buffer)) {
                Ok(Some(count)) if count > 0 => unread += count,
                // The sender may have made the socket return at once, for a moment.
                Ok(None) if !left.is_zero() => {}
                _ => return,
            }
        }
    }
}

/// On Linux an accepted socket has the options of its listener, so that they are set once.
pub(crate) const INHERITS: bool = cfg!(target_os = "linux");

/// Sets the options that every connection has: answers go out at once, and a thread waits for a
/// peer to read for a bounded time only.
///
/// # Errors
/// When the system refuses one of them.
pub(crate) fn preset(stream: &TcpStream, write: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(write))
}

/// `None` if nothing could be done now. Systems differ in what they say then.
pub(crate) fn unless_not_now(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Ok(count) => Ok(Some(count)),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        },
    }
}

fn slices(chunks: &[Chunk]) -> Vec<IoSlice<'_>> {
    // Room for all at once: to grow costs more than to count.
    let mut slices = Vec::with_capacity(chunks.iter().map(Chunk::count).sum());
    let pieces = chunks.iter().flat_map(Chunk::pieces);
    let pieces = pieces.filter(|piece| !piece.is_empty());
    slices.extend(pieces.map(IoSlice::new));
    slices
}
