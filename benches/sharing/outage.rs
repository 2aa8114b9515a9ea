//! The engine is killed, and another one that has nothing listens there after a while.

use crate::Plan;
use crate::changes::change;
use crate::group::{Group, Look, wait_for};
use crate::support::run::Result;
use crate::table::{self, Promised, fact};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

/// Changes a second of all meanwhile.
const CHANGES: u32 = 100;

/// Pause between two looks at the lists.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long lists may take to be whole again before that is no figure any more.
const PATIENCE: Duration = Duration::from_secs(30);

/// Looks at the lists of all trackers before, while the engine is away, and after.
pub(crate) fn suffer(plan: &Plan, group: &mut Group) -> Result<()> {
    group.until_whole(PATIENCE)?;
    let size = group.size();
    let lists: Vec<SocketAddr> = group.trackers.iter().map(|one| one.clients).collect();
    group.kill_engine();
    let (away, took) = thread::scope(|scope| -> Result<_> {
        let looks = scope.spawn(|| watch(&lists, size, plan.outage));
        change(group, group.trackers.len(), CHANGES, || {
            !looks.is_finished()
        })?;
        let away = looks.join().expect("a look does not panic")?;
        group.start_engine()?;
        let start = Instant::now();
        let whole: Vec<_> = lists
            .iter()
            .map(|&clients| {
                scope.spawn(move || {
                    wait_for(clients, size, start, PATIENCE).map(|()| start.elapsed())
                })
            })
            .collect();
        change(group, group.trackers.len(), CHANGES, || {
            !whole.iter().all(|one| one.is_finished())
        })?;
        let took = whole.into_iter().map(|one| one.join().expect("no panic"));
        Ok((away, took.collect::<Result<Vec<_>>>()?))
    })?;
    let last = took.iter().max().copied().unwrap_or_default();
    group.rest(Duration::from_secs(1))?;
    group.must_agree()?;
    table::part(&format!(
        "The engine is away for {} s, and comes back with nothing; {CHANGES} changes a second",
        plan.outage.as_secs_f64()
    ));
    fact("lists seen meanwhile", away.looks as f64, "");
    table::line(
        "entries that were missing from one of them, at the most",
        away.missing as f64,
        "",
        Promised::AtMost(0.0),
    );
    fact("entries elsewhere that were stale", away.stale as f64, "");
    fact(
        "the LIST that took longest",
        away.slowest.as_secs_f64() * 1e3,
        "ms",
    );
    table::line(
        "from the engine's return to all lists whole, none stale",
        last.as_secs_f64(),
        "s",
        Promised::AtMost(5.0),
    );
    Ok(())
}

/// What lists showed while the engine was away.
#[derive(Debug, Default)]
struct Away {
    looks: usize,
    missing: usize,
    /// On the last list.
    stale: usize,
    slowest: Duration,
}

fn watch(lists: &[SocketAddr], size: usize, time: Duration) -> Result<Away> {
    let (start, mut away) = (Instant::now(), Away::default());
    while start.elapsed() < time {
        for &clients in lists {
            let look = Look::at(clients)?;
            away.looks += 1;
            away.missing = away.missing.max(size - look.ports.len().min(size));
            away.stale = look.stale;
            away.slowest = away.slowest.max(look.took);
        }
        thread::sleep(LOOK_EVERY.min(time / 4));
    }
    Ok(away)
}
