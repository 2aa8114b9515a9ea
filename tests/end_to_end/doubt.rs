//! What `gltracker list` makes of entries that may not be there for the player.

use crate::harness::{PASSWORD, TrackerProcess, command};
use crate::hosts::Network;
use crate::list::{list, outcome, strange_tracker};
use crate::tools::Program;

#[test]
fn what_may_not_be_there_is_marked_comes_last_and_is_not_found() {
    let answer = |lines: &[&str]| {
        let infos = lines.iter().map(|line| format!("INFOS {line}\n"));
        let infos: String = infos.collect();
        let end = format!("END count={} rev=a-1\n", lines.len());
        strange_tracker(infos + &end).to_string()
    };
    let stale = "ip=127.0.0.1 port=5 nbplayers=9 stale=yes";
    let invalid = "ip=0.0.0.0 port=7 nbplayers=9";
    let doubtful = answer(&[invalid, stale]);
    let (code, table, errors) = list(&[&doubtful, "notempty"]);
    assert_eq!(code, Some(1), "{table}");
    let rows: Vec<&str> = table.lines().collect();
    assert!(rows[0].ends_with("ADDRESS      DOUBT"), "{table}");
    assert!(rows[1].ends_with("127.0.0.1:5  stale"), "{table}");
    assert!(rows[2].ends_with("0.0.0.0:7    invalid"), "{table}");
    assert!(
        errors.contains("there for sure: stale, not heard of since"),
        "{errors}"
    );

    // One that lives is found, also where a tracker named before it takes it for stale.
    let live = answer(&["ip=127.0.0.1 port=5 nbplayers=2", "ip=127.0.0.1 port=6"]);
    let (code, tsv, errors) = list(&[&doubtful, &live, "--tsv"]);
    assert_eq!((code, &*errors), (Some(0), ""));
    let rows: Vec<Vec<&str>> = tsv.lines().map(|row| row.split('\t').collect()).collect();
    let seen: Vec<[&str; 3]> = rows.iter().map(|row| [row[1], row[8], row[9]]).collect();
    assert_eq!(
        seen,
        [
            ["nbplayers", "address", "doubt"],
            ["2", "127.0.0.1:5", ""],
            ["", "127.0.0.1:6", ""],
            ["9", "0.0.0.0:7", "invalid"],
        ]
    );
}

/// A tracker on the player's network vouches for who is there, and the same one does not where it
/// is reached as a stranger.
#[test]
fn who_is_on_the_players_network_is_believed_of_a_tracker_that_is_there() {
    let Some(network) = Network::new("") else {
        return;
    };
    let host = network.host(&["10.2.0.9/16", "198.51.100.9/24"]);
    let player = network.host(&["10.2.0.7/16", "198.51.100.7/24"]);
    let mut serve = command();
    serve.args(["--servers", "0.0.0.0:0", "--clients", "0.0.0.0:0"]);
    serve.env("GLTRACKER_PASSWORD", PASSWORD);
    let tracker = TrackerProcess::run(host.run_here(&serve));
    let mut announce = command();
    let door = format!("10.2.0.9:{}", tracker.servers.port());
    announce.args(["announce", "--tracker", &door, "--port", "23460"]);
    announce.env("GLTRACKER_PASSWORD", PASSWORD);
    let _game_server = Program::start(player.run_here(&announce));
    tracker.wait_for_log("event=listed");
    for (address, code, doubt) in [
        ("10.2.0.9", 0, "\"sent\":5,"),
        ("198.51.100.9", 1, "\"sent\":0,"),
    ] {
        let mut list = command();
        let tracker = format!("{address}:{}", tracker.clients.port());
        list.args(["list", &tracker, "--json"]);
        let (got, json, errors) = outcome(player.run_here(&list));
        assert_eq!(got, Some(code), "{address}: {json} {errors}");
        assert!(json.contains("\"address\":\"10.2.0.7:23460\""), "{json}");
        assert!(json.contains(doubt), "{address}: {json}");
        let doubt = if code == 0 { "null" } else { "\"local\"" };
        assert!(json.contains(&format!("\"doubt\":{doubt},")), "{json}");
    }
}
