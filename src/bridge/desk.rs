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
    /// Is woken when something is wanted.
    clerk: OnceLock<Thread>,
}

#[derive(Debug, Default)]
struct State {
    wanted: BTreeMap<SocketAddr, Wanted>,
    /// Those that the clerk has not looked at since they changed.
    changed: BTreeSet<SocketAddr>,
}

impl Desk {
    /// Has a game server listed, or says anew what it is.
    pub fn list(&self, address: SocketAddr, wanted: Wanted) {
        let mut state = lock(&self.wanted);
        if state.wanted.get(&address) == Some(&wanted) {
            return;
        }
        state.wanted.insert(address, wanted);
        state.changed.insert(address);
        drop(state);
        self.wake();
    }

    /// Takes a game server off the list, if `door` has put it there.
    pub fn unlist(&self, door: &str, address: SocketAddr) {
        let mut state = lock(&self.wanted);
        if state
            .wanted
            .get(&address)
            .is_some_and(|wanted| wanted.door == door)
        {
            state.wanted.remove(&address);
            state.changed.insert(address);
            drop(state);
            self.wake();
        }
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

    /// From now on this thread is woken (`unpark`) when something is wanted.
    pub fn set_clerk(&self, clerk: Thread) {
        // There is one clerk.
        let _ = self.clerk.set(clerk);
    }

    /// What has changed since the last call: whom it is about, and what is wanted now.
    pub fn take_changes(&self) -> Vec<(SocketAddr, Option<Wanted>)> {
        let mut state = lock(&self.wanted);
        let changed = std::mem::take(&mut state.changed);
        let now = |address| (address, state.wanted.get(&address).cloned());
        changed.into_iter().map(now).collect()
    }

    /// Everybody who is wanted.
    pub fn wanted(&self) -> Vec<(SocketAddr, Wanted)> {
        let state = lock(&self.wanted);
        let all = state.wanted.iter();
        all.map(|(address, wanted)| (*address, wanted.clone()))
            .collect()
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
        desk.unlist("cube", address);
        assert_eq!(desk.take_changes(), []);
        desk.unlist("quake", address);
        assert_eq!(
            (desk.take_changes(), desk.wanted()),
            (vec![(address, None)], vec![])
        );
    }

    #[test]
    fn a_listing_has_a_version_of_its_own() {
        let desk = Desk::default();
        let before = desk.listing();
        desk.set_listing(vec![(([127, 0, 0, 1], 1).into(), Infos::default())]);
        assert_eq!((before.version, desk.listing().version), (0, 1));
    }
}
