//! What was said to the list, and where something is to be said.

use crate::tracker::sharing::wire::{names::TrackerId, record::Claim};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

/// What was last said of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    owner: TrackerId,
    /// The digest of the claim as it was said: a list of others' claims is kept once, not twice. `None` if
    /// it is to be said again, whatever it is.
    digest: Option<u64>,
    is_stale: bool,
}

/// What the list was told of others' game servers, and which addresses are to be looked at.
#[derive(Debug, Default)]
pub(super) struct Shown {
    said: HashMap<SocketAddr, Said>,
    /// How many of them are stale.
    stale: usize,
    touched: BTreeSet<SocketAddr>,
    /// Touched, but not in this round.
    later: Vec<SocketAddr>,
}

impl Shown {
    /// True if the list shows another's game server there.
    pub(super) fn is_said(&self, address: SocketAddr) -> bool {
        self.said.contains_key(&address)
    }

    /// Takes down what is to be said. False if it has been said already.
    pub(super) fn say(&mut self, owner: TrackerId, claim: &Claim) -> bool {
        let said = Said {
            owner,
            digest: Some(claim.digest(0)),
            is_stale: claim.is_stale(),
        };
        let before = self.said.insert(claim.address, said);
        self.stale += usize::from(said.is_stale);
        self.stale -= usize::from(before.is_some_and(|before| before.is_stale));
        before != Some(said)
    }

    /// Nothing of another is there any more. True if there was something.
    pub(super) fn unsay(&mut self, address: SocketAddr) -> bool {
        let before = self.said.remove(&address);
        self.stale -= usize::from(before.is_some_and(|before| before.is_stale));
        before.is_some()
    }

    /// How many game servers of others the list shows, and how many of them are stale.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.said.len(), self.stale)
    }

    /// What was said of an address may not be what the list has there: it is to be said again.
    pub(super) fn doubt(&mut self, address: SocketAddr) {
        if let Some(said) = self.said.get_mut(&address) {
            said.digest = None;
        }
        self.touched.insert(address);
    }

    /// Everything is to be said again.
    pub(super) fn say_again(&mut self) {
        for (address, said) in &mut self.said {
            said.digest = None;
            self.touched.insert(*address);
        }
    }

    /// An address is to be looked at.
    pub(super) fn touch(&mut self, address: SocketAddr) {
        self.touched.insert(address);
    }

    /// An address is to be looked at in the next round.
    pub(super) fn touch_later(&mut self, address: SocketAddr) {
        self.later.push(address);
    }

    /// The next address to look at in this round.
    pub(super) fn next(&mut self) -> Option<SocketAddr> {
        self.touched.pop_first()
    }

    /// The round is over.
    pub(super) fn end_round(&mut self) {
        self.touched.extend(self.later.drain(..));
    }
}
