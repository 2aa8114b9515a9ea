//! The doors: threads and listeners. The only place that accepts.
//!
//! There is no acceptor that hands connections over: of a port's threads some are doormen, who wait
//! in `accept`, deal with whoever came, and return to the door. One that has to wait for its peer
//! steps aside, and another takes its place (`roster`). A door never closes: what goes wrong with
//! one connection stays with that connection.

use crate::threads;
use crate::tracker::session::Timings;
use crate::tracker::state::connection;
use crate::tracker::state::log::{Level, Log};
use crate::tracker::threads::accept_probe::Doorbell;
use crate::tracker::threads::workers::{Duty, Place, Roster};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Stack of a thread that holds conversations. Only what is touched of it costs memory; 128 KiB
/// leaves an order of magnitude over what a session was seen to need in a debug build.
pub const STACK: usize = 128 * 1024;

/// Wait before the next try when the system has no descriptor or no memory for a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// Trouble at a door is logged at most this often.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// What the threads of a port pass on among them.
pub trait Held: Send + Sized + 'static {
    /// Goes on with it, on a worker.
    fn hold(self, place: &mut Place<'_, Self>);
    /// Waits until there is something to go on with, on a waiter.
    fn wait(self, place: &mut Place<'_, Self>);
}

/// One listener and what all its threads share.
struct Door<T: 'static, F> {
    name: &'static str,
    listener: TcpListener,
    bell: &'static Doorbell,
    roster: &'static Roster<T>,
    receive: F,
    log: Log,
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

/// Starts the `threads` of a port, which has this `bell`. Those of them who are at the door call
/// `receive` with whoever comes; all of them do what else `roster` has for them.
///
/// # Errors
/// When a thread cannot be started; says which one it was.
pub fn open_door<T, F>(
    name: &'static str,
    listener: TcpListener,
    bell: &'static Doorbell,
    roster: &'static Roster<T>,
    threads: usize,
    log: Log,
    receive: F,
) -> io::Result<()>
where
    T: Held,
    F: Fn(&mut Place<'_, T>, TcpStream, SocketAddr) + Send + Sync + 'static,
{
    let door = Arc::new(Door {
        name,
        listener,
        bell,
        roster,
        receive,
        log,
        trouble: Mutex::new(None),
    });
    for number in 1..=threads {
        let door = Arc::clone(&door);
        let started = threads::start(name, STACK, move || door.keep());
        started.map_err(|error| {
            let text = format!("thread {number} of {threads} did not start: {error}");
            io::Error::new(error.kind(), text)
        })?;
    }
    Ok(())
}

impl<T: Held, F: Fn(&mut Place<'_, T>, TcpStream, SocketAddr)> Door<T, F> {
    /// The life of a thread, to the end of the process.
    fn keep(&self) {
        let mut place = self.roster.join();
        loop {
            match place.next_duty() {
                Duty::Door => self.stand_at_door(&mut place),
                Duty::Hold(held) => self.survive(|| held.hold(&mut place), None),
                Duty::Wait(held) => self.survive(|| held.wait(&mut place), None),
            }
        }
    }

    // Not part of `keep`, whose share of the stack stays in use under whatever is done there: some
    // ten thousand threads may be waiting in it.
    #[inline(never)]
    fn stand_at_door(&self, place: &mut Place<'_, T>) {
        match self.listener.accept() {
            Ok((stream, peer)) => {
                if self.bell.open(peer) {
                    return;
                }
                self.survive(|| (self.receive)(place, stream, peer), Some(peer));
            }
            Err(error) => self.recover(&error),
        }
    }

    /// Does something that may panic.
    #[inline(never)]
    fn survive(&self, action: impl FnOnce(), peer: Option<SocketAddr>) {
        if catch_unwind(AssertUnwindSafe(action)).is_err() {
            let peer = peer.map_or("unknown".to_owned(), |peer| peer.to_string());
            let fields: [(&str, &dyn std::fmt::Display); 2] =
                [("peer", &peer), ("door", &self.name)];
            self.log.event(Level::Error, "session-panicked", &fields);
        }
    }

    /// One doorman at a time waits and tries again. The others stand behind it, and go back to
    /// the door as soon as anybody got in: otherwise a thousand threads would all be trying.
    fn recover(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
        if matches!(error.kind(), ConnectionAborted | Interrupted | WouldBlock) {
            return;
        }
        let opened = self.bell.opened();
        let mut logged = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if self.bell.opened() != opened {
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

    /// Nothing is passed on here.
    enum Nothing {}

    impl Held for Nothing {
        fn hold(self, _: &mut Place<'_, Self>) {
            match self {}
        }
        fn wait(self, _: &mut Place<'_, Self>) {
            match self {}
        }
    }

    fn door(
        threads: usize,
        receive: impl Fn(&mut Place<'_, Nothing>, TcpStream, SocketAddr) + Send + Sync + 'static,
    ) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Log::start(Level::Error, io::sink()).unwrap();
        open_door(
            "test",
            listener,
            Box::leak(Box::default()),
            Box::leak(Box::new(Roster::few_at_the_door().unwrap())),
            threads,
            log,
            receive,
        )
        .unwrap();
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
        let address = door(2, |_, mut stream, _| {
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
