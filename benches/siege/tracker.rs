//! The tracker under siege, in a process of its own.

use crate::peers::{STAFF, TRUSTED, dial};
use crate::support::run::value_of;
use crate::support::tracker::this_build;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

/// The password of every tracker here, and a key.
pub(crate) const PASSWORD: &str = "secret";
pub(crate) const KEY: (&str, &str) = ("alice", "between us");

/// Where it listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) game_servers: u16,
    pub(crate) clients: u16,
}

/// A tracker. Killed when dropped.
pub(crate) struct Tracker {
    child: Child,
    keys: PathBuf,
    pub(crate) ports: Ports,
}

/// Slots of a class: how many are in use, of how many.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slots {
    pub(crate) used: u32,
    pub(crate) all: u32,
}

impl Tracker {
    /// Starts one with these arguments more: that of `--tracker`, or the one that was built with
    /// this program.
    pub(crate) fn start(arguments: &[String]) -> Self {
        let program = value_of("--tracker").map(PathBuf::from);
        let keys = std::env::temp_dir().join(format!("gltracker-siege-{}", std::process::id()));
        std::fs::write(&keys, format!("{} {}\n", KEY.0, KEY.1)).expect("a file for the key");
        // As the tracker does by itself.
        let has_ipv6 = TcpListener::bind("[::]:0").is_ok();
        let anywhere = if has_ipv6 { "[::]:0" } else { "0.0.0.0:0" };
        let mut child = Command::new(program.as_deref().unwrap_or(this_build()))
            .args(["--servers", anywhere, "--clients", anywhere])
            .args(["--trust", TRUSTED])
            .args(arguments)
            .arg("--keys-file")
            .arg(&keys)
            .env("GLTRACKER_PASSWORD", PASSWORD)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the tracker starts");
        let mut log = BufReader::new(child.stderr.take().expect("standard error is piped"));
        let mut line = String::new();
        // Before that one it says what it has read.
        while !line.contains(" event=listening ") {
            line.clear();
            let length = log.read_line(&mut line).expect("the log is text");
            assert!(length > 0, "the tracker says where it listens");
        }
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
        Self { child, keys, ports }
    }

    /// Resident memory, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .unwrap_or_default()
    }

    /// Those of some classes, as STATS says.
    pub(crate) fn slots<const N: usize>(&self, classes: [&str; N]) -> Option<[Slots; N]> {
        let mut stream = dial(STAFF, self.ports.clients)?;
        stream.write_all(b"STATS\nQUIT\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let slots = |class: &str| {
            let mut words = answer.split_ascii_whitespace();
            let value = words.find_map(|word| word.strip_prefix(class)?.strip_prefix('='))?;
            let (used, all) = value.split_once('/')?;
            Some(Slots {
                used: used.parse().ok()?,
                all: all.parse().ok()?,
            })
        };
        let found: Vec<Slots> = classes.into_iter().map_while(slots).collect();
        found.try_into().ok()
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.keys);
    }
}
