//! The figures that come of rounds, and the tables of requests. Everywhere the first of several
//! rivals is the tracker, and the others are what it is compared with.

use super::turns::{Rival, Sample};
use std::fmt;
use std::thread;
use std::time::Duration;

/// A ratio in each of several rounds: how many times as much.
#[derive(Debug, Clone)]
pub(crate) struct Ratio(Vec<f64>);

impl Ratio {
    /// `value` of each of `rounds` divided by its `baseline`.
    pub(crate) fn of<T>(
        rounds: &[T],
        value: impl Fn(&T) -> f64,
        baseline: impl Fn(&T) -> f64,
    ) -> Self {
        Self(
            rounds
                .iter()
                .map(|round| value(round) / baseline(round))
                .collect(),
        )
    }

    /// That of the round in the middle.
    pub(crate) fn median(&self) -> f64 {
        median(self.0.iter().copied())
    }
}

/// The median, and the lowest and the highest.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = spread(self.0.iter().copied());
        let spread = format!("({low:.2} to {high:.2})");
        write!(f, "{:>5.2} {spread:>14}", self.median())
    }
}

/// What is in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count => (values[(count - 1) / 2] + values[count / 2]) / 2.0,
    }
}

/// What so large a share of them does not exceed.
pub(crate) fn quantile(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let place = (share * values.len() as f64).ceil() as usize;
    values.get(place.max(1) - 1).copied().unwrap_or(f64::NAN)
}

/// The lowest and the highest.
pub(crate) fn spread(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

/// Says how it was measured.
pub(crate) fn headline(what: &str, rounds: usize, round: Duration) -> String {
    let cpus = thread::available_parallelism().map_or(0, usize::from);
    format!(
        "\n{what}: {rounds} rounds of {} ms for each, {cpus} CPUs\n",
        round.as_millis()
    )
}

/// The head of the table of [`row`]s, whose first columns are `what`.
pub(crate) fn header(what: &str, names: &[&str]) -> String {
    let all: String = names.iter().map(|name| format!("{name:>10}  ")).collect();
    let (before, width) = (what.len(), all.len());
    format!(
        "{:before$} | {:^width$}|  {:^19} | {:^width$}|  CPU\n\
         {what} | {all}| ratio (low to high)  | {all}| ratio",
        "", "requests/s", "rate", "CPU time per request, us",
    )
}

/// Rates and CPU times of all rivals, and the ratios of the first to the one named `beside`, or
/// else to the fastest of the others. That one is marked.
pub(crate) fn row(
    what: &str,
    rivals: &[Rival<'_>],
    rounds: &[Vec<Sample>],
    beside: Option<&str>,
) -> String {
    let everybody = 0..rivals.len();
    let rates: Vec<f64> = everybody
        .clone()
        .map(|who| median(rounds.iter().map(|round| round[who].outcome.rate)))
        .collect();
    let cpu: Vec<f64> = everybody
        .clone()
        .map(|who| {
            let cpu: Duration = rounds.iter().map(|round| round[who].cpu).sum();
            let answered: usize = rounds.iter().map(|round| round[who].outcome.answered).sum();
            cpu.as_secs_f64() * 1e6 / answered as f64
        })
        .collect();
    let others = everybody.skip(1);
    let base = others
        .filter(|&who| beside.is_none_or(|name| rivals[who].name == name))
        .max_by(|&a, &b| rates[a].total_cmp(&rates[b]))
        .unwrap_or_default();
    let all = |values: &[f64]| -> String {
        let marked = |(who, value)| {
            let mark = if who == base { '*' } else { ' ' };
            format!("{value:>10.0}{mark} ")
        };
        values.iter().enumerate().map(marked).collect()
    };
    let rate = |who: usize| move |round: &Vec<Sample>| round[who].outcome.rate;
    format!(
        "{what} | {}| {} | {}| {:>5.2}{}",
        all(&rates),
        Ratio::of(rounds, rate(0), rate(base)),
        all(&cpu),
        cpu[0] / cpu[base],
        trouble(rivals, rounds),
    )
}

/// Says so if not everybody was answered: then the figures of the row mean little.
fn trouble(rivals: &[Rival<'_>], rounds: &[Vec<Sample>]) -> String {
    let mut text = String::new();
    for (who, Rival { name, .. }) in rivals.iter().enumerate() {
        let outcomes = || rounds.iter().map(|round| round[who].outcome);
        let busy: usize = outcomes().map(|outcome| outcome.busy).sum();
        let failed: usize = outcomes().map(|outcome| outcome.failed).sum();
        if busy + failed > 0 {
            text += &format!(" {name}: {busy} BUSY, {failed} FAILED");
        }
    }
    text
}
