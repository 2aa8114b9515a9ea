//! The trackers whose lists are shown, as one list.

use super::inbox::Happening;
use super::model::Event;
use crate::client::known::Change;
use crate::client::watch::{self, Timings, Watch};
use crate::client::{Conditions, TrackerAddress};
use crate::protocol::infos::Infos;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::SyncSender;

/// The game servers of one tracker.
type Known = BTreeMap<SocketAddr, Infos>;

/// What one tracker has told.
#[derive(Default)]
struct Told {
    list: Known,
    /// The list is from before it was left: what it tells next is told from the beginning.
    is_old: bool,
    /// Why it is not heard, if it is not, and whether it is being tried again.
    lost: Option<(String, bool)>,
}

/// Several trackers, and what each of them has told.
pub(super) struct Trackers {
    /// The number of the first: what others had to say, who were asked before, is not theirs.
    first: usize,
    names: Vec<String>,
    watches: Vec<Watch>,
    told: Vec<Told>,
}

impl Trackers {
    /// Asks all of them at the same time.
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
        })
    }

    /// Asks them as if for the first time, after they were left. What each of them told before
    /// counts until it has answered: one may be slow, or gone.
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

    /// Asks those that are lost now, and not when their time has come.
    pub(super) fn retry(&mut self) {
        for (watch, told) in self.watches.iter().zip(&mut self.told) {
            if let Some((_, is_retried)) = &mut told.lost {
                *is_retried = true;
                watch.retry();
            }
        }
    }

    /// Hangs up on all of them.
    pub(super) fn leave(&mut self) {
        self.watches.clear();
    }

    /// Something has come from tracker `number`; what that means for the list that is shown.
    pub(super) fn on_event(&mut self, number: usize, event: watch::Event) -> Vec<Event> {
        let mut events = Vec::new();
        // One that was left may still have been about to say something.
        let number = number.checked_sub(self.first);
        let Some(number) = number.filter(|number| *number < self.watches.len()) else {
            return events;
        };
        let told = &mut self.told[number];
        match event {
            watch::Event::Batch { changes, .. } => {
                told.lost = None;
                if std::mem::take(&mut told.is_old) {
                    told.list.clear();
                }
                for change in changes {
                    match change {
                        Change::New(address, infos) | Change::Updated(address, infos) => {
                            told.list.insert(address, infos);
                        }
                        Change::Gone(address) => drop(told.list.remove(&address)),
                    }
                }
                events.push(Event::List(self.merged()));
            }
            watch::Event::Lost { why, .. } => told.lost = Some((why.to_string(), true)),
            watch::Event::Refused { refused, retry_in } => {
                told.lost = Some((format!("it said {refused}"), retry_in.is_some()));
            }
        }
        let mut all = self.names.iter().zip(&self.told);
        let lost = all.find_map(|(name, told)| Some((name, told.lost.as_ref()?)));
        events.extend(lost.map(|(name, (why, is_retried))| Event::Lost {
            why: format!("{name}: {why}"),
            is_retried: *is_retried,
        }));
        events
    }

    /// Every game server once, however many trackers know it.
    fn merged(&self) -> Vec<(SocketAddr, Infos)> {
        let mut merged = Known::new();
        for told in self.told.iter().rev() {
            let list = told.list.iter();
            merged.extend(list.map(|(address, infos)| (*address, infos.clone())));
        }
        merged.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::browse::model::tests::entry;
    use std::net::TcpListener;
    use std::sync::mpsc::sync_channel;

    fn batch(ports: &[u16]) -> watch::Event {
        let new = |port: &u16| {
            let (address, infos) = entry(*port, "");
            Change::New(address, infos)
        };
        watch::Event::Batch {
            changes: ports.iter().map(new).collect(),
            is_live: true,
        }
    }

    /// The ports of the list that is shown, if it is a new one, and whether a tracker is lost.
    fn seen(events: &[Event]) -> (Vec<u16>, bool) {
        let ports = events.iter().flat_map(|event| match event {
            Event::List(list) => list.iter().map(|(address, _)| address.port()).collect(),
            _ => Vec::new(),
        });
        let is_lost = |event: &Event| matches!(event, Event::Lost { .. });
        (ports.collect(), events.iter().any(is_lost))
    }

    #[test]
    fn what_a_tracker_told_counts_until_it_has_answered_again() {
        // They are never answered: the test says what they are told.
        let silent = [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let addresses = silent
            .each_ref()
            .map(|tracker| TrackerAddress::new(tracker.local_addr().unwrap()));
        let (happen, _happened) = sync_channel(9);
        let conditions = Conditions::default();
        let mut trackers = Trackers::start(&addresses, &conditions, &happen).unwrap();
        assert_eq!(seen(&trackers.on_event(0, batch(&[1]))).0, [1]);
        assert_eq!(seen(&trackers.on_event(1, batch(&[2, 3]))).0, [1, 2, 3]);
        trackers.leave();
        assert!(trackers.on_event(1, batch(&[9])).is_empty(), "it was left");
        trackers.again(&addresses, &conditions, &happen).unwrap();
        assert!(trackers.on_event(1, batch(&[9])).is_empty(), "it was left");
        assert_eq!(seen(&trackers.on_event(2, batch(&[4]))).0, [2, 3, 4]);
        let lost = watch::Event::Lost {
            why: crate::client::Error::CutOff,
            retry_in: std::time::Duration::ZERO,
        };
        assert!(seen(&trackers.on_event(3, lost)).1);
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
}
