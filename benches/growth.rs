//! What a longer list costs: an update by one of many game servers, and LIST while they update.
//!
//! ```text
//! cargo bench --bench growth               all of it, in 2 minutes
//! cargo bench --bench growth -- --quick    in short, in 10 seconds
//! ```
//!
//! The first table is in process, without sockets: putting a changed entry on the list, and taking
//! the list and copying it together, which is what sending it comes to. `while read` is with
//! another thread that does the latter all the time. What to look at: the ratios to the shortest
//! list, for a LIST those for each game server on it. They are above 1 where the list no longer
//! fits into the caches, and `update while read` where it copies the pointers of a branch and those to
//! the branches: the constant cost of one update is to stay, that for all game servers together is to
//! be a small part of it.
//!
//! The second is of a tracker with many game servers beside one with fewer, while 10,000 updates a
//! second come from all of them in turn: CPU time of the tracker for an update, and its ratio to
//! that with the fewer. The same of bare loops in as many threads (`threads`), which answer every
//! line and look at none: what grows there is the cost of waking a thread that has slept for long.
//! A tracker with many game servers has something to do when they say nothing too, most of all
//! soon after they have come: it looks once a second whether it may ask their ports yet. What that
//! takes was measured just before, and the last ratio is without it.
//!
//! The third is of LIST on new connections at the same time: `alone`, while the updates go to the
//! smaller bare loop (`bare`), to the other tracker (`elsewhere`), and to this one (`here`). On a
//! machine that has nothing to spare, updates cost LIST what they and whoever sends them take of the
//! processors, wherever they go; so what the two cost each other is the ratio of `here` to
//! `elsewhere`. That to `alone` is what clients notice, and that of `bare` to `alone` is the most
//! that it could be.

use gltracker::tracker::list::registry::Registry;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[allow(dead_code, reason = "every bench uses a part of it")]
mod support;
use support::holder::{Held, Holder};
use support::load::{Load, Manner, Outcome, fetch_list};
use support::process::open_files;
use support::report::{Ratio, headline, median};
use support::run::{Result, shortage};
use support::sample::entry;
use support::tracker::Slots;
use support::turns::{Sample, take_turns};
use support::updates::{Sent, Updates};

/// All updates of all game servers together.
const UPDATES: Updates = Updates { per_second: 10_000 };

/// Updates in process, timed together.
const BATCH: usize = 500;

/// Game servers on all the lists, in process, that are read and timed together.
const READ: usize = 100_000;

/// Clients that ask for the list while there are updates: one leaves time to the processors, so
/// that what it loses is what it has to wait for.
const CLIENTS: [usize; 2] = [1, 16];

/// What is measured.
struct Plan {
    /// Game servers on the list, in process.
    in_process: &'static [usize],
    rounds_in_process: usize,
    /// Game servers of the two trackers.
    listed: [usize; 2],
    rounds: usize,
    /// How long a round of nothing but updates lasts.
    updates: Duration,
    /// How long a round with LIST lasts.
    lists: Duration,
}

const FULL: Plan = Plan {
    in_process: &[100, 1_000, 10_000, 50_000],
    rounds_in_process: 61,
    listed: [1_000, 10_000],
    rounds: 7,
    updates: Duration::from_secs(2),
    lists: Duration::from_millis(700),
};

const QUICK: Plan = Plan {
    in_process: &[100, 10_000],
    rounds_in_process: 5,
    listed: [200, 2_000],
    rounds: 2,
    updates: Duration::from_millis(500),
    lists: Duration::from_millis(300),
};

const SMOKE: Plan = Plan {
    in_process: &[10, 100],
    rounds_in_process: 1,
    listed: [10, 20],
    rounds: 1,
    updates: Duration::from_millis(20),
    lists: Duration::from_millis(20),
};

fn main() -> ExitCode {
    support::run::main(|length| run(length.of(&FULL, &QUICK, &SMOKE)))
}

fn run(plan: &Plan) -> Result<()> {
    in_process(plan)?;
    let [few, many] = plan.listed;
    // The smaller bare loop stays to the end.
    let all = 2 * few + many;
    let most = Slots::most_listed(all, open_files());
    let warning = shortage(most, all);
    let sizes = [few, many.min(most.saturating_sub(2 * few).max(1))];
    let what = format!(
        "INFOS from all game servers in turn, {} a second",
        UPDATES.per_second
    );
    println!(
        "{warning}{}\n{:>17} | {:>9} | {:^29} | {:^29}\n\
         servers   held by | updates/s | {:>8} {ratio:<20} | {:>8} {ratio:<20}",
        headline(&what, plan.rounds, plan.updates),
        "",
        "",
        "CPU time for each, us",
        "the same without that of idling",
        "",
        "",
        ratio = "ratio (low to high)",
    );
    let mut bare = hold(Holder::Threads, sizes)?;
    updates(plan, Holder::Threads, &mut bare)?;
    bare.truncate(1);
    let mut held = hold(Holder::Tracker, sizes)?;
    updates(plan, Holder::Tracker, &mut held)?;
    held.append(&mut bare);
    lists(plan, &mut held)?;
    print!("{warning}");
    Ok(())
}

/// Two that hold so many game servers.
fn hold(holder: Holder, sizes: [usize; 2]) -> Result<Vec<Held>> {
    let hold = |size| {
        let mut held = holder.start(size)?;
        held.fleet.grow(size)?;
        Ok(held)
    };
    sizes.into_iter().map(hold).collect()
}

/// Lets everybody say something who was not asked to for long.
fn check_in(held: &mut [Held]) -> Result<()> {
    held.iter_mut().try_for_each(|one| one.fleet.check_in())
}

/// Nanoseconds, of one round with one length of the list.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    update: f64,
    /// For each game server on it.
    list: f64,
}

/// The table of what there is without sockets.
fn in_process(plan: &Plan) -> Result<()> {
    let column = |name: &str| format!("{name:>10} {:<20}", "ratio (low to high)");
    println!(
        "\nIn process, ns: {} rounds\n\n\
         {:>7} | {:^64} | {:^64}\n\
         servers | {alone}  {read} | {alone}  {read}",
        plan.rounds_in_process,
        "",
        "one update",
        "one LIST, for each game server on it",
        alone = column("alone"),
        read = column("while read"),
    );
    let lists: Vec<(usize, Mutex<Registry>)> = plan
        .in_process
        .iter()
        .map(|&size| {
            let mut registry = Registry::new(1);
            for number in 0..size {
                registry
                    .put(number as u64, entry(number, 0))
                    .expect("no two have the same port");
            }
            (size, Mutex::new(registry))
        })
        .collect();
    let each: Vec<usize> = (0..lists.len()).collect();
    let mut turn = 0;
    let rounds = take_turns(plan.rounds_in_process, &each, |which| {
        let (size, registry) = &lists[which];
        turn += 1;
        let alone = cost(registry, *size, turn);
        turn += 1;
        let stop = AtomicBool::new(false);
        let read = thread::scope(|scope| {
            scope.spawn(|| {
                let mut copy = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    read(registry, &mut copy);
                }
            });
            let cost = cost(registry, *size, turn);
            stop.store(true, Ordering::Relaxed);
            cost
        });
        Ok([alone, read])
    })?;
    for (which, size) in plan.in_process.iter().enumerate() {
        let column = |value: &dyn Fn(&[Cost; 2]) -> f64| {
            let nanoseconds = median(rounds.iter().map(|round| value(&round[which])));
            let ratio = Ratio::of(
                &rounds,
                |round| value(&round[which]),
                |round| value(&round[0]),
            );
            format!("{nanoseconds:>10.1} {ratio}")
        };
        println!(
            "{size:>7} | {}  {} | {}  {}",
            column(&|[alone, _]| alone.update),
            column(&|[_, read]| read.update),
            column(&|[alone, _]| alone.list),
            column(&|[_, read]| read.list),
        );
    }
    Ok(())
}

/// What one update and one LIST cost now.
fn cost(registry: &Mutex<Registry>, size: usize, turn: usize) -> Cost {
    // Spread over the list as game servers are: not one after the other.
    let number = |n: usize| (turn * BATCH + n) * 7919 % size;
    let put_all = || {
        let entries: Vec<_> = (0..BATCH)
            .map(|n| (number(n) as u64, entry(number(n), turn + n)))
            .collect();
        let start = Instant::now();
        for (owner, entry) in entries {
            let put = lock(registry).put(owner, entry);
            put.expect("it was there before");
        }
        start.elapsed().as_nanos() as f64 / BATCH as f64
    };
    // The lists of other lengths were measured since, and are what the caches hold.
    put_all();
    let update = put_all();
    let times = READ.div_ceil(size);
    let mut copy = Vec::new();
    read(registry, &mut copy);
    let start = Instant::now();
    for _ in 0..times {
        read(registry, &mut copy);
    }
    let list = start.elapsed().as_nanos() as f64 / (times * size) as f64;
    Cost { update, list }
}

/// Takes the list as it is and copies all of it.
fn read(registry: &Mutex<Registry>, copy: &mut Vec<u8>) {
    let list = lock(registry).list();
    copy.clear();
    list.encoded()
        .for_each(|piece| copy.extend_from_slice(piece));
}

fn lock(registry: &Mutex<Registry>) -> std::sync::MutexGuard<'_, Registry> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One round of nothing but updates.
#[derive(Debug, Clone, Copy)]
struct Updated {
    rate: f64,
    /// CPU time for an update, in microseconds.
    all: f64,
    /// The same without what was taken, in as much time, when nobody said anything.
    own: f64,
}

/// The rows of nothing but updates.
fn updates(plan: &Plan, holder: Holder, held: &mut [Held]) -> Result<()> {
    let rounds = take_turns(plan.rounds, &[0, 1], |which| {
        check_in(held)?;
        let Held { process, fleet, .. } = &mut held[which];
        let idle = Sample::take(process, || {
            thread::sleep(plan.updates);
            Ok(Outcome::default())
        })?;
        let mut sent = Sent::default();
        let busy = Sample::take(process, || {
            let stop = AtomicBool::new(false);
            sent = thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(plan.updates);
                    stop.store(true, Ordering::Relaxed);
                });
                UPDATES.send_until(&stop, fleet)
            })?;
            Ok(Outcome::default())
        })?;
        let each = |cpu: f64| cpu * 1e6 / sent.updates as f64;
        Ok(Updated {
            rate: sent.rate(),
            all: each(busy.cpu.as_secs_f64()),
            own: each(busy.cpu.as_secs_f64() - idle.cpu.as_secs_f64()),
        })
    })?;
    for (which, Held { fleet, .. }) in held.iter().enumerate() {
        let middle =
            |value: fn(&Updated) -> f64| median(rounds.iter().map(|round| value(&round[which])));
        let ratio = |value: fn(&Updated) -> f64| {
            Ratio::of(
                &rounds,
                |round| value(&round[which]),
                |round| value(&round[0]),
            )
        };
        println!(
            "{:>7} {:>9} | {:>9.0} | {:>8.1} {} | {:>8.1} {}",
            fleet.size(),
            holder.name(),
            middle(|updated| updated.rate),
            middle(|updated| updated.all),
            ratio(|updated| updated.all),
            middle(|updated| updated.own),
            ratio(|updated| updated.own),
        );
    }
    Ok(())
}

/// The table of LIST with and without updates. The last of `held` is a bare loop, the others are
/// trackers.
fn lists(plan: &Plan, held: &mut [Held]) -> Result<()> {
    let what = "LIST and QUIT on new connections, with and without updates";
    println!(
        "{}\n{:>15} | {:^39}  | {:^20} | {:^20} | {:^20} |\n\
         servers clients | {:>9} {:>9} {:>9} {:>9}  | {ratio:^20} | {ratio:^20} | {ratio:^20} | updates/s here",
        headline(what, plan.rounds, plan.lists),
        "",
        "LISTs/s",
        "here : alone",
        "bare : alone",
        "here : elsewhere",
        "alone",
        "bare",
        "elsewhere",
        "here",
        ratio = "ratio (low to high)",
    );
    let bare = held.len() - 1;
    for (which, clients) in (0..bare).flat_map(|which| CLIENTS.map(|clients| (which, clients))) {
        let address = held[which].clients;
        let size = fetch_list(address)?.len();
        let load = Load::new(Manner::Quit, "LIST\nQUIT\n", size, clients, plan.lists);
        // Whose game servers send updates meanwhile.
        let [alone, at_bare, elsewhere, here] = [0, 1, 2, 3];
        let updating = [None, Some(bare), Some(1 - which), Some(which)];
        let rounds = take_turns(plan.rounds, &updating, |updating| {
            check_in(held)?;
            let fleet = updating.map(|which| &mut held[which].fleet);
            let stop = AtomicBool::new(false);
            thread::scope(|scope| {
                let sender = fleet.map(|fleet| scope.spawn(|| UPDATES.send_until(&stop, fleet)));
                let outcome = load.put_on(address);
                stop.store(true, Ordering::Relaxed);
                let sent = sender.map(|sender| sender.join().expect("updates do not panic"));
                Ok((outcome?, sent.transpose()?.unwrap_or_default()))
            })
        })?;
        let rate = |mode: usize| move |round: &Vec<(Outcome, Sent)>| round[mode].0.rate;
        let middle = |mode: usize| median(rounds.iter().map(rate(mode)));
        let ratio = |mode: usize, base: usize| Ratio::of(&rounds, rate(mode), rate(base));
        let failed: usize = rounds
            .iter()
            .flatten()
            .map(|(outcome, _)| outcome.failed + outcome.busy)
            .sum();
        let failures = (failed > 0).then(|| format!(" {failed} FAILED"));
        let failures = failures.unwrap_or_default();
        println!(
            "{:>7} {clients:>7} | {:>9.0} {:>9.0} {:>9.0} {:>9.0}  | {} | {} | {} | {:>9.0}{failures}",
            held[which].fleet.size(),
            middle(alone),
            middle(at_bare),
            middle(elsewhere),
            middle(here),
            ratio(here, alone),
            ratio(at_bare, alone),
            ratio(here, elsewhere),
            median(rounds.iter().map(|round| round[here].1.rate())),
        );
    }
    Ok(())
}
