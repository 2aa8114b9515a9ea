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
        merge_twins(&mut rows);
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
pub(crate) mod tests {
    use super::*;
    use crate::protocol::fields::Changes;
    use crate::query::Status;

    /// A row that was pinged, or whose ping was not answered.
    pub(crate) fn row(port: u16, fields: &str, millis: Option<u64>) -> Row {
        let address: SocketAddr = ([198, 51, 100, 7], port).into();
        let text = format!("ip=198.51.100.7 port={port} {fields}");
        let infos = Infos::default().with(&Changes::parse(&text).unwrap());
        let ping = Ping {
            mean: millis.map(Duration::from_millis),
            sent: 5,
            answered: if millis.is_some() { 5 } else { 0 },
            ..Ping::none(Target::of(address, &infos))
        };
        Row {
            address,
            also: None,
            has_counted: false,
            doubt: Doubt::of(address.ip(), &infos, None),
            infos,
            ping: Some(ping),
            trackers: vec!["tracker.example".parse().unwrap()],
        }
    }

    fn order(sort: &Sort, rows: &[Row], is_pinged: bool) -> Vec<u16> {
        let mut findings = Findings::new(&rows[0].trackers);
        for row in rows {
            findings.found(0, None, row.address, &row.infos);
            findings.pinged(row.ping.clone().unwrap());
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
        assert_eq!(order(&Sort::Ping, &rows, true), [8, 5, 4, 3, 6, 7, 2, 1, 9]);
        assert_eq!(
            order(&Sort::Ping, &rows, false),
            [1, 9, 5, 4, 3, 2, 6, 7, 8]
        );
        assert_eq!(
            order(&Sort::Players, &rows, true),
            [1, 9, 5, 4, 3, 2, 8, 6, 7]
        );
        assert_eq!(order(&Sort::Name, &rows, true), [4, 3, 5, 8, 6, 7, 2, 1, 9]);
    }

    #[test]
    fn who_answers_late_stands_before_who_does_not_answer() {
        let mut rows = [
            row(1, "nbplayers=9", None),
            row(2, "", None),
            row(3, "", Some(900)),
        ];
        rows[1].ping.as_mut().unwrap().is_late = true;
        assert_eq!(order(&Sort::Ping, &rows, true), [3, 2, 1]);
    }

    #[test]
    fn a_game_server_with_two_addresses_is_the_nearer_one() {
        for (millis, nearer) in [
            ([Some(30), Some(20)], 1),
            ([Some(20), Some(30)], 0),
            ([None, Some(30)], 1),
            ([None, None], 0),
        ] {
            let mut both = millis.map(|millis| row(1, "group=x", millis));
            let six: SocketAddr = "[2001:db8::1]:1".parse().unwrap();
            both[1].address = six;
            both[1].ping.as_mut().unwrap().target = six.into();
            let mut findings = Findings::new(&both[0].trackers);
            for row in &both {
                findings.found(0, None, row.address, &row.infos);
                findings.pinged(row.ping.clone().unwrap());
            }
            let rows = findings.sorted(&Sort::Name, true);
            let further = both[1 - nearer].address;
            assert_eq!(rows.len(), 1);
            assert_eq!(
                (rows[0].address, rows[0].also),
                (both[nearer].address, Some(further))
            );
        }
    }

    #[test]
    fn any_field_and_the_address_are_orders_and_who_says_nothing_is_last() {
        let rows = [
            row(1, "map=10 nbplayers=1", Some(1)),
            row(2, "", Some(2)),
            row(3, "map=Arena", Some(3)),
            row(4, "map=9 nbplayers=2", Some(4)),
        ];
        let map = Sort::Field("map".to_owned());
        assert_eq!(order(&map, &rows, true), [4, 1, 3, 2]);
        assert_eq!(order(&Sort::Address, &rows, true), [1, 2, 3, 4]);
    }

    #[test]
    fn the_stale_come_last_in_every_order() {
        let rows = [
            row(1, "nbplayers=9 stale=yes description=a", Some(3)),
            row(2, "nbplayers=1 description=b", None),
            row(3, "stale=yes description=c", None),
        ];
        for sort in [Sort::Ping, Sort::Players, Sort::Name, Sort::Address] {
            assert_eq!(order(&sort, &rows, true), [2, 1, 3], "{sort:?}");
        }
    }

    #[test]
    fn who_is_listed_twice_is_one_and_the_first_tracker_is_believed() {
        let trackers = ["a", "b", "c"].map(|name| name.parse().unwrap());
        let mut findings = Findings::new(&trackers);
        let (old, new) = (row(1, "nbplayers=1", None), row(1, "nbplayers=2", None));
        let other = row(2, "pingport=1", None);
        assert_eq!(findings.least_doubt(), None);
        let mut found = |tracker, row: &Row| findings.found(tracker, None, row.address, &row.infos);
        let target = Some(Target::from(old.address));
        assert_eq!(found(2, &old), target, "it is to be pinged");
        assert_eq!(found(0, &new), None, "once is enough");
        assert_eq!(found(1, &other), None, "also for who has another port");
        assert_eq!(found(1, &old), None);
        findings.pinged(row(1, "", Some(7)).ping.unwrap());
        let rows = findings.sorted(&Sort::Ping, true);
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (&rows[0].infos, &rows[0].trackers[..]),
            (&new.infos, &trackers[..])
        );
        // The other one answers pings at the port of the first.
        assert_eq!(rows[1].distance(), Some(Duration::from_millis(7)));
        assert_eq!(rows[1].trackers, trackers[1..2]);
    }

    #[test]
    fn how_many_play_is_what_the_game_server_answers_and_all_else_what_is_listed() {
        let row = row(1, "nbplayers=1 maxplayers=8 map=listed query=quake3", None);
        let mut findings = Findings::new(&row.trackers);
        let target = findings.found(0, None, row.address, &row.infos).unwrap();
        let mut ping = row.ping.unwrap();
        assert_eq!(ping.target, target);
        ping.status = Some(Box::new(Status {
            players: Some(7),
            most: Some(9),
            map: Some("answered".to_owned()),
            ..Status::default()
        }));
        findings.pinged(ping);
        let rows = findings.sorted(&Sort::Ping, true);
        assert_eq!(rows[0].infos.number("nbplayers"), Some(7));
        assert_eq!(rows[0].infos.number("maxplayers"), Some(8));
        assert_eq!(rows[0].infos.get("map").as_deref(), Some("listed"));
        assert!(rows[0].has_counted);
    }

    #[test]
    fn what_lives_is_believed_before_what_is_stale() {
        let trackers = ["a", "b", "c"].map(|name| name.parse().unwrap());
        let stale = row(1, "nbplayers=1 stale=yes", None);
        let (live, second) = (row(1, "nbplayers=2", None), row(1, "nbplayers=3", None));
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut findings = Findings::new(&trackers);
            for tracker in order {
                let row = [&stale, &live, &second][tracker];
                findings.found(tracker, None, row.address, &row.infos);
            }
            assert_eq!(findings.least_doubt(), Some(None));
            let rows = findings.sorted(&Sort::Ping, true);
            assert_eq!((&rows[0].infos, rows[0].doubt), (&live.infos, None));
            assert_eq!(rows[0].trackers, trackers);
        }
    }

    #[test]
    fn who_is_on_the_players_own_network_is_pinged_only_if_a_tracker_there_lists_him() {
        let trackers = ["a", "b"].map(|name| name.parse().unwrap());
        let mut findings = Findings::new(&trackers);
        let (far, near) = ("198.51.100.1".parse().ok(), "192.168.1.5".parse().ok());
        let address: SocketAddr = "192.168.1.7:9".parse().unwrap();
        let invalid: SocketAddr = "255.255.255.255:9".parse().unwrap();
        let infos = Infos::default();
        assert_eq!(findings.found(0, far, address, &infos), None);
        assert_eq!(findings.found(0, far, invalid, &infos), None);
        assert_eq!(findings.least_doubt(), Some(Some(Doubt::Local)));
        let target = Some(Target::from(address));
        assert_eq!(findings.found(1, near, address, &infos), target);
        assert_eq!(findings.found(1, near, invalid, &infos), None);
        assert_eq!(findings.least_doubt(), Some(None));
        let rows = findings.sorted(&Sort::Ping, true);
        let doubts = [rows[0].doubt, rows[1].doubt];
        assert_eq!(doubts, [None, Some(Doubt::Invalid)]);
        assert!(rows[0].ping.is_some() && rows[1].ping.is_none());
    }
}
