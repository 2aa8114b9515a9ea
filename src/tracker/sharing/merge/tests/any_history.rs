//! Whatever happens to trackers, to the engine and to the game servers.

use super::world::*;
use super::*;
use quickcheck::quickcheck;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a round takes.
const ROUND: Duration = Duration::from_millis(75);

struct World {
    trackers: Vec<Tracker>,
    engine: Engine,
    /// The engine as it was some time ago: a replica that is behind.
    replica: Engine,
    now: Instant,
    ms: u64,
    next_id: u64,
}

/// A game server: the address, where it connects from, and what it logs in with.
fn some(address: u8, how: u8) -> Claim {
    let home = [192, 0, 2, 1 + address % 2];
    let peer = if how.is_multiple_of(3) {
        [192, 0, 2, 9]
    } else {
        home
    };
    let ip = home.map(|byte| byte.to_string()).join(".");
    let port = (1 + address / 2 % 3).to_string();
    let fields = [("ip", &ip[..]), ("port", &port)];
    let infos = Infos::default().with(&Changes::of(&fields).unwrap());
    let mark = Mark(1 + u64::from(how / 3 % 2));
    Claim::new(peer.into(), 0, Some(mark), infos).unwrap()
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            trackers: (1..=3).map(|id| Tracker::new(id, now)).collect(),
            engine: Engine::default(),
            replica: Engine::default(),
            now,
            ms: 1_795_539_012_345,
            next_id: 4,
        }
    }

    fn later(&mut self, by: Duration) {
        self.now += by;
        self.ms += by.as_millis() as u64;
    }

    fn round(&mut self, mut race: Option<(usize, Claim)>) {
        for (n, tracker) in self.trackers.iter_mut().enumerate() {
            let race = race.take_if(|(at, _)| *at == n).map(|(_, claim)| claim);
            tracker.round(&mut self.engine, self.now, self.ms, race);
        }
        self.later(ROUND);
    }

    fn run(&mut self, time: Duration, step: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.round(None);
            self.later(step.saturating_sub(ROUND));
        }
    }

    fn happens(&mut self, what: u8, who: u8, how: u8) {
        let n = usize::from(who % 3);
        let claim = some(who / 3, how);
        let tracker = &mut self.trackers[n];
        match what % 40 {
            0..=5 => drop(tracker.login(claim)),
            6..=10 => tracker.update(claim.address, Some(how)),
            11 | 12 => tracker.update(claim.address, None),
            13 | 14 => self.moves(n, &claim, how),
            15 | 16 => return self.round(Some((n, claim))),
            17 | 18 => self.restart(n, how.is_multiple_of(2)),
            19 | 20 => tracker.is_cut = !tracker.is_cut,
            21 => tracker.is_stopped = !tracker.is_stopped,
            22 => self.engine.is_down = !self.engine.is_down,
            23 => self.engine.trackers.clear(),
            24 => self.replica = self.engine.clone(),
            25 => self.engine = self.replica.clone(),
            26 => self.trim(how),
            27 => {
                // What has been applied already comes once more.
                for at in tracker.at.values_mut() {
                    at.seq = at.seq.map(|seq| seq.saturating_sub(u64::from(how % 4)));
                }
            }
            28 => self.loses_a_record(how),
            29 => self.run(
                Duration::from_secs(u64::from(how % 80)),
                Duration::from_secs(1),
            ),
            30 => self.run(Duration::from_secs(u64::from(how % 12)), ROUND),
            31 | 32 => {
                // It leaves before anybody could say that it came.
                tracker.login(claim.clone());
                tracker.update(claim.address, None);
            }
            33..=38 => self.mend(),
            _ => self
                .engine
                .trackers
                .values_mut()
                .for_each(|keys| keys.hash = None),
        }
        self.round(None);
    }

    /// A game server leaves its tracker, or its connection there is broken, and logs in to another.
    fn moves(&mut self, to: usize, claim: &Claim, how: u8) {
        let from = (to + 1) % 3;
        let there = self.trackers[from].list.get(&claim.address);
        let Some(there) = there.filter(|it| it.is_own).cloned() else {
            return;
        };
        if how.is_multiple_of(2) {
            self.trackers[from].update(claim.address, None);
        }
        self.trackers[to].login(there.claim);
    }

    fn restart(&mut self, n: usize, with_list: bool) {
        self.trackers[n].restart(self.next_id, with_list, self.now);
        self.next_id += 1;
    }

    fn trim(&mut self, to: u8) {
        for keys in self.engine.trackers.values_mut() {
            let all = keys.stream.len();
            keys.stream.drain(..all.saturating_sub(usize::from(to % 4)));
        }
    }

    fn loses_a_record(&mut self, n: u8) {
        let hashes = self.engine.trackers.values_mut();
        let mut hashes = hashes.filter_map(|keys| keys.hash.as_mut());
        let hash = hashes.nth(usize::from(n % 3));
        hash.and_then(|(_, records)| records.pop_first());
    }

    fn mend(&mut self) {
        self.engine.is_down = false;
        for tracker in &mut self.trackers {
            (tracker.is_cut, tracker.is_stopped) = (false, false);
        }
    }

    /// What all trackers own, of which no address may belong to two.
    fn union(&self, is_wanted: impl Fn(&Claim) -> bool) -> BTreeMap<SocketAddr, Claim> {
        let mut all = BTreeMap::new();
        for tracker in &self.trackers {
            for (address, it) in &tracker.list {
                if it.is_own && is_wanted(&it.claim) {
                    let before = all.insert(*address, it.claim.clone());
                    assert_eq!(before, None, "two own it");
                }
            }
        }
        all
    }

    fn check(&self, is_wanted: impl Fn(&Claim) -> bool) {
        let union = self.union(&is_wanted);
        for tracker in &self.trackers {
            let shown = tracker.list.iter();
            let shown = shown.filter(|(_, it)| is_wanted(&it.claim));
            let shown = shown.map(|(address, it)| (*address, it.claim.clone()));
            assert_eq!(shown.collect::<BTreeMap<_, _>>(), union, "{:?}", tracker.id);
        }
    }
}

quickcheck! {
    fn all_agree_ten_seconds_after_the_last_fault(history: Vec<(u8, u8, u8)>) -> bool {
        let mut world = World::new();
        for (what, who, how) in history {
            world.happens(what, who, how);
        }
        world.mend();
        // Whoever died last is believed to be there until its sign of life is gone and somebody looks.
        world.run(ALIVE_FOR + 2 * LOOK_EVERY, ROUND);
        world.check(|claim| !claim.is_stale());
        // Nobody is left whom nobody owns.
        world.run(Duration::from_secs(95), LOOK_EVERY);
        world.check(|_| true);
        true
    }
}
