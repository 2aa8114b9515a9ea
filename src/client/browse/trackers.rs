//! The trackers whose lists are shown, as one list.

use super::Happening;
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

/// Several trackers, and what each of them has told.
pub(super) struct Trackers {
    /// The number of the first: what others had to say, who were asked before, is not theirs.
    first: usize,
    names: Vec<String>,
    watches: Vec<Watch>,
    lists: Vec<Known>,
    /// Why a tracker is not heard, if it is not.
    lost: Vec<Option<String>>,
}

impl Trackers {
    /// Asks all of them at the same time.
    pub(super) fn start(
        trackers: &[TrackerAddress],
        conditions: &Conditions,
        happen: &SyncSender<Happening>,
    ) -> io::Result<Self> {
        Self::numbered(0, trackers, conditions, happen)
    }

    /// Asks them as if for the first time, after they were left.
    pub(super) fn again(
        &self,
        trackers: &[TrackerAddress],
        conditions: &Conditions,
        happen: &SyncSender<Happening>,
    ) -> io::Result<Self> {
        Self::numbered(self.first + self.names.len(), trackers, conditions, happen)
    }

    fn numbered(
        first: usize,
        trackers: &[TrackerAddress],
        conditions: &Conditions,
        happen: &SyncSender<Happening>,
    ) -> io::Result<Self> {
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
        Ok(Self {
            first,
            names: trackers.iter().map(ToString::to_string).collect(),
            watches: trackers
                .iter()
                .enumerate()
                .map(watch)
                .collect::<io::Result<_>>()?,
            lists: trackers.iter().map(|_| Known::new()).collect(),
            lost: trackers.iter().map(|_| None).collect(),
        })
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
        match event {
            watch::Event::Batch { changes, .. } => {
                self.lost[number] = None;
                for change in changes {
                    match change {
                        Change::New(address, infos) | Change::Updated(address, infos) => {
                            self.lists[number].insert(address, infos);
                        }
                        Change::Gone(address) => drop(self.lists[number].remove(&address)),
                    }
                }
                events.push(Event::List(self.merged()));
            }
            watch::Event::Lost { why, .. } => self.lost[number] = Some(why.to_string()),
            watch::Event::Refused { refused, .. } => {
                self.lost[number] = Some(refused.text().to_owned());
            }
        }
        let mut lost = self.names.iter().zip(&self.lost);
        if let Some((name, Some(why))) = lost.find(|(_, lost)| lost.is_some()) {
            events.push(Event::Lost(format!("{name}: {why}")));
        }
        events
    }

    /// Every game server once, however many trackers know it.
    fn merged(&self) -> Vec<(SocketAddr, Infos)> {
        let mut merged = Known::new();
        for list in self.lists.iter().rev() {
            merged.extend(
                list.iter()
                    .map(|(address, infos)| (*address, infos.clone())),
            );
        }
        merged.into_iter().collect()
    }
}
