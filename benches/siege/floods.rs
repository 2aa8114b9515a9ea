//! Attacks, each in a thread of its own until it is told to stop.

use crate::attacks::OWN_NETWORK;
use crate::peers::{Manner, at_pace, attacker, customer, dial, neighbour};
use crate::tracker::Ports;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Connections that an attacker holds at the most.
const HELD: usize = 2000;

/// Connections that an attacker holds; those that the tracker closed are let go.
#[derive(Default)]
pub(crate) struct Held(VecDeque<TcpStream>);

impl Held {
    pub(crate) fn add(&mut self, stream: TcpStream) {
        if stream.set_nonblocking(true).is_ok() {
            self.0.push_back(stream);
        }
        if self.0.len() > HELD {
            self.0.pop_front();
        }
    }

    /// Lets go of what was closed. Whoever never reads would not notice.
    pub(crate) fn sweep(&mut self) {
        self.0
            .retain(|mut stream| match stream.read(&mut [0; 256]) {
                Ok(length) => length > 0,
                Err(error) => error.kind() == ErrorKind::WouldBlock,
            });
    }
}

/// Where connections come from, one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Army {
    /// So many networks, with so many hosts in each.
    Networks { groups: u16, hosts: u32 },
    /// 200 hosts of the network of the honest.
    Neighbours,
    /// 200 subnets of 50 customers of the provider of the honest.
    Customers,
}

impl Army {
    fn address(self, n: u32) -> IpAddr {
        // Each comes to the one port and then to the other.
        let each = (n / 2 % 200) as u8;
        match self {
            Self::Networks { groups, hosts } => {
                let group = (n % u32::from(groups)) as u16;
                let host = 1 + (n / u32::from(groups) % hosts) as u8;
                attacker(group, host)
            }
            Self::Neighbours => neighbour(OWN_NETWORK, 30 + each),
            Self::Customers => customer(1 + each % 50, each / 50),
        }
    }
}

/// Connects at `rate` a second, says `line`, and holds on. With `dribble` one more byte follows
/// now and then.
#[derive(Clone, Copy)]
pub(crate) struct Flood {
    pub(crate) to_game_servers: bool,
    pub(crate) to_clients: bool,
    pub(crate) from: Army,
    pub(crate) rate: u32,
    pub(crate) line: &'static [u8],
    pub(crate) dribble: bool,
    pub(crate) reads: bool,
    pub(crate) holds: bool,
}

pub(crate) const SILENT: Flood = Flood {
    to_game_servers: false,
    to_clients: true,
    from: networks(60),
    rate: 640,
    line: b"",
    dribble: false,
    reads: true,
    holds: true,
};

/// So many networks.
pub(crate) const fn networks(groups: u16) -> Army {
    Army::Networks { groups, hosts: 250 }
}

impl Flood {
    pub(crate) fn run(&self, ports: Ports, stop: &AtomicBool) {
        let mut held = Held::default();
        at_pace(self.rate, stop, |n| {
            let to_clients = self.to_clients && (!self.to_game_servers || n % 2 == 0);
            let port = if to_clients {
                ports.clients
            } else {
                ports.game_servers
            };
            if let Some(mut stream) = dial(self.from.address(n), port) {
                let _ = stream.set_nonblocking(true);
                let _ = stream.write(self.line);
                if self.holds {
                    held.add(stream);
                }
            }
            if n % (self.rate / 10).max(1) == 0 {
                if self.dribble {
                    for mut stream in &held.0 {
                        let _ = stream.write(b"x");
                    }
                }
                if self.reads {
                    held.sweep();
                }
            }
        });
    }
}

/// Guesses passwords from one address, one after the other.
pub(crate) fn guess(ports: Ports, stop: &AtomicBool) {
    for n in 0..10_000 {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        if let Some(mut stream) = dial(attacker(900, 1), ports.game_servers) {
            let _ = stream.write_all(format!("LOGIN guess{n}\n").as_bytes());
            let _ = stream.read(&mut [0; 256]);
        }
    }
}

/// Sends updates from one listed game server as fast as they are taken; comes back when closed.
pub(crate) fn storm(ports: Ports, stop: &AtomicBool) {
    let mut n = 0u64;
    while !stop.load(Ordering::Relaxed) {
        let Some(mut stream) = Manner::PASSWORD.log_in(attacker(901, 1), ports.game_servers, 5, "")
        else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let _ = stream.set_nonblocking(true);
        while !stop.load(Ordering::Relaxed) {
            n += 1;
            let line = format!("INFOS nbplayers={}\n", n % 65_536);
            match stream.write(line.as_bytes()) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => break,
                _ => {}
            }
            match stream.read(&mut [0; 4096]) {
                Ok(0) => break,
                Err(error) if error.kind() != ErrorKind::WouldBlock => break,
                _ => {}
            }
        }
    }
}
