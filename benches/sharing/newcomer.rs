//! One tracker more: what it costs to read a list, and to keep it.

use crate::group::{Group, wait_for};
use crate::support::run::Result;
use crate::support::tracker::{Slots, Tracker};
use crate::table::fact;
use std::time::{Duration, Instant};

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The thread that talks to the engine.
const SHARING: &str = "sharing";

/// Starts a tracker without game servers, which gets the list of `group`.
pub(crate) fn join(group: &mut Group) -> Result<()> {
    let slots = Slots::for_listed(1);
    let alone = Tracker::start(slots)?;
    alone.process.settle();
    let empty = alone.process.resident();
    drop(alone);
    let size = group.size();
    let before = group.engine()?.process.cpu();
    let start = Instant::now();
    let newcomer = group.another("127.0.0.1:0", "127.0.0.1:0", slots)?;
    wait_for(newcomer.clients, size, start, PATIENCE)?;
    let took = start.elapsed();
    let reading = newcomer.process.cpu_of_threads(SHARING);
    let engine = group.engine()?.process.cpu().saturating_sub(before);
    newcomer.process.settle();
    let kept = newcomer.process.resident() - empty;
    crate::table::part(&format!(
        "One more tracker, which has no game servers, reads {size} entries"
    ));
    let thousands = size as f64 / 1e3;
    fact(
        "from its start to a LIST that shows all",
        took.as_secs_f64() * 1e3,
        "ms",
    );
    fact(
        "CPU of its thread for 1,000 entries",
        reading.as_secs_f64() * 1e3 / thousands,
        "ms",
    );
    fact(
        "CPU of the engine for 1,000 entries, in ticks of 10 ms in all",
        engine.as_secs_f64() * 1e3 / thousands,
        "ms",
    );
    fact(
        "resident memory of an entry elsewhere",
        kept as f64 / size as f64,
        "bytes",
    );
    Ok(())
}

/// What the engine keeps for each entry.
pub(crate) fn memory_of_engine(group: &mut Group) -> Result<()> {
    let size = group.size() as f64;
    let engine = group.engine()?;
    let mut sizes = [0_u64; 2];
    let kinds = [":list:", ":changes:"];
    for key in engine.ask(&["KEYS", "*"])?.lines() {
        if let Some(kind) = kinds.iter().position(|kind| key.contains(kind)) {
            let usage = engine.ask(&["MEMORY", "USAGE", key, "SAMPLES", "0"])?;
            sizes[kind] += usage.parse::<u64>()?;
        }
    }
    let used = engine.figure("memory", "used_memory")?;
    fact(
        "memory of the engine for an entry in its hash",
        sizes[0] as f64 / size,
        "bytes",
    );
    fact(
        "memory of the engine for all streams",
        sizes[1] as f64 / 1024.0,
        "KiB",
    );
    fact("memory of the engine in all", used as f64 / 1e6, "MB");
    Ok(())
}
