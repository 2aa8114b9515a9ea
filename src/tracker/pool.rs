//! The doors: threads and listeners. The only place that accepts.
//!
//! Every idle thread is a doorman. There is no acceptor that hands connections over and no queue:
//! each thread waits in `accept`, deals with whoever came, and returns to the door. A door never
//! closes: what goes wrong with one connection stays with that connection.

use super::connection;
use super::log::{Level, Log};
use super::session::Timings;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Stack of a doorman. Only what is touched of it costs memory; 128 KiB leaves an order of
/// magnitude over what a session was seen to need in a debug build.
const STACK: usize = 128 * 1024;

/// Wait before the next try when the system has no descriptor or no memory for a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// Trouble at a door is logged at most this often.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// One listener and what all its doormen share.
struct Door<F> {
    name: &'static str,
    listener: TcpListener,
    receive: F,
    log: Log,
    accepted: AtomicU64,
    /// Held by the one doorman that waits for better times; when trouble was last logged.
    trouble: Mutex<Option<Instant>>,
}

/// Gives a listener the options that its connections are to have, where they inherit them.
///
/// # Errors
/// When the system refuses one of them.
pub fn preset(listener: TcpListener, timings: &Timings) -> io::Result<TcpListener> {
    // A listener has no methods for this, but it is a socket as any other.
    #[cfg(target_os = "linux")]
    let listener = {
        let socket = TcpStream::from(OwnedFd::from(listener));
        connection::preset(&socket, timings)?;
        TcpListener::from(OwnedFd::from(socket))
    };
    let _ = timings;
    Ok(listener)
}

/// Starts `threads` doormen at `listener`. Each calls `receive` with whoever comes.
///
/// # Errors
/// When a thread cannot be started; says which one it was.
pub fn open_door<F>(
    name: &'static str,
    listener: TcpListener,
    threads: usize,
    log: Log,
    receive: F,
) -> io::Result<()>
where
    F: Fn(TcpStream, SocketAddr) + Send + Sync + 'static,
{
    let accepted = AtomicU64::new(0);
    let door = Arc::new(Door {
        name,
        listener,
        receive,
        log,
        accepted,
        trouble: Mutex::new(None),
    });
    for number in 1..=threads {
        let door = Arc::clone(&door);
        std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK)
            .spawn(move || door.keep())
            .map_err(|error| {
                let text = format!("thread {number} of {threads} did not start: {error}");
                io::Error::new(error.kind(), text)
            })?;
    }
    Ok(())
}

impl<F: Fn(TcpStream, SocketAddr)> Door<F> {
    fn keep(&self) -> ! {
        loop {
            match self.listener.accept() {
                Ok((stream, peer)) => {
                    self.accepted.fetch_add(1, Ordering::Relaxed);
                    let received = catch_unwind(AssertUnwindSafe(|| (self.receive)(stream, peer)));
                    if received.is_err() {
                        self.log.event(
                            Level::Error,
                            "session-panicked",
                            &[("peer", &peer), ("door", &self.name)],
                        );
                    }
                }
                Err(error) => self.recover(&error),
            }
        }
    }

    /// One doorman at a time waits and tries again. The others stand behind it, and go back to
    /// the door as soon as anybody got in: otherwise a thousand threads would all be trying.
    fn recover(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
        if matches!(error.kind(), ConnectionAborted | Interrupted | WouldBlock) {
            return;
        }
        let accepted = self.accepted.load(Ordering::Relaxed);
        let mut logged = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if self.accepted.load(Ordering::Relaxed) != accepted {
            return;
        }
        let now = Instant::now();
        if logged.is_none_or(|at| now >= at + LOG_EVERY) {
            *logged = Some(now);
            let fields: [(&str, &dyn std::fmt::Display); 2] =
                [("door", &self.name), ("error", error)];
            self.log.event(Level::Warn, "accept-failed", &fields);
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn door(
        threads: usize,
        receive: impl Fn(TcpStream, SocketAddr) + Send + Sync + 'static,
    ) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Log::start(Level::Error, io::sink()).unwrap();
        open_door("test", listener, threads, log, receive).unwrap();
        address
    }

    fn ask(address: SocketAddr, word: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(word).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    #[test]
    fn connections_have_the_options_of_their_listener_or_get_them() {
        let timings = Timings::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listener = preset(listener, &timings).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        if !connection::INHERITS {
            connection::preset(&accepted, &timings).unwrap();
        }
        assert!(accepted.nodelay().unwrap());
        assert_eq!(accepted.write_timeout().unwrap(), Some(timings.write));
    }

    #[test]
    fn a_panic_costs_one_connection_and_no_thread() {
        let address = door(2, |mut stream, _| {
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
