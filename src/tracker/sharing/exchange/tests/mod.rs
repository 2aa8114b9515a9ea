//! Several trackers and an engine on a pretend clock.

mod model_engine;

use super::*;
use crate::protocol::fields::{Changes, Infos};
use crate::tracker::sharing::merge::Op;
use crate::tracker::sharing::wire::record::{Claim, Mark};
use model_engine::ModelEngine;
use quickcheck::QuickCheck;
use std::collections::BTreeMap;

const ROUND: Duration = Duration::from_millis(75);

const LONG: Duration = Duration::from_secs(30);

/// One tracker: what it says to the engine, and its list.
struct Tracker {
    exchange: Exchange,
    merge: Merge,
    /// What is shown for others.
    shown: BTreeMap<SocketAddr, Claim>,
    is_cut_off: bool,
    is_connected: bool,
}

impl Tracker {
    fn new(number: u64, now: Instant) -> Self {
        let id = TrackerId(number);
        let name = format!("tracker-{number}");
        Self {
            exchange: Exchange::new("test", id, &name, [number as u8; 16], now),
            merge: Merge::new(id),
            shown: BTreeMap::new(),
            is_cut_off: false,
            is_connected: false,
        }
    }

    fn login(&mut self, port: u16, mark: u64, players: u32, now_ms: u64) {
        let said = format!("ip=192.0.2.1 port={port} nbplayers={players}");
        let infos = Infos::default().with(&Changes::parse(&said).unwrap());
        let address = SocketAddr::new("192.0.2.1".parse().unwrap(), port);
        let known = self.merge.own_stamp(address);
        let claim = Claim {
            address,
            peer: address.ip(),
            stamp: known.unwrap_or_else(|| self.merge.stamp(address, now_ms)),
            mark: Some(Mark(mark)),
            infos,
        };
        self.shown.remove(&address);
        if let Some(line) = self.merge.put_own(claim) {
            self.exchange.say(address, &line);
        }
    }

    fn leave(&mut self, address: SocketAddr) {
        if let Some(line) = self.merge.remove_own(address) {
            self.exchange.say(address, &line);
        }
    }

    fn round(&mut self, engine: &mut ModelEngine, now: Instant) {
        if self.is_cut_off {
            self.lose(now);
            self.merge.engine(false, now);
        } else {
            self.talk(engine, now);
        }
        self.show(now);
    }

    /// One exchange, and what it shows.
    fn step(&mut self, engine: &mut ModelEngine, now: Instant) {
        let replies = engine.obey(self.exchange.next(&self.merge, now), now);
        let taken = self.exchange.take(replies, &mut self.merge, now);
        taken.unwrap();
        self.show(now);
    }

    fn show(&mut self, now: Instant) {
        let gone = self.merge.forget(now);
        self.exchange.forget(&gone);
        if self.is_connected && !self.exchange.is_whole() {
            return;
        }
        for op in self.merge.next_ops(usize::MAX) {
            match op {
                Op::Hide { address } => drop(self.shown.remove(&address)),
                Op::Show { address, claim, .. } => {
                    self.shown.insert(address, claim);
                    self.leave(address);
                }
            }
        }
    }

    fn lose(&mut self, now: Instant) {
        if std::mem::take(&mut self.is_connected) {
            self.exchange.begin_again(now);
        }
    }

    fn talk(&mut self, engine: &mut ModelEngine, now: Instant) {
        self.is_connected = true;
        for _ in 0..100 {
            let replies = engine.obey(self.exchange.next(&self.merge, now), now);
            if self.exchange.take(replies, &mut self.merge, now).is_err() {
                return self.lose(now);
            }
            if !self.exchange.has_more() {
                return;
            }
        }
    }

    /// All that it lists, stale or not.
    fn list(&self) -> BTreeMap<SocketAddr, Infos> {
        let own = self
            .merge
            .own()
            .iter()
            .map(|claim| (claim.address, claim.infos.clone()));
        let others = self
            .shown
            .iter()
            .map(|(at, claim)| (*at, claim.infos.clone()));
        own.chain(others).collect()
    }
}

struct World {
    trackers: Vec<Tracker>,
    engine: ModelEngine,
    /// The engine as it was a second ago.
    before: ModelEngine,
    now: Instant,
    rounds: u64,
    started: u64,
}

impl World {
    fn new(trackers: u64) -> Self {
        let now = Instant::now();
        Self {
            trackers: (1..=trackers)
                .map(|number| Tracker::new(number, now))
                .collect(),
            engine: ModelEngine::default(),
            before: ModelEngine::default(),
            now,
            rounds: 0,
            started: trackers,
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        // What takes long does not depend on how often it is looked at.
        let step = if time > LONG { ROUND * 4 } else { ROUND };
        while self.now < end {
            self.now += step;
            self.rounds += 1;
            if self.rounds.is_multiple_of(13) {
                self.before = self.engine.clone();
            }
            for tracker in &mut self.trackers {
                tracker.round(&mut self.engine, self.now);
            }
        }
    }

    /// Milliseconds of Unix time.
    fn now_ms(&self) -> u64 {
        1_800_000_000_000 + self.rounds * 75
    }

    /// One thing happens.
    fn happen(&mut self, what: u8, who: u8, port: u8) {
        let at = usize::from(who) % self.trackers.len();
        let port = 1 + u16::from(port % 24);
        let now_ms = self.now_ms();
        let tracker = &mut self.trackers[at];
        match what % 17 {
            0..6 => tracker.login(port, u64::from(who % 2), u32::from(what), now_ms),
            6 | 7 => {
                let own = tracker.merge.own().iter().map(|claim| claim.address);
                let one = own.min();
                one.into_iter().for_each(|address| tracker.leave(address));
            }
            8 => tracker.is_cut_off = true,
            9 => tracker.is_cut_off = false,
            10 => {
                self.started += 1;
                *tracker = Tracker::new(self.started, self.now);
            }
            11 => self.engine.restart_empty(),
            12 => self.engine = self.before.clone(),
            13 => self.engine.trim(),
            14 => self.engine.damage(usize::from(port)),
            15 => self.engine.evict(usize::from(port)),
            _ => self.run(Duration::from_secs(u64::from(who % 90))),
        }
        self.run(ROUND * u32::from(who % 4));
    }

    /// What must be listed: what is logged in somewhere.
    fn union(&self) -> BTreeMap<SocketAddr, Infos> {
        let own = self
            .trackers
            .iter()
            .flat_map(|tracker| tracker.merge.own().iter());
        own.map(|claim| (claim.address, claim.infos.clone()))
            .collect()
    }
}

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
fn what_is_not_ours_is_left_alone() {
    for line in ["gltracker-share 2 x", "something else", ""] {
        let mut world = World::new(1);
        let key = Names::new("test").format();
        let mut pipeline = Pipeline::new();
        pipeline.push(&[b"SET", key.as_bytes(), line.as_bytes(), b"NX"]);
        world.engine.obey(&pipeline, world.now);
        let tracker = &mut world.trackers[0];
        let replies = world
            .engine
            .obey(tracker.exchange.next(&tracker.merge, world.now), world.now);
        let taken = tracker
            .exchange
            .take(replies, &mut tracker.merge, world.now);
        assert!(taken.is_err(), "{line}");
        world.run(Duration::from_secs(3));
        let mut pipeline = Pipeline::new();
        pipeline.push(&[b"GET", key.as_bytes()]);
        let there = world.engine.obey(&pipeline, world.now);
        assert_eq!(there, [Reply::Bytes(line.into())]);
    }
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
