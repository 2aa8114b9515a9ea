//! Game servers that stay on the list.

use crate::LISTED;
use crate::peers::{Manner, TRUSTED_HOST, honest};
use crate::support::sample;
use crate::tracker::Ports;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Logins at the same time.
const AT_ONCE: usize = 16;

/// Pause between two looks at some of them.
const LOOK: Duration = Duration::from_millis(20);

/// Everybody is looked at once in so many looks, which is once a second. A PING is answered in
/// time if that is within 15 s.
const LOOKS: usize = 50;

/// They answer pings for as long as this lives.
pub(crate) struct Population {
    crowd: Arc<Crowd>,
    size: usize,
}

#[derive(Default)]
struct Crowd {
    members: Mutex<Vec<Member>>,
    is_over: AtomicBool,
}

struct Member {
    stream: TcpStream,
    is_lost: bool,
}

impl Population {
    /// Those who are honest, each of a network of its own, and so many more of a network that the
    /// tracker trusts.
    pub(crate) fn start(ports: Ports, trusted: u16) -> Self {
        let crowd = Arc::new(Crowd::default());
        let keeper = Arc::clone(&crowd);
        thread::spawn(move || keeper.keep());
        let filler = format!("game=siege a={0} b={0} c={0}", "x".repeat(250));
        let log_in = |ip, port, fields: &str| {
            let stream = Manner::PASSWORD.log_in(ip, ports.game_servers, port, fields);
            crowd.enter(stream.expect("a login"));
        };
        for n in 0..LISTED {
            log_in(honest(10 + n), 23460, &filler);
        }
        let next = AtomicU16::new(0);
        let log_in_trusted = || {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= trusted {
                    return;
                }
                let fields = sample::fields(n.into());
                let (_, others) = fields
                    .split_once(' ')
                    .expect("the sample begins with a port");
                log_in(TRUSTED_HOST, 10_000 + n, others);
            }
        };
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(log_in_trusted);
            }
        });
        let size = crowd.lock().len();
        Self { crowd, size }
    }

    /// How many there were at the beginning.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// How many are still there.
    pub(crate) fn kept(&self) -> usize {
        let mut members = self.crowd.lock();
        members.iter_mut().for_each(Member::listen);
        members.iter().filter(|member| !member.is_lost).count()
    }
}

impl Drop for Population {
    fn drop(&mut self) {
        self.crowd.is_over.store(true, Ordering::Relaxed);
    }
}

impl Crowd {
    fn lock(&self) -> MutexGuard<'_, Vec<Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, stream: TcpStream) {
        stream.set_nonblocking(true).expect("nonblocking");
        self.lock().push(Member {
            stream,
            is_lost: false,
        });
    }

    /// Looks after them, some at a time.
    fn keep(&self) {
        let mut next = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            let mut members = self.lock();
            let some = members.len() / LOOKS + 1;
            members
                .iter_mut()
                .skip(next)
                .take(some)
                .for_each(Member::listen);
            next = if next + some < members.len() {
                next + some
            } else {
                0
            };
            drop(members);
            thread::sleep(LOOK);
        }
    }
}

impl Member {
    fn listen(&mut self) {
        let mut buffer = [0; 1024];
        self.is_lost |= match self.stream.read(&mut buffer) {
            Ok(0) => true,
            Ok(length) => {
                let text = String::from_utf8_lossy(&buffer[..length]);
                let mut pings = text.lines().filter_map(|line| line.strip_prefix("PING "));
                pings.any(|word| {
                    let pong = format!("PONG {word}\n");
                    self.stream.write_all(pong.as_bytes()).is_err()
                })
            }
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
    }
}
