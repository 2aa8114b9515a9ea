//! Trackers that die, stop, and come back, and their game servers with them.

use crate::engine::{EngineProcess, signal};
use crate::harness::{Peer, TrackerProcess};
use crate::sharing_stage::{SOON, shows, within};
use std::time::Duration;

#[test]
fn a_tracker_that_dies_or_stops_leaves_its_game_servers_stale_for_a_while() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, mut b, c] = ["a", "b", "c"].map(|name| engine.tracker(name, &[]));
    let _seven = a.log_in(7, "");
    let _others = [b.log_in(8, ""), b.log_in(9, ""), c.log_in(10, "")];
    shows(&a, "7 8 9 10");
    let mut watcher = Peer::connect(a.clients);
    watcher.send("WATCH");
    b.kill();
    signal("STOP", c.id());
    // One comes to another tracker at once, before anybody knows.
    let _eight = a.log_in(8, "");
    within(Duration::from_secs(18), || shows(&a, "7 8 9~ 10~"));
    a.wait_for_log("event=tracker-away name=b");
    signal("CONT", c.id());
    within(SOON, || shows(&a, "7 8 9~ 10"));
    // The other comes to the tracker that was stopped itself.
    let _nine = c.log_in(9, "");
    shows(&a, "7 8 9 10");
    shows(&c, "7 8 9 10");
    watcher.send("QUIT");
    let seen = watcher.read_to_end();
    assert!(!seen.contains("GONE"), "{seen}");
}

/// Logs in all ports at once, each at one of the trackers, and returns the connections.
fn log_in_all(trackers: &[TrackerProcess], ports: &[u16], turn: usize) -> Vec<Peer> {
    std::thread::scope(|scope| {
        let parts: Vec<_> = trackers
            .iter()
            .enumerate()
            .map(|(place, tracker)| {
                let own = ports
                    .iter()
                    .filter(move |port| (usize::from(**port) + turn) % trackers.len() == place);
                scope.spawn(move || {
                    own.map(|port| tracker.log_in(*port, ""))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap())
            .collect()
    })
}

#[test]
fn all_trackers_start_at_once_and_all_game_servers_come_back_elsewhere() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let start =
        || ["a", "b", "c"].map(|name| engine.tracker_at_once(name, &["--max-slots", "400"]));
    let ports: Vec<u16> = (1..=300).collect();
    let all: Vec<String> = ports.iter().map(u16::to_string).collect();
    let all = all.join(" ");
    for turn in 0..3 {
        let mut trackers = start();
        let game_servers = log_in_all(&trackers, &ports, turn);
        within(Duration::from_secs(10), || {
            for tracker in &trackers {
                shows(tracker, &all);
            }
        });
        for tracker in &mut trackers {
            tracker.kill();
        }
        drop(game_servers);
    }
    let last = engine.tracker("last", &[]);
    let is_there = |list: &[String]| list.len() == ports.len();
    last.wait_for_list(is_there);
    // However many trackers had each of them.
    last.wait_for_stat("sharing-elsewhere", "300");
}
