//! The connections of one class, and whom a full class drops for a newcomer.
//!
//! Let a class have `c` slots, an attacker `K` groups, and honest peers `H` groups with one connection
//! each. A full class and a newcomer are `c + 1` connections. As long as `K + H <= c`, two of them share a
//! group, and those are the attacker's. So whoever has one connection always gets in and is never dropped,
//! however fast the others come. Inside the group that holds the most the same is true of its hosts.

use crate::tracker::access::identity::{ConnectionId, Credential};
use crate::tracker::access::network::Network;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// A connection that asks for a slot.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer {
    /// Its connection.
    pub id: ConnectionId,
    /// Where it comes from.
    pub ip: IpAddr,
    /// It comes from a network that the operator trusts.
    pub trusted: bool,
    /// When it came.
    pub now: Instant,
}

/// Where everybody has one connection, the oldest is dropped for a newcomer once it is older than this.
pub(crate) const FAIR_TURN: Duration = Duration::from_millis(250);

/// A connection that holds a slot.
#[derive(Debug)]
pub(super) struct Holder<H> {
    /// From its group to its host.
    networks: [Network; 3],
    trusted: bool,
    since: Instant,
    /// The key that it counts for while it is listed.
    key: Option<Credential>,
    pub(super) handle: H,
}

impl<H> Holder<H> {
    pub(super) fn new(newcomer: &Newcomer, key: Option<Credential>, handle: H) -> Self {
        Self {
            networks: Network::nested(newcomer.ip),
            trusted: newcomer.trusted,
            since: newcomer.now,
            key,
            handle,
        }
    }

    fn host(&self) -> Network {
        self.networks[2]
    }

    fn has_had_its_turn(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) > FAIR_TURN
    }

    /// `None` for a trusted one, which shares its group with nobody.
    fn group(&self) -> Option<Network> {
        (!self.trusted).then_some(self.networks[0])
    }
}

/// The connections of one class.
#[derive(Debug)]
pub(super) struct SlotTable<H> {
    /// In order of age, since connections are numbered as they come.
    holders: BTreeMap<ConnectionId, Holder<H>>,
    by_host: Tally<Network>,
    /// Of those who are not trusted.
    by_group: Tally<Network>,
    by_key: Tally<Credential>,
}

/// How many there are of each.
#[derive(Debug)]
pub(super) struct Tally<K>(HashMap<K, usize>);

impl<K: Eq + Hash> Tally<K> {
    fn of(&self, key: &K) -> usize {
        self.0.get(key).copied().unwrap_or_default()
    }

    fn add(&mut self, key: Option<K>) {
        if let Some(key) = key {
            *self.0.entry(key).or_default() += 1;
        }
    }

    fn subtract(&mut self, key: Option<K>) {
        if let Some(Entry::Occupied(mut count)) = key.map(|key| self.0.entry(key)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl Tally<Network> {
    /// The network that holds the most, and more than one, once a newcomer from `own` is counted; `own` if
    /// there is a choice.
    fn largest(&self, own: Option<Network>) -> Option<Network> {
        let sizes = self.0.iter().map(|(network, size)| {
            let is_own = own == Some(*network);
            (size + usize::from(is_own), is_own, *network)
        });
        let (size, _, network) = sizes.max()?;
        (size > 1).then_some(network)
    }
}

impl<H> SlotTable<H> {
    pub(super) fn new() -> Self {
        Self {
            holders: BTreeMap::new(),
            by_host: Tally(HashMap::new()),
            by_group: Tally(HashMap::new()),
            by_key: Tally(HashMap::new()),
        }
    }

    pub(super) fn insert(&mut self, id: ConnectionId, holder: Holder<H>) {
        self.by_host.add(Some(holder.host()));
        self.by_group.add(holder.group());
        self.by_key.add(holder.key);
        self.holders.insert(id, holder);
    }

    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<Holder<H>> {
        let holder = self.holders.remove(&id)?;
        self.by_host.subtract(Some(holder.host()));
        self.by_group.subtract(holder.group());
        self.by_key.subtract(holder.key);
        Some(holder)
    }

    pub(super) fn remove_oldest(&mut self) -> Option<Holder<H>> {
        let oldest = *self.holders.keys().next()?;
        self.remove(oldest)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.holders.len()
    }

    /// How many of them are of one host.
    pub(super) fn of_host(&self, host: Network) -> usize {
        self.by_host.of(&host)
    }

    /// How many of them logged in with one key.
    pub(super) fn of_key(&self, key: Credential) -> usize {
        self.by_key.of(&key)
    }

    /// How to reach the holder `id`, if it is one of these.
    pub(super) fn handle(&self, id: ConnectionId) -> Option<&H> {
        self.holders.get(&id).map(|holder| &holder.handle)
    }

    /// How to reach each of them.
    pub(super) fn handles(&self) -> impl Iterator<Item = &H> {
        self.holders.values().map(|holder| &holder.handle)
    }

    /// Gives a newcomer one of `limit` slots. If all are taken, somebody else is dropped, whose handle is
    /// returned.
    ///
    /// # Errors
    /// If it is the newcomer who must go.
    pub(super) fn admit(
        &mut self,
        newcomer: &Newcomer,
        limit: usize,
        handle: H,
    ) -> Result<Option<H>, Full> {
        let mut dropped = None;
        if self.holders.len() >= limit {
            let victim = self.victim(newcomer).ok_or(Full)?;
            dropped = self.remove(victim).map(|holder| holder.handle);
        }
        self.insert(newcomer.id, Holder::new(newcomer, None, handle));
        Ok(dropped)
    }

    /// Who must go for a newcomer when all slots are taken; `None` if it is the newcomer. The trusted are
    /// never dropped, and count for no network.
    ///
    /// The largest group that holds more than one has to give. Of its subnets the largest gives, of that
    /// one's hosts the largest, and of that host the youngest connection. Where all hold one, the oldest
    /// goes if it has had its turn.
    fn victim(&self, newcomer: &Newcomer) -> Option<ConnectionId> {
        let own = (!newcomer.trusted).then(|| Network::nested(newcomer.ip));
        let mut holders = self.holders.iter().map(|(id, holder)| (*id, holder));
        let Some(group) = self.by_group.largest(own.map(|own| own[0])) else {
            let (id, oldest) = holders.find(|(_, holder)| !holder.trusted)?;
            return oldest.has_had_its_turn(newcomer.now).then_some(id);
        };
        let mut theirs: Vec<_> = holders.filter(|(_, m)| m.group() == Some(group)).collect();
        let mut own = own.filter(|own| own[0] == group);
        for level in 1..3 {
            let mut sizes = Tally(HashMap::new());
            for (_, holder) in &theirs {
                sizes.add(Some(holder.networks[level]));
            }
            let Some(network) = sizes.largest(own.map(|own| own[level])) else {
                let ((oldest, holder), (youngest, _)) = (theirs.first()?, theirs.last()?);
                if holder.has_had_its_turn(newcomer.now) {
                    return Some(*oldest);
                }
                // The group that holds the most has to give even if nobody in it has had a turn.
                return own.is_none().then_some(*youngest);
            };
            theirs.retain(|(_, holder)| holder.networks[level] == network);
            own = own.filter(|own| own[level] == network);
        }
        let youngest = theirs.last().map(|(id, _)| *id);
        youngest.filter(|_| own.is_none())
    }
}

#[cfg(test)]
impl<H> SlotTable<H> {
    /// How many there are, as the hosts are counted.
    pub(super) fn counted_by_host(&self) -> usize {
        self.by_host.0.values().sum()
    }
}

/// There is no place for the newcomer.
#[derive(Debug)]
pub(super) struct Full;
