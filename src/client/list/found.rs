//! Merges and sorts the lists of several trackers. Pure.
//!
//! This file hides which entries are the same, and which comes first.

use crate::client::columns::{Collated, Sort};
use crate::client::ping::{Ping, TOO_FAR, Target};
use crate::client::replica::{Doubt, twins};
use crate::client::tracker_address::TrackerAddress;
use crate::protocol::fields::Infos;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// One game server of the list.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where players join.
    pub address: SocketAddr,
    /// Its other address, which is further away.
    pub also: Option<SocketAddr>,
    /// What a tracker lists of it, with the players that it counts itself if that is known.
    pub infos: Infos,
    /// It has told this program how many play.
    pub has_counted: bool,
    /// What speaks against it.
    pub doubt: Option<Doubt>,
    /// What was measured; `None` if it was not pinged.
    pub ping: Option<Ping>,
    /// The trackers that list it, in the order in which they were given.
    pub trackers: Vec<TrackerAddress>,
}

impl Row {
    /// What it calls itself, if it does.
    pub(crate) fn name(&self) -> String {
        self.infos.get("description").unwrap_or_default().into()
    }

    /// How far away it is; `None` if that is not known.
    pub(crate) fn distance(&self) -> Option<Duration> {
        self.ping.as_ref()?.mean
    }

    /// True if it has answered, from no further away than [`TOO_FAR`].
    pub(crate) fn is_available(&self) -> bool {
        self.distance().is_some_and(|distance| distance <= TOO_FAR)
    }

    /// For sorting by distance, in milliseconds as they are shown. An unknown distance is the longest, after
    /// one that is only known to be long.
    fn nearness(&self) -> u128 {
        let unknown = match self.ping.as_ref().is_some_and(Ping::is_too_late) {
            true => u128::MAX - 1,
            false => u128::MAX,
        };
        self.distance()
            .map_or(unknown, |distance| distance.as_millis())
    }

    /// For sorting by players, the most first.
    fn emptiness(&self) -> Reverse<Option<u16>> {
        Reverse(self.infos.number("nbplayers"))
    }

    /// What it is sorted by first.
    fn first(&self, sort: &Sort) -> First {
        match sort {
            Sort::Ping => First::Nothing,
            Sort::Players => First::Players(self.emptiness()),
            Sort::Name => First::Text(Collated::of(&self.name())),
            Sort::Field(key) => First::Text(Collated::of(&self.infos.get(key).unwrap_or_default())),
            Sort::Address => First::Address(self.address),
        }
    }
}

/// What rows are sorted by before anything else.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum First {
    Nothing,
    Players(Reverse<Option<u16>>),
    Text(Collated),
    Address(SocketAddr),
}

/// What was found so far.
#[derive(Debug)]
pub struct Findings {
    trackers: Vec<TrackerAddress>,
    found: BTreeMap<SocketAddr, Found>,
    /// The results; `None` while a ping is running.
    pings: HashMap<Target, Option<Ping>>,
}

/// One game server, and who lists it.
#[derive(Debug)]
struct Found {
    /// The least doubt about it, and the first tracker whose entry has no more doubt than that. Which
    /// entry is the latest is not known.
    believed: (Option<Doubt>, usize),
    infos: Infos,
    /// The numbers of all trackers that list it.
    trackers: Vec<usize>,
}

impl Found {
    /// What to ping; `None` if it may not be pinged.
    fn target(&self, address: SocketAddr) -> Option<Target> {
        let may_be_used = self.believed.0.is_none_or(Doubt::may_be_used);
        may_be_used.then(|| Target::of(address, &self.infos))
    }
}

impl Findings {
    /// Nothing yet of these trackers.
    pub fn new(trackers: &[TrackerAddress]) -> Self {
        Self {
            trackers: trackers.to_vec(),
            found: BTreeMap::new(),
            pings: HashMap::new(),
        }
    }

    /// Adds an entry of the tracker with this number, reached at `from`. Returns what to ping, if
    /// that is new.
    pub fn found(
        &mut self,
        tracker: usize,
        from: Option<IpAddr>,
        address: SocketAddr,
        infos: &Infos,
    ) -> Option<Target> {
        let said = (Doubt::of(address.ip(), infos, from), tracker);
        let found = self.found.entry(address).or_insert_with(|| Found {
            believed: said,
            infos: infos.clone(),
            trackers: Vec::new(),
        });
        found.trackers.push(tracker);
        if said < found.believed {
            (found.believed, found.infos) = (said, infos.clone());
        }
        let target = found.target(address)?;
        let is_new = !self.pings.contains_key(&target);
        self.pings.entry(target).or_default();
        is_new.then_some(target)
    }

    /// The least doubt about any of them, which is `Some(None)` if one is in no doubt. `None` if there
    /// are no game servers.
    pub(crate) fn least_doubt(&self) -> Option<Option<Doubt>> {
        self.found.values().map(|found| found.believed.0).min()
    }

    /// Adds the result of a ping.
    pub fn pinged(&mut self, ping: Ping) {
        self.pings.insert(ping.target, Some(ping));
    }

    /// All game servers in order, those in doubt last. If `is_pinged`, one that was not measured in time
    /// has an unanswered ping of no probes.
    pub fn sorted(self, sort: &Sort, is_pinged: bool) -> Vec<Row> {
        let Self {
            trackers,
            found,
            pings,
        } = self;
        let ping = |target: Target| {
            let ping = pings.get(&target).cloned().flatten();
            ping.unwrap_or_else(|| Ping::none(target))
        };
        let row = |(address, mut found): (SocketAddr, Found)| {
            found.trackers.sort_unstable();
            let ping = found.target(address).filter(|_| is_pinged).map(ping);
            let counted = ping.as_ref().and_then(Ping::players);
            let mut infos = found.infos;
            let has_counted =
                counted.is_some_and(|count| infos.set("nbplayers", &count.to_string()).is_ok());
            Row {
                address,
                also: None,
                doubt: found.believed.0,
                has_counted,
                infos,
                ping,
                trackers: found
                    .trackers
                    .iter()
                    .map(|n| trackers[*n].clone())
                    .collect(),
            }
        };
        let mut rows: Vec<Row> = found.into_iter().map(row).collect();
        // Without pings nobody is nearer.
        if is_pinged {
            merge_twins(&mut rows);
        }
        // Those that are the same in everything stay in the order of their addresses.
        rows.sort_by_cached_key(|row| {
            let name = Collated::of(&row.name());
            (
                row.doubt,
                row.first(sort),
                row.nearness(),
                row.emptiness(),
                name,
            )
        });
        rows
    }
}

/// Leaves out the further one of two addresses of a game server.
fn merge_twins(rows: &mut Vec<Row>) {
    let certain = rows.iter().filter(|row| row.doubt.is_none());
    let twins = twins(certain.map(|row| (row.address, &row.infos)));
    let nearness: HashMap<SocketAddr, u128> = rows
        .iter()
        .filter(|row| twins.contains_key(&row.address))
        .map(|row| (row.address, row.nearness()))
        .collect();
    rows.retain_mut(|row| {
        row.also = twins.get(&row.address).copied();
        let is_nearer = |also| (nearness[&row.address], row.address) < (nearness[&also], also);
        row.also.is_none_or(is_nearer)
    });
}

#[cfg(test)]
pub(crate) mod tests;
