//! A Valkey or Redis in a process of its own, through which trackers share their lists.

use crate::harness::{Running, TrackerProcess, own_address};
use crate::patience::{PATIENCE, wait_until};
use crate::tools::{need, path};
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The engine of every test that is not about engines.
const PROGRAM: &str = "redis-server";

/// A running engine, which keeps nothing on the disk. Killed when dropped.
pub(crate) struct EngineProcess {
    running: Option<Running>,
    program: String,
    arguments: Vec<String>,
    folder: PathBuf,
    pub(crate) address: SocketAddr,
}

impl EngineProcess {
    /// Debian's Redis. `None`, and the test is skipped loudly, where it is not installed.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        Self::start_program(PROGRAM, arguments)
    }

    /// Another engine, by the name of its program.
    pub(crate) fn start_program(program: &str, arguments: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !need(program) {
            return None;
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("gltracker-engine-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let mut engine = Self {
            running: None,
            program: program.to_owned(),
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
            folder,
            address: free_address(),
        };
        engine.restart();
        Some(engine)
    }

    /// Starts it again at the same address, with nothing in it, and waits until it answers.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let mut command = Command::new(&self.program);
        command.env("PATH", path()).arg("--dir").arg(&self.folder);
        let (ip, port) = (self.address.ip().to_string(), self.address.port());
        command.args(["--bind", &ip, "--port", &port.to_string()]);
        command.args(["--save", "", "--appendonly", "no"]);
        command.args(["--protected-mode", "no", "--logfile", "log"]);
        command.args(&self.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        self.running = Some(Running::start(command));
        wait_until("the engine answers", || self.try_ask(&["PING"]).ok());
    }

    /// What `--share` says to share through it.
    pub(crate) fn at(&self) -> String {
        self.address.to_string()
    }

    /// A tracker with few slots that shares its list through it, as soon as it does. Those that are there
    /// already notice it within a second.
    pub(crate) fn tracker(&self, name: &str, arguments: &[&str]) -> TrackerProcess {
        let tracker = self.tracker_at_once(name, arguments);
        tracker.wait_for_stat("sharing", "sharing");
        tracker
    }

    /// The same, as soon as it listens.
    pub(crate) fn tracker_at_once(&self, name: &str, arguments: &[&str]) -> TrackerProcess {
        let at = self.at();
        TrackerProcess::start_with(&[&sharing(&at, name), arguments].concat())
    }

    /// The same, where nobody is trusted but `::1`: see [`TrackerProcess::start_distrustful`].
    pub(crate) fn distrustful(&self, name: &str, arguments: &[&str]) -> TrackerProcess {
        let at = self.at();
        let arguments = [&sharing(&at, name), arguments].concat();
        let tracker = TrackerProcess::start_distrustful(&arguments);
        tracker.wait_for_stat("sharing", "sharing");
        tracker
    }

    /// Sends it a signal, such as STOP or CONT.
    pub(crate) fn signal(&self, name: &str) {
        signal(name, self.running.as_ref().expect("it runs").0.id());
    }

    /// Ends it at once, with all that it holds.
    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    /// What it answers to one command on a connection of its own, in words: see [`read_reply`].
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let answer = self.try_ask(words);
        answer.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// The same, of an engine that may not be there.
    pub(crate) fn try_ask(&self, words: &[&str]) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut text = format!("*{}\r\n", words.len());
        for word in words {
            text += &format!("${}\r\n{word}\r\n", word.len());
        }
        stream.write_all(text.as_bytes())?;
        read_reply(&mut BufReader::new(stream))
    }

    /// The names of all keys that fit the pattern, in order.
    pub(crate) fn keys(&self, pattern: &str) -> Vec<String> {
        let answer = self.ask(&["KEYS", pattern]);
        let mut keys: Vec<String> = answer.lines().map(str::to_owned).collect();
        keys.sort();
        keys
    }
}

impl Drop for EngineProcess {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.folder.join("log"));
            eprintln!("log of the engine:\n{}", log.unwrap_or_default());
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What is said to a tracker of that name with few slots, which is to share its list through `at`.
fn sharing<'a>(at: &'a str, name: &'a str) -> [&'a str; 6] {
    ["--max-slots", "80", "--share", at, "--share-name", name]
}

/// An address that is free, and so is the port that a cluster adds 10000 to it for.
fn free_address() -> SocketAddr {
    let own = own_address();
    wait_until("a port is free", || {
        let listener = TcpListener::bind(own).ok()?;
        let address = listener.local_addr().ok()?;
        (address.port() < 55_000).then_some(address)
    })
}

/// Sends a signal to a process.
pub(crate) fn signal(name: &str, pid: u32) {
    let script = ["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()];
    let status = Command::new("sh").args(script).status();
    assert!(status.unwrap().success(), "{name} {pid}");
}

/// One reply: an error with its `-`, nothing as `(nil)`, and an array as the lines of what is in it.
fn read_reply(source: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    source.read_line(&mut line)?;
    let line = line.trim_end();
    let (kind, rest) = line
        .split_at_checked(1)
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let count = rest.parse::<usize>();
    match (kind, count) {
        ("$" | "*", Err(_)) => Ok("(nil)".to_owned()),
        ("$", Ok(count)) => {
            let mut bytes = vec![0; count + 2];
            source.read_exact(&mut bytes)?;
            bytes.truncate(count);
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        ("*", Ok(count)) => {
            let replies = (0..count).map(|_| read_reply(source));
            Ok(replies.collect::<io::Result<Vec<_>>>()?.join("\n"))
        }
        ("-", _) => Ok(line.to_owned()),
        _ => Ok(rest.to_owned()),
    }
}

/// Waits until all of these trackers have the same list, and `is_right` holds for it. Returns it in order.
pub(crate) fn one_list(
    trackers: &[&TrackerProcess],
    is_right: impl Fn(&[String]) -> bool,
) -> Vec<String> {
    let sorted = |tracker: &TrackerProcess| {
        let mut list = tracker.list();
        list.sort();
        list
    };
    let start = Instant::now();
    loop {
        let lists: Vec<_> = trackers.iter().map(|tracker| sorted(tracker)).collect();
        let is_one = lists.windows(2).all(|pair| pair[0] == pair[1]);
        if is_one && is_right(&lists[0]) {
            return lists.into_iter().next().unwrap_or_default();
        }
        assert!(
            start.elapsed() < PATIENCE,
            "the lists stay wrong: {lists:#?}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
