//! HAProxy with `scripts/haproxy.cfg` in front of three trackers that share one list, all on one host. Game
//! servers and players come from another host.

use crate::haproxy::{CLIENTS, CONFIG, SERVERS, ask, haproxy, netcat, tracker};
use crate::harness::{PASSWORD, TrackerProcess, command, outcome};
use crate::hosts::{Host, Network};
use crate::patience::wait_until;
use crate::tools::{Program, need, path};
use std::process::Command;

/// Where HAProxy is for the rest of the world.
const FRONT: &str = "10.2.0.5";

/// The address of all game servers and players.
const WORLD: &str = "10.2.0.7";

const PORTS: [&str; 3] = ["23460", "23461", "23462"];

struct Stage {
    haproxy: Program,
    trackers: Vec<TrackerProcess>,
    world: Host,
    front: Host,
    _engine: Program,
    _network: Network,
}

impl Stage {
    /// `None`, and the test is skipped loudly, where something lacks.
    fn new() -> Option<Self> {
        if !["haproxy", "nc.openbsd", "redis-server"]
            .into_iter()
            .all(need)
        {
            return None;
        }
        let network = Network::new("")?;
        let front = network.host(&["10.2.0.5/16"]);
        let world = network.host(&["10.2.0.7/16"]);
        let engine = engine(&front);
        let trackers = [1, 2, 3].map(|number| shared(&front, number)).into();
        let mut haproxy = haproxy(&["-db", "-f", "/dev/stdin"]);
        haproxy.env("ONE_LIST", "yes");
        let mut haproxy = Program::start(front.run_here(&haproxy));
        haproxy.say(CONFIG);
        haproxy.end_input();
        let stage = Self {
            haproxy,
            trackers,
            world,
            front,
            _engine: engine,
            _network: network,
        };
        wait_until("HAProxy listens", || {
            let mut list = command();
            list.args(["list", FRONT]);
            let status = outcome(stage.world.run_here(&list)).status;
            (status.code() == Some(1)).then_some(())
        });
        Some(stage)
    }

    /// The list that a player is sent.
    fn list(&self) -> String {
        ask(netcat(&self.world, WORLD, FRONT, CLIENTS), "LIST")
    }

    /// A game server that HAProxy gives to whichever tracker it likes.
    fn announce(&self, port: &str) -> Program {
        let mut announce = command();
        let to = format!("{FRONT}:{SERVERS}");
        announce.args(["announce", "--tracker", &to, "--port", port]);
        announce.env("GLTRACKER_PASSWORD", PASSWORD);
        let announce = Program::start(self.world.run_here(&announce));
        announce.errors.wait_for(&format!("{WORLD}:{port}"));
        announce
    }

    /// Somebody on the trackers' own machine, who goes past HAProxy.
    fn beside(&self, place: usize) -> Program {
        let clients = self.trackers[place].clients;
        let ip = clients.ip().to_string();
        netcat(&self.front, "127.0.0.9", &ip, clients.port())
    }

    /// Waits until a tracker lists all game servers, none of them in doubt.
    fn wait_for_all(&self, place: usize) {
        wait_until("all are on the list", || {
            let list = ask(self.beside(place), "LIST stale!=yes");
            list.contains("END count=3 ").then_some(())
        });
    }

    /// The place of the tracker that a game server is logged in to.
    fn owner(&self, port: &str) -> usize {
        let listed = format!("event=listed address={WORLD}:{port} ");
        wait_until("it is logged in somewhere", || {
            let mut trackers = self.trackers.iter();
            trackers.position(|it| it.log().iter().any(|line| line.contains(&listed)))
        })
    }
}

fn engine(front: &Host) -> Program {
    let mut engine = Command::new("redis-server");
    engine.args(["--port", "6379", "--bind", "127.0.0.1", "--save", ""]);
    engine.args(["--dir", "/"]).env("PATH", path());
    let engine = Program::start(front.run_here(&engine));
    engine.output.wait_for("Ready to accept connections");
    engine
}

fn shared(front: &Host, number: u8) -> TrackerProcess {
    let tracker = tracker(front, number, &["--share", "127.0.0.1"]);
    tracker.wait_for_log("event=sharing ");
    tracker
}

#[test]
fn a_tracker_that_is_killed_takes_nobody_off_the_list() {
    let Some(mut stage) = Stage::new() else {
        return;
    };
    let game_servers = PORTS.map(|port| stage.announce(port));
    let mut owners = PORTS.map(|port| stage.owner(port));
    let [first, second, _] = owners;
    owners.sort_unstable();
    assert_eq!(owners, [0, 1, 2], "each tracker has one of them");
    for place in owners {
        stage.wait_for_all(place);
    }

    let mut watcher = stage.beside(second);
    watcher.say("WATCH");
    watcher.output.wait_for("END count=3 ");
    stage.trackers[first].kill();
    let listed = format!("event=listed address={WORLD}:{} ", PORTS[0]);
    wait_until("it is logged in to another one", || {
        let list = stage.list();
        assert!(list.contains("END count=3 "), "{list}");
        let mut others = stage.trackers.iter().enumerate();
        let is_there = others.any(|(place, it)| {
            place != first && it.log().iter().any(|line| line.contains(&listed))
        });
        is_there.then_some(())
    });
    stage.wait_for_all(second);
    stage.haproxy.errors.wait_for(" is DOWN");

    // It is back with nobody logged in to it, and has the list of the others.
    stage.trackers[first] = shared(&stage.front, first as u8 + 1);
    stage.wait_for_all(first);
    let seen = watcher.output.text();
    assert!(!seen.contains("GONE"), "{seen}");
    drop(game_servers);
}
