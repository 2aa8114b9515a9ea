//! The sockets and threads that ping.
//!
//! This file hides that there is one of each for IPv4 and for IPv6, blocked until something arrives
//! or is due, and a thread for what is asked on connections.

use super::connections::Connector;
use super::questions::Questions;
use super::room::{NoRoom, Room};
use super::schedule::{Limits, Permits, Schedule};
use super::target::{Ping, Target};
use crate::base::random::RANDOM;
use crate::base::threads;
use crate::protocol::scope::Scope;
use crate::query::{Kind, Transport};
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a thread that waits for answers checks for new targets.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How many probes are sent before answers are read. An answer that waits behind many probes would
/// seem to come from farther away.
const PROBES_IN_A_ROW: usize = 8;

/// The largest datagram that is read: an answer that does not fit into one has several.
const MAX_DATAGRAM: usize = 4096;

/// How many times as long as the answer to a probe may take room for a socket is waited for. Each of its own
/// connections is closed sooner: there are three probes on one.
const TIMEOUTS_WITHOUT_ROOM: u32 = 4;

/// Pings game servers until it is dropped.
///
/// ```
/// use gltracker::client::ping::{Limits, Ping, Pinger};
/// use std::net::UdpSocket;
///
/// # let game = UdpSocket::bind("127.0.0.1:0")?;
/// # let address = game.local_addr()?;
/// # std::thread::spawn(move || {
/// #     let mut buffer = [0; 64];
/// #     while let Ok((length, from)) = game.recv_from(&mut buffer) {
/// #         buffer[1] = b'O';
/// #         let _ = game.send_to(&buffer[..length], from);
/// #     }
/// # });
/// let (results, received) = std::sync::mpsc::channel();
/// let on_ping = move |ping| {
///     let _ = results.send(ping); // Whoever wanted it may be gone.
/// };
/// let pinger = Pinger::start(Limits::default(), on_ping)?;
/// pinger.ping(address);
/// let ping: Ping = received.recv()?;
/// assert_eq!((ping.target.address, ping.sent, ping.answered), (address, 5, 5));
/// assert!(ping.mean.is_some(), "it would be None if nothing had been answered");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pinger {
    /// For datagrams by IPv4 and by IPv6, and for connections.
    ways: Option<[Way; 3]>,
    room: Arc<Room>,
    is_stopped: Arc<AtomicBool>,
}

/// A thread, and what it is to measure.
#[derive(Debug)]
struct Way {
    wanted: Sender<Target>,
    thread: JoinHandle<()>,
}

impl Pinger {
    /// Starts three threads, which sleep while there is nothing to ping, and one more for each game server
    /// that is being asked on connections. They call `on_ping` with the result of each game server.
    ///
    /// # Errors
    /// What the system says when there are no threads to be had.
    pub fn start(
        limits: Limits,
        on_ping: impl Fn(Ping) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let is_stopped = Arc::<AtomicBool>::default();
        let permits = Arc::new(Permits::new(limits.in_flight));
        let room = Arc::new(Room::new(limits.timeout * TIMEOUTS_WITHOUT_ROOM));
        let on_ping: Arc<dyn Fn(Ping) + Send + Sync> = Arc::new(on_ping);
        let family = |local: &'static str| {
            let (wanted, targets) = mpsc::channel();
            let prober = Prober {
                local,
                targets,
                schedule: Schedule::new(limits, Arc::clone(&permits)),
                questions: Questions::default(),
                room: Arc::clone(&room),
                is_stopped: Arc::clone(&is_stopped),
                on_ping: Arc::clone(&on_ping),
            };
            let thread = threads::start("ping", threads::STACK, move || prober.run())?;
            Ok::<_, io::Error>(Way { wanted, thread })
        };
        let (ipv4, ipv6) = (family("0.0.0.0:0")?, family("[::]:0")?);
        let (wanted, targets) = mpsc::channel();
        let connector = Connector {
            targets,
            limits,
            permits,
            room: Arc::clone(&room),
            is_stopped: Arc::clone(&is_stopped),
            on_ping,
        };
        let thread = threads::start("ping", threads::STACK, move || connector.run())?;
        Ok(Self {
            ways: Some([ipv4, ipv6, Way { wanted, thread }]),
            room,
            is_stopped,
        })
    }

    /// Pings a game server, unless it is being pinged already. That of an address alone is a `PING`.
    pub fn ping(&self, target: impl Into<Target>) {
        let target = target.into();
        let way = match target.kind.map(Kind::transport) {
            Some(Transport::Tcp) => 2,
            Some(Transport::Udp) | None => usize::from(target.address.is_ipv6()),
        };
        if let Some(ways) = &self.ways {
            // The thread ends when this value is dropped, and not before.
            let _ = ways[way].wanted.send(target);
        }
    }

    /// What the system has said, if there ever was no room for one more socket. Some game servers are pinged
    /// later then. If there is none for long, some are not: no probe is sent to them.
    pub fn shortage(&self) -> Option<&str> {
        self.room.shortage()
    }

    /// Waits until everything that was wanted has been measured: for silent game servers 1.8 s
    /// with the default limits, as many at a time as there may be in flight.
    pub fn finish(mut self) {
        let ways = self.ways.take().into_iter().flatten();
        // All of them hear that no more will come before one is waited for.
        let threads: Vec<JoinHandle<()>> = ways.map(|way| way.thread).collect();
        for thread in threads {
            // If `on_ping` has panicked there is nothing left to wait for.
            let _ = thread.join();
        }
    }
}

impl Drop for Pinger {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }
}

struct Prober {
    /// Where the socket is bound.
    local: &'static str,
    targets: Receiver<Target>,
    schedule: Schedule,
    questions: Questions,
    room: Arc<Room>,
    is_stopped: Arc<AtomicBool>,
    on_ping: Arc<dyn Fn(Ping) + Send + Sync>,
}

impl Prober {
    fn run(mut self) {
        let mut socket = None;
        while let Some(target) = self.next_target() {
            if let Some(target) = target {
                self.schedule.add(target);
                continue;
            }
            if self.is_stopped.load(Ordering::Relaxed) {
                return;
            }
            if socket.is_none() {
                let bind = || UdpSocket::bind(self.local);
                socket = match self.room.wait(&self.is_stopped, bind) {
                    // A host without this family reaches nobody in it, and sends nothing.
                    Ok(bound) => bound.ok(),
                    Err(NoRoom) => None,
                };
            }
            self.send_some(socket.as_ref());
            match &socket {
                Some(socket) => self.receive(socket),
                None => std::thread::sleep(Duration::from_millis(1)),
            }
            while let Some(ping) = self.schedule.next_done() {
                self.questions.forget(&ping.target);
                (self.on_ping)(ping);
            }
        }
    }

    /// The next target; `Some(None)` if there is none and probes are still running; `None` when all is
    /// done.
    fn next_target(&self) -> Option<Option<Target>> {
        if self.schedule.is_idle() {
            return self.targets.recv().ok().map(Some);
        }
        match self.targets.try_recv() {
            Ok(target) => Some(Some(target)),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => Some(None),
        }
    }

    fn send_some(&mut self, socket: Option<&UdpSocket>) {
        for _ in 0..PROBES_IN_A_ROW {
            let word = RANDOM.number();
            let now = Instant::now();
            let Some(target) = self.schedule.next_probe(now, word) else {
                return;
            };
            let datagram = self.questions.datagram(target, word);
            let sent = socket
                .filter(|_| Scope::of(target.address.ip()).is_some())
                .map(|socket| socket.send_to(&datagram, target.address));
            match sent {
                Some(Ok(_)) => {}
                // No room for it just now: it is lost, as it might be on the way.
                Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => self.schedule.on_unreachable(target),
            }
        }
    }

    /// Reads answers. Waits for them if there is nothing to send.
    fn receive(&mut self, socket: &UdpSocket) {
        let wait = match self.schedule.next_due(Instant::now()) {
            Some(Duration::ZERO) => None,
            Some(wait) => Some(wait.min(POLL_INTERVAL)),
            None => Some(POLL_INTERVAL),
        };
        // If the system refuses these, reading ends at the socket's old timeout.
        let _ = match wait {
            None => socket.set_nonblocking(true),
            Some(wait) => socket
                .set_nonblocking(false)
                .and_then(|()| socket.set_read_timeout(Some(wait))),
        };
        let mut buffer = [0; MAX_DATAGRAM];
        for turn in 0..PROBES_IN_A_ROW * 4 {
            match socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    let now = Instant::now();
                    if let Some((word, status)) = self.questions.hear(from, &buffer[..length]) {
                        self.schedule.on_answer(word, status, now);
                    }
                }
                // Some systems say here that a datagram sent before was not wanted.
                Err(_) => return,
            }
            if turn == 0 && wait.is_some() && socket.set_nonblocking(true).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
