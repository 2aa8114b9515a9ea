//! How many bytes of lists may be sent: to one host, to the network around it, and in all.
//!
//! Who asks can pretend to be somebody else, who is then sent a list that is many times as long as the
//! question. What one host and one network are sent is bounded, so that it is not worth the effort.
//!
//! Hosts share places in a table by a secret hash, so nothing grows. Together with the bound in all,
//! others cannot use up a host's place: there are too many places for that.

use crate::bridge::hall::address::{group, host};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Bytes that one host may be sent: so many a second.
pub(super) const PER_HOST: u32 = 16 * 1024;

/// Bytes that all hosts together may be sent: so many a second.
pub(super) const IN_ALL: u32 = 8 * 1024 * 1024;

/// What one host may be sent at once after a pause, in seconds. The answer that goes beyond it is
/// still sent, so that these are five lists of 4,000 game servers.
const AT_ONCE: u64 = 7;

/// How much more than a host a network may be sent: an IPv4 /24, or an IPv6 /48.
const NETWORK: u64 = 8;

/// The fewest bytes that an answer counts for: its headers and its question cost something too.
const LEAST: usize = 128;

/// Places in each table, half a MiB for both.
const PLACES: usize = 32 * 1024;

/// What has been sent.
#[derive(Debug)]
pub(super) struct Budgets {
    per_host: u64,
    in_all: u64,
    start: Instant,
    hasher: RandomState,
    hosts: Vec<u64>,
    networks: Vec<u64>,
    all: u64,
}

impl Budgets {
    /// Bounds in bytes a second; 0 is none.
    pub(super) fn new(per_host: u32, in_all: u32, now: Instant) -> Self {
        let places = if per_host > 0 { PLACES } else { 1 };
        Self {
            per_host: per_host.into(),
            in_all: in_all.into(),
            start: now,
            hasher: RandomState::new(),
            hosts: vec![0; places],
            networks: vec![0; places],
            all: 0,
        }
    }

    /// Counts so many bytes that go to `ip`. False if those are too many now.
    pub(super) fn allows(&mut self, ip: IpAddr, bytes: usize, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.start).as_micros();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let bytes = bytes.max(LEAST) as u64;
        let (host, network) = (self.place(host(ip)), self.place(group(ip)));
        let mut debts = [
            (&mut self.hosts[host], self.per_host, AT_ONCE),
            (
                &mut self.networks[network],
                self.per_host * NETWORK,
                AT_ONCE,
            ),
            (&mut self.all, self.in_all, 1),
        ];
        let is_paid = |(until, rate, at_once): &(&mut u64, u64, u64)| {
            *rate == 0 || until.saturating_sub(now) <= at_once * MICROS
        };
        if !debts.iter().all(is_paid) {
            return false;
        }
        for (until, rate, _) in &mut debts {
            let cost = (bytes * MICROS).checked_div(*rate).unwrap_or(0);
            **until = now.max(**until) + cost;
        }
        true
    }

    fn place(&self, ip: IpAddr) -> usize {
        self.hasher.hash_one(ip) as usize % self.hosts.len()
    }
}

/// A second.
const MICROS: u64 = Duration::from_secs(1).as_micros() as u64;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(budgets: &mut Budgets, ip: &str, bytes: usize, now: Instant) -> usize {
        let ip = ip.parse().unwrap();
        (0..100_000)
            .take_while(|_| budgets.allows(ip, bytes, now))
            .count()
            * bytes
    }

    #[test]
    fn a_host_has_a_few_lists_at_once_and_then_its_rate() {
        const LIST: usize = 28_469;
        let start = Instant::now();
        let mut budgets = Budgets::new(PER_HOST, IN_ALL, start);
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(sent(&mut budgets, "198.51.100.1", LIST, start), 5 * LIST);
        assert_eq!(sent(&mut budgets, "198.51.100.1", LIST, after(1)), 0);
        assert_eq!(sent(&mut budgets, "198.51.100.1", LIST, after(4)), 2 * LIST);
        assert_eq!(sent(&mut budgets, "::ffff:198.51.100.1", LIST, after(4)), 0);
        assert_eq!(sent(&mut budgets, "198.51.100.2", LIST, after(4)), 5 * LIST);
        // Those of one /64 are one host.
        assert_eq!(sent(&mut budgets, "2001:db8::1", LIST, after(4)), 5 * LIST);
        assert_eq!(sent(&mut budgets, "2001:db8::2", LIST, after(4)), 0);
        let small = sent(&mut budgets, "203.0.113.9", 100, after(4));
        assert!(small > 85_000, "{small} bytes of short lists");
    }

    #[test]
    fn a_network_and_all_together_have_bounds() {
        let start = Instant::now();
        let mut budgets = Budgets::new(PER_HOST, IN_ALL, start);
        let of_network = (0..256).map(|n| format!("198.51.100.{n}"));
        let total: usize = of_network
            .map(|ip| sent(&mut budgets, &ip, 5000, start))
            .sum();
        let most = PER_HOST as usize * (NETWORK * AT_ONCE) as usize;
        assert!((most..most + 10_000).contains(&total), "{total}");
        let mut budgets = Budgets::new(PER_HOST, IN_ALL, start);
        let total = |budgets: &mut Budgets, now| -> usize {
            let ips = (0..2000).map(|n| format!("10.{}.{}.1", n / 200, n % 200));
            ips.map(|ip| sent(budgets, &ip, 5000, now)).sum()
        };
        let first = total(&mut budgets, start);
        assert!(
            (IN_ALL as usize..IN_ALL as usize + 10_000).contains(&first),
            "{first}"
        );
        let more = total(&mut budgets, start + Duration::from_secs(1));
        assert!(
            (IN_ALL as usize - 10_000..IN_ALL as usize + 10_000).contains(&more),
            "{more}"
        );
    }

    #[test]
    fn no_bound_is_none() {
        let now = Instant::now();
        let mut budgets = Budgets::new(0, 0, now);
        assert_eq!(sent(&mut budgets, "198.51.100.1", 1000, now), 100_000_000);
    }
}
