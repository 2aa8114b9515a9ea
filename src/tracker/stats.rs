//! Counters that an operator can ask for.

use super::admission::Denied;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// What has happened since the start. Read together with the slots in use by `STATS`.
#[derive(Debug, Default)]
pub struct Stats {
    /// Connections that got a slot.
    pub accepted: Counter,
    /// Newcomers that were served although no slot was free.
    pub guests: Counter,
    /// Connections that lost their slot to a newcomer.
    pub dropped: Counter,
    /// Newcomers turned away because all slots of the class were in use.
    pub class_full: Counter,
    /// Newcomers turned away because their host held as many as it may.
    pub host_full: Counter,
    /// Newcomers turned away because their host connects too fast.
    pub too_fast: Counter,
    /// Newcomers turned away because their host had failed to log in too often.
    pub in_penalty: Counter,
    /// Game servers kept off the list because their host or key has enough on it.
    pub over_share: Counter,
    /// Newcomers turned away because the operator has banned their address.
    pub banned: Counter,
    /// Datagrams sent to prove that a port can be reached.
    pub proofs_sent: Counter,
    /// Ports that were proven.
    pub proofs_answered: Counter,
    /// Ports that did not answer.
    pub proofs_failed: Counter,
    /// Failed logins for which the host was, or stayed, shut out.
    pub penalties: Counter,
    /// Game servers that got onto the list.
    pub logins: Counter,
    /// Logins with a wrong password.
    pub bad_passwords: Counter,
    /// Changes of listed game servers.
    pub updates: Counter,
    /// Times the list was asked for.
    pub lists: Counter,
    /// Times it was enough to answer with what had changed.
    pub deltas: Counter,
    /// Clients that became watchers.
    pub watches: Counter,
    /// Batches of changes sent to watchers.
    pub batches: Counter,
    /// Connections closed with an ERR.
    pub refused: Counter,
    /// Connections closed because the peer did not read.
    pub slow_readers: Counter,
    /// Bytes sent on all connections.
    pub bytes_sent: Counter,
    /// Files that could not be published.
    pub publish_failures: Counter,
    /// Times that the state file could not be written.
    pub state_failures: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Stats {
    /// The counter of those turned away for this reason.
    pub fn denied(&self, denied: Denied) -> &Counter {
        match denied {
            Denied::Penalty(_) => &self.in_penalty,
            Denied::TooFast(_) => &self.too_fast,
            Denied::HostFull(..) => &self.host_full,
            Denied::ClassFull(..) | Denied::OwnGroup(..) => &self.class_full,
            Denied::ListedPerHost(_) | Denied::ListedPerKey(_) => &self.over_share,
        }
    }

    /// Appends ` name=count` for every counter.
    pub fn write_into(&self, line: &mut String) {
        for (name, counter) in [
            ("accepted", &self.accepted),
            ("guests", &self.guests),
            ("dropped", &self.dropped),
            ("class-full", &self.class_full),
            ("host-full", &self.host_full),
            ("too-fast", &self.too_fast),
            ("in-penalty", &self.in_penalty),
            ("over-share", &self.over_share),
            ("banned", &self.banned),
            ("penalties", &self.penalties),
            ("proofs-sent", &self.proofs_sent),
            ("proofs-answered", &self.proofs_answered),
            ("proofs-failed", &self.proofs_failed),
            ("logins", &self.logins),
            ("bad-passwords", &self.bad_passwords),
            ("updates", &self.updates),
            ("lists", &self.lists),
            ("deltas", &self.deltas),
            ("watches", &self.watches),
            ("batches", &self.batches),
            ("refused", &self.refused),
            ("slow-readers", &self.slow_readers),
            ("bytes-sent", &self.bytes_sent),
            ("publish-failures", &self.publish_failures),
            ("state-failures", &self.state_failures),
        ] {
            // Writing into a String does not fail.
            let _ = write!(line, " {name}={}", counter.get());
        }
    }
}
