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
                let was_lost = self.lost.take().is_some();
                if self.outage.works(now) {
                    let tracker: (_, &dyn Display) = ("tracker", &self.tracker);
                    self.hall.log.info("list-back", &[tracker]);
                }
                let is_moved = std::mem::replace(&mut self.from, from) != from;
                // What is told may have been cut down meanwhile.
                if was_lost || is_moved || !changes.is_empty() {
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
                // What a tracker has kept from before it was started anew is anybody's.
                let is_stale = infos.get("stale").is_some();
                self.hall.desk.set_on_list(address, !is_stale);
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
        let is_good = now < *self.lost.get_or_insert(now) + GOOD_FOR;
        self.hall.desk.set_live(false);
        if self.outage.fails(now) {
            let so = match (self.known.is_empty(), is_good) {
                (true, _) => "players are told of no game servers until it is back",
                (false, true) => "players are told the last list, for ten minutes",
                (false, false) => "players are told of what this bridge lists",
            };
            let fields: [(_, &dyn Display); 3] =
                [("tracker", &self.tracker), ("why", why), ("so", &so)];
            self.hall.log.warn("list-away", &fields);
        }
        if !is_good {
            let desk = &self.hall.desk;
            self.publish(|address| desk.is_wanted(address));
        }
    }

    /// Shows the doors what is known, if it is good.
    fn publish(&self, is_good: impl Fn(SocketAddr) -> bool) {
        let desk = &self.hall.desk;
        // What this bridge has listed itself is near it, wherever the tracker is.
        let may_be_used = |address: SocketAddr, infos: &Infos| {
            let doubt = Doubt::of(address.ip(), infos, self.from);
            doubt.is_none_or(Doubt::may_be_used) || desk.is_wanted(address)
        };
        let servers = self.known.iter();
        let servers = servers
            .filter(|(address, infos)| may_be_used(**address, infos) && is_good(**address))
            .map(|(address, infos)| (*address, infos.clone()));
        desk.set_listing(servers.collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::desk::Wanted;

    #[test]
    fn the_list_is_told_for_ten_minutes_and_again_when_it_is_back() {
        let hall = Hall::of_test();
        let mut list = List {
            hall: hall.clone(),
            tracker: "a:1".to_owned(),
            known: BTreeMap::new(),
            from: None,
            lost: None,
            outage: Outage::default(),
        };
        let [own, foreign] = [1, 2].map(|host| SocketAddr::from(([198, 51, 100, host], 1)));
        let (door, tag, infos) = ("quake", String::new(), Infos::default());
        hall.desk.list(own, Wanted { door, tag, infos });
        let told = || {
            let listing = hall.desk.listing();
            let addresses = listing.servers.iter().map(|(address, _)| *address);
            addresses.collect::<Vec<_>>()
        };
        let batch = |changes| Event::Batch {
            changes,
            is_live: true,
            from: Some([192, 0, 2, 1].into()),
        };
        let lost = || Event::Lost {
            why: Error::Late,
            retry_in: Duration::ZERO,
        };
        let start = Instant::now();
        let both = [own, foreign].map(|address| Change::New(address, Infos::default()));
        list.on_event(batch(both.to_vec()), start);
        assert_eq!(told(), [own, foreign]);
        let second = Duration::from_secs(1);
        list.on_event(lost(), start);
        list.on_event(lost(), start + GOOD_FOR - second);
        assert_eq!(told(), [own, foreign]);
        list.on_event(lost(), start + GOOD_FOR);
        assert_eq!(told(), [own], "nobody has confirmed the other");
        // Nothing has changed meanwhile.
        list.on_event(batch(Vec::new()), start + GOOD_FOR + second);
        assert_eq!(told(), [own, foreign]);
        assert_eq!(hall.desk.is_on_list(foreign), Some(true));
        let mut stale = Infos::default();
        stale.set("stale", "yes").unwrap();
        let change = Change::Updated(foreign, stale);
        list.on_event(batch(vec![change]), start + GOOD_FOR + second);
        assert_eq!(hall.desk.is_on_list(foreign), Some(false), "it is free");
        // One that is near this bridge, and far from the tracker.
        let near = SocketAddr::from(([192, 168, 7, 1], 1));
        let wanted = |tag: &str| Wanted {
            door,
            tag: tag.to_owned(),
            infos: Infos::default(),
        };
        let new = |address| Change::New(address, Infos::default());
        list.from = Some([203, 0, 113, 1].into());
        list.on_event(batch(vec![new(near)]), start + GOOD_FOR + second);
        assert!(!told().contains(&near));
        hall.desk.list(near, wanted("x"));
        list.publish(|_| true);
        assert!(told().contains(&near));
        let version = hall.desk.listing().version;
        list.on_event(batch(Vec::new()), start + GOOD_FOR + 2 * second);
        assert_eq!(hall.desk.listing().version, version, "nothing has changed");
    }
}
