//! What trackers that share, and the engine between them, have taken so far.

use crate::group::Group;
use crate::support::run::Result;
use std::time::{Duration, Instant};

/// The thread that talks to the engine.
const SHARING: &str = "sharing";

/// The thread that tells watchers.
const WATCHERS: &str = "watchers";

/// CPU times and bytes, until now or of a time in between.
#[derive(Debug, Clone)]
pub(crate) struct Costs {
    at: Instant,
    /// The CPU time of each tracker's thread that talks to the engine.
    pub(crate) sharing: Vec<Duration>,
    /// That of all else in each, without what watchers are told.
    pub(crate) rest: Vec<Duration>,
    pub(crate) engine: Duration,
    /// Bytes that the engine was sent.
    pub(crate) input: u64,
    /// Bytes that it sent.
    pub(crate) output: u64,
    /// Those of its answer to this question, which it had not counted yet.
    answer: u64,
    /// How long that was.
    pub(crate) time: Duration,
}

impl Costs {
    /// All until now.
    pub(crate) fn until_now(group: &mut Group) -> Result<Self> {
        let each = || group.trackers.iter().map(|tracker| &tracker.process);
        let sharing: Vec<_> = each().map(|one| one.cpu_of_threads(SHARING)).collect();
        let rest = each().zip(&sharing).map(|(process, &sharing)| {
            let apart = sharing + process.cpu_of_threads(WATCHERS);
            process.cpu().saturating_sub(apart)
        });
        let rest = rest.collect();
        let mut costs = Self {
            at: Instant::now(),
            sharing,
            rest,
            engine: Duration::ZERO,
            input: 0,
            output: 0,
            answer: 0,
            time: Duration::ZERO,
        };
        if let Ok(engine) = group.engine() {
            costs.engine = engine.process.cpu();
            let info = engine.ask(&["INFO", "stats"])?;
            let figure = |name: &str| -> Result<u64> {
                let found = info.lines().find_map(|line| line.strip_prefix(name));
                Ok(found.ok_or("INFO does not tell bytes")?.trim().parse()?)
            };
            costs.input = figure("total_net_input_bytes:")?;
            costs.output = figure("total_net_output_bytes:")?;
            costs.answer = info.len() as u64;
        }
        Ok(costs)
    }

    /// All from then until now.
    pub(crate) fn since(before: &Self, group: &mut Group) -> Result<Self> {
        let now = Self::until_now(group)?;
        let less = |now: &[Duration], before: &[Duration]| -> Vec<Duration> {
            let both = now.iter().zip(before);
            both.map(|(now, before)| now.saturating_sub(*before))
                .collect()
        };
        Ok(Self {
            sharing: less(&now.sharing, &before.sharing),
            rest: less(&now.rest, &before.rest),
            engine: now.engine.saturating_sub(before.engine),
            input: now.input.saturating_sub(before.input),
            output: now.output.saturating_sub(before.output + before.answer),
            time: now.at - before.at,
            ..now
        })
    }

    /// Bytes a second through the engine.
    pub(crate) fn bytes(&self) -> f64 {
        (self.input + self.output) as f64 / self.time.as_secs_f64()
    }

    /// Microseconds of the threads that talk to the engine, of all trackers.
    pub(crate) fn sharing_us(&self) -> f64 {
        self.sharing.iter().sum::<Duration>().as_secs_f64() * 1e6
    }

    /// Microseconds of all else in the trackers.
    pub(crate) fn rest_us(&self) -> f64 {
        self.rest.iter().sum::<Duration>().as_secs_f64() * 1e6
    }
}
