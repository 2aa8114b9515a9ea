//! What this tracker writes: its own list and its sign of life.
//!
//! Changes go into a stream, whose numbers have no gaps. The whole list is in a hash, which may be some minutes
//! older: whoever reads it goes on with the stream from the number that stands in it.

use super::plan::{About, Plan};
use crate::tracker::sharing::merge::Merge;
use crate::tracker::sharing::wire::names::{Alive, Names, TrackerId};
use std::collections::HashSet;
use std::net::SocketAddr;

/// The engine forgets a sign of life after so many milliseconds.
const LIFE_MS: &str = "10000";

/// The engine forgets the list of a tracker that is away after so many milliseconds: when the others do,
/// or where there are none.
const LIST_MS: &str = "70000";

/// The hash is written again after so many batches: four minutes if there is one in each round. Written every
/// minute, records were 40 of the 110 kB/s that three trackers with 1,000 changes a second had the engine move.
const REFRESH_AFTER: u64 = 3072;

/// Batches of changes that the engine keeps: a minute more than the hash may be old.
const MOST_BATCHES: &str = "4096";

/// The field of the hash that says up to which batch it has all changes.
pub(super) const SEQUENCE: &str = "seq";

/// The own side.
#[derive(Debug)]
pub(super) struct OwnSide {
    pub(super) id: TrackerId,
    /// What it is called.
    name: String,
    /// How many batches there were.
    sequence: u64,
    /// Lines that are not sent yet.
    batch: String,
    lines: usize,
    /// What the hash has not.
    changed: HashSet<SocketAddr>,
    /// The batch up to which the hash has them all.
    refreshed: u64,
    /// Everything is to be written.
    is_anew: bool,
    /// The sign of life as it was written last, and the one before.
    life: String,
    life_before: String,
}

impl OwnSide {
    pub(super) fn new(id: TrackerId, name: String) -> Self {
        Self {
            id,
            name,
            sequence: 0,
            batch: String::new(),
            lines: 0,
            changed: HashSet::new(),
            refreshed: 0,
            is_anew: true,
            life: String::new(),
            life_before: String::new(),
        }
    }

    /// Something has changed on the own list, which `line` says.
    pub(super) fn say(&mut self, address: SocketAddr, line: &str) {
        // All of it will be said.
        if self.is_anew {
            return;
        }
        if !self.batch.is_empty() {
            self.batch.push('\n');
        }
        self.batch.push_str(line);
        self.lines += 1;
        self.changed.insert(address);
    }

    /// Nothing that was written before counts any more.
    pub(super) fn write_anew(&mut self) {
        self.is_anew = true;
        self.batch.clear();
        self.lines = 0;
    }

    /// Plans what is to be written now. Returns how many changes that says.
    pub(super) fn write(&mut self, names: &Names, merge: &Merge, plan: &mut Plan) -> usize {
        if self.is_anew {
            self.plan_all(names, merge, plan);
            return 0;
        }
        if !self.batch.is_empty() {
            self.sequence += 1;
            let (stream, id) = (names.changes(self.id), format!("{}-0", self.sequence));
            let words = [
                "XADD",
                &stream,
                "MAXLEN",
                "~",
                MOST_BATCHES,
                &id,
                "c",
                &self.batch,
            ];
            plan.push(About::Done, &words);
            self.batch.clear();
        }
        if self.sequence >= self.refreshed + REFRESH_AFTER {
            self.refresh(names, merge, plan);
        }
        std::mem::take(&mut self.lines)
    }

    fn plan_all(&mut self, names: &Names, merge: &Merge, plan: &mut Plan) {
        let list = names.list(self.id);
        plan.push(About::Done, &["MULTI"]);
        let (changes, mend) = (names.changes(self.id), names.mend(self.id));
        plan.push(About::Done, &["DEL", &list, &changes, &mend]);
        // What others have read before leads nowhere.
        self.sequence += 1;
        self.changed = merge.own().iter().map(|claim| claim.address).collect();
        self.refresh(names, merge, plan);
        plan.push(About::Done, &["EXEC"]);
        let id = self.id.to_string();
        plan.push(About::Done, &["HSET", &names.trackers(), &id, &self.name]);
        self.is_anew = false;
        self.sign(names, merge, plan);
    }

    /// Plans to write what the hash has not.
    fn refresh(&mut self, names: &Names, merge: &Merge, plan: &mut Plan) {
        self.refreshed = self.sequence;
        let list = names.list(self.id);
        let mut put = vec!["HSET".to_owned(), list.clone()];
        let mut gone = vec!["HDEL".to_owned(), list];
        for address in self.changed.drain() {
            match merge.own().record(address) {
                Some(record) => put.extend([address.to_string(), record]),
                None => gone.push(address.to_string()),
            }
        }
        put.extend([SEQUENCE.to_owned(), self.sequence.to_string()]);
        if gone.len() > 2 {
            plan.push(About::Done, &gone);
        }
        plan.push(About::Done, &put);
    }

    /// Plans the sign of life, and to look what became of the one before.
    pub(super) fn live(&mut self, names: &Names, merge: &Merge, plan: &mut Plan) {
        self.life_before = std::mem::take(&mut self.life);
        plan.push(About::OwnLife, &["GET", &names.alive(self.id)]);
        plan.push(About::Mend, &["GET", &names.mend(self.id)]);
        self.sign(names, merge, plan);
    }

    fn sign(&mut self, names: &Names, merge: &Merge, plan: &mut Plan) {
        let own = merge.own();
        let life = Alive {
            seq: self.sequence,
            count: own.count() as u64,
            digest: own.digest(),
        };
        self.life = life.to_string();
        let alive = names.alive(self.id);
        plan.push(About::Done, &["SET", &alive, &self.life, "PX", LIFE_MS]);
        for key in [names.list(self.id), names.changes(self.id)] {
            plan.push(About::Done, &["PEXPIRE", &key, LIST_MS]);
        }
    }

    /// True if the engine still had what was written into it before.
    pub(super) fn is_life(&self, life: Option<&[u8]>) -> bool {
        life == Some(self.life_before.as_bytes())
    }

    /// True once all was written.
    pub(super) fn is_written(&self) -> bool {
        !self.is_anew
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gathers_while_the_engine_is_away() {
        let names = Names::new("test");
        let id = TrackerId(1);
        let (mut own, merge) = (OwnSide::new(id, "a".into()), Merge::new(id));
        let mut plan = Plan::default();
        own.write(&names, &merge, &mut plan);
        let address = SocketAddr::from(([192, 0, 2, 1], 1));
        own.say(address, "=0 nbplayers=3");
        assert_eq!((own.lines, own.changed.len()), (1, 1));
        own.write_anew();
        own.say(address, "=0 nbplayers=4");
        assert_eq!((own.lines, own.batch.as_str()), (0, ""));
    }
}
