//! LIST and logins at a tracker that shares, beside one that does not.

use crate::Plan;
use crate::crowd::Crowd;
use crate::group::{Group, wait_for};
use crate::support::fleet::Fleet;
use crate::support::load::{Load, Manner, Outcome, fetch_list};
use crate::support::process::Process;
use crate::support::report::Ratio;
use crate::support::run::Result;
use crate::support::tracker::{Slots, Tracker};
use crate::support::turns::{Sample, take_turns};
use crate::table::{self, Promised};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Clients that ask at the same time.
const CLIENTS: usize = 16;

/// The number of the first game server that comes and goes.
const VISITORS: usize = 30_000;

/// How long a list may take to have nobody any more who has gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// The two.
const BOTH: [usize; 2] = [0, 1];

/// Lets the first of `group` and a tracker with as many game servers of its own take turns.
pub(crate) fn compare(plan: &Plan, group: &mut Group) -> Result<()> {
    let size = group.size();
    let alone = Tracker::start(Slots::for_listed(size + plan.logins))?;
    let crowd = Crowd::log_in(alone.servers, size)?;
    let mut alone = Alone {
        tracker: alone,
        crowd,
    };
    table::part(&format!(
        "Beside a tracker that does not share, {size} on the list, in turns"
    ));
    lists(plan, group, &mut alone)?;
    logins(plan, group, &mut alone)
}

/// A tracker that does not share.
struct Alone {
    tracker: Tracker,
    crowd: Crowd,
}

fn lists(plan: &Plan, group: &mut Group, alone: &mut Alone) -> Result<()> {
    let load = |clients: SocketAddr| -> Result<Load> {
        let size = fetch_list(clients)?.len();
        let question = "LIST\nQUIT\n";
        Ok(Load::new(Manner::Quit, question, size, CLIENTS, plan.round))
    };
    let loads = [
        load(group.trackers[0].clients)?,
        load(alone.tracker.clients)?,
    ];
    let rounds = take_turns(plan.rounds, &BOTH, |who| {
        group.check_in()?;
        alone.crowd.check_in()?;
        let tracker = [&group.trackers[0], &alone.tracker][who];
        Sample::take(&tracker.process, || Ok(loads[who].put_on(tracker.clients)?))
    })?;
    say("LIST", &rounds, 0.97)
}

fn logins(plan: &Plan, group: &mut Group, alone: &mut Alone) -> Result<()> {
    let rounds = take_turns(plan.rounds, &BOTH, |who| {
        let tracker = [&group.trackers[0], &alone.tracker][who];
        let mut fleet = Fleet::numbered_from(tracker.servers, VISITORS);
        let sample = log_in(&tracker.process, &mut fleet, plan.logins)?;
        drop(fleet);
        let all = group.trackers.iter().chain([&alone.tracker]);
        for tracker in all {
            wait_for(tracker.clients, group.size(), Instant::now(), PATIENCE)?;
        }
        group.check_in()?;
        alone.crowd.check_in()?;
        Ok(sample)
    })?;
    say("logins", &rounds, 0.95)
}

fn log_in(process: &Process, fleet: &mut Fleet, count: usize) -> Result<Sample> {
    Sample::take(process, || {
        let took = fleet.grow(count)?;
        Ok(Outcome {
            answered: count,
            rate: count as f64 / took.as_secs_f64(),
            took,
            ..Outcome::default()
        })
    })
}

fn say(what: &str, rounds: &[Vec<Sample>], least: f64) -> Result<()> {
    let failed: usize = rounds.iter().flatten().map(|one| one.outcome.failed).sum();
    let busy: usize = rounds.iter().flatten().map(|one| one.outcome.busy).sum();
    if failed + busy > 0 {
        return Err(format!("{what}: {failed} failed, {busy} found it busy").into());
    }
    let rate = |who: usize| move |round: &Vec<Sample>| round[who].outcome.rate;
    let cpu = |who: usize| {
        let spent: Duration = rounds.iter().map(|round| round[who].cpu).sum();
        let answered: usize = rounds.iter().map(|round| round[who].outcome.answered).sum();
        spent.as_secs_f64() * 1e6 / answered as f64
    };
    let ratio = Ratio::of(rounds, rate(0), rate(1));
    table::line(
        &format!("{what}, rate: {ratio}"),
        ratio.median(),
        "",
        Promised::AtLeast(least),
    );
    table::fact(&format!("{what}, CPU of the tracker"), cpu(0) / cpu(1), "");
    table::fact(&format!("{what}, CPU of one that shares"), cpu(0), "us");
    Ok(())
}
