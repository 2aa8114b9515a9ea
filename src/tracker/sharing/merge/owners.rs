//! The other trackers: what each of them owns, who of them is there, and how long what they own is kept when
//! they are not.

use super::winner::Candidate;
use crate::tracker::sharing::claims::Claims;
use crate::tracker::sharing::wire::names::TrackerId;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long the entries of a tracker are kept that is away while the engine is there. Its game servers try
/// again at least once a minute, and find another tracker or itself.
pub const AWAY_FOR: Duration = Duration::from_secs(60);

/// How long the entries of others are kept while the engine is away. Their trackers are most likely well, and
/// an engine that was started again, by hand too, is back before that.
pub const KEPT_FOR: Duration = Duration::from_secs(600);

/// One other tracker.
#[derive(Debug, Default)]
pub(super) struct Owner {
    pub(super) claims: Claims,
    is_alive: bool,
    /// Since when it is known to be away while the engine is there.
    away_since: Option<Instant>,
    /// Game servers that have logged in elsewhere, with the stamp of their login here.
    left: HashMap<SocketAddr, u64>,
}

impl Owner {
    /// What it has said now is whole: it says itself who has left.
    pub(super) fn forget_who_left(&mut self) {
        self.left.clear();
    }
}

/// All other trackers that are known.
#[derive(Debug, Default)]
pub(super) struct Owners {
    owners: BTreeMap<TrackerId, Owner>,
    is_engine_there: bool,
    engine_away_since: Option<Instant>,
}

impl Owners {
    pub(super) fn get(&self, id: TrackerId) -> Option<&Owner> {
        self.owners.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: TrackerId) -> Option<&mut Owner> {
        self.owners.get_mut(&id)
    }

    /// The owner, which may be a new one. Whoever was never heard is away.
    pub(super) fn get_or_new(&mut self, id: TrackerId) -> &mut Owner {
        self.owners.entry(id).or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (TrackerId, &Claims, bool)> {
        let owners = self.owners.iter();
        owners.map(|(id, owner)| (*id, &owner.claims, owner.is_alive))
    }

    /// What they have at `address`.
    pub(super) fn at(&self, address: SocketAddr) -> impl Iterator<Item = Candidate<'_>> {
        let claims = self.iter().map(move |(owner, claims, is_owner_alive)| {
            claims.get(address).map(|claim| Candidate {
                owner,
                claim,
                is_owner_alive,
            })
        });
        claims.flatten().filter(|one| !self.has_left(one))
    }

    /// True if the game server has left a tracker that is away, and so cannot say that.
    fn has_left(&self, one: &Candidate<'_>) -> bool {
        let left = |owner: &Owner| owner.left.get(&one.claim.address).copied();
        let stamp = self.get(one.owner).and_then(left);
        !one.is_owner_alive && stamp == Some(one.claim.stamp)
    }

    /// The game server of `owner` at `address` has logged in elsewhere.
    pub(super) fn leave(&mut self, owner: TrackerId, address: SocketAddr, stamp: u64) {
        if let Some(owner) = self.owners.get_mut(&owner) {
            owner.left.insert(address, stamp);
        }
    }

    /// Takes down whether a tracker gives signs of life. True if that is another answer than before.
    /// Without an engine nothing is heard of anybody.
    pub(super) fn hear(&mut self, id: TrackerId, is_alive: bool, now: Instant) -> bool {
        let is_alive = is_alive && self.is_engine_there;
        let is_engine_there = self.is_engine_there;
        let owner = self.get_or_new(id);
        if is_alive {
            owner.away_since = None;
        } else if is_engine_there {
            owner.away_since.get_or_insert(now);
        }
        std::mem::replace(&mut owner.is_alive, is_alive) != is_alive
    }

    /// Takes down whether the engine is there. Without it everybody else is away, and stays so until heard
    /// again. Returns the trackers for which this is new.
    pub(super) fn engine(&mut self, is_there: bool, now: Instant) -> Vec<TrackerId> {
        if std::mem::replace(&mut self.is_engine_there, is_there) == is_there {
            return Vec::new();
        }
        self.engine_away_since = (!is_there).then_some(now);
        let mut gone = Vec::new();
        for (id, owner) in &mut self.owners {
            // Whoever was there has all of its time when the engine is back: nobody could hear it.
            if std::mem::take(&mut owner.is_alive) {
                owner.away_since = None;
                gone.push(*id);
            }
        }
        gone
    }

    /// Drops the trackers whose time is over, and returns them with what they owned.
    pub(super) fn forget(&mut self, now: Instant) -> Vec<(TrackerId, Claims)> {
        let is_over = |since: &mut Option<Instant>, time| {
            let since = *since.get_or_insert(now);
            now.saturating_duration_since(since) >= time
        };
        let is_engine_over =
            !self.is_engine_there && is_over(&mut self.engine_away_since, KEPT_FOR);
        let mut dropped = Vec::new();
        for (id, owner) in &mut self.owners {
            let is_away = self.is_engine_there && !owner.is_alive;
            if is_engine_over || (is_away && is_over(&mut owner.away_since, AWAY_FOR)) {
                dropped.push(*id);
            }
        }
        let take = |id| Some((id, self.owners.remove(&id)?.claims));
        dropped.into_iter().filter_map(take).collect()
    }
}
