//! The engine is gone, does not answer, or is slow: what trackers list meanwhile and afterwards.

use crate::engine::EngineProcess;
use crate::harness::Peer;
use crate::patience::time_of;
use crate::relay::Relay;
use crate::sharing_stage::{SOON, in_state, says, shows, tracker, with_each_engine, within};
use std::time::Duration;

/// Nobody notices that the engine is away who asks for a list or logs in.
const AT_ONCE: Duration = Duration::from_secs(1);

/// An engine that is killed and comes back with nothing.
fn is_killed_and_comes_back_empty(program: &str) {
    let Some(mut engine) = EngineProcess::start_program(program, &[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    let (mut seven, _eight) = (a.log_in(7, ""), b.log_in(8, ""));
    shows(&a, "7 8");
    shows(&b, "7 8");
    let mut watcher = Peer::connect(a.clients);
    watcher.send("WATCH");
    engine.kill();
    within(SOON, || {
        shows(&a, "7 8~");
        shows(&b, "7~ 8");
    });
    in_state(&a, "away");
    let took = time_of(|| {
        a.log_in(9, "").send("QUIT");
        assert_eq!(seven.ask("INFOS nbplayers=3"), "OK");
        shows(&a, "7 8~");
    });
    assert!(took < AT_ONCE, "{took:?}");
    let _ten = a.log_in(10, "");
    engine.restart();
    within(SOON, || {
        shows(&a, "7 8 10");
        shows(&b, "7 8 10");
    });
    says(&b, "nbplayers=3");
    in_state(&a, "sharing");
    watcher.send("QUIT");
    let seen = watcher.read_to_end();
    assert!(!seen.contains("GONE 127.0.0.1 8"), "{seen}");
}

#[test]
fn an_engine_that_comes_back_empty_has_all_lists_soon() {
    with_each_engine(is_killed_and_comes_back_empty);
}

#[test]
fn an_engine_that_stops_for_a_moment_is_waited_for_and_for_longer_is_away() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    let (mut seven, _eight) = (a.log_in(7, ""), b.log_in(8, ""));
    shows(&a, "7 8");
    shows(&b, "7 8");
    engine.signal("STOP");
    std::thread::sleep(Duration::from_secs(1));
    engine.signal("CONT");
    let _nine = b.log_in(9, "");
    shows(&a, "7 8 9");
    assert_eq!(a.log().join("\n").matches("event=not-sharing").count(), 0);
    engine.signal("STOP");
    let took = time_of(|| {
        assert_eq!(seven.ask("INFOS nbplayers=3"), "OK");
        a.log_in(10, "").send("QUIT");
        shows(&a, "7 8 9");
    });
    assert!(took < AT_ONCE, "{took:?}");
    shows(&a, "7 8~ 9~");
    shows(&b, "7~ 8 9");
    let line = a.wait_for_log("event=not-sharing");
    assert!(line.contains("said nothing for 3 s"), "{line}");
    engine.signal("CONT");
    within(SOON, || {
        shows(&a, "7 8 9");
        shows(&b, "7 8 9");
    });
    says(&b, "nbplayers=3");
}

#[test]
fn a_connection_that_is_cut_is_made_again_before_anybody_notices() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    let (mut seven, _eight) = (a.log_in(7, ""), b.log_in(8, ""));
    shows(&a, "7 8");
    shows(&b, "7 8");
    let mut watchers = [&a, &b].map(|tracker| Peer::connect(tracker.clients));
    watchers
        .iter_mut()
        .for_each(|watcher| watcher.send("WATCH"));
    for players in 1..4 {
        let killed = engine.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        assert_eq!(killed, "2");
        assert_eq!(seven.ask(&format!("INFOS nbplayers={players}")), "OK");
        within(SOON, || says(&b, &format!("nbplayers={players}")));
    }
    for mut watcher in watchers {
        watcher.send("QUIT");
        let seen = watcher.read_to_end();
        assert!(
            !seen.contains("stale=yes") && !seen.contains("GONE"),
            "{seen}"
        );
    }
}

#[test]
fn a_slow_way_to_the_engine_makes_news_late_and_nothing_else() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let half_a_second = Duration::from_millis(500);
    let relay = Relay::new(engine.address, half_a_second);
    let far = tracker(&relay.address.to_string(), "far", &[]);
    let near = engine.tracker("near", &[]);
    in_state(&far, "sharing");
    let took = time_of(|| {
        far.log_in(6, "").send("QUIT");
        shows(&far, "");
    });
    assert!(took < AT_ONCE, "{took:?}");
    let (_seven, _eight) = (far.log_in(7, ""), near.log_in(8, ""));
    within(SOON, || {
        shows(&near, "7 8");
        shows(&far, "7 8");
    });
    in_state(&far, "sharing");
    assert!(!far.log().join("\n").contains("not-sharing"));
}

#[test]
fn a_game_server_that_says_something_new_all_the_time_is_told_that_it_has_moved() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let relay = Relay::new(engine.address, Duration::from_millis(200));
    let far = tracker(&relay.address.to_string(), "far", &[]);
    let near = engine.tracker("near", &[]);
    in_state(&far, "sharing");
    let mut before = far.log_in(7, "");
    shows(&near, "7");
    let _now = near.log_in(7, "here=now");
    // It has news in every round of the tracker that it is to leave.
    let mut players = 0..500;
    let told = players.find_map(|players| {
        let answer = before.ask(&format!("INFOS nbplayers={}", players % 100));
        std::thread::sleep(Duration::from_millis(20));
        answer.starts_with("ERR ").then_some(answer)
    });
    assert!(told.unwrap().starts_with("ERR taken "));
    says(&far, "here=now");
}

#[test]
fn a_tracker_that_is_cut_off_is_stale_for_the_others_and_they_for_it() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let relay = Relay::new(engine.address, Duration::ZERO);
    let a = tracker(&relay.address.to_string(), "a", &[]);
    let b = engine.tracker("b", &[]);
    let (mut seven, mut eight) = (a.log_in(7, ""), b.log_in(8, ""));
    shows(&a, "7 8");
    shows(&b, "7 8");
    relay.cut();
    within(SOON, || shows(&a, "7 8~"));
    // Its game servers stay, and are told nothing.
    assert_eq!(seven.ask("INFOS nbplayers=3"), "OK");
    assert_eq!(eight.ask("INFOS nbplayers=4"), "OK");
    within(Duration::from_secs(18), || shows(&b, "7~ 8"));
    b.wait_for_log("event=tracker-away name=a");
    relay.join();
    within(SOON, || {
        shows(&a, "7 8");
        shows(&b, "7 8");
    });
    says(&a, "nbplayers=4");
    says(&b, "nbplayers=3");
}
