//! What a LIST with conditions costs, the old way and the new.
//!
//! ```text
//! ulimit -n 24000
//! cargo bench --bench filters                     10,000 game servers, in three minutes
//! cargo bench --bench filters -- --old PROGRAM    the same beside an older build of the tracker
//! cargo bench --bench filters -- --quick          1,000 game servers, in 20 seconds
//! ```
//!
//! The first table is in process, without sockets: `loop` looks at the fields of one game server
//! after the other, as the tracker did once, and `List` is asked by the method that the tracker
//! calls. It is asked twice: when nothing has changed since the filter before, and when one game
//! server in each piece of the list has. No filter comes twice, so that nobody gets by with an
//! answer that he has kept. The whole list, copied together, is there to compare with.
//!
//! The second is of two trackers that hold as many game servers: CPU time of the process for an
//! answer on a new connection, without what the process takes when nobody asks. All ask the same,
//! or each of them something else, or the same while game servers change (whose updates are in the
//! figure, and are few). `since` is asked from the revision before half of the list changed.
//! Without --old both are the same build, and the ratio is 1 but for noise.
//!
//! What to look at: the ratios, of which the target is printed with the tables.

use std::process::ExitCode;
use std::time::Duration;

mod builds;
mod in_process;
mod kinds;
#[allow(dead_code, reason = "every bench uses a part of it")]
#[path = "../support/mod.rs"]
mod support;
use support::run::Result;

/// How much of the time of the old way the new one is to take at the most.
const TARGET: f64 = 0.15;

/// What is measured.
struct Plan {
    /// Game servers on the list, in process.
    in_process: &'static [usize],
    rounds_in_process: usize,
    /// Game servers that are looked at, in process, in a round. Of those filters the fastest
    /// counts.
    looks: usize,
    /// Game servers of each tracker.
    listed: usize,
    rounds: usize,
    /// Answers of a tracker in a round.
    answers: usize,
    /// How long a tracker is seen doing nothing.
    idle: Duration,
}

const FULL: Plan = Plan {
    in_process: &[100, 1_000, 10_000],
    rounds_in_process: 31,
    looks: 100_000,
    listed: 10_000,
    rounds: 7,
    answers: 500,
    idle: Duration::from_secs(3),
};

const QUICK: Plan = Plan {
    in_process: &[100, 10_000],
    rounds_in_process: 5,
    looks: 50_000,
    listed: 1_000,
    rounds: 2,
    answers: 1_000,
    idle: Duration::from_secs(1),
};

const SMOKE: Plan = Plan {
    in_process: &[10, 200],
    rounds_in_process: 1,
    looks: 200,
    listed: 10,
    rounds: 1,
    answers: 10,
    idle: Duration::from_millis(20),
};

fn main() -> ExitCode {
    support::run::main(|length| run(length.of(&FULL, &QUICK, &SMOKE)))
}

fn run(plan: &Plan) -> Result<()> {
    for &size in plan.in_process {
        in_process::compare(plan, size)?;
    }
    builds::compare(plan)
}
