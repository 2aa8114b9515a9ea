//! The game servers that the tracker does not list because it does not trust the bridge. Pure.
//!
//! It lists those at the bridge's own address all the same, so nobody else is held up. One of them tries
//! again for all: when it is listed, all may be.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Bound::{Excluded, Unbounded};
use std::time::{Duration, Instant};

/// How often one of them tries again. The tracker's operator has to start it with other flags meanwhile.
pub(super) const TRY_EVERY: Duration = Duration::from_secs(60);

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Distrusted {
    addresses: BTreeSet<SocketAddr>,
    /// Who has tried last.
    last: Option<SocketAddr>,
    /// When the next one tries.
    next: Option<Instant>,
}

impl Distrusted {
    /// The tracker has refused this one.
    pub(super) fn add(&mut self, address: SocketAddr, now: Instant) {
        self.addresses.insert(address);
        self.next.get_or_insert(now + TRY_EVERY);
    }

    /// This one is tried, or not wanted any more.
    pub(super) fn remove(&mut self, address: SocketAddr) {
        self.addresses.remove(&address);
        if self.addresses.is_empty() {
            self.next = None;
        }
    }

    pub(super) fn contains(&self, address: SocketAddr) -> bool {
        self.addresses.contains(&address)
    }

    pub(super) fn len(&self) -> usize {
        self.addresses.len()
    }

    /// When one of them is to try; `None` if there is nobody.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// The tracker may be another one now: one is to try at once.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.next = self.next.map(|_| now);
    }

    /// Who tries now, if it is time: each in its turn.
    pub(super) fn take_one(&mut self, now: Instant) -> Option<SocketAddr> {
        self.next.filter(|next| now >= *next)?;
        let after = self.last.map_or(Unbounded, Excluded);
        let mut following = self.addresses.range((after, Unbounded));
        let one = *following.next().or(self.addresses.first())?;
        self.last = Some(one);
        self.next = Some(now + TRY_EVERY);
        self.remove(one);
        Some(one)
    }

    /// All of them, when the tracker trusts the bridge.
    pub(super) fn take_all(&mut self) -> BTreeSet<SocketAddr> {
        self.next = None;
        std::mem::take(&mut self.addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tries_for_all_and_each_in_its_turn() {
        let (mut distrusted, start) = (Distrusted::default(), Instant::now());
        let address = |port| SocketAddr::from(([198, 51, 100, 7], port));
        (1..=3).for_each(|port| distrusted.add(address(port), start));
        assert_eq!(distrusted.take_one(start), None);
        let mut now = start;
        for port in [1, 2, 3, 1] {
            now += TRY_EVERY;
            assert_eq!(distrusted.next(), Some(now));
            assert_eq!(distrusted.take_one(now), Some(address(port)));
            assert_eq!(distrusted.take_one(now), None);
            distrusted.add(address(port), now);
        }
        distrusted.hurry(now);
        assert_eq!(distrusted.take_one(now), Some(address(2)));
        assert_eq!(distrusted.take_all().len(), 2);
        assert_eq!((distrusted.next(), distrusted.len()), (None, 0));
        distrusted.hurry(now);
        assert_eq!(distrusted.take_one(now), None);
    }
}
