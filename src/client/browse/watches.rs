//! Watches several trackers, and merges their lists into one.

use super::inbox::Happening;
use super::model::{Event, Listed};
use crate::client::ask::watch::{self, Timings, Watch};
use crate::client::replica::{Change, Conditions, Doubt};
use crate::client::tracker_address::TrackerAddress;
use crate::protocol::fields::Infos;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::SyncSender;

/// The game servers of one tracker, each with the number of the batch that told of it; 0 for the first
/// answer, which may be old.
type Known = BTreeMap<SocketAddr, (Infos, u64)>;

/// What one tracker has told.
#[derive(Default)]
struct Told {
    list: Known,
    /// The address at which it was reached.
    from: Option<IpAddr>,
    was_heard: bool,
    /// The list is from before the last game: the next batch replaces it.
    is_old: bool,
    /// If it is lost: why, and whether it is being tried again.
    lost: Option<(String, bool)>,
}

/// Several trackers, and what each of them has told.
pub(super) struct Trackers {
    /// The number of the first tracker. Smaller numbers are of watches from before the last game.
    first: usize,
    names: Vec<String>,
    watches: Vec<Watch>,
    told: Vec<Told>,
    /// How many batches have come from all of them.
    batches: u64,
}

impl Trackers {
    /// Starts to watch all trackers.
    pub(super) fn start(
        trackers: &[TrackerAddress],
        conditions: &Conditions,
        happen: &SyncSender<Happening>,
    ) -> io::Result<Self> {
        Ok(Self {
            first: 0,
            names: trackers.iter().map(ToString::to_string).collect(),
            watches: Self::watch(0, trackers, conditions, happen)?,
            told: trackers.iter().map(|_| Told::default()).collect(),
            batches: 0,
        })
    }

    /// Starts to watch them again after [`leave`](Self::leave). The old list of a tracker counts until
    /// it has answered: it may be slow, or gone.
    pub(super) fn again(
        &mut self,
        trackers: &[TrackerAddress],
        conditions: &Conditions,
        happen: &SyncSender<Happening>,
    ) -> io::Result<()> {
        self.first += self.names.len();
        self.watches = Self::watch(self.first, trackers, conditions, happen)?;
        for told in &mut self.told {
            (told.is_old, told.lost) = (true, None);
        }
        Ok(())
    }

    fn watch(
        first: usize,
        trackers: &[TrackerAddress],
        conditions: &Conditions,
        happen: &SyncSender<Happening>,
    ) -> io::Result<Vec<Watch>> {
        let watch = |(number, tracker): (usize, &TrackerAddress)| {
            let happen = happen.clone();
            let on_event =
                move |event| drop(happen.send(Happening::Tracker(first + number, event)));
            Watch::start(
                tracker.clone(),
                conditions.clone(),
                Timings::default(),
                on_event,
            )
        };
        trackers.iter().enumerate().map(watch).collect()
    }

    /// Tries lost trackers again at once.
    pub(super) fn retry(&mut self) {
        for (watch, told) in self.watches.iter().zip(&mut self.told) {
            if let Some((_, is_retried)) = &mut told.lost {
                *is_retried = true;
                watch.retry();
            }
        }
    }

    /// Closes all connections.
    pub(super) fn leave(&mut self) {
        self.watches.clear();
    }

    /// Applies an event of tracker `number`; returns the events of the model that follow.
    pub(super) fn on_event(&mut self, number: usize, event: watch::Event) -> Vec<Event> {
        let mut events = Vec::new();
        // It may be an event of a watch that has ended.
        let number = number.checked_sub(self.first);
        let Some(number) = number.filter(|number| *number < self.watches.len()) else {
            return events;
        };
        let told = &mut self.told[number];
        match event {
            watch::Event::Batch { changes, from, .. } => {
                self.batches += 1;
                told.take(changes, from, self.batches);
                events.push(Event::List(self.merged()));
            }
            watch::Event::Lost { why, .. } => {
                let name = &self.names[number];
                let why = match told.was_heard {
                    true => format!("lost {name}: {why}; what it said last is shown"),
                    false => why.told(name, "browse"),
                };
                told.lost = Some((why, true));
            }
            watch::Event::Refused { refused, retry_in } => {
                let why = format!("{}: it said {refused}", self.names[number]);
                told.lost = Some((why, retry_in.is_some()));
            }
        }
        let lost = self
            .told
            .iter()
            .find_map(|told| Some((told, told.lost.as_ref()?)));
        events.extend(lost.map(|(told, (why, is_retried))| Event::Lost {
            why: why.clone(),
            is_retried: *is_retried,
            was_heard: told.was_heard,
        }));
        events
    }

    /// Every game server once. Of several entries the one counts that is least in doubt; then one of
    /// a connected tracker, then the latest, then that of the first tracker.
    fn merged(&self) -> Vec<Listed> {
        let mut merged = BTreeMap::new();
        for told in &self.told {
            for (address, (infos, batch)) in &told.list {
                let doubt = Doubt::of(address.ip(), infos, told.from);
                let weight = (doubt, told.lost.is_some(), Reverse(*batch));
                let best = merged.entry(*address).or_insert((weight, infos));
                if weight < best.0 {
                    *best = (weight, infos);
                }
            }
        }
        let listed = merged.into_iter();
        listed
            .map(|(address, ((doubt, ..), infos))| (address, infos.clone(), doubt))
            .collect()
    }
}

impl Told {
    /// Applies the batch with this number.
    fn take(&mut self, changes: Vec<Change>, from: Option<IpAddr>, batch: u64) {
        let before = match std::mem::take(&mut self.is_old) {
            true => std::mem::take(&mut self.list),
            false => Known::new(),
        };
        for change in changes {
            match change {
                Change::New(address, infos) | Change::Updated(address, infos) => {
                    let batch = match before.get(&address) {
                        Some((known, batch)) if *known == infos => *batch,
                        _ if self.was_heard => batch,
                        _ => 0,
                    };
                    self.list.insert(address, (infos, batch));
                }
                Change::Gone(address) => drop(self.list.remove(&address)),
            }
        }
        (self.from, self.was_heard, self.lost) = (from, true, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::browse::model::tests::entry;
    use std::net::TcpListener;
    use std::sync::mpsc::sync_channel;

    fn batch(ports: &[u16]) -> watch::Event {
        said(ports, "", None)
    }

    /// What is told of all these ports by a tracker that was reached there.
    fn said(ports: &[u16], fields: &str, from: Option<&str>) -> watch::Event {
        let new = |port: &u16| {
            let (address, infos, _) = entry(*port, fields);
            Change::New(address, infos)
        };
        watch::Event::Batch {
            changes: ports.iter().map(new).collect(),
            is_live: true,
            from: from.map(|from| from.parse().unwrap()),
        }
    }

    /// Two trackers that are never answered: the test says what they are told.
    fn two() -> (Trackers, [TrackerAddress; 2], [TcpListener; 2]) {
        let silent = [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let addresses = silent
            .each_ref()
            .map(|tracker| TrackerAddress::new(tracker.local_addr().unwrap()));
        let (happen, _) = sync_channel(9);
        let trackers = Trackers::start(&addresses, &Conditions::default(), &happen).unwrap();
        (trackers, addresses, silent)
    }

    /// Players and doubt of the only game server that is shown.
    fn only(events: &[Event]) -> (Option<u16>, Option<Doubt>) {
        let Some(Event::List(list)) = events.first() else {
            panic!("no list: {events:?}");
        };
        let [(_, infos, doubt)] = &list[..] else {
            panic!("not one: {list:?}");
        };
        (infos.number("nbplayers"), *doubt)
    }

    /// The ports of the list that is shown, if it is a new one, and whether a tracker is lost.
    fn seen(events: &[Event]) -> (Vec<u16>, bool) {
        let ports = events.iter().flat_map(|event| match event {
            Event::List(list) => list.iter().map(|listed| listed.0.port()).collect(),
            _ => Vec::new(),
        });
        let is_lost = |event: &Event| matches!(event, Event::Lost { .. });
        (ports.collect(), events.iter().any(is_lost))
    }

    #[test]
    fn what_a_tracker_told_counts_until_it_has_answered_again() {
        let (mut trackers, addresses, _silent) = two();
        let (happen, _happened) = sync_channel(9);
        let conditions = Conditions::default();
        assert_eq!(seen(&trackers.on_event(0, batch(&[1]))).0, [1]);
        assert_eq!(seen(&trackers.on_event(1, batch(&[2, 3]))).0, [1, 2, 3]);
        trackers.leave();
        assert!(trackers.on_event(1, batch(&[9])).is_empty(), "it was left");
        trackers.again(&addresses, &conditions, &happen).unwrap();
        assert!(trackers.on_event(1, batch(&[9])).is_empty(), "it was left");
        assert_eq!(seen(&trackers.on_event(2, batch(&[4]))).0, [2, 3, 4]);
        let lost = watch::Event::Lost {
            why: crate::client::replica::Error::CutOff,
            retry_in: std::time::Duration::ZERO,
        };
        let events = trackers.on_event(3, lost);
        let [Event::Lost { why, .. }] = &events[..] else {
            panic!("it is not lost: {events:?}");
        };
        assert!(why.ends_with("; what it said last is shown"), "{why}");
        assert_eq!(
            seen(&trackers.on_event(2, batch(&[5]))),
            (vec![2, 3, 4, 5], true)
        );
        assert_eq!(
            seen(&trackers.on_event(3, batch(&[3]))),
            (vec![3, 4, 5], false)
        );
        assert_eq!(seen(&trackers.on_event(3, batch(&[]))).0, [3, 4, 5]);
    }

    #[test]
    fn of_two_that_list_the_same_the_one_that_said_it_last_is_believed() {
        let (mut trackers, addresses, _silent) = two();
        let mut told =
            |tracker, fields: &str| only(&trackers.on_event(tracker, said(&[1], fields, None))).0;
        assert_eq!(told(1, "nbplayers=1"), Some(1));
        assert_eq!(told(0, "nbplayers=2"), Some(2), "as old for all we know");
        assert_eq!(told(1, "nbplayers=3"), Some(3));
        assert_eq!(told(0, "nbplayers=4"), Some(4));
        assert_eq!(told(0, "nbplayers=5 stale=yes"), Some(3), "one lives");
        // After a game they tell all again: what is the same is as old as before.
        trackers.leave();
        let (happen, _happened) = sync_channel(9);
        trackers
            .again(&addresses, &Conditions::default(), &happen)
            .unwrap();
        let mut told =
            |tracker, fields: &str| only(&trackers.on_event(tracker, said(&[1], fields, None))).0;
        assert_eq!(told(2, "nbplayers=6"), Some(6));
        assert_eq!(told(3, "nbplayers=3"), Some(6));
        assert_eq!(told(3, "nbplayers=7"), Some(7));
        // Who is not heard any more may have missed what has changed since.
        let lost = watch::Event::Lost {
            why: crate::client::replica::Error::CutOff,
            retry_in: std::time::Duration::ZERO,
        };
        trackers.on_event(3, lost);
        assert_eq!(only(&trackers.on_event(2, batch(&[]))).0, Some(6));
    }

    #[test]
    fn what_is_on_the_players_own_network_counts_from_a_tracker_that_is_there() {
        let (mut trackers, ..) = two();
        let local = |tracker, port, from| {
            let address = std::net::SocketAddr::from(([192, 168, 1, 7], 1));
            let (_, infos, _) = entry(1, &format!("nbplayers={port}"));
            let event = watch::Event::Batch {
                changes: vec![Change::New(address, infos)],
                is_live: true,
                from: Some(std::net::IpAddr::from(from)),
            };
            (tracker, event)
        };
        let mut told = |(tracker, event)| only(&trackers.on_event(tracker, event));
        let far = told(local(0, 1, [198, 51, 100, 7]));
        assert_eq!(far, (Some(1), Some(Doubt::Local)));
        assert_eq!(told(local(1, 2, [192, 168, 1, 5])), (Some(2), None));
        let far = told(local(0, 3, [198, 51, 100, 7]));
        assert_eq!(far, (Some(2), None), "also if the other speaks later");
    }
}
