//! HAProxy with `scripts/haproxy.cfg` in front of two trackers, all on one host, as the file stands.
//! Game servers and players come from another host, which has many addresses.

use crate::harness::{PASSWORD, TrackerProcess, command, outcome};
use crate::hosts::{Host, Network};
use crate::patience::wait_until;
use crate::tools::{Program, need, path};
use std::process::Command;

pub(crate) const CONFIG: &str = include_str!("../../scripts/haproxy.cfg");

/// The versions of the PROXY protocol, as HAProxy calls them.
const VERSIONS: [&str; 2] = ["send-proxy-v2", "send-proxy"];

pub(crate) const SERVERS: u16 = 23470;
pub(crate) const CLIENTS: u16 = 23471;

struct Stage {
    haproxy: Program,
    a: TrackerProcess,
    b: TrackerProcess,
    front: Host,
    world: Host,
    _network: Network,
}

impl Stage {
    /// `None`, and the test is skipped loudly, where something lacks.
    fn new(version: &str, arguments: &[&str]) -> Option<Self> {
        if !need("haproxy") || !need("nc.openbsd") {
            return None;
        }
        let network = Network::new("")?;
        let front = network.host(&["10.2.0.5/16", "fd00::5/64"]);
        let addresses = ["7", "8", "66"].map(|last| format!("10.2.0.{last}/16"));
        let mut addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        addresses.push("fd00::7/64");
        let world = network.host(&addresses);
        let [a, b] = [1, 2].map(|number| tracker(&front, number, arguments));
        let haproxy = haproxy(&["-db", "-f", "/dev/stdin"]);
        let mut haproxy = Program::start(front.run_here(&haproxy));
        haproxy.say(&CONFIG.replace("send-proxy-v2", version));
        haproxy.end_input();
        let stage = Self {
            haproxy,
            a,
            b,
            front,
            world,
            _network: network,
        };
        wait_until("HAProxy listens", || {
            let mut list = command();
            list.args(["list", "10.2.0.5"]);
            let status = outcome(stage.world.run_here(&list)).status;
            (status.code() == Some(1)).then_some(())
        });
        Some(stage)
    }

    /// A connection of the address `from` to one of HAProxy's ports.
    fn connect(&self, from: &str, port: u16) -> Program {
        let to = if from.contains(':') {
            "fd00::5"
        } else {
            "10.2.0.5"
        };
        netcat(&self.world, from, to, port)
    }

    /// The list that `from` is sent. It ends what it says before it has the answer.
    fn list(&self, from: &str) -> String {
        ask(self.connect(from, CLIENTS), "LIST")
    }

    /// A game server of the address 10.2.0.7 or fd00::7.
    fn announce(&self, to: &str, port: &str) -> Program {
        let mut announce = command();
        let tracker = format!("{to}:{SERVERS}");
        announce.args(["announce", "--pong", "--tracker", &tracker, "--port", port]);
        announce.env("GLTRACKER_PASSWORD", PASSWORD);
        Program::start(self.world.run_here(&announce))
    }

    /// What a tracker has counted; it is asked past HAProxy, by its own machine.
    fn stats(&self, tracker: &TrackerProcess) -> String {
        let (ip, port) = (tracker.clients.ip().to_string(), tracker.clients.port());
        ask(netcat(&self.front, "127.0.0.9", &ip, port), "STATS")
    }
}

pub(crate) fn haproxy(arguments: &[&str]) -> Command {
    let mut haproxy = Command::new("haproxy");
    haproxy.args(arguments).env("PATH", path());
    haproxy
}

/// A tracker where the file says that it is.
pub(crate) fn tracker(front: &Host, number: u8, arguments: &[&str]) -> TrackerProcess {
    let mut serve = command();
    serve.args(["--servers", &format!("127.0.0.{number}:24470")]);
    serve.args(["--clients", &format!("127.0.0.{number}:24471")]);
    serve.args(["--proxied", "127.0.0.1", "--max-slots", "80"]);
    serve.args(arguments).env("GLTRACKER_PASSWORD", PASSWORD);
    TrackerProcess::run(front.run_here(&serve))
}

pub(crate) fn netcat(host: &Host, from: &str, to: &str, port: u16) -> Program {
    let mut netcat = Command::new("nc.openbsd");
    netcat.args(["-N", "-s", from, to, &port.to_string()]);
    Program::start(host.run_here(&netcat))
}

/// Everything that is answered to a peer who says one line and ends what it says.
pub(crate) fn ask(mut peer: Program, line: &str) -> String {
    peer.say(line);
    peer.end_input();
    peer.output.wait_for_end()
}

/// Logs in as a person does.
fn log_in(peer: &mut Program, port: u16) {
    peer.say(&format!("LOGIN {PASSWORD}"));
    let challenge = peer.output.wait_for("CHALLENGE ");
    let number = challenge.split(' ').nth(1).unwrap();
    peer.say(&format!("INFOS {number} port={port}"));
}

/// Game servers and players of both families, who are told from each other on the list, by UDP and in
/// the log.
fn peers_are_known_by_their_own_addresses(version: &str) {
    let Some(stage) = Stage::new(version, &["--log-level", "debug"]) else {
        return;
    };
    let over_ipv4 = stage.announce("10.2.0.5", "23460");
    over_ipv4.errors.wait_for(" as 10.2.0.7:23460");
    let over_ipv6 = stage.announce("[fd00::5]", "23461");
    over_ipv6.errors.wait_for(" as [fd00::7]:23461");
    // The tracker has asked them where they are, and not through HAProxy.
    for game_server in [&over_ipv4, &over_ipv6] {
        game_server.errors.wait_for("has checked the UDP port");
    }
    let mut by_hand = stage.connect("10.2.0.8", SERVERS);
    log_in(&mut by_hand, 23462);
    by_hand.output.wait_for("OK listed 10.2.0.8:23462");

    let list = stage.list("10.2.0.8");
    for line in [
        "INFOS ip=10.2.0.7 port=23460 checked=yes\n",
        "INFOS ip=fd00::7 port=23461 checked=yes\n",
        "INFOS ip=10.2.0.8 port=23462\n",
        "END count=3 ",
    ] {
        assert!(list.contains(line), "{list}");
    }
    assert_eq!(stage.list("fd00::7"), list);
    let on_the_same_machine = netcat(&stage.front, "127.0.0.1", "127.0.0.1", CLIENTS);
    assert_eq!(ask(on_the_same_machine, "LIST"), list);
    for peer in ["10.2.0.8", "[fd00::7]", "127.0.0.1"] {
        let closed = stage.a.wait_for_log(&format!("event=closed peer={peer}:"));
        assert!(closed.ends_with(" class=client"), "{closed}");
    }

    let mut watcher = stage.connect("10.2.0.66", CLIENTS);
    watcher.say("WATCH");
    watcher.output.wait_for("END count=3 ");
    by_hand.say("QUIT");
    by_hand.output.wait_for("OK bye");
    watcher.output.wait_for("GONE ip=10.2.0.8 port=23462");
}

#[test]
fn peers_are_known_by_their_own_addresses_with_version_2() {
    peers_are_known_by_their_own_addresses(VERSIONS[0]);
}

#[test]
fn peers_are_known_by_their_own_addresses_with_version_1() {
    peers_are_known_by_their_own_addresses(VERSIONS[1]);
}

#[test]
fn limits_and_bans_are_those_of_each_peer() {
    let bans = std::env::temp_dir().join(format!("gltracker-haproxy-{}", std::process::id()));
    std::fs::write(&bans, "10.2.0.66 cheats\n").unwrap();
    let stage = Stage::new(VERSIONS[0], &["--bans-file", bans.to_str().unwrap()]);
    std::fs::remove_file(&bans).unwrap();
    let Some(stage) = stage else {
        return;
    };
    let mut held = Vec::new();
    for (port, most) in [(CLIENTS, 8), (SERVERS, 4)] {
        for _ in 0..most {
            let mut peer = stage.connect("10.2.0.8", port);
            peer.say("PING");
            peer.output.wait_for("PONG");
            held.push(peer);
        }
        let one_too_many = ask(stage.connect("10.2.0.8", port), "PING");
        assert!(one_too_many.starts_with("ERR too-many "), "{one_too_many}");
        let banned = ask(stage.connect("10.2.0.66", port), "PING");
        assert!(banned.contains("ERR banned ") && banned.ends_with(": cheats\n"));
    }
    // Others are as they were, on both ports.
    let game_server = stage.announce("10.2.0.5", "23460");
    game_server.errors.wait_for(" as 10.2.0.7:23460");
    for player in ["10.2.0.7", "fd00::7"] {
        assert!(stage.list(player).contains("END count=1 "));
    }
}

#[test]
fn the_second_tracker_serves_while_the_first_is_killed() {
    let Some(mut stage) = Stage::new(VERSIONS[0], &[]) else {
        return;
    };
    let (listed, address) = ("event=listed address=", "10.2.0.7:23460");
    let game_server = stage.announce("10.2.0.5", "23460");
    game_server.errors.wait_for(address);
    stage.a.kill();
    // Whoever comes before HAProxy has noticed waits, and is served.
    assert!(stage.list("10.2.0.8").contains("END count="));
    stage.b.wait_for_log(&format!("{listed}{address}"));
    assert!(stage.list("10.2.0.8").contains("END count=1 "));
    stage.a = tracker(&stage.front, 1, &[]);
    stage.a.wait_for_log(&format!("{listed}{address}"));
    assert!(stage.list("10.2.0.8").contains("END count=1 "));
    stage.b.wait_for_log("event=unlisted ");
    let log = stage.haproxy.errors.text();
    for state in ["DOWN", "UP"] {
        for port in ["game-server-port", "client-port"] {
            assert!(
                log.contains(&format!("Server {port}/a is {state}")),
                "{log}"
            );
        }
    }
}

#[test]
fn the_second_tracker_serves_while_the_first_stands_still() {
    let Some(stage) = Stage::new(VERSIONS[0], &[]) else {
        return;
    };
    let listed = "event=listed address=10.2.0.7:23460";
    let game_server = stage.announce("10.2.0.5", "23460");
    stage.a.wait_for_log(listed);
    let signal = |name: &str| {
        let pid = stage.a.id().to_string();
        let status = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid])
            .status();
        assert!(status.unwrap().success());
    };
    signal("STOP");
    stage.b.wait_for_log(listed);
    assert!(stage.list("10.2.0.8").contains("END count=1 "));
    signal("CONT");
    stage.b.wait_for_log("event=unlisted ");
    wait_until("everybody is back", || {
        stage
            .list("10.2.0.8")
            .contains("END count=1 ")
            .then_some(())
    });
    drop(game_server);
}

/// A minute in which nothing happens, and HAProxy asks both trackers every second whether they work.
fn a_quiet_minute(version: &str) {
    let Some(stage) = Stage::new(version, &[]) else {
        return;
    };
    let mut game_server = stage.connect("10.2.0.8", SERVERS);
    log_in(&mut game_server, 23460);
    game_server.output.wait_for("OK listed 10.2.0.8:23460");
    let mut watcher = stage.connect("10.2.0.8", CLIENTS);
    watcher.say("WATCH");
    for number in 1..=4 {
        game_server.output.wait_for(&format!("PING {number}"));
        game_server.say(&format!("PONG {number}"));
    }
    wait_until("nothing has changed for the second time", || {
        (watcher.output.text().matches("END count=0 ").count() == 2).then_some(())
    });
    assert!(stage.list("10.2.0.8").contains("END count=1 "));
    // Who was served: HAProxy's own connections are not among them.
    for (tracker, accepted) in [(&stage.a, 5), (&stage.b, 1)] {
        let (stats, log) = (stage.stats(tracker), tracker.log());
        for counter in [
            &format!("accepted={accepted}")[..],
            "refused=0",
            "penalties=0",
            "dropped=0",
            "guests=0",
            "class-full=0",
            "host-full=0",
            "too-fast=0",
            "in-penalty=0",
            "over-share=0",
            "banned=0",
        ] {
            assert!(
                stats.contains(&format!(" {counter} ")),
                "{counter}: {stats}"
            );
        }
        assert!(
            !log.iter().any(|line| line.contains("level=warn")),
            "{log:?}"
        );
    }
    let log = stage.haproxy.errors.text();
    assert!(!log.contains(" is DOWN"), "{log}");
}

#[test]
fn a_quiet_minute_with_version_2() {
    a_quiet_minute(VERSIONS[0]);
}

#[test]
fn a_quiet_minute_with_version_1() {
    a_quiet_minute(VERSIONS[1]);
}

#[test]
fn the_configuration_is_clean() {
    if !need("haproxy") {
        return;
    }
    for one_list in ["no", "yes"] {
        // Its warnings are errors then.
        let mut check = haproxy(&["-dW", "-c", "-f"]);
        check.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/haproxy.cfg"));
        check.env("ONE_LIST", one_list);
        let output = outcome(check);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stderr, b"");
    }
}
