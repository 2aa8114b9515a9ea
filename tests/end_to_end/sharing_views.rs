//! What is published of a shared list: the file for players, and the counters for operators.

use crate::engine::{EngineProcess, one_list};
use crate::publish::{Folder, promtool, wait_for};
use crate::tools::need;
use std::fs;

#[test]
fn what_is_published_is_the_shared_list() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let folder = Folder::new("shared");
    let publish = ["--publish", folder.0.to_str().unwrap()];
    let (a, b) = (engine.tracker("a", &[]), engine.tracker("b", &publish));
    let mut elsewhere = a.log_in(1, "nbplayers=3");
    let _own = b.log_in(2, "");
    let json = folder.0.join("servers.json");
    let text = wait_for(&json, "\"count\":2");
    for address in ["[\"127.0.0.1:1\"]", "[\"127.0.0.1:2\"]"] {
        assert!(text.contains(address), "{address} in {text}");
    }
    assert_eq!(elsewhere.ask("INFOS nbplayers=4"), "OK");
    wait_for(&json, "\"nbplayers\":4");
    assert_eq!(elsewhere.ask("QUIT"), "OK bye");
    wait_for(&json, "\"count\":1");
}

#[test]
fn metrics_say_who_has_how_many_game_servers() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let folder = Folder::new("shared-metrics");
    let publish = ["--publish", folder.0.to_str().unwrap()];
    let (a, b) = (engine.tracker("mars", &[]), engine.tracker("io", &publish));
    let _game_servers = [a.log_in(1, ""), a.log_in(2, ""), b.log_in(3, "")];
    one_list(&[&a, &b], |list| list.len() == 3);
    // Of the same name as one that is there: they add up.
    let c = engine.tracker("mars", &[]);
    let _third = c.log_in(4, "");
    one_list(&[&a, &b, &c], |list| list.len() == 4);
    let file = folder.0.join("metrics.prom");
    // Not to wait until it is time for the next.
    let _ = fs::remove_file(&file);
    let text = wait_for(&file, "gltracker_sharing_entries{tracker=\"mars\"} 3\n");
    for line in [
        "gltracker_sharing_up 1",
        "gltracker_sharing_state{state=\"sharing\"} 1",
        "gltracker_sharing_entries{tracker=\"io\"} 1",
        "gltracker_sharing_trackers{state=\"alive\"} 3",
        "gltracker_sharing_trackers{state=\"away\"} 0",
        "gltracker_sharing_stale_game_servers 0",
        "gltracker_sharing_outages_total 0",
        "gltracker_sharing_taken_over_total 0",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in {text}");
    }
    if need("promtool") {
        assert_eq!(promtool(&["check", "metrics"], &text), "", "{text}");
    }
}
