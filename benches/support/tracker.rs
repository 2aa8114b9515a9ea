//! What is measured: a real tracker, in a process of its own.

use super::process::Process;
use super::queue::{as_stdio, lengthen};
use super::run::Result;
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

/// The password of every tracker here.
pub(crate) const PASSWORD: &str = "secret";

/// Descriptors that a tracker needs beyond its slots: for a few threads more than slots, and for
/// its files.
const OTHER_DESCRIPTORS: usize = 128;

/// How many slots a tracker has, and for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slots {
    /// What a share of one is.
    pub(crate) unit: usize,
    /// For pending, listed, client and watcher.
    pub(crate) shares: [usize; 4],
}

impl Slots {
    /// Room for so many game servers, and for all others as in a tracker with the default of 1024
    /// slots.
    pub(crate) const fn for_listed(listed: usize) -> Self {
        let unit = 128;
        let shares = [1, listed.div_ceil(unit), 2, 1];
        Self { unit, shares }
    }

    /// The same with room for so many watchers.
    pub(crate) const fn and_watchers(mut self, watchers: usize) -> Self {
        self.shares[3] = watchers.div_ceil(self.unit);
        self
    }

    /// The same with room for so many clients.
    pub(crate) const fn and_clients(mut self, clients: usize) -> Self {
        self.shares[2] = clients.div_ceil(self.unit);
        self
    }

    /// Slots for clients.
    pub(crate) const fn client(self) -> usize {
        self.unit * self.shares[2]
    }

    /// How many game servers there is room for.
    pub(crate) const fn listed(self) -> usize {
        self.unit * self.shares[1]
    }

    fn all(self) -> usize {
        self.unit * self.shares.iter().sum::<usize>()
    }

    /// The most game servers, up to `wanted`, that a tracker can hold that may open so many
    /// files. Not fewer than it needs to start: if it may not open as many, it says so itself.
    pub(crate) fn most_listed(wanted: usize, open_files: usize) -> usize {
        Self::for_listed(0).most_more(wanted, open_files)
    }

    /// The same for watchers of a tracker that has all other slots already.
    pub(crate) fn most_watchers(self, wanted: usize, open_files: usize) -> usize {
        self.and_watchers(0).most_more(wanted, open_files)
    }

    /// The most slots, up to `wanted`, that a tracker with these can have beside them.
    pub(crate) fn most_more(self, wanted: usize, open_files: usize) -> usize {
        let allowed = open_files.saturating_sub(self.all() + OTHER_DESCRIPTORS);
        // Room is made in whole units.
        let allowed = allowed - allowed % self.unit;
        wanted.min(allowed.max(1))
    }
}

/// The tracker that was built with the bench.
pub(crate) fn this_build() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_gltracker"))
}

/// A real tracker.
#[derive(Debug)]
pub(crate) struct Tracker {
    pub(crate) process: Process,
    pub(crate) servers: SocketAddr,
    pub(crate) clients: SocketAddr,
}

impl Tracker {
    /// Starts one on free ports of 127.0.0.1.
    pub(crate) fn start(slots: Slots) -> Result<Self> {
        Self::start_at("127.0.0.1:0", slots)
    }

    /// Starts one that listens at `address`, for game servers and for clients.
    pub(crate) fn start_at(address: &str, slots: Slots) -> Result<Self> {
        Self::start_with(address, address, slots, &[])
    }

    /// Starts one of another build on free ports of 127.0.0.1.
    pub(crate) fn start_build(program: &Path, slots: Slots) -> Result<Self> {
        let address = "127.0.0.1:0";
        Self::start_program(program, address, address, slots, &[])
    }

    /// Starts one that listens at these addresses, with more arguments.
    pub(crate) fn start_with(
        servers: &str,
        clients: &str,
        slots: Slots,
        arguments: &[&str],
    ) -> Result<Self> {
        Self::start_program(this_build(), servers, clients, slots, arguments)
    }

    fn start_program(
        program: &Path,
        servers: &str,
        clients: &str,
        slots: Slots,
        arguments: &[&str],
    ) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .args(["--servers", servers, "--clients", clients])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Self::start_command(command, slots)
    }

    /// Starts one that takes over two listeners, at which so many connections may wait.
    pub(crate) fn start_with_queue(queue: u32, slots: Slots) -> Result<Self> {
        let listener = || -> Result<Stdio> {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            lengthen(&listener, queue)?;
            as_stdio(&listener)
        };
        let mut command = Command::new(this_build());
        command
            .args(["--clients", "fd:0", "--servers", "fd:1"])
            .stdin(listener()?)
            .stdout(listener()?);
        Self::start_command(command, slots)
    }

    fn start_command(mut command: Command, slots: Slots) -> Result<Self> {
        let (log, writer) = io::pipe()?;
        command
            .args(["--max-slots", &slots.all().to_string()])
            .args([
                "--slot-shares",
                &slots.shares.map(|n| n.to_string()).join(":"),
            ])
            // All of the load comes from one address.
            .args(["--trust", "127.0.0.0/8"])
            .args(["--log-level", "info"])
            .env("GLTRACKER_PASSWORD", PASSWORD)
            .stderr(writer);
        let (process, mut line, log) = Process::start(command, b"", log)?;
        let mut log = BufReader::new(log);
        // Before that one it may say what it has read.
        while !line.contains(" event=listening ") {
            let said = std::mem::take(&mut line);
            if log.read_line(&mut line)? == 0 {
                return Err(said.trim_end().into());
            }
        }
        let address = |key: &str| -> Result<SocketAddr> {
            let value = line.split(' ').find_map(|field| field.strip_prefix(key));
            let mut address: SocketAddr = value.ok_or(line.trim_end())?.parse()?;
            if address.ip().is_unspecified() {
                address.set_ip([127, 0, 0, 1].into());
            }
            Ok(address)
        };
        let (servers, clients) = (address("servers=")?, address("clients=")?);
        // Read to the end, so that nobody has to wait for the pipe.
        thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        Ok(Self {
            process,
            servers,
            clients,
        })
    }
}
