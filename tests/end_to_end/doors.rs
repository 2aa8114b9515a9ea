//! The doors never close.

use crate::harness::{Peer, TrackerProcess};
use crate::patience::time_of;
use crate::tools::need;
use std::time::Duration;

/// Gives the tracker another soft limit of open files while it runs.
pub(crate) fn limit_descriptors(tracker: &TrackerProcess, limit: &str) {
    let status = std::process::Command::new("prlimit")
        .args([
            "--pid",
            &tracker.id().to_string(),
            &format!("--nofile={limit}:"),
        ])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn running_out_of_descriptors_stops_nobody_for_longer_than_it_lasts() {
    if !need("prlimit") {
        return;
    }
    let tracker = TrackerProcess::start();
    let mut game_server = tracker.log_in(1, "");
    limit_descriptors(&tracker, "5");
    // Doormen that were at the door have their descriptor already; in the end nobody comes. All that
    // wait have room in the accept queue: who has none is kept waiting by the system, not by us.
    let mut waiting = Vec::new();
    let is_out = || {
        let log = tracker.log();
        log.iter().any(|line| line.contains("event=accept-failed"))
    };
    while !is_out() && waiting.len() < 100 {
        let mut peer = Peer::connect(tracker.clients);
        peer.send("LIST\nQUIT");
        waiting.push(peer);
    }
    tracker.wait_for_log("event=accept-failed");
    // Those who are in are served as before.
    assert_eq!(game_server.ask("INFOS nbplayers=1"), "OK");
    limit_descriptors(&tracker, "1000");
    let took = time_of(|| {
        for mut peer in waiting {
            assert!(peer.read_to_end().contains("END count=1 "));
        }
        assert_eq!(tracker.list().len(), 1);
    });
    assert!(took < Duration::from_secs(5), "{took:?}");
}
