//! Several trackers, one list: what happens at one of them is on the list of the others.

use crate::engine::{EngineProcess, one_list};
use crate::harness::{Peer, TrackerProcess};
use crate::patience::{time_of, wait_until};
use crate::publish::Folder;
use crate::watching::Known;
use std::fs;
use std::time::{Duration, Instant};

/// The line of the list for a game server of this machine.
pub(crate) fn line(port: u16, rest: &str) -> String {
    format!("INFOS ip=127.0.0.1 port={port}{rest}")
}

#[test]
fn three_trackers_have_one_list() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    let mut one = a.log_in(1, "nbplayers=2 description=\"one \\\"two\\\"\"");
    let mut two = b.log_in(2, "");
    let first = line(1, " nbplayers=2 description=\"one \\\"two\\\"\"");
    let both = [first, line(2, "")];
    one_list(&[&a, &b], |list| list == both);
    // One that comes later knows what has happened before.
    let c = engine.tracker("c", &[]);
    let all = [&a, &b, &c];
    one_list(&all, |list| list == both);
    let _three = c.log_in(3, "a=1");
    assert_eq!(one.ask("INFOS nbplayers=3"), "OK");
    assert_eq!(one.ask("INFOS description="), "OK");
    let expected = [line(1, " nbplayers=3"), line(2, ""), line(3, " a=1")];
    one_list(&all, |list| list == expected);
    // One that takes another port, one that leaves, and one that hangs up.
    assert!(two.ask("INFOS port=4 b=2").starts_with("OK listed "));
    let expected = [line(1, " nbplayers=3"), line(3, " a=1"), line(4, " b=2")];
    one_list(&all, |list| list == expected);
    assert_eq!(one.ask("QUIT"), "OK bye");
    drop(two);
    one_list(&all, |list| list == [line(3, " a=1")]);
    for tracker in all {
        let stats = tracker.stats();
        assert_eq!(stats["sharing-trackers"], "3/3");
        let of = |name: &str| stats[name].parse::<usize>().unwrap();
        assert_eq!(of("sharing-own") + of("sharing-elsewhere"), 1);
        assert_eq!(of("sharing-stale"), 0);
    }
}

#[test]
fn conditions_and_revisions_hold_for_the_shared_list() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    let mut one = a.log_in(1, "nbplayers=0 map=rust");
    let _two = b.log_in(2, "nbplayers=3 map=rust");
    let _three = b.log_in(3, "nbplayers=5");
    one_list(&[&a, &b], |list| list.len() == 3);
    // The lines of the answer, and its END.
    let ask = |clients: &TrackerProcess, line: &str| {
        let answer = clients.ask(&format!("{line}\nQUIT\n"));
        let lines = answer.lines().filter(|line| *line != "OK bye");
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        let end = lines.pop().unwrap();
        lines.sort();
        (lines, end)
    };
    let three = line(3, " nbplayers=5");
    let two = line(2, " nbplayers=3 map=rust");
    for tracker in [&a, &b] {
        let (lines, _) = ask(tracker, "LIST notempty");
        assert_eq!(lines, [&*two, &three]);
        let (lines, _) = ask(tracker, "LIST nbplayers>=4");
        assert_eq!(lines, [&*three]);
        let (lines, _) = ask(tracker, "LIST map=rust nbplayers>=1");
        assert_eq!(lines, [&*two]);
    }
    let revision = |end: &str| end.split(" rev=").nth(1).unwrap().to_owned();
    let [of_a, of_b] = [&a, &b].map(|tracker| revision(&ask(tracker, "LIST").1));
    assert_ne!(of_a, of_b);
    // What one tracker has called a revision says nothing to another: it sends the whole list.
    for (tracker, others, own) in [(&a, &of_b, &of_a), (&b, &of_a, &of_b)] {
        let (lines, end) = ask(tracker, &format!("LIST since={others}"));
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(end, format!("END count=3 rev={own}"));
        let (lines, end) = ask(tracker, &format!("LIST since={own}"));
        assert_eq!(lines, [""; 0]);
        assert_eq!(end, format!("END count=0 rev={own} since={own}"));
    }
    // Since then: one has changed, and is at the other tracker.
    assert_eq!(one.ask("INFOS nbplayers=1"), "OK");
    one_list(&[&a, &b], |list| {
        list[0] == line(1, " nbplayers=1 map=rust")
    });
    let (lines, _) = ask(&b, &format!("LIST since={of_b}"));
    assert_eq!(lines, [line(1, " nbplayers=1 map=rust")]);
    drop(one);
    one_list(&[&a, &b], |list| list.len() == 2);
    let (lines, _) = ask(&b, &format!("LIST since={of_b}"));
    assert_eq!(lines, ["GONE ip=127.0.0.1 port=1"]);
}

#[test]
fn watchers_are_told_what_happens_elsewhere() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    let mut watchers: Vec<(Peer, Known)> = ["WATCH", "WATCH nbplayers!=7"]
        .iter()
        .map(|line| {
            let mut peer = Peer::connect(b.clients);
            peer.send(line);
            let mut known = Known::default();
            known.read_batch(&mut peer);
            (peer, known)
        })
        .collect();
    let mut game_servers: Vec<Peer> = (1..=10).map(|port| a.log_in(port, "")).collect();
    for turn in 0..6 {
        for game_server in &mut game_servers {
            assert_eq!(game_server.ask(&format!("INFOS nbplayers={turn}")), "OK");
        }
    }
    assert!(
        game_servers[4]
            .ask("INFOS port=11")
            .starts_with("OK listed")
    );
    drop(game_servers.pop());
    let list = one_list(&[&a, &b], |list| list.len() == 9);
    for (peer, known) in &mut watchers {
        known.catch_up(peer, &list);
    }
    // Of many tries the quickest says what is meant to be; the others what else the machine did.
    let (watcher, known) = &mut watchers[0];
    let quickest = (100..110).map(|players| {
        let start = Instant::now();
        assert_eq!(
            game_servers[0].ask(&format!("INFOS nbplayers={players}")),
            "OK"
        );
        let end = known.read_batch(watcher);
        assert!(end.starts_with("END count=1 "), "{end}");
        start.elapsed()
    });
    let quickest = quickest.min().unwrap();
    assert!(quickest < Duration::from_millis(300), "{quickest:?}");
}

/// One that is shorter than the deadline of a round, as when an engine saves its data.
#[test]
fn a_short_halt_of_the_engine_shows_nowhere() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    let _one = a.log_in(1, "");
    one_list(&[&a, &b], |list| list == [line(1, "")]);
    let start = Instant::now();
    engine.signal("STOP");
    let took = time_of(|| {
        let mut two = b.log_in(2, "");
        assert_eq!(two.ask("INFOS nbplayers=1"), "OK");
        assert_eq!(a.list(), [line(1, "")]);
        assert_eq!(two.ask("QUIT"), "OK bye");
    });
    let _three = b.log_in(3, "");
    engine.signal("CONT");
    // On a machine that is so slow it was no short one.
    let is_short = start.elapsed() < Duration::from_secs(2);
    assert!(took < Duration::from_secs(1), "{took:?}");
    one_list(&[&a, &b], |list| list == [line(1, ""), line(3, "")]);
    for tracker in [&a, &b] {
        let log = tracker.log().join("\n");
        assert!(!is_short || !log.contains("event=not-sharing"), "{log}");
    }
}

#[test]
fn a_state_file_keeps_the_shared_list() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let folder = Folder::new("shared-state");
    fs::create_dir(&folder.0).unwrap();
    let file = folder.0.join("list").to_str().unwrap().to_owned();
    let mut a = engine.tracker("a", &["--state", &file]);
    let b = engine.tracker("b", &[]);
    let one = a.log_in(1, "");
    let mut two = b.log_in(2, "nbplayers=2");
    one_list(&[&a, &b], |list| list.len() == 2);
    wait_until("the file has both", || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        (text.contains(" port=1\n") && text.contains(" port=2 ")).then_some(())
    });
    a.kill();
    drop(one);
    // The first list has both, whether the engine has been reached or not.
    let a = engine.tracker_at_once("a", &["--state", &file]);
    assert_eq!(a.list().len(), 2);
    a.wait_for_stat("sharing", "sharing");
    let live = line(2, " nbplayers=2");
    let list = one_list(&[&a, &b], |list| list.contains(&live));
    assert_eq!(list.len(), 2);
    // What is not its own it does not keep from leaving, and its own comes back.
    let _one = a.log_in(1, "nbplayers=1");
    assert_eq!(two.ask("QUIT"), "OK bye");
    one_list(&[&a, &b], |list| list == [line(1, " nbplayers=1")]);
}

#[test]
fn a_tracker_that_is_started_again_without_a_state_file_has_the_list() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let (mut a, b) = (engine.tracker("a", &[]), engine.tracker("b", &[]));
    let one = a.log_in(1, "");
    let _two = b.log_in(2, "");
    one_list(&[&a, &b], |list| list.len() == 2);
    a.kill();
    drop(one);
    let a = engine.tracker("a", &[]);
    one_list(&[&a, &b], |list| list.len() == 2);
    // Its game server takes its place again. When it leaves, what the tracker that was killed has said of it
    // may show once more, for as long as that one's game servers are waited for.
    let mut one = a.log_in(1, "nbplayers=1");
    let expected = [line(1, " nbplayers=1"), line(2, "")];
    one_list(&[&a, &b], |list| list == expected);
    assert_eq!(one.ask("QUIT"), "OK bye");
    let list = one_list(&[&a, &b], |list| !list.contains(&expected[0]));
    assert!(list.contains(&expected[1]), "{list:?}");
}
