//! What a service manager is told.

use crate::doors::limit_descriptors;
use crate::harness::{PASSWORD, Peer, Running, TrackerProcess, command, gltracker};
use crate::patience::{PATIENCE, uninterrupted};
use crate::tools::{Program, need};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Stdio};
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
        self.start_with(watchdog, &[])
    }

    fn start_with(&self, watchdog: &str, arguments: &[&str]) -> TrackerProcess {
        let mut command = command();
        command
            .args(["--servers", "127.0.0.1:0", "--clients", "[::]:0"])
            .args(["--max-slots", "80", "--log-level", "debug"])
            .args(arguments)
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
        let length = uninterrupted(|| self.socket.recv(&mut buffer)).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    /// Listens until it is told what `is_it` holds for.
    fn wait_for(&self, is_it: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !is_it(&self.hear().unwrap()) {
            assert!(start.elapsed() < PATIENCE, "it is never said");
        }
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
    let start = Instant::now();
    let tracker = manager.start("600000");
    let (servers, clients) = (tracker.servers, tracker.clients.port());
    assert_eq!(
        manager.hear().unwrap(),
        format!("READY=1\nSTATUS=game servers log in at {servers}, clients ask at [::]:{clients}")
    );
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
fn a_watchdog_is_fed_where_whoever_comes_from_this_machine_is_a_proxy() {
    let manager = Manager::new("proxied");
    let tracker = manager.start_with("600000", &["--proxied", "127.0.0.0/8,::1"]);
    assert!(manager.hear().unwrap().starts_with("READY=1\n"));
    for _ in 0..4 {
        assert_eq!(manager.hear().as_deref(), Some("WATCHDOG=1"));
    }
    // The tracker knows its own connections before it looks for a header.
    let log = tracker.log();
    let is_seen = |line: &String| line.contains("class=") || line.contains("event=stuck");
    assert!(!log.iter().any(is_seen), "{log:?}");
}

#[test]
fn a_watchdog_is_fed_at_busy_doors_too() {
    let manager = Manager::new("busy");
    let tracker = manager.start("200000");
    assert!(manager.hear().unwrap().starts_with("READY=1\n"));
    let start = Instant::now();
    let mut beats: Vec<Instant> = Vec::new();
    // Silent connections, more than there are slots: most are refused.
    let mut held: Vec<Peer> = Vec::new();
    manager.socket.set_nonblocking(true).unwrap();
    // Eight of the twenty that two seconds have, once: what a busy machine leaves of them varies.
    let are_in_time = |eight: &[Instant]| eight[7] - eight[0] < Duration::from_secs(2);
    while !beats.windows(8).any(are_in_time) {
        assert!(start.elapsed() < PATIENCE, "{} beats", beats.len());
        held.push(Peer::connect(tracker.servers));
        held.push(Peer::connect(tracker.clients));
        if held.len() > 200 {
            held.clear();
        }
        while let Some(message) = manager.hear() {
            assert_eq!(message, "WATCHDOG=1");
            beats.push(Instant::now());
        }
    }
}

#[test]
fn one_that_lets_nobody_in_is_not_fed_until_it_does_again() {
    if !need("prlimit") {
        return;
    }
    let manager = Manager::new("stuck");
    let tracker = manager.start("600000");
    assert!(manager.hear().unwrap().starts_with("READY=1\n"));
    assert_eq!(manager.hear().as_deref(), Some("WATCHDOG=1"));
    // What a tracker that has used up its descriptors does.
    limit_descriptors(&tracker, "5");
    let is_stuck = |said: &str| said.starts_with("STATUS=stuck: accepting ");
    manager.wait_for(is_stuck);
    for _ in 0..2 {
        let said = manager.hear().unwrap();
        assert!(is_stuck(&said), "{said}");
    }
    limit_descriptors(&tracker, "1000");
    let is_well = |said: &str| said.starts_with("STATUS=game servers log in at ");
    manager.wait_for(is_well);
    assert_eq!(manager.hear().as_deref(), Some("WATCHDOG=1"));
    tracker.wait_for_log("level=error event=stuck what=\"accepting ");
    tracker.wait_for_log("level=info event=works-again");
}

/// Where IPv6 is switched off, all of it can be listened on, and no address of it be connected to. Where
/// the families are kept apart each has a listener, and both must work. A link-local address is one only
/// together with its interface.
#[test]
fn a_watchdog_is_fed_whatever_the_system_makes_of_ipv6() {
    if !need("unshare") || !need("ip") {
        return;
    }
    let alone = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-rn", "sh", "-c", &format!("ip link set lo up && {script}")]);
        command
    };
    let off = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6";
    let apart = "echo 1 >/proc/sys/net/ipv6/bindv6only";
    let off_and_apart = format!("{off} && {apart}");
    let local = "ip address add fe80::7/64 dev lo nodad";
    if !alone(apart).status().is_ok_and(|status| status.success()) {
        return crate::skips::skip("right to have a network of one's own");
    }
    let check = |number: usize, set: &str, servers: &str, is_warned: bool| {
        let manager = Manager::new(&format!("ipv6-{number}"));
        let mut command = alone(&format!("{set} && exec \"$0\" \"$@\""));
        command
            .args([gltracker(), "--max-slots", "80"])
            .env("GLTRACKER_PASSWORD", PASSWORD)
            .env("NOTIFY_SOCKET", &manager.path)
            .env("WATCHDOG_USEC", "600000");
        if set == local {
            command.args(["--servers", servers]);
        }
        let tracker = Program::start(command);
        let ready = manager.hear().unwrap();
        assert!(ready.contains(&format!(" at {servers}, ")), "{ready}");
        // Longer than it would take for a port to be called stuck.
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            assert_eq!(manager.hear().as_deref(), Some("WATCHDOG=1"), "{servers}");
        }
        let log = tracker.errors.text();
        let warning = "event=one-family port=clients served=\"IPv4 only\"";
        assert_eq!(log.contains(warning), is_warned, "{log}");
    };
    std::thread::scope(|scope| {
        scope.spawn(|| check(0, off, "[::]:23470", true));
        scope.spawn(|| check(1, apart, "[::]:23470,0.0.0.0:23470", false));
        scope.spawn(|| check(2, &off_and_apart, "0.0.0.0:23470", true));
        scope.spawn(|| check(3, local, "[fe80::7%1]:23470", false));
    });
}

/// What a person would type next is nothing for a journal.
#[test]
fn who_is_started_by_a_manager_prints_no_guide() {
    let manager = Manager::new("guide");
    let mut command = command();
    command
        .args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"])
        .args(["--max-slots", "16"])
        .env("GLTRACKER_PASSWORD", PASSWORD)
        .env("NOTIFY_SOCKET", &manager.path)
        .env("WATCHDOG_USEC", "600000")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut running = Running::start(command);
    assert!(manager.hear().unwrap().starts_with("READY=1\n"));
    // The guide would have been printed before this.
    assert_eq!(manager.hear().as_deref(), Some("WATCHDOG=1"));
    running.0.kill().unwrap();
    let printed: Vec<String> = running.lines().iter().collect();
    assert_eq!(printed, [""; 0]);
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
    let length = uninterrupted(|| socket.recv(&mut buffer)).unwrap();
    assert!(buffer[..length].starts_with(b"READY=1\n"));
}

#[test]
fn a_socket_that_no_system_has_is_named() {
    let mut command = command();
    command
        .args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"])
        .args(["--max-slots", "80"])
        .env("NOTIFY_SOCKET", "vsock-stream:2:1");
    let tracker = TrackerProcess::run(command);
    let warning = tracker.wait_for_log("level=warn event=manager-not-told");
    assert!(warning.contains("socket=vsock-stream:2:1 "), "{warning}");
}
