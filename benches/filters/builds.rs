//! Two builds of the tracker, each in a process of its own.

use crate::kinds::{KINDS, MANY};
use crate::support::fleet::Fleet;
use crate::support::load::fetch_list;
use crate::support::process::open_files;
use crate::support::questions::Questions;
use crate::support::replica::Replica;
use crate::support::report::{Ratio, median};
use crate::support::run::{Result, shortage, value_of};
use crate::support::tracker::{Slots, Tracker, this_build};
use crate::support::turns::{Sample, take_turns};
use crate::support::updates::Updates;
use crate::{Plan, TARGET};
use gltracker::protocol::revision::Revision;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Clients that ask a tracker at the same time.
const CLIENTS: usize = 4;

/// What changes while they do.
const UPDATES: Updates = Updates { per_second: 100 };

/// Game servers that come to the one before as many come to the other.
const STEP: usize = 1_000;

/// Open files of this program that are no game servers, with some to spare.
const OTHER_FILES: usize = 64;

/// Who asks a tracker for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Alike,
    Differently,
    /// Alike, while the list changes.
    Changing,
}

/// One of the two, and the game servers on its list.
struct Held {
    tracker: Tracker,
    fleet: Fleet,
    /// Before half of the list changed.
    revision: Option<Revision>,
    /// Seconds of CPU time that it takes in a second when nobody asks.
    idle: f64,
}

impl Held {
    fn start(program: &Path, size: usize) -> Result<Self> {
        let tracker = Tracker::start_build(program, Slots::for_listed(size))?;
        Ok(Self {
            fleet: Fleet::new(tracker.servers),
            tracker,
            revision: None,
            idle: 0.0,
        })
    }

    /// Lets half of the list change.
    fn change(&mut self) -> Result<()> {
        let mut replica = Replica::default();
        replica.apply(&fetch_list(self.tracker.clients)?)?;
        self.revision = replica.revision();
        let half = self.fleet.size() / 2;
        for game_server in &mut self.fleet.game_servers()[..half] {
            game_server.update()?;
        }
        self.fleet.await_until(|seen| seen.oks >= half as u64)
    }

    /// Sees what it takes when nobody asks, for that long.
    fn rest(&mut self, time: Duration) -> Result<()> {
        self.fleet.check_in()?;
        let before = self.tracker.process.cpu();
        thread::sleep(time);
        let cpu = self.tracker.process.cpu().saturating_sub(before);
        self.idle = cpu.as_secs_f64() / time.as_secs_f64();
        Ok(())
    }

    /// Microseconds of CPU time for an answer, while the list changes or does not.
    fn answer(&mut self, questions: &Questions<'_>, is_changing: bool) -> Result<f64> {
        let clients = self.tracker.clients;
        let sample = Sample::take(&self.tracker.process, || {
            let stop = AtomicBool::new(!is_changing);
            thread::scope(|scope| {
                let sender = scope.spawn(|| UPDATES.send_until(&stop, &mut self.fleet));
                let outcome = questions.ask(clients);
                stop.store(true, Ordering::Relaxed);
                sender.join().expect("updates do not panic")?;
                outcome
            })
        })?;
        let idle = self.idle * sample.outcome.took.as_secs_f64();
        Ok((sample.cpu.as_secs_f64() - idle) * 1e6 / sample.outcome.answered as f64)
    }
}

/// The table of two trackers.
pub(crate) fn compare(plan: &Plan) -> Result<()> {
    let old = value_of("--old").map(PathBuf::from);
    let files = open_files();
    let here = files.saturating_sub(OTHER_FILES) / 2;
    let most = Slots::most_listed(plan.listed, files).min(here.max(1));
    let warning = shortage(most, plan.listed);
    let start = |program| Held::start(program, most);
    let mut held = [
        start(old.as_deref().unwrap_or(this_build()))?,
        start(this_build())?,
    ];
    // Those of the one are not to fall silent while those of the other come.
    for size in (0..most).step_by(STEP).chain([most]) {
        held.iter_mut()
            .try_for_each(|one| one.fleet.grow(size).map(drop))?;
    }
    for one in &mut held {
        one.change()?;
        one.rest(plan.idle)?;
    }
    println!(
        "{warning}\nTwo trackers, {most} game servers, CPU time for an answer on a new connection, us: \
         {} rounds of {} answers for each, target {TARGET}\n\
         old: {}\n\n{:>25} {:>5} {:>16} | {:>9} {:>9}  ratio (low to high)",
        plan.rounds,
        plan.answers,
        old.as_deref()
            .unwrap_or(Path::new("the same build"))
            .display(),
        "filter",
        "since",
        "asked",
        "old",
        "new",
    );
    let [port, _, arena, ..] = KINDS;
    let ways = [Way::Alike, Way::Differently, Way::Changing];
    // Half of the list may change once more before the tracker forgets what has changed since.
    let with_since = ways[..2].iter().map(|&way| (MANY, true, way));
    let whole = [port, arena, MANY].map(|kind| ways.map(|way| (kind, false, way)));
    let mut asked = 0;
    for (kind, since, way) in with_since.chain(whole.into_iter().flatten()) {
        let rounds = take_turns(plan.rounds, &[0, 1], |which| {
            let since = held[which].revision.filter(|_| since);
            let since = since.map(|revision| format!("since={revision} "));
            let verb = format!("LIST {}", since.unwrap_or_default());
            asked += plan.answers;
            let line = |n: usize| match way {
                Way::Differently => verb.clone() + &(kind.text)(asked + n),
                Way::Alike | Way::Changing => verb.clone() + &(kind.text)(0),
            };
            let questions = Questions {
                clients: CLIENTS,
                count: plan.answers,
                line: &line,
            };
            held.iter_mut().try_for_each(|one| one.fleet.check_in())?;
            held[which].answer(&questions, way == Way::Changing)
        })?;
        let middle = |which: usize| median(rounds.iter().map(|round| round[which]));
        println!(
            "{:>25} {:>5} {:>16} | {:>9.0} {:>9.0}  {}",
            kind.name,
            if since { "yes" } else { "" },
            match way {
                Way::Alike => "by all",
                Way::Differently => "each another",
                Way::Changing => "by all, changing",
            },
            middle(0),
            middle(1),
            Ratio::of(&rounds, |round| round[1], |round| round[0]),
        );
    }
    print!("{warning}");
    Ok(())
}
