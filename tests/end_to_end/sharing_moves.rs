//! Game servers that go from one tracker to another are never off the list meanwhile.

use crate::engine::{EngineProcess, one_list};
use crate::harness::{Peer, TrackerProcess, free_udp_port};
use crate::patience::{PATIENCE, wait_until};
use crate::pong;
use crate::publish::Folder;
use crate::sharing_lists::line;
use crate::watching::Known;
use std::fs;
use std::time::Instant;

/// Somebody who watches, and sees that nobody of these ports is missing.
struct Onlooker<'a> {
    peer: Peer,
    known: Known,
    ports: &'a [u16],
    /// What was said of anybody so far.
    seen: String,
}

impl<'a> Onlooker<'a> {
    fn new(tracker: &TrackerProcess, ports: &'a [u16]) -> Self {
        let mut peer = Peer::connect(tracker.clients);
        peer.send("WATCH");
        let known = Known::default();
        let mut onlooker = Self {
            peer,
            known,
            ports,
            seen: String::new(),
        };
        onlooker.look();
        onlooker
    }

    fn look(&mut self) {
        self.known.read_batch(&mut self.peer);
        self.seen.extend(self.known.lines().map(String::as_str));
        for port in self.ports {
            assert!(self.has(&line(*port, "")), "{port}: {:?}", self.known);
        }
    }

    /// True if it knows of a game server whose line begins so.
    fn has(&self, start: &str) -> bool {
        self.known.lines().any(|line| {
            let rest = line.strip_prefix(start);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    }

    /// Looks until it has seen that.
    fn look_until(&mut self, start: &str) {
        let begin = Instant::now();
        while !self.has(start) {
            assert!(begin.elapsed() < PATIENCE, "no {start}: {:?}", self.known);
            self.look();
        }
    }
}

#[test]
fn a_game_server_that_moves_is_at_every_moment_on_every_list() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b, c] = ["a", "b", "c"].map(|name| engine.tracker(name, &[]));
    let ports: Vec<u16> = (1..=8).collect();
    let log_in = |tracker: &TrackerProcess, turn: u32| -> Vec<Peer> {
        let fields = format!("turn={turn}");
        ports
            .iter()
            .map(|port| tracker.log_in(*port, &fields))
            .collect()
    };
    let mut game_servers = log_in(&a, 0);
    one_list(&[&a, &b, &c], |list| list.len() == ports.len());
    let mut onlookers = [&a, &b, &c].map(|tracker| Onlooker::new(tracker, &ports));
    for turn in 1..=4 {
        let to = if turn % 2 == 0 { &a } else { &b };
        let before = std::mem::replace(&mut game_servers, log_in(to, turn));
        for mut peer in before {
            let told = peer.read_to_end();
            assert!(told.contains("another login took over"), "{told}");
        }
        for onlooker in &mut onlookers {
            for port in &ports {
                onlooker.look_until(&line(*port, &format!(" turn={turn}")));
            }
        }
    }
}

#[test]
fn game_servers_of_a_tracker_that_is_killed_go_to_another_without_a_gap() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let mut a = engine.tracker("a", &[]);
    let [b, c] = ["b", "c"].map(|name| engine.tracker(name, &[]));
    let ports: Vec<u16> = (1..=8).collect();
    let at_a: Vec<Peer> = ports.iter().map(|port| a.log_in(*port, "")).collect();
    one_list(&[&a, &b, &c], |list| list.len() == ports.len());
    let mut onlookers = [&b, &c].map(|tracker| Onlooker::new(tracker, &ports));
    a.kill();
    drop(at_a);
    let at_b = ports.iter().map(|port| b.log_in(*port, "nbplayers=1"));
    let _at_b: Vec<Peer> = at_b.collect();
    for onlooker in &mut onlookers {
        for port in &ports {
            onlooker.look_until(&line(*port, " nbplayers=1"));
        }
    }
}

/// What its tracker remembers of it is older than where it is now.
#[test]
fn who_has_moved_while_its_tracker_was_away_is_not_disturbed_by_its_return() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let folder = Folder::new("shared-return");
    fs::create_dir(&folder.0).unwrap();
    let file = folder.0.join("list").to_str().unwrap().to_owned();
    let state = ["--state", &file];
    let (mut a, b) = (engine.tracker("a", &state), engine.tracker("b", &[]));
    let at_a = a.log_in(1, "");
    one_list(&[&a, &b], |list| list == [line(1, "")]);
    wait_until("the file has it", || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        text.contains(" port=1\n").then_some(())
    });
    a.kill();
    drop(at_a);
    let mut moved = b.log_in(1, "nbplayers=1");
    let ports = [1];
    let mut onlooker = Onlooker::new(&b, &ports);
    let a = engine.tracker("a", &state);
    let live = line(1, " nbplayers=1");
    one_list(&[&a, &b], |list| list == [&*live]);
    // That it is one still shows in that it is changed, after all that a has said.
    let fields = format!("nbplayers=2 a={}", a.id());
    assert_eq!(moved.ask(&format!("INFOS {fields}")), "OK");
    let changed = line(1, &format!(" {fields}"));
    one_list(&[&a, &b], |list| list == [&*changed]);
    onlooker.look_until(&changed);
    assert!(!onlooker.seen.contains("stale=yes"), "{}", onlooker.seen);
}

/// Each remembers all of them, and most come back to the other one.
#[test]
fn all_trackers_that_are_started_again_at_once_miss_nobody() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let folder = Folder::new("shared-all-return");
    fs::create_dir(&folder.0).unwrap();
    let names = ["a", "b"];
    let files = names.map(|name| folder.0.join(name).to_str().unwrap().to_owned());
    let start = |at: usize| engine.tracker(names[at], &["--state", &files[at]]);
    let mut trackers = [start(0), start(1)];
    let ports: Vec<u16> = (1..=16).collect();
    let log_in = |trackers: &[TrackerProcess; 2], turn: u16| -> Vec<Peer> {
        let fields = format!("turn={turn}");
        let at = |port: u16| &trackers[usize::from((port + turn) % 2)];
        let peers = ports.iter().map(|port| at(*port).log_in(*port, &fields));
        peers.collect()
    };
    let before = log_in(&trackers, 0);
    one_list(&[&trackers[0], &trackers[1]], |list| {
        list.len() == ports.len()
    });
    for file in &files {
        wait_until("the file has all", || {
            let text = fs::read_to_string(file).unwrap_or_default();
            text.contains(&format!("\nend {} ", ports.len()))
                .then_some(())
        });
    }
    trackers.iter_mut().for_each(TrackerProcess::kill);
    drop(before);
    let trackers = [start(0), start(1)];
    let mut onlookers = [0, 1].map(|at| Onlooker::new(&trackers[at], &ports));
    let _back = log_in(&trackers, 1);
    let is_back = |line: &String| line.ends_with(" turn=1");
    let all = [&trackers[0], &trackers[1]];
    let list = one_list(&all, |list| list.iter().all(is_back));
    assert_eq!(list.len(), ports.len());
    for onlooker in &mut onlookers {
        for port in &ports {
            onlooker.look_until(&line(*port, " turn=1"));
        }
    }
}

#[test]
fn a_checked_port_stays_so_at_another_tracker() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let require = ["--require-check"];
    let [a, b] = ["a", "b"].map(|name| engine.distrustful(name, &require));
    let port = free_udp_port();
    let mut program = pong::start(&a, &["--port", &port, "--pong"]);
    let number: u16 = port.parse().unwrap();
    let checked = line(number, " checked=yes");
    one_list(&[&a, &b], |list| list == [&*checked]);
    // Nobody answers datagrams now, and b does not hear that it has left.
    engine.signal("STOP");
    program.kill();
    let _moved = b.log_in(number, "");
    assert_eq!(b.list(), [&*checked]);
    engine.signal("CONT");
    one_list(&[&a, &b], |list| list == [&*checked]);
    // Another port has to be proven.
    let mut peer = Peer::connect(b.servers);
    let challenge = peer.challenge();
    let told = peer.ask(&format!("INFOS {challenge} port={port} pingport=1"));
    assert!(told.starts_with("ERR unreachable "), "{told}");
}

#[test]
fn a_checked_port_stays_so_where_its_tracker_is_not_heard_of() {
    let Some(mut engine) = EngineProcess::start(&[]) else {
        return;
    };
    let require = ["--require-check"];
    let mut a = engine.distrustful("a", &require);
    let b = engine.distrustful("b", &require);
    let port = free_udp_port();
    let mut program = pong::start(&a, &["--port", &port, "--pong"]);
    let number: u16 = port.parse().unwrap();
    let checked = line(number, " checked=yes");
    one_list(&[&a, &b], |list| list == [&*checked]);
    engine.kill();
    let stale = format!("{checked} stale=yes");
    b.wait_for_list(|list| list == [&*stale]);
    // Nobody answers datagrams any more, so it cannot have been checked again.
    program.kill();
    a.kill();
    let _moved = b.log_in(number, "");
    assert_eq!(b.list(), [&*checked]);
    engine.restart();
    let c = engine.distrustful("c", &[]);
    one_list(&[&b, &c], |list| list == [&*checked]);
}
