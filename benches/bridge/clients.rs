//! Clients that ask for the list again and again, each as soon as it has the last one.

use crate::support::run::Result;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

/// What they ask.
pub(crate) const QUESTION: &[u8] = b"\xff\xff\xff\xffgetservers Load 5 empty full";

/// How every datagram begins.
pub(crate) const HEAD: usize = b"\xff\xff\xff\xffgetserversResponse".len();

/// How the last one ends.
const END: &[u8] = b"\\EOT\0\0\0";

/// How long a client waits for a datagram.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many ask.
const SOCKETS: usize = 16;

/// Clients that ask.
pub(crate) struct Clients;

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    pub(crate) lists: usize,
    /// Lists that did not come to their mark, or lacked somebody.
    pub(crate) missing: usize,
}

/// One of them.
struct Client {
    socket: UdpSocket,
    asked: Instant,
    /// Game servers that it has been told of since.
    entries: usize,
}

impl Client {
    fn start(of: SocketAddr) -> Result<Self> {
        let socket = socket(of)?;
        socket.set_nonblocking(true)?;
        socket.send(QUESTION)?;
        Ok(Self {
            socket,
            asked: Instant::now(),
            entries: 0,
        })
    }

    /// Takes what has come; true if something has.
    fn look(&mut self, size: usize, outcome: &mut Outcome) -> Result<bool> {
        let (mut buffer, mut has_come) = ([0; 2048], false);
        while let Ok(count) = self.socket.recv(&mut buffer) {
            has_come = true;
            let is_last = buffer[..count].ends_with(END);
            self.entries += count.saturating_sub(HEAD) / 7 - usize::from(is_last);
            if is_last {
                self.next(size, outcome)?;
            }
        }
        if !has_come && self.asked.elapsed() > PATIENCE {
            self.next(usize::MAX, outcome)?;
        }
        Ok(has_come)
    }

    /// Counts a list, and asks for the next.
    fn next(&mut self, size: usize, outcome: &mut Outcome) -> Result<()> {
        match self.entries == size {
            true => outcome.lists += 1,
            false => outcome.missing += 1,
        }
        (self.entries, self.asked) = (0, Instant::now());
        self.socket.send(QUESTION)?;
        Ok(())
    }
}

impl Clients {
    /// Has all of them ask for so long; a list has `size` entries. One thread is all of them, and never
    /// sleeps: to wake it would cost whoever sends a datagram.
    pub(crate) fn ask(of: SocketAddr, size: usize, length: Duration) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let clients = (0..SOCKETS).map(|_| Client::start(of));
        let mut clients = clients.collect::<Result<Vec<_>>>()?;
        let end = Instant::now() + length;
        while Instant::now() < end {
            let mut has_come = false;
            for client in &mut clients {
                has_come |= client.look(size, &mut outcome)?;
            }
            if !has_come {
                thread::yield_now();
            }
        }
        Ok(outcome)
    }
}

/// A socket that is connected to whom it asks.
pub(crate) fn socket(of: SocketAddr) -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(of)?;
    Ok(socket)
}

/// Asks once; the datagrams that come, until the mark or for as long as it may take.
pub(crate) fn datagrams(socket: &UdpSocket) -> Result<Vec<Vec<u8>>> {
    let (mut buffer, mut all) = ([0; 2048], Vec::new());
    socket.send(QUESTION)?;
    while let Ok(count) = socket.recv(&mut buffer) {
        all.push(buffer[..count].to_vec());
        if buffer[..count].ends_with(END) {
            break;
        }
    }
    Ok(all)
}
