//! The threads that accept: two for each port, which do nothing else.
//!
//! What goes wrong with one connection stays with that connection, and no trouble closes a port.

use crate::base::mutex::lock;
use crate::threads;
use crate::tracker::state::log::Log;
use crate::tracker::state::sockets::connection;
use crate::tracker::state::sockets::tuning::{ACCEPT_AGAIN, ACCEPTORS, LOG_EVERY, STACK};
use crate::tracker::threads::accept::probe::AcceptProbe;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::fd::OwnedFd as Socket;
#[cfg(windows)]
use std::os::windows::io::OwnedSocket as Socket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One listener and what the threads that accept from it share.
struct Acceptor<F> {
    name: &'static str,
    listener: TcpListener,
    probe: &'static AcceptProbe,
    receive: F,
    log: Log,
    /// Held by the one who waits for better times; when trouble was last logged.
    trouble: Mutex<Option<Instant>>,
}

/// Gives a listener the options that its connections are to have, where they inherit them.
///
/// # Errors
/// When the system refuses one of them.
pub(crate) fn preset(listener: TcpListener, write: Duration) -> io::Result<TcpListener> {
    if !connection::INHERITS {
        return Ok(listener);
    }
    // A listener has no methods for this, but it is a socket as any other.
    let socket = TcpStream::from(Socket::from(listener));
    connection::preset(&socket, write)?;
    Ok(TcpListener::from(Socket::from(socket)))
}

/// Starts the threads of a port. They call `receive` with each connection, which does not wait for
/// the peer.
///
/// # Errors
/// When a thread cannot be started.
pub(crate) fn start<F>(
    name: &'static str,
    listener: TcpListener,
    probe: &'static AcceptProbe,
    log: Log,
    receive: F,
) -> io::Result<()>
where
    F: Fn(TcpStream, SocketAddr) + Send + Sync + 'static,
{
    let acceptor = Arc::new(Acceptor {
        name,
        listener,
        probe,
        receive,
        log,
        trouble: Mutex::new(None),
    });
    for _ in 0..ACCEPTORS {
        let acceptor = Arc::clone(&acceptor);
        threads::start(name, STACK, move || {
            loop {
                acceptor.accept();
            }
        })?;
    }
    Ok(())
}

impl<F: Fn(TcpStream, SocketAddr)> Acceptor<F> {
    fn accept(&self) {
        match self.listener.accept() {
            Ok((_, peer)) if self.probe.is_accepted(peer) => {}
            Ok((stream, peer)) => {
                let receive = || (self.receive)(stream, peer);
                if catch_unwind(AssertUnwindSafe(receive)).is_err() {
                    self.log
                        .error("session-panicked", &[("peer", &peer), ("port", &self.name)]);
                }
            }
            Err(error) => self.recover(&error),
        }
    }

    /// One thread at a time waits and tries again. The other stands behind it, and goes back as soon
    /// as anybody was accepted.
    fn recover(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
        if matches!(error.kind(), ConnectionAborted | Interrupted | WouldBlock) {
            return;
        }
        let accepted = self.probe.accepted();
        let mut logged = lock(&self.trouble);
        if self.probe.accepted() != accepted {
            return;
        }
        let now = Instant::now();
        if logged.is_none_or(|at| now >= at + LOG_EVERY) {
            *logged = Some(now);
            self.log
                .warn("accept-failed", &[("port", &self.name), ("error", error)]);
        }
        std::thread::sleep(ACCEPT_AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn open(receive: impl Fn(TcpStream, SocketAddr) + Send + Sync + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Log::start(crate::tracker::state::log::Level::Error, io::sink()).unwrap();
        start("test", listener, Box::leak(Box::default()), log, receive).unwrap();
        address
    }

    fn ask(address: SocketAddr, word: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(address).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        stream.write_all(word).unwrap();
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => panic!("{error}"),
            // Hung up on, kindly or not.
            _ => answer,
        }
    }

    #[test]
    fn connections_have_the_options_of_their_listener_or_get_them() {
        let write = Duration::from_secs(5);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listener = preset(listener, write).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        if !connection::INHERITS {
            connection::preset(&accepted, write).unwrap();
        }
        assert!(accepted.nodelay().unwrap());
        assert_eq!(accepted.write_timeout().unwrap(), Some(write));
    }

    #[test]
    fn a_panic_costs_one_connection_and_no_thread() {
        let address = open(|mut stream, _| {
            let mut word = [0; 4];
            stream.read_exact(&mut word).unwrap();
            assert_ne!(&word, b"boom", "on purpose");
            stream.write_all(b"fine").unwrap();
        });
        for _ in 0..10 {
            assert_eq!(ask(address, b"boom"), b"");
        }
        assert_eq!(ask(address, b"word"), b"fine");
    }
}
