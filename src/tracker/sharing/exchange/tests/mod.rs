//! What trackers say to an engine and to each other, on a pretend clock.

mod model_engine;

mod world;

use super::*;
use crate::tracker::sharing::exchange::own_side::SEQUENCE;
use quickcheck::QuickCheck;
use world::{ROUND, Tracker, World};

#[test]
fn what_one_says_the_others_list_two_rounds_later() {
    let mut world = World::new(3);
    world.run(Duration::from_secs(2));
    let now_ms = world.now_ms();
    world.trackers[0].login(7, 1, 3, now_ms);
    world.run(ROUND * 2);
    let expected = world.union();
    assert_eq!(expected.len(), 1);
    for tracker in &world.trackers {
        assert_eq!(tracker.list(), expected);
    }
    world.trackers[0].leave(*expected.keys().next().unwrap());
    world.run(ROUND * 2);
    assert!(
        world
            .trackers
            .iter()
            .all(|tracker| tracker.list().is_empty())
    );
}

#[test]
fn a_later_login_with_the_same_mark_takes_the_address_over() {
    let mut world = World::new(2);
    world.run(Duration::from_secs(2));
    let now_ms = world.now_ms();
    world.trackers[0].login(7, 1, 0, now_ms);
    world.run(ROUND * 3);
    // Whose clock is late comes later all the same.
    world.trackers[1].login(7, 1, 5, now_ms - 60_000);
    world.run(ROUND * 3);
    assert_eq!(world.trackers[0].merge.own().count(), 0);
    assert_eq!(world.trackers[1].merge.own().count(), 1);
    assert_eq!(world.trackers[0].list(), world.trackers[1].list());
}

#[test]
fn what_a_dead_tracker_listed_is_stale_and_then_gone() {
    let mut world = World::new(2);
    world.run(Duration::from_secs(2));
    let now_ms = world.now_ms();
    world.trackers[0].login(7, 1, 0, now_ms);
    world.run(ROUND * 3);
    world.trackers.remove(0);
    let is_stale = |world: &World| {
        let list = world.trackers[0].list();
        let infos = list.values().next()?;
        Some(infos.get("stale").is_some())
    };
    world.run(Duration::from_secs(8));
    assert_eq!(is_stale(&world), Some(false));
    world.run(Duration::from_secs(4));
    assert_eq!(is_stale(&world), Some(true));
    world.run(Duration::from_secs(56));
    assert_eq!(is_stale(&world), Some(true));
    // A tracker that comes now is told of it too, and no longer than the others.
    world.trackers.push(Tracker::new(9, world.now));
    world.run(ROUND * 2);
    assert_eq!(world.trackers[0].list(), world.trackers[1].list());
    world.run(Duration::from_secs(6));
    assert_eq!(is_stale(&world), None);
}

#[test]
fn a_list_that_the_engine_has_lost_is_written_again_once() {
    let mut world = World::new(2);
    world.run(Duration::from_secs(2));
    let now_ms = world.now_ms();
    world.trackers[0].login(7, 1, 0, now_ms);
    world.run(Duration::from_secs(2));
    let lost = Names::new("test").list(TrackerId(1));
    let mut pipeline = Pipeline::new();
    pipeline.push(&[b"DEL", lost.as_bytes()]);
    world.engine.obey(&pipeline, world.now);
    // Who knows it does not read it again; who comes now does.
    world.trackers.push(Tracker::new(9, world.now));
    world.run(Duration::from_secs(5));
    assert_eq!(world.trackers[2].list(), world.union());
    let reread = |world: &mut World| world.trackers[1].exchange.take_traffic().reread;
    reread(&mut world);
    world.run(Duration::from_secs(30));
    assert_eq!(reread(&mut world), 0);
}

#[test]
fn who_left_a_dead_tracker_and_then_another_does_not_come_back() {
    let mut world = World::new(3);
    world.run(Duration::from_secs(2));
    let now_ms = world.now_ms();
    world.trackers[0].login(7, 1, 0, now_ms);
    world.run(ROUND * 3);
    world.trackers.remove(0);
    world.run(Duration::from_secs(1));
    world.trackers[0].login(7, 1, 0, now_ms);
    world.run(ROUND * 3);
    let address = *world.union().keys().next().unwrap();
    world.trackers[0].leave(address);
    // The dead one counts as alive for so long.
    world.run(Duration::from_secs(12));
    for tracker in &world.trackers {
        assert!(tracker.list().is_empty());
    }
}

#[test]
fn the_time_of_a_dead_tracker_does_not_begin_anew_with_each_outage() {
    let mut world = World::new(2);
    world.run(Duration::from_secs(2));
    let now_ms = world.now_ms();
    world.trackers[0].login(7, 1, 0, now_ms);
    world.run(ROUND * 3);
    world.trackers.remove(0);
    for _ in 0..8 {
        world.run(Duration::from_secs(7));
        world.trackers[0].is_cut_off = true;
        world.run(Duration::from_secs(2));
        world.trackers[0].is_cut_off = false;
    }
    assert!(world.trackers[0].list().is_empty());
}

#[test]
fn what_is_not_ours_is_left_alone() {
    for line in ["gltracker-share 2 x", "something else", ""] {
        let mut world = World::new(1);
        let key = Names::new("test").format();
        world.ask(&["SET", &key, line, "NX"]);
        let tracker = &mut world.trackers[0];
        let replies = world
            .engine
            .obey(tracker.exchange.next(&tracker.merge, world.now), world.now);
        let taken = tracker
            .exchange
            .take(replies, &mut tracker.merge, world.now);
        assert!(taken.is_err(), "{line}");
        world.run(Duration::from_secs(3));
        assert_eq!(world.ask(&["GET", &key]), Reply::Bytes(line.into()));
    }
}

#[test]
fn a_list_that_somebody_deleted_is_written_again() {
    let (mut world, names) = (World::new(2), Names::new("test"));
    let now_ms = world.now_ms();
    world.trackers[0].login(7, 1, 3, now_ms);
    world.run(Duration::from_secs(2));
    world.ask(&["DEL", &names.list(TrackerId(1))]);
    world.trackers.push(Tracker::new(9, world.now));
    world.run(Duration::from_secs(4));
    assert_eq!(world.trackers[2].list(), world.union());
}

#[test]
fn a_tracker_that_is_forgotten_leaves_nothing_and_is_not_met_again() {
    let (mut world, names) = (World::new(2), Names::new("test"));
    let now_ms = world.now_ms();
    world.trackers[0].login(7, 1, 3, now_ms);
    world.run(Duration::from_secs(2));
    world.trackers.remove(0);
    let dead = TrackerId(1);
    // As if it had ended before its list was given an end.
    world.run(Duration::from_secs(30));
    world.ask(&["HSET", &names.list(dead), SEQUENCE, "1"]);
    world.ask(&["PEXPIRE", &names.list(dead), "1000000"]);
    world.run(Duration::from_secs(45));
    assert_eq!(world.trackers[0].merge.owners().count(), 0);
    assert_eq!(
        world.ask(&["HGETALL", &names.list(dead)]),
        Reply::Array(vec![])
    );
}

#[test]
fn numbers_that_no_tracker_gives_do_no_harm() {
    let (mut world, names) = (World::new(1), Names::new("test"));
    let (id, last) = (TrackerId(9), u64::MAX.to_string());
    world.run(Duration::from_secs(2));
    world.ask(&["HSET", &names.trackers(), &id.to_string(), "odd"]);
    world.ask(&["HSET", &names.list(id), SEQUENCE, &last]);
    let alive = format!("{last} 0 0000000000000000");
    world.ask(&["SET", &names.alive(id), &alive, "PX", "60000"]);
    world.run(Duration::from_secs(3));
    // What comes after the last number, as an engine can have it.
    let bytes = |text: &str| Reply::Bytes(text.into());
    let fields = Reply::Array(vec![bytes("c"), bytes("-0")]);
    let entry = Reply::Array(vec![bytes(&format!("{last}-1")), fields]);
    let stream = vec![bytes(&names.changes(id)), Reply::Array(vec![entry])];
    let tracker = &mut world.trackers[0];
    let pipeline = tracker.exchange.next(&tracker.merge, world.now);
    let mut replies = world.engine.obey(pipeline, world.now);
    replies.pop();
    replies.push(Reply::Array(vec![Reply::Array(stream)]));
    let taken = tracker
        .exchange
        .take(replies, &mut tracker.merge, world.now);
    taken.unwrap();
    world.run(Duration::from_secs(3));
    assert_eq!(world.trackers[0].merge.owners().count(), 1);
}

fn all_lists_are_the_union_soon_after(events: Vec<(u8, u8, u8)>) -> bool {
    let mut world = World::new(3);
    for (what, who, port) in events.into_iter().take(16) {
        world.happen(what, who, port);
    }
    world
        .trackers
        .iter_mut()
        .for_each(|tracker| tracker.is_cut_off = false);
    // That a tracker has ended is seen 10 s later, at the next look.
    world.run(Duration::from_secs(12));
    let union = world.union();
    for tracker in &world.trackers {
        let mut list = tracker.list();
        list.retain(|_, infos| infos.get("stale").is_none());
        assert_eq!(list, union);
    }
    world.run(Duration::from_secs(75));
    let union = world.union();
    world.trackers.iter().all(|tracker| tracker.list() == union)
}

#[test]
fn whatever_happens_all_lists_are_the_union_soon_after() {
    // Each history lasts some minutes of pretend time, a quarter of a second of real time.
    let mut tests = QuickCheck::new().tests(30);
    tests.quickcheck(all_lists_are_the_union_soon_after as fn(Vec<(u8, u8, u8)>) -> bool);
}

mod read_again;
