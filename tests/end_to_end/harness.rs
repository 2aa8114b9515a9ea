//! A real tracker in a process of its own, and peers that talk to it.

use crate::patience::{PATIENCE, uninterrupted, wait_until};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The password that every test tracker has.
pub(crate) const PASSWORD: &str = "secret";

/// A file with the key of PROTOCOL.md's examples.
pub(crate) const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/keys.txt");

/// The path of the program under test.
pub(crate) fn gltracker() -> &'static str {
    env!("CARGO_BIN_EXE_gltracker")
}

/// `gltracker` with an environment that holds none of its variables.
pub(crate) fn command() -> Command {
    let mut command = Command::new(gltracker());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GLTRACKER_") {
            command.env_remove(name);
        }
    }
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "CREDENTIALS_DIRECTORY"] {
        command.env_remove(name);
    }
    command
}

/// What `command` printed and how it ended, which is by itself and in time.
pub(crate) fn outcome(mut command: Command) -> Output {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = Running::start(command);
    let (stdout, stderr) = (child.0.stdout.take(), child.0.stderr.take());
    let (stdout, stderr) = (read_all(stdout.unwrap()), read_all(stderr.unwrap()));
    let status = wait_until("the program ends", || child.0.try_wait().unwrap());
    Output {
        status,
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    }
}

fn read_all(mut source: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// A program that is killed when this is dropped, by a test that fails too.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let child = command.spawn();
        Self(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// The lines of its standard output, which is piped: each as it comes, with its LF.
    pub(crate) fn lines(&mut self) -> Receiver<String> {
        let (lines, received) = channel();
        let mut source = BufReader::new(self.0.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut line = String::new();
            while source.read_line(&mut line).is_ok_and(|count| count > 0) {
                let _ = lines.send(std::mem::take(&mut line));
            }
        });
        received
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Any port of an address at which no other program of this machine picks its ports, and no other
/// test: whoever listens there can end, and another listen on the same port. Connections to it come
/// from 127.0.0.1. Where only that is this machine, it is all there is.
pub(crate) fn own_address() -> SocketAddr {
    static LAST: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    let ip = match cfg!(target_os = "linux") {
        true => Ipv4Addr::new(127, high, low, number),
        false => Ipv4Addr::LOCALHOST,
    };
    (ip, 0).into()
}

/// The next that connects.
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let (stream, _) = wait_until("somebody connects", || listener.accept().ok());
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A UDP port that nobody has right now.
pub(crate) fn free_udp_port() -> String {
    let socket = UdpSocket::bind("[::]:0").or_else(|_| UdpSocket::bind("0.0.0.0:0"));
    socket.unwrap().local_addr().unwrap().port().to_string()
}

/// A running tracker, killed when dropped.
pub(crate) struct TrackerProcess {
    child: Child,
    log: Arc<(Mutex<Vec<String>>, Condvar)>,
    pub(crate) servers: SocketAddr,
    pub(crate) clients: SocketAddr,
}

impl TrackerProcess {
    /// Starts a tracker on free ports of 127.0.0.1, with few slots so that it starts fast.
    pub(crate) fn start() -> Self {
        Self::start_with(&["--max-slots", "80"])
    }

    /// Starts a tracker on free ports of 127.0.0.1 with more arguments. All of loopback is
    /// trusted, since every test comes from there; what is not trusted is tested by itself.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let mut command = command();
        command.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
        command.args(["--trust", "127.0.0.0/8", "--trust", "::1"]);
        command.args(arguments).env("GLTRACKER_PASSWORD", PASSWORD);
        Self::run(command)
    }

    /// Starts a tracker at these addresses that trusts all of loopback.
    pub(crate) fn start_at(servers: SocketAddr, clients: SocketAddr, arguments: &[&str]) -> Self {
        let mut command = command();
        command.args(["--servers", &servers.to_string()]);
        command.args(["--clients", &clients.to_string()]);
        command.args(["--trust", "127.0.0.0/8"]);
        command.args(arguments).env("GLTRACKER_PASSWORD", PASSWORD);
        Self::run(command)
    }

    /// Starts a tracker that trusts nobody but `::1`, from where the test asks for lists and
    /// counters. Strangers connect to 127.0.0.1.
    pub(crate) fn start_distrustful(arguments: &[&str]) -> Self {
        let mut command = command();
        command.args([
            "--servers",
            "127.0.0.1:0",
            "--clients",
            "[::]:0",
            "--trust",
            "::1",
        ]);
        command.args(arguments).env("GLTRACKER_PASSWORD", PASSWORD);
        let mut tracker = Self::run(command);
        tracker.clients.set_ip("::1".parse().unwrap());
        tracker
    }

    /// Runs `command`, which is to start a tracker, and waits until it listens.
    pub(crate) fn run(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Self::run_between(command)
    }

    /// The same, with the standard input and output that `command` has.
    pub(crate) fn run_between(mut command: Command) -> Self {
        command.stderr(Stdio::piped());
        let mut child = command.spawn().expect("the tracker starts");
        let stderr = BufReader::new(child.stderr.take().expect("standard error is piped"));
        let log: Arc<(Mutex<Vec<String>>, Condvar)> = Arc::default();
        let filled = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                filled
                    .0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
                filled.1.notify_all();
            }
            let mut lines = filled.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push("<end of log>".to_owned());
            filled.1.notify_all();
        });
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut tracker = Self {
            child,
            log,
            servers: nowhere,
            clients: nowhere,
        };
        let line = tracker.wait_for_log("event=listening");
        let address = |key: &str| {
            let value = line.split(' ').find_map(|field| field.strip_prefix(key));
            value
                .and_then(|value| value.parse().ok())
                .unwrap_or_else(|| panic!("{key} in {line}"))
        };
        (tracker.servers, tracker.clients) = (address("servers="), address("clients="));
        tracker
    }

    /// The first log line that contains `part`, as soon as there is one.
    pub(crate) fn wait_for_log(&self, part: &str) -> String {
        let start = Instant::now();
        let mut lines = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(line) = lines.iter().find(|line| line.contains(part)) {
                return line.clone();
            }
            let over = lines.last().is_some_and(|line| line == "<end of log>");
            if over || start.elapsed() > PATIENCE {
                panic!("no {part:?} in the log:\n{}", lines.join("\n"));
            }
            lines = self
                .log
                .1
                .wait_timeout(lines, Duration::from_millis(500))
                .unwrap()
                .0;
        }
    }

    /// The log so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the tracker at once, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Everything the client port answers to `request`, which ends with QUIT.
    pub(crate) fn ask(&self, request: &str) -> String {
        let mut peer = Peer::connect(self.clients);
        peer.send_raw(request.as_bytes());
        peer.read_to_end()
    }

    /// The INFOS lines of the list.
    pub(crate) fn list(&self) -> Vec<String> {
        let answer = self.ask("LIST\nQUIT\n");
        let mut lines: Vec<String> = answer.lines().map(str::to_owned).collect();
        assert_eq!(lines.pop().as_deref(), Some("OK bye"), "{answer}");
        let end = lines.pop().unwrap_or_default();
        assert!(
            end.starts_with(&format!("END count={} rev=", lines.len())),
            "{answer}"
        );
        lines
    }

    /// The list as soon as `is_right` holds for it.
    pub(crate) fn wait_for_list(&self, is_right: impl Fn(&[String]) -> bool) -> Vec<String> {
        let start = Instant::now();
        loop {
            let list = self.list();
            if is_right(&list) {
                return list;
            }
            assert!(start.elapsed() < PATIENCE, "the list stays wrong: {list:?}");
            std::thread::yield_now();
        }
    }

    /// The counters of STATS.
    pub(crate) fn stats(&self) -> HashMap<String, String> {
        let answer = self.ask("STATS\nQUIT\n");
        let line = answer.lines().next().unwrap_or_default();
        let fields = line
            .strip_prefix("OK ")
            .unwrap_or_else(|| panic!("no counters: {answer}"));
        fields
            .split(' ')
            .filter_map(|field| field.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    /// Waits until a counter has a value.
    pub(crate) fn wait_for_stat(&self, name: &str, value: &str) {
        let start = Instant::now();
        while self.stats().get(name).map(String::as_str) != Some(value) {
            assert!(
                start.elapsed() < PATIENCE,
                "{name} is not {value}: {:?}",
                self.stats()
            );
            std::thread::yield_now();
        }
    }

    /// A connection to the game-server port that has logged in and is listed on `port`.
    pub(crate) fn log_in(&self, port: u16, fields: &str) -> Peer {
        let mut peer = Peer::connect(self.servers);
        let number = peer.challenge();
        peer.send(&format!("INFOS {number} port={port} {fields}"));
        let answer = peer.line();
        assert_eq!(answer, format!("OK listed 127.0.0.1:{port}"));
        peer
    }
}

impl Drop for TrackerProcess {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("log of the tracker:\n{}", self.log().join("\n"));
        }
    }
}

/// One end of a connection to a tracker.
pub(crate) struct Peer {
    stream: BufReader<TcpStream>,
}

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the tracker accepts")
    }

    /// `None` if nobody is there.
    pub(crate) fn try_connect(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Some(Self {
            stream: BufReader::new(stream),
        })
    }

    /// The socket itself.
    pub(crate) fn socket(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    /// Sends one line.
    pub(crate) fn send(&mut self, line: &str) {
        self.send_raw(format!("{line}\n").as_bytes());
    }

    /// Sends bytes. A tracker that has closed already is not an error here: what it said is read.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.get_mut().write_all(bytes);
    }

    /// The next line, without its LF; empty at the end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("no line came: {error}"),
        }
        line.trim_end_matches('\n').to_owned()
    }

    /// Sends one line and returns the answer.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.answer()
    }

    /// The next line that is an answer. A tracker that has heard nothing for a while asks whether
    /// this end is alive, and is told.
    pub(crate) fn answer(&mut self) -> String {
        loop {
            let answer = self.line();
            let Some(word) = answer.strip_prefix("PING ") else {
                return answer;
            };
            self.send(&format!("PONG {word}"));
        }
    }

    /// Answers PINGs until it is dropped, as a game server does that nothing happens to.
    pub(crate) fn stay_alive(mut self) -> Alive {
        let socket = self.socket().try_clone().unwrap();
        // Nothing may come for as long as the test runs.
        let _ = self.socket().set_read_timeout(None);
        std::thread::spawn(move || {
            loop {
                let line = self.line();
                if line.is_empty() {
                    return;
                }
                if let Some(word) = line.strip_prefix("PING ") {
                    self.send(&format!("PONG {word}"));
                }
            }
        });
        Alive(socket)
    }

    /// True if there is something to read that was not read yet.
    pub(crate) fn has_heard(&self) -> bool {
        self.socket().set_nonblocking(true).unwrap();
        let is_there = self.socket().peek(&mut [0]).is_ok();
        self.socket().set_nonblocking(false).unwrap();
        is_there
    }

    /// Waits until there is something to read, and leaves it where it is.
    pub(crate) fn wait_to_hear(&self) {
        uninterrupted(|| self.socket().peek(&mut [0])).expect("the tracker says something");
    }

    /// Everything until the tracker closes.
    pub(crate) fn read_to_end(&mut self) -> String {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => {
                panic!(
                    "the end did not come: {error}; so far {}",
                    String::from_utf8_lossy(&bytes)
                )
            }
        }
        String::from_utf8(bytes).expect("a tracker sends UTF-8")
    }

    /// Says that nothing more will be sent.
    pub(crate) fn half_close(&mut self) {
        match self.socket().shutdown(Shutdown::Write) {
            // The tracker has refused what was sent, and was quicker.
            Err(error) if error.kind() == ErrorKind::NotConnected => {}
            done => done.unwrap(),
        }
    }

    /// Logs in; returns the number of the challenge.
    pub(crate) fn challenge(&mut self) -> String {
        let answer = self.ask(&format!("LOGIN {PASSWORD}"));
        answer
            .strip_prefix("CHALLENGE ")
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    }
}

/// A connection that is kept up, and ends when this is dropped.
pub(crate) struct Alive(TcpStream);

impl Alive {
    /// Sends one line; what is answered does not matter.
    pub(crate) fn send(&self, line: &str) {
        let _ = (&self.0).write_all(format!("{line}\n").as_bytes());
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}
