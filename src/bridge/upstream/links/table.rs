//! All game servers that are wanted: when each is to be looked at, and who waits before the gate.

use super::super::dialer::{Dialed, Dialer};
use super::super::distrusted::Distrusted;
use super::super::entry::{Entry, State};
use super::super::gate::Gate;
use super::super::voice::Voice;
use crate::bridge::hall::{Counter, Hall};
use crate::game_server::TrackerAddress;
use crate::game_server::session::Credential;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Who logs in at the start, to be listed nowhere: whether the tracker is there, and takes the password, is
/// known before the first game server comes.
pub(super) const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// How long the tracker's list may take at the start. It comes within milliseconds, if it can be had.
const LIST_TIME: Duration = Duration::from_secs(2);

/// All of them.
pub(in crate::bridge::upstream) struct Links {
    pub(super) hall: Hall,
    pub(super) credential: Arc<Credential>,
    pub(super) dialer: Dialer,
    pub(super) dialed: Receiver<Dialed>,
    pub(super) entries: BTreeMap<SocketAddr, Entry>,
    pub(super) agenda: BTreeSet<(Instant, SocketAddr)>,
    /// Who waits before the gate, by their tickets.
    pub(super) queue: BTreeMap<u64, SocketAddr>,
    last_ticket: u64,
    pub(super) gate: Gate,
    /// Until then nobody logs in before the list has come: somebody may be on it already.
    pub(super) list_by: Instant,
    pub(super) distrusted: Distrusted,
    /// How often the tracker's list was lost and found.
    pub(super) turns: u64,
    /// Where the tracker sees this bridge.
    pub(super) here: Option<IpAddr>,
    pub(super) voice: Voice,
    pub(super) logins: Counter,
    pub(super) losses: Counter,
    pub(super) refusals: Counter,
}

impl Links {
    /// Nobody's yet; made by the thread that is to run it.
    pub(in crate::bridge::upstream) fn new(
        hall: Hall,
        tracker: TrackerAddress,
        credential: Arc<Credential>,
    ) -> Self {
        let (done, dialed) = channel();
        let counter = |name| hall.counters.of(name);
        Self {
            logins: counter("tracker-logins"),
            losses: counter("tracker-losses"),
            refusals: counter("tracker-refusals"),
            credential,
            voice: Voice::new(hall.log.clone(), tracker.to_string()),
            dialer: Dialer::new(tracker, done, std::thread::current()),
            dialed,
            entries: BTreeMap::new(),
            agenda: BTreeSet::new(),
            queue: BTreeMap::new(),
            last_ticket: 0,
            gate: Gate::default(),
            list_by: Instant::now() + LIST_TIME,
            distrusted: Distrusted::default(),
            turns: 0,
            here: None,
            hall,
        }
    }

    /// Puts an entry into the queue before the gate.
    pub(super) fn enqueue(&mut self, address: SocketAddr) {
        self.set_due(address, None);
        self.distrusted.remove(address);
        if let Some(entry) = self.entries.get_mut(&address) {
            self.last_ticket += 1;
            entry.state = State::Queued(self.last_ticket);
            self.queue.insert(self.last_ticket, address);
        }
    }

    pub(super) fn remove(&mut self, address: SocketAddr) {
        self.set_due(address, None);
        self.distrusted.remove(address);
        let entry = self.entries.remove(&address);
        if let Some(State::Queued(ticket)) = entry.map(|entry| entry.state) {
            self.queue.remove(&ticket);
        }
    }

    pub(super) fn set_due(&mut self, address: SocketAddr, due: Option<Instant>) {
        let Some(entry) = self.entries.get_mut(&address) else {
            return;
        };
        if let Some(old) = std::mem::replace(&mut entry.due, due) {
            self.agenda.remove(&(old, address));
        }
        if let Some(due) = due {
            self.agenda.insert((due, address));
        }
    }
}
