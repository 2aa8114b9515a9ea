//! The honest who come and go, and what they notice.

use crate::peers::{Manner, at_pace, list};
use crate::tracker::Ports;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// LISTs a second.
const LISTS: u32 = 20;

/// Logins a second of each of so many threads. A login from afar takes most of its 200 ms.
const LOGINS: u32 = 5;
const LOGIN_THREADS: usize = 4;

/// From one LIST to the next, and from one login to the next.
const BETWEEN: Duration = Duration::from_millis(50);

/// The list is asked for as a whole once in so many times.
const WHOLE: u32 = 10;

/// Who they are, and what they want.
#[derive(Debug, Clone)]
pub(crate) struct Visitors {
    pub(crate) player: IpAddr,
    /// What the player asks, if that is not the whole list.
    pub(crate) question: &'static str,
    /// Each has time for one login a second if they are 20, and so keeps to what a host may do.
    pub(crate) game_servers: Vec<(IpAddr, Manner)>,
}

/// What came of the tries of one kind.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    pub(crate) all: u32,
    pub(crate) good: u32,
    /// Of the good ones that take alike.
    pub(crate) took: Vec<Duration>,
}

impl Tries {
    fn note(&mut self, is_good: bool, took: Option<Duration>) {
        self.all += 1;
        self.good += u32::from(is_good);
        self.took.extend(took.filter(|_| is_good));
    }

    /// The share that was good.
    pub(crate) fn percent(&self) -> f64 {
        100.0 * f64::from(self.good) / f64::from(self.all.max(1))
    }

    /// Adds what came of others.
    pub(crate) fn extend(&mut self, others: Self) {
        self.all += others.all;
        self.good += others.good;
        self.took.extend(others.took);
    }

    /// What all but one of a hundred stay below.
    pub(crate) fn p99(&self) -> Duration {
        self.slowest_but(1)
    }

    /// What all but so many of a hundred stay below.
    fn slowest_but(&self, percent: usize) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        let at = took.len() * (100 - percent) / 100;
        let at = at.min(took.len().saturating_sub(1));
        took.get(at).copied().unwrap_or_default()
    }
}

/// The median, and what all but one of a hundred stay below.
impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, p99) = (self.slowest_but(50), self.p99());
        write!(f, "median {median:.2?}, p99 {p99:.2?}")
    }
}

/// What they noticed.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) lists: Tries,
    pub(crate) logins: Tries,
}

impl fmt::Display for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LIST {}; login {}", self.lists, self.logins)
    }
}

impl Visitors {
    /// Lets them come and go until told to stop.
    pub(crate) fn visit(&self, ports: Ports, stop: &AtomicBool) -> Notes {
        let lists = Mutex::new(Tries::default());
        let logins = Mutex::new(Tries::default());
        thread::scope(|scope| {
            scope.spawn(|| {
                at_pace(LISTS, stop, |n| {
                    let is_alike = n % WHOLE != 0 || self.question == "LIST\n";
                    let question = if is_alike { self.question } else { "LIST\n" };
                    let start = Instant::now();
                    let is_good = list(self.player, ports.clients, question);
                    let took = is_alike.then(|| start.elapsed());
                    note(&lists, is_good, took);
                });
            });
            for number in 0..LOGIN_THREADS {
                let some = self.game_servers.iter().skip(number);
                let mut turns = some.step_by(LOGIN_THREADS).cycle();
                let logins = &logins;
                scope.spawn(move || {
                    // Neither two logins nor a LIST and a login fall together by themselves.
                    thread::sleep(BETWEEN / 2 + BETWEEN * number as u32);
                    at_pace(LOGINS, stop, |_| {
                        let Some(&(ip, manner)) = turns.next() else {
                            return;
                        };
                        // Whoever has another credential has another entry.
                        let advertised = 1 + u16::from(manner.with_key);
                        let start = Instant::now();
                        let game_server = manner.log_in(ip, ports.game_servers, advertised, "");
                        let took = start.elapsed().saturating_sub(manner.on_the_way());
                        note(logins, game_server.is_some(), Some(took));
                    });
                });
            }
        });
        let whole =
            |tries: Mutex<Tries>| tries.into_inner().unwrap_or_else(PoisonError::into_inner);
        Notes {
            lists: whole(lists),
            logins: whole(logins),
        }
    }
}

fn note(tries: &Mutex<Tries>, is_good: bool, took: Option<Duration>) {
    let mut tries = tries.lock().unwrap_or_else(PoisonError::into_inner);
    tries.note(is_good, took);
}
