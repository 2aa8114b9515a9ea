//! What a shared change costs, and when others are told.

use crate::Plan;
use crate::changes::{Change, Delays, Watcher, change};
use crate::costs::Costs;
use crate::group::Group;
use crate::support::load::fetch_list;
use crate::support::report::quantile;
use crate::support::run::Result;
use crate::table::{self, Promised, fact};
use std::time::{Duration, Instant};

/// How often the obvious way looks at the list of each of the others.
const FETCHES_PER_SECOND: usize = 1;

/// Every so often the records that have changed are written anew: after 3,072 batches, one in each round of
/// 75 ms.
const REFRESH: Duration = Duration::from_millis(3_072 * 75);

/// What trackers that do not share took.
pub(crate) struct Local {
    /// Microseconds of CPU time for a change.
    cpu: f64,
    delays: Delays,
    /// Bytes of the list of one of them.
    list: usize,
}

impl Local {
    /// As many trackers as game servers of the plan are spread over, which do not share.
    pub(crate) fn measure(plan: &Plan, trackers: usize) -> Result<Self> {
        let mut group = Group::alone(trackers, plan.slots())?;
        group.log_in(&vec![plan.each; trackers])?;
        let list = fetch_list(group.trackers[0].clients)?.len();
        let run = Run::of(&mut group, plan.alone, trackers, plan.per_second)?;
        Ok(Self {
            cpu: run.costs.rest_us() / run.changes(),
            delays: run.delays,
            list,
        })
    }
}

/// A time in which game servers changed.
struct Run {
    costs: Costs,
    changes: Vec<Change>,
    delays: Delays,
}

impl Run {
    fn of(group: &mut Group, time: Duration, trackers: usize, per_second: u32) -> Result<Self> {
        let each = group.trackers.iter();
        let watchers = each.map(|tracker| Watcher::start(tracker.clients));
        let watchers = watchers.collect::<Result<Vec<_>>>()?;
        let before = Costs::until_now(group)?;
        let start = Instant::now();
        let changes = change(group, trackers, per_second, || start.elapsed() < time)?;
        let costs = Costs::since(&before, group)?;
        let delays = Delays::of(&changes, watchers, group.engine().is_ok())?;
        Ok(Self {
            costs,
            changes,
            delays,
        })
    }

    fn changes(&self) -> f64 {
        self.changes.len() as f64
    }

    fn rate(&self) -> f64 {
        self.changes() / self.costs.time.as_secs_f64()
    }
}

/// All game servers change in turn.
pub(crate) fn all(plan: &Plan, group: &mut Group, local: &Local) -> Result<()> {
    let trackers = group.trackers.len();
    let run = Run::of(group, plan.load, trackers, plan.per_second)?;
    group.until_whole(Duration::from_secs(5))?;
    group.must_agree()?;
    table::part(&format!(
        "{trackers} trackers with {} game servers each, {:.0} INFOS a second in all for {:.0} s",
        plan.each,
        run.rate(),
        run.costs.time.as_secs_f64()
    ));
    delays(&run.delays, local);
    bytes(plan, group, &run, local);
    cpu(&run, local);
    Ok(())
}

fn delays(delays: &Delays, local: &Local) {
    let at = |delays: &[f64], share| quantile(delays.iter().copied(), share);
    let rows = [
        ("of another tracker", &delays.other, [150.0, 300.0]),
        ("of its own tracker", &delays.own, [f64::INFINITY; 2]),
        (
            "of its own tracker, which does not share",
            &local.delays.own,
            [f64::INFINITY; 2],
        ),
    ];
    for (whose, delays, most) in rows {
        for (name, share, most) in [("median", 0.5, most[0]), ("p99", 0.99, most[1])] {
            let promised = match most.is_finite() {
                true => Promised::AtMost(most),
                false => Promised::Nothing,
            };
            let what = format!("from INFOS to the watcher {whose}, {name}");
            table::line(&what, at(delays, share), "ms", promised);
        }
    }
}

fn bytes(plan: &Plan, group: &Group, run: &Run, local: &Local) {
    let trackers = group.trackers.len();
    let seconds = run.costs.time.as_secs_f64();
    let seen = run.costs.bytes();
    let through = match run.costs.time >= 2 * REFRESH {
        true => seen,
        false => {
            // It may or may not have been written anew in so short a time.
            let refresh = records(group, local, plan.each) as f64 / REFRESH.as_secs_f64();
            fact("bytes through the engine, seen", seen, "B/s");
            fact("records written anew, reckoned", refresh, "B/s");
            seen + refresh
        }
    };
    let obvious = (trackers * (trackers - 1) * FETCHES_PER_SECOND * local.list) as f64;
    fact(
        "bytes to the engine",
        run.costs.input as f64 / seconds,
        "B/s",
    );
    fact("bytes from it", run.costs.output as f64 / seconds, "B/s");
    fact(
        &format!(
            "the obvious way: LIST of {} fetched from each other",
            plan.each
        ),
        obvious / 1e3,
        "kB/s",
    );
    table::line(
        "bytes through the engine / the obvious way",
        through / obvious,
        "",
        Promised::AtMost(0.03),
    );
}

/// Bytes that it takes to write all records anew.
fn records(group: &Group, local: &Local, each: usize) -> usize {
    /// What a record and RESP have more than a line of the list: the address once more, a number, a
    /// time, a mark and a peer, and the lengths of two words.
    const MORE: usize = 80;
    group.size() * (local.list / each + MORE)
}

fn cpu(run: &Run, local: &Local) {
    let each = |us: f64| us / run.changes();
    let (sharing, rest) = (each(run.costs.sharing_us()), each(run.costs.rest_us()));
    let engine = each(run.costs.engine.as_secs_f64() * 1e6);
    fact("CPU of a change without sharing", local.cpu, "us");
    fact("CPU of a change with it, the same threads", rest, "us");
    fact(
        "CPU of the threads that share, of all trackers",
        sharing,
        "us",
    );
    fact("CPU of the engine", engine, "us");
    table::line(
        "CPU for sharing a change / for a local one",
        sharing / local.cpu,
        "",
        Promised::AtMost(2.0),
    );
    table::line(
        "CPU of a change with sharing / without, all of the trackers",
        (sharing + rest) / local.cpu,
        "",
        Promised::AtMost(2.0),
    );
}

/// Nobody changes, then those of one tracker do.
pub(crate) fn coefficients(plan: &Plan, group: &mut Group) -> Result<()> {
    let trackers = group.trackers.len();
    group.rest(plan.settle)?;
    let before = Costs::until_now(group)?;
    group.rest(plan.rest)?;
    let rest = Costs::since(&before, group)?;
    let run = Run::of(group, plan.one_sided, 1, plan.per_second)?;
    table::part(&format!(
        "Coefficients, {trackers} trackers: at rest for {:.0} s, then {:.0} INFOS a second at one of them",
        rest.time.as_secs_f64(),
        run.rate()
    ));
    let seconds = rest.time.as_secs_f64();
    let percent = |time: Duration, of: f64| 100.0 * time.as_secs_f64() / of;
    let share = rest.sharing_us() / 1e6 / trackers as f64;
    fact(
        "at rest: CPU of the thread of a tracker",
        100.0 * share / seconds,
        "%",
    );
    fact(
        "at rest: CPU of the engine",
        percent(rest.engine, seconds),
        "%",
    );
    let each = |bytes: u64, time: f64| bytes as f64 / time / trackers as f64;
    fact(
        "at rest: bytes of a tracker to the engine",
        each(rest.input, seconds),
        "B/s",
    );
    fact("at rest: bytes from it", each(rest.output, seconds), "B/s");
    let time = run.costs.time.as_secs_f64();
    // What there is anyway, for so long.
    let idle = share / seconds * time * 1e6;
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    let owner = us(run.costs.sharing[0]) - idle;
    let readers: f64 = run.costs.sharing[1..].iter().copied().map(us).sum();
    let readers = readers - idle * (trackers - 1) as f64;
    let idle_engine = us(rest.engine) / seconds * time;
    let changes = run.changes();
    fact("a change: CPU of its owner's thread", owner / changes, "us");
    fact(
        "a change: CPU of each reader's thread",
        readers / changes / (trackers - 1) as f64,
        "us",
    );
    fact(
        "a change: CPU of the engine",
        (us(run.costs.engine) - idle_engine) / changes,
        "us",
    );
    let more = |now: u64, before: u64| (now as f64 - before as f64 / seconds * time) / changes;
    fact(
        "a change: bytes to the engine",
        more(run.costs.input, rest.input),
        "B",
    );
    fact(
        "a change: bytes to each reader",
        more(run.costs.output, rest.output) / (trackers - 1) as f64,
        "B",
    );
    Ok(())
}
