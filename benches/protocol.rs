//! What the pure parts cost: reading and writing INFOS, filters, and keeping the list.
//!
//! ```text
//! cargo bench --bench protocol                      all of it, in a minute
//! cargo bench --bench protocol -- --quick list      in short, what has "list" in its name
//! ```
//!
//! What to look at:
//!
//! - `infos`: a game server sends one such line for every change; the tracker reads it once.
//! - `list/put` encodes one leaf, however long the list is: it grows by cache misses and nothing
//!   else. `list/put-while-read` copies that leaf, the pointers of its branch and those to the
//!   branches too, 35 at the most: one changed game server never costs encoding the others.
//! - `list/take` and `list/pieces` are what a LIST costs beside its system calls. `list/gather` is
//!   what it would cost to copy the list together before sending it, which the tracker does not do.
//! - `list/matching` is a LIST with conditions: the only one that looks at every game server.

use criterion::{BatchSize, BenchmarkId, Criterion};
use gltracker::protocol::fields::Filter;
use gltracker::protocol::fields::{Changes, Infos, MAX_FIELDS};
use gltracker::tracker::list::registry::Registry;
use std::hint::black_box;
use std::io::IoSlice;
use std::time::Duration;

mod support {
    pub(crate) mod sample;
}
use support::sample::{self, entry};

/// How many game servers are on the list.
const SIZES: [usize; 3] = [10, 1_000, 10_000];

fn main() {
    // Nothing here takes a millisecond: a second shows it often enough.
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_millis(1500))
        .configure_from_args();
    infos(&mut criterion);
    filter(&mut criterion);
    list(&mut criterion);
    criterion.final_summary();
}

fn infos(criterion: &mut Criterion) {
    let typical = sample::fields(7);
    let mut longest = typical.clone();
    for other in 8..MAX_FIELDS {
        longest += &format!(" other-{other}=value-{other}");
    }
    let mut group = criterion.benchmark_group("infos");
    for (fields, text) in [(8, typical), (MAX_FIELDS, longest)] {
        let changes = Changes::parse(&text).expect("the sample is valid");
        let infos = Infos::default().with(&changes);
        assert_eq!(infos.iter().count(), fields);
        group.bench_function(BenchmarkId::new("parse", fields), |bencher| {
            bencher.iter(|| Changes::parse(black_box(&text)));
        });
        group.bench_function(BenchmarkId::new("merge", fields), |bencher| {
            bencher.iter(|| Infos::default().with(black_box(&changes)));
        });
        let update = Changes::parse("nbplayers=3").expect("the sample is valid");
        group.bench_function(BenchmarkId::new("update", fields), |bencher| {
            bencher.iter(|| black_box(&infos).with(black_box(&update)));
        });
    }
}

fn filter(criterion: &mut Criterion) {
    const CONDITIONS: &str = "notempty notfull speed=fast nbplayers<=6";
    let filter = Filter::parse(CONDITIONS).expect("the sample is valid");
    let mut group = criterion.benchmark_group("filter");
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Filter::parse(black_box(CONDITIONS)));
    });
    // 2 satisfies all four conditions; 9 is empty, which the first one tells.
    for (what, number) in [("match", 2), ("mismatch", 9)] {
        let infos = entry(number, 0).infos;
        assert_eq!(filter.matches(&infos), what == "match");
        group.bench_function(what, |bencher| {
            bencher.iter(|| black_box(&filter).matches(black_box(&infos)));
        });
    }
}

fn list(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("list");
    for size in SIZES {
        let mut registry = Registry::new(1);
        for number in 0..size {
            let put = registry.put(number as u64, entry(number, 0));
            assert_eq!(put, Ok(None));
        }
        // Every time another game server has one player more.
        let mut turn = 0;
        let mut change = || {
            turn += 1;
            let number = turn * 7919 % size;
            (number as u64, entry(number, turn))
        };
        group.bench_function(BenchmarkId::new("put", size), |bencher| {
            bencher.iter_batched(
                &mut change,
                |(owner, entry)| registry.put(owner, entry),
                BatchSize::SmallInput,
            );
        });
        group.bench_function(BenchmarkId::new("put-while-read", size), |bencher| {
            bencher.iter_batched(
                &mut change,
                |(owner, entry)| {
                    let held = registry.list();
                    (registry.put(owner, entry), held)
                },
                BatchSize::SmallInput,
            );
        });

        group.bench_function(BenchmarkId::new("take", size), |bencher| {
            bencher.iter(|| black_box(&registry).list());
        });
        let list = registry.list();
        group.bench_function(BenchmarkId::new("pieces", size), |bencher| {
            bencher.iter(|| list.encoded().map(IoSlice::new).collect::<Vec<_>>());
        });
        let filter = Filter::parse("notempty speed=fast").expect("the sample is valid");
        group.bench_function(BenchmarkId::new("matching", size), |bencher| {
            bencher.iter(|| list.encode_matching(black_box(&filter)));
        });
        let bytes = list.encoded().map(<[u8]>::len).sum();
        group.bench_function(BenchmarkId::new("gather", size), |bencher| {
            bencher.iter(|| {
                let mut gathered = Vec::with_capacity(bytes);
                list.encoded()
                    .for_each(|piece| gathered.extend_from_slice(piece));
                gathered
            });
        });
    }
}
