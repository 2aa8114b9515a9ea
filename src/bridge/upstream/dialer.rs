//! How the bridge's many connections to one tracker are made: by a short-lived thread each, since
//! connecting may take its time.

use super::verdict::TOO_MANY_FILES;
use crate::base::mutex::lock;
use crate::base::threads;
use crate::game_server::TrackerAddress;
use crate::reach::connect;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How long it may take to look the tracker's name up and to connect.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Descriptors that are left to the rest of the bridge: its doors, its files, WATCH.
const SPARE: usize = 24;

/// What came of a connection for the game server at this address.
pub(super) type Dialed = (SocketAddr, io::Result<TcpStream>);

/// Connects to a tracker.
#[derive(Debug, Clone)]
pub(super) struct Dialer {
    tracker: TrackerAddress,
    /// Which of its addresses has accepted the last connection: the name is looked up anew only when
    /// that does not any more.
    last: Arc<Mutex<Option<SocketAddr>>>,
    /// How many files this process may have open, where that is known.
    most_files: Option<usize>,
    done: Sender<Dialed>,
    /// Who is woken then.
    clerk: Thread,
}

impl Dialer {
    pub(super) fn new(tracker: TrackerAddress, done: Sender<Dialed>, clerk: Thread) -> Self {
        Self {
            tracker,
            last: Arc::default(),
            most_files: most_files(),
            done,
            clerk,
        }
    }

    /// Connects for the game server at `address`. What came of it is sent to who has made this.
    pub(super) fn start(&self, address: SocketAddr) {
        let this = self.clone();
        let dial = move || this.tell(address, this.connect());
        if let Err(error) = threads::start("dial", threads::STACK, dial) {
            self.tell(address, Err(error));
        }
    }

    fn tell(&self, address: SocketAddr, dialed: io::Result<TcpStream>) {
        // After a panic of the other thread nobody waits for it.
        let _ = self.done.send((address, dialed));
        self.clerk.unpark();
    }

    /// The tracker at this address has listed a game server.
    pub(super) fn answered(&self, at: SocketAddr) {
        self.tracker.answered(at);
    }

    /// The tracker at this address does not answer, or has no room: the next login goes to another, if
    /// its name has others.
    pub(super) fn failed(&self, at: SocketAddr) {
        self.tracker.failed(at);
        lock(&self.last).take_if(|last| *last == at);
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let connected = self.reach().and_then(|(stream, address)| {
            keep_spare(&stream, self.most_files)?;
            stream.set_nonblocking(true)?;
            Ok((stream, address))
        });
        *lock(&self.last) = connected.as_ref().ok().map(|(_, address)| *address);
        connected.map(|(stream, _)| stream)
    }

    /// Connects to where the last connection was made, or else to any address of the tracker.
    fn reach(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let until = Instant::now() + TIMEOUT;
        let last = *lock(&self.last);
        if let Some(last) = last {
            match connect(last, TIMEOUT / 2) {
                Ok(stream) => return Ok((stream, last)),
                Err(_) => self.tracker.failed(last),
            }
        }
        let reached = self.tracker.dial(until)?.next()?;
        Ok((reached.stream, reached.address))
    }
}

/// Fails for a connection that has one of the last descriptors of this process.
fn keep_spare(stream: &TcpStream, most: Option<usize>) -> io::Result<()> {
    match most.zip(number(stream)) {
        Some((most, number)) if number + SPARE >= most => {
            Err(io::Error::from_raw_os_error(TOO_MANY_FILES))
        }
        _ => Ok(()),
    }
}

/// The number of the descriptor: a new one has the lowest that is free.
#[cfg(unix)]
fn number(stream: &TcpStream) -> Option<usize> {
    usize::try_from(std::os::fd::AsRawFd::as_raw_fd(stream)).ok()
}

/// There are none that are numbered like this.
#[cfg(not(unix))]
fn number(_: &TcpStream) -> Option<usize> {
    None
}

/// How many files this process may have open, where the system tells.
fn most_files() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::sync::mpsc::channel;

    #[test]
    fn whoever_is_gone_or_full_is_not_asked_again_at_once() {
        let [(alive, at), (dead, gone)] = [(); 2].map(|()| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            (listener, address)
        });
        drop(dead);
        let (done, _dialed) = channel();
        let dialer = Dialer::new(TrackerAddress::new(at), done, std::thread::current());
        *lock(&dialer.last) = Some(gone);
        let stream = dialer.connect().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), at);
        assert_eq!(*lock(&dialer.last), Some(at));
        dialer.failed(gone);
        assert_eq!(*lock(&dialer.last), Some(at), "it was another");
        dialer.failed(at);
        assert_eq!(*lock(&dialer.last), None);
        drop(alive);
        assert!(dialer.connect().is_err());
    }
}
