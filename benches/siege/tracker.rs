//! The tracker under siege, in a process of its own.

use crate::peers::{dial, honest};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;

pub(crate) const PASSWORD: &str = "secret";

/// The tracker under siege.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) game_servers: u16,
    pub(crate) clients: u16,
}

pub(crate) struct Tracker {
    pub(crate) child: Child,
    pub(crate) ports: Ports,
}

impl Tracker {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gltracker"))
            .args([
                "--servers",
                "0.0.0.0:0",
                "--clients",
                "0.0.0.0:0",
                "--max-slots",
                "256",
            ])
            .env("GLTRACKER_PASSWORD", PASSWORD)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the tracker starts");
        let mut log = BufReader::new(child.stderr.take().expect("standard error is piped"));
        let mut line = String::new();
        log.read_line(&mut line)
            .expect("the tracker says where it listens");
        thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let port = |key: &str| {
            let rest = line.split(key).nth(1).expect("listening line");
            let address = rest.split(' ').next().unwrap_or_default();
            address.parse::<SocketAddr>().expect("an address").port()
        };
        let ports = Ports {
            game_servers: port("servers="),
            clients: port("clients="),
        };
        Self { child, ports }
    }

    /// Resident memory, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .unwrap_or_default()
    }

    /// Slots in use, as `pending` and `client` of STATS.
    pub(crate) fn slots(&self) -> Option<(u32, u32)> {
        let mut stream = dial(honest(200), self.ports.clients)?;
        stream.write_all(b"STATS\nQUIT\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let used = |name: &str| answer.split(name).nth(1)?.split('/').next()?.parse().ok();
        Some((used(" pending=")?, used(" client=")?))
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
