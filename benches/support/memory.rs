//! What the kernel keeps: sockets, stacks and page tables, and whatever else is in no process.

use super::process::number;
use super::run::Length;
use std::fs;
use std::thread;
use std::time::Duration;

/// Looks at it so many times …
const LOOKS: u32 = 5;

/// … within this time: what was freed is not there to be used at once, and what others take for a
/// moment is not to count.
const SETTLE: Duration = Duration::from_millis(450);

/// Bytes that the kernel uses for itself, once everything has settled.
///
/// What is neither free, nor a copy of something on a disk, nor in a process. So files that are
/// read meanwhile, and processes that come and go, are not in it but for what the kernel keeps
/// for them. Much of what a connection takes is counted nowhere else: pages that a thread holds to
/// send from are no slab and no stack.
pub(crate) fn kernel() -> i64 {
    let settle = Length::given().of(SETTLE, SETTLE, Duration::ZERO);
    let mut looks = [(); LOOKS as usize].map(|()| {
        thread::sleep(settle / LOOKS);
        look()
    });
    looks.sort_unstable();
    looks[looks.len() / 2]
}

fn look() -> i64 {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let table = read("/proc/meminfo");
    let of = |name| number(&table, name).unwrap_or_default();
    let others = [
        "MemFree:",
        "Buffers:",
        "Cached:",
        "SReclaimable:",
        "AnonPages:",
    ];
    let others: i64 = others.map(of).iter().sum();
    // Free pages that a processor keeps at hand are not counted as free. They can be hundreds of
    // megabytes, and go back to the others within a minute or so.
    let zones = read("/proc/zoneinfo");
    let at_hand = zones
        .lines()
        .map(|line| number(line.trim_start(), "count:"));
    let at_hand: i64 = at_hand.flatten().sum();
    let page = number(&read("/proc/self/smaps"), "KernelPageSize:").unwrap_or(4);
    (of("MemTotal:") - others - at_hand * page) * 1024
}
