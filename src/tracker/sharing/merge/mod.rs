//! What all trackers own becomes what one of them lists. Pure: no engine, no list and no clock.
//!
//! What is heard of the engine goes in; what is to change on the list of this tracker comes out, as [`Op`]s.
//! Every tracker that has heard the same shows the same, whatever the order. Each file imports only from
//! those above it:
//!
//! - `winner`: who is shown where several have the same address.
//! - `owners`: who of the others is there, and how long what they own is kept.
//! - `shown`: what was said to the list, and where something is to be said.

mod winner;

mod owners;

mod shown;

use super::claims::Claims;
use super::wire::{names::TrackerId, record::Claim};
use owners::Owners;
pub use owners::{AWAY_FOR, KEPT_FOR};
use shown::Shown;
use std::net::SocketAddr;
use std::time::Instant;
use winner::{Candidate, winner};

/// A change of this tracker's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Shows a game server of another tracker, in place of whatever is there. It may be there already.
    Show {
        /// Where it is.
        address: SocketAddr,
        /// What is said of it, with `stale=yes` if nothing is heard of its owner.
        claim: Claim,
    },
    /// Takes another's game server off the list. It may be gone already.
    Hide {
        /// Where it was.
        address: SocketAddr,
    },
}

/// What this tracker and all others own, and what is to be done about it.
///
/// In a round the caller first says by [`put_own`](Self::put_own) and [`remove_own`](Self::remove_own) what
/// has changed on the list, then what it has heard of the engine, and then does what
/// [`next_ops`](Self::next_ops) says until there is nothing left. What an operation does to this tracker's
/// own entries is a change of the list like any other, which the next round says.
#[derive(Debug)]
pub struct Merge {
    id: TrackerId,
    own: Claims,
    others: Owners,
    shown: Shown,
}

impl Merge {
    /// A tracker that owns nothing and has heard of nobody. The engine is away.
    pub fn new(own: TrackerId) -> Self {
        Self {
            id: own,
            own: Claims::default(),
            others: Owners::default(),
            shown: Shown::default(),
        }
    }

    /// What this tracker owns.
    pub fn own(&self) -> &Claims {
        &self.own
    }

    /// The list has this entry of this tracker's own now, be it new, changed or as before. Returns the line
    /// of the batch that says so, or `None` if that is no news.
    pub fn put_own(&mut self, claim: Claim) -> Option<String> {
        // It has taken the place of another's, if there was one.
        self.shown.unsay(claim.address);
        self.shown.touch(claim.address);
        self.own.put(claim)
    }

    /// The list has no entry of this tracker's own at `address` any more: it has left, or an operation has
    /// put another's in its place. Returns the line of the batch that says so.
    ///
    /// It may have come and gone within one round, and have taken the place of another's. So whatever is
    /// to be there is said again.
    pub fn remove_own(&mut self, address: SocketAddr) -> Option<String> {
        self.shown.doubt(address);
        self.own.remove(address)
    }

    /// The stamp of somebody who logs in at `address` now: later than all that is known there.
    pub fn stamp(&self, address: SocketAddr, now_ms: u64) -> u64 {
        let others = self.others.at(address).map(|one| one.claim.stamp);
        let own = self.own.get(address).map(|claim| claim.stamp);
        let latest = others.chain(own).max();
        now_ms.max(latest.map_or(0, |latest| latest.saturating_add(1)))
    }

    /// The stamp of the own game server that has `address`. `None` if it has none, or if another's was shown
    /// there: whoever has the address now has logged in after that.
    pub fn own_stamp(&self, address: SocketAddr) -> Option<u64> {
        self.own_at(address).map(|own| own.claim.stamp)
    }

    /// Replaces what is known of an owner by what it owns now.
    pub fn read(&mut self, owner: TrackerId, claims: Claims) {
        if owner == self.id {
            return;
        }
        let known = self.others.get_or_new(owner);
        let before = std::mem::replace(&mut known.claims, claims);
        known.forget_who_left();
        let now = &known.claims;
        let gone = before.iter().filter(|it| now.get(it.address).is_none());
        let changed = now.iter().filter(|it| before.get(it.address) != Some(it));
        for claim in gone.chain(changed) {
            self.shown.touch(claim.address);
        }
    }

    /// Applies a batch of an owner. False if it cannot be understood, or if its list has not been read:
    /// then it is to be read.
    pub fn apply(&mut self, owner: TrackerId, batch: &str) -> bool {
        let known = self.others.get_mut(owner);
        let Some(touched) = known.and_then(|known| known.claims.apply(batch)) else {
            return false;
        };
        for address in touched {
            self.shown.touch(address);
        }
        true
    }

    /// What an owner has.
    pub fn claims(&self, owner: TrackerId) -> Option<&Claims> {
        match owner == self.id {
            true => Some(&self.own),
            false => self.others.get(owner).map(|owner| &owner.claims),
        }
    }

    /// Takes down whether an owner gives signs of life. What it owns is stale as long as it does not, and
    /// goes after [`AWAY_FOR`]. While the engine is away nobody gives any.
    pub fn hear(&mut self, owner: TrackerId, is_alive: bool, now: Instant) {
        if owner != self.id && self.others.hear(owner, is_alive, now) {
            self.touch_all_of(owner);
        }
    }

    /// Takes down whether the engine is there. Without it all others' entries are stale at once, until their
    /// owners are heard again, and go after [`KEPT_FOR`].
    pub fn engine(&mut self, is_there: bool, now: Instant) {
        for owner in self.others.engine(is_there, now) {
            self.touch_all_of(owner);
        }
    }

    /// Drops the owners whose time is over, and returns them. If the engine is there, they are dead, and
    /// their keys can be deleted.
    pub fn forget(&mut self, now: Instant) -> Vec<TrackerId> {
        let mut dropped = Vec::new();
        for (owner, claims) in self.others.forget(now) {
            for claim in claims.iter() {
                self.shown.touch(claim.address);
            }
            dropped.push(owner);
        }
        dropped
    }

    /// Whatever the list shows of others is to be said again: what this tracker makes of it has changed.
    pub fn touch_all(&mut self) {
        self.shown.say_again();
    }

    /// The next operations, at most so many: what is to be shown and was not said before. None when there
    /// are none left in this round.
    pub fn next_ops(&mut self, most: usize) -> Vec<Op> {
        let mut ops = Vec::new();
        while ops.len() < most {
            let Some(address) = self.shown.next() else {
                break;
            };
            ops.extend(self.op(address));
        }
        if ops.is_empty() {
            self.shown.end_round();
        }
        ops
    }

    /// An operation could not be done: the list has an entry of this tracker's own at `address`, of which
    /// the next round will say more. It is looked at again after [`next_ops`](Self::next_ops) has said once
    /// that nothing is left.
    pub fn again(&mut self, address: SocketAddr) {
        self.shown.unsay(address);
        self.shown.touch_later(address);
    }

    /// All other trackers that are known: how many entries each has, and whether it is there.
    pub fn owners(&self) -> impl Iterator<Item = (TrackerId, usize, bool)> {
        let owners = self.others.iter();
        owners.map(|(id, claims, is_alive)| (id, claims.count(), is_alive))
    }

    /// How many game servers of others the list shows, and how many of them are stale.
    pub fn shown(&self) -> (usize, usize) {
        self.shown.count()
    }

    fn touch_all_of(&mut self, owner: TrackerId) {
        let claims = self.others.get(owner).map(|owner| owner.claims.iter());
        for claim in claims.into_iter().flatten() {
            self.shown.touch(claim.address);
        }
    }

    /// What is to be said of `address` now.
    fn op(&mut self, address: SocketAddr) -> Option<Op> {
        let own = self.own_at(address);
        let others = self.others.at(address);
        let others = others.filter(|one| one.claim.is_whole());
        let candidates: Vec<Candidate<'_>> = others.chain(own).collect();
        let Some(won) = winner(&candidates) else {
            return self.shown.unsay(address).then_some(Op::Hide { address });
        };
        let owner = won.owner;
        let claim = (owner != self.id).then(|| won.shown());
        let left = candidates.iter().filter(|one| won.replaces(one));
        let left: Vec<_> = left.map(|one| (one.owner, one.claim.stamp)).collect();
        for (owner, stamp) in left {
            self.others.leave(owner, address, stamp);
        }
        let claim = claim?;
        let is_news = self.shown.say(owner, &claim);
        is_news.then_some(Op::Show { address, claim })
    }

    /// This tracker's own candidate. It has none where the list shows another's: what it may have had there
    /// has lost its place, and the next round will say that it is gone.
    fn own_at(&self, address: SocketAddr) -> Option<Candidate<'_>> {
        let claim = self.own.get(address)?;
        (!self.shown.is_said(address)).then_some(Candidate {
            owner: self.id,
            claim,
            is_owner_alive: true,
        })
    }
}

#[cfg(test)]
mod tests;
