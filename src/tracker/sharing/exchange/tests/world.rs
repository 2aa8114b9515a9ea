//! Several trackers and an engine on a pretend clock.

use super::model_engine::ModelEngine;
use crate::protocol::fields::{Changes, Infos};
use crate::tracker::sharing::exchange::Exchange;
use crate::tracker::sharing::merge::{Merge, Op};
use crate::tracker::sharing::wire::names::TrackerId;
use crate::tracker::sharing::wire::record::{Claim, Mark};
use crate::tracker::sharing::wire::resp::{Pipeline, Reply};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub(super) const ROUND: Duration = Duration::from_millis(75);

pub(super) const LONG: Duration = Duration::from_secs(30);

/// One tracker: what it says to the engine, and its list.
pub(super) struct Tracker {
    pub(super) exchange: Exchange,
    pub(super) merge: Merge,
    /// What is shown for others.
    pub(super) shown: BTreeMap<SocketAddr, Claim>,
    pub(super) is_cut_off: bool,
    pub(super) is_connected: bool,
}

impl Tracker {
    pub(super) fn new(number: u64, now: Instant) -> Self {
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

    pub(super) fn login(&mut self, port: u16, mark: u64, players: u32, now_ms: u64) {
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

    pub(super) fn leave(&mut self, address: SocketAddr) {
        if let Some(line) = self.merge.remove_own(address) {
            self.exchange.say(address, &line);
        }
    }

    pub(super) fn round(&mut self, engine: &mut ModelEngine, now: Instant) {
        if self.is_cut_off {
            self.lose(now);
            self.merge.engine(false, now);
        } else {
            self.talk(engine, now);
        }
        self.show(now);
    }

    /// One exchange, and what it shows.
    pub(super) fn step(&mut self, engine: &mut ModelEngine, now: Instant) {
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
                Op::Show { address, claim } => {
                    self.shown.insert(address, claim);
                    self.leave(address);
                }
            }
        }
    }

    pub(super) fn lose(&mut self, now: Instant) {
        if std::mem::take(&mut self.is_connected) {
            self.exchange.begin_again(now);
        }
    }

    pub(super) fn talk(&mut self, engine: &mut ModelEngine, now: Instant) {
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
    pub(super) fn list(&self) -> BTreeMap<SocketAddr, Infos> {
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

pub(super) struct World {
    pub(super) trackers: Vec<Tracker>,
    pub(super) engine: ModelEngine,
    /// The engine as it was a second ago.
    pub(super) before: ModelEngine,
    pub(super) now: Instant,
    pub(super) rounds: u64,
    pub(super) started: u64,
}

impl World {
    pub(super) fn new(trackers: u64) -> Self {
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

    pub(super) fn run(&mut self, time: Duration) {
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

    /// What the engine answers to somebody else.
    pub(super) fn ask(&mut self, words: &[&str]) -> Reply {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let mut pipeline = Pipeline::new();
        pipeline.push(&words);
        self.engine.obey(&pipeline, self.now).remove(0)
    }

    /// Milliseconds of Unix time.
    pub(super) fn now_ms(&self) -> u64 {
        1_800_000_000_000 + self.rounds * 75
    }

    /// One thing happens.
    pub(super) fn happen(&mut self, what: u8, who: u8, port: u8) {
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
    pub(super) fn union(&self) -> BTreeMap<SocketAddr, Infos> {
        let own = self
            .trackers
            .iter()
            .flat_map(|tracker| tracker.merge.own().iter());
        own.map(|claim| (claim.address, claim.infos.clone()))
            .collect()
    }
}
