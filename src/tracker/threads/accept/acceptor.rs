//! The threads that accept: two for each listener, which do nothing else.
//!
//! What goes wrong with one connection stays with that connection, and no trouble closes a port.

use crate::base::log::Log;
use crate::base::mutex::lock;
use crate::threads;
use crate::tracker::state::shared::Accepting;
use crate::tracker::state::sockets::tuning::{ACCEPT_AGAIN, ACCEPTORS, LOG_EVERY, STACK};
use crate::tracker::threads::accept::listener::Listener;
use crate::tracker::threads::accept::probe::AcceptProbe;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// One listener and what the threads that accept from it share.
struct Acceptor<F> {
    name: &'static str,
    listener: TcpListener,
    probe: AcceptProbe,
    receive: F,
    log: Log,
    /// Held by the one who waits for better times; when trouble was last logged.
    trouble: Mutex<Option<Instant>>,
}

/// Starts the threads of a listener. Until `accepting` is over they call `receive` with each connection,
/// which does not wait for the peer.
///
/// # Errors
/// When a thread cannot be started.
pub(crate) fn start<F>(
    name: &'static str,
    listener: Listener,
    log: Log,
    accepting: &'static Accepting,
    receive: F,
) -> io::Result<&'static AcceptProbe>
where
    F: Fn(TcpStream, SocketAddr) + Send + Sync + 'static,
{
    let acceptor: &_ = Box::leak(Box::new(Acceptor {
        name,
        probe: AcceptProbe::new(listener.address),
        listener: listener.socket,
        receive,
        log,
        trouble: Mutex::new(None),
    }));
    let mut first = listener.first;
    for _ in 0..ACCEPTORS {
        let first = first.take();
        accepting.threads.fetch_add(1, Ordering::SeqCst);
        threads::start(name, STACK, move || {
            if let Some((stream, peer)) = first {
                acceptor.receive(stream, peer);
            }
            while !accepting.is_over.load(Ordering::SeqCst) {
                acceptor.accept();
            }
            accepting.threads.fetch_sub(1, Ordering::SeqCst);
        })?;
    }
    Ok(&acceptor.probe)
}

impl<F: Fn(TcpStream, SocketAddr)> Acceptor<F> {
    fn accept(&self) {
        match self.listener.accept() {
            Ok((stream, peer)) => self.receive(stream, peer),
            Err(error) => self.recover(&error),
        }
    }

    fn receive(&self, stream: TcpStream, peer: SocketAddr) {
        if self.probe.is_accepted(peer) {
            return;
        }
        let receive = || (self.receive)(stream, peer);
        if catch_unwind(AssertUnwindSafe(receive)).is_err() {
            self.log
                .error("session-panicked", &[("peer", &peer), ("port", &self.name)]);
        }
    }

    /// One thread at a time waits and tries again. The other stands behind it, and goes back as soon
    /// as anybody was accepted.
    fn recover(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
        match error.kind() {
            ConnectionAborted | Interrupted => return,
            // Whoever handed it over may change that; it is the same socket.
            WouldBlock if self.listener.set_nonblocking(false).is_ok() => return,
            _ => {}
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
    use std::time::Duration;

    fn open(receive: impl Fn(TcpStream, SocketAddr) + Send + Sync + 'static) -> SocketAddr {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.address;
        let log = Log::start(crate::base::log::Level::Error, io::sink()).unwrap();
        let accepting = Box::leak(Box::new(Accepting::default()));
        start("test", listener, log, accepting, receive).unwrap();
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
