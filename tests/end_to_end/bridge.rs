//! A bridge between a real tracker and a door that does what a test wants.

use crate::harness::{PASSWORD, Peer, TrackerProcess, command, outcome, own_address};
use crate::patience::{PATIENCE, wait_until};
use crate::tools::Program;
use gltracker::bridge::hall::{Door, DoorError, Hall, Opened};
use gltracker::bridge::{Desk, Options, Outcome, Wanted, start};
use gltracker::game_server::Secret;
use gltracker::protocol::fields::{Changes, Infos};
use gltracker::tracker::log::{Level, Log};
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A door through which nobody comes but the test.
#[derive(Debug)]
struct TestDoor(Sender<Arc<Desk>>);

impl Door for TestDoor {
    fn word(&self) -> &'static str {
        "test"
    }

    fn open(self: Box<Self>, hall: &Hall) -> Result<Opened, DoorError> {
        self.0.send(Arc::clone(&hall.desk)).unwrap();
        let (at, guide) = (Vec::new(), String::new());
        Ok(Opened { at, guide })
    }
}

/// Where a log is written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A bridge in this process, which lives as long as that.
struct Bridge {
    desk: Arc<Desk>,
    log: Lines,
}

impl Bridge {
    fn start(tracker: &TrackerProcess, password: &str) -> Self {
        Self::between(tracker.servers, tracker.clients, password)
    }

    fn between(servers: SocketAddr, clients: SocketAddr, password: &str) -> Self {
        let (send, desk) = channel();
        let log = Lines::default();
        let options = Options {
            tracker: gltracker::game_server::TrackerAddress::new(servers),
            clients: gltracker::client::TrackerAddress::new(clients),
            key: None,
            secret: Secret::Text(password.to_owned()),
            state: None,
            publish: None,
            doors: vec![Box::new(TestDoor(send))],
            level: Level::Debug,
        };
        let level = options.level;
        start(options, Log::start(level, log.clone()).unwrap()).unwrap();
        let desk = desk.recv_timeout(PATIENCE).unwrap();
        Self { desk, log }
    }

    fn list(&self, address: &str, fields: &str) {
        let infos = Infos::default().with(&Changes::parse(fields).unwrap());
        let (door, tag) = ("test", String::new());
        let wanted = Wanted { door, tag, infos };
        self.desk.list(address.parse().unwrap(), wanted);
    }

    fn unlist(&self, address: &str) {
        self.desk.unlist("test", address.parse().unwrap());
    }

    /// Fails unless an entry that ends so is still listed when the bridge has had time to log in.
    fn leaves(&self, tracker: &TrackerProcess, entry: &str) {
        self.list("198.51.100.7:2", "map=witness");
        tracker.wait_for_list(|list| list.iter().any(|line| line.ends_with("map=witness")));
        assert!(tracker.list().iter().any(|line| line.ends_with(entry)));
    }

    fn log(&self) -> String {
        String::from_utf8(self.log.0.lock().unwrap().clone()).unwrap()
    }

    fn wait_for_log(&self, part: &str) -> String {
        wait_until(part, || {
            let log = self.log();
            let line = log.lines().find(|line| line.contains(part));
            line.map(str::to_owned)
        })
    }

    fn wait_for_outcome(&self, address: &str, is_right: impl Fn(&Outcome) -> bool) {
        let address = address.parse().unwrap();
        wait_until("the outcome is right", || {
            self.desk.outcome(address).filter(&is_right)
        });
    }
}

#[test]
fn who_is_wanted_is_listed_changed_and_gone() {
    let tracker = TrackerProcess::start();
    let bridge = Bridge::start(&tracker, PASSWORD);
    let start = Instant::now();
    bridge.list("198.51.100.7:27960", "game=Quake3Arena map=q3dm17");
    bridge.list("[2001:db8::7]:27960", "map=\"two words\"");
    let mut list = tracker.wait_for_list(|list| list.len() == 2);
    list.sort();
    let took = start.elapsed();
    assert_eq!(
        list,
        [
            "INFOS ip=198.51.100.7 port=27960 game=Quake3Arena map=q3dm17",
            "INFOS ip=2001:db8::7 port=27960 map=\"two words\"",
        ]
    );
    wait_until("the doors see them", || {
        (bridge.desk.listing().servers.len() == 2).then_some(())
    });
    assert!(took < Duration::from_secs(2), "{took:?}");
    bridge.wait_for_outcome("198.51.100.7:27960", |it| *it == Outcome::Listed);
    bridge.list("198.51.100.7:27960", "game=Quake3Arena map=q3dm6");
    tracker.wait_for_list(|list| list.iter().any(|line| line.ends_with("map=q3dm6")));
    let version = bridge.desk.listing().version;
    bridge.unlist("198.51.100.7:27960");
    tracker.wait_for_list(|list| list.len() == 1);
    wait_until("the doors see that", || {
        (bridge.desk.listing().servers.len() == 1).then_some(())
    });
    assert!(bridge.desk.listing().version > version);
    // What others list is seen too.
    let _other = tracker.log_in(7, "game=x");
    wait_until("the doors see another", || {
        let listing = bridge.desk.listing();
        let others = listing.servers.iter().filter(|(at, _)| at.port() == 7);
        (others.count() == 1).then_some(())
    });
    bridge.unlist("[2001:db8::7]:27960");
    bridge.list("[2001:db8::7]:27960", "map=back");
    tracker.wait_for_list(|list| list.iter().any(|line| line.contains("map=back")));
}

#[test]
fn a_tracker_that_restarts_loses_nobody() {
    const MANY: u16 = 300;
    let slots = ["--max-slots", "1000"];
    let any = own_address();
    let mut tracker = TrackerProcess::start_at(any, any, &slots);
    let (servers, clients) = (tracker.servers, tracker.clients);
    let bridge = Bridge::start(&tracker, PASSWORD);
    let address = |port: u16| format!("198.51.100.7:{port}");
    for port in 1..=MANY {
        bridge.list(&address(port), "map=x");
    }
    tracker.wait_for_list(|list| list.len() == usize::from(MANY));
    tracker.kill();
    bridge.wait_for_log("event=tracker-away");
    let line = bridge.wait_for_log("event=list-away");
    assert!(line.contains("why=\"the tracker hung up\""), "{line}");
    bridge.list(&address(MANY + 1), "map=new");
    bridge.unlist(&address(1));
    let tracker = TrackerProcess::start_at(servers, clients, &slots);
    let list = tracker.wait_for_list(|list| list.len() == usize::from(MANY));
    assert!(!list.iter().any(|line| line.contains(" port=1 ")));
    bridge.wait_for_log("event=tracker-back");
    let lines = bridge.log().matches("event=tracker-away").count();
    assert!(lines < 5, "{}", bridge.log());
    wait_until("the doors see them", || {
        (bridge.desk.listing().servers.len() == usize::from(MANY)).then_some(())
    });
}

#[test]
fn what_keeps_everybody_out_is_said_once_with_what_to_do() {
    let tracker = TrackerProcess::start();
    let bridge = Bridge::start(&tracker, "wrong");
    for port in 1..20 {
        bridge.list(&format!("198.51.100.7:{port}"), "map=x");
    }
    let line = bridge.wait_for_log("event=tracker-refuses");
    assert!(line.contains("check GLTRACKER_PASSWORD"), "{line}");
    let strict = TrackerProcess::start_with(&["--require-check"]);
    let checked = Bridge::start(&strict, PASSWORD);
    checked.list("198.51.100.7:9", "map=x");
    let line = checked.wait_for_log("event=tracker-refuses");
    assert!(line.contains("without --require-check"), "{line}");
    let distrustful = TrackerProcess::start_distrustful(&[]);
    let distrusted = Bridge::start(&distrustful, PASSWORD);
    for port in 1..9 {
        distrusted.list(&format!("198.51.100.7:{port}"), "map=x");
    }
    let line = distrusted.wait_for_log("event=tracker-refuses");
    assert!(line.contains("start it with --trust 127.0.0.1,"), "{line}");
    for bridge in [bridge, checked, distrusted] {
        let lines = bridge.log().matches("event=tracker-refuses").count();
        assert_eq!(lines, 1, "{}", bridge.log());
    }
    let counted = &tracker.stats()["bad-passwords"];
    assert_eq!(counted, "1");
}

#[test]
fn one_that_cannot_be_listed_keeps_nobody_else_out() {
    let tracker = TrackerProcess::start();
    let mut owner = Peer::connect(tracker.servers);
    let number = owner.challenge();
    owner.send(&format!("INFOS {number} ip=198.51.100.7 port=1"));
    assert!(owner.line().starts_with("OK listed"));
    let bridge = Bridge::start(&tracker, PASSWORD);
    bridge.list("0.0.0.0:5", "map=x");
    bridge.list("198.51.100.9:5", &"a=b".replace('b', &"c".repeat(250)));
    bridge.wait_for_outcome("0.0.0.0:5", |it| {
        *it == Outcome::Refused("nobody can be at 0.0.0.0".to_owned())
    });
    tracker.wait_for_list(|list| list.iter().any(|line| line.contains("ip=198.51.100.9")));
}

/// A game server's address is free for the bridge as soon as another login leaves it.
#[test]
fn whoever_was_thrown_out_by_another_login_is_back_when_that_is_gone() {
    let tracker = TrackerProcess::start();
    let bridge = Bridge::start(&tracker, PASSWORD);
    bridge.list("198.51.100.7:1", "map=bridge");
    tracker.wait_for_list(|list| list.len() == 1);
    bridge.wait_for_outcome("198.51.100.7:1", |it| *it == Outcome::Listed);
    let mut other = Peer::connect(tracker.servers);
    let number = other.challenge();
    other.send(&format!("INFOS {number} ip=198.51.100.7 port=1 map=other"));
    assert!(other.line().starts_with("OK listed"));
    let line = bridge.wait_for_log("event=not-listed");
    let advice = "tried again as soon as that is gone";
    assert!(
        line.contains("took over") && line.contains(advice),
        "{line}"
    );
    // A change is no reason to throw the other one out.
    bridge.list("198.51.100.7:1", "map=changed");
    bridge.leaves(&tracker, "map=other");
    let left = Instant::now();
    drop(other);
    let line = bridge.wait_for_log("level=info event=listed server=198.51.100.7:1");
    let took = left.elapsed();
    assert!(took < Duration::from_secs(10), "{line}: {took:?}");
    tracker.wait_for_list(|list| list.iter().any(|line| line.ends_with("map=changed")));
    assert_eq!(bridge.log().matches("event=not-listed").count(), 1);
}

/// Whoever has the password and is listed, such as the game server's own admin, is not put out by a bridge: not
/// by one that has just started, and not by a heartbeat that anybody may have sent.
#[test]
fn whoever_is_on_the_list_already_stays_there() {
    let tracker = TrackerProcess::start();
    let mut admin = Peer::connect(tracker.servers);
    let number = admin.challenge();
    admin.send(&format!("INFOS {number} ip=198.51.100.7 port=1 map=admins"));
    assert!(admin.line().starts_with("OK listed"));
    let bridge = Bridge::start(&tracker, PASSWORD);
    bridge.list("198.51.100.7:1", "map=bridges");
    let line = bridge.wait_for_log("event=not-listed");
    assert!(
        line.contains("it is on the list already") && line.contains("as soon as that is gone"),
        "{line}"
    );
    bridge.leaves(&tracker, "map=admins");
    drop(admin);
    tracker.wait_for_list(|list| list.iter().any(|line| line.ends_with("map=bridges")));
    assert_eq!(bridge.log().matches("event=not-listed").count(), 1);
}

#[test]
fn who_needs_no_trust_is_listed_without_it_and_the_others_as_soon_as_it_is_there() {
    let any = own_address();
    let mut command = command();
    command.args(["--servers", &any.to_string(), "--clients", &any.to_string()]);
    command.env("GLTRACKER_PASSWORD", PASSWORD);
    let mut tracker = TrackerProcess::run(command);
    let (servers, clients) = (tracker.servers, tracker.clients);
    let bridge = Bridge::start(&tracker, PASSWORD);
    for port in 1..9 {
        bridge.list(&format!("198.51.100.7:{port}"), "map=x");
    }
    let line = bridge.wait_for_log("event=tracker-refuses");
    assert!(line.contains("--trust 127.0.0.1,"), "{line}");
    bridge.list("127.0.0.1:9", "map=own");
    bridge.wait_for_outcome("127.0.0.1:9", |it| *it == Outcome::Listed);
    for port in 1..9 {
        let is_refused = |it: &Outcome| matches!(it, Outcome::Refused(_));
        bridge.wait_for_outcome(&format!("198.51.100.7:{port}"), is_refused);
    }
    let lines = bridge.log().matches("event=tracker-refuses").count();
    assert_eq!(lines, 1, "{}", bridge.log());
    tracker.kill();
    bridge.wait_for_log("event=list-away");
    let start = Instant::now();
    let tracker = TrackerProcess::start_at(servers, clients, &[]);
    tracker.wait_for_list(|list| list.len() == 9);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}: {}", bridge.log());
    bridge.wait_for_log("event=tracker-back");
}

#[test]
fn a_password_that_is_mended_at_the_tracker_is_tried_at_once() {
    let any = own_address();
    let mut command = command();
    command.args(["--servers", &any.to_string(), "--clients", &any.to_string()]);
    command.env("GLTRACKER_PASSWORD", "another");
    let mut tracker = TrackerProcess::run(command);
    let (servers, clients) = (tracker.servers, tracker.clients);
    let bridge = Bridge::start(&tracker, PASSWORD);
    bridge.list("198.51.100.7:1", "map=x");
    bridge.wait_for_log("event=tracker-refuses");
    wait_until("it watches", || (bridge.desk.is_on_list(servers)).map(drop));
    tracker.kill();
    let start = Instant::now();
    let tracker = TrackerProcess::start_at(servers, clients, &[]);
    tracker.wait_for_list(|list| list.len() == 1);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}: {}", bridge.log());
}

#[test]
fn a_bridge_says_at_its_start_how_the_tracker_is() {
    let tracker = TrackerProcess::start();
    let right = Bridge::start(&tracker, PASSWORD);
    let line = right.wait_for_log("event=tracker-ok");
    assert!(line.contains("it takes the password"), "{line}");
    let wrong = Bridge::start(&tracker, "wrong");
    let line = wrong.wait_for_log("event=tracker-refuses");
    assert!(line.contains("check GLTRACKER_PASSWORD"), "{line}");
    assert!(line.contains(" waiting=0 "), "{line}");
    let mistaken = Bridge::between(tracker.clients, tracker.clients, PASSWORD);
    let line = mistaken.wait_for_log("event=tracker-refuses");
    assert!(line.contains("It is 23470 by default"), "{line}");
    let nobody = own_address();
    let nobody = SocketAddr::new(nobody.ip(), 9);
    let alone = Bridge::between(nobody, nobody, PASSWORD);
    let line = alone.wait_for_log("event=tracker-away");
    assert!(line.contains("start the tracker there"), "{line}");
    alone.wait_for_log("so=\"players are told of no game servers until it is back\"");
    assert_eq!(tracker.list(), [""; 0]);
}

/// `gltracker bridge` with a tracker that nobody asks.
fn bridge_command(arguments: &[&str]) -> Command {
    let mut command = command();
    command.arg("bridge").args(arguments);
    command.env("GLTRACKER_PASSWORD", PASSWORD);
    command
}

#[test]
fn what_cannot_be_used_is_said_with_what_would_be_right() {
    let folder = std::env::temp_dir().join(format!("gltracker-bridge-e2e-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("other");
    std::fs::write(&file, "mine\n").unwrap();
    let (file, folder_name) = (file.to_str().unwrap(), folder.to_str().unwrap());
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|at| (taken, at)).unwrap();
    let port = format!("port {} is in use", taken.1.port());
    for (arguments, code, part) in [
        (
            &["--quake", "nowhere"][..],
            2,
            "--quake: 'nowhere' is not an address",
        ),
        (&["--quake", &taken.1.to_string()], 3, &port),
        (&["--state", file], 3, "it is no state file of a bridge"),
        (&["--state", folder_name], 3, "is not a regular file"),
        (&["--publish", file], 3, "nothing can be written there"),
        (&["--password-file", "/none"], 3, "--password-file: /none: "),
    ] {
        let output = outcome(bridge_command(arguments));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert_eq!(output.status.code(), Some(code), "{said}");
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "mine\n");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A game server of the Quake family that says it has a map, and answers whoever asks.
fn game_server() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let answering = socket.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((count, from)) = answering.recv_from(&mut buffer) {
            let question = String::from_utf8_lossy(&buffer[4..count]).into_owned();
            let Some(word) = question.strip_prefix("getinfo ") else {
                continue;
            };
            let answer = format!(
                "infoResponse\n\\hostname\\Real\\clients\\2\\sv_maxclients\\8\\protocol\\71\
                 \\mapname\\oa_dm1\\gamename\\Quake3Arena\\gametype\\0\\challenge\\{}",
                word.trim()
            );
            let answer = [&[0xff; 4], answer.as_bytes()].concat();
            let _ = answering.send_to(&answer, from);
        }
    });
    socket
}

/// Runs `command`, a bridge in a process of its own; and where its door is.
fn run_bridge(command: Command) -> (Program, SocketAddr) {
    let program = Program::start(command);
    let line = program.errors.wait_for("event=listening");
    let at = line.split(" at=").nth(1).unwrap().trim().parse().unwrap();
    (program, at)
}

#[test]
fn a_bridge_and_a_tracker_do_not_share_a_state_file() {
    let folder = std::env::temp_dir().join(format!("gltracker-shared-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let file = |name| folder.join(name).to_str().unwrap().to_owned();
    let (trackers, bridges) = (file("tracker"), file("bridge"));
    let tracker = TrackerProcess::start_with(&["--state", &trackers]);
    let (servers, clients) = (tracker.servers.to_string(), tracker.clients.to_string());
    let output = outcome(bridge_command(&["--state", &trackers]));
    let said = String::from_utf8(output.stderr).unwrap();
    let part = "another process keeps its state in";
    assert!(said.contains(part), "{said}");
    let at = ["--tracker", &servers, "--clients", &clients];
    let quake = ["--quake", "127.0.0.1:0", "--state", &bridges];
    let (bridge, _) = run_bridge(bridge_command(&[&at[..], &quake[..]].concat()));
    let mut second = command();
    second.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
    second.args(["--state", &bridges]);
    second.env("GLTRACKER_PASSWORD", PASSWORD);
    let output = outcome(second);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(part), "{said}");
    drop(bridge);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Descriptors are what a bridge runs out of first: each login takes one.
#[test]
fn a_bridge_without_descriptors_lists_as_many_as_it_can_and_forgets_nobody() {
    const MANY: usize = 30;
    let state = std::env::temp_dir().join(format!("gltracker-bridge-few-{}", std::process::id()));
    let tracker = TrackerProcess::start();
    let (servers, clients) = (tracker.servers.to_string(), tracker.clients.to_string());
    let bridge = bridge_command(&[]);
    let mut command = Command::new("sh");
    for (name, value) in bridge.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args([
        "-c",
        "ulimit -n 48 && exec \"$0\" \"$@\"",
        crate::harness::gltracker(),
    ]);
    command.args(["bridge", "--tracker", &servers, "--clients", &clients]);
    command
        .args(["--quake", "127.0.0.1:0", "--state"])
        .arg(&state);
    let (bridge, door) = run_bridge(command);
    let game_servers: Vec<UdpSocket> = (0..MANY).map(|_| game_server()).collect();
    for game_server in &game_servers {
        let heartbeat = b"\xff\xff\xff\xffheartbeat QuakeArena-1\n";
        game_server.send_to(heartbeat, door).unwrap();
    }
    let line = bridge.errors.wait_for("event=too-many-files");
    assert!(line.contains("raise the limit, with ulimit -n"), "{line}");
    wait_until("all of them are on the disk", || {
        let text = std::fs::read_to_string(&state).ok()?;
        (text.lines().count() == 1 + MANY).then_some(())
    });
    let listed = tracker.wait_for_list(|list| !list.is_empty()).len();
    assert!(listed < MANY, "{listed}");
    drop(bridge);
    for end in ["", ".lock"] {
        std::fs::remove_file(format!("{}{end}", state.display())).unwrap();
    }
}
