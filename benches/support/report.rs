//! What was measured, as tables. Everywhere the first of three is the tracker, the others are the
//! bare loops in one thread and in two.

use super::load::Outcome;
use super::process::{CLIENT_SLOTS, Process};
use std::io;
use std::thread;
use std::time::Duration;

const NAMES: [&str; 3] = ["gltracker", "bare-1", "bare-2"];

/// One round of one of the three.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sample {
    outcome: Outcome,
    /// CPU time that the process took for it.
    cpu: Duration,
}

impl Sample {
    /// Lets `ask` ask `process`, and looks at what that costs the process.
    pub(crate) fn take(
        process: &Process,
        ask: impl FnOnce() -> io::Result<Outcome>,
    ) -> io::Result<Self> {
        /// Far more than it takes a process to close its last connections.
        const SETTLE: Duration = Duration::from_millis(20);
        let before = process.cpu();
        let outcome = ask()?;
        thread::sleep(SETTLE);
        let cpu = process.cpu().saturating_sub(before);
        Ok(Self { outcome, cpu })
    }
}

/// The head of the table of [`row`]s.
pub(crate) fn rows_header(rounds: usize, round: Duration) -> String {
    let cpus = thread::available_parallelism().map_or(0, usize::from);
    let [tracker, bare_1, bare_2] = NAMES;
    let three = format!("{tracker:>9}  {bare_1:>8}  {bare_2:>8} ");
    format!(
        "\nLIST on a new connection: {rounds} rounds of {} ms for each, {cpus} CPUs\n\n\
         {:>24} | {:^30} | {:^19} | {:^30} |  CPU\n\
         servers    bytes clients | {three} | ratio (low to high) | {three} | ratio",
        round.as_millis(),
        "",
        "requests/s",
        "rate",
        "CPU time per request, us",
    )
}

/// Rates and CPU times of the three, and the tracker's ratios to the faster bare loop.
pub(crate) fn row(rounds: &[[Sample; 3]]) -> String {
    let rates = [0, 1, 2].map(|who| median(rounds.iter().map(|round| round[who].outcome.rate)));
    let cpu = [0, 1, 2].map(|who| {
        let cpu: Duration = rounds.iter().map(|round| round[who].cpu).sum();
        let answered: usize = rounds.iter().map(|round| round[who].outcome.answered).sum();
        cpu.as_secs_f64() * 1e6 / answered as f64
    });
    let faster = if rates[1] >= rates[2] { 1 } else { 2 };
    let three = |[tracker, bare_1, bare_2]: [f64; 3]| {
        let [one, two] = [1, 2].map(|who| if who == faster { '*' } else { ' ' });
        format!("{tracker:>9.0}  {bare_1:>8.0}{one} {bare_2:>8.0}{two}")
    };
    let ratios = || {
        rounds
            .iter()
            .map(|round| round[0].outcome.rate / round[faster].outcome.rate)
    };
    let (low, high) = spread(ratios());
    let spread = format!("({low:.2} to {high:.2})");
    format!(
        "| {} | {:.2} {spread:>14} | {} | {:>5.2}{}",
        three(rates),
        median(ratios()),
        three(cpu),
        cpu[0] / cpu[faster],
        trouble(rounds),
    )
}

/// The head of the table of [`burst`]s.
pub(crate) fn bursts_header(bursts: usize) -> String {
    format!(
        "\nAll clients at the same moment: {bursts} bursts for each, {CLIENT_SLOTS} have a slot\n\n\
         {:>35} |    time until the last    | answers in a burst, mean\n\
         servers    bytes clients            | has its answer, ms        |     list ERR busy  failed",
        "",
    )
}

/// How long bursts took for each of the three, and what the clients got.
pub(crate) fn burst(row: &str, bursts: &[[Sample; 3]]) -> String {
    let mut table = String::new();
    for (who, name) in NAMES.into_iter().enumerate() {
        let outcomes = || bursts.iter().map(|burst| burst[who].outcome);
        let took = || outcomes().map(|outcome| outcome.took.as_secs_f64() * 1e3);
        let (low, high) = spread(took());
        let spread = format!("({low:.0} to {high:.0})");
        let mean = |count: fn(Outcome) -> usize| {
            outcomes().map(count).sum::<usize>() as f64 / bursts.len() as f64
        };
        table += &format!(
            "{row} {name:>9} | {:>8.0} {spread:>16} | {:>8.0} {:>8.0} {:>7.0}\n",
            median(took()),
            mean(|outcome| outcome.answered),
            mean(|outcome| outcome.busy),
            mean(|outcome| outcome.failed),
        );
    }
    table
}

/// Says so if not everybody got the list: then the figures of the row mean little.
fn trouble(rounds: &[[Sample; 3]]) -> String {
    let mut text = String::new();
    for (who, name) in NAMES.into_iter().enumerate() {
        let outcomes = || rounds.iter().map(|round| round[who].outcome);
        let busy: usize = outcomes().map(|outcome| outcome.busy).sum();
        let failed: usize = outcomes().map(|outcome| outcome.failed).sum();
        if busy + failed > 0 {
            text += &format!(" {name}: {busy} BUSY, {failed} FAILED");
        }
    }
    text
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count => (values[(count - 1) / 2] + values[count / 2]) / 2.0,
    }
}

/// The lowest and the highest.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}
