//! Game servers that are only held: what each takes of the memory, and how fast they log in.
//!
//! ```text
//! cargo bench --bench hold               all of it, in 2 minutes
//! cargo bench --bench hold -- --quick    in short, in 25 seconds, most of them waiting for a PING
//! cargo bench --bench hold -- --most     15,000 at once for a minute
//! ```
//!
//! The first table is of memory for each game server, in KiB: `resident` is what the process has
//! (VmRSS), `in all` has what the kernel keeps for it too: sockets, stacks, page tables, and pages
//! to send from. `beyond idle` is what is there more than when the tracker had just started, with
//! all of its threads waiting; `with thread` is that and the thread. What the other
//! ends of the connections take, which are in this program, is not in it: that is half of what is
//! there more when a bare server holds as many. A thread is measured apart too: as what a tracker
//! with so many slots takes more than one with a few, shared out among the threads that it has
//! more.
//!
//! Beside the tracker (`gltracker`) is a bare loop that holds the same connections in the same
//! number of threads, having answered three lines each (`threads`), and one that does nothing but
//! accept, in one thread (`sockets`: one end). What to look at: `ratio`, of what one game server
//! takes in all with its thread to what it takes of `threads`, in the same run.
//!
//! The second table is of the time until all have logged in, 64 at once, and of the CPU time of
//! the server for it, as a ratio to `threads`. A login is a connection, LOGIN, INFOS and PING; the
//! bare loop answers the same three lines without looking at them. Both are at rest before.

use std::net::TcpStream;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

#[allow(dead_code, reason = "every bench uses a part of it")]
mod support;
use support::bare::{Bare, Kind};
use support::fleet::{AT_ONCE, Fleet};
use support::holder::{Held, Holder};
use support::load::{Outcome, fetch_list};
use support::memory;
use support::process::{Process, open_files};
use support::report::{Ratio, median};
use support::run::{Length, Result, is_given, shortage};
use support::tracker::{Slots, Tracker};
use support::turns::{Sample, take_turns};

/// The tracker says PING after 15 s of silence, and drops after 30.
const PING_BY: Duration = Duration::from_secs(28);

/// How long the most are held: four pings.
const HOLD_MOST: Duration = Duration::from_secs(60);

/// 15,000 game servers: about as many as threads that std can start, at four memory maps each and
/// the usual limit of 65,530.
const MOST: Slots = Slots {
    unit: 250,
    shares: [1, 60, 2, 1],
};

fn main() -> ExitCode {
    support::run::main(|length| match length {
        Length::Full if is_given("--most") => hold_most(),
        Length::Full => run(&[1_000, 4_000, 8_000], 5, true),
        Length::Quick => run(&[500], 3, true),
        Length::Smoke => run(&[20], 1, false),
    })
}

/// Measures with each number of game servers, and logs them in so many times.
fn run(sizes: &[usize], rounds: usize, waits_for_ping: bool) -> Result<()> {
    let wanted = sizes.iter().copied().max().unwrap_or_default();
    let most = Slots::most_listed(wanted, open_files());
    let warning = shortage(most, wanted);
    let mut logins = String::new();
    println!(
        "{warning}\nMemory for each game server that is held, KiB\n\n\
         {:>28} | {:^24} | {:^24} |\n\
         servers    held by     when | beyond idle  with thread | beyond idle  with thread | ratio",
        "", "resident", "in all",
    );
    for &size in sizes {
        let size = size.min(most);
        memory_of(size, waits_for_ping)?;
        logins += &login_row(size, rounds)?;
    }
    println!(
        "\nAll of them log in, {AT_ONCE} at once: {rounds} rounds for each\n\n\
         {:>7} | {:^20} | {:^20} |  CPU\n\
         servers | {:>9}  {:>9} | ratio (low to high)  | ratio\n{logins}{warning}",
        "", "logins/s", "time", "gltracker", "threads",
    );
    Ok(())
}

/// Bytes, in a process and in the kernel for it.
#[derive(Debug, Clone, Copy)]
struct Taken {
    resident: f64,
    in_all: f64,
}

impl Taken {
    /// What `process` takes now, if the kernel needed `kernel` before there was that process.
    fn by(process: &Process, kernel: i64) -> Self {
        let resident = process.resident();
        Self {
            resident: resident as f64,
            in_all: (resident + memory::kernel() - kernel) as f64,
        }
    }

    /// What is more than `before`, for each of so many.
    fn more_than(self, before: Self, count: i64) -> Self {
        Self {
            resident: (self.resident - before.resident) / count as f64,
            in_all: (self.in_all - before.in_all) / count as f64,
        }
    }
}

/// The rows of the table of memory for so many game servers.
fn memory_of(size: usize, waits_for_ping: bool) -> Result<()> {
    let end = end_of_socket(size)?;
    let mut rows = Vec::new();
    for holder in [Holder::Tracker, Holder::Threads] {
        let kernel = memory::kernel();
        let few = holder.start(1)?.process;
        let (few_threads, with_few) = (few.threads(), Taken::by(&few, kernel));
        drop(few);
        let kernel = memory::kernel();
        let Held {
            process, mut fleet, ..
        } = holder.start(size)?;
        let idle = Taken::by(&process, kernel);
        let more_threads = (process.threads() - few_threads).max(1);
        let thread = idle.more_than(with_few, more_threads);
        fleet.grow(size)?;
        let mut note = |when| {
            let mut taken = Taken::by(&process, kernel).more_than(idle, size as i64);
            taken.in_all -= end;
            rows.push((holder.name(), when, taken, thread));
        };
        note("logged in");
        if waits_for_ping && holder == Holder::Tracker {
            let start = Instant::now();
            while fleet.fewest_pings() == 0 {
                if start.elapsed() > PING_BY || fleet.listen_to_all().lost > 0 {
                    return Err("not everybody was sent a PING".into());
                }
                thread::sleep(Duration::from_millis(50));
            }
            note("pinged");
        }
    }
    let all = |&(_, _, taken, thread): &(_, _, Taken, Taken)| taken.in_all + thread.in_all;
    let base = rows.last().map_or(f64::NAN, all);
    let kib = |bytes: f64| bytes / 1024.0;
    for row in &rows {
        let (name, when, taken, thread) = row;
        println!(
            "{size:>7} {name:>10} {when:>9} | {:>11.1}  {:>11.1} | {:>11.1}  {:>11.1} | {:>5.2}",
            kib(taken.resident),
            kib(taken.resident + thread.resident),
            kib(taken.in_all),
            kib(all(row)),
            all(row) / base,
        );
    }
    println!(
        "{size:>7} {:>10} {:>9} | {:>11}  {:>11} | {:>11.1}  {:>11} | {:>5.2}",
        "sockets",
        "connected",
        "",
        "",
        kib(end),
        "",
        end / base,
    );
    Ok(())
}

/// What one end of a connection takes in the kernel. Both ends are on this machine, and one is
/// as large as the other.
fn end_of_socket(size: usize) -> Result<f64> {
    let bare = Bare::start(Kind::Hold, b"")?;
    let before = memory::kernel();
    let connect = |_| TcpStream::connect(bare.address);
    let streams: Vec<TcpStream> = (0..size).map(connect).collect::<std::io::Result<_>>()?;
    let both = memory::kernel() - before;
    drop(streams);
    Ok(both as f64 / (2 * size) as f64)
}

/// A row of the table of logins.
fn login_row(size: usize, rounds: usize) -> Result<String> {
    let rounds = take_turns(rounds, &[Holder::Tracker, Holder::Threads], |holder| {
        let Held {
            process, mut fleet, ..
        } = holder.start(size)?;
        process.settle();
        Sample::take(&process, || {
            let took = fleet.grow(size)?;
            let rate = size as f64 / took.as_secs_f64();
            Ok(Outcome {
                answered: size,
                rate,
                took,
                ..Outcome::default()
            })
        })
    })?;
    let rate = |who: usize| median(rounds.iter().map(|round| round[who].outcome.rate));
    let took = |who: usize| move |round: &Vec<Sample>| round[who].outcome.took.as_secs_f64();
    let cpu = |who: usize| rounds.iter().map(|round| round[who].cpu).sum::<Duration>();
    Ok(format!(
        "{size:>7} | {:>9.0}  {:>9.0} | {} | {:>5.2}\n",
        rate(0),
        rate(1),
        Ratio::of(&rounds, took(0), took(1)),
        cpu(0).as_secs_f64() / cpu(1).as_secs_f64(),
    ))
}

/// Holds as many as there can be, and looks whether everybody stays.
fn hold_most() -> Result<()> {
    let allowed = open_files().saturating_sub(256) / MOST.shares.iter().sum::<usize>();
    let slots = Slots {
        unit: allowed.clamp(1, MOST.unit),
        ..MOST
    };
    let size = slots.listed();
    let warning = shortage(size, MOST.listed());
    print!("{warning}");
    // On all addresses, since one does not have the ports for so many and for others.
    let tracker = Tracker::start_at("0.0.0.0:0", slots)?;
    let mut fleet = Fleet::spread(tracker.servers, 8);
    let took = fleet.grow(size)?;
    println!("{size} game servers logged in within {took:.1?}, {AT_ONCE} at once");
    let start = Instant::now();
    let cpu = tracker.process.cpu();
    while start.elapsed() < HOLD_MOST {
        fleet.listen_to_all();
        thread::sleep(Duration::from_millis(100));
    }
    let cpu = tracker.process.cpu() - cpu;
    let seen = fleet.listen_to_all();
    let list = fetch_list(tracker.clients)?;
    let listed = list.split_inclusive(|&byte| byte == b'\n');
    let listed = listed.filter(|line| line.starts_with(b"INFOS ")).count();
    println!(
        "held for {:.0?}: {} pings, all answered, at least {} to each; {} lost; {listed} on the \
         list at the end\n\
         resident {:.1} MiB in {} threads; {:.2} % of one CPU while they were held{warning}",
        start.elapsed(),
        seen.pings,
        fleet.fewest_pings(),
        seen.lost,
        tracker.process.resident() as f64 / 1024.0 / 1024.0,
        tracker.process.threads(),
        100.0 * cpu.as_secs_f64() / start.elapsed().as_secs_f64(),
    );
    // The last ping of a minute may come a moment after it.
    if seen.lost > 0 || listed != size || fleet.fewest_pings() < 3 {
        return Err("not everybody was held".into());
    }
    Ok(())
}
