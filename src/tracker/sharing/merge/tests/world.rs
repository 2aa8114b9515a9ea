//! An engine and a tracker, as little of them as the merge can be tried with.

use super::super::*;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

/// How long a sign of life is kept.
pub(super) const ALIVE_FOR: Duration = Duration::from_secs(10);

/// How often a tracker looks for signs of life.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the engine has of one tracker.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    /// Sequence, count, digest, and when it expires.
    alive: Option<(u64, usize, u64, Instant)>,
    pub(super) hash: Option<(u64, BTreeMap<SocketAddr, String>)>,
    pub(super) stream: VecDeque<(u64, String)>,
    mend: bool,
}

/// What the engine has.
#[derive(Debug, Clone, Default)]
pub(super) struct Engine {
    pub(super) trackers: BTreeMap<TrackerId, Keys>,
    pub(super) is_down: bool,
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) is_own: bool,
    pub(super) claim: Claim,
    /// Its login has not been said yet.
    is_new: bool,
}

/// How far an owner has been read.
#[derive(Debug, Default)]
pub(super) struct At {
    /// `None` if its list is to be read anew.
    pub(super) seq: Option<u64>,
    wrong: u32,
}

pub(super) struct Tracker {
    pub(super) id: TrackerId,
    pub(super) merge: Merge,
    pub(super) list: BTreeMap<SocketAddr, Listed>,
    /// Addresses whose entry has changed since the last round.
    changed: BTreeSet<SocketAddr>,
    seq: u64,
    pub(super) is_cut: bool,
    pub(super) is_stopped: bool,
    write_anew: bool,
    pub(super) at: HashMap<TrackerId, At>,
    next_look: Instant,
    /// How far its clock is ahead, in milliseconds.
    ahead: u64,
    /// When to forget entries that came back stale.
    forget_at: Option<Instant>,
}

impl Tracker {
    pub(super) fn new(id: u64, now: Instant) -> Self {
        Self {
            id: TrackerId(id),
            merge: Merge::new(TrackerId(id)),
            list: BTreeMap::new(),
            changed: BTreeSet::new(),
            seq: 0,
            is_cut: false,
            is_stopped: false,
            write_anew: true,
            at: HashMap::new(),
            next_look: now,
            ahead: id * 7919 % 5000,
            forget_at: None,
        }
    }

    /// Somebody logs in. False if the address is taken.
    pub(super) fn login(&mut self, claim: Claim) -> bool {
        let may = self.list.get(&claim.address).is_none_or(|before| {
            let before = &before.claim;
            let yields = before.mark.is_none() || before.mark == claim.mark;
            (claim.is_at_home() && !before.is_at_home()) || (yields && before.peer == claim.peer)
        });
        if may {
            self.changed.insert(claim.address);
            let own = Listed {
                is_own: true,
                claim,
                is_new: true,
            };
            self.list.insert(own.claim.address, own);
        }
        may
    }

    /// An own game server changes a field or, with an empty one, leaves.
    pub(super) fn update(&mut self, address: SocketAddr, players: Option<u8>) {
        let own = self.list.get_mut(&address).filter(|it| it.is_own);
        let Some(own) = own else { return };
        match players {
            Some(players) => {
                let players = players.to_string();
                own.claim.infos.set("nbplayers", &players).unwrap();
            }
            None => drop(self.list.remove(&address)),
        }
        self.changed.insert(address);
    }

    /// It comes back after a crash as another owner, and lists its own again until they log in.
    pub(super) fn restart(&mut self, id: u64, with_list: bool, now: Instant) {
        let before = std::mem::replace(self, Self::new(id, now));
        for (address, mut it) in before.list {
            if with_list && it.is_own {
                it.claim.infos.set("stale", "yes").unwrap();
                it.claim.mark = it.claim.mark.filter(|mark| mark.0 == 1);
                it.is_new = true;
                self.list.insert(address, it);
                self.changed.insert(address);
            }
        }
        self.forget_at = Some(now + Duration::from_secs(90));
    }

    /// One round. `race` is a login between the look at the own list and the change of it.
    pub(super) fn round(
        &mut self,
        engine: &mut Engine,
        now: Instant,
        ms: u64,
        race: Option<Claim>,
    ) {
        if self.is_stopped {
            return;
        }
        self.forget_stale(now);
        let batch = self.own_changes(ms);
        if self.is_cut || engine.is_down {
            self.merge.engine(false, now);
            self.write_anew = true;
        } else {
            self.merge.engine(true, now);
            self.talk(engine, &batch, now);
        }
        race.map(|claim| self.login(claim));
        let dead = self.merge.forget(now);
        for id in &dead {
            self.at.remove(id);
            if !self.is_cut && !engine.is_down {
                engine.trackers.remove(id);
            }
        }
        self.change_list();
        let is_away = self.is_cut || engine.is_down;
        for (address, it) in &self.list {
            assert!(it.claim.is_whole());
            let is_settled = !it.is_own && !self.changed.contains(address);
            assert!(!is_away || !is_settled || it.claim.is_stale(), "{it:?}");
        }
    }

    fn forget_stale(&mut self, now: Instant) {
        if self.forget_at.is_some_and(|at| at <= now) {
            self.forget_at = None;
            let own = self
                .list
                .extract_if(.., |_, it| it.is_own && it.claim.is_stale());
            self.changed.extend(own.map(|(address, _)| address));
        }
    }

    fn own_changes(&mut self, ms: u64) -> Vec<String> {
        let mut lines = Vec::new();
        for address in std::mem::take(&mut self.changed) {
            let own = self.list.get_mut(&address).filter(|it| it.is_own);
            lines.extend(match own {
                Some(own) => {
                    if std::mem::take(&mut own.is_new) {
                        own.claim.stamp = self.merge.stamp(address, ms + self.ahead);
                    }
                    self.merge.put_own(own.claim.clone())
                }
                None => self.merge.remove_own(address),
            });
        }
        lines
    }

    fn talk(&mut self, engine: &mut Engine, batch: &[String], now: Instant) {
        let is_look = self.next_look <= now;
        if is_look {
            self.next_look = now + LOOK_EVERY;
            let keys = engine.trackers.get(&self.id);
            self.write_anew |= keys.is_none_or(|keys| keys.hash.is_none() || keys.mend);
        }
        let keys = engine.trackers.entry(self.id).or_default();
        if self.write_anew || !batch.is_empty() {
            self.seq += 1;
        }
        if !batch.is_empty() {
            keys.stream.push_back((self.seq, batch.join("\n")));
        }
        if std::mem::take(&mut self.write_anew) {
            let own = self.merge.own();
            let records = own
                .iter()
                .map(|it| (it.address, own.record(it.address).unwrap()));
            keys.hash = Some((self.seq, records.collect()));
            keys.mend = false;
        }
        if is_look {
            let own = self.merge.own();
            keys.alive = Some((self.seq, own.count(), own.digest(), now + ALIVE_FOR));
            self.hear_all(engine, now);
        }
        for (id, keys) in &mut engine.trackers {
            if *id != self.id {
                self.read(*id, keys, is_look);
            }
        }
    }

    fn hear_all(&mut self, engine: &Engine, now: Instant) {
        let known: Vec<TrackerId> = self.merge.owners().map(|(id, ..)| id).collect();
        for id in known.iter().chain(engine.trackers.keys()) {
            let alive = engine.trackers.get(id).and_then(|keys| keys.alive);
            let is_alive = alive.is_some_and(|(.., until)| now < until);
            self.merge.hear(*id, is_alive, now);
        }
    }

    fn read(&mut self, id: TrackerId, keys: &mut Keys, is_look: bool) {
        let at = self.at.entry(id).or_default();
        if at.seq.is_none() {
            let Some((seq, records)) = &keys.hash else {
                return;
            };
            if let Some(claims) = Claims::read(records.values().map(String::as_str)) {
                self.merge.read(id, claims);
                at.seq = Some(*seq);
            }
        }
        for (seq, batch) in &keys.stream {
            let is_next = at.seq.map(|seq| seq + 1);
            match is_next {
                Some(next) if next == *seq && self.merge.apply(id, batch) => at.seq = Some(*seq),
                Some(next) if next <= *seq => at.seq = None,
                _ => {}
            }
        }
        let Some((seq, count, digest, _)) = keys.alive.filter(|_| is_look) else {
            return;
        };
        let claims = self.merge.claims(id);
        let is_same = claims.is_some_and(|it| (it.count(), it.digest()) == (count, digest));
        if at.seq.is_none_or(|at| at < seq) || (at.seq == Some(seq) && !is_same) {
            at.seq = None;
            at.wrong += 1;
            keys.mend |= at.wrong >= 2;
        } else {
            at.wrong = 0;
        }
    }

    fn change_list(&mut self) {
        for most in [1, 2, 256].into_iter().cycle() {
            let ops = self.merge.next_ops(most);
            assert!(ops.len() <= most);
            if ops.is_empty() {
                break;
            }
            for op in ops {
                self.change(op);
            }
        }
        if self.changed.is_empty() {
            let others = self.list.values().filter(|it| !it.is_own);
            let stale = others.clone().filter(|it| it.claim.is_stale());
            assert_eq!(self.merge.shown(), (others.count(), stale.count()));
        }
    }

    fn change(&mut self, op: Op) {
        let (Op::Show { address, .. } | Op::Hide { address }) = op;
        let there = self.list.get(&address);
        let is_elsewhere = there.is_some_and(|it| !it.is_own);
        if self.changed.contains(&address) && !is_elsewhere {
            return self.merge.again(address);
        }
        let before = self.list.remove(&address);
        let was_own = before.as_ref().filter(|it| it.is_own);
        match op {
            Op::Show { claim, .. } => {
                assert_eq!(claim.address, address);
                if was_own.is_some() {
                    self.changed.insert(address);
                }
                let shown = Listed {
                    is_own: false,
                    claim,
                    is_new: false,
                };
                self.list.insert(address, shown);
            }
            Op::Hide { .. } => assert_eq!(was_own, None),
        }
    }
}
