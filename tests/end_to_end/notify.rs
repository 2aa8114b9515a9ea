//! What a service manager is told.

use crate::harness::{PASSWORD, PATIENCE, Peer, TrackerProcess, command};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A service manager's socket, in a folder of this test.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn new(name: &str) -> Self {
        // Short, because the path of a socket may not be long.
        let path = std::env::temp_dir().join(format!("gltracker-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, path }
    }

    fn start(&self, watchdog: &str) -> TrackerProcess {
        let mut command = command();
        command
            .args(["--servers", "127.0.0.1:0", "--clients", "[::]:0"])
            .args(["--max-slots", "80", "--log-level", "debug"])
            .env("GLTRACKER_PASSWORD", PASSWORD)
            .env("NOTIFY_SOCKET", &self.path);
        if !watchdog.is_empty() {
            command.env("WATCHDOG_USEC", watchdog);
        }
        let mut tracker = TrackerProcess::run(command);
        tracker.clients.set_ip("127.0.0.1".parse().unwrap());
        tracker
    }

    fn hear(&self) -> Option<String> {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[test]
fn it_is_ready_when_it_listens_and_feeds_the_watchdog_while_it_works() {
    let manager = Manager::new("watchdog");
    let tracker = manager.start("600000");
    let (servers, clients) = (tracker.servers, tracker.clients.port());
    assert_eq!(
        manager.hear().unwrap(),
        format!("READY=1\nSTATUS=game servers log in at {servers}, clients ask at [::]:{clients}")
    );
    let start = Instant::now();
    for _ in 0..4 {
        assert_eq!(manager.hear().as_deref(), Some("WATCHDOG=1"));
    }
    assert!(
        start.elapsed() > Duration::from_millis(800),
        "they come each 300 ms: {:?}",
        start.elapsed()
    );
    // That it looked at its own doors all the while costs nobody anything, and is not seen.
    let stats = tracker.stats();
    assert_eq!(stats.get("accepted").map(String::as_str), Some("1"));
    let log = tracker.log();
    assert!(
        log.iter()
            .all(|line| !line.contains("class=pending") && !line.contains("event=stuck")),
        "{log:?}"
    );
}

#[test]
fn a_watchdog_is_fed_at_busy_doors_too() {
    let manager = Manager::new("busy");
    let tracker = manager.start("200000");
    assert!(manager.hear().unwrap().starts_with("READY=1\n"));
    let start = Instant::now();
    let mut beats = 0;
    // Silent connections, more than there are slots: most are refused.
    let mut held: Vec<Peer> = Vec::new();
    manager.socket.set_nonblocking(true).unwrap();
    while start.elapsed() < Duration::from_secs(2) {
        held.push(Peer::connect(tracker.servers));
        held.push(Peer::connect(tracker.clients));
        if held.len() > 200 {
            held.clear();
        }
        while let Some(message) = manager.hear() {
            assert_eq!(message, "WATCHDOG=1");
            beats += 1;
        }
    }
    assert!(beats >= 8, "{beats} beats of 20");
}

#[test]
fn without_a_watchdog_it_says_only_that_it_is_ready() {
    let manager = Manager::new("ready");
    let tracker = manager.start("");
    assert!(manager.hear().unwrap().starts_with("READY=1\n"));
    let timeout = Some(Duration::from_millis(300));
    manager.socket.set_read_timeout(timeout).unwrap();
    assert_eq!(manager.hear(), None);
    assert!(tracker.ask("PING 1\nQUIT\n").starts_with("PONG 1\n"));
}

#[test]
#[cfg(target_os = "linux")]
fn the_socket_may_have_a_name_that_is_in_no_file_system() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;
    let name = format!("gltracker-abstract-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = command();
    command
        .args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"])
        .args(["--max-slots", "80"])
        .env("NOTIFY_SOCKET", format!("@{name}"));
    let _tracker = TrackerProcess::run(command);
    let mut buffer = [0; 100];
    let length = socket.recv(&mut buffer).unwrap();
    assert!(buffer[..length].starts_with(b"READY=1\n"));
}
