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

impl Clients {
    /// Has all of them ask for so long; a list has `size` entries.
    pub(crate) fn ask(of: SocketAddr, size: usize, length: Duration) -> Result<Outcome> {
        let end = Instant::now() + length;
        let ask = || -> Result<Outcome> {
            let (socket, mut outcome) = (socket(of)?, Outcome::default());
            while Instant::now() < end {
                match count(&socket)? {
                    Some(count) if count == size => outcome.lists += 1,
                    _ => outcome.missing += 1,
                }
            }
            Ok(outcome)
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..SOCKETS).map(|_| scope.spawn(ask)).collect();
            let mut total = Outcome::default();
            for thread in threads {
                let outcome = thread.join().map_err(|_| "a client panicked")??;
                total.lists += outcome.lists;
                total.missing += outcome.missing;
            }
            Ok(total)
        })
    }
}

/// A socket that is connected to whom it asks.
pub(crate) fn socket(of: SocketAddr) -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(of)?;
    Ok(socket)
}

/// Asks once; how many are listed, if the list comes to its mark.
fn count(socket: &UdpSocket) -> Result<Option<usize>> {
    let (mut entries, mut is_whole) = (0, false);
    ask(socket, |datagram, is_last| {
        entries += (datagram.len() - HEAD) / 7 - usize::from(is_last);
        is_whole |= is_last;
    })?;
    Ok(is_whole.then_some(entries))
}

/// Asks once; the datagrams that come.
pub(crate) fn datagrams(socket: &UdpSocket) -> Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    ask(socket, |datagram, _| all.push(datagram.to_vec()))?;
    Ok(all)
}

/// Asks once, and shows each datagram that comes, until the mark or for as long as it may take.
fn ask(socket: &UdpSocket, mut show: impl FnMut(&[u8], bool)) -> Result<()> {
    let mut buffer = [0; 2048];
    socket.send(QUESTION)?;
    while let Ok(count) = socket.recv(&mut buffer) {
        let datagram = &buffer[..count.max(HEAD)];
        let is_last = datagram.ends_with(END);
        show(datagram, is_last);
        if is_last {
            break;
        }
    }
    Ok(())
}
