//! A tracker that is ended and started again while players ask, with sockets that others keep open.

use crate::announce::announce;
use crate::harness::{PASSWORD, Peer, gltracker, outcome, own_address};
use crate::patience::{Over, PATIENCE, wait_until};
use crate::tools::{Program, need};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Who opens the sockets, and starts the tracker again when it ends.
struct Keeper {
    program: Program,
    servers: SocketAddr,
    clients: SocketAddr,
    starts: usize,
}

impl Keeper {
    /// Waits until the tracker listens that `program` has started.
    fn of(program: Program) -> Self {
        let line = program.errors.wait_for("event=listening");
        let address = |key: &str| {
            let field = line.split(' ').find_map(|field| field.strip_prefix(key));
            field.unwrap().parse().unwrap()
        };
        Self {
            servers: address("servers="),
            clients: address("clients="),
            program,
            starts: 1,
        }
    }

    /// The starter of this repository, at ports of this test's own.
    fn starter() -> Option<Self> {
        if !need("perl") {
            return None;
        }
        let any = own_address().to_string();
        let mut starter = for_a_tracker(starter());
        starter.args(["-s", &any, "-c", &any, gltracker()]);
        Some(Self::of(Program::start(starter)))
    }

    /// A tracker with its own sockets, and with SIGTERM blocked.
    fn env() -> Self {
        let mut tracker = for_a_tracker(Command::new("env"));
        let any = own_address().to_string();
        let addresses = ["--servers", &any, "--clients", &any];
        tracker.args(["--block-signal=TERM", gltracker()]);
        tracker.args(addresses);
        Self::of(Program::start(tracker))
    }

    /// The tracker's process.
    fn tracker(&self) -> String {
        let children = wait_until("there is one tracker", || {
            let children = self.program.children();
            (children.len() == 1).then_some(children)
        });
        children[0].to_string()
    }

    /// Waits until the tracker was started once more.
    fn wait_for_start(&mut self) {
        self.starts += 1;
        wait_until("it listens again", || {
            let log = self.program.errors.text();
            (log.matches("event=listening").count() >= self.starts).then_some(())
        });
    }

    /// Waits until the game server of port 7 is on the list.
    fn wait_for_game_server(&self) {
        wait_until("the game server is back", || {
            let mut peer = Peer::connect(self.clients);
            peer.send("LIST\nQUIT");
            peer.read_to_end().contains(" port=7\n").then_some(())
        });
    }
}

/// `command` in an environment for a tracker.
fn for_a_tracker(mut command: Command) -> Command {
    for (name, _) in crate::harness::command().get_envs() {
        command.env_remove(name);
    }
    command.envs([
        ("GLTRACKER_PASSWORD", PASSWORD),
        ("GLTRACKER_TRUST", "127.0.0.0/8"),
        ("GLTRACKER_MAX_SLOTS", "80"),
    ]);
    command
}

fn starter() -> Command {
    let mut perl = Command::new("perl");
    perl.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/listen.pl"));
    perl
}

fn signal(name: &str, pid: &str) {
    let status = Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, pid])
        .status();
    assert!(status.unwrap().success(), "{name} {pid}");
}

/// What became of those who asked.
#[derive(Default)]
struct Tally {
    answered: AtomicUsize,
    refused: AtomicUsize,
    cut_off: AtomicUsize,
}

/// One player connects, asks for the list and reads it.
fn ask(at: SocketAddr, tally: &Tally) {
    let counter = match TcpStream::connect(at) {
        Err(_) => &tally.refused,
        Ok(mut stream) => {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut answer = Vec::new();
            let _ = stream.write_all(b"LIST\nQUIT\n");
            let _ = stream.read_to_end(&mut answer);
            match answer.ends_with(b"OK bye\n") {
                true => &tally.answered,
                false => &tally.cut_off,
            }
        }
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

/// How many players ask at the same time.
const PLAYERS: usize = 4;

/// Has players ask as fast as they can while `restart` is done three times, each time until a hundred
/// more have the list. Nobody may be refused. Returns how many were cut off.
fn cut_off_during(keeper: &mut Keeper, mut restart: impl FnMut(&mut Keeper)) -> usize {
    let (tally, is_over, at) = (Tally::default(), AtomicBool::new(false), keeper.clients);
    let await_more = || {
        let before = tally.answered.load(Ordering::Relaxed);
        wait_until("a hundred more have the list", || {
            (tally.answered.load(Ordering::Relaxed) > before + 100).then_some(())
        });
    };
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        for _ in 0..PLAYERS {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    ask(at, &tally);
                }
            });
        }
        for _ in 0..3 {
            await_more();
            restart(keeper);
            keeper.wait_for_start();
        }
        await_more();
        drop(over);
    });
    assert_eq!(tally.refused.into_inner(), 0, "nobody is refused");
    tally.cut_off.into_inner()
}

#[test]
fn the_starter_starts_it_again_and_no_player_notices() {
    let Some(mut keeper) = Keeper::starter() else {
        return;
    };
    let game_server = Program::start(announce(&[keeper.servers], &["--port", "7"]));
    game_server.errors.wait_for("listed on ");
    let script = keeper.program.id().to_string();
    let cut_off = cut_off_during(&mut keeper, |keeper| {
        let before = keeper.tracker();
        signal("HUP", &script);
        wait_until("the tracker ends", || {
            (keeper.tracker() != before).then_some(())
        });
        // Who logs in before the next one listens waits for it. Nothing was printed to the socket.
        let mut early = Peer::connect(keeper.servers);
        early.challenge();
    });
    assert_eq!(cut_off, 0);
    keeper.wait_for_game_server();
    keeper.program.terminate();
    assert_eq!(keeper.program.wait().code(), Some(0));
    keeper.program.wait_for_descendants();
}

#[test]
fn a_tracker_that_is_killed_under_the_starter_costs_those_it_had_accepted() {
    let Some(mut keeper) = Keeper::starter() else {
        return;
    };
    let game_server = Program::start(announce(&[keeper.servers], &["--port", "7"]));
    game_server.errors.wait_for("listed on ");
    let cut_off = cut_off_during(&mut keeper, |keeper| signal("KILL", &keeper.tracker()));
    // Each player has asked once at the time of each kill.
    assert!(cut_off <= 3 * PLAYERS, "{cut_off}");
    keeper.wait_for_game_server();
}

/// systemd hands both sockets over as it does here, and puts them where a shell puts them here.
#[test]
fn sockets_of_systemd_outlive_the_tracker() {
    if !need("systemd-socket-activate") || !need("env") {
        return;
    }
    let again =
        "while env --block-signal=TERM \"$0\" --clients fd:0 --servers fd:1 <&3 >&4; do :; done";
    let (activated, at) = activate(2, &["sh", "-c", again, gltracker()]);
    let mut first = Peer::connect(at[0]);
    first.send("LIST\nQUIT");
    assert!(first.read_to_end().ends_with("OK bye\n"));
    let mut keeper = Keeper::of(activated);
    assert_eq!([keeper.clients, keeper.servers], at[..]);
    let game_server = Program::start(announce(&[keeper.servers], &["--port", "7"]));
    game_server.errors.wait_for("listed on ");
    let cut_off = cut_off_during(&mut keeper, |keeper| signal("TERM", &keeper.tracker()));
    assert_eq!(cut_off, 0);
    keeper.wait_for_game_server();
}

/// One socket, as inetd hands it over to who is told to wait.
#[test]
fn one_socket_may_be_handed_over() {
    if !need("systemd-socket-activate") {
        return;
    }
    let servers = own_address().to_string();
    let tracker = [gltracker(), "--clients", "fd:0", "--servers", &servers];
    let (activated, at) = activate(1, &[&["--inetd"], &tracker[..]].concat());
    let mut first = Peer::connect(at[0]);
    first.send("LIST\nQUIT");
    assert!(first.read_to_end().ends_with("OK bye\n"));
    assert_eq!(Keeper::of(activated).clients, at[0]);
}

/// systemd's own program that opens so many sockets, and starts what `words` say when somebody connects.
fn activate(count: usize, words: &[&str]) -> (Program, Vec<SocketAddr>) {
    let free_port = |_| {
        let listener = TcpListener::bind(own_address()).unwrap();
        listener.local_addr().unwrap()
    };
    let at: Vec<_> = (0..count).map(free_port).collect();
    let mut activate = for_a_tracker(Command::new("systemd-socket-activate"));
    activate.args(at.iter().map(|at| format!("--listen={at}")));
    for name in ["PASSWORD", "TRUST", "MAX_SLOTS"] {
        activate.arg(format!("--setenv=GLTRACKER_{name}"));
    }
    let program = Program::start({
        activate.args(words);
        activate
    });
    let last = format!("as {}.", 2 + count);
    program.errors.wait_for(&last);
    (program, at)
}

/// A client that was accepted before the end, and asks after it has begun.
#[test]
fn who_was_accepted_is_answered_before_the_end() {
    if !need("env") {
        return;
    }
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let mut keeper = Keeper::env();
        let mut client = Peer::connect(keeper.clients);
        assert_eq!(client.ask("PING 1"), "PONG 1");
        let asked = Instant::now();
        keeper.program.terminate();
        keeper.program.errors.wait_for("event=ending clients=1");
        client.send("LIST\nQUIT");
        let is_in_time = asked.elapsed() < Duration::from_millis(500);
        let answer = client.read_to_end();
        assert_eq!(keeper.program.wait().code(), Some(0));
        // A second is what the tracker gives it. A machine that is slower than that tries again.
        if is_in_time {
            return assert!(answer.ends_with("OK bye\n"), "{answer}");
        }
    }
    panic!("this machine is never fast enough");
}

#[test]
fn a_tracker_without_a_descriptor_left_ends_when_it_is_told_to() {
    if !need("env") || !need("prlimit") {
        return;
    }
    let mut keeper = Keeper::env();
    keeper.program.output.wait_for("is running");
    let pid = keeper.program.id().to_string();
    let prlimit = Command::new("prlimit")
        .args(["--nofile=3:3", "--pid", &pid])
        .status();
    assert!(prlimit.unwrap().success());
    // Acceptors that wait have their descriptor already.
    let mut waiting = Vec::new();
    wait_until("it has no descriptor left", || {
        waiting.push(Peer::connect(keeper.clients));
        let log = keeper.program.errors.text();
        log.contains("event=accept-failed").then_some(())
    });
    keeper.program.terminate();
    keeper.program.errors.wait_for("event=ending");
    assert_eq!(keeper.program.wait().code(), Some(0));
}

#[test]
fn the_starter_says_what_is_wrong() {
    if !need("perl") {
        return;
    }
    let (taken, any) = (
        TcpListener::bind(own_address()).unwrap(),
        own_address().to_string(),
    );
    let taken = taken.local_addr().unwrap().to_string();
    let not_an_address = "is not an address with a port, such as [::]:23470";
    for (arguments, code, part) in [
        (&["-s", &any][..], 2, "usage: listen.pl"),
        (&["-x", "program"], 2, "Unknown option: x"),
        (&["-q", "0", "program"], 2, "usage: listen.pl"),
        (&["-s", "localhost:1", "program"], 2, not_an_address),
        (&["-s", "::1:1", "program"], 2, not_an_address),
        (&["-s", "127.0.0.1:65536", "program"], 2, not_an_address),
        (
            &["-s", &any, "-c", &taken, "program"],
            3,
            "Address already in use",
        ),
        (
            &["-s", &any, "-c", &any, "-u", "no-such-user", "program"],
            2,
            "no user 'no-such-user'",
        ),
        (
            &["-s", &any, "-c", &any, "/no/such/program"],
            2,
            "/no/such/program: No such file",
        ),
        (
            &["-s", &any, "-c", &any, gltracker(), "--no-such-flag"],
            2,
            "there is no flag",
        ),
    ] {
        let mut command = starter();
        command.args(arguments);
        let output = outcome(command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    }
}

/// A program that does not look for TERM, which is blocked.
#[test]
fn the_starter_kills_what_does_not_end() {
    if !need("perl") {
        return;
    }
    let any = own_address().to_string();
    let mut command = starter();
    let stubborn = "$| = 1; print STDERR \"here\\n\"; sleep 1000";
    command.args(["-s", &any, "-c", &any, "perl", "-e", stubborn, "--"]);
    let mut starter = Program::start(command);
    starter.errors.wait_for("here");
    let start = Instant::now();
    let pid = starter.id().to_string();
    // Whoever asks again and again does not put it off.
    wait_until("it is killed", || {
        signal("INT", &pid);
        starter.has_ended().then_some(())
    });
    assert_eq!(starter.wait().code(), Some(0));
    assert!(
        start.elapsed() >= Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    starter.wait_for_descendants();
}
