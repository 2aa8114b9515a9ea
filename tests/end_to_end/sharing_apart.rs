//! Trackers that do not share a list: in one engine beside each other, and without any.

use crate::engine::{EngineProcess, one_list};
use crate::harness::TrackerProcess;
use crate::publish::{Folder, wait_for};
use crate::sharing_lists::line;
use std::fs;

#[test]
fn two_clusters_in_one_engine_do_not_see_each_other() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let in_database = format!("{}/1", engine.at());
    let clusters: [&[&str]; 3] = [
        &[],
        &["--share-prefix", "other"],
        &["--share", &in_database],
    ];
    let start = |arguments: &[&str]| {
        let tracker = match arguments {
            ["--share", at] => TrackerProcess::start_with(&["--max-slots", "80", "--share", at]),
            _ => engine.tracker("same", arguments),
        };
        tracker.wait_for_stat("sharing", "sharing");
        tracker
    };
    let pairs = clusters.map(|arguments| [start(arguments), start(arguments)]);
    let mut game_servers = Vec::new();
    for ([one, two], port) in pairs.iter().zip([1, 2, 3]) {
        game_servers.push(one.log_in(port, ""));
        // The same address as in the other clusters: it is nobody's there.
        game_servers.push(two.log_in(9, &format!("a={port}")));
    }
    for ([one, two], port) in pairs.iter().zip([1, 2, 3]) {
        let own = [line(port, ""), line(9, &format!(" a={port}"))];
        one_list(&[one, two], |list| list == own);
        assert_eq!(one.stats()["sharing-trackers"], "2/2");
    }
    let keys = engine.keys("*");
    let of = |start: &str| keys.iter().filter(|key| key.starts_with(start)).count();
    assert_eq!(of("{gltracker}:") + of("{other}:"), keys.len(), "{keys:?}");
    assert_eq!(of("{gltracker}:"), of("{other}:"), "{keys:?}");
    let formats = ["{gltracker}:format", "{other}:format"].map(|key| engine.ask(&["GET", key]));
    assert!(formats[0].starts_with("gltracker-share 1 "), "{formats:?}");
    assert_ne!(formats[0], formats[1], "each has a secret of its own");
}

/// The names of a tracker's threads, in order, once all have one.
#[cfg(target_os = "linux")]
fn threads(tracker: &TrackerProcess) -> Vec<String> {
    crate::patience::wait_until("the threads have their names", || {
        let threads = fs::read_dir(format!("/proc/{}/task", tracker.id())).unwrap();
        let name = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("comm"));
        let mut names: Vec<String> = threads.map(|t| name(t.unwrap()).unwrap()).collect();
        names.sort();
        let unnamed = names.iter().filter(|name| *name == "gltracker\n");
        (unnamed.count() == 1).then_some(names)
    })
}

#[cfg(target_os = "linux")]
#[test]
fn who_does_not_share_has_no_thread_and_no_word_of_it() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let folders = ["alone", "together"].map(Folder::new);
    let publish = folders.each_ref().map(|it| it.0.to_str().unwrap());
    let alone = TrackerProcess::start_with(&["--max-slots", "80", "--publish", publish[0]]);
    let sharing = engine.tracker("a", &["--publish", publish[1]]);
    sharing.wait_for_log("event=sharing");
    let (with, mut without) = (threads(&sharing), threads(&alone));
    without.push("sharing\n".to_owned());
    without.sort();
    assert_eq!(with, without);
    let is_said = |tracker: &TrackerProcess, folder: &Folder| {
        let metrics = wait_for(&folder.0.join("metrics.prom"), "gltracker_build_info");
        let log = tracker.log().join("\n");
        let stats = tracker.ask("STATS\nQUIT\n");
        [metrics, log, stats].map(|text| text.contains("sharing"))
    };
    assert_eq!(is_said(&alone, &folders[0]), [false; 3]);
    assert_eq!(is_said(&sharing, &folders[1]), [true; 3]);
}
