//! What several trackers listed, as one list.
//!
//! This file hides which entries are the same, and which comes first. It is pure.

use crate::client::TrackerAddress;
use crate::client::ping::{Ping, target};
use crate::protocol::infos::Infos;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

/// A game server that is further away is called unavailable, as GLtron does. It is still shown.
pub const FAR: Duration = Duration::from_millis(400);

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The nearest first, then by players and name; the unknown last.
    Ping,
    /// The most players first, then by ping and name.
    Players,
    /// By name, then by ping.
    Name,
}

/// One game server of the list.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where players join.
    pub address: SocketAddr,
    /// What it says about itself.
    pub infos: Infos,
    /// What was measured; `None` if it was not pinged.
    pub ping: Option<Ping>,
    /// The trackers that list it, in the order in which they were given.
    pub trackers: Vec<TrackerAddress>,
}

impl Row {
    /// What it calls itself, if it does.
    pub fn name(&self) -> String {
        self.infos.get("description").unwrap_or_default().into()
    }

    /// How far away it is; `None` if that is not known.
    pub fn distance(&self) -> Option<Duration> {
        self.ping?.mean
    }

    /// True if it has answered, from no further away than [`FAR`].
    pub fn is_available(&self) -> bool {
        self.distance().is_some_and(|distance| distance <= FAR)
    }

    /// The nearest has the least, what is not known the most. Milliseconds are what is shown: less
    /// makes no difference.
    fn nearness(&self) -> u128 {
        self.distance()
            .map_or(u128::MAX, |distance| distance.as_millis())
    }

    /// What comes first has the most players.
    fn emptiness(&self) -> Reverse<Option<u16>> {
        Reverse(self.infos.number("nbplayers"))
    }
}

/// What was found so far.
#[derive(Debug)]
pub struct Findings {
    trackers: Vec<TrackerAddress>,
    /// By address: the tracker whose word counts, what it says, and who else lists it.
    found: BTreeMap<SocketAddr, (usize, Infos, Vec<usize>)>,
    /// By the address that is pinged; `None` while it is on the way.
    pings: HashMap<SocketAddr, Option<Ping>>,
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

    /// The tracker of this number lists a game server. Where several do, the one that was given
    /// first is believed.
    pub fn found(&mut self, tracker: usize, address: SocketAddr, infos: &Infos) {
        let entry = self.found.entry(address);
        let (believed, known, all) = entry.or_insert_with(|| (tracker, infos.clone(), Vec::new()));
        all.push(tracker);
        if tracker < *believed {
            (*believed, *known) = (tracker, infos.clone());
        }
        self.pings.entry(target(address, infos)).or_default();
    }

    /// True if no game server was found that is pinged at this address.
    pub fn is_new(&self, target: SocketAddr) -> bool {
        !self.pings.contains_key(&target)
    }

    /// A ping was measured.
    pub fn pinged(&mut self, ping: Ping) {
        self.pings.insert(ping.address, Some(ping));
    }

    /// True if nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All game servers in order. Where `is_pinged`, one that was not measured in time has an
    /// unanswered ping of no probes.
    pub fn sorted(self, sort: Sort, is_pinged: bool) -> Vec<Row> {
        let Self {
            trackers,
            found,
            pings,
        } = self;
        let row = |(address, (_, infos, mut all)): (SocketAddr, (usize, Infos, Vec<usize>))| {
            let target = target(address, &infos);
            let unanswered = Ping {
                address: target,
                mean: None,
                sent: 0,
                answered: 0,
            };
            let ping = pings.get(&target).copied().flatten().unwrap_or(unanswered);
            all.sort_unstable();
            Row {
                address,
                infos,
                ping: is_pinged.then_some(ping),
                trackers: all.into_iter().map(|n| trackers[n].clone()).collect(),
            }
        };
        let mut rows: Vec<Row> = found.into_iter().map(row).collect();
        // Those that are the same in everything stay in the order of their addresses.
        let name = |row: &Row| row.name().to_lowercase();
        match sort {
            Sort::Ping => {
                rows.sort_by_cached_key(|row| (row.nearness(), row.emptiness(), name(row)))
            }
            Sort::Players => {
                rows.sort_by_cached_key(|row| (row.emptiness(), row.nearness(), name(row)))
            }
            Sort::Name => rows.sort_by_cached_key(|row| (name(row), row.nearness())),
        }
        rows
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::protocol::infos::Changes;

    /// A row that was pinged, or whose ping was not answered.
    pub(in crate::client::list) fn row(port: u16, fields: &str, millis: Option<u64>) -> Row {
        let address: SocketAddr = ([198, 51, 100, 7], port).into();
        let text = format!("ip=198.51.100.7 port={port} {fields}");
        let ping = Ping {
            address,
            mean: millis.map(Duration::from_millis),
            sent: 5,
            answered: if millis.is_some() { 5 } else { 0 },
        };
        Row {
            address,
            infos: Infos::default().with(&Changes::parse(&text).unwrap()),
            ping: Some(ping),
            trackers: vec!["tracker.example".parse().unwrap()],
        }
    }

    fn order(sort: Sort, rows: &[Row], is_pinged: bool) -> Vec<u16> {
        let mut findings = Findings::new(&rows[0].trackers);
        for row in rows {
            findings.found(0, row.address, &row.infos);
            findings.pinged(row.ping.unwrap());
        }
        let rows = findings.sorted(sort, is_pinged);
        rows.iter().map(|row| row.address.port()).collect()
    }

    #[test]
    fn the_nearest_come_first_and_the_unavailable_last() {
        let rows = [
            row(1, "nbplayers=9", None),
            row(2, "nbplayers=1", Some(401)),
            row(3, "nbplayers=1 description=b", Some(20)),
            row(4, "nbplayers=1 description=A", Some(20)),
            row(5, "nbplayers=2 description=z", Some(20)),
            row(6, "", Some(20)),
            row(7, "", Some(400)),
            row(8, "", Some(3)),
            row(9, "nbplayers=3", None),
        ];
        assert_eq!(order(Sort::Ping, &rows, true), [8, 5, 4, 3, 6, 7, 2, 1, 9]);
        assert_eq!(order(Sort::Ping, &rows, false), [1, 9, 5, 2, 4, 3, 6, 7, 8]);
        assert_eq!(
            order(Sort::Players, &rows, true),
            [1, 9, 5, 4, 3, 2, 8, 6, 7]
        );
        assert_eq!(order(Sort::Name, &rows, true), [8, 6, 7, 2, 1, 9, 4, 3, 5]);
    }

    #[test]
    fn who_is_listed_twice_is_one_and_the_first_tracker_is_believed() {
        let trackers = ["a", "b", "c"].map(|name| name.parse().unwrap());
        let mut findings = Findings::new(&trackers);
        let (old, new) = (row(1, "nbplayers=1", None), row(1, "nbplayers=2", None));
        let other = row(2, "pingport=1", None);
        assert!(findings.is_empty() && findings.is_new(old.address));
        findings.found(2, old.address, &old.infos);
        assert!(!findings.is_new(old.address));
        findings.found(0, new.address, &new.infos);
        findings.found(1, other.address, &other.infos);
        findings.found(1, old.address, &old.infos);
        findings.pinged(row(1, "", Some(7)).ping.unwrap());
        let rows = findings.sorted(Sort::Ping, true);
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (&rows[0].infos, &rows[0].trackers[..]),
            (&new.infos, &trackers[..])
        );
        // The other one answers pings at the port of the first.
        assert_eq!(rows[1].distance(), Some(Duration::from_millis(7)));
        assert_eq!(rows[1].trackers, trackers[1..2]);
    }
}
