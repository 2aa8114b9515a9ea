//! How sharing the list with other trackers goes, for whoever asks: STATS, metrics and the log.
//!
//! The thread that shares writes it; whoever reads it never waits for the engine.

use super::stats::Counter;
use crate::base::mutex::lock;
use crate::protocol::argument::push_value;
use crate::protocol::text::spelled_out;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The longest reason in STATS, in characters. The line stays shorter than one of the protocol.
const MAX_WHY: usize = 100;

/// How a tracker and the engine stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The tracker has not reached the engine since it was started.
    Connecting,
    /// The list is shared.
    Sharing,
    /// The engine does not answer; it may be back at any time.
    Away,
    /// The engine refuses, and goes on with that until somebody changes something.
    Refused,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Connecting, Self::Sharing, Self::Away, Self::Refused];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Sharing => "sharing",
            Self::Away => "away",
            Self::Refused => "refused",
        }
    }
}

/// A tracker that shares the list, this one or another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerStatus {
    /// What it is called, which somebody else may be called too.
    pub name: String,
    /// The number of this run of it.
    pub id: u64,
    /// How many game servers are logged in to it.
    pub entries: usize,
    /// True if it was heard of lately.
    pub is_alive: bool,
}

/// Where a state came from.
#[derive(Debug)]
struct Standing {
    state: State,
    since: Instant,
    /// Why it is not shared, or empty.
    why: Arc<str>,
    owners: Arc<[OwnerStatus]>,
}

/// How sharing goes. Its lock is held to look up, to change or to clone an `Arc`.
#[derive(Debug)]
pub struct Status {
    standing: Mutex<Standing>,
    began: Instant,
    /// When the last whole round ended, in milliseconds since `began`.
    last_round: AtomicU64,
    own: AtomicUsize,
    elsewhere: AtomicUsize,
    stale: AtomicUsize,
    rounds: Counter,
    outages: Counter,
    /// Batches of own changes that the engine has taken.
    pub batches_sent: Counter,
    /// Own changes that the engine has taken.
    pub changes_sent: Counter,
    /// Changes of others that were read.
    pub changes_received: Counter,
    /// Lists of others that were read as a whole.
    pub reread: Counter,
    /// Own game servers that have lost their address to another tracker's.
    pub taken_over: Counter,
}

impl Status {
    /// Nothing is known yet.
    pub fn new(now: Instant) -> Self {
        Self {
            standing: Mutex::new(Standing {
                state: State::Connecting,
                since: now,
                why: "".into(),
                owners: [].into(),
            }),
            began: now,
            last_round: AtomicU64::new(0),
            own: AtomicUsize::new(0),
            elsewhere: AtomicUsize::new(0),
            stale: AtomicUsize::new(0),
            rounds: Counter::default(),
            outages: Counter::default(),
            batches_sent: Counter::default(),
            changes_sent: Counter::default(),
            changes_received: Counter::default(),
            reread: Counter::default(),
            taken_over: Counter::default(),
        }
    }

    /// Says how the two stand, and why if the list is not shared. The state that ends by this, and how
    /// long it lasted, is returned. To leave `Sharing` is an outage, and counted.
    pub fn set_state(&self, state: State, why: &str, now: Instant) -> Option<(State, Duration)> {
        let why = why.into();
        let mut standing = lock(&self.standing);
        standing.why = why;
        if standing.state == state {
            return None;
        }
        let ended = standing.state;
        let lasted = now.saturating_duration_since(standing.since);
        (standing.state, standing.since) = (state, now);
        if ended == State::Sharing {
            self.outages.add_one();
        }
        Some((ended, lasted))
    }

    /// Says that a whole round has ended: what the engine had until then is known here.
    pub fn round_done(&self, now: Instant) {
        let since = now.saturating_duration_since(self.began).as_millis();
        let since = since.try_into().unwrap_or(u64::MAX);
        self.last_round.store(since, Ordering::Relaxed);
        self.rounds.add_one();
    }

    /// Says how many game servers are logged in here, how many elsewhere, and how many of the latter are
    /// stale.
    pub fn set_entries(&self, own: usize, elsewhere: usize, stale: usize) {
        self.own.store(own, Ordering::Relaxed);
        self.elsewhere.store(elsewhere, Ordering::Relaxed);
        self.stale.store(stale, Ordering::Relaxed);
    }

    /// Says which trackers are known, this one included.
    pub fn set_owners(&self, owners: Vec<OwnerStatus>) {
        let owners = owners.into();
        let before = std::mem::replace(&mut lock(&self.standing).owners, owners);
        drop(before);
    }

    /// How the two stand.
    pub fn state(&self) -> State {
        lock(&self.standing).state
    }

    /// Why the list is not shared, or empty.
    pub fn why(&self) -> Arc<str> {
        Arc::clone(&lock(&self.standing).why)
    }

    /// How old what is known of the others is: the time since the last whole round, or since the start.
    pub fn lag(&self, now: Instant) -> Duration {
        let last = Duration::from_millis(self.last_round.load(Ordering::Relaxed));
        now.saturating_duration_since(self.began)
            .saturating_sub(last)
    }

    /// Game servers that are logged in here, those elsewhere, and how many of the latter are stale.
    pub fn entries(&self) -> (usize, usize, usize) {
        let [own, elsewhere, stale] =
            [&self.own, &self.elsewhere, &self.stale].map(|count| count.load(Ordering::Relaxed));
        (own, elsewhere, stale)
    }

    /// The trackers that are known.
    pub fn owners(&self) -> Arc<[OwnerStatus]> {
        Arc::clone(&lock(&self.standing).owners)
    }

    /// How many whole rounds there were.
    pub fn rounds(&self) -> u64 {
        self.rounds.get()
    }

    /// How often the list was shared and then was not.
    pub fn outages(&self) -> u64 {
        self.outages.get()
    }
}

/// How many of these trackers are alive, and how many there are.
pub fn alive(owners: &[OwnerStatus]) -> (usize, usize) {
    let alive = owners.iter().filter(|owner| owner.is_alive).count();
    (alive, owners.len())
}

/// What STATS says of it: the state of now.
pub(crate) fn in_stats(status: &Status, now: Instant) -> String {
    let (own, elsewhere, stale) = status.entries();
    let (alive, all) = alive(&status.owners());
    format!(
        " sharing={} sharing-lag-ms={} sharing-own={own} sharing-elsewhere={elsewhere} sharing-stale={stale} \
         sharing-trackers={alive}/{all}",
        status.state().as_str(),
        status.lag(now).as_millis(),
    )
}

/// Why the list is not shared, as the end of what STATS says: its value may have spaces.
pub(crate) fn why_in_stats(status: &Status) -> String {
    let why = status.why();
    let mut words = String::new();
    if !why.is_empty() {
        words.push_str(" sharing-why=");
        push_value(&mut words, &spelled_out(&why, MAX_WHY));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str, is_alive: bool) -> OwnerStatus {
        OwnerStatus {
            name: name.into(),
            id: 7,
            entries: 3,
            is_alive,
        }
    }

    #[test]
    fn stats_say_how_it_is_now() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let status = Status::new(start);
        assert_eq!(
            in_stats(&status, at(90)),
            " sharing=connecting sharing-lag-ms=90 sharing-own=0 sharing-elsewhere=0 sharing-stale=0 \
             sharing-trackers=0/0"
        );
        status.set_state(State::Sharing, "", at(100));
        status.set_entries(5, 4, 3);
        status.set_owners(vec![
            owner("mars", true),
            owner("moon", false),
            owner("io", true),
        ]);
        status.round_done(at(1000));
        assert_eq!(
            in_stats(&status, at(1030)),
            " sharing=sharing sharing-lag-ms=30 sharing-own=5 sharing-elsewhere=4 sharing-stale=3 \
             sharing-trackers=2/3"
        );
        // A clock that another thread has read before the round ended.
        assert_eq!(status.lag(at(999)), Duration::ZERO);
        assert_eq!(status.rounds(), 1);
    }

    #[test]
    fn an_outage_is_counted_once_and_says_how_long_it_lasted() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let status = Status::new(start);
        assert_eq!(status.set_state(State::Connecting, "nobody", at(1)), None);
        assert_eq!(why_in_stats(&status), " sharing-why=nobody");
        let ended = status.set_state(State::Sharing, "", at(2));
        assert_eq!(ended, Some((State::Connecting, Duration::from_secs(2))));
        assert_eq!(status.outages(), 0);
        let ended = status.set_state(State::Away, "no answer", at(9));
        assert_eq!(ended, Some((State::Sharing, Duration::from_secs(7))));
        assert_eq!(status.set_state(State::Away, "refused", at(10)), None);
        let ended = status.set_state(State::Refused, "wrong password", at(11));
        assert_eq!(why_in_stats(&status), " sharing-why=\"wrong password\"");
        assert_eq!(ended, Some((State::Away, Duration::from_secs(2))));
        let ended = status.set_state(State::Sharing, "", at(12));
        assert_eq!(ended, Some((State::Refused, Duration::from_secs(1))));
        assert_eq!((status.outages(), &*why_in_stats(&status)), (1, ""));
        assert_eq!(State::ALL[status.state() as usize], status.state());
    }
}
