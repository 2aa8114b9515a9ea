//! The bridge's door for the Quake family: with game servers that this test plays, and with a real program
//! that asks for lists as players' games do.

use crate::bridge_cube::{Bridge, Home};
use crate::harness::TrackerProcess;
use crate::patience::{PATIENCE, uninterrupted, wait_until};
use crate::tools::{need, path};
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A game server: it sends heartbeats when it is told to, and answers questions.
struct Game {
    socket: UdpSocket,
    at: SocketAddr,
    /// What it says of itself; nothing at all if it is empty.
    info: Arc<Mutex<String>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Game {
    fn start(info: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = socket.local_addr().unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        let (info, is_over) = (
            Arc::new(Mutex::new(info.to_owned())),
            Arc::<AtomicBool>::default(),
        );
        let answering = (
            socket.try_clone().unwrap(),
            Arc::clone(&info),
            Arc::clone(&is_over),
        );
        let thread = std::thread::spawn(move || {
            let (socket, info, is_over) = answering;
            while !is_over.load(Ordering::Relaxed) {
                answer(&socket, &info.lock().unwrap().clone());
            }
        });
        Self {
            socket,
            at,
            info,
            is_over,
            thread: Some(thread),
        }
    }

    fn beat(&self, bridge: &Bridge, tag: &str) {
        let heartbeat = format!("heartbeat {tag}\n");
        let heartbeat = [b"\xff\xff\xff\xff", heartbeat.as_bytes()].concat();
        self.socket.send_to(&heartbeat, bridge.at).unwrap();
    }

    fn say(&self, info: &str) {
        info.clone_into(&mut self.info.lock().unwrap());
    }
}

impl Drop for Game {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Answers the next question, if there is one soon.
fn answer(socket: &UdpSocket, info: &str) {
    let mut buffer = [0; 2048];
    let (count, from) = match socket.recv_from(&mut buffer) {
        Ok(received) => received,
        Err(error) => {
            use ErrorKind::{Interrupted, TimedOut, WouldBlock};
            let is_usual = matches!(error.kind(), Interrupted | TimedOut | WouldBlock);
            return assert!(is_usual, "{error}");
        }
    };
    let question = String::from_utf8_lossy(&buffer[4..count]).into_owned();
    let (head, rest) = match question.trim_end().split_once(' ') {
        Some(("getinfo", word)) => ("infoResponse", format!("\\challenge\\{word}")),
        None if question.starts_with("getinfo") => ("infoResponse", String::new()),
        _ => ("statusResponse", "\n".to_owned()),
    };
    if !info.is_empty() {
        let answer = format!("{head}\n{info}{rest}");
        let _ = socket.send_to(&[b"\xff\xff\xff\xff", answer.as_bytes()].concat(), from);
    }
}

fn info(game: &str, protocol: u32, map: &str, clients: u32) -> String {
    format!(
        "\\gamename\\{game}\\protocol\\{protocol}\\mapname\\{map}\\clients\\{clients}\
         \\sv_maxclients\\8\\hostname\\^3Friday ^7cycles\\gametype\\0"
    )
}

/// A bridge without a throttle: these tests ask as fast as they can.
fn start(tracker: &TrackerProcess, arguments: &[&str]) -> Bridge {
    Bridge::start(
        tracker,
        "quake",
        &[&["--throttle", "0"], arguments].concat(),
    )
}

/// The ports that a player is told, all in one datagram.
fn ports(bridge: &Bridge, question: &str) -> Vec<u16> {
    let player = UdpSocket::bind("127.0.0.1:0").unwrap();
    player.set_read_timeout(Some(PATIENCE)).unwrap();
    let question = [b"\xff\xff\xff\xff", question.as_bytes()].concat();
    player.send_to(&question, bridge.at).unwrap();
    let mut buffer = [0; 2048];
    let (count, _) = uninterrupted(|| player.recv_from(&mut buffer)).unwrap();
    let list = buffer[..count].strip_prefix(b"\xff\xff\xff\xffgetserversResponse");
    let list = list.and_then(|list| list.strip_suffix(b"\\EOT\0\0\0"));
    let entries = list.expect("a whole list").chunks(7);
    let port = |entry: &[u8]| {
        assert_eq!(entry[..5], *b"\\\x7f\0\0\x01");
        u16::from_be_bytes([entry[5], entry[6]])
    };
    entries.map(port).collect()
}

fn wait_for_ports(bridge: &Bridge, question: &str, right: &[u16]) {
    let mut right = right.to_vec();
    right.sort_unstable();
    wait_until(question, || {
        let mut ports = ports(bridge, question);
        ports.sort_unstable();
        (ports == right).then_some(())
    });
}

/// What qstat shows of those whom a master lists.
fn qstat(option: &str, bridge: &Bridge) -> String {
    let mut command = Command::new("quakestat");
    // Its own file of settings knows two of these games.
    command
        .env("PATH", path())
        .env_remove("QSTAT_CONFIG")
        .env("HOME", "/nonexistent");
    command.args(["-json", "-mi", "0.5", option, &bridge.at.to_string()]);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn what_registers_is_told_to_players_and_follows_the_game() {
    let tracker = TrackerProcess::start();
    let bridge = start(&tracker, &["--heartbeat", "COD-4=cod4"]);
    let arena = Game::start(&info("Quake3Arena", 71, "oa_dm1", 3));
    let (named, declared) = (
        Game::start(&info("Xonotic", 3, "dance", 0)),
        Game::start(&info("cod4", 6, "crash", 8)),
    );
    arena.beat(&bridge, "QuakeArena-1");
    named.beat(&bridge, "DarkPlaces");
    declared.beat(&bridge, "COD-4");
    wait_for_ports(&bridge, "getservers 71", &[arena.at.port()]);
    wait_for_ports(&bridge, "getservers Xonotic 3 empty", &[named.at.port()]);
    wait_for_ports(&bridge, "getservers cod4 6 full", &[declared.at.port()]);
    assert_eq!(ports(&bridge, "getservers Xonotic 3"), [0; 0]);
    assert_eq!(ports(&bridge, "getservers Xonotic 4 empty full"), [0; 0]);
    let line = format!(
        "INFOS ip=127.0.0.1 port={} nbplayers=3 maxplayers=8 description=\"Friday cycles\" \
         query=quake3 game=Quake3Arena map=oa_dm1 mode=0 protocol=71",
        arena.at.port()
    );
    tracker.wait_for_list(|list| list.contains(&line));
    arena.say(&info("Quake3Arena", 71, "oa_dm2", 0));
    let changed = wait_until("the new map is listed", || {
        arena.beat(&bridge, "QuakeArena-1");
        let mut list = tracker.list().into_iter();
        list.find(|line| line.contains("map=oa_dm2"))
    });
    assert!(changed.contains("nbplayers=0"), "{changed}");
    wait_for_ports(&bridge, "getservers 71", &[]);
}

#[test]
fn who_says_that_it_ends_is_gone_if_it_has_ended() {
    let tracker = TrackerProcess::start();
    let bridge = start(&tracker, &[]);
    let games = [(); 2].map(|()| Game::start(&info("et", 84, "oasis", 1)));
    for game in &games {
        game.beat(&bridge, "EnemyTerritory-1");
    }
    let [ended, alive] = [0, 1].map(|n: usize| games[n].at.port());
    wait_for_ports(&bridge, "getservers 84", &[ended, alive]);
    games[0].say("");
    for game in &games {
        game.beat(&bridge, "ETFlatline-1");
    }
    wait_for_ports(&bridge, "getservers 84", &[alive]);
    let line = bridge.program.errors.wait_for("event=gone");
    assert!(
        line.contains(&format!("server=127.0.0.1:{ended}")),
        "{line}"
    );
    tracker.wait_for_list(|list| list.len() == 1);
}

#[test]
fn what_was_announced_in_other_ways_is_told_too_and_who_is_refused_is_in_the_log() {
    let tracker = TrackerProcess::start();
    let bridge = Bridge::start(
        &tracker,
        "quake",
        &["--games", "!Doom", "--alias", "etl=et"],
    );
    let _one = tracker.log_in(4321, "game=et protocol=84 nbplayers=0 maxplayers=8");
    let _other = tracker.log_in(4322, "game=et nbplayers=2");
    wait_for_ports(&bridge, "getservers etl 84", &[4321]);
    wait_for_ports(&bridge, "getservers 84", &[4321]);
    let doom = Game::start(&info("Doom", 3, "e1m1", 0));
    doom.beat(&bridge, "DarkPlaces");
    let line = bridge.program.errors.wait_for("event=refused");
    assert!(line.contains("the game 'Doom' is not welcome"), "{line}");
}

#[test]
fn a_bridge_that_is_killed_has_all_back_without_a_heartbeat() {
    let tracker = TrackerProcess::start();
    let home = Home::new("quake-state");
    let state = home.0.join("state");
    let arguments = ["--state", state.to_str().unwrap()];
    let mut bridge = start(&tracker, &arguments);
    let games = [(); 3].map(|()| Game::start(&info("Xonotic", 3, "dance", 1)));
    for game in &games {
        game.beat(&bridge, "DarkPlaces");
    }
    let all = games.each_ref().map(|game| game.at.port());
    wait_for_ports(&bridge, "getservers Xonotic 3", &all);
    wait_until("all of them are remembered", || {
        let state = std::fs::read_to_string(&state).unwrap_or_default();
        let is_in = |port: &u16| state.contains(&port.to_string());
        all.iter().all(is_in).then_some(())
    });
    bridge.program.kill();
    games[0].say("");
    let bridge = start(&tracker, &arguments);
    wait_for_ports(&bridge, "getservers Xonotic 3", &all[1..]);
}

#[test]
fn qstat_is_told_as_the_clients_of_three_games_are() {
    if !need("quakestat") {
        return;
    }
    let tracker = TrackerProcess::start();
    let bridge = start(&tracker, &[]);
    let arena = Game::start(&info("Quake3Arena", 71, "oa_dm1", 3));
    let nexuiz = Game::start(&info("Nexuiz", 3, "strength", 0));
    arena.beat(&bridge, "QuakeArena-1");
    nexuiz.beat(&bridge, "DarkPlaces");
    wait_for_ports(&bridge, "getservers 71", &[arena.at.port()]);
    wait_for_ports(&bridge, "getservers Nexuiz 3 empty", &[nexuiz.at.port()]);
    for (option, game, map) in [
        ("-q3m,71", &arena, "oa_dm1"),
        ("-openarenam", &arena, "oa_dm1"),
        ("-nexuizm", &nexuiz, "strength"),
    ] {
        let shown = qstat(option, &bridge);
        assert!(shown.contains(&game.at.to_string()), "{option}: {shown}");
        assert!(
            shown.contains(map) && shown.contains("Friday cycles"),
            "{option}: {shown}"
        );
    }
}
