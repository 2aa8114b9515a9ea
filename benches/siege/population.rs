//! The honest: who stays, who comes and goes, and what they notice.

use crate::LISTED;
use crate::peers::{at_pace, honest, list, log_in};
use crate::tracker::Ports;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What the honest noticed.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) lists: AtomicU32,
    pub(crate) lists_good: AtomicU32,
    pub(crate) logins: AtomicU32,
    pub(crate) logins_good: AtomicU32,
    pub(crate) latencies: Mutex<Vec<Duration>>,
}

impl Notes {
    pub(crate) fn note_list(&self, is_good: bool, took: Duration) {
        self.lists.fetch_add(1, Ordering::Relaxed);
        self.lists_good.fetch_add(is_good.into(), Ordering::Relaxed);
        if let (true, Ok(mut latencies)) = (is_good, self.latencies.lock()) {
            latencies.push(took);
        }
    }

    pub(crate) fn percent(good: &AtomicU32, all: &AtomicU32) -> f64 {
        100.0 * f64::from(good.load(Ordering::Relaxed))
            / f64::from(all.load(Ordering::Relaxed).max(1))
    }
}

/// The game servers that stay: they answer pings until they are told to stop.
pub(crate) struct Population {
    pub(crate) kept: Arc<AtomicU32>,
}

impl Population {
    pub(crate) fn start(ports: Ports) -> Self {
        let filler = format!("a={0} b={0} c={0}", "x".repeat(250));
        let mut servers: Vec<TcpStream> = (0..LISTED)
            .map(|n| log_in(honest(10 + n), ports.game_servers, 23460, &filler).expect("a login"))
            .collect();
        let kept = Arc::new(AtomicU32::new(servers.len() as u32));
        let count = Arc::clone(&kept);
        for server in &servers {
            server.set_nonblocking(true).expect("nonblocking");
        }
        thread::spawn(move || {
            let mut buffer = [0; 1024];
            loop {
                servers.retain_mut(|server| match server.read(&mut buffer) {
                    Ok(0) => false,
                    Ok(length) => {
                        let text = String::from_utf8_lossy(&buffer[..length]);
                        let mut pings = text.lines().filter_map(|line| line.strip_prefix("PING "));
                        pings.all(|word| {
                            server
                                .write_all(format!("PONG {word}\n").as_bytes())
                                .is_ok()
                        })
                    }
                    Err(error) => error.kind() == ErrorKind::WouldBlock,
                });
                count.store(servers.len() as u32, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(20));
            }
        });
        Self { kept }
    }
}

/// The player and the game servers that come and go.
pub(crate) fn visit(ports: Ports, notes: &Notes, stop: &AtomicBool) {
    thread::scope(|scope| {
        scope.spawn(|| {
            at_pace(20, stop, |_| {
                let start = Instant::now();
                let is_good = list(honest(1), ports.clients);
                notes.note_list(is_good, start.elapsed());
            });
        });
        scope.spawn(|| {
            at_pace(2, stop, |n| {
                let is_good = log_in(honest(2 + n as u16 % 2), ports.game_servers, 1, "").is_some();
                notes.logins.fetch_add(1, Ordering::Relaxed);
                notes
                    .logins_good
                    .fetch_add(is_good.into(), Ordering::Relaxed);
            });
        });
    });
}
