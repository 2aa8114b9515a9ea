//! One change for many: gltracker's WATCH beside Redis pub/sub.
//!
//! ```text
//! ulimit -n 20000
//! cargo bench --bench fanout               1,000 and 4,000 watchers, in 2 minutes
//! cargo bench --bench fanout -- --quick    200 watchers, under 20 seconds
//! ```
//!
//! 1,000 game servers are on the list and say `INFOS` 1,000 times a second in all, one after the
//! other. Three take turns:
//!
//! - gltracker with watchers, who are sent what has changed about 10 times a second;
//! - gltracker without watchers, in a process of its own, with as many game servers that say as
//!   much: what the tracker does anyway;
//! - `redis-server` with as many subscribers, in one thread and without persistence, to which the
//!   bench publishes the very batches of the watchers of this round, in the same pace. It has
//!   nothing else to do.
//!
//! What to look at: the ratio of MB delivered for a second of CPU time, gltracker's divided by that
//! of Redis. It is there twice: for all that the tracker does, INFOS and their OK included, and for
//! the fan-out alone, which is what it does more than the one without watchers. CPU times are
//! counted in ticks of 10 ms over all rounds together; in brackets is the lowest and highest round.
//!
//! The times are from before a game server writes INFOS to the end of the batch with that change at
//! the last watcher, of all changes; up to 100 ms of that are the pause between two batches. What
//! can be compared with Redis is the time between the first and the last receiver of a batch.
//!
//! The bench fails unless every batch of every receiver leads on from the one before, and at last
//! to the list; of one watcher in a hundred, what is in them is compared with it.

use std::process::ExitCode;
use std::time::{Duration, Instant};

#[allow(dead_code, reason = "every bench uses a part of it")]
mod support;
use gltracker::protocol::revision::Revision;
use support::audience::{Audience, Delivered};
use support::load::PATIENCE;
use support::process::open_files;
use support::redis::Redis;
use support::replica::Replica;
use support::report::{self, median, quantile, spread};
use support::run::{Result, shortage, shortage_of};
use support::stage::{Stage, latencies};
use support::tracker::Slots;
use support::turns::take_turns;

/// Open files of this program that are no connections, with some to spare.
const OTHER_FILES: usize = 64;

/// What is measured.
#[derive(Clone, Copy)]
struct Plan {
    /// A table for each number of watchers.
    receivers: &'static [usize],
    game_servers: usize,
    changes_per_second: u32,
    /// Turns for each rival.
    rounds: usize,
    /// How long changes are made in a turn.
    round: Duration,
}

impl Plan {
    /// How many changes there are in a turn.
    fn changes(&self) -> u32 {
        (self.round.as_secs_f64() * f64::from(self.changes_per_second)) as u32
    }
}

const FULL: Plan = Plan {
    receivers: &[1_000, 4_000],
    game_servers: 1_000,
    changes_per_second: 1_000,
    rounds: 6,
    round: Duration::from_secs(3),
};

const QUICK: Plan = Plan {
    receivers: &[200],
    rounds: 2,
    round: Duration::from_millis(800),
    ..FULL
};

const SMOKE: Plan = Plan {
    receivers: &[5],
    game_servers: 10,
    changes_per_second: 50,
    rounds: 1,
    round: Duration::from_millis(200),
};

/// Those that take turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Watched,
    Unwatched,
    Redis,
}

/// What came of a turn.
#[derive(Debug, Default)]
struct Turn {
    delivered: Delivered,
    /// From the first change to the moment when the last receiver had everything.
    took: Duration,
    cpu: Duration,
    /// That of the thread that serves the watchers, in it.
    watchers_cpu: Duration,
    /// From each change to its last receiver, in ms.
    latencies: Vec<f64>,
    /// From the first receiver of each batch to the last, in ms.
    spreads: Vec<f64>,
}

fn main() -> ExitCode {
    support::run::main(|length| run(length.of(&FULL, &QUICK, &SMOKE)))
}

fn run(plan: &Plan) -> Result<()> {
    let wanted = plan.receivers.iter().copied().max().unwrap_or_default();
    let files = open_files();
    // Here, everybody is there twice.
    let here = files.saturating_sub(OTHER_FILES) / 2;
    let slots = Slots::for_listed(0);
    let most = slots.most_watchers(wanted, files).min(here / 2);
    let slots = slots.and_watchers(most);
    let listed = slots.most_more(plan.game_servers, files).min(here - most);
    let warning = shortage_of("WATCHERS", most, wanted) + &shortage(listed, plan.game_servers);
    print!("{warning}");
    let plan = &Plan {
        game_servers: listed,
        ..*plan
    };
    let what = format!(
        "Changes told to many, {} a second of {} game servers in turn",
        plan.changes_per_second, plan.game_servers
    );
    let headline = report::headline(&what, plan.rounds, plan.round);
    let mut head = format!("{headline}\n{HEADER}\n");
    for &receivers in plan.receivers {
        let table = compare(plan, receivers.min(most))?;
        print!("{}{table}", std::mem::take(&mut head));
    }
    print!("{warning}");
    Ok(())
}

/// Lets all take turns, and returns their part of the table.
fn compare(plan: &Plan, receivers: usize) -> Result<String> {
    let slots = Slots::for_listed(plan.game_servers);
    let mut watched = Stage::start(slots.and_watchers(receivers), plan.game_servers)?;
    let mut unwatched = Stage::start(slots, plan.game_servers)?;
    let (_, replica, revision) = watched.list()?;
    let mut known = (replica, revision);
    let mut watchers = watched.watchers(receivers, revision)?;
    let mut redis = Redis::start(receivers)?;
    let mut subscribers = match &redis {
        Some(redis) => Audience::new(redis.subscribe(receivers)?, revision)?,
        None => Audience::default(),
    };
    let rivals = match redis {
        Some(_) => &[Who::Watched, Who::Unwatched, Who::Redis][..],
        None => &[Who::Watched, Who::Unwatched],
    };
    let mut script = Script::default();
    let turns = take_turns(plan.rounds, rivals, |who| {
        watched.fleet.check_in()?;
        unwatched.fleet.check_in()?;
        match (who, &mut redis) {
            (Who::Watched, _) => {
                let (turn, played) = tell(plan, &mut watched, &mut watchers, &mut known)?;
                script = played;
                Ok(turn)
            }
            (Who::Redis, Some(redis)) => script.play(redis, &mut subscribers),
            _ => tell_nobody(plan, &mut unwatched),
        }
    })?;
    let rounds = &turns;
    Ok(Figures { receivers, rounds }.table())
}

/// Makes changes and lets the tracker tell the watchers, who have the list that is `known`.
fn tell(
    plan: &Plan,
    stage: &mut Stage,
    watchers: &mut Audience,
    known: &mut (Replica, Revision),
) -> Result<(Turn, Script)> {
    let cpu = |stage: &Stage| {
        let process = &stage.tracker.process;
        (process.cpu(), process.cpu_of_threads("watchers"))
    };
    // Each change is one revision.
    let last = known.1.count + u64::from(plan.changes());
    let before = cpu(stage);
    let start = Instant::now();
    let change = || stage.change_many(plan.changes(), plan.changes_per_second);
    let changes = watchers.listen_to(change, last, plan.round + PATIENCE)?;
    let took = start.elapsed();
    let after = cpu(stage);
    let (list, replica, revision) = stage.list()?;
    watchers.must_have_been_told(&known.0, &list)?;
    *known = (replica, revision);
    let turn = Turn {
        delivered: watchers.delivered(),
        took,
        cpu: after.0.saturating_sub(before.0),
        watchers_cpu: after.1.saturating_sub(before.1),
        latencies: latencies(&changes, watchers)?,
        spreads: watchers.spreads(),
    };
    let batches = watchers.script().into_iter();
    let batches = batches.map(|batch| (batch.at - start, batch.text.to_vec()));
    let batches = batches.collect();
    Ok((turn, Script { batches, last }))
}

/// Makes as many changes, of which nobody is told.
fn tell_nobody(plan: &Plan, stage: &mut Stage) -> Result<Turn> {
    let (start, before) = (Instant::now(), stage.tracker.process.cpu());
    stage.change_many(plan.changes(), plan.changes_per_second)?;
    Ok(Turn {
        took: start.elapsed(),
        cpu: stage.tracker.process.cpu().saturating_sub(before),
        ..Turn::default()
    })
}

/// What one watcher was sent, and how long after the start.
#[derive(Default)]
struct Script {
    batches: Vec<(Duration, Vec<u8>)>,
    /// The count of the last revision.
    last: u64,
}

impl Script {
    /// Lets `redis` send the same to all subscribers.
    fn play(&self, redis: &mut Redis, subscribers: &mut Audience) -> Result<Turn> {
        let before = redis.process.cpu();
        let start = Instant::now();
        let count = subscribers.size();
        let publish = || redis.publish_all(&self.batches, count);
        let patience = PATIENCE + self.batches.last().map_or(Duration::ZERO, |last| last.0);
        subscribers.listen_to(publish, self.last, patience)?;
        let took = start.elapsed();
        let cpu = redis.process.cpu().saturating_sub(before);
        let mut delivered = subscribers.delivered();
        if delivered.batches != self.batches.len() * count {
            return Err(format!("redis delivered {delivered:?}").into());
        }
        // Without what Redis puts around each.
        delivered.bytes = count * self.batches.iter().map(|(_, b)| b.len()).sum::<usize>();
        Ok(Turn {
            delivered,
            took,
            cpu,
            spreads: subscribers.spreads(),
            ..Turn::default()
        })
    }
}

const HEADER: &str = "\
receivers                              | batches/s      MB/s | CPU s per s  CPU ms per MB";

/// What everybody did in all rounds.
struct Figures<'a> {
    receivers: usize,
    rounds: &'a [Vec<Turn>],
}

/// One of the figures of a round.
type Figure<'a> = &'a dyn Fn(&[Turn]) -> f64;

impl Figures<'_> {
    fn table(&self) -> String {
        let mut table = String::new();
        self.costs(&mut table);
        self.times(&mut table);
        table
    }

    /// CPU times, and the ratios of gltracker to Redis.
    fn costs(&self, table: &mut String) {
        let cpu = |who: Who| move |round: &[Turn]| round[who as usize].cpu.as_secs_f64();
        let fanout = |round: &[Turn]| cpu(Who::Watched)(round) - cpu(Who::Unwatched)(round);
        let thread = |round: &[Turn]| round[Who::Watched as usize].watchers_cpu.as_secs_f64();
        let (all, none) = (cpu(Who::Watched), cpu(Who::Unwatched));
        let theirs = cpu(Who::Redis);
        let rows: [(&str, Who, Figure<'_>); 5] = [
            ("gltracker, all that it does", Who::Watched, &all),
            ("gltracker, fan-out alone", Who::Watched, &fanout),
            ("gltracker, watchers' thread", Who::Watched, &thread),
            ("gltracker, nobody watches", Who::Unwatched, &none),
            ("redis", Who::Redis, &theirs),
        ];
        let is_here = |(_, who, _): &(_, Who, _)| *who != Who::Redis || self.is_compared();
        for (what, who, cpu) in rows.into_iter().filter(is_here) {
            *table += &self.cost(what, who, cpu);
        }
        if !self.is_compared() {
            return;
        }
        let rows: [(&str, Figure<'_>); 2] = [
            ("for all that it does:", &all),
            ("for the fan-out alone:", &fanout),
        ];
        for (what, ours) in rows {
            let (watched, redis) = (bytes(Who::Watched), bytes(Who::Redis));
            let all = self.sum(&watched) / self.sum(ours) / (self.sum(&redis) / self.sum(&theirs));
            let ratio =
                |round: &Vec<Turn>| watched(round) / ours(round) / (redis(round) / theirs(round));
            let (low, high) = spread(self.rounds.iter().map(ratio));
            *table += &format!(
                "{:>9} MB per CPU second, gltracker / redis {what:<23} {all:>5.2} \
                 ({low:.2} to {high:.2})\n",
                self.receivers
            );
        }
    }

    /// A row of CPU times.
    fn cost(&self, what: &str, who: Who, cpu: Figure<'_>) -> String {
        let time = self.sum(&|round| round[who as usize].took.as_secs_f64());
        let batches = self.sum(&|round| round[who as usize].delivered.batches as f64);
        let (megabytes, cpu) = (self.sum(&bytes(who)), self.sum(cpu));
        let per_megabyte = match who {
            Who::Unwatched => "-".to_owned(),
            Who::Watched | Who::Redis => format!("{:.3}", cpu * 1e3 / megabytes),
        };
        format!(
            "{:>9} {what:<28} | {:>9.0} {:>9.1} | {:>11.3} {per_megabyte:>14}\n",
            self.receivers,
            batches / time,
            megabytes / time,
            cpu / time,
        )
    }

    /// How long it took until somebody was told.
    fn times(&self, table: &mut String) {
        let receivers = self.receivers;
        let mut row = |what: &str, times: &[f64], end: String| {
            let at = |share| quantile(times.iter().copied(), share);
            let (half, most, all) = (at(0.5), at(0.99), at(1.0));
            *table += &format!(
                "{receivers:>9} ms {what:<41} p50 {half:>6.1}  p99 {most:>6.1}  max {all:>6.1}{end}\n"
            );
        };
        let all = |who: Who, times: fn(&Turn) -> &[f64]| -> Vec<f64> {
            let turns = self
                .rounds
                .iter()
                .filter_map(|round| round.get(who as usize));
            turns.flat_map(times).copied().collect()
        };
        let latencies = all(Who::Watched, |turn| &turn.latencies);
        row("from INFOS to the last watcher", &latencies, String::new());
        let watchers = all(Who::Watched, |turn| &turn.spreads);
        row(
            "from the first watcher to the last",
            &watchers,
            String::new(),
        );
        if self.is_compared() {
            let subscribers = all(Who::Redis, |turn| &turn.spreads);
            let of = |times: &[f64]| median(times.iter().copied());
            let ratio = of(&watchers) / of(&subscribers);
            row(
                "from redis's first subscriber to the last",
                &subscribers,
                format!("  gltracker / redis {ratio:.2}"),
            );
        }
        let wholes = self.sum(&|round| round[Who::Watched as usize].delivered.wholes as f64);
        if wholes > 0.0 {
            *table += &format!(
                "{receivers:>9} {wholes} WHOLE LISTS WERE SENT TO WATCHERS THAT WERE TOO SLOW\n"
            );
        }
    }

    fn is_compared(&self) -> bool {
        let redis = Who::Redis as usize;
        self.rounds.iter().all(|round| round.len() > redis)
    }

    fn sum(&self, figure: Figure<'_>) -> f64 {
        self.rounds.iter().map(|round| figure(round)).sum()
    }
}

/// Megabytes delivered.
fn bytes(who: Who) -> impl Fn(&[Turn]) -> f64 {
    move |round| round[who as usize].delivered.bytes as f64 / 1e6
}
