//! A tracker is killed, and its game servers come back to it or to the others.

use crate::Plan;
use crate::group::{Group, Look, wait_for};
use crate::support::fleet::{AT_ONCE, Fleet, log_in};
use crate::support::run::Result;
use crate::support::tracker::{Slots, Tracker};
use crate::table::{self, Promised, fact};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Looks a second at each list.
const LOOKS: u32 = 5;

/// Pause between two times that game servers answer what they are asked.
const KEEP_EVERY: Duration = Duration::from_millis(200);

/// The same while the tracker that was started again reads the list.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long all may take to be on all lists, from the last login on.
const PATIENCE: Duration = Duration::from_secs(30);

/// The first of these is killed.
const DEAD: usize = 0;

/// What goes on after it.
struct Aftermath<'a> {
    plan: &'a Plan,
    group: &'a Group,
    slots: Slots,
    start: Instant,
    /// Game servers of all trackers.
    size: usize,
    /// Of those whose tracker is dead.
    ports: HashSet<u16>,
    numbers: Vec<usize>,
    /// Where it was.
    servers: SocketAddr,
    clients: SocketAddr,
    /// In the order of the trackers as they were.
    fleets: Mutex<Vec<Fleet>>,
    is_over: AtomicBool,
}

/// Kills the first of three trackers, with so many game servers each.
pub(crate) fn happen(plan: &Plan) -> Result<()> {
    let most = plan.death.iter().copied().max().unwrap_or_default();
    let slots = Slots::for_listed(most);
    let Some(mut group) = Group::sharing(plan.death.len(), slots)? else {
        return Ok(());
    };
    group.log_in(&plan.death)?;
    group.until_whole(PATIENCE)?;
    let size = group.size();
    let mut fleets = std::mem::take(&mut group.fleets);
    let first = fleets[DEAD].first();
    let numbers: Vec<usize> = (first..first + fleets[DEAD].size()).collect();
    let dead = group.trackers.remove(DEAD);
    let (servers, clients) = (dead.servers, dead.clients);
    drop(dead);
    fleets[DEAD] = Fleet::numbered_from(servers, first);
    let aftermath = Aftermath {
        plan,
        group: &group,
        slots,
        start: Instant::now(),
        size,
        ports: numbers.iter().map(|&number| port_of(number)).collect(),
        numbers,
        servers,
        clients,
        fleets: Mutex::new(fleets),
        is_over: AtomicBool::new(false),
    };
    let (tracker, outcome) = aftermath.take_its_course()?;
    group.trackers.push(tracker);
    group.must_agree()?;
    outcome.report(plan);
    Ok(())
}

fn port_of(number: usize) -> u16 {
    (10_000 + number) as u16
}

impl Aftermath<'_> {
    /// Until all are back. The tracker that was started again, and what was seen.
    fn take_its_course(&self) -> Result<(Tracker, Outcome)> {
        thread::scope(|scope| {
            let others = self.group.trackers.iter();
            let looks: Vec<_> = others
                .map(|tracker| scope.spawn(|| self.watch(tracker.clients)))
                .collect();
            scope.spawn(|| self.keep());
            let restart = scope.spawn(|| self.restart());
            let back = self.come_back().map(|()| self.start.elapsed());
            let restart = restart.join().expect("a restart does not panic");
            let whole = self.until_whole();
            self.is_over.store(true, Ordering::Relaxed);
            let seen = looks.into_iter().map(|one| one.join().expect("no panic"));
            let seen = seen.collect::<Result<_>>()?;
            whole?;
            let (tracker, read) = restart?;
            let back = back?;
            Ok((tracker, Outcome { seen, back, read }))
        })
    }

    /// Starts the tracker again where it was; how long it took it to know the whole list.
    fn restart(&self) -> Result<(Tracker, Duration)> {
        thread::sleep(self.plan.restart.saturating_sub(self.start.elapsed()));
        let start = Instant::now();
        let at = [self.servers, self.clients].map(|address| address.to_string());
        let tracker = self.group.another(&at[0], &at[1], self.slots)?;
        while Look::at(self.clients)?.ports.len() < self.size && start.elapsed() < PATIENCE {
            thread::sleep(LOOK_AGAIN);
        }
        Ok((tracker, start.elapsed()))
    }

    /// Lets all come back, some of them at once.
    fn come_back(&self) -> Result<()> {
        let (returns, next) = (self.returns(), AtomicUsize::new(0));
        let some = || -> Result<()> {
            while let Some(one) = returns.get(next.fetch_add(1, Ordering::Relaxed)) {
                thread::sleep(one.after.saturating_sub(self.start.elapsed()));
                let stream = log_in(one.number, one.servers)?;
                let mut fleets = self.fleets.lock().expect("nobody panics");
                fleets[one.fleet].take_in(one.number, stream)?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let threads = [(); AT_ONCE].map(|()| scope.spawn(some));
            let mut joined = threads.into_iter().map(|one| one.join());
            joined.try_for_each(|one| one.expect("a login does not panic"))
        })
    }

    /// Who comes back when: every other one to one of the others after 0.5 to 1.5 s, as `announce`
    /// does that knows them, and the rest to the one that died, within half as long as it was away.
    fn returns(&self) -> Vec<Return> {
        let each = self.numbers.iter().enumerate();
        let mut returns: Vec<Return> = each
            .map(|(place, &number)| match place % 2 {
                0 => self.goes_elsewhere(place, number),
                _ => self.waits(place, number),
            })
            .collect();
        returns.sort_by_key(|one| one.after);
        returns
    }

    fn goes_elsewhere(&self, place: usize, number: usize) -> Return {
        // Mixed, so that neighbours do not come together.
        let chance = (place as f64 * 0.618_034).fract();
        let second = Duration::from_secs(1).min(self.plan.restart / 2);
        let other = place / 2 % self.group.trackers.len();
        Return {
            number,
            after: second.mul_f64(0.5 + chance),
            servers: self.group.trackers[other].servers,
            fleet: other + 1,
        }
    }

    fn waits(&self, place: usize, number: usize) -> Return {
        let share = place as f64 / self.numbers.len() as f64;
        Return {
            number,
            after: self.plan.restart.mul_f64(1.05 + share / 2.0),
            servers: self.servers,
            fleet: DEAD,
        }
    }

    fn until_whole(&self) -> Result<()> {
        let others = self.group.trackers.iter().map(|tracker| tracker.clients);
        let mut waits = others
            .chain([self.clients])
            .map(|clients| wait_for(clients, self.size, Instant::now(), PATIENCE));
        waits.try_for_each(|waited| waited)
    }

    /// Lets all game servers answer what they are asked.
    fn keep(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            for fleet in self.fleets.lock().expect("nobody panics").iter_mut() {
                fleet.listen_to_all();
            }
            thread::sleep(KEEP_EVERY);
        }
    }

    fn watch(&self, clients: SocketAddr) -> Result<Seen> {
        let mut seen = Seen::default();
        while !self.is_over.load(Ordering::Relaxed) {
            let look = Look::at(clients)?;
            seen.looks += 1;
            seen.missing += self.ports.difference(&look.ports).count();
            seen.stale = seen.stale.max(look.stale);
            thread::sleep((Duration::from_secs(1) / LOOKS).saturating_sub(look.took));
        }
        Ok(seen)
    }
}

/// A game server logs in again, so long after its tracker died.
#[derive(Debug, Clone, Copy)]
struct Return {
    number: usize,
    after: Duration,
    /// Where, and which place that tracker's fleet has.
    servers: SocketAddr,
    fleet: usize,
}

/// What one list showed.
#[derive(Debug, Default)]
struct Seen {
    looks: usize,
    /// Those who were not there, of all looks.
    missing: usize,
    stale: usize,
}

/// What was seen.
struct Outcome {
    seen: Vec<Seen>,
    /// Until the last had logged in.
    back: Duration,
    /// How long it took the tracker, from its start, to know the whole list.
    read: Duration,
}

impl Outcome {
    fn report(&self, plan: &Plan) {
        let all: usize = plan.death.iter().sum();
        let sum = |figure: fn(&Seen) -> usize| self.seen.iter().map(figure).sum::<usize>() as f64;
        let stale = self.seen.iter().map(|one| one.stale).max();
        table::part(&format!(
            "A tracker with {} of {all} game servers is killed, and started again after {} s",
            plan.death[DEAD],
            plan.restart.as_secs_f64()
        ));
        fact(
            "until the last had logged in again",
            self.back.as_secs_f64(),
            "s",
        );
        fact(
            "lists of the others seen meanwhile",
            sum(|one| one.looks),
            "",
        );
        table::line(
            "times that one of its game servers was missing from one",
            sum(|one| one.missing),
            "",
            Promised::AtMost(0.0),
        );
        fact(
            "stale on one of them, at the most",
            stale.unwrap_or_default() as f64,
            "",
        );
        fact(
            "from its start to its first list of all",
            self.read.as_secs_f64() * 1e3,
            "ms",
        );
    }
}
