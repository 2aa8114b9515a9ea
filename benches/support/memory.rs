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

/// Pages that went back between two looks: then what is free was looked at in between.
const MOVED: i64 = 512 * 1024;

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
    // Free pages that a processor keeps at hand are not counted as free. They can be hundreds of
    // megabytes, and go back to the others within a minute or so, some megabytes at a time.
    let mut at_hand = pages_at_hand();
    loop {
        let table = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let before = std::mem::replace(&mut at_hand, pages_at_hand());
        if (at_hand - before).abs() > MOVED {
            continue;
        }
        let of = |name| number(&table, name).unwrap_or_default();
        let others = [
            "MemFree:",
            "Buffers:",
            "Cached:",
            "SReclaimable:",
            "AnonPages:",
        ];
        let others: i64 = others.map(of).iter().sum();
        return (of("MemTotal:") - others) * 1024 - at_hand;
    }
}

/// Bytes in the free pages that processors keep at hand.
fn pages_at_hand() -> i64 {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let zones = read("/proc/zoneinfo");
    let counts = zones
        .lines()
        .filter_map(|line| number(line.trim_start(), "count:"));
    let page = number(&read("/proc/self/smaps"), "KernelPageSize:").unwrap_or(4);
    counts.sum::<i64>() * page * 1024
}
