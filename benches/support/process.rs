//! Processes that are measured, each apart from the bench: a tracker, and the bare loop that it is
//! compared with.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// The password of every tracker here.
pub(crate) const PASSWORD: &str = "secret";

/// Slots of the tracker for those who do not stay on the list. Its client port has as many as
/// that of a tracker with the default of 1024 slots.
pub(crate) const CLIENT_SLOTS: usize = 256;
const PENDING_SLOTS: usize = 128;
const WATCHER_SLOTS: usize = 128;

/// Descriptors that the tracker needs beyond its places on the list: for its other slots, for a
/// few threads beyond the slots, and for its files.
const OTHER_DESCRIPTORS: usize = PENDING_SLOTS + CLIENT_SLOTS + WATCHER_SLOTS + 88;

/// The private argument that makes this program a bare loop; the number of threads follows.
const BARE_LOOP: &str = "--bare-loop";

/// Linux counts CPU time in ticks of 1/100 s on every machine, whatever its clock (`man 5 proc`,
/// `getconf CLK_TCK`).
const TICK: Duration = Duration::from_millis(10);

/// A child process, killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// The CPU time of all its threads so far, in and out of the kernel. Zero where there is no
    /// /proc to tell.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        // The name in parentheses may hold anything. utime and stime are the 14th and 15th field,
        // the 12th and 13th after it.
        let stat = stat.unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let times = after_name.split_whitespace().skip(11).take(2);
        let ticks: u32 = times.filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
        ticks * TICK
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A real tracker.
#[derive(Debug)]
pub(crate) struct Tracker {
    pub(crate) process: Process,
    pub(crate) servers: SocketAddr,
    pub(crate) clients: SocketAddr,
}

impl Tracker {
    /// Starts one with room for `listed` game servers, on free ports of 127.0.0.1.
    pub(crate) fn start(listed: usize) -> Result<Self, Box<dyn Error>> {
        // Shares are multiples of the smallest, so that they divide evenly.
        let share = PENDING_SLOTS;
        let listed = listed.div_ceil(share);
        let (client, watcher) = (CLIENT_SLOTS / share, WATCHER_SLOTS / share);
        let max_slots = (1 + listed + client + watcher) * share;
        let mut child = Command::new(env!("CARGO_BIN_EXE_gltracker"))
            .args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"])
            .args(["--max-slots", &max_slots.to_string()])
            .args(["--slot-shares", &format!("1:{listed}:{client}:{watcher}")])
            // All of the load comes from one address.
            .args(["--trust", "127.0.0.0/8"])
            .args(["--log-level", "info"])
            .env("GLTRACKER_PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take();
        let process = Process { child };
        let mut log = BufReader::new(stderr.ok_or("standard error is piped")?);
        let mut line = String::new();
        log.read_line(&mut line)?;
        let address = |key: &str| -> Result<SocketAddr, Box<dyn Error>> {
            let value = line.split(' ').find_map(|field| field.strip_prefix(key));
            Ok(value.ok_or(line.trim_end())?.parse()?)
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

    /// How many game servers a tracker can hold that may open so many files. Not fewer than it
    /// needs to start: if it may not open as many, it says so itself.
    pub(crate) fn most_listed(open_files: usize) -> usize {
        let shares = open_files.saturating_sub(OTHER_DESCRIPTORS) / PENDING_SLOTS;
        shares.max(1) * PENDING_SLOTS
    }
}

/// How many files this process, and each that it starts, may have open at the same time.
pub(crate) fn open_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|line| line.split_whitespace().next()?.parse().ok());
    limit.unwrap_or(usize::MAX)
}

/// What the tracker is compared with: accepts, reads a line, writes the same bytes whatever the
/// line says, and closes. No program that answers on new connections does less.
#[derive(Debug)]
pub(crate) struct Bare {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Bare {
    /// Starts this very program once more, as a bare loop in so many threads that answers
    /// `answer`.
    pub(crate) fn start(threads: usize, answer: &[u8]) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(env::current_exe()?)
            .args([BARE_LOOP, &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let process = Process { child };
        // The pipe is dropped with that, which ends the answer.
        stdin.ok_or("standard input is piped")?.write_all(answer)?;
        let mut address = String::new();
        BufReader::new(stdout.ok_or("standard output is piped")?).read_line(&mut address)?;
        let address = address.trim_end().parse()?;
        Ok(Self { process, address })
    }

    /// If the arguments of the program are those of [`Bare::start`], is that bare loop until it is
    /// killed.
    pub(crate) fn run_if_asked() -> io::Result<()> {
        let arguments: Vec<String> = env::args().skip(1).collect();
        let [argument, threads] = &arguments[..] else {
            return Ok(());
        };
        if argument != BARE_LOOP {
            return Ok(());
        }
        let mut answer = Vec::new();
        io::stdin().read_to_end(&mut answer)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        println!("{}", listener.local_addr()?);
        thread::scope(|scope| {
            for _ in 1..threads.parse().unwrap_or(1) {
                scope.spawn(|| answer_everybody(&listener, &answer));
            }
            answer_everybody(&listener, &answer)
        })
    }
}

fn answer_everybody(listener: &TcpListener, answer: &[u8]) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut length = 0;
        while length < buffer.len() && !buffer[..length].contains(&b'\n') {
            match stream.read(&mut buffer[length..]) {
                Ok(count) if count > 0 => length += count,
                _ => break,
            }
        }
        // A client that went away is no reason to stop.
        let _ = stream.write_all(answer);
    }
}
