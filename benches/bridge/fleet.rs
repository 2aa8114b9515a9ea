//! Pretend game servers, each on an address of its own, that register and answer questions.

use crate::clients;
use crate::support::run::Result;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the sockets are looked at. An answer has two seconds.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The rate at which all of them register.
const REGISTRATIONS: u32 = 2_000;

/// How long they may take to be listed.
const PATIENCE: Duration = Duration::from_secs(60);

/// All of them, and the thread that is all of them.
pub(crate) struct Fleet {
    size: usize,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// Heartbeats a second.
    rate: AtomicU32,
    is_over: AtomicBool,
    heartbeats: AtomicU64,
    answers: AtomicU64,
}

/// What they have done so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) heartbeats: u64,
    pub(crate) answers: u64,
}

impl Fleet {
    pub(crate) fn start(size: usize, door: SocketAddr) -> Result<Self> {
        let bind = |n: usize| -> Result<UdpSocket> {
            let ip = Ipv4Addr::new(127, 64, (n / 250) as u8, (n % 250) as u8 + 1);
            let socket = UdpSocket::bind((ip, 0))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let sockets = (0..size).map(bind).collect::<Result<Vec<_>>>()?;
        let shared = Arc::<Shared>::default();
        let thread = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || live(&sockets, door, &shared))
        };
        Ok(Self {
            size,
            shared,
            thread: Some(thread),
        })
    }

    /// Has all of them register; the datagrams of the list that has them all.
    pub(crate) fn register(&mut self, door: SocketAddr) -> Result<Vec<Vec<u8>>> {
        let start = Instant::now();
        self.beat(REGISTRATIONS);
        loop {
            let list = clients::datagrams(&clients::socket(door)?)?;
            let bytes: usize = list
                .iter()
                .map(|datagram| datagram.len() - clients::HEAD)
                .sum();
            if bytes / 7 == self.size + 1 {
                self.beat(0);
                return Ok(list);
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("{} of {} are listed", bytes / 7 - 1, self.size).into());
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// So many heartbeats a second from now on, of one after the other.
    pub(crate) fn beat(&self, rate: u32) {
        self.shared.rate.store(rate, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            heartbeats: self.shared.heartbeats.load(Ordering::Relaxed),
            answers: self.shared.answers.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn live(sockets: &[UdpSocket], door: SocketAddr, shared: &Shared) {
    let (mut next, mut owed, mut last) = (0, 0.0, Instant::now());
    while !shared.is_over.load(Ordering::Relaxed) {
        let rate = shared.rate.load(Ordering::Relaxed);
        owed += f64::from(rate) * last.elapsed().as_secs_f64();
        last = Instant::now();
        while owed >= 1.0 {
            let socket = &sockets[next % sockets.len()];
            let _ = socket.send_to(b"\xff\xff\xff\xffheartbeat DarkPlaces\n", door);
            shared.heartbeats.fetch_add(1, Ordering::Relaxed);
            (next, owed) = (next + 1, owed - 1.0);
        }
        for socket in sockets {
            answer(socket, door, shared);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Answers what one of them has been asked.
fn answer(socket: &UdpSocket, door: SocketAddr, shared: &Shared) {
    let mut buffer = [0; 256];
    while let Ok(count) = socket.recv(&mut buffer) {
        let Some(word) = buffer[..count].strip_prefix(b"\xff\xff\xff\xffgetinfo ") else {
            continue;
        };
        let answer = [
            b"\xff\xff\xff\xffinfoResponse\n\\gametype\\0\\sv_maxclients\\8\\clients\\1\
              \\mapname\\load1\\hostname\\A pretender\\protocol\\5\\gamename\\Load\\challenge\\",
            word,
        ];
        let _ = socket.send_to(&answer.concat(), door);
        shared.answers.fetch_add(1, Ordering::Relaxed);
    }
}
