//! Without sockets: a plain loop over all entries beside what the tracker calls.

use crate::kinds::{KINDS, Kind};
use crate::support::report::{Ratio, median};
use crate::support::run::Result;
use crate::support::sample::entry;
use crate::support::turns::take_turns;
use crate::{Plan, TARGET};
use gltracker::protocol::fields::Filter;
use gltracker::tracker::list::entry::Entry;
use gltracker::tracker::list::registry::Registry;
use gltracker::tracker::list::snapshot::List;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// The port of the first game server of the sample.
const FIRST_PORT: u16 = 10_000;

/// Microseconds of one filter.
#[derive(Debug, Clone, Copy)]
struct Cost {
    by_loop: f64,
    by_list: f64,
}

/// Whether the list changes between two filters.
#[derive(Debug, Clone, Copy)]
enum Case {
    Still,
    Changing,
}

/// A list in process, and filters that nobody has asked it for.
struct Bench {
    registry: Registry,
    /// Filters and changes so far.
    turn: usize,
}

/// The table of what there is without sockets.
pub(crate) fn compare(plan: &Plan, size: usize) -> Result<()> {
    let mut bench = Bench::new(size);
    let times = plan.looks.div_ceil(size);
    let whole = (0..plan.rounds_in_process).map(|_| bench.whole(times));
    println!(
        "\nIn process, {size} game servers, us: {} rounds, the whole list {:.1}, target {TARGET}\n\n\
         {:>25} {:>7} | {:^41} | {:^41}\n\
         {:>25} {:>7} | {columns} | {columns}",
        plan.rounds_in_process,
        median(whole),
        "",
        "",
        "nothing has changed",
        "one has changed in each piece",
        "filter",
        "matches",
        columns = format_args!("{:>9} {:>9}  {:<20}", "loop", "List", "ratio (low to high)"),
    );
    for kind in KINDS {
        let matches = bench.check(kind)?;
        let rounds = take_turns(
            plan.rounds_in_process,
            &[Case::Still, Case::Changing],
            |case| bench.cost(kind, case, times),
        )?;
        let column = |case: usize| {
            let middle =
                |value: fn(&Cost) -> f64| median(rounds.iter().map(|round| value(&round[case])));
            let ratio = Ratio::of(
                &rounds,
                |round| round[case].by_list,
                |round| round[case].by_loop,
            );
            format!(
                "{:>9.1} {:>9.1}  {ratio}",
                middle(|cost| cost.by_loop),
                middle(|cost| cost.by_list)
            )
        };
        println!(
            "{:>25} {matches:>7} | {} | {}",
            kind.name,
            column(0),
            column(1)
        );
    }
    Ok(())
}

impl Bench {
    fn new(size: usize) -> Self {
        let mut registry = Registry::new(1);
        for number in 0..size {
            let put = registry.put(number as u64, entry(number, 0));
            put.expect("no two have the same port");
        }
        Self { registry, turn: 0 }
    }

    /// Microseconds of copying the whole list together, the fastest of so many times.
    fn whole(&self, times: usize) -> f64 {
        let mut copy = Vec::new();
        let took = (0..times).map(|_| {
            let start = Instant::now();
            copy.clear();
            let list = self.registry.list();
            list.encoded()
                .for_each(|piece| copy.extend_from_slice(piece));
            black_box(&copy);
            start.elapsed().as_secs_f64() * 1e6
        });
        took.fold(f64::INFINITY, f64::min)
    }

    /// A filter of this kind that was not there before.
    fn filter(&mut self, kind: Kind) -> Result<Filter> {
        self.turn += 1;
        let text = (kind.text)(self.turn);
        Filter::parse(&text).map_err(|refusal| format!("{text}: {refusal:?}").into())
    }

    /// Fails unless both ways find the same; returns how many that are.
    fn check(&mut self, kind: Kind) -> Result<usize> {
        let filter = self.filter(kind)?;
        let list = self.registry.list();
        let found = list.encode_matching(&filter);
        match found == by_loop(&list, &filter) {
            true => Ok(found.0),
            false => Err(format!("{}: the two ways find other game servers", kind.name).into()),
        }
    }

    /// What the fastest of so many filters costs, with which no other program has interfered.
    fn cost(&mut self, kind: Kind, case: Case, times: usize) -> Result<Cost> {
        let mut one = |way: fn(&List, &Filter) -> (usize, Vec<u8>)| -> Result<f64> {
            let mut fastest = f64::INFINITY;
            for _ in 0..times {
                let filter = self.filter(kind)?;
                if let Case::Changing = case {
                    self.change();
                }
                let list = self.registry.list();
                let start = Instant::now();
                black_box(way(&list, &filter));
                fastest = fastest.min(start.elapsed().as_secs_f64());
            }
            Ok(fastest * 1e6)
        };
        Ok(Cost {
            by_loop: one(by_loop)?,
            by_list: one(List::encode_matching)?,
        })
    }

    /// Lets one game server in each piece have another number of players.
    fn change(&mut self) {
        let list = self.registry.list();
        let turn = self.turn;
        let one = |entries: &[Arc<Entry>]| {
            let port = entries[turn % entries.len()].address.port();
            usize::from(port - FIRST_PORT)
        };
        let pieces = list.pieces_since(None);
        let changing: Vec<usize> = pieces.map(|(_, entries)| one(entries)).collect();
        drop(list);
        for number in changing {
            let put = self.registry.put(number as u64, entry(number, turn));
            put.expect("it was there before");
        }
    }
}

/// The yardstick.
fn by_loop(list: &List, filter: &Filter) -> (usize, Vec<u8>) {
    let mut encoded = Vec::new();
    let mut count = 0;
    for entry in list.entries() {
        if filter.matches(&entry.infos) {
            for piece in entry.line() {
                encoded.extend_from_slice(piece.as_bytes());
            }
            count += 1;
        }
    }
    (count, encoded)
}
