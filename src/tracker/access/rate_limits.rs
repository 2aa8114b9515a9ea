//! How fast hosts may connect, and how long those that fail to log in must stay away.
//!
//! The memory is bounded. For each host a time is kept, after which nothing about it need be remembered.
//! When the table is full, the time that comes soonest is forgotten, since that changes least. No stranger
//! is refused because there is no room to remember him. Pure: `now` is a parameter.

use crate::tracker::access::network::Network;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// Connections of one host to the game-server port: so many a second, and so many at once.
pub const GAME_SERVER_RATE: (u32, u32) = (2, 16);

/// Connections of one host to the client port: so many a second, and so many at once.
pub const CLIENT_RATE: (u32, u32) = (50, 100);

/// Microseconds of CPU time that the answers to one host's LISTs may take: so many a second, so many
/// at once. Fifty players behind one address who ask for 10,000 game servers each second take
/// 6,500.
pub const WORK_RATE: (u32, u32) = (10_000, 30_000);

/// Hosts remembered in each table, some 1 MiB.
const ROOM: usize = 8192;

/// A time for each host.
#[derive(Debug)]
struct HostTimes {
    room: usize,
    ends: HashMap<Network, Instant>,
    /// The same, the soonest first.
    order: BTreeSet<(Instant, Network)>,
}

impl HostTimes {
    fn new(room: usize) -> Self {
        Self {
            room,
            ends: HashMap::new(),
            order: BTreeSet::new(),
        }
    }

    /// The time of `host`, if it is still to come.
    fn get(&self, host: Network, now: Instant) -> Option<Instant> {
        self.ends.get(&host).copied().filter(|&ends| ends > now)
    }

    fn set(&mut self, host: Network, ends: Instant) {
        if let Some(before) = self.ends.insert(host, ends) {
            self.order.remove(&(before, host));
        } else if self.ends.len() > self.room
            && let Some((_, soonest)) = self.order.pop_first()
        {
            self.ends.remove(&soonest);
        }
        self.order.insert((ends, host));
    }
}

/// So many times a second, and after a pause so many at once.
#[derive(Debug)]
pub(crate) struct RateLimit {
    /// The time that one costs.
    interval: Duration,
    /// The time that may be owed while one more is allowed.
    tolerance: Duration,
    /// When each host will owe nothing any more.
    paid_off: HostTimes,
}

impl RateLimit {
    /// `per_second` on and on, `burst` at once.
    pub(crate) fn new((per_second, burst): (u32, u32)) -> Self {
        let interval = Duration::from_secs(1) / per_second;
        Self {
            interval,
            tolerance: interval * (burst - 1),
            paid_off: HostTimes::new(ROOM),
        }
    }

    /// Counts one more for `host`. False if that is one too many now.
    pub(crate) fn allows(&mut self, host: Network, now: Instant) -> bool {
        self.spend(host, 1, now).is_ok()
    }

    /// Counts so many at once for `host`, however many those are, unless it owes too much already.
    ///
    /// # Errors
    /// How long it has to wait.
    pub(crate) fn spend(
        &mut self,
        host: Network,
        times: u32,
        now: Instant,
    ) -> Result<(), Duration> {
        let paid_off = self.paid_off.get(host, now).unwrap_or(now);
        let owed_too_much = paid_off.saturating_duration_since(now + self.tolerance);
        if !owed_too_much.is_zero() {
            return Err(owed_too_much);
        }
        self.paid_off.set(host, paid_off + self.interval * times);
        Ok(())
    }
}

/// How long hosts must stay away, as OpenSSH counts it: each failure adds its penalty, small sums are
/// forgiven, and nobody is shut out for longer than ten minutes after the last failure.
#[derive(Debug)]
pub struct Penalties {
    /// The sum of each host, as the time when it will have run off.
    owed: HostTimes,
    /// Those whose sum was once above what is forgiven, until it has run off.
    active: HostTimes,
}

impl Penalties {
    /// For a login that failed.
    pub const FAILED_LOGIN: Duration = Duration::from_secs(5);
    /// For not logging in within the deadline.
    pub const LATE_LOGIN: Duration = Duration::from_secs(10);
    /// A sum up to this is forgiven.
    pub const FORGIVEN: Duration = Duration::from_secs(15);
    /// A sum is never more.
    pub const MOST: Duration = Duration::from_secs(600);

    /// Nobody owes anything.
    pub(crate) fn new() -> Self {
        Self {
            owed: HostTimes::new(ROOM),
            active: HostTimes::new(ROOM),
        }
    }

    /// Adds to what `host` owes. True if it is shut out now.
    pub(crate) fn add(&mut self, host: Network, penalty: Duration, now: Instant) -> bool {
        let owed = self.owed.get(host, now).unwrap_or(now);
        let until = (owed + penalty).min(now + Self::MOST);
        self.owed.set(host, until);
        let is_active = until > now + Self::FORGIVEN || self.active.get(host, now).is_some();
        if is_active {
            self.active.set(host, until);
        }
        is_active
    }

    /// How long `host` is still shut out.
    pub(crate) fn left(&self, host: Network, now: Instant) -> Option<Duration> {
        self.active.get(host, now).map(|until| until - now)
    }
}

impl Default for Penalties {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn host(n: u32) -> Network {
        Network::host(IpAddr::V4(Ipv4Addr::from_bits(n)))
    }

    #[test]
    fn a_rate_has_a_burst_and_then_its_pace() {
        let mut rate = RateLimit::new((2, 16));
        let start = Instant::now();
        let allowed = |rate: &mut RateLimit, at: f64| {
            let now = start + Duration::from_secs_f64(at);
            (0..100).take_while(|_| rate.allows(host(1), now)).count()
        };
        assert_eq!(allowed(&mut rate, 0.0), 16);
        assert_eq!(allowed(&mut rate, 0.4), 0);
        assert_eq!(allowed(&mut rate, 0.5), 1);
        assert_eq!(allowed(&mut rate, 2.5), 4);
        assert_eq!(allowed(&mut rate, 60.0), 16);
        assert!(rate.allows(host(2), start), "others are not concerned");
    }

    #[test]
    fn what_counts_for_many_is_allowed_once_and_then_waited_for() {
        let (mut rate, start) = (RateLimit::new((10, 5)), Instant::now());
        let at = |tenths: u32| start + Duration::from_millis(100) * tenths;
        assert_eq!(rate.spend(host(1), 20, start), Ok(()));
        let wait = Duration::from_millis(1600);
        assert_eq!(rate.spend(host(1), 1, start), Err(wait));
        assert_eq!(rate.spend(host(1), 1, at(15)), Err(wait - (at(15) - start)));
        assert_eq!(rate.spend(host(1), 1, at(16)), Ok(()));
        assert!(rate.spend(host(1), 1, at(16)).is_err());
        assert_eq!(
            rate.spend(host(2), 1, start),
            Ok(()),
            "others are not concerned"
        );
    }

    #[test]
    fn many_players_behind_one_address_have_their_lists_and_one_attacker_does_not() {
        // The whole list of 10,000 game servers, and 32 conditions held against all of them.
        const WHOLE: u32 = 130;
        const DEAR: u32 = 3_970;
        let (mut rate, start) = (RateLimit::new(WORK_RATE), Instant::now());
        assert!(
            (0..80).all(|_| rate.spend(host(1), WHOLE, start).is_ok()),
            "all at once"
        );
        for second in 0..60 {
            let now = start + Duration::from_secs(second);
            assert!(
                (0..50).all(|_| rate.spend(host(1), WHOLE, now).is_ok()),
                "and again"
            );
        }
        // 50 connections a second with 20 lines each.
        let dear = (0..10_000).filter(|n| {
            let now = start + Duration::from_millis(*n);
            rate.spend(host(2), DEAR, now).is_ok()
        });
        let taken = dear.count() as u32 * DEAR;
        assert!(
            taken <= WORK_RATE.1 + 10 * WORK_RATE.0 + DEAR,
            "{taken} us in 10 s"
        );
    }

    #[test]
    fn small_sums_are_forgiven_and_large_ones_run_off() {
        let mut penalties = Penalties::new();
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        for _ in 0..3 {
            assert!(!penalties.add(host(1), Penalties::FAILED_LOGIN, start));
        }
        assert_eq!(penalties.left(host(1), start), None, "15 s are forgiven");
        assert!(penalties.add(host(1), Penalties::FAILED_LOGIN, start));
        assert_eq!(
            penalties.left(host(1), at(0)),
            Some(Duration::from_secs(20))
        );
        assert_eq!(
            penalties.left(host(1), at(19)),
            Some(Duration::from_secs(1))
        );
        assert_eq!(penalties.left(host(1), at(20)), None);
        assert!(
            !penalties.add(host(1), Penalties::LATE_LOGIN, at(21)),
            "a new sum"
        );
        for _ in 0..1000 {
            penalties.add(host(1), Penalties::LATE_LOGIN, at(30));
        }
        assert_eq!(penalties.left(host(1), at(30)), Some(Penalties::MOST));
        assert_eq!(penalties.left(host(2), at(30)), None);
    }

    #[test]
    fn a_full_table_forgets_what_ends_soonest_and_refuses_nobody() {
        let mut times = HostTimes::new(100);
        let start = Instant::now();
        for n in 0..1000 {
            times.set(host(n), start + Duration::from_secs(u64::from(2000 - n)));
            assert!(times.ends.len() <= 100 && times.order.len() == times.ends.len());
        }
        assert!(
            times.get(host(0), start).is_some(),
            "the one that ends last is remembered"
        );
        assert!(
            times.get(host(999), start).is_some(),
            "and so is the newest"
        );
        assert_eq!(times.get(host(950), start), None);
        times.set(host(0), start);
        times.set(host(5000), start + Duration::from_secs(1));
        assert_eq!(times.ends.get(&host(0)), None, "what has passed goes first");
    }
}
