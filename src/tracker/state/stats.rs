//! Counters that an operator can ask for.

use crate::protocol::refusal::ErrorCode;
use crate::tracker::access::admission::Denied;
use crate::tracker::access::slots::Class;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// What has happened since the start. `STATS` gives it together with the slots in use.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    /// Connections that got a slot.
    pub accepted: Counter,
    /// Newcomers that were served although no slot was free.
    pub guests: Counter,
    /// Connections that lost their slot to a newcomer.
    pub dropped: Each<{ Class::ALL.len() }>,
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
    /// Logins with a wrong password or key.
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
    /// Connections that were closed with an ERR, but for those that were denied when they came.
    pub refused: Each<{ ErrorCode::ALL.len() }>,
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
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So many more.
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many so far.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A counter for each value of an enum, in the order of its `ALL`.
#[derive(Debug)]
pub(crate) struct Each<const N: usize>([Counter; N]);

impl<const N: usize> Default for Each<N> {
    fn default() -> Self {
        Self([const { Counter(AtomicU64::new(0)) }; N])
    }
}

impl<const N: usize> Each<N> {
    /// All of them together.
    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().map(Counter::get).sum()
    }
}

impl Each<{ Class::ALL.len() }> {
    /// The counter of this class.
    pub(crate) fn of(&self, class: Class) -> &Counter {
        &self.0[class as usize]
    }
}

impl Each<{ ErrorCode::ALL.len() }> {
    /// The counter of this code.
    pub(crate) fn of(&self, code: ErrorCode) -> &Counter {
        &self.0[code as usize]
    }
}

impl Stats {
    /// The counter of those turned away for this reason.
    pub(crate) fn denied(&self, denied: Denied) -> &Counter {
        match denied {
            Denied::Penalty(_) => &self.in_penalty,
            Denied::TooFast(_) => &self.too_fast,
            Denied::HostFull(..) => &self.host_full,
            Denied::ClassFull(..) => &self.class_full,
            Denied::ListedPerHost(_) | Denied::ListedPerKey(_) => &self.over_share,
        }
    }

    /// Appends ` name=count` for every counter.
    pub(crate) fn write_into(&self, line: &mut String) {
        for (name, count) in [
            ("accepted", self.accepted.get()),
            ("guests", self.guests.get()),
            ("dropped", self.dropped.sum()),
            ("class-full", self.class_full.get()),
            ("host-full", self.host_full.get()),
            ("too-fast", self.too_fast.get()),
            ("in-penalty", self.in_penalty.get()),
            ("over-share", self.over_share.get()),
            ("banned", self.banned.get()),
            ("penalties", self.penalties.get()),
            ("proofs-sent", self.proofs_sent.get()),
            ("proofs-answered", self.proofs_answered.get()),
            ("proofs-failed", self.proofs_failed.get()),
            ("logins", self.logins.get()),
            ("bad-passwords", self.bad_passwords.get()),
            ("updates", self.updates.get()),
            ("lists", self.lists.get()),
            ("deltas", self.deltas.get()),
            ("watches", self.watches.get()),
            ("batches", self.batches.get()),
            ("refused", self.refused.sum()),
            ("slow-readers", self.slow_readers.get()),
            ("bytes-sent", self.bytes_sent.get()),
            ("publish-failures", self.publish_failures.get()),
            ("state-failures", self.state_failures.get()),
        ] {
            // Writing into a String does not fail.
            let _ = write!(line, " {name}={count}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_value_has_a_counter_of_its_own() {
        let stats = Stats::default();
        for (n, code) in ErrorCode::ALL.into_iter().enumerate() {
            stats.refused.of(code).add(n as u64);
        }
        for (n, class) in Class::ALL.into_iter().enumerate() {
            stats.dropped.of(class).add(n as u64);
        }
        let refused: [_; 16] = ErrorCode::ALL.map(|code| stats.refused.of(code).get());
        assert_eq!(refused, std::array::from_fn(|n| n as u64));
        assert_eq!(
            Class::ALL.map(|class| stats.dropped.of(class).get()),
            [0, 1, 2, 3]
        );
        for denied in [
            Denied::Penalty(Duration::ZERO),
            Denied::TooFast(Class::Client),
            Denied::HostFull(Class::Client, 8),
            Denied::ClassFull(Class::Client, 8),
            Denied::ListedPerHost(16),
            Denied::ListedPerKey(64),
        ] {
            let mut line = String::new();
            stats.denied(denied).add_one();
            stats.write_into(&mut line);
            let counter = format!(" {}={} ", denied.reason(), stats.denied(denied).get());
            assert!(line.contains(&counter), "{counter} in {line}");
        }
        let mut line = String::new();
        stats.write_into(&mut line);
        assert!(
            line.contains(" refused=120 ") && line.contains(" dropped=6 "),
            "{line}"
        );
    }
}
