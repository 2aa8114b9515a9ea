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

/// How long all may take to be on all lists, from the last login on.
const PATIENCE: Duration = Duration::from_secs(30);

/// The first of these is killed.
const DEAD: usize = 0;

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
    let first = group.fleets[DEAD].first();
    // Numbers and ports of those whose tracker dies.
    let lost: Vec<usize> = (first..first + plan.death[DEAD]).collect();
    let ports: HashSet<u16> = lost.iter().map(|number| 10_000 + *number as u16).collect();
    let dead = group.trackers.remove(DEAD);
    let at = [dead.servers, dead.clients].map(|address| address.to_string());
    let (servers, dead_clients) = (dead.servers, dead.clients);
    let others = group.trackers.iter();
    let others: Vec<(SocketAddr, SocketAddr)> =
        others.map(|one| (one.servers, one.clients)).collect();
    let lists: Vec<SocketAddr> = others.iter().map(|one| one.1).collect();
    let (start, is_over) = (Instant::now(), AtomicBool::new(false));
    drop(dead);
    drop(std::mem::replace(
        &mut group.fleets[DEAD],
        Fleet::numbered_from(servers, first),
    ));
    let returns = returns(&lost, plan.restart, servers, &others);
    let fleets = Mutex::new(std::mem::take(&mut group.fleets));
    let restarted: Mutex<Option<Tracker>> = Mutex::new(None);
    let (ports, is_over) = (&ports, &is_over);
    let (seen, back, whole) = thread::scope(|scope| -> Result<_> {
        let looks: Vec<_> = lists
            .iter()
            .map(|&clients| scope.spawn(move || watch(clients, ports, is_over)))
            .collect();
        scope.spawn(|| keep(&fleets, is_over));
        let again = scope.spawn(|| -> Result<Duration> {
            thread::sleep(plan.restart.saturating_sub(start.elapsed()));
            let tracker = group.another(&at[0], &at[1], slots)?;
            let began = Instant::now();
            let clients = tracker.clients;
            *restarted.lock().expect("nobody panics") = Some(tracker);
            while Look::at(clients)?.ports.len() < size && began.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(20));
            }
            Ok(began.elapsed())
        });
        let back = come_back(start, &returns, &fleets);
        let last = start.elapsed();
        let whole = again.join().expect("a restart does not panic");
        let all: Result<()> = back.and_then(|()| {
            let every = lists.iter().copied().chain([dead_clients]);
            let mut waits = every.map(|clients| wait_for(clients, size, Instant::now(), PATIENCE));
            waits.try_for_each(|waited| waited)
        });
        is_over.store(true, Ordering::Relaxed);
        let seen = looks.into_iter().map(|one| one.join().expect("no panic"));
        let seen = seen.collect::<Result<Vec<Seen>>>()?;
        all?;
        Ok((seen, last, whole?))
    })?;
    group.trackers.extend(restarted.into_inner()?);
    group.must_agree()?;
    report(plan, &seen, back, whole);
    Ok(())
}

fn report(plan: &Plan, seen: &[Seen], back: Duration, whole: Duration) {
    table::part(&format!(
        "A tracker with {} of {} game servers is killed, and started again after {} s",
        plan.death[DEAD],
        plan.death.iter().sum::<usize>(),
        plan.restart.as_secs_f64()
    ));
    fact(
        "until the last had logged in again",
        back.as_secs_f64(),
        "s",
    );
    let looks: usize = seen.iter().map(|one| one.looks).sum();
    fact("lists of the others seen meanwhile", looks as f64, "");
    let missing: usize = seen.iter().map(|one| one.missing).sum();
    table::line(
        "times that one of its game servers was missing from one",
        missing as f64,
        "",
        Promised::AtMost(0.0),
    );
    let stale = seen.iter().map(|one| one.stale).max().unwrap_or_default();
    fact("stale on one of them, at the most", stale as f64, "");
    fact(
        "from its start to its first list of all",
        whole.as_secs_f64() * 1e3,
        "ms",
    );
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

/// Who comes back when: every other one to one of the others after 0.5 to 1.5 s, as `announce` does
/// that knows them, and the rest to the one that died, within half as long as it was away.
fn returns(
    lost: &[usize],
    restart: Duration,
    dead: SocketAddr,
    others: &[(SocketAddr, SocketAddr)],
) -> Vec<Return> {
    let second = Duration::from_secs(1).min(restart / 2);
    let mut returns: Vec<Return> = lost
        .iter()
        .enumerate()
        .map(|(place, &number)| {
            let share = place as f64 / lost.len() as f64;
            // Mixed, so that neighbours do not come together.
            let chance = (place as f64 * 0.618_034).fract();
            let other = place / 2 % others.len();
            let (after, servers, fleet) = match place % 2 {
                0 => (second.mul_f64(0.5 + chance), others[other].0, other + 1),
                _ => (restart + restart.mul_f64(0.05 + share / 2.0), dead, DEAD),
            };
            Return {
                number,
                after,
                servers,
                fleet,
            }
        })
        .collect();
    returns.sort_by_key(|one| one.after);
    returns
}

/// Lets all come back, some of them at once.
fn come_back(start: Instant, returns: &[Return], fleets: &Mutex<Vec<Fleet>>) -> Result<()> {
    let next = AtomicUsize::new(0);
    let some = || -> Result<()> {
        while let Some(one) = returns.get(next.fetch_add(1, Ordering::Relaxed)) {
            thread::sleep(one.after.saturating_sub(start.elapsed()));
            let stream = log_in(one.number, one.servers)?;
            let mut fleets = fleets.lock().expect("nobody panics");
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

/// Lets all game servers answer what they are asked.
fn keep(fleets: &Mutex<Vec<Fleet>>, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        for fleet in fleets.lock().expect("nobody panics").iter_mut() {
            fleet.listen_to_all();
        }
        thread::sleep(KEEP_EVERY);
    }
}

/// What one list showed.
#[derive(Debug, Default)]
struct Seen {
    looks: usize,
    /// Those who were not there, of all looks.
    missing: usize,
    stale: usize,
}

fn watch(clients: SocketAddr, ports: &HashSet<u16>, is_over: &AtomicBool) -> Result<Seen> {
    let mut seen = Seen::default();
    while !is_over.load(Ordering::Relaxed) {
        let look = Look::at(clients)?;
        seen.looks += 1;
        seen.missing += ports.difference(&look.ports).count();
        seen.stale = seen.stale.max(look.stale);
        thread::sleep((Duration::from_secs(1) / LOOKS).saturating_sub(look.took));
    }
    Ok(seen)
}
