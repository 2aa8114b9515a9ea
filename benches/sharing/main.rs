//! Several trackers, one list: what a shared change costs, and what faults do.
//!
//! ```text
//! ulimit -n 20000
//! cargo bench --bench sharing               all of it, in 8 minutes
//! cargo bench --bench sharing -- --quick    in short, under a minute
//! cargo bench --bench sharing -- --only PART
//!                                           one of changes, coefficients, beside, outage, death, many
//! ```
//!
//! One `redis-server` that keeps nothing on a disk is the engine. Three trackers, each a process of its
//! own, have 3,333 game servers each. The game servers change in turn, 1,000 of them a second in all:
//! each change is another number of players, every tenth another map too. One client watches each
//! tracker.
//!
//! - *from INFOS to the watcher*: from before a game server writes INFOS to the moment when a watcher
//!   has read the line with it. Of that up to 100 ms are the pause between two batches of a watcher,
//!   whether the tracker shares or not.
//! - *bytes through the engine*: what it was sent and what it sent, as it counts them itself. They are
//!   divided by what it would be if each tracker fetched the list of each other one once a second. All
//!   that has changed is written anew after 3,072 batches. A run is too short for that, so what it would be
//!   is added.
//! - *CPU for sharing a change*: the threads `sharing` of all three trackers, the owner's and the
//!   readers'. It is divided by what the same trackers take for a change that is not shared: all of their
//!   threads but the one that serves watchers, in the same run before. That of a process is counted in ticks of
//!   10 ms, that of a thread in nanoseconds.
//! - *Coefficients*: what a tracker takes while nothing changes, and what one change takes of its owner,
//!   of each reader and of the engine beyond that. With three and, in the full run, with ten trackers.
//! - *One more tracker* joins and reads the list. Its memory is compared with that of one that has
//!   nobody.
//! - *Beside a tracker that does not share*, and has as many game servers of its own, LIST and QUIT are
//!   asked as fast as 16 clients can, and game servers log in, 64 at a time. All trackers, the engine and the
//!   clients have the same two processors: what the others do with a login is taken from the rate.
//! - *The engine is away*: it is killed, and another one that is empty listens at its port after that
//!   time. Game servers go on to change. All lists must be the same in the end.
//! - *A tracker is killed*: every other one of its game servers logs in at one of the others 0.5 to 1.5 s later,
//!   the rest at the tracker that was started again, over half the time that it was away. The lists of
//!   the others are looked at five times a second.
//!
//! The bench fails if a list is wrong in the end, or a change is never told.

mod beside;
mod changes;
mod changing;
mod costs;
mod crowd;
mod death;
mod group;
mod newcomer;
mod outage;
#[allow(dead_code, reason = "every bench uses a part of it")]
#[path = "../support/mod.rs"]
mod support;
mod table;

use changing::Local;
use group::Group;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;
use support::process::open_files;
use support::run::{Result, shortage, value_of};
use support::tracker::Slots;

/// How many trackers share.
const TRACKERS: usize = 3;

/// Open files of this program that are no game servers.
const OTHER_FILES: usize = 128;

/// How long lists may take to be the same at the start.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is measured.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Game servers of each tracker.
    each: usize,
    /// INFOS of all of them.
    per_second: u32,
    /// How long they change, without sharing and with it.
    alone: Duration,
    load: Duration,
    /// How long it takes until all that has changed is written anew, how long nothing changes then, and
    /// how long those of one tracker do.
    settle: Duration,
    rest: Duration,
    one_sided: Duration,
    /// Of LIST and of logins, and how many logins in one.
    rounds: usize,
    round: Duration,
    logins: usize,
    /// How long the engine is away.
    outage: Duration,
    /// Game servers of each tracker when the first is killed, and when it is started again.
    death: [usize; TRACKERS],
    restart: Duration,
    /// A larger group, of which coefficients are measured too.
    many: Option<usize>,
}

impl Plan {
    fn slots(&self) -> Slots {
        Slots::for_listed(self.each + self.logins)
    }
}

const FULL: Plan = Plan {
    each: 3_333,
    per_second: 1_000,
    alone: Duration::from_secs(30),
    load: Duration::from_secs(120),
    settle: Duration::from_secs(65),
    rest: Duration::from_secs(20),
    one_sided: Duration::from_secs(20),
    rounds: 15,
    round: Duration::from_millis(400),
    logins: 1_000,
    outage: Duration::from_secs(60),
    death: [5_000, 2_500, 2_500],
    restart: Duration::from_secs(30),
    many: Some(10),
};

const QUICK: Plan = Plan {
    each: 3_333,
    per_second: 1_000,
    alone: Duration::from_secs(4),
    load: Duration::from_secs(6),
    settle: Duration::ZERO,
    rest: Duration::from_secs(2),
    one_sided: Duration::from_secs(3),
    rounds: 3,
    round: Duration::from_millis(200),
    logins: 200,
    outage: Duration::from_secs(10),
    death: [3_333, 1_667, 1_667],
    restart: Duration::from_secs(12),
    many: None,
};

const SMOKE: Plan = Plan {
    each: 10,
    per_second: 100,
    alone: Duration::from_millis(300),
    load: Duration::from_millis(500),
    settle: Duration::ZERO,
    rest: Duration::from_millis(200),
    one_sided: Duration::from_millis(300),
    rounds: 1,
    round: Duration::from_millis(20),
    logins: 5,
    outage: Duration::from_millis(500),
    death: [10, 5, 5],
    restart: Duration::from_secs(1),
    many: None,
};

fn main() -> ExitCode {
    support::run::main(|length| match crowd::run_if_asked()? {
        true => Ok(()),
        false => run(length.of(&FULL, &QUICK, &SMOKE)),
    })
}

/// True unless another part alone is asked for.
fn is_wanted(part: &str) -> bool {
    value_of("--only").is_none_or(|only| only == part)
}

fn run(plan: &Plan) -> Result<()> {
    let wanted = TRACKERS * plan.each;
    let others = OTHER_FILES + plan.logins;
    let most = open_files().saturating_sub(others).min(wanted);
    let warning = shortage(most, wanted);
    let plan = &Plan {
        each: most / TRACKERS,
        ..*plan
    };
    let cpus = thread::available_parallelism().map_or(0, usize::from);
    println!("{warning}\nSeveral trackers, one list, {cpus} CPUs");
    let slots = plan.slots();
    let Some(mut group) = Group::sharing(TRACKERS, slots)? else {
        return Ok(());
    };
    let local = match is_wanted("changes") {
        true => Some(Local::measure(plan, TRACKERS)?),
        false => None,
    };
    group.log_in(&[plan.each; TRACKERS])?;
    group.until_whole(PATIENCE)?;
    if let Some(local) = local {
        changing::all(plan, &mut group, &local)?;
    }
    if is_wanted("coefficients") {
        changing::coefficients(plan, &mut group)?;
        newcomer::join(&mut group)?;
        newcomer::memory_of_engine(&mut group)?;
    }
    if is_wanted("beside") {
        beside::compare(plan, &mut group)?;
    }
    if is_wanted("outage") {
        outage::suffer(plan, &mut group)?;
    }
    drop(group);
    if is_wanted("death") {
        death::happen(plan)?;
    }
    if let Some(many) = plan.many.filter(|_| is_wanted("many")) {
        let each = TRACKERS * plan.each / many;
        if let Some(mut group) = Group::sharing(many, Slots::for_listed(each))? {
            group.log_in(&vec![each; many])?;
            group.until_whole(PATIENCE)?;
            changing::coefficients(plan, &mut group)?;
        }
    }
    print!("{warning}");
    Ok(())
}
