//! What stands between the doors and the tracker.
//!
//! A door says whom it wants listed, and looks up what the tracker lists. This file hides who waits for
//! whom: no door ever waits for the tracker.

use crate::base::mutex::lock;
use crate::protocol::fields::Infos;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::Thread;

/// A game server that a door wants listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The word of the door, such as `quake`.
    pub door: &'static str,
    /// What the door must remember of it besides its address, in one word.
    pub tag: String,
    /// What it is. `ip` and `port` are added.
    pub infos: Infos,
}

/// What has become of a game server that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is logged in to the tracker and listed.
    Listed,
    /// It is not listed: why, for the operator of the game server. It is tried again.
    Refused(String),
}

/// The tracker's list at one moment.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Grows with every change: what was made of a listing is good until this differs.
    pub version: u64,
    /// In the order of addresses.
    pub servers: Vec<(SocketAddr, Infos)>,
}

/// Shared by the doors and by what speaks to the tracker.
#[derive(Debug, Default)]
pub struct Desk {
    wanted: Mutex<State>,
    listing: Mutex<Arc<Listing>>,
    roll: Mutex<Roll>,
    /// Is woken when something is wanted.
    clerk: OnceLock<Thread>,
    /// Those whom an earlier run listed.
    remembered: OnceLock<Vec<Memory>>,
}

#[derive(Debug, Default)]
struct State {
    wanted: BTreeMap<SocketAddr, Order>,
    /// Grows with every change of what a later run is to remember: addresses, doors and tags.
    version: u64,
    /// Those that the clerk has not looked at since they changed.
    changed: BTreeSet<SocketAddr>,
}

/// Who is on the tracker's list, whether or not clients may be told.
#[derive(Debug, Default)]
struct Roll {
    addresses: BTreeSet<SocketAddr>,
    /// True while the tracker confirms it.
    is_live: bool,
    /// How often that has changed.
    turns: u64,
}

#[derive(Debug)]
struct Order {
    wanted: Wanted,
    outcome: Option<Outcome>,
}

impl Order {
    /// What a later run is to remember.
    fn memory(&self, address: SocketAddr) -> Memory {
        Memory {
            address,
            door: self.wanted.door.to_owned(),
            tag: self.wanted.tag.clone(),
        }
    }
}

/// A game server that was wanted when the bridge last ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Where it was.
    pub address: SocketAddr,
    /// The word of its door.
    pub door: String,
    /// As [`Wanted::tag`].
    pub tag: String,
}

impl Desk {
    /// Has a game server listed, or says anew what it is. Where another door has one listed at this
    /// address, that one stays.
    pub fn list(&self, address: SocketAddr, wanted: Wanted) {
        let mut state = lock(&self.wanted);
        let old = state.wanted.get_mut(&address);
        let is_remembered = old
            .as_ref()
            .is_some_and(|old| (old.wanted.door, &old.wanted.tag) == (wanted.door, &wanted.tag));
        match old {
            Some(old) if old.wanted == wanted || old.wanted.door != wanted.door => return,
            Some(old) => old.wanted = wanted,
            None => {
                let outcome = None;
                state.wanted.insert(address, Order { wanted, outcome });
            }
        }
        state.version += u64::from(!is_remembered);
        state.changed.insert(address);
        drop(state);
        self.wake();
    }

    /// Takes a game server off the list, if `door` has put it there.
    pub fn unlist(&self, door: &str, address: SocketAddr) {
        let mut state = lock(&self.wanted);
        let order = state.wanted.get(&address);
        if order.is_some_and(|order| order.wanted.door == door) {
            state.wanted.remove(&address);
            state.version += 1;
            state.changed.insert(address);
            drop(state);
            self.wake();
        }
    }

    /// What has become of a game server that is wanted; `None` for one that is not, or of which
    /// nothing is known yet.
    pub fn outcome(&self, address: SocketAddr) -> Option<Outcome> {
        lock(&self.wanted).wanted.get(&address)?.outcome.clone()
    }

    /// The game servers that `door` had listed when the bridge last ran, with their tags. They are to
    /// be asked at once, and are not listed before they have answered.
    pub fn remembered(&self, door: &str) -> Vec<(SocketAddr, String)> {
        let all = self.remembered.get().into_iter().flatten();
        all.filter(|memory| memory.door == door)
            .map(|memory| (memory.address, memory.tag.clone()))
            .collect()
    }

    /// What the tracker lists.
    pub fn listing(&self) -> Arc<Listing> {
        Arc::clone(&lock(&self.listing))
    }

    /// Replaces the listing.
    pub fn set_listing(&self, servers: Vec<(SocketAddr, Infos)>) {
        let mut listing = lock(&self.listing);
        let version = listing.version + 1;
        *listing = Arc::new(Listing { version, servers });
    }

    /// Puts an address on the roll of those that the tracker lists, or takes it off.
    pub fn set_on_list(&self, address: SocketAddr, is_on: bool) {
        let mut roll = lock(&self.roll);
        match is_on {
            true => roll.addresses.insert(address),
            false => roll.addresses.remove(&address),
        };
    }

    /// True if the tracker lists somebody at this address; `None` while it cannot be asked.
    pub fn is_on_list(&self, address: SocketAddr) -> Option<bool> {
        let roll = lock(&self.roll);
        roll.is_live.then(|| roll.addresses.contains(&address))
    }

    /// True while the tracker confirms its list.
    pub fn is_live(&self) -> bool {
        lock(&self.roll).is_live
    }

    /// Says whether the tracker confirms its list.
    pub fn set_live(&self, is_live: bool) {
        let mut roll = lock(&self.roll);
        if std::mem::replace(&mut roll.is_live, is_live) != is_live {
            roll.turns += 1;
            drop(roll);
            self.wake();
        }
    }

    /// How often the tracker's list was lost, and found again: after each time it may be another tracker.
    pub fn turns(&self) -> u64 {
        // The first is that it was found at all.
        lock(&self.roll).turns.saturating_sub(1)
    }

    /// From now on this thread is woken (`unpark`) when something is wanted.
    pub fn set_clerk(&self, clerk: Thread) {
        // There is one clerk.
        let _ = self.clerk.set(clerk);
    }

    /// What has changed since the last call: whom it is about, and what is wanted now.
    pub fn take_changes(&self) -> Vec<(SocketAddr, Option<Wanted>)> {
        let mut state = lock(&self.wanted);
        let changed = std::mem::take(&mut state.changed);
        let now = |address| {
            let order = state.wanted.get(&address);
            (address, order.map(|order| order.wanted.clone()))
        };
        changed.into_iter().map(now).collect()
    }

    /// Everybody who is wanted.
    pub fn wanted(&self) -> Vec<(SocketAddr, Wanted)> {
        let state = lock(&self.wanted);
        let all = state.wanted.iter();
        all.map(|(address, order)| (*address, order.wanted.clone()))
            .collect()
    }

    /// True if a door wants this game server listed.
    pub fn is_wanted(&self, address: SocketAddr) -> bool {
        lock(&self.wanted).wanted.contains_key(&address)
    }

    /// Says what has become of a game server, if it is still wanted.
    pub fn set_outcome(&self, address: SocketAddr, outcome: Option<Outcome>) {
        if let Some(order) = lock(&self.wanted).wanted.get_mut(&address) {
            order.outcome = outcome;
        }
    }

    /// Sets whom the doors find [remembered](Self::remembered), before they are opened.
    pub fn remember(&self, memories: Vec<Memory>) {
        // There is one file, and it is read once.
        let _ = self.remembered.set(memories);
    }

    /// How often what is to be remembered has changed.
    pub fn memory_version(&self) -> u64 {
        lock(&self.wanted).version
    }

    /// What the next run is to remember.
    pub fn memories(&self) -> Vec<Memory> {
        let state = lock(&self.wanted);
        let all = state.wanted.iter();
        all.map(|(address, order)| order.memory(*address)).collect()
    }

    /// How many game servers are wanted by each door, and how many of them are listed.
    pub fn counts(&self) -> BTreeMap<&'static str, (usize, usize)> {
        let mut counts = BTreeMap::new();
        for order in lock(&self.wanted).wanted.values() {
            let (wanted, listed) = counts.entry(order.wanted.door).or_default();
            *wanted += 1;
            *listed += usize::from(order.outcome == Some(Outcome::Listed));
        }
        counts
    }

    fn wake(&self) {
        if let Some(clerk) = self.clerk.get() {
            clerk.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_comes_out_once_and_in_its_last_form() {
        let desk = Desk::default();
        let address: SocketAddr = ([198, 51, 100, 7], 27960).into();
        let wanted = |infos: &str| Wanted {
            door: "quake",
            tag: "QuakeArena-1".to_owned(),
            infos: Infos::default().with(&crate::protocol::fields::Changes::parse(infos).unwrap()),
        };
        desk.list(address, wanted("map=a"));
        desk.list(address, wanted("map=b"));
        assert_eq!(desk.take_changes(), [(address, Some(wanted("map=b")))]);
        desk.list(address, wanted("map=b"));
        assert_eq!(desk.take_changes(), []);
        let mut other = wanted("map=c");
        other.door = "cube";
        desk.list(address, other);
        desk.unlist("cube", address);
        assert_eq!(desk.take_changes(), [], "another door has it");
        desk.unlist("quake", address);
        assert_eq!(
            (desk.take_changes(), desk.wanted()),
            (vec![(address, None)], vec![])
        );
    }

    #[test]
    fn a_tracker_may_be_another_one_once_its_list_was_lost() {
        let (desk, address) = (Desk::default(), ([198, 51, 100, 7], 27960).into());
        desk.set_live(false);
        desk.set_on_list(address, true);
        assert_eq!((desk.is_on_list(address), desk.turns()), (None, 0));
        desk.set_live(true);
        desk.set_live(true);
        assert_eq!((desk.is_on_list(address), desk.turns()), (Some(true), 0));
        desk.set_on_list(address, false);
        assert_eq!(desk.is_on_list(address), Some(false));
        desk.set_live(false);
        assert_eq!((desk.is_on_list(address), desk.turns()), (None, 1));
        desk.set_live(true);
        assert_eq!((desk.is_on_list(address), desk.turns()), (Some(false), 2));
    }

    #[test]
    fn an_outcome_lasts_as_long_as_its_game_server_is_wanted() {
        let (desk, address) = (Desk::default(), ([198, 51, 100, 7], 27960).into());
        let wanted = |tag: &str, map: &str| {
            let mut infos = Infos::default();
            infos.set("map", map).unwrap();
            let tag = tag.to_owned();
            let door = "quake";
            Wanted { door, tag, infos }
        };
        desk.set_outcome(address, Some(Outcome::Listed));
        assert_eq!(desk.outcome(address), None);
        desk.list(address, wanted("a", "x"));
        desk.set_outcome(address, Some(Outcome::Listed));
        let version = desk.memory_version();
        desk.list(address, wanted("a", "y"));
        assert_eq!(desk.outcome(address), Some(Outcome::Listed));
        assert_eq!(desk.memory_version(), version);
        assert_eq!(desk.counts(), BTreeMap::from([("quake", (1, 1))]));
        desk.list(address, wanted("b", "y"));
        assert_eq!(desk.memory_version(), version + 1);
        let (door, tag) = ("quake".to_owned(), "b".to_owned());
        let memory = Memory { address, door, tag };
        assert_eq!(desk.memories(), std::slice::from_ref(&memory));
        desk.unlist("quake", address);
        desk.list(address, wanted("a", "x"));
        assert_eq!(desk.outcome(address), None);
        desk.remember(vec![memory]);
        assert_eq!(desk.remembered("quake"), [(address, "b".to_owned())]);
        assert_eq!(desk.remembered("cube"), []);
    }

    #[test]
    fn a_listing_has_a_version_of_its_own() {
        let desk = Desk::default();
        let before = desk.listing();
        desk.set_listing(vec![(([127, 0, 0, 1], 1).into(), Infos::default())]);
        assert_eq!((before.version, desk.listing().version), (0, 1));
    }
}
