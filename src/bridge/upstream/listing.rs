//! The tracker's list as the doors look it up.
//!
//! While the tracker is away, its last list goes on to be told for a while; then only of it what this
//! bridge has itself listed, and asks. Clients are told nothing of game servers that may not be used.

use crate::base::files::outage::Outage;
use crate::bridge::hall::Hall;
use crate::client::watch::{Event, Timings, Watch};
use crate::client::{Change, Conditions, Doubt, Error, TrackerAddress};
use crate::protocol::fields::Infos;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// How long a list is told that the tracker cannot confirm.
const GOOD_FOR: Duration = Duration::from_secs(600);

/// Watches the tracker's list, as long as the process lives.
///
/// # Errors
/// When the system has no thread left.
pub(super) fn start(hall: &Hall, tracker: TrackerAddress) -> io::Result<()> {
    let mut list = List {
        hall: hall.clone(),
        tracker: tracker.to_string(),
        known: BTreeMap::new(),
        from: None,
        lost: None,
        outage: Outage::default(),
    };
    let on_event = move |event| list.on_event(event, Instant::now());
    let watch = Watch::start(tracker, Conditions::default(), Timings::default(), on_event)?;
    // It would end when it is dropped.
    std::mem::forget(watch);
    Ok(())
}

struct List {
    hall: Hall,
    tracker: String,
    known: BTreeMap<SocketAddr, Infos>,
    /// Where the tracker was reached.
    from: Option<IpAddr>,
    /// Since when it is not.
    lost: Option<Instant>,
    outage: Outage,
}

impl List {
    fn on_event(&mut self, event: Event, now: Instant) {
        match event {
            Event::Batch { changes, from, .. } => {
                self.lost = None;
                if self.outage.works(now) {
                    let tracker: (_, &dyn Display) = ("tracker", &self.tracker);
                    self.hall.log.info("list-back", &[tracker]);
                }
                let is_moved = std::mem::replace(&mut self.from, from) != from;
                if is_moved || !changes.is_empty() {
                    changes.into_iter().for_each(|change| self.change(change));
                    self.publish(|_| true);
                }
                self.hall.desk.set_live(true);
            }
            Event::Lost {
                why: Error::CutOff, ..
            } => self.on_loss(&"the tracker hung up", now),
            Event::Lost { why, .. } => self.on_loss(&why, now),
            Event::Refused { refused, .. } => self.on_loss(&refused, now),
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::New(address, infos) | Change::Updated(address, infos) => {
                self.hall.desk.set_on_list(address, true);
                self.known.insert(address, infos);
            }
            Change::Gone(address) => {
                self.hall.desk.set_on_list(address, false);
                self.known.remove(&address);
            }
        }
    }

    /// The list is not confirmed, for this reason.
    fn on_loss(&mut self, why: &dyn Display, now: Instant) {
        let since = *self.lost.get_or_insert(now);
        self.hall.desk.set_live(false);
        if self.outage.fails(now) {
            let so = match self.known.is_empty() {
                true => "players are told of no game servers until it is back",
                false => "players are told the last list, for ten minutes",
            };
            let fields: [(_, &dyn Display); 3] =
                [("tracker", &self.tracker), ("why", why), ("so", &so)];
            self.hall.log.warn("list-away", &fields);
        }
        if now >= since + GOOD_FOR {
            let desk = &self.hall.desk;
            self.publish(|address| desk.is_wanted(address));
        }
    }

    /// Shows the doors what is known, if it is good.
    fn publish(&self, is_good: impl Fn(SocketAddr) -> bool) {
        let may_be_used = |address: SocketAddr, infos: &Infos| {
            let doubt = Doubt::of(address.ip(), infos, self.from);
            doubt.is_none_or(Doubt::may_be_used)
        };
        let servers = self.known.iter();
        let servers = servers
            .filter(|(address, infos)| may_be_used(**address, infos) && is_good(**address))
            .map(|(address, infos)| (*address, infos.clone()));
        self.hall.desk.set_listing(servers.collect());
    }
}
